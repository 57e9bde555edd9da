"""The tutorial's networks, built and ready to compile.

Source: R. Cresson's OTBTF tutorials; sizes and parameter counts are checked by tests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tutorial_lib.models import PatchModel, labels_of

CROPS = (16, 32, 64, 96, 128)

__all__ = ["pixelwise_fcnn"]


class PixelwiseFCNN(PatchModel):
    """16x16 pixels to one class with 'valid' convolutions only: one pixel per pixel."""

    # (filters, kernel) of each convolution; the last one leaves 1x1 of 16x16 pixels.
    layers = ((16, 5), (16, 3), (16, 3), (32, 3), (32, 3), (32, 3), (32, 2))

    def __init__(self, class_count: int, crops: Sequence[int] = CROPS) -> None:
        super().__init__(crops)
        self.class_count = class_count

    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Seven convolutions and a classifier."""
        net = inputs["input"]
        for number, (filters, kernel) in enumerate(self.layers, start=1):
            name = "feats" if number == len(self.layers) else f"conv{number}"
            net = keras.layers.Conv2D(filters, kernel, activation="relu", name=name)(
                net
            )
        classifier = keras.layers.Conv2D(
            self.class_count, 1, activation="softmax", name="softmax"
        )
        estimated = classifier(net)
        return {
            "estimated": estimated,
            "estimated_labels": labels_of(estimated),
            "features": net,
        }


def pixelwise_fcnn(
    class_count: int, *, channels: int = 4, crops: Sequence[int] = CROPS
) -> keras.Model:
    """The pixel-wise fully convolutional network of tutorial 1.

    Args:
        class_count: Number of classes.
        channels: Bands of the input.
        crops: Crops of the extra outputs.

    Returns:
        Model with the input "input" (reflectance x 10 000) and the outputs "estimated"
        (softmax), "estimated_labels", "features" (32 channels), and their crops. Each
        output pixel sees 16x16 pixels; n pixels give n - 15.

    Example:
        >>> model = pixelwise_fcnn(6)
        >>> model.count_params(), model.output["estimated"].shape
        (33718, (None, None, None, 6))
    """
    return PixelwiseFCNN(class_count, crops).build({"input": channels})
