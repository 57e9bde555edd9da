"""The parameters of applications: what they are called, and which values they take.

Values come from Python (numbers, paths, other applications) or from a command line
(texts); both are read by the same rules.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from tutorial_lib import arguments
from tutorial_lib.compat.filenames import input_bands, split
from tutorial_lib.compat.images import FileImage, Image, StackedImage

# OTBTF reads the number of sources of an application from here.
NSOURCES = "OTB_TF_NSOURCES"

# More sources than any network has: a slip of the finger, such as `source1000.il`.
MOST_SOURCES = 100

_TRUE, _FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")

__all__ = [
    "NSOURCES",
    "Parameter",
    "choice",
    "dotted",
    "file_in",
    "file_out",
    "flag",
    "image_in",
    "image_out",
    "images_in",
    "number",
    "source_count",
    "text",
    "texts",
    "unknown_parameter",
    "whole",
]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an application.

    Attributes:
        key: Its name with dots, "source1.rfieldx".
        kind: What it takes, for the help: "int", "image list"…
        about: One line of help.
        read: Makes its value of what was given; raises TypeError or ValueError.
        default: Its value when it is not given.
        required: Whether it must be given.
        output: Whether its value is the path of an image that is written.
        pixel_type: Type of that image if none is given, by OTB's name.
    """

    key: str
    kind: str
    about: str
    read: Callable[[str, Any], Any]
    default: Any = None
    required: bool = False
    output: bool = False
    pixel_type: str = "float"

    def value(self, given: Any) -> Any:
        """The value that was given, read and checked."""
        return self.read(self.key, given)

    def of_source(self, number: int) -> "Parameter":
        """The same parameter of a source: `il` becomes `source2.il`."""
        return replace(self, key=f"source{number}.{self.key}")


def whole(key: str, about: str, default: int | None = None, **more: Any) -> Parameter:
    """A parameter that takes a whole number from `least` (1)."""
    least = more.pop("least", 1)

    def read(name: str, given: Any) -> int:
        return arguments.whole_number(name, _plain_number(given), least=least)

    return Parameter(key, "int", about, read, default, **more)


def number(
    key: str, about: str, default: float | None = None, **more: Any
) -> Parameter:
    """A parameter that takes a number; also NaN, which can mean no-data."""
    above = more.pop("above", None)

    def read(name: str, given: Any) -> float:
        if above is None:
            return arguments.number(name, _plain_number(given), finite=False)
        return arguments.number(name, _plain_number(given), above=above)

    return Parameter(key, "float", about, read, default, **more)


def flag(key: str, about: str) -> Parameter:
    """A parameter that is on or off; off by default."""

    def read(name: str, given: Any) -> bool:
        if isinstance(given, str) and given.lower() in (*_TRUE, *_FALSE):
            return given.lower() in _TRUE
        if isinstance(given, int) and given in (0, 1):
            return bool(given)
        raise ValueError(
            f"`{name}` is {arguments.shown(given)}. It is on or off: give True or "
            "False, or one of on, off, 1, 0."
        )

    return Parameter(key, "bool", about, read, default=False)


def text(key: str, about: str, default: str | None = None, **more: Any) -> Parameter:
    """A parameter that takes a text."""
    return Parameter(key, "string", about, arguments.text, default, **more)


def texts(key: str, about: str, **more: Any) -> Parameter:
    """A parameter that takes a list of texts; one text may hold several words."""

    def read(name: str, given: Any) -> list[str]:
        parts = [given] if isinstance(given, str) else given
        what = "texts, such as the names of outputs"
        parts = arguments.sequence(name, parts, what)
        return [word for one in parts for word in arguments.text(name, one).split()]

    return Parameter(key, "string list", about, read, **more)


def choice(key: str, about: str, choices: Sequence[str], default: str) -> Parameter:
    """A parameter that takes one of some words."""

    def read(name: str, given: Any) -> str:
        return arguments.choice(name, given, choices)

    return Parameter(key, "choice", f"{about}: {', '.join(choices)}", read, default)


def file_in(key: str, about: str, *, required: bool = True) -> Parameter:
    """A parameter that takes the path of a file or a folder that is read."""

    def read(name: str, given: Any) -> str:
        return os.fspath(arguments.file_path(name, given))

    return Parameter(key, "file", about, read, required=required)


