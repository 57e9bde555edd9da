"""What notebook 09 says of fine-tuning: where it helps, and where it does not."""

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from data_fetch import practice
from data_fetch.practice.files import REMOVED, band_file
from data_fetch.practice.pictures import CLOUD, DATES, SHADOW, THIN_CLOUD
from data_fetch.synthetic import fetch_synthetic
from tutorial_lib import rasters, recorded
from tutorial_lib.exercises import nb09_going_further as ex
from tutorial_lib.patches.extraction import Patches

NETWORKS = ("fcnn_havel", "fcnn_havel_1", "fcnn_havel_2")
SEEDS = range(5)
LOSS = {"estimated": "categorical_crossentropy"}
SPRING = DATES[1]
FROZEN, UNFROZEN, SCRATCH = "frozen", "unfrozen", "from scratch"
BASELINE = "maximum likelihood"


def freeze(model, rate):
    """The solution of the exercise."""
    return ex.freeze.run(ex.freeze.solution_code)(model, rate)


def unfrozen(model, rate):
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=LOSS)
    return model


def of_havel(seed):
    path = recorded.weights_path(NETWORKS[seed % len(NETWORKS)])
    return keras.models.load_model(path, compile=False)


def tuned(seed, few):
    """The networks of the notebook, trained with few labels."""
    keras.utils.set_random_seed(seed)
    statistics = tl.band_statistics(few)
    fresh = tl.architectures.pixelwise_fcnn(6, crops=(), statistics=statistics)
    models = {
        SCRATCH: unfrozen(fresh, 1e-3),
        FROZEN: freeze(of_havel(seed), 1e-2),
        UNFROZEN: unfrozen(of_havel(seed), 3e-4),
    }
    for model in models.values():
        train = tl.augment(batches(few, seed), turns=True, gain=0.2, offset=150)
        # As 40 epochs, without what Keras does between two epochs.
        model.fit(train.repeat(40), epochs=1, verbose=0)
    return models


def batches(patches, seed=None):
    shuffle = seed is not None
    return tl.patch_dataset(
        patches.paths, class_count=6, batch_size=32, shuffle=shuffle, seed=seed or 0
    )


def shares(models, few, tests):
    """Accuracy of each model on each test area, and that of the baseline."""
    found = {way: [] for way in (*models, BASELINE)}
    for test in tests:
        for way, model in models.items():
            labels, estimated = tl.training.classify(model, batches(test))
            found[way].append(np.mean(labels == estimated))
        estimated = tl.training.maximum_likelihood(few, test)
        found[BASELINE].append(np.mean(test.arrays["labels"].ravel() == estimated))
    return {way: np.array(values) for way, values in found.items()}


def cut(image, areas, area, folder, *, count=300, most=100, seed=0):
    positions = tl.select_positions(
        areas / f"terrain_truth_{area}.tif",
        count=count,
        margin=8,
        most_per_polygon=most,
        seed=seed,
    )
    return tl.extract_patches(
        {"input": image}, positions, sizes={"input": 16}, out_dir=folder, prefix=area
    )


def of_seed(image, areas, seed, folder):
    """Accuracies on the areas B and C after a training with 20 labels a class in A."""
    few = cut(image, areas, "a", folder, count=20, most=5, seed=seed)
    tests = [cut(image, areas, area, folder) for area in "bc"]
    return shares(tuned(seed, few), few, tests)


@pytest.fixture(scope="module")
def spring(havel_folder, tmp_path_factory):
    """The Havel on another day, without clouds and shadows."""
    folder = practice.make_practice(havel=havel_folder)
    paths = [folder / band_file(REMOVED, SPRING, x) for x in ("B4", "B3", "B2", "B8")]
    pixels = np.concatenate([rasters.read_array(path) for path in paths], axis=-1)
    scl = rasters.read_array(folder / band_file(REMOVED, SPRING, "SCL"))
    hidden = np.isin(scl, (SHADOW, THIN_CLOUD, CLOUD)).repeat(2, 0).repeat(2, 1)
    return rasters.write_array(
        tmp_path_factory.mktemp("spring") / "s2_10m.tif",
        np.where(hidden, 0, pixels).astype("uint16"),
        tl.read_grid(paths[0]),
        nodata=0,
    )


@pytest.fixture(scope="module")
def other_places(tmp_path_factory):
    """Two synthetic scenes with other classes."""
    folder = tmp_path_factory.mktemp("places")
    return [fetch_synthetic(folder, seed=seed, name=f"place_{seed}") for seed in (4, 9)]


def test_freezing_leaves_the_weights_of_the_classifier(tmp_path):
    model = freeze(of_havel(0), 0.01)
    trained = sum(int(np.prod(x.shape)) for x in model.trainable_weights)
    assert trained == 32 * 6 + 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_on_another_day_all_layers_from_the_havel_beat_a_network_from_scratch(
    spring, havel_folder, seed, tmp_path
):
    found = of_seed(spring, havel_folder, seed, tmp_path)
    assert (found[UNFROZEN] > found[SCRATCH] + 0.02).all(), found
    # Frozen layers help in area C, and in B they may not.
    assert found[FROZEN][1] > found[SCRATCH][1], found
    assert (found[BASELINE] < found[UNFROZEN]).all(), found


@pytest.mark.slow
def test_at_another_place_it_hardly_helps_and_frozen_layers_harm(
    other_places, tmp_path
):
    gains, losses = [], []
    for place in other_places:
        for seed in SEEDS[:3]:
            found = of_seed(place / "s2_10m.tif", place, seed, tmp_path)
            gains.append(found[UNFROZEN] - found[SCRATCH])
            losses.append(found[FROZEN] - found[UNFROZEN])
    assert abs(np.mean(gains)) < 0.05, gains
    assert np.mean(losses) < -0.05, losses


@pytest.mark.slow
@pytest.mark.reference
def test_on_the_patches_of_tokyo_the_baseline_beats_all_networks(
    reference_data, tmp_path
):
    gains, losses = [], []
    for seed in SEEDS:
        few, test = tokyo(reference_data / "tokyo_patches", seed, tmp_path)
        found = shares(tuned(seed, few), few, [test])
        assert all(found[BASELINE] > found[way] for way in found if way != BASELINE)
        gains.append(found[UNFROZEN] - found[SCRATCH])
        losses.append(found[FROZEN] - found[SCRATCH])
    assert abs(np.mean(gains)) < 0.05, gains
    assert np.max(losses) < -0.05, losses


def tokyo(folder, seed, out):
    """20 patches a class of one area, and all patches of another one."""
    rng, parts = np.random.default_rng(seed), []
    for area in "ab":
        # 8 bits times 58.8 is about reflectance x 10 000.
        pixels = tl.read_patches(folder / f"{area}_img_10m.tif") * np.float32(58.8)
        labels = tl.read_patches(folder / f"{area}_labels.tif")
        if area == "a":
            order = rng.permutation(len(labels))
            of_class = [order[labels[order].ravel() == n][:20] for n in range(6)]
            pixels, labels = (x[np.concatenate(of_class)] for x in (pixels, labels))
        arrays = {"input": pixels, "labels": labels}
        paths = {name: out / f"{area}_{name}.tif" for name in arrays}
        for name, array in arrays.items():
            tl.write_patches(paths[name], array)
        parts.append(Patches(arrays, (), paths))
    return parts
