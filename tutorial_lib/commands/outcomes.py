"""How a command ends: its exit code, and its errors and warnings as one sentence."""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from tutorial_lib.commands.signals import ended_like_ctrl_c, exit_code
from tutorial_lib.notices import error_line

__all__ = ["outcome"]


def outcome(program: str, job: Callable[[], Any]) -> int:
    """Do what a command asks for; errors and warnings become sentences of the program.

    Args:
        program: Its name, which begins each sentence.
        job: What to do. It may return an exit code.

    Returns:
        The exit code: that of the job, 0 done, 1 error, 130 interrupted by Ctrl-C, 143
        ended by SIGTERM and 129 by SIGHUP.

    Example:
        >>> outcome("my-program", lambda: None)
        0
    """
    tell = partial(_print_error, program)
    try:
        with ended_like_ctrl_c(), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}")
            code = job()
    except KeyboardInterrupt as interrupt:
        tell(": ".join(["interrupted", *map(str, interrupt.args)]))
        return exit_code(interrupt)
    except (MemoryError, OSError, TypeError, ValueError) as err:
        tell(f"error: {_told(err)}")
        return 1
    # The errors of TensorFlow, for example of a full disk, and faults of the kit.
    except Exception as err:
        if sys.flags.dev_mode:
            raise
        tell(
            f"error: {type(err).__name__}: {error_line(err)}. `PYTHONDEVMODE=1` before "
            "the command shows where this happened."
        )
        return 1
    return code or 0


def _told(err: Exception) -> str:
    """The message of an error, and its notes: they say what is kept of a run."""
    message = str(err) or "The memory is not enough."
    # Those of Keras go on with lists of arguments.
    if "\n" in message:
        message = f"{error_line(err)}."
    return " ".join([message, *getattr(err, "__notes__", [])])


def _print_error(program: str, message: str) -> None:
    print(f"{program}: {message}", file=sys.stderr)
