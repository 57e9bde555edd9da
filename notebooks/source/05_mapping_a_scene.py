# %% [markdown]
# # Mapping a scene
#
# The network gives one pixel for a patch of 16 x 16. A scene has a million pixels. How
# does the network become a map: georeferenced, quick, in little memory, and honest about
# where the data end?
#
# **Afterwards you can**
#
# - plan a map before computing it: its size, its place, its cost,
# - map a window, or the whole scene,
# - choose a tile size, and say what it costs,
# - handle pixels without data, and see what goes wrong otherwise.
#
# **Needs** about 45 minutes of yours, a minute of computing, 1 GB of memory, no
# internet. The network is the one of [03](03_pixelwise_fcnn.ipynb).

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
havel = find_data("havel")
work = havel.parent / "work" / "05_mapping_a_scene"
window = Window(col_off=512, row_off=256, width=512, height=256)

# %% [markdown]
# If you trained the network in notebook 03, your own is used; otherwise the one that
# the kit brings.

# %%
own = havel.parent / "work" / "03_pixelwise_fcnn" / "fcnn.keras"
model = own if own.exists() else recorded.weights_path("fcnn_havel")
print("your own network" if own.exists() else "the network of the kit")

# %% [markdown]
# ## A plan
#
# `receptive_field` says how many pixels of the image the network reads for one pixel of
# the map. `plan_inference` looks at the rasters and at the network, checks that they
# fit, and computes nothing yet. `window` asks for a part of the map.

# %% tags=["nbval-check-output"]
image_path = havel / "s2_10m.tif"
legend = tl.read_legend(havel / "terrain_truth_a.tif")
source = tl.Source(image_path, receptive_field=16)
plan = tl.plan_inference(
    model, source, output="estimated", window=window, legend=legend
)
plan

# %% [markdown]
# The plan tells size, place and cost of the map. Its *expression field* and *scale
# factor* are 1 for this network: one pixel at a time, as large as those of the image.
#
# The output `estimated` has one band for each class: its probability. The largest of
# them says how sure the network is. **Where do you expect it to be sure, where not?**

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
# **What you see.** It is sure in the middle of the lake. It doubts wherever one kind of
# ground ends and another begins, in many fields, and under the clouds.
#
# ## Which pixels have a map?
#
# Nothing is invented at the border of the image, so the map is smaller than the image.

# %% exercise="map_size"

# %%
map_size = ex.map_size.answer()

# %% [markdown]
# Compare your numbers with the plan for the whole image: rows, columns, and the left
# edge of the map in metres, which is the left edge of its first pixel.

# %% tags=["nbval-check-output"]
whole = tl.plan_inference(model, source, output="estimated")
image_grid = tl.read_grid(image_path)
rows, first = map_size(image_grid.height, 16)
cols, _ = map_size(image_grid.width, 16)
print("your function:", rows, cols, image_grid.transform.c + first * 10)
print("the plan:     ", *whole.grid.shape.yx, whole.grid.transform.c)

# %% [markdown]
# The pixels of the map are exactly pixels of the image: same size, same places, none
# in between.
#
# ## The whole scene

# %% exercise="whole_map"

# %%
plan_map = ex.whole_map.answer(image_path=image_path)

# %%
full = plan_map(model, image_path)
print(full)
full.write(work / "map.tif", progress=False)

# %% [markdown]
# The file has one band, with the number of a class in each pixel. Names and colours of
# the classes come with `legend=`, a further argument. `predict_raster` plans and writes
# in one go.


# %%
def write_map(name, source, **options):
    """Plan and write a map of labels with names and colours; its path."""
    path = work / f"{name}.tif"
    options |= {"output": "estimated_labels", "legend": legend, "progress": False}
    tl.predict_raster(model, source, path, **options)
    return path


map_path = write_map("land_cover", source)
tl.show_map(image_path, map_path, titles=("Sentinel-2", "land cover"), opacity=0.6)

# %% [markdown]
# You can move this map, zoom into it (with `+` and `-`, or with the wheel while you hold
# Ctrl), and change how much of the image shines through.
#
# **What you see.** Lakes and large woods are where they belong. Much of the rest is
# doubtful: look for villages along the shores. Where the clouds are, the network says
# something too: it knows six classes and nothing else, and *I do not know* is not among
# them.
#
# A window of the map is the same as that part of the whole map, pixel for pixel. The
# kit computes both in the same tiles.

# %% tags=["nbval-check-output"]
part_path = write_map("part", source, window=window)
part, everything = rasters.read_array(part_path), rasters.read_array(map_path)
same = np.array_equal(part, everything[window.toslices()])
assert same
print("the window equals the part of the map:", same)

# %% [markdown]
# ## Tiles
#
# A large scene does not fit into memory at once, so the map is computed **tile** by tile.
# Neighbouring tiles read some of the same pixels: with small tiles, most of what is read
# is read several times.

