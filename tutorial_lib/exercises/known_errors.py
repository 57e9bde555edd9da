# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of Python, pandas and rasterio, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

from tutorial_lib.exercises.causes import Cause, listed, nearest
from tutorial_lib.exercises.findings import and_joined
from tutorial_lib.kinds import kind_in_words, kind_of

__all__ = ["KNOWN"]

Sentence = str | Callable[[re.Match, Cause], str]

# Modules of Python that learners use without importing them. Others, such as `array` and
# `statistics`, have names that learners give to values.
_MODULES = {
    **{x: x for x in ("functools", "itertools", "math", "os", "random", "time")},
    **{"np": "numpy as np", "pd": "pandas as pd", "numpy": "numpy", "keras": "keras"},
    "plt": "matplotlib.pyplot as plt",
}


def _is_function(kind: str) -> bool:
    return kind_in_words(kind) == "a function"


def _name(match: re.Match, cause: Cause) -> str:
    name = match[1]
    unknown = f"The name `{name}` is not known here."
    generator = cause.name_of(np.random.Generator)
    if name == "random" and generator:
        return f"{unknown} Random numbers come from `{generator}`, as in `{generator}.uniform(…)`."
    if name in _MODULES:
        return f"{unknown} Write `import {_MODULES[name]}` first."
    known = cause.place_of(name) or cause.nearest_name(name)
    hint = f" Did you mean `{known}`?" if known else " Does a line before assign it?"
    if not known and cause.own_names:
        hint += f" The function has {listed(cause.own_names)}."
    # The value of an argument, the key of a dictionary, one side of a comparison.
    places = rf"[(,]\s*\w+\s*=\s*{name}\s*[,)]|[{{,]\s*{name}\s*:|==\s*{name}\b"
    if not known and re.search(places, f"({cause.line})"):
        hint += " A text needs quotes."
    return unknown + hint


def _local_name(match: re.Match, cause: Cause) -> str:
    place = cause.place_of(match[1])
    if place:
        return (
            f"`{match[1]}` is a name of your own here, because the function assigns it, "
            f"and it has no value yet in this line. Did you mean `{place}`?"
        )
    return (
        f"`{match[1]}` has no value yet in this line. Give it one on every way that "
        "leads here, before the line that uses it."
    )


# Methods of lists that return None.
_CHANGES_IN_PLACE = {"append", "extend", "insert", "reverse", "sort"}


def _attribute(match: re.Match, cause: Cause) -> str:
    kind, name = match[1], match[2]
    owner = getattr(cause.error, "obj", None)
    if kind == "NoneType" and name in _CHANGES_IN_PLACE:
        return (
            f"`{name}` changes a list and gives nothing back, so a line such as "
            f"`a = a.{name}(…)` loses the list. Write `a.{name}(…)` alone."
        )
    if kind == "NoneType":
        return (
            f"A value is `None`, so it has no `{name}`. Does a function before it end "
            "without `return`?"
        )
    if kind == "numpy.ndarray" and callable(getattr(np, name, None)):
        return f"An array has no `{name}`. NumPy has `np.{name}(…)`."
    whose = kind_in_words(kind)
    text = f"{whose[0].upper()}{whose[1:]} has no `{name}`."
    if f"self.{name}(" in cause.line and callable(cause.names.get(name)):
        return f"{text} It is a function of the notebook: write `{name}(…)` without `self.`"
    return f"{text}{_instead(owner, kind, name)}"


def _instead(owner: object, kind: str, name: str) -> str:
    """What to write in the place of an attribute that a value does not have."""
    if isinstance(owner, Mapping) and name in owner:
        return f' It has the key `"{name}"`: write `["{name}"]` in place of `.{name}`.'
    if name in ("len", "length") and hasattr(owner, "__len__"):
        return " Its length is `len(…)`."
    if kind == "KerasTensor" and name in ("bands", "channels", "filters"):
        return " The number of its bands is `.shape[-1]`."
    if name == "crops":
        return " Call `super().__init__(crops=…)` in `__init__`."
    close = nearest(name, [one for one in dir(owner) if one[0] != "_"])
    if close:
        return f" Did you mean `{close}`?"
    if isinstance(owner, list | tuple | float | int):
        return _of_plain(owner, name)
    if type(owner).__module__.startswith("tutorial_lib"):
        return f" It has {listed(one for one in dir(owner) if one[0] != '_')}."
    return " Is it called, with `()`?" if _is_function(kind) else ""


