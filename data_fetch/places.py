"""Places on the earth, and the Sentinel-2 grid of 10 m pixels over them."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyogrio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from pyproj.exceptions import ProjError

from tutorial_lib import arguments
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import root_cause

# Sentinel-2 files are in UTM, which ends here.
SOUTHERNMOST, NORTHERNMOST = -80.0, 84.0
# All Sentinel-2 tiles have their corners on multiples of 20 m. So pixels of 10 m and of
# 20 m are copied, and never resampled.
SPACING_M, SNAP_M = 10, 20
# Three areas with gaps of 16 pixels and more need some room.
SHORTEST_SIDE_M, LONGEST_SIDE_M = 640, 200_000
# A straight edge becomes a curve when it is projected. With this many points, the
# polygon differs from the curve by less than a metre for the longest side.
POINTS_PER_EDGE = 200

__all__ = ["Place", "grid_of", "place_of", "utm_code"]


class Place(NamedTuple):
    """A place on the earth.

    Attributes:
        outline: The place in longitude and latitude, in degrees.
        name: What the user gave, for messages: "the box 12.9 52.4 13.1 52.5".
    """

    outline: shapely.Geometry
    name: str

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return tuple(float(one) for one in self.outline.bounds)


def place_of(bbox: Any = None, area: PathLike | None = None) -> Place:
    """A place, from a bounding box or from a file with a polygon.

    Args:
        bbox: West, south, east, north in degrees.
        area: A file with polygons, in place of the box. GeoJSON is in longitude and
            latitude; other formats of OGR may have any CRS.

    Raises:
        TypeError: If a value is of a wrong type.
        ValueError: If the place cannot be one of Sentinel-2, or is missing, or given
            twice.
        OSError: If the file cannot be read.

    Example:
        >>> place_of((12.9, 52.4, 13.1, 52.5)).bounds
        (12.9, 52.4, 13.1, 52.5)
    """
    if (bbox is None) == (area is None):
        raise ValueError(
            "Give the place once: `--bbox WEST SOUTH EAST NORTH` in degrees, or "
            "`--area FILE.geojson`."
        )
    if bbox is not None:
        return _place_of_box(bbox)
    return _place_of_file(arguments.file_path("area", area))


def _place_of_box(bbox: Any) -> Place:
    sides = arguments.sequence("bbox", bbox, "four numbers")
    if len(sides) != 4:
        raise ValueError(
            f"`bbox` has {len(sides)} numbers. Give four: west, south, east, north."
        )
    west, south, east, north = (arguments.number("bbox", side) for side in sides)
    shown = f"{west:g} {south:g} {east:g} {north:g}"
    order = "Give west, south, east, north in degrees, for example 12.9 52.4 13.1 52.5."
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise ValueError(f"The box {shown} is not on the earth. {order}")
    if south >= north:
        raise ValueError(
            f"The box {shown} has its south at {south:g} and its north at {north:g}. "
            f"{order}"
        )
    if west >= east:
        raise ValueError(
            f"The box {shown} has its west at {west:g} and its east at {east:g}. "
            f"{order} For a place across 180°, fetch its two parts one after the other."
        )
    return _checked(Place(shapely.box(west, south, east, north), f"the box {shown}"))


def _place_of_file(path: Path) -> Place:
    shapes, crs = _read(path)
    kept = [shapely.make_valid(shape) for shape in shapes if shape is not None]
    if not any(shape.area for shape in kept):
        raise ValueError(
            f"'{path}' has no polygon. Draw one around your place, for example with "
            "geojson.io or QGIS."
        )
    if crs is None:
        raise ValueError(
            f"'{path}' has no coordinate reference system. Save it as GeoJSON."
        )
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    try:
        outline = _moved(shapely.union_all(kept), to_degrees)
    except (ProjError, shapely.errors.GEOSException) as err:
        raise ValueError(
            f"The polygon in '{path}' cannot be placed on the earth: "
            f"{root_cause(err)}. GeoJSON has the longitude first, then the latitude, "
            "in degrees."
        ) from err
    return _checked(Place(outline, f"the area in '{path}'"))


def _read(path: Path) -> tuple[np.ndarray, str | None]:
    """Geometries and CRS of a vector file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file '{path}'. Give the path of a GeoJSON file with a "
            "polygon around your place."
        )
    try:
        about, _, geometry, _ = pyogrio.raw.read(path, columns=[], force_2d=True)
        return shapely.from_wkb(geometry), about["crs"]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FieldError) as err:
        cause = str(err).rstrip(".")
    except (shapely.errors.ShapelyError, TypeError, ValueError) as err:
        cause = root_cause(err)
    raise ValueError(
        f"'{path}' cannot be read as a vector file: {cause}. Save the polygon as "
        "GeoJSON."
    )


