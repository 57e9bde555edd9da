"""A network's output of single chunks, compared with that of the whole image."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tutorial_lib.inference.chunks import ChunkLattice
from tutorial_lib.inference.engine import Job, compute_tile
from tutorial_lib.inference.reading import filled, read_chunk
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.rasters import SourceReader

# Chunks with no-data are passed over: at most this many for each that is wanted.
TRIES = 50

__all__ = ["ErrorMaps", "measure_errors"]


@dataclass(frozen=True, eq=False)
class ErrorMaps:
    """Errors of several chunks, summed up for each pixel (height, width) of a chunk.

    Attributes:
        count: Number of chunks.
        bands: Bands of their output.
        squares: Squared errors, summed over bands and chunks.
        absolute: |errors|, averaged over bands and summed over chunks.
        largest: The largest |error|.
        changed: Chunks with another class there; NaN where there are no classes.
    """

    count: int
    bands: int
    squares: np.ndarray
    absolute: np.ndarray
    largest: np.ndarray
    changed: np.ndarray

    @classmethod
    def of(cls, alone: np.ndarray, truth: np.ndarray) -> "ErrorMaps":
        """Errors of one chunk, from its outputs (height, width, channel)."""
        error = np.abs(alone.astype("float64") - truth)
        return cls(
            count=1,
            bands=error.shape[-1],
            squares=(error**2).sum(axis=-1),
            absolute=error.mean(axis=-1),
            largest=error.max(axis=-1),
            changed=_changed(alone, truth),
        )

    def joined(self, other: "ErrorMaps") -> "ErrorMaps":
        """Errors of the chunks of both."""
        return ErrorMaps(
            count=self.count + other.count,
            bands=self.bands,
            squares=self.squares + other.squares,
            absolute=self.absolute + other.absolute,
            largest=np.maximum(self.largest, other.largest),
            changed=self.changed + other.changed,
        )

    def cropped(self, crop: int) -> "ErrorMaps":
        """Without `crop` pixels on each side."""
        height, width = self.squares.shape
        inner = np.s_[crop : height - crop, crop : width - crop]
        return ErrorMaps(
            self.count,
            self.bands,
            self.squares[inner],
            self.absolute[inner],
            self.largest[inner],
            self.changed[inner],
        )


def _changed(alone: np.ndarray, truth: np.ndarray) -> np.ndarray:
    if alone.shape[-1] > 1:
        return (alone.argmax(axis=-1) != truth.argmax(axis=-1)).astype("float64")
    if np.issubdtype(alone.dtype, np.integer):
        return (alone != truth)[..., 0].astype("float64")
    return np.full(alone.shape[:2], np.nan)


def measure_errors(
    job: Job, readers: Mapping[str, SourceReader], chunk: int, *, count: int, seed: int
) -> tuple[ErrorMaps, int]:
    """Errors of chunks at random multiples of the total stride.

    Args:
        job: With derived fields and the no-data rule "any".
        readers: The open sources.
        chunk: Side of a chunk in reference pixels, a multiple of the total stride.
        count: Chunks that are wanted.
        seed: For the places of the chunks.

    Returns:
        The errors, and how many chunks were passed over because of no-data.

    Raises:
        ValueError: If no chunk fits into the rasters, or all have no-data in them.
    """
    found, passed_over = None, 0
    for pair in _pairs(job, readers, _places(job, chunk, seed), chunk):
        if pair is None:
            passed_over += 1
        else:
            errors = ErrorMaps.of(*pair)
            found = found.joined(errors) if found else errors
        if (found and found.count == count) or passed_over == TRIES * count:
            break
    if found is None:
        raise ValueError(
            f"All of {passed_over} chunks of {chunk} px that were tried read no-data, "
            "in them or around them. Use smaller crops, a smaller chunk, or rasters "
            "with larger parts without no-data."
        )
    return found, passed_over


def _places(job: Job, chunk: int, seed: int) -> Iterator[tuple[int, int]]:
    """Corners of chunks in random order, where the whole image's output is known."""
    rows, cols = (_starts(lattice, chunk) for lattice in (job.rows, job.cols))
    if not rows or not cols:
        height, width = len(job.rows.mapped), len(job.cols.mapped)
        raise ValueError(
            f"No chunk of {chunk} px that begins at a multiple of the total stride "
            f"({job.rows.reach.stride} px) lies in the {height} x {width} px where "
            "the whole image's output is exact. Use smaller crops, a smaller chunk, or "
            "larger rasters."
        )
    order = np.random.default_rng(seed).permutation(len(rows) * len(cols))
    for number in order.tolist():
        yield rows[number // len(cols)], cols[number % len(cols)]


def _starts(lattice: ChunkLattice, chunk: int) -> range:
    """Where chunks may begin: their output lies in what is exact of the whole map."""
    stride, mapped = lattice.reach.stride, lattice.mapped
    size = next(iter(lattice.axes.values())).size
    inside = [
        start
        for start in range(0, size, stride)
        for pixels in [lattice.pixels_of(range(start, start + chunk))]
        if mapped.start <= pixels.start and pixels.stop <= mapped.stop
    ]
    return range(inside[0], inside[-1] + 1, stride) if inside else range(0)


def _pairs(
    job: Job,
    readers: Mapping[str, SourceReader],
    places: Iterable[tuple[int, int]],
    chunk: int,
) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    """Output of each chunk alone and of the whole image there, None with no-data."""
    for row, col in places:
        rows, cols = range(row, row + chunk), range(col, col + chunk)
        pixels = job.rows.pixels_of(rows), job.cols.pixels_of(cols)
        whole = compute_tile(job, readers, Tile(*pixels, *pixels))
        if whole.background.any():
            yield None
        else:
            yield _alone(job, readers, rows, cols), whole.values


def _alone(
    job: Job, readers: Mapping[str, SourceReader], rows: range, cols: range
) -> np.ndarray:
    """The network's output of one chunk, margins included."""
    batch = {}
    for name in job.names:
        chunk = read_chunk(
            readers[name],
            job.rows.source_pixels(name, rows),
            job.cols.source_pixels(name, cols),
            mirrored=(True, True),
            judged=True,
        )
        batch[name] = filled(chunk)[np.newaxis]
    return job.predictor(batch, job.outputs)[job.outputs[0]][0]
