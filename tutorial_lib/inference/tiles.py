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

from tutorial_lib.grids import GridMismatchError, align, snapped, tile_spans
from tutorial_lib.inference.blocks import BlockAxis
from tutorial_lib.inference.chunks import ChunkAxis
from tutorial_lib.inference.engine import Job, Tile
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Source

# Sides of automatic tiles: larger ones are hardly faster and need more memory.
AUTO_TILE, PATCH_TILE = 256, 128

# With derived fields: pixels of the largest chunk, and what the layers of a
# network may hold for one, in bytes: little beside the 2 GB of a machine on Binder.
LARGEST_CHUNK, MEMORY_BUDGET = 512, 2**28

__all__ = [
    "block_rules",
    "check_extent",
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


def map_spans(rule: BlockAxis | ChunkAxis, edge: str) -> tuple[range, range]:
    """Pixels of the whole map along one axis, and of the blocks that hold them."""
    if isinstance(rule, ChunkAxis):
        return rule.mapped, rule.mapped
    if edge == "pad":
        return rule.covered, rule.pixels(rule.covering(rule.covered))
    pixels = rule.pixels(rule.blocks)
    return pixels, pixels


def check_extent(
    spans: Sequence[tuple[range, range]],
    sources: Mapping[str, Source],
    rules: Sequence[BlockAxis | ChunkAxis],
) -> None:
    """Refuse sources without a common part that is large enough for one pixel."""
    derived = isinstance(rules[0], ChunkAxis)
    if all(len(pixels) for pixels, _ in spans):
        return None if derived else _check_cover(spans, sources, rules)
    sizes = [
        f"'{name}' {rows.size}x{cols.size} px"
        + (f" (receptive field {source.receptive_field})" * (not derived))
        for (name, source), rows, cols in zip(
            sources.items(), rules[0].axes, rules[1].axes, strict=True
        )
    ]
    if derived:
        raise GridMismatchError(
            "No output pixel has all that it reads inside all sources: their common "
            f"part is too small. {'; '.join(sizes)}. Check the extents, or map up to "
            "the borders with `edge='pad'`."
        )
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


def tile_side(tile_size: int | str, job: Job, bytes_per_pixel: float | None) -> int:
    """Side of the tiles in output pixels, a legal one."""
    if tile_size == "auto":
        return _auto_side(job, bytes_per_pixel)
    if not isinstance(tile_size, Integral) or tile_size < 1:
        raise ValueError(
            "`tile_size` is 'auto' or a whole number of pixels. "
            f"Received: {tile_size!r}."
        )
    unit = job.rows.unit
    if tile_size % unit:
        below, above = tile_size // unit * unit, (tile_size // unit + 1) * unit
        legal = f"{below} or {above}" if below else f"{above}"
        what = "total stride" if job.derived else "expression field"
        raise ValueError(
            f"`tile_size` ({tile_size} px) is not a multiple of the {what} "
            f"({unit} px). Use {legal}."
        )
    return tile_size


def _auto_side(job: Job, bytes_per_pixel: float | None) -> int:
    """As large as is worth while, and as the memory for one call allows."""
    unit = job.rows.unit
    if job.patch_based:
        return max(1, PATCH_TILE // unit) * unit
    # In pixels of the reference, and of the source with the smallest ones.
    chunk = int(LARGEST_CHUNK * min(1, *(axis.spacing for axis in job.rows.axes)))
    if bytes_per_pixel:
        chunk = min(chunk, int((MEMORY_BUDGET / bytes_per_pixel) ** 0.5))
    if not job.derived:
        # What is read beyond the tile is known only with the reach.
        return max(1, min(AUTO_TILE, chunk) // unit) * unit
    around = max(job.rows.around, job.cols.around)
    return max(1, int((chunk - around) / job.rows.scale) // unit) * unit


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
