# %% [markdown]
# # Mapping a scene
#
# The network of notebook 03 reads a patch of 16 x 16 pixels and gives the class of one
# pixel. A scene has more than a million pixels. In this notebook the network makes a map
# of all of them, in a file that QGIS and other programs can open. Then we ask how far to
# believe it.
#
# **Afterwards you can**
#
# - plan a map before you compute it, and write it into a file for QGIS,
# - say what a small tile costs,
# - decide which pixels are background because the image has no data there,
# - correct an image whose numbers have an offset,
# - say what a probability, and the agreement of several networks, tell about a map.
#
# **Needs** about 45 minutes of your time, seconds of computing and 1.2 GB of memory; no
# internet.

# %%
import warnings

import numpy as np
import pandas
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb05_mapping_a_scene as ex
from tutorial_lib.machine import find_data
from tutorial_lib.recorded import recipes

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "05_mapping_a_scene"
own_path = scene.parent / "work" / SCENE / "03_pixelwise_fcnn" / "fcnn.keras"
window = Window(col_off=512, row_off=256, width=512, height=256)

# %% [markdown]
# ## Which network?
#
# This notebook takes the network that you trained in [03](03_pixelwise_fcnn.ipynb), if
# its file is on your disk and fits: it must read patches of 16 x 16 pixels of this image
# and give six classes. Otherwise it takes the network that the kit brings.

# %%
image_path = scene / "s2_10m.tif"
legend = tl.read_legend(scene / "terrain_truth_a.tif")
source = tl.Source(image_path, receptive_field=16)


def fits(path):
    """Whether a file holds a network for this image and these classes."""
    try:
        plan = tl.plan_inference(path, source, output="estimated")
    except (OSError, TypeError, ValueError) as err:
        print(f"Your network does not fit: {err}")
        return False
    return len(plan.format.bands) == len(legend)


is_own = own_path.exists() and fits(own_path)
# Loaded once, for all maps of this notebook.
model = tl.load_predictor(own_path if is_own else recorded.weights_path("fcnn_havel"))
print("This notebook uses", "your own network." if is_own else "the kit's network.")

# %% [markdown]
# ## A plan
#
# `tl.plan_inference` reads the sizes of the image and of the network, and checks that
# they fit. It computes nothing yet. We give it:
#
# - the image with its [receptive field](glossary.md#receptive-field): how many pixels of
#   the image the network reads, along each axis, for one pixel of the map,
# - the name of an output: `estimated` holds the probability of each class,
# - a [window](glossary.md#window): the part of the map that we want, in map pixels,
# - the size of a [tile](glossary.md#tile): the map is computed in squares of this side.
#
# The plan cuts the window into tiles of 256 x 256 pixels. **How many pixels of the image
# must be read for one of these tiles?**

# %% tags=["nbval-check-output"]
plan = tl.plan_inference(
    model, source, output="estimated", window=window, tile_size=256, legend=legend
)
print(plan)
plan.table()

# %% [markdown]
# The *chunk* in the table is what is read for a tile. Along each axis it is 15 pixels
# larger than the tile: a pixel at the border of the tile needs its whole patch too.
#
# Two more terms of the plan: the [expression field](glossary.md#expression-field) is the
# block of map pixels that one receptive field fills, here a single pixel. The
# [scale factor](glossary.md#scale-factor) is 1: map pixels are as large as image pixels.
#
# Now compute the map of this window. The largest probability of a pixel tells how sure
# the network is. **Where will the network be sure, and where not?**

# %%
plan.write(work / "probabilities.tif", progress=False)
probabilities = rasters.read_array(work / "probabilities.tif")
surest = probabilities.max(axis=-1, keepdims=True)
surest_path = rasters.write_array(work / "surest.tif", surest, plan.grid)
tl.show(
    surest_path,
    image_path,
    window=Window(0, 0, window.width, window.height),
    titles=("probability of the most probable class", "Sentinel-2"),
)

# %% [markdown]
# **What you see.** The network is less sure where one kind of ground meets another: there,
# a patch holds both. Inside large areas of one kind it is often more sure.
#
# ## Which pixels have a map?
#
# The network needs a whole patch for each pixel. A pixel near the border of the image has
# no whole patch, so it is not mapped. The map is therefore smaller than the image.

