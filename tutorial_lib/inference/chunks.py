"""What a tile reads when fields are derived: chunks on the lattice of total strides.

The counterpart of `grids.BlockAxis`, which obeys fields that were declared. The engine
works with either: both say what to read for which output pixels (`covering`, `chunk`),
where the result lies (`pixels`), and what an output pixel depends on (`windows`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np

from tutorial_lib.fields.reach import Reach
from tutorial_lib.grids import Axis

__all__ = ["ChunkAxis"]


@dataclass(frozen=True)
class ChunkAxis:
    """Where chunks begin and end along one axis, and what they give.

    A chunk is a range of reference pixels. It begins and ends at multiples of the total
    stride, counted from the reference's corner, so that every layer meets its pixels as
    in the whole image; and it is longer than its tile by the margins.

    Attributes:
        axes: The sources along this axis, reference first.
        names: Their names.
        reach: What the output pixels depend on, seen from the reference.
        covers: The map covers the whole reference (`edge="pad"`).

    Example:
        Margins 31 and 16, total stride 16: a tile of 80 pixels reads 128.

        >>> one = Fraction(1)
        >>> reach = Reach.of_margins(
        ...     (31, 16), scale=one, stride=16, lost=0, spacing={"pan": one}
        ... )
        >>> axis = Axis(offset=Fraction(0), spacing=one, size=500)
        >>> rule = ChunkAxis((axis,), ("pan",), reach, covers=False)
        >>> rule.mapped, rule.covering(range(31, 111))
        (range(31, 480), range(0, 128))
    """

    axes: tuple[Axis, ...]
    names: tuple[str, ...]
    reach: Reach
    covers: bool

    @property
    def scale(self) -> Fraction:
        """Output spacing divided by reference spacing."""
        return self.reach.scale

    @property
    def unit(self) -> int:
        """Tile sizes are multiples of it, in output pixels."""
        return self.reach.unit

    @property
    def shift(self) -> int:
        """Lattice index of the first pixel that a chunk from the corner gives.

        By the block rule: what a network loses, it loses half on either side.
        """
        return (self.reach.lost + 1) // 2

    @property
    def first_field(self) -> tuple[int, int]:
        """Reference pixels of the smallest patch, and output pixels that it gives."""
        return int((self.unit + self.reach.lost) * self.scale), self.unit

    def facts(self) -> dict[str, Sequence[int]]:
        """What a plan's table says of each source."""
        return {"total stride": [self.reach.step(name) for name in self.names]}

    @property
    def mirrors(self) -> bool:
        """Beyond its borders the image is mirrored, else filled.

        A network that pads by itself is left to do so at the true borders.
        """
        return self.covers and self.reach.lost > 0

    @cached_property
    def _margins(self) -> tuple[int, int]:
        return self.reach.margins

    @property
    def around(self) -> int:
        """Reference pixels by which a chunk is longer than its tile."""
        pixels = sum(self._margins) + self.reach.lost
        return ceil(pixels * self.scale / self.reach.stride) * self.reach.stride

    @property
    def _end(self) -> int:
        """End of the reference, padded to a multiple of the total stride."""
        return ceil(self.axes[0].size / self.reach.stride) * self.reach.stride

    @property
    def mapped(self) -> range:
        """Lattice indices of the whole map (maybe none)."""
        if self.covers:
            return range(0, ceil(self.axes[0].size / self.scale))
        corners = [axis.pixel_at(Fraction(0)) for axis in self.axes]
        valid = self.reach.within(
            {
                name: (-corner, axis.size - corner)
                for name, axis, corner in zip(
                    self.names, self.axes, corners, strict=True
                )
            }
        )
        before, after = self._margins
        first = max(valid.start, before)
        stop = min(valid.stop, self.reach.size(self._end) - after)
        return range(first + self.shift, max(first, stop) + self.shift)

    def covering(self, pixels: range) -> range:
        """The chunk that gives the given output pixels."""
        before, after = self._margins
        stride = self.reach.stride
        first = (pixels.start - self.shift - before) * self.scale
        stop = (pixels.stop - self.shift + after + self.reach.lost) * self.scale
        start, end = first // stride * stride, ceil(stop / stride) * stride
        if self.mirrors:
            return range(start, end)
        return range(max(start, 0), min(end, self._end))

    def chunk(self, source: int, chunk: range) -> range:
        """Pixels of a source that a chunk reads, first to last."""
        axis = self.axes[source]
        start = axis.pixel_at(Fraction(chunk.start))
        return range(start, start + int(len(chunk) / axis.spacing))

    def pixels(self, chunk: range) -> range:
        """Lattice indices of the output pixels that a chunk gives."""
        first = int(chunk.start / self.scale) + self.shift
        return range(first, first + self.reach.size(len(chunk)))

    def place(self, source: int, pixel: int) -> int:
        """Pixel of a source that holds the centre of an output pixel."""
        return self.axes[source].pixel_at((pixel + Fraction(1, 2)) * self.scale)

    def reads(self, source: int) -> bool:
        """Whether the output depends on a source at all."""
        return self.names[source] in self.reach.starts

    def windows(self, source: int, pixels: range) -> tuple[np.ndarray, np.ndarray]:
        """First pixel of a source that each output pixel reads, and the first after."""
        axis = self.axes[source]
        moved = range(pixels.start - self.shift, pixels.stop - self.shift)
        starts, stops = self.reach.windows(self.names[source], moved)
        origin = axis.pixel_at(Fraction(0))
        starts, stops = starts + origin, stops + origin
        if self.mirrors:
            return starts, stops
        return starts.clip(0, axis.size), stops.clip(0, axis.size)
