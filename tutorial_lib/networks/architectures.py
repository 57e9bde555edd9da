"""The tutorial's networks, built and ready to compile.

Inputs and outputs have names. Every network has the outputs `estimated` (softmax),
`estimated_labels` (class numbers), `features` (the input of the classifier), and their
crops. Source: R. Cresson's OTBTF tutorials; tests check sizes and numbers of weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tutorial_lib import arguments
from tutorial_lib.networks.patch_model import PatchModel, labels_of
from tutorial_lib.patches.statistics import Statistics

CROPS = (16, 32, 64, 96, 128)
# Crops of the deeper network, to see the distortion fade with the crop. A tiled map is
# exact with some of them only.
MANY_CROPS = (8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 192, 256)
# The numbers of classes in a label raster of 16 bits.
MOST_CLASSES = 2**16

__all__ = [
    "deeper_unet",
    "dual_source_fcnn",
    "pan_xs_unet",
    "pixelwise_fcnn",
    "pooled_cnn",
]


class TutorialModel(PatchModel):
    """Base of the tutorial's networks: the number of classes and the outputs."""

    def __init__(
        self,
        class_count: int,
        crops: int | Sequence[int],
        scale: float,
        statistics: Statistics | None,
    ) -> None:
        scale = arguments.number("scale", scale, above=0)
        super().__init__(crops, scale=scale, statistics=statistics)
        self.class_count = arguments.whole_number(
            "class_count", class_count, least=2, most=MOST_CLASSES
        )

    def classified(self, features: Any) -> dict[str, Any]:
        """The outputs, from features: a 1x1 convolution and softmax classify them."""
        layer = keras.layers.Conv2D(
            self.class_count, 1, activation="softmax", name="softmax"
        )
        return _outputs(layer(features), features)


def _outputs(estimated: Any, features: Any) -> dict[str, Any]:
    return {
        "estimated": estimated,
        "estimated_labels": labels_of(estimated),
        "features": features,
    }


def _conv(net: Any, filters: int, kernel: int, name: str) -> Any:
    return keras.layers.Conv2D(filters, kernel, activation="relu", name=name)(net)


class PooledCNN(TutorialModel):
    """16x16 pixels to one class, with two poolings: one pixel for 4x4 pixels."""

    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Three convolutions; a pooling follows each of the first two."""
        net = _conv(inputs["input"], 16, 5, "conv1")
        net = keras.layers.MaxPool2D(2, name="pool1")(net)
        net = _conv(net, 16, 3, "conv2")
        net = keras.layers.MaxPool2D(2, name="pool2")(net)
        return self.classified(_conv(net, 32, 2, "feats"))


class PixelwiseFCNN(TutorialModel):
    """16x16 pixels to one class with 'valid' convolutions only: one pixel per pixel."""

    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Seven convolutions that reduce 16x16 pixels to 1x1."""
        net = _conv(inputs["input"], 16, 5, "conv1")
        for number, filters in enumerate((16, 16, 32, 32, 32), start=2):
            net = _conv(net, filters, 3, f"conv{number}")
        return self.classified(_conv(net, 32, 2, "feats"))


class DualSourceFCNN(TutorialModel):
    """16x16 pixels of 10 m and 8x8 of 20 m to one class: one pixel of 20 m."""

    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """A branch for each source; they meet where both have pixels of 20 m."""
        fine = _conv(inputs["input_10m"], 16, 5, "conv11")
        for number, filters in enumerate((16, 16, 32, 32), start=2):
            fine = _conv(fine, filters, 3, f"conv1{number}")
        fine = keras.layers.MaxPool2D(2, name="pool1")(fine)
        coarse = inputs["input_20m"]
        for number in (1, 2, 3):
            coarse = _conv(coarse, 32, 3, f"conv2{number}")
        branches = [_conv(fine, 32, 2, "feats1"), _conv(coarse, 32, 2, "feats2")]
        return self.classified(keras.layers.Concatenate(name="feats")(branches))


