"""Functions: those of muParserX for numbers, and those of OTB for rows and matrices."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutorial_lib.compat.expressions.errors import AS_NUMBER, AS_TRUTH, MisfitError
from tutorial_lib.compat.expressions.operators import Compute, Outcome
from tutorial_lib.compat.expressions.programs import Value
from tutorial_lib.compat.expressions.sizes import NUMBER, TRUTH, Size, matrix
from tutorial_lib.compat.expressions.windows import (
    EXTREMES,
    SUMMARIES,
    correlation,
    total,
)


@dataclass(frozen=True)
class Function:
    """A function of an expression.

    Attributes:
        rule: Gives the outcome for the values of its arguments, or raises MisfitError.
        least: Fewest arguments that it takes.
        most: Most arguments that it takes; None for any number.
    """

    rule: Callable[..., Outcome]
    least: int = 1
    most: int | None = 1

    def refuse_count(self, name: str, count: int) -> None:
        """Raise MisfitError for a number of arguments that it does not take."""
        if count < self.least or (self.most is not None and count > self.most):
            least, more = self.least, self.most is None
            wanted = f"at least {least}" if more else str(least)
            raise MisfitError(f"{name} has {count} arguments. Give it {wanted}.")


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round half away from zero, as C does; np.round goes to the even number."""
    whole = np.trunc(values)
    return whole + np.copysign(np.abs(values - whole) >= 0.5, values)


def _ndvi(red: np.ndarray, infrared: np.ndarray) -> np.ndarray:
    total = red + infrared
    # OTB's own limit: a pixel without light has the index 0, not nan.
    return np.where(np.abs(total) < 1e-6, 0, (infrared - red) / total)


_OF_ONE_NUMBER: dict[str, Compute] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "exp": np.exp,
    "ln": np.log,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "abs": np.abs,
    "rint": np.rint,
    "round": _rounded,
    "trunc": np.trunc,
    "floor": np.floor,
    "ceil": np.ceil,
}

_OF_TWO_NUMBERS: dict[str, Compute] = {
    "ndvi": _ndvi,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "fmod": np.fmod,
}

# Those that OTB also has for rows and matrices, as vcos, vabs...
_WITH_V = (
    *("cos", "acos", "sin", "asin", "tan", "atan", "tanh", "sinh", "cosh"),
    *("log", "log10", "abs", "exp", "sqrt"),
)


def _numbers(name: str, compute: Compute, row_cure: str) -> Callable[..., Outcome]:
    """The rule of a function whose arguments are numbers."""

    def rule(*values: Value) -> Outcome:
        for value in values:
            if value.size == TRUTH:
                raise MisfitError(_got(name, value.size, AS_NUMBER))
            if value.size.is_matrix:
                raise MisfitError(_got(name, value.size, row_cure))
        return Outcome(NUMBER, compute)

    return rule


def _each_value(name: str, compute: Compute) -> Callable[..., Outcome]:
    """The rule of vcos, vsqrt...: the same for each value of a row or a matrix."""

    def rule(value: Value) -> Outcome:
        _need_matrix(name, value.size, f"Write {name[1:]}(...) for a number.")
        return Outcome(value.size, compute)

    return rule


def _one_of_all(name: str, compute: Compute) -> Callable[..., Outcome]:
    """The rule of vmin, vmax, vnorm: one value of all values of a matrix."""

    def rule(value: Value) -> Outcome:
        _need_matrix(name, value.size, "Give it a row or a neighbourhood.")
        # A row of 1, not a number: vect2scal makes a number of it.
        return Outcome(matrix(1, 1), compute)

    return rule


def _one_of_each(name: str, compute: Compute) -> Callable[..., Outcome]:
    """The rule of mean, var...: a row with one value of each argument."""

    def rule(*values: Value) -> Outcome:
        for value in values:
            if value.size == TRUTH:
                raise MisfitError(_got(name, value.size, AS_NUMBER))

        def of_all(*arguments: np.ndarray) -> np.ndarray:
            return _side_by_side([compute(one) for one in arguments])

        return Outcome(matrix(1, len(values)), of_all)

    return rule


def cat(*values: Value) -> Outcome:
    """The outcome of `cat`: numbers and rows one after the other, as one row.

    Example:
        >>> print(cat(Value(NUMBER), Value(matrix(1, 4))).size)
        a row of 5
    """
    for value in values:
        if value.size == TRUTH:
            raise MisfitError(_got("cat", value.size, AS_NUMBER))
        if value.size.rows > 1:
            raise MisfitError(_got("cat", value.size, "Give it numbers and rows."))
    size = matrix(1, sum(value.size.cols for value in values))
    return Outcome(size, lambda *arguments: _side_by_side(arguments))


def braces(*values: Value) -> Outcome:
    """The outcome of {a, b, c}: a row of numbers."""
    for value in values:
        if value.size != NUMBER:
            cure = AS_NUMBER if value.size == TRUTH else "Write cat(...) to join rows."
            raise MisfitError(f"{{...}} takes numbers, but got {value.size}. {cure}")
    return Outcome(matrix(1, len(values)), lambda *numbers: _side_by_side(numbers))


