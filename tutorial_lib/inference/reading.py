"""Reading the chunk of a source, also where it reaches beyond the source's borders."""

from dataclasses import dataclass

import numpy as np

from tutorial_lib.rasters import SourceReader

# What the network sees in place of pixels without data. NaN would spread to everything
# that reads it, and a value such as -9999 would change the pixels around it.
FILL = 0

__all__ = ["Chunk", "filled", "read_beyond", "read_chunk"]


@dataclass(frozen=True, eq=False)
class Chunk:
    """What is read of one source for a tile.

    Attributes:
        rows: Rows of the source; they may begin before 0 and end after the last one.
        cols: Columns of the source.
        pixels: (height, width, channel).
        empty: (height, width) mask of the pixels without data.
        judged: Whether pixels that are not finite count as empty.
    """

    rows: range
    cols: range
    pixels: np.ndarray
    empty: np.ndarray
    judged: bool


def read_chunk(
    reader: SourceReader,
    rows: range,
    cols: range,
    *,
    mirrored: tuple[bool, bool],
    judged: bool,
) -> Chunk:
    """Read a chunk; beyond the source's borders it is mirrored, or has no data.

    Args:
        reader: The source.
        rows: Its rows.
        cols: Its columns.
        mirrored: Whether it is mirrored beyond the first and last row, and column.
        judged: Whether pixels may have no data; else all are taken for measured.
    """
    pixels, empty = read_beyond(reader, rows, cols, mirrored=mirrored, judged=judged)
    height, width = reader.grid.shape.yx
    outside = np.logical_or.outer(
        _outside(rows, height) & (not mirrored[0]),
        _outside(cols, width) & (not mirrored[1]),
    )
    return Chunk(rows, cols, pixels, empty | outside, judged)


def read_beyond(
    reader: SourceReader,
    rows: range,
    cols: range,
    *,
    mirrored: tuple[bool, bool] = (True, True),
    judged: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Read pixels of a source that may lie beyond its borders.

    Args:
        reader: The source.
        rows: Its rows.
        cols: Its columns.
        mirrored: Whether rows, and columns, are mirrored there; else the outermost
            pixels are repeated.
        judged: Whether pixels may have no data.

    Returns:
        (height, width, channel) pixels, and the (height, width) mask of those without
        data.
    """
    height, width = reader.grid.shape.yx
    row_index = _inside(rows, height, mirrored[0])
    col_index = _inside(cols, width, mirrored[1])
    top, left = int(row_index.min()), int(col_index.min())
    size = int(row_index.max()) + 1 - top, int(col_index.max()) + 1 - left
    if judged and reader.may_lack_data:
        pixels, empty, _ = reader.read_block(top, left, *size)
    else:
        pixels, empty = reader.read(top, left, *size), np.zeros(size, bool)
    if size == (len(rows), len(cols)):
        return pixels, empty
    inside = np.ix_(row_index - top, col_index - left)
    return pixels[inside], empty[inside]


def _inside(pixels: range, size: int, mirrored: bool) -> np.ndarray:
    """Indices of existing pixels. Mirrored: 2 1 0 | 0 1 2 … n-1 | n-1 n-2."""
    index = np.arange(pixels.start, pixels.stop)
    if not mirrored:
        return index.clip(0, size - 1)
    index = index % (2 * size)
    return np.minimum(index, 2 * size - 1 - index)


def _outside(pixels: range, size: int) -> np.ndarray:
    index = np.arange(pixels.start, pixels.stop)
    return (index < 0) | (index >= size)


def filled(chunk: Chunk) -> np.ndarray:
    """The pixels with `FILL` where they have no data or are not finite."""
    pixels = chunk.pixels
    if chunk.empty.any():
        pixels = np.where(chunk.empty[..., np.newaxis], FILL, pixels)
    if not chunk.judged and np.issubdtype(pixels.dtype, np.floating):
        pixels = np.where(np.isfinite(pixels), pixels, FILL)
    return pixels
