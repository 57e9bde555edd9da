"""The map of TensorflowModelServe: computed tile by tile when it is read."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from odc.geo.geobox import GeoBox

from tutorial_lib.compat.fits import Declared, stacked
from tutorial_lib.compat.images import Image, Read
from tutorial_lib.compat.outputs import strips
from tutorial_lib.compat.serving import Network

# Values of the patches that are in memory at a time: 4096 patches of 16x16 px and 4
# bands. What a layer makes of them takes more: 12x12 px of 16 channels are 38 MB.
PATCH_VALUES = 2**22

__all__ = ["ServedImage", "ServedSource", "equals_nodata"]


class ServedSource(NamedTuple):
    """A source: its image, and the value that means no-data; None for none."""

    image: Image
    nodata: float | None = None


class _Block(NamedTuple):
    """Pixels of a source, and the row and the column of the source where they begin."""

    array: np.ndarray
    top: int
    left: int

    def part(self, rows: range, columns: range) -> np.ndarray:
        """Rows and columns of the source."""
        return self.array[
            rows.start - self.top : rows.stop - self.top,
            columns.start - self.left : columns.stop - self.left,
        ]


def equals_nodata(pixels: np.ndarray, nodata: float) -> np.ndarray:
    """Which values are the no-data value, which may be NaN.

    OTB reads all images as float32, so both are compared as such.

    Example:
        >>> equals_nodata(np.array([0.1, 0.0, np.nan], "float32"), 0.1).tolist()
        [True, False, False]
        >>> equals_nodata(np.array([0.1, 0.0, np.nan], "float32"), np.nan).tolist()
        [False, False, True]
    """
    values = pixels.astype("float32", copy=False)
    return np.isnan(values) if np.isnan(nodata) else values == np.float32(nodata)


class ServedImage(Image):
    """A map from a network, with the tiles and the no-data rule of OTBTF.

    Where all that is read for a tile is no-data in one source, the network does not
    run, and the whole tile gets the background value. There is no rule for pixels.

    Args:
        network: The network.
        sources: What is read, in the order of the network's inputs.
        grid: Grid of the map.
        declared: Its rows and columns, and the mode.
        tile: (height, width) of the tiles.
        bands: Number of bands of all outputs together.
        background: Value of tiles without data.
    """

    dtype = np.dtype("float32")

    def __init__(
        self,
        network: Network,
        sources: Sequence[ServedSource],
        grid: GeoBox,
        declared: Declared,
        *,
        tile: tuple[int, int],
        bands: int,
        background: float,
    ) -> None:
        self._network, self._sources, self._declared = network, sources, declared
        self.grid, self.bands, self._background = grid, bands, background
        self.strip_rows, self._tile_width = tile
        self.files = tuple(file for one in sources for file in one.image.files)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        with ExitStack() as stack:
            reads = [
                stack.enter_context(source.image.reading()) for source in self._sources
            ]
            yield partial(self._read, reads)

    def _read(
        self, reads: Sequence[Read], row: int, col: int, height: int, width: int
    ) -> np.ndarray:
        values = np.empty((height, width, self.bands), self.dtype)
        columns = range(col, col + width)
        compute = self._chunk if self._declared.fully else self._patches
        for top, count in strips(range(row, row + height), self.strip_rows):
            rows = range(top, top + count)
            # The sources are read once for all tiles of a row.
            blocks = []
            for source, read in enumerate(reads):
                down, across = self._needed(source, rows, columns)
                pixels = read(down.start, across.start, len(down), len(across))
                blocks.append(_Block(pixels, down.start, across.start))
            for left, across in strips(columns, self._tile_width):
                tile = compute(blocks, rows, range(left, left + across))
                values[top - row :, left - col :][:count, :across] = tile
        return values

    def _needed(self, source: int, rows: range, columns: range) -> tuple[range, range]:
        """Rows and columns of a source that are read for a part of the map."""
        down, across = self._declared.axes
        if self._declared.fully:
            return (
                down.region(source, down.whole_blocks(rows)),
                across.region(source, across.whole_blocks(columns)),
            )
        tops, lefts = down.starts(source, rows), across.starts(source, columns)
        return (
            range(tops[0], tops[-1] + down.fields[source]),
            range(lefts[0], lefts[-1] + across.fields[source]),
        )

    def _chunk(
        self, blocks: Sequence[_Block], rows: range, columns: range
    ) -> np.ndarray | float:
        """A tile, fully convolutional: the network runs once, on all of its pixels."""
        arrays = [
            block.part(*self._needed(source, rows, columns))
            for source, block in enumerate(blocks)
        ]
        if self._lack_data(arrays):
            return self._background
        down, across = (
            axis.whole_blocks(pixels)
            for axis, pixels in zip(self._declared.axes, (rows, columns), strict=True)
        )
        size = len(down), len(across)
        images = [array[np.newaxis] for array in arrays]
        pixels = stacked(self._network, images, size, self._declared)
        top, left = rows.start - down.start, columns.start - across.start
        return pixels[top : top + len(rows), left : left + len(columns)]

    def _patches(
        self, blocks: Sequence[_Block], rows: range, columns: range
    ) -> np.ndarray | float:
        """A tile, patch-based: the network runs on a patch for each of its pixels."""
        down, across = self._declared.axes
        tops = [np.array(down.starts(i, rows)) for i in range(len(blocks))]
        lefts = [np.array(across.starts(i, columns)) for i in range(len(blocks))]
        windows, used = [], []
        for i, block in enumerate(blocks):
            field = down.fields[i], across.fields[i]
            # Patches of a large scale factor leave pixels between them out.
            every = [
                np.unique(starts[:, np.newaxis] + np.arange(side))
                for starts, side in zip((tops[i], lefts[i]), field, strict=True)
            ]
            used.append(
                block.array[np.ix_(every[0] - block.top, every[1] - block.left)]
            )
            windows.append(sliding_window_view(block.array, field, (0, 1)))
        if self._lack_data(used):
            return self._background
        count = len(rows) * len(columns)
        batch = max(1, PATCH_VALUES // max(one[0, 0].size for one in windows))
        parts = []
        for first in range(0, count, batch):
            at = np.divmod(np.arange(first, min(first + batch, count)), len(columns))
            images = [
                np.moveaxis(window[y[at[0]] - b.top, x[at[1]] - b.left], 1, -1)
                for window, y, x, b in zip(windows, tops, lefts, blocks, strict=True)
            ]
            size = len(at[0]), 1
            parts.append(stacked(self._network, images, size, self._declared))
        return np.concatenate(parts).reshape(len(rows), len(columns), self.bands)

    def _lack_data(self, arrays: Sequence[np.ndarray]) -> bool:
        """Whether one of the sources has only no-data here."""
        return any(
            source.nodata is not None and equals_nodata(array, source.nodata).all()
            for source, array in zip(self._sources, arrays, strict=True)
        )
