"""Compare an answer with the right one by value, and with common mistakes.

*By value*: `3`, `3.0`, `np.float32(3)`, `Fraction(3)` and `np.array([3])` are the same
answer. Text is not a number, and NaN is never right.
"""

from collections.abc import ItemsView, KeysView, Mapping, Set, ValuesView
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from numbers import Number
from types import GeneratorType, MappingProxyType
from typing import Any

import numpy as np

OTHER = "other"

# The two tolerances together fit float32, which Keras computes with.
RELATIVE, ABSOLUTE = 1e-5, 1e-6

# Counts are exact, also large ones: 1 in a million is another answer.
_WHOLE = 1e-3

# More values than any answer has; a generator may be endless.
_MOST_VALUES = 100_000


def plain(answer: Any) -> Any:
    """The value of an answer: a generator, or a view of a dictionary, becomes a list.

    Example:
        >>> plain(2 * k for k in range(3))
        [0, 2, 4]
    """
    views = KeysView | ValuesView | ItemsView
    if isinstance(answer, GeneratorType | map | filter | zip | range | views):
        return list(islice(answer, _MOST_VALUES))
    return answer


def is_whole_float(answer: Any) -> bool:
    """Whether an answer is whole, or has whole numbers, that are not of the type int.

    Example:
        >>> is_whole_float(3.0), is_whole_float((16, 8.0)), is_whole_float(3)
        (True, True, False)
    """
    if isinstance(answer, Mapping):
        return any(is_whole_float(value) for value in answer.values())
    if isinstance(answer, list | tuple):
        return any(is_whole_float(value) for value in answer)
    if isinstance(answer, int | str):
        return False
    array = as_array(answer)
    if array is None or array.size != 1 or not is_numeric(array):
        return False
    return float(array.item()).is_integer()


def is_unusual(answer: Any) -> bool:
    """Whether an answer is a dictionary, or its numbers have an unusual type or shape.

    Example:
        >>> is_unusual({"height": 7.68}), is_unusual([Fraction(1, 3)]), is_unusual(3.5)
        (True, True, False)
    """
    if isinstance(answer, list | tuple):
        return any(is_unusual(value) for value in answer)
    if isinstance(answer, np.ndarray) and answer.ndim:
        return answer.shape[-1] == 1
    return isinstance(answer, Mapping | Fraction | Decimal)


def as_needed(answer: Any, like: Any) -> Any:
    """A right answer with the types that the solution has, where they matter.

    Args:
        answer: An answer that was judged right.
        like: The answer of the solution.

    Example:
        >>> as_needed({"input": 16.0}, {"input": 16}), as_needed(3.0, 3.0)
        ({'input': 16}, 3.0)
        >>> as_needed({"a": 7, "b": 15}, (7, 15)), as_needed(Fraction(1, 2), 0.5)
        ((7, 15), 0.5)
    """
    if isinstance(answer, Mapping) and isinstance(like, list | tuple):
        return like
    if isinstance(answer, np.ndarray) and isinstance(like, list | tuple):
        return as_needed(tuple(answer), like)
    if isinstance(answer, Fraction | Decimal) and isinstance(like, float):
        return float(answer)
    if isinstance(answer, np.ndarray) and answer.size == 1 and isinstance(like, float):
        return answer.item()
    if isinstance(like, Mapping) and isinstance(answer, Mapping):
        return {key: as_needed(value, like.get(key)) for key, value in answer.items()}
    sequences = isinstance(like, list | tuple) and isinstance(answer, list | tuple)
    if sequences and len(like) == len(answer):
        return type(answer)(map(as_needed, answer, like))
    if isinstance(like, int) and not isinstance(like, bool) and is_whole_float(answer):
        return int(as_array(answer).item())
    return answer


def as_array(value: Any) -> np.ndarray | None:
    """Numbers, bools or text as an array; None if there is no such array.

    Example:
        >>> as_array([1, 2.5])
        array([1. , 2.5])
        >>> as_array([[1, 2], [3]]) is None
        True
    """
    try:
        array = np.asarray(value)
    # Keras raises errors of many types for tensors that have no values.
    except Exception:
        return None
    if array.dtype.kind == "O" and array.size:
        numbers = all(isinstance(one, Number) for one in array.flat)
        try:
            return array.astype(float) if numbers else array
        # A whole number of Python can be too large for a float.
        except (TypeError, ValueError, OverflowError):
            return array
    return array


