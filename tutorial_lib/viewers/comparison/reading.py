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
        _indices(axis, span, own, count, size)
        for axis, span, own, count, size in zip(
            axes, spans, inside, preview.valid.shape, sizes, strict=True
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
    axis: Axis, span: range, own: range, count: int, size: int
) -> slice | np.ndarray:
    """For each shown pixel of `span`, which of the `count` read pixels of `own`."""
    if axis.spacing == 1:
        return slice(None)
    centres = [span.start + int(pixel) + _HALF for pixel in picked(len(span), size)]
    pixels = np.array([axis.pixel_at(centre) for centre in centres])
    return (pixels - own.start) * count // len(own)
