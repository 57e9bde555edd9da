"""OTBTF's geometry of maps: which pixels TensorflowModelServe reads and writes.

Everything is exact and along one axis, in pixels of the first source, the reference,
from its outer corner. The kit's own maps lie where `tutorial_lib.grids` says; those of
OTBTF lie elsewhere where the scale factor is not 1, and the two modes of OTBTF read
different pixels where sources have different spacings.

Source:
    OTBTF 4.3.1, TensorflowMultisourceModelFilter: the region of valid centres of
    patches, the grid of the output, and the regions of the inputs. OTB rounds halves
    up, so a place on the edge of two pixels belongs to the one after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from tutorial_lib.grids import Axis, patch_start

HALF = Fraction(1, 2)

__all__ = ["MapAxis", "map_axis", "tile_side"]


@dataclass(frozen=True)
class MapAxis:
    """Rows or columns of a map, and what is read of each source for them.

    Attributes:
        first: Centre of the first output pixel.
        spacing: Size of an output pixel, the scale factor.
        size: Number of output pixels.
        block: Expression field.
        sources: Rows or columns of each source, the reference first.
        fields: Receptive field of each source, in its own pixels.
    """

    first: Fraction
    spacing: Fraction
    size: int
    block: int
    sources: tuple[Axis, ...]
    fields: tuple[int, ...]

    @property
    def corner(self) -> Fraction:
        """Outer edge of the first output pixel."""
        return self.first - self.spacing / 2

    def whole_blocks(self, pixels: range) -> range:
        """The blocks of the expression field that hold output pixels."""
        start = pixels.start // self.block * self.block
        return range(start, -(-pixels.stop // self.block) * self.block)

    def margin(self, source: int) -> int:
        """Pixels of a source that a block needs beyond those under it, both sides.

        It is negative where the receptive field is smaller than the block.
        """
        spacing = self.sources[source].spacing
        under = 1 + (self.block - 1) * self.spacing / spacing
        return self.fields[source] - floor(under)

    def region(self, source: int, blocks: range) -> range:
        """Pixels of a source that are read for some blocks, fully convolutional.

        Args:
            source: Index of the source.
            blocks: Output pixels of whole blocks.
        """
        axis, margin = self.sources[source], self.margin(source)
        inside = range(axis.size)
        # From the centre of the first pixel of the source that lies under the blocks to
        # the centre of the last one.
        shift = (axis.spacing - self.spacing) / 2
        ends = (
            self.first + blocks[0] * self.spacing + shift,
            self.first + blocks[-1] * self.spacing - shift,
        )
        under = _cut(axis.pixel_at(min(ends)), axis.pixel_at(max(ends)), inside)
        after = margin // 2
        # The larger half lies before.
        before = margin - after
        return _cut(under[0] - before, under[-1] + after, inside)

    def starts(self, source: int, pixels: range) -> list[int]:
        """First pixel of the patch of a source for each output pixel, patch-based."""
        axis, field = self.sources[source], self.fields[source]
        places = (self.first + pixel * self.spacing for pixel in pixels)
        return [patch_start(axis.pixel_at(place), field) for place in places]


def _cut(first: int, last: int, inside: range) -> range:
    """The pixels from the first to the last one that lie inside; at least one."""
    first = min(max(first, 0), inside.stop - 1)
    last = min(max(last, first), inside.stop - 1)
    return range(first, last + 1)


def map_axis(
    sources: Sequence[Axis],
    fields: Sequence[int],
    *,
    scale: Fraction = Fraction(1),
    block: int = 1,
    fully_convolutional: bool = False,
) -> MapAxis:
    """Rows or columns of the map that some sources give.

    Args:
        sources: Rows or columns of each source, the reference first.
        fields: Receptive field of each source, in its own pixels.
        scale: Scale factor.
        block: Expression field, in output pixels.
        fully_convolutional: Whether the map lies on the pixel grids of all sources.

    Raises:
        ValueError: If the sources are too small for a single output pixel.

    Example:
        >>> pixels = Axis(offset=Fraction(0), spacing=Fraction(1), size=100)
        >>> one = map_axis([pixels], [16])
        >>> one.size, one.corner, one.starts(0, range(5, 7))
        (85, Fraction(8, 1), [5, 6])
    """
    pairs = list(zip(sources, fields, strict=True))
    start = max(axis.offset + field // 2 * axis.spacing for axis, field in pairs)
    stop = min(
        axis.offset + (field // 2 + axis.size - field + 1) * axis.spacing
        for axis, field in pairs
    )
    if fully_convolutional:
        start = max(x.offset + ceil(_pixels(x, start)) * x.spacing for x in sources)
        stop = min(x.offset + floor(_pixels(x, stop)) * x.spacing for x in sources)
    # Half of a pixel of the reference, whatever the scale factor: OTBTF's maps of other
    # scale factors lie aside of the reference's own coarser grid.
    first = start + HALF - scale * (block // 2)
    centres = floor((stop - start) / scale)
    if centres < 1:
        raise ValueError(
            f"sources of {_listed(axis.size for axis in sources)} px with receptive "
            f"fields of {_listed(fields)} px leave no output pixel"
        )
    size = centres + block - 1
    return MapAxis(
        first, scale, size - size % block, block, tuple(sources), tuple(fields)
    )


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))


def _pixels(axis: Axis, place: Fraction) -> Fraction:
    """A place in pixels of a source."""
    return (place - axis.offset) / axis.spacing


def tile_side(side: int, block: int) -> int:
    """Side of tiles: OTBTF takes the next multiple of the expression field.

    Example:
        >>> tile_side(16, block=64), tile_side(100, block=64), tile_side(128, block=64)
        (64, 128, 128)
    """
    return side if side % block == 0 else (1 + side // block) * block
