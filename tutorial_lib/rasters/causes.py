"""Why a raster cannot be opened or read, as one sentence with the cure."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pyogrio
import rasterio

# rasterio translates most errors of GDAL into errors of its own, but not all of them.
from rasterio._err import CPLE_BaseError

from tutorial_lib.rasters.web import is_on_web

PathLike = str | os.PathLike[str]

# What rasterio raises where GDAL could not read or write: SystemError where GDAL did
# not say why, as on some full disks; the last one where GDAL quotes bytes of a damaged
# file that are no text.
GDAL_ERRORS = (
    *(rasterio.errors.RasterioIOError, CPLE_BaseError),
    *(SystemError, UnicodeDecodeError),
)

# So many rasters of a container are listed in a message.
LISTED = 6

# Names that GDAL understands but that are not files: "/vsicurl/…", "s3://…",
# "NETCDF:file.nc:variable". A single letter is a drive of Windows.
_NOT_A_FILE = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9_+.-]+:")

__all__ = [
    "GDAL_ERRORS",
    "PathLike",
    "check_is_file",
    "current_folder",
    "damaged",
    "explained",
    "file_exists",
    "full_path",
    "is_file_name",
    "root_cause",
    "without_bands",
]


def root_cause(error: BaseException) -> str:
    """What GDAL said first; rasterio may say only "See previous exception"."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace").rstrip(". ")
    # Errors of GDAL carry a class, a number and the text.
    text = str(getattr(error, "errmsg", error)).rstrip(". ")
    # In some processes, the system's reason has only a number.
    return re.sub(r"Unknown error (\d+)", lambda x: os.strerror(int(x[1])), text)


def is_file_name(name: str) -> bool:
    """Whether a name is a path of this machine, and not an address for GDAL.

    Example:
        >>> is_file_name("a.tif"), is_file_name("/vsicurl/https://example.org/a.tif")
        (True, False)
    """
    return not _NOT_A_FILE.match(name)


def file_exists(name: str) -> bool:
    """Whether a file exists; a name that no file can have is False, and no error."""
    return os.path.exists(name)  # noqa: PTH110


def full_path(path: PathLike) -> str:
    """The full path of a file, so that it is known after a change of the folder.

    What is not an existing file, such as an address or a part of a netCDF, stays as it
    is.

    Example:
        >>> full_path("NETCDF:a.nc:band1")
        'NETCDF:a.nc:band1'
    """
    name = os.fspath(path)
    return str(Path(name).absolute()) if file_exists(name) else name


def check_is_file(path: PathLike) -> None:
    """Raise OSError for a pipe or a device, which GDAL would wait for."""
    name = os.fspath(path)
    if is_file_name(name) and file_exists(name):
        kind = Path(name)
        if not kind.is_file() and not kind.is_dir():
            raise OSError(
                f"'{name}' is not a file, but a pipe or a device. Give the path of a "
                "raster."
            )


def explained(path: PathLike, why: str) -> OSError:
    """The error for a path that GDAL cannot open.

    Args:
        path: What was given.
        why: What GDAL said.
    """
    name = os.fspath(path)
    if file_exists(name) and Path(name).is_dir():
        return IsADirectoryError(
            f"'{name}' is a folder. Give the path of a raster in it{_example_in(name)}."
        )
    if is_file_name(name) and not file_exists(name):
        return FileNotFoundError(
            f"There is no raster at '{name}'. Check the path (the current folder "
            f"{current_folder()})."
        )
    if is_on_web(name):
        return OSError(
            f"'{name}' could not be opened: {why}. Check the address and the "
            "connection and run it again, or download the file first."
        )
    if _is_vector(name):
        return OSError(
            f"'{name}' holds points, lines or polygons, or a table, and not a raster. "
            "For positions, give it to `extract_patches(…, positions=…)` or to "
            "`Positions.from_file`; here, give a raster such as a GeoTIFF."
        )
    return OSError(
        f"'{name}' is not a raster that GDAL can read: {why}. Give a GeoTIFF, or "
        "download the file again."
    )


def _example_in(folder: str) -> str:
    try:
        endings = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".nc")
        rasters = [p for p in Path(folder).iterdir() if p.suffix.lower() in endings]
    except OSError:
        return ""
    return f", for example '{min(rasters)}'" if rasters else ""


def current_folder() -> str:
    """What a message says of the current folder: "is 'data'"."""
    try:
        return f"is '{Path.cwd().name}'"
    except OSError:
        return "was removed: change to another one, or restart the kernel"


def _is_vector(name: str) -> bool:
    try:
        return len(pyogrio.list_layers(name)) > 0
    except (pyogrio.errors.DataSourceError, ValueError, OSError):
        return False


def damaged(path: PathLike, part: str, error: BaseException) -> OSError:
    """The error for a raster of which something cannot be read.

    Args:
        path: What was given.
        part: What cannot be read: "its tags".
        error: What rasterio raised.
    """
    name, cause = os.fspath(path), root_cause(error)
    if is_file_name(name) or file_exists(name):
        return OSError(
            f"'{name}' is damaged: {part} cannot be read ({cause}). Download it or "
            "make it again."
        )
    # Far more often a server or the network has failed.
    return OSError(
        f"'{name}' could not be read: {part} did not come ({cause}). Check the "
        "connection and run it again, or download the file first."
    )


def without_bands(path: PathLike, subdatasets: Sequence[str]) -> str:
    """The message for a file of several rasters, or of none."""
    if not subdatasets:
        return f"'{path}' has no bands, so it holds no pixels. Give another raster."
    names = [f"'{name}'" for name in subdatasets[:LISTED]]
    more = len(subdatasets) - len(names)
    return (
        f"'{path}' holds {len(subdatasets)} rasters. Give one of them as the path: "
        f"{', '.join(names)}{f' and {more} more' if more else ''}."
    )
