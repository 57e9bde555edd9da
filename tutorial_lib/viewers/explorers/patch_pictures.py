"""The picture of `browse_patches`: a row for each source, a column for a position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorial_lib.rasters import Legend
from tutorial_lib.viewers.explorers.shell import WIDTH
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure, no_data_ground
from tutorial_lib.viewers.patch_grids import PATCH_FRAME, patch_pictures

# Shares of the largest patch's side that stay free.
GAP = 0.08

# Inches: of the names at the left, of the largest patch at most, and above the rows.
NAMES, LARGEST, HEAD = 1.5, 1.3, 0.5

__all__ = ["PatchRow", "draw_page"]


@dataclass(frozen=True)
class PatchRow:
    """The patches of a source.

    Attributes:
        name: Name of the source.
        pixels: (n, height, width, channel).
        bands: Numbers of one or three bands, from 1.
        spacing: Side of a pixel, in units that all sources share.
    """

    name: str
    pixels: np.ndarray
    bands: Sequence[int]
    spacing: float

    @property
    def ground(self) -> tuple[float, float]:
        """Height and width of a patch on the ground."""
        return tuple(self.spacing * side for side in self.pixels.shape[1:3])


def draw_page(
    rows: Sequence[PatchRow],
    indices: Sequence[int],
    *,
    title: str,
    columns: int,
    legend: Legend | None = None,
) -> StillFigure:
    """Draw patches of all sources at their size on the ground.

    Args:
        rows: The sources.
        indices: Numbers of the patches, at most `columns`.
        title: What is above them.
        columns: Patches that there is room for.
        legend: Names and colours, for sources that are label maps.
    """
    largest = max(max(row.ground) for row in rows)
    side = min(LARGEST, (WIDTH - NAMES) / (columns * (1 + GAP)))
    height = HEAD + len(rows) * (1 + GAP) * side + 0.1
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    # A unit of length is the side of the largest patch.
    ax = figure.add_axes((0, 0, 1, 1), xlim=(-NAMES / side, (WIDTH - NAMES) / side))
    ax.set_ylim((height - HEAD) / side, -HEAD / side)
    ax.set_axis_off()
    style = {"fontsize": TEXT_SIZE + 1, "va": "top", "transform": figure.transFigure}
    ax.text(0.012, 1 - 0.06 / height, title, **style)
    for number, row in enumerate(rows):
        _draw_row(ax, number * (1 + GAP), row, indices, largest, legend)
    for column, index in enumerate(indices):
        place = column * (1 + GAP) + 0.5, -0.04
        look = {"fontsize": TEXT_SIZE - 2, "color": "#606060", "ha": "center"}
        ax.text(*place, str(index), va="bottom", **look)
    return StillFigure(figure, f"{title}: {', '.join(map(str, indices))}.")


def _draw_row(
    ax: Axes,
    top: float,
    row: PatchRow,
    indices: Sequence[int],
    largest: float,
    legend: Legend | None,
) -> None:
    height, width = row.pixels.shape[1:3]
    text = f"{row.name}\n{height} x {width} px"
    ax.text(-0.1, top + 0.5, text, fontsize=TEXT_SIZE, ha="right", va="center")
    tall, wide = (extent / largest for extent in row.ground)
    pictures = _pictures(row, indices, legend)
    for column, index in enumerate(indices):
        left = column * (1 + GAP) + (1 - wide) / 2
        high = top + (1 - tall) / 2
        extent = (left, left + wide, high + tall, high)
        no_data_ground(ax, extent)
        ax.imshow(
            pictures[index], extent=extent, interpolation="nearest", aspect="auto"
        )
        ax.add_patch(Rectangle((left, high), wide, tall, fill=False, **PATCH_FRAME))


def _pictures(
    row: PatchRow, indices: Sequence[int], legend: Legend | None
) -> Mapping[int, np.ndarray]:
    # The legend is that of the patches' classes: of the sources, only label maps, which
    # are bytes, may have its colours too. A panchromatic band has none.
    labels = row.pixels.shape[3] == 1 and row.pixels.dtype == np.uint8
    return patch_pictures(
        row.pixels, row.bands, legend if labels else None, np.asarray(indices)
    )
