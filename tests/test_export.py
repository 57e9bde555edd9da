"""Saved and exported models: same results and names, also in a fresh process."""

import json
import logging
import resource
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from scenes import batch

import tutorial_lib as tl
from tutorial_lib.networks import saving
from tutorial_lib.networks.predictors import Predictor, as_predictor


class Small(tl.PatchModel):
    """A mean of 3x3 pixels, halved: quick to export."""

    def network(self, inputs):
        layer = keras.layers.Conv2D(2, 3, 2, kernel_initializer="he_normal", name="net")
        return {"estimated": layer(inputs["input"])}


def small(seed=0):
    keras.utils.set_random_seed(seed)
    return Small(crops=(2,)).build({"input": 4})


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small model, as it is, as a file, and exported from both."""
    folder = tmp_path_factory.mktemp("models")
    model = small()
    model.save(folder / "small.keras")
    tl.export(model, folder / "from_model")
    tl.export(folder / "small.keras", str(folder / "from_file"))
    return model, folder


# Names and numbers


@pytest.mark.parametrize("form", ["small.keras", "from_model", "from_file"])
@pytest.mark.parametrize(("height", "width"), [(9, 24), (31, 14)])
def test_each_form_predicts_the_same_for_images_of_any_size(
    exported, form, height, width
):
    model, folder = exported
    predict = tl.load_predictor(folder / form)
    assert dict(predict.channels) == {"input": 4}
    assert set(predict.outputs) == {"estimated", "estimated_crop2"}
    pixels = batch(height, width)
    given = predict({"input": pixels}, predict.outputs)
    expected = model({"input": pixels}, training=False)
    for name, array in given.items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6)
    height, width = (height - 3) // 2 + 1, (width - 3) // 2 + 1
    assert given["estimated"].shape == (1, height, width, 2)
    assert given["estimated_crop2"].shape == (1, max(height - 4, 0), width - 4, 2)


@pytest.mark.parametrize("form", ["small.keras", "from_model"])
def test_a_map_does_not_depend_on_the_form_of_the_model(exported, form):
    model, folder = exported
    source = tl.Source(tl.testing.small_scene()["input_10m"], receptive_field=3)
    options = {"output": "estimated", "scale_factor": 2, "tile_size": 31}
    expected = tl.plan_inference(model, source, **options).read()
    given = tl.plan_inference(folder / form, source, **options).read()
    assert given.shape == (59, 83, 2)
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_networks_of_two_sources_keep_all_names(tmp_path):
    model = tl.architectures.dual_source_fcnn(3, crops=())
    predict = tl.load_predictor(tl.export(model, tmp_path / "dual"))
    assert dict(predict.channels) == {"input_10m": 4, "input_20m": 6}
    inputs = {"input_20m": batch(17, 12, 6), "input_10m": batch(34, 24)}
    expected = model(inputs, training=False)
    for name, array in predict(inputs, sorted(model.output)).items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6)


def unnamed(kind):
    """Models whose outputs have no keys: they go by the names of their layers."""
    first, second = (keras.Input((None, None, 3), name=name) for name in "ab")
    double = keras.layers.Rescaling(2, name="double")
    total = keras.layers.Add(name="total")
    if kind == "sequential":
        return keras.Sequential([keras.Input((None, None, 3), name="a"), double])
    if kind == "bare":
        return keras.Model(first, double(first))
    return keras.Model([second, first], [total([first, second]), double(first)])


@pytest.mark.parametrize("kind", ["sequential", "bare", "lists"])
def test_outputs_without_keys_are_exported_under_the_names_of_their_layers(
    tmp_path, kind
):
    model = unnamed(kind)
    before = as_predictor(model)
    after = tl.load_predictor(tl.export(model, tmp_path / "served"))
    assert set(after.outputs) == set(before.outputs) >= {"double"}
    assert dict(after.channels) == dict(before.channels)
    inputs = {name: batch(6, 7, 3, i) for i, name in enumerate(before.channels)}
    given, expected = (p(inputs, p.outputs) for p in (after, before))
    for name in expected:
        np.testing.assert_array_equal(given[name], expected[name])


def test_exporting_prints_nothing(tmp_path, capfd):
    tl.export(small(), tmp_path / "served")
    assert capfd.readouterr() == ("", "")


def test_exporting_logs_nothing_in_an_interactive_python(tmp_path, monkeypatch):
    logger, heard = logging.getLogger("tensorflow"), []
    handler = logging.Handler()
    handler.emit = heard.append
    # TensorFlow chooses this level in a notebook.
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "handlers", [handler])
    logger.manager._clear_cache()
    tl.export(small(), tmp_path / "served")
    assert logger.level == logging.INFO
    assert heard == []


# Folders


def content(folder):
    return {path.name for path in folder.iterdir()}


def test_export_makes_folders_and_returns_the_path(tmp_path):
    path = tl.export(small(), str(tmp_path / "a" / "b"))
    assert path == tmp_path / "a" / "b"
    assert (path / "saved_model.pb").is_file()
    assert content(tmp_path / "a") == {"b"}


def test_export_fills_an_empty_folder_and_replaces_a_saved_model(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    pixels, results = batch(9, 9), []
    for seed in (1, 2):
        tl.export(small(seed), folder)
        results.append(tl.load_predictor(folder)({"input": pixels}, "estimated"))
        expected = small(seed)({"input": pixels})["estimated"]
        np.testing.assert_allclose(results[-1]["estimated"], expected, atol=1e-6)
    assert not np.allclose(results[0]["estimated"], results[1]["estimated"])
    assert content(tmp_path) == {"served"}


def test_export_does_not_replace_other_files(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(FileExistsError, match=r"exists and is not a SavedModel"):
            tl.export(small(), taken)
    assert content(tmp_path) == {"notes.txt"}


def test_export_does_not_delete_files_in_a_saved_model(tmp_path):
    folder = tl.export(small(), tmp_path / "served")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds other files too.*notes\.txt"):
        tl.export(small(), folder)
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("step", ["_write_saved_model", "_write_reach"])
def test_an_interrupted_export_changes_nothing(tmp_path, monkeypatch, step):
    folder = tl.export(small(1), tmp_path / "served")
    before = (folder / "saved_model.pb").read_bytes()

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    model = small(2)
    monkeypatch.setattr(saving, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        tl.export(model, folder)
    with pytest.raises(KeyboardInterrupt):
        tl.export(model, tmp_path / "new")
    assert content(tmp_path) == {"served"}
    assert (folder / "saved_model.pb").read_bytes() == before


@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_full_disk_is_told_in_one_sentence_and_keeps_the_old_folder(tmp_path, limit):
    """A limit of the size of a file stands in for the space on the disk."""
    folder = tl.export(small(1), tmp_path / "served")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for target in (folder, tmp_path / "new"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        try:
            with pytest.raises(OSError, match=rf"'.*{target.name}' could not be writ"):
                tl.export(small(2), target)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(tmp_path) == {"served"}
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_a_folder_that_cannot_be_written_is_named_before_the_model_is_read(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=r"file"):
        tl.export(tmp_path / "no.keras", tmp_path / "file" / "served")
    with pytest.raises(ValueError, match="'s3://bucket/served' is not a folder"):
        tl.export(tmp_path / "no.keras", "s3://bucket/served")


def test_export_never_replaces_the_model_that_it_reads(tmp_path):
    path = tmp_path / "models" / "small.keras"
    path.parent.mkdir()
    small().save(path)
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path.parent)
    for target in (path, path.parent, tmp_path / "link", tmp_path / "link/small.keras"):
        with pytest.raises(
            (ValueError, FileExistsError), match=r"small\.keras|not a S"
        ):
            tl.export(path, target)
    assert path.read_bytes() == before
    # A SavedModel with a `.keras` file of the same folder inside its variables.
    served = tl.export(small(), tmp_path / "served")
    inside = served / "assets" / "small.keras"
    inside.parent.mkdir(exist_ok=True)
    inside.write_bytes(before)
    with pytest.raises(ValueError, match=r"also an input.*small\.keras"):
        tl.export(inside, served)
    assert inside.read_bytes() == before


# An export gives what the model predicts


IN_TRAINING = {
    "dropout": lambda x: keras.layers.Dropout(0.5)(x, training=True),
    "noise": lambda x: keras.layers.GaussianNoise(0.9)(x, training=True),
    "statistics": lambda x: keras.layers.BatchNormalization()(x, training=True),
}


@pytest.mark.parametrize("name", IN_TRAINING)
def test_layers_that_are_called_in_training_are_served_in_prediction(tmp_path, name):
    image = keras.Input((None, None, 4), name="input")
    model = keras.Model({"input": image}, {"out": IN_TRAINING[name](image)})
    inputs = {"input": batch(9, 24).astype("float32")}
    expected = model.predict(inputs, verbose=0)["out"]
    served = tl.load_predictor(tl.export(model, tmp_path / "served"))
    for predict in (served, as_predictor(model)):
        for _ in range(2):
            np.testing.assert_allclose(predict(inputs, "out")["out"], expected)
    assert served.trace(("out",)).outputs["out"][0].margins == (0, 0)


# Models and folders that are refused


@pytest.mark.parametrize(
    ("wrong", "kind"), [(None, "nothing"), (3, "a number"), (["model"], "a list")]
)
def test_only_models_can_be_exported(tmp_path, wrong, kind):
    with pytest.raises(TypeError, match=f"Received: {kind}"):
        tl.export(wrong, tmp_path / "served")


def test_export_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model at '.*no\.keras'"):
        tl.export(tmp_path / "no.keras", tmp_path / "served")


def test_a_model_that_was_never_built_cannot_be_exported(tmp_path):
    model = keras.Sequential([keras.layers.Dense(2)], name="later")
    with pytest.raises(ValueError, match="'later' does not know its inputs"):
        tl.export(model, tmp_path / "served")
    assert content(tmp_path) == set()


def test_an_input_name_that_tensorflow_would_change_is_refused(tmp_path):
    pixels = keras.Input((None, None, 3), name="in-put")
    model = keras.Model({"in-put": pixels}, {"double": 2 * pixels})
    with pytest.raises(ValueError, match="keep the name of the input 'in-put'"):
        tl.export(model, tmp_path / "served")


def read_by_export(path):
    return tl.export(path, "served")


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-30],
    "other bytes": lambda data: bytes(range(256)) * 20,
    "changed inside": lambda data: data[:2000] + bytes(500) + data[2500:],
}


ZIP_DAMAGES = DAMAGES | {
    "of a later zip": lambda data: data.replace(b"\1\2\x14\3\x14", b"\1\2\x14\3\x62"),
}


@pytest.mark.parametrize("read", [tl.load_predictor, read_by_export])
@pytest.mark.parametrize("damage", ZIP_DAMAGES)
def test_a_damaged_keras_file_is_refused(tmp_path, monkeypatch, read, damage):
    monkeypatch.chdir(tmp_path)
    small().save("model.keras")
    data = Path("model.keras").read_bytes()
    Path("model.keras").write_bytes(ZIP_DAMAGES[damage](data))
    with pytest.raises(ValueError, match=r"^'model\.keras' .*(again|Import)"):
        read("model.keras")
    assert content(tmp_path) == {"model.keras"}


@pytest.mark.parametrize("read", [tl.load_predictor, read_by_export])
@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("old.h5", r"`keras.models.load_model\('old.h5'\).save\('old.keras'\)`"),
        ("old.hdf5", r"save\('old.keras'\)"),
        ("old.weights.h5", r"weights only.*load_weights"),
        ("model.pb", "it must be a `.keras` file or a SavedModel"),
        ("model", "it must be a `.keras` file or a SavedModel"),
        ("folder.keras/", "it must be a `.keras` file or a SavedModel"),
        ("folder/", "it must be a `.keras` file or a SavedModel"),
    ],
)
def test_other_forms_of_models_are_refused_with_what_to_do(
    tmp_path, monkeypatch, read, name, cure
):
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    if name.endswith("/"):
        path.mkdir()
    else:
        path.write_bytes(b"\x89HDF")
    with pytest.raises(ValueError, match=cure):
        read(path)


def test_a_model_of_an_older_form_is_saved_again_as_the_error_says(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    model, own = unnamed("bare"), small(1)
    for network, name in ((model, "old"), (own, "own")):
        network.save(f"{name}.h5")
        with pytest.raises(ValueError, match="Save it again") as caught:
            tl.load_predictor(f"{name}.h5")
        first, second = str(caught.value).split("`")[1::2]
        if name == "old":
            exec(first, {"keras": keras})
        else:
            again = small(2)
            exec(second, {"model": again})
            again.save("own.keras")
        digest = tl.load_predictor(f"{name}.keras").digest
        assert digest == as_predictor(network).digest


def test_a_layer_of_code_in_a_file_is_not_run_and_the_cure_is_told(tmp_path):
    image = keras.Input((None, None, 4), name="input")
    layer = keras.layers.Lambda(lambda x: x + 1, output_shape=(None, None, 4))
    keras.Model(image, layer(image)).save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match=r"Lambda layer, which is not run.*safe_mode"):
        tl.load_predictor(tmp_path / "code.keras")


@pytest.mark.parametrize("damage", ["gone", *DAMAGES])
@pytest.mark.parametrize(
    "part", ["saved_model.pb", "variables.index", "variables.data"]
)
def test_a_damaged_saved_model_is_refused(exported, tmp_path, part, damage):
    folder = shutil.copytree(exported[1] / "from_model", tmp_path / "served")
    (path,) = folder.rglob(f"{part}*")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if damage == "changed inside" and part != "saved_model.pb":
        # Too short for this damage to reach it, or found by a checksum.
        return
    with pytest.raises(ValueError, match=r"cannot be read: .*again|is not a model"):
        tl.load_predictor(folder)


def test_the_file_in_a_saved_model_means_its_folder(exported):
    folder = exported[1] / "from_model"
    predict = tl.load_predictor(folder / "saved_model.pb")
    assert predict.digest == tl.load_predictor(folder).digest


def changed(*keys, value):
    """A change of one entry of `reach.json`; None removes it."""

    def change(record):
        inner = record
        for key in keys[:-1]:
            inner = inner[key]
        if value is None:
            del inner[keys[-1]]
        else:
            inner[keys[-1]] = value
        return json.dumps(record)

    return change


ROWS = ("reach", "outputs", "estimated", 0)
DAMAGED_REACHES = {
    "empty": lambda record: "",
    "half": lambda record: json.dumps(record)[:200],
    "a list": lambda record: "[1, 2]",
    "a number": lambda record: "3",
    "null": lambda record: "null",
    "no text": lambda record: b"\xff\xfe\x00",
    "no reach": changed("reach", value=None),
    "no hash": changed("saved_model", value=None),
    "a reach of text": changed("reach", value="all"),
    "no outputs": changed("reach", "outputs", value=None),
    "outputs as a list": changed("reach", "outputs", value=[1]),
    "another output": changed("reach", "outputs", value={}),
    "no pair": changed("reach", "outputs", "estimated", value=[1]),
    "layers as a number": changed("reach", "whole_tile_layers", value=1),
    "memory as text": changed("reach", "bytes_per_pixel", value="much"),
    "no stride": changed(*ROWS, "stride", value=None),
    "stride 0": changed(*ROWS, "stride", value=0),
    "stride as text": changed(*ROWS, "stride", value="2"),
    "scale 0": changed(*ROWS, "scale", value="0"),
    "scale of no number": changed(*ROWS, "scale", value="1/0"),
    "scale as a list": changed(*ROWS, "scale", value=[1]),
    "pads as text": changed(*ROWS, "pads", value="no"),
    "borders of one side": changed(*ROWS, "borders", value=[1]),
    "starts of no source": changed(*ROWS, "starts", value={}),
    "starts of too few pixels": changed(*ROWS, "starts", value={"input": [0, 0, 0]}),
    "starts as text": changed(*ROWS, "starts", value={"input": ["0"]}),
    "spacing as a list": changed(*ROWS, "spacing", value=["1"]),
    "spacing of another source": changed(*ROWS, "spacing", value={"image": "1"}),
}


@pytest.mark.parametrize("damage", DAMAGED_REACHES)
def test_a_damaged_reach_makes_the_model_opaque(exported, tmp_path, damage):
    folder = shutil.copytree(exported[1] / "from_model", tmp_path / "served")
    file = folder / "reach.json"
    text = DAMAGED_REACHES[damage](json.loads(file.read_text()))
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    predict = tl.load_predictor(folder)
    assert "estimated" in predict({"input": batch(9, 9)}, "estimated")
    with pytest.raises(ValueError, match=r"(damaged|another network).*tl\.certify"):
        predict.trace(("estimated",))
    source = tl.testing.small_scene()["input_10m"]
    with pytest.raises(ValueError, match=r"(damaged|another network).*tl\.certify"):
        tl.plan_inference(folder, source, output="estimated")


@pytest.mark.parametrize("read", [tl.load_predictor, read_by_export])
def test_a_file_that_is_not_from_keras_3_is_refused(tmp_path, read):
    path = tmp_path / "old.keras"
    path.write_bytes(b"\x89HDF")
    with pytest.raises(ValueError, match=r"'.*old\.keras' is not a model saved by Ker"):
        read(path)


def test_an_archive_without_a_model_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("notes.txt", "mine")
    version = keras.__version__
    with pytest.raises(ValueError, match=rf"by Keras {version} \(not saved by Keras\)"):
        tl.load_predictor(tmp_path / "other.keras")


def test_an_unknown_layer_is_named_with_the_version_that_saved_it(tmp_path):
    class Halved(keras.layers.Layer):
        def call(self, inputs):
            return inputs / 2

    pixels = keras.Input((None, None, 3), name="image")
    keras.Model(pixels, Halved(name="net")(pixels)).save(tmp_path / "own.keras")
    message = rf"\(saved by {keras.__version__}\): .*'Halved'.*Import the module"
    with pytest.raises(ValueError, match=message):
        tl.load_predictor(tmp_path / "own.keras")


def test_a_broken_saved_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"SavedModel '.*' cannot be read: Cannot pa"):
        tl.load_predictor(tmp_path)


# Calling a loaded model


@pytest.mark.parametrize("form", ["small.keras", "from_file"])
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"inputs": batch(9, 9)},
            r"named \['inputs'\], those of the model \['input'\]",
        ),
        ({}, r"named \[\], those of the model \['input'\]"),
        (
            {"input": batch(9, 9), "more": batch(9, 9)},
            r"named \['input', 'more'\], those of the model \['input'\]",
        ),
        ({"input": batch(9, 9, 3)}, r"\(1, 9, 9, 3\).*takes \(batch, .*width, 4\)\."),
        ({"input": batch(9, 9)[0]}, r"shape \(9, 9, 4\).*`image\[np\.newaxis\]`"),
    ],
)
def test_inputs_with_wrong_names_or_shapes_are_refused(exported, form, inputs, message):
    predict = tl.load_predictor(exported[1] / form)
    with pytest.raises(ValueError, match=message):
        predict(inputs, ["estimated"])


def test_inputs_without_names_are_refused(exported):
    predict = tl.load_predictor(exported[1] / "from_file")
    with pytest.raises(TypeError, match=r"`inputs` is an array.*{'input': array}\."):
        predict(batch(9, 9), ["estimated"])


@pytest.mark.parametrize("form", ["small.keras", "from_file"])
def test_an_unknown_output_is_refused_with_the_known_ones(exported, form):
    predict = tl.load_predictor(exported[1] / form)
    message = "no output 'labels'. It has: estimated, estimated_crop2"
    with pytest.raises(ValueError, match=message):
        predict({"input": batch(9, 9)}, ["estimated", "labels"])


def test_a_single_output_may_be_named_without_a_list(exported):
    predict = tl.load_predictor(exported[1] / "from_file")
    assert list(predict({"input": batch(9, 9)}, "estimated")) == ["estimated"]


def test_a_function_may_have_outputs_of_any_name():
    predict = Predictor(lambda inputs, outputs: {"net": inputs["x"]}, {}, ())
    np.testing.assert_array_equal(
        predict({"x": batch(3, 4)}, "net")["net"], batch(3, 4)
    )


# In a fresh process

RECORDED = Path(tl.__file__).parent / "recorded"
SIDES = {"input": 64, "input_10m": 64, "input_20m": 32, "input_p": 64, "input_xs": 16}

LOAD_ALL = """
import json, sys
{imports}
import numpy as np

