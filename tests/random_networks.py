"""Seeded random encoder-decoders, for laws that hold for all networks.

They have skips, two inputs at two resolutions, dilation, strides of 2 and 3, both
poolings, and three kinds of upsampling. Each pixel that a layer reads has an effect:
kernels are positive, no unit is dead, and no transposed kernel is smaller than its
stride.
"""

import keras
import numpy as np
from keras import layers


def random_network(rng, channels=2, activation=None):
    """A network with the input "image" and, in half of the cases, "other"."""
    image = keras.Input((None, None, channels), name="image")
    other = keras.Input((None, None, 1), name="other")
    net, skips, inputs = image, [], [image]
    for level in range(int(rng.integers(1, 4))):
        net = conv(net, rng, activation)
        stride = int(rng.choice([2, 2, 3]))
        skips.append((net, stride))
        net = shrink(net, stride, rng)
        if level == 0 and rng.random() < 0.5:
            net = layers.Concatenate()([net, conv(other, rng, activation)])
            inputs.append(other)
    net = conv(net, rng, activation)
    kept = int(rng.integers(0, len(skips) + 1))
    for skip, stride in list(reversed(skips))[:kept]:
        net = grow(net, stride, rng)
        if rng.random() < 0.7:
            net = layers.Concatenate()([net, skip])
        net = conv(net, rng, activation)
    return positive(keras.Model(inputs if len(inputs) > 1 else image, net), rng)


def positive(model, rng):
    """The model with positive kernels: each pixel that is read has an effect."""
    for weight in model.weights:
        if "kernel" in weight.name:
            value = rng.uniform(0.5, 1.5, weight.shape)
            weight.assign(value / np.prod(weight.shape[:-1]))
    return model


def conv(net, rng, activation=None):
    kernel, dilation = int(rng.integers(1, 6)), int(rng.integers(1, 3))
    return layers.Conv2D(
        2, kernel, padding="same", dilation_rate=dilation, activation=activation
    )(net)


def shrink(net, stride, rng):
    choice = rng.random()
    if choice < 0.4:
        pooling = layers.AveragePooling2D if choice < 0.2 else layers.MaxPooling2D
        return pooling(stride)(net)
    kernel = int(rng.integers(stride, 6))
    return layers.Conv2D(2, kernel, strides=stride, padding="same")(net)


def grow(net, stride, rng):
    choice = rng.random()
    if choice < 0.5:
        kernel = int(rng.integers(stride, stride + 3))
        return layers.Conv2DTranspose(2, kernel, strides=stride, padding="same")(net)
    interpolation = "nearest" if choice < 0.8 else "bilinear"
    return layers.UpSampling2D(stride, interpolation=interpolation)(net)
