"""The generated town: its plan, its rendering, its files, and its patches."""

import hashlib
import os
import subprocess
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely

from data_fetch.town import LEGEND, fetch_town, files, generate_town, objects, sensor
from data_fetch.town.blocks import BLOCK_KINDS, house_areas
from data_fetch.town.filters import blur
from data_fetch.town.layout import lay_out_town
from data_fetch.town.materials import BUILDING, MATERIALS, OTHER, ROAD, VEGETATION
from data_fetch.town.placement import non_overlapping, points_along_streets
from data_fetch.town.rendering import Frame, render, shadow_of
from data_fetch.town.shapes import polygon_parts, rectangles
from data_fetch.town.streets import lay_out_streets
from tutorial_lib import rasters, recorded
from tutorial_lib.recorded import recipes

# Neither square nor a multiple of 16: a few blocks of a town.
SMALL = (252, 380)
FILES = {
    *("MANIFEST.json", "SOURCES.md"),
    *("train_pan.tif", "train_xs.tif", "train_labels.tif"),
    *("pan.tif", "xs.tif", "labels.tif"),
    # Their look in QGIS.
    *("labels.qml", "train_labels.qml"),
}


@cache
def small(seed=1):
    return generate_town(SMALL, seed=seed)


def means_of_4x4(pixels):
    """Means of 4x4 pixels, as an xs pixel has them."""
    height, width = pixels.shape
    return pixels.reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))


def best_threshold(values, wanted):
    """The best F-score of a threshold on the values, in either direction."""
    order = np.argsort(values, axis=None)
    hits = wanted.ravel()[order]
    distinct = np.append(np.diff(values.ravel()[order]) > 0, True)
    scores = []
    for found, ends in ((hits, distinct), (hits[::-1], np.append(distinct[-2::-1], 1))):
        right, taken = np.cumsum(found), np.arange(1, len(found) + 1)
        scores.append((2 * right / (taken + hits.sum()))[ends.astype(bool)].max())
    return max(scores)


def test_the_best_threshold_is_found_from_both_sides():
    values, wanted = np.array([[1, 2, 2, 3]]), np.array([[0, 0, 1, 1]], bool)
    # Above 1 are both wanted pixels and one other. A threshold cannot part the two 2s.
    assert best_threshold(values, wanted) == 2 * 2 / (3 + 2)
    assert best_threshold(-values, wanted) == 2 * 2 / (3 + 2)


# The whole town.


