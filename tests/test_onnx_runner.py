"""ONNX files as models: images in the kit's order, and maps without TensorFlow."""

import dataclasses
import pickle
import subprocess
import sys
import tomllib

import keras
import numpy as np
import onnx
import pytest
import short_of_memory
from onnx import TensorProto, helper, numpy_helper
from scenes import batch

import tutorial_lib as tl
from tutorial_lib import architectures, testing
from tutorial_lib.networks import calls, onnx_files, onnxruntime
from tutorial_lib.networks.predictors import as_predictor, load_predictor
from tutorial_lib.rasters import read_array

RUNNERS = ("onnxruntime", "openvino")
ANY = ("batch", 3, "height", "width")


def save(path, nodes, inputs, outputs, weights=(), **metadata):
    """Write a network from its nodes; inputs and outputs are {name: (type, shape)}."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(n, *x) for n, x in inputs.items()],
        [helper.make_tensor_value_info(n, *x) for n, x in outputs.items()],
        [numpy_helper.from_array(x, n) for n, x in dict(weights).items()],
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def kernels(seed=0, classes=4, bands=3):
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(0, 1, (classes, bands, 3, 3)).astype("float32"),
        "bias": rng.normal(0, 1, classes).astype("float32"),
    }


def from_torch(path, shape=ANY, labels=True, **options):
    """A network as PyTorch exports it: channels first, labels without channels."""
    batch_size = shape[0]
    nodes = [
        helper.make_node(
            "Conv", ["x", "kernel", "bias"], ["scores"], kernel_shape=[3, 3]
        ),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    outputs = {"probabilities": (TensorProto.FLOAT, (batch_size, 4, None, None))}
    if labels:
        nodes.append(
            helper.make_node("ArgMax", ["scores"], ["labels"], axis=1, keepdims=0)
        )
        outputs["labels"] = (TensorProto.INT64, (batch_size, None, None))
    return save(
        path, nodes, {"x": (TensorProto.FLOAT, shape)}, outputs, kernels(), **options
    )


def computed(pixels):
    """What `from_torch` gives, computed by NumPy with the channels last."""
    weights = kernels()
    height, width = pixels.shape[1] - 2, pixels.shape[2] - 2
    scores = np.zeros((len(pixels), height, width, 4)) + weights["bias"]
    for row in range(3):
        for col in range(3):
            part = pixels[:, row : row + height, col : col + width]
            scores += part @ weights["kernel"][:, :, row, col].T.astype("float64")
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True), scores.argmax(-1)


@pytest.fixture(scope="module")
def torch_file(tmp_path_factory):
    return from_torch(tmp_path_factory.mktemp("torch") / "network.onnx")


@pytest.fixture(scope="module")
def kit_file(tmp_path_factory):
    """The pixel-wise network: the model and its file."""
    keras.utils.set_random_seed(0)
    model = architectures.pixelwise_fcnn(5, crops=())
    layer = model.get_layer("softmax")
    kernel, bias = layer.get_weights()
    layer.set_weights([100 * kernel, bias])
    return model, tl.export(model, tmp_path_factory.mktemp("kit") / "fcnn.onnx")


# Images in the order of the kit


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_network_of_pytorch_takes_images_with_channels_last(torch_file, runner):
    predict = load_predictor(torch_file, runner=runner)
    assert dict(predict.channels) == {"x": 3}
    assert predict.outputs == ("probabilities", "labels")
    assert predict.runner == runner
    for count, height, width in ((1, 9, 14), (3, 20, 5), (2, 3, 3)):
        pixels = np.random.default_rng(count).normal(size=(count, height, width, 3))
        given = predict({"x": pixels}, predict.outputs)
        probabilities, labels = computed(pixels)
        assert given["probabilities"].shape == (count, height - 2, width - 2, 4)
        np.testing.assert_allclose(given["probabilities"], probabilities, atol=1e-5)
        np.testing.assert_array_equal(given["labels"], labels[..., np.newaxis])


@pytest.mark.parametrize("runner", [None, "tensorflow", *RUNNERS])
def test_an_onnx_file_chooses_onnx_runtime_by_itself(torch_file, runner):
    if runner == "tensorflow":
        with pytest.raises(ValueError, match=r"does not run ONNX files .*'openvino'"):
            load_predictor(torch_file, runner=runner)
        return
    predict = load_predictor(torch_file, runner=runner)
    assert predict.runner == (runner or "onnxruntime")
    assert as_predictor(str(torch_file)).runner == "onnxruntime"


SOURCES = {
    "pixelwise_fcnn": {"input": (37, 58, 4)},
    "dual_source_fcnn": {"input_10m": (34, 58, 4), "input_20m": (17, 29, 6)},
}


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", SOURCES)
def test_both_orders_of_axes_give_what_keras_gives(tmp_path, name, layout, runner):
    keras.utils.set_random_seed(1)
    model = getattr(architectures, name)(3, crops=())
    layer = model.get_layer("softmax")
    kernel, bias = layer.get_weights()
    # So that labels differ from pixel to pixel.
    layer.set_weights([100 * kernel, bias])
    path = tl.export(model, tmp_path / "network.onnx", layout=layout)
    given, expected = load_predictor(path, runner=runner), as_predictor(model)
    assert dict(given.channels) == dict(expected.channels)
    assert set(given.outputs) == set(expected.outputs)
    inputs = {n: batch(*x, seed=i) for i, (n, x) in enumerate(SOURCES[name].items())}
    inputs = {n: np.concatenate([x, x[:, ::-1]]) for n, x in inputs.items()}
    one, other = (p(inputs, expected.outputs) for p in (given, expected))
    best = np.sort(other["estimated"], axis=-1)
    tie = best[..., -1] - best[..., -2] < 1e-5
    assert len(np.unique(other["estimated_labels"])) > 1
    for output, array in other.items():
        assert one[output].shape == array.shape
        assert one[output].dtype == array.dtype
        if output == "estimated_labels":
            assert (tie | (one[output] == array)[..., 0]).all()
        else:
            largest = 1e-5 * np.abs(array).max()
            np.testing.assert_allclose(one[output], array, rtol=0, atol=largest)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("size", [1, 4])
def test_a_fixed_number_of_images_is_filled_up(tmp_path, runner, size):
    path = from_torch(tmp_path / "x.onnx", (size, 3, "height", "width"))
    predict = load_predictor(path, runner=runner)
    for count in (1, size, size + 1, 2 * size + 3):
        pixels = np.random.default_rng(count).normal(size=(count, 6, 9, 3))
        given = predict({"x": pixels}, ["labels", "probabilities"])
        probabilities, labels = computed(pixels)
        np.testing.assert_allclose(given["probabilities"], probabilities, atol=1e-5)
        np.testing.assert_array_equal(given["labels"][..., 0], labels)


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_file_of_one_size_takes_this_size_and_tells_the_cure(tmp_path, runner):
    predict = load_predictor(
        from_torch(tmp_path / "x.onnx", (1, 3, 8, 12)), runner=runner
    )
    pixels = batch(8, 12, 3)
    given = predict({"x": pixels}, ["labels"])["labels"]
    np.testing.assert_array_equal(given[..., 0], computed(pixels)[1])
    with pytest.raises(ValueError, match=r"has 12x8 px.* of 8x12 px only") as caught:
        predict({"x": batch(12, 8, 3)}, ["labels"])
    assert "{'x': {0: 'batch', 2: 'height', 3: 'width'}}" in str(caught.value)
    assert "tl.export(model, 'model.onnx')" in str(caught.value)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("kind", ["uint8", "int16", "float16", "float64"])
def test_images_become_the_type_of_the_input(tmp_path, runner, kind):
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    nodes = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "kernel"], ["net"], kernel_shape=[1, 1]),
    ]
    eye = {"kernel": np.eye(3, dtype="float32").reshape(3, 3, 1, 1)}
    path = save(
        tmp_path / "x.onnx",
        nodes,
        {"x": (element, ANY)},
        {"net": (TensorProto.FLOAT, ANY)},
        eye,
    )
    # All of them are numbers of each type; a byte clamps what it cannot hold.
    values = np.array([-300, -2, 0, 7, 255, 1024], "float32")
    pixels = np.broadcast_to(values[:, None, None, None], (6, 4, 5, 3))
    given = load_predictor(path, runner=runner)({"x": pixels}, ["net"])["net"]
    expected = pixels.clip(0, 255) if kind == "uint8" else pixels
    np.testing.assert_array_equal(given, expected)


def test_a_vector_is_one_pixel(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("GlobalAveragePool", ["c"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["classes"], axis=1),
    ]
    path = save(
        tmp_path / "x.onnx",
        nodes,
        {"x": (TensorProto.FLOAT, ANY)},
        {"classes": (TensorProto.FLOAT, ("batch", 4))},
        kernels(),
    )
    given = load_predictor(path)({"x": batch(5, 6, 3)}, ["classes"])["classes"]
    assert given.shape == (1, 1, 1, 4)


# Only what is asked for, with the threads that it may use


def test_outputs_that_are_not_asked_for_are_not_computed(tmp_path):
    """The second output fails for every image: it has another number of pixels."""
    nodes = [
        helper.make_node(
            "Conv", ["x", "kernel", "bias"], ["good"], kernel_shape=[3, 3]
        ),
        helper.make_node("Reshape", ["good", "shape"], ["bad"]),
    ]
    shape = {"shape": np.array([1, 4, 7, 1009], "int64")}
    path = save(
        tmp_path / "x.onnx",
        nodes,
        {"x": (TensorProto.FLOAT, ANY)},
        {
            "good": (TensorProto.FLOAT, ("batch", 4, "rows", "cols")),
            "bad": (TensorProto.FLOAT, (1, 4, 7, 1009)),
        },
        kernels() | shape,
        made_by="remote-sensing-tutorial-kit",
        layout='"channels_first"',
    )
    predict = load_predictor(path)
    given = predict({"x": batch(5, 6, 3)}, ["good"])
    assert list(given) == ["good"]
    cause = r"images of \{.x.: \(1, 3, 5, 6\)\}: [^/]*cannot be reshaped.* Give sizes"
    with pytest.raises(ValueError, match=cause):
        predict({"x": batch(5, 6, 3)}, ["bad"])


def test_threads_are_limited_for_models_that_are_loaded_from_then_on(
    torch_file, monkeypatch
):
    monkeypatch.setattr(calls, "_threads", None)
    calls.limit_threads(1)
    function = load_predictor(torch_file).function
    options = function.run._for_outputs(("labels",)).get_session_options()
    assert options.intra_op_num_threads == 1


def test_results_stay_when_it_is_called_again(kit_file):
    predict = load_predictor(kit_file[1])
    pixels = batch(20, 23)
    first = predict({"input": pixels}, ["estimated"])["estimated"]
    before = first.copy()
    pixels[:] = 0
    second = predict({"input": pixels}, ["estimated"])["estimated"]
    np.testing.assert_array_equal(first, before)
    assert (first != second).any()


# Identity


def test_the_digest_is_that_of_the_file(torch_file, tmp_path):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(torch_file.read_bytes())
    digest = load_predictor(torch_file).digest
    assert len(digest) == 64
    assert load_predictor(copy).digest == digest
    assert load_predictor(copy, runner="openvino").digest == digest
    other = from_torch(tmp_path / "other.onnx", author="somebody")
    assert load_predictor(other).digest != digest


def test_weights_beside_the_file_count(torch_file, tmp_path):
    model = onnx.load(torch_file)
    path = tmp_path / "x.onnx"
    onnx.save(
        model, path, save_as_external_data=True, location="weights", size_threshold=0
    )
    assert (tmp_path / "weights").exists()
    digest = load_predictor(path).digest
    pixels = batch(5, 6, 3)
    given = load_predictor(path)({"x": pixels}, ["labels"])["labels"]
    np.testing.assert_array_equal(given[..., 0], computed(pixels)[1])
    content = bytearray((tmp_path / "weights").read_bytes())
    content[3] ^= 1
    (tmp_path / "weights").write_bytes(content)
    assert load_predictor(path).digest != digest
    (tmp_path / "weights").unlink()
    with pytest.raises(ValueError, match="ONNX file"):
        load_predictor(path)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("place", ["../secret", "{folder}/secret"])
def test_weights_of_other_folders_are_not_read(torch_file, tmp_path, place, runner):
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(kernels()["kernel"].tobytes())
    model = onnx.load(torch_file)
    tensor = model.graph.initializer[0]
    location = place.format(folder=tmp_path)
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    (folder / "x.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="ONNX file"):
        load_predictor(folder / "x.onnx", runner=runner)


@pytest.mark.parametrize("runner", RUNNERS)
def test_broken_weights_are_named(torch_file, tmp_path, runner):
    assert load_predictor(torch_file, runner=runner).broken_weight() is None
    model = onnx.load(torch_file)
    weights = kernels()["kernel"]
    weights[1, 2, 0, 0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "kernel"))
    onnx.save(model, tmp_path / "x.onnx")
    predict = load_predictor(tmp_path / "x.onnx", runner=runner)
    assert predict.broken_weight() == "kernel"


def test_a_predictor_knows_its_file_and_its_fields(torch_file):
    predict = load_predictor(torch_file)
    assert predict.path == torch_file.resolve()
    analysis = predict.analysis()
    assert analysis is predict.analysis()
    # A 3x3 kernel without padding reads one pixel more at each side.
    assert dict(analysis.total_stride) == {"x": 1}
    assert analysis.lost("probabilities") == (2, 2)
    assert predict.trace(("labels",)).outputs


# What cannot work is said


@pytest.mark.parametrize("content", [b"", b"12345", b"\x08"])
def test_a_broken_file_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"ONNX file.*Export the network again"):
        load_predictor(tmp_path / "x.onnx")


def test_a_missing_file_is_said():
    with pytest.raises(FileNotFoundError, match="There is no model"):
        load_predictor("missing.onnx")


@pytest.mark.parametrize("by_kit", [False, True])
def test_inputs_that_are_no_images_are_named(tmp_path, by_kit):
    nodes = [helper.make_node("Mul", ["vector", "vector"], ["net"])]
    made = {"made_by": "remote-sensing-tutorial-kit", "layout": "channels_last"}
    path = save(
        tmp_path / "x.onnx",
        nodes,
        {"vector": (TensorProto.FLOAT, ("batch", 5))},
        {"net": (TensorProto.FLOAT, ("batch", 5))},
        **(made if by_kit else {}),
    )
    with pytest.raises(ValueError, match=r"input 'vector' has the shape .*images"):
        load_predictor(path)


def test_operators_that_onnx_runtime_lacks_are_named(tmp_path):
    node = helper.make_node("Strange", ["x"], ["net"], domain="my.domain")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, ANY)
    net = helper.make_tensor_value_info("net", TensorProto.FLOAT, ANY)
    graph = helper.make_graph([node], "network", [image], [net])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("my.domain", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    made = {"made_by": "remote-sensing-tutorial-kit", "layout": "channels_first"}
    helper.set_model_props(model, made)
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(ValueError, match=r"cannot load .*Strange"):
        load_predictor(tmp_path / "x.onnx")
    with pytest.raises(ValueError, match=r"OpenVINO cannot read .*onnxruntime"):
        load_predictor(tmp_path / "x.onnx", runner="openvino")


def test_an_image_that_is_too_small_is_one_clear_error(kit_file):
    with pytest.raises(ValueError, match=r"\(1, 4, 5, 4\).*[^:.]\. Give sizes that"):
        load_predictor(kit_file[1])({"input": batch(4, 5)}, ["estimated"])


def test_a_lack_of_memory_is_a_memory_error(torch_file, monkeypatch):
    predict = load_predictor(torch_file)

    class Session:
        def run(self, *args):
            raise RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory")

    monkeypatch.setattr(predict.function.run, "_for_outputs", lambda names: Session())
    with pytest.raises(MemoryError, match=r"not enough memory .*Give it smaller"):
        predict({"x": batch(5, 6, 3)}, ["labels"])


@pytest.mark.thorough
def test_a_lack_of_memory_is_told_and_smaller_images_go_on(kit_file):
    short_of_memory.check_that_it_is_told(kit_file[1], "onnxruntime")


def test_bfloat16_is_refused(torch_file):
    predict = load_predictor(torch_file)
    assert predict.in_precision("float32") is predict
    with pytest.raises(ValueError, match=r"ONNX Runtime .*precision='float32'"):
        predict.in_precision("bfloat16")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_a_package_the_extra_is_named(
    torch_file, monkeypatch, repository, package
):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"]["onnx"]
    assert any(line.startswith(f"{package}>") for line in lines)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as caught:
        load_predictor(torch_file)
    assert f"pip install '{project['name']}[onnx]'" in str(caught.value)


def test_a_module_of_pytorch_is_no_function(monkeypatch):
    class Module:
        def __call__(self, image):
            return image

    torch = type(sys)("torch")
    torch.nn = type(sys)("torch.nn")
    torch.nn.Module = Module
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(TypeError, match=r"module of PyTorch.*torch\.onnx\.export"):
        as_predictor(Module())


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.ckpt"])
def test_files_of_pytorch_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"of PyTorch\. .*torch\.onnx\.export"):
        load_predictor(tmp_path / name)


# Other models in ONNX Runtime


def test_onnx_runtime_opens_a_keras_file(kit_file, tmp_path):
    model, _ = kit_file
    model.save(tmp_path / "fcnn.keras")
    given = load_predictor(tmp_path / "fcnn.keras", runner="onnxruntime")
    expected = as_predictor(model)
    assert given.runner == "onnxruntime"
    assert given.digest == expected.digest
    assert given.path == (tmp_path / "fcnn.keras").resolve()
    names = ("estimated_labels",)
    assert given.trace(names) == expected.trace(names)
    inputs = {"input": batch(20, 31)}
    for names in (["estimated"], expected.outputs):
        one, other = (p(inputs, names)["estimated"] for p in (given, expected))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_model_stays_what_it_was_when_its_file_is_replaced(torch_file, tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(torch_file.read_bytes())
    predict, pixels = load_predictor(path), batch(5, 6, 3)
    path.unlink()
    for names in (["labels"], ["probabilities", "labels"]):
        labels = predict({"x": pixels}, names)["labels"]
        np.testing.assert_array_equal(labels[..., 0], computed(pixels)[1])


def test_a_network_that_no_message_can_hold_is_run_whole(torch_file, monkeypatch):
    monkeypatch.setattr(onnxruntime, "LARGEST_MESSAGE", 0)
    pixels = batch(5, 6, 3)
    given = load_predictor(torch_file)({"x": pixels}, ["labels"])
    assert list(given) == ["labels"]
    np.testing.assert_array_equal(given["labels"][..., 0], computed(pixels)[1])


def test_a_part_of_a_network_keeps_what_the_branches_of_an_if_read():
    def branch(name, factor):
        node = helper.make_node("Mul", ["x", factor], [f"{name} result"])
        value = helper.make_tensor_value_info(f"{name} result", TensorProto.FLOAT, ANY)
        return helper.make_graph([node], name, [], [value])

    nodes = [
        helper.make_node("Sub", ["zero", "one"], ["less"]),
        helper.make_node("Add", ["one", "one"], ["more"]),
        helper.make_node("Exp", ["x"], ["other"]),
        helper.make_node(
            "If",
            ["choice"],
            ["net"],
            then_branch=branch("then", "more"),
            else_branch=branch("else", "less"),
        ),
    ]
    weights = {"zero": np.float32(0), "one": np.float32(1), "choice": np.array(True)}
    image = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ANY)]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ANY)
        for name in ("net", "other")
    ]
    known = [numpy_helper.from_array(np.asarray(x), n) for n, x in weights.items()]
    graph = helper.make_graph(nodes, "network", image, outputs, known)
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    part = onnx_files.cut_network(model, ["net"])
    assert [node.op_type for node in part.graph.node] == ["Sub", "Add", "If"]
    session = onnxruntime.new_session(part.SerializeToString())
    (given,) = session.run(None, {"x": np.ones((1, 3, 2, 2), "float32")})
    np.testing.assert_array_equal(given, np.full((1, 3, 2, 2), 2, "float32"))


def test_onnx_runtime_runs_no_saved_model(kit_file, tmp_path):
    folder = tl.export(kit_file[0], tmp_path / "served")
    with pytest.raises(ValueError, match=r"does not run SavedModels .*model\.onnx"):
        load_predictor(folder, runner="onnxruntime")


# Maps

MAP_ALONE = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
import tutorial_lib as tl
from tutorial_lib.networks.predictors import load_predictor
model, image, path, runner = sys.argv[1:]
network = load_predictor(model, runner=runner)
print(network.analysis())
tl.predict_raster(network, image, path, output="estimated_labels", progress=False)
certificate = tl.certify(network, "estimated", tile=16, progress=False)
assert certificate.exact
del sys.modules["tensorflow"], sys.modules["keras"]
loaded = [name.partition(".")[0] for name in sys.modules]
assert not {"tensorflow", "keras", "tf2onnx"} & set(loaded)
"""


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_map_needs_no_tensorflow(kit_file, tmp_path, runner):
    model, file = kit_file
    scene = str(testing.small_scene()["input_10m"])
    path = tmp_path / "map.tif"
    command = [sys.executable, "-c", MAP_ALONE, str(file), scene, str(path), runner]
    subprocess.run(command, check=True)
    plan = tl.plan_inference(model, scene, output="estimated_labels")
    given, expected = read_array(path), plan.read()
    assert given.shape == expected.shape
    # Ties: the whole scene has 16 065 pixels.
    assert (given != expected).mean() < 1e-3
    assert len(np.unique(given)) > 1


