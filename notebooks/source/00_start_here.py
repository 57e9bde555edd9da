# %% [markdown]
# # Start here
#
# In this course a satellite image becomes a map of land cover, and you build every
# step between the two. This first notebook looks at the machine, at the image, and at
# how exercises work.
#
# **Afterwards you can**
#
# - tell whether this machine is ready for the other notebooks,
# - read where a raster lies and how large it is,
# - answer an exercise, ask for a hint, and open a solution.
#
# **Needs** about 20 minutes of yours, seconds of computing, 0.3 GB of memory, no
# internet.

# %% [markdown]
# ## How to run a notebook
#
# Click into the first grey cell below and press **Shift + Enter**. The code runs, its
# result appears under it, and the next cell is selected. A star, `[*]`, stands beside a
# cell while it runs. Run the cells in their order: each one builds on those above.
#
# Lost? *Kernel*, *Restart Kernel* in the menu forgets everything that was run, and
# keeps what you wrote.

# %%
import numpy as np

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.exercises import nb00_start as ex
from tutorial_lib.machine import check_machine, find_data

# %% [markdown]
# ## Is this machine ready?

# %%
check_machine()

# %% [markdown]
# Where a line shows ✘, it also says what to do. Repair it, then run the cell again.
#
# *Threads* decide how fast networks train. *Free memory* decides whether they train at
# all, so keep one notebook running at a time.

# %% [markdown]
# ## The scene
#
# The data lie in a folder of their own. Rasters are GeoTIFF files, and the kit reads
# where their pixels are without reading the pixels.

# %%
havel = find_data("havel")
image_path = havel / "s2_10m.tif"
labels_path = havel / "terrain_truth_a.tif"
sorted(path.name for path in havel.glob("*.tif"))

# %% [markdown]
# The **grid** of a raster says where its pixels are: how many there are, the step from
# one to the next, the corner where they begin, and the coordinate system in which all
# this is meant.

# %% tags=["nbval-check-output"]
grid = tl.read_grid(image_path)
print("rows and columns:", grid.height, grid.width)
print("steps in metres: ", grid.resolution.x, grid.resolution.y)
print("top left corner: ", grid.extent.boundingbox.left, grid.extent.boundingbox.top)
print("coordinates:      EPSG", grid.crs.epsg)

# %% [markdown]
# Before you look: the scene shows lakes, woods, fields and villages west of Berlin, on
# a winter day. **Which of them do you expect to be the darkest?** Say it, then run the
# cell.

# %%
tl.show(
    image_path,
    labels_path,
    bands=(1, 2, 3),
    titles=("Sentinel-2, in natural colours", "What OpenStreetMap knows, in the west"),
)

# %% [markdown]
# **What you see.** On the left is the image, from its red, green and blue band. Thin
# clouds lie over the north and the south. Woods are dark, and so is much of the water:
# which of the two is darker is hard to say by eye.
#
# On the right are the **labels**: for some pixels the class is known. A network learns
# from these. Most of the ground has no label, and all of it shall have one on the map.
# The percentages beside the classes are shares of the pixels that have a label.
#
# In the file, classes are numbers. A pixel without a label has a number of its own,
# outside the classes: the file calls it *no-data*.

# %% tags=["nbval-check-output"]
labels = rasters.read_array(labels_path)[..., 0]
nodata = rasters.read_nodata(labels_path)
share = (labels != nodata).mean()
print(f"{nodata:.0f} stands for no label; {share:.1%} of the pixels have one")

# %% [markdown]
# So let us ask the pixels. The image has four bands; the fourth is the near infrared,
# which our eyes do not see. A value is the share of the sunlight that comes back,
# times 10 000.

# %% tags=["nbval-check-output"]
image = rasters.read_array(image_path)
legend = tl.read_legend(labels_path)
print("class                visible   infrared")
for number, name in enumerate(legend.names):
    red, green, blue, infrared = image[labels == number].mean(axis=0)
    print(f"{number} {name:18} {(red + green + blue) / 3:7.0f} {infrared:10.0f}")

