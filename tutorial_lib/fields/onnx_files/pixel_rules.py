"""Operators that treat each pixel on its own, and those that look at all pixels.

Which axes an operator works along is in its definition: ONNX operators,
https://onnx.ai/onnx/operators/.
"""

from collections.abc import Sequence
from operator import and_

import numpy as np

from tutorial_lib.fields.onnx_files.building import Building, merged, whole
from tutorial_lib.fields.onnx_files.layouts import CHANNEL
from tutorial_lib.fields.onnx_files.nodes import LayoutError, Use
from tutorial_lib.fields.onnx_files.sizes import Size
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    Known,
    Part,
    Unfolded,
    Uniform,
    Value,
    channels,
    has_batch,
    has_pixels,
    is_channels,
)

SMALL_TYPES = (2, 3, 4, 5)
INTEGER_TYPES = (2, 3, 4, 5, 6, 7, 9, 12, 13)

ONE_VALUE = (
    "Give it one value for each channel, or make the array an input of the model"
)


def elementwise(use: Use, building: Building) -> Image:
    """Values of one place, also of several images, and constants for all pixels."""
    axes = _broadcast(use, building)
    compares = use.kind in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    logic = compares or use.kind in ("And", "Or", "Not", "Xor", "IsNaN", "IsInf")
    return building.add(
        use, merged, axes, is_float=False if logic else None, in_place=not logic
    )


def where(use: Use, building: Building) -> Image:
    """As `elementwise`; the first input is no value but a condition."""
    axes = _broadcast(use, building)
    chosen = [v.is_float for v in use.inputs[1:] if isinstance(v, Image | Known)]
    return building.add(use, merged, axes, is_float=any(chosen))


def _broadcast(use: Use, building: Building) -> tuple[Axis, ...]:
    """Axes of the result of an operator that broadcasts its inputs."""
    axes: tuple[Axis, ...] = ()
    for image in use.images:
        axes = _joined(use, building, axes, image)
    for value in use.inputs:
        if isinstance(value, Uniform) and _fits(value, axes):
            continue
        if isinstance(value, Unfolded):
            raise use.refused(f"is combined with {value.why}", ONE_VALUE)
        if isinstance(value, Known):
            if any(isinstance(one, Size) for one in value.values.ravel()[:1]):
                raise use.refused("is combined with the size of the image")
            axes = _with_constant(use, axes, value.values)
    return axes


def _fits(value: Uniform, axes: tuple[Axis, ...]) -> bool:
    """Whether the same number everywhere leaves the axes of an image as they are."""
    repeated = [size != 1 for size in value.sizes[::-1]]
    single = [axis == () for axis in axes[::-1]]
    return len(repeated) <= len(single) and not any(map(and_, repeated, single))


def _joined(
    use: Use, building: Building, axes: tuple[Axis, ...], image: Image
) -> tuple[Axis, ...]:
    """Axes of two images, aligned at the last axis."""
    count = max(len(axes), len(image.axes))
    one, other = (((),) * (count - len(x)) + tuple(x) for x in (axes, image.axes))
    joined = []
    for a, b in zip(one, other, strict=True):
        kinds = [dict.fromkeys(part.kind for part in axis) for axis in (a, b)]
        if a and b and list(kinds[0]) != list(kinds[1]):
            raise use.misplaced(image, "images with the same axes")
        if a and b:
            building.merge_sizes(a, b)
        joined.append(a or b)
    return tuple(joined)


def _with_constant(
    use: Use, axes: tuple[Axis, ...], values: np.ndarray
) -> tuple[Axis, ...]:
    """Axes of an image that is combined with a constant.

    Raises:
        UnknownLayerError: If the constant has a value for each pixel or image.
    """
    count = max(len(axes), values.ndim)
    axes = ((),) * (count - len(axes)) + tuple(axes)
    shape = (1,) * (count - values.ndim) + values.shape
    result = []
    for place, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if size == 1 or not _varies(values, place - count):
            result.append(axis)
            continue
        if not is_channels(axis):
            raise LayoutError(
                f"The operator {use.kind} ('{use.name}') has a value for each pixel or "
                f"image, an array of the shape {shape}: it gives another result at "
                f"another place. {ONE_VALUE}."
            )
        result.append(axis or channels(size))
    return tuple(result)


