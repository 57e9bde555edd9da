"""Statements of the notebooks about training, checked with several seeds (slow)."""

from dataclasses import replace
from typing import NamedTuple

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.recorded import recipes
from tutorial_lib.recorded.recordings import RECORDINGS

SEEDS = (0, 1, 2)
# Another sun, and other air: factor and number for the pixel values.
SUNS = {"x 0.9": (0.9, 0), "x 1.1": (1.1, 0), "+ 100": (1, 100), "- 100": (1, -100)}

pytestmark = pytest.mark.slow


class Training(NamedTuple):
    """A network of the best epoch by the loss on B, and the curves of its training."""

    model: keras.Model
    curves: dict[str, list[float]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Function that trains as a recording was trained, with any seed, once."""
    folder = tmp_path_factory.mktemp("networks")
    patches, done = {}, {}

    def train(name: str, seed: int) -> Training:
        one = replace(RECORDINGS[name], seed=seed)
        places = str((one.sizes, one.counts))
        if places not in patches:
            patches[places] = one.patches(tmp_path_factory.mktemp("patches"))
        if (name, seed) not in done:
            best = folder / f"{name}_{seed}.keras"
            curves = one.train(patches[places], best).history
            done[name, seed] = Training(keras.models.load_model(best), curves)
        return done[name, seed]

    return train


@pytest.fixture(scope="module")
def patches(havel_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return recipes.cut_patches(havel_folder, folder, sizes=recipes.TWO_SIZES)


def classified(model, patches, area, *, gain=1.0, offset=0.0):
    """True and estimated classes of the patches of an area, under some sun."""
    arrays = patches[area].arrays
    inputs = {n: arrays[n].astype("float32") * gain + offset for n in recipes.TWO_SIZES}
    if "input" in model.input:
        inputs = {"input": inputs["input_10m"]}
    found = model.predict(inputs, batch_size=256, verbose=0)["estimated"]
    return arrays["labels"].ravel().astype(int), found.argmax(-1).ravel()


def accuracy(*args, **options):
    labels, estimated = classified(*args, **options)
    return np.mean(labels == estimated)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_standardised_network_reaches_two_thirds_of_b_in_ten_epochs(trained, seed):
    assert max(trained("fcnn_standardised", seed).curves["val_accuracy"][:10]) >= 0.66


@pytest.mark.parametrize("seed", SEEDS)
def test_standardising_is_better_than_the_factor(trained, seed):
    factor = trained("fcnn_factor", seed).curves
    standardised = trained("fcnn_standardised", seed).curves
    assert min(standardised["val_loss"][:10]) < min(factor["val_loss"][:10]) - 0.05
    assert max(standardised["val_accuracy"][:10]) > max(factor["val_accuracy"]) + 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_a_jittered_network_hardly_notices_another_sun(trained, patches, seed):
    for area in "bc":
        for name in ("fcnn_havel", "dual_source_havel", "pooled_havel"):
            model = trained(name, seed).model
            usual = accuracy(model, patches, area)
            for sun, (gain, offset) in SUNS.items():
                other = accuracy(model, patches, area, gain=gain, offset=offset)
                assert other >= usual - (0.03 if sun == "x 0.9" else 0.05), (name, sun)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_standardised_network_without_jitter_notices_it(trained, patches, seed):
    model = trained("fcnn_standardised", seed).model
    for area in "bc":
        usual = accuracy(model, patches, area)
        assert accuracy(model, patches, area, gain=0.9) < usual - 0.05
        assert accuracy(model, patches, area, gain=1.1) < usual - 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_few_patches_overfit_and_turns_cure_it(trained, seed):
    few = trained("fcnn_few", seed).curves
    turned = trained("fcnn_few_turned", seed).curves
    # The loss on B rises to much more than its best, while that on A falls on.
    assert np.mean(few["val_loss"][-5:]) > 1.4 * min(few["val_loss"])
    assert few["accuracy"][-1] > 0.9
    assert np.argmin(few["val_loss"]) < 40
    # With turns it does not.
    assert np.mean(turned["val_loss"][-5:]) < 1.2 * min(turned["val_loss"])
    assert np.argmin(turned["val_loss"]) > np.argmin(few["val_loss"])
    assert min(turned["val_loss"]) < min(few["val_loss"]) - 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_two_sources_are_better_than_one_on_b_and_c(trained, patches, seed):
    one, two = (trained(n, seed).model for n in ("fcnn_havel", "dual_source_havel"))
    for area in "bc":
        assert accuracy(two, patches, area) > accuracy(one, patches, area)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_test_area_is_harder_than_the_one_that_chose_the_epoch(
    trained, patches, seed
):
    for name in ("pooled_havel", "fcnn_havel", "dual_source_havel"):
        model = trained(name, seed).model
        labels, estimated = classified(model, patches, "c")
        polygons = patches["c"].polygons
        assert accuracy(model, patches, "b") > np.mean(labels == estimated) + 0.05
        low, high = tl.training.accuracy_interval(labels, estimated, polygons)
        single = tl.training.accuracy_interval(labels, estimated)
        assert high - low > 2 * (single[1] - single[0])


def test_buildings_of_the_town_are_found_in_two_minutes(repository, tmp_path):
    """Six epochs are enough to beat every threshold on pan (F-scores below 0.5)."""
    town = repository / "data" / "town"
    patches = recipes.cut_town_patches(town, tmp_path)
    datasets = recipes.datasets(patches, class_count=4, labels="truth", batch_size=16)
    truth = rasters.read_array(town / "labels.tif")[..., 0] == 1
    for seed in range(2):
        best = tmp_path / f"town{seed}.keras"
        recipes.train(
            tl.architectures.pan_xs_unet,
            datasets,
            best,
            class_count=4,
            epochs=6,
            seed=seed,
        )
        plan = tl.plan_inference(
            best,
            {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"},
            output="estimated_labels",
            edge="pad",
        )
        found = plan.read()[..., 0] == 1
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) >= 0.5


@pytest.mark.reference
def test_fcnn_reaches_two_thirds_on_the_tokyo_patches(reference_data, tmp_path):
    folder = reference_data / "tokyo_patches"
    # The patches have 8 bits. Multiplied by 58.8 they are like a Sentinel-2 image.
    datasets = [
        tl.patch_dataset(
            {
                "input": folder / f"{area}_img_10m.tif",
                "labels": folder / f"{area}_labels.tif",
            },
            class_count=6,
            batch_size=32,
        ).map(lambda x, y: ({"input": x["input"] * 58.8}, y))
        for area in "ab"
    ]
    accuracies = []
    for seed in SEEDS:
        best = tmp_path / f"{seed}.keras"
        fcnn = tl.architectures.pixelwise_fcnn
        recipes.train(fcnn, datasets, best, class_count=6, epochs=20, seed=seed)
        model = keras.models.load_model(best)
        scores = tl.training.evaluate_classes(model, datasets[1])
        accuracies.append(scores.overall_accuracy)
    assert np.mean(accuracies) >= 0.65, accuracies
