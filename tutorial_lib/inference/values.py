"""What may be written into a map: the background in its type, and values that fit."""

import numpy as np

from tutorial_lib.notices import warn

__all__ = ["background_in", "check_labels", "warn_of_lost_probabilities"]


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
            f"The background {background:g} is no value of the type {dtype}. Choose "
            f"one from {limits.min} to {limits.max} with `background=…`, or another "
            "`dtype`."
        )
    return int(background)


def warn_of_lost_probabilities(values: np.ndarray, dtype: np.dtype) -> None:
    """Say when nothing but 0 and 1 would be left of probabilities."""
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
    """Clamping is for measurements: a clamped class number is another class."""
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
