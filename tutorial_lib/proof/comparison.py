"""An image computed tile by tile, compared with the same image computed as a whole."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from tutorial_lib.proof.deviations import Deviation, deviation
from tutorial_lib.proof.probe import LEVELS, Image, Layout, Margins, Pair, Probe
from tutorial_lib.proof.repeats import LARGEST_NOISE, MULTIPLE

# Rows and columns of tiles that are compared: each side of a tile lies inside the image
# for some of them.
TILES_COMPARED = (2, 3)
# Longest side of chunks of which all these are compared, in reference pixels. Of longer
# ones only two are, at this distance, to save time and memory.
MANY_CHUNKS_LIMIT = 512
SMALL_SHIFT = 64
# Where the next smaller and the next larger number lie.
FAR = np.array([-np.inf, np.inf], "float32")

__all__ = ["compare_tiles", "images_of_tiles"]


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
        The deviation of the tile and the image where it is worst, with the largest
        difference of all.

    Raises:
        ValueError: If a chunk gives another number of pixels than the layout says.
    """
    images = _Images.of(layout, tile, margins)
    found = []
    for level in images.levels:
        image = probe.noise(images.shape, 0, level, rng)
        whole, allowed = probe.run(image), probe.repeats.used
        rounding = None
        for corner in images.corners:
            alone = probe.run(probe.part(image, corner, images.chunk))
            _check_size(probe, layout, images.chunk, alone)
            inner, same = _same_part(layout, alone, corner, margins)
            one = deviation(alone[inner], whole[same], tolerance=allowed)
            if not one.equal and rounding is None:
                rounding = _rounding(probe, image, whole, rng)
                allowed = max(allowed, rounding)
                one = deviation(alone[inner], whole[same], tolerance=allowed)
            found.append(one)
    worst = max(found, key=lambda one: (one.share, not one.bitwise))
    return replace(worst, largest=max(one.largest for one in found))


def _rounding(
    probe: Probe, image: Image, whole: np.ndarray, rng: np.random.Generator
) -> float:
    """How much an output changes when the image changes by its rounding error.

    Probabilities of large scores change by more than `SHARE_OF_RANGE`, in images that a
    network was not made for. Labels may not change at all.
    """
    if not np.issubdtype(whole.dtype, np.inexact):
        return 0.0
    moved = {
        name: np.nextafter(array, rng.choice(FAR, array.shape))
        for name, array in image.items()
    }
    found = deviation(probe.run(moved), whole)
    return min(MULTIPLE * found.largest, LARGEST_NOISE * found.value_range)


def images_of_tiles(layout: Layout, tile: int, margins: Margins) -> dict[Pair, int]:
    """Number of images that `compare_tiles` computes, by their shape.

    Example:
        >>> from fractions import Fraction
        >>> layout = Layout(stride=16, scale=Fraction(1), lost=(0, 0))
        >>> images_of_tiles(layout, 32, (31, 31, 16, 16))
        {(112, 144): 3, (80, 80): 18}
    """
    images = _Images.of(layout, tile, margins)
    levels = len(images.levels)
    return {images.shape: levels, images.chunk: levels * len(images.corners)}


@dataclass(frozen=True)
class _Images:
    """The images in which tiles are compared; shapes in reference pixels."""

    shape: Pair
    chunk: Pair
    corners: list[Pair]
    levels: tuple[float, ...]

    @classmethod
    def of(cls, layout: Layout, tile: int, margins: Margins) -> "_Images":
        chunk = _chunk(layout, tile, margins)
        large = max(chunk) > MANY_CHUNKS_LIMIT
        corners = _corners(layout, tile, large)
        height, width = (
            side + max(starts)
            for side, starts in zip(chunk, zip(*corners, strict=True), strict=True)
        )
        return cls((height, width), chunk, corners, LEVELS[1:2] if large else LEVELS)


def _corners(layout: Layout, tile: int, large: bool) -> list[Pair]:
    """Where the chunks begin, in reference pixels."""
    step = int(tile * layout.scale)
    if not large:
        return [(row * step, col * step) for row, col in np.ndindex(*TILES_COMPARED)]
    shift = min(step, layout.stride * ceil(SMALL_SHIFT / layout.stride))
    return [(0, 0), (shift, 2 * shift)]


def _same_part(
    layout: Layout, alone: np.ndarray, corner: Pair, margins: Margins
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """A chunk's output without its margins, and the same part of the whole output."""
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
    return inner, (rows, cols)


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
