"""Label rasters as arrays, and the polygons in them.

A *polygon* is a connected area of one class: its pixels touch by their sides.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp

from tutorial_lib import arguments
from tutorial_lib.rasters import PathLike, Source, open_source, opened
from tutorial_lib.rasters.legends import legend_of

if TYPE_CHECKING:
    import pandas

# Value of pixels without a label in a raster that does not say it in a tag.
NO_LABEL = 255
# Polygon number of pixels without a label.
NO_POLYGON = -1

__all__ = ["LabelRaster", "number_polygons", "polygon_table", "read_labels"]


class LabelRaster(NamedTuple):
    """A label raster: class numbers, which of them count, and the value of others."""

    labels: np.ndarray
    usable: np.ndarray
    nodata: float
    grid: GeoBox
    files: tuple[PathLike, ...]


def read_labels(path: PathLike, nodata: float | None) -> LabelRaster:
    """Read a label raster.

    Args:
        path: Raster of one band of class numbers.
        nodata: Value of pixels without a label; None for the tag of the raster, or 255
            if it has none.

    Raises:
        ValueError: If the raster has more than one band.
        OSError: If it cannot be read.
    """
    with open_source(Source(path, nodata=nodata, bands=_band(path))) as reader:
        grid, files, tag = reader.grid, reader.files, reader.nodata
        labels, empty, _ = reader.read_block(0, 0, grid.height, grid.width)
    labels = labels[..., 0]
    if nodata is None and tag is None:
        nodata, empty = NO_LABEL, empty | (labels == NO_LABEL)
    return LabelRaster(
        labels, ~empty, _plain(tag if nodata is None else nodata), grid, files
    )


def _band(path: PathLike) -> list[int]:
    """The band with the labels, after a check that there is only one."""
    with opened(path) as dataset:
        kinds = enumerate(dataset.colorinterp, start=1)
        bands = [band for band, kind in kinds if kind != ColorInterp.alpha]
        if len(bands) != 1:
            raise ValueError(
                f"'{path}' has {len(bands)} bands. Give a label raster of one band."
            )
        return bands


def _plain(number: float) -> float:
    """A number as an int if it is whole: no-data tags are read as floats."""
    return int(number) if number == number // 1 else number


def number_polygons(labels: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The number of the polygon of each pixel.

    This joins pixels by arrays, because `rasterio.features.shapes` makes a Python
    object for each polygon: a classified raster with noise has millions.

    Args:
        labels: (height, width) class numbers.
        usable: (height, width) whether a pixel has a label.

    Returns:
        (height, width) int64: 0, 1, 2… in the order of the first pixels, row after
        row, and -1 without a label.

    Example:
        >>> labels = np.array([[3, 3, 1], [1, 3, 1], [1, 1, 1]])
        >>> number_polygons(labels, labels > 0).tolist()
        [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    """
    beside = _alike(labels, usable, axis=1)
    # Runs are what pixels of one class beside each other make. Maps have far fewer runs
    # than pixels, and the runs fit into 32 bits.
    runs = np.cumsum(usable & ~beside, dtype="int32").reshape(labels.shape) - 1
    below = _alike(labels, usable, axis=0)
    # Two runs that touch along several pixels are joined by the first of these.
    again = below & beside & np.roll(below, 1, axis=1)
    again[1:] &= beside[:-1]
    rows, columns = np.nonzero(below & ~again)
    one, other = runs[rows, columns], runs[rows - 1, columns]
    first = _smallest_connected(int(runs[-1, -1]) + 1, one, other)
    # A polygon's first run is the one that is its own smallest.
    numbers = np.cumsum(first == np.arange(len(first))) - 1
    return np.where(usable, numbers[first][runs] if len(first) else 0, NO_POLYGON)


def _alike(labels: np.ndarray, usable: np.ndarray, *, axis: int) -> np.ndarray:
    """Which pixels have the class of the pixel before them, along an axis."""
    alike = np.zeros(labels.shape, bool)
    # Views with the axis first.
    to, labels, usable = (np.moveaxis(x, axis, 0) for x in (alike, labels, usable))
    to[1:] = (labels[1:] == labels[:-1]) & usable[1:] & usable[:-1]
    return alike


def _smallest_connected(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smallest number that each number is connected with, by pairs of numbers.

    Each group points to its smallest number. Where a pair joins two groups, the one
    with the larger number points to the other, until no pair joins two.
    """
    group = np.arange(count, dtype="int32")
    while len(one):
        low, high = np.minimum(one, other), np.maximum(one, other)
        # Of several pairs of one group any may win: the others join in a later round.
        group[high] = low
        while not np.array_equal(further := group[group], group):
            group = further
        one, other = group[one], group[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return group


def polygon_table(
    labels_path: PathLike, *, nodata: float | None = None
) -> "pandas.DataFrame":
    """Count the pixels and the polygons of each class of a label raster.

    A polygon is a connected area of one class. Its pixels are much alike, so a class
    with many pixels in few polygons is known from few places only.

    Args:
        labels_path: Label raster: one band of class numbers.
        nodata: Value of pixels without a label. None takes the no-data tag of the
            raster, and 255 if it has none.

    Returns:
        One row for each class, by its name if the raster has names, otherwise by its
        number. The columns are "pixels", "polygons", and "largest": the share of the
        pixels that lies in the largest polygon.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If the raster has more than one band.
        OSError: If the raster cannot be read.

    Example:
        >>> from tutorial_lib import testing
        >>> polygon_table(testing.small_scene()["labels"])
                pixels  polygons  largest
        class
        water     4457        11    0.452
        meadow    4043        11    0.626
        forest    4458        19    0.351
        town      4178         7    0.405
    """
    import pandas

    arguments.file_path("labels_path", labels_path)
    raster = read_labels(labels_path, nodata)
    numbers = number_polygons(raster.labels, raster.usable)[raster.usable]
    sizes = np.bincount(numbers)
    # All pixels of a polygon have its class, so any of them tells it.
    of_polygon = np.zeros(len(sizes), raster.labels.dtype)
    of_polygon[numbers] = raster.labels[raster.usable]
    with opened(labels_path) as dataset:
        legend = legend_of(dataset)
    names = dict(zip(legend.classes, legend.names, strict=True)) if legend else {}
    rows = {
        names.get(label, label): {
            "pixels": (of_class := sizes[of_polygon == label]).sum(),
            "polygons": len(of_class),
            "largest": round(of_class.max() / of_class.sum(), 3),
        }
        for label in np.unique(of_polygon).tolist()
    }
    columns = ["pixels", "polygons", "largest"]
    table = pandas.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("class")
