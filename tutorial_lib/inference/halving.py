"""Tiles in smaller parts, where the memory is not enough for whole ones."""

from collections.abc import Iterator, Mapping
from threading import Lock

import numpy as np

from tutorial_lib.inference.engine import Job, TileInput, TileValues, run_tile
from tutorial_lib.inference.tiles import Tile

__all__ = ["TileRunner"]


class TileRunner:
    """Runs the model on tiles; after a `MemoryError` on halves of them, and so on.

    The chunk of a tile contains the chunks of its parts, so nothing is read again.

    Attributes:
        job: What is computed.
        exact: Whether the map does not depend on the size of the tiles.
        side: Largest side of the parts, in output pixels; None for whole tiles.
    """

    def __init__(self, job: Job, *, exact: bool) -> None:
        self.job, self.exact = job, exact
        self.side: int | None = None
        self._first_side = 0
        self._lock = Lock()

    @property
    def warning(self) -> str | None:
        """What was done, in a sentence; None if all tiles were run as planned."""
        if self.side is None:
            return None
        return (
            f"The memory was not enough for tiles of {self._first_side} px, so the "
            f"model ran on parts of at most {self.side} px; the map is the same. Plan "
            f"the next one with `tile_size={self.side}`."
        )

    def __call__(self, given: TileInput) -> TileValues:
        """Run the model on a tile.

        Raises:
            MemoryError: If it is not enough for the smallest part either, or parts
                would give another map.
        """
        while True:
            tried = self.side
            try:
                return self._run(given, tried)
            except MemoryError as err:
                with self._lock:
                    # Another thread may have halved the tiles meanwhile.
                    if self.side == tried:
                        self._halve(given.tile, err)

    def _run(self, given: TileInput, side: int | None) -> TileValues:
        tile = given.tile
        if given.pixels is None or side is None or side >= _longest(tile):
            return run_tile(self.job, given)
        values = None
        broken = np.zeros_like(given.background)
        for part in _parts(tile, side):
            computed = run_tile(self.job, _part_of(self.job, given, part))
            place = _place(tile, part)
            if values is None:
                shape = (*given.background.shape, computed.values.shape[-1])
                values = np.empty(shape, computed.values.dtype)
            values[place], broken[place] = computed.values, computed.broken
        return TileValues(tile, values, given.background, broken)

    def _halve(self, tile: Tile, err: MemoryError) -> None:
        longest = min(self.side or _longest(tile), _longest(tile))
        unit = self.job.rows.unit
        if self.job.patch_based:
            raise MemoryError(
                f"{err} The model runs on few patches at a time already. Close other "
                "programs, or map the scene on a machine with more memory."
            ) from err
        if not self.exact or longest <= unit:
            raise MemoryError(
                f"{err} The tile has {longest} px a side. Plan the map with a smaller "
                "`tile_size`, or on a machine with more memory."
            ) from err
        self._first_side = max(self._first_side, longest)
        self.side = max(1, longest // 2 // unit) * unit


def _longest(tile: Tile) -> int:
    return max(len(tile.computed_rows), len(tile.computed_cols))


def _parts(tile: Tile, side: int) -> Iterator[Tile]:
    # Written and computed pixels are the same where the fields are derived, or exact.
    for top in range(0, len(tile.rows), side):
        for left in range(0, len(tile.cols), side):
            rows, cols = tile.rows[top : top + side], tile.cols[left : left + side]
            yield Tile(rows, cols, rows, cols)


def _place(tile: Tile, part: Tile) -> tuple[slice, slice]:
    """Where a part lies in its tile."""
    return (
        slice(part.rows.start - tile.rows.start, part.rows.stop - tile.rows.start),
        slice(part.cols.start - tile.cols.start, part.cols.stop - tile.cols.start),
    )


def _part_of(job: Job, given: TileInput, part: Tile) -> TileInput:
    """What was read for a part of a tile."""
    pixels: Mapping[str, np.ndarray] = {
        name: array[_read_within(job, name, given.tile, part)]
        for name, array in given.pixels.items()
    }
    return TileInput(part, pixels, given.background[_place(given.tile, part)])


def _read_within(job: Job, name: str, tile: Tile, part: Tile) -> tuple[slice, slice]:
    """Where the chunk of a part lies in the chunk of its tile."""
    return tuple(
        slice(inner.start - outer.start, inner.stop - outer.start)
        for outer, inner in zip(
            job.chunk(tile, name), job.chunk(part, name), strict=True
        )
    )
