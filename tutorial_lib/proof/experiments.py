"""Experiments that measure what the output of any network depends on.

A network computes images of noise. Then the pixels around a chunk are replaced. Output
pixels that change depend on the surroundings; the others are the same in every image
with this chunk. Nothing here uses the layers, so that it can confirm or refute what was
worked out from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from tutorial_lib.networks.predictors import OutputError
from tutorial_lib.proof.comparison import changed, deviation
from tutorial_lib.proof.probe import (
    COLS,
    LEVELS,
    ROWS,
    Image,
    Layout,
    Margins,
    Pair,
    Probe,
)
from tutorial_lib.proof.varying import constant_error

# Lowest and highest value of the surroundings, as shares of the image's largest value.
# Strong noise of both signs activates units that ordinary values leave dead.
SURROUNDINGS = ((0, 1), (-1000, 1000))

# Sides of the images that are tried on an unknown network, in reference pixels. Each
# stride from 1 to 10, and each power of two up to 128, divides one of them, and is at
# most a quarter of it: larger strides do not show in an image.
SIDES = (192, 384, 240, 336, 432, 768, 864)
# Largest chunk that is tried, in reference pixels. A network whose margins fill it is
# of little use: most of each chunk would be computed in vain.
LARGEST_TRIED = 768
# Number of output pixels free of margins that is aimed at: more of them show more.
SMALLEST_CLEAN = 16

__all__ = [
    "LARGEST_TRIED",
    "SURROUNDINGS",
    "Expected",
    "measure_layout",
    "measure_margins",
]


@dataclass(frozen=True)
class Expected:
    """What is known of an output before its margins are measured.

    Attributes:
        layout: Where its pixels lie.
        reached: About how many of its pixels the surroundings of a chunk reach, both
            sides together.
        everywhere: Whether the surroundings reach every pixel of all chunks.
    """

    layout: Layout
    reached: int = 0
    everywhere: bool = False


def _reached(
    probe: Probe, shape: Pair, kept: tuple[Pair, Pair], rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Replace everything but `kept`, and find the output rows or columns that change.

    Rows and columns are replaced in turn. So each row has many pixels that may change:
    a unit that is dead in one column is alive in another.

    Yields:
        The axis, and a mask of its pixels that changed, for each replacement.
    """
    for level in LEVELS:
        image = probe.noise(shape, 0, level, rng)
        truth = probe.run(image)
        if level == LEVELS[0]:
            _check_repeats(probe, image, truth)
        for low, high in SURROUNDINGS:
            for axis in (ROWS, COLS):
                around = probe.noise(shape, level * low, level * high, rng)
                mixed = probe.surrounded(image, around, axis, kept[axis])
                yield axis, changed(probe.run(mixed), truth).any(axis=1 - axis)


def _check_repeats(probe: Probe, image: Image, truth: np.ndarray) -> None:
    again = probe.run(image)
    if changed(again, truth).any():
        raise ValueError(
            f"The model gives two results of '{probe.output}' for one image, which "
            f"differ by {np.abs(again - truth).max():.2g}. Certify it without dropout "
            "or noise, and with deterministic kernels "
            "(`tf.config.experimental.enable_op_determinism()`)."
        )


