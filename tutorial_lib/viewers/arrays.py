"""Arrays that users give to the viewers."""

from typing import Any

import numpy as np

from tutorial_lib.kinds import kind_of

__all__ = ["as_image"]


def as_image(layer: Any) -> np.ndarray:
    """An array (height, width, channel) of numbers; a masked array keeps its mask.

    Args:
        layer: Array, or nested lists, (height, width) or (height, width, channel).

    Raises:
        TypeError: If it does not hold real numbers.
        ValueError: If it has another number of axes.

    Example:
        >>> as_image([[1, 2, 3], [4, 5, 6]]).shape
        (2, 3, 1)
    """
    array = layer
    if not isinstance(layer, np.ma.MaskedArray):
        try:
            array = np.asarray(layer)
        except ValueError:  # lists of different lengths: refused below
            array = np.array(None)
    if array.dtype.kind not in "biuf" or not array.ndim:
        of = ""
        if isinstance(layer, np.ndarray):
            of = f" of {'texts' if array.dtype.kind in 'SU' else array.dtype}"
        raise TypeError(
            f"A layer is {kind_of(layer)}{of}. Give the path of a "
            "raster, or an array (height, width[, channel]) of real numbers."
        )
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3:
        raise ValueError(
            f"An array has the shape {array.shape}. Give one of (height, width) or "
            "(height, width, channel); of a batch, one image: `array[0]`."
        )
    return array.astype("uint8") if array.dtype == bool else array
