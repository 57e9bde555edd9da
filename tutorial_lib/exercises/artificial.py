"""Run networks with artificial weights, so that equal networks give equal results.

A weight depends on its place in the kernel and on the band that goes out, not on the
band that comes in. So two networks that join images in another order are equal.
Kernels are scaled such that the results of each layer spread by about 1: otherwise the
images would fade away in a deep network, and differences with them.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tutorial_lib.exercises.graphs import Graph, graph_of, is_graph, nodes_in_order

__all__ = ["Weights", "input_sizes", "trial_images"]

# Variables that have one value for each band, and the value that all bands get.
_PER_BAND = {
    "gamma": 1.2,
    "beta": 0.1,
    "moving_mean": 0.1,
    "moving_variance": 0.8,
    "alpha": 0.2,
}


# Larger images take long.
_LARGE = 200


class Weights:
    """Artificial weights for a network, and then for others that are compared with it.

    All networks get the scales of the first one. Otherwise a factor between two layers,
    such as that of a mean in place of a sum, would be scaled away.
    """

    def __init__(self) -> None:
        self._scales: dict[Hashable, float] = {}
        self._keys: dict[Hashable, int] = {}

    @contextmanager
    def given_to(self, model: Any, images: Mapping[str, np.ndarray]) -> Iterator[None]:
        """Give a network artificial weights, and its own ones back at the end.

        Args:
            model: A Keras model of layers.
            images: {input name: (1, height, width, channel)}, on which kernels are
                scaled.
        """
        own = model.get_weights()
        keys = self._keys_of(graph_of(model))
        done: set[int] = set()

        def prepare(layer: Any, value: Any) -> None:
            if id(layer) not in done and getattr(layer, "weights", None):
                done.add(id(layer))
                self._set(layer, value, keys.get(id(layer)))

        graph = getattr(model, "_functional", None) or model
        try:
            _run(graph, _by_tensor(model, images), prepare)
            yield
        finally:
            model.set_weights(own)

    def _keys_of(self, graph: Graph) -> dict[int, int]:
        """For each layer with weights a key, equal where equal weights are reached.

        The key tells the shapes of the weights, and the keys of the layers with weights
        that lie before; layers without weights do not count.
        """
        before = {use: frozenset([name]) for name, use in graph.inputs.items()}
        keys: dict[int, int] = {}
        for use in graph.uses:
            read = frozenset().union(*(before.get(one, ()) for one in use.inputs))
            weights = getattr(use.layer, "weights", ())
            if weights:
                key = (tuple(tuple(weight.shape) for weight in weights), read)
                number = self._keys.setdefault(key, len(self._keys))
                keys.setdefault(id(use.layer), number)
                read = frozenset([number])
            before[use] = read
        return keys

    def _set(self, layer: Any, value: Any, key: int | None) -> None:
        """Give artificial weights to a layer that reads a value."""
        # Statistics of a `Normalization` are part of the network.
        if type(layer).__name__ == "Normalization":
            return
        weights = [_weight(layer, variable) for variable in layer.weights]
        kernels = [i for i, weight in enumerate(weights) if weight.ndim > 1]
        if kernels:
            if key not in self._scales:
                self._scales[key] = _scale(layer, weights, value)
            # Of several kernels in a row one is scaled, or the scales would multiply.
            weights[kernels[-1]] *= self._scales[key]
        layer.set_weights(weights)


def _by_tensor(model: Any, images: Mapping[str, np.ndarray]) -> dict[int, Any]:
    import keras

    from tutorial_lib.fields.names import named_tensors

    inputs, _ = named_tensors(model)
    return {
        id(tensor): keras.ops.convert_to_tensor(images[name])
        for name, tensor in inputs.items()
    }


def _run(
    graph: Any, values: dict[int, Any], prepare: Callable[[Any, Any], None]
) -> dict[int, Any]:
    """Run a graph layer by layer; `prepare` sees each layer and its first input."""
    import keras

    for node in nodes_in_order(graph):
        args, kwargs = node.arguments.fill_in(values)
        nested = getattr(node.operation, "_functional", None) or node.operation
        if is_graph(nested):
            read = [values[id(tensor)] for tensor in node.input_tensors]
            inner = dict(zip(map(id, nested.inputs), read, strict=True))
            _run(nested, inner, prepare)
            results = [inner[id(tensor)] for tensor in nested.outputs]
        else:
            first = values[id(node.input_tensors[0])] if node.input_tensors else None
            prepare(node.operation, first)
            results = keras.tree.flatten(node.operation(*args, **kwargs))
        values |= dict(zip(map(id, node.outputs), results, strict=True))
    return values


def _scale(layer: Any, weights: Sequence[np.ndarray], value: Any) -> float:
    """Factor with which a layer's results spread by 1 before its activation."""
    layer.set_weights([0 * w if w.ndim == 1 else w for w in weights])
    activation = getattr(layer, "activation", None)
    if activation is not None:
        layer.activation = lambda x: x
    try:
        spread = float(np.std(np.asarray(layer(value))))
    finally:
        if activation is not None:
            layer.activation = activation
    return 1 / spread if np.isfinite(spread) and spread > 0 else 1.0


