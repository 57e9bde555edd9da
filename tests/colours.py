"""How far apart colours look: CIEDE2000, for people who see no red, green or blue, and
in grey.

Colours are "#rrggbb".
"""

from itertools import combinations

import numpy as np

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of
# Color Vision Deficiency" (2009), severity 1. The matrices apply to linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# sRGB to XYZ, and the white point D65 (IEC 61966-2-1).
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _XYZ.sum(axis=1)


def lab(color, vision="normal"):
    """CIELAB of a colour, as somebody with this vision sees it."""
    shares = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    xyz = _XYZ @ np.clip(VISIONS[vision] @ linear, 0, 1) / _WHITE
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / 3 / (6 / 29) ** 2 + 4 / 29)
    return np.array(
        [116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])]
    )


def lightness(color):
    """L*, 0 to 100: what is left of a colour that is printed in grey."""
    return lab(color)[0]


def ciede2000(one, other):
    """Difference of two colours in CIELAB; Sharma, Wu and Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.arctan2(b, stretch * a) % (2 * np.pi) for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi if c1 * c2 else 0
    middle = h1 + turn / 2 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * np.cos(middle - np.pi / 6)
        + 0.24 * np.cos(2 * middle)
        + 0.32 * np.cos(3 * middle + np.pi / 30)
        - 0.20 * np.cos(4 * middle - 63 * np.pi / 180)
    )
    far = (light - 50) ** 2
    of_light = (l2 - l1) / (1 + 0.015 * far / np.sqrt(20 + far))
    of_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    of_hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * chroma * weight)
    angle = np.degrees(middle) % 360
    twist = 60 * np.exp(-(((angle - 275) / 25) ** 2))
    mixed = -np.sin(np.radians(twist)) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    return np.sqrt(of_light**2 + of_chroma**2 + of_hue**2 + mixed * of_chroma * of_hue)


def nearest(colors, vision="normal"):
    """The smallest difference of two of the colours, and the two."""
    return min(
        (ciede2000(lab(one, vision), lab(other, vision)), one, other)
        for one, other in combinations(colors, 2)
    )


def nearest_in_grey(colors):
    """The smallest difference of two of the colours in L*, and the two."""
    return min(
        (abs(lightness(one) - lightness(other)), one, other)
        for one, other in combinations(colors, 2)
    )
