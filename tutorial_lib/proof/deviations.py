"""How much two computations of the same pixels differ, and by how much they may."""

from dataclasses import dataclass

import numpy as np

# TensorFlow adds in another order for another shape of the input. Results may differ by
# this share of the range of values or, where the values hardly vary, by this number of
# rounding steps of a float32.
SHARE_OF_RANGE = 1e-5
ROUNDING_STEPS = 8

__all__ = ["Deviation", "changed", "deviation"]


@dataclass(frozen=True)
class Deviation:
    """How much two computations of the same pixels differ.

    Attributes:
        bitwise: Whether they are equal in every bit.
        largest: Largest difference.
        value_range: Largest minus smallest value.
        share: The largest difference as a share of what the order of sums may cause.
            Labels may not differ at all.
    """

    bitwise: bool
    largest: float
    value_range: float
    share: float

    @property
    def equal(self) -> bool:
        """Whether they differ by no more than the order of sums may cause."""
        return bool(self.share <= 1)


def changed(a: np.ndarray, b: np.ndarray, tolerance: float = 0) -> np.ndarray:
    """Mask of the pixels that differ in a channel by more than a tolerance.

    Without a tolerance every bit counts. NaN equals NaN.
    """
    mask = (a != b) & ~((a != a) & (b != b))
    if tolerance:
        with np.errstate(invalid="ignore"):
            mask &= ~(np.abs(np.subtract(a, b, dtype="float64")) <= tolerance)
    return mask.any(axis=-1)


def deviation(
    a: np.ndarray,
    b: np.ndarray,
    *,
    share_of_range: float = SHARE_OF_RANGE,
    tolerance: float = 0,
) -> Deviation:
    """Compare two computations (height, width, channel); the range is that of `b`.

    Args:
        a: One of them.
        b: The other one.
        share_of_range: What the order of sums may cause, as a share of the range.
        tolerance: What a model may cause that does not repeat its results.

    Example:
        >>> ones = np.ones((2, 3, 1), "float32")
        >>> deviation(ones, ones).bitwise, deviation(ones, ones + 0.001).equal
        (True, False)
    """
    bitwise = not bool(changed(a, b).any())
    a, b = (array.astype("float64") for array in (a, b))
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    # Equal infinities do not differ; a NaN in only one of the two does.
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    apart[np.isnan(apart)] = np.inf
    finite = b[np.isfinite(b)]
    value_range = float(np.ptp(finite)) if finite.size else 0.0
    largest = float(apart.max(initial=0))
    rounding = ROUNDING_STEPS * float(np.finfo("float32").eps)
    rounding *= np.abs(finite).max(initial=0)
    allowed = max(share_of_range * value_range, rounding, tolerance)
    share = largest / allowed if largest and allowed else largest
    return Deviation(bitwise, largest, value_range, float(share))
