"""The picture of `explore_fields`: layers as bars, the output as a square, to scale."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tutorial_lib.viewers.explorers.chunk_results import ChunkResult, LayerBar
from tutorial_lib.viewers.explorers.shell import INK, Sheet
from tutorial_lib.viewers.figures import TEXT_SIZE

PALE, GOOD, BAD = "#8a8a8a", "#00694a", "#b03000"

# Hatching tells the two margins apart without colour.
VALID = {"facecolor": "#0072b2", "edgecolor": "#0072b2"}
LEFT = {"facecolor": "#f6c9a8", "edgecolor": "#c25a10", "hatch": "////"}
RIGHT = {"facecolor": "#f3e3a1", "edgecolor": "#8a7400", "hatch": "\\\\\\\\"}
WRONG = {"facecolor": "#ffb3a0", "edgecolor": BAD, "hatch": "xxxx"}
DASHES = (0, (4, 2))

# Inches: a row of the bars, the space above and below the rows, the smallest height of
# the rows, and the legend at the bottom.
ROW, ABOVE, BELOW, LEAST, LEGEND = 0.2, 0.68, 0.48, 2.3, 0.26

# Inches: left edge and width of the bars, and of the square.
BARS, SQUARE = (1.277, 2.646), (5.922, 2.419)

# Right end of the numbers beside the bars, in widths of the bars.
NUMBERS_END = 1.64

# Longest layer name that fits beside the bars, in characters.
NAME_CHARACTERS = 15

__all__ = ["draw_result"]


def draw_result(result: ChunkResult, words: Sequence[str] = ()) -> Figure:
    """Draw the layers and the part of the output that the crop keeps.

    Args:
        result: The result that is drawn.
        words: Sentences below the picture.
    """
    rows = max(len(result.bars) * ROW, LEAST)
    sheet = Sheet(ABOVE + rows + BELOW + LEGEND, words)
    _draw_bars(sheet.axes(BARS[0], ABOVE, BARS[1], rows), result)
    _draw_square(sheet.axes(SQUARE[0], ABOVE, SQUARE[1], rows), result)
    _add_legend(sheet.figure, 1 - (ABOVE + rows + BELOW) / sheet.height)
    return sheet.figure


def _add_legend(figure: Figure, top: float) -> None:
    frame = {"facecolor": "none", "edgecolor": INK, "linestyle": DASHES}
    entries = [
        Patch(label="valid", **VALID),
        Patch(linewidth=0.6, label="lost, left and top", **LEFT),
        Patch(linewidth=0.6, label="lost, right and bottom", **RIGHT),
        Patch(linewidth=1.4, label="kept by the crop", **frame),
        Patch(linewidth=0.6, label="kept, but wrong", **WRONG),
    ]
    figure.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0.005, top),
        ncols=5,
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        handlelength=1.6,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
    )


def _verdict_color(result: ChunkResult) -> str:
    return GOOD if result.verdict.exact else BAD


def _draw_bars(ax: Axes, result: ChunkResult) -> None:
    bars = result.bars
    ends = [bar.start + bar.span.size * bar.span.jump for bar in bars if bar.span]
    # A padded layer rounds up, and may be longer than a chunk that does not fit.
    ax.set_xlim(0, float(max([result.chunk, *ends])))
    ax.set_ylim(len(bars) - 0.5, -0.5)
    ax.yaxis.set_visible(False)
    ax.tick_params(axis="x", labelsize=TEXT_SIZE - 1, color=PALE, labelcolor=INK)
    ax.set_xlabel("column of the chunk (reference px)", fontsize=TEXT_SIZE, color=INK)
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.spines["bottom"].set_color(PALE)
    title = f"Valid part of each layer, for a chunk of {result.chunk} px"
    ax.set_title(title, fontsize=TEXT_SIZE + 1, color=INK, loc="left", x=-0.46, pad=24)
    for row, bar in enumerate(bars):
        if bar.span is not None:
            _draw_bar(ax, row, bar)
    stuck = next((row for row, bar in enumerate(bars) if bar.span is None), None)
    if stuck is not None:
        why = "depends on the whole chunk"
        if result.failure:
            why = "cannot run, nor can the layers below"
        style = {"fontsize": TEXT_SIZE, "color": BAD, "va": "center"}
        ax.text(0, stuck, f" {why}", **style)
    _label_bars(ax, bars)
    _draw_crop_lines(ax, result)


def _draw_bar(ax: Axes, row: int, bar: LayerBar) -> None:
    jump, start = float(bar.span.jump), float(bar.start)
    low, high = _valid_columns(bar)
    for first, last, look in (
        (0, low, LEFT),
        (low, high, VALID),
        (high, bar.span.size, RIGHT),
    ):
        if last > first:
            place, width = (start + first * jump, row - 0.34), (last - first) * jump
            ax.add_patch(Rectangle(place, width, 0.68, linewidth=0.6, **look))


def _valid_columns(bar: LayerBar) -> tuple[int, int]:
    """The first valid column, and the first one after the valid ones."""
    low, high = bar.span.low, bar.span.high + 1
    return (low, high) if low < high else (bar.span.size, bar.span.size)


def _label_bars(ax: Axes, bars: Sequence[LayerBar]) -> None:
    """Write the names, and in pixels of each layer: valid of all, lost at each side."""
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "ha": "right"}
    names = style | {"fontsize": TEXT_SIZE, "color": INK}
    # One text for all numbers of a row: each text takes about a millisecond to draw.
    numbers = names | {"fontsize": TEXT_SIZE - 1, "family": "monospace"}
    pale = numbers | {"color": PALE}
    ax.text(NUMBERS_END, -1.0, _columns("valid", "left", "right"), **pale)
    ax.text(NUMBERS_END, len(bars), "(px of the layer)", **pale)
    for row, bar in enumerate(bars):
        ax.text(-0.015, row, _shortened(bar.name), **names)
        if bar.span is not None:
            low, high = _valid_columns(bar)
            margins = bar.span.ends if low < high else ("-", "-")
            text = _columns(f"{high - low} / {bar.span.size}", *margins)
            ax.text(NUMBERS_END, row, text, **numbers)


def _shortened(name: str) -> str:
    """A name without its middle: names of outputs differ at their ends."""
    half = NAME_CHARACTERS // 2
    return name if len(name) <= NAME_CHARACTERS else f"{name[:half]}…{name[-half:]}"


def _columns(valid: str, left: int | str, right: int | str) -> str:
    return f"{valid}{left:>6}{right:>7}"


def _draw_crop_lines(ax: Axes, result: ChunkResult) -> None:
    bar = result.bars[-1]
    if result.tile and result.crop:
        look = {"color": _verdict_color(result), "linestyle": DASHES, "linewidth": 1.6}
        for column in (result.crop, result.crop + result.tile):
            ax.axvline(float(bar.start + column * bar.span.jump), zorder=5, **look)


def _draw_square(ax: Axes, result: ChunkResult) -> None:
    size = result.size or 1
    # Half of the frame's line lies outside of the square.
    space = size / 100
    ax.set_xlim(-space, size + space)
    ax.set_ylim(size + space, -space)
    ax.set_aspect("equal", anchor="N")
    ax.set_axis_off()
    ax.set_title(
        result.study.output, fontsize=TEXT_SIZE + 1, color=INK, loc="left", pad=24
    )
    if result.size is None:
        text = "Each pixel depends\non the whole chunk."
        if result.failure:
            text = "The network cannot run\non such a chunk."
        ax.text(0, 0, text, va="top", color=BAD)
        return
    _draw_margins(ax, result)
    if result.tile:
        _draw_tile(ax, result)
    style = {"textcoords": "offset points", "fontsize": TEXT_SIZE}
    bold = style | {"color": _verdict_color(result), "fontweight": "bold"}
    ax.annotate(_square_text(result), (0, 0), xytext=(0, 5), **bold)
    kept = f"{result.tile} x {result.tile} of {size} x {size} px kept"
    ax.annotate(kept, (0, size), xytext=(0, -14), color=INK, **style)


def _add_box(
    ax: Axes, left: float, top: float, right: float, bottom: float, **look: Any
) -> None:
    if left < right and top < bottom:
        look = {"linewidth": 0} | look
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, **look))


def _draw_margins(ax: Axes, result: ChunkResult) -> None:
    """Cover the square by its margins at the left and top, then the others."""
    size = result.size
    _add_box(ax, 0, 0, size, size, **LEFT | {"linewidth": 0.6})
    if result.margins is None:
        return
    left, top, right, bottom = result.margins
    _add_box(ax, left, top, size, size, **RIGHT)
    _add_box(ax, left, top, size - right, size - bottom, **VALID)
    middle = (left + size - right) / 2, (top + size - bottom) / 2
    style = {"ha": "center", "va": "center", "fontsize": TEXT_SIZE - 1, "color": INK}
    style["bbox"] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0}
    for text, x, y in (
        (left, left / 2, middle[1]),
        (top, middle[0], top / 2),
        (right, size - right / 2, middle[1]),
        (bottom, middle[0], size - bottom / 2),
    ):
        if text:
            ax.text(x, y, text, zorder=6, **style)


def _draw_tile(ax: Axes, result: ChunkResult) -> None:
    """Frame the tile that the crop keeps, and cross its pixels that are not valid."""
    low, high = result.crop, result.crop + result.tile
    left, top, right, bottom = result.wrong or (result.tile, 0, 0, 0)
    if any((left, top, right, bottom)):
        _add_box(ax, low, low, high, high, **WRONG)
        _add_box(ax, low + left, low + top, high - right, high - bottom, **VALID)
    frame = {"fill": False, "zorder": 5}
    _add_box(ax, low, low, high, high, edgecolor="white", linewidth=4, **frame)
    frame |= {"edgecolor": _verdict_color(result), "linestyle": DASHES}
    _add_box(ax, low, low, high, high, linewidth=2, **frame)


def _square_text(result: ChunkResult) -> str:
    if not result.tile:
        return "nothing is kept"
    if result.verdict.exact:
        return "all kept pixels are right"
    if result.margins is None:
        return "no kept pixel is valid"
    if any(result.wrong):
        return "some kept pixels are wrong"
    return "chunks are not aligned"
