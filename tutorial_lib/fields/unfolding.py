"""From a Keras model to the steps of its network.

Nested models are unfolded. The inputs may have pixels of different sizes; the ratio of
two sizes follows from the layer where both inputs meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from tutorial_lib.fields.graph import Network, SpanRule, Step, UnknownLayerError
from tutorial_lib.fields.layer_rules import (
    Rule,
    find_rule,
    normalization,
    pointwise,
    prelu,
    with_constants,
)
from tutorial_lib.fields.names import AS_FUNCTION, check_images, named_tensors
from tutorial_lib.fields.pixel_sizes import is_whole, pixel_sizes
from tutorial_lib.fields.spans import LONG_SPAN, ROWS, Span, nothing_valid
from tutorial_lib.kinds import kind_of

# Rules of layers that write their output over their input, if nobody else reads it. A
# `Dense` layer treats each pixel on its own too, and needs its whole input for that.
IN_PLACE = (normalization, pointwise, prelu, with_constants)
NOT_IN_PLACE = "Dense"

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
    ends = {name: written[id(tensor)] for name, tensor in outputs.items()}
    spacing, jumps = pixel_sizes(graph.steps, numbers, ends)
    return Network(
        steps=tuple(graph.steps),
        inputs=numbers,
        outputs=ends,
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
            f"{kind_of(model)}. Build it with `keras.Input` and layers, without "
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
        depends = any(self.steps[i].whole for i in read)
        rule = _rule_after_whole(layer, arguments) if depends else find_rule(layer)
        kernel = _pair(layer, "kernel_size") or _pair(layer, "pool_size")
        step = Step(
            name=layer.name,
            kind=type(layer).__name__,
            rule=_span_rule(rule, layer, arguments),
            layer=layer,
            inputs=read,
            channels=(shape[3] or 1) if len(shape) == 4 else 1,
            kernel=kernel,
            stride=_pair(layer, "strides") if kernel else None,
            in_place=rule in IN_PLACE and type(layer).__name__ != NOT_IN_PLACE,
            sides=(None, None) if read else tuple(shape[1:3]),
        )
        if read:
            step = replace(step, whole=depends or is_whole(step))
            _check_axes(step, shape)
        self.steps.append(step)
        return len(self.steps) - 1

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


def _pair(layer: Any, name: str) -> tuple[int, int] | None:
    value = getattr(layer, name, None)
    return tuple(value) if isinstance(value, tuple | list) else None


def _span_rule(rule: Rule, layer: Any, arguments: Any) -> SpanRule:
    """The rule of one use of a layer; it raises TypeError for a result of another type.

    The rule may be one of a user.
    """

    def apply(spans: Sequence[Span], axis: int) -> Span:
        span = rule(layer, spans, axis, arguments)
        if not isinstance(span, Span):
            raise TypeError(
                f"The rule of the layer '{layer.name}' ({type(layer).__name__}) "
                f"returns {kind_of(span)}. It must return a Span: see the "
                "example of `tl.register_rule`."
            )
        return span

    return apply


def _check_axes(step: Step, shape: Sequence[Any]) -> None:
    """Raise UnknownLayerError unless a step gives an image, or looks at all pixels."""
    if not step.whole and len(shape) != 4:
        raise UnknownLayerError(
            f"The layer '{step.name}' gives a tensor of the shape {tuple(shape)}, and "
            "an image is (batch, height, width, channel). Keep the four axes, for "
            "example with `keepdims=True`."
        )


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
