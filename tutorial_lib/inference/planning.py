"""`plan_inference`: from a model and sources to a plan of a map.

The map's pixels lie on a lattice of `scale_factor` reference pixels that begins at the
reference's corner. Both modes read the same pixels for the same output pixel, so they
give the same map; fully convolutional is much faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import arguments
from tutorial_lib.fields.reach import NetworkReach, output_reach
from tutorial_lib.inference.background import RULES
from tutorial_lib.inference.blocks import block_lattices, fields_of_patches
from tutorial_lib.inference.checks import (
    anchored,
    check_outputs,
    declared_fields,
    name_sources,
)
from tutorial_lib.inference.chunks import chunk_lattices
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.judging import (
    exact,
    judge_blocks,
    warn_of_other_lattices,
)
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.inference.precision import in_precision
from tutorial_lib.inference.tile_memory import TileMemory
from tutorial_lib.inference.tile_sizes import MOST_CALLS, calls_within
from tutorial_lib.inference.tiles import (
    check_extent,
    cut_tiles,
    tile_side,
    wanted_pixels,
)
from tutorial_lib.inference.trials import try_declared_fields, try_derived_fields
from tutorial_lib.inference.values import map_format
from tutorial_lib.networks.checks import check_inputs
from tutorial_lib.networks.precisions import PRECISIONS
from tutorial_lib.networks.predictors import Predictor, as_predictor, known_reach
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.rasters import Legend, PathLike, Source, open_sources

MODES = ("fully_convolutional", "patch_based")
EDGES = ("valid", "pad")

Sources = Mapping[str, "Source | PathLike"] | Source | PathLike

__all__ = ["EDGES", "MODES", "Sources", "plan_inference"]


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
    classes: Sequence[int] | None = None,
    certificate: Certificate | None = None,
    memory: float | None = None,
    precision: str = "float32",
) -> InferencePlan:
    """Plan a map and check it, without computing it.

    Without fields, the pixels to read are derived from the network, and the tiled map
    equals the map of the whole image. With fields (a receptive field for every source),
    these are obeyed, artefacts included; a warning says which rule they break.

    Args:
        model: A `keras.Model`, a `.keras` file, an ONNX file, a SavedModel folder, or a
            function from {input name: (batch, height, width, channel)} to {output name:
            the same}.
        sources: Rasters by the model's input names; the first is the reference. For a
            model with one input it may be a single source.
        output: Name of the model's output, or several whose bands are stacked.
        mode: "fully_convolutional" runs the model once for each tile, "patch_based" on
            the receptive field of each block.
        expression_field: Side of the block of output pixels that one receptive field
            gives; 1 if only receptive fields are declared.
        scale_factor: Output spacing divided by reference spacing, likewise; from 0.001
            to 10 000.
        tile_size: Side of a tile in output pixels, a multiple of the expression field
            or of the total stride; "auto" takes one with which few pixels are read more
            than once, within `memory`.
        window: Part of the full map, in its pixels.
        edge: "valid" maps only pixels that read inside every source, "pad" the whole
            reference: a network that pads does so at the true borders, for others the
            sources are mirrored there.
        nodata_rule: Which output pixels are background: "center", "all", "any" or
            "tile". None takes pixels without data for measured values.
        background: Value of background pixels; None takes 255 (65535 above 255
            classes, or the next smaller number that is not a class) for labels and NaN
            for floats.
        legend: Class names and colours of a label map.
        classes: Class numbers of a label map, such as (10, 20, 30) for the network's
            classes 0, 1 and 2; None takes the legend's.
        certificate: What `certify` measured. It replaces an analysis that the model
            does not allow, and is kept in the map's metadata.
        memory: Gigabytes that a run with automatic tiles may take, beside what the
            process already holds; None takes 0.5, and up to 1 for networks with large
            margins.
        precision: "float32", or "bfloat16" on processors that have it: faster, and some
            labels differ; the report of the run says how many.

    Returns:
        The plan: print it, then `write` or `read` it.

    Raises:
        TypeError: If `model` or `window` is not of a known type.
        ValueError: If names, fields, tile size, window… do not fit; with what would.
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
    _check_choices(mode, edge, nodata_rule, background, legend, certificate)
    _check_means(memory, precision)
    request = _checked_request(model, sources, output, certificate)
    patch_based = mode == "patch_based"

    # What is read for which pixels: blocks by their fields, or chunks by derivation.
    fields = declared_fields(request.sources, expression_field, scale_factor)
    declared = fields is not None
    network = _network_reach(request, certificate, required=not declared)
    reaches = None if declared else output_reach(network, request.outputs)
    if patch_based and not declared:
        fields = fields_of_patches(reaches, tuple(request.sources))
    if fields is None:
        rows, cols = chunk_lattices(reaches, request.grids, edge)
        try_network = try_derived_fields
    else:
        rows, cols = block_lattices(fields, request.grids, edge)
        try_network = try_declared_fields

    # Does the network obey, and do the sources overlap?
    job = Job(request.predictor, request.outputs, rows, cols, patch_based, nodata_rule)
    formats = try_network(job, request.channels)
    job = replace(
        job,
        predictor=request.predictor.in_precision(precision),
        scores={f.name: f.scores for f in formats if f.scores},
    )
    check_extent(rows, cols)
    warn_of_other_lattices(rows, cols)

    layers = network and network.memory_of(request.outputs)
    layout = map_format(formats, background=background, legend=legend, classes=classes)
    wanted = wanted_pixels(rows, cols, window)
    # Where the map depends on the tiles, a window has those of the full map.
    depends = declared or nodata_rule == "tile"
    separable = not depends or (patch_based and nodata_rule != "tile")
    # Patches are computed in batches, and a GPU is busy with one call.
    takes = TileMemory(
        layers,
        request.channels,
        len(layout.bands),
        MOST_CALLS if request.predictor.concurrent and not patch_based else 1,
    )
    side = tile_side(
        tile_size,
        rows,
        cols,
        patch_based=patch_based,
        wanted=(rows.mapped, cols.mapped) if depends else wanted,
        takes=takes,
        memory=memory,
        separable=separable,
    )
    tiles = cut_tiles(rows, cols, wanted, side, separable=separable)
    return InferencePlan(
        job=job,
        sources={name: anchored(source) for name, source in request.sources.items()},
        reference=request.grids[request.reference],
        rows=wanted[0],
        cols=wanted[1],
        tiles=tiles,
        format=layout,
        derived=not declared,
        bytes_per_pixel=layers,
        calls=calls_within(
            (rows, cols), (tiles.rows, tiles.cols), takes, memory=memory
        ),
        verdict=in_precision(
            judge_blocks(job, network, side, tiles) if declared else exact(side),
            precision,
        ),
        certificate=certificate,
        scaled=request.scaled,
        inputs=request.files,
    )


