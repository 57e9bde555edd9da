"""Judge a value of several parts: which are right, which are too large or too small?"""

import re
from collections.abc import Mapping, Sequence, Set
from inspect import isroutine
from typing import Any

import numpy as np

from tutorial_lib.exercises.findings import (
    NO_MISTAKES,
    Finding,
    and_joined,
    right_parts,
)
from tutorial_lib.exercises.judging import as_array, close, is_numeric, plain
from tutorial_lib.kinds import kind_of

# Difference of the logarithms of a value and the right one: about 0.5 %.
_NEARLY = 0.002


def in_parts(
    answer: Any,
    right: Any,
    names: Sequence[str],
    likely: Mapping[str, Any] = NO_MISTAKES,
    *,
    tolerance: float | None = None,
) -> str | Finding | None:
    """Judge a value of several parts: which are right, which are too large or small?

    The right value is never shown.

    Args:
        answer: The learner's answer: a sequence or array with one value for each name,
            or a dictionary with these names. With one name, also the value itself.
        right: The right answer, of the same kind.
        names: Names of the parts.
        likely: Wrong answers by the name of the mistake. A dictionary of some parts
            fits every answer that has them.
        tolerance: Largest difference of two numbers, in their unit. None allows the
            error of float32.

    Returns:
        None if all parts are right, the name of the first mistake that gives this
        answer, or a `Finding` that judges the parts.

    Example:
        >>> print(in_parts((16, 9), (16, 8), ["height", "width"]))
        `height` is right.
        `width` is too large.
    """
    answer = plain(answer)
    wanted = _parts(right, names)
    got = _parts(answer, names)
    if isinstance(got, str):
        return _whole_mistake(answer, likely, tolerance) or Finding(got)
    same = [
        close(one, two, tolerance=tolerance)
        for one, two in zip(got, wanted, strict=True)
    ]
    if all(same):
        return None
    for mistake, value in likely.items():
        if _has_parts(dict(zip(names, got, strict=True)), value, names, tolerance):
            return mistake
    code = [f"`{name}`" for name in names]
    wrong: dict[str, list[str]] = {}
    for i, name in enumerate(code):
        if not same[i]:
            wrong.setdefault(_verdict(got[i], wanted[i]), []).append(name)
    text = " ".join(_sentence(parts, verdict) for verdict, parts in wrong.items())
    if same.count(False) > 1 and _reordered(got, wanted, tolerance):
        text = "The right values are there, but in another order."
    fine = right_parts([name for name, good in zip(code, same, strict=True) if good])
    return Finding(text, right=fine)


def _whole_mistake(
    answer: Any, likely: Mapping[str, Any], tolerance: float | None
) -> str | None:
    for mistake, value in likely.items():
        if close(answer, value, tolerance=tolerance):
            return mistake
    return None


def _parts(answer: Any, names: Sequence[str]) -> list[Any] | str:
    """The parts in the order of their names, or a sentence that says why not."""
    if isinstance(answer, Mapping):
        return _parts_of_dictionary(answer, names)
    if isinstance(answer, str):
        return f'The answer is the text "{answer}". Numbers are written without quotes.'
    array = as_array(answer)
    if array is not None and array.ndim == 0 and len(names) == 1:
        return [answer]
    asked = f"{len(names)} value{' is' if len(names) == 1 else 's are'} asked for: "
    asked += ", ".join(f"`{name}`" for name in names)
    if not isinstance(answer, list | tuple) and (array is None or array.ndim == 0):
        thing, advice = _one_thing(answer, array)
        return f"The answer is {thing}; {asked}. {advice}".strip()
    values = list(answer)
    if len(values) == 1 < len(names) and np.ndim(as_array(values[0])) == 1:
        return f"The answer has one pair of brackets too many; {asked}."
    if len(values) != len(names):
        count = f"{len(values)} value{'s' * (len(values) != 1)}"
        return f"The answer has {count}; {asked}."
    return values


def _one_thing(answer: Any, array: np.ndarray | None) -> tuple[str, str]:
    """What an answer is that has no parts in an order, and what to do about it."""
    if is_numeric(array):
        return "one value", ""
    if answer is None:
        return "nothing (`None`)", "`print` shows values, but gives nothing back."
    if isinstance(answer, Set):
        return "a set, `{…}`, whose values have no order", "Write `(…)` instead."
    if isinstance(answer, type):
        return "a class", ""
    if isroutine(answer):
        return "a function, not its result", "Call it, with `()`."
    return kind_of(answer), ""


def _parts_of_dictionary(answer: Mapping, names: Sequence[str]) -> list[Any] | str:
    missing = [f"`{name}`" for name in names if name not in answer]
    added = [f"`{name}`" for name in answer if name not in names]
    if missing:
        return f"The dictionary has no {' and no '.join(missing)}."
    if added:
        verb = "is" if len(added) == 1 else "are"
        return f"The dictionary has {and_joined(added)}, which {verb} not asked for."
    return [answer[name] for name in names]


def _has_parts(
    got: Mapping[str, Any], value: Any, names: Sequence[str], tolerance: float | None
) -> bool:
    if not isinstance(value, Mapping):
        parts = _parts(value, names)
        if isinstance(parts, str):
            return False
        value = dict(zip(names, parts, strict=True))
    return all(
        close(got[name], one, tolerance=tolerance) for name, one in value.items()
    )


def _reordered(got: list, wanted: list, tolerance: float | None) -> bool:
    """Whether all right values are there, each once."""
    rest = list(wanted)
    for value in got:
        same = [
            i for i, one in enumerate(rest) if close(value, one, tolerance=tolerance)
        ]
        if not same:
            return False
        del rest[same[0]]
    return True


def _sentence(names: Sequence[str], verdict: str) -> str:
    """One sentence on the parts that have the same fault."""
    if len(names) > 1:
        verdict = re.sub("^is ", "are ", re.sub("^has ", "have ", verdict))
    return f"{and_joined(names)} {verdict}"


def _verdict(got: Any, wanted: Any) -> str:
    """What is wrong with a part, as the end of a sentence without the right value."""
    one, other = as_array(got), as_array(wanted)
    if isinstance(got, str) and not isinstance(wanted, str):
        return f'is the text "{got}"; it must be a number, without quotes.'
    if not is_numeric(one) and is_numeric(other):
        return f"is {kind_of(got)}; it must be a number."
    if is_numeric(one) and is_numeric(other):
        if one.size == 1 and other.ndim == 0:
            return _verdict_on_number(float(one.item()), float(other.item()))
        if one.shape != other.shape:
            return f"has the shape {one.shape}; another one is asked for."
    return "is not right."


def _verdict_on_number(got: float, wanted: float) -> str:
    if np.isnan(got):
        return "is NaN, which is not a number."
    if np.isinf(got):
        return "is infinite."
    if got and close(got, -wanted):
        return "has the wrong sign."
    word = "large" if got > wanted else "small"
    if got and wanted and got * wanted > 0:
        power = np.log10(got / wanted)
        if abs(power) > 0.5 and close(power, round(power)):
            return (
                f"is too {word}, though the digits are right: compare the units of all "
                "numbers in it."
            )
        if abs(power) < _NEARLY:
            return f"is a little too {word}. Compute it with all digits."
        if close(abs(power), np.log10(2)):
            return f"is too {word}, by a factor of 2."
    return f"is too {word}."
