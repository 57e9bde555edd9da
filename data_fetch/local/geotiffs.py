"""A folder of plain GeoTIFFs: one file a band, or stacks with band descriptions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from data_fetch.local.containers import Container
from data_fetch.local.images import BANDS, BandFile, Images, spacing_of
from tutorial_lib import rasters
from tutorial_lib.placement import same_grid

ENDINGS = (".tif", ".tiff")
# "B2", "B02" or "b8a", between characters that are neither letters nor digits.
_BAND = re.compile(r"(?<![a-z0-9])b0?(2|3|4|5|6|7|8a|8|11|12)(?![a-z0-9])", re.I)
_SCL = re.compile(r"(?<![a-z0-9])scl(?![a-z0-9])", re.I)
_LANDSAT = re.compile(r"L[COTEM]0\d_|LANDSAT", re.I)
# Reflectance as a float is at most about 1; snow and glint reach 2. Larger numbers are
# reflectance x 10 000.
LARGEST_REFLECTANCE = 5.0
# Pixels along a side of the window that is looked at for this.
LOOKED_AT = 256

__all__ = ["ENDINGS", "band_of", "float_scale", "read_geotiffs"]


def band_of(text: str) -> str | None:
    """The band that a file's name or a description names, or None.

    Example:
        >>> band_of("T54SUE_20230508_B02_10m"), band_of("b8a"), band_of("B1"),
        ('B2', 'B8A', None)
        >>> band_of("town_SCL"), band_of("B12 (SWIR)"), band_of("B25")
        ('SCL', 'B12', None)
    """
    found = _BAND.findall(text)
    if found:
        return f"B{found[-1].upper()}"
    return "SCL" if _SCL.search(text) else None


class _Found(NamedTuple):
    """A band in a file."""

    band: str
    file: BandFile
    grid: GeoBox
    scaling: tuple[float, float] | None
    dtype: np.dtype

    @property
    def is_float(self) -> bool:
        """Whether the numbers have decimals."""
        return self.dtype.kind == "f"


def read_geotiffs(container: Container, names: list[str], title: str) -> Images:
    """Find the ten bands in GeoTIFFs.

    Args:
        container: Where they are.
        names: Names of the files.
        title: What the user gave, for messages and for SOURCES.md.

    Raises:
        ValueError: If a band is missing, there twice, or on an unfit grid.
        OSError: If a file cannot be read.
    """
    found = list(_bands_in(container, names))
    chosen = {band: _choose(band, found) for band in (*BANDS, "SCL")}
    missing = [band for band in BANDS if chosen[band] is None]
    if missing:
        raise ValueError(_explain_missing(missing, found, names, title))
    grid = _common_grid({band: x for band, x in chosen.items() if x is not None})
    scale, offsets, why = _scaling([chosen[band] for band in BANDS])
    return Images(
        container=container,
        grid=grid,
        bands={band: chosen[band].file for band in BANDS},
        scale=scale,
        offsets=offsets,
        why=why,
        title=f"GeoTIFFs in '{title}'",
        name=re.sub(r"[^\w-]+", "_", Path(title).resolve().stem).strip("_"),
        attribution="Contains modified Copernicus Sentinel data",
        scl=chosen["SCL"].file if chosen["SCL"] else None,
    )


def _bands_in(container: Container, names: list[str]) -> Iterator[_Found]:
    for name in names:
        path = container.path / name
        with rasters.opened(path) as dataset:
            texts = [text or "" for text in dataset.descriptions]
            if dataset.count == 1 and not band_of(texts[0]):
                texts = [Path(name).stem]
            pairs = list(zip(dataset.scales, dataset.offsets, strict=True))
            types = [np.dtype(one) for one in dataset.dtypes]
        grid = rasters.read_grid(path)
        for number, text in enumerate(texts):
            if band := band_of(text):
                scaling = _scaling_of(pairs[number], path)
                file = BandFile(name, number + 1)
                yield _Found(band, file, grid, scaling, types[number])


def _scaling_of(tags: tuple[float, float], path: Path) -> tuple[float, float] | None:
    """The tags for scale and offset; None if there are none."""
    scale, offset = tags
    if not (0 < scale < np.inf and np.isfinite(offset)):
        raise ValueError(
            f"'{path}' has tags for the scale {scale:g} and the offset {offset:g}. "
            "Correct them with `gdal_edit.py`."
        )
    return None if tags == (1, 0) else tags


def _choose(band: str, found: list[_Found]) -> _Found | None:
    """The file of a band at its own pixel size."""
    spacing = spacing_of(band)
    fits = [x for x in found if x.band == band and _has_spacing(x.grid, spacing)]
    if len(fits) > 1:
        names = ", ".join(f"'{x.file.name}'" for x in fits)
        raise ValueError(
            f"Band {band} at {spacing} m is there {len(fits)} times: {names}. Keep the "
            "files of one date and place in a folder."
        )
    return fits[0] if fits else None


def _has_spacing(grid: GeoBox, spacing: int) -> bool:
    """Whether pixels are squares of this side in metres, north up."""
    if grid.crs is None or grid.crs.units != ("metre", "metre"):
        return False
    corner = grid.transform.c, grid.transform.f
    exact = Affine(spacing, 0, corner[0], 0, -spacing, corner[1])
    # Some programs write 9.9999999 for 10.
    return same_grid(grid, GeoBox(grid.shape, exact, grid.crs))


def _explain_missing(
    missing: list[str], found: list[_Found], names: list[str], title: str
) -> str:
    if any(_LANDSAT.search(name) for name in names):
        return (
            f"'{title}' holds Landsat images, and the notebooks need the bands of "
            "Sentinel-2 at 10 m and 20 m. Give a Sentinel-2 image."
        )
    for band in missing:
        if other := next((x for x in found if x.band == band), None):
            return _explain_grid(band, other)
    shown = ", ".join(f"'{name}'" for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (
        f"No {', '.join(missing)} of Sentinel-2 in '{title}'. Looked for: B2, B3, B4 "
        "and B8 in metres with pixels of 10 m, and B5, B6, B7, B8A, B11 and B12 with "
        "20 m, by names such as 'town_B02.tif', or by the band descriptions of "
        f"stacks. Found: {shown or 'no file that ends in .tif'}{more}. Rename the "
        "files, or describe the bands."
    )


def _explain_grid(band: str, one: _Found) -> str:
    spacing, (step_x, _, _, _, step_y, *_) = spacing_of(band), one.grid.transform
    return (
        f"'{one.file.name}' has {band} with pixels of {step_x:g} x {-step_y:g} in "
        f"{one.grid.crs or 'no coordinate system'}, and {spacing} x {spacing} metres "
        "are needed (10 for B2, B3, B4 and B8; 20 for B5, B6, B7, B8A, B11 and B12; "
        "north is up). Export it so, or make a second file with `gdalwarp -t_srs "
        f"EPSG:326… -tr {spacing} {spacing} -tap -r average`, and give the folder of "
        "both."
    )


def _common_grid(chosen: dict[str, _Found]) -> GeoBox:
    """The grid of the 10 m bands, after a check that all bands fit to it."""
    fine = chosen["B4"].grid
    even = (fine.height % 2, fine.width % 2) == (0, 0)
    for band, one in chosen.items():
        if not even:
            raise ValueError(
                f"'{chosen['B4'].file.name}' has {fine.height}x{fine.width} px, and a "
                "pixel of 20 m covers 2x2 of them. Cut the images to even sizes."
            )
        expected = fine if spacing_of(band) == 10 else fine.zoom_out(2)
        if not same_grid(one.grid, expected):
            raise ValueError(
                f"'{one.file.name}' ({one.grid.height}x{one.grid.width} px) does not "
                f"cover the same ground as '{chosen['B4'].file.name}' ({fine.height}x"
                f"{fine.width} px). Cut all bands to the same corners."
            )
    return fine


def _scaling(
    found: list[_Found],
) -> tuple[float | None, dict[str, float] | None, str]:
    """Scale, offsets, and what is known about them."""
    first = found[0]
    for other in found:
        if (first.scaling, first.is_float) != (other.scaling, other.is_float):
            raise ValueError(
                f"'{first.file.name}' and '{other.file.name}' have different tags for "
                f"scale and offset or types ({first.dtype}, {other.dtype}). Write all "
                "bands in the same way."
            )
    if (pair := first.scaling) is not None:
        scale, offset = pair
        why = f"the files have the scale {scale:g} and the offset {offset:g}"
        return scale, dict.fromkeys(BANDS, offset), why
    if first.is_float:
        return (
            None,
            dict.fromkeys(BANDS, 0.0),
            "the files hold floats without an offset",
        )
    return 1e-4, None, "the files have no tags for scale and offset"


def float_scale(path: Path) -> float:
    """Reflectance of 1 in a file of floats without a scale: 1, or 1/10 000.

    Args:
        path: The file. The middle of it is looked at.
    """
    with rasters.open_source(path) as reader:
        height, width = (min(side, LOOKED_AT) for side in reader.grid.shape)
        top, left = (reader.grid.height - height) // 2, (reader.grid.width - width) // 2
        block = reader.read_block(top, left, height, width)
    values = block.values[~block.empty]
    reflectance = not values.size or np.median(values) < LARGEST_REFLECTANCE
    return 1.0 if reflectance else 1e-4
