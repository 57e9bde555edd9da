"""ONNX files: their order of axes, their weights, their hash."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.fields.onnx_files.files import image_shapes
from tutorial_lib.fields.onnx_files.layouts import FIRST, LAST, Layout
from tutorial_lib.fields.onnx_files.reading import input_layouts

__all__ = ["broken_weight", "cut_network", "file_hash", "layouts_of"]


def layouts_of(model: Any) -> dict[str, Layout]:
    """The order of axes of each input and output of an ONNX network.

    Files of `tl.export` say it. In others the operators tell, and an output that they
    do not tell has the order of the first input.

    Raises:
        ValueError: If the inputs are no images, or nothing tells their axes.
    """
    inputs = image_shapes(model)
    said = {entry.key: entry.value for entry in model.metadata_props}
    names = [tensor.name for tensor in (*model.graph.input, *model.graph.output)]
    if "remote-sensing-tutorial-kit" in said.get("made_by", ""):
        layout = FIRST if "first" in said["layout"] else LAST
        return dict.fromkeys(names, layout)
    found = input_layouts(model)
    return dict.fromkeys(names, found[next(iter(inputs))]) | found


def cut_network(model: Any, outputs: Collection[str]) -> Any:
    """An ONNX network with some of its outputs, and what these are computed from.

    Inputs stay, also those that are no longer read.
    """
    wanted, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            nodes.append(node)
            wanted |= _read_by(node)
    part = type(model)()
    part.CopyFrom(model)
    graph, whole = part.graph, model.graph
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes[::-1])
    graph.initializer.extend(x for x in whole.initializer if x.name in wanted)
    graph.output.extend(x for x in whole.output if x.name in outputs)
    return part


def _read_by(node: Any) -> set[str]:
    """Names of the tensors that a node reads, also in the branches of an `If`."""
    graphs = [x.g for x in node.attribute if x.HasField("g")]
    inside = (name for graph in graphs for one in graph.node for name in _read_by(one))
    return {*node.input, *inside, *(x.name for g in graphs for x in g.output)}


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
