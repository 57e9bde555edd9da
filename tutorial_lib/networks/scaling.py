"""A warning before a network trains on inputs that its scaling makes tiny.

The networks multiply pixel values by 1e-4, which suits reflectance x 10 000. Values of
8 bits become at most 0.03, and the network learns little from them. Standardised values
hardly differ if the statistics come from data of another unit.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.display import counted
from tutorial_lib.notices import warn

# Largest value that counts as tiny. Land has a reflectance above 0.05 in some band.
# Standardised values differ by more than 1.
TINY = 0.05
# Patches that are looked at: a batch may hold one patch of water.
PATCHES = 32

# Attribute of a model that was looked at. It is not saved.
LOOKED_AT = "_tutorial_lib_scale_checked"

__all__ = ["watched"]


def watched(model: keras.Model, x: Any, options: dict[str, Any]) -> Any:
    """Training data that are looked at once, in the order in which they are used.

    Args:
        model: The model that trains; each one is looked at in its first training.
        x: The first argument of `fit`.
        options: Further arguments of `fit`; a callback may be added.

    Returns:
        What `fit` is to be given in place of `x`.
    """
    scaling = {} if vars(model).get(LOOKED_AT) else _scaling(model)
    if not scaling:
        return x
    look = _Look(scaling)
    if isinstance(x, tf.data.Dataset):
        given = options.get("callbacks") or []
        given = given if isinstance(given, list | tuple) else [given]
        options["callbacks"] = [*given, look]
        return look.through(x)
    # Without an input, Keras says so in a moment.
    if isinstance(x, Mapping) and set(scaling) <= set(x):
        first = {n: np.asarray(v[:PATCHES], "float32") for n, v in x.items()}
        look.note(*look.largest(first))
        look.warn_once(model)
    return x


Scaling = keras.layers.Rescaling | keras.layers.Normalization


def _scaling(model: keras.Model) -> dict[str, Scaling]:
    """The layers of `PatchModel.normalize`, by the names of the inputs."""
    if not isinstance(model.input, Mapping):
        return {}
    layers = {layer.name: layer for layer in model.layers}
    found = {name: layers.get(f"{name}_scaled") for name in model.input}
    return {n: x for n, x in found.items() if isinstance(x, Scaling)}


def _extent(layer: Scaling, values: Any) -> Any:
    """The largest scaled value, or the largest difference in one standardised band."""
    scaled = layer(tf.cast(values, "float32"))
    if isinstance(layer, keras.layers.Rescaling):
        return tf.reduce_max(tf.abs(scaled))
    places = [0, 1, 2]
    return tf.reduce_max(
        tf.reduce_max(scaled, axis=places) - tf.reduce_min(scaled, axis=places)
    )


def _message(name: str, layer: Scaling, value: float, patches: int) -> str:
    seen = f"in the first {counted(patches, 'patch', 'patches')}"
    if isinstance(layer, keras.layers.Rescaling):
        return (
            f"The scaled values of the input '{name}' are at most {value:.2g} {seen}: "
            f"they are multiplied by {layer.scale}, and the network learns little from "
            "values so small. Build it with `statistics=tl.band_statistics(patches)`, "
            "or with a larger `scale`, such as `scale=1 / 255` for values of 8 bits."
        )
    return (
        f"The standardised values of the input '{name}' differ by at most {value:.2g} "
        f"{seen}, and the network learns little from that. Its statistics do not fit "
        "these values. Build it with `statistics=tl.band_statistics(patches)` of the "
        "patches that train it."
    )


class _Look(keras.callbacks.Callback):
    """Notes the largest scaled values of the first patches, and warns if they are tiny.

    A dataset is not read in advance for it: an iterator more would change the order of
    the batches that follow.
    """

    def __init__(self, scaling: Mapping[str, Scaling]) -> None:
        super().__init__()
        self.scaling, self.patches = dict(scaling), 0
        self.values = np.zeros(len(self.scaling), "float32")

    def largest(self, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Extent of the scaled values of each input, and the number of patches."""
        values = [_extent(layer, inputs[n]) for n, layer in self.scaling.items()]
        return tf.stack(values), tf.shape(inputs[next(iter(self.scaling))])[0]

    def note(self, values: Any, patches: Any) -> None:
        if self.patches < PATCHES:
            self.values = np.maximum(self.values, values)
            self.patches += int(patches)

    def through(self, data: tf.data.Dataset) -> tf.data.Dataset:
        """The same batches in the same order, whose values are noted."""

        def look(*elements: Any) -> Any:
            inputs = elements[0]
            if isinstance(inputs, Mapping) and set(self.scaling) <= set(inputs):
                tf.numpy_function(self.note, self.largest(inputs), [])
            return elements if len(elements) > 1 else inputs

        return data.map(look)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.patches >= PATCHES:
            self.warn_once(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.warn_once(self.model)

    def warn_once(self, model: keras.Model) -> None:
        """Warn of the inputs that are tiny, unless it was done before."""
        if vars(model).get(LOOKED_AT) or not self.patches:
            return
        vars(model)[LOOKED_AT] = True
        for (name, layer), value in zip(self.scaling.items(), self.values, strict=True):
            if 0 < value < TINY:
                warn(_message(name, layer, value, self.patches))
