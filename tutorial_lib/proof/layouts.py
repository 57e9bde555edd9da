"""Experiments that measure the scale and the total stride of an unknown network."""

from collections import Counter
from fractions import Fraction
from math import lcm

import numpy as np

from tutorial_lib.networks.predictors import OutputError
from tutorial_lib.proof.deviations import deviation
from tutorial_lib.proof.experiments import (
    Expected,
    Strip,
    images_of_strips,
    margins_in,
)
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

# Sides of the images that are tried on an unknown network, in reference pixels. Each
# stride from 1 to 10, and each power of two up to 128, divides one of them, and is at
# most a quarter of it: larger strides do not show in an image.
SIDES = (192, 384, 240, 336, 432, 768, 864)
# Side of a chunk in total strides: a pyramid of poolings may need several.
SMALL_CHUNK = 4

__all__ = ["SIDES", "layout_of_whole", "measure_layout"]


def measure_layout(probe: Probe, rng: np.random.Generator) -> Expected:
    """Measure scale, lost pixels and total stride of a network.

    Returns:
        The layout, and about the margins of a chunk. If the surroundings reach all
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
        >>> found.margins, found.everywhere
        ((0, 0, 0, 0), False)
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
        stride, margins = _stride(probe, smallest, side, rng)
        probe.work.plan("layout", {})
        if stride and margins:
            return Expected(Layout(stride, scale, lost), margins)
        fallback = fallback or Expected(smallest, everywhere=True)
    if fallback is None:
        raise refusal or _no_scale(probe)
    return fallback


def _no_scale(probe: Probe) -> ValueError:
    return ValueError(
        f"The output '{probe.output}' does not grow in proportion to its inputs, "
        "so it has no scale. Certify an output that does."
    )


def layout_of_whole(probe: Probe, stride: int, rng: np.random.Generator) -> Layout:
    """The layout of an output whose every pixel depends on the whole chunk.

    An analysis follows no pixels behind a layer that looks at the whole chunk, so it
    does not know how large they are.

    Args:
        probe: The output.
        stride: Total stride of the layers before it, in reference pixels.
        rng: Generator of the images.

    Raises:
        ValueError: If the network raises an error for the images, or its output does
            not grow with them.
    """
    scale, lost = _sizes(probe, lcm(stride, probe.unit) * SMALL_CHUNK, rng)
    if scale is None:
        raise _no_scale(probe)
    return Layout(lcm(stride, probe.unit, scale.numerator), scale, lost)


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
) -> tuple[int | None, Margins | None]:
    """The total stride, and about the margins of a chunk.

    The total stride is the smallest shift of the image that only shifts the output. Its
    pixels near the borders change anyway, and are left out. So it is measured first how
    far the borders reach. The stride is None if no shift is found.
    """
    # The side of an image is a multiple of the total stride only for these shifts.
    longest = side // 4
    shifts = [
        s for s in range(layout.stride, longest + 1, layout.stride) if side % s == 0
    ]
    if not shifts:
        return None, None
    quarter = longest // layout.stride * layout.stride
    strips = [
        Strip(axis, (side, side), (quarter, side - quarter)) for axis in (ROWS, COLS)
    ]
    images = images_of_strips(strips, noisy=probe.repeats.noise > 0)
    images += Counter({(side, side): len(LEVELS) * (1 + len(shifts))})
    probe.work.plan("layout", images, at_most=True)
    probe.work.tell()
    margins, _ = margins_in(probe, layout, strips, rng)
    if margins is None:
        return None, None
    return _smallest_shift(probe, layout, side, shifts, margins, rng), margins


def _smallest_shift(
    probe: Probe,
    layout: Layout,
    side: int,
    shifts: list[int],
    margins: Margins,
    rng: np.random.Generator,
) -> int | None:
    """The first of some shifts that only shifts the output; None if none does."""
    size = side + shifts[-1]
    images = [probe.noise((size, size), 0, level, rng) for level in LEVELS]
    # Dark images last: most shifts are excluded by the bright ones.
    images.reverse()
    still = [probe.run(probe.part(image, (0, 0), (side, side))) for image in images]
    for shift in shifts:
        pairs = zip(images, still, strict=True)
        if all(_shifts(probe, layout, side, shift, margins, *pair) for pair in pairs):
            return shift
    return None


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
    return deviation(
        moved[tuple(inner)],
        still[rows, cols],
        share_of_range=0,
        tolerance=probe.repeats.used,
    ).equal