def test_the_plan_says_what_runs_the_model(kit_file):
    scene = testing.small_scene()["input_10m"]
    plan = tl.plan_inference(kit_file[1], scene, output="estimated")
    assert "with ONNX Runtime" in repr(plan)
    assert plan.derived


@pytest.mark.thorough
@pytest.mark.parametrize("runner", RUNNERS)
def test_tiles_give_the_map_of_the_whole_image(tmp_path, runner):
    """A network with 'same' padding, so that margins matter."""
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("ConvTranspose", ["b", "second"], ["net"], strides=[2, 2]),
    ]
    rng = np.random.default_rng(0)
    weights = {
        "first": rng.normal(size=(5, 4, 3, 3)).astype("float32"),
        "second": rng.normal(size=(5, 2, 2, 2)).astype("float32"),
    }
    path = save(
        tmp_path / "x.onnx",
        nodes,
        {"x": (TensorProto.FLOAT, ("batch", 4, "height", "width"))},
        {"net": (TensorProto.FLOAT, ("batch", 2, "rows", "cols"))},
        weights,
    )
    network = load_predictor(path, runner=runner)
    scene = testing.small_scene()["input_10m"]
    maps = [
        tl.plan_inference(network, scene, output="net", tile_size=side).read()
        for side in (34, 60, 400)
    ]
    largest = np.abs(maps[0]).max()
    for one in maps[1:]:
        np.testing.assert_allclose(one, maps[0], rtol=0, atol=1e-5 * largest)
    certificate = tl.certify(network, "net", tile=16, progress=False)
    assert certificate.exact
    assert certificate.margins == tl.analyse(path).margins["net"]


