"""A model, however it comes, as one function from arrays to arrays.

The engine calls `predictor(inputs, outputs)` and knows nothing of TensorFlow. A Keras
model, a `.keras` file, a SavedModel folder and a plain function all become a
`Predictor`; those of TensorFlow are compiled for each shape of their inputs.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.rasters import PathLike

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, np.ndarray]
PlainFunction = Callable[[Arrays], Arrays]
Model = "keras.Model | PathLike | PlainFunction | Predictor"

__all__ = ["OutputError", "Predictor", "as_predictor", "load_predictor"]


class OutputError(ValueError):
    """A model's outputs are not what the engine can use."""


@dataclass(frozen=True)
class Predictor:
    """A model as a function of arrays, with the names of its inputs and outputs.

    Attributes:
        function: (inputs, output names) -> {output name: array}.
        channels: Number of channels of each input by name, None where any number
            goes; empty when the inputs are unknown (a plain function).
        outputs: Names of the outputs; empty when unknown.
        trace: Works out what the outputs of the given names depend on; None when only
            measuring can tell. It raises a ValueError that says why it cannot.
    """

    function: Callable[[Arrays, Sequence[str]], dict[str, np.ndarray]]
    channels: Mapping[str, int | None]
    outputs: tuple[str, ...]
    trace: Callable[[Sequence[str]], NetworkReach] | None = None

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Run the model.

        Args:
            inputs: {input name: (batch, height, width, channel)}.
            outputs: Names of the outputs to compute.

        Returns:
            {output name: (batch, height, width, channel)}. A network without spatial
            output, (batch, channel), gives one pixel.

        Raises:
            ValueError: If names, axes or channels of the inputs are not the model's.
            OutputError: If an output is missing or has another number of axes.
        """
        outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        inputs = _checked_inputs(inputs, self.channels)
        unknown = [
            name for name in outputs if self.outputs and name not in self.outputs
        ]
        if unknown:
            raise OutputError(
                f"The model has no output '{unknown[0]}'. It has: "
                f"{', '.join(sorted(self.outputs))}."
            )
        arrays = self.function(inputs, outputs)
        if not isinstance(arrays, Mapping):
            raise OutputError(
                "A function that is a model returns {output name: array}. Received: "
                f"{type(arrays).__name__}."
            )
        missing = [name for name in outputs if name not in arrays]
        if missing:
            raise OutputError(
                f"The model gives no output '{missing[0]}'. It gives: {sorted(arrays)}."
            )
        return {name: _four_axes(np.asarray(arrays[name]), name) for name in outputs}


def _checked_inputs(
    inputs: Arrays, channels: Mapping[str, int | None]
) -> dict[str, np.ndarray]:
    if not isinstance(inputs, Mapping):
        names = list(channels) or ["input"]
        raise TypeError(
            f"The inputs of a model are given by name: {{{names[0]!r}: array}}. "
            f"Received: {type(inputs).__name__}."
        )
    if channels and set(inputs) != set(channels):
        raise ValueError(
            f"The inputs are named {list(inputs)}, those of the model "
            f"{list(channels)}. Use the names of the model."
        )
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    for name, array in arrays.items():
        wanted = channels.get(name)
        if array.ndim != 4 or wanted not in (None, array.shape[-1]):
            single = "; give one image as `image[np.newaxis]`" * (array.ndim == 3)
            raise ValueError(
                f"The input '{name}' has the shape {array.shape}. The model takes "
                f"(batch, height, width, {wanted or 'channel'}){single}."
            )
    return arrays


def _four_axes(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim == 4:
        return array
    if array.ndim == 2:
        return array[:, np.newaxis, np.newaxis, :]
    raise OutputError(
        f"The output '{name}' has the shape {array.shape}. The engine needs (batch, "
        "height, width, channel) or (batch, channel)."
    )


def load_predictor(path: PathLike) -> Predictor:
    """Load a saved model as a function of arrays.

    Args:
        path: A `.keras` file or a SavedModel folder.

    Returns:
        The model with its inputs and outputs by name.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is neither, cannot be read, or has no signature.

    Example:
        >>> from tutorial_lib import architectures, testing
        >>> path = testing.scratch_folder() / "fcnn.keras"
        >>> architectures.pixelwise_fcnn(6).save(path)
        >>> predict = load_predictor(path)
        >>> image = np.zeros((1, 20, 30, 4))
        >>> predict({"input": image}, ["estimated"])["estimated"].shape
        (1, 5, 15, 6)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no model at '{path}'. Train and save it first."
        )
    if path.suffix == ".keras":
        from tutorial_lib.networks.saving import read_model

        return _from_keras(read_model(path))
    if (path / "saved_model.pb").exists():
        return _from_saved_model(path)
    raise ValueError(
        f"'{path}' is not a model: it must be a `.keras` file or a SavedModel folder "
        "(with a `saved_model.pb` in it)."
    )


