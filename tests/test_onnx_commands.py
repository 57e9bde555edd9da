"""The command line writes, analyses, certifies and maps ONNX files."""

import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import onnx
import pytest

import tutorial_lib as tl
from tutorial_lib.commands.parser import main
from tutorial_lib.rasters import read_array


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network with margins, as `.keras` and, by the command line, as ONNX."""
    folder = tmp_path_factory.mktemp("commands")
    keras.utils.set_random_seed(0)
    pixels = keras.Input((None, None, 4), name="input")
    layers = keras.layers
    found = layers.Rescaling(1e-3)(pixels)
    found = layers.Conv2D(8, 5, 2, padding="same", activation="relu")(found)
    found = layers.Conv2DTranspose(4, 2, 2, activation="softmax")(found)
    outputs = {"estimated": found, "labels": tl.labels_of(found)}
    keras.Model({"input": pixels}, outputs).save(folder / "network.keras")
    assert run("export", "--model", folder / "network.keras", "--out",
               folder / "network.onnx") == 0  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def scene():
    return tl.testing.small_scene()["input_10m"]


def metadata(path):
    return {x.key: json.loads(x.value) for x in onnx.load(path).metadata_props}


def test_an_onnx_file_is_written(files, capsys):
    words = ("--bands", "input=red, green,blue,nir", "--pixel-size-m", 10)
    more = ("--class-names", "water,meadow,forest,town", "--layout", "channels_first")
    path = files / "described.onnx"
    model = ("--model", files / "network.keras")
    assert run("export", *model, "--out", path, *words, *more) == 0
    assert capsys.readouterr().out == f"'{path}' is written.\n"
    said = metadata(path)
    assert said["class_names"]["3"] == "town"
    assert said["bands"] == {"input": ["red", "green", "blue", "nir"]}
    assert (said["pixel_size_m"], said["layout"]) == (10, "channels_first")


def test_a_legend_and_the_plugin_are_options(files):
    path = files / "deepness.onnx"
    labels = tl.testing.small_scene()["labels"]
    words = ("--legend-from", labels, "--deepness", "estimated")
    assert run("export", "--model", files / "network.keras", "--out", path, *words) == 0
    said = metadata(path)
    names = tl.read_legend(labels).names
    assert said["class_names"] == {str(i): name for i, name in enumerate(names)}
    assert said["model_type"] == "Segmentor"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "one of the arguments --directory --out is required"),
        ("--out x.onnx --directory x", "not allowed with"),
        ("--out x.keras", "--out: 'x.keras' does not end in .onnx"),
        ("--directory x --deepness a", "--deepness goes with --out"),
        ("--directory x --bands a=b", "--bands goes with --out"),
        ("--directory x --legend-from a.tif", "--legend-from goes with --out"),
        ("--out x.onnx --class-names a,,b", "'a,,b' lacks a name"),
        ("--out x.onnx --class-names a --legend-from b", "not allowed with"),
        ("--out x.onnx --layout nchw", "invalid choice: 'nchw'"),
        ("--out x.onnx --bands a=b --bands a=c", "'a' is given 2 times"),
    ],
)
def test_options_that_do_not_fit_are_refused(capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--model", "m.keras", *words.split()])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_is_analysed_as_its_keras_model(files, capsys):
    texts = []
    for name in ("network.keras", "network.onnx"):
        assert run("analyse", "--model", files / name) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    # A 5x5 kernel with a stride of 2 reads 1 pixel before its window and 2 behind it.
    assert "(2, 2, 2, 2)" in texts[1]
    assert run("analyse", "--model", files / "network.onnx", "--chunk", 16) == 0
    assert "ConvTranspose" in capsys.readouterr().out


@pytest.mark.thorough
def test_a_file_is_certified_and_maps(files, scene, tmp_path, capsys):
    model = ("--model", files / "network.onnx")
    proof = tmp_path / "proof.json"
    words = ("--output", "estimated", "--tile", 32, "--out", proof)
    assert run("certify", *model, *words) == 0
    assert "exact" in capsys.readouterr().out
    maps = {}
    source = ("--source", f"input={scene}", "--output", "labels")
    for runner in ("onnxruntime", "openvino", None):
        path = maps[runner] = tmp_path / f"{runner}.tif"
        options = ("--runner", runner) if runner else ("--workers", 2, "--resume")
        assert run("map", *model, *source, "--out", path, *options) == 0
    assert "with ONNX Runtime" in capsys.readouterr().out
    expected = tl.plan_inference(files / "network.keras", scene, output="labels").read()
    assert len(np.unique(expected)) > 2
    for path in maps.values():
        # Ties of rounded probabilities are rare.
        assert (read_array(path) != expected).mean() < 1e-3
    np.testing.assert_array_equal(
        read_array(maps[None]), read_array(maps["onnxruntime"])
    )


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path, scene, monkeypatch, repository, capsys):
    text = (repository / "docs" / "onnx.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    shutil.copy(scene, "s2_10m.tif")
    keras.utils.set_random_seed(0)
    model = tl.architectures.pixelwise_fcnn(3, crops=())
    model.save("network.keras")
    # Any file with an output of this name, in place of one from PyTorch.
    torch = keras.Model(model.input, {"classes": model.output["estimated"]})
    tl.export(torch, "network.onnx", layout="channels_first")
    for block in blocks:
        exec(compile(block, "onnx.md", "exec"), {})
    assert read_array("map.tif").shape == (105, 153, 3)
    assert "margins" in capsys.readouterr().out
    assert metadata("network.onnx")["class_names"]["0"] == "water"
    assert metadata("deepness.onnx")["tiles_overlap"] > 0


ALONE = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from tutorial_lib.commands.parser import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.thorough
def test_the_commands_need_no_tensorflow(files, scene, tmp_path):
    model = ("--model", files / "network.onnx")
    proof = ("--output", "estimated", "--tile", "32")
    mapped = ("--source", f"input={scene}", "--output", "labels")
    for words in (
        ("analyse", *model),
        ("certify", *model, *proof),
        ("map", *model, *mapped, "--out", tmp_path / "map.tif"),
    ):
        command = [sys.executable, "-c", ALONE, *map(str, words)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(np.unique(read_array(tmp_path / "map.tif"))) > 2


def test_a_file_that_is_no_network_is_one_sentence(tmp_path, capsys):
    (tmp_path / "x.onnx").write_bytes(b"text")
    assert run("analyse", "--model", tmp_path / "x.onnx") == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"tutorial-lib: error: .*x\.onnx.*again\.\n", error)
