# %% [markdown]
# # Start here
#
# In this course you turn a satellite image into a map of land cover, and you write
# every step yourself. This first notebook checks the machine, shows the image, and
# explains how exercises work.
#
# You need some Python: functions, lists and NumPy arrays. You need to know nothing about
# satellites or neural networks.
#
# **Afterwards you can**
#
# - tell whether this machine is ready for the other notebooks,
# - explain what a raster, a band and a pixel value of a Sentinel-2 image are,
# - read the grid and a part of a raster with Python,
# - answer an exercise, ask for a hint, and open a solution.
#
# **Needs** about 20 minutes of your time, seconds of computing and 0.3 GB of memory; no
# internet.

# %% [markdown]
# ## How to run a notebook
#
# Click into the first grey cell below and press **Shift + Enter**. The code runs, its
# result appears below it, and the next cell is selected. While a cell runs, `[*]` stands
# beside it. Run the cells in their order: later cells use what earlier cells made.
#
# To make a new cell below, press the **+** button above the notebook.
#
# A notebook has a *kernel*: the program that runs its cells. If something went wrong,
# choose *Kernel*, then *Restart Kernel* in the menu. This forgets all results, but keeps
# the text that you wrote. Then run the cells again.

# %%
import numpy as np
import pandas
from matplotlib.figure import Figure
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.exercises import nb00_start as ex
from tutorial_lib.machine import check_machine, find_data
from tutorial_lib.viewers.figures import StillFigure

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place

# %% [markdown]
# ## Is this machine ready?

# %%
check_machine(SCENE)

# %% [markdown]
# Where a line shows ✘, it also says what to do. Do it, then run the cell again.
#
# *Threads* decide how fast networks train. *Free memory* decides whether they train at
# all, so keep only one notebook running at a time.
#
# ## Sentinel-2
#
# [Sentinel-2](glossary.md#sentinel-2) is a pair of European satellites. They fly 786 km
# above the ground, on the same orbit, on opposite sides of the Earth. Together they
# image all land every five days, always at about half past ten in the morning, local
# time. Everyone may use the images without paying.
#
# The camera measures light in 13 [bands](glossary.md#band). Each band has its own
# [wavelength](glossary.md#wavelength), which is what we see as colour. This course uses
# ten bands:
#
# | band | light | centre | pixel size | it shows |
# |---|---|---|---|---|
# | B2 | blue | 492 nm | 10 m | haze, shallow water |
# | B3 | green | 560 nm | 10 m | healthy leaves, clear water |
# | B4 | red | 665 nm | 10 m | bare soil; leaves absorb it |
# | B8 | [near infrared](glossary.md#near-infrared) | 833 nm | 10 m | leaves reflect it, water absorbs it |
# | B5, B6, B7 | between red and infrared | 704, 741, 783 nm | 20 m | how green and dense plants are |
# | B8A | near infrared, narrow | 865 nm | 20 m | like B8 |
# | B11, B12 | [shortwave infrared](glossary.md#shortwave-infrared) | 1614, 2202 nm | 20 m | dry or wet ground and leaves |
#
# The three other bands have pixels of 60 m. They measure the air more than the ground.

# %% [markdown]
# ## A raster
#
# A [raster](glossary.md#raster) is an image in rows and columns. Its smallest element is
# a [pixel](glossary.md#pixel): one square of ground, with one number for each band. The
# side of this square is the [pixel size](glossary.md#pixel-size).
#
# The rasters of this course are [GeoTIFF](glossary.md#geotiff) files. Such a file stores
# the pixels, and also where on the ground they are. These are the files of our
# [scene](glossary.md#scene):

# %%
scene = find_data(SCENE)
image_path = scene / "s2_10m.tif"
sorted(path.name for path in scene.glob("*.tif"))

# %% [markdown]
# `s2_10m.tif` holds the four bands with 10 m pixels, in the order B4, B3, B2, B8.
# `s2_20m.tif` holds the six bands with 20 m pixels.
#
# The [grid](glossary.md#grid) of a raster says where its pixels are. The kit reads it
# without reading the pixels.