def as_predictor(model: Any) -> Predictor:
    """Any of the models that the engine takes, as a `Predictor`.

    Raises:
        TypeError: If it is none of them.
    """
    if isinstance(model, Predictor):
        return model
    if isinstance(model, str | os.PathLike):
        return load_predictor(model)
    if hasattr(model, "count_params"):
        return _from_keras(model)
    if callable(model):
        return Predictor(lambda inputs, outputs: model(inputs), {}, ())
    raise TypeError(
        f"A model is a keras.Model, the path of a `.keras` file or of a SavedModel "
        f"folder, or a function of arrays by name. Received: {type(model).__name__}."
    )


def _from_keras(model: "keras.Model") -> Predictor:
    """A Keras model; the name of an output is its key, or its layer's name."""
    from tutorial_lib.fields.analysis import analyse
    from tutorial_lib.fields.graph import named_tensors
    from tutorial_lib.fields.tracing import trace

    tensors, results = named_tensors(model)
    channels = {name: tensor.shape[-1] for name, tensor in tensors.items()}
    structure, names = getattr(model, "input", None), tuple(results)

    def call(inputs: Mapping[str, Any]) -> dict[str, Any]:
        given = [inputs[name] for name in channels]
        # Keras warns unless the structure is the very one that the model was made with.
        single = given if isinstance(structure, list | tuple) else given[0]
        named = inputs if isinstance(structure, Mapping) else single
        result = model(named, training=False)
        if isinstance(result, Mapping):
            return result
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(names, results, strict=True))

    @cache
    def trace_outputs(outputs: tuple[str, ...]) -> NetworkReach:
        return trace(analyse(model), outputs)

    return Predictor(_compiled(call), channels, names, trace_outputs)


def _from_saved_model(path: Path) -> Predictor:
    import tensorflow as tf

    from tutorial_lib.networks.saving import read_reach

    try:
        loaded = tf.saved_model.load(str(path))
    # Any exception: TensorFlow has its own for each part that may be broken.
    except Exception as err:
        raise ValueError(
            f"The SavedModel '{path}' cannot be read: {str(err).splitlines()[0]} "
            "Export it again."
        ) from err
    if not loaded.signatures:
        raise ValueError(
            f"The SavedModel '{path}' has no signature to call. Export it again with "
            "`model.export`, or with signatures."
        )
    signatures = loaded.signatures
    first = sorted(signatures)[0]
    serve = signatures.get("serving_default", signatures[first])
    specs = serve.structured_input_signature[1]
    channels = {name: spec.shape[-1] for name, spec in specs.items()}

    def call(inputs: Mapping[str, Any]) -> dict[str, Any]:
        cast = {name: tf.cast(inputs[name], specs[name].dtype) for name in specs}
        # `loaded` owns the variables: it must live as long as the function.
        return loaded and serve(**cast)

    return Predictor(
        _compiled(call),
        channels,
        tuple(serve.structured_outputs),
        lambda outputs: read_reach(path),
    )


def _compiled(
    call: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> Callable[[Arrays, Sequence[str]], dict[str, np.ndarray]]:
    """Compile once for each set of outputs and shapes of the inputs.

    A call costs a fifth of `model.predict` on small tiles, and outputs that are not
    asked for are not computed.
    """
    import tensorflow as tf

    @cache
    def compiled(signature: tuple, outputs: tuple[str, ...]) -> Callable:
        def run(inputs: Mapping[str, Any]) -> dict[str, Any]:
            results = call({k: tf.cast(v, tf.float32) for k, v in inputs.items()})
            return {name: results[name] for name in outputs}

        specs = {name: tf.TensorSpec(shape, dtype) for name, shape, dtype in signature}
        return tf.function(run, autograph=False).get_concrete_function(specs)

    def function(inputs: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        signature = tuple((k, v.shape, v.dtype.name) for k, v in inputs.items())
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        results = compiled(signature, tuple(outputs))(tensors)
        return {name: result.numpy() for name, result in results.items()}

    return function
