"""The check of the machine: memory, Python, packages and the sample data."""

import hashlib
import json
from importlib import metadata

import psutil
import pytest

from tutorial_lib import machine


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """Function that writes the files in which Linux reports its memory, in GB."""

    def write(free, limit=None, used=0.0):
        container = tmp_path / "cgroup"
        container.mkdir(exist_ok=True)
        text = f"MemTotal: 99999999 kB\nMemAvailable: {round(free * 1024**2)} kB\n"
        (tmp_path / "meminfo").write_text(text)
        text = "max\n" if limit is None else f"{round(limit * 1024**3)}\n"
        (container / "memory.max").write_text(text)
        (container / "memory.current").write_text(f"{round(used * 1024**3)}\n")

    monkeypatch.setattr(machine.memory, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine.memory, "CONTAINER", tmp_path / "cgroup")
    return write


def write_scene(folder, *names):
    """Write files and their manifest, as `data_fetch` does."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    text = json.dumps({"recipe": "names", "sha256": hashes})
    (folder / "MANIFEST.json").write_text(text)


def check_named(subject):
    (check,) = (x for x in machine.check_machine().checks if x.subject == subject)
    return check


def test_enough_memory_is_fine(memory):
    memory(free=3.2)
    check = check_named("Free memory")
    assert (check.found, check.cure) == ("3.2 GB", "")


def test_little_memory_has_a_cure(memory):
    memory(free=0.9)
    assert "shut down other kernels" in check_named("Free memory").verdict


def test_the_memory_of_the_container_is_the_limit(memory):
    memory(free=60, limit=2, used=1.1)
    assert check_named("Free memory").found == "0.9 GB"
    assert not machine.check_machine().ok


def test_memory_that_cannot_be_read_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.memory, "MEMORY", tmp_path / "nothing")
    assert check_named("Free memory").found == "cannot be read on this system"


@pytest.mark.parametrize(("version", "fine"), [("3.11.9", True), ("3.10.14", False)])
def test_the_version_of_python_is_checked(monkeypatch, version, fine):
    monkeypatch.setattr(machine.packages.platform, "python_version", lambda: version)
    assert check_named("Python").verdict == ("✔ fine" if fine else "✘ use 3.11 or 3.12")


def test_a_missing_package_has_a_cure(monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", {"Gone": ("no-such-package",)})
    check = check_named("Gone")
    assert check.found == "not installed"
    assert "install the kit again" in check.cure


@pytest.mark.parametrize("folder", ["", "notebooks", "notebooks/solutions"])
def test_the_data_is_found_from_folders_below(tmp_path, monkeypatch, folder):
    write_scene(tmp_path / "data" / "havel", "a.tif")
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    assert machine.find_data("havel") == tmp_path / "data" / "havel"
    assert check_named("Data").found == "data/havel, 1 rasters"
    assert check_named("Data").verdict == "✔ fine"


def test_missing_data_has_a_cure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"'data/havel' in .*data_fetch"):
        machine.find_data("havel")
    assert "data_fetch sample" in check_named("Data").verdict


def test_a_scene_that_is_not_there_is_answered_with_those_that_are(
    tmp_path, monkeypatch
):
    for scene in ("delta", "alps", ".practice"):
        (tmp_path / "data" / scene).mkdir(parents=True)
        (tmp_path / "data" / scene / "MANIFEST.json").touch()
    (tmp_path / "data" / "work").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    with pytest.raises(FileNotFoundError, match=r"from: alps, delta\. Or run .*stac`"):
        machine.find_data("tokyo")
    with pytest.raises(FileNotFoundError, match=r"Or run .*`python -m data_fetch sam"):
        machine.find_data("town")


def test_the_report_names_the_scene_and_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *_, check = machine.check_machine("tokyo").checks
    assert check.found == "no data/tokyo"
    assert "`python -m data_fetch stac` (or `local`, `synthetic`)" in check.cure
    (tmp_path / "data" / "tokyo").mkdir(parents=True)
    *_, check = machine.check_machine("tokyo").checks
    assert (check.found, bool(check.cure)) == ("data/tokyo, 0 rasters", True)


def test_the_report_has_marks_and_words_and_escapes_html():
    report = machine.MachineReport(
        (machine.Check("a", "1"), machine.Check("b", "<2", cure="use 2"))
    )
    assert repr(report).splitlines()[0].split() == ["a", "1", "✔", "fine"]
    assert 'left">✘ use 2</td>' in report._repr_html_()
    assert "&lt;2" in report._repr_html_()
    assert not report.ok


@pytest.mark.parametrize("text", ["", "MemTotal: 9 kB", "no colon", "MemAvailable:"])
def test_other_lines_about_memory_are_no_error(memory, text):
    memory(free=3.2)
    machine.memory.MEMORY.write_text(text)
    assert check_named("Free memory").found == "cannot be read on this system"


def test_the_name_of_a_scene_leads_to_no_other_folder(tmp_path, monkeypatch):
    (tmp_path / "data" / "havel").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for scene in ("../data/havel", "", "havel/", ".."):
        with pytest.raises(ValueError, match="Give a name"):
            machine.find_data(scene)
    for scene in (None, 3):
        with pytest.raises(TypeError, match="`scene` is"):
            machine.check_machine(scene)


def test_a_damaged_or_missing_file_of_a_scene_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "havel"
    write_scene(folder, "a.tif", "b.tif", "c.tif")
    monkeypatch.chdir(tmp_path)
    (folder / "a.tif").write_text("half")
    (folder / "c.tif").unlink()
    check = machine.check_data("havel")
    assert check.found == "data/havel: a.tif, c.tif missing or damaged"
    assert "data_fetch sample" in check.cure


@pytest.mark.parametrize("text", ["", "[]", '{"sha256": 1}', '{"recipe": "a"}', None])
def test_a_sample_scene_needs_its_manifest(tmp_path, monkeypatch, text):
    write_scene(tmp_path / "data" / "town", "a.tif")
    path = tmp_path / "data" / "town" / "MANIFEST.json"
    path.unlink() if text is None else path.write_text(text)
    monkeypatch.chdir(tmp_path)
    check = machine.check_data("town")
    assert "MANIFEST.json missing or damaged" in check.found
    assert "data_fetch sample" in check.cure


def test_a_folder_of_own_rasters_needs_no_manifest(tmp_path, monkeypatch):
    (tmp_path / "data" / "delta").mkdir(parents=True)
    (tmp_path / "data" / "delta" / "a.tif").touch()
    monkeypatch.chdir(tmp_path)
    assert machine.check_data("delta").verdict == "✔ fine"


def test_a_manifest_leads_to_no_other_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "delta"
    write_scene(folder, "a.tif")
    (tmp_path / "secret").write_text("a.tif")
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["sha256"]["../../secret"] = manifest["sha256"]["a.tif"]
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)
    assert "MANIFEST.json missing or damaged" in machine.check_data("delta").found


def test_a_version_below_the_floor_has_a_cure(monkeypatch):
    installed = metadata.version

    def fake(package):
        return "1.26.4" if package == "numpy" else installed(package)

    monkeypatch.setattr(machine.packages.metadata, "version", fake)
    assert check_named("NumPy").found == "1.26.4"
    assert check_named("NumPy").verdict.startswith("✘ needs >=2: install the kit again")
    assert check_named("Keras").verdict == "✔ fine"


def test_the_memory_of_other_systems_comes_from_psutil(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.memory, "MEMORY", tmp_path / "nothing" / "meminfo")
    monkeypatch.setattr(machine.memory, "CONTAINER", tmp_path / "nothing")
    found = float(check_named("Free memory").found.removesuffix(" GB"))
    assert found == pytest.approx(psutil.virtual_memory().available / 1024**3, rel=0.2)


def test_the_total_memory_is_that_of_the_container(memory):
    memory(free=60, limit=1.5)
    check = machine.memory.check_total_memory()
    assert check.found == "1.5 GB"
    assert check.verdict == "✘ use a machine or a container with 2 GB"
    memory(free=60, limit=2)
    assert machine.memory.check_total_memory().verdict == "✔ fine"
    memory(free=60)
    assert machine.memory.check_total_memory().found == "95.4 GB"


def test_an_advice_does_not_make_a_machine_unfit():
    advice = machine.Check("a", "1", "better use 2", is_advice=True)
    assert advice.verdict == "○ better use 2"
    assert machine.MachineReport((advice,)).ok


def test_results_lie_beside_the_scenes(tmp_path, monkeypatch):
    write_scene(tmp_path / "course" / "data" / "delta", "a.tif")
    inner = tmp_path / "course" / "notebooks" / "solutions"
    inner.mkdir(parents=True)
    # A folder with this name is not the kit's if it has no scene.
    (inner / "data").mkdir()
    monkeypatch.chdir(inner)
    assert machine.find_work_folder() == tmp_path / "course" / "data" / "work"


def test_without_a_scene_results_lie_in_the_kit(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    assert machine.find_work_folder() == repository / "data" / "work"
    monkeypatch.setattr(machine.data, "CHECKOUT", tmp_path / "site-packages")
    assert machine.find_work_folder() == tmp_path / "data" / "work"
