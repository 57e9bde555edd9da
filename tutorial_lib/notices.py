"""Warnings that point to the user's line of code, and short texts of errors."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["error_line", "tensorflow_needed", "warn"]


def warn(message: str) -> None:
    """Warn, and point to the line of the user's code that called the kit.

    Args:
        message: A sentence with the values in it.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn("Class 1 has only 60 pixels.")
        >>> str(caught[0].message)
        'Class 1 has only 60 pixels.'
    """
    level, frame = 1, sys._getframe()
    # Frames of tqdm and Keras are skipped too: a progress bar calls the generators of
    # the kit, and a training its callbacks.
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in (
        "tqdm",
        "keras",
        __package__,
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


@contextmanager
def tensorflow_needed() -> Iterator[None]:
    """Raise an error with the cure where TensorFlow or Keras is not installed."""
    try:
        yield
    except ModuleNotFoundError as err:
        if err.name not in ("tensorflow", "keras"):
            raise
        raise ImportError(
            f"{err.name} is not installed. Install it with `pip install "
            "'remote-sensing-tutorial-kit[cpu]'`; docs/large_maps.md says how for an "
            "NVIDIA card."
        ) from err


def error_line(err: BaseException) -> str:
    r"""The most informative line of an error, without a full stop.

    TensorFlow puts the place in its graph around its messages, and Keras prints them in
    bold. Both are removed.

    Args:
        err: Any exception.

    Returns:
        The longest of the first three lines, or the type's name if there is no message.

    Example:
        >>> error_line(ValueError("\x1b[1mShapes (2,) and (3,) do not fit.\x1b[0m"))
        'Shapes (2,) and (3,) do not fit'
    """
    # Escape sequences of a terminal, such as the one for bold.
    plain = re.sub(r"\x1b\[\d*m", "", str(err))
    plain = re.sub(r"\{\{function_node [^}]*\}\} ?| \[Op:\w+\]", "", plain)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    places = (
        *("Graph execution error", "Detected at node", "<stack traces", "[[{{node"),
        'File "',
    )
    lines = [line for line in lines if not line.startswith(places)]
    line = max(lines[:3], key=len, default=type(err).__name__)
    return line.split(" for '{{node")[0].rstrip(".")
