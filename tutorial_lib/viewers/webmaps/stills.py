"""The map as a still picture, for a notebook that is not trusted and for paper."""

from collections.abc import Sequence
from math import ceil, log10

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, LiteralFigure, StillFigure
from tutorial_lib.viewers.layers import RAMPS
from tutorial_lib.viewers.panels import draw_color_bar
from tutorial_lib.viewers.webmaps.legends import legend_entries
from tutorial_lib.viewers.webmaps.mercator import Bounds, mercator
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import COLOR, Shapes

# Inches: height of the map, space around it, height of a line of text.
MAX_HEIGHT = 6.0
MARGIN = 0.9
LINE = 0.19

LEGEND_COLUMNS = 4

# Largest ratio of two sides, and the side of the map around a single point, in metres
# of web Mercator.
FLATTEST, ROOM_M = 8, 100

__all__ = ["still_map"]


def still_map(
    layers: Sequence[Overlay | Shapes], bounds: Bounds, description: str
) -> StillFigure:
    """Draw layers on top of each other, in web Mercator with degrees at the sides.

    Args:
        layers: Lowest first.
        bounds: The part of the map that is shown.
        description: Text for screen readers.
    """
    entries, bounds = legend_entries(layers), _with_room(bounds)
    figure, ax = _axes(bounds, -(-len(entries) // LEGEND_COLUMNS))
    for layer in layers:
        if isinstance(layer, Shapes):
            _draw_shapes(ax, layer.geometries)
        else:
            _draw_overlay(ax, layer)
    _draw_frame(ax, bounds)
    rasters = [one.layer for one in layers if isinstance(one, Overlay)]
    scaled = [layer for layer in rasters if layer.kind in RAMPS]
    if scaled:
        # There is room for one scale: of the highest layer, which hides the others.
        draw_color_bar(ax, scaled[-1])
    title = ", ".join(layer.title for layer in layers)
    ax.set_title(title, fontsize=TEXT_SIZE + 1, loc="left", wrap=True)
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


def _with_room(bounds: Bounds) -> Bounds:
    """Bounds with two sides: a point has none, and a line may have one only."""
    height, width = bounds.size
    shortest = max(height, width) / FLATTEST or ROOM_M
    more_y, more_x = (max(0, shortest - side) / 2 for side in (height, width))
    return Bounds(
        bounds.left - more_x,
        bounds.bottom - more_y,
        bounds.right + more_x,
        bounds.top + more_y,
    )


def _axes(bounds: Bounds, legend_lines: int) -> tuple[Figure, Axes]:
    """A figure whose axes have the shape of the map."""
    ratio = bounds.size[0] / bounds.size[1]
    width = min(WIDTH - 2 * MARGIN, MAX_HEIGHT / ratio)
    height = width * ratio
    below = MARGIN / 2 + LINE * (legend_lines + 1)
    size = (max(width, WIDTH / 2) + 2 * MARGIN, below + height + 3 * LINE)
    figure = LiteralFigure(figsize=size, facecolor="white")
    box = (MARGIN / size[0], below / size[1], width / size[0], height / size[1])
    return figure, figure.add_axes(box)


def _draw_overlay(ax: Axes, overlay: Overlay) -> None:
    place = overlay.bounds
    ax.imshow(
        overlay.picture,
        extent=(place.left, place.right, place.bottom, place.top),
        alpha=overlay.opacity,
        interpolation="nearest" if overlay.is_classes else "antialiased",
    )


def _draw_shapes(ax: Axes, geometries: np.ndarray) -> None:
    """Draw filled areas, lines and dots."""
    parts = np.asarray(geometries)
    # Collections may hold collections.
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    parts = parts[~shapely.is_empty(parts)]
    dimensions = shapely.get_dimensions(parts)
    areas = [PathPatch(_outline(part)) for part in parts[dimensions == 2]]
    fill = {"facecolor": to_rgba(COLOR, 0.35), "edgecolor": COLOR, "linewidth": 1.2}
    ax.add_collection(PatchCollection(areas, **fill))
    lines = [_coordinates(part) for part in parts[dimensions == 1]]
    ax.add_collection(LineCollection(lines, colors=COLOR))
    dots = _coordinates(parts[dimensions == 0])
    style = {"edgecolors": "white", "linewidths": 0.6, "zorder": 3}
    ax.scatter(*dots.T, s=18, color=COLOR, **style)


def _coordinates(geometry: shapely.Geometry | np.ndarray) -> np.ndarray:
    """(n, 2) web Mercator coordinates of geometries in degrees."""
    return np.stack(mercator(*shapely.get_coordinates(geometry).T), axis=-1)


def _outline(polygon: shapely.Polygon) -> Outline:
    """A polygon with its holes as a path of matplotlib."""
    rings = [polygon.exterior, *polygon.interiors]
    return Outline.make_compound_path(
        *(Outline(_coordinates(ring), closed=True) for ring in rings)
    )


def _draw_frame(ax: Axes, bounds: Bounds) -> None:
    """Write degrees along the sides. Degrees of latitude are not evenly spaced."""
    ax.set(xlim=(bounds.left, bounds.right), ylim=(bounds.bottom, bounds.top))
    (south, west), (north, east) = bounds.corners
    lons = MaxNLocator(5).tick_values(west, east)
    lats = MaxNLocator(5).tick_values(south, north)
    x, y = mercator(lons, 0)[0], mercator(0, lats)[1]
    for axis, angles, places in ((ax.xaxis, lons, x), (ax.yaxis, lats, y)):
        axis.set_major_locator(FixedLocator(places.tolist()))
        axis.set_major_formatter(FixedFormatter(_degrees_texts(angles)))
    ax.tick_params(labelsize=TEXT_SIZE - 1, color="#808080")
    ax.set_facecolor("#e7eaee")
    ax.spines[:].set_color("#808080")


def _degrees_texts(angles: np.ndarray) -> list[str]:
    """Evenly spaced angles as texts with as many decimals as keep them apart.

    Example:
        >>> _degrees_texts(np.array([13.0, 13.25])), _degrees_texts(np.array([0, 1e-5]))
        (['13°', '13.25°'], ['0°', '0.00001°'])
    """
    decimals = max(0, ceil(-log10(angles[1] - angles[0])) + 1)
    texts = [f"{angle:.{decimals}f}" for angle in angles]
    return [f"{text.rstrip('0').rstrip('.') if decimals else text}°" for text in texts]
