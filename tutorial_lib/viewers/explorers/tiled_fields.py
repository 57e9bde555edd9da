"""What a chunk size and a crop come to for a network: layers, verdict, cost.

Sizes may be any, legal or not: what does not work is explained, not refused.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.fields.graph import walk
from tutorial_lib.fields.layer_rules import COLS, ROWS, Span
from tutorial_lib.fields.reach import NetworkReach, Reach
from tutorial_lib.fields.tiling import Verdict, judge
from tutorial_lib.fields.tracing import trace
from tutorial_lib.viewers.explorers.field_trials import Bar, Trial, margins_of

# Tiles that a first look begins with are at least so large.
FIRST_TILE = 64

# So many legal choices are offered.
OFFERED = 4

__all__ = ["FieldStudy"]


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

    @cached_property
    def smallest_chunk(self) -> int:
        """The smallest chunk on which the network runs and gives an output pixel."""
        stride = least = self.analysis.stride
        if self.pair is not None:
            rows = self.pair[0]
            least = max(stride, int((1 + rows.lost) * rows.scale))
        # Where branches meet, not every chunk fits; multiples of the stride do.
        chunks = range(least, least + stride)
        return next((c for c in chunks if not self._run(c)[1]), least)

    @cached_property
    def fixed_chunk(self) -> int | None:
        """The only chunk that the model takes; None where its inputs have any size."""
        for name, number in self.analysis.inputs.items():
            shape = getattr(self.analysis.steps[number].layer, "batch_shape", ())
            if len(shape) == 4 and shape[1]:
                return int(shape[1] * self.analysis.spacing[name])
        return None

    @property
    def first_chunk(self) -> int:
        """A legal chunk to begin with, of which the smallest legal crop leaves half."""
        return self.fixed_chunk or self._free_chunk

    @cached_property
    def _free_chunk(self) -> int:
        """The same, were it not for inputs of one size only."""
        if self.pair is None:
            stride = self.analysis.stride
            return -(-FIRST_TILE // stride) * stride
        rows, crop = self.pair[0], self.smallest_crop
        tile = -(-max(FIRST_TILE, 2 * crop) // rows.unit) * rows.unit
        return int((tile + 2 * crop + rows.lost) * rows.scale)

    @cached_property
    def smallest_crop(self) -> int:
        """The smallest legal crop."""
        if self.pair is None:
            return 0
        return min(self._judged(self.pair[0].unit, 0, None).crops, default=0)

    def trial(self, chunk: int, crop: int) -> Trial:
        """What a chunk of so many reference pixels and a crop come to."""
        chunk, crop = int(chunk), int(crop)
        spans, misfit = self._run(chunk)
        size = self.size(chunk)
        tile = max(size - 2 * crop, 0) if size else 0
        verdict = self._verdict(chunk, crop, size, misfit)
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

    def size(self, chunk: int) -> int | None:
        """Side of a chunk's output; see `Trial`."""
        spans, misfit = self._run(chunk)
        if misfit or self.pair is None:
            return None
        return spans[ROWS][self.analysis.outputs[self.output]].size

    def _run(self, chunk: int) -> tuple[tuple[list[Span], list[Span]], str]:
        """Spans along both axes, as far as the network runs, and why not further."""
        spans = self._spans(chunk)
        if self.fixed_chunk not in (None, chunk):
            return spans, (
                f"The model takes chunks of {self.fixed_chunk} px only: its input has "
                "a fixed size. Build it with `keras.Input((None, None, bands))`."
            )
        if len(spans[ROWS]) == len(self.analysis.steps):
            return spans, ""
        step = self.analysis.steps[len(spans[ROWS])]
        sizes = max(({axis[i].size for i in step.inputs} for axis in spans), key=len)
        listed = " and ".join(map(str, sorted(sizes)))
        return spans, (
            f"A chunk of {chunk} px does not divide evenly: the layer '{step.name}' "
            f"would have to merge tensors of {listed} px. Take a multiple of "
            f"{self.analysis.stride} px."
        )

    def _spans(self, chunk: int) -> tuple[list[Span], list[Span]]:
        analysis = self.analysis
        for count in range(len(analysis.steps), 0, -1):
            names = {n: i for n, i in analysis.inputs.items() if i < count}
            steps = analysis.steps[:count]
            with suppress(ValueError):
                return tuple(
                    walk(steps, names, analysis.spacing, size=chunk, axis=axis)
                    for axis in (ROWS, COLS)
                )
        return [], []

    def _margins(
        self, spans: tuple[list[Span], list[Span]]
    ) -> tuple[int, int, int, int] | None:
        rows, cols = (axis[self.analysis.outputs[self.output]] for axis in spans)
        if rows.low > rows.high or cols.low > cols.high:
            return None
        (left, right), (top, bottom) = margins_of(cols), margins_of(rows)
        return left, top, right, bottom

    def _bars(self, spans: list[Span]) -> Iterator[Bar]:
        last = self.analysis.outputs[self.output]
        for number in self._shown:
            name = self.output if number == last else self.analysis.steps[number].name
            span = spans[number] if number < len(spans) else None
            # A layer that sees the whole chunk may well have no pixels at all.
            if span and self.pair is None and span.low > span.high:
                span = None
            yield Bar(name, span, self._starts[number])

    @cached_property
    def _long_chunk(self) -> int:
        """Long enough for all layers, and a multiple of the total stride: that fits."""
        stride = self.analysis.stride
        return -(-2 * self._free_chunk // stride) * stride

    @cached_property
    def _starts(self) -> tuple[Fraction, ...]:
        """Layers without padding take as much away at both sides."""
        chunk = self._long_chunk
        spans = self._spans(chunk)
        return tuple((chunk - span.size * span.jump) / 2 for span in spans[COLS])

    @cached_property
    def _shown(self) -> tuple[int, ...]:
        """Numbers of the steps that change the valid part, up to the output."""
        last = self.analysis.outputs[self.output]
        needed, steps = {last}, self.analysis.steps
        for number in range(last, -1, -1):
            if number in needed:
                needed.update(steps[number].inputs)
        spans = self._spans(self._long_chunk)
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

    def _verdict(self, chunk: int, crop: int, size: int | None, misfit: str) -> Verdict:
        if size is not None and size > 2 * crop:
            return self._judged(size - 2 * crop, crop, chunk)
        near = self._judged(1, crop, None)
        if size is not None:
            misfit = (
                f"A crop of {crop} px from each side leaves nothing of {size} px. Take "
                "a larger chunk or a smaller crop."
            )
        return replace(near, exact=False, broken=(misfit,)) if misfit else near

    def _offers(
        self, chunk: int, crop: int, verdict: Verdict
    ) -> tuple[tuple[int, int], ...]:
        if self.pair is None:
            return ()
        rows, found = self.pair[0], set()
        for legal in {*verdict.crops, self.smallest_crop}:
            wanted = rows.size(chunk) - 2 * legal
            below = wanted // rows.unit * rows.unit
            for tile in (below - rows.unit, below, below + rows.unit):
                tile = max(tile, rows.unit)
                needed = int((tile + 2 * legal + rows.lost) * rows.scale)
                fits = self.fixed_chunk in (None, needed)
                if fits and self._judged(tile, legal, needed).exact:
                    found.add((needed, legal))
        found.discard((chunk, crop))
        near = sorted(found, key=lambda one: (abs(one[0] - chunk), abs(one[1] - crop)))
        return tuple(near[:OFFERED])
