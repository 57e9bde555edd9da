"""What can be written into a raster, and what is refused before anything is written."""

import numpy as np
import pytest
import rasterio
import scenes
from odc.geo.geobox import GeoBox
from rasterio.enums import MaskFlags

from tutorial_lib import rasters, testing
from tutorial_lib.rasters import (
    Legend,
    create_raster,
    read_array,
    read_legend,
    read_nodata,
    to_type,
    write_array,
)

GRID = testing.small_grid(6, 9)
ONES = np.ones((6, 9, 2), "uint8")
LEGEND = testing.SMALL_LEGEND

CREATE = {"grid": GRID, "channels": 2, "dtype": "uint8"}


def created(path, **changes):
    """Create a raster of ones, with some arguments changed."""
    options = CREATE | changes
    grid = options.pop("grid")
    with create_raster(path, grid, **options) as raster:
        raster.write(np.ones((6, 9, options["channels"]), "uint8"))


# Argument, wrong value, kind of error, part of the sentence.
WRONG = [
    ("grid", None, TypeError, "`grid` is None. Give a grid"),
    ("grid", (6, 9), TypeError, r"`grid` is \(6, 9\)"),
    ("grid", "a.tif", TypeError, "`grid` is 'a.tif'"),
    ("grid", GeoBox((0, 9), GRID.transform, GRID.crs), ValueError, "0x9 px.*1x1"),
    ("channels", 0, ValueError, "`channels` is 0. Give a whole number from 1"),
    ("channels", 1.5, ValueError, "`channels` is 1.5"),
    ("channels", "2", TypeError, "`channels` is '2'"),
    ("channels", True, TypeError, "`channels` is True"),
    ("dtype", "uint99", ValueError, "`dtype` is 'uint99'. Give one of 'uint8'"),
    ("dtype", "", ValueError, "`dtype` is ''"),
    ("dtype", None, TypeError, "`dtype` is None"),
    ("dtype", 8, TypeError, "`dtype` is 8. Give the name of a type"),
    ("dtype", "complex64", ValueError, "'complex64'. Give one of"),
    ("dtype", np.dtype("datetime64[s]"), ValueError, "Give one of"),
    ("dtype", object, ValueError, "'object'. Give one of"),
    ("nodata", "0", TypeError, "`nodata` is '0'. Give a number"),
    ("nodata", True, TypeError, "`nodata` is True"),
    ("nodata", 256, ValueError, "`nodata` is 256, which uint8 cannot hold.*0 to 255"),
    ("nodata", -9999, ValueError, "which uint8 cannot hold"),
    ("nodata", 0.5, ValueError, "which uint8 cannot hold"),
    ("nodata", float("nan"), ValueError, "which uint8 cannot hold"),
    ("legend", ("water", "forest"), TypeError, "Give a legend, `Legend"),
    ("legend", {"water": "#000000"}, TypeError, "Give a legend"),
    ("tags", "MODEL=a", TypeError, "`tags` is 'MODEL=a'. Give a dictionary"),
    ("tags", {"MODEL": 3}, TypeError, r"tags\['MODEL'\]` is 3. Give a text"),
    ("tags", {3: "a"}, TypeError, "Give a dictionary"),
    ("tags", {"A=B": "c"}, ValueError, "'A=B' cannot be the name of a tag"),
    ("tags", {"": "c"}, ValueError, "'' cannot be the name"),
    ("tags", {"ns": "c"}, ValueError, "'ns' cannot be the name"),
    ("tags", {"A": "b\0c"}, ValueError, "tag 'A' holds a character"),
    ("descriptions", "ab", TypeError, "`descriptions` is 'ab'. Give a list of texts"),
    ("compress", "lzw", ValueError, "`compress` is 'lzw'. Give one of 'deflate', 'zs"),
    ("compress", None, ValueError, "`compress` is None"),
    ("block", 15, ValueError, "`block` is 15. Give a whole number from 16 to 1024"),
    ("block", 1040, ValueError, "`block` is 1040"),
    ("block", 100, ValueError, "`block` is 100, and .* multiples of 16.*example 96"),
    ("block", 64.0, ValueError, "`block` is 64.0. Give a whole number"),
    ("block", "64", TypeError, "`block` is '64'"),
    ("descriptions", ("B4",), ValueError, "1 description for 2 bands"),
    ("descriptions", ("a", "b", "c"), ValueError, "3 descriptions for 2 bands"),
    ("descriptions", (4, 8), TypeError, "`descriptions` is 4. Give a text"),
]