def file_out(key: str, about: str, *, required: bool = True) -> Parameter:
    """A parameter that takes the path of a file that is written, other than images."""
    return replace(file_in(key, about, required=required), kind="output file")


def image_in(key: str, about: str, *, required: bool = True) -> Parameter:
    """A parameter that takes an image: a path, an application, an output of one."""

    def read(name: str, given: Any) -> Image:
        if isinstance(given, list | tuple) and len(given) == 1:
            (given,) = given
        return _image(name, given)

    return Parameter(key, "image", about, read, required=required)


def images_in(key: str, about: str, *, stacked: bool = False) -> Parameter:
    """A required parameter that takes one image or a list of images.

    Args:
        key: Name of the parameter.
        about: One line of help.
        stacked: Whether the bands of a list become one image.
    """

    def read(name: str, given: Any) -> list[Image] | Image:
        given = list(given) if isinstance(given, list | tuple) else [given]
        if not given:
            raise ValueError(
                f"`{name}` is an empty list. Give one image or a list of images."
            )
        images = [_image(name, one) for one in given]
        if not stacked:
            return images
        return images[0] if len(images) == 1 else StackedImage(images)

    return Parameter(key, "image list", about, read, required=True)


def image_out(
    key: str, about: str, pixel_type: str = "float", *, required: bool = False
) -> Parameter:
    """A parameter that takes the path of an image that is written."""

    def read(name: str, given: Any) -> str:
        return os.fspath(arguments.file_path(name, given))

    return Parameter(
        *(key, "output image", about, read),
        required=required,
        output=True,
        pixel_type=pixel_type,
    )


def _image(name: str, given: Any) -> Image:
    if isinstance(given, Image):
        return given
    # Applications, their outputs, and pyotb's Input.
    if (image := getattr(given, "image", None)) is not None:
        return image
    if not isinstance(given, str | os.PathLike):
        raise TypeError(
            f"`{name}` is {arguments.shown(given)}. Give the path of an image, an "
            "application, or an output of one: `app['out']`."
        )
    path, options = split(os.fspath(given))
    return FileImage(path, input_bands(os.fspath(given), options))


def _plain_number(given: Any) -> Any:
    """The number that a text from a command line means; other values as they are."""
    if not isinstance(given, str):
        return given
    # `int` would also take "1_000", and digits of other scripts.
    if re.fullmatch(r"[+-]?[0-9]+", given):
        return int(given)
    try:
        return float(given)
    except ValueError:
        return given


def dotted(name: Any) -> str:
    """The key of a parameter that Python names with underscores.

    Python's own words get an underscore at the end.

    Example:
        >>> dotted("source1_il"), dotted("mode.fit.im"), dotted("in_")
        ('source1.il', 'mode.fit.im', 'in')
    """
    return str(name).replace("_", ".").rstrip(".")


def source_count(n_sources: Any, keys: Sequence[str]) -> int:
    """How many sources an application has.

    Args:
        n_sources: What the caller says, or None.
        keys: Names of the parameters that are given; the largest number counts if
            `n_sources` is None.

    Returns:
        The number; the one in the environment variable OTB_TF_NSOURCES, or 1, if
        nothing is said.

    Raises:
        TypeError, ValueError: If it is not a whole number from 1.

    Example:
        >>> source_count(None, ["source1.il", "source2.il", "vec"])
        2
    """
    if n_sources is not None:
        return _count("n_sources", n_sources)
    matches = (re.match(r"source([1-9][0-9]*)\.", key) for key in keys)
    given = max((int(match[1]) for match in matches if match), default=0)
    if given:
        return _count("number of sources", given)
    from_environment = os.environ.get(NSOURCES, "").strip() or "1"
    return _count(NSOURCES, _plain_number(from_environment))


def _count(name: str, given: Any) -> int:
    return arguments.whole_number(name, given, least=1, most=MOST_SOURCES)


def unknown_parameter(
    application: str, key: str, known: Mapping[str, Parameter]
) -> ValueError:
    """The error for a parameter that an application does not have."""
    close = get_close_matches(key, known, n=1)
    meant = f" Did you mean `{close[0]}`?" if close else ""
    hint = ""
    if re.match(r"source[0-9]+\.", key) and "source1.il" in known:
        hint = f" The number of sources is set by `n_sources=` or {NSOURCES}."
    return ValueError(
        f"{application} has no parameter `{key}`.{meant}{hint} It has: "
        f"{', '.join(known)}."
    )
