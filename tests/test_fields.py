"""`analyse` is compared with the table of tutorial 2, and with computed outputs."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from random_networks import FIXED_SIDE, positive, random_network

import tutorial_lib as tl
from tutorial_lib.fields.layer_rules import UnknownLayerError, window
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.fields.tracing import trace
from tutorial_lib.networks.predictors import as_predictor

# Name, size, first and last valid row of tutorial 2's network, for 128 pixels.
TUTORIAL_2 = [
    ("input_p", 128, 0, 127),
    ("conv1", 64, 0, 62),
    ("conv2", 32, 0, 30),
    ("input_xs", 32, 0, 31),
    ("conv_xs", 32, 1, 30),
    ("conv_xs_conv2", 32, 1, 30),
    ("conv3", 16, 1, 14),
    ("conv4", 8, 1, 6),
    ("conv1t", 16, 3, 13),
    ("conv2t", 32, 7, 27),
    ("conv3t", 64, 15, 55),
    ("softmax", 128, 31, 111),
]


def measured_margins(model, size, rng):
    """(left, top, right, bottom) of the first output, by random surroundings.

    A chunk is computed alone, and inside images that differ everywhere else. Output
    pixels that are the same in all of them are valid. This uses no rule of a layer.
    """
    analysis = tl.analyse(model)
    names, output = list(analysis.inputs), next(iter(analysis.outputs))
    around = 2 * size
    scale = analysis.scale[output]
    sides = {name: int(size / analysis.spacing[name]) for name in names}
    pads = {name: int(around / analysis.spacing[name]) for name in names}
    chunk = {
        tensor.name: rng.uniform(1, 2, (1, *[sides[tensor.name]] * 2, tensor.shape[-1]))
        for tensor in model.inputs
    }
    alone = run(model, chunk)
    same = np.ones(alone.shape[:2], bool)
    for amplitude in (1, 10, 1000):
        image = {}
        for name, pixels in chunk.items():
            pad = pads[name]
            side = sides[name] + 2 * pad
            image[name] = rng.uniform(0, amplitude, (1, side, side, pixels.shape[-1]))
            image[name][:, pad : pad + sides[name], pad : pad + sides[name]] = pixels
        first = int(around / scale)
        whole = run(model, image)
        part = whole[first : first + alone.shape[0], first : first + alone.shape[1]]
        same &= (np.abs(part - alone) <= 1e-5 * np.abs(alone).max()).all(-1)
    rows, cols = np.flatnonzero(same.any(1)), np.flatnonzero(same.any(0))
    assert same[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all()
    height, width = same.shape
    return cols[0], rows[0], width - 1 - cols[-1], height - 1 - rows[-1]


def run(model, inputs):
    """The first output of a model for one image."""
    tensors = {name: array.astype("float32") for name, array in inputs.items()}
    predictor = as_predictor(model)
    output = predictor.outputs[0]
    return predictor(tensors, [output])[output][0]


def test_the_table_of_tutorial_2_is_reproduced_row_by_row():
    table = tl.analyse(tl.architectures.pan_xs_unet(4, crops=())).table(128)
    found = [
        (name, *table.loc[name, ["size", "first", "last"]]) for name, *_ in TUTORIAL_2
    ]
    assert found == TUTORIAL_2
    assert table.loc["softmax", "valid"] == 81


@pytest.mark.parametrize("depth", range(3, 8))
def test_margins_and_stride_double_with_each_halving(depth):
    analysis = tl.analyse(tl.architectures.deeper_unet(4, depth=depth, crops=()))
    left, right = 2 ** (depth + 1) - 1, 2**depth
    assert analysis.margins["estimated"] == (left, left, right, right)
    assert analysis.total_stride == {"input_p": right, "input_xs": right // 4}


def test_a_crop_reduces_the_margins():
    margins = tl.analyse(tl.architectures.pan_xs_unet(4, crops=(16, 24, 32))).margins
    assert margins["estimated_crop16"] == (15, 15, 0, 0)
    assert margins["estimated_crop24"] == (7, 7, 0, 0)
    assert margins["estimated_crop32"] == (0, 0, 0, 0)


def test_networks_without_padding_have_no_margins():
    for model, scale in (
        (tl.architectures.pixelwise_fcnn(6), 1),
        (tl.architectures.pooled_cnn(6), 4),
        (tl.architectures.dual_source_fcnn(6), 2),
    ):
        analysis = tl.analyse(model)
        assert set(analysis.margins.values()) == {(0, 0, 0, 0)}
        assert analysis.scale["estimated"] == scale
        assert analysis.stride == scale


def test_pixel_sizes_of_inputs_follow_from_the_layer_where_they_meet():
    spacing = tl.analyse(tl.architectures.dual_source_fcnn(6, crops=())).spacing
    assert spacing == {"input_10m": 1, "input_20m": 2}


LAYERS = [
    layers.Conv2D(2, 1),
    layers.Conv2D(2, 4, padding="same"),
    layers.Conv2D(2, (3, 5), padding="same"),
    layers.Conv2D(2, 3, strides=2, padding="same"),
    layers.Conv2D(2, 5, strides=3, padding="same"),
    layers.Conv2D(2, 3, padding="same", dilation_rate=2),
    layers.Conv2D(2, 3, dilation_rate=3),
    layers.Conv2D(2, 5, strides=2),
    layers.DepthwiseConv2D(3, padding="same"),
    layers.SeparableConv2D(2, 4, padding="same"),
    layers.AveragePooling2D(2),
    layers.AveragePooling2D(3, strides=2),
    layers.MaxPooling2D(2),
    layers.Conv2DTranspose(2, 3, strides=2, padding="same"),
    layers.Conv2DTranspose(2, 2, strides=2, padding="same"),
    layers.Conv2DTranspose(2, 5, strides=3, padding="same"),
    layers.UpSampling2D(2),
    layers.UpSampling2D(2, interpolation="bilinear"),
    layers.UpSampling2D(3, interpolation="bilinear"),
    layers.Cropping2D(((1, 2), (3, 0))),
    layers.BatchNormalization(),
    layers.LayerNormalization(axis=-1),
    layers.Dense(3),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_rule_of_a_layer_agrees_with_the_layer(layer):
    rng = np.random.default_rng(0)
    # The convolution before it has margins, so that the layer's effect on them shows.
    image = keras.Input((None, None, 2), name="image")
    layer = type(layer).from_config(layer.get_config())
    model = keras.Model(image, layer(layers.Conv2D(2, 3, padding="same")(image)))
    positive(model, rng)
    analysis = tl.analyse(model)
    size = max(24, 2 * analysis.smallest_chunk)
    size += -size % analysis.stride
    name = next(iter(analysis.outputs))
    assert measured_margins(model, size, rng) == analysis.margins[name]


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("seed", range(12))
def test_margins_of_random_networks_equal_the_measured_ones(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng)
    analysis = tl.analyse(model)
    # `smallest_chunk` may be that of the other output.
    size = analysis.stride
    while not all(analysis.output_span("out", size, axis) for axis in (0, 1)):
        size += analysis.stride
    size += 2 * analysis.stride
    assert measured_margins(model, size, rng) == analysis.margins["out"]


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(8))
def test_a_network_of_one_size_has_the_margins_of_the_one_of_all_sizes(seed):
    fixed, free = (
        random_network(np.random.default_rng(seed), side=side)
        for side in (FIXED_SIDE, None)
    )
    analysis = tl.analyse(fixed)
    assert repr(analysis) == repr(tl.analyse(free))
    rng = np.random.default_rng(0)
    whole, chunk = {}, {}
    for name, tensor in free.input.items():
        side = fixed.input[name].shape[1]
        whole[name] = rng.uniform(1, 2, (1, 3 * side, 3 * side, tensor.shape[-1]))
        chunk[name] = whole[name][:, side : 2 * side, side : 2 * side]
    left, top, right, bottom = analysis.margins["out"]
    alone, around = run(fixed, chunk), run(free, whole)
    height, width = alone.shape[:2]
    inner = (slice(top, height - bottom), slice(left, width - right))
    part = around[height : 2 * height, width : 2 * width]
    np.testing.assert_allclose(alone[inner], part[inner], rtol=1e-5)


def test_the_random_networks_have_all_that_they_promise():
    kinds, outputs, inputs, used_twice, nested = set(), 0, 0, 0, 0
    for seed in range(60):
        model = random_network(np.random.default_rng(seed))
        outputs += len(model.output) > 1
        inputs += len(model.input) > 1
        for layer in model.layers:
            nested += isinstance(layer, keras.Model)
            used_twice += len(layer._inbound_nodes) > 1
        for step in tl.analyse(model).steps:
            activation = getattr(step.layer, "activation", None)
            as_layer = isinstance(activation, layers.Layer)
            kinds.add(type(activation).__name__ if as_layer else str(activation))
    assert min(outputs, inputs, used_twice, nested) >= 5
    assert len(kinds) >= 8


def test_a_layer_that_looks_at_the_whole_chunk_is_named():
    image = keras.Input((None, None, 4))
    net = layers.GroupNormalization(2, name="group_norm")(image)
    model = keras.Model(image, layers.Conv2D(2, 3, padding="same", name="out")(net))
    analysis = tl.analyse(model)
    assert analysis.whole_tile_layers == ("group_norm",)
    assert analysis.margins["out"] is None
    with pytest.raises(ValueError, match="No chunk has valid pixels: group_norm look"):
        analysis.table()


def test_batch_normalization_has_no_margins_also_if_called_in_training():
    """Keras predicts with `training=False`, whatever the model was built with."""
    image = keras.Input((None, None, 4))
    learnt = keras.Model(image, layers.BatchNormalization(name="a")(image))
    training = layers.BatchNormalization(name="b")(image, training=True)
    assert tl.analyse(learnt).margins["a"] == (0, 0, 0, 0)
    assert tl.analyse(keras.Model(image, training)).margins["b"] == (0, 0, 0, 0)


def test_nested_models_are_unfolded():
    inner_input = keras.Input((None, None, 3))
    inner = keras.Model(inner_input, layers.Conv2D(3, 5, padding="same")(inner_input))
    image = keras.Input((None, None, 3))
    model = keras.Model(image, inner(inner(layers.Conv2D(3, 3, padding="same")(image))))
    assert list(tl.analyse(model).margins.values()) == [(5, 5, 5, 5)]


class Halve(layers.Layer):
    def call(self, image):
        return image[:, ::2, ::2]


def test_an_unknown_layer_is_named_and_can_be_registered():
    image = keras.Input((None, None, 1))
    model = keras.Model(image, Halve(name="halve")(image))
    with pytest.raises(UnknownLayerError, match=r"'halve' \(Halve\).*register_rule"):
        tl.analyse(model)
    tl.register_rule(Halve)(
        lambda layer, spans, axis, arguments: window(spans[0], kernel=1, stride=2)
    )
    assert tl.analyse(model).scale == {"halve": 2}


def test_branches_of_different_pixel_size_are_refused():
    image = keras.Input((None, None, 2))
    branches = [layers.MaxPool2D(2)(image), layers.Conv2D(2, 1)(image)]
    model = keras.Model(image, layers.Concatenate(name="merge")(branches))
    with pytest.raises(ValueError, match=r"'merge' merges pixels of .* 2 and 1"):
        tl.analyse(model)


def test_strides_that_are_not_square_are_refused():
    image = keras.Input((None, None, 2))
    model = keras.Model(image, layers.Conv2D(2, 3, strides=(2, 1), name="c")(image))
    with pytest.raises(ValueError, match="'c' has strides that differ"):
        tl.analyse(model)


def test_a_chunk_that_is_not_a_multiple_is_refused_with_the_nearest():
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=()))
    with pytest.raises(ValueError, match=r"100 px is not a multiple.*Use 96 or 112"):
        analysis.table(100)


@pytest.mark.parametrize("size", ["auto", "96", [96], (96, 96), True, 96.5, 0, -16, 7])
def test_a_wrong_size_of_a_chunk_is_refused(size):
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=()))
    for use in (analysis.table, analysis.layers, analysis.explain):
        with pytest.raises((TypeError, ValueError), match=r"A chunk .*stride \(16"):
            use(size)
    assert len(analysis.layers(np.int64(96))) == len(analysis.table(np.uint16(96)))
    assert analysis.explain() == analysis.explain(analysis.smallest_chunk)


@pytest.mark.parametrize("output", [0, ["estimated"], "no"])
def test_a_wrong_output_to_explain_is_refused(output):
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=()))
    for use in (lambda name: analysis.explain(128, name), analysis.lost):
        with pytest.raises((TypeError, ValueError), match=r"Give a text|It has: e"):
            use(output)


@pytest.mark.parametrize("wrong", [None, "model.keras", print, {}, keras.Model])
def test_only_keras_models_can_be_analysed(wrong):
    with pytest.raises(TypeError, match=r"`model` is .* Give a Keras model"):
        tl.analyse(wrong)


def test_a_model_that_is_not_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, image):
            return image

    with pytest.raises(TypeError, match=r"Only functional Keras models.*Own"):
        tl.analyse(Own())


def test_explain_describes_how_a_chunk_shrinks():
    text = tl.analyse(tl.architectures.pan_xs_unet(4, crops=())).explain(128)
    assert "conv_xs (Conv2D): 32 px, 30 of them valid, rows 1 to 30" in text
    assert "output 'estimated': 128 px, 81 of them valid, rows 31 to 111" in text


@pytest.mark.parametrize("build", ["pan_xs_unet", "pixelwise_fcnn", "pooled_cnn"])
def test_saved_networks_have_the_same_fields(tmp_path, build):
    """Keras saves some arguments in another form: slices, for one."""
    network = getattr(tl.architectures, build)(3, crops=(16, 32))
    network.save(tmp_path / "a.keras")
    loaded = tl.analyse(keras.models.load_model(tmp_path / "a.keras"))
    original = tl.analyse(network)
    assert loaded.margins == original.margins
    assert loaded.scale == original.scale
    for size in (160, 320):
        for axis in (0, 1):
            ends = [
                {name: x.spans(size, axis)[n] for name, n in x.outputs.items()}
                for x in (loaded, original)
            ]
            assert ends[0] == ends[1]


def test_explaining_follows_one_output():
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=(24, 32)))
    lines = analysis.explain(128).split("\n")
    assert lines[-1].startswith("output 'estimated': 128 px, 81 of them valid")
    assert not any("GetItem" in line or "features" in line for line in lines)
    # Layers that pass on what they get take nothing: skips, scaling.
    taking = ["conv1", "conv_xs", "conv1t", "conv2t", "conv3t", "softmax"]
    assert [line.split()[0] for line in lines[1:-1]] == taking
    cropped = analysis.explain(128, "estimated_crop24").split("\n")
    assert "80 px, 73 of them valid, rows 7 to 79" in cropped[-1]
    assert "GetItem" in cropped[-2]


def test_the_layers_before_a_merge_that_fails_have_spans():
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=()))
    # 130 px of pan are halved to 65 and 33, and xs has 32.
    with pytest.raises(ValueError, match=r"'conv_xs_conv2' merges .*\[32, 33\]"):
        analysis.spans(130, 0)
    spans = analysis.possible_spans(130, 0)
    names = [step.name for step in analysis.steps]
    assert names[len(spans)] == "conv_xs_conv2"
    assert spans[names.index("conv2")].size == 33
    assert analysis.possible_spans(128, 0) == analysis.spans(128, 0)


def test_the_steps_before_a_step_are_those_that_it_depends_on():
    analysis = tl.analyse(tl.architectures.pan_xs_unet(4, crops=()))
    names = [step.name for step in analysis.steps]
    before = {names[i] for i in analysis.steps_before(names.index("conv2"))}
    assert {"input_p", "conv1", "conv2"} <= before
    assert not before & {"input_xs", "conv_xs", "conv3"}


def one_layer(*parts):
    x = image = keras.Input((None, None, 2), name="input")
    for part in parts:
        x = part(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([lambda x: x[:, :64, :64]], "Count pixels from both ends"),
        ([lambda x: x[:, -8:, -8:]], "Count pixels from both ends"),
        ([lambda x: x[:, ::-1]], "Count pixels from both ends"),
        (
            [layers.Conv2D(2, 1, activation=lambda x: x - keras.ops.mean(x))],
            "may look at several pixels",
        ),
        (
            [layers.Activation(lambda x: keras.ops.flip(x, 1))],
            "may look at several pixels",
        ),
    ],
)
def test_layers_without_a_rule_are_refused(parts, message):
    with pytest.raises(UnknownLayerError, match=message):
        tl.analyse(one_layer(*parts))


class OwnCall(keras.Model):
    def call(self, x):
        return keras.ops.flip(super().call(x), 1)


class OwnDunderCall(keras.Model):
    def __call__(self, x, **options):
        return keras.ops.flip(super().__call__(x, **options), 1)


class OwnSequential(keras.Sequential):
    def call(self, x, **options):
        return keras.ops.flip(super().call(x, **options), 1)


class Quiet(keras.Model):
    """A subclass that changes nothing of what is computed."""


def given_a_call(model):
    model.call = lambda x: keras.ops.flip(x, 1)
    return model


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "kind", ["call", "dunder call", "sequential", "changed", "changed sequential"]
)
def test_a_model_with_its_own_call_is_refused(kind, nested):
    image = keras.Input((None, None, 2))
    layer = layers.Conv2D(2, 3)
    model = {
        "call": lambda: OwnCall(image, layer(image)),
        "dunder call": lambda: OwnDunderCall(image, layer(image)),
        "sequential": lambda: OwnSequential([image, layer]),
        "changed": lambda: given_a_call(keras.Model(image, layer(image))),
        "changed sequential": lambda: given_a_call(keras.Sequential([image, layer])),
    }[kind]()
    if nested:
        model = keras.Model(image, layers.ReLU()(model(image)))
    with pytest.raises(TypeError, match="without a `call` of its own"):
        tl.analyse(model)


def test_a_subclass_that_changes_nothing_is_analysed():
    image = keras.Input((None, None, 2))
    model = Quiet(image, layers.Conv2D(2, 3, padding="same")(image))
    outer = keras.Model(image, keras.Sequential([layers.ReLU()])(model(image)))
    for network in (model, outer):
        assert set(tl.analyse(network).margins.values()) == {(1, 1, 1, 1)}


def test_a_layer_that_was_given_another_call_is_refused():
    layer = layers.Conv2D(2, 3, name="changed")
    model = one_layer(layer)
    layer.call = lambda x: keras.ops.flip(x, 1)
    with pytest.raises(UnknownLayerError, match="'changed' was given a `call`"):
        tl.analyse(model)


def test_a_layer_whose_convolution_was_replaced_is_refused():
    layer = layers.Conv2D(2, 3, name="changed")
    model = one_layer(layer)
    layer.convolution_op = lambda x, kernel: keras.ops.flip(x, 1)
    with pytest.raises(UnknownLayerError, match="given a `convolution_op` of its"):
        tl.analyse(model)


def widening(kernel):
    """A layer whose output has (kernel - 1) / 2 px of margin."""
    return layers.Conv2D(2, kernel, padding="same")


def test_a_nested_model_may_share_its_layers_with_the_model_around_it():
    """As in networks that compare two dates: one encoder reads both inputs."""
    first, second = (keras.Input((None, None, 2), name=name) for name in ("a", "b"))
    features = widening(3)(first)
    encoder = keras.Model(first, layers.AveragePooling2D(2)(features))
    pooled = encoder(widening(5)(second))
    outputs = {"plain": features, "pooled": pooled, "coarse": encoder.output}
    model = keras.Model([first, second], outputs)
    analysis = tl.analyse(model)
    assert analysis.margins == {
        "plain": (1, 1, 1, 1),
        "pooled": (2, 2, 2, 2),
        "coarse": (1, 1, 1, 1),
    }
    assert analysis.scale["plain"] == 1
    reads = {
        name: set(pair[0].starts) for name, pair in trace(analysis).outputs.items()
    }
    assert reads == {"plain": {"a"}, "pooled": {"b"}, "coarse": {"a"}}


@pytest.mark.parametrize("order", ["za", "az"])
def test_a_nested_model_takes_its_inputs_by_name(order):
    """Keras gives each input the tensor of its name, in whatever order they come."""
    one, other = (keras.Input((None, None, 2), name=name) for name in order)
    inner = keras.Model([one, other], layers.Add()([widening(9)(one), other]))
    image = keras.Input((None, None, 2), name="input")
    tensors = {order[0]: widening(7)(image), order[1]: image}
    model = keras.Model(image, inner(tensors))
    assert list(tl.analyse(model).margins.values()) == [(7, 7, 7, 7)]


def test_a_nested_model_with_more_tensors_than_inputs_is_refused():
    inputs = {name: keras.Input((None, None, 2), name=name) for name in "ab"}
    inner = keras.Model(inputs, layers.Add()(list(inputs.values())), name="inner")
    image = keras.Input((None, None, 2), name="input")
    model = keras.Model(image, inner({"a": image, "b": image, "c": image}))
    with pytest.raises(ValueError, match="'inner' inside the model has 2 inputs"):
        tl.analyse(model)


def test_a_slice_of_channels_has_no_margins():
    assert set(tl.analyse(one_layer(lambda x: x[..., :1])).margins.values()) == {
        (0, 0, 0, 0)
    }


def test_a_maximum_of_the_whole_image_is_named():
    analysis = tl.analyse(one_layer(lambda x: x / keras.ops.max(x)))
    assert set(analysis.margins.values()) == {None}
    assert analysis.whole_tile_layers


def test_a_reach_that_an_export_saved_is_read():
    """The text of `reach.json` for a convolution of 3 px: older exports stay valid."""
    text = """{"outputs": {"out": [
        {"scale": "1", "stride": 1, "lost": 0, "pads": true, "spacing": {"x": "1"},
         "borders": [1, 1], "starts": {"x": [-1]}, "stops": {"x": [2]}},
        {"scale": "1", "stride": 1, "lost": 0, "pads": true, "spacing": {"x": "1"},
         "borders": [1, 1], "starts": {"x": [-1]}, "stops": {"x": [2]}}]},
        "whole_tile_layers": [], "bytes_per_pixel": 12.0}"""
    image = keras.Input((None, None, 1), name="x")
    layer = layers.Conv2D(2, 3, padding="same", name="out")
    known = trace(tl.analyse(keras.Model(image, layer(image))))
    # Older exports knew the sum of all layers' outputs only.
    old = replace(known, bytes_per_pixel=12.0, bytes_of={})
    assert NetworkReach.from_json(json.loads(text)) == old
    assert old.memory_of(["out"]) == 12
    assert NetworkReach.from_json(json.loads(json.dumps(known.to_json()))) == known


def test_inputs_have_the_names_of_their_keys():
    image = keras.Input((None, None, 2), name="tensor")
    with pytest.warns(UserWarning, match="keys in the dict must match"):
        network = keras.Model({"key": image}, {"out": layers.Conv2D(2, 3)(image)})
    assert tl.analyse(network).total_stride == {"key": 1}