@pytest.mark.parametrize(("name", "value", "kind", "message"), WRONG)
def test_a_wrong_argument_is_refused_before_anything_is_written(
    tmp_path, name, value, kind, message
):
    with pytest.raises(kind, match=message):
        created(tmp_path / "new" / "a.tif", **{name: value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, b"a.tif", 3])
def test_what_is_no_path_cannot_be_written(path):
    with pytest.raises(TypeError, match="Give the path of a file"):
        created(path)


@pytest.mark.parametrize(
    ("array", "kind", "message"),
    [
        (None, TypeError, "`array` is None. Give an array"),
        ([[[1]]], TypeError, "Give an array"),
        (np.ones((6, 9)), ValueError, "newaxis"),
        (np.ones((6, 9, 1, 1)), ValueError, r"\(6, 9, 1, 1\)"),
        (np.ones((0, 9, 1)), ValueError, r"shape \(0, 9, 1\), so it holds no pixels"),
        (np.ones((6, 9, 0)), ValueError, r"shape \(6, 9, 0\), so it holds no pixels"),
        (np.ones((6, 9, 1), complex), TypeError, "complex128.*np.abs"),
        (np.full((6, 9, 1), "a"), TypeError, "real numbers"),
        (np.ones((6, 9, 1), object), TypeError, "`array` holds object"),
        (np.ma.masked_equal(ONES, 1), TypeError, "masked array.*filled"),
    ],
)
def test_an_array_that_a_file_cannot_hold_is_refused(tmp_path, array, kind, message):
    with pytest.raises(kind, match=message):
        write_array(tmp_path / "a.tif", array, GRID)
    with (
        pytest.raises(kind, match=message),
        create_raster(tmp_path / "a.tif", **CREATE) as raster,
    ):
        raster.write(array)
    assert list(tmp_path.iterdir()) == []


def test_true_and_false_are_written_as_1_and_0(tmp_path):
    array = scenes.image(6, 9, 2, largest=2, dtype=bool)
    read = read_array(write_array(tmp_path / "a.tif", array, GRID))
    assert read.dtype == "uint8"
    np.testing.assert_array_equal(read, array)
    half = np.array([0.1, 65504, np.nan] * 18, "float16").reshape(6, 9, 1)
    read = read_array(write_array(tmp_path / "b.tif", half, GRID))
    np.testing.assert_array_equal(read, half.astype("float32"))


@pytest.mark.parametrize("dtype", ["uint8", np.uint8, np.dtype(">u1"), "u1"])
@pytest.mark.parametrize("channels", [2, np.int64(2)])
def test_types_and_numbers_may_be_those_of_numpy(tmp_path, dtype, channels):
    created(tmp_path / "a.tif", dtype=dtype, channels=channels, nodata=np.float64(9))
    assert read_array(tmp_path / "a.tif").dtype == "uint8"
    assert read_nodata(tmp_path / "a.tif") == 9


@pytest.mark.parametrize(
    ("given", "dtype", "value"),
    [
        ("float32", "uint8", np.nan),
        ("float32", "int32", np.inf),
        ("float64", "uint8", 2.5),
        ("float64", "float32", 1e300),
        ("int64", "uint8", 256),
        ("int64", "uint64", -1),
        ("uint64", "int64", 2**63),
        ("int64", "float32", 16_777_217),
        ("int8", "uint16", -1),
    ],
)
def test_values_that_would_change_are_refused_with_the_cure(
    tmp_path, given, dtype, value
):
    array = np.ones((6, 9, 1), given)
    with create_raster(tmp_path / "a.tif", GRID, channels=1, dtype=dtype) as raster:
        raster.write(array)
        array[3, 4] = value
        with pytest.raises(ValueError, match=rf"of {given} cannot .*to_type.*{dtype}"):
            raster.write(array)
    assert (read_array(tmp_path / "a.tif") == 1).all()


