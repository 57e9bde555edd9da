"""Selection: how many positions of which classes are drawn where."""

import re
import warnings

import numpy as np
import pytest
import rasterio
from odc.geo.crs import CRS
from rasterio.enums import ColorInterp
from scenes import LEFT, TOP, coordinates, write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.rasters import Source

UTM = CRS("EPSG:32631")


@pytest.fixture
def truth(tmp_path):
    """Classes 1, 3 and 7 with 60, 240 and 900 pixels, no class 0, the rest 255."""
    labels = np.full((40, 60, 1), 255, "uint8")
    labels[2:8, 2:12] = 1
    labels[10:20, 2:26] = 3
    labels[10:40, 30:60] = 7
    return write(tmp_path / "truth.tif", labels)


def labels_under(path, positions):
    """The label of the pixel under each position, cut as a patch of one pixel."""
    result = tl.extract_patches(
        {"t": Source(path, nodata=254)}, positions, sizes={"t": 1}
    )
    return result.arrays["t"].ravel()


@pytest.mark.parametrize(
    ("strategy", "count", "expected"),
    [
        ("constant", 50, {1: 50, 3: 50, 7: 50}),
        ("smallest", 1000, {1: 60, 3: 60, 7: 60}),
        ("total", 120, {1: 6, 3: 24, 7: 90}),
        ("all", 1000, {1: 60, 3: 240, 7: 900}),
    ],
)
def test_each_strategy_draws_its_numbers_of_positions(truth, strategy, count, expected):
    positions = tl.select_positions(truth, strategy=strategy, count=count)
    assert positions.counts == expected
    assert len(np.unique(np.stack([positions.x, positions.y]), axis=1).T) == len(
        positions
    )
    assert np.array_equal(labels_under(truth, positions), positions.labels)


def test_positions_are_pixel_centres_from_top_to_bottom(truth):
    positions = tl.select_positions(truth, strategy="all")
    assert set((positions.x - LEFT) % 10) == {5}
    rank = (TOP - positions.y) * 1000 + positions.x
    assert (np.diff(rank) > 0).all()
    assert positions.crs == UTM


@pytest.mark.parametrize("count", [1, 7, 100, 119, 1199, 1200])
def test_a_total_is_exact_and_in_proportion(truth, count):
    available = {1: 60, 3: 240, 7: 900}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = tl.select_positions(truth, strategy="total", count=count).counts
    assert sum(counts.values()) == count
    for label, pixels in available.items():
        assert abs(counts.get(label, 0) - count * pixels / 1200) < 1


def test_a_class_too_rare_for_a_total_gives_a_warning(truth):
    with pytest.warns(UserWarning, match=r"classes \[1\] .* none of the 10 positions"):
        tl.select_positions(truth, strategy="total", count=10)


def test_a_total_larger_than_the_raster_gives_a_warning(truth):
    with pytest.warns(UserWarning, match=r"only 1200 pixels .*`count` \(2000\)"):
        positions = tl.select_positions(truth, strategy="total", count=2000)
    assert len(positions) == 1200


def test_a_class_with_too_few_pixels_gives_a_warning(truth):
    with pytest.warns(UserWarning, match=r"Class 1 has only 60 pixels.* \(100\)"):
        positions = tl.select_positions(truth, count=100)
    assert positions.counts == {1: 60, 3: 60, 7: 60}


def test_a_margin_excludes_the_border(truth):
    positions = tl.select_positions(truth, strategy="all", margin=8)
    columns, rows = (positions.x - LEFT) // 10, (TOP - positions.y) // 10
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (8, 51, 10, 31)
    # Rows 2 to 7 of class 1 lie in the margin.
    assert positions.counts == {3: 10 * 18, 7: 22 * 22}


def test_a_margin_larger_than_the_raster_is_refused(truth):
    with pytest.raises(ValueError, match="no labelled pixel at least 20 px"):
        tl.select_positions(truth, margin=20)


