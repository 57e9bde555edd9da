"""Cloud-optimised GeoTIFFs: valid, complete, and absent after an error."""

import json
import os
import subprocess
import sys

import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.shutil
import scenes
from odc.geo.geobox import GeoBox
from rio_cogeo.cogeo import cog_validate

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.rasters import (
    Legend,
    create_raster,
    read_array,
    read_legend,
    read_nodata,
    write_array,
)

LEGEND = Legend(("eau", "forêt", "ville"), ("#7fbcfc", "#106b00", "#ff0004"), (1, 3, 7))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def labels(height, width, dtype="uint8", seed=0):
    """Classes 1, 3 and 7, a corner of background 255, (height, width, 1)."""
    array = np.array([1, 3, 7], dtype)[scenes.image(height, width, 1, seed, largest=3)]
    array[: height // 3, : width // 4] = 255
    return array


def write_cog(path, array, **options):
    grid = testing.small_grid(*array.shape[:2], spacing=1.5)
    return write_array(path, array, grid, cog=True, **options)


def check_valid(path):
    # Returns whether it is valid, errors, and warnings.
    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])


def statistics(path, band):
    with rasterio.open(path) as dataset:
        tags = dataset.tags(band)
    return {
        name.removeprefix("STATISTICS_"): float(value)
        for name, value in tags.items()
        if name.startswith("STATISTICS_")
    }


def overviews(path):
    """The pixels (height, width, channel) of each overview."""
    with rasterio.open(path) as dataset:
        count = len(dataset.overviews(1))
    for level in range(count):
        with rasterio.open(path, overview_level=level) as dataset:
            yield np.moveaxis(dataset.read(), 0, -1)


# What is in the file


@pytest.mark.parametrize("compress", ["deflate", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_label_map_keeps_all_that_describes_it(tmp_path, dtype, compress):
    array = labels(601, 1030, dtype)
    about = {"nodata": 255, "legend": LEGEND, "tags": {"MODEL": "a"}}
    path = write_cog(
        tmp_path / "a.tif", array, compress=compress, descriptions=["label"], **about
    )
    check_valid(path)
    assert names(tmp_path) == ["a.qml", "a.tif"]
    np.testing.assert_array_equal(read_array(path), array)
    assert tl.read_grid(path) == testing.small_grid(601, 1030, spacing=1.5)
    assert (read_legend(path), read_nodata(path)) == (LEGEND, 255)
    with rasterio.open(path) as dataset:
        assert dataset.tags()["MODEL"] == "a"
        assert dataset.descriptions == ("label",)
        assert dataset.colormap(1)[7] == (255, 0, 4, 255)
        assert dataset.compression.value.lower() == compress
        assert dataset.overviews(1) == [2, 4]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_overviews_hold_only_classes_that_are_there(tmp_path, dtype):
    array = labels(601, 1030, dtype)
    path = write_cog(tmp_path / "a.tif", array, nodata=255, legend=LEGEND)
    found = list(overviews(path))
    assert [one.shape[:2] for one in found] == [(300, 515), (150, 257)]
    for one in found:
        assert set(np.unique(one)) == {1, 3, 7, 255}
        # The corner without data stays one.
        assert (one[: one.shape[0] // 3 - 1, : one.shape[1] // 4 - 1] == 255).all()


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_overviews_of_integers_hold_values_of_the_image(tmp_path, dtype):
    step = np.iinfo(dtype).max // 5
    array = (scenes.image(530, 601, 2, largest=5, dtype=dtype) * step).astype(dtype)
    path = write_cog(tmp_path / "a.tif", array)
    check_valid(path)
    for one in overviews(path):
        assert set(np.unique(one)) <= set(np.unique(array))


def test_overviews_of_floats_are_means_of_the_pixels_with_data(tmp_path):
    array = np.random.default_rng(0).random((530, 1024, 2)).astype("float32")
    array[100:201, 300:417] = np.nan
    path = write_cog(tmp_path / "a.tif", array, nodata=float("nan"))
    check_valid(path)
    (half,) = overviews(path)
    blocks = array.reshape(265, 2, 512, 2, 2)
    empty = np.isnan(blocks).all(axis=(1, 3))
    assert np.array_equal(np.isnan(half), empty)
    expected = np.nanmean(np.where(empty[:, None, :, None], 0, blocks), axis=(1, 3))
    np.testing.assert_allclose(half[~empty], expected[~empty], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 255), ("float32", np.nan)])
def test_statistics_are_those_of_all_pixels_with_data(tmp_path, dtype, nodata):
    array = scenes.image(601, 1030, 2, largest=200).astype(dtype)
    array[50:300, 20:700] = nodata
    path = write_cog(tmp_path / "a.tif", array, nodata=nodata)
    known = np.ones((601, 1030), bool)
    known[50:300, 20:700] = False
    for band in (1, 2):
        values = array[known, band - 1].astype(float)
        expected = {
            "MINIMUM": values.min(),
            "MAXIMUM": values.max(),
            "MEAN": values.mean(),
            "STDDEV": values.std(),
            "VALID_PERCENT": 100 * known.mean(),
        }
        assert statistics(path, band) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 255), ("float32", np.nan)])
