"""The only pixel I/O: sources, reading arrays, writing rasters, legends.

Arrays are (height, width, channel); files are GeoTIFF or anything GDAL reads. A file
appears under its name only when it is complete: it is written beside and renamed.
"""

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

# GDAL's block cache is 5 % of the machine's memory by default, in a container of the
# host's: a few large rows of blocks need far less. Read by GDAL at its first use.
os.environ.setdefault("GDAL_CACHEMAX", "64")

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

PathLike = str | os.PathLike[str]

BLOCK_SIZE = 256

# Statistics, overviews and masks that GDAL and QGIS keep beside a raster.
SIDECARS = (".aux.xml", ".ovr", ".msk")

__all__ = [
    "Legend",
    "PathLike",
    "RasterWriter",
    "Source",
    "SourceReader",
    "create_raster",
    "is_nodata",
    "open_source",
    "read_array",
    "read_grid",
    "read_legend",
    "read_nodata",
    "to_type",
    "write_array",
]


@dataclass(frozen=True)
class Legend:
    """Names and colours of the classes 0, 1, 2… of a label map.

    Attributes:
        names: One name for each class.
        colors: One colour for each class, as "#rrggbb".

    Example:
        >>> Legend(names=("water", "forest"), colors=("#7fbcfc", "#106b00")).names[1]
        'forest'
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.colors):
            raise ValueError(
                f"The legend has {len(self.names)} names and {len(self.colors)} "
                "colors. Give one color for each name."
            )
        wrong = [c for c in self.colors if not re.fullmatch("#[0-9a-fA-F]{6}", c)]
        if wrong:
            raise ValueError(
                f"The color '{wrong[0]}' of the legend is not of the form '#rrggbb'. "
                "Write it so, for example '#106b00'."
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rgb(self) -> tuple[tuple[int, int, int], ...]:
        """The colours as (red, green, blue), 0 to 255."""
        return tuple(
            tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in self.colors
        )


def _open_quietly(path: PathLike, mode: str = "r", **profile: Any) -> Any:
    """`rasterio.open` without its warning: patches images have no georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path, mode, **profile)


@contextmanager
def _opened(path: PathLike) -> Iterator[rasterio.DatasetReader]:
    try:
        dataset = _open_quietly(path)
    except rasterio.errors.RasterioIOError as err:
        if not str(path).startswith(("/vsi", "http")) and not Path(path).exists():
            raise FileNotFoundError(
                f"There is no raster at '{path}'. Check the path (the current folder "
                f"is '{Path.cwd().name}')."
            ) from None
        raise OSError(f"'{path}' is not a raster that GDAL can read: {err}.") from err
    with dataset:
        yield dataset


def read_grid(path: PathLike) -> GeoBox:
    """Grid of a raster: shape, transform and CRS.

    Args:
        path: Raster that GDAL reads.

    Returns:
        The grid; `grid.shape` is (height, width), `grid.transform` maps (column, row)
        to (x, y).

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If GDAL cannot read it.

    Example:
        >>> from tutorial_lib import testing
        >>> read_grid(testing.small_scene()["input_10m"]).shape.yx
        (120, 168)
    """
    with _opened(path) as dataset:
        return _grid(dataset)


def _grid(dataset: rasterio.DatasetReader) -> GeoBox:
    # The code where there is one ("EPSG:32631"): a page of WKT says less in a message.
    crs = dataset.crs and dataset.crs.to_string()
    return GeoBox(dataset.shape, dataset.transform, crs)


def read_nodata(path: PathLike) -> float | None:
    """No-data value that a raster's own tag declares, or None."""
    with _opened(path) as dataset:
        return dataset.nodata


def read_legend(path: PathLike) -> Legend | None:
    """Class names and colours that a label raster carries, or None.

    The names are in the tags `CLASS_0`, `CLASS_1`… of band 1, the colours in its colour
    table, as `create_raster` writes them.

    Example:
        >>> from tutorial_lib import testing
        >>> read_legend(testing.small_scene()["labels"]).names
        ('water', 'meadow', 'forest', 'town')
    """
    with _opened(path) as dataset:
        tags = dataset.tags(1)
        names = []
        while (name := tags.get(f"CLASS_{len(names)}")) is not None:
            names.append(name)
        if not names:
            return None
        table = dataset.colormap(1)
    colors = ["#{:02x}{:02x}{:02x}".format(*table[i][:3]) for i in range(len(names))]
    return Legend(tuple(names), tuple(colors))


def read_array(
    path: PathLike,
    *,
    window: Window | None = None,
    bands: Sequence[int] | None = None,
) -> np.ndarray:
    """Pixels of a raster.

    Args:
        path: Raster that GDAL reads.
        window: Whole-pixel part of it; None for all.
        bands: Band numbers from 1; None for all.

    Returns:
        (height, width, channel) array of the raster's type.

    Raises:
        ValueError: If the window leaves the raster, or a band does not exist.
        FileNotFoundError: If there is no such file.
    """
    with open_source(Source(path, bands=bands)) as reader:
        height, width = reader.grid.shape
        window = window or Window(0, 0, width, height)
        if any(value != int(value) for value in window.flatten()):
            raise ValueError(
                f"A window is of whole pixels. Received: {window}. Round it first, "
                "with `round_offsets` and `round_lengths`."
            )
        return reader.read(window.row_off, window.col_off, window.height, window.width)


