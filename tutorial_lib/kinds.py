"""Values and their types in the words of messages.

The name of a type, such as `PosixPath`, often says nothing to somebody who learns
Python, and may depend on the system.
"""

import re
from typing import Any

import numpy as np

__all__ = ["kind_in_words", "kind_of", "shown", "type_name"]

_KINDS = {
    **dict.fromkeys(("builtin_function_or_method", "function", "method"), "a function"),
    **dict.fromkeys(("method_descriptor", "method-wrapper", "partial"), "a function"),
    **dict.fromkeys(("ufunc", "_ArrayFunctionDispatcher"), "a function"),
    **dict.fromkeys(("dict_items", "dict_keys", "dict_values"), "part of a dictionary"),
    **dict.fromkeys(("enumerate", "filter", "map", "reversed", "zip"), "an iterator"),
    **dict.fromkeys(("_iLocIndexer", "_LocIndexer"), "`iloc` or `loc` without `[…]`"),
    **dict.fromkeys(("EagerTensor", "SymbolicTensor", "Tensor"), "a tensor"),
    "Callback": "a callback",
    "DataFrame": "a table",
    "DatasetV2": "a dataset",
    "Generator": "a source of random numbers",
    "Index": "an index of a table",
    "KerasTensor": "an image of the network",
    "Layer": "a layer",
    "Loss": "a loss",
    "Model": "a network",
    "NoneType": "nothing (`None`)",
    "Optimizer": "an optimizer",
    "PurePath": "a path",
    "Series": "a column or row of a table",
    "TextIOWrapper": "an open file",
    "bool": "a truth value",
    "bytes": "bytes",
    "complex": "a complex number",
    "dict": "a dictionary",
    "ellipsis": "the blank `...`",
    "float": "a number with decimals",
    "generator": "a generator, `(… for … in …)`",
    "int": "a number",
    "list": "a list",
    "module": "a module",
    "ndarray": "an array",
    "number": "a single number",
    "range": "a range",
    "set": "a set",
    "slice": "a slice, `first:last`",
    "str": "text",
    "tuple": "a tuple of several values",
    "type": "a class",
}

_OTHER = "a value of the type"
# Names in messages of Python, which give no value to look at.
_NUMPY_NUMBER = re.compile(r"numpy\.(?:u?int|float)\d+")
_PATH = re.compile(r"(?:Pure)?(?:Posix|Windows)?Path")
# The class of a path has another name on each system.
_SYSTEM_PATH = re.compile(r"\b(?:Posix|Windows)Path\(")
_ITERATOR = re.compile(r"\w*_?(?:iterator|keyiterator|itemiterator|valueiterator)")


def kind_in_words(name: str) -> str:
    """A type of Python, NumPy or Keras in words.

    Args:
        name: Name of the type, also with its module.

    Example:
        >>> kind_in_words("dict"), kind_in_words("numpy.uint8")
        ('a dictionary', 'a single number')
        >>> kind_in_words("Legend")
        'a value of the type `Legend`'
    """
    short = name.rpartition(".")[2]
    if _NUMPY_NUMBER.fullmatch(name):
        return "a single number"
    if _PATH.fullmatch(short):
        return "a path"
    if _ITERATOR.fullmatch(short):
        return "an iterator"
    return _KINDS.get(short, f"{_OTHER} `{short.lstrip('_')}`")


def kind_of(value: Any) -> str:
    """The type of a value in words, with its name if only its base class has words.

    Example:
        >>> from collections import Counter
        >>> from pathlib import Path
        >>> kind_of(Path("image.tif")), kind_of(None), kind_of(Counter())
        ('a path', 'nothing (`None`)', 'a dictionary (`Counter`)')
    """
    if isinstance(value, type):
        return _KINDS["type"]
    kind = type(value)
    name = kind.__name__
    words = kind_in_words(f"{kind.__module__}.{name}")
    if not words.startswith(_OTHER):
        return words
    bases = (one.__name__ for one in kind.__mro__)
    known = next((one for one in bases if one in _KINDS), None)
    return f"{_KINDS[known]} (`{name.lstrip('_')}`)" if known else words


def type_name(value: Any) -> str:
    """The name of a type, as people import it on every system.

    Example:
        >>> from pathlib import Path
        >>> type_name(Path("image.tif")), type_name(3)
        ('Path', 'int')
    """
    name = type(value).__name__
    return "Path" if _PATH.fullmatch(name) else name.lstrip("_")


def shown(value: Any) -> str:
    """A value as short text for a message; a long one by its type only.

    Example:
        >>> shown(10.5), shown(np.zeros((512, 512)))
        ('10.5', 'an array of shape (512, 512)')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    try:
        text = repr(value)
    except ValueError:  # an int of more than 4300 digits
        return "a very large number"
    if len(text) <= 60:
        return _SYSTEM_PATH.sub("Path(", text)
    return "a very large number" if isinstance(value, int) else kind_of(value)
