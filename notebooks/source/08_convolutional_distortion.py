# %% [markdown]
# # Convolutional distortion
#
# In notebook [07](07_blocking_artifacts.ipynb) a crop removed so much of each chunk that
# the map became exact. This notebook is for those who use deep padded networks. Such a
# network needs a large crop. Is exactness worth what it costs? And how wrong is a map
# with a smaller crop?
#
# **Afterwards you can**
#
# - say how the exact crop grows with the depth of a network,
# - measure the distortion that a crop leaves,
# - weigh the distortion against its cost, and choose.
#
# **Needs** about 20 minutes of your time, seconds of computing and 1.1 GB of memory; no
# internet. The optional parts need more time.

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

# %% tags=["parameters"]
town = find_data("town")
work = town.parent / "work" / "town" / "08_convolutional_distortion"
crops = (0, 8, 16, 24, 32, 48, 63, 64, 80, 96, 112, 128, 192, 256)

# %% [markdown]
# ## Deeper networks
#
# The network of notebook 07 halves the image four times. With each further halving, a
# result depends on more of the image around it: on roads that go on, on blocks of houses.
# **What does one more halving do to the [margins](glossary.md#margin)?**

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
found = {}
for depth in (3, 4, 5, 6, 7):
    network = tl.architectures.deeper_unet(4, depth=depth, crops=())
    verdict = tl.check_tiling(tl.analyse(network), "estimated", tile=2**depth, crop=0)
    found[depth] = verdict.crops[0]

crop_table = pandas.Series(found, name="smallest exact crop").rename_axis("halvings")
ex.exact_crop.reveal(crop_table.to_frame())

# %% [markdown]
# **What you see.** The exact crop doubles with each halving. So deep networks soon lose
# more of a chunk than they keep.
#
# ## Measuring the distortion
#
# To show distortion, a network must have learnt something. The kit brings the network
# with five halvings trained, on the same patches as that of notebook 07.
#
# As there, a chunk is mapped alone, and again with the image around it. The difference is
# the [distortion](glossary.md#distortion): the error that comes from the zeros at the
# chunk's borders.

