# %% [markdown]
# # Mapping a scene
#
# The network of notebook 03 reads a patch of 16 x 16 pixels and gives the class of one
# pixel. A scene has more than a million pixels. In this notebook the network makes a map
# of all of them, in a file that QGIS and other programs can open.
#
# **Afterwards you can**
#
# - plan a map before you compute it: its size, its place and its cost,
# - map a part of a scene, or the whole scene, into a file,
# - open this map in QGIS,
# - choose a tile size, and say what a small one costs,
# - decide which pixels of a map are background because the image has no data there.
#
# **Needs** about 45 minutes of your time, seconds of computing and 1.1 GB of memory; no
# internet.

# %%
import time
import warnings

import numpy as np
import pandas
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb05_mapping_a_scene as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "05_mapping_a_scene"
own_path = scene.parent / "work" / SCENE / "03_pixelwise_fcnn" / "fcnn.keras"
window = Window(col_off=512, row_off=256, width=512, height=256)

# %% [markdown]
# ## Which network?
#
# If you trained the network in [03](03_pixelwise_fcnn.ipynb), its file is on your disk.
# This notebook takes it if it fits: it must read patches of 16 x 16 pixels of this image
# and give six classes. Otherwise the notebook takes the network that the kit brings. The
# exercises are the same with both.

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
# `tl.plan_inference` reads the sizes of the image and of the network. It checks that they
# fit, and it computes nothing yet. We give it:
#
# - the image with its [receptive field](glossary.md#receptive-field): how many pixels of
#   the image the network reads, along each axis, for one pixel of the map,
# - the name of an output: `estimated` holds the probability of each class,
# - a [window](glossary.md#window): the part of the map that we want, in map pixels,
# - the size of a [tile](glossary.md#tile): the map is computed in squares of this side, in
#   map pixels. Without it, the plan takes the size that reads the fewest pixels and fits
#   into the memory.
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
# The plan tells the size of the map, its place and its cost. The *chunk* in the table is
# the answer to the question: rows and columns of the image that are read for a tile. It is
# 15 pixels larger than the tile, because a pixel at the border of the tile needs its whole
# patch too.
#
# Two more terms of the plan:
#
# - The [expression field](glossary.md#expression-field) is the block of map pixels that
#   one receptive field fills: here a single pixel.
# - The [scale factor](glossary.md#scale-factor) is 1: map pixels are as large as image
#   pixels.
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
# The last number is the left edge of the map in metres: the left edge of its first pixel.
# Each pixel of the map covers exactly one pixel of the image. So map and image fit on each
# other without a shift.
#
# ## The whole scene

# %% exercise="whole_map"

# %%
plan_map = ex.whole_map.answer()
plan_map(model, image_path)

# %% exercise="write_map"

# %%
write_map = ex.write_map.answer()
map_path = work / "land_cover.tif"
report = write_map(model, image_path, map_path, legend)
print(report)
tl.show_map(image_path, map_path, titles=("Sentinel-2", "land cover"), opacity=0.6)

# %% [markdown]
# You can move this map and zoom into it: with `+` and `-`, or with the wheel while you hold
# Ctrl. The slider changes how much of the image shines through.
#
# Find three places. The lake is in the east. A dark arm of the river lies south-west of
# it, at the lower edge of the scene. The brightest cloud is in the north. **Which class
# does the map give to each of them? And how sure will the network be?**

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
pandas.DataFrame.from_dict(found, orient="index", columns=columns).round(2)

# %% [markdown]
# **What you see.** Judge each place by the image. The lake and the dark arm are both dark and
# smooth: they are water. Under the bright cloud the image shows no ground at all, so nobody
# can tell the right class from it. The network gives an answer there too: it knows six
# classes, and *I do not know* is not one of them.
#
# So a probability is not a proof. It tells how much better one class fits a patch than the
# five others do, as the network learnt them in area A. Even a high probability would not
# tell what is under a cloud.
#
# ## Open the map in QGIS

# %%
print("The map:  ", map_path.resolve())
print("The image:", image_path.resolve())
pandas.DataFrame({"class": legend.names, "colour": legend.colors})

# %% [markdown]
# [QGIS](https://qgis.org) is a free program for maps. It is not a part of this kit.
#
# 1. Choose *Layer*, *Add Layer*, *Add Raster Layer…*, and take the file of the map. QGIS
#    takes the colours from the file. It shows class numbers; the table above has the names.
# 2. Add the image in the same way. In the *Layers* panel, drag it below the map.
# 3. Right-click the map and choose *Properties*, *Transparency*. With a *Global opacity* of
#    60 % the image shines through.
# 4. Choose *View*, *Identify Features*, and click on the map: QGIS shows the class number
#    of this pixel.
#
# On Binder the files are on another computer. Right-click the map in Jupyter's file list,
# under `data/work`, and choose *Download*.
#
# ## Tiles
#
# A large scene does not fit into memory at once. So the map is computed tile by tile.
# Neighbouring tiles read some of the same pixels.

# %% exercise="pixels_read"

# %% [markdown]
# The Orfeo ToolBox is a free program for satellite images. Its tiles have 16 pixels, unless
# you choose another size. **How many times longer does a map take with tiles of 16 pixels
# than with tiles of 256?**

