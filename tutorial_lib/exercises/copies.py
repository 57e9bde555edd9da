"""Arguments of a learner's function: copies for a call, and whether it changes them."""

from typing import Any

import numpy as np

__all__ = ["copied", "is_unchanged"]


def copied(value: Any) -> Any:
    """A value whose lists, dictionaries, arrays and tables are copies.

    Other things inside, such as images of a network, stay the same objects.

    Example:
        >>> rows = [[1, 2], [3]]
        >>> other = copied(rows)
        >>> other[0].append(9)
        >>> rows, is_unchanged(other, rows)
        ([[1, 2], [3]], False)
    """
    if isinstance(value, np.ndarray) or _is_table(value):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(copied(one) for one in value)
    if type(value) is dict:
        return {key: copied(one) for key, one in value.items()}
    return value


def is_unchanged(one: Any, before: Any) -> bool:
    """Whether a value is still what it was before, where `copied` makes copies.

    Example:
        >>> is_unchanged(np.array([1, 3]), np.array([1, 2]))
        False
    """
    if one is before:
        return True
    if type(one) is not type(before):
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, before, equal_nan=one.dtype.kind == "f")
    if _is_table(one):
        return one.equals(before)
    if isinstance(one, list | tuple):
        return len(one) == len(before) and all(map(is_unchanged, one, before))
    if isinstance(one, dict):
        return list(one) == list(before) and all(
            is_unchanged(one[key], value) for key, value in before.items()
        )
    return repr(one) == repr(before)


def _is_table(value: Any) -> bool:
    """Whether a value is a table or a column of pandas."""
    return hasattr(value, "iloc") and not isinstance(value, type)
