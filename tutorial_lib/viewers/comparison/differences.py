"""What two layers differ by, from their values (never from the pictures of them)."""

from dataclasses import dataclass

import numpy as np

from tutorial_lib.viewers.layers import Layer

# Blue where the second layer is smaller, white for equal, orange where it is larger:
# they stay apart without colour vision.
_SIGNED_ANCHORS = [(8, 81, 156), (107, 174, 214), (247, 247, 247), (253, 141, 60)]
_SIGNED_ANCHORS.append((166, 54, 3))
_SIZE_ANCHORS = [(247, 247, 247), (253, 208, 162), (241, 105, 19), (127, 39, 4)]

SAME_COLOR, CHANGED_COLOR = "#e4e4e4", "#c2410c"

__all__ = [
    "CHANGED_COLOR",
    "SAME_COLOR",
    "SIGNED_RAMP",
    "SIZE_RAMP",
    "Difference",
    "comparable",
    "difference",
    "family",
]


def _ramp(anchors: list[tuple[int, int, int]]) -> np.ndarray:
    places = np.linspace(0, len(anchors) - 1, 256)
    channels = zip(*anchors, strict=True)
    planes = [np.interp(places, range(len(anchors)), channel) for channel in channels]
    return np.rint(np.stack(planes, axis=1)).astype("uint8")


SIGNED_RAMP, SIZE_RAMP = _ramp(_SIGNED_ANCHORS), _ramp(_SIZE_ANCHORS)


@dataclass(frozen=True)
class Difference:
    """What the second of two layers differs by from the first.

    Attributes:
        kind: "classes" (1 where the class is another one), "signed" (second minus
            first), or "size" (of colour images: mean over the bands of what they
            differ by, without sign).
        values: (height, width) float32; NaN where one of the two has no data.
    """

    kind: str
    values: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(height, width) bool, where both layers have data."""
        return ~np.isnan(self.values)

    @property
    def largest(self) -> float:
        """Largest difference without its sign; 0 where there is none."""
        values = self.values[self.valid]
        return float(np.abs(values).max()) if len(values) else 0.0

    @property
    def changed_share(self) -> float:
        """Share, from 0 to 1, of the pixels with data that differ at all."""
        values = self.values[self.valid]
        return float(np.mean(values != 0)) if len(values) else 0.0


def family(layer: Layer) -> str:
    """Layers of one family can be subtracted: "classes", "rgb" or "values"."""
    return layer.kind if layer.kind in ("classes", "rgb") else "values"


def comparable(a: Layer, b: Layer) -> bool:
    """Whether two layers have a difference."""
    return family(a) == family(b)


def difference(a: Layer, b: Layer) -> Difference:
    """What `b` differs by from `a`, pixel by pixel.

    Raises:
        ValueError: If they are not of one kind.
    """
    if not comparable(a, b):
        raise ValueError(
            f"A layer of kind '{a.kind}' and one of kind '{b.kind}' have no "
            "difference. Choose two of one kind, or another `mode`."
        )
    first, second = (layer.preview.pixels.astype("float64") for layer in (a, b))
    # What is not valid may be infinite.
    with np.errstate(invalid="ignore"):
        values = second - first
    kind = {"classes": "classes", "rgb": "size", "values": "signed"}[family(a)]
    values = values[..., 0] if kind == "signed" else np.abs(values).mean(axis=-1)
    values = (values != 0) if kind == "classes" else values
    return Difference(
        kind, np.where(a.valid & b.valid, values, np.nan).astype("float32")
    )
