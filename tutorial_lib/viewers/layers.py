"""What is drawn of a layer: its kind, its picture, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

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
from tutorial_lib.viewers.reading import Preview, layer_grid, layer_shape, read_preview

# A band of integers with at most so many values and no legend is taken for classes.
MANY_CLASSES = 20

RAMPS = {"grey": GREY_RAMP, "probability": PROBABILITY_RAMP}

Limits = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Layer:
    """One raster or array, ready to be drawn.

    Attributes:
        preview: Its pixels.
        valid: (height, width) bool, where there is something to show.
        kind: One of `KINDS`.
        legend: Names and colours, of a class map.
        limits: Darkest and brightest value of each channel, but of a class map.
    """

    preview: Preview
    valid: np.ndarray
    kind: str
    legend: Legend | None
    limits: Limits | None

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
        """Left, right, bottom, top of what is shown, in `unit`."""
        window = self.preview.window
        if self.preview.grid is None:
            left, top = window.col_off, window.row_off
            return left, left + window.width, top + window.height, top
        left, bottom, right, top = ground(self.preview.grid, window)
        per_unit = 1000 if self.unit == "km" else 1
        return left / per_unit, right / per_unit, bottom / per_unit, top / per_unit


def load_layer(
    layer: PathLike | np.ndarray,
    display: Display = Display(),  # noqa: B008 - frozen, so it can be shared
    *,
    window: Window | None = None,
) -> Layer:
    """Read a layer and decide how it is drawn; see `show` for the arguments."""
    kind = display.kind
    preview = read_preview(
        layer,
        bands=display.bands,
        color=None if kind is None else kind == "rgb",
        nodata=display.nodata,
        window=window,
    )
    valid = ~preview.empty & np.isfinite(preview.pixels).all(axis=-1)
    legend = display.legend or preview.legend
    kind = kind or choose_kind(preview.pixels[valid], preview.band_count, legend)
    limits = choose_limits(
        preview.pixels, valid, kind, display.stretch, display.value_range
    )
    return Layer(preview, valid, kind, legend if kind == "classes" else None, limits)


def choose_kind(values: np.ndarray, band_count: int, legend: Legend | None) -> str:
    """How values (n, channel) with data are best drawn.

    Example:
        >>> choose_kind(np.array([[3], [0], [3]]), band_count=1, legend=None)
        'classes'
        >>> choose_kind(np.array([[0.2], [1.0]]), band_count=6, legend=None)
        'probability'
    """
    if values.shape[-1] == 3:
        return "rgb"
    if np.issubdtype(values.dtype, np.integer):
        few = band_count == 1 and (legend or len(np.unique(values)) <= MANY_CLASSES)
        return "classes" if few else "grey"
    inside = len(values) and values.min() >= 0 and values.max() <= 1
    return "probability" if inside else "grey"


def choose_limits(
    pixels: np.ndarray,
    valid: np.ndarray,
    kind: str,
    stretch: Sequence[float] = (2, 98),
    value_range: tuple[float, float] | None = None,
) -> Limits | None:
    """Darkest and brightest value of each channel of pixels (…, channel)."""
    if kind == "classes":
        return None
    if value_range is None and kind == "probability":
        value_range = (0, 1)
    if value_range is None:
        return stretch_limits(pixels, valid, stretch)
    low, high = value_range
    channels = pixels.shape[-1]
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


def ground(grid: GeoBox, window: Window) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of a window, in the units of the CRS."""
    left, top = grid.transform @ (window.col_off, window.row_off)
    corner = (window.col_off + window.width, window.row_off + window.height)
    right, bottom = grid.transform @ corner
    return left, bottom, right, top


def same_window(
    layer: PathLike | np.ndarray, first: PathLike | np.ndarray, window: Window
) -> Window:
    """The window of a layer that shows what `window` shows of the first one."""
    if layer is first:
        return window
    grid, first_grid = layer_grid(layer), layer_grid(first)
    if grid and first_grid and grid.crs == first_grid.crs:
        return _window_on(grid, ground(first_grid, window))
    height, width, _ = layer_shape(layer)
    first_height, first_width, _ = layer_shape(first)
    if (height, width) == (first_height, first_width):
        return window
    raise ValueError(
        f"`window` counts pixels of the first layer ({first_height}x{first_width} px); "
        f"it cannot be found in one of {height}x{width} px that does not say where it "
        "lies in the same CRS. Cut that one yourself, or show it alone."
    )


def _window_on(grid: GeoBox, bounds: tuple[float, float, float, float]) -> Window:
    """Whole pixels of a grid that touch some ground, in (col, row, width, height)."""
    left, bottom, right, top = bounds
    first_col, first_row = ~grid.transform @ (left, top)
    last_col, last_row = ~grid.transform @ (right, bottom)
    # Bounds are sums of floats: a thousandth of a pixel is not a pixel more.
    cols = max(0, floor(first_col + 1e-3)), min(grid.width, ceil(last_col - 1e-3))
    rows = max(0, floor(first_row + 1e-3)), min(grid.height, ceil(last_row - 1e-3))
    if cols[0] >= cols[1] or rows[0] >= rows[1]:
        raise ValueError(
            f"A layer of {grid.height}x{grid.width} px does not touch the window, "
            f"x {left:g} to {right:g}, y {bottom:g} to {top:g}. Show it alone."
        )
    return Window(cols[0], rows[0], cols[1] - cols[0], rows[1] - rows[0])
