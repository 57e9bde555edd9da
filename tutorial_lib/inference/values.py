"""What a map's pixels hold: its type, its background, and values that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.inference.labels import numbered
from tutorial_lib.inference.trials import OutputFormat
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Legend, to_type

# Background of label maps: the largest value of the smallest type that holds the class
# numbers and one value more.
BACKGROUND_8_BIT, BACKGROUND_16_BIT = 255, 65535

# Types of a map. 64-bit integers are missing: other programs read them badly.
MAP_TYPES = (
    *("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"),
)

__all__ = [
    "MapFormat",
    "background_in",
    "broken_pixels",
    "check_labels",
    "in_map",
    "lost_probabilities",
    "map_format",
    "map_type",
]


@dataclass(frozen=True)
class MapFormat:
    """Type, background and bands of a map.

    Attributes:
        dtype: Type of the pixels if none is asked for.
        background: Value of background pixels, also the no-data tag.
        bands: A name for each band.
        legend: Class names and colours of a label map.
        classes: Class number in the map for each of the network's classes 0, 1, 2…;
            None where they stay as they are.
    """

    dtype: np.dtype
    background: float
    bands: tuple[str, ...]
    legend: Legend | None
    classes: tuple[int, ...] | None = None


def map_format(
    outputs: Sequence[OutputFormat],
    *,
    background: float | None = None,
    legend: Legend | None = None,
    classes: Sequence[int] | None = None,
) -> MapFormat:
    """Decide on type, background and bands of a map.

    Args:
        outputs: Format of each output that is stacked.
        background: None for 255 (65535 above 255 classes) in label maps, or the next
            smaller number that is not a class, and for NaN in others.
        legend: Class names and colours.
        classes: Class numbers of a label map; None takes those of the legend.

    Raises:
        ValueError: If class numbers are given for a map that is not of labels, or not
            one for each class of the network, or the background is not a whole number
            in a label map.
    """
    first = outputs[0]
    is_labels = len(outputs) == 1 and first.is_labels
    numbers = _class_numbers(first, is_labels, legend, classes)
    _check_legend_length(legend, first.class_count)
    bands = _band_names(outputs, legend)
    if not is_labels:
        value = np.nan if background is None else float(background)
        return MapFormat(np.dtype("float32"), value, bands, legend)
    known = {*range(first.class_count or 0)} if numbers is None else {*numbers}
    known |= {*legend.classes} if legend else set()
    most = max(known, default=0)
    if background is None:
        small = most < BACKGROUND_8_BIT
        largest = BACKGROUND_8_BIT if small else BACKGROUND_16_BIT
        # The largest one may be a class: 65535. 65536 classes leave none.
        free = (value for value in range(largest, -1, -1) if value not in known)
        background = next(free, largest)
    if not float(background).is_integer():
        raise ValueError(
            f"The background of a label map is {background:g}. Give a whole number "
            "that is not a class, or leave it out."
        )
    if background in known:
        warn(
            f"The background {background:g} is also a class"
            f"{_class_name(legend, int(background))}: the two cannot be told apart in "
            "the map. Leave `background` out, or take a free value."
        )
    dtype = _label_type(background, most)
    return MapFormat(dtype, background, bands, legend, numbers)


def _class_numbers(
    output: OutputFormat,
    is_labels: bool,
    legend: Legend | None,
    classes: Sequence[int] | None,
) -> tuple[int, ...] | None:
    """The class numbers to write; None where they are the network's own."""
    if classes is not None and not is_labels:
        raise ValueError(
            f"`classes` numbers the classes of a label map. The output '{output.name}' "
            f"has {output.channels} band(s) of {output.dtype}. Leave `classes` out, or "
            "map an output of labels."
        )
    if not is_labels:
        return None
    if classes is None:
        classes = legend.classes if legend else ()
        if tuple(classes) == tuple(range(len(classes))):
            return None
    numbers = arguments.class_numbers("classes", classes)
    if output.class_count not in (None, len(numbers)):
        raise ValueError(
            f"The network has {output.class_count} classes, and {len(numbers)} class "
            f"numbers are given: {numbers}. Give one for each class, in the order of "
            "`patch_dataset(…, classes=…)`."
        )
    return numbers


def _check_legend_length(legend: Legend | None, class_count: int | None) -> None:
    if legend and class_count not in (None, len(legend)):
        warn(
            f"The legend names {len(legend)} classes, and the network has "
            f"{class_count}. Give the legend of the classes that it was trained on."
        )


def _class_name(legend: Legend | None, number: int) -> str:
    if legend is None or number not in legend.classes:
        return ""
    return f" ('{legend.names[legend.classes.index(number)]}')"


