"""Vectors for the map: polygons, lines and points, with classes if they have some."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS

from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.pictures import CLASS_COLORS, class_color, class_name
from tutorial_lib.viewers.webmaps.mercator import Bounds, lon_lat, mercator

# More shapes than this make a browser slow: of more, every n-th is drawn.
MAX_SHAPES = 5000
# Of a degree: a tenth of a metre.
DECIMALS = 6
NO_CLASS = -1
# Of shapes without classes: it stands out from vegetation, water and ground.
PLAIN_COLOR = "#e69f00"

_KINDS = {0: "point", 1: "line", 2: "line", 3: "polygon"}
_SINGLE = {4: 0, 5: 1, 6: 3}

__all__ = ["NO_CLASS", "PLAIN_COLOR", "Shapes", "read_shapes", "spare_colors"]


@dataclass(frozen=True)
class Shapes:
    """Shapes on the map.

    Attributes:
        title: Their name on the map.
        geometries: (n,) shapely geometries, in degrees.
        classes: (n,) int64 class numbers, `NO_CLASS` where there is none; None if the
            shapes have no classes at all.
        legend: Names and colours of the classes; None for our own.
        total: How many there are, of which `len(geometries)` are drawn.
    """

    title: str
    geometries: np.ndarray
    classes: np.ndarray | None
    legend: Legend | None
    total: int

    @property
    def bounds(self) -> Bounds:
        """Their place on the map."""
        lon, lat = shapely.get_coordinates(self.geometries).T
        return Bounds.around(*mercator(lon, lat))

    @property
    def present(self) -> dict[int, tuple[str, str]]:
        """(name, colour as "#rrggbb") of each class that is there."""
        if self.classes is None:
            return {}
        return {i: self._style(i) for i in np.unique(self.classes).tolist()}

    def _style(self, class_id: int) -> tuple[str, str]:
        if class_id == NO_CLASS:
            return "no class", CLASS_COLORS[-1]
        rgb = class_color(class_id, self.legend)
        return class_name(class_id, self.legend), "#{:02x}{:02x}{:02x}".format(*rgb)

    @property
    def attribution(self) -> str:
        """Vector files do not say whom they come from."""
        return ""

    @property
    def note(self) -> str:
        """What is left out; "" if nothing is."""
        drawn = len(self.geometries)
        return "" if drawn == self.total else f"{drawn:_} of {self.total:_} shown"

    @property
    def description(self) -> str:
        """One sentence on what is to be seen."""
        kinds = [_KINDS.get(_kind(one), "shape") for one in self.geometries]
        kind = kinds[0] if len(set(kinds)) == 1 else "shape"
        drawn = len(self.geometries)
        text = f"{self.title}: {drawn} {kind}{'' if drawn == 1 else 's'}"
        names = ", ".join(name for name, _ in self.present.values())
        parts = [text, names and f"classes {names}", self.note.replace("_", " ")]
        return "; ".join(part for part in parts if part) + "."

    @property
    def geojson(self) -> dict[str, Any]:
        """A GeoJSON collection whose features have their class number alone."""
        classes = [None] * len(self.geometries)
        if self.classes is not None:
            classes = self.classes.tolist()
        features = [
            {
                "type": "Feature",
                "properties": {"class": i},
                "geometry": json.loads(text),
            }
            for i, text in zip(
                classes, shapely.to_geojson(self.geometries), strict=True
            )
        ]
        return {"type": "FeatureCollection", "features": features}


def _kind(geometry: shapely.Geometry) -> int:
    number = shapely.get_type_id(geometry)
    return _SINGLE.get(int(number), int(number))


def read_shapes(
    layer: PathLike | Positions,
    title: str | None = None,
    *,
    field: str = "class",
    legend: Legend | None = None,
    names: Legend | None = None,
) -> Shapes:
    """Read shapes and move them to longitudes and latitudes.

    Args:
        layer: Vector file that OGR reads, or positions.
        title: Their name on the map; None takes the file's, or "positions".
        field: Field with class numbers, or names of classes.
        legend: Names and colours of the classes.
        names: Used instead if the field has names: the legend of another layer, which
            begins with `legend` and goes on with names that this does not know.

    Raises:
        ValueError: If there is nothing to draw, the CRS is unknown, or a field other
            than "class" is missing.
        OSError: If OGR cannot read the file.

    Example:
        >>> from tutorial_lib import select_positions, testing
        >>> labels = testing.small_scene()["labels"]
        >>> positions = select_positions(labels, count=5)
        >>> read_shapes(positions, legend=testing.SMALL_LEGEND).description
        'positions: 20 points; classes water, meadow, forest, town.'
    """
    if isinstance(layer, Positions):
        name = "positions"
        points = shapely.points(layer.x, layer.y)
        found = _Found(name, points, layer.labels, layer.crs)
    else:
        name = Path(layer).stem
        found = _read(layer, field)
    geometries, values = _drawable(found)
    step = max(1, ceil(len(geometries) / MAX_SHAPES))
    classes, legend = _classes(values, legend, names or legend)
    return Shapes(
        title=title or name,
        geometries=geometries[::step],
        classes=None if classes is None else classes[::step],
        legend=legend,
        total=len(found.geometries),
    )


@dataclass(frozen=True)
class _Found:
    """What a layer holds, as it is written there."""

    name: str
    geometries: np.ndarray
    values: np.ndarray | None
    crs: CRS | None


def _read(path: PathLike, field: str) -> _Found:
    try:
        meta, _, geometry, columns = pyogrio.raw.read(path)
    except pyogrio.errors.DataSourceError as err:
        raise OSError(
            f"'{path}' is neither a raster nor a vector file that GDAL can read. "
            "Download or make it again."
        ) from err
    fields = meta["fields"].tolist()
    if field not in fields and field != "class":
        raise ValueError(
            f"'{path}' has no field '{field}'. Its fields are: "
            f"{', '.join(fields) or 'none'}. Name one of them, or none."
        )
    values = columns[fields.index(field)] if field in fields else None
    geometries = shapely.from_wkb([] if geometry is None else geometry)
    crs = CRS(meta["crs"]) if meta["crs"] else None
    return _Found(f"'{path}'", np.asarray(geometries, object), values, crs)


def _drawable(found: _Found) -> tuple[np.ndarray, np.ndarray | None]:
    """Geometries that have a place, in degrees, and their values of the field."""
    if found.crs is None:
        raise ValueError(
            f"The CRS of {found.name} is not known, so there is no place for it on a "
            "map. Write it with one."
        )

    def move(points: np.ndarray) -> np.ndarray:
        return np.round(np.stack(lon_lat(*points.T, found.crs), axis=-1), DECIMALS)

    geometries = shapely.transform(shapely.force_2d(found.geometries), move)
    # The bounds of what is missing or empty are NaN.
    placed = np.isfinite(shapely.bounds(geometries)).all(axis=-1)
    if not placed.any():
        raise ValueError(
            f"In {found.name} there is nothing to draw: {len(geometries)} features, "
            "none with a place. Check that it is whole, and that its CRS is right."
        )
    values = found.values
    return geometries[placed], None if values is None else values[placed]


def _classes(
    values: np.ndarray | None, legend: Legend | None, names: Legend | None
) -> tuple[np.ndarray | None, Legend | None]:
    """Class numbers of a field, and the legend that they belong to."""
    if values is None:
        return None, legend
    try:
        numbers = values.astype("float64")
    except (TypeError, ValueError):
        return _named(values, names)
    whole = np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers))
    return np.where(whole, numbers, NO_CLASS).astype("int64"), legend


def _named(values: Sequence[Any], legend: Legend | None) -> tuple[np.ndarray, Legend]:
    """Class numbers of names; those that the legend does not know come after it."""
    legend = _extended(legend, {str(value) for value in values if value is not None})
    number = {name: i for i, name in enumerate(legend.names)}
    ids = [number.get(str(value), NO_CLASS) for value in values]
    return np.array(ids, "int64"), legend


def _extended(legend: Legend | None, names: set[str]) -> Legend:
    """A legend with more names, in colours that it does not have."""
    known = legend or Legend((), ())
    spare = spare_colors(known)
    unknown = sorted(names - set(known.names))
    colors = [spare[i % len(spare)] for i in range(len(unknown))]
    return Legend((*known.names, *unknown), (*known.colors, *colors))


def spare_colors(legend: Legend) -> list[str]:
    """Colours of our own, those first that are the least like a legend's."""
    own = Legend(CLASS_COLORS, CLASS_COLORS)
    if not legend:
        return list(CLASS_COLORS)
    apart = np.subtract(np.array(own.rgb)[:, np.newaxis], legend.rgb)
    nearest = np.linalg.norm(apart, axis=-1).min(axis=1)
    order = np.argsort(-nearest, kind="stable")
    return [CLASS_COLORS[i] for i in order if nearest[i]] or list(CLASS_COLORS)
