# %% [markdown]
# # Blocking artefacts
#
# The network of this notebook gives as many pixels as it reads. So a map seems easy: cut
# the image into blocks, run the network on each block, and put the results side by side.
# Is this the map that the network would give for the whole image? If it is not, where is
# it wrong, and how do you make one that is right?
#
# **Afterwards you can**
#
# - recognise blocking artefacts in a map, and measure them,
# - follow the valid pixels through a network, at both ends of a row,
# - derive which crops and tiles give an exact map, and let the kit check it.
#
# **Needs** about 35 minutes of your time, seconds of computing and 1.1 GB of memory; no
# internet. The optional parts need more time.
#
# The scene is generated. The network comes with the kit. It was trained on patches of two
# images, as in notebook [06](06_two_sources.ipynb).

# %%
import textwrap
import warnings
from itertools import pairwise

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from IPython.display import display
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb07_blocking_artifacts as ex
from tutorial_lib.machine import find_data
from tutorial_lib.viewers.diagrams import show_fields

# %% tags=["parameters"]
town = find_data("town")
work = town.parent / "work" / "town" / "07_blocking_artifacts"
window = Window(col_off=300, row_off=200, width=640, height=512)

# %% [markdown]
# ## A town
#
# Satellites such as SPOT have one [panchromatic](glossary.md#panchromatic) band with
# small pixels, here called **pan**. It records all visible light at once. Their coloured
# bands, here called **xs**, have pixels that are four times as wide. In our town these
# are 1.5 m and 6 m. The town is made up, so the class of every pixel is known.

