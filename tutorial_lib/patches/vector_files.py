"""Reads points with class numbers from vector files."""

import os
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS

from tutorial_lib.rasters import PathLike, opened
from tutorial_lib.rasters.causes import current_folder, file_exists

# The largest whole number that float64 holds with all smaller ones.
LARGEST = 2**53

# Names of the fields that the kit writes.
CLASS, POLYGON = "class", "polygon"

_POINT, _MULTIPOINT = 0, 4


class Points(NamedTuple):
    """Points of a vector file; x, y and labels are (n,).

    Attributes:
        x: Eastings.
        y: Northings.
        labels: Values of the field as numbers; NaN where it holds none.
        crs: Their coordinate reference system, or None.
        polygons: (n,) int64 numbers of the polygons, or None.
        values: Values of the field as they are in the file.
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    crs: CRS | None
    polygons: np.ndarray | None = None
    values: np.ndarray | None = None


def read_points(path: PathLike, field: str, layer: str | int | None) -> Points:
    """Read the points of one layer, and the values of one field.

    Args:
        path: Vector file that OGR reads.
        field: Name of the field.
        layer: Name or number, from 0, of the layer; None for the only one.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If OGR cannot read it.
        ValueError: If the layer is not clear, the field is missing, or something else
            than a point is in the layer.
    """
    layer = _layer(path, layer)
    try:
        meta, _, geometry, columns = pyogrio.raw.read(path, layer=layer)
    except RuntimeError as err:
        raise _unreadable(path, err) from err
    fields = list(meta["fields"])
    if geometry is None:
        raise ValueError(
            f"'{path}' is a table without geometry (its columns: {', '.join(fields)})."
            " Read the coordinates and classes yourself, for example with pandas, and "
            "give them to `tl.Positions(x, y, labels, crs)`."
        )
    points = _points(geometry, path)
    if field not in fields:
        raise ValueError(
            f"'{path}' has no field '{field}'. Its fields are: "
            f"{', '.join(fields) or 'none'}. Name one with `field=…`."
        )
    values = columns[fields.index(field)]
    labels = np.array([_as_number(value) for value in values])
    crs = CRS(meta["crs"]) if meta["crs"] else None
    x, y = shapely.get_x(points), shapely.get_y(points)
    polygons = None
    if POLYGON in fields:
        polygons = _polygon_numbers(columns[fields.index(POLYGON)])
    return Points(x, y, labels, crs, polygons, values)


def _polygon_numbers(values: np.ndarray) -> np.ndarray | None:
    """Numbers of polygons; None for a field that holds something else."""
    numbers = np.array([_as_number(value) for value in values])
    return numbers.astype("int64") if _are_numbers(numbers).all() else None


def _are_numbers(values: np.ndarray) -> np.ndarray:
    """Which values are whole numbers of 0 or more."""
    with np.errstate(invalid="ignore"):
        return (values >= 0) & (values <= LARGEST) & (values == np.floor(values))


def _layer(path: PathLike, layer: str | int | None) -> str:
    """Name of the layer to read."""
    local = not os.fspath(path).startswith(("/vsi", "http"))
    if local and not file_exists(os.fspath(path)):
        raise FileNotFoundError(
            f"There is no vector file at '{path}'. Check the path (the current folder "
            f"{current_folder()})."
        )
    try:
        layers = pyogrio.list_layers(path).tolist()
    except RuntimeError as err:
        raise _unreadable(path, err) from err
    names = [name for name, _ in layers]
    listed = ", ".join(f"'{name}'" for name in names) or "none"
    if layer is None:
        # QGIS keeps its styles in a GeoPackage as one more table, without geometry.
        spatial = [name for name, kind in layers if kind is not None] or names
        if len(spatial) == 1:
            return spatial[0]
        raise ValueError(
            f"'{path}' has {len(names)} layers: {listed}. Name one with `layer=…`."
        )
    if isinstance(layer, int) and 0 <= layer < len(names):
        return names[layer]
    if layer not in names:
        raise ValueError(
            f"'{path}' has no layer {layer!r}. Its layers are: {listed}. Name one of "
            "them with `layer=…`."
        )
    return layer


def _unreadable(path: PathLike, err: RuntimeError) -> OSError:
    if _is_raster(path):
        return OSError(
            f"'{path}' is a raster, not a vector file. Draw positions in a label "
            "raster with `select_positions`."
        )
    # After ".;" comes advice about drivers, which does not help here.
    why = str(err).split(".;")[0].rstrip(".")
    return OSError(
        f"'{path}' is not a vector file that OGR can read: {why}. Give for example a "
        ".geojson or a .gpkg file."
    )


def _is_raster(path: PathLike) -> bool:
    try:
        with opened(path):
            return True
    except OSError:
        return False


def _points(geometry: np.ndarray, path: PathLike) -> np.ndarray:
    """The points of a layer, after a check that it holds nothing else."""
    shapes = shapely.from_wkb(geometry)
    single = (shapely.get_type_id(shapes) == _MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes = np.where(single, shapely.get_geometry(shapes, 0), shapes)
    if not len(shapes) or not np.all(shapely.get_type_id(shapes) == _POINT):
        kinds = Counter(getattr(shape, "geom_type", "no geometry") for shape in shapes)
        cure = "Give a file that holds only points."
        if set(kinds) <= {"Point", "MultiPoint"} and kinds:
            cure = "Split the multi-points into points first."
        raise ValueError(f"'{path}' holds {dict(kinds) or 'nothing'}. {cure}")
    finite = np.isfinite(shapely.get_coordinates(shapes)).all(axis=1)
    empty = shapely.is_empty(shapes)
    empty[~empty] = ~finite
    if empty.any():
        raise ValueError(
            f"Point {int(np.argmax(empty))} of '{path}' has no coordinates. Remove it, "
            "or give it coordinates."
        )
    return shapes


def _as_number(value: object) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def check_class_numbers(points: Points, path: PathLike, field: str) -> None:
    """Raise ValueError unless each point has a whole number of 0 or more."""
    labels, values = points.labels, points.values.tolist()
    right = _are_numbers(labels)
    if right.all():
        return
    texts = {value for value in values if isinstance(value, str)}
    cure = "Correct the field, or name another one: `field=…`."
    if np.isnan(labels).all() and texts:
        cure = (
            "Add a field with a number for each of these names, and name it: `field=…`."
        )
    first = int(np.argmax(~right))
    raise ValueError(
        f"Field '{field}' of '{path}' does not hold a class number at "
        f"{int((~right).sum())} of {len(values)} points; the first is point {first} "
        f"with {values[first]!r}. Class numbers are 0, 1, 2… {cure}"
    )