def _of_plain(owner: object, name: str) -> str:
    """What to write in the place of an attribute that one of Python's values lacks."""
    if isinstance(owner, bool):
        return (
            " A comparison of arrays gives an array, and this one gives one truth value. "
            "Is each function in it called, with `()`?"
        )
    if name in ("get", "items", "keys", "values"):
        return " Only a dictionary has it."
    if callable(getattr(np, name, None)):
        return f" NumPy has `np.{name}(…)`."
    if isinstance(owner, tuple):
        return (
            " Give names to its values, as in `one, other = …`, or write `[0]`, `[1]`."
        )
    return ""


def _module_attribute(match: re.Match, cause: Cause) -> str:
    module, name = match[1], match[2]
    owner = getattr(cause.error, "obj", None)
    close = nearest(name, dir(owner)) if owner is not None else ""
    # The natural logarithm, which NumPy calls `log`.
    close = "log" if (module, name) == ("numpy", "ln") else close
    close = close or cause.elsewhere(name)
    hint = f" Did you mean `{close}`?" if close else ""
    return f"`{module}` has no `{name}`.{hint}"


def _kit_attribute(match: re.Match, cause: Cause) -> str:
    close = nearest(match[1], match[2].split(", ")) or cause.elsewhere(match[1])
    hint = f"Did you mean `{close}`?" if close else "Is its name written correctly?"
    return f"The kit has no `{match[1]}`. {hint}"


def _key(match: re.Match, cause: Cause) -> str:
    key = match[1]
    keys = cause.keys(key)
    if not keys:
        return f"There is no key or column `{key}`. Is its name written correctly?"
    close = nearest(key, keys)
    hint = f" Did you mean `{close}`?" if close else f" There are: {listed(keys)}."
    return f"There is no key `{key}`.{hint}"


def _no_such_key(match: re.Match, cause: Cause) -> str:
    key = match[1] or match[2]
    names = cause.keys(key)
    if names:
        return f"{key} is not a key. The keys are names: {listed(names)}."
    return (
        f"The dictionary or table has no key {key}. `key in …` tells whether there is one, "
        "and `.get(key, other)` of a dictionary gives `other` if there is none."
    )


def _keyword(match: re.Match, cause: Cause) -> str:
    function, name = match[1], match[2]
    parameters = cause.parameters(function)
    close = nearest(name, parameters)
    short = function.removesuffix(".__init__").rpartition(".")[2]
    # Inside NumPy the method `mean` of an array is called `_mean`.
    if short.startswith("_") and hasattr(np.ndarray, short[1:]):
        short = short[1:]
    hint = f" Its arguments are {listed(parameters)}." if parameters else ""
    hint = f" Its only argument is `{parameters[0]}`." if len(parameters) == 1 else hint
    hint = f" Did you mean `{close}`?" if close else hint
    return f"{_called(short)} has no argument `{name}`.{hint}"


def _missing(match: re.Match, cause: Cause) -> str:
    names = [f"`{name}`" for name in re.findall(r"'(\w+)'", match[2])]
    is_one = len(names) == 1
    return (
        f"{_called(match[1])} also needs {and_joined(names)}: "
        f"{'an argument is' if is_one else f'{len(names)} arguments are'} missing in the "
        "call."
    )


def _called(function: str) -> str:
    """What a call calls, as the beginning of a sentence."""
    short = function.removesuffix(".__init__").rpartition(".")[2]
    return "The `lambda`" if short == "<lambda>" else f"`{short}`"


# Names of more arguments make a sentence too long.
_MOST_NAMED = 4


