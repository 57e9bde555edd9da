"""One tile of a map: read the sources and find the background, then run the model.

The two steps are apart, so that one tile can be read while the model runs on another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from einops import rearrange

from tutorial_lib.inference.background import background_of_source
from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.inference.reading import Chunk, filled, read_chunk
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.rasters import SourceReader

# Values of a batch of patches, so that its memory does not depend on the patch size.
BATCH_VALUES = 2**22

__all__ = ["Job", "TileInput", "TileValues", "compute_tile", "read_tile", "run_tile"]


@dataclass(frozen=True)
class Job:
    """What is the same for all tiles of a map.

    Attributes:
        predictor: The model.
        outputs: Names of its outputs, which are stacked in the map.
        rows: The lattice of the map's rows.
        cols: The lattice of its columns, of the same kind.
        patch_based: The model runs on batches of patches, one for each block, instead
            of once for a whole tile. The lattices are `BlockLattice`s then.
        nodata_rule: One of `background.RULES`; None takes all pixels for measured.
        scores: For outputs of labels, the output that they are the largest value of:
            where that is not a number, neither is the label.
    """

    predictor: Predictor
    outputs: tuple[str, ...]
    rows: Lattice
    cols: Lattice
    patch_based: bool
    nodata_rule: str | None
    scores: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sources, reference first."""
        return tuple(self.rows.axes)

    def chunk(self, tile: Tile, name: str) -> tuple[range, range]:
        """Rows and columns of a source that are read for a tile."""
        return (
            self.rows.chunk(name, tile.computed_rows),
            self.cols.chunk(name, tile.computed_cols),
        )

    def given(self, tile: Tile) -> tuple[range, range]:
        """Rows and columns of the output that the model gives for a tile's chunk."""
        return (
            self.rows.given(tile.computed_rows),
            self.cols.given(tile.computed_cols),
        )


class TileInput(NamedTuple):
    """What was read for a tile.

    Attributes:
        tile: Which pixels.
        pixels: {source name: (height, width, channel)}, without holes; None when the
            tile is all background, so that the model need not run.
        background: (height, width) mask of the pixels that lack data.
    """

    tile: Tile
    pixels: Mapping[str, np.ndarray] | None
    background: np.ndarray


class TileValues(NamedTuple):
    """What was computed for a tile.

    Attributes:
        tile: Which pixels.
        values: (height, width, channel); None when the tile is all background, so that
            the model did not run.
        background: (height, width) mask of the pixels that lack data.
        broken: (height, width) mask of the pixels for which the model gives NaN.
    """

    tile: Tile
    values: np.ndarray | None
    background: np.ndarray
    broken: np.ndarray


def compute_tile(
    job: Job, readers: Mapping[str, SourceReader], tile: Tile
) -> TileValues:
    """Compute the values of a tile, and where it is background.

    Args:
        job: What to compute.
        readers: The open sources.
        tile: Which pixels.
    """
    return run_tile(job, read_tile(job, readers, tile))


def read_tile(job: Job, readers: Mapping[str, SourceReader], tile: Tile) -> TileInput:
    """Read what the model needs for a tile, and find where the tile is background.

    Args:
        job: What will be computed.
        readers: The open sources; no other thread may use them meanwhile.
        tile: Which pixels.
    """
    # A function gets the type of the raster. Other models compute in float32, and the
    # conversion must not keep the thread busy in which they run.
    dtype = None if job.predictor.runner == "function" else "float32"
    pixels, background = {}, np.zeros((len(tile.rows), len(tile.cols)), bool)
    for name in job.names:
        reader = readers[name]
        chunk = _read(job, reader, name, tile)
        pixels[name] = np.ascontiguousarray(filled(chunk), dtype)
        if job.nodata_rule and reader.may_lack_data:
            background |= background_of_source(
                job.nodata_rule,
                name,
                reader,
                chunk,
                rows=(job.rows, tile.rows),
                cols=(job.cols, tile.cols),
            )
    return TileInput(tile, None if background.all() else pixels, background)


def run_tile(job: Job, given: TileInput) -> TileValues:
    """Run the model on what was read for a tile.

    Raises:
        MemoryError: If the memory is not enough for a chunk of this size.
    """
    tile, pixels, background = given
    if pixels is None:
        return TileValues(tile, None, background, np.zeros_like(background))
    run = _run_patches if job.patch_based else _run_chunk
    values, broken = (_part(job, tile, array) for array in run(job, tile, pixels))
    return TileValues(tile, _in_bytes(values), background, broken)


def _in_bytes(values: np.ndarray) -> np.ndarray:
    """Class numbers in one byte each where they fit: tiles wait for the writer."""
    if values.dtype.kind not in "iu" or not values.size:
        return values
    small = values.min() >= 0 and values.max() <= np.iinfo("uint8").max
    return values.astype("uint8") if small else values


def _read(job: Job, reader: SourceReader, name: str, tile: Tile) -> Chunk:
    rows, cols = job.chunk(tile, name)
    return read_chunk(
        reader,
        rows,
        cols,
        mirrored=(job.rows.mirrors, job.cols.mirrors),
        judged=job.nodata_rule is not None,
    )


# Values (batch, height, width, channel) and the mask (batch, height, width) of NaN.
Given = tuple[np.ndarray, np.ndarray]