@pytest.mark.slow
def test_pan_xs_and_labels_cover_the_same_ground():
    pan, xs, labels = small()
    assert pan.shape == (*SMALL, 1)
    assert labels.shape == (*SMALL, 1)
    assert xs.shape == (SMALL[0] // 4, SMALL[1] // 4, 4)
    assert (pan.dtype, xs.dtype, labels.dtype) == ("uint16", "uint16", "uint8")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_values_have_11_bits_without_0_and_labels_are_classes(seed):
    pan, xs, labels = small(seed)
    for image in (pan, xs):
        assert image.min() >= 1
        assert image.max() <= 2047
    assert np.unique(labels).tolist() == [OTHER, BUILDING, ROAD, VEGETATION]


def test_the_same_seed_gives_the_same_town_in_another_process():
    script = (
        "import hashlib; from data_fetch.town import generate_town; "
        f"arrays = generate_town({SMALL}, seed=1); "
        "print(*(hashlib.sha256(a.tobytes()).hexdigest() for a in arrays))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        # With another hash seed, sets have another order.
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [hashlib.sha256(array.tobytes()).hexdigest() for array in small(1)]
    assert done.stdout.split() == here


def test_another_seed_gives_another_town():
    assert (small(1).labels != small(2).labels).mean() > 0.2


@pytest.mark.parametrize("shape", [(250, 380), (252, 381), (0, 8)])
def test_a_size_that_is_not_a_multiple_of_4_is_refused(shape):
    with pytest.raises(ValueError, match="multiples of 4"):
        generate_town(shape)


def test_a_town_of_two_xs_pixels_can_be_made():
    assert generate_town((4, 8)).xs.shape == (1, 2, 4)


def test_pan_agrees_with_the_weighted_sum_of_xs_only_without_a_shift():
    pan, xs, _ = small()
    coarse = means_of_4x4(pan[..., 0].astype(float))
    seen = xs @ np.array([0.35, 0.30, 0.15, 0.20])

    def agreement(rows, cols):
        moved = np.roll(seen, (rows, cols), (0, 1))[2:-2, 2:-2]
        return np.corrcoef(coarse[2:-2, 2:-2].ravel(), moved.ravel())[0, 1]

    steps = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    assert agreement(0, 0) > 0.95
    # All shifts agree about equally: the images are not shifted by part of a pixel.
    shifted = [agreement(*step) for step in steps]
    assert max(shifted) < agreement(0, 0) - 0.2
    assert max(shifted) - min(shifted) < 0.15


def test_xs_is_the_mean_of_4x4_pixels_except_for_blur_and_noise():
    frame = Frame(0, 300, (400, 528))
    ground, _ = render(lay_out_town(400, 300, seed=4), frame, np.random.default_rng(0))
    _, xs = sensor.observe(ground, np.random.default_rng(1))
    numbers = sensor.digital_numbers(ground)
    for band in range(4):
        means = means_of_4x4(numbers[..., band])[2:-2, 2:-2]
        assert abs(xs[..., band].mean() / means.mean() - 1) < 0.01
        assert np.corrcoef(xs[..., band].ravel(), means.ravel())[0, 1] > 0.97


def test_vegetation_has_a_higher_ndvi_than_other_ground():
    _, xs, labels = small()
    red, infrared = xs[..., 0].astype(float), xs[..., 3].astype(float)
    share = means_of_4x4((labels[..., 0] == VEGETATION).astype(float))
    index = (infrared - red) / (infrared + red)
    assert index[share == 1].mean() > index[share == 0].mean() + 0.15


# Layout and rendering.


def test_streets_and_blocks_do_not_overlap_and_fill_the_ground():
    streets = lay_out_streets(700, 500, np.random.default_rng(3))
    ground = shapely.box(0, 0, 700, 500)
    blocks = shapely.union_all(streets.blocks)
    # The blocks do not overlap.
    assert sum(block.area for block in streets.blocks) == pytest.approx(blocks.area)
    middle = shapely.union_all([*streets.lines, *streets.main_lines])
    assert not blocks.buffer(-0.1).intersects(middle)
    assert not blocks.buffer(-0.1).intersects(streets.banks)
    # The ground without blocks and river is within 8 m of a street's centre line.
    free = ground.difference(blocks).difference(streets.banks)
    wide = free.intersection(middle.buffer(8))
    assert wide.area > 0.9 * free.area


def test_streets_are_10_to_14_metres_wide():
    streets = lay_out_streets(900, 700, np.random.default_rng(5))
    blocks = shapely.union_all(streets.blocks)
    for lines in (streets.lines, streets.main_lines):
        inner = [line for line in lines if line.length > 60]
        middles = shapely.line_interpolate_point(inner, 0.5, normalized=True)
        away = middles[~shapely.intersects(middles, streets.banks.buffer(10))]
        half = np.median(shapely.distance(away, blocks))
        assert 10 / 2 <= half <= 14 / 2 + 0.5


def test_streets_have_several_directions():
    streets = lay_out_streets(1500, 900, np.random.default_rng(6))
    angles = []
    for line in streets.lines:
        (x, y), (u, v) = line.coords[0], line.coords[-1]
        angles.append(np.degrees(np.arctan2(v - y, u - x)) % 90)
    # Mean direction and spread of angles that repeat every 90 degrees.
    mean = np.exp(4j * np.radians(angles)).mean()
    turn = np.degrees(np.angle(np.exp(4j * np.radians(angles)) / mean)) / 4
    assert 2 < turn.std() < 15


def test_non_overlapping_shapes_are_chosen_greedily():
    rng = np.random.default_rng(0)
    boxes = rectangles(rng.uniform(0, 90, (60, 2)), 12, 8, rng.uniform(0, 3, 60))
    ground = shapely.box(0, 0, 90, 70)
    kept = non_overlapping(boxes, ground)
    union = shapely.union_all(boxes[kept])
    assert 5 < kept.sum() < 60
    assert union.area == pytest.approx(12 * 8 * kept.sum())
    assert ground.contains(union)
    # Every shape that was not chosen overlaps a chosen one.
    free = boxes[~kept & shapely.contains(ground, boxes)]
    assert shapely.intersects(free, union).all()


@pytest.mark.parametrize("turned", [False, True])
def test_houses_have_the_street_on_their_right(turned):
    block = shapely.box(0, 0, 120, 70)
    block = shapely.reverse(block) if turned else block
    points, angles = points_along_streets(block, 10, np.full(99, 15.0))
    right = np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    edge = block.exterior
    nearer = shapely.distance(shapely.points(points + right), edge)
    assert (nearer < shapely.distance(shapely.points(points), edge)).all()


def test_houses_are_between_100_and_2000_square_metres():
    areas = house_areas(4000, np.random.default_rng(0))
    assert len(areas) == 4000
    assert areas.min() >= 100
    assert areas.max() <= 2000
    assert 110 < np.median(areas) < 160


NARROW = shapely.box(0, 0, 90, 34)
CROOKED = shapely.Polygon([(0, 0), (90, 20), (60, 80), (-10, 50)])


@pytest.mark.parametrize("kind", ["houses", "courts", "flats", "factories"])
def test_buildings_stand_on_their_block(kind):
    block = shapely.box(0, 0, 150, 110)
    town = objects.Town()
    BLOCK_KINDS[kind](town, block, np.random.default_rng(2))
    outline = shapely.union_all([building.outline for building in town.buildings])
    assert block.contains(outline)
    buildings = polygon_parts(outline)
    assert len(buildings) > 1
    assert min(building.area for building in buildings) >= 100
    assert max(building.height for building in town.buildings) <= 15
    roofs = shapely.union_all([roof.shape for roof in town.roofs])
    assert roofs.symmetric_difference(outline).area < 1


@pytest.mark.parametrize("kind", sorted(BLOCK_KINDS))
@pytest.mark.parametrize("block", [NARROW, CROOKED])
def test_a_block_of_any_kind_stays_within_3_metres_of_its_outline(kind, block):
    town = objects.Town()
    BLOCK_KINDS[kind](town, block, np.random.default_rng(1))
    ground = shapely.union_all([surface.shape for surface in town.ground])
    assert ground.difference(block.buffer(3)).area == pytest.approx(0, abs=1e-6)
    assert all(surface.material in MATERIALS for surface in town.ground + town.roofs)


def test_the_length_of_a_shadow_follows_from_the_height_of_the_sun():
    outline = shapely.box(0, 0, 8, 12)
    shadow = shadow_of(outline, 10)
    # Sun at azimuth 152, 40 degrees high: 10 m give 11.918 m towards the northwest.
    length = 10 / 0.8391
    assert shadow.bounds[0] == pytest.approx(-length * 0.46947, rel=1e-3)
    assert shadow.bounds[3] == pytest.approx(12 + length * 0.88295, rel=1e-3)
    assert shadow.bounds[1:3] == (0, 8)


@pytest.mark.parametrize("angle", [0.2, 2.0, 3.4, 5.9])
def test_the_roof_slope_that_faces_the_sun_is_brighter(angle):
    box = objects.corners_of(rectangles(np.array([[30.0, 40.0]]), 14, 9, angle))
    town = objects.Town()
    town.add_buildings(box, np.array([6.0]), np.random.default_rng(0), gabled=True)
    near, far = town.roofs
    step = np.subtract(near.shape.centroid.coords[0], far.shape.centroid.coords[0])
    # Towards the southeast: the sun is in the azimuth 152, clockwise from north.
    to_sun = step @ [np.sin(np.radians(152)), np.cos(np.radians(152))]
    assert (near.gain > far.gain) == (to_sun > 0)
    assert near.material == far.material


@pytest.fixture
def one_house():
    town = objects.Town()
    box = objects.corners_of(rectangles(np.array([[30.0, 30.0]]), 15, 12, 0))
    town.add_buildings(box, np.array([8.0]), np.random.default_rng(0), gabled=False)
    town.ground.append(objects.Surface(shapely.box(0, 0, 60, 60), "concrete"))
    return town


def pixel(x, y):
    """Row and column of a point in a frame whose top is at 60 m."""
    return int((60 - y) / 1.5), int(x / 1.5)


def test_a_house_is_labelled_and_shades_the_ground(one_house):
    frame = Frame(0, 60, (80, 80))
    image, classes = render(one_house, frame, np.random.default_rng(0))
    assert (classes == BUILDING).sum() * 1.5**2 == pytest.approx(15 * 12, rel=0.1)
    assert classes[pixel(30, 30)] == BUILDING
    sunny, shaded = image[pixel(30, 15)], image[pixel(28, 41)]
    assert classes[pixel(28, 41)] == OTHER
    assert shaded / sunny == pytest.approx(np.full(4, 0.35), rel=0.35)


def test_a_tree_covers_the_ground_but_not_a_roof(one_house):
    one_house.add_trees(np.array([[12.0, 12.0], [30.0, 30.0]]), np.array([4.0, 4.0]))
    frame = Frame(0, 60, (80, 80))
    _, classes = render(one_house, frame, np.random.default_rng(0))
    crown = (classes == VEGETATION).sum() * 1.5**2
    assert crown == pytest.approx(np.pi * 4**2, rel=0.2)
    assert classes[pixel(12, 12)] == VEGETATION
    assert classes[pixel(30, 30)] == BUILDING


def test_a_rendered_part_equals_the_same_part_of_the_whole():
    town = lay_out_town(300, 210, seed=2)
    _, whole = render(town, Frame(0, 210, (280, 400)), np.random.default_rng(0))
    part = Frame(90, 150, (120, 200))
    _, classes = render(town, part, np.random.default_rng(0))
    assert (classes == whole[40:100, 60:160]).mean() > 0.999


@pytest.mark.parametrize("sigma", [0.5, 0.8, 2.5])
def test_blur_keeps_the_sum_and_has_the_variance_of_its_kernel(sigma):
    point = np.zeros((37, 52), "float32")
    point[18, 25] = 1000
    soft = blur(point, sigma)
    assert soft.sum() == pytest.approx(1000, rel=1e-5)
    # The variance of the weights exp(-k^2 / 2 sigma^2); beyond 15 pixels they are 0.
    steps = np.arange(-15, 16)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    expected = (weights * steps**2).sum() / weights.sum()
    columns = soft.sum(axis=0) / 1000
    assert columns @ (np.arange(52) - 25) ** 2 == pytest.approx(expected, rel=1e-3)
    assert soft[18 + 1, 25] == pytest.approx(soft[18, 25 + 1], rel=1e-4)


def test_uniform_ground_gives_its_digital_number_and_the_declared_noise():
    ground = np.full((216, 316, 4), 2000.0, "float32")
    pan, xs = sensor.observe(ground, np.random.default_rng(0))
    numbers = np.array([82, 128, 215, 25]) + np.array([290, 280, 250, 420])
    assert xs.mean(axis=(0, 1)) == pytest.approx(numbers, abs=1)
    level = numbers @ [0.35, 0.30, 0.15, 0.20]
    assert pan.mean() == pytest.approx(level, abs=1)
    # Noise of 3 and 1.2 per cent; rounding adds a variance of 1/12.
    assert pan.std() == pytest.approx(np.hypot(0.03 * level, 12**-0.5), rel=0.02)
    noise = np.hypot(0.012 * numbers, 12**-0.5)
    assert xs.std(axis=(0, 1)) == pytest.approx(noise, rel=0.05)


def test_very_dark_and_very_bright_ground_stays_within_11_bits():
    for value in (-1e5, 1e6):
        ground = np.full((24, 32, 4), value, "float32")
        for image in sensor.observe(ground, np.random.default_rng(0)):
            assert np.unique(image).tolist() == [1 if value < 0 else 2047]


# Files.


@pytest.fixture
def small_files(monkeypatch):
    monkeypatch.setattr(files, "SHAPE", (148, 212))


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_second_run_does_nothing(tmp_path, small_files, capsys):
    folder = fetch_town(tmp_path)
    assert folder == tmp_path / "town"
    assert names(folder) == FILES
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    capsys.readouterr()
    fetch_town(tmp_path)
    assert capsys.readouterr() == ("", "")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_two_towns_are_identical(tmp_path, small_files):
    one, two = (fetch_town(tmp_path / name) for name in "ab")
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in FILES)


def test_another_size_is_another_recipe(tmp_path, small_files, monkeypatch):
    folder = fetch_town(tmp_path)
    monkeypatch.setattr(files, "SHAPE", (100, 160))
    fetch_town(tmp_path)
    assert rasters.read_grid(folder / "pan.tif").shape.yx == (100, 160)


def test_the_sources_file_says_that_the_town_is_generated(tmp_path, small_files):
    text = (fetch_town(tmp_path) / "SOURCES.md").read_text(encoding="utf-8")
    for words in ("generated", f"seed\n{files.SEED}", "Apache-2.0", "1.5 m", "6 m"):
        assert words in text


# Patches.


@pytest.fixture
def patches(tmp_path, small_files):
    return recipes.cut_town_patches(fetch_town(tmp_path), tmp_path, count=30)


def test_patches_of_pan_and_xs_show_the_same_ground(patches):
    assert patches.keys() == {"a", "b"}
    for cut in patches.values():
        assert not cut.rejected
        pan, xs = cut.arrays["input_p"][..., 0], cut.arrays["input_xs"]
        means = pan.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4))
        seen = xs @ np.array([0.35, 0.30, 0.15, 0.20])
        assert np.corrcoef(means.ravel(), seen.ravel())[0, 1] > 0.95


