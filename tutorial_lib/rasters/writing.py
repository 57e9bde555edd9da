"""Writes GeoTIFFs under a temporary name, and renames them when they are complete."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import arguments
from tutorial_lib.rasters.dataset_files import PAM, remove_sidecars
from tutorial_lib.rasters.destinations import check_geotiff
from tutorial_lib.rasters.files import replacing, replacing_together, write_bytes
from tutorial_lib.rasters.legends import (
    Legend,
    check_legend_fits,
    describe_classes,
)
from tutorial_lib.rasters.opening import (
    PathLike,
    open_quietly,
    opened,
    small_block_cache,
)
from tutorial_lib.rasters.pixel_types import (
    checked_nodata_tag,
    pixel_type,
    real_array,
    stored_as,
)
from tutorial_lib.rasters.tags import checked_texts
from tutorial_lib.rasters.write_errors import errors_named

# Side of the blocks of a file, in pixels: GDAL's default for tiled GeoTIFFs.
BLOCK_SIZE = 256


def check_file_name(name: str) -> None:
    r"""Raise ValueError if a name would put a file outside of its folder.

    Example:
        >>> check_file_name("../a.tif")
        Traceback (most recent call last):
        ValueError: '../a.tif' is not a file name: it leads to another folder. Leave out
        '/' and '\', and choose the folder with its own argument.
    """
    arguments.text("name", name)
    # Windows also separates folders by a backslash, and drives by a colon.
    if {"/", "\\", ":"} & set(name) or name in ("", ".", ".."):
        raise ValueError(
            f"{name!r} is not a file name: it leads to another folder. Leave out '/' "
            "and '\\', and choose the folder with its own argument."
        )


class RasterWriter:
    """Writes windows of a raster that is being created."""

    def __init__(self, dataset: rasterio.io.DatasetWriter, path: Path) -> None:
        self._dataset = dataset
        self._path = path

    def write(self, array: np.ndarray, row: int = 0, col: int = 0) -> None:
        """Write an array (height, width, channel) with its corner at (row, col).

        Raises:
            TypeError: If it is not an array of real numbers.
            ValueError: If it does not fit into the raster, or the raster's type cannot
                hold its values.
            OSError: If the disk is full.
        """
        height, width, channels = _checked_shape("array", array)
        row, col = (
            arguments.whole_number(name, value)
            for name, value in (("row", row), ("col", col))
        )
        # Without this check GDAL would resample an array of another shape.
        if (
            min(row, col) < 0
            or row + height > self._dataset.height
            or col + width > self._dataset.width
            or channels != self._dataset.count
        ):
            raise ValueError(
                f"An array of shape {array.shape} at row {row}, col {col} does not fit "
                f"into '{self._path.name}', which has {self._dataset.height}x"
                f"{self._dataset.width} px and {self._dataset.count} channels. Cut it "
                "at the border, or correct its place."
            )
        array = stored_as(array, np.dtype(self._dataset.dtypes[0]))
        with errors_named(self._path):
            self._dataset.write(
                np.moveaxis(array, -1, 0), window=Window(col, row, width, height)
            )


def _checked_shape(name: str, array: np.ndarray) -> tuple[int, int, int]:
    array = real_array(name, array)
    if array.ndim != 3:
        raise ValueError(
            f"Arrays have the shape (height, width, channel). Received: {array.shape}. "
            "Write a single band as `array[..., np.newaxis]`."
        )
    if not array.size:
        raise ValueError(
            f"`{name}` has the shape {array.shape}, so it holds no pixels. Give an "
            "array of at least one pixel and one channel."
        )
    return array.shape


@contextmanager
def create_raster(
    path: PathLike,
    grid: GeoBox,
    *,
    channels: int,
    dtype: str | np.dtype,
    nodata: float | None = None,
    legend: Legend | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
) -> Iterator[RasterWriter]:
    """Create a compressed GeoTIFF; it appears when the `with` block ends.

    If the block ends with an error, nothing is left and an existing file is kept.

    Args:
        path: The file, which ends in .tif. Missing folders are made, an existing file
            is replaced.
        grid: Shape, transform and CRS of the raster.
        channels: Number of bands.
        dtype: Type of the pixels.
        nodata: Value of the no-data tag; None for no tag.
        legend: Class names and colours, for one band of uint8 or uint16.
        tags: Metadata, as names and texts.
        descriptions: A name for each band.

    Yields:
        A writer; its `write(array, row, col)` takes (height, width, channel) arrays.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If a GeoTIFF cannot hold the type, the no-data value, the legend,
            the tags or the descriptions.
        OSError: If the folder cannot be written or the disk is full.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.rasters import read_array
        >>> grid = testing.small_grid(3, 5)
        >>> path = testing.scratch_folder() / "a.tif"
        >>> with create_raster(path, grid, channels=1, dtype="uint8") as raster:
        ...     raster.write(np.full((3, 5, 1), 7, "uint8"))
        >>> int(read_array(path).sum())
        105
    """
    profile = _profile(grid, channels, pixel_type("dtype", dtype), nodata)
    check_legend_fits(legend, profile["count"], np.dtype(profile["dtype"]))
    tags, descriptions = checked_texts(tags, descriptions, profile["count"])
    check_geotiff(path)
    with replacing(path) as part:
        with _created(part, Path(path), profile) as dataset:
            _describe(dataset, legend, tags, descriptions)
            yield RasterWriter(dataset, Path(path))
        beside = part.with_name(part.name + PAM)
        more = beside.read_bytes() if beside.exists() else None
    remove_sidecars(Path(path))
    # GDAL writes here what a GeoTIFF cannot hold, such as the CRS of a rotated pole.
    if more is not None:
        write_bytes(f"{os.fspath(path)}{PAM}", more)


@contextmanager
def _created(
    part: Path, path: Path, profile: Mapping[str, Any]
) -> Iterator[rasterio.io.DatasetWriter]:
    """Create a file at `part`; errors name `path`, its place when it is complete."""
    with small_block_cache:
        with errors_named(path):
            dataset = open_quietly(part, "w", **profile)
        try:
            yield dataset
        finally:
            with errors_named(path):
                dataset.close()
    with errors_named(path):
        _check_readable(part)


def _profile(
    grid: GeoBox, channels: int, dtype: np.dtype, nodata: float | None
) -> dict[str, Any]:
    """What rasterio needs to create a file, after a check of it."""
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
        # Deflate is lossless, and all common programs read it.
        "compress": "deflate",
        # The predictor stores differences of neighbours: 3 for floats, 2 for integers.
        "predictor": 3 if dtype.kind == "f" else 2,
        # A file beyond 4 GB must be a BigTIFF. The size of a compressed file is not
        # known when it is created, so IF_SAFER chooses BigTIFF if 4 GB are possible.
        "bigtiff": "if_safer",
        # The kit reads and writes all bands of a window together.
        "interleave": "pixel",
    }
    # A block is written whole, so a raster narrower than a block (a patches image is
    # one patch wide) would be padded. GDAL writes strips of full rows instead.
    if min(grid.shape) < BLOCK_SIZE:
        return profile | {"tiled": False}
    return profile | {
        "tiled": True,
        "blockxsize": BLOCK_SIZE,
        "blockysize": BLOCK_SIZE,
    }


def _describe(
    dataset: rasterio.io.DatasetWriter,
    legend: Legend | None,
    tags: Mapping[str, str],
    descriptions: tuple[str, ...],
) -> None:
    if tags:
        dataset.update_tags(**tags)
    if descriptions:
        dataset.descriptions = descriptions
    if legend:
        describe_classes(dataset, legend)


def _check_readable(path: Path) -> None:
    # GDAL writes the last blocks when a file is closed and does not always report that
    # the disk is full. So the last block is read back.
    try:
        with opened(path) as dataset:
            _, last = list(dataset.block_windows(1))[-1]
            dataset.read(1, window=last)
    except OSError:
        raise OSError("GDAL cannot read it back") from None


def write_array(
    path: PathLike,
    array: np.ndarray,
    grid: GeoBox,
    *,
    nodata: float | None = None,
    legend: Legend | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
) -> Path:
    """Write an array (height, width, channel) as a GeoTIFF.

    Args:
        path: The file. Missing folders are made, an existing file is replaced.
        array: The pixels; the file takes their type. True and False are written as
            uint8.
        grid: Shape, transform and CRS of the raster.
        nodata: Value of the no-data tag; None for no tag.
        legend: Class names and colours, for one band of uint8 or uint16.
        tags: Metadata, as names and texts.
        descriptions: A name for each band.

    Returns:
        The path of the raster.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If the array and the grid differ in size, or a GeoTIFF cannot hold
            the no-data value, the legend, the tags or the descriptions.
        OSError: If the file cannot be written.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "a.tif"
        >>> write_array(path, np.ones((3, 5, 1)), testing.small_grid(3, 5)).name
        'a.tif'
    """
    shape = _checked_shape("array", array)
    arguments.instance("grid", grid, GeoBox, "a grid, such as `read_grid(path)`")
    if shape[:2] != grid.shape:
        raise ValueError(
            f"The array has {array.shape[0]}x{array.shape[1]} px and its grid "
            f"{grid.height}x{grid.width} px. Give a grid of the same size."
        )
    with create_raster(
        path,
        grid,
        channels=shape[2],
        dtype=array.dtype,
        nodata=nodata,
        legend=legend,
        tags=tags,
        descriptions=descriptions,
    ) as raster:
        raster.write(array)
    return Path(path)


def write_together(
    arrays: Mapping[PathLike, tuple[np.ndarray, GeoBox]],
    *,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write several rasters that belong together.

    All are complete on the disk before the first one gets its name. If one cannot be
    written, all existing files are kept.

    Args:
        arrays: The pixels (height, width, channel) and the grid of each file.
        tags: Metadata of every file, as names and texts.

    Raises:
        OSError: If a file cannot be written.
    """
    tags, _ = checked_texts(tags, None, 1)
    paths = [Path(path) for path in arrays]
    with replacing_together(paths) as parts:
        for part, path, (array, grid) in zip(
            parts, paths, arrays.values(), strict=True
        ):
            shape, dtype = _checked_shape("array", array), array.dtype
            profile = _profile(grid, shape[2], pixel_type("array", dtype), nodata=None)
            with _created(part, path, profile) as dataset:
                _describe(dataset, None, tags, ())
                RasterWriter(dataset, path).write(array)
    for path in paths:
        remove_sidecars(path)
