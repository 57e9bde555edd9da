"""Whether a tiled map equals the whole map: three rules, and the nearest legal values.

Along one axis, a tile of t output pixels with a crop of c pixels on each side is
computed from a chunk of (t + 2 c + lost) * scale reference pixels. The tiled map equals
the whole map under three conditions. No layer looks at the whole chunk. The crop
removes the margins. Every chunk begins at a multiple of the total stride and, if layers
pad, ends at one: then each layer pads and strides in a chunk as in the whole image
(Rumberger et al., ICCV 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from tutorial_lib import arguments
from tutorial_lib.display import wrapped
from tutorial_lib.fields.checks import check_output, nearest_multiples
from tutorial_lib.fields.reach import NetworkReach, Reach

if TYPE_CHECKING:
    from tutorial_lib.fields.analysis import FieldAnalysis

# (left, top, right, bottom), like margins.
Crop = tuple[int, int, int, int]

__all__ = ["Verdict", "check_tiling", "judge"]


@dataclass(frozen=True)
class Verdict:
    """Whether tiles give the whole map. It is true if they do.

    Attributes:
        exact: Whether the tiled map equals the whole map.
        broken: A sentence for each broken rule.
        tiles: The nearest legal tile sizes, in output pixels; empty if one tile is the
            whole image, and nothing is known of others.
        crops: The nearest legal crops, equal on all sides; empty if no crop helps.
    """

    exact: bool
    broken: tuple[str, ...]
    tiles: tuple[int, ...]
    crops: tuple[int, ...]

    def __bool__(self) -> bool:
        return self.exact

    def __repr__(self) -> str:
        if self.exact:
            return "exact: the tiled map equals the whole map"
        lines = ["not exact", *self.broken]
        if self.tiles and self.crops:
            lines.append(
                f"Nearest legal tiles {_listed(self.tiles)}, crops "
                f"{_listed(self.crops)}."
            )
        return wrapped("\n".join(lines))


def _listed(values: Sequence[int]) -> str:
    return " or ".join(map(str, values))


def check_tiling(
    analysis: "FieldAnalysis",
    output: str,
    *,
    tile: int,
    crop: int | Crop,
    start: int = 0,
) -> Verdict:
    """Check whether tiles of some size and crop give the whole map.

    Args:
        analysis: The result of `analyse` for the network.
        output: Name of the output.
        tile: Side of a tile: output pixels that are kept of each chunk. Chunks follow
            each other at this distance.
        crop: Output pixels that are removed from each side of a chunk's output, or
            (left, top, right, bottom).
        start: First reference pixel of the first chunk.

    Returns:
        The verdict; it is true if the tiled map is exact.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If there is no such output, or a size is negative or not whole.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> analysis = analyse(architectures.pan_xs_unet(4, crops=()))
        >>> check_tiling(analysis, "estimated", tile=64, crop=32).exact
        True
        >>> check_tiling(analysis, "estimated", tile=80, crop=24)
        not exact
        The borders of a chunk reach 31 px at the left and the top, 16 px at the right
        and the bottom; the crop removes 24 px from each side.
        Nearest legal tiles 80, crops 32.
    """
    from tutorial_lib.fields.analysis import FieldAnalysis
    from tutorial_lib.fields.tracing import trace

    what = "the result of `tl.analyse(model)`"
    arguments.instance("analysis", analysis, FieldAnalysis, what)
    check_output(output, analysis.outputs)
    tile = arguments.whole_number("tile", tile, least=1)
    start = arguments.whole_number("start", start, least=0)
    crop = arguments.whole_numbers("crop", crop, least=0)
    crop = crop * 4 if len(crop) == 1 else crop
    if len(crop) != 4:
        raise ValueError(
            f"`crop` is {crop}. Give one number, or four: left, top, right, bottom."
        )
    network = trace(analysis, [output])
    return judge(network, output, tile=tile, crop=crop, start=start)


def judge(
    network: NetworkReach,
    output: str,
    *,
    tile: int,
    crop: Crop = (0, 0, 0, 0),
    start: int = 0,
    chunk: tuple[Fraction | int, Fraction | int] | None = None,
) -> Verdict:
    """As `check_tiling`, from the reach of a network.

    Args:
        network: The reach of the network.
        output: Name of the output.
        tile: As in `check_tiling`.
        crop: (left, top, right, bottom) in output pixels.
        start: As in `check_tiling`.
        chunk: (height, width) of the chunks in reference pixels, if declared fields
            determine it.
    """
    pair = network.outputs[output]
    if pair is None:
        layers = ", ".join(f"'{name}'" for name in network.whole_tile_layers)
        text = f"{layers} looks at the whole chunk: no crop makes the map exact."
        return Verdict(False, (text,), (), ())
    rows, cols = pair
    if chunk is None:
        height = tile + crop[1] + crop[3] + rows.lost
        width = tile + crop[0] + crop[2] + cols.lost
        chunk = height * rows.scale, width * rows.scale
    broken = (
        _margin_rule(rows, cols, crop),
        _start_rule(rows, start, "The first chunk begins at"),
        _start_rule(rows, tile * rows.scale, "Chunks follow each other every"),
        *{_size_rule(reach, side) for reach, side in zip(pair, chunk, strict=True)},
    )
    broken = tuple(text for text in broken if text)
    return Verdict(
        exact=not broken,
        broken=broken,
        tiles=nearest_multiples(tile, rows.unit),
        crops=_legal_crops(rows, cols, crop),
    )


def _margin_rule(rows: Reach, cols: Reach, crop: Crop) -> str:
    (left, right), (top, bottom) = cols.margins, rows.margins
    margins = left, top, right, bottom
    if all(c >= margin for c, margin in zip(crop, margins, strict=True)):
        return ""
    if (left, right) == (top, bottom):
        text = (
            f"{left} px at the left and the top, {right} px at the right and the bottom"
        )
    else:
        text = f"{margins} px (left, top, right, bottom)"
    taken = "nothing" if not any(crop) else f"{crop} px (left, top, right, bottom)"
    if any(crop) and len(set(crop)) == 1:
        taken = f"{crop[0]} px from each side"
    return f"The borders of a chunk reach {text}; the crop removes {taken}."


def _start_rule(reach: Reach, place: Fraction | int, what: str) -> str:
    if place % reach.stride == 0:
        return ""
    return (
        f"{what} {float(place):g} px of the reference, which is not a multiple of the "
        f"total stride ({reach.stride} px)."
    )


def _size_rule(reach: Reach, chunk: Fraction | int) -> str:
    if not reach.pads or chunk % reach.stride == 0:
        return ""
    return (
        f"A chunk is {float(chunk):g} px of the reference long, which is not a "
        f"multiple of the total stride ({reach.stride} px): its layers pad differently "
        "than in the whole image."
    )


def _legal_crops(rows: Reach, cols: Reach, crop: Crop) -> tuple[int, ...]:
    """The nearest crops, equal on all sides, that are large enough and legal."""
    margin, unit, wanted = max(rows.margins + cols.margins), rows.unit, max(crop)
    # Legal crops repeat after every unit.
    legal = [
        c
        for c in range(max(margin, wanted - unit), max(wanted, margin) + unit + 1)
        if not rows.pads or (2 * c + rows.lost) % unit == 0
    ]
    below = [c for c in legal if c <= wanted][-1:]
    above = [c for c in legal if c >= wanted][:1]
    return tuple(dict.fromkeys(below + above))