def test_label_patches_are_windows_of_the_labels_of_their_area(patches, tmp_path):
    for area, prefix in (("a", "train_"), ("b", "")):
        labels = rasters.read_array(tmp_path / "town" / f"{prefix}labels.tif")
        windows = np.lib.stride_tricks.sliding_window_view(labels[..., 0], (64, 64))
        known = {window.tobytes() for window in windows.reshape(-1, 64, 64)}
        truth = patches[area].arrays["truth"][..., 0]
        assert len(truth) == 4 * 30
        assert all(patch.tobytes() in known for patch in truth)


def test_batches_hold_the_classes_of_the_label_patches(patches):
    train, valid = recipes.datasets(
        patches, class_count=4, labels="truth", batch_size=16
    )
    inputs, targets = next(iter(valid))
    assert sorted(inputs) == ["input_p", "input_xs"]
    truth = patches["b"].arrays["truth"][:16, ..., 0]
    assert (targets["estimated"].numpy().argmax(axis=-1) == truth).all()
    first = next(iter(train))[0]["input_p"].numpy()
    assert not (first == patches["a"].arrays["input_p"][:16]).all()


# The town of the notebooks, which `make sample` makes before the tests run.


@pytest.fixture(scope="module")
def town(repository):
    return fetch_town(repository / "data")


