# %% [markdown]
# # Going further: your own scene
#
# All notebooks so far used the scenes of this kit. In this one you fetch a scene of a place
# that you choose. You train a network on it, test it, and make a map that QGIS opens with
# the names of the classes.
#
# **Afterwards you can**
#
# - find images of your place in a catalogue, and choose one of them,
# - say which part of a large file is read, and why,
# - tell reflectance from numbers with an offset, and find pixels that clouds hide,
# - fetch a scene with labels that runs in all notebooks of this course,
# - train, test and map on it, in several processes, and after an interruption,
# - open the map in QGIS, and look at several dates at once.
#
# **Needs** about 45 minutes of your time, ½ minute of computing and 1.1 GB of memory; no
# internet. With internet you get real images of your place, and the download takes some
# minutes more. Without it you get practice images that this computer makes.

# %%
import _thread
import logging
import re
import shutil
import textwrap
import time
from contextlib import ExitStack
from threading import Thread
from urllib.request import urlopen

import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
import rasterio
from distributed import LocalCluster
from pystac_client import Client
from rasterio.vrt import WarpedVRT

# %%
from data_fetch import practice, stac, worldcover
from data_fetch.places import grid_of, place_of
from data_fetch.stac.catalogues import Catalogue
from data_fetch.stac.items import parse_items
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb09_going_further as ex
from tutorial_lib.machine import find_data
from tutorial_lib.recorded import recipes

# %% tags=["parameters"]
NAME = "my_town"  # the folder of your scene in data/
PLACE = (12.49, 52.45, 12.73, 52.53)  # west, south, east, north, in degrees
DATES = "2023-02-01/2023-09-30"
CLOUDS = 60  # in percent: images with more clouds are left out
CATALOGUE = "earth-search"  # or the address of one whose files need no token
workers = 1  # processes beside this notebook; each needs about 1 GB of memory
epochs, seed = 6, 0
data = find_data("havel").parent

# %% [markdown]
# ## Which catalogue?
#
# A [STAC](glossary.md#stac) catalogue is a list of images that programs can search: of which
# place, of which day, with how many clouds? Many archives have one, and all are asked in the
# same way. *Earth Search* lists the images of Sentinel-2 that are stored at Amazon. It needs
# no account. Other catalogues, such as the Planetary Computer, send a file only if its address
# ends with a *token*, a text that their server gives out for an hour. The command `stac` adds
# tokens. The cells of this notebook do not, so keep to Earth Search here.
#
# The next cell tries to reach it. If the internet does not answer, the cell starts a small
# practice catalogue on this computer instead. It shows the Havel lakes on a few dates: the
# pixels are real, but the dates, the seasons and the clouds are invented. Everything else in
# this notebook is the same.
#
# Run all of it once as it is. If you have internet, choose your own `PLACE` and a new `NAME`
# after that, restart the kernel, and run it again. Take a box that is 16 to 25 km wide and 8 to
# 25 km high: the other notebooks look at parts of the scene that a smaller one does not have.
# For the four numbers, go to a map, for example
# [openstreetmap.org](https://www.openstreetmap.org). Right-click on the south-west corner of
# your place, and choose *Show address*: the page shows the latitude (south), then the
# longitude (west). Do the same at the north-east corner. In `PLACE`, the longitude is first.


# %%
def answers(address):
    """Whether a server answers within five seconds."""
    try:
        urlopen(address, timeout=5).close()
        return True
    except OSError:
        return False


until_the_end = ExitStack()  # what ends with this notebook
address, labels = Catalogue.of(CATALOGUE).url, "worldcover"
where, name = {"bbox": PLACE}, NAME
if answers(address):
    print(f"The catalogue '{CATALOGUE}' answers.")
else:
    print("The internet does not answer: this notebook uses the practice catalogue.")
    address = until_the_end.enter_context(practice.running())
    labels = practice.worldcover_address(address)
    where, name = {"area": practice.make_practice() / "area.geojson"}, "practice"

