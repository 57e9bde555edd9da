"""The content of an ONNX file: its inputs, its constants, and the nodes that count."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.tensors import Known, Value

Shape = tuple[int | None, ...]

__all__ = [
    "Shape",
    "constant",
    "constants",
    "image_shapes",
    "load",
    "needed",
    "without_functions",
]


def load(model: Any) -> Any:
    """The content of an ONNX file, or the content itself.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the package `onnx` is not installed.
        ValueError: If it is no ONNX file.
    """
    try:
        import onnx
    except ImportError as err:
        raise ImportError(
            "ONNX is not installed. Install it with `pip install "
            "'remote-sensing-tutorial-kit[onnx]'`."
        ) from err
    if isinstance(model, onnx.ModelProto):
        return model
    path = Path(model)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file '{path}'. Check the path.")
    try:
        content = onnx.load(os.fspath(path))
    except Exception as err:  # The classes of its errors are those of protobuf.
        raise _no_onnx(path) from err
    if not content.graph.node or not content.opset_import:
        raise _no_onnx(path)
    return content


def _no_onnx(path: Path) -> ValueError:
    return ValueError(
        f"'{path}' cannot be read as an ONNX file: it is incomplete, or another kind "
        "of file. Export the network again."
    )


def without_functions(model: Any) -> Any:
    """The content with the functions of the file put where they are called."""
    if not model.functions:
        return model
    from onnx import inliner

    return inliner.inline_local_functions(model)


def image_shapes(model: Any) -> dict[str, Shape]:
    """Shape of each image that a file's network takes, None where any number goes.

    Raises:
        ValueError: If it takes something else than images, or nothing.
    """
    known = {one.name for one in model.graph.initializer}
    shapes = {
        one.name: _shape(one) for one in model.graph.input if one.name not in known
    }
    for name, shape in shapes.items():
        if len(shape) != 4:
            raise ValueError(
                f"The input '{name}' has the shape {shape}. The kit takes images with "
                "four axes: (batch, channel, row, col). Export the network so."
            )
    if not shapes:
        raise ValueError("The network has no inputs. Export it with an image as input.")
    return shapes


def _shape(value: Any) -> Shape:
    sizes = value.type.tensor_type.shape.dim
    return tuple(size.dim_value or None for size in sizes)


def needed(graph: Any) -> list[Any]:
    """The nodes that the outputs depend on, in the order of the file."""
    wanted = {one.name for one in graph.output}
    needed = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            needed.append(node)
    return needed[::-1]


def constants(graph: Any) -> dict[str, Value]:
    """The weights and other arrays of a file, by name."""
    from onnx import numpy_helper

    return {one.name: _known(numpy_helper.to_array(one)) for one in graph.initializer}


def _known(array: np.ndarray) -> Known:
    return Known(array, array.dtype.kind == "f")


def constant(use: Use) -> Known:
    """The value of a node that holds one."""
    from onnx import numpy_helper

    if (tensor := use.attribute("value")) is not None:
        return _known(numpy_helper.to_array(tensor))
    names = ("value_float", "value_floats", "value_int", "value_ints")
    values = [use.attribute(name) for name in names if use.attribute(name) is not None]
    if not values:
        raise use.refused("holds no number")
    dtype = "float32" if use.attribute("value_float") is not None else None
    return _known(np.asarray(values[0], dtype))
