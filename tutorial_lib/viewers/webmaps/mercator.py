"""Where things are on a map of the web: in metres of web Mercator (EPSG:3857).

Leaflet draws this projection only. Longitudes may pass 180° here, so that what crosses
the date line stays in one piece.
"""

from dataclasses import dataclass
from math import ceil, hypot, log2, pi

import numpy as np
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

MERCATOR = "EPSG:3857"
RADIUS = 6_378_137.0
# Beyond, the square world of web maps ends.
MAX_LATITUDE = 85.0511287798066
# Side of the world at zoom 0, px.
TILE = 256

# A border of a raster is bent on the map: so many points on each side describe it to a
# small part of a pixel.
EDGE_POINTS = 65

# Longest side of what is drawn, and how much finer than its source it may be: pixels of
# a small raster, which lie askew on the map, keep straight edges.
MAX_SIDE = 1600
FINE_SIDE, FINEST = 1000, 8

__all__ = [
    "MERCATOR",
    "Bounds",
    "lon_lat",
    "mercator",
    "mercator_grid",
    "pixel_side",
    "zoom_of",
]


@dataclass(frozen=True)
class Bounds:
    """A rectangle on the map, in metres of web Mercator."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, x: np.ndarray, y: np.ndarray) -> "Bounds":
        """The smallest rectangle around points."""
        return cls(*(float(side) for side in (x.min(), y.min(), x.max(), y.max())))

    @classmethod
    def union(cls, parts: "list[Bounds]") -> "Bounds":
        """The smallest rectangle around rectangles."""
        sides = np.array([(p.left, p.bottom, p.right, p.top) for p in parts])
        return cls(*sides[:, :2].min(axis=0).tolist(), *sides[:, 2:].max(axis=0))

    @property
    def corners(self) -> list[list[float]]:
        """[[south, west], [north, east]] in degrees, as Leaflet wants it."""
        west, south = degrees(self.left, self.bottom)
        east, north = degrees(self.right, self.top)
        return [[float(south), float(west)], [float(north), float(east)]]

    def touches(self, other: "Bounds") -> bool:
        """Whether two rectangles have a point in common."""
        return (
            max(self.left, other.left) <= min(self.right, other.right)
            and max(self.bottom, other.bottom) <= min(self.top, other.top)
        )  # fmt: skip


def lon_lat(x: np.ndarray, y: np.ndarray, crs: CRS) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of coordinates; not finite where there are none.

    Example:
        >>> lon, lat = lon_lat(500_000.0, 0.0, CRS("EPSG:32633"))
        >>> round(float(lon), 9), round(float(lat), 9)
        (15.0, 0.0)
    """
    return crs.transformer_to_crs(CRS("EPSG:4326"))(np.asarray(x), np.asarray(y))


def mercator(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Web Mercator of degrees; latitudes end where the map does.

    Source:
        EPSG method 1024: spherical Mercator of geodetic latitudes, radius 6 378 137 m.
    """
    phi = np.radians(np.clip(lat, -MAX_LATITUDE, MAX_LATITUDE))
    return RADIUS * np.radians(lon), RADIUS * np.arctanh(np.sin(phi))


def degrees(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of web Mercator; the inverse of `mercator`.

    Example:
        >>> x, y = mercator(190.0, -17.5)
        >>> [round(float(angle), 9) for angle in degrees(x, y)]
        [190.0, -17.5]
    """
    return np.degrees(x / RADIUS), np.degrees(
        np.arctan(np.sinh(np.asarray(y) / RADIUS))
    )


def mercator_grid(grid: GeoBox, shape: tuple[int, int]) -> GeoBox:
    """Pixels on the map for a raster that was read as (height, width) = `shape`.

    They are about as large as those that were read, and at most `MAX_SIDE` a side;
    small rasters get smaller ones.

    Raises:
        ValueError: If the raster lies where the map has no place.
    """
    bounds = _bounds(grid)
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    finer = max(1, min(FINEST, FINE_SIDE // max(shape)))
    pixel = hypot(width, height) / hypot(*shape) / finer
    pixel = max(pixel, max(width, height) / MAX_SIDE)
    rows, cols = (max(1, ceil(side / pixel - 1e-6)) for side in (height, width))
    transform = Affine(width / cols, 0, bounds.left, 0, -height / rows, bounds.top)
    return GeoBox((rows, cols), transform, MERCATOR)


def pixel_side(grid: GeoBox, shape: tuple[int, int]) -> float:
    """Side of a pixel on the map, about, where (height, width) cover a grid, in metres.

    Example:
        >>> pixel_side(GeoBox((6, 8), Affine(5, 0, 0, 0, -5, 0), MERCATOR), (3, 4))
        10.0
    """
    width, height = grid.width * grid.transform.a, grid.height * grid.transform.e
    return hypot(width, height) / hypot(*shape)


def zoom_of(side: float, pixels: float) -> float:
    """Zoom of Leaflet at which so many metres of the map are so many pixels.

    Source:
        The tile scheme of web maps: at zoom 0 the world is 256 pixels wide, and each
        level doubles them.

    Example:
        >>> zoom_of(2 * np.pi * RADIUS, 1024)
        2.0
    """
    return log2(pixels / TILE * 2 * pi * RADIUS / side)


def _bounds(grid: GeoBox) -> Bounds:
    """The smallest rectangle on the map around a raster, whose sides it bends."""
    along = np.linspace(0, 1, EDGE_POINTS)
    zero, one = np.zeros(EDGE_POINTS), np.ones(EDGE_POINTS)
    cols = np.concatenate([along, one, along[::-1], zero]) * grid.width
    rows = np.concatenate([zero, along, one, along[::-1]]) * grid.height
    lon, lat = lon_lat(*(grid.transform @ (cols, rows)), grid.crs)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError(
            f"Its corners have no longitude and latitude in {grid.crs}: its "
            "coordinates or its CRS are wrong. Correct them, or draw it with `show`."
        )
    bounds = Bounds.around(*mercator(np.degrees(np.unwrap(np.radians(lon))), lat))
    if bounds.bottom == bounds.top:
        raise ValueError(
            f"It lies beyond latitude {MAX_LATITUDE:.2f}°, where maps of the web end. "
            "Draw it with `show`."
        )
    return bounds
