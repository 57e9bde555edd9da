"""Rasters on the web: waiting for a server that does not answer ends with an error."""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import rasterio
from rasterio.env import get_gdal_config

# GDAL waits for ever by default, and does not try again.
OPTIONS = {
    # Seconds to connect.
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    # Seconds with fewer bytes a second than the limit end a request.
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "100",
    # After answers such as 429 and 503. The pause, in seconds, doubles each time.
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
    # Names that begin so are asked for again when they are opened again. Otherwise GDAL
    # remembers for the whole process that a file could not be read.
    "CPL_VSIL_CURL_NON_CACHED": "/vsi",
}

_ON_WEB = re.compile(
    r"(?i)(?:[a-z0-9+]+\+)?(?:https?|ftp|s3|gs|az|oss|swift|hdfs|webhdfs)://"
    r"|.*/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)(?:_streaming)?[/?]"
)

__all__ = ["OPTIONS", "bounded_waiting", "chosen_options", "is_on_web"]


def is_on_web(name: str) -> bool:
    """Whether GDAL reads a raster of this name from a server.

    Example:
        >>> is_on_web("/vsizip//vsicurl/http://a.org/b.zip/c.tif"), is_on_web("a.tif")
        (True, False)
    """
    return bool(_ON_WEB.match(name))


def bounded_waiting() -> AbstractContextManager[None]:
    """Limit how long GDAL waits for a server, in this thread, for a short operation.

    Options that the user chose stay, as in `chosen_options`.
    """
    return chosen_options(OPTIONS)


@contextmanager
def chosen_options(options: Mapping[str, str]) -> Iterator[None]:
    """Set options of GDAL in this thread, for a short operation.

    Options that the user chose stay: environment variables, a `rasterio.Env`, and
    GDAL's configuration file.

    Args:
        options: Their names and values, as texts.
    """
    # Each thread reads with options of its own. Those of the main thread reach the
    # others too, but only until it has read what it wants, so equal ones are set again.
    missing = {
        name: value
        for name, value in options.items()
        if get_gdal_config(name, normalize=False) in (None, value)
    }
    with rasterio.Env.from_defaults(**missing):
        yield
