"""Maps of whole scenes: plan a tiled inference, look at the plan, run it.

The map's pixels lie on a lattice of `scale_factor` reference pixels, anchored at the
reference's corner. Every expression field (a block of output pixels) is computed from
one receptive field of every source, in both modes, so that they give the same map.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.inference.checks import (
    Fit,
    check_channels,
    check_chunk,
    check_fit,
    check_outputs,
    fields_are_given,
    name_sources,
)
from tutorial_lib.inference.derived import (
    chunk_rules,
    job_verdict,
    known_reach,
    output_reach,
    patch_fields,
)
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.plan import MODES, InferencePlan, Report, opened
from tutorial_lib.inference.tiles import (
    block_rules,
    check_extent,
    cut_tiles,
    cut_window,
    map_spans,
    tile_side,
)
from tutorial_lib.networks.predictors import Predictor, as_predictor
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Legend, PathLike, Source
from tutorial_lib.rasters.validity import RULES

if TYPE_CHECKING:
    from tutorial_lib.proof.certificate import Certificate

EDGES = ("valid", "pad")

Sources = Mapping[str, "Source | PathLike"] | Source | PathLike

__all__ = ["plan_inference", "predict_raster"]


def plan_inference(  # noqa: PLR0913 - every one is a choice of the user's
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
    certificate: "Certificate | None" = None,
) -> InferencePlan:
    """Plan a map and check it, without computing it.

    Without fields, what must be read is worked out from the network, and the tiled map
    equals the map of the whole image. With fields (a receptive field for every source)
    these are obeyed, artefacts included, with a warning that says which rule they
    break. Both modes read the same pixels for the same output pixel; fully
    convolutional is much faster.

    Args:
        model: A `keras.Model`, a `.keras` file, a SavedModel folder, or a function from
            {input name: (batch, height, width, channel)} to {output name: the same}.
        sources: Rasters by the model's input names; the first is the reference. For a
            model with one input it may be a single source.
        output: Name of the model's output, or several whose bands are stacked.
        mode: "fully_convolutional" runs the model once for each tile, "patch_based" on
            the receptive field of each block.
        expression_field: Side of the block of output pixels that one receptive field
            gives; 1 if only receptive fields are given.
        scale_factor: Output spacing divided by reference spacing, likewise.
        tile_size: Side of a tile in output pixels, a multiple of the expression field
            or of the total stride; "auto" takes what memory allows and time rewards.
        window: Part of the full map, in its pixels.
        edge: "valid" maps only what lies inside every source, "pad" the whole
            reference: a network that pads does so at the true borders, for others the
            sources are mirrored there.
        nodata_rule: Which output pixels are background: "center", "all", "any" or
            "tile"; None takes no-data for measured values.
        background: Their value; None gives 255 (65535 above 255 classes) for labels and
            NaN for floats.
        legend: Class names and colours of a label map.
        certificate: What `certify` measured: it stands in for an analysis that the
            model does not allow, and goes into the map's metadata.

    Returns:
        The plan: print it, then `write` or `read` it.

    Raises:
        ValueError: If names, fields, tile size, window… do not fit, with what would.
        GridMismatchError: If the sources' grids do not fit together.

    Example:
        >>> from tutorial_lib import architectures, testing
        >>> network = architectures.pixelwise_fcnn(6, crops=())
        >>> image = testing.small_scene()["input_10m"]
        >>> plan = plan_inference(network, image, output="estimated")
        >>> plan.grid.shape.yx, plan.grid.transform.c
        ((105, 153), 500080.0)
        >>> plan.verdict
        exact: the tiled map equals the whole map
        >>> plan.read().shape
        (105, 153, 6)
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
    grids, channels = _grids_and_channels(named)
    check_channels(channels, predictor)
    given = fields_are_given(named, expression_field, scale_factor)
    if certificate is not None:
        certificate.check_model(model, outputs)
    network = _network(predictor, outputs, next(iter(named)), certificate, not given)
    if mode == "patch_based" and not given:
        pair = output_reach(network, outputs)
        fields, expression_field, scale_factor = patch_fields(pair, tuple(named))
        named = {n: replace(s, receptive_field=fields[n]) for n, s in named.items()}
    if mode == "patch_based" or given:
        rules = block_rules(named, grids, expression_field, scale_factor)
    else:
        rules = chunk_rules(output_reach(network, outputs), grids, edge)
    job = Job(
        predictor, outputs, tuple(named), *rules, mode == "patch_based", nodata_rule
    )
    fit = (check_chunk if job.derived else check_fit)(job, channels)
    spans = [map_spans(rule, edge) for rule in rules]
    check_extent(spans, named, rules)
    wanted = cut_window(spans, window)
    side = tile_side(tile_size, job, network and network.bytes_per_pixel)
    verdict = network and job_verdict(job, network, side)
    if given:
        _warn_unless_exact(verdict)
    dtype, value = _type_and_background(fit, background, legend)
    return InferencePlan(
        job=job,
        sources=named,
        reference=next(iter(grids.values())),
        rows=wanted[0],
        cols=wanted[1],
        tiles=cut_tiles(job, spans, wanted, side),
        dtype=dtype,
        background=value,
        bands=_band_names(outputs, fit, legend),
        legend=legend,
        bytes_per_pixel=network and network.bytes_per_pixel,
        verdict=verdict,
        certificate=certificate,
    )


def _grids_and_channels(
    sources: Mapping[str, Source],
) -> tuple[dict[str, GeoBox], dict[str, int]]:
    with opened(sources) as readers:
        grids = {name: reader.grid for name, reader in readers.items()}
        return grids, {name: reader.channels for name, reader in readers.items()}


def _warn_unless_exact(verdict: Verdict | None) -> None:
    if verdict is not None and not verdict.exact:
        warn(
            f"The map will not be that of the whole image: {' '.join(verdict.broken)} "
            "Leave all fields out, and they are derived."
        )


def _network(
    predictor: Predictor,
    outputs: Sequence[str],
    reference: str,
    certificate: "Certificate | None",
    needed: bool,
) -> NetworkReach | None:
    """What the outputs depend on; None where it is not known and not needed."""
    measured = certificate.reach() if certificate and needed else None
    try:
        # First of all the layers: what was measured may be hidden by dead units.
        return known_reach(predictor, outputs, reference)
    except (TypeError, ValueError):
        if measured is not None:
            return measured.seen_from(reference)
        if needed:
            raise
        return None


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

    Example:
        >>> from tutorial_lib import testing
        >>> image = Source(testing.small_scene()["input_10m"], receptive_field=16)
        >>> report = predict_raster(
        ...     testing.BlockMean({"input": 16}),
        ...     image,
        ...     testing.scratch_folder() / "map.tif",
        ...     output="estimated_labels",
        ...     progress=False,
        ... )
        >>> report.tile_count, report.skipped
        (1, 0)
    """
    plan = plan_inference(model, sources, **options)
    return plan.write(path, dtype=dtype, progress=progress)


def _check_choices(**choices: tuple[str, Sequence[str]]) -> None:
    for name, (value, known) in choices.items():
        if value not in known:
            raise ValueError(
                f"`{name}` is one of {', '.join(map(repr, known))}. "
                f"Received: {value!r}."
            )


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
        warn(
            f"The background {background:g} is also a class{name}: the two cannot be "
            "told apart in the map. Leave `background` out, or take a free value."
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
