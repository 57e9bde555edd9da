"""The town from above: its plan painted, lit by the sun, at the sharpest grid."""

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize
from shapely import Polygon

from data_fetch.town.materials import (
    BANDS,
    BUILDING,
    MATERIALS,
    OTHER,
    ROAD,
    VEGETATION,
    spectra,
)
from data_fetch.town.sketch import SUN_AZIMUTH, SUN_ELEVATION, Sketch, Surface

# Painted with pixels half as large as those of the panchromatic image.
SPACING = 0.75
# Light in a shadow, as a share of that in the sun.
SHADOW = 0.35
# The brightest side of a crown, against flat ground.
CROWN = 1.3
BASE = Surface(Polygon(), "asphalt")
HEIGHT_ORDER = (BUILDING, VEGETATION, ROAD, OTHER)
TREE_KINDS = ("broadleaf", "broadleaf", "broadleaf", "conifer")

__all__ = ["SHADOW", "SPACING", "Frame", "blurred", "look", "shadow_of", "smooth_noise"]


@dataclass(frozen=True)
class Frame:
    """Ground that is looked at.

    Attributes:
        left: x of its left edge, in metres.
        top: y of its upper edge.
        shape: (height, width) in pixels of `SPACING`.
    """

    left: float
    top: float
    shape: tuple[int, int]

    @property
    def transform(self) -> Affine:
        """From (column, row) to (x, y)."""
        return Affine(SPACING, 0, self.left, 0, -SPACING, self.top)


