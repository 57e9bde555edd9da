"""What notebook 03 says of its scores, and 03 and 04 of their curves, in every seed.

The fast tests read the recorded trainings; the slow ones train again with three seeds.
"""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import recorded
from tutorial_lib.exercises import nb03_pixelwise_fcnn as ex
from tutorial_lib.recorded import recipes
from tutorial_lib.recorded.recordings import RECORDINGS

SEEDS = (0, 1, 2)
JITTERED = ("fcnn_havel", "fcnn_havel_1", "fcnn_havel_2")


@pytest.fixture(scope="module")
def patches(havel_folder, tmp_path_factory):
    """The patches of the three areas."""
    return recipes.cut_patches(havel_folder, tmp_path_factory.mktemp("patches"))


@pytest.fixture(scope="module")
def batches(patches):
    return recipes.datasets(patches, class_count=6, batch_size=256)


def recorded_model(name):
    return keras.models.load_model(recorded.weights_path(name))


def under_another_sun(dataset, gain, offset=0):
    return dataset.map(lambda x, y: ({"input": x["input"] * gain + offset}, y))


def accuracy(model, dataset):
    labels, estimated = tl.training.classify(model, dataset)
    return np.mean(labels == estimated)


# Notebook 03, without a training


def part(patches, chosen):
    """The patches that are chosen, an index or True and False."""
    arrays = {name: array[chosen] for name, array in patches.arrays.items()}
    return replace(patches, arrays=arrays)


def likely(train, test, features):
    """Accuracy of maximum likelihood."""
    estimated = tl.training.maximum_likelihood(train, test, features=features)
    return np.mean(estimated == test.arrays["labels"].ravel())


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(5))
def test_a_random_split_of_patches_chooses_the_worse_features(patches, seed):
    held = np.random.default_rng(seed).random(patches["a"].count) < 0.2
    random = part(patches["a"], ~held), part(patches["a"], held)
    assert likely(*random, "statistics") > likely(*random, "center") + 0.02


@pytest.mark.thorough
@pytest.mark.parametrize("area", ["b", "c"])
def test_in_another_area_the_other_features_are_better(patches, area):
    other = patches["a"], patches[area]
    assert likely(*other, "statistics") < likely(*other, "center") - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_order_turns_round_for_other_patches_too(havel_folder, tmp_path, seed):
    cut = {}
    for area in "ab":
        positions = tl.select_positions(
            havel_folder / f"terrain_truth_{area}.tif",
            count=recipes.COUNTS[area],
            margin=8,
            most_per_polygon=recipes.MOST_PER_POLYGON,
            seed=seed,
        )
        image = {"input": havel_folder / "s2_10m.tif"}
        cut[area] = tl.extract_patches(image, positions, sizes=16)
    held = np.random.default_rng(seed).random(cut["a"].count) < 0.2
    random = part(cut["a"], ~held), part(cut["a"], held)
    assert likely(*random, "statistics") > likely(*random, "center")
    new = cut["a"], cut["b"]
    assert likely(*new, "statistics") < likely(*new, "center")


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(5))
def test_nearly_all_patches_held_out_at_random_overlap_a_training_patch(
    havel_folder, seed
):
    positions = tl.select_positions(
        havel_folder / "terrain_truth_a.tif",
        count=recipes.COUNTS["a"],
        margin=8,
        most_per_polygon=recipes.MOST_PER_POLYGON,
        seed=seed,
    )
    cols, rows = positions.x / 10, positions.y / 10
    held = np.random.default_rng(seed).random(len(rows)) < 0.2
    share = ex.overlap_share.run(ex.overlap_share.solution_code)
    assert share(rows, cols, held) > 0.9
    # Patches of another area share no pixel with them.
    other = tl.select_positions(havel_folder / "terrain_truth_b.tif", count=600)
    both = np.hstack([rows, other.y / 10]), np.hstack([cols, other.x / 10])
    assert share(*both, np.arange(len(both[0])) >= len(rows)) == 0


@pytest.mark.thorough
@pytest.mark.parametrize("area", "abc")
def test_each_class_has_several_times_as_many_patches_as_polygons(patches, area):
    labels = patches[area].arrays["labels"].ravel()
    for number in range(6):
        members = labels == number
        assert members.sum() > 4 * len(np.unique(patches[area].polygons[members]))