class PanXsUNet(TutorialModel):
    """Panchromatic and multispectral pixels to a class for each panchromatic one.

    Convolutions of stride 2 halve the image `depth` times, transposed ones bring it
    back; features of equal size are added on the way. The multispectral image, with
    pixels four times as large, joins after two halvings.
    """

    def __init__(self, class_count: int, depth: int, *options: Any) -> None:
        super().__init__(class_count, *options)
        # The second source joins after two halvings. After 16, one pixel stands for
        # more than the side of any image.
        depth = arguments.whole_number("depth", depth, least=3, most=16)
        self.filters = (16, 32, *[64] * (depth - 2))

    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Encoder and decoder, with skip connections."""
        net, levels = inputs["input_p"], []
        for level, filters in enumerate(self.filters, start=1):
            net = _same(keras.layers.Conv2D, net, filters, f"conv{level}", stride=2)
            if level == 2:
                xs = _same(keras.layers.Conv2D, inputs["input_xs"], filters, "conv_xs")
                net = keras.layers.Add(name="conv_xs_conv2")([xs, net])
            levels.append(net)
        transposed = keras.layers.Conv2DTranspose
        for step, skip in enumerate(reversed(levels[:-1]), start=1):
            name = f"conv{step}t"
            net = _same(transposed, net, skip.shape[-1], name, stride=2)
            net = keras.layers.Add(name=f"{name}_skip")([net, skip])
        estimated = transposed(
            self.class_count, 3, 2, "same", activation="softmax", name="softmax"
        )(net)
        return _outputs(estimated, keras.layers.UpSampling2D(name="features")(net))


def _same(layer: Any, net: Any, filters: int, name: str, *, stride: int = 1) -> Any:
    return layer(filters, 3, stride, "same", activation="relu", name=name)(net)


def pooled_cnn(
    class_count: int,
    *,
    channels: int = 4,
    crops: int | Sequence[int] = CROPS,
    scale: float = 1e-4,
    statistics: Statistics | None = None,
) -> keras.Model:
    """The patch classifier with poolings: 6 214 weights for 6 classes.

    Args:
        class_count: Number of classes.
        channels: Bands of the input.
        crops: Crops of the extra outputs.
        scale: Factor of the pixel values: 1e-4 for reflectance x 10 000, 1 / 255 for
            values of 8 bits (uint8).
        statistics: Of each input, from `band_statistics`: then each band is
            standardised, and `scale` does not count.

    Returns:
        Model of the input "input" (reflectance x 10 000). Each output pixel depends on
        16x16 pixels and covers 4x4: receptive field 16, scale factor 4.

    Example:
        >>> model = pooled_cnn(6)
        >>> model.count_params()
        6214
    """
    return PooledCNN(class_count, crops, scale, statistics).build({"input": channels})


def pixelwise_fcnn(
    class_count: int,
    *,
    channels: int = 4,
    crops: int | Sequence[int] = CROPS,
    scale: float = 1e-4,
    statistics: Statistics | None = None,
) -> keras.Model:
    """The pixel-wise fully convolutional network: 33 718 weights for 6 classes.

    Args:
        class_count: Number of classes.
        channels: Bands of the input.
        crops: Crops of the extra outputs.
        scale: Factor of the pixel values: 1e-4 for reflectance x 10 000, 1 / 255 for
            values of 8 bits (uint8).
        statistics: Of each input, from `band_statistics`: then each band is
            standardised, and `scale` does not count.

    Returns:
        Model of the input "input" (reflectance x 10 000). Each output pixel depends on
        16x16 pixels; n pixels give n - 15. Receptive field 16, scale factor 1.

    Example:
        >>> model = pixelwise_fcnn(6)
        >>> model.count_params(), model.output["estimated"].shape
        (33718, (None, None, None, 6))
    """
    return PixelwiseFCNN(class_count, crops, scale, statistics).build(
        {"input": channels}
    )


def dual_source_fcnn(
    class_count: int,
    *,
    channels: tuple[int, int] = (4, 6),
    crops: int | Sequence[int] = CROPS,
    scale: float = 1e-4,
    statistics: Statistics | None = None,
) -> keras.Model:
    """The network of two sources at two resolutions: 49 046 weights for 6 classes.

    Args:
        class_count: Number of classes.
        channels: Bands of "input_10m" and of "input_20m".
        crops: Crops of the extra outputs.
        scale: Factor of the pixel values: 1e-4 for reflectance x 10 000, 1 / 255 for
            values of 8 bits (uint8).
        statistics: Of each input, from `band_statistics`: then each band is
            standardised, and `scale` does not count.

    Returns:
        Model of the inputs "input_10m" and "input_20m" (reflectance x 10 000), which
        must cover the same ground. Receptive fields 16 and 8; scale factor 1 with the
        20 m source as reference, 2 with the other.

    Example:
        >>> model = dual_source_fcnn(6)
        >>> model.count_params()
        49046
    """
    bands = _of_two("input_10m", "input_20m", channels)
    return DualSourceFCNN(class_count, crops, scale, statistics).build(bands)


def pan_xs_unet(
    class_count: int,
    *,
    channels: tuple[int, int] = (1, 4),
    crops: int | Sequence[int] = CROPS,
    scale: float = 0.01,
    statistics: Statistics | None = None,
) -> keras.Model:
    """The encoder-decoder of pan and xs: 122 004 weights for 4 classes.

    Args:
        class_count: Number of classes.
        channels: Bands of "input_p" and of "input_xs".
        crops: Crops of the extra outputs.
        scale: Factor of the pixel values: 0.01 for digital numbers of 11 bits, 1 / 255
            for values of 8 bits (uint8).
        statistics: Of each input, from `band_statistics`: then each band is
            standardised, and `scale` does not count.

    Returns:
        Model of the inputs "input_p" and "input_xs" (digital numbers), the second with
        pixels four times as large. "input_p" must have a multiple of 16
        pixels on each side; the outputs have as many, wrong near the borders.

    Example:
        >>> model = pan_xs_unet(4)
        >>> model.count_params()
        122004
    """
    return deeper_unet(
        class_count,
        depth=4,
        channels=channels,
        crops=crops,
        scale=scale,
        statistics=statistics,
    )


def deeper_unet(
    class_count: int,
    *,
    depth: int,
    channels: tuple[int, int] = (1, 4),
    crops: int | Sequence[int] = MANY_CROPS,
    scale: float = 0.01,
    statistics: Statistics | None = None,
) -> keras.Model:
    """The encoder-decoder of pan and xs with any number of halvings.

    Args:
        class_count: Number of classes.
        depth: Number of halvings, at least 3; `pan_xs_unet` has 4.
        channels: Bands of "input_p" and of "input_xs".
        crops: Crops of the extra outputs.
        scale: Factor of the pixel values: 0.01 for digital numbers of 11 bits, 1 / 255
            for values of 8 bits (uint8).
        statistics: Of each input, from `band_statistics`: then each band is
            standardised, and `scale` does not count.

    Returns:
        Model like `pan_xs_unet`; sides of "input_p" are multiples of 2 ** depth.

    Raises:
        ValueError: If `depth` is smaller than 3.

    Example:
        >>> pan_xs_unet(4).count_params() < deeper_unet(4, depth=5).count_params()
        True
    """
    bands = _of_two("input_p", "input_xs", channels)
    return PanXsUNet(class_count, depth, crops, scale, statistics).build(bands)


def _of_two(first: str, second: str, channels: Sequence[int]) -> dict[str, int]:
    """Bands of two inputs by name."""
    most = arguments.MOST_BANDS
    bands = arguments.whole_numbers("channels", channels, least=1, most=most)
    if len(bands) != 2:
        raise ValueError(
            f"`channels` is {channels!r}. Give two whole numbers: the bands of "
            f"'{first}' and of '{second}'."
        )
    return dict(zip((first, second), bands, strict=True))
