"""folium maps that bring their Leaflet along, instead of asking the internet for it."""

import base64
import re
from functools import cache
from pathlib import Path
from typing import Any

import folium
from branca.element import Element
from folium.template import Template
from xstatic.pkg import leaflet

_LEAFLET = Path(leaflet.BASE_DIR)
_HERE = Path(__file__).parent

__all__ = ["OfflineMap", "leaflet_script"]


class OfflineMap(folium.Map):
    """A `folium.Map` that asks for nothing from the internet.

    Leaflet and the kit's controls stand in the page. jQuery, Bootstrap and the icons
    that folium else loads do not: rasters, GeoJSON, tooltips, circle markers and the
    layer control work, popups and markers with icons do not. Tiles are fetched only if
    a tile layer is added.

    Example:
        >>> page = OfflineMap(location=(52.5, 13.1)).get_root().render()
        >>> "<script src=" in page, "<link " in page
        (False, False)
    """

    # Also where folium's own Map adds to these lists: they are the class's, not ours.
    default_js = ()
    default_css = ()

    def __init__(self, *args: Any, tiles: Any = None, **options: Any) -> None:
        super().__init__(*args, tiles=tiles, **options)

    def render(self, **kwargs: Any) -> None:
        """Put Leaflet into the page, before what uses it."""
        header = self.get_root().header
        # Drawn again, the page may have layers that were added since: the control,
        # which names them, comes last.
        self.get_root().script._children.clear()
        for name, child in list(self._children.items()):
            if isinstance(child, folium.LayerControl):
                self._children.move_to_end(name)
        header.add_child(Inline("style", leaflet_style()), name="leaflet_css")
        header.add_child(Inline("script", leaflet_script()), name="leaflet")
        super().render(**kwargs)
        # After folium's own style, which makes text larger than controls need.
        header.add_child(Inline("style", _text("webmap.css")), name="webmap_css")
        header.add_child(Inline("script", _text("controls.js")), name="webmap_js")


class Inline(Element):
    """A script or a style that stands in the page, unchanged."""

    _template = Template("<{{ this.tag }}>\n{{ this.text }}\n</{{ this.tag }}>")

    def __init__(self, tag: str, text: str) -> None:
        super().__init__()
        self._name = "Inline"
        self.tag, self.text = tag, text


@cache
def leaflet_script() -> str:
    """Leaflet, without the hint where its sources are."""
    text = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=.*", "", text)


@cache
def leaflet_style() -> str:
    """Leaflet's style with its pictures in it."""
    text = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")

    def inlined(match: re.Match) -> str:
        picture = (_LEAFLET / match[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(picture).decode('ascii')})"

    return re.sub(r"url\((images/[^)]+)\)", inlined, text)


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
