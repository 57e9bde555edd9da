"""Rules: what each kind of layer does to the valid pixels, along one axis.

A rule gives the span of a layer's output from the spans of its inputs. `register_rule`
adds the rule of a layer of your own; `Span` and `window` are here too, because such a
rule needs them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from tutorial_lib.fields.spans import (
    COLS,
    ROWS,
    Span,
    nothing_valid,
    sliced,
    transposed,
    upsampled,
    window,
)

__all__ = [
    "COLS",
    "ROWS",
    "Rule",
    "Span",
    "UnknownLayerError",
    "find_rule",
    "nothing_valid",
    "pointwise",
    "register_rule",
    "registered_rules",
    "window",
]

Rule = Callable[[Any, Sequence[Span], int, Any], Span]

_RULES: dict[type | str, Rule] = {}


class UnknownLayerError(ValueError):
    """No rule says what a layer does."""


def register_rule(*kinds: type | str) -> Callable[[Rule], Rule]:
    """Decorator that registers a function as the rule of some kinds of layers.

    The rule is called with (layer, spans of its inputs, axis, call arguments). Axis 0
    is the rows, 1 the columns. It returns the span of the layer's output.

    Args:
        *kinds: Layer classes, or names of operations such as "Relu".

    Example:
        >>> class Halve(keras.layers.Layer):
        ...     def call(self, image):
        ...         return image[:, ::2, ::2]
        >>> @register_rule(Halve)
        ... def halve(layer, spans, axis, arguments):
        ...     return window(spans[0], kernel=1, stride=2)
    """

    def add(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return add


def find_rule(operation: Any) -> Rule:
    """The rule of a layer or operation.

    Raises:
        UnknownLayerError: If there is none, or the layer's activation is not Keras's.
    """
    kind = type(operation)
    _check_activation(operation)
    # Only the class itself, no parent class: a learner's subclass of a Keras layer may
    # do anything.
    if kind in _RULES:
        return _RULES[kind]
    if kind.__name__ in _RULES and not isinstance(operation, keras.layers.Layer):
        return _RULES[kind.__name__]
    raise UnknownLayerError(
        f"No rule says how the layer '{operation.name}' ({kind.__name__}) reads its "
        "input. Add one with `@tl.register_rule` (see its example), or declare the "
        "fields."
    )


def registered_rules() -> list[Rule]:
    """All rules, in the order in which their layers were registered."""
    return list(_RULES.values())


def _check_activation(operation: Any) -> None:
    """Raise UnknownLayerError for an activation that may look at several pixels."""
    activation = getattr(operation, "activation", None)
    module = getattr(activation, "__module__", None) or type(activation).__module__
    if activation is None or module.partition(".")[0] == "keras":
        return
    raise UnknownLayerError(
        f"The layer '{operation.name}' has an activation that is not Keras's, "
        f"{getattr(activation, '__name__', activation)!r}: it may look at all pixels. "
        "Use one by name, `activation='relu'`, or write a layer for it and register "
        "its rule."
    )


def pointwise(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Rule of layers that treat each pixel on its own, and of merges.

    A merged pixel is valid if it is valid in all inputs. `Network.spans` checks that
    they have one size.
    """
    low = max(span.low for span in spans)
    high = min(span.high for span in spans)
    return replace(spans[0], low=low, high=high)


register_rule(
    layers.InputLayer,
    layers.Rescaling,
    layers.Normalization,
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.PReLU,
    layers.Identity,
    layers.Dense,
    layers.Add,
    layers.Subtract,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
)(pointwise)

