"""Which rule describes a layer: the registry, and what no rule may be trusted with.

The rules themselves are in `layer_rules`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.spans import Span
from tutorial_lib.kinds import kind_of

Rule = Callable[[Any, Sequence[Span], int, Any], Span]

_RULES: dict[type | str, Rule] = {}

# Functions of Keras that compute each pixel from the channels of that pixel. Any other
# function may look at several pixels, also one of Keras: `keras.ops.flip`.
PIXELWISE = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid"),
    *("hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax"),
    *("mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax"),
    *("softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
    *("squareplus", "tanh", "tanh_shrink"),
)

# Methods of a layer that are in its attributes too.
KERAS_WRAPS = ("build", "quantize")

__all__ = [
    "PIXELWISE",
    "Call",
    "Rule",
    "UnknownLayerError",
    "find_rule",
    "register_rule",
    "registered_rules",
]


class Call:
    """The arguments of a layer that is called with nothing but its input."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - nobody writes into it


def register_rule(*kinds: type | str) -> Callable[[Rule], Rule]:
    """Decorator that registers a function as the rule of some kinds of layers.

    The rule is called with (layer, spans of its inputs, axis, call arguments). Axis 0
    is the rows, 1 the columns. It returns the span of the layer's output.

    Args:
        *kinds: Layer classes, or names of operations such as "Relu".

    Raises:
        TypeError: If a kind is neither, or the rule is not a function.

    Example:
        >>> from tutorial_lib.fields.layer_rules import window
        >>> class Halve(keras.layers.Layer):
        ...     def call(self, image):
        ...         return image[:, ::2, ::2]
        >>> @register_rule(Halve)
        ... def halve(layer, spans, axis, arguments):
        ...     return window(spans[0], kernel=1, stride=2)
    """
    what = "classes of layers: `@tl.register_rule(MyLayer)`"
    for kind in arguments.sequence("kinds", kinds, what):
        arguments.instance("kinds", kind, (type, str), what)

    def add(rule: Rule) -> Rule:
        if not callable(rule):
            raise TypeError(
                f"A rule is a function of (layer, spans, axis, arguments). Received: "
                f"{kind_of(rule)}. See the example of `tl.register_rule`."
            )
        _RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return add


def registered_rules() -> list[Rule]:
    """All rules, in the order in which their layers were registered."""
    return list(_RULES.values())


def find_rule(operation: Any) -> Rule:
    """The rule of a layer or operation, with that of its activation.

    Raises:
        UnknownLayerError: If there is none, the layer has its channels first or is
            quantized, or its activation may look at several pixels.
    """
    rule, then = _own_rule(operation), _activation_rule(operation)
    _check_settings(operation)
    if then is None:
        return rule

    def with_activation(
        layer: Any, spans: Sequence[Span], axis: int, arguments: Any
    ) -> Span:
        span = rule(layer, spans, axis, arguments)
        return then(layer.activation, [span], axis, Call())

    return with_activation


def _own_rule(operation: Any) -> Rule:
    # Only the class itself, no parent class: a learner's subclass of a Keras layer may
    # do anything. An operation of Keras goes by name, because its class is not public.
    kind = type(operation)
    if kind in _RULES:
        return _RULES[kind]
    is_operation = _is_keras(kind) and not isinstance(operation, keras.layers.Layer)
    if is_operation and kind.__name__ in _RULES:
        return _RULES[kind.__name__]
    raise UnknownLayerError(
        f"No rule says how the layer '{operation.name}' ({kind.__name__}) reads its "
        "input. Measure it with `certificate=tl.certify(model, output, tile=…)`, add "
        "a rule with `@tl.register_rule` (see its example), or declare the fields."
    )


def _activation_rule(operation: Any) -> Rule | None:
    """The rule of a layer's activation; None if it works pixel by pixel."""
    activation = getattr(operation, "activation", None)
    if activation is None or _is_pixelwise(activation):
        return None
    if isinstance(activation, keras.layers.Layer):
        rule = find_rule(activation)
        # Such a layer is built when the model first runs: `model.weights`, saved files
        # and compiled functions lack its weights.
        if activation.weights or not activation.built:
            raise UnknownLayerError(
                f"The layer '{operation.name}' has the activation "
                f"'{activation.name}', a layer with weights, which Keras may neither "
                f"train nor save. Put it behind '{operation.name}' as a layer of its "
                "own."
            )
        return rule
    name = getattr(activation, "__qualname__", None)
    # With its module: `tf.nn.relu` is called "relu" too.
    shown = f"{activation.__module__}.{name}" if name else repr(activation)
    raise UnknownLayerError(
        f"The layer '{operation.name}' has the activation '{shown}', which may look at "
        "several pixels. Use one of Keras's by name, such as `activation='relu'`, or "
        "write a layer for it and register its rule."
    )


def _is_pixelwise(activation: Any) -> bool:
    return any(activation is getattr(keras.activations, n, None) for n in PIXELWISE)


def _is_keras(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "keras"


def _check_settings(operation: Any) -> None:
    """Raise UnknownLayerError for settings of Keras that no rule follows."""
    for name in vars(operation):
        if callable(getattr(type(operation), name, None)) and name not in KERAS_WRAPS:
            raise UnknownLayerError(
                f"The layer '{operation.name}' was given a `{name}` of its own, which "
                "no rule describes. Write a class for it, and register its rule."
            )
    if not _is_keras(type(operation)):
        return
    if getattr(operation, "data_format", None) == "channels_first":
        raise UnknownLayerError(
            f"The layer '{operation.name}' has data_format='channels_first', and "
            "images here are (batch, height, width, channel). Build the model with "
            "`data_format='channels_last'`, or after "
            "`keras.config.set_image_data_format('channels_last')`."
        )
    if getattr(operation, "quantization_mode", None) is not None:
        raise UnknownLayerError(
            f"The layer '{operation.name}' is quantized "
            f"({operation.quantization_mode}): its scaling may depend on all pixels. "
            "Analyse the model before `quantize`, or measure it with "
            "`certificate=tl.certify(model, output, tile=…)`."
        )


def shape_of(value: Any) -> tuple[int, ...]:
    """Shape of a constant among the arguments of an operation.

    It is () for everything that is not an array, a variable or a list of numbers.
    """
    if isinstance(value, list | tuple):
        try:
            return np.shape(np.asarray(value, dtype="float64"))
        except (TypeError, ValueError):
            return ()
    is_array = isinstance(value, np.ndarray | keras.Variable)
    return tuple(value.shape) if is_array or keras.ops.is_tensor(value) else ()
