# %% [markdown]
# # Start here
#
# In this course you turn a satellite image into a map of land cover, and you write
# every step yourself. This notebook checks the machine, shows the image, and explains
# how exercises work. You need some Python. You need to know nothing about satellites or
# neural networks.
#
# **Afterwards you can**
#
# - tell whether this machine, and your Python, are ready for the other notebooks,
# - explain what a raster, a band and a pixel value of a Sentinel-2 image are,
# - read the grid and a part of a raster with Python,
# - answer an exercise, ask for a hint, and open a solution.
#
# **Needs** about 20 minutes of your time, seconds of computing and 0.3 GB of memory; no
# internet.

# %% [markdown] late="Skip it where everybody has worked with Jupyter before."
# ## How to run a notebook
#
# Click into the first grey cell below and press **Shift + Enter**. The code runs, its
# result appears below it, and the next cell is selected. Some cells have no result, like
# the first two. The brackets on the left of a cell show `[*]` while it runs, and a number
# when it is done.
#
# Run the cells in their order: later cells need the results of earlier ones. The **+**
# button makes a new cell. Buttons below a section ask whether it was clear. The answer
# stays on this machine.
#
# If something went wrong, choose *Kernel*, then *Restart Kernel* in the menu. The kernel
# is the program that runs the cells. It forgets all results; your text stays.

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
# Where a line shows ✘, it also says what to do. Do it, then run the cell again. Keep only
# one notebook running at a time: the memory is needed.
#
# ## Is your Python ready?
#
# These five questions are about what the course expects of you. They are not graded.
# Count those that you have right at the first try.
#
# Run the cell below a question and press a button, or write the letter into the cell,
# for example `answer = "b"`, and run it. Later on, the next result waits until you have
# answered; any answer will do.

# %% exercise="call"

# %% exercise="part_of_list"

# %% exercise="shape"

# %% exercise="mean_of_axis"

# %% exercise="error_message"

# %% [markdown]
# | right at once | what to do |
# |---|---|
# | 5 | Go on. |
# | 3 or 4 | Go on, best in a pair. Keep [NumPy: the absolute basics](https://numpy.org/doc/stable/user/absolute_beginners.html) open beside the notebook. |
# | 0 to 2 | Read that page and the chapters 3 to 5 of [Python's tutorial](https://docs.python.org/3/tutorial/index.html) first. Or work in a pair with somebody who often writes Python. |
#
# ## Sentinel-2
#
# [Sentinel-2](glossary.md#sentinel-2) is a pair of European satellites. Together they
# image all land every five days, and the images are free. The camera measures light in 13
# [bands](glossary.md#band), each with its own [wavelength](glossary.md#wavelength). This
# course uses ten:
#
# | band | light | pixel size | it shows |
# |---|---|---|---|
# | B2, B3, B4 | blue, green, red | 10 m | what our eyes see |
# | B8 | [near infrared](glossary.md#near-infrared) | 10 m | where plants grow |
# | B5, B6, B7, B8A | from red to near infrared | 20 m | how green and dense plants are |
# | B11, B12 | [shortwave infrared](glossary.md#shortwave-infrared) | 20 m | dry or wet ground and leaves |
#
# ## A raster
#
# A [raster](glossary.md#raster) is an image in rows and columns. Its smallest element is
# a [pixel](glossary.md#pixel): one square of ground, with one number for each band. The
# side of this square is the [pixel size](glossary.md#pixel-size).
#
# The rasters of our [scene](glossary.md#scene) are [GeoTIFF](glossary.md#geotiff) files.
# They store the pixels, and where on the ground they are: the
# [grid](glossary.md#grid). The file below holds B4, B3, B2 and B8.

# %% tags=["nbval-check-output"]
scene = find_data(SCENE)
image_path = scene / "s2_10m.tif"
grid = tl.read_grid(image_path)
print("rows and columns:", grid.height, grid.width)
print("steps in metres: ", grid.resolution.x, grid.resolution.y)
print("top left corner: ", grid.extent.boundingbox.left, grid.extent.boundingbox.top)
print("coordinates:      EPSG", grid.crs.epsg)

