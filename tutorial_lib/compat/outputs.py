"""Writes images into GeoTIFFs, strip by strip, as OTB converts their numbers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from tqdm.auto import tqdm

from tutorial_lib.compat.filenames import Target, chosen_bands
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.pixel_types import cast
from tutorial_lib.grids import map_grid
from tutorial_lib.notices import warn
from tutorial_lib.rasters.destinations import check_geotiff, check_not_input
from tutorial_lib.rasters.write_errors import real_path
from tutorial_lib.rasters.writing import RasterWriter, create_raster

# Creation options of GDAL that say how the kit writes anyway.
_CREATION = ("COMPRESS", "TILED", "BIGTIFF", "PREDICTOR", "INTERLEAVE", "NUM_THREADS")

__all__ = ["Job", "strips", "write_images"]


class Job(NamedTuple):
    """An image to write, the file with the options of its name, and its pixel type."""

    image: Image
    target: Target
    dtype: np.dtype


class _Output(NamedTuple):
    """A raster that is being written, and the part and bands of the image in it."""

    raster: RasterWriter
    window: Window
    bands: list[int]


def write_images(jobs: Sequence[Job], *, progress: bool = False) -> None:
    """Write images, or the boxes of them that their targets name.

    No file gets its name before all are complete.

    Args:
        jobs: What to write.
        progress: Whether to show a bar of progress.

    Raises:
        ValueError: If a file is one that is read, is written twice, or an option of its
            name does not fit the image.
        OSError: If one cannot be written; existing files are kept then.
    """
    inputs = [file for job in jobs for file in job.image.files]
    earlier: list[Path] = []
    for job in jobs:
        check_geotiff(job.target.path)
        check_not_input(job.target.path, inputs)
        if real_path(Path(job.target.path)) in earlier:
            raise ValueError(
                f"Two outputs go to '{job.target.path}'. Give each one a path of its "
                "own."
            )
        earlier.append(real_path(Path(job.target.path)))
    with ExitStack() as stack:
        outputs = [stack.enter_context(_created(job)) for job in jobs]
        for job, output in zip(jobs, outputs, strict=True):
            _write(job, output, progress=progress)


@contextmanager
def _created(job: Job) -> Iterator[_Output]:
    window = job.target.window(*job.image.grid.shape)
    bands = chosen_bands(job.target.bands, job.image.bands)
    with create_raster(
        job.target.path,
        _part(job.image.grid, window),
        channels=len(bands),
        dtype=job.dtype,
        nodata=job.target.nodata,
        compress=_compression(job.target.creation),
    ) as raster:
        yield _Output(raster, window, bands)


def _write(job: Job, output: _Output, *, progress: bool) -> None:
    raster, window, bands = output
    span = range(window.row_off, window.row_off + window.height)
    parts = list(strips(span, job.image.strip_rows))
    with job.image.reading() as read:
        for row, height in tqdm(parts, disable=not progress, unit="strip"):
            values = read(row, window.col_off, height, window.width)[..., bands]
            raster.write(cast(values, job.dtype), row - window.row_off, 0)


def _part(grid: GeoBox, window: Window) -> GeoBox:
    rows = range(window.row_off, window.row_off + window.height)
    columns = range(window.col_off, window.col_off + window.width)
    return map_grid(grid, Fraction(1), rows, columns)


def strips(span: range, rows: int | None) -> Iterator[tuple[int, int]]:
    """Strips of an image, cut at multiples of `rows` from its first row.

    Args:
        span: Rows of the image that are wanted.
        rows: Height of the strips; None for one piece.

    Yields:
        First row and height of each strip.

    Example:
        >>> list(strips(range(10, 40), rows=16))
        [(10, 6), (16, 16), (32, 8)]
    """
    row = span.start
    while row < span.stop:
        end = span.stop if rows is None else min(span.stop, (row // rows + 1) * rows)
        yield row, end - row
        row = end


def _compression(creation: Mapping[str, str]) -> str:
    for name, value in creation.items():
        if name not in _CREATION:
            warn(
                f"gdal:co:{name}={value} has no effect: the kit lays out its files "
                "itself. Copy the file with gdal_translate for another layout."
            )
    wanted = creation.get("COMPRESS", "DEFLATE").lower()
    if wanted not in ("deflate", "zstd"):
        warn(
            f"gdal:co:COMPRESS={wanted.upper()} is not written by the kit; the file is "
            "compressed with DEFLATE, without loss."
        )
    return "zstd" if wanted == "zstd" else "deflate"
