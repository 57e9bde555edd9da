"""The command line does what the library does, and obeys each of its options."""

import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from rasterio.windows import Window
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.commands import actions, parser
from tutorial_lib.commands.parser import main

REPOSITORY = Path(__file__).resolve().parents[1]
SIZES = {"input": 16, "input_10m": 16, "input_20m": 8}


def run(words, *rest):
    """Run one job in this process; fail where it does."""
    assert main([*shlex.split(words), *map(str, rest)]) == 0


def each(option, values):
    return [f"--{option}={name}={value}" for name, value in values.items()]


def patches_of(folder, area, *names):
    return {name: folder / f"{area}_{name}.tif" for name in (*names, "labels")}


@pytest.fixture(scope="module")
def scene():
    """Paths of the tiny scene; `input` is the 10 m image."""
    paths = dict(tl.testing.small_scene())
    return paths | {"input": paths["input_10m"]}


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    """Patches of two areas (two draws, here), cut by the command line."""
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
    """The words of a training without its settings."""
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


# From rasters to a map


def train_by_hand(folder, names, *, build, best, batch_size, epochs, rate, seed):
    """The training of the notebooks, line by line."""
    keras.utils.set_random_seed(seed)
    batches = [
        tl.patch_dataset(
            patches_of(folder, area, *names),
            class_count=4,
            batch_size=batch_size,
            shuffle=area == "a",
            seed=seed,
        )
        for area in "ab"
    ]
    model = build(4)
    model.compile(
        keras.optimizers.Adam(rate), loss={"estimated": "categorical_crossentropy"}
    )
    keep_best = keras.callbacks.ModelCheckpoint(best, save_best_only=True)
    model.fit(
        batches[0],
        validation_data=batches[1],
        epochs=epochs,
        verbose=0,
        callbacks=[keep_best],
    )


