"""ONNX files: their network, their order of axes, their weights, their hash."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.networks.onnx_needed import onnx_needed
from tutorial_lib.notices import error_line

__all__ = ["broken_weight", "file_hash", "layouts_of", "read_onnx"]


def read_onnx(path: Path) -> Any:
    """Read an ONNX file, with the weights that lie in files beside it.

    Raises:
        ImportError: If the package `onnx` is not installed.
        ValueError: If it is not an ONNX file.
    """
    with onnx_needed("to read ONNX files"):
        import onnx
        from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
    # ValidationError: a file with weights is missing beside it.
    except (DecodeError, onnx.checker.ValidationError, OSError) as err:
        raise ValueError(
            f"'{path}' is not an ONNX file, or only a part of one: {error_line(err)}. "
            "Export the network again."
        ) from err
    # Nearly any bytes can be read as a message without content.
    if not model.graph.node:
        raise ValueError(
            f"'{path}' is not an ONNX file: it holds no network. Export the network "
            "again."
        )
    return model


def layouts_of(model: Any) -> dict[str, str]:
    """The order of axes of each input and output of an ONNX network.

    Files of `tl.export` say it; in others the operators tell.
    """
    said = {entry.key: entry.value for entry in model.metadata_props}
    if "remote-sensing-tutorial-kit" in said.get("made_by", ""):
        tensors = [*model.graph.input, *model.graph.output]
        return {tensor.name: json.loads(said["layout"]) for tensor in tensors}
    from tutorial_lib.fields.onnx_files.reading import input_layouts

    return input_layouts(model)


def broken_weight(model: Any) -> str | None:
    """Name of the first weight of an ONNX network that holds NaN or infinity."""
    from onnx.numpy_helper import to_array

    constants = [
        attribute.t
        for node in model.graph.node
        for attribute in node.attribute
        if node.op_type == "Constant" and attribute.name == "value"
    ]
    for tensor in [*model.graph.initializer, *constants]:
        value = to_array(tensor)
        if value.ndim and value.dtype.kind == "f" and not np.isfinite(value).all():
            return tensor.name
    return None


def file_hash(path: Path) -> str:
    """SHA-256 of an ONNX file and of the files with weights beside it.

    Raises:
        OSError: If one of them cannot be read.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    names = {
        entry.value
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    digest = hashlib.sha256()
    for file in [path, *(path.parent / name for name in sorted(names))]:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