def test_floats_may_lose_digits(tmp_path):
    array = np.linspace(0, 1, 54).reshape(6, 9, 1)
    with create_raster(tmp_path / "a.tif", GRID, channels=1, dtype="float32") as raster:
        raster.write(array)
    np.testing.assert_array_equal(read_array(tmp_path / "a.tif"), array.astype("f4"))


# Layout


@pytest.mark.parametrize("compress", ["deflate", "zstd"])
@pytest.mark.parametrize(
    ("dtype", "predictor"),
    [("uint8", None), ("uint16", "2"), ("int32", "2"), ("float64", "3")],
)
def test_every_compression_gives_the_pixels_back(tmp_path, compress, dtype, predictor):
    array = scenes.image(301, 277, 2, largest=250).astype(dtype)
    path = write_array(
        tmp_path / "a.tif", array, testing.small_grid(301, 277), compress=compress
    )
    np.testing.assert_array_equal(read_array(path), array)
    with rasterio.open(path) as dataset:
        assert dataset.compression.value.lower() == compress
        assert dataset.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") == predictor


def test_zstd_is_refused_where_gdal_was_built_without_it(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters.profiles, "_gdal_has_zstd", lambda: False)
    with pytest.raises(ValueError, match=r"built without it\. Give 'deflate'"):
        created(tmp_path / "a.tif", compress="zstd")
    created(tmp_path / "b.tif", compress="deflate")
    assert [path.name for path in tmp_path.iterdir()] == ["b.tif"]


@pytest.mark.parametrize(
    ("shape", "block", "expected"),
    [
        ((300, 700), None, (256, 256)),
        ((300, 700), 64, (64, 64)),
        ((1024, 1100), 1024, (1024, 1024)),
        ((520, 700), 512, (512, 512)),
        # Wider than the raster.
        ((300, 700), 512, (256, 256)),
    ],
)
def test_blocks_have_the_given_side(tmp_path, shape, block, expected):
    path, grid = tmp_path / "a.tif", testing.small_grid(*shape)
    with create_raster(path, grid, channels=1, dtype="uint8", block=block) as raster:
        assert raster.block_shape == expected
    with rasterio.open(path) as dataset:
        assert dataset.block_shapes == [expected]


@pytest.mark.parametrize("block", [None, 16, 64, 512])
def test_narrow_rasters_have_strips_whatever_the_blocks(tmp_path, block):
    path, grid = tmp_path / "a.tif", testing.small_grid(700, 64)
    with create_raster(path, grid, channels=1, dtype="uint8", block=block) as raster:
        rows, cols = raster.block_shape
    assert cols == 64
    with rasterio.open(path) as dataset:
        assert not dataset.profile["tiled"]
        assert dataset.block_shapes == [(rows, 64)]


class StopError(Exception):
    """Raised to end a file that would take long to write."""


@pytest.mark.parametrize(
    ("side", "channels", "version"),
    # A Sentinel-2 tile of six floats takes 2.9 GB, which may compress to 2 GB or not.
    [(10_980, 6, 43), (10_980, 20, 43), (10_980, 1, 42)],
)
@pytest.mark.parametrize("cog", [False, True])
def test_files_that_may_grow_beyond_4_gb_are_bigtiffs(
    tmp_path, side, channels, version, cog
):
    grid = testing.small_grid(side, side)
    options = {"channels": channels, "dtype": "float32", "cog": cog}

    def begin():
        with create_raster(tmp_path / "a.tif", grid, **options) as raster:
            raster.write(np.ones((256, 256, channels), "float32"))
            (part,) = (p for p in tmp_path.rglob("*.tif") if p.stat().st_size)
            found.append(part.read_bytes()[2])
            raise StopError

    found = []
    with pytest.raises(StopError):
        begin()
    assert found == [version]
    assert list(tmp_path.iterdir()) == []


