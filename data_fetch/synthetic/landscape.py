"""The landscape: what lies at each pixel of an endless plane.

Layers are painted one over the other: farmland, hills with forest, towns and villages,
parks, golf courses, water, and roads. A layer decides by smooth noise and by the sites
near a window, so every window of the plane can be made alone.
"""

from typing import NamedTuple

import numpy as np

from data_fetch.synthetic.fields import Window, smooth_noise
from data_fetch.synthetic.hashing import hashed, key_of, share_of
from data_fetch.synthetic.mixtures import (
    LABEL_OF,
    NUMBER_OF,
)
from data_fetch.synthetic.sites import Cells, Site, blob, cells, sites_near

NO_LABEL = 255
# Share of the objects of each class that have a label. Rare classes have more.
LABELLED = np.array([0.55, 0.85, 0.75, 0.32, 0.16, 0.16, 0], "float32")

__all__ = ["NO_LABEL", "Land", "labels_of", "lay_out"]


class Land(NamedTuple):
    """What lies at each pixel of a window; arrays (height, width).

    Attributes:
        kind: Number of the kind of land, uint8.
        whole: Hash of the object that the pixel belongs to, uint32: a lake, a golf
            course, a farm. An object is labelled as a whole.
        part: Hash of the part of the object, uint32: a field of a farm, a fairway.
    """

    kind: np.ndarray
    whole: np.ndarray
    part: np.ndarray

    def paint(
        self,
        name: str,
        where: np.ndarray,
        whole: np.ndarray,
        part: np.ndarray | None = None,
    ) -> None:
        """Cover pixels by a kind of land."""
        np.copyto(self.kind, NUMBER_OF[name], where=where)
        np.copyto(self.whole, whole, where=where)
        np.copyto(self.part, whole if part is None else part, where=where)


def labels_of(seed: int, land: Land) -> np.ndarray:
    """Class of each pixel (height, width) uint8 in the objects that have a label."""
    classes = LABEL_OF[land.kind]
    lot = share_of(hashed(key_of(seed, "labels"), land.whole))
    return np.where(lot < LABELLED[classes], classes, NO_LABEL).astype("uint8")


class _Ground(NamedTuple):
    """What the layers share: the seed, the window, and its smooth fields.

    Attributes:
        seed: Seed of the landscape.
        window: The pixels.
        large: Four fields (4, height, width) with structures of kilometres.
        middle: Four fields with structures of some hundred metres.
        small: Four fields with structures of some pixels.
    """

    seed: int
    window: Window
    large: np.ndarray
    middle: np.ndarray
    small: np.ndarray

    def key(self, name: str) -> int:
        return key_of(self.seed, name)

    @property
    def y(self) -> np.ndarray:
        return np.broadcast_to(self.window.rows.astype("float32"), self.large.shape[1:])

    @property
    def x(self) -> np.ndarray:
        return np.broadcast_to(self.window.cols.astype("float32"), self.large.shape[1:])


def lay_out(seed: int, window: Window) -> Land:
    """Lay out the landscape of a window."""
    noise = {
        name: smooth_noise(key_of(seed, name), window, size)
        for name, size in (("large", 75), ("middle", 20), ("small", 5))
    }
    ground = _Ground(seed, window, **noise)
    shape = (window.height, window.width)
    land = Land(
        np.zeros(shape, "uint8"), np.zeros(shape, "uint32"), np.zeros(shape, "uint32")
    )
    _add_farms(land, ground)
    town = _add_towns(land, ground)
    _add_forest(land, ground, town)
    _add_villages(land, ground)
    _add_parks(land, ground)
    _add_roads(land, ground)
    _add_golf(land, ground)
    _add_water(land, ground)
    return land


