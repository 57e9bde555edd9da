"""A network as a list of steps, along which valid pixels are followed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from tutorial_lib.fields.spans import Span, nothing_valid

# Span of a step's output along an axis, from the spans of its inputs.
SpanRule = Callable[[Sequence[Span], int], Span]

__all__ = ["Network", "SpanRule", "Step", "UnknownLayerError", "images_of", "span_of"]


class UnknownLayerError(ValueError):
    """No rule says what a layer does."""


@dataclass(frozen=True)
class Step:
    """One use of a layer in a network.

    Attributes:
        name: Name of the layer.
        kind: Its class, or its operator in an ONNX file.
        rule: Span of its output along an axis, from the spans of its inputs.
        layer: The layer itself, or the node of an ONNX file; the same object for each
            use of the layer.
        inputs: Numbers of the steps that it reads.
        channels: Channels of its output; 1 if it is not an image, such as a maximum.
        kernel: (rows, columns) of its kernel or pool; None without one.
        stride: (rows, columns) of its strides; None without a kernel or pool.
        in_place: Whether it can write its output over its input.
        whole: Whether each pixel of its output depends on the whole chunk.
        needs_multiples: Whether its chunk must be a multiple of the total stride,
            although it does not pad: it makes an image as large as another one.
        sides: (rows, columns) of an input; None where any number goes.
    """

    name: str
    kind: str
    rule: SpanRule
    layer: Any
    inputs: tuple[int, ...]
    channels: int = 1
    kernel: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    in_place: bool = False
    whole: bool = False
    needs_multiples: bool = False
    sides: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True)
class Network:
    """The steps of a network, in an order in which they can run.

    Attributes:
        steps: The steps.
        inputs: Numbers of the steps that are inputs, by name.
        outputs: Numbers of the steps that are outputs, by name.
        spacing: Pixel size of each input, in reference pixels; the first input is the
            reference.
        jumps: Pixel size of each step's output along (rows, columns), in reference
            pixels; those of the outputs are square.
    """

    steps: tuple[Step, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    spacing: Mapping[str, Fraction]
    jumps: tuple[tuple[Fraction, Fraction], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Readable names of the steps, the same in each run of a program.

        Keras numbers the layers without a name through the whole program, such as
        `conv2d_132`. Here they are numbered by their class: "Conv2D 3" is the third.
        """
        counts, names = Counter(), {}
        for step in self.steps:
            # A layer may be used twice: it keeps its name.
            if id(step.layer) not in names:
                names[id(step.layer)] = step.name
                if _numbered_by_keras(step):
                    counts[step.kind] += 1
                    names[id(step.layer)] = f"{step.kind} {counts[step.kind]}"
        return tuple(names[id(step.layer)] for step in self.steps)

    @property
    def stride(self) -> int:
        """The total stride in reference pixels."""
        return lcm(*(jump.numerator for pair in self.jumps for jump in pair))

    @property
    def total_stride(self) -> dict[str, int]:
        """The total stride for each input, in its own pixels."""
        return {n: int(self.stride / pixel) for n, pixel in self.spacing.items()}

    @property
    def scale(self) -> dict[str, Fraction]:
        """Output spacing divided by reference spacing, for each output."""
        return {name: self.jumps[i][0] for name, i in self.outputs.items()}

    def spans(
        self, size: int, axis: int, real: Mapping[str, tuple[int, int]] | None = None
    ) -> list[Span]:
        """Spans of all steps for a chunk.

        Args:
            size: Side of the chunk in reference pixels.
            axis: 0 for the rows, 1 for the columns.
            real: First and last real pixel of the inputs that have others too.

        Raises:
            ValueError: If a layer merges tensors of different sizes.
        """
        spans = self.possible_spans(size, axis, real)
        if len(spans) < len(self.steps):
            step = self.steps[len(spans)]
            sizes = sorted({spans[i].size for i in images_of(self.steps, step)})
            raise ValueError(
                f"The layer '{step.name}' merges tensors of {sizes} px for a chunk of "
                f"{size} px. Its branches must remove the same number of pixels."
            )
        return spans

    def possible_spans(
        self, size: int, axis: int, real: Mapping[str, tuple[int, int]] | None = None
    ) -> list[Span]:
        """Spans of the steps up to the first one that would merge different sizes.

        It takes the arguments of `spans`. Where every step can run, it gives the same
        result.
        """
        real = real or {}
        names = {number: name for name, number in self.inputs.items()}
        spans: list[Span] = []
        for number, step in enumerate(self.steps):
            if number in names:
                name = names[number]
                count = int(size / self.spacing[name])
                first, last = real.get(name, (0, count - 1))
                spans.append(Span(count, first, last, self.spacing[name]))
                continue
            read = [spans[i] for i in images_of(self.steps, step)]
            # Where a layer looks at the whole chunk, sizes do not matter.
            if not step.whole and len({span.size for span in read}) > 1:
                break
            spans.append(span_of(self.steps, step, read, axis))
        return spans

    def steps_before(self, number: int) -> set[int]:
        """Numbers of the steps that a step depends on, and its own number."""
        needed = {number}
        for i in range(number, -1, -1):
            if i in needed:
                needed.update(self.steps[i].inputs)
        return needed

    def output_span(self, name: str, size: int, axis: int) -> Span | None:
        """Span of an output for a chunk; None if nothing of it is valid."""
        try:
            span = self.spans(size, axis)[self.outputs[name]]
        except ValueError:
            return None
        return span if 0 <= span.low <= span.high else None


def _numbered_by_keras(step: Step) -> bool:
    """Whether a name is the class in small letters, with a number or without."""
    word = re.sub(r"_\d+$", "", step.name).replace("_", "")
    return word == step.kind.lower()


def images_of(steps: Sequence[Step], step: Step) -> tuple[int, ...]:
    """The inputs of a step that are images.

    What depends on the whole chunk may have any size, such as 1x1 after a pooling of
    all pixels. It counts only where a step reads nothing else.
    """
    return tuple(i for i in step.inputs if not steps[i].whole) or step.inputs


def span_of(steps: Sequence[Step], step: Step, read: Sequence[Span], axis: int) -> Span:
    """Span of a step that reads these images, and perhaps other tensors."""
    if len(read) < len(step.inputs):
        return nothing_valid(read[0])
    return step.rule(read, axis)
