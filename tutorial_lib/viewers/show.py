"""`show`: rasters and arrays side by side, on the ground they cover."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.layers import Layer, load_layer, same_window
from tutorial_lib.viewers.options import Display, checked_titles, refuse_unknown
from tutorial_lib.viewers.panels import draw_layers
from tutorial_lib.viewers.reading import layer_shape


def show(
    *layers: PathLike | np.ndarray,
    bands: int | Sequence[int] | None = None,
    legend: Legend | None = None,
    stretch: Sequence[float] = (2, 98),
    titles: str | Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
    window: Window | None = None,
    kind: str | None = None,
    nodata: float | None = None,
    **unknown: Any,
) -> StillFigure:
    """Draw rasters or arrays side by side.

    The kind of picture follows from the data: "rgb" for three bands; "classes" for one
    band of integers with a legend, or with few different values; "probability" for
    floats within [0, 1]; "grey" for anything else. Layers in one CRS have common axes,
    so that a place is at the same spot in all of them. Large rasters are read at a
    lower resolution, so a class of a few pixels may not show.

    Args:
        layers: Rasters, or arrays (height, width) or (height, width, channel); what
            numpy's masked arrays mask has no data.
        bands: Number of one band, or of those shown as red, green and blue, from 1;
            None takes 1, 2, 3, or 1 where there are fewer. A layer of one band shows
            that one.
        legend: Names and colours of classes; None takes the raster's own.
        stretch: Shares of pixels, in %, below the darkest and the brightest shade.
        titles: One for each layer; None takes the names of the files.
        value_range: (darkest, brightest) value, instead of `stretch`.
        window: Part to show, in pixels of the first layer.
        kind: Draws all layers as this kind.
        nodata: Value of pixels without data; None takes the raster's own tag. They are
            hatched.
        **unknown: Refused, with a list of the known names.

    Returns:
        A figure that displays itself; `savefig(path)` writes it, `as_figure()` gives
        matplotlib's.

    Raises:
        ValueError: If there is no layer, a band does not exist, an array has another
            rank, or titles do not match.
        TypeError: If an option is unknown, or a layer is neither a path nor numbers.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> scene = testing.small_scene()
        >>> show(scene["input_10m"], bands=(3, 2, 1))
        s2_10m (bands 3, 2, 1): colour image, 1.68 x 1.2 km.
    """
    refuse_unknown(show, unknown)
    if not layers:
        raise ValueError("There is nothing to show: give a raster or an array.")
    names = checked_titles(titles, len(layers))
    display = Display(bands, legend, value_range, kind, stretch, nodata)
    many = len(layers) > 1
    loaded = [
        load_layer(
            layer,
            # Beside an image, a map has one band and nothing to choose.
            replace(display, bands=None)
            if many and layer_shape(layer)[2] == 1
            else display,
            window=None if window is None else same_window(layer, layers[0], window),
        )
        for layer in layers
    ]
    return draw_layers(loaded, names or [_title(layer) for layer in loaded])


def _title(layer: Layer) -> str:
    """Name of the file, and the bands if there is a choice."""
    preview = layer.preview
    parts = [preview.name] if preview.name else []
    if preview.band_count > len(preview.bands):
        numbers = ", ".join(str(band) for band in preview.bands)
        parts.append(f"band{'s' if len(preview.bands) > 1 else ''} {numbers}")
    return parts[0] + f" ({parts[1]})" if len(parts) == 2 else "".join(parts)
