"""Pixels of layers on their common window.

Rasters that are larger than a screen are subsampled, never averaged: `compare` shows
values that the files contain.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from tutorial_lib.grids import Axis
from tutorial_lib.viewers.comparison.common_window import Axes, CommonWindow
from tutorial_lib.viewers.reading import OpenLayer, Preview, picked, reduced

__all__ = ["read_common"]

_HALF = Fraction(1, 2)


def read_common(
    layer: OpenLayer,
    axes: Axes,
    common: CommonWindow,
    *,
    bands: Sequence[int],
    nodata: float | None = None,
) -> Preview:
    """Read a layer at the pixels of the first raster that are shown.

    Args:
        layer: Open raster or array.
        axes: Its axes in the common window.
        common: The window, or a part of it.
        bands: Numbers of one band or three, from 1.
        nodata: Value of pixels without data; None takes the raster's own tag.
    """
    spans, sizes = (common.rows, common.cols), reduced(*common.shape)
    inside = [_pixels_below(axis, span) for axis, span in zip(axes, spans, strict=True)]
    preview = layer.read(*inside, bands=bands, nodata=nodata)
    rows, cols = (
        _indices(axis, span, size, layer_span, count)
        for axis, span, size, layer_span, count in zip(
            axes, spans, sizes, inside, preview.valid.shape, strict=True
        )
    )
    return replace(
        preview,
        pixels=preview.pixels[rows][:, cols],
        valid=preview.valid[rows][:, cols],
        window=common.window,
    )


def _pixels_below(axis: Axis, span: range) -> range:
    """Pixels of a layer that contain the centres of some pixels of the first raster."""
    first, last = (axis.pixel_at(pixel + _HALF) for pixel in (span[0], span[-1]))
    return range(first, last + 1)


def _indices(
    axis: Axis, span: range, size: int, layer_span: range, count: int
) -> slice | np.ndarray:
    """Indices of the pixels to show, among those that were read of a layer.

    Args:
        axis: Axis of the layer, in pixels of the first raster.
        span: Pixels of the first raster.
        size: How many of these are shown.
        layer_span: Pixels of the layer.
        count: How many of these were read.
    """
    if axis.spacing == 1:  # the layer has been read at the pixels that are shown
        return slice(None)
    centres = [span.start + int(pixel) + _HALF for pixel in picked(len(span), size)]
    pixels = np.array([axis.pixel_at(centre) for centre in centres])
    return (pixels - layer_span.start) * count // len(layer_span)
