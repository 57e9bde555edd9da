"""What `compare` is given, checked: each refusal says what to give instead."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.windows import Window

from tutorial_lib.viewers.options import counted, is_whole
from tutorial_lib.viewers.reading import is_path

MODES = ("swipe", "blink", "side_by_side", "difference")

# Below, there is no room for a picture.
LEAST_HEIGHT = 60

__all__ = ["MODES", "check_layers", "check_options", "tile_sides"]


def check_layers(layers: Sequence[Any]) -> None:
    """Refuse what is nothing to look at."""
    if len(layers) < 2:
        raise ValueError(
            f"There is nothing to compare with: {counted(len(layers), 'layer')} given. "
            "Give two or more, or draw one with `show`."
        )
    for number, layer in enumerate(layers, start=1):
        if not is_path(layer) and np.ndim(layer) == 0:
            raise TypeError(
                f"Layer {number} is a {type(layer).__name__}. Give rasters by their "
                "paths, or arrays (height, width[, channel])."
            )


def check_options(mode: str, window: Window | None, height: int) -> None:
    """Refuse options that mean nothing."""
    if mode not in MODES:
        raise ValueError(f"The mode '{mode}' is unknown. Use {', '.join(MODES)}.")
    if window is not None and not isinstance(window, Window):
        raise TypeError(
            f"`window` is a rasterio.windows.Window, not {window!r}. Give "
            "Window(col_off, row_off, width, height), in pixels of the first raster."
        )
    if not (is_whole(height) and height >= LEAST_HEIGHT):
        raise ValueError(
            f"`height` is that of the picture on the screen: a whole number of px, "
            f"{LEAST_HEIGHT} or more. Received: {height!r}."
        )


def tile_sides(tile: int | Sequence[int], count: int) -> list[int]:
    """Side of the tiles of each layer.

    Example:
        >>> tile_sides(64, 3), tile_sides((256, 128), 2)
        ([64, 64, 64], [256, 128])
    """
    sides = list(tile) if isinstance(tile, Sequence | np.ndarray) else [tile] * count
    if not all(is_whole(side) and side >= 1 for side in sides):
        raise ValueError(
            "`tile` is the side of a tile: a whole number of pixels, at least 1, or "
            f"one for each layer. Received: {tile!r}."
        )
    if len(sides) != count:
        raise ValueError(
            f"`tile` has {len(sides)} sides of tiles for {count} layers. Give one for "
            "each layer, or one number for all."
        )
    return [int(side) for side in sides]
