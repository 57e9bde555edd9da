"""Reading pixels: whole rasters, windows of them, and stacked sources."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# GDAL's block cache is 5 % of the machine's memory by default, in a container of the
# host's: a few large rows of blocks need far less. Read by GDAL at its first use.
os.environ.setdefault("GDAL_CACHEMAX", "64")

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.rasters.legends import Legend

PathLike = str | os.PathLike[str]


def open_quietly(path: PathLike, mode: str = "r", **profile: Any) -> Any:
    """`rasterio.open` without its warning: patches images have no georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path, mode, **profile)


@contextmanager
def opened(path: PathLike) -> Iterator[rasterio.DatasetReader]:
    """Open a raster for reading; what fails is said in a sentence."""
    try:
        dataset = open_quietly(path)
    except rasterio.errors.RasterioIOError as err:
        if not str(path).startswith(("/vsi", "http")) and not Path(path).exists():
            raise FileNotFoundError(
                f"There is no raster at '{path}'. Check the path (the current folder "
                f"is '{Path.cwd().name}')."
            ) from None
        why = str(err).rstrip(".")
        raise OSError(f"'{path}' is not a raster that GDAL can read: {why}.") from err
    with dataset:
        yield dataset


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
    # The code where there is one ("EPSG:32631"): a page of WKT says less in a message.
    crs = dataset.crs and dataset.crs.to_string()
    return GeoBox(dataset.shape, dataset.transform, crs)


def read_nodata(path: PathLike) -> float | None:
    """No-data value that a raster's own tag declares, or None."""
    with opened(path) as dataset:
        return dataset.nodata


def read_legend(path: PathLike) -> Legend | None:
    """Class names and colours that a label raster carries, or None.

    The names are in the tags `CLASS_0`, `CLASS_1`… of band 1, the colours in its colour
    table, as `create_raster` writes them.

    Example:
        >>> from tutorial_lib import testing
        >>> read_legend(testing.small_scene()["labels"]).names
        ('water', 'meadow', 'forest', 'town')
    """
    with opened(path) as dataset:
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
    """Pixels of a raster.

    Args:
        path: Raster that GDAL reads.
        window: Whole-pixel part of it; None for all.
        bands: Band numbers from 1; None for all.

    Returns:
        (height, width, channel) array of the raster's type.

    Raises:
        ValueError: If the window leaves the raster, or a band does not exist.
        FileNotFoundError: If there is no such file.
    """
    with open_source(Source(path, bands=bands)) as reader:
        height, width = reader.grid.shape
        window = window or Window(0, 0, width, height)
        if any(value != int(value) for value in window.flatten()):
            raise ValueError(
                f"A window is of whole pixels. Received: {window}. Round it first, "
                "with `round_offsets` and `round_lengths`."
            )
        return reader.read(window.row_off, window.col_off, window.height, window.width)


@dataclass(frozen=True)
class Source:
    """A named input raster, or several of the same grid whose bands are stacked.

    Attributes:
        path: One raster, or a list of rasters.
        receptive_field: Side of the block of pixels that the network reads for one
            expression field, in pixels of this source.
        nodata: Value of pixels without data (NaN works); None takes the raster's tag.
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
        """The source itself, or one made from bare paths."""
        return source if isinstance(source, cls) else cls(source)

    @property
    def paths(self) -> tuple[PathLike, ...]:
        """The rasters, also when there is only one."""
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


class SourceReader:
    """An open source: its grid, number of channels, no-data value, and pixels."""

    def __init__(
        self, source: Source, datasets: Sequence[rasterio.DatasetReader]
    ) -> None:
        if not datasets:
            raise ValueError("A source has no raster: its list of paths is empty.")
        self._datasets = datasets
        self.grid = grid_of(datasets[0])
        for dataset in datasets[1:]:
            if grid_of(dataset) != self.grid:
                raise ValueError(
                    f"'{dataset.name}' ({dataset.height}x{dataset.width} px) is not on "
                    f"the grid of '{datasets[0].name}' ({self.grid.height}x"
                    f"{self.grid.width} px), so their bands cannot be stacked. Declare "
                    "them as two sources."
                )
        self.nodata = self._nodata(source)
        self._bands = self._check_bands(source)

    def _nodata(self, source: Source) -> float | None:
        if source.nodata is not None:
            return source.nodata
        tags = {str(dataset.nodata): dataset.nodata for dataset in self._datasets}
        if len(tags) > 1:
            raise ValueError(
                f"The stacked rasters {[str(p) for p in source.paths]} have different "
                f"no-data tags ({', '.join(tags)}). Say which counts: `nodata=…`."
            )
        return next(iter(tags.values()))

    def _check_bands(self, source: Source) -> tuple[int, ...]:
        count = sum(dataset.count for dataset in self._datasets)
        bands = tuple(range(1, count + 1) if source.bands is None else source.bands)
        if not bands:
            raise ValueError(
                f"No band of '{source.paths[0]}' is chosen: bands=[]. Give band "
                f"numbers from 1 to {count}, or None for all."
            )
        wrong = [band for band in bands if not 1 <= band <= count]
        if wrong:
            raise ValueError(
                f"Band {wrong[0]} of '{source.paths[0]}' does not exist: it has "
                f"{count} bands, numbered from 1. Received: bands={list(bands)}."
            )
        return bands

    @property
    def channels(self) -> int:
        """Number of channels of the arrays that `read` gives."""
        return len(self._bands)

    @property
    def dtype(self) -> np.dtype:
        """Type of the arrays that `read` gives."""
        types = [name for dataset in self._datasets for name in dataset.dtypes]
        return np.result_type(*(types[band - 1] for band in self._bands))

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Pixels (height, width, channel) of a window that lies inside the source."""
        # rasterio returns a smaller array, without a word, where the window leaves.
        if (
            min(row, col) < 0
            or row + height > self.grid.height
            or col + width > self.grid.width
        ):
            raise ValueError(
                f"The window (row {row}, col {col}, {height}x{width} px) leaves "
                f"'{self._datasets[0].name}', which has {self.grid.height}x"
                f"{self.grid.width} px."
            )
        window = Window(col, row, width, height)
        stack, first = [], 1
        for dataset in self._datasets:
            own = range(first, first + dataset.count)
            wanted = [band for band in self._bands if band in own]
            bands = [band - first + 1 for band in wanted]
            planes = _read(dataset, bands, window) if bands else ()
            stack.append(dict(zip(wanted, planes, strict=True)))
            first += dataset.count
        planes = {band: plane for part in stack for band, plane in part.items()}
        return np.stack([planes[band] for band in self._bands], axis=-1)


def _read(
    dataset: rasterio.DatasetReader, bands: Sequence[int], window: Window
) -> np.ndarray:
    try:
        return dataset.read(bands, window=window)
    except rasterio.errors.RasterioIOError as err:
        raise OSError(
            f"'{dataset.name}' is damaged: its pixels from row {window.row_off}, col "
            f"{window.col_off} cannot be read. Download or make it again."
        ) from err
