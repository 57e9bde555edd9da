"""Types of pixels in files: which there are, what they hold, and conversion."""

from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.rasters.validity import EXACT_IN_FLOAT64, as_own_type

# The types of real numbers that GeoTIFFs hold.
TYPES = (
    *("uint8", "uint16", "uint32", "uint64"),
    *("int8", "int16", "int32", "int64"),
    *("float32", "float64"),
)

# Types that GeoTIFFs do not hold, and the smallest one that holds their values.
_WIDER = {"bool": "uint8", "float16": "float32"}

__all__ = ["checked_nodata_tag", "pixel_type", "real_array", "stored_as", "to_type"]


def pixel_type(name: str, dtype: Any) -> np.dtype:
    """Type of the pixels of a file; True and False become uint8, float16 float32.

    Args:
        name: Name of the argument, for the message.
        dtype: Name of a type, or a type of NumPy.

    Raises:
        TypeError: If it is neither.
        ValueError: If a GeoTIFF does not hold this type.

    Example:
        >>> pixel_type("dtype", "uint99")
        Traceback (most recent call last):
        ValueError: `dtype` is 'uint99'. Give one of 'uint8', 'uint16', 'uint32',
        'uint64', 'int8', 'int16', 'int32', 'int64', 'float32', 'float64'.
    """
    if not isinstance(dtype, str | np.dtype | type):
        raise TypeError(
            f"`{name}` is {arguments.shown(dtype)}. Give the name of a type, such as "
            "'uint8' or 'float32'."
        )
    try:
        found = np.dtype(dtype).name
    except (TypeError, ValueError):
        found = arguments.shown(dtype).strip("'")
    return np.dtype(arguments.choice(name, _WIDER.get(found, found), TYPES))


def real_array(name: str, array: Any) -> np.ndarray:
    """An array of real numbers.

    Raises:
        TypeError: If it is no array, holds no real numbers, or has a mask.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"`{name}` is {arguments.shown(array)}. Give an array (height, width, "
            "channel)."
        )
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"`{name}` is a masked array, and a file does not hold the mask. Give the "
            "masked pixels a value first, and the file its tag: "
            "`write_array(path, array.filled(-9999), grid, nodata=-9999)`."
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` holds {array.dtype}. Give an array of real numbers."
            + " Of complex ones, take `np.abs(array)`." * (array.dtype.kind == "c")
        )
    return array


def checked_nodata_tag(nodata: Any, dtype: np.dtype) -> float | int | None:
    """The value of a no-data tag as a number that a file of this type can hold.

    Raises:
        TypeError: If it is not a number.
        ValueError: If the type cannot hold it.

    Example:
        >>> checked_nodata_tag(-9999, np.dtype("uint8"))
        Traceback (most recent call last):
        ValueError: `nodata` is -9999, which uint8 cannot hold. Give a number from 0 to
        255, or write another type.
    """
    if nodata is None:
        return None
    arguments.number("nodata", nodata, finite=False)
    value = nodata.item() if isinstance(nodata, np.generic) else nodata
    if dtype.kind in "iu":
        # rasterio writes this tag as a float64.
        limits = np.iinfo(dtype)
        least = max(limits.min, -EXACT_IN_FLOAT64)
        most = min(limits.max, EXACT_IN_FLOAT64)
        wanted = f"a number from {least} to {most}"
        fits = as_own_type(value, dtype) is not None and least <= value <= most
    else:
        wanted = "a number within its range"
        fits = as_own_type(value, dtype) is not None
    if not fits:
        raise ValueError(
            f"`nodata` is {value}, which {dtype} cannot hold. Give {wanted}, or write "
            "another type."
        )
    return value


def stored_as(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An array in the type of a file, after a check that no value changes by it.

    Floats may lose digits.

    Raises:
        ValueError: If a value would become another one.
    """
    if np.can_cast(array.dtype, dtype):
        return array.astype(dtype, copy=False)
    with np.errstate(all="ignore"):
        stored = array.astype(dtype)
        if array.dtype.kind == dtype.kind == "f":
            lost = np.isfinite(array) & ~np.isfinite(stored)
        else:
            # The sign, because -1 becomes the largest unsigned number, and back.
            lost = (stored.astype(array.dtype) != array) | ((stored < 0) != (array < 0))
    if lost.any():
        raise ValueError(
            f"The value {array[lost][0]:g} of {array.dtype} cannot be stored as "
            f"{dtype}. Convert the array first: `to_type(array, '{dtype}', nan=0)`."
        )
    return stored


def to_type(values: np.ndarray, dtype: str | np.dtype, *, nan: float) -> np.ndarray:
    """Convert values to another type; integers are rounded and clamped.

    Args:
        values: Any array of real numbers.
        dtype: The new type. Integers are rounded to the nearest one, and clamped to the
            limits of the type.
        nan: Value that replaces NaN in an integer type.

    Returns:
        Array of the new type and of the same shape.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If a GeoTIFF cannot hold the type, or an integer type `nan`.

    Example:
        >>> to_type(np.array([-1.0, 2.9, 300, np.nan]), "uint8", nan=255).tolist()
        [0, 3, 255, 255]
    """
    values = real_array("values", values)
    dtype = pixel_type("dtype", dtype)
    number = arguments.number("nan", nan, finite=False)
    if values.dtype == dtype or dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    if values.dtype.kind != "f":
        return values.clip(limits.min, limits.max).astype(dtype)
    if as_own_type(nan, dtype) is None:
        raise ValueError(
            f"`nan` is {number:g}, which {dtype} cannot hold. Give a whole number from "
            f"{limits.min} to {limits.max}."
        )
    # float64 holds the limits of 32-bit integers exactly, float32 does not.
    rounded = np.rint(values.astype("float64"))
    # Of 64-bit integers it does not hold the largest: 2^63 - 1 would become 2^63.
    low, high = rounded <= limits.min, rounded >= limits.max
    empty = np.isnan(rounded)
    result = np.where(low | high | empty, 0, rounded).astype(dtype)
    result[low], result[high], result[empty] = limits.min, limits.max, int(nan)
    return result
