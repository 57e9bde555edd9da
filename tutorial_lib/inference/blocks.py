"""The block rule: what each block of output pixels reads, by declared fields.

Patch-based mode reads by the same rule; its fields may be derived from the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor

from odc.geo.geobox import GeoBox

from tutorial_lib.fields.reach import Reach
from tutorial_lib.grids import Axis, GridMismatchError, align
from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.notices import warn

__all__ = ["BlockLattice", "Fields", "block_lattices", "fields_of_patches"]


@dataclass(frozen=True)
class Fields:
    """What the model reads and gives for one block, as declared or worked out.

    Attributes:
        receptive: Receptive field of each source, in its own pixels.
        expression: Expression field: side of the block of output pixels.
        scale: Scale factor: output spacing divided by reference spacing.
    """

    receptive: Mapping[str, int]
    expression: int
    scale: Fraction


@dataclass(frozen=True)
class BlockLattice(Lattice):
    """The block rule along one axis.

    Block `j` holds `expression` output pixels. It reads `fields[name]` pixels of a
    source from `start(name, j)` on. Its first output pixel is `j * expression + shift`.

    Attributes:
        axes: The sources along this axis by name, reference first.
        fields: Receptive field of each source, in its own pixels.
        expression: Output pixels of a block.
        scale: Output spacing divided by reference spacing.
        covers: Whether the map covers the whole reference (`edge="pad"`).

    Example:
        A 16-pixel network on 100 pixels of 10 m: 85 blocks of one pixel, the first
        one 8 pixels (80 m) from the corner.

        >>> axes = {"input": Axis(offset=Fraction(0), spacing=Fraction(1), size=100)}
        >>> lattice = BlockLattice(axes, {"input": 16}, expression=1, scale=Fraction(1))
        >>> lattice.shift, lattice.mapped, lattice.start("input", 5)
        (8, range(8, 93), 5)
    """

    axes: Mapping[str, Axis]
    fields: Mapping[str, int]
    expression: int
    scale: Fraction
    covers: bool = False

    unit_name = "expression field"
    # Blocks at the border of a map that covers the reference reach beyond it.
    mirrors = True

    @property
    def unit(self) -> int:
        """Tile sizes are multiples of the expression field."""
        return self.expression

    @cached_property
    def shift(self) -> int:
        """Output pixel that block 0 begins with."""
        return floor((self._reference_field / self.scale - self.expression + 1) / 2)

    @property
    def _reference_field(self) -> int:
        return next(iter(self.fields.values()))

    @property
    def smallest_patch(self) -> tuple[int, int]:
        """Reference pixels that one block reads, and output pixels that it gives."""
        return self._reference_field, self.expression

    @property
    def table_columns(self) -> dict[str, Mapping[str, int]]:
        """The receptive field of each source."""
        return {"receptive field": self.fields}

    @property
    def step(self) -> Fraction:
        """Distance between two blocks, in reference pixels."""
        return self.expression * self.scale

    def start(self, name: str, block: int) -> int:
        """First pixel of a source that a block reads."""
        return self.axes[name].pixel_at(block * self.step)

    def blocks_of(self, pixels: range) -> range:
        """The blocks that hold some output pixels."""
        first = (pixels.start - self.shift) // self.expression
        return range(first, -((self.shift - pixels.stop) // self.expression))

    def pixels_of(self, blocks: range) -> range:
        """The output pixels of some blocks."""
        first = blocks.start * self.expression + self.shift
        return range(first, first + len(blocks) * self.expression)

    def chunk(self, name: str, pixels: range) -> range:
        """Pixels of a source that the blocks of some output pixels read."""
        blocks = self.blocks_of(pixels)
        first, last = (self.start(name, block) for block in (blocks[0], blocks[-1]))
        return range(first, last + self.fields[name])

    def given(self, pixels: range) -> range:
        """Output pixels of the blocks that hold some output pixels."""
        return self.pixels_of(self.blocks_of(pixels))

    def windows(self, name: str, pixels: range) -> tuple[Sequence[int], Sequence[int]]:
        """First source pixel that each output pixel reads, and the first after it."""
        blocks = [(pixel - self.shift) // self.expression for pixel in pixels]
        starts = [self.start(name, block) for block in blocks]
        return starts, [start + self.fields[name] for start in starts]

    def reads(self, name: str) -> bool:
        """A declared field says that its source counts."""
        return True

    @property
    def inner_blocks(self) -> range:
        """The blocks that lie inside every source (maybe none)."""
        first = max(ceil(axis.offset / self.step) for axis in self.axes.values())
        stop = min(
            # start <= last  <=>  place < offset + (last + 1) * spacing
            ceil((axis.offset + (axis.size - field + 1) * axis.spacing) / self.step)
            for axis, field in zip(
                self.axes.values(), self.fields.values(), strict=True
            )
        )
        return range(first, max(first, stop))

    @cached_property
    def mapped(self) -> range:
        """Output pixels of the whole map."""
        if not self.covers:
            return self.pixels_of(self.inner_blocks)
        reference = next(iter(self.axes.values()))
        return range(0, ceil(reference.size / self.scale))

    @property
    def computed(self) -> range:
        """Output pixels of the blocks that hold the map."""
        return self.given(self.mapped) if self.covers else self.mapped

    def summary(self, cols: Lattice) -> str:
        """The declared fields, in words."""
        fields = dict(self.fields)
        return f"receptive fields {fields}, expression field {self.expression}"

    def check_cover(self) -> None:
        """Refuse a source that would have to be mirrored beyond its receptive field.

        Raises:
            GridMismatchError: With how much of the source is missing.
        """
        for name, axis in self.axes.items():
            first, last = (self.place(name, self.mapped[i]) for i in (0, -1))
            missing = max(-first, last + 1 - axis.size)
            if missing > self.fields[name]:
                raise GridMismatchError(
                    f"Source '{name}' lacks {missing} px along a border of the map, "
                    f"more than its receptive field ({self.fields[name]} px): too much "
                    "to mirror. Use `edge='valid'`, or sources that cover the "
                    "reference."
                )


def block_lattices(
    fields: Fields, grids: Mapping[str, GeoBox], edge: str
) -> tuple[BlockLattice, BlockLattice]:
    """Lattices of the rows and the columns for given fields.

    Args:
        fields: A receptive field for each source.
        grids: Grid of each source, reference first.
        edge: "valid" or "pad".

    Raises:
        GridMismatchError: If the grids cannot be aligned.
    """
    axes = align(grids)
    rows, cols = (
        BlockLattice(
            {name: pair[i] for name, pair in axes.items()},
            fields.receptive,
            fields.expression,
            fields.scale,
            covers=edge == "pad",
        )
        for i in (0, 1)
    )
    _warn_of_footprints(rows)
    return rows, cols


def _warn_of_footprints(lattice: BlockLattice) -> None:
    sides = {
        name: field * lattice.axes[name].spacing
        for name, field in lattice.fields.items()
    }
    if len(set(sides.values())) > 1:
        listed = ", ".join(f"'{name}' {float(side):g}" for name, side in sides.items())
        warn(
            f"The receptive fields cover different ground (in reference pixels: "
            f"{listed}). They share their upper-left corner, so they are not centred "
            "on each other."
        )


def fields_of_patches(reaches: tuple[Reach, Reach], names: Sequence[str]) -> Fields:
    """Fields with which patches give what a network gives for the whole image.

    Args:
        reaches: Of the output, along rows and columns.
        names: The sources.

    Raises:
        ValueError: If a patch's borders reach the output, or its blocks do not fit.
    """
    for reach in reaches:
        if any(reach.margins):
            raise ValueError(
                f"The borders of a patch reach {reach.margins} px of the output "
                "(start, end), so patches cannot give the whole map. Use "
                "`mode='fully_convolutional'`, or an output that is cropped by more."
            )
    rows, cols = reaches
    side = rows.stride + rows.lost * rows.scale
    if rows.lost != cols.lost or side % rows.stride:
        raise ValueError(
            f"Patches of {float(side):g} px do not give blocks that fit next to each "
            "other. Use `mode='fully_convolutional'`, or declare the fields."
        )
    receptive = {name: int(side / rows.spacing[name]) for name in names}
    return Fields(receptive, rows.unit, rows.scale)
