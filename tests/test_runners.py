"""Precisions and runners: bfloat16, OpenVINO, and maps without TensorFlow."""

import dataclasses
import gc
import os
import subprocess
import sys
import tomllib
import warnings
import weakref
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import short_of_memory
import tensorflow as tf
from scenes import batch, constant, image, write

import tutorial_lib as tl
from tutorial_lib import architectures, testing
from tutorial_lib.inference.judging import exact
from tutorial_lib.inference.precision import (
    LEAST_SAMPLES,
    MOST_SAMPLES,
    PrecisionChange,
    changed_labels,
    in_precision,
)
from tutorial_lib.networks import devices, openvino, precisions, running
from tutorial_lib.networks.predictors import Predictor, as_predictor, load_predictor
from tutorial_lib.rasters import open_sources, read_array

needs_bfloat16 = pytest.mark.skipif(
    not precisions.has_bfloat16(),
    reason="this processor has no instructions for bfloat16",
)
# Rounding to 8 bits in each layer changes values of this network by a few per cent.
COARSE = 0.05


def fcnn(seed=0):
    keras.utils.set_random_seed(seed)
    return architectures.pixelwise_fcnn(5, crops=())


def spread(model, factor=100):
    """The model with a classifier whose labels differ from pixel to pixel."""
    layer = model.get_layer("softmax")
    kernel, bias = layer.get_weights()
    layer.set_weights([factor * kernel, bias])
    return model


def serve(folder, function, **inputs):
    """Save a function of images as a SavedModel: {name: type}, 3 channels."""
    module = tf.Module()
    specs = {
        name: tf.TensorSpec((None, None, None, 3), dtype, name=name)
        for name, dtype in inputs.items()
    }
    signature = tf.function(function, autograph=False).get_concrete_function(**specs)
    tf.saved_model.save(module, folder, signatures={"serving_default": signature})
    return str(folder)


def assert_same(given, expected, inputs, names=None):
    """Two predictors agree: types, values within 1e-5 of the range, labels but ties."""
    one = expected(inputs, names or expected.outputs)
    other = given(inputs, names or expected.outputs)
    for name, array in one.items():
        assert other[name].dtype == array.dtype, name
        assert other[name].shape == array.shape, name
        if array.dtype.kind == "f":
            largest = 1e-5 * max(np.abs(array).max(initial=0), 1)
            np.testing.assert_allclose(other[name], array, rtol=0, atol=largest)
            continue
        scores = np.sort(one[name.replace("_labels", "")], axis=-1)
        tie = scores[..., -1] - scores[..., -2] < 1e-5
        assert (tie | (other[name] == array)[..., 0]).all(), name


# OpenVINO gives what TensorFlow gives


NETWORKS = {
    "pooled_cnn": ({"input": (37, 58, 4)}, {}),
    "pixelwise_fcnn": ({"input": (37, 58, 4)}, {}),
    "dual_source_fcnn": ({"input_10m": (34, 58, 4), "input_20m": (17, 29, 6)}, {}),
    "pan_xs_unet": ({"input_p": (64, 96, 1), "input_xs": (16, 24, 4)}, {}),
    "deeper_unet": (
        {"input_p": (128, 64, 1), "input_xs": (32, 16, 4)},
        {"depth": 5},
    ),
}


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_gives_what_tensorflow_gives(tmp_path, name):
    shapes, options = NETWORKS[name]
    keras.utils.set_random_seed(1)
    # Steeper classifiers would enlarge the last bits of the U-Nets' large features.
    factor = 1 if "unet" in name else 100
    model = spread(getattr(architectures, name)(4, crops=(2,), **options), factor)
    folder = tl.export(model, tmp_path / "served")
    inputs = {n: batch(*shape, seed=i) for i, (n, shape) in enumerate(shapes.items())}
    given = load_predictor(folder, runner="openvino")
    expected = as_predictor(model)
    assert dict(given.channels) == dict(expected.channels)
    assert set(given.outputs) == set(expected.outputs)
    assert_same(given, expected, inputs)
    labels = given(inputs, ["estimated_labels"])["estimated_labels"]
    assert len(np.unique(labels)) > 1


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A pixel-wise network: the model, its folder, and OpenVINO's predictor."""
    model = spread(fcnn())
    folder = tl.export(model, tmp_path_factory.mktemp("runners") / "served")
    return SimpleNamespace(
        model=model, folder=folder, openvino=load_predictor(folder, runner="openvino")
    )


