"""The regular grid of patch centres, and which of the patches are usable."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from tutorial_lib.compat.images import Image, Read

# Rows of an image that are read together, unless patches are higher.
_ROWS = 256

__all__ = ["Nodes", "usable_nodes"]


class Nodes(NamedTuple):
    """Centres of patches; all arrays are (n,), and in the order of pixels.

    Attributes:
        rows: Rows of the centre pixels.
        cols: Columns of the centre pixels.
        grid_rows: Their rows in the grid of centres, 0, 1, 2…
        grid_cols: Their columns in it.
    """

    rows: np.ndarray
    cols: np.ndarray
    grid_rows: np.ndarray
    grid_cols: np.ndarray

    def select(self, chosen: np.ndarray) -> "Nodes":
        """Some of the nodes, by (n,) whether each is chosen."""
        return Nodes(*(values[chosen] for values in self))


def usable_nodes(image: Image, values: Mapping[str, Any]) -> Nodes:
    """Nodes of the grid around which all pixels are usable.

    As in OTBTF, the pixels up to `psize // 2` on all sides must be usable: one row and
    one column more than an even patch has.

    Args:
        image: The image.
        values: The parameters of PatchesSelection: `mask`, `nodata` and `grid.…`.
    """
    radius, step = values["grid.psize"] // 2, values["grid.step"]
    height, width = image.grid.shape
    rows = _places(height, radius, step, values["grid.offsety"])
    cols = _places(width, radius, step, values["grid.offsetx"])
    found = [np.zeros((0, 2), "int64")]
    if rows and cols:
        with ExitStack() as stack:
            read = _reader(image, values, stack)
            for part in _parts(rows, max(_ROWS, 4 * radius)):
                usable = _usable(read, part, cols, radius, width)
                found.append(np.argwhere(usable) * step + (part[0], cols[0]))
    at_rows, at_cols = np.concatenate(found).T
    return Nodes(
        at_rows, at_cols, (at_rows - radius) // step, (at_cols - radius) // step
    )


def _places(size: int, radius: int, step: int, offset: int) -> range:
    """Rows or columns of the grid whose pixels on both sides lie in the image."""
    # OTBTF adds a pixel around the image, and counts the offset in the larger image.
    return range(radius + (offset + 1) % step, size - radius, step)


def _parts(rows: range, most: int) -> Iterator[range]:
    """Rows of the grid in parts that span at most so many rows of pixels."""
    count = max(1, most // rows.step)
    for first in range(0, len(rows), count):
        yield rows[first : first + count]


def _reader(image: Image, values: Mapping[str, Any], stack: ExitStack) -> Read:
    """A function that tells for a window which pixels are usable."""
    mask, nodata = values["mask"], values["nodata"]
    read_mask = stack.enter_context(mask.reading()) if mask else None
    read_image = None if nodata is None else stack.enter_context(image.reading())

    def read(row: int, col: int, height: int, width: int) -> np.ndarray:
        usable = np.ones((height, width), bool)
        if read_image:
            pixels = read_image(row, col, height, width)
            # NumPy compares in the type of the pixels: 0.1 of float32 is 0.1.
            # One that float32 cannot hold is no pixel's value.
            with np.errstate(over="ignore"):
                empty = np.isnan(pixels) if np.isnan(nodata) else pixels == nodata
            usable &= ~empty.all(axis=-1)
        if read_mask:
            usable &= read_mask(row, col, height, width)[..., 0] > 0
        return usable

    return read


def _usable(
    read: Read, rows: range, cols: range, radius: int, width: int
) -> np.ndarray:
    """(rows, cols) whether all pixels around each node are usable."""
    top, bottom = rows[0] - radius, rows[-1] + radius + 1
    bad = ~read(top, 0, bottom - top, width)
    # sums[i, j] is the number of bad pixels above row i and left of column j.
    sums = np.zeros((bad.shape[0] + 1, width + 1), "int64")
    np.cumsum(np.cumsum(bad, axis=0, dtype="int64"), axis=1, out=sums[1:, 1:])
    first_rows, first_cols = np.array(rows) - radius - top, np.array(cols) - radius
    size = 2 * radius + 1
    last_rows, last_cols = first_rows + size, first_cols + size
    return (
        sums[np.ix_(last_rows, last_cols)]
        - sums[np.ix_(first_rows, last_cols)]
        - sums[np.ix_(last_rows, first_cols)]
        + sums[np.ix_(first_rows, first_cols)]
    ) == 0
