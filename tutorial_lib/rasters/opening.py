"""Opens rasters, with a small block cache and with errors that name the file."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
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
from tutorial_lib.rasters.web import bounded_waiting, is_on_web

# In bytes. GDAL's own limit is 5 % of the machine's memory, also in a container that
# may use much less. Maps are read in strips of tiles that fit into this one, and who
# needs more asks for it with `block_cache`. It is part of the reason why a map of a
# whole Sentinel-2 tile takes hardly more memory than one of 2 000 x 2 000 px.
BLOCK_CACHE = 32 * 2**20

# In bytes: as far as a run raises the limit by itself.
LARGEST_BLOCK_CACHE = 256 * 2**20


class BlockCache:
    """Limits GDAL's block cache while at least one of its `with` blocks is running.

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
        self._wanted: list[int] = []
        self._limit_before: int | None = None

    @contextmanager
    def of(self, wanted: int = 0) -> Iterator[None]:
        """Hold at least `wanted` bytes of blocks; 0 is content with the kit's limit."""
        with self._lock:
            if not self._wanted and not _caller_chose_a_limit():
                self._limit_before = get_gdal_config("GDAL_CACHEMAX")
            self._wanted.append(wanted)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(wanted)
                self._apply()
                if not self._wanted:
                    self._limit_before = None

    def _apply(self) -> None:
        """Set the largest limit that one of the running blocks asks for."""
        if self._limit_before is None:
            return
        limit = self._limit_before
        if self._wanted:
            limit = max(min(BLOCK_CACHE, limit), *self._wanted)
        set_gdal_config("GDAL_CACHEMAX", limit)


def _caller_chose_a_limit() -> bool:
    in_env = hasenv() and "GDAL_CACHEMAX" in getenv()
    return in_env or "GDAL_CACHEMAX" in os.environ


# One object for the whole process, because GDAL has one cache for it.
_cache = BlockCache()


@contextmanager
def block_cache(needed: int, *, most: int = LARGEST_BLOCK_CACHE) -> Iterator[None]:
    """Let GDAL keep `needed` bytes of blocks until the `with` block ends.

    Without it the kit's limit holds, 32 MB. Of several blocks that run at the same
    time, also in other threads, the one that needs most counts. A limit that the caller
    chose, by GDAL_CACHEMAX, stays as it is.

    Args:
        needed: Bytes: what `SourceReader.cache_bytes` gives, summed over the sources.
        most: The limit is not raised above so many bytes.

    Raises:
        TypeError, ValueError: If an argument is not a whole number from 0.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.rasters import open_source
        >>> with open_source(testing.small_scene()["input_10m"]) as reader:
        ...     with block_cache(reader.cache_bytes(50)):
        ...         reader.read(0, 0, 50, 60).shape
        (50, 60, 4)
    """
    needed = arguments.whole_number("needed", needed, least=0)
    with _cache.of(min(needed, arguments.whole_number("most", most, least=0))):
        yield


class _QuietOpening:
    """Ignores the warning about a missing georeference while a raster is opened."""

    # `warnings.catch_warnings` puts back the filters that it found. Of two threads that
    # open rasters at the same time, the last one may put back those of the first, and
    # the filter is never removed. This object removes its own filter only.

    # Any message, written as nobody else does, so that the filter is found again.
    MESSAGE = r"(?s:.)(?#tutorial_lib)"

    def __init__(self) -> None:
        self._lock = Lock()
        self._running = 0
        self._filter: tuple | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._running:
                warnings.filterwarnings(
                    "ignore", self.MESSAGE, rasterio.errors.NotGeoreferencedWarning
                )
                self._filter = next(filter(self._is_own, warnings.filters), None)
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            # Somebody may have put back older filters meanwhile.
            if not self._running and self._filter in warnings.filters:
                warnings.filters.remove(self._filter)

    def _is_own(self, one: tuple) -> bool:
        return one[1] is not None and one[1].pattern == self.MESSAGE


_quiet_opening = _QuietOpening()


def open_quietly(path: PathLike, mode: str = "r", **profile: Any) -> Any:
    """Like `rasterio.open`, except that a missing georeference gives no warning."""
    # Patches images have no georeference, because their patches come from many places.
    with _quiet_opening, bounded_waiting() if _may_ask(path) else nullcontext():
        return rasterio.open(path, mode, **profile)


def _may_ask(path: PathLike) -> bool:
    """Whether GDAL may ask a server while it opens a file: also for parts of a VRT."""
    name = os.fspath(path)
    return is_on_web(name) or not name.lower().endswith((".tif", ".tiff"))


@contextmanager
def opened(path: PathLike) -> Iterator[rasterio.DatasetReader]:
    """Open a raster for reading, and close it at the end of the `with` block.

    Yields:
        The open dataset of rasterio. It has at least one band. It may be opened, read
        and closed in different threads, by one at a time.

    Raises:
        TypeError: If `path` is not a path.
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it, or it holds several rasters or none.
    """
    arguments.file_path("path", path)
    check_is_file(path)
    with block_cache(0):
        try:
            dataset = open_quietly(path)
        except (rasterio.errors.RasterioError, *GDAL_ERRORS) as err:
            raise explained(path, root_cause(err)) from err
        with dataset:
            _look_beside(dataset)
            if not dataset.count:
                raise OSError(without_bands(path, dataset.subdatasets))
            # Tags, masks and colours are read when they are asked for.
            try:
                yield dataset
            except GDAL_ERRORS as err:
                raise damaged(path, "a part of it", err) from err


def _look_beside(dataset: rasterio.DatasetReader) -> None:
    """Have GDAL look now for the mask and the overviews beside a raster on the web."""
    # Otherwise it does so when they are first asked for, and may wait without a limit.
    if dataset.count and is_on_web(dataset.name):
        with bounded_waiting(), suppress(*GDAL_ERRORS):
            dataset.overviews(1)
            dataset.mask_flag_enums  # noqa: B018
