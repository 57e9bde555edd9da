# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of NumPy, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import re
from collections.abc import Callable

import numpy as np

from tutorial_lib.exercises.causes import Cause, nearest
from tutorial_lib.kinds import kind_in_words, kind_of

__all__ = ["KNOWN"]

Sentence = str | Callable[[re.Match, Cause], str]

_NUMBER_TYPES = (
    *("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"),
    *("float32", "float64"),
)


_NEED_BRACKETS = (
    "`&` and `|` come before `==`, `<` and the like. Put each comparison in brackets: "
    "`(a < 1) & (b > 2)`."
)


def _array_as_index(match: re.Match, cause: Cause) -> str:
    for name in re.findall(r"(\w+)\[", cause.line):
        value = cause.names.get(name)
        if isinstance(value, list | tuple | str):
            return (
                f"`{name}` is {kind_of(value)}, so an array cannot choose values of "
                "it. Make an array of it first."
            )
    return (
        "One whole number, such as an axis or a count, is needed here, and this is an "
        "array. Take one value out of it with `[…]`, or leave it out."
    )


def _shapes(match: re.Match, cause: Cause) -> str:
    shapes = re.findall(r"\([\d, ]*\)", cause.message)
    return f"Arrays of different shapes cannot be combined: {' and '.join(shapes)}."


def _wrong_types(match: re.Match, cause: Cause) -> str:
    if (match[1] or "").startswith("bitwise"):
        return _NEED_BRACKETS
    what = f"`{match[1]}`" if match[1] else "This function"
    is_text = re.search(r"<U\d|StrDType", cause.message) or re.search(
        "['\"]", cause.line
    )
    hint = " A number is written without quotes." if is_text else ""
    return f"{what} cannot compute with values of these types.{hint}"


def _number_type(match: re.Match, cause: Cause) -> str:
    close = nearest(match[1], _NUMBER_TYPES)
    hint = (
        f"Did you mean `{close}`?" if close else "Usual ones are `uint8` and `float32`."
    )
    return f"There is no type of numbers `{match[1]}`. {hint}"


def _too_large(match: re.Match, cause: Cause) -> str:
    limits = np.iinfo(match[2])
    return (
        f"{match[1]} does not fit into the type `{match[2]}`, which holds whole numbers "
        f"from {limits.min} to {limits.max}. Use another number, or another type."
    )


def _assigned(match: re.Match, cause: Cause) -> str:
    return (
        f"The index chooses {match[2]} of the values, and to the right of `=` there are "
        f"{match[1]}. Give one value for all of them, or one for each."
    )


def _truth(match: re.Match, cause: Cause) -> str:
    compares = re.search(r"(?<![\w.])(max|min|sorted|any|all)\(", cause.line)
    if compares and not re.search(r"\b(?:if|while|and|or|not)\b", cause.line):
        name = compares[1]
        two = {"max": ", or `np.maximum` for two arrays"}
        two["min"] = two["max"].replace("maximum", "minimum")
        return (
            f"`{name}` of Python compares single numbers, and these are arrays. Use "
            f"`np.{name.replace('sorted', 'sort')}`{two.get(name, '')}."
        )
    return _of_many(cause.line) or (
        "`if`, `while`, `and`, `or` and `not` need one yes or no, and this has many "
        "values. Use `.any()` or `.all()`, or `&` and `|` for each value."
    )


def _of_many(line: str) -> str:
    """Sentence on a question about one value that is asked of many; may be empty."""
    if re.search(r"\bin\b", line) and not re.search(r"\b(?:for|and|or|if)\b", line):
        return (
            "`in` looks for one value, and these are many. `np.isin(values, (…))` answers "
            "for each of them, and `~` in front of it turns the answers around."
        )
    if re.search(r"\bnot\b", line) and not re.search(r"\b(?:and|or|if)\b", line):
        return "`not` turns one yes or no around, and these are many. Write `~`."
    if re.search(r"[&|]", line) and not re.search(r"\b(?:and|or|if|not)\b", line):
        return _NEED_BRACKETS
    if re.search(r"<=?[^<>=]+<|>=?[^<>=]+>", line):
        return "Two comparisons of arrays are joined by `&`: `(1 < a) & (a < 2)`."
    return ""


