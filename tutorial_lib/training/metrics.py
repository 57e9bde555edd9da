"""Scores of each class while a network trains, as metrics for `compile`."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tutorial_lib.training.scores import THRESHOLD

# Not imported from `models`: that may be what loads Keras, and with it this module.
PACKAGE = "tutorial_lib"

# What the names of the scores begin with.
_PREFIXES = {
    "argmax": ("",),
    "threshold": ("threshold_",),
    "both": ("", "threshold_"),
}

# When an epoch ends Keras asks for its results outside of what is compiled; before 3.14
# it takes those of the last batch, where everything has to be then.
_ASKS_AGAIN = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 14)

__all__ = ["ClassMetrics", "FScore"]


def _check_decision(decision: str, known: Iterable[str]) -> None:
    if decision not in known:
        raise ValueError(
            f"There is no decision '{decision}'. There are: {', '.join(known)}."
        )


@keras.saving.register_keras_serializable(package=PACKAGE)
class ClassMetrics(keras.metrics.Metric):
    """Precision, recall and F-score of every class, from one confusion matrix.

    One matrix product for a batch gives them all, where `keras.metrics.Precision` and
    its kind count each class once more. While an epoch runs only the overall accuracy
    is shown; its end, `evaluate` and the curves have everything, named by score and
    class: `precision_water`, at the threshold `threshold_precision_water`; for all
    classes `overall_accuracy` and `kappa`, by argmax. To watch one of them, callbacks
    have to be told `mode="max"`.

    Args:
        names: Names of the classes, in the order of the channels.
        decision: "argmax", the most probable class; "threshold", a class wherever its
            probability is above 0.5, as `keras.metrics.Precision(class_id=…)` has it;
            or "both".
        name: Name of the overall accuracy while an epoch runs.
        dtype: Type of the overall accuracy.

    Example:
        >>> metric = ClassMetrics(("water", "land", "town"), decision="both")
        >>> metric.update_state([[[[1, 0, 0]]]], [[[[0.45, 0.3, 0.25]]]])
        >>> results = metric.result()
        >>> float(results["recall_water"]), float(results["threshold_recall_water"])
        (1.0, 0.0)
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        decision: str = "argmax",
        name: str = "overall_accuracy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        _check_decision(decision, _PREFIXES)
        self.names, self.decision = tuple(names), decision
        if isinstance(names, str) or len(set(names)) != len(self.names) or not names:
            raise ValueError(
                f"`names` are those of the classes, one for each. Received: {names!r}."
            )
        count = len(self.names)
        # float64: float32 stops counting at 17 million pixels.
        self.counts = self.add_variable(
            (count, 2 * count), "zeros", dtype="float64", name="counts"
        )
        # Callbacks with `mode="auto"` ask whether more is better.
        self._direction = "up"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        Args:
            y_true: (batch, height, width, class) one-hot; all zeros does not count.
            y_pred: (batch, height, width, class) probabilities.
            sample_weight: Weights that fit (batch, height, width).
        """
        true, estimated = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        count = len(self.names)
        if estimated.shape[-1] != count or true.shape[-1] != count:
            raise ValueError(
                f"There are {count} names of classes, {self.names}, and "
                f"{estimated.shape[-1]} channels in the output, {true.shape[-1]} in "
                "the target. Give a name for each class, and one-hot targets."
            )
        if sample_weight is not None:
            true = true * _fitting(sample_weight, len(true.shape))
        true = ops.reshape(true, (-1, count))
        estimated = ops.reshape(estimated, (-1, count))
        winners = ops.one_hot(ops.argmax(estimated, axis=-1), count)
        above = ops.cast(estimated > THRESHOLD, "float32")
        found = ops.concatenate([winners, above], axis=-1)
        step = ops.matmul(ops.transpose(true), found)
        self.counts.assign(self.counts + ops.cast(step, "float64"))

    def result(self) -> Any:
        """Every score by its name; in a compiled batch, the overall accuracy."""
        count = len(self.names)
        counts = ops.convert_to_tensor(self.counts)
        confusion = counts[:, :count]
        overall = _overall_scores(confusion)
        if _ASKS_AGAIN and not tf.executing_eagerly():
            # Each number that a compiled batch gives back costs time: with all of them
            # training takes a tenth longer (`benchmarks/metrics_cost.py`).
            return ops.cast(overall[0], self.dtype)
        matrices = {"": confusion, "threshold_": counts[:, count:]}
        keys, values = ["overall_accuracy", "kappa"], [overall]
        for prefix in _PREFIXES[self.decision]:
            scores = ("precision", "recall", "f_score")
            keys += [f"{prefix}{score}_{n}" for score in scores for n in self.names]
            values += _class_scores(matrices[prefix], ops.sum(confusion, axis=1))
        values = ops.cast(ops.concatenate(values), self.dtype)
        return dict(zip(keys, ops.unstack(values, len(keys)), strict=True))

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        own = {"names": list(self.names), "decision": self.decision}
        return {**super().get_config(), **own}


def _fitting(weights: Any, axes: int) -> Any:
    weights = ops.cast(weights, "float32")
    return ops.reshape(weights, (*ops.shape(weights), *[1] * (axes - weights.ndim)))


def _class_scores(matrix: Any, there: Any) -> list[Any]:
    hits, found = ops.diagonal(matrix), ops.sum(matrix, axis=0)
    return [
        ops.divide_no_nan(hits, found),
        ops.divide_no_nan(hits, there),
        ops.divide_no_nan(2 * hits, found + there),
    ]


def _overall_scores(confusion: Any) -> Any:
    """Overall accuracy and Cohen's kappa."""
    shares = ops.divide_no_nan(confusion, ops.sum(confusion))
    accuracy = ops.trace(shares)
    chance = ops.sum(ops.sum(shares, axis=0) * ops.sum(shares, axis=1))
    return ops.stack([accuracy, ops.divide_no_nan(accuracy - chance, 1 - chance)])


@keras.saving.register_keras_serializable(package=PACKAGE)
class FScore(keras.metrics.Metric):
    """F-score of one class: the harmonic mean of its precision and recall.

    `ClassMetrics` gives those of all classes for less time.

    Args:
        class_id: Number of the class.
        name: Name in the logs; None makes one.
        decision: "threshold", where the probability of the class is above 0.5, or
            "argmax", where it is the most probable class.
        dtype: Type of the result.

    Example:
        >>> metric = FScore(class_id=0)
        >>> metric.update_state([[[[1, 0, 0]]]], [[[[0.45, 0.3, 0.25]]]])
        >>> float(metric.result())
        0.0
    """

    def __init__(
        self,
        class_id: int,
        name: str | None = None,
        *,
        decision: str = "threshold",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name or f"f_score_{class_id}", dtype=dtype)
        _check_decision(decision, ("threshold", "argmax"))
        self.class_id, self.decision = class_id, decision
        top_k = 1 if decision == "argmax" else None
        self.precision = keras.metrics.Precision(class_id=class_id, top_k=top_k)
        self.recall = keras.metrics.Recall(class_id=class_id, top_k=top_k)
        # Callbacks with `mode="auto"` ask whether more is better.
        self._direction = "up"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of one-hot targets and probabilities."""
        self.precision.update_state(y_true, y_pred, sample_weight)
        self.recall.update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        """The F-score, 0 where the class is neither found nor there."""
        precision, recall = self.precision.result(), self.recall.result()
        return ops.divide_no_nan(2 * precision * recall, precision + recall)

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        own = {"class_id": self.class_id, "decision": self.decision}
        return {**super().get_config(), **own}
