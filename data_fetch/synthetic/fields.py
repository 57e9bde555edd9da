"""Windows of an endless plane of 10 m pixels, and smooth random fields on it."""

from typing import NamedTuple

import numpy as np

from data_fetch.synthetic.hashing import bytes_of, hashed

# Weights of nodes that are further away than this many sigmas are left out. With 3,
# roads and rivers, which follow the slope of fields, had small steps.
REACH = 4
# Pixels whose weights are applied at a time. Few nodes have a weight in them, and so
# small a product is computed in one thread: OpenBLAS is slower with two of them.
STRIP = 26

__all__ = ["Window", "smooth_noise"]


class Window(NamedTuple):
    """A rectangle of pixels; its corner may have any sign."""

    row: int
    col: int
    height: int
    width: int

    @property
    def rows(self) -> np.ndarray:
        """Row numbers (height, 1) int64."""
        return np.arange(self.row, self.row + self.height)[:, np.newaxis]

    @property
    def cols(self) -> np.ndarray:
        """Column numbers (1, width) int64."""
        return np.arange(self.col, self.col + self.width)[np.newaxis]


def smooth_noise(key: int, window: Window, size: float) -> np.ndarray:
    """Four independent fields with mean 0 and standard deviation 1 over the plane.

    Each is white noise on a lattice of nodes, seen through a Gaussian. The weights of
    rows and columns are applied as two matrix products.

    Args:
        key: Key of the layer.
        window: The pixels that are wanted.
        size: Size of the structures in pixels: the sigma of the Gaussian.

    Returns:
        Fields (4, height, width) float32.

    Example:
        >>> field = smooth_noise(5, Window(-10, 20, 30, 50), size=4)
        >>> field.shape
        (4, 30, 50)
    """
    # With nodes further apart than a sigma, the lattice would show.
    spacing = max(1, int(size))
    rows = _nodes(window.row, window.height, size, spacing)
    cols = _nodes(window.col, window.width, size, spacing)
    noise = bytes_of(hashed(key, rows[:, np.newaxis], cols))
    noise = _weighted(noise, rows, window.row, window.height, size, spacing)
    noise = _weighted(
        noise.swapaxes(1, 2), cols, window.col, window.width, size, spacing
    )
    return noise.swapaxes(1, 2)


def _nodes(first: int, count: int, size: float, spacing: int) -> np.ndarray:
    """Numbers of the nodes that have a weight in some pixel of an axis."""
    reach = REACH * size
    return np.arange(
        int((first - reach) // spacing), int((first + count + reach) // spacing) + 1
    )


def _weighted(
    values: np.ndarray,
    nodes: np.ndarray,
    first: int,
    count: int,
    size: float,
    spacing: int,
) -> np.ndarray:
    """Weighted sums (4, pixel, n) of the values (4, node, n) of nodes."""
    sums = np.empty((len(values), count, values.shape[-1]), "float32")
    for start in range(0, count, STRIP):
        pixels = np.arange(start, min(start + STRIP, count))
        near = _nodes(first + start, len(pixels), size, spacing)
        weights = np.exp(
            -0.5 * (((first + pixels[:, np.newaxis]) - near * spacing) / size) ** 2
        )
        # The variance of a weighted sum is the sum of the squares of its weights.
        weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
        begin = near[0] - nodes[0]
        np.matmul(
            weights.astype("float32"),
            values[:, begin : begin + len(near)],
            out=sums[:, start : start + len(pixels)],
        )
    return sums
