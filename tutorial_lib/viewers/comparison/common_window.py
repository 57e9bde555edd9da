"""The ground that several layers share, in whole pixels of the first raster.

Pure arithmetic on grids and shapes; nothing here reads a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.grids import Axis, align

Axes = tuple[Axis, Axis]
Shape = tuple[int, int]

__all__ = ["CommonWindow", "find_common_window"]


@dataclass(frozen=True)
class CommonWindow:
    """What all layers show.

    Attributes:
        rows: Rows of the first raster.
        cols: Columns of the first raster.
        axes: (row axis, column axis) of each layer, on those of the first raster.
        grid: Where the first raster is on the ground; None if no layer says.
    """

    rows: range
    cols: range
    axes: tuple[Axes, ...]
    grid: GeoBox | None

    @property
    def shape(self) -> Shape:
        """(height, width) in pixels of the first raster."""
        return len(self.rows), len(self.cols)

    @property
    def window(self) -> Window:
        """The same for `read_array` and `show`."""
        height, width = self.shape
        return Window(self.cols.start, self.rows.start, width, height)


def find_common_window(
    names: Sequence[str],
    shapes: Sequence[Shape],
    grids: Sequence[GeoBox | None],
    *,
    window: Window | None = None,
) -> CommonWindow:
    """Find the ground that all layers share.

    A layer without a grid covers what the first raster covers, or what all rasters
    share, whichever is of its shape.

    Args:
        names: How messages call the layers.
        shapes: (height, width) of each layer.
        grids: Grid of each layer; None for arrays and rasters without coordinates.
        window: Part that is wanted, in pixels of the first raster (of the first layer
            where there is no raster).

    Raises:
        GridMismatchError: If a grid is rotated or the CRS differ.
        ValueError: If no ground is shared, an array fits no raster, or the window
            leaves the shared ground.

    Example:
        >>> from tutorial_lib.testing import small_grid
        >>> whole = small_grid(60, 80)
        >>> cropped = small_grid(28, 48, corner=(500_160, 4_799_840))
        >>> grids = [whole, cropped]
        >>> shapes = [grid.shape.yx for grid in grids]
        >>> common = find_common_window(["whole", "cropped"], shapes, grids)
        >>> common.rows, common.cols
        (range(16, 44), range(16, 64))
    """
    placed = {i: grid for i, grid in enumerate(grids) if grid is not None}
    first = next(iter(placed), 0)
    aligned = align({names[i]: grid for i, grid in placed.items()}) if placed else {}
    axes = {i: aligned[names[i]] for i in placed}
    axes.setdefault(first, _from(Fraction(0), Fraction(0), shapes[first]))
    rows, cols = (_shared([pair[k] for pair in axes.values()]) for k in (0, 1))
    if not (rows and cols):
        raise ValueError(
            f"The layers {_listed(names)} share no pixel of '{names[first]}'. Compare "
            "rasters that overlap, or show them alone with `show`."
        )
    for i, shape in enumerate(shapes):
        if i not in axes:
            axes[i] = _fitted(names[i], shape, names[first], shapes[first], rows, cols)
    rows, cols = _windowed(names[first], rows, cols, window)
    in_order = tuple(axes[i] for i in range(len(names)))
    return CommonWindow(rows, cols, in_order, grids[first])


def _from(row: Fraction, col: Fraction, shape: Shape) -> Axes:
    """Axes of a layer with the pixels of the first raster, from one of them on."""
    return Axis(row, Fraction(1), shape[0]), Axis(col, Fraction(1), shape[1])


def _shared(axes: Sequence[Axis]) -> range:
    """Whole pixels of the first raster that lie inside every layer."""
    start = max(ceil(axis.offset) for axis in axes)
    stop = min(floor(axis.offset + axis.size * axis.spacing) for axis in axes)
    return range(start, max(start, stop))


def _fitted(
    name: str, shape: Shape, first: str, whole: Shape, rows: range, cols: range
) -> Axes:
    common = (len(rows), len(cols))
    if shape == common:
        return _from(Fraction(rows.start), Fraction(cols.start), shape)
    if shape == whole:
        return _from(Fraction(0), Fraction(0), shape)
    expected = "" if common == whole else f" or the {_size(common)} px that are shared"
    raise ValueError(
        f"{name} has {_size(shape)} px and does not say where it lies. Give it the "
        f"{_size(whole)} px of '{first}'{expected}, or give rasters by their paths."
    )


def _windowed(
    first: str, rows: range, cols: range, window: Window | None
) -> tuple[range, range]:
    if window is None:
        return rows, cols
    row, col, height, width = (
        int(value)
        for value in (window.row_off, window.col_off, window.height, window.width)
    )
    inner = range(row, row + height), range(col, col + width)
    if not (height > 0 and width > 0) or any(
        part.start < whole.start or part.stop > whole.stop
        for part, whole in zip(inner, (rows, cols), strict=True)
    ):
        raise ValueError(
            f"The window (row {row}, col {col}, {height}x{width} px of '{first}') "
            f"leaves what all layers share: rows {rows.start} to {rows.stop}, columns "
            f"{cols.start} to {cols.stop}. Choose a window inside."
        )
    return inner


def _size(shape: Shape) -> str:
    return f"{shape[0]}x{shape[1]}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
