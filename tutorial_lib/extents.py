"""Where a map lies and how it is cut: block rules, its extent, its window, its tiles.

All of it is arithmetic on the grids of the sources and the declared fields.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.engine import Job, Tile
from tutorial_lib.grids import BlockAxis, GridMismatchError, align, snapped, tile_spans
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Source

# Side of an automatic tile: a larger one is hardly faster and needs more memory.
AUTO_TILE = {"fully_convolutional": 256, "patch_based": 128}

__all__ = [
    "block_rules",
    "check_extent",
    "check_steps",
    "cut_tiles",
    "cut_window",
    "map_spans",
    "tile_side",
]


def block_rules(
    sources: Mapping[str, Source],
    grids: Mapping[str, GeoBox],
    expression_field: int | None,
    scale_factor: float | None,
) -> tuple[BlockAxis, BlockAxis]:
    """The block rule along the rows and along the columns."""
    expression = 1 if expression_field is None else expression_field
    factor = 1 if scale_factor is None else scale_factor
    positive = 0 < factor < np.inf
    if not isinstance(expression, Integral) or expression < 1 or not positive:
        raise ValueError(
            "The expression field is a whole number of pixels from 1 on and the scale "
            f"factor is positive. Received: {expression} and {factor}."
        )
    scale = snapped(Fraction(str(factor)))
    fields = tuple(source.receptive_field for source in sources.values())
    axes = list(align(grids).values())
    _warn_of_footprints(sources, [rows for rows, _ in axes])
    return tuple(
        BlockAxis(tuple(pair[i] for pair in axes), fields, expression, scale)
        for i in (0, 1)
    )


def _warn_of_footprints(sources: Mapping[str, Source], axes: Sequence[Any]) -> None:
    sides = {
        name: source.receptive_field * axis.spacing
        for (name, source), axis in zip(sources.items(), axes, strict=True)
    }
    if len(set(sides.values())) > 1:
        listed = ", ".join(f"'{name}' {float(side):g}" for name, side in sides.items())
        warn(
            f"The receptive fields cover different ground (in reference pixels: "
            f"{listed}). They share their upper-left corner, so they are not centred "
            "on each other."
        )


def check_steps(job: Job) -> None:
    """Fully convolutional, a source must move by whole pixels from block to block."""
    axes = zip(job.names * 2, job.rows.axes + job.cols.axes, strict=True)
    for name, axis in axes:
        step = job.rows.step / axis.spacing
        if step.denominator > 1 and not job.patch_based:
            scale = job.rows.scale * step.denominator
            raise ValueError(
                f"From one block to the next, source '{name}' would move by {step} px: "
                "in fully convolutional mode that must be whole pixels. Use "
                f"`scale_factor={scale}`, or `mode='patch_based'`."
            )


def map_spans(rule: BlockAxis, edge: str) -> tuple[range, range]:
    """Pixels of the whole map along one axis, and of the blocks that hold them."""
    if edge == "pad":
        return rule.covered, rule.pixels(rule.covering(rule.covered))
    pixels = rule.pixels(rule.blocks)
    return pixels, pixels


def check_extent(
    spans: Sequence[tuple[range, range]],
    sources: Mapping[str, Source],
    rules: Sequence[BlockAxis],
) -> None:
    """Refuse sources without a common part that holds a receptive field."""
    if all(len(pixels) for pixels, _ in spans):
        return _check_cover(spans, sources, rules)
    sizes = [
        f"'{name}' {rows.size}x{cols.size} px (receptive field "
        f"{source.receptive_field})"
        for (name, source), rows, cols in zip(
            sources.items(), rules[0].axes, rules[1].axes, strict=True
        )
    ]
    raise GridMismatchError(
        "No receptive field lies inside all sources: they have no common part that is "
        f"large enough. {'; '.join(sizes)}. Check the extents, or use smaller fields."
    )


def _check_cover(
    spans: Sequence[tuple[range, range]],
    sources: Mapping[str, Source],
    rules: Sequence[BlockAxis],
) -> None:
    """A mirrored border is a fair guess; a mirrored half of a source is none."""
    for (pixels, _), rule in zip(spans, rules, strict=True):
        for number, (name, axis) in enumerate(zip(sources, rule.axes, strict=True)):
            first, last = (rule.place(number, p) for p in (pixels[0], pixels[-1]))
            beyond = max(-first, last + 1 - axis.size)
            if beyond > rule.fields[number]:
                raise GridMismatchError(
                    f"Source '{name}' lacks {beyond} px along a border of the map, "
                    f"more than its receptive field ({rule.fields[number]} px): too "
                    "much to mirror. Use `edge='valid'`, or sources that cover the "
                    "reference."
                )


def cut_window(
    spans: Sequence[tuple[range, range]], window: Window | None
) -> tuple[range, range]:
    """Rows and columns of the part of the map that is wanted."""
    rows, cols = (pixels for pixels, _ in spans)
    if window is None:
        return rows, cols
    if not isinstance(window, Window):
        raise TypeError(
            "`window` is a `rasterio.windows.Window(col_off, row_off, width, height)`. "
            f"Received: {window!r}."
        )
    top, left = window.row_off, window.col_off
    height, width = window.height, window.width
    whole = all(float(v).is_integer() for v in (top, left, height, width))
    inside = 0 <= top < top + height <= len(rows)
    inside &= 0 <= left < left + width <= len(cols)
    if not (whole and inside):
        raise ValueError(
            f"The window (row {top}, col {left}, {height}x{width} px) must be whole "
            f"pixels inside the full map, which has {len(rows)}x{len(cols)} px."
        )
    rows = range(rows.start + int(top), rows.start + int(top + height))
    return rows, range(cols.start + int(left), cols.start + int(left + width))


def tile_side(tile_size: int | str, job: Job, mode: str) -> int:
    """Side of the tiles in output pixels, a multiple of the expression field."""
    field = job.rows.expression
    if tile_size == "auto":
        return max(1, AUTO_TILE[mode] // field) * field
    if not isinstance(tile_size, Integral) or tile_size < 1:
        raise ValueError(
            "`tile_size` is 'auto' or a whole number of pixels. "
            f"Received: {tile_size!r}."
        )
    if tile_size % field:
        below, above = tile_size // field * field, (tile_size // field + 1) * field
        legal = f"{below} or {above}" if below else f"{above}"
        raise ValueError(
            f"`tile_size` ({tile_size} px) is not a multiple of the expression field "
            f"({field} px). Use {legal}."
        )
    return tile_size


def cut_tiles(
    job: Job,
    spans: Sequence[tuple[range, range]],
    wanted: tuple[range, range],
    side: int,
) -> tuple[Tile, ...]:
    """The tiles that hold the wanted pixels, row by row."""
    # A window needs whole tiles where pixels of one tile depend on each other.
    separate = job.patch_based and job.nodata_rule != "tile"
    rows, cols = (
        [
            (written, written if separate else whole)
            for whole in tile_spans(blocks, side, part)
            for written in [_common(whole, part)]
        ]
        for (_, blocks), part in zip(spans, wanted, strict=True)
    )
    return tuple(
        Tile(row, col, all_rows, all_cols)
        for row, all_rows in rows
        for col, all_cols in cols
    )


def _common(a: range, b: range) -> range:
    return range(max(a.start, b.start), min(a.stop, b.stop))
