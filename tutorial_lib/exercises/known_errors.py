# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of Python, NumPy, pandas and rasterio, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import re
from collections.abc import Callable

import numpy as np

from tutorial_lib.exercises.causes import Cause, listed, nearest

__all__ = ["KNOWN"]

Sentence = str | Callable[[re.Match, Cause], str]

_KINDS = {
    "NoneType": "nothing (`None`)",
    "str": "text",
    "list": "a list",
    "tuple": "a tuple of several values",
    "dict": "a dictionary",
    "function": "a function",
    "method": "a function",
    "builtin_function_or_method": "a function",
    "type": "a class",
    "int": "a number",
    "float": "a number with decimals",
    "ellipsis": "the blank `...`",
    "KerasTensor": "an image of the network",
}

# Modules of Python that learners use without importing them. Others, such as `array` and
# `statistics`, have names that learners give to values.
_MODULES = {"functools", "itertools", "math", "os", "random", "time"}


def _kind(name: str) -> str:
    return _KINDS.get(name.rpartition(".")[2], f"a value of the type `{name}`")


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
    if not known and re.search(rf"[(,]\s*\w+\s*=\s*{name}\s*[,)]", f"({cause.line})"):
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
    # Numbers and functions have attributes that learners seldom mean.
    others = [] if kind in (*_KINDS, "NoneType") else dir(owner)
    close = nearest(name, others)
    hint = f" Did you mean `{close}`?" if close else ""
    if not hint and kind in ("function", "method", "builtin_function_or_method"):
        hint = " Is it called, with `()`?"
    whose = _kind(kind)
    return f"{whose[0].upper()}{whose[1:]} has no `{name}`.{hint}"


def _module_attribute(match: re.Match, cause: Cause) -> str:
    module, name = match[1], match[2]
    owner = getattr(cause.error, "obj", None)
    close = nearest(name, dir(owner)) if owner is not None else ""
    # The natural logarithm, which NumPy calls `log`.
    close = "log" if (module, name) == ("numpy", "ln") else close
    hint = f" Did you mean `{close}`?" if close else ""
    return f"`{module}` has no `{name}`.{hint}"


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
    hint = f" Its arguments are {listed(parameters)}." if parameters else ""
    hint = f" Did you mean `{close}`?" if close else hint
    return f"`{short}` has no argument `{name}`.{hint}"


def _missing(match: re.Match, cause: Cause) -> str:
    short = match[1].removesuffix(".__init__").rpartition(".")[2]
    names = re.findall(r"'(\w+)'", match[2])
    return f"`{short}` also needs {listed(names)}: an argument is missing in the call."


def _too_many(match: re.Match, cause: Cause) -> str:
    short = match[1].removesuffix(".__init__").rpartition(".")[2]
    names = [one for one in cause.parameters(match[1]) if one != "self"]
    hint = f" They are {listed(names)}." if names else ""
    return (
        f"`{short}` takes fewer arguments than the call has (it takes {match[2]}, and "
        f"{match[3]} were given).{hint}"
    )


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
    elif any("function" in kind or "method" in kind for kind in (one, other)):
        hint = " Call the function, with `()`."
    return f"`{match[1]}` cannot work with {_kind(one)} and {_kind(other)}.{hint}"


def _compared(match: re.Match, cause: Cause) -> str:
    hint = " A number is written without quotes." if "str" in match.groups() else ""
    one, other = _kind(match[2]), _kind(match[3])
    return f"`{match[1]}` cannot compare {one} with {other}.{hint}"


def _not_iterable(match: re.Match, cause: Cause) -> str:
    return f"Several values are needed here, and this is {_kind(match[1])}."


def _not_callable(match: re.Match, cause: Cause) -> str:
    return (
        f"`(…)` behind {_kind(match[1])} calls it like a function. Is a `*` missing, or "
        "an operator, or were square brackets meant?"
    )


