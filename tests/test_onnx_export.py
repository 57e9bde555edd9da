"""ONNX files of `tl.export`: what they compute, what they say, and what is refused."""

import json
import logging
import os
import sys
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from scenes import batch

import tutorial_lib as tl
from tutorial_lib import architectures
from tutorial_lib.networks import deepness, onnx_export
from tutorial_lib.networks.predictors import as_predictor

NETWORKS = {
    "pooled_cnn": ({"input": (37, 58, 4)}, {}),
    "pixelwise_fcnn": ({"input": (37, 58, 4)}, {}),
    "dual_source_fcnn": ({"input_10m": (34, 58, 4), "input_20m": (17, 29, 6)}, {}),
    "pan_xs_unet": ({"input_p": (64, 96, 1), "input_xs": (16, 24, 4)}, {}),
    "deeper_unet": ({"input_p": (128, 64, 1), "input_xs": (32, 16, 4)}, {"depth": 5}),
}


def fcnn(classes=5, crops=(), **options):
    keras.utils.set_random_seed(0)
    return architectures.pixelwise_fcnn(classes, crops=crops, **options)


def sharp(model):
    """The model with a classifier whose labels differ from pixel to pixel."""
    layer = model.get_layer("softmax")
    kernel, bias = layer.get_weights()
    layer.set_weights([100 * kernel, bias])
    return model


def same_size(kind="net", **inputs):
    """A network of a 3x3 kernel with 'same' padding."""
    pixels = keras.Input(inputs.pop("shape", (None, None, 3)), name="x", **inputs)
    layer = keras.layers.Conv2D(4, 3, padding="same", activation="softmax")
    return keras.Model({"x": pixels}, {kind: layer(keras.ops.cast(pixels, "float32"))})


def turned(array, layout):
    return array.transpose(0, 3, 1, 2) if layout == "channels_first" else array


def turned_back(array, layout):
    return array.transpose(0, 2, 3, 1) if layout == "channels_first" else array


def run(path, inputs, layout="channels_last"):
    """The outputs of a file by ONNX Runtime alone, channels last."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {name: turned(x, layout).astype("float32") for name, x in inputs.items()}
    names = [port.name for port in session.get_outputs()]
    results = session.run(names, given)
    return {n: turned_back(x, layout) for n, x in zip(names, results, strict=True)}


def metadata(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    kept = session.get_modelmeta().custom_metadata_map
    return {key: json.loads(value) for key, value in kept.items()}


def axes(tensor):
    return [d.dim_param or d.dim_value for d in tensor.type.tensor_type.shape.dim]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A pixel-wise network: the model and its file with channels last."""
    model = sharp(fcnn())
    path = tl.export(model, tmp_path_factory.mktemp("onnx") / "fcnn.onnx")
    return SimpleNamespace(model=model, path=path)


# A file computes what Keras computes


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_of_the_kit_gives_what_keras_gives(tmp_path, name, layout):
    shapes, options = NETWORKS[name]
    keras.utils.set_random_seed(1)
    model = getattr(architectures, name)(4, crops=(2,), **options)
    if "unet" not in name:
        # Steeper classifiers would enlarge the last bits of the U-Nets' features.
        sharp(model)
    path = tl.export(model, tmp_path / "network.onnx", layout=layout)
    onnx.checker.check_model(path, full_check=True)
    inputs = {n: batch(*shape, seed=i) for i, (n, shape) in enumerate(shapes.items())}
    given, expected = run(path, inputs, layout), model(inputs, training=False)
    assert set(given) == set(model.output)
    for output, array in given.items():
        right = np.asarray(expected[output])
        assert array.shape == right.shape
        if right.dtype.kind == "f":
            largest = np.abs(right).max()
            np.testing.assert_allclose(array, right, rtol=0, atol=1e-5 * largest)
            continue
        scores = np.asarray(expected[output.replace("_labels", "")])
        best = np.sort(scores, axis=-1)
        tie = best[..., -1] - best[..., -2] < 1e-5
        assert (tie | (array == right)[..., 0]).all()
        assert len(np.unique(right)) > 1


