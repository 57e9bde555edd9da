"""`explore_stopping`: try settings of early stopping on recorded curves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ipywidgets
import traitlets
from matplotlib.figure import Figure

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.training import StoppingReplay, replay_early_stopping
from tutorial_lib.viewers.curves import checked_curves
from tutorial_lib.viewers.explorers.shell import (
    Explorer,
    Summary,
    dropdown,
    slider,
)
from tutorial_lib.viewers.explorers.stopping_pictures import (
    Curves,
    draw_stopping,
    lower_is_better,
)

__all__ = ["StoppingExplorer", "explore_stopping"]


class StoppingExplorer(Explorer):
    """The widget of `explore_stopping`; its traits follow the browser, and set it.

    Attributes:
        training: Name of the training.
        monitor: Name of the curve that early stopping monitors.
        patience: Epochs without an improvement that end the training.
        min_delta: A change of less than this is not an improvement.
        restore_best_weights: Keep the weights of the best epoch, not of the last one.
    """

    training = traitlets.Unicode()
    monitor = traitlets.Unicode()
    patience = traitlets.Int()
    min_delta = traitlets.Float()
    restore_best_weights = traitlets.Bool(True)

    def __init__(self, trainings: Mapping[str, Curves], **settings: Any) -> None:
        self.trainings = {name: dict(curves) for name, curves in trainings.items()}
        first = next(iter(self.trainings))
        names = dropdown("training", self.trainings)
        names.layout.display = None if len(self.trainings) > 1 else "none"
        epochs = max(len(v) for curves in trainings.values() for v in curves.values())
        style = {"description_width": "auto"}
        # The slider of `min_delta` suits losses and accuracies.
        controls = {
            "training": names,
            "monitor": dropdown("monitor", _can_be_monitored(self.trainings[first])),
            "patience": slider("patience", 0, epochs),
            "min_delta": ipywidgets.FloatSlider(
                0, min=0, max=0.3, step=0.01, description="min_delta", style=style
            ),
            "restore_best_weights": ipywidgets.Checkbox(
                description="restore_best_weights", indent=False
            ),
        }
        super().__init__(controls, training=first, **settings)

    @traitlets.validate("training")
    def _check_training(self, proposal: Any) -> str:
        return _one_of("training", proposal["value"], self.trainings)

    @traitlets.validate("monitor")
    def _check_monitor(self, proposal: Any) -> str:
        return _one_of("curve", proposal["value"], _can_be_monitored(self.curves))

    @traitlets.validate("patience", "min_delta")
    def _check_number(self, proposal: Any) -> float:
        if proposal["value"] < 0:
            name = proposal["trait"].name
            raise ValueError(f"`{name}` is {proposal['value']}. Give 0 or more.")
        return proposal["value"]

    @traitlets.observe("training")
    def _list_curves(self, _: Any) -> None:
        """List the curves of the training, and monitor the same one if it is there."""
        names = _can_be_monitored(self.curves)
        monitor = self.monitor if self.monitor in names else names[0]
        # New options make the control choose the first one.
        self.controls["monitor"].options = names
        self.monitor = monitor

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

    @property
    def missed_epoch(self) -> int | None:
        """The best epoch of the recorded training if it does not run, else None."""
        replay = self.stopping
        # With a patience of all epochs, nothing stops the training.
        options = {"monitor": self.monitor, "patience": replay.epochs}
        best = replay_early_stopping(self.curves, **options).best_epoch
        return best if best > replay.epochs_run else None

    def summary(self) -> Summary:
        """When the training stops, which weights it keeps, what it misses."""
        replay = self.stopping
        if replay.stopped_epoch is None:
            title = f"Never stopped: all {replay.epochs} epochs run."
        else:
            saved = counted(replay.epochs_saved, "epoch")
            title = f"Stopped after epoch {replay.stopped_epoch} of {replay.epochs}: "
            title += f"{saved} saved."
        # Stopping before the best epoch saves time, but is not marked as good.
        good = replay.stopped_epoch is not None and self.missed_epoch is None
        return Summary(title, tuple(self._sentences(replay)), good or None)

    def _sentences(self, replay: StoppingReplay) -> Iterator[str]:
        curves, kept, name = self.curves, replay.kept_epoch, replay.monitor
        waited = counted(replay.epochs_run - replay.best_epoch, "epoch")
        gain = f"a gain of more than {self.min_delta:g}"
        # With a `min_delta`, another epoch may be slightly better.
        yield (
            f"Epoch {replay.best_epoch} counts as the best, {name} "
            f"{replay.best_value:.4g}; then {waited} without "
            f"{gain if self.min_delta else 'an improvement'}."
        )
        value = f"{name} {curves[name][kept - 1]:.4g}"
        if not name.startswith("val_") and "val_loss" in curves:
            value += f" (val_loss {curves['val_loss'][kept - 1]:.4g})"
        yield f"The model keeps the weights of epoch {kept}, {value}."
        missed = self.missed_epoch
        if missed is not None:
            value = f"{curves[name][missed - 1]:.4g}"
            yield f"Too early: epoch {missed}, which does not run, has {value}."

    def draw(self, words: Sequence[str] = ()) -> Figure:
        """The monitored curve, and what early stopping does to it."""
        replay = self.stopping
        sign = -1 if lower_is_better(replay.monitor) else 1
        goal = replay.best_value + sign * self.min_delta
        return draw_stopping(replay, self.curves, goal, words)


def explore_stopping(
    histories: Mapping[str, Curves] | Curves,
    *,
    monitor: str = "val_loss",
    patience: int = 3,
    min_delta: float = 0.0,
    restore_best_weights: bool = True,
) -> StoppingExplorer:
    """Try settings of early stopping on recorded curves in a widget.

    The widget shows which epoch ends the training, which weights the model keeps, and
    how many epochs are saved. Nothing is trained: it replays what Keras does.

    Args:
        histories: Curves of several trainings, {name: curves}, or of one. Curves are
            values epoch by epoch, by name: a Keras `history.history`, or
            `recorded.read_history(...)`.
        monitor: Name of the curve that early stopping monitors.
        patience: Epochs without an improvement that end the training.
        min_delta: A change of less than this is not an improvement.
        restore_best_weights: Keep the weights of the best epoch, not of the last one.

    Returns:
        A widget that displays itself. `training`, `monitor`, `patience`, `min_delta`
        and `restore_best_weights` follow the browser, `stopping` is the result, and
        `as_figure()` gives the picture.

    Raises:
        TypeError: If the histories are not curves, or a setting is of a wrong type.
        ValueError: If there is no such curve, or a setting is impossible.

    Example:
        >>> curves = {"loss": [3, 2, 1, 1, 1], "val_loss": [3.0, 1.5, 2.5, 2.0, 2.0]}
        >>> explorer = explore_stopping(curves, patience=2)
        >>> explorer
        Stopped after epoch 4 of 5: 1 epoch saved. Epoch 2 counts as the best, val_loss
        1.5; then 2 epochs without an improvement. The model keeps the weights of epoch
        2, val_loss 1.5.
        >>> explorer.patience = 3
        >>> explorer.stopping.epochs_run
        5
    """
    monitor = arguments.text("monitor", monitor)
    patience = arguments.whole_number("patience", patience, least=0)
    min_delta = arguments.number("min_delta", min_delta, least=0)
    restore = arguments.flag("restore_best_weights", restore_best_weights)
    trainings = _trainings(histories)
    for curves in trainings.values():
        if not _can_be_monitored(curves):
            # Raises an error that says what is wrong with the curves.
            replay_early_stopping(curves, monitor=monitor)
    return StoppingExplorer(
        trainings,
        monitor=monitor,
        patience=patience,
        min_delta=min_delta,
        restore_best_weights=restore,
    )


def _trainings(histories: Any) -> dict[str, dict[str, list[float]]]:
    """Checked curves of each training, by the name of the training."""
    several = isinstance(histories, Mapping) and any(
        isinstance(curves, Mapping) for curves in histories.values()
    )
    if not several:
        return {"training": checked_curves("histories", histories)}
    by_name = arguments.mapping("histories", histories, '{"first": history.history}')
    return {
        name: checked_curves(f"histories['{name}']", curves)
        for name, curves in by_name.items()
    }


def _can_be_monitored(curves: Curves) -> tuple[str, ...]:
    """Names of the curves that early stopping can monitor, validation first."""
    names = []
    for name in curves:
        try:
            replay_early_stopping(curves, monitor=name)
        except ValueError:
            continue
        names.append(name)
    return tuple(sorted(names, key=lambda name: not name.startswith("val_")))


def _one_of(kind: str, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise ValueError(
            f"There is no {kind} '{name}'. Choose from: {', '.join(names)}."
        )
    return name
