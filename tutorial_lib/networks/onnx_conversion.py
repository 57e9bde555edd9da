"""How tf2onnx makes an ONNX network of a Keras model."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.networks.deepness import TileForm
from tutorial_lib.networks.onnx_rewriting import REWRITERS
from tutorial_lib.notices import error_line

# Version of the ONNX operators: programs of 2023 and later read it.
OPSET = 18

CHANNELS_FIRST = "channels_first"
LAYOUTS = ("channels_last", CHANNELS_FIRST)

__all__ = [
    "CHANNELS_FIRST",
    "LAYOUTS",
    "OPSET",
    "Conversion",
    "converted",
    "import_tf2onnx",
    "not_written",
]


@dataclass(frozen=True)
class Conversion:
    """What is converted, and how.

    Attributes:
        model: The model, with dictionaries of inputs and outputs.
        analysis: Its fields; None where they are not known.
        layout: "channels_last" or "channels_first", of inputs and outputs.
        outputs: Names of the outputs of the file.
        tile: The one image that the file takes; None for images of any size.
    """

    model: keras.Model
    analysis: FieldAnalysis | None
    layout: str
    outputs: tuple[str, ...]
    tile: TileForm | None

    def compute(self, results: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs of the file from those of the model."""
        pads = ((0, 0), *self.tile.pads, (0, 0)) if self.tile else None
        chosen = {name: results[name] for name in self.outputs}
        # Two outputs may be one tensor of TensorFlow, and each needs its own name.
        return {
            name: tf.identity(tf.pad(x, pads) if pads else x)
            for name, x in chosen.items()
        }


def import_tf2onnx() -> ModuleType:
    """The converter. Its import sets a variable that programs started later inherit."""
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    try:
        import tf2onnx.convert
    finally:
        if level is not None:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = level
    return tf2onnx


def not_written(cause: str) -> ValueError:
    """The error for a model that no ONNX file can hold, with the cause."""
    return ValueError(
        f"The model cannot be written as an ONNX file: {cause}. Map with its `.keras` "
        "file, or with a SavedModel: `tl.export(model, 'folder')`."
    )


def converted(conversion: Conversion) -> Any:
    """The model as an ONNX network, with readable names of axes.

    Raises:
        ValueError: If tf2onnx cannot convert it.
    """
    try:
        with _quiet():
            network = _by_tf2onnx(conversion)
    # Any exception: Keras, TensorFlow and the converter have their own for layers that
    # must know the size of their image, and for operations without a counterpart.
    except Exception as err:
        raise not_written(error_line(err)) from err
    _name_axes(network, conversion.layout)
    return network


def _by_tf2onnx(conversion: Conversion) -> Any:
    tf2onnx = import_tf2onnx()
    model, tile = conversion.model, conversion.tile
    specs = {
        name: tf.TensorSpec(tile.input_shape if tile else x.shape, x.dtype, name=name)
        for name, x in model.input.items()
    }
    function = tf.function(
        lambda inputs: conversion.compute(model(inputs, training=False)),
        autograph=False,
        input_signature=[specs],
    )
    with _functions_inlined():
        function = function.get_concrete_function()
    inputs = {f"{name}:0": name for name in specs}
    outputs = {x.name: name for name, x in function.structured_outputs.items()}
    turned = conversion.layout == CHANNELS_FIRST
    # Not `tf2onnx.convert.from_function`: the statistics of a `Normalization` that was
    # adapted would become inputs.
    frozen = tf2onnx.tf_loader.from_function(function, list(inputs), list(outputs))
    network, _ = tf2onnx.convert.from_graph_def(
        frozen,
        input_names=list(inputs),
        output_names=list(outputs),
        tensors_to_rename=inputs | outputs,
        opset=OPSET,
        custom_rewriter=list(REWRITERS),
        inputs_as_nchw=list(inputs) if turned else None,
        outputs_as_nchw=list(outputs) if turned else None,
    )
    return network


@contextmanager
def _functions_inlined() -> Iterator[None]:
    """Have TensorFlow trace functions inside functions as a part of the outer one.

    Keras compiles a convolution of groups by XLA, and tf2onnx knows no such calls.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's progress out of a notebook, and its errors too.

    ONNX Runtime names what could not be converted when it loads the file.
    """
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _name_axes(network: Any, layout: str) -> None:
    """Name the axes of any length: batch, and height and width of each image.

    Equal names would promise equal lengths, so each output has its own. The batch is
    the same everywhere.
    """
    from onnx.shape_inference import infer_shapes

    rows = 2 if layout == CHANNELS_FIRST else 1
    graph = network.graph
    one_input = len(graph.input) == 1
    for tensor in [*graph.input, *graph.output]:
        prefix = "" if one_input and tensor in graph.input else f"{tensor.name}_"
        names = {0: "batch", rows: f"{prefix}height", rows + 1: f"{prefix}width"}
        dims = tensor.type.tensor_type.shape.dim
        for axis, dim in enumerate(dims):
            if not dim.HasField("dim_value"):
                dim.dim_param = names.get(axis, f"{prefix}axis_{axis}")
    del graph.value_info[:]
    inferred = infer_shapes(network, data_prop=True).graph.value_info
    graph.value_info.extend(inferred)
