"""Loaded layers drawn side by side, with axes, legends and a description in words."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, radians
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from tutorial_lib.placement import same_crs
from tutorial_lib.rasters import Legend
from tutorial_lib.viewers.figures import (
    TEXT_SIZE,
    WIDTH,
    LiteralFigure,
    StillFigure,
    no_data_ground,
    no_data_swatch,
    swatch,
)
from tutorial_lib.viewers.layers import RAMPS, Layer
from tutorial_lib.viewers.pictures import class_color, class_name, class_shares

AXIS_NAMES = {
    "px": ("column (px)", "row (px)"),
    "km": ("easting (km)", "northing (km)"),
    "°": ("longitude (°)", "latitude (°)"),
}
KIND_NAMES = {
    "rgb": "colour image",
    "classes": "class map",
    "grey": "grey image",
    "probability": "probability map",
}

# Panels in a row; fewer landscape panels, which would otherwise become too flat.
MAX_COLUMNS = 3
MAX_LANDSCAPE_COLUMNS = 2
LANDSCAPE = 0.7

# Inches. Matplotlib's own layouts shrink the pictures when a legend is long, so the
# places of the panels, and of the texts around them, are computed here.
MAX_PANEL_HEIGHT = 6.0
MIN_PANEL_WIDTH = 1.6
AXIS_SPACE = 0.75
COLUMN_GAP = 0.4
COLOR_BAR_SPACE = 0.6
LINE = 0.19
CHARACTER = 0.075
TITLE_CHARACTER = 0.09
TICK_SPACE = 0.8

# Entries of a legend, and the colour that stands for all other classes.
MAX_ENTRIES, OTHERS = 40, (255, 255, 255)

# A picture of more pixels than this is reduced on the screen, and smoothed for it.
SMOOTH_SIDE = 400

Extent = tuple[float, float, float, float]


class _Size(NamedTuple):
    """Panels in a row, and inches: gap between two columns, width and height."""

    columns: int
    gap: float
    width: float
    height: float


@dataclass(frozen=True)
class _Panel:
    """One layer of a figure.

    Attributes:
        layer: What it shows.
        title: Its title, in lines that are no wider than the panel.
        extent: Left, right, bottom and top of its axes, in the layer's unit.
        entries: Its legend.
        is_labelled: Whether it has its own numbers on the vertical axis.
    """

    layer: Layer
    title: str
    extent: Extent
    entries: list[Patch]
    is_labelled: bool


def draw_layers(layers: Sequence[Layer], titles: Sequence[str]) -> StillFigure:
    """Draw loaded layers side by side.

    Args:
        layers: Layers by `load_layer`.
        titles: One for each layer; "" for none.
    """
    extents = _extents(layers)
    size = _panel_size(layers, extents)
    panels = [
        _Panel(
            layer,
            textwrap.fill(titles[i], max(12, int(size.width / TITLE_CHARACTER))),
            extents[i],
            _legend_entries(layer),
            is_labelled=i % size.columns == 0 or len(set(extents)) > 1,
        )
        for i, layer in enumerate(layers)
    ]
    figure, axes = _lay_out(panels, size)
    for ax, panel in zip(axes, panels, strict=True):
        _draw_picture(ax, panel)
        _draw_axes(ax, panel)
        ax.set_title(panel.title, fontsize=TEXT_SIZE + 1, loc="left")
        _draw_legend(ax, panel.entries, size.width)
        if panel.layer.kind in RAMPS and panel.layer.valid.any():
            draw_color_bar(ax, panel.layer)
    words = [
        describe(layer, title) for layer, title in zip(layers, titles, strict=True)
    ]
    inputs = [file for layer in layers for file in layer.preview.files]
    return StillFigure(figure, " ".join(words), inputs)


def _extents(layers: Sequence[Layer]) -> list[Extent]:
    """Limits of the axes of each layer: common limits if all are in one CRS."""
    extents = [layer.extent for layer in layers]
    grids = [layer.preview.grid for layer in layers]
    if None in grids or not all(same_crs(grids[0].crs, grid.crs) for grid in grids):
        return extents
    lefts, rights, bottoms, tops = zip(*extents, strict=True)
    return [(min(lefts), max(rights), min(bottoms), max(tops))] * len(extents)


def _aspect(layer: Layer, extent: Extent) -> float:
    """Length of a vertical unit, in horizontal units."""
    if layer.unit != "°":
        return 1.0
    # At the poles a degree of longitude has no length, and there is nothing beyond.
    latitude = min(89.0, abs(extent[2] + extent[3]) / 2)
    return 1 / cos(radians(latitude))


def _panel_size(layers: Sequence[Layer], extents: Sequence[Extent]) -> _Size:
    """The largest panels that fit the width of a notebook."""
    # Height of the tallest panel, divided by its width.
    ratio = max(
        _aspect(layer, (left, right, bottom, top))
        * abs((top - bottom) / (right - left))
        for layer, (left, right, bottom, top) in zip(layers, extents, strict=True)
    )
    limit = MAX_LANDSCAPE_COLUMNS if ratio < LANDSCAPE else MAX_COLUMNS
    columns = min(len(layers), limit)
    gap = COLUMN_GAP if len(set(extents)) == 1 else AXIS_SPACE
    if any(layer.kind in RAMPS for layer in layers):
        gap += COLOR_BAR_SPACE
    widest = (WIDTH - AXIS_SPACE + gap) / columns - gap
    width = max(MIN_PANEL_WIDTH, min(widest, MAX_PANEL_HEIGHT / ratio))
    return _Size(columns, gap, width, min(width * ratio, MAX_PANEL_HEIGHT))


def _lay_out(panels: Sequence[_Panel], size: _Size) -> tuple[Figure, list[Axes]]:
    """A figure with empty axes for the panels."""
    columns, gap, width, height = size
    above = LINE * (2 + max(panel.title.count("\n") for panel in panels))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    heights = [
        above
        + height
        + AXIS_SPACE
        + LINE * max(_legend_lines(panel.entries, width) for panel in row)
        for row in rows
    ]
    total = AXIS_SPACE + columns * (width + gap), sum(heights)
    figure, axes = LiteralFigure(figsize=total, facecolor="white"), []
    for number in range(len(panels)):
        row, column = divmod(number, columns)
        left = AXIS_SPACE + column * (width + gap)
        bottom = total[1] - sum(heights[:row]) - above - height
        box = left / total[0], bottom / total[1], width / total[0], height / total[1]
        axes.append(figure.add_axes(box, anchor="NW"))
    return figure, axes


def _draw_picture(ax: Axes, panel: _Panel) -> None:
    layer, extent = panel.layer, panel.extent
    no_data_ground(ax, layer.extent)
    # Classes and enlarged pixels are never smoothed: that would mix their colours.
    smooth = layer.kind != "classes" and min(layer.valid.shape) > SMOOTH_SIDE
    ax.imshow(
        layer.picture,
        extent=layer.extent,
        interpolation="antialiased" if smooth else "nearest",
    )
    if not layer.valid.any():
        note = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none"}
        middle = {"ha": "center", "va": "center", "transform": ax.transAxes}
        ax.text(0.5, 0.5, "no data", bbox=note, **middle)
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect=_aspect(layer, extent))


def name_axes(ax: Axes, unit: str) -> None:
    """Name the axes of a picture with an extent in this unit, and draw them in grey."""
    x_name, y_name = AXIS_NAMES[unit]
    ax.set_xlabel(x_name, fontsize=TEXT_SIZE)
    ax.set_ylabel(y_name, fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    ax.ticklabel_format(useOffset=False)
    ax.spines[:].set_color("#808080")


def _draw_axes(ax: Axes, panel: _Panel) -> None:
    name_axes(ax, panel.layer.unit)
    if not panel.is_labelled:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
    width, height = ax.get_position().size * ax.figure.get_size_inches()
    for axis, length in ((ax.xaxis, width), (ax.yaxis, height)):
        count = max(2, min(6, int(length / TICK_SPACE)))
        whole = panel.layer.unit == "px"
        axis.set_major_locator(MaxNLocator(count, integer=whole, steps=[1, 2, 5, 10]))


def _legend_entries(layer: Layer) -> list[Patch]:
    """The classes that are present, and the hatching if a pixel has no data."""
    entries = []
    if layer.kind == "classes":
        entries = [
            swatch(_entry_color(class_id, layer.legend), label)
            for class_id, label in _class_labels(layer).items()
        ]
    return entries if layer.valid.all() else [*entries, no_data_swatch()]


def _entry_color(class_id: int | None, legend: Legend | None) -> tuple[int, int, int]:
    return OTHERS if class_id is None else class_color(class_id, legend)


def _legend_columns(entries: Sequence[Patch], width: float) -> int:
    longest = max(len(entry.get_label()) for entry in entries)
    return max(1, min(len(entries), int(width / (0.5 + CHARACTER * longest))))


def _legend_lines(entries: Sequence[Patch], width: float) -> int:
    return ceil(len(entries) / _legend_columns(entries, width)) if entries else 0


def _draw_legend(ax: Axes, entries: Sequence[Patch], width: float) -> None:
    """Draw a legend below the numbers and the name of the horizontal axis."""
    if not entries:
        return
    below = ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=ax.transAxes + below,
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        fontsize=TEXT_SIZE,
        ncols=_legend_columns(entries, width),
    )


def draw_color_bar(ax: Axes, layer: Layer) -> None:
    """Draw the scale of a layer with one channel to the right of its axes."""
    (low,), (high,) = layer.limits
    ramp = ListedColormap(RAMPS[layer.kind] / 255)
    draw_scale(ax, ScalarMappable(Normalize(low, high), ramp))


def draw_scale(ax: Axes, scale: ScalarMappable) -> None:
    """Draw a bar of colours, with its values, to the right of some axes."""
    beside = ax.inset_axes((1.02, 0, 0.03, 1))
    bar = ax.figure.colorbar(scale, cax=beside)
    bar.ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    bar.outline.set_edgecolor("#808080")


def _class_labels(layer: Layer) -> dict[int | None, str]:
    """Name and share of each class that is present.

    Of more than `MAX_ENTRIES` classes, the rarest are counted under the key None.
    """
    shares = class_shares(layer.preview.pixels[..., 0], layer.valid)
    common = sorted(shares, key=shares.get, reverse=True)[:MAX_ENTRIES]
    labels = {
        class_id: f"{class_name(class_id, layer.legend)}: {_percent(shares[class_id])}"
        for class_id in sorted(common)
    }
    rest = [share for class_id, share in shares.items() if class_id not in labels]
    if rest:
        labels[None] = f"{len(rest)} more classes: {_percent(sum(rest))}"
    return labels


def _percent(share: float) -> str:
    return "<1 %" if share < 0.005 else f"{100 * share:.0f} %"


def describe(layer: Layer, title: str) -> str:
    """One sentence on what a picture shows, for people who cannot see it."""
    left, right, bottom, top = layer.extent
    width, height = (
        f"{side:.3g}" if side < 100 else f"{side:.0f}"
        for side in (right - left, abs(top - bottom))
    )
    text = f"{KIND_NAMES[layer.kind]}, {width} x {height} {layer.unit}"
    text = f"{title}: {text}" if title else text.capitalize()
    if not layer.valid.any():
        return f"{text}, no data."
    if layer.kind == "classes":
        return f"{text}; {', '.join(_class_labels(layer).values())}."
    if layer.kind in RAMPS:
        (low,), (high,) = layer.limits
        return f"{text}, from {low:.4g} to {high:.4g}."
    return f"{text}."
