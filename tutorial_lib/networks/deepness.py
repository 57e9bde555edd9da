"""What the QGIS plugin Deepness needs of an ONNX file, and reads from its metadata.

The plugin runs a network on square tiles of one size, which overlap by a whole number
of per cent of their side. It keeps the middle of each one. What is said of it here
comes from its code: `processing_overlap`, `tile_params`, `model_base` and
`deepness_dockwidget` of PUTvision's repository qgis-plugin-deepness.
"""

import json
from dataclasses import dataclass
from typing import Any

import keras

from tutorial_lib.fields.analysis import FieldAnalysis, Margins
from tutorial_lib.fields.checks import check_output
from tutorial_lib.networks.onnx_metadata import Described

# Side of a tile, at least. The overlap is at most half of a tile.
SMALLEST_TILE = 512
LARGEST_PERCENT = 50
# The plugin divides all pixel values by it, and then standardises them.
DIVISOR = 255

Pads = tuple[tuple[int, int], tuple[int, int]]

__all__ = ["TileForm", "overlap_px", "tile_form"]


@dataclass(frozen=True)
class TileForm:
    """The tiles of a file for Deepness.

    Attributes:
        side: Side of the tiles in pixels, a multiple of the total stride.
        percent: How much of it they overlap.
        channels: Channels of the input.
        classes: Channels of the output.
        pads: Pixels before and after the rows, and the columns, of the output: the
            plugin wants outputs of the size of a tile.
        margins: (left, top, right, bottom) of the output with its pads.
    """

    side: int
    percent: int
    channels: int
    classes: int
    pads: Pads
    margins: Margins

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """(batch, height, width, channel) of the one image that the file takes."""
        return 1, self.side, self.side, self.channels

    def metadata(self, known: Described) -> dict[str, str]:
        """The keys that the plugin reads, as JSON.

        Its documentation says `tiles_size`, and its code reads `tile_size`.

        Raises:
            ValueError: If the output has not one channel for each class.
        """
        if known.class_names and len(known.class_names) != self.classes:
            raise ValueError(
                f"`class_names` has {len(known.class_names)} names, and the output for "
                f"Deepness has {self.classes} channels. Give one name for each."
            )
        found: dict[str, Any] = {
            "model_type": "Segmentor" if known.class_names else "Regressor",
            "tile_size": self.side,
            "tiles_size": self.side,
            "tiles_overlap": self.percent,
            # The network scales the values itself, so the plugin's division is undone.
            "standardization_mean": [0.0] * self.channels,
            "standardization_std": [1 / DIVISOR] * self.channels,
            # The most probable class wins, and no small area is removed.
            "seg_thresh": 0.0,
            "seg_small_segment": 0,
            "reg_output_scaling": 1.0,
        }
        if known.pixel_size_m is not None:
            found["resolution"] = 100 * known.pixel_size_m
        return {key: json.dumps(value) for key, value in found.items()}


def tile_form(
    model: keras.Model, analysis: FieldAnalysis | None, output: str
) -> TileForm:
    """The tiles with which Deepness maps an output without seams.

    Raises:
        ValueError: If the plugin cannot run the network, or no overlap is enough; with
            what to do instead.
    """
    check_output(output, model.output)
    why = _cannot(model, analysis, output)
    if why:
        raise ValueError(
            f"Deepness cannot map the output '{output}': {why}. Map it with "
            "`tl.predict_raster`, and open the map in QGIS."
        )
    pads = tuple(_around(lost) for lost in analysis.lost(output))
    left, top, right, bottom = analysis.margins[output]
    (above, below), (before, after) = pads
    margins = (left + before, top + above, right + after, bottom + below)
    side, percent = _tile(analysis.stride, max(margins))
    (image,), tensor = model.input.values(), model.output[output]
    return TileForm(side, percent, image.shape[-1], tensor.shape[-1], pads, margins)


def _cannot(
    model: keras.Model, analysis: FieldAnalysis | None, output: str
) -> str | None:
    """Why the plugin cannot map an output; None if it can."""
    inputs = list(model.input.values())
    if len(inputs) != 1:
        return f"it takes networks with one input, and this one has {len(inputs)}"
    if inputs[0].dtype != "float32":
        return f"it gives float32, and the input takes {inputs[0].dtype}"
    if None not in inputs[0].shape[1:3]:
        return "the input takes images of one size, which may not be that of a tile"
    if analysis is None:
        return "a layer has no rule, so the overlap that is needed is not known"
    if analysis.margins[output] is None:
        names = ", ".join(analysis.whole_tile_layers)
        return f"{names} look at the whole tile, so every tiling shows"
    if analysis.scale[output] != 1:
        return (
            "it wants outputs with the pixels of the input, and these are "
            f"{analysis.scale[output]} times as large"
        )
    return None


def _around(lost: int) -> tuple[int, int]:
    """Pixels to add before and after an output that is smaller than its chunk.

    The output then lies where the engine places it: DESIGN's block rule.
    """
    return (lost + 1) // 2, lost - (lost + 1) // 2


def _tile(stride: int, needed: int) -> tuple[int, int]:
    """Side and overlap, in per cent, of the tiles that compute the fewest pixels twice.

    Tiles begin at multiples of the total stride, so that the network treats all of
    them alike, and half of the overlap covers the largest margin.
    """
    least = max(SMALLEST_TILE, 100 * 2 * needed // LARGEST_PERCENT)
    sides = range(-(-least // stride) * stride, 3 * least // 2 + 2 * stride, stride)
    legal = [
        (overlap_px(side, percent) / side, side, percent)
        for side in sides
        for percent in range(LARGEST_PERCENT + 1)
        if overlap_px(side, percent) >= 2 * needed
        and overlap_px(side, percent) % 2 == 0
        and (side - overlap_px(side, percent)) % stride == 0
    ]
    _, side, percent = min(legal)
    return side, percent


def overlap_px(side: int, percent: int) -> int:
    """Pixels by which tiles overlap, as the plugin counts them.

    Example:
        >>> overlap_px(640, 10)
        64
    """
    return side * percent // 100
