"""Experiments that measure how far into a chunk its surroundings reach.

A network computes images of noise. Then the pixels around a chunk are replaced. Output
pixels that change depend on the surroundings; the others are the same in every image
with this chunk. Nothing here uses the layers, so that it can confirm or refute what was
worked out from them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from tutorial_lib.proof.deviations import changed
from tutorial_lib.proof.probe import COLS, LEVELS, ROWS, Layout, Margins, Pair, Probe
from tutorial_lib.proof.repeats import REPEATS
from tutorial_lib.proof.varying import constant_error

# Lowest and highest value of the surroundings, as shares of the image's largest value.
# Strong noise of both signs activates units that ordinary values leave dead.
SURROUNDINGS = ((0, 1), (-1000, 1000))

# Largest chunk that is tried, in reference pixels. A network whose margins fill it is
# of little use: most of each chunk would be computed in vain.
LARGEST_TRIED = 768
# Number of output pixels free of margins that is aimed at: more of them show more.
SMALLEST_CLEAN = 16

# Reference pixels on each side of a chunk in the images of a model whose layers cannot
# be seen. It may read a few pixels far away, and none between, as layers with a large
# dilation do.
FAR = 512

# Width up to which the images of an analysed network are three chunks wide. A unit that
# is dead in one column is alive in another. Wider ones have many columns in one chunk,
# and the margins by the layers go before what is measured.
WIDE = 512

__all__ = [
    "LARGEST_TRIED",
    "SMALLEST_CLEAN",
    "SURROUNDINGS",
    "Expected",
    "Strip",
    "images_of_margins",
    "images_of_strips",
    "margins_in",
    "measure_margins",
]


@dataclass(frozen=True)
class Expected:
    """What is known of an output before its margins are measured.

    Attributes:
        layout: Where its pixels lie.
        margins: About how many of its pixels the surroundings of a chunk reach, (left,
            top, right, bottom).
        everywhere: Whether the surroundings reach every pixel of all chunks.
        analysed: Whether this is known from the layers.
    """

    layout: Layout
    margins: Margins = (0, 0, 0, 0)
    everywhere: bool = False
    analysed: bool = False


@dataclass(frozen=True)
class Strip:
    """An image with a chunk in its middle, whose surroundings along an axis change.

    Attributes:
        axis: The axis along which the surroundings are replaced.
        shape: (height, width) in reference pixels.
        kept: Where the chunk begins and ends along the axis, in reference pixels.
    """

    axis: int
    shape: Pair
    kept: Pair


def _strips(expected: Expected, free: int) -> tuple[Strip, Strip]:
    """Images of a chunk of which so many pixels are expected to be free of margins.

    Around the chunk there is as much as can reach into it; more where that is only a
    guess. Rows and columns have images of their own, because a chunk needs surroundings
    along one axis only.
    """
    layout, (left, top, right, bottom) = expected.layout, expected.margins
    height = layout.chunk(top + bottom + free, ROWS)
    # Not square, so that swapped axes show.
    width = layout.chunk(left + right + free, COLS) + layout.stride
    around = max(layout.chunk(max(expected.margins) + free, x) for x in (ROWS, COLS))
    if not expected.analysed and not expected.everywhere:
        around = max(around, layout.stride * ceil(FAR / layout.stride))
    high, wide = height + 2 * around, width + 2 * around
    return (
        Strip(ROWS, (high, _across(width, expected)), (around, around + height)),
        Strip(COLS, (_across(height, expected), wide), (around, around + width)),
    )


def _across(chunk: int, expected: Expected) -> int:
    """Side of an image across the axis along which its surroundings are replaced."""
    if not expected.analysed:
        return 3 * chunk
    stride = expected.layout.stride
    return max(chunk, min(3 * chunk, stride * ceil(WIDE / stride)))


def _free(layout: Layout) -> int:
    return max(layout.period, SMALLEST_CLEAN)


def images_of_margins(expected: Expected, *, noisy: bool) -> Counter[Pair]:
    """Number of images by shape that `measure_margins` computes if all is as expected.

    Args:
        expected: What is known of the output.
        noisy: Whether the model does not repeat its results in every bit.
    """
    return images_of_strips(_strips(expected, _free(expected.layout)), noisy=noisy)


def images_of_strips(strips: Sequence[Strip], *, noisy: bool) -> Counter[Pair]:
    """Number of images by shape that `margins_in` computes."""
    images: Counter[Pair] = Counter()
    for shape in {strip.shape for strip in strips}:
        repeated = len(LEVELS) * (REPEATS - 1) if noisy else 1
        images[shape] += len(LEVELS) + repeated
    for strip in strips:
        images[strip.shape] += len(LEVELS) * len(SURROUNDINGS)
    return images


def _reached(
    probe: Probe, strips: Sequence[Strip], rng: np.random.Generator
) -> Iterator[tuple[Strip, np.ndarray]]:
    """Replace what surrounds a chunk, and find the output rows or columns that change.

    Yields:
        The strip, and a mask of the pixels along its axis that changed.
    """
    for level in LEVELS:
        images = {}
        for strip in strips:
            if strip.shape not in images:
                image = probe.noise(strip.shape, 0, level, rng)
                again = level == LEVELS[0]
                images[strip.shape] = (image, *probe.truth(image, again=again))
            image, truth, tolerance = images[strip.shape]
            for low, high in SURROUNDINGS:
                around = probe.noise(strip.shape, level * low, level * high, rng)
                mixed = probe.surrounded(image, around, strip.axis, strip.kept)
                mask = changed(probe.run(mixed), truth, tolerance)
                yield strip, mask.any(axis=1 - strip.axis)


def _longest_clean(reached: np.ndarray) -> tuple[int, int]:
    """Start and end of the longest run of pixels that did not change."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], reached, [True]])))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def margins_in(
    probe: Probe, layout: Layout, strips: Sequence[Strip], rng: np.random.Generator
) -> tuple[Margins | None, int]:
    """Margins of a chunk, and the number of images that were compared.

    The margins are None if less than one period of the output is free of them.

    Args:
        probe: The network.
        layout: Where its output lies.
        strips: The images, one for each axis.
        rng: Generator of the noise.

    Raises:
        ValueError: If the output never changes, or is not twice the same.
    """
    found: dict[int, np.ndarray] = {}
    trials, alive = 0, False
    for strip, reached in _reached(probe, strips, rng):
        start, stop = (int(place / layout.scale) for place in strip.kept)
        inside = reached[start : max(start, stop - layout.lost[strip.axis])]
        found[strip.axis] = inside | found.get(strip.axis, False)
        trials, alive = trials + 1, alive or bool(reached.any())
        if found[strip.axis].all():
            return None, trials
    if not alive:
        raise constant_error(probe.output)
    (top, low), (left, right) = (_longest_clean(found[axis]) for axis in (ROWS, COLS))
    # With a stride larger than the kernel, some pixels depend on no input at all. Less
    # than one period of unchanged pixels may be such a gap.
    if min(low - top, right - left) < layout.period:
        return None, trials
    return (left, top, len(found[COLS]) - right, len(found[ROWS]) - low), trials


def measure_margins(
    probe: Probe, expected: Expected, rng: np.random.Generator
) -> tuple[Margins | None, int]:
    """Measure how many pixels of a chunk's output depend on its surroundings.

    A chunk in the middle of an image is kept. Everything above and below it is
    replaced; in another image everything left and right of it. Pixels that change in
    any bit, in any of several images, depend on the surroundings. For a model that does
    not repeat every bit, only changes beyond a tolerance count.

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
        >>> from fractions import Fraction
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
    layout, free, compared = expected.layout, _free(expected.layout), 0
    left, top, right, bottom = expected.margins
    reached = max(left + right, top + bottom)
    while True:
        strips = _strips(expected, free)
        noisy = probe.repeats.noise > 0
        probe.work.plan("margins", images_of_strips(strips, noisy=noisy))
        margins, trials = margins_in(probe, layout, strips, rng)
        compared, free = compared + trials, reached + 2 * free
        too_large = layout.chunk(reached + free, ROWS) > LARGEST_TRIED
        if margins or expected.everywhere or too_large:
            probe.work.plan("margins", {})
            return None if expected.everywhere else margins, compared