def test_the_same_seed_draws_the_same_positions(truth):
    first, same, other = (
        tl.select_positions(truth, count=30, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.x, same.x)
    assert np.array_equal(first.y, same.y)
    assert not np.array_equal(first.x, other.x)


def test_another_value_can_mean_no_label(truth):
    positions = tl.select_positions(truth, strategy="all", nodata=7)
    assert set(positions.counts) == {1, 3, 255}


def test_an_unknown_strategy_is_refused(truth):
    with pytest.raises(ValueError, match=r"`strategy` is 'byclass'.*'constant'"):
        tl.select_positions(truth, strategy="byclass")


@pytest.mark.parametrize("option", [{"margin": -1}, {"count": 0}, {"count": -5}])
def test_a_negative_number_of_pixels_is_refused(truth, option):
    ((name, value),) = option.items()
    with pytest.raises(ValueError, match=f"`{name}` is {value}. Give a whole number"):
        tl.select_positions(truth, **option)


@pytest.mark.parametrize("value", [-1, 2.5, 2.0**60])
def test_a_label_that_is_not_a_class_number_is_refused(tmp_path, value):
    labels = np.ones((9, 12, 1), "float32")
    labels[3, 4] = value
    path = write(tmp_path / "a.tif", labels)
    shown = re.escape(str(value))
    with pytest.raises(ValueError, match=rf"not class numbers.*\[{shown}.*`nodata="):
        tl.select_positions(path, count=5)


def test_a_label_raster_of_two_bands_is_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    with pytest.raises(ValueError, match="has 2 bands"):
        tl.select_positions(path)


# Pixels without a label


def labelled(path, dtype="uint8", *, special, **options):
    """Ten rows of classes 1 and 2, and one row of a special value."""
    labels = np.ones((11, 12, 1), dtype)
    labels[5:10] = 2
    labels[10] = special
    return write(path, labels, **options)


@pytest.mark.parametrize(
    ("dtype", "special", "tag"),
    [
        ("uint8", 0, 0),
        ("uint8", 7, 7),
        ("uint16", 65535, 65535),
        ("int16", -1, -1),
        ("int32", -9999, -9999),
        ("float32", -9999, -9999),
        ("float32", np.float32(-3.4e38), -3.4e38),
        ("float32", np.nan, np.nan),
        ("uint8", 255, None),
        ("uint16", 255, None),
        ("float32", 255, None),
        ("float32", np.nan, None),
        ("float32", np.inf, -9999),
    ],
)
def test_the_tag_of_the_raster_says_what_has_no_label(tmp_path, dtype, special, tag):
    path = labelled(tmp_path / "a.tif", dtype, special=special, nodata=tag)
    positions = tl.select_positions(path, strategy="all")
    assert positions.counts == {1: 60, 2: 60}


def test_255_is_a_class_where_the_tag_is_another_value(tmp_path):
    path = labelled(tmp_path / "a.tif", special=255, nodata=0)
    assert tl.select_positions(path, strategy="all").counts == {1: 60, 2: 60, 255: 12}


def test_a_given_value_replaces_the_tag(tmp_path):
    path = labelled(tmp_path / "a.tif", special=7, nodata=7)
    positions = tl.select_positions(path, strategy="all", nodata=2)
    assert positions.counts == {1: 60, 7: 12}


@pytest.mark.parametrize("how", ["internal", "sidecar", "alpha"])
def test_masked_pixels_have_no_label(tmp_path, how):
    path = tmp_path / "a.tif"
    labels = np.ones((1, 12, 15), "uint8")
    mask = np.full((12, 15), 255, "uint8")
    mask[3:5, 4:9] = 0
    profile = {"driver": "GTiff", "height": 12, "width": 15, "dtype": "uint8"}
    profile |= {"count": 1 + (how == "alpha"), "crs": UTM.to_wkt()}
    profile |= {"transform": testing.small_grid(12, 15).transform}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "internal"),
        rasterio.open(path, "w", **profile) as dataset,
    ):
        dataset.write(labels[0], 1)
        if how == "alpha":
            dataset.write(mask, 2)
            dataset.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        else:
            dataset.write_mask(mask)
    positions = tl.select_positions(path, strategy="all")
    assert positions.counts == {1: 12 * 15 - 10}


