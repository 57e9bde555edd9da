"""What the notebooks say about training, over several seeds: slow."""

from pathlib import Path

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import recipes

SEEDS = (0, 1, 2)

pytestmark = pytest.mark.slow


def best_accuracies(datasets, *, epochs: int, folder: Path) -> list[float]:
    """Overall accuracy of the FCNN's best epoch, for each seed."""
    train, valid = datasets
    accuracies = []
    for seed in SEEDS:
        best = folder / f"best_{seed}.keras"
        recipes.train_fcnn(train, valid, best, class_count=6, epochs=epochs, seed=seed)
        scores = tl.training.evaluate_classes(keras.models.load_model(best), valid)
        accuracies.append(scores.overall_accuracy)
    return accuracies


def test_fcnn_reaches_half_of_the_havel_validation_area(havel_folder, tmp_path):
    patches = recipes.cut_patches(havel_folder, tmp_path)
    datasets = recipes.datasets(patches, class_count=6)
    accuracies = best_accuracies(datasets, epochs=25, folder=tmp_path)
    assert np.mean(accuracies) >= 0.50, accuracies


@pytest.mark.reference
def test_fcnn_reaches_two_thirds_on_the_tokyo_patches(reference_data, tmp_path):
    folder = reference_data / "tokyo_patches"
    # The 8-bit values times 58.8 are those of a Sentinel-2 image.
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
    accuracies = best_accuracies(datasets, epochs=20, folder=tmp_path)
    assert np.mean(accuracies) >= 0.65, accuracies
