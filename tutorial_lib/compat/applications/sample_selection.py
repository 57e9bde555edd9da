"""SampleSelection: points in the pixels of polygons, so many of each class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.class_features import Feature, read_features
from tutorial_lib.compat.applications.feature_pixels import (
    check_mask,
    pixels_of_features,
)
from tutorial_lib.compat.applications.point_files import PointFile, write_point_file
from tutorial_lib.compat.applications.polygon_class_statistics import (
    read_class_counts,
)
from tutorial_lib.compat.applications.samplers import periodic, random
from tutorial_lib.compat.applications.sampling_rates import (
    Rate,
    rates_as_text,
    rates_of,
)
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.parameters import (
    Parameter,
    choice,
    file_in,
    file_out,
    image_in,
    number,
    text,
    whole,
)
from tutorial_lib.rasters.destinations import check_destination, check_not_input
from tutorial_lib.rasters.files import write_text

# What to do when polygons and statistics differ.
_AGAIN = (
    "Run PolygonClassStatistics again, with the same image, mask, vector file and "
    "field."
)

__all__ = ["SampleSelection"]


class SampleSelection(Application):
    """Points in polygons; `Application` says how to give parameters.

    The points are centres of pixels, in the CRS of the image: those of the first
    feature first, and those of one feature from the top row to the bottom row. They
    have one field, with the class of the feature.

    Source:
        OTB's SampleSelection. Which pixels a feature has says PolygonClassStatistics.

    Example:
        >>> from tutorial_lib import Positions, testing
        >>> from tutorial_lib.compat.pyotb import PolygonClassStatistics
        >>> folder = testing.scratch_folder()
        >>> x = [500_005, 500_015, 500_025]
        >>> points = Positions(x, [4_799_995] * 3, [3, 3, 8], 32631)
        >>> given = {
        ...     "in": testing.small_scene()["input_10m"],
        ...     "vec": points.to_file(folder / "points.gpkg"),
        ...     "field": "class",
        ... }
        >>> _ = PolygonClassStatistics(given, out=folder / "statistics.xml")
        >>> _ = SampleSelection(
        ...     given, instats=folder / "statistics.xml", out=folder / "samples.gpkg"
        ... )
        >>> Positions.from_file(folder / "samples.gpkg").counts
        {3: 1, 8: 1}
    """

    about = "Points in the pixels of polygons, lines or points, by class."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        strategies = ("byclass", "constant", "percent", "total", "smallest", "all")
        jitter = "periodic: most pixels by which one moves on at random"
        return [
            image_in("in", "Image, of which only the grid counts"),
            image_in("mask", "Pixels above 0 count; default all", required=False),
            file_in("vec", "Polygons, lines or points"),
            file_in("instats", "Statistics, by PolygonClassStatistics"),
            text("field", "Field with the class", required=True),
            whole("layer", "Number of the layer, from 0", 0, least=0),
            choice("strategy", "How many points", strategies, "smallest"),
            file_in("strategy.byclass.in", "byclass: numbers by class", required=False),
            whole("strategy.constant.nb", "constant: points of each class", least=0),
            number("strategy.percent.p", "percent: share of each class, to 1", 0.5),
            whole("strategy.total.v", "total: points of all classes", 1000),
            choice("sampler", "Which pixels", ("periodic", "random"), "periodic"),
            whole("sampler.periodic.jitter", jitter, 0, least=0),
            whole("rand", "Seed of random numbers", 0, least=0),
            file_out("outrates", "Number of points of each class", required=False),
            file_out("out", "Points, with the field of the class"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        image, mask, field = values["in"], values["mask"], values["field"]
        check_mask(image, mask)
        file = PointFile.checked(values["out"], field, _inputs(values))
        if values["outrates"] is not None:
            check_destination(values["outrates"])
            check_not_input(values["outrates"], [*_inputs(values), file.path])
        features = read_features(values["vec"], field, values["layer"], image.grid)
        rates = rates_of(read_class_counts(values["instats"]), values)
        numbers = _numbers(rates, features, values)
        rows, cols, classes = _taken(features, rates, numbers, image, values)
        places = image.grid.transform @ (cols + 0.5, rows + 0.5)
        write_point_file(file, places, classes, image.grid.crs)
        if values["outrates"] is not None:
            write_text(values["outrates"], rates_as_text(rates))
        return {}


def _inputs(values: Mapping[str, Any]) -> list[str]:
    files = [values["vec"], values["instats"], values["strategy.byclass.in"]]
    images: list[Image | None] = [values["in"], values["mask"]]
    files += [file for image in images if image for file in image.files]
    return [file for file in files if file is not None]


def _numbers(
    rates: Mapping[str, Rate], features: list[Feature], values: Mapping[str, Any]
) -> dict[str, int]:
    """The classes of the features as numbers, which points have."""
    numbers = {}
    for name in sorted({one.name for one in features}):
        if name not in rates:
            raise ValueError(
                f"'{values['instats']}' has no class {name}, which "
                f"'{values['vec']}' has. {_AGAIN}"
            )
        if not name.removeprefix("-").isdecimal():
            raise ValueError(
                f"The field '{values['field']}' holds '{name}', and points for a "
                "network need class numbers. Add a field with a number for each class, "
                "and name it: `field=…`."
            )
        numbers[name] = int(name)
    return numbers


def _taken(
    features: list[Feature],
    rates: Mapping[str, Rate],
    numbers: Mapping[str, int],
    image: Image,
    values: Mapping[str, Any],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and classes of the pixels that the sampler takes."""
    chosen = _chosen(rates, values)
    passed = dict.fromkeys(rates, 0)
    found = []
    for feature, rows, cols in pixels_of_features(features, image.grid, values["mask"]):
        # The pixels of a class are numbered through all its features.
        first, ours = passed[feature.name], chosen[feature.name]
        passed[feature.name] = last = first + len(rows)
        own = ours[slice(*np.searchsorted(ours, (first, last)))] - first
        classes = np.full(len(own), numbers[feature.name])
        found.append((rows[own], cols[own], classes))
    for name, rate in rates.items():
        if passed[name] != rate.total:
            raise ValueError(
                f"Class {name} has {passed[name]} pixels in '{values['vec']}', and "
                f"{rate.total} in '{values['instats']}'. {_AGAIN}"
            )
    return tuple(map(np.concatenate, zip(*found, strict=True)))


def _chosen(
    rates: Mapping[str, Rate], values: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Numbers, from 0, of the pixels of each class that are taken."""
    chosen = {}
    for place, (name, rate) in enumerate(rates.items()):
        rng = np.random.default_rng([values["rand"], place])
        if values["sampler"] == "random":
            chosen[name] = random(rate.taken, rate.total, rng)
        else:
            jitter = values["sampler.periodic.jitter"]
            chosen[name] = periodic(rate.taken, rate.total, jitter, rng)
    return chosen