def test_the_four_jobs_make_from_a_terminal_the_map_of_the_library(scene, tmp_path):
    job = f"{shlex.quote(sys.executable)} -m tutorial_lib"
    image, labels = (shlex.quote(str(scene[name])) for name in ("input", "labels"))
    cut = f"{job} patches --source input={image} --size input=16 --labels {labels}"
    cut += " --count 12 --margin 8 --out-dir p"
    commands = [
        f"{cut} --prefix a_ --seed 3",
        f"{cut} --prefix b_ --seed 4",
        f"{job} train --architecture pixelwise_fcnn --legend-from {labels}"
        " --train input=p/a_input.tif --train labels=p/a_labels.tif"
        " --valid input=p/b_input.tif --valid labels=p/b_labels.tif"
        " --batch-size 7 --epochs 3 --learning-rate 0.003 --seed 5 --model fcnn.keras",
        f"{job} export --model fcnn.keras --directory served",
        f"{job} map --model served --source input={image} --receptive-field input=16"
        f" --output estimated_labels --tile-size 40 --legend-from {labels}"
        " --out map.tif",
    ]
    done = subprocess.run(
        ["sh", "-c", " && ".join(commands)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

    for area, seed in (("a", 3), ("b", 4)):
        tl.extract_patches(
            {"input": scene["input"]},
            tl.select_positions(scene["labels"], count=12, margin=8, seed=seed),
            sizes={"input": 16},
            out_dir=tmp_path / "library",
            prefix=f"{area}_",
        )
    best = tmp_path / "library.keras"
    train_by_hand(
        tmp_path / "library",
        ["input"],
        build=tl.architectures.pixelwise_fcnn,
        best=best,
        batch_size=7,
        epochs=3,
        rate=0.003,
        seed=5,
    )
    plan = tl.plan_inference(
        tl.export(best, tmp_path / "library_served"),
        tl.Source(scene["input"], receptive_field=16),
        output="estimated_labels",
        tile_size=40,
        legend=tl.read_legend(scene["labels"]),
    )
    result = tmp_path / "map.tif"
    np.testing.assert_array_equal(rasters.read_array(result), plan.read())
    assert len(np.unique(plan.read())) > 1
    assert tl.read_grid(result) == plan.grid
    assert tl.read_legend(result) == tl.read_legend(scene["labels"])
    weights = [
        keras.models.load_model(path, compile=False).get_weights()
        for path in (tmp_path / "fcnn.keras", best)
    ]
    for terminal, library in zip(*weights, strict=True):
        np.testing.assert_array_equal(terminal, library)


def test_two_sources_make_the_map_of_the_library(scene, folder, tmp_path):
    names = ("input_10m", "input_20m")
    run(
        "--batch-size 8 --epochs 2 --learning-rate 0.002 --class-count 4".join(
            [shlex.join(training(folder, "dual_source_fcnn", *names)) + " ", ""]
        ),
        *("--model", tmp_path / "dual.keras"),
    )
    run(f"export --model {tmp_path}/dual.keras --directory {tmp_path}/served")
    # The coarse source first: it is the reference.
    run(
        "map --output estimated --output features --dtype float32",
        *each("source", {name: scene[name] for name in reversed(names)}),
        *each("receptive-field", {name: SIZES[name] for name in names}),
        *("--model", tmp_path / "served", "--out", tmp_path / "map.tif"),
    )
    best = tmp_path / "library.keras"
    train_by_hand(
        folder,
        names,
        build=tl.architectures.dual_source_fcnn,
        best=best,
        batch_size=8,
        epochs=2,
        rate=0.002,
        seed=0,
    )
    plan = tl.plan_inference(
        tl.export(best, tmp_path / "library_served"),
        {n: tl.Source(scene[n], receptive_field=SIZES[n]) for n in reversed(names)},
        output=["estimated", "features"],
    )
    given = rasters.read_array(tmp_path / "map.tif")
    np.testing.assert_array_equal(given, plan.read())
    assert given.shape == (53, 77, 4 + 64)


# patches


def test_patches_are_those_of_the_library_and_named_for_the_training(
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
    for name, array in expected.arrays.items():
        path = tmp_path / f"{name}.tif"
        np.testing.assert_array_equal(tl.read_patches(path), array)
        assert f"\n{name}={path}\n" in capsys.readouterr().out or name == "labels"


def test_positions_come_from_a_file_with_any_field(scene, tmp_path, capsys):
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


def test_refused_positions_are_counted_and_a_source_has_its_own_nodata(
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


def test_a_source_given_again_is_stacked(scene, tmp_path):
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


def test_the_training_obeys_its_settings(folder, tmp_path, capsys):
    model = tmp_path / "new" / "fcnn.keras"
    settings = "--batch-size 13 --learning-rate 0.004 --epochs 3 --seed 2"
    assert train(folder, model, f"{settings} --log-dir {tmp_path}/logs") == 0
    out = capsys.readouterr().out
    # 40 patches in batches of 13: Keras says how many of four it has done.
    assert re.findall(r"^Epoch (\d)/3$", out, re.MULTILINE) == ["1", "2", "3"]
    assert len(re.findall(r"^4/4 - ", out, re.MULTILINE)) == 3
    losses = curve(tmp_path / "logs")
    assert len(losses) == 3
    saved = keras.models.load_model(model)
    assert float(saved.optimizer.learning_rate) == pytest.approx(0.004)
    best = int(np.argmin(losses)) + 1
    assert int(saved.optimizer.iterations) == best * 4
    assert f"'{model}' is epoch {best} of 3" in out
    assert [path.name for path in model.parent.iterdir()] == ["fcnn.keras"]


def test_the_best_epoch_is_kept_and_scored_by_argmax(folder, tmp_path, capsys, scene):
    # So large a step that the last epoch is not the best.
    words = f"--learning-rate 0.02 --epochs 5 --log-dir {tmp_path}/logs"
    words += f" --legend-from {scene['labels']}"
    assert train(folder, tmp_path / "a.keras", words) == 0
    losses = curve(tmp_path / "logs")
    assert losses[-1] > min(losses)
    valid = tl.patch_dataset(
        patches_of(folder, "b", "input"), class_count=4, shuffle=False
    )
    best = keras.models.load_model(tmp_path / "a.keras")
    scores = best.evaluate(valid, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(min(losses), rel=1e-5)
    names = tl.read_legend(scene["labels"]).names
    expected = repr(tl.training.evaluate_classes(best, valid, names=names))
    assert capsys.readouterr().out.endswith(f"{expected}\n")


@pytest.mark.parametrize("patience", [0, 1])
def test_patience_stops_the_training_as_early_stopping_does(folder, tmp_path, patience):
    words = f"--learning-rate 0.02 --epochs 6 --log-dir {tmp_path}"
    assert train(folder, tmp_path / "a.keras", f"{words}/all") == 0
    stopped = f"{words}/stopped --patience {patience}"
    assert train(folder, tmp_path / "b.keras", stopped) == 0
    every, some = curve(tmp_path / "all"), curve(tmp_path / "stopped")
    replay = tl.training.replay_early_stopping({"val_loss": every}, patience=patience)
    assert len(some) == replay.epochs_run < len(every) == 6
    assert some == every[: len(some)]


def test_the_seed_decides_weights_and_order(folder, tmp_path):
    def weights(name, seed):
        path = tmp_path / f"{name}.keras"
        assert train(folder, path, f"--epochs 1 --seed {seed}") == 0
        return keras.models.load_model(path, compile=False).get_weights()

    first, same, other = weights("a", 1), weights("b", 1), weights("c", 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_settings_left_out_are_those_of_the_tutorial(folder, tmp_path, monkeypatch):
    seen = []

    def fit(self, x, y=None, **options):
        seen.append((options["epochs"], len(x), float(self.optimizer.learning_rate)))
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", fit)
    assert train(folder, tmp_path / "a.keras", "") == 130
    # 40 patches by eight.
    assert seen == [(100, 5, pytest.approx(2e-4))]


def test_no_model_is_left_by_a_training_that_diverges(folder, tmp_path, capsys):
    model = tmp_path / "a.keras"
    model.write_text("old")
    assert train(folder, model, "--epochs 1 --learning-rate 1e30") == 1
    error = capsys.readouterr().err
    assert "no model is kept. Take a smaller --learning-rate than 1e+30" in error
    assert model.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_an_interrupted_training_keeps_its_best_epoch(
    folder, tmp_path, capsys, monkeypatch
):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    callbacks = actions._callbacks
    monkeypatch.setattr(actions, "_callbacks", lambda *a: [*callbacks(*a), Interrupt()])
    assert train(folder, tmp_path / "a.keras", "--epochs 9") == 130
    told = f"tutorial-lib: interrupted: '{tmp_path}/a.keras' is the best epoch so far\n"
    assert capsys.readouterr().err == told
    saved = keras.models.load_model(tmp_path / "a.keras")
    assert int(saved.optimizer.iterations) in (5, 10)


def test_several_areas_are_trained_on_together(folder, tmp_path, capsys):
    again = each("train", patches_of(folder, "b", "input"))
    model = tmp_path / "a.keras"
    assert train(folder, model, f"--epochs 1 --batch-size 8 {shlex.join(again)}") == 0
    assert "10/10 - " in capsys.readouterr().out


def test_every_network_is_offered_with_its_inputs():
    assert set(actions.ARCHITECTURES) == set(tl.architectures.__all__)
    for name, inputs in actions.ARCHITECTURES.items():
        depth = {"depth": 3} if name == "deeper_unet" else {}
        model = getattr(tl.architectures, name)(2, crops=(), **depth)
        assert tuple(model.input) == inputs


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [("pan_xs_unet", 4), ("deeper_unet --depth 3", 3), ("pooled_cnn", 0)],
)
def test_networks_are_built_for_the_bands_of_the_patches(
    tmp_path, architecture, layers
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
    model = tmp_path / "a.keras"
    run("", *words, "--epochs", 1, "--class-count", 2, "--model", model)
    saved = keras.models.load_model(model, compile=False)
    given = {name: tensor.shape[-1] for name, tensor in saved.input.items()}
    assert given == {name: shapes[name][-1] for name in names}
    # One transposed convolution less than there are halvings, and the classifier.
    kinds = [type(layer) for layer in saved.layers]
    assert kinds.count(keras.layers.Conv2DTranspose) == layers


# map


def test_the_map_obeys_its_settings(scene, tmp_path, monkeypatch):
    seen = {}

    def plan_inference(model, sources, **options):
        seen.update(options, model=model, sources=sources)
        raise ValueError("seen")

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    words = (
        "map --model m.keras --source b=b.tif --source a=a1.tif --source a=a2.tif "
        "--receptive-field a=16 --bands a=3,1 --source-nodata b=-9999 "
        "--output x --output y --out map.tif --mode patch_based --expression-field 4 "
        "--scale-factor 2.5 --tile-size 64 --window 3 5 70 90 --edge pad "
        "--nodata-rule none --background -1"
    )
    words += f" --legend-from {scene['labels']}"
    assert main(words.split()) == 1
    assert list(seen["sources"]) == ["b", "a"]
    a, b = Path("a1.tif"), Path("b.tif")
    assert seen == {
        "model": Path("m.keras"),
        "sources": {
            "b": tl.Source(b, nodata=-9999),
            "a": tl.Source([a, Path("a2.tif")], receptive_field=16, bands=[3, 1]),
        },
        "output": ["x", "y"],
        "mode": "patch_based",
        "expression_field": 4,
        "scale_factor": 2.5,
        "tile_size": 64,
        "window": Window(col_off=5, row_off=3, width=90, height=70),
        "edge": "pad",
        "nodata_rule": None,
        "background": -1,
        "legend": tl.read_legend(scene["labels"]),
    }


def test_settings_left_out_are_left_to_the_library(monkeypatch):
    seen = {}

    def plan_inference(model, sources, **options):
        seen.update(options)
        raise ValueError("seen")

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    words = "map --model m.keras --source a=a.tif --output x --out map.tif"
    assert main(words.split()) == 1
    assert seen == {"output": ["x"], "legend": None}


def test_the_map_is_written_in_the_type_that_is_asked_for(scene, folder, tmp_path):
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


# Errors and help


MAP = "map --model {m} --source input={image} --output estimated --out out.tif"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("export --model no.keras --directory x", "There is no model at 'no.keras'"),
        (f"{MAP} --scale-factor 1", "Source 'input' has no receptive field, and"),
        (f"{MAP} --receptive-field input=12", "The network refuses inputs of"),
        (f"{MAP} --receptive-field input=16 --output no", "has no output 'no'. It has"),
        (f"{MAP} --legend-from {{image}}", "has no legend: names and colours"),
        (f"{MAP} --source other={{image}}", r"named ['input', 'other'], the inputs of"),
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
def test_an_error_is_one_sentence_without_traceback(
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
        ("a", "input", (12, 12, 4), r"cannot take the patches of --train, .*\(12, 12"),
        ("a", "input", (20, 20, 4), r"makes \(5, 5\) px of the patches of --train"),
        ("b", "input", (16, 16, 3), r"cannot take the patches of --valid, .*16, 3\)"),
        ("b", "labels", (4, 4, 1), r"of --valid, .*their labels have \(4, 4\)"),
        ("a", "extra", (16, 16, 4), r"needs --train for input, labels. .*extra"),
    ],
)
def test_patches_that_do_not_fit_the_network_are_refused_before_the_training(
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
        ("", "the following arguments are required: JOB"),
        ("draw", "invalid choice: 'draw'"),
        ("export --model m.keras", "required: --directory"),
        (PATCHES, "one of the arguments --positions --labels is required"),
        (f"{PATCHES} --positions p --labels l", "not allowed with"),
        (f"{PATCHES} --positions p --seed 3", "--seed goes with --labels"),
        (f"{PATCHES} --labels l --field c", "--field goes with --positions"),
        (f"{PATCHES} --labels l --size a=4", "--size: 'a' is given 2 times"),
        (
            f"{PATCHES} --labels l --bands b=1",
            "bands given for 'b', which is no --source",
        ),
        ("patches --source a.tif", "'a.tif' is not of the form NAME=PATH"),
        ("patches --size a=x", "'x' is not a whole number"),
        ("patches --size a=0", "0 is too small"),
        ("map --source-nodata a=x", "'x' in 'a=x' is no VALUE"),
        ("train --learning-rate -1", "'-1' is not a positive number"),
        ("train --patience x", "'x' is not a whole number from 0 on"),
        ("train --epoch 3", "required: --model"),
        ("train --architecture vgg", "invalid choice: 'vgg'"),
        (f"{TRAIN} --architecture pooled_cnn --model m.h5", "does not end in .keras"),
        ("map --tile-size big", "'big' is not a whole number"),
        ("map --window 1 2 3", "expected 4 arguments"),
    ],
)
def test_words_that_make_no_command_end_with_2_and_what_is_wrong(
    capsys, words, message
):
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(words))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: tutorial-lib")
    assert message in error


@pytest.mark.parametrize("words", ["deeper_unet", "pooled_cnn --depth 3"])
def test_the_depth_is_that_of_the_deeper_network(folder, words, capsys):
    names = actions.ARCHITECTURES[words.split()[0]]
    paths = [patches_of(folder, area, "input") for area in "ab"]
    paths = [{**dict.fromkeys(names, p["input"]), "labels": p["labels"]} for p in paths]
    rest = [*each("train", paths[0]), *each("valid", paths[1])]
    with pytest.raises(SystemExit):
        run(f"train --model m.keras --class-count 4 --architecture {words}", *rest)
    assert "--depth goes with deeper_unet" in capsys.readouterr().err


def test_an_interrupted_job_ends_with_130(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(actions, "export", interrupted)
    assert main(["export", "--model", "m.keras", "--directory", "x"]) == 130
    assert capsys.readouterr().err == "tutorial-lib: interrupted\n"


def test_a_warning_is_one_sentence_too(scene, tmp_path, capsys):
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


@pytest.mark.parametrize("job", ["patches", "train", "export", "map"])
def test_each_job_explains_all_its_options_and_gives_an_example(job, capsys):
    with pytest.raises(SystemExit) as stop:
        main([job, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "example:\n  tutorial-lib " + job in text
    explained = re.findall(r"^  (--[a-z-]+)(.*(?:\n {6,}.*)*)", text, re.MULTILINE)
    assert len(explained) >= 2
    for option, rest in explained:
        assert re.search(r" {2,}\S|\n {6,}\S", rest), f"{option} is not explained"


@pytest.mark.parametrize("job", parser.EXAMPLES)
def test_the_examples_are_commands(job):
    _, _, text = parser.EXAMPLES[job].partition("tutorial-lib ")
    options = parser._parser().parse_args(shlex.split(text.replace("\\\n", "")))
    assert options.job


@pytest.mark.parametrize(
    ("job", "function"),
    [
        ("patches", tl.select_positions),
        ("patches", tl.extract_patches),
        ("train", tl.patch_dataset),
        ("map", tl.plan_inference),
    ],
)
def test_the_defaults_in_the_help_are_those_of_the_library(job, function, capsys):
    with pytest.raises(SystemExit):
        main([job, "--help"])
    text = re.sub(r"\s+", " ", capsys.readouterr().out.partition("\n  -h")[2])
    compared = 0
    for name, parameter in inspect.signature(function).parameters.items():
        told = re.search(
            rf" --{name.replace('_', '-')} (?:(?! --).)*\(default: ([^)]*)\)", text
        )
        simple = isinstance(parameter.default, str | int)
        if told and simple and not isinstance(parameter.default, bool):
            assert told[1].strip("'") == str(parameter.default), name
            compared += 1
    assert compared >= {"train": 2, "patches": 1, "map": 4}[job]


@pytest.mark.parametrize("words", ["--help", "map --help"])
def test_help_is_quick(words):
    code = "import sys\nfrom tutorial_lib.commands.parser import main\n"
    code += "try: main(sys.argv[1:])\n"
    code += "except SystemExit: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: tutorial-lib" in done.stdout
    loaded = set(done.stderr.split())
    assert "tutorial_lib.commands.actions" in loaded
    assert {"tensorflow", "keras", "rasterio", "pandas"}.isdisjoint(loaded)


def test_the_program_is_the_same_as_the_module():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"tutorial-lib": "tutorial_lib.commands.parser:main"}
    done = subprocess.run(
        [sys.executable, "-m", "tutorial_lib", "export", "--model", "no.keras"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tutorial-lib export: error: the following" in done.stderr
