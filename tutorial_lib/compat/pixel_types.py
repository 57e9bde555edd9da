"""OTB's names of pixel types, and how it converts numbers to them."""

import numpy as np

from tutorial_lib import arguments

# OTB's names, which pyotb accepts too.
TYPES = {
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "float": "float32",
    "double": "float64",
}
# NumPy's own names mean the same.
_ALIASES = {"float32": "float", "float64": "double"}

__all__ = ["TYPES", "cast", "dtype_of"]


def dtype_of(name: str) -> np.dtype:
    """The type of NumPy that OTB's name stands for.

    Raises:
        ValueError: If OTB has no such type.

    Example:
        >>> dtype_of("double"), dtype_of("uint8")
        (dtype('float64'), dtype('uint8'))
    """
    name = _ALIASES.get(name, name) if isinstance(name, str) else name
    return np.dtype(TYPES[arguments.choice("pixel_type", name, TYPES)])


def cast(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Convert as OTB does: integers are clamped to their range, then cut off.

    They are not rounded, as the kit's own maps are. NaN becomes 0.

    Example:
        >>> cast(np.array([-1.0, 2.9, 300, -0.5]), np.dtype("uint8")).tolist()
        [0, 2, 255, 0]
    """
    if dtype.kind == "f":
        # Beyond the largest float32 lies infinity, which is what OTB writes.
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    if values.dtype.kind == "f":
        # float64 holds the limits of 32-bit integers exactly, float32 does not.
        values = np.nan_to_num(values.astype("float64"), nan=0.0)
    return np.clip(values, limits.min, limits.max).astype(dtype)
