# %% [markdown]
# # Two sources
#
# Sentinel-2 measures four bands with pixels of 10 m, and six more with pixels of 20 m. In
# this notebook one network learns from both images. Does it become better, or only larger?
# At the end your map gets a card that says what it is worth.
#
# **Afterwards you can**
#
# - cut patches of two images at the same positions, and keep the pairs together,
# - say where two branches of a network can be joined, and where not,
# - write and train a network of two sources, and map with it,
# - say how many samples a score really has, and which differences may be chance,
# - write into a map what others must know about it.
#
# **Needs** about 40 minutes of your time, ½ minute of computing and 1.1 GB of memory; no
# internet. Patches are explained in [01](01_patches.ipynb), training in
# [03](03_pixelwise_fcnn.ipynb), maps in [05](05_mapping_a_scene.ipynb).

# %%
import time

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from rasterio.windows import Window
from tutorial_lib import rasters, recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb06_two_sources as ex
from tutorial_lib.machine import find_data


def conv(net, filters, kernel, name, activation="relu"):
    """A convolution, as in notebook 03."""
    layer = keras.layers.Conv2D(filters, kernel, activation=activation, name=name)
    return layer(net)


# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "06_two_sources"
map_of_05 = scene.parent / "work" / SCENE / "05_mapping_a_scene" / "land_cover.tif"
epochs, learning_rate, seed = 5, 1e-3, 0

# %% [markdown]
# ## Six more bands
#
# The 10 m image has the bands red, green, blue and
# [near infrared](glossary.md#near-infrared): B4, B3, B2, B8. The 20 m image has B5, B6 and
# B7 between red and near infrared, a narrower near infrared, B8A, and two bands of
# [shortwave infrared](glossary.md#shortwave-infrared): B11 and B12. In the shortwave
# infrared water is nearly black, and moist ground is dark.
#
# The cell shows the same ground in both images. On the right, B11, B8A and B5 stand for
# red, green and blue. **What can you tell apart better on the right? And what only on the
# left?**

# %%
sources = {"input_10m": scene / "s2_10m.tif", "input_20m": scene / "s2_20m.tif"}
fine = rasters.read_array(sources["input_10m"], bands=(1, 2, 3))[250:650, 600:1000]
coarse = rasters.read_array(sources["input_20m"], bands=(5, 4, 1))[125:325, 300:500]
tl.show(fine, coarse, titles=("10 m: B4, B3, B2", "20 m: B11, B8A, B5"))

# %% [markdown]
# **What you see.** On the right there are more kinds of green and brown. On the left there
# are more edges, roads and houses. The network gets both.
#
# ## The same ground twice
#
# Both images are cut in **one call**: 16 pixels of 10 m are 160 m, and so are 8 pixels of
# 20 m. A position is refused if the patch of *one* image leaves this image, or has a pixel
# without data. The kit also has a copy of the 20 m image, with a wedge that has no data.
# **With this copy, will there be more patches or fewer?** (`recipes` holds the numbers with
# which the kit's own networks were trained.)

# %% tags=["nbval-check-output"]
legend = tl.read_legend(scene / "terrain_truth_a.tif")
sizes = {"input_10m": 16, "input_20m": 8}
patches = {}
for area, count in recipes.COUNTS.items():
    positions = tl.select_positions(
        scene / f"terrain_truth_{area}.tif",
        count=count,
        margin=recipes.MARGIN,
        most_per_polygon=recipes.MOST_PER_POLYGON,
    )
    patches[area] = tl.extract_patches(
        sources, positions, sizes=sizes, out_dir=work, prefix=f"{area}_"
    )
    with_hole = sources | {"input_20m": scene / "s2_20m_nodata.tif"}
    fewer = tl.extract_patches(with_hole, positions, sizes=sizes)
    print(f"area {area}: {patches[area].count}, with the copy {fewer.count}")

# %% [markdown]
# A second image can only refuse more positions. It never adds one.
#
# The network standardises each band, as in [03](03_pixelwise_fcnn.ipynb), with its mean and
# its standard deviation in the training patches. The last column is about two classes that
# look alike, meadow and farm: how far apart are their means, in standard deviations of
# their pixels? **Which band separates them best?**

