"""Running a plan: its tiles are read, computed and finished at the same time."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import fspath
from queue import SimpleQueue
from typing import Any

import numpy as np

from tutorial_lib.grids import GridMismatchError, align
from tutorial_lib.inference.engine import TileValues, read_tile
from tutorial_lib.inference.halving import TileRunner
from tutorial_lib.inference.pipeline import AHEAD, run_stages
from tutorial_lib.inference.planned import PlannedMap
from tutorial_lib.inference.strips import (
    cache_bytes,
    columns_of_strip,
    in_strips,
)
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.inference.values import (
    background_in,
    broken_pixels,
    in_map,
    lost_probabilities,
)
from tutorial_lib.rasters import SourceReader, open_sources
from tutorial_lib.rasters.opening import BLOCK_CACHE, block_cache

# Reader threads for sources on the internet, where most of the time is spent waiting.
# A file of this machine has one: GDAL keeps decoded blocks for each handle apart, so a
# second one would decode most blocks again.
REMOTE_READERS = AHEAD
_REMOTE = re.compile(r"\w+://|/vsi(curl|s3|gs|az|adls|oss|swift|webhdfs)")

Put = Callable[[Tile, np.ndarray], None]

__all__ = ["Counts", "run_plan"]


@dataclass
class Counts:
    """What was counted while a plan ran.

    Attributes:
        skipped: Tiles that are all background.
        background: Background pixels.
        broken: Pixels with data for which the model gives NaN.
        warnings: Sentences about the map, each one once.
    """

    skipped: int = 0
    background: int = 0
    broken: int = 0
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, sentence: str | None) -> None:
        """Keep a sentence, if it is one."""
        if sentence:
            self.warnings[sentence] = None


def run_plan(
    plan: PlannedMap,
    dtype: np.dtype,
    put: Put,
    *,
    done: Callable[[], Any] = lambda: None,
) -> Counts:
    """Compute all tiles of a plan.

    Args:
        plan: What to compute.
        dtype: Type of the map.
        put: Takes each tile and its pixels (height, width, channel), in one thread that
            is not the caller's.
        done: Called after each tile, in the thread of the caller.

    Returns:
        The counts and the warnings. The caller emits them, because a warning from
        another thread cannot point to the user's line.
    """
    counts = Counts()
    # A tile that is the whole image cannot be halved: no smaller one is exact.
    exact = plan.verdict is not None and plan.verdict.exact and bool(plan.verdict.tiles)
    runner = TileRunner(plan.job, exact=exact)
    finish = _Finish(plan, dtype, put, counts)
    with _reader_sets(plan) as (sets, columns):

        def read(tile: Tile) -> object:
            readers = sets.get()
            try:
                return read_tile(plan.job, readers, tile)
            finally:
                sets.put(readers)

        run_stages(
            in_strips(plan.tiles, columns),
            read,
            runner,
            finish,
            done=lambda _: done(),
            threads=sets.qsize(),
            calls=plan.calls,
        )
    counts.warn(runner.warning)
    if counts.broken:
        counts.warn(broken_pixels(counts.broken, len(plan.rows) * len(plan.cols)))
    return counts


@contextmanager
def _reader_sets(plan: PlannedMap) -> Iterator[tuple[SimpleQueue, int]]:
    """Open readers of all sources, one set for each reader thread.

    Yields:
        The sets, and the columns of tiles that are read at a time.
    """
    paths = [path for source in plan.sources.values() for path in source.paths]
    count = REMOTE_READERS if any(_REMOTE.match(fspath(p)) for p in paths) else 1
    count = min(count, len(plan.tiles))
    sets: SimpleQueue = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(count):
            readers = stack.enter_context(open_sources(plan.sources))
            _check_unchanged(plan, readers)
            sets.put(readers)
        columns = columns_of_strip(plan, readers, BLOCK_CACHE // count)
        needed = count * cache_bytes(plan, readers, columns)
        stack.enter_context(block_cache(needed))
        yield sets, columns


def _check_unchanged(plan: PlannedMap, readers: Mapping[str, SourceReader]) -> None:
    """Raise GridMismatchError if a source is not the raster that was planned for.

    Its pixels would be read at wrong places, and those beyond it taken for missing.
    """
    job, reference = plan.job, plan.job.names[0]
    axes = align({name: readers[name].grid for name in job.names})
    for name, found in axes.items():
        moved = name == reference and readers[name].grid != plan.reference
        if moved or found != (job.rows.axes[name], job.cols.axes[name]):
            raise GridMismatchError(
                f"The source '{name}' was changed since the map was planned: it has "
                "another size or place now. Plan the map again."
            )


class _Finish:
    """Turns what was computed for a tile into pixels of the map, and hands them on."""

    def __init__(
        self, plan: PlannedMap, dtype: np.dtype, put: Put, counts: Counts
    ) -> None:
        self._format, self._dtype, self._put = plan.format, dtype, put
        self._background = background_in(plan.format.background, dtype)
        self._counts = counts
        self._is_first = True

    def __call__(self, computed: TileValues) -> None:
        tile, values, mask, broken = computed
        counts, background = self._counts, self._background
        if values is None:
            shape = (*mask.shape, len(self._format.bands))
            pixels = np.full(shape, background, self._dtype)
        else:
            # One tile is enough to tell probabilities.
            if self._is_first:
                counts.warn(lost_probabilities(values, self._dtype))
            self._is_first = False
            counts.broken += int((broken & ~mask).sum())
            mask = mask | broken
            pixels, warning = in_map(
                values, mask, self._format, self._dtype, background
            )
            counts.warn(warning)
        self._put(tile, pixels)
        empty = int(mask.sum())
        counts.skipped += empty == mask.size
        counts.background += empty
