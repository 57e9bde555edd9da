"""Operators that add pixels at the ends of an image, or cut some: Pad and Slice.

What they do with sizes is in their definition: https://onnx.ai/onnx/operators/.
"""

from collections.abc import Sequence

from tutorial_lib.fields.onnx_files.building import Building
from tutorial_lib.fields.onnx_files.layouts import COL, ROW
from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.sizes import Number, Size, number_of
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    channels,
    is_channels,
    size_of,
)
from tutorial_lib.fields.spans import Span, sliced

# Exporters write it for "to the end".
LARGE = 2**31 - 1
BOTH_ENDS = (
    "Count pixels from both ends, with a positive step: `x[:, :, 16:-16, 16:-16]`"
)

__all__ = ["pad", "slice_"]


def pad(use: Use, building: Building) -> Image:
    """A longer image, whose new pixels are not valid; or a shorter one."""
    image = use.image
    axes_given = use.known(3) if use.opset >= 18 else None
    pads = use.attribute("pads") or use.attribute("paddings")
    pads = use.known(1).tolist() if pads is None else pads
    count = len(image.axes)
    places = (
        range(count)
        if axes_given is None
        else [int(a) % count for a in axes_given.ravel()]
    )
    ends: dict[str, tuple[int, int]] = {}
    axes = list(image.axes)
    for number, place in enumerate(places):
        before, after = (_number(use, pads[n]) for n in (number, number + len(places)))
        kind = image.kinds[place]
        if kind in (ROW, COL):
            ends[kind] = before, after
        elif before or after:
            axes[place] = _padded_channels(use, axes[place], before + after)
    return _ended(use, building, axes, ends)


def _padded_channels(use: Use, axis: Axis, added: int) -> Axis:
    if not is_channels(axis):
        raise use.misplaced(use.image, "rows, columns and channels")
    return channels(size_of(axis) + added)


def _number(use: Use, value: Number) -> int:
    if isinstance(value, Size):
        raise use.refused(
            "pads by a number that depends on the size of the image",
            "Pad the image before, or not at all: the kit gives chunks that fit",
        )
    return int(value)


def _ended(
    use: Use,
    building: Building,
    axes: Sequence[Axis],
    ends: dict[str, tuple[int, int]],
    step: dict[str, int] | None = None,
) -> Image:
    """An image with pixels added at the ends, or removed where they are negative."""
    changed = any(any(pair) for pair in ends.values()) or step
    if not changed and tuple(axes) == use.image.axes:
        return use.image

    def rule(spans: Sequence[Span], axis: int) -> Span:
        kind, span = (ROW, COL)[axis], spans[0]
        before, after = ends.get(kind, (0, 0))
        longer = Span(
            span.size + max(before, 0) + max(after, 0),
            span.low + max(before, 0),
            span.high + max(before, 0),
            span.jump,
        )
        start = min(max(-before, 0), longer.size)
        stop = longer.size - max(-after, 0)
        return sliced(longer, start, max(stop, start), (step or {}).get(kind, 1))

    return building.add(use, rule, axes)


def slice_(use: Use, building: Building) -> Image:
    """Rows and columns counted from both ends, also with steps; any channels."""
    image, count = use.image, len(use.image.axes)
    starts, ends, given, steps = (
        use.setting(name, place)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    given = range(len(starts)) if given is None else given
    steps = [1] * len(starts) if steps is None else steps
    axes, cuts, strides = list(image.axes), {}, {}
    for start, end, place, step in zip(starts, ends, given, steps, strict=True):
        place = int(place) % count
        kind = image.kinds[place]
        if kind in (ROW, COL):
            size = building.size(image.axes[place])
            cuts[kind] = _cut(use, size, start, end, step)
            strides |= {kind: int(step)} if step != 1 else {}
        else:
            axes[place] = _part_of(use, axes[place], start, end, step)
    return _ended(use, building, axes, cuts, strides)


def _cut(
    use: Use, size: Number, start: Number, end: Number, step: Number
) -> tuple[int, int]:
    """Pixels (before, after) of a slice, as negative numbers.

    Raises:
        UnknownLayerError: If they depend on the size of the image.
    """
    if not isinstance(step, Size) and step < 1:
        raise use.refused("turns the image round", BOTH_ENDS)
    before, left = number_of(_from_start(start, size)), _left(size, end)
    if before is None or left is None or isinstance(step, Size):
        raise use.refused("takes a part that depends on the image's size", BOTH_ENDS)
    return -max(int(before), 0), -max(left, 0)


def _from_start(place: Number, size: Number) -> Number:
    """A place of a slice, counted from the start: negative ones count from the end."""
    return size + place if not isinstance(place, Size) and place < 0 else place


def _left(size: Number, end: Number) -> int | None:
    """Pixels from the end of a slice to the end of the image; None if that depends."""
    if not isinstance(end, Size) and end >= LARGE:
        return 0
    left = number_of(size - _from_start(end, size))
    return None if left is None else int(left)


def _part_of(use: Use, axis: Axis, start: Number, end: Number, step: Number) -> Axis:
    """Some of the channels; other axes must be taken as a whole."""
    size = size_of(axis)
    if is_channels(axis) and isinstance(size, int):
        return channels(
            len(range(*slice(int(start), int(end), int(step)).indices(size)))
        )
    if start == 0 and step == 1 and _left(size, end) == 0:
        return axis
    raise use.refused(
        "takes some images of a batch, or some of joined pixels", BOTH_ENDS
    )