def _number_of_arguments(match: re.Match, cause: Cause) -> str:
    """Sentence on a call with more or fewer arguments by their place than there are."""
    # Python counts the object of a method too, which its call does not write.
    own = int(_is_method(match[1]))
    counts = (int(x) - own for x in (match[2] or match[3], match[3], match[4]))
    least, most, given = (max(count, 0) for count in counts)
    is_few = given < least
    names = cause.parameters_by_place(match[1])
    count = f"{least} to {most}" if least < most and not is_few else str(least)
    text = f"{_called(match[1])} {'needs' if is_few else 'takes'} "
    text += f"{'no' if count == '0' else count} argument{'s' * (count not in '01')}"
    if not is_few and 0 < len(names) == most <= _MOST_NAMED:
        text += f", {and_joined([f'`{name}`' for name in names])},"
    text += f" and the call gives {given or 'none'}."
    by_name = cause.parameters_by_name(match[1])
    if by_name and not is_few:
        return f"{text} Others need their name: {_with_names(by_name)}."
    # A parameter more than Python counts is the one that should be `self`.
    if own and given == most + 1 and (len(names) > most or not cause.line):
        text += (
            " Keep its line with `def` as the question gives it: `self` comes first."
        )
    return text


def _is_method(function: str) -> bool:
    owner = f"..{function.removesuffix('.__init__')}".split(".")[-2]
    return owner not in ("", "<locals>") or function.endswith(".__init__")


def _with_names(names: list[str]) -> str:
    shown = [f"`{name}=…`" for name in names[:_MOST_NAMED]]
    return ", ".join([*shown, "…"] if len(names) > _MOST_NAMED else shown)


# Functions of Python that NumPy has too: along an axis, and for each value.
_ALONG_AN_AXIS = {"all", "any", "max", "min", "sort", "sum"}
_OF_EACH_VALUE = {"abs", "pow", "round"}


def _keyword_of_python(match: re.Match, cause: Cause) -> str:
    *given, name = (one for one in match.groups() if one)
    what = f"argument `{given[0]}`" if given else "arguments with a name"
    numpy_name = cause.place_of(name) or f"np.{name}"
    # Inside Python, `sorted` calls `sort`.
    own = "sorted" if name == "sort" and "sorted(" in cause.line else name
    text = f"`{own}` of Python has no {what}."
    if name in _ALONG_AN_AXIS:
        return f"{text} NumPy's function is `{numpy_name}(…, axis=…)`."
    if name in _OF_EACH_VALUE:
        return (
            f"{text} `{numpy_name}` takes an array, and works on each of its values: it "
            "needs no `axis`."
        )
    return text if given else ""


def _other_count(match: re.Match, cause: Cause) -> str:
    """For functions that are not written in Python, which count in words of their own."""
    return f"{_called(match[1])} cannot be called in this way: it {match[2]}."


def _twice(match: re.Match, cause: Cause) -> str:
    short = match[1].removesuffix(".__init__").rpartition(".")[2]
    return (
        f"`{short}` gets its argument `{match[2]}` twice: by its place and by its name."
    )


def _operands(match: re.Match, cause: Cause) -> str:
    one, other = match[2], match[3]
    hint = ""
    if "tuple" in (one, other) or "list" in (one, other):
        hint = (
            " Take one value out of it, such as `size[0]`, or compute for each value."
        )
    elif "NoneType" in (one, other):
        hint = " Does a function before it end without `return`?"
    elif "str" in (one, other):
        hint = " A number is written without quotes."
    elif any(map(_is_function, (one, other))):
        hint = " Call the function, with `()`."
    kinds = f"{kind_in_words(one)} and {kind_in_words(other)}"
    return f"{_place_of(match[1], cause)} cannot work with {kinds}.{hint}"


def _place_of(operator: str, cause: Cause) -> str:
    """An operator, and where it is if the learner's line does not have it."""
    is_there = not cause.line or any(x in cause.line for x in operator.split(" or "))
    where = "" if is_there else "Inside the function that this line calls, "
    return f"{where}`{operator}`"


def _compared(match: re.Match, cause: Cause) -> str:
    hint = " A number is written without quotes." if "str" in match.groups() else ""
    one, other = kind_in_words(match[2]), kind_in_words(match[3])
    return f"{_place_of(match[1], cause)} cannot compare {one} with {other}.{hint}"


def _not_unpacked(match: re.Match, cause: Cause) -> str:
    if not re.search(r"\bfor\b", cause.line):
        return (
            "Several names on the left of `=` need several values on the right, and this is "
            f"{kind_in_words(match[1])}."
        )
    text = f"The loop gives one thing at a time, {kind_in_words(match[1])}, for several names."
    if any(isinstance(value, Mapping) for value in cause.used().values()):
        text += " A dictionary gives its keys; `….items()` gives keys and values."
    return text


