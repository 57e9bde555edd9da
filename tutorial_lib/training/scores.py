"""Scores of each class of a model, by argmax and at the threshold 0.5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.notices import warn

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import tensorflow as tf

THRESHOLD = 0.5

# Titles of the scores by attribute of `ClassScores`.
_ARGMAX_TITLES = {"precision": "precision", "recall": "recall", "f_score": "F-score"}
_TITLES = _ARGMAX_TITLES | {
    f"threshold_{score}": f"threshold {title}"
    for score, title in _ARGMAX_TITLES.items()
}

__all__ = ["ClassScores", "compare_scores", "evaluate_classes"]


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
        ValueError: If a matrix does not have a row and a column for each name.

    Example:
        >>> scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
        >>> scores.overall_accuracy, scores.recall.tolist()
        (0.85, [0.8, 0.9])
    """

    confusion: np.ndarray
    names: tuple[str, ...]
    above_threshold: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.names)
        for matrix in (self.confusion, self.above_threshold):
            if matrix is not None and np.shape(matrix) != (count, count):
                raise ValueError(
                    f"{count} classes need a confusion matrix of {count}x{count}. "
                    f"Received: {np.shape(matrix)}, for the names {self.names}. Give a "
                    "name for each class."
                )

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

    _check_comparable(scores, score)
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


def _check_comparable(scores: Mapping[str, ClassScores], score: str) -> None:
    if score not in _TITLES:
        raise ValueError(
            f"There is no score '{score}'. Choose from: {', '.join(_TITLES)}."
        )
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


def evaluate_classes(
    model: "keras.Model",
    dataset: "tf.data.Dataset",
    *,
    names: tuple[str, ...] | None = None,
    target: str = "estimated",
) -> ClassScores:
    """Compare the classes that a model estimates with the true ones.

    Args:
        model: Model with outputs by name.
        dataset: Batches of (inputs, {target: one-hot}), as `patch_dataset` makes them.
            A pixel of zeros has no class and is not counted.
        names: Names of the classes; None for "0", "1"…
        target: Name of the output: (batch, height, width, class) probabilities.

    Returns:
        Scores of each class, by argmax and at the threshold.

    Raises:
        ValueError: If the output and the target have different shapes, or if there are
            no pixels with a class.

    Example:
        >>> import tutorial_lib as tl
        >>> labels = tl.testing.small_scene()["labels"]
        >>> positions = tl.select_positions(labels, count=9, margin=8)
        >>> patches = tl.extract_patches(
        ...     {"input": tl.testing.small_scene()["input_10m"]}, positions,
        ...     sizes={"input": 16}, out_dir=tl.testing.scratch_folder(),
        ... )
        >>> dataset = tl.patch_dataset(patches.paths, class_count=4)
        >>> model = tl.architectures.pixelwise_fcnn(4)
        >>> int(evaluate_classes(model, dataset).confusion.sum())
        36
    """
    confusion, above = 0, 0
    for inputs, targets in dataset:
        true = np.asarray(targets[target])
        estimated = np.asarray(model(inputs, training=False)[target])
        if estimated.shape != true.shape:
            raise ValueError(
                f"The output '{target}' has the shape {estimated.shape} and its target "
                f"{true.shape}. Use patches with the size and the classes of the model."
            )
        labelled = true.any(-1)
        one_hot = np.eye(true.shape[-1], dtype=int)
        true, estimated = one_hot[true[labelled].argmax(-1)], estimated[labelled]
        confusion += true.T @ one_hot[estimated.argmax(-1)]
        above += true.T @ (estimated > THRESHOLD)
    if not np.any(confusion):
        raise ValueError(
            "The dataset has no pixel with a class. Give at least one labelled patch."
        )
    names = names or map(str, range(len(confusion)))
    return ClassScores(confusion, tuple(names), above)
