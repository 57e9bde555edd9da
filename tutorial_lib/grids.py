"""Where pixels are: grids, the alignment of several rasters, tiles and windows.

This module computes with integers and fractions, so its results are exact. It reads no
pixels. Rows and columns are independent, so most functions work along one axis. An
`Axis` describes the rows or the columns of a source, in pixels of the reference. It
counts from the outer corner of the reference.

Words: the *reference* is the source whose pixels count. A *tile* is the output pixels
that are written in one step. The *lattice* is the output pixels of a map, numbered from
the corner of the reference; a map often begins after pixel 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.kinds import kind_of
from tutorial_lib.placement import (
    crs_name,
    is_north_up,
    same_crs,
    why_not_north_up,
)

# In pixels: a coordinate this close to the edge of a pixel is on the edge. Map
# coordinates come from decimal text and from sums of floats, so they are not exact.
EDGE_TOLERANCE = Fraction(1, 1_000_000)

__all__ = [
    "Axis",
    "GridMismatchError",
    "align",
    "map_grid",
    "patch_start",
    "pixel_index",
    "tile_spans",
    "window_ranges",
]


class GridMismatchError(ValueError):
    """The rasters cannot be read together, because their grids do not fit."""


def exact(value: float) -> Fraction:
    """The decimal number that a float was written as: 0.1 gives 1/10."""
    # `Fraction(0.1)` would be the binary number, 3602879701896397/36028797018963968.
    return Fraction(str(float(value)))


def snapped(value: Fraction) -> Fraction:
    """The simple fraction very close to `value`, or `value` if there is none."""
    # Files hold rounded spacings: 1/4000 divided by 1/12000 is not exactly 3 in floats.
    simple = value.limit_denominator(1000)
    return simple if abs(simple - value) < EDGE_TOLERANCE else value


def pixel_index(coordinate: float, corner: float, spacing: float) -> int:
    """Index of the pixel that contains a coordinate, along one axis.

    Args:
        coordinate: Map coordinate of the point, in the units of the CRS.
        corner: Coordinate of the outer edge of pixel 0.
        spacing: Signed size of a pixel (negative for rows of a north-up raster).

    Returns:
        Index from 0. It is negative or too large if the point is outside. A point on
        an edge belongs to the pixel on its right or below it, as in OTB.

    Example:
        >>> pixel_index(85, corner=0, spacing=10), pixel_index(80, corner=0, spacing=10)
        (8, 8)
        >>> pixel_index(79.999, corner=0, spacing=10)
        7
    """
    return floor(snapped((exact(coordinate) - exact(corner)) / exact(spacing)))


def patch_start(pixel: int, size: int) -> int:
    """First pixel of a patch of `size` pixels around a centre pixel.

    If the size is even, the centre pixel has the index `size / 2` in the patch. So one
    pixel more is before it than after it. OTBTF's PatchesExtraction has this rule.

    Example:
        >>> patch_start(8, size=16), patch_start(2, size=5)
        (0, 0)
    """
    return pixel - size // 2


@dataclass(frozen=True)
class Axis:
    """Rows or columns of a source, in reference pixels from the reference's corner.

    Attributes:
        offset: Place of the source's outer corner.
        spacing: Size of one pixel of the source.
        size: Number of pixels of the source.
    """

    offset: Fraction
    spacing: Fraction
    size: int

    def pixel_at(self, place: Fraction) -> int:
        """Index of the source's pixel at a place, which is in reference pixels."""
        return floor((place - self.offset) / self.spacing)


def align(grids: Mapping[str, GeoBox]) -> dict[str, tuple[Axis, Axis]]:
    """Axes of several rasters, measured in pixels of the first one, the reference.

    Args:
        grids: Grid of each source by name, the reference first.

    Returns:
        For each source its (row axis, column axis).

    Raises:
        GridMismatchError: If a grid is rotated or not north-up, or the CRS differ.

    Example:
        >>> from affine import Affine
        >>> ten = GeoBox((60, 80), Affine(10, 0, 0, 0, -10, 0), "EPSG:32633")
        >>> twenty = GeoBox((30, 40), Affine(20, 0, 70, 0, -20, -50), "EPSG:32633")
        >>> rows, columns = align({"input_10m": ten, "input_20m": twenty})["input_20m"]
        >>> rows.offset, columns.offset, columns.spacing
        (Fraction(5, 1), Fraction(7, 1), Fraction(2, 1))
    """
    reference_name, reference = next(iter(grids.items()))
    base = reference.transform
    axes = {}
    for name, grid in grids.items():
        _check_comparable(name, grid, reference_name, reference)
        a = grid.transform
        axes[name] = (
            _axis(a.f, a.e, grid.shape.y, base.f, base.e),
            _axis(a.c, a.a, grid.shape.x, base.c, base.a),
        )
    return axes


