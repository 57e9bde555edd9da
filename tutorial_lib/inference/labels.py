"""Labels of a network: which output they are the largest value of, and their numbers.

A label says nothing about the values that it comes from: if all of them are NaN, the
index of the largest is 0, a class. So these values are looked at too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tutorial_lib.networks.predictors import Predictor

__all__ = ["check_weights", "numbered", "related_outputs", "scores_of"]


def related_outputs(names: Sequence[str], predictor: Predictor) -> list[str]:
    """Further outputs that `scores_of` looks for, and that tell the number of classes.

    Args:
        names: Names of the outputs that are asked for.
        predictor: The model.
    """
    known = {*predictor.outputs, *predictor.hidden.values()}
    related = [n for name in names for n in _candidates(name, predictor)]
    found = [n for n in [*related, "estimated"] if n in known and n not in names]
    return list(dict.fromkeys(found))


def scores_of(
    labels: str, predictor: Predictor, given: Mapping[str, np.ndarray]
) -> str | None:
    """Name of the output that an output of labels is made from; None if unknown.

    Args:
        labels: Name of the output of labels.
        predictor: The model.
        given: All its outputs for some input, (batch, height, width, channel).
    """
    size = given[labels].shape[1:3]
    for name in _candidates(labels, predictor):
        scores = given.get(name)
        if name == labels or scores is None or scores.shape[1:3] != size:
            continue
        if np.issubdtype(scores.dtype, np.floating):
            return name
    return None


def check_weights(labels: str, predictor: Predictor) -> None:
    """Raise ValueError if an output of labels comes from weights that are no numbers.

    Called where nothing else tells it: the labels are the only output.
    """
    name = predictor.broken_weight and predictor.broken_weight()
    if name:
        raise ValueError(
            f"The weight '{name}' of the model holds NaN or infinity, so all labels of "
            f"'{labels}' would be wrong. Train the model again with a smaller learning "
            "rate."
        )


def _candidates(labels: str, predictor: Predictor) -> list[str]:
    """Names of outputs that an output of labels may be made from, likeliest first."""
    names = [*_outputs_before(labels, predictor), labels.removesuffix("_labels")]
    return [*names, predictor.hidden[labels]] if labels in predictor.hidden else names


def _outputs_before(labels: str, predictor: Predictor) -> list[str]:
    """Outputs on the way to an output, where each layer has one input; nearest first.

    Only `Argmax`, and layers that treat each pixel on its own, make integers of floats,
    so a chain of single inputs is enough.
    """
    if predictor.analysis is None:
        return []
    try:
        network = predictor.analysis()
    except (TypeError, ValueError):
        return []
    names = {number: name for name, number in network.outputs.items()}
    found, number = [], network.outputs[labels]
    while len(network.steps[number].inputs) == 1:
        (number,) = network.steps[number].inputs
        found += [names[number]] if number in names else []
    return found


def numbered(values: np.ndarray, classes: Sequence[int] | None) -> np.ndarray:
    """Labels 0, 1, 2… as the class numbers that they stand for.

    Raises:
        ValueError: If a label has no class number.

    Example:
        >>> numbered(np.array([2, 0, 1]), (10, 20, 30)).tolist()
        [30, 10, 20]
    """
    if classes is None or not values.size:
        return values
    least, most = int(values.min()), int(values.max())
    if least < 0 or most >= len(classes):
        wrong = least if least < 0 else most
        raise ValueError(
            f"The network gives the class {wrong}, and `classes` has numbers for 0 to "
            f"{len(classes) - 1} only: {tuple(classes)}. Give one for each class."
        )
    return np.asarray(classes)[values]
