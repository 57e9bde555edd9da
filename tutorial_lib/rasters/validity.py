"""Which pixels of a raster have data."""

import numpy as np

__all__ = ["is_nodata", "pixels_without_data"]


def is_nodata(array: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask of the values that equal the no-data value; NaN counts as equal to NaN.

    Args:
        array: Any array.
        nodata: The no-data value, or None if there is none.

    Returns:
        Boolean array of the same shape.

    Example:
        >>> is_nodata(np.array([0.0, np.nan, 2.0]), float("nan"))
        array([False,  True, False])
    """
    if nodata is None:
        return np.zeros(array.shape, bool)
    if np.isnan(nodata):
        return np.isnan(array)
    return array == nodata


def pixels_without_data(chunk: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask (height, width) of the pixels that are no-data in all bands.

    Args:
        chunk: (height, width, channel) array.
        nodata: The no-data value, or None if there is none.

    Example:
        >>> chunk = np.array([[[0, 0], [0, 7]]])
        >>> pixels_without_data(chunk, nodata=0)
        array([[ True, False]])
    """
    return is_nodata(chunk, nodata).all(axis=-1)
