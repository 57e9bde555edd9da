"""Rules: what each kind of layer does to the valid pixels, along one axis.

A rule gives the span of a layer's output from the spans of its inputs. `register_rule`
adds the rule of a layer of your own; `Span` and `window` are here too, because such a
rule needs them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from tutorial_lib.fields import otbtf_layers
from tutorial_lib.fields.registry import (
    Rule,
    UnknownLayerError,
    find_rule,
    register_rule,
    registered_rules,
    shape_of,
)
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


def pointwise(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Rule of layers that treat each pixel on its own, and of merges.

    A merged pixel is valid if it is valid in all inputs. `Network.spans` checks that
    they have one size.

    Raises:
        UnknownLayerError: If it is merged with a constant that has a value for each
            pixel: such an image belongs to one place of the map.
    """
    _check_constants(layer, (*arguments.args, *arguments.kwargs.values()))
    low = max(span.low for span in spans)
    high = min(span.high for span in spans)
    return replace(spans[0], low=low, high=high)


register_rule(
    layers.InputLayer,
    layers.Activation,
    layers.Identity,
    layers.Dense,
    layers.Add,
    layers.Subtract,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    # Nothing happens in prediction, also with `training=True` in the call: Keras's
    # `predict` and the kit call the model with `training=False`, which goes before it.
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.AlphaDropout,
    layers.GaussianNoise,
    layers.GaussianDropout,
    layers.ActivityRegularization,
    otbtf_layers.Argmax,
    otbtf_layers.Max,
    otbtf_layers.ApplyMask,
    otbtf_layers.ScalarsTile,
)(pointwise)


# Operations of `keras.ops` in a functional model go by the name of their class.
@register_rule(
    layers.Rescaling, layers.ReLU, layers.LeakyReLU, layers.ELU,
    "Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Maximum", "Minimum",
    "Absolute", "Negative", "Exp", "Log", "Log1p", "Sqrt", "Square", "Power", "Clip",
    "Relu", "Sigmoid", "Tanh", "Softplus", "Silu", "Gelu", "Elu", "LeakyRelu",
    "Where", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal",
)  # fmt: skip
def with_constants(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Pointwise, unless a setting has a value for each pixel."""
    _check_constants(layer, [x for name, x in vars(layer).items() if name[0] != "_"])
    return pointwise(layer, spans, axis, arguments)


@register_rule("Cast")
def cast(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Pointwise, if the type can hold the values.

    Raises:
        UnknownLayerError: If it may not: TensorFlow makes any number of a float that
            small whole numbers cannot hold, and not the same one in another chunk.
    """
    image, small = arguments.args[0], ("int8", "uint8", "int16", "uint16")
    clipped = type(image._keras_history.operation).__name__ == "Clip"
    if layer.dtype in small and "float" in image.dtype and not clipped:
        raise UnknownLayerError(
            f"The layer '{layer.name}' makes {layer.dtype} of {image.dtype}: values "
            "that it cannot hold become any number. Limit them before, such as "
            "`ops.cast(ops.clip(x, 0, 255), 'uint8')`."
        )
    return pointwise(layer, spans, axis, arguments)


def _check_constants(layer: Any, values: Iterable[Any]) -> None:
    """Raise UnknownLayerError for an array of more than one value for each channel."""
    for value in values:
        # A list of numbers is one array, and a list of tensors holds several.
        for one in [value] if shape_of(value) else keras.tree.flatten(value):
            shape = shape_of(one)
            if any(side != 1 for side in shape[:-1]):
                raise UnknownLayerError(
                    f"The layer '{layer.name}' has a value for each pixel or image, an "
                    f"array of shape {shape}: it gives another result at another "
                    "place. Give it one value for each channel, or make the array an "
                    "input of the model."
                )


def _axes(operation: Any, arguments: Any) -> tuple[int | None, ...]:
    """The axes along which an operation or layer computes; (None,) for all of them."""
    along = arguments.kwargs.get("axis", getattr(operation, "axis", -1))
    return tuple(along) if isinstance(along, list | tuple) else (along,)


def _is_of_channels(axes: Sequence[int | None]) -> bool:
    return tuple(axes) in ((-1,), (3,))


@register_rule(
    layers.Softmax, layers.Concatenate, layers.LayerNormalization,
    layers.UnitNormalization,
    "Argmax", "Softmax", "LogSoftmax", "Max", "Min", "Mean", "Sum", "Concatenate",
)  # fmt: skip
def along_channels(
    layer: Any, spans: Sequence[Span], axis: int, arguments: Any
) -> Span:
    """Rule of layers with an axis: pointwise along channels, else the whole chunk."""
    if _is_of_channels(_axes(layer, arguments)):
        return pointwise(layer, spans, axis, arguments)
    return nothing_valid(spans[0])


@register_rule(layers.BatchNormalization, layers.Normalization)
def normalization(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Pointwise with the learnt statistics of each channel, or with one of all.

    `training=True` in the call changes nothing in prediction, as with `Dropout`.

    Raises:
        UnknownLayerError: If there are statistics of each row, column or pixel.
    """
    axes = _axes(layer, arguments)
    if axes in ((), (None,)) or _is_of_channels(axes):
        return spans[0]
    raise UnknownLayerError(
        f"The layer '{layer.name}' has statistics along the axes {axes}: it gives "
        "another result at another place. Build it with `axis=-1`, one mean for each "
        "channel."
    )


@register_rule(layers.PReLU)
def prelu(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """Pointwise, if all pixels share the slopes.

    Raises:
        UnknownLayerError: If they do not, which is Keras's default.
    """
    if {1, 2} <= set(layer.shared_axes or ()):
        return spans[0]
    raise UnknownLayerError(
        f"The layer '{layer.name}' (PReLU) has a slope for each pixel: it gives "
        "another result at another place. Build it with `shared_axes=[1, 2]`."
    )


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


@register_rule(otbtf_layers.DilatedMask)
def dilated_mask(layer: Any, spans: Sequence[Span], axis: int, arguments: Any) -> Span:
    """A window of the size of the square that the mask is dilated by."""
    return window(spans[0], kernel=2 * layer.radius + 1, padding="same")


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
        and (part.start or 0) >= 0 > (-1 if part.stop is None else part.stop)
        and (part.step or 1) > 0
        # All images of a batch: tiles come in batches of another size.
        and key[0] == slice(None)
    )
    if not counted_from_both_ends:
        raise UnknownLayerError(
            f"No rule says what the slice '{layer.name}' with {key} does. Count pixels "
            "from both ends, with a positive step: `image[:, 16:-16, 16:-16, :]`."
        )
    start, stop, step = part.indices(max(spans[0].size, 0))
    return sliced(spans[0], start, max(stop, start), step)
