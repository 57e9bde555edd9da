"""Which pixels of a raster have data: the one answer, for every part of the kit.

A band of a pixel has no data where it equals the band's own no-data value, or where a
mask of that band says so. A pixel has no data where that holds for all its bands, where
a mask or an alpha band of the whole raster says so, or where a band is NaN or infinite.
No-data values do not mean the alpha band itself: it holds no measurements. Values are
compared in the raster's own type, and before scale and offset.
"""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from tutorial_lib.rasters.dataset_files import reading_errors_named

# rasterio reads the tags of 64-bit integers as float64, which holds integers exactly up
# to this one. GDAL's own mask compares larger tags exactly.
EXACT_IN_FLOAT64 = 2**53

__all__ = [
    "NoData",
    "PixelBlock",
    "as_own_type",
    "pixels_without_data",
]


class PixelBlock(NamedTuple):
    """Pixels of a window, and which of them have no data.

    Attributes:
        values: (height, width, channel).
        empty: (height, width) bool, True where the pixel has no data.
        incomplete: (height, width) bool, True where at least one band has no data.
    """

    values: np.ndarray
    empty: np.ndarray
    incomplete: np.ndarray


class Lacks(NamedTuple):
    """What the bands of one raster say about data; all (height, width) bool.

    Attributes:
        all_bands: True where no band has data by its own value or mask.
        whole: True where the pixel has no data, whatever other rasters of a stack say.
        some_band: True where at least one band has no data.
    """

    all_bands: np.ndarray
    whole: np.ndarray
    some_band: np.ndarray


def as_own_type(value: float | None, dtype: np.dtype) -> np.generic | None:
    """A no-data value in the type of a raster, or None if the type cannot hold it.

    Args:
        value: The value, or None if there is none.
        dtype: Type of the raster. A float type rounds the value, as GDAL does when it
            writes one: 3.4e38 is a no-data value of float32.

    Example:
        >>> as_own_type(255.0, np.dtype("uint8")), as_own_type(-9999, np.dtype("uint8"))
        (np.uint8(255), None)
    """
    if value is None:
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            own = dtype.type(value)
        # Too large a value would become infinite, and too small a one 0.
        beyond = (np.isinf(own) and isfinite(value)) or (own == 0 and value != 0)
        return None if beyond else own
    limits = np.iinfo(dtype)
    if not isfinite(value) or value != int(value):
        return None
    inside = limits.min <= int(value) <= limits.max
    return dtype.type(int(value)) if inside else None


