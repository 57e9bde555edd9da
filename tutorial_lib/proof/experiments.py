"""Experiments that show what a network does, whatever is inside it.

A network is asked with images of noise. What of its output changes when the pixels
around a chunk are replaced depends on the surroundings; what is left is the same in
every image that holds the chunk. Nothing here knows the layers, so that it can prove,
or refute, what was worked out from them.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import lcm

import numpy as np

from tutorial_lib.networks.predictors import OutputError
from tutorial_lib.proof.comparison import changed, difference
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

# Lowest and highest value of what surrounds a chunk, in shares of the image's largest:
# strong noise of both signs wakes dead units.
SURROUNDINGS = ((0, 1), (-1000, 1000))

# Sides of the images that are tried on an unknown network: between them they are
# multiples of every stride that is likely. A quarter of each is the largest one found.
SIDES = (192, 384, 240, 336, 432, 768, 864)
# A network whose chunk must be larger than this has no clean part that pays.
LARGEST_CHUNK = 768
# So many clean pixels are aimed at: more of them show more.
SMALLEST_CLEAN = 16

__all__ = ["LARGEST_CHUNK", "SURROUNDINGS", "measure_layout", "measure_margins"]


def _reached(
    probe: Probe, shape: Pair, kept: tuple[Pair, Pair], rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Rows and columns of the output that depend on what is not kept.

    Rows and columns are replaced apart: all of a row's pixels then show what reaches
    it, and a unit that is dead in one column is alive in another.

    Yields:
        Axis, and which of its pixels changed, once for each image with surroundings.
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
            f"The model gives two results of '{probe.output}' for one image, "
            f"{np.abs(again - truth).max():.2g} apart. Certify it without dropout or "
            "noise, and with deterministic kernels "
            "(`tf.config.experimental.enable_op_determinism()`)."
        )


def _longest_clean(reached: np.ndarray) -> tuple[int, int]:
    """Start and end of the longest run that nothing reached."""
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
    """Margins of the chunk `kept` in an image, None where too little is clean."""
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
        raise ValueError(
            f"The output '{probe.output}' is the same whatever the image: nothing can "
            "be measured. Certify an output that varies, such as the probabilities "
            "that labels are made of, and give the largest values in `inputs`."
        )
    (top, low), (left, right) = (_longest_clean(reached) for reached in found)
    # Less than one period may be pixels that a stride leaves without any input.
    if min(low - top, right - left) < layout.period:
        return None, trials
    return (left, top, len(found[COLS]) - right, len(found[ROWS]) - low), trials


def measure_margins(
    probe: Probe,
    layout: Layout,
    rng: np.random.Generator,
    *,
    expected: int = 0,
    largest: int = LARGEST_CHUNK,
) -> tuple[Margins | None, int]:
    """Pixels of a chunk's output that its surroundings reach.

    A chunk in the middle of an image of three chunks a side is kept, everything above
    and below (left and right) of it is replaced. What changes then in any bit, in any
    of several images, depends on it.

    Args:
        probe: The network.
        layout: Its strides.
        rng: Where the noise comes from.
        expected: Pixels that are taken to be reached, both sides together: the chunk
            starts with so many and grows until it has a clean part.
        largest: The chunk grows no further, in reference pixels.

    Returns:
        Margins (left, top, right, bottom), None if a large chunk has no clean part;
        and the number of images that were compared.

    Raises:
        ValueError: If the output never changes, or is not the same twice.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.networks.predictors import as_predictor
        >>> from tutorial_lib.proof.probe import make_probe
        >>> network = as_predictor(testing.BlockMean({"input": 5}))
        >>> inputs = {"input": (2, 1, 255)}
        >>> probe = make_probe(network, "estimated", inputs=inputs, spacing=None)
        >>> layout = Layout(stride=1, scale=Fraction(1), lost=(4, 4))
        >>> measure_margins(probe, layout, np.random.default_rng(0))
        ((0, 0, 0, 0), 12)
    """
    compared, pixels = 0, expected + max(layout.period, SMALLEST_CLEAN)
    while True:
        height = layout.chunk(pixels, ROWS)
        # Not square, so that swapped axes show.
        width = layout.chunk(pixels, COLS) + layout.stride
        kept = ((height, 2 * height), (width, 2 * width))
        shape = (3 * height, 3 * width)
        margins, trials = _margins_in(probe, layout, shape, kept, rng)
        compared, pixels = compared + trials, 2 * pixels
        if margins or layout.chunk(pixels, ROWS) > largest:
            return margins, compared


def measure_layout(probe: Probe, rng: np.random.Generator) -> tuple[Layout, int | None]:
    """Scale, lost pixels and total stride of a network, found by trying.

    Returns:
        The layout; and about how many pixels the surroundings reach, both sides
        together. None, and the stride is not known, where a layer looks at the whole
        image or the margins are larger than the images tried.

    Raises:
        ValueError: If the network refuses images of all sizes that were tried.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.networks.predictors import as_predictor
        >>> from tutorial_lib.proof.probe import make_probe
        >>> strided = testing.BlockMean({"input": 7}, {"input": 3})
        >>> network, inputs = as_predictor(strided), {"input": (2, 1, 255)}
        >>> probe = make_probe(network, "estimated", inputs=inputs, spacing=None)
        >>> layout, reached = measure_layout(probe, np.random.default_rng(0))
        >>> layout.stride, str(layout.scale), layout.lost, reached
        (3, '3', (2, 2), 0)
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
            return Layout(stride, scale, lost), reached
        fallback = fallback or smallest
    if fallback is None:
        raise refusal or ValueError(
            f"The output '{probe.output}' does not grow in step with its inputs: no "
            "scale was found. Certify an output with one pixel per so many of the "
            "reference."
        )
    return fallback, None


def _sizes(
    probe: Probe, side: int, rng: np.random.Generator
) -> tuple[Fraction | None, Pair]:
    """Scale and lost pixels, from two oblong images; None where they do not fit."""
    high, wide = (
        probe.run(probe.noise(shape, 0, 1, rng)).shape[:2]
        for shape in ((2 * side, side), (side, 2 * side))
    )
    grown = (high[ROWS] - wide[ROWS], wide[COLS] - high[COLS])
    if grown[0] != grown[1] or grown[0] < 1:
        return None, (0, 0)
    lost = (grown[0] - wide[ROWS], grown[0] - high[COLS])
    scale = Fraction(side, grown[0])
    # A floor on the way gives fractions such as 192/38 for a stride of 5.
    return (scale if side % scale.numerator == 0 else None), lost


def _stride(
    probe: Probe, layout: Layout, side: int, rng: np.random.Generator
) -> tuple[int | None, int]:
    """Smallest shift of the image that shifts the output and changes nothing else.

    Only pixels that the borders do not reach are compared: how far they reach is
    measured first, wherever the chunk may begin. Returns this reach too.
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
    # Dark images last: they tell least.
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
    step = int(shift / layout.scale)
    left, top, right, bottom = margins
    moved = probe.run(probe.part(image, (shift, shift), (side, side)))
    # Elsewhere in its stride a chunk's margins may be larger by up to one step.
    inner = [
        slice(before + step, size - 2 * step - after)
        for size, before, after in zip(
            moved.shape[:2], (top, left), (bottom, right), strict=True
        )
    ]
    if any(part.stop - part.start < step for part in inner):
        return False
    rows, cols = (slice(part.start + step, part.stop + step) for part in inner)
    # Deep layers may say little: only rounding is forgiven.
    return difference(moved[tuple(inner)], still[rows, cols], share_of_range=0).equal
