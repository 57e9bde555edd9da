"""The synthetic scene: its landscape, its images, its files and its command."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from functools import cache

import numpy as np
import pytest
import rasterio
from scipy import ndimage

from data_fetch import layout
from data_fetch.__main__ import main
from data_fetch.synthetic import LEGEND, fetch_synthetic, files, generate, rendering
from data_fetch.synthetic.fields import Window, smooth_noise
from data_fetch.synthetic.hashing import hashed
from data_fetch.synthetic.landscape import labels_of
from data_fetch.synthetic.layers import lay_out
from data_fetch.synthetic.mixtures import (
    KINDS,
    LABEL_OF,
    NUMBER_OF,
    WEIGHTS,
    draw_mixtures,
)
from data_fetch.synthetic.sites import cells, sites_near
from data_fetch.synthetic.stripes import Scene
from tutorial_lib import rasters

# Neither square nor a multiple of a block; odd multiples of 20 m.
SMALL = (322, 598)
NO_LABEL = 255


@cache
def small(seed=1):
    return generate(SMALL, seed=seed)


@cache
def land(seed=files.SEED):
    """The landscape of a scene of the default size."""
    return lay_out(seed, Window(0, 0, 768, 1536))


def hashes(scene):
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in scene]


def same(scene, other):
    pairs = zip(scene, other, strict=True)
    return all(np.array_equal(one, two) for one, two in pairs)


def opened(**options):
    options = {"seed": 1, "purity": files.PURITY, "offset": 0} | options
    return Scene(SMALL, **options)


# What a pixel depends on.


@pytest.mark.slow
@pytest.mark.parametrize("shape", [SMALL, (64, 96), (2, 2), (258, 130)])
def test_images_and_labels_cover_the_same_ground(shape):
    scene = generate(shape, seed=4)
    height, width = shape
    assert scene.image_10m.shape == (height, width, 4)
    assert scene.image_20m.shape == (height // 2, width // 2, 6)
    assert scene.labels.shape == (height, width, 1)
    assert [array.dtype for array in scene] == ["uint16", "uint16", "uint8"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_another_process():
    script = (
        "import hashlib; from data_fetch.synthetic import generate; "
        f"scene = generate({SMALL}, seed=1); "
        "print(*(hashlib.sha256(array.tobytes()).hexdigest() for array in scene))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        # With another hash seed, sets have another order. Matrix products of one and of
        # several threads may be rounded differently.
        env=os.environ | {"PYTHONHASHSEED": "12345", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == hashes(small(1))


@pytest.mark.slow
def test_another_seed_gives_another_scene():
    first, second = small(1), small(2)
    assert (first.image_10m != second.image_10m).mean() > 0.9
    assert (first.image_20m != second.image_20m).mean() > 0.9
    assert (first.labels != second.labels).mean() > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(64, 96), (256, 300), (322, 2)])
def test_a_smaller_scene_is_the_upper_left_part_of_a_larger_one(shape):
    height, width = shape
    part = generate(shape, seed=1)
    assert np.array_equal(part.image_10m, small().image_10m[:height, :width])
    coarse = small().image_20m[: height // 2, : width // 2]
    assert np.array_equal(part.image_20m, coarse)
    assert np.array_equal(part.labels, small().labels[:height, :width])


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 14, 100, 300])
def test_the_height_of_the_stripes_does_not_change_a_pixel(step):
    scene = opened()
    starts = range(0, SMALL[0], step)
    parts = []
    for start in starts:
        stop = min(start + step, SMALL[0])
        fine = scene.read(10, range(start, stop))
        coarse = scene.read(20, range(start // 2, stop // 2))
        parts.append((fine, coarse, scene.read_labels(range(start, stop))[..., None]))
    joined = [np.concatenate(one) for one in zip(*parts, strict=True)]
    assert same(joined, small())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_does_not_change_a_pixel(workers):
    scene, height = opened(workers=workers), SMALL[0]
    fine, coarse = scene.read(10, range(height)), scene.read(20, range(height // 2))
    assert same((fine, coarse), small()[:2])


def test_rows_can_be_read_again_after_others():
    scene = opened()
    scene.read(10, range(300, 322))
    assert np.array_equal(scene.read(10, range(5, 9)), small().image_10m[5:9])


def test_neighbouring_blocks_fit_together():
    # A border of blocks that shows would make the step across it larger than others.
    image = small().image_10m.astype(float)
    block = rendering.BLOCK
    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=(1 - axis, 2))
        near = np.r_[steps[block - 9 : block - 1], steps[block : block + 8]]
        assert near.min() * 0.9 < steps[block - 1] < near.max() * 1.1


@pytest.mark.slow
def test_the_memory_does_not_grow_with_the_height():
    def peak(height):
        scene = Scene((height, 256), seed=1, purity=0.3, offset=0, workers=1)
        tracemalloc.start()
        for start in range(0, height, 256):
            scene.read(10, range(start, start + 256))
            scene.read(20, range(start // 2, start // 2 + 128))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(256)
    assert peak(1536) < 1.1 * peak(512)


# Values.


def test_no_value_is_0_and_labels_are_classes():
    for seed in (1, 2):
        fine, coarse, labels = small(seed)
        assert min(fine.min(), coarse.min()) >= 1
        assert set(np.unique(labels)) <= {*range(6), NO_LABEL}


def test_the_offset_adds_1000_to_all_values():
    with_offset = generate((64, 96), seed=1, offset=True)
    without = generate((64, 96), seed=1)
    for index in (0, 1):
        assert (with_offset[index] - without[index] == 1000).all()
    assert np.array_equal(with_offset.labels, without.labels)


def test_both_images_show_the_same_ground_without_a_shift():
    fine, coarse, _ = small()
    # B8 at 10 m and B8A at 20 m are the same but for the noise, and a little the band.
    means = fine[..., 3].reshape(161, 2, 299, 2).mean(axis=(1, 3))
    seen = coarse[..., 3].astype(float)

    def agreement(rows, cols):
        moved = np.roll(seen, (rows, cols), (0, 1))[2:-2, 2:-2]
        return np.corrcoef(means[2:-2, 2:-2].ravel(), moved.ravel())[0, 1]

    shifted = [agreement(*step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    assert agreement(0, 0) > 0.97
    assert max(shifted) < agreement(0, 0) - 0.05
    assert max(shifted) - min(shifted) < 0.05


def test_the_sensor_adds_noise_of_at_least_8_units():
    # Blocks of the same landscape with other noise differ by it alone.
    place = rendering.Place(1, 0, 0)
    signal = np.full((1, 256, 256), 300, "float32")
    bright = np.full((1, 256, 256), 3000, "float32")
    low = rendering._measured(signal, place, ("B4",)).astype(float)
    high = rendering._measured(bright, place, ("B4",)).astype(float)
    assert abs(low.mean() - 300) < 0.2
    assert abs(low.std() - 8) < 0.2
    assert abs(high.std() - 36) < 1


def test_water_is_dark_in_the_infrared_and_forest_is_green():
    fine, _, _ = small()
    here = LABEL_OF[lay_out(1, Window(0, 0, *SMALL)).kind]
    green, infrared = fine[..., 1].astype(float), fine[..., 3].astype(float)
    assert np.median(infrared[here == 0]) < 900
    assert np.median(infrared[here == 4]) > 2000
    assert np.median(green[here == 4]) < 600


def test_mixtures_follow_the_weights():
    drawn = draw_mixtures(20_000, 0.45, np.random.default_rng(0))
    assert np.allclose(drawn.sum(axis=0), 1, atol=1e-5)
    # Expected share: weight / sum of the weights. Forest has 2.8 : 1.8 : 0.4 : 0.2.
    forest = drawn[:4, NUMBER_OF["forest"]].mean(axis=1)
    assert np.allclose(forest, np.array([2.8, 1.8, 0.4, 0.2]) / 5.2, atol=0.01)
    # Variance of a share m with the sum s of the weights: m (1 - m) / (s + 1).
    share = 2.8 / 5.2
    expected = share * (1 - share) / (0.45 * 5.2 + 1)
    assert abs(drawn[0, NUMBER_OF["forest"]].var() / expected - 1) < 0.05


def test_materials_of_each_kind_belong_to_its_class():
    for name, kind in KINDS.items():
        assert set(kind.factors) <= set(WEIGHTS[kind.label]), name


# Noise and sites.


@pytest.mark.parametrize("size", [0.9, 2.5, 5, 20])
def test_noise_is_as_smooth_as_theory_says(size):
    side = int(60 * size)
    fields = smooth_noise(3, Window(-side // 2, 11, side, side + 7), size)
    assert abs(fields.mean()) < 0.1
    assert abs(fields.std() - 1) < 0.1
    # White noise after a Gaussian of sigma s has the correlation exp(-d² / (4 s²)).
    for lag in (max(1, round(size)), max(1, round(2 * size))):
        expected = np.exp(-(lag**2) / (4 * size**2))
        for axis in (1, 2):
            first, second = (
                np.delete(fields, part, axis)
                for part in (slice(lag), slice(-lag, None))
            )
            found = np.corrcoef(first.ravel(), second.ravel())[0, 1]
            assert abs(found - expected) < 0.08


def test_the_four_fields_of_a_key_are_independent():
    fields = smooth_noise(8, Window(0, 0, 300, 300), 2).reshape(4, -1)
    assert np.abs(np.corrcoef(fields) - np.eye(4)).max() < 0.05


def test_hashes_of_neighbours_are_independent():
    bits = hashed(1, np.arange(300)[:, None], np.arange(300)).astype(float)
    for first, second in ((bits[1:], bits[:-1]), (bits[:, 1:], bits[:, :-1])):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
    assert len(np.unique(bits)) > 0.99 * bits.size


def test_cells_belong_to_the_nearest_site():
    window = Window(-30, 40, 70, 90)
    y, x = (
        np.broadcast_to(numbers.astype("float32"), (70, 90))
        for numbers in (window.rows, window.cols)
    )
    found = cells(5, y, x, 16)
    sites = list(sites_near(5, window, 16, radius=(40, 40)))
    away = np.stack([np.hypot(y - site.row, x - site.col) for site in sites])
    nearest = np.array([site.bits for site in sites])[away.argmin(axis=0)]
    assert np.array_equal(found.bits, nearest)
    first, second = np.sort(away, axis=0)[:2]
    assert np.allclose(found.border, (second - first) / 2, atol=1e-3)


# The landscape.


@pytest.mark.slow
@pytest.mark.parametrize("seed", [files.SEED, 3])
def test_each_class_has_its_share_of_the_land(seed):
    classes = LABEL_OF[land(seed).kind]
    shares = [float((classes == number).mean()) for number in range(6)]
    low = (0.02, 0.03, 0.04, 0.04, 0.1, 0.1)
    high = (0.1, 0.1, 0.13, 0.3, 0.6, 0.6)
    assert all(np.array(shares) > low), shares
    assert all(np.array(shares) < high), shares


@pytest.mark.slow
@pytest.mark.parametrize("seed", [files.SEED, 3])
def test_some_of_the_objects_have_labels_each_as_a_whole(seed):
    here, labels = land(seed), labels_of(seed, land(seed))
    classes = LABEL_OF[here.kind]
    known = labels != NO_LABEL
    assert np.array_equal(labels[known], classes[known])
    assert 0.12 < known.mean() < 0.4
    for number in range(6):
        mine = classes == number
        objects, index = np.unique(here.whole[mine], return_inverse=True)
        labelled = np.bincount(index, known[mine]) / np.bincount(index)
        assert set(labelled) == {0.0, 1.0}
        assert len(objects) > 5


@pytest.mark.slow
def test_rivers_are_100_to_400_m_wide():
    river = land().kind == NUMBER_OF["river"]
    # A lake beside a river is not part of it.
    apart = ~ndimage.binary_dilation(land().kind == NUMBER_OF["lake"], iterations=40)
    inside = ndimage.distance_transform_edt(np.pad(river, 1, "edge"))[1:-1, 1:-1]
    middle = (inside == ndimage.maximum_filter(inside, 25)) & river & apart
    width = 2 * inside[20:-20, 20:-20][middle[20:-20, 20:-20]] - 1
    assert len(width) > 20
    assert width.min() >= 8
    assert width.max() <= 42


def test_golf_courses_have_30_to_120_hectares():
    window = Window(0, 0, 3000, 3000)
    sites = list(sites_near(9, window, 285, radius=(31, 62)))
    areas = np.pi * np.array([site.radius for site in sites]) ** 2 / 100
    assert areas.min() > 30
    assert areas.max() < 121
    # In the landscape, other things cover parts of some of them.
    here = land()
    golf = LABEL_OF[here.kind] == 1
    edge = np.ones_like(golf)
    edge[1:-1, 1:-1] = False
    cut = set(here.whole[golf & edge])
    sizes = [
        (golf & (here.whole == one)).sum() / 100
        for one in np.unique(here.whole[golf])
        if one not in cut
    ]
    assert len(sizes) >= 5
    assert 20 < min(sizes) < np.median(sizes) < max(sizes) < 150


def test_most_fields_have_a_tenth_of_a_hectare_to_two():
    here = land()
    farm = here.kind == NUMBER_OF["farm"]
    areas = np.unique(here.part[farm], return_counts=True)[1] / 100
    # Weighted by area: tracks, roads and edges leave many tiny pieces.
    order = np.sort(areas)
    share = np.cumsum(order) / order.sum()
    low, high = (order[np.searchsorted(share, part)] for part in (0.1, 0.9))
    assert 0.1 < low < high < 2.1


def test_some_forest_is_larger_than_1000_hectares():
    # Roads through a forest do not end it.
    forest = ndimage.binary_closing(LABEL_OF[land().kind] == 4, iterations=3)
    regions, _ = ndimage.label(forest)
    assert np.bincount(regions.ravel())[1:].max() / 100 > 1000


# Files.

LAYOUT_FILES = {*layout.FILES, "MANIFEST.json"} | {
    f"terrain_truth_{area}.qml" for area in "abc"
}


@pytest.fixture(scope="module")
def tiny_scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return fetch_synthetic(folder, shape=(200, 298), name="tiny", seed=2)


def test_the_scene_has_the_files_of_the_layout(tiny_scene):
    assert tiny_scene.name == "tiny"
    assert {path.name for path in tiny_scene.iterdir()} == LAYOUT_FILES
    grid = rasters.read_grid(tiny_scene / "s2_10m.tif")
    assert tuple(grid.shape) == (200, 298)
    assert rasters.read_grid(tiny_scene / "s2_20m.tif") == grid.zoom_out(2)
    assert (grid.resolution.x, grid.resolution.y) == (10, -10)
    for area in "abc":
        path = tiny_scene / f"terrain_truth_{area}.tif"
        assert rasters.read_grid(path) == grid
        assert rasters.read_legend(path) == LEGEND


def test_the_files_hold_what_generate_gives(tiny_scene):
    scene = generate((200, 298), seed=2)
    fine = rasters.read_array(tiny_scene / "s2_10m.tif")
    coarse = rasters.read_array(tiny_scene / "s2_20m.tif")
    assert same((fine, coarse), scene[:2])
    for area in "abc":
        labels = rasters.read_array(tiny_scene / f"terrain_truth_{area}.tif")
        known = labels != NO_LABEL
        assert known.any()
        assert np.array_equal(labels[known], scene.labels[known])


def test_bands_are_named_and_0_is_no_data(tiny_scene):
    for name, bands in (
        ("s2_10m", ("B4", "B3", "B2", "B8")),
        ("s2_20m", ("B5", "B6", "B7", "B8A", "B11", "B12")),
    ):
        with rasterio.open(tiny_scene / f"{name}.tif") as dataset:
            assert dataset.descriptions == bands
            assert dataset.nodata == 0
            assert dataset.tags()["ATTRIBUTION"] == "Generated, not a real place"


def test_classes_are_those_of_the_tutorial():
    names = "water, golf course, park and grass land, buildings, forest, farm"
    assert LEGEND.names == tuple(names.split(", "))
    # These colours are tested for people with a colour-vision deficiency.
    assert LEGEND.colors == layout.LEGEND.colors


def test_a_second_run_does_nothing_and_another_seed_replaces_it_on_request(tmp_path):
    options = {"shape": (64, 128), "name": "two"}
    path = fetch_synthetic(tmp_path, seed=2, **options) / "s2_10m.tif"
    before = path.stat().st_mtime_ns, path.read_bytes()
    fetch_synthetic(tmp_path, seed=2, **options)
    with pytest.raises(FileExistsError, match=r"two.*--replace"):
        fetch_synthetic(tmp_path, seed=5, **options)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    fetch_synthetic(tmp_path, seed=5, replace=True, **options)
    assert np.array_equal(
        rasters.read_array(path), generate((64, 128), seed=5).image_10m
    )


def test_the_scenes_of_the_kit_are_not_replaced(tmp_path):
    with pytest.raises(ValueError, match="'havel' is used by the kit"):
        fetch_synthetic(tmp_path, shape=(64, 128), name="havel", replace=True)
    assert list(tmp_path.iterdir()) == []


def test_the_text_beside_a_scene_says_how_it_was_made(tmp_path):
    arguments = ["synthetic", "--folder", str(tmp_path), "--size", "64", "128"]
    assert main([*arguments, "--seed", "2", "--name", "off", "--offset"]) == 0
    text = (tmp_path / "off" / "SOURCES.md").read_text()
    assert "64 x 128 pixels, seed 2" in text
    assert "**plus 1000**" in text
    assert "| 1 | golf course |" in text
    values = rasters.read_array(tmp_path / "off" / "s2_10m.tif")
    assert values.min() > 1000


def test_one_number_makes_a_square(tmp_path, capsys):
    assert main(["synthetic", "--folder", str(tmp_path), "--size", "96"]) == 0
    folder = tmp_path / "synthetic"
    assert f"ready in '{folder}'" in capsys.readouterr().out
    assert rasters.read_array(folder / "s2_10m.tif").shape == (96, 96, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "64", "96", "4"], "3 numbers"),
        (["--size", "65", "96"], "`--size` is 65 96"),
        (["--size", "0"], "Give even numbers from 96 on"),
        (["--size", "64", "64"], "Choose a larger area"),
        (["--size", "96", "--seed", "-1"], "`seed` is -1"),
        (["--size", "96", "--purity", "0"], "`purity` is 0"),
        (["--size", "96", "--purity", "nan"], "`purity` is nan"),
        (["--size", "96", "--name", "../x"], "cannot have the name '../x'"),
        (["--size", "96", "--name", ""], "cannot have the name ''"),
        (["--size", "2000000"], "MB are needed"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(words, message, tmp_path, capsys):
    assert main(["synthetic", "--folder", str(tmp_path / "data"), *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []


def test_a_large_seed_is_a_seed():
    assert not same(generate((2, 2), seed=2**70), generate((2, 2), seed=2**70 + 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [files.SEED, 1, 3])
def test_all_classes_are_in_all_areas_of_a_scene(seed, tmp_path):
    folder = fetch_synthetic(tmp_path, seed=seed)
    for area in "abc":
        labels = rasters.read_array(folder / f"terrain_truth_{area}.tif")
        counts = np.bincount(labels.ravel(), minlength=256)[:6]
        assert counts.min() >= 1000, (area, counts)


def test_the_default_is_the_scene_that_notebooks_can_use():
    assert files.SHAPE == (768, 1536)
    assert (files.PURITY, files.SEED) == (0.3, 4)


@pytest.mark.parametrize("size", ["0", "-96", "97", "96 0", "1 96", "96 97"])
def test_a_wrong_size_is_refused_by_the_name_of_the_option(size, tmp_path, capsys):
    command = ["synthetic", "--size", *size.split(), "--folder", str(tmp_path)]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "`--size` is " in error
    assert "`shape`" not in error
    assert list(tmp_path.iterdir()) == []
