"""Memory that is free again goes back to the system, so that others can use it.

The C library of Linux (glibc) keeps freed memory for later. After the first large array
it takes others, up to 32 MB, from memory that it can only give back from the end: one
small object behind them keeps them all. A notebook with many figures then holds memory
that nothing uses (`mallopt(3)`, M_MMAP_THRESHOLD).
"""

import ctypes
import sys
from contextlib import suppress

# Arrays of this size, in bytes, get memory of their own, and give it back when they are
# freed. Asking the system for memory takes time, so smaller arrays do not.
OWN_MEMORY = 4 * 2**20
# Number of this option in glibc's malloc.h.
M_MMAP_THRESHOLD = -3

__all__ = ["give_back_large_arrays", "give_back_now"]


def give_back_large_arrays() -> None:
    """Give the memory of large arrays back when they are freed, from now on.

    Does nothing where the C library is another one than glibc.

    Example:
        >>> give_back_large_arrays()
    """
    _call("mallopt", M_MMAP_THRESHOLD, OWN_MEMORY)


def give_back_now() -> None:
    """Give back all pages of memory that are free now.

    Does nothing where the C library is another one than glibc.

    Example:
        >>> give_back_now()
    """
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of glibc, if this process has it."""
    # musl, the C library of Alpine, has neither function.
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            getattr(ctypes.CDLL(None), name)(*numbers)
