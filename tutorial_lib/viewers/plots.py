"""What the `plot` methods of plans and distortion curves draw."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from tutorial_lib.display import counted
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, LiteralFigure, StillFigure

if TYPE_CHECKING:
    import pandas

    from tutorial_lib.distortion.curves import DistortionCurve
    from tutorial_lib.inference.plan import InferencePlan

# The colours also differ in lightness, and neighbours have different lines.
_SIDES = {
    "left": {"color": "#0072b2", "linestyle": "-"},
    "top": {"color": "#56b4e9", "linestyle": "--"},
    "right": {"color": "#d55e00", "linestyle": "-"},
    "bottom": {"color": "#e69f00", "linestyle": "--"},
}
_ERROR, _COST = "#0072b2", "#606060"

# Powers of ten that an axis of errors spans at most, down from the largest error.
# Errors of rounding are far smaller.
_DECADES = 7

# Colours of the picture of tiles.
REFERENCE, GRID, READ, WRITTEN = "#ececec", "#505050", "#d55e00", "#0072b2"

__all__ = ["show_distortion", "show_tiles"]


def show_distortion(curve: "DistortionCurve") -> StillFigure:
    """Draw a distortion curve in two panels.

    The left panel shows, for each crop, the error in the pixels that it leaves, and how
    many pixels are computed for each pixel that is kept. Hollow marks are crops with
    which a map cannot be tiled. The right panel shows the error at each distance from
    each side, up to its margin. Both axes of errors are logarithmic, except for the
    shaded part below, which goes down to 0.

    Args:
        curve: By `tutorial_lib.distortion.distortion_curve`.

    Returns:
        A figure that displays itself.

    Example:
        >>> from tutorial_lib import architectures, testing
        >>> from tutorial_lib import distortion_curve
        >>> model = architectures.pixelwise_fcnn(4, crops=())
        >>> image = testing.small_scene()["input_10m"]
        >>> curve = distortion_curve(
        ...     model, image, output="estimated_labels", crops=(0, 4), count=2
        ... )
        >>> show_distortion(curve)
        Distortion of 'estimated_labels' in 2 chunks of 24 px. ... Right: mean error
        against the distance to each side; margins: left 0, top 0, right 0, bottom 0 px.
    """
    figure = LiteralFigure(figsize=(WIDTH, 4.0), layout="constrained")
    by_crop, by_side = figure.subplots(1, 2)
    _draw_crops(by_crop, curve)
    _draw_sides(by_side, curve)
    for ax in (by_crop, by_side):
        ax.tick_params(labelsize=TEXT_SIZE)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        _add_legend(ax)
    return StillFigure(figure, _curve_text(curve))


def _curve_text(curve: "DistortionCurve") -> str:
    first, last = curve.crops[0], curve.crops[-1]
    sides = ", ".join(f"{x} {y}" for x, y in zip(_SIDES, curve.margins, strict=True))
    return (
        f"Distortion of '{curve.output}' in {counted(curve.chunk_count, 'chunk')} of "
        f"{curve.chunk} px. Left: RMSE and cost against crop. From crop {first.crop} "
        f"to {last.crop} the RMSE goes from {first.rmse:.3g} to {last.rmse:.3g}, and "
        f"the cost from {first.cost:.3g} to {last.cost:.3g} pixels computed for each "
        "that is kept. Right: mean error against the distance to each side; margins: "
        f"{sides} px."
    )


def _draw_crops(ax: Axes, curve: "DistortionCurve") -> None:
    crops = [one.crop for one in curve.crops]
    errors = [one.rmse for one in curve.crops]
    _set_error_axis(ax, errors)
    ax.plot(crops, errors, color=_ERROR)
    # A hollow mark hides nothing below it: two crops may differ by one pixel.
    for tiles, marker, label in (
        (True, "o", "error"),
        (False, "D", "error, cannot be tiled"),
    ):
        chosen = [i for i, one in enumerate(curve.crops) if one.tiles == tiles]
        if chosen:
            ax.plot(
                [crops[i] for i in chosen],
                [errors[i] for i in chosen],
                linestyle="",
                marker=marker,
                color=_ERROR,
                markerfacecolor=_ERROR if tiles else "none",
                markersize=5 if tiles else 7.5,
                label=label,
            )
    ax.set_xlabel("crop on each side (px)", fontsize=TEXT_SIZE)
    ax.set_ylabel("error (RMSE per value)", fontsize=TEXT_SIZE, color=_ERROR)
    # The cost depends on the size of the chunks.
    title = f"Chunks of {curve.chunk} px: what a crop leaves and costs"
    ax.set_title(title, fontsize=TEXT_SIZE + 1)
    _draw_costs(ax, crops, [one.cost for one in curve.crops])


def _draw_costs(ax: Axes, crops: Sequence[int], costs: Sequence[float]) -> None:
    other = ax.twinx()
    look = {"color": _COST, "linestyle": ":", "marker": "s", "markersize": 3.5}
    other.plot(crops, costs, **look)
    # An empty line: the legend is made from the lines of the axis of errors.
    ax.plot([], [], label="cost (right)", **look)
    other.set_yscale("log")
    other.set_ylim(0.9, max(costs) * 1.15)
    other.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    other.yaxis.set_minor_locator(NullLocator())
    other.yaxis.set_major_formatter("{x:g}")
    text = "cost (pixels computed for each kept)"
    other.set_ylabel(text, fontsize=TEXT_SIZE, color=_COST)
    other.tick_params(labelsize=TEXT_SIZE)


def _draw_sides(ax: Axes, curve: "DistortionCurve") -> None:
    table = _up_to_margins(curve)
    _set_error_axis(ax, table)
    for (side, look), margin in zip(_SIDES.items(), curve.margins, strict=True):
        ax.plot(table.index, table[side], label=f"{side}: {margin} px", **look)
        ax.axvline(margin, color=look["color"], linewidth=1, alpha=0.5, zorder=0)
    ax.set_xlabel("distance from the side (px)", fontsize=TEXT_SIZE)
    ax.set_ylabel("mean |error|", fontsize=TEXT_SIZE)
    ax.set_title(
        f"How far each side reaches into {curve.chunk} px", fontsize=TEXT_SIZE + 1
    )


def _up_to_margins(curve: "DistortionCurve") -> "pandas.DataFrame":
    """Errors by distance, without errors of rounding beyond each side's margin.

    Beyond the margin 0 and tiny errors alternate, which would look like a signal.
    """
    table = curve.by_distance().loc[: max(int(max(curve.margins) * 1.25), 4)]
    rounding = table.max(axis=None) / 10**_DECADES
    for side, margin in zip(_SIDES, curve.margins, strict=True):
        beyond = (table.index > margin) & (table[side] <= rounding)
        table[side] = table[side].mask(beyond)
    return table


def _add_legend(ax: Axes) -> None:
    """Draw a legend below the panel: curves may cross any place inside it."""
    ax.legend(
        fontsize=TEXT_SIZE,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
        ncols=4,
        frameon=False,
        columnspacing=1.0,
        handlelength=1.6,
        handletextpad=0.5,
    )


def _set_error_axis(ax: Axes, errors: "Sequence | pandas.DataFrame") -> None:
    """Make an axis logarithmic, and linear below its lowest power of ten, down to 0."""
    errors = np.asarray(errors, float)
    positive = errors[errors > 0]
    powers = np.floor(np.log10(positive)) if positive.size else np.zeros(1)
    top = int(powers.max()) + 1
    low = max(int(powers.min()), top - _DECADES)
    lowest = 10.0**low
    ax.set_yscale("symlog", linthresh=lowest)
    named = range(top, low - 1, -max(1, (top - low) // 4))
    ax.set_yticks([*(10.0**power for power in named), 0])
    ax.set_yticklabels([*(f"$10^{{{power}}}$" for power in named), "0"])
    ax.yaxis.set_minor_locator(NullLocator())
    has_small = (errors < lowest).any()
    # Half a mark more, so that the marks at 0 are drawn in full.
    ax.set_ylim(-0.2 * lowest if has_small else lowest, 10.0**top)
    if has_small:
        ax.axhspan(-lowest, lowest, color="#f0f0f0", zorder=0)


def show_tiles(plan: "InferencePlan") -> StillFigure:
    """Draw the tiles of a plan; of the one in the middle, also its chunk."""
    height, width = plan.reference.shape
    tile = _middle_tile(plan)
    rows, cols = plan.job.chunk(tile, plan.job.names[0])
    figure = LiteralFigure(
        figsize=(6.2, 0.6 + min(6.0, 5.2 * height / width)), layout="tight"
    )
    ax = figure.subplots()
    ax.add_patch(Rectangle((0, 0), width, height, facecolor=REFERENCE))
    scale = float(plan.job.rows.scale)
    _draw_grid(ax, plan, scale)
    _draw_box(ax, rows, cols, 1, READ, f"read for it: {len(rows)} x {len(cols)} px")
    _draw_box(ax, tile.rows, tile.cols, scale, WRITTEN, "one tile")
    around = max(height, width) * 0.03
    ax.set_xlim(min(-around, cols.start), max(width + around, cols.stop))
    ax.set_ylim(max(height + around, rows.stop), min(-around, rows.start))
    ax.set_aspect("equal")
    ax.set_xlabel("column of the reference", fontsize=TEXT_SIZE)
    ax.set_ylabel("row", fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE)
    ax.legend(fontsize=TEXT_SIZE, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    inputs = [path for source in plan.sources.values() for path in source.paths]
    return StillFigure(figure, _text(plan, len(rows), len(cols)), inputs)


def _middle_tile(plan: "InferencePlan") -> Tile:
    row, col = (span[len(span) // 2] for span in (plan.rows, plan.cols))
    return next(tile for tile in plan.tiles if row in tile.rows and col in tile.cols)


def _draw_grid(ax: Axes, plan: "InferencePlan", scale: float) -> None:
    """The borders of all tiles, as few long lines."""
    top, bottom = (row * scale for row in (plan.rows.start, plan.rows.stop))
    left, right = (col * scale for col in (plan.cols.start, plan.cols.stop))
    rows = {end for tile in plan.tiles for end in (tile.rows.start, tile.rows.stop)}
    cols = {end for tile in plan.tiles for end in (tile.cols.start, tile.cols.stop)}
    lines = [((left, row * scale), (right, row * scale)) for row in rows]
    lines += [((col * scale, top), (col * scale, bottom)) for col in cols]
    label = counted(len(plan.tiles), "tile")
    ax.add_collection(LineCollection(lines, colors=GRID, linewidths=0.8, label=label))


def _draw_box(
    ax: Axes, rows: range, cols: range, scale: float, color: str, label: str
) -> None:
    ax.add_patch(
        Rectangle(
            (cols.start * scale, rows.start * scale),
            len(cols) * scale,
            len(rows) * scale,
            facecolor=(color, 0.25),
            edgecolor=color,
            linewidth=2,
            label=label,
        )
    )


def _text(plan: "InferencePlan", height: int, width: int) -> str:
    tile = plan.largest_tile
    return (
        f"{counted(len(plan.tiles), 'tile')} of at most {len(tile.rows)} x "
        f"{len(tile.cols)} px; "
        f"the one in the middle reads {height} x {width} px of the reference."
    )