# No-data tags


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("uint8", 0), ("int8", -128), ("int16", -9999), ("uint16", 65535.0),
        ("int32", -(2**31)), ("uint32", 2**32 - 1), ("int64", -(2**53)),
        ("uint64", 2**53), ("float32", 3.4e38), ("float32", -9999), ("float32", 0.1),
        ("float32", np.float32(1e-40)), ("float64", -1.7976931348623157e308),
        ("float64", 1e-300), ("float32", float("nan")), ("float64", np.inf),
    ],
)  # fmt: skip
def test_the_written_tag_marks_the_pixels_that_hold_it(tmp_path, dtype, nodata):
    array = np.full((6, 9, 1), 7, dtype)
    array[2:4, 3:8] = np.array(nodata).astype(dtype)
    path = write_array(tmp_path / "a.tif", array, GRID, nodata=nodata)
    with rasters.open_source(rasters.Source(path)) as reader:
        empty = reader.read_block(0, 0, 6, 9).empty
    assert empty.sum() == 10
    assert empty[2:4, 3:8].all()
    with rasterio.open(path) as dataset:
        assert dataset.mask_flag_enums == ([MaskFlags.nodata],)


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("float32", 1e-300), ("float32", 1e300), ("int64", 2**53 + 1), ("uint64", -1)],
)
def test_a_tag_that_rasterio_would_change_is_refused(tmp_path, dtype, nodata):
    with pytest.raises(ValueError, match=f"which {dtype} cannot hold"):
        write_array(tmp_path / "a.tif", np.ones((6, 9, 1), dtype), GRID, nodata=nodata)


# Legends


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        (None, "uint8"),
        ((10, 20, 30), "uint8"),
        ((0, 254, 255), "uint8"),
        ((1, 2, 5), "uint16"),
        ((7, 256, 65535), "uint16"),
    ],
)
def test_a_legend_comes_back_as_it_was_written(tmp_path, classes, dtype):
    legend = Legend(("eau", "forêt 2", "a=b; <c>"), ("#7FBCFC", "#106b00", "#000000"),
                    classes)  # fmt: skip
    path = scenes.constant(tmp_path / "a.tif", 2, dtype=dtype, legend=legend)
    assert read_legend(path) == legend
    assert read_legend(path).classes == tuple(classes or (0, 1, 2))
    with rasterio.open(path) as dataset:
        for number, rgb in zip(legend.classes, legend.rgb, strict=True):
            assert dataset.tags(1)[f"CLASS_{number}"]
            if number < 256:
                assert dataset.colormap(1)[number] == (*rgb, 255)


def test_classes_are_sorted_with_their_names_and_colors():
    legend = Legend(["b", "a"], ["#bbbbbb", "#aaaaaa"], [np.int64(20), 10])
    assert legend == Legend(("a", "b"), ("#aaaaaa", "#bbbbbb"), (10, 20))
    assert legend.rgb == ((170,) * 3, (187,) * 3)


def test_many_classes_are_kept(tmp_path):
    names = tuple(f"class {i}" for i in range(700))
    legend = Legend(names, tuple(f"#{i * 20000:06x}" for i in range(700)))
    path = scenes.constant(tmp_path / "a.tif", 2, dtype="uint16", legend=legend)
    assert read_legend(path) == legend
    with pytest.raises(ValueError, match="class 699, which uint8 cannot hold"):
        scenes.constant(tmp_path / "b.tif", 2, legend=legend)


