"""From the analysis of a network to the reach of each pixel of its outputs.

The first real pixel of one input is moved step by step through one total stride; where
the valid part of an output begins then says which of its pixels read how far. Likewise
at the other end.
"""

from collections.abc import Sequence

import numpy as np

from tutorial_lib.fields.analysis import LONGEST_CHUNK, FieldAnalysis
from tutorial_lib.fields.layer_rules import COLS, ROWS, Span
from tutorial_lib.fields.reach import NetworkReach, Reach

# Bytes of a value of a layer's output: networks run in float32.
VALUE_BYTES = 4

__all__ = ["trace"]


def trace(
    analysis: FieldAnalysis, outputs: Sequence[str] | None = None
) -> NetworkReach:
    """What the pixels of outputs depend on.

    Args:
        analysis: Of the network.
        outputs: Names of the outputs that are wanted, None for all.

    Example:
        >>> from tutorial_lib import analyse, architectures
        >>> reach = trace(analyse(architectures.pan_xs_unet(4, crops=())))
        >>> rows, cols = reach.outputs["estimated"]
        >>> rows.margins, rows.windows("input_p", range(64, 65))
        ((31, 16), (array([48]), array([95])))
    """
    outputs = tuple(analysis.outputs) if outputs is None else outputs
    return NetworkReach(
        outputs={
            name: analysis.margins[name]
            and tuple(_Trace(analysis, name, axis).reach() for axis in (ROWS, COLS))
            for name in outputs
        },
        whole_tile_layers=analysis.whole_tile_layers,
        bytes_per_pixel=_bytes_per_pixel(analysis),
    )


class _Trace:
    """One output along one axis, seen in a chunk long enough for its middle."""

    def __init__(self, analysis: FieldAnalysis, output: str, axis: int) -> None:
        self.analysis, self.output, self.axis = analysis, output, axis
        self.number = analysis.outputs[output]
        self.scale = analysis.scale[output]
        self.unit = int(analysis.stride / self.scale)
        # In total strides: what is moved lies this far from both ends of the chunk.
        self.turns = self._enough() // analysis.stride + 1
        self.chunk = (2 * self.turns + 1) * analysis.stride

    def _enough(self) -> int:
        """A chunk that leaves something valid, and more than its margins."""
        margin = max(self.analysis.margins[self.output])
        chunk = self.analysis.stride
        while True:
            span = self.analysis.output_span(self.output, chunk, self.axis)
            if span and span.high - span.low > margin:
                return chunk
            chunk *= 2

    def reach(self) -> Reach:
        spans = self.analysis.spans(self.chunk, self.axis)
        sources = [name for name in self.analysis.inputs if self._reads(name)]
        return Reach(
            scale=self.scale,
            stride=self.analysis.stride,
            lost=int(self.chunk / self.scale) - spans[self.number].size,
            pads=_pads(spans),
            spacing=dict(self.analysis.spacing),
            borders=self._borders(),
            starts={name: self._starts(name) for name in sources},
            stops={name: self._stops(name) for name in sources},
        )

    def _borders(self) -> tuple[int, int]:
        """Margins of the output: (top, bottom), or (left, right)."""
        left, top, right, bottom = self.analysis.margins[self.output]
        return (top, bottom) if self.axis == ROWS else (left, right)

    def _span(self, name: str, first: int | None, last: int | None) -> Span:
        """The output when an input is real from `first` to `last` only."""
        step = self.analysis.total_stride[name]
        end = (2 * self.turns + 1) * step - 1
        real = {name: (first or 0, end if last is None else last)}
        return self.analysis.spans(self.chunk, self.axis, real)[self.number]

    def _reads(self, name: str) -> bool:
        """Whether the output depends on an input at all."""
        step = self.analysis.total_stride[name]
        near, far = (self._span(name, (self.turns - i) * step, None) for i in (1, 0))
        return near.low != far.low

    def _starts(self, name: str) -> tuple[int, ...]:
        """The first pixel that is read, for each phase of the output."""
        step = self.analysis.total_stride[name]
        moved = np.arange(step)
        base = self.turns * step
        low = np.array([self._span(name, base + i, None).low for i in moved])
        # Output p is valid from the input pixel i on  <=>  low[i] <= p. One total
        # stride further, `low` is one unit larger.
        turn = (_column(self.unit) + self.turns * self.unit - low) // self.unit
        return tuple((turn * step + moved).max(axis=1).tolist())

    def _stops(self, name: str) -> tuple[int, ...]:
        """The first pixel that is read no more, for each phase of the output."""
        step = self.analysis.total_stride[name]
        moved = np.arange(step)
        base = self.turns * step
        high = np.array([self._span(name, None, base + i).high for i in moved])
        # Output p is valid up to the input pixel i  <=>  p <= high[i].
        turn = -((high - _column(self.unit) - self.turns * self.unit) // self.unit)
        return tuple((turn * step + moved + 1).min(axis=1).tolist())


def _column(count: int) -> np.ndarray:
    return np.arange(count)[:, np.newaxis]


def _pads(spans: Sequence[Span]) -> bool:
    """Whether something invalid arises although all that is fed is real."""
    return any(span.low > 0 or span.high < span.size - 1 for span in spans)


def _bytes_per_pixel(analysis: FieldAnalysis) -> float:
    """Memory of all layers' outputs, for one pixel of the reference.

    All at once, which is more than a run holds: it frees what is read no more.
    """
    # Long enough for any network; only the spacings are looked at.
    spans = analysis.spans(analysis.stride * LONGEST_CHUNK, ROWS)
    values = sum(
        step.channels / span.jump**2
        for step, span in zip(analysis.steps, spans, strict=True)
    )
    return float(values) * VALUE_BYTES
