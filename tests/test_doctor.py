"""The doctor: each thing that can be wrong with a machine is told, with its cure."""

import errno
import io
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from tutorial_lib import machine
from tutorial_lib.commands import doctor, programs, trials, versions
from tutorial_lib.commands.parser import main

SUBJECTS = (
    *("Python", "TensorFlow", "Keras", "NumPy", "rasterio", "odc-geo"),
    *("Processor threads", "Free memory", "Other packages", "Tested versions"),
    *("Memory", "Data havel", "Data town", "Disk", "Browser"),
    *("Widgets", "Kernel", "JupyterLab", "TensorFlow runs"),
)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Programs with their temporary folder in the test's."""
    monkeypatch.setattr(programs.tempfile, "tempdir", str(tmp_path))
    with programs.Programs() as block:
        yield block
    assert list(tmp_path.glob("tutorial-lib-doctor-*")) == []


def prints(value):
    return f"print({json.dumps(json.dumps(value))})"


def raises(message):
    return f"raise ImportError({message!r})"


# TensorFlow


@pytest.mark.parametrize(
    ("code", "found", "cure"),
    [
        (
            "import os; os.kill(os.getpid(), 4)",
            r"stopped by SIGILL",
            r"too old for TensorFlow, which needs AVX: use another machine",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            r"stopped by SIGKILL",
            r"memory was probably full: close programs",
        ),
        (
            raises("libstdc++.so.6: cannot open shared object file"),
            r"ImportError: libstdc\+\+\.so\.6",
            r"install the library that the message names",
        ),
        (
            raises("DLL load failed while importing _pywrap_tensorflow"),
            r"DLL load failed",
            r"install the Microsoft Visual C\+\+ Redistributable",
        ),
        (raises("No module named 'torch'"), r"named 'torch'", r"KERAS_BACKEND"),
        (raises("no TensorFlow"), r"no TensorFlow", r"install the kit again"),
        ("raise SystemExit(3)", r"ended with exit code 3", r"install the kit again"),
        (prints(["torch", 0, True]), r"Keras uses torch", r"KERAS_BACKEND"),
        (prints(["tensorflow", 0, False]), r"does not learn", r"install the kit again"),
    ],
)
def test_a_tensorflow_that_does_not_run(started, monkeypatch, code, found, cure):
    monkeypatch.setattr(trials, "FIT", code)
    check = trials.check_tensorflow(started)
    assert re.search(found, check.found)
    assert re.search(cure, check.cure)
    assert check.mark == "✘"


def test_the_code_of_windows_for_an_old_processor_is_known():
    for code in (0xC000001D, 0xC000001D - 2**32, -signal.SIGILL, 128 + signal.SIGILL):
        assert programs.FailedError(code, "").is_illegal
    assert not programs.FailedError(1, "").is_illegal


def test_a_tensorflow_that_runs_names_its_cards(started, monkeypatch):
    monkeypatch.setattr(trials, "FIT", prints(["tensorflow", 2, True]))
    check = trials.check_tensorflow(started)
    assert (check.found, check.cure) == ("a small network learns, with 2 GPUs", "")


# Widgets, kernel, JupyterLab


@pytest.mark.parametrize(
    ("code", "found", "cure"),
    [
        (
            prints([["anywidget"], []]),
            "does not find jupyterlab_widgets",
            "install the kit again",
        ),
        (
            prints([[*trials.EXTENSIONS], ["anywidget", "other"]]),
            "anywidget disabled",
            "run `python -m jupyter labextension enable anywidget`$",
        ),
        (
            prints([[*trials.EXTENSIONS], ["@jupyter-widgets/jupyterlab-manager:p"]]),
            "jupyterlab-manager:p disabled",
            "enable @jupyter-widgets/jupyterlab-manager:p`",
        ),
        (raises("no anywidget"), "no anywidget", "install the kit again"),
    ],
)
def test_widgets_that_jupyterlab_will_not_load(started, monkeypatch, code, found, cure):
    monkeypatch.setattr(trials, "LIST_EXTENSIONS", code)
    check = trials.check_widgets(started)
    assert re.search(found, check.found)
    assert re.search(cure, check.cure)


@pytest.mark.parametrize(
    ("code", "found", "cure"),
    [
        (prints(["2", "'/usr'"]), "kernel of another Python", "kernelspec remove"),
        (prints(["3", repr(sys.prefix)]), "1 \\+ 1 gave 3", "install the kit again"),
        (raises("No such kernel named python3"), "No such kernel", "kernelspec remove"),
    ],
)
def test_a_kernel_that_is_not_that_of_the_kit(started, monkeypatch, code, found, cure):
    monkeypatch.setattr(trials, "ASK_KERNEL", code)
    check = trials.check_kernel(started)
    assert re.search(found, check.found)
    assert re.search(cure, check.cure)