# %% tags=["nbval-check-output"]
statistics = tl.band_statistics(patches["a"])
fine, coarse = statistics["input_10m"], statistics["input_20m"]
names = [f"B{number}" for number in (4, 3, 2, 8, 5, 6, 7, "8A", 11, 12)]
bands = pandas.DataFrame(index=names)
bands["input"] = ["input_10m"] * 4 + ["input_20m"] * 6
bands["mean"], bands["deviation"] = fine.mean + coarse.mean, fine.std + coarse.std

arrays = patches["a"].arrays
centres = arrays["input_10m"][:, 8, 8], arrays["input_20m"][:, 4, 4]
centres, labels = np.concatenate(centres, axis=-1), arrays["labels"].ravel()
of_class = pandas.DataFrame(centres.astype(float), columns=names).groupby(labels)
two = [2, 5]  # the numbers of meadow and farm
means, variances = (x.reindex(two) for x in (of_class.mean(), of_class.var(ddof=0)))
bands["meadow to farm"] = abs(means.loc[5] - means.loc[2]) / np.sqrt(variances.mean())
bands.round({"mean": 0, "deviation": 0, "meadow to farm": 2})

# %% [markdown]
# **What you see.** The best band is one of the new ones. And the bands differ much in mean
# and deviation: that is why each is standardised on its own.
#
# ## Two branches
#
# Each source gets layers of its own, a [branch](glossary.md#branch). At the end the
# features of both branches are joined, pixel by pixel. So both branches must end with the
# same number of pixels, and a pixel must be as large on the ground in both.


# %%
def follow(kernels, size, spacing_m):
    """Size and spacing in metres after each layer; a pooling has kernel 2, stride 2."""
    for kernel in kernels:
        kernel, stride = (2, 2) if kernel == "pooling" else (kernel, 1)
        size, spacing_m = (size - kernel) // stride + 1, spacing_m * stride
        yield f"{size} x {size}", spacing_m


kernels_10m, kernels_20m = (5, 3, 3, 3, 3, "pooling", 2), (3, 3, 3, 2)
names = "conv11 conv12 conv13 conv14 conv15 - feats1 conv21 conv22 conv23 feats2"
rows = [*follow(kernels_10m, 16, 10), *follow(kernels_20m, 8, 20)]
table = pandas.DataFrame(rows, names.split(), ["size", "spacing (m)"])
table["kernel"] = kernels_10m + kernels_20m
table["filters"] = [16, 16, 16, 32, 32, "", 32] + [32] * 4
table

# %% [markdown]
# **What you see.** First come the layers of the 10 m branch, then those of the 20 m branch.
# Kernels take pixels away. Only the pooling makes them larger: after it, both branches have
# pixels of 20 m. Both end with a single pixel for a patch.

# %% exercise="branches"

