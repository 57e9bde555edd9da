"""The command line gives what the library gives, and obeys each of its options."""

import contextlib
import errno
import functools
import inspect
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pyogrio
import pytest
import rasterio
import tensorflow as tf
from rasterio.windows import Window
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.commands import actions, demo
from tutorial_lib.commands.given import SOURCE_OPTIONS
from tutorial_lib.commands.parser import EXAMPLES, build_parser, main
from tutorial_lib.commands.training import ARCHITECTURES

SIZES = {"input": 16, "input_10m": 16, "input_20m": 8}


def run(words, *rest):
    """Run one action in this process, and fail if it fails."""
    assert main([*shlex.split(words), *map(str, rest)]) == 0


def each(option, values):
    return [f"--{option}={name}={value}" for name, value in values.items()]


def patches_of(folder, area, *names):
    return {name: folder / f"{area}_{name}.tif" for name in (*names, "labels")}


@pytest.fixture(scope="module")
def scene():
    """Paths of the small scene; `input` is the 10 m image."""
    paths = dict(tl.testing.small_scene())
    return paths | {"input": paths["input_10m"]}


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    """Patches of two areas, cut by the command line (here: two random draws)."""
    folder = tmp_path_factory.mktemp("patches")
    names = ("input", "input_10m", "input_20m")
    for seed, area in enumerate("ab"):
        run(
            f"patches --count 10 --margin 8 --seed {seed} --prefix {area}_",
            *each("source", {name: scene[name] for name in names}),
            *each("size", SIZES),
            *("--labels", scene["labels"], "--out-dir", folder),
        )
    return folder


def training(folder, architecture, *names):
    """The words of `train` without its settings."""
    return [
        *("train", "--architecture", architecture),
        *each("train", patches_of(folder, "a", *names)),
        *each("valid", patches_of(folder, "b", *names)),
    ]


def train(folder, model, words):
    training_words = training(folder, "pixelwise_fcnn", "input")
    if "--legend-from" not in words:
        words += " --class-count 4"
    return main([*training_words, "--model", str(model), *shlex.split(words)])


@pytest.fixture
def fits(monkeypatch):
    """The arguments of each `fit`, which does not train: the action is interrupted."""
    calls = []

    def fit(self, x, y=None, **options):
        calls.append({"model": self, "x": x, **options})
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", fit)
    return calls


@pytest.fixture
def eager(monkeypatch):
    """Networks train without a graph, which is faster for two or three steps.

    A function that ends this: Keras reads the optimizer only with its own `compile`.
    """
    compile_network = keras.Model.compile

    def compile_eager(self, *args, **options):
        compile_network(self, *args, run_eagerly=True, **options)

    monkeypatch.setattr(keras.Model, "compile", compile_eager)
    return monkeypatch.undo


def steps_of(model):
    """Number of batches that a saved model was trained on."""
    return int(keras.models.load_model(model).optimizer.iterations)


# From rasters to a map


