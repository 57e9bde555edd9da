"""The precisions that a model can compute in, and which of them the processor has.

bfloat16 keeps 8 of the 24 significant bits of float32. Processors with instructions for
it compute convolutions faster, and some labels change. `make bench` measures both (part
`runners`).
"""

import os
import sys
from pathlib import Path

FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)

# Linux lists the processor's instructions here.
FLAGS_FILE = Path("/proc/cpuinfo")
# Instructions for bfloat16 on x86-64, as Linux names them. oneDNN emulates it without
# them, more slowly than it computes float32.
FLAGS = frozenset({"avx512_bf16", "amx_bf16"})

__all__ = [
    "BFLOAT16",
    "FLOAT32",
    "PRECISIONS",
    "check_tensorflow_bfloat16",
    "has_bfloat16",
    "no_bfloat16",
]


def has_bfloat16(flags_file: Path = FLAGS_FILE) -> bool | None:
    """Whether the processor has instructions for bfloat16; None where it is not known.

    Args:
        flags_file: Where Linux lists them.
    """
    try:
        lines = flags_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    words = [line.partition(":")[2].split() for line in lines if line[:5] == "flags"]
    return bool(FLAGS.intersection(*words[:1])) if words else False


def no_bfloat16(reason: str) -> ValueError:
    """The error for a computer, or a model, without bfloat16.

    Args:
        reason: Why, as a sentence without a full stop.
    """
    return ValueError(f"{reason}. Use `precision='float32'`, which every model has.")


def check_tensorflow_bfloat16(gpu_count: int = 0) -> None:
    """Raise ValueError unless TensorFlow computes in bfloat16 on this processor.

    Args:
        gpu_count: GPUs that TensorFlow uses.
    """
    if gpu_count:
        raise no_bfloat16(
            "`precision='bfloat16'` is for processors, and TensorFlow computes on "
            f"{gpu_count} GPU(s)"
        )
    found = has_bfloat16()
    if found is None:
        raise no_bfloat16(
            f"Whether this processor has bfloat16 is not known on {sys.platform}"
        )
    if not found:
        raise no_bfloat16(
            "This processor has no instructions for bfloat16 "
            f"({', '.join(sorted(FLAGS))})"
        )
    # TensorFlow reads it when it is imported.
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() in ("0", "false"):
        raise ValueError(
            "TensorFlow needs its oneDNN kernels for bfloat16, and the environment "
            "variable TF_ENABLE_ONEDNN_OPTS is 0. Unset it before Python starts, or "
            "use `precision='float32'`."
        )
