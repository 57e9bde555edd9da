"""`compare`: layers on their common ground, swiped, blinked, or subtracted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from rasterio.windows import Window

from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.comparison.arguments import (
    MODES,
    check_arguments,
    tile_sides,
)
from tutorial_lib.viewers.comparison.details import (
    Detail,
    detail_window,
    read_detail,
)
from tutorial_lib.viewers.comparison.differences import (
    LayerDifference,
    check_family,
    difference,
)
from tutorial_lib.viewers.comparison.encoding import (
    encode_detail,
    encode_layer,
    encode_scene,
)
from tutorial_lib.viewers.comparison.page import MARKUP, MODULE, STYLE, write_page
from tutorial_lib.viewers.comparison.scene import Scene, read_scene
from tutorial_lib.viewers.comparison.stills import difference_figure, difference_text
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.options import Display, refuse_unknown
from tutorial_lib.viewers.pages import checked_page
from tutorial_lib.viewers.panels import draw_layers
from tutorial_lib.viewers.reading import reduction

# Side of the tiles that can be drawn over the layers, in pixels.
DEFAULT_TILE = 64

# Largest height of the picture in a notebook, and the largest one for a window that is
# drawn pixel by pixel, px.
HEIGHT, MOST_HEIGHT = 480, 720

__all__ = ["Comparison", "compare"]


class Comparison(anywidget.AnyWidget):
    """A comparison that displays itself; `compare` makes it.

    What people do in the browser changes the attributes for the next cell, and an
    attribute that is set here changes the picture.

    Attributes:
        mode: "swipe", "blink", "side_by_side" or "difference".
        left: Number of the first layer of the pair that is shown, from 0.
        right: Number of the second one.
        position: Position of the swipe line: 0 at the left border, 1 at the right.
        zoom: 1 shows the whole window.
        center: (row, col) in the middle of the view, in pixels of the first raster.
        tiles: Side of the tiles of each layer, in pixels of the layer.
        tiles_shown: Whether the tiles are drawn over the layers.
        pixel: (row, col) of the pixel that was clicked last; empty before.
        view: (row, col, height, width) of the part that is seen.
    """

    _esm = MODULE
    _css = STYLE

    mode = traitlets.Enum(MODES, "swipe").tag(sync=True)
    left = traitlets.Int(0).tag(sync=True)
    right = traitlets.Int(1).tag(sync=True)
    position = traitlets.Float(0.5, min=0, max=1).tag(sync=True)
    zoom = traitlets.Float(1.0, min=1).tag(sync=True)
    center = traitlets.List(traitlets.Float(), minlen=2, maxlen=2).tag(sync=True)
    tiles = traitlets.List(traitlets.Int(min=1)).tag(sync=True)
    tiles_shown = traitlets.Bool(False).tag(sync=True)
    pixel = traitlets.List(traitlets.Int()).tag(sync=True)
    view = traitlets.List(traitlets.Int(), minlen=4, maxlen=4).tag(sync=True)

    _markup = traitlets.Unicode(MARKUP).tag(sync=True)
    _height = traitlets.Int(480).tag(sync=True)
    _scene = traitlets.Dict().tag(sync=True)
    _layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    # Whether a layer has more pixels than were read, and the finer pixels of the view.
    _finer = traitlets.Bool(False).tag(sync=True)
    _detail = traitlets.Dict().tag(sync=True)

    def __init__(self, scene: Scene, **state: Any) -> None:
        rows, cols = scene.window.rows, scene.window.cols
        self.scene = scene
        self._last_detail: Detail | None = None
        super().__init__(
            center=[rows.start + len(rows) / 2, cols.start + len(cols) / 2],
            view=[rows.start, cols.start, len(rows), len(cols)],
            _scene=encode_scene(scene),
            _layers=[encode_layer(scene, *item) for item in enumerate(scene.layers)],
            _finer=reduction(*scene.window.shape) > 1,
            **state,
        )

    @traitlets.validate("left", "right")
    def _check_layer(self, proposal: Any) -> int:
        count = len(self.scene.layers)
        if not 0 <= proposal["value"] < count:
            raise traitlets.TraitError(
                f"There is no layer {proposal['value']}: {count} layers are numbered "
                f"from 0 to {count - 1}."
            )
        return proposal["value"]

    @traitlets.validate("tiles")
    def _check_tiles(self, proposal: Any) -> list[int]:
        try:
            return tile_sides(proposal["value"], len(self.scene.layers))
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.observe("view", "left", "right")
    def _read_view(self, change: Any) -> None:
        """Read the view of large layers again, if that shows more pixels."""
        window = detail_window(self.scene.window, self.view)
        if window is None:
            return
        step = reduction(*window.shape)
        if self._last_detail and self._last_detail.covers(self.view, self.pair, step):
            return
        self._last_detail = read_detail(self.scene, window, self.pair)
        self._detail = encode_detail(self.scene, self._last_detail)

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of all layers."""
        return self.scene.titles

    @property
    def window(self) -> Window:
        """The part that is seen, for `show`, `compare` and `read_array`."""
        row, col, height, width = self.view
        return Window(col, row, width, height)

    @property
    def pair(self) -> tuple[int, int]:
        """Numbers of the two layers that are shown."""
        return self.left, self.right

    def difference(self) -> LayerDifference:
        """The difference of the right layer from the left one, in the pixels read.

        Raises:
            ValueError: If the layers are of different kinds.
        """
        return difference(*(self.scene.layers[number] for number in self.pair))

    def still(self) -> StillFigure:
        """The pair side by side, or its difference, as a figure with a description."""
        layers = [self.scene.layers[number] for number in self.pair]
        titles = [self.titles[number] for number in self.pair]
        if self.mode != "difference":
            return draw_layers(layers, titles)
        found = self.difference()
        still = difference_figure(found, layers[0], difference_text(found, *titles))
        still.as_figure().inputs = self.scene.files
        return still

    def as_figure(self) -> Figure:
        """The pair side by side, or its difference, as a matplotlib figure."""
        return self.still().as_figure()

    def to_html(self, path: PathLike) -> Path:
        """Write a page that works without a kernel and without the internet.

        The page opens in the state that the widget has now. Modes, layers, zoom and
        values work in it; finer pixels of large layers need a kernel.

        Raises:
            ValueError: If the path does not end in .html, or is one of the layers.
            OSError: If it cannot be written; an older page is kept.
        """
        path = checked_page(path, self.scene.files)
        own = Comparison.class_own_traits(sync=True)
        state = {name: getattr(self, name) for name in own} | {"_detail": {}}
        return write_page(path, " / ".join(self.titles), state)

    def __repr__(self) -> str:
        height, width = self.scene.window.shape
        return f"Comparison of {', '.join(self.titles)}: {height} x {width} px."

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and a picture for programs that show no widgets."""
        bundle, metadata = super()._repr_mimebundle_(**kwargs)
        picture, about = self.still()._repr_mimebundle_()
        return picture | bundle, about | metadata


def compare(  # noqa: PLR0913 - every one is a choice of the user's
    *layers: PathLike | np.ndarray,
    bands: int | Sequence[int | Sequence[int] | None] | None = None,
    legend: Legend | None = None,
    titles: Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
    kind: str | None = None,
    stretch: Sequence[float] = (2, 98),
    nodata: float | None = None,
    mode: str = "swipe",
    tile: int | Sequence[int] | None = None,
    window: Window | None = None,
    height: int | None = None,
    **unknown: Any,
) -> Comparison:
    """Compare rasters or arrays on the ground that they share.

    In the browser: swipe, blink, side by side or difference, with zoom, values below
    the pointer, and tiles. The kind of picture follows from the data, as in `show`,
    except that a probability is drawn in grey, from 0 to 1. Layers of one kind have
    common limits, so equal values look equal. Rasters with more pixels than a screen
    are subsampled, never averaged, and read through their overviews; zooming in reads
    all pixels of the view. Limits and shares are computed from the whole.

    Args:
        layers: Two or more rasters or arrays (height, width[, channel]). Rasters are
            placed by their coordinates; an array covers either the first raster or the
            ground that all rasters share, whichever has its shape.
        bands: Number of one band, or of those shown as red, green and blue, from 1;
            None takes 1, 2, 3, or 1 where there are fewer. A layer of one band shows
            that one. For layers that differ, a list of these, one for each:
            `bands=[(3, 2, 1), 4]`.
        legend: Names and colours of classes; None takes the rasters' own.
        titles: One for each layer; None takes the names of the files.
        value_range: (darkest, brightest) value, instead of `stretch`.
        kind: Draws all layers as this kind.
        stretch: Percentages of pixels below the darkest and the brightest shade.
        nodata: Value of pixels without data, as in `show`.
        mode: "swipe", "blink" (one change a second), "side_by_side" or "difference".
        tile: Side of the tiles that can be drawn over the layers, in their pixels: one
            for all, or one for each layer. A switch in the browser, or `tiles_shown`,
            shows them; a difference shows the tiles of the first layer.
        window: Part to compare, in pixels of the first raster.
        height: Largest height of the picture on the screen, px. None takes 480, or up
            to 720 if that gives each pixel of the window one of the screen. Where there
            is room, each pixel has a whole number of them, so that seams of one pixel
            show.
        **unknown: Options that do not exist raise an error that lists the options.

    Returns:
        A widget that displays itself. Its `mode`, `left`, `right`, `position`, `zoom`,
        `center`, `window` and `pixel` hold what was chosen in the browser.
        `as_figure()` and `to_html(path)` are for places without a kernel.

    Raises:
        TypeError: If an option is unknown, or a layer is neither raster nor array.
        ValueError: If an option is wrong, there are fewer than two layers, they share
            no ground or are in different CRS, a band does not exist, or a layer has no
            data.
        OSError: If there is no such file, or it is damaged.

    Example:
        >>> from tutorial_lib import testing
        >>> scene = testing.small_scene()
        >>> compare(scene["input_10m"], scene["input_20m"], bands=(3, 2, 1))
        Comparison of s2_10m, s2_20m: 120 x 168 px.
    """
    refuse_unknown(compare, unknown)
    check_arguments(layers, mode, HEIGHT if height is None else height)
    tiles = tile_sides(DEFAULT_TILE if tile is None else tile, len(layers))
    display = Display(bands, legend, value_range, kind, stretch, nodata)
    scene = read_scene(layers, display=display, titles=titles, window=window)
    if mode == "difference":
        check_family(*scene.layers[:2])
    if height is None:
        rows, _ = scene.shape
        height = rows if HEIGHT < rows <= MOST_HEIGHT else HEIGHT
    return Comparison(scene, mode=mode, tiles=tiles, _height=int(height))
