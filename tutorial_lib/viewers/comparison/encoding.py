"""What the browser gets: the values of each layer, and how to draw them.

Values cross as compressed bytes, never as lists. The browser draws from values, so
that a reading below the pointer and a difference of any two layers need no kernel.
"""

import zlib
from typing import Any

import numpy as np

from tutorial_lib.viewers.comparison.common_window import CommonWindow
from tutorial_lib.viewers.comparison.details import Detail
from tutorial_lib.viewers.comparison.differences import (
    CHANGED_COLOR,
    SAME_COLOR,
    SIGNED_RAMP,
    SIZE_RAMP,
    family,
)
from tutorial_lib.viewers.comparison.scene import Scene
from tutorial_lib.viewers.layers import RAMPS, Layer
from tutorial_lib.viewers.panels import describe
from tutorial_lib.viewers.pictures import class_color, class_ids, class_name

# 1 is fast, 9 is small: most of what is gained is gained here.
COMPRESSION = 4

__all__ = [
    "browser_type",
    "encode_detail",
    "encode_layer",
    "encode_scene",
    "pack_values",
]


def browser_type(values: np.ndarray) -> np.dtype:
    """The smallest type that the browser has an array of and that holds the values.

    Floats of 64 bits become 32 bits long: seven digits are more than are shown.

    Example:
        >>> browser_type(np.array([0, 3])).name, browser_type(np.array([0.5])).name
        ('uint8', 'float32')
    """
    if not np.issubdtype(values.dtype, np.integer):
        return np.dtype("float32")
    if values.dtype.itemsize <= 4:
        return values.dtype.newbyteorder("=")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    fitting = (
        name
        for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32")
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max
    )
    return np.dtype(next(fitting, "float64"))


def pack_values(layer: Layer) -> bytes:
    """Values, one band after the other, then a byte for each pixel with data."""
    values = np.where(layer.valid[..., np.newaxis], layer.preview.pixels, 0)
    values = values.astype(browser_type(values).newbyteorder("<"))
    planes = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    return zlib.compress(planes.tobytes() + layer.valid.tobytes(), COMPRESSION)


def encode_layer(scene: Scene, number: int, layer: Layer | None = None) -> dict:
    """How one layer is called and drawn, and where its tiles begin.

    Args:
        scene: What is compared.
        number: Number of the layer.
        layer: The same layer with other pixels, as of a detail.
    """
    layer = scene.layers[number] if layer is None else layer
    title, (rows, cols) = scene.titles[number], scene.window.axes[number]
    values = np.where(layer.valid[..., np.newaxis], layer.preview.pixels, 0)
    low, high = layer.limits or ((), ())
    return {
        "title": title,
        "description": describe(layer, title),
        "family": family(layer),
        "type": browser_type(values).name,
        "bands": layer.preview.pixels.shape[-1],
        "limits": [list(map(float, low)), list(map(float, high))],
        "ramp": RAMPS[layer.kind].tolist() if layer.kind in RAMPS else [],
        "classes": _classes(layer),
        # In pixels of the first raster: tiles are counted from the layer's own corner.
        "corner": [float(rows.offset), float(cols.offset)],
        "spacing": [float(rows.spacing), float(cols.spacing)],
    }


def _classes(layer: Layer) -> list[list[Any]]:
    """[id, name, colour] of each class that is there."""
    if layer.kind != "classes":
        return []
    ids = class_ids(layer.preview.pixels[..., 0], layer.valid)
    return [
        [i, class_name(i, layer.legend), list(class_color(i, layer.legend))]
        for i in ids
    ]


def encode_detail(scene: Scene, detail: Detail) -> dict[str, Any]:
    """Some layers with their values, and the part of the window that they show."""
    return {
        "window": _numbers(detail.window),
        "shape": list(next(iter(detail.layers.values())).valid.shape),
        "layers": [
            encode_layer(scene, number, layer)
            | {"number": number, "values": pack_values(layer)}
            for number, layer in detail.layers.items()
        ],
    }


def _numbers(window: CommonWindow) -> list[int]:
    return [window.rows.start, window.cols.start, *window.shape]


def encode_scene(scene: Scene) -> dict[str, Any]:
    """Where the window lies, and what belongs to no layer in particular."""
    grid, window = scene.window.grid, scene.window
    placed = grid is not None and grid.crs is not None
    return {
        "shape": list(scene.shape),
        "window": _numbers(window),
        "transform": list(grid.transform)[:6] if placed else None,
        "decimals": 6 if placed and grid.crs.geographic else 1,
        "notes": list(scene.notes),
        "ramps": {"signed": SIGNED_RAMP.tolist(), "size": SIZE_RAMP.tolist()},
        "colors": {"same": SAME_COLOR, "changed": CHANGED_COLOR},
    }
