"""Reads pixels: whole rasters, windows, and bands stacked from several rasters."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.grids import window_ranges
from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.opening import PathLike, opened


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


def grid_of(dataset: rasterio.DatasetReader) -> GeoBox:
    """Grid of an open raster."""
    # "EPSG:32631" where there is a code: in a message, WKT would fill a page.
    crs = dataset.crs and dataset.crs.to_string()
    return GeoBox(dataset.shape, dataset.transform, crs)


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


def legend_of(dataset: rasterio.DatasetReader) -> Legend | None:
    """Class names and colours of an open raster, or None."""
    tags = dataset.tags(1)
    names = []
    while (name := tags.get(f"CLASS_{len(names)}")) is not None:
        names.append(name)
    if not names:
        return None
    table = dataset.colormap(1)
    colors = ["#{:02x}{:02x}{:02x}".format(*table[i][:3]) for i in range(len(names))]
    return Legend(tuple(names), tuple(colors))


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


@dataclass(frozen=True)
class Source:
    """An input raster, or several rasters on one grid whose bands are stacked.

    Attributes:
        path: One raster, or a list of rasters.
        receptive_field: Side of the block of pixels that the network reads for one
            expression field, in pixels of this source.
        nodata: Value of pixels without data, NaN included; None takes the raster's own
            tag.
        bands: Numbers, from 1, of the (stacked) bands to use; None for all.

    Example:
        >>> Source("s2_10m.tif", receptive_field=16).receptive_field
        16
    """

    path: PathLike | Sequence[PathLike]
    receptive_field: int | None = None
    nodata: float | None = None
    bands: Sequence[int] | None = None

    @classmethod
    def of(cls, source: "Source | PathLike | Sequence[PathLike]") -> "Source":
        """Return the source itself, or a new source for a path or a list of paths."""
        return source if isinstance(source, cls) else cls(source)

    @property
    def paths(self) -> tuple[PathLike, ...]:
        """The paths of the rasters, in the order of their bands."""
        single = isinstance(self.path, str | os.PathLike)
        return (self.path,) if single else tuple(self.path)


@contextmanager
def open_source(source: Source) -> Iterator["SourceReader"]:
    """Open all rasters of a source for reading.

    Raises:
        FileNotFoundError: If a raster does not exist.
        ValueError: If stacked rasters differ in grid or no-data value.
    """
    with ExitStack() as stack:
        yield SourceReader(
            source, [stack.enter_context(opened(path)) for path in source.paths]
        )


@contextmanager
def open_sources(
    sources: Mapping[str, Source],
) -> Iterator[dict[str, "SourceReader"]]:
    """Open all sources for reading, and close them at the end of the block.

    Args:
        sources: Sources by name.

    Yields:
        A reader for each source, by the same names and in the same order.

    Raises:
        FileNotFoundError: If a raster does not exist.
        ValueError: If stacked rasters differ in grid or no-data value.

    Example:
        >>> from tutorial_lib import testing
        >>> scene = testing.small_scene()
        >>> with open_sources({"xs": Source(scene["input_20m"])}) as readers:
        ...     readers["xs"].channels
        6
    """
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(open_source(source))
            for name, source in sources.items()
        }


class _Part(NamedTuple):
    """Bands that are read from one raster, and the channels that they become."""

    dataset: rasterio.DatasetReader
    bands: list[int]
    channels: list[int]


class SourceReader:
    """An open source: its grid, number of channels, no-data value, and pixels.

    Attributes:
        grid: Grid of the source; all its rasters have this grid.
        nodata: Value of pixels without data, or None.
    """

    def __init__(
        self, source: Source, datasets: Sequence[rasterio.DatasetReader]
    ) -> None:
        if not datasets:
            raise ValueError(
                "A source has no raster: its list of paths is empty. Give at least one "
                "path."
            )
        self._name = f"'{datasets[0].name}'"
        self.grid = _common_grid(datasets)
        self.nodata = _common_nodata(source, datasets)
        bands = _checked_bands(source, sum(dataset.count for dataset in datasets))
        self._parts = list(_parts(datasets, bands))

    @property
    def channels(self) -> int:
        """Number of channels of the arrays that `read` gives."""
        return sum(len(part.channels) for part in self._parts)

    @property
    def dtype(self) -> np.dtype:
        """Type of the arrays that `read` gives."""
        types = (part.dataset.dtypes[b - 1] for part in self._parts for b in part.bands)
        return np.result_type(*types)

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Read the pixels (height, width, channel) of a window.

        Raises:
            ValueError: If the window is not inside the source.
            OSError: If the file is damaged.
        """
        window = Window(col, row, width, height)
        # rasterio would return a smaller array for a window that leaves the raster.
        window_ranges(window, self.grid.shape, self._name)
        pixels = np.empty((height, width, self.channels), self.dtype)
        for part in self._parts:
            bands = _read(part.dataset, part.bands, window)
            pixels[..., part.channels] = np.moveaxis(bands, 0, -1)
        return pixels


