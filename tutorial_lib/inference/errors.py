"""Errors of declared fields, which carry what a caller needs to explain them."""

from collections.abc import Mapping
from fractions import Fraction

__all__ = [
    "ExpressionFieldError",
    "InputSizeError",
    "ScaleFactorError",
]


class InputSizeError(ValueError):
    """The network raises an error for inputs of some size.

    Attributes:
        sides: Side of each input in its own pixels, by name.
    """

    def __init__(self, message: str, sides: Mapping[str, int]) -> None:
        super().__init__(message)
        self.sides = dict(sides)


class ExpressionFieldError(ValueError):
    """One receptive field does not give the declared expression field.

    Attributes:
        given: Side of the network's output, in pixels.
        declared: The expression field.
    """

    def __init__(self, message: str, given: int, declared: int) -> None:
        super().__init__(message)
        self.given, self.declared = given, declared


class ScaleFactorError(ValueError):
    """The network's output does not grow with its inputs as the scale factor says.

    Attributes:
        measured: The scale factor that the network has; None if it was not measured.
    """

    def __init__(self, message: str, measured: Fraction | None) -> None:
        super().__init__(message)
        self.measured = measured
