"""The one way of writing files: beside their place, flushed, then renamed.

A file has its name only when it is complete. Until then it is a *part*, in a hidden
folder beside its place, so on the same disk (`rasters.part_folders`). Parts of
processes that were killed are removed by the next run that writes there.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tutorial_lib.rasters.causes import PathLike, file_exists
from tutorial_lib.rasters.destinations import check_destination, check_folder
from tutorial_lib.rasters.part_folders import exchange_folder, flush, part_folder
from tutorial_lib.rasters.write_errors import (
    disk_errors_named,
    errors_named,
    real_path,
)

__all__ = [
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
def replacing_together(
    paths: Sequence[PathLike],
    *,
    sidecars: Sequence[Path] = (),
    keep: Callable[[Path], bool] | None = None,
) -> Iterator[list[Path]]:
    """Write several files that belong together, as `replacing` does with one.

    All of them are complete on the disk before the first one is renamed.

    Args:
        paths: The files, all different.
        sidecars: Files beside them that the block may write too, such as the style of
            a raster. Those that it does not write are removed: they belong to an older
            file. If the process is killed at the end, a file may lack its sidecar, but
            never has the one of another. Links are replaced, and not followed.
        keep: Tells whether an existing sidecar stays as it is. It is asked at the end.

    Yields:
        The paths to write to, those of `sidecars` last. They have the same names. Files
        of one folder are beside each other.

    Raises:
        ValueError: If two of the paths are the same file.
        OSError: If one cannot be written, or one of `paths` was not written in the
            `with` block.
    """
    targets = [real_path(check_destination(path)) for path in paths]
    beside = [real_path(path.parent) / path.name for path in sidecars]
    twice = [target for target in targets if (targets + beside).count(target) > 1]
    if twice:
        raise ValueError(
            f"Two of the files have the same path, '{twice[0]}'. Give each its own."
        )
    with ExitStack() as stack:
        folders: dict[Path, Path] = {}
        for target in targets + beside:
            if target.parent not in folders:
                with errors_named(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part = stack.enter_context(part_folder(target.parent))
                    folders[target.parent] = part
        parts = [folders[file.parent] / file.name for file in targets + beside]
        with disk_errors_named(targets):
            yield parts
        more = {
            place: part
            for given, place, part in zip(
                sidecars, beside, parts[len(targets) :], strict=True
            )
            if keep is None or not keep(given)
        }
        _exchange(dict(zip(targets, parts, strict=False)), more)


def _exchange(parts: dict[Path, Path], sidecars: dict[Path, Path]) -> None:
    """Give files their names; the keys are their places, the values their parts."""
    written = {
        place: part for place, part in sidecars.items() if file_exists(str(part))
    }
    for target, part in (parts | written).items():
        with errors_named(target):
            flush(part)
            # Others may be allowed to change the file that is replaced. Some disks
            # have no permissions.
            with suppress(OSError):
                shutil.copymode(target, part)
    with _set_aside(sidecars):
        for target, part in parts.items():
            with errors_named(target):
                part.replace(target)
    for target, part in written.items():
        with errors_named(target):
            part.replace(target)


@contextmanager
def _set_aside(sidecars: dict[Path, Path]) -> Iterator[None]:
    """Move old sidecars into the part folders; on an error they come back."""
    moved: dict[Path, Path] = {}
    try:
        for number, (place, part) in enumerate(sidecars.items()):
            # A folder stays. Names may be too long for a file, so not `Path.is_file`.
            if os.path.isfile(place) or os.path.islink(place):  # noqa: PTH113, PTH114
                aside = part.with_name(f"old-{number}")
                with errors_named(place):
                    place.rename(aside)
                moved[aside] = place
        yield
    except BaseException:
        for aside, place in moved.items():
            aside.rename(place)
        raise


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
    target = real_path(check_folder(folder))
    with ExitStack() as stack:
        with errors_named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = stack.enter_context(part_folder(target.parent)) / target.name
            part.mkdir()
        with disk_errors_named([target]):
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
