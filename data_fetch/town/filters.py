"""Gaussian blur and smooth random noise, computed with the Fourier transform."""

import numpy as np

__all__ = ["blur", "smooth_noise"]


def smooth_noise(
    shape: tuple[int, int], size: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise (height, width) float32 with mean 0 and standard deviation 1.

    Args:
        shape: Height and width in pixels.
        size: Size of the structures in pixels: the sigma of the blur.
        rng: Random numbers.

    Example:
        >>> noise = smooth_noise((30, 50), 2, np.random.default_rng(0))
        >>> noise.shape, abs(float(noise.std()) - 1) < 1e-3
        ((30, 50), True)
    """
    noise = blur(rng.standard_normal(shape, "float32"), size)
    return (noise - noise.mean()) / noise.std()


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """Values (height, width) after a Gaussian filter.

    The image is treated as periodic: its left border continues at its right border.

    Example:
        >>> point = np.zeros((9, 12), "float32")
        >>> point[4, 4] = 1
        >>> soft = blur(point, 1.0)
        >>> [round(float(value), 3) for value in soft[4, 4:8]]
        [0.159, 0.097, 0.022, 0.002]
    """
    height, width = values.shape
    rows = _kernel(height, sigma)[:, np.newaxis]
    transfer = np.fft.fft(rows, axis=0).real * np.fft.rfft(_kernel(width, sigma)).real
    return np.fft.irfft2(
        np.fft.rfft2(values) * transfer.astype("float32"), s=values.shape
    )


def _kernel(size: int, sigma: float) -> np.ndarray:
    """Gaussian weights by distance from index 0; the last index has distance 1."""
    distance = np.minimum(np.arange(size), size - np.arange(size))
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum()
