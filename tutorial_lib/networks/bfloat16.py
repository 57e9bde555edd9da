"""TensorFlow's compiled functions in bfloat16, one by one.

TensorFlow rewrites a graph so that oneDNN computes convolutions and matrix products in
bfloat16, and the rest in float32. `tf.config.optimizer` switches this on for a whole
process. A call of a function can have its own settings instead, so that no other
function is rewritten, in whichever thread it runs.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["in_bfloat16"]


def in_bfloat16(function: Any) -> Callable[..., list[Any]]:
    """A compiled function whose convolutions are computed in bfloat16.

    Args:
        function: What `get_concrete_function` gave: tensors -> list of tensors.

    Returns:
        A function of the same tensors. Its results have the same types.
    """
    settings, types = _settings(), [tensor.dtype for tensor in function.outputs]

    def call(*tensors: Any) -> list[Any]:
        return tf.raw_ops.StatefulPartitionedCall(
            # The weights are inputs of the graph too.
            args=[*tensors, *function.captured_inputs],
            Tout=types,
            f=function,
            config_proto=settings,
        )

    return call


def _settings() -> bytes:
    config = tf.compat.v1.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    rewriting.auto_mixed_precision_onednn_bfloat16 = type(rewriting).ON
    return config.SerializeToString()
