"""What is computed of all values of a row or a neighbourhood: mean, median, majority.

Each function takes (h, w, rows, cols) and gives (h, w, 1, 1).
"""

import numpy as np

_BOTH = (-2, -1)


def total(values: np.ndarray) -> np.ndarray:
    """Sum of all values. OTB adds in float32 here; this adds in float64.

    Example:
        >>> total(np.ones((1, 1, 3, 5))).item()
        15.0
    """
    return values.sum(axis=_BOTH, keepdims=True)


def mean(values: np.ndarray) -> np.ndarray:
    """Mean of all values.

    Example:
        >>> mean(np.array([[[[1, 2, 6]]]])).item()
        3.0
    """
    return values.mean(axis=_BOTH, keepdims=True)


def variance(values: np.ndarray) -> np.ndarray:
    """Mean of the squared deviations from the mean.

    Example:
        >>> variance(np.array([[[[1, 3]]]])).item()
        1.0
    """
    return values.var(axis=_BOTH, keepdims=True)


def median(values: np.ndarray) -> np.ndarray:
    """The middle of the sorted values; of an even number, the upper one of the two.

    Example:
        >>> median(np.array([[[[1, 9, 2, 5]]]])).item()
        5
    """
    middle = values.shape[-2] * values.shape[-1] // 2
    parted = np.partition(_flat(values), middle, axis=-1)
    return parted[..., middle, None, None]


def majority(values: np.ndarray) -> np.ndarray:
    """The most frequent value, after rounding; of several, the smallest.

    OTB 9 overlooks the largest value of a window; this counts it, too.

    Example:
        >>> majority(np.array([[[[1, 2, 2, 7, 7]]]])).item()
        2.0
    """
    ordered = np.sort(np.floor(_flat(values) + 0.5), axis=-1)
    found = ordered[..., 0]
    run = longest = np.ones(found.shape, int)
    for place in range(1, ordered.shape[-1]):
        value = ordered[..., place]
        run = np.where(value == ordered[..., place - 1], run + 1, 1)
        found = np.where(run > longest, value, found)
        longest = np.maximum(run, longest)
    return found[..., None, None]


def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of the values of two matrices; nan where one of them is constant.

    Example:
        >>> correlation(np.array([[[[1, 2, 3]]]]), np.array([[[[6, 4, 2]]]])).item()
        -1.0
    """
    deviations = first - mean(first), second - mean(second)
    both = mean(deviations[0] * deviations[1])
    return both / (np.sqrt(variance(first)) * np.sqrt(variance(second)))


def norm(values: np.ndarray) -> np.ndarray:
    """Square root of the sum of the squares.

    Example:
        >>> norm(np.array([[[[3, 4]]]])).item()
        5.0
    """
    return np.sqrt(total(values**2))


def smallest(values: np.ndarray) -> np.ndarray:
    """Smallest value, nan left out.

    Example:
        >>> smallest(np.array([[[[3, np.nan, 2]]]])).item()
        2.0
    """
    return np.fmin.reduce(values, axis=_BOTH, keepdims=True)


def largest(values: np.ndarray) -> np.ndarray:
    """Largest value, nan left out.

    Example:
        >>> largest(np.array([[[[-3, np.nan, -2]]]])).item()
        -2.0
    """
    return np.fmax.reduce(values, axis=_BOTH, keepdims=True)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(*values.shape[:2], -1)


SUMMARIES = {"mean": mean, "var": variance, "median": median, "maj": majority}

EXTREMES = {"vmin": smallest, "vmax": largest, "vnorm": norm}
