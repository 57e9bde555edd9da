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
from tutorial_lib.kinds import kind_of

__all__ = ["Cause", "image_of", "listed", "nearest"]

# Names of more parameters than that are not listed.
_MOST_LISTED = 8
# Letters of a name that is hardly another one with a slip.
_LONG = 5


def nearest(name: str, names: Iterable[str], *, strict: bool = False) -> str:
    """The name that is probably meant; empty if none is written nearly alike.

    Args:
        name: A name.
        names: The names that exist.
        strict: Whether only one slip in a long name counts: for many names, of which
            few are meant.

    Example:
        >>> nearest("centr", ["size", "centre"]), nearest("label", ["ravel", "size"])
        ('centre', '')
    """
    names = [one for one in names if isinstance(one, str)]
    lower = {one.lower(): one for one in reversed(names)}
    if name.lower() in lower:
        return lower[name.lower()]
    close = [one for one in names if _is_slip(name.lower(), one.lower(), strict)]
    return next(iter(difflib.get_close_matches(name, close, n=1, cutoff=0)), "")


def _is_slip(name: str, other: str, strict: bool) -> bool:
    """Whether a name may be another one with slips, or a part of it."""
    slips = _slips(name.replace("_", ""), other.replace("_", ""))
    longest = max(len(name), len(other))
    alike = name[:1] == other[:1]
    if strict:
        return slips <= 1 and len(name) >= _LONG and name != f"{other}s"
    if slips <= 1:
        # Many names of three letters differ by one: `sum` and `num`, `map` and `max`.
        is_other = len(name) == len(other) and sorted(name) != sorted(other)
        return longest > 3 or (alike and not is_other)
    is_begun = len(name) > 2 and other.startswith(name)
    is_begun |= len(other) > 2 and name.startswith(other) and len(name) < len(other) + 3
    return is_begun or (alike and slips <= longest // 4) or _has_words(name, other)


def _has_words(name: str, other: str) -> bool:
    """Whether a name has all words of the other one, and ends alike: `rate`."""
    few, many = sorted((name.split("_"), other.split("_")), key=len)
    return set(few) <= set(many) and few[-1] == many[-1] and len(few[-1]) > 3


def _slips(name: str, other: str) -> int:
    """How many letters are missing, too many, wrong or exchanged with the next one.

    Example:
        >>> _slips("heigth", "height"), _slips("label", "ravel")
        (1, 2)
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(name, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 < j and name[i - 2 : i] == other[j - 2 : j][::-1]:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]


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

    def used(self) -> dict[str, Any]:
        """The values of the names in the learner's line."""
        names = dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*", self.line))
        return {name: self.names[name] for name in names if name in self.names}

    def value_of(self, name: str) -> Any:
        """The value of a name with dots, such as `np.log`; None if there is none."""
        first, *parts = name.split(".")
        value = self.names.get(first)
        for part in parts:
            value = getattr(value, part, None)
        return value

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
            name, sorted(own - known), strict=True
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

    def elsewhere(self, name: str) -> str:
        """A name with the module of the learner that has it; empty if none has."""
        found = (prefix for prefix, place in self._places() if name in dir(place))
        return next((f"{prefix}.{name}" for prefix in found), "")

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
        return [
            *self.parameters_by_place(function),
            *self.parameters_by_name(function),
        ]

    def parameters_by_place(self, function: str) -> list[str]:
        """Names of the parameters that a call may give without their names."""
        kinds = (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        return [x.name for x in self._signature(function) if x.kind in kinds]

    def parameters_by_name(self, function: str) -> list[str]:
        """Names of the parameters that a call must give with their names."""
        by_name = inspect.Parameter.KEYWORD_ONLY
        return [x.name for x in self._signature(function) if x.kind is by_name]

    def _signature(self, function: str) -> list[inspect.Parameter]:
        """The parameters of a function or method; empty if it is not known."""
        *owner, name = function.removesuffix(".__init__").split(".")
        method = getattr(self.names.get(owner[-1]), name, None) if owner else None
        found = method or self.names.get(name) or self._attribute(name)
        try:
            parameters = list(inspect.signature(found).parameters.values())
        except (TypeError, ValueError):
            return []
        return [one for one in parameters if one.name != "self"]

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
    return kind_of(value)


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
