"""How much of GDAL's block cache it takes to read a raster row by row."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
import rasterio

from tutorial_lib.rasters.causes import GDAL_ERRORS
from tutorial_lib.rasters.dataset_files import files_of
from tutorial_lib.rasters.opening import open_quietly

# So many parts of a virtual raster are looked at: they are usually alike.
PARTS = 8

# Bytes that GDAL counts for each block beside its pixels, whose size it rounds up to a
# multiple of 64: twice a GDALRasterBlock (GetEffectiveBlockSize in
# gcore/gdalrasterblock.cpp).
EXTRA = 256

__all__ = ["cached_bytes"]


class _Blocks(NamedTuple):
    """How the blocks of a file are laid out.

    Attributes:
        shape: Rows and columns of the largest blocks.
        count: Number of bands that one block holds: all of a file whose bands are
            interleaved by pixels, else 1.
    """

    shape: tuple[int, int]
    count: int


def cached_bytes(
    dataset: rasterio.DatasetReader,
    bands: Sequence[int],
    height: int,
    width: int | None = None,
) -> int:
    """Bytes of the blocks that a window touches at most.

    Args:
        dataset: The open raster. Of a virtual raster, the largest blocks of its parts
            count.
        bands: Band numbers from 1 that are read.
        height: Rows that are read together, at any place.
        width: Columns that are read together, at any place; None for all of them.

    Example:
        Blocks of whole rows, of one byte a pixel. The row below a block lies in the
        next one:

        >>> from tutorial_lib import testing
        >>> from tutorial_lib.rasters import opened
        >>> with opened(testing.small_scene(120, 168)["labels"]) as dataset:
        ...     rows, _ = dataset.block_shapes[0]
        ...     cached_bytes(dataset, [1], rows + 1) > 2 * rows * 168
        True
    """
    found = _blocks_of_parts(dataset) if dataset.driver == "VRT" else []
    return max(
        _bytes(dataset, bands, blocks, (height, width or dataset.width))
        for blocks in found or [_blocks_of(dataset)]
    )


def _blocks_of(dataset: rasterio.DatasetReader) -> _Blocks:
    rows, cols = zip(*dataset.block_shapes, strict=True)
    by_pixel = dataset.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "PIXEL"
    return _Blocks((max(rows), max(cols)), dataset.count if by_pixel else 1)


def _blocks_of_parts(dataset: rasterio.DatasetReader) -> list[_Blocks]:
    found = []
    for name in files_of(dataset)[1 : PARTS + 1]:
        try:
            with open_quietly(name) as part:
                if part.driver != "VRT" and part.count:
                    found.append(_blocks_of(part))
        # Sidecar files are no rasters.
        except (rasterio.errors.RasterioError, *GDAL_ERRORS):
            continue
    return found


def _bytes(
    dataset: rasterio.DatasetReader,
    bands: Sequence[int],
    blocks: _Blocks,
    shape: tuple[int, int],
) -> int:
    rows, cols = (
        # In the worst case the first pixel is the last one of its block.
        min(ceil((pixels - 1) / block) + 1, ceil(size / block))
        for pixels, block, size in zip(shape, blocks.shape, dataset.shape, strict=True)
    )
    kinds = [np.dtype(dataset.dtypes[band - 1]).itemsize for band in bands]
    # GDAL decompresses a block of interleaved bands for all of them.
    kinds += [max(kinds)] * max(0, blocks.count - len(set(bands)))
    pixels = blocks.shape[0] * blocks.shape[1]
    return rows * cols * sum(ceil(pixels * kind / 64) * 64 + EXTRA for kind in kinds)
