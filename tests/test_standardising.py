"""Standardised inputs: statistics of the bands, and networks that contain them."""

import itertools
import warnings

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.networks.identity import weights_digest

BANDS = {
    "pooled_cnn": {"input": 4},
    "pixelwise_fcnn": {"input": 4},
    "dual_source_fcnn": {"input_10m": 4, "input_20m": 6},
    "pan_xs_unet": {"input_p": 1, "input_xs": 4},
    "deeper_unet": {"input_p": 1, "input_xs": 4},
}
OPTIONS = {"deeper_unet": {"depth": 5}}


def statistics_of(bands, *, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: tl.BandStatistics(rng.uniform(500, 3000, n), rng.uniform(100, 900, n))
        for name, n in bands.items()
    }


def network(name, **options):
    build = getattr(tl.architectures, name)
    return build(4, crops=(), **OPTIONS.get(name, {}), **options)


def images(bands, side=64):
    rng = np.random.default_rng(1)
    sides = {"input_20m": side // 2, "input_xs": side // 4}
    return {
        name: rng.uniform(0, 4000, (2, *[sides.get(name, side)] * 2, n)).astype(
            "float32"
        )
        for name, n in bands.items()
    }


# Statistics


def test_statistics_are_those_of_all_pixels():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 10_000, (2500, 3, 3, 4), dtype="uint16")
    found = tl.band_statistics({"image": values, "labels": values[..., :1]})
    assert list(found) == ["image"]
    pixels = values.reshape(-1, 4).astype("float64")
    assert np.allclose(found["image"].mean, pixels.mean(0), rtol=1e-12)
    assert np.allclose(found["image"].std, pixels.std(0), rtol=1e-12)


def test_statistics_of_patches_are_those_of_their_arrays():
    scene = dict(testing.small_scene())
    positions = tl.select_positions(scene.pop("labels"), count=9, margin=8)
    sizes = {"input_10m": 16, "input_20m": 8}
    patches = tl.extract_patches(scene, positions, sizes=sizes)
    found = tl.band_statistics(patches)
    assert list(found) == ["input_10m", "input_20m"]
    assert found == tl.band_statistics(patches.arrays)
    assert len(found["input_20m"].std) == 6


def test_large_values_with_a_small_spread_keep_it():
    values = 1e8 + np.tile([0.0, 1.0], 50).reshape(100, 1, 1, 1)
    assert tl.band_statistics({"x": values})["x"].std == (0.5,)


@pytest.mark.parametrize(
    ("patches", "error", "match"),
    [
        (3, TypeError, "extract_patches"),
        ({"labels": np.zeros((1, 1, 1, 1))}, ValueError, "no source"),
        ({"x": [1]}, TypeError, r"`patches\['x'\]` is \[1\]"),
        ({"x": np.array(["a"])}, TypeError, "Give an array of numbers"),
        ({"x": np.zeros((4, 4))}, ValueError, r"shape \(4, 4\)"),
        ({"x": np.zeros((0, 4, 4, 1))}, ValueError, "shape"),
        ({"x": np.full((2, 1, 1, 1), np.nan)}, ValueError, "NaN"),
        ({"x": np.stack([np.arange(8.0), np.full(8, 7)], -1).reshape(2, 2, 2, 2)},
         ValueError, "Band 2 of 'x' has the value 7 everywhere"),
        ({"x": np.full((9, 9, 9, 1), 0.1)}, ValueError, "Band 1 of 'x'"),
    ],
)  # fmt: skip
def test_patches_without_statistics_are_refused(patches, error, match):
    with pytest.raises(error, match=match):
        tl.band_statistics(patches)


@pytest.mark.parametrize(
    ("mean", "std", "error", "match"),
    [
        ([1], [1, 2], ValueError, "1 value and `std` 2"),
        ([1], [0], ValueError, "`std` is 0 for band 1"),
        ([1], [-1], ValueError, "`std` is -1"),
        ([np.inf], [1], ValueError, "`mean` is inf"),
        (1, 2, TypeError, "`mean` is 1. Give a list"),
        ([], [], ValueError, "at least one"),
    ],
)
def test_wrong_statistics_are_refused(mean, std, error, match):
    with pytest.raises(error, match=match):
        tl.BandStatistics(mean, std)


# Networks


@pytest.mark.parametrize("name", BANDS)
def test_a_standardised_network_has_the_same_number_of_weights(name):
    plain, standardised = (
        network(name),
        network(name, statistics=statistics_of(BANDS[name])),
    )
    assert standardised.count_params() == plain.count_params()
    assert len(standardised.weights) == len(plain.weights)


