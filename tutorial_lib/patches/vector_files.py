"""Reads and writes vector files of points with class numbers.

A file is read back before it gets its name: on a full disk OGR may report nothing.
"""

import os
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS

from tutorial_lib.rasters import PathLike, opened
from tutorial_lib.rasters.files import (
    check_destination,
    not_written,
    replacing_together,
)

# Files that OGR writes for one shapefile; the projection only if there is a CRS.
SHAPEFILE = (".shp", ".shx", ".dbf", ".cpg")
PROJECTION = ".prj"
# Files beside an older vector file that would be used with the new one: spatial
# indexes of a shapefile, and the journals of a database.
LEFTOVERS = (PROJECTION, ".qpj", ".qix", ".sbn", ".sbx")
JOURNALS = ("-wal", "-shm", "-journal")

# The largest whole number that float64 holds with all smaller ones.
LARGEST = 2**53

_POINT, _MULTIPOINT = 0, 4


class Points(NamedTuple):
    """Points of a vector file; x, y and labels are (n,).

    Attributes:
        x: Eastings.
        y: Northings.
        labels: Values of the field as numbers; NaN where it holds none.
        values: Values of the field as they are in the file.
        crs: Their coordinate reference system, or None.
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    values: np.ndarray
    crs: CRS | None


# Reading


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
    if field not in fields:
        raise ValueError(
            f"'{path}' has no field '{field}'. Its fields are: "
            f"{', '.join(fields) or 'none'}. Name one with `field=…`."
        )
    points = _points(geometry, path)
    values = columns[fields.index(field)]
    labels = np.array([_as_number(value) for value in values])
    crs = CRS(meta["crs"]) if meta["crs"] else None
    return Points(shapely.get_x(points), shapely.get_y(points), labels, values, crs)


def _layer(path: PathLike, layer: str | int | None) -> str:
    """Name of the layer to read."""
    local = not os.fspath(path).startswith(("/vsi", "http"))
    if local and not Path(path).exists():
        raise FileNotFoundError(
            f"There is no vector file at '{path}'. Check the path (the current folder "
            f"is '{Path.cwd().name}')."
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
    with np.errstate(invalid="ignore"):
        right = (labels >= 0) & (labels <= LARGEST) & (labels == np.floor(labels))
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


# Writing


def check_replaceable(path: PathLike) -> Path:
    """A path at which points can be written without a loss, as a Path.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it is no place for a file, or OGR cannot write this format.
        FileExistsError: If it is a file that holds something else than points with the
            field `class`.
    """
    path = check_destination(path)
    _driver(path)
    if path.exists() and path.stat().st_size and (lost := _would_be_lost(path)):
        raise FileExistsError(
            f"'{path}' holds {lost}, which would be lost. Choose another path, or "
            "delete the file first."
        )
    return path


def _driver(path: Path) -> str:
    if path.suffix.lower() == ".json":
        return "GeoJSON"
    try:
        return pyogrio.detect_write_driver(path)
    except ValueError as err:
        raise ValueError(
            f"OGR cannot write points into '{path}': it does not know the ending "
            f"'{path.suffix}'. Use .geojson or .gpkg."
        ) from err


def _would_be_lost(path: Path) -> str:
    """What an existing file holds beside points with the field `class`; else ''."""
    try:
        layers = pyogrio.list_layers(path).tolist()
        infos = [pyogrio.read_info(path, layer=name) for name, _ in layers]
    except RuntimeError:
        return "something that is not a vector file"
    if len(layers) != 1:
        return f"{len(layers)} layers ({', '.join(name for name, _ in layers)})"
    fields = sorted({*infos[0]["fields"]} - {"class"})
    if fields:
        return f"the field{'s' * (len(fields) > 1)} {', '.join(fields)}"
    if infos[0]["features"] and infos[0]["geometry_type"] != "Point":
        return f"shapes that are not points ({infos[0]['geometry_type']})"
    return ""


def write_points(
    path: Path, x: np.ndarray, y: np.ndarray, labels: np.ndarray, crs: CRS | None
) -> None:
    """Write points with the integer field `class`, read them back, and give the name.

    Args:
        path: The file, checked by `check_replaceable`.
        x: (n,) eastings.
        y: (n,) northings.
        labels: (n,) class numbers.
        crs: Their coordinate reference system, or None.

    Raises:
        ValueError: If the format does not keep points, classes or CRS.
        OSError: If the file cannot be written.
    """
    paths = [path]
    if path.suffix.lower() == ".shp":
        endings = SHAPEFILE[1:] + ((PROJECTION,) if crs else ())
        paths += [path.with_suffix(ending) for ending in endings]
    with replacing_together(paths) as parts:
        points = Points(x, y, labels, labels, crs)
        _write(parts[0], path, points)
        _check_written(parts[0], path, points)
        more = {file.name for file in parts[0].parent.iterdir()}
        if more - {part.name for part in parts}:
            raise _lossy(path, f"needs several files ({', '.join(sorted(more))})")
    leftovers = {path.with_suffix(ending) for ending in LEFTOVERS}
    if path.suffix.lower() == ".shp":
        for file in leftovers - set(paths):
            file.unlink(missing_ok=True)
    for ending in JOURNALS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _write(part: Path, path: Path, points: Points) -> None:
    # The code where there is one: some formats keep nothing else.
    crs = points.crs
    code = crs and (f"EPSG:{crs.epsg}" if crs.epsg else crs.to_wkt())
    driver = _driver(path)
    # With an index, FlatGeobuf sorts the points by place.
    options = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" else None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                part,
                shapely.to_wkb(shapely.points(points.x, points.y)),
                field_data=[points.labels],
                fields=np.array(["class"]),
                geometry_type="Point",
                crs=code,
                driver=driver,
                layer_options=options,
            )
    except (pyogrio.errors.FieldError, pyogrio.errors.GeometryError) as err:
        raise _lossy(path, f"cannot keep points with a class ({err})") from err
    except RuntimeError as err:
        raise not_written(path, err) from err


def _check_written(part: Path, path: Path, wanted: Points) -> None:
    """Compare a file with what was written into it."""
    try:
        found = read_points(part, "class", layer=None)
    except (OSError, ValueError) as err:
        raise not_written(path, OSError("it cannot be read back")) from err
    if len(found.labels) != len(wanted.labels):
        count = f"{len(found.labels)} of {len(wanted.labels)} points"
        raise not_written(path, OSError(f"only {count} are in it"))
    if (found.crs is None) != (wanted.crs is None):
        raise _lossy(path, f"has the CRS {found.crs}, the positions have {wanted.crs}")
    x, y = found.x, found.y
    if found.crs != wanted.crs:
        # The same CRS can have another name in a file, so places are compared.
        x, y = found.crs.transformer_to_crs(wanted.crs)(x, y)
    same = np.array_equal(found.labels, wanted.labels)
    for one, other in ((x, wanted.x), (y, wanted.y)):
        same = same and np.allclose(one, other, rtol=1e-9, atol=1e-7)
    if not same:
        raise _lossy(path, "changes coordinates, classes or CRS")


def _lossy(path: Path, why: str) -> ValueError:
    return ValueError(
        f"Positions cannot be written into '{path}': this format {why}. Use .gpkg, "
        "which keeps everything."
    )
