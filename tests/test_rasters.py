"""Rasters: reading, stacking and writing pixels, and what happens when it fails."""

import errno
import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import scenes
from rasterio.env import get_gdal_config
from rasterio.windows import Window
from scenes import constant

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.rasters import (
    Legend,
    Source,
    block_cache,
    create_raster,
    open_source,
    open_sources,
    opened,
    opening,
    read_array,
    read_legend,
    read_nodata,
    to_type,
    write_array,
)


@pytest.fixture
def coordinates(tmp_path):
    """30 rows, 40 columns; bands: row, column, 1000 row + column."""
    return scenes.coordinates(tmp_path / "coordinates.tif", 30, 40, channels=3)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Round trips


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "int16", "uint16", "int32", "int64", "float32", "float64"],
)
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 300, 3), (301, 257, 2), (600, 5, 1)])
def test_pixels_and_grid_come_back_as_they_were_written(tmp_path, dtype, shape):
    array = scenes.image(*shape, largest=120, dtype=dtype)
    grid = testing.small_grid(*shape[:2], spacing=1.5, corner=(500_000.3, 4_800_001))
    path = write_array(tmp_path / "new" / "folder" / "a.tif", array, grid)
    read = read_array(path)
    assert read.dtype == dtype
    assert np.array_equal(read, array)
    assert tl.read_grid(path) == grid


def test_windows_can_be_written_one_by_one_in_any_order(tmp_path):
    array = scenes.image(333, 290, 2)
    path = tmp_path / "a.tif"
    windows = [(row, col) for row in range(0, 333, 100) for col in range(0, 290, 70)]
    grid = testing.small_grid(333, 290)
    with create_raster(path, grid, channels=2, dtype="uint16") as raster:
        for row, col in np.random.default_rng(0).permutation(windows).tolist():
            raster.write(array[row : row + 100, col : col + 70], row, col)
    assert np.array_equal(read_array(path), array)


def test_a_raster_is_a_tiled_compressed_geotiff(tmp_path):
    path = constant(tmp_path / "a.tif", 3, shape=(600, 700))
    with rasterio.open(path) as dataset:
        assert dataset.driver == "GTiff"
        assert dataset.block_shapes == [(256, 256)]
        assert dataset.profile["compress"] == "deflate"
        assert dataset.crs.to_epsg() == 32631


@pytest.mark.parametrize("nodata", [255, 0, -1.5, float("nan"), None])
def test_the_nodata_tag_is_kept(tmp_path, nodata):
    dtype = "uint8" if nodata in (255, 0) else "float32"
    path = constant(tmp_path / "a.tif", 1, dtype=dtype, nodata=nodata)
    assert np.array_equal([read_nodata(path)], [nodata], equal_nan=nodata is not None)


def test_tags_and_band_names_are_kept(tmp_path):
    path = constant(
        tmp_path / "a.tif",
        1,
        channels=2,
        tags={"MODEL": "a"},
        descriptions=("B4", "B8"),
    )
    with rasterio.open(path) as dataset:
        assert dataset.tags()["MODEL"] == "a"
        assert dataset.descriptions == ("B4", "B8")


def test_the_crs_of_a_file_is_shown_as_its_epsg_code(tmp_path):
    assert str(tl.read_grid(constant(tmp_path / "a.tif", 1)).crs) == "EPSG:32631"


def test_a_raster_without_crs_has_none(tmp_path):
    path = scenes.write(tmp_path / "a.tif", np.ones((3, 4), "uint8"), crs=None)
    assert tl.read_grid(path).crs is None
    assert tl.read_grid(path).transform == testing.small_grid(3, 4).transform


# Legends


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "uint32"])
def test_a_legend_is_read_as_it_was_written(tmp_path, dtype):
    legend = Legend(
        names=("eau", "forêt", "a=b; c"), colors=("#7fbcfc", "#106b00", "#000000")
    )
    path = constant(tmp_path / "a.tif", 2, dtype=dtype, nodata=255, legend=legend)
    assert read_legend(path) == legend
    # QGIS takes names and colours from the style, whatever the type.
    assert "#106b00" in path.with_suffix(".qml").read_text(encoding="utf-8")
    if dtype in ("uint8", "uint16"):
        with rasterio.open(path) as dataset:
            assert dataset.colormap(1)[1] == (0x10, 0x6B, 0, 255)


def test_a_raster_without_names_has_no_legend(tmp_path):
    assert read_legend(constant(tmp_path / "a.tif", 1)) is None


