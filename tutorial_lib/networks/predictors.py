"""Any model as one function from arrays to arrays, with one identity.

The engine calls `predictor(inputs, outputs)` and knows nothing of TensorFlow. A Keras
model, a `.keras` file, a SavedModel folder and a plain function all become a
`Predictor`. The same Keras model always gives the same one.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.checks import check_output
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.networks.checks import (
    OutputError,
    as_arrays,
    check_exists,
    checked_output,
)
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import full_path

if TYPE_CHECKING:
    import keras

    from tutorial_lib.fields.analysis import FieldAnalysis

Arrays = Mapping[str, np.ndarray]

__all__ = [
    "OutputError",
    "Predictor",
    "as_predictor",
    "known_reach",
    "load_predictor",
]


# Compared by identity: two models are never the same.
@dataclass(frozen=True, eq=False)
class Predictor:
    """A model as a function of arrays, with the names of its inputs and outputs.

    Attributes:
        function: (inputs, output names) -> {output name: array}.
        channels: Number of channels of each input by name, None where any number
            goes; empty when the inputs are unknown (a plain function).
        outputs: Names of the outputs; empty when unknown.
        trace: Works out once what the outputs of the given names depend on; None when
            only a measurement can tell. It raises a ValueError with the reason if it
            cannot.
        analysis: Analyses the layers, once; None when they cannot be seen.
        read_digest: Computes the digest; None for a plain function.
        broken_weight: Looks for a weight that holds NaN or infinity, and gives its
            name; None when the weights cannot be seen.
        hidden: For outputs of whole numbers, the name of an output that is not listed:
            the floats that they are made of.
        path: The file or folder that it was loaded from; None for others.

    Example:
        >>> from tutorial_lib import architectures
        >>> model = architectures.pixelwise_fcnn(6, crops=())
        >>> predict = as_predictor(model)
        >>> predict.outputs, len(predict.digest), as_predictor(model) is predict
        (('estimated', 'estimated_labels', 'features'), 64, True)
    """

    function: Callable[[Arrays, Sequence[str]], dict[str, np.ndarray]]
    channels: Mapping[str, int | None]
    outputs: tuple[str, ...]
    trace: Callable[[tuple[str, ...]], NetworkReach] | None = None
    analysis: "Callable[[], FieldAnalysis] | None" = None
    read_digest: Callable[[], str] | None = None
    broken_weight: Callable[[], str | None] | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None

    @property
    def digest(self) -> str | None:
        """SHA-256 of weights and settings, or of a SavedModel; None for a function."""
        return None if self.read_digest is None else self.read_digest()

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Run the model.

        Args:
            inputs: {input name: (batch, height, width, channel)}.
            outputs: Names of the outputs to compute.

        Returns:
            {output name: (batch, height, width, channel)}. A network without spatial
            output, (batch, channel), gives one pixel.

        Raises:
            TypeError: If the inputs are not given by name, or are not numbers.
            ValueError: If names, axes or channels of the inputs are not the model's, it
                does not take their sizes, or it has no such output.
            OutputError: If a function does not give what it should.
        """
        outputs = (outputs,) if isinstance(outputs, str) else outputs
        outputs = tuple(arguments.sequence("outputs", outputs, "names of outputs"))
        for name in outputs:
            if arguments.text("outputs", name) not in self.hidden.values():
                check_output(name, self.outputs)
        inputs = as_arrays(inputs, self.channels)
        arrays = self.function(inputs, outputs)
        return {name: checked_output(arrays, name, inputs) for name in outputs}


def known_reach(
    predictor: Predictor, outputs: Sequence[str], reference: str
) -> NetworkReach:
    """What the outputs of a network depend on, in pixels of the reference.

    Raises:
        ValueError: If it is not known; with what to declare instead.
    """
    if predictor.trace is None:
        raise ValueError(
            "What a plain function reads is not known. Declare the fields, "
            "`Source(…, receptive_field=…)`, or measure them: "
            "`certificate=tl.certify(model, …)`."
        )
    return predictor.trace(tuple(outputs)).seen_from(reference)


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
    path = arguments.file_path("path", path)
    check_exists(path)
    # The file in a SavedModel means its folder.
    path = path.parent if path.name == "saved_model.pb" else path
    if (path / "saved_model.pb").exists():
        return replace(_from_saved_model(path), path=Path(full_path(path)))
    from tutorial_lib.networks.saving import read_model

    return replace(as_predictor(read_model(path)), path=Path(full_path(path)))


