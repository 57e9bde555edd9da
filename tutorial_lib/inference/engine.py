"""Computing one tile of a map: read the sources, find the background, run the model.

Words: a *job* is everything that is the same for all tiles; a *chunk* is what is read
of a source for a tile.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from einops import rearrange
from rasterio.windows import Window

from tutorial_lib.inference.blocks import BlockAxis
from tutorial_lib.inference.chunks import ChunkAxis
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.rasters import SourceReader, validity

# Values of a batch of patches, so that its memory does not depend on the patch size.
BATCH_VALUES = 2**22

__all__ = ["Job", "Tile", "compute_tile"]


@dataclass(frozen=True)
class Tile:
    """Output pixels of one step, as ranges of the output lattice.

    Attributes:
        rows: Rows that are written.
        cols: Columns that are written.
        computed_rows: Rows that are computed: more than are written where a window cuts
            a tile, so that it gives what the full map gives.
        computed_cols: Columns that are computed.
    """

    rows: range
    cols: range
    computed_rows: range
    computed_cols: range

    def window(self, rows: range, cols: range) -> Window:
        """Where the tile lies in a map that holds the given pixels."""
        return Window(
            self.cols.start - cols.start,
            self.rows.start - rows.start,
            len(self.cols),
            len(self.rows),
        )


@dataclass(frozen=True)
class Job:
    """What the computation of every tile needs to know.

    Attributes:
        predictor: The model.
        outputs: Names of its outputs that are stacked in the map.
        names: Names of the sources, reference first.
        rows: What is read for which output pixels along the rows: by blocks with
            declared fields, or by chunks with derived ones.
        cols: The same along the columns.
        patch_based: One call for a batch of blocks, instead of one for a whole tile.
        nodata_rule: One of `nodata.RULES`, or None: nothing is no-data.
    """

    predictor: Predictor
    outputs: tuple[str, ...]
    names: tuple[str, ...]
    rows: BlockAxis | ChunkAxis
    cols: BlockAxis | ChunkAxis
    patch_based: bool
    nodata_rule: str | None

    @property
    def derived(self) -> bool:
        """The fields were worked out from the network, not declared."""
        return isinstance(self.rows, ChunkAxis)

    def blocks(self, tile: Tile) -> tuple[range, range]:
        """Rows and columns of the blocks, or the chunk, that give a tile."""
        return (
            self.rows.covering(tile.computed_rows),
            self.cols.covering(tile.computed_cols),
        )

    def chunk(self, tile: Tile, number: int) -> tuple[range, range]:
        """Rows and columns of source `number` that are read for a tile."""
        rows, cols = self.blocks(tile)
        return self.rows.chunk(number, rows), self.cols.chunk(number, cols)


def compute_tile(
    job: Job, readers: Mapping[str, SourceReader], tile: Tile
) -> tuple[np.ndarray | None, np.ndarray]:
    """Values of a tile and where it is background.

    Args:
        job: What to compute.
        readers: The open sources.
        tile: Which pixels.

    Returns:
        (height, width, channel) values, None when all is background, and the (height,
        width) mask of the background.
    """
    blocks = job.blocks(tile)
    chunks, background = {}, np.zeros((len(tile.rows), len(tile.cols)), bool)
    for number, name in enumerate(job.names):
        chunk, empty = _read_chunk(job, readers[name], number, tile)
        chunks[name] = validity.filled(chunk, empty)
        if job.nodata_rule and readers[name].nodata is not None:
            background |= _background(job, readers[name], number, tile, empty)
    if background.all():
        return None, background
    run = _run_patches if job.patch_based else _run_chunk
    return _cut(job, blocks, tile, run(job, chunks, blocks)), background


def _read_chunk(
    job: Job, reader: SourceReader, number: int, tile: Tile
) -> tuple[np.ndarray, np.ndarray]:
    """A chunk, and where it has no data: no-data pixels, and what lies outside."""
    rows, cols = job.chunk(tile, number)
    mirrored = job.rows.mirrors, job.cols.mirrors
    chunk = read_beyond(reader, rows, cols, mirrored=mirrored)
    value = reader.nodata if job.nodata_rule else None
    empty = validity.pixels_without_data(chunk, value)
    outside = [
        _outside(pixels, size) & (not mirrors)
        for pixels, size, mirrors in zip(
            (rows, cols), reader.grid.shape.yx, mirrored, strict=True
        )
    ]
    return chunk, empty | np.logical_or.outer(*outside)


def read_beyond(
    reader: SourceReader,
    rows: range,
    cols: range,
    *,
    mirrored: tuple[bool, bool] = (True, True),
) -> np.ndarray:
    """Pixels of a source; beyond its borders it is mirrored, or repeats the last one.

    Args:
        reader: The source.
        rows: Its rows, which may begin before 0 and end behind the last one.
        cols: Its columns.
        mirrored: Whether rows, and columns, are mirrored.
    """
    row_index, col_index = (
        _mirrored(pixels, size) if mirrors else np.clip(pixels, 0, size - 1)
        for pixels, size, mirrors in zip(
            (rows, cols), reader.grid.shape.yx, mirrored, strict=True
        )
    )
    top, left = int(row_index.min()), int(col_index.min())
    height, width = row_index.max() + 1 - top, col_index.max() + 1 - left
    array = reader.read(top, left, int(height), int(width))
    if (height, width) == (len(rows), len(cols)):
        return array
    return array[np.ix_(row_index - top, col_index - left)]


def _outside(pixels: range, size: int) -> np.ndarray:
    index = np.arange(pixels.start, pixels.stop)
    return (index < 0) | (index >= size)


def _mirrored(pixels: range, size: int) -> np.ndarray:
    """Indices of existing pixels: 2 1 0 | 0 1 2 … n-1 | n-1 n-2."""
    index = np.arange(pixels.start, pixels.stop) % (2 * size)
    return np.minimum(index, 2 * size - 1 - index)


def _background(
    job: Job, reader: SourceReader, number: int, tile: Tile, empty: np.ndarray
) -> np.ndarray:
    """Background of a tile that one source makes."""
    shape = len(tile.rows), len(tile.cols)
    if job.nodata_rule == "tile":
        return np.full(shape, empty.all())
    if job.nodata_rule == "center":
        return _own_places(job, reader, number, tile)
    if not job.rows.reads(number):
        return np.zeros(shape, bool)
    chunk = job.chunk(tile, number)
    windows = [
        # What lies outside of the chunk is not read.
        [
            (np.asarray(ends) - read.start).clip(0, len(read))
            for ends in rule.windows(number, pixels)
        ]
        for rule, pixels, read in (
            (job.rows, tile.rows, chunk[0]),
            (job.cols, tile.cols, chunk[1]),
        )
    ]
    return validity.windows_without_data(empty, *windows, rule=job.nodata_rule)


def _own_places(job: Job, reader: SourceReader, number: int, tile: Tile) -> np.ndarray:
    """Where the pixel of the source at the centre of an output pixel is no-data."""
    places = [
        np.array([rule.place(number, pixel) for pixel in pixels])
        for rule, pixels in ((job.rows, tile.rows), (job.cols, tile.cols))
    ]
    rows, cols = (range(place[0], place[-1] + 1) for place in places)
    empty = validity.pixels_without_data(read_beyond(reader, rows, cols), reader.nodata)
    return empty[np.ix_(places[0] - rows.start, places[1] - cols.start)]


def _cut(
    job: Job, blocks: tuple[range, range], tile: Tile, array: np.ndarray
) -> np.ndarray:
    """The tile's part of an array that covers whole blocks."""
    top = tile.rows.start - job.rows.pixels(blocks[0]).start
    left = tile.cols.start - job.cols.pixels(blocks[1]).start
    return array[top : top + len(tile.rows), left : left + len(tile.cols)]


