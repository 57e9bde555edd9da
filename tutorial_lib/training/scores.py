"""Scores of each class from counts of pixels, by argmax and at the threshold 0.5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.notices import warn

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD = 0.5

# Titles of the scores by attribute of `ClassScores`.
_ARGMAX_TITLES = {"precision": "precision", "recall": "recall", "f_score": "F-score"}
_TITLES = _ARGMAX_TITLES | {
    f"threshold_{score}": f"threshold {title}"
    for score, title in _ARGMAX_TITLES.items()
}

__all__ = ["THRESHOLD", "ClassScores", "class_names", "compare_scores"]


def class_names(names: Any) -> tuple[str, ...]:
    """Names of classes as a tuple, after a check that they are texts and all different.

    Raises:
        TypeError: If they are not a list of texts.
        ValueError: If there are none, or a name is there twice.

    Example:
        >>> class_names(["water", "water"])
        Traceback (most recent call last):
        ValueError: `names` has 'water' twice. Give each class its own name.
    """
    names = arguments.sequence("names", names, "names, one for each class")
    names = tuple(str(arguments.text("names", name)) for name in names)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"`names` has {twice[0]!r} twice. Give each class its own name."
        )
    return names


@dataclass(frozen=True, repr=False)
class ClassScores:
    """Scores from a confusion matrix. A score is 0 where it would be 0 / 0.

    Attributes:
        confusion: (class, class) counts of pixels. Rows are true classes, columns the
            most probable ones.
        names: Names of the classes.
        above_threshold: (class, class) counts of pixels. Rows are true classes; a
            column counts the pixels whose probability of a class is above 0.5. None
            if unknown.

    Raises:
        TypeError: If the names are not texts, or a matrix does not hold numbers.
        ValueError: If a matrix does not have a row and a column for each name, a count
            is not a number of 0 or more, or a name is there twice.

    Example:
        >>> scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
        >>> scores.overall_accuracy, scores.recall.tolist()
        (0.85, [0.8, 0.9])
    """

    confusion: np.ndarray
    names: tuple[str, ...]
    above_threshold: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", class_names(self.names))
        for name in ("confusion", "above_threshold"):
            matrix = getattr(self, name)
            if matrix is not None or name == "confusion":
                object.__setattr__(self, name, _counts(name, matrix, self.names))

    @property
    def pixels(self) -> np.ndarray:
        """Number of pixels of each true class."""
        return np.sum(self.confusion, axis=1)

    @property
    def overall_accuracy(self) -> float:
        """Share of the pixels whose most probable class is the true one."""
        return float(_share(np.trace(self.confusion), np.sum(self.confusion)))

    @property
    def kappa(self) -> float:
        """Cohen's kappa: 1 if all is right, 0 if the model is as good as chance.

        Chance is a random guess that has each class as often as the model has it.
        """
        true, estimated = self.pixels, self.confusion.sum(0)
        chance = _share(true, true.sum()) @ _share(estimated, estimated.sum())
        return float(_share(self.overall_accuracy - chance, 1 - chance))

    @property
    def precision(self) -> np.ndarray:
        """Share of the pixels estimated as a class that are of this class, by class."""
        return _share(np.diag(self.confusion), self.confusion.sum(0))

    @property
    def recall(self) -> np.ndarray:
        """Share of the pixels of a class that are estimated as this class, by class."""
        return _share(np.diag(self.confusion), self.pixels)

    @property
    def f_score(self) -> np.ndarray:
        """Harmonic mean of precision and recall, by class."""
        return _share(2 * np.diag(self.confusion), self.confusion.sum(0) + self.pixels)

    @property
    def threshold_precision(self) -> np.ndarray:
        """Share of the pixels with a probability above 0.5 that are of the class."""
        return _share(np.diag(self._counts_above), self._counts_above.sum(0))

    @property
    def threshold_recall(self) -> np.ndarray:
        """Share of the pixels of a class that have a probability of it above 0.5."""
        return _share(np.diag(self._counts_above), self.pixels)

    @property
    def threshold_f_score(self) -> np.ndarray:
        """Harmonic mean of precision and recall at the threshold, by class."""
        return _share(
            2 * np.diag(self._counts_above), self._counts_above.sum(0) + self.pixels
        )

    @property
    def _counts_above(self) -> np.ndarray:
        if self.above_threshold is None:
            raise ValueError(
                "There are no scores at the threshold 0.5: `above_threshold` is None. "
                "Give these counts, or make the scores with `evaluate_classes`."
            )
        return self.above_threshold

    def table(self) -> "pd.DataFrame":
        """Scores of each class by argmax and, if known, at the threshold.

        Returns:
            One row for each class. The columns are ("argmax" or "threshold 0.5",
            score). Values are rounded to three decimals.

        Example:
            >>> counts = np.array([[8, 2], [1, 9]])
            >>> scores = ClassScores(counts, ("water", "land"))
            >>> scores.table()["argmax"]
                   precision  recall  F-score
            water      0.889     0.8    0.842
            land       0.818     0.9    0.857
        """
        import pandas as pd

        groups = {"argmax": ""}
        if self.above_threshold is not None:
            groups[f"threshold {THRESHOLD}"] = "threshold_"
        columns = {
            (group, title): np.round(getattr(self, prefix + score), 3)
            for group, prefix in groups.items()
            for score, title in _ARGMAX_TITLES.items()
        }
        return pd.DataFrame(columns, index=list(self.names))

    def plot(self) -> Any:
        """Draw the confusion matrix: rows are true classes, columns estimated ones.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.

        Example:
            >>> scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
            >>> scores.plot()
            Confusion matrix of 20 pixels, rows are true classes, columns estimated
            ones; 85% right. water: 80% right, 20% taken for land; land: 90% right, 10%
            taken for water.
        """
        from tutorial_lib.viewers.confusion import show_confusion

        return show_confusion(self)

    def __repr__(self) -> str:
        width = max(len(name) for name in (*self.names, "class"))
        lines = [f"{'class':{width}}  precision  recall  F-score"]
        columns = zip(
            self.names, self.precision, self.recall, self.f_score, strict=True
        )
        lines += [
            f"{n:{width}}  {p:9.2f}  {r:6.2f}  {f:7.2f}" for n, p, r, f in columns
        ]
        overall = f"overall accuracy {self.overall_accuracy:.2f}"
        return "\n".join([*lines, f"{overall}, kappa {self.kappa:.2f}, by argmax"])


def _counts(name: str, matrix: Any, names: tuple[str, ...]) -> np.ndarray:
    """A matrix of counts as an array, after a check."""
    try:
        counts = np.asarray(matrix)
    # Rows of different lengths.
    except ValueError:
        counts = np.array(None)
    if counts.dtype.kind not in "iuf":
        raise TypeError(
            f"`{name}` is {arguments.shown(matrix)}. Give an array (class, class) of "
            "numbers."
        )
    if counts.shape != (len(names), len(names)):
        raise ValueError(
            f"{len(names)} classes need a confusion matrix of {len(names)}x"
            f"{len(names)}. Received: {counts.shape}, for the names {names}. Give a "
            "name for each class."
        )
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError(
            f"`{name}` holds {counts.min():g}. Give counts of pixels, 0 or more."
        )
    return counts


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part divided by whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def compare_scores(
    scores: Mapping[str, ClassScores], *, score: str = "f_score"
) -> "pd.DataFrame":
    """Table of the scores of several models.

    Args:
        scores: Scores by model name, of the same classes and the same pixels.
        score: "precision", "recall" or "f_score"; with the prefix "threshold_" the
            score at the threshold.

    Returns:
        One column for each model. With two models a third column has the difference,
        second minus first. The rows are the score of each class, the overall accuracy
        and kappa. Values are rounded to three decimals.

    Raises:
        TypeError: If `scores` is not a dictionary of `ClassScores`.
        ValueError: If there are no scores, the classes differ, or `score` is unknown.

    Warns:
        UserWarning: If the models were scored on different pixels.

    Example:
        >>> one = ClassScores(np.array([[8, 2], [3, 7]]), ("water", "land"))
        >>> two = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
        >>> compare_scores({"one source": one, "two sources": two}, score="recall")
                          one source  two sources  difference
        water recall            0.80         0.80         0.0
        land recall             0.70         0.90         0.2
        overall accuracy        0.75         0.85         0.1
        kappa                   0.50         0.70         0.2
    """
    import pandas as pd

    example = '{"model 1": scores}'
    scores = arguments.mapping("scores", scores, example)
    for name, one in scores.items():
        what = "scores that `evaluate_classes` returned"
        arguments.instance(f"scores[{name!r}]", one, ClassScores, what)
    arguments.choice("score", score, _TITLES)
    _check_comparable(scores)
    names = next(iter(scores.values())).names
    rows = [f"{name} {_TITLES[score]}" for name in names]
    rows += ["overall accuracy", "kappa"]
    columns = {
        model: [*getattr(result, score), result.overall_accuracy, result.kappa]
        for model, result in scores.items()
    }
    table = pd.DataFrame(columns, index=rows)
    if len(scores) == 2:
        first, second = scores
        table["difference"] = table[second] - table[first]
    # A small negative number is rounded to -0.0; adding 0 removes the sign.
    return table.round(3) + 0.0


def _check_comparable(scores: Mapping[str, ClassScores]) -> None:
    if not scores:
        raise ValueError("There are no scores to compare. Give `{name: scores}`.")
    (first, reference), *others = scores.items()
    for name, other in others:
        if other.names != reference.names:
            raise ValueError(
                f"The classes differ: '{first}' has {reference.names} and '{name}' "
                f"{other.names}. Give `evaluate_classes` the same `names`."
            )
        if not np.array_equal(other.pixels, reference.pixels):
            warn(
                f"'{first}' and '{name}' were scored on different pixels: "
                f"{reference.pixels.tolist()} and {other.pixels.tolist()} by class. "
                "Use the same positions for a fair comparison."
            )
