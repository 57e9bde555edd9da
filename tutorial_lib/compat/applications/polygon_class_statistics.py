"""PolygonClassStatistics: how many pixels the polygons of each class have."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.class_features import read_features
from tutorial_lib.compat.applications.feature_pixels import (
    check_mask,
    pixels_of_features,
)
from tutorial_lib.compat.parameters import (
    Parameter,
    file_in,
    file_out,
    image_in,
    text,
    whole,
)
from tutorial_lib.notices import warn
from tutorial_lib.rasters.destinations import check_destination, check_not_input
from tutorial_lib.rasters.files import write_text

_CLASSES, _FEATURES = "samplesPerClass", "samplesPerVector"

__all__ = [
    "DensePolygonClassStatistics",
    "PolygonClassStatistics",
    "read_class_counts",
]


class PolygonClassStatistics(Application):
    """Counts pixels of classes; `Application` says how to give parameters.

    A polygon has the pixels whose centre lies in it, a line those that it touches, a
    point the one that contains it. A pixel of two features counts for both. The XML
    file holds the number of each class and of each feature.

    Source:
        OTB's PolygonClassStatistics. It reprojects vector files too.

    Example:
        >>> from tutorial_lib import Positions, testing
        >>> folder = testing.scratch_folder()
        >>> points = Positions([500_005, 500_015], [4_799_995] * 2, [3, 3], 32631)
        >>> _ = points.to_file(folder / "points.gpkg")
        >>> _ = PolygonClassStatistics(
        ...     in_=testing.small_scene()["input_10m"],
        ...     vec=folder / "points.gpkg",
        ...     field="class",
        ...     out=folder / "statistics.xml",
        ... )
        >>> read_class_counts(folder / "statistics.xml")
        {'3': 2}
    """

    about = "Number of pixels of each class, and of each polygon, line or point."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        return [
            image_in("in", "Image, of which only the grid counts"),
            image_in("mask", "Pixels above 0 count; default all", required=False),
            file_in("vec", "Polygons, lines or points"),
            text("field", "Field with the class", required=True),
            whole("layer", "Number of the layer, from 0", 0, least=0),
            file_out("out", "Counts as XML"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        image, mask, path = values["in"], values["mask"], values["out"]
        check_mask(image, mask)
        check_destination(path)
        masks = mask.files if mask else ()
        check_not_input(path, (*image.files, *masks, values["vec"]))
        features = read_features(
            values["vec"], values["field"], values["layer"], image.grid
        )
        classes = dict.fromkeys(sorted({one.name for one in features}), 0)
        numbers = dict.fromkeys(sorted(one.number for one in features), 0)
        for feature, rows, _ in pixels_of_features(features, image.grid, mask):
            classes[feature.name] += len(rows)
            numbers[feature.number] += len(rows)
        if empty := [name for name, count in classes.items() if not count]:
            warn(
                f"No pixel belongs to the classes {', '.join(empty)} of "
                f"'{values['vec']}'. Compare the places of the image and of the vector "
                "file."
            )
        write_text(path, _xml({_CLASSES: classes, _FEATURES: numbers}))
        return {}


class DensePolygonClassStatistics(PolygonClassStatistics):
    """The same as `PolygonClassStatistics`, under OTBTF's name for many polygons."""


def _xml(statistics: Mapping[str, Mapping[Any, int]]) -> str:
    root = ET.Element("GeneralStatistics")
    for name, counts in statistics.items():
        statistic = ET.SubElement(root, "Statistic", name=name)
        for key, count in counts.items():
            ET.SubElement(statistic, "StatisticMap", key=str(key), value=str(count))
    ET.indent(root)
    return f'<?xml version="1.0" ?>\n{ET.tostring(root, encoding="unicode")}\n'


def read_class_counts(path: str) -> dict[str, int]:
    """Number of pixels of each class, from the file of PolygonClassStatistics.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not such a file.
    """
    try:
        root = ET.parse(path).getroot()
        found = root.iterfind(f"Statistic[@name='{_CLASSES}']/StatisticMap")
        counts = {one.attrib["key"]: int(one.attrib["value"]) for one in found}
    except FileNotFoundError as err:
        raise FileNotFoundError(
            f"There is no file of statistics at '{path}'. Write it with "
            "PolygonClassStatistics."
        ) from err
    except (ET.ParseError, UnicodeError, KeyError, ValueError) as err:
        raise _not_statistics(path) from err
    if not counts or min(counts.values()) < 0:
        raise _not_statistics(path)
    return counts


def _not_statistics(path: str) -> ValueError:
    return ValueError(
        f"'{path}' does not hold the numbers of pixels of classes. Write it with "
        "PolygonClassStatistics, and give its `out`."
    )
