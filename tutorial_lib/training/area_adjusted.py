"""Accuracy and areas of a map, from a sample that was drawn class by class of the map.

Patches with the same number of each class are not the map: there, a class may cover
half of the ground. So each mapped class counts with its share of the map.

Source: P. Olofsson et al. (2014), Good practices for estimating area and assessing
accuracy of land change, Remote Sensing of Environment 148, 42-57,
<https://doi.org/10.1016/j.rse.2014.02.015>. Equations have the numbers of the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.training.places import whole_arrays
from tutorial_lib.training.scores import class_names

if TYPE_CHECKING:
    import pandas

__all__ = ["AreaAdjustedScores", "area_adjusted_scores"]


@dataclass(frozen=True)
class AreaAdjustedScores:
    """Accuracies and area shares of a map, with their standard errors.

    The user's accuracy of a class is the share of its mapped area that is right
    (precision). The producer's accuracy is the share of its true area that is mapped
    as this class (recall).

    Attributes:
        names: Names of the classes.
        overall: Share of the map that is right.
        users: (class,) user's accuracies; NaN for a class that is not on the map.
        producers: (class,) producer's accuracies; NaN for a class that does not occur.
        areas: (class,) true shares of the area; they differ from the mapped shares.
        mapped: (class,) shares of the map.
        errors: Standard error of each of them, under "overall", "users", "producers"
            and "areas".
        confidence: Share of all samples whose interval holds the true value.
    """

    names: tuple[str, ...]
    overall: float
    users: np.ndarray
    producers: np.ndarray
    areas: np.ndarray
    mapped: np.ndarray
    errors: dict[str, np.ndarray]
    confidence: float

    def interval(self, score: str) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of a score: "overall", "users", "producers" or "areas".

        Raises:
            ValueError: If there is no such score.
        """
        arguments.choice("score", score, self.errors)
        value, error = getattr(self, score), self.errors[score]
        half = NormalDist().inv_cdf((1 + self.confidence) / 2) * error
        return value - half, value + half

    def table(self) -> "pandas.DataFrame":
        """One row for each class; "±" is half of the length of an interval."""
        import pandas

        titles = {
            "users": "user's",
            "producers": "producer's",
            "areas": "true area",
        }
        columns = {"mapped area": self.mapped}
        for score, title in titles.items():
            columns[title] = getattr(self, score)
            columns[f"± {title}"] = self.interval(score)[1] - getattr(self, score)
        return pandas.DataFrame(columns, index=list(self.names)).round(3)

    def __repr__(self) -> str:
        half = self.interval("overall")[1] - self.overall
        return (
            f"overall accuracy {self.overall:.3f} ± {half:.3f}\n"
            f"{self.table().to_string()}"
        )


def area_adjusted_scores(
    labels: np.ndarray,
    estimated: np.ndarray,
    map_pixels: Sequence[int],
    names: Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
) -> AreaAdjustedScores:
    """Accuracies and areas of a map, from samples of each mapped class.

    The standard errors are true only for a probability sample: pixels drawn at random
    among all pixels that the map gives a class, also where no label was known before.
    Labels that somebody happened to draw are not such a sample.

    Args:
        labels: (n,) true class numbers of the samples, 0, 1, 2…
        estimated: (n,) class numbers of the samples on the map.
        map_pixels: Number of pixels of each class on the map.
        names: Names of the classes; None for "0", "1"…
        confidence: Share of all samples whose interval holds the true value.

    Returns:
        Overall, user's and producer's accuracies, and areas, with standard errors.

    Raises:
        TypeError: If these are not numbers.
        ValueError: If their lengths differ, the map has no pixel of a class that a
            sample has on it, or a class on the map has fewer than two samples.

    Source:
        Olofsson et al. (2014), equations 1 to 10.

    Example:
        >>> labels = np.array([0] * 45 + [1] * 5 + [1] * 40 + [0] * 10)
        >>> estimated = np.array([0] * 50 + [1] * 50)
        >>> names = ["water", "land"]
        >>> scores = area_adjusted_scores(labels, estimated, [1000, 9000], names)
        >>> scores.table()[["mapped area", "true area", "± true area"]]
               mapped area  true area  ± true area
        water          0.1       0.27        0.101
        land           0.9       0.73        0.101
    """
    labels, estimated = whole_arrays(labels=labels, estimated=estimated)
    pixels = np.array(arguments.whole_numbers("map_pixels", map_pixels, least=0))
    count = len(pixels)
    names = tuple(map(str, range(count))) if names is None else class_names(names)
    confidence = arguments.number("confidence", confidence, above=0)
    if confidence >= 1:
        raise ValueError(f"`confidence` is {confidence:g}. Give a number below 1.")
    largest = int(max(labels.max(), estimated.max()))
    if largest >= count or len(names) != count:
        raise ValueError(
            f"`map_pixels` has {count} numbers, `names` {len(names)}, and there is a "
            f"class {largest}. Give a number of pixels and a name for each class."
        )
    samples = np.zeros((count, count))
    np.add.at(samples, (estimated, labels), 1)
    _check_samples(samples.sum(1), pixels, names)
    return _scores(samples, pixels / pixels.sum(), names, confidence)


def _check_samples(
    sampled: np.ndarray, pixels: np.ndarray, names: Sequence[str]
) -> None:
    for name, number, size in zip(names, sampled, pixels, strict=True):
        if number and not size:
            raise ValueError(
                f"`map_pixels` says that '{name}' is not on the map, and {number:.0f} "
                "samples have this class on it. Count the pixels of the same map."
            )
        if size and number < 2:
            raise ValueError(
                f"The class '{name}' of the map has {number:.0f} samples. Draw at "
                "least two of each class of the map, better 50."
            )


def _scores(
    samples: np.ndarray, mapped: np.ndarray, names: tuple[str, ...], confidence: float
) -> AreaAdjustedScores:
    """The scores from counts of samples (mapped class, true class)."""
    sampled = samples.sum(1, keepdims=True)
    # Share of the samples of a mapped class that have each true class.
    rates = _ratio(samples, sampled)
    # Variance of these shares, and that of the area that they stand for.
    variance = _ratio(rates * (1 - rates), sampled - 1)
    weights = mapped[:, np.newaxis]
    area_variance = weights**2 * variance
    shares = weights * rates  # equation 4
    areas = shares.sum(0)  # equation 9
    right = np.diag(shares)
    users = np.where(sampled[:, 0] > 0, np.diag(rates), np.nan)  # equation 2
    producers = np.divide(
        right, areas, out=np.full(len(areas), np.nan), where=areas > 0
    )
    own = np.diag(area_variance)
    others = area_variance.sum(0) - own
    errors = {
        "overall": np.sqrt(own.sum()),  # equation 5
        "users": np.sqrt(np.diag(variance)),  # equation 6
        # Equation 7.
        "producers": _ratio(
            np.sqrt((1 - producers) ** 2 * own + producers**2 * others), areas
        ),
        "areas": np.sqrt(area_variance.sum(0)),  # equation 10
    }
    return AreaAdjustedScores(
        names, float(right.sum()), users, producers, areas, mapped, errors, confidence
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part divided by whole; 0 where the whole is not above 0."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.divide(part, whole, out=np.zeros(shape), where=whole > 0)
