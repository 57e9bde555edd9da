"""Errors of expressions: one sentence, and a caret below the place."""

import difflib
import unicodedata
from collections.abc import Iterable

# Width of what is shown of a long expression, so that a line does not break.
SHOWN_WIDTH = 60

# Longer words are cut in messages, and not compared with the names that exist.
LONGEST_NAME = 40

# Ends of messages of several modules.
AS_NUMBER = "Write (...) ? 1 : 0 to make it a number."
AS_TRUTH = "Write a comparison there, such as im1b1 > 0."


class ExpressionError(ValueError):
    """An expression cannot be read or computed.

    Attributes:
        position: Index of the character where it goes wrong, from 0.

    Example:
        >>> print(ExpressionError("`im3` does not exist.", "im1+im3", 4))
        `im3` does not exist.
            im1+im3
                ^ (character 5)
    """

    def __init__(self, sentence: str, expression: str, position: int) -> None:
        super().__init__(f"{sentence}\n{pointed(expression, position)}")
        self.position = position


class MisfitError(ValueError):
    """Values do not fit an operator or a function; the place is added later."""


def pointed(expression: str, position: int) -> str:
    """The part of an expression around a position, with a caret below it.

    Example:
        >>> print(pointed("im1+im3", 4))
            im1+im3
                ^ (character 5)
    """
    start = max(0, min(position - SHOWN_WIDTH // 2, len(expression) - SHOWN_WIDTH))
    part = expression[start : start + SHOWN_WIDTH]
    # A tab, a wide or an invisible character would move what stands above the caret.
    part = "".join(_as_wide_as_a_letter(one) for one in part)
    before = "..." if start else ""
    after = "..." if start + SHOWN_WIDTH < len(expression) else ""
    caret = " " * (len(before) + position - start) + "^"
    shown = f"{before}{part}{after}".rstrip()
    return f"    {shown}\n    {caret} (character {position + 1})"


def nearest(name: str, names: Iterable[str]) -> str:
    """The names most like a wrong one, as the end of a sentence, or an empty text.

    Example:
        >>> nearest("IM1B2", ["im1", "im1b2", "sqrt"])
        ' Did you mean im1b2?'
        >>> nearest("median3", ["mean", "median", "maj"])
        ' Did you mean median or mean?'
    """
    if len(name) > LONGEST_NAME:
        return ""
    names = list(names)
    same = [one for one in names if one.lower() == name.lower()]
    close = same or difflib.get_close_matches(name, names, n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def shortened(word: str) -> str:
    """A word for a message: a long one is cut, and odd characters are written out.

    Example:
        >>> shortened("a" * 1000)
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'
    """
    word = word if len(word) <= LONGEST_NAME else word[:LONGEST_NAME] + "..."
    return word if word.isprintable() else ascii(word)[1:-1]


def _as_wide_as_a_letter(character: str) -> str:
    if character.isspace():
        return " "
    wide = unicodedata.east_asian_width(character) in "WF"
    narrow = character.isprintable() and not unicodedata.combining(character)
    return character if narrow and not wide else "?"
