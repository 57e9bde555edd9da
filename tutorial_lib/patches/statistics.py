"""Mean and standard deviation of each band, to standardise a network's inputs.

A *standardised* band has the mean 0 and the standard deviation 1 in the patches from
which these were computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.patches.extraction import LABELS, Patches

# Patches that become float64 at a time.
STEP = 1024

__all__ = ["BandStatistics", "band_statistics"]


@dataclass(frozen=True)
class BandStatistics:
    """Mean and standard deviation of each band of an image.

    Attributes:
        mean: One number for each band.
        std: One number above 0 for each band.

    Raises:
        TypeError: If they are not lists of numbers.
        ValueError: If their lengths differ, a number is not finite, or a standard
            deviation is not above 0.

    Example:
        >>> BandStatistics(mean=[1200, 2500], std=[300, 800])
        BandStatistics(mean=(1200.0, 2500.0), std=(300.0, 800.0))
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        what = "numbers, one for each band"
        mean, std = (
            arguments.sequence(name, getattr(self, name), what)
            for name in ("mean", "std")
        )
        if len(mean) != len(std):
            raise ValueError(
                f"`mean` has {counted(len(mean), 'value')} and `std` {len(std)}. Give "
                "one of each for each band."
            )
        mean = tuple(arguments.number("mean", value) for value in mean)
        std = tuple(arguments.number("std", value, least=0) for value in std)
        if 0 in std:
            raise ValueError(
                f"`std` is 0 for band {std.index(0) + 1}: all its values are the same, "
                "so it cannot be standardised. Leave the band out, or take patches in "
                "which it varies."
            )
        # A frozen dataclass allows no other way.
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)


# The statistics of several inputs, by name.
Statistics = Mapping[str, BandStatistics]


def band_statistics(
    patches: Patches | Mapping[str, np.ndarray],
) -> dict[str, BandStatistics]:
    """Mean and standard deviation of each band of each source, over all pixels.

    Give the patches of the training area only: a network must not know the others.

    Args:
        patches: Patches, or arrays (n, height, width, channel) by name.

    Returns:
        The statistics by name, without the ones of "labels": what `statistics=` of
        `PatchModel` and of the tutorial's networks takes.

    Raises:
        TypeError: If they are neither patches nor arrays of numbers.
        ValueError: If an array has another number of axes, a value is NaN or infinite,
            or all values of a band are the same.

    Example:
        >>> patches = {"input": np.array([1.0, 3.0]).reshape(2, 1, 1, 1)}
        >>> band_statistics(patches)
        {'input': BandStatistics(mean=(2.0,), std=(1.0,))}
    """
    arrays = patches.arrays if isinstance(patches, Patches) else patches
    arrays = arguments.mapping(
        "patches", arrays, "patches that `extract_patches` returned"
    )
    names = [name for name in arrays if name != LABELS]
    if not names:
        raise ValueError("`patches` has no source. Give at least one.")
    return {name: _statistics(name, arrays[name]) for name in names}


def _statistics(name: str, values: Any) -> BandStatistics:
    what = "an array of numbers, (n, height, width, channel)"
    array = arguments.instance(f"patches[{name!r}]", values, np.ndarray, what)
    if array.dtype.kind not in "uif":
        raise TypeError(f"`patches[{name!r}]` holds {array.dtype}. Give {what}.")
    if array.ndim != 4 or not array.size:
        raise ValueError(
            f"`patches[{name!r}]` has the shape {array.shape}. Give {what}."
        )
    mean = array.mean(axis=(0, 1, 2), dtype="float64")
    squares = np.zeros_like(mean)
    # In steps, because differences of float64 take several times as much memory.
    for first in range(0, len(array), STEP):
        part = array[first : first + STEP] - mean
        squares += np.einsum("nhwc,nhwc->c", part, part)
    std = np.sqrt(squares / (array.size / len(mean)))
    if not np.isfinite(std).all():
        raise ValueError(
            f"`patches[{name!r}]` holds NaN or infinity. Leave these patches out."
        )
    constant = std <= 1e-12 * np.abs(mean)
    if constant.any():
        band = int(np.argmax(constant))
        raise ValueError(
            f"Band {band + 1} of '{name}' has the value {mean[band]:g} everywhere, so "
            "it cannot be standardised. Leave the band out, or take patches in which "
            "it varies."
        )
    return BandStatistics(mean.tolist(), std.tolist())
