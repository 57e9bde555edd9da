"""`plan_inference` and `predict_raster`: from a model and sources to a map.

The map's pixels lie on a lattice of `scale_factor` reference pixels that begins at the
reference's corner. Both modes read the same pixels for the same output pixel, so they
give the same map; fully convolutional is much faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.fields.reach import NetworkReach, output_reach
from tutorial_lib.fields.tiling import Verdict, judge
from tutorial_lib.inference.background import RULES
from tutorial_lib.inference.blocks import block_lattices, fields_of_patches
from tutorial_lib.inference.checks import (
    check_choice,
    check_outputs,
    declared_fields,
    name_sources,
    try_declared_fields,
    try_derived_fields,
)
from tutorial_lib.inference.chunks import chunk_lattices
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.estimates import Report
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.inference.tiles import (
    check_extent,
    cut_tiles,
    tile_side,
    wanted_pixels,
)
from tutorial_lib.inference.values import map_format
from tutorial_lib.networks.checks import check_inputs
from tutorial_lib.networks.predictors import Predictor, as_predictor, known_reach
from tutorial_lib.notices import warn
from tutorial_lib.rasters import Legend, PathLike, Source, open_sources

if TYPE_CHECKING:
    from tutorial_lib.proof.certificate import Certificate

MODES = ("fully_convolutional", "patch_based")
EDGES = ("valid", "pad")

Sources = Mapping[str, "Source | PathLike"] | Source | PathLike

__all__ = ["EDGES", "MODES", "plan_inference", "predict_raster"]


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

    Without fields, the pixels to read are derived from the network, and the tiled map
    equals the map of the whole image. With fields (a receptive field for every source),
    these are obeyed, artefacts included; a warning says which rule they break.

    Args:
        model: A `keras.Model`, a `.keras` file, a SavedModel folder, or a function from
            {input name: (batch, height, width, channel)} to {output name: the same}.
        sources: Rasters by the model's input names; the first is the reference. For a
            model with one input it may be a single source.
        output: Name of the model's output, or several whose bands are stacked.
        mode: "fully_convolutional" runs the model once for each tile, "patch_based" on
            the receptive field of each block.
        expression_field: Side of the block of output pixels that one receptive field
            gives; 1 if only receptive fields are declared.
        scale_factor: Output spacing divided by reference spacing, likewise.
        tile_size: Side of a tile in output pixels, a multiple of the expression field
            or of the total stride; "auto" takes the largest that fits into a bounded
            memory.
        window: Part of the full map, in its pixels.
        edge: "valid" maps only pixels that read inside every source, "pad" the whole
            reference: a network that pads does so at the true borders, for others the
            sources are mirrored there.
        nodata_rule: Which output pixels are background: "center", "all", "any" or
            "tile". None takes pixels without data for measured values.
        background: Value of background pixels; None takes 255 (65535 above 255
            classes) for labels and NaN for floats.
        legend: Class names and colours of a label map.
        certificate: What `certify` measured. It replaces an analysis that the model
            does not allow, and is kept in the map's metadata.

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
    check_choice("mode", mode, MODES)
    check_choice("edge", edge, EDGES)
    check_choice("nodata_rule", nodata_rule, (*RULES, None))
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
    check_extent(rows, cols)

    memory = network and network.bytes_per_pixel
    side = tile_side(
        tile_size, rows, cols, patch_based=patch_based, bytes_per_pixel=memory
    )
    wanted = wanted_pixels(rows, cols, window)
    separable = patch_based and nodata_rule != "tile"
    return InferencePlan(
        job=job,
        sources=request.sources,
        reference=request.grids[request.reference],
        rows=wanted[0],
        cols=wanted[1],
        tiles=cut_tiles(rows, cols, wanted, side, separable=separable),
        format=map_format(formats, background, legend),
        derived=not declared,
        bytes_per_pixel=memory,
        verdict=_judged(job, network, side) if declared else _exact(side),
        certificate=certificate,
    )


@dataclass(frozen=True)
class _Request:
    """A model and its sources, named, opened once and checked."""

    predictor: Predictor
    outputs: tuple[str, ...]
    sources: Mapping[str, Source]
    grids: Mapping[str, GeoBox]
    channels: Mapping[str, int]

    @property
    def reference(self) -> str:
        return next(iter(self.sources))


def _checked_request(
    model: Any,
    sources: Sources,
    output: str | Sequence[str],
    certificate: "Certificate | None",
) -> _Request:
    predictor = as_predictor(model)
    named = name_sources(sources, predictor)
    outputs = (output,) if isinstance(output, str) else tuple(output)
    check_outputs(outputs, predictor)
    with open_sources(named) as readers:
        grids = {name: reader.grid for name, reader in readers.items()}
        channels = {name: reader.channels for name, reader in readers.items()}
    cure = "Choose its bands with `Source(…, bands=[…])`."
    check_inputs(channels, predictor.channels, what="source", cure=cure)
    if certificate is not None:
        certificate.check_model(predictor, outputs)
    return _Request(predictor, outputs, named, grids, channels)


def _network_reach(
    request: _Request, certificate: "Certificate | None", *, required: bool
) -> NetworkReach | None:
    """What the outputs depend on; None where it is neither known nor required."""
    measured = certificate.reach() if certificate and required else None
    try:
        # The layers go before what was measured, which dead units may hide.
        return known_reach(request.predictor, request.outputs, request.reference)
    except (TypeError, ValueError):
        if measured is not None:
            return measured.seen_from(request.reference)
        if required:
            raise
        return None


def _exact(side: int) -> Verdict:
    return Verdict(exact=True, broken=(), tiles=(side,), crops=())


def _judged(job: Job, network: NetworkReach | None, side: int) -> Verdict | None:
    """Whether tiles with declared fields give the whole map; a warning if not.

    None where the network's layers are not known.
    """
    if network is None:
        return None
    block = job.rows.unit
    if job.patch_based and block == 1:
        # Every pixel has its own patch: nothing can differ from tile to tile.
        return _exact(side)
    tile = block if job.patch_based else side
    reference = job.names[0]
    chunk = len(job.rows.chunk(reference, range(job.rows.shift, job.rows.shift + tile)))
    starts = [
        lattice.chunk(reference, lattice.computed).start
        for lattice in (job.rows, job.cols)
    ]
    start = max(starts, key=lambda place: place % network.stride)
    verdicts = [
        judge(network, name, tile=tile, start=start, chunk=(chunk, chunk))
        for name in job.outputs
    ]
    verdict = next((one for one in verdicts if not one.exact), verdicts[0])
    if not verdict.exact:
        warn(
            f"The map will not be the map of the whole image: "
            f"{' '.join(verdict.broken)} Leave all fields out, and they are derived."
        )
    return verdict


def predict_raster(  # noqa: PLR0913, D417 - the same choices; see the last lines
    model: Any,
    sources: Sources,
    path: PathLike,
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
    dtype: str | None = None,
    progress: bool = True,
) -> Report:
    """Plan a map and write it: `plan_inference(…).write(path)`.

    Args:
        {options}
        path: The map, a GeoTIFF; an existing file is replaced at the end.
        dtype: Type of the map: floats written as integers are rounded and clamped;
            None takes the plan's.
        progress: Whether to show a progress bar.

    Returns:
        What was done.

    Raises:
        OSError: If the file cannot be written; nothing is left behind.
        ValueError: And other errors, as `plan_inference` raises them.

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
    plan = plan_inference(
        model,
        sources,
        output=output,
        mode=mode,
        expression_field=expression_field,
        scale_factor=scale_factor,
        tile_size=tile_size,
        window=window,
        edge=edge,
        nodata_rule=nodata_rule,
        background=background,
        legend=legend,
        certificate=certificate,
    )
    return plan.write(path, dtype=dtype, progress=progress)


def _arguments(docstring: str) -> str:
    """The lines of a docstring's section of arguments."""
    return docstring.partition("    Args:\n")[2].partition("\n\n")[0]


# The options are explained in one place, so that both helps agree.
if predict_raster.__doc__:  # not with `python -OO`
    predict_raster.__doc__ = predict_raster.__doc__.replace(
        "        {options}", _arguments(plan_inference.__doc__)
    )
