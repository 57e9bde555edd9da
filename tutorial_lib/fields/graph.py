"""A Keras network as a list of steps, and spans followed through them.

Nested models are unfolded. The inputs may have pixels of different size: how many times
larger those of one are than those of the other follows from where they meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras

from tutorial_lib.fields.layer_rules import COLS, ROWS, Rule, Span, find_rule

__all__ = ["Step", "named_tensors", "pixel_sizes", "unfold", "walk"]


@dataclass(frozen=True)
class Step:
    """One layer of a network, as it is used at one place.

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
        """The layer's output along one axis."""
        read = [spans[number] for number in self.inputs]
        return self.rule(self.layer, read, axis, self.arguments)


def unfold(
    model: keras.Model,
) -> tuple[tuple[Step, ...], dict[str, int], dict[str, int]]:
    """The steps of a functional model, and which of them are inputs and outputs.

    Args:
        model: A functional Keras model.

    Returns:
        Steps in an order in which they can run; numbers of the inputs and of the
        outputs, by name.

    Raises:
        TypeError: If the model is no graph of layers.
        UnknownLayerError: If no rule describes a layer.
    """
    _check_functional(model)
    graph = _Graph()
    inputs, outputs = named_tensors(model)
    numbers = {name: graph.add_input(tensor) for name, tensor in inputs.items()}
    graph.add_model(_functional(model))
    written = {name: graph.number(tensor) for name, tensor in outputs.items()}
    return tuple(graph.steps), numbers, written


def _functional(model: Any) -> Any:
    """The graph of layers behind a `Sequential`; anything else as it is."""
    return getattr(model, "_functional", None) or model


def _check_functional(model: Any) -> None:
    """Refuse what is no graph of layers, or runs something else than its graph."""
    graph = _functional(model)
    own = next((x for x in type(graph).__mro__ if x.__name__ == "Functional"), None)
    if not hasattr(graph, "_nodes_by_depth") or type(graph).call is not own.call:
        raise TypeError(
            f"Only functional Keras models can be analysed. Received: "
            f"{type(model).__name__}. Build it with `keras.Input` and layers, without "
            "a `call` of its own, or give the fields by hand."
        )


def named_tensors(model: keras.Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Symbolic inputs and outputs of a model by name: its keys, or else its layers'.

    Raises:
        ValueError: If the model was never built.
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"The model '{model.name}' does not know its inputs. Build it from "
            "`keras.Input`, or with `PatchModel.build`."
        )
    # A `Sequential` has none of them before its first call, and never output names.
    inputs, outputs = (getattr(model, key, None) for key in ("input", "output"))
    if not isinstance(inputs, Mapping):
        inputs = {tensor.name: tensor for tensor in model.inputs}
    if not isinstance(outputs, Mapping):
        layers = getattr(model, "output_names", [model.layers[-1].name])
        outputs = dict(zip(layers, model.outputs, strict=True))
    return dict(inputs), dict(outputs)


