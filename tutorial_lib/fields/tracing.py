"""From the analysis of a network to the reach of each pixel of its outputs.

An output pixel is valid exactly if all source pixels that it reads are real. So the
first pixel that it reads is the largest x such that it is valid when the source is real
from x on. To find it, the analysis is repeated for every x within one total stride.
"""

from collections.abc import Sequence

from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.fields.memory import layer_bytes
from tutorial_lib.fields.reach import NetworkReach, Reach
from tutorial_lib.fields.spans import COLS, ROWS, Span

__all__ = ["trace"]


def trace(
    analysis: FieldAnalysis, outputs: Sequence[str] | None = None
) -> NetworkReach:
    """What the pixels of outputs depend on.

    Args:
        analysis: The analysis of the network.
        outputs: Names of the outputs that are wanted, None for all.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> reach = trace(analyse(architectures.pan_xs_unet(4, crops=())))
        >>> rows, cols = reach.outputs["estimated"]
        >>> rows.margins, rows.windows("input_p", range(64, 65))
        ((31, 16), (array([48]), array([95])))
    """
    names = tuple(analysis.outputs) if outputs is None else outputs
    return NetworkReach(
        outputs={name: _reaches(analysis, name) for name in names},
        whole_tile_layers=analysis.whole_tile_layers,
        bytes_per_pixel=layer_bytes(analysis, names),
        bytes_of={name: layer_bytes(analysis, [name]) for name in names},
    )


def _reaches(analysis: FieldAnalysis, output: str) -> tuple[Reach, Reach] | None:
    """Reach of an output along rows and columns; None if it depends on all pixels."""
    if analysis.margins[output] is None:
        return None
    left, top, right, bottom = analysis.margins[output]
    lost_rows, lost_cols = analysis.lost(output)
    rows, cols = (_OutputTrace(analysis, output, axis) for axis in (ROWS, COLS))
    return rows.reach((top, bottom), lost_rows), cols.reach((left, right), lost_cols)


class _OutputTrace:
    """One output along one axis, for a chunk in which the borders are far apart.

    Attributes:
        period: The total stride in output pixels. One total stride further, an output
            pixel reads as before, one total stride further.
        turns: Total strides before the middle of the chunk, and after it.
        chunk: The chunk in reference pixels: `turns`, one total stride in the middle,
            and `turns` again.
    """

    def __init__(self, analysis: FieldAnalysis, output: str, axis: int) -> None:
        self.analysis, self.output, self.axis = analysis, output, axis
        self.period = int(analysis.stride / analysis.scale[output])
        # Far enough from both ends that moving the first or last real pixel within the
        # middle changes only one end of the valid part.
        self.turns = self._half() // analysis.stride + 1
        self.chunk = (2 * self.turns + 1) * analysis.stride

    def _half(self) -> int:
        """A chunk with more valid output pixels than its larger margin."""
        margin = max(self.analysis.margins[self.output])
        chunk = self.analysis.stride
        while True:
            span = self.analysis.output_span(self.output, chunk, self.axis)
            if span and span.high - span.low > margin:
                return chunk
            chunk *= 2

    def reach(self, borders: tuple[int, int], lost: int) -> Reach:
        """The reach, from the margins of the output and the pixels that it lacks."""
        sources = [name for name in self.analysis.inputs if self._reads(name)]
        return Reach(
            scale=self.analysis.scale[self.output],
            stride=self.analysis.stride,
            lost=lost,
            pads=self._pads(),
            spacing=dict(self.analysis.spacing),
            borders=borders,
            starts={name: self._starts(name) for name in sources},
            stops={name: self._stops(name) for name in sources},
        )

    def _middle(self, source: str) -> range:
        """The source pixels of the total stride in the middle of the chunk."""
        step = self.analysis.total_stride[source]
        return range(self.turns * step, (self.turns + 1) * step)

    def _span(self, source: str, *, first: int = 0, last: int | None = None) -> Span:
        """The output if a source has real pixels from `first` to `last` only."""
        if last is None:
            last = int(self.chunk / self.analysis.spacing[source]) - 1
        real = {source: (first, last)}
        spans = self.analysis.spans(self.chunk, self.axis, real)
        return spans[self.analysis.outputs[self.output]]

    def _reads(self, source: str) -> bool:
        """Whether the output depends on a source at all."""
        middle = self._middle(source)
        earlier, later = (
            self._span(source, first=x)
            for x in (middle.start - len(middle), middle.start)
        )
        return earlier.low != later.low

    def _starts(self, source: str) -> tuple[int, ...]:
        """The first source pixel that the output pixels of each phase read.

        When the source is real from x on, the output pixels from `low` on are valid.
        For x + n total strides, those from `low` + n periods on are. So pixel p is
        valid up to n = (p - low) // period, and its first pixel is the largest x + n
        total strides of all x.
        """
        middle = self._middle(source)
        lows = [self._span(source, first=x).low for x in middle]
        return tuple(
            max(
                x + (phase - low) // self.period * len(middle)
                for x, low in zip(middle, lows, strict=True)
            )
            for phase in range(self.period)
        )

    def _stops(self, source: str) -> tuple[int, ...]:
        """The source pixel after the last one that the pixels of each phase read.

        As in `_starts`: when the source is real up to x + n total strides, the output
        pixels up to `high` + n periods are valid.
        """
        middle = self._middle(source)
        highs = [self._span(source, last=x).high for x in middle]
        return tuple(
            1
            + min(
                x - (high - phase) // self.period * len(middle)
                for x, high in zip(middle, highs, strict=True)
            )
            for phase in range(self.period)
        )

    def _pads(self) -> bool:
        """Whether a layer pads: pixels are not valid though all inputs are real."""
        spans = self.analysis.spans(self.chunk, self.axis)
        needs_multiples = any(step.needs_multiples for step in self.analysis.steps)
        return needs_multiples or any(span.ends != (0, 0) for span in spans)