def is_numeric(array: np.ndarray | None) -> bool:
    """Whether an array holds numbers or bools."""
    return array is not None and array.dtype.kind in "biuf"


def differs(
    got: np.ndarray, wanted: np.ndarray, tolerance: float | None = None
) -> np.ndarray:
    """Where two arrays of numbers of one shape differ by more than the tolerance.

    Args:
        got: The answer.
        wanted: The right values.
        tolerance: Largest difference, in the unit of the values. None fits float32.
    """
    numbers, right = got.astype(float), wanted.astype(float)
    if tolerance is None:
        relative = np.abs(right) * RELATIVE
        if wanted.dtype.kind in "biu":
            relative = np.minimum(relative, _WHOLE)
        allowed = ABSOLUTE + np.where(np.isfinite(right), relative, 0)
    else:
        allowed = np.full(right.shape, float(tolerance))
    with np.errstate(invalid="ignore"):
        # Two infinities of one sign are equal, though their difference is NaN.
        return ~((np.abs(numbers - right) <= allowed) | (numbers == right))


def close(answer: Any, expected: Any, *, tolerance: float | None = None) -> bool:
    """Whether an answer has the expected shape and values.

    Args:
        answer: A number, text or bool, or an array, sequence or dictionary of them.
        expected: A value of the same kind.
        tolerance: Largest difference of two numbers, in their unit. None allows the
            error of float32: a relative 1e-5 and an absolute 1e-6 together.

    Returns:
        True if every value is close. NaN is not close to any number.

    Example:
        >>> close((15.36, 7.68), [15.3601, 7.6801], tolerance=0.01)
        True
        >>> close(np.float32(0.1), 0.1)
        True
        >>> close("15.36", 15.36)
        False
    """
    answer, expected = plain(answer), plain(expected)
    if isinstance(expected, Mapping):
        return isinstance(answer, Mapping) and _same_items(answer, expected, tolerance)
    if isinstance(expected, Set):
        return isinstance(answer, Set) and answer == expected
    if isinstance(expected, tuple | list) and isinstance(answer, tuple | list):
        return len(answer) == len(expected) and all(
            close(one, other, tolerance=tolerance)
            for one, other in zip(answer, expected, strict=True)
        )
    return _same_arrays(answer, expected, tolerance)


def _same_items(answer: Mapping, expected: Mapping, tolerance: float | None) -> bool:
    return set(answer) == set(expected) and all(
        close(answer[key], value, tolerance=tolerance)
        for key, value in expected.items()
    )


def _same_arrays(answer: Any, expected: Any, tolerance: float | None) -> bool:
    got, wanted = as_array(answer), as_array(expected)
    if got is None or wanted is None:
        return False
    if wanted.shape == () and got.size == 1 and not isinstance(answer, list | tuple):
        got = got.reshape(())
    if got.shape != wanted.shape:
        return False
    if is_numeric(got) and is_numeric(wanted):
        return not differs(got, wanted, tolerance).any()
    return got.dtype.kind == wanted.dtype.kind and bool(np.all(got == wanted))


def diagnose(
    answer: Any,
    right: Any,
    likely: Mapping[str, Any] = MappingProxyType({}),
    *,
    tolerance: float | None = None,
) -> str | None:
    """Find the mistake that leads to an answer.

    Args:
        answer: The learner's answer.
        right: The right answer.
        likely: Wrong answers by the name of the mistake that leads to each.
        tolerance: Largest difference of two numbers, in their unit. None allows the
            error of float32.

    Returns:
        None if the answer is right. Otherwise the first key of `likely` whose value is
        close to the answer, or "other".

    Example:
        >>> diagnose(5, right=8, likely={"radius": 4, "one short": 7})
        'other'
        >>> diagnose(7, right=8, likely={"radius": 4, "one short": 7})
        'one short'
    """
    answer = plain(answer)
    if close(answer, right, tolerance=tolerance):
        return None
    for mistake, value in likely.items():
        if close(answer, value, tolerance=tolerance):
            return mistake
    return OTHER