@pytest.fixture(scope="module")
def terminal(scene, folder, tmp_path_factory):
    """Files that the actions write when each runs in its own process."""
    out = tmp_path_factory.mktemp("terminal")
    names = ("input_10m", "input_20m")
    commands = [
        [
            *training(folder, "dual_source_fcnn", *names),
            *("--legend-from", scene["labels"], "--model", out / "fcnn.keras"),
            *("--batch-size", "9", "--epochs", "1", "--seed", "5"),
            *("--learning-rate", "0.003"),
        ],
        ["export", "--model", out / "fcnn.keras", "--directory", out / "served"],
        [
            # The coarse source comes first, so it is the reference.
            *("map", *each("source", {name: scene[name] for name in reversed(names)})),
            *each("receptive-field", {name: SIZES[name] for name in names}),
            *("--output", "estimated_labels", "--tile-size", "40"),
            *("--legend-from", scene["labels"], "--model", out / "served"),
            *("--out", out / "map.tif"),
        ],
    ]
    code = (
        "import json, sys; from tutorial_lib.commands.parser import main; "
        "sys.exit(max(map(main, json.loads(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(commands, default=str)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return out


@pytest.fixture(scope="module")
def by_hand(folder, tmp_path_factory):
    """The best epoch of the same training, written as in the notebooks."""
    best = tmp_path_factory.mktemp("library") / "best.keras"
    keras.utils.set_random_seed(5)
    batches = [
        tl.patch_dataset(
            patches_of(folder, area, "input_10m", "input_20m"),
            class_count=4,
            batch_size=9,
            shuffle=area == "a",
            seed=5,
        )
        for area in "ab"
    ]
    model = tl.architectures.dual_source_fcnn(4)
    model.compile(
        keras.optimizers.Adam(0.003), loss={"estimated": "categorical_crossentropy"}
    )
    keep_best = keras.callbacks.ModelCheckpoint(best, save_best_only=True)
    model.fit(
        batches[0],
        validation_data=batches[1],
        epochs=1,
        verbose=0,
        callbacks=[keep_best],
    )
    return best


@pytest.mark.slow
def test_the_command_line_trains_the_same_weights_as_the_library(terminal, by_hand):
    ours, theirs = (
        keras.models.load_model(path, compile=False).get_weights()
        for path in (terminal / "fcnn.keras", by_hand)
    )
    assert len(ours) > 0
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_the_command_line_writes_the_same_map_as_the_library(scene, terminal, by_hand):
    plan = tl.plan_inference(
        tl.export(by_hand, by_hand.with_name("served")),
        {
            name: tl.Source(scene[name], receptive_field=SIZES[name])
            for name in ("input_20m", "input_10m")
        },
        output="estimated_labels",
        tile_size=40,
        legend=tl.read_legend(scene["labels"]),
    )
    path = terminal / "map.tif"
    labels = rasters.read_array(path)
    np.testing.assert_array_equal(labels, plan.read())
    assert labels.shape == (53, 77, 1)
    assert len(np.unique(labels)) > 1
    assert tl.read_grid(path) == plan.grid
    assert tl.read_legend(path) == tl.read_legend(scene["labels"])


# patches


def test_patches_equal_those_of_the_library_and_their_files_are_printed(
    scene, tmp_path, capsys
):
    positions = tl.select_positions(
        scene["labels"], strategy="total", count=30, margin=20, nodata=3, seed=6
    )
    run(
        "patches --strategy total --count 30 --margin 20 --nodata 3 --seed 6",
        *each("source", {"input_20m": scene["input_20m"]}),
        *each("size", {"input_20m": 6}),
        *("--labels", scene["labels"], "--out-dir", tmp_path),
    )
    expected = tl.extract_patches(
        {"input_20m": scene["input_20m"]}, positions, sizes={"input_20m": 6}
    )
    printed = capsys.readouterr().out
    assert expected.arrays.keys() == {"input_20m", "labels"}
    for name, array in expected.arrays.items():
        path = tmp_path / f"{name}.tif"
        np.testing.assert_array_equal(tl.read_patches(path), array)
        assert f"\n{name}={path}\n" in printed


def test_positions_are_read_from_a_vector_file_and_its_field(scene, tmp_path, capsys):
    positions = tl.select_positions(scene["labels"], count=5, margin=9)
    path = positions.to_file(tmp_path / "positions.geojson")
    path.write_text(path.read_text().replace('"class"', '"cover"'))
    run(
        "patches --field cover",
        *each("source", {"input": scene["input"]}),
        *each("size", {"input": 4}),
        *("--positions", path, "--out-dir", tmp_path),
    )
    expected = tl.extract_patches(
        {"input": scene["input"]}, positions, sizes={"input": 4}
    )
    given = tl.read_patches(tmp_path / "input.tif")
    np.testing.assert_array_equal(given, expected.arrays["input"])
    assert "20 patches" in capsys.readouterr().out


def test_refused_positions_are_counted_with_the_nodata_value_of_the_source(
    scene, tmp_path, capsys
):
    row, col = 30, 40
    value = rasters.read_array(scene["input"])[row, col, 1]
    words = [
        *("patches", "--labels", scene["labels"], "--out-dir", tmp_path),
        *("--strategy", "all", *each("source", {"input": scene["input"]})),
        *each("size", {"input": 1}),
        *each("bands", {"input": "2"}),
    ]
    run("", *words, *each("source-nodata", {"input": value}))
    out = capsys.readouterr().out
    assert re.search(r"; [1-9]\d* refused: [1-9]\d* .*in 'input'", out)
    assert tl.read_patches(tmp_path / "input.tif").shape[1:] == (1, 1, 1)
    assert (tl.read_patches(tmp_path / "input.tif") != value).all()


def test_bands_of_a_source_that_is_given_twice_are_stacked(scene, tmp_path):
    source = f"--source=input={scene['input']}"
    run(
        "patches --count 2 --margin 9 --size input=3 --bands input=8,1",
        *(source, source, "--labels", scene["labels"], "--out-dir", tmp_path),
    )
    both = tl.read_patches(tmp_path / "input.tif")
    run(
        "patches --count 2 --margin 9 --size input=3",
        *(source, "--labels", scene["labels"], "--out-dir", tmp_path),
    )
    once = tl.read_patches(tmp_path / "input.tif")
    np.testing.assert_array_equal(both, once[..., [3, 0]])


# train


def curve(log_dir):
    """Validation losses in the logs for TensorBoard."""
    events = EventAccumulator(str(log_dir / "validation")).Reload()
    losses = [tf.make_ndarray(e.tensor_proto) for e in events.Tensors("epoch_loss")]
    return list(map(float, losses))


SETTINGS = "--batch-size 13 --learning-rate 0.02 --seed 2"


@pytest.fixture(scope="module")
def trained(folder, scene, tmp_path_factory):
    """A training of five epochs: its model, its printed text, and its losses.

    The learning rate is so large that the last epoch is not the best.
    """
    out = tmp_path_factory.mktemp("trained")
    model, logs = out / "new" / "fcnn.keras", out / "logs"
    words = f"{SETTINGS} --epochs 5 --log-dir {logs} --legend-from {scene['labels']}"
    with contextlib.redirect_stdout(io.StringIO()) as text:
        assert train(folder, model, words) == 0
    return model, text.getvalue(), curve(logs)


@pytest.mark.slow
def test_the_training_obeys_its_settings(trained):
    model, text, losses = trained
    epochs = re.findall(r"^Epoch (\d)/5$", text, re.MULTILINE)
    assert epochs == ["1", "2", "3", "4", "5"]
    # 40 patches in batches of 13 are 4 batches.
    assert len(re.findall(r"^4/4 - ", text, re.MULTILINE)) == 5
    assert len(losses) == 5
    saved = keras.models.load_model(model)
    assert float(saved.optimizer.learning_rate) == pytest.approx(0.02)
    best = int(np.argmin(losses)) + 1
    assert int(saved.optimizer.iterations) == best * 4
    assert f"'{model}' is epoch {best} of 5" in text
    assert [path.name for path in model.parent.iterdir()] == ["fcnn.keras"]


def test_the_best_epoch_is_kept_and_its_scores_are_printed(trained, folder, scene):
    model, text, losses = trained
    assert losses[-1] > min(losses)
    valid = tl.patch_dataset(
        patches_of(folder, "b", "input"), class_count=4, shuffle=False
    )
    best = keras.models.load_model(model)
    scores = best.evaluate(valid, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(min(losses), rel=1e-5)
    names = tl.read_legend(scene["labels"]).names
    expected = repr(tl.training.evaluate_classes(best, valid, names=names))
    assert text.endswith(f"{expected}\n")


@pytest.mark.slow
def test_patience_stops_the_training_like_the_replay(trained, folder, tmp_path):
    words = f"{SETTINGS} --epochs 5 --log-dir {tmp_path} --patience 0"
    assert train(folder, tmp_path / "a.keras", words) == 0
    _, _, losses = trained
    replay = tl.training.replay_early_stopping({"val_loss": losses}, patience=0)
    stopped = curve(tmp_path)
    assert len(stopped) == replay.epochs_run < 5
    assert stopped == losses[: len(stopped)]


@pytest.mark.parametrize("patience", [None, 0, 3])
def test_patience_is_given_to_early_stopping(folder, tmp_path, fits, patience):
    words = "" if patience is None else f"--patience {patience}"
    assert train(folder, tmp_path / "a.keras", words) == 130
    stopping = [
        callback.patience
        for callback in fits[0]["callbacks"]
        if isinstance(callback, keras.callbacks.EarlyStopping)
    ]
    assert stopping == ([] if patience is None else [patience])


def test_the_seed_decides_weights_and_order(folder, tmp_path, fits):
    for seed in (1, 1, 2):
        assert train(folder, tmp_path / "a.keras", f"--seed {seed}") == 130
    kernels = [np.array(call["model"].get_weights()[0]) for call in fits]
    batches = [next(iter(call["x"]))[0]["input"].numpy() for call in fits]
    for first, same, other in (kernels, batches):
        assert np.array_equal(first, same)
        assert not np.array_equal(first, other)


def test_the_scale_of_the_values_is_given_to_the_network(
    folder, tmp_path, fits, monkeypatch
):
    build, scales = tl.architectures.pixelwise_fcnn, []

    def note(*args, **options):
        scales.append(options.get("scale"))
        return build(*args, **options)

    monkeypatch.setattr(tl.architectures, "pixelwise_fcnn", note)
    assert train(folder, tmp_path / "a.keras", "--scale 0.25") == 130
    assert train(folder, tmp_path / "a.keras", "") == 130
    assert scales == [0.25, None]


def test_inputs_are_standardised_on_request(folder, tmp_path, fits):
    assert train(folder, tmp_path / "a.keras", "--standardise") == 130
    assert train(folder, tmp_path / "a.keras", "") == 130
    layers = [call["model"].get_layer("input_scaled") for call in fits]
    pixels = tl.read_patches(folder / "a_input.tif").reshape(-1, 4)
    assert np.allclose(layers[0].get_config()["mean"], pixels.mean(0))
    assert np.allclose(layers[0].get_config()["variance"], pixels.var(0))
    assert isinstance(layers[1], keras.layers.Rescaling)


def test_defaults_of_the_training_are_those_of_the_tutorial(folder, tmp_path, fits):
    assert train(folder, tmp_path / "a.keras", "") == 130
    (call,) = fits
    assert call["epochs"] == 100
    # 40 patches in batches of 8.
    assert len(call["x"]) == 5
    assert float(call["model"].optimizer.learning_rate) == pytest.approx(2e-4)


def test_a_diverging_training_keeps_the_old_model(folder, tmp_path, capsys, eager):
    model = tmp_path / "a.keras"
    model.write_text("old")
    words = "--epochs 1 --batch-size 40 --learning-rate 1e30"
    assert train(folder, model, words) == 1
    assert "Use a smaller learning rate" in capsys.readouterr().err
    assert model.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


@pytest.fixture
def at_the_end_of_an_epoch(monkeypatch):
    """Function that has something happen when an epoch was trained and kept."""

    def register(number, happen):
        class Event(keras.callbacks.EarlyStopping):
            def on_epoch_end(self, epoch, logs=None):
                if epoch + 1 == number:
                    happen()

        monkeypatch.setattr(keras.callbacks, "EarlyStopping", Event)

    return register


def interrupt():
    raise KeyboardInterrupt


def send(name):
    os.kill(os.getpid(), getattr(signal, name))


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("happen", "code"),
    [
        (interrupt, 130),
        (functools.partial(send, "SIGINT"), 130),
        (functools.partial(send, "SIGTERM"), 143),
        (functools.partial(send, "SIGHUP"), 129),
    ],
)
def test_an_ended_training_keeps_its_best_epoch(
    folder, tmp_path, capsys, eager, at_the_end_of_an_epoch, happen, code
):
    at_the_end_of_an_epoch(2, happen)
    model = tmp_path / "a.keras"
    model.write_text("old")
    words = "--epochs 9 --batch-size 40 --patience 9"
    assert train(folder, model, words) == code
    message = f"interrupted: '{model}' is the best epoch until now"
    assert capsys.readouterr().err == f"tutorial-lib: {message}\n"
    eager()
    assert steps_of(model) in (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


@pytest.fixture
def saving_stops(monkeypatch):
    """Function that has the saving of the n-th epoch end with an error, half-way."""
    save = keras.Model.save

    def register(number, error):
        calls = []

        def save_half(self, path, **options):
            save(self, path, **options)
            calls.append(path)
            if len(calls) == number:
                whole = Path(path).read_bytes()
                Path(path).write_bytes(whole[: len(whole) // 2])
                raise error

        monkeypatch.setattr(keras.Model, "save", save_half)

    return register


@pytest.mark.slow
def test_an_interrupted_saving_does_not_replace_the_epoch_before(
    folder, tmp_path, capsys, eager, saving_stops
):
    model = tmp_path / "a.keras"
    model.write_text("old")
    words = "--epochs 9 --batch-size 40 --learning-rate 0.0001"
    saving_stops(1, KeyboardInterrupt())
    assert train(folder, model, words) == 130
    assert model.read_text() == "old"
    assert capsys.readouterr().err == "tutorial-lib: interrupted\n"
    saving_stops(2, KeyboardInterrupt())
    assert train(folder, model, words) == 130
    assert "is the best epoch until now" in capsys.readouterr().err
    eager()
    assert steps_of(model) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_full_disk_keeps_the_old_model(
    folder, tmp_path, capsys, eager, saving_stops, number
):
    model = tmp_path / "a.keras"
    model.write_text("old")
    saving_stops(number, OSError(errno.ENOSPC, "No space left on device"))
    words = "--epochs 9 --batch-size 40 --learning-rate 0.0001"
    assert train(folder, model, words) == 1
    assert capsys.readouterr().err == (
        f"tutorial-lib: error: '{model}' could not be written: No space left on "
        "device. No part of it is left. Check that its folder can be written and that "
        "the disk has space.\n"
    )
    assert model.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


@pytest.mark.parametrize("full", [True, False])
def test_a_log_that_cannot_be_written_is_one_sentence(
    folder, tmp_path, capsys, eager, monkeypatch, full
):
    model, logs = tmp_path / "a.keras", tmp_path / "logs"
    model.write_text("old")
    usage = shutil.disk_usage(tmp_path)
    # The disk is full for the kit to see, once TensorFlow has said so.
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: usage._replace(free=0 if full else 10**9)
    )

    def fail(self, epoch, logs=None):
        why = f"{{{{function_node x}}}} {self.log_dir}/events; Permission denied [Op:W]"
        raise tf.errors.PermissionDeniedError(None, None, why)

    monkeypatch.setattr(keras.callbacks.TensorBoard, "on_epoch_end", fail)
    assert train(folder, model, f"--epochs 1 --batch-size 40 --log-dir {logs}") == 1
    why = "No space left on device" if full else f"{logs}/events; Permission denied"
    error = capsys.readouterr().err
    assert f"error: '{logs}' could not be written: {why}. No part" in error
    assert error.count("\n") == 1
    assert model.read_text() == "old"


def test_logs_that_may_lack_epochs_are_told(
    folder, tmp_path, capsys, eager, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    words = f"--epochs 1 --batch-size 40 --log-dir {tmp_path / 'logs'}"
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert train(folder, tmp_path / "a.keras", words) == 0
    assert "epochs may be missing in the logs" in capsys.readouterr().err


@pytest.mark.slow
def test_two_trainings_onto_one_model_do_not_share_a_part(
    folder, tmp_path, eager, at_the_end_of_an_epoch
):
    model = tmp_path / "a.keras"

    def train_beside():
        # Only once, because the inner training also calls this.
        assert train(folder, model, "--epochs 1 --batch-size 40") == 0
        assert zipfile.is_zipfile(model)

    at_the_end_of_an_epoch(2, train_beside)
    words = "--epochs 2 --batch-size 20 --learning-rate 0.0001 --patience 9"
    assert train(folder, model, words) == 0
    eager()
    assert steps_of(model) in (2, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_patches_of_several_areas_are_joined(folder, tmp_path, fits):
    again = shlex.join(each("train", patches_of(folder, "b", "input")))
    assert train(folder, tmp_path / "a.keras", f"--batch-size 8 {again}") == 130
    (call,) = fits
    # 40 patches of each area, in batches of 8.
    assert len(call["x"]) == 10
    assert sum(len(inputs["input"]) for inputs, _ in call["x"]) == 80


def test_every_network_can_be_chosen_and_its_inputs_are_right():
    assert set(ARCHITECTURES) == set(tl.architectures.__all__)
    for name, inputs in ARCHITECTURES.items():
        depth = {"depth": 3} if name == "deeper_unet" else {}
        model = getattr(tl.architectures, name)(2, crops=(), **depth)
        assert tuple(model.input) == inputs


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("architecture", "layers"),
    [("pan_xs_unet", 4), ("deeper_unet --depth 3", 3), ("pooled_cnn", 0)],
)
def test_networks_are_built_for_the_bands_of_the_patches(
    tmp_path, fits, architecture, layers
):
    rng = np.random.default_rng(0)
    shapes = {"input_p": (16, 16, 2), "input_xs": (4, 4, 3), "labels": (16, 16, 1)}
    if not layers:
        shapes = {"input": (16, 16, 5), "labels": (1, 1, 1)}
    for area in "ab":
        for name, shape in shapes.items():
            array = rng.integers(0, 2, (3, *shape)).astype("uint8")
            tl.write_patches(tmp_path / f"{area}_{name}.tif", array)
    names = [name for name in shapes if name != "labels"]
    words = training(tmp_path, "pooled_cnn", *names)
    words[2:3] = architecture.split()
    assert main([*words, "--class-count=2", f"--model={tmp_path}/a.keras"]) == 130
    model = fits[0]["model"]
    channels = {name: tensor.shape[-1] for name, tensor in model.input.items()}
    assert channels == {name: shapes[name][-1] for name in names}
    # There is a transposed convolution for each halving except the first, and one for
    # the classifier.
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(keras.layers.Conv2DTranspose) == layers
    # The network fits the labels: one eager step of the training has a loss.
    model.compile(model.optimizer, model.loss, run_eagerly=True)
    inputs, targets = next(iter(fits[0]["x"]))
    assert model.train_on_batch(inputs, targets, return_dict=True)["loss"] > 0


# map


@pytest.fixture
def plans(monkeypatch):
    """The arguments of each planned map; the plan itself is refused."""
    calls = []

    @functools.wraps(tl.plan_inference)
    def plan_inference(**arguments):
        calls.append(arguments)
        raise ValueError("planned")

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    return calls


def test_the_map_obeys_its_settings(scene, plans):
    words = (
        "map --model m.keras --source b=b.tif --source a=a1.tif --source a=a2.tif "
        "--receptive-field a=16 --bands a=3,1 --source-nodata b=-9999 --scaled a "
        "--classes 3,1 "
        "--output x --output y --out map.tif --mode patch_based --expression-field 4 "
        "--scale-factor 2.5 --tile-size 64 --window 3 5 70 90 --edge pad "
        "--nodata-rule none --background -1"
    )
    words += f" --legend-from {scene['labels']}"
    assert main(words.split()) == 1
    (plan,) = plans
    assert list(plan["sources"]) == ["b", "a"]
    a, b = Path("a1.tif"), Path("b.tif")
    assert plan == {
        "model": Path("m.keras"),
        "sources": {
            "b": tl.Source(b, nodata=-9999),
            "a": tl.Source(
                [a, Path("a2.tif")], receptive_field=16, bands=[3, 1], scaled=True
            ),
        },
        "classes": (1, 3),
        "output": ["x", "y"],
        "mode": "patch_based",
        "expression_field": 4,
        "scale_factor": 2.5,
        "tile_size": 64,
        "window": Window(col_off=5, row_off=3, width=90, height=70),
        "edge": "pad",
        "nodata_rule": None,
        "background": -1,
        "legend": tl.Legend(("meadow", "town"), ("#efd700", "#ff0004"), (1, 3)),
    }


def test_settings_that_are_not_given_keep_the_defaults_of_the_library(plans):
    words = "map --model m.keras --source a=a.tif --output x --out map.tif"
    assert main(words.split()) == 1
    (plan,) = plans
    assert plan.keys() == {"model", "sources", "output", "legend"}
    assert (plan["output"], plan["legend"]) == (["x"], None)


def options_of(action, capsys):
    """The options in the help of an action, and the text of each."""
    with pytest.raises(SystemExit) as stop:
        main([action, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert EXAMPLES[action] in text
    found = re.findall(r"^  --([a-z-]+)(.*(?:\n {6,}.*)*)", text, re.MULTILINE)
    # `feedback` has files only.
    assert len(found) >= 2 or "  FILE " in text
    return {name.replace("-", "_"): " ".join(rest.split()) for name, rest in found}


def test_each_option_of_map_is_an_argument_of_predict_raster(capsys):
    options = set(options_of("map", capsys))
    # The options of sources are arguments of `Source`, and --runner is one of
    # `load_predictor`.
    others = {*SOURCE_OPTIONS, "runner", "dry_run"}
    assert others < options
    renamed = {"source": "sources", "out": "path", "legend_from": "legend"}
    renamed |= {"workers": "executor", "dask": "executor"}
    arguments = set(inspect.signature(tl.predict_raster).parameters)
    # `progress` depends on the terminal.
    expected = arguments - {"progress"}
    assert {renamed.get(x, x) for x in options - others} == expected


def test_each_option_of_a_source_is_an_argument_of_source():
    arguments = inspect.signature(tl.Source).parameters
    assert set(SOURCE_OPTIONS.values()) == set(arguments) - {"path"}


def test_the_map_has_the_given_type_background_and_window(scene, folder, tmp_path):
    model = tmp_path / "a.keras"
    tl.architectures.pixelwise_fcnn(4, crops=()).save(model)
    words = "--receptive-field input=16 --output estimated_labels --dtype int16"
    run(
        f"map {words} --background -1 --window 3 5 40 50 --tile-size auto",
        *("--model", model, *each("source", {"input": scene["input"]})),
        *("--out", tmp_path / "map.tif"),
    )
    given = rasters.read_array(tmp_path / "map.tif")
    assert (given.dtype, rasters.read_nodata(tmp_path / "map.tif")) == ("int16", -1)
    source = tl.Source(scene["input"], receptive_field=16)
    whole = tl.plan_inference(model, source, output="estimated_labels").read()
    np.testing.assert_array_equal(given, whole[3:43, 5:55])


# Class numbers, layers, scale tags


@pytest.fixture(scope="module")
def crops(scene, tmp_path_factory):
    """A label raster of the classes 10, 20, 30 and 40, with a legend."""
    labels = rasters.read_array(scene["labels"])
    classes = np.array([10, 20, 30, 40] + [0] * 251 + [255], "uint8")
    legend = tl.testing.SMALL_LEGEND
    return rasters.write_array(
        tmp_path_factory.mktemp("crops") / "crops.tif",
        classes[labels],
        tl.read_grid(scene["labels"]),
        nodata=255,
        legend=tl.Legend(legend.names, legend.colors, classes=(10, 20, 30, 40)),
    )


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("patches", "training", "names"),
    [
        ("--classes 10,30", "--classes 10,30", ["10", "30"]),
        ("--classes 30,10", "--classes 30,10 --legend-from", ["water", "forest"]),
        ("", "--legend-from", ["water", "meadow", "forest", "town"]),
    ],
)
def test_class_numbers_stay_from_the_labels_to_the_map(
    scene, crops, tmp_path, capsys, eager, patches, training, names
):
    wanted = {"10": "water", "20": "meadow", "30": "forest", "40": "town"}
    numbers = [int(k) for k, name in wanted.items() if {k, name} & set(names)]
    source = each("source", {"input": scene["input"]})
    run(
        f"patches --count 5 --margin 8 --size input=16 {patches}",
        *(*source, "--labels", crops, "--out-dir", tmp_path),
    )
    assert np.unique(tl.read_patches(tmp_path / "labels.tif")).tolist() == numbers
    files = {name: tmp_path / f"{name}.tif" for name in ("input", "labels")}
    words = training.replace("--legend-from", f"--legend-from {crops}")
    run(
        f"train --architecture pixelwise_fcnn --epochs 1 --batch-size 40 {words}",
        *(*each("train", files), *each("valid", files)),
        *("--model", tmp_path / "a.keras"),
    )
    table = capsys.readouterr().out.partition("F-score\n")[2].splitlines()
    assert [line.split()[0] for line in table[: len(names)]] == names
    run(
        f"map --output estimated_labels {words}",
        *(*source, "--model", tmp_path / "a.keras", "--out", tmp_path / "map.tif"),
    )
    found = set(np.unique(rasters.read_array(tmp_path / "map.tif")).tolist())
    assert found - {255}
    assert found <= {*numbers, 255}


def test_classes_that_the_legend_does_not_have_are_refused(
    folder, crops, tmp_path, capsys
):
    words = [
        *training(folder, "pixelwise_fcnn", "input"),
        *("--model", tmp_path / "a.keras", "--legend-from", crops),
    ]
    assert main([*map(str, words), "--classes", "10,50"]) == 1
    assert "50 is not in the legend of" in capsys.readouterr().err


def test_positions_are_read_from_a_layer_and_for_some_classes(scene, tmp_path, capsys):
    positions = tl.select_positions(scene["labels"], count=5, margin=9)
    path = positions.to_file(tmp_path / "positions.gpkg")
    only = pyogrio.read_info(path)["layer_name"]
    meta, _, points, fields = pyogrio.raw.read(path)
    pyogrio.raw.write(
        path,
        points[:7],
        field_data=[field[:7] for field in fields],
        fields=meta["fields"],
        geometry_type="Point",
        crs=meta["crs"],
        layer="second",
        append=True,
    )
    words = [
        *("patches", *each("source", {"input": scene["input"]})),
        *(*each("size", {"input": 4}), "--positions", path, "--out-dir", tmp_path),
    ]
    run("", *words, "--layer", "second")
    assert "7 patches" in capsys.readouterr().out
    run("", *words, "--layer", only, "--classes", "1,3")
    assert "10 patches" in capsys.readouterr().out
    labels = tl.read_patches(tmp_path / "labels.tif")
    assert np.unique(labels).tolist() == [1, 3]


def test_the_scale_tag_of_a_source_is_applied_on_request(scene, tmp_path):
    path = tmp_path / "scaled.tif"
    shutil.copy(scene["input"], path)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.0001,) * 4, (-0.1,) * 4
    words = [
        *("patches", *each("source", {"input": path}), "--size=input=4"),
        *("--labels", scene["labels"], "--margin", "9", "--count", "3"),
    ]
    run("", *words, "--out-dir", tmp_path / "stored")
    run("", *words, "--out-dir", tmp_path / "scaled", "--scaled", "input")
    stored, scaled = (
        tl.read_patches(tmp_path / name / "input.tif") for name in ("stored", "scaled")
    )
    assert stored.dtype == "uint16"
    np.testing.assert_allclose(scaled, stored * 0.0001 - 0.1, rtol=1e-5)


def test_the_tag_of_the_label_raster_says_what_has_no_label(scene, tmp_path):
    labels = rasters.read_array(scene["labels"])
    path = rasters.write_array(
        tmp_path / "tagged.tif", labels, tl.read_grid(scene["labels"]), nodata=2
    )
    words = [
        *("patches", *each("source", {"input": scene["input"]}), "--size=input=4"),
        *("--labels", path, "--margin", "9", "--count", "3"),
    ]
    run("", *words, "--out-dir", tmp_path)
    found = np.unique(tl.read_patches(tmp_path / "labels.tif"))
    assert 2 not in found
    run("", *words, "--out-dir", tmp_path, "--nodata", "255")
    assert 2 in tl.read_patches(tmp_path / "labels.tif")


# Inputs are not destroyed


def fingerprints(folder):
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture(scope="module")
def ingredients(scene, folder, tmp_path_factory):
    """A folder with all that the actions read."""
    place = tmp_path_factory.mktemp("ingredients")
    for name in ("input", "labels"):
        shutil.copy(scene[name], place / f"{name}.tif")
        shutil.copy(folder / f"a_{name}.tif", place / f"a_{name}.tif")
    tl.architectures.pixelwise_fcnn(4, crops=()).save(place / "m.keras")
    positions = tl.select_positions(scene["labels"], count=5, margin=9)
    positions.to_file(place / "p.geojson")
    return place


@pytest.fixture
def project(ingredients, tmp_path, monkeypatch):
    """A copy of the ingredients as the working folder, with links."""
    shutil.copytree(ingredients, tmp_path, dirs_exist_ok=True)
    (tmp_path / "link.tif").symlink_to("input.tif")
    (tmp_path / "hard.tif").hardlink_to(tmp_path / "input.tif")
    (tmp_path / "same").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CUT = "patches --source input=input.tif --size input=4 --margin 9 --count 3 "
FIT = (
    "train --architecture pixelwise_fcnn --epochs 1 --class-count 4 "
    "--train input={x} --train labels={y} --valid input={x} --valid labels={y} "
)
PREDICT = "map --model m.keras --source input=input.tif --output estimated_labels "


@pytest.mark.parametrize(
    "words",
    [
        f"{CUT} --labels labels.tif --out-dir .",
        f"{CUT} --labels labels.tif --out-dir same",
        f"{CUT} --labels same/a_labels.tif --out-dir . --prefix a_",
        "patches --source input=hard.tif --size input=4 --positions p.geojson "
        "--out-dir .",
        FIT.format(x="x.keras", y="a_labels.tif") + "--model x.keras",
        FIT.format(x="a_input.tif", y="y.keras") + "--model same/y.keras",
        FIT.format(x="x.keras", y="a_labels.tif") + "--model linked.keras",
        f"{PREDICT} --out input.tif",
        f"{PREDICT} --out same/input.tif",
        f"{PREDICT} --out link.tif",
        f"{PREDICT} --out hard.tif",
        f"{PREDICT} --out m.keras",
        f"{PREDICT} --legend-from labels.tif --out ./labels.tif",
        "export --model m.keras --directory m.keras",
        "export --model m.keras --directory .",
        "export --model m.keras --directory same",
    ],
)
def test_no_action_writes_over_what_it_reads(project, capsys, words):
    # GDAL reads patches whatever the ending of their file.
    shutil.copy("a_input.tif", "x.keras")
    shutil.copy("a_labels.tif", "y.keras")
    Path("linked.keras").symlink_to("x.keras")
    before = fingerprints(project)
    assert main(shlex.split(words)) == 1
    error = capsys.readouterr().err
    assert error.startswith("tutorial-lib: error: ")
    assert error.count("\n") == 1
    assert fingerprints(project) == before


# Files that cannot be read or written


@pytest.fixture(scope="module")
def damaged(scene, folder, tmp_path_factory):
    """Function of a kind of damage and a good file: the path of a file like it."""
    place = tmp_path_factory.mktemp("damaged")

    def make(kind, good):
        path = place / f"{kind}{good.suffix}"
        if kind == "folder":
            path.mkdir(exist_ok=True)
        elif kind == "cut":
            path.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
        elif kind != "missing":
            path.write_text({"empty": "", "text": "some words\n"}[kind])
        return path

    return make


GOOD = {
    "patches --source": f"{CUT} --labels labels.tif --out-dir out",
    "patches --labels": f"{CUT} --labels labels.tif --out-dir out",
    "patches --positions": "patches --source input=input.tif --size input=4 "
    "--positions p.geojson --out-dir out",
    "train --train": FIT.format(x="a_input.tif", y="a_labels.tif")
    + "--model out/m.keras",
    "train --valid": FIT.format(x="a_input.tif", y="a_labels.tif")
    + "--model out/m.keras",
    "train --legend-from": FIT.format(x="a_input.tif", y="a_labels.tif").replace(
        "--class-count 4", "--legend-from labels.tif"
    )
    + "--model out/m.keras",
    "export --model": "export --model m.keras --directory out/served",
    "map --model": f"{PREDICT} --out out/map.tif",
    "map --source": f"{PREDICT} --out out/map.tif",
    "map --legend-from": f"{PREDICT} --out out/map.tif --legend-from labels.tif",
}


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "cut"])
@pytest.mark.parametrize("option", GOOD)
def test_a_file_that_cannot_be_read_is_one_sentence(
    project, damaged, capsys, eager, option, kind
):
    words = shlex.split(GOOD[option])
    index = words.index(option.split()[1]) + 1
    name, equals, value = words[index].rpartition("=")
    path = damaged(kind, project / value)
    words[index] = f"{name}{equals}{path}"
    before = fingerprints(project)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith("tutorial-lib: error: ")
    assert error.count("\n") == 1
    assert str(path) in error or path.name in error
    assert "PYTHONDEVMODE" not in error
    assert "See previous exception" not in error
    assert fingerprints(project) == before


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (GOOD["patches --labels"], "--out-dir"),
        (GOOD["train --train"], "--model"),
        (f"{GOOD['train --train']} --log-dir logs", "--log-dir"),
        (GOOD["export --model"], "--directory"),
        (GOOD["map --model"], "--out"),
    ],
)
@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("file/x/y{end}", "file' is not a folder"),
        ("s3://bucket/y{end}", "of this machine"),
        ("/vsimem/y{end}", "of this machine"),
        ("{long}{end}", "File name too long"),
        ("", "Give the path"),
    ],
)
def test_a_place_that_cannot_be_written_is_found_before_any_work(
    project, capsys, monkeypatch, words, option, value, match
):
    monkeypatch.setattr(keras.Model, "fit", pytest.fail)
    monkeypatch.setattr(tl, "select_positions", pytest.fail, raising=False)
    monkeypatch.setattr(tl, "plan_inference", pytest.fail, raising=False)
    (project / "file").write_text("")
    words = shlex.split(words)
    end = ".keras" if option == "--model" else ".tif" if option == "--out" else ""
    words[words.index(option) + 1] = value.format(end=end, long="n" * 256)
    before = fingerprints(project)
    if not value and option == "--model":
        with pytest.raises(SystemExit):
            main(words)
        return
    assert main(words) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(rf"tutorial-lib: error: .*{match}.*\n", error)
    assert fingerprints(project) == before


