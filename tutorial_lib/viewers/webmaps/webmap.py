"""`show_map`: layers on a map in the browser, each reprojected to where it lies."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folium
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import Legend, PathLike, opened
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.options import Display, refuse_unknown
from tutorial_lib.viewers.reading import is_path, layer_shape
from tutorial_lib.viewers.webmaps.arguments import (
    check_field,
    check_height,
    check_overlap,
    layer_opacities,
    layer_titles,
)
from tutorial_lib.viewers.webmaps.controls import (
    Dress,
    LayerPanel,
    LegendBox,
    ShapesLayer,
    Swipe,
)
from tutorial_lib.viewers.webmaps.leaflet import OfflineMap
from tutorial_lib.viewers.webmaps.legends import legend_groups
from tutorial_lib.viewers.webmaps.mercator import Bounds, zoom_of
from tutorial_lib.viewers.webmaps.overlays import Overlay, image_url, read_overlay
from tutorial_lib.viewers.webmaps.shapes import PLAIN_COLOR, Shapes, read_shapes
from tutorial_lib.viewers.webmaps.stills import still_map

BASEMAP = "OpenStreetMap"

# Zoom of the finest basemap, and of shapes without a raster.
STREETS = 19
# The smallest pixel grows to so many of the screen, beyond which there is nothing new.
LARGEST_PIXEL = 48
# Of basemaps: beyond, they are blurred too much.
HIGHEST = 24
# Of zoom levels: a quarter lets a scene fill the map.
ZOOM_STEP = 0.25

__all__ = ["WebMap", "show_map"]


class WebMap:
    """A map that displays itself; `show_map` makes it.

    Attributes:
        map: The folium map, to add to; it is drawn anew whenever it is displayed.
        description: What is to be seen, for those who cannot see it.
        height: Of the map in a notebook, px.
    """

    def __init__(
        self,
        layers: Sequence[Overlay | Shapes],
        opacities: Sequence[float],
        *,
        basemap: bool = False,
        side_by_side: bool = False,
        height: int = 480,
    ) -> None:
        self.layers = tuple(layers)
        self.height = height
        self.description = _description(layers)
        self._opacities = tuple(opacities)
        rasters = [layer for layer in layers if isinstance(layer, Overlay)]
        self._sides = tuple(rasters[-2:]) if side_by_side else ()
        self.map = self._build(basemap)

    @property
    def bounds(self) -> list[list[float]]:
        """[[south, west], [north, east]] of all layers, in degrees."""
        return self._bounds.corners

    @property
    def _bounds(self) -> Bounds:
        return Bounds.union([layer.bounds for layer in self.layers])

    def as_figure(self) -> Figure:
        """A still figure of the map, for where no page runs."""
        return self._still().as_figure()

    def _still(self) -> StillFigure:
        return still_map(
            self.layers,
            self._bounds,
            self._opacities,
            sides=self._sides,
            description=self.description,
        )

    def save(self, path: PathLike) -> Path:
        """Write the map as one HTML file that needs nothing else.

        Returns:
            The path of the page.
        """
        path = Path(path)
        path.write_text(self._page(), encoding="utf-8")
        return path

    def _page(self) -> str:
        figure = self.map.get_root()
        figure.title = html.escape(", ".join(layer.title for layer in self.layers))
        return figure.render().replace("<html>", '<html lang="en">', 1)

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What Jupyter displays: the page; where it does not run, the still picture."""
        bundle, about = self._still()._repr_mimebundle_()
        # JupyterLab removes frames from notebooks that it does not trust; the picture
        # behind the frame is then what is left.
        text = html.escape(self.description)
        bundle["text/html"] = (
            f'<div style="position:relative;min-height:{self.height}px">'
            f'<img alt="{text}" style="display:block;max-width:100%;'
            f'max-height:{self.height}px" src="{_small(bundle["image/png"])}">'
            f'<iframe title="Map" srcdoc="{html.escape(self._page())}" '
            'style="position:absolute;inset:0;width:100%;height:100%;border:0" '
            "allowfullscreen></iframe></div>"
        )
        return bundle, about

    def _build(self, basemap: bool) -> OfflineMap:
        # A canvas draws many shapes fast.
        page = OfflineMap(zoom_snap=ZOOM_STEP, prefer_canvas=True)
        if basemap:
            tiles = {"name": BASEMAP, "overlay": True, "max_zoom": HIGHEST}
            folium.TileLayer(BASEMAP, max_native_zoom=STREETS, **tiles).add_to(page)
        drawn = [
            _raster(layer, opacity) if isinstance(layer, Overlay) else _vector(layer)
            for layer, opacity in zip(self.layers, self._opacities, strict=True)
        ]
        for one in drawn:
            one.add_to(page)
        Dress(
            self.description,
            bounds=self.bounds,
            finest=_finest_zoom(self.layers, basemap),
            everywhere=basemap,
        ).add_to(page)
        groups = legend_groups(self.layers)
        if groups:
            LegendBox(groups).add_to(page)
        if self._sides:
            by_layer = dict(zip(map(id, self.layers), drawn, strict=True))
            Swipe(*(by_layer[id(side)] for side in self._sides)).add_to(page)
        LayerPanel().add_to(page)
        return page


