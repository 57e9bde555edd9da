# %% [markdown]
# # A patch-based network
#
# The network of this notebook looks at a patch of 16 x 16 pixels and names one class.
# You train it, score it on ground that it has never seen, and make a map with it.
#
# **Afterwards you can**
#
# - read a network as Keras code, and compute its receptive field and scale factor,
# - watch precision and recall of each class while a network trains,
# - give a score with its uncertainty,
# - make the same map in two modes, and say where its pixels lie.
#
# **Needs** about 30 minutes of your time, ½ minute of computing and 1.0 GB of memory; no
# internet. Notebook [01b](01b_networks_in_brief.ipynb) explains the words of networks,
# and [01](01_patches.ipynb) the patches.

# %%
import timeit

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb02_patch_based_cnn as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "02_patch_based_cnn"
epochs = 6

# %% [markdown]
# ## The network
#
# Three convolutions, and two [poolings](glossary.md#pooling). A pooling of 2 keeps the
# largest of 2 x 2 values, then moves on by 2 pixels: its [stride](glossary.md#stride) is
# 2. So the image becomes smaller.


# %%
class PooledCNN(tl.PatchModel):
    """16 x 16 pixels to one class, with two poolings."""

    def network(self, inputs):
        conv, pool = keras.layers.Conv2D, keras.layers.MaxPool2D
        net = conv(16, 5, activation="relu", name="conv1")(inputs["input"])
        net = pool(2, name="pool1")(net)
        net = conv(16, 3, activation="relu", name="conv2")(net)
        net = pool(2, name="pool2")(net)
        net = conv(32, 2, activation="relu", name="feats")(net)
        net = conv(6, 1, activation="softmax", name="softmax")(net)
        return {"estimated": net, "estimated_labels": tl.labels_of(net)}


# %% [markdown]
# The inputs are *standardised* by band, with the mean and the spread of the training
# patches; notebook 03 shows why.

# %% exercise="patch_pipeline"

# %% [markdown]
# The next cell does the first lines for all three areas. The network learns from area A.

# %%
patches = recipes.cut_patches(scene, work)
train, valid, test = recipes.datasets(patches, class_count=6)
keras.utils.set_random_seed(0)
statistics = tl.band_statistics(patches["a"])
model = PooledCNN(crops=(), statistics=statistics).build({"input": 4})
model.summary(line_length=75)

# %% [markdown]
# The sizes are `None`: the network takes images of any size. A patch of 16 pixels becomes
# 12, 6, 4, 2, and at last 1 pixel.

# %% exercise="larger_image"

# %% tags=["nbval-check-output"]
results = {}
for size in (16, 17, 19, 20, 24, 100):
    outputs = model({"input": np.zeros((1, size, size, 4))})
    results[size] = outputs["estimated"].shape[1]
side = pandas.Series(results, name="pixels of the result").rename_axis("of the image")
ex.larger_image.reveal(side.to_frame())

# %% exercise="field_and_scale"

# %% tags=["nbval-check-output"]
field_and_scale = ex.field_and_scale.answer()
layers = [(5, 1), (2, 2), (3, 1), (2, 2), (2, 1), (1, 1)]
names = ["conv1", "pool1", "conv2", "pool2", "feats", "softmax"]
rows = [field_and_scale(layers[: n + 1]) for n in range(len(layers))]
pandas.DataFrame(rows, index=names, columns=["field", "scale"])

# %% [markdown]
# **What you see.** One result depends on 16 pixels: the
# [receptive field](glossary.md#receptive-field). Neighbouring results are 4 pixels apart:
# the [scale factor](glossary.md#scale-factor). A map will have pixels of 40 m.
#
# ## Training
#
# The kit adds two scores of each class. [Recall](glossary.md#recall): the share of its
# patches that were found. [Precision](glossary.md#precision): the share of the patches
# given this class that belong to it. The curves show those of one class.

# %%
legend = tl.read_legend(scene / "terrain_truth_a.tif")
watched = legend.names[1]  # or another one
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [tl.training.ClassMetrics(legend.names)]},
)
history = model.fit(
    train,
    validation_data=valid,
    epochs=epochs,
    verbose=0,
    callbacks=[
        tl.training.LiveCurves(["loss", f"precision_{watched}", f"recall_{watched}"])
    ],
)

# %% [markdown]
# Here are the last values on area B. **Which class does the network find best?**

# %%
last = {name: values[-1] for name, values in history.history.items()}
scores = {
    score: [last[f"val_{score}_{name}"] for name in legend.names]
    for score in ("precision", "recall")
}
pandas.DataFrame(scores, index=legend.names).round(2)

