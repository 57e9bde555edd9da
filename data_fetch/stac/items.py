"""Items of STAC catalogues: which file holds which band, and what is said about it.

Catalogues describe the same files in several ways. Since STAC 1.1 there are `bands`,
`raster:scale` and `proj:code`; before, there were `eo:bands`, `raster:bands` and
`proj:epsg`. Names of assets are the catalogue's own.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
import shapely.geometry
from affine import Affine

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.reflectance import INSIDE, REMOVED, SCALE

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
# The processing baseline that began to add the offset.
FIRST_WITH_OFFSET = 4.0

__all__ = ["BANDS", "SCL", "Asset", "Item", "parse_item", "spacing_of"]


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


@dataclass(frozen=True)
class Item:
    """One Sentinel-2 tile at one time.

    Attributes:
        id: Its name in the catalogue.
        date: Its day, "2023-05-08".
        cloud: Clouds in per cent; 0 if the item tells none.
        outline: Where it has data, in degrees.
        baseline: Processing baseline, or 0 if the item tells none.
        offset: The offset that metadata declares; None if it tells nothing.
        why: What metadata says about the offset, as half a sentence.
        assets: The file of each band of `BANDS`.
    """

    id: str
    date: str
    cloud: float
    outline: shapely.Geometry
    baseline: float
    offset: float | None
    why: str
    assets: Mapping[str, Asset]

    @property
    def epsg(self) -> int | None:
        """EPSG code of its 20 m files, or None."""
        return self.assets[SCL].epsg


def spacing_of(band: str) -> int:
    """Metres between the pixels of a band.

    Example:
        >>> spacing_of("B4"), spacing_of("SCL")
        (10, 20)
    """
    return 10 if band in BANDS_10M else 20


def parse_item(raw: Mapping[str, Any]) -> Item:
    """Read an item of any of the known shapes.

    Args:
        raw: The item, as decoded JSON.

    Raises:
        ValueError: If it is not an item of Sentinel-2 level 2A.
    """
    try:
        assets = _assets(raw)
        missing = [band for band in BANDS if band not in assets]
        if not missing:
            return _parsed(raw, assets)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
        raise ValueError(
            f"The catalogue sent an item that cannot be read: {type(err).__name__} "
            f"{err}. Choose another one with `--catalogue` or `--collection`."
        ) from err
    except shapely.errors.ShapelyError as err:
        raise ValueError(
            f"The outline of the item {raw.get('id')!r} cannot be read: {err}. Choose "
            "another catalogue with `--catalogue`."
        ) from err
    raise ValueError(
        f"The item {raw['id']!r} has no file for {', '.join(missing)}. A "
        "collection of Sentinel-2 level 2A is needed: choose one with "
        "`--collection`."
    )


def _parsed(raw: Mapping[str, Any], assets: Mapping[str, Asset]) -> Item:
    properties = raw["properties"]
    baseline = _baseline(raw)
    offset, why = _declared_offset(properties, assets["B12"], baseline)
    moment = properties.get("datetime") or properties["start_datetime"]
    return Item(
        id=str(raw["id"]),
        # It becomes a part of file names: a text such as "../.." must not.
        date=datetime.date.fromisoformat(str(moment)[:10]).isoformat(),
        cloud=float(properties.get("eo:cloud_cover") or 0),
        outline=shapely.make_valid(shapely.geometry.shape(raw["geometry"])),
        baseline=baseline or 0.0,
        offset=offset,
        why=why,
        assets=assets,
    )


def _assets(raw: Mapping[str, Any]) -> dict[str, Asset]:
    """The files of the bands; the surest name of a band wins."""
    found: dict[str, tuple[int, Asset]] = {}
    for key, asset in raw["assets"].items():
        if not _is_image(asset):
            continue
        for rank, band in enumerate(_names(key, asset)):
            if band and (band not in found or rank < found[band][0]):
                found[band] = rank, _asset(asset, raw["properties"])
            if band:
                break
    return {band: asset for band, (_, asset) in found.items()}


def _is_image(asset: Mapping[str, Any]) -> bool:
    # Earth Search has each band in JPEG 2000 too, in a bucket that asks for payment.
    kind = asset.get("type") or "image/tiff"
    return kind.startswith("image/tiff")


def _names(key: str, asset: Mapping[str, Any]) -> Iterator[str | None]:
    """Bands that an asset may be, the surest first."""
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


def _asset(asset: Mapping[str, Any], properties: Mapping[str, Any]) -> Asset:
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
    shape, transform = asset.get("proj:shape"), asset.get("proj:transform")
    return Asset(
        href=str(asset["href"]),
        scale=_within("scale", scale or SCALE, 1e-6, 1e-3),
        offset=None if offset is None else _within("offset", offset, -1, 1),
        epsg=_epsg(asset) or _epsg(properties),
        shape=tuple(int(side) for side in shape) if shape else None,
        transform=Affine(*transform[:6]) if transform else None,
    )


def _within(name: str, value: Any, least: float, most: float) -> float:
    """A number that reflectance can have; NaN is none."""
    if not least <= float(value) <= most:
        raise ValueError(f"{name} is {value}, and not from {least:g} to {most:g}")
    return float(value)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _epsg(holder: Mapping[str, Any]) -> int | None:
    code = holder.get("proj:code") or holder.get("proj:epsg")
    found = re.fullmatch(r"(?:EPSG:)?(\d+)", str(code), flags=re.IGNORECASE)
    return int(found[1]) if found else None


def _baseline(raw: Mapping[str, Any]) -> float | None:
    """The processing baseline as a number: "05.09" is 5.09."""
    properties = raw["properties"]
    for name in ("s2:processing_baseline", "processing:version"):
        found = re.fullmatch(r"\d{1,2}\.\d{1,2}", str(properties.get(name, "")))
        if found:
            return float(found[0])
    # Names of products have it as _N0509_.
    for text in (properties.get("s2:product_uri"), raw["id"]):
        found = re.search(r"_N(\d{2})(\d{2})_", str(text))
        if found:
            return float(f"{found[1]}.{found[2]}")
    return None


def _declared_offset(
    properties: Mapping[str, Any], asset: Asset, baseline: float | None
) -> tuple[float | None, str]:
    """The offset that metadata declares, and where it does."""
    # Earth Search sets this flag where it removed the offset. Its `raster:bands` then
    # still tell the offset, so the flag comes first.
    if properties.get("earthsearch:boa_offset_applied") is True:
        return REMOVED, "`earthsearch:boa_offset_applied` is true"
    if asset.offset is not None:
        return (
            asset.offset,
            f"the offset in the item's `raster` fields is {asset.offset:g}",
        )
    if baseline is not None:
        offset = INSIDE if baseline >= FIRST_WITH_OFFSET else REMOVED
        return offset, f"the processing baseline is {baseline:05.2f}"
    return None, "the metadata tells neither an offset nor a processing baseline"
