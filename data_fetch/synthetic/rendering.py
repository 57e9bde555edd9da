"""From the landscape to the two images of a satellite, one block at a time."""

from typing import NamedTuple

import numpy as np

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.synthetic.fields import Window, smooth_noise
from data_fetch.synthetic.hashing import hashed, key_of, normal
from data_fetch.synthetic.landscape import labels_of
from data_fetch.synthetic.layers import lay_out
from data_fetch.synthetic.mixtures import LABEL_OF, SLOTS, spectra
from data_fetch.synthetic.objects import Objects

# Side of the blocks. All random fields are computed for whole blocks, so a pixel does
# not depend on what else is wanted.
BLOCK = 256
# Pixels around a block that the blur of the sensor reads; even, for pixels of 20 m.
HALO = 2
# Sizes of the two kinds of structures of the texture, in pixels. Each has half of the
# variance.
TEXTURE_SIZES = (0.8, 2.1)
# Blur of the sensor: sigma of a Gaussian in pixels of 10 m.
BLUR = 0.55
# Noise of the sensor: a share of the signal, and at least some units.
NOISE_SHARE, LEAST_NOISE = 0.012, 8

# Pixels whose materials are mixed at a time. OpenBLAS computes so small a product in
# one thread, which is quicker.
FEW = 3000

__all__ = ["BLOCK", "Place", "render", "render_labels"]


class Place(NamedTuple):
    """A block of a landscape: BLOCK pixels from row BLOCK x i and column BLOCK x j."""

    seed: int
    i: int
    j: int

    @property
    def window(self) -> Window:
        """The pixels of the block and of its halo."""
        side = BLOCK + 2 * HALO
        return Window(BLOCK * self.i - HALO, BLOCK * self.j - HALO, side, side)

    def key(self, name: str) -> int:
        """Key of a layer."""
        return key_of(self.seed, name)


def render(place: Place, purity: float) -> tuple[np.ndarray, np.ndarray]:
    """Render the images of a block of the landscape.

    Args:
        place: The block.
        purity: Factor of the weights of the materials.

    Returns:
        Bands of 10 m (BLOCK, BLOCK, 4) and of 20 m (BLOCK / 2, BLOCK / 2, 6), uint16.
    """
    seen = _blurred(_reflectance(place, purity))
    fine, coarse = seen[: len(BANDS_10M)], seen[len(BANDS_10M) :]
    coarse = coarse[:, ::2] + coarse[:, 1::2]
    coarse = (coarse[..., ::2] + coarse[..., 1::2]) / 4
    return _measured(fine, place, BANDS_10M), _measured(coarse, place, BANDS_20M)


def render_labels(place: Place) -> np.ndarray:
    """Class of each pixel of a block (BLOCK, BLOCK) uint8, 255 for no label."""
    labels = labels_of(place.seed, lay_out(place.seed, place.window))
    return labels[HALO:-HALO, HALO:-HALO]


def _reflectance(place: Place, purity: float) -> np.ndarray:
    """Reflectance x 10 000 of a block and its halo (10, height, width) float32."""
    land = lay_out(place.seed, place.window)
    objects = Objects.drawn(place.seed, purity)
    shares = objects.mixture_of(land)
    _add_texture(shares, objects.textures_of(land), place)
    values = objects.gains_of(land)
    labels = LABEL_OF[land.kind].ravel()
    for label in np.unique(labels):
        pixels = np.flatnonzero(labels == label)
        for start in range(0, len(pixels), FEW):
            some = pixels[start : start + FEW]
            values[:, some] *= spectra(label).T @ shares[:, some]
    return values.reshape(-1, *land.kind.shape)


def _add_texture(shares: np.ndarray, strength: np.ndarray, place: Place) -> None:
    """Let shares (slot, pixel) vary from pixel to pixel; their sum stays 1."""
    strength = strength / np.float32(np.sqrt(len(TEXTURE_SIZES)))
    for first in range(0, SLOTS, 4):
        noise = sum(
            smooth_noise(place.key(f"texture {size} {first}"), place.window, size)
            for size in TEXTURE_SIZES
        )
        slots = shares[first : first + 4]
        slots *= np.exp(noise.reshape(4, -1)[: len(slots)] * strength)
    shares /= shares.sum(axis=0)


def _blurred(values: np.ndarray) -> np.ndarray:
    """Values (band, height, width) after the blur of the sensor, without the halo."""
    # The Gaussian is narrow: the weight of a pixel two pixels away is 0.001.
    side = np.exp(-0.5 / BLUR**2)
    side, middle = (np.float32(part / (1 + 2 * side)) for part in (side, 1))
    values = values[:, 1:-1, 1:-1]
    values = middle * values[:, 1:-1] + side * (values[:, :-2] + values[:, 2:])
    left, right = values[..., :-2], values[..., 2:]
    return middle * values[..., 1:-1] + side * (left + right)


def _measured(signal: np.ndarray, place: Place, bands: tuple[str, ...]) -> np.ndarray:
    """Digital numbers (height, width, band) uint16 with the noise of the sensor."""
    height, width = signal.shape[1:]
    window = Window(height * place.i, width * place.j, height, width)
    numbers = np.empty((height, width, len(bands)), "uint16")
    for index, (band, values) in enumerate(zip(bands, signal, strict=True)):
        noise = normal(hashed(place.key(band), window.rows, window.cols))
        noise *= np.maximum(np.float32(NOISE_SHARE) * values, LEAST_NOISE)
        # 0 is the no-data value.
        numbers[..., index] = np.clip(np.rint(values + noise), 1, 65535)
    return numbers