def test_a_legend_with_more_names_than_colors_is_refused():
    with pytest.raises(ValueError, match="2 names and 1 colour"):
        Legend(names=("a", "b"), colors=("#000000",))


@pytest.mark.parametrize("color", ["red", "#fff", "#12345g", "#1234567"])
def test_a_color_that_is_not_hexadecimal_is_refused(color):
    with pytest.raises(ValueError, match=f"'{color}'.*'#rrggbb'"):
        Legend(names=("a",), colors=(color,))


@pytest.mark.parametrize(
    ("channels", "dtype"), [(3, "uint8"), (3, "int16"), (1, "float32")]
)
def test_a_legend_is_refused_where_there_are_no_classes(tmp_path, channels, dtype):
    path = tmp_path / "a.tif"
    with pytest.raises(ValueError, match=rf"{channels} band.* of {dtype}"):
        constant(path, 1, channels=channels, dtype=dtype, legend=testing.SMALL_LEGEND)
    assert names(tmp_path) == []


# Reading


def test_a_window_is_a_part_of_the_raster(coordinates):
    whole = read_array(coordinates)
    window = read_array(coordinates, window=Window(7, 20, 5, 10), bands=[3, 1])
    assert np.array_equal(window, whole[20:30, 7:12][..., [2, 0]])


@pytest.mark.parametrize(
    "window",
    [
        Window(-1, 0, 5, 5),
        Window(0, -1, 5, 5),
        Window(36, 0, 5, 5),
        Window(0, 26, 5, 5),
    ],
)
def test_a_window_that_leaves_the_raster_is_refused(coordinates, window):
    with pytest.raises(ValueError, match=r"5x5 px\).* inside .*30x40 px"):
        read_array(coordinates, window=window)


def test_a_window_that_cuts_pixels_is_refused(coordinates):
    with pytest.raises(ValueError, match=r"col 0.5.*whole pixels"):
        read_array(coordinates, window=Window(0.5, 0, 5, 5))


@pytest.mark.parametrize("band", [0, 4, -1])
def test_a_band_that_does_not_exist_is_refused(coordinates, band):
    with pytest.raises(ValueError, match=f"Band {band} .*from 1 to 3"):
        read_array(coordinates, bands=[1, band])


def test_an_empty_list_of_bands_is_refused(coordinates):
    with pytest.raises(ValueError, match=r"bands=\[\].*from 1 to 3"):
        read_array(coordinates, bands=[])


def test_the_error_names_a_missing_raster(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no raster at '.*nowhere.tif'"):
        tl.read_grid(tmp_path / "nowhere.tif")


def test_the_error_names_a_file_that_is_not_a_raster(tmp_path):
    (tmp_path / "a.tif").write_text("not a raster")
    with pytest.raises(OSError, match=r"a.tif' is not a raster"):
        tl.read_grid(tmp_path / "a.tif")


def test_the_error_names_a_raster_that_was_cut_short(tmp_path):
    path = scenes.write(tmp_path / "a.tif", scenes.image(600, 700, 2))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OSError, match=r"a.tif' is damaged: .* Download"):
        read_array(path)


# Sources: stacks of bands


@pytest.fixture
def stack(tmp_path):
    """Bands 1-2 are 10 and 10, band 3 is 20, bands 4-6 are coordinates."""
    return [
        constant(tmp_path / "a.tif", 10, channels=2),
        constant(tmp_path / "b.tif", 20, dtype="uint16"),
        scenes.coordinates(tmp_path / "c.tif", 30, 40, channels=3),
    ]


@pytest.mark.parametrize(
    "bands", [(6, 1, 3), (3, 4), (5, 5, 2), (4, 6, 5, 3, 2, 1), None]
)
def test_bands_of_a_stack_come_in_any_order(stack, bands):
    whole = np.concatenate([read_array(path) for path in stack], axis=-1)
    with open_source(Source(stack, bands=bands)) as reader:
        array = reader.read(row=4, col=9, height=5, width=7)
        assert array.dtype == reader.dtype
        assert array.shape[2] == reader.channels
    chosen = [band - 1 for band in bands or range(1, 7)]
    assert np.array_equal(array, whole[4:9, 9:16][..., chosen])


