"""Options of pictures: those that cannot be are refused in one sentence."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from tutorial_lib.rasters import Legend

KINDS = ("rgb", "classes", "grey", "probability")

__all__ = [
    "KINDS",
    "Display",
    "check_legend",
    "check_nodata",
    "checked_range",
    "checked_stretch",
    "checked_titles",
    "counted",
    "is_number",
    "is_whole",
    "refuse_unknown",
]


@dataclass(frozen=True)
class Display:
    """How layers are drawn: the options that all viewers of rasters share.

    Attributes:
        bands: Number of one band, or of three for red, green and blue, from 1; None
            for the first ones. `compare` also takes a list with one choice per layer.
        legend: Names and colours of classes; None for the raster's own.
        value_range: (darkest, brightest) value; None to compute it from `stretch`.
        kind: One of `KINDS`; None to choose it from the data.
        stretch: Percentages of pixels that are darker than the darkest and the
            brightest shade.
        nodata: Value of pixels without data; None for the raster's own tag.

    Raises:
        ValueError: If the kind, `stretch`, `value_range` or `nodata` is wrong.
        TypeError: If `legend` is neither a `Legend` nor None.

    Example:
        >>> Display(kind="grey", value_range=[0, 3000]).value_range
        (0.0, 3000.0)
    """

    bands: int | Sequence[int] | Sequence[int | Sequence[int] | None] | None = None
    legend: Legend | None = None
    value_range: Sequence[float] | None = None
    kind: str | None = None
    stretch: Sequence[float] = (2, 98)
    nodata: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in (None, *KINDS):
            raise ValueError(
                f"The kind '{self.kind}' is unknown. Use {', '.join(KINDS)}."
            )
        check_legend(self.legend)
        check_nodata(self.nodata)
        object.__setattr__(self, "stretch", checked_stretch(self.stretch))
        if self.value_range is not None:
            object.__setattr__(self, "value_range", checked_range(self.value_range))


def is_number(value: Any) -> bool:
    """Whether a value is a real number; True and False are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Example:
        >>> counted(1, "opacity", "opacities"), counted(0, "title")
        ('1 opacity', '0 titles')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def refuse_unknown(function: Callable, unknown: Mapping[str, Any]) -> None:
    """Refuse options that a function lacks, with a list of those that it has.

    Args:
        function: Its parameters are `*layers`, the options, and `**unknown`.
        unknown: What it got in the last of them.

    Raises:
        TypeError: If there are any.
    """
    if unknown:
        known = list(inspect.signature(function).parameters)[1:-1]
        raise TypeError(
            f"`{function.__name__}` has no option '{next(iter(unknown))}'. It has: "
            f"{', '.join(known)}."
        )


def checked_titles(titles: Any, count: int) -> list[str] | None:
    """One title for each of `count` layers; None if none were given.

    Raises:
        ValueError: If there are more or fewer.

    Example:
        >>> checked_titles("Havel", 1)
        ['Havel']
    """
    if titles is None:
        return None
    alone = isinstance(titles, str) or not np.iterable(titles)
    found = [str(title) for title in ([titles] if alone else titles)]
    if len(found) != count:
        is_one = len(found) == 1
        raise ValueError(
            f"There {'is' if is_one else 'are'} {counted(len(found), 'title')} for "
            f"{counted(count, 'layer')}. Give one for each layer."
        )
    return found


def checked_stretch(stretch: Any) -> tuple[float, float]:
    """Shares of pixels, in %, below the darkest and the brightest shade.

    Raises:
        ValueError: If these are not two numbers from 0 to 100 that rise.

    Example:
        >>> checked_stretch([2, 98])
        (2.0, 98.0)
    """
    pair = _pair(stretch)
    if pair is None or not 0 <= pair[0] < pair[1] <= 100:
        raise ValueError(
            "`stretch` is two shares of pixels in % that rise, from 0 to 100, such as "
            f"(2, 98). Received: {stretch!r}."
        )
    return pair


def checked_range(value_range: Any) -> tuple[float, float]:
    """The values that become darkest and brightest.

    Raises:
        ValueError: If these are not two finite numbers that rise.
    """
    pair = _pair(value_range)
    if pair is None or not all(map(isfinite, pair)):
        raise ValueError(
            "`value_range` is two numbers, (darkest, brightest), such as (0, 3000). "
            f"Received: {value_range!r}."
        )
    low, high = pair
    if low >= high:
        raise ValueError(
            f"`value_range` ({low:g}, {high:g}) must rise. Give (darkest, brightest)."
        )
    return pair


def _pair(values: Any) -> tuple[float, float] | None:
    """Two numbers; None if that is not what was given."""
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        return None
    found = tuple(values)
    if len(found) != 2 or not all(map(is_number, found)):
        return None
    return float(found[0]), float(found[1])


def check_legend(legend: Any) -> None:
    """Refuse what is no legend.

    Raises:
        TypeError: If it is neither a `Legend` nor None.
    """
    if not (legend is None or isinstance(legend, Legend)):
        raise TypeError(
            "`legend` is a `Legend` of the names and colours of classes 0, 1, 2…, such "
            "as Legend(('water', 'forest'), ('#7fbcfc', '#106b00')). Received: "
            f"{legend!r}."
        )


def check_nodata(nodata: Any) -> None:
    """Refuse what no pixel can equal.

    Raises:
        ValueError: If it is neither a number nor None.
    """
    if not (nodata is None or is_number(nodata)):
        raise ValueError(
            "`nodata` is the number of pixels without data, such as 0 or -9999. "
            f"Received: {nodata!r}."
        )
