"""Pixels of the practice catalogue: the Havel scene, its seasons, and drawn clouds."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_fetch.town.filters import smooth_noise

# Classes of the scene classification (SCL) that are used here.
SHADOW, VEGETATION, BARE, WATER, THIN_CLOUD, CLOUD = 3, 4, 5, 6, 8, 9

# Reflectance × 10 000 of a thick cloud, in all bands.
CLOUD_VALUE = 7000
# Share of the light that reaches the ground in a cloud's shadow.
SHADOW_LIGHT = 0.5
# Where a shadow falls, in pixels of 20 m: the morning sun stands in the south-east.
SHADOW_SHIFT = (-14, -9)
# Size of the clouds, in pixels of 20 m.
CLOUD_SIZE = 22

__all__ = ["DATES", "Day", "Picture", "take_picture"]


@dataclass(frozen=True)
class Day:
    """A day on which the practice satellite passes.

    Attributes:
        date: The day, as 2023-02-16.
        clouds: Share of the image that clouds cover, in percent.
        green: How much greener the vegetation is than in the original image, from 0
            to 1.
    """

    date: str
    clouds: float
    green: float

    @property
    def compact(self) -> str:
        """The date as 20230216."""
        return self.date.replace("-", "")


# The Havel image was taken on a 16 February; that day has its pixels as they are.
DATES = (
    Day("2023-02-16", clouds=1.5, green=0.0),
    Day("2023-05-17", clouds=8.0, green=1.0),
    Day("2023-06-21", clouds=35.0, green=0.8),
    Day("2023-09-09", clouds=4.0, green=0.4),
)

# What full green adds to the reflectance of dense vegetation, as a share of it. Leaves
# reflect more in the near infrared, and absorb red and the light that water absorbs.
GREENER = {
    "B4": -0.3,
    "B5": -0.1,
    "B6": 0.4,
    "B7": 0.5,
    "B8": 0.6,
    "B8A": 0.6,
    "B11": -0.1,
    "B12": -0.25,
}


class Picture(NamedTuple):
    """One day's image.

    Attributes:
        bands: Reflectance × 10 000 of each band (height, width) uint16, at least 1.
        scl: Scene classification (height, width) uint8 at 20 m.
    """

    bands: dict[str, np.ndarray]
    scl: np.ndarray


def take_picture(bands: dict[str, np.ndarray], day: Day, water: np.ndarray) -> Picture:
    """Change an image to what it could look like on another day.

    Args:
        bands: Reflectance × 10 000 of the bands (height, width) uint16: B2, B3, B4 and
            B8 at 10 m, the others at 20 m.
        day: The day.
        water: Whether a pixel of 20 m (height, width) is known to be water.

    Returns:
        The bands and their scene classification. Pixels without clouds and shadows keep
        their values if the day is not greener.

    Example:
        >>> bands = {name: np.full((8, 12), 900, "uint16") for name in ("B8A", "B11")}
        >>> bands["B4"] = bands["B8A"].repeat(2, 0).repeat(2, 1)
        >>> clear = Day("2023-02-16", clouds=0, green=0)
        >>> picture = take_picture(bands, clear, np.zeros((8, 12), bool))
        >>> int(picture.bands["B4"].max()), np.unique(picture.scl).tolist()
        (900, [5])
    """
    opacity = _clouds(water.shape, day)
    shadow = _shadow(opacity)
    light = np.where(shadow, SHADOW_LIGHT, 1)
    leaves = np.clip((_vegetation_index(bands) - 0.1) / 0.4, 0, 1) * day.green
    ground = {
        name: pixels * _like(pixels, 1 + GREENER.get(name, 0) * leaves)
        for name, pixels in bands.items()
    }
    scl = np.where(_vegetation_index(ground) > 0.3, VEGETATION, BARE)
    scl[water | _dark(bands)] = WATER
    scl[shadow] = SHADOW
    scl[opacity > 0] = THIN_CLOUD
    scl[opacity > 0.7] = CLOUD
    seen = {name: _seen(pixels, light, opacity) for name, pixels in ground.items()}
    return Picture(seen, scl.astype("uint8"))


def _vegetation_index(bands: dict[str, np.ndarray]) -> np.ndarray:
    """NDVI (height, width) at 20 m, from B8A and the mean of B4."""
    height, width = bands["B8A"].shape
    red = bands["B4"].reshape(height, 2, width, 2).mean(axis=(1, 3))
    infrared = bands["B8A"].astype(float)
    return (infrared - red) / (infrared + red)


def _dark(bands: dict[str, np.ndarray]) -> np.ndarray:
    # Only water is that dark in the short-wave infrared.
    return (bands["B11"] < 400) & (bands["B8A"] < 1100)


def _clouds(shape: tuple[int, int], day: Day) -> np.ndarray:
    """Opacity (height, width) of the clouds, from 0 (none) to 1."""
    rng = np.random.default_rng(int(day.compact))
    noise = smooth_noise(shape, CLOUD_SIZE, rng)
    edge = np.quantile(noise, 1 - day.clouds / 100)
    return np.clip((noise - edge) / 0.3, 0, 1) if day.clouds else np.zeros(shape)


def _shadow(opacity: np.ndarray) -> np.ndarray:
    shadow = np.zeros(opacity.shape, bool)
    up, left = (-shift for shift in SHADOW_SHIFT)
    shadow[:-up, :-left] = opacity[up:, left:] > 0
    return shadow & (opacity == 0)


def _seen(ground: np.ndarray, light: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """The ground in shadows and behind clouds."""
    light, opacity = _like(ground, light), _like(ground, opacity)
    mixed = ground * light * (1 - opacity) + CLOUD_VALUE * opacity
    # 0 means no-data.
    return np.clip(np.rint(mixed), 1, 50_000).astype("uint16")


def _like(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (height, width) at 20 m, repeated where the pixels are at 10 m."""
    if pixels.shape == values.shape:
        return values
    return values.repeat(2, axis=0).repeat(2, axis=1)