@pytest.fixture(scope="module", params=["train_", ""])
def area(town, request):
    """Pan, xs and labels of both areas, as (height, width[, band])."""
    pan, xs, labels = (
        rasters.read_array(town / f"{request.param}{name}.tif")
        for name in ("pan", "xs", "labels")
    )
    return pan[..., 0].astype(float), xs.astype(float), labels[..., 0]


@pytest.mark.parametrize("prefix", ["train_", ""])
def test_pan_and_xs_have_grids_with_the_same_corner(town, prefix):
    pan, xs, labels = (
        rasters.read_grid(town / f"{prefix}{name}.tif")
        for name in ("pan", "xs", "labels")
    )
    assert pan == labels
    assert pan.shape.y != pan.shape.x
    assert pan.zoom_out(4) == xs
    assert (pan.resolution.x, xs.resolution.x) == (1.5, 6)
    assert pan.crs.projected
    for name in ("pan", "xs"):
        assert rasters.read_nodata(town / f"{prefix}{name}.tif") == 0
    assert rasters.read_legend(town / f"{prefix}labels.tif") == LEGEND


def test_training_area_and_mapping_area_are_more_than_a_patch_apart(town):
    train, mapped = (
        rasters.read_grid(town / name) for name in ("train_pan.tif", "pan.tif")
    )
    # More than a patch of 64 pixels.
    assert mapped.boundingbox.left - train.boundingbox.right > 64 * 1.5
    assert mapped.boundingbox.top == train.boundingbox.top


