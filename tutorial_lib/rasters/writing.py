"""Writing rasters: beside, then renamed, so that a file is complete or not there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.reading import PathLike, open_quietly, opened

BLOCK_SIZE = 256

# Statistics, overviews and masks that GDAL and QGIS keep beside a raster.
SIDECARS = (".aux.xml", ".ovr", ".msk")


def to_type(values: np.ndarray, dtype: str | np.dtype, *, nan: float) -> np.ndarray:
    """Values in another type: rounded to nearest and clamped where it holds integers.

    Args:
        values: Any array.
        dtype: The type.
        nan: What NaN becomes in a type that has none.

    Returns:
        Array of the type and the same shape.

    Example:
        >>> to_type(np.array([-1.0, 2.9, 300, np.nan]), "uint8", nan=255).tolist()
        [0, 3, 255, 255]
    """
    dtype = np.dtype(dtype)
    if values.dtype == dtype or np.issubdtype(dtype, np.floating):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    if np.issubdtype(values.dtype, np.floating):
        # float64 holds the limits of 32-bit integers, float32 does not.
        values = values.astype("float64")
        values = np.rint(np.where(np.isnan(values), nan, values))
    return values.clip(limits.min, limits.max).astype(dtype)


class RasterWriter:
    """Writes windows of a raster that is being created."""

    def __init__(self, dataset: rasterio.io.DatasetWriter, path: Path) -> None:
        self._dataset = dataset
        self._path = path

    def write(self, array: np.ndarray, row: int = 0, col: int = 0) -> None:
        """Write an array (height, width, channel) with its corner at (row, col)."""
        height, width, channels = _three_axes(array)
        # GDAL stretches an array of another shape into the window, without a word.
        if (
            min(row, col) < 0
            or row + height > self._dataset.height
            or col + width > self._dataset.width
            or channels != self._dataset.count
        ):
            raise ValueError(
                f"An array of shape {array.shape} at row {row}, col {col} does not fit "
                f"'{self._path.name}' (height {self._dataset.height}, width "
                f"{self._dataset.width}, {self._dataset.count} channels)."
            )
        with _writing(self._path):
            self._dataset.write(
                np.moveaxis(array, -1, 0), window=Window(col, row, width, height)
            )


def _three_axes(array: np.ndarray) -> tuple[int, int, int]:
    if array.ndim != 3:
        raise ValueError(
            f"Arrays have the shape (height, width, channel). Received: {array.shape}. "
            "A single band is `array[..., np.newaxis]`."
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
    """Create a tiled, compressed GeoTIFF; it appears when the block ends well.

    Args:
        path: Where it goes; missing folders are made, an existing file is replaced.
        grid: Its shape, transform and CRS.
        channels: Number of bands.
        dtype: Type of the pixels.
        nodata: Value of the no-data tag.
        legend: Class names and colours, for one band of an unsigned 8 or 16 bit type.
        tags: Free metadata.
        descriptions: A name for each band.

    Yields:
        A writer; its `write(array, row, col)` takes (height, width, channel) arrays.

    Raises:
        ValueError: If there is a legend and the raster is no label map.
        OSError: If the folder cannot be written or the disk is full. Nothing is left
            and an existing file stays as it was.

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
    _check_legend(legend, channels, np.dtype(dtype))
    path = Path(path)
    part = path.with_name(f".{path.stem}.part-{uuid4().hex[:8]}{path.suffix}")
    try:
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            profile = _profile(grid, channels, dtype, nodata)
            dataset = open_quietly(part, "w", **profile)
        try:
            _describe(dataset, legend, tags, descriptions)
            yield RasterWriter(dataset, path)
        finally:
            with _writing(path):
                dataset.close()
        with _writing(path):
            _check_readable(part)
            part.replace(path)
            # What other programs kept beside the old raster would be shown of this one.
            for ending in SIDECARS:
                path.with_name(path.name + ending).unlink(missing_ok=True)
    finally:
        # An error here would hide the one that explains.
        with suppress(OSError):
            part.unlink()


def _check_legend(legend: Legend | None, channels: int, dtype: np.dtype) -> None:
    """GDAL leaves such colours out, with a line in its log only."""
    if legend and (channels != 1 or dtype.name not in ("uint8", "uint16")):
        raise ValueError(
            f"A legend needs one band of uint8 or uint16. Received: {channels} of "
            f"{dtype}. Leave the legend out, or convert with `to_type`."
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, rasterio.errors.RasterioError) as err:
        raise OSError(
            f"'{path}' could not be written: {err}. Check that its folder can be "
            "written and that the disk has space; nothing was left behind."
        ) from err


def _profile(
    grid: GeoBox, channels: int, dtype: str | np.dtype, nodata: float | None
) -> dict:
    floating = np.issubdtype(np.dtype(dtype), np.floating)
    tiled = min(grid.shape) >= BLOCK_SIZE
    blocks = {"blockxsize": BLOCK_SIZE, "blockysize": BLOCK_SIZE} if tiled else {}
    return {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": channels,
        "dtype": np.dtype(dtype).name,
        "crs": grid.crs and str(grid.crs),
        "transform": grid.transform,
        "nodata": nodata,
        "tiled": tiled,
        "compress": "deflate",
        "predictor": 3 if floating else 2,
        "bigtiff": "if_safer",
        "interleave": "pixel",
    } | blocks


def _describe(
    dataset: rasterio.io.DatasetWriter,
    legend: Legend | None,
    tags: Mapping[str, str] | None,
    descriptions: Sequence[str] | None,
) -> None:
    if tags:
        dataset.update_tags(**tags)
    if descriptions:
        dataset.descriptions = tuple(descriptions)
    if legend:
        dataset.write_colormap(1, {i: (*c, 255) for i, c in enumerate(legend.rgb)})
        names = {f"CLASS_{i}": name for i, name in enumerate(legend.names)}
        dataset.update_tags(1, **names)


def _check_readable(path: Path) -> None:
    """A full disk may show only when the last, flushed block cannot be read back."""
    with opened(path) as dataset:
        _, last = list(dataset.block_windows(1))[-1]
        dataset.read(1, window=last)


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
    """Write an array (height, width, channel) as a GeoTIFF; see `create_raster`.

    Returns:
        The path of the raster.

    Raises:
        ValueError: If the array is not of the size of the grid.
        OSError: If the file cannot be written.
    """
    if _three_axes(array)[:2] != grid.shape:
        raise ValueError(
            f"The array has {array.shape[0]}x{array.shape[1]} px and its grid "
            f"{grid.height}x{grid.width}. Give the grid of the array."
        )
    with create_raster(
        path,
        grid,
        channels=array.shape[2],
        dtype=array.dtype,
        nodata=nodata,
        legend=legend,
        tags=tags,
        descriptions=descriptions,
    ) as raster:
        raster.write(array)
    return Path(path)
