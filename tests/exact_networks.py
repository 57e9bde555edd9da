"""Networks whose results do not depend on how a kernel of TensorFlow rounds."""

import keras
import numpy as np

# Whole numbers below it are exact in float32, and so are their sums, in any order.
LARGEST = 2**24


def adding_pairs(network, seed=11):
    """Let each filter add two values: of its first place and of its last place.

    So an output depends on the most distant pixels that it can reach, and grows by a
    factor of two from layer to layer. The last layer gives sums too, not probabilities.
    """
    network.get_layer("softmax").activation = keras.activations.linear
    rng = np.random.default_rng(seed)
    for variable in network.weights:
        values = np.zeros(variable.shape, "float32")
        if values.ndim == 4:
            transposed = variable.path.startswith("softmax") or "t/" in variable.path
            by_filter = values.swapaxes(2, 3) if transposed else values
            channels, filters = by_filter.shape[2:]
            for place in (0, -1):
                chosen = rng.integers(channels, size=filters)
                by_filter[place, place, chosen, np.arange(filters)] = 1
        variable.assign(values)
    return network
