"""Layers that scripts written for OTBTF use in their networks.

A saved model names the layers that it holds. These are part of the library, and not of
`compat`, so that such a model opens wherever the library is imported, and `analyse` can
follow it. Their rules are in `layer_rules`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tutorial_lib import arguments

# Keras may load this module (see `tutorial_lib._register`) while another one that
# defines it is still being imported.
PACKAGE = "tutorial_lib"

__all__ = ["ApplyMask", "Argmax", "DilatedMask", "Max", "ScalarsTile"]


@keras.saving.register_keras_serializable(package=PACKAGE)
class Argmax(keras.layers.Layer):
    """Number of the largest channel of each pixel, as int32.

    Args:
        name: Name of the layer.
        expand_last_dim: Whether the result keeps a last axis of one.
        **options: Further options of `keras.layers.Layer`.

    Example:
        >>> Argmax()(keras.Input((None, None, 6))).shape
        (None, None, None, 1)
    """

    def __init__(
        self, name: str | None = None, expand_last_dim: bool = True, **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self.expand_last_dim = arguments.flag("expand_last_dim", expand_last_dim)

    def call(self, inputs: Any) -> Any:
        """Number of the largest channel."""
        return ops.argmax(inputs, axis=-1, keepdims=self.expand_last_dim)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the layer, for `keras.saving`."""
        return super().get_config() | {"expand_last_dim": self.expand_last_dim}


@keras.saving.register_keras_serializable(package=PACKAGE)
class Max(keras.layers.Layer):
    """Largest value of the channels of each pixel: of a softmax, the confidence.

    Example:
        >>> Max()(keras.Input((None, None, 6))).shape
        (None, None, None, 1)
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(name=name, **options)

    def call(self, inputs: Any) -> Any:
        """Largest value of the channels."""
        return ops.max(inputs, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package=PACKAGE)
class DilatedMask(keras.layers.Layer):
    """1 near a no-data value, otherwise 0, for each channel on its own, as uint8.

    Args:
        nodata_value: The no-data value; NaN is allowed.
        radius: A pixel is near if it is at most so many rows and columns away.
        name: Name of the layer.
        **options: Further options of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is not a number.
        ValueError: If `radius` is not a whole number of 0 or more.

    Example:
        >>> row = ops.reshape([5.0, 0.0, 5.0, 5.0], (1, 1, 4, 1))
        >>> [int(value) for value in ops.ravel(DilatedMask(0, radius=1)(row))]
        [1, 1, 1, 0]
    """

    def __init__(
        self,
        nodata_value: float,
        radius: int,
        name: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.nodata_value = arguments.number("nodata_value", nodata_value, finite=False)
        self.radius = arguments.whole_number("radius", radius, least=0)

    def call(self, inputs: Any) -> Any:
        """The mask of the no-data value, dilated by a square."""
        # NaN equals nothing, not even NaN.
        if math.isnan(self.nodata_value):
            mask = ops.isnan(inputs)
        else:
            mask = ops.equal(inputs, ops.cast(self.nodata_value, inputs.dtype))
        side = 2 * self.radius + 1
        # The largest value of a square of 0 and 1 tells whether it holds a 1.
        near = ops.max_pool(ops.cast(mask, "float32"), side, strides=1, padding="same")
        return ops.cast(near, "uint8")

    def get_config(self) -> dict[str, Any]:
        """Arguments of the layer, for `keras.saving`."""
        config = {"nodata_value": self.nodata_value, "radius": self.radius}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package=PACKAGE)
class ApplyMask(keras.layers.Layer):
    """An image with one value wherever a mask is 1; it is called with [mask, image].

    Args:
        out_nodata: The value.
        name: Name of the layer.
        **options: Further options of `keras.layers.Layer`.

    Raises:
        TypeError: If `out_nodata` is not a number.
        ValueError: If the type of the image cannot hold it.

    Example:
        >>> mask = ops.reshape([1, 0], (1, 1, 2, 1))
        >>> image = ops.reshape([3, 4], (1, 1, 2, 1))
        >>> [int(value) for value in ops.ravel(ApplyMask(255)([mask, image]))]
        [255, 4]
    """

    def __init__(
        self, out_nodata: float, name: str | None = None, **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self.out_nodata = arguments.number("out_nodata", out_nodata, finite=False)

    def call(self, inputs: Sequence[Any]) -> Any:
        """The image, with the value where the mask is 1."""
        mask, image = inputs
        value = _held(self.out_nodata, keras.backend.standardize_dtype(image.dtype))
        return ops.where(ops.equal(mask, 1), ops.cast(value, image.dtype), image)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the layer, for `keras.saving`."""
        return super().get_config() | {"out_nodata": self.out_nodata}


def _held(value: float, dtype: str) -> float:
    """The value, if an image of a type can hold it."""
    if "float" in dtype:
        return value
    # "uint8" holds 0 to 255, "int8" -128 to 127.
    bits = int(dtype.partition("int")[2])
    lowest = 0 if dtype.startswith("u") else -(2 ** (bits - 1))
    if not lowest <= value < lowest + 2**bits or value != int(value):
        raise ValueError(
            f"`out_nodata` is {value:g}, and the image is of the type {dtype}, which "
            "cannot hold it. Give another value, or cast the image to float32 before."
        )
    return int(value)


@keras.saving.register_keras_serializable(package=PACKAGE)
class ScalarsTile(keras.layers.Layer):
    """Numbers of each image as channels; it is called with [image, numbers].

    Example:
        >>> image, numbers = keras.Input((None, None, 4)), keras.Input((2,))
        >>> ScalarsTile()([image, numbers]).shape
        (None, None, None, 2)
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(name=name, **options)

    def call(self, inputs: Sequence[Any]) -> Any:
        """The numbers, repeated for each pixel of the image."""
        image, numbers = inputs
        batch, height, width, _ = ops.shape(image)
        count = numbers.shape[-1]
        numbers = ops.reshape(numbers, (-1, 1, 1, count))
        return ops.broadcast_to(numbers, (batch, height, width, count))
