"""What notebook 04 says of sick trainings and of turned patches, in every seed.

The quick tests read the recorded curves; the slow ones train again with three seeds.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import recorded
from tutorial_lib.exercises import nb04_early_stopping as ex
from tutorial_lib.patches.extraction import LABELS
from tutorial_lib.recorded.recordings import RECORDINGS

SEEDS = (0, 1, 2)
GUESSING = np.log(6)

SLOW, FAST, FITTED, RAW, MIXED, SWAPPED = (
    "the learning rate is far too low",
    "the learning rate is far too high",
    "it overfits",
    "the inputs are not scaled",
    "the labels of A are mixed up",
    "the bands of B are in another order",
)
ILLNESSES = {
    "patient_1": SLOW,
    "patient_2": FAST,
    "patient_3": FITTED,
    "patient_4": RAW,
    "patient_5": MIXED,
    "patient_6": SWAPPED,
}


def illness(curves):
    """Name the illness that the losses of a training show, by the signs of the text."""
    on_a, on_b = np.array(curves["loss"]), np.array(curves["val_loss"])
    if np.abs(on_a[-5:] - GUESSING).max() < 0.02:
        return FAST
    if on_a[0] > 1.2 * GUESSING:
        return RAW
    if on_b.min() > 0.9 * GUESSING and on_b[-5:].min() > on_b[0]:
        learns_at_once = on_a[len(on_a) // 6] < 0.8 * GUESSING
        return SWAPPED if learns_at_once else MIXED
    if np.abs(on_a - on_b).max() < 0.2 and np.argmin(on_b) >= len(on_b) - 3:
        return SLOW
    if on_b[-5:].min() > 1.15 * on_b.min() and on_a[-1] < on_b.min():
        return FITTED
    return "none"


# On what is recorded


@pytest.mark.parametrize(("name", "sick"), ILLNESSES.items())
def test_a_recorded_patient_shows_its_illness_and_the_question_knows_it(name, sick):
    assert illness(recorded.read_history(name)) == sick
    question = getattr(ex, name)
    letter = question.right_answer
    text = question.options[question.letters.index(letter)].text
    assert text.lower() == f"{sick}.".lower()


@pytest.mark.parametrize("name", ["fcnn_standardised", "fcnn_havel", "fcnn_factor"])
def test_a_usual_training_shows_none_of_the_other_illnesses(name):
    assert illness(recorded.read_history(name)) in {"none", FITTED}


def test_the_patients_differ_from_a_usual_training_in_what_makes_them_sick():
    usual = replace(RECORDINGS["patient_1"], rate=1e-3)
    changes = {
        "patient_1": {"rate": 3e-5},
        "patient_2": {"rate": 3e-2},
        "patient_4": {"standardised": False, "options": {"scale": 1}, "epochs": 12},
        "patient_5": {"shuffled": True},
        "patient_6": {"valid_bands": (3, 0, 1, 2)},
    }
    for name, change in changes.items():
        assert RECORDINGS[name] == replace(usual, **change)
    assert RECORDINGS["patient_3"] == replace(RECORDINGS["fcnn_few"], seed=1)


@pytest.mark.thorough
def test_mixed_up_classes_are_those_of_other_patches(tmp_path):
    mixed = replace(RECORDINGS["patient_5"], counts={"a": 20, "b": 5})
    right = replace(mixed, shuffled=False)
    one, other = (x.patches(tmp_path)["a"] for x in (mixed, right))
    classes = [x.arrays[LABELS].ravel() for x in (one, other)]
    assert np.array_equal(one.arrays["input"], other.arrays["input"])
    assert np.array_equal(*map(np.sort, classes))
    assert np.mean(classes[0] == classes[1]) < 0.4
    assert np.array_equal(tl.read_patches(one.paths[LABELS]).ravel(), classes[0])


@pytest.mark.thorough
def test_bands_in_their_order_mend_patient_6_without_a_training(havel_folder):
    positions = tl.select_positions(
        havel_folder / "terrain_truth_b.tif", count=60, margin=8
    )
    image = havel_folder / "s2_10m.tif"
    cut = tl.extract_patches({"input": image}, positions, sizes=16).arrays
    for name in ("fcnn_havel", "fcnn_havel_1", "fcnn_havel_2"):
        network = keras.models.load_model(recorded.weights_path(name))
        right = {}
        for order in ((3, 0, 1, 2), (0, 1, 2, 3)):
            inputs = cut["input"][..., order].astype("float32")
            found = network.predict({"input": inputs}, verbose=0)["estimated"]
            right[order] = np.mean(found.argmax(-1).ravel() == cut[LABELS].ravel())
        assert right[0, 1, 2, 3] > right[3, 0, 1, 2] + 0.3


def test_the_first_figure_ends_in_a_wave_and_a_later_epoch_is_the_best():
    losses = recorded.read_history("fcnn_few")["val_loss"]
    assert min(losses[5:8]) > min(losses[:5])
    assert np.argmin(losses) > 8


def test_waves_decide_on_the_patience_and_not_the_number_of_the_best_epoch():
    bests, patiences = [], []
    for name in ("fcnn_few", "fcnn_few_turned", "fcnn_havel"):
        curves = recorded.read_history(name)
        bests.append(int(np.argmin(curves["val_loss"])) + 1)
        runs = (
            tl.training.replay_early_stopping(curves, patience=waited).epochs_run
            for waited in range(1, len(curves["val_loss"]))
        )
        patiences.append(1 + next(i for i, ran in enumerate(runs) if ran >= bests[-1]))
    assert max(bests) > 2 * min(bests)
    assert max(patiences) <= min(patiences) + 1


def test_sick_trainings_that_start_with_a_huge_loss_differ_in_what_comes_after():
    """The hint on unscaled inputs sends to the epochs after the first one."""
    raw, fast = (recorded.read_history(x)["loss"] for x in ("patient_4", "patient_2"))
    assert min(raw[0], fast[0]) > 2 * GUESSING
    assert raw[-1] < 0.6 * GUESSING < 0.9 * GUESSING < min(fast)


def test_turned_patches_are_harder_on_a_and_better_on_b():
    few, turned = map(recorded.read_history, ("fcnn_few", "fcnn_few_turned"))
    assert_turns_help(few, turned)


def assert_turns_help(few, turned):
    for epoch in (20, 40, 59):
        near = slice(epoch - 5, epoch + 1)
        assert np.mean(turned["loss"][near]) > np.mean(few["loss"][near])
    assert min(turned["val_loss"]) < min(few["val_loss"])
    assert np.argmin(turned["val_loss"]) > np.argmin(few["val_loss"])
    rises = [np.mean(x["val_loss"][-5:]) / min(x["val_loss"]) for x in (few, turned)]
    assert rises[1] < rises[0] - 0.2


# Trained again


@pytest.fixture(scope="module")
def curves_of(tmp_path_factory):
    """Function that gives the curves of a recording's training with another seed."""

    def train(name, seed):
        one = replace(RECORDINGS[name], seed=seed)
        folder = tmp_path_factory.mktemp(name)
        return one.train(one.patches(folder), folder / "best.keras").history

    return train


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "sick"), ILLNESSES.items())
def test_a_patient_shows_its_illness_in_each_seed(curves_of, name, sick, seed):
    assert illness(curves_of(name, seed)) == sick


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_turned_patches_help_in_each_seed(curves_of, seed):
    assert_turns_help(curves_of("fcnn_few", seed), curves_of("fcnn_few_turned", seed))
