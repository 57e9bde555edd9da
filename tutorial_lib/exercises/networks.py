"""Compare a learner's network with the right one: run both, compare the layers."""

from typing import Any

from tutorial_lib.exercises.findings import Finding


def compare_networks(model: Any, reference: Any) -> Finding | None:
    """Compare a network with the right one, by its results and layer by layer.

    Args:
        model: The learner's network, a Keras model.
        reference: The right network, a Keras model.

    Returns:
        None if both compute the same, or a `Finding` that names the first layer that
        differs.
    """
    raise NotImplementedError