def test_a_map_without_data_is_valid(tmp_path, dtype, nodata):
    array = np.full((530, 601, 1), nodata, dtype)
    path = write_cog(tmp_path / "a.tif", array, nodata=nodata)
    check_valid(path)
    assert statistics(path, 1) == {"VALID_PERCENT": 0}
    np.testing.assert_array_equal(read_array(path), array)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 2), (40, 601, 1), (512, 512, 1)])
def test_small_and_narrow_rasters_are_valid(tmp_path, shape):
    array = scenes.image(*shape)
    path = write_cog(tmp_path / "a.tif", array)
    check_valid(path)
    np.testing.assert_array_equal(read_array(path), array)


@pytest.mark.parametrize("name", ["a.tif.working.tif", "working.tif", "a.TIFF"])
def test_any_name_of_a_geotiff_will_do(tmp_path, name):
    check_valid(write_cog(tmp_path / name, scenes.image(6, 9, 1)))
    assert names(tmp_path) == [name]


def test_a_crs_that_a_geotiff_cannot_hold_is_kept_beside_it(tmp_path):
    crs = "+proj=ob_tran +o_proj=longlat +o_lat_p=39.25 +lon_0=18 +o_lon_p=0 +type=crs"
    grid = testing.small_grid(530, 601)
    grid = GeoBox(grid.shape, grid.transform, pyproj.CRS(crs).to_wkt())
    path = write_array(tmp_path / "a.tif", scenes.image(530, 601, 1), grid, cog=True)
    check_valid(path)
    assert names(tmp_path) == ["a.tif", "a.tif.aux.xml"]
    assert tl.read_grid(path).crs == grid.crs


def test_tiles_are_written_in_any_order_and_blocks_follow_them(tmp_path):
    array = scenes.image(333, 290, 2)
    grid = testing.small_grid(333, 290)
    options = {"channels": 2, "dtype": "uint16", "cog": True, "block": 96}
    with create_raster(tmp_path / "a.tif", grid, **options) as raster:
        assert raster.block_shape == (96, 96)
        for row in range(288, -1, -96):
            for col in range(0, 290, 96):
                part = array[row : row + 96, col : col + 96]
                raster.write(part, row, col)
    check_valid(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_array(tmp_path / "a.tif"), array)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_cog_is_true_or_false(tmp_path, value):
    grid = testing.small_grid(6, 9)
    with pytest.raises(TypeError, match=r"`cog` is .*Give True or False"):
        write_array(tmp_path / "a.tif", np.ones((6, 9, 1)), grid, cog=value)
    assert names(tmp_path) == []


# Errors


# rasterio raises SystemError where GDAL did not say why, on some full disks.
@pytest.mark.parametrize("kind", [rasterio.errors.RasterioIOError, SystemError])
def test_an_error_of_the_copy_names_the_file_and_the_space(tmp_path, monkeypatch, kind):
    path = scenes.constant(tmp_path / "a.tif", 1)
    before = path.read_bytes()

    def broken(*_, **__):
        raise kind("Write error at scanline 3")

    monkeypatch.setattr(rasterio.shutil, "copy", broken)
    with pytest.raises(OSError, match=r"a\.tif' could not be written: Write") as caught:
        write_cog(path, scenes.image(60, 90, 1))
    assert "has space for both, 0.0 MB more, or write it with `cog=False`." in str(
        caught.value
    )
    assert names(tmp_path) == ["a.tif"]
    assert path.read_bytes() == before


