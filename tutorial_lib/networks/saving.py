"""Trained networks on disk: reading `.keras` files, exporting them for other programs.

A `.keras` file needs the code that defines its layers. A SavedModel and an ONNX file
hold the operations themselves, and need neither Keras nor this library. All of them
keep the names of inputs and outputs.
"""

import json
import logging
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib import arguments
from tutorial_lib.fields.analysis import analyse
from tutorial_lib.fields.names import named_tensors
from tutorial_lib.fields.tracing import trace
from tutorial_lib.kinds import kind_of
from tutorial_lib.networks.checks import check_exists
from tutorial_lib.networks.devices import grow_gpu_memory
from tutorial_lib.networks.files import (
    ONNX_SUFFIX,
    REACH_FILE,
    SAVED_MODEL_PARTS,
    check_kind,
    folder_hash,
)
from tutorial_lib.notices import error_line
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.causes import file_exists
from tutorial_lib.rasters.destinations import (
    check_destination,
    check_folder,
    check_not_input,
)
from tutorial_lib.rasters.files import replacing_folder
from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.write_errors import errors_named

__all__ = [
    "broken_weight",
    "export",
    "read_model",
]


def read_model(path: PathLike) -> keras.Model:
    """Read a `.keras` file for prediction, without its optimizer.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If Keras cannot read it; with the cause and the version of Keras
            that saved it.
    """
    path = arguments.file_path("path", path)
    check_exists(path)
    check_kind(path)
    grow_gpu_memory()
    try:
        return keras.models.load_model(path, compile=False)
    # Any exception: Keras raises many kinds for missing classes and broken files.
    except Exception as err:
        cause = _root_cause(err)
        cure = (
            "Import the module that defines its classes, or export it to a SavedModel "
            "where it was trained."
        )
        if "Lambda" in cause:
            cure = (
                "If you trust the file, open it with `model = keras.models.load_model("
                "path, safe_mode=False)` and give the model in its place."
            )
            cause = "it holds code, a Lambda layer, which is not run"
        raise ValueError(
            f"'{path}' cannot be read by Keras {keras.__version__} "
            f"({_saved_by(path)}): {cause}. {cure}"
        ) from err


def _saved_by(path: Path) -> str:
    try:
        metadata = json.loads(zipfile.ZipFile(path).read("metadata.json"))
        return f"saved by {metadata['keras_version']}"
    # Any exception: a damaged archive raises many kinds. The caller tells the cause.
    except Exception:
        return "not saved by Keras"


def _root_cause(err: BaseException) -> str:
    """First line of the first error of a chain, without Keras's pages of settings."""
    while err.__context__:
        err = err.__context__
    line = str(err).partition("\n")[0]
    return line.partition(" Full object config")[0].rstrip(". ")


def export(
    model: keras.Model | PathLike,
    directory: PathLike,
    *,
    layout: str | None = None,
    class_names: Sequence[str] | Legend | None = None,
    bands: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    pixel_size_m: float | None = None,
    deepness: str | None = None,
) -> Path:
    """Export a model as a SavedModel or an ONNX file, with its names and its fields.

    Inputs and outputs keep their names. The result of `analyse` is saved with them, so
    that fields need not be declared. The folder or file appears only when it is
    complete. An ONNX file takes images of any number and size, and has the operators
    of opset 18. ONNX Runtime has computed the same with it as Keras before it appears.

    Args:
        model: A Keras model or a `.keras` file.
        directory: A folder for a SavedModel, or a file that ends in `.onnx`. An
            existing SavedModel or ONNX file is replaced.
        layout: Order of the axes in an ONNX file: "channels_last" as in Keras, or
            "channels_first" as in PyTorch; None takes "channels_last".
        class_names: Names of the classes, in the order of the channels, for an ONNX
            file; or the legend that has them.
        bands: Names of the bands of each input, in their order, for an ONNX file.
        pixel_size_m: Side of a pixel of the reference in metres, for an ONNX file.
        deepness: Output that the QGIS plugin Deepness is to map. The ONNX file then
            has this output only. It takes one square tile at a time, channels first,
            and tells the plugin an overlap that covers the margins.

    Returns:
        The folder or the file.

    Raises:
        FileExistsError: If the folder exists and holds other files.
        OSError: If it cannot be written, with the cause; nothing is left then.
        FileNotFoundError: If there is no such `.keras` file.
        ImportError: If a package of the extra `onnx` is not installed.
        TypeError: If `model` is neither a model nor a path.
        ValueError: If the model cannot be read, was never built, the name of an input
            cannot be kept, or the target is or holds the model's file. For an ONNX
            file also if an operation has no counterpart, a description does not fit
            the model, or Deepness cannot map the output.

    Example:
        >>> from tutorial_lib import architectures, load_predictor, testing
        >>> folder = testing.scratch_folder() / "fcnn"
        >>> path = export(architectures.pixelwise_fcnn(6, crops=()), folder)
        >>> sorted(load_predictor(path).outputs)
        ['estimated', 'estimated_labels', 'features']
    """
    path = arguments.file_path("directory", directory)
    for_onnx = {
        "layout": layout,
        "class_names": class_names,
        "bands": bands,
        "pixel_size_m": pixel_size_m,
        "deepness": deepness,
    }
    if path.suffix.lower() == ONNX_SUFFIX:
        return _export_onnx(model, check_destination(path), **for_onnx)
    given = [name for name, value in for_onnx.items() if value is not None]
    if given:
        raise ValueError(
            f"`{given[0]}` is for ONNX files, and '{directory}' would be a SavedModel. "
            "Give a path that ends in .onnx, or leave it out."
        )
    if file_exists(os.fspath(directory)):
        _check_replaceable(path)
    path = check_folder(directory)
    model = _as_model(model, path)
    served = _served(model)
    with replacing_folder(path) as part, errors_named(path):
        _write_saved_model(served, part)
        _write_reach(model, part)
    return path