TWO = ("#000000", "#ffffff")


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("ab", TWO), TypeError, "`names` is 'ab'. Give a list of texts"),
        ((("a", 3), TWO), TypeError, "`names` is 3. Give a text"),
        ((("a", None), TWO), TypeError, "`names` is None. Give a text"),
        (({"a": 1, "b": 2}, TWO), TypeError, "Give a list of texts"),
        (((), ()), ValueError, "Give a list of at least one"),
        ((("a", "a"), TWO), ValueError, "the name 'a' twice"),
        ((("a", " "), TWO), ValueError, "name ' ' .* is empty"),
        ((("a", "b\nc"), TWO), ValueError, "cannot be shown"),
        ((("a", "b"), ("#000000",)), ValueError, "2 names and 1 colour"),
        ((("a", "b"), ("#000000", 3)), TypeError, "`colors` is 3"),
        ((("a", "b"), ("#000000", "red")), ValueError, "'red'.*'#rrggbb'"),
        ((("a", "b"), TWO, (1,)), ValueError, "2 names and 1 class number"),
        ((("a", "b"), TWO, (1, 1)), ValueError, "the class number 1 twice"),
        ((("a", "b"), TWO, (-1, 1)), ValueError, "`classes` is -1"),
        ((("a", "b"), TWO, (1, 65536)), ValueError, "`classes` is 65536"),
        ((("a", "b"), TWO, (1, 2.5)), ValueError, "`classes` is 2.5"),
        ((("a", "b"), TWO, "12"), TypeError, "`classes` is '12'"),
    ],
)
def test_a_wrong_legend_is_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        Legend(*arguments)


def with_tags(path, tags, *, dtype="uint8", colors=None):
    scenes.constant(path, 2, dtype=dtype)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(1, **tags)
        if colors:
            dataset.write_colormap(1, colors)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_names_without_a_color_table_get_distinct_colors(tmp_path, dtype):
    tags = {f"CLASS_{n}": f"name {n}" for n in (*range(12), 40)}
    legend = read_legend(with_tags(tmp_path / "a.tif", tags, dtype=dtype))
    assert legend.names[-1] == "name 40"
    assert legend.classes == (*range(12), 40)
    distances = [
        sum(abs(a - b) for a, b in zip(one, other, strict=True))
        for i, one in enumerate(legend.rgb)
        for other in legend.rgb[:i]
    ]
    assert min(distances) > 40


def test_tags_with_gaps_are_read_by_their_numbers(tmp_path):
    tags = {"CLASS_20": "b", "CLASS_10": "a", "CLASS_NAMES": "a,b", "CLASS_": "c"}
    tags |= {"CLASS_70000": "d", "CLASS_010": "e", "CLASS_-1": "f"}
    colors = {10: (1, 2, 3, 255), 20: (4, 5, 6, 255)}
    legend = read_legend(with_tags(tmp_path / "a.tif", tags, colors=colors))
    assert legend == Legend(("a", "b"), ("#010203", "#040506"), (10, 20))


def test_odd_tags_of_others_still_give_a_legend(tmp_path):
    tags = {"CLASS_0": "other", "CLASS_1": "other", "CLASS_2": "two\nlines"}
    legend = read_legend(with_tags(tmp_path / "a.tif", tags))
    assert legend.names == ("other (0)", "other (1)", "two lines")


# Conversion


@pytest.mark.parametrize(
    ("values", "given", "dtype", "expected"),
    [
        ([1e30, -1e30, np.nan, 2.5], "float32", "int64", [2**63 - 1, -(2**63), 7, 2]),
        ([1e30, -5, np.inf], "float64", "uint64", [2**64 - 1, 0, 2**64 - 1]),
        ([True, False], "bool", "uint8", [1, 0]),
        ([-1, 100], "int8", "uint8", [0, 100]),
        ([255, 100], "uint8", "int8", [127, 100]),
    ],
)
def test_values_are_clamped_in_every_type(values, given, dtype, expected):
    assert to_type(np.array(values, given), dtype, nan=7).tolist() == expected