def test_a_file_takes_images_of_any_number_and_size(written):
    for count, height, width in ((1, 31, 22), (3, 18, 47), (2, 16, 16)):
        pixels = np.concatenate([batch(height, width, seed=i) for i in range(count)])
        expected = written.model({"input": pixels}, training=False)
        given = run(written.path, {"input": pixels})
        assert given["estimated"].shape == (count, height - 15, width - 15, 5)
        np.testing.assert_allclose(
            given["estimated"], expected["estimated"], rtol=0, atol=1e-5
        )


def test_axes_have_names_that_a_reader_understands(written, tmp_path):
    graph = onnx.load(written.path).graph
    assert {x.name: axes(x) for x in graph.input} == {
        "input": ["batch", "height", "width", 4]
    }
    shapes = {x.name: axes(x) for x in graph.output}
    # The output is smaller than the input, so its height has another name.
    assert shapes["estimated"] == ["batch", "estimated_height", "estimated_width", 5]
    assert shapes["estimated_labels"][-1] == 1
    path = tl.export(
        architectures.dual_source_fcnn(3, crops=()),
        tmp_path / "dual.onnx",
        layout="channels_first",
    )
    shapes = {x.name: axes(x) for x in onnx.load(path).graph.input}
    assert shapes == {
        "input_10m": ["batch", 4, "input_10m_height", "input_10m_width"],
        "input_20m": ["batch", 6, "input_20m_height", "input_20m_width"],
    }


def test_labels_need_no_operator_that_onnx_runtime_lacks(written):
    network = onnx.load(written.path)
    kinds = {node.op_type for node in network.graph.node}
    assert "ArgMax" in kinds
    assert not kinds & {"Bitcast", "BitwiseAnd", "Less"}
    assert [x.version for x in network.opset_import if not x.domain] == [18]


L = keras.layers
# Layers of Keras that TensorFlow computes in several steps, and some that are common.
LAYERS = {
    "dilated, same": [L.Conv2D(4, 3, dilation_rate=3, padding="same")],
    "dilated, valid": [L.Conv2D(4, (3, 4), dilation_rate=(2, 3))],
    "dilated, even kernel": [L.Conv2D(4, (4, 1), dilation_rate=2, padding="same")],
    "dilated, depthwise": [L.DepthwiseConv2D(3, dilation_rate=2, padding="same")],
    "dilated, separable": [L.SeparableConv2D(5, 3, dilation_rate=2)],
    "dilated twice": [
        L.Conv2D(4, 3, dilation_rate=2, padding="same"),
        L.Conv2D(4, 3, dilation_rate=4, padding="same"),
    ],
    "groups": [L.Conv2D(4, 3, groups=2, strides=2, padding="same")],
    "groups, dilated": [L.Conv2D(4, 3, groups=2, dilation_rate=2, padding="same")],
    "gelu": [L.Conv2D(4, 3, activation="gelu")],
    "swish": [L.Conv2D(4, 3, activation="swish")],
    "prelu": [L.Conv2D(4, 3), L.PReLU(alpha_initializer="ones", shared_axes=[1, 2])],
    "batch normalisation": [L.Conv2D(4, 3), L.BatchNormalization()],
    "layer normalisation": [L.Conv2D(4, 3), L.LayerNormalization()],
    "group normalisation": [L.Conv2D(4, 3), L.GroupNormalization(2)],
    "pools": [L.MaxPooling2D(3, 2, padding="same"), L.AveragePooling2D(2)],
    "average, same": [L.AveragePooling2D(3, 2, padding="same")],
    "upsampling": [L.Conv2D(4, 3), L.UpSampling2D((2, 3))],
    "transposed": [L.Conv2DTranspose(4, 3, 2, padding="same")],
    "pad and crop": [L.ZeroPadding2D(((1, 2), (3, 0))), L.Cropping2D(2)],
    "global": [L.GlobalAveragePooling2D(keepdims=True)],
}


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize("kind", LAYERS)
def test_layers_give_what_keras_gives(tmp_path, kind):
    keras.utils.set_random_seed(1)
    pixels = keras.Input((None, None, 4), name="x")
    result = pixels
    for layer in LAYERS[kind]:
        result = layer(result)
    model = keras.Model({"x": pixels}, {"net": result})
    image = np.random.default_rng(0).normal(size=(2, 25, 38, 4)).astype("float32")
    expected = np.asarray(model({"x": image}, training=False)["net"])
    for layout in ("channels_last", "channels_first"):
        path = tl.export(model, tmp_path / "x.onnx", layout=layout)
        given = run(path, {"x": image}, layout)["net"]
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5)
    if "dilated" in kind:
        # Nothing is cut into parts, and put together again.
        kinds = {node.op_type for node in onnx.load(path).graph.node}
        assert kinds == {"Conv"}
        assert tl.analyse(path).margins == tl.analyse(model).margins


