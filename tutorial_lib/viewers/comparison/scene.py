"""What is compared: layers with the same pixels, and how they are drawn."""

from collections.abc import Sequence
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
from tutorial_lib.viewers.comparison.reading import placed, read_layer, reduced
from tutorial_lib.viewers.layers import Layer, choose_kind, choose_limits
from tutorial_lib.viewers.options import Display, checked_titles
from tutorial_lib.viewers.reading import (
    Preview,
    chosen_bands,
    is_path,
    layer_grid,
    layer_shape,
)

__all__ = ["Scene", "read_scene", "valid_pixels"]


@dataclass(frozen=True)
class Scene:
    """Layers with the same pixels.

    Attributes:
        layers: Ready to be drawn; all of the same height and width.
        titles: One for each.
        window: The ground that they share.
        notes: What a reader should know about the pixels that are not shown.
        sources: What was given as layers: rasters or arrays.
        nodata: No-data value that was given; None for the rasters' own.
    """

    layers: tuple[Layer, ...]
    titles: tuple[str, ...]
    window: CommonWindow
    notes: tuple[str, ...]
    sources: tuple[PathLike | np.ndarray, ...]
    nodata: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what was read."""
        return self.layers[0].valid.shape


def read_scene(
    layers: Sequence[PathLike | np.ndarray],
    *,
    display: Display,
    titles: Sequence[str] | None = None,
    window: Window | None = None,
) -> Scene:
    """Read layers on their common window; see `compare` for the arguments."""
    names = [
        str(layer) if is_path(layer) else f"layer {number}"
        for number, layer in enumerate(layers, start=1)
    ]
    shapes = [layer_shape(layer) for layer in layers]
    bands = [
        _bands(name, shape[2], wanted, display.kind)
        for name, shape, wanted in zip(
            names, shapes, _each(display.bands, len(layers)), strict=True
        )
    ]
    common = find_common_window(
        names, [s[:2] for s in shapes], [placed(x) for x in layers], window=window
    )
    ground = next((g for g in map(layer_grid, layers) if g is not None), None)
    previews = [
        replace(
            read_layer(
                layer,
                axes,
                common,
                bands=chosen,
                band_count=shape[2],
                nodata=display.nodata,
            ),
            grid=ground,
        )
        for layer, axes, chosen, shape in zip(
            layers, common.axes, bands, shapes, strict=True
        )
    ]
    drawn = _draw(previews, names, display)
    shown = _titles(titles, layers, previews)
    notes = _notes(common, shown)
    return Scene(drawn, shown, common, notes, tuple(layers), display.nodata)


def valid_pixels(preview: Preview) -> np.ndarray:
    """Mask (height, width) of the pixels with data that can be drawn."""
    return ~preview.empty & np.isfinite(preview.pixels).all(axis=-1)


def _each(bands: Any, count: int) -> list[Any]:
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


def _bands(name: str, count: int, wanted: Any, kind: str | None) -> tuple[int, ...]:
    # Beside an image, a map has one band and nothing to choose.
    wanted = None if count == 1 else wanted
    color = None if kind is None else kind == "rgb"
    return chosen_bands(f"'{name}'", count, wanted, color)


def _draw(
    previews: Sequence[Preview], names: Sequence[str], display: Display
) -> tuple[Layer, ...]:
    """Decide on kind, legend and limits: equal values look equal in all layers."""
    valid = [valid_pixels(preview) for preview in previews]
    for name, preview, mask in zip(names, previews, valid, strict=True):
        _check_data(name, preview, mask)
    legends = [preview.legend for preview in previews]
    common = display.legend or next((one for one in legends if one), None)
    drawn = []
    for preview, mask in zip(previews, valid, strict=True):
        legend = display.legend or preview.legend
        kind = display.kind or choose_kind(
            preview.pixels[mask], preview.band_count, legend
        )
        chosen = (legend or common) if kind == "classes" else None
        drawn.append(Layer(preview, mask, kind, chosen, None))
    limits = {
        key: _limits(key, drawn, display) for key in {_likeness(x) for x in drawn}
    }
    return tuple(
        # One class's probability is grey here: blinking and swiping show it best.
        replace(
            layer,
            limits=limits[_likeness(layer)],
            kind="grey"
            if layer.kind == "probability" and display.kind is None
            else layer.kind,
        )
        for layer in drawn
    )


def _check_data(name: str, preview: Preview, valid: np.ndarray) -> None:
    if not valid.any():
        numbers = ", ".join(map(str, preview.bands))
        raise ValueError(
            f"'{name}' (band {numbers}) has no data in the common window: all of its "
            f"{valid.size} pixels there are NaN or no-data. Choose another band or "
            "another `window`, or say what is no-data: `nodata=…`."
        )


def _likeness(layer: Layer) -> tuple:
    """Layers of which this is equal have common limits."""
    return layer.kind, layer.preview.bands, layer.preview.band_count


def _limits(likeness: tuple, layers: Sequence[Layer], display: Display) -> Any:
    alike = [layer for layer in layers if _likeness(layer) == likeness]
    if alike[0].kind == "classes":
        return None
    pixels = np.concatenate([layer.preview.pixels[layer.valid] for layer in alike])
    counted = np.ones(len(pixels), bool)
    return choose_limits(
        pixels, counted, alike[0].kind, display.stretch, display.value_range
    )


def _titles(
    titles: Sequence[str] | None,
    layers: Sequence[PathLike | np.ndarray],
    previews: Sequence[Preview],
) -> tuple[str, ...]:
    given = checked_titles(titles, len(layers))
    if given is not None:
        return tuple(given)
    stems = [preview.name for preview in previews]
    return tuple(
        _title(layer, number, stems) for number, layer in enumerate(layers, start=1)
    )


def _title(layer: PathLike | np.ndarray, number: int, stems: Sequence[str]) -> str:
    if not is_path(layer):
        return f"layer {number}"
    path = Path(layer)
    # Maps of several runs often have one name, in folders of their own.
    same = stems.count(path.stem) > 1 and path.parent.name
    return f"{path.parent.name}/{path.stem}" if same else path.stem


def _notes(common: CommonWindow, titles: Sequence[str]) -> tuple[str, ...]:
    notes = []
    (height, width), (rows, cols) = common.shape, reduced(*common.shape)
    if (height, width) != (rows, cols):
        notes.append(
            f"Of the whole, {rows} x {cols} of {height} x {width} pixels are shown, "
            "unmixed."
        )
    for title, axes in zip(titles, common.axes, strict=True):
        spacing = axes[0].spacing
        if spacing != 1:
            notes.append(
                f"A pixel of {title} is {float(spacing):g} times as long as one of "
                "the first raster; each place shows the pixel that it lies in."
            )
    return tuple(notes)
