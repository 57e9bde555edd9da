"""`show_curves`: losses and metrics of a training, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, LiteralFigure, StillFigure

# The colours differ in lightness too, and each has another line and marker.
_STYLES = {
    "training": {"color": "#0072b2", "linestyle": "--", "marker": "o"},
    "validation": {"color": "#d55e00", "linestyle": "-", "marker": "s"},
}


# The largest number of float32, in which Keras computes. The axes of matplotlib fail
# for much larger ones.
LARGEST = float(np.finfo("float32").max)


def show_curves(curves: Mapping[str, Sequence[float]]) -> StillFigure:
    """Draw the curves of a training: one panel for each loss or metric.

    Args:
        curves: Values epoch by epoch, by name: a Keras `history.history`, or
            `recorded.read_history(…)`. `val_loss` is drawn with `loss`.

    Returns:
        A figure that displays itself; the smallest validation loss is marked.

    Raises:
        TypeError: If the curves are not lists of numbers by name.
        ValueError: If there is no curve, or a curve has no epoch.

    Example:
        >>> show_curves({"loss": [1.5, 1.2, 1.1], "val_loss": [1.6, 1.4, 1.5]})
        Curves of 3 epochs: loss. The validation loss is smallest in epoch 2, 1.4.
    """
    curves = checked_curves("curves", curves)
    names = [name for name in curves if not name.startswith("val_")]
    if not names:
        raise ValueError(
            f"There are no curves to draw but {list(curves)}. Give the "
            "`history.history` of a training, with its 'loss'."
        )
    # The loss comes first, because training minimises it.
    names.sort(key=lambda name: name != "loss")
    figure = LiteralFigure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for ax, name in zip(axes, names, strict=True):
        _draw(ax, name, curves)
    # Curves of several trainings side by side may differ in length.
    lengths = [len(curves[name]) for name in names]
    epochs = counted(max(lengths), "epoch")
    if min(lengths) < max(lengths):
        epochs = f"{min(lengths)} to {epochs}"
    text = f"Curves of {epochs}: {', '.join(names)}."
    return StillFigure(figure, text + _mark_best(axes[0], curves))


def checked_curves(name: str, curves: Any) -> dict[str, list[float]]:
    """Curves by name, as lists of floats; NaN where an epoch has no value.

    Args:
        name: Name of the argument, for the message.
        curves: What was given: curves by name, or the object that Keras's `fit` gives.

    Raises:
        TypeError: If the curves are not lists of numbers by name.
        ValueError: If there is no curve, or a curve has no epoch.

    Example:
        >>> checked_curves("curves", {"loss": np.array([2, 1])})
        {'loss': [2.0, 1.0]}
    """
    # What `fit` returns is a callback, which holds the curves.
    curves = getattr(curves, "history", curves)
    curves = arguments.mapping(name, curves, '{"loss": [1.5, 1.2]}')
    if not curves or not all(np.size(values) for values in curves.values()):
        raise ValueError(
            f"There are no curves in `{name}`: {arguments.shown(curves)}. Give the "
            "`history.history` of a training of at least one epoch."
        )
    return {key: _floats(f"{name}['{key}']", one) for key, one in curves.items()}


def _floats(name: str, values: Any) -> list[float]:
    values = arguments.sequence(name, values, "numbers, one for each epoch")
    floats = [arguments.number(name, value, finite=False) for value in values]
    return [
        math.copysign(math.inf, one) if abs(one) > LARGEST else one for one in floats
    ]


def _draw(ax: Axes, name: str, curves: Mapping[str, Sequence[float]]) -> None:
    for part, key in (("training", name), ("validation", f"val_{name}")):
        if key in curves:
            epochs = range(1, len(curves[key]) + 1)
            ax.plot(epochs, curves[key], label=part, markersize=3.5, **_STYLES[part])
    ax.set_title(name, fontsize=TEXT_SIZE + 1)
    ax.set_xlabel("epoch", fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE)
    # Room for two epochs: around a single one, the axis would show fractions.
    ax.set_xlim(0.5, max(2, *map(len, curves.values())) + 0.5)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=TEXT_SIZE)


def _mark_best(ax: Axes, curves: Mapping[str, Sequence[float]]) -> str:
    """Mark the smallest validation loss; gives a sentence on it, "" without one."""
    losses = np.asarray(curves.get("val_loss", []), float)
    # NaN where an epoch was not validated, or where the training diverged.
    if not np.isfinite(losses).any():
        return ""
    epoch = int(np.nanargmin(losses)) + 1
    ax.axvline(epoch, color="#404040", linewidth=1, linestyle=":", zorder=0)
    bottom, top = ax.get_ylim()
    # Room for a line of text below the curves, so that no curve crosses it.
    ax.set_ylim(bottom - 0.08 * (top - bottom), top)
    # The text stands on the side of the line where there is more room.
    side, shift = ("right", -4) if epoch > len(losses) / 2 else ("left", 4)
    note = {"xytext": (shift, 2), "textcoords": "offset points", "ha": side}
    place = (epoch, ax.get_ylim()[0])
    ax.annotate(f"best epoch: {epoch}", place, fontsize=TEXT_SIZE, **note)
    smallest = losses[epoch - 1]
    return f" The validation loss is smallest in epoch {epoch}, {smallest:.3g}."
