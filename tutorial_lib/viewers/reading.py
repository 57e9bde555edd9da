"""Reading for the screen: rasters and arrays are opened once and read coarsely.

Every viewer reads through `open_layer`. Reading at a lower resolution is the one thing
that `rasters` does not offer.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.windows import Window

from tutorial_lib.display import counted
from tutorial_lib.placement import (
    NEGLIGIBLE_SHIFT,
    UnplacedGeoBox,
    why_not_north_up,
)
from tutorial_lib.rasters import Legend, PathLike, opened
from tutorial_lib.rasters.dataset_files import files_of, reading_errors_named
from tutorial_lib.rasters.georeference import grid_of
from tutorial_lib.rasters.legends import legend_of
from tutorial_lib.rasters.validity import NoData, as_own_type, pixels_without_data
from tutorial_lib.viewers.arrays import as_image

# Longest side that is read, in pixels. No figure shows more, and with it the memory for
# a picture does not grow with its raster.
MAX_SIDE = 1600

# So many bands are read at a time to find the pixels without data, so that the memory
# for a picture does not grow with the number of bands either.
GROUP = 16


@dataclass(frozen=True)
class Preview:
    """Pixels for the screen.

    Attributes:
        name: The raster's file name without its ending; "" for an array.
        pixels: (height, width, channel), the chosen bands.
        valid: (height, width) bool, True where there is data that can be drawn.
        bands: Numbers of the chosen bands, from 1.
        band_count: Number of bands of the raster or array.
        window: The part that is shown, in pixels of full resolution.
        grid: Grid of the whole raster, for axes with coordinates; None if it has none.
        legend: Names and colours of classes from the raster's own tags.
        files: Files that the pixels were read from, such as the parts of a mosaic.
    """

    name: str
    pixels: np.ndarray
    valid: np.ndarray
    bands: tuple[int, ...]
    band_count: int
    window: Window
    grid: GeoBox | None = None
    legend: Legend | None = None
    files: tuple[str, ...] = ()


def is_path(layer: Any) -> bool:
    """Whether a layer is a file rather than an array."""
    return isinstance(layer, str | os.PathLike)


def reduction(rows: int, cols: int) -> int:
    """Subsampling step n: every n-th pixel is read, so at most `MAX_SIDE` a side.

    Example:
        >>> reduction(300, 500), reduction(10_980, 5_490)
        (1, 7)
    """
    return max(1, ceil(max(rows, cols) / MAX_SIDE))


def reduced(rows: int, cols: int) -> tuple[int, int]:
    """Size (height, width) in which a window is read.

    Example:
        >>> reduced(300, 500), reduced(10_980, 5_490)
        ((300, 500), (1569, 785))
    """
    step = reduction(rows, cols)
    return ceil(rows / step), ceil(cols / step)


def picked(length: int, count: int) -> np.ndarray:
    """Indices of `count` pixels out of `length`: the middle one of each section.

    GDAL's nearest neighbour picks the same pixels.

    Example:
        >>> picked(10, 4).tolist()
        [1, 3, 6, 8]
    """
    return (2 * np.arange(count) + 1) * length // (2 * count)


def as_window(rows: range, cols: range) -> Window:
    """The rasterio window of some rows and columns."""
    return Window(cols.start, rows.start, len(cols), len(rows))


@contextmanager
def open_layer(
    layer: "PathLike | np.ndarray | OpenLayer", name: str = "the array"
) -> Iterator["OpenLayer"]:
    """Open a raster or an array for reading; a raster's file is opened once.

    Args:
        layer: Path of a raster, array (height, width[, channel]), or a layer that is
            open already, which stays open.
        name: What error messages call an array.

    Yields:
        The layer with its size, grid and legend, ready to be read.

    Raises:
        ValueError: If the layer has no pixels, or an array has another rank.
        TypeError: If the layer is neither a path nor numbers.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> with open_layer(testing.small_scene()["input_20m"]) as layer:
        ...     preview = layer.read(range(0, 10), range(0, 25), bands=(3, 2, 1))
        >>> layer.shape, layer.band_count, preview.pixels.shape
        ((60, 84), 6, (10, 25, 3))
    """
    if isinstance(layer, OpenLayer):
        yield layer
    elif is_path(layer):
        with opened(layer) as dataset:
            yield OpenLayer(f"'{layer}'", dataset)
    else:
        yield OpenLayer(name, as_image(layer))


class OpenLayer:
    """An open raster or array; `open_layer` makes it.

    Attributes:
        name: What error messages call it: its path in quotes, or "the array".
        path: Path of a raster; "" for an array.
        shape: (height, width) at full resolution.
        band_count: Number of bands.
        grid: Grid of a raster; None for arrays and rasters without coordinates.
        why_unplaced: Why a raster with coordinates has no grid, and the cure; else "".
        legend: Names and colours of classes from the raster's own tags.
        attribution: The raster's tag ATTRIBUTION; "" without one.
        files: All files that GDAL reads for it, such as the parts of a mosaic.
    """

    def __init__(self, name: str, pixels: DatasetReader | np.ndarray) -> None:
        self.name = name
        self._pixels = pixels
        self._is_raster = isinstance(pixels, DatasetReader)
        self.path, self.attribution, self.grid, self.legend = "", "", None, None
        self.files: tuple[str, ...] = ()
        self.why_unplaced = ""
        if self._is_raster:
            self.shape, self.band_count = pixels.shape, pixels.count
            self.path, self.legend = pixels.name, legend_of(pixels)
            self.files = files_of(pixels)
            self.attribution = pixels.tags().get("ATTRIBUTION", "")
            grid = grid_of(pixels)
            if isinstance(grid, UnplacedGeoBox):
                self.why_unplaced = why_not_north_up(grid)
            elif not _has_area(grid):
                self.why_unplaced = (
                    f"has pixels without an area (transform {tuple(grid.transform)[:6]}"
                    "). Give it the coordinates of its corners: `gdal_edit.py -a_ullr "
                    "left top right bottom file.tif`."
                )
            elif grid.crs is not None or not grid.transform.is_identity:
                self.grid = grid
        else:
            *shape, self.band_count = pixels.shape
            self.shape = tuple(shape)
        if min(*self.shape, self.band_count) < 1:
            raise ValueError(
                f"There is nothing to show in {name}: it has {self.shape[0]}x"
                f"{self.shape[1]} px of {counted(self.band_count, 'band')}. Give one "
                "with pixels."
            )

    @property
    def axes_grid(self) -> GeoBox | None:
        """The grid, if axes can show its coordinates: with a CRS and not rotated."""
        grid = self.grid
        if grid is None or grid.crs is None:
            return None
        a = grid.transform
        turned = max(abs(a.b) * grid.height, abs(a.d) * grid.width)
        pixel = min(abs(a.a), abs(a.e))
        return grid if turned <= NEGLIGIBLE_SHIFT * pixel else None

    def read(
        self,
        rows: range,
        cols: range,
        *,
        bands: Sequence[int],
        nodata: float | None = None,
        average: bool = False,
    ) -> Preview:
        """Read a part of the layer with at most `MAX_SIDE` pixels a side.

        Which pixels have no data is the same as in maps and patches: all bands count,
        chosen or not. It is where all are no-data, where a mask or an alpha band says
        so, and where one is NaN or infinite. Of a masked array, all bands are masked.

        Args:
            rows: Rows of the part, at full resolution.
            cols: Columns of the part.
            bands: Numbers of the bands, from 1.
            nodata: Value of pixels without data; None takes the raster's own tag.
            average: Mean of the pixels that one shown pixel stands for, instead of the
                middle one. Only rasters are averaged, and never a band of integers
                alone: the mean of two class numbers would be a third class.
        """
        if self._is_raster:
            pixels, empty = self._read_raster(rows, cols, bands, nodata, average)
        else:
            pixels, empty = self._read_array(rows, cols, bands, nodata)
        return Preview(
            name=Path(self.path).stem,
            pixels=pixels,
            valid=~empty,
            bands=tuple(bands),
            band_count=self.band_count,
            window=as_window(rows, cols),
            grid=self.axes_grid,
            legend=self.legend,
            files=self.files,
        )

    def _read_raster(
        self,
        rows: range,
        cols: range,
        bands: Sequence[int],
        nodata: float | None,
        average: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        dataset, window = self._pixels, as_window(rows, cols)
        full = len(rows), len(cols)
        size = reduced(*full)
        is_float = np.dtype(dataset.dtypes[bands[0] - 1]).kind == "f"
        # GDAL leaves pixels out of a mean only if the raster's own tags mark them.
        by_tag = nodata is None or set(dataset.nodatavals) == {nodata}
        mean = average and by_tag and (len(bands) > 1 or is_float) and size != full
        if mean and not NoData(dataset, dataset.indexes, nodata).possible:
            return self._means(window, size, bands), np.zeros(size, bool)
        pixels, empty = self._judged(window, size, bands, nodata)
        if mean:
            means = self._means(window, size, bands)
            pixels = np.where(np.isfinite(means), means, pixels)
        return pixels, empty

    def _judged(
        self,
        window: Window,
        size: tuple[int, int],
        bands: Sequence[int],
        nodata: float | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of some bands, and where a pixel has no data by all its bands."""
        every, whole = np.ones(size, bool), np.zeros(size, bool)
        planes: dict[int, np.ndarray] = {}
        for first in range(0, len(self._pixels.indexes), GROUP):
            group = self._pixels.indexes[first : first + GROUP]
            validity = NoData(self._pixels, group, nodata)
            if not validity.possible:
                every[:] = False
                group = [band for band in bands if band in group]
            if not group:
                continue
            validity = NoData(self._pixels, group, nodata)
            values = validity.values(window, out_shape=size)
            lacks = validity.lacks(values, window)
            every &= lacks.all_bands
            whole |= lacks.whole
            # A copy, so that the memory of the other bands becomes free.
            planes |= {
                b: values[..., group.index(b)].copy() for b in bands if b in group
            }
        return np.stack([planes[band] for band in bands], axis=-1), every | whole

    def _means(
        self, window: Window, size: tuple[int, int], bands: Sequence[int]
    ) -> np.ndarray:
        shape = len(bands), *size
        with reading_errors_named(self._pixels, window):
            planes = self._pixels.read(
                list(bands),
                window=window,
                out_shape=shape,
                resampling=Resampling.average,
            )
        return np.moveaxis(planes, 0, -1)

    def _read_array(
        self, rows: range, cols: range, bands: Sequence[int], nodata: float | None
    ) -> tuple[np.ndarray, np.ndarray]:
        spans = zip((rows, cols), reduced(len(rows), len(cols)), strict=True)
        indices = [span.start + picked(len(span), count) for span, count in spans]
        part = self._pixels[np.ix_(*indices)]
        values, mask = np.ma.getdata(part), np.ma.getmaskarray(part)
        own = as_own_type(nodata, values.dtype)
        empty = pixels_without_data(values, own) | mask.all(axis=-1)
        empty |= ~np.isfinite(values).all(axis=-1)
        return values[..., [band - 1 for band in bands]], empty


def _has_area(grid: GeoBox) -> bool:
    """Whether a raster covers an area that its coordinates can tell."""
    corners = [(x, y) for x in (0, grid.width) for y in (0, grid.height)]
    x, y = np.transpose([grid.transform @ corner for corner in corners])
    return bool(0 < np.ptp(x) < np.inf and 0 < np.ptp(y) < np.inf)
