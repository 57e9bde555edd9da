"""Importing TensorFlow without its notice that oneDNN is on.

TensorFlow writes the notice before its log has a level, so `TF_CPP_MIN_LOG_LEVEL` does
not hold it back (`IsMklEnabled` in tensorflow/core/util/port.cc). What it writes while
it is imported is therefore kept, and passed on without the notice.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

NOTICE = re.compile(
    rb"oneDNN custom operations are on|All log messages before absl::InitializeLog"
)
# Linux only, as oneDNN in TensorFlow is.
PROCESSOR = Path("/proc/cpuinfo")

__all__ = ["QuietFinder", "make_tensorflow_quiet"]


def make_tensorflow_quiet() -> None:
    """Leave the notice out when TensorFlow is imported later in this process.

    Does nothing if TensorFlow is imported already.

    Example:
        >>> make_tensorflow_quiet()
    """
    known = any(isinstance(finder, QuietFinder) for finder in sys.meta_path)
    if "tensorflow" not in sys.modules and not known and _can_start_tensorflow():
        sys.meta_path.insert(0, QuietFinder())


class QuietFinder:
    """Lets Python find TensorFlow as usual, and holds back its notice, once."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The place of TensorFlow; None for any other module."""
        if name != "tensorflow":
            return None
        # Others may only ask whether TensorFlow is installed: this finder stays then.
        sys.meta_path.remove(self)
        try:
            spec = find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module: ModuleType) -> None:
                with suppress(ValueError):
                    sys.meta_path.remove(self)
                with ExitStack() as stack:
                    # A process may have no standard error.
                    with suppress(OSError):
                        stack.enter_context(_without_notice())
                    execute(module)

            spec.loader.exec_module = execute_quietly
        return spec


def _can_start_tensorflow() -> bool:
    """Whether the processor has what TensorFlow needs.

    Without AVX, it ends the process while it is imported. Its message must be seen.
    """
    try:
        return bool(re.search(r"\b(avx|asimd)\b", PROCESSOR.read_text()))
    except OSError:
        return False


@contextmanager
def _without_notice() -> Iterator[None]:
    """Keep what goes to file descriptor 2, then pass it on without the notice."""
    with (
        os.fdopen(os.dup(2), "wb") as real,
        os.fdopen(os.memfd_create("stderr"), "w+b") as kept,
    ):
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real.fileno(), 2)
            kept.seek(0)
            rest = [line for line in kept if not NOTICE.search(line)]
            # The reader of a pipe may be gone.
            with suppress(OSError):
                real.writelines(rest)
                real.flush()
