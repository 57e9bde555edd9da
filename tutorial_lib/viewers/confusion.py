"""What `ClassScores.plot` draws: the confusion matrix as a table in colours."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from tutorial_lib.viewers.figures import TEXT_SIZE, LiteralFigure, StillFigure

if TYPE_CHECKING:
    from tutorial_lib.training.scores import ClassScores

# Inches: a cell, a character of a class name, and what is beside the cells.
CELL, CHARACTER, SPACE = (0.92, 0.52), 0.085, 1.0

# Longer names of classes are cut, and more classes than this have no numbers.
LONGEST, MOST_NUMBERED = 24, 16

# From white to the blue of the other figures, darker all the way.
_RAMP = LinearSegmentedColormap.from_list(
    "confusion", ["#ffffff", "#0072b2", "#003a5c"]
)
# Above this share of a row, the numbers are white.
_DARK = 0.4

__all__ = ["show_confusion"]


def show_confusion(scores: "ClassScores") -> StillFigure:
    """Draw a confusion matrix: rows are true classes, columns estimated ones.

    A cell has the number of pixels, and its colour is their share of the row. Beside
    the rows stands the recall, below the columns the precision.
    """
    names = [_shortened(name) for name in scores.names]
    counts = np.asarray(scores.confusion)
    shares = counts / np.maximum(scores.pixels, 1)[:, np.newaxis]
    longest = max(map(len, names)) * CHARACTER
    count = len(names)
    size = count * CELL[0] + longest + SPACE + 1.0, count * CELL[1] + longest + SPACE
    figure = LiteralFigure(figsize=size, facecolor="white")
    left, top = longest + SPACE / 2, 0.75 * longest + SPACE / 2
    ax = figure.add_axes(
        (
            left / size[0],
            1 - (top + count * CELL[1]) / size[1],
            count * CELL[0] / size[0],
            count * CELL[1] / size[1],
        )
    )
    ax.imshow(shares, cmap=_RAMP, vmin=0, vmax=1, aspect="auto")
    _draw_labels(ax, names)
    _draw_scores(ax, scores)
    if count <= MOST_NUMBERED:
        _draw_counts(ax, counts, shares)
    return StillFigure(figure, _description(scores, shares))


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _draw_labels(ax: Axes, names: list[str]) -> None:
    # Texts of their own: in the labels of an axis, `$` would begin a formula.
    style = {"fontsize": TEXT_SIZE, "clip_on": False}
    slanted = style | {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
    for place, name in enumerate(names):
        ax.text(-0.56, place, name, ha="right", va="center", **style)
        ax.text(place - 0.1, -0.68, name, **slanted)
    ax.set_xticks([])
    ax.set_yticks([])
    # White lines between the cells.
    ax.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="#c8c8c8", linewidth=0.8)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_color("#c8c8c8")
    longest = max(map(len, names)) * CHARACTER
    bold = {"fontsize": TEXT_SIZE + 1, "fontweight": "bold", "ha": "center"}
    middle = len(names) / 2 - 0.5
    left, top = -0.75 - longest / CELL[0], -0.85 - 0.7 * longest / CELL[1]
    ax.text(left, middle, "true class", va="center", rotation=90, **bold)
    ax.text(middle, top, "estimated class", va="bottom", **bold)


def _draw_scores(ax: Axes, scores: "ClassScores") -> None:
    """Write the recall beside each row and the precision below each column."""
    count = len(scores.names)
    style = {"fontsize": TEXT_SIZE, "va": "center", "clip_on": False}
    bold = style | {"fontweight": "bold"}
    ax.text(count - 0.4, -0.75, "recall", **bold)
    ax.text(-0.6, count - 0.15, "precision", ha="right", **bold)
    for place, (recall, precision) in enumerate(
        zip(scores.recall, scores.precision, strict=True)
    ):
        ax.text(count - 0.4, place, f"{recall:.2f}", **style)
        ax.text(place, count - 0.15, f"{precision:.2f}", ha="center", **style)
    overall = f"{scores.overall_accuracy:.2f}"
    ax.text(count - 0.4, count - 0.15, f"{overall} overall", **bold)


def _draw_counts(ax: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    style = {"ha": "center", "va": "center", "fontsize": TEXT_SIZE}
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > _DARK else "#202020"
        weight = "bold" if row == column else "normal"
        text = f"{counts[row, column]:.0f}"
        ax.text(column, row, text, color=color, fontweight=weight, **style)


def _description(scores: "ClassScores", shares: np.ndarray) -> str:
    """In words: how much of each class is right, and what it is taken for most."""
    rows = []
    for number, name in enumerate(scores.names):
        text = f"{name}: {shares[number, number]:.0%} right"
        others = np.where(np.arange(len(shares)) == number, 0, shares[number])
        if others.max(initial=0) > 0:
            taken = int(others.argmax())
            text += f", {others[taken]:.0%} taken for {scores.names[taken]}"
        rows.append(text)
    total = int(np.sum(scores.confusion))
    return (
        f"Confusion matrix of {total} pixels, rows are true classes, columns estimated "
        f"ones; {scores.overall_accuracy:.0%} right. {'; '.join(rows)}."
    )