# %% [markdown]
# ## Search
#
# In STAC, an [item](glossary.md#item) is one image of one day. It is a short text: where the
# image lies, when it was taken, how cloudy it is. Its [assets](glossary.md#asset) are the
# addresses of the files, one file for each band. So a search reads texts, and no pixels.
#
# The cell asks for the images of your place, and prints what an item says of its red band.
# Then `stac.search` of the kit makes a list of days from the items, the best day first.
# `cloud` is in percent of the image, `coverage` in percent of your place. **Which day would
# you take?**

# %%
place = place_of(**where)
search = Client.open(address).search(
    collections=[Catalogue.of(CATALOGUE).collection or "sentinel-2-c1-l2a"],
    bbox=place.bounds,
    datetime=DATES,
    max_items=200,
)
texts = list(search.items_as_dicts())
items = {item.id: item for item in parse_items(texts).items}
for key, value in texts[0]["assets"].get("red", {}).items():
    print(f"{key}: {value}")
dates = stac.search(**where, date=DATES, cloud=CLOUDS, catalogue=address)
print(f"{len(items)} items, {len(dates)} days with at most {CLOUDS} % clouds")
dates.drop(columns="items").head(8)

# %% exercise="best_date"

# %% [markdown]
# ## What is read of an image
#
# One product of Sentinel-2 shows 110 km x 110 km, and all its files together have about a
# gigabyte. Your place is much smaller. The files are
# [cloud-optimised GeoTIFFs](glossary.md#cloud-optimised-geotiff): their pixels lie in square
# blocks, and the head of the file says where each block begins. So a program reads the head,
# and then only the blocks that it needs. It asks the server for these bytes of the file: a
# [range request](glossary.md#range-request).
#
# The cell adds up the bytes of the blocks. (The practice files show your place and nothing
# else, so a smaller place of 2 km x 2 km is counted too.) **What share of the bytes is needed
# for it?**

# %%
best_date = ex.best_date.answer()
date = best_date(dates)
item = items[dates.set_index("date")["items"][date][0]]
grid = grid_of(place, item.epsg)
parts = {"your place": grid.extent, "2 km x 2 km": grid.extent.centroid.buffer(1000)}
sizes = dict.fromkeys(["all blocks", *parts], 0)
for asset in item.assets.values():
    with rasterio.open(asset.href) as file:
        for (row, col), block in file.block_windows(1):
            size = file.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
            sizes["all blocks"] += int(size or 0)
            for title, part in parts.items():
                needed = file.window(*part.boundingbox)
                if rasterio.windows.intersect(block, needed):
                    sizes[title] += int(size or 0)
print(f"{date}: {len(item.assets)} files")
read = pandas.DataFrame({"MB": sizes}) / 1e6
read["share of the bytes, %"] = 100 * read["MB"] / read["MB"]["all blocks"]
read.round(1)

# %% [markdown]
# **What you see.** A block is read as a whole, also if the place touches only its corner. A
# block is larger than 2 km x 2 km. So this place is 3 % of the ground of the practice files,
# but it needs a third of their bytes. A product of 110 km x 110 km has many more blocks, and
# the place needs a few percent of them.
#
# ## Clouds and their shadows
#
# With the bands comes the [scene classification](glossary.md#scene-classification): for each
# pixel of 20 m, one of twelve classes that the processing of ESA found. **Compare the two
# pictures: is everything white a cloud? Where do the shadows lie?**


# %%
def read_onto(grid, href):
    """The band of a file on a grid: each pixel is the nearest one of the file."""
    onto = {"crs": str(grid.crs), "transform": grid.transform}
    onto |= {"width": grid.width, "height": grid.height}
    with rasterio.open(href) as file, WarpedVRT(file, **onto) as part:
        return part.read(1)


