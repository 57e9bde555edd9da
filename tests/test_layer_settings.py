"""Settings of layers that make a rule false: each is followed, or refused.

The output of a chunk is compared with the same part of the output of a whole image.
This uses no rule of a layer.
"""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tutorial_lib as tl
from tutorial_lib.fields.layer_rules import UnknownLayerError
from tutorial_lib.fields.registry import PIXELWISE

SIDE, START = 96, 24


def network(*parts, shape=(None, None, 4)):
    x = image = keras.Input(shape, name="input")
    for part in parts:
        x = part(x)
    return keras.Model({"input": image}, {"out": x})


def run(model, image):
    return np.asarray(model({"input": image}, training=False)["out"])[0]


def tiles_differ(model, margins=(0, 0, 0, 0)):
    """Whether a chunk gives other values than the whole image, inside the margins."""
    rng = np.random.default_rng(0)
    whole = rng.normal(0, 2, (1, SIDE, SIDE, 4)).astype("float32")
    chunk = whole[:, START:-START, START:-START]
    of_whole, of_chunk = run(model, whole), run(model, chunk)
    first = int(START / tl.analyse(model).scale["out"])
    left, top, right, bottom = margins
    height, width = of_chunk.shape[:2]
    alone = of_chunk[top : height - bottom, left : width - right]
    part = of_whole[first + top :, first + left :]
    part = part[: alone.shape[0], : alone.shape[1]]
    assert alone.size
    return np.abs(alone - part).max() > 1e-5 * np.ptp(of_whole)


def analysed(model):
    return tl.analyse(model).margins["out"]


def flipped(x):
    return ops.flip(x, 1)


@keras.saving.register_keras_serializable(package="test_layer_settings")
def centred(x):
    return x - ops.mean(x, axis=(1, 2), keepdims=True)


def softmax_of_rows(x):
    return keras.activations.softmax(x, axis=1)


# What can be given as an activation.

WITH_ACTIVATION = {
    "Activation": lambda f: layers.Activation(f),
    "Conv2D": lambda f: layers.Conv2D(4, 1, activation=f),
    "Conv2DTranspose": lambda f: layers.Conv2DTranspose(4, 1, activation=f),
    "DepthwiseConv2D": lambda f: layers.DepthwiseConv2D(1, activation=f),
    "SeparableConv2D": lambda f: layers.SeparableConv2D(4, 1, activation=f),
    "Dense": lambda f: layers.Dense(4, activation=f),
}

UNTRUSTED = {
    "lambda": lambda: lambda x: ops.roll(x, 3, 2),
    "function": lambda: flipped,
    "registered function": lambda: centred,
    "softmax along rows": lambda: softmax_of_rows,
    "op": lambda: ops.flip,
    "op of running sums": lambda: ops.cumsum,
}


@pytest.mark.parametrize("kind", WITH_ACTIVATION)
@pytest.mark.parametrize("name", PIXELWISE)
def test_an_activation_of_keras_works_pixel_by_pixel(kind, name):
    if kind not in ("Activation", "Conv2D"):
        name = {"glu": "relu"}.get(name, name)
    model = network(WITH_ACTIVATION[kind](name))
    assert analysed(model) == (0, 0, 0, 0)
    assert not tiles_differ(model)


@pytest.mark.parametrize("kind", WITH_ACTIVATION)
@pytest.mark.parametrize("name", UNTRUSTED)
def test_another_activation_is_refused_in_one_sentence(kind, name):
    model = network(WITH_ACTIVATION[kind](UNTRUSTED[name]()))
    with pytest.raises(UnknownLayerError, match=r"may look at several pixels.*relu'"):
        analysed(model)


LAYERS_AS_ACTIVATION = {
    "softmax along rows": (lambda: layers.Softmax(axis=1), None),
    "softmax along columns": (lambda: layers.Softmax(axis=-2), None),
    "softmax of channels": (lambda: layers.Softmax(), (0, 0, 0, 0)),
    "leaky": (lambda: layers.LeakyReLU(0.3), (0, 0, 0, 0)),
    "rectified": (lambda: layers.ReLU(6), (0, 0, 0, 0)),
    "in an activation": (lambda: layers.Activation(layers.Softmax(axis=1)), None),
}


