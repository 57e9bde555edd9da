"""Where an open raster lies: its grid, with the file's own CRS."""

import re
from functools import lru_cache
from math import isclose

import pyproj
import rasterio
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.crs import Datum, Ellipsoid
from pyproj.exceptions import CRSError

from tutorial_lib.placement import UnplacedGeoBox, same_crs

# Codes of a CRS and of its parts in WKT 1 and WKT 2.
_CODES = re.compile(r',\s*(?:AUTHORITY|ID)\["[^"]*",[^][]*\]')

# Names of the geodetic CRS and of its datum, by which GDAL finds a code again.
_GEODETIC_NAME = re.compile(
    r'\b(GEOGCS|BASEGEOGCRS|GEOGCRS|BASEGEODCRS|GEODCRS)\["([^"]*)"'
)
_DATUM_NAME = re.compile(r'\b(DATUM)\["([^"]*)"')

__all__ = ["crs_of", "grid_of"]


def grid_of(dataset: rasterio.DatasetReader) -> GeoBox:
    """Grid of an open raster.

    A raster whose place is known only by control points or by a sensor model gets an
    `UnplacedGeoBox`.
    """
    crs = crs_of(dataset)
    if dataset.transform.is_identity:
        if dataset.gcps[0]:
            return UnplacedGeoBox(dataset.shape, dataset.transform, crs, by="GCPs")
        if dataset.rpcs:
            return UnplacedGeoBox(dataset.shape, dataset.transform, crs, by="RPCs")
    return GeoBox(dataset.shape, dataset.transform, crs)


def crs_of(dataset: rasterio.DatasetReader) -> CRS | None:
    """CRS of an open raster: its code if the file means exactly that, else its WKT.

    rasterio also gives the code of a look-alike, for instance of a UTM zone for a file
    whose central meridian is another one.
    """
    if not dataset.crs:
        return None
    return _own_crs(dataset.crs.to_wkt(), dataset.crs.to_string())


# A file's CRS is asked for at each opening, and to look a name up takes PROJ a while.
@lru_cache(maxsize=64)
def _own_crs(wkt: str, code: str) -> CRS:
    own = CRS(wkt)
    named = own.proj.to_json_dict().get("id", {"authority": "", "code": ""})
    for name in (code, f"{named['authority']}:{named['code']}"):
        if _is_code(name) and _means(name, own):
            return CRS(name)
    return CRS(_without_codes(own))


def _is_code(text: str) -> bool:
    authority, _, number = text.partition(":")
    return authority.isalnum() and number.isalnum()


def _means(code: str, crs: CRS) -> bool:
    try:
        return same_crs(CRS(code), crs)
    except CRSError:
        return False


def _without_codes(crs: CRS) -> str:
    """WKT of a CRS without codes and names that stand for other parameters.

    GeoTIFFs hold the code in place of the parameters where a CRS has both, and GDAL
    also finds codes by the names of a datum.
    """
    text = _CODES.sub("", str(crs))
    geodetic = crs.proj.geodetic_crs
    if geodetic is None:
        return text
    if _means(geodetic.name, CRS(geodetic.to_wkt())) and not crs.proj.is_bound:
        return text
    # TOWGS84 parameters are dropped beside the name of a datum that GDAL knows.
    keeps_datum = not crs.proj.is_bound and _is_datum_of_its_name(geodetic.datum)
    if not keeps_datum and _is_known(Datum, geodetic.datum.name):
        return _own_name(_GEODETIC_NAME, _own_name(_DATUM_NAME, text))
    if _is_known(pyproj.CRS, geodetic.name):
        return _own_name(_GEODETIC_NAME, text)
    return text


def _own_name(kind: re.Pattern[str], text: str) -> str:
    return kind.sub(r'\1["\2, own parameters"', text)


def _is_datum_of_its_name(datum: Datum) -> bool:
    """Whether PROJ knows a datum by its name, with the same ellipsoid."""
    if not _is_known(Datum, datum.name):
        return False
    a, b = _ellipsoid(datum), _ellipsoid(Datum.from_string(datum.name))
    return isclose(a.semi_major_metre, b.semi_major_metre) and isclose(
        a.inverse_flattening, b.inverse_flattening
    )


def _ellipsoid(datum: Datum) -> Ellipsoid:
    # pyproj does not give the one of several datums together, such as WGS 84's.
    parts = datum.to_json_dict()["ellipsoid"]
    return Ellipsoid.from_json_dict({"type": "Ellipsoid"} | parts)


def _is_known(kind: type[pyproj.CRS] | type[Datum], name: str) -> bool:
    # PROJ searches long for this one, its own name for what has none.
    if name.lower().startswith("unknown"):
        return False
    try:
        kind.from_string(name)
    except CRSError:
        return False
    return True
