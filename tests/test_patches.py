"""Positions and patches: the pixels of patches, and the positions that are refused."""

import tracemalloc

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp
from scenes import LEFT, TOP, coordinates, places, write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.grids import GridMismatchError
from tutorial_lib.patches import extraction
from tutorial_lib.rasters import Source, read_array

UTM = CRS("EPSG:32631")


@pytest.fixture
def three(tmp_path):
    """Coordinate rasters at 5, 10 and 20 m; the 20 m one has another corner."""
    corner = (LEFT + 70, TOP - 50)
    return {
        "ten": coordinates(tmp_path / "10.tif", 60, 80),
        "five": coordinates(tmp_path / "5.tif", 120, 160, spacing=5, channels=3),
        "twenty": coordinates(tmp_path / "20.tif", 28, 36, spacing=20, corner=corner),
    }


def cut_by_hand(array, grid, x, y, size):
    """The patch by the definition, or None where it leaves the raster."""
    col = int(np.floor((x - grid.transform.c) / grid.transform.a)) - size // 2
    row = int(np.floor((y - grid.transform.f) / grid.transform.e)) - size // 2
    inside = 0 <= row <= grid.height - size and 0 <= col <= grid.width - size
    return array[row : row + size, col : col + size] if inside else None


# Pixels of patches


@pytest.mark.parametrize(
    "sizes",
    [
        {"ten": 16, "five": 32, "twenty": 8},
        {"ten": 5, "five": 1, "twenty": 3},
        {"ten": 1, "five": 2, "twenty": 12},
    ],
)
def test_patches_of_three_resolutions_are_those_cut_by_hand(three, sizes):
    rng = np.random.default_rng(0)
    columns, rows = rng.uniform(-2, 82, 300), rng.uniform(-2, 62, 300)
    positions = places(np.round(columns, 3), np.round(rows, 3))
    result = tl.extract_patches(three, positions, sizes=sizes)
    opened = {name: (read_array(p), tl.read_grid(p)) for name, p in three.items()}
    by_hand = [
        {name: cut_by_hand(*opened[name], x, y, sizes[name]) for name in three}
        for x, y in zip(positions.x, positions.y, strict=True)
    ]
    kept = [
        i for i, cut in enumerate(by_hand) if all(p is not None for p in cut.values())
    ]
    assert 90 < len(kept) < 250
    assert result.arrays["labels"].ravel().tolist() == kept
    for name in three:
        expected = np.stack([by_hand[i][name] for i in kept])
        assert np.array_equal(result.arrays[name], expected)
    assert sorted(kept + [r.index for r in result.rejected]) == list(range(300))


