"""Types of options: each turns a word of the command line into a value."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from fractions import Fraction
from typing import Any

__all__ = [
    "add_named",
    "channels_of_input",
    "class_numbers",
    "count",
    "counts",
    "natural",
    "naturals",
    "positive",
    "seed",
    "texts",
    "tile_size",
]


def add_named(
    add: Callable[..., Any],
    option: str,
    value: str,
    convert: Callable[[str], Any],
    help_text: str,
    *,
    required: bool = False,
) -> None:
    """Add an option `NAME=VALUE`, which can be given once for each name.

    Args:
        add: The method `add_argument` of a parser, or of a group of its options.
        option: Name of the option, without dashes.
        value: Placeholder for the value, for the help.
        convert: Turns the text behind the name into the value.
        help_text: What the help says about it.
        required: Whether it has to be given.
    """

    def pair(word: str) -> tuple[str, Any]:
        name, _, text = word.partition("=")
        if not (name and text):
            raise ArgumentTypeError(f"'{word}' does not have the form NAME={value}")
        try:
            return name, convert(text)
        except (ValueError, ZeroDivisionError) as err:
            raise ArgumentTypeError(f"'{text}' in '{word}' is not a number") from err

    add(
        f"--{option}",
        type=pair,
        action="append",
        metavar=f"NAME={value}",
        required=required,
        help=help_text,
    )


def natural(word: str) -> int:
    """A whole number, 0 or more.

    Example:
        >>> natural("8")
        8
    """
    if not word.isdecimal():
        raise ArgumentTypeError(f"'{word}' is not a whole number, 0 or more")
    return int(word)


def seed(word: str) -> int:
    """A seed: a whole number of 32 bits, as Keras takes it."""
    if natural(word) >= 2**32:
        raise ArgumentTypeError(f"'{word}' is too large. Give at most {2**32 - 1}")
    return int(word)


def count(word: str) -> int:
    """A whole number, 1 or more."""
    if not natural(word):
        raise ArgumentTypeError("0 is too small. Give at least 1")
    return int(word)


def positive(word: str) -> float:
    """A number above 0, and not infinite."""
    try:
        number = float(word)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"'{word}' is not a positive number")
    return number


def tile_size(word: str) -> int | str:
    """A side in pixels, or 'auto'."""
    return word if word == "auto" else count(word)


def counts(word: str) -> list[int]:
    """Whole numbers from 1, separated by commas: the numbers of bands."""
    return [count(number) for number in word.split(",")]


def naturals(word: str) -> list[int]:
    """Whole numbers from 0, separated by commas.

    Example:
        >>> naturals("0,8,16")
        [0, 8, 16]
    """
    return [natural(number) for number in word.split(",")]


def texts(word: str) -> list[str]:
    """Names, separated by commas.

    Example:
        >>> texts("water, open land")
        ['water', 'open land']
    """
    names = [name.strip() for name in word.split(",")]
    if not all(names):
        raise ArgumentTypeError(f"'{word}' lacks a name between two commas")
    return names


def channels_of_input(word: str) -> tuple[int, Fraction, float]:
    """Channels, pixels per reference pixel and largest value of an input.

    Example:
        >>> channels_of_input("4,1/4,255")
        (4, Fraction(1, 4), 255.0)
    """
    channels, pixels, largest = word.split(",")
    return count(channels), Fraction(pixels), positive(largest)


def class_numbers(word: str) -> tuple[int, ...]:
    """Class numbers, in ascending order: their order on the command line is free."""
    return tuple(sorted(naturals(word)))