report = {{}}
for path in sys.argv[2:]:
    images = dict(np.load(sys.argv[1]))
    model = keras.models.load_model(path)
    inputs = {{
        name: np.repeat(images[name], tensor.shape[-1], axis=-1)
        for name, tensor in model.input.items()
    }}
    predict = tl.load_predictor(path)
    by_keras = np.asarray(model(inputs, training=False)["estimated"])
    report[path] = {{
        "class": type(model).__name__,
        "compiled": model.compiled,
        "digest": predict.digest,
        "estimated": by_keras.ravel()[:50].tolist(),
        "same": bool(np.allclose(by_keras, predict(inputs, "estimated")["estimated"])),
    }}
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A `.keras` file with metrics of the library, its model, and an image for it."""
    folder = tmp_path_factory.mktemp("saved")
    rng = np.random.default_rng(0)
    images = {
        name: rng.integers(0, 4000, (1, side, side + side // 2, 1)).astype("float32")
        for name, side in SIDES.items()
    }
    np.savez(folder / "images.npz", **images)
    model = tl.architectures.pixelwise_fcnn(2, crops=())
    metrics = [tl.training.ClassMetrics(("a", "b")), tl.training.FScore(1, "f_b")]
    model.compile(loss={"estimated": "mse"}, metrics={"estimated": metrics})
    model.save(folder / "compiled.keras")
    return folder, model, images


IMPORTS = {
    "keras first": "import keras\nimport tutorial_lib as tl",
    "library first": "import tutorial_lib as tl\nimport keras",
    "a module of the library first": "import tutorial_lib.networks.patch_model\n"
    "import keras, tutorial_lib as tl",
}


@pytest.fixture(scope="module")
def loaded_elsewhere(saved):
    """What a fresh process with an order of imports reports: {file name: report}.

    All orders register the same names, so one of them opens the recorded models too.
    """
    folder, *_ = saved

    @cache
    def report(order):
        recorded = sorted(RECORDED.glob("*.keras")) if order == "keras first" else []
        files = [folder / "compiled.keras", *recorded]
        return load_elsewhere(IMPORTS[order], folder / "images.npz", files)

    return report


def load_elsewhere(imports, images, files):
    command = [sys.executable, "-c", LOAD_ALL.format(imports=imports), images, *files]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    return {Path(path).name: found for path, found in report.items()}


@pytest.mark.slow
@pytest.mark.parametrize("order", IMPORTS)
def test_a_fresh_process_opens_a_saved_model_by_keras_alone(
    saved, loaded_elsewhere, order
):
    _, model, images = saved
    found = loaded_elsewhere(order)["compiled.keras"]
    assert (found["class"], found["compiled"]) == ("TargetModel", True)
    assert found["digest"] == as_predictor(model).digest
    pixels = np.repeat(images["input"], 4, axis=-1)
    expected = np.asarray(model({"input": pixels}, training=False)["estimated"])
    np.testing.assert_allclose(found["estimated"], expected.ravel()[:50], atol=1e-6)
    assert found["same"]


@pytest.mark.slow
def test_a_fresh_process_opens_the_recorded_models(loaded_elsewhere):
    """Their files name modules that have moved since, such as tutorial_lib.models."""
    recorded = {path.name for path in RECORDED.glob("*.keras")}
    reports = loaded_elsewhere("keras first")
    assert len(recorded) >= 5
    assert set(reports) == recorded | {"compiled.keras"}
    for name in recorded:
        found = reports[name]
        assert found["class"] == "TargetModel"
        assert found["same"]
        assert np.ptp(found["estimated"]) > 0
        assert found["digest"] == tl.load_predictor(RECORDED / name).digest


class OfKnownSize(keras.layers.Layer):
    """A layer that must know the size of its image, as a bilinear UpSampling2D."""

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        return x * keras.ops.ones((x.shape[1], 1, 1))


def test_a_layer_that_must_know_the_size_is_not_exported(tmp_path):
    image = keras.Input((None, None, 2), name="input")
    model = keras.Model({"input": image}, {"out": OfKnownSize()(image)})
    with pytest.raises(ValueError, match=r"cannot export .* of any size.*\.keras"):
        tl.export(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()