def _weight(layer: Any, variable: Any) -> np.ndarray:
    """Artificial values of a variable of a layer."""
    shape, name = tuple(variable.shape), variable.name
    if not str(variable.dtype).startswith(("float", "bfloat")):
        return np.asarray(variable)
    if name in _PER_BAND:
        return np.full(shape, _PER_BAND[name], "float32")
    if len(shape) < 2:
        return _random(("bias", *shape), shape, 0.3)
    if "Transpose" in type(layer).__name__:
        # (height, width, out, in)
        return np.repeat(_kernel((*shape[:-2], shape[-2]))[..., None], shape[-1], -1)
    return np.repeat(_kernel((*shape[:-2], shape[-1]))[..., None, :], shape[-2], -2)


def _kernel(shape: tuple[int, ...]) -> np.ndarray:
    """A kernel for each band that goes out: (height, width, out).

    Half of them are much like the others with the opposite sign: so the image survives
    both ReLU and the mean over bands.
    """
    common = _random(("kernel", *shape[:-1]), shape[:-1], 1.0) + 0.3
    signs = np.where(np.arange(shape[-1]) % 2, -0.7, 1.0)
    own = _random(("own", *shape), shape, 0.3)
    return (common[..., None] * signs + own).astype("float32")


def _random(key: tuple, shape: tuple[int, ...], size: float) -> np.ndarray:
    """Numbers from -size to size that are the same each time for one key."""
    seed = [ord(key[0][0]), *key[1:]]
    return np.random.default_rng(seed).uniform(-size, size, shape).astype("float32")


def input_sizes(reference: Any) -> list[dict[str, tuple[int, int]]]:
    """Two sizes of images, not square, on which a network can run.

    Args:
        reference: A Keras model that the kit can analyse.

    Returns:
        For each size, (height, width) of each input in its own pixels.
    """
    from tutorial_lib.fields.unfolding import unfold

    network = unfold(reference)
    step = network.stride
    least = max(1, _least_size(network, step) // step)
    sides = [(least + 1, least + 2), (least + 4, least + 3)]
    if step == 1:
        sides = [(least + 5, least + 8), (least + 12, least + 7)]
    return [
        {
            name: (int(rows * step / pixel), int(cols * step / pixel))
            for name, pixel in network.spacing.items()
        }
        for rows, cols in sides
    ]


def _least_size(network: Any, step: int) -> int:
    """The smallest chunk of which every output has a pixel.

    Large crops may leave nothing: larger chunks would take long.
    """
    for whole, most in ((True, _LARGE), (False, 2 * _LARGE)):
        for size in range(step, most + 1, step):
            try:
                spans = network.spans(size, 0)
            except ValueError:
                continue
            if all(
                spans[number].size > 0
                for name, number in network.outputs.items()
                if whole or "_crop" not in name
            ):
                return size
    return 2 * _LARGE


def trial_images(
    model: Any, sizes: Mapping[str, tuple[int, int]], seed: int
) -> dict[str, np.ndarray]:
    """Images with values like those of reflectance, smooth and with some noise."""
    from tutorial_lib.fields.names import named_tensors

    rng = np.random.default_rng(seed)
    images = {}
    for name, tensor in named_tensors(model)[0].items():
        (height, width), bands = sizes[name], tensor.shape[-1]
        rows, cols = np.mgrid[:height, :width]
        waves = np.sin(rows / 3 + cols / 5)[..., None] * rng.uniform(300, 900, bands)
        noise = rng.normal(0, 400, (height, width, bands))
        levels = rng.uniform(1000, 2500, bands)
        images[name] = (levels + waves + noise)[None].clip(1, 1e4).astype("float32")
    return images