# %% exercise="map_size"

# %% tags=["nbval-check-output"]
map_size = ex.map_size.answer()
whole = tl.plan_inference(model, source, output="estimated")
image_grid = tl.read_grid(image_path)
rows, first = map_size(image_grid.height, 16)
cols, _ = map_size(image_grid.width, 16)
print("your function:", rows, cols, image_grid.transform.c + first * 10)
print("the plan:     ", *whole.grid.shape.yx, whole.grid.transform.c)

# %% [markdown]
# The last number is the left edge of the map in metres. Each pixel of the map covers
# exactly one pixel of the image, so map and image fit on each other without a shift.
#
# ## The whole scene

# %% exercise="write_map"

# %%
write_map = ex.write_map.answer()
map_path = work / "land_cover.tif"
report = write_map(model, image_path, map_path, legend)
print(report)
print("The map:  ", map_path.resolve())
print("The image:", image_path.resolve())
tl.show_map(image_path, map_path, titles=("Sentinel-2", "land cover"), opacity=0.6)

# %% [markdown]
# You can move this map and zoom into it: with `+` and `-`, or with the wheel while you hold
# Ctrl. The slider changes how much of the image shines through.
#
# Find three places. The lake is in the east. A dark arm of the river lies south-west of
# it, at the lower edge of the scene. The brightest cloud is in the north.

# %% exercise="cloud"

# %%
# Places of the Havel: on another scene, take your own.
places = {
    "lake": Window(1230, 240, 60, 60),
    "dark arm": Window(465, 540, 60, 60),
    "bright cloud": Window(900, 113, 60, 60),
}
found = {}
for place, spot in places.items():
    planned = tl.plan_inference(model, source, output="estimated", window=spot)
    values = planned.read()
    values = values[np.isfinite(values).all(axis=-1)]  # where the image has data
    if len(values):
        counts = np.bincount(values.argmax(axis=-1))
        most, share = counts.argmax(), counts.max() / len(values)
        found[place] = legend.names[most], share, values.max(axis=-1).mean()

columns = ["most frequent class", "its share", "mean probability"]
table = pandas.DataFrame.from_dict(found, orient="index", columns=columns)
ex.cloud.reveal(table.round(2))

# %% [markdown]
# **What you see.** The lake and the dark arm are both dark and smooth: they are water.
# Under the bright cloud the image shows no ground at all, so nobody can tell the right
# class from it. The network names one all the same.

# %% [markdown] late="Skip it: the map is written, and QGIS can wait."
# ## Open the map in QGIS
#
# [QGIS](https://qgis.org) is a free program for maps. It is not a part of this kit.
#
# 1. Choose *Layer*, *Add Layer*, *Add Raster Layer…*, and take the file of the map, whose
#    path is printed above. QGIS lists the classes with their colours.
# 2. Add the image in the same way. In the *Layers* panel, drag it below the map.
# 3. Right-click the map and choose *Properties*, *Transparency*: with 60 % the image shines
#    through. With *View*, *Identify Features* a click shows the class of a pixel.
#
# On Binder the files are on another computer. Right-click the map in Jupyter's file list,
# under `data/work`, and choose *Download*.

# %% [markdown] late="Do the question only, without the cell about equal maps."
# ## Tiles
#
# A large scene does not fit into memory at once. So the map is computed tile by tile.
# Neighbouring tiles read some of the same pixels.

# %% exercise="small_tiles"

# %%
costs, tiled = [], []
for tile_size in (16, 64, 256):
    planned = tl.plan_inference(
        model, source, output="estimated", window=window, tile_size=tile_size
    )
    tiled.append(planned.read())
    cost = planned.estimate()
    costs.append((tile_size, cost.tile_count, cost.redundancy))

columns = ["tile size", "tiles", "pixels read for each map pixel"]
table = pandas.DataFrame(costs, columns=columns).set_index("tile size")
ex.small_tiles.reveal(table.round(2))

