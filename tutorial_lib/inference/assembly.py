"""Putting finished shards together in one raster, block by block."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tutorial_lib.inference.shard_files import Shard
from tutorial_lib.rasters import RasterWriter, open_source

# Bytes of pixels that are held at a time, unless one row of blocks is more.
MOST_BYTES = 2**26

__all__ = ["Assembly", "aligned_windows"]


class _Window(NamedTuple):
    """Part of the map: its rows and columns, counted from the map's corner."""

    rows: range
    cols: range


class _Waiting(NamedTuple):
    """Part of the map, the shards that it lies in, and the names of missing ones."""

    window: _Window
    parts: Sequence[Shard]
    missing: set[str]


class Assembly:
    """Copies shards into a map as soon as they are there.

    A block of the file is written once, when all its pixels are known. If a compressed
    block is written twice, GDAL leaves the first version in the file as unused space.

    Args:
        shards: All shards of the map.
        folder: The folder of their files.
        raster: The map.
        corner: First row and column of the map, in output pixels.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        folder: Path,
        raster: RasterWriter,
        corner: tuple[int, int],
    ) -> None:
        self._folder, self._raster, self._corner = folder, raster, corner
        # The parts of the map that wait for a shard, by its name.
        self._waiting: dict[str, list[_Waiting]] = {one.name: [] for one in shards}
        at = {self._at(shard): shard for shard in shards}
        rows, cols = (list(dict.fromkeys(spans)) for spans in zip(*at, strict=True))
        for window in aligned_windows(shards, raster.block_shape, corner):
            touched = product(
                [span for span in rows if _common_range(span, window.rows)],
                [span for span in cols if _common_range(span, window.cols)],
            )
            parts = [at[_Window(*place)] for place in touched]
            waiting = _Waiting(window, parts, {shard.name for shard in parts})
            for shard in parts:
                self._waiting[shard.name].append(waiting)

    def add(self, shard: Shard) -> None:
        """Take a finished shard, and write what can be written now.

        Raises:
            OSError: If a shard cannot be read, or the map cannot be written.
        """
        for waiting in self._waiting.pop(shard.name):
            waiting.missing.discard(shard.name)
            if not waiting.missing:
                self._copy(waiting.window, waiting.parts)

    def _at(self, shard: Shard) -> _Window:
        top, left = self._corner
        first, last, start, stop = shard.place
        return _Window(range(first - top, last - top), range(start - left, stop - left))

    def _copy(self, window: _Window, parts: Sequence[Shard]) -> None:
        pixels = None
        for shard in parts:
            place = self._at(shard)
            rows, cols = _common(place, window)
            with open_source(shard.raster(self._folder)) as reader:
                values = reader.read(
                    rows.start - place.rows.start,
                    cols.start - place.cols.start,
                    len(rows),
                    len(cols),
                )
            if pixels is None:
                shape = len(window.rows), len(window.cols), reader.channels
                pixels = np.empty(shape, reader.dtype)
            top, left = rows.start - window.rows.start, cols.start - window.cols.start
            pixels[top : top + len(rows), left : left + len(cols)] = values
        self._raster.write(pixels, window.rows.start, window.cols.start)


def _common(one: _Window, other: _Window) -> _Window | None:
    """Rows and columns of both; None if there are none."""
    rows, cols = map(_common_range, one, other)
    return _Window(rows, cols) if rows and cols else None


def _common_range(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


def aligned_windows(
    shards: Sequence[Shard], block: tuple[int, int], corner: tuple[int, int]
) -> Iterator[_Window]:
    """The map in parts of whole blocks, each about as large as a shard.

    Where the shards begin with blocks, a part lies in one shard.

    Args:
        shards: All shards of the map.
        block: Rows and columns of a block.
        corner: First row and column of the map, in output pixels.
    """
    places = [shard.place for shard in shards]
    rows = _cuts([(p[0], p[1]) for p in places], block[0], corner[0])
    cols = _cuts([(p[2], p[3]) for p in places], block[1], corner[1])
    for row in rows:
        for col in cols:
            for part in _bounded(row, len(col) * _pixel_bytes(shards), block[0]):
                yield _Window(part, col)


def _cuts(spans: Sequence[tuple[int, int]], block: int, corner: int) -> list[range]:
    """Ranges that end with blocks, at the ends of spans or after them."""
    length = max(stop for _, stop in spans) - corner
    ends = {min(length, -((corner - stop) // block) * block) for _, stop in spans}
    starts = [0, *sorted(ends)]
    return [range(a, b) for a, b in pairwise(starts)]


def _pixel_bytes(shards: Sequence[Shard]) -> int:
    # The type may be another one that was asked for; 8 bytes hold the largest.
    return 8 * len(shards[0].plan.format.bands)


def _bounded(rows: range, row_bytes: int, block: int) -> Iterator[range]:
    """Parts of some rows, in whole blocks, that do not take too much memory."""
    count = max(1, MOST_BYTES // (row_bytes * block)) * block
    for first in range(rows.start, rows.stop, count):
        yield range(first, min(first + count, rows.stop))
