"""Where an open raster lies: its grid, with the file's own CRS."""

import rasterio
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib.placement import UnplacedGeoBox, same_crs

__all__ = ["grid_of"]


def grid_of(dataset: rasterio.DatasetReader) -> GeoBox:
    """Grid of an open raster.

    A raster whose place is known by control points or by a sensor model only gets an
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
    """CRS of an open raster: its code if the file means exactly that, else its WKT."""
    if not dataset.crs:
        return None
    own = CRS(dataset.crs.to_wkt())
    # In a message, a code is short. But rasterio also gives the code of a look-alike,
    # for instance of the UTM zone for a file whose central meridian is another one.
    code = dataset.crs.to_string()
    if code.startswith("EPSG:") and same_crs(CRS(code), own):
        return CRS(code)
    return own
