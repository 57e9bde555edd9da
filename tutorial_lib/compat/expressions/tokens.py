"""The words of an expression: numbers, names and signs, with their positions."""

import math
import re
from typing import Literal, NamedTuple

from tutorial_lib.compat.expressions.errors import ExpressionError, shortened

# muParserX 4 has the same limit. It bounds the time that an expression takes.
LONGEST_EXPRESSION = 10_000

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|\*\*|<<|>>|//|[-+*/^'(){},;?:<>])
    """,
    re.VERBOSE,
)

# What people write from other languages, and what muParserX has but this lacks.
_CURES = {
    "=": "Write `==` to compare; a value cannot be given a name.",
    "!": "Write `not (...)`, or `!=` for different.",
    "&": "Write `&&`; operators on bits are not supported.",
    "|": "Write `||`; operators on bits are not supported.",
    "<<": "Operators on bits are not supported; multiply by a power of 2.",
    ">>": "Operators on bits are not supported; write floor(x / 2^n).",
    "~": "Operators on bits are not supported.",
    "[": "Write im1b2 for the second band of im1.",
    "]": "Write im1b2 for the second band of im1.",
    "%": "Write fmod(x, y) for the remainder.",
    "//": "Write floor(x / y).",
    "**": "Write `^` for a power.",
    "#": "Comments are not supported.",
    '"': "Texts are not supported.",
    "$": "Take it away.",
    "@": "Write `*` for the product of matrices.",
}

# Signs that word processors and web pages put in the place of those of an expression.
_LOOKALIKES = {
    **dict.fromkeys("\N{MINUS SIGN}\N{HYPHEN}\N{EN DASH}\N{EM DASH}", "-"),
    **dict.fromkeys("\N{MULTIPLICATION SIGN}\N{DOT OPERATOR}\N{MIDDLE DOT}", "*"),
    **dict.fromkeys("\N{RIGHT SINGLE QUOTATION MARK}\N{PRIME}\N{ACUTE ACCENT}`", "'"),
    "\N{DIVISION SIGN}": "/",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{NOT EQUAL TO}": "!=",
}


class Token(NamedTuple):
    """A word of an expression: what it is, how it is written, and where."""

    kind: Literal["number", "name", "sign", "end"]
    text: str
    position: int


def tokenize(expression: str) -> list[Token]:
    """Cut an expression into its words; the last one marks the end.

    Raises:
        ExpressionError: If a character or a number is none of the language.

    Example:
        >>> [token.text for token in tokenize("im1b1*2.5 >= 1e3")]
        ['im1b1', '*', '2.5', '>=', '1e3', '']
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise ExpressionError(
            f"The expression has {len(expression)} characters. Write it in at most "
            f"{LONGEST_EXPRESSION}.",
            expression,
            LONGEST_EXPRESSION,
        )
    tokens = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or match[0] in _CURES:
            raise _unknown(expression, position, match[0] if match else None)
        if match.lastgroup == "number" and math.isinf(float(match[0])):
            sentence = (
                f"{shortened(match[0])} is too large. Write a number below 1e308."
            )
            raise ExpressionError(sentence, expression, position)
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match[0], position))
        position = match.end()
    return [*tokens, Token("end", "", len(expression.rstrip()))]


def _unknown(expression: str, position: int, sign: str | None) -> ExpressionError:
    sign = sign or expression[position]
    name = f"`{sign}`" if sign.isprintable() and sign != "`" else ascii(sign)
    cure = _CURES.get(sign, "Take it away.")
    if sign in _LOOKALIKES:
        cure = f"Write `{_LOOKALIKES[sign]}`, as the keyboard has it."
    sentence = f"{name} has no meaning in an expression. {cure}"
    return ExpressionError(sentence, expression, position)
