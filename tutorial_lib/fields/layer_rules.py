"""What each kind of layer does to a valid interval, along one axis.

A *span* is a tensor seen along one axis: its size, the first and the last index that
depend on real pixels only, and its *jump*, the distance between two of its pixels in
pixels of the reference. A *rule* gives the span of a layer's output from those of its
inputs; `register_rule` adds one for a layer of your own.

The rules are derived from which inputs an output reads: output j of a window of k
pixels with stride s reads the inputs s*j - p to s*j - p + k - 1, and is valid if all of
them are. Where 'same' puts its padding, that is how large p is, is TensorFlow's choice:
of max((ceil(n / s) - 1) * s + k - n, 0) pixels for a size n the smaller half comes
before. (A. Araujo et al., "Computing receptive fields of convolutional neural
networks", Distill 2019, has the arithmetic of receptive fields; TensorFlow's guide to
`tf.nn`, "Notes on padding", the padding.) The tests compare with what Keras computes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import keras
from keras import layers

ROWS, COLS = 0, 1

__all__ = [
    "COLS",
    "ROWS",
    "Span",
    "UnknownLayerError",
    "find_rule",
    "nothing_valid",
    "pointwise",
    "register_rule",
    "registered_rules",
    "window",
]


@dataclass(frozen=True)
class Span:
    """A tensor along one axis.

    Attributes:
        size: Number of its pixels.
        low: First index that depends on real pixels only.
        high: Last such index; smaller than `low` when there is none.
        jump: Distance of two of its pixels, in reference pixels.
    """

    size: int
    low: int
    high: int
    jump: Fraction

    def clipped(self) -> "Span":
        """The span with its valid interval cut to the pixels that exist."""
        return replace(self, low=max(self.low, 0), high=min(self.high, self.size - 1))


Rule = Callable[[Any, Sequence[Span], int, Any], Span]

_RULES: dict[type | str, Rule] = {}


class UnknownLayerError(ValueError):
    """A layer that no rule describes."""


def register_rule(*kinds: type | str) -> Callable[[Rule], Rule]:
    """Say what a kind of layer does to a span; a decorator.

    The rule is called with (layer, spans of its inputs, axis, call arguments), where
    axis 0 is the rows and 1 the columns, and returns the span of its output.

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
        UnknownLayerError: If there is none; with the way to add one.
    """
    kind = type(operation)
    _check_activation(operation)
    # A learner's own subclass of a layer may do anything: its class must be named.
    if kind in _RULES:
        return _RULES[kind]
    if kind.__name__ in _RULES and not isinstance(operation, keras.layers.Layer):
        return _RULES[kind.__name__]
    raise UnknownLayerError(
        f"No rule says how the layer '{operation.name}' ({kind.__name__}) reads its "
        "input. Add one with `@tl.register_rule` (see its example), or give the fields "
        "by hand."
    )


def registered_rules() -> list[Rule]:
    """All rules, in the order in which their layers were registered."""
    return list(_RULES.values())


def _check_activation(operation: Any) -> None:
    """A function of one's own may look at more than a pixel."""
    activation = getattr(operation, "activation", None)
    module = getattr(activation, "__module__", None) or type(activation).__module__
    if activation is None or module.partition(".")[0] == "keras":
        return
    raise UnknownLayerError(
        f"The layer '{operation.name}' has an activation that is none of Keras's, "
        f"{getattr(activation, '__name__', activation)!r}: it may look at all pixels. "
        "Use one by name, `activation='relu'`, or make a layer of it and register its "
        "rule."
    )


def window(
    span: Span,
    *,
    kernel: int,
    stride: int = 1,
    padding: str = "valid",
    dilation: int = 1,
) -> Span:
    """Convolution or pooling: output j reads s*j - p … s*j - p + reach - 1.

    Example:
        >>> image = Span(size=128, low=0, high=127, jump=Fraction(1))
        >>> out = window(image, kernel=3, stride=2, padding="same")
        >>> out.size, out.low, out.high
        (64, 0, 62)
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        size = -(-span.size // stride)
        before = max((size - 1) * stride + reach - span.size, 0) // 2
    else:
        size, before = (span.size - reach) // stride + 1, 0
    low = -(-(span.low + before) // stride)
    high = (span.high + before - reach + 1) // stride
    return Span(size, low, high, span.jump * stride).clipped()


def transposed(span: Span, *, kernel: int, stride: int, padding: str) -> Span:
    """Transposed convolution: input i adds to the outputs s*i - p … s*i - p + k - 1."""
    same = padding == "same"
    before = max(kernel - stride, 0) // 2 if same else 0
    size = span.size * stride + (0 if same else max(kernel - stride, 0))
    low = stride * (span.low - 1) + kernel - before
    high = stride * (span.high + 1) - 1 - before
    return Span(size, low, high, span.jump / stride).clipped()


def upsampled(span: Span, *, factor: int, bilinear: bool) -> Span:
    """Nearest or bilinear upsampling; the latter blends across pixel edges."""
    low, high = factor * span.low, factor * span.high + factor - 1
    if bilinear:
        # Half-pixel centres: an output within half a pixel of the border is clamped.
        low += factor // 2
        high = (2 * factor * span.high + factor - 1) // 2
    return Span(span.size * factor, low, high, span.jump / factor).clipped()


def sliced(span: Span, start: int, stop: int, step: int = 1) -> Span:
    """Every `step`-th pixel from `start` on, before `stop`."""
    part = Span(stop - start, span.low - start, span.high - start, span.jump).clipped()
    return window(part, kernel=1, stride=step) if step > 1 else part


def nothing_valid(span: Span) -> Span:
    """The output of a layer that looks at the whole tile: no pixel is the image's."""
    return replace(span, low=span.size, high=-1)


