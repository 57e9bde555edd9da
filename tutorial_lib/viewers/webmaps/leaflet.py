"""folium maps that carry Leaflet in the page, so they need no internet."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, MacroElement
from folium.template import Template
from xstatic.pkg import leaflet

from tutorial_lib.display import escaped

_LEAFLET = Path(leaflet.BASE_DIR)
_HERE = Path(__file__).parent

# folium's page cannot be enlarged by two fingers, which people with low vision need.
_LOCKED = re.compile(r",\s*maximum-scale=1\.0,\s*user-scalable=no")

__all__ = ["MapControls", "OfflineMap", "RasterLayer", "VectorLayer", "leaflet_script"]


class Literal(Element):
    """Text that stands in the page unchanged."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Literal"
        self.text = text

    @classmethod
    def inside(cls, tag: str, text: str) -> "Literal":
        """A text inside an HTML element."""
        return cls(f"<{tag}>\n{text}\n</{tag}>")


class Inert(MacroElement):
    """A part of a page in whose texts template braces have no meaning.

    branca compiles what an element writes into the page as a Jinja template once more,
    so a class name or a title such as `{{ … }}` would run as code. Every element that
    holds a text of a file or of a caller inherits from this class, after folium's.
    """

    def render(self, **kwargs: Any) -> None:
        """Write the element and its children into the page, as branca does."""
        page = self.get_root()
        for part in ("header", "html", "script"):
            macro = getattr(self._template.module, part, None)
            if macro is not None:
                text = Literal(macro(self, kwargs))
                getattr(page, part).add_child(text, name=self.get_name())
        for child in list(self._children.values()):
            child.render(**kwargs)


class RasterLayer(folium.raster_layers.ImageOverlay, Inert):
    """A picture on the map; arguments are those of folium's `ImageOverlay`."""


class VectorLayer(folium.GeoJson, Inert):
    """Shapes on the map; arguments are those of folium's `GeoJson`."""


class OfflineMap(folium.Map):
    """A `folium.Map` that loads nothing from the internet.

    The page holds Leaflet and the kit's controls, but not jQuery, Bootstrap and the
    icons that folium loads otherwise. Rasters, GeoJSON, tooltips, circle markers and
    the layer control work. Popups and markers with icons do not. Only a tile layer,
    where one is added, loads tiles.

    Args:
        heading: What the page is about, for screen readers.
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

    def __init__(
        self,
        *,
        tiles: Any = None,
        heading: str = "Map",
        legend: str = "",
        **options: Any,
    ) -> None:
        super().__init__(tiles=tiles, **options)
        self._heading, self._legend = heading, legend

    def render(self, **kwargs: Any) -> None:
        """Put Leaflet into the page before the scripts that use it."""
        page = self.get_root()
        # Users may add layers after a first rendering. The layer control lists all of
        # them, so it must come last.
        page.script._children.clear()
        for name, child in list(self._children.items()):
            if isinstance(child, folium.LayerControl):
                self._children.move_to_end(name)
        page.header.add_child(
            Literal.inside("style", leaflet_style()), name="leaflet_css"
        )
        page.header.add_child(
            Literal.inside("script", leaflet_script()), name="leaflet"
        )
        page.html.add_child(Literal(self._beginning()), name="webmap_beginning")
        super().render(**kwargs)
        head = self._template.module.header(self, kwargs)
        page.header.add_child(Literal(_LOCKED.sub("", head)), name=self.get_name())
        # After folium's own style, which makes text too large for the controls.
        page.header.add_child(
            Literal.inside("style", _text("webmap.css")), name="webmap_css"
        )
        page.header.add_child(
            Literal.inside("script", _text("controls.js")), name="webmap"
        )
        page.html.add_child(Literal(f"{self._legend}\n</main>"), name="webmap_legend")

    def _beginning(self) -> str:
        return f'<main>\n<h1 class="webmap-heading">{escaped(self._heading)}</h1>'


class MapControls(folium.LayerControl, Inert):
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
