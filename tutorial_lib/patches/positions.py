"""Positions of patches, in memory and in vector files.

A *position* is the centre of a patch, in map coordinates, with a class number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.crs import CRS
from pyproj.exceptions import CRSError

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.patches.classes import occurring_classes
from tutorial_lib.patches.vector_files import Points, check_class_numbers, read_points
from tutorial_lib.patches.vector_writing import check_replaceable, write_points
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import full_path
from tutorial_lib.rasters.destinations import check_not_input

__all__ = ["Positions"]


@dataclass(frozen=True, eq=False)
class Positions:
    """Centres of patches, with their class numbers.

    Lists and other sequences of numbers become arrays, and a CRS can be given as text
    or by its EPSG number.

    Attributes:
        x: (n,) float64 eastings, in the units of the CRS.
        y: (n,) float64 northings, in the units of the CRS.
        labels: (n,) int64 class numbers, 0 or more.
        crs: Coordinate reference system of x and y, or None if it is unknown.
        files: Files that the positions come from. They are never overwritten.
        polygons: (n,) int64 number of the polygon of each position, 0 or more, or None
            if they are unknown. A polygon is a connected area of one class.

    Raises:
        TypeError: If x, y, labels or polygons are not numbers.
        ValueError: If their lengths differ, a coordinate is NaN, a label is not a class
            number, a polygon is not a number of 0 or more, or the CRS is unknown.

    Example:
        >>> Positions([500_005, 500_015], [4_799_995] * 2, labels=[3, 0], crs=32631)
        Positions(2 in EPSG:32631, per class {0: 1, 3: 1})
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    crs: CRS | None
    files: tuple[PathLike, ...] = field(default=(), repr=False)
    polygons: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        checked = {
            "x": _coordinates("x", self.x),
            "y": _coordinates("y", self.y),
            "labels": _whole_numbers("labels", self.labels, "Class numbers"),
            "polygons": None,
            "crs": _crs(self.crs),
            "files": tuple(map(full_path, self.files or ())),
        }
        lengths = [len(checked[name]) for name in ("x", "y", "labels")]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"`x`, `y` and `labels` have {lengths[0]}, {lengths[1]} and "
                f"{lengths[2]} values. Give the same number of each."
            )
        if self.polygons is not None:
            numbers = _whole_numbers("polygons", self.polygons, "Polygon numbers")
            if len(numbers) != lengths[0]:
                raise ValueError(
                    f"`polygons` has {counted(len(numbers), 'value')} for "
                    f"{counted(lengths[0], 'position')}. "
                    "Give the same number of each, or None."
                )
            checked["polygons"] = numbers
        for name, value in checked.items():
            # A frozen dataclass can be filled in only like this.
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Positions({len(self)} in {self.crs}, per class {self.counts})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Positions):
            return NotImplemented
        return self.crs == other.crs and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("x", "y", "labels", "polygons")
        )

    __hash__ = None

    @property
    def counts(self) -> dict[int, int]:
        """Number of positions of each class."""
        ids, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def __getitem__(self, index: int | slice | np.ndarray) -> "Positions":
        x, y, labels, polygons = (
            None if values is None else np.atleast_1d(values[index])
            for values in (self.x, self.y, self.labels, self.polygons)
        )
        return replace(self, x=x, y=y, labels=labels, polygons=polygons)

    def to_crs(self, crs: CRS | str | int) -> "Positions":
        """The same positions in another coordinate reference system.

        A position that cannot be transformed gets the coordinates inf.

        Raises:
            ValueError: If the CRS of the positions is unknown.
        """
        crs = _crs(crs)
        if self.crs is None or crs is None:
            raise ValueError(
                "Positions without a CRS cannot be reprojected. Give the CRS of their "
                "coordinates: `Positions(x, y, labels, crs)`."
            )
        x, y = self.crs.transformer_to_crs(crs)(self.x, self.y)
        return replace(self, x=x, y=y, crs=crs)

    def to_file(self, path: PathLike) -> Path:
        """Write the positions as points with the integer field `class`.

        If their polygons are known, these are in the integer field `polygon`.

        The file is read back before it gets its name, so an error leaves an older one
        as it was. A file is replaced only if it holds nothing else than points with
        these fields, in one layer: other layers and fields would be lost.

        Args:
            path: The file. Its ending, such as .geojson or .gpkg, chooses the format.

        Returns:
            The path.

        Raises:
            ValueError: If OGR cannot write a format with this ending, the format does
                not keep the points, or the positions were read from this file.
            FileExistsError: If the file holds something else.
            OSError: If the file cannot be written.

        Example:
            >>> from tutorial_lib import select_positions, testing
            >>> positions = select_positions(testing.small_scene()["labels"], count=5)
            >>> path = positions.to_file(testing.scratch_folder() / "points.geojson")
            >>> Positions.from_file(path)
            Positions(20 in EPSG:32631, per class {0: 5, 1: 5, 2: 5, 3: 5})
        """
        path = check_replaceable(path)
        check_not_input(path, self.files)
        if not (len(self) and np.isfinite(self.x + self.y).all()):
            raise ValueError(
                f"{len(self)} positions cannot be written into '{path}': at least one "
                "is needed, and all need finite coordinates. Leave the others out: "
                "`positions[np.isfinite(positions.x)]`."
            )
        write_points(path, Points(self.x, self.y, self.labels, self.crs, self.polygons))
        return path

    @classmethod
    def from_file(
        cls,
        path: PathLike,
        field: str = "class",
        layer: str | None = None,
        *,
        classes: Sequence[int] | None = None,
    ) -> "Positions":
        """Read positions from a vector file of points.

        A field `polygon` with whole numbers of 0 or more becomes their polygons.

        Args:
            path: Vector file that OGR reads, such as GeoJSON or GeoPackage.
            field: Name of the field with the class numbers.
            layer: Name of the layer; None for the only one with geometry.
            classes: Class numbers to keep, such as `(10, 20, 30)`; None for all. They
                stay as they are.

        Returns:
            The positions in the order and the CRS of the file. Heights are left out.

        Raises:
            FileNotFoundError: If there is no such file.
            OSError: If OGR cannot read it.
            ValueError: If the layer is not clear, it holds anything except points, the
                field is missing, a class is not a whole number of 0 or more, or none of
                `classes` is there.
        """
        arguments.file_path("path", path)
        field = arguments.text("field", field)
        arguments.instance("layer", layer, (str, int, type(None)), "the name of one")
        if classes is not None:
            classes = arguments.class_numbers("classes", classes)
        points = read_points(path, field, layer)
        kept = np.ones(len(points.labels), bool)
        if classes is None or np.isnan(points.labels).all():
            check_class_numbers(points, path, field)
        else:
            kept = np.isin(points.labels, classes)
            occurring_classes(classes, points.labels, f"'{path}'")
        positions = cls(
            points.x, points.y, np.where(kept, points.labels, 0), points.crs, (path,)
        )
        return replace(positions, polygons=points.polygons)[kept]