@pytest.mark.parametrize(
    ("values", "dtype", "nan", "kind", "message"),
    [
        (np.ones(3, complex), "uint8", 0, TypeError, "complex128.*np.abs"),
        ("abc", "uint8", 0, TypeError, "`values` is 'abc'"),
        (np.ma.ones(3), "uint8", 0, TypeError, "masked array"),
        (np.ones(3), "uint99", 0, ValueError, "'uint99'. Give one of"),
        (np.ones(3), "uint8", np.nan, ValueError, "`nan` is nan, which uint8"),
        (np.ones(3), "uint8", 300, ValueError, "`nan` is 300, which uint8"),
        (np.ones(3), "uint8", None, TypeError, "`nan` is None"),
    ],
)
def test_a_conversion_that_cannot_be_done_is_refused(values, dtype, nan, kind, message):
    with pytest.raises(kind, match=message):
        to_type(values, dtype, nan=nan)


@pytest.mark.parametrize("name", [None, 3, b"a"])
def test_a_file_name_is_a_text(name):
    with pytest.raises(TypeError, match=r"`name` is .*Give a text"):
        rasters.check_file_name(name)


# Sources


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"path": None}, TypeError, "A source is None. Give the path"),
        ({"path": {"input": "a.tif"}}, TypeError, "Give the path of a raster"),
        ({"path": ONES}, TypeError, r"array of shape \(6, 9, 2\). Give the path"),
        ({"path": []}, ValueError, "list of paths is empty"),
        ({"path": ["a.tif", 3]}, TypeError, "`path` is 3. Give the path"),
        ({"path": ""}, ValueError, "`path` is ''"),
        ({"receptive_field": (16, 16)}, TypeError, r"`receptive_field` is \(16, 16\)"),
        ({"receptive_field": 0}, ValueError, "`receptive_field` is 0"),
        ({"receptive_field": 2.5}, ValueError, "`receptive_field` is 2.5"),
        ({"receptive_field": "16"}, TypeError, "`receptive_field` is '16'"),
        ({"nodata": "0"}, TypeError, "`nodata` is '0'"),
        ({"nodata": True}, TypeError, "`nodata` is True"),
        ({"nodata": (0, 0)}, TypeError, r"`nodata` is \(0, 0\)"),
        ({"bands": "12"}, TypeError, "`bands` is '12'"),
        ({"bands": (1, 2.5)}, ValueError, "`bands` is 2.5"),
        ({"bands": {1: 2}}, TypeError, "`bands` is {1: 2}"),
        ({"scaled": 1}, TypeError, "`scaled` is 1. Give True or False"),
        ({"scaled": "no"}, TypeError, "`scaled` is 'no'"),
    ],
)
def test_a_wrong_source_is_refused_when_it_is_declared(options, kind, message):
    with pytest.raises(kind, match=message):
        rasters.Source(**({"path": "a.tif"} | options))


def test_one_band_may_be_a_number(tmp_path):
    path = scenes.coordinates(tmp_path / "a.tif", 30, 40, channels=3)
    for bands in (2, np.int64(2), [2], (2,), np.array([2]), range(2, 3)):
        assert read_array(path, bands=bands)[7, 11].tolist() == [11]
    assert rasters.Source(path, receptive_field=np.int64(16)).receptive_field == 16
    for band in (0, 4, -1):
        with pytest.raises(ValueError, match=f"Band {band} .*from 1 to 3"):
            read_array(path, bands=band)


@pytest.mark.parametrize("name", ["map.png", "map", "map.tif.gz", "map.jp2"])
def test_a_geotiff_has_its_own_ending(tmp_path, name):
    """A GeoTIFF named .png would be taken for a picture."""
    with pytest.raises(ValueError, match=r"does not end in \.tif.*such as 'map"):
        rasters.write_array(
            tmp_path / name, np.ones((3, 5, 1)), testing.small_grid(3, 5)
        )
    assert list(tmp_path.iterdir()) == []
    for name in ("a.tif", "b.TIF", "c.tiff"):
        rasters.write_array(
            tmp_path / name, np.ones((3, 5, 1)), testing.small_grid(3, 5)
        )
