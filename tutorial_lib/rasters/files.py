"""The one way of writing files: beside their place, flushed, then renamed.

A file has its name only when it is complete. Until then it is a *part*: a hidden file
in the same folder, so on the same disk, whose name holds the process that writes it.
Parts of processes that were killed are removed by the next run that writes there.
"""

import os
import re
import shutil
import socket
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil

from tutorial_lib import arguments
from tutorial_lib.rasters.opening import PathLike

# Of another machine that shares the disk, it cannot be asked whether a process is
# alive. Its parts are left alone for a day.
FOREIGN_PART_S = 24 * 3600

# Part names begin with at most so many characters of the file's name: file systems
# allow 255 bytes for a name.
STEM = 40

__all__ = [
    "check_destination",
    "check_not_input",
    "errors_named",
    "replacing",
    "replacing_folder",
    "replacing_together",
    "write_bytes",
    "write_text",
]


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Write a file beside its place; it gets its name when the `with` block ends.

    If the block ends with an error, nothing is left and an existing file is kept.

    Args:
        path: The file. Missing folders are made, an existing file is replaced.

    Yields:
        The path to write to. It has the same ending.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If it cannot be a file: a folder, a device, a web address.
        OSError: If it cannot be written; with the path and the cause.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "a.txt"
        >>> with replacing(path) as part:
        ...     _ = part.write_text("complete")
        >>> path.read_text(), [file.name for file in path.parent.iterdir()]
        ('complete', ['a.txt'])
    """
    with replacing_together([path]) as (part,):
        yield part


@contextmanager
def replacing_together(paths: Sequence[PathLike]) -> Iterator[list[Path]]:
    """Write several files that belong together, as `replacing` does with one.

    All of them are complete on the disk before the first one is renamed.

    Yields:
        The paths to write to, in the same order.
    """
    targets = [_real(check_destination(path)) for path in paths]
    parts = [part_beside(target) for target in targets]
    try:
        for target in targets:
            with errors_named(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            remove_stale_parts(target.parent)
        yield parts
        for part, target in zip(parts, targets, strict=True):
            with errors_named(target):
                _flush(part)
        for part, target in zip(parts, targets, strict=True):
            with errors_named(target):
                part.replace(target)
    finally:
        for part in parts:
            _remove(part)


@contextmanager
def replacing_folder(folder: PathLike) -> Iterator[Path]:
    """Write a folder beside its place; it gets its name when the `with` block ends.

    The caller checks whether an existing folder may be replaced: all its files go.

    Yields:
        An empty folder to write to.

    Raises:
        OSError: If it cannot be written; with the path and the cause.
    """
    target = _real(arguments.file_path("folder", folder))
    part, old = part_beside(target), part_beside(target)
    try:
        with errors_named(target):
            part.mkdir(parents=True)
        remove_stale_parts(target.parent)
        yield part
        with errors_named(target):
            for file in part.rglob("*"):
                _flush(file)
            _exchange(target, part, old)
    finally:
        _remove(part)
        _remove(old)


def _exchange(target: Path, new: Path, old: Path) -> None:
    """Put a new folder in the place of another; on an error, put the old one back."""
    # A folder that is not empty cannot be replaced in one step, as a file can.
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise


def write_text(path: PathLike, text: str) -> Path:
    """Write a text file in UTF-8, as `replacing` does.

    Returns:
        The path.
    """
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: PathLike, content: bytes) -> Path:
    """Write a file from its bytes, as `replacing` does.

    Returns:
        The path.
    """
    with replacing(path) as part, errors_named(path):
        part.write_bytes(content)
    return Path(path)


# Checks before any work is done


def check_destination(path: PathLike) -> Path:
    """A path at which a file can be written, as a Path.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it is a folder, a device, or an address that is not a file of
            this machine.
        PermissionError: If it is a file that may not be changed.

    Example:
        >>> check_destination("s3://bucket/map.tif")
        Traceback (most recent call last):
        ValueError: 's3://bucket/map.tif' is not a file of this machine. Write to a
        file here, and copy it there.
    """
    target = arguments.file_path("path", path)
    name = os.fspath(path)
    if "://" in name or name.startswith("/vsi"):
        raise ValueError(
            f"'{name}' is not a file of this machine. Write to a file here, and copy "
            "it there."
        )
    if target.is_dir() or name.endswith(("/", os.sep)):
        raise ValueError(
            f"'{name}' is a folder. Give the path of a file in it, for example "
            f"'{target / 'map.tif'}'."
        )
    if target.exists() and not target.is_file():
        raise ValueError(
            f"'{name}' is a device, and not a file. Give the path of a file."
        )
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(
            f"'{name}' may not be changed. Give another path, or allow to write it."
        )
    return target


def check_not_input(path: PathLike, inputs: Iterable[PathLike]) -> None:
    """Raise ValueError if writing a file would replace one that is read.

    Links are followed. A file in a folder that is an input (a SavedModel) counts as an
    input too.

    Args:
        path: What will be written: a file or a folder.
        inputs: Files and folders that are read.

    Example:
        >>> check_not_input("scene.tif", ["./scene.tif"])
        Traceback (most recent call last):
        ValueError: 'scene.tif' is also an input: writing it would destroy
        './scene.tif'. Choose another path.
    """
    target = _real(Path(path))
    for one in inputs:
        source = _real(Path(one))
        same = source == target or source in target.parents or target in source.parents
        if same or (target.exists() and source.exists() and target.samefile(source)):
            raise ValueError(
                f"'{path}' is also an input: writing it would destroy '{one}'. "
                "Choose another path."
            )


@contextmanager
def errors_named(path: PathLike) -> Iterator[None]:
    """Raise errors of the system as an OSError that names the file and the cure."""
    try:
        yield
    except OSError as err:
        why = (err.strerror or str(err)).rstrip(".")
        raise OSError(
            f"'{path}' could not be written: {why}. No part of it is left. Check that "
            "its folder can be written and that the disk has space."
        ) from err


# Parts


def part_beside(target: Path) -> Path:
    """A new name for a part of a file or folder, in its folder and with its ending."""
    stem = target.name.partition(".")[0][:STEM]
    token = uuid4().hex[:8]
    name = f".{stem}.part-{_this_host()}-{os.getpid()}-{token}{target.suffix}"
    return target.with_name(name)


_PART = re.compile(r"\..*\.part-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")


def remove_stale_parts(folder: Path) -> None:
    """Remove the parts in a folder whose processes are gone."""
    with suppress(OSError):
        for path in folder.glob(".*.part-*"):
            found = _PART.match(path.name)
            if found and _is_stale(path, found[1], int(found[2])):
                _remove(path)


def _is_stale(part: Path, host: str, pid: int) -> bool:
    changed = part.lstat().st_mtime
    if host != _this_host():
        return changed < time.time() - FOREIGN_PART_S
    try:
        # A process that began after the last change of the part only has the same
        # number as the one that wrote it. Clocks of file systems are coarse: 1 s.
        return psutil.Process(pid).create_time() > changed + 1
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _this_host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _real(path: Path) -> Path:
    """The path with links followed, so that a link keeps pointing to its file."""
    return Path(os.path.realpath(path))


def _flush(path: Path) -> None:
    """Have the system write a file to the disk, so that a power cut cannot empty it."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    # An error here would hide the error that explains what went wrong.
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