@pytest.mark.parametrize("kind", WITH_ACTIVATION)
@pytest.mark.parametrize("name", LAYERS_AS_ACTIVATION)
def test_a_layer_as_activation_has_its_own_rule(kind, name):
    make, margins = LAYERS_AS_ACTIVATION[name]
    model = network(WITH_ACTIVATION[kind](make()))
    assert analysed(model) == margins
    assert tiles_differ(model, margins or (8, 8, 8, 8)) == (margins is None)


WITH_WEIGHTS = {
    "group normalization": lambda: layers.GroupNormalization(2),
    "layer normalization": lambda: layers.LayerNormalization(),
    "batch normalization": lambda: layers.BatchNormalization(),
    "slopes": lambda: layers.PReLU(shared_axes=[1, 2]),
    "convolution": lambda: layers.Conv2D(4, 3, padding="same"),
}


@pytest.mark.parametrize("kind", WITH_ACTIVATION)
@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_a_layer_with_weights_as_activation_is_refused(kind, name):
    """Keras builds it when the model first runs; before, its weights do not exist."""
    model = network(WITH_ACTIVATION[kind](WITH_WEIGHTS[name]()))
    for _ in range(2):
        with pytest.raises(UnknownLayerError, match=r"a layer with weights.*Put it be"):
            analysed(model)
        run(model, np.ones((1, SIDE, SIDE, 4), "float32"))


def test_an_unknown_layer_as_activation_is_refused():
    for layer in (layers.Lambda(flipped), layers.RandomFlip()):
        with pytest.raises(UnknownLayerError, match=f"'{layer.name}'.*tl.certify"):
            analysed(network(layers.Conv2D(2, 1, activation=layer)))


def test_activations_survive_saving(tmp_path):
    given = {"softmax": (0, 0, 0, 0), layers.Softmax(axis=1): None}
    for activation, margins in given.items():
        model = network(layers.Conv2D(4, 1, activation=activation))
        model.save(tmp_path / "a.keras")
        assert analysed(keras.models.load_model(tmp_path / "a.keras")) == margins


# Arguments of layers and operations. Those that are followed have margins, which are
# compared with the network.

EXACT = {
    "Conv2D groups": lambda: [layers.Conv2D(4, 3, groups=2)],
    "Conv2D strides": lambda: [layers.Conv2D(4, (3, 2), strides=(3, 3))],
    "Conv2D dilation": lambda: [
        layers.Conv2D(2, 3, dilation_rate=(2, 3), padding="same")
    ],
    "Depthwise multiplier": lambda: [
        layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")
    ],
    "Depthwise dilation": lambda: [
        layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")
    ],
    "Separable dilation": lambda: [
        layers.SeparableConv2D(2, 3, dilation_rate=2, padding="same")
    ],
    "Separable strides": lambda: [
        layers.SeparableConv2D(2, 4, strides=2, padding="same")
    ],
    "pool with strides": lambda: [layers.MaxPooling2D(3, strides=2, padding="same")],
    "pool with gaps": lambda: [layers.AveragePooling2D(2, strides=3)],
    "average with padding": lambda: [
        layers.AveragePooling2D(5, strides=1, padding="same")
    ],
    "transposed valid": lambda: [layers.Conv2DTranspose(2, 4, strides=2)],
    "transposed with gaps": lambda: [
        layers.Conv2DTranspose(2, 2, strides=3, padding="same")
    ],
    "BatchNormalization": lambda: [layers.BatchNormalization(3)],
    "BatchNormalization last": lambda: [layers.BatchNormalization(axis=-1)],
    "BatchNormalization in training": lambda: [
        lambda x: layers.BatchNormalization()(x, training=True)
    ],
    "Dropout in training": lambda: [lambda x: layers.Dropout(0.9)(x, training=True)],
    "SpatialDropout in training": lambda: [
        lambda x: layers.SpatialDropout2D(0.9)(x, training=True)
    ],
    "AlphaDropout in training": lambda: [
        lambda x: layers.AlphaDropout(0.9)(x, training=True)
    ],
    "GaussianNoise in training": lambda: [
        lambda x: layers.GaussianNoise(0.9)(x, training=True)
    ],
    "GaussianDropout in training": lambda: [
        lambda x: layers.GaussianDropout(0.5)(x, training=True)
    ],
    "model in training": lambda: [
        lambda x: keras.Sequential([keras.Input((None, None, 4)), layers.Dropout(0.9)])(
            x, training=True
        )
    ],
    "Normalization of channels": lambda: [
        layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 3, 4])
    ],
    "Normalization of all": lambda: [
        layers.Normalization(axis=None, mean=3.0, variance=2.0)
    ],
    "Rescaling of channels": lambda: [layers.Rescaling([1, 2, 3, 4], [0, 1, 0, 1])],
    "PReLU shared": lambda: [
        layers.PReLU(shared_axes=[1, 2], alpha_initializer="ones")
    ],
    "LayerNormalization": lambda: [layers.LayerNormalization(axis=[3])],
    "UnitNormalization": lambda: [layers.UnitNormalization(axis=-1)],
    "ReLU": lambda: [layers.ReLU(2, negative_slope=0.2, threshold=1)],
    "ELU": lambda: [layers.ELU(0.3)],
    "Softmax list": lambda: [layers.Softmax(axis=[-1])],
    "op softmax": lambda: [lambda x: ops.softmax(x, axis=3)],
    "op max of channels": lambda: [
        lambda x: x - ops.max(x, axis=-1, keepdims=True),
    ],
    "op with constants": lambda: [
        lambda x: x * np.array([1, 2, 3, 4], "float32") + np.ones((1, 1, 1, 4))
    ],
    "op clip": lambda: [lambda x: ops.clip(x, -1, 1)],
    "channels reversed": lambda: [lambda x: x[..., ::-1]],
    "every second pixel": lambda: [lambda x: x[:, 2::2, 4:-2:2]],
}


