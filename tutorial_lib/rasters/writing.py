"""Writes GeoTIFFs under a temporary name, and renames them when they are complete."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.rasters.cloud_optimised import copy_cloud_optimised, working_profile
from tutorial_lib.rasters.dataset_files import check_readable
from tutorial_lib.rasters.destinations import check_geotiff
from tutorial_lib.rasters.files import replacing_together
from tutorial_lib.rasters.legends import (
    Legend,
    check_legend_fits,
    describe_classes,
)
from tutorial_lib.rasters.opening import PathLike, block_cache, open_quietly
from tutorial_lib.rasters.pixel_types import pixel_type, real_array, stored_as
from tutorial_lib.rasters.profiles import BLOCK_SIZE, geotiff_profile
from tutorial_lib.rasters.sidecars import is_kept, sidecars_of, write_sidecars
from tutorial_lib.rasters.tags import checked_texts
from tutorial_lib.rasters.write_errors import errors_named

__all__ = [
    "BLOCK_SIZE",
    "RasterWriter",
    "check_file_name",
    "create_raster",
    "write_array",
    "write_together",
]


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

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks of the file that is being written."""
        return self._dataset.block_shapes[0]

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
                f"{self._dataset.width} px and "
                f"{counted(self._dataset.count, 'channel')}. "
                "Cut it at the border, or correct its place."
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
def create_raster(  # noqa: PLR0913 - every one is a choice of the user's
    path: PathLike,
    grid: GeoBox,
    *,
    channels: int,
    dtype: str | np.dtype,
    nodata: float | None = None,
    legend: Legend | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
    cog: bool = False,
    compress: str = "deflate",
    block: int | None = None,
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
        legend: Class names and colours, for one band of whole numbers. They are also
            written into a style beside the file, `map.qml`, which QGIS applies by
            itself. A style that a user saved from QGIS is kept.
        tags: Metadata, as names and texts.
        descriptions: A name for each band.
        cog: Whether to write a cloud-optimised GeoTIFF, with overviews and statistics.
            It is copied from a GeoTIFF at the end, so it takes its space on the disk
            twice until then.
        compress: "deflate", which all common programs read, or "zstd", which is
            quicker.
        block: Side of the file's blocks in pixels, a multiple of 16 up to 1024; None
            for 256. Writing is quickest if windows and blocks have the same corners. A
            raster with a side below 256 pixels has strips of rows instead; a
            cloud-optimised one always has blocks of 512.

    Yields:
        A writer; its `write(array, row, col)` takes (height, width, channel) arrays.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If a GeoTIFF cannot hold the type, the no-data value, the legend,
            the tags or the descriptions, or GDAL does not have the compression.
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
    dtype, cog = pixel_type("dtype", dtype), arguments.flag("cog", cog)
    profile = geotiff_profile(
        grid, channels, dtype, nodata, compress=compress, block=block
    )
    check_legend_fits(legend, profile["count"], np.dtype(profile["dtype"]))
    tags, descriptions = checked_texts(tags, descriptions, profile["count"])
    check_geotiff(path)
    # The working folder may be another one at the end.
    place = Path(path).absolute()
    sidecars, keep = sidecars_of(place), partial(is_kept, place)
    with replacing_together([path], sidecars=sidecars, keep=keep) as (part, *beside):
        written = part.with_name(f"{part.name}.working.tif") if cog else part
        profile = working_profile(profile) if cog else profile
        with _created(written, Path(path), profile) as dataset:
            _describe(dataset, legend, tags, descriptions)
            yield RasterWriter(dataset, Path(path))
        if cog:
            copy_cloud_optimised(
                written, part, Path(path), compress=compress, classes=bool(legend)
            )
        write_sidecars(part, beside, path, legend)


@contextmanager
def _created(
    part: Path, path: Path, profile: Mapping[str, Any]
) -> Iterator[rasterio.io.DatasetWriter]:
    """Create a file at `part`; errors name `path`, its place when it is complete."""
    with block_cache(0):
        with errors_named(path):
            dataset = open_quietly(part, "w", **profile)
        try:
            yield dataset
        finally:
            with errors_named(path):
                dataset.close()
    with errors_named(path):
        check_readable(part)


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


def write_array(  # noqa: PLR0913 - every one is a choice of the user's
    path: PathLike,
    array: np.ndarray,
    grid: GeoBox,
    *,
    nodata: float | None = None,
    legend: Legend | None = None,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] | None = None,
    cog: bool = False,
    compress: str = "deflate",
) -> Path:
    """Write an array (height, width, channel) as a GeoTIFF.

    Args:
        path: The file. Missing folders are made, an existing file is replaced.
        array: The pixels; the file takes their type. True and False are written as
            uint8.
        grid: Shape, transform and CRS of the raster.
        nodata: Value of the no-data tag; None for no tag.
        legend: Class names and colours, for one band of whole numbers, and for the
            style of `create_raster`.
        tags: Metadata, as names and texts.
        descriptions: A name for each band.
        cog: Whether to write a cloud-optimised GeoTIFF, as `create_raster` does.
        compress: "deflate" or "zstd".

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
        cog=cog,
        compress=compress,
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
    paths = [Path(path).absolute() for path in arrays]
    owner = {sidecar: path for path in paths for sidecar in sidecars_of(path)}
    with replacing_together(
        paths,
        sidecars=list(owner),
        keep=lambda sidecar: is_kept(owner[sidecar], sidecar),
    ) as parts:
        for part, (path, (array, grid)) in zip(parts, arrays.items(), strict=False):
            shape, dtype = _checked_shape("array", array), array.dtype
            profile = geotiff_profile(grid, shape[2], pixel_type("array", dtype))
            with _created(part, Path(path), profile) as dataset:
                _describe(dataset, None, tags, ())
                RasterWriter(dataset, Path(path)).write(array)
