# %% [markdown]
# # Two sources
#
# Sentinel-2 measures four bands with pixels of 10 m, and six more with pixels of 20 m.
# How can one network learn from both? And does it become better, or only larger?
#
# **Afterwards you can**
#
# - cut patches of two images at the same positions, and keep the pairs together,
# - follow size *and* spacing through the branches of a network,
# - say where branches can be joined, and where not,
# - write and train a network of two sources,
# - compare two networks fairly, class by class,
# - make a map from two images, whichever of them comes first.
#
# **Needs** about 45 minutes of yours, a minute of computing, 1 GB of memory, no
# internet. Patches are explained in [01](01_patches.ipynb), training in
# [03](03_pixelwise_fcnn.ipynb). The network of one source is the one of 03, as the kit
# recorded it.

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb06_two_sources as ex
from tutorial_lib.machine import find_data


def conv(net, filters, kernel, name, activation="relu"):
    """The layer of notebook 03."""
    layer = keras.layers.Conv2D(filters, kernel, activation=activation, name=name)
    return layer(net)


# %% tags=["parameters"]
havel = find_data("havel")
work = havel.parent / "work" / "06_two_sources"
epochs = 6
learning_rate = 1e-3

# %% [markdown]
# ## Six more bands
#
# The 10 m image has red, green, blue and near infrared: B4, B3, B2, B8, in this order.
# The 20 m image has three bands between red and near infrared, B5, B6, B7; another near
# infrared, B8A; and two of *shortwave* infrared, B11 and B12, in which water is nearly
# black and moist ground is dark.
#
# Below is the same ground in both: 400 pixels of 10 m are as wide as 200 of 20 m, 4 km.
# On the right, B11, B8A and B5 stand for red, green and blue. **Which kinds of ground
# are easier to tell apart there? And what can only be seen on the left?**

# %%
sources = {"input_10m": havel / "s2_10m.tif", "input_20m": havel / "s2_20m.tif"}
fine = rasters.read_array(sources["input_10m"], bands=(1, 2, 3))[250:650, 600:1000]
coarse = rasters.read_array(sources["input_20m"], bands=(5, 4, 1))[125:325, 300:500]
tl.show(fine, coarse, titles=("10 m: B4, B3, B2", "20 m: B11, B8A, B5"))

# %% [markdown]
# **What you see.** The eye finds more kinds of green and brown on the right, and more
# edges and roads on the left. The network shall have both.
#
# ## The same ground twice
#
# Both images are cut in **one call**: 16 pixels of 10 m and 8 pixels of 20 m are the
# same 160 m. A position is refused if its patch fails in *either* image. **Will there be
# more or fewer patches than from the 10 m image alone, at the same positions?**

# %% tags=["nbval-check-output"]
legend = tl.read_legend(havel / "terrain_truth_a.tif")
sizes = {"input_10m": 16, "input_20m": 8}
patches = {}
for area in "ab":
    positions = tl.select_positions(havel / f"terrain_truth_{area}.tif")
    patches[area] = tl.extract_patches(
        sources, positions, sizes=sizes, out_dir=work, prefix=f"{area}_"
    )
    one_source = {"input_10m": sources["input_10m"]}
    alone = tl.extract_patches(one_source, positions, sizes={"input_10m": 16})
    print(f"area {area}: {alone.count} of one image, {patches[area].count} of two")
    assert np.array_equal(patches[area].arrays["input_10m"], alone.arrays["input_10m"])

# %% [markdown]
# Another image can only refuse more. Here it refuses none, so the patches of 10 m are
# exactly those that the network of one source was trained on. That will matter.
#
# What do the new bands add? Take two classes that look alike, meadow and farm. Ask of
# each band: how far apart are the means of the two classes, measured in standard
# deviations of their pixels? **Which band will be best?**

# %% tags=["nbval-check-output"]
bands = ["B4", "B3", "B2", "B8", "B5", "B6", "B7", "B8A", "B11", "B12"]
arrays = patches["a"].arrays
pixels = [arrays["input_10m"][:, 8, 8], arrays["input_20m"][:, 4, 4]]
pixels = np.concatenate(pixels, axis=-1).astype(float)  # the centres, (n, band)
labels = arrays["labels"].ravel()
meadow = pixels[labels == legend.names.index("meadow and grass")]
farm = pixels[labels == legend.names.index("farm")]

