"""What a grid is on the ground: its CRS, and whether it is north-up."""

from math import isfinite

import pyproj
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

# In pixels: grids that differ less than this over a whole raster are the same. Warping
# programs leave rotation terms of the size of rounding errors.
NEGLIGIBLE_SHIFT = 0.01

__all__ = [
    "UnplacedGeoBox",
    "crs_name",
    "is_north_up",
    "same_crs",
    "same_grid",
    "why_not_north_up",
]


class UnplacedGeoBox(GeoBox):
    """Grid of a raster that has a place on the ground, but no transform.

    Attributes:
        by: What tells its place: "GCPs" (ground control points) or "RPCs" (a sensor
            model, rational polynomial coefficients).
    """

    def __init__(
        self, shape: tuple[int, int], affine: Affine, crs: CRS | None, *, by: str
    ) -> None:
        super().__init__(shape, affine, crs)
        self.by = by


def is_north_up(grid: GeoBox) -> bool:
    """Whether rows run from north to south and columns from west to east.

    Rotation terms that move no pixel by more than `NEGLIGIBLE_SHIFT` do not count.

    Example:
        >>> from affine import Affine
        >>> is_north_up(GeoBox((60, 80), Affine(10, 1e-12, 0, 0, -10, 0), "EPSG:32633"))
        True
    """
    a = grid.transform
    if isinstance(grid, UnplacedGeoBox) or not all(map(isfinite, a)):
        return False
    if a.a <= 0 or a.e >= 0:
        return False
    shift = max(abs(a.b / a.a) * grid.height, abs(a.d / a.e) * grid.width)
    return shift < NEGLIGIBLE_SHIFT


def same_crs(a: CRS | None, b: CRS | None) -> bool:
    """Whether two CRS have the same parameters, by code or written out.

    Example:
        >>> same_crs(CRS("EPSG:32633"), CRS(CRS("EPSG:32633").to_wkt()))
        True
    """
    if a is None or b is None:
        return a is b
    # `a == b` of odc-geo compares the codes, and a look-alike has the same code.
    if a.proj.equals(b.proj, ignore_axis_order=True):
        return True
    # PROJ ignores the order of longitude and latitude only. In rasters x comes first,
    # also where the code of a projected CRS names the northing first.
    return _x_first(a.proj).equals(_x_first(b.proj), ignore_axis_order=True)


def _x_first(crs: pyproj.CRS) -> pyproj.CRS:
    """The CRS with its axes sorted by their directions."""
    tree = crs.to_json_dict()
    _sort_axes(tree)
    return pyproj.CRS.from_json_dict(tree)


def _sort_axes(node: dict) -> None:
    for name, part in node.items():
        if name == "axis":
            part.sort(key=lambda axis: axis["direction"])
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, dict):
                _sort_axes(one)


def same_grid(a: GeoBox, b: GeoBox) -> bool:
    """Whether the pixels of two grids lie on each other, within `NEGLIGIBLE_SHIFT`."""
    if a.shape != b.shape or not same_crs(a.crs, b.crs):
        return False
    if a.transform == b.transform or not a.transform.determinant:
        return a.transform == b.transform
    corners = [(x, y) for x in (0, a.width) for y in (0, a.height)]
    moved = [~a.transform @ (b.transform @ corner) for corner in corners]
    return all(
        abs(x - u) < NEGLIGIBLE_SHIFT and abs(y - v) < NEGLIGIBLE_SHIFT
        for (x, y), (u, v) in zip(corners, moved, strict=True)
    )


def crs_name(crs: CRS | None) -> str:
    """Short name of a CRS for a message: its code, else its name.

    Example:
        >>> crs_name(CRS("EPSG:32633")), crs_name(CRS("+proj=utm +zone=33 +k=1"))
        ('EPSG:32633', "'unknown' (own parameters)")
    """
    if crs is None:
        return "None"
    code = str(crs)
    return code if len(code) <= 20 else f"'{crs.proj.name}' (own parameters)"


def why_not_north_up(grid: GeoBox) -> str:
    """What is wrong with a grid, and the cure for it."""
    if isinstance(grid, UnplacedGeoBox):
        option = "-rpc " if grid.by == "RPCs" else ""
        return (
            f"has no transform: its place is known only by {grid.by}. Warp it to a "
            f"north-up grid first: `gdalwarp {option}-t_srs EPSG:… in.tif out.tif`."
        )
    if grid.transform.is_identity:
        return (
            "has no georeference: its pixels have no coordinates. Give it the ones of "
            "its corners: `gdal_edit.py -a_srs EPSG:… -a_ullr left top right bottom "
            "file.tif`."
        )
    return (
        f"is rotated or not north-up (transform {tuple(grid.transform)[:6]}). Warp it "
        "to a north-up grid first: `gdalwarp in.tif out.tif`."
    )
