"""Layers ready to be drawn: what `show`, `compare` and `show_map` have in common."""

from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
from rasterio.windows import Window

from tutorial_lib.grids import Axis, align, window_ranges
from tutorial_lib.notices import warn
from tutorial_lib.placement import same_crs
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.options import Display, chosen_bands
from tutorial_lib.viewers.pictures import (
    GREY_RAMP,
    PROBABILITY_RAMP,
    Limits,
    class_ids,
    class_picture,
    legend_place,
    stretch_limits,
    value_picture,
    whole_classes,
)
from tutorial_lib.viewers.reading import (
    OpenLayer,
    Preview,
    as_window,
    open_layer,
)

# One band of integers without a legend is drawn as classes up to this many values, and
# with a legend up to the second number: a panchromatic image holds more.
MAX_CLASSES, MAX_LISTED = 20, 4096
# Of longer lists of class numbers, messages show the first ones.
NUMBERS_SHOWN = 5

RAMPS = {"grey": GREY_RAMP, "probability": PROBABILITY_RAMP}


@dataclass(frozen=True)
class Layer:
    """One raster or array, ready to be drawn.

    Attributes:
        preview: Its pixels.
        kind: One of `options.KINDS`.
        legend: Names and colours of the classes of a class map.
        limits: Darkest and brightest value of each channel; None for a class map.
    """

    preview: Preview
    kind: str
    legend: Legend | None
    limits: Limits | None

    @property
    def valid(self) -> np.ndarray:
        """(height, width) bool, True where there is data that can be drawn."""
        return self.preview.valid

    @property
    def picture(self) -> np.ndarray:
        """(height, width, 4) uint8; alpha is 0 where there is no data."""
        return picture_of(
            self.preview.pixels, self.valid, self.kind, self.legend, self.limits
        )

    @property
    def unit(self) -> str:
        """Unit of the axes: "px", "km" or "°"."""
        if self.preview.grid is None:
            return "px"
        return "°" if self.preview.grid.crs.geographic else "km"

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the picture, in `unit`."""
        window = self.preview.window
        if self.preview.grid is None:
            left, top = window.col_off, window.row_off
            return left, left + window.width, top + window.height, top
        transform = self.preview.grid.transform
        left, top = transform @ (window.col_off, window.row_off)
        corner = window.col_off + window.width, window.row_off + window.height
        right, bottom = transform @ corner
        per_unit = 1000 if self.unit == "km" else 1
        return left / per_unit, right / per_unit, bottom / per_unit, top / per_unit


def load_layer(
    layer: PathLike | np.ndarray | OpenLayer,
    display: Display = Display(),  # noqa: B008 - frozen, so it can be shared
    *,
    window: Window | None = None,
    alone: bool = True,
) -> Layer:
    """Read a layer and decide how it is drawn.

    Args:
        layer: Raster, array, or a layer that is open already.
        display: How to draw it.
        window: Part to read, in its own pixels; None for all.
        alone: Whether it is the only layer. Beside others, a layer of one band shows
            that band, whatever `display.bands` says.

    Raises:
        ValueError: If a band does not exist, the window leaves the layer, or an array
            has another rank.
        TypeError: If the layer is neither a path nor numbers.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> load_layer(testing.small_scene()["labels"]).kind
        'classes'
    """
    with open_layer(layer) as source:
        if window is None:
            window = as_window(*map(range, source.shape))
        rows, cols = window_ranges(window, source.shape, source.name)
        bands = chosen_bands(
            source.name, source.band_count, display.bands, display.kind, alone=alone
        )
        preview = source.read(
            rows,
            cols,
            bands=bands,
            nodata=display.nodata,
            average=display.kind != "classes",
        )
    values, legend = preview.pixels[preview.valid], display.legend or preview.legend
    kind = display.kind or choose_kind(values, preview.band_count, legend)
    limits = choose_limits(values, kind, display)
    if kind == "classes":
        return Layer(class_map(preview, legend), kind, legend, limits)
    return Layer(preview, kind, None, limits)


def class_map(preview: Preview, legend: Legend | None) -> Preview:
    """Pixels as whole class numbers; warns of classes that a legend does not name.

    Raises:
        ValueError: If a value is not whole, or there are too many different values.
    """
    name = f"'{preview.name}'" if preview.name else "the array"
    known = np.where(preview.valid[..., np.newaxis], preview.pixels, 0)
    pixels = whole_classes(name, known)
    ids = class_ids(pixels[..., 0], preview.valid)
    if len(ids) > MAX_LISTED:
        raise ValueError(
            f"{len(ids)} different numbers in {name} are too many for classes. Draw "
            "them with kind='grey'."
        )
    unnamed = [i for i in ids if legend and legend_place(i, legend) is None]
    if unnamed:
        more = "…" if len(unnamed) > NUMBERS_SHOWN else ""
        numbers = ", ".join(map(str, unnamed[:NUMBERS_SHOWN])) + more
        warn(
            f"The legend names the classes {_span(legend)}, and {name} also holds "
            f"{numbers}. Give a legend with all classes, or the value of pixels "
            "without data: `nodata=…`."
        )
    return replace(preview, pixels=pixels)


def _span(legend: Legend) -> str:
    """The class numbers of a legend, as text."""
    classes = list(legend.classes)
    if classes == list(range(len(classes))):
        return f"0 to {len(classes) - 1}"
    more = "…" if len(classes) > NUMBERS_SHOWN else ""
    return ", ".join(map(str, classes[:NUMBERS_SHOWN])) + more


def choose_kind(values: np.ndarray, band_count: int, legend: Legend | None) -> str:
    """Choose a kind of picture for values (n, channel) with data.

    Example:
        >>> choose_kind(np.array([[3], [0], [3]]), band_count=1, legend=None)
        'classes'
        >>> choose_kind(np.array([[0.2], [1.0]]), band_count=6, legend=None)
        'probability'
    """
    if values.shape[-1] == 3:
        return "rgb"
    if np.issubdtype(values.dtype, np.integer):
        most = MAX_LISTED if legend else MAX_CLASSES
        few = band_count == 1 and len(np.unique(values)) <= most
        return "classes" if few else "grey"
    inside = len(values) and values.min() >= 0 and values.max() <= 1
    return "probability" if inside else "grey"


def choose_limits(values: np.ndarray, kind: str, display: Display) -> Limits | None:
    """Darkest and brightest value of each channel of values (n, channel) with data."""
    if kind == "classes":
        return None
    value_range = display.value_range or ((0, 1) if kind == "probability" else None)
    if value_range is None:
        return stretch_limits(values, display.stretch)
    low, high = value_range
    channels = values.shape[-1]
    return np.full(channels, float(low)), np.full(channels, float(high))


def picture_of(
    pixels: np.ndarray,
    valid: np.ndarray,
    kind: str,
    legend: Legend | None,
    limits: Limits | None,
    gamma: float = 1,
) -> np.ndarray:
    """Picture (height, width, 4) uint8 of pixels (height, width, channel)."""
    if kind == "classes":
        return class_picture(pixels[..., 0], valid, legend)
    return value_picture(pixels, valid, limits, RAMPS.get(kind), gamma)


def same_window(
    layer: OpenLayer, first: OpenLayer, window: Window | None
) -> Window | None:
    """The part of a layer on the ground that a window of the first layer covers.

    Raises:
        ValueError: If the window leaves the first layer, the layer does not touch it,
            or the place of the layer is not known.
    """
    if window is None:
        return None
    spans = window_ranges(window, first.shape, first.name)
    grid, first_grid = layer.axes_grid, first.axes_grid
    if None in (grid, first_grid) or not same_crs(grid.crs, first_grid.crs):
        if layer.shape == first.shape:
            return window
        sizes = [f"{rows}x{cols} px" for rows, cols in (first.shape, layer.shape)]
        raise ValueError(
            f"`window` counts pixels of the first layer ({sizes[0]}). Its place in a "
            f"layer of {sizes[1]} without a grid in the same CRS is not known. Cut "
            "that layer yourself, or show it alone."
        )
    axes = align({first.path: first_grid, layer.path: grid})[layer.path]
    rows, cols = (_touched(axis, span) for axis, span in zip(axes, spans, strict=True))
    if not (rows and cols):
        raise ValueError(
            f"{layer.name} does not touch the window (row {window.row_off}, col "
            f"{window.col_off}, {window.height}x{window.width} px) of {first.name}. "
            "Show it alone."
        )
    return as_window(rows, cols)


def _touched(axis: Axis, span: range) -> range:
    """Pixels of a layer that touch some pixels of the first layer, on one axis."""
    start, stop = (
        (edge - axis.offset) / axis.spacing for edge in (span.start, span.stop)
    )
    return range(max(0, floor(start)), min(axis.size, ceil(stop)))
