"""Judge an answer by examples: what it gave, and what it should give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tutorial_lib.exercises.attempts import BlankError, NothingReturnedError
from tutorial_lib.exercises.copies import copied
from tutorial_lib.exercises.judging import close, plain
from tutorial_lib.exercises.showing import difference, shown_call

NO_MISTAKES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Finding:
    """What is wrong with an answer, in sentences made for this answer.

    Attributes:
        text: What is wrong: the counter-example, as a sentence.
        right: What is right already, as a sentence; empty if nothing is known to be.

    Example:
        >>> print(Finding("`width` is too large.", right="`height` is right."))
        `height` is right.
        `width` is too large.
    """

    text: str
    right: str = ""

    def __str__(self) -> str:
        return "\n".join(part for part in (self.right, self.text) if part)


class CallFailedError(Exception):
    """A call of the learner's function raised an error, which is the cause of this one.

    Attributes:
        call: The call, as a learner would type it.
    """

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


@dataclass(frozen=True)
class _Trial:
    """One call of a function: its result, or the error that it raised."""

    result: Any = None
    error: Exception | None = None

    def agrees(self, other: "_Trial", tolerance: float | None) -> bool:
        if self.error or other.error:
            return type(self.error) is type(other.error)
        return close(self.result, other.result, tolerance=tolerance)


def _try(function: Callable[..., Any], arguments: Sequence[Any]) -> _Trial:
    """Call a function with copies of the arguments."""
    try:
        return _Trial(plain(function(*map(copied, arguments))))
    except (BlankError, NothingReturnedError):
        raise
    # Any exception: the function is the learner's own code.
    except Exception as err:
        return _Trial(error=err)


def try_cases(
    answer: Callable[..., Any],
    cases: Sequence[tuple],
    right: Callable[..., Any],
    likely: Mapping[str, Callable[..., Any]] = NO_MISTAKES,
    *,
    tolerance: float | None = None,
    names: Sequence[str] = (),
    show: Callable[..., str] | None = None,
) -> str | Finding | None:
    """Judge a function by calls, and find the simplest one whose result is wrong.

    Args:
        answer: The learner's function.
        cases: The arguments of each call, as tuples; the simplest first.
        right: Function that gives the right result.
        likely: Functions that make common mistakes, by the name of the mistake.
        tolerance: Largest difference of two numbers, in their unit. None allows the
            error of float32.
        names: Names of the parts, if the function returns several.
        show: Function of the arguments that writes the call, if they are objects that
            cannot be typed.

    Returns:
        None if all results are right. Otherwise the name of the first mistake that
        gives the same results as the answer, or a `Finding` with the first case that
        differs.

    Raises:
        CallFailedError: If the first case that is not right raised an error.

    Example:
        >>> def first_pixel(centre, size):
        ...     return centre - (size + 1) // 2
        >>> def right(centre, size):
        ...     return centre - size // 2
        >>> print(try_cases(first_pixel, [(8, 16), (20, 7)], right))
        `first_pixel(20, 7)` gave 16; it should be 17.
    """
    got = [_try(answer, case) for case in cases]
    wanted = [_Trial(plain(right(*map(copied, case)))) for case in cases]
    agree = [
        one.agrees(other, tolerance) for one, other in zip(got, wanted, strict=True)
    ]
    name = getattr(answer, "__name__", "your_function")
    calls = [show(*case) if show else shown_call(name, case) for case in cases]
    if all(agree):
        return None
    for mistake, function in likely.items():
        if all(
            one.agrees(_try(function, case), tolerance)
            for one, case in zip(got, cases, strict=True)
        ):
            return mistake
    first = agree.index(False)
    if got[first].error:
        raise CallFailedError(calls[first]) from got[first].error
    end = difference(got[first].result, wanted[first].result, tolerance)
    start = "The result of " if end.startswith("has ") else ""
    return Finding(
        f"{start}`{calls[first]}` {end}",
        right=_right_already(got, wanted, agree, names, tolerance),
    )


def _right_already(
    got: Sequence[_Trial],
    wanted: Sequence[_Trial],
    agree: Sequence[bool],
    names: Sequence[str],
    tolerance: float | None,
) -> str:
    """Sentence that names the parts that are right in all cases."""
    if any(trial.error for trial in got):
        return ""
    results = [(one.result, two.result) for one, two in zip(got, wanted, strict=True)]
    if not all(_of_one_length(one, two) for one, two in results):
        return ""
    count = {len(two) for _, two in results}
    if len(count) != 1 or count == {1}:
        return ""
    parts = [
        part
        for part in range(*count)
        if all(close(one[part], two[part], tolerance=tolerance) for one, two in results)
    ]
    named = names or [f"value {number + 1}" for number in range(*count)]
    code = "`" if names else ""
    return right_parts([f"{code}{named[part]}{code}" for part in parts])


def _of_one_length(one: Any, two: Any) -> bool:
    """Whether two results are tuples, or an array instead of one, of one length."""
    if not isinstance(two, tuple) or not isinstance(one, tuple | list | np.ndarray):
        return False
    has_values = not isinstance(one, np.ndarray) or one.ndim > 0
    return has_values and len(one) == len(two)


def and_joined(names: Sequence[str]) -> str:
    """Names in a row.

    Example:
        >>> and_joined(["`a`", "`b`", "`c`"])
        '`a`, `b` and `c`'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def right_parts(names: Sequence[str]) -> str:
    """Sentence that says which parts are right; empty without any.

    Example:
        >>> right_parts(["`rows`", "`cols`"])
        '`rows` and `cols` are right.'
    """
    if not names:
        return ""
    sentence = f"{and_joined(names)} {'is' if len(names) == 1 else 'are'} right."
    return sentence[0].upper() + sentence[1:]
