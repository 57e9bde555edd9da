"""Polygons: connected areas of one class, and how many positions each of them gets."""

import time
import warnings

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.features import shapes
from scenes import write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.patches.label_rasters import number_polygons
from tutorial_lib.recorded import recipes


def polygons_by_gdal(labels, usable):
    """Pixels of each polygon, numbered by the order of their first pixels."""
    found = shapes(labels, mask=usable, connectivity=4)
    return [shape for shape, _ in found]


@pytest.mark.parametrize("seed", range(12))
def test_polygons_are_those_of_gdal(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 1 + seed % 4, rng.integers(1, 60, 2), dtype="uint8")
    usable = rng.random(labels.shape) < 0.4 + 0.05 * seed
    numbers = number_polygons(labels, usable)
    assert ((numbers == -1) == ~usable).all()
    assert numbers.max() + 1 == len(polygons_by_gdal(labels, usable))
    # As many pairs of neighbours of one class as there are within polygons.
    for axis in (0, 1):
        one, other = (
            np.moveaxis(x, axis, 0) for x in (np.where(usable, labels, 99), numbers)
        )
        touch = (one[1:] == one[:-1]) & (one[1:] != 99)
        assert (other[1:][touch] == other[:-1][touch]).all()


def test_polygons_are_numbered_by_their_first_pixels():
    labels = np.random.default_rng(0).integers(0, 3, (30, 50))
    numbers = number_polygons(labels, labels > 0)
    _, firsts = np.unique(numbers[numbers >= 0], return_index=True)
    assert (np.diff(firsts) > 0).all()


def test_a_winding_polygon_is_one():
    labels = np.zeros((41, 41), "uint8")
    labels[1::2] = 1
    labels[1::4, 0] = labels[3::4, -1] = 0
    assert number_polygons(labels, labels < 2).max() == 20
    assert number_polygons(labels, labels == 0).max() == 0


def test_a_large_speckled_raster_takes_seconds():
    labels = np.random.default_rng(0).integers(0, 6, (2000, 2000), dtype="uint8")
    start = time.thread_time()
    assert number_polygons(labels, labels < 6).max() > 2_000_000
    assert time.thread_time() - start < 20


@pytest.fixture
def truth(tmp_path):
    """Class 0 in polygons of 30, 10 and 1 pixels, class 1 in one of 60."""
    labels = np.full((20, 30), 255, "uint8")
    labels[2:8, 2:7] = 0
    labels[10:12, 2:7] = 0
    labels[15, 5] = 0
    labels[2:12, 20:26] = 1
    return write(tmp_path / "truth.tif", labels)


def test_a_table_counts_pixels_and_polygons(truth):
    table = tl.polygon_table(truth)
    assert table.loc[0].tolist() == [41, 3, round(30 / 41, 3)]
    assert table.loc[1].tolist() == [60, 1, 1]
    named = tl.polygon_table(testing.small_scene()["labels"])
    assert named.index.tolist() == list(testing.SMALL_LEGEND.names)


def test_a_raster_without_labels_has_an_empty_table(tmp_path):
    path = write(tmp_path / "empty.tif", np.full((4, 5), 255, "uint8"))
    assert tl.polygon_table(path).empty


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("all", {0: 8 + 8 + 1, 1: 8}),
        ("smallest", {0: 8, 1: 8}),
        ("constant", {0: 5, 1: 5}),
        ("total", {0: 3, 1: 2}),
    ],
)
def test_no_polygon_has_more_positions_than_said(truth, strategy, expected):
    positions = tl.select_positions(
        truth, strategy=strategy, count=5, most_per_polygon=8
    )
    assert positions.counts == expected
    assert np.bincount(positions.polygons).max() <= 8
    of_class = {
        (p, k) for p, k in zip(positions.polygons, positions.labels, strict=True)
    }
    assert len({p for p, _ in of_class}) == len(of_class)
    if strategy == "all":
        assert np.bincount(positions.polygons).tolist() == [8, 8, 8, 1]


def test_fewer_positions_than_count_are_drawn_with_a_warning(truth):
    with pytest.warns(UserWarning, match="only 8 pixels with at most 8 in one polygon"):
        positions = tl.select_positions(truth, count=20, most_per_polygon=8)
    assert positions.counts == {0: 8, 1: 8}


def test_the_cap_counts_pixels_inside_of_the_margin_only(truth):
    options = {"strategy": "all", "most_per_polygon": 100}
    positions = tl.select_positions(truth, margin=4, **options)
    assert np.bincount(positions.polygons).tolist() == [12, 48, 6, 1]