@pytest.mark.parametrize("name", EXACT)
def test_a_setting_that_is_followed_has_the_right_margins(name):
    keras.utils.set_random_seed(0)
    model = network(*EXACT[name]())
    margins = analysed(model)
    assert margins is not None
    assert not tiles_differ(model, margins)


WHOLE = {
    "Softmax": lambda: [layers.Softmax(axis=1)],
    "Softmax of two axes": lambda: [layers.Softmax(axis=[1, 2])],
    "Softmax of rows and channels": lambda: [layers.Softmax(axis=[2, 3])],
    "UnitNormalization": lambda: [layers.UnitNormalization(axis=1)],
    "GroupNormalization": lambda: [layers.GroupNormalization(4)],
    "op softmax": lambda: [lambda x: ops.softmax(x, axis=1)],
    "op log softmax": lambda: [lambda x: ops.log_softmax(x, axis=2)],
    "op max": lambda: [lambda x: x - ops.max(x, axis=1, keepdims=True)],
    "op mean of all": lambda: [lambda x: x - ops.mean(x)],
    "op sum of pixels": lambda: [lambda x: x - ops.sum(x, (1, 2), keepdims=True)],
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_layer_along_rows_or_columns_looks_at_the_whole_chunk(name):
    model = network(*WHOLE[name]())
    assert analysed(model) is None
    assert tl.analyse(model).whole_tile_layers
    assert tiles_differ(model, (8, 8, 8, 8))


def test_a_layer_normalization_of_pixels_looks_at_the_whole_chunk():
    model = network(layers.LayerNormalization(axis=[1, 2, 3]), shape=(48, 48, 4))
    assert analysed(model) is None


PIXELS = np.random.default_rng(0).normal(size=(48, 48, 1)).astype("float32")
FIXED = (48, 48, 4)

# Each of these gives one value more for each row, column or pixel. (Parts, shape of the
# input, words of the error.)
OF_ONE_PLACE = {
    "PReLU": ([lambda: layers.PReLU()], FIXED, "slope for each pixel.*shared_axes"),
    "PReLU of rows": ([lambda: layers.PReLU(shared_axes=[2])], FIXED, "shared_axes"),
    "BatchNormalization": (
        [lambda: layers.BatchNormalization(axis=1)], FIXED, r"axes \(1,\).*`axis=-1`",
    ),
    "Normalization": (
        [lambda: layers.Normalization(axis=(1, 2, 3), mean=0.0, variance=1.0)],
        FIXED,
        r"axes \(1, 2, 3\).*`axis=-1`",
    ),
    "Rescaling": (
        [lambda: layers.Rescaling(PIXELS)], FIXED, r"for each pixel.*\(48, 48, 1\)",
    ),
    "Rescaling offset": (
        [lambda: layers.Rescaling(1, PIXELS[:1])], FIXED, "value for each pixel",
    ),
    "ELU": ([lambda: layers.ELU(PIXELS)], FIXED, "value for each pixel"),
    "op times": ([lambda: lambda x: x * PIXELS], FIXED, "value for each pixel"),
    "op clip": (
        [lambda: lambda x: ops.clip(x, PIXELS, 9)], FIXED, "value for each pixel",
    ),
    "op where": (
        [lambda: lambda x: ops.where(x > 0, x, PIXELS[:, :1])], FIXED, "each pixel",
    ),
    "merged by a layer": (
        [lambda: lambda x: layers.Add()([x, ops.convert_to_tensor(PIXELS)])],
        FIXED,
        "value for each pixel",
    ),
    "merged by a layer with an array": (
        [lambda: lambda x: layers.Maximum()([x, PIXELS])], FIXED, "each pixel",
    ),
    "concatenated by a layer": (
        [lambda: lambda x: layers.Concatenate()([x, PIXELS[np.newaxis]])],
        FIXED,
        "value for each pixel",
    ),
    "op concatenate": (
        [lambda: lambda x: ops.concatenate([x, PIXELS[np.newaxis]], -1)],
        FIXED,
        "value for each pixel",
    ),
    "softmax of a part": (
        [lambda: lambda x: layers.Softmax()(x, mask=PIXELS > 0)], FIXED, "each pixel",
    ),
    "value for each image": (
        [lambda: lambda x: x + np.ones((3, 1, 1, 4), "float32")],
        (None, None, 4),
        r"each pixel or image.*\(3, 1, 1, 4\)",
    ),
    "batch sliced": ([lambda: lambda x: x[:1, :]], FIXED, "Count pixels from both"),
    "nothing left": ([lambda: lambda x: x[:, :0]], FIXED, "Count pixels from both"),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_ONE_PLACE)
def test_a_value_for_each_pixel_is_refused(name):
    parts, shape, words = OF_ONE_PLACE[name]
    model = network(*(make() for make in parts), shape=shape)
    with pytest.raises(UnknownLayerError, match=words):
        analysed(model)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_floats_that_a_small_type_may_not_hold_are_refused(dtype):
    """TensorFlow makes another number of them in another chunk."""
    with pytest.raises(UnknownLayerError, match=f"makes {dtype} of float32.*clip"):
        analysed(network(lambda x: ops.cast(x * 1e6, dtype)))


@pytest.mark.parametrize(
    "part",
    [
        lambda x: ops.cast(ops.clip(x * 100, 0, 255), "uint8"),
        lambda x: ops.cast(x > 0, "uint8"),
        lambda x: ops.cast(ops.argmax(x, -1, keepdims=True), "uint8"),
        lambda x: ops.cast(x * 100, "int32"),
    ],
)
def test_numbers_that_the_type_holds_are_followed(part):
    model = network(part)
    assert analysed(model) == (0, 0, 0, 0)
    assert not tiles_differ(model)


UNKNOWN = {
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Conv1D(2, 3)),
    "SpectralNormalization": lambda: layers.SpectralNormalization(layers.Conv2D(2, 3)),
    "Lambda": lambda: layers.Lambda(flipped, output_shape=(None, None, 4)),
    "Permute": lambda: layers.Permute((2, 1, 3)),
    "RandomFlip": lambda: layers.RandomFlip(),
    "EinsumDense": lambda: layers.EinsumDense("bhwc,cd->bhwd", (None, None, 2)),
    "op flip": lambda: flipped,
    "op roll": lambda: lambda x: ops.roll(x, 1, 1),
    "op transpose": lambda: lambda x: ops.transpose(x, (0, 2, 1, 3)),
    "op average_pool": lambda: lambda x: ops.average_pool(x, 3, 1, "same"),
    "bicubic": lambda: layers.UpSampling2D(2, interpolation="bicubic"),
    "output padding": lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=1),
    "dilated transposed": lambda: layers.Conv2DTranspose(2, 3, dilation_rate=2),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_no_rule_describes_is_refused_with_a_cure(name):
    model = network(UNKNOWN[name]())
    with pytest.raises(UnknownLayerError, match=r"tl\.|Use |only .* have a rule"):
        analysed(model)


