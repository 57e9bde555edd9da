"""Vector files of points with one whole number each, which applications write."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from odc.geo.crs import CRS

from tutorial_lib.patches.vector_files import Points
from tutorial_lib.patches.vector_writing import check_replaceable, write_points
from tutorial_lib.rasters.destinations import check_not_input

# dBase, in which a shapefile keeps its fields, cuts longer names.
_LONGEST_NAME = 10

__all__ = ["PointFile", "write_point_file"]


class PointFile(NamedTuple):
    """A vector file of points that will be written.

    Attributes:
        path: The file; its ending chooses the format.
        field: Name of the field with the numbers.
    """

    path: Path
    field: str

    @classmethod
    def checked(cls, path: str, field: str, inputs: Iterable[str]) -> "PointFile":
        """A file that can be written, before any work is done.

        Args:
            path: The file. An older one is replaced if it holds such points.
            field: Name of the field with the numbers.
            inputs: Files that are read, which must not be overwritten.

        Raises:
            ValueError: If it is an input, or the format cannot keep the field.
            OSError: If it cannot be written, or holds something else.
        """
        path = check_replaceable(path, fields=(field,))
        check_not_input(path, inputs)
        if path.suffix == ".shp" and len(field) > _LONGEST_NAME:
            raise ValueError(
                f"'{path}' cannot have a field '{field}': names in a shapefile have at "
                f"most {_LONGEST_NAME} characters. Give a path that ends in .gpkg."
            )
        return cls(path, field)


def write_point_file(
    file: PointFile,
    places: tuple[np.ndarray, np.ndarray],
    numbers: np.ndarray,
    crs: CRS | None,
) -> None:
    """Write points; the file is complete or absent.

    Args:
        file: The file, checked.
        places: (n,) x and (n,) y of the points.
        numbers: (n,) whole numbers, such as classes.
        crs: Coordinate reference system of the places, or None.

    Raises:
        ValueError: If the format does not keep the points.
        OSError: If the file cannot be written.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "points.gpkg"
        >>> file = PointFile.checked(path, "id", inputs=[])
        >>> x, y = np.array([500_005.0]), np.array([4_799_995.0])
        >>> write_point_file(file, (x, y), np.array([0]), crs=None)
        >>> path.exists()
        True
    """
    labels = np.asarray(numbers, "int64")
    write_points(file.path, Points(*places, labels, crs), file.field)