@pytest.mark.thorough
def test_times_nine_tenths_most_patches_are_darker_than_most_of_their_class(patches):
    means = {x: patches[x].arrays["input"].mean(axis=(1, 2)) for x in "ab"}
    labels = {x: patches[x].arrays["labels"].ravel() for x in "ab"}
    for number in range(6):
        middle = np.median(means["a"][labels["a"] == number], axis=0)
        darker = 0.9 * means["b"][labels["b"] == number] < middle
        assert darker.mean(axis=0).min() > 0.75


@pytest.mark.thorough
def test_a_tenth_of_the_mean_is_most_of_a_deviation_in_blue(patches):
    # The hint of `darker_sun` sends there.
    statistics = tl.band_statistics(patches["a"])["input"]
    shares = 0.1 * np.array(statistics.mean) / np.array(statistics.std)
    assert np.argmax(shares) == 2
    assert shares[2] > 0.5


@pytest.mark.slow
def test_the_recorded_networks_are_better_than_the_baseline(batches, patches):
    for area, dataset in zip("bc", batches[1:], strict=True):
        baseline = likely(patches["a"], patches[area], "center")
        for name in JITTERED:
            assert accuracy(recorded_model(name), dataset) > baseline + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_try_is_about_as_good_as_the_baseline(patches, tmp_path, seed):
    first = replace(RECORDINGS["fcnn_factor"], seed=seed, epochs=3, rate=5e-4)
    curves = first.train(patches, tmp_path / "first.keras").history
    baseline = likely(patches["a"], patches["b"], "center")
    assert abs(curves["val_accuracy"][-1] - baseline) < 0.07


# Notebook 03, on the recorded trainings


def test_standardised_inputs_are_better_after_a_few_epochs_than_the_factor_ever():
    factor = recorded.read_history("fcnn_factor")
    standardised = recorded.read_history("fcnn_standardised")
    assert min(standardised["val_loss"][:5]) < min(factor["val_loss"])
    assert max(standardised["val_accuracy"][:5]) > max(factor["val_accuracy"])
    # "But later its loss on B rises."
    assert np.mean(standardised["val_loss"][-5:]) > min(standardised["val_loss"]) + 0.2


@pytest.mark.slow
def test_another_sun_harms_the_network_without_jitter_only(batches):
    _, valid, _ = batches
    plain = recorded_model("fcnn_standardised")
    darker = under_another_sun(valid, 0.9)
    assert accuracy(plain, darker) < accuracy(plain, valid) - 0.15
    for name in JITTERED:
        model = recorded_model(name)
        least = accuracy(model, valid) - 0.03
        for gain, offset in ((0.9, 0), (1.1, 0), (1, -100)):
            other = under_another_sun(valid, gain, offset)
            assert accuracy(model, other) > least


def falls_nearly_to_the_end(losses):
    """Whether five sixths of a curve fall one after the other, and the last stays low.

    Late in a training a few steps may throw the loss up for some epochs, also where it
    falls on the whole.
    """
    *falling, last = (np.mean(part) for part in np.array_split(losses, 6))
    return bool(np.all(np.diff(falling) < 0) and last < falling[3])


def test_few_patches_overfit_and_turned_ones_do_less():
    few = recorded.read_history("fcnn_few")
    turned = recorded.read_history("fcnn_few_turned")
    assert_few_overfit(few, turned)


def assert_few_overfit(few, turned):
    assert falls_nearly_to_the_end(few["loss"])
    best = int(np.argmin(few["val_loss"]))
    assert best < len(few["val_loss"]) / 2
    end = np.mean(few["val_loss"][-5:])
    assert end > 1.15 * few["val_loss"][best]
    assert np.mean(turned["val_loss"][-5:]) < end - 0.1
    assert min(turned["val_loss"]) <= few["val_loss"][best] + 0.05


@pytest.mark.slow
def test_the_interval_over_polygons_is_wider_than_the_one_over_patches(
    batches, patches
):
    accuracies, widths = [], []
    for name in JITTERED:
        labels, estimated = tl.training.classify(recorded_model(name), batches[2])
        low, high = tl.training.accuracy_interval(labels, estimated)
        wide = tl.training.accuracy_interval(labels, estimated, patches["c"].polygons)
        assert wide[1] - wide[0] > 2 * (high - low)
        accuracies.append(np.mean(labels == estimated))
        widths.append(wide[1] - wide[0])
    # The seeds differ by less than the interval over polygons is wide.
    assert np.ptp(accuracies) < min(widths)


