"""An image computed tile by tile, compared with the same image computed as a whole."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from tutorial_lib.proof.probe import LEVELS, Layout, Margins, Pair, Probe

# What sums in another order may differ by: a share of the range, or where the values
# hardly vary, some steps of a float32 of their size.
SHARE_OF_RANGE = 1e-5
STEPS_OF_FLOAT = 8

# Rows and columns of tiles that are compared: each side of a tile lies inside the image
# for some of them.
TILES_COMPARED = (2, 3)
# Of chunks with a longer side two are compared, with one image that is hardly larger.
LARGE_CHUNK = 512
SMALL_SHIFT = 64

__all__ = ["Difference", "changed", "compare_tiles", "difference"]


@dataclass(frozen=True)
class Difference:
    """How far two computations of the same pixels are apart.

    Attributes:
        bitwise: They are equal in every bit.
        largest: Largest difference.
        value_range: Largest minus smallest value.
        share: The largest difference as a share of what sums in another order may
            differ by: up to 1 all is well. Labels may not differ at all.
    """

    bitwise: bool
    largest: float
    value_range: float
    share: float

    @property
    def equal(self) -> bool:
        """Whether they differ by no more than sums in another order do."""
        return bool(self.share <= 1)


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pixels that differ in any channel, in any bit; NaN equals NaN."""
    return ((a != b) & ~((a != a) & (b != b))).any(axis=-1)


def difference(
    a: np.ndarray, b: np.ndarray, *, share_of_range: float = SHARE_OF_RANGE
) -> Difference:
    """Compare two computations (height, width, channel); `b` counts as the right one.

    Example:
        >>> ones = np.ones((2, 3, 1), "float32")
        >>> difference(ones, ones).bitwise, difference(ones, ones + 0.001).equal
        (True, False)
    """
    bitwise = not bool(changed(a, b).any())
    a, b = (array.astype("float64") for array in (a, b))
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    # Infinity on both sides is no difference; NaN on one side only is one.
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    apart[np.isnan(apart)] = np.inf
    finite = b[np.isfinite(b)]
    value_range = float(np.ptp(finite)) if finite.size else 0.0
    largest = float(apart.max(initial=0))
    step = STEPS_OF_FLOAT * float(np.finfo("float32").eps)
    allowed = max(share_of_range * value_range, step * np.abs(finite).max(initial=0))
    share = largest / allowed if largest and allowed else largest
    return Difference(bitwise, largest, value_range, float(share))


def compare_tiles(
    probe: Probe,
    layout: Layout,
    tile: int,
    margins: Margins,
    rng: np.random.Generator,
) -> Difference:
    """Compute an image tile by tile and as a whole.

    Tiles that need large chunks are only two, and overlap, so that time and memory stay
    small: each of their sides lies inside the image once.

    Args:
        probe: The network.
        layout: Its strides.
        tile: Side of a tile in output pixels.
        margins: (left, top, right, bottom), taken off each chunk's output; all that is
            left is compared, which holds the tile.
        rng: Where the noise comes from.

    Returns:
        The difference, of the image where it is largest.

    Raises:
        ValueError: If a chunk gives another number of pixels than the layout says.
    """
    chunk = _chunk(layout, tile, margins)
    large = max(chunk) > LARGE_CHUNK
    corners = _corners(layout, tile, large)
    shape = tuple(
        side + max(starts)
        for side, starts in zip(chunk, zip(*corners, strict=True), strict=True)
    )
    found = []
    for level in LEVELS[1:2] if large else LEVELS:
        image = probe.noise(shape, 0, level, rng)
        whole = probe.run(image)
        for corner in corners:
            alone = probe.run(probe.part(image, corner, chunk))
            _check_size(probe, layout, chunk, alone)
            found.append(_compare_part(layout, alone, whole, corner, margins))
    return max(found, key=lambda one: (one.share, not one.bitwise))


def _corners(layout: Layout, tile: int, large: bool) -> list[Pair]:
    """Where the chunks begin, in reference pixels."""
    step = int(tile * layout.scale)
    if not large:
        return [(row * step, col * step) for row, col in np.ndindex(*TILES_COMPARED)]
    shift = min(step, layout.stride * ceil(SMALL_SHIFT / layout.stride))
    return [(0, 0), (shift, 2 * shift)]


def _compare_part(
    layout: Layout,
    alone: np.ndarray,
    whole: np.ndarray,
    corner: Pair,
    margins: Margins,
) -> Difference:
    """What the margins leave of a chunk's output, and the same of the whole."""
    left, top, right, bottom = margins
    height, width = alone.shape[:2]
    inner = (slice(top, height - bottom), slice(left, width - right))
    rows, cols = (
        slice(
            int(start / layout.scale) + part.start,
            int(start / layout.scale) + part.stop,
        )
        for start, part in zip(corner, inner, strict=True)
    )
    return difference(alone[inner], whole[rows, cols])


def _chunk(layout: Layout, tile: int, margins: Margins) -> Pair:
    """Rows and columns that are read for a tile.

    A tile lies on multiples of the stride: the margin before it grows to one.
    """
    left, top, right, bottom = margins
    period = layout.period
    return tuple(
        layout.chunk(ceil(before / period) * period + tile + after, axis)
        for axis, (before, after) in enumerate(((top, bottom), (left, right)))
    )


def _check_size(probe: Probe, layout: Layout, chunk: Pair, output: np.ndarray) -> None:
    due = tuple(layout.pixels(side, axis) for axis, side in enumerate(chunk))
    if output.shape[:2] != due:
        raise ValueError(
            f"A chunk of {chunk} reference pixels gives {output.shape[:2]} pixels of "
            f"'{probe.output}' where {due} were due: its output does not grow in step "
            "with its inputs. Use a model whose output does."
        )
