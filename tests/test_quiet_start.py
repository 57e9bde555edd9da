"""TensorFlow starts without its notice of oneDNN; nothing else of its start is lost."""

import os
import subprocess
import sys

import nbclient
import nbformat
import pytest

from tutorial_lib import quiet_start

NOTICE = (
    "WARNING: All log messages before absl::InitializeLog() is called are written\n"
    "I0000 port.cc:153] oneDNN custom operations are on. Results may differ.\n"
)


def run(code, tensorflow=None, **environment):
    """Run code in a new process, with a module in the place of TensorFlow."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    if tensorflow is not None:
        environment["PYTHONPATH"] = str(tensorflow)
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**outside, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def imitation(tmp_path):
    """Function that writes a module `tensorflow` that prints as TensorFlow does."""

    def write(*lines):
        printed = f"os.write(2, {NOTICE!r}.encode())"
        notice = (
            f"import os, contextlib\nwith contextlib.suppress(OSError):\n    {printed}"
        )
        (tmp_path / "tensorflow.py").write_text("\n".join([notice, *lines]))
        return tmp_path

    return write


def test_the_notice_is_left_out_and_other_lines_are_kept(imitation):
    folder = imitation("os.write(2, b'no GPU\\n')", "VERSION = 2")
    code = "import os, tutorial_lib, tensorflow; os.write(2, b'later\\n')"
    done = run(code + "; print(tensorflow.VERSION)", folder)
    assert done.stdout == "2\n"
    assert done.stderr == "no GPU\nlater\n"


def test_what_is_printed_before_a_failure_is_kept(imitation):
    folder = imitation("os.write(2, b'a library is missing\\n')", "1 / 0")
    done = run("import tutorial_lib, tensorflow", folder)
    assert done.returncode == 1
    assert done.stderr.startswith("a library is missing\nTraceback")
    assert "ZeroDivisionError" in done.stderr
    assert "oneDNN" not in done.stderr


def test_an_import_that_failed_can_be_tried_again(imitation):
    folder = imitation("1 / 0")
    code = """
import contextlib, tutorial_lib
for _ in range(2):
    with contextlib.suppress(ZeroDivisionError):
        import tensorflow
"""
    done = run(code, folder)
    assert done.returncode == 0
    # The second time is not ours to keep quiet.
    assert done.stderr.count("oneDNN") == 1


def test_a_process_without_standard_error_can_start(imitation):
    folder = imitation()
    code = "import os; os.close(2); import tutorial_lib, tensorflow; print('started')"
    assert run(code, folder).stdout == "started\n"


def test_without_tensorflow_the_usual_error_is_raised(tmp_path):
    code = "import tutorial_lib; import importlib.util, sys; sys.path.clear()"
    done = run(code + "; import tensorflow", tmp_path)
    assert "ModuleNotFoundError: No module named 'tensorflow'" in done.stderr


BLOCKED = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"


@pytest.mark.parametrize(
    "code", ["tl.architectures", "tl.load_predictor('served')", "tl.patch_dataset"]
)
def test_what_needs_tensorflow_says_how_to_install_it(tmp_path, monkeypatch, code):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "saved_model.pb").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    done = run(f"{BLOCKED}import tutorial_lib as tl; {code}")
    assert "is not installed. Install it with `pip install " in done.stderr


def test_a_look_whether_tensorflow_is_there_changes_nothing(imitation):
    code = "import importlib.util, tutorial_lib; importlib.util.find_spec('tensorflow')"
    assert run(f"{code}; import tensorflow", imitation()).stderr == ""


def test_tensorflow_that_is_imported_first_is_left_alone(imitation):
    code = "import sys, tensorflow; before = list(sys.meta_path); import tutorial_lib"
    done = run(
        code + "; print(any('Quiet' in type(x).__name__ for x in sys.meta_path))",
        imitation(),
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("flags", "starts"), [("fpu sse avx2 avx", True), ("fpu sse4_2", False)]
)
def test_the_message_for_old_processors_is_not_held_back(
    tmp_path, monkeypatch, flags, starts
):
    processor = tmp_path / "cpuinfo"
    processor.write_text(f"flags\t\t: {flags} ht\n")
    monkeypatch.setattr(quiet_start, "PROCESSOR", processor)
    finders = [x for x in sys.meta_path if not isinstance(x, quiet_start.QuietFinder)]
    monkeypatch.setattr(sys, "meta_path", list(finders))
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    quiet_start.make_tensorflow_quiet()
    assert len(sys.meta_path) - len(finders) == starts


def test_onednn_stays_as_the_user_has_it():
    code = "import os, tutorial_lib; print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))"
    assert run(code).stdout == "None\n"
    for choice in ("0", "1"):
        assert run(code, TF_ENABLE_ONEDNN_OPTS=choice).stdout == f"{choice}\n"


@pytest.mark.slow
def test_the_real_tensorflow_starts_without_a_word():
    code = "import tutorial_lib, keras; keras.ops.ones((2, 2)) @ keras.ops.ones((2, 2))"
    done = run(code, TF_ENABLE_ONEDNN_OPTS="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_cell_that_loads_tensorflow_shows_nothing(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    # A kernel below pytest would not show what goes to file descriptor 2.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    cell = nbformat.v4.new_code_cell(
        "import tutorial_lib as tl\n"
        "import keras\n"
        "import os\n"
        "os.write(2, b'still heard\\n')\n"
        "keras.ops.ones(2) + 1;"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    texts = [output.get("text", "") for output in cell.outputs]
    assert "still heard" in "".join(texts)
    assert "oneDNN" not in "".join(texts)
