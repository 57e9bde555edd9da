"""Find what an error was about: the learner's line, and the names that exist there."""

import builtins
import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from tutorial_lib.exercises.attempts import learners_frame, line_of
from tutorial_lib.exercises.findings import and_joined
from tutorial_lib.exercises.showing import shown

__all__ = ["Cause", "image_of", "is_plain", "kind_in_words", "listed", "nearest"]

_KINDS = {
    "NoneType": "nothing (`None`)",
    "bool": "a truth value",
    "builtin_function_or_method": "a function",
    "dict": "a dictionary",
    "ellipsis": "the blank `...`",
    "float": "a number with decimals",
    "function": "a function",
    "generator": "a generator, `(… for … in …)`",
    "int": "a number",
    "Generator": "a source of random numbers",
    "KerasTensor": "an image of the network",
    "list": "a list",
    "method": "a function",
    "module": "a module",
    "ndarray": "an array",
    "range": "a range",
    "set": "a set",
    "str": "text",
    "tuple": "a tuple of several values",
    "type": "a class",
    "ufunc": "a function",
    "_ArrayFunctionDispatcher": "a function",
}
# Types of single numbers of NumPy, as in `numpy.uint8`.
_NUMPY_NUMBER = re.compile(r"numpy\.(?:u?int|float)\d+")

# Names of more parameters than that are not listed.
_MOST_LISTED = 8


def nearest(name: str, names: Iterable[str], *, alike: float = 0.6) -> str:
    """The name that is written most alike; empty if none is.

    Args:
        name: A name.
        names: The names that exist.
        alike: How much the two must be alike, from 0 to 1.

    Example:
        >>> nearest("centr", ["size", "centre"]), nearest("x", ["size", "centre"])
        ('centre', '')
    """
    names = [one for one in names if isinstance(one, str)]
    lower = {one.lower(): one for one in reversed(names)}
    if name.lower() in lower:
        return lower[name.lower()]
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=alike)), "")


def image_of(shape: Iterable[Any]) -> str:
    """A shape of Keras in words.

    Example:
        >>> image_of((None, 8, 6, 4)), image_of((None, None, None, 32))
        ('8 x 6 pixels with 4 bands', '32 bands')
    """
    numbers = list(shape)[-3:]
    if len(numbers) < 3:
        return f"the shape {tuple(shape)}"
    height, width, bands = numbers
    if height is None or width is None:
        return f"{bands} bands"
    return f"{height} x {width} pixels with {bands} bands"


def kind_in_words(name: str) -> str:
    """A type of Python or NumPy in words.

    Args:
        name: Name of the type, also with its module.

    Example:
        >>> kind_in_words("dict"), kind_in_words("numpy.uint8")
        ('a dictionary', 'a single number')
        >>> kind_in_words("DataFrame")
        'a value of the type `DataFrame`'
    """
    if _NUMPY_NUMBER.fullmatch(name):
        return "a single number"
    return _KINDS.get(name.rpartition(".")[2], f"a value of the type `{name}`")


def is_plain(name: str) -> bool:
    """Whether a type is one of Python's own, whose attributes are seldom meant."""
    return name in _KINDS


