"""BandMathX: an image computed from images by an expression."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.images_statistics import (
    BandStatistics,
    statistics_of,
)
from tutorial_lib.compat.expressions import Expression, Statistic, parse
from tutorial_lib.compat.images import Image, Read
from tutorial_lib.compat.parameters import Parameter, image_out, images_in, text

# Bytes of one block of the computation, about: its arrays are in float64.
BLOCK_BYTES = 2**26

__all__ = ["BandMathX", "ComputedImage"]


class ComputedImage(Image):
    """An image that an expression computes from images of the same size.

    The first image gives the grid, as in OTB: the place of the others does not count.
    """

    def __init__(self, images: Sequence[Image], expression: Expression) -> None:
        self._images, self._expression = tuple(images), expression
        self.grid, self.bands = images[0].grid, expression.bands
        # OTB computes in float64, and hands on float32.
        self.dtype = np.dtype("float32")
        self.strip_rows = images[0].strip_rows
        self.files = tuple(file for image in images for file in image.files)
        self._spacings = [
            (image.grid.transform.a, image.grid.transform.e) for image in images
        ]
        self._statistics: Mapping[Statistic, float] | None = None

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        # Read before the first block, because all pixels of an image are needed.
        if self._statistics is None:
            self._statistics = _statistics(self._expression.statistics, self._images)
        with ExitStack() as stack:
            reads = [
                stack.enter_context(image.reading()) if number in self._used else None
                for number, image in enumerate(self._images, 1)
            ]

            def read(row: int, col: int, height: int, width: int) -> np.ndarray:
                rows = max(BLOCK_BYTES // (8 * self._expression.values * width), 1)
                result = np.empty((height, width, self.bands), self.dtype)
                for first in range(0, height, rows):
                    part = min(rows, height - first)
                    result[first : first + part] = self._block(
                        reads, row + first, col, part, width
                    )
                return result

            yield read

    @property
    def _used(self) -> tuple[int, ...]:
        # An expression without images still needs the size of one.
        return self._expression.images or (1,)

    def _block(
        self,
        reads: Sequence[Read | None],
        row: int,
        col: int,
        height: int,
        width: int,
    ) -> np.ndarray:
        arrays = [
            None if read is None else self._with_margin(read, row, col, height, width)
            for read in reads
        ]
        with np.errstate(all="ignore"):
            return self._expression(
                arrays,
                origin=(row, col),
                statistics=self._statistics,
                spacings=self._spacings,
            )

    def _with_margin(
        self, read: Read, row: int, col: int, height: int, width: int
    ) -> np.ndarray:
        """Pixels of a block and around it; beyond the image its border is repeated."""
        above, beside = self._expression.margin
        top, left = row - above, col - beside
        bottom, right = row + height + above, col + width + beside
        rows, cols = self.grid.shape
        inner = (max(top, 0), max(left, 0), min(bottom, rows), min(right, cols))
        array = read(inner[0], inner[1], inner[2] - inner[0], inner[3] - inner[1])
        missing = (
            (inner[0] - top, bottom - inner[2]),
            (inner[1] - left, right - inner[3]),
            (0, 0),
        )
        return np.pad(array, missing, mode="edge") if np.any(missing) else array


def _statistics(
    wanted: Sequence[Statistic], images: Sequence[Image]
) -> dict[Statistic, float]:
    """The values of im1b2Mean and others; every image is read once."""
    found = {
        number: statistics_of([images[number - 1]])
        for number in {one.image for one in wanted}
    }
    return {one: _value(one, found[one.image]) for one in wanted}


def _value(statistic: Statistic, found: BandStatistics) -> float:
    values = {
        "Mini": found.least,
        "Maxi": found.greatest,
        "Mean": found.mean,
        "Sum": found.mean * found.count,
        "Var": found.variance,
    }
    return float(values[statistic.measure][statistic.band - 1])


class BandMathX(Application):
    """An image computed from images; `Application` tells how to give parameters.

    `tutorial_lib.compat.expressions` describes the expressions.

    Source:
        OTB's BandMathX, and muParserX for the grammar.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.small_scene()["input_10m"]
        >>> BandMathX(il=[path, path], exp="(im1-im2)*(im1-im2)'").shape
        (120, 168, 1)
    """

    about = "An image computed from images by an expression, such as im1b1 - im2b1."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        return [
            images_in("il", "Images of the same size: im1, im2…"),
            image_out("out", "The result"),
            text("exp", "Expression; several with ; between them", required=True),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        images: list[Image] = values["il"]
        _check_sizes(images)
        expression = parse(values["exp"], bands=[image.bands for image in images])
        return {"out": ComputedImage(images, expression)}


def _check_sizes(images: Sequence[Image]) -> None:
    height, width = images[0].grid.shape
    for number, image in enumerate(images[1:], 2):
        if image.grid.shape != (height, width):
            raise ValueError(
                f"im{number} has {image.grid.height}x{image.grid.width} px, and im1 "
                f"{height}x{width} px (height x width). Cut the same part out of both: "
                f'`pyotb.ExtractROI(image, mode="fit", mode_fit_im=other)`.'
            )