coarse = grid.zoom_out(max(2, round(max(grid.shape) / 800)))
rgb = [read_onto(coarse, item.assets[band].href) for band in ("B4", "B3", "B2")]
picture, scl = np.stack(rgb, axis=-1), read_onto(coarse, item.assets["SCL"].href)
kinds = "no data|defective|dark|cloud shadow|vegetation|bare|water|unclassified|"
kinds += "cloud, medium|cloud, high|cirrus|snow"
colors = "000000 e31a1c 525252 8c6d31 31a354 d9b38c 2171b5 969696 bdbdbd f0f0f0"
colors = [f"#{color}" for color in f"{colors} b2e2e2 f768a1".split()]
legend = rasters.Legend(kinds.split("|"), colors)
titles = (f"{date}: B4, B3, B2", "scene classification")
tl.show(picture, scl, legend=legend, titles=titles)

# %% exercise="shows_ground"

# %% [markdown]
# The item says how cloudy its 110 km x 110 km are. Your place may be clearer, or all under
# clouds. The table compares the two for the first days of the list.

# %%
shows_ground = ex.shows_ground.answer()
days = {}
for day, ids in dates.head(4).set_index("date")["items"].items():
    ground = shows_ground(read_onto(coarse, items[ids[0]].assets["SCL"].href))
    days[day] = items[ids[0]].cloud, 100 * (1 - ground.mean())
columns = ["clouds of the item, %", "hidden at your place, %"]
print(pandas.DataFrame.from_dict(days, orient="index", columns=columns).round(1))
hidden = np.repeat(~shows_ground(scl)[..., np.newaxis], 3, axis=-1)
left = np.ma.masked_array(picture, hidden)
tl.show(picture, left, titles=("all pixels", "pixels that show the ground"))

# %% [markdown]
# **What you see.** Hatched pixels are hidden. The shadows count too, so at your place more
# pixels may be hidden than there are clouds. A classification also misses clouds: the pale
# streaks of the practice image are thin clouds, and they stay.
#
# ## The offset
#
# A file holds whole numbers. In older products, 1200 means a reflectance of 0.12. Since 2022
# ESA adds 1000 to every number, so that dark pixels do not become negative: 2200 means 0.12.
# This is the [offset](glossary.md#offset). The date of an image does not tell: older images
# are processed again, with the offset. Some archives take it out, and sometimes an item says
# the wrong thing about it.

# %% exercise="reflectance"

# %% [markdown]
# Water reflects nearly nothing in the [shortwave
# infrared](glossary.md#shortwave-infrared). So the darkest pixels tell whether the offset is
# inside. **What does the cell print for them, before and after?**

# %%
reflectance = ex.reflectance.answer()
numbers = read_onto(coarse, item.assets["B12"].href)
dark = numbers[shows_ground(scl) & (numbers > 0)]
dark = dark[dark <= np.percentile(dark, 5)]
asset = item.assets["B12"]
after = reflectance(dark, asset.scale, item.offset)
print(f"The metadata: {item.why}.")
print(f"The darkest 5 % of B12, in the file: {dark.min()} to {dark.max()}")
print(f"with offset {item.offset:g}: {after.min():.0f} to {after.max():.0f}")

# %% [markdown]
# **What you see.** With the offset inside, no pixel is below about 1000, not even water. If
# you see that, the numbers have an offset, whatever the metadata says. The kit looks at such
# pixels too when it fetches a scene.
#
# ## Fetch the scene
#
# This call reads the bands of the best day on one grid. It takes the offset out, sets hidden
# pixels to 0 (no data), makes labels, and divides them into the areas A, B and C.
# `max_dates=3` fetches two more days. What is complete is not fetched again. If the download
# is interrupted, run the cell again: it goes on.

# %%
scene = data / name
if name != "practice" or not (scene / "SOURCES.md").exists():
    choice = {"date": DATES, "cloud": CLOUDS, "max_dates": 3, "catalogue": address}
    stac.fetch_scene(
        **where, **choice, labels=labels, name=name, folder=data, progress=False
    )
work = data / "work" / name / "09_going_further"
image_path = scene / "s2_10m.tif"
print(*sorted(path.name for path in scene.glob("*.tif")), sep="\n")
sources = (scene / "SOURCES.md").read_text(encoding="utf-8")
for line in re.findall("^(?:Contains|©).*$", sources, re.MULTILINE):
    print(textwrap.fill(line.rstrip(","), 80))

