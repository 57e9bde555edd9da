"""Reads polygons, lines and points with classes from vector files."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.placement import is_north_up, same_crs, why_not_north_up
from tutorial_lib.rasters.causes import current_folder, file_exists

__all__ = ["Feature", "read_features"]


class Feature(NamedTuple):
    """A polygon, line or point of a class, in the CRS of an image.

    Attributes:
        number: Number of the feature in its file (OGR's FID).
        name: Its class as text.
        shape: Its geometry.
    """

    number: int
    name: str
    shape: shapely.Geometry


def read_features(path: str, field: str, layer: int, grid: GeoBox) -> list[Feature]:
    """Read the features of a layer that have a class and a geometry.

    A warning tells how many have none, and whether they were reprojected.

    Args:
        path: Vector file that OGR reads.
        field: Name of the field with the class: a text or a whole number.
        layer: Number of the layer, from 0.
        grid: Grid of the image, whose CRS they get.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If OGR cannot read it.
        ValueError: If there is no such layer or field, a value of it is not a class, no
            feature is left, or the image is not north-up.
    """
    if not is_north_up(grid):
        raise ValueError(f"The image {why_not_north_up(grid)}")
    columns, crs, numbers, shapes = _read(path, field, layer)
    names = [_name(value, path, field) for value in columns]
    features = [
        Feature(int(number), name, shape)
        for number, name, shape in zip(numbers, names, shapes, strict=True)
        if name and shape is not None and not shape.is_empty
    ]
    missing = len(names) - len(features)
    if not features:
        raise ValueError(
            f"'{path}' has no feature with a geometry and a class in the field "
            f"'{field}' ({counted(missing, 'feature')} without). Give a file with "
            "polygons, lines or points of classes."
        )
    if missing:
        warn(
            f"{counted(missing, 'feature')} of '{path}' without a geometry or without "
            f"a value in '{field}' will be left out."
        )
    return _in_crs(features, crs, grid.crs)


def _read(
    path: str, field: str, layer: int
) -> tuple[np.ndarray, CRS | None, np.ndarray, np.ndarray]:
    """Values of the field, the CRS, numbers and geometries of the features."""
    if not path.startswith(("/vsi", "http")) and not file_exists(os.fspath(path)):
        raise FileNotFoundError(
            f"There is no vector file at '{path}'. Check the path (the current folder "
            f"{current_folder()})."
        )
    try:
        layers = pyogrio.list_layers(path)
        if layer >= len(layers):
            raise ValueError(
                f"`layer` is {layer}, and '{path}' has "
                f"{counted(len(layers), 'layer')}. They are numbered from 0."
            )
        known = pyogrio.read_info(path, layer=layer)["fields"].tolist()
        if field not in known:
            raise ValueError(
                f"'{path}' has no field '{field}'. Its fields are: "
                f"{', '.join(known) or 'none'}. Name one with `field=…`."
            )
        meta, numbers, shapes, columns = pyogrio.raw.read(
            path, layer=layer, columns=[field], return_fids=True
        )
    except RuntimeError as err:
        why = str(err).split(".;")[0].rstrip(".")
        raise OSError(
            f"'{path}' is not a vector file that OGR can read: {why}. Give for example "
            "a .shp, a .geojson or a .gpkg file."
        ) from err
    if shapes is None:
        shapes = np.full(len(numbers), None)
    crs = CRS(meta["crs"]) if meta["crs"] else None
    flat = shapely.force_2d(shapely.from_wkb(shapes))
    return columns[0], crs, numbers, flat


def _name(value: object, path: str, field: str) -> str:
    """A class as text, as OGR writes it; empty where there is none."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    # A whole number is a float where other features have no value.
    numeric = isinstance(value, int | float | np.number | np.bool_)
    if numeric and float(value).is_integer():
        return str(int(value))
    raise ValueError(
        f"The field '{field}' of '{path}' holds {value!r}, which is not a class. Name "
        "a field with whole numbers or texts: `field=…`."
    )


def _in_crs(
    features: Sequence[Feature], crs: CRS | None, wanted: CRS | None
) -> list[Feature]:
    """The features in the CRS of the image; warns if the two differ."""
    if crs is None or wanted is None:
        if crs != wanted:
            what = "image does not" if wanted is None else "vector file does not"
            warn(
                f"The {what} declare a CRS. The one of the other is assumed: "
                f"{wanted or crs}."
            )
        return list(features)
    if same_crs(crs, wanted):
        return list(features)
    warn(f"The vector file is in {crs} and the image in {wanted}. It was reprojected.")
    transform = crs.transformer_to_crs(wanted)

    def moved(places: np.ndarray) -> np.ndarray:
        return np.column_stack(transform(places[:, 0], places[:, 1]))

    return [one._replace(shape=shapely.transform(one.shape, moved)) for one in features]
