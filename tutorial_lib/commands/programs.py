"""Programs that the doctor starts: none outlives it, and they leave no file behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from tutorial_lib.commands.signals import left_to_this_process

# Seconds that programs have to end by themselves before they are killed.
PATIENCE = 5

# What Windows returns for a program with an instruction that its processor lacks.
WINDOWS_ILLEGAL = 0xC000001D

__all__ = ["FailedError", "Programs", "clean_environment"]


class FailedError(Exception):
    """A program ended before it was done.

    Attributes:
        code: Its exit code; negative for a signal.
        text: What it wrote to stderr.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code, self.text = code, text

    @property
    def is_illegal(self) -> bool:
        """Whether the processor did not know an instruction of the program."""
        known = {WINDOWS_ILLEGAL, WINDOWS_ILLEGAL - 2**32}
        if hasattr(signal, "SIGILL"):
            known |= {-signal.SIGILL, 128 + signal.SIGILL}
        return self.code in known

    @property
    def is_killed(self) -> bool:
        """Whether the system killed it, as Linux does when the memory is full."""
        number = getattr(signal, "SIGKILL", 9)
        return self.code in (-number, 128 + number)

    @property
    def how(self) -> str:
        """The end in a few words: the name of the signal, or the last line it wrote."""
        if self.code < 0:
            with suppress(ValueError):
                return f"stopped by {signal.Signals(-self.code).name}"
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        if not lines:
            return f"ended with exit code {self.code}"
        # Without the time and the name that JupyterLab writes before a line.
        return re.sub(r"^\[\w [^]]*\] ", "", lines[-1])


class Programs:
    """Programs that all end with the `with` block, or with `end`.

    Attributes:
        folder: Temporary folder, in which they run and write. It goes with the block.
    """

    def __init__(self) -> None:
        self._started: list[subprocess.Popen] = []
        self._closed = False
        # Checks start programs in threads of their own.
        self._lock = threading.Lock()

    def __enter__(self) -> "Programs":
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="tutorial-lib-doctor-"))
        except OSError as err:
            raise OSError(
                f"No folder for temporary files can be written ({err.strerror}). Free "
                "some space, or let the environment variable TMPDIR name a folder."
            ) from err
        self._out, self._err = (self.folder / name for name in ("out", "err"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C must not leave half of them behind.
        with left_to_this_process():
            with self._lock:
                self._closed = True
            self.end()
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *words: str, **environment: str) -> subprocess.Popen:
        """Start this Python with these words, and further environment variables.

        It runs in the temporary folder, in a session of its own: Ctrl-C reaches the
        doctor only, which ends its programs itself.

        Raises:
            FailedError: If the doctor has ended.
        """
        with self._lock:
            if self._closed:
                raise FailedError(1, "The doctor has ended.")
            # Into files: a pipe that nobody reads would stop a program when it is full.
            with self._out.open("wb") as out, self._err.open("wb") as err:
                process = subprocess.Popen(
                    [sys.executable, *words],
                    cwd=self.folder,
                    env=clean_environment(self.folder) | environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            self._started.append(process)
        return process

    def output(self, code: str, **environment: str) -> str:
        """What a program in Python prints last.

        Raises:
            FailedError: If it fails.
        """
        process = self.start("-c", code, **environment)
        process.wait()
        out = _text(self._out).strip()
        if process.returncode or not out:
            raise self.failed(process)
        return out.splitlines()[-1]

    def failed(self, process: subprocess.Popen) -> FailedError:
        """The error for the program that was started last, and has ended."""
        return FailedError(process.returncode, _text(self._err))

    def end(self) -> None:
        """End all programs, and what they have started."""
        with self._lock:
            started, self._started = self._started, []
        tree = [one for process in started for one in _family(process)]
        for act in (psutil.Process.terminate, psutil.Process.kill):
            for one in tree:
                with suppress(psutil.Error):
                    act(one)
            _, tree = psutil.wait_procs(tree, timeout=PATIENCE)
        for process in started:
            # Python would warn of a process whose end it has not seen.
            process.poll()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    # Its disk was full when the program started, or the doctor has ended.
    except OSError:
        return ""


def _family(process: subprocess.Popen) -> list[psutil.Process]:
    """A process that still runs, and its descendants."""
    if process.poll() is not None:
        return []
    try:
        one = psutil.Process(process.pid)
        return [*one.children(recursive=True), one]
    except psutil.NoSuchProcess:
        return []


def clean_environment(folder: Path) -> dict[str, str]:
    """Environment variables with which programs write into `folder`, not into the home.

    A setting that the user has is kept, because it may be what stops JupyterLab.
    """
    home = Path.home()
    own = {
        "JUPYTER_CONFIG_DIR": home / ".jupyter",
        "KERAS_HOME": home / ".keras",
    }
    absent = {name for name, path in own.items() if not path.is_dir()}
    always = {
        *("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
        *("MPLCONFIGDIR", "XDG_CACHE_HOME"),
    }
    places = {
        name: str(folder / name) for name in (absent - os.environ.keys()) | always
    }
    quiet = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    return {**os.environ, **places, **quiet}
