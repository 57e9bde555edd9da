"""What a map will cost: pixels read, memory, time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tutorial_lib.display import wrapped
from tutorial_lib.inference.engine import Job, compute_tile
from tutorial_lib.inference.tiles import Tile, Tiles
from tutorial_lib.rasters import SourceReader

# Tiles that are tried to find one that is not all background.
TRIES = 9
TILES_LOOKED_AT = 10_000

# The engine's arrays are counted as float32, whatever the type of the rasters.
VALUE_BYTES = 4

__all__ = ["Estimate", "chunk_bytes", "estimated_seconds"]


@dataclass(frozen=True)
class Estimate:
    """What a run will cost; `InferencePlan.estimate` makes it.

    Attributes:
        tile_count: Tiles of the map.
        redundancy: Reference pixels read for each pixel mapped.
        chunk_bytes: Memory of what is read for the largest tile, and of its values.
        layer_bytes: Memory of all layers' outputs for it, more than a run holds at a
            time; None for models whose layers are not known.
        seconds: Wall-clock time, from a tile that was run twice (the first run also
            compiles the network).
    """

    tile_count: int
    redundancy: float
    chunk_bytes: int
    layer_bytes: int | None
    seconds: float

    def __repr__(self) -> str:
        memory = f"{self.chunk_bytes / 1e6:.1f} MB of pixels"
        if self.layer_bytes is not None:
            memory += f" and at most {self.layer_bytes / 1e6:.0f} MB of layers"
        return wrapped(
            f"{self.tile_count} tiles, {self.redundancy:.2f} pixels read for each "
            f"pixel mapped, {memory} at a time, about {self.seconds:.1f} s"
        )


def chunk_bytes(
    job: Job, tile: Tile, readers: Mapping[str, SourceReader], band_count: int
) -> int:
    """Memory of what is read for a tile, and of its values."""
    values = len(tile.rows) * len(tile.cols) * band_count
    for name in job.names:
        rows, cols = job.chunk(tile, name)
        values += len(rows) * len(cols) * readers[name].channels
    return VALUE_BYTES * values


def estimated_seconds(
    job: Job, tiles: Tiles, readers: Mapping[str, SourceReader]
) -> float:
    """Time for all tiles, from one of the largest that was run before."""
    tile = _tile_with_data(job, tiles, readers)
    started = time.perf_counter()
    compute_tile(job, readers, tile)
    seconds = time.perf_counter() - started
    return seconds * tiles.pixel_count / tile.pixel_count


def _tile_with_data(
    job: Job, tiles: Tiles, readers: Mapping[str, SourceReader]
) -> Tile:
    """One of the largest tiles that the network has run on, if there is one."""
    most = tiles.largest.pixel_count
    # A million small tiles need not all be looked at.
    tried = range(0, len(tiles), max(1, len(tiles) // TILES_LOOKED_AT))
    large = [tile for i in tried for tile in [tiles[i]] if tile.pixel_count == most]
    large = large or [tiles.largest]
    for index in np.linspace(0, len(large) - 1, min(TRIES, len(large))).astype(int):
        if compute_tile(job, readers, large[index]).values is not None:
            break
    return large[index]
