"""Batches of inputs and one-hot targets from patches images, as a `tf.data` dataset."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tutorial_lib import arguments
from tutorial_lib.patches.classes import check_class_count, class_indices
from tutorial_lib.patches.extraction import LABELS
from tutorial_lib.patches.images import (
    PatchesImage,
    check_one_extraction,
    describe,
    read_into,
)
from tutorial_lib.rasters import PathLike

# TensorFlow computes with an array of NumPy without a copy if its address is a multiple
# of this number: EIGEN_MAX_ALIGN_BYTES, at most 64.
ALIGNMENT = 64

__all__ = ["patch_dataset"]


def patch_dataset(
    paths: Mapping[str, PathLike | Sequence[PathLike]],
    *,
    class_count: int | None = None,
    classes: Sequence[int] | None = None,
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
        class_count: Number of classes, if the labels are 0 to `class_count` - 1.
        classes: Class numbers of the labels if they are others, such as `(10, 20, 30)`,
            in ascending order. The targets number them 0, 1, 2…; `class_count` can then
            be left out. Give the same `classes` to `plan_inference`, so that maps have
            the numbers of the labels.
        batch_size: Number of patches in a batch. The last batch can be smaller.
        shuffle: Whether the patches come in a new random order in each epoch.
        seed: Seed of the orders; the same seed gives the same orders.
        target: Name of the model output that is trained.

    Returns:
        Dataset of pairs: {input name: (batch, height, width, channel) float32} and
        {target: (batch, height, width, class_count) float32}. All patches are in
        memory, once, in the type of their files.

    Raises:
        TypeError: If an argument has a wrong type, or the number of classes is missing.
        ValueError: If the files of two names hold different numbers of patches or come
            from two extractions, or a label is not one of the classes.
        OSError: If a file cannot be read.

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
    files = _checked_files(paths)
    classes = check_class_count(class_count, classes)
    batch_size = arguments.whole_number("batch_size", batch_size, least=1, most=2**31)
    seed = arguments.whole_number("seed", seed, least=0)
    target = arguments.text("target", target)
    shuffle = arguments.flag("shuffle", shuffle)
    images = {name: [describe(file) for file in files[name]] for name in files}
    _check_fit(images)
    arrays = {name: _read(images[name]) for name in images}
    labels = _tensor(class_indices(arrays.pop(LABELS), classes))
    tensors = {name: _tensor(arrays[name]) for name in arrays}
    order = tf.data.Dataset.range(len(labels))
    if shuffle:
        order = _shuffled(len(labels), seed)

    def batch(index: tf.Tensor) -> tuple[dict, dict]:
        inputs = {
            name: tf.cast(tf.gather(tensor, index), tf.float32)
            for name, tensor in tensors.items()
        }
        indices = tf.cast(tf.gather(labels, index), tf.int32)
        return inputs, {target: tf.one_hot(indices, len(classes))}

    # Two batches are made side by side, in their order, while the network trains.
    batches = order.batch(batch_size).map(batch, num_parallel_calls=2).prefetch(2)
    return batches.with_options(_options())


def _options() -> tf.data.Options:
    # TensorFlow can rewrite the steps of a dataset so that they are faster. For that it
    # copies all tensors that they use, at the beginning of each epoch.
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return options


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


# Arguments


def _checked_files(
    paths: Mapping[str, PathLike | Sequence[PathLike]],
) -> dict[str, list[PathLike]]:
    example = '{"input": "input.tif", "labels": "labels.tif"}'
    paths = arguments.mapping("paths", paths, example)
    if LABELS not in paths or len(paths) < 2:
        raise ValueError(
            f"`paths` has the names {sorted(paths)}. Give the patches images of at "
            "least one model input, and the patches images of the classes as 'labels'."
        )
    return {name: _checked_list(f'paths["{name}"]', paths[name]) for name in paths}


def _checked_list(name: str, path: PathLike | Sequence[PathLike]) -> list[PathLike]:
    paths = [path]
    if isinstance(path, list | tuple | np.ndarray):
        paths = arguments.sequence(name, path, "paths")
    for one in paths:
        arguments.file_path(name, one)
    return paths


# Files


def _check_fit(images: Mapping[str, Sequence[PatchesImage]]) -> None:
    """Check, file by file, that the patches of all names belong together."""
    # The files of an area stand at the same place in all lists. If two areas are
    # swapped in one of them, the totals still agree.
    for files_of_area in zip(*images.values(), strict=False):
        check_one_extraction(files_of_area)
    counts = {name: [i.shape[0] for i in listed] for name, listed in images.items()}
    if len({tuple(count) for count in counts.values()}) > 1:
        listed = "; ".join(f"'{name}' {count}" for name, count in counts.items())
        raise ValueError(
            f"The patches images have different counts, file by file: {listed}. Give "
            "the files of each name in the same order, all from one `extract_patches` "
            "call for each area."
        )
    for name, listed in images.items():
        shapes = {image.shape[1:] for image in listed}
        if len(shapes) > 1:
            raise ValueError(
                f"The patches images of '{name}' differ in size or channels: "
                f"{sorted(shapes)} in {[str(image.path) for image in listed]}. Cut all "
                "areas with the same size and bands."
            )
    channels = images[LABELS][0].shape[3]
    if channels != 1:
        raise ValueError(
            f"The labels have {channels} channels. Give labels with one channel, the "
            "class number."
        )


def _read(images: Sequence[PatchesImage]) -> np.ndarray:
    """The patches of several files, one after the other, in one array."""
    count = sum(image.shape[0] for image in images)
    shape = (count, *images[0].shape[1:])
    patches = _aligned(shape, np.result_type(*(image.dtype for image in images)))
    first = 0
    for image in images:
        last = first + image.shape[0]
        read_into(patches[first:last], image)
        first = last
    return patches


def _aligned(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """An array that `_tensor` need not copy; its values are undefined."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, "uint8")
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _tensor(array: np.ndarray) -> tf.Tensor:
    """An array as a tensor that shares its memory, so it must not be changed later."""
    # `tf.constant` would copy it. Small arrays of other functions may start anywhere.
    if array.ctypes.data % ALIGNMENT:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
