# %% [markdown]
# # Patches
#
# A network learns from small squares cut out of the image, the
# [patches](glossary.md#patch). Each comes with the class of the ground at its centre. In
# this notebook you make thousands of patches.
#
# **Afterwards you can**
#
# - draw positions of every class from a label raster, and spread them over many places,
# - cut patches out of one image, or of two images with different pixel sizes,
# - say exactly which pixels a patch holds,
# - say which positions are refused, and why,
# - say why thousands of patches are not thousands of independent samples.
#
# **Needs** about 35 minutes of your time, seconds of computing and 0.9 GB of memory; no
# internet. Notebook [00](00_start_here.ipynb) explains the scene and the exercises.

# %%
import numpy as np
import pandas

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.exercises import nb01_patches as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "01_patches"
labels_path = scene / "terrain_truth_a.tif"
image_path, coarse_path = scene / "s2_10m.tif", scene / "s2_20m.tif"
count = 500  # positions of each class

# %% [markdown]
# ## Which pixels have a label?
#
# A [position](glossary.md#position) is the centre of a patch: a point on the ground
# whose class is known. Positions are drawn from the labels of area A, the
# [training set](glossary.md#training-set). With the strategy `"all"`, `select_positions`
# takes every pixel that has a label. **Which class will have the most?**

# %% tags=["nbval-check-output"]
legend = tl.read_legend(labels_path)
everywhere = tl.select_positions(labels_path, strategy="all")
class_names = [legend.names[label] for label in everywhere.counts]
pixels = pandas.Series([*everywhere.counts.values()], class_names)
pandas.DataFrame({"pixels": pixels, "share": (pixels / pixels.sum()).round(2)})

# %% [markdown]
# **What you see.** Frequent classes have many times more pixels than rare ones. A network
# that learned from all of them could be right most of the time without ever naming a rare
# class. So we take the same number of each class.
#
# ## How many places are behind them?
#
# The labels come from [polygons](glossary.md#polygon): one lake, one forest, one field.
# Pixels of the same polygon look alike.

# %% exercise="few_polygons"

# %% tags=["nbval-check-output"]
polygon_table = tl.polygon_table(labels_path)
ex.few_polygons.reveal(polygon_table)

# %% tags=["claim"]
assert [*polygon_table.loc["water", ["pixels", "polygons"]]] == [3093, 16]

# %% [markdown]
# **What you see.** *largest* is the share of the pixels that lies in the largest polygon.
# A network that learns a class mainly from one polygon may fail in other places. So we
# limit how many positions one polygon may hold.

# %% exercise="draw"

# %% tags=["nbval-check-output"]
positions = ex.draw.answer(labels_path=labels_path, count=count)
positions_path = positions.to_file(work / "positions_a.geojson")
print("QGIS opens them:", positions_path.relative_to(scene.parent.parent))
rows = []
for label in positions.counts:
    in_polygon = np.bincount(positions.polygons[positions.labels == label])
    rows.append([in_polygon.sum(), np.count_nonzero(in_polygon), in_polygon.max()])
pandas.DataFrame(rows, class_names, ["positions", "polygons", "in the largest"])

# %% [markdown]
# **What you see.** Each class has the same number of positions, and no polygon holds more
# than a tenth of them.
#
# ## Which pixels does a patch hold?
#
# The position lies in the [centre pixel](glossary.md#centre-pixel). 16 is even, so no
# pixel is exactly in the middle of a patch of 16. The rule is that of the
# [Orfeo ToolBox](glossary.md#orfeo-toolbox), a free program for satellite images.

# %% exercise="first_pixel"

# %% [markdown]
# ## Cut the patches
#
# A [source](glossary.md#source) is an input image with a name.

# %% exercise="patches"

# %% tags=["nbval-check-output"]
patches = ex.patches.answer(image_path=image_path, positions=positions, work=work)
patches

# %% [markdown]
# **What you see.** There is one array for the source and one for the labels, in the same
# order: patch number 7 has label number 7. Where a patch would leave the image, the
# position was refused. On disk each patch lies below the one before it, in a
# [patches image](glossary.md#patches-image).
#
# Does the kit cut by your rule? We cut one patch again with your `first_pixel`.

# %% tags=["nbval-check-output"]
first_pixel = ex.first_pixel.answer()
refused = [refusal.index for refusal in patches.rejected]
kept = np.setdiff1d(np.arange(len(positions)), refused)
to_pixels = ~tl.read_grid(image_path).transform  # ~: from metres to pixels
col, row = (int(x) for x in to_pixels @ (positions.x[kept[0]], positions.y[kept[0]]))
top, left = int(first_pixel(row, 16)), int(first_pixel(col, 16))
square = rasters.read_array(image_path)[top : top + 16, left : left + 16]
print("the same pixels:", np.array_equal(square, patches.arrays["input"][0]))

# %% [markdown]
# ## Look at them
#
# Look at your patches before each training: you find many mistakes in this way. The number
# above a patch is its index in the arrays; the centre pixel is marked. **Which classes can
# you tell apart by eye? Which not?**

# %%
tl.show_patches(patches, legend=legend, count=10)

# %% [markdown]
# **What you see.** Water is bluish; residential areas are speckled with roofs. Meadow and
# farm look much alike. Some patches show a cloud or its shadow. Many show two kinds of
# ground; the label is the class of the centre pixel.

