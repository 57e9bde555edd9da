"""Tiny SavedModels whose outputs say which pixels they were given."""

import tensorflow as tf


def save(folder, function, *specs, **named):
    """Save a function of tensors as a SavedModel.

    Args:
        folder: The SavedModel.
        function: (tensors by name) -> {output name: tensor}.
        specs: Pairs of the name of an image and its number of bands.
        named: TensorSpecs of inputs that are no images.
    """
    signature = {
        name: tf.TensorSpec([None, None, None, bands], tf.float32, name)
        for name, bands in specs
    }
    signature |= {
        name: tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in named.items()
    }
    module = tf.Module()
    module.serve = tf.function(lambda **given: function(given))
    concrete = module.serve.get_concrete_function(**signature)
    tf.saved_model.save(module, str(folder), signatures=concrete)
    return folder


def first_pixels(given):
    """Of each input, the first pixel of each image; of two bands, side by side."""
    names = sorted(given)
    return {"first": tf.concat([given[name][:, :1, :1] for name in names], axis=-1)}


def window_first(height, width, stride=1):
    """A network of a receptive field that gives the first pixel of each window."""

    def function(given):
        (image,) = given.values()
        shape = tf.shape(image)
        inner = image[:, : shape[1] - height + 1, : shape[2] - width + 1]
        return {"first": inner[:, ::stride, ::stride]}

    return function


def chunk_corner(given):
    """For each pixel of an input, the first pixel of the image that it lies in."""
    (image,) = given.values()
    return {"corner": tf.zeros_like(image) + image[:, :1, :1]}


def weighted(kernel):
    """Sums of windows with the weights of a kernel (height, width, bands, 1)."""

    def function(given):
        (image,) = given.values()
        sums = tf.nn.conv2d(image, tf.constant(kernel, tf.float32), 1, "VALID")
        return {
            "sum": sums,
            "odd": tf.cast(sums, tf.int64) % 2,
            # The same numbers with fewer axes.
            "three_axes": sums[..., 0],
            "two_axes": tf.reshape(sums, [-1, 1]),
            "one_axis": tf.reshape(sums, [-1]),
        }

    return function
