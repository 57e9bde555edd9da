"""Scripts for OTBTF run without a change: their modules, arguments and errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial_lib.compat import scripts

REPOSITORY = Path(__file__).resolve().parents[2]

WHO_AM_I = """
import sys
print(sys.argv[1:], sys.path[0], __name__, __file__)
try:
    import other
except ModuleNotFoundError:
    raise SystemExit(7)
"""


def run(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tutorial_lib.compat", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def script_of(folder, text):
    folder.mkdir(exist_ok=True)
    path = folder / "train.py"
    path.write_text(text)
    return path


def test_a_script_has_its_arguments_its_folder_and_its_exit_code(tmp_path):
    script = script_of(tmp_path / "scripts", WHO_AM_I)
    # Python does not look for modules in the working directory of a script.
    (tmp_path / "other.py").write_text("")
    done = run("scripts/train.py", "-h", "--epochs", "3", cwd=tmp_path)
    assert done.returncode == 7, done.stderr
    assert done.stdout == (
        f"['-h', '--epochs', '3'] {script.parent} __main__ scripts/train.py\n"
    )
    assert done.stderr == ""


def test_a_script_that_ends_gives_0(tmp_path):
    script = script_of(tmp_path, "import helper\nprint(helper.NAME)")
    (tmp_path / "helper.py").write_text("NAME = 'beside the script'")
    done = run(script, cwd="/")
    assert (done.returncode, done.stdout) == (0, "beside the script\n"), done.stderr


def test_an_error_is_shown_without_the_frames_of_the_runner(tmp_path):
    script = script_of(tmp_path, "def f():\n    return 1 / 0\n\n\nf()\n")
    done = run("train.py", cwd=tmp_path)
    plain = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == plain.returncode == 1
    # Python shows the full path of the script.
    assert done.stderr.replace('"train.py"', f'"{script}"') == plain.stderr


def test_a_syntax_error_is_shown_with_its_line(tmp_path):
    script_of(tmp_path, "x = 1\ny = = 2\n")
    done = run("train.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith('  File "train.py", line 2')
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["no.py"], "The script 'no.py' cannot be read: No such file or directory."),
        (["."], "The script '.' cannot be read: Is a directory. Give the path"),
        ([], "error: give the path of a script"),
    ],
)
def test_without_a_script_a_sentence_says_so(tmp_path, words, text):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit) as ended:
        scripts.main(["-h"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "Run a script that was written for OTBTF." in printed
    assert max(map(len, printed.splitlines())) <= 88


USES_OTBTF = """
import sys
assert "tensorflow" not in sys.modules
import otbtf
import otbtf.layers as layers
from otbtf.model import ModelBase, cropped_tensor_name
from otbtf.dataset import DatasetFromPatchesImages
from otbtf import ops, tfrecords, utils
from mymetrics import FScore
import tutorial_lib.compat.otbtf as kit
from tutorial_lib.fields.otbtf_layers import Argmax

# One module under two names: a second copy would have other classes.
assert otbtf is kit and otbtf.ModelBase is ModelBase and layers.Argmax is Argmax
assert kit.__spec__.name == kit.__name__ == "tutorial_lib.compat.otbtf"
assert DatasetFromPatchesImages is kit.DatasetFromPatchesImages
assert FScore.__module__ == "tutorial_lib.training.metrics"
assert sys.modules["__main__"].ops is otbtf.ops
try:
    import otbtf.nothing
except ModuleNotFoundError as err:
    print(err)
"""


@pytest.mark.slow
def test_the_kits_modules_go_before_installed_ones(tmp_path):
    script = script_of(tmp_path / "scripts", USES_OTBTF)
    installed = tmp_path / "site-packages"
    (installed / "otbtf").mkdir(parents=True)
    (installed / "otbtf" / "__init__.py").write_text("raise ImportError('not the kit')")
    paths = os.pathsep.join(map(str, (installed, REPOSITORY)))
    done = run(script, cwd=tmp_path, PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "No module named 'otbtf.nothing'\n"
    assert done.stderr == (
        "The script uses the kit's otbtf, and not the one in "
        f"'{installed / 'otbtf' / '__init__.py'}'.\n"
    )


def test_mymetrics_beside_the_script_is_the_scripts_own(tmp_path):
    script = script_of(tmp_path, "from mymetrics import FScore; print(FScore)")
    (tmp_path / "mymetrics.py").write_text("FScore = 'own'")
    done = run(script, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "own\n", "")


def test_other_modules_are_not_those_of_the_kit(tmp_path):
    # `scripts` is a module beside otbtf in the kit.
    script = script_of(tmp_path, "import scripts")
    done = run(script, cwd=tmp_path)
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'scripts'" in done.stderr


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("import otbApplication", "Write its applications as pyotb has them"),
        ("from osgeo import gdal", "Read rasters with rasterio"),
        ("import otbtf.examples.tensorflow_v2x", "has no module 'otbtf.examples'. It"),
        ("from pyotb.core import App", "has no module 'pyotb.core'. Import from pyotb"),
        ("from pyotb import Pipeline", "There are: App, Input, Output, BandMathX, "),
        ("from otbtf.model import x", "kit's otbtf.model has no such name. There are:"),
    ],
)
def test_what_a_script_cannot_import_has_a_cure(tmp_path, line, text):
    # Nothing is installed under these names, whatever this machine has.
    script_of(tmp_path, f"import sys\nsys.modules['osgeo'] = None\n{line}\n")
    done = run("train.py", cwd=tmp_path)
    assert done.returncode == 1
    *traceback, advice = done.stderr.splitlines()
    assert "Error: " in traceback[-1]
    assert text in advice


def test_other_modules_that_are_missing_get_no_advice(tmp_path):
    script_of(tmp_path, "import no_such_module_anywhere")
    done = run("train.py", cwd=tmp_path)
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: ")
