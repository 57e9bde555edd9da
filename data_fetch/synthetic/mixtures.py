"""Mixtures: which materials the pixels of each kind of land consist of.

A *material* (an endmember) has one spectrum. A *kind* of land belongs to a class and
has a weight for each material of the class. Each object draws its own mixture from a
Dirichlet distribution with these weights, so objects of a class differ.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from data_fetch.layout import BANDS_10M, BANDS_20M
from tutorial_lib import rasters

# Names and order of the tutorial; colours that people with a colour-vision deficiency
# can tell apart.
LEGEND = rasters.Legend(
    names=(
        "water",
        "golf course",
        "park and grass land",
        "buildings",
        "forest",
        "farm",
    ),
    colors=("#3a8bc6", "#7fcdbb", "#85b20d", "#c63820", "#084b30", "#fde68a"),
)
WATER, GOLF, PARK, BUILDINGS, FOREST, FARM = range(6)
# Land without a class, such as roads between towns.
OTHER = 6

# Reflectance x 10 000 in the order of BANDS_10M and BANDS_20M. Values between those
# measured in public Sentinel-2 images and typical spectra.
MATERIALS = {
    "clear water": (200, 320, 300, 120, 200, 140, 140, 110, 70, 50),
    "turbid water": (800, 850, 620, 420, 820, 480, 480, 400, 180, 110),
    "fairway": (420, 700, 330, 4300, 1150, 3300, 4050, 4450, 2050, 950),
    "rough": (650, 760, 420, 3100, 1250, 2450, 2900, 3200, 2300, 1250),
    "dry grass": (1150, 950, 650, 2300, 1550, 1950, 2150, 2400, 2900, 2000),
    "broadleaf": (220, 430, 190, 3500, 720, 2650, 3300, 3650, 1650, 680),
    "conifer": (220, 330, 190, 2000, 540, 1500, 1800, 2000, 900, 420),
    "crop": (450, 700, 330, 3600, 1150, 2900, 3450, 3750, 2000, 1000),
    "bare soil": (1550, 1200, 900, 2200, 1800, 1950, 2080, 2250, 2900, 2500),
    "wet paddy": (800, 780, 600, 1300, 950, 1150, 1250, 1250, 800, 500),
    "asphalt": (950, 880, 800, 1250, 1050, 1120, 1180, 1280, 1500, 1350),
    "shadow": (230, 260, 250, 600, 300, 420, 480, 560, 400, 260),
    "dark roof": (720, 680, 650, 950, 780, 830, 880, 980, 1200, 1100),
    "bright roof": (2650, 2500, 2300, 2900, 2750, 2800, 2850, 2900, 2900, 2600),
    "tile roof": (1700, 1000, 700, 2300, 2000, 2100, 2200, 2350, 2700, 2300),
    "sand": (2450, 2000, 1500, 3100, 2700, 2850, 2950, 3100, 3700, 3300),
}
# Weights of the materials of each class, and of land without a class.
WEIGHTS = (
    {
        "clear water": 3.0,
        "turbid water": 3.0,
        "broadleaf": 0.25,
        "rough": 0.2,
        "wet paddy": 0.2,
        "shadow": 0.15,
        "asphalt": 0.15,
        "bright roof": 0.15,
    },
    {
        "fairway": 2.6,
        "rough": 2.0,
        "broadleaf": 1.2,
        "conifer": 0.7,
        "dry grass": 0.3,
        "sand": 0.12,
    },
    {
        "rough": 1.6,
        "broadleaf": 0.9,
        "dry grass": 0.8,
        "fairway": 0.7,
        "asphalt": 0.6,
        "bare soil": 0.4,
        "dark roof": 0.3,
        "bright roof": 0.12,
    },
    {
        "asphalt": 1.4,
        "dark roof": 1.2,
        "bright roof": 0.8,
        "tile roof": 0.55,
        "shadow": 0.5,
        "rough": 0.6,
        "broadleaf": 0.45,
        "bare soil": 0.2,
    },
    {"broadleaf": 2.8, "conifer": 1.8, "shadow": 0.4, "rough": 0.2},
    {
        "crop": 0.7,
        "bare soil": 1.0,
        "dry grass": 1.0,
        "wet paddy": 0.8,
        "rough": 0.5,
        "asphalt": 0.2,
        "tile roof": 0.1,
    },
    {"asphalt": 3.0, "dark roof": 0.5, "rough": 0.3, "shadow": 0.2},
)
SLOTS = max(map(len, WEIGHTS))


class Kind(NamedTuple):
    """A kind of land: its class, and factors for the weights of some materials."""

    label: int
    factors: Mapping[str, float] = MappingProxyType({})


KINDS = {
    "river": Kind(WATER, {"turbid water": 1.3}),
    "lake": Kind(WATER, {"clear water": 1.3}),
    "fairway": Kind(GOLF, {"fairway": 1.8, "broadleaf": 0.4, "conifer": 0.4}),
    "rough": Kind(GOLF),
    "golf trees": Kind(GOLF, {"fairway": 0.4, "broadleaf": 2.2, "conifer": 2.2}),
    "lawn": Kind(PARK, {"broadleaf": 0.6}),
    "park trees": Kind(PARK, {"broadleaf": 2.2, "dry grass": 0.6}),
    "bank": Kind(PARK, {"dry grass": 1.5, "dark roof": 0.1, "bright roof": 0.1}),
    "houses": Kind(BUILDINGS, {"tile roof": 1.6, "rough": 1.3, "broadleaf": 1.3}),
    "gardens": Kind(BUILDINGS, {"rough": 3.0, "broadleaf": 2.5, "bare soil": 3.0}),
    "centre": Kind(BUILDINGS, {"dark roof": 1.3, "rough": 0.4, "shadow": 1.5}),
    "industry": Kind(BUILDINGS, {"bright roof": 3.0, "tile roof": 0.4}),
    "street": Kind(BUILDINGS, {"asphalt": 2.5}),
    "forest": Kind(FOREST),
    "wood": Kind(FOREST, {"broadleaf": 1.5, "rough": 2.0}),
    "farm": Kind(FARM),
    "road": Kind(OTHER),
    "stream": Kind(OTHER, {"rough": 4.0, "shadow": 3.0}),
}
NUMBER_OF = {name: number for number, name in enumerate(KINDS)}
LABEL_OF = np.array([kind.label for kind in KINDS.values()], "uint8")

__all__ = [
    "KINDS",
    "LABEL_OF",
    "LEGEND",
    "NUMBER_OF",
    "OTHER",
    "SLOTS",
    "draw_mixtures",
    "spectra",
]


def spectra(label: int) -> np.ndarray:
    """Spectra (slot, 10) float32 of the materials of a class; unused slots are 0.

    Example:
        >>> spectra(0)[0].tolist()[:4]
        [200.0, 320.0, 300.0, 120.0]
    """
    table = np.zeros((SLOTS, len(BANDS_10M) + len(BANDS_20M)), "float32")
    for slot, name in enumerate(WEIGHTS[label]):
        table[slot] = MATERIALS[name]
    return table


def draw_mixtures(count: int, purity: float, rng: np.random.Generator) -> np.ndarray:
    """Draw mixtures of each kind.

    Args:
        count: Mixtures of each kind.
        purity: Factor of all weights. Small numbers give objects of few materials, so
            objects of a class differ more.
        rng: Random numbers.

    Returns:
        Shares (slot, kind, count) float32, whose sum over the slots is 1.
    """
    shares = np.zeros((SLOTS, len(KINDS), count), "float32")
    for number, kind in enumerate(KINDS.values()):
        weights = {
            name: weight * kind.factors.get(name, 1)
            for name, weight in WEIGHTS[kind.label].items()
        }
        drawn = rng.dirichlet(np.array(list(weights.values())) * purity, count)
        shares[: len(weights), number] = drawn.T
    return shares