@dataclass(frozen=True)
class Source:
    """A named input raster, or several of the same grid whose bands are stacked.

    Attributes:
        path: One raster, or a list of rasters.
        receptive_field: Side of the block of pixels that the network reads for one
            expression field, in pixels of this source.
        nodata: Value of pixels without data (NaN works); None takes the raster's tag.
        bands: Numbers, from 1, of the (stacked) bands to use; None for all.

    Example:
        >>> Source("s2_10m.tif", receptive_field=16).receptive_field
        16
    """

    path: PathLike | Sequence[PathLike]
    receptive_field: int | None = None
    nodata: float | None = None
    bands: Sequence[int] | None = None

    @classmethod
    def of(cls, source: "Source | PathLike | Sequence[PathLike]") -> "Source":
        """The source itself, or one made from bare paths."""
        return source if isinstance(source, cls) else cls(source)

    @property
    def paths(self) -> tuple[PathLike, ...]:
        """The rasters, also when there is only one."""
        single = isinstance(self.path, str | os.PathLike)
        return (self.path,) if single else tuple(self.path)


@contextmanager
def open_source(source: Source) -> Iterator["SourceReader"]:
    """Open all rasters of a source for reading.

    Raises:
        FileNotFoundError: If a raster does not exist.
        ValueError: If stacked rasters differ in grid or no-data value.
    """
    with ExitStack() as stack:
        yield SourceReader(
            source, [stack.enter_context(_opened(path)) for path in source.paths]
        )


class SourceReader:
    """An open source: its grid, number of channels, no-data value, and pixels."""

    def __init__(
        self, source: Source, datasets: Sequence[rasterio.DatasetReader]
    ) -> None:
        if not datasets:
            raise ValueError("A source has no raster: its list of paths is empty.")
        self._datasets = datasets
        self.grid = _grid(datasets[0])
        for dataset in datasets[1:]:
            if _grid(dataset) != self.grid:
                raise ValueError(
                    f"'{dataset.name}' ({dataset.height}x{dataset.width} px) is not on "
                    f"the grid of '{datasets[0].name}' ({self.grid.height}x"
                    f"{self.grid.width} px), so their bands cannot be stacked. Declare "
                    "them as two sources."
                )
        self.nodata = self._nodata(source)
        self._bands = self._check_bands(source)

    def _nodata(self, source: Source) -> float | None:
        if source.nodata is not None:
            return source.nodata
        tags = {str(dataset.nodata): dataset.nodata for dataset in self._datasets}
        if len(tags) > 1:
            raise ValueError(
                f"The stacked rasters {[str(p) for p in source.paths]} have different "
                f"no-data tags ({', '.join(tags)}). Say which counts: `nodata=…`."
            )
        return next(iter(tags.values()))

    def _check_bands(self, source: Source) -> tuple[int, ...]:
        count = sum(dataset.count for dataset in self._datasets)
        bands = tuple(range(1, count + 1) if source.bands is None else source.bands)
        if not bands:
            raise ValueError(
                f"No band of '{source.paths[0]}' is chosen: bands=[]. Give band "
                f"numbers from 1 to {count}, or None for all."
            )
        wrong = [band for band in bands if not 1 <= band <= count]
        if wrong:
            raise ValueError(
                f"Band {wrong[0]} of '{source.paths[0]}' does not exist: it has "
                f"{count} bands, numbered from 1. Received: bands={list(bands)}."
            )
        return bands

    @property
    def channels(self) -> int:
        """Number of channels of the arrays that `read` gives."""
        return len(self._bands)

    @property
    def dtype(self) -> np.dtype:
        """Type of the arrays that `read` gives."""
        types = [name for dataset in self._datasets for name in dataset.dtypes]
        return np.result_type(*(types[band - 1] for band in self._bands))

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Pixels (height, width, channel) of a window that lies inside the source."""
        # rasterio returns a smaller array, without a word, where the window leaves.
        if (
            min(row, col) < 0
            or row + height > self.grid.height
            or col + width > self.grid.width
        ):
            raise ValueError(
                f"The window (row {row}, col {col}, {height}x{width} px) leaves "
                f"'{self._datasets[0].name}', which has {self.grid.height}x"
                f"{self.grid.width} px."
            )
        window = Window(col, row, width, height)
        stack, first = [], 1
        for dataset in self._datasets:
            own = range(first, first + dataset.count)
            wanted = [band for band in self._bands if band in own]
            bands = [band - first + 1 for band in wanted]
            planes = _read(dataset, bands, window) if bands else ()
            stack.append(dict(zip(wanted, planes, strict=True)))
            first += dataset.count
        planes = {band: plane for part in stack for band, plane in part.items()}
        return np.stack([planes[band] for band in self._bands], axis=-1)


def _read(
    dataset: rasterio.DatasetReader, bands: Sequence[int], window: Window
) -> np.ndarray:
    try:
        return dataset.read(bands, window=window)
    except rasterio.errors.RasterioIOError as err:
        raise OSError(
            f"'{dataset.name}' is damaged: its pixels from row {window.row_off}, col "
            f"{window.col_off} cannot be read. Download or make it again."
        ) from err


def is_nodata(array: np.ndarray, nodata: float | None) -> np.ndarray:
    """Where values equal the no-data value; NaN equals NaN here.

    Args:
        array: Any array.
        nodata: The no-data value; None means that there is none.

    Returns:
        Boolean array of the same shape.

    Example:
        >>> is_nodata(np.array([0.0, np.nan, 2.0]), float("nan"))
        array([False,  True, False])
    """
    if nodata is None:
        return np.zeros(array.shape, bool)
    if np.isnan(nodata):
        return np.isnan(array)
    return array == nodata


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
            dataset = _open_quietly(part, "w", **profile)
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
    with _opened(path) as dataset:
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