# %%
trained = keras.models.load_model(recorded.weights_path("deep_town"))
# Only the outputs that are used here: a network with fewer outputs takes less memory.
names = ("estimated", "estimated_labels", "estimated_crop16", "estimated_crop64")
network = keras.Model(trained.input, {name: trained.output[name] for name in names})
sources = {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"}
pan, xs = (rasters.read_array(path).astype("float32") for path in sources.values())


def run(row, col, side):
    """Probabilities of a square of pan pixels, given to the network alone."""
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
# **What you see.** The two results differ along the borders. Further in, the picture shows
# no difference. Is there none? A picture cannot tell, so measure it.

# %% exercise="distortion"

# %% [markdown]
# A crop of 64 is exact here. A crop of 32 is half of that. **Guess: how many times
# smaller is the distortion with a crop of 32 than with none?**

# %%
distortion = ex.distortion.answer()
measured = {
    crop: float(distortion(alone, around, crop)) for crop in crops if crop < 100
}
print(f"With a crop of 32 it is {measured[0] / measured[32]:.0f} times smaller.")
pandas.Series(measured, name="distortion").rename_axis("crop").to_frame()

# %% [markdown]
# **What you see.** The distortion falls with the crop, and it ends at the larger margin,
# 63. From 32 on, the right and the bottom are clean. From 63 on, the left and the top are
# clean too. Then no difference is left, except for rounding: on some computers, sums are
# made in another order.

# %% [markdown] late="Say it in one sentence: large chunks make the exact crop cheap."
# ## What a crop costs
#
# The network computes all pixels of a chunk, and the crop throws some away. The cost is
# the number of pixels computed for each pixel kept.

# %% exercise="cost"

# %% tags=["nbval-check-output"]
costs = {
    f"chunk {chunk}": {
        crop: (chunk / (chunk - 2 * crop)) ** 2 for crop in (0, 16, 32, 64)
    }
    for chunk in (256, 512, 1024)
}
ex.cost.reveal(pandas.DataFrame(costs).rename_axis("crop").round(2))

# %% [markdown]
# **What you see.** With small chunks it is expensive: half of each side is thrown away.
# With large chunks even the exact crop is cheap. So the question is seldom *exact or
# fast*. It is how large a chunk fits into the memory. Without declared fields, the kit
# chooses the chunk, and it removes less at the right and the bottom.
#
# ## Do the seams show?
#
# The town is mapped three times in blocks of 256 pixels, with crops of 0, 16 and 64. The
# score gets the total stride, 32: such a network leaves a pattern that repeats every 32
# pixels. So the borders of tiles are compared with the other multiples of 32. In the
# comparison, *First* and *Second* choose two of the maps. **In which of the three will you
# see seams?**

# %%
stride = tl.analyse(network).total_stride["input_p"]
fields = {
    "input_p": tl.Source(sources["input_p"], receptive_field=256),
    "input_xs": tl.Source(sources["input_xs"], receptive_field=64),
}
paths, seams = {}, {}
for crop in (0, 16, 64):
    paths[crop] = work / f"crop{crop}.tif"
    name, side = f"estimated_crop{crop}" if crop else "estimated", 256 - 2 * crop
    with warnings.catch_warnings(action="ignore"):  # known from notebook 07
        plan = tl.plan_inference(
            network, fields, output=name, expression_field=side, tile_size=side
        )
    plan.write(paths[crop], progress=False)
    seams[crop] = tl.seam_score(paths[crop], tile=side, stride=stride)
pandas.Series(seams, name="seam score").rename_axis("crop").round(2).to_frame()

# %%
tl.compare(
    *paths.values(),
    bands=building + 1,
    tile=(256, 224, 128),
    window=Window(128, 128, 640, 480),
    titles=("crop 0", "crop 16", "crop 64"),
)

# %% exercise="hidden_errors"

# %%
distances = {crop: tl.rmse(paths[crop], paths[64]) for crop in (0, 16)}
exact, wrong = rasters.read_array(paths[64]), {}
for crop, distance in distances.items():
    height, width = distance.window_shape
    same_place = rasters.read_array(paths[crop])[64 - crop :, 64 - crop :]
    error = abs(same_place[:height, :width] - exact[:height, :width]).max(axis=-1)
    wrong[f"crop {crop}"] = {
        "RMSE, summed over bands": distance.summed_over_bands,
        "share of pixels wrong by more than 0.01": (error > 0.01).mean(),
        "share of pixels wrong by more than 0.1": (error > 0.1).mean(),
        "largest error": distance.largest,
    }
wrong = pandas.DataFrame(wrong)
ex.hidden_errors.reveal(wrong.round(3))

# %% [markdown]
# **What you see.** Without a crop, the score agrees with the eye. The map of crop 64 is
# exact, so its score differs from 1 by chance only: a border of tiles may follow a row of
# houses. The three maps have different corners, and `tl.rmse` compares the same places.
#
# A crop of 16 hides most of the seams. Yet some pixels are wrong, and a few of them are
# wrong by a lot. In one picture, they are hard to see. But if you compare two maps to
# find what has changed, such errors look like changes.
#
# ## Optional: build the deeper network
#
# The network above comes with the kit. Here you build it yourself, with a function that
# halves an image, and one that doubles it.


# %%
def halve(net, filters):
    return keras.layers.Conv2D(filters, 3, 2, "same", activation="relu")(net)


def double(net, filters, activation="relu"):
    layer = keras.layers.Conv2DTranspose
    return layer(filters, 3, 2, "same", activation=activation)(net)


# %% exercise="deeper"

# %%
Deeper = ex.deeper.answer()
deeper_analysis = tl.analyse(Deeper().build({"input_p": 1, "input_xs": 4}))
table = deeper_analysis.table(256)
table.loc[
    table["kernel"].notna(), ["kernel", "stride", "size", "valid", "left", "right"]
]

# %% [markdown]
# **What you see.** The layers with a kernel, for a chunk of 256 pixels. The layers have no
# names of their own, so the kit counts those of a kind. `left` and `right` are what each
# layer has lost so far, in its own pixels. The last row has the margins.
#
# ## Optional: which crops can be used?
#
# One chunk may be unusual, so the kit averages over several places, with larger chunks so
# that larger crops fit.

# %%
curve = tl.distortion_curve(network, sources, output="estimated", crops=crops, count=3)
curve.plot()

# %% [markdown]
# **What you see.** On the left: the error with each crop, on a scale where one step is
# ten times less, and the cost with chunks of this size. On the right: how the error falls
# with the distance from each side, down to rounding at its margin.
#
# The error is *per value*: the squares are averaged over the four bands. You have summed
# them: that gives twice as much for the same chunk. Hollow marks are crops that no map can
# use. **Why not? And which crops can be used *and* remove the margins?**

# %% tags=["nbval-check-output"]
table = curve.table()
usable = table[["tiles", "exact"]].assign(rest=2 * table.index % stride)
headings = ["can be used", "removes the margins", f"2 crops % {stride}"]
usable.set_axis(headings, axis="columns")

# %% [markdown]
# **What you see.** A crop can be used if two crops together are a multiple of the total
# stride. With others, the next chunk would begin between two multiples. So 63 removes
# the margins, but no map can be made with it. Only single chunks could be measured with
# such crops.
#
# ## Optional: how much of the map is right?
#
# The scores of notebooks 02 to 06 say how good a network is on labelled patches. A user
# of a map asks something else: what share of its *area* is right? For most maps nobody
# knows all true classes. So people check a sample of its pixels, for example in the
# field. In our town the truth is known everywhere: you can see if the estimate is right.

# %%
town_map = work / "town.tif"
plan = tl.plan_inference(
    network, sources, output="estimated_labels", tile_size=416, legend=legend
)
plan.write(town_map, progress=False)
mapped = rasters.read_array(town_map)[..., 0]
# The truth has no margins: take the pixels that the map has.
truth = rasters.read_array(town / "labels.tif")[..., 0][np.ix_(plan.rows, plan.cols)]
tl.show(town_map, town / "labels.tif", titles=("map", "truth"))

# %% [markdown]
# Draw a [probability sample](glossary.md#probability-sample): every pixel has a known
# chance to be drawn. Here it is *stratified*. Each class of the map is a *stratum*, and
# from each, 200 pixels are drawn at random. So rare classes get enough pixels.
# **Are the classes as common in the sample as in the map?**

# %%
strata = [np.flatnonzero(mapped == number) for number in range(4)]


def draw(rng):
    """True and mapped classes of 200 random pixels of each class of the map."""
    chosen = [rng.choice(pixels, 200, replace=False) for pixels in strata]
    pixels = np.concatenate(chosen)
    return truth.flat[pixels], mapped.flat[pixels]


labels, estimated = draw(np.random.default_rng(0))
map_pixels = np.bincount(mapped.ravel())
counts = np.zeros((4, 4), int)
np.add.at(counts, (labels, estimated), 1)
sample = pandas.DataFrame(counts, legend.names, legend.names, dtype=object)
sample.loc["share of the map"] = (map_pixels / map_pixels.sum()).round(2)
sample.rename_axis("truth")

# %% [markdown]
# **What you see.** Each column is a class of the map: its 200 pixels, by their true class.
# In the sample, all classes are equally common. In the map they are not, as the last row
# shows.
#
# The **[user's accuracy](glossary.md#users-accuracy)** of a class is the share of the
# pixels *mapped* as this class that are right. It belongs to one column, so the sample
# shows it as it is. The **[producer's accuracy](glossary.md#producers-accuracy)** is the
# share of the pixels that *are* of this class and are mapped so. It belongs to a row. In
# a row, pixels from rare and from common classes of the map are mixed, so they must be
# weighted.

# %% exercise="map_accuracy"

# %% [markdown]
# Now compare three numbers for each score: *counted* in the sample as if all pixels were
# equal, *weighted* by the shares of the map, and the *truth* from all pixels of the town.
# **Of which classes is the producer's accuracy counted too high?**

# %%
map_accuracy = ex.map_accuracy.answer()
users = np.diag(counts) / counts.sum(axis=0)
scores = tl.training.area_adjusted_scores(labels, estimated, map_pixels, legend.names)
own = float(map_accuracy(users, map_pixels))
print(f"overall: `map_accuracy` {own:.3f}, the kit {scores.overall:.3f}")


def compared(labels, estimated):
    """Overall and producer's accuracies: counted, weighted, and half the interval."""
    right = labels == estimated
    counted = [right.mean(), *np.bincount(labels[right]) / np.bincount(labels)]
    one = tl.training.area_adjusted_scores(labels, estimated, map_pixels)
    weighted = [one.overall, *one.producers]
    upper = [one.interval("overall")[1], *one.interval("producers")[1]]
    return np.array([counted, weighted, np.subtract(upper, weighted)])


# %%
titles = ["overall", *(f"producer's, {name}" for name in legend.names)]
table = pandas.DataFrame(compared(labels, estimated).T, titles)
table.columns = ["counted", "weighted", "±"]
table["truth"] = compared(truth.ravel(), mapped.ravel())[0]
table.round(3)

# %% [markdown]
# **What you see.** `±` is half of the 95 % interval: the truth should lie between
# *weighted* minus it and *weighted* plus it, for 95 of 100 samples. One sample proves
# nothing. So draw 200 samples, and count.

# %%
rng = np.random.default_rng(1)
draws = np.array([compared(*draw(rng)) for _ in range(200)])
counted, weighted, half = draws.transpose(1, 0, 2)
inside = abs(weighted - table["truth"].to_numpy()) <= half
means = {"counted, mean": counted.mean(0), "weighted, mean": weighted.mean(0)}
means |= {"truth": table["truth"], "intervals with the truth": inside.mean(0)}
many = pandas.DataFrame(means, titles)
many.round(3)

# %% tags=["claim"]
assert tl.analyse(network).margins["estimated"] == deeper_analysis.margins["estimated"]
assert crop_table.tolist() == [16, 32, 64, 128, 256]
of_crop = curve.table()
assert of_crop.loc[0, "rmse"] > 10 * of_crop.loc[48, "rmse"]
assert of_crop.loc[64, "largest"] < 1e-5 < of_crop.loc[48, "largest"]
assert np.isclose(of_crop["rmse_summed"], 2 * of_crop["rmse"]).all()
assert measured[63] < 1e-5 < measured[48]
assert measured[0] > measured[16] > measured[32] > measured[63]
assert (usable["tiles"] == (usable["rest"] == 0)).all()
assert seams[0] > 1.3
assert wrong.iloc[1, 1] > 0.01
assert wrong.iloc[0, 1] < 0.5 * wrong.iloc[0, 0]
assert wrong.iloc[3, 1] > 0.5 * wrong.iloc[3, 0]
assert (wrong["crop 16"] < wrong["crop 0"]).all()
assert np.isclose(own, scores.overall)

# %% tags=["claim"]
shares = pandas.Series([1, *4 * map_pixels / map_pixels.sum()], titles)
bias = many["counted, mean"] - many["truth"]
# Classes with less than a quarter of the map are counted too high, others too low.
assert bias[shares.nsmallest(1).index].min() > 0.02
assert bias[shares.nlargest(1).index].max() < -0.02
assert (many["weighted, mean"] - many["truth"]).abs().max() < 0.01
assert 0.9 <= many["intervals with the truth"].iloc[0] <= 1
assert many["intervals with the truth"].min() > 0.85

# %% [markdown]
# **What you see.** On average, the weighted scores are the true ones. About 95 of 100
# intervals hold the true overall accuracy. For a class of which the sample has few errors,
# they may be fewer: the formula is an approximation. The counted scores stay wrong,
# however many samples are drawn. The producer's accuracy of the rarest class of the map
# is counted too high, and that of the most common one too low.
#
# **A warning for the Havel.** Its labels are polygons that somebody drew. Most pixels had
# no chance to be in one, so they are not a probability sample. You can weight its scores
# by area as well, but such an interval would be too sure of itself.
#
# **To try.** Draw 800 pixels at random from the *whole* map, without strata:
# `rng.choice(mapped.size, 800, replace=False)`. Repeat it 200 times. How much do the
# scores of the rarest class vary, compared with the stratified samples? Which sample
# would you take to a field?
#
# ## Summary
#
# - The exact crop doubles with each halving of the image.
# - Distortion falls with the crop, and ends at the larger margin. The cost depends on crop
#   and chunk: large chunks make exactness cheap.
# - Compare maps by place, and say whether errors were summed or averaged over bands.
# - A small crop hides seams. A few pixels stay wrong by a lot.
# - Optional: the accuracy of a map needs a probability sample, and weights by the area of
#   each class of the map.
#
# ## Open task
#
# Add `estimated_crop32` to `names`, and map the town with it. How large are its errors,
# and what does it cost with chunks of 256 and of 1024 pixels? Which crop and which chunk
# do you choose for a map that people look at, and which to find what has changed?
#
# Further reading:
#
# - [Good practices for estimating area and assessing accuracy of land
#   change](https://doi.org/10.1016/j.rse.2014.02.015) by Olofsson and others: the formulas
#   of this notebook, and how many samples to take.
# - [Deconvolution and checkerboard artifacts](https://doi.org/10.23915/distill.00003)
#   explains the pattern that transposed convolutions leave.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [09](09_going_further.ipynb) you fetch a scene of your own town, and map it.
