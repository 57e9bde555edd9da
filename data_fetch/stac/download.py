"""Downloads what a scene needs of its items, stripe by stripe, and keeps it.

The scene classification comes first. It is small, and it tells which stripes show
nothing but clouds, so that their bands are not read.
"""

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from odc.geo.geobox import GeoBox
from tqdm.auto import tqdm

from data_fetch.areas import stripes
from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.reflectance import has_data
from data_fetch.stac.assets import SCL, asset_grid, spacing_of
from data_fetch.stac.dates import Candidate
from data_fetch.stac.items import Item
from data_fetch.stac.parts import Parts
from data_fetch.stac.reading import read_stripe
from data_fetch.stac.tokens import Tokens

# Rows of a stripe. Files have blocks of 512 or 1024 rows: a stripe that begins with a
# block reads no block twice.
STRIPE = 1024
BLOCK = 512
# Bytes of a pixel in a compressed file: a B4 of a whole tile has about 200 MB, its
# scene classification 3 MB.
PACKED_BYTES, PACKED_SCL_BYTES = 1.7, 0.1
# Faster connections are not measured well with a few small files.
FASTEST = 50e6

__all__ = ["Download", "Estimate", "Pixels", "stripes_of"]


class Estimate(NamedTuple):
    """What a download will cost.

    Attributes:
        reads: Number of stripes to be read.
        size: Bytes to download.
        disk: Bytes of disk until the scene is complete.
        seconds: How long it will take; None if it was not measured.
    """

    reads: int
    size: float
    disk: float
    seconds: float | None


class Stripe(NamedTuple):
    """A stripe of one band of an item."""

    item: Item
    band: str
    rows: range

    @property
    def name(self) -> str:
        """Name of the part that keeps it."""
        # Ids may have any characters and any length, and names of files may not.
        item = f"{self.item.date}_{zlib.crc32(self.item.id.encode()):08x}"
        return f"{item}_{self.band}_{self.rows.start}_{self.rows.stop}"