# %% [markdown]
# **What you see.** With small tiles, the same pixels are read again and again. From 64 to
# 256 pixels you save less than from 16 to 64. But a large tile fills more memory. You can
# also leave `tile_size` out and give `memory=`, the gigabytes that a map may take: then
# the kit chooses the tiles.
#
# **Does the tile size change the map? And are the pixels of a window the same as in the map
# of the whole scene, also at the border of the window?**

# %% tags=["nbval-check-output"]
near = {"rtol": 0, "atol": 1e-5, "equal_nan": True}
equal = all(np.allclose(one, tiled[0], **near) for one in tiled)
print("largest difference of a probability below 0.00001:", equal)

part_path = work / "part.tif"
write_map(model, image_path, part_path, legend, window=window)
part, everything = rasters.read_array(part_path), rasters.read_array(map_path)
same = np.array_equal(part, everything[window.toslices()])
print("the window equals this part of the map:", same)

# %% [markdown]
# Nothing changes. Each pixel is computed from its own 16 x 16 pixels, whatever the tile. At
# the border of a window the image goes on, and the network reads it.
#
# ## Where the image has no data
#
# This copy of the image has a wedge without data in the west. The pixels there have the
# value 0, and the file says that 0 means *no data*. `nodata_rule=None` ignores this: the
# network takes the zeros for measured values. Without it, a map pixel is
# [background](glossary.md#background-value) when its own place in the image has no data.
# The background has the value 255, which is not a class. **What will happen to the wedge?
# And to the pixels beside it?**

# %%
empty_path = scene / "s2_10m_nodata.tif"
plain_path, masked_path = work / "without_rule.tif", work / "with_rule.tif"
write_map(model, empty_path, plain_path, legend, nodata_rule=None)
write_map(model, empty_path, masked_path, legend)
plain, masked = rasters.read_array(plain_path), rasters.read_array(masked_path)
beside = masked != 255
print(f"changed beside the wedge: {np.mean(plain[beside] != masked[beside]):.2%}")
tl.compare(plain_path, masked_path, titles=("zeros as measured", "zeros as no-data"))

# %% [markdown]
# Pull the line from side to side; *Blink* shows the maps in turn. Beside the wedge nothing
# has changed. Often a thin red strip runs along it, in both maps, but no houses stand
# there: the patches of these pixels hold some zeros, and these mislead the network.
#
# Three rules decide what becomes background:
#
# | rule | background where |
# |---|---|
# | `"center"` | the pixel itself has no data (used above) |
# | `"any"` | at least one pixel of the patch has no data |
# | `"all"` | all pixels of the patch have no data |
#
# **Which rule gives most background, and which gives least?**

# %% tags=["nbval-check-output"]
for rule in ("all", "center", "any"):
    ruled = tl.plan_inference(
        model, empty_path, output="estimated_labels", nodata_rule=rule
    )
    share = (ruled.read() == 255).mean()
    print(f"{rule:>6}: {share:.1%} background")

# %% [markdown]
# With `"any"`, all pixels whose patch holds a zero of the wedge are background. So the
# misleading strip is gone too.
#
# ## An offset in the numbers
#
# Sentinel-2 stores reflectance as whole numbers. Since January 2022 these numbers are 1000
# larger than before, so that very dark pixels do not fall below 0. The metadata of a
# product says so, but the picture does not. The cell makes such an image of our scene.
# **Do you see the difference? Will the network?**

# %%
nodata, shifted_path = rasters.read_nodata(image_path), work / "shifted.tif"
shifted = rasters.read_array(image_path) + 1000
rasters.write_array(shifted_path, shifted, image_grid, nodata=nodata)
tl.show(image_path, shifted_path, window=window, titles=("as trained", "1000 more"))

# %% [markdown]
# The colours of a picture are stretched from its darkest to its brightest pixels, so it
# looks the same. The network reads numbers.

# %% exercise="as_trained"

# %% [markdown]
# The accuracy is counted at labelled places of area B, the ones of notebook 03. **How many
# of them are still right with the offset? And after your correction?**