def test_a_seed_draws_the_same_positions_with_polygons(truth):
    draws = [
        tl.select_positions(truth, count=3, most_per_polygon=3, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_without_a_cap_the_draw_is_what_it_was(truth):
    positions = tl.select_positions(truth, count=20, seed=3)
    assert positions.polygons is None
    # The rule of the draw, written down once more.
    labels = np.full((20, 30), 255)
    labels[2:8, 2:7] = labels[10:12, 2:7] = labels[15, 5] = 0
    labels[2:12, 20:26] = 1
    rng = np.random.default_rng(3)
    pixels = [
        rng.choice(np.flatnonzero(labels == k), 20, replace=False) for k in (0, 1)
    ]
    rows, cols = np.divmod(np.sort(np.concatenate(pixels)), 30)
    assert np.array_equal(positions.x, 500_005 + 10 * cols)
    assert np.array_equal(positions.y, 4_799_995 - 10 * rows)


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp", "fgb"])
def test_polygons_are_kept_in_a_file(tmp_path, truth, ending):
    positions = tl.select_positions(truth, strategy="all", most_per_polygon=4)
    path = positions.to_file(tmp_path / f"points.{ending}")
    # A file of the kit may be replaced.
    positions.to_file(path)
    assert np.array_equal(tl.Positions.from_file(path).polygons, positions.polygons)
    part = tl.Positions.from_file(path, classes=[1])
    assert part.polygons.tolist() == positions[positions.labels == 1].polygons.tolist()


def test_a_field_polygon_of_something_else_is_not_read(tmp_path):
    path = tmp_path / "points.gpkg"
    columns = [np.array([3, 4]), np.array(["north", "south"], object)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapely.points([1, 2], [3, 4])),
        field_data=columns,
        fields=np.array(["class", "polygon"]),
        geometry_type="Point",
        crs="EPSG:32631",
    )
    assert tl.Positions.from_file(path).polygons is None


def test_polygons_follow_their_positions():
    positions = tl.Positions(
        [500_005, 500_015, 500_025],
        [4_799_995] * 3,
        [0, 1, 2],
        32631,
        polygons=[7, 8, 9],
    )
    assert positions[1:].polygons.tolist() == [8, 9]
    assert positions[0].polygons.tolist() == [7]
    assert positions[[2, 0]].polygons.tolist() == [9, 7]
    assert positions.to_crs(4326).polygons.tolist() == [7, 8, 9]
    other = tl.Positions(positions.x, positions.y, positions.labels, positions.crs)
    assert positions != other
    assert other == tl.Positions(other.x, other.y, other.labels, other.crs)


@pytest.mark.parametrize(
    ("polygons", "error", "match"),
    [
        ([1], ValueError, "1 value for 2 positions"),
        ([1, -1], ValueError, "`polygons` is -1 at position 1"),
        ([1, 0.5], ValueError, "Polygon numbers are 0, 1, 2"),
        (["a", "b"], TypeError, "`polygons`"),
        (3, ValueError, "shape"),
    ],
)
def test_wrong_polygons_are_refused(polygons, error, match):
    with pytest.raises(error, match=match):
        tl.Positions([1, 2], [3, 4], [0, 0], None, polygons=polygons)


def test_patches_know_the_polygons_of_those_that_are_kept(truth):
    positions = tl.select_positions(truth, strategy="all", most_per_polygon=5)
    patches = tl.extract_patches(
        {"t": tl.Source(truth, nodata=254)}, positions, sizes={"t": 10}
    )
    assert 0 < len(patches.rejected) < len(positions)
    kept = np.delete(np.arange(len(positions)), [r.index for r in patches.rejected])
    assert patches.polygons.tolist() == positions.polygons[kept].tolist()
    without = tl.select_positions(truth, strategy="all")
    patches = tl.extract_patches(
        {"t": tl.Source(truth, nodata=254)}, without, sizes={"t": 1}
    )
    assert patches.polygons is None


def test_recipes_cap_the_patches_of_a_polygon(havel_folder, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        patches = recipes.cut_patches(havel_folder, tmp_path)
    for area, found in patches.items():
        labels = found.arrays["labels"].ravel()
        counts = np.bincount(labels)
        assert counts.tolist() == [recipes.COUNTS[area]] * 6
        assert not found.rejected
        assert np.bincount(found.polygons).max() <= recipes.MOST_PER_POLYGON
