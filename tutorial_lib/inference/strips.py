"""The order of tiles: strips of columns, as wide as GDAL's block cache allows.

A tile reads blocks that the tiles beside it and below it read too. GDAL decodes them
once if its cache holds one row of tiles. For a wide raster this row is cut into strips,
so that the memory of a run does not grow with the raster.
"""

from collections.abc import Iterator, Mapping

from tutorial_lib.inference.planned import PlannedMap
from tutorial_lib.inference.tiles import Tile, Tiles
from tutorial_lib.rasters import SourceReader

__all__ = ["cache_bytes", "columns_of_strip", "in_strips"]


def in_strips(tiles: Tiles, columns: int) -> Iterator[Tile]:
    """The tiles, strip by strip, and row by row in each.

    Args:
        tiles: All tiles of a map.
        columns: Columns of tiles in a strip.

    Example:
        >>> one, two, three = range(0, 1), range(1, 2), range(2, 3)
        >>> rows, cols = [(one, one), (two, two)], [(x, x) for x in (one, two, three)]
        >>> tiles = Tiles(tuple(rows), tuple(cols))
        >>> [(tile.rows.start, tile.cols.start) for tile in in_strips(tiles, 2)]
        [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (1, 2)]
    """
    for first in range(0, len(tiles.cols), columns):
        yield from Tiles(tiles.rows, tiles.cols[first : first + columns])


def columns_of_strip(
    plan: PlannedMap, readers: Mapping[str, SourceReader], most: int
) -> int:
    """Columns of tiles in a strip, so that the cache takes at most `most` bytes.

    Where a single column takes more, strips do not help: the blocks of a file may be
    whole rows. All columns make one strip then.
    """
    count = len(plan.tiles.cols)
    for strips in range(1, count + 1):
        columns = -(-count // strips)
        if cache_bytes(plan, readers, columns) <= most:
            return columns
    return count


def cache_bytes(
    plan: PlannedMap, readers: Mapping[str, SourceReader], columns: int
) -> int:
    """Bytes of the blocks that one row of tiles in a strip reads."""
    largest = plan.largest_tile
    first, last = plan.tiles.cols[0][1], plan.tiles.cols[columns - 1][1]
    pixels = range(first.start, last.stop)
    return sum(
        reader.cache_bytes(
            len(plan.job.rows.chunk(name, largest.computed_rows)),
            len(plan.job.cols.chunk(name, pixels)),
        )
        for name, reader in readers.items()
    )
