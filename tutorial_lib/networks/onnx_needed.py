"""The error where a package for ONNX files is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

PACKAGES = ("onnx", "onnxruntime", "tf2onnx")

__all__ = ["onnx_needed"]


@contextmanager
def onnx_needed(purpose: str) -> Iterator[None]:
    """Raise an error with the cure where a package for ONNX files is not installed.

    Args:
        purpose: What it is needed for: "to write ONNX files".
    """
    try:
        yield
    except ModuleNotFoundError as err:
        if str(err.name).partition(".")[0] not in PACKAGES:
            raise
        raise ImportError(
            f"{err.name} is not installed, and it is needed {purpose}. Install it with "
            "`pip install 'remote-sensing-tutorial-kit[onnx]'`."
        ) from err