@pytest.mark.parametrize("option", ["--log-dir", "--out-dir", "--directory"])
def test_a_file_in_the_place_of_a_folder_is_refused(project, capsys, option):
    words = {
        "--log-dir": f"{GOOD['train --train']} --log-dir logs",
        "--out-dir": GOOD["patches --labels"],
        "--directory": GOOD["export --model"],
    }[option]
    words = shlex.split(words)
    words[words.index(option) + 1] = "input.tif"
    before = fingerprints(project)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "input.tif'" in error
    assert error.count("\n") == 1
    assert fingerprints(project) == before


def test_a_folder_in_the_place_of_a_file_is_refused(project, capsys):
    for words in (f"{PREDICT} --out same", f"{PREDICT} --out new/"):
        assert main(shlex.split(words)) == 1
        assert "is a folder. Give the path of a file" in capsys.readouterr().err
    Path("d.keras").mkdir()
    words = GOOD["train --train"].replace("out/m.keras", "d.keras")
    assert main(shlex.split(words)) == 1
    assert "'d.keras' is a folder" in capsys.readouterr().err


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more(monkeypatch, capsys):
    def fail(options):
        raise KeyError("a fault of the kit")

    monkeypatch.setattr(actions, "export", fail)
    words = ["export", "--model", "m.keras", "--directory", "x"]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "tutorial-lib: error: KeyError: 'a fault of the kit'. `PYTH"
    )
    assert error.count("\n") == 1


