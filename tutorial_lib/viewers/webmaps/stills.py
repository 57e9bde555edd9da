"""The map as a picture, for where no page runs."""

from collections.abc import Sequence

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, StillFigure
from tutorial_lib.viewers.layers import RAMPS
from tutorial_lib.viewers.webmaps.legends import legend_classes
from tutorial_lib.viewers.webmaps.mercator import Bounds, mercator
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import PLAIN_COLOR, Shapes

# Inches.
MAX_HEIGHT = 6.0
MARGIN = 0.9
LINE = 0.19
LEGEND_COLUMNS = 4

__all__ = ["still_map"]


def still_map(
    layers: Sequence[Overlay | Shapes],
    bounds: Bounds,
    opacities: Sequence[float],
    *,
    sides: Sequence[Overlay] = (),
    description: str = "",
) -> StillFigure:
    """Draw layers on top of each other, in web Mercator with degrees at its sides.

    Args:
        layers: Lowest first.
        bounds: What is shown.
        opacities: One for each layer.
        sides: Of two rasters, the first is drawn in the left half, the second in the
            right one.
        description: What is to be seen.
    """
    entries = dict.fromkeys(pair for layer in layers for pair in legend_classes(layer))
    figure, ax = _axes(bounds, -(-len(entries) // LEGEND_COLUMNS))
    for layer, opacity in zip(layers, opacities, strict=True):
        if isinstance(layer, Shapes):
            _draw_shapes(ax, layer)
        else:
            _draw_overlay(ax, layer, opacity, bounds, sides)
    _draw_frame(ax, bounds)
    _draw_color_bar(ax, layers)
    ax.set_title(_title(layers, sides), fontsize=TEXT_SIZE + 1, loc="left", wrap=True)
    if entries:
        figure.legend(
            handles=[
                Patch(facecolor=color, edgecolor="#404040", linewidth=0.5, label=name)
                for name, color in entries
            ],
            loc="lower left",
            bbox_to_anchor=(ax.get_position().x0, 0),
            borderaxespad=0,
            ncols=min(len(entries), LEGEND_COLUMNS),
            frameon=False,
            fontsize=TEXT_SIZE,
        )
    return StillFigure(figure, description)


def _axes(bounds: Bounds, legend_lines: int) -> tuple[Figure, Axes]:
    ratio = (bounds.top - bounds.bottom) / (bounds.right - bounds.left)
    width = min(WIDTH - 2 * MARGIN, MAX_HEIGHT / ratio)
    height = width * ratio
    below = MARGIN / 2 + LINE * (legend_lines + 1)
    size = (max(width, WIDTH / 2) + 2 * MARGIN, below + height + 3 * LINE)
    figure = Figure(figsize=size, facecolor="white")
    box = (MARGIN / size[0], below / size[1], width / size[0], height / size[1])
    return figure, figure.add_axes(box)


def _draw_overlay(
    ax: Axes, overlay: Overlay, opacity: float, bounds: Bounds, sides: Sequence[Overlay]
) -> None:
    place = overlay.bounds
    image = ax.imshow(
        overlay.picture,
        extent=(place.left, place.right, place.bottom, place.top),
        alpha=opacity,
        interpolation="nearest" if overlay.layer.kind == "classes" else "antialiased",
    )
    if any(overlay is side for side in sides):
        middle = (bounds.left + bounds.right) / 2
        left = bounds.left if overlay is sides[0] else middle
        height = bounds.top - bounds.bottom
        half = Rectangle((left, bounds.bottom), middle - bounds.left, height)
        image.set_clip_path(half.get_path(), half.get_transform() + ax.transData)
        ax.axvline(middle, color="white", linewidth=1.5)


def _draw_shapes(ax: Axes, shapes: Shapes) -> None:
    if shapes.classes is None:
        _draw_class(ax, shapes.geometries, PLAIN_COLOR)
    for class_id, (_, color) in shapes.present.items():
        _draw_class(ax, shapes.geometries[shapes.classes == class_id], color)


def _draw_class(ax: Axes, geometries: np.ndarray, color: str) -> None:
    """Shapes of one colour: filled areas, lines, dots."""
    parts = shapely.get_parts(geometries)
    kinds = shapely.get_dimensions(parts)
    areas = [PathPatch(_outline(one)) for one in parts[kinds == 2]]
    fill = {"facecolor": to_rgba(color, 0.35), "edgecolor": color, "linewidth": 1.2}
    ax.add_collection(PatchCollection(areas, **fill))
    lines = [_places(one) for one in parts[kinds == 1]]
    ax.add_collection(LineCollection(lines, colors=color))
    dots = _places(parts[kinds == 0])
    style = {"edgecolors": "white", "linewidths": 0.6, "zorder": 3}
    ax.scatter(*dots.T, s=18, color=color, **style)


def _places(geometry: shapely.Geometry | np.ndarray) -> np.ndarray:
    """(n, 2) coordinates on the map."""
    return np.stack(mercator(*shapely.get_coordinates(geometry).T), axis=-1)


def _outline(polygon: shapely.Polygon) -> Outline:
    """A polygon with its holes."""
    rings = [polygon.exterior, *polygon.interiors]
    return Outline.make_compound_path(
        *(Outline(_places(ring), closed=True) for ring in rings)
    )


def _draw_frame(ax: Axes, bounds: Bounds) -> None:
    """Degrees along the sides; those of latitude are not evenly spaced."""
    ax.set(xlim=(bounds.left, bounds.right), ylim=(bounds.bottom, bounds.top))
    (south, west), (north, east) = bounds.corners
    lons, lats = (
        MaxNLocator(5).tick_values(*ends) for ends in ((west, east), (south, north))
    )
    for axis, angles, places in (
        (ax.xaxis, lons, mercator(lons, 0 * lons)[0]),
        (ax.yaxis, lats, mercator(0 * lats, lats)[1]),
    ):
        axis.set_major_locator(FixedLocator(places.tolist()))
        axis.set_major_formatter(FixedFormatter([f"{angle:.6g}°" for angle in angles]))
    ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    ax.set_facecolor("#e7eaee")
    ax.spines[:].set_color("#808080")


def _draw_color_bar(ax: Axes, layers: Sequence[Overlay | Shapes]) -> None:
    """The scale of the highest layer that has one: it hides those below."""
    scaled = [one.layer for one in layers if isinstance(one, Overlay)]
    scaled = [one for one in scaled if one.kind in RAMPS]
    if not scaled:
        return
    (low,), (high,) = scaled[-1].limits
    scale = ScalarMappable(
        Normalize(low, high), ListedColormap(RAMPS[scaled[-1].kind] / 255)
    )
    bar = ax.figure.colorbar(scale, cax=ax.inset_axes((1.02, 0, 0.025, 1)))
    bar.ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    bar.outline.set_edgecolor("#808080")


def _title(layers: Sequence[Overlay | Shapes], sides: Sequence[Overlay]) -> str:
    if sides:
        return f"{sides[0].title} (left), {sides[1].title} (right)"
    return ", ".join(layer.title for layer in layers)