def as_predictor(model: Any) -> Predictor:
    """The `Predictor` of a Keras model, a path of a saved model, or a function.

    A Keras model gives the same `Predictor` each time, so that it is analysed once and
    compiled once. A path is read at each call, because the file may have
    been replaced: load it once with `load_predictor` where that costs too much.

    Raises:
        TypeError: If it is not a model of one of these kinds.
    """
    if isinstance(model, Predictor):
        return model
    if isinstance(model, str | os.PathLike):
        return load_predictor(model)
    # Instead of `isinstance`, which would load TensorFlow for a plain function too.
    is_object = not isinstance(model, type)
    if is_object and hasattr(model, "count_params"):
        return _of_keras(model)
    if is_object and callable(model):
        return Predictor(_of_function(model), {}, ())
    build = "; build a PatchModel first, `….build({'input': channels})`"
    raise TypeError(
        f"A model is a keras.Model, the path of a `.keras` file or of a SavedModel "
        f"folder, or a function of arrays by name. Received: {type(model).__name__}"
        f"{build if is_object and hasattr(model, 'normalize') else ''}."
    )


def _of_function(function: Callable) -> Callable:
    def call(inputs: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        # Copies: a function that changes them would change the image of its caller.
        return function({name: array.copy() for name, array in inputs.items()})

    return call


@dataclass(frozen=True)
class _Kept:
    """A model's `Predictor`, and the settings of its layers that it was made with."""

    settings: Sequence[Any]
    predictor: Predictor

    def is_made_with(self, settings: Sequence[Any]) -> bool:
        return len(settings) == len(self.settings) and all(
            one is other for one, other in zip(settings, self.settings, strict=True)
        )


def _of_keras(model: "keras.Model") -> Predictor:
    """The one `Predictor` of a Keras model; a new one when its settings change.

    It is kept in the model itself. A dictionary of all models, even with weak keys,
    would keep each model alive, because the Predictor's function holds the model. Here
    both are freed together. `vars` avoids Keras's own way of setting attributes, which
    looks for layers in each of them.
    """
    from tutorial_lib.networks.running import settings

    kept, now = vars(model).get("_tutorial_lib_kept"), settings(model)
    if kept is None or not kept.is_made_with(now):
        kept = _Kept(now, _from_keras(model))
        vars(model)["_tutorial_lib_kept"] = kept
    return kept.predictor


def _from_keras(model: "keras.Model") -> Predictor:
    from tutorial_lib.fields.analysis import analyse
    from tutorial_lib.fields.tracing import trace
    from tutorial_lib.networks.identity import weights_digest
    from tutorial_lib.networks.running import of_keras
    from tutorial_lib.networks.saving import broken_weight

    @cache
    def analysis() -> "FieldAnalysis":
        return analyse(model)

    @cache
    def trace_outputs(names: tuple[str, ...]) -> NetworkReach:
        return trace(analysis(), names)

    function = of_keras(model)
    return Predictor(
        function=function,
        channels=function.channels,
        outputs=function.outputs,
        trace=trace_outputs,
        analysis=analysis,
        # Computed whenever it is asked for, because training changes the weights.
        read_digest=lambda: weights_digest(model),
        broken_weight=lambda: broken_weight(function.weights),
        hidden=function.hidden,
    )


def _from_saved_model(folder: Path) -> Predictor:
    from tutorial_lib.networks.running import of_folder
    from tutorial_lib.networks.saving import broken_weight, folder_hash, read_reach

    # Now, not when it is asked for: the folder may be replaced while the model lives.
    digest, function = folder_hash(folder), of_folder(folder)
    return Predictor(
        function=function,
        channels=function.channels,
        outputs=function.outputs,
        trace=cache(lambda names: read_reach(folder, digest, names)),
        read_digest=lambda: digest,
        broken_weight=lambda: broken_weight(function.weights),
    )
