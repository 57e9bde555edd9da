"""Rasters on the map: read as finely as a screen needs, reprojected to web Mercator."""

import base64
import io
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.layers import Layer, load_layer
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.panels import describe
from tutorial_lib.viewers.reading import OpenLayer, open_layer
from tutorial_lib.viewers.webmaps.mercator import MERCATOR, Bounds, mercator_grid

# Quality of WebP, in %: no difference is seen, at an eighth of the size of a PNG.
QUALITY = 85

__all__ = ["Overlay", "image_url", "read_overlay"]


@dataclass(frozen=True)
class Overlay:
    """A raster as a picture on the map.

    Attributes:
        title: Name of the layer.
        layer: Values on `grid`, and how they are drawn.
        grid: Web Mercator grid of the picture.
        shape: (height, width) in which the raster was read.
        description: Text for screen readers.
        attribution: The file's tag ATTRIBUTION; "" if it has none.
        opacity: From 0 (invisible) to 1.
    """

    title: str
    layer: Layer
    grid: GeoBox
    shape: tuple[int, int]
    description: str
    attribution: str = ""
    opacity: float = 1.0

    @property
    def bounds(self) -> Bounds:
        """Place on the map."""
        return Bounds(*self.grid.boundingbox)

    @property
    def files(self) -> tuple[str, ...]:
        """Files that it was read from."""
        return self.layer.preview.files

    @property
    def pixel_side(self) -> float:
        """Mean side of the pixels that were read, in metres of web Mercator."""
        return hypot(*self.bounds.size) / hypot(*self.shape)

    @property
    def is_classes(self) -> bool:
        """Whether the pixels are class numbers, whose colours must stay exact."""
        return self.layer.kind == "classes"

    @property
    def picture(self) -> np.ndarray:
        """(height, width, 4) uint8, transparent where there is no data.

        It is computed each time: a map that a notebook keeps then takes less memory.
        """
        return self.layer.picture


def image_url(picture: np.ndarray, *, exact: bool) -> str:
    """A picture (height, width, 3 or 4) uint8 as a `data:` address.

    `exact` keeps each colour exactly, as class maps need it.

    Example:
        >>> image_url(np.zeros((2, 3, 4), "uint8"), exact=True)[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    options = {"optimize": True} if exact else {"quality": QUALITY}
    kind = "png" if exact else "webp"
    Image.fromarray(picture).save(buffer, kind, **options)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind};base64,{text}"


def read_overlay(
    raster: PathLike | OpenLayer,
    title: str,
    display: Display = Display(),  # noqa: B008 - frozen, so it can be shared
    *,
    opacity: float = 1.0,
    alone: bool = True,
) -> Overlay:
    """Read a raster and reproject it to web Mercator.

    Large rasters are read at a lower resolution, from their overviews where they have
    some. Class numbers are resampled by nearest neighbour, other values are
    interpolated.

    Args:
        raster: Path, or a raster that is open already.
        title: Name of the layer.
        display: How to draw it.
        opacity: From 0 (invisible) to 1.
        alone: Whether it is the only layer; see `load_layer`.

    Raises:
        ValueError: If the raster has no CRS or no place on the map, a band does not
            exist, or no pixel has data.

    Example:
        >>> from tutorial_lib import testing
        >>> overlay = read_overlay(testing.small_scene()["labels"], "labels")
        >>> overlay.layer.kind, str(overlay.grid.crs)
        ('classes', 'EPSG:3857')
    """
    with open_layer(raster) as source:
        name, grid, attribution = source.name, source.grid, source.attribution
        if source.why_unplaced:
            raise ValueError(f"{name} {source.why_unplaced}")
        if grid is None or grid.crs is None:
            raise ValueError(
                f"{name} has no CRS, so it has no place on a map. Write it with one, "
                "or draw it with `show`."
            )
        layer = load_layer(source, display, alone=alone)
    if not layer.valid.any():
        raise ValueError(
            f"In {name} (band {', '.join(map(str, layer.preview.bands))}) there is "
            f"nothing to draw: all of its {layer.valid.size} pixels are NaN or "
            "no-data. Choose another band, or say what is no-data: `nodata=…`."
        )
    height, width = layer.valid.shape
    try:
        target = mercator_grid(grid, (height, width))
    except ValueError as err:
        raise ValueError(f"{name} cannot be put on a map. {err}") from err
    coarser = Affine.scale(grid.width / width, grid.height / height)
    read = GeoBox((height, width), grid.transform @ coarser, grid.crs)
    return Overlay(
        title=title,
        layer=_reprojected(layer, read, target),
        grid=target,
        shape=(height, width),
        description=describe(layer, title),
        attribution=attribution,
        opacity=opacity,
    )


def _reprojected(layer: Layer, source: GeoBox, target: GeoBox) -> Layer:
    """A layer with pixels on `source`, resampled to the pixels of `target`."""
    planes = np.moveaxis(layer.preview.pixels, -1, 0)
    # NaN marks no-data, so that interpolation mixes no such pixel into its neighbours.
    dtype = np.result_type(planes.dtype, "float32")
    values = planes.astype(dtype, order="C")
    values[:, ~layer.valid] = np.nan
    result = np.full((len(planes), *target.shape), np.nan, dtype)
    is_classes = layer.kind == "classes"
    reproject(
        values,
        result,
        src_transform=source.transform,
        src_crs=str(source.crs),
        src_nodata=np.nan,
        dst_transform=target.transform,
        dst_crs=MERCATOR,
        dst_nodata=np.nan,
        resampling=Resampling.nearest if is_classes else Resampling.bilinear,
    )
    valid = np.isfinite(result).all(axis=0)
    result[:, ~valid] = 0
    if is_classes:
        result = result.astype(planes.dtype)
    pixels = np.moveaxis(result, 0, -1)
    preview = replace(layer.preview, pixels=pixels, valid=valid, grid=None)
    return replace(layer, preview=preview)
