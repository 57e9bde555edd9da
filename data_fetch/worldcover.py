"""ESA WorldCover 2021: a map of the world's land cover at 10 m, as labels of a scene.

The map comes in tiles of 3 x 3 degrees, longitude and latitude. Its classes become the
six of `layout.LEGEND`.
"""

import os
from collections.abc import Sequence
from math import ceil, floor

import numpy as np
from odc.geo.geobox import GeoBox

from data_fetch.areas import NO_LABEL, stripes
from tutorial_lib import arguments, rasters
from tutorial_lib.rasters import PathLike, SourceReader

BASE_URL = "https://esa-worldcover.s3.eu-central-1.amazonaws.com/v200/2021/map"
ATTRIBUTION = (
    "© ESA WorldCover project / Contains modified Copernicus Sentinel data (2021) "
    "processed by ESA WorldCover consortium"
)
LICENCE = "CC BY 4.0"

# Side of a tile in degrees.
TILE = 3
# The label of each class of WorldCover.
CLASS_OF = {80: 0, 90: 1, 20: 1, 30: 2, 50: 3, 10: 4, 40: 5}
# Bare ground, snow and ice, mangroves, moss and lichen.
OTHERS = (60, 70, 95, 100)
OTHER = 254
# Rows that are looked up at a time; the coordinates of each pixel take some memory.
LOOKED_UP = 64

__all__ = [
    "ATTRIBUTION",
    "BASE_URL",
    "LICENCE",
    "degrees_around",
    "missing_tiles_note",
    "read_labels",
    "tile_names",
    "tile_url",
]


def tile_names(bounds: Sequence[float]) -> tuple[str, ...]:
    """Names of the tiles that a box of longitude and latitude touches.

    A tile is named by its lower left corner.

    Args:
        bounds: West, south, east, north in degrees. West is larger than east if the box
            crosses the meridian of 180 degrees.

    Raises:
        TypeError: If they are not numbers.
        ValueError: If they are not four, or not on the Earth.

    Example:
        >>> tile_names((139.5, 35.2, 140.1, 36.1))
        ('N33E138', 'N36E138')
        >>> tile_names((-0.1, -0.1, 0.1, 0.1))
        ('S03W003', 'S03E000', 'N00W003', 'N00E000')
        >>> tile_names((179.9, -17, -179.9, -16))
        ('S18E177', 'S18W180')
    """
    bounds = arguments.sequence("bounds", bounds, "numbers (west, south, east, north)")
    if len(bounds) != 4:
        raise ValueError(
            f"`bounds` are {len(bounds)} numbers. Give four: west, south, east, north."
        )
    west, east = (
        arguments.number("bounds", value, least=-180, most=180) for value in bounds[::2]
    )
    south, north = (
        arguments.number("bounds", value, least=-90, most=90) for value in bounds[1::2]
    )
    if south > north:
        raise ValueError(
            f"`bounds` have the south {south} above the north {north}. Give west, "
            "south, east, north."
        )
    east += 360 if east < west else 0
    return tuple(
        f"{_hemisphere(y, 'NS', 2)}{_hemisphere((x + 180) % 360 - 180, 'EW', 3)}"
        for y in _corners(south, north)
        for x in _corners(west, east)
    )


def _corners(low: float, high: float) -> range:
    """Multiples of `TILE` at which the tiles begin that cover low to high."""
    first = floor(low / TILE)
    # A box that ends where a tile begins does not touch it.
    return range(first * TILE, max(ceil(high / TILE), first + 1) * TILE, TILE)


def _hemisphere(degrees: int, letters: str, digits: int) -> str:
    return f"{letters[degrees < 0]}{abs(degrees):0{digits}}"


def tile_url(name: str, base_url: str = BASE_URL) -> str:
    """Address of a tile.

    Example:
        >>> tile_url("N33E138").rpartition("/")[2]
        'ESA_WorldCover_10m_2021_v200_N33E138_Map.tif'
    """
    return f"{base_url}/ESA_WorldCover_10m_2021_v200_{name}_Map.tif"


def missing_tiles_note(names: Sequence[str]) -> str:
    """One sentence about tiles that do not exist; "" if there are none."""
    if not names:
        return ""
    return (
        f"WorldCover has no tile {', '.join(names)} (there is only sea, or ice in the "
        "far south): pixels there have no label."
    )


def degrees_around(grid: GeoBox) -> tuple[float, float, float, float]:
    """West, south, east, north of a grid in degrees, and one pixel around it.

    Returns:
        What `tile_names` takes. West is larger than east if the grid crosses the
        meridian of 180 degrees.

    Example:
        >>> from tutorial_lib import testing
        >>> [round(x, 2) for x in degrees_around(testing.small_grid(500, 2000))]
        [3.0, 43.31, 3.25, 43.35]
    """
    # The edges of the grid are curves in degrees, so all pixels on them are asked.
    rows, columns = np.arange(-1, grid.height + 2), np.arange(-1, grid.width + 2)
    down = np.concatenate([rows, rows, 0 * columns - 1, 0 * columns + grid.height + 1])
    across = np.concatenate([0 * rows - 1, 0 * rows + grid.width + 1, columns, columns])
    x, y = grid.transform * (across.astype(float), down.astype(float))
    east, north = grid.crs.transformer_to_crs("EPSG:4326")(x, y)
    shift = (east - east[0] + 180) % 360 - 180
    west, east = ((east[0] + s + 180) % 360 - 180 for s in (shift.min(), shift.max()))
    return tuple(map(float, (west, north.min(), east, north.max())))


