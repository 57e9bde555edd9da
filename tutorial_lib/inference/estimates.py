"""What a map will cost: pixels read, memory, time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tutorial_lib.display import counted, wrapped
from tutorial_lib.inference.engine import BATCH_VALUES, read_tile
from tutorial_lib.inference.tile_memory import VALUE_BYTES, TileMemory
from tutorial_lib.inference.tile_sizes import (
    memory_advice,
    memory_of,
)
from tutorial_lib.inference.tiles import Tiles
from tutorial_lib.inference.writing import write_map
from tutorial_lib.rasters import SourceReader, open_sources

if TYPE_CHECKING:
    from tutorial_lib.inference.planned import PlannedMap

# Tiles that are read to find out how many are all background: at least so many, and
# more of them for so many seconds.
TRIES, LOOKING = 9, 2

# Parts of the map are run for the time: first one tile, then four times as many tiles
# until a part takes ENOUGH seconds. A tile that takes longer than LONG tells enough.
MORE, ENOUGH, LONG = 4, 0.5, 5

__all__ = ["Estimate", "estimate_plan"]


@dataclass(frozen=True)
class Estimate:
    """What a run will cost; `InferencePlan.estimate` makes it.

    Attributes:
        tile_count: Tiles of the map.
        redundancy: Reference pixels read for each pixel mapped.
        memory: Gigabytes that the run takes beside what the process already holds.
        seconds: Wall-clock time.
        advice: How fewer pixels would be read, in a sentence; None where few are.
    """

    tile_count: int
    redundancy: float
    memory: float
    seconds: float
    advice: str | None = None

    def __repr__(self) -> str:
        text = (
            f"{counted(self.tile_count, 'tile')}, {self.redundancy:.2f} pixels read "
            f"for each pixel mapped, about {self.memory:.2f} GB beside what the "
            f"process already holds, about {self.seconds:.1f} s"
        )
        return wrapped(f"{text}. {self.advice}" if self.advice else text)


def estimate_plan(plan: "PlannedMap") -> Estimate:
    """Estimate what a run will cost, from a run of a few tiles.

    The tiles are written into a temporary folder.

    Args:
        plan: The plan of the map.
    """
    with open_sources(plan.sources) as readers:
        channels = {name: reader.channels for name, reader in readers.items()}
        sample = _look(plan, readers)
    takes = TileMemory(
        plan.bytes_per_pixel, channels, len(plan.format.bands), plan.calls
    )
    lattices, wanted = (plan.job.rows, plan.job.cols), (plan.rows, plan.cols)
    advice = None
    if not plan.job.patch_based:
        side = max(len(whole) for _, whole in (*plan.tiles.rows, *plan.tiles.cols))
        advice = memory_advice(lattices, wanted, side, takes)
    return Estimate(
        tile_count=len(plan.tiles),
        redundancy=plan.redundancy,
        memory=_memory(plan, takes) / 1e9,
        seconds=_seconds(plan, sample),
        advice=advice,
    )


def _memory(plan: "PlannedMap", takes: TileMemory) -> int:
    """Bytes that a run takes."""
    lattices, spans = (plan.job.rows, plan.job.cols), (plan.tiles.rows, plan.tiles.cols)
    if not plan.job.patch_based:
        return memory_of(lattices, spans, takes)
    # The patches of a batch, and their copy for the model.
    batch = 2 * VALUE_BYTES * BATCH_VALUES
    analysis = plan.job.predictor.analysis
    if analysis is not None:
        # It loads Keras, which a model of OpenVINO does without.
        from tutorial_lib.fields.memory import layer_bytes

        patch, _ = lattices[0].smallest_patch
        values = patch**2 * next(iter(takes.channels.values()))
        layers = layer_bytes(analysis(), plan.job.outputs, patch)
        batch += int(layers * max(1, BATCH_VALUES // values))
    return batch + memory_of(lattices, spans, replace(takes, layers=0))


class _Sample(NamedTuple):
    """What a few tiles tell about all.

    Attributes:
        row: Row of tiles of one that has data.
        col: Its column.
        empty: Share of the tiles that are all background, 0 to 1.
        seconds: Time to read one of these.
    """

    row: int
    col: int
    empty: float
    seconds: float


def _look(plan: "PlannedMap", readers: Mapping[str, SourceReader]) -> _Sample:
    """Read a few tiles, and find one with data near the middle of the map."""
    rows, cols = len(plan.tiles.rows), len(plan.tiles.cols)
    middle = rows // 2, cols // 2
    lacking = any(reader.may_lack_data for reader in readers.values())
    if plan.job.nodata_rule is None or not lacking:
        return _Sample(*middle, 0, 0)
    found, times, began = [], [], time.perf_counter()
    for row, col in plan.tiles.spread():
        started = time.perf_counter()
        if len(found) + len(times) >= TRIES and started - began > LOOKING:
            break
        given = read_tile(plan.job, readers, plan.tiles[row * cols + col])
        if given.pixels is None:
            times.append(time.perf_counter() - started)
        else:
            found.append((row, col))
    found.sort(
        key=lambda place: (place[0] - middle[0]) ** 2 + (place[1] - middle[1]) ** 2
    )
    row, col = found[0] if found else middle
    share = len(times) / (len(found) + len(times))
    return _Sample(row, col, share, float(np.mean(times)) if times else 0)


def _seconds(plan: "PlannedMap", sample: _Sample) -> float:
    """Time of a run, from runs of a few tiles.

    The difference of two runs tells what further tiles cost while others are read and
    written, and what is left is the cost of any run.
    """
    # The first run of a size is slower: memory is taken, and kernels are prepared.
    pixels, seconds = _timed(_part(plan, sample, 1))
    runs, count = [], 1
    while seconds < LONG:
        part = _part(plan, sample, count)
        pixels, seconds = _timed(part)
        if seconds < ENOUGH:
            # Of two short runs, the longer one was disturbed by other programs.
            seconds = min(seconds, _timed(part)[1])
        runs.append((pixels, seconds))
        if len(part.tiles) == len(plan.tiles):
            return seconds
        if seconds > ENOUGH and len(runs) > 1:
            break
        count *= MORE
    slope, fixed = seconds / pixels, 0.0
    if len(runs) > 1:
        (fewer, shorter), (more, longer) = runs[-2:]
        if longer > shorter and more > fewer:
            slope = (longer - shorter) / (more - fewer)
            fixed = max(0.0, longer - slope * more)
    skipped = sample.empty * len(plan.tiles) * sample.seconds
    return fixed + slope * _pixels(plan) * (1 - sample.empty) + skipped


def _part(plan: "PlannedMap", sample: _Sample, count: int) -> "PlannedMap":
    """A plan of about so many neighbouring tiles, one of which is the sample."""
    rows, cols = plan.tiles.rows, plan.tiles.cols
    wide = min(count, len(cols))
    high = min(-(-count // wide), len(rows))
    top, left = min(sample.row, len(rows) - high), min(sample.col, len(cols) - wide)
    tiles = Tiles(rows[top : top + high], cols[left : left + wide])
    return replace(
        plan,
        rows=range(tiles.rows[0][0].start, tiles.rows[-1][0].stop),
        cols=range(tiles.cols[0][0].start, tiles.cols[-1][0].stop),
        tiles=tiles,
    )


def _timed(part: "PlannedMap") -> tuple[int, float]:
    """Pixels that the model runs on, and the seconds of a run into a file."""
    with TemporaryDirectory() as folder:
        report = write_map(
            part,
            Path(folder) / "part.tif",
            dtype=part.format.dtype,
            progress=False,
            cog=False,
            compress="deflate",
        )
    run = 1 - report.skipped / report.tile_count
    return max(1, int(_pixels(part) * run)), report.seconds


def _pixels(plan: "PlannedMap") -> int:
    """Reference pixels of all chunks, or in patch-based mode pixels computed."""
    if plan.job.patch_based:
        return plan.tiles.pixel_count
    return int(plan.redundancy * len(plan.rows) * len(plan.cols))
