"""Margins of a network's outputs, and the layers that leave them none."""

from tutorial_lib.fields.graph import Network
from tutorial_lib.fields.spans import COLS, ROWS

# In total strides. In such a chunk every output has valid pixels, except where a layer
# looks at the whole chunk. Only sizes are computed for it, so that it costs nothing.
LONG_CHUNK = 2**16

# (left, top, right, bottom)
Margins = tuple[int, int, int, int]

__all__ = ["LONG_CHUNK", "Margins", "constant_margins", "whole_chunk_layers"]


def whole_chunk_layers(network: Network) -> tuple[str, ...]:
    """Layers whose output has no valid pixel although all their inputs have some."""
    found = {}
    for axis in (ROWS, COLS):
        spans = network.spans(network.stride * LONG_CHUNK, axis)
        for step, span in zip(network.steps, spans, strict=True):
            if span.low > span.high and all(
                spans[i].low <= spans[i].high for i in step.inputs
            ):
                found[step.name] = None
    return tuple(found)


def constant_margins(network: Network, name: str) -> Margins | None:
    """Margins of an output in all chunks that are large enough; None if none is.

    Chunks are doubled until two in a row have the same margins: in smaller ones the
    paddings of both sides meet.
    """
    chunk, previous = network.stride, None
    while chunk <= network.stride * LONG_CHUNK:
        margins = _margins_of_chunk(network, name, chunk)
        if margins and margins == previous:
            return margins
        chunk, previous = 2 * chunk, margins
    return None


def _margins_of_chunk(network: Network, name: str, chunk: int) -> Margins | None:
    rows, cols = (network.output_span(name, chunk, axis) for axis in (ROWS, COLS))
    if rows is None or cols is None:
        return None
    (top, bottom), (left, right) = rows.ends, cols.ends
    return left, top, right, bottom
