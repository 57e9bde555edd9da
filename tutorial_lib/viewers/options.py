"""Options that the viewers share, and checks that say what to give instead."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.rasters import Legend
from tutorial_lib.rasters.sources import check_bands

KINDS = ("rgb", "classes", "grey", "probability")

__all__ = [
    "KINDS",
    "Display",
    "check_legend",
    "checked_titles",
    "chosen_bands",
    "is_number",
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
        stretch: Percentages of pixels below the darkest and the brightest shade.
        nodata: Value of pixels without data; None for the raster's own tag.

    Raises:
        ValueError: If the kind, `stretch` or `value_range` is wrong. Bands are checked
            when the number of bands is known.
        TypeError: If `legend` is neither a `Legend` nor None, or `nodata` not a number.

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
        if self.kind is not None:
            arguments.choice("kind", self.kind, KINDS)
        check_legend(self.legend)
        if not (self.nodata is None or is_number(self.nodata)):
            raise TypeError(
                f"`nodata` is {arguments.shown(self.nodata)}. Give a number, the one "
                "that pixels without data have, such as 0 or -9999."
            )
        if self.nodata is not None:
            arguments.number("nodata", self.nodata, finite=False)
        object.__setattr__(self, "stretch", _checked_stretch(self.stretch))
        if self.value_range is not None:
            object.__setattr__(self, "value_range", _checked_range(self.value_range))


def check_legend(legend: Any) -> None:
    """Raise TypeError unless the value is a Legend or None."""
    if legend is not None:
        arguments.instance(
            "legend",
            legend,
            Legend,
            "a legend: Legend(('water', 'forest'), ('#7fbcfc', '#106b00')), or "
            "read_legend(path) for that of a raster",
        )


def _checked_stretch(stretch: Any) -> tuple[float, float]:
    pair = _rising_pair(stretch)
    if pair is None or pair[0] < 0 or pair[1] > 100:
        raise ValueError(
            "`stretch` is two percentages that rise, from 0 to 100, such as (2, 98). "
            f"Received: {arguments.shown(stretch)}."
        )
    return pair


def _checked_range(value_range: Any) -> tuple[float, float]:
    pair = _rising_pair(value_range)
    if pair is None:
        raise ValueError(
            "`value_range` is two numbers that rise, (darkest, brightest), such as "
            f"(0, 3000). Received: {arguments.shown(value_range)}."
        )
    return pair


def _rising_pair(values: Any) -> tuple[float, float] | None:
    """Two finite numbers, the second one larger; None if the values are not that."""
    is_array = isinstance(values, np.ndarray) and values.ndim == 1
    if not (is_array or isinstance(values, list | tuple)) or len(values) != 2:
        return None
    try:
        finite = all(is_number(one) and isfinite(one) for one in values)
    except OverflowError:  # an int that no float can hold
        return None
    if not finite:
        return None
    low, high = map(float, values)
    return (low, high) if low < high else None


def is_number(value: Any) -> bool:
    """Whether a value is a real number; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def chosen_bands(
    name: str,
    count: int,
    bands: int | Sequence[int] | None,
    kind: str | None = None,
    *,
    alone: bool = True,
) -> tuple[int, ...]:
    """Numbers of the bands to show: one or three, from 1.

    Args:
        name: What error messages call the layer.
        count: Number of its bands.
        bands: Numbers from 1 that the user gave; None for the first one or three.
        kind: Kind of picture that the user gave: "rgb" needs three bands, others one.
        alone: Whether it is the only layer. Beside others, a layer of one band shows
            that band.

    Example:
        >>> chosen_bands("the array", 1, (3, 2, 1), alone=False)
        (1,)
    """
    if bands is None or (count == 1 and not alone):
        color = count >= 3 if kind is None else kind == "rgb"
        bands = (1, 2, 3) if color else (1,)
    try:
        numbers = arguments.whole_numbers("bands", bands)
    except (TypeError, ValueError) as err:
        raise type(err)(
            f"`bands` is {arguments.shown(bands)}, and {name} has "
            f"{counted(count, 'band')}. Give one or three numbers from 1, such as 1 or "
            "(3, 2, 1)."
        ) from err
    if len(numbers) not in {None: (1, 3), "rgb": (3,)}.get(kind, (1,)):
        raise ValueError(
            f"A picture shows one band or three; bands={list(numbers)} has "
            f"{len(numbers)}. Give one number, or three for red, green and blue."
        )
    check_bands(name, numbers, count)
    return numbers


def refuse_unknown(function: Callable, unknown: Mapping[str, Any]) -> None:
    """Raise TypeError for options that a function lacks; the error lists its options.

    Args:
        function: A function with the parameters `*layers`, its options, `**unknown`.
        unknown: The value of its `**unknown`.
    """
    if unknown:
        known = list(inspect.signature(function).parameters)[1:-1]
        raise TypeError(
            f"`{function.__name__}` has no option '{next(iter(unknown))}'. It has: "
            f"{', '.join(known)}."
        )


def checked_titles(titles: Any, count: int) -> list[str] | None:
    """One title for each of `count` layers; None if `titles` is None.

    Raises:
        TypeError: If a title is neither a text nor a number.
        ValueError: If there are more or fewer titles than layers.

    Example:
        >>> checked_titles("Havel", 1)
        ['Havel']
    """
    if titles is None:
        return None
    alone = isinstance(titles, str) or is_number(titles)
    found = [titles] if alone else arguments.sequence("titles", titles, "texts")
    found = [
        str(one) if is_number(one) else arguments.text("titles", one) for one in found
    ]
    if len(found) != count:
        verb = "is" if len(found) == 1 else "are"
        raise ValueError(
            f"There {verb} {counted(len(found), 'title')} for "
            f"{counted(count, 'layer')}. Give one for each layer."
        )
    return found
