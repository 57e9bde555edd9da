"""The picture of `explore_stopping`: a curve, where it is stopped, and what is kept."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tutorial_lib.training import StoppingReplay
from tutorial_lib.viewers.explorers.shell import LINE, WIDTH
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure

# Of the curves as in `show_curves`.
VALIDATION, TRAINING = "#d55e00", "#0072b2"
SAVED, KEPT, STOP = "#9a9a9a", "#00694a", "#303030"

# Inches, without and for a line of words.
HEIGHT, TEXT_LINE = 3.7, 0.19

# Numbers of more waiting epochs than this would run into each other.
MOST_NUMBERS = 25

Curves = Mapping[str, Sequence[float]]

__all__ = ["Curves", "draw_replay", "headline", "missed_epoch", "sentences"]


def headline(replay: StoppingReplay) -> str:
    """What the settings come to, in one line.

    Example:
        >>> from tutorial_lib.training import replay_early_stopping
        >>> headline(replay_early_stopping({"val_loss": [3, 1, 2, 2, 2]}, patience=2))
        'Stopped after epoch 4 of 5: 1 epoch saved.'
    """
    if replay.stopped_epoch is None:
        return f"Never stopped: all {replay.epochs} epochs run."
    saved = _counted(replay.epochs_saved, "epoch")
    return (
        f"Stopped after epoch {replay.stopped_epoch} of {replay.epochs}: {saved} saved."
    )


def sentences(
    replay: StoppingReplay, history: Curves, *, min_delta: float, lower: bool
) -> tuple[str, ...]:
    """What is kept, and what the whole training would have given.

    Args:
        replay: Of one of the curves.
        history: All curves of the training.
        min_delta: What counts as an improvement.
        lower: Whether less is better.

    Example:
        >>> from tutorial_lib.training import replay_early_stopping
        >>> curves = {"val_loss": [3, 1, 0.9, 0.8, 2]}
        >>> replay = replay_early_stopping(curves, patience=2, min_delta=0.5)
        >>> sentences(replay, curves, min_delta=0.5, lower=True)[0]
        'The last gain of more than 0.5 was in epoch 2, val_loss 1; then 2 epochs
        without one.'
    """
    curve, kept = history[replay.monitor], replay.kept_epoch
    value = f"{replay.monitor} {curve[kept - 1]:.4g}"
    if not replay.monitor.startswith("val_") and "val_loss" in history:
        value += f" (val_loss {history['val_loss'][kept - 1]:.4g})"
    lines = [
        _best(replay, min_delta),
        f"The model keeps the weights of epoch {kept}, {value}.",
    ]
    missed = missed_epoch(replay, curve, lower=lower)
    if missed is not None:
        lines.append(
            f"Too early: epoch {missed}, which does not run, has "
            f"{curve[missed - 1]:.4g}."
        )
    return tuple(lines)


def _best(replay: StoppingReplay, min_delta: float) -> str:
    """With a `min_delta`, a later epoch may be a little better than what is waited on.

    So it is not called the best.
    """
    epoch, value = replay.best_epoch, f"{replay.best_value:.4g}"
    waited = _counted(replay.epochs_run - epoch, "epoch")
    if not min_delta:
        return (
            f"{replay.monitor} was best in epoch {epoch}, {value}; then {waited} "
            "without an improvement."
        )
    if epoch == 1:
        return (
            f"No gain of more than {min_delta:g} after epoch 1, {replay.monitor} "
            f"{value}: {waited} without one."
        )
    return (
        f"The last gain of more than {min_delta:g} was in epoch {epoch}, "
        f"{replay.monitor} {value}; then {waited} without one."
    )


def missed_epoch(
    replay: StoppingReplay, curve: Sequence[float], *, lower: bool
) -> int | None:
    """The best epoch of the whole training if it did not run, else None."""
    values = np.asarray(curve, float)
    if not np.isfinite(values).any():
        return None
    best = int(np.nanargmin(values) if lower else np.nanargmax(values)) + 1
    return best if best > replay.epochs_run else None


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def draw_replay(
    replay: StoppingReplay,
    history: Curves,
    *,
    min_delta: float,
    lower: bool,
    with_words: bool = False,
) -> StillFigure:
    """Draw the watched curve, and what early stopping does to it.

    Args:
        replay: What early stopping does.
        history: All curves of the training.
        min_delta: What counts as an improvement.
        lower: Whether less is better.
        with_words: Put what comes of it below, for where nothing else says it.
    """
    curve = history[replay.monitor]
    about = sentences(replay, history, min_delta=min_delta, lower=lower)
    said = [headline(replay), *about]
    lines = [line for part in said for line in textwrap.wrap(part, LINE)]
    below = 0.1 + TEXT_LINE * len(lines) if with_words else 0
    height = HEIGHT + below
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    ax = figure.add_axes((0.075, (0.55 + below) / height, 0.635, 2.75 / height))
    _draw_curves(ax, replay, history)
    _draw_goal(ax, replay, min_delta if lower else -min_delta)
    _draw_epochs(ax, replay, curve)
    ax.legend(
        fontsize=TEXT_SIZE,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        frameon=False,
        handlelength=1.8,
        labelspacing=0.7,
    )
    if with_words:
        text = "\n".join(lines)
        figure.text(0.012, 0.08 / height, text, fontsize=TEXT_SIZE, color=STOP)
    return StillFigure(figure, " ".join(said))


def _draw_curves(ax: Axes, replay: StoppingReplay, history: Curves) -> None:
    name, run = replay.monitor, replay.epochs_run
    epochs = np.arange(1, replay.epochs + 1)
    plain, validated = name.removeprefix("val_"), f"val_{name.removeprefix('val_')}"
    colors = {plain: TRAINING, validated: VALIDATION}
    other = plain if name == validated else validated
    if other in history:
        look = {"color": colors[other], "linestyle": "--", "linewidth": 1}
        ax.plot(epochs, history[other], label=other, **look)
    values = np.asarray(history[name], float)
    look = {"marker": "s", "markersize": 3.5}
    if run < len(values):
        saved = {"color": SAVED, "linestyle": ":", "label": f"{name}, not run"} | look
        ax.plot(epochs[run - 1 :], values[run - 1 :], **saved)
    ax.plot(epochs[:run], values[:run], color=colors[name], label=name, **look)
    ax.set_xlim(0.4, replay.epochs + 0.6)
    ax.set_xlabel("epoch", fontsize=TEXT_SIZE)
    ax.set_title(f"Early stopping by {name}", fontsize=TEXT_SIZE + 1, loc="left")
    ax.tick_params(labelsize=TEXT_SIZE)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    ax.grid(alpha=0.3)


def _draw_goal(ax: Axes, replay: StoppingReplay, step: float) -> None:
    """What an epoch after the best one would have had to pass."""
    if replay.best_value is None or not np.isfinite(replay.best_value):
        return
    end = replay.epochs_run + 0.5
    goal = replay.best_value - step
    label = "an epoch has to pass this"
    ax.plot([replay.best_epoch, end], [goal, goal], color=KEPT, lw=1.2, label=label)


def _draw_epochs(ax: Axes, replay: StoppingReplay, curve: Sequence[float]) -> None:
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.12 * (high - low))
    if replay.stopped_epoch is not None:
        edge = replay.stopped_epoch + 0.5
        ax.axvspan(edge, replay.epochs + 0.6, color="#efefef", zorder=0)
        ax.axvline(edge, color=STOP, linewidth=1.6, label="training stops")
    kept = replay.kept_epoch
    if np.isfinite(curve[kept - 1]):
        look = {"marker": "o", "markersize": 13, "markerfacecolor": "none"}
        look |= {"markeredgecolor": KEPT, "markeredgewidth": 2, "linestyle": ""}
        ax.plot([kept], [curve[kept - 1]], label=f"weights kept: epoch {kept}", **look)
    _number_waiting(ax, replay)


def _number_waiting(ax: Axes, replay: StoppingReplay) -> None:
    """1, 2, 3 ... above the epochs that brought no improvement."""
    waiting = range(replay.best_epoch + 1, replay.epochs_run + 1)
    style = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "top"}
    style |= {"fontsize": TEXT_SIZE - 1, "color": STOP}
    every = -(-len(waiting) // MOST_NUMBERS) or 1
    for number, epoch in enumerate(waiting, start=1):
        if number % every == 0:
            ax.text(epoch, 0.98, str(number), **style)
    if waiting:
        ax.plot([], [], linestyle="", marker="$1$", color=STOP, label="epochs waited")