@pytest.mark.thorough
def test_a_map_that_was_ended_goes_on(kit_file, tmp_path):
    scene = testing.small_scene()["input_10m"]
    options = {"output": "estimated_labels", "tile_size": 40, "progress": False}
    path = tmp_path / "map.tif"
    tl.predict_raster(kit_file[1], scene, path, resume=True, **options)
    expected = tl.plan_inference(kit_file[1], scene, output="estimated_labels").read()
    np.testing.assert_array_equal(read_array(path), expected)


@pytest.mark.thorough
def test_workers_compute_the_same_map(kit_file, tmp_path):
    from distributed import Client, LocalCluster

    scene = testing.small_scene()["input_10m"]
    with (
        LocalCluster(1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        tl.predict_raster(
            kit_file[1],
            scene,
            tmp_path / "map.tif",
            output="estimated_labels",
            tile_size=40,
            executor=client,
            progress=False,
        )
    expected = tl.plan_inference(kit_file[1], scene, output="estimated_labels").read()
    np.testing.assert_array_equal(read_array(tmp_path / "map.tif"), expected)


def test_fields_may_be_declared(torch_file):
    source = tl.Source(testing.small_scene()["input_10m"], bands=(1, 2, 3))
    declared = dataclasses.replace(source, receptive_field=3)
    given = [
        tl.plan_inference(torch_file, one, output="labels", tile_size=33).read()
        for one in (source, declared)
    ]
    np.testing.assert_array_equal(*given)


def test_only_the_path_of_a_model_is_sent(torch_file):
    """What a worker gets is a file's name, not a session."""
    from tutorial_lib.inference.cluster import _model_file

    file = _model_file(load_predictor(torch_file), torch_file.parent)
    assert pickle.loads(pickle.dumps(file)).path == str(torch_file.resolve())
    assert file.runner == "onnxruntime"
