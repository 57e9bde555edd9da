# %% [markdown]
# # A patch-based network
#
# The network of this notebook looks at a patch of 16 x 16 pixels and says one class. It
# was not made for maps. Two ways lead from it to a map all the same: one is slow, and
# the other has large pixels. Why is that, and what is a good score?
#
# **Afterwards you can**
#
# - work out what a network with poolings sees, and the pixel size of its map,
# - read precision, recall and F-score, and say which decision they are about,
# - map patch by patch, or all at once, and compute what either costs,
# - say where on the ground a coarse map pixel lies.
#
# **Needs** about 45 minutes of yours, a minute of computing, 1.0 GB of memory, no
# internet. The patches are those of [01](01_patches.ipynb); here they are cut again.

# %%
import time

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb02_patch_based_cnn as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
havel = find_data("havel")
work = havel.parent / "work" / "02_patch_based_cnn"
epochs = 8

# %% [markdown]
# ## Convolution, pooling, convolution, pooling
#
# A convolution slides a small square of weights, its **kernel**, over the image. A
# **pooling** of 2 keeps the largest of 2 x 2 values and moves on by 2: its *stride*. The
# layer behind sees twice as far with the same kernel. So 16 pixels become one:
#
# | layer | kernel | stride | filters | side of a patch of 16 |
# |---|---|---|---|---|
# | input | | | 4 bands | 16 |
# | conv1 | 5 | 1 | 16 | 12 |
# | pool1 | 2 | 2 | | 6 |
# | conv2 | 3 | 1 | 16 | 4 |
# | pool2 | 2 | 2 | | 2 |
# | feats | 2 | 1 | 32 | 1 |
# | estimated | 1 | 1 | 6 classes | 1 |
#
# But what comes out of a larger image? Neighbouring results then lie several pixels of
# the image apart.

# %% exercise="field_and_scale"

# %% [markdown]
# Follow the network layer by layer. **How large will the pixels of the map be, if those
# of the image are 10 m?** The kit has this network ready, and the one of the next
# notebook too: the same field of view, no pooling. **Which has more weights?**

# %% tags=["nbval-check-output"]
field_and_scale = ex.field_and_scale.answer()
layers = [(5, 1), (2, 2), (3, 1), (2, 2), (2, 1), (1, 1)]
for count in range(1, len(layers) + 1):
    field, scale = field_and_scale(layers[:count])
    print(f"after {count} layers: sees {field} px, neighbours {scale} px apart")
pooled, pixelwise = tl.architectures.pooled_cnn(6), tl.architectures.pixelwise_fcnn(6)
image = {"input": np.zeros((1, 116, 76, 4), "float32")}
for name, network in {"pooled": pooled, "pixel-wise": pixelwise}.items():
    shape = tuple(network(image)["estimated"].shape[1:3])
    print(f"{name:>10}: {network.count_params():6} weights, 116 x 76 px become {shape}")

# %% [markdown]
# **What you see.** The last number of the network is its **scale factor**: the pixels of
# the map are so many times as large as those of the image. The poolings cost no
# weights, and save the many layers that the other network needs to see as far.
#
# ## Training
#
# Area A trains, area B validates: other ground, where the network has never been. The
# rest is plain Keras. The loss names the output that is trained; the checkpoint keeps
# the epoch with the smallest loss on B.

# %%
patches = recipes.cut_patches(havel, work)
train, valid = recipes.datasets(patches, class_count=6)
keras.utils.set_random_seed(0)
model = tl.architectures.pooled_cnn(6)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
)
best_path = work / "pooled.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
history = model.fit(
    train, validation_data=valid, epochs=epochs, verbose=2, callbacks=[keep_best]
)

# %% [markdown]
# The kit brings longer trainings of both networks, made in this way. **Which will be
# better on B: the one with few weights, or the one with many?** (Validation is on B.)

# %%
both, best = {}, {}
for name, recording in {"pooled": "pooled_havel", "pixel-wise": "fcnn_havel"}.items():
    history = recorded.read_history(recording)
    on_a, on_b = history["loss"], history["val_loss"]
    both |= {f"loss, {name}": on_a, f"val_loss, {name}": on_b}
    best[name] = min(on_b)
    print(f"{name:>10}: smallest loss on B {best[name]:.2f}")
    # The later epochs gain much less on B than on A.
    gain_a, gain_b = (np.mean(x[8:13]) - np.mean(x[-5:]) for x in (on_a, on_b))
    assert gain_a > 2 * gain_b