def test_openvino_takes_images_of_any_size_and_number(served):
    expected = as_predictor(served.model)
    for height, width, count in ((31, 22, 1), (18, 47, 3), (31, 22, 2), (16, 16, 1)):
        pixels = np.concatenate([batch(height, width, seed=i) for i in range(count)])
        assert_same(served.openvino, expected, {"input": pixels})


@pytest.mark.parametrize("kind", ["uint16", "float64", "transposed"])
def test_openvino_takes_images_of_any_type_and_order(served, kind):
    pixels = image(20, 23)[np.newaxis]
    given = {"input": pixels.astype("float32")}
    expected = served.openvino(given, ["estimated"])["estimated"]
    if kind == "transposed":
        other = np.asfortranarray(given["input"])
        assert not other.flags.c_contiguous
    else:
        other = pixels.astype(kind)
    found = served.openvino({"input": other}, ["estimated"])["estimated"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("runner", ["tensorflow", "openvino"])
def test_results_stay_when_the_runner_is_called_again(served, runner):
    predict = load_predictor(served.folder, runner=runner)
    pixels = batch(20, 23)
    first = predict({"input": pixels}, ["estimated"])["estimated"]
    before = first.copy()
    pixels[:] = 0
    second = predict({"input": pixels}, ["estimated"])["estimated"]
    np.testing.assert_array_equal(first, before)
    assert (first != second).any()


def test_a_predictor_says_what_runs_it(served):
    assert as_predictor(served.model).runner == "tensorflow"
    assert load_predictor(served.folder).runner == "tensorflow"
    assert served.openvino.runner == "openvino"
    assert as_predictor(testing.BlockMean({"input": 3})).runner == "function"
    assert served.openvino.precision == "float32"


def test_the_runners_have_one_identity(served):
    """Certificates, and runs that are continued, are about the model."""
    other = load_predictor(served.folder)
    assert served.openvino.digest == other.digest
    assert served.openvino.path == other.path
    names = ("estimated",)
    assert served.openvino.trace(names) == other.trace(names)


def test_only_the_outputs_that_are_asked_for_are_computed(served):
    request = served.openvino.function._for_outputs(("estimated_labels",))
    network = request.get_compiled_model()
    assert [port.any_name for port in network.outputs] == ["estimated_labels"]
    kinds = {node.get_type_name() for node in network.get_runtime_model().get_ops()}
    assert kinds
    given = served.openvino.function({"input": batch(20, 23)}, ["estimated_labels"])
    assert list(given) == ["estimated_labels"]


def test_openvino_computes_in_float32_unless_it_is_asked(served):
    """By itself it takes bfloat16 on some processors."""
    request = served.openvino.function._for_outputs(("estimated",))
    hint = request.get_compiled_model().get_property("INFERENCE_PRECISION_HINT")
    assert hint.get_type_name() == "f32"


def test_openvino_opens_a_keras_file(served, tmp_path):
    served.model.save(tmp_path / "fcnn.keras")
    given = load_predictor(tmp_path / "fcnn.keras", runner="openvino")
    expected = as_predictor(served.model)
    assert_same(given, expected, {"input": batch(20, 31)})
    assert given.digest == expected.digest
    assert given.path == (tmp_path / "fcnn.keras").resolve()
    names = ("estimated_labels",)
    assert given.trace(names) == expected.trace(names)


def test_names_and_types_are_those_of_the_signature(tmp_path):
    def function(second, first):
        return {
            "long": tf.argmax(first, -1)[..., None],
            "above": first > 0,
            "total": tf.cast(second, "float32") + first,
            "half": tf.cast(first, "float16"),
            "byte": tf.cast(tf.abs(first), "uint8"),
        }

    folder = serve(tmp_path / "served", function, second="uint8", first="float32")
    given, expected = load_predictor(folder, runner="openvino"), load_predictor(folder)
    assert dict(given.channels) == {"first": 3, "second": 3}
    assert set(given.outputs) == {"long", "above", "total", "half", "byte"}
    rng = np.random.default_rng(0)
    # Values beyond a byte are clamped by both.
    inputs = {n: rng.normal(0, 200, (2, 6, 7, 3)) for n in ("first", "second")}
    inputs["first"] = inputs["first"].clip(-255, 255)
    for name, array in expected(inputs, expected.outputs).items():
        found = given(inputs, [name])[name]
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint16"])
def test_whole_numbers_are_clamped_alike(tmp_path, dtype):
    folder = serve(tmp_path / "served", lambda x: {"same": x, "copy": x}, x=dtype)
    values = np.float32([-1e30, -300.7, -1.5, 0, 1.5, 2**31, 1e30])
    inputs = {"x": np.broadcast_to(values[:, None, None, None], (7, 2, 3, 3))}
    given, expected = (
        load_predictor(folder, runner=runner)(inputs, ["same", "copy"])
        for runner in ("openvino", "tensorflow")
    )
    for name, array in expected.items():
        np.testing.assert_array_equal(given[name], array)


def test_an_input_without_a_shape_takes_images(tmp_path):
    module, spec = tf.Module(), tf.TensorSpec(None, tf.float32, name="x")
    double = tf.function(lambda x: {"double": 2 * x}).get_concrete_function(x=spec)
    tf.saved_model.save(module, tmp_path, signatures={"serving_default": double})
    given = load_predictor(tmp_path, runner="openvino")
    pixels = batch(5, 6, 2)
    np.testing.assert_array_equal(
        given({"x": pixels}, ["double"])["double"], 2 * pixels
    )


def test_labels_from_several_argmaxes_are_right(tmp_path):
    """Keras's argmax reads the sign of zeros from their bits; OpenVINO cannot."""
    scores = keras.Input((None, None, 3), name="scores")
    outputs = {
        "one": tl.labels_of(scores),
        "two": tl.labels_of(keras.ops.relu(scores - 0.5)),
        "least": keras.ops.argmax(-scores, axis=-1, keepdims=True),
    }
    tl.export(keras.Model({"scores": scores}, outputs), tmp_path / "served")
    pixels = np.random.default_rng(0).normal(size=(1, 9, 11, 3)).astype("float32")
    given = load_predictor(tmp_path / "served", runner="openvino")(
        {"scores": pixels}, list(outputs)
    )
    expected = {
        "one": pixels.argmax(-1),
        "two": np.maximum(pixels - 0.5, 0).argmax(-1),
        "least": pixels.argmin(-1),
    }
    for name, array in expected.items():
        np.testing.assert_array_equal(given[name][..., 0], array)


# What OpenVINO cannot do is said


def test_operations_that_openvino_lacks_are_named(tmp_path):
    folder = serve(
        tmp_path / "served", lambda x: {"net": tf.math.igamma(x, x)}, x="float32"
    )
    with pytest.raises(ValueError, match=r"Igamma\. .*runner='tensorflow'"):
        load_predictor(folder, runner="openvino")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: {"net": keras.ops.cast(keras.ops.signbit(x), "float32")},
        lambda x: {"net": tf.bitcast(x, tf.int32)},
        # As in `argmax`, but the sign is read of another image.
        lambda x: {
            "net": tf.where((x == 0) & keras.ops.signbit(2 * x), -1.0, x),
        },
    ],
)
def test_bits_of_floats_are_refused_where_they_matter(tmp_path, function):
    folder = serve(tmp_path / "served", function, x="float32")
    with pytest.raises(ValueError, match="Bitcast"):
        load_predictor(folder, runner="openvino")