# %% exercise="pixels_read"

# %%
pixels_read = ex.pixels_read.answer()

# %% [markdown]
# **Guess first: how many times longer does a map take with tiles of 16 pixels than with
# tiles of 256?** 16 is what the Orfeo ToolBox, a free program for satellite images,
# takes if nobody tells it otherwise.

# %%
costs = []
for tile_size in (16, 64, 256):
    planned = tl.plan_inference(
        model, source, output="estimated_labels", window=window, tile_size=tile_size
    )
    planned.read()  # the first run also compiles the network for this size
    start = time.perf_counter()
    labels = planned.read()
    seconds = time.perf_counter() - start
    costs.append((tile_size, len(planned.tiles), pixels_read(tile_size, 16), seconds))

names = ["tile size", "tiles", "pixels read for each", "seconds"]
pandas.DataFrame(costs, columns=names).set_index("tile size").round(2)

# %% [markdown]
# **What you see.** Small tiles read the same pixels again and again, and each tile costs
# some time of its own. Beyond some size there is little left to win, and larger tiles
# need more memory.
#
# Does the tile size change the map? It must not: each pixel sees its own 16 x 16 pixels,
# whatever the tile.

# %% tags=["nbval-check-output"]
maps = [
    tl.plan_inference(
        model, source, output="estimated", window=window, tile_size=size
    ).read()
    for size in (37, 64, 256)
]
difference = max(np.abs(one - maps[0]).max() for one in maps)
assert difference < 1e-5
print("the largest difference is smaller than 0.00001")

# %% [markdown]
# ## Where there is no data
#
# This copy of the image has no data in the west: zeros, and a tag that says so. Let us
# first map it as if zeros were measured.

# %%
empty_image = tl.Source(havel / "s2_10m_nodata.tif", receptive_field=16)
plain_path = write_map("without_rule", empty_image, nodata_rule=None)
tl.show(empty_image.path, plain_path, titles=("Sentinel-2", "zeros taken as measured"))

# %% [markdown]
# The network has an answer for everything. **What will happen to the wedge when the
# zeros count as no-data? And what to the pixels beside it?**

# %%
masked_path = write_map("with_rule", empty_image)
tl.compare(plain_path, masked_path, titles=("zeros as measured", "zeros as no-data"))

# %% [markdown]
# Pull the line from side to side; *Blink* shows them in turn. A map pixel is
# **background** when its own place in the image has no data. Its value,
# 255, is no class, and the file says that it means no data.

# %% exercise="changed_share"

# %% tags=["nbval-check-output"]
changed_share = ex.changed_share.answer()
plain, masked = rasters.read_array(plain_path), rasters.read_array(masked_path)
print(f"background: {(masked == 255).mean():.1%} of the map")
print(f"changed beside the wedge: {changed_share(plain, masked):.2%}")

# %% [markdown]
# Nothing beside the wedge has changed: the network reads the same zeros as before, only
# its answer inside the wedge is replaced. But then, pixels near the edge of the wedge
# did see some of those zeros. Whoever wants none of that takes the rule `"any"`:
# background where *anything* that the network read has no data. `"all"` is the opposite:
# background only where *everything* that it read has none. `"center"` was used above.
# **Which rule gives most background?**

# %% tags=["nbval-check-output"]
for rule in ("all", "center", "any"):
    ruled = tl.plan_inference(
        model, empty_image, output="estimated_labels", nodata_rule=rule
    )
    share = (ruled.read() == 255).mean()
    print(f"{rule:>6}: {share:.1%} background")

# %% [markdown]
# ## Two traps
#
# The Orfeo ToolBox looks at whole tiles: a tile without any data is skipped, all others
# are mapped as if nothing were missing. And the value that it writes is 0 unless told
# otherwise. **What is class 0 here?** The kit obeys, but it warns.

# %%
with warnings.catch_warnings(record=True, action="always") as heard:
    steps_path = write_map(
        "tile_rule", empty_image, nodata_rule="tile", tile_size=64, background=0
    )
print(heard[0].message)
tl.show(masked_path, steps_path, titles=("by pixel, 255", "by tile, 0"))

# %% [markdown]
# **What you see.** Stairs, as large as the tiles: another tile size gives another map.
# And where are the lakes? The file says that 0 means no data, and 0 is water too. Whoever
# gets this file cannot tell a lake from a hole.
#
# ## Summary
#
# - A plan says what will be computed; `write` computes it; the file appears when it is
#   complete.
# - With valid convolutions, neither the window nor the tile size changes a pixel.
# - Tiles that are small compared with the receptive field waste most of their reading.
# - No-data should be decided pixel by pixel, and the background should be no class.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [06](06_two_sources.ipynb) the network sees two images.
