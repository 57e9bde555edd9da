"""One use of an operator: its settings and its inputs, and how it is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.onnx_files.tensors import (
    Image,
    Known,
    Unfolded,
    Uniform,
    Value,
)

MEASURE = (
    "Measure it with `certificate=tl.certify(model, output, tile=…)`, or declare the "
    "fields"
)

__all__ = ["MEASURE", "LayoutError", "Use"]


class LayoutError(UnknownLayerError):
    """An operator meets an axis that it would not meet in an image so laid out."""


class Use:
    """A node of the file with the values of its inputs.

    Attributes:
        node: The node.
        opset: Version of its set of operators.
        inputs: Its inputs; None where an optional one is left out.
        name: Its name, for the table of layers and for errors.
    """

    def __init__(
        self, node: Any, opset: int, inputs: Sequence[Value | None], name: str
    ) -> None:
        self.node, self.opset, self.name = node, opset, name
        self.inputs = list(inputs)
        self._attributes = {one.name: one for one in node.attribute}

    @property
    def kind(self) -> str:
        """Name of the operator, with its domain where it is not one of ONNX."""
        domain = self.node.domain
        prefix = "" if domain in ("", "ai.onnx") else f"{domain}."
        return prefix + self.node.op_type

    def attribute(self, name: str, default: Any = None) -> Any:
        """Value of an attribute; texts as `str`."""
        if name not in self._attributes:
            return default
        from onnx import helper

        value = helper.get_attribute_value(self._attributes[name])
        return value.decode() if isinstance(value, bytes) else value

    def value(self, place: int) -> Value | None:
        """An input; None if it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def known(self, place: int) -> np.ndarray | None:
        """Numbers of an input; None if it is left out.

        Raises:
            UnknownLayerError: If they are not known before the network runs.
        """
        value = self.value(place)
        if value is None:
            return None
        if isinstance(value, Known):
            return value.values
        why = value.why if isinstance(value, Unfolded) else "the pixels"
        raise self.refused(
            f"takes settings that depend on {why}",
            "Export the network with constant ones, for example for images of any size "
            "with `scale_factor` in place of `size`",
        )

    def setting(self, name: str, place: int) -> list[Any] | None:
        """A setting that is an attribute in older opsets, and an input in newer ones.

        Returns:
            Its numbers; None if it is left out.
        """
        value = self.attribute(name)
        if value is None:
            value = self.known(place)
        return None if value is None else np.atleast_1d(value).tolist()

    def axes_setting(self, image: Image, place: int) -> list[int] | None:
        """The setting `axes`, counted from the first axis; None if it is left out."""
        axes = self.setting("axes", place)
        return axes and [int(axis) % len(image.axes) for axis in axes]

    @property
    def sized(self) -> bool:
        """Whether a setting was computed from the size of an image."""
        return any(
            isinstance(value, Uniform) or (isinstance(value, Known) and value.sized)
            for value in self.inputs
        )

    @property
    def images(self) -> list[Image]:
        """The inputs that depend on the pixels."""
        return [value for value in self.inputs if isinstance(value, Image)]

    @property
    def image(self) -> Image:
        """The first input, which must depend on the pixels.

        Raises:
            UnknownLayerError: If it does not.
        """
        value = self.value(0)
        if isinstance(value, Image):
            return value
        raise self.refused("has an image in another place than its first input")

    def refused(self, does: str, cure: str = MEASURE) -> UnknownLayerError:
        """The error for a node without a rule.

        Args:
            does: What it does: "has a value for each pixel".
            cure: What to do, without a full stop.
        """
        return UnknownLayerError(
            f"The operator {self.kind} ('{self.name}') {does}. {cure}."
        )

    def misplaced(self, image: Image, expected: str) -> LayoutError:
        """The error for an image whose axes are others than the operator needs."""
        return LayoutError(
            f"The operator {self.kind} ('{self.name}') reads a tensor with the axes "
            f"({', '.join(image.kinds)}), and its rule is for {expected}. {MEASURE}."
        )