@pytest.mark.parametrize("bands", [None, (1, 2), (5, 6, 4), (1, 3, 2), (6, 1, 1)])
def test_pixels_lie_channel_by_channel_in_memory(stack, bands):
    """Networks take (height, width, channel) arrays without another copy."""
    for paths in (stack, stack[2]):
        chosen = bands if paths is stack else (bands and (3, 1))
        with open_source(Source(paths, bands=chosen)) as reader:
            array = reader.read(4, 9, 5, 7)
            block = reader.read_block(4, 9, 5, 7)
        assert array.flags.c_contiguous
        assert array.flags.owndata
        np.testing.assert_array_equal(block.values, array)
        assert block.values.flags.c_contiguous


def test_rasters_on_two_grids_cannot_be_stacked(tmp_path):
    paths = [constant(tmp_path / f"{w}.tif", 1, shape=(30, w)) for w in (40, 41)]
    with pytest.raises(ValueError, match=r"30x41 px.*not on the grid.*30x40 px"):
        read_array(paths)


def test_a_source_without_rasters_is_refused():
    with pytest.raises(ValueError, match="list of paths is empty"):
        read_array([])


def test_several_sources_are_opened_together_and_closed_together(tmp_path, stack):
    sources = {"b": Source(stack[2]), "a": Source(stack[0])}
    with open_sources(sources) as readers:
        assert list(readers) == ["b", "a"]
        assert readers["b"].read(4, 9, 1, 1).tolist() == [[[4, 9, 4009]]]
    with pytest.raises(OSError, match="cannot be read"):
        readers["b"].read(4, 9, 1, 1)
    missing = sources | {"c": Source(tmp_path / "nowhere.tif")}
    with pytest.raises(FileNotFoundError, match="nowhere"), open_sources(missing):
        pass


# GDAL's block cache

IMPORT = """
import os
from rasterio.env import get_gdal_config, hasenv
before = dict(os.environ), get_gdal_config("GDAL_CACHEMAX")
import tutorial_lib.rasters
assert (dict(os.environ), get_gdal_config("GDAL_CACHEMAX")) == before
assert not hasenv()
"""


def test_the_import_changes_neither_the_environment_nor_gdal():
    subprocess.run([sys.executable, "-c", IMPORT], check=True)


def cache_limit():
    return get_gdal_config("GDAL_CACHEMAX")


@pytest.fixture
def large_limit(monkeypatch):
    """Gives GDAL a large cache, as on a large machine."""
    monkeypatch.delenv("GDAL_CACHEMAX", raising=False)
    before = cache_limit()
    rasterio.env.set_gdal_config("GDAL_CACHEMAX", 2**30)
    yield 2**30
    rasterio.env.set_gdal_config("GDAL_CACHEMAX", before)


def test_the_cache_is_small_only_while_a_raster_is_open(coordinates, large_limit):
    with opened(coordinates):
        assert cache_limit() == 32 * 2**20
    assert cache_limit() == large_limit
    grid, path = testing.small_grid(3, 4), coordinates.with_name("new.tif")
    with create_raster(path, grid, channels=1, dtype="uint8"):
        assert cache_limit() == 32 * 2**20
    assert cache_limit() == large_limit
    with pytest.raises(FileNotFoundError):
        tl.read_grid("nowhere.tif")
    assert cache_limit() == large_limit


def test_the_cache_stays_small_until_the_last_raster_is_closed(
    coordinates, large_limit
):
    # As two generators of tiles do: the first one to open is the first one to close.
    first, second = ExitStack(), ExitStack()
    for stack in (first, second):
        stack.enter_context(opened(coordinates))
    first.close()
    assert cache_limit() == 32 * 2**20
    second.close()
    assert cache_limit() == large_limit


def test_threads_share_one_limit_and_restore_it(coordinates, large_limit):
    def limit_while_reading(_):
        with open_source(Source(coordinates)) as reader:
            reader.read(0, 0, 30, 40)
            return cache_limit()

    with ThreadPoolExecutor(4) as threads:
        limits = list(threads.map(limit_while_reading, range(200)))
    assert set(limits) == {32 * 2**20}
    assert cache_limit() == large_limit


def test_a_limit_that_the_user_chose_is_kept(coordinates, large_limit, monkeypatch):
    with rasterio.Env(GDAL_CACHEMAX=2**28), opened(coordinates):
        assert cache_limit() == 2**28
    monkeypatch.setenv("GDAL_CACHEMAX", "1024")
    with opened(coordinates):
        assert cache_limit() == large_limit


