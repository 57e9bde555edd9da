"""Checks of names and sizes that several rooms share, each with one wording."""

from collections.abc import Iterable
from fractions import Fraction
from numbers import Integral
from typing import Any

from tutorial_lib import arguments

__all__ = ["check_multiple", "check_output", "nearest_multiples"]


def check_output(name: Any, known: Iterable[str]) -> None:
    """Raise an error unless a model has the output.

    Args:
        name: The output that is asked for.
        known: Outputs of the model; empty where they are not known.

    Raises:
        TypeError: If the name is not a text.
        ValueError: If the model has no such output.
    """
    arguments.text("output", name)
    known = sorted(known)
    if known and name not in known:
        raise ValueError(
            f"The model has no output '{name}'. It has: {', '.join(known)}."
        )


def nearest_multiples(value: float, unit: int) -> tuple[int, ...]:
    """The multiples of `unit` next to a value, from `unit` on.

    Example:
        >>> nearest_multiples(80, 16), nearest_multiples(40, 16)
        ((80,), (32, 48))
    """
    below = int(value // unit) * unit
    if below == value and below > 0:
        return (below,)
    return (below, below + unit) if below > 0 else (unit,)


def check_multiple(value: Any, unit: int, *, of: str, what: str) -> int:
    """A size in whole pixels that is a positive multiple of a unit, as an int.

    Args:
        value: The size.
        unit: The unit in the same pixels.
        of: What the size is, for the error: "`tile_size`", "A chunk".
        what: What the unit is: "total stride", "expression field".

    Raises:
        TypeError: If the value is not a number.
        ValueError: If it is not a legal size; with the nearest ones.

    Example:
        >>> check_multiple(40, 16, of="A chunk", what="total stride")
        Traceback (most recent call last):
        ValueError: A chunk of 40 px is not a multiple of the total stride (16 px). Use
        32 or 48.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        kind = ValueError if isinstance(value, float | Fraction) else TypeError
        raise kind(
            f"{of} is a whole number of pixels, a multiple of the {what} ({unit} px). "
            f"Received: {arguments.shown(value)}."
        )
    if value > arguments.LARGEST_SIDE:
        raise ValueError(
            f"{of} of {arguments.shown(value)} px is larger than any image. Use "
            f"{arguments.LARGEST_SIDE // unit * unit} px or less."
        )
    if value < 1 or value % unit:
        legal = " or ".join(map(str, nearest_multiples(value, unit)))
        # 0 and -128 are multiples of 128, too.
        kind = "positive multiple" if value < 1 else "multiple"
        raise ValueError(
            f"{of} of {value} px is not a {kind} of the {what} ({unit} px). "
            f"Use {legal}."
        )
    return int(value)
