"""Puts the items of one date together: the first one that shows the ground counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.reflectance import (
    OffsetChoice,
    choose_offset,
    dark_samples,
    darkest_parts,
    has_data,
    to_reflectance,
)
from data_fetch.stac.assets import SCL, spacing_of
from data_fetch.stac.download import Pixels
from data_fetch.stac.items import Item

__all__ = ["Mosaic", "mosaic_of"]


@dataclass(frozen=True)
class Mosaic:
    """The image of one date.

    Attributes:
        items: Its items in the order in which they fill the scene.
        offsets: The offset of each item, by its id.
        pixels: What was downloaded.
    """

    items: Sequence[Item]
    offsets: Mapping[str, OffsetChoice]
    pixels: Pixels

    def read(self, spacing: int, rows: range) -> np.ndarray:
        """Reflectance x 10 000 of some rows, (rows, width, bands); 0 is no-data.

        Args:
            spacing: 10 or 20, in metres.
            rows: Rows of the image at 10 m or 20 m.
        """
        bands = BANDS_10M if spacing == 10 else BANDS_20M
        width = self.pixels.grid.width * 10 // spacing
        image = np.zeros((len(rows), width, len(bands)), "uint16")
        empty = np.ones((len(rows), width), bool)
        for item in self.items:
            clear = empty & self._clear(item, spacing, rows)
            if not clear.any():
                continue
            dn = np.stack([self.pixels.read(item, b, rows) for b in bands], axis=-1)
            # Where all bands are 0, the file has no data, whatever the classification
            # says. A single 0 is a dark pixel after lossy compression.
            clear &= (dn != 0).any(axis=-1)
            values = self._reflectance(item, dn, bands, clear)
            np.copyto(image, values, where=clear[..., np.newaxis])
            empty &= ~clear
        return image

    def _reflectance(
        self, item: Item, dn: np.ndarray, bands: Sequence[str], clear: np.ndarray
    ) -> np.ndarray:
        layers = [
            to_reflectance(
                dn[..., number],
                scale=item.assets[band].scale,
                offset=self.offsets[item.id].value,
                valid=clear,
            )
            for number, band in enumerate(bands)
        ]
        return np.stack(layers, axis=-1)

    def _clear(self, item: Item, spacing: int, rows: range) -> np.ndarray:
        """Which pixels show the ground, by the classification of 20 m."""
        if spacing == 20:
            return has_data(self.pixels.read(item, SCL, rows))
        coarse = range(rows.start // 2, -(-rows.stop // 2))
        clear = has_data(self.pixels.read(item, SCL, coarse))
        fine = clear.repeat(2, axis=0).repeat(2, axis=1)
        first = rows.start - 2 * coarse.start
        return fine[first : first + len(rows)]


def mosaic_of(items: Sequence[Item], pixels: Pixels, offset: str) -> Mosaic:
    """The image of one date, with the offset of each item decided.

    Args:
        items: Its items.
        pixels: What was downloaded.
        offset: "auto", "inside" or "removed".

    Raises:
        ValueError: If the offset of an item cannot be known.
    """
    seen = [item for item in items if pixels.clear_rows(item).any()]
    return Mosaic(
        seen, {item.id: _offset(item, pixels, offset) for item in seen}, pixels
    )


def _offset(item: Item, pixels: Pixels, forced: str) -> OffsetChoice:
    def classes(rows: range) -> np.ndarray:
        return pixels.read(item, SCL, rows)

    def read(band: str) -> np.ndarray:
        # A band of 10 m has four times as many pixels, and one of each four is enough.
        factor = 20 // spacing_of(band)
        found = [
            pixels.read(item, band, range(factor * rows.start, factor * rows.stop))
            for rows in parts
        ]
        return np.concatenate(found)[::factor, ::factor]

    dark = []
    if forced == "auto":
        parts = darkest_parts(pixels.grid.height // 2, classes)
        scl = np.concatenate([classes(rows) for rows in parts])
        dark = dark_samples(scl, read, scale=item.assets["B12"].scale)
    return choose_offset(item.offset, item.why, dark, forced=forced)
