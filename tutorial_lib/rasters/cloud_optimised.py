"""Cloud-optimised GeoTIFFs: with overviews, and in the order in which the web reads."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil

from tutorial_lib.rasters.causes import GDAL_ERRORS
from tutorial_lib.rasters.dataset_files import check_readable
from tutorial_lib.rasters.opening import block_cache, opened
from tutorial_lib.rasters.sidecars import PAM
from tutorial_lib.rasters.write_errors import not_written

# Side of the blocks of a cloud-optimised file, in pixels: the default of GDAL's driver,
# and the largest side of a raster that needs neither blocks nor overviews.
CLOUD_BLOCK = 512

# While GDAL copies a file, the overviews take a third of its size beside the copy, and
# another third within it.
SHARE_OF_COPY = 5 / 3

__all__ = ["copy_cloud_optimised", "working_profile"]


def working_profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of the GeoTIFF that is copied, and then removed."""
    level = {"deflate": "zlevel", "zstd": "zstd_level"}[profile["compress"]]
    # Statistics and overviews are computed band by band. With the bands of a block
    # together, each band would decompress all of them: 107 s of CPU for 6000x6000
    # pixels of six floats in place of 52 s.
    return {**profile, "interleave": "band", level: 1}


def copy_cloud_optimised(
    working: Path, part: Path, path: Path, *, compress: str, classes: bool
) -> None:
    """Copy a GeoTIFF as a cloud-optimised one, and remove it.

    Args:
        working: The GeoTIFF, alone in its folder.
        part: Where the copy is written, in the same folder.
        path: Its place when it is complete, for messages.
        compress: "deflate" or "zstd".
        classes: Whether the values are classes with a legend.

    Raises:
        OSError: If it cannot be written.
    """
    space = int(SHARE_OF_COPY * working.stat().st_size)
    with opened(working) as dataset:
        resampling = _resampling(np.dtype(dataset.dtypes[0]), classes=classes)
    try:
        _copy(working, part, compress=compress, overview_resampling=resampling)
        check_readable(part)
    except (OSError, rasterio.errors.RasterioError, *GDAL_ERRORS) as err:
        raise not_written(path, err, space=space) from err
    for file in (working, working.with_name(working.name + PAM)):
        file.unlink(missing_ok=True)


def _resampling(dtype: np.dtype, *, classes: bool) -> str:
    """How overviews are made: means of floats; of integers, values that are there."""
    if dtype.kind == "f":
        return "average"
    return "mode" if classes else "nearest"


def _copy(working: Path, part: Path, **options: str) -> None:
    """Run GDAL's copy; Ctrl-C ends it soon."""
    with ThreadPoolExecutor(1) as threads, block_cache(0):
        running = threads.submit(
            rasterio.shutil.copy,
            working,
            part,
            driver="COG",
            predictor="yes",
            blocksize=CLOUD_BLOCK,
            bigtiff="if_safer",
            # Each thread compresses one block.
            num_threads=2,
            statistics="yes",
            **options,
        )
        try:
            running.result()
        except BaseException:
            # The copy of a large map takes minutes, and GDAL offers rasterio no way to
            # end it. It ends with an error at the next block that it cannot read.
            if not running.done():
                with suppress(OSError):
                    os.truncate(working, 0)
            raise
