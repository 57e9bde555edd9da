"""Rasters and arrays read just finely enough for the screen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.windows import Window

# Reading at a lower resolution is the one thing that `rasters` does not offer; its
# opening comes with its messages.
from tutorial_lib.rasters import (
    Legend,
    PathLike,
    opened,
    read_grid,
    read_legend,
)
from tutorial_lib.rasters.validity import pixels_without_data
from tutorial_lib.viewers.options import counted, is_whole

# The longest side that is read, in pixels: more than a figure has, and the reason why
# the memory for a picture does not grow with its raster.
MAX_SIDE = 1600


@dataclass(frozen=True)
class Preview:
    """Pixels for the screen.

    Attributes:
        name: The raster's name without folder and ending; "" for an array.
        pixels: (height, width, channel), the chosen bands.
        empty: (height, width) bool, where all bands, chosen or not, are no-data, or
            masked in an array with a mask.
        bands: Numbers of the chosen bands, from 1.
        band_count: How many bands there are.
        window: The part that is shown, in full-resolution pixels.
        grid: Where the whole raster is on the ground; None if that is not known.
        legend: The classes that the raster itself declares.
    """

    name: str
    pixels: np.ndarray
    empty: np.ndarray
    bands: tuple[int, ...]
    band_count: int
    window: Window
    grid: GeoBox | None = None
    legend: Legend | None = None


def is_path(layer: PathLike | np.ndarray) -> bool:
    """Whether a layer is a file rather than an array."""
    return isinstance(layer, str | os.PathLike)


def layer_grid(layer: PathLike | np.ndarray) -> GeoBox | None:
    """Where a layer is on the ground; None if it does not say."""
    if not is_path(layer):
        return None
    grid = read_grid(layer)
    rotated = grid.transform.b or grid.transform.d
    return None if grid.crs is None or rotated else grid


def layer_shape(layer: PathLike | np.ndarray) -> tuple[int, int, int]:
    """(height, width, channels) of a layer, at full resolution."""
    if not is_path(layer):
        return _image(layer).shape
    with opened(layer) as dataset:
        return *dataset.shape, dataset.count


def read_preview(
    layer: PathLike | np.ndarray,
    *,
    bands: int | Sequence[int] | None = None,
    color: bool | None = None,
    nodata: float | None = None,
    window: Window | None = None,
) -> Preview:
    """Read a layer with at most `MAX_SIDE` pixels a side.

    Args:
        layer: Raster, or array (height, width[, channel]).
        bands: Numbers from 1 of one band or three; None for the first.
        color: Whether three bands are wanted; None: if there are three.
        nodata: No-data value; None takes the raster's own tag.
        window: Part to read, in whole pixels; None for all.

    Raises:
        ValueError: If a band does not exist, the window leaves the layer, or an array
            has another rank.
        TypeError: If the layer is neither a path nor numbers.
        FileNotFoundError: If there is no such file.
    """
    if is_path(layer):
        return _read_raster(layer, bands, color, nodata, window)
    array = _image(layer)
    bands, window = _checked("the array", array.shape, bands, color, window)
    rows, cols = window.toslices()
    step = _step(window)
    array = array[rows, cols][::step, ::step]
    return Preview(
        name="",
        pixels=np.ma.getdata(array)[..., [band - 1 for band in bands]],
        empty=without_data(array, nodata),
        bands=bands,
        band_count=array.shape[2],
        window=window,
    )


def without_data(array: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask (height, width) of pixels whose bands are all no-data, or all masked.

    Example:
        >>> array = np.ma.masked_equal([[[0, 0], [0, 7]]], 0)
        >>> without_data(array, nodata=None)
        array([[ True, False]])
    """
    empty = pixels_without_data(np.ma.getdata(array), nodata)
    return empty | np.ma.getmaskarray(array).all(axis=-1)


