"""What early stopping would have done: a recorded training, stopped by other settings.

Epochs are counted from 1, as Keras prints them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Keras asks the metric whether more is better; a recorded curve has only its name.
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
    """What `keras.callbacks.EarlyStopping` does to a training; epochs count from 1.

    Attributes:
        monitor: Name of the watched curve.
        epochs: Epochs of the recorded training.
        epochs_run: Epochs that run with early stopping.
        stopped_epoch: The epoch that ends the training, None if none does.
        best_epoch: The last one that was an improvement, None if none was watched.
        best_value: The value of the curve in that epoch, None as above.
        kept_epoch: The epoch whose weights the model has in the end.
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
        """Epochs of the recorded training that do not run."""
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
        return f"{text}The model keeps the weights of epoch {self.kept_epoch}."


def replay_early_stopping(
    history: Mapping[str, Sequence[float]],
    *,
    monitor: str = "val_loss",
    patience: int = 0,
    min_delta: float = 0,
    mode: str = "auto",
    baseline: float | None = None,
    restore_best_weights: bool = False,
    start_from_epoch: int = 0,
) -> StoppingReplay:
    """Replay what `keras.callbacks.EarlyStopping` does on recorded curves.

    The arguments are those of the callback, and so is every decision.

    Args:
        history: Values epoch by epoch, by name: a Keras `history.history`, or
            `recorded.read_history(…)`.
        monitor: Name of the curve to watch.
        patience: Epochs without an improvement that end the training. 0 and 1 are the
            same: the first epoch without an improvement ends it.
        min_delta: A change of less than this is no improvement.
        mode: "min", "max", or "auto": by the name, for "loss" and the names of Keras'
            metrics.
        baseline: Only improvements that are better than this start the waiting anew.
        restore_best_weights: Keep the weights of the best epoch, not of the last one.
        start_from_epoch: Number of first epochs that are not watched.

    Returns:
        The epochs that run, and those whose weights are best and are kept.

    Raises:
        ValueError: If there is no such curve or mode, curves have different lengths, or
            "auto" cannot know whether more is better.

    Example:
        >>> curves = {"loss": [3, 2, 1, 0.5], "val_loss": [1.0, 0.8, 0.9, 0.7]}
        >>> replay_early_stopping(curves)
        Stopped after epoch 3 of 4. `val_loss` was best in epoch 2, 0.8. The model keeps
        the weights of epoch 3.
        >>> replay_early_stopping(curves, patience=2).kept_epoch
        4
    """
    values = _curve(history, monitor)
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


def _curve(history: Mapping[str, Sequence[float]], monitor: str) -> list[float]:
    if monitor not in history:
        raise ValueError(
            f"There is no curve '{monitor}' to watch. There are: "
            f"{', '.join(sorted(history)) or 'none'}."
        )
    lengths = {name: len(values) for name, values in history.items()}
    if lengths[monitor] != max(lengths.values()):
        raise ValueError(
            f"The curve '{monitor}' has {lengths[monitor]} epochs and others "
            f"{max(lengths.values())}: {lengths}. Record it in every epoch "
            "(`validation_freq=1`)."
        )
    if not lengths[monitor]:
        raise ValueError(
            f"The curve '{monitor}' is empty. Give a training of at least one epoch."
        )
    return [float(value) for value in history[monitor]]


def _comparison(
    monitor: str, mode: str, min_delta: float
) -> Callable[[float, float], bool]:
    """Function of (value, reference): whether it is an improvement."""
    sign = _sign(monitor, mode)
    least = sign * abs(min_delta)

    def better(value: float, reference: float) -> bool:
        # Keras compares in float32: differences that it cannot hold are none.
        with np.errstate(over="ignore"):
            value, reference = np.float32(value - least), np.float32(reference)
        return bool(sign * value > sign * reference)

    return better


def _sign(monitor: str, mode: str) -> int:
    """1 where more is better, -1 where less is."""
    if mode in ("min", "max"):
        return 1 if mode == "max" else -1
    if mode != "auto":
        raise ValueError(f"There is no mode '{mode}'. There are: auto, min, max.")
    name = monitor.removeprefix("val_")
    if _FALLING.fullmatch(name):
        return -1
    if _RISING.fullmatch(name):
        return 1
    raise ValueError(
        f"Whether more of '{monitor}' is better cannot be known from its name. Give "
        "`mode='max'` or `mode='min'`."
    )
