"""The folder of `make offline-kit`: which packages it has, and that it is enough."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import kit
from offline_kit import __main__ as building
from offline_kit import wheelhouse
from offline_kit.wheelhouse import Collector, Target

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
LINUX, WINDOWS = Target("linux", "3.12"), Target("windows", "3.12")
# Brings up the loopback interface, which a new network has switched off.
LOOPBACK = (
    "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, "
    "struct.pack('16sH14s', b'lo', 0x41, b''))"
)


def write_wheel(folder, name, *needs, version="1.0", tag="py3-none-any"):
    folder.mkdir(exist_ok=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in needs]
    inside = f"{name}-{version}.dist-info"
    with ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        archive.writestr(f"{inside}/METADATA", "\n".join(lines) + "\n\nText.\n")
        archive.writestr(f"{inside}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{inside}/RECORD", "")
    return folder / f"{name}-{version}-{tag}.whl"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder that stands for PyPI, and a kit that needs the package `one`."""
    folder = tmp_path / "shelf"
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wheelhouse, "NEEDED", ("one[more]",))
    names = ("one", "two", "three", "four", "five")
    monkeypatch.setattr(wheelhouse, "pins", lambda: dict.fromkeys(names, "1.0"))
    needs = (
        "two>=1; sys_platform == 'win32'",
        "three; extra == 'more' and python_version < '3.13'",
        "four; extra == 'other'",
        "five; platform_machine == 'arm64'",
    )
    write_wheel(folder, "one", *needs)
    for name in names[1:]:
        write_wheel(folder, name)
    return folder


def collect(target, folder):
    folder.mkdir(exist_ok=True)
    return {*Collector(target, folder).collect()}


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("platform", "names"),
    [
        ("linux", {"one", "three"}),
        ("linux-arm", {"one", "three"}),
        ("windows", {"one", "two", "three"}),
        ("macos", {"one", "three", "five"}),
    ],
)
def test_the_packages_are_those_that_the_other_machine_needs(
    shelf, tmp_path, platform, names
):
    wheels = tmp_path / "wheels"
    assert collect(Target(platform, "3.12"), wheels) == names
    files = {path.name for path in wheels.iterdir()}
    assert files == {f"{name}-1.0-py3-none-any.whl" for name in names}


@pytest.mark.parametrize(
    ("target", "fits"),
    [
        (
            LINUX,
            {"cp312-cp312-manylinux_2_17_x86_64", "cp39-abi3-manylinux2014_x86_64"},
        ),
        (Target("linux", "3.11"), {"cp39-abi3-manylinux2014_x86_64"}),
        (WINDOWS, {"cp312-cp312-win_amd64"}),
        (Target("macos", "3.12"), {"cp312-abi3-macosx_11_0_arm64"}),
    ],
)
def test_a_package_fits_where_its_tags_say(tmp_path, target, fits):
    tags = [
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp39-abi3-manylinux2014_x86_64",
        "cp312-cp312-manylinux_2_40_x86_64",
        "cp313-cp313-manylinux_2_17_x86_64",
        "cp312-cp312-win_amd64",
        "cp312-abi3-macosx_11_0_arm64",
        "cp312-abi3-macosx_15_0_arm64",
    ]
    for tag in tags:
        folder = tmp_path / tag
        write_wheel(folder, "one", tag=tag)
        found = wheelhouse.find_wheel(folder, "one", "1.0", target.tags)
        assert (found is not None) == (tag in fits), tag


@pytest.mark.slow
def test_all_packages_without_a_file_for_the_platform_are_named(shelf, tmp_path):
    for name in ("one", "three"):
        (shelf / f"{name}-1.0-py3-none-any.whl").unlink()
    write_wheel(shelf, "one", "two", "three", "four")
    write_wheel(shelf, "three", tag="cp312-cp312-win_amd64")
    (shelf / "two-1.0-py3-none-any.whl").unlink()
    write_wheel(shelf, "two", tag="cp311-cp311-manylinux_2_17_x86_64")
    with pytest.raises(OSError, match=r"no package file of three 1\.0, two 1\.0 for"):
        collect(LINUX, tmp_path / "wheels")
    # What there was is kept.
    kept = {path.name for path in (tmp_path / "wheels").iterdir()}
    assert kept == {"one-1.0-py3-none-any.whl", "four-1.0-py3-none-any.whl"}


@pytest.mark.thorough
def test_a_run_goes_on_where_it_stopped(shelf, tmp_path):
    wheels = tmp_path / "wheels"
    collect(LINUX, wheels)
    (wheels / ".part").mkdir()
    (wheels / ".part" / "two-1.0-py3-none-any.whl").write_bytes(b"half")
    (shelf / "one-1.0-py3-none-any.whl").unlink()
    assert collect(WINDOWS, wheels) == {"one", "two", "three"}
    for path in wheels.iterdir():
        assert wheelhouse.requires(path) is not None


