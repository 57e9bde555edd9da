"""`seam_score`: whether the tiles of a map can be seen, from the map alone."""

from dataclasses import dataclass
from itertools import product
from math import inf

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.distortion.distances import BLOCK, read_measured
from tutorial_lib.grids import tile_spans
from tutorial_lib.rasters import PathLike, Source, SourceReader, open_source

__all__ = ["seam_score"]


def seam_score(
    path: PathLike | Source, *, tile: int, stride: int | None = None
) -> float:
    """Compare the jumps across the borders of tiles with the jumps elsewhere.

    A jump is the |difference| of two neighbouring pixels; in label maps it is 1 where
    the classes differ. The score is the mean jump across borders divided by the mean
    jump at other places; rows and columns have the same weights in both. Networks with
    transposed convolutions leave a pattern that repeats with the total stride, so the
    other places must have the same phase as the borders: by default they lie half a
    tile away.

    Args:
        path: The map, or a `Source` of it with a no-data value or a choice of bands.
            Jumps from or to pixels without data are left out.
        tile: Side of a tile in pixels, counted from the map's first pixel.
        stride: Total stride of the network in pixels of the map. The other places are
            then all multiples of it that are not borders. Needed where half a tile is
            not a multiple of it.

    Returns:
        About 1 where no seams show; the score of an exact map of the same place and
        tile tells how far chance goes. Above 1 where the map jumps from tile to tile,
        infinity where it jumps only there. A score well below 1 is a seam too: the map
        is smoother at the borders. The pattern of an untrained network may be stronger
        than its seams.

    Raises:
        ValueError: If there are not two tiles, `stride` does not divide a tile, or
            nothing that could be compared has data.

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
                f"The map has {height} x {width} px, less than two tiles of {tile} px. "
                "Give the tile that it was computed with, or a larger map."
            )
        return _score(_summed_jumps(reader, tile, stride))


def _check_steps(tile: int, stride: int | None) -> None:
    arguments.whole_number("tile", tile, least=2)
    if stride is None:
        return
    arguments.whole_number("stride", stride, least=1, most=tile - 1)
    if tile % stride:
        raise ValueError(
            f"`stride` is {stride}, and tiles of {tile} px are not a multiple of it: "
            "they begin at different phases. Give the total stride of the network, "
            "and the tile that the map was computed with."
        )


@dataclass
class _Jumps:
    """Jumps between the lines of one axis at some places, summed up.

    Attributes:
        places: Lines to which the jumps lead, from the line before.
        total: Sum of the jumps.
        count: Number of the jumps.
    """

    places: np.ndarray
    total: float = 0.0
    count: int = 0

    def add(self, lines: "_Lines") -> None:
        """Add the jumps that lie in a part of the map."""
        inside = (self.places > lines.first) & (self.places < lines.stop)
        at = self.places[inside] - lines.first
        apart = np.abs(lines.values[at] - lines.values[at - 1])
        sizes = (apart > 0 if lines.labels else apart).mean(axis=-1)
        counted = lines.measured[at] & lines.measured[at - 1]
        self.total += float(sizes[counted].sum())
        self.count += int(counted.sum())


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines `first` to `stop` of a map: (line, along, channel) values, and a mask."""

    first: int
    values: np.ndarray
    measured: np.ndarray
    labels: bool

    @property
    def stop(self) -> int:
        return self.first + len(self.values)


def _places(size: int, tile: int, stride: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that begin a tile, and those that they are compared with."""
    borders = np.arange(tile, size, tile)
    if stride is None:
        return borders, np.arange(tile // 2, size, tile)
    others = np.arange(stride, size, stride)
    return borders, others[others % tile > 0]


def _summed_jumps(
    reader: SourceReader, tile: int, stride: int | None
) -> list[tuple[_Jumps, _Jumps]]:
    """For each axis the jumps across borders, and those at other places."""
    shape = reader.grid.shape.yx
    labels = reader.channels == 1 and np.issubdtype(reader.dtype, np.integer)
    jumps = [tuple(map(_Jumps, _places(size, tile, stride))) for size in shape]
    for rows, cols in product(*(tile_spans(range(n), BLOCK, range(n)) for n in shape)):
        # The line before a block is read too: jumps from it belong to this block.
        top, left = max(rows.start - 1, 0), max(cols.start - 1, 0)
        values, measured = read_measured(
            reader, range(top, rows.stop), range(left, cols.stop)
        )
        # Along each axis without the extra line of the other one.
        along_rows = np.s_[:, cols.start - left :]
        along_cols = np.s_[rows.start - top :]
        parts = (
            _Lines(top, values[along_rows], measured[along_rows], labels),
            _Lines(
                left,
                values[along_cols].swapaxes(0, 1),
                measured[along_cols].swapaxes(0, 1),
                labels,
            ),
        )
        for lines, (borders, others) in zip(parts, jumps, strict=True):
            borders.add(lines)
            others.add(lines)
    return jumps


def _score(jumps: list[tuple[_Jumps, _Jumps]]) -> float:
    """Jumps across borders, divided by what they would be if they were like others."""
    # An axis on which one of the two kinds is missing tells nothing.
    pairs = [(border, other) for border, other in jumps if border.count and other.count]
    if not pairs:
        raise ValueError(
            "No two neighbours across borders of tiles have data, or none elsewhere. "
            "Give another `tile`, or check the no-data value: `Source(…, nodata=…)`."
        )
    found = sum(border.total for border, _ in pairs)
    expected = sum(border.count * other.total / other.count for border, other in pairs)
    if expected == 0:
        return inf if found else 1.0
    return float(found / expected)
