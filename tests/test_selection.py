"""Selection: how many positions of which classes are drawn where."""

import warnings

import numpy as np
import pytest
from odc.geo.crs import CRS
from scenes import LEFT, TOP, coordinates, write

import tutorial_lib as tl
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
    with pytest.warns(UserWarning, match=r"Only 1200 pixels .*`count` \(2000\)"):
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


@pytest.mark.parametrize("value", [-1, 2.5])
def test_a_label_that_is_not_a_class_number_is_refused(tmp_path, value):
    labels = np.ones((9, 12, 1), "float32")
    labels[3, 4] = value
    path = write(tmp_path / "a.tif", labels)
    with pytest.raises(ValueError, match=rf"not class numbers.*\[{value}.*`nodata="):
        tl.select_positions(path, count=5)


def test_a_label_raster_of_two_bands_is_refused(tmp_path):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    with pytest.raises(ValueError, match="has 2 bands"):
        tl.select_positions(path)
