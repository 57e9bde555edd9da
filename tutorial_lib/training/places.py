"""How sure a score is, if the patches come from a number of places.

Patches of one polygon are alike: a second one says little that is new. So whole
polygons are drawn again, with replacement, and the score is computed from each draw
(bootstrap). How much the score changes from draw to draw shows how much it depends on
the places that happen to have a label.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.training.scores import class_names

if TYPE_CHECKING:
    import pandas

__all__ = ["accuracy_interval", "compare_over_places", "whole_arrays"]


def accuracy_interval(
    labels: np.ndarray,
    estimated: np.ndarray,
    polygons: np.ndarray | None = None,
    *,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the overall accuracy, from polygons that are drawn again.

    Args:
        labels: (n,) true class numbers of patches.
        estimated: (n,) class numbers that a model estimates.
        polygons: (n,) number of the polygon of each patch. Each class keeps its number
            of polygons in a draw. None takes each patch for a place of its own, which
            makes the interval too short where patches are alike.
        confidence: Share of the draws in the interval.
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        The lower and the upper end.

    Raises:
        TypeError: If these are not class numbers.
        ValueError: If they have different lengths, or a number is out of its limits.

    Example:
        >>> labels = np.array([0] * 50 + [1] * 50)
        >>> estimated = np.array([0] * 40 + [1] * 60)
        >>> places = np.repeat(np.arange(10), 10)
        >>> low, high = accuracy_interval(labels, estimated, places)
        >>> single = accuracy_interval(labels, estimated)
        >>> low < single[0] < 0.9 < single[1] < high
        True
    """
    labels, estimated = whole_arrays(labels=labels, estimated=estimated)
    options = _checked(confidence, draws, seed)
    if polygons is None:
        # As drawing single patches again: how many of them are right is binomial.
        right, rng = (labels == estimated).mean(), np.random.default_rng(options.seed)
        values = rng.binomial(len(labels), right, options.draws) / len(labels)
    else:
        _, polygons = whole_arrays(labels=labels, polygons=polygons)
        places = _Places(labels, polygons, options)
        right = places.sums((labels == estimated)[:, np.newaxis])[:, 0]
        values = right / places.sums(np.ones((len(labels), 1)))[:, 0]
    low, high = options.ends(values)
    return float(low), float(high)


