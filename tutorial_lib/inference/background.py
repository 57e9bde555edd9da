"""Which output pixels are background: rules over the sources' pixels without data.

- "center": the output pixel's own place has no data;
- "all": nothing that it reads has data;
- "any": something that it reads has no data;
- "tile": nothing that its tile reads has data (OTBTF's rule; the map then depends on
  the tile size).

With several sources, one of them is enough. What an output pixel reads is its block
where fields were declared, and its reach where they were derived.
"""

from collections.abc import Sequence

import numpy as np

from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.inference.reading import Chunk, read_beyond
from tutorial_lib.rasters import SourceReader

RULES = ("center", "all", "any", "tile")

# First pixel of each window, and the first pixel after it.
Windows = tuple[Sequence[int], Sequence[int]]

__all__ = ["RULES", "background_of_source", "windows_without_data"]


def windows_without_data(
    empty: np.ndarray, rows: Windows, cols: Windows, *, rule: str
) -> np.ndarray:
    """Reduce a mask to one value for each window that an output pixel reads.

    Args:
        empty: (height, width) mask of the pixels of a chunk that have no data.
        rows: First row of each row of windows within the chunk, and the first after it.
        cols: The same for the columns.
        rule: "all" or "any".

    Returns:
        Mask with one value for each window.

    Example:
        >>> empty = np.array([[True, True, False], [True, True, False]])
        >>> windows_without_data(empty, ([0], [2]), ([0, 1], [2, 3]), rule="all")
        array([[ True, False]])
    """
    # A summed-area table (Crow, SIGGRAPH 1984): the count of any window is four
    # look-ups, so the time does not grow with the receptive field.
    table = np.pad(empty, ((1, 0), (1, 0))).cumsum(0, dtype="int64").cumsum(1)
    (top, bottom), (left, right) = (
        map(np.asarray, windows) for windows in (rows, cols)
    )
    count = (
        table[np.ix_(bottom, right)]
        - table[np.ix_(top, right)]
        - table[np.ix_(bottom, left)]
        + table[np.ix_(top, left)]
    )
    if rule == "any":
        return count > 0
    return count == np.multiply.outer(bottom - top, right - left)


def background_of_source(
    rule: str,
    name: str,
    reader: SourceReader,
    chunk: Chunk,
    *,
    rows: tuple[Lattice, range],
    cols: tuple[Lattice, range],
) -> np.ndarray:
    """Mask (height, width) of the output pixels that are background for one source.

    Args:
        rule: One of `RULES`.
        name: Name of the source.
        reader: The source, which may have pixels without data.
        chunk: What was read of it for the tile.
        rows: The lattice of the rows, and the tile's rows.
        cols: The same of the columns.
    """
    if rule == "center":
        return _places_without_data(name, reader, chunk, rows, cols)
    shape = len(rows[1]), len(cols[1])
    if rule == "tile":
        return np.full(shape, chunk.empty.all())
    if not rows[0].reads(name) or not chunk.empty.any():
        return np.zeros(shape, bool)
    return windows_without_data(
        chunk.empty,
        _windows_in(chunk.rows, name, *rows),
        _windows_in(chunk.cols, name, *cols),
        rule=rule,
    )


def _windows_in(read: range, name: str, lattice: Lattice, pixels: range) -> Windows:
    """The windows of output pixels within what was read, along one axis."""
    starts, stops = (np.asarray(ends) for ends in lattice.windows(name, pixels))
    # Beyond the image's borders nothing is read, so a window may leave the chunk.
    return tuple((ends - read.start).clip(0, len(read)) for ends in (starts, stops))


def _places_without_data(
    name: str,
    reader: SourceReader,
    chunk: Chunk,
    rows: tuple[Lattice, range],
    cols: tuple[Lattice, range],
) -> np.ndarray:
    """Where the source's pixel at the centre of an output pixel has no data."""
    # Places ascend, so the first and the last one tell where all of them are.
    spans = [
        range(lattice.place(name, pixels[0]), lattice.place(name, pixels[-1]) + 1)
        for lattice, pixels in (rows, cols)
    ]
    inside = all(
        max(read.start, 0) <= span.start and span.stop <= min(read.stop, size)
        for span, read, size in zip(
            spans, (chunk.rows, chunk.cols), reader.grid.shape.yx, strict=True
        )
    )
    # An output pixel nearly always lies in what is read for it.
    if inside:
        top, left, empty = chunk.rows.start, chunk.cols.start, chunk.empty
    else:
        top, left = spans[0].start, spans[1].start
        _, empty = read_beyond(reader, *spans)
    if not empty.any():
        return np.zeros((len(rows[1]), len(cols[1])), bool)
    row_index, col_index = (
        np.array([lattice.place(name, pixel) for pixel in pixels])
        for lattice, pixels in (rows, cols)
    )
    return empty[np.ix_(row_index - top, col_index - left)]