def look(
    sketch: Sketch, frame: Frame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance and classes of what is seen from above.

    Args:
        sketch: The town.
        frame: Which part of it; height and width even.
        rng: For textures and kinds of trees.

    Returns:
        Reflectance x 10 000 (height / 2, width / 2, band) float32 in the order of
        `BANDS`, and classes (height / 2, width / 2) uint8: the most frequent one.

    Example:
        >>> from data_fetch.town.plan import plan_town
        >>> frame = Frame(0, 90, (120, 160))
        >>> image, classes = look(plan_town(120, 90), frame, np.random.default_rng(0))
        >>> image.shape, classes.shape
        ((60, 80, 4), (60, 80))
    """
    surfaces = [BASE, *sketch.ground]
    ids = np.zeros(frame.shape, "int32")
    light = _shade_ground(sketch, frame)
    _paint(ids, sketch.ground, 1, frame)
    kinds = rng.choice(TREE_KINDS, len(sketch.trees))
    gains = np.exp(rng.normal(0, 0.12, len(sketch.trees)))
    _plant(ids, light, sketch, len(surfaces), frame)
    surfaces += [Surface(BASE.shape, k, g) for k, g in zip(kinds, gains, strict=True)]
    first_roof = len(surfaces)
    _paint(ids, sketch.roofs, first_roof, frame)
    light[ids >= first_roof] = 1
    surfaces += sketch.roofs
    return _reflectance(surfaces, ids, light, rng), _classes(surfaces, ids)


def _paint(ids: np.ndarray, surfaces: list[Surface], first: int, frame: Frame) -> None:
    """Paint the number of each surface, from `first` on; later ones cover earlier."""
    seen = shapely.intersects([s.shape for s in surfaces], _ground(frame))
    shapes = [(surfaces[i].shape, first + i) for i in np.flatnonzero(seen).tolist()]
    if shapes:
        rasterize(shapes, out=ids, transform=frame.transform)


def _ground(frame: Frame) -> Polygon:
    height, width = (side * SPACING for side in frame.shape)
    return shapely.box(frame.left, frame.top - height, frame.left + width, frame.top)


def shadow_of(outline: Polygon, height: float) -> Polygon:
    """The ground that a building covers or shades.

    Args:
        outline: Its walls.
        height: Their height in metres.

    Example:
        >>> shadow = shadow_of(shapely.box(0, 0, 10, 10), 6)
        >>> south, north = shadow.bounds[1], shadow.bounds[3]
        >>> south == 0 and north > 10
        True
    """
    length = height / np.tan(SUN_ELEVATION)
    shift = -length * np.array([np.sin(SUN_AZIMUTH), np.cos(SUN_AZIMUTH)])
    moved = shapely.transform(outline, lambda points: points + shift)
    return shapely.convex_hull(shapely.union(outline, moved))


def _shade_ground(sketch: Sketch, frame: Frame) -> np.ndarray:
    """Light on the ground: 1 in the sun, `SHADOW` behind buildings."""
    shadows = [shadow_of(outline, height) for outline, height in sketch.walls]
    seen = shapely.intersects(shadows, _ground(frame))
    dark = np.zeros(frame.shape, "uint8")
    shapes = [(shadows[i], 1) for i in np.flatnonzero(seen).tolist()]
    if shapes:
        rasterize(shapes, out=dark, transform=frame.transform)
    return np.where(dark, np.float32(SHADOW), np.float32(1))


def _plant(
    ids: np.ndarray, light: np.ndarray, sketch: Sketch, first: int, frame: Frame
) -> None:
    """Paint crowns as lit domes, and their shadows on the ground."""
    if not sketch.trees:
        return
    trees = np.array(sketch.trees)
    height = 1.6 * trees[:, 2] / np.tan(SUN_ELEVATION)
    shift = np.stack([-np.sin(SUN_AZIMUTH) * height, -np.cos(SUN_AZIMUTH) * height])
    shaded = trees + np.pad(shift.T, ((0, 0), (0, 1)))
    rows, cols, _, _ = _discs(shaded, frame)
    in_the_sun = light.copy()
    light[rows, cols] = SHADOW
    rows, cols, rank, dome = _discs(trees, frame)
    # A crown stands above the shadows of other trees, not above those of houses.
    light[rows, cols] = in_the_sun[rows, cols] * dome
    ids[rows, cols] = first + rank


def _discs(
    trees: np.ndarray, frame: Frame
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of crowns: rows, columns, rank of the tree, light of the dome there."""
    near = shapely.contains_xy(_ground(frame).buffer(trees[:, 2].max()), trees[:, :2])
    ranks = np.flatnonzero(near)
    trees = trees[near].astype("float32")
    side = int(np.ceil(trees[:, 2].max(initial=0) / SPACING)) + 1
    v, u = (axis.ravel() for axis in np.mgrid[-side : side + 1, -side : side + 1])
    x, y, radius = trees.T[:, :, np.newaxis]
    cols = np.floor((x - frame.left) / SPACING).astype(int) + u
    rows = np.floor((frame.top - y) / SPACING).astype(int) + v
    east = (frame.left + (cols + 0.5) * SPACING - x) / radius
    north = (frame.top - (rows + 0.5) * SPACING - y) / radius
    inside = (east**2 + north**2 < 1) & (rows >= 0) & (cols >= 0)
    inside &= (rows < frame.shape[0]) & (cols < frame.shape[1])
    rank, _ = np.nonzero(inside)
    east, north = east[inside], north[inside]
    up = np.sqrt(np.maximum(1 - east**2 - north**2, 0))
    sun = np.cos(SUN_ELEVATION) * (
        east * np.sin(SUN_AZIMUTH) + north * np.cos(SUN_AZIMUTH)
    ) + np.sin(SUN_ELEVATION) * (0.4 + 0.6 * up)
    dome = (SHADOW + (CROWN - SHADOW) * np.clip(sun, 0, 1)).astype("float32")
    return rows[inside], cols[inside], ranks[rank], dome


def _reflectance(
    surfaces: list[Surface],
    ids: np.ndarray,
    light: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    names = [surface.material for surface in surfaces]
    gains = np.array([surface.gain for surface in surfaces], "float32")
    table = spectra(names) * gains[:, np.newaxis]
    grain = np.array([MATERIALS[name].grain for name in names], "float32")
    mottle = np.array([MATERIALS[name].mottle for name in names], "float32")
    texture = 1 + grain[ids] * smooth_noise(ids.shape, 0.8, rng)
    texture += mottle[ids] * smooth_noise(ids.shape, 6, rng)
    light = light * np.maximum(texture, 0.2)
    bands = [_halved(table[ids, band] * light) for band in range(len(BANDS))]
    return np.stack(bands, axis=-1)


def _halved(values: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels."""
    height, width = values.shape
    return values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _classes(surfaces: list[Surface], ids: np.ndarray) -> np.ndarray:
    """The most frequent class of 2x2 pixels; of two as frequent, the higher one."""
    table = np.array([MATERIALS[s.material].label for s in surfaces], "uint8")
    fine = table[ids]
    shares = [_halved((fine == label).astype("float32")) for label in HEIGHT_ORDER]
    return np.array(HEIGHT_ORDER, "uint8")[np.stack(shares).argmax(axis=0)]


def smooth_noise(
    shape: tuple[int, int], size: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise (height, width) float32 with structures of `size` pixels, sd 1.

    Example:
        >>> noise = smooth_noise((30, 50), 2, np.random.default_rng(0))
        >>> noise.shape, abs(float(noise.std()) - 1) < 1e-3
        ((30, 50), True)
    """
    noise = blurred(rng.standard_normal(shape, "float32"), size)
    return (noise - noise.mean()) / noise.std()


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Values (height, width) behind a Gauss filter; what leaves one side comes back.

    Example:
        >>> point = np.zeros((9, 12), "float32")
        >>> point[4, 4] = 1
        >>> soft = blurred(point, 1.0)
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
    """Gauss weights around index 0, also below it: there they come from the end."""
    distance = np.minimum(np.arange(size), size - np.arange(size))
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum()
