"""The plan of the town: streets, and on each block what the quarter is like."""

import numpy as np
import shapely
from shapely import LineString, Polygon

from data_fetch.town.lots import KINDS
from data_fetch.town.places import scatter
from data_fetch.town.sketch import Sketch, Surface
from data_fetch.town.streets import MAIN_WIDTH, Streets, lay_streets

# Shares of what is on the blocks, by quarter, in the order of `KINDS`.
QUARTERS = {
    "suburb": (0.70, 0.02, 0.07, 0.03, 0.02, 0.01, 0.05, 0.03, 0.05, 0.02),
    "centre": (0.05, 0.62, 0.08, 0.03, 0.07, 0.08, 0.05, 0.00, 0.02, 0.00),
    "works": (0.06, 0.00, 0.02, 0.66, 0.12, 0.02, 0.00, 0.03, 0.09, 0.00),
}
# Middles of quarters, as shares of width and height, and their radius in metres.
CENTRES = ((0.27, 0.55), (0.71, 0.55))
WORKS = ((0.10, 0.78), (0.42, 0.9), (0.6, 0.92), (0.93, 0.75))
RADIUS = 260

__all__ = ["plan_town"]


def plan_town(width_m: float, height_m: float, *, seed: int = 0) -> Sketch:
    """Plan a town on a rectangle of ground, and a little beyond.

    Args:
        width_m: From x = 0 eastwards.
        height_m: From y = 0 northwards.
        seed: Another seed, another town.

    Returns:
        What there is to paint.

    Example:
        >>> sketch = plan_town(400, 300, seed=1)
        >>> len(sketch.walls) <= len(sketch.roofs)
        True
    """
    rng = np.random.default_rng(seed)
    streets = lay_streets(width_m, height_m, rng)
    sketch = Sketch()
    _pave_streets(sketch, streets, rng)
    for block in streets.blocks:
        quarter = _quarter(block, width_m, height_m)
        kind = rng.choice(list(KINDS), p=QUARTERS[quarter])
        KINDS[kind](sketch, block, rng)
    _add_river(sketch, streets, rng)
    _add_traffic(sketch, streets, rng)
    return sketch


def _quarter(block: Polygon, width_m: float, height_m: float) -> str:
    here = np.array(block.centroid.coords[0])
    for quarter, middles in (("centre", CENTRES), ("works", WORKS)):
        away = here - np.array(middles) * (width_m, height_m)
        if np.hypot(*away.T).min() < RADIUS:
            return quarter
    return "suburb"


def _pave_streets(sketch: Sketch, streets: Streets, rng: np.random.Generator) -> None:
    for line in streets.lines:
        gain = np.exp(rng.normal(0, 0.09))
        sketch.ground.append(Surface(line.buffer(8), "asphalt", gain))
        sketch.ground.append(Surface(line.buffer(0.4), "paint", 0.95))


def _add_river(sketch: Sketch, streets: Streets, rng: np.random.Generator) -> None:
    """Banks and water, and the main streets over them as bridges."""
    sketch.ground.append(Surface(streets.banks, "meadow"))
    sketch.ground.append(Surface(streets.river, "water"))
    for line in streets.main_lines:
        gain = np.exp(rng.normal(-0.03, 0.06))
        wide = MAIN_WIDTH / 2
        sketch.ground.append(Surface(line.buffer(wide), "asphalt", gain))
        for side in (-1, 1):
            lane = line.parallel_offset(wide / 2, "left" if side < 0 else "right")
            sketch.ground.append(Surface(lane.buffer(0.9), "asphalt", gain * 0.88))
        sketch.ground.append(Surface(line.buffer(0.5), "paint", 1.05))
    green = streets.banks.difference(streets.river.buffer(3))
    main = shapely.union_all(shapely.buffer(streets.main_lines, MAIN_WIDTH / 2 + 3))
    green = green.difference(main)
    points = scatter(green, int(shapely.box(*green.bounds).area / 90), rng)
    sketch.add_trees(points, rng.uniform(2, 4.5, len(points)))


def _add_traffic(sketch: Sketch, streets: Streets, rng: np.random.Generator) -> None:
    """Cars on both lanes and at the kerb, trees on the pavements of some streets."""
    water = streets.river.buffer(2)
    for line in streets.main_lines:
        _drive(sketch, line, 45, rng)
    for line in streets.lines:
        line = line.difference(water)
        for part in shapely.get_parts(line):
            _drive(sketch, part, 70, rng)
            if rng.random() < 0.45:
                _line_trees(sketch, part, rng)


def _drive(
    sketch: Sketch, line: LineString, spacing: float, rng: np.random.Generator
) -> None:
    places = np.arange(rng.uniform(0, spacing), line.length, spacing / 2)
    places = places + rng.uniform(0, spacing / 3, len(places))
    sides = rng.choice([-4.2, -2.2, 2.2, 4.2], len(places))
    points, angles = _beside(line, places, sides)
    sketch.add_cars(points, angles, rng, material="car on a road")


def _line_trees(sketch: Sketch, line: LineString, rng: np.random.Generator) -> None:
    places = np.arange(16, line.length - 16, rng.uniform(9, 14))
    for side in (-6.4, 6.4):
        kept = places[rng.random(len(places)) < 0.75]
        points, _ = _beside(line, kept, np.full(len(kept), side))
        sketch.add_trees(points, rng.uniform(2, 3.2, len(points)))


def _beside(
    line: LineString, places: np.ndarray, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) left (+) or right (-) of places on a line, and its directions."""
    before, behind = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, places + step))
        for step in (-2, 2)
    )
    step = behind - before
    angles = np.arctan2(step[:, 1], step[:, 0])
    normals = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)
    return (before + behind) / 2 + normals * sides[:, np.newaxis], angles
