"""Which output pixels are background: rules over the no-data pixels of the sources.

A pixel of a source is no-data when all its bands equal the source's value. From those
masks, a rule says which output pixels become background:

- "center": the output pixel's own place is no-data;
- "all": everything that it reads is no-data;
- "any": something that it reads is no-data;
- "tile": everything that its tile reads is no-data (OTBTF's rule; the map then depends
  on the tile size).

With several sources one of them is enough. What an output pixel reads is what its block
reads where fields were declared, else its reach.
"""

from collections.abc import Sequence

import numpy as np

RULES = ("center", "all", "any", "tile")

# What the network sees in place of no-data: NaN would spread over everything that reads
# it, and a value such as -9999 would shine into its surroundings.
FILL = 0

# First pixel of each window, and the first after it.
Windows = tuple[Sequence[int], Sequence[int]]

__all__ = [
    "FILL",
    "RULES",
    "filled",
    "is_nodata",
    "pixels_without_data",
    "windows_without_data",
]


def is_nodata(array: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask of the values that equal the no-data value; NaN counts as equal to NaN.

    Args:
        array: Any array.
        nodata: The no-data value, or None if there is none.

    Returns:
        Boolean array of the same shape.

    Example:
        >>> is_nodata(np.array([0.0, np.nan, 2.0]), float("nan"))
        array([False,  True, False])
    """
    if nodata is None:
        return np.zeros(array.shape, bool)
    if np.isnan(nodata):
        return np.isnan(array)
    return array == nodata


def pixels_without_data(chunk: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask (height, width) of the pixels that are no-data in all bands.

    Args:
        chunk: (height, width, channel) array.
        nodata: The no-data value, or None if there is none.

    Example:
        >>> chunk = np.array([[[0, 0], [0, 7]]])
        >>> pixels_without_data(chunk, nodata=0)
        array([[ True, False]])
    """
    return is_nodata(chunk, nodata).all(axis=-1)


def filled(chunk: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """The chunk with `FILL` where pixels are no-data or values are not finite."""
    chunk = np.where(empty[..., np.newaxis], FILL, chunk) if empty.any() else chunk
    if np.issubdtype(chunk.dtype, np.floating):
        chunk = np.where(np.isfinite(chunk), chunk, FILL)
    return chunk


def windows_without_data(
    empty: np.ndarray, rows: Windows, cols: Windows, *, rule: str
) -> np.ndarray:
    """Reduce a mask over the windows that output pixels read.

    Args:
        empty: (height, width) mask of a chunk.
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
    # Summed-area table: the count of any window is four look-ups.
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
