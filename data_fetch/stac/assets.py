"""The files of an item: which file holds which band, and what is said about it.

Names of assets are the catalogue's own. Since STAC 1.1 there are `bands`,
`raster:scale` and `proj:code`; before, there were `eo:bands`, `raster:bands` and
`proj:epsg`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj.exceptions import ProjError

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.reflectance import SCALE
from data_fetch.stac.properties import epsg_of, utm_epsg_of_tile
from data_fetch.stac.tokens import is_public

SCL = "SCL"
BANDS = (SCL, *BANDS_20M, *BANDS_10M)

# Names of the assets in Earth Search, and common names of bands in STAC. The common
# names of the red edge are those of the eo extension since 1.1.
_EARTH_SEARCH = {
    "red": "B4",
    "green": "B3",
    "blue": "B2",
    "nir": "B8",
    "rededge1": "B5",
    "rededge2": "B6",
    "rededge3": "B7",
    "nir08": "B8A",
    "swir16": "B11",
    "swir22": "B12",
    "rededge071": "B5",
    "rededge075": "B6",
    "rededge078": "B7",
}
# Sides of a file and pixels of a larger one are not those of a tile of 110 km.
LONGEST_SIDE = 100_000
FARTHEST_M = 1e8
# What reading JSON of any shape may raise.
UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError),
    *(ValueError, ProjError, shapely.errors.ShapelyError),
)

__all__ = [
    "BANDS",
    "SCL",
    "UNREADABLE",
    "Asset",
    "asset_grid",
    "assets_of",
    "spacing_of",
]


@dataclass(frozen=True)
class Asset:
    """The file of one band, as its item describes it.

    Attributes:
        href: Its address.
        scale: Reflectance of one digital number.
        offset: Offset in reflectance; None if the item tells none.
        epsg: EPSG code of its CRS, or None.
        shape: Its (rows, columns), or None.
        transform: Its transform, or None.
    """

    href: str
    scale: float = SCALE
    offset: float | None = None
    epsg: int | None = None
    shape: tuple[int, int] | None = None
    transform: Affine | None = None


def spacing_of(band: str) -> int:
    """Metres between the pixels of a band.

    Example:
        >>> spacing_of("B4"), spacing_of("SCL")
        (10, 20)
    """
    return 10 if band in BANDS_10M else 20


def asset_grid(asset: Asset) -> GeoBox | None:
    """The grid of a file, if its item describes it."""
    if asset.epsg is None or asset.shape is None or asset.transform is None:
        return None
    return GeoBox(asset.shape, asset.transform, f"EPSG:{asset.epsg}")


def assets_of(raw: Mapping[str, Any]) -> dict[str, Asset]:
    """The files of the bands; the surest name of a band wins.

    Raises:
        ValueError: If a band has no file, or one that cannot be read.
    """
    found: dict[str, tuple[int, Asset]] = {}
    broken = ""
    for key, asset in raw["assets"].items():
        try:
            for rank, band in enumerate(_names(key, asset)):
                if band and (band not in found or rank < found[band][0]):
                    found[band] = rank, _asset(asset, raw)
                if band:
                    break
        # Files that a scene does not need may be described in any way.
        except UNREADABLE as err:
            broken = broken or f", and its asset {key!r} cannot be read: {err}"
    missing = [band for band in BANDS if band not in found]
    if missing:
        raise ValueError(f"it has no file for {', '.join(missing)}{broken}")
    return {band: asset for band, (_, asset) in found.items()}


def _is_image(asset: Any) -> bool:
    # Earth Search has each band in JPEG 2000 too, in a bucket that asks for payment.
    kind = (asset or {}).get("type") or "image/tiff"
    return kind.startswith("image/tiff")


def _names(key: str, asset: Mapping[str, Any]) -> Iterator[str | None]:
    """Bands that an asset may be, the surest first; none if it is not an image."""
    if not _is_image(asset):
        return
    yield _band(key)
    # An image in true colours has three bands, and is none of them.
    bands = asset.get("bands") or asset.get("eo:bands") or [{}]
    if len(bands) == 1:
        yield _band(bands[0].get("name"))
        common = bands[0].get("eo:common_name") or bands[0].get("common_name")
        yield _EARTH_SEARCH.get(common or asset.get("eo:common_name"))


def _band(name: str | None) -> str | None:
    """The band that has a name: "red", "B04", "b4" or "SCL_20m"."""
    if not name:
        return None
    if name.lower() in _EARTH_SEARCH:
        return _EARTH_SEARCH[name.lower()]
    plain = re.sub(r"_[126]0m$", "", name, flags=re.IGNORECASE).upper()
    plain = re.sub(r"^B0(?=\d)", "B", plain)
    return plain if plain in BANDS else None


def _asset(asset: Mapping[str, Any], raw: Mapping[str, Any]) -> Asset:
    band = (asset.get("bands") or [{}])[0]
    older = (asset.get("raster:bands") or [{}])[0]
    scale, offset = (
        _first(
            asset.get(f"raster:{name}"),
            band.get(f"raster:{name}"),
            older.get(name),
        )
        for name in ("scale", "offset")
    )
    href = str(asset["href"])
    if not is_public(href):
        raise ValueError(f"its file {href!r} is not on the web")
    return Asset(
        href=href,
        scale=_within("scale", scale or SCALE, 1e-6, 1e-3),
        offset=None if offset is None else _within("offset", offset, -1, 1),
        epsg=epsg_of(asset) or epsg_of(raw["properties"]) or utm_epsg_of_tile(raw),
        shape=_shape(asset.get("proj:shape")),
        transform=_transform(asset.get("proj:transform")),
    )


def _shape(sides: Any) -> tuple[int, int] | None:
    if not sides:
        return None
    rows, columns = (int(side) for side in sides)
    if not (0 < rows <= LONGEST_SIDE and 0 < columns <= LONGEST_SIDE):
        raise ValueError(f"`proj:shape` is {rows}x{columns}")
    return rows, columns


def _transform(numbers: Any) -> Affine | None:
    if not numbers:
        return None
    transform = Affine(*(float(number) for number in numbers[:6]))
    # NaN is not above 0, and not below the limit. Coordinates of UTM are in metres.
    near = all(abs(number) <= FARTHEST_M for number in transform)
    if not (near and abs(transform.determinant) > 0):
        raise ValueError(f"`proj:transform` is {list(transform)[:6]}")
    return transform


def _within(name: str, value: Any, least: float, most: float) -> float:
    """A number that reflectance can have; NaN is none."""
    if not least <= float(value) <= most:
        raise ValueError(f"{name} is {value}, and not from {least:g} to {most:g}")
    return float(value)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
