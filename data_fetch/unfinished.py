"""What an interrupted run has already done, in a hidden folder for the next one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_fetch.scenes import readable_errors
from tutorial_lib.arguments import file_path
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.destinations import check_folder
from tutorial_lib.rasters.files import write_bytes

try:
    import fcntl
except ImportError:
    # Windows has no fcntl, so a second run at the same time is not noticed.
    fcntl = None

# In the hidden folder: what was done, the key that it belongs to, and the lock.
FILES, KEY, LOCK = "files", "key.txt", "lock"

__all__ = ["resumable"]


@contextmanager
def resumable(folder: PathLike, key: str) -> Iterator[Path]:
    """A hidden folder beside a scene for what an interrupted run has already done.

    It keeps its files when the block ends with an error or the process is killed, and
    the next run with the same key finds them. It is removed when the block ends well,
    and when it holds no file.

    Args:
        folder: Folder of the scene.
        key: Text that describes the work, such as the scene's recipe. Files of another
            key are removed.

    Yields:
        The folder. Its files may be half-written: write under another name, and rename.

    Raises:
        OSError: If another run holds it, or it cannot be made.

    Example:
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder() / "my_town"
        >>> try:
        ...     with resumable(folder, "1") as kept:
        ...         _ = (kept / "a.txt").write_text("downloaded")
        ...         raise OSError("no network")
        ... except OSError:
        ...     pass
        >>> with resumable(folder, "1") as kept:
        ...     print((kept / "a.txt").read_text())
        downloaded
    """
    folder = file_path("folder", folder)
    check_folder(folder)
    hidden = folder.parent / f".{folder.name}.unfinished"
    missing = [one for one in hidden.parents if not one.exists()]
    with readable_errors(folder):
        hidden.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(hidden, folder)
    try:
        with readable_errors(folder):
            kept = _kept_files(hidden, key)
        yield kept
        _remove(hidden)
    except BaseException:
        if not any(path.is_file() for path in (hidden / FILES).rglob("*")):
            # An error here would hide the one that explains what went wrong.
            with suppress(OSError):
                _remove(hidden)
                for one in missing:
                    one.rmdir()
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _remove(hidden: Path) -> None:
    # The lock is removed last: a run that finds it is told to wait.
    shutil.rmtree(hidden / FILES)
    for path in (hidden / KEY, hidden / LOCK):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        hidden.rmdir()


def _locked(hidden: Path, folder: Path) -> int | None:
    """Make the hidden folder; the open file of its lock, or None without locks."""
    while True:
        hidden.mkdir(exist_ok=True)
        if fcntl is None:
            return None
        with suppress(FileNotFoundError):
            lock = os.open(hidden / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                raise OSError(
                    f"Another run is making '{folder}'. Wait until it is done, or "
                    "choose another name with `--name`."
                ) from None
            except OSError:
                # Some network file systems have no locks.
                return lock
            # A run that has just ended may have removed the file.
            if _is_open_file(hidden / LOCK, lock):
                return lock
            os.close(lock)


def _is_open_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _kept_files(hidden: Path, key: str) -> Path:
    """The folder with the files of this key."""
    kept, note = hidden / FILES, hidden / KEY
    if not note.is_file() or note.read_bytes() != key.encode():
        # In this order, a kill on the way never leaves files under a wrong key.
        note.unlink(missing_ok=True)
        if kept.exists():
            shutil.rmtree(kept)
        write_bytes(note, key.encode())
    kept.mkdir(exist_ok=True)
    return kept