@dataclass
class Pixels:
    """What was downloaded, as arrays on the grid of the scene.

    Attributes:
        grid: Grid of the scene at 10 m.
        parts: The stripes that are kept.
    """

    grid: GeoBox
    parts: Parts

    def read(self, item: Item, band: str, rows: range) -> np.ndarray:
        """Digital numbers of some rows of a band, (rows, width); 0 where none are."""
        grid = grid_at(self.grid, spacing_of(band))
        dtype = "uint8" if band == SCL else "uint16"
        pixels = np.zeros((len(rows), grid.width), dtype)
        for stripe in stripes_of(item, band, self.grid):
            start = max(rows.start, stripe.rows.start)
            stop = min(rows.stop, stripe.rows.stop)
            if start < stop and stripe.name in self.parts:
                part = self.parts.get(stripe.name, _removed)
                inside = part[start - stripe.rows.start : stop - stripe.rows.start]
                pixels[start - rows.start : stop - rows.start] = inside
        return pixels

    def clear_rows(self, item: Item) -> np.ndarray:
        """Which rows of 20 m of an item show the ground somewhere."""
        parts = [
            has_data(self.read(item, SCL, rows)).any(axis=1)
            for rows in stripes(self.grid.height // 2)
        ]
        return np.concatenate(parts)

    def shown(self, items: Sequence[Item]) -> float:
        """Share of the scene that some items show without clouds, 0 to 1."""
        height, width = grid_at(self.grid, 20).shape
        count = 0
        for rows in stripes(height):
            clear = [has_data(self.read(item, SCL, rows)) for item in items]
            count += int(np.logical_or.reduce(clear).sum())
        return count / (height * width)


def _removed() -> np.ndarray:
    raise RuntimeError("A part was removed while it was used.")


def grid_at(grid: GeoBox, spacing: int) -> GeoBox:
    """The grid of the 10 m or 20 m pixels of a scene."""
    return grid if spacing == 10 else grid.zoom_out(2)


def stripes_of(item: Item, band: str, grid: GeoBox) -> list[Stripe]:
    """The stripes of a band, from top to bottom.

    Args:
        item: The item.
        band: One of `BANDS`.
        grid: Grid of the scene at 10 m.
    """
    target = grid_at(grid, spacing_of(band))
    source = asset_grid(item.assets[band])
    first = 0
    if source is not None and source.crs == target.crs:
        down = (target.transform.f - source.transform.f) / target.transform.e
        first = round(-down) % STRIPE
    edges = sorted({0, *range(first, target.height, STRIPE), target.height})
    return [Stripe(item, band, range(start, stop)) for start, stop in pairwise(edges)]


@dataclass
class Download:
    """The download of a scene.

    Attributes:
        dates: The dates to be fetched, the best first.
        grid: Grid of the scene at 10 m.
        parts: Where stripes are kept.
        tokens: Signs addresses.
        progress: Whether to show a bar.
    """

    dates: Sequence[Candidate]
    grid: GeoBox
    parts: Parts
    tokens: Tokens
    progress: bool = True
    _rate: tuple[float, float] | None = field(default=None, init=False)

    @property
    def pixels(self) -> Pixels:
        """What was downloaded so far."""
        return Pixels(self.grid, self.parts)

    def read_classifications(self) -> None:
        """Read the scene classification of all items, and measure the connection."""
        missing = [one for one in self._stripes((SCL,)) if one.name not in self.parts]
        largest = max(missing, key=lambda one: _packed(one, self.grid), default=None)
        # A stripe may lie outside of the file, and tells nothing then.
        if largest is not None and _packed(largest, self.grid):
            self._measure(largest)
        for stripe in missing:
            self._read(stripe)

    def estimate(self) -> Estimate:
        """What is left to be read; call `read_classifications` before."""
        missing = self._missing()
        size = sum(_packed(stripe, self.grid) for stripe in missing)
        raw = sum(self._bytes(stripe) for stripe in missing)
        seconds = None
        if self._rate is not None:
            latency, rate = self._rate
            seconds = len(missing) * latency + size / rate
        # Beside the stripes: the images with their copies, and images of other dates.
        pixels = self.grid.height * self.grid.width
        files = (2 + len(self.dates) - 1) * pixels * (4 + 6 / 4) * 2
        return Estimate(len(missing), size, raw + files + 3 * pixels, seconds)

    def read_bands(self) -> None:
        """Read all bands where the classification shows the ground."""
        missing = self._missing()
        with tqdm(
            total=round(sum(_packed(stripe, self.grid) for stripe in missing)),
            desc="Reading bands",
            unit="B",
            unit_scale=True,
            disable=not self.progress or not missing,
        ) as bar:
            for stripe in missing:
                bar.set_postfix_str(f"{stripe.band} of {stripe.item.date}")
                self._read(stripe)
                bar.update(round(_packed(stripe, self.grid)))

    def _missing(self) -> list[Stripe]:
        wanted = self._stripes((*BANDS_20M, *BANDS_10M))
        return [one for one in wanted if one.name not in self.parts]

    def _stripes(self, bands: Sequence[str]) -> Iterator[Stripe]:
        for date in self.dates:
            for item in date.items:
                clear = None if bands == (SCL,) else self.pixels.clear_rows(item)
                for band in bands:
                    for stripe in stripes_of(item, band, self.grid):
                        if clear is None or _any_clear(clear, stripe):
                            yield stripe

    def _read(self, stripe: Stripe) -> None:
        target = self._grid_of(stripe)
        read = partial(read_stripe, stripe.item, stripe.band, target, self.tokens)
        self.parts.get(stripe.name, read)

    def _grid_of(self, stripe: Stripe) -> GeoBox:
        grid = grid_at(self.grid, spacing_of(stripe.band))
        return grid[stripe.rows.start : stripe.rows.stop, :]

    def _bytes(self, stripe: Stripe) -> int:
        height, width = self._grid_of(stripe).shape
        return 2 * height * width

    def _measure(self, stripe: Stripe) -> None:
        """Tell the time that any read takes from the time for its bytes."""
        grid = self._grid_of(stripe)
        row, column = grid.height // 2, grid.width // 2
        pixel = grid[row : row + 1, column : column + 1]
        moments = []
        # A pixel twice: with the first one, libraries are loaded.
        for _ in range(2):
            moments.append(time.monotonic())
            read_stripe(stripe.item, stripe.band, pixel, self.tokens)
        moments.append(time.monotonic())
        self._read(stripe)
        latency = moments[2] - moments[1]
        reading = time.monotonic() - moments[2] - latency
        # Reading a pixel downloads a block of the file.
        size = _packed(stripe, self.grid) - PACKED_SCL_BYTES * BLOCK**2
        if size > 0:
            self._rate = latency, size / max(reading, size / FASTEST)


def _any_clear(clear: np.ndarray, stripe: Stripe) -> bool:
    factor = 20 // spacing_of(stripe.band)
    rows = stripe.rows
    return bool(clear[rows.start // factor : -(-rows.stop // factor)].any())


def _packed(stripe: Stripe, grid: GeoBox) -> float:
    """Bytes that reading a stripe downloads, about: whole blocks of the file."""
    spacing = spacing_of(stripe.band)
    target = grid_at(grid, spacing)
    source = asset_grid(stripe.item.assets[stripe.band])
    height, width = len(stripe.rows), target.width
    if source is not None and source.crs == target.crs:
        left = round((target.transform.c - source.transform.c) / spacing)
        top = round((source.transform.f - target.transform.f) / spacing)
        top += stripe.rows.start
        height = _blocks(top, top + height, source.height)
        width = _blocks(left, left + width, source.width)
    each = PACKED_SCL_BYTES if stripe.band == SCL else PACKED_BYTES
    return height * width * each


def _blocks(start: int, stop: int, size: int) -> int:
    """Pixels along one side of the blocks that an interval touches."""
    start, stop = max(start, 0), min(stop, size)
    if start >= stop:
        return 0
    return min(-(-stop // BLOCK) * BLOCK, size) - start // BLOCK * BLOCK
