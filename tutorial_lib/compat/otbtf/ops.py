"""The operations of OTBTF."""

from typing import Any

import tensorflow as tf

from tutorial_lib import arguments

__all__ = ["one_hot"]


def one_hot(labels: Any, nb_classes: int) -> tf.Tensor:
    """One-hot targets of class numbers.

    OTBTF gives a vector of zeros for a class that does not exist, and the network
    learns nothing from that sample. Here it is an error.

    Args:
        labels: Class numbers from 0, with a last axis of one: (…, 1). Numbers with
            decimals lose them.
        nb_classes: Number of classes.

    Returns:
        (…, nb_classes) float32.

    Raises:
        ValueError: If the last axis has another length, or a label is not a class. In
            a dataset or a compiled function, TensorFlow raises an InvalidArgumentError
            for such a label.

    Example:
        >>> one_hot([[[2]]], nb_classes=3).numpy().tolist()
        [[[0.0, 0.0, 1.0]]]
    """
    nb_classes = arguments.whole_number("nb_classes", nb_classes, least=1)
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 0 or labels.shape[-1] != 1:
        raise ValueError(
            f"`labels` has the shape {tuple(labels.shape)}. Give class numbers with a "
            "last axis of one: `labels[..., None]`."
        )
    numbers = tf.cast(tf.squeeze(labels, axis=-1), tf.int32)
    try:
        with tf.control_dependencies([_are_classes(numbers, labels, nb_classes)]):
            return tf.one_hot(numbers, nb_classes)
    except tf.errors.InvalidArgumentError as err:
        wrong = labels[(numbers < 0) | (numbers >= nb_classes)].numpy().flat[0]
        raise ValueError(_message(nb_classes, f"{wrong}")) from err


def _are_classes(numbers: tf.Tensor, labels: tf.Tensor, nb_classes: int) -> Any:
    """Assert, also inside a dataset, that all numbers are classes."""
    right = tf.reduce_all((numbers >= 0) & (numbers < nb_classes))
    return tf.debugging.Assert(right, [_message(nb_classes, "among these"), labels])


def _message(nb_classes: int, which: str) -> str:
    return (
        f"A label is not a class from 0 to {nb_classes - 1}: {which}. Give "
        "`nb_classes` the number of classes, or leave out patches with other labels."
    )