# %% [markdown]
# **What you see.** Some classes are found well, others badly. One number for all would
# hide this. The loss ends larger on B than on A: new ground is harder.
#
# ## The score, and how sure it is
#
# The kit brings this network trained longer, with a trick that notebook 03 explains. Area
# B chose its best epoch, so the score on B is probably too good. **Area C** gives the
# score: it is used once, at the end.
#
# How sure is it? We draw the samples again many times and look how far the score moves:
# once single patches, once whole *polygons*.

# %% exercise="wider_interval"

# %% tags=["nbval-check-output"]
network = recorded.weights_path("pooled_havel")
best_model = keras.models.load_model(network)
for name, area in {"B": valid, "C": test}.items():
    labels, estimated = tl.training.classify(best_model, area)
    print(f"accuracy on {name}: {(labels == estimated).mean():.2f}")
polygons = patches["c"].polygons
rows = {
    "over patches": tl.training.accuracy_interval(labels, estimated),
    "over polygons": tl.training.accuracy_interval(labels, estimated, polygons),
}
for seed in (1, 2):
    other = keras.models.load_model(recorded.weights_path(f"pooled_havel_{seed}"))
    right = np.equal(*tl.training.classify(other, test)).mean()
    print(f"accuracy on C with another seed: {right:.2f}")
intervals = pandas.DataFrame(rows, index=["from", "to"]).T.round(2)
ex.wider_interval.reveal(intervals)

# %% tags=["claim"]
(low, high), (lowest, highest) = rows.values()
assert highest - lowest > 2 * (high - low)
assert abs(right - (labels == estimated).mean()) < (highest - lowest) / 8

# %% [markdown]
# **What you saw.** C has the lower score: B chose the epoch, and C is other ground. The
# honest interval is the wide one: with other polygons, the accuracy could have been that
# much lower or higher. Another [random seed](glossary.md#random-seed) starts from other
# weights. That is a second uncertainty, a small one here.
#
# ## What counts as found?
#
# The network gives a patch a probability of 0.45 for forest, and less for everything else.
# By [argmax](glossary.md#argmax), the largest probability, it is forest. At the
# [threshold](glossary.md#threshold) 0.5 it is not.

# %% exercise="larger_recall"

# %% exercise="recalls"

# %% tags=["nbval-check-output"]
recalls = ex.recalls.answer()
probabilities = []
for inputs, _ in test:
    probabilities.extend(np.asarray(best_model(inputs)["estimated"])[:, 0, 0])
probabilities = np.array(probabilities)
found = np.unique(labels)
own = [recalls(probabilities, labels, number) for number in found]
names = [legend.names[number] for number in found]
table = pandas.DataFrame(own, names, ["at the threshold", "by argmax"])
sure, right = probabilities.max(axis=1) > 0.5, labels == estimated
print(f"no class is above 0.5 for {1 - sure.mean():.0%} of the patches")
print(f"right: {right[sure].mean():.0%} of the others, {right.mean():.0%} of all")
ex.larger_recall.reveal(table.round(2))

# %% tags=["claim"]
scores = tl.training.evaluate_classes(best_model, test, names=legend.names)
assert np.allclose(own, np.stack([scores.threshold_recall, scores.recall], axis=1))
assert (table["at the threshold"] <= table["by argmax"]).all()
assert scores.threshold_precision.mean() > scores.precision.mean()

# %% [markdown]
# **What you saw.** At the threshold, the network names no class for many patches. So its
# recall is lower, and what it names is more often right. Keras's own `Precision` and
# `Recall` decide at the threshold. A map has a class everywhere: take argmax.

# %% [markdown] late="Show the map yourself, and leave out the exercise."
# ## A map with large pixels
#
# Back to *your* network. Given a large part of the scene, it classifies all of its patches
# at once: the [fully convolutional](glossary.md#fully-convolutional) mode.

# %% exercise="map_pixels"

# %% [markdown]
# `plan_inference` only plans. **Does its first line agree with your function?** Notebook 05
# explains the others.

# %% tags=["nbval-check-output"]
image_path = scene / "s2_10m.tif"
image_grid = tl.read_grid(image_path)
source = tl.Source(image_path, receptive_field=16)
coarse_plan = tl.plan_inference(
    model, source, output="estimated_labels", scale_factor=4, legend=legend
)
map_pixels = ex.map_pixels.answer()
print("your function:", *(int(map_pixels(n, 16, 4)) for n in image_grid.shape))
print(coarse_plan)

# %%
coarse_plan.write(work / "coarse.tif", progress=False)
tl.show(
    image_path,
    work / "coarse.tif",
    window=Window(600, 248, 400, 248),
    bands=(1, 2, 3),
    titles=("Sentinel-2", "your map: one class for 40 m x 40 m"),
)