# %% [markdown]
# Read `SOURCES.md` before you pass a map on. The images are free for every use, but you must
# name the source. The cell has printed the sentences for the images and for the labels. Put
# both below each map.
#
# ## Where the labels come from
#
# [WorldCover](glossary.md#worldcover) is a map of the world's land cover with pixels of 10 m.
# A program of ESA made it from images of 2021. Nobody went there to look. It has errors, and
# what was built after 2021 is not on it. For a first network it is good enough.

# %% exercise="to_classes"

# %%
to_classes = ex.to_classes.answer()
tile = labels
if labels == "worldcover":
    tile = worldcover.tile_url(worldcover.tile_names(place.bounds)[0])
classes = to_classes(read_onto(grid, tile), worldcover.CLASS_OF)
legend = tl.read_legend(scene / "terrain_truth_a.tif")
counted = {"WorldCover": classes}
for area in "abc":
    counted[f"area {area.upper()}"] = rasters.read_array(
        scene / f"terrain_truth_{area}.tif"
    )
rows = {n: [(one == n).sum() for one in counted.values()] for n in range(len(legend))}
print(f"without a label: {(classes == 255).mean():.0%} of the pixels of WorldCover")
table = pandas.DataFrame.from_dict(rows, orient="index", columns=list(counted))
table.set_axis(legend.names)

# %% [markdown]
# **What you see.** The areas have fewer pixels than WorldCover: pixels beside another class
# are left out, because they are mixed, and so are the gaps between the areas. (The practice
# catalogue has its labels from the Havel scene, so most pixels have none.) If a class is rare
# in your place, the network cannot learn it.
#
# ## What a wrong offset does
#
# The kit's own network was trained on images without the offset. The next cell lets it map
# your scene twice: as it is, and with 1000 added to every number, as if somebody had
# forgotten the offset. **How many pixels change their class?**

# %%
pixels = rasters.read_array(image_path)
image_grid = tl.read_grid(image_path)
wrong_path = rasters.write_array(
    work / "offset_inside.tif",
    np.where(pixels > 0, pixels + 1000, 0).astype("uint16"),
    image_grid,
    nodata=0,
)
kit = tl.load_predictor(recorded.weights_path("fcnn_havel"))
options = {"output": "estimated_labels", "legend": legend, "progress": False}
options |= {"tile_size": 128}  # small tiles need little memory
maps = {}
for title, path in {"offset out": image_path, "offset inside": wrong_path}.items():
    maps[title] = work / f"{title.replace(' ', '_')}_map.tif"
    tl.predict_raster(kit, path, maps[title], **options)
right, wrong = map(rasters.read_array, maps.values())
changed = (right != wrong)[right != 255].mean()
print(f"{changed:.0%} of the pixels change their class")
tl.show(*maps.values(), titles=list(maps))

# %% [markdown]
# **What you see.** The file does not say that something is wrong, and the network gives a
# class to every pixel. Jitter in the training, as in
# [03](03_pixelwise_fcnn.ipynb), helps against small differences of the light. It does not
# help against 1000.
#
# ## Train, test, map
#
# Now the steps of notebooks 01 to 05, on your own scene. The network standardises its input
# with the statistics of your area A. **Which class will it know worst?**

# %%
keras.utils.set_random_seed(seed)
patches = recipes.cut_patches(scene, work, counts={"a": 900, "b": 300, "c": 300})
train, valid, test = recipes.datasets(patches, class_count=len(legend))
network = tl.architectures.pixelwise_fcnn(
    len(legend), crops=(), statistics=tl.band_statistics(patches["a"])
)
network.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
)
best_path = work / "fcnn.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
_ = network.fit(
    tl.augment(train, turns=True, gain=0.2, offset=150, seed=seed),
    validation_data=valid,
    epochs=epochs,
    verbose=2,
    callbacks=[keep_best],
)

# %%
best = keras.models.load_model(best_path)
print(tl.training.evaluate_classes(best, test, names=legend.names))
answers_c = tl.training.classify(best, test)
low, high = tl.training.accuracy_interval(*answers_c, patches["c"].polygons)
print(f"accuracy on C in 95 of 100 draws of its polygons: {low:.2f} to {high:.2f}")
certificate = tl.certify(best, "estimated", tile=128, progress=False)
print(certificate)

