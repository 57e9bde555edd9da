"""What stands on a block: houses and gardens, flats, halls, parks, car parks."""

import numpy as np
import shapely
from shapely import Polygon

from data_fetch.town.places import along, apart, grid, scatter
from data_fetch.town.shapes import blob, parts, rectangles, turn
from data_fetch.town.sketch import Sketch, Surface, corners

HOUSE_AREAS = (100, 2000)
HALL_AREAS = (500, 2000)

__all__ = ["KINDS"]


def houses(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Houses along the streets, one to a garden."""
    _pave(sketch, block, "lawn", rng)
    area, aspect = _house_areas(400, rng), rng.uniform(1, 1.9, 400)
    sizes = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)], axis=-1)
    gaps = rng.uniform(4, 9, 400)
    places = along(block, 11, sizes[:, 0] + gaps)
    if places is None:
        return
    points, angles = places
    sizes, gaps = sizes[: len(points)], gaps[: len(points)]
    widths = sizes[:, 0] + gaps
    _gardens(sketch, block, points, angles, widths, rng)
    _drives(sketch, points, angles, widths, rng)
    angles = angles + np.radians(rng.normal(0, 2, len(angles)))
    across = rng.random(len(points)) < 0.25
    angles[across] += np.pi / 2
    boxes = rectangles(points, sizes[:, 0], sizes[:, 1], angles)
    kept = apart(boxes, block.buffer(-2.5))
    heights = rng.uniform(5, 9, kept.sum())
    winged = kept & (rng.random(len(points)) < 0.25)
    wings = _wings(points[winged], sizes[winged], angles[winged], rng)
    sketch.add_roofs(corners(wings), heights[winged[kept]], rng, gabled=True)
    sketch.add_roofs(corners(boxes[kept]), heights, rng, gabled=True)
    _grow(sketch, block, 330, rng)


def _wings(
    points: np.ndarray, sizes: np.ndarray, angles: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Wings behind houses, which make an L of them."""
    sides = rng.choice([-0.25, 0.25], len(points))
    offsets = np.stack([sizes[:, 0] * sides, sizes[:, 1] * 0.6], axis=-1)
    places = points + turn(offsets, angles)
    return rectangles(places, sizes[:, 1] * 0.9, sizes[:, 0] * 0.5, angles + np.pi / 2)


def _house_areas(count: int, rng: np.random.Generator) -> np.ndarray:
    """Square metres, log-normal without its ends."""
    areas = np.exp(rng.normal(np.log(125), 0.5, 4 * count))
    return areas[(areas >= HOUSE_AREAS[0]) & (areas <= HOUSE_AREAS[1])][:count]


def _gardens(
    sketch: Sketch,
    block: Polygon,
    points: np.ndarray,
    angles: np.ndarray,
    widths: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Gardens of different green, some paved, some behind a hedge."""
    count = len(points)
    behind = turn(np.tile([0.0, 12.0], (count, 1)), angles)
    gardens = shapely.intersection(
        rectangles(points + behind, widths, 46, angles), block.buffer(-1.5)
    )
    kinds = ["lawn", "meadow", "soil", "concrete", "sand"]
    materials = rng.choice(kinds, count, p=[0.45, 0.3, 0.07, 0.13, 0.05])
    gains = np.exp(rng.normal(0, 0.13, count))
    for garden, material, gain in zip(gardens, materials, gains, strict=True):
        sketch.ground.extend(Surface(p, material, gain) for p in parts(garden, 20))
    hedged = rng.random(count) < 0.4
    hedges = shapely.buffer(shapely.boundary(gardens[hedged]), 0.7)
    sketch.ground.extend(Surface(hedge, "hedge") for hedge in hedges)


def _drives(
    sketch: Sketch,
    points: np.ndarray,
    angles: np.ndarray,
    widths: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A drive beside most houses, a car on some."""
    count = len(points)
    aside = np.stack([widths / 2 - 2.5, np.full(count, -4.0)], axis=-1)
    drives = rectangles(points + turn(aside, angles), 3.4, 15, angles)
    paved = rng.random(count) < 0.75
    gains = np.exp(rng.normal(-0.05, 0.15, count))
    for drive, gain in zip(drives[paved], gains[paved], strict=True):
        sketch.ground.append(Surface(drive, "concrete", gain))
    parked = paved & (rng.random(count) < 0.4)
    cars = (points + turn(aside, angles))[parked]
    sketch.add_cars(cars, angles[parked] + np.pi / 2, rng)


def courts(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Town houses wall to wall along the streets, with a court behind."""
    _pave(sketch, block, "concrete", rng)
    inner = block.buffer(-20)
    for court in parts(inner, 100):
        material = rng.choice(["lawn", "parking", "concrete", "meadow"])
        sketch.ground.append(Surface(court, material, np.exp(rng.normal(0, 0.15))))
    lengths = rng.uniform(11, 26, 300)
    places = along(block, 10, lengths)
    if places is None:
        return
    points, angles = places
    lengths = lengths[: len(points)]
    boxes = rectangles(points, lengths, rng.uniform(11, 13, len(points)), angles)
    loose = rectangles(points, lengths - 2.5, 9, angles)
    kept = apart(loose, block.buffer(-1)) & (rng.random(len(points)) < 0.85)
    kept &= shapely.area(boxes) >= HOUSE_AREAS[0]
    heights = rng.uniform(8, 12, kept.sum())
    sketch.add_roofs(corners(boxes[kept]), heights, rng, gabled=True)
    _grow(sketch, inner, 300, rng)


def flats(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Long blocks of flats on a lawn, with a car park between."""
    _pave(sketch, block, "lawn", rng)
    sizes = np.array([rng.uniform(34, 58), rng.uniform(12, 15)])
    points, angle = grid(block, sizes + np.array([10, 18]), rng)
    boxes = rectangles(points, *sizes, angle)
    kept = apart(boxes, block.buffer(-5))
    use = rng.random(len(points))
    for lot in boxes[kept & (use < 0.22)]:
        _park_cars(sketch, lot.buffer(1, join_style="mitre"), angle, rng)
    built = kept & (use >= 0.22)
    heights = rng.uniform(11, 15, built.sum())
    sketch.add_roofs(corners(boxes[built]), heights, rng, gabled=False)
    _grow(sketch, block, 260, rng)


def works(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Halls on paved yards, with car parks and heaps of sand."""
    _pave(sketch, block, rng.choice(["concrete", "concrete", "parking", "meadow"]), rng)
    area, aspect = rng.uniform(*HALL_AREAS), rng.uniform(1.2, 2.2)
    sizes = np.array([np.sqrt(area * aspect), np.sqrt(area / aspect)])
    points, angle = grid(block, sizes + rng.uniform(6, 16, 2), rng)
    shrink = rng.uniform(0.72, 1, (2, len(points)))
    boxes = rectangles(points, *(sizes[:, np.newaxis] * shrink), angle)
    kept = apart(boxes, block.buffer(-4))
    use = rng.random(len(points))
    for lot in boxes[kept & (use < 0.25)]:
        _park_cars(sketch, lot, angle, rng)
    for yard in boxes[kept & (use >= 0.25) & (use < 0.4)]:
        material = rng.choice(["sand", "concrete", "soil"])
        sketch.ground.append(Surface(yard, material, np.exp(rng.normal(0, 0.15))))
    built = kept & (use >= 0.4)
    heights = rng.uniform(6, 14, built.sum())
    sketch.add_roofs(corners(boxes[built]), heights, rng, gabled=False)
    _grow(sketch, block, 1500, rng)


def car_park(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """A large car park with a few trees."""
    _pave(sketch, block, "parking", rng)
    _, angle = grid(block, np.array([50.0, 50.0]), rng)
    for lot in parts(block.buffer(-5), 300):
        _park_cars(sketch, lot, angle, rng)
    _grow(sketch, block, 500, rng)


def square(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """A paved place with trees along its edge."""
    _pave(sketch, block, rng.choice(["concrete", "sand"]), rng)
    for bed in parts(block.buffer(-22), 200):
        sketch.ground.append(Surface(bed, "lawn"))
    ring = max(parts(block.buffer(-5)) or [block], key=lambda part: part.area).exterior
    points = shapely.line_interpolate_point(ring, np.arange(4, ring.length, 9))
    sketch.add_trees(shapely.get_coordinates(points), rng.uniform(2, 3.5, len(points)))


def park(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Lawn, paths, a pond, groups of trees."""
    _pave(sketch, block, "lawn", rng)
    x, y = block.centroid.coords[0]
    angles = rng.uniform(0, np.pi) + np.array([0, 1.1, 2.2])
    paths = rectangles(np.tile([x, y], (3, 1)), 600, 3, angles)
    radius = rng.uniform(10, 22)
    pond = blob(*(np.array([x, y]) + rng.normal(0, 18, 2)), radius, rng)
    for shape, material in [*((p, "sand") for p in paths), (pond, "water")]:
        ground = parts(shape.intersection(block.buffer(-3)), 5)
        sketch.ground.extend(Surface(part, material) for part in ground)
    for _ in range(4):
        spot = scatter(block, 1, rng)
        if len(spot):
            _grow(sketch, blob(*spot[0], 18, rng).intersection(block), 45, rng)
    _grow(sketch, block.difference(pond.buffer(4)), 250, rng)


def wood(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Tree beside tree."""
    _pave(sketch, block, "meadow", rng)
    _grow(sketch, block, 26, rng)


def meadow(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """Open ground: grass, bare soil, a building site."""
    _pave(sketch, block, rng.choice(["meadow", "soil", "lawn"]), rng)
    for spot in scatter(block, 3, rng):
        patch = blob(*spot, rng.uniform(10, 25), rng).intersection(block.buffer(-3))
        material = rng.choice(["soil", "meadow", "sand"])
        sketch.ground.extend(Surface(part, material) for part in parts(patch, 20))
    _grow(sketch, block, 900, rng)


def pitch(sketch: Sketch, block: Polygon, rng: np.random.Generator) -> None:
    """A football pitch with a red running track."""
    _pave(sketch, block, "meadow", rng)
    _, angle = grid(block, np.array([300.0, 300.0]), rng)
    middle = np.array([block.centroid.coords[0]])
    field = rectangles(middle, 84, 52, angle)[0]
    inside = block.buffer(-5)
    for shape, material in [
        (field.buffer(11), "track"),
        (field.buffer(4), "lawn"),
        (field, "lawn"),
    ]:
        gain = 1.1 if shape is field else 1.0
        ground = parts(shape.intersection(inside), 20)
        sketch.ground.extend(Surface(part, material, gain) for part in ground)
    _grow(sketch, inside.difference(field.buffer(16)), 120, rng)


KINDS = {
    "houses": houses,
    "courts": courts,
    "flats": flats,
    "works": works,
    "car park": car_park,
    "square": square,
    "park": park,
    "wood": wood,
    "meadow": meadow,
    "pitch": pitch,
}


def _grow(
    sketch: Sketch, ground: Polygon, area: float, rng: np.random.Generator
) -> None:
    """Plant a tree on about every `area` square metres."""
    if ground.is_empty:
        return
    points = scatter(ground, int(shapely.box(*ground.bounds).area / area), rng)
    sketch.add_trees(points, 2 + 3 * rng.random(len(points)) ** 1.7)


def _pave(
    sketch: Sketch, block: Polygon, material: str, rng: np.random.Generator
) -> None:
    """Pavements around the block, one material inside."""
    sketch.ground.append(Surface(block, "concrete", 0.85))
    gain = np.exp(rng.normal(0, 0.1))
    inside = parts(block.buffer(-1.8), 20)
    sketch.ground.extend(Surface(part, material, gain) for part in inside)


def _park_cars(
    sketch: Sketch, lot: Polygon, angle: float, rng: np.random.Generator
) -> None:
    """Rows of cars, two thirds of the places taken."""
    sketch.ground.append(Surface(lot, "parking", np.exp(rng.normal(0.05, 0.12))))
    x, y = lot.centroid.coords[0]
    reach = np.hypot(*np.subtract(lot.bounds[2:], lot.bounds[:2])) / 2
    places = np.arange(-reach, reach, 2.7)
    rows = np.arange(-reach, reach, 16)[:, np.newaxis] + [0, 5.2]
    points = np.stack(np.meshgrid(places, rows.ravel()), axis=-1).reshape(-1, 2)
    points = turn(points, angle) + np.array([x, y])
    inside = shapely.contains_xy(lot.buffer(-2.6), points)
    points = points[inside & (rng.random(len(points)) < 0.66)]
    sketch.add_cars(points, angle + np.pi / 2, rng)
