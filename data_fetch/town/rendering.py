"""Rendering: the town seen from above, as reflectance and classes.

Every pixel gets the number of the surface that is visible in it. Spectra, texture, sun
and shadow then give its reflectance.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize
from shapely import Polygon

from data_fetch.town.filters import smooth_noise
from data_fetch.town.materials import (
    BANDS,
    BUILDING,
    MATERIALS,
    OTHER,
    ROAD,
    VEGETATION,
    spectra,
)
from data_fetch.town.objects import SUN_AZIMUTH, SUN_ELEVATION, Surface, Town, Tree

# Pixel size in metres: half of the panchromatic image's, so that its pixels can be
# mixed from four.
SPACING = 0.75
# Light in a shadow, as a share of the light in the sun.
SHADOW = 0.35
# Light on the brightest side of a crown, as a share of the light on flat ground.
CROWN = 1.3
# Material of the ground where nothing else was painted.
BASE = Surface(Polygon(), "asphalt")
# Of two classes that are equally frequent in a pixel, the one that comes first wins.
HEIGHT_ORDER = (BUILDING, VEGETATION, ROAD, OTHER)
TREE_KINDS = ("broadleaf", "broadleaf", "broadleaf", "conifer")

__all__ = ["SHADOW", "SPACING", "Frame", "render", "shadow_of"]


@dataclass(frozen=True)
class Frame:
    """The rectangle of ground that is rendered.

    Attributes:
        left: x of its left edge, in metres.
        top: y of its upper edge, in metres.
        shape: (height, width) in pixels of `SPACING`.
    """

    left: float
    top: float
    shape: tuple[int, int]

    @property
    def transform(self) -> Affine:
        """From (column, row) to (x, y)."""
        return Affine(SPACING, 0, self.left, 0, -SPACING, self.top)

    @property
    def outline(self) -> Polygon:
        """The rectangle as a polygon."""
        height, width = (side * SPACING for side in self.shape)
        return shapely.box(self.left, self.top - height, self.left + width, self.top)


def render(
    town: Town, frame: Frame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance and classes of a part of the town, seen from above.

    Args:
        town: The town.
        frame: The part of it; height and width are even.
        rng: Random numbers for textures and kinds of trees.

    Returns:
        Reflectance x 10 000 (height / 2, width / 2, band) float32 in the order of
        `BANDS`, and classes (height / 2, width / 2) uint8, the most frequent one of
        2x2 pixels.

    Example:
        >>> from data_fetch.town.layout import lay_out_town
        >>> town, frame = lay_out_town(120, 90), Frame(0, 90, (120, 160))
        >>> image, classes = render(town, frame, np.random.default_rng(0))
        >>> image.shape, classes.shape
        ((60, 80, 4), (60, 80))
    """
    kinds = rng.choice(TREE_KINDS, len(town.trees))
    gains = np.exp(rng.normal(0, 0.12, len(town.trees)))
    crowns = [Surface(BASE.shape, k, g) for k, g in zip(kinds, gains, strict=True)]
    # From bottom to top. Pixels hold the index of their surface in this list.
    surfaces = [BASE, *town.ground, *crowns, *town.roofs]
    first_crown = 1 + len(town.ground)
    first_roof = first_crown + len(crowns)

    visible = np.zeros(frame.shape, "int32")
    light = _light_on_ground(town, frame)
    _paint(visible, town.ground, 1, frame)
    if town.trees:
        _paint_trees(visible, light, town.trees, first_crown, frame)
    _paint(visible, town.roofs, first_roof, frame)
    # Roofs have their own brightness: see `objects`.
    light[visible >= first_roof] = 1
    return _reflectance(surfaces, visible, light, rng), _classes(surfaces, visible)


def _paint(
    visible: np.ndarray, surfaces: list[Surface], first: int, frame: Frame
) -> None:
    """Paint the index of each surface, from `first`; later ones cover earlier ones."""
    _rasterize([s.shape for s in surfaces], visible, frame, first=first)


def _rasterize(
    shapes: list[Polygon], out: np.ndarray, frame: Frame, *, first: int | None = None
) -> None:
    """Draw the shapes that touch the frame: with 1, or with numbers from `first`."""
    near = np.flatnonzero(shapely.intersects(shapes, frame.outline)).tolist()
    drawn = [(shapes[i], 1 if first is None else first + i) for i in near]
    # `rasterize` does not accept an empty list.
    if drawn:
        rasterize(drawn, out=out, transform=frame.transform)


