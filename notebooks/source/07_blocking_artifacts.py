# %% [markdown]
# # Blocking artefacts
#
# A network that gives as many pixels as it reads seems made for maps: cut the image into
# blocks, map each, put them side by side. But then the blocks show. Where do the seams
# come from, and how does a map of tiles become the map of the whole image?
#
# **Afterwards you can**
#
# - recognise blocking artefacts in a map, and measure them,
# - follow the valid part through a network, layer by layer, at both ends,
# - say which crops and tiles give an exact map, and why,
# - let the kit work it out, and have it proven.
#
# **Needs** about 45 minutes of yours, a minute of computing, 1 GB of memory, no
# internet. The scene is generated, the network comes with the kit: it was trained as in
# [03](03_pixelwise_fcnn.ipynb), on patches of two sources as in
# [06](06_two_sources.ipynb).

# %%
import warnings

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb07_blocking_artifacts as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
town = find_data("town")
work = town.parent / "work" / "07_blocking_artifacts"
window = Window(col_off=300, row_off=200, width=640, height=512)

# %% [markdown]
# ## A town
#
# Satellites such as Spot have one *panchromatic* band with fine pixels, **pan**, and
# coloured ones with pixels four times as large, **xs**. Here these are 1.5 m and 6 m.
# The town is made up, so that everything about it is known. The network finds buildings.