# %% [markdown]
# ## How many samples are there really?
#
# The positions are drawn at random, as far as the limit for polygons allows.

# %% exercise="overlaps"

# %% tags=["nbval-check-output"]
cols, rows = (x.astype(int) for x in to_pixels @ (positions.x, positions.y))
some = slice(None, None, 10)  # every tenth position, compared with all others
apart = np.maximum(abs(rows[some, None] - rows), abs(cols[some, None] - cols))
neighbours = (apart < 16).sum(axis=1) - 1  # without the patch itself
polygons = len(np.unique(positions.polygons))
ex.overlaps.reveal(
    f"share pixels with another patch: {(neighbours > 0).mean():.0%}\n"
    f"other patches in touch with one: {np.median(neighbours):.0f} (median)\n"
    f"{len(positions)} positions come from {polygons} polygons"
)

# %% tags=["claim"]
assert (neighbours > 0).mean() > 0.9
assert polygons < len(positions) / 5

# %% [markdown]
# **What you see.** Nearly all patches overlap others, and they come from far fewer
# polygons: ten patches of one lake tell a network little more than one. Two rules follow:
#
# - A network is tested on *other ground*, never on patches between the training patches.
# - An uncertainty is computed over polygons, not over patches.
#
# A second warning. You drew the same number of each class, but the ground has more of some.
# So a score on these patches is **not** the score of a map.

# %% [markdown] late="Skip it: 06 starts with the same call."
# ## Two sources
#
# [Sentinel-2](glossary.md#sentinel-2) has more bands with pixels of 20 m. Both images are
# cut in **one call**. Then patch number 7 of one and patch number 7 of the other show the
# same ground.

# %% exercise="pairs"

# %% tags=["nbval-check-output"]
pairs = ex.pairs.answer(
    image_path=image_path, coarse_path=coarse_path, positions=positions
)
{name: array.shape for name, array in pairs.arrays.items()}

# %% [markdown]
# Below is the [near infrared](glossary.md#near-infrared), band 4 of both files. Each
# column is one position. **Do both rows show the same ground?**

# %%
tl.browse_patches(pairs, bands=4, legend=legend)

# %% [markdown]
# **What you see.** The same shapes, in coarser pixels. The ground is the same to within
# one pixel of 10 m; the open task at the end looks at that pixel.

# %% [markdown] late="Show the picture of the wedge yourself, without the exercises."
# ## When pixels are missing
#
# A part of a scene may be missing: clouds were cut out, or the satellite's image ends
# there. Such pixels hold the [no-data value](glossary.md#no-data-value). The copies used
# here have a wedge of no-data.

# %% exercise="one_pixel_missing"

# %% tags=["nbval-check-output"]
broken = {
    "input_10m": scene / "s2_10m_nodata.tif",
    "input_20m": scene / "s2_20m_nodata.tif",
}
sizes = {"input_10m": 16, "input_20m": 8}
fewer = tl.extract_patches(broken, positions, sizes=sizes)
print(f"{fewer.count} of {pairs.count} pairs are left")
columns = ["index", "label", "x", "y", "reason", "source"]
refusals = pandas.DataFrame(fewer.rejected, columns=columns)
ex.one_pixel_missing.reveal(refusals.groupby("reason").head(2))

# %% [markdown]
# The table holds some of the refused positions. Each row names the reason, and the first
# source where it happened. **Will some refused positions lie outside the wedge?**

# %%
figure = tl.show(broken["input_10m"], titles="refused positions")
ax = figure.as_figure().axes[0]
for reason, color in {"no-data": "#d55e00", "outside": "#56b4e9"}.items():
    these = refusals[refusals["reason"] == reason]
    ax.plot(these["x"] / 1000, these["y"] / 1000, ".", color=color, label=reason)
ax.legend(loc="upper right")
figure

# %% [markdown]
# **What you see.** Positions just outside the wedge are refused too: their patch would
# reach into it. At the border of the image, the patch would leave it.

# %% exercise="lost_share"

# %% tags=["nbval-check-output"]
lost_share = ex.lost_share.answer()
print(f"lost in the whole scene:        {lost_share(pairs):.1%}")
print(f"lost in the scene with a wedge: {lost_share(fewer):.1%}")

# %% [markdown]
# ## Summary
#
# - Positions are drawn from labels: the same number of each class, from many polygons.
# - A patch of even size has its centre at index `size // 2`.
# - All sources are cut in one call, and a position is refused for all of them.
# - Patches overlap. The number of polygons says more than the number of patches.
#
# ## Open task
#
# Do the two patches of a pair begin at the same place? A position in column `c` of the
# 10 m image is in column `c // 2` of the 20 m image. Each patch begins half its size
# before its centre. Draw the columns 20 and 21 on paper. Then check it on the pixels:
# average the 10 m patches over 2 x 2 pixels and compare them with the 20 m patches
# (`np.corrcoef`), once for the patches in even rows and columns, once in odd ones.
#
# ## Further reading
#
# - Samples that lie close together make a score too good: Ploton and others (2020),
#   [doi.org/10.1038/s41467-020-18321-y](https://doi.org/10.1038/s41467-020-18321-y).
# - How rasters store no-data values:
#   [GDAL's raster data model](https://gdal.org/en/stable/user/raster_data_model.html).
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*.
# Notebook [01b](01b_networks_in_brief.ipynb) explains in brief how networks learn.
