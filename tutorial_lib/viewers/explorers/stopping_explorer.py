"""`explore_stopping`: settings of early stopping, tried on recorded curves."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from tutorial_lib.training import StoppingReplay, replay_early_stopping
from tutorial_lib.viewers.explorers.shell import (
    Explorer,
    controls_row,
    slider,
    whole_number,
    words,
)
from tutorial_lib.viewers.explorers.stopping_pictures import (
    Curves,
    draw_replay,
    headline,
    missed_epoch,
    sentences,
)
from tutorial_lib.viewers.figures import StillFigure

# Steps of the slider for `min_delta`, and how many of them are about as large as all
# of a curve.
STEPS, ACROSS = 30, 20

__all__ = ["StoppingExplorer", "explore_stopping"]


class StoppingExplorer(Explorer):
    """What `explore_stopping` gives: what is set in the browser shows here, and back.

    Attributes:
        training: Name of the training.
        monitor: Name of the curve that is watched.
        patience: Epochs without an improvement that end the training.
        min_delta: A change of less than this is no improvement.
        restore_best_weights: The best epoch's weights are kept, not the last one's.
    """

    training = traitlets.Unicode()
    monitor = traitlets.Unicode()
    patience = traitlets.Int(0)
    min_delta = traitlets.Float(0.0)
    restore_best_weights = traitlets.Bool(True)

    def __init__(self, trainings: Mapping[str, Curves], **settings: Any) -> None:
        self.trainings = {name: dict(curves) for name, curves in trainings.items()}
        self._words = ipywidgets.HTML()
        self._controls = _controls(self.trainings)
        rows = controls_row(*self._controls.values())
        super().__init__([rows], [self._words])
        self.training = next(iter(self.trainings))
        for name, value in settings.items():
            setattr(self, name, value)
        self._fit()
        for name, control in self._controls.items():
            traitlets.link((self, name), (control, "value"))
        self.observe(self._fit, names=["training", "monitor"])
        self.follow(*self._controls)

    @traitlets.validate("training")
    def _check_training(self, proposal: Any) -> str:
        return _one_of("training", proposal["value"], self.trainings)

    @traitlets.validate("monitor")
    def _check_monitor(self, proposal: Any) -> str:
        return _one_of("curve", proposal["value"], _watchable(self.curves))

    @traitlets.validate("patience", "min_delta")
    def _in_range(self, proposal: Any) -> float:
        """Let a slider reach what is set in Python."""
        name, value = proposal["trait"].name, proposal["value"]
        if value < 0:
            raise traitlets.TraitError(f"`{name}` is {value}. Give 0 or more.")
        control = self._controls[name]
        control.max = max(control.max, value)
        return value

    def _fit(self, _: Any = None) -> None:
        """Curves, and how large their waves are, are others in each training."""
        names = _watchable(self.curves)
        monitor = self.monitor if self.monitor in names else names[0]
        control = self._controls["monitor"]
        if control.options != names:
            control.options = names
        self.monitor = monitor
        step = _step(self.curves[monitor])
        delta = self._controls["min_delta"]
        delta.max = max(STEPS * step, self.min_delta)
        delta.step = step
        delta.readout_format = f".{max(0, -floor(log10(step)))}f"

    @property
    def curves(self) -> Curves:
        """All curves of the chosen training."""
        return self.trainings[self.training]

    @property
    def stopping(self) -> StoppingReplay:
        """What early stopping does; see `replay_early_stopping`."""
        return replay_early_stopping(
            self.curves,
            monitor=self.monitor,
            patience=self.patience,
            min_delta=self.min_delta,
            restore_best_weights=self.restore_best_weights,
        )

    def show_state(self) -> StillFigure:
        """Picture and words for the present settings."""
        replay = self.stopping
        curve, lower = self.curves[replay.monitor], _lower_is_better(replay.monitor)
        said = sentences(replay, self.curves, min_delta=self.min_delta, lower=lower)
        missed = missed_epoch(replay, curve, lower=lower)
        # Who stops before the best epoch saves epochs, but nobody is better off.
        good = True if replay.stopped_epoch is not None and missed is None else None
        self._words.value = words(good, headline(replay), said)
        return self._drawn(replay)

    def still(self) -> StillFigure:
        """The picture with its words."""
        return self._drawn(self.stopping, with_words=True)

    def _drawn(
        self, replay: StoppingReplay, *, with_words: bool = False
    ) -> StillFigure:
        return draw_replay(
            replay,
            self.curves,
            min_delta=self.min_delta,
            lower=_lower_is_better(replay.monitor),
            with_words=with_words,
        )


def explore_stopping(
    histories: Mapping[str, Curves] | Curves,
    *,
    monitor: str = "val_loss",
    patience: int = 3,
    min_delta: float = 0.0,
    restore_best_weights: bool = True,
) -> StoppingExplorer:
    """Try settings of early stopping on recorded curves.

    The picture says which epoch ends the training, which weights are kept, and how many
    epochs are saved. Nothing is trained: it is a replay of what Keras does.

    Args:
        histories: Curves of several trainings, {name: curves}, or of one. Curves are
            values epoch by epoch, by name: a Keras `history.history`, or
            `recorded.read_history(...)`.
        monitor: Name of the curve that is watched.
        patience: Epochs without an improvement that end the training.
        min_delta: A change of less than this is no improvement.
        restore_best_weights: The best epoch's weights are kept, not the last one's.

    Returns:
        A widget that displays itself. Its `training`, `monitor`, `patience`,
        `min_delta` and `restore_best_weights` are what one chose in the browser,
        `stopping` what comes of it, and `as_figure()` is for where there is no kernel.

    Raises:
        TypeError: If `patience` is no whole number.
        ValueError: If there is nothing to watch, or a setting is impossible.

    Example:
        >>> curves = {"loss": [3, 2, 1, 1, 1], "val_loss": [3.0, 1.5, 2.5, 2.0, 2.0]}
        >>> explorer = explore_stopping(curves, patience=2)
        >>> explorer
        Stopped after epoch 4 of 5: 1 epoch saved. val_loss was best in epoch 2, 1.5;
        then 2 epochs without an improvement. The model keeps the weights of epoch 2,
        val_loss 1.5.
        >>> explorer.patience = 3
        >>> explorer.stopping.epochs_run
        5
    """
    single = not all(isinstance(curves, Mapping) for curves in histories.values())
    trainings = {"training": histories} if single or not histories else histories
    for curves in trainings.values():
        if not _watchable(curves):
            # Its own words say what is wrong.
            replay_early_stopping(curves, monitor=monitor)
    try:
        return StoppingExplorer(
            trainings,
            monitor=monitor,
            patience=whole_number("patience", patience, "epochs"),
            min_delta=min_delta,
            restore_best_weights=restore_best_weights,
        )
    except traitlets.TraitError as error:
        raise ValueError(str(error)) from error


def _controls(trainings: Mapping[str, Curves]) -> dict[str, ipywidgets.Widget]:
    epochs = max(len(v) for curves in trainings.values() for v in curves.values())
    names = ipywidgets.Dropdown(options=tuple(trainings), description="training")
    names.layout.display = None if len(trainings) > 1 else "none"
    curves = _watchable(next(iter(trainings.values())))
    return {
        "training": names,
        "monitor": ipywidgets.Dropdown(options=curves, description="monitor"),
        "patience": slider("patience", 0, 0, epochs),
        "min_delta": ipywidgets.FloatSlider(
            0, min=0, description="min_delta", style={"description_width": "auto"}
        ),
        "restore_best_weights": ipywidgets.Checkbox(
            value=True, description="restore_best_weights", indent=False
        ),
    }


def _watchable(curves: Curves) -> tuple[str, ...]:
    """Names of the curves that early stopping can watch, validation first."""
    names = [name for name in curves if _can_be_watched(name, curves)]
    return tuple(sorted(names, key=lambda name: not name.startswith("val_")))


def _can_be_watched(name: str, curves: Curves) -> bool:
    try:
        replay_early_stopping(curves, monitor=name)
    except ValueError:
        return False
    return True


def _lower_is_better(monitor: str) -> bool:
    """The replay knows; of a 0 and a 1 it takes the better one."""
    return replay_early_stopping({monitor: [0, 1]}, monitor=monitor).best_epoch == 1


def _step(curve: Sequence[float]) -> float:
    """A power of ten that is small beside the waves of a curve."""
    values = np.asarray(curve, float)
    values = values[np.isfinite(values)]
    spread = float(np.ptp(values)) if values.size else 0.0
    return 10.0 ** floor(log10(spread / ACROSS)) if spread else 0.001


def _one_of(kind: str, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise traitlets.TraitError(
            f"There is no {kind} '{name}' to choose. There are: {', '.join(names)}."
        )
    return name