def test_a_value_that_no_pixel_can_have_is_refused(tmp_path):
    path = labelled(tmp_path / "a.tif", special=255)
    with pytest.raises(ValueError, match=r"`nodata` is -9999.*holds uint8"):
        tl.select_positions(path, nodata=-9999)


# Class numbers


@pytest.fixture
def own(tmp_path):
    """Classes 10, 20, 30 and 99 with 20, 40, 60 and 10 pixels, and 5.5 outside."""
    labels = np.concatenate(
        [np.full(n, v) for v, n in ((10, 20), (20, 40), (30, 60), (99, 10), (5.5, 14))]
    )
    return write(tmp_path / "own.tif", labels.reshape(12, 12, 1).astype("float32"))


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("constant", {10: 5, 30: 5}),
        ("smallest", {10: 20, 30: 20}),
        ("total", {10: 1, 30: 4}),
        ("all", {10: 20, 30: 60}),
    ],
)
def test_only_the_asked_for_classes_are_drawn(own, strategy, expected):
    options = {"strategy": strategy, "count": 5}
    for classes in ((10, 30), [10, 30], np.array([10, 30])):
        positions = tl.select_positions(own, classes=classes, **options)
        assert positions.counts == expected


def test_an_absent_class_gives_a_warning(own):
    match = r"`classes`, 1, 2 are not in .*own.tif'. The numbers there: 5.5, 10, 20, 30"
    with pytest.warns(UserWarning, match=match):
        positions = tl.select_positions(own, strategy="all", classes=(1, 2, 10))
    assert positions.counts == {10: 20}
    with pytest.raises(ValueError, match=r"None of `classes` \(1, 2\).*5.5, 10, 20"):
        tl.select_positions(own, classes=(1, 2))


def test_the_cure_for_other_numbers_is_named(own):
    with pytest.raises(ValueError, match=r"\[5.5\].*`classes=\(1, 2\)`"):
        tl.select_positions(own)


# Arguments


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"labels_path": None}, TypeError),
        ({"labels_path": 5}, TypeError),
        ({"labels_path": ""}, ValueError),
        ({"labels_path": ["a.tif"]}, TypeError),
        ({"labels_path": Source("a.tif")}, TypeError),
        ({"strategy": None}, ValueError),
        ({"strategy": ["all"]}, ValueError),
        ({"count": 10.5}, ValueError),
        ({"count": "10"}, TypeError),
        ({"count": None}, TypeError),
        ({"count": True}, TypeError),
        ({"nodata": "255"}, TypeError),
        ({"nodata": [255]}, TypeError),
        ({"margin": 1.5}, ValueError),
        ({"margin": "1"}, TypeError),
        ({"margin": None}, TypeError),
        ({"seed": "a"}, TypeError),
        ({"seed": None}, TypeError),
        ({"seed": -1}, ValueError),
        ({"seed": 0.5}, ValueError),
        ({"classes": 1.5}, ValueError),
        ({"classes": "1"}, TypeError),
        ({"classes": (1, 1)}, ValueError),
        ({"classes": ()}, ValueError),
    ],
)
def test_wrong_arguments_are_named(truth, option, error):
    ((name, _),) = option.items()
    with pytest.raises(error, match=rf"`{name}` .*Give"):
        tl.select_positions(**{"labels_path": truth} | option)


def test_numbers_of_numpy_are_numbers(truth):
    numbers = {"count": np.int64(5), "margin": np.uint8(2), "seed": np.int32(1)}
    numbers |= {"nodata": np.float64(255), "classes": np.int64(7)}
    assert tl.select_positions(str(truth), **numbers).counts == {7: 5}
