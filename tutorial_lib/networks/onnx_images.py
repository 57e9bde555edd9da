"""ONNX networks as functions of images with their channels last.

Files from PyTorch have the channels before rows and columns, and all other parts of the
kit have them last: images are turned at the door. Some files take one image at a time.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from tutorial_lib.fields.onnx_files.layouts import KIT, NONE, Layout
from tutorial_lib.networks.checks import Shape

__all__ = ["OnnxImages"]


class OnnxImages:
    """A network that takes and gives images with their channels last.

    Attributes:
        run: What runs it, with the order of axes of the file.
        layouts: The order of axes in the file, by input and output.
        shapes: Shape of each input, channels last, None where any number goes.
        outputs: Names of the outputs.
        batch: Number of images that it takes at a time; None for any.
    """

    def __init__(self, run: Any, layouts: Mapping[str, Layout]) -> None:
        self.run, self.layouts, self.outputs = run, layouts, run.outputs
        self.shapes = {
            name: tuple(layouts[name].size_of(axis, shape) for axis in KIT)
            for name, shape in run.shapes.items()
        }
        self.batch = next((x[0] for x in self.shapes.values() if x[0]), None)

    @property
    def channels(self) -> dict[str, int | None]:
        """Number of channels of each input."""
        return {name: shape[-1] for name, shape in self.shapes.items()}

    def in_precision(self, precision: str) -> "OnnxImages":
        """The same network in a precision.

        Raises:
            ValueError: If what runs it does not have it here.
        """
        other = copy(self)
        other.run = self.run.in_precision(precision)
        return other

    def __call__(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The outputs of the given names; arrays may be read-only.

        Raises:
            ValueError: If an image has a size that the network does not take.
            MemoryError: If the machine has not enough memory.
        """
        for name, shape in self.shapes.items():
            _check_size(name, np.shape(inputs[name]), shape)
        given = {
            name: self.layouts[name].from_kit(inputs[name]) for name in self.shapes
        }
        results = self._in_batches(given, outputs)
        return {name: self._image(name, results[name]) for name in outputs}

    def _in_batches(
        self, given: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Run it on as many images at a time as it takes."""
        count = len(next(iter(given.values())))
        size = self.batch or count
        if count == size:
            return self.run(given, outputs)
        parts = []
        for start in range(0, count, size):
            part = {name: x[start : start + size] for name, x in given.items()}
            missing = size - len(next(iter(part.values())))
            # The last image again and again, for a batch that is complete.
            full = {
                name: np.concatenate([x, *([x[-1:]] * missing)])
                for name, x in part.items()
            }
            results = self.run(full, outputs)
            parts.append({n: x[: size - missing] for n, x in results.items()})
        return {
            name: np.concatenate([part[name] for part in parts]) for name in outputs
        }

    def _image(self, name: str, array: np.ndarray) -> np.ndarray:
        if array.ndim == 3:
            # A label map of PyTorch, `logits.argmax(1)`.
            return NONE.to_kit(array)
        # Vectors are left to the checks of all models.
        return self.layouts[name].to_kit(array) if array.ndim == 4 else array


def _check_size(name: str, given: Shape, taken: Shape) -> None:
    """Raise ValueError unless a network takes images of a height and width."""
    if all(
        one in (None, other) for one, other in zip(taken[1:], given[1:], strict=True)
    ):
        return
    raise ValueError(
        f"The input '{name}' has {given[1]}x{given[2]} px, and the ONNX file takes "
        f"images of {taken[1] or 'any'}x{taken[2] or 'any'} px only. Export it for "
        "images of any size: a Keras model with `tl.export(model, 'model.onnx')`, one "
        f"of PyTorch with `dynamic_axes={{'{name}': {{0: 'batch', 2: 'height', 3: "
        "'width'}}`."
    )
