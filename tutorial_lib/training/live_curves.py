"""`LiveCurves`: the curves of a training, drawn while it runs."""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import keras

__all__ = ["LiveCurves"]

# Shown where there are no pictures, and compared by tests of notebooks: no numbers.
_TEXT = "Curves of this training, epoch by epoch."


class LiveCurves(keras.callbacks.Callback):
    """Callback that shows one figure of the curves and renews it epoch by epoch.

    It shows something in notebooks only; elsewhere it collects the curves, silently.

    Args:
        names: Curves to draw, without "val_"; None draws the loss, and the accuracy
            where there is one.
        interval_s: Seconds between two drawings, so that short epochs stay short. The
            first and the last epoch are always drawn.

    Attributes:
        curves: Values epoch by epoch, by name, as `history.history`; NaN in epochs
            without the value.

    Example:
        >>> live = LiveCurves()
        >>> live.on_train_begin()
        >>> live.on_epoch_end(0, {"loss": 1.5, "val_loss": 1.6})
        >>> live.curves
        {'loss': [1.5], 'val_loss': [1.6]}
    """

    def __init__(
        self, names: Sequence[str] | None = None, *, interval_s: float = 1.0
    ) -> None:
        super().__init__()
        if isinstance(names, str):
            raise TypeError(f"`names` is a list of names. Received: {names!r}.")
        self.names, self.interval_s = names, interval_s
        self._start()

    def _start(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self._handle = None
        self._epochs, self._drawn_epochs, self._drawn_at = 0, 0, -math.inf

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start anew, with a new figure."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add an epoch to the curves, and draw them."""
        logs = logs or {}
        for name in {**self.curves, **logs}:
            curve = self.curves.setdefault(name, [math.nan] * self._epochs)
            curve.append(float(logs.get(name, math.nan)))
        self._epochs += 1
        if time.monotonic() - self._drawn_at >= self.interval_s:
            self._draw()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Draw what was not drawn yet."""
        if self._drawn_epochs < self._epochs:
            self._draw()

    def _chosen(self) -> dict[str, list[float]]:
        known = [name for name in self.curves if not name.startswith("val_")]
        names = self.names
        if names is None:
            # With several losses Keras writes the output before the name.
            names = [n for n in known if n == "loss" or n.endswith("accuracy")]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise ValueError(
                f"There is no curve '{(unknown or ['loss'])[0]}' to draw. There are: "
                f"{', '.join(known)}."
            )
        keys = [key for name in names for key in (name, f"val_{name}")]
        return {key: self.curves[key] for key in keys if key in self.curves}

    def _draw(self) -> None:
        chosen = self._chosen()
        if not _shows_pictures():
            return
        from IPython.display import display

        from tutorial_lib.viewers.curves import show_curves

        data, metadata = show_curves(chosen)._repr_mimebundle_()
        data["text/plain"] = _TEXT
        options = {"raw": True, "metadata": metadata}
        if self._handle is None:
            self._handle = display(data, display_id=True, **options)
        else:
            self._handle.update(data, **options)
        self._drawn_epochs, self._drawn_at = self._epochs, time.monotonic()


def _shows_pictures() -> Any:
    """Whether this Python is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    # The shell in a terminal has no kernel.
    return getattr(shell, "kernel", None) is not None
