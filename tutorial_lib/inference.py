"""Maps of whole scenes: plan a tiled inference, look at the plan, run it.

The map's pixels lie on a lattice of `scale_factor` reference pixels, anchored at the
reference's corner. Every expression field (a block of output pixels) is computed from
one receptive field of every source, in both modes, so that they give the same map.
"""

import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.engine import Job, Tile
from tutorial_lib.fitting import (
    Fit,
    check_channels,
    check_fields,
    check_fit,
    check_outputs,
    name_sources,
)
from tutorial_lib.grids import (
    BlockAxis,
    GridMismatchError,
    align,
    snapped,
    tile_spans,
)
from tutorial_lib.nodata import RULES
from tutorial_lib.plans import MODES, InferencePlan, Report, opened
from tutorial_lib.predictors import as_predictor
from tutorial_lib.rasters import Legend, PathLike, Source

EDGES = ("valid", "pad")

# Output pixels of an automatic tile: larger ones are hardly faster and need more memory.
AUTO_TILE = {"fully_convolutional": 256, "patch_based": 128}

Sources = Mapping[str, "Source | PathLike"] | Source | PathLike

__all__ = ["plan_inference", "predict_raster"]


def plan_inference(
    model: Any,
    sources: Sources,
    *,
    output: str | Sequence[str],
    mode: str = "fully_convolutional",
    expression_field: int | None = None,
    scale_factor: float | None = None,
    tile_size: int | str = "auto",
    window: Window | None = None,
    edge: str = "valid",
    nodata_rule: str | None = "center",
    background: float | None = None,
    legend: Legend | None = None,
) -> InferencePlan:
    """Plan a map and check it, without computing it.

    The sources need a receptive field each. Both modes read the same pixels for the
    same output pixel; fully convolutional is much faster.

    Args:
        model: A `keras.Model`, a `.keras` file, a SavedModel folder, or a function from
            {input name: (batch, height, width, channel)} to {output name: the same}.
        sources: Rasters by the model's input names; the first is the reference. For a
            model with one input it may be a single source.
        output: Name of the model's output, or several whose bands are stacked.
        mode: "fully_convolutional" runs the model once for each tile, "patch_based" on
            the receptive field of each block.
        expression_field: Side of the block of output pixels that one receptive field
            gives, 1 by default.
        scale_factor: Output spacing divided by reference spacing, 1 by default.
        tile_size: Side of a tile in output pixels, a multiple of the expression field.
        window: Part of the full map, in its pixels.
        edge: "valid" maps only what lies inside every source, "pad" the whole
            reference, for which the sources are mirrored at their borders.
        nodata_rule: Which output pixels are background: "center", "all", "any" or
            "tile"; see `tutorial_lib.nodata`. None takes no-data for measured values.
        background: Their value; None gives 255 (65535 above 255 classes) for labels and
            NaN for floats.
        legend: Class names and colours of a label map.

    Returns:
        The plan: print it, then `write` or `read` it.

    Raises:
        ValueError: If names, fields, tile size, window… do not fit, with what would.
        GridMismatchError: If the sources' grids do not fit together.

    Example:
        >>> from tutorial_lib import testing
        >>> network = testing.BlockMean({"input": 16})
        >>> plan = plan_inference(
        ...     network,
        ...     Source(testing.small_scene()["input_10m"], receptive_field=16),
        ...     output="estimated",
        ... )
        >>> plan.grid.shape.yx, plan.grid.transform.c
        ((105, 153), 500080.0)
        >>> plan.read().shape
        (105, 153, 1)
    """
    predictor = as_predictor(model)
    named = name_sources(sources, predictor)
    outputs = (output,) if isinstance(output, str) else tuple(output)
    _check_choices(
        mode=(mode, MODES),
        edge=(edge, EDGES),
        nodata_rule=(nodata_rule, (*RULES, None)),
    )
    check_outputs(outputs, predictor)
    with opened(named) as readers:
        grids = {name: reader.grid for name, reader in readers.items()}
        channels = {name: reader.channels for name, reader in readers.items()}
    check_channels(channels, predictor)
    check_fields(named)
    rules = _block_rules(named, grids, expression_field, scale_factor)
    job = Job(
        predictor, outputs, tuple(named), *rules, mode == "patch_based", nodata_rule
    )
    _check_steps(job)
    fit = check_fit(job, channels)
    spans = [_spans(rule, edge) for rule in rules]
    _check_extent(spans, named, rules)
    wanted = _windowed(spans, window)
    side = _tile_side(tile_size, job, mode)
    dtype, value = _type_and_background(fit, background, legend)
    return InferencePlan(
        job=job,
        sources=named,
        reference=next(iter(grids.values())),
        rows=wanted[0],
        cols=wanted[1],
        tiles=_tiles(job, spans, wanted, side),
        dtype=dtype,
        background=value,
        bands=_band_names(outputs, fit, legend),
        legend=legend,
    )


