"""RMSE on the common window, seams, and distortion against crop, distance and cost."""

import io
import subprocess
import sys
from dataclasses import replace
from itertools import product
from math import erf, exp, inf, pi, sqrt

import numpy as np
import pytest
from exact_networks import LARGEST, adding_pairs
from PIL import Image
from scenes import write

from tutorial_lib import (
    Source,
    architectures,
    distortion_curve,
    plan_inference,
    rmse,
    seam_score,
    testing,
)
from tutorial_lib.distortion import distances, seams
from tutorial_lib.grids import GridMismatchError
from tutorial_lib.rasters import SourceReader

# What sums in another order may leave of probabilities. A chunk of another size may be
# computed by another kernel.
ROUNDING = 1e-6


@pytest.fixture
def folder():
    return testing.scratch_folder()


# ---------------------------------------------------------------------------- RMSE


@pytest.fixture
def shifted(folder):
    """Two rasters of 3 bands; b begins 9 rows below and 14 columns left of a."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=(61, 47, 3)).astype("float32")
    b = rng.normal(size=(75, 53, 3)).astype("float32")
    paths = (
        write(folder / "a.tif", a, spacing=1.5),
        write(
            folder / "b.tif",
            b,
            spacing=1.5,
            corner=(500_000 - 14 * 1.5, 4_800_000 - 9 * 1.5),
        ),
    )
    return *paths, a[9:, :39], b[:52, 14:]


@pytest.mark.parametrize("block", [512, 16])
def test_rmse_compares_pixels_on_the_same_ground(shifted, block, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", block)
    a_path, b_path, a, b = shifted
    squares = (a.astype("float64") - b) ** 2
    for one, other in ((a_path, b_path), (b_path, a_path)):
        distance = rmse(one, other)
        assert distance.window_shape == (52, 39)
        assert (distance.pixel_count, distance.left_out) == (52 * 39, 0)
        assert float(distance) == distance.per_value
        assert distance.per_value == pytest.approx(sqrt(squares.mean()), rel=1e-12)
        summed = sqrt(squares.sum(axis=-1).mean())
        assert distance.summed_over_bands == pytest.approx(summed, rel=1e-12)
        assert summed == pytest.approx(distance.per_value * sqrt(3), rel=1e-12)
        assert distance.largest == pytest.approx(sqrt(squares.max()), rel=1e-12)
        assert distance.differing_share == 1


def test_blocks_that_are_read_do_not_grow_with_the_rasters(shifted, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 16)
    read, sizes = SourceReader.read_block, []

    def noted(reader, row, col, height, width):
        sizes.append((height, width))
        return read(reader, row, col, height, width)

    monkeypatch.setattr(SourceReader, "read_block", noted)
    rmse(*shifted[:2])
    assert max(map(max, sizes)) == 16
    assert sum(h * w for h, w in sizes) == 2 * 52 * 39


def test_a_raster_does_not_differ_from_itself(shifted):
    distance = rmse(shifted[0], shifted[0])
    assert (float(distance), distance.largest, distance.differing_share) == (0, 0, 0)


def test_small_integers_do_not_wrap(folder):
    low, high = (np.full((3, 5), value, "uint8") for value in (1, 255))
    a, b = write(folder / "a.tif", low), write(folder / "b.tif", high)
    assert rmse(a, b).largest == rmse(b, a).largest == float(rmse(a, b)) == 254


def test_label_maps_are_compared_by_the_share_of_differing_pixels(folder):
    a = np.zeros((7, 9), "uint8")
    b = a.copy()
    b[2, 3], b[5, :3] = 1, 200
    near = rmse(write(folder / "a.tif", a), write(folder / "b.tif", b))
    assert near.differing_share == pytest.approx(4 / 63)
    assert "6.35% of the pixels differ" in " ".join(repr(near).split())


def test_pixels_without_data_in_either_raster_are_left_out_and_counted(folder):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, (2, 11, 6, 2)).astype("float32")
    a[0], a[1, 0, 1] = -9, -9
    b[2, 0, 1], b[2, 1] = np.nan, np.inf
    distance = rmse(
        write(folder / "a.tif", a, nodata=-9),
        Source(write(folder / "b.tif", b), nodata=0),
    )
    # A row of `a` in all its bands; of `b`, one NaN and one infinity.
    assert (distance.pixel_count, distance.left_out) == (11 * 6 - 8, 8)
    kept = np.ones((11, 6), bool)
    kept[0] = kept[2, :2] = False
    squares = ((a.astype("float64") - b)[kept]) ** 2
    assert float(distance) == pytest.approx(sqrt(squares.mean()), rel=1e-12)


def test_rasters_without_a_common_measured_pixel_are_refused(folder):
    a, b = np.ones((5, 7), "float32"), np.ones((5, 7), "float32")
    a[:3], b[3:] = np.nan, np.nan
    with pytest.raises(ValueError, match="None of the 35 common pixels"):
        rmse(write(folder / "a.tif", a), write(folder / "b.tif", b))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"corner": (500_070, 4_800_000)}, r"begins 0 rows and 7 columns.* same place"),
        ({"corner": (500_000, 4_800_050)}, r"begins -5 rows and 0 columns"),
        ({"spacing": 20}, r"2 times as high and 2 times as wide.*gdalwarp -tr"),
        ({"corner": (500_005, 4_799_990)}, r"1 rows and 0.5 columns.*same reference"),
        ({"crs": "EPSG:32632"}, r"EPSG:32632.*EPSG:32631.*gdalwarp"),
    ],
)
def test_grids_that_do_not_fit_are_refused(folder, other, words):
    a = write(folder / "a.tif", np.ones((5, 7)))
    b = write(folder / "b.tif", np.ones((5, 7)), **other)
    with pytest.raises(GridMismatchError, match=words):
        rmse(a, b)


def test_bands_can_be_chosen_where_their_numbers_differ(folder):
    a = write(folder / "a.tif", np.ones((5, 7, 3)))
    b = write(folder / "b.tif", np.ones((5, 7)) * 4)
    with pytest.raises(ValueError, match="a has 3 bands and b has 1"):
        rmse(a, b)
    assert float(rmse(Source(a, bands=[2]), b)) == 3


# --------------------------------------------------------------------------- seams


def relative_error(count, correlation):
    """Standard error of a mean of |x|, x Gaussian, as a share of that mean.

    Cov(|x|, |y|) = 2/π (√(1 - ρ²) + ρ asin ρ - 1) and E|x|² = 2/π, for variance 1.
    """
    rho = np.clip(correlation, -1, 1)
    terms = np.sqrt(1 - rho**2) + rho * np.arcsin(rho) - 1
    return sqrt(terms.sum() / count)


@pytest.mark.parametrize("seed", range(4))
def test_smooth_noise_has_no_seams(folder, seed):
    height, width, tile, size = 500, 700, 64, 3
    noise = testing.smooth_noise(
        height, width, size=size, rng=np.random.default_rng(seed)
    )
    path = write(folder / "map.tif", noise.astype("float32"))
    # The filter exp(-(π size f)²) gives the correlation exp(-d² / (2 size²)) of the
    # noise, and along a border of its jumps. Borders are many sizes apart.
    distance = np.arange(-10 * size, 10 * size + 1)
    correlation = np.exp(-(distance**2) / (2 * size**2))
    borders = 7 * width + 10 * height
    others = 8 * width + 11 * height
    error = np.hypot(*(relative_error(n, correlation) for n in (borders, others)))
    assert error < 0.03
    assert seam_score(path, tile=tile) == pytest.approx(1, abs=4 * error)


def test_a_step_at_each_tile_gives_its_analytic_score(folder):
    """Jumps of white noise have the sd √2; with a step they are folded normal."""
    height, width, tile, step, sd = 450, 610, 48, 1.5, sqrt(2)
    noise = np.random.default_rng(0).normal(size=(height, width))
    rows, cols = np.mgrid[:height, :width] // tile
    path = write(folder / "map.tif", noise + step * (rows + cols))
    folded = sd * sqrt(2 / pi) * exp(-(step**2) / (2 * sd**2)) + step * erf(step / 2)
    mean = sd * sqrt(2 / pi)
    # Neighbours of neighbours share no pixel along a border: the jumps are independent.
    borders = 9 * width + 12 * height
    spread = sqrt((sd**2 + step**2 - folded**2) / borders) / folded
    error = np.hypot(spread, relative_error(borders, np.ones(1)))
    expected = folded / mean
    assert expected > 1.3
    assert seam_score(path, tile=tile) == pytest.approx(expected, rel=4 * error)
    # The same steps, looked at with another tile: hardly a border is at a step.
    assert seam_score(path, tile=49) < 1.1


def checkerboard(height, width, period):
    """A pattern that a transposed convolution leaves: rows and columns repeat."""
    profile = np.random.default_rng(1).normal(size=period)
    rows, cols = np.mgrid[:height, :width] % period
    return (profile[rows] + profile[cols] + 0.3 * profile[(rows + cols) % period]) * 5


@pytest.mark.parametrize(("tile", "stride"), [(128, None), (64, 16), (80, 16)])
def test_a_pattern_of_the_total_stride_is_not_a_seam(folder, tile, stride):
    board = checkerboard(301, 405, 16)
    path = write(folder / "map.tif", board)
    assert seam_score(path, tile=tile, stride=stride) == pytest.approx(1)
    rows, cols = np.mgrid[:301, :405] // tile
    stepped = write(folder / "stepped.tif", board + 40.0 * (rows + cols))
    assert seam_score(stepped, tile=tile, stride=stride) > 2


def test_half_a_tile_off_the_phase_needs_the_total_stride(folder):
    """A sawtooth falls by 15 where a period of 16 begins, and else rises by 1."""
    rows, cols = np.mgrid[:301, :405] % 16
    path = write(folder / "map.tif", 1.0 * rows + cols)
    assert seam_score(path, tile=80) == pytest.approx(15)
    assert seam_score(path, tile=80, stride=16) == pytest.approx(1)


def test_rows_and_columns_are_weighed_alike_in_borders_and_elsewhere(folder):
    """Steep along the columns only: an uneven number of borders is no seam."""
    rows, cols = np.mgrid[:70, :50]
    path = write(folder / "map.tif", 1.0 * rows + 100.0 * cols)
    # Rows 30 and 60 against 15 and 45, but column 30 against 15 and 45.
    assert seam_score(path, tile=30) == pytest.approx(1)
    assert seam_score(path, tile=60) == pytest.approx(1)
    seamy = write(folder / "seamy.tif", 1.0 * rows + 100.0 * cols + 5.0 * (rows // 60))
    assert seam_score(seamy, tile=60) == pytest.approx(6)


def test_in_label_maps_only_whether_classes_differ_counts(folder):
    """Two classes in each tile, two others in the next: all differ across."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:240, :330] // 24
    labels = (rng.integers(0, 2, rows.shape) + 2 * ((rows + cols) % 2)).astype("uint8")
    others = 10 * 330 + 14 * 240
    error = 0.5 / sqrt(others) / 0.5
    scores = [
        seam_score(write(folder / "map.tif", classes), tile=24)
        for classes in (labels, np.array([7, 250, 3, 90], "uint8")[labels])
    ]
    assert scores[0] == scores[1] == pytest.approx(2, rel=4 * error)