def _label_type(background: float, most: int) -> np.dtype:
    if background < 0 or max(background, most) > BACKGROUND_16_BIT:
        return np.dtype("int32")
    small = max(background, most) <= BACKGROUND_8_BIT
    return np.dtype("uint8" if small else "uint16")


def _band_names(
    outputs: Sequence[OutputFormat], legend: Legend | None
) -> tuple[str, ...]:
    names: list[str] = []
    for output in outputs:
        if output.channels == 1:
            names.append(output.name)
            continue
        known = legend and len(legend) == output.channels
        classes: Sequence = legend.names if known else range(output.channels)
        names += [f"{output.name} {label}" for label in classes]
    return tuple(names)


def map_type(dtype: Any) -> np.dtype:
    """Type of a map, from its name or NumPy's type.

    Raises:
        ValueError: If a GeoTIFF cannot hold it.

    Example:
        >>> map_type("uint99")
        Traceback (most recent call last):
        ValueError: `dtype` is 'uint99'. Give one of 'uint8', 'int8', 'uint16', 'int16',
        'uint32', 'int32', 'float32', 'float64'.
    """
    try:
        name = np.dtype(dtype).name if dtype is not None else dtype
    except (TypeError, ValueError):
        name = dtype
    return np.dtype(arguments.choice("dtype", name, MAP_TYPES))


def background_in(background: float, dtype: np.dtype) -> float:
    """The background value in the type of a map: NaN becomes an integer's largest.

    Raises:
        ValueError: If the type cannot hold it.
    """
    if np.issubdtype(dtype, np.floating):
        return background
    limits = np.iinfo(dtype)
    if np.isnan(background):
        return limits.max
    if not limits.min <= background <= limits.max or background != int(background):
        raise ValueError(
            f"The type {dtype} cannot hold the background {background:g}. Choose a "
            f"whole number from {limits.min} to {limits.max} with `background=…`, or "
            "another `dtype`."
        )
    return int(background)


def in_map(
    values: np.ndarray,
    mask: np.ndarray,
    form: MapFormat,
    dtype: np.dtype,
    background: float,
) -> tuple[np.ndarray, str | None]:
    """Values of a tile as they stand in a map.

    Args:
        values: (height, width, channel), as the network gave them.
        mask: (height, width), True for background pixels.
        form: The map's classes.
        dtype: The map's type.
        background: Value of background pixels, in this type.

    Returns:
        The pixels, and a sentence to warn with; None if all is well.

    Raises:
        ValueError: If a class number does not fit into the type.
    """
    is_hole = mask.any()
    if form.classes is not None:
        # The labels of background pixels mean nothing, and may be any number.
        known = np.where(mask[..., np.newaxis], 0, values) if is_hole else values
        values = numbered(known, form.classes)
    warning = check_labels(values[~mask] if is_hole else values, dtype, background)
    pixels = to_type(values, dtype, nan=background)
    if is_hole:
        pixels[mask] = background
    return pixels, warning


def lost_probabilities(values: np.ndarray, dtype: np.dtype) -> str | None:
    """A sentence to warn with when an integer type leaves 0 and 1 of probabilities."""
    if np.issubdtype(dtype, np.floating) or np.issubdtype(values.dtype, np.integer):
        return None
    known = values[np.isfinite(values)]
    probable = ((known >= 0) & (known <= 1)).all()
    if not probable or (known == np.rint(known)).all():
        return None
    return (
        f"The values lie between 0 and 1, like probabilities; as {dtype} only 0 "
        "and 1 are left of them. Write them as 'float32'."
    )


def broken_pixels(count: int, of: int) -> str:
    """A sentence to warn with when a network gave NaN for pixels with data."""
    return (
        f"The network gives NaN (not a number) for {count} of {of} pixels; they are "
        "background in the map. Its weights hold NaN or are very large, or it divides "
        "by 0: look at `model.get_weights()`, and train again with a smaller learning "
        "rate."
    )


def check_labels(values: np.ndarray, dtype: np.dtype, background: float) -> str | None:
    """Check that class numbers fit into the type of the map.

    Measurements are clamped to the type; a clamped class number would be another class.

    Returns:
        A sentence to warn with, if a class number is the background; else None.

    Raises:
        ValueError: If a number does not fit.
    """
    if not np.issubdtype(values.dtype, np.integer) or not values.size:
        return None
    least, most = int(values.min()), int(values.max())
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        if least < limits.min or most > limits.max:
            number = least if least < limits.min else most
            raise ValueError(
                f"The class number {number} does not fit into {dtype}. Plan the map "
                "with `background=65535` (uint16), or `background=-1` (int32)."
            )
    is_label = values.shape[-1] == 1 and least <= background <= most
    if not is_label or not (values == background).any():
        return None
    return (
        f"The map holds the class {background:g}, which is also the background: "
        "the two cannot be told apart. Plan it with another `background`."
    )
