"""What the tensors of an ONNX file are: images, known numbers, or neither.

An axis of an image is a tuple of parts. Most axes have one part, such as the rows. An
axis of one value has none. A `Reshape` splits and joins axes, and the parts tell what
became of the rows, the columns and the channels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tutorial_lib.fields.onnx_files.layouts import BATCH, CHANNEL, COL, ROW
from tutorial_lib.fields.onnx_files.sizes import Number

__all__ = [
    "Axis",
    "Image",
    "Known",
    "Part",
    "Unfolded",
    "Uniform",
    "Value",
    "channels",
    "has_pixels",
    "is_channels",
    "kinds_of",
    "size_of",
]


@dataclass(frozen=True)
class Part:
    """A part of an axis.

    Attributes:
        kind: "batch", "row", "col" or "channel".
        size: Its size.
    """

    kind: str
    size: Number


Axis = tuple[Part, ...]


@dataclass(frozen=True)
class Image:
    """A tensor that depends on the pixels of the inputs.

    Attributes:
        step: Number of the step that computes it.
        axes: Its axes; None where they are not known, after a step that looks at the
            whole chunk.
        is_float: Whether it holds floats.
    """

    step: int
    axes: tuple[Axis, ...] | None
    is_float: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each axis; see `kinds_of`."""
        return tuple(map(kinds_of, self.axes or ()))

    def place(self, kind: str) -> int | None:
        """The axis that is the rows or the columns; None without one."""
        kinds = self.kinds
        return kinds.index(kind) if kind in kinds else None


@dataclass(frozen=True)
class Known:
    """An array that does not depend on the pixels: a constant, or sizes.

    Attributes:
        values: The numbers; an array of Python objects where some are `Size`s.
        is_float: Whether they are floats for the file.
        sized: Whether they were computed from the size of an image.
    """

    values: np.ndarray
    is_float: bool
    sized: bool = False


@dataclass(frozen=True)
class Unfolded:
    """A tensor that does not depend on the pixels, but on the place or on sizes.

    Attributes:
        why: Which node gives it, for an error.
    """

    why: str


@dataclass(frozen=True)
class Uniform(Unfolded):
    """A tensor that holds one number everywhere, in a shape that is computed.

    Attributes:
        sizes: Its shape.
    """

    sizes: tuple[Number, ...]


Value = Image | Known | Unfolded


def channels(size: Number) -> Axis:
    """An axis of so many channels."""
    return () if size == 1 else (Part(CHANNEL, size),)


def kinds_of(axis: Axis) -> str:
    """Kind of an axis: "one" value, "channel", "row"; several kinds with a +."""
    kinds = dict.fromkeys(part.kind for part in axis)
    return "+".join(kinds) or "one"


def is_channels(axis: Axis) -> bool:
    """Whether an axis has channels only, or one value."""
    return all(part.kind == CHANNEL for part in axis)


def has_pixels(axes: Iterable[Axis]) -> bool:
    """Whether rows or columns are among some axes."""
    return any(part.kind in (ROW, COL) for axis in axes for part in axis)


def has_batch(axes: Iterable[Axis]) -> bool:
    """Whether the images of a batch are among some axes."""
    return any(part.kind == BATCH for axis in axes for part in axis)


def size_of(axis: Sequence[Part]) -> Number:
    """Size of an axis: the product of its parts."""
    return prod((part.size for part in axis), start=1)