def _checked(place: Place) -> Place:
    bounds = place.bounds
    if not all(math.isfinite(side) for side in bounds):
        raise ValueError(f"The place is {place.name}, which is not on the earth.")
    west, south, east, north = bounds
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ValueError(
            f"The place is {place.name}: longitudes {west:g} to {east:g} and latitudes "
            f"{south:g} to {north:g} are not on the earth. The longitude comes first, "
            "then the latitude, in degrees."
        )
    if south < SOUTHERNMOST or north > NORTHERNMOST:
        raise ValueError(
            f"The place is {place.name}: its latitudes are {south:g} to {north:g}. "
            f"Sentinel-2 grids reach from {SOUTHERNMOST:g} to {NORTHERNMOST:g}: choose "
            "a place between them."
        )
    if east - west > 180:
        raise ValueError(
            f"The place is {place.name}: it reaches from longitude {west:g} to "
            f"{east:g}. For a place across 180°, fetch its two parts one after the "
            "other."
        )
    # Its size is checked in its own UTM zone.
    grid_of(place, utm_code(place))
    return place


def utm_code(place: Place) -> int:
    """EPSG code of the UTM zone in which the middle of a place lies.

    Example:
        >>> utm_code(place_of((12.9, 52.4, 13.1, 52.5)))
        32633
    """
    west, south, east, north = place.bounds
    zone = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return (32600 if south + north >= 0 else 32700) + zone


def grid_of(place: Place, epsg: int) -> GeoBox:
    """The grid of 10 m pixels over the rectangle around a place.

    Args:
        place: The place.
        epsg: EPSG code of a UTM zone.

    Returns:
        A grid with an even number of rows and columns, whose corners are multiples of
        20 m.

    Raises:
        ValueError: If a side is too short or too long.

    Example:
        >>> grid = grid_of(place_of((12.9, 52.4, 13.1, 52.5)), 32633)
        >>> tuple(grid.shape), tuple(grid.boundingbox)
        ((1150, 1388), (357140.0, 5807220.0, 371020.0, 5818720.0))
    """
    to_utm = Transformer.from_crs("EPSG:4326", f"EPSG:{epsg}", always_xy=True)
    try:
        sides = _moved(place.outline, to_utm).bounds
    except ProjError as err:
        raise ValueError(
            f"The place is {place.name}, which is too far from the UTM zone "
            f"EPSG:{epsg}. Choose a smaller place."
        ) from err
    # Rounded, not enlarged: a rectangle that was drawn in UTM gets its own grid again,
    # although its corners went through degrees.
    west, south, east, north = (round(side / SNAP_M) * SNAP_M for side in sides)
    _check_size(place, east - west, north - south)
    shape = ((north - south) // SPACING_M, (east - west) // SPACING_M)
    corner = Affine.translation(west, north) @ Affine.scale(SPACING_M, -SPACING_M)
    return GeoBox(shape, corner, f"EPSG:{epsg}")


def _check_size(place: Place, width_m: int, height_m: int) -> None:
    size = f"{width_m / 1000:.2f} km wide and {height_m / 1000:.2f} km high"
    if min(width_m, height_m) < SHORTEST_SIDE_M:
        raise ValueError(
            f"The place is {place.name}: it is {size}. Choose one of at least "
            f"{SHORTEST_SIDE_M} m on each side; 10 km are good for a first scene."
        )
    if max(width_m, height_m) > LONGEST_SIDE_M:
        raise ValueError(
            f"The place is {place.name}: it is {size}. Choose one of at most "
            f"{LONGEST_SIDE_M / 1000:.0f} km on each side, or fetch it in parts."
        )


def _moved(shape: shapely.Geometry, transformer: Transformer) -> shapely.Geometry:
    """A shape in another CRS, with points along its edges."""
    west, south, east, north = shape.bounds
    step = max(east - west, north - south) / POINTS_PER_EDGE
    dense = shapely.segmentize(shape, step) if step > 0 else shape

    def move(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(*points.T, errcheck=True))

    return shapely.transform(dense, move)