def _check_comparable(
    name: str, grid: GeoBox, reference_name: str, reference: GeoBox
) -> None:
    if not is_north_up(grid):
        raise GridMismatchError(f"Source '{name}' {why_not_north_up(grid)}")
    if (grid.crs is None) != (reference.crs is None):
        raise GridMismatchError(
            f"Source '{name}' is in the CRS {crs_name(grid.crs)} and the reference "
            f"'{reference_name}' in the CRS {crs_name(reference.crs)}. Declare the "
            "missing CRS: `gdal_edit.py -a_srs EPSG:… file.tif`."
        )
    if not same_crs(grid.crs, reference.crs):
        code = crs_name(reference.crs)
        target = code if code.startswith("EPSG:") else "reference.prj"
        raise GridMismatchError(
            f"Source '{name}' is in {crs_name(grid.crs)} and the reference "
            f"'{reference_name}' in {code}. Warp it first: `gdalwarp -t_srs {target} "
            f"-tr {reference.transform.a:g} {reference.transform.a:g} -tap …`."
        )


def _axis(
    corner: float,
    spacing: float,
    size: int,
    reference_corner: float,
    reference_spacing: float,
) -> Axis:
    unit = exact(reference_spacing)
    return Axis(
        offset=snapped((exact(corner) - exact(reference_corner)) / unit),
        spacing=snapped(exact(spacing) / unit),
        size=size,
    )


def tile_spans(pixels: range, tile_size: int, window: range) -> Iterator[range]:
    """Tiles of a map that touch a window, along one axis.

    The tiles of a window are tiles of the full map. If a window had its own tiles, its
    values could differ from those of the full map.

    Args:
        pixels: Lattice indices of the full map.
        tile_size: Output pixels of a tile.
        window: Lattice indices of the window, within `pixels`.

    Yields:
        Lattice indices of each tile. The last tile of the map may be shorter.

    Example:
        >>> list(tile_spans(range(8, 93), tile_size=40, window=range(50, 60)))
        [range(48, 88)]
    """
    first = (window.start - pixels.start) // tile_size
    for start in range(pixels.start + first * tile_size, window.stop, tile_size):
        yield range(start, min(start + tile_size, pixels.stop))


def window_ranges(
    window: Window, shape: tuple[int, int], of: str
) -> tuple[range, range]:
    """Rows and columns of a window, after a check that it lies inside a raster.

    Args:
        window: The window, in whole pixels.
        shape: (height, width) of the raster.
        of: Name of the raster for the error, such as "the full map" or "'a.tif'".

    Returns:
        The range of rows and the range of columns.

    Raises:
        TypeError: If the window is not a `rasterio.windows.Window`.
        ValueError: If it is empty, not in whole pixels, or not inside the raster.

    Example:
        >>> window_ranges(Window(3, 10, width=20, height=5), (60, 80), "the full map")
        (range(10, 15), range(3, 23))
    """
    if not isinstance(window, Window):
        raise TypeError(
            f"`window` is {kind_of(window)}. Received: {window!r}. "
            "Give a `rasterio.windows.Window(col_off, row_off, width, height)`."
        )
    row, col = window.row_off, window.col_off
    height, width = window.height, window.width
    words = f"The window (row {row}, col {col}, {height}x{width} px) of {of}"
    if not all(float(value).is_integer() for value in window.flatten()):
        raise ValueError(
            f"{words} is not in whole pixels. Round it first, with its methods "
            "`round_offsets` and `round_lengths`."
        )
    inside = 0 <= row < row + height <= shape[0] and 0 <= col < col + width <= shape[1]
    if not inside:
        raise ValueError(
            f"{words} is empty or not inside its {shape[0]}x{shape[1]} px. Choose a "
            "window of at least one pixel that lies inside."
        )
    return range(int(row), int(row + height)), range(int(col), int(col + width))


def map_grid(reference: GeoBox, scale: Fraction, rows: range, columns: range) -> GeoBox:
    """Grid of a map that has these lattice indices.

    Args:
        reference: Grid of the reference.
        scale: Output spacing divided by reference spacing.
        rows: Lattice indices of the map's rows.
        columns: Lattice indices of the map's columns.

    Example:
        >>> from affine import Affine
        >>> ten = GeoBox((60, 80), Affine(10, 0, 0, 0, -10, 0), "EPSG:32633")
        >>> grid = map_grid(ten, Fraction(2), rows=range(4, 20), columns=range(3, 30))
        >>> grid.shape.yx, grid.transform.c, grid.transform.f, grid.resolution.x
        ((16, 27), 60.0, -80.0, 20.0)
    """
    spacing_x = exact(reference.transform.a) * scale
    spacing_y = exact(reference.transform.e) * scale
    left = exact(reference.transform.c) + columns.start * spacing_x
    top = exact(reference.transform.f) + rows.start * spacing_y
    transform = type(reference.transform)(
        float(spacing_x), 0.0, float(left), 0.0, float(spacing_y), float(top)
    )
    return GeoBox((len(rows), len(columns)), transform, reference.crs)
