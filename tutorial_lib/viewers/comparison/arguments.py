"""Checks of the arguments of `compare`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutorial_lib.viewers.options import counted, is_whole

MODES = ("swipe", "blink", "side_by_side", "difference")

# Smallest height of the picture that leaves room for names and the swipe line, px.
MIN_HEIGHT = 60

__all__ = ["MODES", "check_arguments", "tile_sides"]


def check_arguments(layers: Sequence[Any], mode: str, height: int) -> None:
    """Raise ValueError for a single layer, an unknown mode or an impossible height."""
    if len(layers) < 2:
        raise ValueError(
            f"`compare` needs two layers or more. Received: "
            f"{counted(len(layers), 'layer')}. Give another, or draw one with `show`."
        )
    if mode not in MODES:
        raise ValueError(f"The mode '{mode}' is unknown. Use {', '.join(MODES)}.")
    if not (is_whole(height) and height >= MIN_HEIGHT):
        raise ValueError(
            "`height` is the largest height of the picture on the screen: a whole "
            f"number of px, at least {MIN_HEIGHT}. Received: {height!r}."
        )


def tile_sides(tile: int | Sequence[int], count: int) -> list[int]:
    """Side of the tiles of each layer, in pixels of the layer.

    Raises:
        ValueError: If a side is not a positive integer, or there are not `count` sides.

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
            f"`tile` has {counted(len(sides), 'side')} for {counted(count, 'layer')}. "
            "Give one for each layer, or one number for all."
        )
    return [int(side) for side in sides]