class Cause:
    """Where an error comes from.

    Attributes:
        error: The error.
        message: Its message without the noise.
        line: The learner's line; empty if it is not known.
    """

    def __init__(self, error: BaseException, message: str, file: str) -> None:
        self.error, self.message = error, message
        frame, number = learners_frame(error, file)
        self._frame: FrameType | None = frame
        self.line = line_of(frame, number)

    @property
    def names(self) -> dict[str, Any]:
        """All names that the learner's line can use."""
        if self._frame is None:
            return vars(builtins)
        return vars(builtins) | self._frame.f_globals | self._frame.f_locals

    @property
    def is_in_function(self) -> bool:
        """Whether the line is in a function, not in a plain cell."""
        return self._frame is not None and self._frame.f_code.co_name != "<module>"

    @property
    def own_names(self) -> list[str]:
        """The names that the learner's function has itself; empty in a plain cell."""
        if not self.is_in_function:
            return []
        # Parts of a comprehension have names with a dot.
        return [one for one in self._frame.f_locals if one.isidentifier()]

    def values(self) -> str:
        """Sentence on what the names in the learner's line are; empty without any."""
        code = re.sub(r"(['\"]).*?\1", "", self.line)
        # Not what the line assigns, nor names of arguments, nor attributes.
        used = re.findall(r"(?<![\w.])([A-Za-z_]\w*)(?!\s*=[^=])\b", code)
        builtin = vars(builtins)
        names = {n: value for n, value in self.names.items() if n not in builtin}
        parts = [
            f"`{name}` is {_in_words(names[name])}"
            for name in dict.fromkeys(used)
            if name in names and not _is_tool(names[name])
        ]
        return f"In this line, {and_joined(parts)}." if parts else ""

    def nearest_name(self, name: str) -> str:
        """The name that the learner probably meant; empty if there is none."""
        whole = [one for one in self.own_names if name in one.split("_")]
        if len(whole) == 1:
            return whole[0]
        own = {one for one in self.names if not one.startswith("_")}
        known = own - vars(builtins).keys()
        if self.is_in_function:
            # A value of the notebook is seldom meant: a function has arguments.
            own_names = self.own_names
            known = {n for n in known if n in own_names or _is_tool(self.names[n])}
        # Python has many names: few of them are meant.
        return nearest(name, sorted(known)) or nearest(
            name, sorted(own - known), alike=0.9
        )

    def name_of(self, kind: type) -> str:
        """The first name of a value of this type; empty if there is none."""
        found = (n for n, value in self.names.items() if isinstance(value, kind))
        return next(found, "")

    def place_of(self, name: str) -> str:
        """Where a function or module is that the line uses without its module.

        Empty if the line does not call it, or no module that the learner uses has it.
        """
        is_called = re.search(rf"(?<![\w.]){name}\(", self.line)
        if not is_called and not re.search(rf"(?<![\w.]){name}\.\w", self.line):
            return ""
        for prefix, place in self._places():
            found = getattr(place, name, None) if name in dir(place) else None
            if callable(found) if is_called else isinstance(found, ModuleType):
                return f"{prefix}.{name}"
        return ""

    def _places(self) -> Iterator[tuple[str, Any]]:
        """Modules that the learner uses, by the names that are written before a dot."""
        modules = [
            (n, value)
            for n, value in self.names.items()
            if isinstance(value, ModuleType) and not n.startswith("_")
        ]
        # What NumPy and other modules have, such as `ceil`, works on arrays in NumPy.
        modules.sort(key=lambda pair: pair[1].__name__ != "numpy")
        for prefix, module in modules:
            yield prefix, module
            for part in ("layers", "callbacks"):
                if hasattr(module, part):
                    yield f"{prefix}.{part}", getattr(module, part)

    def keys(self, missing: str) -> list[str]:
        """The keys of the dictionary or table in the line that lacks a key."""
        for name in re.findall(r"(\w+)(?:\.loc)?\[", self.line):
            value = self.names.get(name)
            if isinstance(value, Mapping) or hasattr(value, "columns"):
                keys = [key for key in value if isinstance(key, str)]
                if missing not in keys:
                    return keys
        return []

    def parameters(self, function: str) -> list[str]:
        """Names of the parameters of a function that the learner's line calls."""
        name = function.removesuffix(".__init__").rpartition(".")[2]
        found = self.names.get(name) or self._attribute(name)
        try:
            parameters = inspect.signature(found).parameters.values()
        except (TypeError, ValueError):
            return []
        open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return [one.name for one in parameters if one.kind not in open_ended]

    def _attribute(self, name: str) -> Any:
        """A function of this name in one of the modules that the learner uses."""
        for _, place in self._places():
            if name in dir(place):
                return getattr(place, name)
        return None


def _in_words(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of the shape {value.shape}"
    if isinstance(value, str | bool | int | float | np.number):
        return shown(value)
    return kind_in_words(type(value).__name__)


def _is_tool(value: Any) -> bool:
    """Whether a value of the notebook is something to call, or draws random numbers."""
    return callable(value) or isinstance(value, ModuleType | np.random.Generator)


def listed(names: Iterable[str]) -> str:
    """Names in backticks.

    Example:
        >>> listed(["a", "b"])
        '`a`, `b`'
    """
    names = [f"`{name}`" for name in names]
    if len(names) > _MOST_LISTED:
        names = [*names[:_MOST_LISTED], "…"]
    return ", ".join(names)
