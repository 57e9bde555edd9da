"""Signatures of functions and classes in the words of their source."""

import ast
import inspect
import re
from collections.abc import Iterator
from textwrap import dedent

from pdoc.doc import Class, Function

_WIDTH = 80


def signature(doc: Function | Class) -> str:
    """How a function, or the maker of a class, is called.

    The annotations are those of the source: `PathLike` is easier to read than the
    union that it stands for.

    Args:
        doc: pdoc's object for it.

    Returns:
        The name, the parameters, and the type of what is returned; in several lines if
        it is long.
    """
    name = doc.qualname if isinstance(doc, Class) else doc.name
    maker = doc.members.get("__init__") if isinstance(doc, Class) else doc
    definition = _definition(maker) if isinstance(maker, Function) else None
    if definition:
        parts, returned = list(_parameters(definition.args)), definition.returns
        answer = f" -> {ast.unparse(returned)}" if returned else ""
    else:
        parts, answer = _inspected(doc), ""
    answer = "" if isinstance(doc, Class) else answer
    short = f"{name}({', '.join(parts)}){answer}"
    if len(short) <= _WIDTH:
        return short
    lines = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{lines}){answer}"


def _definition(doc: Function) -> ast.FunctionDef | None:
    """The definition in the source; None if there is none, as for a dataclass."""
    try:
        found = ast.parse(dedent(doc.source)).body
    except SyntaxError:
        return None
    return found[0] if found and isinstance(found[0], ast.FunctionDef) else None


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults]
    for argument, default in zip(positional, defaults, strict=True):
        if argument.arg not in ("self", "cls"):
            yield _parameter(argument, default)
    if arguments.vararg:
        yield f"*{_parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(
        arguments.kwonlyargs, arguments.kw_defaults, strict=True
    ):
        yield _parameter(argument, default)
    # What collects misspelt names, to tell the right ones, is nobody's to use.
    if arguments.kwarg and arguments.kwarg.arg != "unknown":
        yield f"**{_parameter(arguments.kwarg, None)}"


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg
    if argument.annotation:
        text += f": {ast.unparse(argument.annotation)}"
    if default is not None:
        text += (
            f" = {ast.unparse(default)}"
            if argument.annotation
            else (f"={ast.unparse(default)}")
        )
    return text


def _inspected(doc: Function | Class) -> list[str]:
    """The parameters as Python knows them, without the modules of their types."""
    try:
        given = inspect.signature(doc.obj).parameters.values()
    except (TypeError, ValueError):
        return []
    return [re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", str(one)) for one in given]