def _not_iterable(match: re.Match, cause: Cause) -> str:
    text = f"Several values are needed here, and this is {kind_in_words(match[1])}."
    if match[1] == "int" and re.search(r"\bfor\b", cause.line):
        text += " To count up to it, write `for … in range(…)`."
    return text


def _no_length(match: re.Match, cause: Cause) -> str:
    kind = kind_in_words(match[1])
    if kind == kind_in_words("int"):
        return (
            "`len` counts the values of a list or an array, and this is one number "
            "already. Use it without `len`."
        )
    return f"`len` counts the values of a list or an array, and this is {kind}."


def _not_callable(match: re.Match, cause: Cause) -> str:
    for name, rest in re.findall(r"([\w.]+)\((?=(.?))", cause.line):
        value = cause.value_of(name)
        if value is None or callable(value):
            continue
        if rest == ")":
            return f"`{name}` is {kind_of(value)}, not a function: leave `()` out."
        if hasattr(value, "__getitem__"):
            return (
                f"`{name}` is {kind_of(value)}, not a function. `{name}[…]`, in square "
                "brackets, takes a value out of it."
            )
    return (
        f"`(…)` behind {kind_in_words(match[1])} calls it like a function. Is a `*` missing, or "
        "an operator, or were square brackets meant?"
    )


def _no_index(match: re.Match, cause: Cause) -> str:
    hint = " Call the function first, with `()`." if _is_function(match[1]) else ""
    names = re.findall(r"([\w.]+)\[", cause.line)
    called = next((one for one in names if callable(cause.value_of(one))), "")
    hint = (
        f" Functions are called with round brackets: `{called}(…)`." if called else hint
    )
    return f"`[…]` takes a value out of several, and this is {kind_in_words(match[1])}.{hint}"


def _no_assignment(match: re.Match, cause: Cause) -> str:
    hint = "Make an array first, of the shape that the result must have."
    if _is_function(match[1]):
        hint = "Call the function first, with `()`."
    if match[1] == "NoneType":
        hint = "Does the function that makes it give nothing back?"
    return (
        "`[…] = …` writes into a part of an array, a list or a dictionary, and this is "
        f"{kind_in_words(match[1])}. {hint}"
    )


def _no_number(match: re.Match, cause: Cause) -> str:
    hint = " Call it, with `()`." if _is_function(match[1]) else ""
    return f"A number is needed here, and this is {kind_in_words(match[1])}.{hint}"


def _text_of(message: str) -> str:
    """The text that a message ends with, also where NumPy names its own type of text."""
    return re.sub(r"^np\.str_\((.*)\)$", r"\1", message.rpartition(": ")[2])[:40]


def _no_file(match: re.Match, cause: Cause) -> str:
    # The line before may have the quotes: then the message has the text.
    quoted = re.findall(r"[\"'](\w+)[\"']", f"{cause.line} {cause.message}")
    name = next((one for one in quoted if one in cause.own_names), "")
    if name:
        return (
            f'There is no file "{name}". Write `{name}` without quotes to use its '
            "value."
        )
    return "The file was not found. Compare its name and folder with the cells above."


_TOO_LARGE = (
    "A number becomes infinite or too large here. Is something divided by a number close "
    "to zero?"
)
_WHOLE = (
    "A whole number is needed here, and this one has decimals. `//` divides into whole "
    "numbers, and `int(…)` makes one."
)

