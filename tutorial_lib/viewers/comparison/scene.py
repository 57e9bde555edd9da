"""The layers that are compared: read on one window, drawn with common colours."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.comparison.common_window import (
    CommonWindow,
    find_common_window,
)
from tutorial_lib.viewers.comparison.reading import read_common
from tutorial_lib.viewers.layers import Layer, choose_kind, choose_limits, class_map
from tutorial_lib.viewers.options import Display, checked_titles, chosen_bands
from tutorial_lib.viewers.reading import (
    OpenLayer,
    Preview,
    is_path,
    open_layer,
    reduced,
)

__all__ = ["Scene", "read_scene"]


@dataclass(frozen=True)
class Scene:
    """Layers with the same pixels.

    Attributes:
        layers: Ready to be drawn; all of the same height and width.
        titles: One for each layer.
        window: The ground that the layers share.
        notes: Sentences on pixels that are not shown, or shown several times.
        sources: The rasters or arrays that were given.
        nodata: The no-data value that was given; None for the rasters' own.
    """

    layers: tuple[Layer, ...]
    titles: tuple[str, ...]
    window: CommonWindow
    notes: tuple[str, ...]
    sources: tuple[PathLike | np.ndarray, ...]
    nodata: float | None

    @property
    def files(self) -> tuple[str, ...]:
        """All files that the layers are read from."""
        return tuple(file for layer in self.layers for file in layer.preview.files)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the layers as they were read."""
        return self.layers[0].valid.shape


def read_scene(
    layers: Sequence[PathLike | np.ndarray],
    *,
    display: Display,
    titles: Sequence[str] | None = None,
    window: Window | None = None,
) -> Scene:
    """Read layers on their common window; see `compare` for the arguments."""
    given = checked_titles(titles, len(layers))
    choices = _bands_of_each(display.bands, len(layers))
    with ExitStack() as stack:
        sources = [
            stack.enter_context(open_layer(layer, f"layer {number}"))
            for number, layer in enumerate(layers, start=1)
        ]
        common = find_common_window(sources, window)
        previews = [
            _read(source, common, number, choices[number], display)
            for number, source in enumerate(sources)
        ]
        grid = next(filter(None, (source.axes_grid for source in sources)), None)
    previews = [replace(preview, grid=grid) for preview in previews]
    shown = tuple(given or _titles(layers))
    return Scene(
        _drawn_alike(previews, display),
        shown,
        common,
        _notes(common, shown),
        tuple(layers),
        display.nodata,
    )


def _bands_of_each(bands: Any, count: int) -> list[Any]:
    """The bands of each layer: one choice for all, or a list of choices."""
    is_list = isinstance(bands, Sequence) and not isinstance(bands, str)
    if not is_list or all(isinstance(band, int | np.integer) for band in bands):
        return [bands] * count
    if len(bands) != count:
        raise ValueError(
            f"`bands` has {len(bands)} entries for {count} layers. Give one for each "
            "layer, or one choice for all."
        )
    return list(bands)


def _read(
    source: OpenLayer, common: CommonWindow, number: int, bands: Any, display: Display
) -> Preview:
    """Read a layer on the common window; raise ValueError if it has no data there."""
    bands = chosen_bands(
        source.name, source.band_count, bands, display.kind, alone=False
    )
    preview = read_common(
        source, common.axes[number], common, bands=bands, nodata=display.nodata
    )
    if not preview.valid.any():
        raise ValueError(
            f"{source.name} (band {', '.join(map(str, bands))}) has no data in the "
            f"common window: all of its {preview.valid.size} pixels there are NaN or "
            "no-data. Choose another band or another `window`, or give the no-data "
            "value: `nodata=…`."
        )
    return preview


def _drawn_alike(previews: Sequence[Preview], display: Display) -> tuple[Layer, ...]:
    """Choose kinds, legends and limits so that equal values look equal."""
    legends = [display.legend, *(preview.legend for preview in previews)]
    common_legend = next(filter(None, legends), None)
    layers, values = [], {}
    for preview in previews:
        pixels = preview.pixels[preview.valid]
        legend = display.legend or preview.legend
        kind = display.kind or choose_kind(pixels, preview.band_count, legend)
        if kind == "classes":
            legend = legend or common_legend
            layers.append(Layer(class_map(preview, legend), kind, legend, None))
        else:
            layers.append(Layer(preview, kind, None, None))
        values.setdefault(_stretch_group(layers[-1]), []).append(pixels)
    limits = {
        group: choose_limits(np.concatenate(pixels), group[0], display)
        for group, pixels in values.items()
    }
    layers = [replace(layer, limits=limits[_stretch_group(layer)]) for layer in layers]
    # A probability is drawn in grey, where differences between two pictures show best.
    return tuple(
        replace(layer, kind="grey")
        if layer.kind == "probability" and display.kind is None
        else layer
        for layer in layers
    )


def _stretch_group(layer: Layer) -> tuple:
    """Layers with an equal group show the same bands and have common limits."""
    return layer.kind, layer.preview.bands, layer.preview.band_count


def _titles(layers: Sequence[PathLike | np.ndarray]) -> list[str]:
    """Names of the files, with their folders where two names are equal."""
    stems = [Path(layer).stem for layer in layers if is_path(layer)]
    titles = []
    for number, layer in enumerate(layers, start=1):
        if not is_path(layer):
            titles.append(f"layer {number}")
            continue
        path = Path(layer)
        # Maps of several runs often have one name, in folders of their own.
        ambiguous = stems.count(path.stem) > 1 and path.parent.name
        titles.append(f"{path.parent.name}/{path.stem}" if ambiguous else path.stem)
    return titles


def _notes(common: CommonWindow, titles: Sequence[str]) -> tuple[str, ...]:
    notes = []
    (height, width), (rows, cols) = common.shape, reduced(*common.shape)
    if (height, width) != (rows, cols):
        notes.append(
            f"Of the whole, {rows} x {cols} of {height} x {width} pixels are shown, "
            "not averaged."
        )
    for title, axes in zip(titles, common.axes, strict=True):
        spacing = axes[0].spacing
        if spacing != 1:
            notes.append(
                f"A pixel of '{title}' is {float(spacing):g} times as long as a pixel "
                "of the first raster; each place shows the pixel that it lies in."
            )
    return tuple(notes)
