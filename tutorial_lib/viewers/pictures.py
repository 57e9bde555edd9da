"""From pixels to displayable pictures: stretch, class colours, transparent no-data.

A *picture* is (height, width, 4) uint8: red, green, blue and alpha. Pixels without data
have alpha 0. Figures, maps and widgets all use the same pictures.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tutorial_lib.rasters import Legend

# The colours of Okabe and Ito, which stay distinct without colour vision, for classes
# that have no colour of their own. Their black would look like a shadow: dark grey.
CLASS_COLORS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#4d4d4d",
)
_CLASS_RGB = Legend(CLASS_COLORS, CLASS_COLORS).rgb

# A ramp is (256, 3) uint8. Its lightness only rises, so it also works in grey.
GREY_RAMP = np.repeat(np.arange(256, dtype="uint8")[:, np.newaxis], 3, axis=1)
_ANCHORS = np.array(
    [(36, 22, 74), (43, 86, 140), (40, 150, 138), (140, 204, 96), (252, 243, 176)]
)
PROBABILITY_RAMP = np.stack(
    [np.interp(np.linspace(0, 4, 256), range(5), channel) for channel in _ANCHORS.T],
    axis=1,
).astype("uint8")

# Scales of colours in matplotlib fail near the end of float64.
LARGEST = 1e300

# Rows that are computed at a time: the steps in float64 take ten times the memory of
# the picture that they give.
STRIP = 64

Limits = tuple[np.ndarray | float, np.ndarray | float]

__all__ = [
    "CLASS_COLORS",
    "GREY_RAMP",
    "PROBABILITY_RAMP",
    "Limits",
    "brightening",
    "class_color",
    "class_ids",
    "class_name",
    "class_picture",
    "class_shares",
    "legend_place",
    "stretch_limits",
    "strips",
    "value_picture",
    "whole_classes",
]


def stretch_limits(
    values: np.ndarray, percentiles: Sequence[float] = (2, 98)
) -> tuple[np.ndarray, np.ndarray]:
    """Values of each channel that become darkest and brightest.

    Each channel has its own limits: the blue of a satellite image is brighter and
    flatter than its red, and common limits would show it as haze.

    Args:
        values: (n, channel) pixels with data.
        percentiles: Percentages of pixels that are below the two limits.

    Returns:
        Lower and upper limits, (channel,) each; 0 and 1 where there is no pixel.

    Example:
        >>> stretch_limits(np.arange(101.0).reshape(101, 1), (10, 80))
        (array([10.]), array([80.]))
    """
    if not len(values):
        return np.zeros(values.shape[-1]), np.ones(values.shape[-1])
    # One channel at a time, in a copy that may be put in order: it takes less memory.
    limits = [
        np.percentile(channel.astype("float64"), percentiles, overwrite_input=True)
        for channel in values.T
    ]
    low, high = np.clip(np.transpose(limits), -LARGEST, LARGEST)
    return low, high


def _shares(array: np.ndarray, limits: Limits) -> np.ndarray:
    """Values as 0 to 1 between the limits; 0.5 where both are the same."""
    low, high = (np.asarray(limit, "float64") for limit in limits)
    flat = high <= low
    # float64 does not overflow for values near the end of float32, such as -3.4e38.
    with np.errstate(over="ignore", invalid="ignore"):
        span = np.where(flat, 1, high - low)
        shares = np.nan_to_num((array.astype("float64") - low) / span)
    return np.where(flat, 0.5, np.clip(shares, 0, 1))


def brightening(values: np.ndarray, limits: Limits) -> float:
    """Exponent of the shares between the limits that makes the median visible.

    A few bright clouds or roofs make everything else dark in a linear stretch. The
    median becomes 0.4 of the way to white. The exponent is at most 1 (nothing becomes
    darker) and at least 0.5 (dark pixels keep their colours).

    Args:
        values: (n, channel) pixels with data.
        limits: Values that become darkest and brightest.

    Example:
        >>> values = np.array([[0.0], [16.0], [100.0]])
        >>> round(brightening(values, (0, 100)), 9)
        0.5
    """
    middle = np.median(_shares(values, limits)) if len(values) else 0.5
    return float(np.clip(np.log(0.4) / np.log(np.clip(middle, 1e-6, 0.4)), 0.5, 1))


def strips(height: int) -> Iterator[slice]:
    """The rows of a picture, `STRIP` at a time, so that little memory is needed.

    Example:
        >>> list(strips(70))
        [slice(0, 64, None), slice(64, 70, None)]
    """
    for first in range(0, height, STRIP):
        yield slice(first, min(first + STRIP, height))


def _with_alpha(colors: np.ndarray, valid: np.ndarray) -> np.ndarray:
    alpha = np.where(valid, 255, 0).astype("uint8")
    return np.dstack([np.where(valid[..., np.newaxis], colors, 0), alpha])


def value_picture(
    array: np.ndarray,
    valid: np.ndarray,
    limits: Limits,
    ramp: np.ndarray | None = None,
    gamma: float = 1,
) -> np.ndarray:
    """Picture of three channels in colour, or of one channel along a ramp.

    Args:
        array: (height, width, 3 or 1) pixels.
        valid: (height, width) bool, True where there is data.
        limits: Values that become 0 and 255, for each channel or for all.
        ramp: (256, 3) colours for one channel; None for three channels.
        gamma: Exponent of the shares between the limits; see `brightening`.

    Example:
        >>> pixel = np.array([[[10.0, 15.0, 99.0]]])
        >>> value_picture(pixel, np.array([[True]]), (10, 20)).tolist()
        [[[0, 128, 255, 255]]]
    """
    picture = np.empty((*valid.shape, 4), "uint8")
    for rows in strips(len(valid)):
        shares = _shares(array[rows], limits)
        colors = np.rint(shares**gamma * 255).astype("uint8")
        colors = colors if ramp is None else ramp[colors[..., 0]]
        picture[rows] = _with_alpha(colors, valid[rows])
    return picture


def legend_place(class_id: int, legend: Legend | None) -> int | None:
    """Index of a class in the names of a legend; None if it is not there.

    Example:
        >>> legend = Legend(("water", "forest"), ("#7fbcfc", "#106b00"))
        >>> legend_place(1, legend), legend_place(7, legend)
        (1, None)
    """
    if legend is None or class_id not in legend.classes:
        return None
    return legend.classes.index(class_id)


def class_color(class_id: int, legend: Legend | None) -> tuple[int, int, int]:
    """Colour of a class, 0 to 255: from the legend, else from `CLASS_COLORS`.

    Example:
        >>> class_color(1, Legend(("water", "forest"), ("#7fbcfc", "#106b00")))
        (16, 107, 0)
        >>> class_color(0, None)
        (0, 114, 178)
    """
    place = legend_place(class_id, legend)
    if place is not None:
        return legend.rgb[place]
    return _CLASS_RGB[class_id % len(_CLASS_RGB)]


def class_name(class_id: int, legend: Legend | None) -> str:
    """Name of a class; "class 7" if the legend has none."""
    place = legend_place(class_id, legend)
    if place is not None:
        return legend.names[place]
    return f"class {class_id}"


def whole_classes(name: str, values: np.ndarray) -> np.ndarray:
    """Values as whole class numbers, of an integer type.

    Args:
        name: What error messages call them.
        values: Any array of real numbers.

    Raises:
        ValueError: If a value is not whole.

    Example:
        >>> whole_classes("labels", np.array([0.0, 3.0]))
        array([0, 3])
    """
    if np.issubdtype(values.dtype, np.integer):
        return values
    # Not all larger floats are whole numbers of their own. NaN is not small either.
    is_small = np.abs(values) <= 2**53
    wrong = values[~(is_small & (values == np.rint(values)))]
    if len(wrong):
        raise ValueError(
            f"Class numbers are whole, and {name} holds {wrong[0]:g}. Give whole "
            "numbers, or draw other values with kind='grey'."
        )
    return values.astype("int64")


def class_ids(labels: np.ndarray, valid: np.ndarray) -> list[int]:
    """Numbers of the classes that are present, in ascending order."""
    return np.unique(labels[valid]).tolist()


def class_shares(labels: np.ndarray, valid: np.ndarray) -> dict[int, float]:
    """Share, from 0 to 1, of each class among the valid pixels."""
    ids, counts = np.unique(labels[valid], return_counts=True)
    shares = counts / max(1, counts.sum())
    return dict(zip(ids.tolist(), shares.tolist(), strict=True))


def class_picture(
    labels: np.ndarray, valid: np.ndarray, legend: Legend | None = None
) -> np.ndarray:
    """Picture (height, width, 4) uint8 of a label map (height, width).

    Example:
        >>> legend = Legend(("water", "forest"), ("#7fbcfc", "#106b00"))
        >>> labels = np.array([[1, 0, 255]])
        >>> class_picture(labels, labels != 255, legend).tolist()
        [[[16, 107, 0, 255], [127, 188, 252, 255], [0, 0, 0, 0]]]
    """
    ids = np.unique(labels)
    colors = [class_color(class_id, legend) for class_id in ids.tolist()]
    colors = np.array(colors, "uint8")
    picture = np.empty((*valid.shape, 4), "uint8")
    for rows in strips(len(valid)):
        places = np.searchsorted(ids, labels[rows])
        picture[rows] = _with_alpha(colors[places], valid[rows])
    return picture
