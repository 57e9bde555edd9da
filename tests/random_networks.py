"""Seeded random encoder-decoders, for laws that hold for all networks.

They have skips, two inputs at two resolutions, dilation, strides of 2 and 3, both
poolings, three kinds of upsampling, activations given by name and as layers, nested
models, layers that are used twice, and two outputs. Each pixel that a layer reads has
an effect: kernels are positive, activations grow, no unit is dead, and no transposed
kernel is smaller than its stride.
"""

import keras
import numpy as np
from keras import layers

# All of them grow with positive values, so that they hide nothing.
ACTIVATIONS = (
    *(None, "linear", "relu", "elu", "leaky_relu", "softplus"),
    lambda: layers.LeakyReLU(0.3),
    lambda: layers.ReLU(negative_slope=0.1),
    lambda: layers.Activation("elu"),
)
# A multiple of all total strides: at most three levels with strides of 2 and 3.
FIXED_SIDE = 216


def random_network(rng, channels=2, activation=None, side=None):
    """A network with the input "image" and, in half of the cases, "other".

    Args:
        rng: Generator of all choices; the same state gives the same network.
        channels: Channels of "image".
        activation: Activation of all convolutions; None draws one for each.
        side: Side of "image" if only this one is to be taken; None for any.

    Returns:
        Model with the output "out", and perhaps "early".
    """
    image = keras.Input((side, side, channels), name="image")
    net, skips, inputs, jump = image, [], {"image": image}, 1
    for level in range(int(rng.integers(1, 4))):
        net = conv(net, rng, activation)
        stride = int(rng.choice([2, 2, 3]))
        skips.append((net, stride))
        net, jump = shrink(net, stride, rng), jump * stride
        if level == 0 and rng.random() < 0.5:
            coarse = side and side // jump
            other = keras.Input((coarse, coarse, 1), name="other")
            net = layers.Concatenate()([net, conv(other, rng, activation)])
            inputs["other"] = other
    net = conv(net, rng, activation)
    kept = int(rng.integers(0, len(skips) + 1))
    for skip, stride in list(reversed(skips))[:kept]:
        net = grow(net, stride, rng)
        if rng.random() < 0.7:
            net = layers.Concatenate()([net, skip])
        net = conv(net, rng, activation)
    outputs = {"out": net}
    if rng.random() < 0.3:
        outputs["early"] = layers.Conv2D(1, 2, padding="same")(skips[-1][0])
    return positive(keras.Model(inputs, outputs), rng)


def positive(model, rng):
    """The model with positive kernels: each pixel that is read has an effect."""
    for weight in model.weights:
        if "kernel" in weight.name:
            value = rng.uniform(0.5, 1.5, weight.shape)
            weight.assign(value / np.prod(weight.shape[:-1]))
    return model


def drawn(rng, activation=None):
    """A random activation: a name, a layer, or None."""
    if activation is not None:
        return activation
    choice = ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
    return choice() if callable(choice) else choice


def conv(net, rng, activation=None):
    """A random convolution: one layer, one that is used twice, or a nested model."""
    kernel, dilation = int(rng.integers(1, 6)), int(rng.integers(1, 3))
    layer = layers.Conv2D(
        2,
        kernel,
        padding="same",
        dilation_rate=dilation,
        activation=drawn(rng, activation),
    )
    form = rng.random()
    if form < 0.2:
        inside = keras.Input(net.shape[1:])
        return keras.Model(inside, layers.Identity()(layer(inside)))(net)
    if form < 0.3 and net.shape[-1] == 2:
        return layer(layer(net))
    if form < 0.4:
        slopes = layers.PReLU(shared_axes=[1, 2], alpha_initializer="ones")
        return keras.Sequential([layer, slopes])(net)
    return layer(net)


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
