"""The memory of GPUs, of which TensorFlow takes all unless it is told not to."""

from functools import cache

import tensorflow as tf

__all__ = ["gpu_count", "grow_gpu_memory"]


@cache
def grow_gpu_memory() -> None:
    """Let TensorFlow take the memory of GPUs as it needs it, once in a process.

    Several processes can share a GPU then: notebooks, or the workers of a cluster.
    """
    for device in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(device, True)
        # RuntimeError: the GPU is in use already. ValueError: the user divided it, or
        # it is of a kind that has no such setting. Their choice holds.
        except (RuntimeError, ValueError):
            continue


def gpu_count() -> int:
    """Number of GPUs that TensorFlow uses in this process."""
    return len(tf.config.list_logical_devices("GPU"))