spread = np.sqrt((meadow.var(axis=0) + farm.var(axis=0)) / 2)
distance = abs(meadow.mean(axis=0) - farm.mean(axis=0)) / spread
for band, value in zip(bands, distance, strict=True):
    print(f"{band:3} {value:.2f}", "#" * round(30 * value))

assert max(distance[4:]) > 1.3 * max(distance[:4])

# %% [markdown]
# **What you see.** The best band is one of the new ones. No single band tells meadow
# from farm, but a network has all ten, and the neighbourhood too.
#
# ## Two branches
#
# Each source gets layers of its own, a **branch**. At the end the features of both are
# joined: those of one branch are put behind those of the other, pixel by pixel. So the
# branches must end with the same number of pixels, and a pixel must be as large on the
# ground in both.

# %% exercise="after_layer"

# %%
after_layer = ex.after_layer.answer()
fine_layers = [("conv11", 5, 1, 16), ("conv12", 3, 1, 16), ("conv13", 3, 1, 16)]
fine_layers += [("conv14", 3, 1, 32), ("conv15", 3, 1, 32), ("pooling", 2, 2, 32)]
fine_layers += [("feats1", 2, 1, 32)]
coarse_layers = [("conv21", 3, 1, 32), ("conv22", 3, 1, 32), ("conv23", 3, 1, 32)]
coarse_layers += [("feats2", 2, 1, 32)]


def follow(layers, size, spacing_m):
    rows = []
    for name, kernel, stride, filters in layers:
        size, spacing_m = after_layer(size, spacing_m, kernel, stride)
        rows.append((name, kernel, filters, size, spacing_m))
    columns = ["layer", "kernel", "filters", "size", "spacing (m)"]
    return pandas.DataFrame(rows, columns=columns).set_index("layer")


pandas.concat([follow(fine_layers, 16, 10), follow(coarse_layers, 8, 20)])

# %% [markdown]
# **What you see.** The layers of the 10 m branch, then those of the 20 m branch, for a
# patch of each. The *pooling* takes the largest of 2 x 2 pixels and moves on by two:
# from there on, both branches have pixels of 20 m. They have 2 x 2 of them then, and
# could be joined; this network gives each branch one more layer, and joins where a
# patch is a single pixel.
#
# Must the pooling be there? Three other branches for the 10 m image:
#
# - *no pooling*: the kernels of notebook 03, which make one pixel of a patch, too,
# - *pooling first*: and then kernels 3, 3, 3, 2,
# - *first kernel 3*: like ours, but with 3 for 5. The tutorial of OTBTF draws it so.
#   (OTBTF runs networks in the Orfeo ToolBox, a free program for satellite images.)
#
# **Which of the three can be joined with the 20 m branch?** Decide before you run.

# %% tags=["nbval-check-output"]
layer = {k: ("conv", k, 1, 32) for k in (2, 3, 5)} | {"pool": ("pooling", 2, 2, 32)}
others = {
    "no pooling": (5, 3, 3, 3, 3, 3, 2),
    "pooling first": ("pool", 3, 3, 3, 2),
    "first kernel 3": (3, 3, 3, 3, 3, "pool", 2),
}
branches = {"20 m branch": coarse_layers, "10 m branch": fine_layers}
branches |= {name: [layer[k] for k in kernels] for name, kernels in others.items()}
ends = {}
for name, layers in branches.items():
    spacing_m = 20 if name == "20 m branch" else 10
    sides = 160 // spacing_m, 800 // spacing_m
    last = [follow(layers, side, spacing_m).iloc[-1].tolist() for side in sides]
    ends[name] = [(size, spacing) for *_, size, spacing in last]
    print(f"{name:14} patch {ends[name][0]}, image {ends[name][1]}")

fitting = [name for name in branches if ends[name] == ends["20 m branch"]]
assert fitting == ["20 m branch", "10 m branch", "pooling first"]

# %% [markdown]
# **What you see.** Size and spacing at the end, for a patch and for an image five times
# as wide. A branch can be joined if all four numbers are those of the 20 m branch.
#
# - *No pooling* is a trap. It makes one pixel of a patch, so the network would train
#   without a complaint. For an image it ends with twice as many pixels as the other
#   branch: it could never make a map.
# - *Pooling first* fits. But then no kernel ever sees what is finer than 20 m in the
#   10 m image. That is why the pooling stands late.
# - *First kernel 3* leaves a pixel too many. The tutorial draws 3, but its program
#   has 5, like ours.
#
# ## The network

