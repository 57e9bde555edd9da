"""Scenes: folders of data files that are complete or absent, and checked by hash.

A *scene* has a manifest with the hash of each file and with the *recipe*, a text that
describes how the files are made. A scene of another recipe is made again.
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
except ImportError:
    # Windows has no fcntl, so runs at the same time do not wait for each other.
    fcntl = None

MANIFEST = "MANIFEST.json"

__all__ = ["MANIFEST", "is_complete", "make_scene"]


def is_complete(folder: Path, recipe: str) -> bool:
    """Whether a scene has all its files, undamaged and made by this recipe."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        hashes = manifest["sha256"]
        return manifest["recipe"] == recipe and all(
            # A scene is its folder: a file elsewhere is not part of it.
            Path(name).name == name and file_sha256(folder / name) == sha256
            for name, sha256 in hashes.items()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def make_scene(
    folder: Path, build: Callable[[Path], None], *, recipe: str, space: int = 0
) -> Path:
    """Make a scene; do nothing if it is already complete.

    Other files in the folder are kept.

    Args:
        folder: Folder of the scene. Missing parent folders are created.
        build: Function that writes the scene's files into a given folder.
        recipe: Text that describes how the files are made.
        space: Bytes of free disk that are needed.

    Returns:
        The folder.

    Raises:
        OSError: If the folder cannot be written or the disk is full. No half-written
            file is left.

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
    with _readable_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_run_at_a_time(folder.parent):
            if not is_complete(folder, recipe):
                _remove_leftovers(folder)
                _check_space(folder.parent, space)
                _build_in_temporary_folder(folder, build, recipe)
    return folder


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of runs that were killed."""
    for leftover in folder.parent.glob(f"{_part_prefix(folder)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _part_prefix(folder: Path) -> str:
    return f".{folder.name}.part-"


def _check_space(folder: Path, space: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < space:
        raise OSError(
            errno.ENOSPC,
            f"{space / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free",
        )


def _build_in_temporary_folder(
    folder: Path, build: Callable[[Path], None], recipe: str
) -> None:
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
    # The manifest is moved last. After an interruption it is missing, and the next run
    # makes the scene again.
    for path in sorted(part.iterdir(), key=lambda path: path.name == MANIFEST):
        path.replace(folder / path.name)


@contextmanager
def _one_run_at_a_time(folder: Path) -> Iterator[None]:
    """Lock a folder, so that other runs wait; the lock ends with the process."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _readable_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system into a sentence with the cure."""
    try:
        yield
    except OSError as err:
        # Errors of this package have no number, and are readable.
        if err.errno is None:
            raise
        raise OSError(
            f"'{folder}' could not be written: {err.strerror}. No half-written file "
            "was kept. Make the folder writable, free some space, or choose another "
            "folder with `--folder`."
        ) from err
