"""The ground that several layers share, in whole pixels of the first raster."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.grids import Axis, align, window_ranges
from tutorial_lib.viewers.reading import OpenLayer, as_window

Axes = tuple[Axis, Axis]

__all__ = ["Axes", "CommonWindow", "find_common_window"]


@dataclass(frozen=True)
class CommonWindow:
    """The window that all layers show.

    Attributes:
        rows: Rows of the first raster.
        cols: Columns of the first raster.
        axes: (row axis, column axis) of each layer, in pixels of the first raster.
        grid: Grid of the first raster; None if no layer has one.
    """

    rows: range
    cols: range
    axes: tuple[Axes, ...]
    grid: GeoBox | None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels of the first raster."""
        return len(self.rows), len(self.cols)

    @property
    def window(self) -> Window:
        """The same as a rasterio window, for `read_array` and `show`."""
        return as_window(self.rows, self.cols)


def find_common_window(
    layers: Sequence[OpenLayer], window: Window | None = None
) -> CommonWindow:
    """Find the ground that all layers share.

    A layer without a grid covers either the first raster or the shared ground,
    whichever has its shape.

    Args:
        layers: Open rasters and arrays.
        window: Part of the shared ground, in pixels of the first raster, or of the
            first layer if there is no raster; None for all.

    Raises:
        GridMismatchError: If a grid is rotated or the CRS differ.
        ValueError: If no ground is shared, an array fits no raster, or the window
            leaves the shared ground.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.viewers.reading import open_layer
        >>> folder = testing.scratch_folder()
        >>> small = testing.small_grid(28, 48, corner=(500_160, 4_799_840))
        >>> whole = testing.coordinate_raster(
        ...     folder / "a.tif", testing.small_grid(60, 80))
        >>> part = testing.coordinate_raster(folder / "b.tif", small)
        >>> with open_layer(whole) as a, open_layer(part) as b:
        ...     common = find_common_window([a, b])
        >>> common.rows, common.cols
        (range(16, 44), range(16, 64))
    """
    grids = {i: layer.grid for i, layer in enumerate(layers) if layer.grid is not None}
    first = layers[next(iter(grids), 0)]
    axes = {0: _axes_from(0, 0, first.shape)}
    if grids:
        aligned = align({layers[i].path: grid for i, grid in grids.items()})
        axes = {i: aligned[layers[i].path] for i in grids}
    rows, cols = (_shared([pair[k] for pair in axes.values()]) for k in (0, 1))
    if not (rows and cols):
        raise ValueError(
            f"The layers {', '.join(layer.name for layer in layers)} share no pixel of "
            f"{first.name}. Compare rasters that overlap, or show them alone with "
            "`show`."
        )
    for i, layer in enumerate(layers):
        if i not in axes:
            axes[i] = _placed(layer, first, rows, cols)
    if window is not None:
        rows, cols = _inside(window, first, rows, cols)
    in_order = tuple(axes[i] for i in range(len(layers)))
    return CommonWindow(rows, cols, in_order, first.grid)


def _axes_from(row: int, col: int, shape: tuple[int, int]) -> Axes:
    """Axes of a layer with the first raster's pixels, beginning at (row, col)."""
    one = Fraction(1)
    return Axis(row * one, one, shape[0]), Axis(col * one, one, shape[1])


def _shared(axes: Sequence[Axis]) -> range:
    """Whole pixels of the first raster that lie inside every layer."""
    start = max(ceil(axis.offset) for axis in axes)
    stop = min(floor(axis.offset + axis.size * axis.spacing) for axis in axes)
    return range(start, max(start, stop))


def _placed(layer: OpenLayer, first: OpenLayer, rows: range, cols: range) -> Axes:
    """Axes of a layer without a grid, found by its shape."""
    shared = (len(rows), len(cols))
    if layer.shape == shared:
        return _axes_from(rows.start, cols.start, shared)
    if layer.shape == first.shape:
        return _axes_from(0, 0, first.shape)
    own, whole, part = (f"{h}x{w} px" for h, w in (layer.shape, first.shape, shared))
    expected = "" if part == whole else f" or the {part} that are shared"
    raise ValueError(
        f"{layer.name} has {own} and does not say where it lies. Give it the {whole} "
        f"of {first.name}{expected}, or give rasters by their paths."
    )


def _inside(
    window: Window, first: OpenLayer, rows: range, cols: range
) -> tuple[range, range]:
    """Rows and columns of a window, after a check that all layers have them."""
    inner = window_ranges(window, first.shape, first.name)
    for part, shared in zip(inner, (rows, cols), strict=True):
        if part.start < shared.start or part.stop > shared.stop:
            raise ValueError(
                f"The window (rows {inner[0].start} to {inner[0].stop}, columns "
                f"{inner[1].start} to {inner[1].stop} of {first.name}) leaves what all "
                f"layers share: rows {rows.start} to {rows.stop}, columns {cols.start} "
                f"to {cols.stop}. Choose a window inside."
            )
    return inner
