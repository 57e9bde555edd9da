"""What the browser gets: the values of each layer, and how to draw them.

The browser draws from values, so that a reading below the pointer and the difference of
any two layers need no kernel.
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

# Level of zlib, from 1 (fast) to 9 (small).
COMPRESSION = 4

__all__ = ["browser_type", "encode_detail", "encode_layer", "encode_scene"]


def browser_type(values: np.ndarray) -> np.dtype:
    """A small type that holds the values and that browsers have arrays of.

    64 bit floats become 32 bit floats, unless they are too large for these: the browser
    shows five digits, and 32 bit floats have seven.

    Example:
        >>> browser_type(np.array([0, 3])).name, browser_type(np.array([0.5])).name
        ('uint8', 'float32')
    """
    if not np.issubdtype(values.dtype, np.integer):
        fits = np.abs(values).max() <= np.finfo("float32").max
        return np.dtype("float32" if fits else "float64")
    smallest = np.result_type(*map(np.min_scalar_type, (values.min(), values.max())))
    return smallest if smallest.itemsize <= 4 else np.dtype("float64")


def encode_layer(scene: Scene, number: int, layer: Layer) -> dict[str, Any]:
    """The values of one layer, its title, its colours, and where its tiles begin.

    Args:
        scene: The layers that are compared.
        number: Number of the layer.
        layer: This layer of the scene, or the same layer with finer pixels.
    """
    title, (rows, cols) = scene.titles[number], scene.window.axes[number]
    values = np.where(layer.valid[..., np.newaxis], layer.preview.pixels, 0)
    values = values.astype(browser_type(values), copy=False)
    low, high = layer.limits or ((), ())
    return {
        "title": title,
        "description": describe(layer, title),
        "family": family(layer),
        "type": values.dtype.name,
        "bands": values.shape[-1],
        "values": _packed(values, layer.valid),
        "limits": [list(map(float, low)), list(map(float, high))],
        "ramp": RAMPS[layer.kind].tolist() if layer.kind in RAMPS else [],
        "classes": _classes(layer),
        # In pixels of the first raster.
        "corner": [float(rows.offset), float(cols.offset)],
        "spacing": [float(rows.spacing), float(cols.spacing)],
    }


def _packed(values: np.ndarray, valid: np.ndarray) -> bytes:
    """Compressed bytes: one plane per channel, then one byte per pixel with data."""
    packer, order = zlib.compressobj(COMPRESSION), values.dtype.newbyteorder("<")
    # One plane at a time, so that there is never a copy of all of them.
    packed = [
        packer.compress(plane.astype(order, order="C"))
        for plane in np.moveaxis(values, -1, 0)
    ]
    packed += [packer.compress(np.ascontiguousarray(valid)), packer.flush()]
    return b"".join(packed)


def _classes(layer: Layer) -> list[list[Any]]:
    """[id, name, colour] of each class that is in the layer."""
    if layer.kind != "classes":
        return []
    ids = class_ids(layer.preview.pixels[..., 0], layer.valid)
    return [
        [i, class_name(i, layer.legend), list(class_color(i, layer.legend))]
        for i in ids
    ]


def encode_detail(scene: Scene, detail: Detail) -> dict[str, Any]:
    """Some layers with finer pixels, and the part of the window that they show."""
    return {
        "window": _numbers(detail.window),
        "shape": list(next(iter(detail.layers.values())).valid.shape),
        "layers": [
            encode_layer(scene, number, layer) | {"number": number}
            for number, layer in detail.layers.items()
        ],
    }


def _numbers(window: CommonWindow) -> list[int]:
    """[row, col, height, width]."""
    return [window.rows.start, window.cols.start, *window.shape]


def encode_scene(scene: Scene) -> dict[str, Any]:
    """What all layers share: the window, its place on the ground, notes, colours."""
    grid = scene.window.grid
    placed = grid is not None and grid.crs is not None
    same = [0, "the same class", SAME_COLOR]
    return {
        "shape": list(scene.shape),
        "window": _numbers(scene.window),
        "transform": list(grid.transform)[:6] if placed else None,
        "decimals": 6 if placed and grid.crs.geographic else 1,
        "notes": list(scene.notes),
        # Colours of the difference of two layers, by their family.
        "differences": {
            "classes": {"classes": [same, [1, "another class", CHANGED_COLOR]]},
            "rgb": {"ramp": SIZE_RAMP.tolist()},
            "values": {"ramp": SIGNED_RAMP.tolist()},
        },
    }