def shadow_of(outline: Polygon, height: float) -> Polygon:
    """The ground that a building covers or shades.

    Args:
        outline: Outline of the building.
        height: Height in metres.

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


def _light_on_ground(town: Town, frame: Frame) -> np.ndarray:
    """Light on the ground (height, width): 1 in the sun, `SHADOW` behind buildings."""
    dark = np.zeros(frame.shape, "uint8")
    _rasterize([shadow_of(*building) for building in town.buildings], dark, frame)
    return np.where(dark, np.float32(SHADOW), np.float32(1))


def _paint_trees(
    visible: np.ndarray, light: np.ndarray, trees: list[Tree], first: int, frame: Frame
) -> None:
    """Paint crowns as half-spheres in the sun, and their shadows on the ground."""
    crowns = np.array(trees)
    height = 1.6 * crowns[:, 2] / np.tan(SUN_ELEVATION)
    shift = np.stack([-np.sin(SUN_AZIMUTH) * height, -np.cos(SUN_AZIMUTH) * height])
    shadows = _crown_pixels(crowns + np.pad(shift.T, ((0, 0), (0, 1))), frame)
    light_without_trees = light.copy()
    light[shadows.rows, shadows.cols] = SHADOW
    # A crown is above the shadows of other trees, but in the shadows of buildings.
    rows, cols, tree, brightness = _crown_pixels(crowns, frame)
    light[rows, cols] = light_without_trees[rows, cols] * brightness
    visible[rows, cols] = first + tree


class CrownPixels(NamedTuple):
    """Pixels inside crowns (n,): position, number of the tree, light on the crown."""

    rows: np.ndarray
    cols: np.ndarray
    tree: np.ndarray
    brightness: np.ndarray


def _crown_pixels(trees: np.ndarray, frame: Frame) -> CrownPixels:
    """Pixels of the frame inside the crowns of trees (n, 3): x, y, radius."""
    ground = frame.outline.buffer(trees[:, 2].max())
    near = shapely.contains_xy(ground, trees[:, :2])
    numbers = np.flatnonzero(near)
    trees = trees[near].astype("float32")
    # A square of pixels around each centre, large enough for the largest crown.
    side = int(np.ceil(trees[:, 2].max(initial=0) / SPACING)) + 1
    v, u = (axis.ravel() for axis in np.mgrid[-side : side + 1, -side : side + 1])
    x, y, radius = trees.T[:, :, np.newaxis]
    cols = np.floor((x - frame.left) / SPACING).astype(int) + u
    rows = np.floor((frame.top - y) / SPACING).astype(int) + v
    east = (frame.left + (cols + 0.5) * SPACING - x) / radius
    north = (frame.top - (rows + 0.5) * SPACING - y) / radius
    inside = (east**2 + north**2 < 1) & (rows >= 0) & (cols >= 0)
    inside &= (rows < frame.shape[0]) & (cols < frame.shape[1])
    tree, _ = np.nonzero(inside)
    brightness = _crown_brightness(east[inside], north[inside])
    return CrownPixels(rows[inside], cols[inside], numbers[tree], brightness)


def _crown_brightness(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Light on a half-sphere at (east, north) from its centre, in radii."""
    up = np.sqrt(np.maximum(1 - east**2 - north**2, 0))
    sun = np.cos(SUN_ELEVATION) * (
        east * np.sin(SUN_AZIMUTH) + north * np.cos(SUN_AZIMUTH)
    ) + np.sin(SUN_ELEVATION) * (0.4 + 0.6 * up)
    return (SHADOW + (CROWN - SHADOW) * np.clip(sun, 0, 1)).astype("float32")


def _reflectance(
    surfaces: list[Surface],
    visible: np.ndarray,
    light: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Reflectance of the visible surfaces, averaged over 2x2 pixels."""
    materials = [MATERIALS[surface.material] for surface in surfaces]
    gains = np.array([surface.gain for surface in surfaces], "float32")
    table = spectra([s.material for s in surfaces]) * gains[:, np.newaxis]
    fine = np.array([material.fine_noise for material in materials], "float32")
    coarse = np.array([material.coarse_noise for material in materials], "float32")
    texture = 1 + fine[visible] * smooth_noise(visible.shape, 0.8, rng)
    texture += coarse[visible] * smooth_noise(visible.shape, 6, rng)
    light = light * np.maximum(texture, 0.2)
    bands = [_block_means(table[visible, b] * light) for b in range(len(BANDS))]
    return np.stack(bands, axis=-1)


def _block_means(values: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels."""
    height, width = values.shape
    return values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _classes(surfaces: list[Surface], visible: np.ndarray) -> np.ndarray:
    """The most frequent class of 2x2 pixels; `HEIGHT_ORDER` decides between equals."""
    table = np.array([MATERIALS[s.material].label for s in surfaces], "uint8")
    fine = table[visible]
    shares = [_block_means((fine == label).astype("float32")) for label in HEIGHT_ORDER]
    return np.array(HEIGHT_ORDER, "uint8")[np.stack(shares).argmax(axis=0)]