def _no_index(match: re.Match, cause: Cause) -> str:
    hint = " Call the function first, with `()`." if "function" in match[1] else ""
    return f"`[…]` takes a value out of several, and this is {_kind(match[1])}.{hint}"


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
        r"module '([\w.]+)' has no attribute '(\w+)'",
        _module_attribute,
    ),
    ("AttributeError", r"'([\w.]+)' object has no attribute '(\w+)'", _attribute),
    (
        "AttributeError",
        r"type object '(\w+)' has no attribute '(\w+)'",
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
        r"([\w.<>]+)\(\) takes (?:from \d+ to )?(\d+) positional arguments? but (\d+)",
        _too_many,
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
            f"`+` cannot join {_kind(match[1])} and {_kind(match[2])}. "
            "A number is written without quotes and without brackets."
        ),
    ),
    (
        "TypeError",
        r"can't multiply sequence by non-int of type '([\w.]+)'",
        lambda match, cause: (
            "`*` cannot multiply a list, a tuple or text with "
            f"{_kind(match[1])}. Take one value out of it, such as `size[0]`."
        ),
    ),
    ("TypeError", r"cannot unpack non-iterable ([\w.]+) object", _not_iterable),
    ("TypeError", r"'([\w.]+)' object is not iterable", _not_iterable),
    ("TypeError", r"object of type '([\w.]+)' has no len", _not_iterable),
    ("TypeError", r"'([\w.]+)' object is not callable", _not_callable),
    ("TypeError", r"'([\w.]+)' object is not subscriptable", _no_index),
    (
        "TypeError",
        r"unhashable type: '([\w.]+)'",
        lambda match, cause: (
            "The key of a dictionary must be one name or number, and "
            f"this is {_kind(match[1])}."
        ),
    ),
    (
        "TypeError",
        r"argument after \*\*? must be an? (\w+), not (\w+)",
        lambda match, cause: (
            f"`*` and `**` hand over several arguments, and this is {_kind(match[2])}."
        ),
    ),
    (
        "IndexError",
        r"arrays used as indices must be of integer",
        "The index must be a whole number, and this is an array of numbers with decimals.",
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
        r"Cannot interpret '(\S+)' as a data type",
        r"`\1` stands in the place of a type of numbers. Several axes or sizes are "
        "written as one pair in brackets, as in `axis=(0, 1)`.",
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
        "IndexError",
        r"only integers, slices",
        "An index is a whole number or a part `first:last`, and this is neither. If it "
        "has decimals, `//` divides into whole numbers, and `int(…)` makes one.",
    ),
    (
        "TypeError",
        r"only (?:0-dimensional|length-1|size-1) arrays can be converted",
        "One number is needed here, and this is an array. Take one value out of it with "
        "`[…]`. Functions of `math` take single numbers; those of NumPy take arrays too.",
    ),
    (
        "ValueError",
        r"must be at least rank 1",
        "This function of Keras needs arrays, with one value for each sample, and gets "
        "a single number.",
    ),
    (
        "TypeError",
        r"return arrays must be of ArrayType",
        "This function of NumPy gets an argument too many. It takes the last one as the "
        "array for its results.",
    ),
    (
        "IndexError",
        r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)",
        r"There is no value \1: axis \2 of the array has \3 values, counted from 0.",
    ),
    (
        "IndexError",
        r"too many indices for array: array is (\d+)-dimensional, but (\d+)",
        r"The array has \1 axes, and the index has \2 numbers.",
    ),
    (
        "IndexError",
        r"band index (\d+) out of range \(not in (.*)\)",
        r"The raster has no band \1. Its bands are \2, counted from 1.",
    ),
    (
        "IndexError",
        r"(list|tuple) index out of range",
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
    ("ZeroDivisionError", r"", "Your code divides by zero."),
    (
        "OverflowError",
        r"infinity|too large",
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
        "ValueError",
        r"operands could not be broadcast together with shapes ((?:\(.*?\) ?)+)",
        lambda match, cause: (
            "Arrays of different shapes cannot be combined: "
            f"{' and '.join(match[1].split())}."
        ),
    ),
    (
        "ValueError",
        r"dimensions except for the concatenation axis must match exactly, but along "
        r"dimension (\d+), the array at index \d+ has size (\d+) and .* has size (\d+)",
        r"The arrays cannot be joined along this axis: along axis \1 one has \2 values and "
        r"another \3. Is it the right `axis`?",
    ),
    (
        "ValueError",
        r"cannot reshape array of size (\d+) into shape (\(.*\))",
        r"An array of \1 values does not fit into the shape \2: the product of the shape "
        "must be the number of values.",
    ),
    (
        "AxisError",
        r"axis (-?\d+) is out of bounds for array of dimension (\d+)",
        r"The array has no axis \1: it has \2, counted from 0.",
    ),
    (
        "ValueError",
        r"duplicate value in 'axis'",
        "The same axis stands twice in `axis`. The axes are counted from 0.",
    ),
    (
        "TypeError",
        r"bad operand type for unary (\S+): '([\w.]+)'",
        lambda match, cause: (
            f"`{match[1]}` in front of {_kind(match[2])} has no meaning."
        ),
    ),
    (
        "ValueError",
        r"all input arrays must have the same shape",
        "Arrays of different shapes cannot be stacked.",
    ),
    (
        "ValueError",
        r"truth value of an? (?:array|Series|DataFrame)",
        "`if`, `while`, `and`, `or` and `not` need one yes or no, and this has many "
        "values. Use `.any()` or `.all()`, or `&` and `|` for each value.",
    ),
    (
        "ValueError",
        r"matmul: .*\(size (\d+) is different from (\d+)\)",
        r"`@` multiplies matrices, and these do not fit: \2 columns and \1 rows. Was `*` "
        "meant?",
    ),
    (
        "ValueError",
        r"invalid literal for int\(\)|could not convert string to float",
        lambda match, cause: (
            f"This text cannot be made a number: {cause.message.rpartition(': ')[2][:40]}."
        ),
    ),
    (
        "UFuncTypeError",
        r"Cannot cast ufunc '(\w+)' output from dtype\('(\w+)'\) to dtype\('(\w+)'\)",
        r"The array holds whole numbers (\3), and the result has decimals: it cannot be "
        "written into the same array. Write `a = a / b` in place of `a /= b`.",
    ),
    (
        "ValueError",
        r"(?:attempt to get arg\w+ of|arg is|zero-size array|iterable argument is) ?(?:an )?"
        r"(?:empty|to reduction)",
        "The list or array is empty here, so it has no smallest or largest value.",
    ),
    (
        "ValueError",
        r"inhomogeneous shape|All arrays must be of the same length",
        "The rows have different lengths, so they are not an array or a table.",
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
