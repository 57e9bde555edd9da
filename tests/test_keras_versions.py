"""The oldest and the newest Keras that the kit supports give the same results: slow.

Each is installed into its own folder, which comes first in Python's path. The
rest of the environment stays as it is.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow

# Trains with a target for one of many outputs, saves, exports, and serves.
TRAIN = """
import json, sys, warnings
warnings.simplefilter("error", UserWarning)
import keras
import numpy as np
import tutorial_lib as tl

folder, architecture, scaling = sys.argv[1:]
build = getattr(tl.architectures, architecture)
rng = np.random.default_rng(0)
side = {"input": 16, "input_10m": 16, "input_20m": 8}
labels = np.arange(24) % 3
inputs = {
    name: (
        rng.integers(0, 1000, (24, side[name], side[name], tensor.shape[-1]))
        + 2500 * labels[:, None, None, None]
    ).astype("float32")
    for name, tensor in build(3).input.items()
}
statistics = tl.band_statistics(inputs) if scaling == "standardised" else None
keras.utils.set_random_seed(0)
model = build(3, statistics=statistics)
targets = {"estimated": np.eye(3, dtype="float32")[labels].reshape(24, 1, 1, 3)}
model.compile(
    keras.optimizers.Adam(1e-3),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={
        "estimated": [
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            keras.metrics.Precision(class_id=1, name="precision_1"),
            tl.training.ClassMetrics(("a", "b", "c"), name="classes"),
        ]
    },
)
history = model.fit(
    inputs,
    targets,
    validation_data=(inputs, targets),
    epochs=2,
    batch_size=8,
    verbose=0,
    callbacks=[keras.callbacks.ModelCheckpoint(
        f"{folder}/best.keras", save_best_only=True)],
).history
best = keras.models.load_model(f"{folder}/best.keras")
loss = best.evaluate(inputs, targets, verbose=0, return_dict=True)["loss"]
images = {name: np.tile(value[:1], (1, 5, 6, 1)) for name, value in inputs.items()}
np.savez(f"{folder}/images.npz", **images)
results = best(images, training=False)
np.savez(f"{folder}/results.npz", **{k: np.asarray(v) for k, v in results.items()})
tl.export(f"{folder}/best.keras", f"{folder}/served")
print(json.dumps({"keras": keras.__version__, "best_loss": loss, **history}))
"""

# Loads the files of another version, with the optimizer, predicts, and trains on.
LOAD = """
import json, sys
import keras
import numpy as np
import tutorial_lib as tl

folder = sys.argv[1]
images = dict(np.load(f"{folder}/images.npz"))
expected = np.load(f"{folder}/results.npz")
worst = {}
for form in ("best.keras", "served"):
    predict = tl.load_predictor(f"{folder}/{form}")
    assert set(predict.outputs) == set(expected.files)
    given = predict(images, expected.files)
    worst[form] = max(
        float(np.abs(given[name] - expected[name]).max(initial=0)) for name in given
    )
model = keras.models.load_model(f"{folder}/best.keras")
patches = {name: value[:, : value.shape[1] // 5, : value.shape[2] // 6]
           for name, value in images.items()}
target = {"estimated": np.array([[[[0, 1, 0]]]], "float32")}
before = int(model.optimizer.iterations)
model.fit(patches, target, epochs=1, verbose=0)
trained_on = int(model.optimizer.iterations) - before
print(json.dumps({"keras": keras.__version__, "worst": worst, "steps": trained_on}))
"""


def supported():
    """The oldest version that the project allows, and the newest it was tried with."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    limits = {r.name: r.specifier for r in wanted}["keras"]
    (oldest,) = (limit.version for limit in limits if limit.operator == ">=")
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    (newest,) = (line for line in lines if line.startswith("keras=="))
    return {"oldest": oldest, "newest": newest.removeprefix("keras==")}


@pytest.fixture(scope="module")
def run_with(tmp_path_factory):
    """Function that runs Python code with the oldest or the newest Keras."""
    folders = {}
    for age, version in supported().items():
        folders[age] = tmp_path_factory.mktemp(f"keras_{age}")
        install = "-m pip install --quiet --disable-pip-version-check --no-deps"
        words = [*install.split(), "--target", folders[age], f"keras=={version}"]
        subprocess.run([sys.executable, *words], check=True)

    def run(age, code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": f"{folders[age]}{os.pathsep}{REPOSITORY}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed = json.loads(done.stdout.splitlines()[-1])
        version = [*map(int, supported()[age].split("."))]
        assert [*map(int, printed["keras"].split("."))][: len(version)] == version
        return printed

    return run


@pytest.fixture(
    scope="module",
    params=[
        ("pixelwise_fcnn", "factor"),
        ("pooled_cnn", "factor"),
        ("dual_source_fcnn", "factor"),
        ("dual_source_fcnn", "standardised"),
    ],
    ids="-".join,
)
def trained(request, run_with, tmp_path_factory):
    """A network trained with each Keras: {age: (folder, printed results)}."""
    results = {}
    for age in supported():
        folder = tmp_path_factory.mktemp(f"{request.param[0]}_{age}")
        results[age] = folder, run_with(age, TRAIN, folder, *request.param)
    return results


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_a_network_trains_on_one_target_and_keeps_the_best_epoch(trained, age):
    _, printed = trained[age]
    assert printed["best_loss"] == pytest.approx(min(printed["val_loss"]), rel=1e-5)
    assert {"val_accuracy", "val_precision_1", "val_precision_b"} <= set(printed)


def test_both_train_the_same_weights(trained):
    losses = [printed["val_loss"] for _, printed in trained.values()]
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("reader", ["oldest", "newest"])
@pytest.mark.parametrize("writer", ["oldest", "newest"])
def test_saved_and_exported_models_give_the_same_in_both_versions(
    trained, run_with, writer, reader
):
    folder, _ = trained[writer]
    printed = run_with(reader, LOAD, folder)
    assert max(printed["worst"].values()) <= 1e-6, printed
    assert set(printed["worst"]) == {"best.keras", "served"}
    assert printed["steps"] == 1
