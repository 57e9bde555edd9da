"""`show`: rasters and arrays side by side, on the ground they cover."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.layers import Layer, load_layer, same_window
from tutorial_lib.viewers.options import Display, checked_titles, refuse_unknown
from tutorial_lib.viewers.panels import draw_layers
from tutorial_lib.viewers.reading import open_layer


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
    so a place is at the same spot in all of them. Large rasters are read at a lower
    resolution, so a class of a few pixels may not show; with overviews (`gdaladdo`)
    they are drawn faster. Pixels without data are hatched: those that are background in
    a map made of the raster.

    Args:
        layers: Rasters, or arrays (height, width) or (height, width, channel). Masked
            pixels of a masked array have no data.
        bands: Number of one band, or of three for red, green and blue, from 1; None
            takes 1, 2, 3, or 1 where there are fewer. Beside other layers, a layer of
            one band shows that one.
        legend: Names and colours of classes; None takes the raster's own.
        stretch: Percentages of pixels below the darkest and the brightest shade.
        titles: One for each layer; None takes the names of the files.
        value_range: (darkest, brightest) value, instead of `stretch`.
        window: Part to show, in pixels of the first layer.
        kind: Draws all layers as this kind.
        nodata: Value of pixels without data, in all bands; None takes each band's own
            tag. Masks, alpha bands, NaN and infinity count in both cases.
        **unknown: Options that do not exist raise an error that lists the options.

    Returns:
        A figure that displays itself; `savefig(path)` writes it, `as_figure()` gives
        the matplotlib figure.

    Raises:
        ValueError: If there is no layer, a band does not exist, an array has another
            rank, or the number of titles differs.
        TypeError: If an option is unknown or of a wrong type, or a layer is neither a
            path nor real numbers.
        OSError: If there is no such file, or it is damaged.

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
    with ExitStack() as stack:
        sources = [stack.enter_context(open_layer(layer)) for layer in layers]
        loaded = [
            load_layer(
                source,
                display,
                window=same_window(source, sources[0], window),
                alone=len(layers) == 1,
            )
            for source in sources
        ]
    return draw_layers(loaded, names or [_title(layer) for layer in loaded])


def _title(layer: Layer) -> str:
    """Name of the file, and the bands if there is a choice."""
    preview = layer.preview
    if preview.band_count == len(preview.bands):
        return preview.name
    numbers = ", ".join(map(str, preview.bands))
    bands = f"band{'s' if len(preview.bands) > 1 else ''} {numbers}"
    return f"{preview.name} ({bands})" if preview.name else bands