def _turned(bits: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple:
    """Coordinates along and across a direction that depends on a hash."""
    angle = share_of(bits) * np.float32(np.pi)
    sine, cosine = np.sin(angle), np.cos(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def _grid(bits: np.ndarray, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Hash of the rectangles that whole numbers of two coordinates divide a cell in."""
    rows = np.floor(across).astype("int32")
    # Rows are shifted against each other, as bricks are.
    shift = share_of(hashed(0, bits, rows))
    return hashed(1, bits, rows, np.floor(along + shift).astype("int32"))


def _add_farms(land: Land, ground: _Ground) -> None:
    """Farmland: farms of strips of 0.1 to 1 hectare, with a track around."""
    farm = cells(ground.key("farms"), ground.y, ground.x, 42)
    along, across = _turned(farm.bits, ground.y, ground.x)
    length, width = (share_of(farm.bits << shift) for shift in (8, 16))
    fields = _grid(farm.bits, along / (7 + 16 * length), across / (2 + 5 * width))
    land.paint("farm", np.True_, farm.bits, fields)
    land.paint("road", farm.border < 0.5, farm.bits)


def _add_towns(land: Land, ground: _Ground) -> np.ndarray:
    """Towns: quarters of blocks between streets; returns how urban each pixel is."""
    town = ground.large[1] + 0.35 * ground.middle[1]
    quarter = cells(ground.key("quarters"), ground.y, ground.x, 34)
    # A quarter is built up as a whole, so that the town has a crisp edge.
    lot = share_of(hashed(1, quarter.bits)) - 0.5
    inside = town + 0.4 * lot > 1.05
    _build_up(land, inside, town, quarter, ground)
    return town


def _build_up(
    land: Land, inside: np.ndarray, town: np.ndarray, quarter: Cells, ground: _Ground
) -> None:
    """Cover quarters by blocks and streets."""
    along, across = _turned(quarter.bits, ground.y, ground.x)
    length, width = (share_of(quarter.bits << shift) for shift in (8, 16))
    along, across = along / (9 + 8 * length), across / (6 + 5 * width)
    block = _grid(quarter.bits, along, across)
    trade = share_of(hashed(2, quarter.bits)) < 0.16
    land.paint("houses", inside, quarter.bits, block)
    land.paint("centre", inside & (town > 1.75), quarter.bits, block)
    land.paint("industry", inside & trade, quarter.bits, block)
    street = (across % 1 < 0.13) | (quarter.border < 0.6)
    land.paint("street", inside & street, quarter.bits, hashed(3, quarter.bits))


def _add_forest(land: Land, ground: _Ground, town: np.ndarray) -> None:
    """Forest on the hills, in stands, and small woods between the farms."""
    hills = ground.large[0] + 0.35 * ground.middle[0] + 0.08 * ground.small[0]
    y, x = (
        values + 7 * ground.middle[2 + axis] + 2 * ground.small[2 + axis]
        for axis, values in enumerate((ground.y, ground.x))
    )
    forest = cells(ground.key("forests"), y, x, 110)
    stand = cells(ground.key("stands"), y, x, 17)
    land.paint("forest", (hills > 0.35) & (town < hills + 0.9), forest.bits, stand.bits)
    woods = (ground.middle[3] + 0.25 * ground.small[3] > 1.75) & (town < 1)
    land.paint("wood", woods & (hills <= 0.35), hashed(1, forest.bits), stand.bits)


def _add_villages(land: Land, ground: _Ground) -> None:
    for site in sites_near(
        ground.key("villages"), ground.window, 105, radius=(4, 13), share=0.6
    ):
        found = blob(ground.window, site, ground.small[1])
        if found:
            part, inside = found
            _paint_village(_cut(land, part), inside, site, _cut_ground(ground, part))


def _paint_village(land: Land, inside: np.ndarray, site: Site, ground: _Ground) -> None:
    bits = np.broadcast_to(site.bits, inside.shape)
    along, across = _turned(bits, ground.y, ground.x)
    block = _grid(bits, along / 7, across / 5)
    land.paint("houses", inside, bits, block)
    land.paint("street", inside & (across / 5 % 1 < 0.2), bits)


def _cut(land: Land, part: tuple[slice, slice]) -> Land:
    return Land(*(array[part] for array in land))


def _cut_ground(ground: _Ground, part: tuple[slice, slice]) -> _Ground:
    rows, cols = part
    window = Window(
        ground.window.row + rows.start,
        ground.window.col + cols.start,
        rows.stop - rows.start,
        cols.stop - cols.start,
    )
    fields = (field[:, rows, cols] for field in ground[2:])
    return _Ground(ground.seed, window, *fields)


def _add_parks(land: Land, ground: _Ground) -> None:
    """Parks and meadows of 1 to 30 hectares."""
    for site in sites_near(
        ground.key("parks"), ground.window, 92, radius=(6, 30), share=0.55
    ):
        found = blob(ground.window, site, ground.small[2])
        if found:
            part, inside = found
            bits = np.broadcast_to(site.bits, inside.shape)
            patches = ground.small[3][part] + 0.7 * ground.middle[2][part]
            here = _cut(land, part)
            here.paint("lawn", inside, bits)
            here.paint("park trees", inside & (patches > 0.35), bits, hashed(1, bits))


def _add_roads(land: Land, ground: _Ground) -> None:
    for number, (y, x) in enumerate(((0, 1), (1, 0.25), (0.8, -1))):
        line = ground.y * y + ground.x * x + 45 * ground.large[number]
        _, away = _lines(line, 410 + 90 * number)
        whole = np.full(away.shape, number, "uint32")
        land.paint("road", np.abs(away) < 1.3, whole)


def _lines(values: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Number of the nearest multiple of a period, and the distance to it."""
    number = np.rint(values / np.float32(period))
    return number.astype("int32"), values - number * np.float32(period)


def _add_golf(land: Land, ground: _Ground) -> None:
    """Golf courses of 30 to 120 hectares: fairways with rough and trees between."""
    for site in sites_near(
        ground.key("golf"), ground.window, 285, radius=(31, 60), share=0.85
    ):
        found = blob(ground.window, site, ground.middle[0])
        if found:
            part, inside = found
            _paint_golf(_cut(land, part), inside, site, _cut_ground(ground, part))


def _paint_golf(land: Land, inside: np.ndarray, site: Site, ground: _Ground) -> None:
    bits = np.broadcast_to(site.bits, inside.shape)
    y, x = ground.y + 5 * ground.middle[1], ground.x + 5 * ground.middle[2]
    along, across = _turned(bits, y, x)
    strip = across / 9 + 0.12 * ground.small[0]
    hole = _grid(bits, along / 30, strip)
    place = strip % 1
    land.paint("rough", inside, bits, hole)
    land.paint("golf trees", inside & (place > 0.6), bits, hashed(1, hole))
    land.paint("fairway", inside & (np.abs(place - 0.25) < 0.2), bits, hashed(2, hole))


def _add_water(land: Land, ground: _Ground) -> None:
    """Rivers 100 to 400 m wide with grass on their banks, streams, and lakes."""
    reaches = cells(ground.key("reaches"), ground.y, ground.x, 60)
    bed = ground.y * 0.25 + ground.x + 95 * ground.large[2] + 16 * ground.middle[3]
    number, away = _lines(bed - 250, 690)
    width = 11 + 4 * ground.large[3] + ground.small[1]
    width = np.clip(width, 5, 20)
    land.paint("bank", np.abs(away) < width + 7, hashed(1, reaches.bits))
    stream = ground.y + 70 * ground.large[3] + 14 * ground.middle[1]
    land.paint("stream", np.abs(_lines(stream, 330)[1]) < 1.4, hashed(2, reaches.bits))
    land.paint("river", np.abs(away) < width, reaches.bits, hashed(3, number))
    for site in sites_near(
        ground.key("lakes"), ground.window, 240, radius=(7, 30), share=0.7
    ):
        found = blob(ground.window, site, ground.middle[3])
        if found:
            part, inside = found
            bits = np.broadcast_to(site.bits, inside.shape)
            _cut(land, part).paint("lake", inside, bits)
