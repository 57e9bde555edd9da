"""The picture of `browse_patches`: a row for each source, a column for a position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from tutorial_lib.rasters import Legend
from tutorial_lib.viewers.explorers.shell import WIDTH
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure, no_data_ground
from tutorial_lib.viewers.patches import PATCH_FRAME, patch_pictures

# Shares of the largest patch's side that stay free.
GAP = 0.08

# Inches: of the names at the left, of the largest patch at most, above all, and of the
# patches' numbers.
NAMES, LARGEST, HEAD, NUMBERS = 1.5, 1.3, 0.32, 0.22

# More patches beside each other would be too small to see anything.
COLUMNS = 8

# To be seen on all colours, as in `show_patches`.
CENTRE = {
    "edgecolor": "yellow",
    "linewidth": 1.2,
    "path_effects": [withStroke(linewidth=2.6, foreground="black")],
}

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


@dataclass(frozen=True)
class _Page:
    """Where all of a page is: lengths in sides of the largest patch, or in inches.

    Attributes:
        columns: Positions beside each other.
        blocks: Rows of positions; each has a row for every source.
        block: Height of a block.
        side: Inches of the largest patch.
    """

    columns: int
    blocks: int
    block: float
    side: float

    @classmethod
    def of(cls, count: int, sources: int) -> "_Page":
        """Room for so many positions; rows are equally long."""
        blocks = -(-count // COLUMNS)
        columns = -(-count // blocks)
        side = min(LARGEST, (WIDTH - NAMES) / (columns * (1 + GAP)))
        return cls(columns, blocks, sources * (1 + GAP) + NUMBERS / side, side)

    @property
    def height(self) -> float:
        """Of the figure, in inches."""
        return HEAD + self.blocks * self.block * self.side

    def axes(self) -> Axes:
        """Of a new figure; a unit of length is the side of the largest patch."""
        figure = Figure(figsize=(WIDTH, self.height), facecolor="white")
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_xlim(-NAMES / self.side, (WIDTH - NAMES) / self.side)
        ax.set_ylim((self.height - HEAD) / self.side, -HEAD / self.side)
        ax.set_axis_off()
        return ax


def draw_page(
    rows: Sequence[PatchRow],
    indices: Sequence[int],
    *,
    title: str,
    count: int,
    color: tuple[int, int, int] | None = None,
    legend: Legend | None = None,
    centre: bool = False,
) -> StillFigure:
    """Draw patches of all sources at their size on the ground.

    Args:
        rows: The sources.
        indices: Numbers of the patches, at most `count`.
        title: What is above them.
        count: Patches that there is room for.
        color: Colour of the class, 0 to 255.
        legend: Names and colours, for sources that are label maps.
        centre: Outline the pixel of the position.
    """
    page = _Page.of(count, len(rows))
    ax = page.axes()
    _draw_title(ax, title, color, page.height)
    pictures = [_pictures(row, indices, legend) for row in rows]
    for block, first in enumerate(range(0, len(indices), page.columns)):
        shown = indices[first : first + page.columns]
        top = block * page.block + NUMBERS / page.side
        _draw_numbers(ax, top, shown)
        for number, row in enumerate(rows):
            drawn = [pictures[number][index] for index in shown]
            share = [one / _largest(rows) for one in row.ground]
            place = top + number * (1 + GAP)
            _draw_row(ax, place, row, drawn, share, centre)
    return StillFigure(ax.figure, f"{title}: {', '.join(map(str, indices))}.")


def _largest(rows: Sequence[PatchRow]) -> float:
    return max(max(row.ground) for row in rows)


def _draw_title(
    ax: Axes, title: str, color: tuple[int, int, int] | None, height: float
) -> None:
    """The title, after a square of the class's colour."""
    left, place = 0.012, {"transform": ax.figure.transFigure}
    if color is not None:
        face = tuple(channel / 255 for channel in color)
        look = {"facecolor": face, "edgecolor": "#404040", "linewidth": 0.5}
        box = (left, 1 - 0.205 / height), 0.14 / WIDTH, 0.14 / height
        ax.add_patch(Rectangle(*box, **look, **place))
        left += 0.22 / WIDTH
    style = {"fontsize": TEXT_SIZE + 1, "va": "top"} | place
    ax.text(left, 1 - 0.06 / height, title, **style)


def _draw_numbers(ax: Axes, top: float, indices: Sequence[int]) -> None:
    look = {"fontsize": TEXT_SIZE - 2, "color": "#606060", "ha": "center"}
    for column, index in enumerate(indices):
        ax.text(column * (1 + GAP) + 0.5, top - 0.04, str(index), va="bottom", **look)


def _draw_row(
    ax: Axes,
    top: float,
    row: PatchRow,
    pictures: Sequence[np.ndarray],
    share: Sequence[float],
    centre: bool,
) -> None:
    """Patches of one source; `share` is (height, width) of the largest patch's side."""
    height, width = row.pixels.shape[1:3]
    text = f"{row.name}\n{height} x {width} px"
    ax.text(-0.1, top + 0.5, text, fontsize=TEXT_SIZE, ha="right", va="center")
    tall, wide = share
    for column, picture in enumerate(pictures):
        left = column * (1 + GAP) + (1 - wide) / 2
        high = top + (1 - tall) / 2
        extent = (left, left + wide, high + tall, high)
        no_data_ground(ax, extent)
        ax.imshow(picture, extent=extent, interpolation="nearest", aspect="auto")
        ax.add_patch(Rectangle((left, high), wide, tall, fill=False, **PATCH_FRAME))
        if centre:
            pixel = wide / width, tall / height
            corner = left + width // 2 * pixel[0], high + height // 2 * pixel[1]
            ax.add_patch(Rectangle(corner, *pixel, fill=False, **CENTRE))


def _pictures(
    row: PatchRow, indices: Sequence[int], legend: Legend | None
) -> Mapping[int, np.ndarray]:
    # The legend is that of the patches' classes: of the sources, only label maps, which
    # are bytes, may have its colours too. A panchromatic band has none.
    labels = row.pixels.shape[3] == 1 and row.pixels.dtype == np.uint8
    return patch_pictures(
        row.pixels, row.bands, legend if labels else None, np.asarray(indices)
    )