# %% [markdown]
# **What you see.** Rows count downwards, but coordinates count upwards, towards the north.
# So the step from one row to the next is negative. The last line is the number of the
# [coordinate reference system](glossary.md#coordinate-reference-system). EPSG:32633 is
# [UTM](glossary.md#utm) zone 33 north. Its coordinates are metres.
#
# ## The scene
#
# The image shows the lakes of the river Havel, west of Berlin, on 16 February 2017. Many
# trees have no leaves, and many fields are bare.

# %% exercise="darkest"

# %%
scene_figure = tl.show(image_path, bands=(1, 2, 3), titles="Sentinel-2")
ex.darkest.reveal(scene_figure)

# %% [markdown]
# **What you see.** Most lakes are a little brighter than the forests. One in the
# south-west is as dark as they are: the shadow of a cloud lies on it.
#
# ## A pixel value
#
# Each value is a [reflectance](glossary.md#reflectance): the share of the sun's light
# that this place sends up to the satellite, times 10 000. 1200 means 12 %. The haze of the
# air is part of it: this is the reflectance at the
# [top of the atmosphere](glossary.md#top-of-atmosphere).
#
# A [window](glossary.md#window) is a rectangle of pixels. With it we read a part of the
# raster, as an array with the axes row, column and band. This one lies in a lake.

# %% tags=["nbval-check-output"]
small = Window(col_off=1250, row_off=284, width=3, height=2)
pixels = rasters.read_array(image_path, window=small)
print("rows, columns, bands:", pixels.shape)
print("the top left pixel:  ", pixels[0, 0])

# %% [markdown]
# ## Exercises with code
#
# Write your code in place of the `...` and run the cell. The last line checks the answer.

# %% exercise="ground_size"

# %% [markdown]
# The check tries to find out *which* mistake was made. Here is a wrong answer. **What is
# wrong with it?** Run the cell and read the note.

# %% tags=["nbval-check-output"]
ex.ground_size.check((grid.height, grid.width), grid=grid)

# %% [markdown]
# For help, run `ex.ground_size.hint()` in a new cell, and again for the next hint.
# `ex.ground_size.solution()` opens when your answer is right, or after three different
# wrong ones.
#
# An exercise never stops you: until your answer is right, the next cells use the kit's
# own.

# %% tags=["nbval-check-output"]
height_km, width_km = ex.ground_size.answer(grid=grid)
print(f"{height_km:.2f} km from north to south, {width_km:.2f} km from west to east")

# %% [markdown] late="Answer the question together, and only look at the curves."
# ## One place, ten bands
#
# The next cells draw the mean of each band over its wavelength: once for 200 m x 200 m of
# a lake, once for a forest.

# %% exercise="widest_gap"

