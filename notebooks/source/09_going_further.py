# %% [markdown]
# # Going further: your own scene
#
# All notebooks so far used the scenes of this kit. In this one you fetch a scene of a place
# that you choose. You train a network on it, test it, and make a map that tells its users
# how far they can trust it.
#
# **Afterwards you can**
#
# - find images of your place in a catalogue, and choose one of them,
# - find pixels that clouds hide, and an offset that was left in,
# - fetch a scene with labels that runs in the notebooks 00 to 06,
# - train, test and map on it, and compare with a baseline,
# - begin with a trained network when you have few labels,
# - write a card into the map: what it shows, how good it is, and what it is not for,
# - map with a network that somebody trained in PyTorch.
#
# **Needs** about 40 minutes of your time, 1 minute of computing and 1.2 GB of memory; no
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

# %% tags=["parameters"]
from data_fetch import practice, stac, worldcover
from data_fetch.places import grid_of, place_of
from data_fetch.stac.catalogues import Catalogue
from data_fetch.stac.items import parse_items
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb09_going_further as ex
from tutorial_lib.machine import find_data
from tutorial_lib.recorded import recipes

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
# place, of which day, with how many clouds? *Earth Search* lists the images of Sentinel-2
# that are stored at Amazon. It needs no account.
#
# The next cell tries to reach it. If the internet does not answer, the cell starts a small
# practice catalogue on this computer instead. It shows the Havel lakes on a few dates: the
# pixels are real, but the dates, the seasons and the clouds are invented.
#
# Run all of it once as it is. If you have internet, choose your own `PLACE` and a new `NAME`
# after that, restart the kernel, and run it again. Take a box that is 16 to 25 km wide and 8 to
# 25 km high: the other notebooks need a scene of this size. For the four numbers, go to a
# map, for example [openstreetmap.org](https://www.openstreetmap.org). Right-click on the
# south-west corner of your place, and choose *Show address*: the page shows the latitude
# (south), then the longitude (west). Do the same at the north-east corner. In `PLACE`, the
# longitude is first.


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
# `cloud` is in percent of the image, `coverage` in percent of your place.

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
date, item = dates["date"].iloc[0], items[dates["items"].iloc[0][0]]
grid = grid_of(place, item.epsg)
dates.drop(columns="items").head(8)

# %% exercise="best_day"

# %% [markdown]
# ## Optional: what is read of an image
#
# One product of Sentinel-2 shows 110 km x 110 km, and all its files together have about a
# gigabyte. Its files are [cloud-optimised GeoTIFFs](glossary.md#cloud-optimised-geotiff):
# their pixels lie in square blocks, and the head of the file says where each block begins. So
# a program reads the head, and then only the blocks that it needs. It asks the server for
# these bytes of the file: a [range request](glossary.md#range-request).
#
# The cell adds up the bytes of the blocks. (The practice files show your place and nothing
# else, so a smaller place of 2 km x 2 km is counted too.) **What share of the bytes is needed
# for it?**

# %%
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
read = pandas.DataFrame({"MB": sizes}) / 1e6
read["share of the bytes, %"] = 100 * read["MB"] / read["MB"]["all blocks"]
read.round(1)

# %% [markdown]
# **What you see.** A block is read as a whole, also if the place touches only its corner. A
# block is larger than 2 km x 2 km. So this place is 3 % of the ground of the practice files,
# but it needs a third of their bytes. A product of 110 km x 110 km has many more blocks, and
# the place needs a few percent of them.

# %% [markdown] late="Let them look at the two pictures, and skip the exercise."
# ## Clouds and their shadows
#
# With the bands comes the [scene classification](glossary.md#scene-classification): for each
# pixel of 20 m, one of twelve classes that the processing of ESA found. **Compare the two
# pictures: are all clouds found? On which side of a cloud is its shadow?**


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
# **What you see.** The item says how cloudy its 110 km x 110 km are. Your place may be
# clearer, or all under clouds: the table compares the two for the first days of the list.
# In the right picture, hatched pixels are hidden. The shadows count too, so at your place more
# pixels may be hidden than there are clouds. In Europe a shadow lies north-west of its
# cloud: the satellite passes in the morning, when the sun is in the south-east. A
# classification also misses clouds: the white streaks of the practice image stay.

