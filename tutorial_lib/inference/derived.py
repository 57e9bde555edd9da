"""Rules for a plan without declared fields: what the network says must be read."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from odc.geo.geobox import GeoBox

from tutorial_lib.fields.reach import NetworkReach, Reach, output_reach
from tutorial_lib.fields.tiling import Verdict, judge
from tutorial_lib.grids import Axis, GridMismatchError, align
from tutorial_lib.inference.chunks import ChunkAxis
from tutorial_lib.inference.engine import Job
from tutorial_lib.networks.predictors import known_reach

__all__ = ["chunk_rules", "job_verdict", "known_reach", "output_reach", "patch_fields"]


def chunk_rules(
    pair: tuple[Reach, Reach], grids: Mapping[str, GeoBox], edge: str
) -> tuple[ChunkAxis, ChunkAxis]:
    """What chunks read and give, along the rows and along the columns.

    Raises:
        GridMismatchError: If the sources' pixel sizes are not what the network takes.
    """
    axes = align(grids)
    rules = []
    for i, reach in enumerate(pair):
        along = {name: both[i] for name, both in axes.items()}
        _check_spacing(reach, along)
        covers = edge == "pad"
        rules.append(ChunkAxis(tuple(along.values()), tuple(along), reach, covers))
        if covers:
            _check_cover(rules[-1])
    return tuple(rules)


def _check_spacing(reach: Reach, axes: Mapping[str, Axis]) -> None:
    for name, axis in axes.items():
        if name in reach.starts and axis.spacing != reach.spacing[name]:
            reference = next(iter(axes))
            raise GridMismatchError(
                f"A pixel of source '{name}' is {_number(axis.spacing)} times one of "
                f"the reference '{reference}'; the network needs "
                f"{_number(reach.spacing[name])} times. Resample it, "
                "`gdalwarp -tr …`, or give the raster that belongs to this input."
            )


def _check_cover(rule: ChunkAxis) -> None:
    """A source that ends early is filled, by less than one total stride."""
    size = rule.axes[0].size
    for name, axis in zip(rule.names, rule.axes, strict=True):
        end = axis.offset + axis.size * axis.spacing
        lacking = max(axis.offset, size - end)
        if name in rule.reach.starts and lacking >= rule.reach.stride:
            raise GridMismatchError(
                f"Source '{name}' ends {_number(lacking)} reference pixels inside the "
                "map, too much to make up. Use `edge='valid'`, or sources that cover "
                "the reference."
            )


def _number(value: Fraction) -> str:
    return f"{float(value):g}"


def patch_fields(
    pair: tuple[Reach, Reach], names: Sequence[str]
) -> tuple[dict[str, int], int, Fraction]:
    """Receptive fields, expression field and scale factor for patch-based mode.

    Raises:
        ValueError: If a chunk's borders reach the output, or its blocks do not fit.
    """
    for reach in pair:
        if any(reach.margins):
            raise ValueError(
                f"The borders of a patch reach {reach.margins} px of the output "
                "(start, end), so patches cannot give the whole map. Use "
                "`mode='fully_convolutional'`, or an output that is cropped by more."
            )
    rows, cols = pair
    side = rows.stride + rows.lost * rows.scale
    if rows.lost != cols.lost or side % rows.stride:
        raise ValueError(
            f"Patches of {_number(side)} px do not give blocks that fit next to each "
            "other. Use `mode='fully_convolutional'`, or declare the fields."
        )
    return (
        {name: int(side / rows.spacing[name]) for name in names},
        rows.unit,
        rows.scale,
    )


def job_verdict(job: Job, network: NetworkReach, side: int) -> Verdict:
    """Whether the tiles of a job give the map of the whole image."""
    rule = job.rows
    if job.derived or (job.patch_based and rule.expression == 1):
        # Every pixel from its own patch: nothing can differ from tile to tile.
        return Verdict(True, (), (side,), ())
    tile = rule.expression if job.patch_based else side
    chunk = int(rule.fields[0] + (tile - rule.expression) * rule.scale)
    start = max(
        (int(axis.blocks.start * axis.step) for axis in (job.rows, job.cols)),
        key=lambda place: place % network.stride,
    )
    verdicts = [
        judge(network, name, tile=tile, start=start, chunk=(chunk, chunk))
        for name in job.outputs
    ]
    return next((verdict for verdict in verdicts if not verdict), verdicts[0])
