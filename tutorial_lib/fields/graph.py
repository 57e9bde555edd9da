"""A Keras network as a list of steps, along which valid pixels are followed.

Nested models are unfolded. The inputs may have pixels of different sizes; the ratio of
two sizes follows from the layer where both inputs meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import keras

from tutorial_lib.fields.layer_rules import Rule, find_rule
from tutorial_lib.fields.spans import COLS, ROWS, Span

# Longer than any network takes away, so that each of its outputs has a jump.
LONG_SPAN = Span(2**40, 0, 2**40 - 1, Fraction(1))

__all__ = ["Network", "Step", "named_tensors", "unfold"]


@dataclass(frozen=True)
class Step:
    """One use of a layer in a network.

    Attributes:
        name: Name of the layer.
        kind: Its class.
        rule: What it does to a span.
        layer: The layer itself.
        arguments: The arguments of the call.
        inputs: Numbers of the steps that it reads.
        channels: Channels of its output.
    """

    name: str
    kind: str
    rule: Rule
    layer: Any
    arguments: Any
    inputs: tuple[int, ...]
    channels: int

    def span(self, spans: Sequence[Span], axis: int) -> Span:
        """Span of its output along an axis, from the spans of all steps before it."""
        read = [spans[number] for number in self.inputs]
        return self.rule(self.layer, read, axis, self.arguments)


@dataclass(frozen=True)
class Network:
    """The steps of a network, in an order in which they can run.

    Attributes:
        steps: The steps.
        inputs: Numbers of the steps that are inputs, by name.
        outputs: Numbers of the steps that are outputs, by name.
        spacing: Pixel size of each input, in reference pixels; the first input is the
            reference.
        jumps: Pixel size of each step's output, in reference pixels.
    """

    steps: tuple[Step, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    spacing: Mapping[str, Fraction]
    jumps: tuple[Fraction, ...]

    @property
    def stride(self) -> int:
        """The total stride in reference pixels."""
        return lcm(*(jump.numerator for jump in self.jumps))

    @property
    def total_stride(self) -> dict[str, int]:
        """The total stride for each input, in its own pixels."""
        return {n: int(self.stride / pixel) for n, pixel in self.spacing.items()}

    @property
    def scale(self) -> dict[str, Fraction]:
        """Output spacing divided by reference spacing, for each output."""
        return {name: self.jumps[number] for name, number in self.outputs.items()}

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
            sizes = sorted({spans[i].size for i in step.inputs})
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
            if len({spans[i].size for i in step.inputs}) > 1:
                break
            spans.append(step.span(spans, axis))
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


def unfold(model: keras.Model) -> Network:
    """The steps of a functional model.

    Raises:
        TypeError: If the model is not a graph of layers.
        UnknownLayerError: If no rule describes a layer.
        ValueError: If tensors with pixels of different sizes are merged.
    """
    _check_functional(model)
    graph = _Graph()
    inputs, outputs = named_tensors(model)
    numbers = {name: graph.add_input(tensor) for name, tensor in inputs.items()}
    graph.add_model(_functional(model))
    spacing, jumps = _pixel_sizes(graph.steps, numbers)
    return Network(
        steps=tuple(graph.steps),
        inputs=numbers,
        outputs={name: graph.number(tensor) for name, tensor in outputs.items()},
        spacing=spacing,
        jumps=jumps,
    )


def _functional(model: Any) -> Any:
    """The graph of layers inside a `Sequential`; any other model itself."""
    return getattr(model, "_functional", None) or model


def _check_functional(model: Any) -> None:
    """Raise TypeError unless calling a model runs its graph of layers, and no more."""
    graph = _functional(model)
    own = next((x for x in type(graph).__mro__ if x.__name__ == "Functional"), None)
    if not hasattr(graph, "_nodes_by_depth") or type(graph).call is not own.call:
        raise TypeError(
            f"Only functional Keras models can be analysed. Received: "
            f"{type(model).__name__}. Build it with `keras.Input` and layers, without "
            "a `call` of its own, or declare the fields."
        )


def named_tensors(model: keras.Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Symbolic inputs and outputs of a model by key, or by layer where it has no keys.

    Raises:
        ValueError: If the model was never built.
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"The model '{model.name}' does not know its inputs. Build it from "
            "`keras.Input`, or with `PatchModel.build`."
        )
    # A `Sequential` has neither before its first call, and never names of outputs.
    inputs, outputs = (getattr(model, key, None) for key in ("input", "output"))
    if not isinstance(inputs, Mapping):
        inputs = {tensor.name: tensor for tensor in model.inputs}
    if not isinstance(outputs, Mapping):
        layers = getattr(model, "output_names", [model.layers[-1].name])
        outputs = dict(zip(layers, model.outputs, strict=True))
    return dict(inputs), dict(outputs)


class _Graph:
    """Collects the steps of a model and of the models nested in it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers: dict[int, int] = {}

    def number(self, tensor: Any) -> int:
        """Number of the step that computes a tensor."""
        return self._numbers[id(tensor)]

    def add_input(self, tensor: Any) -> int:
        self._add_step(tensor._keras_history.operation, (), None, [tensor])
        return len(self.steps) - 1

    def _add_step(
        self,
        layer: Any,
        read: tuple[int, ...],
        arguments: Any,
        written: Sequence[Any],
    ) -> None:
        # A tensor that is not an image, such as a maximum, has no axis of channels.
        kind, shape = type(layer).__name__, written[0].shape
        channels = (shape[3] or 1) if len(shape) == 4 else 1
        self.steps.append(
            Step(layer.name, kind, find_rule(layer), layer, arguments, read, channels)
        )
        self._numbers |= {id(tensor): len(self.steps) - 1 for tensor in written}

    def add_model(self, model: keras.Model) -> None:
        # Keras counts the depth from the outputs: the deepest nodes run first.
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._add_node(node)

    def _add_node(self, node: Any) -> None:
        operation = node.operation
        read = tuple(self.number(tensor) for tensor in node.input_tensors)
        nested = _functional(operation)
        if not hasattr(nested, "_nodes_by_depth"):
            self._add_step(operation, read, node.arguments, node.outputs)
            return
        _check_functional(operation)
        self._numbers |= {
            id(tensor): number
            for tensor, number in zip(nested.inputs, read, strict=True)
        }
        self.add_model(nested)
        self._numbers |= {
            id(outer): self.number(inner)
            for outer, inner in zip(node.outputs, nested.outputs, strict=True)
        }


