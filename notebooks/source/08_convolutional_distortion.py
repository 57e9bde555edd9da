# %% [markdown]
# # Convolutional distortion
#
# Notebook [07](07_blocking_artifacts.ipynb) removed so much of each chunk that the map
# became exact. But how wrong is a map with a smaller crop? And is exactness worth what it
# costs, for a deeper network that needs a larger crop still?
#
# **Afterwards you can**
#
# - say how the crop of a network grows with its depth,
# - measure the distortion that a crop leaves,
# - weigh it against its cost, and choose,
# - tell what a network could see from what it looks at.
#
# **Needs** about 45 minutes of yours, a minute of computing, 1 GB of memory, no
# internet.

# %%
import warnings

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb08_convolutional_distortion as ex
from tutorial_lib.machine import find_data


def halve(net, filters):
    return keras.layers.Conv2D(filters, 3, 2, "same", activation="relu")(net)


def double(net, filters, activation="relu"):
    layer = keras.layers.Conv2DTranspose
    return layer(filters, 3, 2, "same", activation=activation)(net)


# %% tags=["parameters"]
town = find_data("town")
work = town.parent / "work" / "08_convolutional_distortion"
crops = (0, 8, 16, 24, 32, 48, 63, 64, 80, 96, 112, 128, 192, 256)

# %% [markdown]
# ## Deeper networks
#
# The network of notebook 07 halves the image four times. Each further halving lets it see
# more of the surroundings of a pixel: roads that go on, blocks of houses. **What will
# one more halving do to the margins?**

# %% tags=["nbval-check-output"]
rows = {}
for depth in (3, 4):
    network = tl.architectures.deeper_unet(4, depth=depth, crops=())
    analysis = tl.analyse(network)
    left, top, right, bottom = analysis.margins["estimated"]
    rows[depth] = (left, right, analysis.total_stride["input_p"])

columns = ["margin left, top", "margin right, bottom", "total stride"]
pandas.DataFrame(rows, index=columns).T.rename_axis("halvings")

# %% exercise="exact_crop"

# %% tags=["nbval-check-output"]
exact_crop = ex.exact_crop.answer()
for depth in (5, 6, 7):
    network = tl.architectures.deeper_unet(4, depth=depth, crops=())
    verdict = tl.check_tiling(tl.analyse(network), "estimated", tile=2**depth, crop=0)
    print(
        f"{depth} halvings: crop {exact_crop(depth)}; the kit finds {verdict.crops[0]}"
    )
    assert exact_crop(depth) == verdict.crops[0]

# %% [markdown]
# With seven halvings, 256 pixels are lost on each side. We take **five**.

# %% exercise="deeper"

# %%
Deeper = ex.deeper.answer()
analysis = tl.analyse(Deeper().build({"input_p": 1, "input_xs": 4}))
print(analysis.explain(256, "estimated"))

# %% [markdown]
# **What you see.** The layers that take something away, and how much of 256 pixels is
# left at the end.
#
# To see distortion, a network must have learnt something. The kit brings this one
# trained, like the one of notebook 07, with many more crops.

# %%
network = keras.models.load_model(recorded.weights_path("deep_town"))
assert tl.analyse(network).margins["estimated"] == analysis.margins["estimated"]

# %% [markdown]
# ## Measuring the distortion
#
# As in notebook 07, a chunk is mapped alone, and once more with the image around it. What
# differs is distortion.