# Errors and help


MAP = "map --model {m} --source input={image} --output estimated --out out.tif"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("export --model no.keras --directory x", "There is no model at 'no.keras'"),
        (f"{MAP} --scale-factor 1", "has no receptive field"),
        (f"{MAP} --receptive-field input=12", "The network refuses"),
        (f"{MAP} --receptive-field input=16 --output no", "no output 'no'"),
        (f"{MAP} --legend-from {{image}}", "has no legend"),
        (f"{MAP} --source other={{image}}", r"'other'"),
        (
            "patches --source input=no.tif --size input=3 --labels {labels} "
            "--out-dir p",
            "There is no raster at 'no.tif'",
        ),
        (
            "patches --source input={image} --size in=3 --labels {labels} --out-dir p",
            "['in']",
        ),
    ],
)
def test_an_error_is_one_line_without_traceback(
    scene, tmp_path, capsys, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "a.keras"
    if "{m}" in words:
        tl.architectures.pixelwise_fcnn(4, crops=()).save(model)
    places = {"m": model, "image": scene["input"], "labels": scene["labels"]}
    assert main(shlex.split(words.format(**places))) == 1
    error = capsys.readouterr().err
    assert error.startswith("tutorial-lib: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("area", "name", "shape", "message"),
    [
        ("a", "input", (12, 12, 4), r"does not take .* --train, .*\(12, 12"),
        ("a", "input", (20, 20, 4), r"--train, .* into \(5, 5\) px"),
        ("b", "input", (16, 16, 3), r"does not take .* --valid, .*16, 3\)"),
        ("b", "labels", (4, 4, 1), r"--valid, .* labels have \(4, 4\)"),
        ("a", "extra", (16, 16, 4), r"--train has .*extra, .* needs input, labels"),
    ],
)
def test_wrong_patches_are_refused_before_the_training(
    tmp_path, capsys, area, name, shape, message
):
    shapes = {"input": (16, 16, 4), "labels": (1, 1, 1)}
    for each_area in "ab":
        for each_name, each_shape in shapes.items():
            path = tmp_path / f"{each_area}_{each_name}.tif"
            tl.write_patches(path, np.zeros((4, *each_shape), "uint8"))
    path = tmp_path / f"{area}_{name}.tif"
    tl.write_patches(path, np.zeros((4, *shape), "uint8"))
    words = f"--train=extra={path}" if name == "extra" else ""
    assert train(tmp_path, tmp_path / "m.keras", words) == 1
    captured = capsys.readouterr()
    assert re.search(message, captured.err)
    assert "Epoch" not in captured.out


PATCHES = "patches --source a=a.tif --size a=3 --out-dir x "
TRAIN = "train --model m.keras --train a=a.tif --valid a=a.tif --class-count 4 "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "the following arguments are required: ACTION"),
        ("draw", "invalid choice: 'draw'"),
        ("export --model m.keras", "arguments --directory --out is required"),
        (PATCHES, "one of the arguments --positions --labels is required"),
        (f"{PATCHES} --positions p --labels l", "not allowed with"),
        (f"{PATCHES} --positions p --seed 3", "--seed goes with --labels"),
        (f"{PATCHES} --labels l --field c", "--field goes with --positions"),
        (f"{PATCHES} --labels l --layer c", "--layer goes with --positions"),
        (f"{PATCHES} --positions p --nodata 3", "--nodata goes with --labels"),
        (f"{PATCHES} --labels l --scaled b", "--scaled: there is no source 'b'"),
        (f"{PATCHES} --labels l --classes 1,x", "'x' is not a whole number, 0 or m"),
        (f"{PATCHES} --labels l --classes 1,-2", "'-2' is not a whole number"),
        (f"{PATCHES} --labels l --size a=4", "--size: 'a' is given 2 times"),
        (
            f"{PATCHES} --labels l --bands b=1",
            "--bands: there is no source 'b'",
        ),
        ("patches --source a.tif", "'a.tif' does not have the form NAME=PATH"),
        ("patches --size a=x", "'x' is not a whole number"),
        ("patches --size a=0", "0 is too small"),
        ("map --source-nodata a=x", "'x' in 'a=x' is not a number"),
        ("train --learning-rate -1", "'-1' is not a positive number"),
        ("train --patience x", "'x' is not a whole number, 0 or more"),
        ("train --seed -1", "'-1' is not a whole number, 0 or more"),
        ("train --seed 4294967296", "Give at most 4294967295"),
        ("train --scale 0", "'0' is not a positive number"),
        ("train --epoch 3", "required: --model"),
        ("train --architecture vgg", "invalid choice: 'vgg'"),
        (f"{TRAIN} --architecture pooled_cnn --model m.h5", "does not end in .keras"),
        (f"{TRAIN} --architecture pooled_cnn --classes 1,2", "does not go with"),
        (f"{TRAIN} --architecture pooled_cnn --log-dir m.keras", "are the same path"),
        (f"{TRAIN} --architecture pooled_cnn --log-dir m.keras/a/b", "within --model"),
        (TRAIN.replace("--class-count 4", "--architecture pooled_cnn"), "is required"),
        ("map --tile-size big", "'big' is not a whole number"),
        ("map --window 1 2 3", "expected 4 arguments"),
    ],
)
def test_a_wrong_command_line_ends_with_exit_code_2_and_the_reason(
    capsys, words, message
):
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(words))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: tutorial-lib")
    assert message in error


