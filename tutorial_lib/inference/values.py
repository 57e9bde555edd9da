"""What a map's pixels hold: its type, its background, and values that fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutorial_lib.inference.checks import OutputFormat
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Legend

# Background of label maps: the largest value of the smallest type that holds the class
# numbers and one value more.
BACKGROUND_8_BIT, BACKGROUND_16_BIT = 255, 65535

__all__ = [
    "MapFormat",
    "background_in",
    "check_labels",
    "map_format",
    "warn_of_lost_probabilities",
]


@dataclass(frozen=True)
class MapFormat:
    """Type, background and bands of a map.

    Attributes:
        dtype: Type of the pixels if none is asked for.
        background: Value of background pixels, also the no-data tag.
        bands: A name for each band.
        legend: Class names and colours of a label map.
    """

    dtype: np.dtype
    background: float
    bands: tuple[str, ...]
    legend: Legend | None


def map_format(
    outputs: Sequence[OutputFormat],
    background: float | None,
    legend: Legend | None,
) -> MapFormat:
    """Decide on type, background and bands of a map.

    Args:
        outputs: Format of each output that is stacked.
        background: None for 255 (65535 above 255 classes) in label maps, NaN in others.
        legend: Class names and colours.
    """
    bands = _band_names(outputs, legend)
    first = outputs[0]
    if len(outputs) > 1 or not first.is_labels:
        value = np.nan if background is None else float(background)
        return MapFormat(np.dtype("float32"), value, bands, legend)
    names = legend.names if legend else ()
    class_count = max(first.class_count or 0, len(names))
    if background is None:
        small = class_count <= BACKGROUND_8_BIT
        background = BACKGROUND_8_BIT if small else BACKGROUND_16_BIT
    if 0 <= background < class_count:
        name = "".join(f" ('{name}')" for name in names[int(background) :][:1])
        warn(
            f"The background {background:g} is also a class{name}: the two cannot be "
            "told apart in the map. Leave `background` out, or take a free value."
        )
    return MapFormat(_label_type(background, class_count), background, bands, legend)


def _label_type(background: float, class_count: int) -> np.dtype:
    if background < 0:
        return np.dtype("int32")
    small = background <= BACKGROUND_8_BIT and class_count <= 256
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


def warn_of_lost_probabilities(values: np.ndarray, dtype: np.dtype) -> None:
    """Warn when an integer type would leave only 0 and 1 of probabilities."""
    if np.issubdtype(dtype, np.floating) or np.issubdtype(values.dtype, np.integer):
        return
    known = values[np.isfinite(values)]
    probable = ((known >= 0) & (known <= 1)).all()
    if probable and (known != np.rint(known)).any():
        warn(
            f"The values lie between 0 and 1, like probabilities; as {dtype} only 0 "
            "and 1 are left of them. Write them as 'float32'."
        )


def check_labels(values: np.ndarray, dtype: np.dtype, background: float) -> None:
    """Check that class numbers fit into the type of the map.

    Measurements are clamped to the type; a clamped class number would be another class.

    Raises:
        ValueError: If a number does not fit.
    """
    if not np.issubdtype(values.dtype, np.integer):
        return
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        least, most = int(values.min()), int(values.max())
        if least < limits.min or most > limits.max:
            number = least if least < limits.min else most
            raise ValueError(
                f"The class number {number} does not fit into {dtype}. Plan the map "
                "with `background=65535` (uint16), or `background=-1` (int32)."
            )
    if values.shape[-1] == 1 and (values == background).any():
        warn(
            f"The map holds the class {background:g}, which is also the background: "
            "the two cannot be told apart. Plan it with another `background`."
        )