def _run_chunk(
    job: Job, chunks: Mapping[str, np.ndarray], blocks: tuple[range, range]
) -> np.ndarray:
    """Fully convolutional: the whole chunk in one call."""
    batch = {name: chunk[np.newaxis] for name, chunk in chunks.items()}
    results = job.predictor(batch, job.outputs)
    expected = len(job.rows.pixels(blocks[0])), len(job.cols.pixels(blocks[1]))
    return _stacked(job, results, expected)[0]


def _run_patches(
    job: Job, chunks: Mapping[str, np.ndarray], blocks: tuple[range, range]
) -> np.ndarray:
    """Patch-based: every block from its own patches, in batches of one size."""
    views = [
        _patch_view(job, number, chunks[name], blocks)
        for number, name in enumerate(job.names)
    ]
    shape = len(blocks[0]), len(blocks[1])
    values = sum(int(np.prod(windows.shape[2:])) for windows, _, _ in views)
    size = int(np.clip(BATCH_VALUES // values, 1, shape[0] * shape[1]))
    side, results = job.rows.expression, []
    for first in range(0, shape[0] * shape[1], size):
        # The last batch is filled up, so that one compiled function serves them all.
        index = np.arange(first, first + size).clip(max=shape[0] * shape[1] - 1)
        row, col = np.unravel_index(index, shape)
        batch = {
            name: np.moveaxis(windows[rows[row], cols[col]], 1, -1)
            for name, (windows, rows, cols) in zip(job.names, views, strict=True)
        }
        results.append(_stacked(job, job.predictor(batch, job.outputs), (side, side)))
    stack = np.concatenate(results)[: shape[0] * shape[1]]
    return rearrange(stack, "(j i) h w c -> (j h) (i w) c", j=shape[0])


def _patch_view(
    job: Job, number: int, chunk: np.ndarray, blocks: tuple[range, range]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All windows of a chunk (a view), and the first row and column of each block."""
    field = job.rows.fields[number]
    windows = np.lib.stride_tricks.sliding_window_view(chunk, (field, field), (0, 1))
    return windows, *_block_starts(job, number, blocks)


def _block_starts(
    job: Job, number: int, blocks: tuple[range, range]
) -> tuple[np.ndarray, np.ndarray]:
    """First row and first column that each block reads, within the chunk."""
    rows, cols = (
        np.array([rule.start(number, block) for block in axis_blocks])
        for rule, axis_blocks in zip((job.rows, job.cols), blocks, strict=True)
    )
    return rows - rows[0], cols - cols[0]


def _stacked(
    job: Job, results: Mapping[str, np.ndarray], expected: tuple[int, int]
) -> np.ndarray:
    """The outputs with their bands stacked, after a look at their size."""
    for name in job.outputs:
        # Also guards against kernels that return a wrong shape for very small images.
        if results[name].shape[1:3] != expected:
            got = results[name].shape[1:3]
            raise ValueError(
                f"The output '{name}' of a tile has {got[0]}x{got[1]} px where "
                f"{expected[0]}x{expected[1]} px were due. Its size does not grow with "
                "its inputs by the scale factor; run the plan in patch-based mode."
            )
    return np.concatenate([results[name] for name in job.outputs], axis=-1)
