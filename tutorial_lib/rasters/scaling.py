"""Scale and offset tags: physical value = stored value * scale + offset."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
import rasterio

# So many different pairs of scale and offset are written out in a message.
LISTED = 3

__all__ = ["Scaling", "check_scalings", "scaling_of", "scaling_phrase"]


class Scaling(NamedTuple):
    """Scale and offset of each band that is read from one raster.

    Attributes:
        scales: One factor for each band; 1 without a tag.
        offsets: One number for each band; 0 without a tag.
    """

    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """(scale, offset) of each band."""
        return tuple(zip(self.scales, self.offsets, strict=True))

    def applied(self, values: np.ndarray) -> np.ndarray:
        """Values (height, width, channel) as float32, scaled.

        Example:
            >>> Scaling((0.5,), (-1.0,)).applied(np.full((1, 1, 1), 8, "uint8")).item()
            3.0
        """
        if set(self.pairs) == {(1, 0)}:
            return values.astype("float32")
        # In float64: float32 does not hold the integers of 32 bits.
        return (values * np.array(self.scales) + np.array(self.offsets)).astype(
            "float32"
        )


def scaling_of(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> Scaling:
    """Scale and offset of some bands of an open raster, from its tags."""
    return Scaling(
        tuple(dataset.scales[band - 1] for band in bands),
        tuple(dataset.offsets[band - 1] for band in bands),
    )


def _check_usable(name: str, scaling: Scaling) -> None:
    """Raise ValueError if scaled values would all be equal, or not be numbers."""
    for scale, offset in scaling.pairs:
        if not scale or not isfinite(scale) or not isfinite(offset):
            raise ValueError(
                f"'{name}' has the scale {scale:g} and the offset {offset:g} in its "
                "tags, so its values cannot be scaled. Leave out `scaled=True`, or "
                "correct the tags: `gdal_edit.py -scale 0.0001 -offset 0 file.tif`."
            )


def check_scalings(
    names: Sequence[str], scalings: Sequence[Scaling], *, scaled: bool
) -> None:
    """Raise ValueError if the tags of stacked rasters cannot be used together.

    Args:
        names: Name of each raster.
        scalings: Scale and offset of its bands.
        scaled: Whether the values will be scaled; else the tags must not differ.
    """
    if scaled:
        for name, scaling in zip(names, scalings, strict=True):
            _check_usable(name, scaling)
        return
    for name, scaling in zip(names[1:], scalings[1:], strict=True):
        if set(scaling.pairs) != set(scalings[0].pairs):
            raise ValueError(
                f"'{name}' ({_pairs(scaling.pairs)}) has other scale and offset tags "
                f"than '{names[0]}' ({_pairs(scalings[0].pairs)}), so equal values of "
                "the two mean different things. Stack the scaled values: "
                "`Source(…, scaled=True)`."
            )


def scaling_phrase(scalings: Sequence[Scaling], *, scaled: bool) -> str | None:
    """What a plan says about the scale and offset of a source; None if it has none.

    Example:
        >>> scaling_phrase([Scaling((0.0001,), (-0.1,))], scaled=True)
        'values * 0.0001 - 0.1'
    """
    pairs = [pair for scaling in scalings for pair in scaling.pairs]
    tagged = set(pairs) != {(1, 0)}
    if scaled:
        return f"values {_pairs(pairs)}" if tagged else "values * 1: no scale tags"
    if not tagged:
        return None
    return f"stored values: `Source(…, scaled=True)` gives {_pairs(pairs)}"


def _pairs(pairs: Sequence[tuple[float, float]]) -> str:
    different = list(dict.fromkeys(pairs))
    if len(different) > LISTED:
        return "* scale + offset of each band"
    return " or ".join(_pair(*pair) for pair in different)


def _pair(scale: float, offset: float) -> str:
    sign = "-" if offset < 0 else "+"
    shift = f" {sign} {abs(offset):.10g}" if offset else ""
    return f"* {scale:.10g}{shift}"
