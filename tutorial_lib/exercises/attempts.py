"""Checks on one attempt of a learner: has it a blank, is it new, where did it fail?

A *blank* is the `...` that a stub has in place of the learner's own code.
"""

import ast
import inspect
import linecache
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import wraps
from textwrap import dedent
from traceback import walk_tb
from types import CodeType, FunctionType
from typing import Any

from tutorial_lib.exercises.copies import copied, is_unchanged
from tutorial_lib.exercises.showing import shown_call
from tutorial_lib.kinds import kind_of

_CHANGES = (
    "`{0}` changes the list, array or table that it is given, so the rest of the "
    "notebook would go on with other values. Work on a copy, as in `a = a.copy()`."
)


# Functions and methods that return None.
_WITHOUT_RESULT = ("append", "compile", "extend", "fill", "print", "shuffle", "sort")


class BlankError(Exception):
    """A function of the learner returned a blank."""


class NothingReturnedError(Exception):
    """A function of the learner returned None.

    Attributes:
        advice: What the learner reads.
    """

    def __init__(self, function: str, call: str = "", empty: str = "") -> None:
        super().__init__(f"`{function}` returned None.")
        # With a `return`, other calls may give a value.
        does = "Does every way through the function" if call else "Does it"
        self.advice = (
            f"`{call or function}` gives nothing back. {does} end with `return …`?"
        )
        if empty == "print":
            self.advice += " `print` only shows a value; `return` gives it back."
        elif empty:
            self.advice = (
                f"`{call or function}` gives nothing back. `{empty}(…)` is `None`: "
                "write this call on its own line. Do not put `return` or `=` before it."
            )


def has_blank(answer: Any) -> bool:
    """Whether a value is `...`, or a list, tuple or dict that contains it.

    Example:
        >>> has_blank({"tile": 64, "crop": ...})
        True
    """
    if isinstance(answer, Mapping):
        return any(has_blank(value) for value in answer.values())
    if isinstance(answer, list | tuple):
        return any(has_blank(value) for value in answer)
    return answer is ...


def has_blank_in_code(answer: Any) -> bool:
    """Whether the source code of a function or class still contains a blank.

    The `...` of Python itself is not a blank: `array[..., 0]` in an index, or as the
    whole body of a function or class.

    Args:
        answer: A function or a class. The result is False for other values, and if the
            source code is not known.
    """
    if isinstance(answer, type):
        return any(
            has_blank(value) or has_blank_in_code(value)
            for value in vars(answer).values()
            if not isinstance(value, type)
        )
    return isinstance(answer, FunctionType) and any(_blanks(_tree(answer)))