# %%
def labelled_places(area):
    """Rows, columns and classes of labelled places on the map."""
    positions = tl.select_positions(
        scene / f"terrain_truth_{area}.tif",
        count=recipes.COUNTS[area],
        margin=recipes.MARGIN,
        most_per_polygon=recipes.MOST_PER_POLYGON,
    )
    cols, rows = ~whole.grid.transform @ (positions.x, positions.y)
    rows, cols = rows.astype(int), cols.astype(int)
    mapped = everything[rows, cols, 0] != 255  # where the image has data
    return (rows[mapped], cols[mapped]), positions.labels[mapped]


# %%
as_trained = ex.as_trained.answer()
metadata = {"BOA_ADD_OFFSET": -1000, "BOA_QUANTIFICATION_VALUE": 10_000}
pixels = rasters.read_array(shifted_path).astype("float32")
pixels = np.rint(as_trained(pixels, *metadata.values())).astype("uint16")
corrected_path = work / "corrected.tif"
rasters.write_array(corrected_path, pixels, image_grid, nodata=nodata)

at, classes = labelled_places("b")
maps = {"as trained": everything}
for title, path in (("1000 more", shifted_path), ("corrected", corrected_path)):
    write_map(model, path, work / "again.tif", legend)
    maps[title] = rasters.read_array(work / "again.tif")

right = {title: np.mean(one[at][:, 0] == classes) for title, one in maps.items()}
pandas.DataFrame({"accuracy on B": right}).round(3)

# %% [markdown]
# **What you see.** A wrong offset costs a large part of the accuracy, and there is no
# error message. The correction brings back every pixel of the map. So read the metadata
# of each image, and look at a few pixel values: water is dark.

# %% [markdown] late="Do the question and its table; leave out the calibration."
# ## Do three networks agree?
#
# The kit has three networks of the same kind, trained on the same patches. Only their
# random seed differs. Let each of them map the scene, and mark where they do not agree.
# From here to the summary, all networks are the kit's, even if you trained one of your own.

# %%
answers = []
for end in ("", "_1", "_2"):
    network = tl.load_predictor(recorded.weights_path(f"fcnn_havel{end}"))
    planned = tl.plan_inference(
        network, source, output="estimated_labels", tile_size=256
    )
    answers.append(planned.read()[..., 0])

one, two, three = answers
agree = (one == two) & (two == three)
two_colours = tl.Legend(("differ", "agree"), ("#d55e00", "#dddddd"))
shown = {"agreement": (agree, two_colours), "land_cover_kit": (one, legend)}
paths = [
    rasters.write_array(
        work / f"{name}.tif", values[..., None].astype("uint8"), whole.grid, legend=key
    )
    for name, (values, key) in shown.items()
]
print(f"all three agree on {agree.mean():.0%} of the map")
tl.show(*paths, titles=("three networks", "land cover by the first one"))

# %% exercise="agreement"

# %%
rows = {}
for area in "bc":
    at, classes = labelled_places(area)
    hit, alike = one[at] == classes, agree[at]
    rows[f"area {area.upper()}"] = alike.mean(), hit[alike].mean(), hit[~alike].mean()

columns = ["share that agrees", "right where they agree", "right elsewhere"]
agreement = pandas.DataFrame.from_dict(rows, orient="index", columns=columns)
ex.agreement.reveal(agreement.round(2))

# %% [markdown]
# **What you see.** Agreement is a good hint: where the networks differ, look first. It is
# not a proof. All three learnt from the same places, so they share what these places did
# not show.
#
# A probability is another hint. A network is [calibrated](glossary.md#calibration) if, of
# all patches with a probability near 0.8, about 80 % are right.

# %% exercise="calibration_error"

# %% [markdown]
# B has chosen the epoch that was kept. C has played no part in any training. The table
# first has the calibration error, by your function and by the kit's. Then it compares both
# hints. How often are the places right where all three networks agree? And as many places
# where one network is surest? **In which area will the calibration error be smaller? And
# which hint will be better?**

