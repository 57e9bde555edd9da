"""The picture of `explore_fields`: layers as bars, the output as a square, to scale."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tutorial_lib.viewers.explorers.field_trials import Bar, Trial
from tutorial_lib.viewers.explorers.output_squares import (
    BAD,
    INK,
    LEFT,
    RIGHT,
    VALID,
    add_legend,
    dashes,
    draw_square,
)
from tutorial_lib.viewers.explorers.shell import LINE, WIDTH
from tutorial_lib.viewers.figures import TEXT_SIZE, StillFigure

PALE = "#8a8a8a"

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
    if trial.misfit:
        return f"The network cannot run on chunks of {trial.chunk} px."
    return f"Not exact with chunks of {trial.chunk} px and a crop of {trial.crop} px."


def sentences(trial: Trial) -> tuple[str, ...]:
    """What is wrong, and what it costs."""
    if trial.size is None:
        # Nothing runs, or nothing can be tiled: there are no sizes to speak of.
        return trial.verdict.broken
    return *trial.verdict.broken, *_rows_apart(trial), _cost(trial)


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
    draw_square(figure.add_axes((SQUARE[0], bottom, SQUARE[1], share)), trial)
    if lines:
        add_legend(figure, (below - FOOT - 0.25) / height)
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
        why = "cannot run, nor what follows" if trial.misfit else "sees the whole chunk"
        ax.text(0, stuck, f" {why}", **style)
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
        (0, low, LEFT),
        (low, high, VALID),
        (high, bar.span.size, RIGHT),
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
    """Without its middle: names of outputs differ in their ends."""
    half = NAME // 2
    return name if len(name) <= NAME else f"{name[:half]}…{name[-half:]}"


def _columns(valid: str, left: int | str, right: int | str) -> str:
    return f"{valid}{left:>6}{right:>7}"


def _draw_crop_lines(ax: Axes, trial: Trial) -> None:
    bar = trial.bars[-1]
    if bar.span is None or not trial.tile or not trial.crop:
        return
    jump, start = float(bar.span.jump), float(bar.start)
    for place in (trial.crop, trial.crop + trial.tile):
        ax.axvline(start + place * jump, **dashes(trial), zorder=5)


def draw_legend() -> Figure:
    """The legend alone: it stays as it is while the picture changes."""
    figure = Figure(figsize=(WIDTH, 0.28), facecolor="white")
    add_legend(figure, 0.1)
    return figure
