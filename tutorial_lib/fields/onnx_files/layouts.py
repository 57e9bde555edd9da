"""Which axis of an image in an ONNX file is which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BATCH, ROW, COL, CHANNEL = "batch", "row", "col", "channel"
# The order of the kit's arrays.
KIT = (BATCH, ROW, COL, CHANNEL)

__all__ = ["BATCH", "CHANNEL", "COL", "FIRST", "LAST", "ROW", "Layout"]


@dataclass(frozen=True)
class Layout:
    """The axes of an image in a file, in their order.

    Attributes:
        axes: "batch", "row", "col" and "channel" in the order of the file. A map of
            labels may have no "channel".

    Example:
        >>> image = np.zeros((1, 20, 30, 4))
        >>> FIRST.from_kit(image).shape, FIRST.to_kit(FIRST.from_kit(image)).shape
        ((1, 4, 20, 30), (1, 20, 30, 4))
    """

    axes: tuple[str, ...]

    @property
    def channels_first(self) -> bool:
        """Whether the channels come before the rows."""
        return CHANNEL in self.axes and self.axes.index(CHANNEL) < self.axes.index(ROW)

    @property
    def name(self) -> str:
        """A word for the usual orders, such as "channels_first"; else the axes."""
        names = {FIRST: "channels_first", LAST: "channels_last", NONE: "no_channels"}
        return names.get(self, ", ".join(self.axes))

    def size_of(self, axis: str, shape: Sequence[int | None]) -> int | None:
        """Size of an axis in a shape of the file; 1 for channels that are not there."""
        return shape[self.axes.index(axis)] if axis in self.axes else 1

    def to_kit(self, array: np.ndarray) -> np.ndarray:
        """An array of the file as (batch, row, col, channel), without a copy."""
        order = [self.axes.index(axis) for axis in KIT if axis in self.axes]
        turned = array.transpose(order)
        return turned if CHANNEL in self.axes else turned[..., np.newaxis]

    def from_kit(self, array: np.ndarray) -> np.ndarray:
        """An array (batch, row, col, channel) as the file has it, without a copy."""
        if CHANNEL not in self.axes:
            array = array[..., 0]
        return array.transpose([KIT.index(axis) for axis in self.axes])


FIRST = Layout((BATCH, CHANNEL, ROW, COL))
LAST = Layout((BATCH, ROW, COL, CHANNEL))
NONE = Layout((BATCH, ROW, COL))
