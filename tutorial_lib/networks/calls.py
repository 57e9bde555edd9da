"""What calls of OpenVINO and of ONNX Runtime share: types, threads, errors."""

from collections.abc import Mapping

import numpy as np

# Parts of the errors of both when memory is short.
OUT_OF_MEMORY = ("bad_alloc", "bad alloc", "out of memory", "out_of_memory", "allocat")

# Threads of a model that is loaded from now on; None for all cores.
_threads: int | None = None

__all__ = ["as_type", "limit_threads", "run_error", "threads"]


def limit_threads(count: int) -> None:
    """Let the models of this process use so many threads: it shares its machine."""
    global _threads
    _threads = count


def threads() -> int | None:
    """Threads that a model may use; None for all cores."""
    return _threads


def as_type(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An image in the type of an input, with values that the type can hold.

    Example:
        >>> as_type(np.array([-3.0, 300.0]), np.dtype("uint8"))
        array([  0, 255], dtype=uint8)
    """
    image = np.ascontiguousarray(value, "float32")
    if dtype.kind not in "iu":
        return image.astype(dtype, copy=False)
    # The largest whole numbers of 32 and 64 bits are no floats of 32.
    least, most = np.float32(np.iinfo(dtype).min), np.float32(np.iinfo(dtype).max)
    if int(most) > np.iinfo(dtype).max:
        most = np.nextafter(most, np.float32(0))
    return np.clip(image, least, most).astype(dtype)


def run_error(
    program: str, err: Exception, cause: str, arrays: Mapping[str, np.ndarray]
) -> Exception:
    """The error for a call that failed: MemoryError, or a ValueError with the cause.

    Args:
        program: What ran the network: "OpenVINO".
        err: Its error.
        cause: What its message says.
        arrays: The images.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    text = str(err).lower()
    if isinstance(err, MemoryError) or any(part in text for part in OUT_OF_MEMORY):
        return MemoryError(
            f"The model has not enough memory for images of {shapes}. Give it smaller "
            "ones."
        )
    return ValueError(
        f"{program} cannot run the network on images of {shapes}: {cause}. Give "
        "sizes that the model takes."
    )