# %% [markdown]
# **What you see.** Things narrower than 40 m are gone, or have become a row of squares.

# %% [markdown] late="Skip it: only the comparison with the Orfeo ToolBox needs it."
# ## Where does a map pixel lie?
#
# The drawing shows the first patch of the image. The class of the orange pixel is asked
# for; the blue map pixel gets the answer. **Do their centres agree?**

# %%
left = coarse_plan.grid.transform.c - image_grid.transform.c
first = round(left / 10)
picture = np.full((16, 16, 3), 225, "uint8")
picture[first : first + 4, first : first + 4] = (86, 180, 233)
picture[8, 8] = (213, 94, 0)
figure = tl.show(picture, value_range=(0, 255), titles="one patch")
figure.as_figure().set_size_inches(4, 4)
ax = figure.as_figure().axes[0]
ax.set(xticks=range(17), yticks=range(17))
ax.grid(color="white")
print(f"centres: map pixel {left + 20:g} m, labelled pixel {8.5 * 10:g} m")
print(f"apart: {left + 20 - 8.5 * 10:g} m")
figure

# %% tags=["claim"]
assert left + 20 - 8.5 * 10 == 15 == 10 * coarse_plan.centre_offset

# %% [markdown]
# **What you saw.** The map pixel covers whole image pixels, so its centre is not that of
# the labelled pixel. In the Orfeo ToolBox it is. A map from this kit and one from the
# Orfeo ToolBox are 15 m apart; shift one before you compare them.
#
# ## Patch by patch
#
# In the [patch-based](glossary.md#patch-based) mode, the kit cuts the patch of every map
# pixel and gives it to the network, as in training. **Will the map be the same?**


# %% tags=["nbval-check-output"]
def plan_map(mode, scale_factor, window):
    options = {"mode": mode, "scale_factor": scale_factor, "window": window}
    return tl.plan_inference(model, source, output="estimated", **options)


window = Window(col_off=150, row_off=62, width=80, height=50)  # in pixels of 40 m
at_once = plan_map("fully_convolutional", 4, window)
one_by_one = plan_map("patch_based", 4, window)
same = np.allclose(at_once.read(), one_by_one.read(), atol=1e-5, equal_nan=True)
print("largest difference below 0.00001:", same)

# %% tags=["claim"]
assert np.allclose(at_once.read(), one_by_one.read(), 0, 1e-5, equal_nan=True)

# %% [markdown]
# **What you saw.** The maps are the same: in both modes a map pixel depends on its own
# patch only.
#
# ## Summary
#
# - Strides multiply: they enlarge the receptive field, and the pixels of the map too.
# - The score comes from an area that chose nothing, with an interval over polygons.
# - Say with which decision a score was computed: at a threshold, or by argmax.
# - Both modes give the same map. Fully convolutional computes shared pixels once.
#
# ## Optional: which mode is faster, and small pixels after all?
#
# Neighbouring patches share pixels. Patch by patch, the network computes these again and
# again. But then *we* choose how far apart the patches are, for example one pixel. **How
# much longer will the same ground take?**

# %%
plans = {"at once": at_once, "patch by patch": one_by_one}
same_ground = Window(col_off=600, row_off=248, width=320, height=200)  # of 10 m
plans["patch by patch, pixels of 10 m"] = plan_map("patch_based", 1, same_ground)
for name, plan in plans.items():
    seconds = timeit.timeit(plan.read, number=1)
    rows, columns = plan.grid.shape
    print(f"{name}: {seconds:.2f} s, {rows} x {columns} pixels")

# %% tags=["claim"]
small, large = (plans[key].grid for key in (name, "at once"))
assert small.extent.boundingbox == large.extent.boundingbox
assert small.shape == (4 * large.height, 4 * large.width)

# %% [markdown]
# **What you see.** The map of 10 m has 16 times as many pixels, and each needs its own
# patch. So it takes many times longer. Notebook 03 makes small pixels in one pass.

# %% [markdown]
# ## Open task
#
# Remove `pool2` from the network, and change the kernel of `feats` so that 16 pixels
# still become one. What are the scale factor and the score now?
#
# ## Further reading
#
# - [Keras: Conv2D](https://keras.io/api/layers/convolution_layers/convolution2d/).
# - Which samples the score of a map needs: Wadoux and others (2021),
#   [doi.org/10.1016/j.ecolmodel.2021.109692](https://doi.org/10.1016/j.ecolmodel.2021.109692).
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [03](03_pixelwise_fcnn.ipynb) the poolings go, and the map's pixels stay small.