def _part(job: Job, tile: Tile, values: np.ndarray) -> np.ndarray:
    """The tile's part of what the model gave for its chunk."""
    rows, cols = job.given(tile)
    top, left = tile.rows.start - rows.start, tile.cols.start - cols.start
    return values[top : top + len(tile.rows), left : left + len(tile.cols)]


def _run_chunk(job: Job, tile: Tile, pixels: Mapping[str, np.ndarray]) -> Given:
    """Fully convolutional: the whole chunk in one call."""
    batch = {name: chunk[np.newaxis] for name, chunk in pixels.items()}
    rows, cols = job.given(tile)
    values, broken = _call(job, batch, (len(rows), len(cols)))
    return values[0], broken[0]


def _run_patches(job: Job, tile: Tile, pixels: Mapping[str, np.ndarray]) -> Given:
    """Patch-based: every block from its own patches, in batches of one size."""
    grids = {name: _PatchGrid.of(job, tile, name, x) for name, x in pixels.items()}
    height, width = next(iter(grids.values())).shape
    values = sum(grid.values_of_patch for grid in grids.values())
    size = int(np.clip(BATCH_VALUES // values, 1, height * width))
    while True:
        try:
            values, broken = _run_batches(job, grids, (height, width), size)
            break
        except MemoryError:
            if size == 1:
                raise
            size = -(-size // 2)
    return (
        rearrange(values, "(j i) h w c -> (j h) (i w) c", j=height),
        rearrange(broken, "(j i) h w -> (j h) (i w)", j=height),
    )


def _run_batches(
    job: Job, grids: Mapping[str, "_PatchGrid"], shape: tuple[int, int], size: int
) -> Given:
    """The outputs of all blocks of a tile, row by row, in batches of one size."""
    height, width = shape
    side, results = job.rows.unit, []
    for first in range(0, height * width, size):
        # The last block is repeated in the last batch: all batches have one shape, so
        # that one compiled function serves them.
        blocks = np.arange(first, first + size).clip(max=height * width - 1)
        batch = {name: grid.patches(blocks) for name, grid in grids.items()}
        results.append(_call(job, batch, (side, side)))
    values, broken = zip(*results, strict=True)
    count = height * width
    return np.concatenate(values)[:count], np.concatenate(broken)[:count]


@dataclass(frozen=True, eq=False)
class _PatchGrid:
    """The patches of a chunk, one for each block, row by row.

    Attributes:
        windows: All windows of a patch's size in the chunk: a view, so no memory.
        rows: First row of the patches of each row of blocks.
        cols: First column of the patches of each column of blocks.
    """

    windows: np.ndarray
    rows: np.ndarray
    cols: np.ndarray

    @classmethod
    def of(cls, job: Job, tile: Tile, name: str, pixels: np.ndarray) -> "_PatchGrid":
        given_rows, given_cols = job.given(tile)
        tops, ends = job.rows.windows(name, given_rows)
        lefts, _ = job.cols.windows(name, given_cols)
        field = ends[0] - tops[0]
        windows = np.lib.stride_tricks.sliding_window_view(
            pixels, (field, field), axis=(0, 1)
        )
        # All pixels of a block read the same, so its first one stands for it.
        rows, cols = (np.array(x[:: job.rows.unit]) for x in (tops, lefts))
        return cls(windows, rows - rows[0], cols - cols[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return len(self.rows), len(self.cols)

    @property
    def values_of_patch(self) -> int:
        return int(np.prod(self.windows.shape[2:]))

    def patches(self, blocks: np.ndarray) -> np.ndarray:
        """(batch, height, width, channel) patches of numbered blocks."""
        row, col = np.unravel_index(blocks, self.shape)
        return np.moveaxis(self.windows[self.rows[row], self.cols[col]], 1, -1)


def _call(
    job: Job, batch: Mapping[str, np.ndarray], expected: tuple[int, int]
) -> Given:
    """Run the model; its outputs with their bands stacked, and where they are NaN.

    Raises:
        ValueError: If an output has another size than expected.
    """
    asked = dict.fromkeys([*job.outputs, *job.scores.values()])
    results = job.predictor(batch, tuple(asked))
    for name in job.outputs:
        # Also guards against kernels that return a wrong shape for very small images.
        height, width = results[name].shape[1:3]
        if (height, width) != expected:
            raise ValueError(
                f"The output '{name}' of a tile has {height}x{width} px, not "
                f"{expected[0]}x{expected[1]}. Its size does not grow with its inputs "
                "by the scale factor; run the plan in patch-based mode."
            )
    broken = np.any([_not_numbers(array) for array in results.values()], axis=0)
    arrays = [results[name] for name in job.outputs]
    return np.concatenate(arrays, axis=-1) if arrays[1:] else arrays[0], broken


def _not_numbers(array: np.ndarray) -> np.ndarray:
    """Mask (batch, height, width) of the pixels with NaN in a band."""
    if np.issubdtype(array.dtype, np.inexact):
        # The sum is NaN if a value is: quicker than to look at each pixel.
        with np.errstate(over="ignore", invalid="ignore"):
            suspected = np.isnan(array.sum())
        if suspected:
            return np.isnan(array).any(axis=-1)
    return np.zeros(array.shape[:-1], bool)