# %% [markdown]
# **What you see.** In visible light, water and forest are less than a tenth apart (the
# clouds are in these averages too). In the near infrared, water is darker than every
# other class by far, because plants send much of it back. This is why satellites
# measure more than our eyes can see, and why a network gets all the bands. The next
# cell stops with an error if this claim is ever wrong.

# %%
means = np.array([image[labels == n].mean(axis=0) for n in range(len(legend))])
visible, infrared = means[:, :3].mean(axis=1), means[:, 3]
assert abs(visible[0] / visible[4] - 1) < 0.1
assert infrared[0] < 0.6 * infrared[1:].min()

# %% [markdown]
# ## How exercises work
#
# An exercise asks a question and leaves a blank, `...`, for your answer. Write your
# code in its place and run the cell. The last line of the cell checks the answer.
#
# Run the next cell once as it is, then answer.

# %% exercise="ground_size"

# %% [markdown]
# A wrong answer is worth something too: the check tries to see *which* mistake was
# made. Here is one, made on purpose. What is wrong with it?

# %% tags=["nbval-check-output"]
ex.ground_size.check((grid.height, grid.width), grid=grid)

# %% [markdown]
# If you want help, ask for a hint. Run the cell again for the next one: each says a
# little more than the one before.

# %%
ex.ground_size.hint()

# %% [markdown]
# The solution opens when your answer passes, or after three different attempts.

# %%
ex.ground_size.solution()

# %% [markdown]
# A notebook never stops at an exercise. What follows takes your answer if it passed,
# and the kit's own until then. It says which one it took.

# %%
size_km = ex.ground_size.answer(grid=grid)

# %% tags=["nbval-check-output"]
height_km, width_km = size_km
print(f"{height_km:.2f} km from north to south, {width_km:.2f} km from west to east")
print(f"{height_km * width_km:.0f} square kilometres in all")

# %% [markdown]
# Some answers are functions. The check then calls your function with inputs that you
# do not know beforehand.

# %% exercise="count_pixels"

# %%
count_pixels = ex.count_pixels.answer()

# %% [markdown]
# Does it agree with the file? Compare the count of your function with the grid of the
# bands that have larger pixels.

# %% tags=["nbval-check-output"]
coarse_grid = tl.read_grid(havel / "s2_20m.tif")
counted = count_pixels(grid, coarse_grid.resolution.x)
print("your function:", int(counted))
print("the file:     ", coarse_grid.height * coarse_grid.width)

# %% [markdown]
# ## What comes next
#
# | notebook | what happens there |
# |---|---|
# | [01 · Patches](01_patches.ipynb) | cut training patches out of the image, around labelled pixels |
# | [02 · Patch-based CNN](02_patch_based_cnn.ipynb) | train a first network, score it class by class |
# | [03 · Pixel-wise network](03_pixelwise_fcnn.ipynb) | build a network that keeps every pixel |
# | [04 · Early stopping](04_early_stopping.ipynb) | end a training before it learns by heart |
# | [05 · Mapping a scene](05_mapping_a_scene.ipynb) | make the map of the whole scene, tile by tile |
# | [06 · Two sources](06_two_sources.ipynb) | show a network two images with different pixels |
# | [07 · Blocking artefacts](07_blocking_artifacts.ipynb) | see why tiles leave traces in a map, and make one without |
# | [08 · Convolutional distortion](08_convolutional_distortion.ipynb) | weigh exactness against its cost, with a deeper network |
#
# Each notebook starts on its own. You can begin with any of them.

# %% [markdown]
# ## Summary
#
# - `check_machine()` tells whether the machine is ready.
# - A grid says where the pixels of a raster are; the number of pixels times their
#   spacing is the size on the ground.
# - Exercises have `check`, `hint`, `solution` and `answer`.
#
# Before you open the next notebook, shut down this one's kernel: in the menu, *Kernel*,
# then *Shut Down Kernel*. It gives the memory back.
