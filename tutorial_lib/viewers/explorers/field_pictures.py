"""The picture of `explore_fields`: layers as bars, the output as a square, to scale."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tutorial_lib.viewers.explorers.shell import LINE, WIDTH
from tutorial_lib.viewers.explorers.tiled_fields import Bar, Trial
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure

VALID, LOST_LEFT, LOST_RIGHT = "#0072b2", "#f6c9a8", "#f3e3a1"
INK, PALE, GOOD, BAD = "#303030", "#8a8a8a", "#00694a", "#b03000"

# The two margins are told apart by their hatching too.
_LEFT = {"facecolor": LOST_LEFT, "edgecolor": "#c25a10", "hatch": "////"}
_RIGHT = {"facecolor": LOST_RIGHT, "edgecolor": "#8a7400", "hatch": "\\\\\\\\"}
_WRONG = {"facecolor": "#ffb3a0", "edgecolor": BAD, "hatch": "xxxx"}

# Inches: of a row, above and below the rows, and the least height of the picture.
ROW, HEAD, FOOT, LEAST = 0.27, 0.75, 0.5, 3.8
TEXT_LINE = 0.19

# Shares of the width: the bars, and the square.
BARS, SQUARE = (0.152, 0.315), (0.705, 0.288)

# Where the numbers beside the bars end, in widths of the bars.
NUMBERS_END = 1.64

# Characters of a name that there is room for.
NAME = 15

__all__ = ["draw_legend", "draw_trial", "headline", "sentences"]


def headline(trial: Trial) -> str:
    """The verdict in one line.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> from tutorial_lib.viewers.explorers.tiled_fields import FieldStudy
        >>> study = FieldStudy(analyse(architectures.pan_xs_unet(4)), "estimated")
        >>> headline(study.trial(128, 32))
        'Exact: tiles of 64 x 64 px, put side by side, are the map of the whole image.'
    """
    if trial.verdict.exact:
        return (
            f"Exact: tiles of {trial.tile} x {trial.tile} px, put side by side, are "
            "the map of the whole image."
        )
    return f"Not exact with chunks of {trial.chunk} px and a crop of {trial.crop} px."


def sentences(trial: Trial) -> tuple[str, ...]:
    """What is wrong, and what it costs."""
    broken = (*((trial.misfit,) if trial.misfit else ()), *trial.verdict.broken)
    return *broken, *_rows_apart(trial), _cost(trial)


def _rows_apart(trial: Trial) -> tuple[str, ...]:
    """Only where kernels are not square: the bars show the columns."""
    if trial.margins is None:
        return ()
    left, top, right, bottom = trial.margins
    if (left, right) == (top, bottom):
        return ()
    return (
        f"The bars show columns; of the rows, {top} px are lost at the top and "
        f"{bottom} px at the bottom.",
    )


def _cost(trial: Trial) -> str:
    if trial.cost is None:
        return "Cost: all that is computed is thrown away."
    return (
        f"Cost: {trial.cost:.2f} pixels are computed for each that is kept: "
        f"({trial.chunk} / {trial.kept})²."
    )


def draw_trial(trial: Trial, *, with_words: bool = False) -> StillFigure:
    """Draw the layers to scale, and what the crop keeps of the output.

    Args:
        trial: What is drawn.
        with_words: Put legend and verdict below, for where nothing else says it.
    """
    text = [headline(trial), *sentences(trial)] if with_words else []
    lines = [line for part in text for line in textwrap.wrap(part, LINE)]
    rows = max(len(trial.bars) * ROW, LEAST - HEAD - FOOT)
    below = FOOT + (0.4 + TEXT_LINE * len(lines) if lines else 0)
    height = HEAD + rows + below
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    # Fixed places: what stays must not move while a slider does.
    bottom, share = below / height, rows / height
    _draw_bars(figure.add_axes((BARS[0], bottom, BARS[1], share)), trial)
    _draw_square(figure.add_axes((SQUARE[0], bottom, SQUARE[1], share)), trial)
    if lines:
        _add_legend(figure, (below - FOOT - 0.25) / height)
        style = {"fontsize": TEXT_SIZE, "color": INK}
        figure.text(0.012, 0.08 / height, "\n".join(lines), **style)
    return StillFigure(figure, " ".join([headline(trial), *sentences(trial)]))


def _draw_bars(ax: Axes, trial: Trial) -> None:
    count, end = len(trial.bars), _end(trial)
    ax.set_xlim(0, end)
    ax.set_ylim(max(count, 1) - 0.5, -0.5)
    ax.yaxis.set_visible(False)
    ax.tick_params(axis="x", labelsize=TEXT_SIZE - 1, color=PALE, labelcolor=INK)
    ax.set_xlabel("column of the chunk (reference px)", fontsize=TEXT_SIZE, color=INK)
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.spines["bottom"].set_color(PALE)
    for row, bar in enumerate(trial.bars):
        _draw_bar(ax, row, bar)
    stuck = next((row for row, bar in enumerate(trial.bars) if bar.span is None), None)
    if stuck is not None:
        style = {"fontsize": TEXT_SIZE, "color": BAD, "va": "center"}
        ax.text(0, stuck, " cannot run, nor what follows", **style)
    _draw_texts(ax, trial.bars)
    title = f"Layer by layer: what is valid of a chunk of {trial.chunk} px"
    ax.set_title(title, fontsize=TEXT_SIZE + 1, color=INK, loc="left", x=-0.46, pad=24)
    _draw_crop_lines(ax, trial)


def _end(trial: Trial) -> float:
    """Where the axis ends: padded layers may be longer than a chunk that is no fit."""
    ends = [bar.start + bar.span.size * bar.span.jump for bar in trial.bars if bar.span]
    return float(max([trial.chunk, *ends]))


def _draw_bar(ax: Axes, row: int, bar: Bar) -> None:
    if bar.span is None:
        return
    jump, start = float(bar.span.jump), float(bar.start)
    low, high = _valid(bar)
    for first, last, look in (
        (0, low, _LEFT),
        (low, high, {"facecolor": VALID, "edgecolor": VALID}),
        (high, bar.span.size, _RIGHT),
    ):
        if last > first:
            place = (start + first * jump, row - 0.34)
            width = (last - first) * jump
            ax.add_patch(Rectangle(place, width, 0.68, linewidth=0.6, **look))


def _valid(bar: Bar) -> tuple[int, int]:
    """First valid pixel, and the first after the valid ones."""
    low, high = bar.span.low, bar.span.high + 1
    return (low, high) if low < high else (bar.span.size, bar.span.size)


def _draw_texts(ax: Axes, bars: Sequence[Bar]) -> None:
    """Beside each bar its name, and in its own pixels: valid of how many, margins."""
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "color": INK}
    name_style = style | {"fontsize": TEXT_SIZE, "ha": "right"}
    # One text for all numbers of a row: drawing texts is what takes long.
    numbers_style = name_style | {"fontsize": TEXT_SIZE - 1, "family": "monospace"}
    header = _columns("valid", "left", "right")
    pale = numbers_style | {"color": PALE}
    ax.text(NUMBERS_END, -1.0, header, **pale)
    ax.text(NUMBERS_END, len(bars), "(px of the layer)", **pale)
    for row, bar in enumerate(bars):
        ax.text(-0.015, row, _short(bar.name), **name_style)
        if bar.span is not None:
            low, high = _valid(bar)
            margins = bar.margins if low < high else ("-", "-")
            text = _columns(f"{high - low} / {bar.span.size}", *margins)
            ax.text(NUMBERS_END, row, text, **numbers_style)


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _columns(valid: str, left: int | str, right: int | str) -> str:
    return f"{valid}{left:>6}{right:>7}"


def _draw_crop_lines(ax: Axes, trial: Trial) -> None:
    bar = trial.bars[-1]
    if bar.span is None or not trial.tile or not trial.crop:
        return
    jump, start = float(bar.span.jump), float(bar.start)
    for place in (trial.crop, trial.crop + trial.tile):
        ax.axvline(start + place * jump, **_dashes(trial), zorder=5)


def _dashes(trial: Trial) -> dict:
    color = GOOD if trial.verdict.exact else BAD
    return {"color": color, "linestyle": (0, (4, 2)), "linewidth": 1.6}


def _draw_square(ax: Axes, trial: Trial) -> None:
    size = max(trial.size, 1)
    # Room for half of the frame's line.
    around = size / 100
    ax.set_xlim(-around, size + around)
    ax.set_ylim(size + around, -around)
    ax.set_aspect("equal", anchor="N")
    ax.set_axis_off()
    span = trial.bars[-1].span
    ax.set_title(trial.output, fontsize=TEXT_SIZE + 1, color=INK, loc="left", pad=24)
    if span is None:
        ax.text(0, 0, "The network cannot run\non such a chunk.", va="top", color=BAD)
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
    ax.add_patch(Rectangle((0, 0), size, size, linewidth=0.6, **_LEFT))
    if trial.margins is None:
        return
    left, top, right, bottom = trial.margins
    ax.add_patch(Rectangle((left, size - bottom), size - left, bottom, lw=0, **_RIGHT))
    ax.add_patch(Rectangle((size - right, top), right, size - top, lw=0, **_RIGHT))
    inner = size - left - right, size - top - bottom
    ax.add_patch(Rectangle((left, top), *inner, facecolor=VALID, linewidth=0))
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
    left, top, right, bottom = trial.wrong or (0, 0, 0, 0)
    far = crop + tile
    for x, y, width, height in (
        (crop, crop, min(left, tile), tile),
        (max(far - right, crop), crop, min(right, tile), tile),
        (crop, crop, tile, min(top, tile)),
        (crop, max(far - bottom, crop), tile, min(bottom, tile)),
    ):
        if width and height:
            ax.add_patch(Rectangle((x, y), width, height, linewidth=0, **_WRONG))
    frame = Rectangle((crop, crop), tile, tile, fill=False, zorder=5)
    look = _dashes(trial)
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


def draw_legend() -> Figure:
    """The legend alone: it stays as it is while the picture changes."""
    figure = Figure(figsize=(WIDTH, 0.28), facecolor="white")
    _add_legend(figure, 0.1)
    return figure


def _add_legend(figure: Figure, bottom: float) -> None:
    plain = {"facecolor": "none", "edgecolor": INK, "linestyle": (0, (4, 2))}
    entries = [
        Patch(facecolor=VALID, label="valid"),
        Patch(linewidth=0.6, label="lost, left and top", **_LEFT),
        Patch(linewidth=0.6, label="lost, right and bottom", **_RIGHT),
        Patch(linewidth=1.4, label="what the crop keeps", **plain),
        Patch(linewidth=0.6, label="kept, but wrong", **_WRONG),
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
