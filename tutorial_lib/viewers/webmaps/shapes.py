"""Vectors on the map: polygons, lines and points of vector files, and positions."""

import json
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS

from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import full_path
from tutorial_lib.viewers.webmaps.mercator import Bounds, lon_lat, mercator

# More shapes make a browser slow. Of a longer list, every n-th shape is drawn.
MAX_SHAPES = 5000
# Decimals of a degree: the sixth is a tenth of a metre.
DECIMALS = 6
# Colour of all vectors: it stands out from vegetation, water and bare ground.
COLOR = "#e69f00"

__all__ = ["COLOR", "MAX_SHAPES", "Shapes", "read_shapes"]


@dataclass(frozen=True)
class Shapes:
    """Shapes on the map.

    Attributes:
        title: Name of the layer.
        geometries: (n,) shapely geometries, in degrees.
        total: How many shapes the layer has, of which n are drawn.
        files: The file that they were read from.
    """

    title: str
    geometries: np.ndarray
    total: int
    files: tuple[str, ...] = ()

    @property
    def bounds(self) -> Bounds:
        """Place on the map."""
        lon, lat = shapely.get_coordinates(self.geometries).T
        return Bounds.around(*mercator(lon, lat))

    @property
    def note(self) -> str:
        """What is left out; "" if all shapes are drawn."""
        drawn = len(self.geometries)
        return "" if drawn == self.total else f"{drawn} of {self.total} shown"

    @property
    def description(self) -> str:
        """Text for screen readers."""
        # 0 points, 1 lines, 2 areas; -1 for a mixture of them.
        dimensions = set(shapely.get_dimensions(self.geometries).tolist())
        kinds = {(0,): "point", (1,): "line", (2,): "polygon"}
        kind = kinds.get(tuple(dimensions), "shape")
        text = f"{self.title}: {counted(len(self.geometries), kind)}"
        return f"{text}; {self.note}." if self.note else f"{text}."

    @property
    def geojson(self) -> dict[str, Any]:
        """The shapes as a GeoJSON collection."""
        features = [
            {"type": "Feature", "properties": {}, "geometry": json.loads(text)}
            for text in shapely.to_geojson(self.geometries)
        ]
        return {"type": "FeatureCollection", "features": features}


def read_shapes(layer: PathLike | Positions, title: str) -> Shapes:
    """Read shapes and convert them to longitudes and latitudes.

    Args:
        layer: Vector file that OGR reads, or positions.
        title: Name of the layer.

    Raises:
        ValueError: If there is nothing to draw, or the CRS is unknown.
        OSError: If OGR cannot read the file.

    Example:
        >>> from tutorial_lib import select_positions, testing
        >>> positions = select_positions(testing.small_scene()["labels"], count=5)
        >>> read_shapes(positions, "samples").description
        'samples: 20 points.'
    """
    if isinstance(layer, Positions):
        name, geometries, crs = "positions", shapely.points(layer.x, layer.y), layer.crs
    else:
        name = f"'{layer}'"
        geometries, crs = _read(layer)
    if crs is None:
        raise ValueError(
            f"The CRS of {name} is not known, so there is no place for it on a map. "
            "Write it with one."
        )
    try:
        placed = _in_degrees(geometries, crs)
    except ValueError as err:
        raise ValueError(f"{name} cannot be put on a map. {err}") from err
    if not len(placed):
        raise ValueError(
            f"In {name} there is nothing to draw: {counted(len(geometries), 'feature')}"
            ", none with a place. Check that it is whole, and that its CRS is right."
        )
    step = ceil(len(placed) / MAX_SHAPES)
    files = () if isinstance(layer, Positions) else (full_path(layer),)
    return Shapes(title, placed[::step], total=len(geometries), files=files)


def _read(path: PathLike) -> tuple[np.ndarray, CRS | None]:
    """Geometries of a vector file, and their CRS if it has one."""
    try:
        name = _first_layer(path)
        meta, _, geometry, _ = pyogrio.raw.read(path, layer=name, columns=[])
    except pyogrio.errors.DataSourceError as err:
        raise OSError(
            f"'{path}' is neither a raster nor a vector file that GDAL can read. "
            "Download or make it again."
        ) from err
    geometries = shapely.from_wkb([] if geometry is None else geometry)
    crs = CRS(meta["crs"]) if meta["crs"] else None
    return np.asarray(geometries, object), crs


def _first_layer(path: PathLike) -> str | int:
    """The first layer with geometries; a warning says which others there are."""
    layers = pyogrio.list_layers(path)
    names = [name for name, kind in layers if kind is not None]
    if len(names) > 1:
        warn(
            f"'{path}' has the layers {', '.join(names)}, and the map shows the first "
            "one. Write another one to a file of its own to show it."
        )
    return names[0] if names else 0


def _in_degrees(geometries: np.ndarray, crs: CRS) -> np.ndarray:
    """Geometries in degrees, without those that have no place."""

    def move(points: np.ndarray) -> np.ndarray:
        return np.round(np.stack(lon_lat(*points.T, crs), axis=-1), DECIMALS)

    moved = shapely.transform(shapely.force_2d(geometries), move)
    # The bounds of missing or empty geometries are NaN.
    return moved[np.isfinite(shapely.bounds(moved)).all(axis=-1)]
