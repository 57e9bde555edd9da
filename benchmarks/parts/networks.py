"""The networks that are measured, and a model that runs without the engine."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

import tutorial_lib as tl
from tutorial_lib import recorded

CLASSES = 6

__all__ = ["bare_model", "fcnn", "mobilenet_unet", "pan_xs_unet"]


def fcnn() -> keras.Model:
    """The pixel-wise network: 67 kFLOP a pixel, no padding, margins of 7 and 8 px.

    Its weights are trained: a network that gives one class everywhere makes a map that
    is written too quickly.
    """
    return keras.models.load_model(recorded.weights_path("fcnn_havel"))


def pan_xs_unet() -> keras.Model:
    """The encoder-decoder for pan and xs: padding, total stride 16."""
    return keras.models.load_model(recorded.weights_path("pan_xs_town"))


def mobilenet_unet() -> keras.Model:
    """A U-Net with MobileNetV2 as its encoder: margins of 256 px, total stride 32.

    Example:
        >>> tl.analyse(mobilenet_unet()).total_stride
        {'input': 32}
    """
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 4), name="input")
    encoder = keras.applications.MobileNetV2(
        input_tensor=keras.layers.Rescaling(1e-4)(image),
        include_top=False,
        weights=None,
    )
    net = encoder.get_layer("block_16_project").output
    for filters, block in ((512, 13), (256, 6), (128, 3), (64, 1)):
        net = keras.layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu")(
            net
        )
        skip = encoder.get_layer(f"block_{block}_expand_relu").output
        net = keras.layers.Concatenate()([net, skip])
    layer = keras.layers.Conv2DTranspose(
        CLASSES, 3, 2, "same", activation="softmax", name="estimated"
    )
    estimated = layer(net)
    labels = tl.labels_of(estimated)
    outputs = {"estimated": estimated, "estimated_labels": labels}
    return keras.Model({"input": image}, outputs)


# Arrays of each size, which take turns: one that is used again and again would stay in
# the fast memory of the processor.
ARRAYS = 6


def bare_model(plan: Any, share: slice = slice(None)) -> Callable[[], None]:
    """A function that runs only the model, once for each tile of a plan.

    Its arrays lie in memory, of the type that the model takes. So nothing is read,
    converted, cropped or written.

    Args:
        plan: The plan of a map.
        share: Which of its tiles.
    """
    shapes = [
        tuple((n, *map(len, plan.job.chunk(tile, n))) for n in plan.job.names)
        for tile in plan.tiles[share]
    ]
    predictor, outputs = plan.job.predictor, plan.job.outputs
    rng = np.random.default_rng(0)
    pools = {
        shape: [_arrays(shape, predictor.channels, rng) for _ in range(ARRAYS)]
        for shape in set(shapes)
    }

    def run() -> None:
        for number, shape in enumerate(shapes):
            predictor(pools[shape][number % ARRAYS], outputs)

    return run


def _arrays(
    shape: tuple, channels: Mapping[str, int | None], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    return {
        name: rng.integers(1, 4000, (1, height, width, channels[name])).astype(
            "float32"
        )
        for name, height, width in shape
    }
