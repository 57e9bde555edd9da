"""Lists of dependencies, commands of the Makefile, scripts, and imports."""

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, requires, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import tutorial_lib as tl

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("tutorial_lib", "data_fetch", "offline_kit")
# Folders that commands create; their files are not checked.
NOT_OURS = {".git", ".venv", "data", "build", "dist", "wheels", "__pycache__"}
# Tests may hold absolute paths, because they test that such paths are refused.
TESTS = REPOSITORY / "tests"
# The package of a module, where the two names differ.
PACKAGE_OF = {
    "PIL": "pillow",
    "odc": "odc-geo",
    "tensorflow": "tensorflow-cpu",
    "xstatic": "xstatic-leaflet",
}


def project():
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def pins():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    wanted = [Requirement(x) for x in lines if x and not x.startswith("#")]
    return {canonicalize_name(x.name): x for x in wanted}


def extra(name):
    """The requirements of an extra; one that names further extras has theirs too."""
    for line in project()["optional-dependencies"][name]:
        requirement = Requirement(line)
        if requirement.name != project()["name"]:
            yield requirement
        for further in requirement.extras - {"and-cuda"}:
            yield from extra(further)


def direct_requirements(*extras):
    """The extras' requirements, then those of every installation."""
    required = [Requirement(x) for x in project()["dependencies"]]
    return [*(x for name in extras for x in extra(name)), *required]


def variant():
    """The extra with the TensorFlow that is installed here."""
    names = {x.name for x in extra("gpu")} - {
        x.name for x in extra("cpu") if applies(x)
    }
    return "gpu" if names & {x.name for x in distributions()} else "cpu"


def applies(requirement, extras=()):
    marker = requirement.marker
    return not marker or any(marker.evaluate({"extra": x}) for x in ("", *extras))


def all_requirements(found, waiting):
    """Names of all required packages, and of the packages that they require."""
    for requirement in waiting:
        key = canonicalize_name(requirement.name), *sorted(requirement.extras)
        if key in found:
            continue
        found.add(key)
        below = [Requirement(x) for x in requires(requirement.name) or []]
        kept = [x for x in below if applies(x, requirement.extras)]
        all_requirements(found, kept)
    return {name for name, *_ in found}


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def run_make(*arguments):
    # Settings of a `make test` that runs this test are not for the inner `make`.
    outside = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    return subprocess.run(
        ["make", *arguments],
        cwd=REPOSITORY,
        env={k: v for k, v in os.environ.items() if k not in outside},
        capture_output=True,
        text=True,
        check=False,
    )


def our_files(*suffixes):
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [x for x in folders if x not in NOT_OURS and not is_cache(x)]
        for name in names:
            if not suffixes or name.endswith(suffixes):
                yield Path(folder, name)


def is_cache(name):
    return name.startswith(".") and name not in (".ci", ".github")


