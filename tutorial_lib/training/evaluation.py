"""The classes that a model estimates beside the true ones, and their scores."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.notices import error_line, warn
from tutorial_lib.training.scores import THRESHOLD, ClassScores, class_names

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["classify", "evaluate_classes"]


def evaluate_classes(
    model: "keras.Model",
    dataset: "tf.data.Dataset",
    *,
    names: Sequence[str] | None = None,
    target: str = "estimated",
) -> ClassScores:
    """Compare the classes that a model estimates with the true ones.

    Args:
        model: Model with outputs by name.
        dataset: Batches of (inputs, {target: one-hot}), as `patch_dataset` makes them.
            A pixel of zeros has no class and is not counted.
        names: Names of the classes; None for "0", "1"…
        target: Name of the output: (batch, height, width, class) probabilities.

    Returns:
        Scores of each class, by argmax and at the threshold. A pixel with a probability
        that is NaN or infinite has no most probable class, so it is not counted.

    Raises:
        TypeError: If `model` is not a model, or `dataset` does not hold such batches.
        ValueError: If the output and the target have different shapes, the model does
            not take the inputs, there are no pixels with a class, or all probabilities
            are NaN.

    Warns:
        UserWarning: If pixels are not counted because a probability is not a number.

    Example:
        >>> import tutorial_lib as tl
        >>> labels = tl.testing.small_scene()["labels"]
        >>> positions = tl.select_positions(labels, count=9, margin=8)
        >>> patches = tl.extract_patches(
        ...     {"input": tl.testing.small_scene()["input_10m"]}, positions,
        ...     sizes={"input": 16}, out_dir=tl.testing.scratch_folder(),
        ... )
        >>> dataset = tl.patch_dataset(patches.paths, class_count=4)
        >>> model = tl.architectures.pixelwise_fcnn(4)
        >>> int(evaluate_classes(model, dataset).confusion.sum())
        36
    """
    names = None if names is None else class_names(names)
    target = arguments.text("target", target)
    confusion, above, unknown = 0, 0, 0
    for true, estimated in _pairs(model, dataset, target):
        labelled = true.any(-1)
        # argmax takes NaN for the largest value, so it would give class 0.
        known = labelled & np.isfinite(estimated).all(-1)
        unknown += int((labelled & ~known).sum())
        one_hot = np.eye(true.shape[-1], dtype=int)
        true, estimated = one_hot[true[known].argmax(-1)], estimated[known]
        confusion += true.T @ one_hot[estimated.argmax(-1)]
        above += true.T @ (estimated > THRESHOLD)
    _check_counted(int(np.sum(confusion)), unknown)
    names = names or tuple(map(str, range(len(confusion))))
    return ClassScores(confusion, names, above)


def classify(
    model: "keras.Model", dataset: "tf.data.Dataset", *, target: str = "estimated"
) -> tuple[np.ndarray, np.ndarray]:
    """The true and the estimated class of each patch, in the order of the dataset.

    Args:
        model: Model with outputs by name.
        dataset: Batches of (inputs, {target: one-hot}), as `patch_dataset` makes them.
            Without `shuffle` they are in the order of the patches, so `labels[i]` is
            the class of patch i.
        target: Name of the output: (batch, height, width, class) probabilities.

    Returns:
        The true classes and the most probable ones: two arrays (n,) of whole numbers.
        With a class for each pixel, n counts the pixels of all patches.

    Raises:
        TypeError: If `model` is not a model, or `dataset` does not hold such batches.
        ValueError: If the output and the target have different shapes, the model does
            not take the inputs, there are no patches, one of them has no class, or a
            probability is NaN or infinite.

    Example:
        >>> import tutorial_lib as tl
        >>> labels = tl.testing.small_scene()["labels"]
        >>> positions = tl.select_positions(labels, count=9, margin=8)
        >>> patches = tl.extract_patches(
        ...     {"input": tl.testing.small_scene()["input_10m"]}, positions,
        ...     sizes={"input": 16}, out_dir=tl.testing.scratch_folder(),
        ... )
        >>> dataset = tl.patch_dataset(patches.paths, class_count=4, shuffle=False)
        >>> labels, estimated = classify(tl.architectures.pixelwise_fcnn(4), dataset)
        >>> bool((labels == positions.labels).all()), estimated.shape
        (True, (36,))
    """
    target = arguments.text("target", target)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for true, estimated in _pairs(model, dataset, target):
        if not true.any(-1).all():
            raise ValueError(
                "The dataset has a pixel without a class. Leave it out, or count with "
                "`evaluate_classes`."
            )
        if not np.isfinite(estimated).all():
            raise ValueError(
                f"A probability in the output '{target}' is NaN or infinite. Check the "
                "weights of the model and the values of the patches."
            )
        found.append((true.argmax(-1).ravel(), estimated.argmax(-1).ravel()))
    if not found:
        raise ValueError("The dataset is empty. Give at least one patch.")
    labels, classes = zip(*found, strict=True)
    return np.concatenate(labels), np.concatenate(classes)


def _pairs(
    model: Any, dataset: Any, target: str
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """One-hot classes and probabilities of each batch, of the same shape."""
    if not callable(model):
        what = "a Keras model, for example `keras.models.load_model(path)`"
        raise TypeError(f"`model` is {arguments.shown(model)}. Give {what}.")
    for inputs, targets in _batches(dataset):
        true = _array(targets, target, "target")
        estimated = _array(_outputs(model, inputs), target, "output")
        if estimated.shape != true.shape or true.ndim < 2:
            raise ValueError(
                f"The output '{target}' has the shape {estimated.shape} and its target "
                f"{true.shape}. Use patches with the size and the classes of the model."
            )
        yield true, estimated


def _batches(dataset: Any) -> Iterable[tuple[Any, Any]]:
    what = "batches of (inputs, {target: one-hot}), as `tl.patch_dataset` makes them"
    wrong = f"`dataset` is {arguments.shown(dataset)}. Give {what}."
    if not isinstance(dataset, Iterable) or isinstance(
        dataset, str | Mapping | np.ndarray
    ):
        raise TypeError(wrong)
    for batch in dataset:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise TypeError(wrong)
        yield batch


def _outputs(model: Any, inputs: Any) -> Any:
    try:
        if getattr(model, "inputs", None):
            # oneDNN's kernels do not notice that a patch is smaller than a network
            # needs: they give an output of a plausible size.
            model.compute_output_shape(_shapes(inputs))
        return model(inputs, training=False)
    # Keras and TensorFlow raise exceptions of many types for wrong inputs.
    except Exception as err:
        raise ValueError(
            f"The model does not take the inputs of the dataset: {error_line(err)}. "
            "Use patches with the names, sizes and bands of the model's inputs."
        ) from err


def _shapes(inputs: Any) -> Any:
    """The shapes of a model's inputs, in the structure that they are given in."""
    if isinstance(inputs, Mapping):
        return {name: tuple(value.shape) for name, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return [tuple(value.shape) for value in inputs]
    return tuple(inputs.shape)


def _array(values: Any, name: str, kind: str) -> np.ndarray:
    """The array of this name in the targets of a dataset or the outputs of a model."""
    known = list(values) if isinstance(values, Mapping) else None
    if known is None or name not in known:
        has = f"the {kind}s {known}" if known is not None else f"{kind}s without names"
        whose = "dataset" if kind == "target" else "model"
        raise ValueError(
            f"The {whose} has {has}, and not '{name}'. Give the name with `target=…`, "
            f"or a {whose} with named {kind}s."
        )
    return np.asarray(values[name])


def _check_counted(counted: int, unknown: int) -> None:
    cure = "Check the weights of the model and the values of the patches."
    if unknown and not counted:
        raise ValueError(
            "The model estimates no class: a probability of each pixel is NaN or "
            f"infinite, in all of {unknown} pixels. {cure}"
        )
    if not counted:
        raise ValueError(
            "The dataset has no pixel with a class. Give at least one labelled patch."
        )
    if unknown:
        warn(
            f"{unknown} of {counted + unknown} pixels are not counted, because a "
            f"probability is NaN or infinite. {cure}"
        )
