"""How TensorFlow runs a model: functions from arrays to arrays, compiled by shape.

A call costs a fifth of `model.predict` on small tiles, and outputs that are not asked
for are not computed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.fields.graph import named_tensors
from tutorial_lib.fields.layer_rules import registered_rules

# Compiled functions that are kept for each model. A map has at most nine shapes of
# chunks (tiles at the borders are smaller); without a limit, a loop over tile sizes
# would keep the functions of all of them.
KEPT_FUNCTIONS = 64

Tensors = Mapping[str, Any]

__all__ = ["call_by_name", "compiled", "load_signature", "settings"]


def compiled(
    call: Callable[[Tensors], Tensors],
) -> Callable[[Mapping[str, np.ndarray], Sequence[str]], dict[str, np.ndarray]]:
    """Compile a function of tensors once for each set of outputs and input shapes.

    The weights are variables, which a compiled function reads at each call: a model
    that trains on gives its new results, without being compiled again.

    Args:
        call: {input name: tensor} -> {output name: tensor}.

    Returns:
        Function of arrays and of the names of the wanted outputs.
    """

    @lru_cache(KEPT_FUNCTIONS)
    def concrete(signature: tuple, outputs: tuple[str, ...]) -> Callable:
        def run(inputs: Tensors) -> dict[str, Any]:
            results = call({k: tf.cast(v, tf.float32) for k, v in inputs.items()})
            return {name: results[name] for name in outputs}

        specs = {name: tf.TensorSpec(shape, dtype) for name, shape, dtype in signature}
        return tf.function(run, autograph=False).get_concrete_function(specs)

    def function(
        inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        signature = tuple((k, v.shape, v.dtype.name) for k, v in inputs.items())
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        results = concrete(signature, tuple(outputs))(tensors)
        return {name: result.numpy() for name, result in results.items()}

    return function


def call_by_name(model: keras.Model) -> Callable[[Tensors], Tensors]:
    """A Keras model as a function from {input name: tensor} to {output name: tensor}.

    Inputs and outputs without a key go by the names of their layers.
    """
    inputs, outputs = named_tensors(model)
    structure = getattr(model, "input", None)

    def call(given: Tensors) -> Tensors:
        # Keras warns unless the structure is the very one that the model was made with.
        if isinstance(structure, Mapping):
            arguments = given
        elif isinstance(structure, list | tuple):
            arguments = [given[name] for name in inputs]
        else:
            arguments = given[next(iter(inputs))]
        result = model(arguments, training=False)
        if isinstance(result, Mapping):
            return result
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(outputs, results, strict=True))

    return call


def settings(model: keras.Model) -> list[Any]:
    """Everything that a compiled function and an analysis of a model take as fixed.

    These are the attributes of its layers that are not underscored, such as an
    activation or the mean of a `Normalization`, and the rules of layers. Training
    leaves all of them the same objects.
    """
    layers = model._flatten_layers(include_self=False)
    fixed = [
        value
        for layer in layers
        for name, value in vars(layer).items()
        if not name.startswith("_")
    ]
    return [*fixed, *registered_rules()]


def load_signature(
    folder: Path,
) -> tuple[Callable[[Tensors], Tensors], dict[str, int | None], tuple[str, ...]]:
    """Load the function that a SavedModel serves.

    Returns:
        The function from {input name: tensor} to {output name: tensor}; the number of
        channels of each input; the names of the outputs.

    Raises:
        ValueError: If TensorFlow cannot read the folder, or it has no signature.
    """
    try:
        loaded = tf.saved_model.load(str(folder))
    # Any exception: TensorFlow has its own for each part that may be broken.
    except Exception as err:
        raise ValueError(
            f"The SavedModel '{folder}' cannot be read: {str(err).splitlines()[0]} "
            "Export it again."
        ) from err
    if not loaded.signatures:
        raise ValueError(
            f"The SavedModel '{folder}' has no signature to call. Export it again with "
            "`model.export`, or with signatures."
        )
    signatures = loaded.signatures
    serve = signatures.get("serving_default", signatures[sorted(signatures)[0]])
    specs = serve.structured_input_signature[1]

    def call(given: Tensors) -> Tensors:
        cast = {name: tf.cast(given[name], specs[name].dtype) for name in specs}
        # `loaded` owns the variables: it must live as long as the function.
        return loaded and serve(**cast)

    channels = {name: spec.shape[-1] for name, spec in specs.items()}
    return call, channels, tuple(serve.structured_outputs)