KNOWN: tuple[tuple[str, str, Sentence], ...] = (
    ("UnboundLocalError", r"variable '(\w+)'", _local_name),
    ("NameError", r"free variable '(\w+)'", _local_name),
    ("NameError", r"name '(\w+)' is not defined", _name),
    (
        "AttributeError",
        r"[Mm]odule '([\w.]+)' has no attribute '(\w+)'",
        _module_attribute,
    ),
    (
        "AttributeError",
        r"^tutorial_lib has no '(\w+)'\. It has: (.*)$",
        _kit_attribute,
    ),
    ("AttributeError", r"'([\w.]+)' object has no attribute '(\w+)'", _attribute),
    (
        "AttributeError",
        r"type object '([\w.]+)' has no attribute '(\w+)'",
        r"`\1` is a class, and has no `\2`. Is it called, as in `\1(…)`?",
    ),
    (
        "TypeError",
        r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'",
        _keyword,
    ),
    (
        "TypeError",
        r"([\w.<>]+)\(\) missing \d+ required [\w-]+ arguments?: (.*)",
        _missing,
    ),
    (
        "TypeError",
        r"([\w.<>]+)\(\) takes (?:from (\d+) to )?(\d+) positional arguments? but (\d+)",
        _number_of_arguments,
    ),
    (
        "TypeError",
        r"^'(\w+)' is an invalid keyword argument for (\w+)\(\)|"
        r"^(\w+)\(\) takes no keyword arguments",
        _keyword_of_python,
    ),
    (
        "TypeError",
        r"(\w+)(?:\(\))? ((?:takes|expected) (?:exactly|at most|at least|no) .*)$",
        _other_count,
    ),
    ("TypeError", r"([\w.<>]+)\(\) got multiple values for argument '(\w+)'", _twice),
    (
        "TypeError",
        r"unsupported operand type\(s\) for ([^:]+): '([\w.]+)' and '([\w.]+)'",
        _operands,
    ),
    (
        "TypeError",
        r"'([<>=!]+)' not supported between instances of '([\w.]+)' and '([\w.]+)'",
        _compared,
    ),
    (
        "TypeError",
        r"can only concatenate (\w+) \(not \"([\w.]+)\"\)",
        lambda match, cause: (
            f"`+` cannot join {kind_in_words(match[1])} and {kind_in_words(match[2])}. "
            + (
                "The length of a list is `len(…)`, and `[…]` takes one value out of it."
                if match[1] == "list"
                else "A number is written without quotes and without brackets."
            )
        ),
    ),
    (
        "TypeError",
        r"can't multiply sequence by non-int of type '([\w.]+)'",
        lambda match, cause: (
            "`*` cannot multiply a list, a tuple or text with "
            f"{kind_in_words(match[1])}. Take one value out of it, such as `size[0]`."
        ),
    ),
    ("TypeError", r"cannot unpack non-iterable ([\w.]+) object", _not_unpacked),
    ("TypeError", r"'([\w.]+)' object is not iterable", _not_iterable),
    ("TypeError", r"object of type '([\w.]+)' has no len", _no_length),
    ("TypeError", r"'([\w.]+)' object is not callable", _not_callable),
    ("TypeError", r"'([\w.]+)' object is not subscriptable", _no_index),
    (
        "TypeError",
        r"'([\w.]+)' object does not support item assignment",
        _no_assignment,
    ),
    (
        "TypeError",
        r"^(?:int|float)\(\) argument must be .* not '([\w.]+)'",
        _no_number,
    ),
    (
        "TypeError",
        r"must be real number, not ([\w.]+)",
        _no_number,
    ),
    (
        "TypeError",
        r"unhashable type: '([\w.]+)'",
        lambda match, cause: (
            "The key of a dictionary, or a value of a set, must be one name or number, and "
            f"this is {kind_in_words(match[1])}."
        ),
    ),
    (
        "TypeError",
        r"(?:argument|Value) after \*\*? must be an? \w+, not ([\w.]+)|"
        r"'([\w.]+)' object is not a mapping",
        lambda match, cause: (
            "`*` and `**` hand over several arguments or values, and this is "
            f"{kind_in_words(match[1] or match[2])}."
        ),
    ),
    ("TypeError", r"'float' object cannot be interpreted as an integer", _WHOLE),
    (
        "TypeError",
        r"'list' object cannot be interpreted as an integer",
        "A whole number is needed here, and this is a list. Several axes or sizes are "
        "written in round brackets, as in `axis=(0, 1)`.",
    ),
    (
        "TypeError",
        r"'tuple' object cannot be interpreted as an integer",
        "A whole number is needed here, and this is a tuple of several values. Take one "
        "of them, as in `shape[0]`.",
    ),
    (
        "TypeError",
        r"'([\w.]+)' object cannot be interpreted as an integer",
        lambda match, cause: (
            f"A whole number is needed here, and this is {kind_in_words(match[1])}."
        ),
    ),
    (
        "TypeError",
        r"(?:list|tuple) indices must be integers or slices, not float",
        _WHOLE,
    ),
    (
        "TypeError",
        r"(list|tuple) indices must be integers or slices, not tuple",
        r"A \1 has one index. Write `values[0][1]`, or make an array of it first.",
    ),
    (
        "TypeError",
        r"(list|tuple) indices must be integers or slices, not str",
        r"A \1 is indexed by a number, and this index is text. Only a dictionary has "
        "names.",
    ),
    ("TypeError", r"slice indices must be integers", _WHOLE),
    (
        "ValueError",
        r"must be at least rank 1",
        "This function of Keras needs arrays, with one value for each sample, and gets "
        "a single number.",
    ),
    (
        "IndexError",
        r"band index (\d+) out of range \(not in (.*)\)",
        r"The raster has no band \1. Its bands are \2, counted from 1.",
    ),
    (
        "IndexError",
        r"(list|tuple|range)(?: object)? index out of range",
        r"The \1 is shorter than this index. The last value of `n` has the index `n - 1`, "
        "or `-1`.",
    ),
    (
        "IndexError",
        r"positional indexer is out-of-bounds",
        "The table has no row of this number. Rows are counted from 0.",
    ),
    (
        "IndexError",
        r"string index out of range",
        "The text is shorter than this index.",
    ),
    ("KeyError", r"^'([^']+)'$", _key),
    (
        "KeyError",
        r"^(?:np\.\w+\()?(-?\d[\d.]*)\)?$|^(\(.*\))$",
        _no_such_key,
    ),
    ("ZeroDivisionError", r"", "Your code divides by zero."),
    (
        "OverflowError",
        r"infinity|too large|out of range",
        lambda match, cause: (
            "This number becomes too large. `**` is a power, and `*` multiplies."
            if "**" in cause.line
            else _TOO_LARGE
        ),
    ),
    (
        "ValueError",
        r"too many values to unpack \(expected (\d+)",
        r"There are more values on the right than the \1 names on the left of `=`.",
    ),
    (
        "ValueError",
        r"not enough values to unpack \(expected (\d+), got (\d+)",
        r"There are \1 names on the left of `=`, and \2 values on the right.",
    ),
    (
        "TypeError",
        r"bad operand type for unary (\S+): '([\w.]+)'",
        lambda match, cause: (
            f"`{match[1]}` in front of {kind_in_words(match[2])} has no meaning."
        ),
    ),
    (
        "ValueError",
        r"invalid literal for int\(\)|could not convert string to float",
        lambda match, cause: (
            f"This text cannot be made a number: {_text_of(cause.message)}."
        ),
    ),
    (
        "ValueError",
        r"math domain error|expected a nonnegative input",
        "This number has no such root or logarithm: it is negative or zero.",
    ),
    (
        "ModuleNotFoundError",
        r"No module named '([\w.]+)'",
        r"There is no module `\1`. Is its name written correctly? The first cells of the "
        "notebook import all that is needed.",
    ),
    (
        "TypeError",
        r"descriptor '(\w+)' (?:of 'super' object needs|requires a 'super' object)",
        r"`super` must be called, too: `super().\1(…)`.",
    ),
    (
        "ImportError",
        r"cannot import name '(\w+)' from '([\w.]+)'",
        r"`\2` has no `\1`. Is its name written correctly?",
    ),
    (
        "TypeError",
        r"expected str, bytes or os\.PathLike object, not ([\w.]+)",
        lambda match, cause: (
            f"The path of a file is needed here, and this is {kind_in_words(match[1])}. "
            "Are the arguments in the right order?"
        ),
    ),
    (
        "StopIteration",
        r"",
        "`next(…)` has nothing left to give: none of the values fits.",
    ),
    (
        "ValueError",
        r"slice step cannot be zero|arg 3 must not be zero",
        "The step is 0, so it never reaches the end. Use another step.",
    ),
    (
        "ValueError",
        r"negative shift count",
        "`<<` and `>>` shift by 0 or more places, and this number is negative.",
    ),
    ("FileNotFoundError", r"", _no_file),
    (
        "RasterioIOError",
        r"(\S+): No such file or directory",
        r"There is no file `\1`. Compare its name and folder with the cells before.",
    ),
    (
        "RecursionError",
        r"",
        "The function calls itself again and again. Is another name meant?",
    ),
)