def test_without_openvino_the_extra_is_named(served, monkeypatch, repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]["fast"]
    assert any(line.startswith("openvino") for line in extras)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError) as caught:
        load_predictor(served.folder, runner="openvino")
    assert f"pip install '{project['name']}[fast]'" in str(caught.value)


def test_an_unknown_runner_is_refused(served):
    with pytest.raises(ValueError, match="'tensorflow', 'openvino'"):
        load_predictor(served.folder, runner="onnx")


@pytest.mark.parametrize("content", [b"", b"12345"])
def test_a_broken_folder_is_refused(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ValueError, match=f"cannot read the SavedModel '{tmp_path}'"):
        load_predictor(tmp_path, runner="openvino")


@pytest.mark.parametrize("runner", ["tensorflow", "openvino"])
def test_a_folder_that_serves_no_function_is_refused(tmp_path, runner):
    tf.saved_model.save(tf.Module(), tmp_path)
    with pytest.raises(ValueError, match=r"has no signature .*tl\.export"):
        load_predictor(tmp_path, runner=runner)


def test_files_that_are_not_models_are_refused(tmp_path):
    (tmp_path / "model.txt").write_text("")
    with pytest.raises(ValueError, match="is not a model"):
        load_predictor(tmp_path / "model.txt", runner="openvino")