@pytest.mark.parametrize("words", ["deeper_unet", "pooled_cnn --depth 3"])
def test_depth_is_required_by_deeper_unet_and_by_no_other_network(
    folder, words, capsys
):
    names = ARCHITECTURES[words.split()[0]]
    paths = [patches_of(folder, area, "input") for area in "ab"]
    paths = [{**dict.fromkeys(names, p["input"]), "labels": p["labels"]} for p in paths]
    rest = [*each("train", paths[0]), *each("valid", paths[1])]
    with pytest.raises(SystemExit):
        run(f"train --model m.keras --class-count 4 --architecture {words}", *rest)
    assert "--depth and --architecture deeper_unet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("happen", "code"),
    [
        (interrupt, 130),
        (functools.partial(send, "SIGTERM"), 143),
        (functools.partial(send, "SIGHUP"), 129),
    ],
)
def test_an_ended_action_has_the_usual_exit_code(monkeypatch, capsys, happen, code):
    monkeypatch.setattr(actions, "export", lambda options: happen())
    assert main(["export", "--model", "m.keras", "--directory", "x"]) == code
    assert capsys.readouterr().err == "tutorial-lib: interrupted\n"


def test_handlers_of_signals_are_restored_and_those_of_others_are_kept(monkeypatch):
    seen = []
    words = ["export", "--model", "m.keras", "--directory", "x"]

    def note(options):
        numbers = (signal.SIGTERM, signal.SIGHUP)
        seen.append([signal.getsignal(number) for number in numbers])

    monkeypatch.setattr(actions, "export", note)
    before = signal.getsignal(signal.SIGTERM)
    # `nohup` has SIGHUP ignored.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(words) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL
    (term, hup), *_ = seen
    assert callable(term)
    assert hup is signal.SIG_IGN
    # Only the main thread may set handlers.
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(words)))
    thread.start()
    thread.join()
    assert codes == [0]
    assert seen[1] == [signal.SIG_DFL, signal.SIG_DFL]