def test_a_run_raises_the_limit_to_what_it_needs(coordinates, large_limit):
    small, mb = 32 * 2**20, 2**20
    with block_cache(100 * mb):
        assert cache_limit() == 100 * mb
        with opened(coordinates):
            assert cache_limit() == 100 * mb
        with block_cache(300 * mb):
            assert cache_limit() == 256 * mb
        with block_cache(300 * mb, most=80 * mb):
            assert cache_limit() == 100 * mb
        assert cache_limit() == 100 * mb
    assert cache_limit() == large_limit
    with block_cache(1):
        assert cache_limit() == small
    with opened(coordinates):
        with block_cache(100 * mb):
            assert cache_limit() == 100 * mb
        assert cache_limit() == small
    assert cache_limit() == large_limit


def test_the_largest_of_the_running_limits_counts(large_limit):
    first, second = ExitStack(), ExitStack()
    first.enter_context(block_cache(100 * 2**20))
    second.enter_context(block_cache(200 * 2**20))
    assert cache_limit() == 200 * 2**20
    first.close()
    assert cache_limit() == 200 * 2**20
    second.close()
    assert cache_limit() == large_limit


def test_a_run_raises_the_limit_of_a_small_machine(monkeypatch, large_limit):
    rasterio.env.set_gdal_config("GDAL_CACHEMAX", 20 * 2**20)
    with block_cache(0):
        assert cache_limit() == 20 * 2**20
    with block_cache(100 * 2**20):
        assert cache_limit() == 100 * 2**20
    assert cache_limit() == 20 * 2**20


def test_a_run_keeps_a_limit_that_the_user_chose(large_limit, monkeypatch):
    with rasterio.Env(GDAL_CACHEMAX=2**27), block_cache(200 * 2**20):
        assert cache_limit() == 2**27
    monkeypatch.setenv("GDAL_CACHEMAX", "1024")
    with block_cache(200 * 2**20):
        assert cache_limit() == large_limit


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [((-1,), ValueError), ((1.5,), ValueError), (("1",), TypeError)],
)
def test_a_wrong_size_of_the_cache_is_refused(arguments, kind):
    with pytest.raises(kind, match="`needed` is"), block_cache(*arguments):
        pass


def laid_out(path, *, interleave="pixel", **layout):
    """Write 700 x 610 px of four bands of uint16 in blocks of some layout."""
    array = np.moveaxis(scenes.image(700, 610, 4, largest=4000), -1, 0)
    profile = {"driver": "GTiff", "height": 700, "width": 610, "count": 4}
    place = {"crs": "EPSG:32631", "transform": testing.small_grid(1, 1).transform}
    layout |= {"interleave": interleave, "dtype": "uint16", "compress": "deflate"}
    with rasterio.open(path, "w", **profile, **place, **layout) as dataset:
        dataset.write(array)
    return path


TILED = {"tiled": True, "blockxsize": 128, "blockysize": 64}


@pytest.mark.parametrize(
    ("layout", "bands", "height", "expected"),
    [
        # Of 66 rows, the first may lie at the end of a block, and the last in the third
        # one; 610 columns are five blocks of 128.
        (TILED, None, 1, (1 * 5 * 4, 64 * 128)),
        (TILED, None, 2, (2 * 5 * 4, 64 * 128)),
        (TILED, None, 65, (2 * 5 * 4, 64 * 128)),
        (TILED, None, 66, (3 * 5 * 4, 64 * 128)),
        # Never more than the 11 rows of blocks that the file has.
        (TILED, None, 699, (11 * 5 * 4, 64 * 128)),
        # All bands are in one block, or each in its own.
        (TILED, (3, 1), 66, (3 * 5 * 4, 64 * 128)),
        (TILED | {"interleave": "band"}, (3, 1), 66, (3 * 5 * 2, 64 * 128)),
        (TILED | {"interleave": "band"}, (3, 3), 66, (3 * 5, 64 * 128)),
        ({"blockysize": 1}, None, 66, (66 * 4, 610)),
        ({"blockysize": 20}, None, 66, (5 * 4, 20 * 610)),
    ],
)
def test_the_cache_holds_the_blocks_of_one_row_of_tiles(
    tmp_path, layout, bands, height, expected
):
    path = laid_out(tmp_path / "a.tif", **layout)
    with open_source(Source(path, bands=bands)) as reader:
        assert reader.cache_bytes(height) == in_cache(*expected)
        with pytest.raises(ValueError, match="`height` is 0"):
            reader.cache_bytes(0)