def _read_raster(
    path: PathLike,
    bands: int | Sequence[int] | None,
    color: bool | None,
    nodata: float | None,
    window: Window | None,
) -> Preview:
    with opened(path) as dataset:
        shape = (*dataset.shape, dataset.count)
        bands, window = _checked(f"'{path}'", shape, bands, color, window)
        size = [ceil(side / _step(window)) for side in (window.height, window.width)]
        integers = np.issubdtype(np.dtype(dataset.dtypes[0]), np.integer)
        planes = dataset.read(
            bands,
            window=window,
            out_shape=(len(bands), *size),
            # The mean of two class numbers would be a third class.
            resampling=Resampling.nearest
            if integers and len(bands) == 1
            else Resampling.average,
        )
        pixels = np.moveaxis(planes, 0, -1)
        if nodata is None:
            empty = dataset.dataset_mask(window=window, out_shape=tuple(size)) == 0
        else:
            empty = pixels_without_data(pixels, nodata)
    return Preview(
        name=Path(path).stem,
        pixels=pixels,
        empty=empty,
        bands=bands,
        band_count=shape[2],
        window=window,
        grid=layer_grid(path),
        legend=read_legend(path),
    )


def _image(layer: np.ndarray) -> np.ndarray:
    """An array (height, width, channel), with the mask of one that has it."""
    array = layer if isinstance(layer, np.ma.MaskedArray) else _numbers(layer)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3:
        raise ValueError(
            "An array to show is (height, width) or (height, width, channel). Received "
            f"the shape {array.shape}; of a batch show one image, `array[0]`."
        )
    return array.astype("uint8") if array.dtype == bool else array


def _numbers(layer: Any) -> np.ndarray:
    try:
        array = np.asarray(layer)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        of = f" of {array.dtype}" if isinstance(layer, np.ndarray) else ""
        raise TypeError(
            "A layer is the path of a raster, or an array (height, width[, channel]) "
            f"of real numbers. Received: {type(layer).__name__}{of}."
        )
    return array


def _checked(
    name: str,
    shape: tuple[int, int, int],
    bands: int | Sequence[int] | None,
    color: bool | None,
    window: Window | None,
) -> tuple[tuple[int, ...], Window]:
    height, width, count = shape
    if min(shape) < 1:
        raise ValueError(
            f"There is nothing to show in {name}: it has {height}x{width} px of "
            f"{counted(count, 'band')}. Give one with pixels."
        )
    window = Window(0, 0, width, height) if window is None else window
    if not isinstance(window, Window):
        raise TypeError(
            "`window` is a rasterio.windows.Window(col_off, row_off, width, height). "
            f"Received: {window!r}."
        )
    if (
        min(window.height, window.width) < 1
        or min(window.row_off, window.col_off) < 0
        or window.row_off + window.height > height
        or window.col_off + window.width > width
    ):
        raise ValueError(
            f"The window (row {window.row_off}, col {window.col_off}, {window.height}x"
            f"{window.width} px) is no part of {name}, which has {height}x{width} px. "
            "Choose one inside."
        )
    return chosen_bands(name, count, bands, color), window


def chosen_bands(
    name: str,
    count: int,
    bands: int | Sequence[int] | None,
    color: bool | None = None,
) -> tuple[int, ...]:
    """The one band or three that are shown of `count`; see `read_preview`."""
    wanted = count >= 3 if color is None else color
    if bands is None:
        bands = (1, 2, 3) if wanted else (1,)
    bands = _numbers_of_bands(name, count, bands)
    if len(bands) not in ((1, 3) if color is None else (3,) if color else (1,)):
        raise ValueError(
            f"A picture shows one band or three; bands={list(bands)} has {len(bands)}. "
            "Give one number, or three for red, green and blue."
        )
    wrong = [band for band in bands if not 1 <= band <= count]
    if wrong:
        raise ValueError(
            f"Band {wrong[0]} of {name} does not exist: it has "
            f"{counted(count, 'band')}, numbered from 1. Received: bands={list(bands)}."
        )
    return bands


def _numbers_of_bands(name: str, count: int, bands: Any) -> tuple[int, ...]:
    alone = isinstance(bands, str) or not np.iterable(bands)
    numbers = (bands,) if alone else tuple(bands)
    if not all(map(is_whole, numbers)):
        raise ValueError(
            f"`bands` are numbers from 1, one or three, such as 1 or (3, 2, 1); {name} "
            f"has {counted(count, 'band')}. Received: bands={bands!r}."
        )
    return tuple(map(int, numbers))


def _step(window: Window) -> int:
    return max(1, ceil(max(window.height, window.width) / MAX_SIDE))
