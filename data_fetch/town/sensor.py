"""The satellite: a panchromatic image, and a multispectral one with pixels 4x as large.

Levels, weights of the bands and noise follow a pair of Pléiades images over a town.
"""

import numpy as np

from data_fetch.town.filters import blur

# Digital numbers in the order R, G, B, NIR: HAZE is light scattered by the air, GAIN is
# the increase for each unit of reflectance x 10 000.
HAZE = np.array([82, 128, 215, 25], "float32")
GAIN = np.array([0.145, 0.14, 0.125, 0.21], "float32")
# Share of each band in the panchromatic image.
PAN_WEIGHTS = np.array([0.35, 0.30, 0.15, 0.20], "float32")
# Side of an xs pixel in pan pixels.
RATIO = 4
# 11 bits; 0 is the no-data value.
LARGEST = 2047
# Extra pixels that are needed around the image, because the optics blur.
MARGIN = 2 * RATIO
# Sigma of the blur, in pixels of each image.
PAN_BLUR = 0.5
XS_BLUR = 0.45
# Standard deviation of the noise: a share of the value, but at least a minimum.
PAN_NOISE = (0.03, 3.0)
XS_NOISE = (0.012, 2.0)

__all__ = ["LARGEST", "MARGIN", "PAN_WEIGHTS", "RATIO", "digital_numbers", "observe"]


def digital_numbers(reflectance: np.ndarray) -> np.ndarray:
    """Digital numbers of a sensor without blur and noise, in each band.

    Args:
        reflectance: (height, width, 4) times 10 000.

    Example:
        >>> digital_numbers(np.zeros((1, 1, 4), "float32"))[0, 0].tolist()
        [82.0, 128.0, 215.0, 25.0]
    """
    return HAZE + GAIN * reflectance


def observe(
    reflectance: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The two images that the satellite takes of a piece of ground.

    Args:
        reflectance: (height + 2 `MARGIN`, width + 2 `MARGIN`, 4) times 10 000, in
            pixels of the panchromatic image. Height and width are multiples of `RATIO`.
        rng: Random numbers for the noise.

    Returns:
        pan (height, width, 1) and xs (height / 4, width / 4, 4), uint16 from 1 to 2047.

    Example:
        >>> ground = np.full((56, 76, 4), 1000.0, "float32")
        >>> pan, xs = observe(ground, np.random.default_rng(0))
        >>> pan.shape, xs.shape
        ((40, 60, 1), (10, 15, 4))
    """
    numbers = digital_numbers(reflectance)
    pan = blur(numbers @ PAN_WEIGHTS, PAN_BLUR)[..., np.newaxis]
    height, width, bands = numbers.shape
    blocks = numbers.reshape(height // RATIO, RATIO, width // RATIO, RATIO, bands)
    xs = blocks.mean(axis=(1, 3))
    xs = np.stack([blur(xs[..., band], XS_BLUR) for band in range(bands)], axis=-1)
    return (
        _measured(pan, MARGIN, PAN_NOISE, rng),
        _measured(xs, MARGIN // RATIO, XS_NOISE, rng),
    )


def _measured(
    values: np.ndarray,
    margin: int,
    noise: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Values without their margin, with noise, as 11-bit integers without 0."""
    inner = values[margin:-margin, margin:-margin]
    share, least = noise
    spread = np.maximum(share * inner, least)
    noisy = inner + spread * rng.standard_normal(inner.shape, "float32")
    return np.rint(noisy).clip(1, LARGEST).astype("uint16")
