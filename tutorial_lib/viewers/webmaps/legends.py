"""What the legend of a map says: each class once, and the scale of each ramp."""

from collections.abc import Sequence
from typing import Any

from tutorial_lib.viewers.layers import RAMPS
from tutorial_lib.viewers.pictures import class_color, class_ids, class_name
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import Shapes

# Colours along a scale: enough to look smooth.
SHADES = 16

Classes = tuple[tuple[str, str], ...]

__all__ = ["legend_classes", "legend_groups"]


def legend_classes(layer: Overlay | Shapes) -> Classes:
    """(name, colour as "#rrggbb") of the classes that are in a layer."""
    if isinstance(layer, Shapes):
        return tuple(layer.present.values())
    if layer.layer.kind != "classes":
        return ()
    labels, legend = layer.layer.preview.pixels[..., 0], layer.layer.legend
    return tuple(
        (class_name(i, legend), "#{:02x}{:02x}{:02x}".format(*class_color(i, legend)))
        for i in class_ids(labels, layer.layer.valid)
    )


def legend_groups(layers: Sequence[Overlay | Shapes]) -> list[dict[str, Any]]:
    """Classes and scales, each with the names of its layers if there is a choice.

    Layers whose classes are among those of another one share its entries.
    """
    groups = {}
    for layer in sorted(layers, key=lambda one: -len(legend_classes(one))):
        classes = legend_classes(layer)
        home = next((own for own in groups if set(classes) <= set(own)), classes)
        if classes:
            groups.setdefault(home, []).append(layer.title)
    several = len(groups) > 1
    found = [
        {"title": ", ".join(titles) if several else "", "classes": list(classes)}
        for classes, titles in groups.items()
    ]
    return found + [_scale(one) for one in layers if _has_scale(one)]


def _has_scale(layer: Overlay | Shapes) -> bool:
    return isinstance(layer, Overlay) and layer.layer.kind in RAMPS


def _scale(overlay: Overlay) -> dict[str, Any]:
    (low,), (high,) = overlay.layer.limits
    ramp = RAMPS[overlay.layer.kind][:: 256 // SHADES]
    colors = ["#{:02x}{:02x}{:02x}".format(*shade) for shade in ramp.tolist()]
    ends = [f"{low:.4g}", f"{high:.4g}"]
    return {"title": overlay.title, "colours": ",".join(colors), "ends": ends}
