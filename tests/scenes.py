"""Small rasters and images that several test files need: `from scenes import write`."""

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib import rasters, testing
from tutorial_lib.patches.positions import Positions

# Upper left corner of `testing.small_grid`, in metres of UTM zone 31.
LEFT, TOP = 500_000, 4_800_000


def write(
    path,
    array,
    grid=None,
    *,
    spacing=10.0,
    corner=(LEFT, TOP),
    crs="EPSG:32631",
    **options,
):
    """Write an array (height, width[, channel]) as a north-up raster.

    `grid` replaces the spacing, the corner and the CRS (None: a raster without CRS);
    `options` are those of `write_array`. Gives the path.
    """
    array = array[..., np.newaxis] if array.ndim == 2 else array
    if grid is None:
        place = {"spacing": spacing, "corner": corner}
        grid = testing.small_grid(*array.shape[:2], **place)
        grid = GeoBox(grid.shape, grid.transform, crs)
    return rasters.write_array(path, array, grid, **options)


def constant(path, value, shape=(30, 40), *, channels=1, dtype="uint8", **options):
    """Write a raster of `shape` (height, width) whose pixels all hold `value`."""
    return write(path, np.full((*shape, channels), value, dtype), **options)


def coordinates(
    path, height, width, *, spacing=10, corner=(LEFT, TOP), channels=2, nodata=None
):
    """Write a `testing.coordinate_raster` of this size and place."""
    grid = testing.small_grid(height, width, spacing=spacing, corner=corner)
    return testing.coordinate_raster(path, grid, channels=channels, nodata=nodata)


def grid_at(row, col, height, width, *, spacing=10):
    """A grid whose corner is `row` and `col` pixels of 10 m from (LEFT, TOP)."""
    corner = (LEFT + 10 * col, TOP - 10 * row)
    return testing.small_grid(height, width, spacing=spacing, corner=corner)


def image(height, width, channels=4, seed=0, *, largest=4000, dtype="uint16"):
    """Random whole numbers from 0 to `largest` - 1, (height, width, channel)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, largest, (height, width, channels)).astype(dtype)


def batch(height, width, channels=4, seed=0):
    """An `image` as a batch of one in float32: the input of a network."""
    return image(height, width, channels, seed, dtype="float32")[np.newaxis]


def places(columns, rows, labels=None, *, spacing=10, crs="EPSG:32631"):
    """Positions at (column, row) of a grid at (LEFT, TOP); .5 is a pixel's centre."""
    x = LEFT + np.array(columns, float) * spacing
    y = TOP - np.array(rows, float) * spacing
    labels = np.arange(len(x)) if labels is None else labels
    return Positions(x, y, labels, crs)
