"""Layout of the town: streets, and a kind of block between them for each quarter."""

import numpy as np
import shapely
from shapely import LineString, Polygon

from data_fetch.town.blocks import BLOCK_KINDS
from data_fetch.town.objects import Surface, Town
from data_fetch.town.placement import random_points
from data_fetch.town.streets import MAIN_WIDTH, Streets, lay_out_streets

# Shares of the kinds of blocks in each quarter.
QUARTERS = {
    "suburb": {
        "houses": 0.70,
        "courts": 0.02,
        "flats": 0.07,
        "factories": 0.03,
        "car park": 0.02,
        "square": 0.01,
        "park": 0.05,
        "wood": 0.03,
        "meadow": 0.05,
        "pitch": 0.02,
    },
    "centre": {
        "houses": 0.05,
        "courts": 0.62,
        "flats": 0.08,
        "factories": 0.03,
        "car park": 0.07,
        "square": 0.08,
        "park": 0.05,
        "meadow": 0.02,
    },
    "industry": {
        "houses": 0.06,
        "flats": 0.02,
        "factories": 0.66,
        "car park": 0.12,
        "square": 0.02,
        "wood": 0.03,
        "meadow": 0.09,
    },
}
# Middles of quarters, as shares of width and height, and their radius in metres. All
# other blocks are suburb.
CENTRES = ((0.27, 0.55), (0.71, 0.55))
INDUSTRY = ((0.10, 0.78), (0.42, 0.9), (0.6, 0.92), (0.93, 0.75))
RADIUS = 260

__all__ = ["lay_out_town"]


def lay_out_town(width_m: float, height_m: float, *, seed: int = 0) -> Town:
    """Lay out a town on a rectangle of ground, and a little beyond.

    Args:
        width_m: Width in metres, from x = 0 to the east.
        height_m: Height in metres, from y = 0 to the north.
        seed: Another seed gives another town.

    Returns:
        All objects of the town.

    Example:
        >>> town = lay_out_town(400, 300, seed=1)
        >>> len(town.buildings) <= len(town.roofs)
        True
    """
    rng = np.random.default_rng(seed)
    streets = lay_out_streets(width_m, height_m, rng)
    town = Town()
    _pave_streets(town, streets, rng)
    for block in streets.blocks:
        shares = QUARTERS[_quarter(block, width_m, height_m)]
        kind = rng.choice(list(shares), p=list(shares.values()))
        BLOCK_KINDS[kind](town, block, rng)
    _add_river(town, streets, rng)
    _add_traffic(town, streets, rng)
    return town


def _quarter(block: Polygon, width_m: float, height_m: float) -> str:
    """Name of the quarter that a block lies in."""
    here = np.array(block.centroid.coords[0])
    for quarter, middles in (("centre", CENTRES), ("industry", INDUSTRY)):
        away = here - np.array(middles) * (width_m, height_m)
        if np.hypot(*away.T).min() < RADIUS:
            return quarter
    return "suburb"


def _pave_streets(town: Town, streets: Streets, rng: np.random.Generator) -> None:
    """Add all streets except the main streets, with a line of paint."""
    for line in streets.lines:
        # Asphalt is wider than the street: the blocks are painted later and cover the
        # rest of it.
        gain = np.exp(rng.normal(0, 0.09))
        town.ground.append(Surface(line.buffer(8), "asphalt", gain))
        town.ground.append(Surface(line.buffer(0.4), "paint", 0.95))


def _add_river(town: Town, streets: Streets, rng: np.random.Generator) -> None:
    """Add banks and water, and the main streets that cross them as bridges."""
    town.ground.append(Surface(streets.banks, "meadow"))
    town.ground.append(Surface(streets.river, "water"))
    for line in streets.main_lines:
        gain = np.exp(rng.normal(-0.03, 0.06))
        half_width = MAIN_WIDTH / 2
        town.ground.append(Surface(line.buffer(half_width), "asphalt", gain))
        # Both lanes are darker than the middle of the street.
        for side in (-1, 1):
            lane = line.parallel_offset(half_width / 2, "left" if side < 0 else "right")
            town.ground.append(Surface(lane.buffer(0.9), "asphalt", gain * 0.88))
        town.ground.append(Surface(line.buffer(0.5), "paint", 1.05))
    green = streets.banks.difference(streets.river.buffer(3))
    main = shapely.union_all(shapely.buffer(streets.main_lines, MAIN_WIDTH / 2 + 3))
    green = green.difference(main)
    points = random_points(green, int(shapely.box(*green.bounds).area / 90), rng)
    town.add_trees(points, rng.uniform(2, 4.5, len(points)))


def _add_traffic(town: Town, streets: Streets, rng: np.random.Generator) -> None:
    """Add cars on all streets, and trees on the pavements of some streets."""
    water = streets.river.buffer(2)
    for line in streets.main_lines:
        _add_cars_along(town, line, 45, rng)
    for line in streets.lines:
        line = line.difference(water)
        for part in shapely.get_parts(line):
            _add_cars_along(town, part, 70, rng)
            if rng.random() < 0.45:
                _add_street_trees(town, part, rng)


def _add_cars_along(
    town: Town, line: LineString, spacing: float, rng: np.random.Generator
) -> None:
    """Add cars along a street: on both lanes, and parked on both sides."""
    places = np.arange(rng.uniform(0, spacing), line.length, spacing / 2)
    places = places + rng.uniform(0, spacing / 3, len(places))
    sides = rng.choice([-4.2, -2.2, 2.2, 4.2], len(places))
    points, angles = _points_beside(line, places, sides)
    town.add_cars(points, angles, rng, material="car on a road")


def _add_street_trees(town: Town, line: LineString, rng: np.random.Generator) -> None:
    """Add a row of trees on both pavements of a street, with gaps."""
    places = np.arange(16, line.length - 16, rng.uniform(9, 14))
    for side in (-6.4, 6.4):
        kept = places[rng.random(len(places)) < 0.75]
        points, _ = _points_beside(line, kept, np.full(len(kept), side))
        town.add_trees(points, rng.uniform(2, 3.2, len(points)))


def _points_beside(
    line: LineString, places: np.ndarray, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points beside a line, and the line's direction at each.

    Args:
        line: The line.
        places: Distances (n,) from its start, in metres.
        sides: Distances (n,) from the line, positive on its left.

    Returns:
        Points (n, 2) and angles (n,).
    """
    before, behind = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, places + step))
        for step in (-2, 2)
    )
    step = behind - before
    angles = np.arctan2(step[:, 1], step[:, 0])
    normals = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)
    return (before + behind) / 2 + normals * sides[:, np.newaxis], angles