# %% [markdown]
# **What you see.** The score says how often the network agrees with the labels. If WorldCover
# is wrong, a network that repeats its error gets a better score than one that is right. So
# look at the map too. The certificate says that the map made in tiles is the map of the whole
# image.
#
# `cog=True` makes the map a cloud-optimised GeoTIFF. It also holds smaller copies of itself,
# the [overviews](glossary.md#overview): a program that shows the whole map reads only the
# smallest one, also over the internet.

# %%
map_path = work / "land_cover.tif"
tl.predict_raster(best, image_path, map_path, **options, cog=True)
with rasterio.open(map_path) as file:
    print("layout:", file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"])
    print("overviews, one pixel for so many along an axis:", file.overviews(1))
    small = file.read(1, out_shape=(file.height // 4, file.width // 4))
print("size of an overview that was read:", small.shape)
style_path = map_path.with_suffix(".qml")
style = style_path.read_text(encoding="utf-8")
print("The map:", map_path.resolve())
print(f"{style_path.name} names these classes:")
print(*re.findall(r"<paletteEntry.*?>", style), sep="\n")
tl.show(image_path, map_path, titles=("Sentinel-2", "land cover"))

# %% [markdown]
# ## In QGIS
#
# The list above is a style for QGIS, which the kit writes beside each map
# of classes. Open `land_cover.tif` in QGIS, as notebook [05](05_mapping_a_scene.ipynb)
# describes: QGIS takes `land_cover.qml` by itself. In the *Layers* panel you see one line for
# each class, with its colour and its *name*, and no others. Keep the two files together when
# you move them. The label rasters of your scene have such a style too.
#
# From now on your scene runs in the notebooks 00 to 06: write the name of its folder in
# `data/` into their second code cell, as in `SCENE = "my_town"`. The places and numbers that
# their texts mention are those of the Havel.
#
# ## A large map, and an interruption
#
# A whole product of Sentinel-2 is a hundred times larger than this scene. Its map takes some
# minutes or hours. What if the computer stops in between?
#
# With `resume=True` finished parts of a map stay on the disk, in a folder beside it. A few
# copies of your scene in a row are our large image. A small helper presses the button ■ of
# this notebook when the first part is finished. **What will be left?**

# %%
copies = -(-4200 // image_grid.width)
large_grid = image_grid.expand((image_grid.height, copies * image_grid.width))
large_path = rasters.write_array(
    work / "large.tif", np.tile(pixels, (1, copies, 1)), large_grid, nodata=0
)
plan = tl.plan_inference(
    best_path, large_path, output="estimated_labels", legend=legend, tile_size=128
)
large_map, kept = work / "large_map.tif", work / "large_map.tif.work"
large_map.unlink(missing_ok=True)
shutil.rmtree(kept, ignore_errors=True)


def press_stop():
    """Interrupt this notebook when one part of the map is finished."""
    while not list(kept.glob("*/row*.json")):
        time.sleep(0.02)
    _thread.interrupt_main()


# %%
Thread(target=press_stop, daemon=True).start()
try:
    plan.write(large_map, resume=True, progress=False)
except KeyboardInterrupt:
    print("Interrupted. Is there a map?", large_map.exists())
print("Finished parts:", *sorted(path.name for path in kept.glob("*/row*.tif")))

# %% [markdown]
# The same call continues. This time other processes compute: the workers of a
# [Dask](glossary.md#dask) cluster. Here it is one process on this computer, because each
# worker loads TensorFlow into memory, and Binder has 2 GB for all. On a cluster there may be
# hundreds on many machines, and only the line with the cluster changes: see `docs/dask.md` in
# the kit's folder. **Will the map be the same as one that is made here, without a break?**

# %%
logging.getLogger("distributed.nanny").setLevel("ERROR")
one_thread = {"threads_per_worker": 1, "dashboard_address": None}
with (
    LocalCluster(n_workers=workers, **one_thread) as cluster,
    cluster.get_client() as client,
):
    report = plan.write(large_map, resume=True, executor=client, progress=False)
print(report)
print("Is the folder with the parts gone?", not kept.exists())
same = np.mean(rasters.read_array(large_map) == plan.read())
print(f"{same:.3%} of the pixels are the same as without a break")

# %% [markdown]
# **What you see.** Parts that were finished are not computed again. (The report counts all
# tiles of the map, also those of finished parts.) It does not matter which process computes a
# part: it reads the same pixels, and runs the same network.
#
# ## Several dates
#
# On one day a field is green, on another day it is bare. Several days together show that it
# is a field. Your scene holds more days on the same grid. As one source of several files,
# their bands are stacked, and a patch is cut from all days at once. A position is refused if
# one of the days hides it.
#
# The [vegetation index](glossary.md#vegetation-index) compares near infrared and red: about 0
# for bare ground, up to 0.9 for dense leaves. **Which classes will change between the days,
# and which will not?**

# %%
first, *others = re.findall(r"^### (\S+)", sources, re.MULTILINE)
paths = [image_path]
paths += [scene / f"s2_10m_{day.replace('-', '')}.tif" for day in others]
positions = tl.select_positions(
    scene / "terrain_truth_a.tif", count=300, margin=8, most_per_polygon=50
)
series = tl.extract_patches({"input": tl.Source(paths)}, positions, sizes={"input": 16})
bands = series.arrays["input"].shape[-1]
print(f"{len(positions)} positions, {series.count} patches of {bands} bands")
centres = series.arrays["input"][:, 8, 8].astype(float).reshape(-1, len(paths), 4)
red, infrared = centres[..., 0], centres[..., 3]
index = (infrared - red) / (infrared + red)
by_day = pandas.DataFrame(index, columns=[first, *others]).sort_index(axis=1)
labelled = by_day.groupby(series.arrays["labels"].ravel()).mean().round(2)
labelled.set_axis([legend.names[number] for number in labelled.index])

# %% tags=["claim"]
assert read["share of the bytes, %"]["2 km x 2 km"] < 50
assert all(hidden > cloud for cloud, hidden in days.values()) or name != "practice"
assert item.offset == 0 or dark.min() > 900 > after.min()
assert changed > 0.2
assert certificate.exact
assert min(small.shape) > 1
assert same > 0.9999
swing = labelled.max(axis=1) - labelled.min(axis=1)
assert swing.idxmin() == 0  # water
assert swing.drop(0).min() > 2 * swing[0] or name != "practice"

# %% [markdown]
# **What you see.** Water hardly changes. The other classes do, because plants grow in all of
# them. In real images they also differ in *when* they are green: meadows are green early in
# the year, maize late. A network that gets all days can use it.
#
# ## Summary
#
# - A search reads texts. A cloud-optimised file is read in blocks: only those that are needed.
# - Hidden pixels become no-data, and the offset is taken out: dark pixels show whether it is
#   inside.
# - A scene with labels in three areas runs in all notebooks. Its score is measured against
#   these labels, with all their errors.
# - A map can be interrupted and continued, here or on a cluster, and stays the same.
# - `land_cover.tif` with `land_cover.qml` beside it shows the names of the classes in QGIS.
# - Name your sources below each map.
#
# ## Open task
#
# Train the network on all days: `recipes.cut_patches` shows how patches are cut, with
# `tl.Source(paths)` as the source, and `pixelwise_fcnn` has an argument `channels`. Compare
# the scores on C with those of the best day. Which class gains most? Then fetch your own
# town, and look for a place where the map is right and the label is wrong.
#
# ## Further reading
#
# - [STAC in brief](https://stacspec.org/en/about/stac-spec/): catalogues, items and assets.
# - [Cloud-optimised GeoTIFF](https://cogeo.org): how the format works, and who offers it.
# - ESA, [WorldCover](https://esa-worldcover.org/en): the map, its classes, and how often it is
#   right.
#
# The practice catalogue ends with this notebook. Shut down its kernel: *Kernel*, *Shut Down
# Kernel*.
