"""How far each output of a network can be trusted, worked out from its layers.

A network that pads ('same') gives wrong values near the borders of its input. The
analysis follows the layers one by one and finds the pixels of each output that depend
on real pixels only: the valid ones. The others, at each side, are the *margin*; it is
not the same at both sides.

Words: *chunk* what the network reads at once; *total stride* every chunk begins at a
multiple of it and is a multiple of it long, so that all chunks are treated alike;
*margin* pixels of an output that depend on a chunk's borders; *scale* output spacing
divided by reference spacing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutorial_lib import arguments
from tutorial_lib.fields.checks import check_multiple, check_output
from tutorial_lib.fields.graph import Network, images_of
from tutorial_lib.fields.margins import (
    LONG_CHUNK,
    Margins,
    constant_margins,
    whole_chunk_layers,
)
from tutorial_lib.fields.spans import COLS, ROWS

if TYPE_CHECKING:
    import keras
    import pandas

SIDES = ("left", "top", "right", "bottom")

__all__ = ["LONG_CHUNK", "FieldAnalysis", "LayerField", "Margins", "analyse"]


@dataclass(frozen=True)
class LayerField:
    """A layer's output for a chunk. Pairs are (rows, columns).

    Attributes:
        name: Name of the layer; "Conv2D 3" for the third one that has no name.
        kind: Its class.
        kernel: Side of its kernel or pool, in pixels that it reads; None without one.
        stride: Its step in pixels; a transposed convolution steps in its output.
        size: Pixels of its output.
        first: First valid pixel.
        last: Last valid pixel; smaller than `first` if none is valid.
        spacing: Pixel size in reference pixels.
    """

    name: str
    kind: str
    kernel: tuple[int, int] | None
    stride: tuple[int, int] | None
    size: tuple[int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    spacing: Fraction


@dataclass(frozen=True)
class FieldAnalysis(Network):
    """What `analyse` finds out about a network.

    Attributes:
        margins: (left, top, right, bottom) of each output, in its own pixels; None
            where a layer looks at the whole chunk.
        whole_tile_layers: Layers that look at the whole chunk. No tiled map of their
            outputs can equal the whole map.
        total_stride: For each input, in its own pixels.
        scale: Output spacing divided by reference spacing, for each output.
        spacing: Pixel size of each input, in pixels of the reference (the first one).
        steps: The layers in the order in which they run.
        inputs: Numbers of the steps that are inputs, by name.
        outputs: Numbers of the steps that are outputs, by name.

    Example:
        >>> from tutorial_lib import architectures
        >>> analysis = analyse(architectures.pan_xs_unet(4, crops=(32,)))
        >>> analysis.margins["estimated"], analysis.total_stride
        ((31, 31, 16, 16), {'input_p': 16, 'input_xs': 4})
    """

    margins: Mapping[str, Margins | None]
    whole_tile_layers: tuple[str, ...]

    def table(self, size: int | None = None) -> "pandas.DataFrame":
        """Kernel, stride, size, valid pixels and margins of each layer.

        Args:
            size: Side of the chunk in reference pixels, a multiple of the total stride;
                None takes the smallest one.

        Returns:
            One row for each layer's output for a square chunk. All columns from kernel
            to last describe the rows; where kernels differ along rows and columns,
            `layers` has both. Kernel and stride are empty for layers without them.

        Raises:
            ValueError: If the size is not a multiple of the total stride; with the
                nearest multiples.
        """
        import pandas

        rows = [
            {
                "layer": field.name,
                "kind": field.kind,
                "kernel": field.kernel and field.kernel[ROWS],
                "stride": field.stride and field.stride[ROWS],
                "spacing": float(field.spacing),
                "size": field.size[ROWS],
                "valid": max(field.last[ROWS] - field.first[ROWS] + 1, 0),
                "first": field.first[ROWS],
                "last": field.last[ROWS],
                **dict(zip(SIDES, _margins(field), strict=True)),
            }
            for field in self.layers(size)
        ]
        table = pandas.DataFrame(rows).set_index("layer")
        # Whole numbers that may be missing.
        return table.astype({"kernel": "Int64", "stride": "Int64"})

    def layers(self, size: int | None = None) -> tuple[LayerField, ...]:
        """The valid part of each layer's output for a square chunk; see `table`."""
        if size is None:
            size = self.smallest_chunk
        check_multiple(size, self.stride, of="A chunk", what="total stride")
        fields: list[LayerField] = []
        for step, name, *pair in zip(
            self.steps,
            self.names,
            self.spans(size, ROWS),
            self.spans(size, COLS),
            strict=True,
        ):
            # A chunk that is smaller than a kernel leaves nothing for the layers after.
            empty = any(0 in fields[i].size for i in images_of(self.steps, step))
            if empty or (not step.whole and min(span.size for span in pair) < 1):
                pair = [replace(span, size=0, low=0, high=-1) for span in pair]
            fields.append(
                LayerField(
                    name=name,
                    kind=step.kind,
                    kernel=step.kernel,
                    stride=step.stride,
                    size=tuple(span.size for span in pair),
                    first=tuple(span.low for span in pair),
                    last=tuple(span.high for span in pair),
                    spacing=pair[0].jump,
                )
            )
        return tuple(fields)

    def lost(self, output: str) -> tuple[int, int]:
        """Pixels (rows, columns) by which an output is smaller than chunk / scale."""
        check_output(output, self.outputs)
        chunk, number = self.stride * LONG_CHUNK, self.outputs[output]
        rows, cols = (self.spans(chunk, axis)[number].size for axis in (ROWS, COLS))
        expected = int(chunk / self.scale[output])
        return expected - rows, expected - cols

    @property
    def smallest_chunk(self) -> int:
        """Side of the smallest chunk that gives valid pixels, in reference pixels.

        Raises:
            ValueError: If there is none, because a layer looks at the whole chunk.
        """
        size = self.stride
        while not self._has_valid(size):
            size *= 2
            if size > self.stride * LONG_CHUNK:
                raise ValueError(
                    f"No chunk has valid pixels: {', '.join(self.whole_tile_layers)} "
                    "look at the whole chunk. Give a `size` to see the layers."
                )
        while size > self.stride and self._has_valid(size - self.stride):
            size -= self.stride
        return size

    def _has_valid(self, size: int) -> bool:
        """Whether a chunk leaves valid pixels in some output."""
        return any(
            all(self.output_span(name, size, axis) for axis in (ROWS, COLS))
            for name in self.outputs
        )

    def explain(self, size: int | None = None, output: str | None = None) -> str:
        """Describe in words how the valid part of a chunk shrinks from layer to layer.

        Args:
            size: Side of the chunk in reference pixels; None takes the smallest one.
            output: Name of the output that is followed; None takes the first one.

        Returns:
            A sentence for each layer that makes the valid part smaller, and one for the
            output.

        Raises:
            TypeError: If the size is not a number.
            ValueError: If the size is not a multiple of the total stride, or the output
                is unknown.
        """
        output = next(iter(self.outputs)) if output is None else output
        check_output(output, self.outputs)
        size = self.smallest_chunk if size is None else size
        fields, needed = self.layers(size), self.steps_before(self.outputs[output])
        lines = [f"A chunk of {size} px, all of them real."]
        for number, (step, field) in enumerate(zip(self.steps, fields, strict=True)):
            before = [_margins(fields[i]) for i in step.inputs]
            smaller = before and _margins(field) != before[0]
            first_empty = 0 in field.size and not any(
                0 in fields[i].size for i in step.inputs
            )
            if number in needed and (smaller or first_empty):
                lines.append(f"{_named(field)}: {_valid_text(field)}")
        text = _valid_text(fields[self.outputs[output]])
        return "\n".join([*lines, f"output '{output}': {text}"])

    def plot(self, size: int | None = None, output: str | None = None) -> Any:
        """Draw the layers that lead to an output, by pixel size, with their sizes.

        Args:
            size: Side of the chunk in reference pixels; None takes the smallest one.
            output: Name of the output; None takes the first one.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.
        """
        from tutorial_lib.viewers.diagrams import show_network

        output = next(iter(self.outputs)) if output is None else output
        check_output(output, self.outputs)
        return show_network(self, self.smallest_chunk if size is None else size, output)

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


