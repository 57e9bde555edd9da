"""The picture of `browse_patches`: a row for each source, a column for a position."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorial_lib.rasters import Legend
from tutorial_lib.viewers.explorers.shell import WIDTH, Sheet
from tutorial_lib.viewers.figures import TEXT_SIZE, no_data_ground
from tutorial_lib.viewers.single_patches import PATCH_FRAME, mark_centre, patch_pictures

# Space between patches, in sides of a patch.
GAP = 0.08

# Inches: the names at the left, largest side of a patch, the title, and the patches'
# numbers.
NAMES, LARGEST, TITLE, NUMBERS = 1.5, 1.3, 0.32, 0.22

__all__ = ["SourcePatches", "draw_page"]


@dataclass(frozen=True)
class SourcePatches:
    """The patches of a source.

    Attributes:
        name: Name of the source.
        pixels: (n, height, width, channel).
        bands: Numbers of one or three bands, from 1.
    """

    name: str
    pixels: np.ndarray
    bands: Sequence[int]


def draw_page(
    sources: Sequence[SourcePatches],
    indices: Sequence[int],
    *,
    title: str,
    count: int,
    color: tuple[int, int, int] | None = None,
    legend: Legend | None = None,
    centre: bool = False,
) -> Figure:
    """Draw patches of all sources at the same size, one source in a row.

    Args:
        sources: The sources.
        indices: Numbers of the patches, at most `count`.
        title: Text above the patches.
        count: Number of patches that the page has space for.
        color: Colour of the class, 0 to 255.
        legend: Names and colours, for sources that are label maps.
        centre: Outline the pixel of the position.
    """
    side = min(LARGEST, (WIDTH - NAMES) / (count * (1 + GAP)))
    # In sides of a patch, the unit of length of the axes.
    above = NUMBERS / side
    rows = len(sources) * (1 + GAP) + above
    sheet = Sheet(TITLE + rows * side)
    _draw_title(sheet, title, color)
    ax = sheet.axes(0, TITLE, WIDTH, rows * side)
    ax.set(xlim=(-NAMES / side, (WIDTH - NAMES) / side), ylim=(rows, 0))
    ax.set_axis_off()
    style = {"fontsize": TEXT_SIZE - 2, "color": "#606060", "ha": "center"}
    for column, index in enumerate(indices):
        place = column * (1 + GAP) + 0.5, above - 0.04
        ax.text(*place, str(index), va="bottom", **style)
    for row, source in enumerate(sources):
        top = above + row * (1 + GAP)
        _draw_name(ax, top, source)
        pictures = _pictures(source, indices, legend)
        for column, index in enumerate(indices):
            _draw_patch(ax, pictures[index], (column * (1 + GAP), top), centre)
    return sheet.figure


def _draw_title(sheet: Sheet, title: str, color: tuple[int, int, int] | None) -> None:
    """Write the title, after a square in the colour of the class."""
    ax = sheet.axes(0, 0, WIDTH, TITLE)
    ax.set(xlim=(0, WIDTH), ylim=(TITLE, 0))
    ax.set_axis_off()
    left = 0.1
    if color is not None:
        face = tuple(channel / 255 for channel in color)
        style = {"facecolor": face, "edgecolor": "#404040", "linewidth": 0.5}
        ax.add_patch(Rectangle((left, 0.065), 0.14, 0.14, **style))
        left += 0.22
    ax.text(left, 0.06, title, fontsize=TEXT_SIZE + 1, va="top")


def _draw_name(ax: Axes, top: float, source: SourcePatches) -> None:
    height, width = source.pixels.shape[1:3]
    text = f"{source.name}\n{height} x {width} px"
    ax.text(-0.1, top + 0.5, text, fontsize=TEXT_SIZE, ha="right", va="center")


def _draw_patch(
    ax: Axes, picture: np.ndarray, corner: tuple[float, float], centre: bool
) -> None:
    """Draw one patch in the square of side 1 whose (left, top) is `corner`."""
    rows, columns = picture.shape[:2]
    tall, wide = rows / max(rows, columns), columns / max(rows, columns)
    left, top = corner[0] + (1 - wide) / 2, corner[1] + (1 - tall) / 2
    extent = (left, left + wide, top + tall, top)
    no_data_ground(ax, extent)
    ax.imshow(picture, extent=extent, interpolation="nearest", aspect="auto")
    ax.add_patch(Rectangle((left, top), wide, tall, fill=False, **PATCH_FRAME))
    if centre:
        mark_centre(ax, picture, (left, top), (wide, tall))


def _pictures(
    source: SourcePatches, indices: Sequence[int], legend: Legend | None
) -> dict[int, np.ndarray]:
    # The legend names the classes of the positions. Of the sources, only a label map
    # (one band of bytes) may have its colours too: a panchromatic band must not.
    labels = source.pixels.shape[3] == 1 and source.pixels.dtype == np.uint8
    return patch_pictures(
        source.pixels, source.bands, legend if labels else None, np.asarray(indices)
    )
