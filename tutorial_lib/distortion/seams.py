"""Whether the tiles of a map can be seen, from the map alone."""

from itertools import product
from math import inf
from numbers import Integral

import numpy as np

from tutorial_lib.distortion.distances import BLOCK, read_measured
from tutorial_lib.grids import tile_spans
from tutorial_lib.rasters import PathLike, Source, SourceReader, open_source

__all__ = ["seam_score"]


def seam_score(
    path: PathLike | Source, *, tile: int, stride: int | None = None
) -> float:
    """How much larger the jumps across the borders of tiles are than others.

    The mean |difference of neighbours| across the borders, divided by that at other
    places; rows and columns are weighed alike in both. Of label maps, the share of
    neighbours that differ. Networks with transposed convolutions leave a pattern that
    repeats with the total stride, so the other places must have the phase of the
    borders: by default they are half a tile away.

    Args:
        path: The map, or a `Source` of it with a no-data value or a choice of bands.
            What is no-data in either of two neighbours is left out.
        tile: Side of a tile in pixels, counted from the map's first pixel.
        stride: Total stride of the network in pixels of the map; the other places are
            then all its multiples that are no border. Give it where half a tile is not
            a multiple of it.

    Returns:
        About 1 where no seam shows: how far chance goes, the score of an exact map of
        the same place and tile says. More where the map jumps from tile to tile,
        infinity where it jumps there only; a score well below 1 is a seam too: the map
        is smoother at the borders. An untrained network's own pattern may be larger
        than its seams.

    Raises:
        ValueError: If there are no two tiles, `stride` does not divide a tile, or all
            that could be compared is no-data.

    Example:
        An even slope that rises by 3 instead of 1 from tile to tile:

        >>> from tutorial_lib import testing
        >>> from tutorial_lib.rasters import write_array
        >>> rows, cols = np.mgrid[:30, :50]
        >>> slope = (rows + cols + 2 * (rows // 8 + cols // 8)).astype("float32")
        >>> path = testing.scratch_folder() / "map.tif"
        >>> path = write_array(path, slope[..., np.newaxis], testing.small_grid(30, 50))
        >>> seam_score(path, tile=8), seam_score(path, tile=7) < 1.3
        (3.0, True)
    """
    _check_steps(tile, stride)
    with open_source(Source.of(path)) as reader:
        height, width = reader.grid.shape
        if max(height, width) <= tile:
            raise ValueError(
                f"The map has {height} x {width} px, no two tiles of {tile} px. Give "
                "the tile by which it was computed, or a larger map."
            )
        return _score(_summed_jumps(reader, tile, stride))


def _check_steps(tile: int, stride: int | None) -> None:
    if not isinstance(tile, Integral) or tile < 2:
        raise ValueError(
            f"A tile is a whole number of pixels from 2 on. Received: tile={tile!r}."
        )
    if stride is None:
        return
    if not isinstance(stride, Integral) or not 0 < stride < tile or tile % stride:
        raise ValueError(
            f"The total stride divides the tile, or tiles begin at different phases. "
            f"Received: tile={tile}, stride={stride!r}."
        )


def _places(size: int, tile: int, stride: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that begin a tile, and those that they are compared with."""
    borders = np.arange(tile, size, tile)
    if stride is None:
        return borders, np.arange(tile // 2, size, tile)
    others = np.arange(stride, size, stride)
    return borders, others[others % tile > 0]


def _summed_jumps(reader: SourceReader, tile: int, stride: int | None) -> np.ndarray:
    """(axis, at a border or not, sum and number) of all jumps."""
    shape = reader.grid.shape.yx
    labels = reader.channels == 1 and np.issubdtype(reader.dtype, np.integer)
    places = [_places(size, tile, stride) for size in shape]
    sums = np.zeros((2, 2, 2))
    for rows, cols in product(*(_blocks(size) for size in shape)):
        # With the neighbours before it: jumps from them belong to this block.
        before = [range(max(part.start - 1, 0), part.stop) for part in (rows, cols)]
        values, measured = read_measured(reader, *before)
        top, left = rows.start - before[0].start, cols.start - before[1].start
        for axis, own in enumerate((np.s_[:, left:], np.s_[top:])):
            for kind, at in enumerate(places[axis]):
                inner = at[(at > before[axis].start) & (at < before[axis].stop)]
                jumps = _jumps(
                    np.moveaxis(values[own], axis, 0),
                    np.moveaxis(measured[own], axis, 0),
                    inner - before[axis].start,
                    labels,
                )
                sums[axis, kind] += jumps
    return sums


def _blocks(size: int) -> list[range]:
    return list(tile_spans(range(size), BLOCK, range(size)))


def _jumps(
    values: np.ndarray, measured: np.ndarray, at: np.ndarray, labels: bool
) -> tuple[float, int]:
    """Sum and number of the jumps from the lines before to the lines `at`.

    Numbers of classes have no distance: from one to any other the jump is 1.
    """
    apart = np.abs(values[at] - values[at - 1])
    sizes = (apart > 0 if labels else apart).mean(axis=-1)
    counted = measured[at] & measured[at - 1]
    return float(sizes[counted].sum()), int(counted.sum())


def _score(sums: np.ndarray) -> float:
    """From (axis, border or not, sum and number) of the jumps."""
    # An axis where one of the two kinds is missing tells nothing.
    (border, borders), (other, others) = (
        kind.T for kind in sums[(sums[..., 1] > 0).all(axis=1)].swapaxes(0, 1)
    )
    if not borders.size:
        raise ValueError(
            "All neighbours across borders of tiles, or all others, are no-data. Give "
            "another `tile`, or check the no-data value: `Source(…, nodata=…)`."
        )
    # What the borders would add up to if they were like the other places.
    due = float((borders * other / others).sum())
    if due == 0:
        return inf if border.sum() else 1.0
    return float(border.sum() / due)
