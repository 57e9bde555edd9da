"""The still form of a difference: a matplotlib figure, and a sentence on it."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from tutorial_lib.viewers.comparison.differences import (
    CHANGED_COLOR,
    SAME_COLOR,
    SIGNED_RAMP,
    SIZE_RAMP,
    LayerDifference,
)
from tutorial_lib.viewers.figures import (
    TEXT_SIZE,
    WIDTH,
    LiteralFigure,
    StillFigure,
    no_data_ground,
    swatch,
)
from tutorial_lib.viewers.layers import Layer
from tutorial_lib.viewers.panels import draw_scale, name_axes

__all__ = ["difference_figure", "difference_text"]


def difference_text(found: LayerDifference, first: str, second: str) -> str:
    """One sentence on the difference of two layers with these titles.

    Example:
        >>> values = np.array([[0, 1, np.nan]], "float32")
        >>> difference_text(LayerDifference("classes", values), "whole", "tiled")
        'tiled against whole: another class in 50 % of the pixels.'
    """
    share = f"{100 * found.changed_share:.4g} % of the pixels"
    if found.kind == "classes":
        return f"{second} against {first}: another class in {share}."
    name = "mean difference of the bands" if found.kind == "size" else "difference"
    return (
        f"{second} against {first}: {share} differ; the largest {name} is "
        f"{found.largest:.4g}."
    )


def difference_figure(found: LayerDifference, layer: Layer, text: str) -> StillFigure:
    """Draw a difference with its scale.

    Args:
        found: The difference.
        layer: One of the two layers; the difference is drawn on its axes.
        text: Title of the figure, and its description.
    """
    height, width = layer.valid.shape
    picture_height = min(6.0, 0.8 * WIDTH * height / width)  # inches
    figure_width = max(5.0, min(WIDTH, picture_height * width / height + 1.8))
    figure = LiteralFigure(
        figsize=(figure_width, picture_height + 1.0), layout="constrained"
    )
    ax = figure.subplots()
    no_data_ground(ax, layer.extent)
    scale = _scale(found)
    # Colours are averaged where the figure has fewer pixels: with the nearest pixel, a
    # seam that is one pixel wide could be lost.
    pixels = scale.to_rgba(found.values, bytes=True)
    pixels[..., 3] = np.where(found.valid, 255, 0)
    ax.imshow(pixels, extent=layer.extent, interpolation="antialiased")
    name_axes(ax, layer.unit)
    ax.set_title(text, fontsize=TEXT_SIZE + 1, loc="left", wrap=True)
    if found.kind == "classes":
        entries = (
            swatch(SAME_COLOR, "the same class"),
            swatch(CHANGED_COLOR, "another class"),
        )
        place = {"loc": "outside lower left", "ncols": 2, "frameon": False}
        figure.legend(handles=entries, fontsize=TEXT_SIZE, **place)
    else:
        draw_scale(ax, scale)
    return StillFigure(figure, text)


def _scale(found: LayerDifference) -> ScalarMappable:
    """Colours of the values of a difference."""
    top = found.largest or 1.0
    if found.kind == "classes":
        colors = np.array([SAME_COLOR, CHANGED_COLOR]) / 255
        return ScalarMappable(Normalize(0, 1), ListedColormap(colors))
    if found.kind == "size":
        return ScalarMappable(Normalize(0, top), ListedColormap(SIZE_RAMP / 255))
    return ScalarMappable(Normalize(-top, top), ListedColormap(SIGNED_RAMP / 255))
