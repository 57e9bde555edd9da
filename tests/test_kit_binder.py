"""Binder and conda: the image that is described, and the environment of its list: slow.

It needs neither Docker nor conda. repo2docker, which Binder runs, only writes the steps
of the image. The packages of environment.yml come from PyPI.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from offline_kit.__main__ import copy_kit

REPOSITORY = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def run(*words, **options):
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done


def new_environment(folder, python=sys.executable):
    run(python, "-m", "venv", folder)
    return folder / "bin" / "python"


@pytest.fixture
def copy(tmp_path):
    """The kit as a fresh clone has it."""
    folder = tmp_path / "kit"
    folder.mkdir()
    copy_kit(REPOSITORY, folder)
    yield folder
    shutil.rmtree(folder)


def test_binder_builds_the_environment_before_it_copies_the_repository(copy, tmp_path):
    python = new_environment(tmp_path / "r2d")
    run(python, "-m", "pip", "install", "--quiet", "jupyter-repo2docker")
    program = python.with_name("jupyter-repo2docker")
    done = run(program, "--no-build", "--debug", copy)
    assert "Building conda environment for python=3.12" in done.stderr
    steps = re.sub(r"^#.*\n", "", done.stdout, flags=re.MULTILINE)
    lock = re.search(r"^COPY .*environment-2epy-2d3-2e12-2dlinux", steps, re.MULTILINE)
    listed = steps.index("COPY --chown=0:0 src/environment.yml ${REPO_DIR}")
    update = steps.index("env update -p ${NB_PYTHON_PREFIX}")
    whole = steps.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    last = steps.index("RUN ./postBuild")
    # The layer of the packages is kept between commits: only the list is there before.
    assert lock is not None
    assert lock.start() < listed < update < whole < last


def usable_python():
    """Python 3.12, as on Binder, where it is; else the one that runs this test."""
    code = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))"
    path = shutil.which("python3.12")
    if path and not subprocess.run([path, "-c", code], check=False).returncode:
        return path
    return sys.executable


def test_the_notebooks_pass_with_the_packages_of_environment_yml(copy, tmp_path):
    python = new_environment(tmp_path / "clean", usable_python())
    *_, nested = yaml.safe_load((copy / "environment.yml").read_text())["dependencies"]
    (tmp_path / "list.txt").write_text("\n".join(nested["pip"]) + "\n")
    install = (python, "-m", "pip", "install", "--quiet")
    run(*install, "--requirement", tmp_path / "list.txt")
    variables = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MAKE"))
    }
    variables["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    run(copy / "postBuild", cwd=copy, env=variables)
    # What runs the notebooks, and nothing else of the extra `dev`.
    limits = ("--constraint", copy / "constraints.txt")
    run(*install, *limits, "pytest", "pytest-xdist", "nbval")
    # `make` finds an environment that is ready, and installs nothing more.
    (python.parents[1] / "ready").write_text(f"{copy}\n")
    command = ("make", "test-notebooks", f"ENVIRONMENT={python.parents[1]}")
    done = run(*command, cwd=copy, env=variables)
    assert "Installing" not in done.stdout
    assert len(re.findall(r"^\d+ passed", done.stdout, re.MULTILINE)) == 2
    shutil.rmtree(tmp_path / "clean")
