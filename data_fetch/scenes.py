"""Scenes: folders of data files that are complete or absent, and checked by hash.

A *scene* has a manifest with the hash of each file and with the *recipe*, a text that
describes how the files are made. A scene of another recipe is made again.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_fetch.layout import FILES
from data_fetch.manifests import (
    COMING,
    MANIFEST,
    check_replaceable,
    is_complete,
    read_manifest,
    write_manifest,
)
from tutorial_lib.arguments import file_path, text
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.destinations import check_folder
from tutorial_lib.rasters.part_folders import flush, part_folder, remove_stale_parts
from tutorial_lib.rasters.sidecars import is_kept, sidecars_of
from tutorial_lib.rasters.write_errors import NotWrittenError

try:
    import fcntl
except ImportError:
    # Windows has no fcntl, so runs at the same time do not wait for each other.
    fcntl = None

# Folder beside the scenes for the results of the notebooks.
WORK = "work"
# Folders beside the scenes that the kit makes.
OWN_NAMES = ("demo", "havel", "town", WORK)
# File systems allow 255 bytes for a name, and parts have longer names.
LONGEST_NAME = 60

__all__ = [
    "MANIFEST",
    "check_name",
    "check_replaceable",
    "is_complete",
    "make_scene",
    "readable_errors",
]


def check_name(name: str) -> str:
    """A name that a scene of one's own may have: it becomes the name of its folder.

    Raises:
        TypeError: If it is not a text.
        ValueError: If it has other characters than letters, digits, `_` and `-`, or the
            kit uses the name itself.

    Example:
        >>> check_name("Work")
        Traceback (most recent call last):
        ValueError: The name 'Work' is used by the kit itself. Choose another one with
        `--name`, such as 'my_town'.
    """
    text("name", name)
    # Windows and macOS take 'Work' and 'work' for the same folder.
    if name.casefold() in OWN_NAMES:
        raise ValueError(
            f"The name {name!r} is used by the kit itself. Choose another one with "
            "`--name`, such as 'my_town'."
        )
    if not re.fullmatch(r"\w[\w-]*", name) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"A scene cannot have the name {name!r}, because it becomes the name of a "
            f"folder. Use up to {LONGEST_NAME} letters, digits, '_' and '-', such as "
            "'my_town'."
        )
    return name


def make_scene(
    folder: PathLike,
    build: Callable[[Path], None],
    *,
    recipe: str,
    files: Iterable[str] = FILES,
    space: int = 0,
    replace: bool = True,
) -> Path:
    """Make a scene; do nothing if it is already complete.

    Other files in the folder are kept.

    Args:
        folder: Folder of the scene. Missing parent folders are created.
        build: Function that writes the scene's files into a given folder.
        recipe: Text that describes how the files are made.
        files: Names of the files that `build` writes; it may write more.
        space: Bytes of free disk that are needed.
        replace: Whether to replace files of another recipe, and changed files.

    Returns:
        The folder.

    Raises:
        OSError: If the folder cannot be written or the disk is full. No half-written
            file is left.
        FileExistsError: If files would be replaced and `replace` is False.

    Example:
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder() / "scene"
        >>> def build(part):
        ...     print("building")
        ...     _ = (part / "a.txt").write_text("a")
        >>> for _ in range(2):
        ...     _ = make_scene(folder, build, recipe="one letter", files=["a.txt"])
        building
        >>> (folder / "a.txt").read_text()
        'a'
    """
    folder, files = file_path("folder", folder), tuple(files)
    # Asked before anything else: complete data may lie where nothing can be written.
    if is_complete(folder, recipe, files):
        remove_stale_parts(folder.parent)
        return folder
    check_folder(folder)
    with readable_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_run_at_a_time(folder.parent):
            if not is_complete(folder, recipe, files):
                if not replace:
                    check_replaceable(folder, recipe, files)
                old = read_manifest(folder / MANIFEST).recipe
                _build(folder, build, recipe, files, space)
                if old not in (None, recipe):
                    _tell_old_results(folder)
    return folder


def _tell_old_results(folder: Path) -> None:
    """Say where results of a replaced scene are: nobody deletes a learner's work."""
    work = folder.parent / WORK / folder.name
    if work.is_dir() and any(work.iterdir()):
        print(
            f"Please note: '{work}' holds results of the old scene. A notebook that "
            "you run again replaces its own. Remove the folder to begin anew.",
            flush=True,
        )


def _build(
    folder: Path,
    build: Callable[[Path], None],
    recipe: str,
    files: tuple[str, ...],
    space: int,
) -> None:
    # What a killed run has left may be what fills the disk.
    remove_stale_parts(folder.parent)
    _check_space(folder.parent, space)
    with part_folder(folder.parent) as part:
        try:
            build(part)
        except NotWrittenError as err:
            # The user knows the scene, and not its parts.
            raise NotWrittenError(str(err).replace(str(part), str(folder))) from err
        missing = [name for name in files if not (part / name).is_file()]
        if missing:
            raise ValueError(
                f"The scene '{folder}' was made without {', '.join(missing)}. Correct "
                "what writes its files."
            )
        write_manifest(part, recipe)
        _move_files(part, folder)


def _check_space(folder: Path, space: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < space:
        raise OSError(
            errno.ENOSPC,
            f"{space / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free",
        )


def _move_files(part: Path, folder: Path) -> None:
    for path in part.iterdir():
        flush(path)
    if not folder.exists():
        part.rename(folder)
        return
    # The manifest is moved first, under another name: it tells the next run after an
    # interruption which files are new. The scene is complete when it has its own name.
    old = _listed(folder)
    (part / MANIFEST).replace(folder / COMING)
    new = list(part.iterdir())
    _remove_old(folder, old, {path.name for path in new})
    for path in new:
        place = folder / path.name
        if not is_kept(place.with_suffix(".tif"), place):
            path.replace(place)
    (folder / COMING).replace(folder / MANIFEST)


def _listed(folder: Path) -> set[str]:
    """The files of a scene, and of one that a killed run had begun to put there."""
    manifests = (read_manifest(folder / name) for name in (MANIFEST, COMING))
    return {name for one in manifests for name in one.hashes}


def _remove_old(folder: Path, old: set[str], new: set[str]) -> None:
    """Remove what is left of a replaced scene, and the sidecars of its rasters."""
    old = old - new
    sidecars = {
        path.name
        for name in old | new
        if name.endswith(".tif")
        for path in sidecars_of(folder / name)
        if not is_kept(folder / name, path)
    }
    for name in old | (sidecars - new):
        (folder / name).unlink(missing_ok=True)


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
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = f"Waiting for another run that makes a scene in '{folder}'…"
                print(text, flush=True)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def readable_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system into a sentence with the cure."""
    try:
        yield
    except NotWrittenError:
        raise
    except OSError as err:
        # Errors of this package have no number, and are readable.
        if err.errno is None:
            raise
        raise OSError(
            f"'{folder}' could not be written: {err.strerror}. No half-written file "
            "was kept. Make the folder writable, free some space, or choose another "
            "folder with `--folder`."
        ) from err