assert pooled.count_params() < pixelwise.count_params() / 5
assert best["pooled"] < best["pixel-wise"] + 0.01
figure = tl.show_curves(both)
pooled_axes, other_axes = figure.as_figure().axes
other_axes.sharey(pooled_axes)
figure

# %% [markdown]
# **What you saw.** Few weights are no loss here: with less than a fifth of them, the
# pooled network is as good on B. Both networks go on improving on A when they hardly
# improve on B any more, and the two curves part. This is *overfitting*; the next
# notebooks look at it closely.
#
# ## What counts as found?
#
# The network gives each patch six probabilities. Say they are 0.45 for forest and less
# for everything else. **Is that patch found to be forest?**
#
# - *By argmax*, yes: the most probable class wins. Maps are made so.
# - *At the threshold 0.5*, no: forest is not more probable than all the rest together.
#   `Precision` and `Recall` of Keras decide so, and the scores of many tutorials with
#   them.

# %% exercise="recalls"

# %% tags=["nbval-check-output"]
recalls = ex.recalls.answer()
# The patch from above, and a sure one; both are forest, class 4.
two = np.array([[0.05, 0.1, 0.1, 0.1, 0.45, 0.2], [0.02, 0.02, 0.02, 0.02, 0.9, 0.02]])
at_threshold, by_argmax = recalls(two, np.array([4, 4]), 4)
one_hot = np.eye(6)[[4, 4]]
metric = keras.metrics.Recall(class_id=4)
metric.update_state(one_hot, two)
print(f"at the threshold {at_threshold}, by argmax {by_argmax}")
print(f"keras.metrics.Recall says {float(metric.result())}")

# %% [markdown]
# Now all patches of B, with the longer training of the kit. (Yours is in `best_path`.)
# **Precision** is the share of the patches given the name of a class that really are of
# it. **Will it be higher or lower at the threshold? And recall?**

# %%
legend = tl.read_legend(havel / "terrain_truth_a.tif")
network = recorded.weights_path("pooled_havel")
best_model = keras.models.load_model(network)
scores = tl.training.evaluate_classes(best_model, valid, names=legend.names)
over_columns = {"selector": "th.col_heading.level0", "props": "text-align: center"}
scores.table().style.format(precision=2).set_table_styles([over_columns])

# %% [markdown]
# The *F-score* is high only where precision and recall both are. Does your function say
# the same as the kit's table? And for how many patches is no class above 0.5?

# %% tags=["nbval-check-output"]
probabilities, labels = [], []
for inputs, targets in valid:
    probabilities.extend(np.asarray(best_model(inputs)["estimated"])[:, 0, 0])
    labels.extend(np.asarray(targets["estimated"])[:, 0, 0].argmax(axis=1))
probabilities, labels = np.array(probabilities), np.array(labels)
own = [recalls(probabilities, labels, number) for number in range(6)]
assert np.allclose(own, np.stack([scores.threshold_recall, scores.recall], axis=1))
assert (scores.threshold_recall <= scores.recall).all()
assert scores.threshold_recall.mean() < scores.recall.mean() - 0.05
assert scores.threshold_precision.mean() > scores.precision.mean() + 0.03
silent = (probabilities.max(axis=1) <= 0.5).mean()
print(f"no class is above 0.5 for {silent:.0%} of the patches")

# %% [markdown]
# **What you saw.** The two decisions are about different things. At the threshold the
# network may keep silent, and does so for many patches: its recall is lower, and what it
# does say is more often right. By argmax it must always choose one.
#
# Whoever compares two networks takes the same decision for both. For a map, which has a
# class everywhere, the scores by argmax are the ones that count.
#
# ## A map with large pixels
#
# Convolutions do not mind the size of an image. Given the whole scene, the network gives
# the classes of all patches at once, `scale` pixels apart: that is the
# **fully convolutional** mode. How many will there be?

# %% exercise="map_pixels"

# %% [markdown]
# `plan_inference` checks that network and image fit each other, and computes nothing
# yet. Compare its first line with your function. (The lines between the first and the
# last are for notebook 05.)

# %% tags=["nbval-check-output"]
image_path = havel / "s2_10m.tif"
image_grid = tl.read_grid(image_path)
source = tl.Source(image_path, receptive_field=16)
coarse_plan = tl.plan_inference(
    network, source, output="estimated_labels", scale_factor=4, legend=legend
)
map_pixels = ex.map_pixels.answer()
sides = (image_grid.height, image_grid.width)
print("your function:", *(map_pixels(side, 16, 4) for side in sides))
print(coarse_plan)

