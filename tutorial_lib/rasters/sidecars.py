"""The files beside a raster that belong to it: of GDAL, and the style for QGIS."""

import os
import shutil
from pathlib import Path

from tutorial_lib.rasters.causes import PathLike, file_exists
from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.styles import STYLE, may_write_style, style_of, style_path
from tutorial_lib.rasters.write_errors import errors_named

# Ending of the file for what the format of a raster cannot hold.
PAM = ".aux.xml"
# Endings of the sidecar files that GDAL reads: also of overviews and masks.
SIDECARS = (PAM, ".ovr", ".msk")

__all__ = ["PAM", "SIDECARS", "is_kept", "sidecars_of", "write_sidecars"]


def sidecars_of(raster: PathLike) -> list[Path]:
    """Where files may be that belong to a raster, and would be wrong for a new one.

    Example:
        >>> [path.name for path in sidecars_of("map.tif")]
        ['map.tif.aux.xml', 'map.tif.ovr', 'map.tif.msk', 'map.qml']
    """
    path = Path(raster)
    return [
        *(path.with_name(path.name + ending) for ending in SIDECARS),
        style_path(path),
    ]


def is_kept(raster: PathLike, sidecar: Path) -> bool:
    """Whether a sidecar stays when its raster is written: a style of the user's."""
    return sidecar.suffix == STYLE and not may_write_style(Path(raster))


def write_sidecars(
    part: Path, beside: list[Path], path: PathLike, legend: Legend | None
) -> None:
    """Write the style of a raster, and put in place what GDAL has written beside it.

    Args:
        part: The raster that has been written.
        beside: The parts of `sidecars_of(path)`.
        path: The place of the raster.
        legend: The classes of a label raster, else None.
    """
    with errors_named(path):
        # GDAL writes here what a GeoTIFF cannot hold, such as the CRS of a rotated
        # pole. If `path` is a link, the raster has another name and folder.
        written = Path(f"{os.fspath(part)}{PAM}")
        if file_exists(str(written)) and written != beside[0]:
            shutil.move(written, beside[0])
        if legend:
            beside[-1].write_bytes(style_of(Path(path), legend))
