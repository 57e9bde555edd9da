"""Shards: blocks of tiles that are computed, and kept, in one step.

A shard is a part of a plan. It is two files in a folder: a raster with its pixels, and
a record. The record is written last, so a shard is complete if it has one.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.inference.running import run_plan
from tutorial_lib.inference.tiles import Tile, Tiles
from tutorial_lib.inference.values import broken_pixels
from tutorial_lib.inference.writing import create_map
from tutorial_lib.rasters.files import write_text
from tutorial_lib.rasters.profiles import checked_compression

if TYPE_CHECKING:
    from tutorial_lib.inference.planned import PlannedMap

# Side of a shard in output pixels, about: a whole number of tiles. A killed run loses
# at most one of them in each process. A Sentinel-2 tile has 36, so that a few workers
# end at about the same time.
SHARD_SIDE = 2048

# Bytes that are read at a time for a checksum.
_PIECE = 2**20

Span = tuple[range, range]

__all__ = ["SHARD_SIDE", "Finished", "Shard", "cut_shards", "finished", "write_shard"]


@dataclass(frozen=True)
class Shard:
    """A part of a map.

    Attributes:
        name: Its name, from its place among the shards.
        plan: The part of the plan.
    """

    name: str
    plan: "PlannedMap"

    @property
    def place(self) -> tuple[int, int, int, int]:
        """First and last row and column, in output pixels; last ones excluded."""
        rows, cols = self.plan.rows, self.plan.cols
        return rows.start, rows.stop, cols.start, cols.stop

    def raster(self, folder: Path) -> Path:
        """The file of its pixels."""
        return folder / f"{self.name}.tif"

    def record(self, folder: Path) -> Path:
        """The file that says that it is complete."""
        return folder / f"{self.name}.json"


@dataclass(frozen=True)
class Finished:
    """The record of a complete shard.

    Attributes:
        place: Its rows and columns, as `Shard.place`.
        skipped: Tiles that are all background.
        background: Background pixels.
        broken: Pixels with data for which the model gives NaN.
        warnings: Sentences about it.
        size: Bytes of its raster.
        checksum: CRC-32 of these bytes.
    """

    place: tuple[int, int, int, int]
    skipped: int
    background: int
    broken: int
    warnings: tuple[str, ...]
    size: int
    checksum: int

    @classmethod
    def from_json(cls, text: str) -> "Finished":
        """The record that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: If it is damaged.
        """
        values = json.loads(text)
        lists = {key: tuple(values[key]) for key in ("place", "warnings")}
        record = cls(**{**values, **lists})
        counts = record.skipped, record.background, record.broken
        whole = all(isinstance(one, int) and one >= 0 for one in counts)
        if not whole or not all(isinstance(text, str) for text in record.warnings):
            raise ValueError(f"This is not the record of a shard: {text}")
        return record

    def to_json(self) -> str:
        """The record as JSON."""
        return json.dumps(asdict(self))


def cut_shards(plan: "PlannedMap", side: int) -> tuple[Shard, ...]:
    """The shards of a plan, row by row.

    Args:
        plan: The map.
        side: Side of a shard in output pixels, about.
    """
    return tuple(
        _shard(plan, rows, cols, f"row{i}_col{j}")
        for i, rows in enumerate(_groups(plan.tiles.rows, side))
        for j, cols in enumerate(_groups(plan.tiles.cols, side))
    )


def _shard(
    plan: "PlannedMap", rows: Sequence[Span], cols: Sequence[Span], name: str
) -> Shard:
    part = replace(
        plan,
        rows=_written(rows),
        cols=_written(cols),
        tiles=Tiles(tuple(rows), tuple(cols)),
    )
    return Shard(name, part)


def _written(spans: Sequence[Span]) -> range:
    return range(spans[0][0].start, spans[-1][0].stop)


def _groups(spans: Sequence[Span], side: int) -> list[Sequence[Span]]:
    """Neighbouring tiles in groups of nearly equal size: up to `side` px, or a tile."""
    most = max(1, side // max(len(written) for written, _ in spans))
    count = ceil(len(spans) / most)
    ends = [len(spans) * i // count for i in range(count + 1)]
    return [spans[first:last] for first, last in pairwise(ends)]


def write_shard(
    shard: Shard,
    folder: Path,
    dtype: np.dtype,
    *,
    done: Callable[[], Any] = lambda: None,
) -> Finished:
    """Compute a shard into its files.

    Args:
        shard: What to compute.
        folder: An existing folder.
        dtype: Type of the map.
        done: Called after each tile, in the caller's thread; an error that it raises
            ends the work.
    """
    # The whole map has the legend; each of thousands of shards would take a style too.
    part = replace(shard.plan, format=replace(shard.plan.format, legend=None))
    path = shard.raster(folder)

    with create_map(part, path, dtype=dtype, compress=_compression()) as raster:

        def put(tile: Tile, pixels: np.ndarray) -> None:
            window = tile.window(part.rows, part.cols)
            raster.write(pixels, window.row_off, window.col_off)

        counts = run_plan(part, dtype, put, done=done)
    # What is said of broken pixels counts those of the whole map.
    of_shard = broken_pixels(counts.broken, len(part.rows) * len(part.cols))
    record = Finished(
        place=shard.place,
        skipped=counts.skipped,
        background=counts.background,
        broken=counts.broken,
        warnings=tuple(text for text in counts.warnings if text != of_shard),
        size=path.stat().st_size,
        checksum=_checksum(path),
    )
    write_text(shard.record(folder), record.to_json())
    return record


@cache
def _compression() -> str:
    """The quicker of the two compressions, if this GDAL has it."""
    try:
        return checked_compression("zstd")
    except ValueError:
        return "deflate"


def finished(shard: Shard, folder: Path) -> Finished | None:
    """The record of a shard; None if it is not complete, or its files are damaged."""
    path = shard.raster(folder)
    try:
        record = Finished.from_json(shard.record(folder).read_text(encoding="utf-8"))
        whole = record.size == path.stat().st_size and record.place == shard.place
        return record if whole and record.checksum == _checksum(path) else None
    # KeyError, TypeError, ValueError: the text is not a record.
    except (KeyError, OSError, TypeError, ValueError):
        return None


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum
