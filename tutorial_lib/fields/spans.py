"""Spans: one axis of a tensor, and how windows, slices and upsampling change it.

The arithmetic follows from which inputs an output reads. With a window of k pixels, the
stride s and p pixels of padding before the image, output j reads the inputs s*j - p to
s*j - p + k - 1; it is valid if all of them are. For a size n, TensorFlow pads 'same' by
max((ceil(n / s) - 1) * s + k - n, 0) pixels and puts the smaller half before the image
(guide to `tf.nn`, "Notes on padding"). A. Araujo et al., "Computing receptive fields of
convolutional neural networks", Distill 2019, has the arithmetic of receptive fields.
tests/test_fields.py compares each function with what Keras computes.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

ROWS, COLS = 0, 1

# "valid", "same", "same_lower", or pixels (before, after).
Padding = str | tuple[int, int]

__all__ = [
    "COLS",
    "LONG_SPAN",
    "ROWS",
    "Padding",
    "Span",
    "nothing_valid",
    "scattered",
    "sliced",
    "transposed",
    "upsampled",
    "window",
]


@dataclass(frozen=True)
class Span:
    """A tensor along one axis.

    Attributes:
        size: Number of its pixels.
        low: First valid pixel. A pixel is valid if it depends on real pixels only.
        high: Last valid pixel; smaller than `low` if none is valid.
        jump: Distance between two of its pixels, in reference pixels.
    """

    size: int
    low: int
    high: int
    jump: Fraction

    @property
    def ends(self) -> tuple[int, int]:
        """Number of pixels before the first valid one and after the last."""
        return self.low, self.size - 1 - self.high

    def clipped(self) -> "Span":
        """The span without valid pixels before its start or after its end."""
        return replace(self, low=max(self.low, 0), high=min(self.high, self.size - 1))


# Longer than any network takes away, so that each of its outputs has a jump.
LONG_SPAN = Span(2**40, 0, 2**40 - 1, Fraction(1))


def window(
    span: Span,
    *,
    kernel: int,
    stride: int = 1,
    padding: Padding = "valid",
    dilation: int = 1,
    ceil_mode: bool = False,
) -> Span:
    """Span after a convolution or a pooling.

    Args:
        span: The span before it.
        kernel: Pixels that each output reads.
        stride: Step from one output to the next.
        padding: "valid", "same" as TensorFlow pads, "same_lower" with the larger half
            before the image, or the pixels (before, after).
        dilation: Distance of two pixels that are read.
        ceil_mode: Whether there is a last output that reads less than a whole window,
            if its window begins in the image or before it.

    Example:
        >>> image = Span(size=128, low=0, high=127, jump=Fraction(1))
        >>> out = window(image, kernel=3, stride=2, padding="same")
        >>> out.size, out.low, out.high
        (64, 0, 62)
    """
    length = dilation * (kernel - 1) + 1
    if padding == "valid":
        padding = (0, 0)
    elif isinstance(padding, str):
        count = -(-span.size // stride)
        total = max((count - 1) * stride + length - span.size, 0)
        halves = total // 2, total - total // 2
        padding = halves if padding == "same" else halves[::-1]
    before, after = padding
    size = (span.size + before + after - length) // stride + 1
    if ceil_mode:
        size = -(-(span.size + before + after - length) // stride) + 1
        # No window begins behind the image.
        size -= (size - 1) * stride >= span.size + before
    low = -(-(span.low + before) // stride)
    high = (span.high + before - length + 1) // stride
    return Span(size, low, high, span.jump * stride).clipped()


def transposed(span: Span, *, kernel: int, stride: int, padding: str) -> Span:
    """Span after a transposed convolution of Keras."""
    same = padding == "same"
    before = max(kernel - stride, 0) // 2 if same else 0
    size = span.size * stride + (0 if same else max(kernel - stride, 0))
    return scattered(span, length=kernel, stride=stride, before=before, size=size)


def scattered(span: Span, *, length: int, stride: int, before: int, size: int) -> Span:
    """Span of an output of some size to which each input adds a window of pixels.

    Input i adds to the outputs s*i - p to s*i - p + k - 1, for the stride s, p pixels
    `before`, and windows of the `length` k.
    """
    low = stride * (span.low - 1) + length - before
    high = stride * (span.high + 1) - 1 - before
    return Span(size, low, high, span.jump / stride).clipped()


def upsampled(span: Span, *, factor: int, bilinear: bool) -> Span:
    """Span after nearest or bilinear upsampling; the latter mixes two pixels."""
    low, high = factor * span.low, factor * span.high + factor - 1
    if bilinear:
        # TensorFlow interpolates between the centres of pixels. Outputs less than half
        # an input pixel from the border take the value of the first or last input.
        low += factor // 2
        high = (2 * factor * span.high + factor - 1) // 2
    return Span(span.size * factor, low, high, span.jump / factor).clipped()


def sliced(span: Span, start: int, stop: int, step: int = 1) -> Span:
    """Every `step`-th pixel from `start` on, before `stop`."""
    part = Span(stop - start, span.low - start, span.high - start, span.jump).clipped()
    return window(part, kernel=1, stride=step) if step > 1 else part


def nothing_valid(span: Span) -> Span:
    """The span of an output whose every pixel depends on the whole chunk."""
    return replace(span, low=span.size, high=-1)
