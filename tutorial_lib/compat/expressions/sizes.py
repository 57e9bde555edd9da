"""Sizes of the values of an expression: numbers, rows, matrices, true or false."""

from dataclasses import dataclass
from typing import Literal

from tutorial_lib.compat.expressions.errors import MisfitError

# Values of one matrix at one pixel. A row of the bands of any real image is far below;
# a product of two long rows would take gigabytes for a small block.
MOST_VALUES = 2**16


@dataclass(frozen=True)
class Size:
    """What a value is at each pixel. A row of 1 is not a number, as in BandMathX.

    Example:
        >>> print(matrix(1, 4), "and", matrix(3, 5), "and", NUMBER)
        a row of 4 and a matrix of 3 by 5 and a number
    """

    kind: Literal["number", "truth", "matrix"]
    rows: int = 1
    cols: int = 1

    @property
    def values(self) -> int:
        """Number of values at each pixel."""
        return self.rows * self.cols

    @property
    def is_matrix(self) -> bool:
        """Whether it is a row, a column or a matrix."""
        return self.kind == "matrix"

    @property
    def is_row(self) -> bool:
        """Whether it is a row, which can be the bands of an image."""
        return self.is_matrix and self.rows == 1

    def __str__(self) -> str:
        if self.kind == "truth":
            return "true or false"
        if self.kind == "number":
            return "a number"
        if self.rows == 1:
            return f"a row of {self.cols}"
        if self.cols == 1:
            return f"a column of {self.rows}"
        return f"a matrix of {self.rows} by {self.cols}"


NUMBER = Size("number")
TRUTH = Size("truth")


def matrix(rows: int, cols: int) -> Size:
    """The size of a matrix; a pixel of 4 bands is `matrix(1, 4)`.

    Raises:
        MisfitError: If it would have too many values.
    """
    if rows * cols > MOST_VALUES:
        raise MisfitError(
            f"The result would be a matrix of {rows} by {cols} at each pixel. Make one "
            f"of at most {MOST_VALUES} values."
        )
    return Size("matrix", rows, cols)
