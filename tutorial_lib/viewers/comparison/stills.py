"""Comparisons without a browser: a figure, and an alternating picture as a GIF."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image, ImageDraw, ImageFont

from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.comparison.differences import (
    CHANGED_COLOR,
    SAME_COLOR,
    SIGNED_RAMP,
    SIZE_RAMP,
    Difference,
    difference,
)
from tutorial_lib.viewers.comparison.scene import Scene
from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, StillFigure, no_data_ground
from tutorial_lib.viewers.layers import Layer
from tutorial_lib.viewers.panels import AXIS_NAMES, draw_layers

# Longest side of an animated picture, px: larger ones are slow to load in a page.
GIF_SIDE = 800
CAPTION_HEIGHT, CAPTION_SIZE = 28, 16

__all__ = ["difference_figure", "difference_text", "pair_figure", "write_gif"]


def pair_figure(scene: Scene, pair: Sequence[int]) -> StillFigure:
    """Two layers side by side, on common axes."""
    return draw_layers(
        [scene.layers[number] for number in pair],
        [scene.titles[number] for number in pair],
    )


def difference_text(found: Difference, first: str, second: str) -> str:
    """One sentence on a difference.

    Example:
        >>> values = np.array([[0, 1, np.nan]], "float32")
        >>> difference_text(Difference("classes", values), "whole", "tiled")
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


def difference_figure(scene: Scene, pair: Sequence[int]) -> StillFigure:
    """The difference of two layers, with its scale."""
    a, b = (scene.layers[number] for number in pair)
    found = difference(a, b)
    text = difference_text(found, *(scene.titles[number] for number in pair))
    figure = Figure(figsize=_figure_size(a), layout="constrained")
    ax = figure.subplots()
    no_data_ground(ax, a.extent)
    scale = _scale(found)
    # Seams of one pixel would fall between the pixels of a smaller figure.
    pixels = scale.to_rgba(found.values, bytes=True)
    pixels[..., 3] = np.where(found.valid, 255, 0)
    ax.imshow(pixels, extent=a.extent, interpolation="antialiased")
    _draw_axes(ax, a)
    ax.set_title(text, fontsize=TEXT_SIZE + 1, loc="left", wrap=True)
    if found.kind == "classes":
        entries = [
            Patch(facecolor=SAME_COLOR, edgecolor="#404040", label="the same class"),
            Patch(facecolor=CHANGED_COLOR, edgecolor="#404040", label="another class"),
        ]
        figure.legend(
            handles=entries,
            loc="outside lower left",
            ncols=2,
            frameon=False,
            fontsize=TEXT_SIZE,
        )
    else:
        bar = figure.colorbar(scale, cax=ax.inset_axes((1.02, 0, 0.025, 1)))
        bar.ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
        bar.outline.set_edgecolor("#808080")
    return StillFigure(figure, text)


def _draw_axes(ax: Axes, layer: Layer) -> None:
    x_name, y_name = AXIS_NAMES[layer.unit]
    ax.set_xlabel(x_name, fontsize=TEXT_SIZE)
    ax.set_ylabel(y_name, fontsize=TEXT_SIZE)
    ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    ax.ticklabel_format(useOffset=False)
    ax.spines[:].set_color("#808080")


def _figure_size(layer: Layer) -> tuple[float, float]:
    height, width = layer.valid.shape
    picture = min(6.0, 0.8 * WIDTH * height / width)
    return max(5.0, min(WIDTH, picture * width / height + 1.8)), picture + 1.0


def _scale(found: Difference) -> ScalarMappable:
    top = found.largest or 1.0
    if found.kind == "classes":
        return ScalarMappable(
            Normalize(0, 1), ListedColormap([SAME_COLOR, CHANGED_COLOR])
        )
    if found.kind == "size":
        return ScalarMappable(Normalize(0, top), ListedColormap(SIZE_RAMP / 255))
    return ScalarMappable(Normalize(-top, top), ListedColormap(SIGNED_RAMP / 255))


def write_gif(
    path: PathLike, scene: Scene, numbers: Sequence[int], *, rate: float
) -> Path:
    """Write layers as one picture that alternates, `rate` changes a second."""
    frames = [_frame(scene.layers[n].picture, scene.titles[n]) for n in numbers]
    path = Path(path)
    frames[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / rate),
        loop=0,
        optimize=False,
    )
    return path


def _frame(picture: np.ndarray, title: str) -> Image.Image:
    """A picture at a size for the screen, its title below."""
    image = Image.fromarray(picture)
    factor = GIF_SIDE / max(image.size)
    if factor >= 2:  # pixels stay squares
        factor = int(factor)
    image = image.resize(
        [max(1, round(side * factor)) for side in image.size], Image.Resampling.NEAREST
    )
    frame = Image.new("RGB", (image.width, image.height + CAPTION_HEIGHT), "white")
    frame.paste("#d9d9d9", (0, 0, *image.size))
    frame.paste(image, (0, 0), image)
    ImageDraw.Draw(frame).text(
        (4, image.height + 4),
        title,
        fill="black",
        font=ImageFont.load_default(CAPTION_SIZE),
    )
    return frame.quantize(256, dither=Image.Dither.NONE)
