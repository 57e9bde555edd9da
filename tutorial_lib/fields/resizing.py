"""Spans of images that are enlarged or reduced.

The definition of the operator Resize of ONNX gives the place in the input from which
output j comes: (j + 1/2) / s - 1/2 for `half_pixel`, and j / s for `asymmetric`, with
the scale s. Interpolation then reads the input pixels around that place.

For a scale of p / q, output j + p reads what output j reads, q pixels further. So a
table of the first p outputs describes all of them.
"""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

from tutorial_lib.fields.spans import Span

HALF = Fraction(1, 2)

# How `nearest` rounds a place to a pixel.
NEAREST: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: ceil(x - HALF),
    "round_prefer_ceil": lambda x: floor(x + HALF),
    "floor": floor,
    "ceil": ceil,
}

# Place of an output in the input, for modes that do not depend on the image's size.
# With a scale that fits exactly, `half_pixel_symmetric` is `half_pixel`. The mode of
# PyTorch is another one only for an output of one pixel.
PLACES: dict[str, Callable[[int, Fraction], Fraction]] = {
    "half_pixel": lambda j, scale: (j + HALF) / scale - HALF,
    "half_pixel_symmetric": lambda j, scale: (j + HALF) / scale - HALF,
    "pytorch_half_pixel": lambda j, scale: (j + HALF) / scale - HALF,
    "asymmetric": lambda j, scale: j / scale,
    "tf_half_pixel_for_nn": lambda j, scale: (j + HALF) / scale,
}

__all__ = ["NEAREST", "PLACES", "resized"]


def resized(
    span: Span,
    scale: Fraction,
    *,
    mode: str = "nearest",
    place: str = "half_pixel",
    rounding: str = "round_prefer_floor",
) -> Span:
    """Span after a Resize.

    Args:
        span: The span before it.
        scale: Output pixels for each input pixel.
        mode: "nearest", "linear" or "cubic".
        place: A key of `PLACES`.
        rounding: A key of `NEAREST`, for `mode="nearest"`.

    Example:
        >>> image = Span(size=20, low=1, high=18, jump=Fraction(1))
        >>> out = resized(image, Fraction(2), mode="linear")
        >>> out.size, out.low, out.high
        (40, 3, 36)
    """
    up, down = scale.numerator, scale.denominator
    reads = [_reads(PLACES[place](j, scale), mode, rounding) for j in range(up)]
    # The last output that reads a pixel before `low`, and the first one that reads
    # behind `high`.
    low = 1 + max(
        up * ((span.low - 1 - first) // down) + j for j, (first, _) in enumerate(reads)
    )
    high = -1 + min(
        up * -((last - span.high - 1) // down) + j for j, (_, last) in enumerate(reads)
    )
    return Span(span.size * up // down, low, high, span.jump / scale).clipped()


def _reads(place: Fraction, mode: str, rounding: str) -> tuple[int, int]:
    """First and last input pixel that an output at some place reads."""
    if mode == "nearest":
        pixel = NEAREST[rounding](place)
        return pixel, pixel
    if place == floor(place):
        return floor(place), floor(place)
    if mode == "linear":
        return floor(place), ceil(place)
    return floor(place) - 1, ceil(place) + 1
