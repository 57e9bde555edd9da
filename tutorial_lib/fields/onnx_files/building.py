"""Collects the steps of an ONNX file's network, and how large their images are."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from tutorial_lib.fields.graph import SpanRule, Step
from tutorial_lib.fields.onnx_files.layouts import BATCH, CHANNEL, COL, ROW, Layout
from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.sizes import Number, Size, Unknown, rounded
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    Part,
    channels,
    is_channels,
    size_of,
)
from tutorial_lib.fields.pixel_sizes import is_whole
from tutorial_lib.fields.spans import COLS, ROWS, Span, nothing_valid

# A multiple of the strides that networks have, and longer than what they take away.
LONG = 2**40 * 3**8 * 5**4 * 7**2 * 11 * 13
# Prime factors that no network has.
PRIMES = tuple(n for n in range(10007, 20000) if all(n % k for k in range(2, 142)))
PLACES = {ROW: ROWS, COL: COLS}

__all__ = ["Building", "merged", "whole"]


def merged(spans: Sequence[Span], axis: int) -> Span:
    """Rule of operators that treat each pixel on its own, and of merges.

    Operators of ONNX are named elementwise in their definition, or their settings name
    the axis of the channels. A merged pixel is valid if it is so in all inputs.
    """
    low = max(span.low for span in spans)
    high = min(span.high for span in spans)
    return replace(spans[0], low=low, high=high)


def whole(spans: Sequence[Span], axis: int) -> Span:
    """Rule of operators whose every output depends on the whole chunk."""
    return nothing_valid(spans[0])


class Building:
    """The steps that were read so far.

    Attributes:
        steps: The steps.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        # What is known of the size of an input, from a merge with another one.
        self._equal: dict[Unknown, Number] = {}
        # Sides of a large image, with a prime factor of their own.
        self._probes: dict[Unknown, int] = {}

    def add_input(
        self, node: Any, name: str, layout: Layout, shape: Sequence[int | None]
    ) -> Image:
        """Add an image that the network is given."""
        axes = [
            self._new_axis(f"{name}.{kind}", kind, size)
            for kind, size in zip(layout.axes, shape, strict=True)
        ]
        count = layout.size_of(CHANNEL, shape) or 1
        sides = layout.size_of(ROW, shape), layout.size_of(COL, shape)
        step = Step(name, "Input", merged, node, (), channels=count, sides=sides)
        self.steps.append(step)
        return Image(len(self.steps) - 1, tuple(axes))

    def _new_axis(self, name: str, kind: str, size: int | None) -> Axis:
        if kind == CHANNEL and size:
            return channels(size)
        unknown = Unknown(name, size or None)
        large = 1 if kind in (BATCH, CHANNEL) else LONG
        self._probes[unknown] = large * PRIMES[len(self._probes)]
        return (Part(kind, Size({(unknown,): Fraction(1)})),)

    def add(
        self,
        use: Use,
        rule: SpanRule,
        axes: Sequence[Axis] | None,
        *,
        is_float: bool | None = None,
        needs_multiples: bool = False,
        **settings: Any,
    ) -> Image:
        """Add a step that reads the images of a node.

        Args:
            use: The node.
            rule: What it does to a span.
            axes: Axes of its output. Rows and columns have the size of the input; the
                rule tells their new size.
            is_float: Whether its output holds floats; None for that of the input.
            needs_multiples: As in `Step`.
            **settings: `kernel`, `stride` and `in_place` of the step.
        """
        images = use.images
        depends = any(self.steps[image.step].whole for image in images)
        if axes is not None:
            axes = tuple(tuple(self._after(rule, p) for p in axis) for axis in axes)
        step = Step(
            name=use.name,
            kind=use.kind,
            rule=rule,
            layer=use.node,
            inputs=tuple(dict.fromkeys(image.step for image in images)),
            channels=_channels(axes),
            # Formulas of sizes hold for multiples of the total stride only.
            needs_multiples=needs_multiples or use.sized,
            **settings,
        )
        self.steps.append(replace(step, whole=depends or is_whole(step)))
        kept = images[0].is_float if is_float is None else is_float
        return Image(len(self.steps) - 1, axes, kept)

    def is_whole(self, image: Image) -> bool:
        """Whether each pixel of an image depends on the whole chunk."""
        return self.steps[image.step].whole

    def _after(self, rule: SpanRule, part: Part) -> Part:
        """Rows or columns after a rule; other parts as they are."""
        if part.kind not in PLACES or not isinstance(part.size, Size):
            return part
        size = part.size
        start = LONG + int(size.constant)
        span = rule([Span(start, 0, start - 1, Fraction(1))], PLACES[part.kind])
        factor = 1 / span.jump
        rest = span.size - factor * LONG
        return replace(part, size=rounded((size - size.constant) * factor + rest))

    def size(self, axis: Axis) -> Number:
        """Size of an axis, with what merges told of the inputs."""
        return self._resolved(size_of(axis))

    def _resolved(self, size: Number) -> Number:
        if not isinstance(size, Size) or not self._equal:
            return size
        total: Number = 0
        for key, factor in size.terms.items():
            one: Number = factor
            for unknown in key:
                one = self._equal.get(unknown, Size({(unknown,): Fraction(1)})) * one
            total = one + total
        return total if total == size else self._resolved(total)

    def probe(self, size: Number) -> int:
        """A size in an image so large that no other number has its factors."""
        size = self._resolved(size)
        if not isinstance(size, Size):
            return int(size)
        total = Fraction(0)
        for key, factor in size.terms.items():
            for unknown in key:
                factor *= unknown.fixed or self._probes[unknown]
            total += factor
        return int(total)

    def merge_sizes(self, one: Axis, other: Axis) -> None:
        """Learn from a merge of two axes that they have one size."""
        sizes = self.size(one), self.size(other)
        if sizes[0] == sizes[1] or not all(isinstance(x, Size) for x in sizes):
            return
        # One unknown, to the first power, tells how large it is.
        for size, others in (sizes, sizes[::-1]):
            keys = [key for key in size.terms if key]
            if len(keys) == 1 and len(keys[0]) == 1:
                value = (others - size.constant) * (1 / size.terms[keys[0]])
                self._equal[keys[0][0]] = value
                return


def _channels(axes: Sequence[Axis] | None) -> int:
    """Channels of an image; 1 where their number is not known."""
    count = 1
    for axis in axes or ():
        size = size_of(axis)
        count *= size if is_channels(axis) and isinstance(size, int) else 1
    return count
