"""From a Keras model to the steps of its network.

Nested models are unfolded. The inputs may have pixels of different sizes; the ratio of
two sizes follows from the layer where both inputs meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import keras

from tutorial_lib.fields.graph import Network, Step, images_of, span_of
from tutorial_lib.fields.layer_rules import Rule, UnknownLayerError, find_rule
from tutorial_lib.fields.names import AS_FUNCTION, check_images, named_tensors
from tutorial_lib.fields.spans import COLS, ROWS, Span, nothing_valid

# Longer than any network takes away, so that each of its outputs has a jump.
LONG_SPAN = Span(2**40, 0, 2**40 - 1, Fraction(1))

__all__ = ["unfold"]


def unfold(model: keras.Model) -> Network:
    """The steps of a functional model.

    Raises:
        TypeError: If the model is not a graph of layers.
        UnknownLayerError: If no rule describes a layer.
        ValueError: If the inputs are not images, or tensors with pixels of different
            sizes are merged.
    """
    _check_functional(model)
    graph = _Graph()
    inputs, outputs = named_tensors(model)
    check_images({name: tuple(tensor.shape) for name, tensor in inputs.items()})
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
    if not hasattr(graph, "_nodes_by_depth") or _has_own_call(model, graph):
        raise TypeError(
            f"Only functional Keras models can be analysed. Received: "
            f"{type(model).__name__}. Build it with `keras.Input` and layers, without "
            f"a `call` of its own, or give a function in its place: {AS_FUNCTION}."
        )


def _has_own_call(*models: Any) -> bool:
    """Whether a model does more than Keras's `Functional` or `Sequential`."""
    for model in models:
        kinds = type(model).__mro__
        keras_own = next((x for x in kinds if x.__name__ == "Functional"), None)
        base = keras.Sequential if isinstance(model, keras.Sequential) else keras_own
        same = base and all(
            getattr(type(model), name) is getattr(base, name)
            for name in ("call", "__call__")
        )
        if not same or "call" in vars(model):
            return True
    return False


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
        inputs = [self.steps[i] for i in read]
        depends = any(step.whole for step in inputs)
        step = Step(
            name=layer.name,
            kind=type(layer).__name__,
            rule=_rule_after_whole(layer, arguments) if depends else find_rule(layer),
            layer=layer,
            arguments=arguments,
            inputs=read,
            shape=tuple(written[0].shape),
        )
        if inputs:
            step = replace(step, whole=depends or self._is_whole(step))
        self.steps.append(step)
        self._numbers |= {id(tensor): len(self.steps) - 1 for tensor in written}

    def _is_whole(self, step: Step) -> bool:
        """Whether no pixel is valid though all inputs are; also check the axes."""
        spans = [step.span([LONG_SPAN] * len(step.inputs), a) for a in (ROWS, COLS)]
        if any(span.low > span.high for span in spans):
            return True
        if len(step.shape) != 4:
            raise UnknownLayerError(
                f"The layer '{step.name}' gives a tensor of the shape {step.shape}, "
                "and an image is (batch, height, width, channel). Keep the four axes, "
                "for example with `keepdims=True`."
            )
        return False

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


def _rule_after_whole(layer: Any, arguments: Any) -> Rule:
    """The rule of a layer whose input depends on the whole chunk, if it has one.

    Nothing can be exact any more after such an input. So the layer that gave it is to
    be named, and not this one for which there is no rule.
    """
    try:
        rule = find_rule(layer)
        rule(layer, [nothing_valid(LONG_SPAN)], ROWS, arguments)
    except UnknownLayerError:
        return lambda layer, spans, axis, arguments: nothing_valid(spans[0])
    return rule


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
        first, *others = images = images_of(steps, step)
        # All inputs of a layer must have pixels of one size, so any of them may be the
        # measure of its output.
        for other in others:
            sizes.merge(
                step.name,
                (units[first], spans[first].jump),
                (units[other], spans[other].jump),
            )
        units.append(units[first])
        spans.append(_square_span(steps, step, [spans[i] for i in images]))
    spacing = sizes.in_pixels_of(next(iter(inputs)))
    jumps = (span.jump * spacing[unit] for span, unit in zip(spans, units, strict=True))
    return spacing, tuple(jumps)


def _square_span(steps: Sequence[Step], step: Step, read: Sequence[Span]) -> Span:
    rows, cols = (span_of(steps, step, read, axis) for axis in (ROWS, COLS))
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
