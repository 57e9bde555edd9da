"""`InferencePlan.plot`: the tiles of a map on the reference, and what one reads.

Everything is drawn to scale in reference pixels, which are numbered as in the raster.
"""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorial_lib.engine import Tile
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure

if TYPE_CHECKING:
    from tutorial_lib.plans import InferencePlan

REFERENCE, GRID, READ, WRITTEN = "#ececec", "#505050", "#d55e00", "#0072b2"

__all__ = ["show_tiles"]


def show_tiles(plan: "InferencePlan") -> StillFigure:
    """Draw the tiles of a plan; of the one in the middle, also its chunk."""
    height, width = plan.reference.shape
    tile = _middle_tile(plan)
    rows, cols = plan.job.chunk(tile, 0)
    figure = Figure(figsize=(6.2, 0.6 + min(6.0, 5.2 * height / width)), layout="tight")
    ax = figure.subplots()
    ax.add_patch(Rectangle((0, 0), width, height, facecolor=REFERENCE))
    scale = float(plan.job.rows.scale)
    _draw_grid(ax, plan, scale)
    _draw_box(ax, rows, cols, 1, READ, f"read for it: {len(rows)} x {len(cols)} px")
    _draw_box(ax, tile.rows, tile.cols, scale, WRITTEN, "one tile")
    around = max(height, width) * 0.03
    ax.set_xlim(min(-around, cols.start), max(width + around, cols.stop))
    ax.set_ylim(max(height + around, rows.stop), min(-around, rows.start))
    ax.set_aspect("equal")
    ax.set_xlabel("column of the reference", fontsize=TEXT_SIZE)
    ax.set_ylabel("row", fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE)
    ax.legend(fontsize=TEXT_SIZE, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return StillFigure(figure, _text(plan, len(rows), len(cols)))


def _middle_tile(plan: "InferencePlan") -> Tile:
    row, col = (span[len(span) // 2] for span in (plan.rows, plan.cols))
    return next(tile for tile in plan.tiles if row in tile.rows and col in tile.cols)


def _draw_grid(ax: Axes, plan: "InferencePlan", scale: float) -> None:
    """The borders of all tiles, as few long lines."""
    top, bottom = (row * scale for row in (plan.rows.start, plan.rows.stop))
    left, right = (col * scale for col in (plan.cols.start, plan.cols.stop))
    rows = {end for tile in plan.tiles for end in (tile.rows.start, tile.rows.stop)}
    cols = {end for tile in plan.tiles for end in (tile.cols.start, tile.cols.stop)}
    lines = [((left, row * scale), (right, row * scale)) for row in rows]
    lines += [((col * scale, top), (col * scale, bottom)) for col in cols]
    label = f"{len(plan.tiles)} tiles"
    ax.add_collection(LineCollection(lines, colors=GRID, linewidths=0.8, label=label))


def _draw_box(
    ax: Axes, rows: range, cols: range, scale: float, color: str, label: str
) -> None:
    ax.add_patch(
        Rectangle(
            (cols.start * scale, rows.start * scale),
            len(cols) * scale,
            len(rows) * scale,
            facecolor=(color, 0.25),
            edgecolor=color,
            linewidth=2,
            label=label,
        )
    )


def _text(plan: "InferencePlan", height: int, width: int) -> str:
    tile = plan.largest_tile
    return (
        f"{len(plan.tiles)} tiles of at most {len(tile.rows)} x {len(tile.cols)} px; "
        f"the one in the middle reads {height} x {width} px of the reference."
    )