def _coordinates(name: str, values: Any) -> np.ndarray:
    array = _numbers(name, values).astype("float64")
    if np.isnan(array).any():
        raise ValueError(
            f"`{name}` is NaN at position {int(np.argmax(np.isnan(array)))}. Leave the "
            "positions without coordinates out."
        )
    return array


def _whole_numbers(name: str, values: Any, what: str) -> np.ndarray:
    array = _numbers(name, values)
    with np.errstate(invalid="ignore"):
        wrong = ~((array >= 0) & (array < 2**63) & (array == np.floor(array)))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            f"`{name}` is {array[first].item()!r} at position {first}. {what} are 0, "
            "1, 2… Correct it, or leave the position out."
        )
    return array.astype("int64")


def _numbers(name: str, values: Any) -> np.ndarray:
    """A new (n,) array of numbers."""
    try:
        array = np.array(values)
    except ValueError:
        # NumPy refuses lists of lists of different lengths.
        array = np.array(None)
    if array.ndim == 1 and not array.size:
        array = array.astype("float64")
    if array.dtype.kind not in "uif":
        shown = arguments.shown(values)
        raise TypeError(f"`{name}` is {shown}. Give an array of numbers.")
    if array.ndim != 1:
        raise ValueError(
            f"`{name}` has the shape {array.shape}. Give one number for each position: "
            "an array of the shape (n,)."
        )
    return array


def _crs(crs: Any) -> CRS | None:
    if crs is None or isinstance(crs, CRS):
        return crs
    try:
        return CRS(int(crs) if isinstance(crs, np.integer) else crs)
    except (CRSError, TypeError, ValueError) as err:
        raise ValueError(
            f"`crs` is {arguments.shown(crs)}, which is not a coordinate reference "
            "system. Give for example 'EPSG:32631', or None if it is unknown."
        ) from err


def in_crs_of_sources(positions: Positions, crs: CRS | None) -> Positions:
    """The positions in the CRS of the sources; warns if the two CRS differ."""
    if positions.crs == crs:
        return positions
    if crs is None:
        warn(
            "The sources do not declare a CRS. The CRS of the positions is assumed: "
            f"{positions.crs}."
        )
        return positions
    if positions.crs is None:
        warn(
            "The positions do not declare a CRS. The CRS of the sources is assumed: "
            f"{crs}."
        )
        return replace(positions, crs=crs)
    warn(
        f"The positions are in {positions.crs} and the sources in {crs}. The positions "
        "were reprojected."
    )
    return positions.to_crs(crs)