def _varies(values: np.ndarray, place: int) -> bool:
    """Whether an array has different values along an axis, counted from the last."""
    first = np.take(values, [0], axis=place)
    return not bool(np.all(values == first))


def same_pixels(use: Use, building: Building) -> Image:
    """One image in and out, pixel by pixel, whatever the other inputs are."""
    return building.add(use, merged, use.image.axes, in_place=True)


def prelu(use: Use, building: Building) -> Image:
    """Slopes are constants, so they broadcast like them."""
    return elementwise(use, building)


def dropout(use: Use, building: Building) -> list[Value]:
    """Nothing happens in prediction; in training, pixels are removed at random."""
    training = use.known(2) if use.opset >= 12 else None
    if training is not None and bool(training):
        raise use.refused(
            "is in training mode, so each run differs", "Export the network in `eval()`"
        )
    return [use.image, Unfolded(f"the mask of '{use.name}'")]


def cast(use: Use, building: Building) -> Image:
    """Pointwise, if the type can hold the values.

    Raises:
        UnknownLayerError: If it may not: any number can come out of a float that small
            whole numbers cannot hold.
    """
    image, kind = use.image, use.attribute("to")
    clipped = building.steps[image.step].kind == "Clip"
    if kind in SMALL_TYPES and image.is_float and not clipped:
        raise use.refused(
            "makes small whole numbers of floats: those that it cannot hold become any "
            "number",
            "Limit them before, for example `clamp(0, 255)`",
        )
    return building.add(use, merged, image.axes, is_float=kind not in INTEGER_TYPES)


def batch_normalization(use: Use, building: Building) -> Image:
    """Statistics of each channel that were learnt: the second axis is the channels."""
    image = use.image
    if not use.attribute("spatial", 1):
        raise use.refused("has statistics for each pixel", ONE_VALUE)
    if use.attribute("training_mode", 0):
        return building.add(use, whole, image.axes)
    _check_channels(use, image, 1)
    return building.add(use, merged, image.axes, in_place=True)


def _check_channels(use: Use, image: Image, place: int) -> None:
    if not is_channels(image.axes[place]):
        raise use.misplaced(image, "(batch, channel, row, col)")


def _along(
    use: Use,
    building: Building,
    over: Sequence[int],
    axes: Sequence[Axis] | None,
    **settings: bool | None,
) -> Image:
    """An operator along some axes: pointwise along channels, else the whole chunk."""
    over_axes = [use.image.axes[place] for place in over]
    if has_pixels(over_axes):
        return building.add(use, whole, axes, **settings)
    if has_batch(over_axes):
        raise use.refused(
            "mixes the images of a batch", "Let it work along the channels only"
        )
    return building.add(use, merged, axes, **settings)


def softmax(use: Use, building: Building) -> Image:
    """Along one axis; before opset 13 along all axes from the given one on."""
    image = use.image
    axis = use.attribute("axis", -1 if use.opset >= 13 else 1) % len(image.axes)
    over = [axis] if use.opset >= 13 else range(axis, len(image.axes))
    return _along(use, building, over, image.axes, in_place=True)


def along_axis(use: Use, building: Building) -> Image:
    """Operators with one axis that keep the shape: CumSum, LpNormalization."""
    image = use.image
    axis = use.known(1) if use.kind == "CumSum" else use.attribute("axis", -1)
    return _along(use, building, [int(axis) % len(image.axes)], image.axes)


def layer_normalization(use: Use, building: Building) -> Image:
    """Along all axes from the given one on."""
    image = use.image
    axis = use.attribute("axis", -1) % len(image.axes)
    return _along(use, building, range(axis, len(image.axes)), image.axes)


def instance_normalization(use: Use, building: Building) -> Image:
    """Along all axes after the second one: the mean of an image."""
    image = use.image
    _check_channels(use, image, 1)
    return _along(use, building, range(2, len(image.axes)), image.axes)


def group_normalization(use: Use, building: Building) -> Image:
    """Along all axes but the batch: the mean of an image."""
    _check_channels(use, use.image, 1)
    return building.add(use, whole, use.image.axes)


def mean_variance_normalization(use: Use, building: Building) -> Image:
    """Along the given axes; by default those of the pixels and the batch."""
    image = use.image
    axes = [axis % len(image.axes) for axis in use.attribute("axes", [0, 2, 3])]
    return _along(use, building, axes, image.axes)


