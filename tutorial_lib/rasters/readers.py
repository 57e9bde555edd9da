"""Reads the pixels of sources, and finds those without data."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
import psutil
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import arguments
from tutorial_lib.grids import window_ranges
from tutorial_lib.placement import same_grid
from tutorial_lib.rasters.block_rows import cached_bytes
from tutorial_lib.rasters.causes import GDAL_ERRORS, damaged
from tutorial_lib.rasters.dataset_files import check_parts_exist, files_of
from tutorial_lib.rasters.georeference import grid_of
from tutorial_lib.rasters.opening import PathLike, opened
from tutorial_lib.rasters.scaling import (
    Scaling,
    check_scalings,
    scaling_of,
    scaling_phrase,
)
from tutorial_lib.rasters.sources import Source, check_bands
from tutorial_lib.rasters.validity import NoData, PixelBlock, as_own_type, own_type

# In bytes: smaller arrays are read without a look at the free memory.
LARGE = 2**28

__all__ = [
    "SourceReader",
    "open_source",
    "open_sources",
]


@contextmanager
def open_source(source: Source | PathLike) -> Iterator["SourceReader"]:
    """Open all rasters of a source, or the raster at a path, for reading.

    Raises:
        TypeError: If it is neither a source nor a path, or a raster holds complex
            numbers.
        FileNotFoundError: If a raster, or a file that it refers to, does not exist.
        OSError: If GDAL cannot read it.
        ValueError: If a band does not exist, stacked rasters differ in their grid or
            scale, or no raster can hold the no-data value.
    """
    source = Source.of(source)
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
        TypeError, OSError, ValueError: As `open_source`.

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
    validity: NoData
    scaling: Scaling

    @property
    def place(self) -> slice | list[int]:
        """Where the channels lie; a slice gives a view of an array, a list a copy."""
        first, last = self.channels[0], self.channels[-1]
        beside = self.channels == list(range(first, last + 1))
        return slice(first, last + 1) if beside else self.channels

    @property
    def types(self) -> list[np.dtype]:
        return [own_type(self.dataset, band) for band in self.bands]


class SourceReader:
    """An open source: its grid, number of channels, and pixels.

    Attributes:
        grid: Grid of the source; all its rasters have this grid.
        dtype: Type of the arrays that `read` gives.
        nodata: The no-data value, given or tagged, if it is the same for all bands; for
            messages. Which pixels have data is what `read_block` says.
        may_lack_data: False where no pixel can be without data: integers without tag
            and without mask. `read_block` then computes nothing.
        scaling: What a plan says about scale and offset tags, such as "values * 0.0001
            - 0.1"; None if the source has none.
    """

    def __init__(
        self, source: Source, datasets: Sequence[rasterio.DatasetReader]
    ) -> None:
        self._name = f"'{datasets[0].name}'"
        self.grid = _common_grid(datasets)
        self._datasets = tuple(datasets)
        for dataset in datasets:
            check_parts_exist(dataset)
        bands = _checked_bands(source, sum(dataset.count for dataset in datasets))
        self._parts = list(_parts(datasets, bands, source.nodata))
        self._scaled = source.scaled
        self.nodata = _common_nodata(source, self._parts)
        if source.nodata is not None:
            self._check_nodata(source.nodata)
        scalings = [part.scaling for part in self._parts]
        names = [part.dataset.name for part in self._parts]
        check_scalings(names, scalings, scaled=source.scaled)
        self.scaling = scaling_phrase(scalings, scaled=source.scaled)
        self.dtype = np.dtype("float32") if source.scaled else self._raw_type
        self.may_lack_data = any(part.validity.possible for part in self._parts)

    def _check_nodata(self, value: float) -> None:
        types = [dtype for part in self._parts for dtype in part.types]
        if all(as_own_type(value, dtype) is None for dtype in types):
            names = ", ".join(dict.fromkeys(map(str, types)))
            raise ValueError(
                f"`nodata` is {value:g}, but {self._name} holds {names}, so no pixel "
                "can have this value. Leave it out to take the raster's own tag, or "
                f"give a value of {names}."
            )

    @property
    def _raw_type(self) -> np.dtype:
        return np.result_type(*(t for part in self._parts for t in part.types))

    @property
    def channels(self) -> int:
        """Number of channels of the arrays that `read` gives."""
        return sum(len(part.channels) for part in self._parts)

    @property
    def files(self) -> tuple[str, ...]:
        """All files that are read: rasters, sidecars, parts of virtual rasters."""
        found = (name for dataset in self._datasets for name in files_of(dataset))
        return tuple(dict.fromkeys(found))

    def cache_bytes(self, height: int, width: int | None = None) -> int:
        """Bytes that GDAL's block cache needs for reading row by row of tiles.

        With less than the blocks that one row of tiles touches, GDAL decompresses them
        again for the next tile: reading then takes about twice as long.

        Args:
            height: Rows that are read for one row of tiles, in this source's pixels.
            width: Columns that are read for it; None for all of them.

        Returns:
            What `block_cache` takes; an estimate for virtual rasters. Masks beside a
            raster are left out.

        Raises:
            TypeError, ValueError: If one of them is not a whole number from 1.
        """
        height = arguments.whole_number("height", height, least=1)
        if width is not None:
            width = arguments.whole_number("width", width, least=1)
        return sum(
            cached_bytes(part.dataset, part.validity.bands_read, height, width)
            for part in self._parts
        )

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Read the pixels (height, width, channel) of a window.

        Raises:
            ValueError: If the window is not inside the source.
            OSError: If the file is damaged.
        """
        window = self._window(row, col, height, width)
        pixels = np.empty((height, width, self.channels), self.dtype)
        for part in self._parts:
            into = pixels[..., part.place]
            # Scaled values need float64 on their way. Channels that other rasters
            # divide are not one view of the array.
            if self._scaled or into.base is not pixels:
                self._put(pixels, part, part.validity.values(window))
            else:
                part.validity.read_into(into, window)
        return pixels

    def read_block(self, row: int, col: int, height: int, width: int) -> PixelBlock:
        """Read the pixels of a window, and find those without data.

        A pixel is `empty` where all its bands have their own no-data value, where a
        mask or an alpha band of a raster says so, or where a band is NaN or infinite.
        It is `incomplete` where that holds for at least one band.

        Raises:
            ValueError: If the window is not inside the source.
            OSError: If the file is damaged.

        Example:
            >>> from tutorial_lib import testing
            >>> with open_source(Source(testing.small_scene()["labels"])) as reader:
            ...     block = reader.read_block(0, 0, 5, 7)
            >>> block.values.shape, block.empty.shape, block.empty.dtype
            ((5, 7, 1), (5, 7), dtype('bool'))
        """
        if not self.may_lack_data:
            values = self.read(row, col, height, width)
            nothing = np.zeros((height, width), bool)
            return PixelBlock(values, nothing, nothing.copy())
        window = self._window(row, col, height, width)
        pixels = np.empty((height, width, self.channels), self.dtype)
        every, some = np.ones((height, width), bool), np.zeros((height, width), bool)
        whole = np.zeros((height, width), bool)
        for part in self._parts:
            values = part.validity.values(window)
            lacks = part.validity.lacks(values, window)
            every &= lacks.all_bands
            whole |= lacks.whole
            some |= lacks.some_band
            self._put(pixels, part, values)
        return PixelBlock(pixels, every | whole, some)

    def _window(self, row: int, col: int, height: int, width: int) -> Window:
        window = Window(col, row, width, height)
        # rasterio would return a smaller array for a window that leaves the raster.
        window_ranges(window, self.grid.shape, self._name)
        self._check_memory(height, width)
        return window

    def _check_memory(self, height: int, width: int) -> None:
        size = height * width * self.channels * self.dtype.itemsize
        # Linux promises any amount of memory, and ends the process when it is used.
        if size > LARGE and size > (free := psutil.virtual_memory().available):
            raise MemoryError(
                f"{height}x{width} px of {self._name} take {size / 1e9:.1f} GB, and "
                f"{free / 1e9:.1f} GB of memory are free. Read a part of it: a window, "
                "or fewer bands."
            )

    def _put(self, pixels: np.ndarray, part: _Part, values: np.ndarray) -> None:
        pixels[..., part.place] = (
            part.scaling.applied(values) if self._scaled else values
        )


