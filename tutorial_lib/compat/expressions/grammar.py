"""The grammar of expressions: it reads the words and writes a program.

expressions    one ; one ; one         each gives bands of the result
conditional    test ? value : value
operation      value operator value    in the order of `operators.Level`
signed         - value, + value, not value
transposed     value '
primary        number, name, name(...), (...), {a, b, c}
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tutorial_lib.compat.expressions.errors import (
    ExpressionError,
    MisfitError,
    nearest,
    shortened,
)
from tutorial_lib.compat.expressions.functions import FUNCTIONS, braces, select
from tutorial_lib.compat.expressions.operators import (
    OPERATORS,
    Level,
    Outcome,
    negative,
    opposite,
    transposed,
)
from tutorial_lib.compat.expressions.programs import Program, Value
from tutorial_lib.compat.expressions.sizes import NUMBER, TRUTH, Size
from tutorial_lib.compat.expressions.tokens import Token, tokenize
from tutorial_lib.compat.expressions.variables import (
    CONSTANTS,
    find_variable,
    variable_names,
)

# Brackets, signs and powers within each other. Each takes up to eight calls of Python,
# which allows a thousand; nobody can read ten.
DEEPEST = 50

# Names of muParserX, of BandMath and of other languages, with what to write here.
_CURES = {
    "xor": "Write `a != b`.",
    "if": "Write condition ? a : b.",
    "avg": "Write mean(...).",
    "vsum": "Write `im1 * {1, 1, 1}'` for the sum of three bands.",
    "vpow": "Write `im1 pow im2` or `im1 pw 2`.",
    "ones": "Write the row: {1, 1, 1}.",
    "zeros": "Write the row: {0, 0, 0}.",
    "idxPhyX": "BandMathX has idxX, im1PhyX.",
    "idxPhyY": "BandMathX has idxY, im1PhyY.",
    **dict.fromkeys(
        ("i", "real", "imag", "conj", "arg"), "Complex numbers are not supported."
    ),
}

_OPENING = {"(": ")", "{": "}"}


def read_programs(expression: str, bands: Sequence[int]) -> list[Program]:
    """The programs of an expression: one for each part between semicolons.

    Args:
        expression: An expression of BandMathX.
        bands: Number of bands of im1, im2...

    Raises:
        ExpressionError: If it cannot be read, or sizes do not fit.

    Example:
        >>> print(*(part.size for part in read_programs("im1; im1b1*2", [4])), sep=", ")
        a row of 4, a number
    """
    return _Reader(expression, bands).expressions()


class _Reader:
    """Reads tokens from the left, and adds steps to a program."""

    def __init__(self, expression: str, bands: Sequence[int]) -> None:
        self._expression = expression
        self._bands = bands
        self._tokens = tokenize(expression)
        self._place = 0
        self._depth = 0
        self._program = Program()

    def expressions(self) -> list[Program]:
        programs = []
        while True:
            self._program = Program()
            start = self._token.position
            self._conditional()
            with self._located(start):
                _check_result(self._program.size)
            programs.append(self._program)
            if not self._accept(";"):
                break
        if self._token.kind != "end":
            raise self._unexpected()
        return programs

    def _conditional(self) -> None:
        self._operation(Level.OR)
        questions = []
        # One loop for a ? b : c ? d : e, so that a long list of cases is not deep.
        while self._token.text == "?":
            questions.append(self._next())
            with self._nested():
                self._conditional()
            self._expect(":", "Write both: condition ? value : other value.")
            self._operation(Level.OR)
        for question in reversed(questions):
            self._apply(3, select, question)

    def _operation(self, least: int) -> None:
        """A value, and all operators after it that bind at least so tightly."""
        with self._nested():
            self._signed()
            while (operator := OPERATORS.get(self._token.text)) is not None:
                if operator.level < least:
                    break
                sign = self._next()
                from_left = 0 if operator.from_right else 1
                self._operation(operator.level + from_left)
                self._apply(2, _of_sizes(operator.rule), sign)

    def _signed(self) -> None:
        token = self._token
        if token.text == "not":
            self._next()
            self._operation(Level.NOT)
            self._apply(1, _of_sizes(opposite), token)
        elif token.text in ("-", "+"):
            self._next()
            # Only a power binds more tightly than a sign.
            self._operation(Level.POWER)
            if token.text == "-":
                self._apply(1, _of_sizes(negative), token)
        else:
            self._transposed()

    def _transposed(self) -> None:
        self._primary()
        while self._token.text == "'":
            self._apply(1, _of_sizes(transposed), self._next())

    def _primary(self) -> None:
        token = self._token
        if token.kind == "number":
            self._program.constant(NUMBER, float(self._next().text))
        elif token.kind == "name" and token.text not in OPERATORS:
            self._name()
        elif token.text == "(":
            self._next()
            self._conditional()
            self._close(token)
        elif token.text == "{":
            self._next()
            self._apply(self._arguments(token), braces, token)
        else:
            raise self._missing_value()

    def _name(self) -> None:
        token = self._next()
        if self._token.text == "(":
            self._call(token)
        elif token.text in CONSTANTS:
            self._program.constant(NUMBER, CONSTANTS[token.text])
        elif token.text in ("true", "false"):
            self._program.constant(TRUTH, token.text == "true")
        else:
            with self._located(token.position):
                variable = find_variable(token.text, self._bands)
            if variable is None:
                raise self._unknown_name(token)
            self._program.read(variable)

    def _call(self, name: Token) -> None:
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise self._unknown_function(name)
        count = self._arguments(self._next())
        with self._located(name.position):
            function.refuse_count(name.text, count)
        self._apply(count, function.rule, name)

    def _arguments(self, opening: Token) -> int:
        """Values between commas, up to the closing bracket; returns how many."""
        count = 0
        while True:
            self._conditional()
            count += 1
            if not self._accept(","):
                self._close(opening)
                return count

    # Tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._place]

    def _next(self) -> Token:
        token = self._token
        self._place += 1
        return token

    def _accept(self, text: str) -> bool:
        found = self._token.text == text
        self._place += found
        return found

    def _expect(self, text: str, cure: str) -> None:
        if not self._accept(text):
            raise self._error(f"`{text}` is missing. {cure}", self._token)

    def _close(self, opening: Token) -> None:
        closing = _OPENING[opening.text]
        if self._accept(closing):
            return
        if self._token.kind == "end":
            sentence = f"`{opening.text}` is not closed. Write `{closing}` at its end."
            raise self._error(sentence, opening)
        if self._token.text == ";":
            cure = "Close the bracket before it."
            if opening.text == "{":
                cure = "Write a row with commas: {1, 2}."
            raise self._error(f"`;` separates expressions. {cure}", self._token)
        raise self._unexpected()

    # Steps

    def _apply(self, count: int, rule: Callable[..., Outcome], token: Token) -> None:
        with self._located(token.position):
            self._program.apply(count, rule)

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > DEEPEST:
            sentence = (
                f"More than {DEEPEST} brackets or signs stand within each other. Write "
                "fewer."
            )
            raise self._error(sentence, self._token)
        yield
        self._depth -= 1

    # Errors

    @contextmanager
    def _located(self, position: int) -> Iterator[None]:
        """Tell the place of what does not fit."""
        try:
            yield
        except MisfitError as error:
            raise ExpressionError(str(error), self._expression, position) from None

    def _error(self, sentence: str, token: Token) -> ExpressionError:
        return ExpressionError(sentence, self._expression, token.position)

    def _missing_value(self) -> ExpressionError:
        cure = "Write a number, a band or a function there."
        if self._place == 0:
            where = "at the beginning"
        else:
            where = f"after `{shortened(self._tokens[self._place - 1].text)}`"
        return self._error(f"A value is missing {where}. {cure}", self._token)

    def _unexpected(self) -> ExpressionError:
        """A token after a complete value that does not go on."""
        token = self._token
        if token.text in (")", "}"):
            sentence = f"`{token.text}` was not opened. Take it away."
        elif token.text in (",", ":"):
            other = "?" if token.text == ":" else "a bracket"
            sentence = f"`{token.text}` belongs to {other} before it. Take it away."
        elif token.text in _CURES:
            sentence = (
                f"There is no operator named `{token.text}`. {_CURES[token.text]}"
            )
        else:
            sentence = (
                f"An operator is missing before `{shortened(token.text)}`. Write one, "
                "such as `+`."
            )
        return self._error(sentence, token)

    def _unknown_name(self, token: Token) -> ExpressionError:
        name = token.text
        if name in FUNCTIONS:
            sentence = f"`{name}` is a function. Write {name}(...)."
            return self._error(sentence, token)
        names = [*variable_names(self._bands), *OPERATORS]
        return self._no_such("value", name, names, token)

    def _unknown_function(self, token: Token) -> ExpressionError:
        if token.text in variable_names(self._bands):
            sentence = (
                f"`{token.text}` is not a function. Write `*` before the bracket."
            )
            return self._error(sentence, token)
        return self._no_such("function", token.text, FUNCTIONS, token)

    def _no_such(
        self, what: str, name: str, names: Sequence[str], token: Token
    ) -> ExpressionError:
        cure = f" {_CURES[name]}" if name in _CURES else nearest(name, names)
        if not cure:
            cure = (
                " Write one of BandMathX, such as sqrt."
                if what == "function"
                else " Write im1 for a pixel, im1b2 for its second band."
            )
        sentence = f"There is no {what} named `{shortened(name)}`.{cure}"
        return self._error(sentence, token)


def _of_sizes(rule: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """A rule of sizes as a rule of values."""

    def of_values(*values: Value) -> Outcome:
        return rule(*(value.size for value in values))

    return of_values


def _check_result(size: Size) -> None:
    if size == TRUTH:
        raise MisfitError(
            "The result is true or false. Write (...) ? 1 : 0 to make it a number."
        )
    if size.rows > 1:
        cure = (
            "Write `'` after it to make it a row."
            if size.cols == 1
            else "Make a row of it, such as mean(im1b1N3x3)."
        )
        raise MisfitError(f"The result is {size}, but a pixel is a row. {cure}")
