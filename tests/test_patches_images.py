"""Patches images: written together or not at all, and known by their extraction."""

import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy as copy_raster
from rasterio.vrt import WarpedVRT
from scenes import coordinates, image, write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.patches import extraction, images


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_patches_are_read_as_they_were_written(tmp_path, dtype):
    array = image(35, 5, 3, largest=100, dtype=dtype).reshape(7, 5, 5, 3)
    path = tl.write_patches(tmp_path / "a.tif", array)
    assert tl.read_grid(path).crs is None
    read = tl.read_patches(path)
    assert read.dtype == dtype
    assert np.array_equal(read, array)


@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (3, 3, 1), (0, 3, 3, 1)])
def test_an_array_that_is_not_square_patches_is_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"shape \(.*\(n, size, size, channel\)"):
        tl.write_patches(tmp_path / "a.tif", np.ones(shape))


def test_a_raster_that_is_not_a_patches_image_is_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 50, 40)
    with pytest.raises(ValueError, match=r"\(50x40 px.*is not a patches image"):
        tl.read_patches(path)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("input", "../"), ("../input", ""), ("a/b", ""), (r"a\b", ""), ("input", "C:")],
)
def test_patches_are_written_into_their_folder_only(tmp_path, name, prefix):
    scene, out = testing.small_scene(), tmp_path / "a" / "out"
    positions = tl.select_positions(scene["labels"], count=2, margin=8)
    with pytest.raises(ValueError, match="leads to another folder"):
        tl.extract_patches(
            {name: scene["input_10m"]},
            positions,
            sizes={name: 16},
            out_dir=out,
            prefix=prefix,
        )
    assert list(tmp_path.iterdir()) == []


# What is read is never replaced


@pytest.fixture
def scene(tmp_path):
    """A raster of 4 bands and labels, in a folder of their own."""
    folder = tmp_path / "scene"
    return {
        "image": write(folder / "image.tif", image(40, 50)),
        "truth": write(folder / "labels.tif", image(40, 50, 1, largest=3)),
    }


def hard_link(path, target):
    path.hardlink_to(target)


def soft_link(path, target):
    path.symlink_to(target)


@pytest.mark.parametrize("link", [None, hard_link, soft_link])
def test_a_source_is_never_replaced_by_its_patches(tmp_path, scene, link, monkeypatch):
    positions = tl.select_positions(scene["truth"], count=3, margin=4)
    path, out = scene["image"], scene["image"].parent
    if link:
        out = tmp_path / "out"
        out.mkdir()
        link(out / "image.tif", path)
    before = path.read_bytes()
    monkeypatch.setattr(extraction, "_cut", None)
    with pytest.raises(ValueError, match=r"image.tif' is also an input"):
        tl.extract_patches({"image": path}, positions, sizes=8, out_dir=out)
    assert path.read_bytes() == before


def test_a_part_of_a_virtual_raster_is_never_replaced(tmp_path, scene):
    positions = tl.select_positions(scene["truth"], count=3, margin=4)
    path = scene["image"]
    virtual = path.with_name("stack.vrt")
    with rasterio.open(path) as dataset, WarpedVRT(dataset) as vrt:
        copy_raster(vrt, virtual, driver="VRT")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"image.tif' is also an input"):
        tl.extract_patches({"image": virtual}, positions, sizes=8, out_dir=path.parent)
    assert path.read_bytes() == before


def test_the_raster_that_positions_were_drawn_in_is_never_replaced(scene):
    positions = tl.select_positions(scene["truth"], count=3, margin=4)
    before = scene["truth"].read_bytes()
    for drawn in (positions, positions[:2], positions.to_crs("EPSG:32631")):
        with pytest.raises(ValueError, match=r"labels.tif' is also an input"):
            tl.extract_patches(
                {"a": scene["image"]}, drawn, sizes=8, out_dir=scene["truth"].parent
            )
    assert scene["truth"].read_bytes() == before


def test_a_raster_with_a_crs_is_never_replaced_by_patches(tmp_path, scene):
    positions = tl.select_positions(scene["truth"], count=3, margin=4)
    other = write(tmp_path / "out" / "image.tif", image(30, 30))
    before = other.read_bytes()
    with pytest.raises(FileExistsError, match=r"raster with a CRS.*another folder"):
        tl.extract_patches(
            {"image": scene["image"]}, positions, sizes=8, out_dir=other.parent
        )
    with pytest.raises(FileExistsError, match=r"raster with a CRS.*another folder"):
        tl.write_patches(other, np.ones((2, 3, 3, 1), "uint8"))
    assert other.read_bytes() == before
    assert [path.name for path in other.parent.iterdir()] == ["image.tif"]


