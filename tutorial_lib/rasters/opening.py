"""Opens rasters, with a small block cache and with errors that name the file."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import rasterio
from rasterio.env import get_gdal_config, getenv, hasenv, set_gdal_config

from tutorial_lib import arguments
from tutorial_lib.rasters.causes import (
    GDAL_ERRORS,
    PathLike,
    check_is_file,
    damaged,
    explained,
    root_cause,
    without_bands,
)

# In bytes. GDAL's own limit is 5 % of the machine's memory, also in a container that
# may use much less. The kit reads one row of tiles after another, so two rows of blocks
# are enough. For four 16-bit bands of a Sentinel-2 tile (2 x 256 x 10 980 px) they take
# 45 MB.
# Measured on a machine of 24 GB with the raster of 6144 px of
# `test_memory_does_not_grow_with_the_raster`: 187 MB, and 728 MB with GDAL's own limit.
BLOCK_CACHE = 64 * 2**20


class SmallBlockCache:
    """Limits GDAL's block cache while at least one `with` block of it is running.

    A limit that the caller chose, in the environment variable GDAL_CACHEMAX or in a
    `rasterio.Env`, stays as it is.
    """

    # Why not `rasterio.Env(GDAL_CACHEMAX=…)`? An Env belongs to one thread, and its
    # options do not reach other threads. This option is different: GDAL has one cache
    # and one limit for the whole process (rasterio issue 875). With an Env in each
    # thread, the first to end would lift the limit for all threads, and the last could
    # leave it behind. Envs must also end in reverse order, or rasterio raises EnvError;
    # two generators of tiles that run side by side do not.

    def __init__(self) -> None:
        self._lock = Lock()
        self._running = 0
        self._limit_before: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._running and not _caller_chose_a_limit():
                self._limit_before = get_gdal_config("GDAL_CACHEMAX")
                limit = min(BLOCK_CACHE, self._limit_before)
                set_gdal_config("GDAL_CACHEMAX", limit)
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            if not self._running and self._limit_before is not None:
                set_gdal_config("GDAL_CACHEMAX", self._limit_before)
                self._limit_before = None


def _caller_chose_a_limit() -> bool:
    in_env = hasenv() and "GDAL_CACHEMAX" in getenv()
    return in_env or "GDAL_CACHEMAX" in os.environ


# One object for the whole process, because GDAL has one cache for it.
small_block_cache = SmallBlockCache()


def open_quietly(path: PathLike, mode: str = "r", **profile: Any) -> Any:
    """Like `rasterio.open`, except that a missing georeference gives no warning."""
    # Patches images have no georeference, because their patches come from many places.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path, mode, **profile)


@contextmanager
def opened(path: PathLike) -> Iterator[rasterio.DatasetReader]:
    """Open a raster for reading, and close it at the end of the `with` block.

    Yields:
        The open dataset of rasterio. It has at least one band.

    Raises:
        TypeError: If `path` is not a path.
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it, or it holds several rasters or none.
    """
    arguments.file_path("path", path)
    check_is_file(path)
    with small_block_cache:
        try:
            dataset = open_quietly(path)
        except (rasterio.errors.RasterioError, *GDAL_ERRORS) as err:
            raise explained(path, root_cause(err)) from err
        with dataset:
            if not dataset.count:
                raise OSError(without_bands(path, dataset.subdatasets))
            # Tags, masks and colours are read when they are asked for.
            try:
                yield dataset
            except GDAL_ERRORS as err:
                raise damaged(path, "a part of it", err) from err
