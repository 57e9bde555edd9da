"""How OpenVINO runs an exported network, in a process without TensorFlow.

A process with OpenVINO starts sooner than one with TensorFlow, and takes less memory:
`make bench` measures both (part `runners`). It reads SavedModels and ONNX files itself.
In float32 the results agree with TensorFlow's up to rounding.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from tutorial_lib.fields.names import check_images
from tutorial_lib.networks.calls import as_type, run_error, threads
from tutorial_lib.networks.checks import Shape, check_shape
from tutorial_lib.networks.files import no_signature
from tutorial_lib.networks.precisions import FLOAT32, no_bfloat16
from tutorial_lib.notices import error_line

# OpenVINO's names. It takes bfloat16 by itself where the processor has it.
PRECISION_HINTS = {FLOAT32: "f32", "bfloat16": "bf16"}
# Friendly name of what stands for TensorFlow's operation Bitcast until it is removed.
BITS = "tutorial_lib bits of a float"

__all__ = ["OpenVinoModel", "of_folder", "of_onnx_file"]


class OpenVinoModel:
    """An exported network as a function of arrays, which OpenVINO runs.

    It is compiled once for the outputs that are asked for, for images of any size.

    Attributes:
        shapes: Shape of each input, None where any number goes.
        outputs: Names of the outputs.
        precision: "float32", or "bfloat16".
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        # A tensor has several names where an output is an input, or another output.
        ports = {port.node.get_friendly_name(): port for port in network.inputs}
        self.shapes = {name: _shape(port) for name, port in ports.items()}
        self._types = {n: port.element_type.to_dtype() for n, port in ports.items()}
        self._results = {x.get_friendly_name(): x for x in network.get_results()}
        self.outputs = tuple(self._results)
        self.precision, self._precisions = FLOAT32, {FLOAT32: self}
        self._prepare()

    def _prepare(self) -> None:
        # A request serves one call at a time.
        self._lock, self._for_outputs = Lock(), cache(self._compiled)

    @property
    def channels(self) -> dict[str, int | None]:
        """Number of channels of each input."""
        return {name: shape[-1] for name, shape in self.shapes.items()}

    def in_precision(self, precision: str) -> "OpenVinoModel":
        """The same network in a precision, the same object each time.

        Raises:
            ValueError: If the processor does not have it.
        """
        if precision not in self._precisions:
            if "BF16" not in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
                raise no_bfloat16("OpenVINO finds no bfloat16 in this processor")
            other = copy(self)
            other.precision = precision
            other._prepare()
            self._precisions[precision] = other
        return self._precisions[precision]

    def __call__(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The outputs of the given names.

        Raises:
            ValueError: If an image has a size that the network does not take.
            MemoryError: If the machine has not enough memory.
        """
        arrays = {n: as_type(inputs[n], kind) for n, kind in self._types.items()}
        for name, array in arrays.items():
            check_shape(name, array.shape, self.shapes[name])
        try:
            with self._lock:
                request = self._for_outputs(tuple(outputs))
                # Without copies of the inputs. The results must be copied, because the
                # next call writes into the same memory.
                images = dict(enumerate(arrays.values()))
                results = request.infer(images, share_inputs=True, share_outputs=False)
        except (RuntimeError, MemoryError) as err:
            # A request that failed keeps the memory that it got.
            self._for_outputs.cache_clear()
            raise run_error("OpenVINO", err, _cause(err), arrays) from err
        return dict(zip(outputs, results.to_tuple(), strict=True))

    def _compiled(self, outputs: tuple[str, ...]) -> Any:
        import openvino

        chosen = [self._results[name].input_value(0) for name in outputs]
        part = openvino.Model(chosen, self.network.get_parameters(), "part")
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[self.precision],
            # One image at a time, on all cores.
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads() is not None:
            settings["INFERENCE_NUM_THREADS"] = threads()
        return _core().compile_model(part, "CPU", settings).create_infer_request()

    def broken_weight(self) -> str | None:
        """Name of the first weight that holds NaN or infinity; None if none does."""
        for node in self.network.get_ops():
            if node.get_type_name() != "Constant":
                continue
            value = node.data
            if value.ndim and value.dtype.kind == "f" and not np.isfinite(value).all():
                return node.get_friendly_name()
        return None


def _shape(port: Any) -> Shape:
    shape = port.partial_shape
    return tuple(size.get_length() if size.is_static else None for size in shape)


def _cause(err: Exception) -> str:
    """The cause in OpenVINO's error, without its places in C++ and its addresses."""
    places = r"Exception from \S+|Check '.*?' failed at \S+|FrontEnd API failed.*"
    lines = [line.strip(" -") for line in re.sub(places, "", str(err)).splitlines()]
    hints = ("Model wasn't", "Summary:", "To facilitate")
    telling = [line for line in lines if line and not line.startswith(hints)]
    return error_line(RuntimeError("\n".join(telling)))


def _imported() -> ModuleType:
    # Its import would write a client ID into the home folder, and tell Google Analytics
    # that it was started. Without this package it does neither.
    sys.modules.setdefault("openvino_telemetry", None)
    try:
        import openvino
        import openvino.frontend.tensorflow
    except ImportError as err:
        raise ImportError(
            "OpenVINO is not installed. Install it with `pip install "
            "'remote-sensing-tutorial-kit[fast]'`, or load the model with "
            "`runner='tensorflow'`."
        ) from err
    return openvino


@cache
def _core() -> Any:
    """The one `Core` of this process, which stays.

    Each one that compiles gives the process a stack for signals, and takes its own away
    when it goes. After two that go in the order in which they came, the stack is one
    that is gone, and the next signal, such as Ctrl-C, ends Python with a crash.
    """
    openvino = _imported()
    core = openvino.Core()
    extension = openvino.frontend.tensorflow.ConversionExtension("Bitcast", _bits)
    core.add_extension(extension)
    return core


def of_folder(folder: Path) -> OpenVinoModel:
    """The function that a SavedModel serves, run by OpenVINO.

    Raises:
        ImportError: If OpenVINO is not installed.
        ValueError: If OpenVINO cannot read the folder, or has no operation of the
            network.
    """
    openvino = _imported()
    try:
        network = _core().read_model(str(folder))
    except RuntimeError as err:
        raise _unreadable(folder, _cause(err)) from err
    if not network.outputs:
        raise no_signature(folder)
    if not _without_signs_of_zeros(network):
        raise _unreadable(folder, "No conversion rule found for operations: Bitcast")
    # OpenVINO must know the number of axes, and images have four.
    free = [port for port in network.inputs if port.partial_shape.rank.is_dynamic]
    network.reshape({port: openvino.PartialShape([-1] * 4) for port in free})
    model = OpenVinoModel(network)
    check_images(model.shapes)
    return model


def of_onnx_file(path: Path) -> OpenVinoModel:
    """The network of an ONNX file, with its own order of axes, run by OpenVINO.

    Raises:
        ImportError: If OpenVINO is not installed.
        ValueError: If OpenVINO cannot read the file, or lacks an operation of it.
    """
    try:
        network = _core().read_model(str(path))
    except RuntimeError as err:
        raise ValueError(
            f"OpenVINO cannot read '{path}': {_cause(err)}. Load it with "
            "`runner='onnxruntime'`."
        ) from err
    for result in network.get_results():
        # OpenVINO appends this to the name of the output.
        name = result.get_friendly_name().removesuffix("/sink_port_0")
        result.set_friendly_name(name)
    return OpenVinoModel(network)


def _unreadable(folder: Path, cause: str) -> ValueError:
    return ValueError(
        f"OpenVINO cannot read the SavedModel '{folder}': {cause}. Export it again "
        "with `tl.export`, or load it with `runner='tensorflow'`."
    )


def _bits(node: Any) -> list[Any]:
    """Stands for a Bitcast, which OpenVINO does not have, until it is removed."""
    from openvino import opset13

    bits = opset13.convert(node.get_input(0), "i32")
    bits.set_friendly_name(BITS)
    return [bits.output(0)]


def _without_signs_of_zeros(network: Any) -> bool:
    """Remove the steps by which Keras's `argmax` puts -0.0 below 0.0.

    They read the sign of a zero from its bits. Without them a label differs only where
    the largest values are 0.0 and -0.0: at a tie.

    Returns:
        Whether no Bitcast is left: False if the network uses one for something else.
    """
    for node in network.get_ops():
        if not node.get_friendly_name().startswith(BITS):
            continue
        value = node.input_value(0)
        for kind in ("BitwiseAnd", "Less", "LogicalAnd", "Select"):
            readers = node.output(0).get_target_inputs()
            if len(readers) != 1:
                return False
            node = next(iter(readers)).get_node()
            if node.get_type_name() != kind:
                return False
        if node.input_value(2) != value:
            return False
        node.output(0).replace(value)
    return True
