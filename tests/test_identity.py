"""The digest of a Keras model: networks that compute different things have others.

The pairs below have the same weights. A certificate of one is not for the other.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tutorial_lib import certify
from tutorial_lib.networks import identity
from tutorial_lib.networks.identity import weights_digest


def network(*parts):
    x = image = keras.Input((None, None, 4), name="input")
    for part in parts:
        x = part(x)
    return keras.Model({"input": image}, {"out": x})


def in_lambda(function):
    return network(layers.Lambda(function, output_shape=(None, None, 4)))


def rolled(by):
    return lambda x: ops.roll(x, by, 1)


def rolled_by_default(by):
    def roll(x, by=by):
        return ops.roll(x, by, 1)

    return roll


def rolled_inside(by):
    def outer(x):
        def inner(x):
            return ops.roll(x, by, 1)

        return inner(x)

    return outer


class Roll:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return ops.roll(x, self.by, 1)


class RollLayer(layers.Layer):
    """Without a configuration of its own."""

    def __init__(self, by, **options):
        super().__init__(**options)
        self.by = by

    def get_config(self):
        return super().get_config()

    def call(self, x):
        return ops.roll(x, self.by, 1)


class Around(layers.Layer):
    """A layer around a layer."""

    def __init__(self, by, **options):
        super().__init__(**options)
        self.inner = RollLayer(by)

    def call(self, x):
        return self.inner(x)


class Subclassed(keras.Model):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def call(self, x):
        return ops.roll(x, self.by, 1)


def layer_of_one_place(by):
    class Own(layers.Layer):
        def call(self, x):
            return ops.roll(x, by, 1)

    return Own()


def wired(by):
    """Two poolings in a row, or side by side."""
    image = keras.Input((None, None, 4), name="input")
    first = layers.MaxPooling2D(3, 1, "same")(image)
    second = layers.AveragePooling2D(3, 1, "same")(first if by else image)
    return keras.Model(image, layers.Add()([first, second]))


def with_outputs(by):
    image = keras.Input((None, None, 4), name="input")
    small = layers.MaxPooling2D(3, 1, "same")(image)
    large = layers.MaxPooling2D(3, 1, "same")(small)
    return keras.Model(
        image, {"a": small, "b": large} if by else {"a": large, "b": small}
    )


OF_NUMBER = {
    "closure": lambda by: in_lambda(rolled(by)),
    "default": lambda by: in_lambda(rolled_by_default(by)),
    "partial": lambda by: in_lambda(functools.partial(ops.roll, shift=by, axis=1)),
    "callable object": lambda by: in_lambda(Roll(by)),
    "inner function": lambda by: in_lambda(rolled_inside(by)),
    "operation": lambda by: network(lambda x: ops.roll(x, by, 1)),
    "slice": lambda by: network(lambda x: x[:, by + 1 : -1]),
    "constant": lambda by: network(lambda x: x * float(by)),
    "array": lambda by: network(lambda x: x * np.full(4, by, "float32")),
    "condition": lambda by: network(lambda x: ops.where(x > by, x, 0.0)),
    "own layer": lambda by: network(RollLayer(by)),
    "layer around a layer": lambda by: network(Around(by)),
    "class of one place": lambda by: network(layer_of_one_place(by)),
    "subclassed model": lambda by: network(Subclassed(by)),
    "nested model": lambda by: network(keras.Sequential([RollLayer(by)])),
    "connections": wired,
    "names of outputs": with_outputs,
}


@pytest.mark.parametrize("name", OF_NUMBER)
def test_networks_that_compute_different_things_have_other_digests(name):
    make = OF_NUMBER[name]
    assert weights_digest(make(0)) != weights_digest(make(5))
    assert weights_digest(make(5)) == weights_digest(make(5))


@pytest.mark.parametrize("name", ["operation", "slice", "array", "condition"])
def test_the_digest_of_a_graph_is_that_of_its_file(tmp_path, name):
    model = OF_NUMBER[name](5)
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    assert weights_digest(loaded) == weights_digest(model)


def test_a_certificate_of_another_operation_is_refused():
    def pooled(side):
        return network(lambda x: ops.average_pool(x, side, 1, "same"))

    certificate = certify(pooled(3), "out", tile=8)
    certificate.check_model(pooled(3), "out")
    with pytest.raises(ValueError, match="made for other weights than this model has"):
        certificate.check_model(pooled(31), "out")


def test_a_function_that_refers_to_itself_has_a_digest():
    def again(x, times=1):
        return again(x, times - 1) if times else ops.flip(x, 1)

    assert len(weights_digest(in_lambda(again))) == 64


class Hidden(keras.layers.Layer):
    """A layer that cannot tell its settings, and keeps them out of sight."""

    def __init__(self, steps):
        super().__init__()
        self._steps = {"steps": steps}

    def call(self, image):
        return keras.ops.roll(image, self._steps["steps"], axis=1)


def test_a_layer_that_cannot_tell_its_settings_is_only_itself():
    """Keras's own `get_config` raises an error for it: it might be any other one."""
    inputs = keras.Input((None, None, 1))
    models = [keras.Model(inputs, Hidden(steps)(inputs)) for steps in (1, 9)]
    digests = [weights_digest(model) for model in models]
    assert digests[0] != digests[1]
    assert digests == [weights_digest(model) for model in models]


class Reader:
    """A setting that is no number and no text."""


@pytest.mark.parametrize(("one", "other"), [(tf.uint8, tf.int16), (Reader(), Reader())])
def test_settings_that_are_no_numbers_count(one, other):
    assert identity._constant(one) == identity._constant(one)
    assert identity._constant(one) != identity._constant(other)
