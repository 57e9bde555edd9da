"""Operators: how tightly they bind, which sizes they take, and what they compute."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tutorial_lib.compat.expressions.errors import AS_NUMBER, AS_TRUTH, MisfitError
from tutorial_lib.compat.expressions.sizes import NUMBER, TRUTH, Size, matrix

Compute = Callable[..., np.ndarray]


class Level(IntEnum):
    """How tightly operators bind, in the order of muParserX; the last one first.

    A sign binds as `*` does: -im1b1^2 is -(im1b1^2), and -2*3 is (-2)*3. muParserX has
    no `not`; here it stands where Python has it.
    """

    OR = 1
    AND = 2
    NOT = 3
    EQUALITY = 4
    COMPARISON = 5
    SUM = 6
    PRODUCT = 7
    POWER = 8


class Outcome(NamedTuple):
    """What an operator or a function does with values of certain sizes."""

    size: Size
    compute: Compute


@dataclass(frozen=True)
class Operator:
    """An operator between two values.

    Attributes:
        level: How tightly it binds.
        rule: Gives the outcome for the sizes on its left and right, or raises
            MisfitError.
        from_right: Whether a ^ b ^ c is a ^ (b ^ c); else operators of the same level
            are computed from the left.
    """

    level: Level
    rule: Callable[[Size, Size], Outcome]
    from_right: bool = False


def negative(size: Size) -> Outcome:
    """The outcome of a minus sign before a value."""
    if size == TRUTH:
        raise MisfitError(f"`-` has true or false on its right. {AS_NUMBER}")
    return Outcome(size, np.negative)


def opposite(size: Size) -> Outcome:
    """The outcome of `not`."""
    if size != TRUTH:
        raise MisfitError(f"`not` has {size} on its right. {AS_TRUTH}")
    return Outcome(TRUTH, np.logical_not)


def transposed(size: Size) -> Outcome:
    """The outcome of `'`; a number stays as it is.

    Example:
        >>> print(transposed(matrix(1, 4)).size)
        a column of 4
    """
    if not size.is_matrix:
        return Outcome(size, lambda values: values)
    turned = matrix(size.cols, size.rows)
    return Outcome(turned, lambda values: np.swapaxes(values, -1, -2))


def _power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    # NumPy squares with one product, but only where the exponent is one number.
    return base ** (exponent.item() if exponent.size == 1 else exponent)


def _sides(sign: str, left: Size, right: Size) -> str:
    return f"`{sign}` has {left} on its left and {right} on its right."


def _refuse_truth(sign: str, left: Size, right: Size) -> None:
    if TRUTH in (left, right):
        raise MisfitError(f"{_sides(sign, left, right)} {AS_NUMBER}")


def _same_sizes(sign: str, compute: Compute) -> Callable[[Size, Size], Outcome]:
    """The rule of + and -."""

    def rule(left: Size, right: Size) -> Outcome:
        _refuse_truth(sign, left, right)
        if left == right:
            return Outcome(left, compute)
        cure = "Give both sides the same size."
        larger = left if left.is_matrix else right
        if NUMBER in (left, right) and larger.is_row:
            ones = ", ".join(["1"] * min(larger.cols, 3))
            ones += ", ..." if larger.cols > 3 else ""
            cure += f" {{{ones}}} is {larger}."
        raise MisfitError(f"{_sides(sign, left, right)} {cure}")

    return rule


def _product(left: Size, right: Size) -> Outcome:
    _refuse_truth("*", left, right)
    if not (left.is_matrix and right.is_matrix):
        return Outcome(left if left.is_matrix else right, np.multiply)
    if left.cols == right.rows:
        size = matrix(left.rows, right.cols)
        # A scalar product is a number, and no longer a matrix of one value.
        return Outcome(NUMBER if size.values == 1 else size, np.matmul)
    cure = f"For the product of matrices, the right side needs {left.cols} rows."
    if left == right:
        cure = "Write `mult` to multiply value by value"
        if left.is_row:
            cure += ", or `'` after the right one for the scalar product"
        cure += "."
    raise MisfitError(f"{_sides('*', left, right)} {cure}")


def _of_numbers(
    sign: str, compute: Compute, by_value: str, by_number: str
) -> Callable[[Size, Size], Outcome]:
    """The rule of / and ^, and which operators do the same for matrices."""

    def rule(left: Size, right: Size) -> Outcome:
        _refuse_truth(sign, left, right)
        if not (left.is_matrix or right.is_matrix):
            return Outcome(NUMBER, compute)
        cure = f"It is for numbers. Write `{by_value}` for two of the same size."
        if left.is_matrix and (right == NUMBER or right.values == 1):
            cure = f"It is for numbers. Write `{by_number}` here."
        elif left == right:
            cure = f"It is for numbers. Write `{by_value}` here."
        raise MisfitError(f"{_sides(sign, left, right)} {cure}")

    return rule


def _value_by_value(
    sign: str, compute: Compute, plain: str
) -> Callable[[Size, Size], Outcome]:
    """The rule of mult, div and pow."""

    def rule(left: Size, right: Size) -> Outcome:
        _refuse_truth(sign, left, right)
        if left == right and left.is_matrix:
            return Outcome(left, compute)
        cure = "Give both sides the same size."
        if left == right:
            cure = f"Write `{plain}` for numbers."
        raise MisfitError(f"{_sides(sign, left, right)} {cure}")

    return rule


def _by_number(
    sign: str, compute: Compute, plain: str
) -> Callable[[Size, Size], Outcome]:
    """The rule of mlt, dv and pw: each value of a matrix with one number."""

    def rule(left: Size, right: Size) -> Outcome:
        _refuse_truth(sign, left, right)
        # BandMathX takes a row of one value as a number here, and nowhere else.
        if left.is_matrix and right.values == 1:
            return Outcome(left, compute)
        cure = "Write the row on its left, and one number on its right."
        if left == right == NUMBER:
            cure = f"Write `{plain}` for numbers."
        raise MisfitError(f"{_sides(sign, left, right)} {cure}")

    return rule


def _comparison(sign: str, compute: Compute) -> Callable[[Size, Size], Outcome]:
    def rule(left: Size, right: Size) -> Outcome:
        both_truth = left == right == TRUTH and sign in ("==", "!=")
        if both_truth or left == right == NUMBER:
            return Outcome(TRUTH, compute)
        cure = "Compare numbers, such as single bands: im1b1."
        if TRUTH in (left, right):
            cure = "Write `a < b && b < c` to compare three numbers."
        raise MisfitError(f"{_sides(sign, left, right)} {cure}")

    return rule


def _logic(sign: str, compute: Compute) -> Callable[[Size, Size], Outcome]:
    def rule(left: Size, right: Size) -> Outcome:
        if left == right == TRUTH:
            return Outcome(TRUTH, compute)
        raise MisfitError(f"{_sides(sign, left, right)} {AS_TRUTH}")

    return rule


def _operators() -> dict[str, Operator]:
    or_, and_ = np.logical_or, np.logical_and
    found = {
        "||": Operator(Level.OR, _logic("||", or_)),
        "or": Operator(Level.OR, _logic("or", or_)),
        "&&": Operator(Level.AND, _logic("&&", and_)),
        "and": Operator(Level.AND, _logic("and", and_)),
        "+": Operator(Level.SUM, _same_sizes("+", np.add)),
        "-": Operator(Level.SUM, _same_sizes("-", np.subtract)),
        "*": Operator(Level.PRODUCT, _product),
        "/": Operator(Level.PRODUCT, _of_numbers("/", np.divide, "div", "dv")),
        "mult": Operator(Level.PRODUCT, _value_by_value("mult", np.multiply, "*")),
        "div": Operator(Level.PRODUCT, _value_by_value("div", np.divide, "/")),
        "mlt": Operator(Level.PRODUCT, _by_number("mlt", np.multiply, "*")),
        "dv": Operator(Level.PRODUCT, _by_number("dv", np.divide, "/")),
        # OTB gives pw the level of a product, unlike pow: 2 * im1 pw 2 is (2*im1) pw 2.
        "pw": Operator(Level.PRODUCT, _by_number("pw", _power, "^")),
        "^": Operator(Level.POWER, _of_numbers("^", _power, "pow", "pw"), True),
        "pow": Operator(Level.POWER, _value_by_value("pow", np.power, "^"), True),
    }
    for sign, compute in {"==": np.equal, "!=": np.not_equal}.items():
        found[sign] = Operator(Level.EQUALITY, _comparison(sign, compute))
    less, more = (np.less, np.less_equal), (np.greater, np.greater_equal)
    for sign, compute in zip(("<", "<=", ">", ">="), (*less, *more), strict=True):
        found[sign] = Operator(Level.COMPARISON, _comparison(sign, compute))
    return found


OPERATORS = _operators()
