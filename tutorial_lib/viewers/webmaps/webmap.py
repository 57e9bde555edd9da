"""`show_map`: rasters and vectors on a map in the browser, each at its place."""

import base64
import io
from collections.abc import Sequence
from contextlib import ExitStack
from math import log2, pi
from pathlib import Path
from typing import Any

import folium
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tutorial_lib import arguments
from tutorial_lib.display import counted, escaped
from tutorial_lib.kinds import kind_of
from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.rasters.causes import current_folder
from tutorial_lib.rasters.files import write_text
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.options import Display, refuse_unknown
from tutorial_lib.viewers.pages import checked_page
from tutorial_lib.viewers.reading import is_path, open_layer
from tutorial_lib.viewers.webmaps.arguments import check_overlap, layer_titles
from tutorial_lib.viewers.webmaps.leaflet import (
    MapControls,
    OfflineMap,
    RasterLayer,
    VectorLayer,
)
from tutorial_lib.viewers.webmaps.legends import legend_html
from tutorial_lib.viewers.webmaps.mercator import RADIUS, Bounds
from tutorial_lib.viewers.webmaps.overlays import Overlay, image_url, read_overlay
from tutorial_lib.viewers.webmaps.shapes import COLOR, Shapes, read_shapes
from tutorial_lib.viewers.webmaps.stills import still_map

BASEMAP = "OpenStreetMap"

# Finest zoom of the basemap's tiles, and of a map that has vectors only.
STREETS = 19
# Finest zoom at which the basemap is drawn. Beyond, its tiles are too blurred.
HIGHEST = 24
# At the finest zoom, the smallest pixel of the layers covers this many screen pixels.
LARGEST_PIXEL = 48
# Step between zoom levels: a quarter lets a scene fill the map.
ZOOM_STEP = 0.25

# A lower map, in px, has no room for the controls.
LEAST_HEIGHT = 100

__all__ = ["WebMap", "show_map"]