def predict_raster(
    model: Any,
    sources: Sources,
    path: PathLike,
    *,
    dtype: str | None = None,
    progress: bool = True,
    **options: Any,
) -> Report:
    """Plan a map and write it: `plan_inference(…).write(path)`.

    Args:
        model: As for `plan_inference`.
        sources: As for `plan_inference`.
        path: The map, a GeoTIFF.
        dtype: As for `InferencePlan.write`.
        progress: As for `InferencePlan.write`.
        **options: The keyword arguments of `plan_inference`.

    Returns:
        What was done.
    """
    plan = plan_inference(model, sources, **options)
    return plan.write(path, dtype=dtype, progress=progress)


def _check_choices(**choices: tuple[str, Sequence[str]]) -> None:
    for name, (value, known) in choices.items():
        if value not in known:
            raise ValueError(
                f"`{name}` is one of {', '.join(map(repr, known))}. Received: {value!r}."
            )


def _block_rules(
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
        warnings.warn(
            f"The receptive fields cover different ground (in reference pixels: "
            f"{listed}). They share their upper-left corner, so they are not centred on "
            "each other.",
            stacklevel=4,
        )


def _check_steps(job: Job) -> None:
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


def _spans(rule: BlockAxis, edge: str) -> tuple[range, range]:
    """Pixels of the whole map along one axis, and of the blocks that hold them."""
    if edge == "pad":
        return rule.covered, rule.pixels(rule.covering(rule.covered))
    pixels = rule.pixels(rule.blocks)
    return pixels, pixels


def _check_extent(
    spans: Sequence[tuple[range, range]],
    sources: Mapping[str, Source],
    rules: Sequence[BlockAxis],
) -> None:
    if all(len(pixels) for pixels, _ in spans):
        return _check_cover(spans, sources, rules)
    sizes = [
        f"'{name}' {rows.size}x{cols.size} px (receptive field {source.receptive_field})"
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
                    f"Source '{name}' lacks {beyond} px along a border of the map, more "
                    f"than its receptive field ({rule.fields[number]} px): too much to "
                    "mirror. Use `edge='valid'`, or sources that cover the reference."
                )


def _windowed(
    spans: Sequence[tuple[range, range]], window: Window | None
) -> tuple[range, range]:
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
    inside = 0 <= top < top + height <= len(rows) and 0 <= left < left + width <= len(
        cols
    )
    if not (whole and inside):
        raise ValueError(
            f"The window (row {top}, col {left}, {height}x{width} px) must be whole "
            f"pixels inside the full map, which has {len(rows)}x{len(cols)} px."
        )
    rows = range(rows.start + int(top), rows.start + int(top + height))
    return rows, range(cols.start + int(left), cols.start + int(left + width))


def _tile_side(tile_size: int | str, job: Job, mode: str) -> int:
    field = job.rows.expression
    if tile_size == "auto":
        return max(1, AUTO_TILE[mode] // field) * field
    if not isinstance(tile_size, Integral) or tile_size < 1:
        raise ValueError(
            f"`tile_size` is 'auto' or a whole number of pixels. Received: {tile_size!r}."
        )
    if tile_size % field:
        below, above = tile_size // field * field, (tile_size // field + 1) * field
        legal = f"{below} or {above}" if below else f"{above}"
        raise ValueError(
            f"`tile_size` ({tile_size} px) is not a multiple of the expression field "
            f"({field} px). Use {legal}."
        )
    return tile_size


def _tiles(
    job: Job,
    spans: Sequence[tuple[range, range]],
    wanted: tuple[range, range],
    side: int,
) -> tuple[Tile, ...]:
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


def _type_and_background(
    fit: Mapping[str, Fit], background: float | None, legend: Legend | None
) -> tuple[np.dtype, float]:
    """Type of the map and value of its background pixels."""
    labels = len(fit) == 1 and next(iter(fit.values())).is_labels
    if not labels:
        return np.dtype("float32"), np.nan if background is None else float(background)
    class_count = next(iter(fit.values())).class_count or 0
    names = legend.names if legend else ()
    class_count = max(class_count, len(names))
    if background is None:
        background = 255 if class_count <= 255 else 65535
    if 0 <= background < class_count:
        name = "".join(f" ('{name}')" for name in names[int(background) :][:1])
        warnings.warn(
            f"The background {background:g} is also a class{name}: the two cannot be "
            "told apart in the map. Leave `background` out, or take a free value.",
            stacklevel=3,
        )
    small = 0 <= background <= 255 and class_count <= 256
    return np.dtype(
        "uint8" if small else "int32" if background < 0 else "uint16"
    ), background


def _band_names(
    outputs: Sequence[str], fit: Mapping[str, Fit], legend: Legend | None
) -> tuple[str, ...]:
    names = []
    for output in outputs:
        count = fit[output].channels
        if count == 1:
            names.append(output)
            continue
        classes = legend.names if legend and len(legend) == count else range(count)
        names += [f"{output} {label}" for label in classes]
    return tuple(names)