def test_a_network_of_one_size_says_so_in_openvino(tmp_path):
    pixels = keras.Input((6, 7, 3), name="x")
    model = keras.Model({"x": pixels}, {"net": keras.layers.Rescaling(2)(pixels)})
    predict = load_predictor(tl.export(model, tmp_path / "served"), runner="openvino")
    with pytest.raises(ValueError, match="takes images of 6x7 px only"):
        predict({"x": batch(6, 8, 3)}, ["net"])


def test_an_image_that_is_too_small_is_one_clear_error(served):
    with pytest.raises(ValueError, match=r"\(1, 4, 5, 4\).*[^:.]\. Give sizes that"):
        served.openvino({"input": batch(4, 5)}, ["estimated"])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("std::bad_alloc"),
        RuntimeError("Failed to allocate 9 bytes of memory"),
    ],
)
def test_each_lack_of_memory_is_a_memory_error(served, monkeypatch, error):
    class Request:
        def infer(self, *args, **options):
            raise error

    function = served.openvino.function
    kept = cache(lambda outputs: Request())
    monkeypatch.setattr(function, "_for_outputs", kept)
    with pytest.raises(MemoryError, match=r"\(1, 20, 23, 4\)"):
        served.openvino({"input": batch(20, 23)}, ["estimated"])
    assert kept.cache_info().currsize == 0


@pytest.mark.thorough
def test_a_lack_of_memory_is_told_and_smaller_images_go_on(served):
    short_of_memory.check_that_it_is_told(served.folder, "openvino")


def test_broken_weights_are_found_in_openvino(served, tmp_path):
    assert served.openvino.broken_weight() is None
    model = fcnn()
    weights = model.get_weights()
    weights[2][0, 0, 0, 0] = np.nan
    model.set_weights(weights)
    given = load_predictor(tl.export(model, tmp_path / "served"), runner="openvino")
    assert given.broken_weight()


# Models that come and go

# The signal stands for Ctrl-C.
SEVERAL_MODELS = """
import gc, signal, sys
import numpy as np
from tutorial_lib import load_predictor
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
models = [load_predictor(path, runner="openvino") for path in sys.argv[1:]]
for model in models:
    model({"input": np.zeros((1, 16, 16, 4), "float32")}, ["estimated"])
del model
while models:
    del models[0]
    gc.collect()
    signal.raise_signal(signal.SIGUSR1)
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_signal_is_heard_after_models_are_gone(served, tmp_path):
    """The first one goes first: each plugin of OpenVINO leaves a stack for signals."""
    path = tl.export(served.model, tmp_path / "network.onnx")
    command = [sys.executable, "-c", SEVERAL_MODELS, served.folder, path, path]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["heard"] * 3)


# A map without TensorFlow in the process

MAP_ALONE = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
import tutorial_lib as tl
folder, image, path = sys.argv[1:]
model = tl.load_predictor(folder, runner="openvino")
tl.predict_raster(
    model, image, path, output="estimated_labels", tile_size=40, progress=False
)
assert not [name for name in sys.modules if name.startswith("tensorflow.")]
"""


@pytest.mark.thorough
def test_a_map_needs_no_tensorflow(served, tmp_path):
    path = tmp_path / "map.tif"
    scene = str(testing.small_scene()["input_10m"])
    command = [sys.executable, "-c", MAP_ALONE, str(served.folder), scene, str(path)]
    subprocess.run(command, check=True)
    plan = tl.plan_inference(
        served.model, scene, output="estimated_labels", tile_size=40
    )
    assert plan.derived
    given, expected = read_array(path), plan.read()
    assert given.shape == expected.shape
    # Ties: the whole scene has 16 065 pixels.
    assert (given != expected).mean() < 1e-3
    assert len(np.unique(given)) > 1


