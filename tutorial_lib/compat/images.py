"""Images that applications hand on to each other: pixels are computed when read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.compat.filenames import BandRange, chosen_bands
from tutorial_lib.rasters import PathLike, Source, open_source

# (row, column, height, width) -> (height, width, band) array.
Read = Callable[[int, int, int, int], np.ndarray]

__all__ = ["ArrayImage", "FileImage", "Image", "Read", "StackedImage"]


class Image(ABC):
    """An image whose pixels are read, or computed, window by window.

    Attributes:
        grid: Shape, transform and CRS.
        bands: Number of bands.
        dtype: Type of the arrays that `reading` gives.
        strip_rows: Rows that are best read together, counted from row 0; None where the
            whole image is one piece.
        files: Files that it reads, which must not be overwritten.
    """

    grid: GeoBox
    bands: int
    dtype: np.dtype
    strip_rows: int | None = 256
    files: tuple[str, ...] = ()

    @abstractmethod
    def reading(self) -> AbstractContextManager[Read]:
        """Open what the image reads; gives the function that reads a window."""

    def array(self) -> np.ndarray:
        """All pixels, (height, width, band)."""
        with self.reading() as read:
            return read(0, 0, *self.grid.shape)


class ArrayImage(Image):
    """An image whose pixels are in memory already."""

    strip_rows = None

    def __init__(self, array: np.ndarray, grid: GeoBox) -> None:
        self._array, self.grid = array, grid
        self.bands, self.dtype = array.shape[2], array.dtype

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        yield lambda row, col, height, width: self._array[
            row : row + height, col : col + width
        ]


class FileImage(Image):
    """A raster in a file. No-data tags mean nothing here, as in OTB."""

    def __init__(
        self, path: PathLike, bands: Sequence[BandRange] | None = None
    ) -> None:
        self._source = Source(path)
        if bands is not None:
            with open_source(self._source) as reader:
                chosen = chosen_bands(bands, reader.channels)
            self._source = Source(path, bands=[band + 1 for band in chosen])
        with open_source(self._source) as reader:
            self.grid, self.bands = reader.grid, reader.channels
            self.dtype, self.files = reader.dtype, reader.files

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        with open_source(self._source) as reader:
            yield reader.read


class StackedImage(Image):
    """The bands of several images of the same size; the first one gives the grid."""

    def __init__(self, images: Sequence[Image]) -> None:
        first = images[0]
        for number, image in enumerate(images[1:], 2):
            if image.grid.shape != first.grid.shape:
                height, width = image.grid.shape
                raise ValueError(
                    f"Image {number} of the list has {height}x{width} px and image 1 "
                    f"{first.grid.height}x{first.grid.width} px, so their bands cannot "
                    "be stacked. Give images of one size, or declare them as two "
                    "sources."
                )
        self._images, self.grid = tuple(images), first.grid
        self.bands = sum(image.bands for image in images)
        self.dtype = np.result_type(*(image.dtype for image in images))
        self.strip_rows = first.strip_rows
        self.files = tuple(file for image in images for file in image.files)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        with ExitStack() as stack:
            reads = [stack.enter_context(image.reading()) for image in self._images]
            yield lambda *window: np.concatenate([r(*window) for r in reads], axis=-1)