def test_jumps_to_and_from_no_data_do_not_count(folder):
    rows, cols = np.mgrid[:47, :65]
    values = (1.0 * rows + cols + 2 * (rows // 10 + cols // 10))[..., np.newaxis]
    values[18:22, 30:] = -1e6
    values[5:7, 3:11] = np.nan
    path = write(folder / "map.tif", values, nodata=-1e6)
    assert seam_score(path, tile=10) == pytest.approx(3)
    empty = write(folder / "empty.tif", np.full((30, 30), np.nan))
    with pytest.raises(ValueError, match="two neighbours across borders"):
        seam_score(empty, tile=10)


@pytest.mark.parametrize("block", [7, 20, 33])
def test_a_score_does_not_depend_on_what_is_read_at_once(folder, block, monkeypatch):
    values = np.random.default_rng(0).normal(size=(83, 61, 2)).cumsum(axis=0)
    path = write(folder / "map.tif", values)
    whole = seam_score(path, tile=20)
    monkeypatch.setattr(seams, "BLOCK", block)
    assert seam_score(path, tile=20) == pytest.approx(whole, rel=1e-12)
    # By hand: rows and columns, borders against places half a tile away.
    parts = []
    for axis, size in enumerate(values.shape[:2]):
        jumps = np.abs(np.diff(values, axis=axis)).mean(axis=(1 - axis, 2))
        border, other = (jumps[np.arange(p, size, 20) - 1] for p in (20, 10))
        count = border.size * values.shape[1 - axis]
        parts.append((count * border.mean(), count * other.mean()))
    (across_rows, due_rows), (across_cols, due_cols) = parts
    expected = (across_rows + across_cols) / (due_rows + due_cols)
    assert whole == pytest.approx(expected, rel=1e-12)


def test_maps_of_one_value_and_of_one_value_a_tile(folder):
    flat = np.full((40, 30), 0.5)
    assert seam_score(write(folder / "a.tif", flat), tile=16) == 1
    assert (
        seam_score(
            write(folder / "b.tif", flat + np.indices((40, 30))[0] // 16), tile=16
        )
        == inf
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tile": 40}, "40 x 30 px, less than two tiles"),
        ({"tile": 1}, "`tile` is 1. Give .* 2 or more"),
        ({"tile": 10.0}, r"`tile` is 10\.0"),
        ({"tile": 16, "stride": 5}, "`stride` is 5.* tiles of 16 px"),
        ({"tile": 16, "stride": 16}, "`stride` is 16.* from 1 to 15"),
        ({"tile": 16, "stride": 0}, "`stride` is 0.* from 1 to 15"),
    ],
)
def test_impossible_tiles_are_refused(folder, options, words):
    path = write(folder / "map.tif", np.zeros((40, 30)))
    with pytest.raises(ValueError, match=words):
        seam_score(path, **options)


# -------------------------------------------------------------------------- curves


def pan_and_xs(height, width, *, seed=0):
    """Random pixels at 1.5 m and 6 m, the second covering the first."""
    folder, rng = testing.scratch_folder(), np.random.default_rng(seed)
    pan = rng.integers(0, 800, (height, width, 1)).astype("float32")
    xs = rng.integers(0, 800, (-(-height // 4), -(-width // 4), 4)).astype("float32")
    paths = {
        "input_p": write(folder / "pan.tif", pan, spacing=1.5),
        "input_xs": write(folder / "xs.tif", xs, spacing=6),
    }
    return paths, {"input_p": pan, "input_xs": xs}


def positive(model, seed=0):
    """Kernels without a zero or a sign: nothing that is read stays hidden."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "kernel" in weight.name:
            value = rng.uniform(0.2, 1.8, weight.shape)
            weight.assign(value / np.prod(weight.shape[:-1]))
    return model


@pytest.fixture(scope="module")
def unet():
    return positive(architectures.pan_xs_unet(3, crops=()))


@pytest.fixture(scope="module")
def scene():
    return pan_and_xs(300, 343)


@pytest.fixture(scope="module")
def curve(unet, scene):
    crops = (0, 8, 16, 24, 30, 31, 32, 40)
    return distortion_curve(unet, scene[0], output="estimated", crops=crops, chunk=128)


def test_the_distortion_falls_and_is_zero_from_crop_31_on(curve):
    table = curve.table()
    assert (np.diff(table.rmse.loc[:31]) < 0).all()
    assert (table.rmse.loc[:30] > 5 * ROUNDING).all()
    assert (table.largest.loc[31:] <= ROUNDING).all()
    assert (table.labels_changed.loc[31:] == 0).all()
    assert table.exact.tolist() == [False] * 5 + [True] * 3
    assert table.rmse_summed.to_numpy() == pytest.approx(table.rmse * sqrt(3))


def test_the_cost_is_what_is_computed_for_what_is_kept(curve):
    table = curve.table()
    assert table.kept.to_numpy() == pytest.approx(((128 - 2 * table.index) / 128) ** 2)
    assert table.cost[32] == pytest.approx(4)
    assert table.cost[16] == pytest.approx(16 / 9)
    assert table.index[table.tiles].tolist() == [0, 8, 16, 24, 32, 40]


def test_the_left_and_the_top_reach_31_px_the_right_and_the_bottom_16(curve):
    assert curve.margins == (31, 31, 16, 16)
    table = curve.by_distance()
    for side, reach in {"left": 31, "top": 31, "right": 16, "bottom": 16}.items():
        profile = table[side].dropna()
        assert (profile.loc[: reach - 1] > 5 * ROUNDING).all()
        assert (profile.loc[reach:] <= ROUNDING).all()
        # Up to where the opposite side begins to reach.
        assert len(profile) == 128 - {31: 16, 16: 31}[reach]


def test_all_chunks_against_the_network_on_the_whole_image(unet):
    """Truth, places and errors by hand: chunks at multiples of 16, off the borders."""
    paths, arrays = pan_and_xs(211, 245, seed=1)

    def run(row, col, height, width):
        part = {
            name: array[np.newaxis, row // k : (row + height) // k][
                :, :, col // k : (col + width) // k
            ]
            for (name, array), k in zip(arrays.items(), (1, 4), strict=True)
        }
        return unet(part)["estimated"].numpy()[0].astype("float64")

    whole = run(0, 0, 208, 240)
    # What 208 x 240 px give is right from 31 px on, up to 16 px before the end.
    places = list(product(range(32, 192 - 80 + 1, 16), range(32, 224 - 80 + 1, 16)))
    alone = np.array([run(row, col, 80, 80) for row, col in places])
    truth = np.array([whole[r : r + 80, c : c + 80] for r, c in places])
    errors, changed = alone - truth, alone.argmax(-1) != truth.argmax(-1)
    curve = distortion_curve(
        unet, paths, output="estimated", crops=(3, 0), chunk=80, count=1000
    )
    assert (curve.chunk_count, curve.passed_over) == (len(places), 0) == (48, 0)
    assert [one.crop for one in curve.crops] == [0, 3]
    for one in curve.crops:
        kept = slice(one.crop, 80 - one.crop)
        inner = errors[:, kept, kept]
        assert one.rmse == pytest.approx(sqrt((inner**2).mean()), rel=1e-4)
        assert one.largest == pytest.approx(np.abs(inner).max(), rel=1e-4)
        share = changed[:, kept, kept].mean()
        assert one.labels_changed == pytest.approx(share, rel=0.01)
        assert share > 0.001
    profile = np.abs(errors)[:, 31:-16].mean(axis=(0, 1, 3))[: 80 - 16]
    left = curve.by_distance()["left"].dropna().to_numpy()
    assert left == pytest.approx(profile, abs=ROUNDING)


@pytest.mark.parametrize("depth", [3, 4, 5])
def test_deeper_networks_are_exact_from_their_seamless_crop_on(depth):
    """2^(D+1), the general law; the borders reach one pixel less."""
    seamless = 2 ** (depth + 1)
    paths, _ = pan_and_xs(5 * seamless + 3, 6 * seamless + 1)
    network = architectures.deeper_unet(2, depth=depth, crops=(), scale=1)
    curve = distortion_curve(
        adding_pairs(network),
        paths,
        output="estimated",
        crops=(seamless // 2, seamless - 2, seamless - 1, seamless),
        count=2,
    )
    table = curve.table()
    assert (table.largest.loc[: seamless - 2] >= 1).all()
    assert (table.largest.loc[: seamless - 2] < LARGEST).all()
    assert (table.largest.loc[seamless - 1 :] == 0).all()
    assert table.index[table.tiles & table.exact].tolist() == [seamless]


def test_most_crops_of_the_tutorial_cannot_be_tiled():
    paths, _ = pan_and_xs(690, 681)
    curve = distortion_curve(
        positive(architectures.deeper_unet(2, depth=5, crops=())),
        paths,
        output="estimated",
        crops=architectures.MANY_CROPS,
        count=1,
    )
    # The smallest multiple of 32 above 2 * 256.
    assert curve.chunk == 544
    table = curve.table()
    can = [c for c in architectures.MANY_CROPS if (544 - 2 * c) % 32 == 0]
    assert table.index[table.tiles].tolist() == can
    assert {8, 24}.isdisjoint(can)
    assert {16, 32, 64} < set(can)


def test_labels_are_compared_by_the_share_that_changed(unet, scene):
    crops, paths = (0, 8, 40), scene[0]
    classes, labels = (
        distortion_curve(unet, paths, output=output, crops=crops, chunk=128)
        for output in ("estimated", "estimated_labels")
    )
    assert classes.table().labels_changed.equals(labels.table().labels_changed)
    assert labels.crops[0].labels_changed > 0


def test_one_band_of_floats_has_no_labels():
    curve = distortion_curve(
        _one_band(), _one_band_image(70, 81), output="conv", crops=(0, 1, 2)
    )
    table = curve.table()
    assert table.labels_changed.isna().all()
    # A 3 x 3 mean with 0 around it: 2/3 of an image of ones, 4/9 in the corners.
    assert curve.chunk == 5
    due = sqrt((4 * (5 / 9) ** 2 + 12 / 9) / 25)
    assert table.rmse[0] == pytest.approx(due, rel=1e-6)
    assert table.largest[1] <= ROUNDING
    # A chunk beside the border has nothing to be compared with.
    assert curve.margins == (1, 1, 1, 1)


def _one_band():
    import keras

    image = keras.Input((None, None, 1), name="image")
    layer = keras.layers.Conv2D(1, 3, padding="same", name="conv")
    model = keras.Model(image, layer(image))
    layer.set_weights([np.full((3, 3, 1, 1), 1 / 9), np.zeros(1)])
    return model


def _one_band_image(height, width):
    image = np.ones((height, width), "float32")
    return write(testing.scratch_folder() / "image.tif", image)


def test_networks_that_do_not_pad_have_no_distortion(folder):
    path = folder / "fcnn.keras"
    model = architectures.pixelwise_fcnn(4, crops=())
    model.save(path)
    image = Source(testing.small_scene()["input_10m"], receptive_field=16)
    curve = distortion_curve(path, image, output="estimated", crops=(0, 5), chunk=40)
    table = curve.table()
    assert (table.largest <= ROUNDING).all()
    assert table.tiles.all()
    assert table.exact.all()
    # 16 px to one: 40 px give 25.
    assert table.kept.tolist() == pytest.approx([(25 / 40) ** 2, (15 / 40) ** 2])
    assert curve.by_distance().shape == (25, 4)


def test_outputs_that_are_coarser_than_the_reference():
    """The 10 m source first: one pixel of 20 m for 2 x 2 of the reference."""
    scene = testing.small_scene()
    names = ("input_10m", "input_20m")
    curve = distortion_curve(
        architectures.dual_source_fcnn(4, crops=()),
        {name: scene[name] for name in names},
        output="estimated",
        crops=(0, 2),
        chunk=40,
    )
    # 16 px to one, 2 px further to the next: 40 px give 13.
    table = curve.table()
    assert table.kept.tolist() == pytest.approx([(26 / 40) ** 2, (18 / 40) ** 2])
    assert (table.largest <= ROUNDING).all()


def test_maps_of_different_crops_are_compared_on_the_ground(unet, scene):
    """Without a crop the map begins at pixel 0, with derived margins at pixel 31."""
    folder, paths = testing.scratch_folder(), scene[0]
    fields = {"input_p": 64, "input_xs": 16}
    declared = {n: Source(path, receptive_field=fields[n]) for n, path in paths.items()}
    with pytest.warns(UserWarning, match="borders of a chunk reach"):
        blocky = plan_inference(
            unet, declared, output="estimated", expression_field=64, tile_size=64
        )
    exact = plan_inference(unet, paths, output="estimated", tile_size=64)
    values, truth = blocky.read(), exact.read()
    for plan, name in ((blocky, "blocky.tif"), (exact, "exact.tif")):
        plan.write(folder / name, progress=False)
    # 4 x 5 chunks of 64 px lie within 300 x 343 px.
    height, width = min(len(truth), 4 * 64 - 31), min(truth.shape[1], 5 * 64 - 31)
    apart = values[31:][:, 31:][:height, :width] - truth[:height, :width]
    distance = rmse(folder / "blocky.tif", folder / "exact.tif")
    assert distance.window_shape == (height, width)
    assert float(distance) == pytest.approx(sqrt((apart**2).mean()), rel=1e-5)
    assert float(distance) > 1000 * ROUNDING
    seams = [
        abs(seam_score(folder / name, tile=64, stride=16) - 1)
        for name in ("exact.tif", "blocky.tif")
    ]
    assert 10 * seams[0] < seams[1]


def test_a_seed_chooses_the_chunks(unet, scene):
    def errors(seed):
        options = {"output": "estimated", "crops": (0,), "chunk": 48, "count": 2}
        return distortion_curve(unet, scene[0], seed=seed, **options).error

    assert np.array_equal(errors(1), errors(1))
    assert not np.array_equal(errors(1), errors(2))


def test_chunks_that_read_no_data_are_passed_over_and_counted():
    image = np.ones((40, 50), "float32")
    image[:, 30] = 0
    path = write(testing.scratch_folder() / "image.tif", image)
    options = {"output": "conv", "crops": (0,), "chunk": 8, "count": 1000}
    curve = distortion_curve(_one_band(), Source(path, nodata=0), **options)
    # 31 rows of chunks from row 1 to 31; columns from 1 to 41, of which those are
    # passed over whose 8 px and the one beside them hold column 30.
    assert curve.passed_over == 31 * 10
    assert curve.chunk_count == 31 * 41 - 31 * 10
    every = curve.by_distance()
    assert every.iloc[1:].to_numpy() == pytest.approx(0, abs=ROUNDING)
    full = write(testing.scratch_folder() / "full.tif", np.zeros((40, 50), "float32"))
    with pytest.raises(ValueError, match=r"All of 100 chunks of 8 px"):
        distortion_curve(
            _one_band(), Source(full, nodata=0), **(options | {"count": 2})
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crops": (8, 64, 96), "chunk": 128}, "128 px.*64, 96 leave nothing.*208 px"),
        (
            {"crops": (8,), "chunk": 100},
            r"100 px is not a multiple.*Use 96 or 112",
        ),
        ({"crops": (8,), "chunk": 32}, r"reach them all \(47 px\).*48 px"),
        ({"crops": (), "chunk": 128}, r"`crops` is \(\).* at least one"),
        ({"crops": (8, -1)}, "-1"),
        ({"crops": (8.5,)}, r"8\.5"),
        ({"crops": (8,), "count": 0}, "`count` is 0.* 1 or more"),
        ({"crops": (126,)}, "No chunk of 256 px.*larger rasters"),
        ({"crops": (8,), "output": "estimate"}, "no output 'estimate'"),
    ],
)
def test_impossible_measurements_are_refused(unet, scene, options, words):
    with pytest.raises(ValueError, match=words):
        distortion_curve(unet, scene[0], **({"output": "estimated"} | options))


def test_models_whose_fields_are_unknown_are_refused():
    image = testing.small_scene()["input_10m"]
    network = testing.BlockMean({"input": 3})
    with pytest.raises(ValueError, match=r"plain function.*keras\.Model"):
        distortion_curve(network, image, output="estimated", crops=(0,))
    model = architectures.pixelwise_fcnn(4, crops=())
    with pytest.raises(TypeError, match=r"`output` is \['estimated'\]"):
        distortion_curve(model, image, output=["estimated"], crops=(0,))


# ------------------------------------------------------------------------- figures


def drawn(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def tick_texts(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_the_figure_shows_errors_costs_and_sides(curve):
    figure = curve.plot()
    assert drawn(figure).std() > 10
    by_crop, by_side, costs = figure.as_figure().axes
    assert costs.lines[0].get_ydata() == pytest.approx(curve.table().cost)
    lines = {line.get_label(): line for line in by_crop.lines}
    tiled, hollow = lines["error"], lines["error, cannot be tiled"]
    assert hollow.get_xdata().tolist() == [30, 31]
    assert hollow.get_markerfacecolor() == "none"
    table = curve.table()
    assert tiled.get_ydata()[:4] == pytest.approx(table.rmse.loc[:24])
    labels = [text.get_text() for text in by_side.get_legend().get_texts()]
    assert labels == ["left: 31 px", "top: 31 px", "right: 16 px", "bottom: 16 px"]
    assert "0" in tick_texts(by_side)
    assert "margins: left 31, top 31, right 16, bottom 16 px" in figure.description


def test_each_side_is_drawn_up_to_its_margin_and_errors_beyond_it_too(curve):
    def ends(curve):
        by_side = curve.plot().as_figure().axes[1]
        sides = {line.get_label().split(":")[0]: line for line in by_side.lines}
        return [
            int(sides[side].get_xdata()[np.isfinite(sides[side].get_ydata())].max())
            for side in ("left", "top", "right", "bottom")
        ]

    assert ends(curve) == [31, 31, 16, 16]
    # An error where there should be none is no rounding: it is shown.
    error = curve.error.copy()
    error[64, -21] += 0.5
    assert ends(replace(curve, error=error)) == [31, 31, 20, 16]


def test_zero_is_at_the_bottom_of_the_axis_and_says_so():
    curve = distortion_curve(
        _one_band(), _one_band_image(30, 41), output="conv", crops=(0, 1, 2)
    )
    by_crop = curve.plot().as_figure().axes[0]
    places = by_crop.lines[0].get_ydata()
    assert [one.rmse == 0 for one in curve.crops] == [False, True, True]
    ticks = dict(zip(tick_texts(by_crop), by_crop.get_yticks(), strict=True))
    assert places[1] == places[2] == ticks["0"] == min(ticks.values())
    assert places[0] == curve.crops[0].rmse > ticks["0"]


def test_a_figure_of_zeros_only():
    image = testing.small_scene()["input_10m"]
    model = architectures.pixelwise_fcnn(4, crops=())
    curve = distortion_curve(model, image, output="estimated_labels", crops=(0, 1))
    figure = curve.plot()
    assert "0" in tick_texts(figure.as_figure().axes[0])
    assert drawn(figure).std() > 10


def test_importing_loads_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, tutorial_lib.distortion\n"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