# %%
sources = {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"}
legend = tl.read_legend(town / "labels.tif")
tl.show(
    *sources.values(),
    town / "labels.tif",
    window=window,
    titles=("pan, 1.5 m", "xs, 6 m", "truth, 1.5 m"),
)

# %% [markdown]
# ## The network
#
# It is an *encoder and decoder*: four convolutions with a stride of 2 halve the image
# again and again, four transposed ones double it until it has the size of pan. After each
# doubling but the last, what had that size on the way down is added, so that fine detail
# gets through; xs joins where pan has been halved twice. All layers are **padded**
# (`padding="same"`): at the border of what they read they invent zeros, so that nothing
# gets lost. Trained on patches of 64 x 64 pan pixels, it takes larger images as well.

# %%
network = keras.models.load_model(recorded.weights_path("pan_xs_town"))
chunk = {
    "input_p": np.zeros((1, 128, 128, 1), "float32"),
    "input_xs": np.zeros((1, 32, 32, 4), "float32"),
}
print("128 pan pixels give", network(chunk)["estimated"].shape[1])

# %% exercise="plan_blocks"

# %% [markdown]
# The kit has something to say about such a plan. **Where in the map of the probability
# of buildings will something be wrong?**

# %%
plan_blocks = ex.plan_blocks.answer()
with warnings.catch_warnings(record=True, action="always") as heard:
    blocks = plan_blocks(network, sources)
print(heard[0].message)
blocks_path = work / "blocks.tif"
blocks.write(blocks_path, progress=False)
building = legend.names.index("building")
tl.show(
    blocks_path,
    bands=building + 1,
    value_range=(0, 1),
    window=window,
    titles="probability of a building",
)

# %% [markdown]
# **What you see.** Straight lines at right angles, in rows and columns, that no town has.
# The OTBTF tutorial says of such a picture that every 64 x 64 patch shows. **How large
# are the blocks really?** Instead of guessing: how much do neighbouring columns differ,
# on average? Where are the largest jumps?

# %% tags=["nbval-check-output"]
probability = rasters.read_array(blocks_path, bands=[building + 1])[..., 0]
jumps = np.abs(np.diff(probability, axis=1)).mean(axis=0)
largest = sorted(np.argsort(jumps)[-4:] + 1)
print("the largest jumps are before columns that are multiples of 128:",
      all(column % 128 == 0 for column in largest))  # fmt: skip
assert all(column % 128 == 0 for column in largest)

# %% [markdown]
# The blocks are what was declared, 128 pixels; 64 is the size of the patches that the
# network was trained on. The **seam score** says it in one number: the mean jump at the
# borders of tiles, divided by the mean jump elsewhere. Without seams it is 1.

# %%
score = tl.seam_score(blocks_path, tile=128)
print(f"seam score: {score:.2f}")
assert score > 1.3

# %% [markdown]
# ## What stays valid
#
# At the border of a block, a convolution reads zeros that nobody has measured. What it
# gives there is wrong, the next layer spreads it, and so on. Of a block of 128 pixels,
# how many pixels of the result have seen nothing but the image?

# %% exercise="valid_size"

# %%
valid_size = ex.valid_size.answer()
valid = {"input_p": 128, "input_xs": 32}
valid["conv1"] = valid_size(valid["input_p"], 3, 2, False)
valid["conv2"] = valid_size(valid["conv1"], 3, 2, False)
valid["conv_xs"] = valid_size(valid["input_xs"], 3, 1, False)
valid["conv2 + conv_xs"] = min(valid["conv2"], valid["conv_xs"])
valid["conv3"] = valid_size(valid["conv2 + conv_xs"], 3, 2, False)
valid["conv4"] = valid_size(valid["conv3"], 3, 2, False)
for name, before in (("1t", "conv4"), ("2t", "conv1t"), ("3t", "conv2t")):
    valid[f"conv{name}"] = valid_size(valid[before], 3, 2, True)
valid["estimated"] = valid_size(valid["conv3t"], 3, 2, True)
pandas.Series(valid, name="valid pixels").to_frame()

# %% [markdown]
# 81 of 128 are valid. So 47 are not, 23.5 on each side. **Will it do to remove 24 pixels
# from each side?** The network itself can tell: it maps a chunk of 128 pixels alone, and
# once more with the image around it.

# %%
pan, xs = (rasters.read_array(path).astype("float32") for path in sources.values())


def run(row, col, side):
    """Probabilities of a square of pan pixels, fed to the network alone."""
    small = slice(row // 4, (row + side) // 4), slice(col // 4, (col + side) // 4)
    image = pan[row : row + side, col : col + side], xs[small]
    inputs = {x: a[np.newaxis] for x, a in zip(sources, image, strict=True)}
    return network(inputs)["estimated"][0].numpy()


alone, around = run(512, 512, 128), run(384, 384, 384)[128:256, 128:256]
error = np.abs(alone - around).max(axis=-1)
right = np.flatnonzero(error[:, 64] < 1e-6)
print("rows that are right in column 64:", right.min(), "to", right.max())
tl.show(np.log10(error + 1e-8), value_range=(-8, 0), kind="grey",
        titles="log10 of the error of a chunk: black is none")  # fmt: skip

# %% [markdown]
# **What you see.** On this scale, 1 less is ten times less. 81 rows are right, as
# computed. But they do not lie in the middle:
# more is lost at the left and the top than at the right and the bottom. With 24 pixels
# removed on each side, wrong ones would stay at two of them.
#
# Counting how many is not enough; one must know *where*.

# %% exercise="after_conv"

# %% [markdown]
# The kit follows both ends of the valid part through all layers; the additions on the
# way up take nothing more away, and are left out here. **Which layers lose pixels at the
# start?**

# %% tags=["nbval-check-output"]
after_conv = ex.after_conv.answer()
analysis = tl.analyse(network)
assert tuple(after_conv(*after_conv(0, 127))) == (0, 30)
columns = ["spacing", "size", "valid", "first", "last", "top", "bottom"]
table = analysis.table(128)[columns]
table[
    table.index.str.contains("conv|input|softmax") & ~table.index.str.contains("skip")
]

# %% [markdown]
# `valid` is your table; `first` and `last` say where. The convolution of xs, with a
# stride of 1, is padded on both sides and takes one pixel of 6 m at each; from the end,
# every layer takes some. Carried down to the deepest layer and up again, that makes
# **margins** of 31 at the left and the top, 16 at the right and the bottom.
#
# ## Which crops work
#
# A crop of 31 is enough, then? There is a second condition. A chunk that begins at an
# odd pixel is halved differently: the network sees the image through other pairs of
# pixels, and everything is different, in the middle too. After four halvings all chunks
# must begin at multiples of 16, the **total stride**, and be multiples of 16 long.

# %% exercise="smallest_crop"

# %%
smallest_crop = ex.smallest_crop.answer()
print("smallest crop:", smallest_crop(31, 16))
for crop in (0, 16, 24, 31, 32, 40):
    verdict = tl.check_tiling(analysis, "estimated", tile=128 - 2 * crop, crop=crop)
    print(f"crop {crop}, tile {128 - 2 * crop}:", *verdict.broken or ["exact"])

crop = smallest_crop(31, 16)
assert tl.check_tiling(analysis, "estimated", tile=128 - 2 * crop, crop=crop).exact

# %% [markdown]
# **What you see.** 24 breaks the first rule, 31 the second. 32 keeps both, and not
# because it is a power of two: 40 works as well.
#
# Try any chunk and any crop: each bar is a layer, its blue part is valid. **Which is the
# smallest chunk with which an exact map costs less than two pixels computed for each one
# kept?**

# %%
tl.explore_fields(analysis, "estimated", chunk=128, crop=24)

# %% tags=["nbval-check-output"]
for side in (128, 160, 192, 208, 224, 256):
    kept = side - 2 * crop
    verdict = tl.check_tiling(analysis, "estimated", tile=kept, crop=crop)
    print(f"chunk {side}, crop {crop}: {(side / kept) ** 2:.2f} computed for each kept,",
          "exact" if verdict.exact else "not exact")  # fmt: skip

# %% [markdown]
# ## The map without seams
#
# The network has outputs with a crop built in. `estimated_crop32` gives the inner 64 of
# 128 pixels.

# %%
fields = {
    name: tl.Source(path, receptive_field=field)
    for (name, path), field in zip(sources.items(), (128, 32), strict=True)
}
cropped = tl.plan_inference(
    network, fields, output="estimated_crop32", expression_field=64
)
cropped_path = work / "cropped.tif"
cropped.write(cropped_path, progress=False)
score = tl.seam_score(cropped_path, tile=64)
print(f"seam score: {score:.2f}")
assert 0.8 < score < 1.2
tl.compare(
    blocks_path,
    cropped_path,
    bands=building + 1,
    tile=(128, 64),
    window=window,
    titles=("blocks of 128", "crop 32"),
)

# %% [markdown]
# Pull the line over the seams, or let the maps *blink*: in one of them the lines are gone.
# *Tiles* draws where the tiles of each map are.
#
# How much was wrong? The difference of the two maps tells, but **is pixel (0, 0) of one
# map the same place as pixel (0, 0) of the other?**

# %% tags=["nbval-check-output"]
for name, plan in (("blocks", blocks), ("crop 32", cropped)):
    corner = plan.grid.transform
    print(f"{name:8} {plan.grid.shape.y} x {plan.grid.shape.x} px, "
          f"corner ({corner.c:.1f}, {corner.f:.1f})")  # fmt: skip

# %%
tl.rmse(blocks_path, cropped_path)

# %% [markdown]
# The cropped map begins 32 pixels, 48 m, further in: the same window of both *files* is
# not the same place, so a difference pixel by pixel would compare a house with its
# neighbour's garden. `tl.rmse` compares places: it takes the part that both maps cover.
#
# ## Let the kit work it out
#
# A crop of 32 on all sides keeps 64 of 128 pixels. But at the right and the bottom only
# 16 had to go: 80 could be kept. **How much less would there be to compute?**

# %% tags=["nbval-check-output"]
derived = tl.plan_inference(network, sources, output="estimated", tile_size=80)
print(derived)
small_tiles = tl.plan_inference(
    network, fields, output="estimated_crop32", expression_field=64, tile_size=64
)
less = 1 - derived.redundancy / small_tiles.redundancy
print(f"\n{less:.0%} less to compute than with a crop of 32")

# %% [markdown]
# Without any field declared, the plan knows margins and total stride from the network,
# and only tile sizes that work are allowed. Larger tiles waste less still; `"auto"`
# takes what the memory allows.

# %%
derived.plot()

# %% [markdown]
# Is all of that true, of these very weights? `certify` does not believe the analysis. It
# feeds the network random images, changes everything *around* a chunk, and sees how far
# in the result changes; then it maps an image in tiles and as a whole.

# %%
certificate = tl.certify(network, "estimated", tile=80)
print(certificate)
exact_path = work / "exact.tif"
tl.predict_raster(
    network, sources, exact_path, output="estimated", certificate=certificate,
    progress=False,
)  # fmt: skip
difference = tl.rmse(cropped_path, exact_path)
print("crop 32 against derived:", difference)
assert certificate.exact
assert difference.largest < 1e-4

# %% [markdown]
# **What you saw.** Two ways to tile, one map: that of the whole image. The certificate is
# written into the file, for whoever gets the map.
#
# ## Summary
#
# - Padded layers invent pixels at the border of what they are fed; deep networks carry
#   them far in. In a map of blocks they show as seams.
# - The valid part is not in the middle. Margins are counted at each side.
# - Exact are chunks that begin and end at multiples of the total stride, from which the
#   margins are removed. 32 is such a crop for this network, 24 is not.
# - Maps are compared by place, not by pixel number.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [08](08_convolutional_distortion.ipynb) you weigh exactness against cost.