# %% [markdown] late="Skip it if they did notebook 05: it teaches the same trap."
# ## The offset
#
# Since 2022 ESA adds 1000 to every number of a product: the
# [offset](glossary.md#offset). Notebook [05](05_mapping_a_scene.ipynb) shows what happens if
# nobody takes it out. The date of an image does not tell: older images are processed again,
# with the offset. Some archives take it out, others leave it in. How do you find out?

# %% exercise="offset_inside"

# %%
numbers = read_onto(coarse, item.assets["B12"].href)
dark = numbers[shows_ground(scl) & (numbers > 0)]
dark = dark[dark <= np.percentile(dark, 5)]
after = 10_000 * (dark * item.assets["B12"].scale + item.offset)
ex.offset_inside.reveal(
    f"The metadata: {item.why}.\n"
    f"The darkest 5 % of B12, in the file: {dark.min()} to {dark.max()}\n"
    f"with offset {item.offset:g}: {after.min():.0f} to {after.max():.0f}"
)

# %% [markdown]
# **What you see.** Reflectance is the number in the file times `scale`, plus `offset`. The
# scale is 0.0001, and the scenes of the kit hold reflectance times 10 000. So an offset of
# -0.1 takes 1000 away. With the offset inside, no pixel is below about 1000, not even
# water. The kit looks at such pixels too when it fetches a scene.
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
sources = (scene / "SOURCES.md").read_text(encoding="utf-8")
day, *others = re.findall(r"^### (\S+)", sources, re.MULTILINE)
paths = [image_path]
paths += [scene / f"s2_10m_{other.replace('-', '')}.tif" for other in others]
print(*[path.name for path in paths], sep="\n")
sentences = re.findall("^(?:Contains|©).*$", sources, re.MULTILINE)
for line in sentences:
    print(textwrap.fill(line.rstrip(","), 80))

# %% [markdown]
# Read `SOURCES.md` before you pass a map on. The images are free for every use, but you must
# name the source. The cell has printed the sentences for the images and for the labels.

# %% [markdown] late="Skip the exercise: the next cell takes the answer of the kit."
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
loss = {"estimated": "categorical_crossentropy"}
adam, metrics = keras.optimizers.Adam(1e-3), {"estimated": ["accuracy"]}
network.compile(optimizer=adam, loss=loss, metrics=metrics)
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
def compare(estimated, patches):
    """Table of the accuracy of several estimates, with intervals over polygons."""
    labels, rows = patches.arrays["labels"].ravel(), {}
    for way, classes in estimated.items():
        ends = tl.training.accuracy_interval(labels, classes, patches.polygons)
        rows[way] = np.mean(labels == classes), *ends
    columns = ["accuracy", "low", "high"]
    return pandas.DataFrame.from_dict(rows, orient="index", columns=columns)


best = keras.models.load_model(best_path)
print(tl.training.evaluate_classes(best, test, names=legend.names))
baseline = tl.training.maximum_likelihood(patches["a"], patches["c"])
network_c = tl.training.classify(best, test)[1]
scores = compare({"network": network_c, "maximum likelihood": baseline}, patches["c"])
score_of = "accuracy on patches of area C, as many of each class; over polygons"
scores.round(3)

# %% [markdown]
# **What you see.** The class with the lowest F-score is the one that the network knows worst.
#
# The score says how often the network agrees with the labels. If WorldCover
# is wrong, a network that repeats its error gets a better score than one that is right. So
# look at the map too. The second row is the baseline of notebook
# [03](03_pixelwise_fcnn.ipynb), which needs no training.
#
# `cog=True` makes the map a cloud-optimised GeoTIFF. It also holds smaller copies of itself,
# the [overviews](glossary.md#overview): a program that shows the whole map reads only the
# smallest one. The certificate says that the map made in tiles is the map of the whole image.