# %%
branches = {
    "the 20 m branch": kernels_20m,
    "no pooling": (5, 3, 3, 3, 3, 3, 2),  # the network of notebook 03
    "pooling first": ("pooling", 3, 3, 3, 2),
    "first kernel 3": (3, 3, 3, 3, 3, "pooling", 2),
}
rows = {}
for title, kernels in branches.items():
    metres = 20 if title == "the 20 m branch" else 10
    last = [[*follow(kernels, side // metres, metres)][-1] for side in (160, 800)]
    rows[title] = [f"{size} of {spacing} m" for size, spacing in last]
last_pixels = pandas.DataFrame(rows, index=["patch", "image of 800 m"]).T
ex.branches.reveal(last_pixels)

# %% [markdown]
# ## The network

# %% exercise="network"

# %%
DualSource = ex.network.answer()
keras.utils.set_random_seed(seed)
model = DualSource(crops=(), statistics=statistics)
model = model.build({"input_10m": 4, "input_20m": 6})
# The widths of the columns: shapes and names of layers fit.
model.summary(line_length=88, positions=[0.3, 0.59, 0.71, 1])

# %% [markdown]
# `statistics` made the two layers that standardise the inputs. The summary shows all layers
# with their [parameters](glossary.md#parameter).
#
# ## Training

# %% exercise="make_dataset"

# %%
make_dataset = ex.make_dataset.answer()
keys = ("input_10m", "input_20m", "labels")
files = {area: [patches[area].paths[key] for key in keys] for area in "abc"}
train, valid, test = (make_dataset(*files[area], area == "a") for area in "abc")
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
)
best_path = work / "dual_source.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
model.fit(
    tl.augment(train, gain=0.2, offset=150, seed=seed),
    validation_data=valid,
    epochs=epochs,
    verbose=2,
    callbacks=[keep_best],
)
best_model = keras.models.load_model(best_path)

# %% [markdown]
# `tl.augment` gives each pair of patches another sun, as in notebook 03. The file holds the
# epoch with the smallest loss on B. From here on, this is your network.
#
# ## One source against two
#
# Is the second image worth it? The score comes from area C, which no training has used.
# Another [random seed](glossary.md#random-seed) gives another network. So the kit brings
# three networks of each kind, trained on the same patches, longer than yours. (The network
# of two sources also has more weights, so the comparison is not about the bands alone.)
#
# The last row is the [baseline](glossary.md#baseline) of notebook 03, maximum likelihood
# with both images. **How much will the accuracy on C gain? How much will it vary with the
# seed?**

# %%
test_10m = test.map(lambda x, y: ({"input": x["input_10m"]}, y))
kinds = {"fcnn_havel": test_10m, "dual_source_havel": test}
found, weights = {}, {}
for kind, data in kinds.items():
    for end in ("", "_1", "_2"):
        network = keras.models.load_model(recorded.weights_path(kind + end))
        labels, found[kind + end] = tl.training.classify(network, data)
    weights[kind] = sum(np.prod(w.shape) for w in network.trainable_weights)

baseline = tl.training.maximum_likelihood(patches["a"], patches["c"])
right = {name: np.mean(labels == estimated) for name, estimated in found.items()}
seeds = pandas.DataFrame(index=["seed 0", "seed 1", "seed 2"])
seeds["one source"] = [right["fcnn_havel" + end] for end in ("", "_1", "_2")]
seeds["two sources"] = [right["dual_source_havel" + end] for end in ("", "_1", "_2")]
seeds["gain"] = seeds["two sources"] - seeds["one source"]
seeds.loc["maximum likelihood", "two sources"] = np.mean(labels == baseline)
print("trainable weights:", [int(count) for count in weights.values()])
seeds.round(3).astype(object).fillna("")

# %% [markdown]
# **What you see.** With each seed, two sources are a little better, and all networks beat
# the baseline. But three networks of one source, which differ in nothing but their seed,
# lie further apart than the mean gain.

# %% [markdown] late="Do the question and its table; show the exercise solved."
# ## How many samples are there?
#
# Seeds are one kind of chance. The places are another: in other places the result may
# differ. The labels are [polygons](glossary.md#polygon), and the table counts them.

# %%
polygons = patches["c"].polygons
of_class = pandas.DataFrame({"class": labels, "polygon": polygons}).groupby("class")
counts = of_class["polygon"].agg(["size", "nunique", lambda x: x.value_counts().max()])
counts.columns = ["patches", "polygons", "most in one polygon"]
counts.index = [legend.names[number] for number in counts.index]
counts

# %% exercise="samples"

# %% exercise="draw_again"

# %% [markdown]
# 300 such draws give 300 accuracies, and 95 % of them lie in the *interval*. The first
# interval draws single patches, the second one polygons. An interval that is twice as long
# stands for a quarter of the samples: the last column counts so.

# %%
draw_again = ex.draw_again.answer()
rng, rows = np.random.default_rng(seed), {}
for end in ("", "_1", "_2"):
    hit = found[f"dual_source_havel{end}"] == labels
    low, high = tl.training.accuracy_interval(labels, found[f"dual_source_havel{end}"])
    draws = [draw_again(hit, polygons, rng) for _ in range(300)]
    first, last = np.quantile(draws, [0.025, 0.975])
    samples = len(labels) * ((high - low) / (last - first)) ** 2
    texts = f"{low:.2f} to {high:.2f}", f"{first:.2f} to {last:.2f}"
    rows[f"seed {len(rows)}"] = *texts, round(samples)

columns = ["over patches", "over polygons", "samples"]
intervals = pandas.DataFrame.from_dict(rows, orient="index", columns=columns)
print(f"{len(labels)} patches, {len(np.unique(polygons))} polygons")
ex.samples.reveal(intervals)

# %% [markdown]
# **What you see.** The interval over polygons is several times as long. Compare the last
# column with the two numbers above the table: that of the patches, and that of the polygons.
#
# Now the gain of two sources. `tl.training.compare_over_places` draws the same polygons for
# both networks ([bootstrap](glossary.md#bootstrap)), and computes how much the
# [F-score](glossary.md#f-score) of each class grows.

# %% exercise="report"

# %%
result, decided = {}, {}
for number, end in enumerate(("", "_1", "_2")):
    one, two = found[f"fcnn_havel{end}"], found[f"dual_source_havel{end}"]
    table = tl.training.compare_over_places(
        labels, one, two, polygons, names=legend.names
    )
    over = tl.training.compare_over_places(labels, baseline, two, polygons)
    table.loc["accuracy over baseline"] = over.loc["overall accuracy"]
    pairs = list(zip(table["low"], table["high"], strict=True))
    result[f"seed {number}"] = [f"{low:+z.3f} to {high:+z.3f}" for low, high in pairs]
    decided[number] = [int(low > 0) - int(high < 0) for low, high in pairs]

result = pandas.DataFrame(result, index=table.index)
decided = pandas.DataFrame(decided, index=table.index).mean(axis=1)
result["all three"] = decided.map({1: "gain", -1: "loss"}).fillna("undecided")
ex.report.reveal(result)

# %% [markdown]
# **What you see.** Only the last row is a gain: the network of two sources against the
# baseline. With a single seed you would have reported more.
#
# ## A map of two sources
#
# Map the scene with your network. Nothing is declared this time: the kit works out the
# fields from the layers. A pixel of the map is `scale_factor` times as large as a pixel of
# the first source, the [reference](glossary.md#reference). **Which scale factor will the
# plan find?**

# %%
map_path = work / "land_cover.tif"
plan = tl.plan_inference(best_model, sources, output="estimated_labels", legend=legend)
print(plan)
plan.write(map_path, progress=False)
if not map_of_05.exists():  # without notebook 05, the kit's network makes it
    kit, map_of_05 = recorded.weights_path("fcnn_havel"), work / "one_source.tif"
    options = {"output": "estimated_labels", "legend": legend}
    tl.predict_raster(kit, sources["input_10m"], map_of_05, progress=False, **options)
titles = ("one source, 10 m", "two sources, 20 m")
tl.compare(map_of_05, map_path, titles=titles)

# %% [markdown]
# **What you see.** The scale factor is 2: a map pixel is 20 m wide. Two networks give two
# maps, and a difference is not yet an improvement. Look at places where you see the right
# class in the image, such as the lakes: which map is right there?
#
# The last line of the plan says that a map pixel's centre lies 5 m beside the centre of the
# pixel that had the label: a patch of even size has no pixel in its middle.
#
# ## The card of the map
#
# Others will use the file and cannot ask you. So a map needs a card that says where it is
# from, how good it is, where it fails, and what it is not for. First the numbers, of **your**
# network. **Which of the four intervals belongs on the card?**

# %%
scores = {}
for area, data in (("b", valid), ("c", test)):
    true, own = tl.training.classify(best_model, data)
    row = {"accuracy": round(float(np.mean(true == own)), 3)}
    for name, places in (("patches", None), ("polygons", patches[area].polygons)):
        low, high = tl.training.accuracy_interval(true, own, places)
        row[f"over {name}"] = round(low, 3), round(high, 3)
    scores[f"area {area.upper()}"] = row

scores = pandas.DataFrame.from_dict(scores, orient="index")
scores

# %% exercise="map_card"

# %%
# Of the Havel, from `SOURCES.md` beside the image.
about = {
    "image": "Sentinel-2A, level 1C, tile T33UUU; modified Copernicus data 2017",
    "date": "2017-02-16",
    "labels": "(c) OpenStreetMap contributors, ODbL 1.0: land use and water",
    "training_area": "area A: half of the scene, west of Berlin",
}
card = tl.MapCard(**about, **ex.map_card.answer(scores=scores))
tl.write_card(map_path, card)
print(map_path.resolve())
tl.read_card(map_path)

# %% [markdown]
# The card lies in the tags of the GeoTIFF, and no pixel has changed. QGIS shows it under
# *Properties*, *Information*, *More information*, and `gdalinfo` among the metadata.

# %% [markdown] late="Skip it: nothing later needs it."
# ## Optional: Which source comes first?
#
# So far the 10 m image came first. You can also declare all fields, and put the 20 m image
# first. The receptive fields are those of the patches.

# %% exercise="plan_map"

# %% [markdown]
# [Fully convolutional](glossary.md#fully-convolutional) runs the network over whole tiles,
# [patch-based](glossary.md#patch-based) runs it on the patches of each map pixel. **Will the
# two modes and the two orders give the same map? Which one will be slow?**

# %%
plan_map = ex.plan_map.answer()
part = Window(col_off=110, row_off=100, width=180, height=120)
orders, maps = [], []
for mode in ("fully_convolutional", "patch_based"):
    for first, path in sources.items():
        grid = plan_map(best_model, sources, first, mode=mode).grid
        factor = grid.resolution.x / tl.read_grid(path).resolution.x
        corner = f"{grid.transform.c:.0f}, {grid.transform.f:.0f}"
        planned = plan_map(best_model, sources, first, mode=mode, window=part)
        planned.read()  # the first run also compiles the network
        start = time.perf_counter()
        maps.append(planned.read())
        seconds = round(time.perf_counter() - start, 2)
        same = bool(np.mean(maps[-1] == maps[0]) > 0.999)
        orders.append((mode, first, factor, corner, seconds, same))
columns = ["mode", "first", "scale factor", "upper left corner", "seconds", "same map"]
pandas.DataFrame(orders, columns=columns).set_index(["mode", "first"])

# %% [markdown]
# **What you see.** It is the same map four times, at the same place. Patch by patch it is
# slower: neighbouring patches share most of their pixels, and each patch is computed on its
# own. (In OTBTF, an extension of the [Orfeo ToolBox](glossary.md#orfeo-toolbox), the two
# orders give maps that lie 5 m apart.)

# %% [markdown] late="Skip it: it is about other programs."
# ## Optional: A model for other programs
#
# A `.keras` file is for Keras. Other programs, such as OTBTF, read a
# [SavedModel](glossary.md#savedmodel): a folder with the network, its weights, and the names
# of its inputs and outputs.

# %% exercise="export_model"

# %%
export_model = ex.export_model.answer()
saved_model = export_model(best_model, work / "dual_source")
planned = tl.plan_inference(saved_model, sources, output="estimated_labels")
same = np.mean(planned.read() == rasters.read_array(map_path))
print(f"equal to the map of your network: {same:.2%}")

# %% tags=["claim"]
apart = bands.groupby("input")["meadow to farm"].max()
assert apart["input_20m"] > 1.2 * apart["input_10m"]
assert bands["deviation"].max() > 3 * bands["deviation"].min()
joinable = (last_pixels == last_pixels.loc["the 20 m branch"]).all(axis=1)
assert joinable.tolist() == [True, False, True, False]
assert (seeds["gain"][:3] > 0).all()
assert np.ptp(seeds["one source"][:3]) > seeds["gain"].mean()
networks = seeds[["one source", "two sources"]][:3]
assert (networks > seeds.loc["maximum likelihood", "two sources"]).all(axis=None)
assert (intervals["samples"] < len(np.unique(polygons))).all()
assert (intervals["samples"] > 0.5 * len(np.unique(polygons))).all()
assert (result["all three"][:-1] == "undecided").all()
assert result["all three"].iloc[-1] == "gain"
assert all(row[-1] for row in orders)
assert len({row[3] for row in orders}) == 1
assert [row[2] for row in orders] == [2, 1, 2, 1]

# %% [markdown]
# ## Summary
#
# - One call cuts the patches of all sources, and one dataset shuffles them together.
# - Branches are joined where size and spacing agree, for images as for patches.
# - A network that trains on patches may still be unable to map an image.
# - Patches of one polygon are hardly more than one sample. Draw polygons for an interval.
# - Call a difference a gain if it holds for all seeds, and if its interval over places
#   excludes 0. Otherwise it is undecided.
# - A map is worth more with a card: score with interval, known failures, limits of use.
#
# ## Open task
#
# Does your network use both images? Take the patches of C. Give the network the 10 m patches
# of *other* positions (`np.random.default_rng(0).permutation`), and leave the 20 m patches as
# they are; then the other way round. Use `best_model.predict`. Which one costs more
# accuracy? What would you see if the network ignored one of the images?
#
# ## Further reading
#
# - ESA, [the bands of Sentinel-2](https://sentiwiki.copernicus.eu/web/s2-mission): what each
#   band measures, and with which pixel size.
# - Gaetano and others (2018), [a network with two branches for two pixel
#   sizes](https://doi.org/10.3390/rs10111746).
# - Do you have scripts for OTBTF? They run here: `docs/from_otbtf.md` in the folder of the
#   kit shows these patches and maps in OTBTF's words, and says what differs.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [07](07_blocking_artifacts.ipynb) tiles leave traces in a map.
