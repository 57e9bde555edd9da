"""The picture of `explore_stopping`: the curve, where it stops, which weights stay."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tutorial_lib.training import StoppingReplay, replay_early_stopping
from tutorial_lib.viewers.explorers.shell import INK, Sheet
from tutorial_lib.viewers.figures import TEXT_SIZE

# Colours of the curves as in `show_curves`.
VALIDATION, TRAINING = "#d55e00", "#0072b2"
NOT_RUN, KEPT = "#9a9a9a", "#00694a"

# Inches: height of the sheet; left, top, width and height of the curves.
HEIGHT, PLACE = 3.7, (0.63, 0.4, 5.334, 2.75)

# Inches: a digit of the numbers of waiting epochs, and the space between two numbers.
DIGIT, SPACE = 0.075, 0.012

Curves = Mapping[str, Sequence[float]]

__all__ = ["Curves", "draw_stopping", "lower_is_better"]


def lower_is_better(monitor: str) -> bool:
    """Whether early stopping waits for smaller values of a curve."""
    # The replay knows the direction by the name: it takes the better of 0 and 1.
    return replay_early_stopping({monitor: [0, 1]}, monitor=monitor).best_epoch == 1


def draw_stopping(
    replay: StoppingReplay, curves: Curves, goal: float, words: Sequence[str]
) -> Figure:
    """Draw the monitored curve and what early stopping does to the training.

    Args:
        replay: What early stopping does.
        curves: All curves of the training.
        goal: Value that an epoch after the best one has to pass.
        words: Sentences below the picture.
    """
    sheet = Sheet(HEIGHT, words)
    ax = sheet.axes(*PLACE)
    _draw_curves(ax, replay, curves)
    span = [replay.best_epoch, replay.epochs_run + 0.5]
    # The curve has to get to the other side of the line: a loss below it.
    side = "below" if lower_is_better(replay.monitor) else "above"
    label = f"must be {side} {goal:.4g}"
    ax.plot(span, [goal, goal], color=KEPT, linewidth=1.2, label=label)
    _draw_epochs(ax, replay, curves[replay.monitor])
    ax.legend(
        fontsize=TEXT_SIZE,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        frameon=False,
        handlelength=1.8,
        labelspacing=0.7,
    )
    return sheet.figure


def _draw_curves(ax: Axes, replay: StoppingReplay, curves: Curves) -> None:
    """Draw the monitored curve, and its partner in training or validation."""
    name, run = replay.monitor, replay.epochs_run
    epochs = np.arange(1, replay.epochs + 1)
    training = name.removeprefix("val_")
    partner = training if name != training else f"val_{training}"
    colors = {training: TRAINING, f"val_{training}": VALIDATION}
    if partner in curves:
        style = {"color": colors[partner], "linestyle": "--", "linewidth": 1}
        ax.plot(epochs, curves[partner], label=partner, **style)
    values = np.asarray(curves[name], float)
    marks = {"marker": "s", "markersize": 3.5}
    if run < len(values):
        style = marks | {
            "color": NOT_RUN,
            "linestyle": ":",
            "label": f"{name}, not run",
        }
        ax.plot(epochs[run - 1 :], values[run - 1 :], **style)
    ax.plot(epochs[:run], values[:run], color=colors[name], label=name, **marks)
    ax.set_xlim(0.4, replay.epochs + 0.6)
    ax.set_xlabel("epoch", fontsize=TEXT_SIZE)
    ax.set_title(f"Early stopping by {name}", fontsize=TEXT_SIZE + 1, loc="left")
    ax.tick_params(labelsize=TEXT_SIZE)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    ax.grid(alpha=0.3)


def _draw_epochs(ax: Axes, replay: StoppingReplay, curve: Sequence[float]) -> None:
    """Mark where the training stops, the epoch that is kept, and the wait."""
    low, high = ax.get_ylim()
    # Space for the numbers of the wait.
    ax.set_ylim(low, high + 0.12 * (high - low))
    if replay.stopped_epoch is not None:
        edge = replay.stopped_epoch + 0.5
        ax.axvspan(edge, replay.epochs + 0.6, color="#efefef", zorder=0)
        ax.axvline(edge, color=INK, linewidth=1.6, label="training stops")
    kept = replay.kept_epoch
    style = {"marker": "o", "markersize": 13, "markerfacecolor": "none"}
    style |= {"markeredgecolor": KEPT, "markeredgewidth": 2, "linestyle": ""}
    ax.plot([kept], [curve[kept - 1]], label=f"weights kept: epoch {kept}", **style)
    style = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "top"}
    style |= {"fontsize": TEXT_SIZE - 1, "color": INK}
    # The line where the training stops is close to the last number.
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    numbered = _numbered_epochs(replay)
    for epoch in numbered:
        ax.text(epoch, 0.98, str(epoch - replay.best_epoch), **style)
    if numbered:
        ax.plot([], [], linestyle="", marker="$1$", color=INK, label="epochs waited")


def _numbered_epochs(replay: StoppingReplay) -> range:
    """Waiting epochs that get a number: the last one, and those before it that fit."""
    waiting = range(replay.best_epoch + 1, replay.epochs_run + 1)
    width = DIGIT * len(str(len(waiting))) + SPACE
    step = math.ceil(width * replay.epochs / PLACE[2])
    return waiting[::-step]