# Tells what JupyterLab tells, and answers those who know the token.
LAB = """
import http.server, json, os, sys
from pathlib import Path

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers["Authorization"] == "token " + os.environ["JUPYTER_TOKEN"]
        self.send_response(200 if known and self.path == "/lab" else 403)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
port = server.server_port
folder = Path(os.environ["JUPYTER_RUNTIME_DIR"])
folder.mkdir()
told = {"url": f"http://127.0.0.1:{port}/", "port": PORT}
assert os.environ["JUPYTER_TOKEN"] not in " ".join(sys.argv)
(folder / "jpserver-1.json").write_text(json.dumps(told))
server.serve_forever()
"""


@pytest.mark.parametrize("port", [8888, 8889])
def test_jupyterlab_answers_also_where_a_proxy_is_set(started, monkeypatch, port):
    monkeypatch.setattr(trials, "JUPYTERLAB", ("-c", LAB.replace("PORT", str(port))))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # Other tests of this process may have left a helper, such as a resource tracker.
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    # In time, because the check of a JupyterLab that never answers does not end.
    look = partial(trials.check_lab, started)
    check = doctor._in_time("JupyterLab", look, 20, started)
    other = ", because 8888 is in use" if port == 8889 else ""
    assert (check.found, check.cure) == (f"answers at port {port}{other}", "")
    after = {child.pid for child in psutil.Process().children(recursive=True)}
    assert after <= before


def test_a_jupyterlab_that_does_not_start(started, monkeypatch):
    text = "ERROR: no available port could be found."
    monkeypatch.setattr(trials, "JUPYTERLAB", ("-c", f"raise SystemExit({text!r})"))
    check = trials.check_lab(started)
    assert (check.found, check.cure) == (
        text,
        "close programs that use the ports from 8888 on",
    )
    code = "raise SystemExit('[C 2026-11-28 11:50:10.652 ServerApp] bad config')"
    monkeypatch.setattr(trials, "JUPYTERLAB", ("-c", code))
    check = trials.check_lab(started)
    assert check.found == "bad config"
    assert "run `python -m jupyterlab` in a terminal" in check.cure


# Time, and what is left behind


@pytest.mark.slow
def test_a_check_that_hangs_is_given_up_and_its_programs_end(started, monkeypatch):
    code = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'],"
        "start_new_session=True); time.sleep(99)"
    )
    seen = []

    def hang():
        process = started.start("-c", code)
        one = psutil.Process(process.pid)
        while not one.children():
            time.sleep(0.01)
        seen.extend([one, *one.children()])
        process.wait()
        time.sleep(99)

    check = doctor._in_time("JupyterLab", hang, 0.7, started)
    assert check.found == "no answer in 0.7 s"
    assert "127.0.0.1" in check.cure
    assert len(seen) == 2
    assert not any(one.is_running() for one in seen)
    fine = doctor._in_time("a", lambda: machine.Check("a", "1"), 5, started)
    assert fine.verdict == "✔ fine"


def test_an_error_in_a_check_is_its_result(started):
    def fail():
        raise RuntimeError("not expected")

    check = doctor._in_time("Disk", fail, 5, started)
    assert check.found == "RuntimeError: not expected"
    assert check.cure == "send this line to the teacher"


def test_no_program_starts_after_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(programs.tempfile, "tempdir", str(tmp_path))
    with programs.Programs() as block:
        pass
    with pytest.raises(programs.FailedError):
        block.start("-c", "pass")
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import os, sys, subprocess
from tutorial_lib.commands import doctor, trials
from tutorial_lib.commands.parser import main