def in_cache(blocks, pixels):
    """Bytes of blocks of uint16, in units of 64 bytes, with what GDAL adds to each."""
    return blocks * (-(-2 * pixels // 64) * 64 + 256)


def test_the_caches_of_stacked_and_virtual_rasters(tmp_path):
    sizes = {"a": in_cache(5 * 4, 64 * 128), "b": in_cache(1, 20 * 610)}
    laid_out(tmp_path / "a.tif", **TILED)
    laid_out(tmp_path / "b.tif", interleave="band", blockysize=20)
    for name, expected in sizes.items():
        # A virtual raster has blocks of its own, which are not used.
        virtual = tmp_path / f"{name}.vrt"
        rasterio.shutil.copy(tmp_path / f"{name}.tif", virtual, driver="VRT")
        with open_source(Source(virtual, bands=2)) as reader:
            assert reader.cache_bytes(1) == expected
    with open_source(Source([tmp_path / "a.tif", tmp_path / "b.tif"])) as reader:
        assert reader.cache_bytes(1) == sizes["a"] + 4 * sizes["b"]


@pytest.mark.parametrize("enough", [True, False])
def test_the_cache_of_this_size_holds_a_row_of_tiles(
    tmp_path, large_limit, monkeypatch, enough
):
    path = laid_out(tmp_path / "a.tif", **TILED)
    monkeypatch.setattr(opening, "BLOCK_CACHE", 2**10)
    with open_source(path) as reader:
        need = reader.cache_bytes(130)
        # From the last row of a block on: no place touches more blocks.
        read = [(63, col, 130, 70) for col in range(0, 540, 60)]
        with block_cache(need if enough else need * 9 // 10):
            first = [reader.read(*window) for window in read]
            # Only the cache has the pixels now.
            os.truncate(path, 0)
            if not enough:
                with pytest.raises(OSError, match="is damaged"):
                    [reader.read(*window) for window in read]
                return
            for window, expected in zip(read, first, strict=True):
                np.testing.assert_array_equal(reader.read(*window), expected)


# Threads


def test_a_reader_opened_here_is_read_elsewhere_and_closed_here(tmp_path):
    path = laid_out(tmp_path / "a.tif", **TILED)
    whole = read_array(path)

    def strip(reader, row):
        return reader.read(row, 0, 70, 610)

    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        readers = [stack.enter_context(open_source(path)) for _ in range(4)]
        jobs = [
            threads.submit(strip, readers[i % 4], row)
            for i, row in enumerate(range(0, 700, 70))
            if i < 4
        ]
        for i, job in enumerate(jobs):
            np.testing.assert_array_equal(job.result(), whole[i * 70 : (i + 1) * 70])


def test_threads_that_open_rasters_leave_the_filters_of_warnings(tmp_path):
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1}
    paths = [tmp_path / f"{i}.tif" for i in range(4)]
    for path in paths:
        # Without a georeference, of which rasterio warns.
        with opening.open_quietly(path, "w", dtype="uint8", **profile) as dataset:
            dataset.write(np.ones((1, 3, 4), "uint8"))
    before = list(warnings.filters)

    def read_often(path):
        for _ in range(60):
            read_array(path)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(read_often, paths))
    assert warnings.filters == before


def test_the_caller_s_own_filter_stays(coordinates):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        before = list(warnings.filters)
        tl.read_grid(coordinates)
        assert warnings.filters == before


# Types


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([-1.0, 0.4, 2.5, 2.9, 300, np.inf], "uint8", [0, 0, 2, 3, 255, 255]),
        ([-4e4, 4e4, np.nan], "int16", [-32768, 32767, 7]),
        ([3e9, -3e9, 16_777_217], "int32", [2**31 - 1, -(2**31), 16_777_216]),
        ([5e9, -1.0], "uint32", [2**32 - 1, 0]),
        ([0.25, np.nan], "float64", [0.25, np.nan]),
    ],
)
def test_floats_are_rounded_and_clamped(values, dtype, expected):
    result = to_type(np.array(values, "float32"), dtype, nan=7)
    assert result.dtype == dtype
    assert np.array_equal(result, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("given", "dtype", "expected"),
    [("int64", "uint8", [0, 5, 255]), ("int16", "uint16", [0, 5, 300])],
)
def test_integers_are_clamped(given, dtype, expected):
    assert to_type(np.array([-3, 5, 300], given), dtype, nan=0).tolist() == expected


# Writing, and what happens when it fails


