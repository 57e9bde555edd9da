"""Convolutions and poolings: operators that read a window of pixels.

The sizes of the outputs, and where windows begin, are those of the definitions of Conv,
ConvTranspose, MaxPool, AveragePool and LpPool: https://onnx.ai/onnx/operators/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tutorial_lib.fields.onnx_files.building import Building
from tutorial_lib.fields.onnx_files.layouts import COL, ROW
from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.sizes import number_of
from tutorial_lib.fields.onnx_files.tensors import (
    Axis,
    Image,
    Unfolded,
    Value,
    channels,
    is_channels,
)
from tutorial_lib.fields.spans import Padding, Span, scattered, window

AUTO_PADS = {"VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}

__all__ = ["convolution", "image_of", "max_pooling", "pooling", "transposed"]


def image_of(use: Use, building: Building) -> Image:
    """The first input, with the axes (batch, channel, row, col).

    Raises:
        LayoutError: If its axes are others.
    """
    image = use.image
    _, second, *pixels = (*image.kinds, "", "")
    single = ["one", "one"] if building.is_whole(image) else []
    fits = len(image.axes) == 4 and pixels[:2] in ([ROW, COL], single)
    if not fits or not is_channels(image.axes[1]) or second == "":
        raise use.misplaced(image, "(batch, channel, row, col)")
    return image


@dataclass(frozen=True)
class _Settings:
    """The settings of a window, as pairs for (rows, columns)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[Padding, ...]

    def lengths(self, axis: int) -> int:
        """Pixels from the first to the last one that a window reads."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def _settings(use: Use, kernel: Sequence[int]) -> _Settings:
    pads = use.attribute("pads", [0, 0, 0, 0])
    # What ONNX does without padding of its own, and what it writes for given pads.
    automatic = use.attribute("auto_pad", "NOTSET")
    padding = ((pads[0], pads[2]), (pads[1], pads[3]))
    if automatic != "NOTSET":
        padding = (AUTO_PADS[automatic],) * 2
    return _Settings(
        kernel=tuple(map(int, kernel)),
        stride=tuple(use.attribute("strides", [1, 1])),
        dilation=tuple(use.attribute("dilations", [1, 1])),
        padding=padding,
    )


def _weights_shape(use: Use) -> tuple[int, ...]:
    weights = use.known(1)
    if weights.ndim != 4:
        raise use.refused(
            f"has weights of the shape {weights.shape}", "Use one for images, with four"
        )
    return weights.shape


def convolution(use: Use, building: Building) -> Image:
    """A window with stride, padding and dilation."""
    image = image_of(use, building)
    count, _, *kernel = _weights_shape(use)
    settings = _settings(use, kernel)
    return _windowed(use, building, settings, _with_channels(image, count))


def _with_channels(image: Image, count: int) -> tuple[Axis, ...]:
    return (image.axes[0], channels(count), *image.axes[2:])


def _windowed(
    use: Use,
    building: Building,
    settings: _Settings,
    axes: Sequence[Axis],
    ceil_mode: bool = False,
) -> Image:
    def rule(spans: Sequence[Span], axis: int) -> Span:
        return window(
            spans[0],
            kernel=settings.kernel[axis],
            stride=settings.stride[axis],
            padding=settings.padding[axis],
            dilation=settings.dilation[axis],
            ceil_mode=ceil_mode,
        )

    kernel, stride = settings.kernel, settings.stride
    return building.add(
        use, rule, axes, kernel=kernel, stride=stride, needs_multiples=ceil_mode
    )


def pooling(use: Use, building: Building) -> Image:
    """A window of the size of the pool; padded pixels count or not, as it is told."""
    image = image_of(use, building)
    settings = _settings(use, use.attribute("kernel_shape"))
    ceil_mode = bool(use.attribute("ceil_mode", 0))
    return _windowed(use, building, settings, image.axes, ceil_mode)


def max_pooling(use: Use, building: Building) -> list[Value]:
    """As `pooling`. The second output is the places of the maxima in the chunk."""
    return [pooling(use, building), Unfolded(f"places of pixels, from '{use.name}'")]


def transposed(use: Use, building: Building) -> Image:
    """A window whose inputs and outputs are swapped."""
    image = image_of(use, building)
    _, count, *kernel = _weights_shape(use)
    count *= use.attribute("group", 1)
    settings = _settings(use, kernel)
    ends = [_transposed_ends(use, building, image, settings, a) for a in (0, 1)]

    def rule(spans: Sequence[Span], axis: int) -> Span:
        before, after = ends[axis]
        stride, length = settings.stride[axis], settings.lengths(axis)
        size = stride * (spans[0].size - 1) + length - before - after
        return scattered(
            spans[0], length=length, stride=stride, before=before, size=size
        )

    axes = _with_channels(image, count)
    return building.add(use, rule, axes, kernel=settings.kernel, stride=settings.stride)


def _transposed_ends(
    use: Use, building: Building, image: Image, settings: _Settings, axis: int
) -> tuple[int, int]:
    """Pixels that are cut from both ends of the outputs that the inputs add to.

    The definition gives the size s (n - 1) + a + l - p, with the stride s, n inputs,
    the `output_padding` a, windows of the length l, and p padded pixels at both ends.
    """
    stride, length = settings.stride[axis], settings.lengths(axis)
    added = use.attribute("output_padding", [0, 0])[axis]
    shape = use.attribute("output_shape")
    padding = settings.padding[axis]
    if shape is None and not isinstance(padding, str):
        before, after = padding
        return before, after - added
    if padding == "valid" and shape is None:
        return 0, -added
    if shape is None:
        total = length + added - stride
    else:
        total = length + added + _fixed_total(use, building, image, stride, shape, axis)
    # The definition says which half is larger. Without SAME_UPPER it is the first one.
    small, large = sorted((total // 2, total - total // 2))
    before = small if padding == "same" else large
    return before, total - before - added


def _fixed_total(
    use: Use,
    building: Building,
    image: Image,
    stride: int,
    shape: Sequence[Any],
    axis: int,
) -> int:
    """Padded pixels of a given output size, without window and added pixels."""
    size = number_of(building.size(image.axes[2 + axis]))
    if size is None:
        raise use.refused(
            f"has the `output_shape` {list(shape)} for images of any size",
            "Use `output_padding` in its place, or export for images of one size",
        )
    return stride * (int(size) - 1) - list(shape)[-2:][axis]