def select(condition: Value, yes: Value, no: Value) -> Outcome:
    """The outcome of condition ? yes : no."""
    if condition.size != TRUTH:
        raise MisfitError(f"`?` has {condition.size} on its left. {AS_TRUTH}")
    if yes.size != no.size:
        raise MisfitError(
            f"`?` gives {yes.size} or {no.size}. Give both sides of `:` the same size."
        )
    return Outcome(yes.size, np.where)


def _bands(row: Value, numbers: Value) -> Outcome:
    cure = "Write bands(im1, {1, 2}) for its first two bands."
    if not row.size.is_row:
        raise MisfitError(_got("bands", row.size, cure))
    if not numbers.size.is_row or numbers.constant is None:
        what = numbers.size if numbers.constant is not None else "values of pixels"
        raise MisfitError(_got("bands", what, cure))
    chosen = numbers.constant[0, 0, 0]
    for number in chosen:
        if number not in range(1, row.size.cols + 1):
            raise MisfitError(
                f"Band {number:g} does not exist in {row.size}. Write numbers from 1 "
                f"to {row.size.cols}."
            )
    places = chosen.astype(int) - 1
    # The band numbers are on the stack, too, but were looked at above already.
    return Outcome(matrix(1, len(places)), lambda values, _: values[..., places])


def _dotpr(first: Value, *others: Value) -> Outcome:
    for value in (first, *others):
        _need_matrix("dotpr", value.size, "Write `*` for numbers.")
        _need_same("dotpr", first.size, value.size)

    def products(kernel: np.ndarray, *arguments: np.ndarray) -> np.ndarray:
        return _side_by_side([total(kernel * one) for one in arguments])

    return Outcome(matrix(1, len(others)), products)


def _corr(first: Value, second: Value) -> Outcome:
    for value in (first, second):
        _need_matrix("corr", value.size, "Give it rows or neighbourhoods.")
    _need_same("corr", first.size, second.size)
    return Outcome(NUMBER, correlation)


def _vect2scal(value: Value) -> Outcome:
    if not (value.size.is_matrix and value.size.values == 1):
        raise MisfitError(_got("vect2scal", value.size, "Give it a row of 1."))
    return Outcome(NUMBER, lambda values: values)


def _side_by_side(arrays: list[np.ndarray]) -> np.ndarray:
    """Numbers and rows as one row; an array may be the same for all pixels."""
    height = max(array.shape[0] for array in arrays)
    width = max(array.shape[1] for array in arrays)
    wide = [np.broadcast_to(one, (height, width, *one.shape[2:])) for one in arrays]
    return np.concatenate(wide, axis=-1)


def _got(name: str, what: Size | str, cure: str) -> str:
    return f"{name} cannot take {what}. {cure}"


def _need_matrix(name: str, size: Size, cure: str) -> None:
    if not size.is_matrix:
        raise MisfitError(_got(name, size, AS_NUMBER if size == TRUTH else cure))


def _need_same(name: str, first: Size, second: Size) -> None:
    if first != second:
        raise MisfitError(
            f"{name} got {first} and {second}. Give it arguments of the same size."
        )


def _folded(pair: Compute) -> Compute:
    """A function of two arrays as one of any number of them."""

    def of_all(first: np.ndarray, *others: np.ndarray) -> np.ndarray:
        for other in others:
            first = pair(first, other)
        return first

    return of_all


def _for_numbers() -> dict[str, Function]:
    """The functions of muParserX, and ndvi."""
    of_one_band = "Give it single bands, such as im1b1."
    found = {}
    for name, compute in _OF_ONE_NUMBER.items():
        cure = f"Write v{name}(...) for rows." if name in _WITH_V else of_one_band
        found[name] = Function(_numbers(name, compute, cure))
    for name, compute in _OF_TWO_NUMBERS.items():
        found[name] = Function(_numbers(name, compute, of_one_band), 2, 2)
    # fmin and fmax leave nan out, as the comparisons of C++ do.
    for name, pair in {"min": np.fmin, "max": np.fmax}.items():
        rule = _numbers(name, _folded(pair), f"Write v{name}(...) for one row.")
        found[name] = Function(rule, 1, None)
    cure = "Write `im1 * {1, 1, 1}'` for the sum of three bands."
    found["sum"] = Function(_numbers("sum", _folded(np.add), cure), 1, None)
    return found


def _for_matrices() -> dict[str, Function]:
    """The functions of OTB."""
    found = {
        "bands": Function(_bands, 2, 2),
        "cat": Function(cat, 1, None),
        "dotpr": Function(_dotpr, 2, None),
        "corr": Function(_corr, 2, 2),
        "vect2scal": Function(_vect2scal),
    }
    for name in _WITH_V:
        found[f"v{name}"] = Function(_each_value(f"v{name}", _OF_ONE_NUMBER[name]))
    for name, compute in SUMMARIES.items():
        found[name] = Function(_one_of_each(name, compute), 1, None)
    for name, compute in EXTREMES.items():
        found[name] = Function(_one_of_all(name, compute))
    return found


FUNCTIONS = {**_for_numbers(), **_for_matrices()}
