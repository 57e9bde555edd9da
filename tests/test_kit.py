"""kit.py, the way without make: what it runs, what it refuses, and in which order."""

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kit

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
# Settings of a `make test` that runs this test are not for the inner `make`.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


def run_kit(*words, python=sys.executable, folder=REPOSITORY, **variables):
    return subprocess.run(
        [python, folder / "kit.py", *map(str, words)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def commands(output):
    """The command lines of a dry run as lists of words."""
    lines = output.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if "python" in line.split(" -")[0]]


@pytest.fixture
def bare_kit(tmp_path):
    """A folder with what kit.py needs to install, and nothing to install from."""
    for name in ("kit.py", "pyproject.toml", "constraints.txt"):
        shutil.copy2(REPOSITORY / name, tmp_path)
    return tmp_path


@pytest.fixture
def pretended(bare_kit):
    """As `bare_kit`, where the environment's Python only notes what it is asked."""
    (bare_kit / ".venv" / "bin").mkdir(parents=True)
    python = bare_kit / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >>{bare_kit}/asked\necho Python 3.12.9\n')
    python.chmod(0o755)
    return bare_kit


def asked(folder):
    path = folder / "asked"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [line for line in lines if "--version" not in line]


@pytest.mark.parametrize("name", sorted(kit.COMMANDS))
def test_a_command_runs_the_same_as_make(name):
    made = subprocess.run(
        ["make", "--dry-run", name, f"PYTHON={sys.executable}", "WORKERS=2"],
        cwd=REPOSITORY,
        env={k: v for k, v in os.environ.items() if k not in OF_MAKE},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ours = run_kit(name, "--dry-run", WORKERS="2")
    assert ours.returncode == 0, ours.stderr

    def listed(output):
        for words in commands(output):
            if "kit.py" in words or "venv" in words or "pip" in words or "-c" in words:
                continue
            paths = [
                sorted(str(x.relative_to(REPOSITORY)) for x in REPOSITORY.glob(word))
                if word.endswith("*.ipynb")
                else [word]
                for word in words
            ]
            yield [word for one in paths for word in one]

    assert [*listed(ours.stdout)] == [*listed(made)]
    assert len([*listed(made)]) >= 1


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("", "", "cpu"),
        ("", "--gpu=1", "gpu"),
        ("cpu", "--gpu=1", "gpu"),
        ("gpu", "", "gpu"),
        ("gpu", "--gpu=1", "gpu"),
        ("gpu", "--gpu=0", "cpu"),
    ],
)
def test_the_choice_of_tensorflow_stays_until_another_is_made(
    pretended, before, words, after
):
    environment = pretended / ".venv"
    if before:
        (environment / "variant").write_text(f"{before}\n")
        (environment / "ready").write_text(f"{pretended}\n")
    done = run_kit("setup", *words.split(), folder=pretended)
    assert done.returncode == 0, done.stderr
    lines = asked(pretended)
    removes = [f"-m pip uninstall {'--quiet ' * 2}--yes tensorflow tensorflow-cpu"]
    installs = [
        f"-m pip install --quiet --constraint constraints.txt --editable .[{after},dev]"
    ]
    # The two packages hold the same files: one goes before the other comes.
    removed = removes * ((before or "cpu") != after)
    assert lines == (removed + installs) * (before != after)
    if before != after:
        assert "a few minutes, 2.7 GB" in done.stdout
        assert ("for CUDA" in done.stdout) == (after == "gpu")
        assert "Installed with Python 3.12.9." in done.stdout
        assert (environment / "variant").read_text() == f"{after}\n"
    assert not (environment / "unfinished").exists()
    # A second run has nothing to do.
    assert run_kit("setup", folder=pretended).stdout == ""
    assert asked(pretended) == []


@pytest.mark.parametrize("cause", ["moved", "constraints.txt", "pyproject.toml"])
def test_setup_installs_again_where_something_changed(pretended, cause):
    run_kit("setup", folder=pretended)
    asked(pretended)
    if cause == "moved":
        (pretended / ".venv" / "ready").write_text("/elsewhere\n")
    else:
        later = time.time() + 5
        os.utime(pretended / cause, (later, later))
    assert run_kit("setup", folder=pretended).returncode == 0
    assert len(asked(pretended)) == 1


