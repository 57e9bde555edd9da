"""How TensorFlow runs a model: compiled functions from arrays to arrays.

A call costs a fifth of `model.predict` on small tiles, and outputs that are not asked
for are not computed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.fields.graph import named_tensors
from tutorial_lib.fields.layer_rules import registered_rules

# Functions that are kept for a model that is compiled for each size: a loop over tile
# sizes would fill the memory with them.
KEPT_FUNCTIONS = 64

Tensors = Mapping[str, Any]
Shapes = tuple[tuple[str, tuple[int | None, ...]], ...]

__all__ = ["TensorFunction", "of_folder", "of_keras", "settings"]


@dataclass(frozen=True)
class TensorFunction:
    """A model of TensorFlow as a function of tensors by name.

    Attributes:
        call: {input name: tensor} -> {output name: tensor}.
        shapes: Shape of each input, (batch, height, width, channel), None where any
            number goes.
        outputs: Names of the outputs.
        check: Raises an error for inputs of shapes that the model cannot take; None
            where only running the model tells.
    """

    call: Callable[[Tensors], Tensors]
    shapes: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    check: Callable[[Mapping[str, tuple[int, ...]]], Any] | None = None

    @property
    def channels(self) -> dict[str, int | None]:
        """Number of channels of each input."""
        return {name: shape[-1] for name, shape in self.shapes.items()}

    def compiled(
        self,
    ) -> Callable[[Mapping[str, np.ndarray], Sequence[str]], dict[str, np.ndarray]]:
        """Function of arrays, compiled once for each set of outputs.

        A function for each size of image would not be faster: the tutorial's networks
        take as long on 64 to 512 px, and 0.1 s more for the first image of each size.
        The weights are variables, which a compiled function reads at each call. So a
        model that trains on gives its new results, without being compiled again.
        """

        def concrete(shapes: Shapes, outputs: tuple[str, ...]) -> Callable:
            def run(inputs: Tensors) -> dict[str, Any]:
                results = self.call(inputs)
                return {name: results[name] for name in outputs}

            specs = {k: tf.TensorSpec(shape, tf.float32) for k, shape in shapes}
            return tf.function(run, autograph=False).get_concrete_function(specs)

        @cache
        def for_all_sizes(outputs: tuple[str, ...]) -> Callable | None:
            try:
                return concrete(tuple(self.shapes.items()), outputs)
            # Any exception: Keras has no common one for layers that need to know the
            # size when they are compiled, as the bilinear UpSampling2D of 3.15 does.
            except Exception:
                return None

        for_one_size = lru_cache(KEPT_FUNCTIONS)(concrete)

        @lru_cache(KEPT_FUNCTIONS)
        def check(shapes: Shapes) -> None:
            # oneDNN's kernels do not notice that an image is too small: their output
            # then has the size of an earlier call's.
            if self.check is not None:
                self.check(dict(shapes))

        def function(
            inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
        ) -> dict[str, np.ndarray]:
            arrays = {k: np.asarray(v, "float32") for k, v in inputs.items()}
            self._check_sizes(arrays)
            shapes = tuple((name, array.shape) for name, array in arrays.items())
            check(shapes)
            run = for_all_sizes(tuple(outputs))
            if run is None:
                run = for_one_size(shapes, tuple(outputs))
            results = run({name: tf.constant(array) for name, array in arrays.items()})
            return {name: result.numpy() for name, result in results.items()}

        return function

    def _check_sizes(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            if not tf.TensorShape(self.shapes[name]).is_compatible_with(array.shape):
                raise ValueError(
                    f"The input '{name}' has the shape {array.shape}, and the model "
                    f"takes {self.shapes[name]}."
                )


def of_keras(model: keras.Model) -> TensorFunction:
    """A Keras model; inputs and outputs without a key go by their layers' names."""
    inputs, outputs = named_tensors(model)
    structure = getattr(model, "input", None)

    def in_structure(given: Mapping[str, Any]) -> Any:
        # Keras warns unless the structure is the very one that the model was made with.
        if isinstance(structure, Mapping):
            return given
        if isinstance(structure, list | tuple):
            return [given[name] for name in inputs]
        return given[next(iter(inputs))]

    def check(shapes: Mapping[str, tuple[int, ...]]) -> None:
        model.compute_output_shape(in_structure(shapes))

    def call(given: Tensors) -> Tensors:
        result = model(in_structure(given), training=False)
        if isinstance(result, Mapping):
            return result
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(outputs, results, strict=True))

    shapes = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
    return TensorFunction(call, shapes, tuple(outputs), check)


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


def of_folder(folder: Path) -> TensorFunction:
    """The function that a SavedModel serves.

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
    # TensorFlow and Keras call the function that is served "serving_default".
    signatures = loaded.signatures
    serve = signatures.get("serving_default", signatures[sorted(signatures)[0]])
    specs = serve.structured_input_signature[1]

    def call(given: Tensors) -> Tensors:
        cast = {name: tf.cast(given[name], specs[name].dtype) for name in specs}
        # `loaded` owns the variables: it must live as long as the function.
        return loaded and serve(**cast)

    shapes = {name: tuple(spec.shape) for name, spec in specs.items()}
    return TensorFunction(call, shapes, tuple(serve.structured_outputs))
