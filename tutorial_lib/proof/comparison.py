"""An image computed tile by tile, compared with the same image computed as a whole."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from tutorial_lib.proof.probe import LEVELS, Layout, Margins, Pair, Probe

# TensorFlow adds in another order for another shape of the input. Results may differ by
# this share of the range of values or, where the values hardly vary, by this number of
# rounding steps of a float32.
SHARE_OF_RANGE = 1e-5
ROUNDING_STEPS = 8

# Rows and columns of tiles that are compared: each side of a tile lies inside the image
# for some of them.
TILES_COMPARED = (2, 3)
# Longest side of chunks of which all these are compared, in reference pixels. Of longer
# ones only two are, at this distance, to save time and memory.
MANY_CHUNKS_LIMIT = 512
SMALL_SHIFT = 64

__all__ = ["Deviation", "changed", "compare_tiles", "deviation"]


@dataclass(frozen=True)
class Deviation:
    """How much two computations of the same pixels differ.

    Attributes:
        bitwise: Whether they are equal in every bit.
        largest: Largest difference.
        value_range: Largest minus smallest value.
        share: The largest difference as a share of what the order of sums may cause.
            Labels may not differ at all.
    """

    bitwise: bool
    largest: float
    value_range: float
    share: float

    @property
    def equal(self) -> bool:
        """Whether they differ by no more than the order of sums may cause."""
        return bool(self.share <= 1)


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mask of the pixels that differ in a channel, in any bit; NaN equals NaN."""
    return ((a != b) & ~((a != a) & (b != b))).any(axis=-1)


def deviation(
    a: np.ndarray, b: np.ndarray, *, share_of_range: float = SHARE_OF_RANGE
) -> Deviation:
    """Compare two computations (height, width, channel); the range is that of `b`.

    Example:
        >>> ones = np.ones((2, 3, 1), "float32")
        >>> deviation(ones, ones).bitwise, deviation(ones, ones + 0.001).equal
        (True, False)
    """
    bitwise = not bool(changed(a, b).any())
    a, b = (array.astype("float64") for array in (a, b))
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    # Equal infinities do not differ; a NaN in only one of the two does.
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    apart[np.isnan(apart)] = np.inf
    finite = b[np.isfinite(b)]
    value_range = float(np.ptp(finite)) if finite.size else 0.0
    largest = float(apart.max(initial=0))
    rounding = ROUNDING_STEPS * float(np.finfo("float32").eps)
    rounding *= np.abs(finite).max(initial=0)
    allowed = max(share_of_range * value_range, rounding)
    share = largest / allowed if largest and allowed else largest
    return Deviation(bitwise, largest, value_range, float(share))


def compare_tiles(
    probe: Probe,
    layout: Layout,
    tile: int,
    margins: Margins,
    rng: np.random.Generator,
) -> Deviation:
    """Compute an image tile by tile and as a whole, and compare.

    Of tiles with large chunks only two are compared. They overlap, and each of their
    sides lies inside the image once.

    Args:
        probe: The network.
        layout: Where its output lies.
        tile: Side of a tile in output pixels.
        margins: (left, top, right, bottom), removed from each chunk's output. All the
            rest is compared; it contains the tile.
        rng: Generator of the noise.

    Returns:
        The deviation of the tile and the image where it is largest.

    Raises:
        ValueError: If a chunk gives another number of pixels than the layout says.
    """
    chunk = _chunk(layout, tile, margins)
    large = max(chunk) > MANY_CHUNKS_LIMIT
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
) -> Deviation:
    """Compare a chunk's output without its margins with the same part of the whole."""
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
    return deviation(alone[inner], whole[rows, cols])


def _chunk(layout: Layout, tile: int, margins: Margins) -> Pair:
    """Height and width of the chunk of a tile, in reference pixels.

    Chunks begin at multiples of the total stride, and so do tiles. So the margin before
    a tile is rounded up to a multiple of the period.
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
            f"'{probe.output}', not {due}: its output does not grow in proportion to "
            "its inputs. Use a model whose output does."
        )
