"""What makes the objects of a landscape differ: mixtures, brightness and texture.

All of it is drawn once, and an object takes the entry that its hash points to.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from data_fetch.synthetic.landscape import Land
from data_fetch.synthetic.mixtures import KINDS, LABEL_OF, SLOTS, draw_mixtures

# Entries that are drawn for each kind of land and class.
DRAWN = 1024
# Standard deviation of the logarithm of a band's brightness, beside the common one.
BAND_GAIN = 0.06
# The same of the texture.
TEXTURE_GAIN = 0.65


class Look(NamedTuple):
    """How the objects of a class differ, and how their pixels do.

    Attributes:
        common: Share of the object's mixture in that of each of its parts.
        texture: How much the shares of the materials vary from pixel to pixel.
        gain: Standard deviation of the logarithm of the brightness.
        by_part: Whether parts differ in brightness, or whole objects.
    """

    common: float
    texture: float
    gain: float
    by_part: bool = False


# In the order of the classes; land without a class comes last. Chosen so that a
# classifier tells the classes apart about as well as in real patches.
LOOKS = (
    Look(0.2, 1.1, 0.2, by_part=True),
    Look(0.5, 1.7, 0.14),
    Look(0.5, 1.8, 0.22),
    Look(0.7, 1.8, 0.32),
    Look(0.3, 1.6, 0.18),
    Look(0.6, 0.9, 0.18, by_part=True),
    Look(0.5, 1.0, 0.16),
)
COMMON, TEXTURE, GAIN, BY_PART = (
    np.array(column) for column in zip(*LOOKS, strict=True)
)

__all__ = ["Objects"]


class Objects(NamedTuple):
    """What is drawn for the objects of a landscape.

    Attributes:
        shares: Mixtures (slot, kind x DRAWN) float32.
        gains: Brightness (band, class x DRAWN) float32.
        textures: Strength of the texture (class x DRAWN) float32.
    """

    shares: np.ndarray
    gains: np.ndarray
    textures: np.ndarray

    @classmethod
    @lru_cache(maxsize=2)
    def drawn(cls, seed: int, purity: float) -> "Objects":
        """The objects of a landscape.

        Args:
            seed: Seed of the landscape.
            purity: Factor of the weights of the materials.

        Example:
            >>> Objects.drawn(1, 0.45).shares.sum(axis=0).round(3).min()
            np.float32(1.0)
        """
        rng = np.random.default_rng([seed, 0])
        shares = draw_mixtures(DRAWN, purity, rng).reshape(SLOTS, len(KINDS) * DRAWN)
        gains = GAIN[:, np.newaxis] * rng.standard_normal((len(LOOKS), DRAWN))
        gains = gains + BAND_GAIN * rng.standard_normal((10, *gains.shape))
        spread = TEXTURE_GAIN * rng.standard_normal((len(LOOKS), DRAWN))
        textures = TEXTURE[:, np.newaxis] * np.exp(spread)
        return cls(
            shares,
            np.exp(gains).reshape(10, -1).astype("float32"),
            textures.ravel().astype("float32"),
        )

    def mixture_of(self, land: Land) -> np.ndarray:
        """Shares of the materials (slot, pixel) float32 in each pixel of some land."""
        whole, part = (_entries(land.kind, bits) for bits in (land.whole, land.part))
        common = COMMON.astype("float32").take(LABEL_OF[land.kind].ravel())
        mixtures = np.stack([slot.take(part) for slot in self.shares])
        for slot, mixed in zip(self.shares, mixtures, strict=True):
            mixed += common * (slot.take(whole) - mixed)
        return mixtures

    def gains_of(self, land: Land) -> np.ndarray:
        """Brightness (band, pixel) float32 of each pixel of some land."""
        labels = LABEL_OF[land.kind]
        bits = np.where(BY_PART[labels], land.part, land.whole)
        drawn = _entries(labels, bits)
        return np.stack([band.take(drawn) for band in self.gains])

    def textures_of(self, land: Land) -> np.ndarray:
        """Strength of the texture (pixel,) float32 of each pixel of some land."""
        return self.textures.take(_entries(LABEL_OF[land.kind], land.whole))


def _entries(numbers: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Index (pixel,) of each pixel's entry in a table (number x DRAWN)."""
    return (numbers.astype("intp") * DRAWN + bits % np.uint32(DRAWN)).ravel()