def local_response(use: Use, building: Building) -> Image:
    """Neighbours in the second axis, which is the channels."""
    _check_channels(use, use.image, 1)
    return building.add(use, merged, use.image.axes)


def reduction(use: Use, building: Building) -> Image:
    """Sums, means, maxima along axes; without axes along all of them."""
    image = use.image
    over = use.axes_setting(image, 1)
    if not over:
        if use.attribute("noop_with_empty_axes", 0):
            return image
        over = list(range(len(image.axes)))
    axes = _reduced(image, over, use.attribute("keepdims", 1))
    return _along(use, building, over, axes)


def _reduced(image: Image, over: Sequence[int], keep: bool) -> tuple[Axis, ...]:
    return tuple(
        () if place in over else axis
        for place, axis in enumerate(image.axes)
        if keep or place not in over
    )


def arg_reduction(use: Use, building: Building) -> Image:
    """Number of the largest or smallest value along one axis."""
    image = use.image
    over = [use.attribute("axis", 0) % len(image.axes)]
    axes = _reduced(image, over, use.attribute("keepdims", 1))
    return _along(use, building, over, axes, is_float=False)


def top_k(use: Use, building: Building) -> list[Image]:
    """The largest values along one axis, and their numbers in it."""
    image, count = use.image, int(use.known(1).item())
    axis = use.attribute("axis", -1) % len(image.axes)
    axes = list(image.axes)
    axes[axis] = channels(count)
    values = _along(use, building, [axis], axes)
    return [values, _along(use, building, [axis], axes, is_float=False)]


def global_pooling(use: Use, building: Building) -> Image:
    """One value for each channel of the whole chunk."""
    image = use.image
    _check_channels(use, image, 1)
    axes = (*image.axes[:2], *((),) * (len(image.axes) - 2))
    return building.add(use, whole, axes)


def one_hot(use: Use, building: Building) -> Image:
    """Each number becomes an axis of zeros and a one."""
    image, depth = use.image, int(use.known(1).item())
    axis = use.attribute("axis", -1) % (len(image.axes) + 1)
    axes = list(image.axes)
    axes.insert(axis, (Part(CHANNEL, depth),))
    return building.add(use, merged, axes, is_float=True)


def product(use: Use, building: Building) -> Image:
    """A matrix of weights mixes channels; a product of images looks at all pixels."""
    one, other = use.value(0), use.value(1)
    if isinstance(one, Image) and isinstance(other, Image):
        return _product_of_images(use, building, one, other)
    if isinstance(one, Image):
        matrix = _matrix(use, 1)
        turned = use.attribute("transB", 0)
        if use.attribute("transA", 0) or not is_channels(one.axes[-1]):
            return building.add(use, whole, None)
        count = matrix.shape[-2 if turned else -1]
        return building.add(use, merged, (*one.axes[:-1], channels(count)))
    matrix, axes = _matrix(use, 0), other.axes
    if use.kind == "Gemm" or not is_channels(axes[-2]):
        return building.add(use, whole, None)
    count = channels(matrix.shape[-2])
    return building.add(use, merged, (*axes[:-2], count, axes[-1]))


def attention(use: Use, building: Building) -> Image:
    """Each token is compared with all others."""
    queries, values = use.image, use.value(2)
    if not isinstance(values, Image):
        raise use.refused("has constants in place of an image")
    return building.add(use, whole, (*queries.axes[:-1], values.axes[-1]))


def _matrix(use: Use, place: int) -> np.ndarray:
    """A matrix of weights; there may be one for each channel."""
    matrix = use.known(place)
    if matrix.ndim != 2 and any(size != 1 for size in matrix.shape[:-2]):
        raise use.refused(f"has weights of the shape {matrix.shape}", ONE_VALUE)
    if matrix.ndim < 2:
        raise use.refused("multiplies with a vector", "Use a matrix")
    return matrix


def _product_of_images(use: Use, building: Building, one: Image, other: Image) -> Image:
    """Attention: each pixel is compared with all those in the other image."""
    axes = (*one.axes[:-1], other.axes[-1])
    within = (one.axes[-1], other.axes[-2], one.axes[-2], other.axes[-1])
    pixelwise = not has_pixels(within) and not has_batch(within)
    return building.add(use, merged if pixelwise else whole, axes)
