"""What the arguments of `show_map` mean for each layer, and which cannot be."""

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

# Below, there is no room for the controls.
LEAST_HEIGHT = 100

__all__ = [
    "check_field",
    "check_height",
    "check_overlap",
    "layer_opacities",
    "layer_titles",
]


def check_height(height: Any) -> None:
    """Refuse heights that no map can have."""
    if not (is_whole(height) and height >= LEAST_HEIGHT):
        raise ValueError(
            "`height` is that of the map in a notebook: a whole number of px, "
            f"{LEAST_HEIGHT} or more. Received: {height!r}."
        )


def check_field(field: Any) -> None:
    """Refuse what is no name of a field."""
    if not isinstance(field, str):
        raise TypeError(
            "`field` is the name of a field of vector files, such as 'class'. "
            f"Received: {field!r}."
        )


def layer_titles(
    titles: str | Sequence[str] | None, layers: Sequence[PathLike | Positions]
) -> list[str]:
    """A name for each layer, no two alike."""
    names = checked_titles(titles, len(layers))
    if names is None:
        names = [
            Path(layer).stem if is_path(layer) else "positions" for layer in layers
        ]
    return _told_apart(names)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names with a number where one comes twice: the layer control shows each once.

    Example:
        >>> _told_apart(["map", "truth", "map"])
        ['map (1)', 'truth', 'map (2)']
    """
    total, seen = Counter(names), Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return told


def layer_opacities(
    opacity: float | Sequence[float], rasters: Sequence[bool], *, side_by_side: bool
) -> list[float]:
    """Opacity of each layer; 1 for vectors, and for rasters with none below."""
    count = sum(rasters)
    if side_by_side and count < 2:
        raise ValueError(
            f"`side_by_side` needs two rasters; there {'is' if count == 1 else 'are'} "
            f"{count}. Give one more, or leave it out."
        )
    values = _opacities(opacity)
    if is_number(opacity):
        lowest = 2 if side_by_side and count == 2 else 1
        values = [1.0] * min(lowest, count) + values * (count - lowest)
    if len(values) != count:
        is_one = len(values) == 1
        raise ValueError(
            f"There {'is' if is_one else 'are'} "
            f"{counted(len(values), 'opacity', 'opacities')} for "
            f"{counted(count, 'raster')}. Give one number for all, or one for each."
        )
    rest = iter(values)
    return [next(rest) if is_raster else 1.0 for is_raster in rasters]


def _opacities(opacity: Any) -> list[float]:
    """The numbers that were given, one or several."""
    alone = isinstance(opacity, str) or not np.iterable(opacity)
    values = [opacity] if alone else list(opacity)
    for value in values:
        if not (is_number(value) and 0 <= value <= 1):
            raise ValueError(
                "An opacity is a number from 0, invisible, to 1. Received: "
                f"{value if is_number(value) else repr(value)}."
            )
    return [float(value) for value in values]


def check_overlap(layers: Sequence[Overlay | Shapes]) -> None:
    """Refuse a layer that lies apart from all others: most often its CRS is wrong."""
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