def test_openvino_maps_tiles_as_the_whole_image(served):
    scene = testing.small_scene()["input_10m"]
    maps = [
        tl.plan_inference(
            served.openvino, scene, output="estimated", tile_size=side
        ).read()
        for side in (33, 60, 400)
    ]
    for one in maps[1:]:
        np.testing.assert_allclose(one, maps[0], rtol=0, atol=1e-5)


# bfloat16


@needs_bfloat16
@pytest.mark.parametrize("form", ["model", "tensorflow", "openvino"])
def test_bfloat16_is_close_and_not_equal(served, form):
    exact_one = (
        as_predictor(served.model)
        if form == "model"
        else load_predictor(served.folder, runner=form)
    )
    coarse = exact_one.in_precision("bfloat16")
    assert (coarse.precision, exact_one.precision) == ("bfloat16", "float32")
    assert (coarse.runner, coarse.digest) == (exact_one.runner, exact_one.digest)
    inputs = {"input": batch(61, 47)}
    one, other = (p(inputs, p.outputs) for p in (exact_one, coarse))
    assert {n: a.dtype for n, a in one.items()} == {
        n: a.dtype for n, a in other.items()
    }
    difference = np.abs(one["estimated"] - other["estimated"])
    assert 0 < difference.max() < COARSE


@needs_bfloat16
def test_bfloat16_leaves_float32_as_it_is(served):
    """TensorFlow's switch is one for the whole process; only one call gets it."""
    inputs, names = {"input": batch(61, 47)}, ["estimated"]
    exact_one = as_predictor(served.model)
    before = exact_one(inputs, names)["estimated"]
    coarse = exact_one.in_precision("bfloat16")(inputs, names)["estimated"]
    again = as_predictor(served.model)(inputs, names)["estimated"]
    np.testing.assert_array_equal(again, before)
    assert (coarse != before).any()
    # A function that is compiled afterwards, and Keras's own.
    fresh = running.of_keras(served.model)(inputs, names)["estimated"]
    np.testing.assert_array_equal(fresh, before)
    own = tf.function(served.model)(inputs)["estimated"]
    np.testing.assert_allclose(own, before, rtol=0, atol=1e-6)
    options = tf.config.optimizer.get_experimental_options()
    assert "auto_mixed_precision_onednn_bfloat16" not in options


@needs_bfloat16
def test_each_precision_is_compiled_once(served):
    predict = as_predictor(served.model)
    coarse = predict.in_precision("bfloat16")
    assert predict.in_precision("float32") is predict
    assert coarse.in_precision("bfloat16") is coarse
    assert as_predictor(coarse) is coarse
    assert predict.in_precision("bfloat16").function is coarse.function
    assert coarse.in_precision("float32").function is predict.function


@needs_bfloat16
def test_bfloat16_sees_new_weights_and_is_freed_with_its_model():
    model = fcnn()
    coarse = as_predictor(model).in_precision("bfloat16")
    inputs = {"input": batch(20, 21)}
    coarse(inputs, ["estimated"])
    model.set_weights([np.zeros_like(x) for x in model.get_weights()])
    # Five classes of the same probability.
    equal = coarse(inputs, ["estimated"])["estimated"]
    np.testing.assert_allclose(equal, 0.2, atol=0.2 * 2**-8)
    reference = weakref.ref(model)
    del model, coarse
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 rdpid\n", True),
        ("flags : amx_bf16 amx_tile\nflags : amx_bf16 amx_tile\n", True),
        ("flags : fpu avx512f avx512_bf16x\nbugs : avx512_bf16\n", False),
        ("Features : fp asimd\n", False),
        ("", False),
    ],
)
def test_the_processor_is_known_by_its_flags(tmp_path, text, known):
    (tmp_path / "cpuinfo").write_text(text)
    assert precisions.has_bfloat16(tmp_path / "cpuinfo") is known


