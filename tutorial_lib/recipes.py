"""Trainings on the Havel scene, from rasters to the best epoch.

The demonstration and the recorded weights are made by these lines; notebooks show them
one by one.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tutorial_lib import recorded
from tutorial_lib.patches import Patches, extract_patches
from tutorial_lib.positions import select_positions
from tutorial_lib.testing import scratch_folder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Patches of each source: 160 m on the ground, the field of view of the networks.
SIZES = {"input": 16}
TWO_SIZES = {"input_10m": 16, "input_20m": 8}

_IMAGES = {
    "input": "s2_10m.tif",
    "input_10m": "s2_10m.tif",
    "input_20m": "s2_20m.tif",
}

__all__ = [
    "SIZES",
    "TWO_SIZES",
    "cut_patches",
    "datasets",
    "record",
    "train",
    "train_fcnn",
]


def cut_patches(
    scene: Path, folder: Path, *, sizes: Mapping[str, int] = SIZES
) -> dict[str, Patches]:
    """Patches of the training area "a" and of the validation area "b".

    Args:
        scene: Folder of the Havel scene.
        folder: Where the patches images go.
        sizes: Side of the patches of each source, `SIZES` or `TWO_SIZES`.

    Returns:
        The patches by area, 1000 of each class.
    """
    return {
        area: extract_patches(
            {name: scene / _IMAGES[name] for name in sizes},
            select_positions(scene / f"terrain_truth_{area}.tif"),
            sizes=sizes,
            out_dir=folder,
            prefix=f"{area}_",
        )
        for area in "ab"
    }


def datasets(
    patches: Mapping[str, Patches],
    *,
    class_count: int,
    seed: int = 0,
    inputs: Mapping[str, str] | None = None,
) -> "tuple[tf.data.Dataset, tf.data.Dataset]":
    """Training and validation batches of 32 patches.

    Args:
        patches: The patches by area, as `cut_patches` returns them.
        class_count: Number of classes.
        seed: Seed of the order of the training patches.
        inputs: {input name: source}, to give a model some of the sources only; None
            gives it all of them, under their names.
    """
    from tutorial_lib.datasets import patch_dataset

    def batches(area: str) -> "tf.data.Dataset":
        paths = patches[area].paths
        if inputs is not None:
            chosen = {name: paths[source] for name, source in inputs.items()}
            paths = chosen | {"labels": paths["labels"]}
        return patch_dataset(
            paths,
            class_count=class_count,
            batch_size=32,
            shuffle=area == "a",
            seed=seed,
        )

    return batches("a"), batches("b")


def train(
    architecture: "Callable[[int], keras.Model]",
    datasets: "tuple[tf.data.Dataset, tf.data.Dataset]",
    best: Path,
    *,
    class_count: int,
    epochs: int,
    seed: int = 0,
    verbose: int = 0,
) -> "keras.callbacks.History":
    """Train a network with Adam at 1e-3; keep its best epoch.

    Args:
        architecture: Function of the number of classes that builds the network, such
            as `architectures.pixelwise_fcnn`.
        datasets: Batches to train on, and batches to validate on.
        best: `.keras` file for the epoch with the smallest validation loss.
        class_count: Number of classes.
        epochs: Number of epochs.
        seed: Seed of the first weights.
        verbose: As for `keras.Model.fit`.

    Returns:
        The curves.
    """
    import keras

    train, valid = datasets
    keras.utils.set_random_seed(seed)
    model = architecture(class_count)
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


def train_fcnn(
    train_batches: "tf.data.Dataset",
    valid_batches: "tf.data.Dataset",
    best: Path,
    **options: int,
) -> "keras.callbacks.History":
    """Train the pixel-wise network; the options are those of `train`."""
    from tutorial_lib.architectures import pixelwise_fcnn

    return train(pixelwise_fcnn, (train_batches, valid_batches), best, **options)


def record(scene: Path) -> None:
    """Make the recorded weights and curves again: 25 epochs of the Havel."""
    from tutorial_lib.architectures import (
        dual_source_fcnn,
        pixelwise_fcnn,
        pooled_cnn,
    )

    single = cut_patches(scene, scratch_folder())
    pairs = cut_patches(scene, scratch_folder(), sizes=TWO_SIZES)
    trainings = {
        "pooled_havel": (pooled_cnn, single),
        "fcnn_havel": (pixelwise_fcnn, single),
        "dual_source_havel": (dual_source_fcnn, pairs),
    }
    for name, (architecture, patches) in trainings.items():
        _record(name, architecture, datasets(patches, class_count=6))


def _record(
    name: str,
    architecture: "Callable[[int], keras.Model]",
    datasets: "tuple[tf.data.Dataset, tf.data.Dataset]",
) -> None:
    import keras

    best = recorded.FOLDER / f"{name}.keras"
    history = train(architecture, datasets, best, class_count=6, epochs=25, verbose=2)
    # Without the optimizer's state the file is a third as large.
    model = keras.models.load_model(best, compile=False)
    model.save(best)
    curves = {name: [round(v, 5) for v in c] for name, c in history.history.items()}
    (recorded.FOLDER / f"{name}.json").write_text(json.dumps(curves, indent=1))


if __name__ == "__main__":
    record(Path("data/havel"))
