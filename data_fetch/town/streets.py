"""Streets of the town.

The ground is cut in two again and again. The cuts become streets, and the pieces
between them are the blocks.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon

from data_fetch.town.shapes import polygon_parts, random_bend

# Main streets separate districts, the other streets separate blocks. Areas are in
# square metres, widths in metres.
DISTRICT_AREA = 300_000
BLOCK_AREA = 15_000
STREET_WIDTHS = (10, 12)
MAIN_WIDTH = 14
RIVER_WIDTH = 34
BANK_WIDTH = 12
# Longer than any town: half-planes are drawn as polygons of this size.
FAR = 1e5

__all__ = ["Streets", "lay_out_streets"]


@dataclass(frozen=True)
class Streets:
    """Streets, river, and the blocks between them.

    Attributes:
        blocks: Pieces of ground that are enclosed by streets.
        lines: Centre lines of the streets, except the main streets.
        main_lines: Centre lines of the main streets, which cross the river.
        river: The water.
        banks: The river together with the green strips on both sides.
    """

    blocks: list[Polygon]
    lines: list[LineString]
    main_lines: list[LineString]
    river: Polygon
    banks: Polygon


def lay_out_streets(
    width_m: float, height_m: float, rng: np.random.Generator
) -> Streets:
    """Lay out the streets of a rectangle of ground.

    Args:
        width_m: Width of the ground in metres, from x = 0.
        height_m: Height of the ground in metres, from y = 0.
        rng: Random numbers.

    Returns:
        Streets, river and blocks. They go 150 m beyond the ground.

    Example:
        >>> streets = lay_out_streets(600, 400, np.random.default_rng(0))
        >>> blocks = shapely.union_all(streets.blocks)
        >>> blocks.intersects(streets.river), blocks.intersects(streets.main_lines[0])
        (False, False)
    """
    bend = random_bend(rng)
    ground = shapely.box(-150, -150, width_m + 150, height_m + 150)
    districts, main = _cut_up([ground], DISTRICT_AREA, 6, rng)
    cells, lines = _cut_up(districts, BLOCK_AREA, 2.5, rng)
    main_lines = [bend(line) for line in main]
    river = bend(_river(width_m, height_m, rng))
    banks = river.buffer(BANK_WIDTH)
    taken = shapely.union_all(shapely.buffer(main_lines, MAIN_WIDTH / 2)).union(banks)
    blocks = [
        block
        for cell in cells
        for block in polygon_parts(_shrunk(bend(cell), rng).difference(taken), 1200)
    ]
    return Streets(blocks, [bend(line) for line in lines], main_lines, river, banks)


def _shrunk(cell: Polygon, rng: np.random.Generator) -> Polygon:
    """A cell without its half of the streets' width, and with rounded corners."""
    return cell.buffer(-rng.uniform(*STREET_WIDTHS) / 2 - 4).buffer(4)


def _cut_up(
    cells: list[Polygon], area: float, degrees: float, rng: np.random.Generator
) -> tuple[list[Polygon], list[LineString]]:
    """Cut cells in two until they are small enough.

    Args:
        cells: Polygons to cut.
        area: A cell is small enough at 0.7 to 1.5 times this area.
        degrees: Standard deviation of the cuts from a right angle.
        rng: Random numbers.

    Returns:
        The small cells, and the lines of the cuts.
    """
    waiting, done, cuts = list(cells), [], []
    while waiting:
        cell = waiting.pop()
        if cell.area < area * rng.uniform(0.7, 1.5):
            done.append(cell)
            continue
        side, line = _cut(cell, np.radians(rng.normal(0, degrees)), rng)
        waiting += [
            *polygon_parts(cell.intersection(side)),
            *polygon_parts(cell.difference(side)),
        ]
        cuts += list(shapely.get_parts(cell.intersection(line)))
    return done, cuts


def _cut(
    cell: Polygon, angle: float, rng: np.random.Generator
) -> tuple[Polygon, LineString]:
    """A half-plane that holds about half of a cell, and the line at its edge.

    The line crosses the long side of the cell, at a right angle plus `angle`.
    """
    corners = np.array(shapely.oriented_envelope(cell).exterior.coords)
    sides = np.diff(corners[:3], axis=0)
    long = sides[np.argmax(np.hypot(*sides.T))]
    middle = corners[:4].mean(axis=0) + long * rng.uniform(-0.12, 0.12)
    along = long / np.hypot(*long)
    across = np.array([-along[1], along[0]]) + along * np.tan(angle)
    ends = middle - FAR * across, middle + FAR * across
    side = Polygon([*ends, ends[1] + FAR * along, ends[0] + FAR * along])
    return side, LineString(ends)


def _river(width_m: float, height_m: float, rng: np.random.Generator) -> Polygon:
    x = np.arange(-300, width_m + 300, 20)
    start, phase = rng.uniform(0.25, 0.4), rng.uniform(0, 6)
    y = height_m * (start + 0.12 * np.sin(x / 420 + phase) + 0.05 * np.sin(x / 170))
    return LineString(np.stack([x, y], axis=-1)).buffer(RIVER_WIDTH / 2)
