"""The `Predictor` of any model: of a Keras model, a file, a folder, or a function.

The same Keras model always gives the same one. A SavedModel that OpenVINO runs needs no
TensorFlow in the process.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.networks.checks import OutputError, check_exists
from tutorial_lib.networks.files import check_kind, folder_hash, read_reach
from tutorial_lib.networks.predictor import Arrays, Predictor, known_reach
from tutorial_lib.notices import tensorflow_needed
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import full_path

if TYPE_CHECKING:
    import keras

    from tutorial_lib.fields.analysis import FieldAnalysis

RUNNERS = ("tensorflow", "openvino")

__all__ = [
    "OutputError",
    "Predictor",
    "as_predictor",
    "known_reach",
    "load_predictor",
]


def load_predictor(path: PathLike, *, runner: str = "tensorflow") -> Predictor:
    """Load a saved model as a function of arrays.

    Args:
        path: A `.keras` file or a SavedModel folder.
        runner: What runs it. "openvino" needs the extra `fast` of the kit. It starts in
            a quarter of TensorFlow's time, takes a third of its memory, and runs a
            SavedModel without TensorFlow in the process. A `.keras` file is exported
            first, which needs TensorFlow.

    Returns:
        The model with its inputs and outputs by name, in float32.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ImportError: If OpenVINO is asked for and not installed.
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
    arguments.choice("runner", runner, RUNNERS)
    check_exists(path)
    # The file in a SavedModel means its folder.
    path = path.parent if path.name == "saved_model.pb" else path
    is_folder = (path / "saved_model.pb").exists()
    if not is_folder:
        check_kind(path)
    if runner == "openvino":
        predictor = _in_openvino(path) if is_folder else _exported_to_openvino(path)
    else:
        with tensorflow_needed():
            predictor = (_from_saved_model if is_folder else _from_file)(path)
    return replace(predictor, path=Path(full_path(path)))


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
        concurrent=function.concurrent,
        save=model.save,
        runner="tensorflow",
    )


def _from_file(path: Path) -> Predictor:
    from tutorial_lib.networks.saving import read_model

    return as_predictor(read_model(path))


def _from_saved_model(folder: Path) -> Predictor:
    from tutorial_lib.networks.running import of_folder
    from tutorial_lib.networks.saving import broken_weight

    function = of_folder(folder)
    served = _served(folder, function, lambda: broken_weight(function.weights))
    return replace(served, concurrent=function.concurrent)


def _in_openvino(folder: Path) -> Predictor:
    from tutorial_lib.networks.openvino import of_folder

    function = of_folder(folder)
    return replace(_served(folder, function, function.broken_weight), runner="openvino")


def _served(
    folder: Path, function: Any, broken_weight: Callable[[], str | None]
) -> Predictor:
    """The `Predictor` of a SavedModel and the function that it serves."""
    # Now, not when it is asked for: the folder may be replaced while the model lives.
    digest = folder_hash(folder)
    return Predictor(
        function=function,
        channels=function.channels,
        outputs=function.outputs,
        trace=cache(lambda names: read_reach(folder, digest, names)),
        read_digest=lambda: digest,
        broken_weight=broken_weight,
        runner="tensorflow",
    )


def _exported_to_openvino(path: Path) -> Predictor:
    """A `.keras` file that OpenVINO runs, with the fields that Keras tells."""
    from tutorial_lib.networks.saving import export, read_model

    model = read_model(path)
    known = _of_keras(model)
    digest = known.digest
    with tempfile.TemporaryDirectory(prefix="tutorial_lib-") as folder:
        served = _in_openvino(export(model, Path(folder, "served")))
    return replace(
        served, trace=known.trace, analysis=known.analysis, read_digest=lambda: digest
    )
