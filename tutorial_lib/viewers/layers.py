"""Layers ready to be drawn: what `show`, `compare` and `show_map` have in common."""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.grids import window_ranges
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.pictures import (
    GREY_RAMP,
    PROBABILITY_RAMP,
    class_picture,
    ramp_picture,
    rgb_picture,
    stretch_limits,
)
from tutorial_lib.viewers.reading import (
    OpenLayer,
    Preview,
    as_window,
    chosen_bands,
    open_layer,
)

# One band of integers without a legend is drawn as classes up to this many values.
MAX_CLASSES = 20

RAMPS = {"grey": GREY_RAMP, "probability": PROBABILITY_RAMP}

# A coordinate this close to a pixel's edge, in pixels, is on the edge: bounds are sums
# of floats.
EDGE_TOLERANCE = 1e-3

Limits = tuple[np.ndarray, np.ndarray]


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
        left, bottom, right, top = _bounds(self.preview.grid, window)
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
            rows, cols, bands=bands, nodata=display.nodata, average=True
        )
    values, legend = preview.pixels[preview.valid], display.legend or preview.legend
    kind = display.kind or choose_kind(values, preview.band_count, legend)
    limits = choose_limits(values, kind, display)
    return Layer(preview, kind, legend if kind == "classes" else None, limits)


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
        few = band_count == 1 and (legend or len(np.unique(values)) <= MAX_CLASSES)
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
) -> np.ndarray:
    """Picture (height, width, 4) uint8 of pixels (height, width, channel)."""
    if kind == "classes":
        return class_picture(pixels[..., 0], valid, legend)
    if kind == "rgb":
        return rgb_picture(pixels, valid, limits)
    return ramp_picture(pixels, valid, limits, RAMPS[kind])


def _bounds(grid: GeoBox, window: Window) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a window, in the units of the CRS."""
    left, top = grid.transform @ (window.col_off, window.row_off)
    corner = (window.col_off + window.width, window.row_off + window.height)
    right, bottom = grid.transform @ corner
    return left, bottom, right, top


def same_window(
    layer: OpenLayer, first: OpenLayer, window: Window | None
) -> Window | None:
    """The window of a layer on the ground that a window of the first layer covers.

    Raises:
        ValueError: If the window leaves the first layer, the layers share no ground
            there, or it is not known where a layer of another size lies.
    """
    if window is None:
        return None
    window_ranges(window, first.shape, first.name)
    if layer is first:
        return window
    grid, first_grid = layer.axes_grid, first.axes_grid
    if grid and first_grid and grid.crs == first_grid.crs:
        return _window_at(grid, _bounds(first_grid, window))
    if layer.shape == first.shape:
        return window
    sizes = [f"{height}x{width} px" for height, width in (first.shape, layer.shape)]
    raise ValueError(
        f"`window` counts pixels of the first layer ({sizes[0]}). Its place in a layer "
        f"of {sizes[1]} without a grid in the same CRS is not known. Cut that layer "
        "yourself, or show it alone."
    )


def _window_at(grid: GeoBox, bounds: tuple[float, float, float, float]) -> Window:
    """The window of whole pixels of a grid that touch some bounds."""
    left, bottom, right, top = bounds
    first_col, first_row = ~grid.transform @ (left, top)
    last_col, last_row = ~grid.transform @ (right, bottom)
    rows, cols = (
        range(
            max(0, floor(start + EDGE_TOLERANCE)),
            min(size, ceil(stop - EDGE_TOLERANCE)),
        )
        for start, stop, size in (
            (first_row, last_row, grid.height),
            (first_col, last_col, grid.width),
        )
    )
    if not (rows and cols):
        raise ValueError(
            f"A layer of {grid.height}x{grid.width} px does not touch the window, "
            f"x {left:g} to {right:g}, y {bottom:g} to {top:g}. Show it alone."
        )
    return as_window(rows, cols)