def _longest_clean(reached: np.ndarray) -> tuple[int, int]:
    """Start and end of the longest run of pixels that did not change."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], reached, [True]])))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def _margins_in(
    probe: Probe,
    layout: Layout,
    shape: Pair,
    kept: tuple[Pair, Pair],
    rng: np.random.Generator,
) -> tuple[Margins | None, int]:
    """Margins of the chunk `kept`, and the number of images that were compared.

    The margins are None if less than one period of the output is free of them.
    """
    spans = [
        slice(int(start / layout.scale), int(stop / layout.scale) - lost)
        for (start, stop), lost in zip(kept, layout.lost, strict=True)
    ]
    found = [np.zeros(max(span.stop - span.start, 0), bool) for span in spans]
    trials, alive = 0, False
    for axis, reached in _reached(probe, shape, kept, rng):
        found[axis] |= reached[spans[axis]]
        trials, alive = trials + 1, alive or bool(reached.any())
        if found[axis].all():
            return None, trials
    if not alive:
        raise constant_error(probe.output)
    (top, low), (left, right) = (_longest_clean(reached) for reached in found)
    # With a stride larger than the kernel, some pixels depend on no input at all. Less
    # than one period of unchanged pixels may be such a gap.
    if min(low - top, right - left) < layout.period:
        return None, trials
    return (left, top, len(found[COLS]) - right, len(found[ROWS]) - low), trials


def measure_margins(
    probe: Probe, expected: Expected, rng: np.random.Generator
) -> tuple[Margins | None, int]:
    """Measure how many pixels of a chunk's output depend on its surroundings.

    A chunk in the middle of an image, three chunks high and wide, is kept. Everything
    above and below it is replaced, then everything left and right of it. Pixels that
    change in any bit, in any of several images, depend on the surroundings.

    Args:
        probe: The network.
        expected: What is known of its output. Where every pixel is reached, one chunk
            is enough to see it; elsewhere larger chunks are tried, up to 768 px.
        rng: Generator of the noise.

    Returns:
        (left, top, right, bottom), or None if all pixels depend on the surroundings;
        and the number of images that were compared.

    Raises:
        ValueError: If the output never changes, or is not twice the same.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.networks.predictors import as_predictor
        >>> from tutorial_lib.proof.probe import make_probe
        >>> network = as_predictor(testing.BlockMean({"input": 5}))
        >>> inputs = {"input": (2, 1, 255)}
        >>> probe = make_probe(network, "estimated", inputs=inputs, spacing=None)
        >>> expected = Expected(Layout(stride=1, scale=Fraction(1), lost=(4, 4)))
        >>> measure_margins(probe, expected, np.random.default_rng(0))
        ((0, 0, 0, 0), 12)
    """
    layout, compared = expected.layout, 0
    pixels = expected.reached + max(layout.period, SMALLEST_CLEAN)
    while True:
        height = layout.chunk(pixels, ROWS)
        # Not square, so that swapped axes show.
        width = layout.chunk(pixels, COLS) + layout.stride
        kept = ((height, 2 * height), (width, 2 * width))
        shape = (3 * height, 3 * width)
        margins, trials = _margins_in(probe, layout, shape, kept, rng)
        compared, pixels = compared + trials, 2 * pixels
        if expected.everywhere:
            return None, compared
        if margins or layout.chunk(pixels, ROWS) > LARGEST_TRIED:
            return margins, compared


def measure_layout(probe: Probe, rng: np.random.Generator) -> Expected:
    """Measure scale, lost pixels and total stride of a network.

    Returns:
        The layout, and about how many pixels the surroundings reach. If they reach all
        pixels of all images that were tried, the total stride is not known and taken
        for the smallest possible one.

    Raises:
        ValueError: If the network raises an error for images of all sizes, or its
            output does not grow with them.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.networks.predictors import as_predictor
        >>> from tutorial_lib.proof.probe import make_probe
        >>> strided = testing.BlockMean({"input": 7}, {"input": 3})
        >>> network, inputs = as_predictor(strided), {"input": (2, 1, 255)}
        >>> probe = make_probe(network, "estimated", inputs=inputs, spacing=None)
        >>> found = measure_layout(probe, np.random.default_rng(0))
        >>> found.layout.stride, str(found.layout.scale), found.layout.lost
        (3, '3', (2, 2))
        >>> found.reached, found.everywhere
        (0, False)
    """
    refusal, fallback = None, None
    for side in (lcm(side, probe.unit) for side in SIDES):
        try:
            scale, lost = _sizes(probe, side, rng)
        except OutputError:
            raise
        except ValueError as err:
            refusal = refusal or err
            continue
        if scale is None:
            continue
        smallest = Layout(lcm(probe.unit, scale.numerator), scale, lost)
        stride, reached = _stride(probe, smallest, side, rng)
        if stride and side % stride == 0:
            return Expected(Layout(stride, scale, lost), reached)
        fallback = fallback or Expected(smallest, everywhere=True)
    if fallback is None:
        raise refusal or ValueError(
            f"The output '{probe.output}' does not grow in proportion to its inputs, "
            "so it has no scale. Certify an output that does."
        )
    return fallback


def _sizes(
    probe: Probe, side: int, rng: np.random.Generator
) -> tuple[Fraction | None, Pair]:
    """Scale and lost pixels, from two oblong images; no scale if they disagree."""
    high, wide = (
        probe.run(probe.noise(shape, 0, 1, rng)).shape[:2]
        for shape in ((2 * side, side), (side, 2 * side))
    )
    grown = (high[ROWS] - wide[ROWS], wide[COLS] - high[COLS])
    if grown[0] != grown[1] or grown[0] < 1:
        return None, (0, 0)
    lost = (grown[0] - wide[ROWS], grown[0] - high[COLS])
    scale = Fraction(side, grown[0])
    # A side that is not a multiple of the stride is rounded somewhere: then the scale
    # is a fraction such as 192/38 for a stride of 5.
    return (scale if side % scale.numerator == 0 else None), lost


def _stride(
    probe: Probe, layout: Layout, side: int, rng: np.random.Generator
) -> tuple[int | None, int]:
    """The total stride, and about how many pixels the surroundings reach.

    The total stride is the smallest shift of the image that only shifts the output. Its
    pixels near the borders change anyway, and are left out. So it is measured first how
    far the borders reach. The stride is None if no shift is found.
    """
    quarter = side // 4 // layout.stride * layout.stride
    if not quarter:
        return None, 0
    kept = ((quarter, side - quarter),) * 2
    margins, _ = _margins_in(probe, layout, (side, side), kept, rng)
    if margins is None:
        return None, 0
    size = side + quarter
    images = [probe.noise((size, size), 0, level, rng) for level in LEVELS]
    # Dark images last: most shifts are excluded by the bright ones.
    images.reverse()
    still = [probe.run(probe.part(image, (0, 0), (side, side))) for image in images]
    for shift in range(layout.stride, quarter + 1, layout.stride):
        pairs = zip(images, still, strict=True)
        if all(_shifts(probe, layout, side, shift, margins, *pair) for pair in pairs):
            return shift, max(margins[0] + margins[2], margins[1] + margins[3])
    return None, 0


def _shifts(
    probe: Probe,
    layout: Layout,
    side: int,
    shift: int,
    margins: Margins,
    image: Image,
    still: np.ndarray,
) -> bool:
    """Whether a shift of the image shifts the inner part of the output, no more."""
    step = int(shift / layout.scale)
    left, top, right, bottom = margins
    moved = probe.run(probe.part(image, (shift, shift), (side, side)))
    # The margins of a chunk that begins beside the stride may be larger by one step.
    inner = [
        slice(before + step, size - 2 * step - after)
        for size, before, after in zip(
            moved.shape[:2], (top, left), (bottom, right), strict=True
        )
    ]
    if any(part.stop - part.start < step for part in inner):
        return False
    rows, cols = (slice(part.start + step, part.stop + step) for part in inner)
    # The output of deep layers may hardly vary, so only rounding is tolerated.
    return deviation(moved[tuple(inner)], still[rows, cols], share_of_range=0).equal
