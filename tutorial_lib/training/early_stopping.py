"""Replay of early stopping: when other settings would have stopped a training.

Epochs are counted from 1, as in the output of Keras.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import wrapped

# Names of metrics: first those where more is better, then those where less is better.
# Keras asks the metric itself, but a recorded curve has only a name.
_RISING = re.compile(
    r"(acc|((binary|overall|(sparse_)?(top_k_)?categorical)_)?accuracy|precision|recall"
    r"|auc|f1_score|fbeta_score)(_\d+)?"
)
_FALLING = re.compile(
    r"loss|((mse|mae|(root_)?mean_(squared|absolute)_error"
    r"|(binary|(sparse_)?categorical)_crossentropy)(_\d+)?)"
)

__all__ = ["StoppingReplay", "replay_early_stopping"]


@dataclass(frozen=True, repr=False)
class StoppingReplay:
    """Result of `replay_early_stopping`; epochs are counted from 1.

    Attributes:
        monitor: Name of the watched curve.
        epochs: Number of epochs of the recorded training.
        epochs_run: Number of epochs with early stopping.
        stopped_epoch: The epoch after which the training stops; None if it does not.
        best_epoch: The last epoch with an improvement; None if no epoch was watched.
        best_value: Value of the curve in the best epoch; None if no epoch was watched.
        kept_epoch: The epoch whose weights the model has at the end.
    """

    monitor: str
    epochs: int
    epochs_run: int
    stopped_epoch: int | None
    best_epoch: int | None
    best_value: float | None
    kept_epoch: int

    @property
    def epochs_saved(self) -> int:
        """Number of recorded epochs that do not run with early stopping."""
        return self.epochs - self.epochs_run

    def __repr__(self) -> str:
        if self.stopped_epoch is None:
            text = f"Never stopped: all {self.epochs} epochs run. "
        else:
            text = f"Stopped after epoch {self.stopped_epoch} of {self.epochs}. "
        if self.best_epoch is None:
            text += f"`{self.monitor}` was not watched. "
        else:
            text += (
                f"`{self.monitor}` was best in epoch {self.best_epoch}, "
                f"{self.best_value:.4g}. "
            )
        return wrapped(f"{text}The model keeps the weights of epoch {self.kept_epoch}.")


def replay_early_stopping(
    history: Mapping[str, Sequence[float]] | Any,
    *,
    monitor: str = "val_loss",
    patience: int = 0,
    min_delta: float = 0,
    mode: str = "auto",
    baseline: float | None = None,
    restore_best_weights: bool = False,
    start_from_epoch: int = 0,
) -> StoppingReplay:
    """Find the epoch where `keras.callbacks.EarlyStopping` would stop a training.

    It takes the arguments of the callback, and gives the same result as Keras.

    Args:
        history: One value for each epoch by name: what `fit` of Keras returns, its
            `history`, or `recorded.read_history(…)`.
        monitor: Name of the curve to watch.
        patience: Number of epochs without an improvement after which training stops. 0
            and 1 are the same: training stops at the first such epoch.
        min_delta: A change of less than this is not an improvement.
        mode: "min" if less is better, "max" if more is better. "auto" decides by the
            name; it knows "loss" and the default names of Keras's metrics.
        baseline: An improvement resets the count only if it is also better than this.
        restore_best_weights: Keep the weights of the best epoch, not of the last one.
        start_from_epoch: Number of epochs at the start that are not watched.

    Returns:
        The number of epochs that run, the best epoch, and the epoch whose weights are
        kept.

    Raises:
        TypeError: If `history` is not a dictionary of lists of numbers, or another
            argument has a wrong type.
        ValueError: If the curve or the mode is unknown, the curves have different
            lengths, a number is out of range, or "auto" does not know the name of the
            curve.

    Example:
        >>> curves = {"loss": [3, 2, 1, 0.5], "val_loss": [1.0, 0.8, 0.9, 0.7]}
        >>> replay_early_stopping(curves)
        Stopped after epoch 3 of 4. `val_loss` was best in epoch 2, 0.8. The model keeps
        the weights of epoch 3.
        >>> replay_early_stopping(curves, patience=2).kept_epoch
        4
    """
    monitor = arguments.text("monitor", monitor)
    values = _curve(history, monitor)
    patience = arguments.whole_number("patience", patience, least=0)
    start_from_epoch = arguments.whole_number(
        "start_from_epoch", start_from_epoch, least=0
    )
    min_delta = arguments.number("min_delta", min_delta)
    if baseline is not None:
        baseline = arguments.number("baseline", baseline)
    restore_best_weights = arguments.flag("restore_best_weights", restore_best_weights)
    better = _comparison(monitor, mode, min_delta)
    wait, best, stopped = 0, None, None
    for epoch, value in enumerate(values[start_from_epoch:], start_from_epoch + 1):
        wait += 1
        if best is None or better(value, values[best - 1]):
            best = epoch
            if baseline is None or better(value, baseline):
                wait = 0
        elif wait >= patience:
            stopped = epoch
            break
    last = stopped or len(values)
    return StoppingReplay(
        monitor=monitor,
        epochs=len(values),
        epochs_run=last,
        stopped_epoch=stopped,
        best_epoch=best,
        best_value=None if best is None else values[best - 1],
        kept_epoch=best if restore_best_weights and best else last,
    )


def _curve(history: Any, monitor: str) -> list[float]:
    example = '{"loss": [1.2, 0.9], "val_loss": [1.3, 1.1]}'
    # `fit` returns an object of Keras with the dictionary in it.
    history = getattr(history, "history", history)
    history = arguments.mapping("history", history, example)
    if monitor not in history:
        raise ValueError(
            f"There is no curve '{monitor}' to watch. Choose from: "
            f"{', '.join(sorted(history)) or 'none'}."
        )
    history = {name: _numbers(name, values) for name, values in history.items()}
    lengths = {name: len(values) for name, values in history.items()}
    if lengths[monitor] != max(lengths.values()):
        raise ValueError(
            f"The curve '{monitor}' has {lengths[monitor]} epochs and others have "
            f"{max(lengths.values())}: {lengths}. Record it in every epoch "
            "(`validation_freq=1`)."
        )
    if not lengths[monitor]:
        raise ValueError(
            f"The curve '{monitor}' is empty. Give a training of at least one epoch."
        )
    return history[monitor]


def _numbers(name: str, values: Any) -> list[float]:
    """The values of one curve, one number for each epoch."""
    try:
        array = np.asarray(values)
    # Lists of different lengths.
    except ValueError:
        array = np.array(None)
    # An empty list becomes an array of float64.
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise TypeError(
            f"The curve '{name}' is {arguments.shown(values)}. Give a list with one "
            "number for each epoch."
        )
    return array.tolist()


def _comparison(
    monitor: str, mode: str, min_delta: float
) -> Callable[[float, float], bool]:
    """Function of (value, reference) that says whether a value is an improvement."""
    sign = _sign(monitor, mode)
    least = sign * abs(min_delta)

    def better(value: float, reference: float) -> bool:
        # Keras compares in float32, which rounds small differences to 0.
        with np.errstate(over="ignore"):
            value, reference = np.float32(value - least), np.float32(reference)
        return bool(sign * value > sign * reference)

    return better


def _sign(monitor: str, mode: str) -> int:
    """1 if more is better, -1 if less is better."""
    arguments.choice("mode", mode, ("auto", "min", "max"))
    if mode != "auto":
        return 1 if mode == "max" else -1
    name = monitor.removeprefix("val_")
    if _FALLING.fullmatch(name):
        return -1
    if _RISING.fullmatch(name):
        return 1
    raise ValueError(
        f"The name '{monitor}' does not say whether more is better. Give `mode='max'` "
        "if it is, else `mode='min'`."
    )
