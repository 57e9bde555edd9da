"""Whether probabilities can be taken at their word: calibration.

A network is *calibrated* if, of all patches to which it gives a probability near 0.8,
about 80 % are right.

Source: C. Guo et al. (2017), On Calibration of Modern Neural Networks,
<https://doi.org/10.48550/arXiv.1706.04599>. Equation 3 there is the error here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.training.places import whole_arrays

if TYPE_CHECKING:
    import pandas

# Of the sum of a patch's probabilities: float32 and float16 round them.
TOLERANCE = 0.01

__all__ = ["Reliability", "calibration_error", "reliability"]


@dataclass(frozen=True, eq=False, repr=False)
class Reliability:
    """How often a network is right, against how sure it is; `reliability` makes it.

    Attributes:
        counts: (bin,) patches in each bin. The bins are equally wide, from 0 to 1.
        probability: (bin,) mean probability of the estimated class; NaN in an empty
            bin.
        accuracy: (bin,) share of the patches that are right; NaN in an empty bin.
    """

    counts: np.ndarray
    probability: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error, from 0 to 1.

        It is the mean distance between probability and accuracy. Each bin counts with
        its share of the patches.
        """
        return self._mean(np.abs(self.probability - self.accuracy))

    @property
    def overconfidence(self) -> float:
        """Mean probability minus accuracy: above 0 if the network is too sure."""
        return self._mean(self.probability - self.accuracy)

    def _mean(self, values: np.ndarray) -> float:
        filled = self.counts > 0
        return float(np.average(values[filled], weights=self.counts[filled]))

    def table(self) -> "pandas.DataFrame":
        """One row for each bin that is not empty.

        Example:
            >>> reliability([0, 0, 1], [[0.9, 0.1]] * 3).table()
                        patches  probability  accuracy
            0.9 to 1.0        3          0.9     0.667
        """
        import pandas

        count = len(self.counts)
        places = max(1, int(np.ceil(np.log10(count))))
        names = [
            f"{k / count:.{places}f} to {(k + 1) / count:.{places}f}"
            for k in range(count)
        ]
        columns = {
            "patches": self.counts,
            "probability": np.round(self.probability, 3),
            "accuracy": np.round(self.accuracy, 3),
        }
        return pandas.DataFrame(columns, index=names)[self.counts > 0]

    def plot(
        self, name: str = "network", others: "Mapping[str, Reliability] | None" = None
    ) -> Any:
        """Draw the accuracy of each bin against its mean probability.

        Args:
            name: Name of this curve.
            others: Further curves by their names.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.

        Example:
            >>> reliability([0, 0, 1], [[0.9, 0.1]] * 3).plot("area B")
            Accuracy against probability. area B: calibration error 0.23, too sure.
        """
        from tutorial_lib.viewers.reliability import show_reliability

        others = {} if others is None else others
        others = arguments.mapping("others", others, '{"area C": another}')
        return show_reliability({arguments.text("name", name): self} | others)

    def __repr__(self) -> str:
        return (
            f"calibration error {self.error:.3f} of {self.counts.sum()} patches\n"
            f"{self.table().to_string()}"
        )


def calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 10
) -> float:
    """Expected calibration error: how far probabilities are from accuracies.

    Args:
        labels: (n,) true class numbers of patches, 0, 1, 2…
        probabilities: (n, class) probabilities that a network gives.
        bins: Number of bins, equally wide from 0 to 1.

    Returns:
        The error, from 0 (calibrated) to 1.

    Raises:
        TypeError: If these are not class numbers and probabilities.
        ValueError: If they do not fit together, or `bins` is below 1.

    Example:
        >>> calibration_error([0, 0, 0, 1], [[0.75, 0.25]] * 4)
        0.0
    """
    return reliability(labels, probabilities, bins).error


def reliability(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 10
) -> Reliability:
    """Compare how sure a network is with how often it is right.

    Patches are put into bins by the probability of their estimated class, the most
    probable one. A bin holds its lower end; the last one holds 1 too.

    Args:
        labels: (n,) true class numbers of patches, 0, 1, 2…
        probabilities: (n, class) probabilities that a network gives.
        bins: Number of bins, equally wide from 0 to 1.

    Returns:
        Patches, mean probability and accuracy of each bin.

    Raises:
        TypeError: If these are not class numbers and probabilities.
        ValueError: If they do not fit together, or `bins` is below 1.

    Example:
        >>> found = reliability([0, 0, 1], [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], bins=2)
        >>> found.counts.tolist(), round(found.error, 3), round(found.overconfidence, 3)
        ([0, 3], 0.033, 0.033)
    """
    (labels,) = whole_arrays(labels=labels)
    probabilities = _checked(probabilities, labels)
    bins = arguments.whole_number("bins", bins, least=1)
    surest = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((surest * bins).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    means = [
        np.divide(
            np.bincount(number, weights=values, minlength=bins),
            counts,
            out=np.full(bins, np.nan),
            where=counts > 0,
        )
        for values in (surest, right)
    ]
    return Reliability(counts, *means)


def _checked(probabilities: Any, labels: np.ndarray) -> np.ndarray:
    """Probabilities as float64, after a check that they fit the labels."""
    try:
        array = np.asarray(probabilities)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"`probabilities` is {arguments.shown(probabilities)}. Give an array "
            "(patch, class) of numbers."
        )
    if array.ndim != 2 or len(array) != len(labels):
        raise ValueError(
            f"`probabilities` has the shape {array.shape}, and there are {len(labels)} "
            "labels. Give one row for each label and one column for each class."
        )
    if labels.max() >= array.shape[1]:
        raise ValueError(
            f"`labels` holds the class {labels.max()}, and `probabilities` has "
            f"{array.shape[1]} columns. Give a column for each class."
        )
    array = array.astype("float64")
    # Written so that NaN is refused too.
    fits = (array.min(axis=1) >= 0) & (np.abs(array.sum(axis=1) - 1) <= TOLERANCE)
    if not fits.all():
        row = array[fits.argmin()]
        what = "holds a negative value" if row.min() < 0 else "does not add up to 1"
        raise ValueError(
            f"`probabilities` has the row {row.round(3).tolist()}, which {what}. Give "
            "the output of a softmax."
        )
    return array
