"""Command line: analyse, certify, and a map with a certificate."""

import re

import keras
import pytest

import tutorial_lib as tl
from tutorial_lib.commands.parser import main
from tutorial_lib.proof.certificate import Certificate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network as a `.keras` file, and as a SavedModel that says nothing of itself."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    network = tl.architectures.pixelwise_fcnn(4, crops=())
    network.save(folder / "fcnn.keras")
    network.export(folder / "served", verbose=False)
    return folder


def run(*words):
    return main([str(word) for word in words])


def test_analyse_prints_what_the_library_finds(folder, capsys):
    assert run("analyse", "--model", folder / "fcnn.keras", "--chunk", 64) == 0
    analysis = tl.analyse(keras.models.load_model(folder / "fcnn.keras"))
    printed = capsys.readouterr().out
    assert printed == f"{analysis}\n{analysis.table(64).to_string()}\n"


def test_analyse_says_what_to_do_about_a_saved_model(folder, capsys):
    assert run("analyse", "--model", folder / "served") == 1
    assert "tutorial-lib certify --model" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_certificate_makes_the_map_of_a_saved_model_exact(folder, tmp_path, capsys):
    model, proof = folder / "served", tmp_path / "proof.json"
    words = ("--model", model, "--output", "estimated", "--tile", 32)
    assert run("certify", *words, "--out", proof) == 0
    certificate = tl.certify(model, "estimated", tile=32)
    assert capsys.readouterr().out == f"{certificate}\n'{proof}' is written.\n"
    assert Certificate.from_json(proof.read_text()).exact
    scene = tl.testing.small_scene()["input_10m"]
    map_words = (
        *("map", "--model", model, "--source", f"input={scene}"),
        *("--output", "estimated", "--out", tmp_path / "map.tif"),
    )
    assert run(*map_words) == 1
    assert "certificate" in capsys.readouterr().err
    assert run(*map_words, "--certificate", proof) == 0
    whole = tl.plan_inference(
        keras.models.load_model(folder / "fcnn.keras"), scene, output="estimated"
    )
    # Certified margins, derived ones: one map.
    distance = tl.rmse(tmp_path / "map.tif", tl.Source(written(whole, tmp_path)))
    assert distance.largest < 1e-5


def written(plan, folder):
    plan.write(folder / "whole.tif", progress=False)
    return folder / "whole.tif"


@pytest.mark.slow
def test_inputs_of_a_network_are_named_with_their_channels(folder, capsys):
    words = ("certify", "--model", folder / "served", "--output", "estimated")
    assert run(*words, "--tile", 32, "--input", "input=4,1,5000") == 0
    largest = re.search(r"values up to [^;]*, (\d+), seed", capsys.readouterr().out)[1]
    assert largest == "5000"
    for wrong in ("input=4", "input=4,x,9", "input=0,1,9", "input"):
        with pytest.raises(SystemExit) as ended:
            run(*words, "--tile", 32, "--input", wrong)
        assert ended.value.code == 2


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe\x00", b"[1]"])
def test_a_file_that_is_no_certificate_is_one_sentence(
    folder, tmp_path, capsys, content
):
    path = tmp_path / "proof.json"
    if content is not None:
        path.write_bytes(content)
    scene = tl.testing.small_scene()["input_10m"]
    assert (
        run(
            *("map", "--model", folder / "served", "--source", f"input={scene}"),
            *("--output", "estimated", "--out", tmp_path / "map.tif"),
            *("--certificate", path),
        )
        == 1
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "certif" in error
    assert "Traceback" not in error


def test_a_certificate_is_not_written_over_its_model(folder, capsys):
    before = (folder / "fcnn.keras").read_bytes()
    assert (
        run(
            *("certify", "--model", folder / "fcnn.keras", "--output", "estimated"),
            *("--tile", 32, "--out", folder / "fcnn.keras"),
        )
        == 1
    )
    assert "also an input" in capsys.readouterr().err
    assert (folder / "fcnn.keras").read_bytes() == before