# %% [markdown]
# Each pixel of the map stands for 4 x 4 pixels of the image. **What will you no longer
# see in it?**

# %%
coarse_plan.write(work / "coarse.tif", progress=False)
view = Window(600, 248, 400, 248)
tl.show(
    image_path,
    work / "coarse.tif",
    window=view,
    bands=(1, 2, 3),
    titles=("Sentinel-2", "one class for 40 m x 40 m"),
)

# %% [markdown]
# **What you see.** Whatever is narrower than such a pixel is gone, or has become a row of
# squares: that is the price of the poolings.
#
# ## Where does a map pixel lie?
#
# The last line of the plan tells of something that a picture of the scene hides. Here is
# the first patch of the image, with two things in it: the pixel whose class is asked
# for, and the map pixel that gets the answer. **Do their centres agree?**

# %%
left = coarse_plan.grid.transform.c - image_grid.transform.c
print(f"left edge of the map pixel: {left:g} m, its centre: {left + 40 / 2:g} m")
print(f"centre of the labelled pixel: {8.5 * 10:g} m")
assert left + 40 / 2 - 8.5 * 10 == 10 * coarse_plan.centre_offset
first = round(left / 10)
picture = np.full((16, 16, 3), 225, "uint8")
picture[first : first + 4, first : first + 4] = (86, 180, 233)
picture[8, 8] = (213, 94, 0)
title = "map pixel blue, labelled pixel orange"
figure = tl.show(picture, value_range=(0, 255), titles=title)
figure.as_figure().set_size_inches(4, 4)
ax = figure.as_figure().axes[0]
ax.set(xticks=range(17), yticks=range(17))
ax.grid(color="white")
figure

# %% [markdown]
# **What you saw.** Even sizes have no pixel in the middle, neither 16 nor 4. The kit
# lets the large pixels begin where pixels of the image begin, four for four; so they
# cannot also be centred on the labelled ones. The Orfeo ToolBox does the opposite:
# centred, and cutting through the pixels of the image. Whoever lays two such maps over
# each other has to know.
#
# ## Patch by patch
#
# The other way to a map: cut the patch of every map pixel, and give them to the network
# one by one, as in training. That is the **patch-based** mode. **Will it give the same
# map? And will it take longer?**

# %% tags=["nbval-check-output"]
window = Window(col_off=150, row_off=62, width=100, height=62)


def plan_mode(model, mode, scale_factor, window):
    return tl.plan_inference(
        model,
        source,
        output="estimated",
        mode=mode,
        scale_factor=scale_factor,
        window=window,
    )


whole = plan_mode(network, "fully_convolutional", 4, window).read()
one_by_one = plan_mode(network, "patch_based", 4, window).read()
difference = np.abs(whole - one_by_one).max()
assert difference < 1e-5
print(whole.shape, "the same map, up to 0.00001")

# %% [markdown]
# The same map: in both modes a pixel sees its own patch and nothing else. But
# neighbouring patches share most of their pixels, and patch by patch everything is
# computed again for each. How much more work is that?

# %% exercise="multiply_adds"

# %% [markdown]
# For one patch, conv1 gives 12 x 12 pixels and conv2 4 x 4, as in the table at the top.
# Fully convolutional, nothing is computed twice: one map pixel costs 4 x 4 new pixels of
# conv1, 2 x 2 of conv2, and one of each layer behind. In the pixel-wise network every
# layer has just one new pixel for each map pixel.

# %% tags=["nbval-check-output"]
multiply_adds = ex.multiply_adds.answer()
pooled_layers = [(5, 4, 16), (3, 16, 16), (2, 16, 32), (1, 32, 6)]
other_layers = [(5, 4, 16), (3, 16, 16), (3, 16, 16), (3, 16, 32)]
other_layers += [(3, 32, 32), (3, 32, 32), (2, 32, 32), (1, 32, 6)]


def work_of(sides, layers):
    pairs = zip(sides, layers, strict=True)
    return sum(multiply_adds(side, *layer) for side, layer in pairs)


patch = [work_of([12, 4, 1, 1], pooled_layers)]
patch += [work_of([12, 10, 8, 6, 4, 2, 1, 1], other_layers)]
at_once = [work_of([4, 2, 1, 1], pooled_layers), work_of([1] * 8, other_layers)]
columns = {"patch by patch": patch, "at once": at_once}
effort = pandas.DataFrame(columns, ["pooled", "pixel-wise"])
effort["ratio"] = effort["patch by patch"] / effort["at once"]
effort.round(1)

