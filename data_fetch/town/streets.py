"""Streets of the town: the ground is cut into blocks, the cuts are the streets."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon

from data_fetch.town.shapes import bend, parts

# Districts are cut by main streets, blocks by the others; square metres, metres.
DISTRICT_AREA = 300_000
BLOCK_AREA = 15_000
STREET_WIDTHS = (10, 12)
MAIN_WIDTH = 14
RIVER_WIDTH = 34
BANK = 12
FAR = 1e5

__all__ = ["Streets", "lay_streets"]


@dataclass(frozen=True)
class Streets:
    """Where streets run, and what lies between them.

    Attributes:
        blocks: Ground that streets enclose.
        lines: Middle lines of the streets.
        main_lines: Those of the main streets, which cross the river.
        river: The water.
        banks: The river with the green on both sides.
    """

    blocks: list[Polygon]
    lines: list[LineString]
    main_lines: list[LineString]
    river: Polygon
    banks: Polygon


def lay_streets(width_m: float, height_m: float, rng: np.random.Generator) -> Streets:
    """Lay out the streets of a rectangle of ground.

    Example:
        >>> streets = lay_streets(600, 400, np.random.default_rng(0))
        >>> blocks = shapely.union_all(streets.blocks)
        >>> blocks.intersects(streets.river), blocks.intersects(streets.main_lines[0])
        (False, False)
    """
    soft = bend(rng)
    ground = shapely.box(-150, -150, width_m + 150, height_m + 150)
    districts, main = _cut_up([ground], DISTRICT_AREA, 6, rng)
    cells, lines = _cut_up(districts, BLOCK_AREA, 2.5, rng)
    main_lines = [soft(line) for line in main]
    river = soft(_river(width_m, height_m, rng))
    banks = river.buffer(BANK)
    taken = shapely.union_all(shapely.buffer(main_lines, MAIN_WIDTH / 2)).union(banks)
    blocks = [
        block
        for cell in cells
        for block in parts(_rounded(soft(cell), rng).difference(taken), 1200)
    ]
    return Streets(blocks, [soft(line) for line in lines], main_lines, river, banks)


def _rounded(cell: Polygon, rng: np.random.Generator) -> Polygon:
    """A cell without its half of the streets, and with rounded corners."""
    return cell.buffer(-rng.uniform(*STREET_WIDTHS) / 2 - 4).buffer(4)


def _cut_up(
    cells: list[Polygon], area: float, degrees: float, rng: np.random.Generator
) -> tuple[list[Polygon], list[LineString]]:
    """Cut cells across until they are small; the small cells and the cuts."""
    waiting, done, cuts = list(cells), [], []
    while waiting:
        cell = waiting.pop()
        if cell.area < area * rng.uniform(0.7, 1.5):
            done.append(cell)
            continue
        side, line = _cut(cell, np.radians(rng.normal(0, degrees)), rng)
        waiting += [*parts(cell.intersection(side)), *parts(cell.difference(side))]
        cuts += list(shapely.get_parts(cell.intersection(line)))
    return done, cuts


def _cut(
    cell: Polygon, angle: float, rng: np.random.Generator
) -> tuple[Polygon, LineString]:
    """A half-plane that takes about half of a cell, across its long side; its edge."""
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