class WebMap:
    """A map that displays itself; `show_map` makes it.

    Attributes:
        layers: The layers of the map, lowest first.
        map: The folium map. What you add to it appears at the next display.
        description: Text for screen readers.
        height: Height of the map in a notebook, in px.
    """

    def __init__(
        self,
        layers: Sequence[Overlay | Shapes],
        *,
        basemap: bool = False,
        height: int = 480,
    ) -> None:
        self.layers = tuple(layers)
        self.height = height
        parts = [f"Map of {counted(len(layers), 'layer')}."]
        parts += [layer.description for layer in layers]
        self.description = " ".join(parts)
        self._title = f"Map of {', '.join(layer.title for layer in layers)}"
        self._bounds = Bounds.union([layer.bounds for layer in layers])
        self.map = self._build(basemap)

    @property
    def bounds(self) -> list[list[float]]:
        """[[south, west], [north, east]] of all layers, in degrees."""
        return self._bounds.corners

    def as_figure(self) -> Figure:
        """The map as a still figure, for paper and for pages without JavaScript."""
        return self._still().as_figure()

    @property
    def _files(self) -> list[str]:
        return [file for layer in self.layers for file in layer.files]

    def _still(self) -> StillFigure:
        still = still_map(self.layers, self._bounds, self.description)
        still.as_figure().inputs = tuple(self._files)
        return still

    def save(self, path: PathLike) -> Path:
        """Write the map as one HTML file that needs no other file.

        Returns:
            The path of the page.

        Raises:
            ValueError: If the path does not end in .html, or is one of the layers.
            OSError: If it cannot be written; an older page is kept.
        """
        path = checked_page(path, self._files)
        return write_text(path, self._page())

    def _page(self) -> str:
        figure = self.map.get_root()
        figure.title = escaped(", ".join(layer.title for layer in self.layers))
        return figure.render().replace("<html>", '<html lang="en">', 1)

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What Jupyter displays: the page, and the still picture where none runs."""
        bundle, about = self._still()._repr_mimebundle_()
        # JupyterLab removes frames from notebooks that it does not trust. What is left
        # is the picture behind the frame.
        text = escaped(self.description)
        bundle["text/html"] = (
            f'<div style="position:relative;min-height:{self.height}px">'
            f'<img alt="{text}" style="display:block;max-width:100%;'
            f'max-height:{self.height}px" src="{_small(bundle["image/png"])}">'
            f'<iframe class="kit-map" title="{escaped(self._title)}" '
            f'srcdoc="{escaped(self._page())}" '
            'style="position:absolute;inset:0;width:100%;height:100%;border:0" '
            "allowfullscreen></iframe></div>"
        )
        return bundle, about

    def _build(self, basemap: bool) -> OfflineMap:
        """The folium map of the layers and its controls."""
        # A canvas draws many shapes faster than SVG does.
        page = OfflineMap(
            zoom_snap=ZOOM_STEP,
            prefer_canvas=True,
            heading=self._title,
            legend=legend_html(self.layers),
        )
        if basemap:
            tiles = {"name": BASEMAP, "overlay": True, "max_zoom": HIGHEST}
            folium.TileLayer(BASEMAP, max_native_zoom=STREETS, **tiles).add_to(page)
        for layer in self.layers:
            draw = _draw_raster if isinstance(layer, Overlay) else _draw_vector
            draw(layer).add_to(page)
        MapControls(
            description=self.description,
            bounds=self.bounds,
            finest=_finest_zoom(self.layers, basemap),
            everywhere=basemap,
        ).add_to(page)
        return page


def _finest_zoom(layers: Sequence[Overlay | Shapes], basemap: bool) -> float:
    """Zoom at which the smallest pixel of the layers is large enough."""
    sides = [layer.pixel_side for layer in layers if isinstance(layer, Overlay)]
    if not sides:
        return STREETS
    # At zoom 0 the world is 256 pixels wide, and each level doubles them.
    zoom = log2(2 * pi * RADIUS / 256 * LARGEST_PIXEL / min(sides))
    return max(STREETS, zoom) if basemap else zoom // ZOOM_STEP * ZOOM_STEP


def _small(png: str) -> str:
    """A PNG in base64 as a `data:` address of WebP, which is several times shorter."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    return image_url(np.asarray(picture), exact=False)


def _draw_raster(overlay: Overlay) -> RasterLayer:
    return RasterLayer(
        image_url(overlay.picture, exact=overlay.is_classes),
        overlay.bounds.corners,
        pixelated=False,
        name=overlay.title,
        opacity=overlay.opacity,
        alt=overlay.description,
        attribution=escaped(overlay.attribution) or None,
        class_name="webmap-exact" if overlay.is_classes else "",
    )


def _draw_vector(shapes: Shapes) -> VectorLayer:
    area = {"color": COLOR, "weight": 2.5, "fillColor": COLOR, "fillOpacity": 0.35}
    dot = {"color": "#fff", "weight": 1.5, "fillColor": COLOR, "fillOpacity": 1}
    return VectorLayer(
        shapes.geojson,
        name=f"{shapes.title} ({shapes.note})" if shapes.note else shapes.title,
        style_function=lambda shape: (
            dot if "Point" in shape["geometry"]["type"] else area
        ),
        marker=folium.CircleMarker(radius=5, fill=True),
    )


