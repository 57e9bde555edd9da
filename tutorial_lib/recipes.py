"""Trainings on the Havel scene, from rasters to the best epoch.

The demonstration and the recorded weights are made by these lines; notebooks show them
one by one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tutorial_lib import recorded
from tutorial_lib.patches import Patches, extract_patches, select_positions
from tutorial_lib.testing import scratch_folder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# The field of view of the tutorial's networks: 160 m on the ground.
SIZES = {"input": 16}

__all__ = ["SIZES", "cut_patches", "datasets", "record", "train_fcnn"]


def cut_patches(scene: Path, folder: Path) -> dict[str, Patches]:
    """Patches of the 10 m image, of the training area "a" and the validation area "b".

    Args:
        scene: Folder of the Havel scene.
        folder: Where the patches images go.

    Returns:
        The patches by area, 1000 of each class.
    """
    return {
        area: extract_patches(
            {"input": scene / "s2_10m.tif"},
            select_positions(scene / f"terrain_truth_{area}.tif"),
            sizes=SIZES,
            out_dir=folder,
            prefix=f"{area}_",
        )
        for area in "ab"
    }


def datasets(
    patches: Mapping[str, Patches], *, class_count: int, seed: int = 0
) -> "tuple[tf.data.Dataset, tf.data.Dataset]":
    """Training and validation batches of 32 patches."""
    from tutorial_lib.datasets import patch_dataset

    train, valid = (
        patch_dataset(
            patches[area].paths,
            class_count=class_count,
            batch_size=32,
            shuffle=area == "a",
            seed=seed,
        )
        for area in "ab"
    )
    return train, valid


def train_fcnn(
    train: "tf.data.Dataset",
    valid: "tf.data.Dataset",
    best: Path,
    *,
    class_count: int,
    epochs: int,
    seed: int = 0,
    verbose: int = 0,
) -> "keras.callbacks.History":
    """Train the pixel-wise network with Adam at 1e-3; keep its best epoch.

    Args:
        train: Batches to train on.
        valid: Batches to validate on.
        best: `.keras` file for the epoch with the smallest validation loss.
        class_count: Number of classes.
        epochs: Number of epochs.
        seed: Seed of the first weights.
        verbose: As for `keras.Model.fit`.

    Returns:
        The curves.
    """
    import keras

    from tutorial_lib.architectures import pixelwise_fcnn

    keras.utils.set_random_seed(seed)
    model = pixelwise_fcnn(class_count)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    keep_best = keras.callbacks.ModelCheckpoint(best, save_best_only=True)
    return model.fit(
        train,
        validation_data=valid,
        epochs=epochs,
        verbose=verbose,
        callbacks=[keep_best],
    )


def record(scene: Path) -> None:
    """Make the recorded weights and curves again: 25 epochs of the Havel."""
    import keras

    patches = cut_patches(scene, scratch_folder())
    train, valid = datasets(patches, class_count=6)
    best = recorded.FOLDER / "fcnn_havel.keras"
    history = train_fcnn(train, valid, best, class_count=6, epochs=25, verbose=2)
    # Without the optimizer's state the file is a third as large.
    model = keras.models.load_model(best, compile=False)
    model.save(best)
    curves = {name: [round(v, 5) for v in c] for name, c in history.history.items()}
    (recorded.FOLDER / "fcnn_havel.json").write_text(json.dumps(curves, indent=1))


if __name__ == "__main__":
    record(Path("data/havel"))
