"""Operators that enlarge and reduce images, or join and divide their channels.

What they do with sizes is in their definition: https://onnx.ai/onnx/operators/.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tutorial_lib.fields.onnx_files.building import Building, merged, whole
from tutorial_lib.fields.onnx_files.layouts import COL, ROW
from tutorial_lib.fields.onnx_files.nodes import LayoutError, Use
from tutorial_lib.fields.onnx_files.sizes import Number, Size, ratio
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    Known,
    Part,
    Unfolded,
    Uniform,
    channels,
    has_pixels,
    is_channels,
    size_of,
)
from tutorial_lib.fields.onnx_files.window_rules import image_of
from tutorial_lib.fields.resizing import PLACES, resized
from tutorial_lib.fields.spans import Span, window

__all__ = [
    "concat",
    "depth_to_space",
    "gather",
    "resize",
    "space_to_depth",
    "split",
    "upsample",
]


def resize(use: Use, building: Building) -> Image:
    """Interpolation; its places must not depend on the size of the image."""
    # Opset 10 has neither regions nor places: it is `asymmetric`.
    old = use.opset < 11
    scales_at, sizes_at = (1, None) if old else (2, 3)
    place = use.attribute("coordinate_transformation_mode", "half_pixel")
    return _resized(
        use,
        building,
        scales=_given(use, scales_at),
        sizes=None if old else _given(use, sizes_at),
        place="asymmetric" if old else place,
        rounding="floor"
        if old
        else use.attribute("nearest_mode", "round_prefer_floor"),
    )


def upsample(use: Use, building: Building) -> Image:
    """The older name of a Resize with scales."""
    scales = use.setting("scales", 1)
    return _resized(
        use, building, scales=scales, sizes=None, place="asymmetric", rounding="floor"
    )


def _given(use: Use, place: int) -> list[Any] | None:
    """An optional input, which may also be empty."""
    values = use.known(place)
    return None if values is None or values.size == 0 else values.tolist()


def _resized(
    use: Use,
    building: Building,
    *,
    scales: list[Any] | None,
    sizes: list[Any] | None,
    place: str,
    rounding: str,
) -> Image:
    mode = use.attribute("mode", "nearest")
    _check_resize(use, place)
    factors = _factors(use, building, scales, sizes)
    if any(factor is None for factor in factors.values()):
        return building.add(use, whole, _fixed_axes(use, sizes))
    for factor in factors.values():
        _check_factor(use, factor)

    def rule(spans: Sequence[Span], axis: int) -> Span:
        factor = factors.get((ROW, COL)[axis], Fraction(1))
        if factor == 1:
            return merged(spans, axis)
        return resized(spans[0], factor, mode=mode, place=place, rounding=rounding)

    axes = use.image.axes
    return building.add(use, rule, axes, needs_multiples=sizes is not None)


def _check_resize(use: Use, place: str) -> None:
    """Raise UnknownLayerError for settings that depend on the size of the image."""
    if place not in PLACES:
        raise use.refused(
            f"has the mode '{place}', whose places depend on the size of the image",
            "Build the network with `align_corners=False`, which is `half_pixel`: "
            "`nn.UpsamplingBilinear2d` is `nn.Upsample` with `align_corners=True`",
        )
    policy = use.attribute("keep_aspect_ratio_policy", "stretch")
    if use.attribute("antialias", 0) or policy != "stretch":
        raise use.refused(
            f"has antialias={use.attribute('antialias', 0)} and the policy '{policy}'",
            "Use a pooling, or neither of the two",
        )


def _factors(
    use: Use,
    building: Building,
    scales: list[Any] | None,
    sizes: list[Any] | None,
) -> dict[str, Fraction | None]:
    """Scale of the rows and of the columns; None where it depends on the image."""
    image = use.image
    places = _places(use)
    factors = {}
    for number, place in enumerate(places):
        axis = image.axes[place]
        if scales is not None:
            factor = _fraction(scales[number])
        else:
            factor = ratio(sizes[number], building.size(axis))
        kind = image.kinds[place]
        if kind in (ROW, COL):
            factors[kind] = factor
        elif factor != 1 and not building.is_whole(image):
            raise use.misplaced(image, "rows and columns")
    return factors


def _places(use: Use) -> list[int]:
    count = len(use.image.axes)
    return [place % count for place in use.attribute("axes") or range(count)]


def _fraction(scale: Any) -> Fraction | None:
    """A scale that was written as a float; None if it depends on the image."""
    if isinstance(scale, Size):
        return None
    return Fraction(float(scale))


def _check_factor(use: Use, factor: Fraction) -> None:
    """Raise UnknownLayerError for scales that floats do not compute exactly.

    Then an output may read another pixel far from the corner than near it.
    """
    up, down = factor.numerator, factor.denominator
    if (up > 1 and down > 1) or down & (down - 1):
        raise use.refused(
            f"changes the size by {float(factor):g}",
            "Enlarge by a whole number, or reduce by 2, 4, 8 or so",
        )


def _fixed_axes(use: Use, sizes: list[Any] | None) -> tuple[Axis, ...]:
    """Axes of an image that is given a size which does not follow from its own."""
    axes = list(use.image.axes)
    for number, place in enumerate(_places(use)):
        if use.image.kinds[place] in (ROW, COL) and sizes is not None:
            axes[place] = (Part(use.image.kinds[place], sizes[number]),)
    return tuple(axes)


def split(use: Use, building: Building) -> list[Image]:
    """The channels in groups."""
    image = use.image
    place = use.attribute("axis", 0) % len(image.axes)
    axis = image.axes[place]
    if not is_channels(axis):
        raise use.misplaced(image, "an axis of channels to be split")
    sizes, count = use.setting("split", 1), len(use.node.output)
    if sizes is None:
        total = int(size_of(axis))
        each = -(-total // count)
        sizes = [min(each, total - i * each) for i in range(count)]
    return [
        building.add(
            use,
            merged,
            [
                channels(int(size)) if i == place else a
                for i, a in enumerate(image.axes)
            ],
        )
        for size in sizes
    ]


def concat(use: Use, building: Building) -> Image:
    """Channels of several images side by side."""
    first = use.images[0]
    place = use.attribute("axis", 0) % len(first.axes)
    for image in use.images:
        _check_joined(use, building, first, image, place)
    count: Number = 0
    for value in use.inputs:
        if isinstance(value, Image):
            count += building.size(value.axes[place])
        else:
            count += _constant_channels(use, value, place)
    axes = list(first.axes)
    axes[place] = channels(count)
    return building.add(use, merged, axes)


def _check_joined(
    use: Use, building: Building, first: Image, other: Image, place: int
) -> None:
    """Raise LayoutError unless two images differ in their channels only."""
    if len(first.axes) != len(other.axes):
        raise use.misplaced(other, "images with the same axes")
    for i, (one, another) in enumerate(zip(first.axes, other.axes, strict=True)):
        kinds = [{part.kind for part in axis} for axis in (one, another)]
        if i == place:
            if not is_channels(one) or not is_channels(another):
                raise use.misplaced(other, "channels that are put side by side")
        elif kinds[0] != kinds[1] and has_pixels((one, another)):
            raise use.misplaced(other, "images with the same axes")
        elif one and another:
            building.merge_sizes(one, another)


def _constant_channels(use: Use, value: Known | Unfolded | None, place: int) -> Number:
    """Channels of a constant beside those of an image."""
    if isinstance(value, Uniform):
        return value.sizes[place]
    if isinstance(value, Known):
        sizes = [n for i, n in enumerate(value.values.shape) if i != place]
        if all(size == 1 for size in sizes):
            return value.values.shape[place]
    raise LayoutError(
        f"The operator {use.kind} ('{use.name}') puts a constant beside an image: it "
        "gives another result at another place. Make it an input of the model."
    )


def gather(use: Use, building: Building) -> Image:
    """Some channels, in any order."""
    image, places = use.image, use.known(1)
    place = use.attribute("axis", 0) % len(image.axes)
    if not is_channels(image.axes[place]):
        raise use.misplaced(image, "channels that are chosen")
    chosen = tuple(channels(size) for size in places.shape)
    axes = (*image.axes[:place], *chosen, *image.axes[place + 1 :])
    return building.add(use, merged, axes)


def depth_to_space(use: Use, building: Building) -> Image:
    """Channels become the pixels of a block."""
    image, side = image_of(use, building), use.attribute("blocksize")

    def rule(spans: Sequence[Span], axis: int) -> Span:
        return resized(spans[0], Fraction(side))

    count = size_of(image.axes[1]) // side**2
    axes = (image.axes[0], channels(count), *image.axes[2:])
    return building.add(use, rule, axes)


def space_to_depth(use: Use, building: Building) -> Image:
    """The pixels of a block become channels."""
    image, side = image_of(use, building), use.attribute("blocksize")

    def rule(spans: Sequence[Span], axis: int) -> Span:
        return window(spans[0], kernel=side, stride=side)

    count = size_of(image.axes[1]) * side**2
    axes = (image.axes[0], channels(count), *image.axes[2:])
    return building.add(use, rule, axes, needs_multiples=True)