def test_values_of_the_full_town_have_11_bits_and_all_classes(area):
    pan, xs, labels = area
    assert min(pan.min(), xs.min()) >= 1
    assert max(pan.max(), xs.max()) <= 2047
    assert np.unique(labels).tolist() == [0, 1, 2, 3]


def test_a_threshold_on_brightness_does_not_find_buildings(area):
    pan, _, labels = area
    assert best_threshold(pan, labels == BUILDING) < 0.5


def test_roofs_are_not_brighter_than_yards(area):
    pan, _, labels = area
    assert pan[labels == BUILDING].mean() <= pan[labels == OTHER].mean()


def test_buildings_cover_10_to_20_per_cent(area):
    _, _, labels = area
    assert 0.1 < (labels == BUILDING).mean() < 0.2


def test_levels_are_like_those_of_a_pleiades_pair_over_a_town(area):
    pan, xs, _ = area
    assert pan.mean() == pytest.approx(289, rel=0.15)
    # Pixels of 0.5 m have 78; means of 3x3 pixels keep the larger part of it.
    assert 0.7 * 78 < pan.std() < 78
    assert xs.mean(axis=(0, 1)) == pytest.approx([200, 250, 312, 447], rel=0.15)


def test_visible_bands_are_correlated_and_near_infrared_is_not(area):
    _, xs, _ = area
    correlation = np.corrcoef(xs.reshape(-1, 4).T)
    assert correlation[:3, :3].min() > 0.9
    assert correlation[3, :3].max() < 0.6