# %% tags=["nbval-check-output"]
grid = tl.read_grid(image_path)
print("rows and columns:", grid.height, grid.width)
print("steps in metres: ", grid.resolution.x, grid.resolution.y)
print("top left corner: ", grid.extent.boundingbox.left, grid.extent.boundingbox.top)
print("coordinates:      EPSG", grid.crs.epsg)

# %% [markdown]
# **What you see.** Rows count downwards, from the top of the image. Coordinates count
# upwards, towards the north. This is why the step from one row to the next is negative.
#
# The last line is the number of the
# [coordinate reference system](glossary.md#coordinate-reference-system). EPSG:32633 is
# [UTM](glossary.md#utm) zone 33 north. Its coordinates are metres: the first one counts
# to the east, the second one to the north, from the equator.
#
# ## The scene
#
# The image shows the lakes of the river Havel, west of Berlin. Sentinel-2A, the first of
# the two satellites, took it on 16 February 2017. It is winter: many trees have no leaves,
# and many fields are bare. Below are the red, green
# and blue band, as our eyes would see the ground from above. **Which is darker: the
# water or the forest?** Guess, then run the cell.

# %%
tl.show(image_path, bands=(1, 2, 3), titles="Sentinel-2")

# %% [markdown]
# **What you see.** The forests are darkest. Most lakes are only a little brighter, and the
# lake in the south-west is as dark as the forest: the shadow of a cloud lies on it. Thin
# clouds, white here, lie over the north and the south.
#
# ## A pixel value
#
# Each value is a [reflectance](glossary.md#reflectance): the share of the sun's light
# that this place sends up to the satellite, times 10 000. 1200 means 12 %. The air adds
# some haze to it. This is called *reflectance at the*
# [top of the atmosphere](glossary.md#top-of-atmosphere). Other products remove the haze;
# this image still has it.
#
# A [window](glossary.md#window) is a rectangle of pixels. With it we read a part of the
# raster. The result is an array with the axes row, column and band.

# %% tags=["nbval-check-output"]
small = Window(col_off=1250, row_off=284, width=3, height=2)
pixels = rasters.read_array(image_path, window=small)
print("rows, columns, bands:", pixels.shape)
print("the top left pixel:  ", pixels[0, 0])

# %% [markdown]
# This pixel lies in a lake. Its four values are those of the red, green, blue and near
# infrared band. The last one is the smallest.

# %% [markdown]
# ## How exercises work
#
# An exercise asks a question and leaves a blank, `...`, for your answer. Write your
# code in place of the `...` and run the cell. The last line of the cell checks the answer.
#
# Run the next cell once as it is, then answer.

# %% exercise="ground_size"

# %% [markdown]
# The check tries to find out *which* mistake was made. Here is a wrong answer, made on
# purpose. **What is wrong with it?** Run the cell and read the note.

# %% tags=["nbval-check-output"]
ex.ground_size.check((grid.height, grid.width), grid=grid)

# %% [markdown]
# If you want help, ask for a hint. Run the cell again for the next one: each hint says a
# little more than the one before. Every exercise has hints.

# %%
ex.ground_size.hint()

# %% [markdown]
# The solution opens when your answer is right, or after three different wrong ones.

# %%
ex.ground_size.solution()

# %% [markdown]
# A notebook never stops at an exercise. The next cells use your answer if it is right,
# and the kit's own until then. A line says which of the two.

# %% tags=["nbval-check-output"]
height_km, width_km = ex.ground_size.answer(grid=grid)
print(f"{height_km:.2f} km from north to south, {width_km:.2f} km from west to east")
print(f"{height_km * width_km:.0f} square kilometres in all")

# %% [markdown]
# Some answers are functions. The check calls your function with its own inputs. If a
# result is wrong, the note names the mistake, or shows the input and both results.

# %% exercise="mean_reflectance"

