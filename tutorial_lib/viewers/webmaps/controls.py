"""The kit's own elements of a folium map; controls.js says what they do."""

from collections.abc import Mapping, Sequence
from typing import Any

import folium
from branca.element import MacroElement
from folium.map import Layer
from folium.template import Template

__all__ = ["Dress", "LayerPanel", "LegendBox", "ShapesLayer", "Swipe"]


class ShapesLayer(Layer):
    """Shapes with classes.

    Args:
        geojson: Features whose one property is "class", a number or None.
        classes: (name, colour) of each class number.
        color: Of shapes without a class.
        name: In the layer control.
    """

    _template = Template("""
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = webmap.shapes(
                {{ this.geojson|tojson }}, {{ this.classes|tojson }},
                {{ this.color|tojson }});
        {% endmacro %}
    """)

    def __init__(
        self,
        geojson: Mapping[str, Any],
        *,
        classes: Mapping[int, tuple[str, str]],
        color: str,
        name: str,
    ) -> None:
        super().__init__(name=name, overlay=True)
        self._name = "ShapesLayer"
        self.geojson, self.classes, self.color = geojson, dict(classes), color


class LayerPanel(folium.LayerControl):
    """Leaflet's layer control, with a slider of opacity below each raster."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            webmap.panel({{ this._parent.get_name() }}, [
                {%- for key, value in this.base_layers.items() %}
                [{{ key|tojson }}, {{ value }}],{% endfor %}
                {%- for key, value in this.overlays.items() %}
                [{{ key|tojson }}, {{ value }}],{% endfor %}
            ]);
        {% endmacro %}
    """)


class Swipe(MacroElement):
    """A line with one raster on its left and another one on its right."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            webmap.swipe({{ this._parent.get_name() }}, {{ this.left.get_name() }},
                {{ this.right.get_name() }}, {{ this.names|tojson }});
        {% endmacro %}
    """)

    def __init__(self, left: Layer, right: Layer) -> None:
        super().__init__()
        self._name = "Swipe"
        self.left, self.right = left, right
        self.names = [left.layer_name, right.layer_name]


class LegendBox(MacroElement):
    """Classes and scales, in a box that can be closed."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            webmap.legend({{ this._parent.get_name() }}, {{ this.groups|tojson }});
        {% endmacro %}
    """)

    def __init__(self, groups: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self._name = "LegendBox"
        self.groups = list(groups)


class Dress(MacroElement):
    """What every map has: a scale, a button that shows all, and a description.

    Args:
        description: What is to be seen, for those who cannot see it.
        bounds: [[south, west], [north, east]] that is shown, in degrees.
        finest: Zoom that shows the smallest pixels well.
        everywhere: Let the reader zoom out as far as the world, not a step beyond
            `bounds`.
    """

    _template = Template("""
        {% macro script(this, kwargs) %}
            webmap.dress({{ this._parent.get_name() }}, {{ this.description|tojson }},
                {{ this.view|tojson }});
        {% endmacro %}
    """)

    def __init__(
        self,
        description: str,
        *,
        bounds: list[list[float]],
        finest: float,
        everywhere: bool,
    ) -> None:
        super().__init__()
        self._name = "Dress"
        self.description = description
        self.view = {"bounds": bounds, "finest": finest, "everywhere": everywhere}
