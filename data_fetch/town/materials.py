"""Materials of the town: spectrum, texture, and class of each."""

from typing import NamedTuple

import numpy as np

OTHER, BUILDING, ROAD, VEGETATION = range(4)
BANDS = ("R", "G", "B", "NIR")

__all__ = [
    "BANDS",
    "BUILDING",
    "MATERIALS",
    "OTHER",
    "ROAD",
    "VEGETATION",
    "Material",
    "spectra",
]


class Material(NamedTuple):
    """One material.

    Attributes:
        spectrum: Reflectance x 10 000 in the order of `BANDS`.
        label: Class of its pixels.
        fine_noise: Standard deviation from pixel to pixel, as a share of the spectrum.
        coarse_noise: The same for structures that are some metres wide.
    """

    spectrum: tuple[int, int, int, int]
    label: int
    fine_noise: float = 0.05
    coarse_noise: float = 0.05


# The levels follow typical spectra of urban surfaces. Sand and tile are a little greyer
# than new ones, because they are weathered.
MATERIALS = {
    "asphalt": Material((950, 880, 800, 1250), ROAD, 0.04, 0.05),
    "paint": Material((1500, 1420, 1320, 1700), ROAD, 0.2, 0.1),
    "parking": Material((1250, 1180, 1090, 1500), OTHER, 0.04, 0.05),
    "concrete": Material((1720, 1610, 1480, 2000), OTHER, 0.05, 0.06),
    "sand": Material((2150, 1850, 1480, 2700), OTHER, 0.07, 0.1),
    "soil": Material((1500, 1250, 980, 2150), OTHER, 0.08, 0.08),
    "track": Material((1500, 1000, 760, 1900), OTHER, 0.03, 0.04),
    "water": Material((480, 620, 560, 320), OTHER, 0.02, 0.05),
    "lawn": Material((560, 800, 480, 3050), VEGETATION, 0.06, 0.07),
    "meadow": Material((1000, 950, 680, 2450), VEGETATION, 0.07, 0.09),
    "hedge": Material((300, 480, 270, 2600), VEGETATION, 0.15, 0.1),
    "broadleaf": Material((380, 620, 330, 3900), VEGETATION, 0.14, 0.06),
    "conifer": Material((300, 430, 270, 2500), VEGETATION, 0.14, 0.06),
    "dark roof": Material((820, 760, 710, 1050), BUILDING, 0.05, 0.05),
    "tile roof": Material((1650, 1080, 800, 2150), BUILDING, 0.07, 0.06),
    "bright roof": Material((2350, 2230, 2080, 2650), BUILDING, 0.03, 0.05),
    "green roof": Material((800, 950, 660, 2000), BUILDING, 0.08, 0.1),
    "car": Material((1000, 980, 960, 1150), OTHER, 0.02, 0.02),
    "car on a road": Material((1000, 980, 960, 1150), ROAD, 0.02, 0.02),
}


def spectra(names: list[str]) -> np.ndarray:
    """Spectra (name, band) float32 of materials, reflectance x 10 000.

    Example:
        >>> spectra(["water", "lawn"])[:, BANDS.index("NIR")].tolist()
        [320.0, 3050.0]
    """
    return np.array([MATERIALS[name].spectrum for name in names], "float32")
