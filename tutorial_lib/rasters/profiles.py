"""How a GeoTIFF is laid out: its blocks, its compression, and its size beyond 4 GB."""

from functools import cache
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox

from tutorial_lib import arguments
from tutorial_lib.rasters.opening import open_quietly
from tutorial_lib.rasters.pixel_types import checked_nodata_tag

# Side of the blocks of a file, in pixels: GDAL's default for tiled GeoTIFFs.
BLOCK_SIZE = 256

# The TIFF standard wants sides that are multiples of this number, in pixels.
BLOCK_STEP = 16
LARGEST_BLOCK = 1024

# Both are lossless. All common programs read deflate. Zstandard is quicker to write and
# to read, and programs with a GDAL of before 2018 do not read it.
COMPRESSIONS = ("deflate", "zstd")

__all__ = ["BLOCK_SIZE", "checked_compression", "geotiff_profile", "predictor_of"]


def checked_compression(compress: str) -> str:
    """The name of a compression that this GDAL has.

    Raises:
        ValueError: If it is not one of "deflate" and "zstd", or GDAL does not have it.

    Example:
        >>> checked_compression("jpeg")
        Traceback (most recent call last):
        ValueError: `compress` is 'jpeg'. Give one of 'deflate', 'zstd'.
    """
    arguments.choice("compress", compress, COMPRESSIONS)
    if compress == "zstd" and not _gdal_has_zstd():
        raise ValueError(
            "`compress` is 'zstd', and this GDAL was built without "
            "it. Give 'deflate', or install rasterio from PyPI or conda-forge."
        )
    return compress


@cache
def _gdal_has_zstd() -> bool:
    # GDAL only warns about a compression that it does not have, and writes without.
    size = {"height": 1, "width": 1, "count": 1, "dtype": "uint8"}
    with rasterio.MemoryFile() as file:
        with open_quietly(file.name, "w", driver="GTiff", compress="zstd", **size):
            pass
        with open_quietly(file.name) as dataset:
            return dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION") == "ZSTD"


def geotiff_profile(
    grid: GeoBox,
    channels: int,
    dtype: np.dtype,
    nodata: float | None = None,
    *,
    compress: str = "deflate",
    block: int | None = None,
) -> dict[str, Any]:
    """What rasterio needs to create a file, after a check of it.

    Args:
        grid: Shape, transform and CRS.
        channels: Number of bands.
        dtype: Type of the pixels.
        nodata: Value of the no-data tag; None for no tag.
        compress: "deflate" or "zstd".
        block: Side of the blocks in pixels; None for 256.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If a GeoTIFF cannot hold it.
    """
    arguments.instance("grid", grid, GeoBox, "a grid, such as `read_grid(path)`")
    if min(grid.shape) < 1:
        raise ValueError(
            f"The grid has {grid.height}x{grid.width} px, so it holds no pixels. Give "
            "one of at least 1x1 px."
        )
    profile = {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": arguments.whole_number("channels", channels, least=1, most=65535),
        "dtype": dtype.name,
        "crs": grid.crs and str(grid.crs),
        "transform": grid.transform,
        "nodata": checked_nodata_tag(nodata, dtype),
        "compress": checked_compression(compress),
        "predictor": predictor_of(dtype),
        # A file beyond 4 GB must be a BigTIFF. The size of a compressed file is not
        # known when it is created, so IF_SAFER chooses BigTIFF if the pixels take more
        # than 2 GB (GTiffDataset::CreateLL).
        "bigtiff": "if_safer",
        # The kit reads and writes all bands of a window together.
        "interleave": "pixel",
    }
    # Level 1 is much quicker than GDAL's 9, and files are hardly larger. `make bench`
    # compares the ways to write a map (part `formats`).
    if compress == "zstd":
        profile["zstd_level"] = 1
    # Maps of classes: level 4 is much quicker than GDAL's 6, for slightly larger files.
    elif dtype.itemsize == 1:
        profile["zlevel"] = 4
    return profile | _blocks(grid, block)


def predictor_of(dtype: np.dtype) -> int:
    """Number of the predictor: 1 stores values, 2 and 3 differences of neighbours."""
    if dtype.kind == "f":
        return 3
    # Bytes are mostly class numbers. Their differences mean nothing and compress worse.
    return 1 if dtype.itemsize == 1 else 2


def _blocks(grid: GeoBox, block: int | None) -> dict[str, Any]:
    side = BLOCK_SIZE
    if block is not None:
        side = arguments.whole_number(
            "block", block, least=BLOCK_STEP, most=LARGEST_BLOCK
        )
        if side % BLOCK_STEP:
            raise ValueError(
                f"`block` is {side}, and blocks of a GeoTIFF are multiples of "
                f"{BLOCK_STEP} px. Give for example {side // BLOCK_STEP * BLOCK_STEP}."
            )
    # A block is written whole, so a raster narrower than a block (a patches image is
    # one patch wide) would be padded. GDAL writes strips of full rows instead.
    if min(grid.shape) < BLOCK_SIZE:
        return {"tiled": False}
    if side > min(grid.shape):
        side = BLOCK_SIZE
    return {"tiled": True, "blockxsize": side, "blockysize": side}