# %% exercise="network"

# %% tags=["nbval-check-output"]
DualSource = ex.network.answer()
keras.utils.set_random_seed(0)
model = DualSource().build({"input_10m": 4, "input_20m": 6})
for height, width in ((8, 8), (40, 30)):
    images = {
        "input_10m": np.zeros((1, 2 * height, 2 * width, 4), "float32"),
        "input_20m": np.zeros((1, height, width, 6), "float32"),
    }
    shape = model(images)["estimated"].shape[1:3]
    print(f"{height} x {width} pixels of 20 m give {shape[0]} x {shape[1]}")
print("weights:", model.count_params())

# %% [markdown]
# One pixel for a patch, and for an image as many as patches fit into it, 20 m apart.
#
# ## Training
#
# Keras takes the data of each input by the input's name.

# %% exercise="make_dataset"

# %%
make_dataset = ex.make_dataset.answer()
files = {area: [patches[area].paths[x] for x in (*sources, "labels")] for area in "ab"}
train, valid = make_dataset(*files["a"], True), make_dataset(*files["b"], False)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
)
best_path = work / "dual_source.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
history = model.fit(
    train, validation_data=valid, epochs=epochs, verbose=2, callbacks=[keep_best]
)

# %% [markdown]
# These were a few epochs. On B, single epochs jump up or down; the checkpoint keeps the
# best.
#
# The kit brings the curves of a longer training of both networks: same patches, same
# settings. The new one has more weights. **Will it overfit more? And will it be worse
# for that?**

# %%
curves, gaps = {}, []
for name, title in (("fcnn_havel", "one source"), ("dual_source_havel", "two sources")):
    history = recorded.read_history(name)
    curves[f"loss, {title}"] = history["loss"]
    curves[f"val_loss, {title}"] = history["val_loss"]
    gaps.append(np.mean(history["val_loss"][-5:]) - np.mean(history["loss"][-5:]))

figure = tl.show_curves(curves)
for axes in figure.as_figure().axes:
    axes.set_ylim(0.4, 1.8)
assert gaps[1] > gaps[0]
assert min(curves["val_loss, two sources"]) < min(curves["val_loss, one source"]) - 0.1
figure

# %% [markdown]
# **What you see.** The gap between the two losses grows wider with two sources: that is
# more overfitting. Still the new network is better where it has never been.
#
# ## One source against two
#
# A comparison is fair if nothing else changes. Both networks have the same positions to
# train on, the same to validate on, the same number of epochs, and the best epoch
# counts. Only the bands differ, and the network that reads them. **Which classes will
# gain from the new bands?** Write your guess down; then write the function that tells.

# %% exercise="gain"

# %%
gain = ex.gain.answer()
paths = {"input": patches["b"].paths["input_10m"], "labels": files["b"][-1]}
valid_10m = tl.patch_dataset(paths, class_count=len(legend), shuffle=False)
found = {}
for title, name, data in (
    ("one source", "fcnn_havel", valid_10m),
    ("two sources", "dual_source_havel", valid),
):
    network = keras.models.load_model(recorded.weights_path(name))
    found[title] = tl.training.evaluate_classes(network, data, names=legend.names)

two_sources = network  # the last one
one, two = found.values()
gains = dict(zip(legend.names, gain(one.confusion, two.confusion), strict=True))
print("gain most:", sorted(gains, key=gains.get)[-3:])
assert sorted(gains.values())[-3] > 0.1 > 0 > gains["water"]
assert two.overall_accuracy > one.overall_accuracy + 0.03
tl.training.compare_scores(found)

# %% [markdown]
# **What you see.** Residential, wetland and farm gain; meadow and forest stay as they
# were; water loses a little.
#
# Does the network really use both images? A test: give it the 10 m patches of *other*
# positions and leave the 20 m patches as they are; then the other way round. **Which
# will hurt more?**

# %%
arrays = patches["b"].arrays
labels = arrays["labels"].ravel()
mixed_up = np.random.default_rng(0).permutation(len(labels))
shares = []
for name in sources:
    mixed = {x: arrays[x][mixed_up] if x == name else arrays[x] for x in sources}
    outputs = two_sources.predict(mixed, batch_size=256, verbose=0)
    shares.append(np.mean(outputs["estimated_labels"].ravel() == labels))
    print(f"{name} of other positions: {shares[-1]:.2f} right")