def show_map(  # noqa: PLR0913 - every one is a choice of the user's
    *layers: PathLike | Positions,
    legend: Legend | None = None,
    bands: int | Sequence[int] | None = None,
    titles: str | Sequence[str] | None = None,
    opacity: float = 0.8,
    basemap: bool = False,
    height: int = 480,
    stretch: Sequence[float] = (2, 98),
    value_range: tuple[float, float] | None = None,
    kind: str | None = None,
    nodata: float | None = None,
    **unknown: Any,
) -> WebMap:
    """Show rasters, polygons and positions on a map that moves in the browser.

    Each layer is reprojected from its own CRS to web Mercator. The map needs no
    internet. How a raster is drawn follows from its data, as in `show`. Large rasters
    are read at a lower resolution. All vectors are drawn in one colour.

    Over the map, the wheel scrolls the notebook. It zooms with Ctrl held, or after a
    click on the map. The button "Whole" shows all layers again.

    Args:
        layers: Lowest first: rasters, vector files that OGR reads (GeoJSON, GPKG), or
            positions.
        legend: Names and colours of the classes; None for the rasters' own.
        bands: Number of one band, or of those shown as red, green and blue, from 1.
            None shows bands 1, 2 and 3, or band 1 where there are fewer. A raster of
            one band beside others always shows that band.
        titles: One name for each layer; None for the names of the files.
        opacity: From 0 (invisible) to 1, for all rasters except the lowest. The reader
            can change each on the map.
        basemap: Whether to draw OpenStreetMap below the layers. It needs the internet.
        height: Height of the map in a notebook, in px.
        stretch: Percentages of pixels that are darker than the darkest and the
            brightest shade.
        value_range: (darkest, brightest) value, instead of `stretch`.
        kind: How all rasters are drawn: "rgb", "classes", "grey" or "probability".
        nodata: Value of pixels without data, as in `show`.
        unknown: Any other option is an error that lists the known ones.

    Returns:
        A map that displays itself. `save(path)` writes it as one page, `as_figure()`
        draws a still figure, `map` is the folium map.

    Raises:
        ValueError: If a layer has no CRS or nothing to draw, if it touches no other
            layer, if a band does not exist, or if titles or opacities do not match.
        TypeError: If a layer is an array, or an option is unknown.
        OSError: If there is no such file, or it is damaged.

    Example:
        >>> from tutorial_lib import testing
        >>> scene = testing.small_scene()
        >>> show_map(scene["input_10m"], bands=(3, 2, 1))
        Map of 1 layer. s2_10m: colour image, 1.68 x 1.2 km.
    """
    refuse_unknown(show_map, unknown)
    height = arguments.whole_number("height", height, least=LEAST_HEIGHT)
    opacity = arguments.number("opacity", opacity, least=0, most=1)
    basemap = arguments.flag("basemap", basemap)
    display = Display(bands, legend, value_range, kind, stretch, nodata)
    if not layers:
        raise ValueError("There is nothing to show: give a raster or a vector file.")
    loaded: list[Overlay | Shapes] = []
    for layer, title in zip(layers, layer_titles(titles, layers), strict=True):
        # Nothing lies below the lowest raster that could shine through.
        is_lowest = not any(isinstance(one, Overlay) for one in loaded)
        options = {"opacity": 1 if is_lowest else opacity, "alone": len(layers) == 1}
        loaded.append(_read_layer(layer, title, display, **options))
    check_overlap(loaded)
    return WebMap(loaded, basemap=basemap, height=height)


def _read_layer(
    layer: PathLike | Positions, title: str, display: Display, **options: Any
) -> Overlay | Shapes:
    """Read a raster, a vector file or positions; `options` are of `read_overlay`."""
    if isinstance(layer, Positions):
        return read_shapes(layer, title)
    if not is_path(layer):
        raise TypeError(
            f"A layer that is {kind_of(layer)} does not say where it lies. Give "
            "the path of a raster or a vector file, or positions. Write an array "
            "with `write_array`, or draw it with `show`."
        )
    with ExitStack() as stack:
        try:
            raster = stack.enter_context(open_layer(layer))
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no raster or vector file at '{layer}'. Check the path (the "
                f"current folder {current_folder()})."
            ) from None
        except OSError as err:  # not a raster
            try:
                return read_shapes(layer, title)
            except OSError:
                # A folder, or a container of several rasters.
                if "is not a raster" not in str(err):
                    raise err from None
                raise
        return read_overlay(raster, title, display, **options)
