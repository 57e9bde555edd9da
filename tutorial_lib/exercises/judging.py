"""Compare an answer with the right one and with common mistakes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

OTHER = "other"


def close(answer: Any, expected: Any, *, tolerance: float = 1e-6) -> bool:
    """Whether an answer has the expected shape and values.

    Args:
        answer: A number, text or bool, or an array or sequence of them.
        expected: A value of the same kind.
        tolerance: Largest difference of two numbers, in their unit.

    Returns:
        True if every value is close. NaN is not close to any number.

    Example:
        >>> close((15.36, 7.68), [15.3601, 7.6801], tolerance=0.01)
        True
        >>> close("15.36", 15.36)
        False
    """
    try:
        got, wanted = np.asarray(answer), np.asarray(expected)
    # NumPy raises it for rows of different lengths.
    except ValueError:
        return False
    if got.shape != wanted.shape:
        return False
    if _is_number(got) and _is_number(wanted):
        return bool(np.all(np.abs(got - wanted.astype(float)) <= tolerance))
    return got.dtype.kind == wanted.dtype.kind and bool(np.all(got == wanted))


def _is_number(array: np.ndarray) -> bool:
    return array.dtype.kind in "iuf"


def diagnose(
    answer: Any, right: Any, likely: Mapping[str, Any], *, tolerance: float = 1e-6
) -> str | None:
    """Find the mistake that leads to an answer.

    Args:
        answer: The learner's answer.
        right: The right answer.
        likely: Wrong answers by the name of the mistake that leads to each.
        tolerance: Largest difference of two numbers, in their unit.

    Returns:
        None if the answer is right. Otherwise the first key of `likely` whose value is
        close to the answer, or "other".

    Example:
        >>> diagnose(5, right=8, likely={"radius": 4, "one short": 7})
        'other'
        >>> diagnose(7, right=8, likely={"radius": 4, "one short": 7})
        'one short'
    """
    if close(answer, right, tolerance=tolerance):
        return None
    for mistake, value in likely.items():
        if close(answer, value, tolerance=tolerance):
            return mistake
    return OTHER
