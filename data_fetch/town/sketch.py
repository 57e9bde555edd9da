"""What is painted when the town is seen from above, in the order of painting."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.shapes import rectangles, turn

ROOFS = ("dark roof", "tile roof", "bright roof", "green roof")
FLAT_SHARES = (0.48, 0.0, 0.36, 0.16)
GABLE_SHARES = (0.48, 0.42, 0.05, 0.05)
# Direction that the sun stands in, clockwise from north, and its height.
SUN_AZIMUTH = np.radians(152)
SUN_ELEVATION = np.radians(40)
# How much brighter a slope is that faces the sun, how much darker one that turns away.
SLOPE_CONTRAST = 0.2

__all__ = ["SUN_AZIMUTH", "SUN_ELEVATION", "Sketch", "Surface", "corners"]


class Surface(NamedTuple):
    """One shape of one material; `gain` makes it brighter or darker than others."""

    shape: Polygon
    material: str
    gain: float = 1.0


@dataclass(frozen=True)
class Sketch:
    """Lists that grow while the town is drawn.

    Attributes:
        ground: Surfaces on the ground; later ones cover earlier ones.
        roofs: Surfaces of roofs, which cover all else.
        walls: (outline, height in metres) of each building.
        trees: (x, y, radius) of each crown.
    """

    ground: list[Surface] = field(default_factory=list)
    roofs: list[Surface] = field(default_factory=list)
    walls: list[tuple[Polygon, float]] = field(default_factory=list)
    trees: list[tuple[float, float, float]] = field(default_factory=list)

    def add_roofs(
        self,
        boxes: np.ndarray,
        heights: np.ndarray,
        rng: np.random.Generator,
        *,
        gabled: bool,
    ) -> None:
        """Put buildings on rectangles (n, 4, 2); a gable runs along the first side."""
        shares = GABLE_SHARES if gabled else FLAT_SHARES
        for box, height in zip(boxes, heights, strict=True):
            material = ROOFS[rng.choice(len(ROOFS), p=shares)]
            gain = np.exp(rng.normal(0, 0.17))
            self.walls.append((Polygon(box), height))
            if not gabled:
                self.roofs.append(Surface(Polygon(box), material, gain))
                continue
            for half, light in _slopes(box):
                self.roofs.append(Surface(Polygon(half), material, gain * light))

    def add_trees(self, points: np.ndarray, radii: np.ndarray) -> None:
        """Plant trees at points (n, 2)."""
        self.trees.extend(zip(*points.T.tolist(), radii.tolist(), strict=True))

    def add_cars(
        self,
        points: np.ndarray,
        angles: np.ndarray | float,
        rng: np.random.Generator,
        *,
        material: str = "car",
    ) -> None:
        """Put cars at points (n, 2): many white or silver, some dark."""
        gains = rng.choice([0.35, 0.6, 1.1, 1.9, 2.6], len(points))
        cars = rectangles(points, 4.6, 1.9, angles)
        self.ground.extend(
            Surface(car, material, gain)
            for car, gain in zip(cars, gains.tolist(), strict=True)
        )


def _slopes(box: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Both halves of a gable roof and how bright the sun makes each."""
    first, second = (box[0] + box[3]) / 2, (box[1] + box[2]) / 2
    away = turn(box[1] - box[0], -np.pi / 2)
    facing = np.pi / 2 - np.arctan2(away[1], away[0])
    light = SLOPE_CONTRAST * np.cos(facing - SUN_AZIMUTH)
    near = np.array([box[0], box[1], second, first])
    far = np.array([first, second, box[2], box[3]])
    return [(near, 1 + light), (far, 1 - light)]


def corners(shapes: np.ndarray) -> np.ndarray:
    """Corners (n, 4, 2) of rectangles, in the order that `rectangles` gives them."""
    points = shapely.get_coordinates(shapes).reshape(-1, 5, 2)
    return points[:, :4]
