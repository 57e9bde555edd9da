"""A raster keeps the CRS that its file has, also one that only resembles a code."""

import numpy as np
import pyproj
import pytest
import rasterio
import scenes
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.grids import GridMismatchError, align
from tutorial_lib.placement import crs_name, is_north_up, same_crs, same_grid

PLACE = Affine(10, 0, 500_000, 0, -10, 4_800_000)


def utm(old="", new="", *, code=True, version="WKT1_GDAL"):
    """UTM zone 31 as a file may write it: some text replaced, the code kept or not."""
    text = pyproj.CRS.from_epsg(32631).to_wkt(version)
    assert old in text
    text = text.replace(old, new)
    return text if code else text.replace(',AUTHORITY["EPSG","32631"]', "")


GK = pyproj.CRS.from_epsg(31468).to_wkt("WKT1_GDAL")
SHIFT = '"7004"]],TOWGS84[700,77,440.2,-0.054,0.057,-2.797,2.55],'

OWN = {
    "another meridian": utm('"central_meridian",3', '"central_meridian",3.002'),
    "without a code": utm('"central_meridian",3', '"central_meridian",3.5', code=False),
    "another false easting": utm("500000", "500217"),
    "another scale": utm("0.9996", "0.9999", code=False),
    "another ellipsoid": utm("6378137,298.257223563", "6378388,297"),
    "as WKT 2": utm(
        '"Longitude of natural origin",3',
        '"Longitude of natural origin",3.002',
        version="WKT2_2019",
    ),
    "another datum shift": GK.replace('"7004"]],', SHIFT),
    "named parameters": pyproj.CRS(
        "+proj=tmerc +lat_0=0 +lon_0=3.002 +k=0.9996 +x_0=500000 +datum=WGS84"
    ).to_wkt(),
    "a shift to WGS 84": pyproj.CRS(
        "+proj=utm +zone=31 +ellps=intl +towgs84=-87,-98,-121,0,0,0,0"
    ).to_wkt("WKT1_GDAL"),
    "a datum of its own name": pyproj.CRS(
        "+proj=tmerc +lat_0=40 +lon_0=-100 +x_0=500000 +datum=NAD27"
    ).to_wkt("WKT1_GDAL"),
    "a rotated pole": pyproj.CRS(
        "+proj=ob_tran +o_proj=longlat +o_lat_p=39.25 +lon_0=18 +o_lon_p=0"
    ).to_wkt("WKT2_2019"),
}