def test_autocorrelation_falls_within_some_metres(area):
    pan, _, _ = area
    centred = (pan - pan.mean()) / pan.std()

    def at(lag):
        down = (centred[lag:] * centred[:-lag]).mean()
        return (down + (centred[:, lag:] * centred[:, :-lag]).mean()) / 2

    curve = [at(lag) for lag in (1, 2, 4, 7, 14)]
    assert all(near > far for near, far in pairwise(curve))
    # 7 pixels are 10.5 m.
    assert 0.2 < at(7) < 0.6


def test_the_recorded_network_finds_buildings_in_the_mapping_area(town):
    import keras

    model = keras.models.load_model(recorded.weights_path("pan_xs_town"))
    pan, xs, labels = (
        rasters.read_array(town / f"{name}.tif") for name in ("pan", "xs", "labels")
    )
    # A part of the area, to be quick.
    height, width = 512, 640
    chunk = {
        "input_p": pan[np.newaxis, :height, :width].astype("float32"),
        "input_xs": xs[np.newaxis, : height // 4, : width // 4].astype("float32"),
    }
    found = model.predict(chunk, verbose=0)["estimated_labels"][0, ..., 0] == BUILDING
    there = labels[:height, :width, 0] == BUILDING
    assert 2 * (found & there).sum() / (found.sum() + there.sum()) > 0.5


@pytest.mark.parametrize("name", ["pan_xs_town", "deep_town"])
def test_recorded_weights_of_the_town_are_small_and_without_optimizer(name):
    import keras

    path = recorded.weights_path(name)
    assert not keras.models.load_model(path).compiled
    assert path.stat().st_size < 1_000_000
    assert sum(file.stat().st_size for file in recorded.FOLDER.iterdir()) < 5_000_000
