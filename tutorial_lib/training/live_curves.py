"""`LiveCurves`: a Keras callback that draws the curves of a training while it runs."""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import keras

from tutorial_lib import arguments

__all__ = ["LiveCurves"]

# Plain text of the output. It has no numbers, because the tests of the notebooks
# compare it, and trainings differ from machine to machine.
_TEXT = "Curves of this training, epoch by epoch."


class LiveCurves(keras.callbacks.Callback):
    """Callback that shows the curves in one figure and updates it after each epoch.

    Outside a notebook it records the curves and shows nothing.

    Args:
        names: Names of the curves to draw, without "val_". None draws the loss, and the
            accuracies if there are any.
        interval_s: Shortest time between two drawings, in seconds: a drawing takes
            longer than a short epoch. The first and the last epoch are always drawn.

    Attributes:
        curves: One value for each epoch by name, as in `history.history`; NaN in an
            epoch without the value.

    Raises:
        TypeError: If `names` is not a list of texts, or `interval_s` not a number.
        ValueError: If `names` is empty, or `interval_s` below 0.

    Example:
        >>> live = LiveCurves()
        >>> live.on_train_begin()
        >>> live.on_epoch_end(0, {"loss": 1.5, "val_loss": 1.6})
        >>> live.curves
        {'loss': [1.5], 'val_loss': [1.6]}
        >>> live.plot()
        Curves of 1 epoch: loss. The validation loss is smallest in epoch 1, 1.6.
    """

    def __init__(
        self, names: Sequence[str] | None = None, *, interval_s: float = 1.0
    ) -> None:
        super().__init__()
        if names is not None:
            names = arguments.sequence("names", names, "names of curves")
            names = [arguments.text("names", name) for name in names]
        self.names = names
        self.interval_s = arguments.number("interval_s", interval_s, least=0)
        self._start()

    def _start(self) -> None:
        """Forget the curves and the figure of an earlier training."""
        self.curves: dict[str, list[float]] = {}
        self._display = None
        self._epochs, self._shown_epochs, self._shown_at = 0, 0, -math.inf

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start new curves and a new figure."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record the values of an epoch, and draw them if `interval_s` has passed."""
        logs = logs or {}
        for name in {**self.curves, **logs}:
            curve = self.curves.setdefault(name, [math.nan] * self._epochs)
            curve.append(float(logs.get(name, math.nan)))
        self._epochs += 1
        if time.monotonic() - self._shown_at >= self.interval_s:
            self._show()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Draw the last epoch if the figure does not show it yet."""
        if self._shown_epochs < self._epochs:
            self._show()

    def plot(self) -> Any:
        """Draw the curves recorded so far.

        Returns:
            A `StillFigure`: it displays itself in a notebook.

        Raises:
            ValueError: If one of `names` is not a recorded curve.
        """
        from tutorial_lib.viewers.curves import show_curves

        return show_curves(self._curves_to_draw())

    def _curves_to_draw(self) -> dict[str, list[float]]:
        known = [name for name in self.curves if not name.startswith("val_")]
        names = self.names
        if names is None:
            # If a model has several losses, Keras puts the output's name before each
            # metric: "estimated_accuracy".
            names = [n for n in known if n == "loss" or n.endswith("accuracy")]
        unknown = [name for name in names if name not in known]
        if not known:
            raise ValueError("There are no curves yet. Give this callback to `fit`.")
        if unknown or not names:
            raise ValueError(
                f"There is no curve '{(unknown or ['loss'])[0]}' to draw. Choose from: "
                f"{', '.join(known)}."
            )
        keys = [key for name in names for key in (name, f"val_{name}")]
        return {key: self.curves[key] for key in keys if key in self.curves}

    def _show(self) -> None:
        # Called outside a notebook too: a wrong name is an error in the first epoch.
        self._curves_to_draw()
        if not _in_notebook():
            return
        from IPython.display import display

        data, metadata = self.plot()._repr_mimebundle_()
        data["text/plain"] = _TEXT
        options = {"raw": True, "metadata": metadata}
        if self._display is None:
            self._display = display(data, display_id=True, **options)
        else:
            self._display.update(data, **options)
        self._shown_epochs, self._shown_at = self._epochs, time.monotonic()


def _in_notebook() -> bool:
    """Whether this Python is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    # IPython in a terminal has a shell without a kernel.
    return getattr(shell, "kernel", None) is not None
