"""How ONNX Runtime runs an ONNX file, in a process without TensorFlow.

`make bench` measures time and memory (part `runners`). In float32 the results agree
with TensorFlow's up to rounding.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.networks.calls import as_type, run_error, threads
from tutorial_lib.networks.checks import Shape
from tutorial_lib.networks.onnx_files import cut_network
from tutorial_lib.networks.onnx_needed import onnx_needed
from tutorial_lib.networks.precisions import FLOAT32, no_bfloat16
from tutorial_lib.notices import error_line

# ONNX Runtime's names of the types that an image may have.
TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    **{f"tensor({name})": name for name in ("int8", "int16", "int32", "int64")},
    **{f"tensor({name})": name for name in ("uint8", "uint16", "uint32", "uint64")},
}
# Level from which on ONNX Runtime prints what it also raises: never.
NO_MESSAGES = 4

# Sets of outputs that are kept ready: a map asks for the same again and again.
KEPT_SESSIONS = 2
LARGEST_MESSAGE = 2**31

__all__ = ["OnnxRuntimeModel", "cause", "new_session"]


class OnnxRuntimeModel:
    """An ONNX file that ONNX Runtime runs, with its own order of axes.

    Attributes:
        shapes: Shape of each input, None where any number goes.
        outputs: Names of the outputs.
        precision: "float32": it computes in the precisions of the file.
    """

    precision = FLOAT32

    def __init__(self, path: Path, network: Any) -> None:
        """Load a file.

        Args:
            path: The file.
            network: What it holds, as `onnx.load` gives it.

        Raises:
            ImportError: If ONNX Runtime is not installed.
            ValueError: If ONNX Runtime lacks an operator of the network.
        """
        with onnx_needed("to run ONNX files"):
            import onnxruntime  # noqa: F401

        self._network = network
        try:
            session = new_session(str(path))
        # Any exception: ONNX Runtime has its own for each part of a file.
        except Exception as err:
            raise ValueError(
                f"ONNX Runtime cannot load '{path}': {cause(err)}. Export the network "
                "again, with operators that it has."
            ) from err
        ports = session.get_inputs()
        self._types = {port.name: _type(port) for port in ports}
        self.shapes = {port.name: _shape(port) for port in ports}
        self.outputs = tuple(port.name for port in session.get_outputs())
        # The file may be gone or replaced when a session for some outputs is made, so
        # what was read of it is used. Protocol buffers hold at most 2 GB.
        self._whole = session if network.ByteSize() >= LARGEST_MESSAGE else None
        self._for_outputs = lru_cache(KEPT_SESSIONS)(self._loaded)

    def _loaded(self, outputs: tuple[str, ...]) -> Any:
        """A session that computes some outputs only.

        ONNX Runtime computes all that a file has, also those that are not asked for.
        """
        if self._whole is not None:
            return self._whole
        return new_session(cut_network(self._network, outputs).SerializeToString())

    def in_precision(self, precision: str) -> "OnnxRuntimeModel":
        """Itself in float32.

        Raises:
            ValueError: For another precision.
        """
        if precision != self.precision:
            raise no_bfloat16("ONNX Runtime computes in the precision of the file")
        return self

    def __call__(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The outputs of the given names; others are not computed.

        Raises:
            ValueError: If an image has a size that the network does not take.
            MemoryError: If the machine has not enough memory.
        """
        arrays = {n: as_type(inputs[n], kind) for n, kind in self._types.items()}
        try:
            session = self._for_outputs(tuple(outputs))
            results = session.run(list(outputs), arrays)
        # Any exception: as when it is loaded.
        except Exception as err:
            raise run_error("ONNX Runtime", err, cause(err), arrays) from err
        return dict(zip(outputs, results, strict=True))


def new_session(model: str | bytes) -> Any:
    """ONNX Runtime's session of a file, or of what is in it, on the processor.

    Args:
        model: Path of the file, or its bytes.

    Raises:
        Exception: Errors of ONNX Runtime's own, which have no common class.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = NO_MESSAGES
    # Its pool would keep the memory of the largest tile, and plans for each size.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that wait for work would keep the cores from reading and writing tiles.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads() is not None:
        options.intra_op_num_threads = threads()
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _type(port: Any) -> np.dtype:
    if port.type not in TYPES:
        raise ValueError(
            f"The input '{port.name}' takes values of the type {port.type}, and images "
            "hold numbers. Export the network with inputs of numbers."
        )
    return np.dtype(TYPES[port.type])


def _shape(port: Any) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in port.shape)


def cause(err: Exception) -> str:
    """ONNX Runtime's message without numbers, files, and places in C++.

    Example:
        >>> message = "Load model from a/b.onnx failed:No opset import for domain 'my'"
        >>> cause(RuntimeError(f"[ONNXRuntimeError] : 1 : FAIL : {message}"))
        "No opset import for domain 'my'"
    """
    text = str(err).rpartition("Status Message: ")[2]
    places = (
        r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ",
        r"^Load model from .*? failed:\s*",
        r"^\S*onnxruntime_src\S+ .*?\) ",
    )
    for place in places:
        text = re.sub(place, "", text)
    return error_line(RuntimeError(text))
