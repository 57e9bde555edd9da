"""The check of the machine: memory, Python, packages and the sample data."""

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

    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "CONTAINER", tmp_path / "cgroup")
    return write


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
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "nothing")
    assert check_named("Free memory").found == "cannot be read on this system"


@pytest.mark.parametrize(("version", "fine"), [("3.11.9", True), ("3.10.14", False)])
def test_the_version_of_python_is_checked(monkeypatch, version, fine):
    monkeypatch.setattr(machine.platform, "python_version", lambda: version)
    assert check_named("Python").verdict == ("✔ fine" if fine else "✘ use 3.11 or 3.12")


def test_a_missing_package_has_a_cure(monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", {"Gone": ("no-such-package",)})
    check = check_named("Gone")
    assert check.found == "not installed"
    assert "install the kit again" in check.cure


@pytest.mark.parametrize("folder", ["", "notebooks", "notebooks/solutions"])
def test_the_data_is_found_from_folders_below(tmp_path, monkeypatch, folder):
    (tmp_path / "data" / "havel").mkdir(parents=True)
    (tmp_path / "data" / "havel" / "a.tif").touch()
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    assert machine.find_data("havel") == tmp_path / "data" / "havel"
    assert check_named("Data").found == "data/havel, 1 rasters"


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
    machine.MEMORY.write_text(text)
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
