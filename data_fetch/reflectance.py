"""Reflectance of Sentinel-2 level 2A: which pixels count, and is the offset inside?

Files hold digital numbers (*DN*). Since processing baseline 04.00, 1000 is added to
them, so that reflectance = DN * 0.0001 - 0.1. Some providers remove the 1000 again, and
what their metadata says about it is sometimes wrong. Dark pixels tell the truth: in the
short-wave infrared, water reflects almost nothing.

Offsets and scales are those of STAC: reflectance = DN * scale + offset.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from data_fetch.areas import stripes

SCALE = 1e-4
INSIDE, REMOVED = -0.1, 0.0
OFFSETS = ("auto", "inside", "removed")

# Scene classes that are not the ground: no data, saturated, cloud shadow, cloud (of
# medium and of high probability), thin cirrus.
MASKED = (0, 1, 3, 8, 9, 10)
VEGETATION, WATER = 4, 6

# What is dark in which band, the surest first. Clear water reflects 0.005 to 0.02 in
# B12, but more than 0.1 where the sun glitters on a rough sea. Vegetation reflects 0.02
# to 0.05 in red and blue.
DARK = (
    ("water in B12", WATER, "B12"),
    ("vegetation in B4", VEGETATION, "B4"),
    ("vegetation in B2", VEGETATION, "B2"),
)
# The fifth percentile is compared: borders and wrong scene classes are brighter.
LOW_PERCENTILE = 5
# Fewer pixels at 20 m tell too little. This is a pond of 200 m x 200 m.
FEWEST_DARK = 100
# In reflectance x 10 000. With the offset inside, a dark pixel has 1000 and more, and
# no pixel has less than about 950: the surface would reflect less than nothing.
# Without it, dark pixels have 600 and less.
LEAST_INSIDE, MOST_REMOVED = 900, 700
# Of each kind, so many parts of so many rows are looked at, because a scene may be
# larger than the memory.
PARTS, PART = 4, 256

__all__ = [
    "INSIDE",
    "MASKED",
    "OFFSETS",
    "REMOVED",
    "SCALE",
    "DarkSample",
    "OffsetChoice",
    "choose_offset",
    "dark_samples",
    "darkest_parts",
    "has_data",
    "to_reflectance",
]


class DarkSample(NamedTuple):
    """Dark pixels of one kind.

    Attributes:
        what: Their kind and band: "water in B12".
        pixels: Their number.
        low: Their fifth percentile, DN * scale * 10 000.
    """

    what: str
    pixels: int
    low: float


class OffsetChoice(NamedTuple):
    """The offset of an image, and why.

    Attributes:
        value: The offset, in reflectance: -0.1 if the files hold it, or 0.
        reason: One or two sentences, for SOURCES.md.
        checked: Whether dark pixels confirm it.
    """

    value: float
    reason: str
    checked: bool


def has_data(scl: np.ndarray) -> np.ndarray:
    """Which pixels show the ground, by the scene classification (SCL) of level 2A.

    Example:
        >>> has_data(np.array([0, 4, 6, 9])).tolist()
        [False, True, True, False]
    """
    return ~np.isin(scl, MASKED)


def to_reflectance(
    dn: np.ndarray, *, scale: float, offset: float, valid: np.ndarray
) -> np.ndarray:
    """Turn digital numbers into reflectance x 10 000 without offset.

    Args:
        dn: Digital numbers, of any shape. 0 is no-data.
        scale: Reflectance of one digital number, usually 0.0001.
        offset: Offset in reflectance: -0.1 if the numbers hold it, otherwise 0.
        valid: Which pixels have data; its shape is that of `dn` or fits it.

    Returns:
        uint16 of the same shape: 1 or more where a pixel has data, 0 elsewhere. The
        offset makes some dark pixels negative; they become 1.

    Example:
        >>> dn = np.array([0, 900, 1000, 3500], "uint16")
        >>> to_reflectance(dn, scale=1e-4, offset=-0.1, valid=dn > 0).tolist()
        [0, 1, 1, 2500]
    """
    values = np.rint(dn * (scale * 10_000) + offset * 10_000)
    limits = np.iinfo("uint16")
    return np.where(valid, np.clip(values, 1, limits.max), 0).astype("uint16")


def darkest_parts(height: int, read: Callable[[range], np.ndarray]) -> list[range]:
    """The rows of a scene with most water, and those with most vegetation.

    Args:
        height: Rows of the scene at 20 m.
        read: Gives the scene classification of some rows, (rows, width).

    Returns:
        At most `PARTS` parts for each of the two, from top to bottom. At least one
        part, although it may have neither.

    Example:
        >>> scl = np.full((1000, 10), 5)
        >>> scl[300:310] = WATER
        >>> darkest_parts(1000, lambda rows: scl[rows.start : rows.stop])
        [range(256, 512)]
    """
    parts = list(stripes(height, PART))
    kinds = (WATER, VEGETATION)
    counts = np.array(
        [[(read(rows) == kind).sum() for kind in kinds] for rows in parts]
    )
    best = {0} if not counts.any() else set()
    for of_kind in counts.T:
        order = np.argsort(-of_kind, kind="stable")[:PARTS]
        best |= {int(number) for number in order if of_kind[number]}
    return [parts[number] for number in sorted(best)]


def dark_samples(
    scl: np.ndarray,
    read: Callable[[str], np.ndarray | None],
    *,
    scale: float = SCALE,
) -> list[DarkSample]:
    """Measure the dark pixels of an image.

    Args:
        scl: Scene classification (height, width).
        read: Gives the digital numbers of "B12", "B4" or "B2" on the same pixels, or
            None if there is no such band. It is called for bands that are needed.
        scale: Reflectance of one digital number.

    Returns:
        One sample for each kind that has enough pixels. The first sample without the
        offset is the last one, because no other could refute it.

    Example:
        >>> scl = np.full((20, 10), WATER)
        >>> dark_samples(scl, lambda band: np.full((20, 10), 1120, "uint16"))
        [DarkSample(what='water in B12', pixels=200, low=1120.0)]
    """
    found = []
    for what, scene_class, band in DARK:
        dark = scl == scene_class
        if dark.sum() < FEWEST_DARK:
            continue
        dn = read(band)
        if dn is None:
            continue
        values = dn[dark & (dn > 0)]
        if values.size < FEWEST_DARK:
            continue
        low = float(np.percentile(values, LOW_PERCENTILE)) * scale * 10_000
        found.append(DarkSample(what, values.size, round(low, 1)))
        if low <= MOST_REMOVED:
            break
    return found


def choose_offset(
    declared: float | None,
    why: str,
    dark: Sequence[DarkSample],
    *,
    forced: str = "auto",
) -> OffsetChoice:
    """Decide whether the offset is inside the digital numbers.

    Metadata decides, and dark pixels correct it. The sensing date plays no part: old
    images are processed again with the offset.

    Args:
        declared: The offset that metadata tells, in reflectance; None if it tells none.
        why: What metadata says, for SOURCES.md: "`raster:offset` is -0.1".
        dark: What `dark_samples` found.
        forced: "inside" or "removed" if the user knows better.

    Returns:
        The offset with its reason.

    Raises:
        ValueError: If neither metadata nor dark pixels tell.

    Example:
        >>> water = [DarkSample("water in B12", 400, 1120)]
        >>> choose_offset(0.0, "`earthsearch:boa_offset_applied` is true", water).value
        -0.1
    """
    if forced != "auto":
        value = {"inside": declared or INSIDE, "removed": REMOVED}[forced]
        return OffsetChoice(value, f"The user chose `--offset {forced}`.", False)
    seen = _seen(dark, declared)
    if declared is None and seen is None:
        raise ValueError(
            f"It is not known whether the offset is inside the pixels: {why}, and "
            "there are too few dark pixels to see it. Choose `--offset inside` or "
            "`--offset removed`."
        )
    if seen is None:
        reason = f"{_sentence(why)} This could not be checked: {_unclear(dark)}."
        return OffsetChoice(declared, reason, False)
    if declared is None or (seen != REMOVED) != (declared != REMOVED):
        reason = f"{_sentence(why)} {_measured(dark, seen)}, so the pixels decided."
        return OffsetChoice(seen, reason, True)
    reason = f"{_sentence(why)} {_measured(dark, seen)}, which confirms it."
    return OffsetChoice(declared, reason, True)


def _seen(dark: Sequence[DarkSample], declared: float | None) -> float | None:
    """The offset that dark pixels show; None if there are none or they are unclear."""
    if not dark:
        return None
    # One dark sample refutes the offset. A bright one may be glitter on the sea.
    low = _darkest(dark).low
    if low >= LEAST_INSIDE:
        return declared or INSIDE
    return REMOVED if low <= MOST_REMOVED else None


def _darkest(dark: Sequence[DarkSample]) -> DarkSample:
    return min(dark, key=lambda sample: sample.low)


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}."


def _measured(dark: Sequence[DarkSample], seen: float) -> str:
    sample = _darkest(dark)
    state = "removed from" if seen == REMOVED else "inside"
    return (
        f"The darkest {LOW_PERCENTILE} % of {sample.what} ({sample.pixels} pixels) "
        f"have at most {sample.low:.0f}: the offset is {state} the pixels"
    )


def _unclear(dark: Sequence[DarkSample]) -> str:
    if not dark:
        return "there are too few pixels of water or vegetation"
    sample = _darkest(dark)
    return f"{sample.what} has {sample.low:.0f}, which fits both"
