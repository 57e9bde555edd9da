"""Sizes of tensors, as formulas of the sizes of the images that a network is given.

A file computes sizes itself, for example how far an image is enlarged to fit another
one. The formulas are polynomials of the rows and columns of the inputs.

Chunks are multiples of the total stride, so every term with an unknown is a whole
number, and rounding acts on the constant only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Union

__all__ = [
    "Number",
    "Size",
    "Unknown",
    "greater",
    "number_of",
    "ratio",
    "rounded",
    "same",
    "symbol",
]


@dataclass(frozen=True, order=True)
class Unknown:
    """A size of an input.

    Attributes:
        name: A name that no other size has.
        fixed: Its value, in a file for images of one size; None for any.
    """

    name: str
    fixed: int | None = None


Terms = dict[tuple[Unknown, ...], Fraction]
Number = Union[int, Fraction, "Size"]


class Size:
    """A polynomial of unknown sizes; sums and products of such are sizes too.

    Example:
        >>> rows = symbol("rows")
        >>> (rows + 5) // 2, rows * 3 - rows
        (1/2*rows + 2, 2*rows)
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @property
    def constant(self) -> Fraction:
        """The term without an unknown."""
        return self.terms.get((), Fraction(0))

    def __add__(self, other: Number) -> Number:
        terms = dict(self.terms)
        for key, factor in _terms(other).items():
            terms[key] = terms.get(key, Fraction(0)) + factor
        return _made(terms)

    def __mul__(self, other: Number) -> Number:
        terms: Terms = {}
        for key, factor in self.terms.items():
            for other_key, other_factor in _terms(other).items():
                both = tuple(sorted(key + other_key))
                terms[both] = terms.get(both, Fraction(0)) + factor * other_factor
        return _made(terms)

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: Number) -> Number:
        return self + other * -1

    def __rsub__(self, other: Number) -> Number:
        return self * -1 + other

    def __truediv__(self, other: Number) -> Number:
        quotient = ratio(self, other)
        if quotient is not None:
            return quotient
        if isinstance(other, Size):
            raise ArithmeticError(f"{self} / {other} depends on the size of the image.")
        return self * (1 / Fraction(other))

    def __rtruediv__(self, other: Number) -> Number:
        quotient = ratio(other, self)
        if quotient is None:
            raise ArithmeticError(f"{other} / {self} depends on the size of the image.")
        return quotient

    def __floordiv__(self, other: Number) -> Number:
        return rounded(self / other, floor)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Size) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __repr__(self) -> str:
        parts = []
        for key, factor in self.terms.items():
            names = "*".join(unknown.name for unknown in key)
            plain = names and factor == 1
            parts.append(names if plain else f"{factor}*{names}".rstrip("*"))
        return " + ".join(parts)


def symbol(name: str, fixed: int | None = None) -> Size:
    """The size that consists of one unknown."""
    return Size({(Unknown(name, fixed),): Fraction(1)})


def _terms(value: Number) -> Terms:
    return value.terms if isinstance(value, Size) else {(): Fraction(value)}


def _made(terms: Terms) -> Number:
    """A size, or a number where nothing unknown is left."""
    terms = {key: factor for key, factor in terms.items() if factor}
    if set(terms) <= {()}:
        return _plain(terms.get((), Fraction(0)))
    return Size(terms)


def _plain(value: Fraction) -> int | Fraction:
    return int(value) if value.denominator == 1 else value


def rounded(value: Number, how: Callable[[Fraction], int] = floor) -> Number:
    """A size rounded to a whole number: a term with an unknown is one already."""
    if not isinstance(value, Size):
        return how(Fraction(value))
    return _made(value.terms | {(): Fraction(how(value.constant))})


def number_of(value: Number) -> int | Fraction | None:
    """The value of a size; None if it depends on a size that is not fixed."""
    if not isinstance(value, Size):
        return value
    total = Fraction(0)
    for key, factor in value.terms.items():
        for unknown in key:
            if unknown.fixed is None:
                return None
            factor *= unknown.fixed
        total += factor
    return _plain(total)


def same(one: Number, other: Number) -> bool:
    """Whether two sizes are equal for all images that the network takes."""
    return number_of(one - other) == 0


def ratio(one: Number, other: Number) -> Fraction | None:
    """How often one size contains another one; None if that depends on the image.

    Example:
        >>> rows = symbol("rows")
        >>> ratio(rows * 2 + 6, rows + 3), ratio(rows + 1, rows)
        (Fraction(2, 1), None)
    """
    terms, others = _terms(one), _terms(other)
    quotients = {
        terms.get(key, Fraction(0)) / factor for key, factor in others.items() if factor
    }
    if len(quotients) == 1 and set(terms) <= set(others):
        return quotients.pop()
    numbers = number_of(one), number_of(other)
    if None in numbers or not numbers[1]:
        return None
    return Fraction(numbers[0]) / Fraction(numbers[1])


def greater(one: Number, other: Number) -> bool:
    """Whether one size is greater than another one, for all large images."""
    difference = one - other
    value = number_of(difference)
    if value is not None:
        return value > 0
    leading = max(difference.terms, key=len)
    return difference.terms[leading] > 0
