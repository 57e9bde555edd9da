"""Scenes of one's own: their names, when they are replaced, and unfinished ones."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from data_fetch import scenes, unfinished
from data_fetch.manifests import COMING
from data_fetch.scenes import MANIFEST, check_name, make_scene
from data_fetch.unfinished import resumable
from tutorial_lib import rasters, testing

NAMES = ("a.txt", "b.txt")


def writing(text):
    def build(part):
        for name in NAMES:
            (part / name).write_text(f"{name} {text}")

    return build


def make(folder, recipe, **options):
    return make_scene(folder, writing(recipe), recipe=recipe, files=NAMES, **options)


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


# Names --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my_town", "Zürich-2024", "東京", "2024", "w" * 60])
def test_names_of_folders_are_names_of_scenes(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["work", "demo", "havel", "town", "Work", "HAVEL"])
def test_names_of_the_kit_are_refused(name):
    with pytest.raises(ValueError, match=rf"'{name}' is used by the kit.*`--name`"):
        check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "a/b", "a\\b", "C:", "a b", "-a", "a.", "a\n", "w" * 61],
)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=r"cannot have the name .* such as 'my_town'"):
        check_name(name)


def test_a_name_is_a_text():
    with pytest.raises(TypeError, match="`name`"):
        check_name(3)


# Replacing ----------------------------------------------------------------------


def test_a_scene_of_other_choices_is_kept_unless_it_may_be_replaced(tmp_path):
    folder = make(tmp_path / "my_town", "1", replace=False)
    before = texts(folder)
    with pytest.raises(FileExistsError, match=r"my_town'.*`--name`.*`--replace`"):
        make(folder, "2", replace=False)
    assert texts(folder) == before
    make(folder, "2", replace=True)
    assert texts(folder)["a.txt"] == "a.txt 2"
    assert scenes.is_complete(folder, "2", NAMES)


def test_files_without_a_manifest_are_somebodys_own(tmp_path):
    folder = tmp_path / "my_town"
    folder.mkdir()
    (folder / "b.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"already holds 'b.txt'"):
        make(folder, "1", replace=False)
    assert texts(folder) == {"b.txt": "mine"}


def test_a_changed_file_is_kept_and_named(tmp_path):
    folder = make(tmp_path / "my_town", "1", replace=False)
    (folder / "b.txt").write_text("corrected by hand")
    with pytest.raises(FileExistsError, match=r"holds 'b.txt', which was changed"):
        make(folder, "1", replace=False)
    assert texts(folder)["b.txt"] == "corrected by hand"
    make(folder, "1", replace=True)
    assert texts(folder)["b.txt"] == "b.txt 1"


@pytest.mark.parametrize("name", NAMES)
def test_a_deleted_file_is_made_again(tmp_path, name):
    folder = make(tmp_path / "my_town", "1", replace=False)
    (folder / name).unlink()
    make(folder, "1", replace=False)
    assert scenes.is_complete(folder, "1", NAMES)


def test_other_files_are_kept(tmp_path):
    folder = tmp_path / "my_town"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    make(folder, "1", replace=False)
    make(folder, "2")
    assert texts(folder)["notes.txt"] == "mine"


def raster(path, value, **options):
    grid = testing.small_grid(20, 30)
    rasters.write_array(path, np.full((20, 30, 1), value, "uint8"), grid, **options)


def test_nothing_of_a_replaced_scene_is_left_but_somebodys_own(tmp_path):
    """Old labels beside new images would be those of another place."""
    folder = tmp_path / "my_town"
    legend = rasters.Legend(["water"], ["#0000ff"])

    def with_labels(part):
        raster(part / "image.tif", 1)
        raster(part / "truth_a.tif", 0, legend=legend)
        raster(part / "truth_b.tif", 0, legend=legend)

    def without_labels(part):
        raster(part / "image.tif", 2)

    make_scene(folder, with_labels, recipe="1", files=["image.tif", "truth_a.tif"])
    # QGIS writes statistics, and somebody has saved a style of his own.
    (folder / "image.tif.aux.xml").write_text("old statistics")
    (folder / "truth_b.qml").write_text("<qgis>mine</qgis>")
    (folder / "notes.txt").write_text("mine")
    make_scene(folder, without_labels, recipe="2", files=["image.tif"])
    left = {path.name for path in folder.iterdir()}
    assert left == {MANIFEST, "image.tif", "truth_b.qml", "notes.txt"}
    assert rasters.read_array(folder / "image.tif").max() == 2
    assert scenes.is_complete(folder, "2", ["image.tif"])


def test_a_killed_run_of_a_third_scene_leaves_nothing_of_it(tmp_path, monkeypatch):
    """Its manifest had not its own name yet, but some of its files had."""
    folder = tmp_path / "my_town"

    def with_more(part):
        raster(part / "image.tif", 2)
        raster(part / "image_20230517.tif", 2)

    def image_only(value):
        return lambda part: raster(part / "image.tif", value)

    make_scene(folder, image_only(1), recipe="1", files=["image.tif"])
    with monkeypatch.context() as patch:
        # All files are in their places, and the last step is missing.
        real = Path.replace

        def replace(path, target):
            if Path(target) == folder / MANIFEST:
                raise KeyboardInterrupt
            return real(path, target)

        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            make_scene(folder, with_more, recipe="2", files=["image.tif"])
    # GDAL writes these where QGIS or a program builds overviews.
    for ending in (".aux.xml", ".ovr", ".msk"):
        (folder / f"image_20230517.tif{ending}").write_text("of the second scene")
    make_scene(folder, image_only(3), recipe="3", files=["image.tif"])
    assert {path.name for path in folder.iterdir()} == {MANIFEST, "image.tif"}


def test_old_sidecars_are_removed_and_new_ones_come_with_their_raster(tmp_path):
    folder = tmp_path / "my_town"
    endings = (".aux.xml", ".ovr", ".msk")

    def build(part):
        raster(part / "image.tif", 1)
        (part / "image.tif.aux.xml").write_text("new")

    make_scene(folder, build, recipe="1", files=["image.tif"])
    for ending in endings:
        (folder / f"image.tif{ending}").write_text("old")
        (folder / f"mine.tif{ending}").write_text("mine")
    make_scene(folder, build, recipe="2", files=["image.tif"])
    assert (folder / "image.tif.aux.xml").read_text() == "new"
    assert not (folder / "image.tif.ovr").exists()
    assert not (folder / "image.tif.msk").exists()
    assert all((folder / f"mine.tif{ending}").exists() for ending in endings)
    assert scenes.is_complete(folder, "2", ["image.tif"])


def test_results_of_a_replaced_scene_are_named_and_kept(tmp_path, capsys):
    folder, results = tmp_path / "my_town", tmp_path / "work" / "my_town"
    make(folder, "1")
    make(folder, "2")
    assert capsys.readouterr().out == ""
    (results / "01_patches").mkdir(parents=True)
    make(folder, "2")
    (folder / "a.txt").unlink()
    make(folder, "2")
    assert capsys.readouterr().out == ""
    make(folder, "3")
    assert f"'{results}' holds results of the old scene" in capsys.readouterr().out
    assert (results / "01_patches").is_dir()


def test_a_manifest_that_lists_fewer_files_is_not_complete(tmp_path):
    folder = make(tmp_path / "scene", "1")
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["sha256"]["b.txt"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / "b.txt").unlink()
    assert not scenes.is_complete(folder, "1", NAMES)
    make(folder, "1")
    assert scenes.is_complete(folder, "1", NAMES)


def test_a_scene_needs_all_its_files(tmp_path):
    with pytest.raises(ValueError, match=r"made without b.txt"):
        make_scene(
            tmp_path / "scene",
            lambda part: (part / "a.txt").write_text("a"),
            recipe="1",
            files=NAMES,
        )
    assert not list(tmp_path.iterdir())


class Stop:
    """Ends a run at its n-th renaming, as a kill would."""

    def __init__(self, monkeypatch, number):
        self.left = number
        for step in ("replace", "rename"):
            monkeypatch.setattr(Path, step, self.counted(getattr(Path, step)))

    def counted(self, real):
        def rename(path, target):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return real(path, target)

        return rename


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("old", [None, "notes", "scene"])
def test_a_run_that_ends_while_files_are_moved_is_completed_by_the_next(
    tmp_path, monkeypatch, old, steps
):
    folder = tmp_path / "my_town"
    if old == "notes":
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
    if old == "scene":
        make(folder, "0", replace=False)
    with monkeypatch.context() as patch:
        Stop(patch, steps if old else 0)
        with pytest.raises(KeyboardInterrupt):
            make(folder, "1", replace=old == "scene")
    assert not scenes.is_complete(folder, "1", NAMES)
    # The first run was allowed to replace the old scene. Where it had begun to do so,
    # the next one is allowed too.
    begun = old != "scene" or (folder / COMING).exists()
    make(folder, "1", replace=not begun)
    assert scenes.is_complete(folder, "1", NAMES)
    expected = {MANIFEST, *NAMES} | ({"notes.txt"} if old == "notes" else set())
    assert set(texts(folder)) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["my_town"]


def test_a_new_scene_appears_as_a_whole(tmp_path, monkeypatch):
    Stop(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "my_town", "1")
    assert not list(tmp_path.iterdir())


def test_a_run_that_waits_for_another_says_so(tmp_path, capfd):
    begun, end = threading.Event(), threading.Event()

    def build(part):
        begun.set()
        end.wait(20)
        writing("1")(part)

    def make_slowly():
        make_scene(tmp_path / "a", build, recipe="1", files=NAMES)

    slow = threading.Thread(target=make_slowly)
    slow.start()
    begun.wait(20)
    quick = threading.Thread(target=make, args=(tmp_path / "b", "1"))
    quick.start()
    waits = False
    while quick.is_alive() and not waits:
        waits = f"Waiting for another run that makes a scene in '{tmp_path}'" in (
            capfd.readouterr().out
        )
    assert waits
    assert not (tmp_path / "b").exists()
    end.set()
    slow.join()
    quick.join()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


# Unfinished scenes ----------------------------------------------------------------


def interrupted(folder, key, text=None):
    """A run that is interrupted; gives the names of the files that it found."""
    found = []
    with suppress(KeyboardInterrupt), resumable(folder, key) as kept:
        found += [path.name for path in kept.iterdir()]
        if text:
            (kept / "a.txt").write_text(text)
        raise KeyboardInterrupt
    return found


def test_files_of_a_failed_run_serve_the_next_one(tmp_path):
    folder = tmp_path / "deep" / "my_town"

    def fetch(fails):
        with resumable(folder, "key") as kept:
            if not (kept / "a.txt").exists():
                (kept / "a.txt").write_text("downloaded")
            if fails:
                raise OSError("no network")
            return (kept / "a.txt").read_text()

    for _ in range(2):
        with pytest.raises(OSError, match="no network"):
            fetch(fails=True)
    assert [path.name for path in folder.parent.iterdir()] == [".my_town.unfinished"]
    assert fetch(fails=False) == "downloaded"
    assert not list(folder.parent.iterdir())


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_a_run_that_has_done_nothing_leaves_nothing(tmp_path, error):
    folder = tmp_path / "deep" / "data" / "my_town"

    def search():
        with resumable(folder, "1") as kept:
            (kept / "empty").mkdir()
            raise error("no date")

    with pytest.raises(error, match="no date"):
        search()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_has_done_nothing_leaves_what_others_have_done(tmp_path):
    assert interrupted(tmp_path / "data" / "a", "1", text="old") == []
    assert interrupted(tmp_path / "data" / "b", "1") == []
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".a.unfinished"]
    # The second run of the same scene does nothing more, and keeps what there is.
    assert interrupted(tmp_path / "data" / "a", "1") == ["a.txt"]
    assert interrupted(tmp_path / "data" / "a", "1") == ["a.txt"]


def test_another_key_begins_with_an_empty_folder(tmp_path):
    assert interrupted(tmp_path / "a", "1", text="old") == []
    assert interrupted(tmp_path / "a", "1") == ["a.txt"]
    assert interrupted(tmp_path / "a", "2") == []
    # The first files do not come back.
    assert interrupted(tmp_path / "a", "1") == []


def test_scenes_do_not_share_their_unfinished_files(tmp_path):
    with resumable(tmp_path / "a", "1") as one, resumable(tmp_path / "b", "1") as other:
        (one / "x").write_text("a")
        assert not list(other.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    with resumable(tmp_path / "my_town", "1") as kept:
        (kept / "a.txt").write_text("mine")
        for key in ("1", "2"):
            with (
                pytest.raises(OSError, match=r"Another run is making .*my_town'.*Wait"),
                resumable(tmp_path / "my_town", key),
            ):
                pytest.fail("the lock was taken twice")
        assert (kept / "a.txt").read_text() == "mine"
    assert not list(tmp_path.iterdir())


def test_many_runs_at_the_same_time_never_share_a_folder(tmp_path):
    running, most = [], []

    def fetch():
        for _ in range(30):
            with suppress(OSError), resumable(tmp_path / "a", "1") as kept:
                running.append(1)
                most.append(len(running))
                (kept / "a.txt").write_text("a")
                running.pop()

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_file_that_was_just_removed_does_not_count(tmp_path, monkeypatch):
    real = unfinished.fcntl.flock

    def flock(descriptor, operation):
        monkeypatch.setattr(unfinished.fcntl, "flock", real)
        # Another run ends between the opening and the locking of the file.
        shutil.rmtree(tmp_path / ".a.unfinished")
        real(descriptor, operation)

    monkeypatch.setattr(unfinished.fcntl, "flock", flock)
    with (
        resumable(tmp_path / "a", "1"),
        pytest.raises(OSError, match="Another run"),
        resumable(tmp_path / "a", "1"),
    ):
        pytest.fail("the lock was taken twice")


KILLED = """
import os, signal, sys
from data_fetch.unfinished import resumable
with resumable(sys.argv[1], "key") as kept:
    (kept / "a.txt").write_text("downloaded")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_keeps_its_files_and_frees_its_lock(tmp_path):
    folder = tmp_path / "my_town"
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
        assert run.returncode == -signal.SIGKILL
    with resumable(folder, "key") as kept:
        assert (kept / "a.txt").read_text() == "downloaded"
    assert not list(tmp_path.iterdir())


def test_a_kill_while_old_files_are_removed_does_not_mix_them(tmp_path, monkeypatch):
    interrupted(tmp_path / "a", "1", text="old")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(unfinished.shutil, "rmtree", stop)
        interrupted(tmp_path / "a", "2")
    # Some of them may be gone.
    assert interrupted(tmp_path / "a", "1") == []


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("")
    with (
        pytest.raises(OSError, match="is not a folder"),
        resumable(tmp_path / "data" / "my_town", "1"),
    ):
        pytest.fail("a folder in a file")
