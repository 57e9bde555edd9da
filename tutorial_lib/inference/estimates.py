"""What a plan will cost: pixels read, memory, time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.inference.engine import Tile, compute_tile
from tutorial_lib.rasters import SourceReader

if TYPE_CHECKING:
    from tutorial_lib.inference.plan import InferencePlan

# Tiles that are looked at to find one that is not background.
TRIES = 9

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        tile_count: Tiles of the map.
        redundancy: Pixels read for each pixel mapped.
        chunk_bytes: Memory of what is read for the largest tile, and of its values.
        layer_bytes: Memory of all layers' outputs for it, more than a run holds at a
            time; None for models that nobody can see into.
        seconds: Wall-clock time, from the second of two tiles (the first one also
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
        return (
            f"{self.tile_count} tiles, {self.redundancy:.2f} pixels read for each "
            f"pixel mapped, {memory} at a time, about {self.seconds:.1f} s"
        )


def estimate(plan: "InferencePlan", readers: Mapping[str, SourceReader]) -> Estimate:
    """Run one tile twice, and count."""
    job, largest = plan.job, plan.largest_tile
    chunks = {
        name: [len(part) for part in job.chunk(largest, number)]
        for number, name in enumerate(job.names)
    }
    values = sum(
        height * width * readers[name].channels
        for name, (height, width) in chunks.items()
    )
    values += len(largest.rows) * len(largest.cols) * len(plan.bands)
    pixels = np.prod(chunks[job.names[0]])
    layers = plan.bytes_per_pixel and int(plan.bytes_per_pixel * pixels)
    if job.patch_based:
        layers = None
    return Estimate(
        tile_count=len(plan.tiles),
        redundancy=plan.redundancy,
        chunk_bytes=4 * int(values),
        layer_bytes=layers,
        seconds=_seconds(plan, readers),
    )


def _seconds(plan: "InferencePlan", readers: Mapping[str, SourceReader]) -> float:
    tile = _tile_with_data(plan, readers)
    started = time.perf_counter()
    compute_tile(plan.job, readers, tile)
    seconds = time.perf_counter() - started
    return seconds * sum(map(_pixels, plan.tiles)) / _pixels(tile)


def _tile_with_data(plan: "InferencePlan", readers: Mapping[str, SourceReader]) -> Tile:
    """A tile that the network has run on; the largest ones first."""
    largest = _pixels(plan.largest_tile)
    tiles = [tile for tile in plan.tiles if _pixels(tile) == largest]
    for index in np.linspace(0, len(tiles) - 1, min(TRIES, len(tiles))).astype(int):
        if compute_tile(plan.job, readers, tiles[index])[0] is not None:
            break
    return tiles[index]


def _pixels(tile: Tile) -> int:
    return len(tile.computed_rows) * len(tile.computed_cols)
