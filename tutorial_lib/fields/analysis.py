"""How far each output of a network can be trusted, worked out from the network itself.

A network that pads ('same') gives wrong values near the borders of what it is fed. Its
layers are followed one by one: which pixels of each tensor depend on real pixels only.
What is left at each side is the *margin*, and it is not the same on both sides.

Words: *total stride* a chunk must begin at a multiple of it, and be a multiple of it
long, for all chunks to be treated alike; *margin* pixels of an output that the borders
of a chunk reach; *scale* output spacing divided by reference spacing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

import keras

from tutorial_lib.fields.graph import Step, pixel_sizes, unfold, walk
from tutorial_lib.fields.layer_rules import COLS, ROWS, Span

if TYPE_CHECKING:
    import pandas

# A chunk this long has no valid part only if a layer looks at the whole of it.
LONGEST_CHUNK = 2**16

__all__ = ["FieldAnalysis", "LayerField", "analyse"]


@dataclass(frozen=True)
class LayerField:
    """A layer's output for a chunk of some size; pairs are (rows, columns)."""

    name: str
    kind: str
    size: tuple[int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    spacing: Fraction


@dataclass(frozen=True)
class FieldAnalysis:
    """What `analyse` found out about a network.

    Attributes:
        steps: The layers in the order in which they run.
        inputs: Numbers of the steps that are inputs, by name.
        outputs: Numbers of the steps that are outputs, by name.
        spacing: Pixel size of each input, in pixels of the reference (the first one).
        margins: (left, top, right, bottom) of each output, in its own pixels; None
            where a layer looks at the whole chunk.
        total_stride: For each input, in its own pixels.
        scale: Output spacing divided by reference spacing, for each output.
        whole_tile_layers: Layers that look at the whole chunk: with them no tiled map
            can equal the whole map.

    Example:
        >>> from tutorial_lib import architectures
        >>> analysis = analyse(architectures.pan_xs_unet(4, crops=(32,)))
        >>> analysis.margins["estimated"], analysis.total_stride
        ((31, 31, 16, 16), {'input_p': 16, 'input_xs': 4})
    """

    steps: tuple[Step, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    spacing: Mapping[str, Fraction]
    margins: Mapping[str, tuple[int, int, int, int] | None]
    total_stride: Mapping[str, int]
    scale: Mapping[str, Fraction]
    whole_tile_layers: tuple[str, ...]

    def table(self, size: int | None = None) -> "pandas.DataFrame":
        """Layer by layer: size, valid part and margins for a square chunk.

        Args:
            size: Side of the chunk in reference pixels, a multiple of the total stride;
                None takes the smallest legal one.

        Returns:
            One row for each layer. Size, valid, first and last are of the rows only;
            where kernels or strides differ, see `layers` for both. Margins are those of
            the rows (top, bottom) and the columns (left, right).

        Raises:
            ValueError: If the size is not legal; with the nearest ones.
        """
        import pandas

        rows = [
            {
                "layer": field.name,
                "kind": field.kind,
                "spacing": float(field.spacing),
                "size": field.size[ROWS],
                "valid": max(field.last[ROWS] - field.first[ROWS] + 1, 0),
                "first": field.first[ROWS],
                "last": field.last[ROWS],
                "left": field.first[COLS],
                "top": field.first[ROWS],
                "right": field.size[COLS] - 1 - field.last[COLS],
                "bottom": field.size[ROWS] - 1 - field.last[ROWS],
            }
            for field in self.layers(size)
        ]
        return pandas.DataFrame(rows).set_index("layer")

    def layers(self, size: int | None = None) -> tuple[LayerField, ...]:
        """The valid part of every layer for a square chunk; see `table`."""
        size = self.smallest_chunk if size is None else self._checked(size)
        rows, cols = (self.spans(size, axis) for axis in (ROWS, COLS))
        return tuple(
            LayerField(
                name=step.name,
                kind=step.kind,
                size=(row.size, col.size),
                first=(row.low, col.low),
                last=(row.high, col.high),
                spacing=row.jump,
            )
            for step, row, col in zip(self.steps, rows, cols, strict=True)
        )

    def spans(
        self, size: int, axis: int, real: Mapping[str, tuple[int, int]] | None = None
    ) -> list[Span]:
        """Spans of all steps for a chunk of `size` reference pixels; see `walk`."""
        return walk(
            self.steps, self.inputs, self.spacing, size=size, axis=axis, real=real
        )

    def output_span(self, name: str, size: int, axis: int) -> Span | None:
        """Span of an output, None when nothing of it is valid in such a chunk."""
        try:
            span = self.spans(size, axis)[self.outputs[name]]
        except ValueError:
            return None
        return span if 0 <= span.low <= span.high else None

    @property
    def stride(self) -> int:
        """The total stride in reference pixels."""
        return next(iter(self.total_stride.values()))

    @property
    def smallest_chunk(self) -> int:
        """Side of the smallest chunk that leaves something valid, in reference pixels.

        Raises:
            ValueError: If there is none, because a layer looks at the whole chunk.
        """
        size = _smallest_valid(self)
        if size is None:
            raise ValueError(
                f"No chunk is large enough: {', '.join(self.whole_tile_layers)} look "
                "at the whole of it, however large. Give a `size` to see the layers."
            )
        return size

    def _checked(self, size: int) -> int:
        if size < 1 or size % self.stride:
            below = size // self.stride * self.stride
            legal = f"{below} or {below + self.stride}" if below else f"{self.stride}"
            raise ValueError(
                f"A chunk of {size} px is not a multiple of the total stride "
                f"({self.stride} px of the reference). Use {legal}."
            )
        return size

    def explain(self, size: int, output: str | None = None) -> str:
        """Say in words how a chunk shrinks on its way through the network.

        Args:
            size: Side of the chunk in reference pixels.
            output: Name of the output that is followed; None takes the first one.

        Returns:
            A sentence for each layer that takes something away, and for the output.
        """
        output = next(iter(self.outputs)) if output is None else output
        fields, needed = self.layers(size), self._behind(self.outputs[output])
        lines = [f"A chunk of {size} px, of which everything is real."]
        for number, (step, field) in enumerate(zip(self.steps, fields, strict=True)):
            before = [_margins(fields[i]) for i in step.inputs]
            if number in needed and before and _margins(field) != before[0]:
                lines.append(f"{field.name} ({field.kind}): {_valid_text(field)}")
        text = _valid_text(fields[self.outputs[output]])
        return "\n".join([*lines, f"output '{output}': {text}"])

    def _behind(self, number: int) -> set[int]:
        """Numbers of the steps that a step depends on, and its own."""
        needed = {number}
        for i in range(number, -1, -1):
            if i in needed:
                needed.update(self.steps[i].inputs)
        return needed

    def __repr__(self) -> str:
        lines = [
            f"total stride {dict(self.total_stride)}, scale "
            f"{ {name: str(scale) for name, scale in self.scale.items()} }"
        ]
        for name, margins in self.margins.items():
            lines.append(f"  {name}: margins (left, top, right, bottom) {margins}")
        if self.whole_tile_layers:
            lines.append(f"not exact: {', '.join(self.whole_tile_layers)}")
        return "\n".join(lines)


def _margins(field: LayerField) -> tuple[int, int, int, int]:
    (height, width), (top, left), (bottom, right) = field.size, field.first, field.last
    return left, top, width - 1 - right, height - 1 - bottom


def _valid_text(field: LayerField) -> str:
    if field.last[ROWS] < field.first[ROWS]:
        return f"{field.size[ROWS]} px, none of them valid."
    left, top, right, bottom = _margins(field)
    count = field.last[ROWS] - field.first[ROWS] + 1
    return (
        f"{field.size[ROWS]} px, {count} of them valid, rows {field.first[ROWS]} to "
        f"{field.last[ROWS]}: {left} left, {top} top, {right} right, {bottom} bottom "
        "are lost."
    )


def analyse(model: keras.Model) -> FieldAnalysis:
    """Work out what can be trusted of a network's outputs.

    Args:
        model: A functional Keras model; what it is trained to does not matter.

    Returns:
        Margins, total stride and scale of the outputs, and a table of the layers.

    Raises:
        TypeError: If the model is no graph of layers.
        UnknownLayerError: If no rule describes a layer; with the way to add one.
        ValueError: If a layer merges tensors that do not fit.

    Example:
        >>> from tutorial_lib import architectures
        >>> analyse(architectures.pixelwise_fcnn(6, crops=()))
        total stride {'input': 1}, scale {'estimated': '1', 'estimated_labels': '1',
        'features': '1'}
          estimated: margins (left, top, right, bottom) (0, 0, 0, 0)
          estimated_labels: margins (left, top, right, bottom) (0, 0, 0, 0)
          features: margins (left, top, right, bottom) (0, 0, 0, 0)
    """
    return _measured(*unfold(model))


def _measured(
    steps: tuple[Step, ...], inputs: Mapping[str, int], outputs: Mapping[str, int]
) -> FieldAnalysis:
    spacing, jumps = pixel_sizes(steps, inputs)
    stride = lcm(*(jump.numerator for jump in jumps))
    draft = FieldAnalysis(
        steps=steps,
        inputs=inputs,
        outputs=outputs,
        spacing=spacing,
        margins={},
        total_stride={name: int(stride / spacing[name]) for name in inputs},
        scale={name: jumps[number] for name, number in outputs.items()},
        whole_tile_layers=_whole_tile(steps, inputs, spacing, stride * LONGEST_CHUNK),
    )
    margins = {name: _constant_margins(draft, name) for name in outputs}
    return FieldAnalysis(**(vars(draft) | {"margins": margins}))


def _smallest_valid(analysis: FieldAnalysis) -> int | None:
    """The smallest legal chunk that leaves something valid of some output."""
    size = analysis.stride
    while size <= LONGEST_CHUNK:
        if _some_valid(analysis, size):
            while size > analysis.stride and _some_valid(
                analysis, size - analysis.stride
            ):
                size -= analysis.stride
            return size
        size *= 2
    return None


def _some_valid(analysis: FieldAnalysis, size: int) -> bool:
    return any(
        analysis.output_span(name, size, ROWS)
        and analysis.output_span(name, size, COLS)
        for name in analysis.outputs
    )


def _whole_tile(
    steps: Sequence[Step],
    inputs: Mapping[str, int],
    spacing: Mapping[str, Fraction],
    size: int,
) -> tuple[str, ...]:
    """Layers that leave nothing valid of something valid, however large it is."""
    found = {}
    for axis in (ROWS, COLS):
        spans = walk(steps, inputs, spacing, size=size, axis=axis)
        for step, span in zip(steps, spans, strict=True):
            if span.low > span.high and all(
                spans[i].low <= spans[i].high for i in step.inputs
            ):
                found[step.name] = None
    return tuple(found)


def _constant_margins(
    analysis: FieldAnalysis, name: str
) -> tuple[int, int, int, int] | None:
    """Margins of an output, the same for every chunk that leaves something valid."""
    size = analysis.stride
    found = None
    while size <= LONGEST_CHUNK * analysis.stride:
        row, col = (analysis.output_span(name, size, axis) for axis in (ROWS, COLS))
        both = row and col
        margins = both and (*_ends(col), *_ends(row))
        if margins and margins == found:
            left, right, top, bottom = margins
            return left, top, right, bottom
        found, size = margins, 2 * size
    return None


def _ends(span: Span) -> tuple[int, int]:
    return span.low, span.size - 1 - span.high
