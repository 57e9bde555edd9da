"""Warnings that point to the user's own line, and the errors of other libraries."""

import re
import sys
import warnings

__all__ = ["error_line", "warn"]


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


def error_line(err: BaseException) -> str:
    r"""The most informative line of an error, without a full stop.

    TensorFlow's messages go on with a list of graph nodes, and Keras's are in bold.

    Example:
        >>> error_line(ValueError("\x1b[1mShapes (2,) and (3,) do not fit.\x1b[0m"))
        'Shapes (2,) and (3,) do not fit'
    """
    plain = re.sub(r"\x1b\[\d*m", "", str(err))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    line = max(lines[:3], key=len, default=type(err).__name__)
    return line.split(" for '{{node")[0].rstrip(".")
