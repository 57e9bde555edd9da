"""Reads whole rasters and windows, and what their tags say."""

from collections.abc import Sequence

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.grids import window_ranges
from tutorial_lib.rasters.georeference import grid_of
from tutorial_lib.rasters.legends import Legend, legend_of
from tutorial_lib.rasters.opening import PathLike, opened
from tutorial_lib.rasters.readers import open_source
from tutorial_lib.rasters.sources import Source

__all__ = [
    "grid_of",
    "legend_of",
    "read_array",
    "read_grid",
    "read_legend",
    "read_nodata",
]


def read_grid(path: PathLike) -> GeoBox:
    """Grid of a raster: shape, transform and CRS.

    Args:
        path: Raster that GDAL reads.

    Returns:
        The grid; `grid.shape` is (height, width), `grid.transform` maps (column, row)
        to (x, y).

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it.

    Example:
        >>> from tutorial_lib import testing
        >>> read_grid(testing.small_scene()["input_10m"]).shape.yx
        (120, 168)
    """
    with opened(path) as dataset:
        return grid_of(dataset)


def read_nodata(path: PathLike) -> float | None:
    """No-data value in the tag of a raster, or None if it has no tag."""
    with opened(path) as dataset:
        return dataset.nodata


def read_legend(path: PathLike) -> Legend | None:
    """Class names and colours that are stored in a label raster, or None.

    The names are the tags `CLASS_0`, `CLASS_1`… of band 1, the colours are its colour
    table. `create_raster` writes both.

    Example:
        >>> from tutorial_lib import testing
        >>> read_legend(testing.small_scene()["labels"]).names
        ('water', 'meadow', 'forest', 'town')
    """
    with opened(path) as dataset:
        return legend_of(dataset)


def read_array(
    path: PathLike,
    *,
    window: Window | None = None,
    bands: Sequence[int] | None = None,
) -> np.ndarray:
    """Read the pixels of a raster.

    Args:
        path: Raster that GDAL reads.
        window: Part to read, in whole pixels; None for all.
        bands: Band numbers from 1, in any order; None for all.

    Returns:
        (height, width, channel) array of the raster's type.

    Raises:
        ValueError: If the window is not inside the raster, or a band does not exist.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.small_scene()["input_10m"]
        >>> read_array(path, window=Window(20, 10, width=7, height=5), bands=[3]).shape
        (5, 7, 1)
    """
    with open_source(Source(path, bands=bands)) as reader:
        height, width = reader.grid.shape
        window = Window(0, 0, width, height) if window is None else window
        rows, cols = window_ranges(window, reader.grid.shape, f"'{path}'")
        return reader.read(rows.start, cols.start, len(rows), len(cols))
