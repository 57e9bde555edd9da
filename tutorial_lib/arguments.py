"""Checks of what a caller gives: one sentence for each kind of wrong value.

A public function calls these checks on its first lines. Each of them returns the value
in the type that the function works with, so that `np.int64(3)` or a path as text is as
good as `3` or a `Path`. A value of a wrong type is a TypeError, a wrong value a
ValueError.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.kinds import shown

# Most pixels along a side of an image, in GDAL and in this kit.
LARGEST_SIDE = 2**31 - 1

# Most pixels along a side of what a network computes at once: a layer of 64 channels
# then takes 64 GiB.
LARGEST_CHUNK = 2**14

# Most bands of a GeoTIFF.
MOST_BANDS = 2**16 - 1

__all__ = [
    "LARGEST_CHUNK",
    "LARGEST_SIDE",
    "MOST_BANDS",
    "NotWholeError",
    "choice",
    "class_numbers",
    "file_path",
    "flag",
    "instance",
    "mapping",
    "number",
    "sequence",
    "text",
    "whole_number",
    "whole_numbers",
]


class NotWholeError(ValueError):
    """A number has decimals, or is a float: 16.0 is not a number of pixels."""


def whole_number(
    name: str, value: Any, *, least: int | None = None, most: int | None = None
) -> int:
    """A whole number within limits, as an int.

    Args:
        name: Name of the argument, for the message.
        value: What was given.
        least: Smallest number that is allowed; None for any.
        most: Largest number that is allowed; None for any.

    Raises:
        TypeError: If it is not a number.
        NotWholeError: If it is not whole.
        ValueError: If it is beyond a limit.

    Example:
        >>> whole_number("count", 0, least=1)
        Traceback (most recent call last):
        ValueError: `count` is 0. Give a whole number, 1 or more.
    """
    if not _is_number(value):
        raise TypeError(_wrong(name, value, f"a whole number{_limits(least, most)}"))
    if not isinstance(value, Integral):
        wanted = f"a whole number{_limits(least, most)}"
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
            wanted += f": {int(value)}, not {value}"
        raise NotWholeError(_wrong(name, value, wanted))
    if not _within(value, least, most):
        raise ValueError(_wrong(name, value, f"a whole number{_limits(least, most)}"))
    return int(value)


def whole_numbers(
    name: str, values: Any, *, least: int | None = None, most: int | None = None
) -> tuple[int, ...]:
    """At least one whole number within limits, as a tuple; one number alone is fine.

    Example:
        >>> whole_numbers("bands", 2, least=1), whole_numbers("bands", [3, 1], least=1)
        ((2,), (3, 1))
    """
    if _is_number(values):
        values = (values,)
    values = sequence(name, values, "whole numbers")
    return tuple(whole_number(name, value, least=least, most=most) for value in values)


def class_numbers(name: str, values: Any) -> tuple[int, ...]:
    """Class numbers of one's own, in ascending order, as a tuple.

    A network numbers its classes 0, 1, 2…; in ascending order there is one way only to
    number them so, for patches, maps and legends alike.

    Raises:
        TypeError: If they are not numbers.
        ValueError: If one is not whole, below 0, or not larger than the one before it.

    Example:
        >>> class_numbers("classes", [10, 30, 20])
        Traceback (most recent call last):
        ValueError: `classes` is (10, 30, 20). Give each class number once, in ascending
        order: (10, 20, 30).
    """
    numbers = whole_numbers(name, values, least=0, most=65535)
    ascending = tuple(sorted(set(numbers)))
    if numbers != ascending:
        raise ValueError(
            f"`{name}` is {numbers}. Give each class number once, in ascending order: "
            f"{ascending}."
        )
    return numbers


def number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    finite: bool = True,
) -> float:
    """A number within limits, as a float.

    Args:
        name: Name of the argument, for the message.
        value: What was given.
        least: Smallest number that is allowed.
        most: Largest number that is allowed.
        above: The number must be larger than this one.
        finite: Whether NaN and infinity are wrong.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is beyond a limit or not finite, or a float cannot hold it.

    Example:
        >>> number("scale_factor", 0, above=0)
        Traceback (most recent call last):
        ValueError: `scale_factor` is 0. Give a number above 0.
    """
    wanted = f"a number{_limits(least, most)}"
    if above is not None:
        wanted = f"a number above {above:g}"
    if not _is_number(value):
        raise TypeError(_wrong(name, value, wanted))
    if not _fits_float(value):
        wanted = "a number that a float can hold, up to 1e308"
        raise ValueError(_wrong(name, value, wanted))
    too_low = above is not None and not value > above
    if too_low or (finite and not math.isfinite(value)):
        raise ValueError(_wrong(name, value, wanted))
    if not _within(value, least, most):
        raise ValueError(_wrong(name, value, wanted))
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False, also of NumPy.

    Raises:
        TypeError: If it is anything else, such as the text "no", which would be true.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(_wrong(name, value, "True or False"))
    return bool(value)


def text(name: str, value: Any) -> str:
    r"""A text.

    Raises:
        TypeError: If it is not a text.
        ValueError: If it holds half of a character, which no file can: "\ud800".
    """
    if not isinstance(value, str):
        raise TypeError(_wrong(name, value, "a text"))
    try:
        value.encode()
    except UnicodeEncodeError:
        wanted = "a text of whole characters"
        raise ValueError(_wrong(name, value, wanted)) from None
    return value


def choice(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """One of several values.

    Raises:
        ValueError: If it is not one of them.

    Example:
        >>> choice("edge", "mirror", ("valid", "pad"))
        Traceback (most recent call last):
        ValueError: `edge` is 'mirror'. Give one of 'valid', 'pad'.
    """
    choices = tuple(choices)
    # An array compared with a text gives an array, whose truth NumPy refuses.
    simple = isinstance(value, str | int | float | type(None))
    if not simple or value not in choices:
        names = ", ".join(map(repr, choices))
        raise ValueError(_wrong(name, value, f"one of {names}"))
    return value


def file_path(name: str, value: Any) -> Path:
    """A path, given as text or as a path.

    Raises:
        TypeError: If it is neither.
        ValueError: If no file has such a name, or if it holds a line break: then no
            message could show it in one line.
    """
    if isinstance(value, bytes) or not isinstance(value, str | os.PathLike):
        raise TypeError(_wrong(name, value, "the path of a file"))
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise ValueError(_wrong(name, value, "the path of a file"))
    try:
        os.fspath(value).encode()
    except UnicodeEncodeError as err:  # GDAL can open no others
        wanted = "the path of a file whose name is a text in UTF-8: rename it"
        raise ValueError(_wrong(name, value, wanted)) from err
    if os.fspath(value).splitlines() != [os.fspath(value)]:
        wanted = "the path of a file without line breaks: rename it"
        raise ValueError(_wrong(name, value, wanted))
    return Path(value)


def mapping(name: str, value: Any, example: str) -> dict:
    """A dictionary, or anything that maps names to values, as a dictionary.

    Args:
        name: Name of the argument, for the message.
        value: What was given.
        example: What it looks like: `{"input": 16}`.

    Raises:
        TypeError: If it is not a mapping, or a key is not a text.
        ValueError: If a key is not a text of whole characters.

    Example:
        >>> mapping("sizes", 16, example='{"input": 16}')
        Traceback (most recent call last):
        TypeError: `sizes` is 16. Give a dictionary: {"input": 16}.
    """
    if not isinstance(value, Mapping):
        raise TypeError(_wrong(name, value, f"a dictionary: {example}"))
    if not all(isinstance(key, str) for key in value):
        quotes = "Give a dictionary whose names are texts, in quotes"
        raise TypeError(f"`{name}` has a name that is not a text. {quotes}: {example}.")
    for key in value:
        text(name, key)
    return dict(value)


def sequence(name: str, value: Any, what: str) -> list:
    """A list, a tuple or an array of at least one element, as a list.

    Args:
        name: Name of the argument, for the message.
        value: What was given.
        what: What its elements are, for the message: "whole numbers".

    Raises:
        TypeError: If it is not a sequence, or a text.
        ValueError: If it is empty.
    """
    listed = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not listed and not (isinstance(value, np.ndarray) and value.ndim == 1):
        raise TypeError(_wrong(name, value, f"a list of {what}"))
    if not len(value):
        raise ValueError(_wrong(name, value, f"a list of at least one: {what}"))
    return list(value)


def instance(name: str, value: Any, kinds: type | tuple[type, ...], what: str) -> Any:
    """A value of one of several types.

    Args:
        name: Name of the argument, for the message.
        value: What was given.
        kinds: The types.
        what: What to give, for the message: "a legend, `tl.Legend(names, colors)`".

    Raises:
        TypeError: If it is of another type.
    """
    if not isinstance(value, kinds):
        raise TypeError(_wrong(name, value, what))
    return value


def _fits_float(value: Any) -> bool:
    """Whether a float can hold a number; 10**400 is too large."""
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _within(value: Any, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _limits(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {_digits(least)} to {_digits(most)}"
    if least is not None:
        return f", {_digits(least)} or more"
    return "" if most is None else f", {_digits(most)} or less"


def _digits(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def _wrong(name: str, value: Any, wanted: str) -> str:
    return f"`{name}` is {shown(value)}. Give {wanted}."
