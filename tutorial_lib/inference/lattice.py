"""What plans and the engine ask of a map's pixels along one axis."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from tutorial_lib.grids import Axis

__all__ = ["Lattice"]


class Lattice(Protocol):
    """The pixels of a map along its rows or its columns, and what is read for them.

    Output pixels are numbered from the reference's corner; each is `scale` reference
    pixels long. A `BlockLattice` reads block by block, with one field for all of them.
    A `ChunkLattice` follows the margins that were derived from the network.

    Attributes:
        axes: The sources along this axis by name, reference first.
        scale: Output spacing divided by reference spacing.
        shift: First output pixel of a chunk that begins at the reference's corner.
        unit: Tile sizes are multiples of it, in output pixels.
        unit_name: What the unit is called in messages.
        mirrors: Whether the image is mirrored beyond its borders; else it is filled.
        mapped: Output pixels of the whole map (maybe none).
        computed: Output pixels that are computed for the map: at least `mapped`.
        smallest_patch: Reference pixels of the smallest chunk, and output pixels that
            it gives.
        table_columns: For a plan's table: {title: {source: pixels}}.
    """

    axes: Mapping[str, Axis]
    scale: Fraction
    shift: int
    unit: int
    unit_name: str
    mirrors: bool
    mapped: range
    computed: range
    smallest_patch: tuple[int, int]
    table_columns: Mapping[str, Mapping[str, int]]

    def chunk(self, name: str, pixels: range) -> range:
        """Pixels of a source that are read for output pixels."""
        ...

    def given(self, pixels: range) -> range:
        """Output pixels that the chunk of some output pixels gives: at least these."""
        ...

    def windows(self, name: str, pixels: range) -> tuple[Sequence[int], Sequence[int]]:
        """First source pixel that each output pixel reads, and the first after it."""
        ...

    def reads(self, name: str) -> bool:
        """Whether the output depends on a source."""
        ...

    def check_cover(self) -> None:
        """Raise GridMismatchError if a source ends too far inside the map."""
        ...

    def summary(self, cols: "Lattice") -> str:
        """What is read, in words; this is the lattice of the rows, `cols` the other."""
        ...

    def place(self, name: str, pixel: int) -> int:
        """Pixel of a source that holds the centre of an output pixel."""
        return self.axes[name].pixel_at((pixel + Fraction(1, 2)) * self.scale)