def test_an_operation_of_somebody_else_does_not_go_by_its_name():
    class Relu(keras.Operation):
        def call(self, x):
            return ops.flip(x, 1)

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    with pytest.raises(UnknownLayerError, match=r"\(Relu\)"):
        analysed(network(Relu()))


CHANNELS_FIRST = {
    "Conv2D": lambda: layers.Conv2D(4, 3),
    "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3, padding="same"),
    "SeparableConv2D": lambda: layers.SeparableConv2D(4, 3),
    "Conv2DTranspose": lambda: layers.Conv2DTranspose(4, 3),
    "MaxPooling2D": lambda: layers.MaxPooling2D(2),
    "AveragePooling2D": lambda: layers.AveragePooling2D(2),
    "UpSampling2D": lambda: layers.UpSampling2D(2),
    "Cropping2D": lambda: layers.Cropping2D(1),
    "ZeroPadding2D": lambda: layers.ZeroPadding2D(2),
    "GlobalMaxPooling2D": lambda: layers.GlobalMaxPooling2D(keepdims=True),
}


@pytest.mark.parametrize("name", CHANNELS_FIRST)
def test_channels_first_is_refused(name):
    keras.config.set_image_data_format("channels_first")
    try:
        by_default = network(CHANNELS_FIRST[name](), shape=(16, 16, 4))
    finally:
        keras.config.set_image_data_format("channels_last")
    config = CHANNELS_FIRST[name]().get_config() | {"data_format": "channels_first"}
    kind = type(CHANNELS_FIRST[name]())
    by_argument = network(kind.from_config(config), shape=(16, 16, 4))
    for model in (by_default, by_argument):
        with pytest.raises(UnknownLayerError, match="data_format='channels_last'"):
            analysed(model)


