"""Arguments of `show_map`: their checks, and the titles of the layers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.options import checked_titles
from tutorial_lib.viewers.reading import is_path
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import Shapes

__all__ = ["check_overlap", "layer_titles"]


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
