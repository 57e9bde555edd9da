"""What a map loses in bfloat16: the labels of sample tiles, compared with float32."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.inference.engine import Job, TileInput, read_tile
from tutorial_lib.inference.halving import TileRunner
from tutorial_lib.inference.tiles import Tiles
from tutorial_lib.networks.precisions import FLOAT32
from tutorial_lib.rasters import SourceReader

# Sample tiles: one of 20, so that they cost a few per cent of the time of a large map.
MOST_SAMPLES, LEAST_SAMPLES, TILES_A_SAMPLE = 9, 4, 20

__all__ = ["PrecisionChange", "changed_labels", "in_precision"]


@dataclass(frozen=True)
class PrecisionChange:
    """How much the values of sample tiles differ from those in float32.

    Attributes:
        precision: The precision of the map.
        tile_count: Number of sample tiles.
        compared: Labels that were compared; 0 for outputs of one band of floats.
        changed: Labels that differ.
        largest: Largest difference between floats; 0 where only labels are mapped.

    Example:
        >>> PrecisionChange("bfloat16", 9, 10_000, 8, 0.0)
        bfloat16: 0.08 % of the labels of 9 sample tiles differ from float32
    """

    precision: str
    tile_count: int
    compared: int
    changed: int
    largest: float

    @property
    def share(self) -> float:
        """Share of the labels that differ, from 0 to 1."""
        return self.changed / self.compared if self.compared else 0.0

    def __repr__(self) -> str:
        tiles = f"{self.tile_count} sample tile{'s' * (self.tile_count != 1)}"
        if not self.tile_count:
            return f"{self.precision}: no tile has data to compare with {FLOAT32}"
        if not self.compared:
            return (
                f"{self.precision}: the values of {tiles} differ from {FLOAT32} by at "
                f"most {self.largest:.2g}"
            )
        values = f", and values by at most {self.largest:.2g}" if self.largest else ""
        return (
            f"{self.precision}: {self.share:.2%} of the labels of {tiles} differ from "
            f"{FLOAT32}{values}"
        ).replace("%", " %")


def in_precision(verdict: Verdict | None, precision: str) -> Verdict | None:
    """The verdict of a plan in a precision: only float32 is called exact.

    Args:
        verdict: Whether the tiles give the map of the whole image in float32.
        precision: The plan's.

    Example:
        >>> from tutorial_lib.inference.judging import exact
        >>> in_precision(exact(512), "bfloat16")
        not exact
        The precision bfloat16 changes some labels; float32 does not.
    """
    if verdict is None or precision == FLOAT32:
        return verdict
    sentence = f"The precision {precision} changes some labels; {FLOAT32} does not."
    return replace(verdict, exact=False, broken=(*verdict.broken, sentence))


def changed_labels(
    float32_job: Job, job: Job, tiles: Tiles, readers: Mapping[str, SourceReader]
) -> PrecisionChange:
    """Compare a few tiles, spread over the map, in two precisions.

    Pixels without data are not compared. The labels of an output of several floats are
    the largest of them, as if they were probabilities.

    Args:
        float32_job: What is computed, with a model in float32.
        job: The same with a model in another precision.
        tiles: The tiles of the map.
        readers: The open sources.
    """
    samples = list(islice(_with_data(job, tiles, readers), _sample_count(tiles)))
    found = [
        _difference(_of_output(float32_job, name), _of_output(job, name), sample)
        for sample in samples
        for name in job.outputs
    ]
    compared, changed, largest = (
        [one[part] for one in found] or [0] for part in range(3)
    )
    precision = job.predictor.precision
    return PrecisionChange(
        precision, len(samples), sum(compared), sum(changed), max(largest)
    )


def _of_output(job: Job, name: str) -> Job:
    scores = {labels: one for labels, one in job.scores.items() if labels == name}
    return replace(job, outputs=(name,), scores=scores)


def _sample_count(tiles: Tiles) -> int:
    return int(np.clip(len(tiles) // TILES_A_SAMPLE, LEAST_SAMPLES, MOST_SAMPLES))


def _with_data(
    job: Job, tiles: Tiles, readers: Mapping[str, SourceReader]
) -> Iterator[TileInput]:
    """Tiles that are not all background, the most spread ones first."""
    for row, col in tiles.spread():
        given = read_tile(job, readers, tiles[row * len(tiles.cols) + col])
        if given.pixels is not None:
            yield given


def _difference(float32_job: Job, job: Job, given: TileInput) -> tuple[int, int, float]:
    """Labels that were compared and that differ, and the largest difference."""
    # Parts of a tile will do where the memory is short: the map has the same labels.
    exact, other = (TileRunner(one, exact=True)(given) for one in (float32_job, job))
    known = ~(given.background | exact.broken | other.broken)
    one, two = exact.values[known], other.values[known]
    if not one.size:
        return 0, 0, 0.0
    if np.issubdtype(one.dtype, np.integer):
        return one.size, int((one != two).sum()), 0.0
    largest = float(np.abs(one - two).max())
    if one.shape[-1] == 1:
        return 0, 0, largest
    changed = (one.argmax(axis=-1) != two.argmax(axis=-1)).sum()
    return len(one), int(changed), largest
