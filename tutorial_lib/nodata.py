"""Which output pixels are background: rules over the no-data pixels of the sources.

A pixel of a source is no-data when all its bands equal the source's value. From those
masks, a rule says which output pixels become background:

- "center": the output pixel's own place is no-data;
- "all": everything that its block reads is no-data;
- "any": something that its block reads is no-data;
- "tile": everything that its tile reads is no-data (OTBTF's rule; the map then depends
  on the tile size).

With several sources one of them is enough.
"""

from collections.abc import Sequence

import numpy as np

from tutorial_lib.rasters import is_nodata

RULES = ("center", "all", "any", "tile")

# What the network sees in place of no-data: NaN would spread over everything that reads
# it, and a value such as -9999 would shine into its surroundings.
FILL = 0

__all__ = ["FILL", "RULES", "blocks_without_data", "filled", "pixels_without_data"]


def pixels_without_data(chunk: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask (height, width) of the pixels of a chunk whose bands are all no-data.

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


def blocks_without_data(
    empty: np.ndarray,
    rows: Sequence[int],
    cols: Sequence[int],
    field: int,
    *,
    rule: str,
) -> np.ndarray:
    """Reduce a mask over the windows that blocks read.

    Args:
        empty: (height, width) mask of a chunk.
        rows: First row that each row of blocks reads, within the chunk.
        cols: First column that each column of blocks reads.
        field: Receptive field, the side of the windows.
        rule: "all" or "any".

    Returns:
        Mask (len(rows), len(cols)).

    Example:
        >>> empty = np.array([[True, True, False], [True, True, False]])
        >>> blocks_without_data(empty, [0], [0, 1], field=2, rule="all")
        array([[ True, False]])
    """
    # Summed-area table: the count of any window is four look-ups.
    table = np.pad(empty, ((1, 0), (1, 0))).cumsum(0, dtype="int64").cumsum(1)
    top, left = np.asarray(rows)[:, np.newaxis], np.asarray(cols)
    bottom, right = top + field, left + field
    count = (
        table[bottom, right]
        - table[top, right]
        - table[bottom, left]
        + table[top, left]
    )
    return count == field**2 if rule == "all" else count > 0
