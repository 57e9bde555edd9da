"""How good a model is: scores of each class by its most probable class (argmax)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["ClassScores", "evaluate_classes"]


@dataclass(frozen=True)
class ClassScores:
    """Scores from a confusion matrix.

    Attributes:
        confusion: (class, class) counts; rows are the true classes, columns the
            estimated ones.
        names: Names of the classes.

    Example:
        >>> scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
        >>> scores.overall_accuracy, scores.recall.tolist()
        (0.85, [0.8, 0.9])
    """

    confusion: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        count = len(self.names)
        if np.shape(self.confusion) != (count, count):
            raise ValueError(
                f"{count} classes need a confusion matrix of {count}x{count}. "
                f"Received: {np.shape(self.confusion)}, for the names {self.names}."
            )

    @property
    def overall_accuracy(self) -> float:
        """Share of the pixels whose most probable class is the true one."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def precision(self) -> np.ndarray:
        """Per class, the share of what was estimated as the class that is the class."""
        return _share(np.diag(self.confusion), self.confusion.sum(0))

    @property
    def recall(self) -> np.ndarray:
        """Per class, the share of the class that was found."""
        return _share(np.diag(self.confusion), self.confusion.sum(1))

    @property
    def f_score(self) -> np.ndarray:
        """Per class, the harmonic mean of precision and recall."""
        return _share(
            2 * np.diag(self.confusion), self.confusion.sum(0) + self.confusion.sum(1)
        )

    def __repr__(self) -> str:
        width = max(len(name) for name in self.names)
        lines = [f"{'class':{width}}  precision  recall  F-score"]
        columns = zip(
            self.names, self.precision, self.recall, self.f_score, strict=True
        )
        lines += [
            f"{n:{width}}  {p:9.2f}  {r:6.2f}  {f:7.2f}" for n, p, r, f in columns
        ]
        return "\n".join([*lines, f"overall accuracy {self.overall_accuracy:.2f}"])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Share of the whole, and 0 where there is nothing to share."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def evaluate_classes(
    model: "keras.Model",
    dataset: "tf.data.Dataset",
    *,
    names: tuple[str, ...] | None = None,
    target: str = "estimated",
) -> ClassScores:
    """Compare the most probable class with the true one, over a dataset.

    Args:
        model: Model with outputs by name.
        dataset: Batches of (inputs, {target: one-hot}), as `patch_dataset` makes them.
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
    confusion = 0
    for inputs, targets in dataset:
        true = np.asarray(targets[target])
        estimated = np.asarray(model(inputs, training=False)[target])
        if estimated.shape != true.shape:
            raise ValueError(
                f"The output '{target}' has the shape {estimated.shape} and its target "
                f"{true.shape}. Give patches of the size and the classes of the model."
            )
        class_count = true.shape[-1]
        pair = true.argmax(-1) * class_count + estimated.argmax(-1)
        confusion = confusion + np.bincount(pair.ravel(), minlength=class_count**2)
    if not np.any(confusion):
        raise ValueError("The dataset is empty: there is nothing to score.")
    confusion = np.reshape(confusion, (class_count, class_count))
    return ClassScores(confusion, names or tuple(map(str, range(class_count))))