# %%
calibration_error = ex.calibration_error.answer()
network = tl.load_predictor(recorded.weights_path("fcnn_havel"))
planned = tl.plan_inference(network, source, output="estimated", tile_size=256)
answer, curves, rows = planned.read(), {}, {}
for area in "BC":
    at, classes = labelled_places(area.lower())
    sure, hit = answer[at].max(axis=-1), answer[at].argmax(axis=-1) == classes
    curves[area] = tl.training.reliability(classes, answer[at])
    errors = calibration_error(sure, hit), curves[area].error
    alike = agree[at]
    surest_places = sure >= np.quantile(sure, 1 - alike.mean())
    rows[f"area {area}"] = *errors, hit[alike].mean(), hit[surest_places].mean()

columns = ["your function", "kit's function", "three agree", "one is surest"]
hints = pandas.DataFrame.from_dict(rows, orient="index", columns=columns)
print(hints.round(3).to_string())
curves["B"].plot("area B", others={"area C": curves["C"]})

# %% tags=["claim"]
assert same
assert equal
few, some, many = (cost[-1] for cost in costs[::-1])
assert many - some > some - few > 0
assert found["bright cloud"][1] > 0.5
assert found["bright cloud"][2] > 1.5 / len(legend)
labels = probabilities.argmax(axis=-1)
at_edge = (labels[1:, 1:] != labels[:-1, 1:]) | (labels[1:, 1:] != labels[1:, :-1])
assert surest[1:, 1:, 0][at_edge].mean() < surest[1:, 1:, 0][~at_edge].mean() - 0.05
assert right["1000 more"] < right["as trained"] - 0.2
assert np.array_equal(maps["corrected"], everything)
there, elsewhere = agreement.iloc[:, 1], agreement.iloc[:, 2]
assert (there > elsewhere + 0.2).all()
assert (there < 0.9).all()
assert curves["C"].error > curves["B"].error + 0.05
assert curves["C"].overconfidence > 0.1
assert abs(hints.iloc[:, 2] - hints.iloc[:, 3]).max() < 0.05

# %% [markdown]
# **What you see.** The network is too sure, and in C more than in B. So a probability that
# was honest in one place need not be honest in another. Only labelled places tell.
#
# Both hints are about equally good here. So one network is enough to find the places to
# look at first: those where it is least sure.

# %% [markdown] late="Skip it: it is about other programs."
# ## Optional: Two traps of background
#
# The Orfeo ToolBox decides by whole tiles: only a tile without any data becomes background.
# And its background value is 0, unless you choose another one. The kit can do the same, but
# it warns. **Which class has the number 0 here? And what will the wedge look like?**

# %%
with warnings.catch_warnings(record=True, action="always") as heard:
    steps_path = work / "tile_rule.tif"
    trap = {"nodata_rule": "tile", "tile_size": 64, "background": 0}
    write_map(model, empty_path, steps_path, legend, **trap)
print(heard[0].message)
tl.show(masked_path, steps_path, titles=("by pixel, 255", "by tile, 0"))

# %% [markdown]
# **What you see.** The wedge has stairs, as large as the tiles. And the lakes are gone: the
# file says that 0 means *no data*, and 0 is also the number of water. Nobody who opens
# this file can tell a lake from a hole.
#
# ## Summary
#
# - A plan tells what will be computed. `write` computes it. `predict_raster` does both.
# - A pixel is mapped if its whole patch lies in the image.
# - With this network, neither the window nor the tile size changes a pixel of the map.
# - Decide about no-data pixel by pixel, and choose a background value that is not a class.
# - A wrong offset ruins a map without an error. Read the metadata.
# - A network names a class everywhere. Agreement and probability are hints, not proof.
#
# ## Open task
#
# Map the scene a second time from an image of another day: multiply the pixels by 0.9
# (`rasters.read_array`, `rasters.write_array`), as if the sun stood lower. Compare both
# maps with `tl.compare`. Which classes change, and where?
#
# ## Further reading
#
# - QGIS, [raster properties](https://docs.qgis.org/latest/en/docs/user_manual/working_with_raster/raster_properties.html):
#   colours, opacity, and much more.
# - Guo and others (2017), [on calibration of modern neural
#   networks](https://arxiv.org/abs/1706.04599): the error of this notebook, and a cure.
# - Do you have scripts for OTBTF? They run here: `docs/from_otbtf.md` in the folder of the
#   kit shows this map in OTBTF's words, and says what differs.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [06](06_two_sources.ipynb) the network reads two images.
