"""A Keras network as a list of steps, and spans followed through them.

Nested models are unfolded. The inputs may have pixels of different size: how many times
larger those of one are than those of the other follows from where they meet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras

from tutorial_lib.layer_rules import COLS, ROWS, Rule, Span, find_rule

__all__ = ["Step", "pixel_sizes", "unfold", "walk"]


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
    """

    name: str
    kind: str
    rule: Rule
    layer: Any
    arguments: Any
    inputs: tuple[int, ...]

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
    if not hasattr(model, "_nodes_by_depth"):
        raise TypeError(
            f"Only functional Keras models can be analysed. Received: "
            f"{type(model).__name__}. Build it with `keras.Input` and layers, or give "
            "the fields by hand."
        )
    graph = _Graph()
    inputs = {tensor.name: graph.add_input(tensor) for tensor in model.inputs}
    graph.add_model(model)
    outputs = {name: graph.number(tensor) for name, tensor in _named_outputs(model)}
    return tuple(graph.steps), inputs, outputs


def _named_outputs(model: keras.Model) -> Iterable[tuple[str, Any]]:
    if isinstance(model.output, Mapping):
        return model.output.items()
    return zip(model.output_names, model.outputs, strict=True)


class _Graph:
    """The steps of a network, nested models unfolded."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers: dict[int, int] = {}

    def number(self, tensor: Any) -> int:
        return self._numbers[id(tensor)]

    def add_input(self, tensor: Any) -> int:
        layer = tensor._keras_history.operation
        self.steps.append(Step(tensor.name, "Input", find_rule(layer), layer, None, ()))
        self._numbers[id(tensor)] = len(self.steps) - 1
        return len(self.steps) - 1

    def add_model(self, model: keras.Model) -> None:
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._add_node(node)

    def _add_node(self, node: Any) -> None:
        operation = node.operation
        read = tuple(self.number(tensor) for tensor in node.input_tensors)
        if hasattr(operation, "_nodes_by_depth"):
            self._numbers |= {
                id(inner): number
                for inner, number in zip(operation.inputs, read, strict=True)
            }
            self.add_model(operation)
            written = [self.number(tensor) for tensor in operation.outputs]
        else:
            rule, kind = find_rule(operation), type(operation).__name__
            step = Step(operation.name, kind, rule, operation, node.arguments, read)
            self.steps.append(step)
            written = [len(self.steps) - 1] * len(node.outputs)
        outputs = zip(node.outputs, written, strict=True)
        self._numbers |= {id(tensor): number for tensor, number in outputs}


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
) -> list[Span]:
    """Spans of all steps for a chunk.

    Args:
        steps: The network.
        inputs: Numbers of the steps that are inputs, by name.
        spacing: Pixel size of each input, in reference pixels.
        size: Side of the chunk in reference pixels.
        axis: 0 for the rows, 1 for the columns.

    Raises:
        ValueError: If a layer merges tensors of different size.
    """
    names = {number: name for name, number in inputs.items()}
    spans: list[Span] = []
    for number, step in enumerate(steps):
        if number in names:
            pixel = spacing[names[number]]
            spans.append(Span(int(size / pixel), 0, int(size / pixel) - 1, pixel))
            continue
        sizes = {spans[i].size for i in step.inputs}
        if len(sizes) > 1:
            raise ValueError(
                f"The layer '{step.name}' merges tensors of {sorted(sizes)} px for a "
                f"chunk of {size} px. Its branches must take equally much away."
            )
        spans.append(step.span(spans, axis))
    return spans