@pytest.mark.parametrize(
    ("shape", "row", "col"),
    [((5, 5, 2), 0, 0), ((31, 40, 1), 0, 0), ((5, 5, 1), 26, 0), ((5, 5, 1), 0, 36),
     ((5, 5, 1), -1, 0), ((5, 5, 1), 0, -1)],
)  # fmt: skip
def test_an_array_that_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path, shape, row, col
):
    grid = testing.small_grid(30, 40)
    with (
        pytest.raises(ValueError, match=r"does not fit into 'a.tif'.*30x40 px"),
        create_raster(tmp_path / "a.tif", grid, channels=1, dtype="uint8") as raster,
    ):
        raster.write(np.ones(shape, "uint8"), row, col)
    assert names(tmp_path) == []


def test_an_array_without_channels_is_refused_with_the_cure(tmp_path):
    with pytest.raises(ValueError, match=r"\(6, 9\).*array\[..., np.newaxis\]"):
        write_array(tmp_path / "a.tif", np.ones((6, 9)), testing.small_grid(6, 9))


def test_an_array_of_another_size_than_its_grid_is_refused(tmp_path):
    with pytest.raises(ValueError, match="5x9 px and its grid 6x9"):
        write_array(tmp_path / "a.tif", np.ones((5, 9, 1)), testing.small_grid(6, 9))


def write_half(path):
    grid = testing.small_grid(30, 40)
    with create_raster(path, grid, channels=1, dtype="uint8") as raster:
        raster.write(np.full((15, 40, 1), 2, "uint8"))
        raise KeyboardInterrupt


def test_an_interrupted_raster_leaves_the_old_one_and_nothing_else(tmp_path):
    path = constant(tmp_path / "a.tif", 1)
    old = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_half(path)
    assert names(tmp_path) == ["a.tif"]
    assert path.read_bytes() == old


def test_a_raster_appears_only_when_it_is_complete(tmp_path):
    path, grid = tmp_path / "a.tif", testing.small_grid(30, 40)
    with create_raster(path, grid, channels=1, dtype="uint8") as raster:
        raster.write(np.full((30, 40, 1), 2, "uint8"))
        assert not path.exists()
    assert names(tmp_path) == ["a.tif"]


def test_the_error_names_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "maps").write_text("")
    with pytest.raises(OSError, match=r"maps' is not a folder\. Choose"):
        constant(tmp_path / "maps" / "a.tif", 1)


def test_a_raster_that_cannot_be_renamed_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(rasters.writing.Path, "replace", refuse)
    with pytest.raises(OSError, match=r"could not be written.*Read-only"):
        constant(tmp_path / "a.tif", 1)
    assert names(tmp_path) == []


def test_sidecar_files_of_the_old_raster_are_removed(tmp_path):
    constant(tmp_path / "a.tif", 1)
    for ending in (".aux.xml", ".ovr", ".msk"):
        (tmp_path / f"a.tif{ending}").write_text("old")
    constant(tmp_path / "a.tif", 2)
    assert names(tmp_path) == ["a.tif"]


# One process for all cases, since each start takes 0.4 s.
FULL_DISK = """
import json, resource, signal, sys
import numpy as np
from tutorial_lib import rasters, testing

path, cases = sys.argv[1], json.loads(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = np.random.default_rng(0).integers(0, 65536, (700, 900, 3)).astype("uint16")
grid = testing.small_grid(700, 900)
for part, limit in cases:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with rasters.create_raster(path, grid, channels=3, dtype="uint16") as raster:
            for row in range(0, 700, part):
                raster.write(noise[row : row + part], row)
    except OSError as err:
        print(err)
    else:
        print("written")
"""


def test_a_full_disk_is_an_error_and_leaves_the_old_raster(tmp_path):
    path = constant(tmp_path / "a.tif", 1)
    old = path.read_bytes()
    # The raster takes 3.8 MB: the disk is full at once, in the middle, near the end.
    limits = (0, 100, 100_000, 2_000_000, 3_700_000)
    cases = [(part, limit) for part in (700, 100) for limit in limits]
    command = [sys.executable, "-c", FULL_DISK, str(path), json.dumps(cases)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    errors = run.stdout.splitlines()
    assert len(errors) == len(cases)
    for case, error in zip(cases, errors, strict=True):
        assert "a.tif' could not be written" in error, case
        assert "disk has space" in error, case
    assert names(tmp_path) == ["a.tif"]
    assert path.read_bytes() == old
