"""Errors of writing a file, as one sentence with the path, the cause and the cure."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rasterio

from tutorial_lib.rasters.causes import GDAL_ERRORS, PathLike, root_cause

# Errors of a disk to which something is written: full, beyond a quota or a limit of
# file sizes, read-only, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}

# A disk with less space than this is full, in bytes: some count in blocks of 64 KiB.
FULL = 2**16

__all__ = [
    "NotWrittenError",
    "disk_errors_named",
    "errors_named",
    "is_full",
    "not_written",
    "real_path",
]


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
def disk_errors_named(targets: Sequence[Path]) -> Iterator[None]:
    """Like `errors_named`, for errors of the disk only: others have other causes."""
    try:
        yield
    except OSError as err:
        if err.errno not in _DISK_ERRORS:
            raise
        raise not_written(targets[0], err) from err


def not_written(path: PathLike, err: BaseException, *, space: int = 0) -> OSError:
    """The error for a file that could not be written, with the cause and the cure.

    Args:
        path: The file.
        err: What was raised.
        space: Bytes that a cloud-optimised copy needs beside what is there.
    """
    why = getattr(err, "strerror", None) or root_cause(err)
    # GDAL, OGR and HDF5 do not always tell that the disk is full. The `errno` of GDAL's
    # errors is a number of GDAL's own.
    told = isinstance(err, OSError) and err.errno
    if not told and is_full(path, space):
        why = os.strerror(errno.ENOSPC)
    cure = "Check that its folder can be written and that the disk has space."
    if space:
        cure = (
            "A cloud-optimised GeoTIFF is copied from a whole GeoTIFF beside it. Check "
            f"that the disk has space for both, {_size(space)} more, or write it with "
            "`cog=False`."
        )
    return NotWrittenError(
        f"'{path}' could not be written: {why}. No part of it is left. {cure}"
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count > 1e9 else f"{count / 1e6:.1f} MB"


def is_full(path: PathLike, space: int = FULL) -> bool:
    """Whether the disk of a file is full; ask before its parts are removed.

    Args:
        path: The file.
        space: The disk counts as full if it has less space, in bytes.
    """
    try:
        free = shutil.disk_usage(real_path(Path(path)).parent).free
    except OSError:
        return False
    return free < max(space, FULL)


def real_path(path: Path) -> Path:
    """The path with links followed, so that a link keeps pointing to its file."""
    with errors_named(path):
        return Path(os.path.realpath(path))