def pointwise(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Rule of layers that treat each pixel on its own, and of merges.

    Of several inputs, all must be valid; `fields` checks that they fit.
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

register_rule(
    *("Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Maximum", "Minimum"),
    *("Absolute", "Negative", "Exp", "Log", "Log1p", "Sqrt", "Square", "Power", "Clip"),
    *("Relu", "Sigmoid", "Tanh", "Softplus", "Silu", "Gelu", "Elu", "LeakyRelu"),
    *("Cast", "Where", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"),
)(pointwise)


def _along(operation: Any, arguments: Any) -> Any:
    """The axis that an operation or layer works along."""
    return arguments.kwargs.get("axis", getattr(operation, "axis", -1))


@register_rule(
    layers.Softmax, layers.Concatenate, layers.LayerNormalization,
    layers.UnitNormalization,
    "Argmax", "Softmax", "LogSoftmax", "Max", "Min", "Mean", "Sum", "Concatenate",
)  # fmt: skip
def along_channels(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Pointwise if the channels are what is worked along, else the whole tile."""
    along = _along(layer, arguments)
    if tuple(along if isinstance(along, list | tuple) else [along]) in ((-1,), (3,)):
        return pointwise(layer, spans, axis, arguments)
    return nothing_valid(spans[0])


@register_rule(layers.BatchNormalization)
def batch_normalization(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Pointwise with its learnt statistics; over the tile when set to training."""
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
    """Nothing when predicting; what draws anew at each call has no rule."""
    if arguments.kwargs.get("training"):
        raise UnknownLayerError(
            f"The layer '{layer.name}' draws at random also when predicting, so no two "
            "maps are equal. Build it without `training=True`."
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
def whole_tile(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Layers whose every output depends on the whole tile."""
    return nothing_valid(spans[0])


@register_rule(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
def convolution(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A window with dilation."""
    return window(
        spans[0],
        kernel=layer.kernel_size[axis],
        stride=layer.strides[axis],
        padding=layer.padding,
        dilation=layer.dilation_rate[axis],
    )


@register_rule(layers.MaxPooling2D, layers.AveragePooling2D)
def pooling(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A window as large as the pool."""
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
    """A window the other way round."""
    if layer.output_padding is not None or set(layer.dilation_rate) != {1}:
        raise UnknownLayerError(
            f"The transposed convolution '{layer.name}' has `output_padding` "
            f"{layer.output_padding} and `dilation_rate` {layer.dilation_rate}; only "
            "None and 1 are known. Register a rule for a subclass of your own."
        )
    return transposed(
        spans[0],
        kernel=layer.kernel_size[axis],
        stride=layer.strides[axis],
        padding=layer.padding,
    )


@register_rule(layers.UpSampling2D)
def upsampling(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Nearest or bilinear; other interpolations have no rule."""
    if layer.interpolation not in ("nearest", "bilinear"):
        raise UnknownLayerError(
            f"The upsampling '{layer.name}' interpolates '{layer.interpolation}'; only "
            "'nearest' and 'bilinear' are known."
        )
    return upsampled(
        spans[0], factor=layer.size[axis], bilinear=layer.interpolation == "bilinear"
    )


@register_rule(layers.Cropping2D)
def cropping(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A slice."""
    before, after = layer.cropping[axis]
    return sliced(spans[0], before, max(spans[0].size - after, before))


@register_rule(layers.ZeroPadding2D)
def zero_padding(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """What is padded is not valid."""
    (before, after), span = layer.padding[axis], spans[0]
    size = span.size + before + after
    return Span(size, span.low + before, span.high + before, span.jump)


@register_rule("GetItem")
def get_item(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """`image[:, 16:-16, 16:-16, :]`, and steps."""
    key = arguments.args[1]
    # Keras saves the tuple of slices as a list.
    key = tuple(key) if isinstance(key, list | tuple) else (key,)
    if key[:1] == (Ellipsis,):
        key = (slice(None),) * (5 - len(key)) + key[1:]
    part = key[axis + 1] if len(key) > axis + 1 else slice(None)
    from_both_ends = all(isinstance(x, slice) for x in key)
    from_both_ends = from_both_ends and (part.start or 0) >= 0 > (part.stop or -1)
    if not from_both_ends:
        raise UnknownLayerError(
            f"The slice '{layer.name}' takes {key}; only pixels counted from both ends "
            "are known, such as `image[:, 16:-16, 16:-16, :]`."
        )
    start, stop, step = part.indices(spans[0].size)
    return sliced(spans[0], start, max(stop, start), step)
