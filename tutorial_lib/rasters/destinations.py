"""Checks of a place to which something will be written, before any work is done."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tutorial_lib import arguments
from tutorial_lib.rasters.causes import PathLike
from tutorial_lib.rasters.write_errors import errors_named, real_path

# An address such as s3://bucket/a.tif, which is s3:/bucket/a.tif as a Path. A single
# letter is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|/vsi[a-z0-9_]+/|/vsi[a-z0-9_]+$")
# What GDAL puts before the path of an archive: /vsizip/scene.zip/a.tif.
_ARCHIVE = re.compile(r"(/vsi[a-z0-9_]+/)+")

__all__ = [
    "check_destination",
    "check_folder",
    "check_geotiff",
    "check_not_input",
]


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


def check_geotiff(path: PathLike) -> Path:
    """A path at which a GeoTIFF can be written, as a Path.

    Raises:
        TypeError, ValueError, PermissionError: As `check_destination`.
        ValueError: If it does not end in .tif or .tiff: other programs, and people,
            would take it for another kind of file.
    """
    target = check_destination(path)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(
            f"'{path}' does not end in .tif, and the file would be a GeoTIFF. Give a "
            f"path such as '{target.with_suffix('.tif').name}'."
        )
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
    folder = real_path(target).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        if folder == real_path(target.parent):
            raise NotADirectoryError(
                f"'{target.parent}' is not a folder. Choose another folder."
            )
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
    target = real_path(Path(path))
    for one in inputs:
        source = real_path(Path(_ARCHIVE.sub("", os.fspath(one))))
        same = source == target or source in target.parents or target in source.parents
        if same or (target.exists() and source.exists() and target.samefile(source)):
            raise ValueError(
                f"'{path}' is also an input: writing it would destroy '{one}'. "
                "Choose another path."
            )