def _common_grid(datasets: Sequence[rasterio.DatasetReader]) -> GeoBox:
    first = datasets[0]
    grid = grid_of(first)
    for dataset in datasets[1:]:
        if not same_grid(grid_of(dataset), grid):
            raise ValueError(
                f"'{dataset.name}' ({dataset.height}x{dataset.width} px) is not on the "
                f"grid of '{first.name}' ({first.height}x{first.width} px), so their "
                "bands cannot be stacked. Declare them as two sources."
            )
    return grid


def _common_nodata(source: Source, parts: Sequence[_Part]) -> float | None:
    if source.nodata is not None:
        return source.nodata
    # Compared as text, because NaN does not equal NaN.
    tags = {
        str(tag): tag
        for part in parts
        for tag in (part.dataset.nodatavals[band - 1] for band in part.bands)
    }
    return tags.popitem()[1] if len(tags) == 1 else None


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


def _parts(
    datasets: Sequence[rasterio.DatasetReader],
    bands: Sequence[int],
    nodata: float | None,
) -> Iterator[_Part]:
    """Bands to read from each raster; `bands` are numbered through all rasters."""
    before = 0
    for dataset in datasets:
        last = before + dataset.count
        channels = [i for i, band in enumerate(bands) if before < band <= last]
        if channels:
            own = [bands[i] - before for i in channels]
            try:
                validity = NoData(dataset, own, nodata)
            except GDAL_ERRORS as err:
                raise damaged(dataset.name, "its masks", err) from err
            yield _Part(dataset, own, channels, validity, scaling_of(dataset, own))
        before = last
