"""Files of the practice catalogue, made once from the Havel scene."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, reproject, transform, transform_bounds

from data_fetch.havel import BANDS_10M, BANDS_20M
from data_fetch.practice.pictures import DATES, Day, Picture, take_picture
from data_fetch.scenes import MANIFEST, is_complete, make_scene
from tutorial_lib import rasters
from tutorial_lib.arguments import file_path
from tutorial_lib.machine import find_data
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.writing import write_array

# Increase this when the files change. Older files are then made again.
RECIPE = 1
# Bytes of free disk that are needed.
SPACE = 60_000_000

# What processing baseline 04.00 adds to each pixel value.
OFFSET = 1000
# Names of the two sets of files: values with the offset inside, and without it. Pixel
# values of the same day differ by OFFSET, and by nothing else.
INSIDE, REMOVED = "inside", "removed"

AREA = "area.geojson"
WORLDCOVER = "ESA_WorldCover_10m_2021_v200_N51E012_Map.tif"
# Codes of WorldCover for the classes 0 to 5 of the Havel scene.
WORLDCOVER_CODES = (80, 90, 30, 50, 10, 40)
# WorldCover has so many pixels along a degree, counted from whole degrees.
PER_DEGREE = 12_000

__all__ = ["AREA", "INSIDE", "REMOVED", "WORLDCOVER", "band_file", "make_practice"]


def band_file(kind: str, day: Day, band: str) -> str:
    """Name of the file of one band on one day.

    Args:
        kind: `INSIDE` or `REMOVED`.
        day: One of `DATES`.
        band: Name of the band as "B4" or "B8A", or "SCL".

    Example:
        >>> band_file(INSIDE, DATES[0], "B4"), band_file(REMOVED, DATES[1], "SCL")
        ('inside_20230216_B04.tif', 'removed_20230517_SCL.tif')
    """
    name = f"B{band[1:]:0>2}" if band.startswith("B") else band
    return f"{kind}_{day.compact}_{name}.tif"


def make_practice(
    folder: PathLike | None = None, *, havel: PathLike | None = None
) -> Path:
    """Make the files of the practice catalogue; do nothing if they are there.

    Args:
        folder: Where they go. None: the folder `.practice` beside the Havel scene.
        havel: Folder of the Havel scene. None: `data/havel` here or in a folder above.

    Returns:
        The folder: cloud-optimised GeoTIFFs, a WorldCover tile, and the area of the
        images as GeoJSON.

    Raises:
        FileNotFoundError: If there is no Havel scene.
        OSError: If the files cannot be written. No half-written file is left.

    Example:
        >>> sorted(path.suffix for path in make_practice().glob("[ai]*"))[:2]
        ['.geojson', '.tif']
    """
    havel = find_data("havel") if havel is None else file_path("havel", havel)
    if not (havel / MANIFEST).is_file():
        raise FileNotFoundError(
            f"There is no Havel scene in '{havel}'. Make it with "
            "`python -m data_fetch sample`."
        )
    folder = havel.parent / ".practice" if folder is None else folder
    folder = file_path("folder", folder)
    recipe, files = f"{RECIPE}: {_recipe_of(havel)}", tuple(_all_files())
    if not is_complete(folder, recipe, files):
        print("Making the practice images (once, 10 seconds)…", flush=True)
    return make_scene(
        folder,
        lambda part: _write_all(havel, part),
        recipe=recipe,
        files=files,
        space=SPACE,
    )


def _recipe_of(havel: Path) -> str:
    manifest = json.loads((havel / MANIFEST).read_text(encoding="utf-8"))
    return str(manifest["recipe"])


def _all_files() -> Iterator[str]:
    for day in DATES:
        for kind in _kinds(day):
            for band in (*BANDS_10M, *BANDS_20M, "SCL"):
                yield band_file(kind, day, band)
    yield from (WORLDCOVER, AREA)


def _kinds(day: Day) -> tuple[str, ...]:
    # Some items need both kinds of files of a day, and two days are enough.
    return (INSIDE, REMOVED) if day in DATES[:2] else (INSIDE,)


def _write_all(havel: Path, folder: Path) -> None:
    bands, grids = _read_bands(havel)
    classes = merge_labels(havel)
    water = (classes == 0)[::2, ::2]
    for day in DATES:
        picture = take_picture(bands, day, water)
        for kind in _kinds(day):
            _write_day(folder, kind, day, picture, grids)
    _write_worldcover(folder / WORLDCOVER, classes, grids["B4"])
    area = {"type": "Feature", "properties": {}, "geometry": outline(grids["B4"])}
    (folder / AREA).write_text(json.dumps(area) + "\n", encoding="utf-8")


def _read_bands(havel: Path) -> tuple[dict[str, np.ndarray], dict[str, GeoBox]]:
    bands, grids = {}, {}
    for name, names in (("s2_10m.tif", BANDS_10M), ("s2_20m.tif", BANDS_20M)):
        pixels = rasters.read_array(havel / name)
        bands |= {band: pixels[..., i] for i, band in enumerate(names)}
        grids |= dict.fromkeys(names, rasters.read_grid(havel / name))
    return bands, grids


def merge_labels(havel: Path) -> np.ndarray:
    """Class of each pixel (height, width) uint8 of all areas, grown by one pixel.

    The labels are the inner part of each polygon, from 15 m inside its outline. A pixel
    of 10 m more on each side is still inside.
    """
    paths = (havel / f"terrain_truth_{area}.tif" for area in "abc")
    merged = np.minimum.reduce([rasters.read_array(path)[..., 0] for path in paths])
    grown = merged.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        moved = np.roll(merged, step, axis)
        # What `roll` brings from the opposite border.
        border = [slice(None)] * 2
        border[axis] = 0 if step == 1 else -1
        moved[tuple(border)] = 255
        grown = np.where(grown == 255, moved, grown)
    return grown


def _write_day(
    folder: Path, kind: str, day: Day, picture: Picture, grids: dict[str, GeoBox]
) -> None:
    added = np.uint16(OFFSET if kind == INSIDE else 0)
    for band, pixels in picture.bands.items():
        path = folder / band_file(kind, day, band)
        _write_cog(path, pixels + added, grids[band])
    _write_cog(folder / band_file(kind, day, "SCL"), picture.scl, grids["B5"])


def _write_cog(path: Path, pixels: np.ndarray, grid: GeoBox) -> None:
    write_array(path, pixels[..., np.newaxis], grid, nodata=0, cog=True)


def _write_worldcover(path: Path, classes: np.ndarray, grid: GeoBox) -> None:
    """Write the part of the WorldCover tile that covers the scene."""
    codes = np.zeros(256, "uint8")
    codes[: len(WORLDCOVER_CODES)] = WORLDCOVER_CODES
    target = _degree_grid(grid)
    pixels = np.zeros(target.shape, "uint8")
    reproject(
        codes[classes],
        pixels,
        src_transform=grid.transform,
        src_crs=str(grid.crs),
        dst_transform=target.transform,
        dst_crs="EPSG:4326",
        resampling=Resampling.nearest,
    )
    _write_cog(path, pixels, target)


def _degree_grid(grid: GeoBox) -> GeoBox:
    """The pixels of WorldCover that a grid covers."""
    left, bottom, right, top = transform_bounds(
        str(grid.crs), "EPSG:4326", *grid.boundingbox.bbox
    )
    first_col, last_col = int(left * PER_DEGREE), int(right * PER_DEGREE) + 1
    first_row, last_row = int(-top * PER_DEGREE) - 1, int(-bottom * PER_DEGREE)
    corner = Affine.translation(first_col / PER_DEGREE, -first_row / PER_DEGREE)
    transform = corner @ Affine.scale(1 / PER_DEGREE, -1 / PER_DEGREE)
    shape = (last_row - first_row, last_col - first_col)
    return GeoBox(shape, transform, "EPSG:4326")


def outline(grid: GeoBox) -> dict:
    """The four corners of a grid, as a GeoJSON polygon in degrees."""
    height, width = grid.shape
    # A ring of GeoJSON ends where it begins.
    corners = [(0, 0), (0, height), (width, height), (width, 0), (0, 0)]
    xs, ys = zip(*(grid.transform @ corner for corner in corners), strict=True)
    lon, lat = transform(str(grid.crs), "EPSG:4326", xs, ys)
    ring = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    return {"type": "Polygon", "coordinates": [ring]}
