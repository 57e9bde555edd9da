"""Servers that fail, and runs that are killed: nothing is half-written."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import faulty_catalogue
import numpy as np
import pytest
from affine import Affine
from faulty_catalogue import Fault
from odc.geo.geobox import GeoBox

from data_fetch import practice, stac
from data_fetch.__main__ import main
from data_fetch.practice.files import AREA, WORLDCOVER
from data_fetch.practice.pictures import DATES
from data_fetch.stac import catalogues, reading, retrying
from data_fetch.stac.labels import keep_labels, read_kept
from data_fetch.stac.parts import Parts
from tutorial_lib import rasters, testing

DAY = DATES[0].date
REPOSITORY = Path(__file__).resolve().parents[1]
RED = "/files/inside_20230216_B04.tif"


@pytest.fixture(scope="module")
def files(havel_folder):
    return practice.make_practice(havel=havel_folder)


@pytest.fixture(scope="module")
def server(files, tmp_path_factory):
    with faulty_catalogue.running(files, tmp_path_factory.mktemp("log")) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch):
    """Waits and time-outs of a test are short."""
    monkeypatch.setattr(retrying, "WAITS_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(reading, "SILENCE_S", 1)
    monkeypatch.setattr(reading, "CONNECT_S", 2)
    monkeypatch.setattr(catalogues, "TIMEOUT_S", (1, 1))


def words(server, folder):
    """A command that fetches a small scene without labels."""
    place = ("--bbox", "12.58", "52.465", "12.68", "52.515")
    where = ("--catalogue", server.url, "--labels", "none", "--folder", str(folder))
    return ["stac", *place, "--date", DAY, *where]


FAULTS = {
    "a silent catalogue": (Fault("search", "silence"), "did not answer in time"),
    "a catalogue that hangs up": (Fault("/v1$", "reset"), "the connection was lost"),
    "half of an answer": (Fault("search", "truncated"), "the connection was lost"),
    "a page for browsers": (
        Fault("collections", "html"),
        "not an answer of a STAC API",
    ),
    "damaged JSON": (Fault("search", "corrupt"), "not an answer of a STAC API"),
    "too many requests": (Fault("search", "status", status=429), "HTTP 429"),
    "no such address": (Fault("/v1$", "status", status=404), "HTTP 404"),
    "a silent file": (Fault("B04", "silence"), "B4 of 'S2A_T33UUU"),
    "a truncated file": (Fault("B04", "truncated"), "B4 of 'S2A_T33UUU"),
    "a damaged file": (Fault("SCL", "corrupt"), "SCL of 'S2A_T33UUU"),
    "a page in place of a file": (Fault("B05", "html"), "is not an image"),
    "a file that is gone": (Fault("B05", "status", status=404), "has no file for B5"),
    "a file that is refused": (
        Fault("B05", "status", status=403),
        "refuses to send B5",
    ),
    "a busy file server": (Fault("B05", "status", status=503), "HTTP 503"),
    "a file of other pixels": (Fault("B05", "other", instead=RED), "10 m x 10 m"),
    "a file of another type": (Fault("SCL", "other", instead=RED), "are uint16"),
    "a lost connection": (Fault("B08", "reset"), "reset by peer"),
}


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_in_one_sentence_and_leaves_no_scene(
    server, tmp_path, capsys, name
):
    fault, said = FAULTS[name]
    server.inject(fault)
    begin = time.monotonic()
    assert main(words(server, tmp_path)) == 1
    assert time.monotonic() - begin < 30
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("data_fetch: ")
    assert said in error
    assert re.search(r"(again|--catalogue|--date)", error)
    assert "Traceback" not in error
    assert not (tmp_path / "my_scene").exists()
    # After the fault, the same command completes the scene.
    server.inject()
    assert main(words(server, tmp_path)) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["my_scene"]


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["status", "reset", "truncated", "html"])
def test_a_fault_that_passes_is_not_noticed(server, tmp_path, kind):
    server.inject(*(Fault(place, kind, times=2) for place in ("search$", "SCL", "B1")))
    if kind == "html":
        # A page with the code 200 in place of JSON does not pass by itself.
        server.inject(Fault("SCL", kind, times=2), Fault("B1", kind, times=2))
    assert main(words(server, tmp_path)) == 0


@pytest.mark.usefixtures("impatient")
def test_a_catalogue_that_does_not_exist_is_told_soon(files, tmp_path):
    begin = time.monotonic()
    with pytest.raises(OSError, match=r"refused\. Check the internet connection"):
        stac.search(area=files / AREA, date=DAY, catalogue="http://127.0.0.1:9/v1")
    assert time.monotonic() - begin < 30


@pytest.mark.usefixtures("impatient")
def test_an_item_in_place_of_a_catalogue_is_told(server, files):
    page = f"/v1/collections/sentinel-2-c1-l2a/items/S2A_T33UUU_{DAY.replace('-', '')}"
    server.inject(Fault("/v1$", "other", instead=f"{page}T102101_L2A"))
    with pytest.raises(OSError, match="not an answer of a STAC API"):
        stac.search(area=files / AREA, date=DAY, catalogue=server.url)


# Killed and continued ----------------------------------------------------------------


def started(server, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "data_fetch", *words(server, folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def killed_when(server, folder, pattern, count, number=signal.SIGKILL):
    """Run the command, and kill it when so many requests fit a pattern."""
    before = server.count(pattern)
    process = started(server, folder)
    deadline = time.monotonic() + 60
    while server.count(pattern) - before < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, number)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def hashes(folder):
    return json.loads((folder / "MANIFEST.json").read_text())["sha256"]


@pytest.mark.slow
def test_a_run_killed_twice_goes_on_and_gives_the_scene_of_a_whole_run(
    server, tmp_path
):
    # Slow files give the kills their moments.
    server.inject(Fault("_B", "delay", seconds=0.05))
    code, _ = killed_when(server, tmp_path / "killed", "B07", 1)
    assert code == -signal.SIGKILL
    code, said = killed_when(server, tmp_path / "killed", "B03", 1)
    assert code == -signal.SIGKILL
    assert "Continuing an interrupted run." in said
    assert not (tmp_path / "killed" / "my_scene").exists()
    server.inject()
    searches, before = server.count("search"), server.count()
    assert main(words(server, tmp_path / "killed")) == 0
    last_run = server.count() - before
    # Items are remembered, and bands that were read are not read again.
    assert server.count("search") == searches
    asked = [one["address"] for one in server.requests()][before:]
    assert not [one for one in asked if re.search("SCL|B05|B06|B11|B12", one)]
    assert any("B08" in one for one in asked)
    before = server.count()
    assert main(words(server, tmp_path / "whole")) == 0
    assert last_run < (server.count() - before) / 2
    killed, whole = (tmp_path / name / "my_scene" for name in ("killed", "whole"))
    assert hashes(killed) == hashes(whole)
    assert len(hashes(whole)) == 5
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["my_scene"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_has_read(server, tmp_path, number):
    server.inject(Fault("_B", "delay", seconds=0.05))
    code, _ = killed_when(server, tmp_path, "B06", 1, number)
    assert code == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == [".my_scene.unfinished"]
    server.inject()
    before = server.count("B05")
    assert main(words(server, tmp_path)) == 0
    assert server.count("B05") == before


@pytest.mark.slow
def test_a_damaged_part_is_read_again(server, tmp_path):
    server.inject(Fault("B02", "status", status=404))
    assert main(words(server, tmp_path / "a")) == 1
    kept = tmp_path / "a" / ".my_scene.unfinished"
    part = next(path for path in kept.rglob("*_B5_*.npy"))
    content = bytearray(part.read_bytes())
    content[-5] ^= 1
    part.write_bytes(content)
    server.inject()
    before = server.count("B05"), server.count("B06")
    assert main(words(server, tmp_path / "a")) == 0
    assert server.count("B05") > before[0]
    assert server.count("B06") == before[1]
    assert main(words(server, tmp_path / "b")) == 0
    assert hashes(tmp_path / "a" / "my_scene") == hashes(tmp_path / "b" / "my_scene")


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    "changed",
    [
        ["--offset", "removed"],
        ["--cloud", "30"],
        ["--date", f"{DAY}/{DAY}"],
        ["--labels", "worldcover.tif"],
    ],
)
def test_another_option_keeps_the_bands_that_were_read(
    server, files, tmp_path, changed
):
    server.inject(Fault("B02", "status", status=404))
    folder = tmp_path / "data"
    assert main(words(server, folder)) == 1
    server.inject()
    read = server.count("_(B|SCL)")
    labels = tmp_path / "worldcover.tif"
    shutil.copy(files / WORLDCOVER, labels)
    changed = [str(labels) if word == "worldcover.tif" else word for word in changed]
    assert main([*words(server, folder), *changed]) == 0
    again = {one["address"] for one in server.requests("_(B|SCL)")[read:]}
    # B2 failed, and B8 comes after it.
    assert {address[-7:-4] for address in again} == {"B02", "B08"}
    if "--offset" in changed:
        text = (folder / "my_scene" / "SOURCES.md").read_text()
        assert "`--offset removed`" in text


@pytest.mark.slow
def test_another_place_does_not_take_what_was_read_for_others(server, tmp_path):
    server.inject(Fault("B02", "status", status=404))
    assert main(words(server, tmp_path / "a")) == 1
    server.inject()
    place = ("--bbox", "12.58", "52.465", "12.66", "52.5")
    for folder in ("a", "b"):
        assert main([*words(server, tmp_path / folder), *place]) == 0
    assert hashes(tmp_path / "a" / "my_scene") == hashes(tmp_path / "b" / "my_scene")


@pytest.mark.thorough
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("labels", ["gone", "of another kind", "of another place"])
def test_labels_that_fail_cost_no_bands(server, files, tmp_path, capsys, labels):
    path = tmp_path / "labels.tif"
    said = "is not a map of WorldCover"
    if labels == "gone":
        server.inject(Fault("Map.tif", "status", status=404))
        path, said = server.worldcover, "has no WorldCover tile"
    elif labels == "of another kind":
        shutil.copy(files / RED.rpartition("/")[2], path)
    else:
        grid = testing.small_grid(40, 40)
        rasters.write_array(path, np.full((40, 40, 1), 10, "uint8"), grid)
        said = "has a label"
    before = server.count("_B")
    command = [*words(server, tmp_path / "data"), "--labels", str(path)]
    assert main(command) == 1
    assert said in capsys.readouterr().err
    assert server.count("_B") == before
    server.inject()


def test_other_labels_are_read_again(tmp_path):
    """Somebody corrects the map between two runs."""
    grid = GeoBox((100, 130), Affine(10, 0, 400_000, 0, -10, 5_800_000), "EPSG:32633")
    path, parts = tmp_path / "map.tif", Parts(tmp_path)
    for code, label in ((10, 4), (80, 0)):
        rasters.write_array(path, np.full((100, 130, 1), code, "uint8"), grid)
        keep_labels(str(path), grid, parts)
        found = read_kept(str(path), grid, parts)(range(100))
        assert (found == label).all()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_search_that_fails_says_what_it_does_and_leaves_nothing(
    tmp_path, capsys, dry
):
    place = ("--bbox", "12.58", "52.465", "12.68", "52.515", "--labels", "none")
    where = ("--catalogue", "http://127.0.0.1:9/v1", "--folder", str(tmp_path / "data"))
    assert main(["stac", *place, "--date", DAY, *where, *dry]) == 1
    said = capsys.readouterr()
    assert said.out == "Searching the catalogue…\n"
    assert "could not be reached" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_speaks_before_it_waits(tmp_path):
    """In a pipe, as in a notebook, where Python keeps lines until it has many."""
    place = ("--bbox", "12.58", "52.465", "12.68", "52.515", "--labels", "none")
    command = ["stac", *place, "--date", DAY, "--dry-run"]
    command += ["--catalogue", "http://127.0.0.1:9/v1", "--folder", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "data_fetch", *command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    first = process.stdout.readline()
    assert process.poll() is None
    process.kill()
    process.communicate()
    assert first == "Searching the catalogue…\n"
