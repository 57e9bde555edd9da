"""Tries again what may have failed by chance, for a limited time."""

import time
from collections.abc import Callable
from typing import TypeVar

# Seconds before the second, third and fourth try. Servers that are busy ask for some
# seconds of patience.
WAITS_S = (1, 3, 9)

Result = TypeVar("Result")

__all__ = ["WAITS_S", "PassingError", "patiently"]


class PassingError(OSError):
    """An error that may be gone at the next try: a busy server, a lost connection."""


def patiently(
    work: Callable[[], Result], *, between: Callable[[], None] = lambda: None
) -> Result:
    """Call a function again after a PassingError, each time after a longer wait.

    Args:
        work: What may fail.
        between: Called before each further try.

    Raises:
        PassingError: The last one, if all tries failed.

    Example:
        >>> patiently(lambda: 3)
        3
    """
    for wait in WAITS_S:
        try:
            return work()
        except PassingError:
            time.sleep(wait)
            between()
    return work()
