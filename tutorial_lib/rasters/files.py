"""The one way of writing files: beside their place, flushed, then renamed.

A file has its name only when it is complete. Until then it is a *part*, in a hidden
folder beside its place, so on the same disk (`rasters.part_folders`). Parts of
processes that were killed are removed by the next run that writes there.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import rasterio

from tutorial_lib import arguments
from tutorial_lib.rasters.causes import GDAL_ERRORS, PathLike, root_cause
from tutorial_lib.rasters.part_folders import exchange_folder, flush, part_folder

# Errors of a disk to which something is written: full, beyond a quota or a limit of
# file sizes, read-only, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}

# A disk with less space than this is full, in bytes: some count in blocks of 64 KiB.
FULL = 2**16

# An address such as s3://bucket/a.tif, which is s3:/bucket/a.tif as a Path. A single
# letter is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|/vsi[a-z0-9_]+/|/vsi[a-z0-9_]+$")
# What GDAL puts before the path of an archive: /vsizip/scene.zip/a.tif.
_ARCHIVE = re.compile(r"(/vsi[a-z0-9_]+/)+")

__all__ = [
    "check_destination",
    "check_folder",
    "check_not_input",
    "errors_named",
    "flush",
    "is_full",
    "not_written",
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
        The path to write to. It has the same name, in a folder of its own, which is
        removed with all other files in it.

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

    Args:
        paths: The files, all different.

    Yields:
        The paths to write to, in the same order. They have the same names. Files of one
        folder are beside each other.

    Raises:
        ValueError: If two of the paths are the same file.
        OSError: If one cannot be written, or was not written in the `with` block.
    """
    targets = [_real(check_destination(path)) for path in paths]
    twice = [target for target in targets if targets.count(target) > 1]
    if twice:
        raise ValueError(
            f"Two of the files have the same path, '{twice[0]}'. Give each its own."
        )
    with ExitStack() as stack:
        folders: dict[Path, Path] = {}
        for target in targets:
            if target.parent not in folders:
                with errors_named(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part = stack.enter_context(part_folder(target.parent))
                    folders[target.parent] = part
        parts = [folders[target.parent] / target.name for target in targets]
        with _disk_errors_named(targets):
            yield parts
        for part, target in zip(parts, targets, strict=True):
            with errors_named(target):
                flush(part)
                # Others may be allowed to change the file that is replaced. Some disks
                # have no permissions.
                with suppress(OSError):
                    shutil.copymode(target, part)
        for part, target in zip(parts, targets, strict=True):
            with errors_named(target):
                part.replace(target)


@contextmanager
def replacing_folder(folder: PathLike) -> Iterator[Path]:
    """Write a folder beside its place; it gets its name when the `with` block ends.

    The caller checks whether an existing folder may be replaced: all its files go.

    Yields:
        An empty folder to write to, with the same name.

    Raises:
        TypeError: If `folder` is not a path.
        ValueError: If it cannot be a folder of this machine.
        OSError: If it cannot be written; with the path and the cause.
    """
    target = _real(check_folder(folder))
    with ExitStack() as stack:
        with errors_named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = stack.enter_context(part_folder(target.parent)) / target.name
            part.mkdir()
        with _disk_errors_named([target]):
            yield part
        with errors_named(target):
            for file in part.rglob("*"):
                if file.is_file():
                    flush(file)
            exchange_folder(part, target)


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
        OSError: If it is a file that may not be changed, or if its folder can neither
            be written nor made.

    Example:
        >>> check_destination("s3://bucket/map.tif")
        Traceback (most recent call last):
        ValueError: 's3://bucket/map.tif' is not a file of this machine. Write to a
        file here, and copy it there.
    """
    target, name = _of_this_machine(path, "path", "file"), os.fspath(path)
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
    _check_parent(target)
    return target


def check_folder(path: PathLike) -> Path:
    """A path at which a folder can be written, as a Path.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it is an address that is not a folder of this machine.
        OSError: If it is a file, or if it can neither be written nor made.

    Example:
        >>> check_folder("/vsimem/patches")
        Traceback (most recent call last):
        ValueError: '/vsimem/patches' is not a folder of this machine. Write to a folder
        here, and copy it there.
    """
    target = _of_this_machine(path, "folder", "folder")
    _check_parent(target / "a file")
    return target


def _of_this_machine(path: PathLike, argument: str, kind: str) -> Path:
    target, name = arguments.file_path(argument, path), os.fspath(path)
    if _ADDRESS.match(name):
        raise ValueError(
            f"'{name}' is not a {kind} of this machine. Write to a {kind} here, and "
            "copy it there."
        )
    # The system says here what is wrong with a name: too long, a circle of links.
    with errors_named(path), suppress(FileNotFoundError, NotADirectoryError):
        target.stat()
    return target


def _check_parent(target: Path) -> None:
    """Raise OSError unless the folder of a file can be written, or made."""
    folder = _real(target).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(
            f"'{target.parent}' cannot be made, because '{folder}' is not a folder. "
            "Choose another folder."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"The folder '{folder}' may not be written. Choose another folder, or "
            "allow to write it."
        )


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
        source = _real(Path(_ARCHIVE.sub("", os.fspath(one))))
        same = source == target or source in target.parents or target in source.parents
        if same or (target.exists() and source.exists() and target.samefile(source)):
            raise ValueError(
                f"'{path}' is also an input: writing it would destroy '{one}'. "
                "Choose another path."
            )


class NotWrittenError(OSError):
    """A file could not be written; the message has the path, the cause and the cure."""


@contextmanager
def errors_named(path: PathLike) -> Iterator[None]:
    """Raise errors of the system and of GDAL as an OSError that names the file."""
    try:
        yield
    except NotWrittenError:
        raise
    except (OSError, rasterio.errors.RasterioError, *GDAL_ERRORS) as err:
        raise not_written(path, err) from err


@contextmanager
def _disk_errors_named(targets: Sequence[Path]) -> Iterator[None]:
    """Like `errors_named`, for errors of the disk only: others have other causes."""
    try:
        yield
    except OSError as err:
        if err.errno not in _DISK_ERRORS:
            raise
        raise not_written(targets[0], err) from err


def not_written(path: PathLike, err: BaseException) -> NotWrittenError:
    """The error for a file that could not be written, with the cause and the cure."""
    why = getattr(err, "strerror", None) or root_cause(err)
    # GDAL, OGR and HDF5 do not always tell that the disk is full.
    if not getattr(err, "errno", None) and is_full(path):
        why = os.strerror(errno.ENOSPC)
    return NotWrittenError(
        f"'{path}' could not be written: {why}. No part of it is left. Check that its "
        "folder can be written and that the disk has space."
    )


def is_full(path: PathLike) -> bool:
    """Whether the disk of a file is full; ask before its parts are removed."""
    try:
        return shutil.disk_usage(_real(Path(path)).parent).free < FULL
    except OSError:
        return False


def _real(path: Path) -> Path:
    """The path with links followed, so that a link keeps pointing to its file."""
    with errors_named(path):
        return Path(os.path.realpath(path))
