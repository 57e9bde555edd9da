"""Parts: what is being written, in a hidden folder beside its place.

A part folder belongs to the process that made it, which holds a lock on a file in it.
The system frees the lock when the process ends, also when it is killed. So the next run
that writes beside it can tell unfinished parts of dead processes from those of others.
"""

import errno
import os
import re
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

import psutil

try:
    import fcntl
except ImportError:
    # Windows has no fcntl, so the number of the process is asked instead.
    fcntl = None

# Locks do not always reach other machines that share the disk. Their parts, and those
# from before a restart, are left alone until nothing in them has changed for a day.
FOREIGN_PART_S = 24 * 3600

_LOCK, _NEW, _OLD = "lock", "new", "old"
_NAME = re.compile(r"\.part-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")

__all__ = ["exchange_folder", "flush", "part_folder", "remove_stale_parts"]


@contextmanager
def part_folder(beside: Path) -> Iterator[Path]:
    """Make a hidden folder, and remove it with all that it holds in the end.

    Args:
        beside: Existing folder in which it is made, so that it is on the same disk.

    Yields:
        An empty folder.

    Raises:
        OSError: If it cannot be made.

    Example:
        >>> from tutorial_lib import testing
        >>> here = testing.scratch_folder()
        >>> with part_folder(here) as part:
        ...     _ = (part / "a.txt").write_text("half")
        >>> list(here.iterdir())
        []
    """
    remove_stale_parts(beside)
    folder, lock = _locked_folder(beside)
    try:
        (folder / _NEW).mkdir()
        yield folder / _NEW
    finally:
        if lock is not None:
            os.close(lock)
        _remove(folder)


def flush(path: Path) -> None:
    """Have the system write a file to the disk, so that a power cut cannot empty it."""
    # Windows flushes only what is open for writing; elsewhere a file that may only be
    # read can be flushed too.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as err:
        # Some network disks cannot be asked to.
        if err.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def exchange_folder(part: Path, target: Path) -> None:
    """Put a folder of a part folder in its place; an older one there is removed.

    Args:
        part: Folder in a part folder, complete.
        target: Its place. On an error, what was there is put back.
    """
    # A folder that is not empty cannot be replaced in one step, as a file can. If the
    # process is killed between the two steps, `remove_stale_parts` puts it back.
    old = part.parents[1] / _OLD / target.name
    if target.exists():
        old.parent.mkdir()
        target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise


def remove_stale_parts(folder: Path) -> None:
    """Remove the part folders in a folder whose processes are gone."""
    with suppress(OSError):
        for part in list(folder.glob(".part-*")):
            found = _NAME.fullmatch(part.name)
            if found:
                # One that cannot be removed must not keep the others.
                with suppress(OSError):
                    _remove_if_stale(part, found[1], int(found[2]))


def _remove_if_stale(part: Path, machine: str, process: int) -> None:
    # Asked first, because the attempt to lock a folder may change it.
    aged = _unchanged_for_long(part)
    if machine != _this_machine():
        lock, stale = None, aged
    elif fcntl is None:
        lock, stale = None, not psutil.pid_exists(process)
    else:
        try:
            lock = _lock(part)
        except BlockingIOError:
            return
        stale = aged if lock is None else True
    if stale:
        _remove_stale(part)
    # The lock is held until here: a process that has just made this folder then finds
    # it taken, and makes another one.
    if lock is not None:
        os.close(lock)
        # Network disks keep a removed file until it is closed.
        with suppress(OSError):
            part.rmdir()


def _remove_stale(part: Path) -> None:
    """Remove a part folder; a folder that it was to replace is put back first."""
    for old in (part / _OLD).glob("*"):
        if not (part.parent / old.name).exists():
            old.rename(part.parent / old.name)
    _remove(part)


def _unchanged_for_long(part: Path) -> bool:
    changed = [path.lstat().st_mtime for path in (part, *part.rglob("*"))]
    return max(changed) < time.time() - FOREIGN_PART_S


def _locked_folder(beside: Path) -> tuple[Path, int | None]:
    """A new part folder, and the open file that holds its lock."""
    while True:
        name = f".part-{_this_machine()}-{os.getpid()}-{uuid4().hex[:8]}"
        folder = beside / name
        folder.mkdir()
        # Another run may remove the folder as long as it is not locked.
        with suppress(FileNotFoundError, BlockingIOError):
            lock = _lock(folder)
            if folder.exists():
                return folder, lock


def _lock(folder: Path) -> int | None:
    """Lock a part folder.

    Returns:
        The open file of the lock. None where there are no locks.

    Raises:
        BlockingIOError: If it is locked already.
        FileNotFoundError: If the folder is gone.
    """
    if fcntl is None:
        return None
    # The lock is on a file, opened for writing: network disks do not lock folders.
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@cache
def _this_machine() -> str:
    # Names of machines are not unique, and each container has another one although it
    # has the same processes and locks. Linux tells which start of the machine it is.
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        name = socket.gethostname()
    return f"{zlib.crc32(name.encode()):08x}"


def _remove(path: Path) -> None:
    # An error here would hide the error that explains what went wrong.
    shutil.rmtree(path, ignore_errors=True)