# %%
# Places of the Havel: on another scene, take your own.
places = {"lake": Window(1250, 284, 20, 20), "forest": Window(80, 640, 20, 20)}
centres = [665, 560, 492, 833, 704, 741, 783, 865, 1614, 2202]
values = {}
for name, fine in places.items():
    coarse = Window(fine.col_off // 2, fine.row_off // 2, 10, 10)  # pixels of 20 m
    values[name] = [
        mean / 100
        for file, window in {"s2_10m.tif": fine, "s2_20m.tif": coarse}.items()
        for mean in rasters.read_array(scene / file, window=window).mean(axis=(0, 1))
    ]
spectra = pandas.DataFrame(values, index=centres).sort_index()

# %%
figure = Figure(figsize=(9, 4), layout="constrained")
ax = figure.subplots()
for name, marker in zip(spectra, "osd^v<>pPX", strict=False):
    ax.plot(spectra[name], marker=marker, label=name)
ax.set(xlabel="wavelength (nm)", ylabel="reflectance (%)", ylim=(0, None))
ax.legend()
curves = StillFigure(figure, f"Reflectance over wavelength of: {', '.join(spectra)}.")
ex.widest_gap.reveal(curves)

# %% [markdown]
# **What you see.** In the visible light, below 700 nm, the curves are close together. In
# the infrared they are far apart: water absorbs this light, and plants reflect it, even
# in winter. So a network gets all bands. The visible values are highest for blue: air
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
# [OpenStreetMap](glossary.md#openstreetmap), a map that volunteers draw. It stores areas
# as outlines, called [polygons](glossary.md#polygon).
#
# Only polygons of 1 to 50 hectares were taken, without their edges. All other pixels have
# the value 255: *no label*. Such a value is called a
# [no-data value](glossary.md#no-data-value). The labels are split into three areas:
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

# %% tags=["claim"]
assert (all_labels == 255).mean() > 0.7
assert (all_labels[284:304, 1250:1270] == 255).all()  # the place in the largest lake
seen = rasters.read_array(image_path, bands=[1, 2, 3]).mean(axis=-1)
medians = [np.median(seen[all_labels[..., 0] == number]) for number in range(6)]
assert legend.names[np.argmin(medians)] == "forest"

# %% [markdown]
# **What you see.** The hatched pixels have no label: most of the scene, and the largest
# lake too, because it covers more than 50 hectares. So "no label" does not mean "no
# water". The network learns from the labelled pixels, and then gives every pixel a class.
#
# Blocks of different areas are at least 640 m apart. Neighbouring pixels look alike, so a
# test close to the training area would be too easy.
#
# ## Optional: read a window yourself
#
# Some answers are functions. The check calls your function with its own inputs. If a
# result is wrong, the note names the mistake, or shows the input and both results.

# %% exercise="mean_reflectance"

# %% tags=["nbval-check-output"]
mean_reflectance = ex.mean_reflectance.answer()
own = mean_reflectance(image_path, places["lake"])
print("as in the curves:", np.allclose(own, values["lake"][:4]))

# %% [markdown]
# ## Open task
#
# Choose other places in the image: a field, a village, a cloud. Add their windows to
# `places`, with even numbers, and draw the curves again. Which place is most like the
# forest? There is no check.
#
# ## Further reading
#
# - [Sentinel-2 in the SentiWiki of ESA](https://sentiwiki.copernicus.eu/web/s2-mission).
# - [A gentle introduction to GIS, by QGIS](https://docs.qgis.org/latest/en/docs/gentle_gis_introduction/).
#
# ## Summary
#
# - A grid says where the pixels of a raster are. Their values are reflectances.
# - Water absorbs infrared light and plants reflect it.
# - The labels lie in three areas: A trains, B validates, C tests.
#
# ## What comes next
#
# There are two routes. Each notebook starts on its own, and the [glossary](glossary.md)
# explains every term.
#
# - **Three hours**: this notebook, 01, 03 and 05. If you never trained a network, take 01b
#   before 03.
# - **A full day**, 6.5 hours: all notebooks in their order.
#
# The notebooks after this one:
#
# - [01](01_patches.ipynb): cut training samples
# - [01b](01b_networks_in_brief.ipynb): learn the words of networks
# - [02](02_patch_based_cnn.ipynb): train and score a first network
# - [03](03_pixelwise_fcnn.ipynb): write a network for small pixels
# - [04](04_early_stopping.ipynb): end a training at the right time
# - [05](05_mapping_a_scene.ipynb): map the whole scene, tile by tile
# - [06](06_two_sources.ipynb): use images with two pixel sizes
# - [07](07_blocking_artifacts.ipynb): make a map without edges between tiles
# - [08](08_convolutional_distortion.ipynb): say how exact the map of a deep network is
# - [09](09_going_further.ipynb): map your own town
#
# Before you open the next notebook, shut down the kernel of this one: in the menu,
# *Kernel*, then *Shut Down Kernel*. It gives the memory back.