def test_without_a_list_of_flags_nothing_is_known(tmp_path):
    assert precisions.has_bfloat16(tmp_path / "cpuinfo") is None


@pytest.mark.parametrize(
    ("found", "gpus", "onednn", "message"),
    [
        (False, 0, "1", "no instructions for bfloat16 .*precision='float32'"),
        (None, 0, "1", f"not known on {sys.platform}.*precision='float32'"),
        (True, 2, "1", "computes on 2 GPU.*precision='float32'"),
        (True, 0, "0", "TF_ENABLE_ONEDNN_OPTS is 0. Unset it .*precision='float32'"),
    ],
)
def test_bfloat16_is_refused_where_it_would_be_slow(
    monkeypatch, found, gpus, onednn, message
):
    monkeypatch.setattr(precisions, "has_bfloat16", lambda: found)
    monkeypatch.setattr(running, "gpu_count", lambda: gpus)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    with pytest.raises(ValueError, match=message):
        as_predictor(fcnn()).in_precision("bfloat16")


def test_openvino_refuses_bfloat16_that_the_processor_lacks(served, monkeypatch):
    predict = load_predictor(served.folder, runner="openvino")
    core = SimpleNamespace(get_property=lambda device, name: ["FP32"])
    monkeypatch.setattr(openvino, "_core", lambda: core)
    with pytest.raises(ValueError, match="no bfloat16 in this processor"):
        predict.in_precision("bfloat16")


def test_a_function_has_its_own_precision():
    predict = as_predictor(testing.BlockMean({"input": 3}))
    assert predict.in_precision("float32") is predict
    with pytest.raises(ValueError, match="plain function"):
        predict.in_precision("bfloat16")
    with pytest.raises(ValueError, match="'float32', 'bfloat16'"):
        predict.in_precision("float16")


