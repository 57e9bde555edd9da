"""Rasters for the map: read as finely as a screen needs, then laid on web Mercator."""

import base64
import io
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tutorial_lib.rasters import PathLike, opened, read_grid
from tutorial_lib.viewers.layers import Layer, load_layer
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.panels import describe
from tutorial_lib.viewers.webmaps.mercator import (
    MERCATOR,
    Bounds,
    mercator_grid,
    pixel_side,
)

# Of WebP: no difference is seen, at an eighth of the size of a PNG.
QUALITY = 85

__all__ = ["Overlay", "image_url", "read_overlay"]


@dataclass(frozen=True)
class Overlay:
    """A raster as a picture on the map.

    Attributes:
        title: Its name on the map.
        layer: Values in the pixels of `grid`, and how they are drawn.
        grid: Its place, in web Mercator.
        pixel: Side of the pixels that were read, about, in metres of web Mercator.
        description: What is to be seen.
        attribution: Whom its pixels come from; "" if it does not say.
    """

    title: str
    layer: Layer
    grid: GeoBox
    pixel: float
    description: str
    attribution: str = ""

    @property
    def bounds(self) -> Bounds:
        """Its place on the map."""
        left, top = self.grid.transform @ (0, 0)
        right, bottom = self.grid.transform @ (self.grid.width, self.grid.height)
        return Bounds(left, bottom, right, top)

    @cached_property
    def picture(self) -> np.ndarray:
        """(height, width, 4) uint8, transparent where there is no data."""
        return self.layer.picture


def image_url(picture: np.ndarray, *, exact: bool) -> str:
    """A picture (height, width, 3 or 4) uint8 as a `data:` address.

    Args:
        picture: Red, green, blue, and alpha if there is any.
        exact: Keep each colour exactly, as classes need it.

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


def read_overlay(path: PathLike, title: str | None = None, **display: Any) -> Overlay:
    """Read a raster and lay it on the map.

    Pixels come from its overviews where it has some, at most `previews.MAX_SIDE` a
    side. Classes keep their values (nearest neighbour); the rest is interpolated.

    Args:
        path: Raster.
        title: Its name on the map; None takes the file's.
        display: How it is drawn; see `layers.load_layer`.

    Raises:
        ValueError: If the raster does not say where it is, a band does not exist, or
            no pixel has data.

    Example:
        >>> from tutorial_lib import testing
        >>> overlay = read_overlay(testing.small_scene()["labels"])
        >>> overlay.layer.kind, str(overlay.grid.crs)
        ('classes', 'EPSG:3857')
    """
    grid = read_grid(path)
    if grid.crs is None:
        raise ValueError(
            f"'{path}' has no CRS, so it has no place on a map. Write it with one, or "
            "draw it with `show`."
        )
    layer = load_layer(path, Display(**display))
    _check_data(path, layer)
    shape = layer.valid.shape
    try:
        target = mercator_grid(grid, shape)
    except ValueError as err:
        raise ValueError(f"'{path}' cannot be put on a map. {err}") from err
    source = grid.transform @ Affine.scale(
        grid.width / shape[1], grid.height / shape[0]
    )
    title = title or Path(path).stem
    return Overlay(
        title=title,
        layer=_laid(layer, GeoBox(shape, source, grid.crs), target),
        grid=target,
        pixel=pixel_side(target, shape),
        description=describe(layer, title),
        attribution=_attribution(path),
    )


def _check_data(path: PathLike, layer: Layer) -> None:
    if not layer.valid.any():
        numbers = ", ".join(map(str, layer.preview.bands))
        raise ValueError(
            f"In '{path}' (band {numbers}) there is nothing to draw: all of its "
            f"{layer.valid.size} pixels are NaN or no-data. Choose another band, or "
            "say what is no-data: `nodata=…`."
        )


def _laid(layer: Layer, grid: GeoBox, target: GeoBox) -> Layer:
    """A layer in the pixels of another grid."""
    pixels = layer.preview.pixels
    kind = np.result_type(pixels.dtype, "float32")
    values = np.where(layer.valid[..., np.newaxis], pixels, np.nan).astype(kind)
    laid = np.full((pixels.shape[-1], *target.shape), np.nan, kind)
    classes = layer.kind == "classes"
    reproject(
        np.ascontiguousarray(np.moveaxis(values, -1, 0)),
        laid,
        src_transform=grid.transform,
        src_crs=str(grid.crs),
        src_nodata=np.nan,
        dst_transform=target.transform,
        dst_crs=MERCATOR,
        dst_nodata=np.nan,
        resampling=Resampling.nearest if classes else Resampling.bilinear,
    )
    laid = np.moveaxis(laid, 0, -1)
    valid = np.isfinite(laid).all(axis=-1)
    laid = np.where(valid[..., np.newaxis], laid, 0)
    if classes:
        laid = laid.astype(pixels.dtype)
    preview = replace(layer.preview, pixels=laid, empty=~valid, grid=None)
    return replace(layer, preview=preview, valid=valid)


def _attribution(path: PathLike) -> str:
    with opened(path) as dataset:
        return dataset.tags().get("ATTRIBUTION", "")
