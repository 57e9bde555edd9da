"""How good a model is: scores of each class, by argmax and at the threshold 0.5."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import tensorflow as tf

THRESHOLD = 0.5

_COLUMNS = {"precision": "precision", "recall": "recall", "f_score": "F-score"}

__all__ = ["ClassScores", "compare_scores", "evaluate_classes"]


@dataclass(frozen=True, repr=False)
class ClassScores:
    """Scores from a confusion matrix; 0 where there is nothing to share.

    Attributes:
        confusion: (class, class) counts; rows are the true classes, columns the
            most probable ones.
        names: Names of the classes.
        above_threshold: (class, class) counts of the pixels of a true class (row) whose
            probability of a class (column) is above 0.5; None when unknown.

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
                    f"Received: {np.shape(matrix)}, for the names {self.names}."
                )

    @property
    def pixels(self) -> np.ndarray:
        """Per class, the number of pixels that are the class."""
        return np.sum(self.confusion, axis=1)

    @property
    def overall_accuracy(self) -> float:
        """Share of the pixels whose most probable class is the true one."""
        return float(_share(np.trace(self.confusion), np.sum(self.confusion)))

    @property
    def kappa(self) -> float:
        """Cohen's kappa: 1 when all is right, 0 when no better than chance.

        Chance is somebody who guesses, each class as often as the model does.
        """
        there, found = self.pixels / max(self.pixels.sum(), 1), self.confusion.sum(0)
        chance = there @ _share(found, found.sum())
        return float(_share(self.overall_accuracy - chance, 1 - chance))

    @property
    def precision(self) -> np.ndarray:
        """Per class, the share of what was estimated as the class that is the class."""
        return _share(np.diag(self.confusion), self.confusion.sum(0))

    @property
    def recall(self) -> np.ndarray:
        """Per class, the share of the class that was found."""
        return _share(np.diag(self.confusion), self.pixels)

    @property
    def f_score(self) -> np.ndarray:
        """Per class, the harmonic mean of precision and recall."""
        return _share(2 * np.diag(self.confusion), self.confusion.sum(0) + self.pixels)

    @property
    def threshold_precision(self) -> np.ndarray:
        """As `precision`, of what has a probability above 0.5."""
        return _share(np.diag(self._above), self._above.sum(0))

    @property
    def threshold_recall(self) -> np.ndarray:
        """As `recall`: a pixel is found when its class has more than 0.5."""
        return _share(np.diag(self._above), self.pixels)

    @property
    def threshold_f_score(self) -> np.ndarray:
        """Per class, the harmonic mean of both at the threshold."""
        return _share(2 * np.diag(self._above), self._above.sum(0) + self.pixels)

    @property
    def _above(self) -> np.ndarray:
        if self.above_threshold is None:
            raise ValueError(
                "These scores come from most probable classes only: there are none at "
                "the threshold 0.5. Make them with `evaluate_classes`, or give "
                "`above_threshold`."
            )
        return self.above_threshold

    def table(self) -> "pd.DataFrame":
        """Scores of each class by argmax and, where known, at the threshold.

        Returns:
            One row for each class; columns ("argmax" or "threshold 0.5", score),
            rounded to three decimals.

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
            for score, title in _COLUMNS.items()
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
    """Share of the whole, and 0 where there is nothing to share."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def compare_scores(
    scores: Mapping[str, ClassScores], *, score: str = "f_score"
) -> "pd.DataFrame":
    """Scores of several models side by side.

    Args:
        scores: Scores by model name, of the same classes and the same pixels.
        score: "precision", "recall" or "f_score", or one of them after "threshold_".

    Returns:
        One column for each model, and for two of them their difference, second less
        first; rows: the score of each class, then overall accuracy and kappa. Rounded
        to three decimals.

    Raises:
        ValueError: If there is nothing to compare, the classes differ, or there is no
            such score.

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
    prefix, kind = "threshold_" * score.startswith("threshold_"), score
    title = f"{prefix[:-1]} {_COLUMNS[kind.removeprefix('threshold_')]}".strip()
    names = next(iter(scores.values())).names
    rows = [*(f"{name} {title}" for name in names), "overall accuracy", "kappa"]
    columns = {
        model: [*getattr(found, score), found.overall_accuracy, found.kappa]
        for model, found in scores.items()
    }
    table = pd.DataFrame(columns, index=rows)
    if len(scores) == 2:
        first, second = scores
        table["difference"] = table[second] - table[first]
    # A zero that was rounded keeps its sign: -0.000.
    return table.round(3) + 0.0


def _check_comparable(scores: Mapping[str, ClassScores], score: str) -> None:
    known = [*_COLUMNS, *(f"threshold_{name}" for name in _COLUMNS)]
    if score not in known:
        raise ValueError(f"There is no score '{score}'. There are: {', '.join(known)}.")
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
            warnings.warn(
                f"'{first}' and '{name}' were scored on different pixels: "
                f"{reference.pixels.tolist()} and {other.pixels.tolist()} by class. A "
                "fair comparison uses the same positions.",
                stacklevel=3,
            )


def evaluate_classes(
    model: "keras.Model",
    dataset: "tf.data.Dataset",
    *,
    names: tuple[str, ...] | None = None,
    target: str = "estimated",
) -> ClassScores:
    """Compare estimated classes with the true ones, over a dataset.

    Args:
        model: Model with outputs by name.
        dataset: Batches of (inputs, {target: one-hot}), as `patch_dataset` makes them.
            Pixels without a class, all zeros, do not count.
        names: Names of the classes; None numbers them.
        target: The output to score: (batch, height, width, class) probabilities.

    Returns:
        Scores of each class and overall.

    Raises:
        ValueError: If the output has not the shape of the target, or nothing comes.

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
                f"{true.shape}. Give patches of the size and the classes of the model."
            )
        labelled = true.any(-1)
        counts = _count(true[labelled], estimated[labelled])
        confusion, above = confusion + counts[0], above + counts[1]
    if not np.any(confusion):
        raise ValueError("The dataset is empty: there is nothing to score.")
    return ClassScores(
        confusion, tuple(names or map(str, range(len(confusion)))), above
    )


def _count(true: np.ndarray, estimated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices of `ClassScores`, of (pixel, class) targets and probabilities."""
    count = true.shape[-1]
    classes = true.argmax(-1)
    pair = classes * count + estimated.argmax(-1)
    confusion = np.bincount(pair, minlength=count**2).reshape(count, count)
    above = [
        np.bincount(classes[estimated[:, number] > THRESHOLD], minlength=count)
        for number in range(count)
    ]
    return confusion, np.stack(above, axis=1)
