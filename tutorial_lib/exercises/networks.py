"""Compare a learner's network with the right one: run both, compare the layers."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tutorial_lib.exercises.artificial import Weights, input_sizes, trial_images
from tutorial_lib.exercises.errors import describe_error
from tutorial_lib.exercises.findings import Finding
from tutorial_lib.exercises.graphs import graph_of, is_graph
from tutorial_lib.exercises.layers import compare_layers
from tutorial_lib.kinds import kind_of

__all__ = ["compare_networks"]

# Layers that do something in training only.
_IN_TRAINING = ("Dropout", "Noise", "BatchNormalization", "ActivityRegularization")

_RELATIVE = 2e-3


def compare_networks(
    model: Any, reference: Any, *, says: str = "the table says"
) -> Finding | None:
    """Compare a network with the right one, by its results and layer by layer.

    Both run with the same artificial weights on images of two sizes. Networks that
    compute the same are equal, however they are written.

    Args:
        model: The learner's network, a Keras model of images.
        reference: The right network.
        says: Where the right layers are described, as the middle of a sentence.

    Returns:
        None if both compute the same, or a `Finding` that names what differs first.

    Example:
        >>> from tutorial_lib import architectures
        >>> right = architectures.pixelwise_fcnn(6, crops=())
        >>> print(compare_networks(architectures.pixelwise_fcnn(6, crops=()), right))
        None
    """
    if not is_graph(model):
        return Finding(
            f"The result is {kind_of(model)}, and not a network of layers that were "
            "called one after the other."
        )
    names = _differing_names(model, reference)
    if names:
        layers = compare_layers(graph_of(model), graph_of(reference), says)
        return Finding(names, layers.right if layers else "")
    problem = _run_both(model, reference)
    if not problem:
        return None
    return compare_layers(graph_of(model), graph_of(reference), says) or Finding(
        problem
    )


def _differing_names(model: Any, reference: Any) -> str:
    """Sentence on inputs and outputs that are missing or too many."""
    from tutorial_lib.fields.names import named_tensors

    own, right = named_tensors(model), named_tensors(reference)
    if {n: x.shape[-1] for n, x in own[0].items()} != {
        n: x.shape[-1] for n, x in right[0].items()
    }:
        bands = " and ".join(
            f"`{n}` with {x.shape[-1]} bands" for n, x in right[0].items()
        )
        return f"The network reads other images than it should. It must read {bands}."
    missing = [name for name in right[1] if name not in own[1]]
    # Without an output there are no crops of it.
    missing = [x for x in missing if re.sub(r"_crop\d+$", "", x) in (x, *own[1])]
    if missing:
        listed = "` and no output `".join(missing)
        return f"The network has no output `{listed}`."
    added = [name for name in own[1] if name not in right[1]]
    if added:
        return f"The output `{min(added, key=len)}` is not asked for."
    unread = graph_of(reference).read_inputs - graph_of(model).read_inputs
    if unread:
        listed = " and ".join(f"`{name}`" for name in sorted(unread))
        return f"No output depends on {listed}: the results stay the same without it."
    return ""


def _run_both(model: Any, reference: Any) -> str:
    """Sentence on the first output that differs; empty if the networks are equal."""
    if _training_layers(model) != _training_layers(reference):
        return (
            "The network must have the same layers that work in training only, such as "
            "`Dropout`, as the right one."
        )
    if _weight_shapes(model) != _weight_shapes(reference):
        return (
            f"The network has {model.count_params()} weights; it should have "
            f"{reference.count_params()}."
        )
    sizes = input_sizes(reference)
    images = [trial_images(reference, size, seed) for seed, size in enumerate(sizes)]
    weights = Weights()
    right = _results(reference, images, weights)
    try:
        got = _results(model, images, weights)
    # Any exception: the layers are the learner's.
    except Exception as err:
        text, _ = describe_error(err)
        return f"The network cannot run on {_described(sizes[0])}. {text}"
    for one, other, size in zip(got, right, sizes, strict=True):
        for name, value in other.items():
            problem = _difference(name, one[name], value)
            if problem:
                return f"For {_described(size)}, {problem}"
    return ""


def _training_layers(model: Any) -> Counter:
    kinds = [use.kind for use in graph_of(model).uses]
    return Counter(kind for kind in kinds if any(word in kind for word in _IN_TRAINING))


def _weight_shapes(model: Any) -> Counter:
    return Counter(tuple(weight.shape) for weight in model.weights)


def _results(
    model: Any, images: list[Mapping], weights: Weights
) -> list[dict[str, np.ndarray]]:
    """The outputs by name for each set of images, with artificial weights."""
    from tutorial_lib.fields.names import named_tensors

    names = list(named_tensors(model)[0])
    keyed = isinstance(model.input, Mapping)
    with weights.given_to(model, images[0]):
        results = []
        for one in images:
            given = one if keyed else [one[name] for name in names]
            given = given[0] if not keyed and len(names) == 1 else given
            results.append(_named_outputs(model, model(given, training=False)))
    return results


def _named_outputs(model: Any, outputs: Any) -> dict[str, np.ndarray]:
    from tutorial_lib.fields.names import named_tensors

    if not isinstance(outputs, Mapping):
        values = outputs if isinstance(outputs, list | tuple) else [outputs]
        outputs = dict(zip(named_tensors(model)[1], values, strict=True))
    return {name: np.asarray(value) for name, value in outputs.items()}


def _described(sizes: Mapping[str, tuple[int, int]]) -> str:
    pixels = [f"{height} x {width}" for height, width in sizes.values()]
    if len(pixels) == 1:
        return f"an image of {pixels[0]} pixels"
    return f"images of {' and '.join(pixels)} pixels"


def _difference(name: str, got: np.ndarray, right: np.ndarray) -> str:
    """How an output differs, as the end of a sentence; empty if it does not."""
    if got.shape[1:3] != right.shape[1:3]:
        sizes = [" x ".join(map(str, x.shape[1:3])) for x in (got, right)]
        return f"`{name}` has {sizes[0]} pixels; it should have {sizes[1]}."
    if got.shape != right.shape:
        return f"`{name}` has {got.shape[-1]} bands; it should have {right.shape[-1]}."
    if not right.size:
        return ""
    if right.dtype.kind in "iub" or got.dtype.kind in "iub":
        # A few classes may change with the last digit of a probability.
        same = got.dtype.kind in "iub" and np.mean(got != right) < 0.005
    else:
        same = _alike(got, right) or _alike(np.sort(got), np.sort(right))
    return "" if same else f"`{name}` has other values than it should."


def _alike(got: np.ndarray, right: np.ndarray) -> bool:
    allowed = _RELATIVE * max(float(np.std(right)), 1e-6)
    return bool(np.max(np.abs(got - right), initial=0) <= allowed)
