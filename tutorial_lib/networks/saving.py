"""Trained networks on disk: reading `.keras` files, exporting SavedModel folders.

A `.keras` file needs the code that defines its layers. A SavedModel holds the
operations themselves, and needs neither Keras nor this library. Both keep the names of
inputs and outputs.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from tutorial_lib.fields.analysis import analyse
from tutorial_lib.fields.names import named_tensors
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.fields.tracing import trace
from tutorial_lib.networks.checks import check_exists
from tutorial_lib.rasters import PathLike

# File in an exported SavedModel: what its outputs depend on.
REACH_FILE = "reach.json"

# Files and folders that TensorFlow, Keras and `export` write into a SavedModel.
SAVED_MODEL_PARTS = {
    REACH_FILE,
    "assets",
    "assets.extra",
    "fingerprint.pb",
    "keras_metadata.pb",
    "saved_model.pb",
    "variables",
}

__all__ = [
    "export",
    "folder_hash",
    "read_model",
    "read_reach",
    "replace_folder",
    "weights_digest",
]


def read_model(path: PathLike) -> keras.Model:
    """Read a `.keras` file for prediction, without its optimizer.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If Keras cannot read it; with the cause and the version of Keras
            that saved it.
    """
    path = Path(path)
    check_exists(path)
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(
            f"'{path}' is not a model saved by Keras 3, or only a part of one. Save it "
            "again with `model.save('….keras')`."
        )
    try:
        return keras.models.load_model(path, compile=False)
    # Any exception: Keras raises many kinds for missing classes and broken files.
    except Exception as err:
        raise ValueError(
            f"'{path}' cannot be read by Keras {keras.__version__} "
            f"({_saved_by(path)}): {_root_cause(err)}. Import the module that defines "
            "its classes, or export it to a SavedModel where it was trained."
        ) from err


def _saved_by(path: Path) -> str:
    try:
        metadata = json.loads(zipfile.ZipFile(path).read("metadata.json"))
        return f"saved by {metadata['keras_version']}"
    except (KeyError, ValueError):
        return "not saved by Keras"


def _root_cause(err: BaseException) -> str:
    """First line of the first error of a chain, without Keras's pages of settings."""
    while err.__context__:
        err = err.__context__
    line = str(err).partition("\n")[0]
    return line.partition(" Full object config")[0].rstrip(". ")


def export(model: keras.Model | PathLike, directory: PathLike) -> Path:
    """Export a model as a SavedModel that keeps the names of inputs and outputs.

    The result of `analyse` is saved with it, so that its fields need not be declared.
    The folder appears only when it is complete.

    Args:
        model: A Keras model or a `.keras` file.
        directory: The folder; an existing SavedModel is replaced.

    Returns:
        The folder.

    Raises:
        FileExistsError: If the folder exists and holds other files.
        FileNotFoundError: If there is no such `.keras` file.
        TypeError: If `model` is neither a model nor a path.
        ValueError: If the model cannot be read, was never built, or TensorFlow cannot
            keep the name of an input.

    Example:
        >>> from tutorial_lib import architectures, load_predictor, testing
        >>> folder = testing.scratch_folder() / "fcnn"
        >>> path = export(architectures.pixelwise_fcnn(6, crops=()), folder)
        >>> sorted(load_predictor(path).outputs)
        ['estimated', 'estimated_labels', 'features']
    """
    if isinstance(model, str | os.PathLike):
        model = read_model(model)
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` is a keras.Model or the path of a `.keras` file. "
            f"Received: {type(model).__name__}."
        )
    directory = Path(directory)
    _check_replaceable(directory)
    served = _served(model)
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, on the same disk: so it is moved into place in one step.
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".part-") as part:
        served.export(Path(part, "new"), verbose=False)
        _write_reach(model, Path(part, "new"))
        replace_folder(directory, Path(part, "new"), Path(part, "old"))
    return directory


def _write_reach(model: keras.Model, folder: Path) -> None:
    """Write what the outputs depend on, if it is known, into a SavedModel."""
    try:
        reach = trace(analyse(model))
    except (TypeError, ValueError):
        return
    record = {"saved_model": folder_hash(folder), "reach": reach.to_json()}
    Path(folder, REACH_FILE).write_text(json.dumps(record))


def read_reach(folder: PathLike, digest: str) -> NetworkReach:
    """What the outputs of an exported network depend on.

    Args:
        folder: The SavedModel.
        digest: `folder_hash` of the network that is asked about.

    Raises:
        ValueError: If the export did not know, or exported another network.
    """
    path = Path(folder, REACH_FILE)
    cure = (
        "Declare the fields, `Source(…, receptive_field=…)`, measure them, "
        "`certificate=tl.certify(model, …)`, or export it again with `tl.export`."
    )
    if not path.exists():
        raise ValueError(
            f"The SavedModel '{folder}' does not say what its outputs depend on. {cure}"
        )
    record = json.loads(path.read_text())
    if record["saved_model"] != digest:
        raise ValueError(
            f"'{path}' belongs to another network than the SavedModel. {cure}"
        )
    return NetworkReach.from_json(record["reach"])


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of the shapes, types and values of a model's weights, in their order.

    Example:
        >>> from tutorial_lib import architectures
        >>> len(weights_digest(architectures.pixelwise_fcnn(6, crops=())))
        64
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(weight.numpy())
        # Without the shape, a transposed kernel of zeros would count as the same.
        digest.update(f"{value.shape}{value.dtype}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def folder_hash(folder: PathLike) -> str:
    """SHA-256 of the names and contents of TensorFlow's files in a SavedModel.

    Files that somebody else put there, and `reach.json`, do not count.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        name = file.relative_to(folder)
        if name.parts[0] in SAVED_MODEL_PARTS - {REACH_FILE}:
            digest.update(name.as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _check_replaceable(directory: Path) -> None:
    if not directory.exists():
        return
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
            f"TensorFlow cannot keep the name of the input '{wrong[0]}' in a "
            "SavedModel. Name it with letters, digits and underscores only."
        )
    structures = (getattr(model, key, None) for key in ("input", "output"))
    if all(isinstance(structure, Mapping) for structure in structures):
        return model
    return keras.Model(inputs, outputs)


def replace_folder(directory: Path, new: Path, old: Path) -> None:
    """Replace `directory` by the folder `new`; on an error, put the old one back."""
    if directory.exists():
        directory.rename(old)
    try:
        new.rename(directory)
    except BaseException:
        if old.exists():
            old.rename(directory)
        raise
