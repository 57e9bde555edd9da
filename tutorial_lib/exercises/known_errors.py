# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of Python, pandas and rasterio, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import re
from collections.abc import Callable

import numpy as np

from tutorial_lib.exercises.causes import (
    Cause,
    is_plain,
    kind_in_words,
    listed,
    nearest,
)

__all__ = ["KNOWN"]

Sentence = str | Callable[[re.Match, Cause], str]

# Modules of Python that learners use without importing them. Others, such as `array` and
# `statistics`, have names that learners give to values.
_MODULES = {"functools", "itertools", "math", "os", "random", "time"}


def _is_function(kind: str) -> bool:
    return kind_in_words(kind) == "a function"


def _name(match: re.Match, cause: Cause) -> str:
    name = match[1]
    unknown = f"The name `{name}` is not known here."
    generator = cause.name_of(np.random.Generator)
    if name == "random" and generator:
        return f"{unknown} Random numbers come from `{generator}`, as in `{generator}.uniform(…)`."
    if name in _MODULES:
        return f"{unknown} Write `import {name}` first."
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


def _attribute(match: re.Match, cause: Cause) -> str:
    kind, name = match[1], match[2]
    owner = getattr(cause.error, "obj", None)
    if kind == "NoneType":
        return (
            f"A value is `None`, so it has no `{name}`. Does a function before it end "
            "without `return`?"
        )
    if kind == "numpy.ndarray" and callable(getattr(np, name, None)):
        return f"An array has no `{name}`. NumPy has `np.{name}(…)`."
    # Numbers and functions have attributes that learners seldom mean.
    others = [] if is_plain(kind) else [n for n in dir(owner) if n[0] != "_"]
    close = nearest(name, others)
    hint = f" Did you mean `{close}`?" if close else ""
    if not hint and _is_function(kind):
        hint = " Is it called, with `()`?"
    whose = kind_in_words(kind)
    return f"{whose[0].upper()}{whose[1:]} has no `{name}`.{hint}"


def _module_attribute(match: re.Match, cause: Cause) -> str:
    module, name = match[1], match[2]
    owner = getattr(cause.error, "obj", None)
    close = nearest(name, dir(owner)) if owner is not None else ""
    # The natural logarithm, which NumPy calls `log`.
    close = "log" if (module, name) == ("numpy", "ln") else close
    hint = f" Did you mean `{close}`?" if close else ""
    return f"`{module}` has no `{name}`.{hint}"


def _kit_attribute(match: re.Match, cause: Cause) -> str:
    close = nearest(match[1], match[2].split(", "))
    return f"The kit has no `{match[1]}`. Did you mean `{close}`?" if close else ""


def _key(match: re.Match, cause: Cause) -> str:
    key = match[1]
    keys = cause.keys(key)
    if not keys:
        return f"There is no key or column `{key}`. Is its name written correctly?"
    close = nearest(key, keys)
    hint = f" Did you mean `{close}`?" if close else f" There are: {listed(keys)}."
    return f"There is no key `{key}`.{hint}"


def _keyword(match: re.Match, cause: Cause) -> str:
    function, name = match[1], match[2]
    parameters = cause.parameters(function)
    close = nearest(name, parameters)
    short = function.removesuffix(".__init__").rpartition(".")[2]
    # Inside NumPy the method `mean` of an array is called `_mean`.
    if short.startswith("_") and hasattr(np.ndarray, short[1:]):
        short = short[1:]
    hint = f" Its arguments are {listed(parameters)}." if parameters else ""
    hint = f" Did you mean `{close}`?" if close else hint
    return f"{_called(short)} has no argument `{name}`.{hint}"


def _missing(match: re.Match, cause: Cause) -> str:
    names = re.findall(r"'(\w+)'", match[2])
    return (
        f"{_called(match[1])} also needs {listed(names)}: an argument is missing in the "
        "call."
    )


def _called(function: str) -> str:
    """What a call calls, as the beginning of a sentence."""
    short = function.removesuffix(".__init__").rpartition(".")[2]
    return "The `lambda`" if short == "<lambda>" else f"`{short}`"


def _too_many(match: re.Match, cause: Cause) -> str:
    least, most, given = match[2] or match[3], match[3], match[4]
    names = [one for one in cause.parameters(match[1]) if one != "self"]
    hint = f" They are {listed(names)}." if names else ""
    if int(given) < int(least):
        return (
            f"{_called(match[1])} needs more arguments than the call has (it needs "
            f"{least}, and {given} {'was' if given == '1' else 'were'} given).{hint}"
        )
    return (
        f"{_called(match[1])} takes fewer arguments than the call has (it takes {most}, "
        f"and {given} were given).{hint}"
    )


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


def _not_iterable(match: re.Match, cause: Cause) -> str:
    return f"Several values are needed here, and this is {kind_in_words(match[1])}."


def _not_callable(match: re.Match, cause: Cause) -> str:
    return (
        f"`(…)` behind {kind_in_words(match[1])} calls it like a function. Is a `*` missing, or "
        "an operator, or were square brackets meant?"
    )


def _no_index(match: re.Match, cause: Cause) -> str:
    hint = " Call the function first, with `()`." if _is_function(match[1]) else ""
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
        _too_many,
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
            "A number is written without quotes and without brackets."
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
    ("TypeError", r"cannot unpack non-iterable ([\w.]+) object", _not_iterable),
    ("TypeError", r"'([\w.]+)' object is not iterable", _not_iterable),
    ("TypeError", r"object of type '([\w.]+)' has no len", _not_iterable),
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
        lambda match, cause: (
            f"The dictionary or table has no key {match[1] or match[2]}. `key in …` tells "
            "whether there is one, and `.get(key, other)` of a dictionary gives `other` if "
            "there is none."
        ),
    ),
    ("ZeroDivisionError", r"", "Your code divides by zero."),
    (
        "OverflowError",
        r"infinity|too large|out of range",
        "A number becomes infinite or too large here. Is something divided by a number "
        "close to zero?",
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
    (
        "FileNotFoundError",
        r"",
        "There is no such file. Compare its name and folder with the cells before.",
    ),
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
