"""Items and collections of the practice catalogue: JSON like that of real catalogues.

Three kinds are imitated: `sentinel-2-c1-l2a` of Earth Search in the shape of STAC 1.1,
its older `sentinel-2-l2a` in the shape of 1.0, and `sentinel-2-l2a` of the Planetary
Computer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from data_fetch.practice.files import INSIDE, REMOVED, band_file
from data_fetch.practice.pictures import DATES, Day

# Earth Search's name of each asset, and the band's common name in STAC.
ASSETS = {
    "blue": ("B2", "blue"),
    "green": ("B3", "green"),
    "red": ("B4", "red"),
    "nir": ("B8", "nir"),
    "rededge1": ("B5", "rededge071"),
    "rededge2": ("B6", "rededge075"),
    "rededge3": ("B7", "rededge078"),
    "nir08": ("B8A", "nir08"),
    "swir16": ("B11", "swir16"),
    "swir22": ("B12", "swir22"),
}
FINE = ("B2", "B3", "B4", "B8")
TILE = "33UUU"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
LICENCE = "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice"

DESCRIPTION = (
    "A practice scene, and not a real acquisition. The pixels are those of the Havel "
    "sample scene (Sentinel-2, level 1C, 2017-02-16). The date, the clouds, their "
    "shadows and the changes of the vegetation are invented."
)
ATTRIBUTION = "Contains modified Copernicus Sentinel data 2017"

C1, L2A = "sentinel-2-c1-l2a", "sentinel-2-l2a"
EARTH_SEARCH, PLANETARY = "v1", "api/stac/v1"
# Account and container of the files that need a token.
ACCOUNT, CONTAINER = "practice", "sentinel2-l2"

__all__ = [
    "ATTRIBUTION",
    "DESCRIPTION",
    "Place",
    "Scene",
    "collections_of",
    "item_of",
    "scenes_of",
]


@dataclass(frozen=True)
class Scene:
    """One item: a day's files and what the item says of them.

    Attributes:
        item_id: Name of the item.
        collection: Name of its collection.
        shape: "1.1", "1.0" or "planetary".
        day: The day whose pixels it has.
        kind: `INSIDE` or `REMOVED`: whether the offset is inside the pixel values.
        date: The date that the item claims.
        baseline: Processing baseline that the item claims.
        applied: Flag `earthsearch:boa_offset_applied`; None for no flag.
        title: Text for people.
    """

    item_id: str
    collection: str
    shape: str
    day: Day
    kind: str
    date: str
    baseline: str
    applied: bool | None = None
    title: str = "Practice scene"


@dataclass(frozen=True)
class Place:
    """Where the images lie, and the address of the server.

    Attributes:
        address: Address of the server: `http://127.0.0.1:PORT`.
        geometry: GeoJSON polygon in degrees.
        corner: Map coordinates (x, y) of the upper left corner.
        shape: Rows and columns at 10 m.
        epsg: Number of the CRS.
    """

    address: str
    geometry: dict[str, Any]
    corner: tuple[float, float]
    shape: tuple[int, int]
    epsg: int

    @property
    def bbox(self) -> list[float]:
        """West, south, east and north, in degrees."""
        xs, ys = zip(*self.geometry["coordinates"][0], strict=True)
        return [min(xs), min(ys), max(xs), max(ys)]


def scenes_of(catalogue: str) -> Iterator[Scene]:
    """The scenes of a catalogue: `EARTH_SEARCH` or `PLANETARY`.

    Example:
        >>> [scene.item_id for scene in scenes_of(PLANETARY)][0]
        'S2A_MSIL2A_20230216T102101_R065_T33UUU_20230216T182101'
    """
    if catalogue == PLANETARY:
        yield from _planetary_scenes()
        return
    for day in DATES:
        name = f"S2A_T{TILE}_{day.compact}T102101_L2A"
        yield Scene(name, C1, "1.1", day, INSIDE, day.date, "05.09", applied=False)
    for day in DATES[:2]:
        name = f"S2A_{TILE}_{day.compact}_0_L2A"
        right = Scene(name, L2A, "1.0", day, REMOVED, day.date, "05.09", applied=True)
        yield right
        yield from _wrong_flags(right)


def _wrong_flags(right: Scene) -> Iterator[Scene]:
    """The same day as items of 2022 whose flag is wrong, as it happens in reality."""
    date = right.date.replace("2023", "2022")
    name = right.item_id.replace("2023", "2022")
    wrong = replace(right, date=date, item_id=name)
    yield replace(
        wrong,
        kind=INSIDE,
        title="Practice scene: says that the offset was removed, and it was not",
    )
    yield replace(
        wrong,
        item_id=name.replace("_0_L2A", "_1_L2A"),
        applied=False,
        title="Practice scene: says that the offset is inside, and it was removed",
    )


def _planetary_scenes() -> Iterator[Scene]:
    for day in DATES[:2]:
        taken = f"{day.compact}T102101_R065_T{TILE}_{day.compact}T182101"
        new = Scene(
            f"S2A_MSIL2A_{taken}", L2A, "planetary", day, INSIDE, day.date, "05.09"
        )
        yield new
        yield replace(
            new,
            item_id=new.item_id.replace("2023", "2020"),
            kind=REMOVED,
            date=day.date.replace("2023", "2020"),
            baseline="02.14",
        )


def item_of(scene: Scene, place: Place, catalogue: str) -> dict[str, Any]:
    """The STAC item of a scene, as GeoJSON."""
    newest = scene.shape == "1.1"
    return {
        "type": "Feature",
        "stac_version": "1.1.0" if newest else "1.0.0",
        "stac_extensions": _extensions(newest),
        "id": scene.item_id,
        "collection": scene.collection,
        "geometry": place.geometry,
        "bbox": place.bbox,
        "properties": _properties(scene, place),
        "assets": _assets(scene, place),
        "links": _item_links(scene, f"{place.address}/{catalogue}"),
    }


def _extensions(newest: bool) -> list[str]:
    versions = {"eo": "1.1.0", "raster": "1.1.0", "projection": "1.1.0"}
    if newest:
        versions = {"eo": "2.0.0", "raster": "2.0.0", "projection": "2.0.0"}
    return [
        f"https://stac-extensions.github.io/{name}/v{version}/schema.json"
        for name, version in versions.items()
    ]


def _properties(scene: Scene, place: Place) -> dict[str, Any]:
    properties = {
        "title": scene.title,
        "description": DESCRIPTION,
        "datetime": f"{scene.date}T10:21:01Z",
        "platform": "sentinel-2a",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": scene.day.clouds,
        "s2:processing_baseline": scene.baseline,
        "s2:mgrs_tile": TILE,
        "grid:code": f"MGRS-{TILE}",
    }
    if scene.shape == "1.1":
        return {**properties, "proj:code": f"EPSG:{place.epsg}"}
    if scene.applied is not None:
        properties["earthsearch:boa_offset_applied"] = scene.applied
    return {**properties, "proj:epsg": place.epsg}


def _assets(scene: Scene, place: Place) -> dict[str, Any]:
    planetary = scene.shape == "planetary"
    assets = {
        (f"B{band[1:]:0>2}" if planetary else key): _asset(scene, place, band, common)
        for key, (band, common) in ASSETS.items()
    }
    assets["SCL" if planetary else "scl"] = _asset(scene, place, "SCL", None)
    return assets


def _asset(scene: Scene, place: Place, band: str, common: str | None) -> dict[str, Any]:
    spacing = 10 if band in FINE else 20
    folder = "files" if scene.shape != "planetary" else f"protected/{CONTAINER}"
    x, y = place.corner
    asset = {
        "href": f"{place.address}/{folder}/{band_file(scene.kind, scene.day, band)}",
        "type": COG,
        "title": f"{band}, {spacing} m (practice)",
        "roles": ["data"],
        "gsd": spacing,
        "proj:shape": [side * 10 // spacing for side in place.shape],
        "proj:transform": [spacing, 0, x, 0, -spacing, y],
    }
    described = _newest_band if scene.shape == "1.1" else _older_band
    return {**asset, **described(scene, band, common, spacing)}


def _newest_band(
    scene: Scene, band: str, common: str | None, spacing: int
) -> dict[str, Any]:
    """How STAC 1.1 describes a band."""
    about = {"nodata": 0, "raster:spatial_resolution": spacing}
    if common is None:
        return {**about, "data_type": "uint8"}
    name = f"B{band[1:]:0>2}"
    return {
        **about,
        "data_type": "uint16",
        "bands": [{"name": name, "eo:common_name": common}],
        "raster:scale": 0.0001,
        "raster:offset": -0.1,
    }


def _older_band(
    scene: Scene, band: str, common: str | None, spacing: int
) -> dict[str, Any]:
    """How STAC 1.0 describes a band; the Planetary Computer leaves scales out."""
    if common is None:
        raster = {"nodata": 0, "data_type": "uint8", "spatial_resolution": spacing}
        return {} if scene.shape == "planetary" else {"raster:bands": [raster]}
    eo = {"eo:bands": [{"name": f"B{band[1:]:0>2}", "common_name": common}]}
    if scene.shape == "planetary":
        return eo
    # Earth Search gives this offset also where it was removed from the pixels.
    raster = {
        "nodata": 0,
        "data_type": "uint16",
        "spatial_resolution": spacing,
        "scale": 0.0001,
        "offset": -0.1,
    }
    return {**eo, "raster:bands": [raster]}


def _item_links(scene: Scene, root: str) -> list[dict[str, str]]:
    collection = f"{root}/collections/{scene.collection}"
    return [
        _link("self", f"{collection}/items/{scene.item_id}", "application/geo+json"),
        _link("parent", collection),
        _link("collection", collection),
        _link("root", root),
        _link("license", LICENCE, "application/pdf"),
    ]


def _link(relation: str, href: str, kind: str = "application/json") -> dict[str, str]:
    return {"rel": relation, "href": href, "type": kind}


def collections_of(catalogue: str, place: Place) -> list[dict[str, Any]]:
    """The collections of a catalogue, as JSON."""
    scenes = list(scenes_of(catalogue))
    names = list(dict.fromkeys(scene.collection for scene in scenes))
    return [
        _collection(name, [x for x in scenes if x.collection == name], place, catalogue)
        for name in names
    ]


def _collection(
    name: str, scenes: list[Scene], place: Place, catalogue: str
) -> dict[str, Any]:
    root = f"{place.address}/{catalogue}"
    dates = sorted(scene.date for scene in scenes)
    interval = [f"{dates[0]}T00:00:00Z", f"{dates[-1]}T23:59:59Z"]
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0" if name == C1 else "1.0.0",
        "id": name,
        "title": f"Practice images in the shape of {name}",
        "description": DESCRIPTION,
        "license": "other" if name == C1 else "proprietary",
        "providers": [{"name": ATTRIBUTION, "roles": ["producer"]}],
        "extent": {
            "spatial": {"bbox": [place.bbox]},
            "temporal": {"interval": [interval]},
        },
        "links": [
            _link("self", f"{root}/collections/{name}"),
            _link("parent", root),
            _link("root", root),
            _link("items", f"{root}/collections/{name}/items", "application/geo+json"),
            _link("license", LICENCE, "application/pdf"),
        ],
    }
    if catalogue == PLANETARY:
        collection["msft:storage_account"] = ACCOUNT
        collection["msft:container"] = CONTAINER
    return collection
