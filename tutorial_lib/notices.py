"""Warnings that point to the user's own line."""

import sys
import warnings

__all__ = ["warn"]


def warn(message: str) -> None:
    """Warn where the user called the kit, not somewhere inside it.

    Args:
        message: A sentence with the values in it.
    """
    level, frame = 1, sys._getframe()
    # tqdm stands between the user and a generator of the kit.
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in (
        "tqdm",
        __package__,
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
