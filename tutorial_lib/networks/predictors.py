"""The `Predictor` of any model: of a Keras model, a file, a folder, or a function.

The same Keras model always gives the same one. An ONNX file, and a SavedModel that
OpenVINO runs, need no TensorFlow in the process.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.kinds import kind_of
from tutorial_lib.networks.checks import OutputError, check_exists
from tutorial_lib.networks.files import (
    ONNX_SUFFIX,
    check_kind,
    folder_hash,
    read_reach,
)
from tutorial_lib.networks.predictor import Arrays, Predictor, known_reach
from tutorial_lib.notices import tensorflow_needed
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import full_path

if TYPE_CHECKING:
    import keras

    from tutorial_lib.fields.analysis import FieldAnalysis

RUNNERS = ("tensorflow", "openvino", "onnxruntime")

__all__ = [
    "OutputError",
    "Predictor",
    "as_predictor",
    "known_reach",
    "load_predictor",
]


def load_predictor(path: PathLike, *, runner: str | None = None) -> Predictor:
    """Load a saved model as a function of arrays.

    Args:
        path: A `.keras` file, a SavedModel folder, or an ONNX file.
        runner: What runs it; None takes "onnxruntime" for an ONNX file, and
            "tensorflow" for others. "openvino" needs the extra `fast` of the kit, and
            "onnxruntime" the extra `onnx`. Both start sooner than TensorFlow and take
            less memory. They run an ONNX file, and OpenVINO a SavedModel, without
            TensorFlow in the process. A `.keras` file is exported first, which needs
            TensorFlow.

    Returns:
        The model with its inputs and outputs by name, in float32.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ImportError: If what is to run it is not installed.
        ValueError: If it is none of these, cannot be read, has no signature, or the
            runner does not run files of its kind.

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
    if runner is not None:
        arguments.choice("runner", runner, RUNNERS)
    check_exists(path)
    # The file in a SavedModel means its folder.
    path = path.parent if path.name == "saved_model.pb" else path
    return replace(_load(path, runner), path=Path(full_path(path)))


def _load(path: Path, runner: str | None) -> Predictor:
    is_folder = (path / "saved_model.pb").exists()
    if path.suffix.lower() == ONNX_SUFFIX and not path.is_dir():
        return _from_onnx(path, runner)
    if not is_folder:
        check_kind(path)
    if runner in ("openvino", "onnxruntime"):
        if not is_folder:
            return _exported(path, runner)
        if runner == "openvino":
            return _in_openvino(path)
        raise ValueError(
            f"ONNX Runtime does not run SavedModels such as '{path}'. Export the model "
            "to an ONNX file, `tl.export(model, 'model.onnx')`, or use "
            "`runner='openvino'`."
        )
    with tensorflow_needed():
        return (_from_saved_model if is_folder else _from_file)(path)


def as_predictor(model: Any) -> Predictor:
    """The `Predictor` of a Keras model, a path of a saved model, or a function.

    Saved models are `.keras` files, SavedModel folders, and ONNX files.

    A Keras model gives the same `Predictor` each time, so that it is analysed once and
    compiled once. A path is read at each call, because the file may have
    been replaced: load it once with `load_predictor` where that costs too much.

    Raises:
        TypeError: If it is not a model of one of these kinds.
    """
    _check_not_torch(model)
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
    build = ""
    if is_object and hasattr(model, "normalize"):
        build = "; build a PatchModel first, `….build({'input': channels})`"
    raise TypeError(
        "A model is a keras.Model, the path of a `.keras` file, of a SavedModel folder "
        "or of an ONNX file, or a function of arrays by name. Received: "
        f"{kind_of(model)}{build}."
    )


def _check_not_torch(model: Any) -> None:
    """Raise TypeError for a module of PyTorch: it is callable, and no function."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        raise TypeError(
            "The model is a module of PyTorch. Export it, `torch.onnx.export(model, "
            "(example,), 'model.onnx', …)` with heights and widths of any size, and "
            "give the path of the file."
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
    from tutorial_lib.networks.identity import weights_digest
    from tutorial_lib.networks.running import of_keras
    from tutorial_lib.networks.saving import broken_weight

    function = of_keras(model)
    return Predictor(
        function=function,
        channels=function.channels,
        outputs=function.outputs,
        **_fields_of(model),
        # Computed whenever it is asked for, because training changes the weights.
        read_digest=lambda: weights_digest(model),
        broken_weight=lambda: broken_weight(function.weights),
        hidden=function.hidden,
        concurrent=function.concurrent,
        save=model.save,
        runner="tensorflow",
    )


def _fields_of(model: Any) -> dict[str, Callable]:
    """How a `Predictor` analyses a Keras model or an ONNX network, once."""
    from tutorial_lib.fields.analysis import analyse
    from tutorial_lib.fields.tracing import trace

    @cache
    def analysis() -> "FieldAnalysis":
        return analyse(model)

    @cache
    def trace_outputs(names: tuple[str, ...]) -> NetworkReach:
        return trace(analysis(), names)

    return {"analysis": analysis, "trace": trace_outputs}


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


def _from_onnx(path: Path, runner: str | None) -> Predictor:
    """The `Predictor` of an ONNX file."""
    from tutorial_lib.fields.onnx_files.files import load
    from tutorial_lib.networks.onnx_files import broken_weight, file_hash, layouts_of
    from tutorial_lib.networks.onnx_images import OnnxImages

    if runner == "tensorflow":
        raise ValueError(
            f"TensorFlow does not run ONNX files such as '{path}'. Leave `runner` out, "
            "or use 'openvino'."
        )
    runner = runner or "onnxruntime"
    network = load(path)
    # Now, not when it is asked for: the file may be replaced while the model lives.
    digest = file_hash(path)
    layouts = layouts_of(network)
    function = OnnxImages(_run_by(runner, path, network), layouts)
    return Predictor(
        function=function,
        channels=function.channels,
        outputs=function.outputs,
        **_fields_of(network),
        read_digest=lambda: digest,
        broken_weight=lambda: broken_weight(network),
        runner=runner,
    )


def _run_by(runner: str, path: Path, network: Any) -> Any:
    """What runs an ONNX file, with the order of axes of the file."""
    if runner == "openvino":
        from tutorial_lib.networks.openvino import of_onnx_file

        return of_onnx_file(path)
    from tutorial_lib.networks.onnxruntime import OnnxRuntimeModel

    return OnnxRuntimeModel(path, network)


def _exported(path: Path, runner: str) -> Predictor:
    """A `.keras` file that OpenVINO or ONNX Runtime runs, with the fields of Keras."""
    from tutorial_lib.networks.saving import export, read_model

    model = read_model(path)
    known = _of_keras(model)
    digest = known.digest
    with tempfile.TemporaryDirectory(prefix="tutorial_lib-") as folder:
        if runner == "openvino":
            served = _in_openvino(export(model, Path(folder, "served")))
        else:
            served = _from_onnx(export(model, Path(folder, "served.onnx")), runner)
    return replace(
        served, trace=known.trace, analysis=known.analysis, read_digest=lambda: digest
    )
