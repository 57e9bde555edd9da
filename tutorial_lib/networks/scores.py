"""The floats that whole numbers are made of, inside a Keras model.

The index of the largest of several NaN is 0, a class, and a NaN is not above a
threshold. So such outputs say nothing of a network that gives NaN.
"""

from collections.abc import Mapping
from typing import Any

import keras

from tutorial_lib.fields.unfolding import check_functional

__all__ = ["hidden_scores"]


def hidden_scores(
    model: keras.Model, outputs: Mapping[str, Any]
) -> dict[str, keras.KerasTensor]:
    """The last floats before each output that are made whole numbers on the way to it.

    Args:
        model: The model.
        outputs: Its symbolic outputs by name.

    Returns:
        Images by output; outputs without such a step, or with several tensors on the
        way, are missing.

    Example:
        >>> image = keras.Input((None, None, 4))
        >>> labels = keras.ops.argmax(image, axis=-1, keepdims=True)
        >>> found = hidden_scores(keras.Model(image, labels), {"labels": labels})
        >>> found["labels"] is image
        True
    """
    try:
        check_functional(model)
    except TypeError:
        return {}
    found = {name: _floats_before(tensor) for name, tensor in outputs.items()}
    return {name: scores for name, scores in found.items() if scores is not None}


def _floats_before(tensor: Any) -> keras.KerasTensor | None:
    while True:
        operation, number, _ = tensor._keras_history
        before = operation._inbound_nodes[number].input_tensors
        # The layers inside a nested model have other tensors.
        if len(before) != 1 or isinstance(operation, keras.Model):
            return None
        if not _is_float(tensor) and _is_float(before[0]):
            return before[0] if len(before[0].shape) == 4 else None
        tensor = before[0]


def _is_float(tensor: Any) -> bool:
    return "float" in keras.backend.standardize_dtype(tensor.dtype)
