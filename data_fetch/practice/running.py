"""Runs the practice catalogue in a process of its own, and ends it in every case."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from data_fetch.practice.files import make_practice
from data_fetch.practice.items import EARTH_SEARCH
from data_fetch.practice.serving import Server
from tutorial_lib.commands.signals import left_to_this_process
from tutorial_lib.rasters import PathLike

# Seconds that the process has for its end.
PATIENCE_S = 5

__all__ = ["running", "serve", "started"]


@contextmanager
def running(folder: PathLike | None = None) -> Iterator[str]:
    """Serve the practice catalogue until the `with` block ends.

    The server is a process of its own, because GDAL waits for ever for a server in a
    thread of the same process. It ends also when this process is killed.

    Args:
        folder: Folder of its files, which are made the first time. None: `.practice`
            beside the Havel scene.

    Yields:
        Address of the STAC API: `http://127.0.0.1:PORT/v1`.

    Raises:
        FileNotFoundError: If there is no Havel scene.
        OSError: If the files cannot be written, or the server does not start.

    Example:
        >>> with running() as address:
        ...     print(address.partition(":")[0], address.rpartition("/")[2])
        http v1
    """
    folder = make_practice(folder)
    command = (sys.executable, "-m", "data_fetch", "practice", "--for-a-parent")
    with started([*command, "--folder", str(folder.absolute())]) as address:
        yield f"{address}/{EARTH_SEARCH}"


@contextmanager
def started(command: Sequence[str]) -> Iterator[str]:
    """Run a server; its first line of output is its address.

    Raises:
        OSError: If it ends before it prints an address.
    """
    # Ctrl-C is for this process, which then ends the server.
    with left_to_this_process():
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # The package is found from here also if it is not installed.
            cwd=Path(__file__).parents[2],
        )
    try:
        address = process.stdout.readline().strip()
        if not address.startswith("http://"):
            raise OSError(
                f"The practice catalogue did not start: it printed {address!r}. Run "
                "`python -m data_fetch practice` to see why."
            )
        yield address
    finally:
        _end(process)


def _end(process: subprocess.Popen) -> None:
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        process.stdout.close()


def serve(server: Server) -> None:
    """Serve for a parent process: print the address, and end when the parent does."""
    print(server.address, flush=True)
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    with server:
        server.serve_forever(poll_interval=0.1)


def _end_with_parent(server: Server) -> None:
    # The system closes this pipe when the parent process ends, whatever ended it.
    sys.stdin.read()
    server.shutdown()