def test_a_package_without_a_version_is_named(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(wheelhouse, "pins", lambda: {"one": "1.0"})
    with pytest.raises(ValueError, match=r"No version of three is in constraints\.txt"):
        collect(LINUX, tmp_path / "wheels")


@pytest.mark.thorough
def test_without_internet_the_message_says_so(shelf, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setattr(wheelhouse, "RETRIES", 1)
    with pytest.raises(OSError, match="Check the internet connection and run the same"):
        collect(LINUX, tmp_path / "wheels")


@pytest.mark.thorough
def test_outdated_versions_are_removed_and_no_others(shelf, tmp_path):
    wheels = tmp_path / "wheels"
    collect(WINDOWS, wheels)
    write_wheel(wheels, "one", version="0.9")
    write_wheel(wheels, "six")
    wheelhouse.remove_outdated(wheels)
    assert len([*wheels.iterdir()]) == 3


def test_the_copy_has_all_files_of_the_repository_and_no_others(tmp_path):
    checkout, folder = tmp_path / "checkout", tmp_path / "folder"
    if not (REPOSITORY / ".git").exists():
        pytest.skip("the kit was unpacked from an archive, without its git repository")
    clone = ["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, checkout]
    subprocess.run(clone, check=True, capture_output=True)
    folder.mkdir()
    (folder / "old.txt").write_text("of an older kit")
    for name in (".venv", "data", "dist", "__pycache__", ".ruff_cache"):
        (checkout / name).mkdir()
        (checkout / name / "junk").write_text("junk")
    building.copy_kit(checkout, folder)
    listed = subprocess.check_output(["git", "ls-files"], cwd=checkout, text=True)
    copied = {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }
    assert copied == {*listed.splitlines()}
    assert os.access(folder / "postBuild", os.X_OK)


def test_complete_scenes_go_along_and_others_do_not(tmp_path):
    source, folder = tmp_path / "data", tmp_path / "copy"
    for name in ("town", "ours", "half", ".hidden"):
        (source / name).mkdir(parents=True)
        (source / name / "s2_10m.tif").write_text(name)
        if name != "half":
            (source / name / "MANIFEST.json").write_text("{}")
    (folder / "town").mkdir(parents=True)
    (folder / "town" / "old").write_text("older")
    assert building.copy_scenes(source, folder) == ["ours", "town"]
    assert {path.name for path in folder.iterdir()} == {"ours", "town"}
    assert {x.name for x in (folder / "town").iterdir()} == {
        "s2_10m.tif",
        "MANIFEST.json",
    }


def test_a_folder_is_complete_for_the_lists_of_today_only(tmp_path):
    assert building.note_complete(tmp_path) == []
    assert building.note_complete(tmp_path, LINUX) == ["linux 3.12"]
    assert building.note_complete(tmp_path, WINDOWS) == ["linux 3.12", "windows 3.12"]
    path = tmp_path / "contents.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"key": "older"}))
    assert building.note_complete(tmp_path) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(OSError, match="has other files"):
        building.build(LINUX, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_full_disk_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "SPACE", 10**18)
    with pytest.raises(OSError, match=r"GB free, and 1000000000\.0 GB are needed"):
        building.build(LINUX, tmp_path)


def test_an_unknown_machine_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(kit.sys, "platform", "beos")
    monkeypatch.setattr(sys, "argv", ["offline_kit"])
    with pytest.raises(SystemExit):
        building.main()
    assert "There are no packages for beos" in capsys.readouterr().err


def test_the_page_names_the_systems_and_the_command():
    text = building.start_text(["linux 3.12", "windows 3.12"], ["havel"])
    assert "For: linux 3.12, windows 3.12" in text
    assert "py -3.12 kit.py lab" in text
    assert max(map(len, text.splitlines())) <= 90


def without_network():
    """The words before a command that deny it the network, or skip the test."""
    for words in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if (
            shutil.which("unshare")
            and not subprocess.run(
                [*words, "true"], check=False, capture_output=True
            ).returncode
        ):
            return words
    pytest.skip("`unshare --net` is not allowed here.")


@pytest.mark.slow
def test_the_folder_installs_tests_and_runs_the_kit_without_a_network(tmp_path):
    denied = without_network()
    folder, home = tmp_path / "kit", tmp_path / "home"
    home.mkdir()
    build = [sys.executable, "-m", "offline_kit", "--folder", folder]
    subprocess.run([*build, "--python-version", OURS], cwd=REPOSITORY, check=True)
    # Nothing of this session: no environment, no settings, no cache of pip.
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
    python = Path(sys.base_prefix, "bin", f"python{OURS}")

    def run(script):
        script = f"'{python}' -c \"{LOOPBACK}\" && {script}"
        done = subprocess.run(
            [*denied, "sh", "-c", script],
            cwd=folder,
            env=bare,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout

    try:
        reach = "import socket; print(socket.socket().connect_ex(('192.0.2.1', 80)))"
        assert int(run(f"'{python}' -c \"{reach}\"")) != 0
        assert "Installed with Python" in run(f"'{python}' kit.py setup --offline")
        assert "The figure is in" in run(f"'{python}' kit.py demo")
        assert " passed" in run(f"'{python}' kit.py check")
    finally:
        shutil.rmtree(folder)
