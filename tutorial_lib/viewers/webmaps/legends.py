"""The legend of a map: each class once, and the scale of each raster with shades."""

from collections.abc import Sequence

from tutorial_lib.display import escaped
from tutorial_lib.viewers.layers import RAMPS
from tutorial_lib.viewers.pictures import class_color, class_ids, class_name
from tutorial_lib.viewers.webmaps.overlays import Overlay
from tutorial_lib.viewers.webmaps.shapes import COLOR, Shapes

__all__ = ["legend_entries", "legend_html"]


def legend_entries(layers: Sequence[Overlay | Shapes]) -> list[tuple[str, str]]:
    """(name, colour as "#rrggbb") of the classes and vectors on a map, each once."""
    return list(dict.fromkeys(entry for one in layers for entry in _entries(one)))


def _entries(layer: Overlay | Shapes) -> list[tuple[str, str]]:
    if isinstance(layer, Shapes):
        return [(layer.title, COLOR)]
    drawn = layer.layer
    if drawn.kind != "classes":
        return []
    return [
        (class_name(i, drawn.legend), _hexadecimal(class_color(i, drawn.legend)))
        for i in class_ids(drawn.preview.pixels[..., 0], drawn.valid)
    ]


def legend_html(layers: Sequence[Overlay | Shapes]) -> str:
    """The legend as HTML; "" where no layer needs one."""
    rows = [
        f'<div class="webmap-class"><i style="background:{color}"></i>'
        f"<span>{escaped(name)}</span></div>"
        for name, color in legend_entries(layers)
    ]
    rows += [
        _scale_html(layer)
        for layer in layers
        if isinstance(layer, Overlay) and layer.layer.kind in RAMPS
    ]
    if not rows:
        return ""
    return (
        '<details class="webmap-legend" open>\n<summary>Legend</summary>\n'
        + "\n".join(rows)
        + "\n</details>"
    )


def _scale_html(overlay: Overlay) -> str:
    (low,), (high,) = overlay.layer.limits
    # 16 of the 256 colours of a ramp, the first and the last among them.
    colors = ",".join(map(_hexadecimal, RAMPS[overlay.layer.kind][::17].tolist()))
    return (
        f'<div class="webmap-title">{escaped(overlay.title)}</div>'
        f'<i class="webmap-ramp" style="background:linear-gradient(90deg,{colors})">'
        f'</i><div class="webmap-ends"><span>{low:.4g}</span><span>{high:.4g}</span>'
        "</div>"
    )


def _hexadecimal(rgb: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