def _as_model(model: keras.Model | PathLike, target: Path) -> keras.Model:
    """The model, or the one of a `.keras` file, which `target` must not destroy."""
    if isinstance(model, str | os.PathLike):
        arguments.file_path("model", model)
        check_not_input(target, [model])
        model = read_model(model)
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` is a keras.Model or the path of a `.keras` file. "
            f"Received: {kind_of(model)}."
        )
    return model


def _export_onnx(
    model: keras.Model | PathLike,
    path: Path,
    *,
    layout: str | None,
    class_names: Any,
    bands: Any,
    pixel_size_m: Any,
    deepness: str | None,
) -> Path:
    # Here, because its packages belong to an extra.
    from tutorial_lib.networks.onnx_conversion import LAYOUTS
    from tutorial_lib.networks.onnx_export import write_onnx
    from tutorial_lib.networks.onnx_metadata import described

    layout = arguments.choice("layout", layout or LAYOUTS[0], LAYOUTS)
    served = _served(_as_model(model, path))
    known = described(served, class_names, bands, pixel_size_m)
    write_onnx(served, path, layout=layout, known=known, deepness=deepness)
    return path


def _write_saved_model(model: keras.Model, folder: Path) -> None:
    """Write the function that a model is in prediction."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    specs = {
        name: keras.InputSpec(shape=(None, *x.shape[1:]), dtype=x.dtype, name=name)
        for name, x in model.input.items()
    }
    # `model.export` would keep a Dropout that was built with `training=True`.
    archive.add_endpoint(
        "serve", lambda inputs: model(inputs, training=False), input_signature=[specs]
    )
    try:
        with _tensorflow_quiet():
            archive.write_out(folder, verbose=False)
    except tf.errors.OpError as err:
        raise OSError(error_line(err)) from err
    # What a layer raises that must know the size of its image, as the bilinear
    # UpSampling2D of Keras 3.15 does.
    except (TypeError, ValueError) as err:
        raise ValueError(
            "TensorFlow cannot export the model for images of any size: "
            f"{error_line(err)}. Save it with `model.save('….keras')`, and map with "
            "that file."
        ) from err


@contextmanager
def _tensorflow_quiet() -> Iterator[None]:
    """Keep TensorFlow's log lines about the part of a folder out of a notebook.

    Only in an interactive Python is its level INFO.
    """
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(level)


def _write_reach(model: keras.Model, folder: Path) -> None:
    """Write what the outputs depend on, if it is known, into a SavedModel."""
    try:
        reach = trace(analyse(model))
    except (TypeError, ValueError):
        return
    record = {"saved_model": folder_hash(folder), "reach": reach.to_json()}
    Path(folder, REACH_FILE).write_text(json.dumps(record))


def broken_weight(weights: Iterable[Any]) -> str | None:
    """Name of the first weight that holds NaN or infinity; None if all are numbers."""
    for weight in weights:
        value = weight.numpy()
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return getattr(weight, "path", weight.name)
    return None


def _check_replaceable(directory: Path) -> None:
    held = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if not directory.is_dir() or (held and "saved_model.pb" not in held):
        raise FileExistsError(
            f"'{directory}' exists and is not a SavedModel. Export to another folder."
        )
    others = sorted(held - SAVED_MODEL_PARTS)
    if others:
        raise FileExistsError(
            f"The SavedModel '{directory}' holds other files too, which would be "
            f"deleted: {', '.join(others[:5])}. Move them away, or export to another "
            "folder."
        )


def _served(model: keras.Model) -> keras.Model:
    """The model with dictionaries of inputs and outputs, whose keys are exported."""
    inputs, outputs = named_tensors(model)
    wrong = [name for name in inputs if not name.isidentifier()]
    if wrong:
        raise ValueError(
            f"TensorFlow cannot keep the name of the input '{wrong[0]}'. Name it with "
            "letters, digits and underscores only."
        )
    structures = (getattr(model, key, None) for key in ("input", "output"))
    if all(isinstance(structure, Mapping) for structure in structures):
        return model
    return keras.Model(inputs, outputs)