trials.LIST_EXTENSIONS = '''
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
print("ready", file=open({mark!r}, "w"), flush=True)
time.sleep(99)
'''
sys.exit(main(["doctor"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_doctor_leaves_nothing(tmp_path, number):
    folders = {name: tmp_path / name for name in ("HOME", "TMPDIR")}
    for folder in folders.values():
        folder.mkdir()
    mark = tmp_path / "mark"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.replace("{mark!r}", repr(str(mark)))],
        env=os.environ | {name: str(path) for name, path in folders.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not mark.exists() and process.poll() is None:
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 2
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert err == "tutorial-lib: interrupted\n"
    assert "✔ Python" in out
    assert not any(one.is_running() for one in family)
    assert [*folders["HOME"].iterdir(), *folders["TMPDIR"].iterdir()] == []


@pytest.mark.slow
def test_the_doctor_of_this_machine(tmp_path, repository):
    folders = {name: tmp_path / name for name in ("HOME", "TMPDIR", "elsewhere")}
    for folder in folders.values():
        folder.mkdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")},
        **{name: str(folders[name]) for name in ("HOME", "TMPDIR")},
        "KIT_OFFLINE": "1",
        "PYTHONPATH": str(repository / "tests" / "offline"),
    }
    before = {one.pid for one in psutil.process_iter()}
    # The usual port is taken, by this test or by somebody else.
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", trials.USUAL_PORT))
            taken.listen()
        except OSError:
            pass
        done = subprocess.run(
            [sys.executable, "-m", "tutorial_lib", "doctor", "--json"],
            cwd=folders["elsewhere"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    report = json.loads(done.stdout)
    checks = {one.pop("subject"): one for one in report["checks"]}
    assert tuple(checks) == SUBJECTS
    wrong = {x for x, y in checks.items() if y["verdict"] == "wrong"}
    # Tests at the same time may take the memory.
    assert wrong <= {"Free memory"}
    assert (done.returncode, report["ready"]) == (len(wrong), not wrong)
    assert re.fullmatch(
        r"answers at port \d+, because 8888 is in use", checks["JupyterLab"]["found"]
    )
    assert [path for folder in folders.values() for path in folder.rglob("*")] == []
    left = [one for one in psutil.process_iter() if one.pid not in before]
    assert not any(str(folders["TMPDIR"]) in " ".join(one.cmdline()) for one in left)


# Disk, browser, versions


def test_a_disk_with_space_is_fine_and_nothing_is_left_on_it(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.data, "CHECKOUT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    check = doctor.check_disk()
    assert check.found.startswith("data/work can be written, ")
    # The folder itself is made by the first notebook.
    assert [path.name for path in tmp_path.rglob("*")] == ["notebooks"]


@pytest.mark.parametrize(
    ("number", "found", "cure"),
    [
        (errno.ENOSPC, "the disk is full", "free 1 GB"),
        (errno.EDQUOT, "the disk is full", "free 1 GB"),
        (errno.EROFS, "cannot be written: Read-only file system", "copy the kit"),
        (errno.EACCES, "cannot be written: Permission denied", "copy the kit"),
    ],
)
def test_a_disk_that_cannot_be_written(monkeypatch, number, found, cure):
    def fail(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", fail)
    check = doctor.check_disk()
    assert found in check.found
    assert cure in check.cure


def test_a_disk_with_little_space(monkeypatch):
    usage = type("Usage", (), {"free": 0.4 * 1024**3})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    check = doctor.check_disk()
    assert "0.4 GB free" in check.found
    assert "free 1 GB" in check.cure


@pytest.mark.parametrize(
    ("environment", "browser", "verdict"),
    [
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/a/"}, None, "✔"),
        ({}, "firefox", "○"),
        ({"SSH_CONNECTION": "1", "DISPLAY": ":1"}, "firefox", "○"),
        ({"DISPLAY": ":0"}, "/usr/bin/firefox", "✔"),
        ({"WAYLAND_DISPLAY": "0"}, "chromium", "✔"),
        ({"DISPLAY": ":0"}, "lynx", "✘"),
        ({"DISPLAY": ":0"}, None, "✘"),
    ],
)
def test_the_browser_of_a_desktop_is_looked_for(
    monkeypatch, environment, browser, verdict
):
    names = ("JUPYTERHUB_SERVICE_PREFIX", "SSH_CONNECTION", "DISPLAY")
    for name in (*names, "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def get():
        if browser is None:
            raise doctor.webbrowser.Error("could not locate runnable browser")
        return type("Browser", (), {"name": browser})

    monkeypatch.setattr(doctor.platform, "system", lambda: "Linux")
    monkeypatch.setattr(doctor.webbrowser, "get", get)
    check = doctor.check_browser()
    assert check.mark == verdict
    if verdict == "✘":
        assert "install Firefox" in check.cure
    if verdict == "✔" and browser:
        assert check.found == Path(browser).name


def fake_versions(monkeypatch, **fakes):
    installed = metadata.version

    def version(package):
        found = fakes.get(package.replace("-", "_"), "")
        if found is None:
            raise metadata.PackageNotFoundError(package)
        return found or installed(package)

    monkeypatch.setattr(machine.packages.metadata, "version", version)


def test_old_and_missing_packages_are_named(monkeypatch):
    fake_versions(monkeypatch, folium="0.14.0", xstatic_leaflet=None)
    check = versions.check_other_packages()
    assert (
        check.found == "folium 0.14.0 is not >=0.20, xstatic-leaflet is not installed"
    )
    assert "install the kit again" in check.cure


def test_other_versions_than_the_tested_ones_are_an_advice(monkeypatch):
    fake_versions(monkeypatch, folium="0.21.0", tensorflow_cpu="2.22.0")
    check = versions.check_tested_versions()
    assert check.found == "not folium 0.21.0, tensorflow-cpu 2.22.0"
    assert check.mark == "○"
    assert versions.check_other_packages().mark == "✔"


def test_a_kit_that_is_not_installed_has_a_cure(monkeypatch, tmp_path):
    def requires(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(machine.packages.metadata, "requires", requires)
    check = versions.check_other_packages()
    assert check.verdict == "✘ install the kit again: `make lab`"
    monkeypatch.setattr(versions, "CHECKOUT", tmp_path)
    assert versions.check_tested_versions().mark == "✔"


# What is printed


@pytest.fixture
def quick(monkeypatch):
    """Function that runs `doctor --quick` with further words; returns its exit code."""
    # Tests at the same time may take the memory.
    monkeypatch.setattr(machine.memory, "NEEDED_MEMORY_GB", 0)

    def run(*words):
        return main(["doctor", "--quick", *words])

    return run


def test_a_machine_without_data_is_not_ready(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine.data, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert quick() == 1
    text = capsys.readouterr().out
    assert re.search(r"✘ Data havel +no data/havel\n +→ run `python -m data_f", text)
    assert re.search(r"✘ Data town +no data/town\n", text)
    assert "2 things have to be done first. Then run `tutorial-lib doctor`" in text


def test_the_kit_is_found_from_any_folder(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert quick() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Nothing is wrong so far. Without `--quick`")
    assert sum(line.startswith("○") and "not checked" in line for line in lines) == 4
    assert tuple(x for x in SUBJECTS if f" {x} " in "\n".join(lines)) == SUBJECTS
    assert list(tmp_path.iterdir()) == []
    assert Path.cwd() == tmp_path


def test_json_is_one_line_without_private_names(
    quick, tmp_path, monkeypatch, capsys, havel_folder
):
    home = tmp_path / "anna"
    monkeypatch.setattr(doctor.Path, "home", lambda: home)

    def fail():
        raise OSError(f"'{home}/kit/a.tif' and '/data/users/anna/b.tif' are damaged")

    monkeypatch.setattr(doctor, "check_disk", fail)
    assert quick("--json") == 1
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    report = json.loads(text)
    assert report.keys() == {"kit", "system", "ready", "checks"}
    assert not report["ready"]
    (disk,) = (one for one in report["checks"] if one["subject"] == "Disk")
    assert disk["found"] == "OSError: '…/kit/a.tif' and '…/b.tif' are damaged"
    assert disk["verdict"] == "wrong"
    for word in ("anna", platform.node(), str(Path.cwd()), sys.prefix):
        assert word not in text


def test_words_with_a_stroke_that_are_no_paths_stay():
    for text in (
        "no data/havel",
        "needs >=2,<3",
        "run `py -m a` on 127.0.0.1/8",
        "a / b",
    ):
        assert doctor._neutral(text) == text
    assert doctor._neutral(r"C:\Users\anna\x.dll is bad") == "…/x.dll is bad"


def test_a_terminal_without_the_signs_gets_letters(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", stream)
    lines = doctor._line(machine.Check("Disk", "full ✘", "free 1 GB"))
    assert lines.split("\n") == [
        f"!! {'Disk':<18} full ?",
        f"{'':<20} -> free 1 GB",
    ]
    lines.encode("cp1252")


def test_no_temporary_folder_is_one_sentence(quick, monkeypatch, capsys):
    def fail(**_):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(programs.tempfile, "mkdtemp", fail)
    assert quick() == 1
    assert "error: No folder for temporary files can be" in capsys.readouterr().err


def test_a_data_folder_that_does_not_answer_is_told(monkeypatch, capsys, quick):
    hanging = threading.Event()
    monkeypatch.setattr(doctor, "check_data", lambda _: hanging.wait(30))
    monkeypatch.setattr(doctor, "SHORT", 0.2)
    assert quick() == 1
    hanging.set()
    text = capsys.readouterr().out
    assert re.search(r"✘ Data havel +no answer in 0\.2 s\n +→ start the machine", text)
    assert "✔ Disk" in text
