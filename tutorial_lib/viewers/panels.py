"""Loaded layers drawn side by side, with axes, legends and a description in words."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, cos, radians

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from tutorial_lib.viewers.figures import (
    TEXT_SIZE,
    WIDTH,
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

# A row holds so many panels; fewer of landscape shape, which would become too flat.
MAX_COLUMNS = 3
MAX_LANDSCAPE_COLUMNS = 2
LANDSCAPE = 0.7

# Inches. Matplotlib's own layouts shrink the pictures when a legend is long, so the
# places are counted here: the panel, and what stands around it.
MAX_PANEL_HEIGHT = 6.0
MIN_PANEL_WIDTH = 1.6
AXIS_SPACE = 0.75
COLUMN_GAP = 0.4
COLOR_BAR_SPACE = 0.6
LINE = 0.19
CHARACTER = 0.075
TITLE_CHARACTER = 0.09
TICK_SPACE = 0.8

Extent = tuple[float, float, float, float]


def draw_layers(layers: Sequence[Layer], titles: Sequence[str]) -> StillFigure:
    """Draw loaded layers side by side.

    Args:
        layers: What `load_layer` gave.
        titles: One for each layer; "" for none.
    """
    sheet = _Sheet(tuple(layers), tuple(titles))
    for index, (layer, title) in enumerate(zip(layers, titles, strict=True)):
        ax = sheet.axes(index)
        _draw_picture(ax, layer, sheet.extents[index])
        _draw_axes(ax, layer, outer=sheet.is_outer(index))
        ax.set_title(sheet.wrapped(title), fontsize=TEXT_SIZE + 1, loc="left")
        _draw_legend(ax, legend_entries(layer), sheet.width)
        if layer.kind in RAMPS and layer.valid.any():
            draw_color_bar(ax, layer)
    words = [
        describe(layer, title) for layer, title in zip(layers, titles, strict=True)
    ]
    return StillFigure(sheet.figure, " ".join(words))


@dataclass(frozen=True)
class _Sheet:
    """Where the panels of a figure are, in inches."""

    layers: tuple[Layer, ...]
    titles: tuple[str, ...]

    @cached_property
    def extents(self) -> list[Extent]:
        """Limits of each panel: the same ones, if all layers are in one CRS."""
        extents = [layer.extent for layer in self.layers]
        places = {
            layer.preview.grid and layer.preview.grid.crs for layer in self.layers
        }
        if len(places) > 1 or None in places:
            return extents
        lefts, rights, bottoms, tops = zip(*extents, strict=True)
        return [(min(lefts), max(rights), min(bottoms), max(tops))] * len(extents)

    @cached_property
    def ratio(self) -> float:
        """Height of the tallest panel, divided by its width."""
        return max(
            _aspect(layer, extent)
            * abs((extent[3] - extent[2]) / (extent[1] - extent[0]))
            for layer, extent in zip(self.layers, self.extents, strict=True)
        )

    @property
    def columns(self) -> int:
        """Panels in a row."""
        landscape = self.ratio < LANDSCAPE
        return min(
            len(self.layers), MAX_LANDSCAPE_COLUMNS if landscape else MAX_COLUMNS
        )

    @property
    def gap(self) -> float:
        """Space between two columns."""
        bars = any(layer.kind in RAMPS for layer in self.layers)
        common = len(set(self.extents)) == 1
        space = COLUMN_GAP if common else AXIS_SPACE
        return space + (COLOR_BAR_SPACE if bars else 0)

    @cached_property
    def width(self) -> float:
        """Width of a panel."""
        widest = (WIDTH - AXIS_SPACE + self.gap) / self.columns - self.gap
        return max(MIN_PANEL_WIDTH, min(widest, MAX_PANEL_HEIGHT / self.ratio))

    @cached_property
    def height(self) -> float:
        """Height of a panel."""
        return min(self.width * self.ratio, MAX_PANEL_HEIGHT)

    @cached_property
    def title_height(self) -> float:
        """Height of the longest title, and of the air above it."""
        lines = max(self.wrapped(title).count("\n") + 1 for title in self.titles)
        return LINE * (lines + 1)

    @cached_property
    def row_heights(self) -> list[float]:
        """Height of each row of panels, with titles, axes and its longest legend."""
        rows = range(0, len(self.layers), self.columns)
        return [
            self.title_height
            + self.height
            + AXIS_SPACE
            + LINE
            * max(
                _lines(legend_entries(layer), self.width)
                for layer in self.layers[start : start + self.columns]
            )
            for start in rows
        ]

    @cached_property
    def figure(self) -> Figure:
        """The empty figure."""
        width = AXIS_SPACE + self.columns * (self.width + self.gap)
        return Figure(figsize=(width, sum(self.row_heights)), facecolor="white")

    def axes(self, index: int) -> Axes:
        """Axes for a panel, at its place."""
        row, column = divmod(index, self.columns)
        width, height = self.figure.get_size_inches()
        left = AXIS_SPACE + column * (self.width + self.gap)
        top = sum(self.row_heights[:row]) + self.title_height
        bottom = height - top - self.height
        box = (left / width, bottom / height, self.width / width, self.height / height)
        return self.figure.add_axes(box, anchor="NW")

    def is_outer(self, index: int) -> bool:
        """Whether a panel needs the numbers of its own vertical axis."""
        return index % self.columns == 0 or len(set(self.extents)) > 1

    def wrapped(self, title: str) -> str:
        """A title in lines that are no wider than a panel."""
        return textwrap.fill(title, max(12, int(self.width / TITLE_CHARACTER)))


def _aspect(layer: Layer, extent: Extent) -> float:
    """Length of a vertical unit, in horizontal ones."""
    return 1 / cos(radians((extent[2] + extent[3]) / 2)) if layer.unit == "°" else 1.0


def _draw_picture(ax: Axes, layer: Layer, extent: Extent) -> None:
    no_data_ground(ax, layer.extent)
    # Classes and zoomed pixels keep their colours; only a reduced image is smoothed.
    smooth = layer.kind != "classes" and min(layer.valid.shape) > 400
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


def _draw_axes(ax: Axes, layer: Layer, *, outer: bool) -> None:
    x_name, y_name = AXIS_NAMES[layer.unit]
    ax.set_xlabel(x_name, fontsize=TEXT_SIZE)
    if outer:
        ax.set_ylabel(y_name, fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080", labelleft=outer)
    ax.ticklabel_format(useOffset=False)
    width, height = ax.get_position().size * ax.figure.get_size_inches()
    for axis, length in ((ax.xaxis, width), (ax.yaxis, height)):
        count = max(2, min(6, int(length / TICK_SPACE)))
        whole = layer.unit == "px"
        axis.set_major_locator(MaxNLocator(count, integer=whole, steps=[1, 2, 5, 10]))
    ax.spines[:].set_color("#808080")


def legend_entries(layer: Layer) -> list[Patch]:
    """Classes that are there, and the hatching if some pixel has no data."""
    entries = []
    if layer.kind == "classes":
        entries = [
            swatch(class_color(class_id, layer.legend), label)
            for class_id, label in class_labels(layer).items()
        ]
    return entries if layer.valid.all() else [*entries, no_data_swatch()]


def _legend_columns(entries: Sequence[Patch], width: float) -> int:
    longest = max(len(entry.get_label()) for entry in entries)
    return max(1, min(len(entries), int(width / (0.5 + CHARACTER * longest))))


def _lines(entries: Sequence[Patch], width: float) -> int:
    return ceil(len(entries) / _legend_columns(entries, width)) if entries else 0


def _draw_legend(ax: Axes, entries: Sequence[Patch], width: float) -> None:
    """Legend below the numbers and the name of the horizontal axis."""
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
    beside = ax.inset_axes((1.02, 0, 0.03, 1))
    bar = ax.figure.colorbar(ScalarMappable(Normalize(low, high), ramp), cax=beside)
    bar.ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    bar.outline.set_edgecolor("#808080")


def class_labels(layer: Layer) -> dict[int, str]:
    """Name and share of each class that is there."""
    shares = class_shares(layer.preview.pixels[..., 0], layer.valid)
    return {
        class_id: f"{class_name(class_id, layer.legend)}: {_percent(share)}"
        for class_id, share in shares.items()
    }


def _percent(share: float) -> str:
    return "<1 %" if share < 0.005 else f"{100 * share:.0f} %"


def describe(layer: Layer, title: str) -> str:
    """One sentence on what a picture shows, for those who cannot see it."""
    left, right, bottom, top = layer.extent
    width, height = (
        f"{side:.3g}" if side < 100 else f"{side:.0f}"
        for side in (right - left, abs(top - bottom))
    )
    size = f"{width} x {height} {layer.unit}"
    text = f"{KIND_NAMES[layer.kind]}, {size}"
    text = f"{title}: {text}" if title else text.capitalize()
    if not layer.valid.any():
        return f"{text}, no data."
    if layer.kind == "classes":
        return f"{text}; {', '.join(class_labels(layer).values())}."
    if layer.kind in RAMPS:
        (low,), (high,) = layer.limits
        return f"{text}, from {low:.4g} to {high:.4g}."
    return f"{text}."
