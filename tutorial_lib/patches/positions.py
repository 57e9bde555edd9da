"""Positions of patches, in memory and in vector files.

A *position* is the centre of a patch, in map coordinates, with a class number.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS

from tutorial_lib.notices import warn
from tutorial_lib.rasters import PathLike

__all__ = ["Positions"]


@dataclass(frozen=True)
class Positions:
    """Centres of patches, with their class numbers.

    Attributes:
        x: (n,) float64 eastings, in the units of the CRS.
        y: (n,) float64 northings, in the units of the CRS.
        labels: (n,) int64 class numbers.
        crs: Coordinate reference system of x and y, or None if it is unknown.

    Example:
        >>> x, y = np.array([500_005.0, 500_015.0]), np.array([4_799_995.0] * 2)
        >>> Positions(x, y, labels=np.array([3, 0]), crs=CRS("EPSG:32631"))
        Positions(2 in EPSG:32631, per class {0: 1, 3: 1})
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    crs: CRS | None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Positions({len(self)} in {self.crs}, per class {self.counts})"

    @property
    def counts(self) -> dict[int, int]:
        """Number of positions of each class."""
        ids, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def __getitem__(self, index: slice | np.ndarray) -> "Positions":
        return Positions(self.x[index], self.y[index], self.labels[index], self.crs)

    def to_crs(self, crs: CRS) -> "Positions":
        """The same positions in another coordinate reference system.

        A position that cannot be transformed gets the coordinates inf.
        """
        x, y = self.crs.transformer_to_crs(crs)(self.x, self.y)
        return Positions(x, y, self.labels, crs)

    def to_file(self, path: PathLike) -> Path:
        """Write the positions as points with the integer field `class`.

        Args:
            path: The file. Its ending, such as .geojson or .gpkg, chooses the format.

        Returns:
            The path.

        Raises:
            ValueError: If OGR cannot write a format with this ending.
            OSError: If the file cannot be written.

        Example:
            >>> from tutorial_lib import select_positions, testing
            >>> positions = select_positions(testing.small_scene()["labels"], count=5)
            >>> path = positions.to_file(testing.scratch_folder() / "points.geojson")
            >>> Positions.from_file(path)
            Positions(20 in EPSG:32631, per class {0: 5, 1: 5, 2: 5, 3: 5})
        """
        path = Path(path)
        _check_driver(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Write into a temporary folder, then move: an interrupted run leaves the
            # old file whole. A temporary file name would not do: OGR names the layer
            # after the file, and a shapefile has several files.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as part:
                self._write(Path(part) / path.name)
                for file in Path(part).iterdir():
                    file.replace(path.parent / file.name)
        except (OSError, RuntimeError) as err:
            raise OSError(
                f"'{path}' could not be written: {str(err).rstrip('.')}. Check that "
                "its folder can be written and that the disk has space."
            ) from err
        return path

    def _write(self, path: Path) -> None:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.points(self.x, self.y)),
            field_data=[self.labels],
            fields=np.array(["class"]),
            geometry_type="Point",
            crs=str(self.crs) if self.crs else None,
        )

    @classmethod
    def from_file(cls, path: PathLike, field: str = "class") -> "Positions":
        """Read positions from a vector file of points.

        Args:
            path: Vector file that OGR reads, such as GeoJSON or GeoPackage.
            field: Name of the field with the class numbers.

        Returns:
            The positions in the order and the CRS of the file.

        Raises:
            FileNotFoundError: If there is no such file.
            OSError: If OGR cannot read it.
            ValueError: If it holds anything except points, the field is missing, or a
                class is not a whole number of 0 or more.
        """
        if not Path(path).exists():
            raise FileNotFoundError(
                f"There is no vector file at '{path}'. Check the path (the current "
                f"folder is '{Path.cwd().name}')."
            )
        meta, _, geometry, columns = _read_vector(path)
        if field not in meta["fields"]:
            raise ValueError(
                f"'{path}' has no field '{field}'. Its fields are: "
                f"{', '.join(meta['fields']) or 'none'}. Name one with `field=…`."
            )
        points = shapely.from_wkb(geometry)
        if not len(points) or not np.all(shapely.get_type_id(points) == 0):
            kinds = Counter(
                getattr(point, "geom_type", "no geometry") for point in points
            )
            raise ValueError(
                f"'{path}' holds {dict(kinds) or 'nothing'}. Give a file that holds "
                "only points."
            )
        if shapely.is_empty(points).any():
            first = int(np.argmax(shapely.is_empty(points)))
            raise ValueError(
                f"Point {first} of '{path}' has no coordinates. Remove it, or give it "
                "coordinates."
            )
        labels = _class_numbers(columns[list(meta["fields"]).index(field)], path, field)
        crs = CRS(meta["crs"]) if meta["crs"] else None
        return cls(shapely.get_x(points), shapely.get_y(points), labels, crs)


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
        return Positions(positions.x, positions.y, positions.labels, crs)
    warn(
        f"The positions are in {positions.crs} and the sources in {crs}. The positions "
        "were reprojected."
    )
    return positions.to_crs(crs)


def _check_driver(path: Path) -> None:
    try:
        pyogrio.detect_write_driver(path)
    except ValueError as err:
        raise ValueError(
            f"OGR cannot write points into '{path}': it does not know the ending "
            f"'{path.suffix}'. Use .geojson or .gpkg."
        ) from err


def _read_vector(path: PathLike) -> tuple:
    try:
        return pyogrio.raw.read(path)
    except pyogrio.errors.DataSourceError as err:
        # After ".;" comes advice about drivers, which does not help here.
        why = str(err).split(".;")[0].rstrip(".")
        raise OSError(
            f"'{path}' is not a vector file that OGR can read: {why}. Give for example "
            "a .geojson or a .gpkg file."
        ) from err


def _as_number(value: object) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _class_numbers(values: np.ndarray, path: PathLike, field: str) -> np.ndarray:
    numbers = np.array([_as_number(value) for value in values])
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            f"Field '{field}' of '{path}' does not hold a class number at "
            f"{int(wrong.sum())} of {len(values)} points; the first is point {first} "
            f"with {values.tolist()[first]!r}. Class numbers are 0, 1, 2… Correct the "
            "field, or name another one: `field=…`."
        )
    return numbers.astype("int64")
