"""Scores of each class as Keras metrics, for `compile`."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tutorial_lib import arguments
from tutorial_lib.training.scores import THRESHOLD, class_names

# Not imported from `networks.patch_model`: that module imports Keras, and the import of
# Keras loads this one (see `tutorial_lib._register`) before PACKAGE is defined there.
PACKAGE = "tutorial_lib"

# Prefixes in the names of the scores, for each decision.
_PREFIXES = {
    "argmax": ("",),
    "threshold": ("threshold_",),
    "both": ("", "threshold_"),
}

# From 3.14 on, Keras calls `result` again at the end of an epoch, outside of the
# compiled step. Older versions use the result of the last batch, so each batch then
# needs all scores.
_CALLED_AT_EPOCH_END = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 14)

__all__ = ["ClassMetrics", "FScore"]


@keras.saving.register_keras_serializable(package=PACKAGE)
class ClassMetrics(keras.metrics.Metric):
    """Precision, recall and F-score of every class, from one confusion matrix.

    One matrix product for each batch counts all classes. `keras.metrics.Precision` and
    `Recall` count each class on its own, which takes longer.

    During an epoch only the overall accuracy is shown. The end of the epoch, `evaluate`
    and the curves have all scores by name: `precision_water`, or at the threshold
    `threshold_precision_water`. `overall_accuracy` and `kappa` are for all classes, by
    argmax. A callback that watches one of them needs `mode="max"`.

    Args:
        names: Names of the classes, in the order of the channels.
        decision: "argmax": a pixel has its most probable class. "threshold": it has
            each class whose probability is above 0.5, as in
            `keras.metrics.Precision(class_id=…)`. "both": scores of both kinds.
        name: Name of the overall accuracy during an epoch.
        dtype: Type of the overall accuracy.

    Raises:
        TypeError: If `names` is not a list of texts.
        ValueError: If the decision is unknown, or names are missing or repeated.

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
        name = None if name is None else arguments.text("name", name)
        super().__init__(name=name, dtype=dtype)
        self.names = class_names(names)
        self.decision = arguments.choice("decision", decision, _PREFIXES)
        count = len(self.names)
        # float32 cannot count beyond 2**24, which is 17 million pixels.
        self.counts = self.add_variable(
            (count, 2 * count), "zeros", dtype="float64", name="counts"
        )
        # Callbacks of Keras with `mode="auto"` read here that more is better.
        self._direction = "up"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch to the counts.

        Args:
            y_true: (batch, height, width, class) one-hot targets. A pixel of zeros has
                no class and is not counted.
            y_pred: (batch, height, width, class) probabilities. A pixel where one is
                NaN or infinite has no most probable class and is not counted.
            sample_weight: Weights (batch, height, width, 1). The last axes may be
                left out.

        Raises:
            TypeError: If targets or probabilities are not arrays of numbers.
            ValueError: If their shapes differ, or the number of channels is not the
                number of names.
        """
        true, estimated = _as_floats("y_true", y_true), _as_floats("y_pred", y_pred)
        count = len(self.names)
        shapes = tuple(estimated.shape), tuple(true.shape)
        if any(shape[-1:] != (count,) for shape in shapes):
            raise ValueError(
                f"There are {count} names of classes, {self.names}. The output has the "
                f"shape {shapes[0]} and the target {shapes[1]}. Give a name for each "
                "channel, and one-hot targets."
            )
        if shapes[0] != shapes[1] and None not in shapes[0] + shapes[1]:
            raise ValueError(
                f"`y_pred` has the shape {shapes[0]} and `y_true` {shapes[1]}. Give "
                "both for the same pixels."
            )
        if sample_weight is not None:
            true = true * _with_axes(sample_weight, len(true.shape))
        true = ops.reshape(true * _known(estimated), (-1, count))
        estimated = ops.reshape(estimated, (-1, count))
        winners = ops.one_hot(ops.argmax(estimated, axis=-1), count)
        above = ops.cast(estimated > THRESHOLD, "float32")
        found = ops.concatenate([winners, above], axis=-1)
        step = ops.matmul(ops.transpose(true), found)
        self.counts.assign(self.counts + ops.cast(step, "float64"))

    def result(self) -> Any:
        """All scores by name; in a compiled step only the overall accuracy."""
        count = len(self.names)
        counts = ops.convert_to_tensor(self.counts)
        confusion = counts[:, :count]
        overall = _overall_scores(confusion)
        if _CALLED_AT_EPOCH_END and not tf.executing_eagerly():
            # Each number that a compiled step returns takes time. With all scores,
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
        """Arguments of the metric, for `keras.saving`."""
        arguments = {"names": list(self.names), "decision": self.decision}
        return super().get_config() | arguments


def _as_floats(name: str, values: Any) -> Any:
    """An array of numbers as a tensor of float32."""
    try:
        return ops.cast(values, "float32")
    # TensorFlow has an error of its own for texts in a tensor.
    except (TypeError, ValueError, OverflowError, tf.errors.OpError):
        raise TypeError(
            f"`{name}` is {arguments.shown(values)}. Give an array or a tensor of "
            "numbers, (batch, height, width, class)."
        ) from None


def _known(estimated: Any) -> Any:
    """1 for each pixel whose probabilities are all numbers, otherwise 0."""
    known = ops.all(ops.isfinite(estimated), axis=-1, keepdims=True)
    return ops.cast(known, "float32")


def _with_axes(weights: Any, axes: int) -> Any:
    """Weights with axes of length 1 added at the end."""
    weights = ops.cast(weights, "float32")
    return ops.reshape(weights, (*ops.shape(weights), *[1] * (axes - weights.ndim)))


def _class_scores(matrix: Any, pixels: Any) -> list[Any]:
    """Precision, recall and F-score of each class, which has `pixels` true pixels."""
    right, estimated = ops.diagonal(matrix), ops.sum(matrix, axis=0)
    return [
        ops.divide_no_nan(right, estimated),
        ops.divide_no_nan(right, pixels),
        ops.divide_no_nan(2 * right, estimated + pixels),
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

    For all classes use `ClassMetrics`, which is faster.

    Args:
        class_id: Number of the class, from 0.
        name: Name in the logs; None for "f_score_" and the number of the class.
        decision: "threshold": a pixel has the class if its probability is above 0.5.
            "argmax": it has the class if no other is more probable.
        dtype: Type of the result.

    Raises:
        TypeError: If `class_id` is not a number.
        ValueError: If the decision is unknown, or `class_id` is not a whole number of
            0 or more.

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
        class_id = arguments.whole_number("class_id", class_id, least=0)
        name = f"f_score_{class_id}" if name is None else arguments.text("name", name)
        super().__init__(name=name, dtype=dtype)
        self.class_id = class_id
        self.decision = arguments.choice("decision", decision, ("threshold", "argmax"))
        top_k = 1 if decision == "argmax" else None
        self.precision = keras.metrics.Precision(class_id=class_id, top_k=top_k)
        self.recall = keras.metrics.Recall(class_id=class_id, top_k=top_k)
        # Callbacks of Keras with `mode="auto"` read here that more is better.
        self._direction = "up"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of one-hot targets and probabilities to the counts.

        A pixel where a probability is NaN or infinite is not counted.

        Raises:
            TypeError: If targets or probabilities are not arrays of numbers.
            ValueError: If there is no channel for the class.
        """
        y_true, y_pred = _as_floats("y_true", y_true), _as_floats("y_pred", y_pred)
        if y_pred.shape[-1] is not None and self.class_id >= y_pred.shape[-1]:
            raise ValueError(
                f"There is no class {self.class_id}: the output has {y_pred.shape[-1]} "
                "channels, which are classes from 0. Give another `class_id`."
            )
        known = _known(y_pred)
        weights = known
        if sample_weight is not None:
            weights = known * _with_axes(sample_weight, len(y_pred.shape))
        y_pred = ops.where(known > 0, y_pred, 0.0)
        self.precision.update_state(y_true, y_pred, weights)
        self.recall.update_state(y_true, y_pred, weights)

    def result(self) -> Any:
        """The F-score; 0 if the class is neither estimated nor true anywhere."""
        precision, recall = self.precision.result(), self.recall.result()
        return ops.divide_no_nan(2 * precision * recall, precision + recall)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the metric, for `keras.saving`."""
        arguments = {"class_id": self.class_id, "decision": self.decision}
        return super().get_config() | arguments
