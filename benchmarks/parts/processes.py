"""Runs a function in a fresh Python: nothing loaded, nothing compiled, no memory used.

`python -m parts.processes MODULE FUNCTION` is what such a process runs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]

__all__ = ["fresh_environment", "in_fresh_process"]


def fresh_environment() -> dict[str, str]:
    """The environment of a process that finds the parts."""
    paths = [str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def in_fresh_process(function: Callable[..., Any], **arguments: Any) -> Any:
    """Call a function of a module in a new process.

    Args:
        function: A function of a module of this folder.
        arguments: Its arguments: numbers, texts, lists and dictionaries of them.

    Returns:
        What it returned, of the same kinds.

    Raises:
        RuntimeError: If it failed; its own error stands on the screen.

    Example:
        >>> in_fresh_process(json.dumps, obj=[1, 2])
        '[1, 2]'
    """
    # -P: what lies in the current folder is not imported.
    command = [sys.executable, "-P", "-m", "parts.processes"]
    command += [function.__module__, function.__qualname__]
    done = subprocess.run(
        command,
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        env=fresh_environment(),
    )
    if done.returncode:
        raise RuntimeError(
            f"`{function.__module__}.{function.__qualname__}` failed with "
            f"{arguments}. Read its error above."
        )
    return json.loads(done.stdout)


def _call(module: str, name: str) -> None:
    """Run the function with the arguments of the input, and print what it returns."""
    arguments = json.load(sys.stdin)
    # What a library prints must not mix with the result.
    with redirect_stdout(sys.stderr):
        result = getattr(import_module(module), name)(**arguments)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    _call(*sys.argv[1:])
