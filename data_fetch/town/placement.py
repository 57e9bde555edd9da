"""Points at which objects stand: along streets, on a grid, or at random."""

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.shapes import polygon_parts, rotate

__all__ = ["grid_points", "non_overlapping", "points_along_streets", "random_points"]


def random_points(ground: Polygon, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most `count` random points (n, 2) inside a shape.

    The points are drawn in the bounding box; those outside the shape are dropped.

    Example:
        >>> corner = Polygon([(0, 0), (9, 0), (0, 9)])
        >>> points = random_points(corner, 100, np.random.default_rng(0))
        >>> len(points) < 100, bool((points.sum(axis=1) < 9).all())
        (True, True)
    """
    if ground.is_empty:
        return np.empty((0, 2))
    left, bottom, right, top = ground.bounds
    points = rng.uniform((left, bottom), (right, top), (count, 2))
    return points[shapely.contains_xy(ground, points)]


def points_along_streets(
    block: Polygon, inset: float, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Points along the streets around a block, one after the other.

    Args:
        block: The block.
        inset: Distance of the points from the street, in metres.
        lengths: Metres of street for each point. Give more than fit; the rest is not
            used.

    Returns:
        Points (n, 2), and for each the direction (n,) that has the street on its
        right. None if the block is too small.

    Example:
        >>> block, lengths = shapely.box(0, 0, 50, 30), np.full(9, 10.0)
        >>> points, angles = points_along_streets(block, 10, lengths)
        >>> points.min(axis=0).round() >= 10, points.max(axis=0).round() <= [40, 20]
        (array([ True,  True]), array([ True,  True]))
    """
    rings = polygon_parts(block.buffer(-inset), 50)
    if not rings:
        return None
    ring = max(rings, key=lambda ring: ring.area).exterior
    middles = np.cumsum(lengths) - lengths / 2
    middles = middles[middles + lengths / 2 < ring.length]
    # The direction at a point is measured from 4 m before it to 4 m after it.
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(ring, middles + side))
        for side in (-4, 4)
    ]
    step = ends[1] - ends[0]
    angles = np.arctan2(step[:, 1], step[:, 0])
    if not ring.is_ccw:
        angles = angles + np.pi
    return (ends[0] + ends[1]) / 2, angles


def grid_points(
    block: Polygon, spacing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Points of a regular grid that is parallel to the long side of a block.

    Args:
        block: The block.
        spacing: Distance of the points along and across the long side, in metres.
        rng: For a random rotation by one or two degrees.

    Returns:
        Points (n, 2) around the block's middle, at least one, and the grid's angle.

    Example:
        >>> rng, spacing = np.random.default_rng(0), np.array([30, 20])
        >>> points, angle = grid_points(shapely.box(0, 0, 90, 40), spacing, rng)
        >>> points.shape, points.mean(axis=0).round().tolist()
        ((6, 2), [45.0, 20.0])
    """
    outline = np.array(shapely.oriented_envelope(block).exterior.coords)
    sides = np.diff(outline[:3], axis=0)
    long = sides[np.argmax(np.hypot(*sides.T))]
    angle = np.arctan2(long[1], long[0]) + np.radians(rng.normal(0, 1.5))
    extent = np.sort(np.hypot(*sides.T))[::-1]
    counts = np.maximum(extent // spacing, 1)
    u, v = (
        (np.arange(n) - (n - 1) / 2) * s for n, s in zip(counts, spacing, strict=True)
    )
    points = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    return rotate(points, angle) + outline[:4].mean(axis=0), angle


def non_overlapping(boxes: np.ndarray, ground: Polygon) -> np.ndarray:
    """Mask (n,) of the shapes that lie on the ground and do not touch an earlier one.

    Example:
        >>> boxes = np.array([shapely.box(x, 0, x + 4, 4) for x in (0, 2, 5, 8)])
        >>> non_overlapping(boxes, shapely.box(-1, -1, 12, 5)).tolist()
        [True, False, True, False]
    """
    kept = shapely.contains(ground, boxes)
    pairs = shapely.STRtree(boxes).query(boxes, "intersects").T
    for later, earlier in sorted(pairs.tolist()):
        if earlier < later and kept[earlier]:
            kept[later] = False
    return kept