def compare_over_places(
    labels: np.ndarray,
    estimated_one: np.ndarray,
    estimated_two: np.ndarray,
    polygons: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> "pandas.DataFrame":
    """Gain of a second model over a first one, with intervals over polygons.

    Both models are scored on the same draws of polygons, so what is hard for both does
    not count.

    Args:
        labels: (n,) true class numbers of patches, 0, 1, 2…
        estimated_one: (n,) class numbers that the first model estimates.
        estimated_two: (n,) class numbers that the second model estimates.
        polygons: (n,) number of the polygon of each patch.
        names: Names of the classes; None for "0", "1"…
        confidence: Share of the draws in an interval.
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        One row for the F-score of each class and one for the overall accuracy. The
        columns are "gain" (second minus first), "low" and "high". Zero between low and
        high means that these places do not tell which model is better.

    Raises:
        TypeError: If these are not class numbers.
        ValueError: If they have different lengths, a number is out of its limits, or
            there are more classes than names.

    Example:
        >>> labels = np.array([0] * 40 + [1] * 40)
        >>> one = np.array([0] * 20 + [1] * 60)
        >>> two = np.array([0] * 38 + [1] * 42)
        >>> places = np.repeat(np.arange(8), 10)
        >>> table = compare_over_places(labels, one, two, places)
        >>> table.loc["overall accuracy"].round(3).tolist()
        [0.225, 0.0, 0.45]
    """
    import pandas

    labels, one, two, polygons = whole_arrays(
        labels=labels,
        estimated_one=estimated_one,
        estimated_two=estimated_two,
        polygons=polygons,
    )
    count = int(max(labels.max(), one.max(), two.max())) + 1
    names = tuple(map(str, range(count))) if names is None else class_names(names)
    if len(names) < count:
        raise ValueError(
            f"`names` has {len(names)} names, and there is a class {count - 1}. Give a "
            f"name for each of {count} classes."
        )
    options = _checked(confidence, draws, seed)
    places = _Places(labels, polygons, options)
    gains = places.scores(labels, two, len(names)) - places.scores(
        labels, one, len(names)
    )
    low, high = options.ends(gains[1:])
    return pandas.DataFrame(
        {"gain": gains[0], "low": low, "high": high}, index=[*names, "overall accuracy"]
    )


class _Options:
    """Checked options of the draws."""

    def __init__(self, confidence: float, draws: int, seed: int) -> None:
        self.confidence, self.draws, self.seed = confidence, draws, seed

    def ends(self, values: np.ndarray) -> np.ndarray:
        """Lower and upper end of the values of all draws."""
        outside = (1 - self.confidence) / 2
        return np.quantile(values, [outside, 1 - outside], axis=0)


def _checked(confidence: float, draws: int, seed: int) -> _Options:
    confidence = arguments.number("confidence", confidence, above=0)
    if confidence >= 1:
        raise ValueError(f"`confidence` is {confidence:g}. Give a number below 1.")
    return _Options(
        confidence,
        arguments.whole_number("draws", draws, least=1),
        arguments.whole_number("seed", seed, least=0),
    )


def whole_arrays(**arrays: Any) -> list[np.ndarray]:
    """Arrays of whole numbers, after a check that they have the same length."""
    checked = [_whole(name, values) for name, values in arrays.items()]
    lengths = [len(array) for array in checked]
    if len(set(lengths)) > 1:
        counts = ", ".join(
            f"`{name}` has {n}" for name, n in zip(arrays, lengths, strict=True)
        )
        raise ValueError(f"{counts} values. Give the same number of each.")
    return checked


def _whole(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"`{name}` is {arguments.shown(values)}. Give an array of whole numbers, "
            "one for each patch."
        )
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"`{name}` has the shape {array.shape}. Give one number for each patch."
        )
    if array.min() < 0:
        raise ValueError(f"`{name}` holds {array.min()}. Give numbers of 0 or more.")
    return array.astype("int64")


class _Places:
    """How often each place is in each draw; a place is a polygon of one class."""

    def __init__(
        self, labels: np.ndarray, polygons: np.ndarray, options: _Options
    ) -> None:
        places, self.of_patch = np.unique(
            np.stack([labels, polygons]), axis=1, return_inverse=True
        )
        self.of_patch, self.count = self.of_patch.ravel(), places.shape[1]
        rng, parts = np.random.default_rng(options.seed), []
        # Positions are drawn by class, so each class keeps its number of places.
        for number in np.unique(places[0], return_counts=True)[1]:
            shares = np.full(number, 1 / number)
            parts.append(rng.multinomial(number, shares, options.draws))
        self.times = np.concatenate(parts, axis=1).astype("float64")

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(draw, k) sums of the values (n, k) of all patches in each draw."""
        return self.times @ self._by_place(values)

    def _by_place(self, values: np.ndarray) -> np.ndarray:
        return np.stack(
            [np.bincount(self.of_patch, v, self.count) for v in values.T], axis=1
        )

    def scores(self, labels: np.ndarray, estimated: np.ndarray, count: int) -> Any:
        """F-scores and overall accuracy: of the patches, then of each draw."""
        one_hot = np.eye(count)
        true, found = one_hot[labels], one_hot[estimated]
        # In this order: true, estimated, both.
        values = np.concatenate([true, found, true * found], axis=1)
        totals = np.concatenate([values.sum(0, keepdims=True), self.sums(values)])
        true, found, both = np.split(totals, 3, axis=1)
        whole = true + found
        f_scores = np.divide(2 * both, whole, out=np.zeros_like(both), where=whole > 0)
        accuracy = both.sum(1, keepdims=True) / true.sum(1, keepdims=True)
        return np.concatenate([f_scores, accuracy], axis=1)
