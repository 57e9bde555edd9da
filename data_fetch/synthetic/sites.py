"""Places of objects: sites on a jittered lattice, the cells around them, and blobs."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from data_fetch.synthetic.fields import Window
from data_fetch.synthetic.hashing import hashed, share_of

# How far a site lies from the middle of its square at most, as a share of the side.
JITTER = 0.36
# A blob's radius changes by this share with each unit of noise, up to two units.
WOBBLE = 0.25

__all__ = ["Cells", "Site", "blob", "cells", "sites_near"]


class Cells(NamedTuple):
    """The cell of each pixel.

    Attributes:
        bits: Hash of the cell (height, width) uint32.
        border: Distance (height, width) float32 to the next cell, in pixels: how much
            further away the second nearest site is, halved.
    """

    bits: np.ndarray
    border: np.ndarray


class Site(NamedTuple):
    """A place of an object: its hash, middle and radius in pixels."""

    bits: np.ndarray
    row: float
    col: float
    radius: float


def cells(key: int, y: np.ndarray, x: np.ndarray, spacing: float) -> Cells:
    """Find the nearest site of each point: polygons that fill the plane.

    Args:
        key: Key of the layer.
        y: Coordinates (height, width) float32 in pixels, downwards.
        x: The same to the right.
        spacing: Distance of neighbouring sites, in pixels.

    Example:
        >>> y, x = np.mgrid[:40, :60].astype("float32")
        >>> found = cells(3, y, x, spacing=20)
        >>> len(np.unique(found.bits)) in range(6, 25)
        True
    """
    i, j = (np.floor(values / np.float32(spacing)).astype("intp") for values in (y, x))
    rows = np.arange(i.min() - 1, i.max() + 2)
    cols = np.arange(j.min() - 1, j.max() + 2)
    bits, middle_y, middle_x = _sites(key, rows, cols, spacing)
    index = (i - rows[0]) * len(cols) + (j - cols[0])
    nearest = np.full(y.shape, np.inf, "float32")
    second, which = nearest.copy(), index.copy()
    for step in (di * len(cols) + dj for di in (-1, 0, 1) for dj in (-1, 0, 1)):
        other = index + step
        away = (y - middle_y.take(other)) ** 2 + (x - middle_x.take(other)) ** 2
        np.minimum(second, np.maximum(nearest, away), out=second)
        np.copyto(which, other, where=away < nearest)
        np.minimum(nearest, away, out=nearest)
    border = (np.sqrt(second) - np.sqrt(nearest)) / 2
    return Cells(bits.take(which), border)


def _sites(
    key: int, rows: np.ndarray, cols: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hash, y and x of one site in each square of the lattice, each (row, col)."""
    bits = hashed(key, rows[:, np.newaxis], cols)
    jitter = JITTER * (2 * np.stack([share_of(bits), share_of(bits << 12)]) - 1)
    y = (rows[:, np.newaxis] + 0.5 + jitter[0]) * spacing
    x = (cols + 0.5 + jitter[1]) * spacing
    return bits, y.astype("float32"), x.astype("float32")


def sites_near(
    key: int,
    window: Window,
    spacing: float,
    *,
    radius: tuple[float, float],
    share: float = 1,
) -> Iterator[Site]:
    """Sites whose blobs may reach a window.

    Args:
        key: Key of the layer.
        window: The window.
        spacing: Distance of neighbouring sites, in pixels.
        radius: Smallest and largest radius in pixels; the logarithm is uniform.
        share: Share of the squares of the lattice that have a site.
    """
    reach = radius[1] * (1 + 2 * WOBBLE)
    rows, cols = (
        np.arange(
            int((first - reach) // spacing) - 1,
            int((first + count + reach) // spacing) + 2,
        )
        for first, count in ((window.row, window.height), (window.col, window.width))
    )
    bits, y, x = _sites(key, rows, cols, spacing)
    lot, size = (share_of(hashed(key, bits, np.array([part]))) for part in (1, 2))
    radii = radius[0] * (radius[1] / radius[0]) ** size
    for at in np.argwhere(lot < share):
        place = tuple(at)
        yield Site(bits[place], float(y[place]), float(x[place]), float(radii[place]))


def blob(
    window: Window, site: Site, noise: np.ndarray
) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """Pixels of a round object with an uneven outline.

    Args:
        window: The window.
        site: Middle and radius.
        noise: Field (height, width) that makes the outline uneven.

    Returns:
        The slices of a part of the window, and the mask of the blob in it; None where
        the blob does not touch the window.
    """
    reach = site.radius * (1 + 2 * WOBBLE)
    top, bottom = _limits(site.row - window.row, reach, window.height)
    left, right = _limits(site.col - window.col, reach, window.width)
    if top >= bottom or left >= right:
        return None
    part = (slice(top, bottom), slice(left, right))
    away = np.hypot(
        (window.rows[top:bottom] - site.row).astype("float32"),
        (window.cols[:, left:right] - site.col).astype("float32"),
    )
    limit = site.radius * (1 + WOBBLE * np.clip(noise[part], -2, 2))
    return part, away < limit


def _limits(middle: float, reach: float, count: int) -> tuple[int, int]:
    """First and last-plus-one index of an axis that a blob may cover."""
    return max(0, int(middle - reach)), min(count, int(middle + reach) + 2)
