"""Statements of notebook 02 about its network, checked with several seeds (slow)."""

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib.recorded import recipes

SEEDS = (0, 1, 2)
# As many as the notebook trains.
EPOCHS = 6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cut(havel_folder, tmp_path_factory):
    """The patches of the three areas."""
    return recipes.cut_patches(havel_folder, tmp_path_factory.mktemp("patches"))


@pytest.fixture(scope="module")
def datasets(cut):
    return recipes.datasets(cut, class_count=6)


@pytest.fixture(scope="module")
def networks(cut, datasets, tmp_path_factory):
    """The pooled network of the best epoch, and its curves, for each seed."""
    folder = tmp_path_factory.mktemp("networks")
    statistics = tl.band_statistics(cut["a"])

    def pooled(class_count):
        return tl.architectures.pooled_cnn(class_count, statistics=statistics)

    trained = {}
    for seed in SEEDS:
        path = folder / f"{seed}.keras"
        history = recipes.train(
            pooled, datasets, path, class_count=6, epochs=EPOCHS, seed=seed
        )
        trained[keras.models.load_model(path)] = history.history
    return trained


def scores_of(networks, dataset):
    return [tl.training.evaluate_classes(network, dataset) for network in networks]


def test_the_loss_ends_larger_on_b_than_on_a(networks):
    for curves in networks.values():
        assert curves["val_loss"][-1] > curves["loss"][-1] + 0.2


def test_some_classes_are_found_well_and_others_badly(networks, datasets):
    for scores in scores_of(networks, datasets[1]):
        assert scores.recall.max() > scores.recall.min() + 0.3


def test_the_area_that_chose_the_epoch_has_the_better_score(networks, datasets):
    _, valid, test = datasets
    pairs = zip(scores_of(networks, valid), scores_of(networks, test), strict=True)
    for on_b, on_c in pairs:
        assert on_b.overall_accuracy > on_c.overall_accuracy + 0.03


def test_the_interval_over_polygons_is_the_wider_one(networks, datasets, cut):
    for network in networks:
        labels, estimated = tl.training.classify(network, datasets[2])
        low, high = tl.training.accuracy_interval(labels, estimated)
        polygons = cut["c"].polygons
        wide = tl.training.accuracy_interval(labels, estimated, polygons)
        assert wide[1] - wide[0] > 2 * (high - low)


def test_at_the_threshold_less_is_found_and_more_of_it_is_right(networks, datasets):
    for scores in scores_of(networks, datasets[2]):
        assert np.all(scores.threshold_recall <= scores.recall)
        assert scores.threshold_recall.mean() < scores.recall.mean() - 0.02
        assert scores.threshold_precision.mean() > scores.precision.mean() + 0.02