@pytest.mark.parametrize("name", BANDS)
def test_inputs_are_standardised_by_band(name):
    bands = BANDS[name]
    statistics = statistics_of(bands)
    standardised = network(name, statistics=statistics)
    plain = network(name, scale=1.0)
    plain.set_weights(standardised.get_weights())
    given = images(bands)
    by_hand = {
        n: (x - np.float32(statistics[n].mean)) / np.float32(statistics[n].std)
        for n, x in given.items()
    }
    one, other = standardised(given)["estimated"], plain(by_hand)["estimated"]
    assert one.dtype == "float32"
    assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", BANDS)
def test_a_standardised_network_is_saved_with_its_statistics(name, tmp_path):
    bands = BANDS[name]
    model = network(name, statistics=statistics_of(bands))
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    given = images(bands)
    assert np.array_equal(loaded(given)["estimated"], model(given)["estimated"])
    assert weights_digest(loaded) == weights_digest(model)
    other = network(name, statistics=statistics_of(bands, seed=1))
    other.set_weights(model.get_weights())
    assert weights_digest(other) != weights_digest(model)


def test_an_exported_network_is_standardised_too(tmp_path):
    bands = BANDS["pixelwise_fcnn"]
    model = network("pixelwise_fcnn", statistics=statistics_of(bands))
    served = tl.load_predictor(tl.export(model, tmp_path / "served"))
    given = images(bands)
    found = served(given, ["estimated"])["estimated"]
    assert np.allclose(found, model(given)["estimated"], atol=1e-6)


@pytest.mark.parametrize("name", BANDS)
def test_standardising_changes_no_margin(name):
    plain = tl.analyse(network(name))
    standardised = tl.analyse(network(name, statistics=statistics_of(BANDS[name])))
    assert standardised.margins == plain.margins
    assert standardised.total_stride == plain.total_stride


def test_a_map_of_a_standardised_network_is_certified():
    model = network("pixelwise_fcnn", statistics=statistics_of({"input": 4}))
    assert tl.certify(model, "estimated", tile=8).exact


def test_a_map_is_the_same_for_each_tile_size():
    path = testing.small_scene()["input_10m"]
    model = network("pixelwise_fcnn", statistics=statistics_of({"input": 4}))
    maps = [
        tl.plan_inference(model, path, output="estimated", tile_size=size).read()
        for size in (16, 37)
    ]
    assert np.allclose(*maps, atol=1e-5)


@pytest.mark.parametrize(
    ("statistics", "error", "match"),
    [
        ({}, ValueError, "`statistics` has no 'input'"),
        (statistics_of({"other": 4}), ValueError, "has no 'input'. It has: other"),
        (statistics_of({"input": 3}), ValueError, "has 3 bands, and the input 4"),
        ({"input": (1, 2)}, TypeError, "band_statistics"),
        (3, TypeError, "`statistics` is 3"),
    ],
)
def test_statistics_that_do_not_fit_are_refused(statistics, error, match):
    with pytest.raises(error, match=match):
        network("pixelwise_fcnn", statistics=statistics)


def test_more_statistics_than_inputs_are_fine():
    statistics = statistics_of({"input": 4, "truth": 1})
    assert network("pixelwise_fcnn", statistics=statistics).count_params() > 0


# The warning


def trained_once(model, values):
    labels = np.zeros((len(values), 1, 1, 4), "float32")
    labels[..., 0] = 1
    model.compile("adam", {"estimated": "categorical_crossentropy"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit({"input": values}, {"estimated": labels}, verbose=0)
    return [str(one.message) for one in caught if "input 'input'" in str(one.message)]


@pytest.mark.slow
def test_statistics_of_another_unit_are_noticed():
    values = np.random.default_rng(0).uniform(0, 4000, (8, 16, 16, 4))
    values = values.astype("float32")
    statistics = tl.band_statistics({"input": values})
    model = network("pixelwise_fcnn", statistics=statistics)
    assert trained_once(model, values) == []
    model = network("pixelwise_fcnn", statistics=statistics)
    (message,) = trained_once(model, values / 10_000)
    assert "differ by at most 0.0" in message
    assert "band_statistics" in message


@pytest.mark.slow
def test_values_of_8_bits_are_standardised_without_a_warning():
    values = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 4), dtype="uint8")
    (message,) = trained_once(network("pixelwise_fcnn"), values)
    assert "statistics=tl.band_statistics(patches)" in message
    statistics = tl.band_statistics({"input": values})
    assert trained_once(network("pixelwise_fcnn", statistics=statistics), values) == []


# Changed patches


def batches_of(count=40, side=6, batch_size=16):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 4000, (count, side, side, 2)).astype("float32")
    inputs = {"fine": images, "coarse": images[:, :3, :3] + 7}
    return tf.data.Dataset.from_tensor_slices((inputs, {"y": images[..., :1]})).batch(
        batch_size
    )


