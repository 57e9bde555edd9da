"""Where things stand on a block: along its streets, on a grid, or anywhere."""

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.shapes import parts, turn

__all__ = ["along", "apart", "grid", "scatter"]


def scatter(ground: Polygon, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random points (n, 2) inside a shape, `count` at most.

    Example:
        >>> corner = Polygon([(0, 0), (9, 0), (0, 9)])
        >>> points = scatter(corner, 100, np.random.default_rng(0))
        >>> len(points) < 100, bool((points.sum(axis=1) < 9).all())
        (True, True)
    """
    if ground.is_empty:
        return np.empty((0, 2))
    left, bottom, right, top = ground.bounds
    points = rng.uniform((left, bottom), (right, top), (count, 2))
    return points[shapely.contains_xy(ground, points)]


def along(
    block: Polygon, inset: float, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Places along the streets of a block, one after the other.

    Args:
        block: The block.
        inset: Metres from the street.
        steps: Metres that each place takes; more of them than fit.

    Returns:
        Points (n, 2) and the directions (n,) that have the street on their right, or
        None where the block is too small.

    Example:
        >>> points, angles = along(shapely.box(0, 0, 50, 30), 10, np.full(9, 10.0))
        >>> points.min(axis=0).round() >= 10, points.max(axis=0).round() <= [40, 20]
        (array([ True,  True]), array([ True,  True]))
    """
    rings = parts(block.buffer(-inset), 50)
    if not rings:
        return None
    ring = max(rings, key=lambda ring: ring.area).exterior
    middles = np.cumsum(steps) - steps / 2
    middles = middles[middles + steps / 2 < ring.length]
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(ring, middles + side))
        for side in (-4, 4)
    ]
    step = ends[1] - ends[0]
    angles = np.arctan2(step[:, 1], step[:, 0])
    if not ring.is_ccw:
        angles = angles + np.pi
    return (ends[0] + ends[1]) / 2, angles


def grid(
    block: Polygon, spacing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Points of a grid that lies as a block does.

    Args:
        block: The block.
        spacing: Distance of the points along and across its long side, in metres.
        rng: For a turn by a degree or two.

    Returns:
        Points (n, 2) around the block's middle, at least one, and the grid's angle.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> points, angle = grid(shapely.box(0, 0, 90, 40), np.array([30, 20]), rng)
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
    return turn(points, angle) + outline[:4].mean(axis=0), angle


def apart(boxes: np.ndarray, ground: Polygon) -> np.ndarray:
    """Which shapes lie on the ground and touch none that was taken before.

    Example:
        >>> boxes = np.array([shapely.box(x, 0, x + 4, 4) for x in (0, 2, 5, 8)])
        >>> apart(boxes, shapely.box(-1, -1, 12, 5)).tolist()
        [True, False, True, False]
    """
    kept = shapely.contains(ground, boxes)
    pairs = shapely.STRtree(boxes).query(boxes, "intersects").T
    for later, earlier in sorted(pairs.tolist()):
        if earlier < later and kept[earlier]:
            kept[later] = False
    return kept
