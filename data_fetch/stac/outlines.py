"""Outlines of items in degrees, also of those across the meridian of 180 degrees."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
import shapely.geometry
from odc.geo.geobox import GeoBox
from shapely import affinity

# A tile of Sentinel-2 is 110 km wide: 10 degrees in the far north, at 84 degrees.
WIDEST = 30
# An edge of a tile is curved in degrees. With points so many metres apart, it is drawn
# to less than a metre.
STEP_M = 5000

__all__ = ["footprint", "outline_of"]


def outline_of(geometry: Mapping[str, Any], grid: GeoBox | None) -> shapely.Geometry:
    """Where an item has data.

    Some catalogues do not cut an outline at the meridian of 180 degrees. It then seems
    to reach around the earth, and to show every place of its latitude.

    Args:
        geometry: The outline in GeoJSON.
        grid: Grid of a file of the item. The outline is cut to it. None if the item
            does not say where its files lie.

    Raises:
        ValueError: If it cannot be the outline of an image.

    Example:
        >>> ring = [(179.5, 0), (-179.5, 0), (-179.5, 1), (179.5, 1), (179.5, 0)]
        >>> outline_of({"type": "Polygon", "coordinates": [ring]}, None).area
        1.0
    """
    # NumPy would warn of coordinates that are refused here.
    with np.errstate(invalid="ignore"):
        shape = shapely.geometry.shape(geometry)
    # A turn more than the earth has is a way to write an outline across 180 degrees.
    corners = abs(shapely.get_coordinates(shape))
    if not (corners <= (540, 90)).all():
        raise ValueError("its outline has a corner that is not on the earth")
    outline = _cut([part for part in shapely.get_parts(shape) if part.area])
    if grid is not None:
        outline = shapely.intersection(outline, footprint(grid))
        if not outline.area:
            raise ValueError("its outline lies elsewhere than its files")
    if not outline.area:
        raise ValueError("its outline has no area on the earth")
    return outline


def footprint(grid: GeoBox) -> shapely.Geometry:
    """The ground of a grid, in degrees."""
    corners = shapely.box(*grid.boundingbox.bbox)
    to_degrees = grid.crs.transformer_to_crs("EPSG:4326")
    ring = shapely.get_coordinates(shapely.segmentize(corners, STEP_M))
    degrees = np.column_stack(to_degrees(*ring.T))
    if not np.isfinite(degrees).all():
        raise ValueError("its files lie far from the UTM zone that they are in")
    return _cut([shapely.Polygon(degrees)])


def _cut(parts: list[shapely.Geometry]) -> shapely.Geometry:
    """Polygons with longitudes from -180 to 180, cut where they cross 180 degrees."""
    earth = shapely.box(-180, -90, 180, 90)
    pieces = []
    for part in parts:
        # The shorter way from one corner to the next is meant.
        whole = shapely.make_valid(shapely.transform(part, _unwrapped))
        west, _, east, _ = whole.bounds
        if east - west > WIDEST:
            raise ValueError(f"its outline is {east - west:.0f} degrees wide")
        for turn in (-360, 0, 360):
            moved = affinity.translate(whole, turn)
            pieces.append(shapely.intersection(moved, earth))
    return shapely.union_all(pieces)


def _unwrapped(corners: np.ndarray) -> np.ndarray:
    return np.column_stack([np.unwrap(corners[:, 0], period=360), corners[:, 1]])