# %%
sources = {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"}
pan, xs = (rasters.read_array(path).astype("float32") for path in sources.values())


def run(row, col, side):
    """Probabilities of a square of pan pixels, fed to the network alone."""
    small = slice(row // 4, (row + side) // 4), slice(col // 4, (col + side) // 4)
    image = pan[row : row + side, col : col + side], xs[small]
    inputs = {x: a[np.newaxis] for x, a in zip(sources, image, strict=True)}
    return network(inputs)["estimated"][0].numpy()


# %%
alone = run(320, 320, 256)
around = run(192, 192, 512)[128:384, 128:384]
legend = tl.read_legend(town / "labels.tif")
building = legend.names.index("building")
tl.show(
    alone[..., building], around[..., building],
    5 * abs(alone - around)[..., building], value_range=(0, 1), kind="grey",
    titles=("building, alone", "with the image around", "5 times the difference"),
)  # fmt: skip

# %% [markdown]
# **What you see.** The two differ along the borders. Further in, one sees nothing. But is
# there nothing?

# %% exercise="distortion"

# %% [markdown]
# **Guess: by how much does the distortion fall from crop 0 to crop 32, half of what an
# exact map needs?**

# %%
distortion = ex.distortion.answer()
measured = {crop: distortion(alone, around, crop) for crop in crops if crop < 100}
print(f"from crop 0 to crop 32 it falls to 1 / {measured[0] / measured[32]:.0f}")
pandas.Series(measured, name="distortion").rename_axis("crop").to_frame()

# %% [markdown]
# **What you see.** There are two steps, at the two margins: from 32 on, the right and the
# bottom are clean, and from 63 on, the left and the top as well. What is left then is
# rounding, as sums are made in another order.
#
# One chunk may be an odd one. The kit measures at several places, and larger crops, for
# which the chunks must be larger, too. Its errors are smaller than yours, for two
# reasons: of a larger chunk the borders are a smaller part, and *per value* means that
# the squares are averaged over the bands, not summed. With four bands that halves it.

# %%
curve = tl.distortion_curve(network, sources, output="estimated", crops=crops, count=3)
print(curve)
curve.plot()

# %% [markdown]
# **What you see.** On the left the distortion, on a scale where each step is ten times
# less, and the cost, which is that of chunks of this size; on the right, how the error
# falls with the distance from each side of the chunk.

# %% tags=["nbval-check-output"]
table = curve.table()
assert table.loc[0, "rmse"] > 10 * table.loc[48, "rmse"]
assert table.loc[64, "largest"] < 1e-5 < table.loc[48, "largest"]
print("crops that can be tiled: ", *table.index[table["tiles"]])
print("crops that are exact:    ", *table.index[table["exact"]])
print("both:                    ", *table.index[table["exact"] & table["tiles"]])

# %% [markdown]
# Not every crop can be used for a map: after 8, 24 or 63, what is left of a chunk is no
# multiple of the total stride, 32. That is why single chunks were measured. 63 is exact,
# and no map can be made with it.
#
# ## How far the network looks
#
# The margins say how far the network *could* see. Does it? Cut what each border reaches
# into an outer half and an inner half. **How much larger is the error in the outer one?**

# %%
profile = curve.by_distance()
for side in profile:
    error = profile[side].dropna()
    reached = np.flatnonzero(error > 1e-6).max() + 1
    outer, inner = error[: reached // 2].mean(), error[reached // 2 : reached].mean()
    print(
        f"{side:6} reaches {reached} px; outer half {outer / inner:.1f} times the inner"
    )
    assert outer > 1.5 * inner

# %% [markdown]
# **What you saw.** The network could look far, and looks mostly at what is near: its
# *effective* receptive field is a part of the theoretical one. That is known of deep
# networks (Luo and others, 2016). Look at the plot again: the error falls fast within a
# few pixels, and once more before the right margin; at the left and the top a small rest
# then stays nearly the same, and ends at their margin. So a small crop takes most of the
# distortion away, and only a large one takes all.
#
# ## What a crop costs

# %% exercise="cost"

# %% [markdown]
# **With a chunk of 256 pixels, how many times longer does an exact map take than one
# without a crop?**

# %%
cost = ex.cost.answer()
sizes = (256, 512, 1024)
costs = {f"chunk {n}": {c: cost(n, c) for c in (0, 16, 32, 64)} for n in sizes}
pandas.DataFrame(costs).rename_axis("crop").round(2)

# %% [markdown]
# For a large chunk even the exact crop is cheap. So the question is rarely *exact or
# fast*: it is how large a chunk fits into the memory. The kit cuts less at the right and
# the bottom, too, where the margin is smaller. Two plans for the same map:

# %% tags=["nbval-check-output"]
for tile_size in (160, 416):
    plan = tl.plan_inference(network, sources, output="estimated", tile_size=tile_size)
    chunk = len(plan.job.chunk(plan.tiles[0], plan.job.names[0])[0])
    print(f"tiles of {tile_size}: chunks of {chunk}, "
          f"{plan.redundancy:.2f} pixels read for each mapped")  # fmt: skip

# %% [markdown]
# ## Do the seams show?
#
# Three maps in blocks of 256 pixels, with crops of 0, 16 and 64. **Which of them will
# leave seams that can be seen?** The score takes the total stride, 32: a network leaves a
# pattern that repeats with it, so borders of tiles are compared with its other multiples.

# %%
fields = {
    name: tl.Source(path, receptive_field=field)
    for (name, path), field in zip(sources.items(), (256, 64), strict=True)
}
paths = {}
for crop in (0, 16, 64):
    paths[crop] = work / f"crop{crop}.tif"
    name, side = f"estimated_crop{crop}" if crop else "estimated", 256 - 2 * crop
    with warnings.catch_warnings(action="ignore"):  # we know: notebook 07
        plan = tl.plan_inference(
            network, fields, output=name, expression_field=side, tile_size=side
        )
    plan.write(paths[crop], progress=False)
    score = tl.seam_score(paths[crop], tile=side, stride=32)
    print(f"crop {crop:2}: seam score {score:.2f}")

# %%
tl.compare(
    *paths.values(),
    bands=building + 1,
    tile=(256, 224, 128),
    window=Window(128, 128, 400, 320),
    titles=("crop 0", "crop 16", "crop 64"),
)

# %% tags=["nbval-check-output"]
distances = {crop: tl.rmse(paths[crop], paths[64]) for crop in (0, 16)}
assert distances[16].summed_over_bands < distances[0].summed_over_bands / 2
for crop, d in distances.items():
    print("crop", crop, "and crop 64 both cover {} x {} px".format(*d.window_shape))

# %%
exact, rows = rasters.read_array(paths[64]), {}
for crop, d in distances.items():
    height, width = d.window_shape
    same_place = rasters.read_array(paths[crop])[64 - crop :, 64 - crop :]
    error = abs(same_place[:height, :width] - exact[:height, :width]).max(axis=-1)
    rows[f"crop {crop}"] = {
        "summed over bands": d.summed_over_bands,
        "share of pixels wrong by more than 0.01": (error > 0.01).mean(),
        "share of pixels wrong by more than 0.1": (error > 0.1).mean(),
        "largest": error.max(),
    }
    assert np.isclose(error.max(), d.largest)
pandas.DataFrame(rows).round(3)

# %% [markdown]
# **What you saw.** Of crop 0 the score says what the eye does. The map of crop 64 is
# exact, so what its score is away from 1 is chance: a border of tiles may run along a row
# of houses. Crop 16 is further away, a trace of seams is left.
#
# The three maps have different corners; `tl.rmse` compares where both lie. Crop 16 nearly
# hides the seams from the eye, and yet a share of the pixels is wrong, single ones by
# nearly as much as can be. Whether that matters depends on the use: for a picture hardly,
# for change detection between two maps it does.
#
# ## Summary
#
# - The exact crop doubles with each halving.
# - Distortion falls quickly with the crop and is gone at the margin; most of what a
#   network sees is near.
# - Cost depends on chunk and crop: larger chunks make exactness cheap.
# - Compare maps where both lie, and say whether bands were summed or averaged.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*.
