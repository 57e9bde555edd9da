"""Write values and calls in the way a learner would type them."""

import re
from collections.abc import Mapping, Sequence
from inspect import isroutine
from typing import Any

import numpy as np

from tutorial_lib.exercises.judging import as_array, differs, is_numeric
from tutorial_lib.kinds import kind_of, type_name

# Longer arrays are shown by their shape.
_MOST_SHOWN = 8

_DIGITS = 4

# `8.0` and `8` look like the same number.
_ZERO_DECIMAL = re.compile(r"(?<=\d)\.0(?!\d)")


def shown(value: Any, digits: int = _DIGITS) -> str:
    """A value in a few characters.

    Args:
        value: A number, text, or an array, sequence or dictionary of them.
        digits: Significant digits of numbers with decimals.

    Example:
        >>> shown(np.float64(0.123456)), shown([1, 2]), shown(np.zeros((20, 24, 4)))
        ('0.1235', '[1, 2]', 'an array of shape (20, 24, 4)')
    """
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}…"'
    if isinstance(value, bool | np.bool_ | None):
        return str(value)
    if isinstance(value, Mapping):
        items = (f"{shown(k)}: {shown(v, digits)}" for k, v in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return _shown_sequence(value, digits)
    return _shown_array(value, digits)


def _shown_sequence(value: Sequence[Any], digits: int) -> str:
    if len(value) > _MOST_SHOWN:
        return f"{len(value)} values, {shown(value[0], digits)} first"
    inner = ", ".join(shown(one, digits) for one in value)
    if isinstance(value, list):
        return f"[{inner}]"
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def _shown_array(value: Any, digits: int) -> str:
    array = as_array(value)
    if isroutine(value):
        return "a function"
    if not is_numeric(array):
        return kind_of(value)
    if array.ndim == 0:
        return _shown_number(array.item(), digits)
    if array.size <= _MOST_SHOWN and array.size:
        return shown(array.tolist(), digits)
    return f"an array of shape {array.shape}"


def _shown_number(number: float, digits: int) -> str:
    if isinstance(number, bool | int):
        return str(number)
    if number == round(number, 0) and abs(number) < 1e6:
        return f"{number:.1f}"
    if digits >= 15:
        return repr(number)
    text = f"{number:.{digits}g}"
    # A number that becomes whole by rounding is written like one with decimals.
    becomes_whole = 1 <= abs(number) < 1e6 and float(text).is_integer()
    return f"{number:.1f}" if becomes_whole else text


def shown_apart(got: Any, wanted: Any) -> tuple[str, str]:
    """Two values that differ, with as many digits as it takes to see it.

    Example:
        >>> shown_apart(0.123456, 0.123457)
        ('0.123456', '0.123457')
        >>> shown_apart("3", 3)
        ('the text "3"', '3')
        >>> shown_apart([10.001, 20.0], [10.0, 20.0])
        ('[10.001, 20.0]', '[10.0, 20.0]')
    """
    texts = [isinstance(one, str) for one in (got, wanted)]
    for digits in range(_DIGITS, 16):
        one, other = shown(got, digits), shown(wanted, digits)
        if _ZERO_DECIMAL.sub("", one) != _ZERO_DECIMAL.sub("", other):
            break
    if texts == [True, False]:
        return f"the text {one}", other
    if texts == [False, True]:
        return one, f"the text {other}"
    return one, other


def shown_call(name: str, arguments: Sequence[Any]) -> str:
    """A call as a learner would type it.

    Example:
        >>> shown_call("first_pixel", (20, 7))
        'first_pixel(20, 7)'
        >>> shown_call("mean", (np.array([1.0, 2.5]),))
        'mean(np.array([1.0, 2.5]))'
    """
    return f"{name}({', '.join(map(_shown_argument, arguments))})"


def _shown_argument(value: Any) -> str:
    text = shown(value)
    if isinstance(value, np.ndarray) and value.ndim and text.startswith("["):
        return f"np.array({text})"
    if isinstance(value, list | tuple) and len(value) > _MOST_SHOWN:
        first = ", ".join(shown(one) for one in value[:3])
        return f"[{first}, …]"
    if any(one.__name__ == "Model" for one in type(value).__mro__):
        return "model"
    if isinstance(value, type) or callable(value):
        return getattr(value, "__name__", type(value).__name__)
    is_thing = text == kind_of(value)
    return f"{type_name(value)}(…)" if is_thing else text


def difference(got: Any, wanted: Any, tolerance: float | None = None) -> str:
    """What a result is and what it should be, as the end of a sentence.

    Args:
        got: The result of the learner's code.
        wanted: The right result.
        tolerance: Largest difference of two numbers that does not count.

    Example:
        >>> difference(16, 17)
        'gave 16; it should be 17.'
        >>> difference([1, 2], [1, 2, 3])
        'gave 2 values, [1, 2]; there should be 3: [1, 2, 3].'
        >>> difference(float("nan"), 0.5)
        'gave NaN, which is not a number; it should be 0.5.'
    """
    if isinstance(wanted, Mapping):
        return _difference_of_items(got, wanted, tolerance)
    one, other = as_array(got), as_array(wanted)
    if is_numeric(other) and is_numeric(one):
        return _difference_of_arrays(got, wanted, tolerance)
    if is_numeric(other) and not isinstance(got, str | list | tuple | Mapping):
        kind = "a function" if callable(got) else shown(got)
        expected = "a number" if other.ndim == 0 else "numbers"
        return f"gave {kind}; it should be {expected}: {shown(wanted)}."
    lengths = [len(x) for x in (got, wanted) if isinstance(x, list | tuple)]
    if len(set(lengths)) == 2:
        return _difference_of_lengths(got, wanted, lengths)
    got, wanted = shown_apart(got, wanted)
    return f"gave {got}; it should be {wanted}."


def _difference_of_items(got: Any, wanted: Mapping, tolerance: float | None) -> str:
    if not isinstance(got, Mapping):
        return f"gave {shown(got)}; it should be a dictionary."
    missing = [shown(key) for key in wanted if key not in got]
    added = [shown(key) for key in got if key not in wanted]
    if missing:
        return f"gave a dictionary without {', '.join(missing)}."
    if added:
        return f"gave a dictionary that also has {', '.join(added)}."
    for key, value in wanted.items():
        if not _same(got[key], value, tolerance):
            end = difference(got[key], value, tolerance)
            return end.replace("gave ", f"gave, for {shown(key)}, ", 1)
    return f"gave {shown(got)}; it should be {shown(wanted)}."


def _same(got: Any, wanted: Any, tolerance: float | None) -> bool:
    from tutorial_lib.exercises.judging import close

    return close(got, wanted, tolerance=tolerance)


def _difference_of_lengths(got: Any, wanted: Any, lengths: list[int]) -> str:
    many = f"{lengths[0]} value{'s' * (lengths[0] != 1)}"
    if max(lengths) > _MOST_SHOWN:
        return f"gave {many}; there should be {lengths[1]}."
    return f"gave {many}, {shown(got)}; there should be {lengths[1]}: {shown(wanted)}."


def _difference_of_arrays(got: Any, wanted: Any, tolerance: float | None) -> str:
    one, other = as_array(got), as_array(wanted)
    if one.shape != other.shape:
        return _difference_of_shapes(got, wanted, one, other)
    if not np.isfinite(one).all() and np.isfinite(other).all():
        return _difference_of_infinite(one, other)
    if one.size <= _MOST_SHOWN:
        got, wanted = shown_apart(got, wanted)
        return f"gave {got}; it should be {wanted}."
    first = tuple(int(i[0]) for i in np.nonzero(differs(one, other, tolerance)))
    got, wanted = shown_apart(one[first].item(), other[first].item())
    index = ", ".join(map(str, first))
    return f"has {got} at [{index}]; it should be {wanted} there."


def _difference_of_infinite(one: np.ndarray, other: np.ndarray) -> str:
    word = "NaN, which is not a number" if np.isnan(one).any() else "infinity"
    if one.ndim == 0:
        return f"gave {word}; it should be {shown(other)}."
    first = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(one)))
    index = ", ".join(map(str, first))
    return f"has {word}, at [{index}]; it should be {shown(other[first])} there."


def _difference_of_shapes(
    got: Any, wanted: Any, one: np.ndarray, other: np.ndarray
) -> str:
    if one.ndim == 1 and other.ndim == 1:
        return _difference_of_lengths(got, wanted, [len(one), len(other)])
    if one.ndim == 0:
        return f"gave one number, {shown(got)}; it should be {shown(wanted)}."
    if other.ndim == 0 and one.size == 1:
        return f"gave {shown(got)}; it should be the number itself: {shown(wanted)}."
    if other.ndim == 0:
        many = f"{one.size} value{'s' * (one.size != 1)}"
        listed = f", {shown(got)}" if one.size <= _MOST_SHOWN else ""
        return f"gave {many}{listed}; it should be one: {shown(wanted)}."
    return f"gave an array of shape {one.shape}; its shape should be {other.shape}."
