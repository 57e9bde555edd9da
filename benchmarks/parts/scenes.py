"""Rasters of any size, made block row by block row, that compress as real ones do."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

import tutorial_lib as tl

BLOCK = 256
# Side of the pattern that is repeated. It has no seams, because it is periodic.
PATTERN = 1024

__all__ = ["one_source", "pan_and_xs", "two_sources"]


def one_source(folder: Path, side: int) -> Path:
    """A square scene of four bands at 10 m, such as a Sentinel-2 tile.

    Example:
        >>> path = one_source(tl.testing.scratch_folder(), 300)
        >>> tl.read_grid(path).shape.yx
        (300, 300)
    """
    return _made(folder / f"s2_10m_{side}.tif", side, bands=4, spacing=10)


def two_sources(folder: Path, side: int) -> dict[str, Path]:
    """The scene at 10 m, and six bands at 20 m; `side` is even, in pixels of 10 m."""
    coarse = folder / f"s2_20m_{side}.tif"
    return {
        "input_10m": one_source(folder, side),
        "input_20m": _made(coarse, side // 2, bands=6, spacing=20),
    }


def pan_and_xs(folder: Path, side: int) -> dict[str, Path]:
    """A panchromatic band at 1.5 m and four bands at 6 m; `side` counts in 1.5 m."""
    xs = folder / f"xs_{side}.tif"
    return {
        "input_p": _made(folder / f"pan_{side}.tif", side, bands=1, spacing=1.5),
        "input_xs": _made(xs, side // 4, bands=4, spacing=6),
    }


def _made(path: Path, side: int, *, bands: int, spacing: float) -> Path:
    """The raster at `path`, which is made if it does not exist yet."""
    if not path.exists():
        _write(path, side, bands, spacing)
    return path


def _write(path: Path, side: int, bands: int, spacing: float) -> None:
    grid = tl.testing.small_grid(side, side, spacing=spacing)
    rng = np.random.default_rng(0)
    patterns = [
        tl.testing.smooth_noise(PATTERN, PATTERN, size=size, rng=rng).astype("float32")
        for size in (64, 8)
    ]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=bands,
        dtype="uint16",
        crs=str(grid.crs),
        transform=grid.transform,
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        compress="deflate",
        predictor=2,
        interleave="pixel",
        num_threads="all_cpus",
    ) as raster:
        for row in range(0, side, BLOCK):
            rows = np.arange(row, min(row + BLOCK, side))
            window = Window(0, row, side, len(rows))
            for band in range(bands):
                pixels = _pixels(rows, side, band, patterns, rng)
                raster.write(pixels, band + 1, window=window)


def _pixels(
    rows: np.ndarray,
    width: int,
    band: int,
    patterns: list[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Reflectance x 10 000: landscape, texture and the noise of a sensor.

    Reading a file of pure noise, or of none, takes another time than a real one. These
    numbers give a file of 0.6 times the size of its pixels.
    """
    cols = (np.arange(width) + 300 * band) % PATTERN
    landscape, texture = (one[(rows % PATTERN)[:, None], cols] for one in patterns)
    noise = rng.standard_normal(landscape.shape, dtype="float32")
    return (
        (1500 + 400 * landscape + 100 * texture + 25 * noise).clip(1).astype("uint16")
    )