def test_an_installation_that_failed_begins_again(pretended):
    python = pretended / ".venv" / "bin" / "python"
    good = python.read_text()
    python.write_text(f"{good}case $* in *install*) exit 7;; esac\n")
    failed = run_kit("setup", folder=pretended)
    assert failed.returncode == 7
    assert not (pretended / ".venv" / "ready").exists()
    assert (pretended / ".venv" / "unfinished").exists()
    python.write_text(good)
    again = run_kit("setup", "--dry-run", folder=pretended).stdout
    assert commands(again)[0][1:] == ["-m", "venv", "--clear", ".venv"]


def test_killing_the_program_ends_what_it_started(pretended):
    python = pretended / ".venv" / "bin" / "python"
    text = f"#!/bin/sh\ncase $* in *install*) echo $$ >{pretended}/pid; exec sleep 60;;"
    python.write_text(f"{text} esac\n")
    process = subprocess.Popen(
        [sys.executable, pretended / "kit.py", "setup"], stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 20
    while not (pretended / "pid").exists() and time.monotonic() < end:
        time.sleep(0.02)
    number = int((pretended / "pid").read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_python_without_venv_is_refused(bare_kit):
    (bare_kit / "ensurepip.py").write_text("raise ImportError('left out by Debian')")
    refused = run_kit("setup", folder=bare_kit, PYTHONPATH=str(bare_kit))
    assert refused.returncode == 1
    assert "cannot make virtual environments" in refused.stderr
    assert "python3-venv" in refused.stderr
    assert not (bare_kit / ".venv").exists()


@pytest.mark.parametrize("number", [(3, 10), (3, 13)])
def test_another_python_is_refused_with_the_command_to_type(
    monkeypatch, capsys, number, tmp_path
):
    monkeypatch.setattr(sys, "version_info", (*number, 1))
    monkeypatch.setattr(kit, "USABLE", "raise SystemExit(1)")
    words = ["kit.py", "setup", "--environment", str(tmp_path / "new")]
    monkeypatch.setattr(sys, "argv", words)
    assert kit.main() == 1
    error = capsys.readouterr().err
    assert f"This is Python 3.{number[1]}, and the kit needs 3.12 or 3.11." in error
    assert f"python3.12 {' '.join(words)}" in error


def test_old_pythons_can_read_the_file():
    ast.parse((REPOSITORY / "kit.py").read_text(), feature_version=(3, 7))


def test_only_the_standard_library_is_imported():
    tree = ast.parse((REPOSITORY / "kit.py").read_text())
    names = [
        x.name for n in ast.walk(tree) if isinstance(n, ast.Import) for x in n.names
    ]
    names += [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert len(names) > 5
    assert set(names) <= sys.stdlib_module_names


def wheels(folder, *complete):
    (folder / "wheels").mkdir()
    text = json.dumps({"complete": complete})
    (folder / "wheels" / "contents.json").write_text(text)


def test_with_a_folder_of_packages_nothing_else_is_asked(pretended):
    wheels(pretended, f"{kit.this_platform()} {OURS}")
    assert run_kit("setup", folder=pretended).returncode == 0
    (line,) = asked(pretended)
    assert f"--isolated --no-index --find-links {pretended / 'wheels'} " in line
    refused = run_kit("setup", "--gpu=1", folder=pretended)
    assert "TensorFlow for processors only" in refused.stderr
    assert refused.returncode == 1


def test_a_folder_of_packages_for_other_machines_is_refused(pretended):
    wheels(pretended, "beos 3.12")
    refused = run_kit("setup", folder=pretended)
    assert refused.returncode == 1
    assert "has the packages for beos 3.12, and this is" in refused.stderr
    wanted = f"PLATFORM={kit.this_platform()} PYTHON_VERSION={OURS}"
    assert wanted in refused.stderr
    assert asked(pretended) == []


def test_offline_without_a_folder_of_packages_is_refused(pretended):
    refused = run_kit("setup", "--offline", folder=pretended)
    assert refused.returncode == 1
    assert "has the packages for no platform" in refused.stderr
    assert asked(pretended) == []


def test_windows_names_its_python_otherwise(monkeypatch):
    monkeypatch.setattr(kit.os, "name", "nt")
    parts = kit.Environment.python_parts()
    assert parts == ("Scripts", "python.exe")
