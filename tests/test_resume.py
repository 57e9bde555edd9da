"""Runs that are continued: interrupted then resumed = uninterrupted."""

import json
import os
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from resuming import FINISHED, HEIGHT, WIDTH, counted, described, network, write_image
from scenes import image, write
from test_killed import Server

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.inference import (
    assembly,
    fingerprints,
    shard_files,
    shards,
    work_folders,
)
from tutorial_lib.rasters import profiles

# Side of the shards, so that most hold 2 x 2 tiles of 16 px.
SIDE = 35

LEGEND = tl.Legend(("a", "b", "c"), ("#ff0000", "#00ff00", "#0000ff"))


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Several shards of several tiles in a small map."""
    monkeypatch.setattr(shard_files, "SHARD_SIDE", SIDE)


@pytest.fixture
def source(tmp_path):
    return write_image(tmp_path / "image.tif")


def plan_of(model, source, output="estimated", **options):
    return tl.plan_inference(model, source, output=output, tile_size=16, **options)


class Ended(Exception):  # noqa: N818 - it stands for any error
    """Ends a run."""


@pytest.fixture
def end_after(monkeypatch):
    """A function that has runs end with an error after some shards; None for never."""
    write_shard = shards.write_shard
    state = {"left": None, "written": 0}

    def write_some(*values, **options):
        if state["left"] == 0:
            raise state["error"]
        if state["left"] is not None:
            state["left"] -= 1
        state["written"] += 1
        return write_shard(*values, **options)

    monkeypatch.setattr(shards, "write_shard", write_some)

    def end(count, error=None):
        state.update(left=count, written=0, error=error or Ended("ended"))
        return state

    return end


def interrupt(plan, path, end_after, count=2, **options):
    """Start a resumable run, and end it after some shards."""
    end_after(count)
    with pytest.raises(Ended) as caught:
        plan.write(path, resume=True, progress=False, **options)
    end_after(None)
    return caught.value


def shard_count(plan):
    return len(shard_files.cut_shards(plan, SIDE))


def work_folder(path):
    return path.with_name(path.name + ".work")


def records(path):
    return sorted(work_folder(path).glob(FINISHED))


# What is planned, for maps of any kind
MAPS = {
    "floats": {},
    "labels": {"output": "estimated_labels", "legend": LEGEND},
    "numbered classes": {"output": "estimated_labels", "classes": (10, 20, 30)},
    "window": {"window": Window(7, 11, 51, 37)},
    "up to the borders": {"edge": "pad"},
    "patch-based": {"mode": "patch_based", "window": Window(5, 3, 41, 35)},
    "any": {"nodata_rule": "any"},
    "of whole tiles": {"nodata_rule": "tile"},
}


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("name", MAPS)
def test_interrupted_then_resumed_is_uninterrupted(model, tmp_path, end_after, name):
    source = write_image(tmp_path / "image.tif", nodata=0)
    plan = plan_of(model, source, **MAPS[name])
    whole, path = tmp_path / "whole.tif", tmp_path / "map.tif"
    expected = plan.write(whole, progress=False)
    interrupt(plan, path, end_after)
    assert not path.exists()
    state = end_after(None)
    report = plan.write(path, resume=True, progress=False)
    count = shard_count(plan)
    assert count >= 4
    assert state["written"] == count - 2
    assert counted(report) == counted(expected)
    assert report.skipped > 0 or name in ("window", "patch-based")
    assert described(path) == described(whole)
    assert not work_folder(path).exists()
    styles = ["map.qml", "whole.qml"] if "legend" in MAPS[name] else []
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["image.tif", "map.tif", "whole.tif", *styles]
    )


def test_two_resolutions_and_two_outputs(tmp_path, end_after):
    scene = testing.small_scene()
    net = tl.architectures.dual_source_fcnn(3)
    sources = {name: scene[name] for name in ("input_10m", "input_20m")}
    plan = tl.plan_inference(
        net, sources, output=["estimated", "features"], tile_size=16
    )
    whole, path = tmp_path / "whole.tif", tmp_path / "map.tif"
    plan.write(whole, progress=False)
    interrupt(plan, path, end_after)
    plan.write(path, resume=True, progress=False)
    assert described(path) == described(whole)


@pytest.mark.parametrize("options", [{"dtype": "int16"}, {"compress": "zstd"}])
def test_options_of_the_file(model, source, tmp_path, end_after, options):
    plan = plan_of(model, source, "estimated_labels")
    whole, path = tmp_path / "whole.tif", tmp_path / "map.tif"
    plan.write(whole, progress=False, **options)
    interrupt(plan, path, end_after, **options)
    plan.write(path, resume=True, progress=False, **options)
    assert described(path) == described(whole)


def test_broken_pixels_are_added_up(tmp_path, end_after):
    # The logarithm of a negative number is NaN.
    pixels = keras.Input((None, None, 2), name="input")
    values = keras.ops.log(keras.layers.Rescaling(1, -300)(pixels))
    keras.Model({"input": pixels}, {"estimated": values}).save(tmp_path / "a.keras")
    array = image(HEIGHT, WIDTH, 2) + np.uint16(301)
    array[[3, 50], [70, 4]] = 7
    write(tmp_path / "image.tif", array)
    plan = plan_of(tmp_path / "a.keras", tmp_path / "image.tif")
    path = tmp_path / "map.tif"
    with pytest.warns(UserWarning, match=f"for 2 of {HEIGHT * WIDTH} pixels") as before:
        expected = plan.write(tmp_path / "whole.tif", progress=False)
    interrupt(plan, path, end_after)
    with pytest.warns(UserWarning, match=f"for 2 of {HEIGHT * WIDTH} pixels") as after:
        report = plan.write(path, resume=True, progress=False)
    assert counted(report) == counted(expected)
    assert [str(w.message) for w in after] == [str(w.message) for w in before]


# What may not change between the runs


def other_image(source):
    before = source.stat()
    write_image(source, seed=1)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def nothing(source):
    pass


# name: (what is done between, options of the second plan, how it is written, the words
# of the message)
CHANGES = {
    "source": (other_image, {}, {}, ["image.tif", "bytes, changed"]),
    "model": (nothing, {}, {}, ["model (SHA-256) was"]),
    "tile": (nothing, {"tile_size": 12}, {}, ["was 16 x 16 px, and is 12 x 12 px"]),
    "dtype": (nothing, {}, {"dtype": "int16"}, ["`dtype` was uint8, and is int16"]),
    "nodata_rule": (nothing, {"nodata_rule": "any"}, {}, ["was center, and is any"]),
    "edge": (nothing, {"edge": "pad"}, {}, ["`edge`", "was False, and is True"]),
    "window": (nothing, {"window": Window(0, 0, 50, 49)}, {}, ["rows was 1 to 59"]),
    "background": (nothing, {"background": 99}, {}, ["was 255, and is 99"]),
    "classes": (nothing, {"classes": (3, 5, 7)}, {}, ["`classes` was None, and is (3"]),
    "output": (nothing, {"output": "estimated"}, {}, ["was (estimated_labels), and"]),
    "mode": (nothing, {"mode": "patch_based"}, {}, ["mode was False, and is True"]),
}


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_and_nothing_is_lost(
    model, source, tmp_path, end_after, name
):
    change, options, writing, words = CHANGES[name]
    path, content, state = tmp_path / "map.tif", source.read_bytes(), source.stat()
    chosen = {"output": "estimated_labels", "tile_size": 16}
    plan = tl.plan_inference(model, source, **chosen)
    interrupt(plan, path, end_after)
    before = {file: file.read_bytes() for file in records(path)}
    change(source)
    other = network(seed=1) if name == "model" else model
    planned = tl.plan_inference(other, source, **chosen | options)
    with pytest.raises(ValueError, match="cannot be continued") as caught:
        planned.write(path, resume=True, progress=False, **writing)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert f"Delete the folder '{work_folder(path)}'" in message
    assert "another path" in message
    assert not getattr(caught.value, "__notes__", [])
    assert {file: file.read_bytes() for file in records(path)} == before
    assert len(before) == 2
    # As it was, it goes on.
    source.write_bytes(content)
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    state = end_after(None)
    plan.write(path, resume=True, progress=False)
    assert state["written"] == shard_count(plan) - 2


def test_another_size_of_shards_is_named(
    model, source, tmp_path, end_after, monkeypatch
):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    monkeypatch.setattr(shard_files, "SHARD_SIDE", 50)
    with pytest.raises(ValueError, match="shards was 35 px, and is 50 px"):
        plan.write(path, resume=True, progress=False)


def of_predictor(plan, **changes):
    predictor = replace(plan.job.predictor, **changes)
    return replace(plan, job=replace(plan.job, predictor=predictor))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"runner": "openvino"}, "runner was tensorflow, and is openvino"),
        ({"precision": "bfloat16"}, "`precision` was float32, and is bfloat16"),
    ],
)
def test_what_runs_the_model_is_named(
    model, source, tmp_path, end_after, changes, words
):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    with pytest.raises(ValueError, match=f"continued: {words}\\."):
        of_predictor(plan, **changes).write(path, resume=True, progress=False)


def test_another_version_is_named(model, source, tmp_path, end_after, monkeypatch):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    found = fingerprints.version
    monkeypatch.setattr(
        fingerprints, "version", lambda name: "9" if name == "keras" else found(name)
    )
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    words = f"version of keras was {keras.__version__}, and is 9; TF_ENABLE_ONEDNN_OPTS"
    with pytest.raises(ValueError, match=f"continued: {words}"):
        plan.write(path, resume=True, progress=False)


def test_what_has_no_place_in_a_fingerprint(model, source):
    # Its text holds an address, so no run would be continued.
    job = plan_of(model, source).job
    with pytest.raises(TypeError, match="A object has no place in a fingerprint"):
        dict(fingerprints._leaves(replace(job, nodata_rule=object()), ()))


def test_what_changes_no_pixel_may_change(model, source, tmp_path, end_after):
    plan = plan_of(model, source, "estimated_labels")
    path, whole = tmp_path / "map.tif", tmp_path / "whole.tif"
    interrupt(plan, path, end_after)
    coloured = plan_of(model, source, "estimated_labels", legend=LEGEND)
    state = end_after(None)
    coloured.write(path, resume=True, progress=False, compress="zstd")
    assert state["written"] == shard_count(plan) - 2
    coloured.write(whole, progress=False, compress="zstd")
    assert described(path) == described(whole)


def test_a_plain_function_cannot_be_resumed(source, tmp_path):
    plan = tl.plan_inference(
        testing.BlockMean({"input": 16}),
        tl.Source(source, receptive_field=16),
        output="estimated",
    )
    with pytest.raises(ValueError, match=r"plain function.*leave `resume` out"):
        plan.write(tmp_path / "map.tif", resume=True, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["image.tif"]


# The work folder


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-9])


def other_bytes(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def with_value(**values):
    """A function that changes values of a record."""

    def change(path):
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


DAMAGES = {
    "raster cut off": ("tif", cut_off),
    "raster changed": ("tif", other_bytes),
    "raster gone": ("tif", os.unlink),
    "record cut off": ("json", cut_off),
    "record of another shard": ("json", lambda p: p.write_text('{"place": [1]}')),
    "record not of a shard": ("json", lambda path: path.write_text("[1, 2]")),
    "record with a text for a number": ("json", with_value(skipped="2")),
    "record with a number below 0": ("json", with_value(broken=-1)),
    "record with a list for a text": ("json", with_value(warnings=[[]])),
    "record of bytes": ("json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
}


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_shard_is_computed_again(model, source, tmp_path, end_after, name):
    ending, damage = DAMAGES[name]
    plan, path, whole = plan_of(model, source), tmp_path / "map.tif", tmp_path / "b.tif"
    plan.write(whole, progress=False)
    interrupt(plan, path, end_after)
    damage(records(path)[0].with_suffix(f".{ending}"))
    state = end_after(None)
    with pytest.warns(UserWarning, match="damaged and were computed again"):
        plan.write(path, resume=True, progress=False)
    assert state["written"] == shard_count(plan) - 1
    assert described(path) == described(whole)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"fingerprint": 3}', "\0"])
def test_a_damaged_plan_is_an_error_with_a_cure(
    model, source, tmp_path, end_after, text
):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    (work_folder(path) / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=r"plan.json' is damaged") as caught:
        plan.write(path, resume=True, progress=False)
    assert f"Delete the folder '{work_folder(path)}'" in str(caught.value)
    assert len(records(path)) == 2


def test_a_folder_without_a_plan_is_a_new_one(model, source, tmp_path):
    # As a kill between making the folder and writing the plan leaves it.
    path = tmp_path / "map.tif"
    work_folder(path).mkdir()
    (work_folder(path) / "lock").touch()
    plan_of(model, source).write(path, resume=True, progress=False)
    assert path.exists()
    assert not work_folder(path).exists()


def test_files_of_others_in_the_folder_stay(model, source, tmp_path):
    path = tmp_path / "map.tif"
    work_folder(path).mkdir()
    (work_folder(path) / "notes.txt").write_text("mine")
    plan_of(model, source).write(path, resume=True, progress=False)
    assert [file.name for file in work_folder(path).iterdir()] == ["notes.txt"]


def test_the_plan_is_readable(model, source, tmp_path, end_after):
    path = tmp_path / "map.tif"
    interrupt(plan_of(model, source), path, end_after)
    known = json.loads((work_folder(path) / "plan.json").read_text())["fingerprint"]
    assert known["`dtype`"] == "float32"
    assert known[f"source 'input', file '{source}'"].endswith(
        f".{source.stat().st_mtime_ns % 10**9:09d}"
    )
    assert known["version of keras"] == keras.__version__
    assert known["version of rasterio"] == rasterio.__version__
    assert "version of remote-sensing-tutorial-kit" in known


def test_two_runs_at_once(model, source, tmp_path, monkeypatch):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    write_shard, said = shards.write_shard, []

    def write_while_another_tries(*values, **options):
        with pytest.raises(BlockingIOError, match="Another run is writing") as caught:
            plan.write(path, resume=True, progress=False)
        said.append(str(caught.value))
        return write_shard(*values, **options)

    monkeypatch.setattr(shards, "write_shard", write_while_another_tries)
    plan.write(path, resume=True, progress=False)
    assert len(said) == shard_count(plan)
    assert str(work_folder(path)) in said[0]
    assert not work_folder(path).exists()


def test_a_folder_that_is_removed_while_it_is_locked(tmp_path, monkeypatch):
    # The run that held the lock ends between the opening of the file and its locking.
    lock, folder = work_folders._lock, tmp_path / "map.tif.work"
    calls = []

    def lock_late(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            shutil.rmtree(folder)
        return lock(descriptor)

    monkeypatch.setattr(work_folders, "_lock", lock_late)
    with work_folders._locked(folder, "map.tif"):
        assert (folder / "lock").exists()
    assert len(calls) == 2


def test_an_error_says_how_to_go_on(model, source, tmp_path, end_after):
    path = tmp_path / "map.tif"
    err = interrupt(plan_of(model, source), path, end_after)
    assert err.__notes__ == [
        f"2 finished parts are kept in '{work_folder(path)}'. Run it again with "
        "`resume=True` to go on from there."
    ]
    assert not path.exists()


def test_ctrl_c_says_how_to_go_on(model, source, tmp_path, end_after):
    path = tmp_path / "map.tif"
    end_after(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt, match="1 finished part is kept in"):
        plan_of(model, source).write(path, resume=True, progress=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "image.tif",
        "map.tif.work",
    ]


def test_nothing_is_left_if_nothing_was_finished(model, source, tmp_path, end_after):
    err = interrupt(plan_of(model, source), tmp_path / "map.tif", end_after, count=0)
    assert not getattr(err, "__notes__", [])
    assert [file.name for file in tmp_path.iterdir()] == ["image.tif"]


def test_an_old_map_stays_until_the_new_one_is_complete(
    model, source, tmp_path, end_after
):
    path = tmp_path / "map.tif"
    plan_of(model, source).write(path, progress=False)
    old = path.read_bytes()
    plan = plan_of(model, source, nodata_rule="any", background=7)
    interrupt(plan, path, end_after)
    assert path.read_bytes() == old
    plan.write(path, resume=True, progress=False)
    assert rasters.read_nodata(path) == 7


def test_a_complete_map_is_computed_anew(model, source, tmp_path, end_after):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    plan.write(path, resume=True, progress=False)
    state = end_after(None)
    plan.write(path, resume=True, progress=False)
    assert state["written"] == shard_count(plan)


def test_a_source_that_vanishes(model, source, tmp_path, end_after):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    source.rename(tmp_path / "elsewhere.tif")
    with pytest.raises(FileNotFoundError, match=r"image\.tif"):
        plan.write(path, resume=True, progress=False)
    assert len(records(path)) == 2
    (tmp_path / "elsewhere.tif").rename(source)
    plan.write(path, resume=True, progress=False)
    assert path.exists()


def test_a_shard_that_vanishes_while_the_map_is_put_together(
    model, source, tmp_path, monkeypatch
):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    copy, calls = assembly.Assembly._copy, []

    def copy_late(self, window, parts):
        calls.append(window)
        if len(calls) == 1:
            parts[0].raster(self._folder).unlink()
        return copy(self, window, parts)

    monkeypatch.setattr(assembly.Assembly, "_copy", copy_late)
    with pytest.raises(FileNotFoundError, match=r"row0_col0\.tif"):
        plan.write(path, resume=True, progress=False)
    assert not path.exists()
    with pytest.warns(UserWarning, match="computed again"):
        plan.write(path, resume=True, progress=False)
    assert path.exists()


def test_a_folder_that_may_not_be_written(model, source, tmp_path, monkeypatch):
    folder, access = tmp_path / "locked", os.access
    folder.mkdir(mode=0o500)
    # Root may write anywhere, so the system is asked only about other folders.
    monkeypatch.setattr(
        os, "access", lambda path, *mode: path != folder and access(path, *mode)
    )
    with pytest.raises(PermissionError, match="may not be written"):
        plan_of(model, source).write(folder / "map.tif", resume=True, progress=False)
    assert not list(folder.iterdir())


def test_progress_counts_all_tiles(model, source, tmp_path, end_after, capsys):
    plan, path = plan_of(model, source), tmp_path / "map.tif"
    interrupt(plan, path, end_after)
    plan.write(path, resume=True, progress=True)
    assert f"{len(plan.tiles)}/{len(plan.tiles)}" in capsys.readouterr().err


# Shards and blocks


@pytest.mark.parametrize("has_zstd", [True, False])
def test_shards_have_the_quickest_compression(
    model, source, tmp_path, monkeypatch, end_after, has_zstd
):
    shard_files._compression.cache_clear()
    if not has_zstd:
        monkeypatch.setattr(profiles, "_gdal_has_zstd", lambda: False)
    path = tmp_path / "map.tif"
    try:
        interrupt(plan_of(model, source), path, end_after)
    finally:
        shard_files._compression.cache_clear()
    with rasterio.open(records(path)[0].with_suffix(".tif")) as dataset:
        expected = "zstd" if has_zstd else "deflate"
        assert dataset.compression == rasterio.enums.Compression[expected]


@pytest.mark.parametrize("side", [7, SIDE, 46, 1000])
def test_shards_cover_the_map_once(model, source, side):
    plan = plan_of(model, source)
    count = np.zeros((HEIGHT, WIDTH), int)
    tiles = 0
    for shard in shard_files.cut_shards(plan, side):
        top, bottom, left, right = shard.place
        count[top:bottom, left:right] += 1
        tiles += len(shard.plan.tiles)
        assert max(bottom - top, right - left) <= max(side, 16)
        assert (shard.plan.grid.transform.c, shard.plan.grid.transform.f) == (
            500_000 + 10 * left,
            4_800_000 - 10 * top,
        )
    mapped = np.zeros_like(count)
    mapped[1 : HEIGHT - 1, 1 : WIDTH - 1] = 1
    assert (count == mapped).all()
    assert tiles == len(plan.tiles)


@pytest.mark.parametrize("block", [(16, 16), (32, 16), (1, 83), (256, 256)])
@pytest.mark.parametrize("most", [2**26, 3000])
def test_windows_are_whole_blocks(model, source, monkeypatch, block, most):
    monkeypatch.setattr(assembly, "MOST_BYTES", most)
    plan = plan_of(model, source)
    parts = shard_files.cut_shards(plan, SIDE)
    height, width = plan.grid.shape
    count = np.zeros((height, width), int)
    corner = plan.rows.start, plan.cols.start
    for rows, cols in assembly.aligned_windows(parts, block, corner):
        count[rows.start : rows.stop, cols.start : cols.stop] += 1
        for span, side, end in zip((rows, cols), block, (height, width), strict=True):
            assert span.start % side == 0
            assert span.stop % side == 0 or span.stop == end
        # 8 bytes of three bands; one row of blocks is the least.
        assert len(rows) == min(block[0], len(rows)) or (
            len(rows) * len(cols) * 24 <= most
        )
    assert (count == 1).all()


# Killed


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_goes_on(repository, tmp_path):
    server = Server(repository, tmp_path / "inputs")
    rng = np.random.default_rng(13)
    # The map has 30 parts; 0 is a kill while the model is loaded.
    moments = [(int(rng.integers(30)), 0.05 * rng.random()) for _ in range(10)]
    try:
        assert server.ask("prepare") == 0
        out = tmp_path / "out"
        out.mkdir()
        kills = server.ask(
            "resumed", name="resumed map", out=str(out), _moments=moments
        )
    finally:
        server.close()
    assert len(kills) == 10
    for kill, (parts, _) in zip(kills, moments, strict=True):
        # A run that ends before it is killed leaves no parts.
        assert kill["status"] == 0 or kill["parts"] >= parts, kill
        assert kill["same"], kill
        # A part whose record was not yet written is computed again, without a word.
        assert not kill["said"], kill
        assert kill["left"] == ["map.tif"], kill
    assert sum(kill["parts"] > 0 for kill in kills) >= 7
    assert sum(kill["status"] == 9 for kill in kills) >= 8
