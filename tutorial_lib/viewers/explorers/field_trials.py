"""What is known of a chunk size and a crop: layers as bars, sizes, verdict, cost."""

from dataclasses import dataclass
from fractions import Fraction

from tutorial_lib.fields.layer_rules import Span
from tutorial_lib.fields.tiling import Verdict

__all__ = ["Bar", "Trial", "margins_of"]


@dataclass(frozen=True)
class Bar:
    """A layer along the columns; no span where it cannot run or sees the whole chunk.

    Attributes:
        name: Name of the layer, or of the output.
        span: Its pixels, and which of them are valid.
        start: Where it begins, in reference pixels from the chunk's corner.
    """

    name: str
    span: Span | None
    start: Fraction

    @property
    def margins(self) -> tuple[int, int]:
        """Pixels that are not valid at the left and at the right."""
        return margins_of(self.span)


@dataclass(frozen=True)
class Trial:
    """A chunk size and a crop, and what comes of them.

    Attributes:
        output: Name of the output.
        chunk: Side of the chunk, in reference pixels.
        crop: Output pixels removed from each side.
        size: Side of the chunk's output, in output pixels; None where the network
            cannot run, or a layer looks at the whole chunk.
        tile: Side of what the crop leaves of it; 0 when that is nothing.
        bars: The layers that change the valid part, in the order in which they run.
        margins: (left, top, right, bottom) of the output; None where nothing is valid
            or the network cannot run.
        misfit: Why the network cannot run on such a chunk; empty when it can.
        verdict: Whether the tiled map is exact.
        kept: Side of the tile in reference pixels.
        offers: Other choices (chunk, crop) that are exact, the nearest ones first.
    """

    output: str
    chunk: int
    crop: int
    size: int | None
    tile: int
    bars: tuple[Bar, ...]
    margins: tuple[int, int, int, int] | None
    misfit: str
    verdict: Verdict
    kept: Fraction
    offers: tuple[tuple[int, int], ...]

    @property
    def wrong(self) -> tuple[int, int, int, int] | None:
        """Pixels (left, top, right, bottom) of what is kept that are not valid."""
        if self.margins is None:
            return None
        return tuple(max(margin - self.crop, 0) for margin in self.margins)

    @property
    def cost(self) -> float | None:
        """Pixels computed for each that is kept; None when none is."""
        return float((self.chunk / self.kept) ** 2) if self.kept else None


def margins_of(span: Span) -> tuple[int, int]:
    """Pixels that are not valid at the start and at the end."""
    return span.low, span.size - 1 - span.high
