"""Writes points with class numbers into vector files.

A file is read back before it gets its name: on a full disk OGR may report nothing.
"""

import os
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from tutorial_lib.patches.vector_files import CLASS, POLYGON, Points, read_points
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.destinations import check_destination
from tutorial_lib.rasters.files import replacing_together
from tutorial_lib.rasters.part_folders import flush
from tutorial_lib.rasters.write_errors import not_written

# Files that OGR writes for one shapefile; the projection only if there is a CRS.
SHAPEFILE = (".shp", ".shx", ".dbf", ".cpg")
PROJECTION = ".prj"
# Files beside an older vector file that would be used with the new one: spatial
# indexes of a shapefile, and the journals of a database.
LEFTOVERS = (".qpj", ".qix", ".sbn", ".sbx")
JOURNALS = ("-wal", "-shm", "-journal")


def check_replaceable(
    path: PathLike, fields: Collection[str] = (CLASS, POLYGON)
) -> Path:
    """A path at which points can be written without a loss, as a Path.

    Args:
        path: The file.
        fields: Names of the fields that may be replaced.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it is no place for a file, or OGR cannot write this format.
        FileExistsError: If it is a file that holds something else than points with
            these fields.
    """
    path = check_destination(path)
    _driver(path)
    # OGR looks for the other files of a shapefile beside the link.
    old = Path(os.path.realpath(path))
    if old.exists() and old.stat().st_size and (lost := _would_be_lost(old, fields)):
        raise FileExistsError(
            f"'{path}' holds {lost}, which would be lost. Choose another path, or "
            "delete the file first."
        )
    return path


def _driver(path: Path) -> str:
    if path.suffix.lower() == ".json":
        return "GeoJSON"
    if path.suffix.lower() == ".shp" != path.suffix:
        raise ValueError(
            f"'{path}' has an ending in capitals, in which OGR does not find the other "
            "files of a shapefile. Write .shp."
        )
    try:
        return pyogrio.detect_write_driver(path)
    except ValueError as err:
        raise ValueError(
            f"OGR cannot write points into '{path}': it does not know the ending "
            f"'{path.suffix}'. Use .geojson or .gpkg."
        ) from err


def _would_be_lost(path: Path, known: Collection[str]) -> str:
    """What an existing file holds beside points with the kit's fields; else ''."""
    try:
        layers = pyogrio.list_layers(path).tolist()
        infos = [pyogrio.read_info(path, layer=name) for name, _ in layers]
    except RuntimeError:
        return "something that is not a vector file"
    if len(layers) != 1:
        return f"{len(layers)} layers ({', '.join(name for name, _ in layers)})"
    fields = sorted({*infos[0]["fields"]} - {*known})
    if fields:
        return f"the field{'s' * (len(fields) > 1)} {', '.join(fields)}"
    if infos[0]["features"] and infos[0]["geometry_type"] != "Point":
        return f"shapes that are not points ({infos[0]['geometry_type']})"
    return ""


def write_points(path: Path, points: Points, field: str = CLASS) -> None:
    """Write points with their fields, read them back, and give the file its name.

    Args:
        path: The file, checked by `check_replaceable`.
        points: The points, with class numbers, and with polygons if they are known.
        field: Name of the field with the class numbers.

    Raises:
        ValueError: If the format does not keep points, classes, polygons or CRS.
        OSError: If the file cannot be written.
    """
    path = Path(os.path.realpath(path))
    paths = [path]
    if path.suffix == ".shp":
        endings = SHAPEFILE[1:] + ((PROJECTION,) if points.crs else ())
        paths = [path.with_suffix(ending) for ending in endings] + paths
    with replacing_together(paths) as parts:
        _write(parts[-1], path, points, field)
        _check_written(parts[-1], path, points, field)
        more = {file.name for file in parts[-1].parent.iterdir()}
        if more - {part.name for part in parts}:
            raise _lossy(path, f"needs several files ({', '.join(sorted(more))})")
        if len(paths) > 1:
            # Files of a shapefile are renamed one after the other, this one last. A
            # process that is killed then leaves none, and not new points with old
            # classes.
            for part in parts:
                flush(part)
            path.unlink(missing_ok=True)
    if path.suffix == ".shp":
        for ending in {PROJECTION, *LEFTOVERS} - {file.suffix for file in paths}:
            path.with_suffix(ending).unlink(missing_ok=True)
    for ending in JOURNALS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _write(part: Path, path: Path, points: Points, field: str) -> None:
    # The code where there is one: some formats keep nothing else.
    crs = points.crs
    code = crs and (f"EPSG:{crs.epsg}" if crs.epsg else crs.to_wkt())
    driver = _driver(path)
    # With an index, FlatGeobuf sorts the points by place.
    options = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" else None
    columns = {field: points.labels}
    if points.polygons is not None:
        columns[POLYGON] = points.polygons
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                part,
                shapely.to_wkb(shapely.points(points.x, points.y)),
                field_data=list(columns.values()),
                fields=np.array(list(columns)),
                geometry_type="Point",
                crs=code,
                driver=driver,
                layer_options=options,
            )
    except (pyogrio.errors.FieldError, pyogrio.errors.GeometryError) as err:
        raise _lossy(path, f"cannot keep points with a class ({err})") from err
    except RuntimeError as err:
        raise not_written(path, err) from err


def _check_written(part: Path, path: Path, wanted: Points, field: str) -> None:
    """Compare a file with what was written into it."""
    try:
        found = read_points(part, field, layer=None)
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
    # A field of classes may have the name of the field of polygons.
    if field != POLYGON:
        same = same and np.array_equal(found.polygons, wanted.polygons)
    for one, other in ((x, wanted.x), (y, wanted.y)):
        same = same and np.allclose(one, other, rtol=1e-9, atol=1e-7)
    if not same:
        raise _lossy(path, "changes coordinates, classes, polygons or CRS")


def _lossy(path: Path, why: str) -> ValueError:
    return ValueError(
        f"Positions cannot be written into '{path}': this format {why}. Use .gpkg, "
        "which keeps everything."
    )