class NoData:
    """Finds the pixels without data of one open raster.

    Args:
        dataset: The open raster.
        bands: Band numbers from 1.
        nodata: Value that replaces the no-data tags of all bands; None takes the tags.
            Masks, alpha bands, NaN and infinity count in both cases.

    Attributes:
        possible: False where no pixel can lack data: a raster of integers without a tag
            and without a mask. Nothing is computed then.

    Raises:
        TypeError: If the pixels are complex numbers.

    Example:
        >>> from tutorial_lib import rasters, testing
        >>> with rasters.opened(testing.small_scene()["labels"]) as dataset:
        ...     block = NoData(dataset, bands=[1]).block(Window(3, 50, 9, 40))
        >>> block.values.shape, block.empty.shape
        ((40, 9, 1), (40, 9))
    """

    def __init__(
        self,
        dataset: rasterio.DatasetReader,
        bands: Sequence[int],
        nodata: float | None = None,
    ) -> None:
        self._dataset = dataset
        self._bands = list(bands)
        types = [own_type(dataset, band) for band in bands]
        flags = [dataset.mask_flag_enums[band - 1] for band in bands]
        values = [
            dataset.nodatavals[band - 1] if nodata is None else nodata for band in bands
        ]
        self._values = [
            as_own_type(value, dtype)
            for value, dtype in zip(values, types, strict=True)
        ]
        self._is_uniform = len(set(types)) == 1
        self._floats = [dtype.kind == "f" for dtype in types]
        # Positions, within `bands`, of bands that only GDAL's mask can judge.
        self._masked = [i for i, found in enumerate(flags) if not found]
        if nodata is None:
            self._masked += [
                i
                for i, value in enumerate(values)
                if MaskFlags.nodata in flags[i] and _is_inexact(value, types[i])
            ]
        self._whole_mask = _mask_of_all_bands(
            flags, self._bands, without_tags=nodata is not None
        )
        self._alpha = _alpha_band(dataset)
        # An alpha band beside others holds no measurements, so tags do not mean it.
        self._measured = [i for i, b in enumerate(bands) if b != self._alpha]
        self._measured = self._measured or list(range(len(bands)))

    @property
    def possible(self) -> bool:
        """Whether a pixel can lack data."""
        return bool(
            self._masked
            or self._whole_mask
            or self._alpha
            or any(self._floats)
            or any(self._values[i] is not None for i in self._measured)
        )

    @property
    def bands_read(self) -> list[int]:
        """Numbers of the bands that are read, each once, with the alpha band."""
        return sorted({*self._bands, *([self._alpha] if self._alpha else [])})

    def block(
        self, window: Window, *, out_shape: tuple[int, int] | None = None
    ) -> PixelBlock:
        """Read a window and find its pixels without data.

        Args:
            window: The part to read, inside the raster.
            out_shape: (height, width) of the result; GDAL then picks the nearest pixels
                of the raster or of its overviews. None for full resolution.

        Raises:
            OSError: If the file is damaged.
        """
        values = self.values(window, out_shape=out_shape)
        lacks = self.lacks(values, window)
        return PixelBlock(values, lacks.all_bands | lacks.whole, lacks.some_band)

    def values(
        self, window: Window, *, out_shape: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Read the pixels (height, width, channel) of a window."""
        # rasterio reads several bands at a time only if all are of one type.
        groups = [self._bands] if self._is_uniform else [[b] for b in self._bands]
        with reading_errors_named(self._dataset, window):
            planes = [
                self._dataset.read(
                    group,
                    window=window,
                    out_shape=out_shape and (len(group), *out_shape),
                )
                for group in groups
            ]
        return np.moveaxis(np.concatenate(planes) if planes[1:] else planes[0], 0, -1)

    def read_into(self, pixels: np.ndarray, window: Window) -> None:
        """Read a window into an array (height, width, channel) of its size.

        It is the quickest way to an array whose channels lie beside each other in
        memory; `values` lays whole bands behind each other.

        Args:
            pixels: A type that holds the values of all bands.
            window: The part to read, inside the raster.
        """
        planes = np.moveaxis(pixels, -1, 0)
        with reading_errors_named(self._dataset, window):
            if self._is_uniform:
                self._dataset.read(self._bands, window=window, out=planes)
                return
            for band, plane in zip(self._bands, planes, strict=True):
                self._dataset.read(band, window=window, out=plane)

    def lacks(self, values: np.ndarray, window: Window) -> Lacks:
        """Judge the pixels that `values` gave for this window.

        Args:
            values: (height, width, channel), not scaled.
            window: Where they were read.
        """
        shape = values.shape[:2]
        if not self.possible:
            nothing = np.zeros(shape, bool)
            return Lacks(nothing, nothing, nothing)
        some, whole = np.zeros(shape, bool), self._whole(window, shape)
        every = np.full(shape, all(map(self._can_be_empty, self._measured)))
        for index in self._measured:
            if self._can_be_empty(index):
                empty = self._empty_band(index, values[..., index], window)
                every &= empty
                some |= empty
        for index in np.flatnonzero(self._floats):
            plane = values[..., index]
            if not _is_finite(plane):
                whole |= ~np.isfinite(plane)
        return Lacks(every, whole, some | whole)

    def _can_be_empty(self, index: int) -> bool:
        """Whether one band has a value or a mask of its own that says "no data"."""
        return index in self._masked or self._values[index] is not None

    def _empty_band(self, index: int, plane: np.ndarray, window: Window) -> np.ndarray:
        """Where one band has no data by its own value or its own mask."""
        if index in self._masked:
            return self._mask(self._bands[index], window, plane.shape)
        return plane == self._values[index]

    def _whole(self, window: Window, shape: tuple[int, int]) -> np.ndarray:
        """Where a mask or an alpha band of the whole raster says that no data is."""
        empty = np.zeros(shape, bool)
        if self._whole_mask:
            empty |= self._mask(self._whole_mask, window, shape)
        if self._alpha:
            with reading_errors_named(self._dataset, window):
                alpha = self._dataset.read(self._alpha, window=window, out_shape=shape)
            empty |= alpha == 0
        return empty

    def _mask(self, band: int, window: Window, shape: tuple[int, int]) -> np.ndarray:
        with reading_errors_named(self._dataset, window):
            mask = self._dataset.read_masks(band, window=window, out_shape=shape)
        return mask == 0


def own_type(dataset: rasterio.DatasetReader, band: int) -> np.dtype:
    """Type of the pixels of a band.

    Raises:
        TypeError: If they are complex numbers.
    """
    name = dataset.dtypes[band - 1]
    # "complex_int16" of GDAL is not a type of NumPy.
    if name.startswith("complex"):
        raise TypeError(
            f"Band {band} of '{dataset.name}' holds complex numbers ({name}), and the "
            "kit reads real ones. Compute their amplitude: `gdal_calc.py -A in.tif "
            '--calc="abs(A)" --type=Float32 --outfile=out.tif`. Give that raster.'
        )
    return np.dtype(name)


def _is_finite(plane: np.ndarray) -> bool:
    """Whether a plane is surely finite: a sum is quicker than a look at each value."""
    # The sum of finite values may overflow; then each value is looked at.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(plane.sum()))


def _is_inexact(tag: float | None, dtype: np.dtype) -> bool:
    """Whether rasterio rounded or dropped the no-data tag of 64-bit integers."""
    is_long = dtype.kind in "iu" and dtype.itemsize == 8
    return is_long and (tag is None or abs(tag) >= EXACT_IN_FLOAT64)


def _mask_of_all_bands(
    flags: Sequence[Sequence[MaskFlags]], bands: Sequence[int], *, without_tags: bool
) -> int | None:
    """Number of a band whose mask holds for the whole raster, or None.

    Args:
        flags: What GDAL says about the mask of each band.
        bands: The numbers of these bands.
        without_tags: Whether masks are left out that GDAL makes from a no-data tag of
            the whole raster, NODATA_VALUES.
    """
    # GDAL's mask of an alpha band is made from that band, which is read itself.
    other = {MaskFlags.alpha} | ({MaskFlags.nodata} if without_tags else set())
    for found, band in zip(flags, bands, strict=True):
        if MaskFlags.per_dataset in found and not other & set(found):
            return band
    return None


def _alpha_band(dataset: rasterio.DatasetReader) -> int | None:
    """Number of the alpha band, or None."""
    # Where a raster has a tag as well, GDAL's masks show the tag only.
    kinds = dataset.colorinterp
    return kinds.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in kinds else None


def pixels_without_data(values: np.ndarray, nodata: float | None) -> np.ndarray:
    """Mask (height, width) of the pixels without data of an array, by its values only.

    They are no-data in all bands, or NaN or infinite in one.

    Args:
        values: (height, width, channel) array of real numbers.
        nodata: The no-data value, or None if there is none.

    Example:
        >>> values = np.array([[[0, 0], [0, 7], [np.nan, 7]]])
        >>> pixels_without_data(values, nodata=0)
        array([[ True, False,  True]])
    """
    own = as_own_type(nodata, values.dtype)
    shape = values.shape[:2]
    empty = np.zeros(shape, bool) if own is None else (values == own).all(axis=-1)
    if values.dtype.kind == "f":
        empty |= ~np.isfinite(values).all(axis=-1)
    return empty
