"""Expressions that can be computed, on one block of pixels after the other."""

from collections.abc import Mapping, Sequence

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.compat.expressions.blocks import Block, Statistic
from tutorial_lib.compat.expressions.grammar import read_programs
from tutorial_lib.compat.expressions.programs import Program
from tutorial_lib.compat.expressions.variables import Variable


def parse(text: str, *, bands: Sequence[int]) -> "Expression":
    """Read an expression of BandMathX, and check it before any pixel is read.

    Args:
        text: The expression; several are separated by semicolons.
        bands: Number of bands of im1, im2...

    Raises:
        ExpressionError: If it cannot be read, or sizes do not fit.

    Example:
        >>> parse("(im1-im2)*(im1-im2)'", bands=[4, 4]).bands
        1
        >>> parse("im1b1 + im2b5", bands=[4, 4])
        Traceback (most recent call last):
        tutorial_lib...ExpressionError: im2b5 does not exist: there are 4 bands. ...
            im1b1 + im2b5
                    ^ (character 9)
    """
    text = arguments.text("text", text)
    counts = arguments.whole_numbers("bands", bands, least=1, most=arguments.MOST_BANDS)
    return Expression(text, counts, read_programs(text, counts))


class Expression:
    """An expression that was read and checked; made by `parse`.

    Attributes:
        text: As it was written.
        bands: Number of bands of the result.
        images: Numbers of the images whose pixels it uses: (1, 2) for im1 and im2.
        margin: Pixels that it needs around a block, (rows, cols).
        statistics: Numbers about whole bands that it needs, such as im1b2Mean.
        spacings: Numbers of the images whose spacing it needs.
        values: Most float64 values at each pixel that are held at once, about; the
            memory for a block is 8 bytes times this times its pixels.

    Example:
        >>> expression = parse("mean(im1b1N3x3) + {im2b1Mean}", bands=[4, 1])
        >>> expression.bands, expression.images, expression.margin
        (1, (1,), (1, 1))
        >>> print(*expression.statistics)
        im2b1Mean
    """

    def __init__(
        self, text: str, counts: Sequence[int], programs: Sequence[Program]
    ) -> None:
        variables = {
            variable.name: variable
            for program in programs
            for variable in program.variables
        }
        self.text = text
        self.bands = sum(program.size.cols for program in programs)
        self.images = _used(variables, "image")
        self.margin = tuple(
            max((variable.radius[axis] for variable in variables.values()), default=0)
            for axis in (0, 1)
        )
        self.statistics = _used(variables, "statistic")
        self.spacings = _used(variables, "spacing_of")
        read = sum(max(variable.size.cols, 1) for variable in variables.values())
        self.values = self.bands + read + max(program.peak for program in programs)
        self._counts = tuple(counts)
        self._programs = tuple(programs)

    def __call__(
        self,
        arrays: Sequence[np.ndarray | None],
        *,
        origin: tuple[int, int] = (0, 0),
        statistics: Mapping[Statistic, float] | None = None,
        spacings: Sequence[tuple[float, float]] | None = None,
    ) -> np.ndarray:
        """Compute a block of the result.

        Args:
            arrays: (h, w, bands) of im1, im2..., with the margin on each side; None for
                an image that is not used, as long as one is given. At the border of an
                image, OTB repeats the outermost pixels.
            origin: (row, col) of the first pixel of the result in the image, for idxX
                and idxY.
            statistics: Their values.
            spacings: (x, y) of im1, im2...; y is negative where north is up.

        Returns:
            The result as (h, w, bands), in float64 and without the margin.

        Raises:
            ValueError: If an array does not fit, or something is missing.

        Example:
            >>> expression = parse("im1b2 / im1b1; idxX", bands=[2])
            >>> expression([np.array([[[1, 3], [2, 8]]])])
            array([[[3., 0.],
                    [4., 1.]]])
        """
        statistics, spacings = statistics or {}, spacings or ()
        self._check_arrays(arrays)
        self._check_numbers(statistics, spacings)
        block = Block(arrays, self.margin, origin, statistics, spacings)
        result = np.empty((*block.shape, self.bands))
        first = 0
        for program in self._programs:
            last = first + program.size.cols
            result[:, :, first:last] = program.run(block)[:, :, 0, :]
            first = last
        return result

    def __repr__(self) -> str:
        return f"parse({self.text!r}, bands={list(self._counts)})"

    def _check_arrays(self, arrays: Sequence[np.ndarray | None]) -> None:
        if len(arrays) != len(self._counts):
            raise ValueError(
                f"There are {len(arrays)} `arrays`, but {len(self._counts)} images. "
                "Give one for each, None for unused ones."
            )
        given = {i: one for i, one in enumerate(arrays, start=1) if one is not None}
        if not given:
            raise ValueError("All `arrays` are None. Give at least one of them.")
        for image in self.images:
            if image not in given:
                raise ValueError(f"The array of im{image} is None. Give its pixels.")
        self._check_shapes(given)

    def _check_numbers(
        self,
        statistics: Mapping[Statistic, float],
        spacings: Sequence[tuple[float, float]],
    ) -> None:
        for statistic in self.statistics:
            if statistic not in statistics:
                raise ValueError(f"{statistic} is missing. Give it in `statistics`.")
        for image in self.spacings:
            if image > len(spacings):
                raise ValueError(
                    f"The spacing of im{image} is missing. Give it in `spacings`."
                )

    def _check_shapes(self, given: Mapping[int, np.ndarray]) -> None:
        first = next(iter(given))
        for image, array in given.items():
            count = self._counts[image - 1]
            if array.ndim != 3 or array.shape[2] != count:
                raise ValueError(
                    f"The array of im{image} has the shape {array.shape}. Give "
                    f"(height, width, {count})."
                )
            if array.shape[:2] != given[first].shape[:2]:
                raise ValueError(
                    f"The arrays of im{first} and im{image} have {given[first].shape} "
                    f"and {array.shape}. Give the same pixels of all images."
                )
        height, width = given[first].shape[:2]
        rows, cols = (2 * one for one in self.margin)
        if height <= rows or width <= cols:
            raise ValueError(
                f"The arrays have {height} rows and {width} columns. Give more than "
                f"the margins: {rows} rows and {cols} columns."
            )


def _used(variables: Mapping[str, Variable], what: str) -> tuple:
    """What the variables need, each once and in order."""
    found = {getattr(variable, what) for variable in variables.values()}
    return tuple(sorted(found - {None}))