@given(data=st.data(), size=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_patches_of_long_rasters_do_not_depend_on_the_strips(data, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "STRIP_ROWS", data.draw(st.integers(1, 40)))
        path = testing.small_scene()["input_10m"]
        rows = data.draw(st.lists(st.integers(10, 109), min_size=1, max_size=20))
        positions = places([r + 1.5 for r in rows], [r + 0.5 for r in rows], rows)
        result = tl.extract_patches({"a": path}, positions, sizes={"a": size})
    whole = read_array(path)
    for row, patch in zip(rows, result.arrays["a"], strict=True):
        first, left = row - size // 2, row + 1 - size // 2
        expected = whole[first : first + size, left : left + size]
        assert np.array_equal(patch, expected)


@pytest.mark.parametrize("column", range(20, 26))
def test_patches_of_two_resolutions_share_their_ground_at_even_pixels(tmp_path, column):
    # Each source rounds the position to its own grid: at odd columns the 20 m patch
    # lies one 10 m pixel to the left.
    sources = {
        "ten": coordinates(tmp_path / "10.tif", 60, 80),
        "twenty": coordinates(tmp_path / "20.tif", 30, 40, spacing=20),
    }
    positions = places([column + 0.5], [column + 3.5])
    result = tl.extract_patches(sources, positions, sizes={"ten": 16, "twenty": 8})
    ten, twenty = result.arrays["ten"][0], result.arrays["twenty"][0]
    assert (ten[0, 0, 1], ten[0, -1, 1]) == (column - 8, column + 7)
    assert twenty[0, :, 1].tolist() == list(range(column // 2 - 4, column // 2 + 4))
    assert ten[0, 0, 1] - 2 * twenty[0, 0, 1] == column % 2
    assert ten[0, 0, 0] - 2 * twenty[0, 0, 0] == (column + 3) % 2


@pytest.mark.parametrize("spacing", [0.1, 1 / 12000, 1 / 3])
def test_rounded_spacings_give_the_drawn_pixels(tmp_path, spacing):
    transform = Affine(spacing, 0, 139.1, 0, -spacing, 35.3)
    grid = GeoBox((20, 30), transform, "EPSG:4326")
    path = testing.coordinate_raster(tmp_path / "a.tif", grid)
    labels = write(tmp_path / "labels.tif", np.ones((20, 30), "uint8"), grid)
    positions = tl.select_positions(labels, strategy="all")
    result = tl.extract_patches({"a": path}, positions, sizes={"a": 1})
    pixels = result.arrays["a"].reshape(20, 30, 2)
    assert np.array_equal(pixels, read_array(path))


# Refused positions


def test_a_patch_of_16_pixels_needs_8_pixels_before_and_after(tmp_path):
    path = coordinates(tmp_path / "a.tif", 40, 50)
    # Positions from 8 to n - 8 have a whole patch.
    positions = places(
        [7.9, 8, 42.9, 43, 25, 25, 25, 25], [20, 20, 20, 20, 7.9, 8, 32.9, 33]
    )
    result = tl.extract_patches({"a": path}, positions, sizes={"a": 16})
    assert result.arrays["labels"].ravel().tolist() == [1, 2, 5, 6]
    assert {(r.index, r.reason, r.source) for r in result.rejected} == {
        (i, "outside", "a") for i in (0, 3, 4, 7)
    }


def test_a_nodata_value_in_one_band_refuses_the_position_in_all_sources(tmp_path):
    fine = np.ones((60, 80, 4), "uint16")
    coarse = np.ones((30, 40, 6), "uint16")
    fine[0, 0] = 0
    coarse[10, 12, 5] = 0
    sources = {
        "ten": write(tmp_path / "10.tif", fine, nodata=0),
        "twenty": write(tmp_path / "20.tif", coarse, spacing=20, nodata=0),
    }
    # 20 m patches of 8 px: 12 - 3 … 12 + 4 touch column 12.
    columns = np.array([8, 9, 12, 16, 17, 30])
    positions = places(columns * 2 + 0.5, np.full(6, 20.5))
    result = tl.extract_patches(sources, positions, sizes={"ten": 16, "twenty": 8})
    assert result.arrays["labels"].ravel().tolist() == [0, 4, 5]
    assert {len(array) for array in result.arrays.values()} == {3}
    assert result.rejected == [
        (i, i, positions.x[i], positions.y[i], "no-data", "twenty") for i in (1, 2, 3)
    ]
    assert "3 no-data in 'twenty'" in repr(result)
    alone = tl.extract_patches({"ten": sources["ten"]}, positions, sizes={"ten": 16})
    assert alone.count == 6


@pytest.mark.parametrize("nodata", [float("nan"), -9999.0, 3.5])
def test_the_nodata_value_can_be_given_and_can_be_nan(tmp_path, nodata):
    array = np.ones((20, 30, 2), "float32")
    array[10, 10, 1] = nodata
    path = write(tmp_path / "a.tif", array)
    source = Source(path, nodata=nodata)
    positions = places([10.5, 13.5], [10.5, 10.5])
    result = tl.extract_patches({"a": source}, positions, sizes={"a": 3})
    assert [r.reason for r in result.rejected] == ["no-data"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("nodata", [None, -9999.0])
def test_a_value_that_is_not_finite_refuses_the_position(tmp_path, value, nodata):
    array = np.ones((20, 30, 3), "float32")
    array[10, 10, 1] = value
    path = write(tmp_path / "a.tif", array, nodata=nodata)
    positions = places([10.5, 11.5, 12.5], [10.5, 10.5, 10.5])
    result = tl.extract_patches({"a": path}, positions, sizes={"a": 3})
    assert [(r.index, r.reason) for r in result.rejected] == [
        (0, "no-data"),
        (1, "no-data"),
    ]
    assert np.isfinite(result.arrays["a"]).all()


def masked(path, array, how):
    """Write a raster whose pixel (10, 10) has no data, as a mask says."""
    mask = np.full(array.shape[:2], 255, "uint8")
    mask[10, 10] = 0
    profile = {"driver": "GTiff", "crs": "EPSG:32631", "dtype": array.dtype}
    profile |= {"height": array.shape[0], "width": array.shape[1]}
    profile |= {"transform": testing.small_grid(20, 30).transform}
    bands = np.moveaxis(array, -1, 0)
    if how == "alpha":
        bands = np.concatenate([bands, mask[np.newaxis].astype(array.dtype)])
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "internal"),
        rasterio.open(path, "w", count=len(bands), **profile) as dataset,
    ):
        dataset.write(bands)
        if how == "alpha":
            dataset.colorinterp = [*dataset.colorinterp[:-1], ColorInterp.alpha]
        else:
            dataset.write_mask(mask)
    assert path.with_name("a.tif.msk").exists() == (how == "sidecar")
    return path


@pytest.mark.parametrize("how", ["internal", "sidecar", "alpha"])
def test_a_masked_pixel_refuses_the_position(tmp_path, how):
    path = masked(tmp_path / "a.tif", np.ones((20, 30, 3), "uint8"), how)
    source = Source(path, bands=[1, 2, 3])
    positions = places([9.5, 12.5], [9.5, 10.5])
    result = tl.extract_patches({"a": source}, positions, sizes={"a": 3})
    assert [(r.index, r.reason) for r in result.rejected] == [(0, "no-data")]


def test_each_band_has_its_own_nodata_value(tmp_path):
    array = np.full((20, 30, 2), 5, "uint8")
    array[3, 3] = (7, 5)
    array[10, 10] = (5, 9)
    array[15, 15] = (9, 7)
    bands = [
        write(tmp_path / f"{i}.tif", array[..., i], nodata=(7, 9)[i]) for i in (0, 1)
    ]
    positions = places([3.5, 10.5, 15.5], [3.5, 10.5, 15.5])
    result = tl.extract_patches({"a": bands}, positions, sizes={"a": 1})
    assert [r.index for r in result.rejected] == [0, 1]


def test_a_nodata_value_is_compared_in_the_type_of_the_raster(tmp_path):
    array = np.ones((20, 30, 1), "float32")
    array[10, 10] = np.float32(-3.4e38)
    path = write(tmp_path / "a.tif", array)
    positions = places([10.5, 3.5], [10.5, 3.5])
    for nodata in (-3.4e38, np.float64(-3.4e38)):
        source = Source(path, nodata=nodata)
        result = tl.extract_patches({"a": source}, positions, sizes={"a": 1})
        assert [r.index for r in result.rejected] == [0]


def test_nodata_in_an_unused_band_is_ignored(tmp_path):
    array = np.ones((20, 30, 2), "uint8")
    array[..., 1] = 0
    path = write(tmp_path / "a.tif", array, nodata=0)
    source = Source(path, bands=[1])
    result = tl.extract_patches({"a": source}, places([9], [9]), sizes={"a": 3})
    assert result.arrays["a"].shape == (1, 3, 3, 1)


def test_the_error_counts_the_causes_if_all_positions_are_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 40, 50, nodata=20)
    positions = places([1, 49, 20.5], [20, 20, 20.5])
    with pytest.raises(ValueError, match="2 outside in 'a', 1 no-data"):
        tl.extract_patches({"a": path}, positions, sizes={"a": 16})


def test_a_position_without_coordinates_in_the_crs_is_outside(tmp_path):
    path = coordinates(tmp_path / "a.tif", 40, 50)
    positions = places([np.inf, 20, 20], [20, -np.inf, 20])
    result = tl.extract_patches({"a": path}, positions, sizes={"a": 3})
    assert [(r.index, r.reason) for r in result.rejected] == [
        (0, "outside"),
        (1, "outside"),
    ]


# CRS


def test_positions_in_another_crs_are_reprojected_with_a_warning(tmp_path):
    path = coordinates(tmp_path / "a.tif", 60, 80)
    positions = places([20.5, 33.3, 70.2], [20.5, 41.7, 8.8])
    elsewhere = positions.to_crs(CRS("EPSG:4326"))
    assert abs(elsewhere.x - 3).max() < 0.1
    expected = tl.extract_patches({"a": path}, positions, sizes={"a": 5})
    with pytest.warns(UserWarning, match="in EPSG:4326 and the sources in EPSG:32631"):
        result = tl.extract_patches({"a": path}, elsewhere, sizes={"a": 5})
    assert np.array_equal(result.arrays["a"], expected.arrays["a"])


def test_utm_points_in_a_geojson_in_degrees_are_outside(tmp_path):
    path = coordinates(tmp_path / "a.tif", 60, 80)
    vector = places([20.5], [20.5], crs=CRS("EPSG:4326")).to_file(
        tmp_path / "p.geojson"
    )
    with (
        pytest.warns(UserWarning, match="were reprojected"),
        pytest.raises(ValueError, match="1 outside in 'a'"),
    ):
        tl.extract_patches({"a": path}, vector, sizes={"a": 5})


def test_positions_without_crs_take_the_crs_of_the_sources(tmp_path):
    path = coordinates(tmp_path / "a.tif", 60, 80)
    with pytest.warns(UserWarning, match="CRS of the sources is assumed: EPSG:32631"):
        result = tl.extract_patches(
            {"a": path}, places([20.5], [20.5], crs=None), sizes={"a": 1}
        )
    assert result.arrays["a"].ravel().tolist() == [20, 20]


def test_sources_without_crs_take_the_crs_of_the_positions(tmp_path):
    bare = GeoBox((60, 80), testing.small_grid(60, 80).transform, None)
    path = testing.coordinate_raster(tmp_path / "a.tif", bare)
    with pytest.warns(UserWarning, match="CRS of the positions is assumed: EPSG:32631"):
        result = tl.extract_patches({"a": path}, places([20.5], [9.5]), sizes={"a": 1})
    assert result.arrays["a"].ravel().tolist() == [9, 20]


@pytest.mark.parametrize(
    "order", [("utm", "bare"), ("bare", "utm"), ("utm", "degrees")]
)
def test_sources_in_two_crs_are_refused_in_any_order(tmp_path, order):
    grid = testing.small_grid(60, 80)
    crs = {"utm": grid.crs, "bare": None, "degrees": "EPSG:4326"}
    sources = {
        name: testing.coordinate_raster(
            tmp_path / f"{name}.tif", GeoBox(grid.shape, grid.transform, crs[name])
        )
        for name in order
    }
    with pytest.raises(GridMismatchError, match=f"'{order[1]}' is in .*'{order[0]}'"):
        tl.extract_patches(sources, places([9], [9]), sizes=dict.fromkeys(order, 1))


def test_a_rotated_source_is_refused(tmp_path):
    transform = (
        Affine.translation(LEFT, TOP) @ Affine.rotation(20) @ Affine.scale(10, -10)
    )
    grid = GeoBox((60, 80), transform, UTM)
    path = testing.coordinate_raster(tmp_path / "a.tif", grid)
    with pytest.raises(GridMismatchError, match="'a' is rotated"):
        tl.extract_patches({"a": path}, places([9], [9]), sizes={"a": 1})


# Names, sizes, outputs


def test_a_label_raster_can_be_a_source_under_another_name_than_labels(tmp_path):
    scene = dict(testing.small_scene())
    positions = tl.select_positions(scene["labels"], count=20, margin=8)
    with pytest.raises(ValueError, match=r"'labels' is reserved.*'truth'"):
        tl.extract_patches(scene, positions, sizes=dict.fromkeys(scene, 4))
    scene["truth"] = Source(scene.pop("labels"), nodata=None)
    sizes = {"input_10m": 16, "input_20m": 8, "truth": 1}
    result = tl.extract_patches(scene, positions, sizes=sizes, out_dir=tmp_path)
    assert np.array_equal(result.arrays["truth"], result.arrays["labels"])
    assert result.arrays["truth"].dtype == "uint8"
    assert result.count == len(positions)


@pytest.mark.parametrize("sizes", [{"b": 3}, {}, {"a": 3, "b": 3}])
def test_sizes_must_name_each_source(tmp_path, sizes):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    with pytest.raises(ValueError, match=r"sources are \['a'\] .*size for each"):
        tl.extract_patches({"a": path}, places([9], [9]), sizes=sizes)


@pytest.mark.parametrize(
    ("size", "error"),
    [(0, ValueError), (-3, ValueError), (2.5, ValueError), ("16", TypeError)],
)
def test_a_size_that_is_not_a_number_of_pixels_is_refused(tmp_path, size, error):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    with pytest.raises(error, match=rf'`sizes\["a"\]` is {size!r}. Give a whole'):
        tl.extract_patches({"a": path}, places([9], [9]), sizes={"a": size})


def test_a_patches_image_holds_the_patches_in_rows(tmp_path, three):
    positions = places([30.5, 31.5, 50.5], [30.5, 22.5, 30.5], [5, 0, 3])
    sizes = {"ten": 4, "five": 8, "twenty": 2}
    result = tl.extract_patches(
        three, positions, sizes=sizes, out_dir=tmp_path / "out", prefix="a_"
    )
    assert set(result.paths) == {"ten", "five", "twenty", "labels"}
    assert result.paths["ten"] == tmp_path / "out" / "a_ten.tif"
    for name, path in result.paths.items():
        array = result.arrays[name]
        image = read_array(path)
        count, height, width, channels = array.shape
        assert image.shape == (count * height, width, channels)
        assert np.array_equal(image, array.reshape(image.shape))
        assert np.array_equal(tl.read_patches(path), array)
    assert read_array(result.paths["labels"]).ravel().tolist() == [5, 0, 3]


@pytest.mark.parametrize(("largest", "dtype"), [(255, "uint8"), (256, "uint16")])
def test_class_numbers_are_written_in_the_smallest_type(tmp_path, largest, dtype):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    positions = places([9, 12], [9, 9], [0, largest])
    result = tl.extract_patches(
        {"a": path}, positions, sizes={"a": 3}, out_dir=tmp_path / "out"
    )
    labels = tl.read_patches(result.paths["labels"])
    assert labels.dtype == dtype
    assert labels.ravel().tolist() == [0, largest]


def test_a_class_number_beyond_16_bits_is_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    positions = places([9, 12], [9, 9], [3, 65536])
    with pytest.raises(ValueError, match=r"65536.*0 to 65535"):
        tl.extract_patches({"a": path}, positions, sizes={"a": 3})


def test_a_vector_file_gives_the_patches_of_its_positions_in_its_order(tmp_path):
    path = coordinates(tmp_path / "a.tif", 60, 80)
    rng = np.random.default_rng(0)
    positions = places(rng.uniform(5, 70, 50), rng.uniform(5, 50, 50))
    expected = tl.extract_patches({"a": path}, positions, sizes={"a": 4})
    for ending in ("geojson", "gpkg"):
        vector = positions.to_file(tmp_path / f"p.{ending}")
        result = tl.extract_patches({"a": path}, vector, sizes={"a": 4})
        assert np.array_equal(result.arrays["a"], expected.arrays["a"])
        assert np.array_equal(result.arrays["labels"], expected.arrays["labels"])


# Memory


def test_the_whole_source_is_never_in_memory(tmp_path):
    rows = np.arange(2400, dtype="uint16")[:, np.newaxis, np.newaxis]
    array = np.broadcast_to(rows, (2400, 1000, 4))
    path = write(tmp_path / "a.tif", array)
    rng = np.random.default_rng(0)
    positions = places(*rng.uniform((9, 9), (990, 2390), (1000, 2)).T.round(3))
    tracemalloc.start()
    result = tl.extract_patches({"a": path}, positions, sizes={"a": 16})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.count == 1000
    patch_bytes = sum(array.nbytes for array in result.arrays.values())
    assert peak < array.nbytes / 2 + 3 * patch_bytes
    rows = np.floor((TOP - positions.y) / 10)
    assert np.array_equal(result.arrays["a"][:, 8, 8, 0], rows)


# The real OTBTF


@pytest.mark.reference
def test_patches_are_those_of_the_real_otbtf(reference_data):
    folder = reference_data / "otbtf_reference"
    result = tl.extract_patches(
        {"p16": folder / "inputs" / "s2_10m_nd.tif"},
        folder / "patches" / "points.geojson",
        sizes={"p16": 16},
    )
    expected = tl.read_patches(folder / "patches" / "p16.tif")
    labels = tl.read_patches(folder / "patches" / "l16.tif")
    assert result.arrays["p16"].dtype == expected.dtype
    assert np.array_equal(result.arrays["p16"], expected)
    assert np.array_equal(result.arrays["labels"], labels)


# Arguments


@pytest.fixture
def one(tmp_path):
    """Arguments of one extraction that works."""
    path = coordinates(tmp_path / "a.tif", 20, 30)
    return {"sources": {"a": path}, "positions": places([9], [9]), "sizes": {"a": 3}}


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"sources": None}, TypeError, "`sources`"),
        ({"sources": ["a.tif"]}, TypeError, "`sources`"),
        ({"sources": "a.tif"}, TypeError, "`sources`"),
        ({"sources": np.zeros((20, 30, 1))}, TypeError, "`sources`"),
        ({"sources": {5: "a.tif"}}, TypeError, "`sources`"),
        ({"sources": {"a": None}}, TypeError, "source is None"),
        ({"sources": {"a": np.zeros((20, 30, 1))}}, TypeError, "source is"),
        ({"sources": {"a": []}}, ValueError, "no raster"),
        ({"sources": {}, "sizes": {}}, ValueError, "sources are"),
        ({"positions": None}, TypeError, "`positions`"),
        ({"positions": [(1, 2)]}, TypeError, "`positions`"),
        ({"positions": np.zeros((3, 2))}, TypeError, "`positions`"),
        ({"positions": ""}, ValueError, "path"),
        ({"positions": places([], [])}, ValueError, "no positions"),
        ({"sizes": None}, TypeError, "`sizes`"),
        ({"sizes": [3]}, TypeError, "`sizes`"),
        ({"sizes": 2.5}, ValueError, "`sizes`"),
        ({"sizes": 0}, ValueError, "`sizes`"),
        ({"sizes": "3"}, TypeError, "`sizes`"),
        ({"sizes": {"a": (3, 3)}}, TypeError, r'`sizes\["a"\]`'),
        ({"sizes": {"a": True}}, TypeError, r'`sizes\["a"\]`'),
        ({"sizes": {"a": None}}, TypeError, r'`sizes\["a"\]`'),
        ({"prefix": None}, TypeError, "`prefix`"),
        ({"prefix": 5}, TypeError, "`prefix`"),
        ({"out_dir": 5}, TypeError, "`out_dir`"),
        ({"out_dir": ""}, ValueError, "`out_dir`"),
        ({"out_dir": ["a"]}, TypeError, "`out_dir`"),
        ({"out_dir": "/vsimem/a"}, ValueError, "not a folder of this machine"),
        ({"out_dir": "s3://bucket/a"}, ValueError, "not a folder of this machine"),
    ],
)
def test_wrong_arguments_are_named(one, options, error, name):
    with pytest.raises(error, match=rf"{name}.*(Give|Write)"):
        tl.extract_patches(**one | options)


