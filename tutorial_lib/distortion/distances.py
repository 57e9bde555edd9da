"""`rmse`: how much two rasters differ on their common window."""

from dataclasses import dataclass
from itertools import product
from math import fsum

import numpy as np

from tutorial_lib.display import counted, wrapped
from tutorial_lib.grids import Axis, GridMismatchError, align, tile_spans
from tutorial_lib.rasters import (
    PathLike,
    Source,
    SourceReader,
    open_source,
    read_legend,
)

# Side of what is read at once, in pixels: memory does not grow with the rasters.
BLOCK = 512

__all__ = ["BLOCK", "Distance", "read_measured", "rmse"]


@dataclass(frozen=True, repr=False)
class Distance:
    """How much two rasters differ on their common window; `rmse` measures it.

    Attributes:
        per_value: Square root of the mean, over pixels and bands, of the squared
            difference.
        summed_over_bands: Square root of the mean, over pixels, of the sum over bands
            of the squared difference, as the helper of OTBTF's tutorial computes it.
        largest: Largest absolute difference.
        differing_share: Share of the pixels where any band differs, 0 to 1. For label
            maps only this means something: class numbers have no distance.
        window_shape: (height, width) of the common window.
        pixel_count: Pixels that were compared.
        left_out: Pixels that were not, because one of the rasters has no data there, or
            a value that is not finite.
        of_labels: Whether both are label maps, with class names in the file: only
            `differing_share` means something then.
    """

    per_value: float
    summed_over_bands: float
    largest: float
    differing_share: float
    window_shape: tuple[int, int]
    pixel_count: int
    left_out: int
    of_labels: bool = False

    def __float__(self) -> float:
        return self.per_value

    def __repr__(self) -> str:
        height, width = self.window_shape
        compared = (
            f"({self.pixel_count} of {height} x {width} common pixels compared, "
            f"{self.left_out} left out)"
        )
        if self.of_labels:
            return wrapped(
                f"{self.differing_share:.2%} of the pixels have another class "
                f"{compared}; class numbers have no distance"
            )
        return wrapped(
            f"RMSE {self.per_value:.4g} per value, {self.summed_over_bands:.4g} summed "
            f"over bands; largest difference {self.largest:.4g}; "
            f"{self.differing_share:.2%} of the pixels differ {compared}"
        )


def rmse(a: PathLike | Source, b: PathLike | Source) -> Distance:
    """Compare two rasters on their common window, wherever their corners are.

    Maps of different crops have different corners, so equal rows and columns are not
    the same ground. Here pixels are matched by their coordinates.

    Args:
        a: A raster, or a `Source` of it with a no-data value or a choice of bands.
        b: Another one with the same CRS, pixel size and number of bands, shifted by
            whole pixels.

    Returns:
        The distance; `float(distance)` is the root mean squared error per value.

    Raises:
        GridMismatchError: If the pixels do not lie on one lattice, or the rasters do
            not overlap.
        ValueError: If the numbers of bands differ, or no pixel has data in both.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.rasters import write_array
        >>> folder = testing.scratch_folder()
        >>> grid = testing.small_grid(5, 7)
        >>> one = write_array(folder / "a.tif", np.zeros((5, 7, 4)), grid)
        >>> aside = testing.small_grid(5, 7, corner=(500_020, 4_799_990))
        >>> other = write_array(folder / "b.tif", np.full((5, 7, 4), 0.5), aside)
        >>> distance = rmse(one, other)
        >>> distance.window_shape, float(distance), distance.summed_over_bands
        ((4, 5), 0.5, 1.0)
    """
    a, b = Source.of(a), Source.of(b)
    with open_source(a) as first, open_source(b) as second:
        _check_bands(first, second)
        axes = align({"a": first.grid, "b": second.grid})
        (rows, down), (cols, right) = _common_window(axes["a"], axes["b"])
        parts = [
            _compared(
                read_measured(first, row, col),
                read_measured(second, _moved(row, down), _moved(col, right)),
            )
            for row, col in product(_blocks(rows), _blocks(cols))
        ]
        bands = first.channels
    squares, largest, differing, counts = zip(*parts, strict=True)
    count, total = sum(counts), len(rows) * len(cols)
    if not count:
        raise ValueError(
            f"None of the {total} common pixels of '{a.paths[0]}' and '{b.paths[0]}' "
            "has data in both. "
            "Check the no-data values: `Source(…, nodata=…)`."
        )
    return Distance(
        per_value=(fsum(squares) / count / bands) ** 0.5,
        summed_over_bands=(fsum(squares) / count) ** 0.5,
        largest=max(largest),
        differing_share=sum(differing) / count,
        window_shape=(len(rows), len(cols)),
        pixel_count=count,
        left_out=total - count,
        of_labels=bands == 1 and all(read_legend(one.paths[0]) for one in (a, b)),
    )


def _check_bands(a: SourceReader, b: SourceReader) -> None:
    if a.channels != b.channels:
        raise ValueError(
            f"a has {counted(a.channels, 'band')} and b has {b.channels}. Choose the "
            "same number of both, `Source(…, bands=[…])`."
        )


def _common_window(
    a: tuple[Axis, Axis], b: tuple[Axis, Axis]
) -> tuple[tuple[range, int], tuple[range, int]]:
    """(Rows of `a` that `b` has too, rows by which `b` begins later), and columns."""
    height, width = (axis.spacing for axis in b)
    if (height, width) != (1, 1):
        raise GridMismatchError(
            f"A pixel of b is {float(height):g} times as high and {float(width):g} "
            "times as wide as a pixel of a. Resample one of them, `gdalwarp -tr …`."
        )
    down, right = (axis.offset for axis in b)
    if down.denominator > 1 or right.denominator > 1:
        raise GridMismatchError(
            f"b begins {float(down):g} rows and {float(right):g} columns from the "
            "corner of a, not whole pixels. Resample one of them, `gdalwarp -te …`, "
            "or make both maps with the same reference."
        )
    rows, cols = (
        range(max(0, int(move)), min(one.size, int(move) + other.size))
        for one, other, move in zip(a, b, (down, right), strict=True)
    )
    if not rows or not cols:
        raise GridMismatchError(
            f"a and b have no pixel in common: a has {a[0].size} x {a[1].size} px, and "
            f"b, of {b[0].size} x {b[1].size} px, begins {down} rows and {right} "
            "columns from its corner. Give maps of the same place."
        )
    return (rows, int(down)), (cols, int(right))


def _blocks(pixels: range) -> list[range]:
    return list(tile_spans(pixels, BLOCK, pixels))


def _moved(pixels: range, by: int) -> range:
    return range(pixels.start - by, pixels.stop - by)


def read_measured(
    reader: SourceReader, rows: range, cols: range
) -> tuple[np.ndarray, np.ndarray]:
    """Values (height, width, channel), and a mask (height, width) of those with data.

    A pixel has no data when all its bands are no-data, or one is not finite; its values
    are 0 then.
    """
    block = reader.read_block(rows.start, cols.start, len(rows), len(cols))
    values = np.where(block.empty[..., np.newaxis], 0, block.values)
    return values.astype("float64"), ~block.empty


def _compared(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float, int, int]:
    """Sum of squares, largest difference, pixels that differ, pixels compared."""
    measured = a[1] & b[1]
    apart = np.abs(a[0][measured] - b[0][measured])
    differing = int(apart.any(axis=-1).sum())
    return float((apart**2).sum()), float(apart.max(initial=0)), differing, len(apart)
