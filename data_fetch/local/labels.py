"""Labels of a scene from a raster that somebody has: WorldCover, or with a legend."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from data_fetch import worldcover
from data_fetch.areas import NO_LABEL, LabelReader
from data_fetch.layout import LEGEND
from tutorial_lib import rasters

__all__ = ["Labels", "opened_labels"]


class Labels(NamedTuple):
    """Labels on the grid of a scene.

    Attributes:
        read: `read(rows)` gives (rows, width) uint8: class numbers of the legend, or
            255.
        legend: Names and colours of the classes.
        attribution: Whom to name as the source.
        title: What they are, for SOURCES.md.
    """

    read: LabelReader
    legend: rasters.Legend
    attribution: str
    title: str


@contextmanager
def opened_labels(path: Path, grid: GeoBox) -> Iterator[Labels]:
    """Open a label raster in any CRS; each pixel takes the nearest label.

    Args:
        path: A map of WorldCover, or a raster with class names (`CLASS_0`…), which are
            kept.
        grid: Grid of the scene.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it has neither classes of WorldCover nor a legend.
    """
    legend = rasters.read_legend(path)
    if legend is None:
        # Now, and not after minutes of work for the images.
        worldcover.read_labels(path, grid, range(1))
        yield Labels(
            lambda rows: worldcover.read_labels(path, grid, rows),
            LEGEND,
            worldcover.ATTRIBUTION,
            f"The land cover map '{path.name}' ({worldcover.LICENCE}). "
            f"{worldcover.ATTRIBUTION}.",
        )
        return
    legend_kept = _checked_legend(legend, path)
    with rasters.opened(path) as dataset, _on_grid(dataset, grid, path) as warped:
        yield Labels(
            _reader(warped, legend, grid, path),
            legend_kept,
            f"Labels from '{path.name}'",
            f"The label raster '{path.name}', with its own classes.",
        )


def _checked_legend(legend: rasters.Legend, path: Path) -> rasters.Legend:
    """The legend with the numbers 0, 1, 2…, as scenes have them."""
    if len(legend) > NO_LABEL:
        raise ValueError(
            f"'{path}' has {len(legend)} classes, and a scene has at most {NO_LABEL}. "
            "Merge some of them."
        )
    return rasters.Legend(legend.names, legend.colors)


def _on_grid(dataset: rasterio.DatasetReader, grid: GeoBox, path: Path) -> WarpedVRT:
    if dataset.crs is None or dataset.count != 1:
        raise ValueError(
            f"'{path}' has {dataset.count} band(s) and the CRS {dataset.crs}. Give a "
            "raster of one band with a CRS."
        )
    return WarpedVRT(
        dataset,
        crs=str(grid.crs),
        transform=rasterio.Affine(*grid.transform[:6]),
        height=grid.height,
        width=grid.width,
        resampling=Resampling.nearest,
        # In pixels: by default coordinates are interpolated up to 1/8 pixel, and the
        # result depends on the part that is read. With 0, rasterio 1.4 fails.
        tolerance=1e-6,
        # Where the raster does not reach, the mask says so.
        add_alpha=dataset.nodata is None,
    )


def _reader(
    warped: WarpedVRT, legend: rasters.Legend, grid: GeoBox, path: Path
) -> LabelReader:
    def read(rows: range) -> np.ndarray:
        window = Window(0, rows.start, grid.width, len(rows))
        values = warped.read(1, window=window)
        inside = warped.dataset_mask(window=window) > 0
        numbers = np.array(legend.classes)
        place = np.searchsorted(numbers, values).clip(max=len(numbers) - 1)
        known = numbers[place] == values
        wrong = values[inside & ~known & (values != NO_LABEL)]
        if wrong.size:
            raise ValueError(
                f"'{path}' has the value {wrong[0]}, which is not in its legend "
                f"({', '.join(map(str, legend.classes))}). Give it a class name, or "
                "make it no-data."
            )
        return np.where(inside & known, place, NO_LABEL).astype("uint8")

    return read
