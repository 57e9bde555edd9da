"""OTB's command lines."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from tutorial_lib.commands.otbcli import main
from tutorial_lib.compat.applications.names import MODULES
from tutorial_lib.rasters import read_array, write_array

GRID = GeoBox((31, 47), Affine(10, 0, 500_000, 0, -10, 4_800_000), "EPSG:32631")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).uniform(-5, 300, (31, 47, 2)).astype("float32")


@pytest.fixture
def image(tmp_path, pixels):
    return str(write_array(tmp_path / "image.tif", pixels, GRID))


def words(text):
    return text.split()


def test_every_application_has_a_program(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    programs = {f"otbcli_{name}" for name in MODULES}
    assert programs == {name for name in project["scripts"] if "otbcli" in name}


def test_an_image_is_written_in_the_type_that_follows_its_path(
    image, tmp_path, pixels, capsys
):
    out = tmp_path / "part.tif"
    line = f"-in {image} -startx 4 -sizex 9 -out {out}?&nodata=9 uint8 -ram 256"
    assert main(words(line), "otbcli_ExtractROI") == 0
    # Clamped and cut off, as otbtf_semantics 1.4 says.
    expected = np.trunc(np.clip(pixels[:, 4:13], 0, 255))
    assert (read_array(out) == expected).all()
    assert f"out: {out}" in capsys.readouterr().out


def test_lists_are_words_and_numbers_are_printed(image, pixels, capsys):
    assert main(["-il", image, image], "otbcli_ComputeImagesStatistics") == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("out.mean: [")
    mean = [float(part) for part in line.partition("[")[2].rstrip("]").split(",")]
    assert mean == pytest.approx(pixels.mean(axis=(0, 1), dtype="float64").tolist())


def test_progress_is_shown_unless_it_is_switched_off(image, tmp_path, capsys):
    line = f"-in {image} -out {tmp_path / 'a.tif'}"
    assert main(words(line), "otbcli_ExtractROI") == 0
    assert "1/1" in capsys.readouterr().err
    assert main(words(line + " -progress off"), "otbcli_ExtractROI") == 0
    assert capsys.readouterr().err == ""


def test_help_lists_the_parameters_of_every_source(monkeypatch, capsys):
    for program in ("otbcli_PatchesExtraction", "otbcli_TensorflowModelServe"):
        monkeypatch.delenv("OTB_TF_NSOURCES", raising=False)
        assert main(["-help"], program) == 0
        assert "-source2.il" not in capsys.readouterr().out
        monkeypatch.setenv("OTB_TF_NSOURCES", "2")
        assert main(["-help"], program) == 0
        text = capsys.readouterr().out
        assert "-source1.il" in text
        assert "-source2.il" in text
        assert "-source3.il" not in text


def test_help_of_one_parameter(capsys):
    assert main(["-help", "mode"], "otbcli_ExtractROI") == 0
    text = capsys.readouterr().out
    assert "standard, fit, extent" in text
    assert "-startx" not in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "No parameter is given"),
        ("-in", "-in has no value"),
        ("scene.tif", "belongs to no parameter"),
        ("-in no.tif -out a.tif", "no.tif"),
        ("-in IMAGE", "-out is not given"),
        ("-in IMAGE -in IMAGE -out a.tif", "given twice"),
        ("-inn IMAGE -out a.tif", "Did you mean `in`?"),
        ("-in IMAGE -sizex 3 4 -out a.tif", "takes one value, and 2 are given"),
        ("-in IMAGE -sizex -3 -out a.tif", "`sizex` is -3"),
        ("-in IMAGE -out IMAGE", "would destroy"),
        ("-in IMAGE -out a.tif uint9", "`pixel_type` is 'uint9'"),
        ("-help modus", "no parameter -modus"),
    ],
)
def test_mistakes_end_with_a_sentence_and_exit_code_1(
    line, message, image, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(words(line.replace("IMAGE", image)), "otbcli_ExtractROI") == 1
    error = capsys.readouterr().err
    assert error.startswith("otbcli_ExtractROI: error: ")
    assert message in error
    assert not Path("a.tif").exists()


def test_an_application_that_does_not_exist(capsys):
    assert main(["-help"], "otbcli_Smoothing") == 1
    assert "There are: BandMathX" in capsys.readouterr().err


def test_the_installed_program_knows_its_name():
    program = Path(sys.executable).with_name("otbcli_ExtractROI")
    assert program.exists(), "Install the kit again: `make setup`."
    found = subprocess.run(
        [program, "-help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OTB_TF_NSOURCES": "1"},
    )
    assert found.stdout.startswith("otbcli_ExtractROI: Cuts a part")


@pytest.mark.parametrize("word", ["-h", "-version", "--version", "-inxml"])
def test_an_unknown_word_is_no_missing_value(word, capsys):
    assert main([word], "otbcli_ExtractROI") == 1
    assert "no parameter `" in capsys.readouterr().err


def test_an_expression_that_begins_with_a_minus(image, tmp_path, pixels, capsys):
    out = str(tmp_path / "negative.tif")
    line = ["-il", image, "-out", out, "-exp"]
    assert main([*line, "-im1b1"], "otbcli_BandMathX") == 1
    assert "-exp ' -im1b1'" in capsys.readouterr().err
    assert main([*line, " -im1b1"], "otbcli_BandMathX") == 0
    assert (read_array(out)[..., 0] == -pixels[..., 0]).all()
