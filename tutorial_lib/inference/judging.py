"""Whether a map can be trusted: declared fields, and sources off the lattice."""

from dataclasses import replace
from fractions import Fraction

from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.fields.tiling import Verdict, judge
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.inference.tiles import Tiles
from tutorial_lib.notices import warn

__all__ = ["exact", "judge_blocks", "warn_of_other_lattices"]


def exact(side: int) -> Verdict:
    """The verdict of tiles that give the map of the whole image."""
    return Verdict(exact=True, broken=(), tiles=(side,), crops=())


def _of_whole_image(job: Job, tiles: Tiles) -> bool:
    """Whether one chunk is the whole image, with nothing added at its borders."""
    if len(tiles) > 1 or job.patch_based:
        return False
    (tile,) = tiles
    pairs = (job.rows, tile.computed_rows), (job.cols, tile.computed_cols)
    return all(
        lattice.chunk(name, pixels) == range(axis.size)
        for lattice, pixels in pairs
        for name, axis in lattice.axes.items()
    )


def judge_blocks(
    job: Job, network: NetworkReach | None, side: int, tiles: Tiles
) -> Verdict | None:
    """Whether tiles with declared fields give the whole map; a warning if not.

    Args:
        job: With lattices of declared fields.
        network: What the outputs depend on; None where that is not known.
        side: Side of the tiles in output pixels.
        tiles: The tiles of the map.

    Returns:
        The verdict; None where it is not known, with a warning if the map may change
        with the tile size.
    """
    if job.patch_based and job.rows.unit == 1:
        # Every pixel has its own patch: nothing can differ from tile to tile.
        return exact(side)
    verdict = _by_rules(job, network, side) if network else None
    if (verdict is None or not verdict.exact) and _of_whole_image(job, tiles):
        # No other size of the tile is known to be exact, so none is named.
        return replace(exact(side), tiles=())
    if network is None:
        if len(tiles) > 1 and not job.patch_based:
            warn(
                "Whether the tiles give the map of the whole image is not known, "
                "because this model does not show its layers: the map may change with "
                "the tile size. Measure it: `certificate=tl.certify(model, …)`."
            )
    elif not verdict.exact:
        cure = "Leave all fields out, and they are derived."
        if any(network.outputs[name] is None for name in job.outputs):
            cure = (
                "Give one tile for the whole image, and fields that divide its sides."
            )
        warn(
            "The map will not be the map of the whole image: "
            f"{' '.join(verdict.broken)} {cure}"
        )
    return verdict


def _by_rules(job: Job, network: NetworkReach, side: int) -> Verdict:
    """The verdict that the rules of tiling give: the first broken one counts."""
    tile = job.rows.unit if job.patch_based else side
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
    return next((one for one in verdicts if not one.exact), verdicts[0])


def warn_of_other_lattices(rows: Lattice, cols: Lattice) -> None:
    """Warn of sources whose pixel edges are not on those of the reference.

    A chunk reads the pixel of a source in which the reference's pixel begins, a
    training patch the one that holds its centre. These are the same pixel if each edge
    of the coarser raster is an edge of the finer one.
    """
    for name, axis in rows.axes.items():
        down, right = (lattice.axes[name].offset for lattice in (rows, cols))
        # In pixels of the finer raster.
        fine = min(Fraction(1), axis.spacing)
        steps = [down, right, axis.spacing, Fraction(1)]
        if any((step / fine).denominator > 1 for step in steps):
            reference = next(iter(rows.axes))
            warn(
                f"Pixels of source '{name}' do not begin where those of '{reference}' "
                f"do: they lie {_pixels(right)} to the right and {_pixels(down)} down, "
                f"in pixels of '{reference}', and are {_pixels(axis.spacing)} wide. "
                "Some map pixels read the pixel beside the one that training "
                "patches hold. Warp it onto the lattice of the reference: `gdalwarp "
                "-tr … -te …`."
            )


def _pixels(value: Fraction) -> str:
    return f"{float(value):.4g}"