# Memory of GPUs


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs that TensorFlow is said to have; gives the list of those set to grow."""
    grown = []
    experimental = tf.config.experimental

    def names(kind):
        return [f"{kind}:0", f"{kind}:1"] if kind == "GPU" else []

    monkeypatch.setattr(tf.config, "list_physical_devices", names)
    monkeypatch.setattr(
        experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on))
    )
    devices.grow_gpu_memory.cache_clear()
    yield grown
    devices.grow_gpu_memory.cache_clear()


def test_gpus_give_memory_as_it_is_needed(gpus):
    fcnn()
    as_predictor(fcnn())
    assert gpus == [("GPU:0", True), ("GPU:1", True)]


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_gpus_that_are_in_use_stay_as_they_are(gpus, monkeypatch, error):
    def refuse(gpu, on):
        gpus.append(gpu)
        raise error("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    devices.grow_gpu_memory()
    assert gpus == ["GPU:0", "GPU:1"]


# How many labels a precision changes


def thresholds(limit, precision="float32"):
    """A predictor: `value` is band 1, `labels` whether it is above a limit, `both`
    the scores of these labels. The other precision has another limit."""

    def function(inputs, outputs):
        value = np.asarray(inputs["image"], "float32")[..., :1]
        scores = np.concatenate([np.full_like(value, limit), value], axis=-1)
        labels = (value > limit).astype("int32")
        return {"value": value + limit, "labels": labels, "both": scores}

    outputs = ("value", "labels", "both")
    return Predictor(function, {"image": 1}, outputs, precision=precision)


def planned(path, output, tile_size=10, **options):
    source = tl.Source(path, receptive_field=1, **options)
    with warnings.catch_warnings():
        # That nothing is known about how a function treats tiles.
        warnings.simplefilter("ignore")
        return tl.plan_inference(
            thresholds(100), source, output=output, tile_size=tile_size
        )


def compared(plan, limit=110):
    job = dataclasses.replace(plan.job, predictor=thresholds(limit, "bfloat16"))
    with open_sources(plan.sources) as readers:
        return changed_labels(plan.job, job, plan.tiles, readers)


@pytest.fixture
def ramp(tmp_path):
    """60 x 80 pixels: each tile of 10 x 10 holds 50, 51, … 149."""
    tile = np.arange(100).reshape(10, 10) + 50
    return write(tmp_path / "ramp.tif", np.tile(tile, (6, 8)).astype("uint8"))


@pytest.mark.parametrize("output", ["labels", "both"])
def test_labels_that_change_are_counted(ramp, output):
    # 101 to 110 are above one limit and not above the other: 10 of 100.
    found = compared(planned(ramp, output))
    assert found.tile_count == LEAST_SAMPLES
    assert (found.compared, found.changed) == (400, 40)
    assert found.share == pytest.approx(0.1)
    assert found.largest == (10 if output == "both" else 0)
    values = ", and values by at most 10" if output == "both" else ""
    assert repr(found) == (
        f"bfloat16: 10.00 % of the labels of 4 sample tiles differ from float32{values}"
    )


def test_an_output_of_one_float_has_a_largest_difference(ramp):
    found = compared(planned(ramp, "value"))
    assert (found.compared, found.largest) == (0, 10)
    assert repr(found) == (
        "bfloat16: the values of 4 sample tiles differ from float32 by at most 10"
    )


def test_stacked_outputs_are_compared_one_by_one(ramp):
    found = compared(planned(ramp, ["both", "value"]))
    assert (found.compared, found.changed, found.largest) == (400, 40, 10)


def test_pixels_without_data_are_not_compared(tmp_path):
    values = np.full((60, 80), 105, "uint8")
    values[:, 40:] = 255
    values[0, 0] = 255
    path = write(tmp_path / "half.tif", values, nodata=255)
    found = compared(planned(path, "labels"))
    assert found.changed == found.compared
    assert found.compared in (399, 400)


def test_a_map_without_data_says_so(tmp_path):
    path = constant(tmp_path / "empty.tif", 255, nodata=255)
    found = compared(planned(path, "labels"))
    assert repr(found) == "bfloat16: no tile has data to compare with float32"
    assert found.share == 0


@pytest.mark.parametrize(("side", "count"), [(80, 1), (10, 4), (5, 9), (2, 9)])
def test_samples_are_few_and_spread_over_the_map(ramp, side, count, monkeypatch):
    from tutorial_lib.inference import precision

    plan, seen = planned(ramp, "labels", tile_size=side), []
    run_whole = precision.TileRunner.__call__

    def run(self, given):
        seen.append((given.tile.rows.start, given.tile.cols.start))
        return run_whole(self, given)

    monkeypatch.setattr(precision.TileRunner, "__call__", run)
    assert compared(plan).tile_count == count <= MOST_SAMPLES
    places = np.array(sorted(set(seen)))
    assert len(places) == count
    if count > 1:
        assert (np.ptp(places, axis=0) >= (25, 35)).all()


def test_only_float32_is_called_exact():
    assert in_precision(exact(64), "float32") == exact(64)
    assert in_precision(None, "bfloat16") is None
    coarse = in_precision(exact(64), "bfloat16")
    assert not coarse.exact
    assert "bfloat16" in repr(coarse)
    broken = dataclasses.replace(exact(64), exact=False, broken=("A rule.",))
    assert in_precision(broken, "bfloat16").broken[0] == "A rule."


def test_one_sample_tile_is_not_called_tiles():
    assert "1 sample tile differ" in repr(PrecisionChange("bfloat16", 1, 10, 0, 0.0))


@needs_bfloat16
def test_a_trained_network_changes_few_labels(served):
    scene = testing.small_scene()["input_10m"]
    plan = tl.plan_inference(
        served.model, scene, output="estimated_labels", tile_size=40
    )
    coarse = plan.job.predictor.in_precision("bfloat16")
    job = dataclasses.replace(plan.job, predictor=coarse)
    with open_sources(plan.sources) as readers:
        found = changed_labels(plan.job, job, plan.tiles, readers)
    assert found.compared > 4000
    assert 0 < found.share < 0.05


def test_the_recorded_folder_is_gone_after_a_keras_file_is_opened(
    served, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    served.model.save(tmp_path / "fcnn.keras")
    predict = load_predictor(tmp_path / "fcnn.keras", runner="openvino")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["fcnn.keras"]
    predict({"input": batch(20, 23)}, ["estimated"])


def test_openvino_starts_without_its_telemetry(tmp_path):
    code = "import tutorial_lib.networks.openvino as own; own._imported()"
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not list(tmp_path.rglob("*"))
