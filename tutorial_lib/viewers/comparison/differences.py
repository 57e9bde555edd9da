"""The difference of two layers, computed from their values."""

from dataclasses import dataclass

import numpy as np

from tutorial_lib.viewers.layers import Layer
from tutorial_lib.viewers.pictures import strips

__all__ = [
    "CHANGED_COLOR",
    "SAME_COLOR",
    "SIGNED_RAMP",
    "SIZE_RAMP",
    "LayerDifference",
    "check_family",
    "difference",
    "family",
]


def _ramp(*anchors: tuple[int, int, int]) -> np.ndarray:
    """(256, 3) uint8: colours between some anchors."""
    places = np.linspace(0, len(anchors) - 1, 256)
    channels = zip(*anchors, strict=True)
    planes = [np.interp(places, range(len(anchors)), channel) for channel in channels]
    return np.rint(np.stack(planes, axis=1)).astype("uint8")


# Blue where the second layer is smaller, white where both are equal, orange where it is
# larger. Blue and orange stay distinct without full colour vision.
_WHITE = (247, 247, 247)
_BLUES, _ORANGES = ((8, 81, 156), (107, 174, 214)), ((253, 141, 60), (166, 54, 3))
SIGNED_RAMP = _ramp(*_BLUES, _WHITE, *_ORANGES)
SIZE_RAMP = _ramp(_WHITE, (253, 208, 162), (241, 105, 19), (127, 39, 4))
SAME_COLOR, CHANGED_COLOR = (228, 228, 228), (194, 65, 12)


@dataclass(frozen=True)
class LayerDifference:
    """The difference of the second of two layers from the first.

    Attributes:
        kind: "classes" (1 where the class is another one), "signed" (second minus
            first), or "size" (for colour images: mean over the bands of the difference
            without its sign).
        values: (height, width) float32; NaN where one of the two has no data.
    """

    kind: str
    values: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(height, width) bool, True where both layers have data."""
        return ~np.isnan(self.values)

    @property
    def largest(self) -> float:
        """Largest difference without its sign; 0 if no pixel has data in both."""
        return float(np.abs(self.values[self.valid]).max(initial=0))

    @property
    def changed_share(self) -> float:
        """Share, from 0 to 1, of the pixels with data that differ."""
        count = np.count_nonzero(self.valid)
        return np.count_nonzero(self.values[self.valid]) / count if count else 0.0


def family(layer: Layer) -> str:
    """Family of a layer's kind: "classes", "rgb" or "values".

    Two layers of one family have a difference.
    """
    return layer.kind if layer.kind in ("classes", "rgb") else "values"


def check_family(a: Layer, b: Layer) -> None:
    """Raise ValueError unless two layers have a difference."""
    if family(a) != family(b):
        raise ValueError(
            f"A layer of kind '{a.kind}' and one of kind '{b.kind}' have no "
            "difference. Choose two of one kind, or another `mode`."
        )


def difference(a: Layer, b: Layer) -> LayerDifference:
    """The difference of `b` from `a`, pixel by pixel.

    Raises:
        ValueError: If the layers are of different families.
    """
    check_family(a, b)
    kind = {"classes": "classes", "rgb": "size", "values": "signed"}[family(a)]
    values = np.empty(a.valid.shape, "float32")
    for rows in strips(len(values)):
        values[rows] = _difference(
            kind, *(layer.preview.pixels[rows] for layer in (a, b))
        )
    values[~(a.valid & b.valid)] = np.nan
    return LayerDifference(kind, values)


def _difference(kind: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The difference (height, width) of some rows."""
    # Pixels that are not valid may be infinite, and their difference not a number.
    # Differences beyond the largest float32 become infinite.
    with np.errstate(invalid="ignore", over="ignore"):
        values = second.astype("float64") - first.astype("float64")
        if kind == "classes":
            values = values != 0
        elif kind == "size":
            values = np.abs(values).mean(axis=-1, keepdims=True)
        return values[..., 0].astype("float32")
