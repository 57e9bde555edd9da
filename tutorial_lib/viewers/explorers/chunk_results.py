"""What a chunk size and a crop give for an output of a network.

Any chunk and any crop can be tried, exact or not: the result says what is wrong.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from tutorial_lib.fields.analysis import LONG_CHUNK, FieldAnalysis, Margins
from tutorial_lib.fields.checks import nearest_multiples
from tutorial_lib.fields.reach import NetworkReach, Reach
from tutorial_lib.fields.spans import COLS, ROWS, Span
from tutorial_lib.fields.tiling import Verdict, judge
from tutorial_lib.fields.tracing import trace

# An explorer begins with tiles of at least this many output pixels.
FIRST_TILE = 64

__all__ = ["ChunkResult", "LayerBar", "OutputStudy"]


@dataclass(frozen=True)
class OutputStudy:
    """One output of a network, with what does not depend on a chunk.

    Attributes:
        analysis: The analysis of the network.
        output: Name of the output.
    """

    analysis: FieldAnalysis
    output: str

    @cached_property
    def network(self) -> NetworkReach:
        """The reach of the output."""
        return trace(self.analysis, [self.output])

    @property
    def reach(self) -> Reach | None:
        """The reach along the rows; None where a layer depends on the whole chunk."""
        pair = self.network.outputs[self.output]
        return pair and pair[0]

    @property
    def number(self) -> int:
        """Number of the step that gives the output."""
        return self.analysis.outputs[self.output]

    @cached_property
    def fixed_chunk(self) -> int | None:
        """The only chunk that the model accepts; None if its inputs have any size."""
        for name, number in self.analysis.inputs.items():
            side, _ = self.analysis.steps[number].sides
            if side:
                return int(side * self.analysis.spacing[name])
        return None

    @property
    def smallest_chunk(self) -> int:
        """The smallest chunk that has a pixel of the output."""
        return max(self.chunk_of(1, 0), 1) if self.reach else 1

    @cached_property
    def first_choice(self) -> tuple[int, int]:
        """An exact (chunk, crop): the smallest such crop leaves half of the chunk."""
        if self.reach is None:
            stride = self.analysis.stride
            chunk, crop = -(-FIRST_TILE // stride) * stride, 0
        else:
            unit = self.reach.unit
            crop = min(self.judge(unit, 0).crops, default=0)
            tile = -(-max(FIRST_TILE, 2 * crop) // unit) * unit
            chunk = self.chunk_of(tile, crop)
        return self.fixed_chunk or chunk, crop

    def chunk_of(self, tile: int, crop: int) -> int:
        """Side of the chunk that a tile needs, in reference pixels."""
        return int((tile + 2 * crop + self.reach.lost) * self.reach.scale)

    def judge(self, tile: int, crop: int, chunk: int | None = None) -> Verdict:
        """The verdict on a tile, a crop, and the chunk that they are computed from."""
        sides = None if chunk is None else (chunk, chunk)
        return judge(
            self.network, self.output, tile=tile, crop=(crop,) * 4, chunk=sides
        )

    @cached_property
    def shown_layers(self) -> dict[int, Fraction]:
        """Start of each layer that changes the valid part, by the number of its step.

        In reference pixels from the chunk's corner. Layers without padding remove the
        same number of pixels at both sides.
        """
        steps = self.analysis.steps
        # In a chunk as long as this, no layer runs out of pixels.
        chunk = self.analysis.stride * LONG_CHUNK
        rows, cols = (self.analysis.spans(chunk, axis) for axis in (ROWS, COLS))
        seen = list(zip(rows, cols, strict=True))
        return {
            number: (chunk - cols[number].size * cols[number].jump) / 2
            for number in sorted(self.analysis.steps_before(self.number))
            # A merge is compared with the bar above it, which is its latest input.
            if number == self.number
            or not steps[number].inputs
            or seen[number] != seen[max(steps[number].inputs)]
        }


@dataclass(frozen=True)
class LayerBar:
    """The columns of one layer's output.

    Attributes:
        name: Name of the layer; of the last one, the name of the network's output.
        span: Its size and its valid columns; None where the layer cannot run or
            depends on the whole chunk.
        start: Place of its first column, in reference pixels from the chunk's corner.
    """

    name: str
    span: Span | None
    start: Fraction


@dataclass(frozen=True)
class ChunkResult:
    """What one chunk size and one crop give.

    Attributes:
        study: The output.
        chunk: Side of the chunk, in reference pixels.
        crop: Output pixels that are removed from each side.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> study = OutputStudy(analyse(architectures.pan_xs_unet(4)), "estimated")
        >>> result = ChunkResult(study, chunk=128, crop=24)
        >>> result.margins, result.wrong, result.nearest
        ((31, 31, 16, 16), (7, 7, 0, 0), ((128, 32),))
    """

    study: OutputStudy
    chunk: int
    crop: int

    @cached_property
    def _spans(self) -> tuple[list[Span], list[Span]]:
        if self.chunk < self.study.smallest_chunk:
            return [], []
        spans = self.study.analysis.possible_spans
        return tuple(spans(self.chunk, axis) for axis in (ROWS, COLS))

    @cached_property
    def failure(self) -> str:
        """Why the network cannot run on the chunk; empty if it can."""
        study, chunk = self.study, self.chunk
        if study.fixed_chunk not in (None, chunk):
            return (
                f"The model takes chunks of {study.fixed_chunk} px only: its input has "
                "a fixed size. Build it with `keras.Input((None, None, bands))`."
            )
        if chunk < study.smallest_chunk:
            return (
                f"A chunk of {chunk} px gives no pixel of '{study.output}'. Take "
                f"{study.smallest_chunk} px or more."
            )
        spans, steps = min(self._spans, key=len), study.analysis.steps
        if len(spans) == len(steps):
            return ""
        step = steps[len(spans)]
        sizes = sorted({spans[i].size for i in step.inputs})
        return (
            f"A chunk of {chunk} px does not divide evenly: the layer '{step.name}' "
            f"would have to merge tensors of {' and '.join(map(str, sizes))} px. Take "
            f"a multiple of {study.analysis.stride} px."
        )

    @property
    def bars(self) -> tuple[LayerBar, ...]:
        """The layers that change the valid part, in the order in which they run."""
        bars, spans = [], self._spans[COLS]
        for number, start in self.study.shown_layers.items():
            name = self.study.analysis.names[number]
            if number == self.study.number:
                name = self.study.output
            span = spans[number] if number < len(spans) else None
            # The output of a layer that depends on the whole chunk may have no pixels.
            if span and not self.study.reach and span.low > span.high:
                span = None
            bars.append(LayerBar(name, span, start))
        return tuple(bars)

    @property
    def size(self) -> int | None:
        """Side of the chunk's output; None where the network gives no map of it."""
        if self.failure or not self.study.reach:
            return None
        return self._spans[ROWS][self.study.number].size

    @property
    def tile(self) -> int:
        """Side of the tile that the crop leaves; 0 where it leaves nothing."""
        return max((self.size or 0) - 2 * self.crop, 0)

    @property
    def kept(self) -> Fraction:
        """Side of the tile in reference pixels."""
        return self.tile * self.study.analysis.scale[self.study.output]

    @property
    def cost(self) -> float | None:
        """Pixels that are computed for each one kept; None where none is kept."""
        return float((self.chunk / self.kept) ** 2) if self.kept else None

    @property
    def margins(self) -> Margins | None:
        """(left, top, right, bottom) of the output; None where no pixel is valid."""
        if self.failure:
            return None
        rows, cols = (spans[self.study.number] for spans in self._spans)
        if rows.low > rows.high or cols.low > cols.high:
            return None
        (left, right), (top, bottom) = cols.ends, rows.ends
        return left, top, right, bottom

    @property
    def wrong(self) -> Margins | None:
        """Margins (left, top, right, bottom) that the crop does not remove."""
        if self.margins is None:
            return None
        return tuple(max(margin - self.crop, 0) for margin in self.margins)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether the tiled map is exact."""
        if self.tile:
            return self.study.judge(self.tile, self.crop, self.chunk)
        reason = self.failure
        if self.size is not None:
            reason = (
                f"A crop of {self.crop} px from each side leaves nothing of "
                f"{self.size} px. Take a larger chunk or a smaller crop."
            )
        # Without a tile there is nothing to judge; the nearest legal crops still help.
        near = self.study.judge(1, self.crop)
        return replace(near, exact=False, broken=(reason,)) if reason else near

    @property
    def nearest(self) -> tuple[tuple[int, int], ...]:
        """The nearest pairs (chunk, crop) that are exact; none if this one is."""
        study, pairs = self.study, []
        if not self.verdict.exact:
            for crop in self.verdict.crops:
                wanted = study.reach.size(self.chunk) - 2 * crop
                for tile in nearest_multiples(wanted, study.reach.unit):
                    pairs.append((study.chunk_of(tile, crop), crop))
        return tuple(p for p in pairs if study.fixed_chunk in (None, p[0]))
