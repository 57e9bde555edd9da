"""Derived fields: chunks that lie on the lattice of total strides."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.fields.reach import Reach
from tutorial_lib.grids import Axis, GridMismatchError, align
from tutorial_lib.inference.lattice import Lattice

__all__ = ["ChunkLattice", "chunk_lattices"]


@dataclass(frozen=True)
class ChunkLattice(Lattice):
    """Where chunks begin and end along one axis, and what they give.

    A chunk is a range of reference pixels. It begins and ends at multiples of the total
    stride, counted from the reference's corner, so that every layer pads and strides in
    it as in the whole image. It is longer than its tile by the margins.

    Attributes:
        axes: The sources along this axis by name, reference first.
        reach: What the output pixels depend on, seen from the reference.
        covers: Whether the map covers the whole reference (`edge="pad"`).

    Example:
        Margins 31 and 16, total stride 16: a tile of 80 pixels reads 128.

        >>> one = Fraction(1)
        >>> reach = Reach.of_margins(
        ...     (31, 16), scale=one, stride=16, lost=0, spacing={"pan": one}
        ... )
        >>> axes = {"pan": Axis(offset=Fraction(0), spacing=one, size=500)}
        >>> lattice = ChunkLattice(axes, reach, covers=False)
        >>> lattice.mapped, lattice.chunk("pan", range(31, 111))
        (range(31, 480), range(0, 128))
    """

    axes: Mapping[str, Axis]
    reach: Reach
    covers: bool

    unit_name = "total stride"

    @property
    def scale(self) -> Fraction:
        """Output spacing divided by reference spacing."""
        return self.reach.scale

    @property
    def unit(self) -> int:
        """Tile sizes are multiples of the total stride, in output pixels."""
        return self.reach.unit

    @property
    def shift(self) -> int:
        """First output pixel of a chunk that begins at the reference's corner.

        As by the block rule, a network loses half of its lost pixels at the start.
        """
        return (self.reach.lost + 1) // 2

    @property
    def smallest_patch(self) -> tuple[int, int]:
        """Reference pixels of the smallest chunk, and output pixels that it gives."""
        return int((self.unit + self.reach.lost) * self.scale), self.unit

    @property
    def table_columns(self) -> dict[str, Mapping[str, int]]:
        """The total stride in pixels of each source."""
        return {"total stride": {name: self.reach.step(name) for name in self.axes}}

    @property
    def mirrors(self) -> bool:
        """Whether the image is mirrored beyond its borders; else it is filled.

        A network that pads by itself does so at the true borders, so nothing is
        mirrored for it.
        """
        return self.covers and self.reach.lost > 0

    @cached_property
    def _margins(self) -> tuple[int, int]:
        return self.reach.margins

    @property
    def longer(self) -> int:
        """Reference pixels by which a chunk is longer than its tile."""
        pixels = sum(self._margins) + self.reach.lost
        return ceil(pixels * self.scale / self.reach.stride) * self.reach.stride

    @property
    def _reference(self) -> Axis:
        return next(iter(self.axes.values()))

    @property
    def _end(self) -> int:
        """End of the reference, padded to a multiple of the total stride."""
        return ceil(self._reference.size / self.reach.stride) * self.reach.stride

    @cached_property
    def mapped(self) -> range:
        """Output pixels of the whole map (maybe none)."""
        if self.covers:
            return range(0, ceil(self._reference.size / self.scale))
        corners = {name: a.pixel_at(Fraction(0)) for name, a in self.axes.items()}
        valid = self.reach.within(
            {
                name: (-corners[name], axis.size - corners[name])
                for name, axis in self.axes.items()
            }
        )
        before, after = self._margins
        first = max(valid.start, before)
        stop = min(valid.stop, self.reach.size(self._end) - after)
        return range(first + self.shift, max(first, stop) + self.shift)

    @property
    def computed(self) -> range:
        """Every chunk gives just its tile, so nothing more is computed."""
        return self.mapped

    def chunk_of(self, pixels: range) -> range:
        """Reference pixels of the chunk that gives some output pixels."""
        before, after = self._margins
        stride = self.reach.stride
        first = (pixels.start - self.shift - before) * self.scale
        stop = (pixels.stop - self.shift + after + self.reach.lost) * self.scale
        start, end = first // stride * stride, ceil(stop / stride) * stride
        if self.mirrors:
            return range(start, end)
        return range(max(start, 0), min(end, self._end))

    def source_pixels(self, name: str, chunk: range) -> range:
        """Pixels of a source in a chunk of reference pixels."""
        axis = self.axes[name]
        start = axis.pixel_at(Fraction(chunk.start))
        return range(start, start + int(len(chunk) / axis.spacing))

    def pixels_of(self, chunk: range) -> range:
        """Output pixels that a chunk of reference pixels gives, margins included."""
        first = int(chunk.start / self.scale) + self.shift
        return range(first, first + self.reach.size(len(chunk)))

    def chunk(self, name: str, pixels: range) -> range:
        """Pixels of a source that are read for some output pixels."""
        return self.source_pixels(name, self.chunk_of(pixels))

    def given(self, pixels: range) -> range:
        """Output pixels of the chunk for some output pixels, margins included."""
        return self.pixels_of(self.chunk_of(pixels))

    def reads(self, name: str) -> bool:
        """Whether the output depends on a source at all."""
        return name in self.reach.starts

    def windows(self, name: str, pixels: range) -> tuple[np.ndarray, np.ndarray]:
        """First source pixel that each output pixel reads, and the first after it."""
        axis = self.axes[name]
        moved = range(pixels.start - self.shift, pixels.stop - self.shift)
        starts, stops = self.reach.windows(name, moved)
        origin = axis.pixel_at(Fraction(0))
        starts, stops = starts + origin, stops + origin
        if self.mirrors:
            return starts, stops
        return starts.clip(0, axis.size), stops.clip(0, axis.size)

    def summary(self, cols: "ChunkLattice") -> str:
        """The margins of both axes and the total stride, in words."""
        (top, bottom), (left, right) = self.reach.margins, cols.reach.margins
        return (
            f"derived margins {(left, top, right, bottom)} (left, top, right, "
            f"bottom), total stride {self.reach.stride} px"
        )

    def check_cover(self) -> None:
        """Refuse a source that ends a total stride or more inside the map.

        A shorter gap is filled, as the reference is where it is padded to a multiple of
        the total stride.

        Raises:
            GridMismatchError: With how much of the source is missing.
        """
        for name, axis in self.axes.items():
            end = axis.offset + axis.size * axis.spacing
            missing = max(axis.offset, self._reference.size - end)
            if self.covers and self.reads(name) and missing >= self.reach.stride:
                raise GridMismatchError(
                    f"Source '{name}' ends {float(missing):g} reference pixels inside "
                    "the map, too much to fill. Use `edge='valid'`, or sources that "
                    "cover the reference."
                )


def chunk_lattices(
    reaches: tuple[Reach, Reach], grids: Mapping[str, GeoBox], edge: str
) -> tuple[ChunkLattice, ChunkLattice]:
    """Lattices of the rows and the columns for fields derived from the network.

    Args:
        reaches: Of the output, along rows and columns, seen from the reference.
        grids: Grids of the sources, reference first.
        edge: "valid" or "pad".

    Raises:
        GridMismatchError: If the sources' pixel sizes are not those that the network
            takes, or the grids cannot be aligned.
    """
    axes = align(grids)
    rows, cols = (
        ChunkLattice(
            {name: pair[i] for name, pair in axes.items()}, reach, edge == "pad"
        )
        for i, reach in enumerate(reaches)
    )
    for lattice in (rows, cols):
        _check_spacing(lattice)
    return rows, cols


def _check_spacing(lattice: ChunkLattice) -> None:
    reference = next(iter(lattice.axes))
    for name, axis in lattice.axes.items():
        if lattice.reads(name) and axis.spacing != lattice.reach.spacing[name]:
            raise GridMismatchError(
                f"A pixel of source '{name}' is {float(axis.spacing):g} times one of "
                f"the reference '{reference}'; the network needs "
                f"{float(lattice.reach.spacing[name]):g} times. Resample it, "
                "`gdalwarp -tr …`, or give the raster that belongs to this input."
            )