# %%
pixels_read = ex.pixels_read.answer()
costs, maps = [], []
for tile_size in (16, 64, 256):
    planned = tl.plan_inference(
        model, source, output="estimated", window=window, tile_size=tile_size
    )
    planned.read()  # the first run also prepares the network
    start = time.perf_counter()
    maps.append(planned.read())
    seconds = time.perf_counter() - start
    costs.append((tile_size, len(planned.tiles), pixels_read(tile_size, 16), seconds))

columns = ["tile size", "tiles", "pixels read for each", "seconds"]
pandas.DataFrame(costs, columns=columns).set_index("tile size").round(2)

# %% [markdown]
# **What you see.** With small tiles, the same pixels are read again and again, and each
# tile also costs a little time to read and to write. From 64 to 256 pixels you win less
# than from 16 to 64, and large tiles need more memory. For scenes of any size, give
# `memory=`, the gigabytes that a map may take, and leave `tile_size` out.
#
# **Does the tile size change the map? And are the pixels of a window the same as in the map
# of the whole scene, also at the border of the window?**

# %% tags=["nbval-check-output"]
near = {"rtol": 0, "atol": 1e-5, "equal_nan": True}
alike = all(np.allclose(one, maps[0], **near) for one in maps)
print("largest difference of a probability below 0.00001:", alike)

part_path = work / "part.tif"
write_map(model, image_path, part_path, legend, window=window)
part, everything = rasters.read_array(part_path), rasters.read_array(map_path)
same = np.array_equal(part, everything[window.toslices()])
print("the window equals this part of the map:", same)

# %% tags=["claim"]
assert same
assert alike
assert costs[0][-1] > costs[-1][-1]
labels = probabilities.argmax(axis=-1)
at_edge = (labels[1:, 1:] != labels[:-1, 1:]) | (labels[1:, 1:] != labels[1:, :-1])
assert surest[1:, 1:, 0][at_edge].mean() < surest[1:, 1:, 0][~at_edge].mean() - 0.05

# %% [markdown]
# Nothing changes. Each pixel is computed from its own 16 x 16 pixels, whatever the tile. At
# the border of a window the image goes on, and the network reads it. (Computers round the
# last decimals differently for tiles of different sizes.)
#
# ## Where the image has no data
#
# This copy of the image has a wedge without data in the west. The pixels there have the
# value 0, and the file says that 0 means *no data*. `nodata_rule=None` ignores this: the
# network takes the zeros for measured values.

# %%
empty_path = scene / "s2_10m_nodata.tif"
plain_path = work / "without_rule.tif"
write_map(model, empty_path, plain_path, legend, nodata_rule=None)
tl.show(empty_path, plain_path, titles=("Sentinel-2", "zeros taken as measured"))

# %% [markdown]
# The network gives a class inside the wedge too. Without `nodata_rule=None`, a map pixel is
# [background](glossary.md#background-value) when its own place in the image has no data.
# The background has the value 255, which is not a class. **What will happen to the wedge?
# And to the pixels beside it?**

# %%
masked_path = work / "with_rule.tif"
write_map(model, empty_path, masked_path, legend)
tl.compare(plain_path, masked_path, titles=("zeros as measured", "zeros as no-data"))

# %% [markdown]
# Pull the line from side to side; *Blink* shows the maps in turn.

# %% exercise="changed_share"

# %% tags=["nbval-check-output"]
changed_share = ex.changed_share.answer()
plain, masked = rasters.read_array(plain_path), rasters.read_array(masked_path)
print(f"background: {(masked == 255).mean():.1%} of the map")
print(f"changed beside the wedge: {changed_share(plain, masked):.2%}")

# %% [markdown]
# Beside the wedge nothing has changed: the network reads the same zeros as before, and only
# its answers inside the wedge are replaced. So a pixel near the wedge still has some zeros
# in its patch. Three rules decide what becomes background:
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
# With `"any"`, the network never reads a zero of the wedge for a pixel that has a class.
#
# ## Two traps
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
# **What you see.** The wedge has stairs, as large as the tiles. Another tile size gives
# another map. And the lakes are gone: the file says that 0 means *no data*, and 0 is also
# the number of water. Nobody who opens this file can tell a lake from a hole.
#
# ## Summary
#
# - A plan tells what will be computed. `write` computes it. `predict_raster` does both.
# - A pixel is mapped if its whole patch lies in the image. The map's pixels are pixels of
#   the image.
# - With this network, neither the window nor the tile size changes a pixel of the map.
# - Tiles that are small compared with the receptive field waste most of their reading.
# - Decide about no-data pixel by pixel, and choose a background value that is not a class.
# - A network names a class everywhere, also where the image shows no ground.
#
# ## Open task
#
# Map the scene a second time from an image of another day: multiply the pixels by 0.9
# (`rasters.read_array`, `rasters.write_array`), as if the sun stood lower. Compare both
# maps with `tl.compare`. Which classes change, and where? Do you trust the network of this
# scene on another day?
#
# ## Further reading
#
# - QGIS, [raster properties](https://docs.qgis.org/latest/en/docs/user_manual/working_with_raster/raster_properties.html):
#   colours, opacity, and much more.
# - GDAL, [the raster data model](https://gdal.org/en/stable/user/raster_data_model.html):
#   what a georeferenced file holds, and what a no-data value is.
# - Do you have scripts for OTBTF? They run here: `docs/from_otbtf.md` in the folder of the
#   kit shows this map in OTBTF's words, and says what differs.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [06](06_two_sources.ipynb) the network reads two images.
