"""The layers of the landscape: farms, towns, forests, parks, roads, golf and water.

Lengths are in pixels of 10 m.
"""

from collections.abc import Iterator

import numpy as np

from data_fetch.synthetic.fields import Window
from data_fetch.synthetic.hashing import hashed, share_of
from data_fetch.synthetic.landscape import Ground, Land, empty_land
from data_fetch.synthetic.sites import Cells, blob, cells, sites_near

# Half the width of rivers: 100 to 400 m in all.
RIVER = (5, 20)
# Radius of a circle of 30 hectares, and of one of 120.
GOLF = (31, 62)
# Radius of a circle of 1 hectare, and of one of 30.
PARKS = (5.6, 31)

__all__ = ["lay_out"]


def lay_out(seed: int, window: Window) -> Land:
    """Lay out the landscape of a window.

    Args:
        seed: Another seed gives another landscape.
        window: The pixels.

    Example:
        >>> land = lay_out(1, Window(-20, 0, 40, 60))
        >>> land.kind.shape
        (40, 60)
    """
    ground = Ground.of(seed, window)
    land = empty_land(window)
    _add_farms(land, ground)
    urban = 0.4 * ground.region[1] + ground.large[1] + 0.35 * ground.middle[1]
    _add_towns(land, ground, urban)
    _add_forest(land, ground, urban)
    _add_villages(land, ground)
    _add_parks(land, ground)
    _add_roads(land, ground)
    _add_golf(land, ground)
    _add_rivers(land, ground)
    _add_lakes(land, ground)
    return land