# %%
sources = {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"}
legend = tl.read_legend(town / "labels.tif")
pan, xs = (rasters.read_array(path).astype("float32") for path in sources.values())
tl.show(
    *sources.values(),
    town / "labels.tif",
    window=window,
    titles=("pan, 1.5 m", "xs, 6 m", "truth, 1.5 m"),
)

# %% [markdown]
# ## The network
#
# It is a [U-Net](glossary.md#u-net). In the [encoder](glossary.md#encoder), four
# convolutions with a [stride](glossary.md#stride) of 2 halve the image again and again. In the
# [decoder](glossary.md#decoder), four
# [transposed convolutions](glossary.md#transposed-convolution) double it until it has the
# size of pan again.

# %%
network = keras.models.load_model(recorded.weights_path("pan_xs_town"))
analysis = tl.analyse(network)
names = ["input_p", "conv1", "conv2", "input_xs", "conv_xs", "conv_xs_conv2"]
names += ["conv3", "conv4", "conv1t", "conv2t", "conv3t", "softmax"]
layers = analysis.table(128).loc[names, ["kind", "kernel", "stride", "size"]]
display(analysis.plot(128, "estimated"))
layers.astype("string").fillna("")

# %% [markdown]
# Read the picture from left to right. Orange layers halve the image, blue ones double
# it, and the grey one keeps its size. A lower line means larger pixels. At a circle,
# two images of the same size are added. First, xs joins pan. Then [skip
# connections](glossary.md#skip-connection), the dashed arrows, bring details from the
# encoder to the decoder. The last layer, `softmax`, gives the output `estimated`: the
# probabilities of the four classes.
#
# `size` is the number of pixels on a side, for 128 pan pixels. A convolution with a
# kernel of 3 needs a neighbour on each side. At the border of the image there is none.
# Each of these layers takes a zero in its place. This is
# [padding](glossary.md#padding), in Keras `padding="same"`.
#
# ## A map of blocks
#
# Two sizes count for each block:
#
# - The [receptive field](glossary.md#receptive-field) is the side of the block of image
#   pixels that the network reads.
# - The **[expression field](glossary.md#expression-field)** is the side of the block of
#   map pixels that it fills.
#
# In this picture, 12 pixels are read, and the 4 in the middle are written. The next block
# lies one expression field further.

# %%
show_fields(receptive_field=12, expression_field=4)

# %% exercise="plan_blocks"

# %% [markdown]
# Now the town is mapped with these blocks. The kit warns you, and makes the map all the
# same.

# %% exercise="wrong_pixels"

# %%
plan_blocks = ex.plan_blocks.answer()
with warnings.catch_warnings(record=True, action="always") as heard:
    blocks = plan_blocks(network, sources)
warning = str(heard[0].message)
print("Warning:", warning.partition(":")[0])
blocks_path = work / "blocks.tif"
blocks.write(blocks_path, progress=False)
building = legend.names.index("building")
picture = tl.show(
    blocks_path,
    bands=building + 1,
    value_range=(0, 1),
    window=window,
    titles="probability of a building",
)
ex.wrong_pixels.reveal(picture)

# %% [markdown]
# **What you see.** Straight lines, in rows and columns, that no town has: these are
# [blocking artefacts](glossary.md#blocking-artefact). The tutorial of OTBTF, an extension
# of the [Orfeo ToolBox](glossary.md#orfeo-toolbox), says of such a picture that the
# border of each 64 x 64 patch shows. **How large are the blocks here, in pixels of 1.5 m?
# At which columns are the largest jumps?**

# %% tags=["nbval-check-output"]
probability = rasters.read_array(blocks_path, bands=[building + 1])[..., 0]
jumps = np.abs(np.diff(probability, axis=1)).mean(axis=0)
largest = pandas.Series(jumps).nlargest(8).index + 1
score = tl.seam_score(blocks_path, tile=128)
print(f"seam score: {score:.2f}")
pandas.DataFrame(
    {"column": sorted(largest), "column / 128": sorted(largest / 128)}
).set_index("column")

# %% [markdown]
# **What you see.** The largest jumps lie at multiples of 128: the blocks have the size
# that you declared. 64 is the side of the patches that the network was trained on.
#
# The [seam score](glossary.md#seam-score) is the mean jump at the borders of tiles,
# divided by the mean jump elsewhere. Without seams it is about 1.
#
# ## Which pixels are valid?
#
# Along the border of a block, the first layer reads zeros that nobody has measured. Its
# results there are wrong. The next layer reads them, and spreads the error further in. A
# pixel is [valid](glossary.md#valid) if it depends on image pixels only. In a row of 128
# pixels of the result, 81 neighbouring pixels are valid, and 47 are not.

# %% exercise="lost_at_one_end"

# %% [markdown]
# To find out, number the pixels of a row from 0. Then follow the first and the last valid
# pixel through the network.

# %% exercise="after_conv"

# %% exercise="after_transposed"

# %% [markdown]
# The convolution of xs has a stride of 1. It is padded at both ends, so the first and the
# last of its 32 pixels are not valid. The last two columns count what is lost in pan
# pixels. **Which layers lose pixels at the start of the row, and which at its end?**

# %% tags=["nbval-check-output"]
after_conv = ex.after_conv.answer()
after_transposed = ex.after_transposed.answer()
ends = {"input_p": (0, 127)}
ends["conv1"] = after_conv(*ends["input_p"])
ends["conv2"] = after_conv(*ends["conv1"])
ends["conv_xs"] = (1, 30)
first, last = zip(ends["conv2"], ends["conv_xs"], strict=True)
ends["conv_xs_conv2"] = (max(first), min(last))  # valid where both parts are
ends["conv3"] = after_conv(*ends["conv_xs_conv2"])
ends["conv4"] = after_conv(*ends["conv3"])
for before, name in pairwise(("conv4", "conv1t", "conv2t", "conv3t", "softmax")):
    ends[name] = after_transposed(*ends[before])
rows = pandas.DataFrame(ends, index=["first", "last"]).T.astype(int)
rows["size"] = layers["size"]
pixel_size = 128 // rows["size"]
rows["lost at the start"] = rows["first"] * pixel_size
rows["lost at the end"] = (rows["size"] - 1 - rows["last"]) * pixel_size
ex.lost_at_one_end.reveal(rows)

# %% [markdown]
# **What you see.** The ends differ.
#
# - *At the start*, only the convolution of xs reads a zero. From there on, each layer of
#   the encoder doubles the loss. Each transposed layer loses one more pixel of its
#   output, but these pixels become smaller from layer to layer.
# - *At the end*, each convolution of the encoder reads a zero. The transposed layers lose
#   nothing there: only the pixel `last` is spread on pixel `2 last + 1`.
#
# The last row has the two **[margins](glossary.md#margin)**: the pixels at each end that
# are not valid. Columns behave as rows do. So the larger margin is that of the left and
# the top.
#
# Does the network agree? Run it on a chunk of 128 pixels alone, and again with the image
# around the chunk. Where both results are equal, the chunk's result is valid.


# %%
def run(row, col, side):
    """Probabilities of a square of pan pixels, given to the network alone."""
    small = slice(row // 4, (row + side) // 4), slice(col // 4, (col + side) // 4)
    image = pan[row : row + side, col : col + side], xs[small]
    inputs = {x: a[np.newaxis] for x, a in zip(sources, image, strict=True)}
    return network(inputs)["estimated"][0].numpy()


alone, around = run(512, 512, 128), run(384, 384, 384)[128:256, 128:256]
error = np.abs(alone - around).max(axis=-1)
right = np.flatnonzero(error[:, 64] < 1e-6)
margins = analysis.margins["estimated"]
print("In column 64, the rows from", right.min(), "to", right.max(), "are right.")
print("The kit's margins (left, top, right, bottom):", margins)
print(textwrap.fill("Its warning, in full: " + warning))
tl.show(np.log10(error + 1e-8), value_range=(-8, 0), kind="grey",
        titles="log10 of the error of a chunk: black is none")  # fmt: skip

# %% [markdown]
# **What you see.** In this picture, 1 less on the scale means ten times less error. The
# black part has none. It begins and ends at the rows that you have computed, and it does
# not lie in the middle. The kit derives the same margins from the layers, and its warning
# names them.
#
# ## Which crops work?
#
# A [crop](glossary.md#crop) removes the same number of pixels from all four sides of each
# chunk's result. What is left of the chunks is put side by side.

# %% exercise="crop_of_margin"

# %% tags=["nbval-check-output"]
rules = {}
for tried in (0, 16, 24, 31, 32, 36, 40):
    tile = 128 - 2 * tried
    rules[tried] = {
        "tile": tile,
        "removes the margins": tried >= max(margins),
        "fits the total stride": tile % analysis.total_stride["input_p"] == 0,
        "exact": tl.check_tiling(analysis, "estimated", tile=tile, crop=tried).exact,
    }
ex.crop_of_margin.reveal(pandas.DataFrame(rules).T.rename_axis("crop"))

# %% [markdown]
# **What you see.** There is a second rule. A convolution with a stride of 2 begins to read
# at the pixels 0, 2, 4, and so on. If a chunk begins one pixel later, the kernel stops at
# other pixels. Then all results differ, also in the middle. After four halvings, each
# chunk must begin at a multiple of 16, the **[total stride](glossary.md#total-stride)**,
# and be a multiple of 16 long. So two crops together must be a multiple of 16.
#
# The smallest crop that keeps both rules happens to be a power of two. The next one is
# not, and it works as well.
#
# ## The map without seams
#
# The kit's network has outputs with a crop built in. `estimated_crop32` gives the inner
# 64 of 128 pixels. So the receptive field stays 128, and the expression field is 64.

# %%
fields = {
    "input_p": tl.Source(sources["input_p"], receptive_field=128),
    "input_xs": tl.Source(sources["input_xs"], receptive_field=32),
}
cropped = tl.plan_inference(
    network, fields, output="estimated_crop32", expression_field=64
)
cropped_path = work / "cropped.tif"
cropped.write(cropped_path, progress=False)
cropped_score = tl.seam_score(cropped_path, tile=64)
print(f"seam score: {cropped_score:.2f}; without a crop it was {score:.2f}")
tl.compare(
    *(blocks_path, cropped_path),
    bands=building + 1,
    tile=(128, 64),
    window=window,
    titles=("blocks of 128", "crop 32"),
)

# %% [markdown]
# Drag the line over the seams, or let the maps *blink*: in one of them the lines are
# gone. *Tiles* draws the tiles of each map.
#
# The difference of the two maps tells how much was wrong. But first: **is pixel (0, 0)
# of one map the same place as pixel (0, 0) of the other?**

# %%
corners = {}
for name, plan in (("blocks of 128", blocks), ("crop 32", cropped)):
    grid = plan.grid
    corners[name] = {"rows": grid.height, "columns": grid.width}
    corners[name] |= {"x of the corner": grid.transform.c, "y": grid.transform.f}
print(textwrap.fill(repr(tl.rmse(blocks_path, cropped_path))))
pandas.DataFrame(corners).T.astype({"rows": int, "columns": int})

# %% [markdown]
# **What you see.** The cropped map begins 32 pixels further in. A difference pixel by
# pixel would compare a house with the garden beside it. `tl.rmse` compares places: it
# takes the part that both maps cover. [RMSE](glossary.md#rmse) is the root of the mean
# squared difference.

# %% [markdown] late="Skip it, and say that the kit can choose the tiles and prove them."
# ## Let the kit derive it
#
# A crop removes 32 pixels from all sides. But the right and the bottom need to lose only
# 16. Without declared fields, the kit removes from each side its own margin. It accepts
# only tile sizes that are exact. The picture shows all tiles, and for one of them what is
# read. **How much less will be computed?**

# %%
derived = tl.plan_inference(network, sources, output="estimated", tile_size=80)
small_tiles = tl.plan_inference(
    network, fields, output="estimated_crop32", expression_field=64, tile_size=64
)
plans = {"crop 32, tiles of 64": small_tiles, "derived, tiles of 80": derived}
read = {name: plan.redundancy for name, plan in plans.items()}
display(derived.plot())
pandas.Series(read, name="pixels read for each mapped").round(2).to_frame()

# %% [markdown]
# Larger tiles waste less still. `tile_size="auto"` chooses a size that reads few pixels
# twice and fits into the memory.
#
# Is the map exact for the network with its trained weights? `certify` measures it. It
# changes everything *around* a chunk, and looks how far into the result something
# changes. Then it maps an image in tiles and as a whole, and compares the two.

# %%
certificate = tl.certify(network, "estimated", tile=80)
print(certificate)
exact_path = work / "exact.tif"
tl.predict_raster(
    network, sources, exact_path, output="estimated", certificate=certificate,
    progress=False,
)  # fmt: skip
difference = tl.rmse(cropped_path, exact_path)
print("largest difference of the two maps:", difference.largest)

# %% [markdown]
# **What you see.** The certificate begins with the verdict. Below it are the margins,
# measured and derived from the layers: they are equal. Two ways to tile give the same
# map, except for rounding: the map of the whole image.
#
# The [certificate](glossary.md#certificate) is written into the file, so that those who
# get the map can read it.
#
# ## Optional: count the valid pixels
#
# Above, you were told that 81 of 128 pixels are valid. Compute it for any layer, without
# asking where these pixels lie.

# %% exercise="valid_size"

# %%
valid_size = ex.valid_size.answer()
valid = {"input_p": 128, "input_xs": 32}
valid["conv1"] = valid_size(valid["input_p"], 3, 2, False)
valid["conv2"] = valid_size(valid["conv1"], 3, 2, False)
valid["conv_xs"] = valid_size(valid["input_xs"], 3, 1, False)
# A sum is valid where both of its parts are.
valid["conv_xs_conv2"] = min(valid["conv2"], valid["conv_xs"])
valid["conv3"] = valid_size(valid["conv_xs_conv2"], 3, 2, False)
valid["conv4"] = valid_size(valid["conv3"], 3, 2, False)
valid["conv1t"] = valid_size(valid["conv4"], 3, 2, True)
valid["conv2t"] = valid_size(valid["conv1t"], 3, 2, True)
valid["conv3t"] = valid_size(valid["conv2t"], 3, 2, True)
valid["softmax"] = valid_size(valid["conv3t"], 3, 2, True)
valid = pandas.Series(valid).astype(int)
print(f"{128 - valid['softmax']} of 128 pixels are not valid.")
layers.assign(valid=valid).drop(columns="kind").astype("string").fillna("")

# %% [markdown]
# ## Optional: the smallest crop of any network
#
# Another network has other margins and another total stride. Write the rule for all.

# %% exercise="smallest_crop"

# %% [markdown]
# Larger chunks waste less, because the crop stays the same. Try any chunk and any crop:
# each bar is a layer, and its blue part is valid. **What is the smallest chunk of an
# exact map that costs less than two computed pixels for each pixel kept?**

# %%
smallest_crop = ex.smallest_crop.answer()
crop = int(smallest_crop(max(margins), analysis.total_stride["input_p"]))
print("smallest crop of this network:", crop)
tl.explore_fields(analysis, "estimated", chunk=128, crop=24)

# %% tags=["claim"]
full = analysis.table(128).loc[rows.index]
assert all(column % 128 == 0 for column in largest[:4])
assert score > 1.3
assert valid["softmax"] == full.loc["softmax", "valid"] == 81
assert (rows[["first", "last"]] == full[["first", "last"]]).all(axis=None)
assert rows.iloc[5:, 3].tolist() == [8, 16, 24, 28, 30, 31]
assert set(rows.iloc[6:, 4]) == {16}
assert (right.min(), right.max()) == tuple(rows.loc["softmax", ["first", "last"]])
table = pandas.DataFrame(rules).T.astype({"exact": bool})
assert table.index[table["exact"]].tolist() == [crop, crop + 8] == [32, 40]
assert table.loc[31, "tile"] == 66
assert (224 / (224 - 2 * crop)) ** 2 < 2 < (208 / (208 - 2 * crop)) ** 2
both = table["removes the margins"] & table["fits the total stride"]
assert (both == table["exact"]).all()
assert 0.8 < cropped_score < 1.2
assert derived.redundancy < 0.7 * small_tiles.redundancy
assert certificate.exact
assert certificate.margins == certificate.analysed_margins == margins
assert difference.largest < 1e-4

# %% [markdown]
# ## Summary
#
# - Padded layers read zeros at the border of a chunk. Deep networks carry the error far
#   in. In a map of blocks it shows as seams.
# - The valid pixels do not lie in the middle: each side has its own margin.
# - A map is exact if chunks begin and end at multiples of the total stride, and if the
#   margins are removed.
# - Large chunks waste less. From 224 pixels on, this network computes less than two pixels
#   for each pixel kept.
# - Compare maps by place, not by pixel number.
#
# ## Open task
#
# Map the town with the output `estimated_crop16` and the expression field that fits it.
# Which sides of each tile will still be wrong? Compare the map with `cropped_path` in
# `tl.compare`, and measure it with `tl.rmse` and `tl.seam_score`.
#
# Further reading:
#
# - [U-Net](https://doi.org/10.1007/978-3-319-24574-4_28), the network of this family. Its
#   authors avoid the seams by networks without padding, and call it the *overlap-tile*
#   strategy.
# - [Computing receptive fields of convolutional
#   networks](https://doi.org/10.23915/distill.00021) has the arithmetic for any layer.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# notebook [08](08_convolutional_distortion.ipynb) you weigh exactness against cost.
