"""A block of pixels: the arrays that an expression is computed on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Statistic(NamedTuple):
    """A number about a whole band, such as im1b2Mean: the caller computes it.

    Attributes:
        image: Number of the image, from 1.
        band: Number of the band, from 1.
        measure: Mini, Maxi, Mean, Sum or Var. As in OTB, Var is the sum of the squared
            deviations divided by the number of pixels less one.

    Example:
        >>> print(Statistic(image=1, band=2, measure="Mean"))
        im1b2Mean
    """

    image: int
    band: int
    measure: str

    def __str__(self) -> str:
        return f"im{self.image}b{self.band}{self.measure}"


@dataclass(frozen=True)
class Block:
    """Arrays of all images for the same pixels, and what else a variable may ask for.

    Attributes:
        arrays: (h, w, bands) of each image, margins included; None for unused images.
        margin: (rows, cols) that the arrays have on each side of the block.
        origin: (row, col) of the block's first pixel in the image, without the margin.
        statistics: Values of whole bands.
        spacings: (x, y) of each image.
    """

    arrays: Sequence[np.ndarray | None]
    margin: tuple[int, int] = (0, 0)
    origin: tuple[int, int] = (0, 0)
    statistics: Mapping[Statistic, float] = field(default_factory=dict)
    spacings: Sequence[tuple[float, float]] = ()
    _known: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) without the margin."""
        array = next(array for array in self.arrays if array is not None)
        height, width = array.shape[:2]
        return height - 2 * self.margin[0], width - 2 * self.margin[1]

    def pixels(self, image: int, radius: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Pixels of an image, with a radius of (rows, cols) around the block."""
        rows, cols = (self.margin[axis] - radius[axis] for axis in (0, 1))
        array = self.arrays[image - 1]
        return array[rows : array.shape[0] - rows, cols : array.shape[1] - cols]

    def once(self, name: str, value: Callable[["Block"], np.ndarray]) -> np.ndarray:
        """The value that belongs to a name; it is asked for once."""
        if name not in self._known:
            self._known[name] = value(self)
        return self._known[name]


def as_floats(values: Any) -> np.ndarray:
    """Values as float64, in which BandMathX computes; float64 is not copied."""
    return np.asarray(values, dtype=np.float64)
