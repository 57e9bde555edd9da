"""Folders of data that are whole or not there: built beside, checked by hash.

A *scene* is a folder of files with a manifest that holds the hash of each file and the
*recipe*, a text that changes whenever the files would come out differently.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_fetch.wheels import file_sha256

try:
    import fcntl
except ImportError:  # Windows: there, two runs at once are not kept apart
    fcntl = None

MANIFEST = "MANIFEST.json"

__all__ = ["MANIFEST", "is_complete", "make_scene"]


def is_complete(folder: Path, recipe: str) -> bool:
    """Whether all files of a scene are there, undamaged, and made by this recipe."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        hashes = manifest["sha256"]
        return manifest["recipe"] == recipe and all(
            file_sha256(folder / name) == sha256 for name, sha256 in hashes.items()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def make_scene(
    folder: Path, build: Callable[[Path], None], *, recipe: str, space: int = 0
) -> Path:
    """Make a scene, unless it is there already.

    Files that others have put into the folder stay.

    Args:
        folder: Where the scene goes; its parents are made.
        build: Writes the scene's files into the folder that it is given.
        recipe: What the files are made from and how.
        space: Bytes of disk that making it takes.

    Returns:
        The folder.

    Raises:
        OSError: If the folder cannot be written or the disk is full. Nothing
            half-written is left.

    Example:
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder() / "scene"
        >>> def build(part):
        ...     print("building")
        ...     _ = (part / "a.txt").write_text("a")
        >>> for _ in range(2):
        ...     _ = make_scene(folder, build, recipe="one letter")
        building
        >>> (folder / "a.txt").read_text()
        'a'
    """
    with _plain_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(folder.parent):
            if not is_complete(folder, recipe):
                _remove_leftovers(folder)
                _check_space(folder.parent, space)
                _build_aside(folder, build, recipe)
    return folder


def _remove_leftovers(folder: Path) -> None:
    """What runs that were killed have left."""
    for leftover in folder.parent.glob(f"{_part_prefix(folder)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _part_prefix(folder: Path) -> str:
    return f".{folder.name}.part-"


def _check_space(folder: Path, space: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < space:
        raise OSError(
            errno.ENOSPC,
            f"it takes {space / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB free",
        )


def _build_aside(folder: Path, build: Callable[[Path], None], recipe: str) -> None:
    part = Path(tempfile.mkdtemp(prefix=_part_prefix(folder), dir=folder.parent))
    try:
        build(part)
        _write_manifest(part, recipe)
        _move_files(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_manifest(part: Path, recipe: str) -> None:
    hashes = {path.name: file_sha256(path) for path in sorted(part.iterdir())}
    text = json.dumps({"recipe": recipe, "sha256": hashes}, indent=2)
    (part / MANIFEST).write_text(text + "\n")


def _move_files(part: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    # The manifest comes last: without it, the next run makes the scene again.
    for path in sorted(part.iterdir(), key=lambda path: path.name == MANIFEST):
        path.replace(folder / path.name)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let other runs wait until this one is through; ends with the process."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network disks have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        if err.errno is None:  # already a sentence of ours
            raise
        raise OSError(
            f"'{folder}' could not be written: {err.strerror}. Nothing half-written "
            "was kept. Make it writable or make room, or choose another folder with "
            "`--folder`."
        ) from err