def with_crs(path, wkt, *, shape=(3, 5)):
    """A virtual raster whose CRS is written out, so that nothing changes it."""
    path.with_suffix(".tif").unlink(missing_ok=True)
    pixels = scenes.write(
        path.with_suffix(".tif"), np.ones((*shape, 1), "uint8"), crs=None
    )
    escaped = wkt.replace("&", "&amp;").replace('"', "&quot;")
    path.write_text(
        f'<VRTDataset rasterXSize="{shape[1]}" rasterYSize="{shape[0]}">'
        f'<SRS dataAxisToSRSAxisMapping="1,2">{escaped}</SRS>'
        f"<GeoTransform>{', '.join(map(str, PLACE.to_gdal()))}</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>'
        f"{pixels}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return path


def lon_lat(crs):
    """Where the corner of the raster lies, with PROJ alone."""
    to_degrees = pyproj.Transformer.from_crs(
        pyproj.CRS.from_wkt(crs), "EPSG:4326", always_xy=True
    )
    return to_degrees.transform(PLACE.c, PLACE.f)


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("name", OWN)
def test_a_map_lies_where_its_source_lies(tmp_path, name):
    source = with_crs(tmp_path / "a.vrt", OWN[name])
    grid = tl.read_grid(source)
    np.testing.assert_allclose(lon_lat(str(grid.crs)), lon_lat(OWN[name]), atol=1e-9)
    written = rasters.write_array(tmp_path / "map.tif", np.ones((3, 5, 1)), grid)
    with rasterio.open(written) as dataset:
        found = lon_lat(dataset.crs.to_wkt())
    np.testing.assert_allclose(found, lon_lat(OWN[name]), atol=1e-9)
    assert same_grid(tl.read_grid(written), grid)
    # The map of a map changes no more.
    again = rasters.write_array(tmp_path / "again.tif", np.ones((3, 5, 1)), grid)
    assert tl.read_grid(again) == tl.read_grid(written)


@pytest.mark.parametrize("name", OWN)
def test_a_look_alike_is_not_the_crs_of_the_code(tmp_path, name):
    own = tl.read_grid(with_crs(tmp_path / "a.vrt", OWN[name]))
    for code in ("EPSG:32631", "EPSG:31468"):
        assert not same_crs(own.crs, CRS(code))
        grid = GeoBox(own.shape, own.transform, code)
        for grids in ({"a": own, "b": grid}, {"a": grid, "b": own}):
            with pytest.raises(GridMismatchError, match="Warp it first") as caught:
                align(grids)
            # The names are short, and not a page of WKT.
            assert len(str(caught.value)) < 300


CODES = ("EPSG:32631", "EPSG:4326", "EPSG:3857", "EPSG:2193", "EPSG:31468", "EPSG:2263")


@pytest.mark.parametrize(
    ("code", "version"),
    [
        *((code, "WKT1_GDAL") for code in CODES),
        *((code, "WKT2_2019") for code in CODES),
        ("EPSG:4979", "WKT2_2019"),
        ("EPSG:7415", "WKT2_2019"),
        ("ESRI:54009", "WKT1_GDAL"),
    ],
)
def test_a_crs_written_out_is_the_one_of_its_code(tmp_path, code, version):
    wkt = pyproj.CRS(code).to_wkt(version)
    grid = tl.read_grid(with_crs(tmp_path / "a.vrt", wkt))
    assert str(grid.crs) == code
    align({"a": grid, "b": GeoBox(grid.shape, grid.transform, code)})


def test_names_of_other_programs_are_the_code_if_the_parameters_are(tmp_path):
    esri = pyproj.CRS.from_epsg(32631).to_wkt("WKT1_ESRI")
    own = tl.read_grid(with_crs(tmp_path / "a.vrt", esri))
    assert "WGS_1984_UTM_Zone_31N" in esri
    assert same_crs(own.crs, CRS("EPSG:32631"))


def test_rasters_of_one_crs_in_two_words_can_be_stacked(tmp_path):
    first = with_crs(tmp_path / "a.vrt", utm())
    second = with_crs(tmp_path / "b.vrt", utm(code=False))
    third = with_crs(tmp_path / "c.vrt", OWN["another meridian"])
    assert rasters.read_array([first, second]).shape == (3, 5, 2)
    with pytest.raises(ValueError, match="not on the grid"):
        rasters.read_array([first, third])


def test_a_crs_has_a_short_name_for_messages(tmp_path):
    assert crs_name(CRS("EPSG:32631")) == "EPSG:32631"
    assert crs_name(None) == "None"
    own = tl.read_grid(with_crs(tmp_path / "a.vrt", OWN["another scale"]))
    assert crs_name(own.crs) == "'WGS 84 / UTM zone 31N' (own parameters)"


# North-up


@pytest.mark.parametrize("size", [1e-12, -1e-9, 1e-7])
def test_rotation_terms_of_rounding_size_are_none(tmp_path, size):
    turned = GeoBox((900, 700), PLACE @ Affine(1, size, 0, -size, 1, 0), "EPSG:32631")
    assert is_north_up(turned)
    path = rasters.write_array(tmp_path / "a.tif", np.ones((900, 700, 1)), turned)
    straight = GeoBox((900, 700), PLACE, "EPSG:32631")
    rows, cols = align({"a": straight, "b": tl.read_grid(path)})["b"]
    assert (rows.offset, rows.spacing, cols.offset, cols.spacing) == (0, 1, 0, 1)
    other = rasters.write_array(tmp_path / "b.tif", np.ones((900, 700, 1)), straight)
    assert rasters.read_array([path, other]).shape == (900, 700, 2)


def test_a_rotation_that_moves_pixels_counts_over_the_whole_raster():
    for size, rows in ((1e-4, 900), (1e-5, 2000), (0.01, 2)):
        turned = GeoBox((rows, 7), PLACE @ Affine(1, size, 0, 0, 1, 0), "EPSG:32631")
        assert not is_north_up(turned)
        with pytest.raises(GridMismatchError, match="rotated"):
            align({"a": turned})
    small = GeoBox((90, 70), PLACE @ Affine(1, 1e-5, 0, 0, 1, 0), "EPSG:32631")
    assert is_north_up(small)


@pytest.mark.parametrize("size", [np.inf, np.nan])
def test_coordinates_that_are_no_numbers_are_refused(size):
    grid = GeoBox((3, 5), Affine(size, 0, 0, 0, -10, 0), "EPSG:32631")
    with pytest.raises(GridMismatchError, match="not north-up"):
        align({"a": grid})


def test_grids_are_the_same_within_a_hundredth_of_a_pixel():
    grid = testing.small_grid(300, 400)
    for shift, same in ((0.05, True), (0.2, False), (10, False)):
        moved = testing.small_grid(300, 400, corner=(500_000 + shift, 4_800_000))
        assert same_grid(grid, moved) is same
    stretched = testing.small_grid(300, 400, spacing=10.001)
    assert not same_grid(grid, stretched)
    assert not same_grid(grid, testing.small_grid(400, 300))
    assert not same_grid(grid, testing.small_grid(300, 400, crs="EPSG:32632"))
