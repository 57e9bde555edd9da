"""The block rule: what each block of output pixels reads when fields are declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from tutorial_lib.grids import Axis

__all__ = ["BlockAxis"]


@dataclass(frozen=True)
class BlockAxis:
    """The block rule along one axis: what each block of output pixels reads.

    The output lattice is anchored at the reference's corner. Block `j` holds
    `expression` output pixels; it reads `fields[i]` pixels of source `i` from
    `start(i, j)`. Its first pixel has lattice index `j * expression + shift`.

    Attributes:
        axes: The sources along this axis, reference first.
        fields: Receptive field of each source, in its own pixels.
        expression: Output pixels of a block.
        scale: Output spacing divided by reference spacing.

    Example:
        A 16-pixel network on 100 pixels of 10 m: 85 blocks of one pixel, the first
        one 8 pixels (80 m) from the corner.

        >>> axis = Axis(offset=Fraction(0), spacing=Fraction(1), size=100)
        >>> rule = BlockAxis((axis,), (16,), expression=1, scale=Fraction(1))
        >>> rule.shift, len(rule.blocks), rule.start(0, 5)
        (8, 85, 5)
    """

    axes: tuple[Axis, ...]
    fields: tuple[int, ...]
    expression: int
    scale: Fraction

    @property
    def shift(self) -> int:
        """Lattice index of the first pixel of block 0."""
        return floor((self.fields[0] / self.scale - self.expression + 1) / 2)

    # Beyond its borders the image is mirrored, for as far as blocks reach.
    mirrors = True

    @property
    def unit(self) -> int:
        """Tile sizes are multiples of it, in output pixels."""
        return self.expression

    @property
    def first_field(self) -> tuple[int, int]:
        """Reference pixels that one block reads, and output pixels that it gives."""
        return self.fields[0], self.expression

    def facts(self) -> dict[str, Sequence[int]]:
        """What a plan's table says of each source."""
        return {"receptive field": self.fields}

    @property
    def step(self) -> Fraction:
        """Distance between two blocks, in reference pixels."""
        return self.expression * self.scale

    def start(self, source: int, block: int) -> int:
        """First pixel of source number `source` that a block reads."""
        return self.axes[source].pixel_at(block * self.step)

    def chunk(self, source: int, blocks: range) -> range:
        """Pixels of a source that a run of blocks reads, first to last."""
        return range(
            self.start(source, blocks[0]),
            self.start(source, blocks[-1]) + self.fields[source],
        )

    def place(self, source: int, pixel: int) -> int:
        """Pixel of a source that holds the centre of an output pixel."""
        return self.axes[source].pixel_at((pixel + Fraction(1, 2)) * self.scale)

    def windows(
        self, source: int, pixels: range
    ) -> tuple[Sequence[int], Sequence[int]]:
        """First pixel of a source that each output pixel reads, and the first after."""
        blocks = [(pixel - self.shift) // self.expression for pixel in pixels]
        starts = [self.start(source, block) for block in blocks]
        return starts, [start + self.fields[source] for start in starts]

    def reads(self, source: int) -> bool:
        """Whether the output depends on a source: a declared field says so."""
        return True

    def pixels(self, blocks: range) -> range:
        """Lattice indices of the output pixels of a run of blocks."""
        first = blocks.start * self.expression + self.shift
        return range(first, first + len(blocks) * self.expression)

    def covering(self, pixels: range) -> range:
        """The blocks that hold the given output pixels."""
        return range(
            (pixels.start - self.shift) // self.expression,
            -((self.shift - pixels.stop) // self.expression),
        )

    @property
    def blocks(self) -> range:
        """The blocks that lie wholly inside every source (maybe none)."""
        first = max(ceil(axis.offset / self.step) for axis in self.axes)
        stop = min(
            # start <= last  <=>  place < offset + (last + 1) * spacing
            ceil((axis.offset + (axis.size - field + 1) * axis.spacing) / self.step)
            for axis, field in zip(self.axes, self.fields, strict=True)
        )
        return range(first, max(first, stop))

    @property
    def covered(self) -> range:
        """Lattice indices whose pixels cover the whole reference."""
        return range(0, ceil(self.axes[0].size / self.scale))
