# %% [markdown]
# # Patches
#
# A network does not learn from a whole scene. It learns from small pieces of it, the
# **patches**, each with the class of its centre. How does a raster become thousands of
# them?
#
# **Afterwards you can**
#
# - draw positions of every class from a label raster,
# - cut patches out of one image, or of two with different pixel sizes,
# - say exactly which pixels a patch holds,
# - find out which positions were refused, and why,
# - look at patches before you train on them.
#
# **Needs** about 45 minutes of yours, seconds of computing, 0.4 GB of memory, no
# internet. Notebook [00](00_start_here.ipynb) tells how exercises work; a new cell with
# `ex.first_pixel.hint()` gives a hint for the first one here.

# %%
import numpy as np

import tutorial_lib as tl
from tutorial_lib.exercises import nb01_patches as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
havel = find_data("havel")
work = havel.parent / "work" / "01_patches"
count = 1000  # positions of each class

# %% [markdown]
# ## Positions
#
# A **position** is the centre of a patch: a point on the ground, with a class. It is
# drawn from a label raster. The kit has two label rasters, A in the west and B in the
# east: a network trains on A, and B tells how good it is where it has never been.

# %% tags=["nbval-check-output"]
labels_path = havel / "terrain_truth_a.tif"
legend = tl.read_legend(labels_path)
everywhere = tl.select_positions(labels_path, strategy="all")
{legend.names[label]: n for label, n in everywhere.counts.items()}

# %% [markdown]
# Some classes have many times more pixels than others. **What could a network get away
# with, if it learned from all of these pixels?** It could be right most of the time
# without ever saying the name of a rare class. So the same number is drawn of each.

# %% tags=["nbval-check-output"]
positions = tl.select_positions(labels_path, count=count)
positions

# %% [markdown]
# Positions are points that any GIS reads: QGIS opens this file.

# %%
positions_path = positions.to_file(work / "positions_a.geojson")
again = tl.Positions.from_file(positions_path)
assert np.array_equal(again.x, positions.x)
positions_path.name

# %% [markdown]
# ## One source
#
# A **source** is an input image with a name. The name will be the one of the network's
# input. A patch of 16 x 16 pixels is cut around each position.

# %% tags=["nbval-check-output"]
image_path = havel / "s2_10m.tif"
patches = tl.extract_patches(
    {"input": image_path}, positions, sizes={"input": 16}, out_dir=work, prefix="a_"
)
patches

# %% [markdown]
# **What you see.** One array for the source and one for the labels, in the same order:
# patch number 7 has label number 7. Some positions lie so close to the border that
# their patch would leave the image. They were refused; nothing is ever filled in.
#
# On disk, patches are stacked in rows: a **patches image**, 16 pixels wide and very
# tall. It is an ordinary raster, without a place on the ground.

# %% tags=["nbval-check-output"]
{name: tl.read_grid(path).shape.yx for name, path in patches.paths.items()}

# %% [markdown]
# ## Look at them
#
# The most useful minute before any training. The number above a patch is its place in
# the arrays. **Which classes can you tell apart by eye? Which not?**

# %%
tl.show_patches(patches, legend=legend, count=10)

# %% [markdown]
# **What you see.** Water is smooth and dark, villages are speckled with roofs. Meadow
# and farm look much alike. Some patches show a cloud, or lie in its shadow, nearly
# black. Many show two kinds of ground: the class is that of the centre. What you cannot
# tell apart will not be easy for a network either.
#
# ## Which pixels exactly?
#
# 16 is even, so there is no pixel in the middle. The rule below is the one of the Orfeo
# ToolBox, a free program for satellite images. Maps made later use it too, and that is
# why they fit the labels.

# %% exercise="first_pixel"

# %% [markdown]
# Does the kit cut by your rule? Here is a small raster whose second band holds the
# column number of each pixel. A patch of 16 around column 20 must begin with the column
# that you say.

# %%
first_pixel = ex.first_pixel.answer()

# %% tags=["nbval-check-output"]
grid = tl.testing.small_grid(40, 60)
folder = tl.testing.scratch_folder()
columns_path = tl.testing.coordinate_raster(folder / "columns.tif", grid)
x, y = grid.transform @ (20.5, 15.5)  # the middle of column 20, row 15
point = tl.Positions(np.array([x]), np.array([y]), np.array([0]), grid.crs)
patch = tl.extract_patches({"image": columns_path}, point, sizes={"image": 16})
print("the patch begins with column", int(patch.arrays["image"][0, 0, 0, 1]))
print("your function says          ", first_pixel(20, 16))