def _tree(function: FunctionType) -> ast.AST:
    """The source code of a function as a tree; an empty one if it is not known."""
    try:
        return ast.parse(dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return ast.Module([], [])


def _blanks(node: ast.AST) -> Iterator[ast.AST]:
    """The constants `...` below a node that stand in the place of a value."""
    for child in ast.iter_child_nodes(node):
        blanks = [child] if _is_ellipsis(child) else list(_blanks(child))
        is_statement = isinstance(node, ast.Expr) and _is_ellipsis(child)
        in_index = isinstance(node, ast.Subscript) and child is node.slice
        # NumPy allows one `...` in an index. Two in one index are blanks.
        if not is_statement and not (in_index and len(blanks) == 1):
            yield from blanks


def _is_ellipsis(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def stop_at_blanks(
    answer: Any, name: str = "", tell: Callable[[str], Any] | None = None
) -> Any:
    """Wrap an answer so that it raises an error when it returns a blank or None.

    Otherwise the blank would reach the judge, or Keras. The error that they raise does
    not name the blank.

    Args:
        answer: A function, a class or another value.
        name: Name of a function that has none, a `lambda`.
        tell: Function that gets a sentence on each call that changes its arguments.
            The answer then works on copies, so that the values stay as they are.

    Returns:
        For a function, another one that calls it and raises BlankError or
        NothingReturnedError. For a class, a subclass whose methods do so. Other values
        are returned as they are.
    """
    if isinstance(answer, FunctionType):
        checked = _checked(answer, tell)
        if name and answer.__name__ == "<lambda>":
            checked.__name__ = name
        return checked
    if isinstance(answer, type):
        methods = {
            name: _checked(value)
            for name, value in vars(answer).items()
            if isinstance(value, FunctionType)
        }
        # A subclass, so that the learner's own class stays as it is.
        return type(answer)(answer.__name__, (answer,), methods)
    return answer


def as_function(answer: Any, code: str, name: str) -> Any:
    """An object that can be called, as a function with the name that was asked for.

    Args:
        answer: The learner's answer.
        code: Code of the solution.
        name: Name of the answer in the code.

    Returns:
        The function, if the code defines one and the answer is another kind of object
        that can be called. Other answers are returned as they are.

    Example:
        >>> as_function(max, "def largest(a, b): return …", "largest").__name__
        'largest'
    """
    is_object = callable(answer) and not isinstance(answer, FunctionType | type)
    if not is_object or f"def {name}(" not in code:
        return answer

    @wraps(answer, assigned=(), updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        return answer(*args, **kwargs)

    function.__name__ = name
    return function


def _checked(
    function: FunctionType, tell: Callable[[str], Any] | None = None
) -> FunctionType:
    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        given = copied((args, kwargs)) if tell else (args, kwargs)
        result = function(*given[0], **given[1])
        if tell and not is_unchanged(given, (args, kwargs)):
            call = shown_call(checked.__name__, (*args, *kwargs.values()))
            tell(_CHANGES.format(call))
        if has_blank(result):
            raise BlankError
        # `__init__` and other special methods may return None.
        if result is None and not function.__name__.startswith("__"):
            call = shown_call(checked.__name__, args) if _has_return(function) else ""
            raise NothingReturnedError(checked.__name__, call, _empty_call(function))
        return result

    return checked


def _empty_call(function: FunctionType) -> str:
    """A function without a result whose result the code uses; may be empty."""
    for node in ast.walk(_tree(function)):
        called = getattr(getattr(node, "value", None), "func", None)
        name = getattr(called, "attr", getattr(called, "id", ""))
        used = isinstance(node, ast.Return | ast.Assign) or name == "print"
        if used and name in _WITHOUT_RESULT:
            return name
    return ""


def _has_return(function: FunctionType) -> bool:
    """Whether the code of a function, not of a method, returns a value somewhere."""
    is_method = function.__code__.co_varnames[:1] == ("self",)
    returns = (n for n in ast.walk(_tree(function)) if isinstance(n, ast.Return))
    return not is_method and any(one.value is not None for one in returns)


def comes_from_blank(error: BaseException | None) -> bool:
    """Whether an error is a BlankError, or was raised because of one.

    Keras catches an error of a network and raises another one in its place.
    """
    while error is not None:
        if isinstance(error, BlankError):
            return True
        error = error.__cause__ or error.__context__
    return False


def wrong_kind(answer: Any, code: str, name: str) -> str:
    """Message about a value that is given in place of a function or class.

    Args:
        answer: The learner's answer.
        code: Code of the solution.
        name: Name of the answer in the code.

    Returns:
        Two sentences; empty if the kind is right.

    Example:
        >>> wrong_kind(3, "def side(n): return n", "side")
        'The answer is a function, `def side(…)`. Yours is a number.'
    """
    is_class = isinstance(answer, type)
    if f"def {name}(" in code and (is_class or not callable(answer)):
        kind, word = "a function", f"def {name}(…)"
    elif f"class {name}(" in code and not is_class:
        kind, word = "the class itself, without `()`", f"class {name}(…)"
    else:
        return _wrong_base(answer, code, name)
    yours = "a class" if is_class else kind_of(answer)
    return f"The answer is {kind}, `{word}`. Yours is {yours}."


def _wrong_base(answer: Any, code: str, name: str) -> str:
    """Message about a class that does not build on `tl.PatchModel`, if it has to."""
    bases = getattr(answer, "__mro__", ())
    is_asked = f"class {name}(tl.PatchModel)" in code
    if not is_asked or any(one.__name__ == "PatchModel" for one in bases):
        return ""
    form = f"class {name}(tl.PatchModel):"
    return f"The class must build on `tl.PatchModel`: write `{form}`."


def fingerprint(answer: Any) -> Hashable:
    """A value that is the same for two attempts only if they are the same attempt.

    Example:
        >>> fingerprint(3) == fingerprint(1 + 2)
        True
    """
    if isinstance(answer, FunctionType):
        return _code_fingerprint(answer.__code__)
    if isinstance(answer, type):
        attributes = vars(answer).items()
        return tuple(
            (name, fingerprint(value))
            for name, value in attributes
            if not name.startswith("__")
        )
    return repr(answer)


def _code_fingerprint(code: CodeType) -> Hashable:
    """What a function does, without its place in the cell and its comments."""
    constants = tuple(
        _code_fingerprint(one) if isinstance(one, CodeType) else (type(one), one)
        for one in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames


def file_of(answer: Any) -> str:
    """File of the cell that defines a function or class; empty for other values."""
    if isinstance(answer, FunctionType):
        return inspect.unwrap(answer).__code__.co_filename
    if isinstance(answer, type):
        return next(filter(None, map(file_of, vars(answer).values())), "")
    return ""


def learners_frame(error: BaseException, file: str = "") -> tuple[Any, int]:
    """The frame of the learner's code that raised an error, and the number of its line.

    Args:
        error: The error.
        file: File of the learner's cell. Frames of other cells, which hold functions of
            the notebook, then count only if there is none of this file.

    Returns:
        The frame and the number, or None and 0 if the learner's code was not running.
    """
    # The cells of a notebook run in the module "__main__".
    frames = [
        (frame, number)
        for frame, number in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == "__main__"
    ]
    own = [pair for pair in frames if pair[0].f_code.co_filename == file]
    return (own or frames or [(None, 0)])[-1]


def line_of(frame: Any, number: int) -> str:
    """The text of a line of code; empty if it is not known."""
    if frame is None:
        return ""
    return linecache.getline(frame.f_code.co_filename, number).strip()


def learners_line(error: BaseException, file: str = "") -> str:
    """The learner's line that raised an error, as a sentence; empty if there is none.

    Example:
        >>> learners_line(ValueError("no such band"))
        ''
    """
    frame, number = learners_frame(error, file)
    line = line_of(frame, number)
    return f"Line {number} of the cell: `{line}`" if line else ""


def run_code(code: str, given: Mapping[str, Any], *, title: str) -> dict[str, Any]:
    """Run code as a notebook cell that knows only the given names.

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
    # Tracebacks, `??` in a notebook and `inspect.getsource` read code from `linecache`.
    linecache.cache[filename] = (len(code), None, lines, filename)
    namespace = {"__name__": "__main__", **given}
    exec(compile(code, filename, "exec"), namespace)
    return namespace