def _check_choices(
    mode: str,
    edge: str,
    nodata_rule: str | None,
    background: float | None,
    legend: Legend | None,
    certificate: Certificate | None,
) -> None:
    arguments.choice("mode", mode, MODES)
    arguments.choice("edge", edge, EDGES)
    arguments.choice("nodata_rule", nodata_rule, (*RULES, None))
    if background is not None:
        arguments.number("background", background, finite=False)
    if certificate is not None:
        what = "what `tl.certify(model, output, tile=…)` returned"
        arguments.instance("certificate", certificate, Certificate, what)
    if legend is not None:
        what = "a legend: `tl.Legend(names, colors)` or `tl.read_legend(path)`"
        arguments.instance("legend", legend, Legend, what)


def _check_means(memory: float | None, precision: str) -> None:
    if memory is not None:
        arguments.number("memory", memory, above=0)
    arguments.choice("precision", precision, PRECISIONS)


@dataclass(frozen=True)
class _Request:
    """A model and its sources, named, opened once and checked."""

    predictor: Predictor
    outputs: tuple[str, ...]
    sources: Mapping[str, Source]
    grids: Mapping[str, GeoBox]
    channels: Mapping[str, int]
    scaled: Mapping[str, str]
    files: tuple[PathLike, ...]

    @property
    def reference(self) -> str:
        return next(iter(self.sources))


def _checked_request(
    model: Any,
    sources: Sources,
    output: str | Sequence[str],
    certificate: Certificate | None,
) -> _Request:
    predictor = as_predictor(model)
    named = name_sources(sources, predictor)
    outputs = check_outputs(output, predictor)
    with open_sources(named) as readers:
        grids = {name: reader.grid for name, reader in readers.items()}
        channels = {name: reader.channels for name, reader in readers.items()}
        scaled = {n: reader.scaling for n, reader in readers.items() if reader.scaling}
        files = [file for reader in readers.values() for file in reader.files]
    cure = "Choose its bands with `Source(…, bands=[…])`."
    check_inputs(channels, predictor.channels, what="source", cure=cure)
    if certificate is not None:
        certificate.check_model(predictor, outputs)
    files += [predictor.path] if predictor.path else []
    return _Request(predictor, outputs, named, grids, channels, scaled, tuple(files))


def _network_reach(
    request: _Request, certificate: Certificate | None, *, required: bool
) -> NetworkReach | None:
    """What the outputs depend on; None where it is neither known nor required."""
    measured = certificate.reach() if certificate else None
    try:
        # The layers go before what was measured, which dead units may hide.
        return known_reach(request.predictor, request.outputs, request.reference)
    except (TypeError, ValueError):
        if measured is not None:
            return measured.seen_from(request.reference)
        if required:
            raise
        return None