def values_of(dataset):
    """Each input and target as one array."""
    batches = list(dataset.as_numpy_iterator())
    return {
        name: np.concatenate([part[i][name] for part in batches])
        for i, names in ((0, ("fine", "coarse")), (1, ("y",)))
        for name in names
    }


def test_without_changes_patches_are_what_they_were():
    one, other = values_of(batches_of()), values_of(tl.augment(batches_of()))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_all_inputs_of_a_patch_get_one_factor_and_one_number():
    before = values_of(batches_of())
    after = values_of(tl.augment(batches_of(), gain=0.2, offset=150))
    assert np.array_equal(before["y"], after["y"])
    found = []
    for i in range(40):
        x, y = (
            np.concatenate([v[name][i].ravel() for name in ("fine", "coarse")])
            for v in (before, after)
        )
        found.append(np.polyfit(x, y, 1))
        assert np.allclose(np.polyval(found[-1], x), y, atol=0.01)
    factors, numbers = np.array(found).T
    for values, low, high in ((factors, 0.8, 1.2), (numbers, -150, 150)):
        assert low <= values.min() < low + (high - low) / 4
        assert high >= values.max() > high - (high - low) / 4


def test_the_eight_forms_of_a_patch_are_as_likely_and_targets_turn_with_it():
    before = values_of(batches_of(count=400))
    after = values_of(tl.augment(batches_of(count=400), turns=True))
    forms = list(itertools.product((1, -1), (1, -1), (False, True)))
    counts = np.zeros(8, int)
    for i in range(400):
        for number, (rows, columns, swapped) in enumerate(forms):
            turned = {n: v[i][::rows, ::columns] for n, v in before.items()}
            if swapped:
                turned = {n: v.swapaxes(0, 1) for n, v in turned.items()}
            if np.array_equal(turned["fine"], after["fine"][i]):
                counts[number] += 1
                assert np.array_equal(turned["coarse"], after["coarse"][i])
                assert np.array_equal(turned["y"], after["y"][i])
    assert counts.sum() == 400
    assert counts.min() > 25


def test_a_seed_changes_patches_alike_and_each_epoch_in_another_way():
    options = {"turns": True, "gain": 0.1, "offset": 10}
    one, same = (tl.augment(batches_of(), seed=3, **options) for _ in range(2))
    epochs = [values_of(one)["fine"] for _ in range(2)]
    assert np.array_equal(epochs[0], values_of(same)["fine"])
    assert np.array_equal(epochs[1], values_of(same)["fine"])
    assert not np.array_equal(*epochs)
    other = values_of(tl.augment(batches_of(), seed=4, **options))["fine"]
    assert not np.array_equal(epochs[0], other)


def test_the_number_of_batches_stays_known():
    assert int(tl.augment(batches_of(), gain=0.1).cardinality()) == 3


def test_a_network_trains_on_changed_patches():
    scene = dict(testing.small_scene())
    positions = tl.select_positions(scene.pop("labels"), count=9, margin=8)
    patches = tl.extract_patches(
        {"input": scene["input_10m"]},
        positions,
        sizes={"input": 16},
        out_dir=testing.scratch_folder(),
    )
    dataset = tl.patch_dataset(patches.paths, class_count=4)
    model = network("pixelwise_fcnn", statistics=tl.band_statistics(patches))
    model.compile("adam", {"estimated": "categorical_crossentropy"})
    losses = model.fit(
        tl.augment(dataset, turns=True, gain=0.2, offset=150), epochs=2, verbose=0
    ).history["loss"]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"turns": 1}, TypeError, "`turns` is 1"),
        ({"gain": 1.5}, ValueError, "`gain` is 1.5. Give a number from 0 to 1"),
        ({"offset": -1}, ValueError, "`offset` is -1"),
        ({"seed": 0.5}, ValueError, "`seed` is 0.5"),
        ({"dataset": [1]}, TypeError, "`dataset`"),
    ],
)
def test_wrong_changes_are_refused(options, error, match):
    options = {"dataset": batches_of()} | options
    with pytest.raises(error, match=match):
        tl.augment(**options)


def test_what_is_no_batch_of_images_is_refused():
    import tensorflow as tf

    numbers = tf.data.Dataset.range(3)
    with pytest.raises(TypeError, match="patch_dataset"):
        tl.augment(numbers)
    flat = tf.data.Dataset.from_tensors(({"x": [1.0]}, {"y": [2.0]}))
    with pytest.raises(TypeError, match=r"'x' of the shape \(1,\)"):
        tl.augment(flat)
    wide = tf.data.Dataset.from_tensors(({"x": np.zeros((1, 2, 3, 1))},) * 2)
    assert len(list(tl.augment(wide, gain=0.1))) == 1
    with pytest.raises(ValueError, match="2x3 px"):
        tl.augment(wide, turns=True)