def _named(field: LayerField) -> str:
    """Name and class; "Conv2D 3" says its class itself."""
    numbered = field.name.startswith(f"{field.kind} ")
    return field.name if numbered else f"{field.name} ({field.kind})"


def _margins(field: LayerField) -> Margins:
    (height, width), (top, left), (bottom, right) = field.size, field.first, field.last
    return left, top, width - 1 - right, height - 1 - bottom


def _valid_text(field: LayerField) -> str:
    if 0 in field.size:
        return "0 px, none of them valid: the chunk is too small. Take a larger one."
    if field.last[ROWS] < field.first[ROWS]:
        return f"{field.size[ROWS]} px, none of them valid."
    left, top, right, bottom = _margins(field)
    count = field.last[ROWS] - field.first[ROWS] + 1
    return (
        f"{field.size[ROWS]} px, {count} of them valid, rows {field.first[ROWS]} to "
        f"{field.last[ROWS]}: {left} left, {top} top, {right} right, {bottom} bottom "
        "are lost."
    )


def analyse(model: "keras.Model | str | os.PathLike[str]") -> FieldAnalysis:
    """Work out which pixels of a network's outputs can be trusted.

    Args:
        model: A functional Keras model, or the path of an ONNX file. The result does
            not depend on the weights.

    Returns:
        Margins, total stride and scale of the outputs, and a table of the layers.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If it is an ONNX file and the package `onnx` is not installed.
        TypeError: If the model is not a graph of layers.
        UnknownLayerError: If no rule describes a layer; with the way to add one.
        ValueError: If a layer merges tensors that do not fit, or the file is no ONNX
            file.

    Example:
        >>> from tutorial_lib import architectures
        >>> analyse(architectures.pixelwise_fcnn(6, crops=()))
        total stride {'input': 1}, scale {'estimated': '1', 'estimated_labels': '1',
        'features': '1'}
          estimated: margins (left, top, right, bottom) (0, 0, 0, 0)
          estimated_labels: margins (left, top, right, bottom) (0, 0, 0, 0)
          features: margins (left, top, right, bottom) (0, 0, 0, 0)
    """
    network = _network(model)
    return FieldAnalysis(
        **vars(network),
        margins={name: constant_margins(network, name) for name in network.outputs},
        whole_tile_layers=whole_chunk_layers(network),
    )


def _network(model: Any) -> Network:
    """The steps of a model. A process that analyses an ONNX file loads no Keras."""
    is_path = isinstance(model, str | os.PathLike)
    is_file = is_path and Path(model).suffix.lower() == ".onnx"
    if is_file or type(model).__name__ == "ModelProto":
        from tutorial_lib.fields.onnx_files.reading import read_network

        return read_network(model)
    import keras

    from tutorial_lib.fields.unfolding import unfold

    what = (
        "a Keras model or the path of an ONNX file: "
        "`tl.analyse(keras.models.load_model(path))` for a file of Keras"
    )
    arguments.instance("model", model, keras.layers.Layer, what)
    return unfold(model)