def _no_place(match: re.Match, cause: Cause) -> str:
    """Sentence on an index that is text, a number with decimals, or another thing."""
    text = re.search(r"\[\s*['\"](\w+)['\"]", cause.line)
    if text:
        own = text[1] in cause.own_names
        hint = f" The value of `{text[1]}` is written without quotes." if own else ""
        return f'An array is indexed by numbers, and `"{text[1]}"` is text.{hint}'
    for name in re.findall(r"\[\s*(\w+)\s*\]", cause.line):
        value = cause.names.get(name)
        if isinstance(value, float):
            return (
                f"`{name}` is {value:g}, a number with decimals, and an index is a whole "
                "number. A loop over an array gives its values: `range(len(…))` counts "
                "its places."
            )
    return _NO_INDEX


_NO_INDEX = (
    "An index is a whole number or a part `first:last`, and this is neither. If it has "
    "decimals, `//` divides into whole numbers, and `int(…)` makes one."
)

KNOWN: tuple[tuple[str, str, Sentence], ...] = (
    ("TypeError", r"only integer scalar arrays can be converted", _array_as_index),
    (
        "IndexError",
        r"boolean index did not match indexed array along axis (\d+); size of axis is "
        r"(\d+) but size of corresponding boolean axis is (\d+)",
        r"The condition in `[…]` has \3 values along axis \1, and the array that it is to "
        r"choose from has \2. Both need the same shape.",
    ),
    (
        "ValueError",
        r"boolean array indexing assignment cannot assign (\d+) input values to the (\d+)",
        _assigned,
    ),
    (
        "ValueError",
        r"could not broadcast input array from shape (\(.*?\)) into shape (\(.*?\))",
        r"An array of the shape \1 cannot be written into a part of the shape \2. Give "
        "one number, or an array of this shape.",
    ),
    (
        "ValueError",
        r"object too deep for desired array",
        "This function of NumPy works on arrays with one axis, and gets one with more "
        "axes. Is there another function, or an operator, for it?",
    ),
    (
        "ValueError",
        r"setting an array element with a sequence\.$",
        "One place of an array holds one number, and several are written into it. Take "
        "one value out of them with `[…]`.",
    ),
    ("TypeError", r"data type '(.*)' not understood", _number_type),
    ("OverflowError", r"Python integer (-?\d+) out of bounds for (\w+)", _too_large),
    (
        "MemoryError",
        r"Unable to allocate (.*?) for an array with shape (\(.*?\))",
        r"An array of the shape \2 needs \1 of memory, which is not there. Is it the shape "
        "that you meant?",
    ),
    (
        "ValueError",
        r"negative dimensions are not allowed",
        "The number of values, or the shape, is negative. Use 0 or more.",
    ),
    (
        "TypeError",
        r"expected a sequence of integers or a single integer, got '([^']{1,40})",
        r"A shape or a number of values is one whole number, or several in brackets. This "
        r"is `\1`.",
    ),
    (
        "TypeError",
        r"ufunc '(\w+)' (?:did not contain a loop|not supported for the input types)|"
        r"resolved dtypes are not compatible",
        _wrong_types,
    ),
    (
        "TypeError",
        r"loop of ufunc does not support argument \d+ of type ([\w.]+)",
        lambda match, cause: (
            "A number or an array of numbers is needed here, and this is "
            f"{kind_in_words(match[1])}."
        ),
    ),
    (
        "TypeError",
        r"numpy boolean (?:negative|subtract)",
        "`-` does not work with `True` and `False`. `~` turns them around.",
    ),
    (
        "TypeError",
        r"Cannot cast array data from dtype\('(\w+)'\) to dtype\('(\w+)'\)",
        r"Values of the type `\1` cannot be written into an array of the type `\2` without "
        "a loss. `values.astype(…)` changes the type.",
    ),
    (
        "ValueError",
        r"either both or neither of x and y",
        "`np.where` needs a condition alone, or three things: the condition, the values "
        "where it holds, and the values elsewhere.",
    ),
    (
        "ValueError",
        r"list of cases must be same length as list of conditions",
        "`np.select` needs two lists of one length: conditions, and a value for each.",
    ),
    (
        "TypeError",
        r"first input argument needs to be a sequence",
        "The arrays to be joined stand in one list, in square brackets: `[a, b]`.",
    ),
    (
        "ValueError",
        r"zero-dimensional arrays cannot be concatenated",
        "Arrays are joined here, and these are single numbers. A list of numbers becomes "
        "an array with `np.array(…)`.",
    ),
    (
        "ValueError",
        r"need at least one array to (?:concatenate|stack)",
        "The list of arrays to be joined is empty. Which line should fill it?",
    ),
    (
        "IndexError",
        r"invalid index to scalar variable",
        "There is one index too many: this is a single number already.",
    ),
    (
        "IndexError",
        r"indexing arrays could not be broadcast together",
        "The two lists of indices have different lengths. A rectangle is chosen by two "
        "parts, `first:last`.",
    ),
    (
        "ValueError",
        r"shapes (\(.*?\)) and (\(.*?\)) not aligned",
        r"Arrays of the shapes \1 and \2 cannot be multiplied as matrices. Was `*` meant?",
    ),
    (
        "ValueError",
        r"axes don't match array",
        "The axes in the call are not those of the array. Name each of its axes once.",
    ),
    (
        "TypeError",
        r"doesn't define __round__",
        "`round` rounds one number, and this is an array. `np.round` rounds each value.",
    ),
    (
        "TypeError",
        r"integer argument expected, got float|Axis must be specified when shapes",
        "A value stands in the place of another argument of this function. Write the name "
        "before it, as in `weights=…` or `axis=…`.",
    ),
    (
        "ValueError",
        r"larger sample than population",
        "With `replace=False` no value comes twice, so not more values can be drawn than "
        "there are.",
    ),
    (
        "ValueError",
        r"a cannot be empty|a must be a positive integer|a must be a sequence",
        "There is nothing to draw from: the first argument of `choice` is empty or not a "
        "list of values.",
    ),
    (
        "ValueError",
        r"a and p must have same size|Probabilities (?:do not sum|are not)",
        "`p` needs a probability for each value, and their sum must be 1. Without `p`, all "
        "values are drawn alike.",
    ),
    (
        "ValueError",
        r"^(?:low >= high|high <= 0|high - low < 0|high - low range)",
        "The upper end of the random numbers must be larger than the lower one.",
    ),
    (
        "IndexError",
        r"arrays used as indices must be of integer",
        "The index must be a whole number, and this is an array of numbers with decimals.",
    ),
    (
        "TypeError",
        r"Cannot interpret '(.+)' as a data type",
        r"`\1` stands in the place of a type of numbers. Several axes or sizes are "
        "written as one pair in brackets, as in `axis=(0, 1)`.",
    ),
    ("IndexError", r"only integers, slices", _no_place),
    (
        "ValueError",
        r"nonzero on 0d arrays",
        "`np.where` and `np.nonzero` need an array, and this is one value. A list that is "
        "compared with a number gives one value: make an array of it first, `np.array(…)`.",
    ),
    (
        "TypeError",
        r"only (?:0-dimensional|length-1|size-1) arrays can be converted",
        "One number is needed here, and this is an array. Take one value out of it with "
        "`[…]`. Functions of `math` take single numbers; those of NumPy take arrays too.",
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
        "ValueError",
        r"operands could not be broadcast together with",
        _shapes,
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
        "ValueError",
        r"all input arrays must have the same shape",
        "Arrays of different shapes cannot be stacked.",
    ),
    (
        "ValueError",
        r"truth value of an? (?:array|Series|DataFrame)",
        _truth,
    ),
    (
        "ValueError",
        r"matmul: .*\(size (\d+) is different from (\d+)\)",
        r"`@` multiplies matrices, and these do not fit: \2 columns and \1 rows. Was `*` "
        "meant?",
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
)