# %% [markdown]
# ## Two sources
#
# Sentinel-2 has more bands, with pixels of 20 m. Some classes that look alike at 10 m
# differ there. Both images are cut in **one call**, so that patch number 7 of one and
# patch number 7 of the other show the same ground, to within a pixel.

# %% exercise="patch_sizes"

# %% tags=["nbval-check-output"]
sizes = ex.patch_sizes.answer()
sources = {"input_10m": image_path, "input_20m": havel / "s2_20m.tif"}
pairs = tl.extract_patches(sources, positions, sizes=sizes)
{name: array.shape for name, array in pairs.arrays.items()}

# %% [markdown]
# Do they show the same ground? Below is the near infrared, band 4 of both files (B8 and
# B8A). Each column is one position. Choose a class, turn the pages.

# %%
tl.browse_patches(pairs, bands=4, legend=legend)

# %% [markdown]
# **What you see.** The same shapes, in coarser pixels. But is it the same ground, to
# the pixel?

# %% exercise="shift"

# %% [markdown]
# A test on the real pixels: the 20 m patch should look like the 10 m patch, averaged
# over 2 x 2 pixels. **Where will they agree better: at even rows and columns, or at odd
# ones?** First, where each patch lies, and how alike pairs of patches are:

# %%
refused = [refusal.index for refusal in pairs.rejected]
kept = np.setdiff1d(np.arange(len(positions)), refused)
image_grid = tl.read_grid(image_path)
column = np.floor((positions.x[kept] - image_grid.transform.c) / 10).astype(int)
row = np.floor((image_grid.transform.f - positions.y[kept]) / 10).astype(int)


def agreement(pairs, which):
    """Correlation of B8A with the mean of B8 over 2 x 2 pixels."""
    fine = pairs.arrays["input_10m"][which, :, :, 3].astype(float)
    mean = fine.reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4))
    coarse = pairs.arrays["input_20m"][which, :, :, 3]
    return np.corrcoef(mean.ravel(), coarse.ravel())[0, 1]


# %% tags=["nbval-check-output"]
both_even = (column % 2 == 0) & (row % 2 == 0)
both_odd = (column % 2 == 1) & (row % 2 == 1)
even, odd = agreement(pairs, both_even), agreement(pairs, both_odd)
assert even > odd
print(f"correlation at even rows and columns {even:.3f}, at odd ones {odd:.3f}")

# %% [markdown]
# **What you saw.** At odd rows and columns the two patches are one 10 m pixel apart, and
# they agree less. No other 20 m pixel to begin with would fit better. Training meets
# even and odd ones in nearly equal number; but whoever compares single patches must
# know it.

# %% [markdown]
# ## What is refused
#
# Part of a scene may be missing: another orbit, clouds cut out, the edge of the tile.
# Such pixels hold a **no-data** value. The copies used here have a wedge of zeros, and
# say so in a tag of the file.

# %%
tl.show(havel / "s2_10m_nodata.tif", titles=("no data in the west",))

# %% [markdown]
# One no-data value, in any pixel of any band of any source, and the position is refused
# for *all* sources. **How many pairs will be left, of those from the whole scene? More
# than a half?**

# %% tags=["nbval-check-output"]
broken = {
    "input_10m": havel / "s2_10m_nodata.tif",
    "input_20m": havel / "s2_20m_nodata.tif",
}
fewer = tl.extract_patches(broken, positions, sizes=sizes)
print(f"{fewer.count} of {pairs.count} pairs are left; one of those refused:")
next(refusal for refusal in fewer.rejected if refusal.reason == "no-data")

# %% [markdown]
# Each refusal says which position it was, why, and in which source. Adding a source can
# only refuse more positions, never fewer.

# %% exercise="lost_share"

# %% tags=["nbval-check-output"]
lost_share = ex.lost_share.answer()
print(f"lost in the whole scene:    {lost_share(pairs):.1%}")
print(f"lost in the one with holes: {lost_share(fewer):.1%}")

# %% [markdown]
# ## Summary
#
# - Positions are drawn from labels, balanced over the classes.
# - A patch of even size has its centre at index `size / 2`.
# - All sources are cut in one call: same positions, same order, same count.
# - A position is refused as a whole, and the kit says why.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [02](02_patch_based_cnn.ipynb) a network learns from such patches.