print(f"both as they are: {two.overall_accuracy:.2f} right")
assert max(shares) < two.overall_accuracy - 0.1

# %% [markdown]
# **What you saw.** It uses both: with a wrong image under either name it is much worse.
#
# ## A map of two sources
#
# In a map, the first source is the **reference**: the map is anchored at its corner,
# and a pixel of the map is `scale_factor` times as large as one of the reference.
# Either source may come first. The receptive fields are those of the patches.

# %% exercise="plan_map"

# %% [markdown]
# **Guess before you run: with the 10 m image as the reference, how large are the pixels
# of the map? And where is its corner, compared with the other map?**

# %% tags=["nbval-check-output"]
plan_map = ex.plan_map.answer()
plans = {name: plan_map(two_sources, sources, name) for name in sources}
for name, plan in plans.items():
    corner, size = plan.grid.transform, plan.grid.shape
    print(f"{name} first: {size.y} x {size.x} px of {corner.a:g} m,", end=" ")
    print(f"corner ({corner.c:.0f}, {corner.f:.0f})")

maps = [plan.read() for plan in plans.values()]
assert plans["input_10m"].grid == plans["input_20m"].grid
assert np.mean(maps[0] == maps[1]) > 0.9999

# %% [markdown]
# **What you see.** The same map twice. The network decides how fine a map is: it pools,
# so it has one answer for 20 m. The order of the sources decides in whose pixels we
# count, no more. (In OTBTF the two maps lie 5 m apart, so they cannot be subtracted from
# each other. Here every map of a scene has one lattice.)
#
# In **patch-based** mode each pixel of the map gets its own patches, and these may lie
# as close together as we like. **With the 10 m image first and a scale factor of 1, the
# pixels are 10 m. Will that map show more?** And what if the network runs over whole
# tiles instead?

# %%
declared = {"input_10m": tl.Source(sources["input_10m"], receptive_field=16)}
declared["input_20m"] = tl.Source(sources["input_20m"], receptive_field=8)
options = {"output": "estimated_labels", "legend": legend, "scale_factor": 1}
try:
    tl.plan_inference(two_sources, declared, **options)
except ValueError as err:
    print("fully convolutional:", err)

part = Window(col_off=100, row_off=100, width=120, height=80)
options |= {"mode": "patch_based", "window": part, "progress": False}
both = work / "map_10m.tif", work / "map_20m.tif"
tl.predict_raster(two_sources, declared, both[0], **options)
plans["input_20m"].write(both[1], progress=False)
tl.compare(*both, legend=legend, titles=("10 m, patch-based", "20 m"))

# %% [markdown]
# **What you see.** Four times as many pixels, each with its own patch, and hardly more
# detail: what limits the map is the 160 m that the network looks at, not the spacing of
# its answers. Running over whole tiles, the network has its own spacing and the kit
# refuses any other.
#
# So far the fields were declared. But all of them are in the network: its kernels, its
# pooling. **What will the plan say if you declare nothing?**

# %% tags=["nbval-check-output"]
plan = tl.plan_inference(two_sources, sources, output="estimated_labels", legend=legend)
print(plan)
assert plan.grid == plans["input_20m"].grid
assert np.mean(plan.read() == maps[0]) > 0.9999

# %% [markdown]
# Why the last line? A patch of even size has no pixel in the middle, so the label belongs
# to the one after the middle. The map pixel covers that one and its neighbours to the
# east and south, 2 x 2 of 10 m: its centre is half a pixel of 10 m further each way.

# %%
plan.write(work / "map.tif", progress=False)
tl.show(sources["input_10m"], work / "map.tif", titles=("Sentinel-2", "land cover"))

# %% [markdown]
# **What you saw.** The kit worked out what to read of each source, and that tiles change
# nothing. It can do so for any network of Keras layers; the next notebook shows how, with
# a network for which it matters.
#
# ## Summary
#
# - Patches of all sources are cut in one call, and shuffled in one dataset.
# - Branches are joined where size and spacing agree, for images as for patches.
# - That a network trains on patches does not prove that it can map.
# - Networks are compared on the same positions, class by class.
# - The network decides the pixel size of the map; the reference only where to count.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [07](07_blocking_artifacts.ipynb) tiles leave traces in a map.
