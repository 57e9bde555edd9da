"""Reads the pixels of a scene: reflectance, 0 where the ground is hidden."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.local.geotiffs import float_scale
from data_fetch.local.images import BANDS, Images, spacing_of
from data_fetch.local.masks import cloud_mask, window_of
from data_fetch.reflectance import (
    DarkSample,
    OffsetChoice,
    choose_offset,
    dark_samples,
    darkest_parts,
    has_data,
    to_reflectance,
)
from tutorial_lib import rasters
from tutorial_lib.placement import same_grid

# JPEG 2000 has blocks of 1024 x 1024 pixels. A row of them in all bands of a whole
# tile, so that none is decoded twice.
CACHE = 192 * 2**20

__all__ = ["PixelReader", "opened_pixels"]


@dataclass
class PixelReader:
    """The pixels of a scene.

    Attributes:
        grid: Grid of the scene at 10 m.
        readers: Open bands.
        corner: Row and column of the scene's corner in the images of 10 m.
        visible: (height, width) at 20 m, False where clouds and shadows are; None if
            nothing is known about them.
        scale: Reflectance of one digital number.
        offsets: Offset of each band, in reflectance.
        choice: How the offset was decided.
        shown: Pixels of 20 m that were read and show the ground.
    """

    grid: GeoBox
    readers: Mapping[str, rasters.SourceReader]
    corner: tuple[int, int]
    visible: np.ndarray | None
    scale: float
    offsets: Mapping[str, float]
    choice: OffsetChoice
    shown: int = 0

    def read(self, spacing: int, rows: range) -> np.ndarray:
        """Reflectance x 10 000 of some rows, (rows, width, bands) uint16."""
        bands = BANDS_10M if spacing == 10 else BANDS_20M
        factor = spacing // 10
        shape = (len(rows), self.grid.width // factor, len(bands))
        pixels = np.empty(shape, "uint16")
        # A band at a time, because numbers with decimals take four times the memory.
        dtype = np.result_type(*(self.readers[band].dtype for band in bands))
        numbers = np.empty(shape, dtype)
        measured = np.zeros(shape[:2], bool)
        for i, band in enumerate(bands):
            block = _block(self.readers[band], self.corner, self.grid, spacing, rows)
            numbers[..., i] = np.where(block.empty, 0, block.values[..., 0])
            measured |= numbers[..., i] > 0
        valid = measured & self._visible(spacing, rows)
        if spacing == 20:
            self.shown += int(valid.sum())
        for i, band in enumerate(bands):
            pixels[..., i] = to_reflectance(
                numbers[..., i],
                scale=self.scale,
                offset=self.offsets[band],
                valid=valid,
            )
        return pixels

    def _visible(self, spacing: int, rows: range) -> np.ndarray | bool:
        if self.visible is None:
            return True
        if spacing == 20:
            return self.visible[rows.start : rows.stop]
        lines = np.arange(rows.start, rows.stop) // 2
        return self.visible[lines].repeat(2, axis=1)


def _block(
    reader: rasters.SourceReader,
    corner: tuple[int, int],
    grid: GeoBox,
    spacing: int,
    rows: range,
) -> rasters.PixelBlock:
    factor = spacing // 10
    top, left = (one // factor for one in corner)
    return reader.read_block(top + rows.start, left, len(rows), grid.width // factor)


@contextmanager
def opened_pixels(
    images: Images, grid: GeoBox, folder: Path, offset: str
) -> Iterator[PixelReader]:
    """Open the images of a scene; those of an archive are unpacked.

    Args:
        images: The images.
        grid: Grid of the scene at 10 m, inside of the images.
        folder: Where files of an archive are unpacked.
        offset: "auto", "inside" or "removed".

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file has another size than the metadata says, or it cannot be
            known whether the offset is inside the pixels.
    """
    paths = {name: images.container.local(name, folder) for name in images.files}
    with ExitStack() as stack:
        stack.enter_context(rasters.block_cache(CACHE))
        readers = {
            band: stack.enter_context(_opened_band(images, band, paths))
            for band in BANDS
        }
        to_pixels = ~images.grid.transform @ grid.transform
        corner = (round(to_pixels.f), round(to_pixels.c))
        scl, visible = _masks(images, grid, paths)
        scale = images.scale or float_scale(paths[images.bands["B4"].name])
        dark = None if scl is None else _dark(scl, readers, corner, grid, scale)
        choice, offsets = _offsets(images, dark, offset)
        yield PixelReader(grid, readers, corner, visible, scale, offsets, choice)


@contextmanager
def _opened_band(
    images: Images, band: str, paths: Mapping[str, Path]
) -> Iterator[rasters.SourceReader]:
    file = images.bands[band]
    source = rasters.Source(paths[file.name], bands=[file.number])
    expected = images.grid if spacing_of(band) == 10 else images.grid.zoom_out(2)
    with rasters.open_source(source) as reader:
        found = reader.grid
        if not same_grid(found, expected):
            raise ValueError(
                f"'{file.name}' has {found.height}x{found.width} px from the corner "
                f"({found.transform.c:.0f}, {found.transform.f:.0f}), and the product "
                f"tells {expected.height}x{expected.width} px from "
                f"({expected.transform.c:.0f}, {expected.transform.f:.0f}). Download "
                "it again."
            )
        yield reader


def _masks(
    images: Images, grid: GeoBox, paths: Mapping[str, Path]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The scene classification, and which pixels of 20 m are visible; None: unknown."""
    coarse = grid.zoom_out(2)
    if images.scl is not None:
        file = images.scl
        scl = window_of(paths[file.name], coarse, (file.number,))[..., 0]
        return scl, has_data(scl)
    if not images.clouds:
        return None, None
    visible = np.ones(coarse.shape, bool)
    for name in images.clouds:
        visible &= ~cloud_mask(paths[name], coarse)
    return None, visible


def _dark(
    scl: np.ndarray,
    readers: Mapping[str, rasters.SourceReader],
    corner: tuple[int, int],
    grid: GeoBox,
    scale: float,
) -> list[DarkSample]:
    """Dark pixels, from the parts of the scene that have most of them."""
    parts = darkest_parts(len(scl), lambda rows: scl[rows.start : rows.stop])

    def read(band: str) -> np.ndarray:
        found = []
        for rows in parts:
            if spacing_of(band) == 20:
                block = _block(readers[band], corner, grid, 20, rows)
                found.append(block.values[..., 0])
            else:
                lines = range(2 * rows.start, 2 * rows.stop)
                block = _block(readers[band], corner, grid, 10, lines)
                found.append(block.values[::2, ::2, 0])
        return np.concatenate(found)

    stacked = np.concatenate([scl[rows.start : rows.stop] for rows in parts])
    return dark_samples(stacked, read, scale=scale)


def _offsets(
    images: Images, dark: list[DarkSample] | None, forced: str
) -> tuple[OffsetChoice, Mapping[str, float]]:
    """Decide on the offset; `dark` is None without a scene classification."""
    # Of all bands, B12 is the one whose dark pixels are looked at.
    declared = None if images.offsets is None else images.offsets["B12"]
    if dark is None and declared is not None and forced == "auto":
        reason = (
            f"{images.why[0].upper()}{images.why[1:]}. This could not be "
            "checked on dark pixels: the image has no scene classification."
        )
        return OffsetChoice(declared, reason, False), images.offsets
    choice = choose_offset(declared, images.why, dark or [], forced=forced)
    if choice.value == declared:
        return choice, images.offsets
    return choice, dict.fromkeys(BANDS, choice.value)