# %% [markdown]
# ## Why a satellite needs more than three bands
#
# Your function reads two places: 200 m x 200 m of a lake, and 200 m x 200 m of forest. A
# window of the 20 m image needs half as many rows and columns to cover the same ground.
# **Where do the two curves differ most: in the visible light, or beyond it?**

# %%
mean_reflectance = ex.mean_reflectance.answer()
# Places of the Havel: on another scene, take your own.
places = {"lake": Window(1250, 284, 20, 20), "forest": Window(80, 640, 20, 20)}
centres = [665, 560, 492, 833, 704, 741, 783, 865, 1614, 2202]
values = {}
for name, fine in places.items():
    coarse = Window(fine.col_off // 2, fine.row_off // 2, 10, 10)
    values[name] = [*mean_reflectance(image_path, fine)]
    values[name] += [*mean_reflectance(scene / "s2_20m.tif", coarse)]
spectra = pandas.DataFrame(values, index=centres).sort_index()

# %%
figure = Figure(figsize=(9, 4), layout="constrained")
ax = figure.subplots()
for name, marker in zip(spectra, "osd^v<>pPX", strict=False):
    ax.plot(spectra[name], marker=marker, label=name)
ax.set(xlabel="wavelength (nm)", ylabel="reflectance (%)", ylim=(0, None))
ax.legend()
StillFigure(figure, f"Reflectance over wavelength of: {', '.join(spectra)}.")

# %% [markdown]
# **What you see.** In the visible light, below 700 nm, the two curves are close together.
# In the infrared they are far apart: water absorbs this light, and plants reflect it,
# even in winter. A network therefore gets all bands, not only three.
#
# The visible values are highest for blue, also over the forest. This is the haze: air
# scatters blue light more than red light.

# %% tags=["claim"]
visible, infrared = spectra[spectra.index < 700], spectra[spectra.index > 800]
assert abs(visible["lake"] / visible["forest"] - 1).max() < 0.35
assert (infrared["lake"] < 0.7 * infrared["forest"]).all()
assert (visible.idxmax() == 492).all()
assert visible["forest"].mean() < visible["lake"].mean()

# %% [markdown]
# ## Where the labels come from
#
# A network learns from places whose [class](glossary.md#class) is known. The known class
# of a pixel is its [label](glossary.md#label). Our labels come from
# [OpenStreetMap](glossary.md#openstreetmap), a map that volunteers draw.
#
# OpenStreetMap stores areas as outlines, called [polygons](glossary.md#polygon). Only
# polygons of 1 to 50 hectares were taken. Their edges, 15 m wide, were left out, because
# pixels there show two kinds of ground. All other pixels have the value 255, which means
# *no label*. Such a value is called a [no-data value](glossary.md#no-data-value).
#
# The labels are split into three areas:
#
# - **A**, the [training set](glossary.md#training-set): the network learns from it.
# - **B**, the [validation set](glossary.md#validation-set): it helps to choose, for
#   example when to stop the training.
# - **C**, the [test set](glossary.md#test-set): it gives the score, at the end, once.
#
# **Does the largest lake of the scene have a label?** Find it in the image above, then
# run the cell.

# %%
label_paths = {area: scene / f"terrain_truth_{area.lower()}.tif" for area in "ABC"}
legend = tl.read_legend(label_paths["A"])
labels = {area: rasters.read_array(path) for area, path in label_paths.items()}
all_labels = np.minimum.reduce(list(labels.values()))  # 255 is the largest value
areas = np.full_like(all_labels, 255)
for number, area in enumerate("ABC"):
    areas[labels[area] != 255] = number
names = ("A: training", "B: validation", "C: test")
area_legend = rasters.Legend(names, ("#0072b2", "#e69f00", "#000000"))
work = scene.parent / "work" / SCENE / "00_start_here"
paths = [
    rasters.write_array(
        work / "labels.tif", all_labels, grid, legend=legend, nodata=255
    ),
    rasters.write_array(
        work / "areas.tif", areas, grid, legend=area_legend, nodata=255
    ),
]
tl.show(*paths, titles=("The classes", "The three areas"))

# %% [markdown]
# **What you see.** On the left is the class of each labelled pixel. The hatched pixels
# have no label, and that is most of the scene. The largest lake is hatched as well: it
# covers more than 50 hectares. So "no label" does not mean "no water". The network
# learns from the labelled pixels, and then gives every pixel a class.
#
# On the right, the areas are blocks. Blocks of different areas are at least 640 m apart.
# Neighbouring pixels look alike, so a test close to the training area would be too easy.
#
# The percentages are shares of the labelled pixels. The next table counts the polygons and
# the pixels of each class.

# %% tags=["nbval-check-output"]
tables = {area: tl.polygon_table(path) for area, path in label_paths.items()}
pandas.concat(tables, axis="columns").drop(columns="largest", level=1)

# %% tags=["claim"]
assert (all_labels == 255).mean() > 0.7
assert (all_labels[284:304, 1250:1270] == 255).all()  # the place in the largest lake

# %% [markdown]
# **What you see.** A *polygon* is here a group of connected pixels of one class. The
# pixels of one lake are very much alike. So a class with many pixels in few polygons
# offers less variety than its number of pixels suggests. Later notebooks take only a
# limited number of pixels from each polygon, and compute scores with the polygons in
# mind.

# %% [markdown]
# ## What comes next
#
# | notebook | what you do there |
# |---|---|
# | [01 · Patches](01_patches.ipynb) | cut training samples out of the image, around labelled pixels |
# | [01b · Networks in brief](01b_networks_in_brief.ipynb) | learn the words: weight, loss, epoch, overfitting and more |
# | [02 · A patch-based network](02_patch_based_cnn.ipynb) | train a first network, and score it class by class |
# | [03 · A pixel-wise network](03_pixelwise_fcnn.ipynb) | write a network that keeps the size of the pixels |
# | [04 · Early stopping](04_early_stopping.ipynb) | end a training at the right time |
# | [05 · Mapping a scene](05_mapping_a_scene.ipynb) | make the map of the whole scene, tile by tile |
# | [06 · Two sources](06_two_sources.ipynb) | give a network two images with different pixel sizes |
# | [07 · Blocking artefacts](07_blocking_artifacts.ipynb) | see why tiles leave edges in a map, and make a map without them |
# | [08 · Convolutional distortion](08_convolutional_distortion.ipynb) | for deep networks: how exact is a map, and what does it cost? |
# | [09 · Going further](09_going_further.ipynb) | fetch a scene of your own town, map it, and open the map in QGIS |
#
# Each notebook starts on its own. If you have three hours, take 01, 03 and 05, and 01b
# before 03 if you never trained a network. The [glossary](glossary.md) explains every
# term of the course.
#
# ## Open task
#
# Choose other places in the image: a field, a village, a cloud. Add their windows to
# `places`, with even numbers, and draw the curves again. Which place is most like the
# forest? There is no check.
#
# ## Further reading
#
# - [Sentinel-2 in the SentiWiki of ESA](https://sentiwiki.copernicus.eu/web/s2-mission):
#   satellites, orbit, bands and products.
# - [A gentle introduction to GIS, in the QGIS documentation](https://docs.qgis.org/latest/en/docs/gentle_gis_introduction/):
#   rasters and coordinate reference systems.

# %% [markdown]
# ## Summary
#
# - `check_machine()` tells whether the machine is ready.
# - A grid says where the pixels of a raster are. Number of pixels times pixel size is the
#   size on the ground.
# - A pixel value is a reflectance times 10 000, with the haze of the air in it.
# - Water absorbs infrared light and plants reflect it.
# - The labels are polygons of 1 to 50 hectares, in three areas: A trains, B validates, C
#   tests.
# - Exercises have `check`, `hint`, `solution` and `answer`.
#
# Before you open the next notebook, shut down the kernel of this one: in the menu,
# *Kernel*, then *Shut Down Kernel*. It gives the memory back.
