"""What is recorded: the trainings behind the weights and curves of this folder.

`make weights` runs them all; `python -m tutorial_lib.recorded.recordings NAME…` some.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import recorded
from tutorial_lib.arguments import choice
from tutorial_lib.patches.extraction import LABELS, Patches
from tutorial_lib.patches.images import write_patches
from tutorial_lib.patches.statistics import band_statistics
from tutorial_lib.rasters.files import replacing_together
from tutorial_lib.recorded import recipes
from tutorial_lib.testing import scratch_folder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

HAVEL, TOWN = Path("data/havel"), Path("data/town")
# Changes of the pixel values in training, for another sun and other air.
JITTER = {"gain": 0.2, "offset": 150}
# Patches of each class in the trainings that show overfitting.
FEW = {"a": 60, "b": recipes.COUNTS["b"]}

__all__ = ["JITTER", "RECORDINGS", "Recording", "record"]


@dataclass(frozen=True)
class Recording:
    """How a recorded network was trained.

    Attributes:
        network: Name of its architecture.
        sizes: Side of the patches of each source.
        counts: Number of positions of each class, by area.
        seed: Seed of the first weights, of the order of the patches, and of changes.
        epochs: Number of epochs; the best one by the validation loss is kept.
        rate: Learning rate.
        standardised: Whether the inputs are standardised, or multiplied by a factor.
        changes: Arguments of `augment` for the training patches.
        options: Further arguments of the architecture.
        town: Whether it is of the town, with a class for each pixel.
        weights: Whether the weights are recorded, or the curves only.
        valid_bands: Order, from 0, in which the validation patches have their bands;
            None for that of the training.
        shuffled: Whether the classes of the training patches are mixed up.
    """

    network: str = "pixelwise_fcnn"
    sizes: Mapping[str, int] = field(default_factory=lambda: recipes.SIZES)
    counts: Mapping[str, int] = field(default_factory=lambda: recipes.COUNTS)
    seed: int = 0
    epochs: int = 25
    rate: float = 1e-3
    standardised: bool = True
    changes: Mapping[str, float] = field(default_factory=lambda: JITTER)
    options: Mapping[str, float] = field(default_factory=dict)
    town: bool = False
    weights: bool = True
    valid_bands: tuple[int, ...] | None = None
    shuffled: bool = False

    def patches(self, folder: Path) -> dict[str, Patches]:
        """Cut the patches of this training into a folder."""
        if self.town:
            return recipes.cut_town_patches(TOWN, folder)
        patches = recipes.cut_patches(
            HAVEL, folder, sizes=self.sizes, counts=self.counts
        )
        if self.shuffled:
            patches["a"] = _with_shuffled_classes(patches["a"], self.seed)
        return patches

    def train(
        self, patches: Mapping[str, Patches], best: Path, verbose: int = 0
    ) -> "keras.callbacks.History":
        """Train on patches, and save the best epoch."""
        from tutorial_lib.networks import architectures

        options = dict(self.options)
        if self.standardised:
            options["statistics"] = band_statistics(patches["a"])
        build = partial(getattr(architectures, self.network), **options)
        return recipes.train(
            build,
            self._batches(patches),
            best,
            class_count=4 if self.town else 6,
            epochs=self.epochs,
            seed=self.seed,
            learning_rate=self.rate,
            verbose=verbose,
        )

    def _batches(self, patches: Mapping[str, Patches]) -> "tuple[tf.data.Dataset, ...]":
        from tutorial_lib.patches.augmentation import augment

        if self.town:
            options = {"class_count": 4, "labels": "truth", "batch_size": 16}
        else:
            options = {"class_count": 6}
        train, valid, *_ = recipes.datasets(patches, seed=self.seed, **options)
        if self.changes:
            train = augment(train, **self.changes, seed=self.seed)
        if self.valid_bands is not None:
            valid = valid.map(partial(_with_bands, order=self.valid_bands))
        return train, valid


def _with_shuffled_classes(patches: Patches, seed: int) -> Patches:
    """Patches whose classes are those of other patches, in memory and in a file."""
    classes = np.random.default_rng(seed).permutation(patches.arrays[LABELS])
    path = patches.paths[LABELS].with_name("a_shuffled.tif")
    write_patches(path, classes)
    return replace(
        patches,
        arrays={**patches.arrays, LABELS: classes},
        paths={**patches.paths, LABELS: path},
    )


def _with_bands(
    inputs: Mapping[str, Any], targets: Any, *, order: tuple[int, ...]
) -> tuple[dict[str, Any], Any]:
    """A batch whose inputs have their bands in another order."""
    import tensorflow as tf

    return {n: tf.gather(x, order, axis=-1) for n, x in inputs.items()}, targets


# At 1e-3 the loss on B jumps so much that the smallest one may come by chance, early.
_HAVEL = partial(Recording, rate=5e-4)
_TWO = partial(_HAVEL, "dual_source_fcnn", recipes.TWO_SIZES)
_FEW = partial(Recording, counts=FEW, epochs=60, weights=False)
_TOWN = partial(Recording, standardised=False, changes={}, town=True)
# Trainings that go wrong, each in its own way: the patients of notebook 04. Few patches
# are enough to show it.
_PATIENT = partial(
    Recording, counts={"a": 100, "b": 200}, epochs=30, changes={}, weights=False
)

RECORDINGS: Mapping[str, Recording] = {
    "pooled_havel": _HAVEL("pooled_cnn"),
    "pooled_havel_1": _HAVEL("pooled_cnn", seed=1),
    "pooled_havel_2": _HAVEL("pooled_cnn", seed=2),
    "fcnn_havel": _HAVEL(),
    "fcnn_havel_1": _HAVEL(seed=1),
    "fcnn_havel_2": _HAVEL(seed=2),
    "dual_source_havel": _TWO(),
    "dual_source_havel_1": _TWO(seed=1),
    "dual_source_havel_2": _TWO(seed=2),
    "fcnn_factor": Recording(standardised=False, changes={}, weights=False),
    "fcnn_standardised": Recording(changes={}),
    "fcnn_few": _FEW(changes={}),
    "fcnn_few_turned": _FEW(changes={"turns": True}),
    "patient_1": _PATIENT(rate=3e-5),
    "patient_2": _PATIENT(rate=3e-2),
    "patient_3": _FEW(changes={}, seed=1),
    "patient_4": _PATIENT(standardised=False, options={"scale": 1}, epochs=12),
    "patient_5": _PATIENT(shuffled=True),
    # As from a file with near infrared first.
    "patient_6": _PATIENT(valid_bands=(3, 0, 1, 2)),
    "pan_xs_town": _TOWN("pan_xs_unet"),
    "deep_town": _TOWN("deeper_unet", options={"depth": 5}),
}


def record(*names: str) -> None:
    """Train networks, and record their weights and curves.

    Args:
        names: Names of `RECORDINGS`; none for all of them.
    """
    for name in names:
        choice("names", name, RECORDINGS)
    for name in names or RECORDINGS:
        print(f"{name}:", flush=True)
        one = RECORDINGS[name]
        folder = scratch_folder()
        best = folder / f"{name}.keras"
        history = one.train(one.patches(folder), best, verbose=2)
        _write(name, best if one.weights else None, history.history)


def _write(name: str, best: Path | None, history: Mapping[str, list[float]]) -> None:
    """Write `<name>.json`, and `<name>.keras` if there is a network."""
    import keras

    curves = {
        curve: [round(value, 5) for value in values]
        for curve, values in history.items()
    }
    endings = (".json",) if best is None else (".json", ".keras")
    places = [recorded.FOLDER / f"{name}{ending}" for ending in endings]
    # Together, so that the curves are always those of the weights.
    with replacing_together(places) as parts:
        parts[0].write_text(json.dumps(curves, indent=1))
        if best is not None:
            # Without the state of the optimizer the file has a third of its size.
            keras.models.load_model(best, compile=False).save(parts[1])


if __name__ == "__main__":
    record(*sys.argv[1:])