def _finest_zoom(layers: Sequence[Overlay | Shapes], basemap: bool) -> float:
    """Zoom at which the smallest pixel of the layers is large enough."""
    sides = [layer.pixel for layer in layers if isinstance(layer, Overlay)]
    zoom = zoom_of(min(sides), LARGEST_PIXEL) if sides else STREETS
    return max(STREETS, zoom) if basemap else zoom // ZOOM_STEP * ZOOM_STEP


def _small(png: str) -> str:
    """The picture of a PNG in base64 as a `data:` address, several times shorter."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    return image_url(np.asarray(picture), exact=False)


def _raster(overlay: Overlay, opacity: float) -> folium.raster_layers.ImageOverlay:
    return folium.raster_layers.ImageOverlay(
        image_url(overlay.picture, exact=overlay.layer.kind == "classes"),
        overlay.bounds.corners,
        pixelated=False,
        name=overlay.title,
        opacity=opacity,
        alt=overlay.description,
        attribution=html.escape(overlay.attribution) or None,
        class_name="webmap-exact" if overlay.layer.kind == "classes" else "",
    )


def _vector(shapes: Shapes) -> ShapesLayer:
    note = f" ({shapes.note})" if shapes.note else ""
    return ShapesLayer(
        shapes.geojson,
        classes=shapes.present,
        color=PLAIN_COLOR,
        name=shapes.title + note,
    )


def _description(layers: Sequence[Overlay | Shapes]) -> str:
    count = len(layers)
    parts = [f"Map of {count} layer{'' if count == 1 else 's'}."]
    return " ".join([*parts, *(layer.description for layer in layers)])


def show_map(  # noqa: PLR0913 - every one is a choice of the user's
    *layers: PathLike | Positions,
    legend: Legend | None = None,
    bands: int | Sequence[int] | None = None,
    titles: str | Sequence[str] | None = None,
    opacity: float | Sequence[float] = 0.8,
    basemap: bool = False,
    side_by_side: bool = False,
    height: int = 480,
    field: str = "class",
    stretch: Sequence[float] = (2, 98),
    value_range: tuple[float, float] | None = None,
    kind: str | None = None,
    nodata: float | None = None,
    **unknown: Any,
) -> WebMap:
    """Lay rasters, polygons and positions on a map that one can move in the browser.

    Each layer is reprojected from its own CRS to web Mercator. The map needs no
    internet. The kind of picture follows from the data, as in `show`; large rasters are
    read at a lower resolution.

    The wheel scrolls the notebook over a map, and zooms with Ctrl held or after a click
    on the map; "Whole" shows all layers again.

    Args:
        layers: Lowest first: rasters, vector files that OGR reads (GeoJSON, GPKG), or
            positions.
        legend: Names and colours of classes; None takes the rasters' own. Vectors take
            the first of them.
        bands: Number of one band, or of those shown as red, green and blue, from 1;
            None takes 1, 2, 3, or 1 where there are fewer. A raster of one band shows
            that one.
        titles: One for each layer; None takes the names of the files.
        opacity: 0 (invisible) to 1, of rasters above another one; or one for each
            raster. It can be changed in the browser.
        basemap: Adds the map of OpenStreetMap, from the internet, below the layers.
        side_by_side: Draws the last raster right of a line that one can move, and the
            one before it left of that line.
        height: Of the map in a notebook, px.
        field: Field of vector files with class numbers, or names of classes.
        stretch: Shares of pixels, in %, below the darkest and the brightest shade.
        value_range: (darkest, brightest) value, instead of `stretch`.
        kind: Draws all rasters as this kind.
        nodata: Value of pixels without data; None takes the rasters' own tag.
        **unknown: Refused, with a list of the known names.

    Returns:
        A map that displays itself; `save(path)` writes it as one page, `as_figure()`
        draws a still figure, `map` is folium's.

    Raises:
        ValueError: If a layer has no CRS or nothing to draw, lies apart from all
            others, a band does not exist, or titles or opacities do not match.
        TypeError: If a layer is an array, or an option is unknown.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> scene = testing.small_scene()
        >>> show_map(scene["input_10m"], bands=(3, 2, 1))
        Map of 1 layer. s2_10m: colour image, 1.68 x 1.2 km.
    """
    refuse_unknown(show_map, unknown)
    check_height(height)
    check_field(field)
    if not layers:
        raise ValueError("There is nothing to show: give a raster or a vector file.")
    rasters = [_is_raster(layer) for layer in layers]
    names = layer_titles(titles, layers)
    opacities = layer_opacities(opacity, rasters, side_by_side=side_by_side)
    display = Display(bands, legend, value_range, kind, stretch, nodata)
    loaded = _load(layers, rasters, names, display, field)
    check_overlap(loaded)
    return WebMap(
        loaded, opacities, basemap=basemap, side_by_side=side_by_side, height=height
    )


def _load(
    layers: Sequence[PathLike | Positions],
    rasters: Sequence[bool],
    names: Sequence[str],
    display: Display,
    field: str,
) -> list[Overlay | Shapes]:
    """Layers as they are drawn; vectors take the first legend that rasters have."""
    loaded = {}
    for i in np.flatnonzero(rasters).tolist():
        bands = _bands(layers[i], display.bands, len(layers))
        options = vars(display) | {"bands": bands}
        loaded[i] = read_overlay(layers[i], names[i], **options)
    legends = [display.legend, *(one.layer.legend for one in loaded.values())]
    legend = next(filter(None, legends), None)
    known = legend
    for i in np.flatnonzero(np.logical_not(rasters)).tolist():
        one = read_shapes(layers[i], names[i], field=field, legend=legend, names=known)
        # A name that the legend lacks has one colour in all layers.
        known = max(known, one.legend, key=lambda own: len(own or ()))
        loaded[i] = one
    return [loaded[i] for i in range(len(layers))]


def _is_raster(layer: Any) -> bool:
    if isinstance(layer, Positions):
        return False
    if not is_path(layer):
        what = "array" if isinstance(layer, np.ndarray) else type(layer).__name__
        raise TypeError(
            f"A layer of type {what} does not say where it lies. Give the path of a "
            "raster or a vector file, or positions; an array can be written with "
            "`write_array`, or drawn with `show`."
        )
    try:
        with opened(layer):
            return True
    except FileNotFoundError as err:
        raise FileNotFoundError(str(err).replace("raster", "layer", 1)) from None
    except OSError:
        return False


def _bands(
    layer: PathLike, bands: int | Sequence[int] | None, count: int
) -> int | Sequence[int] | None:
    # Beside an image, a map has one band and nothing to choose.
    return None if count > 1 and layer_shape(layer)[2] == 1 else bands