def test_a_folder_that_is_a_file_is_refused_before_any_work(one, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "_cut", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"file' is not a folder"):
        tl.extract_patches(**one, out_dir=tmp_path / "file")
    (tmp_path / "out" / "a.tif").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"a.tif' is a folder"):
        tl.extract_patches(**one, out_dir=tmp_path / "out")


def test_one_size_is_enough_for_one_source_only(one, tmp_path):
    for size in (3, np.int64(3), np.uint8(3)):
        result = tl.extract_patches(**one | {"sizes": size})
        assert result.arrays["a"].shape == (1, 3, 3, 2)
    sources = one["sources"] | {
        "b": coordinates(tmp_path / "b.tif", 10, 15, spacing=20)
    }
    with pytest.raises(TypeError, match=r'`sizes` is 3.*{"a": 16, "b": 16}'):
        tl.extract_patches(**one | {"sources": sources, "sizes": 3})


def test_paths_as_text_are_accepted(one, tmp_path):
    vector = one["positions"].to_file(tmp_path / "p.gpkg")
    sources = {name: str(path) for name, path in one["sources"].items()}
    options = {
        "sources": sources,
        "positions": str(vector),
        "sizes": {"a": np.int64(3)},
    }
    result = tl.extract_patches(**options, out_dir=str(tmp_path / "out"))
    assert result.count == 1


def test_complex_pixels_are_refused_in_one_sentence(tmp_path):
    array = np.ones((20, 30, 1), "complex64")
    profile = {"driver": "GTiff", "height": 20, "width": 30, "count": 1}
    profile |= {"crs": "EPSG:32631", "transform": testing.small_grid(20, 30).transform}
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", dtype="complex64", **profile) as dataset:
        dataset.write(array[..., 0], 1)
    with pytest.raises(TypeError, match="complex"):
        tl.extract_patches({"a": path}, places([9], [9]), sizes=3)
    with pytest.raises(TypeError, match="complex"):
        tl.select_positions(path)


@pytest.mark.parametrize("size", [21, 10**9])
def test_a_patch_larger_than_its_source_is_refused(one, size):
    match = rf'`sizes\["a"\]` is {size}.*20x30 px.*smaller size'
    with pytest.raises(ValueError, match=match):
        tl.extract_patches(**one | {"sizes": size})
