"""From an ONNX file to the steps of its network, and the axes of its images."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tutorial_lib.fields.graph import Network, UnknownLayerError
from tutorial_lib.fields.onnx_files.building import Building, whole
from tutorial_lib.fields.onnx_files.files import (
    constant,
    constants,
    image_shapes,
    load,
    needed,
    without_functions,
)
from tutorial_lib.fields.onnx_files.folding import fold, shape_of
from tutorial_lib.fields.onnx_files.layouts import FIRST, LAST, Layout
from tutorial_lib.fields.onnx_files.nodes import MEASURE, LayoutError, Use
from tutorial_lib.fields.onnx_files.operators import OPERATORS
from tutorial_lib.fields.onnx_files.tensors import Image, Known, Unfolded, Value
from tutorial_lib.fields.pixel_sizes import pixel_sizes

CONTROL_FLOW = ("If", "Loop", "Scan")
# With more inputs, their channels are all first or all last.
MOST_MIXED_INPUTS = 4

__all__ = ["input_layouts", "read_network"]


def read_network(model: Any) -> Network:
    """The steps of an ONNX file's network.

    Args:
        model: The path of the file, or its content.

    Raises:
        UnknownLayerError: If no rule describes an operator, or it is not clear which
            axes are the rows and the columns.
        ValueError: If tensors with pixels of different sizes are merged.
    """
    reading = _best_reading(load(model))
    if reading.error is not None:
        raise reading.error
    steps, inputs = tuple(reading.building.steps), reading.inputs
    outputs = {name: reading.output_step(name) for name in reading.outputs}
    spacing, jumps = pixel_sizes(steps, inputs, outputs)
    return Network(
        steps=steps,
        inputs=inputs,
        outputs=outputs,
        spacing=spacing,
        jumps=jumps,
    )


def input_layouts(model: Any) -> dict[str, Layout]:
    """The axes of each image that a file's network takes or gives, by name.

    They follow from how the network uses them: the second axis of what a convolution
    reads is the channels, and so on. Outputs that are no images are left out.

    Args:
        model: The path of the file, or its content.

    Raises:
        UnknownLayerError: If the network does not tell it.
    """
    reading = _best_reading(load(model))
    layouts = dict(reading.layouts)
    for name in reading.outputs:
        layout = reading.output_layout(name)
        if layout is not None:
            layouts[name] = layout
    return layouts


def _best_reading(model: Any) -> "_Reading":
    """The reading with the axes that fit to the operators.

    Each input is read with its channels first and last. With the wrong one, the first
    convolution finds rows where its channels should be.
    """
    model = without_functions(model)
    shapes = image_shapes(model)
    known = constants(model.graph)
    if len(shapes) > MOST_MIXED_INPUTS:
        choices = [(one,) * len(shapes) for one in (FIRST, LAST)]
    else:
        choices = product((FIRST, LAST), repeat=len(shapes))
    readings = [
        _Reading(model, known, dict(zip(shapes, layouts, strict=True)))
        for layouts in choices
    ]
    fitting = [one for one in readings if not isinstance(one.error, LayoutError)]
    if not fitting:
        return max(readings, key=lambda one: one.count)
    fewest = min(one.misfits for one in fitting)
    fitting = [one for one in fitting if one.misfits == fewest]
    if len(fitting) > 1:
        by_sizes = [one for one in fitting if one.fits_free_sizes]
        if len(by_sizes) != 1:
            names = ", ".join(f"'{name}'" for name in shapes)
            raise UnknownLayerError(
                f"The network does not tell which axis of {names} is the channels. "
                "Export it with rows and columns of any size, and a fixed number of "
                "channels."
            )
        return by_sizes[0]
    return fitting[0]


class _Reading:
    """A file that is read with given axes of its inputs, as far as the rules go.

    Attributes:
        layouts: The axes of the inputs.
        building: The steps.
        inputs: Numbers of the steps that are inputs, by name.
        outputs: Names of the outputs.
        count: Number of nodes that were followed.
        misfits: Number of nodes that met other axes than they need, after a layer that
            looks at the whole chunk.
        error: Why no more were; None if all were.
    """

    def __init__(
        self, model: Any, known: Mapping[str, Value], layouts: dict[str, Layout]
    ) -> None:
        self.layouts, self.building = layouts, Building()
        self.shapes = shapes = image_shapes(model)
        self.opsets = {one.domain: one.version for one in model.opset_import}
        self.opsets.setdefault("", self.opsets.get("ai.onnx", 1))
        self.values: dict[str, Value] = dict(known)
        self.count, self.misfits, self.error = 0, 0, None
        graph = model.graph
        for one in graph.input:
            if one.name in shapes:
                shape = shapes[one.name]
                image = self.building.add_input(one, one.name, layouts[one.name], shape)
                self.values[one.name] = image
        self.inputs = {name: self.values[name].step for name in shapes}
        self.outputs = [one.name for one in graph.output]
        try:
            self._read(needed(graph))
            self._check_outputs()
        except UnknownLayerError as err:
            self.error = err

    @property
    def fits_free_sizes(self) -> bool:
        """Whether images may have any size, and their channels have a fixed number."""
        return all(
            self.shapes[name][layout.axes.index("channel")] is not None
            and self.shapes[name][layout.axes.index("row")] is None
            and self.shapes[name][layout.axes.index("col")] is None
            for name, layout in self.layouts.items()
        )

    def _read(self, nodes: Sequence[Any]) -> None:
        for node in nodes:
            self._add_node(node)
            self.count += 1

    def _add_node(self, node: Any) -> None:
        inputs = [self.values[name] if name else None for name in node.input]
        opset = self.opsets.get(node.domain, 1)
        use = Use(node, opset, inputs, node.name or f"{node.op_type} {self.count}")
        results = self._outputs_of(use)
        for name, value in zip(node.output, results, strict=False):
            self.values[name] = value

    def _outputs_of(self, use: Use) -> Sequence[Value]:
        if use.kind in CONTROL_FLOW:
            raise use.refused("decides what is computed while the network runs")
        if not use.images:
            return [constant(use)] if use.kind == "Constant" else fold(use)
        if use.kind in ("Shape", "Size"):
            return [self._shape_of(use)]
        try:
            results = self._by_rule(use)
        except UnknownLayerError as err:
            # Nothing can be exact any more after a whole chunk: that layer is named.
            if not any(map(self.building.is_whole, use.images)):
                raise
            self.misfits += isinstance(err, LayoutError)
            results = self._opaque(use)
        return results if isinstance(results, list) else [results]

    def _by_rule(self, use: Use) -> Value | Sequence[Value]:
        if any(image.axes is None for image in use.images):
            return self._opaque(use)
        if use.kind not in OPERATORS:
            raise UnknownLayerError(
                f"No rule says how the operator {use.kind} ('{use.name}') reads its "
                f"input. {MEASURE}."
            )
        try:
            return OPERATORS[use.kind].handler(use, self.building)
        except UnknownLayerError:
            raise
        except (ArithmeticError, IndexError, TypeError, ValueError) as err:
            raise use.refused("has settings for which there is no rule") from err

    def _opaque(self, use: Use) -> list[Value]:
        image = self.building.add(use, whole, None)
        return [image for _ in use.node.output]

    def _shape_of(self, use: Use) -> Value:
        """The sizes of an image, as formulas."""
        image = use.image
        if image.axes is None:
            return Unfolded(f"the shape of '{use.name}'")
        sizes = [self.building.size(axis) for axis in image.axes]
        if use.kind == "Size":
            return Known(np.array(prod(sizes), object), False, sized=True)
        return shape_of(use, sizes)

    def _check_outputs(self) -> None:
        """Raise UnknownLayerError for an output that is neither image nor whole."""
        for name in self.outputs:
            value = self.values[name]
            if not isinstance(value, Image):
                raise UnknownLayerError(
                    f"The output '{name}' does not depend on the image. Export the "
                    "network without it."
                )
            whole_chunk = self.building.is_whole(value)
            if not whole_chunk and self.output_layout(name) is None:
                raise UnknownLayerError(
                    f"The output '{name}' has the axes ({', '.join(value.kinds)}), and "
                    "an image has rows, columns and channels. Export the network so."
                )

    def output_step(self, name: str) -> int:
        """Number of the step that computes an output."""
        return self.values[name].step

    def output_layout(self, name: str) -> Layout | None:
        """Axes of an output; None if it is no image, or was not reached."""
        value = self.values.get(name)
        if not isinstance(value, Image):
            return None
        kinds = value.kinds
        if {"batch", "row", "col"} - set(kinds) or len(kinds) > 4:
            return None
        kinds = tuple("channel" if kind == "one" else kind for kind in kinds)
        fits = len(set(kinds)) == len(kinds) and set(kinds) <= set(FIRST.axes)
        return Layout(kinds) if fits else None
