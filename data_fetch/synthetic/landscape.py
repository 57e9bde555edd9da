"""The landscape: what lies at each pixel of an endless plane.

Layers are painted one over the other. A layer decides by smooth noise and by the sites
near a window, so every window of the plane can be made alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data_fetch.areas import NO_LABEL
from data_fetch.synthetic.fields import Window, smooth_noise
from data_fetch.synthetic.hashing import hashed, key_of, share_of
from data_fetch.synthetic.mixtures import LABEL_OF, NUMBER_OF

# Share of the objects of each class that have a label. Rare classes have more. The last
# one is land without a class.
LABELLED = np.array([0.55, 0.85, 0.75, 0.32, 0.16, 0.16, 0], "float32")
# Sizes of the structures of the noise that all layers share, in pixels.
SIZES = {"region": 300, "large": 75, "middle": 20, "small": 5}

__all__ = ["Ground", "Land", "empty_land", "labels_of"]


class Land(NamedTuple):
    """What lies at each pixel of a window; arrays (height, width).

    Attributes:
        kind: Number of the kind of land, uint8.
        whole: Hash of the object that the pixel belongs to, uint32: a lake, a golf
            course, a farm. An object is labelled as a whole.
        part: Hash of the part of the object, uint32: a field of a farm, a fairway.
    """

    kind: np.ndarray
    whole: np.ndarray
    part: np.ndarray

    def paint(
        self,
        name: str,
        where: np.ndarray,
        whole: np.ndarray,
        part: np.ndarray | None = None,
    ) -> None:
        """Cover pixels by a kind of land.

        Args:
            name: Name of the kind.
            where: Mask (height, width) of the pixels.
            whole: Hashes of the objects, one or (height, width).
            part: Hashes of their parts; None: an object is one part.
        """
        np.copyto(self.kind, NUMBER_OF[name], where=where)
        np.copyto(self.whole, whole, where=where)
        np.copyto(self.part, whole if part is None else part, where=where)

    def cut(self, part: tuple[slice, slice]) -> "Land":
        """A view of a part of the window: painting it paints this land."""
        return Land(*(array[part] for array in self))


def empty_land(window: Window) -> Land:
    """Land to paint on."""
    shape = (window.height, window.width)
    return Land(
        np.zeros(shape, "uint8"), np.zeros(shape, "uint32"), np.zeros(shape, "uint32")
    )


def labels_of(seed: int, land: Land) -> np.ndarray:
    """Class of each pixel (height, width) uint8 in the objects that have a label."""
    classes = LABEL_OF[land.kind]
    lot = share_of(hashed(key_of(seed, "labels"), land.whole))
    return np.where(lot < LABELLED[classes], classes, NO_LABEL).astype("uint8")


class Ground(NamedTuple):
    """What the layers share: coordinates and smooth noise of a window.

    Attributes:
        key: Gives the key of a layer by its name.
        window: The pixels.
        y: Row of each pixel (height, width) float32.
        x: Column of each pixel.
        region: Four fields (4, height, width) with structures of many kilometres.
        large: Four fields with structures of kilometres.
        middle: Four fields with structures of some hundred metres.
        small: Four fields with structures of some pixels.
    """

    key: Callable[[str], int]
    window: Window
    y: np.ndarray
    x: np.ndarray
    region: np.ndarray
    large: np.ndarray
    middle: np.ndarray
    small: np.ndarray

    @classmethod
    def of(cls, seed: int, window: Window) -> "Ground":
        """The ground of a landscape in a window."""

        def key(name: str) -> int:
            return key_of(seed, name)

        shape = (window.height, window.width)
        y, x = (
            np.broadcast_to(numbers.astype("float32"), shape)
            for numbers in (window.rows, window.cols)
        )
        noise = [smooth_noise(key(name), window, size) for name, size in SIZES.items()]
        return cls(key, window, y, x, *noise)

    def cut(self, part: tuple[slice, slice]) -> "Ground":
        """The ground of a part of the window."""
        rows, cols = part
        window = Window(
            self.window.row + rows.start,
            self.window.col + cols.start,
            rows.stop - rows.start,
            cols.stop - cols.start,
        )
        arrays = (array[..., rows, cols] for array in self[2:])
        return Ground(self.key, window, *arrays)
