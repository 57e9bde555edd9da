"""Names and colours of classes."""

import colorsys
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rasterio

from tutorial_lib import arguments
from tutorial_lib.display import counted

# Largest class number: the one of uint16.
LARGEST_CLASS = 65535

# A colour table that rasterio writes has the entries 0 to 255; colours of larger class
# numbers become tags.
COLOR_TABLE_SIZE = 256
# For other types GDAL drops a colour table, and only its log says so. All colours
# become tags then; QGIS takes them from the style.
WITH_COLOR_TABLE = ("uint8", "uint16")

__all__ = ["Legend", "check_legend_fits", "describe_classes", "legend_of"]


@dataclass(frozen=True)
class Legend:
    """Names and colours of the classes of a label map, by ascending class number.

    Attributes:
        names: One name for each class, all different.
        colors: One colour for each class, as "#rrggbb".
        classes: The number of each class in the label map; None for 0, 1, 2…

    Raises:
        TypeError: If names or colours are not lists of texts.
        ValueError: If the three differ in length, a name or number is there twice, or a
            colour does not have the form "#rrggbb".

    Example:
        >>> Legend(names=("water", "forest"), colors=("#7fbcfc", "#106b00")).names[1]
        'forest'
        >>> Legend(("maize", "wheat"), ("#ffd300", "#a57000"), classes=(10, 20)).classes
        (10, 20)
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]
    classes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        names = [
            arguments.text("names", name)
            for name in arguments.sequence("names", self.names, "texts")
        ]
        colors = [
            arguments.text("colors", color)
            for color in arguments.sequence("colors", self.colors, "colours '#rrggbb'")
        ]
        classes = tuple(range(len(names)))
        if self.classes is not None:
            classes = arguments.whole_numbers(
                "classes", self.classes, least=0, most=LARGEST_CLASS
            )
        _check_legend(names, colors, classes)
        # A file holds the classes by their numbers.
        order = np.argsort(classes)
        for key, values in (
            ("names", names),
            ("colors", [color.lower() for color in colors]),
            ("classes", classes),
        ):
            # A frozen dataclass allows no other way.
            object.__setattr__(self, key, tuple(values[i] for i in order))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rgb(self) -> tuple[tuple[int, int, int], ...]:
        """The colours as (red, green, blue), 0 to 255."""
        return tuple(
            tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in self.colors
        )


def _check_legend(
    names: Sequence[str], colors: Sequence[str], classes: Sequence[int]
) -> None:
    if len(names) != len(colors):
        raise ValueError(
            f"The legend has {counted(len(names), 'name')} and "
            f"{counted(len(colors), 'colour')}. Give `colors` one for each name."
        )
    if len(names) != len(classes):
        raise ValueError(
            f"The legend has {counted(len(names), 'name')} and "
            f"{counted(len(classes), 'class number')}. Give one number for each name."
        )
    for what, values in (("name", names), ("class number", classes)):
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise ValueError(
                f"The legend has the {what} {twice[0]!r} twice. Give each class its "
                f"own {what}."
            )
    # GDAL does not store an empty tag, and not every character in it.
    wrong = [name for name in names if not name.strip() or not name.isprintable()]
    if wrong:
        raise ValueError(
            f"The name {wrong[0]!r} of the legend is empty or holds characters that "
            "cannot be shown. Give each class a name of letters in one line."
        )
    wrong = [c for c in colors if not re.fullmatch("#[0-9a-fA-F]{6}", c)]
    if wrong:
        raise ValueError(
            f"The colour '{wrong[0]}' of the legend does not have the form "
            "'#rrggbb'. Write for example '#106b00'."
        )


def legend_of(dataset: rasterio.DatasetReader) -> Legend | None:
    """Class names and colours of an open raster, or None.

    A class whose colour the file does not hold gets one that differs from the others.
    """
    tags = dataset.tags(1)
    found = {
        int(tag[6:]): _one_line(name)
        for tag, name in tags.items()
        if re.fullmatch("CLASS_(0|[1-9][0-9]{0,4})", tag)
    }
    numbers = sorted(number for number in found if number <= LARGEST_CLASS)
    if not numbers:
        return None
    table = _color_table(dataset)
    colors = [
        _color_in_tag(tags, number) or table.get(number) or _default_color(index)
        for index, number in enumerate(numbers)
    ]
    names = [found[number] for number in numbers]
    unique = [
        name if names.count(name) == 1 else f"{name} ({number})"
        for name, number in zip(names, numbers, strict=True)
    ]
    return Legend(tuple(unique), tuple(colors), tuple(numbers))


def _one_line(name: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in name)
    return shown if shown.strip() else "?"


def _color_table(dataset: rasterio.DatasetReader) -> dict[int, str]:
    try:
        table = dataset.colormap(1)
    except ValueError:  # rasterio's "NULL color table": there is none
        return {}
    return {i: "#{:02x}{:02x}{:02x}".format(*color[:3]) for i, color in table.items()}


def _color_in_tag(tags: dict[str, str], number: int) -> str | None:
    color = tags.get(f"COLOR_{number}", "").lower()
    return color if re.fullmatch("#[0-9a-f]{6}", color) else None


def _default_color(index: int) -> str:
    """A colour for the n-th class; neighbours differ most."""
    # Steps of the golden ratio spread hues evenly, however many there are.
    hue = (0.6 + index * 0.618034) % 1
    rgb = colorsys.hsv_to_rgb(hue, 0.75 - 0.25 * (index % 2), 0.9 - 0.1 * (index % 3))
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * value) for value in rgb))


def describe_classes(dataset: rasterio.io.DatasetWriter, legend: Legend) -> None:
    """Write a legend into band 1 of a raster, so that `legend_of` finds it again."""
    has_table = dataset.dtypes[0] in WITH_COLOR_TABLE
    size = COLOR_TABLE_SIZE if has_table else 0
    if has_table:
        table = zip(legend.classes, legend.rgb, strict=True)
        dataset.write_colormap(1, {n: (*c, 255) for n, c in table if n < size})
    numbered = list(zip(legend.classes, legend.names, legend.colors, strict=True))
    tags = {f"CLASS_{number}": name for number, name, _ in numbered}
    tags |= {f"COLOR_{n}": color for n, _, color in numbered if n >= size}
    dataset.update_tags(1, **tags)


def check_legend_fits(legend: Legend | None, channels: int, dtype: np.dtype) -> None:
    """Raise an error unless a file of this many channels and type can hold a legend."""
    if legend is None:
        return
    arguments.instance("legend", legend, Legend, "a legend, `Legend(names, colors)`")
    if channels != 1 or dtype.kind not in "iu":
        raise ValueError(
            f"A legend needs one band of whole numbers. Received: {channels} "
            f"band(s) of {dtype}. Leave the legend out, or convert with `to_type`."
        )
    if max(legend.classes) > np.iinfo(dtype).max:
        raise ValueError(
            f"The legend has the class {max(legend.classes)}, which {dtype} cannot "
            "hold. Write uint16."
        )
