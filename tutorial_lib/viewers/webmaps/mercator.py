"""Places on a web map, in metres of web Mercator (EPSG:3857).

Leaflet draws this projection only. Longitudes may pass 180° here, so that a layer on
both sides of the date line stays in one piece.
"""

from dataclasses import dataclass
from math import ceil, hypot

import numpy as np
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import ProjError

from tutorial_lib.placement import crs_name
from tutorial_lib.viewers.reading import MAX_SIDE

MERCATOR = "EPSG:3857"
RADIUS = 6_378_137.0
# The map of the world is square, so it ends at this latitude.
MAX_LATITUDE = 85.0511287798066
# Straight borders of a raster are curves on the map. With this many points on each
# side, the bounds are right to a small part of a pixel.
EDGE_POINTS = 65

# Rasters below this side, in px, get up to `FINEST` map pixels for one of their own:
# their pixels lie askew on the map, and would have jagged edges.
FINE_SIDE, FINEST = 1000, 8

__all__ = ["MERCATOR", "RADIUS", "Bounds", "lon_lat", "mercator", "mercator_grid"]


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
        x = np.array([(part.left, part.right) for part in parts])
        y = np.array([(part.bottom, part.top) for part in parts])
        return cls.around(x, y)

    @property
    def size(self) -> tuple[float, float]:
        """(height, width), in metres of web Mercator."""
        return self.top - self.bottom, self.right - self.left

    @property
    def corners(self) -> list[list[float]]:
        """[[south, west], [north, east]] in degrees, the order that Leaflet uses."""
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

    Raises:
        ValueError: If the CRS is that of a plan or a machine, without a place on Earth.
    """
    try:
        move = crs.transformer_to_crs(CRS("EPSG:4326"))
    except ProjError as err:
        raise ValueError(
            f"Its CRS, {crs_name(crs)}, has no place on Earth. Write it with the CRS "
            "of its coordinates."
        ) from err
    return move(np.asarray(x), np.asarray(y))


def mercator(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Web Mercator coordinates of degrees; latitudes are clipped to the map's.

    Source:
        EPSG method 1024: spherical Mercator of geodetic latitudes, radius 6 378 137 m.
    """
    phi = np.radians(np.clip(lat, -MAX_LATITUDE, MAX_LATITUDE))
    return RADIUS * np.radians(lon), RADIUS * np.arctanh(np.sin(phi))


def degrees(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of web Mercator coordinates; inverts `mercator`.

    Example:
        >>> x, y = mercator(190.0, -17.5)
        >>> [round(float(angle), 9) for angle in degrees(x, y)]
        [190.0, -17.5]
    """
    phi = np.arctan(np.sinh(np.asarray(y) / RADIUS))
    return np.degrees(x / RADIUS), np.degrees(phi)


def mercator_grid(grid: GeoBox, shape: tuple[int, int]) -> GeoBox:
    """The web Mercator grid for a raster that was read as (height, width) = `shape`.

    Its pixels are about as large as the pixels that were read, and smaller for small
    rasters. Its sides have at most `MAX_SIDE` pixels.

    Raises:
        ValueError: If the raster has no place on the map.
    """
    bounds = _bounds(grid)
    finer = max(1, min(FINEST, FINE_SIDE // max(shape)))
    height, width = bounds.size
    pixel = hypot(height, width) / hypot(*shape) / finer
    pixel = max(pixel, max(height, width) / MAX_SIDE)
    rows, cols = (max(1, ceil(side / pixel - 1e-6)) for side in (height, width))
    transform = Affine(width / cols, 0, bounds.left, 0, -height / rows, bounds.top)
    return GeoBox((rows, cols), transform, MERCATOR)


def _bounds(grid: GeoBox) -> Bounds:
    """The smallest rectangle on the map around a raster."""
    along = np.linspace(0, 1, EDGE_POINTS)
    zero, one = np.zeros(EDGE_POINTS), np.ones(EDGE_POINTS)
    cols = np.concatenate([along, one, along[::-1], zero]) * grid.width
    rows = np.concatenate([zero, along, one, along[::-1]]) * grid.height
    lon, lat = lon_lat(*(grid.transform @ (cols, rows)), grid.crs)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError(
            f"Its corners have no longitude and latitude in {crs_name(grid.crs)}: its "
            "coordinates or its CRS are wrong. Correct them, or draw it with `show`."
        )
    bounds = Bounds.around(*mercator(np.degrees(np.unwrap(np.radians(lon))), lat))
    if bounds.bottom == bounds.top and np.abs(lat).min() < MAX_LATITUDE:
        raise ValueError(
            f"Its pixels are too small for a map in {crs_name(grid.crs)}: its "
            "coordinates or its CRS are wrong. Correct them, or draw it with `show`."
        )
    if bounds.bottom == bounds.top:
        raise ValueError(
            f"It lies beyond latitude {MAX_LATITUDE:.2f}°, where web maps end. Draw it "
            "with `show`."
        )
    return bounds
