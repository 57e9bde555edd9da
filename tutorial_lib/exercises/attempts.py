"""A learner's answer as an attempt: is it blank, is it new, where did it go wrong.

A *blank* is the `...` that stands where the learner's own code belongs.
"""

import linecache
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from traceback import walk_tb
from types import FunctionType
from typing import Any


class BlankError(Exception):
    """A function of the learner gave a blank back."""


class NothingReturnedError(Exception):
    """A function of the learner gave nothing back."""


def has_blank(answer: Any) -> bool:
    """Whether `...` is the answer, or is in a list, tuple or dict that is.

    Example:
        >>> has_blank({"tile": 64, "crop": ...})
        True
    """
    if isinstance(answer, Mapping):
        return any(has_blank(value) for value in answer.values())
    if isinstance(answer, list | tuple):
        return any(has_blank(value) for value in answer)
    return answer is ...


@contextmanager
def watch_blanks(answer: Any) -> Iterator[Any]:
    """The answer, whose functions or methods raise an error for a blank or nothing.

    Without this a blank travels on into the check, or into Keras, and comes back as an
    error about something else.
    """
    if isinstance(answer, FunctionType):
        yield _watched(answer)
        return
    methods = _methods(answer) if isinstance(answer, type) else {}
    try:
        for name, method in methods.items():
            setattr(answer, name, _watched(method))
        yield answer
    finally:
        for name, method in methods.items():
            setattr(answer, name, method)


def _watched(function: FunctionType) -> FunctionType:
    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if has_blank(result):
            raise BlankError
        # `__init__` and the like rightly give nothing.
        if result is None and not function.__name__.startswith("__"):
            raise NothingReturnedError(function.__name__)
        return result

    return watched


def _methods(answer: type) -> dict[str, FunctionType]:
    return {k: v for k, v in vars(answer).items() if isinstance(v, FunctionType)}


def met_blank(error: BaseException | None) -> bool:
    """Whether a blank is at the bottom of an error.

    Code around a blank fails in Python's own words ("unsupported operand type(s) for
    +: 'ellipsis' and 'int'"), and Keras wraps errors in others.
    """
    while error is not None:
        if isinstance(error, BlankError) or "ellipsis" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def wrong_kind(answer: Any, code: str, name: str) -> str:
    """What to say when a value is given for a function, or an object for its class.

    Args:
        answer: The learner's answer.
        code: Code that makes a right one.
        name: Name of the answer in the code.

    Returns:
        A sentence; empty if the kind is right.

    Example:
        >>> wrong_kind(3, "def side(n): return n", "side")
        'The answer is a function, `def side(…)`. Yours is of the type `int`.'
    """
    if f"def {name}(" in code and not callable(answer):
        kind, word = "a function", f"def {name}(…)"
    elif f"class {name}(" in code and not isinstance(answer, type):
        kind, word = "the class itself, without `()`", f"class {name}(…)"
    else:
        return ""
    yours = type(answer).__name__
    return f"The answer is {kind}, `{word}`. Yours is of the type `{yours}`."


def fingerprint(answer: Any) -> Hashable:
    """What two attempts have in common when they are the same attempt.

    Example:
        >>> fingerprint(3) == fingerprint(1 + 2)
        True
    """
    if isinstance(answer, FunctionType):
        return answer.__code__
    if isinstance(answer, type):
        own = {k: v for k, v in vars(answer).items() if not k.startswith("__")}
        return tuple((name, fingerprint(value)) for name, value in own.items())
    return repr(answer)


def describe_error(error: BaseException) -> str:
    """Kind and message of an error, and the learner's line that it came from.

    Example:
        >>> describe_error(ValueError("no such band"))
        '`ValueError`: no such band'
    """
    message = f"`{type(error).__name__}`: {error}"
    # Everything that is typed into a notebook runs in the module "__main__".
    lines = [
        (number, linecache.getline(frame.f_code.co_filename, number).strip())
        for frame, number in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == "__main__"
    ]
    if not lines:
        return message
    number, line = lines[-1]
    return f"{message}\nLine {number} of the cell: `{line}`"


def run_code(code: str, given: Mapping[str, Any], *, title: str) -> dict[str, Any]:
    """Run code as a cell in which only `given` is known.

    Args:
        code: Python code.
        given: Values by name.
        title: Name of the code in tracebacks.

    Returns:
        All names after the run.

    Example:
        >>> run_code("area = side**2", {"side": 3}, title="area")["area"]
        9
    """
    filename = f"<{title}>"
    lines = code.splitlines(keepends=True)
    # Lets tracebacks, and `??` in a notebook, show the code.
    linecache.cache[filename] = (len(code), None, lines, filename)
    namespace = {"__name__": "__main__", **given}
    exec(compile(code, filename, "exec"), namespace)
    return namespace