class _Graph:
    """The steps of a network, nested models unfolded."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers: dict[int, int] = {}

    def number(self, tensor: Any) -> int:
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
        # What is no image, as a maximum over all, has no axis of channels.
        kind, shape = type(layer).__name__, written[0].shape
        channels = (shape[3] or 1) if len(shape) == 4 else 1
        self.steps.append(
            Step(layer.name, kind, find_rule(layer), layer, arguments, read, channels)
        )
        self._numbers |= {id(tensor): len(self.steps) - 1 for tensor in written}

    def add_model(self, model: keras.Model) -> None:
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._add_node(node)

    def _add_node(self, node: Any) -> None:
        operation = node.operation
        read = tuple(self.number(tensor) for tensor in node.input_tensors)
        inner_model = _functional(operation)
        if hasattr(inner_model, "_nodes_by_depth"):
            _check_functional(operation)
            operation = inner_model
            self._numbers |= {
                id(inner): number
                for inner, number in zip(operation.inputs, read, strict=True)
            }
            self.add_model(operation)
            self._numbers |= {
                id(outer): self.number(inner)
                for outer, inner in zip(node.outputs, operation.outputs, strict=True)
            }
        else:
            self._add_step(operation, read, node.arguments, node.outputs)


def pixel_sizes(
    steps: Sequence[Step], inputs: Mapping[str, int]
) -> tuple[dict[str, Fraction], list[Fraction]]:
    """Pixel size of each input, and of each step's output, in reference pixels.

    Inputs with pixels of different size meet in a merge, where both must have come to
    one size: that is how the ratio is known.

    Raises:
        ValueError: If tensors with pixels of different size are merged.
    """
    # Large and smooth: only jumps are wanted here, sizes must not run out.
    spans: list[Span] = []
    owner: list[str] = []
    size = {name: Fraction(1) for name in inputs}
    group = {name: name for name in inputs}
    names = {number: name for name, number in inputs.items()}
    for number, step in enumerate(steps):
        if number in names:
            spans.append(Span(2**40, 0, 2**40 - 1, Fraction(1)))
            owner.append(names[number])
            continue
        first, *others = step.inputs
        for other in others:
            _join(
                step,
                size,
                group,
                (owner[first], spans[first]),
                (owner[other], spans[other]),
            )
        row, col = (step.span(spans, axis) for axis in (ROWS, COLS))
        if row.jump != col.jump:
            raise ValueError(
                f"The layer '{step.name}' has strides that differ along rows and "
                "columns. Give the fields by hand, or use square strides."
            )
        spans.append(row)
        owner.append(owner[first])
    unit = size[next(iter(inputs))]
    spacing = {name: value / unit for name, value in size.items()}
    return spacing, [
        span.jump * spacing[name] for span, name in zip(spans, owner, strict=True)
    ]


def _join(
    step: Step,
    size: dict[str, Fraction],
    group: dict[str, str],
    a: tuple[str, Span],
    b: tuple[str, Span],
) -> None:
    """Two tensors meet: their pixels must be of one size."""
    one, two = size[a[0]] * a[1].jump, size[b[0]] * b[1].jump
    if group[a[0]] == group[b[0]]:
        if one != two:
            raise ValueError(
                f"The layer '{step.name}' merges pixels of different size: {one} and "
                f"{two} reference pixels. Check strides and poolings of its branches."
            )
        return
    moved, target = group[b[0]], group[a[0]]
    for name in [name for name, member in group.items() if member == moved]:
        size[name] *= one / two
        group[name] = target


def walk(
    steps: Sequence[Step],
    inputs: Mapping[str, int],
    spacing: Mapping[str, Fraction],
    *,
    size: int,
    axis: int,
    real: Mapping[str, tuple[int, int]] | None = None,
) -> list[Span]:
    """Spans of all steps for a chunk.

    Args:
        steps: The network.
        inputs: Numbers of the steps that are inputs, by name.
        spacing: Pixel size of each input, in reference pixels.
        size: Side of the chunk in reference pixels.
        axis: 0 for the rows, 1 for the columns.
        real: First and last pixel that are real, for inputs where not all are.

    Raises:
        ValueError: If a layer merges tensors of different size.
    """
    real = real or {}
    names = {number: name for name, number in inputs.items()}
    spans: list[Span] = []
    for number, step in enumerate(steps):
        if number in names:
            name = names[number]
            count = int(size / spacing[name])
            first, last = real.get(name, (0, count - 1))
            spans.append(Span(count, first, last, spacing[name]))
            continue
        sizes = {spans[i].size for i in step.inputs}
        if len(sizes) > 1:
            raise ValueError(
                f"The layer '{step.name}' merges tensors of {sorted(sizes)} px for a "
                f"chunk of {size} px. Its branches must take equally much away."
            )
        spans.append(step.span(spans, axis))
    return spans
