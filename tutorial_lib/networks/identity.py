"""Whether two Keras models are the same: one number for weights and settings."""

import hashlib
import json
import re
from typing import Any

import keras
import numpy as np

__all__ = ["weights_digest"]


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of a model's weights and of the settings of its layers, in their order.

    Names of layers do not count: a network that is built again and given the same
    weights is the same network.

    Example:
        >>> from tutorial_lib import architectures
        >>> len(weights_digest(architectures.pixelwise_fcnn(6, crops=())))
        64
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(weight.numpy())
        # Without the shape, a transposed kernel of zeros would count as the same.
        digest.update(f"{value.shape}{value.dtype}".encode())
        digest.update(value.tobytes())
    # Networks with the same weights differ in paddings, strides, and activations.
    for layer in model._flatten_layers(include_self=False):
        digest.update(f"{type(layer).__name__}{_settings(layer)}".encode())
    return digest.hexdigest()


# Entries of a layer's settings that do not change what it computes, or that are not
# the same for the same function: its compiled code.
_NO_SETTINGS = re.compile(
    r"name|trainable|dtype|code|seed|batch_\w+|registered_name|\w+_(initializer|regularizer)"
)


def _settings(layer: keras.layers.Layer) -> str:
    """The settings of a layer as text, the same for each model with such a layer."""
    # The layers of a nested model follow one by one.
    if isinstance(layer, keras.Model):
        return ""
    try:
        config = keras.saving.serialize_keras_object(layer.get_config())
    # Any exception: somebody else's layer, which may have settings of any kind.
    except Exception:
        return ""
    text = json.dumps(_relevant(config), sort_keys=True, default=lambda x: "")
    return text + _code(getattr(layer, "function", None))


def _code(function: Any) -> str:
    """What the function of a `Lambda` computes, as text."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    # Functions inside it have addresses of the memory in their text.
    constants = [repr(c) for c in code.co_consts if not isinstance(c, type(code))]
    return f"{code.co_code.hex()}{code.co_names}{constants}"


def _relevant(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return [_relevant(value) for value in config]
    if not isinstance(config, dict):
        return config
    # Newer versions of Keras have more settings, and None is their default.
    return {
        str(name): _relevant(value)
        for name, value in config.items()
        if value is not None and not _NO_SETTINGS.fullmatch(str(name))
    }