# %%
certificate = tl.certify(best, "estimated", tile=128, progress=False)
print(certificate)
map_path = work / "land_cover.tif"
options = {"output": "estimated_labels", "legend": legend, "tile_size": 128}
tl.predict_raster(best, image_path, map_path, **options, progress=False, cog=True)
with rasterio.open(map_path) as file:
    print("layout:", file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"])
    print("overviews, one pixel for so many along an axis:", file.overviews(1))
print("The map:", map_path.resolve())
tl.show(image_path, map_path, titles=("Sentinel-2", "land cover"))

# %% [markdown]
# Beside the map the kit writes `land_cover.qml`, a style for QGIS. Open `land_cover.tif` in
# QGIS, as notebook [05](05_mapping_a_scene.ipynb) describes: QGIS takes the style by itself,
# and shows the names of the classes. Keep the two files together when you move them.
#
# From now on your scene runs in the notebooks 00 to 06: write the name of its folder in
# `data/` into their second code cell, as in `SCENE = "my_town"`. The places and numbers that
# their texts mention are those of the Havel.

# %% [markdown] late="Skip it: the card does not need it."
# ## Few labels: begin with a trained network
#
# You had hundreds of labels of each class, because WorldCover is everywhere. Labels from a
# field trip are few. Then a network that was trained elsewhere may help. Say you have
# **20 labels of each class**. There are three ways:
#
# | way | begins with | is trained |
# |---|---|---|
# | from scratch | random weights | all layers |
# | frozen | the weights of the Havel | the last layer, which classifies |
# | unfrozen | the weights of the Havel | all layers, with a small learning rate |
#
# The last two are called [fine-tuning](glossary.md#fine-tuning).

# %% exercise="freeze"

# %% exercise="helps_most"

# %% [markdown]
# The next cell takes 20 labels of each class from your area A, without those that clouds
# hide. It compares the ways on area B. C is for the way that you choose in the end.
#
# The practice images show the Havel itself, so the kit's network knows them already. There,
# the cell takes the image of another day, and the areas of the Havel scene.

# %%
few_image, areas, few = image_path, scene, {}
if name == "practice":
    few_image, areas = paths[-1], find_data("havel")
for area, count, most in (("a", 20, 5), ("b", 300, 100)):
    truth, folder = areas / f"terrain_truth_{area}.tif", work / f"few_{area}"
    draw = {"count": count, "most_per_polygon": most, "seed": seed}
    positions = tl.select_positions(truth, margin=8, **draw)
    few[area] = tl.extract_patches(
        {"input": few_image}, positions, sizes={"input": 16}, out_dir=folder
    )
few_train, few_valid = recipes.datasets(few, class_count=len(legend), seed=seed)
few_train = tl.augment(few_train, turns=True, gain=0.2, offset=150, seed=seed)
print(f"{few_image.name}: {few['a'].count} labels for the training")

# %%
freeze = ex.freeze.answer()
keras.utils.set_random_seed(seed)
path, statistics = recorded.weights_path("fcnn_havel"), tl.band_statistics(few["a"])
as_it_is, frozen, unfrozen = (
    keras.models.load_model(path, compile=False) for _ in range(3)
)
scratch = tl.architectures.pixelwise_fcnn(len(legend), statistics=statistics, crops=())
frozen = freeze(frozen, 1e-2)
for model, rate in ((scratch, 1e-3), (unfrozen, 3e-4)):
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
ways = {"from scratch": scratch, "frozen": frozen, "unfrozen": unfrozen}
for model in ways.values():
    model.fit(few_train, epochs=40, verbose=0)
ways["the Havel network as it is"] = as_it_is
found = {way: tl.training.classify(x, few_valid)[1] for way, x in ways.items()}
del model, ways, as_it_is, frozen, unfrozen, scratch
keras.utils.clear_session()  # it frees the memory of networks that are gone
found["maximum likelihood"] = tl.training.maximum_likelihood(few["a"], few["b"])
tuned = compare(found, few["b"])
ex.helps_most.reveal(tuned.round(3))

# %% [markdown]
# **What you see.** On the Havel, on another day, the unfrozen network beats the one from
# scratch. With other labels, the frozen one may not. Look at the network as it is, too: it
# needs no label of this day. How much did fine-tuning gain over it, and how wide are the
# intervals?
#
# On other places it may not help at all. Tests of the kit took synthetic scenes, and real
# patches of Tokyo. There, the unfrozen network was about as good as one from scratch, and the
# frozen one was worse. On the patches of Tokyo, maximum likelihood with the same labels beat
# all networks. So try all ways and compare: with few labels, each takes some seconds.
#
# ## The card of your map
#
# Your map may be used by people who never meet you. What they must know is its *card*, as in
# notebook [06](06_two_sources.ipynb).

# %% exercise="on_the_card"

# %% [markdown]
# The cell takes what it can from `SOURCES.md` and from the table of scores. The first two
# sentences only you can write: look at the map again, beside the image. **Where is it wrong?
# What must nobody do with it?** Change the sentences, then run the cell.

# %%
known_failures = "thin clouds have a class too"
not_for = "counting hectares, other dates, what was built after 2021"
if name == "practice":
    not_for = "any use: the dates and the clouds of the practice images are invented"
west, south, east, north = place.bounds
accuracy, *interval = scores.loc["network"]
card = tl.MapCard(
    image=f"{sentences[0]} {item.id}",
    date=day,
    labels=sentences[-1].rstrip(","),
    training_area=f"area A in {west:.2f} to {east:.2f} E, {south:.2f} to {north:.2f} N",
    score=accuracy,
    interval=interval,
    score_of=score_of,
    known_failures=known_failures,
    not_for=not_for,
)
tl.write_card(map_path, card)
ex.on_the_card.reveal(tl.read_card(map_path))

# %% [markdown]
# **What you see.** The card is in the tags of the file, so it is not lost when the file is
# copied. In QGIS it stands under *Properties*, *Information*, *More information*. The map is
# still a cloud-optimised GeoTIFF, with the same pixels.
#
# ## Optional: a large map, and an interruption
#
# A whole product of Sentinel-2 is a hundred times larger than this scene. Its map takes some
# minutes or hours. What if the computer stops in between?
#
# With `resume=True` finished parts of a map stay on the disk, in a folder beside it. A few
# copies of your scene in a row are our large image. A small helper presses the button ■ of
# this notebook when the first part is finished. **What will be left?**

# %%
pixels, image_grid = rasters.read_array(image_path), tl.read_grid(image_path)
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
# ## Optional: a network from PyTorch
#
# A colleague trained a [U-Net](glossary.md#u-net) on the Havel, in
# [PyTorch](glossary.md#pytorch), and sends you one file. Its format
# [ONNX](glossary.md#onnx) holds the layers and the weights of a network, so that other
# programs can run it. These lines wrote it:
#
# ```python
# torch.onnx.export(
#     network.eval(),
#     (example,),  # a batch of patches
#     "unet_pytorch_havel.onnx",
#     input_names=["image"],
#     output_names=["probabilities", "classes"],
#     dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}},
#     external_data=False,  # all weights in this file
# )
# ```
#
# Here you need no PyTorch, only the file. It does not say how to cut an image into tiles.
#
# After the question, the first cell takes a tile of 256 x 256 pixels from the middle of a
# larger image, and computes it with and without what lies around. It cuts off half of an
# overlap at each side, and counts the pixels of the rest that differ. The second cell makes
# a map. **Will it be as good as the map of your own network?**

# %% exercise="tile_overlap"

# %%
torch_path = recorded.weights_path("unet_pytorch_havel")
analysis, unet = tl.analyse(torch_path), tl.load_predictor(torch_path)
larger, tile = rasters.read_array(image_path)[:384, :384], np.s_[64:320, 64:320]
around, alone = (
    unet({"image": part[np.newaxis]}, ["probabilities"])["probabilities"][0]
    for part in (larger, larger[tile])
)
change, counts = np.abs(around[tile] - alone).max(axis=-1), {}
for overlap in (0, 26, 2 * max(analysis.margins["probabilities"])):
    middle = slice(overlap // 2, 256 - overlap // 2)
    rest = change[middle, middle]
    title = f"{overlap} pixels, {overlap / 256:.0%}"
    counts[title] = (rest > 1e-4).sum(), rest.max()
columns = ["pixels that differ", "largest difference"]
overlaps = pandas.DataFrame.from_dict(counts, orient="index", columns=columns)
ex.tile_overlap.reveal(f"{analysis}\n\n{overlaps.round(4)}")

# %%
seams = tl.certify(torch_path, "probabilities", tile=64, progress=False)
print(seams)
torch_map = work / "land_cover_pytorch.tif"
options = {"output": "classes", "legend": legend, "tile_size": 128, "edge": "pad"}
tl.predict_raster(torch_path, image_path, torch_map, **options, progress=False)
truth_c = counted["area C"][..., 0]
maps = {"your network": map_path, "the U-Net from PyTorch": torch_map}
for title, path in maps.items():
    right = read_onto(grid, path) == truth_c
    shares = [right[truth_c == n].mean() for n in np.unique(truth_c[truth_c < 255])]
    print(f"{title}: mean recall in area C {np.mean(shares):.0%}")
tl.show(*maps.values(), titles=tuple(maps))

# %% [markdown]
# **What you see.** The kit finds the margin in the layers of the file. With 10 % of overlap,
# pixels near the sides of the tile differ. With twice the margin, none does. So you need no
# overlap from your colleague: `predict_raster` cuts the tiles by the margins of the network.
# It also turns the image: in PyTorch the bands come before the rows and columns.
#
# A map without seams can be a bad map: the certificate says nothing about the classes. This
# network knows one winter day at the Havel, from an image that is not corrected for the air.
# At your place, and on another day, it may be poor: look at both maps, and at the mean
# recall, which counts all classes alike. On the practice images this score is too good: they
# show the Havel, and the network was trained on a part of it. So test a network that somebody
# gives you on labels of your own, and ask for its card.
#
# The whole training is in `tutorial_lib/recorded/from_pytorch.py` in the kit's folder. More
# about such files is in `docs/onnx.md`.
#
# ## Optional: several dates
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
positions = tl.select_positions(
    scene / "terrain_truth_a.tif", count=300, margin=8, most_per_polygon=50
)
series = tl.extract_patches({"input": tl.Source(paths)}, positions, sizes={"input": 16})
bands = series.arrays["input"].shape[-1]
print(f"{len(positions)} positions, {series.count} patches of {bands} bands")
centres = series.arrays["input"][:, 8, 8].astype(float).reshape(-1, len(paths), 4)
red, infrared = centres[..., 0], centres[..., 3]
index = (infrared - red) / (infrared + red)
by_day = pandas.DataFrame(index, columns=[day, *others]).sort_index(axis=1)
labelled = by_day.groupby(series.arrays["labels"].ravel()).mean().round(2)
labelled += 0.0  # -0.0 becomes 0.0
labelled.set_axis([legend.names[number] for number in labelled.index])

# %% tags=["claim"]
assert read["share of the bytes, %"]["2 km x 2 km"] < 50
assert all(hidden > cloud for cloud, hidden in days.values()) or name != "practice"
assert item.offset == 0 or dark.min() > 900 > after.min()
assert certificate.exact
assert rasters.read_card(map_path) == card
differ = overlaps["pixels that differ"].to_list()
assert differ[0] > differ[1] > 0 == differ[2]
assert seams.exact
assert not (np.signbit(labelled) & (labelled == 0)).to_numpy().any()
if name == "practice":
    share = tuned["accuracy"]
    assert share["unfrozen"] > share["from scratch"]
    trained_on = rasters.read_array(data / "havel" / "terrain_truth_a.tif")[..., 0]
    assert (trained_on[truth_c < 255] < 255).mean() > 0.25
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
# - A scene with labels in three areas runs in the notebooks 00 to 06. Its score is measured
#   against these labels, with all their errors.
# - With few labels, begin with a trained network if it knows a similar scene. A test area
#   decides.
# - The card of a map goes with the file: sources, score with its interval, known failures.
# - A map can be interrupted and continued, here or on a cluster, and stays the same.
# - A network from PyTorch is one ONNX file. Its layers decide how far tiles must overlap, and
#   your own labels decide whether it is of use.
#
# ## Open task
#
# Fetch your own town, make its map, and write its card. Look for a place where the map is
# right and the label is wrong. Then train the network on all days: `recipes.cut_patches` shows
# how patches are cut, with `tl.Source(paths)` as the source, and `pixelwise_fcnn` has an
# argument `channels`. Which class gains most?
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