def test_a_warning_is_one_line(scene, tmp_path, capsys):
    words = "patches --count 99999 --size input=3"
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        run(
            words,
            *each("source", {"input": scene["input"]}),
            *("--labels", scene["labels"], "--out-dir", tmp_path),
        )
    error = capsys.readouterr().err
    assert re.fullmatch(r"tutorial-lib: warning: Class \d has .*\n", error)


@pytest.mark.parametrize("action", EXAMPLES)
def test_each_option_is_explained_in_the_help(action, capsys):
    unexplained = [
        name
        for name, text in options_of(action, capsys).items()
        # After the placeholder for the value, in capitals or in braces.
        if not re.search(r"[a-z]{2} [a-z(]", re.sub(r"\{.*?\}", "", text))
    ]
    assert unexplained == []


@pytest.mark.parametrize("action", EXAMPLES)
def test_the_examples_can_be_parsed(action):
    _, *texts = EXAMPLES[action].split("tutorial-lib ")
    assert texts
    for text in texts:
        options = build_parser().parse_args(shlex.split(text.replace("\\\n", "")))
        assert callable(options.action)


@pytest.mark.parametrize(
    ("action", "function"),
    [
        ("patches", tl.select_positions),
        ("patches", tl.extract_patches),
        ("train", tl.patch_dataset),
        ("certify", tl.certify),
        ("map", tl.plan_inference),
        ("map", tl.predict_raster),
        ("distortion", tl.distortion_curve),
    ],
)
def test_the_defaults_in_the_help_are_those_of_the_functions(action, function, capsys):
    texts = options_of(action, capsys)
    compared = 0
    for name, parameter in inspect.signature(function).parameters.items():
        printed = re.search(r"\(default: ([^)]*)\)", texts.get(name, ""))
        simple = isinstance(parameter.default, str | int)
        if printed and simple and not isinstance(parameter.default, bool):
            assert printed[1].strip("'") == str(parameter.default), name
            compared += 1
    assert (
        compared
        >= {
            "train": 2,
            "patches": 1,
            "map": 4,
            "certify": 1,
            "distortion": 2,
        }[action]
    )