def _pixel_sizes(
    steps: Sequence[Step], inputs: Mapping[str, int]
) -> tuple[dict[str, Fraction], tuple[Fraction, ...]]:
    """Pixel size of each input and of each step's output, in reference pixels.

    Each tensor is first measured in pixels of one of the inputs that it depends on.
    Where tensors are merged, their pixels have one size, which relates their inputs.
    """
    sizes = _InputSizes(inputs)
    names = {number: name for name, number in inputs.items()}
    # The input in whose pixels each step is measured, and its span.
    units: list[str] = []
    spans: list[Span] = []
    for number, step in enumerate(steps):
        if number in names:
            units.append(names[number])
            spans.append(LONG_SPAN)
            continue
        first, *others = step.inputs
        # All inputs of a layer must have pixels of one size, so any of them may be the
        # measure of its output.
        for other in others:
            sizes.merge(
                step.name,
                (units[first], spans[first].jump),
                (units[other], spans[other].jump),
            )
        units.append(units[first])
        spans.append(_square_span(step, spans))
    spacing = sizes.in_pixels_of(next(iter(inputs)))
    jumps = (span.jump * spacing[unit] for span, unit in zip(spans, units, strict=True))
    return spacing, tuple(jumps)


def _square_span(step: Step, spans: Sequence[Span]) -> Span:
    rows, cols = (step.span(spans, axis) for axis in (ROWS, COLS))
    if rows.jump != cols.jump:
        raise ValueError(
            f"The layer '{step.name}' has strides that differ along rows and columns. "
            "Use square strides, or declare the fields."
        )
    return rows


class _InputSizes:
    """Relative pixel sizes of the inputs, as far as the merges determine them."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._sizes = dict.fromkeys(names, Fraction(1))
        # The inputs whose ratio of sizes to this one is known; related inputs share it.
        self._related = {name: {name} for name in names}

    def merge(
        self, layer: str, a: tuple[str, Fraction], b: tuple[str, Fraction]
    ) -> None:
        """Use that two merged tensors, each (input, jump), have pixels of one size."""
        (one, jump), (other, other_jump) = a, b
        size, other_size = self._sizes[one] * jump, self._sizes[other] * other_jump
        related, others = self._related[one], self._related[other]
        if related is not others:
            for name in others:
                self._sizes[name] *= size / other_size
                self._related[name] = related
            related |= others
        elif size != other_size:
            raise ValueError(
                f"The layer '{layer}' merges pixels of different size: {size} and "
                f"{other_size} reference pixels. Check strides and poolings of its "
                "branches."
            )

    def in_pixels_of(self, reference: str) -> dict[str, Fraction]:
        """Pixel size of each input."""
        unit = self._sizes[reference]
        return {name: size / unit for name, size in self._sizes.items()}
