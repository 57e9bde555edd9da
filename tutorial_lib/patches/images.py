"""Patches images: patches in files, and which of these files belong together.

A *patches image* is a raster of patches stacked in rows, (n * height, width) pixels.
The files of one extraction have its number in a tag, so that two are not mixed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from einops import rearrange
from odc.geo.geobox import GeoBox

from tutorial_lib import arguments
from tutorial_lib.rasters import (
    PathLike,
    Source,
    open_source,
    opened,
    write_array,
)
from tutorial_lib.rasters.destinations import check_geotiff, check_not_input
from tutorial_lib.rasters.writing import write_together

# Tag of a patches image: the number of the extraction that wrote it.
EXTRACTION_TAG = "TUTORIAL_LIB_EXTRACTION"

# Bytes of a patches image that are read at a time. Reading needs about three times as
# much memory as that, beside the patches themselves.
STRIP_BYTES = 4 * 2**20

__all__ = ["read_patches", "write_patches"]


class PatchesImage(NamedTuple):
    """What is in a patches image.

    Attributes:
        path: The file.
        shape: (n, height, width, channel) of its patches.
        dtype: Type of its values.
        extraction: Number of the extraction that wrote it, or None.
    """

    path: PathLike
    shape: tuple[int, int, int, int]
    dtype: np.dtype
    extraction: str | None


def describe(path: PathLike) -> PatchesImage:
    """What is in a patches image, from its header.

    Raises:
        ValueError: If the raster is not a patches image.
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it.
    """
    arguments.file_path("path", path)
    with open_source(Source(path)) as reader, opened(path) as dataset:
        height, width = reader.grid.shape
        if height % width or reader.grid.crs is not None:
            raise ValueError(
                f"'{path}' ({height}x{width} px, CRS {reader.grid.crs}) is not a "
                "patches image: the height of one is a multiple of its width, and it "
                "has no CRS. Give a file that `extract_patches` wrote."
            )
        shape = (height // width, width, width, reader.channels)
        extraction = dataset.tags().get(EXTRACTION_TAG)
        return PatchesImage(path, shape, reader.dtype, extraction)


def read_into(patches: np.ndarray, image: PatchesImage) -> None:
    """Read all patches of a file into an array of their shape."""
    count, height, width, channels = image.shape
    pixels = patches.reshape(count * height, width, channels)
    with opened(image.path) as dataset:
        block_rows = dataset.block_shapes[0][0]
    rows = max(1, STRIP_BYTES // max(1, pixels[0].nbytes))
    rows = -(-rows // block_rows) * block_rows
    for first in range(0, len(pixels), rows):
        strip = pixels[first : first + rows]
        # GDAL keeps the blocks that it has read until the file is closed.
        with open_source(Source(image.path)) as reader:
            strip[:] = reader.read(first, 0, len(strip), width)


def read_patches(path: PathLike) -> np.ndarray:
    """Read the patches of a patches image.

    Args:
        path: Raster of square patches stacked in rows, (n * width, width) pixels.

    Returns:
        (n, height, width, channel) array of the raster's type.

    Raises:
        ValueError: If its height is not a multiple of its width, or it has a CRS.
        FileNotFoundError: If there is no such file.
        OSError: If it is damaged.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "patches.tif"
        >>> patches = np.arange(2 * 3 * 3 * 4).reshape(2, 3, 3, 4).astype("uint16")
        >>> np.array_equal(read_patches(write_patches(path, patches)), patches)
        True
    """
    image = describe(path)
    patches = np.empty(image.shape, image.dtype)
    read_into(patches, image)
    return patches


def write_patches(path: PathLike, array: np.ndarray) -> Path:
    """Write square patches (n, size, size, channel) as a patches image.

    Args:
        path: The file, a GeoTIFF. An existing patches image is replaced.
        array: The patches, whole numbers or floats.

    Returns:
        The path. The file has no georeference: its patches come from many places.

    Raises:
        TypeError: If the values are neither whole numbers nor floats.
        ValueError: If the array does not hold square patches.
        FileExistsError: If the file is a raster with a CRS, so not a patches image.
        OSError: If the file cannot be written.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "patches.tif"
        >>> write_patches(path, np.ones((5, 16, 16, 4), "uint16")).name
        'patches.tif'
    """
    check_patches_destination(path)
    return write_array(path, *_image(_checked(array)))


def check_patches_destination(path: PathLike, inputs: Iterable[PathLike] = ()) -> None:
    """Check, before any long work, that a patches image may be written at a path.

    Args:
        path: The file that will be written.
        inputs: Files that are read for it.

    Raises:
        ValueError: If the path is no place for a file, or one of the inputs.
        FileExistsError: If it is a raster with a CRS, so not a patches image.
    """
    target = check_geotiff(path)
    check_not_input(path, inputs)
    if target.exists() and _has_crs(target):
        raise FileExistsError(
            f"'{path}' is a raster with a CRS, and not a patches image: patches would "
            "destroy it. Choose another folder or name, or delete it first."
        )


def _has_crs(path: Path) -> bool:
    try:
        with opened(path) as dataset:
            return dataset.crs is not None
    except OSError:
        return False


def write_extraction(
    arrays: Mapping[str, np.ndarray], paths: Mapping[str, Path]
) -> None:
    """Write the patches images of one extraction.

    All are complete before the first one is renamed. All get the same number, so
    `patch_dataset` notices if renaming was interrupted.

    Args:
        arrays: Patches (n, size, size, channel) by name.
        paths: The files by the same names.
    """
    images = {paths[name]: _image(array) for name, array in arrays.items()}
    write_together(images, tags={EXTRACTION_TAG: _extraction(arrays)})


def _extraction(arrays: Mapping[str, np.ndarray]) -> str:
    """Number of an extraction, made from its names and values.

    The same extraction has the same number again, so its files stay the same.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.shape} {array.dtype} ".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def check_one_extraction(images: Iterable[PatchesImage]) -> None:
    """Raise ValueError if patches images of two extractions are used together.

    Files without a number are accepted: OTBTF's, and those of `write_patches`.
    """
    first: dict[str, PatchesImage] = {}
    for image in images:
        if image.extraction is not None:
            first.setdefault(image.extraction, image)
    if len(first) > 1:
        one, other, *_ = first.values()
        raise ValueError(
            f"'{one.path}' and '{other.path}' come from two extractions, so their "
            "patches may lie at different positions. Run `extract_patches` again for "
            "this area, with all sources in one call, and use all its files."
        )


def _checked(array: Any) -> np.ndarray:
    """The array, after a check that it is one of square patches of numbers."""
    try:
        array = np.asarray(array)
    except ValueError:
        # Lists of different lengths. What is said then is said of their type.
        array = np.array(None)
    if array.dtype.kind not in "uif" or array.dtype.name == "float16":
        raise TypeError(
            f"The array has the type {array.dtype}. Give whole numbers or floats: "
            "`array.astype('float32')`."
        )
    if array.ndim != 4 or array.shape[1] != array.shape[2] or not array.size:
        raise ValueError(
            f"The array has the shape {array.shape}. Give at least one square patch: "
            "(n, size, size, channel)."
        )
    return array


def _image(array: np.ndarray) -> tuple[np.ndarray, GeoBox]:
    """The pixels of a patches image, and its grid without a place."""
    image = rearrange(array, "n h w c -> (n h) w c")
    nowhere = rasterio.Affine(1, 0, 0, 0, -1, 0)
    return image, GeoBox(image.shape[:2], nowhere, None)
