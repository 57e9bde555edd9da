"""Arguments of `show_map`: titles and opacities of each layer, and their checks."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.options import (
    checked_titles,
    counted,
    is_number,
    is_whole,
)
from tutorial_lib.viewers.reading import is_path
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import Shapes

# A lower map, in px, has no room for the controls.
LEAST_HEIGHT = 100

__all__ = ["check_height", "check_overlap", "layer_titles", "raster_opacities"]


def check_height(height: Any) -> None:
    """Raise ValueError unless a height is a whole number of at least `LEAST_HEIGHT`."""
    if not (is_whole(height) and height >= LEAST_HEIGHT):
        raise ValueError(
            "`height` is the height of the map in a notebook: a whole number of px, "
            f"{LEAST_HEIGHT} or more. Received: {height!r}."
        )


def layer_titles(
    titles: str | Sequence[str] | None, layers: Sequence[PathLike | Positions]
) -> list[str]:
    """A name for each layer, with a number where two layers have the same.

    Example:
        >>> layer_titles(None, ["a/map.tif", "truth.tif", "b/map.tif"])
        ['map (1)', 'truth', 'map (2)']
    """
    names = checked_titles(titles, len(layers))
    if names is None:
        names = [
            Path(layer).stem if is_path(layer) else "positions" for layer in layers
        ]
    # folium's layer control lists each name once.
    total, seen = Counter(names), Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return numbered


def raster_opacities(opacity: float | Sequence[float], count: int) -> list[float]:
    """The opacity of each of `count` rasters, lowest first.

    One number is the opacity of all rasters except the lowest one.

    Example:
        >>> raster_opacities(0.6, 3)
        [1.0, 0.6, 0.6]
    """
    alone = isinstance(opacity, str) or not np.iterable(opacity)
    values = [opacity] if alone else list(opacity)
    for value in values:
        if not (is_number(value) and 0 <= value <= 1):
            raise ValueError(
                "An opacity is a number from 0, invisible, to 1. Received: "
                f"{value if is_number(value) else repr(value)}."
            )
    if alone:
        return [1.0, *[float(opacity)] * (count - 1)][:count]
    if len(values) != count:
        raise ValueError(
            f"There {'is' if len(values) == 1 else 'are'} "
            f"{counted(len(values), 'opacity', 'opacities')} for "
            f"{counted(count, 'raster')}. Give one number for all, or one for each."
        )
    return [float(value) for value in values]


def check_overlap(layers: Sequence[Overlay | Shapes]) -> None:
    """Raise ValueError if a layer touches no other layer.

    The reason is most often a wrong CRS.
    """
    for layer in reversed(layers) if len(layers) > 1 else ():
        others = [other for other in layers if other is not layer]
        if not any(layer.bounds.touches(other.bounds) for other in others):
            raise ValueError(
                f"'{layer.title}' ({_place(layer)}) shares no ground with the other "
                f"layers, such as '{others[0].title}' ({_place(others[0])}). Check its "
                "CRS, or show it on a map of its own."
            )


def _place(layer: Overlay | Shapes) -> str:
    (south, west), (north, east) = layer.bounds.corners
    return f"{west:.4f} to {east:.4f}° E, {south:.4f} to {north:.4f}° N"
