"""Batches of inputs and one-hot targets from patches images, as a `tf.data` dataset."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tutorial_lib.patches.extraction import LABELS, read_patches
from tutorial_lib.rasters import PathLike

__all__ = ["patch_dataset"]


def patch_dataset(
    paths: Mapping[str, PathLike | Sequence[PathLike]],
    *,
    class_count: int,
    batch_size: int = 8,
    shuffle: bool = True,
    seed: int = 0,
    target: str = "estimated",
) -> tf.data.Dataset:
    """Batches of patches with one-hot targets, for `model.fit`.

    Args:
        paths: Patches images by the names of the model's inputs, and the patches image
            of the classes under "labels". Each is one path, or a list of paths for
            several areas, in the same order for all names.
        class_count: Number of classes. The labels are 0 to `class_count` - 1.
        batch_size: Number of patches in a batch. The last batch can be smaller.
        shuffle: Whether the patches come in a new random order in each epoch.
        seed: Seed of the orders; the same seed gives the same orders.
        target: Name of the model output that is trained.

    Returns:
        Dataset of pairs: {input name: (batch, height, width, channel) float32} and
        {target: (batch, height, width, class_count) float32}. All patches are in
        memory, in the type of their files.

    Raises:
        TypeError: If `paths` is not a mapping.
        ValueError: If the files of two names hold different numbers of patches, or a
            label is out of range.

    Example:
        >>> import tutorial_lib as tl
        >>> scene = dict(tl.testing.small_scene())
        >>> positions = tl.select_positions(scene.pop("labels"), count=9)
        >>> patches = tl.extract_patches(
        ...     scene, positions, sizes={"input_10m": 16, "input_20m": 8},
        ...     out_dir=tl.testing.scratch_folder(),
        ... )
        >>> dataset = patch_dataset(patches.paths, class_count=4, batch_size=10)
        >>> inputs, targets = next(iter(dataset))
        >>> inputs["input_20m"].shape.as_list(), targets["estimated"].shape.as_list()
        ([10, 8, 8, 6], [10, 1, 1, 4])
    """
    if not isinstance(paths, Mapping):
        raise TypeError(
            f"`paths` is of the type `{type(paths).__name__}`. Give a dictionary with "
            'the name of each model input: `{"input": path, "labels": path}`.'
        )
    files = {name: _as_list(path) for name, path in paths.items()}
    if LABELS not in files or len(files) < 2:
        raise ValueError(
            f"`paths` has the names {sorted(files)}. Give the patches images of at "
            "least one model input, and the patches images of the classes as 'labels'."
        )
    parts = {name: [read_patches(file) for file in files[name]] for name in files}
    _check_counts(parts, files)
    arrays = {name: np.concatenate(patches) for name, patches in parts.items()}
    labels = _class_numbers(arrays.pop(LABELS), class_count)
    order = tf.data.Dataset.range(len(labels))
    if shuffle:
        order = _shuffled(len(labels), seed)
    tensors = {name: tf.constant(array) for name, array in arrays.items()}
    labels = tf.constant(labels)

    def batch(index: tf.Tensor) -> tuple[dict, dict]:
        inputs = {
            name: tf.cast(tf.gather(tensor, index), tf.float32)
            for name, tensor in tensors.items()
        }
        return inputs, {target: tf.one_hot(tf.gather(labels, index), class_count)}

    return order.batch(batch_size).map(batch).prefetch(1)


def _shuffled(count: int, seed: int) -> tf.data.Dataset:
    """The indices of the patches, in a new order in each epoch."""
    # `Dataset.shuffle` also uses TensorFlow's global seed, so its orders would depend
    # on the code that ran before. These orders depend on `seed` alone.
    rng = np.random.default_rng(seed)
    orders = tf.data.Dataset.from_generator(
        lambda: iter([rng.permutation(count)]),
        output_signature=tf.TensorSpec((count,), tf.int64),
    )
    return orders.unbatch().apply(tf.data.experimental.assert_cardinality(count))


def _as_list(path: PathLike | Sequence[PathLike]) -> list[PathLike]:
    return list(path) if isinstance(path, list | tuple) else [path]


def _check_counts(
    parts: Mapping[str, list[np.ndarray]], files: Mapping[str, list[PathLike]]
) -> None:
    # Compared file by file: if two areas are swapped, the totals still agree.
    counts = {name: [len(patches) for patches in parts[name]] for name in parts}
    if len({tuple(count) for count in counts.values()}) > 1:
        listed = "; ".join(f"'{name}' {count}" for name, count in counts.items())
        raise ValueError(
            f"The patches images have different counts, file by file: {listed}. Give "
            "the files of each name in the same order, all from one `extract_patches` "
            "call for each area."
        )
    for name, patches in parts.items():
        shapes = {array.shape[1:] for array in patches}
        if len(shapes) > 1:
            raise ValueError(
                f"The patches images of '{name}' differ in size or channels: "
                f"{sorted(shapes)} in {[str(f) for f in files[name]]}. Cut all areas "
                "with the same size and bands."
            )


def _class_numbers(labels: np.ndarray, class_count: int) -> np.ndarray:
    if labels.shape[3] != 1:
        raise ValueError(
            f"The labels have {labels.shape[3]} channels. Give labels with one "
            "channel, the class number."
        )
    ids, counts = np.unique(labels, return_counts=True)
    pixels = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    wrong = {label: n for label, n in pixels.items() if label not in range(class_count)}
    if wrong:
        raise ValueError(
            f"Some labels are not from 0 to {class_count - 1} (`class_count` is "
            f"{class_count}). Their numbers of pixels: {wrong}. Give the right "
            "`class_count`, or leave these patches out."
        )
    return labels[..., 0].astype("int32")