def test_a_quantized_layer_is_refused():
    model = network(layers.Dense(3))
    model.layers[-1].quantize("int8")
    with pytest.raises(UnknownLayerError, match=r"is quantized \(int8\).*tl\.certify"):
        analysed(model)


# Axes


@pytest.mark.parametrize(
    "part",
    [
        lambda x: x / ops.max(x, axis=-1),
        lambda x: ops.softmax(ops.sum(x, axis=-1), axis=-1),
        lambda x: ops.argmax(x, axis=-1),
        lambda x: ops.mean(x, -1),
    ],
)
def test_a_tensor_without_the_axis_of_channels_is_refused(part):
    """What follows would be along other axes than its argument says."""
    with pytest.raises(UnknownLayerError, match=r"shape .*`keepdims=True`"):
        analysed(network(part))


@pytest.mark.parametrize("shape", [(None, 4), (4,), (5, None, None, 4)])
def test_inputs_that_are_not_images_are_refused(shape):
    model = network(layers.Dense(2), shape=shape)
    for use in (tl.analyse, lambda m: tl.certify(m, "out", tile=8)):
        with pytest.raises(ValueError, match=r"'input' has the shape .*The kit takes"):
            use(model)


# After a layer that looks at the whole chunk


def squeezed(x):
    """Squeeze and excitation, with a layer that has no rule: Reshape."""
    weights = layers.GlobalAveragePooling2D(name="pool")(x)
    weights = layers.Reshape((1, 1, 4), name="after")(weights)
    return layers.Multiply()([x, layers.Conv2D(4, 1, activation="sigmoid")(weights)])


def pyramid(x):
    """A branch of the mean of all pixels, as in DeepLab, beside strided features."""
    features = layers.Conv2D(4, 3, strides=4, padding="same")(x)
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(features)
    mean = layers.UpSampling2D(12, interpolation="bicubic", name="after")(mean)
    return layers.Concatenate()([mean, features])


@pytest.mark.parametrize("part", [squeezed, pyramid])
def test_the_pooling_is_named_and_not_the_unknown_layer_after_it(part):
    model = network(part)
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    assert analysis.whole_tile_layers == ("pool",)


def test_an_unknown_layer_before_the_pooling_is_named():
    parts = [layers.Permute((2, 1, 3), name="first"), layers.GlobalMaxPooling2D()]
    with pytest.raises(UnknownLayerError, match="'first'"):
        analysed(network(*parts))


@pytest.mark.parametrize("wrong", [None, 3, (1, 2)])
def test_a_rule_that_returns_no_span_is_named(wrong):
    class Own(layers.Layer):
        def call(self, x):
            return x

    tl.register_rule(Own)(lambda layer, spans, axis, arguments: wrong)
    with pytest.raises(TypeError, match=r"rule of the layer 'mine' \(Own\) returns "):
        analysed(network(Own(name="mine")))


@pytest.mark.parametrize("kinds", [(), (3,), (layers.ReLU(),)])
def test_only_classes_and_names_have_rules(kinds):
    with pytest.raises((TypeError, ValueError), match=r"`kinds` is .*register_rule"):
        tl.register_rule(*kinds)
    with pytest.raises(TypeError, match="A rule is a function"):
        tl.register_rule(layers.Permute)(None)
