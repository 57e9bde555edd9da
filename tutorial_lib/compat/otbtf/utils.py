"""Rasters as arrays. The module's name is OTBTF's: scripts import it by this name."""

from typing import Any, NamedTuple

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.patches.images import read_patches
from tutorial_lib.rasters import PathLike, Source, open_source

__all__ = ["gdal_open", "read_as_np_arr"]


class _Raster(NamedTuple):
    """A raster that can be read, with the names that GDAL gives its sizes."""

    path: PathLike
    RasterXSize: int
    RasterYSize: int
    RasterCount: int


def gdal_open(filename: PathLike) -> Any:
    """A raster, for `read_as_np_arr`.

    Args:
        filename: The file.

    Returns:
        Its path and sizes. It is not open: nothing has to be closed.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it.

    Example:
        >>> from tutorial_lib import testing
        >>> raster = gdal_open(testing.small_scene()["input_20m"])
        >>> raster.RasterXSize, raster.RasterYSize, raster.RasterCount
        (84, 60, 6)
    """
    with open_source(Source(filename)) as reader:
        height, width = reader.grid.shape
        return _Raster(filename, width, height, reader.channels)


def read_as_np_arr(
    gdal_ds: Any, as_patches: bool = True, dtype: Any = None
) -> np.ndarray:
    """All pixels of a raster.

    Args:
        gdal_ds: What `gdal_open` returned.
        as_patches: Whether it is a patches image.
        dtype: Type of the array; None for the type of the file.

    Returns:
        (n, height, width, channel) patches; otherwise (1, height, width, channel).

    Raises:
        TypeError: If `gdal_ds` is something else.
        ValueError: If it is not a patches image, but should be one.

    Example:
        >>> from tutorial_lib import testing
        >>> raster = gdal_open(testing.small_scene()["input_20m"])
        >>> read_as_np_arr(raster, as_patches=False).shape
        (1, 60, 84, 6)
    """
    what = "what `otbtf.gdal_open(path)` returns"
    raster = arguments.instance("gdal_ds", gdal_ds, _Raster, what)
    if arguments.flag("as_patches", as_patches):
        array = read_patches(raster.path)
    else:
        with open_source(Source(raster.path)) as reader:
            array = reader.read(0, 0, raster.RasterYSize, raster.RasterXSize)[None]
    return array if dtype is None else array.astype(dtype)
