"""What the arguments of `show_map` mean for each layer, and which cannot be."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tutorial_lib.positions import Positions
from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.previews import is_path
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import Shapes

__all__ = ["check_overlap", "layer_opacities", "layer_titles"]


def layer_titles(
    titles: str | Sequence[str] | None, layers: Sequence[PathLike | Positions]
) -> list[str]:
    """A name for each layer, no two alike."""
    if titles is None:
        names = [
            Path(layer).stem if is_path(layer) else "positions" for layer in layers
        ]
    else:
        names = [titles] if isinstance(titles, str) else list(map(str, titles))
    if len(names) != len(layers):
        raise ValueError(
            f"There are {len(names)} titles for {len(layers)} layers. Give one for "
            "each layer."
        )
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
    if isinstance(opacity, int | float | np.number):
        lowest = 2 if side_by_side and count == 2 else 1
        values = [1.0] * min(lowest, count) + [float(opacity)] * (count - lowest)
    else:
        values = [float(value) for value in opacity]
    if len(values) != count:
        raise ValueError(
            f"There are {len(values)} opacities for {count} rasters. Give one number "
            "for all, or one for each."
        )
    wrong = [v for v in (*values, *np.atleast_1d(opacity)) if not 0 <= v <= 1]
    if wrong:
        raise ValueError(
            f"An opacity goes from 0, invisible, to 1. Received: {wrong[0]:g}."
        )
    rest = iter(values)
    return [next(rest) if is_raster else 1.0 for is_raster in rasters]


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