def third_party_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (x.name.split(".")[0] for x in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_import_does_not_load_heavy_libraries():
    heavy = {"tensorflow", "keras", "matplotlib", "ipywidgets", "folium", "pandas"}
    loaded = run_python("import sys, tutorial_lib; print(*sys.modules)").split()
    assert "tutorial_lib" in loaded
    assert heavy.isdisjoint(loaded)


def test_importing_the_exercises_does_not_load_heavy_libraries():
    code = "import sys, tutorial_lib.exercises; print(*sys.modules)"
    loaded = run_python(code).split()
    assert "tutorial_lib.exercises" in loaded
    assert {"tensorflow", "keras", "matplotlib"}.isdisjoint(loaded)


@pytest.mark.parametrize("name", tl.__all__)
def test_a_public_name_has_a_docstring_with_an_example(name):
    value = getattr(tl, name)
    docstring = inspect.getdoc(value)
    assert docstring
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    if inspect.ismodule(value) or is_error:
        return
    assert ">>> " in docstring


def test_an_unknown_name_gives_an_error_with_the_known_names():
    with pytest.raises(AttributeError, match=r"read_girds.*read_grid"):
        _ = tl.read_girds


def test_dir_lists_the_public_names():
    assert set(dir(tl)) == set(tl.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_imported_package_is_declared(package):
    extras = (
        ("cpu", "dev")
        if package == "offline_kit"
        else ("cpu", "fetch", "dask", "fast", "onnx")
    )
    declared = {canonicalize_name(x.name) for x in direct_requirements(*extras)}
    # One training is in PyTorch. Who runs it is asked to install it.
    known = {*sys.stdlib_module_names, *PACKAGES, "kit", "torch"}
    imported = {
        name: path.relative_to(REPOSITORY)
        for path in (REPOSITORY / package).rglob("*.py")
        for name in third_party_imports(path)
        if name not in known
    }
    undeclared = {
        name: path
        for name, path in imported.items()
        if PACKAGE_OF.get(name, canonicalize_name(name)) not in declared
    }
    assert undeclared == {}


def test_every_installed_requirement_is_pinned_at_its_version():
    wanted = [x for x in direct_requirements(variant(), "dev") if applies(x)]
    # Some Pythons come with setuptools. TensorFlow chooses the libraries of NVIDIA.
    names = all_requirements(set(), wanted) - {"setuptools"}
    names = {name for name in names if not name.startswith("nvidia-")}
    unpinned = names - set(pins())
    assert unpinned == set()
    other = {x: version(x) for x in names if version(x) not in pins()[x].specifier}
    assert other == {}, "Run `make setup`."


@pytest.mark.parametrize("python", ["3.11.2", "3.12.0"])
def test_pins_are_for_the_oldest_pythons_in_use(python):
    """Debian 12 has Python 3.11.2, for which a few packages are too new."""
    too_new = {
        x.name: x.metadata.get("Requires-Python")
        for x in distributions()
        if canonicalize_name(x.name) in pins()
        and python not in SpecifierSet(x.metadata.get("Requires-Python") or "")
    }
    assert too_new == {}


def test_constraints_are_exact_versions_without_urls():
    assert pins()
    for pin in pins().values():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
        assert pin.url is None


def test_environment_file_lists_the_direct_requirements_at_their_pins():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    *conda, nested = environment["dependencies"]
    assert conda == ["python=3.12", "pip"]
    listed = [Requirement(x) for x in nested["pip"]]
    # Notebook 09 fetches a scene, maps with Dask, and maps with a network from PyTorch.
    expected = direct_requirements("cpu", "fetch", "dask", "onnx")
    for requirement in expected:
        requirement.specifier = pins()[canonicalize_name(requirement.name)].specifier
    assert list(map(str, listed)) == list(map(str, expected))


def test_pins_satisfy_the_requirements_of_the_project():
    requirements = direct_requirements("cpu", "gpu", "dev")
    assert requirements
    for requirement in requirements:
        pinned = pins()[canonicalize_name(requirement.name)]
        number = str(pinned.specifier).removeprefix("==")
        assert number in requirement.specifier, requirement


def test_make_alone_lists_every_command():
    text = (REPOSITORY / "Makefile").read_text()
    commands = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)", text, re.MULTILINE))
    output = run_make().stdout
    listed = set(re.findall(r"^  make ([a-z-]+) +\S", output, re.MULTILINE))
    assert {"help", "lab", "test", "demo", "notebooks", "outputs"} <= commands
    assert listed == commands == phony


@pytest.mark.parametrize("command", ["lab", "test", "demo"])
def test_a_command_installs_and_makes_the_sample_first(command):
    output = run_make(
        "--dry-run", "--always-make", command, f"PYTHON={sys.executable}"
    ).stdout
    installs = output.index("kit.py setup")
    fetches = output.index("-m data_fetch sample")
    works = output.index(
        {"lab": "jupyterlab", "test": "-m pytest", "demo": ".demo"}[command]
    )
    assert installs < fetches < works


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", ""), ("GPU=1", "--gpu=1"), ("GPU=yes", "--gpu=1"), ("GPU=0", "--gpu=0")],
)
def test_make_passes_on_which_tensorflow_is_wanted(tmp_path, asked, given):
    settings = (f"ENVIRONMENT={tmp_path}/new", f"PYTHON={sys.executable}")
    output = run_make("setup", "--dry-run", *asked.split(), *settings).stdout
    (line,) = re.findall(r"kit\.py setup.*", output)
    assert f"--environment '{tmp_path}/new'" in line
    assert re.findall("--gpu=.", line) == given.split()


@pytest.mark.parametrize(
    ("place", "asked", "installs"),
    [(REPOSITORY, "", False), ("/elsewhere", "", True), (REPOSITORY, "GPU=1", True)],
)
def test_make_asks_kit_py_only_where_something_may_have_changed(
    tmp_path, place, asked, installs
):
    (tmp_path / "ready").write_text(f"{place}\n")
    settings = (f"ENVIRONMENT={tmp_path}", f"PYTHON={sys.executable}")
    output = run_make("setup", "--dry-run", *asked.split(), *settings).stdout
    assert ("kit.py setup" in output) == installs


def test_a_python_that_does_not_run_is_refused(tmp_path):
    refused = run_make("setup", "PYTHON=/no/python3.12", f"ENVIRONMENT={tmp_path}/new")
    assert refused.returncode != 0
    assert "PYTHON=/no/python3.12 does not run" in refused.stderr
    assert not (tmp_path / "new").exists()


def test_without_a_python_the_message_names_what_to_install(tmp_path):
    refused = run_make("setup", "PYTHON=", f"ENVIRONMENT={tmp_path}/new")
    assert refused.returncode != 0
    assert "No Python 3.11 or 3.12" in refused.stderr
    assert "python3-venv" in refused.stderr


@pytest.mark.parametrize("name", ["postBuild", ".ci/run"])
def test_a_script_is_executable_and_stops_at_the_first_error(name):
    path = REPOSITORY / name
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!")
    assert "\nset -euo pipefail\n" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True)


def test_our_files_hold_no_absolute_path():
    absolute = re.compile(r"(?<![\w./:~-])/(?:home|root|Users|work)/\w|[A-Z]:\\\w")
    suffixes = (".py", ".md", ".ipynb", ".toml", ".txt", ".yml", ".json", ".cfg", "run")
    found = [
        f"{path.relative_to(REPOSITORY)}: {hit[0]}"
        for path in our_files(*suffixes, "Makefile", "postBuild")
        if TESTS not in path.parents
        and (hit := absolute.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []
