"""Signals that end a command: each leaves as little behind as Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["dask_setup", "ended_like_ctrl_c", "exit_code", "left_to_this_process"]


class EndedError(KeyboardInterrupt):
    """A signal to end: of a batch system, `kill`, `timeout`, or a closed terminal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise a KeyboardInterrupt in the `with` block.

    Without this they end Python at once, so that parts of files stay behind. A program
    that has its own handler keeps it, and so does `nohup`, which ignores SIGHUP.
    """
    ours = []
    # Python allows handlers in the main thread only. Windows has no SIGHUP.
    if threading.current_thread() is threading.main_thread():
        names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        numbers = [getattr(signal, name) for name in names]
        ours = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: FrameType | None) -> None:
    raise EndedError(number)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """The usual exit code after a signal, 128 and its number: 130 for Ctrl-C.

    Example:
        >>> exit_code(KeyboardInterrupt()), exit_code(EndedError(signal.SIGTERM))
        (130, 143)
    """
    return 128 + getattr(interrupt, "number", signal.SIGINT)


@contextmanager
def left_to_this_process() -> Iterator[None]:
    """Have processes that are started in the `with` block ignore Ctrl-C and SIGHUP.

    A terminal sends both to a command and to all that it has started. The command ends
    its workers itself, while each of them would print a traceback. In the block, which
    should be short, this process ignores the signals too: what it ignores, a new
    process inherits.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _of_terminals()}
    _ignore()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def dask_setup(_: Any) -> None:
    """Ignore the same in a worker that was started again; Dask calls this."""
    _ignore()


def _ignore() -> None:
    for number in _of_terminals():
        signal.signal(number, signal.SIG_IGN)


def _of_terminals() -> list[int]:
    names = [name for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    return [getattr(signal, name) for name in names]
