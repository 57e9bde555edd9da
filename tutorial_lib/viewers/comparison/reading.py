"""Pixels of layers on their common window, just finely enough for the screen.

Of rasters that are larger than a screen every n-th pixel is read, unmixed: what is
compared are values that are really there, never means of several.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.windows import Window

from tutorial_lib.grids import Axis
from tutorial_lib.rasters import PathLike, opened, read_grid, read_legend
from tutorial_lib.rasters.validity import pixels_without_data
from tutorial_lib.viewers.comparison.common_window import CommonWindow
from tutorial_lib.viewers.reading import MAX_SIDE, Preview, is_path, without_data

__all__ = ["picked", "placed", "read_layer", "reduced", "reduction"]

_HALF = Fraction(1, 2)


def placed(layer: PathLike | np.ndarray) -> GeoBox | None:
    """Grid of a raster; None for arrays and rasters without coordinates."""
    if not is_path(layer):
        return None
    grid = read_grid(layer)
    return None if grid.crs is None and grid.transform.is_identity else grid


def picked(length: int, count: int) -> np.ndarray:
    """Which of `length` pixels are shown on `count`: those in the middle of each.

    The same pixels as GDAL's nearest neighbour.

    Example:
        >>> picked(10, 4).tolist()
        [1, 3, 6, 8]
    """
    return (2 * np.arange(count) + 1) * length // (2 * count)


def reduction(rows: int, cols: int) -> int:
    """Every how manyth pixel of a window is read, so that `MAX_SIDE` is enough.

    Example:
        >>> reduction(300, 500), reduction(10_980, 5_490)
        (1, 7)
    """
    return max(1, ceil(max(rows, cols) / MAX_SIDE))


def reduced(rows: int, cols: int) -> tuple[int, int]:
    """Size in which a window is read: at most `MAX_SIDE` a side.

    Example:
        >>> reduced(300, 500), reduced(10_980, 5_490)
        ((300, 500), (1569, 785))
    """
    step = reduction(rows, cols)
    return ceil(rows / step), ceil(cols / step)


def read_layer(
    layer: PathLike | np.ndarray,
    axes: tuple[Axis, Axis],
    common: CommonWindow,
    *,
    bands: Sequence[int],
    band_count: int,
    nodata: float | None = None,
) -> Preview:
    """Pixels of one layer, below the pixels of the first raster that are shown.

    Args:
        layer: Raster, or array (height, width[, channel]).
        axes: Where it lies, from the common window.
        common: What all layers share.
        bands: Numbers of one band or three, from 1.
        band_count: How many there are.
        nodata: No-data value; None takes the raster's own tag.
    """
    spans, sizes = (common.rows, common.cols), reduced(*common.shape)
    own = [_own(axis, span) for axis, span in zip(axes, spans, strict=True)]
    size = reduced(*map(len, own))
    is_raster = is_path(layer)
    read = _read_raster if is_raster else _read_array
    pixels, empty = read(layer, bands, own, size, nodata)
    rows, cols = (
        _below(axis, span, inside, count, wanted)
        for axis, span, inside, count, wanted in zip(
            axes, spans, own, size, sizes, strict=True
        )
    )
    return Preview(
        name=Path(layer).stem if is_raster else "",
        pixels=pixels[rows][:, cols],
        empty=empty[rows][:, cols],
        bands=tuple(bands),
        band_count=band_count,
        window=common.window,
        legend=read_legend(layer) if is_raster else None,
    )


def _own(axis: Axis, span: range) -> range:
    """Pixels of a layer that hold the centres of the first raster's pixels."""
    first, last = (axis.pixel_at(pixel + _HALF) for pixel in (span[0], span[-1]))
    return range(first, last + 1)


def _below(
    axis: Axis, span: range, own: range, count: int, wanted: int
) -> slice | np.ndarray:
    """Indices of what was read (`count` of `own`) for each pixel that is shown."""
    if axis.spacing == 1:
        return slice(None)
    centres = [span.start + int(pick) + _HALF for pick in picked(len(span), wanted)]
    pixels = np.array([axis.pixel_at(centre) for centre in centres])
    return (pixels - own.start) * count // len(own)


def _read_raster(
    path: PathLike,
    bands: Sequence[int],
    own: Sequence[range],
    size: tuple[int, int],
    nodata: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    rows, cols = own
    part = {
        "window": Window(cols.start, rows.start, len(cols), len(rows)),
        "resampling": Resampling.nearest,
    }
    with opened(path) as dataset:
        planes = dataset.read(bands, out_shape=(len(bands), *size), **part)
        pixels = np.moveaxis(planes, 0, -1)
        value = dataset.nodata if nodata is None else nodata
        # A pixel is empty when all its bands are: those that are not shown, too.
        if value is not None and (nodata is not None or dataset.count == len(bands)):
            return pixels, pixels_without_data(pixels, value)
        return pixels, dataset.dataset_mask(out_shape=size, **part) == 0


def _read_array(
    array: np.ndarray,
    bands: Sequence[int],
    own: Sequence[range],
    size: tuple[int, int],
    nodata: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    array = np.ma.asanyarray(array) if np.ma.isMA(array) else np.asarray(array)
    array = array[..., np.newaxis] if array.ndim == 2 else array
    rows, cols = (
        span.start + picked(len(span), count)
        for span, count in zip(own, size, strict=True)
    )
    pixels = array[np.ix_(rows, cols)]
    empty = without_data(pixels, nodata)
    pixels = np.ma.getdata(pixels)
    pixels = pixels.astype("uint8") if pixels.dtype == bool else pixels
    shown = pixels[..., [band - 1 for band in bands]]
    return shown, empty
