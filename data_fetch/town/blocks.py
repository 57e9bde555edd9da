"""Kinds of city blocks: houses and gardens, flats, factories, parks, car parks."""

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.objects import Surface, Town, corners_of
from data_fetch.town.placement import (
    grid_points,
    non_overlapping,
    points_along_streets,
    random_points,
)
from data_fetch.town.shapes import blob, polygon_parts, rectangles, rotate

# Smallest and largest area, in square metres.
HOUSE_AREAS = (100, 2000)
HALL_AREAS = (500, 2000)

__all__ = ["BLOCK_KINDS", "house_areas"]


def houses(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add houses along the streets, each in its own garden."""
    _cover(town, block, "lawn", rng)
    # 400 houses are more than fit around a block; the rest is dropped.
    area, aspect = house_areas(400, rng), rng.uniform(1, 1.9, 400)
    sizes = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)], axis=-1)
    gaps = rng.uniform(4, 9, 400)
    found = points_along_streets(block, 11, sizes[:, 0] + gaps)
    if found is None:
        return
    points, angles = found
    sizes, gaps = sizes[: len(points)], gaps[: len(points)]
    widths = sizes[:, 0] + gaps
    _add_gardens(town, block, points, angles, widths, rng)
    _add_driveways(town, points, angles, widths, rng)
    angles = angles + np.radians(rng.normal(0, 2, len(angles)))
    across = rng.random(len(points)) < 0.25
    angles[across] += np.pi / 2
    boxes = rectangles(points, sizes[:, 0], sizes[:, 1], angles)
    kept = non_overlapping(boxes, block.buffer(-2.5))
    heights = rng.uniform(5, 9, kept.sum())
    winged = kept & (rng.random(len(points)) < 0.25)
    wings = _wings(points[winged], sizes[winged], angles[winged], rng)
    town.add_buildings(corners_of(wings), heights[winged[kept]], rng, gabled=True)
    town.add_buildings(corners_of(boxes[kept]), heights, rng, gabled=True)
    _plant_trees(town, block, 330, rng)


def _wings(
    points: np.ndarray, sizes: np.ndarray, angles: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Wings at the back of houses, so that the houses are L-shaped."""
    sides = rng.choice([-0.25, 0.25], len(points))
    offsets = np.stack([sizes[:, 0] * sides, sizes[:, 1] * 0.6], axis=-1)
    places = points + rotate(offsets, angles)
    return rectangles(places, sizes[:, 1] * 0.9, sizes[:, 0] * 0.5, angles + np.pi / 2)


def house_areas(count: int, rng: np.random.Generator) -> np.ndarray:
    """Areas (count,) of houses in square metres, log-normal without the two tails."""
    areas = np.exp(rng.normal(np.log(125), 0.5, 4 * count))
    return areas[(areas >= HOUSE_AREAS[0]) & (areas <= HOUSE_AREAS[1])][:count]


def _add_gardens(
    town: Town,
    block: Polygon,
    points: np.ndarray,
    angles: np.ndarray,
    widths: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Add gardens: most are green, some are paved, some have a hedge."""
    count = len(points)
    behind = rotate(np.tile([0.0, 12.0], (count, 1)), angles)
    gardens = shapely.intersection(
        rectangles(points + behind, widths, 46, angles), block.buffer(-1.5)
    )
    kinds = ["lawn", "meadow", "soil", "concrete", "sand"]
    materials = rng.choice(kinds, count, p=[0.45, 0.3, 0.07, 0.13, 0.05])
    gains = np.exp(rng.normal(0, 0.13, count))
    for garden, material, gain in zip(gardens, materials, gains, strict=True):
        town.ground.extend(
            Surface(p, material, gain) for p in polygon_parts(garden, 20)
        )
    hedged = rng.random(count) < 0.4
    hedges = shapely.buffer(shapely.boundary(gardens[hedged]), 0.7)
    town.ground.extend(Surface(hedge, "hedge") for hedge in hedges)


def _add_driveways(
    town: Town,
    points: np.ndarray,
    angles: np.ndarray,
    widths: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Add driveways beside most houses, with a car on some of them."""
    count = len(points)
    aside = np.stack([widths / 2 - 2.5, np.full(count, -4.0)], axis=-1)
    driveways = rectangles(points + rotate(aside, angles), 3.4, 15, angles)
    paved = rng.random(count) < 0.75
    gains = np.exp(rng.normal(-0.05, 0.15, count))
    for driveway, gain in zip(driveways[paved], gains[paved], strict=True):
        town.ground.append(Surface(driveway, "concrete", gain))
    parked = paved & (rng.random(count) < 0.4)
    cars = (points + rotate(aside, angles))[parked]
    town.add_cars(cars, angles[parked] + np.pi / 2, rng)


def courts(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add town houses that touch each other along the streets, around a courtyard."""
    _cover(town, block, "concrete", rng)
    inner = block.buffer(-20)
    for court in polygon_parts(inner, 100):
        material = rng.choice(["lawn", "parking", "concrete", "meadow"])
        town.ground.append(Surface(court, material, np.exp(rng.normal(0, 0.15))))
    lengths = rng.uniform(11, 26, 300)
    found = points_along_streets(block, 10, lengths)
    if found is None:
        return
    points, angles = found
    lengths = lengths[: len(points)]
    boxes = rectangles(points, lengths, rng.uniform(11, 13, len(points)), angles)
    # Neighbours touch, so smaller rectangles are tested for overlaps.
    smaller = rectangles(points, lengths - 2.5, 9, angles)
    kept = non_overlapping(smaller, block.buffer(-1)) & (rng.random(len(points)) < 0.85)
    kept &= shapely.area(boxes) >= HOUSE_AREAS[0]
    heights = rng.uniform(8, 12, kept.sum())
    town.add_buildings(corners_of(boxes[kept]), heights, rng, gabled=True)
    _plant_trees(town, inner, 300, rng)


def flats(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add long buildings with flats on a lawn, with car parks between them."""
    _cover(town, block, "lawn", rng)
    sizes = np.array([rng.uniform(34, 58), rng.uniform(12, 15)])
    points, angle = grid_points(block, sizes + np.array([10, 18]), rng)
    boxes = rectangles(points, *sizes, angle)
    kept = non_overlapping(boxes, block.buffer(-5))
    use = rng.random(len(points))
    for lot in boxes[kept & (use < 0.22)]:
        _add_car_park(town, lot.buffer(1, join_style="mitre"), angle, rng)
    built = kept & (use >= 0.22)
    heights = rng.uniform(11, 15, built.sum())
    town.add_buildings(corners_of(boxes[built]), heights, rng, gabled=False)
    _plant_trees(town, block, 260, rng)


def factories(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add factory halls on paved yards, with car parks and heaps of sand."""
    _cover(town, block, rng.choice(["concrete", "concrete", "parking", "meadow"]), rng)
    area, aspect = rng.uniform(*HALL_AREAS), rng.uniform(1.2, 2.2)
    sizes = np.array([np.sqrt(area * aspect), np.sqrt(area / aspect)])
    points, angle = grid_points(block, sizes + rng.uniform(6, 16, 2), rng)
    shrink = rng.uniform(0.72, 1, (2, len(points)))
    boxes = rectangles(points, *(sizes[:, np.newaxis] * shrink), angle)
    kept = non_overlapping(boxes, block.buffer(-4))
    use = rng.random(len(points))
    for lot in boxes[kept & (use < 0.25)]:
        _add_car_park(town, lot, angle, rng)
    for yard in boxes[kept & (use >= 0.25) & (use < 0.4)]:
        material = rng.choice(["sand", "concrete", "soil"])
        town.ground.append(Surface(yard, material, np.exp(rng.normal(0, 0.15))))
    built = kept & (use >= 0.4)
    heights = rng.uniform(6, 14, built.sum())
    town.add_buildings(corners_of(boxes[built]), heights, rng, gabled=False)
    _plant_trees(town, block, 1500, rng)


def car_park(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add a large car park with a few trees."""
    _cover(town, block, "parking", rng)
    _, angle = grid_points(block, np.array([50.0, 50.0]), rng)
    for lot in polygon_parts(block.buffer(-5), 300):
        _add_car_park(town, lot, angle, rng)
    _plant_trees(town, block, 500, rng)


def square(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add a paved square with trees along its edge."""
    _cover(town, block, rng.choice(["concrete", "sand"]), rng)
    for bed in polygon_parts(block.buffer(-22), 200):
        town.ground.append(Surface(bed, "lawn"))
    ring = max(
        polygon_parts(block.buffer(-5)) or [block], key=lambda part: part.area
    ).exterior
    points = shapely.line_interpolate_point(ring, np.arange(4, ring.length, 9))
    town.add_trees(shapely.get_coordinates(points), rng.uniform(2, 3.5, len(points)))


def park(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add a park: lawn, paths, a pond, groups of trees."""
    _cover(town, block, "lawn", rng)
    x, y = block.centroid.coords[0]
    angles = rng.uniform(0, np.pi) + np.array([0, 1.1, 2.2])
    paths = rectangles(np.tile([x, y], (3, 1)), 600, 3, angles)
    radius = rng.uniform(10, 22)
    pond = blob(*(np.array([x, y]) + rng.normal(0, 18, 2)), radius, rng)
    for shape, material in [*((p, "sand") for p in paths), (pond, "water")]:
        ground = polygon_parts(shape.intersection(block.buffer(-3)), 5)
        town.ground.extend(Surface(part, material) for part in ground)
    for _ in range(4):
        spot = random_points(block, 1, rng)
        if len(spot):
            _plant_trees(town, blob(*spot[0], 18, rng).intersection(block), 45, rng)
    _plant_trees(town, block.difference(pond.buffer(4)), 250, rng)


def wood(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add a wood: trees everywhere."""
    _cover(town, block, "meadow", rng)
    _plant_trees(town, block, 26, rng)


def meadow(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add open ground: grass, bare soil, a building site."""
    _cover(town, block, rng.choice(["meadow", "soil", "lawn"]), rng)
    for spot in random_points(block, 3, rng):
        patch = blob(*spot, rng.uniform(10, 25), rng).intersection(block.buffer(-3))
        material = rng.choice(["soil", "meadow", "sand"])
        town.ground.extend(Surface(part, material) for part in polygon_parts(patch, 20))
    _plant_trees(town, block, 900, rng)


def pitch(town: Town, block: Polygon, rng: np.random.Generator) -> None:
    """Add a football pitch with a red running track."""
    _cover(town, block, "meadow", rng)
    _, angle = grid_points(block, np.array([300.0, 300.0]), rng)
    middle = np.array([block.centroid.coords[0]])
    field = rectangles(middle, 84, 52, angle)[0]
    inside = block.buffer(-5)
    for shape, material in [
        (field.buffer(11), "track"),
        (field.buffer(4), "lawn"),
        (field, "lawn"),
    ]:
        gain = 1.1 if shape is field else 1.0
        ground = polygon_parts(shape.intersection(inside), 20)
        town.ground.extend(Surface(part, material, gain) for part in ground)
    _plant_trees(town, inside.difference(field.buffer(16)), 120, rng)


# The names are used in `layout.QUARTERS`.
BLOCK_KINDS = {
    "houses": houses,
    "courts": courts,
    "flats": flats,
    "factories": factories,
    "car park": car_park,
    "square": square,
    "park": park,
    "wood": wood,
    "meadow": meadow,
    "pitch": pitch,
}


def _plant_trees(
    town: Town, ground: Polygon, area: float, rng: np.random.Generator
) -> None:
    """Plant a tree on about every `area` square metres."""
    if ground.is_empty:
        return
    points = random_points(ground, int(shapely.box(*ground.bounds).area / area), rng)
    town.add_trees(points, 2 + 3 * rng.random(len(points)) ** 1.7)


def _cover(town: Town, block: Polygon, material: str, rng: np.random.Generator) -> None:
    """Cover the block with one material, and its edge with a pavement."""
    town.ground.append(Surface(block, "concrete", 0.85))
    gain = np.exp(rng.normal(0, 0.1))
    inside = polygon_parts(block.buffer(-1.8), 20)
    town.ground.extend(Surface(part, material, gain) for part in inside)


def _add_car_park(
    town: Town, lot: Polygon, angle: float, rng: np.random.Generator
) -> None:
    """Add a car park: rows of places, two thirds of them with a car."""
    town.ground.append(Surface(lot, "parking", np.exp(rng.normal(0.05, 0.12))))
    x, y = lot.centroid.coords[0]
    reach = np.hypot(*np.subtract(lot.bounds[2:], lot.bounds[:2])) / 2
    places = np.arange(-reach, reach, 2.7)
    rows = np.arange(-reach, reach, 16)[:, np.newaxis] + [0, 5.2]
    points = np.stack(np.meshgrid(places, rows.ravel()), axis=-1).reshape(-1, 2)
    points = rotate(points, angle) + np.array([x, y])
    inside = shapely.contains_xy(lot.buffer(-2.6), points)
    points = points[inside & (rng.random(len(points)) < 0.66)]
    town.add_cars(points, angle + np.pi / 2, rng)
