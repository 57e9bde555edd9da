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

__all__ = ["check_functional", "unfold"]


def unfold(model: keras.Model) -> Network:
    """The steps of a functional model.

    Raises:
        TypeError: If the model is not a graph of layers.
        UnknownLayerError: If no rule describes a layer.
        ValueError: If the inputs are not images, or tensors with pixels of different
            sizes are merged.
    """
    check_functional(model)
    graph = _Graph()
    inputs, outputs = named_tensors(model)
    check_images({name: tuple(tensor.shape) for name, tensor in inputs.items()})
    numbers = {name: graph.add_input(tensor) for name, tensor in inputs.items()}
    given = {id(tensor): numbers[name] for name, tensor in inputs.items()}
    written = graph.add_model(_functional(model), given)
    spacing, jumps = _pixel_sizes(graph.steps, numbers)
    return Network(
        steps=tuple(graph.steps),
        inputs=numbers,
        outputs={name: written[id(tensor)] for name, tensor in outputs.items()},
        spacing=spacing,
        jumps=jumps,
    )


def _functional(model: Any) -> Any:
    """The graph of layers inside a `Sequential`; any other model itself."""
    return getattr(model, "_functional", None) or model


def check_functional(model: Any) -> None:
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

    def add_input(self, tensor: Any) -> int:
        return self._add_step(tensor._keras_history.operation, (), None, tensor.shape)

    def _add_step(
        self, layer: Any, read: tuple[int, ...], arguments: Any, shape: Sequence[Any]
    ) -> int:
        """Add the use of a layer that reads some steps; its number."""
        inputs = [self.steps[i] for i in read]
        depends = any(step.whole for step in inputs)
        step = Step(
            name=layer.name,
            kind=type(layer).__name__,
            rule=_rule_after_whole(layer, arguments) if depends else find_rule(layer),
            layer=layer,
            arguments=arguments,
            inputs=read,
            shape=tuple(shape),
        )
        if inputs:
            step = replace(step, whole=depends or self._is_whole(step))
        self.steps.append(step)
        return len(self.steps) - 1

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

    def add_model(self, model: Any, given: Mapping[int, int]) -> dict[int, int]:
        """Add the steps of a model.

        Args:
            model: The graph of layers.
            given: Numbers of the steps that it is called with, by `id` of its inputs.

        Returns:
            Number of the step that computes each of its tensors, by `id`. They hold for
            this call only: a model may be called twice, and its layers may also be
            those of the model around it.
        """
        numbers = dict(given)
        # Keras counts the depth from the outputs: the deepest nodes run first.
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    self._add_node(node, numbers)
        return numbers

    def _add_node(self, node: Any, numbers: dict[int, int]) -> None:
        operation, shape = node.operation, node.outputs[0].shape
        nested = _functional(operation)
        if not hasattr(nested, "_nodes_by_depth"):
            read = tuple(numbers[id(tensor)] for tensor in node.input_tensors)
            number = self._add_step(operation, read, node.arguments, shape)
            numbers |= {id(tensor): number for tensor in node.outputs}
            return
        check_functional(operation)
        given = _given_to(nested, node)
        written = self.add_model(
            nested, {id(inner): numbers[id(outer)] for inner, outer in given}
        )
        for outer, inner in zip(node.outputs, nested.outputs, strict=True):
            numbers[id(outer)] = written[id(inner)]


def _given_to(nested: Any, node: Any) -> list[tuple[Any, Any]]:
    """Each input of a nested model with the tensor that it is called with.

    Raises:
        ValueError: If the call has other tensors than the model has inputs.
    """
    given = node.arguments.args[0] if node.arguments.args else node.input_tensors
    if isinstance(given, Mapping) and not isinstance(nested.input, Mapping):
        # As Keras does it: by name.
        given = [given.get(tensor.name) for tensor in nested.inputs]
    flat = keras.tree.flatten(given)
    fits = len(flat) == len(nested.inputs) == len(node.input_tensors)
    if not fits or not all(isinstance(x, keras.KerasTensor) for x in flat):
        raise ValueError(
            f"The model '{node.operation.name}' inside the model has "
            f"{len(nested.inputs)} inputs, and its call has other tensors too, or too "
            "few. Call it with its inputs only, in the order in which it was built."
        )
    return list(zip(nested.inputs, flat, strict=True))


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
