"""Objects of the town: surfaces, buildings, trees and cars, in their painting order."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.shapes import rectangles, rotate

ROOFS = ("dark roof", "tile roof", "bright roof", "green roof")
# Shares of the roof materials, in the order of `ROOFS`.
FLAT_ROOF_SHARES = (0.48, 0.0, 0.36, 0.16)
GABLED_ROOF_SHARES = (0.48, 0.42, 0.05, 0.05)
# Direction of the sun, clockwise from north, and its angle above the horizon.
SUN_AZIMUTH = np.radians(152)
SUN_ELEVATION = np.radians(40)
# A roof slope is brighter by this share when it faces the sun, and darker by the same
# share when it faces away.
SLOPE_CONTRAST = 0.2

__all__ = [
    "SUN_AZIMUTH",
    "SUN_ELEVATION",
    "Building",
    "Surface",
    "Town",
    "Tree",
    "corners_of",
]


class Surface(NamedTuple):
    """A shape of one material; its spectrum is multiplied by `gain`."""

    shape: Polygon
    material: str
    gain: float = 1.0


class Building(NamedTuple):
    """Outline of a building and its height in metres."""

    outline: Polygon
    height: float


class Tree(NamedTuple):
    """Centre and radius of a tree's crown, in metres."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Town:
    """All objects of a town; the lists grow while the town is laid out.

    Attributes:
        ground: Surfaces on the ground; a later one covers an earlier one.
        roofs: Surfaces of roofs; they cover the ground and the trees.
        buildings: Outlines and heights, for the shadows.
        trees: Crowns of the trees.
    """

    ground: list[Surface] = field(default_factory=list)
    roofs: list[Surface] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)

    def add_buildings(
        self,
        boxes: np.ndarray,
        heights: np.ndarray,
        rng: np.random.Generator,
        *,
        gabled: bool,
    ) -> None:
        """Add a building on each rectangle.

        Args:
            boxes: Corners (n, 4, 2); a gable runs along the first side.
            heights: Heights (n,) in metres.
            rng: For material and brightness of the roofs.
            gabled: Whether the roofs have two slopes, or are flat.
        """
        shares = GABLED_ROOF_SHARES if gabled else FLAT_ROOF_SHARES
        for box, height in zip(boxes, heights, strict=True):
            material = ROOFS[rng.choice(len(ROOFS), p=shares)]
            gain = np.exp(rng.normal(0, 0.17))
            self.buildings.append(Building(Polygon(box), height))
            if not gabled:
                self.roofs.append(Surface(Polygon(box), material, gain))
                continue
            for slope, light in _slopes(box):
                self.roofs.append(Surface(Polygon(slope), material, gain * light))

    def add_trees(self, points: np.ndarray, radii: np.ndarray) -> None:
        """Add a tree at each point (n, 2), with the radius (n,) of its crown."""
        trees = zip(*points.T.tolist(), radii.tolist(), strict=True)
        self.trees.extend(Tree(*tree) for tree in trees)

    def add_cars(
        self,
        points: np.ndarray,
        angles: np.ndarray | float,
        rng: np.random.Generator,
        *,
        material: str = "car",
    ) -> None:
        """Add a car at each point (n, 2): many white or silver, some dark."""
        gains = rng.choice([0.35, 0.6, 1.1, 1.9, 2.6], len(points))
        cars = rectangles(points, 4.6, 1.9, angles)
        self.ground.extend(
            Surface(car, material, gain)
            for car, gain in zip(cars, gains.tolist(), strict=True)
        )


def _slopes(box: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Both halves of a gabled roof, each with its brightness in the sun."""
    first, second = (box[0] + box[3]) / 2, (box[1] + box[2]) / 2
    away = rotate(box[1] - box[0], -np.pi / 2)
    facing = np.pi / 2 - np.arctan2(away[1], away[0])
    light = SLOPE_CONTRAST * np.cos(facing - SUN_AZIMUTH)
    near = np.array([box[0], box[1], second, first])
    far = np.array([first, second, box[2], box[3]])
    return [(near, 1 + light), (far, 1 - light)]


def corners_of(shapes: np.ndarray) -> np.ndarray:
    """Corners (n, 4, 2) of rectangles, in the order of `rectangles`."""
    points = shapely.get_coordinates(shapes).reshape(-1, 5, 2)
    return points[:, :4]
