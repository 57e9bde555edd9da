"""folium maps that carry Leaflet in the page, so they need no internet."""

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

__all__ = ["MapControls", "OfflineMap", "leaflet_script"]


class OfflineMap(folium.Map):
    """A `folium.Map` that loads nothing from the internet.

    The page holds Leaflet and the kit's controls, but not jQuery, Bootstrap and the
    icons that folium loads otherwise. Rasters, GeoJSON, tooltips, circle markers and
    the layer control work. Popups and markers with icons do not. Only a tile layer,
    where one is added, loads tiles.

    Args:
        legend: HTML of a legend; "" for none.
        options: Those of `folium.Map`.

    Example:
        >>> page = OfflineMap(location=(52.5, 13.1)).get_root().render()
        >>> "<script src=" in page, "<link " in page
        (False, False)
    """

    # folium's classes add to these lists of the class, not of the object.
    default_js = ()
    default_css = ()

    def __init__(self, *, tiles: Any = None, legend: str = "", **options: Any) -> None:
        super().__init__(tiles=tiles, **options)
        self._legend = legend

    def render(self, **kwargs: Any) -> None:
        """Put Leaflet into the page before the scripts that use it."""
        page = self.get_root()
        # Users may add layers after a first rendering. The layer control lists all of
        # them, so it must come last.
        page.script._children.clear()
        for name, child in list(self._children.items()):
            if isinstance(child, folium.LayerControl):
                self._children.move_to_end(name)
        page.header.add_child(Verbatim("style", leaflet_style()), name="leaflet_css")
        page.header.add_child(Verbatim("script", leaflet_script()), name="leaflet")
        super().render(**kwargs)
        # After folium's own style, which makes text too large for the controls.
        page.header.add_child(Verbatim("style", _text("webmap.css")), name="webmap_css")
        page.header.add_child(Verbatim("script", _text("controls.js")), name="webmap")
        page.html.add_child(Verbatim("div", self._legend), name="webmap_legend")


class Verbatim(Element):
    """An HTML element whose content stands in the page unchanged."""

    _template = Template("<{{ this.tag }}>\n{{ this.text }}\n</{{ this.tag }}>")

    def __init__(self, tag: str, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.tag, self.text = tag, text


class MapControls(folium.LayerControl):
    """All controls of a map; `setUp` in controls.js makes them.

    Args:
        view: `description` (the text for screen readers), `bounds` ([[south, west],
            [north, east]] in degrees), `finest` (the highest zoom) and `everywhere`
            (whether the reader may zoom out to the world).
    """

    _template = Template("""
        {% macro script(this, kwargs) %}
            webmap.setUp({{ this._parent.get_name() }}, [
                {%- for name, layer in this.base_layers.items() %}
                [{{ name|tojson }}, {{ layer }}],{% endfor %}
                {%- for name, layer in this.overlays.items() %}
                [{{ name|tojson }}, {{ layer }}],{% endfor %}
            ], {{ this.view|tojson }});
        {% endmacro %}
    """)

    def __init__(self, **view: Any) -> None:
        super().__init__()
        self.view = view


@cache
def leaflet_script() -> str:
    """Leaflet's script, without the address of its source map."""
    text = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=.*", "", text)


@cache
def leaflet_style() -> str:
    """Leaflet's style sheet, without the addresses of its images.

    They are the icons of markers, which `OfflineMap` lacks, and the icon of the layer
    list, which has a text instead.
    """
    text = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    return re.sub(r"url\(images/[^)]+\)", "none", text)


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