@pytest.mark.parametrize("words", ["--help", "map --help"])
def test_help_is_quick(repository, words):
    code = "import sys\nfrom tutorial_lib.commands.parser import main\n"
    code += "try: main(sys.argv[1:])\n"
    code += "except SystemExit: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: tutorial-lib" in done.stdout
    loaded = set(done.stderr.split())
    assert "tutorial_lib.commands.actions" in loaded
    assert {"tensorflow", "keras", "rasterio", "pandas"}.isdisjoint(loaded)


def test_the_program_and_the_module_run_the_same_function(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    main = project["scripts"]["tutorial-lib"]
    assert main == "tutorial_lib.commands.parser:main"
    done = subprocess.run(
        [sys.executable, "-m", "tutorial_lib", "export", "--model", "no.keras"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tutorial-lib export: error: one of" in done.stderr


# The demonstration


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("--scene nowhere", r"'nowhere' is not the folder of the Havel scene.*--scene"),
        ("--out file", "file' is not a folder"),
        ("--out file/x", "file' is not a folder"),
        ("--out s3://bucket/x", "of this machine"),
    ],
)
def test_the_demonstration_refuses_wrong_folders_in_one_sentence(
    tmp_path, monkeypatch, capsys, words, match
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    assert demo.main(shlex.split(words)) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(rf"demo: .*{match}.*\n", error)
    assert fingerprints(tmp_path) == {tmp_path / "file": b"mine"}


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_demonstration_ends_like_the_actions(
    tmp_path, monkeypatch, capsys, name, code
):
    monkeypatch.setattr(demo, "_run", lambda *_: send(name))
    assert demo.main(["--out", str(tmp_path)]) == code
    assert capsys.readouterr().err == "demo: interrupted\n"