def test_a_copy_that_cannot_be_read_is_no_map(tmp_path, monkeypatch):
    def half(source, target, **_):
        target.write_bytes(source.read_bytes()[:-500])

    monkeypatch.setattr(rasterio.shutil, "copy", half)
    with pytest.raises(OSError, match="GDAL cannot read it back"):
        write_cog(tmp_path / "a.tif", scenes.image(60, 90, 1))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_before_the_copy_leaves_the_old_map(tmp_path, error):
    path = scenes.constant(tmp_path / "a.tif", 1)
    before, grid = path.read_bytes(), testing.small_grid(60, 90)
    options = {"channels": 1, "dtype": "uint8", "cog": True}

    def write_half():
        with create_raster(path, grid, **options) as raster:
            raster.write(np.ones((30, 90, 1), "uint8"))
            raise error

    with pytest.raises(error):
        write_half()
    assert names(tmp_path) == ["a.tif"]
    assert path.read_bytes() == before


# In a process of its own: the signal must not end the one that runs the tests.
INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
import numpy as np
from tutorial_lib import rasters, testing
from tutorial_lib.rasters import cloud_optimised

path, delay = Path(sys.argv[1]), float(sys.argv[2])
signal.signal(signal.SIGINT, signal.default_int_handler)
# Larger than the block cache, else the copy needs no more of the file.
array = np.random.default_rng(0).random((2600, 2800, 3)).astype("float32")
copy = cloud_optimised._copy

def interrupted(*given, **options):
    global started
    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.process_time()
    copy(*given, **options)

cloud_optimised._copy = interrupted
before = threading.active_count()
try:
    rasters.write_array(path, array, testing.small_grid(2600, 2800), cog=True)
except KeyboardInterrupt:
    spent = time.process_time() - started
    print("interrupted", spent, threading.active_count() - before)
print(*(file.name for file in path.parent.iterdir()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.05, 0.4, 1.2])
def test_ctrl_c_ends_the_copy_soon_and_leaves_nothing(tmp_path, delay):
    command = [sys.executable, "-c", INTERRUPTED, tmp_path / "a.tif", str(delay)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, left = done.stdout.splitlines()
    word, spent, threads = first.split()
    assert word == "interrupted"
    assert left == ""
    assert int(threads) == 0
    # The whole copy takes more than 3 s of CPU.
    assert float(spent) < 2 * delay + 0.5


# One process for all cases, since each start takes 0.4 s.
LIMITED = """
import json, resource, signal, sys
import numpy as np
from tutorial_lib import rasters, testing

path, limits = sys.argv[1], json.loads(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = np.random.default_rng(0).random((530, 600, 3)).astype("float32")
grid = testing.small_grid(530, 600)
for limit in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        rasters.write_array(path, noise, grid, cog=True)
    except OSError as err:
        print(err)
    else:
        print("written")
"""


def test_a_limit_of_file_sizes_is_an_error_and_leaves_the_old_map(tmp_path):
    path = scenes.constant(tmp_path / "a.tif", 1)
    before = path.read_bytes()
    # The working file takes 3.4 MB, and the map with its overviews 4.2 MB.
    limits = [0, 100, 3_000_000, 3_600_000, 4_100_000]
    command = [sys.executable, "-c", LIMITED, str(path), json.dumps(limits)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    errors = run.stdout.splitlines()
    assert len(errors) == len(limits)
    for limit, error in zip(limits, errors, strict=True):
        assert "a.tif' could not be written" in error, limit
        assert ("`cog=False`" in error) == (limit > 3_500_000), error
    assert names(tmp_path) == ["a.tif"]
    assert path.read_bytes() == before


@pytest.mark.thorough
@pytest.mark.parametrize("size", [3, 8, 11, 14])
def test_a_full_disk_is_said_to_be_full(tmp_path, size):
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", tmp_path]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program mounts disks here")
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small disk: {mounted.stderr.strip()}")
    try:
        array = np.random.default_rng(0).random((700, 900, 3)).astype("float32")
        with pytest.raises(OSError, match=os.strerror(28)):
            write_cog(tmp_path / "a.tif", array)
        assert names(tmp_path) == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)