# Operations of `keras.ops` in a functional model, by the name of their class.
register_rule(
    *("Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Maximum", "Minimum"),
    *("Absolute", "Negative", "Exp", "Log", "Log1p", "Sqrt", "Square", "Power", "Clip"),
    *("Relu", "Sigmoid", "Tanh", "Softplus", "Silu", "Gelu", "Elu", "LeakyRelu"),
    *("Cast", "Where", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"),
)(pointwise)


def _along(operation: Any, arguments: Any) -> Any:
    """The axis, or the axes, along which an operation or layer computes."""
    return arguments.kwargs.get("axis", getattr(operation, "axis", -1))


@register_rule(
    layers.Softmax, layers.Concatenate, layers.LayerNormalization,
    layers.UnitNormalization,
    "Argmax", "Softmax", "LogSoftmax", "Max", "Min", "Mean", "Sum", "Concatenate",
)  # fmt: skip
def along_channels(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Rule of layers with an axis: pointwise along channels, else the whole chunk."""
    along = _along(layer, arguments)
    if tuple(along if isinstance(along, list | tuple) else [along]) in ((-1,), (3,)):
        return pointwise(layer, spans, axis, arguments)
    return nothing_valid(spans[0])


@register_rule(layers.BatchNormalization)
def batch_normalization(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Pointwise with learnt statistics; the whole chunk if called as in training."""
    if arguments.kwargs.get("training"):
        return nothing_valid(spans[0])
    return spans[0]


@register_rule(
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.GaussianNoise,
    layers.GaussianDropout,
)
def noise(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Pointwise, because it does nothing in prediction.

    Raises:
        UnknownLayerError: If it is called as in training: then each map is another.
    """
    if arguments.kwargs.get("training"):
        raise UnknownLayerError(
            f"The layer '{layer.name}' draws random numbers also in prediction, so "
            "each map is another. Build it without `training=True`."
        )
    return spans[0]


@register_rule(
    layers.GroupNormalization,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.Flatten,
    layers.Attention,
    layers.MultiHeadAttention,
    layers.Resizing,
)
def whole_chunk(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Rule of layers whose every output depends on the whole chunk."""
    return nothing_valid(spans[0])


@register_rule(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
def convolution(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A window with stride, padding and dilation."""
    return window(
        spans[0],
        kernel=layer.kernel_size[axis],
        stride=layer.strides[axis],
        padding=layer.padding,
        dilation=layer.dilation_rate[axis],
    )


@register_rule(layers.MaxPooling2D, layers.AveragePooling2D)
def pooling(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A window of the size of the pool."""
    return window(
        spans[0],
        kernel=layer.pool_size[axis],
        stride=layer.strides[axis],
        padding=layer.padding,
    )


@register_rule(layers.Conv2DTranspose)
def transposed_convolution(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """A window whose inputs and outputs are swapped."""
    if layer.output_padding is not None or set(layer.dilation_rate) != {1}:
        raise UnknownLayerError(
            f"The transposed convolution '{layer.name}' has `output_padding` "
            f"{layer.output_padding} and `dilation_rate` {layer.dilation_rate}; only "
            "None and 1 have a rule. Write a subclass, and register a rule for it."
        )
    return transposed(
        spans[0],
        kernel=layer.kernel_size[axis],
        stride=layer.strides[axis],
        padding=layer.padding,
    )


@register_rule(layers.UpSampling2D)
def upsampling(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Nearest or bilinear upsampling; other interpolations have no rule."""
    if layer.interpolation not in ("nearest", "bilinear"):
        raise UnknownLayerError(
            f"The upsampling '{layer.name}' has interpolation='{layer.interpolation}'. "
            "Use 'nearest' or 'bilinear': only these have a rule."
        )
    return upsampled(
        spans[0], factor=layer.size[axis], bilinear=layer.interpolation == "bilinear"
    )


@register_rule(layers.Cropping2D)
def cropping(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A slice without the cropped pixels."""
    before, after = layer.cropping[axis]
    return sliced(spans[0], before, max(spans[0].size - after, before))


@register_rule(layers.ZeroPadding2D)
def zero_padding(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A longer span, whose padded pixels are not valid."""
    (before, after), span = layer.padding[axis], spans[0]
    size = span.size + before + after
    return Span(size, span.low + before, span.high + before, span.jump)


@register_rule("GetItem")
def get_item(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A slice such as `image[:, 16:-16, 16:-16, :]`, also with steps."""
    key = arguments.args[1]
    # Keras saves the tuple of slices as a list.
    key = tuple(key) if isinstance(key, list | tuple) else (key,)
    if key[:1] == (Ellipsis,):
        key = (slice(None),) * (5 - len(key)) + key[1:]
    part = key[axis + 1] if len(key) > axis + 1 else slice(None)
    counted_from_both_ends = (
        all(isinstance(x, slice) for x in key)
        and (part.start or 0) >= 0 > (part.stop or -1)
        and (part.step or 1) > 0
    )
    if not counted_from_both_ends:
        raise UnknownLayerError(
            f"No rule says what the slice '{layer.name}' with {key} does. Count pixels "
            "from both ends, with a positive step: `image[:, 16:-16, 16:-16, :]`."
        )
    start, stop, step = part.indices(spans[0].size)
    return sliced(spans[0], start, max(stop, start), step)
