"""Trainings on the sample scenes, from rasters to the weights of the best epoch.

These functions make the recorded weights, and `make demo` uses them. The notebooks
write the same steps out. `recordings` lists what is recorded.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.arguments import file_path, instance, mapping, number, whole_number
from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.patches.extraction import Patches, extract_patches
from tutorial_lib.patches.positions import Positions
from tutorial_lib.patches.selection import select_positions
from tutorial_lib.rasters import PathLike, read_grid, read_legend
from tutorial_lib.rasters.destinations import check_destination

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Side of the patches of each source, in its own pixels: 160 m on the ground, the
# receptive field of the networks.
SIZES = {"input": 16}
TWO_SIZES = {"input_10m": 16, "input_20m": 8}
# Positions of each class in each area of the Havel, and the most in one polygon: as
# many as the rarest class has. Without this cap a lake would give a third of the water.
COUNTS = {"a": 900, "b": 600, "c": 600}
MOST_PER_POLYGON = 100
# Pixels at the border of the image in which a patch would leave it.
MARGIN = 8
# The same for the town: 96 m on the ground. "truth" holds the class of each pan pixel.
TOWN_SIZES = {"input_p": 64, "input_xs": 16, "truth": 64}

_IMAGES = {
    "input": "s2_10m.tif",
    "input_10m": "s2_10m.tif",
    "input_20m": "s2_20m.tif",
}
_TOWN_IMAGES = {"input_p": "pan.tif", "input_xs": "xs.tif", "truth": "labels.tif"}
# Prefix of the files of each area: "a" is for training, "b" is the area to map.
_TOWN_PREFIXES = {"a": "train_", "b": ""}

__all__ = [
    "COUNTS",
    "MOST_PER_POLYGON",
    "SIZES",
    "TOWN_SIZES",
    "TWO_SIZES",
    "cut_patches",
    "cut_town_patches",
    "datasets",
    "train",
]


def cut_patches(
    scene: PathLike,
    folder: PathLike,
    *,
    sizes: Mapping[str, int] = SIZES,
    counts: Mapping[str, int] = COUNTS,
) -> dict[str, Patches]:
    """Extract patches for training, "a", for validation, "b", and for the test, "c".

    Args:
        scene: Folder of a scene: the Havel, or one that `data_fetch` made of another
            place.
        folder: Folder for the patches images.
        sizes: Side of the patches of each source: `SIZES` or `TWO_SIZES`.
        counts: Number of positions of each class, by area.

    Returns:
        The patches by area, with at most `MOST_PER_POLYGON` in one polygon.

    Raises:
        ValueError: If a source or an area is not one of such a scene, or an area has no
            labelled pixel.

    Warns:
        UserWarning: If an area has fewer positions of each class than `counts`, or a
            class of the legend has none.
    """
    scene = file_path("scene", scene)
    sizes = mapping("sizes", sizes, str(SIZES))
    _check_known("sizes", sizes, _IMAGES)
    counts = mapping("counts", counts, str(COUNTS))
    _check_known("counts", counts, COUNTS)
    sources = {name: scene / _IMAGES[name] for name in sizes}
    patches = {}
    for area, count in counts.items():
        positions = _positions(scene / f"terrain_truth_{area}.tif", area, count)
        patches[area] = extract_patches(
            sources, positions, sizes=sizes, out_dir=folder, prefix=f"{area}_"
        )
    return patches


def _positions(labels_path: Path, area: str, count: int) -> Positions:
    """Positions of each class in an area; warns of a class that is rare or missing."""
    positions = select_positions(
        labels_path, count=count, margin=MARGIN, most_per_polygon=MOST_PER_POLYGON
    )
    legend, got = read_legend(labels_path), min(positions.counts.values())
    classes = zip(legend.classes, legend.names, strict=True) if legend else ()
    absent = [name for number, name in classes if number not in positions.counts]
    lacks = [f"no label of '{name}'" for name in absent]
    if got < count:
        lacks.append(f"only {counted(got, 'position')} of each class, not {count}")
    if lacks:
        warn(
            f"Area {area.upper()} has {' and '.join(lacks)}: '{labels_path}'. Scores "
            "are less sure then. Take a larger scene, or another place."
        )
    return positions


def cut_town_patches(
    scene: PathLike, folder: PathLike, *, count: int = 400, seed: int = 0
) -> dict[str, Patches]:
    """Extract patches of the town: "a" for training, "b" in the area to map.

    Args:
        scene: Folder of the town.
        folder: Folder for the patches images.
        count: Number of positions of each of the four classes.
        seed: Seed of the random positions.

    Returns:
        The patches by area; "truth" has the class of each pixel.
    """
    scene = file_path("scene", scene)
    patches = {}
    for area, prefix in _TOWN_PREFIXES.items():
        sources = {x: scene / f"{prefix}{file}" for x, file in _TOWN_IMAGES.items()}
        positions = select_positions(
            sources["truth"], count=count, margin=TOWN_SIZES["truth"] // 2, seed=seed
        )
        patches[area] = extract_patches(
            sources,
            _aligned(positions, sources["input_xs"]),
            sizes=TOWN_SIZES,
            out_dir=folder,
            prefix=f"{area}_",
        )
    return patches


def _check_known(argument: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError for a name that is not known."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"`{argument}`: there is no '{unknown[0]}'. Choose from: "
            f"{', '.join(known) or 'none, because there are no files'}."
        )


def _aligned(positions: Positions, coarse_path: PathLike) -> Positions:
    """Positions moved to the upper left corner of their coarse pixels.

    The patches of both sources then have the same corner, as the chunks of a map have.
    At other positions the fine patch begins up to a coarse pixel after the coarse one.
    """
    to_xy = read_grid(coarse_path).transform
    columns, rows = ~to_xy @ (positions.x, positions.y)
    # An eighth of a coarse pixel inside, because neighbours share the corner itself.
    x, y = to_xy @ (np.floor(columns) + 0.125, np.floor(rows) + 0.125)
    return replace(positions, x=x, y=y)


def datasets(
    patches: Mapping[str, Patches],
    *,
    class_count: int,
    seed: int = 0,
    inputs: Mapping[str, str] | None = None,
    labels: str = "labels",
    batch_size: int = 32,
) -> "tuple[tf.data.Dataset, ...]":
    """Make batches for training, for validation and, if there are any, for the test.

    Args:
        patches: The patches by area, as `cut_patches` returns them.
        class_count: Number of classes.
        seed: Seed of the order of the training patches.
        inputs: {input name: source name} for a model that takes only some of the
            sources. None for all sources under their own names.
        labels: Source of the classes: "labels" has one for each patch, and "truth" of
            the town has one for each pixel.
        batch_size: Number of patches in a batch.

    Returns:
        Batches of area "a", shuffled, of area "b", and of area "c" if it is there. No
        patch is changed: see `tl.augment`.

    Raises:
        TypeError: If `patches` does not hold patches with files.
        ValueError: If an area or a source is not there.
    """
    from tutorial_lib.patches.datasets import patch_dataset

    patches = mapping("patches", patches, '{"a": patches, "b": patches}')
    _check_known("patches", "ab", patches)
    areas = [area for area in "abc" if area in patches]
    for area in areas:
        what = "patches that `cut_patches` returned"
        paths = instance(f"patches[{area!r}]", patches[area], Patches, what).paths
        _check_known("labels", [labels], paths)
        if inputs is not None:
            inputs = mapping("inputs", inputs, '{"input": "input_10m"}')
            _check_known("inputs", inputs.values(), paths)

    def batches(area: str) -> "tf.data.Dataset":
        paths = dict(patches[area].paths)
        classes = paths.pop(labels)
        if inputs is not None:
            paths = {name: paths[source] for name, source in inputs.items()}
        paths["labels"] = classes
        return patch_dataset(
            paths,
            class_count=class_count,
            batch_size=batch_size,
            shuffle=area == "a",
            seed=seed,
        )

    return tuple(batches(area) for area in areas)


def train(
    architecture: "Callable[[int], keras.Model]",
    datasets: "tuple[tf.data.Dataset, tf.data.Dataset]",
    best: PathLike,
    *,
    class_count: int,
    epochs: int,
    seed: int = 0,
    learning_rate: float = 1e-3,
    verbose: int = 0,
) -> "keras.callbacks.History":
    """Train a network with Adam, and save its best epoch.

    Args:
        architecture: Function of the number of classes that builds the network, for
            example `architectures.pixelwise_fcnn`.
        datasets: Batches for training and for validation.
        best: `.keras` file for the weights of the epoch with the smallest validation
            loss.
        class_count: Number of classes.
        epochs: Number of epochs.
        seed: Seed of the initial weights.
        learning_rate: Learning rate of Adam.
        verbose: As in `keras.Model.fit`.

    Returns:
        The curves, in `history`.
    """
    import keras

    from tutorial_lib.training.best_epoch import fit_best_epoch

    check_destination(best)
    epochs = whole_number("epochs", epochs, least=1)
    learning_rate = number("learning_rate", learning_rate, above=0)
    keras.utils.set_random_seed(seed)
    model = architecture(class_count)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    return fit_best_epoch(model, datasets, best, epochs=epochs, verbose=verbose)
