"""Checks of the arguments of `compare`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted

MODES = ("swipe", "blink", "side_by_side", "difference")

# Smallest height of the picture that leaves room for names and the swipe line, px.
MIN_HEIGHT = 60

__all__ = ["MODES", "check_arguments", "tile_sides"]


def check_arguments(layers: Sequence[Any], mode: str, height: int) -> None:
    """Check the layers, the mode and the largest height of the picture in px.

    Raises:
        TypeError: If the height is not a number.
        ValueError: If there is one layer, the mode is unknown or the height too small.
    """
    if len(layers) < 2:
        raise ValueError(
            f"`compare` needs two layers or more. Received: "
            f"{counted(len(layers), 'layer')}. Give another, or draw one with `show`."
        )
    arguments.choice("mode", mode, MODES)
    arguments.whole_number("height", height, least=MIN_HEIGHT)


def tile_sides(tile: int | Sequence[int], count: int) -> list[int]:
    """Side of the tiles of each layer, in pixels of the layer.

    Raises:
        TypeError: If a side is not a number.
        ValueError: If a side is not a positive integer, or there are not `count` sides.

    Example:
        >>> tile_sides(64, 3), tile_sides((256, 128), 2)
        ([64, 64, 64], [256, 128])
    """
    single = not isinstance(tile, Sequence | np.ndarray) or isinstance(tile, str)
    sides = arguments.whole_numbers("tile", tile, least=1) * (count if single else 1)
    if len(sides) != count:
        raise ValueError(
            f"`tile` has {counted(len(sides), 'side')} for {counted(count, 'layer')}. "
            "Give one for each layer, or one number for all."
        )
    return list(sides)