# %% [markdown]
# These are multiply-adds for one map pixel. **Why is the ratio so much smaller for the
# pooled network?** Its patches are 4 pixels apart, so they share less.
#
# Does a clock say the same? Below are the seconds for one tile of either map. The two
# tiles differ in size: only the ratios can be compared. Each plan runs twice, as the
# first run also compiles the network.


# %%
def seconds(*options):
    plan = plan_mode(*options)
    plan.read()
    start = time.perf_counter()
    plan.read()
    return time.perf_counter() - start


clock = {}
for name, model_path, scale_factor, tile in (
    ("pooled", network, 4, Window(0, 0, 256, 189)),
    ("pixel-wise", recorded.weights_path("fcnn_havel"), 1, Window(512, 256, 256, 256)),
):
    slow = seconds(model_path, "patch_based", scale_factor, tile)
    quick = seconds(model_path, "fully_convolutional", scale_factor, tile)
    assert slow > quick
    times = {"patch by patch (s)": slow, "at once (s)": quick}
    clock[name] = times | {"ratio": slow / quick}
pandas.DataFrame(clock).T.round(2)

# %% [markdown]
# **What you see.** One by one is slower, for both. But the clock does not simply count
# multiply-adds: patches have to be copied together, poolings take time, and a processor
# does not work equally well on small images and on large ones.
#
# ## Small pixels after all?
#
# The network is made for one class per patch; who says that patches must be 4 pixels
# apart? Let us ask for a scale factor of 1, for the same part of the scene. **In which
# of the two modes can that work?**

# %% tags=["nbval-check-output"]
fine_window = Window(col_off=600, row_off=248, width=400, height=248)
try:
    plan_mode(network, "fully_convolutional", 1, fine_window)
except ValueError as err:
    print(err)
fine_plan = plan_mode(network, "patch_based", 1, fine_window)
fine = fine_plan.read()
print("patch by patch:", fine.shape)

# %% [markdown]
# Fully convolutional, the poolings decide how far results lie apart. Patch by patch, we
# do: the same network gives a map at 10 m. Every fourth of its pixels has seen the same
# patch as a pixel of the coarse map. **So what must hold?**

# %%
assert np.abs(fine[::4, ::4] - one_by_one).max() < 1e-5
coarse = plan_mode(network, "patch_based", 4, window)
maps = {}
for name, estimated, plan in (("40 m", one_by_one, coarse), ("10 m", fine, fine_plan)):
    classes = estimated.argmax(axis=-1, keepdims=True).astype("uint8")
    path = work / f"patch_based_{name[:2]}.tif"
    maps[name] = rasters.write_array(path, classes, plan.grid, legend=legend)
tl.show(*maps.values(), titles=list(maps))

# %% [markdown]
# And the price? Here is the work for each pixel *of the image*. A pixel of the coarse
# map stands for 16 of them.

# %% tags=["nbval-check-output"]
pooled_work, other_work = effort.loc["pooled"], effort.loc["pixel-wise"]
per_image_pixel = {
    "pooled, at once, map of 40 m": pooled_work["at once"] / 16,
    "pooled, patch by patch, map of 40 m": pooled_work["patch by patch"] / 16,
    "pixel-wise, at once, map of 10 m": other_work["at once"],
    "pooled, patch by patch, map of 10 m": pooled_work["patch by patch"],
    "pixel-wise, patch by patch, map of 10 m": other_work["patch by patch"],
}
assert pooled_work["patch by patch"] > 5 * other_work["at once"]
for name, count in per_image_pixel.items():
    print(f"{count:9,.0f} multiply-adds: {name}")

# %% [markdown]
# **What you saw.** For a map of 10 m, a network without pooling that runs at once needs
# several times less work than the pooled one patch by patch, although it has more
# weights. That is why the next notebook builds it.
#
# ## Summary
#
# - Strides multiply: they make the field of view large, and the pixels of the map too.
# - A score is worth something only with its decision: at a threshold, or by argmax.
# - Both modes give the same map. Fully convolutional computes shared pixels once.
# - A coarse map pixel has a place of its own; the plan says how far aside.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [03](03_pixelwise_fcnn.ipynb) the poolings go, and the pixels stay small.
