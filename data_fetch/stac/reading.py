"""Reads pixels of a catalogue's files onto the grid of a scene, and checks the files.

GDAL reads the pixels: where a file's pixels lie on the grid, they are copied, and
elsewhere it takes the nearest. It is asked for one item, band and stripe at a time,
because each of these can be tried again and kept on its own. Items that follow each
other are put together later, from what is kept.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject

from data_fetch.stac.assets import SCL, Asset, asset_grid, spacing_of
from data_fetch.stac.items import Item
from data_fetch.stac.retrying import PassingError, patiently
from data_fetch.stac.tokens import Tokens
from tutorial_lib import rasters
from tutorial_lib.rasters.causes import GDAL_ERRORS, root_cause
from tutorial_lib.rasters.web import chosen_options

# Connecting, and a connection on which nothing arrives any more, end after these
# seconds. GDAL's own retries are off: it would wait as long as the server asks for.
CONNECT_S, SILENCE_S = 10, 30
# Slower than this, in bytes a second, counts as silence.
SLOWEST = 100

Result = TypeVar("Result")

__all__ = [
    "GoneError",
    "open_only",
    "read_stripe",
    "tried",
]


class GoneError(OSError):
    """A server has no such file."""


def _network_options() -> AbstractContextManager[None]:
    """GDAL's options for files on the web. An option that the user set is kept."""
    return chosen_options(
        {
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
            "GDAL_HTTP_CONNECTTIMEOUT": str(CONNECT_S),
            "GDAL_HTTP_LOW_SPEED_TIME": str(SILENCE_S),
            "GDAL_HTTP_LOW_SPEED_LIMIT": str(SLOWEST),
            "GDAL_HTTP_MAX_RETRY": "0",
            "GDAL_HTTP_MULTIRANGE": "YES",
            # A first answer of this size holds the header of a whole tile.
            "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
            # Without this, GDAL remembers that a file could not be read.
            "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
            "CPL_VSIL_CURL_USE_HEAD": "NO",
            "AWS_NO_SIGN_REQUEST": "YES",
        }
    )


def tried(
    work: Callable[[str], Result], href: str, tokens: Tokens, what: str
) -> Result:
    """Read something from a file on the web, and try again what may pass.

    Args:
        work: Takes the address that GDAL reads.
        href: The address in the item.
        tokens: Signs the address.
        what: What is read, for messages: "B4 of S2A_…".

    Raises:
        OSError: If it cannot be read.
    """
    # One token may have expired on the way. A second refusal is a refusal.
    renewals = [tokens.forget] if tokens.needed else []

    def once() -> Result:
        with _network_options(), rasters.block_cache(0), _plain_errors(href, what):
            return work(tokens.signed(href))

    def with_a_new_token() -> Result:
        try:
            return once()
        except PermissionError:
            if not renewals:
                raise
            renewals.pop()()
            return once()

    return patiently(with_a_new_token)


def read_stripe(item: Item, band: str, stripe: GeoBox, tokens: Tokens) -> np.ndarray:
    """Read a part of one band of an item.

    Args:
        item: The item.
        band: One of `BANDS`.
        stripe: The pixels to read, of 10 m or 20 m as the band has.
        tokens: Signs addresses.

    Returns:
        (height, width) of digital numbers, uint16, or uint8 for the scene
        classification. 0 outside the file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not the file that the item describes.
    """
    asset, what = item.assets[band], f"{band} of {item.id!r}"

    def read(address: str) -> np.ndarray:
        # Opened once: each opening asks the server three times.
        with _opened(address) as file:
            _check(file, band, asset, what)
            return _pixels(file, band, stripe)

    return tried(read, asset.href, tokens, what)


def open_only(address: str) -> None:
    """Open a file and read its header."""
    _opened(address).close()


def _opened(address: str) -> rasterio.DatasetReader:
    # Other formats, such as VRT, can name files of this machine, which a server would
    # have us read.
    return rasterio.open(address, driver="GTiff")


def _pixels(file: rasterio.DatasetReader, band: str, stripe: GeoBox) -> np.ndarray:
    pixels = np.zeros(stripe.shape, _type_of(band))
    reproject(
        rasterio.band(file, 1),
        pixels,
        dst_transform=stripe.transform,
        dst_crs=CRS.from_epsg(stripe.crs.epsg),
        src_nodata=0,
        dst_nodata=0,
        resampling=Resampling.nearest,
        # Without it, GDAL interpolates coordinates, and the nearest pixel would depend
        # on how a scene is cut into stripes.
        tolerance=0,
    )
    return pixels


def _type_of(band: str) -> str:
    return "uint8" if band == SCL else "uint16"


def _check(file: Any, band: str, asset: Asset, what: str) -> None:
    """Raise ValueError unless an open file is what its item says."""
    spacing = spacing_of(band)
    expected = asset_grid(asset)
    problems = {
        f"it has {file.count} bands": file.count != 1,
        f"its pixels are {file.dtypes[0]}": file.dtypes[0] != _type_of(band),
        f"its pixels are {file.res[1]:g} m x {file.res[0]:g} m": (
            file.res != (spacing, spacing)
        ),
        "it has no coordinate reference system": file.crs is None,
    }
    if asset.epsg is not None and file.crs is not None:
        crs = CRS.from_epsg(asset.epsg)
        problems[f"it is in {file.crs}, and not in {crs}"] = file.crs != crs
    if expected is not None:
        size = (
            f"it has {file.height}x{file.width} pixels from ({file.transform.c:.0f}, "
        )
        problems[f"{size}{file.transform.f:.0f})"] = file.shape != tuple(
            expected.shape
        ) or not file.transform.almost_equals(expected.transform, 1e-6)
    for problem, found in problems.items():
        if found:
            raise ValueError(
                f"The server sent another file for {what} than the catalogue "
                f"describes: {problem}. Nothing of it was kept. Run the same command "
                "again later, or choose another catalogue with `--catalogue`."
            )


@contextmanager
def _plain_errors(href: str, what: str) -> Iterator[None]:
    """Turn an error of GDAL into one sentence, and tell which of them may pass."""
    try:
        yield
    except GDAL_ERRORS as err:
        raise _translated(href, what, root_cause(err)) from err
    except rasterio.errors.RasterioError as err:
        raise _translated(href, what, root_cause(err)) from err


def _translated(href: str, what: str, cause: str) -> OSError:
    # Addresses may hold tokens, which nobody wants to see in a message.
    cause = re.sub(r"\?\S+", "", cause)
    code = re.search(r"response[ _]code:? (\d{3})", cause, flags=re.IGNORECASE)
    number = int(code[1]) if code else None
    if number in (401, 403):
        return PermissionError(
            f"The server refuses to send {what} ('{href}'): HTTP {number}. Choose "
            "another catalogue with `--catalogue`."
        )
    if number in (404, 410):
        return GoneError(
            f"The server has no file for {what} ('{href}'): HTTP {number}. Choose "
            "another date with `--date`, or another catalogue with `--catalogue`."
        )
    if "not recognized as" in cause:
        cause = "what the server sent is not an image"
    if number is not None:
        cause = f"the server answered with HTTP {number}"
    return PassingError(
        f"{what[:1].upper()}{what[1:]} could not be read from '{href}': {cause}. Run "
        "the same command again: what was read is kept."
    )
