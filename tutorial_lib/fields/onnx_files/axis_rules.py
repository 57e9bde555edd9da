"""Operators that turn, split and join axes: no pixel is computed.

A `Reshape` joins the rows with the copies of each pixel (nearest upsampling), or splits
them into blocks. To find out, the sizes are computed for a very large image whose sides
have factors that nothing else has.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.onnx_files.building import Building, merged
from tutorial_lib.fields.onnx_files.layouts import BATCH, CHANNEL, COL, ROW
from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.sizes import Number, number_of
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    Part,
    Value,
    channels,
    is_channels,
    size_of,
)
from tutorial_lib.fields.resizing import resized
from tutorial_lib.fields.spans import Span, window

__all__ = [
    "expand",
    "flatten",
    "identity",
    "reshape",
    "squeeze",
    "tile",
    "transpose",
    "unsqueeze",
]

# No network has larger blocks. Larger factors are sizes of an image.
MOST_BLOCK = 2**16


def identity(use: Use, building: Building) -> Value:
    """The input itself."""
    return use.value(0)


def transpose(use: Use, building: Building) -> Image:
    """The axes in another order; by default reversed."""
    image = use.image
    order = use.attribute("perm") or range(len(image.axes))[::-1]
    return _with_axes(image, [image.axes[place] for place in order])


def _with_axes(image: Image, axes: Sequence[Axis]) -> Image:
    return Image(image.step, tuple(axes), image.is_float)


def squeeze(use: Use, building: Building) -> Image:
    """Without some axes of one value; by default without all of them."""
    image = use.image
    places = use.axes_setting(image, 1)
    if places is None:
        places = [i for i, axis in enumerate(image.axes) if axis == ()]
    return _with_axes(image, [a for i, a in enumerate(image.axes) if i not in places])


def unsqueeze(use: Use, building: Building) -> Image:
    """With more axes, of one value."""
    image, places = use.image, use.setting("axes", 1)
    axes = list(image.axes)
    count = len(axes) + len(places)
    for place in sorted(int(place) % count for place in places):
        axes.insert(place, ())
    return _with_axes(image, axes)


def expand(use: Use, building: Building) -> Image:
    """Axes of one value are repeated."""
    shape = use.known(1).tolist()
    count = max(len(shape), len(use.image.axes))
    axes = ((),) * (count - len(use.image.axes)) + use.image.axes
    shape = [1] * (count - len(shape)) + shape
    repeated = [
        channels(_count(use, size)) if axis == () else axis
        for axis, size in zip(axes, shape, strict=True)
    ]
    return _with_axes(use.image, repeated)


def _count(use: Use, size: Number) -> int:
    """How often an axis of one value is repeated."""
    count = number_of(size)
    if count is None:
        raise use.refused("makes an image of a single value")
    return int(count)


def tile(use: Use, building: Building) -> Image:
    """Axes are repeated as a whole: channels, or axes of one value."""
    axes = []
    for axis, times in zip(use.image.axes, use.known(1).tolist(), strict=True):
        if times != 1 and not is_channels(axis):
            raise use.refused("repeats an image beside itself")
        axes.append((*channels(_count(use, times)), *axis))
    return _with_axes(use.image, axes)


def flatten(use: Use, building: Building) -> Image:
    """Two axes: all before the given one, and all others."""
    image, place = use.image, use.attribute("axis", 1)
    axes = image.axes
    joined = [
        tuple(part for axis in some for part in axis)
        for some in (axes[:place], axes[place:])
    ]
    return _with_axes(image, joined)


def reshape(use: Use, building: Building) -> Image:
    """Axes are split and joined, in their order."""
    image = use.image
    sizes = _sizes(use, building)
    blocks = _Blocks(use, building)
    axes = [blocks.taken(size) for size in sizes]
    if any(building.probe(part.size) != 1 for part in blocks.left):
        raise blocks.unfitting()
    axes = [blocks.joined(axis) for axis in axes]
    if not blocks.splits and not blocks.joins:
        return _with_axes(image, axes)

    def rule(spans: Sequence[Span], axis: int) -> Span:
        span, kind = merged(spans, axis), (ROW, COL)[axis]
        side = blocks.splits.get(kind, 1)
        span = window(span, kernel=side, stride=side)
        return resized(span, Fraction(blocks.joins.get(kind, 1)))

    return building.add(use, rule, axes, needs_multiples=True)


def _sizes(use: Use, building: Building) -> list[int]:
    """The new shape for a large image, with the size that is written as -1."""
    axes = use.image.axes
    copies = not use.attribute("allowzero", 0)
    sizes = [
        building.probe(building.size(axes[i]) if copies and size == 0 else size)
        for i, size in enumerate(use.known(1).tolist())
    ]
    total = prod(building.probe(building.size(axis)) for axis in axes)
    others = prod(size for size in sizes if size != -1)
    return [total // others if size == -1 else size for size in sizes]


class _Blocks:
    """The parts of an image's axes, in their order, from which new axes are made.

    Attributes:
        left: The parts that no new axis has taken.
        splits: Side of the blocks into which the rows or columns are split.
        joins: How often each row or column is repeated.
    """

    def __init__(self, use: Use, building: Building) -> None:
        self.use, self.building = use, building
        self.left = [part for axis in use.image.axes for part in axis]
        self.splits: dict[str, int] = {}
        self.joins: dict[str, int] = {}

    def unfitting(self) -> UnknownLayerError:
        """The error for a shape that needs a part of an axis."""
        return self.use.refused(
            f"makes the shape {self.use.known(1).tolist()} of the axes "
            f"({', '.join(self.use.image.kinds)}), and no rule says where the pixels go"
        )

    def taken(self, size: int) -> Axis:
        """An axis of some size, made of the first parts that are left."""
        axis: list[Part] = []
        # An image alone in its batch is an axis of one value that has a part.
        while self.left and (size != 1 or self._is_single(self.left[0])):
            part = self.left.pop(0)
            count = self.building.probe(part.size)
            if size % count:
                if count % size:
                    raise self.unfitting()
                part, count = self._split(part, count // size), size
            axis.append(part)
            size //= count
            if size == 1:
                break
        if size != 1:
            raise self.unfitting()
        return tuple(axis)

    def _is_single(self, part: Part) -> bool:
        return part.kind == BATCH and self.building.probe(part.size) == 1

    def _split(self, part: Part, inner: int) -> Part:
        """The first part of two into which a part is split; the second one is left."""
        if part.kind == BATCH or inner > MOST_BLOCK:
            raise self.unfitting()
        self.left.insert(0, Part(CHANNEL, inner))
        if part.kind != CHANNEL:
            self.splits[part.kind] = inner
            return part
        return Part(CHANNEL, part.size // inner)

    def joined(self, axis: Axis) -> Axis:
        """Rows that are followed by copies are rows again, and more of them."""
        kind = axis[0].kind if axis else None
        if kind in (ROW, COL) and len(axis) > 1 and is_channels(axis[1:]):
            self.joins[kind] = int(size_of(axis[1:]))
            return axis[:1]
        return axis
