"""Saved models as files, without TensorFlow: their kind, their hash, their fields.

A map from an exported network can be made in a process that never loads TensorFlow, so
nothing here imports it.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.rasters import PathLike

ONNX_SUFFIX = ".onnx"

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
    "ONNX_SUFFIX",
    "REACH_FILE",
    "SAVED_MODEL_PARTS",
    "check_kind",
    "folder_hash",
    "no_signature",
    "read_reach",
]


def check_kind(path: Path) -> None:
    """Raise ValueError unless a path can be a `.keras` file."""
    if path.name.endswith(".weights.h5"):
        raise ValueError(
            f"'{path}' holds weights only. Build the model, read them with "
            "`model.load_weights(path)`, and save it with `model.save('….keras')`."
        )
    if path.suffix in (".h5", ".hdf5"):
        new = path.with_suffix(".keras").name
        raise ValueError(
            f"'{path}' is a model in the form of older versions of Keras. Save it "
            f"again: `keras.models.load_model('{path.name}').save('{new}')`. If Keras "
            f"cannot read it, build the network, `model.load_weights('{path.name}')`."
        )
    if path.suffix in (".pt", ".pth", ".ckpt"):
        raise ValueError(
            f"'{path}' is not a model that the kit reads: it seems to be of PyTorch. "
            "Export the network with `torch.onnx.export(model, (example,), "
            "'model.onnx', …)`, and give that file."
        )
    if path.is_dir() or path.suffix != ".keras":
        raise ValueError(
            f"'{path}' is not a model: it must be a `.keras` file or a SavedModel "
            "folder (with a `saved_model.pb` in it), or an `.onnx` file."
        )
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"'{path}' is not a model saved by Keras 3, or only a part of one. Save it "
            "again with `model.save('….keras')`."
        )


def read_reach(
    folder: PathLike, digest: str, outputs: Sequence[str] = ()
) -> NetworkReach:
    """What the outputs of an exported network depend on.

    Args:
        folder: The SavedModel.
        digest: `folder_hash` of the network that is asked about.
        outputs: Names of outputs that are asked about.

    Raises:
        ValueError: If the export did not know, exported another network, or the file
            is damaged.
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
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        saved, reach = record["saved_model"], NetworkReach.from_json(record["reach"])
        missing = [name for name in outputs if name not in reach.outputs]
    # KeyError, TypeError: the text is JSON, and no record of a reach.
    except (KeyError, TypeError, ValueError, OSError) as err:
        raise ValueError(
            f"'{path}' is damaged, so what the outputs depend on is not known. {cure}"
        ) from err
    if saved != digest or missing:
        raise ValueError(
            f"'{path}' belongs to another network than the SavedModel. {cure}"
        )
    return reach


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


def no_signature(folder: PathLike) -> ValueError:
    """The error for a SavedModel that serves no function."""
    return ValueError(
        f"The SavedModel '{folder}' has no signature to call. Export it again with "
        "`tl.export`, or with signatures."
    )