def test_patches_replace_older_patches_and_their_sidecars(tmp_path):
    path = tl.write_patches(tmp_path / "a.tif", np.ones((2, 3, 3, 1), "uint8"))
    path.with_name("a.tif.msk").write_text("old")
    tl.write_patches(path, np.ones((5, 3, 3, 1), "uint8"))
    assert len(tl.read_patches(path)) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


# Files of one extraction


def extracted(scene, folder, *, seed=0, count=10, **options):
    """The paths of patches of the scene, at positions that depend on the seed."""
    positions = tl.select_positions(scene["truth"], count=count, margin=4, seed=seed)
    sources = {"image": scene["image"]}
    return tl.extract_patches(
        sources, positions, sizes=8, out_dir=folder, **options
    ).paths


def test_the_same_extraction_gives_the_same_files(tmp_path, scene):
    first, again, other = (
        {name: path.read_bytes() for name, path in paths.items()}
        for paths in (
            extracted(scene, tmp_path / "a"),
            extracted(scene, tmp_path / "b", prefix="b_"),
            extracted(scene, tmp_path / "c", seed=1),
        )
    )
    assert first == again
    assert first["image"] != other["image"]


def test_files_of_two_extractions_are_not_mixed(tmp_path, scene):
    one, two = (extracted(scene, tmp_path / str(i), seed=i) for i in (1, 2))
    mixed = {"image": two["image"], "labels": one["labels"]}
    assert len(tl.read_patches(mixed["image"])) == len(tl.read_patches(mixed["labels"]))
    match = r"image.tif' and '.*labels.tif' come from two extractions.*all its files"
    with pytest.raises(ValueError, match=match):
        tl.patch_dataset(mixed, class_count=3)
    for paths in (one, two):
        assert len(list(tl.patch_dataset(paths, class_count=3))) == 4


def test_areas_in_another_order_are_not_mixed(tmp_path, scene):
    one, two = (extracted(scene, tmp_path / str(i), seed=i) for i in (1, 2))
    paths = {name: [one[name], two[name]] for name in one}
    assert len(list(tl.patch_dataset(paths, class_count=3))) == 8
    paths["labels"].reverse()
    with pytest.raises(ValueError, match="two extractions"):
        tl.patch_dataset(paths, class_count=3)


def test_files_without_a_number_go_with_all_others(tmp_path, scene):
    paths = dict(extracted(scene, tmp_path))
    labels = tl.read_patches(paths["labels"])
    paths["labels"] = tl.write_patches(tmp_path / "own.tif", labels)
    assert len(list(tl.patch_dataset(paths, class_count=3))) == 4


# Ends the process, as SIGKILL does, before a number of renames.
KILLED = """
import os, sys, signal
from pathlib import Path
import tutorial_lib as tl
import tutorial_lib.patches.extraction
image, truth, folder, renames = sys.argv[1:]
replace, left = Path.replace, int(renames)
def killed(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return replace(self, target)
Path.replace = killed
positions = tl.select_positions(truth, count=10, margin=4, seed=1)
tl.extract_patches({"image": image}, positions, sizes=8, out_dir=folder)
"""


@pytest.mark.parametrize("renames", [0, 1])
def test_a_killed_extraction_is_noticed(tmp_path, scene, renames):
    old = extracted(scene, tmp_path / "out")
    before = {name: path.read_bytes() for name, path in old.items()}
    arguments = [scene["image"], scene["truth"], tmp_path / "out", renames]
    run = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)])
    assert run.returncode == -signal.SIGKILL
    changed = [name for name, path in old.items() if path.read_bytes() != before[name]]
    assert len(changed) == renames
    if renames:
        with pytest.raises(ValueError, match="two extractions"):
            tl.patch_dataset(old, class_count=3)
    again = extracted(scene, tmp_path / "out", seed=1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "image.tif",
        "labels.tif",
    ]
    assert len(list(tl.patch_dataset(again, class_count=3))) == 4