@pytest.mark.slow
def test_network_and_baseline_are_worse_on_c_than_on_b(batches, patches):
    _, valid, test = batches
    on_b, on_c = (likely(patches["a"], patches[area], "center") for area in "bc")
    assert on_b - on_c > 0.03
    for name in JITTERED:
        model = recorded_model(name)
        assert accuracy(model, valid) - accuracy(model, test) > 0.06


def test_the_jittered_network_has_half_the_rate_of_the_other():
    jittered, plain = RECORDINGS["fcnn_havel"], RECORDINGS["fcnn_standardised"]
    assert replace(jittered, rate=plain.rate, changes={}) == plain
    assert jittered.rate == plain.rate / 2


# Notebook 04, on the recorded training


def test_little_patience_stops_before_the_best_epoch_and_much_does_not():
    few = recorded.read_history("fcnn_few")
    best = int(np.argmin(few["val_loss"])) + 1
    hasty = tl.training.replay_early_stopping(few, patience=1)
    patient = tl.training.replay_early_stopping(few, patience=20)
    assert hasty.epochs_run < best
    assert patient.best_epoch == best
    assert patient.epochs_run < patient.epochs


def test_the_loss_of_training_stops_it_last_and_keeps_a_bad_epoch():
    few = recorded.read_history("fcnn_few")
    on_a = tl.training.replay_early_stopping(few, patience=5, monitor="loss")
    for monitor in ("val_loss", "val_accuracy"):
        on_b = tl.training.replay_early_stopping(few, patience=5, monitor=monitor)
        assert on_b.epochs_run < on_a.epochs_run
    assert few["val_loss"][on_a.best_epoch - 1] > 1.2 * min(few["val_loss"])


def test_the_best_accuracy_is_in_another_epoch_than_the_best_loss():
    few = recorded.read_history("fcnn_few")
    assert np.argmax(few["val_accuracy"]) != np.argmin(few["val_loss"])


# Both, trained again


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_jitter_keeps_the_accuracy_under_another_sun_in_each_seed(
    patches, batches, tmp_path, seed
):
    loss = {}
    for name in ("fcnn_standardised", "fcnn_havel"):
        best = tmp_path / f"{name}.keras"
        replace(RECORDINGS[name], seed=seed, epochs=10).train(patches, best)
        model, valid = keras.models.load_model(best), batches[1]
        darker = under_another_sun(valid, 0.9)
        loss[name] = accuracy(model, valid) - accuracy(model, darker)
    assert loss["fcnn_standardised"] > 0.05
    assert loss["fcnn_havel"] < 0.03


@pytest.fixture(scope="module")
def few_patches(havel_folder, tmp_path_factory):
    """60 patches of each class of area A, as notebook 04 cuts them."""
    return tl.extract_patches(
        {"input": havel_folder / "s2_10m.tif"},
        tl.select_positions(havel_folder / "terrain_truth_a.tif", count=60, margin=8),
        sizes={"input": 16},
        out_dir=tmp_path_factory.mktemp("few"),
    )


def few_network(few_patches):
    return partial(
        tl.architectures.pixelwise_fcnn, statistics=tl.band_statistics(few_patches)
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_few_patches_overfit_in_each_seed(patches, few_patches, tmp_path, seed):
    areas = {"a": few_patches, "b": patches["b"]}
    train, _ = recipes.datasets(areas, class_count=6, seed=seed)
    _, valid = recipes.datasets(areas, class_count=6, batch_size=300)
    curves = [
        recipes.train(
            few_network(few_patches),
            (batches, valid),
            tmp_path / "best.keras",
            class_count=6,
            epochs=60,
            seed=seed,
        ).history
        for batches in (train, tl.augment(train, turns=True, seed=seed))
    ]
    assert_few_overfit(*curves)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_callback_of_notebook_04_stops_the_live_training(
    patches, few_patches, seed
):
    areas = {"a": few_patches, "b": patches["b"]}
    train, _ = recipes.datasets(areas, class_count=6)
    _, valid = recipes.datasets(areas, class_count=6, batch_size=300)
    keras.utils.set_random_seed(seed)
    model = few_network(few_patches)(6)
    names = tuple("abcdef")
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [tl.training.ClassMetrics(names)]},
    )
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=3, restore_best_weights=True
    )
    curves = model.fit(
        train, validation_data=valid, epochs=40, verbose=0, callbacks=[stopping]
    ).history
    assert len(curves["loss"]) < 40
    # The classes have their best scores in different epochs.
    assert len({int(np.argmax(curves[f"val_f_score_{x}"])) for x in names}) > 1
