"""Statements of the notebooks about training, checked with several seeds.

Those on recorded networks are quick. Those that train again are slow.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import rasters, recorded
from tutorial_lib.recorded import recipes, recordings
from tutorial_lib.recorded.recordings import RECORDINGS

pytestmark = pytest.mark.thorough

SEEDS = (0, 1, 2)
# Factors and numbers for the pixel values, beside x 0.9: another sun, and other air.
OTHER_SUNS = ((1.1, 0), (1, 100), (1, -100))
# The networks that are recorded, by name and seed.
JITTERED = [
    ("pooled_havel", 0),
    *((name, seed) for name in ("fcnn_havel", "dual_source_havel") for seed in SEEDS),
]


@pytest.fixture(scope="module")
def curves_of(tmp_path_factory):
    """Function that gives the curves of a recording's training with another seed."""
    patches = {}

    def train(name: str, seed: int, **change: int) -> dict[str, list[float]]:
        one = replace(RECORDINGS[name], seed=seed, **change)
        # The trainings with few patches have others.
        counts = str(one.counts)
        if counts not in patches:
            patches[counts] = one.patches(tmp_path_factory.mktemp("patches"))
        return one.train(
            patches[counts], tmp_path_factory.mktemp("best") / "a.keras"
        ).history

    return train


def recorded_network(name: str, seed: int = 0) -> keras.Model:
    """A network of the kit, which `make weights` trained with this seed."""
    return keras.models.load_model(
        recorded.weights_path(name + f"_{seed}" * (seed > 0))
    )


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


# Trained again: slow.


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_standardised_network_is_quicker_and_better_than_one_with_the_factor(
    curves_of, seed
):
    factor = curves_of("fcnn_factor", seed, epochs=10)
    standardised = curves_of("fcnn_standardised", seed, epochs=10)
    assert max(standardised["val_accuracy"]) >= 0.66
    assert max(standardised["val_accuracy"]) > max(factor["val_accuracy"]) + 0.06
    assert min(standardised["val_loss"]) < min(factor["val_loss"]) - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_few_patches_overfit_and_turns_cure_it(curves_of, seed):
    few, turned = curves_of("fcnn_few", seed), curves_of("fcnn_few_turned", seed)
    # The loss on B rises to much more than its best, while that on A falls on.
    assert np.mean(few["val_loss"][-5:]) > 1.4 * min(few["val_loss"])
    assert few["accuracy"][-1] > 0.9
    assert np.argmin(few["val_loss"]) < 40
    # With turns it does not.
    assert np.mean(turned["val_loss"][-5:]) < 1.25 * min(turned["val_loss"])
    assert np.argmin(turned["val_loss"]) > np.argmin(few["val_loss"])
    assert min(turned["val_loss"]) < min(few["val_loss"]) - 0.02


# The recorded networks, of three seeds.


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), JITTERED)
@pytest.mark.parametrize("area", ["b", "c"])
def test_a_jittered_network_hardly_notices_another_sun(patches, name, seed, area):
    model = recorded_network(name, seed)
    usual = accuracy(model, patches, area)
    assert accuracy(model, patches, area, gain=0.9) >= usual - 0.03
    for gain, offset in OTHER_SUNS:
        other = accuracy(model, patches, area, gain=gain, offset=offset)
        assert other >= usual - 0.04


@pytest.mark.slow
@pytest.mark.parametrize("area", ["b", "c"])
def test_a_standardised_network_without_jitter_notices_it(patches, area):
    model = recorded_network("fcnn_standardised")
    usual = accuracy(model, patches, area)
    assert accuracy(model, patches, area, gain=0.9) < usual - 0.2
    assert accuracy(model, patches, area, gain=1.1) < usual - 0.03


@pytest.mark.slow
def test_no_jitter_saves_from_an_offset_that_was_left_in(patches):
    for name, seed in JITTERED:
        model = recorded_network(name, seed)
        other = accuracy(model, patches, "b", offset=1000)
        assert other < accuracy(model, patches, "b") - 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), JITTERED)
def test_the_test_area_is_harder_and_places_matter(patches, name, seed):
    model = recorded_network(name, seed)
    labels, estimated = classified(model, patches, "c")
    assert accuracy(model, patches, "b") > np.mean(labels == estimated) + 0.05
    polygons = patches["c"].polygons
    low, high = tl.training.accuracy_interval(labels, estimated, polygons)
    single = tl.training.accuracy_interval(labels, estimated)
    assert high - low > 3 * (single[1] - single[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_two_sources_gain_a_little_and_places_leave_it_open(patches, seed):
    found = [
        classified(recorded_network(name, seed), patches, "c")
        for name in ("fcnn_havel", "dual_source_havel")
    ]
    (labels, one), (_, two) = found
    names = tl.read_legend(recordings.HAVEL / "terrain_truth_c.tif").names
    table = tl.training.compare_over_places(
        labels, one, two, patches["c"].polygons, names=names
    )
    assert (table.loc[["meadow and grass", "farm"], "gain"] > 0.03).all()
    overall = table.loc["overall accuracy"]
    assert 0 < overall["gain"] < 0.06
    assert overall["low"] < 0.01


@pytest.mark.slow
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


@pytest.mark.slow
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
