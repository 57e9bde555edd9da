"""What a chunk size and a crop come to for a network: layers, verdict, cost.

Sizes may be any, legal or not: what does not work is explained, not refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from tutorial_lib.fields import FieldAnalysis
from tutorial_lib.graphs import walk
from tutorial_lib.layer_rules import COLS, ROWS, Span
from tutorial_lib.reaches import NetworkReach, Reach
from tutorial_lib.tilings import Verdict, judge
from tutorial_lib.tracing import trace

# Tiles that a first look begins with are at least so large.
FIRST_TILE = 64

# So many legal choices are offered.
OFFERED = 4

__all__ = ["Bar", "FieldStudy", "Trial"]


@dataclass(frozen=True)
class Bar:
    """A layer along the columns; None in place of a span that the layer cannot give.

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
        return _ends(self.span)


@dataclass(frozen=True)
class Trial:
    """A chunk size and a crop, and what comes of them.

    Attributes:
        output: Name of the output.
        chunk: Side of the chunk, in reference pixels.
        crop: Output pixels removed from each side.
        size: Side of the chunk's output, in output pixels.
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
    size: int
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


@dataclass(frozen=True)
class FieldStudy:
    """An output of a network, tried with chunks and crops.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> study = FieldStudy(analyse(architectures.pan_xs_unet(4)), "estimated")
        >>> trial = study.trial(128, 24)
        >>> trial.margins, trial.wrong, trial.offers[0]
        ((31, 31, 16, 16), (7, 7, 0, 0), (128, 32))
    """

    analysis: FieldAnalysis
    output: str

    @cached_property
    def network(self) -> NetworkReach:
        """What the pixels of the output depend on."""
        return trace(self.analysis, [self.output])

    @property
    def pair(self) -> tuple[Reach, Reach] | None:
        """(rows, columns), None where a layer looks at the whole chunk."""
        return self.network.outputs[self.output]

    @property
    def smallest_chunk(self) -> int:
        """The smallest chunk that gives an output pixel."""
        stride = self.analysis.stride
        if self.pair is None:
            return stride
        rows = self.pair[0]
        return max(stride, int((1 + rows.lost) * rows.scale))

    @cached_property
    def first_chunk(self) -> int:
        """A legal chunk to begin with, of which the smallest legal crop leaves half."""
        if self.pair is None:
            stride = self.analysis.stride
            return -(-FIRST_TILE // stride) * stride
        rows, unit = self.pair[0], self.pair[0].unit
        crop = max(self._judged(unit, 0, None).crops, default=0)
        tile = -(-max(FIRST_TILE, 2 * crop) // unit) * unit
        return int((tile + 2 * crop + rows.lost) * rows.scale)

    def trial(self, chunk: int, crop: int) -> Trial:
        """What a chunk of so many reference pixels and a crop come to."""
        chunk, crop = int(chunk), int(crop)
        spans, misfit = self._spans(chunk)
        size = self._size(chunk, spans)
        tile = max(size - 2 * crop, 0)
        verdict = self._verdict(chunk, size, crop)
        return Trial(
            output=self.output,
            chunk=chunk,
            crop=crop,
            size=size,
            tile=tile,
            bars=tuple(self._bars(spans[COLS])),
            margins=None if misfit else self._margins(spans),
            misfit=misfit,
            verdict=verdict,
            kept=tile * self.analysis.scale[self.output],
            offers=self._offers(chunk, crop, verdict),
        )

    def _spans(self, chunk: int) -> tuple[tuple[list[Span], list[Span]], str]:
        """Spans along both axes, as far as the network runs, and why not further."""
        analysis, misfit = self.analysis, ""
        for count in range(len(analysis.steps), 0, -1):
            names = {n: i for n, i in analysis.inputs.items() if i < count}
            steps = analysis.steps[:count]
            try:
                both = tuple(
                    walk(steps, names, analysis.spacing, size=chunk, axis=axis)
                    for axis in (ROWS, COLS)
                )
            except ValueError as error:
                misfit = str(error)
            else:
                return both, misfit
        raise ValueError(misfit)

    def _size(self, chunk: int, spans: tuple[list[Span], list[Span]]) -> int:
        if self.pair is not None:
            return max(self.pair[0].size(chunk), 0)
        number = self.analysis.outputs[self.output]
        return spans[ROWS][number].size if number < len(spans[ROWS]) else 0

    def _margins(
        self, spans: tuple[list[Span], list[Span]]
    ) -> tuple[int, int, int, int] | None:
        rows, cols = (axis[self.analysis.outputs[self.output]] for axis in spans)
        if rows.low > rows.high or cols.low > cols.high:
            return None
        (left, right), (top, bottom) = _ends(cols), _ends(rows)
        return left, top, right, bottom

    def _bars(self, spans: list[Span]) -> Iterator[Bar]:
        last = self.analysis.outputs[self.output]
        for number in self._shown:
            name = self.output if number == last else self.analysis.steps[number].name
            if number >= len(spans):
                yield Bar(name, None, Fraction(0))
                continue
            yield Bar(name, spans[number], self._starts[number])

    @cached_property
    def _long_chunk(self) -> int:
        """Long enough for all layers, and a multiple of the total stride: that fits."""
        stride = self.analysis.stride
        return -(-2 * self.first_chunk // stride) * stride

    @cached_property
    def _starts(self) -> tuple[Fraction, ...]:
        """Layers without padding take as much away at both sides."""
        chunk = self._long_chunk
        spans, _ = self._spans(chunk)
        return tuple((chunk - span.size * span.jump) / 2 for span in spans[COLS])

    @cached_property
    def _shown(self) -> tuple[int, ...]:
        """Numbers of the steps that change the valid part, up to the output."""
        last = self.analysis.outputs[self.output]
        needed, steps = {last}, self.analysis.steps
        for number in range(last, -1, -1):
            if number in needed:
                needed.update(steps[number].inputs)
        spans, _ = self._spans(self._long_chunk)
        seen = list(zip(*spans, strict=True))
        return tuple(
            number
            for number in sorted(needed)
            # Of what is merged, the one that ran last is what a reader has just seen.
            if not steps[number].inputs
            or seen[number] != seen[max(steps[number].inputs)]
            or number == last
        )

    def _judged(self, tile: int, crop: int, chunk: int | None) -> Verdict:
        return judge(
            self.network,
            self.output,
            tile=tile,
            crop=(crop,) * 4,
            chunk=None if chunk is None else (chunk, chunk),
        )

    def _verdict(self, chunk: int, size: int, crop: int) -> Verdict:
        if size > 2 * crop:
            return self._judged(size - 2 * crop, crop, chunk)
        text = (
            f"A crop of {crop} px from each side leaves nothing of {size} px. Take a "
            "larger chunk or a smaller crop."
        )
        near = self._judged(1, crop, None)
        return Verdict(False, (text,), near.tiles, near.crops)

    def _offers(
        self, chunk: int, crop: int, verdict: Verdict
    ) -> tuple[tuple[int, int], ...]:
        if self.pair is None:
            return ()
        rows, found = self.pair[0], set()
        for legal in verdict.crops:
            wanted = rows.size(chunk) - 2 * legal
            below = wanted // rows.unit * rows.unit
            for tile in (below - rows.unit, below, below + rows.unit):
                tile = max(tile, rows.unit)
                needed = int((tile + 2 * legal + rows.lost) * rows.scale)
                if self._judged(tile, legal, needed).exact:
                    found.add((needed, legal))
        found.discard((chunk, crop))
        near = sorted(found, key=lambda one: (abs(one[0] - chunk), abs(one[1] - crop)))
        return tuple(near[:OFFERED])


def _ends(span: Span) -> tuple[int, int]:
    return span.low, span.size - 1 - span.high
