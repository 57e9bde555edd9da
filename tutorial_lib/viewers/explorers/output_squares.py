"""The output of a chunk as a square: what is valid of it, and what a crop keeps."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tutorial_lib.viewers.explorers.field_trials import Trial
from tutorial_lib.viewers.figures import TEXT_SIZE

INK, GOOD, BAD = "#303030", "#00694a", "#b03000"

# The two margins are told apart by their hatching too.
VALID = {"facecolor": "#0072b2", "edgecolor": "#0072b2"}
LEFT = {"facecolor": "#f6c9a8", "edgecolor": "#c25a10", "hatch": "////"}
RIGHT = {"facecolor": "#f3e3a1", "edgecolor": "#8a7400", "hatch": "\\\\\\\\"}
WRONG = {"facecolor": "#ffb3a0", "edgecolor": BAD, "hatch": "xxxx"}

__all__ = [
    "BAD",
    "INK",
    "LEFT",
    "RIGHT",
    "VALID",
    "add_legend",
    "dashes",
    "draw_square",
]


def dashes(trial: Trial) -> dict[str, Any]:
    """Look of the lines that say what is kept."""
    color = GOOD if trial.verdict.exact else BAD
    return {"color": color, "linestyle": (0, (4, 2)), "linewidth": 1.6}


def draw_square(ax: Axes, trial: Trial) -> None:
    """Draw the output to scale."""
    size = max(trial.size or 1, 1)
    # Room for half of the frame's line.
    around = size / 100
    ax.set_xlim(-around, size + around)
    ax.set_ylim(size + around, -around)
    ax.set_aspect("equal", anchor="N")
    ax.set_axis_off()
    ax.set_title(trial.output, fontsize=TEXT_SIZE + 1, color=INK, loc="left", pad=24)
    if trial.size is None:
        text = "Each pixel depends\non the whole chunk."
        if trial.misfit:
            text = "The network cannot run\non such a chunk."
        ax.text(0, 0, text, va="top", color=BAD)
        return
    kept = f"{trial.tile} x {trial.tile} of {trial.size} x {trial.size} px kept"
    _note(ax, kept, (0, size), (0, -14), color=INK)
    _draw_valid(ax, trial, size)
    if trial.tile:
        _draw_kept(ax, trial, size)
    color = GOOD if trial.verdict.exact else BAD
    _note(ax, _square_text(trial), (0, 0), (0, 5), color=color, fontweight="bold")


def _note(
    ax: Axes, text: str, at: tuple[int, int], shift: tuple[int, int], **look: str
) -> None:
    look |= {"fontsize": TEXT_SIZE}
    ax.annotate(text, at, xytext=shift, textcoords="offset points", **look)


def _draw_valid(ax: Axes, trial: Trial, size: int) -> None:
    ax.add_patch(Rectangle((0, 0), size, size, linewidth=0.6, **LEFT))
    if trial.margins is None:
        return
    left, top, right, bottom = trial.margins
    ax.add_patch(Rectangle((left, size - bottom), size - left, bottom, lw=0, **RIGHT))
    ax.add_patch(Rectangle((size - right, top), right, size - top, lw=0, **RIGHT))
    inner = size - left - right, size - top - bottom
    ax.add_patch(Rectangle((left, top), *inner, linewidth=0, **VALID))
    _draw_sides(ax, trial.margins, size)


def _draw_sides(ax: Axes, margins: tuple[int, int, int, int], size: int) -> None:
    left, top, right, bottom = margins
    middle = (left + size - right) / 2, (top + size - bottom) / 2
    ground = {"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0}
    for text, x, y in (
        (left, left / 2, middle[1]),
        (top, middle[0], top / 2),
        (right, size - right / 2, middle[1]),
        (bottom, middle[0], size - bottom / 2),
    ):
        if text:
            ax.text(
                x,
                y,
                text,
                ha="center",
                va="center",
                fontsize=TEXT_SIZE - 1,
                color=INK,
                bbox=ground,
                zorder=6,
            )


def _draw_kept(ax: Axes, trial: Trial, size: int) -> None:
    crop, tile = trial.crop, trial.tile
    left, top, right, bottom = trial.wrong or (tile, 0, 0, 0)
    far = crop + tile
    for x, y, width, height in (
        (crop, crop, min(left, tile), tile),
        (max(far - right, crop), crop, min(right, tile), tile),
        (crop, crop, tile, min(top, tile)),
        (crop, max(far - bottom, crop), tile, min(bottom, tile)),
    ):
        if width and height:
            ax.add_patch(Rectangle((x, y), width, height, linewidth=0, **WRONG))
    frame = Rectangle((crop, crop), tile, tile, fill=False, zorder=5)
    look = dashes(trial)
    frame.set(edgecolor="white", linewidth=4)
    ax.add_patch(frame)
    frame = Rectangle((crop, crop), tile, tile, fill=False, zorder=5)
    frame.set(edgecolor=look["color"], linestyle=look["linestyle"], linewidth=2)
    ax.add_patch(frame)


def _square_text(trial: Trial) -> str:
    if not trial.tile:
        return "nothing is kept"
    if trial.verdict.exact:
        return "what is kept is right"
    if trial.margins is None:
        return "none of it is valid"
    if any(trial.wrong):
        return "some of it is wrong"
    return "chunks do not line up"


def add_legend(figure: Figure, bottom: float) -> None:
    """One for the bars and the square, at a height of the figure."""
    plain = {"facecolor": "none", "edgecolor": INK, "linestyle": (0, (4, 2))}
    entries = [
        Patch(label="valid", **VALID),
        Patch(linewidth=0.6, label="lost, left and top", **LEFT),
        Patch(linewidth=0.6, label="lost, right and bottom", **RIGHT),
        Patch(linewidth=1.4, label="what the crop keeps", **plain),
        Patch(linewidth=0.6, label="kept, but wrong", **WRONG),
    ]
    figure.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(0.005, bottom),
        ncols=5,
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        handlelength=1.6,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
    )
