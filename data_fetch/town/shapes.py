"""Shapes that the town is drawn with: rectangles, round shapes, bent lines."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import shapely
from shapely import LineString, Polygon

Shape = TypeVar("Shape", Polygon, LineString)

__all__ = ["blob", "polygon_parts", "random_bend", "rectangles", "rotate"]


def rectangles(
    centres: np.ndarray,
    lengths: np.ndarray | float,
    depths: np.ndarray | float,
    angles: np.ndarray | float,
) -> np.ndarray:
    """Rectangles as polygons.

    Args:
        centres: (n, 2) coordinates.
        lengths: Side along the angle, in metres.
        depths: Side across the angle, in metres.
        angles: Counterclockwise from east, in radians.

    Returns:
        (n,) polygons; the first side is on the right of the angle's direction.

    Example:
        >>> box = rectangles(np.array([[10.0, 5.0]]), 4, 2, np.pi / 2)[0]
        >>> [round(value) for value in box.bounds]
        [9, 3, 11, 7]
    """
    count = len(centres)
    sides = np.stack([np.broadcast_to(lengths, count), np.broadcast_to(depths, count)])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    local = corners * sides.T[:, np.newaxis]
    return shapely.polygons(centres[:, np.newaxis] + rotate(local, angles))


def rotate(vectors: np.ndarray, angles: np.ndarray | float) -> np.ndarray:
    """Vectors (..., 2) rotated counterclockwise.

    Args:
        vectors: Vectors (..., 2).
        angles: One angle in radians, or one for each entry of the first axis.

    Example:
        >>> rotate(np.array([1.0, 0.0]), np.pi / 2).round(6).tolist()
        [0.0, 1.0]
    """
    angles = np.asarray(angles, float)
    angles = angles.reshape(angles.shape + (1,) * (vectors.ndim - 1 - angles.ndim))
    x, y = vectors[..., 0], vectors[..., 1]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def blob(x: float, y: float, radius: float, rng: np.random.Generator) -> Polygon:
    """An irregular round shape, like a pond or a grove."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radii = np.full(40, 1.0)
    for waves in (2, 3, 4):
        height, phase = rng.uniform(0, 0.3 / waves), rng.uniform(0, 2 * np.pi)
        radii += height * np.cos(waves * angles + phase)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * radii[:, np.newaxis]
    return Polygon(ring * radius + np.array([x, y]))


def polygon_parts(shape: shapely.Geometry, smallest: float = 0) -> list[Polygon]:
    """The polygons in a shape that have at least `smallest` square metres."""
    pieces = shapely.get_parts(shape)
    polygons = pieces[shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON]
    return list(polygons[shapely.area(polygons) >= max(smallest, 1e-6)])


def random_bend(rng: np.random.Generator) -> Callable[[Shape], Shape]:
    """A function that bends shapes by some metres over hundreds of metres.

    Straight streets become slightly curved. Lines get a point every 20 m first.
    """
    waves = rng.normal(0, 1 / 180, (3, 2))
    phases = rng.uniform(0, 2 * np.pi, (3, 2))

    def move(points: np.ndarray) -> np.ndarray:
        angles = points @ waves.T
        return points + 7 * np.sin(angles[..., np.newaxis] + phases).sum(axis=-2)

    def bend(shape: Shape) -> Shape:
        return shapely.transform(shapely.segmentize(shape, 20), move)

    return bend