def read_labels(
    paths_or_urls: PathLike | Sequence[PathLike], grid: GeoBox, rows: range
) -> np.ndarray:
    """Read labels of some rows of a scene; each pixel takes the nearest of the map.

    Pixels beside another class are left out, because they are mixed. The map is read
    one pixel around the rows, so the result does not depend on how a scene is divided
    into rows.

    Args:
        paths_or_urls: Tiles of the map: files, or addresses that GDAL reads. Where none
            of them lies, there are no labels.
        grid: Grid of the scene.
        rows: Rows of the grid.

    Returns:
        (rows, width) uint8: classes of `layout.LEGEND`, 255 for no label.

    Raises:
        OSError: If a tile cannot be read.
        ValueError: If a tile is not a map of WorldCover.
    """
    if isinstance(paths_or_urls, str | os.PathLike):
        paths_or_urls = [paths_or_urls]
    classes = np.full((len(rows) + 2, grid.width + 2), NO_LABEL, "uint8")
    around = range(rows.start - 1, rows.stop + 1)
    for path in paths_or_urls:
        with rasters.open_source(path) as tile:
            _check_tile(tile, path)
            for part in stripes(len(around), LOOKED_UP):
                found = _classes(
                    _nearest(tile, grid, around[part.start : part.stop]), path
                )
                view = classes[part.start : part.stop]
                np.copyto(view, found, where=view == NO_LABEL)
    return _without_edges(classes)


def _check_tile(tile: SourceReader, path: PathLike) -> None:
    if tile.channels != 1 or tile.dtype != np.uint8 or not tile.grid.crs:
        raise ValueError(
            f"'{path}' is not a map of WorldCover: it has {tile.channels} bands of "
            f"{tile.dtype}. Give a file ESA_WorldCover_…_Map.tif."
        )


def _nearest(tile: SourceReader, grid: GeoBox, rows: range) -> np.ndarray:
    """The tile's value at the centre of each pixel of the rows, and one on each side.

    Returns:
        (rows, width + 2) uint8, 0 outside the tile.
    """
    # Each pixel is looked up on its own. GDAL's warping would interpolate coordinates,
    # which makes the result depend on the size of the part that is warped.
    columns = np.arange(-1, grid.width + 1) + 0.5
    lines = np.arange(rows.start, rows.stop)[:, np.newaxis] + 0.5
    x, y = grid.transform * np.broadcast_arrays(columns, lines)
    x, y = grid.crs.transformer_to_crs(tile.grid.crs)(x, y)
    if tile.grid.crs.geographic:
        west = min(tile.grid.boundingbox.left, tile.grid.boundingbox.right)
        x = west + (x - west) % 360
    column, row = (np.floor(values) for values in ~tile.grid.transform * (x, y))
    height, width = tile.grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    values = np.zeros(inside.shape, "uint8")
    if inside.any():
        row, column = row[inside].astype(int), column[inside].astype(int)
        top, left = row.min(), column.min()
        window = (top, left, np.ptp(row) + 1, np.ptp(column) + 1)
        pixels = tile.read(*(int(number) for number in window))[..., 0]
        values[inside] = pixels[row - top, column - left]
    return values


def _classes(values: np.ndarray, path: PathLike) -> np.ndarray:
    table = np.zeros(256, "uint8")
    table[list(OTHERS)] = OTHER
    table[list(CLASS_OF)] = list(CLASS_OF.values())
    known = np.isin(np.arange(256), [0, *OTHERS, *CLASS_OF])
    table[0] = NO_LABEL
    if not known[values].all():
        wrong = values[~known[values]][0]
        raise ValueError(
            f"'{path}' is not a map of WorldCover: it has the value {wrong}, and its "
            f"classes are {', '.join(map(str, sorted([*CLASS_OF, *OTHERS])))}. Give a "
            "file ESA_WorldCover_…_Map.tif."
        )
    return table[values]


def _without_edges(classes: np.ndarray) -> np.ndarray:
    """Labels whose 8 neighbours have the same class or are not known.

    Args:
        classes: (height + 2, width + 2): 0 to 5, 254 for others, 255 for not known.
    """
    height, width = classes.shape[0] - 2, classes.shape[1] - 2
    around = [
        classes[y : y + height, x : x + width] for y in range(3) for x in range(3)
    ]
    labels = around[4].copy()
    for other in around:
        labels[(other != around[4]) & (other != NO_LABEL)] = NO_LABEL
    labels[labels == OTHER] = NO_LABEL
    return labels