# A limit of file sizes acts like a full disk: the file of `image` cannot be written.
FULL = """
import resource, sys
import tutorial_lib as tl
import tutorial_lib.patches.extraction
small, image, truth, folder = sys.argv[1:]
positions = tl.select_positions(truth, count=100, margin=4, seed=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sources, sizes = {"small": small, "image": image}, {"small": 1, "image": 8}
try:
    tl.extract_patches(sources, positions, sizes=sizes, out_dir=folder)
except OSError as err:
    print(err)
"""


def test_a_full_disk_leaves_all_old_patches(tmp_path, scene):
    out = tmp_path / "out"
    positions = tl.select_positions(scene["truth"], count=10, margin=4)
    sources = {"small": scene["truth"], "image": scene["image"]}
    sizes = {"small": 1, "image": 8}
    old = tl.extract_patches(sources, positions, sizes=sizes, out_dir=out).paths
    before = {name: path.read_bytes() for name, path in old.items()}
    arguments = [scene["truth"], scene["image"], scene["truth"], out]
    run = subprocess.run(
        [sys.executable, "-c", FULL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(
        r"out/image.tif' could not be written: .* disk has space", run.stdout
    )
    assert {name: path.read_bytes() for name, path in old.items()} == before
    assert {path.name for path in out.iterdir()} == {path.name for path in old.values()}


# Files that are no patches images


@pytest.mark.parametrize("shape", [(40, 40), (120, 40)])
def test_a_scene_is_no_patches_image(tmp_path, shape):
    path = coordinates(tmp_path / "a.tif", *shape)
    with pytest.raises(ValueError, match=r"EPSG:32631\) is not a patches image"):
        tl.read_patches(path)
    labels = tl.write_patches(tmp_path / "l.tif", np.zeros((3, 1, 1, 1), "uint8"))
    with pytest.raises(ValueError, match=r"EPSG:32631\) is not a patches image"):
        tl.patch_dataset({"a": path, "labels": labels}, class_count=3)


@pytest.mark.parametrize("kept", [0.05, 0.6, 0.98])
def test_a_truncated_patches_image_is_named(tmp_path, kept):
    array = image(400, 20).reshape(20, 20, 20, 4)
    path = tl.write_patches(tmp_path / "a.tif", array)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    labels = tl.write_patches(tmp_path / "l.tif", np.zeros((20, 1, 1, 1), "uint8"))
    with pytest.raises(OSError, match=r"a.tif' is (damaged|not a raster)"):
        tl.read_patches(path)
    with pytest.raises(OSError, match=r"a.tif' is (damaged|not a raster)"):
        tl.patch_dataset({"a": path, "labels": labels}, class_count=3)


@pytest.mark.parametrize("dtype", ["complex64", "bool", "object", "U3", "float16"])
def test_patches_that_are_no_numbers_of_a_raster_are_refused(tmp_path, dtype):
    array = np.ones((2, 3, 3, 1)).astype(dtype)
    with pytest.raises(TypeError, match=r"has the type .*Give whole numbers or floats"):
        tl.write_patches(tmp_path / "a.tif", array)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "array", [None, "patches", 5, [], [[1, 2], [3]], np.ones((2, 3)), {"a": 1}]
)
def test_values_that_are_no_patches_are_refused(tmp_path, array):
    with pytest.raises((TypeError, ValueError), match=r"array.*Give"):
        tl.write_patches(tmp_path / "a.tif", array)


def test_patches_as_lists_are_written(tmp_path):
    path = tl.write_patches(tmp_path / "a.tif", np.ones((2, 3, 3, 1), int).tolist())
    assert tl.read_patches(path).shape == (2, 3, 3, 1)


@pytest.mark.parametrize("path", [None, 5, b"a.tif", ["a.tif"], ""])
def test_what_is_not_a_path_is_refused(path):
    for call in (tl.read_patches, lambda one: tl.write_patches(one, np.ones((1,) * 4))):
        with pytest.raises((TypeError, ValueError), match="Give the path of a file"):
            call(path)


def test_all_patches_are_read_whatever_the_size_of_the_strips(tmp_path, monkeypatch):
    array = image(35, 5, 3).reshape(7, 5, 5, 3)
    path = tl.write_patches(tmp_path / "a.tif", array)
    for size in (1, 31, 100, 999):
        monkeypatch.setattr(images, "STRIP_BYTES", size)
        assert np.array_equal(tl.read_patches(path), array)
