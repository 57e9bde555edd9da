"""Which pixels of an image belong to a polygon, a line or a point."""

from collections.abc import Iterator
from contextlib import nullcontext
from math import floor, isfinite

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize

from tutorial_lib.compat.applications.class_features import Feature
from tutorial_lib.compat.images import Image
from tutorial_lib.grids import pixel_index

# Most pixels of a feature that are looked at together.
_MOST = 2**22

# In pixels: by how much centres are moved to the right and up. In OTB a centre on the
# left or lower border of a polygon lies inside, and on the right or upper one outside,
# so neighbours share no pixel. GDAL gives pixels on horizontal borders to both. The two
# numbers differ, so that no usual slope moves along itself.
_RIGHT, _UP = 1e-6, 1e-7

__all__ = ["check_mask", "pixels_of_features"]


def check_mask(image: Image, mask: Image | None) -> None:
    """Raise ValueError unless a mask has the size of its image, and one band."""
    if mask is None:
        return
    height, width = image.grid.shape
    if mask.grid.shape != image.grid.shape or mask.bands != 1:
        raise ValueError(
            f"`mask` has {mask.grid.height}x{mask.grid.width} px and {mask.bands} "
            f"band(s), and `in` has {height}x{width} px. Give a mask of the same size "
            "with one band."
        )


def pixels_of_features(
    features: list[Feature], grid: GeoBox, mask: Image | None
) -> Iterator[tuple[Feature, np.ndarray, np.ndarray]]:
    """Pixels of features, from the first feature to the last one.

    A polygon has the pixels whose centre lies in it, a line those that it touches, and
    a point the one that contains it. Pixels where the mask is 0 or less do not count.

    Args:
        features: The features, in the CRS of the grid.
        grid: Grid of the image.
        mask: Image of the same size; None for all pixels.

    Yields:
        The feature, and rows and columns of pixels, row after row. A large feature
        comes in several parts.

    Example:
        >>> from tutorial_lib import testing
        >>> square = shapely.box(500_012, 4_799_970, 500_030, 4_799_990)
        >>> features, grid = [Feature(0, "1", square)], testing.small_grid(5, 7)
        >>> for _, rows, cols in pixels_of_features(features, grid, mask=None):
        ...     print(rows, cols)
        [1 1 2 2] [1 2 1 2]
    """
    with mask.reading() if mask else nullcontext() as read:
        for feature in features:
            for row, col, inside in _parts(feature.shape, grid):
                if mask:
                    inside &= read(row, col, *inside.shape)[..., 0] > 0
                rows, cols = np.nonzero(inside)
                yield feature, rows + row, cols + col


def _parts(shape: shapely.Geometry, grid: GeoBox) -> Iterator[tuple]:
    """Row, column and (height, width) whether inside, of parts of a geometry's box."""
    window = _window(shape, grid)
    if window is None:
        return
    rows, cols = window
    # Collections hold others at most: multi-polygons, and these polygons.
    simple = shapely.get_parts(shapely.get_parts(shape))
    simple = simple[~shapely.is_empty(simple)]
    kinds = shapely.get_dimensions(simple)
    step = max(1, _MOST // len(cols))
    for row in range(rows.start, rows.stop, step):
        part = range(row, min(row + step, rows.stop))
        inside = np.zeros((len(part), len(cols)), bool)
        if (kinds == 2).any():
            moved = grid.transform @ Affine.translation(_RIGHT, -_UP)
            inside |= _burnt(simple[kinds == 2], part, cols, moved)
        if (kinds == 1).any():
            inside |= _touched(simple[kinds == 1], part, cols, grid)
        if (kinds == 0).any():
            _add_points(inside, simple[kinds == 0], part, cols, grid)
        yield row, cols.start, inside


def _window(shape: shapely.Geometry, grid: GeoBox) -> tuple[range, range] | None:
    """Rows and columns around a geometry, with a pixel more on each side."""
    left, bottom, right, top = shape.bounds
    if not all(map(isfinite, shape.bounds)):
        return None
    a, (height, width) = grid.transform, grid.shape
    rows = _span((top - a.f) / a.e, (bottom - a.f) / a.e, height)
    cols = _span((left - a.c) / a.a, (right - a.c) / a.a, width)
    return (rows, cols) if rows and cols else None


def _span(first: float, last: float, size: int) -> range:
    return range(max(floor(first) - 1, 0), min(floor(last) + 2, size))


def _burnt(
    shapes: np.ndarray,
    rows: range,
    cols: range,
    place: Affine,
    *,
    all_touched: bool = False,
) -> np.ndarray:
    """Pixels that GDAL burns; those whose centre lies inside, for polygons."""
    return rasterize(
        shapes.tolist(),
        out_shape=(len(rows), len(cols)),
        transform=place @ Affine.translation(cols.start, rows.start),
        all_touched=all_touched,
        dtype="uint8",
    ).astype(bool)


def _touched(lines: np.ndarray, rows: range, cols: range, grid: GeoBox) -> np.ndarray:
    """Pixels that lines touch, borders and corners included."""
    # GDAL leaves out pixels that a line touches at a corner. So the pixels around those
    # that it burns are compared too, one by one.
    wider = range(rows.start - 1, rows.stop + 1), range(cols.start - 1, cols.stop + 1)
    near = _burnt(lines, *wider, grid.transform, all_touched=True)
    for axis in (0, 1):
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    near = near[1:-1, 1:-1]
    at_rows, at_cols = np.nonzero(near)
    left, top = grid.transform @ (at_cols + cols.start, at_rows + rows.start)
    right, bottom = grid.transform @ (
        at_cols + cols.start + 1,
        at_rows + rows.start + 1,
    )
    line = shapely.multilinestrings(lines)
    shapely.prepare(line)
    inside = np.zeros(near.shape, bool)
    inside[at_rows, at_cols] = shapely.intersects(
        line, shapely.box(left, bottom, right, top)
    )
    return inside


def _add_points(
    inside: np.ndarray, points: np.ndarray, rows: range, cols: range, grid: GeoBox
) -> None:
    a = grid.transform
    for point in points:
        row, col = pixel_index(point.y, a.f, a.e), pixel_index(point.x, a.c, a.a)
        if row in rows and col in cols:
            inside[row - rows.start, col - cols.start] = True
