"""The files of an open raster: sidecars, the parts of a virtual raster, archives."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import rasterio
from rasterio.windows import Window

from tutorial_lib.rasters.causes import (
    GDAL_ERRORS,
    damaged,
    file_exists,
    full_path,
    is_file_name,
)
from tutorial_lib.rasters.opening import open_quietly, opened
from tutorial_lib.rasters.sidecars import SIDECARS
from tutorial_lib.rasters.web import bounded_waiting, is_on_web

__all__ = [
    "check_parts_exist",
    "check_readable",
    "files_of",
    "reading_errors_named",
]


def files_of(dataset: rasterio.DatasetReader) -> tuple[str, ...]:
    """All files that GDAL reads for an open raster: itself, sidecars, parts of a VRT.

    A file within an archive stands for the archive. The paths are full ones, because
    the working folder may change until something is written.
    """
    found: dict[str, None] = {}
    _collect(dataset, found)
    # GDAL lists only those sidecars that it has opened. A style for QGIS is not among
    # them: it changes no pixel.
    beside = (name + ending for name in found for ending in SIDECARS)
    return tuple(dict.fromkeys([*found, *filter(file_exists, beside)]))


def _collect(dataset: rasterio.DatasetReader, found: dict[str, None]) -> None:
    for name in (dataset.name, *dataset.files):
        file = full_path(_on_disk(name))
        is_new = file not in found
        found[file] = None
        # GDAL names the parts of a VRT, but not the parts of these parts.
        if is_new and name != dataset.name and _is_vrt(file):
            try:
                with open_quietly(file) as part:
                    _collect(part, found)
            except (rasterio.errors.RasterioError, *GDAL_ERRORS):
                continue


def _is_vrt(name: str) -> bool:
    """Whether a file is a VRT, whatever its ending."""
    try:
        with Path(name).open("rb") as file:
            return file.read(256).lstrip().startswith((b"<VRTDataset", b"<?xml"))
    except OSError:
        return name.lower().endswith(".vrt")


def _on_disk(name: str) -> str:
    """The archive for a path such as "/vsizip/folder/a.zip/b.tif", else the path."""
    match = re.match(r"(?:/vsi(?:zip|tar|gzip|7z|rar)/)+(.*)", name)
    # A part of a file, and a file through a cache, name the file at the end:
    # "/vsisubfile/0_1000,a.tif", "/vsicached?file=a.tif".
    match = match or re.match(r"/vsi(?:subfile/[^,]*,|cached\?(?:.*&)?file=)(.*)", name)
    if not match:
        return name
    inside = Path(match[1].strip("{}"))
    return next((str(p) for p in (inside, *inside.parents) if p.is_file()), name)


def check_readable(path: Path) -> None:
    """Raise OSError unless the last block of a raster that was written can be read.

    GDAL writes the last blocks when a file is closed and does not always report that
    the disk is full.
    """
    try:
        with opened(path) as dataset:
            _, last = list(dataset.block_windows(1))[-1]
            dataset.read(1, window=last)
    except OSError:
        raise OSError("GDAL cannot read it back") from None


def check_parts_exist(dataset: rasterio.DatasetReader) -> None:
    """Raise FileNotFoundError if a file that a raster refers to does not exist.

    GDAL opens a VRT without its parts, and finds out when it reads pixels.
    """
    # For a file on the web, GDAL would ask for each sidecar that there may be.
    if dataset.driver != "VRT":
        return
    for name in files_of(dataset):
        if is_file_name(name) and not file_exists(name):
            raise FileNotFoundError(
                f"'{dataset.name}' refers to the file '{name}', which does not exist. "
                f"Put it there, or make '{Path(dataset.name).name}' again."
            )


@contextmanager
def reading_errors_named(
    dataset: rasterio.DatasetReader, window: Window
) -> Iterator[None]:
    """Raise GDAL's errors of reading as an OSError that names the file and the cause.

    Raises:
        FileNotFoundError: If the raster refers to a file that does not exist.
        OSError: If it is damaged.
    """
    # The parts of a VRT may be anywhere.
    remote = dataset.driver == "VRT" or is_on_web(dataset.name)
    try:
        with bounded_waiting() if remote else nullcontext():
            yield
    except GDAL_ERRORS as err:
        if dataset.closed:
            raise OSError(
                f"'{dataset.name}' cannot be read: it was closed at the end of its "
                "`with` block. Read within the block."
            ) from err
        check_parts_exist(dataset)
        part = f"its pixels from row {window.row_off}, col {window.col_off} on"
        raise damaged(dataset.name, part, err) from err
