"""OTB's command lines: `otbcli_PatchesExtraction -source1.il scene.tif …` and others.

The name of the program says which application runs. `-help` lists its parameters, for
as many sources as the environment variable OTB_TF_NSOURCES says.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tutorial_lib.commands.outcomes import outcome
from tutorial_lib.compat.application import Application
from tutorial_lib.compat.applications.names import application
from tutorial_lib.compat.parameters import (
    NSOURCES,
    Parameter,
    source_count,
    unknown_parameter,
)

PREFIX = "otbcli_"

# What OTB's programs also take, and what it does here.
_COMMON = {
    "progress": "<boolean> Show the progress of writing (default true)",
    "help": "[parameter …] Explain the parameters",
}

__all__ = ["main"]


class UsageError(ValueError):
    """A command line that does not say what to do."""


def main(words: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run the application that the program is named after.

    Args:
        words: The words of the command line; None takes those of the program.
        program: Name of the program, `otbcli_ExtractROI`; None takes it from the
            command line.

    Returns:
        The exit code: 0 done, 1 error or wrong command line, as OTB's programs; 130
        interrupted by Ctrl-C, 143 ended by SIGTERM and 129 by SIGHUP.

    Example:
        >>> main(["-in", "no.tif", "-out", "part.tif"], "otbcli_ExtractROI")
        1
    """
    program = Path(sys.argv[0]).stem if program is None else program
    words = sys.argv[1:] if words is None else list(words)
    return outcome(program, lambda: _run(program, words))


def _run(program: str, words: Sequence[str]) -> None:
    try:
        kind = application(program.removeprefix(PREFIX))
    except LookupError as err:
        raise UsageError(str(err)) from err
    if not words:
        print(_help(kind, program))
        raise UsageError("No parameter is given. The list above says what there is.")
    given = _given(words)
    if "help" in given:
        print(_help(kind, program, given["help"]))
        return
    progress = _progress(given.pop("progress", ["true"]))
    known = kind.parameters_of(source_count(None, list(given)))
    types = _split_types(given, known)
    _check_words(kind, given, known)
    values = {key: _value(known[key], one) for key, one in given.items()}
    app = kind(values, frozen=True, quiet=not progress)
    app.execute()
    for line in app.summary():
        print(line)
    paths = [key for key in app.output_keys if key in app.given]
    if app.outputs and not paths:
        raise UsageError(
            f"-{app.output_keys[0]} is not given, so nothing would be written. Give "
            f"the path of a file: -{app.output_keys[0]} image.tif."
        )
    if paths:
        app.write(pixel_type=types)
    for key in paths:
        print(f"{key}: {app[key].filepath}")


def _given(words: Sequence[str]) -> dict[str, list[str]]:
    """The words after each key; negative numbers and paths are no keys."""
    given: dict[str, list[str]] = {}
    key = None
    for word in words:
        if re.fullmatch(r"--?[A-Za-z][A-Za-z0-9.]*", word) and not _is_number(word):
            key = word.lstrip("-")
            if key in given:
                raise UsageError(f"-{key} is given twice. Give it once.")
            given[key] = []
        elif key is None:
            raise UsageError(
                f"'{word}' belongs to no parameter. Write -name value: -in scene.tif."
            )
        else:
            given[key].append(word)
    return given


def _is_number(word: str) -> bool:
    """Whether a word such as -nan or -inf is a number, not a key."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _split_types(
    given: dict[str, list[str]], known: Mapping[str, Parameter]
) -> dict[str, str]:
    """Take the pixel types away that follow the paths of output images."""
    types = {}
    for key, words in given.items():
        if key in known and known[key].output and len(words) == 2:
            types[key] = words.pop()
    return types


def _check_words(
    kind: type[Application],
    given: Mapping[str, list[str]],
    known: Mapping[str, Parameter],
) -> None:
    """Every parameter exists and has a value."""
    keys = [*given, ""]
    for key, following in zip(given, keys[1:], strict=True):
        if key not in known:
            raise unknown_parameter(kind.__name__, key, known)
        if given[key] or known[key].kind == "bool":
            continue
        hint = ""
        if following and following not in known:
            hint = (
                " A value that begins with a minus needs a space before it: "
                f"-{key} ' -{following}'."
            )
        raise UsageError(f"-{key} has no value. Write -{key} value.{hint}")


def _value(parameter: Parameter, words: list[str]) -> object:
    if parameter.kind == "bool" and not words:
        return True
    if parameter.kind.endswith("list"):
        return words
    if len(words) > 1:
        raise UsageError(
            f"-{parameter.key} takes one value, and {len(words)} are given: "
            f"{' '.join(words)}. Put a text with spaces between quotes."
        )
    return words[0]


def _progress(words: list[str]) -> bool:
    return (words or ["true"])[0].lower() not in ("0", "false", "off")


def _help(kind: type[Application], program: str, wanted: Sequence[str] = ()) -> str:
    """What the application does, and its parameters, or the wanted ones of them."""
    count = source_count(None, [])
    known = kind.parameters_of(count)
    if unknown := [key for key in wanted if key.lstrip("-") not in known]:
        raise UsageError(
            f"There is no parameter -{unknown[0]}. `{program} -help` lists them."
        )
    shown = [known[key.lstrip("-")] for key in wanted] or list(known.values())
    rows = [(f"-{one.key}", _about(one)) for one in shown]
    if not wanted:
        rows += [(f"-{key}", about) for key, about in _COMMON.items()]
    width = max(len(key) for key, _ in rows)
    lines = [f"{program}: {kind.about}", "", "Parameters:"]
    lines += [f"  {key.ljust(width)}  {about}" for key, about in rows]
    if "source1.il" in known:
        lines += [
            "",
            f"Sources: {count}. The environment variable {NSOURCES} sets their number.",
        ]
    return "\n".join(lines)


def _about(parameter: Parameter) -> str:
    notes = "mandatory" if parameter.required else "optional"
    if parameter.default is not None and parameter.default is not False:
        notes += f", default {parameter.default}"
    kind = f"<{parameter.kind}>"
    if parameter.output:
        kind += f" [pixel type, default {parameter.pixel_type}]"
    return f"{kind} {parameter.about} ({notes})"
