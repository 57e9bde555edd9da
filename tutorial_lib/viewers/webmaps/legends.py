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
    """Classes and scales in the order of their layers, lowest first.

    Layers whose classes are among those of another one share its entries; each group
    has the names of its layers if there is a choice.
    """
    homes = _homes([legend_classes(layer) for layer in layers])
    several = len({home for home in homes if home}) > 1
    groups = {}
    for layer, home in zip(layers, homes, strict=True):
        if home:
            alike = [
                one.title for one, its in zip(layers, homes, strict=True) if its == home
            ]
            title = ", ".join(alike) if several else ""
            groups[home] = {"title": title, "classes": list(home)}
        elif _has_scale(layer):
            groups[layer.title] = _scale(layer)
    return list(groups.values())


def _homes(classes: Sequence[Classes]) -> list[Classes]:
    """For each layer the classes among which its own are; () if it has none."""
    longest = sorted(classes, key=len, reverse=True)
    return [
        next(one for one in longest if set(own) <= set(one)) if own else ()
        for own in classes
    ]


def _has_scale(layer: Overlay | Shapes) -> bool:
    return isinstance(layer, Overlay) and layer.layer.kind in RAMPS


def _scale(overlay: Overlay) -> dict[str, Any]:
    (low,), (high,) = overlay.layer.limits
    ramp = RAMPS[overlay.layer.kind][:: 256 // SHADES]
    colors = ["#{:02x}{:02x}{:02x}".format(*shade) for shade in ramp.tolist()]
    ends = [f"{low:.4g}", f"{high:.4g}"]
    return {"title": overlay.title, "colours": ",".join(colors), "ends": ends}