def test_space_to_batch_that_is_no_dilation_stays(tmp_path):
    """A convolution with its own padding on parts of an image."""

    class Parts(keras.layers.Layer):
        def call(self, x):
            parts = tf.space_to_batch(x, [2, 2], [[2, 2], [2, 2]])
            parts = tf.nn.conv2d(parts, tf.ones((3, 3, 4, 1)), 1, "SAME")
            return tf.batch_to_space(parts, [2, 2], [[2, 2], [2, 2]])

    pixels = keras.Input((32, 32, 4), name="x")
    model = keras.Model({"x": pixels}, {"net": Parts()(pixels)})
    image = batch(32, 32)
    expected = np.asarray(model({"x": image}, training=False)["net"])
    given = run(tl.export(model, tmp_path / "x.onnx"), {"x": image})["net"]
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def test_a_bitcast_of_another_use_is_no_argmax(tmp_path):
    """As in `argmax`, but the sign is read of another image."""
    pixels = keras.Input((None, None, 3), name="x")
    zero = keras.ops.equal(pixels, 0)
    below = keras.ops.logical_and(zero, keras.ops.signbit(2 * pixels))
    model = keras.Model({"x": pixels}, {"net": keras.ops.where(below, -1.0, pixels)})
    with pytest.raises(ValueError, match="cannot be written as an ONNX file: ONNX Run"):
        tl.export(model, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_dropout_that_was_built_for_training_is_off(tmp_path):
    pixels = keras.Input((None, None, 3), name="x")
    dropped = keras.layers.Dropout(0.5)(keras.layers.Rescaling(2)(pixels))
    model = keras.Model({"x": pixels}, {"net": dropped})
    path = tl.export(model, tmp_path / "x.onnx")
    image = batch(5, 6, 3)
    np.testing.assert_array_equal(run(path, {"x": image})["net"], 2 * image)


def test_outputs_that_are_one_tensor_keep_their_names(tmp_path):
    pixels = keras.Input((None, None, 3), name="x")
    double = keras.layers.Rescaling(2)(pixels)
    model = keras.Model({"x": pixels}, {"a": double, "b": double, "same": pixels})
    path = tl.export(model, tmp_path / "x.onnx")
    image = batch(5, 6, 3)
    given = run(path, {"x": image})
    np.testing.assert_array_equal(given["a"], 2 * image)
    np.testing.assert_array_equal(given["b"], 2 * image)
    np.testing.assert_array_equal(given["same"], image)


def test_a_network_of_one_size_stays_one(tmp_path):
    path = tl.export(same_size(shape=(12, 17, 3)), tmp_path / "x.onnx")
    (tensor,) = onnx.load(path).graph.input
    assert axes(tensor) == ["batch", 12, 17, 3]


def test_a_network_of_whole_numbers_keeps_their_type(tmp_path):
    path = tl.export(same_size(dtype="uint8"), tmp_path / "x.onnx")
    (tensor,) = onnx.load(path).graph.input
    assert tensor.type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_exporting_prints_and_logs_nothing(tmp_path, capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        tl.export(same_size(), tmp_path / "x.onnx")
    assert capfd.readouterr() == ("", "")
    assert [x.name for x in caplog.records if x.name.startswith("tf2onnx")] == []


def test_exporting_leaves_the_environment_as_it_is(tmp_path):
    before = dict(os.environ)
    for name in [x for x in sys.modules if x.partition(".")[0] == "tf2onnx"]:
        del sys.modules[name]
    tl.export(same_size(), tmp_path / "x.onnx")
    assert dict(os.environ) == before


def test_a_keras_file_is_exported_too(tmp_path):
    same_size().save(tmp_path / "x.keras")
    path = tl.export(tmp_path / "x.keras", str(tmp_path / "deep" / "x.ONNX"))
    assert path == tmp_path / "deep" / "x.ONNX"
    onnx.checker.check_model(path)


# What a file says about itself


def test_a_file_says_what_the_network_is_made_for(tmp_path):
    legend = tl.Legend(("water", "land"), ("#0000ff", "#00ff00"))
    path = tl.export(
        architectures.pan_xs_unet(2, crops=()),
        tmp_path / "x.onnx",
        class_names=legend,
        bands={"input_xs": ["blue", "green", "red", "nir"]},
        pixel_size_m=1.5,
    )
    said = metadata(path)
    assert said["class_names"] == {"0": "water", "1": "land"}
    assert said["bands"] == {"input_xs": ["blue", "green", "red", "nir"]}
    assert said["pixel_size_m"] == 1.5
    assert said["layout"] == "channels_last"
    # What the tutorial's theory says of this network.
    assert said["margins"]["estimated"] == [31, 31, 16, 16]
    assert said["total_stride"] == {"input_p": 16, "input_xs": 4}
    assert said["scale"]["estimated"] == "1"
    scaled = {"scale": 0.01, "offset": 0.0}
    assert said["normalisation"] == {"input_p": scaled, "input_xs": scaled}
    assert "remote-sensing-tutorial-kit" in said["made_by"]
    # These are for files with tiles of one size.
    assert not set(said) & {"model_type", "tile_size", "tiles_overlap"}


def test_a_standardised_network_says_its_statistics(tmp_path):
    pixels = np.stack([np.full((9, 9), 5.0), np.arange(81.0).reshape(9, 9)], -1)
    layer = keras.layers.Normalization()
    layer.adapt(pixels[np.newaxis])
    image = keras.Input((None, None, 2), name="x")
    model = keras.Model({"x": image}, {"net": layer(image)})
    said = metadata(tl.export(model, tmp_path / "x.onnx"))["normalisation"]["x"]
    np.testing.assert_allclose(said["mean"], pixels.mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(said["variance"], pixels.var((0, 1)), rtol=1e-6)


def test_a_network_without_rules_is_exported_without_margins(tmp_path):
    class Strange(keras.layers.Layer):
        def call(self, pixels):
            return pixels * 2.0

    image = keras.Input((None, None, 2), name="x")
    model = keras.Model({"x": image}, {"net": Strange()(image)})
    said = metadata(tl.export(model, tmp_path / "x.onnx"))
    assert "margins" not in said
    assert "layout" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": ["a", "b"]}, "has 2 names, .*'net': 4"),
        ({"class_names": "abcd"}, "Give a list of texts"),
        ({"class_names": [1, 2, 3, 4]}, "Give a text"),
        ({"bands": ["red"]}, r"`bands\['x'\]` has 1 name, .* 3 channels"),
        ({"bands": {"y": ["red"]}}, "input 'y', and the model has: x"),
        ({"bands": 3}, "Give a list of texts"),
        ({"pixel_size_m": 0}, "Give a number above 0"),
        ({"layout": "nchw"}, "'channels_last', 'channels_first'"),
        ({"deepness": "labels"}, "no output 'labels'"),
        ({"deepness": 1}, "Give a text"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tl.export(same_size(), tmp_path / "x.onnx", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "channels_first"},
        {"class_names": ["a"]},
        {"bands": ["a"]},
        {"pixel_size_m": 1},
        {"deepness": "net"},
    ],
)
def test_a_saved_model_takes_no_options_of_onnx_files(tmp_path, options):
    with pytest.raises(ValueError, match=r"is for ONNX files.*ends in \.onnx"):
        tl.export(same_size(), tmp_path / "served", **options)


# Files for Deepness


def deepness_map(path, image):
    """The labels of an image as the plugin computes them, tile by tile.

    After `tile_params` and `map_processor_segmentation` of qgis-plugin-deepness.
    """
    said = metadata(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    side = said["tile_size"]
    assert port.shape == [1, image.shape[-1], side, side]
    (result,) = session.get_outputs()
    assert result.shape[2:] == [side, side]
    overlap = int(side * said["tiles_overlap"] / 100 * 2) // 2
    step, half = side - overlap, overlap // 2
    counts = [-(-(n - side) // step) + 1 for n in image.shape[:2]]
    whole = [side + step * (n - 1) for n in counts]
    grown = [(0, n - m) for n, m in zip(whole, image.shape, strict=False)]
    padded = np.pad(image, (*grown, (0, 0)))
    labels = np.full(whole, 255)
    for row in range(counts[0]):
        for col in range(counts[1]):
            top, left = row * step, col * step
            tile = padded[top : top + side, left : left + side]
            values = np.float32(tile * 1.0 / 255.0)
            mean = np.array(said["standardization_mean"], "float32")
            std = np.array(said["standardization_std"], "float32")
            values = ((values - mean) / std).transpose(2, 0, 1)[np.newaxis]
            (found,) = session.run(None, {port.name: values})
            found[found < said["seg_thresh"]] = 0
            kept = found.argmax(1)[0]
            # The middle, and the borders of the first and of the last tiles.
            y0, x0 = half * (row > 0), half * (col > 0)
            y1 = side - half * (row < counts[0] - 1)
            x1 = side - half * (col < counts[1] - 1)
            labels[top + y0 : top + y1, left + x0 : left + x1] = kept[y0:y1, x0:x1]
    return labels[: image.shape[0], : image.shape[1]]


def same_padded(stride):
    """A network that halves its image, with margins of several pixels at each side."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((None, None, 3), name="x")
    layers = keras.layers
    found = layers.Rescaling(1e-3)(pixels)
    for _ in range(stride):
        found = layers.Conv2D(6, 3, 2, padding="same", activation="relu")(found)
    for _ in range(stride):
        found = layers.Conv2DTranspose(6, 3, 2, padding="same")(found)
    found = layers.Conv2D(4, 3, padding="same")(found)
    return keras.Model({"x": pixels}, {"classes": layers.Softmax()(100 * found)})


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["valid", "same 1", "same 2"])
def test_deepness_maps_without_seams(tmp_path, kind):
    model = sharp(fcnn(4)) if kind == "valid" else same_padded(int(kind[-1]))
    output = "estimated" if kind == "valid" else "classes"
    path = tl.export(
        model, tmp_path / "x.onnx", deepness=output, class_names=list("abcd")
    )
    said = metadata(path)
    side, margins = said["tile_size"], said["margins"][output]
    bands = model.inputs[0].shape[-1]
    image = batch(side + 300, side + 500, bands, seed=2)[0]
    given = deepness_map(path, image)
    whole = np.asarray(
        model({model.inputs[0].name: image[None]}, training=False)[output]
    )
    scores = whole[0]
    if kind == "valid":
        # The engine places the first pixel of a patch of 16 at its index 8.
        assert margins == [8, 8, 7, 7]
        scores = np.pad(scores, ((8, 7), (8, 7), (0, 0)))
    left, top, right, bottom = margins
    inner = np.s_[top : -bottom or None, left : -right or None]
    best = np.sort(scores, axis=-1)
    tie = best[..., -1] - best[..., -2] < 1e-4
    same = given == scores.argmax(-1)
    assert (same | tie)[inner].all()
    assert len(np.unique(given[inner])) > 1


def test_a_file_for_deepness_says_what_the_plugin_reads(tmp_path):
    path = tl.export(
        same_size(),
        tmp_path / "x.onnx",
        deepness="net",
        class_names=list("abcd"),
        pixel_size_m=0.5,
    )
    said = metadata(path)
    assert said["model_type"] == "Segmentor"
    assert said["resolution"] == 50
    # Its documentation names one, its code reads the other.
    assert said["tile_size"] == said["tiles_size"]
    assert said["standardization_std"] == [1 / 255] * 3
    # 0 turns its threshold and its filter off.
    assert (said["seg_thresh"], said["seg_small_segment"]) == (0, 0)
    assert said["layout"] == "channels_first"
    plain = metadata(tl.export(same_size(), tmp_path / "y.onnx", deepness="net"))
    assert plain["model_type"] == "Regressor"
    assert "resolution" not in plain


@pytest.mark.parametrize("stride", [1, 2, 7, 16, 64])
@pytest.mark.parametrize("needed", [0, 1, 16, 31, 333])
def test_the_overlap_of_deepness_covers_the_margins(stride, needed):
    side, percent = deepness._tile(stride, needed)
    # As the plugin counts.
    overlap = int(side * percent / 100 * 2) // 2
    assert overlap == deepness.overlap_px(side, percent)
    assert overlap // 2 >= needed
    assert side % stride == 0
    assert (side - overlap) % stride == 0
    assert percent <= 50
    assert side >= 512


def test_deepness_needs_one_output_of_all_classes(tmp_path):
    model = fcnn(5)
    with pytest.raises(ValueError, match=r"5 names, and the output .* has 32 channels"):
        tl.export(
            model, tmp_path / "x.onnx", deepness="features", class_names=list("abcde")
        )


def whole_tile():
    pixels = keras.Input((None, None, 3), name="x")
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(pixels)
    return keras.Model({"x": pixels}, {"net": pixels - mean})


def without_rule():
    class Unknown(keras.layers.Layer):
        def call(self, pixels):
            return pixels * 2.0

    pixels = keras.Input((None, None, 3), name="x")
    return keras.Model({"x": pixels}, {"net": Unknown()(pixels)})


@pytest.mark.parametrize(
    ("model", "output", "message"),
    [
        (lambda: architectures.pan_xs_unet(2), "estimated", "one input, .* has 2"),
        (lambda: architectures.pooled_cnn(2), "estimated", "4 times as large"),
        (lambda: same_size(dtype="uint8"), "net", "gives float32, .* takes uint8"),
        (lambda: same_size(shape=(8, 8, 3)), "net", "images of one size"),
        (whole_tile, "net", "look at the whole tile"),
        (without_rule, "net", "a layer has no rule"),
    ],
)
def test_networks_that_deepness_cannot_map_are_refused(
    tmp_path, model, output, message
):
    cure = r"Deepness cannot map .*" + message + r".*tl\.predict_raster"
    with pytest.raises(ValueError, match=cure):
        tl.export(model(), tmp_path / "x.onnx", deepness=output)
    assert not list(tmp_path.iterdir())


# What cannot be written


def test_a_failed_export_keeps_the_old_file(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_text("old")
    pixels = keras.Input((None, None, 3), name="x")
    bits = keras.ops.cast(keras.ops.signbit(pixels), "float32")
    with pytest.raises(ValueError, match=r"Map with its `\.keras` file"):
        tl.export(keras.Model({"x": pixels}, {"net": bits}), path)
    assert [x.name for x in tmp_path.iterdir()] == ["x.onnx"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("probabilities", lambda x: x + 0.01, "100.0% of the values of its output 'ne"),
        ("probabilities", lambda x: x[:, 1:], "has the shape"),
        ("labels", lambda x: x + 7, "100.0% of the values of its output 'net'"),
    ],
)
def test_a_file_that_computes_something_else_is_not_written(
    tmp_path, monkeypatch, kind, change, message
):
    model = same_size()
    if kind == "labels":
        labels = tl.labels_of(model.input["x"])
        model = keras.Model(model.input, {"net": labels})
    real = onnx_export.converted

    def wrong(conversion):
        compute = conversion.compute
        object.__setattr__(
            conversion, "compute", lambda r: {"net": change(compute(r)["net"])}
        )
        network = real(conversion)
        object.__setattr__(conversion, "compute", compute)
        return network

    monkeypatch.setattr(onnx_export, "converted", wrong)
    with pytest.raises(ValueError, match=message):
        tl.export(model, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_a_layer_that_must_know_its_size_is_refused(tmp_path):
    pixels = keras.Input((None, None, 3), name="x")
    layer = keras.layers.UpSampling2D(2, interpolation="bilinear")
    model = keras.Model({"x": pixels}, {"net": layer(pixels)})
    try:
        tl.export(model, tmp_path / "x.onnx")
    except ValueError as err:
        assert "cannot be written as an ONNX file" in str(err)  # noqa: PT017
    else:
        image = batch(4, 6, 3)
        expected = as_predictor(model)({"x": image}, ["net"])["net"]
        given = run(tmp_path / "x.onnx", {"x": image})["net"]
        np.testing.assert_allclose(given, expected, atol=1e-3)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "tf2onnx"])
def test_without_a_package_the_extra_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as caught:
        tl.export(same_size(), tmp_path / "x.onnx")
    assert "pip install 'remote-sensing-tutorial-kit[onnx]'" in str(caught.value)
    assert str(caught.value).startswith(f"{package} is not installed")


def test_a_file_that_is_read_is_not_replaced(tmp_path):
    with pytest.raises(TypeError, match=r"keras\.Model or the path"):
        tl.export(lambda x: x, tmp_path / "x.onnx")
    (tmp_path / "x.onnx").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        tl.export(same_size(), tmp_path / "x.onnx")
