"""Which pixels show the ground: by the scene classification or by cloud masks."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize

from data_fetch.local.metadata import parse_xml
from tutorial_lib import rasters

# Bands of MSK_CLASSI: opaque clouds, cirrus. The third one is snow.
CLOUD_BANDS = (1, 2)

__all__ = ["cloud_mask", "window_of"]


def window_of(path: Path, grid: GeoBox, bands: tuple[int, ...]) -> np.ndarray:
    """Read the pixels of a raster that are nearest to those of a finer or equal grid.

    Args:
        path: Raster with the CRS of the grid.
        grid: The grid. Its pixels must not be larger than those of the raster.
        bands: Band numbers from 1.

    Returns:
        (height, width, bands) array on the grid.

    Raises:
        ValueError: If the grid is not inside the raster.
        OSError: If the raster cannot be read.
    """
    with rasters.open_source(rasters.Source(path, bands=bands)) as reader:
        to_pixels = ~reader.grid.transform @ grid.transform
        rows, columns = (np.arange(side) + 0.5 for side in grid.shape)
        columns = np.floor(to_pixels.a * columns + to_pixels.c).astype(int)
        rows = np.floor(to_pixels.e * rows + to_pixels.f).astype(int)
        top, left = rows[0], columns[0]
        pixels = reader.read(
            int(top), int(left), int(rows[-1] - top) + 1, int(columns[-1] - left) + 1
        )
        return pixels[np.ix_(rows - top, columns - left)]


def cloud_mask(path: Path, grid: GeoBox) -> np.ndarray:
    """Read a cloud mask of level 1C.

    Args:
        path: `MSK_CLASSI_B00.jp2`, an image, or a `MSK_CLOUDS` file, polygons in GML.
        grid: Grid of the result, at 20 m.

    Returns:
        (height, width) True where there are clouds.

    Raises:
        ValueError: If the polygons cannot be read.
        OSError: If the image cannot be read.
    """
    if path.suffix == ".jp2":
        return window_of(path, grid, CLOUD_BANDS).any(axis=-1)
    shapes = _polygons(parse_xml(path.read_bytes(), path.name), path.name)
    if not shapes:
        return np.zeros(grid.shape, bool)
    transform = Affine(*grid.transform[:6])
    return rasterize(shapes, grid.shape, transform=transform, dtype="uint8") > 0


def _polygons(root: ElementTree.Element, name: str) -> list[shapely.Polygon]:
    """The polygons of a GML file, without their holes: clouds there are few."""
    try:
        rings = [_ring(ring) for ring in root.iter("exterior")]
        return [shapely.Polygon(ring) for ring in rings if len(ring)]
    except (ValueError, shapely.errors.ShapelyError) as err:
        raise ValueError(
            f"'{name}' has a polygon that cannot be read: {err}. Download the product "
            "again."
        ) from err


def _ring(element: ElementTree.Element) -> np.ndarray:
    """Corners (n, 2) of a ring."""
    for points in element.iter("posList"):
        size = int(points.get("srsDimension", "2"))
        numbers = [float(number) for number in (points.text or "").split()]
        return np.reshape(numbers, (-1, size))[:, :2]
    return np.empty((0, 2))