def _common_grid(datasets: Sequence[rasterio.DatasetReader]) -> GeoBox:
    first = datasets[0]
    grid = grid_of(first)
    for dataset in datasets[1:]:
        if grid_of(dataset) != grid:
            raise ValueError(
                f"'{dataset.name}' ({dataset.height}x{dataset.width} px) is not on the "
                f"grid of '{first.name}' ({first.height}x{first.width} px), so their "
                "bands cannot be stacked. Declare them as two sources."
            )
    return grid


def _common_nodata(
    source: Source, datasets: Sequence[rasterio.DatasetReader]
) -> float | None:
    if source.nodata is not None:
        return source.nodata
    # Compared as text, because NaN does not equal NaN.
    tags = {str(dataset.nodata): dataset.nodata for dataset in datasets}
    if len(tags) > 1:
        raise ValueError(
            f"The stacked rasters {[str(p) for p in source.paths]} have different "
            f"no-data tags ({', '.join(tags)}). Give the value to use: "
            "`Source(…, nodata=…)`."
        )
    return next(iter(tags.values()))


def _checked_bands(source: Source, count: int) -> tuple[int, ...]:
    """Numbers of the bands to read, after a check that the source has them."""
    bands = tuple(range(1, count + 1) if source.bands is None else source.bands)
    if not bands:
        raise ValueError(
            f"No band of '{source.paths[0]}' is chosen: bands=[]. Give band numbers "
            f"from 1 to {count}, or None for all."
        )
    check_bands(f"'{source.paths[0]}'", bands, count)
    return bands


def check_bands(name: str, bands: Sequence[int], count: int) -> None:
    """Raise ValueError unless all band numbers lie between 1 and `count`."""
    wrong = [band for band in bands if not 1 <= band <= count]
    if wrong:
        raise ValueError(
            f"Band {wrong[0]} of {name} does not exist: it has {count} "
            f"band{'s' * (count != 1)}. Received: bands={list(bands)}. Give numbers "
            f"from 1 to {count}."
        )


def _parts(
    datasets: Sequence[rasterio.DatasetReader], bands: Sequence[int]
) -> Iterator[_Part]:
    """Bands to read from each raster; `bands` are numbered through all rasters."""
    before = 0
    for dataset in datasets:
        last = before + dataset.count
        channels = [i for i, band in enumerate(bands) if before < band <= last]
        if channels:
            yield _Part(dataset, [bands[i] - before for i in channels], channels)
        before = last


def _read(
    dataset: rasterio.DatasetReader, bands: Sequence[int], window: Window
) -> np.ndarray:
    try:
        return dataset.read(bands, window=window)
    except rasterio.errors.RasterioIOError as err:
        raise OSError(
            f"'{dataset.name}' is damaged: its pixels from row {window.row_off}, col "
            f"{window.col_off} on cannot be read. Download it or make it again."
        ) from err
