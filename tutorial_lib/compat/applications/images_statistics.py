"""ComputeImagesStatistics: mean, standard deviation and limits of each band."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.outputs import strips
from tutorial_lib.compat.parameters import Parameter, file_out, images_in, number
from tutorial_lib.rasters.files import write_text

__all__ = ["BandStatistics", "ComputeImagesStatistics", "statistics_of"]


@dataclass(frozen=True)
class BandStatistics:
    """Numbers of all pixels of some images, one for each band.

    Attributes:
        count: Number of pixels that count.
        mean: Mean.
        variance: Unbiased variance, for `count - 1`; 0 of a single pixel.
        least: Smallest value.
        greatest: Largest value.
    """

    count: int
    mean: np.ndarray
    variance: np.ndarray
    least: np.ndarray
    greatest: np.ndarray


def statistics_of(
    images: list[Image], background: float | None = None
) -> BandStatistics:
    """Statistics of the bands of images, over the pixels of all of them together.

    Pixels with NaN or infinity in a band do not count, nor those with the background
    value in all bands, as in OTB.

    Raises:
        ValueError: If the images have different numbers of bands, or no pixel counts.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.compat.images import ArrayImage
        >>> pixels = np.array([[[1.0], [2.0], [6.0]]])
        >>> one = statistics_of([ArrayImage(pixels, testing.small_grid(1, 3))])
        >>> float(one.mean[0]), float(one.variance[0])
        (3.0, 7.0)
    """
    bands = images[0].bands
    for number_, image in enumerate(images[1:], 2):
        if image.bands != bands:
            raise ValueError(
                f"Image {number_} of `il` has {image.bands} band(s) and image 1 "
                f"{bands}, so they have no common statistics. Give images with the "
                "same bands."
            )
    count, mean, squares = 0, np.zeros(bands), np.zeros(bands)
    least, greatest = np.full(bands, np.inf), np.full(bands, -np.inf)
    for pixels in _pixels(images, background):
        # The means of parts are combined as Chan, Golub and LeVeque do (1979): the sum
        # of squares of large numbers would lose the digits that the variance needs.
        part = len(pixels)
        own = pixels.mean(axis=0)
        difference, total = own - mean, count + part
        squares += ((pixels - own) ** 2).sum(axis=0)
        squares += difference**2 * count * part / total
        mean += difference * part / total
        count = total
        least = np.minimum(least, pixels.min(axis=0))
        greatest = np.maximum(greatest, pixels.max(axis=0))
    if not count:
        raise ValueError(
            "No pixel of `il` counts: all hold NaN, infinity, or the background value. "
            "Correct `bv`, or the images."
        )
    return BandStatistics(count, mean, squares / max(count - 1, 1), least, greatest)


def _pixels(images: list[Image], background: float | None) -> Any:
    """Strips of the images as (n, band) arrays of the pixels that count."""
    for image in images:
        with image.reading() as read:
            for row, height in strips(range(image.grid.height), image.strip_rows):
                block = read(row, 0, height, image.grid.width)
                pixels = block.reshape(-1, image.bands).astype("float64")
                counts = np.isfinite(pixels).all(axis=1)
                if background is not None:
                    counts &= (pixels != background).any(axis=1)
                if counts.any():
                    yield pixels[counts]


class ComputeImagesStatistics(Application):
    """Mean, deviation and limits of bands; `Application` tells how to give parameters.

    The results are lists with one number for each band: `app["out.mean"]`, `out.std`,
    `out.min`, `out.max`.

    Source:
        OTB's ComputeImagesStatistics. Of several images, all pixels count the same.

    Example:
        >>> from tutorial_lib import testing
        >>> stats = ComputeImagesStatistics(testing.small_scene()["input_10m"])
        >>> len(stats["out.mean"])
        4
    """

    about = "Mean, standard deviation, least and greatest value of each band."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        return [
            images_in("il", "Images with the same bands"),
            number("bv", "Background value: pixels with it in all bands do not count"),
            file_out("out.xml", "Means and deviations as XML", required=False),
            file_out("out", "The same as out.xml, in older OTB", required=False),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        found = statistics_of(values["il"], values["bv"])
        results = {
            "out.mean": found.mean.tolist(),
            "out.std": np.sqrt(found.variance).tolist(),
            "out.min": found.least.tolist(),
            "out.max": found.greatest.tolist(),
        }
        for path in filter(None, (values["out.xml"], values["out"])):
            write_text(path, _xml(results))
        return results


def _xml(results: Mapping[str, list[float]]) -> str:
    """The statistics as OTB's other applications read them."""
    root = ET.Element("FeatureStatistics")
    for name, key in (("mean", "out.mean"), ("stddev", "out.std")):
        statistic = ET.SubElement(root, "Statistic", name=name)
        for value in results[key]:
            ET.SubElement(statistic, "StatisticVector", value=repr(value))
    ET.indent(root)
    return f'<?xml version="1.0" ?>\n{ET.tostring(root, encoding="unicode")}\n'