def _turned(
    bits: np.ndarray, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across a direction that depends on a hash."""
    angle = share_of(bits) * np.float32(np.pi)
    sine, cosine = np.sin(angle), np.cos(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def _bricks(bits: np.ndarray, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Hash of the bricks of size 1 that an object consists of.

    Args:
        bits: Hash of the object of each pixel.
        along: Coordinate along the rows of bricks.
        across: Coordinate across them.
    """
    rows = np.floor(across).astype("int32")
    shift = share_of(hashed(0, bits, rows))
    return hashed(1, bits, rows, np.floor(along + shift).astype("int32"))


def _add_farms(land: Land, ground: Ground) -> None:
    """Farms of fields of 0.1 to 2 hectares, with a track around each farm."""
    farm = cells(ground.key("farms"), ground.y, ground.x, 42)
    along, across = _turned(farm.bits, ground.y, ground.x)
    size, form = (share_of(farm.bits << shift) for shift in (8, 16))
    width = 2.5 * np.float32(3) ** size
    fields = _bricks(farm.bits, along / (width * (2 + 2 * form)), across / width)
    land.paint("farm", np.True_, farm.bits, fields)
    land.paint("road", farm.border < 0.5, farm.bits)


def _add_towns(land: Land, ground: Ground, urban: np.ndarray) -> None:
    """Towns of quarters, which are built up as a whole."""
    quarter = cells(ground.key("quarters"), ground.y, ground.x, 34)
    lot = share_of(hashed(1, quarter.bits))
    _build_up(land, urban + 0.4 * lot > 1.25, urban, quarter, ground)


def _build_up(
    land: Land, inside: np.ndarray, urban: np.ndarray, quarter: Cells, ground: Ground
) -> None:
    """Cover quarters by blocks of 0.5 to 2 hectares and by streets."""
    along, across = _turned(quarter.bits, ground.y, ground.x)
    length, width = (share_of(quarter.bits << shift) for shift in (8, 16))
    along, across = along / (9 + 8 * length), across / (6 + 5 * width)
    block = _bricks(quarter.bits, along, across)
    use = share_of(hashed(2, quarter.bits))
    land.paint("houses", inside, quarter.bits, block)
    land.paint("gardens", inside & (use > 0.7), quarter.bits, block)
    land.paint("centre", inside & (urban > 1.75), quarter.bits, block)
    land.paint("industry", inside & (use < 0.16), quarter.bits, block)
    street = (across % 1 < 0.13) | (quarter.border < 0.6)
    land.paint("street", inside & street, quarter.bits, hashed(3, quarter.bits))


def _add_forest(land: Land, ground: Ground, urban: np.ndarray) -> None:
    """Forest on the hills, in stands, and small woods between the farms."""
    hills = 0.5 * ground.region[0] + 0.9 * ground.large[0]
    hills += 0.35 * ground.middle[0] + 0.08 * ground.small[0]
    y, x = (
        values + 7 * ground.middle[axis] + 2 * ground.small[axis]
        for values, axis in ((ground.y, 2), (ground.x, 3))
    )
    forest = cells(ground.key("forests"), y, x, 110)
    stand = cells(ground.key("stands"), y, x, 17)
    high = hills > 0.35
    land.paint("forest", high & (urban < hills + 0.9), forest.bits, stand.bits)
    woods = (ground.middle[3] + 0.25 * ground.small[3] > 1.75) & (urban < 1)
    land.paint("wood", woods & ~high, hashed(1, forest.bits), stand.bits)


def _blobs(
    land: Land,
    ground: Ground,
    name: str,
    spacing: float,
    noise: np.ndarray,
    **options: object,
) -> Iterator[tuple[Land, Ground, np.ndarray, np.ndarray]]:
    """Objects with an uneven outline, one after the other.

    Yields:
        The land and the ground around an object, the mask of the object, and its hash
        (1, 1), which is broadcast against the mask.
    """
    for site in sites_near(ground.key(name), ground.window, spacing, **options):
        found = blob(ground.window, site, noise)
        if found:
            part, inside = found
            bits = np.full((1, 1), site.bits, "uint32")
            yield land.cut(part), ground.cut(part), inside, bits


def _add_villages(land: Land, ground: Ground) -> None:
    options = {"radius": (4, 13), "share": 0.6}
    for here, near, inside, bits in _blobs(
        land, ground, "villages", 105, ground.small[1], **options
    ):
        along, across = _turned(bits, near.y, near.x)
        here.paint("gardens", inside, bits, _bricks(bits, along / 7, across / 5))
        here.paint("street", inside & (across / 5 % 1 < 0.2), bits)


def _add_parks(land: Land, ground: Ground) -> None:
    """Parks and meadows of 1 to 30 hectares: lawn and groups of trees."""
    options = {"radius": PARKS, "share": 0.55}
    noise = 0.7 * ground.small[2] + 0.7 * ground.middle[1]
    for here, near, inside, bits in _blobs(land, ground, "parks", 92, noise, **options):
        trees = near.small[3] + 0.7 * near.middle[2] > 0.35
        here.paint("lawn", inside, bits)
        here.paint("park trees", inside & trees, bits, hashed(1, bits))


def _add_golf(land: Land, ground: Ground) -> None:
    """Golf courses of 30 to 120 hectares: fairways with rough and trees between."""
    options = {"radius": GOLF, "share": 0.85}
    noise = 0.8 * ground.middle[0] + 0.45 * ground.small[0]
    for here, near, inside, bits in _blobs(land, ground, "golf", 285, noise, **options):
        y, x = near.y + 5 * near.middle[1], near.x + 5 * near.middle[2]
        along, across = _turned(bits, y, x)
        strip = across / 9 + 0.12 * near.small[0]
        hole = _bricks(bits, along / 30, strip)
        # Fairways end before the next hole begins.
        place, end = strip % 1, np.abs((along / 30 + share_of(hole)) % 1 - 0.5) < 0.42
        here.paint("rough", inside, bits, hole)
        here.paint("golf trees", inside & (place > 0.6), bits, hashed(1, hole))
        fairway = inside & end & (np.abs(place - 0.28) < 0.22)
        here.paint("fairway", fairway, bits, hashed(2, hole))


def _add_lakes(land: Land, ground: Ground) -> None:
    options = {"radius": (4, 32), "share": 0.75}
    noise = 0.9 * ground.middle[3] + 0.5 * ground.small[3]
    for here, _, inside, bits in _blobs(land, ground, "lakes", 200, noise, **options):
        here.paint("lake", inside, bits)


def _lines(values: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Lines where a field is a multiple of a period.

    Returns:
        Number of the nearest line (height, width) int32, and the distance to it.
    """
    number = np.rint(values / np.float32(period))
    slope = np.hypot(*np.gradient(values))
    # Where the field is flat, the distance is large, and there is no line.
    away = (values - number * np.float32(period)) / np.maximum(slope, 0.2)
    return number.astype("int32"), away


def _add_roads(land: Land, ground: Ground) -> None:
    for number, (down, right) in enumerate(((0, 1), (1, 0.25), (0.8, -1))):
        line = ground.y * down + ground.x * right + 45 * ground.large[number]
        _, away = _lines(line, 410 + 90 * number)
        land.paint("road", np.abs(away) < 1.2, np.array([number], "uint32"))


def _add_rivers(land: Land, ground: Ground) -> None:
    """Rivers with grass on their banks, and streams that flow across."""
    reach = cells(ground.key("reaches"), ground.y, ground.x, 60)
    stream = ground.y + 70 * ground.large[3] + 14 * ground.middle[1]
    _, away = _lines(stream, 330)
    land.paint("stream", np.abs(away) < 1.2, hashed(2, reach.bits))
    bed = ground.y / 4 + ground.x + 95 * ground.large[2] + 16 * ground.middle[3]
    number, away = _lines(bed - 250, 690)
    away = np.abs(away)
    width = np.clip(8 + 3 * ground.large[3] + ground.small[1], *RIVER)
    land.paint("bank", away < width + 6, hashed(1, reach.bits))
    land.paint("river", away < width, reach.bits, hashed(3, number))
