"""Items of any catalogue: names of bands, scales, offsets, dates, tokens, stripes."""

import datetime
import json
import re

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.places import place_of
from data_fetch.stac import reading, tokens
from data_fetch.stac.assets import BANDS
from data_fetch.stac.catalogues import KNOWN, Catalogue
from data_fetch.stac.dates import candidates_of, interval_of, too_cloudy
from data_fetch.stac.download import stripes_of
from data_fetch.stac.items import parse_item, parse_items
from data_fetch.stac.parts import Parts
from data_fetch.stac.tokens import Tokens, public_address
from tutorial_lib import rasters, testing

BOX = (12.9, 52.4, 13.1, 52.5)
# The keys of Earth Search's assets, from its collection.
EARTH_SEARCH = dict(
    zip(
        ("B4", "B3", "B2", "B8", "B5", "B6", "B7", "B8A", "B11", "B12", "SCL"),
        (
            *("red", "green", "blue", "nir", "rededge1", "rededge2", "rededge3"),
            *("nir08", "swir16", "swir22", "scl"),
        ),
        strict=True,
    )
)
COMMON = {
    **{"B4": "red", "B3": "green", "B2": "blue", "B8": "nir", "B5": "rededge071"},
    **{"B6": "rededge075", "B7": "rededge078", "B8A": "nir08", "B11": "swir16"},
    "B12": "swir22",
}


def asset(band, **more):
    return {"href": f"https://example.org/{band}.tif", "type": "image/tiff", **more}


def box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def item(assets=None, *, name="a", day="2023-05-08", place=BOX, **properties):
    if assets is None:
        assets = {key: asset(band) for band, key in EARTH_SEARCH.items()}
    about = {"datetime": f"{day}T10:20:30Z", "eo:cloud_cover": 7.5, "proj:epsg": 32633}
    return {
        "id": name,
        "geometry": box(*place),
        "properties": {**about, **properties},
        "assets": assets,
    }


def every(name, value):
    return {key: asset(band, **{name: value}) for band, key in EARTH_SEARCH.items()}


def padded(band):
    return f"B{band[1:]:0>2}" if band.startswith("B") else band


SHAPES = {
    "keys of Earth Search": {key: asset(band) for band, key in EARTH_SEARCH.items()},
    "keys of the Planetary Computer": {padded(band): asset(band) for band in BANDS},
    "names of bands, 1.0": {
        f"x{i}": asset(band, **{"eo:bands": [{"name": padded(band)}]})
        for i, band in enumerate(BANDS)
    },
    "names of bands, 1.1": {
        f"x{i}": asset(band, bands=[{"name": padded(band)}])
        for i, band in enumerate(BANDS)
    },
    "common names, 1.0": {
        "SCL_20m": asset("SCL"),
        **{
            f"x{band}": asset(band, **{"eo:bands": [{"common_name": name}]})
            for band, name in COMMON.items()
        },
    },
    "common names, 1.1": {
        "SCL": asset("SCL"),
        **{
            f"x{band}": asset(band, bands=[{"eo:common_name": name}])
            for band, name in COMMON.items()
        },
    },
    "common names of assets": {
        "scl": asset("SCL"),
        **{
            f"x{band}": asset(band, **{"eo:common_name": name})
            for band, name in COMMON.items()
        },
    },
    "keys with their pixel size": {
        f"{padded(band)}_{10 if band in BANDS_10M else 20}m": asset(band)
        for band in BANDS
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_band_is_found_by_its_name(shape):
    read = parse_item(item(SHAPES[shape]))
    assert {band: one.href for band, one in read.assets.items()} == {
        band: f"https://example.org/{band}.tif" for band in BANDS
    }


def test_pictures_and_copies_in_jpeg_2000_are_passed_over():
    three = [{"common_name": name} for name in ("red", "green", "blue")]
    assets = {
        "red-jp2": {"href": "s3://a/red.jp2", "type": "image/jp2"},
        "visual": asset("visual", **{"eo:bands": three}),
        "thumbnail": {"href": "https://example.org/a.jpg", "type": "image/jpeg"},
        **SHAPES["keys of Earth Search"],
    }
    assert parse_item(item(assets)).assets["B4"].href.endswith("/B4.tif")


def test_an_item_without_a_band_is_refused_by_its_name():
    assets = dict(SHAPES["keys of Earth Search"])
    del assets["scl"]
    with pytest.raises(ValueError, match=r"'a' .*no file for SCL\. .*--collection"):
        parse_item(item(assets))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"id": "a"},
        {**item(), "geometry": None},
        {**item(), "properties": None},
        {**item(), "assets": []},
        {**item(), "assets": {"red": None}},
        {**item(), "geometry": {"type": "Cube"}},
        {**item(), "properties": {}},
        {**item(), "properties": {"datetime": "2023-05-08", "eo:cloud_cover": "much"}},
        item(datetime="../../../a"),
        item(datetime="2023-13-99"),
        item(every("raster:scale", float("nan"))),
        item(every("raster:scale", 1)),
        item(every("raster:scale", -1e-4)),
        item(every("raster:offset", -1000)),
        item(every("raster:offset", float("nan"))),
        item(every("raster:offset", 10**400)),
        item(every("href", "/etc/passwd")),
        item(every("proj:shape", [0, 3])),
        item(every("proj:transform", [20, 0, 3e5, 0, -20])),
        item(every("proj:transform", [float("nan")] * 6)),
        {**item(), "id": 7},
        {**item(), "properties": []},
        {**item(), "geometry": {"type": "Point", "coordinates": [13, 52]}},
        item(place=(12.9, 52.4, float("nan"), 52.5)),
        item(place=(12.9, 52.4, 113.1, 52.5)),
        item(place=(12.9, 52.4, 13.1, 1e308)),
        item(every("proj:transform", [20, 0, 1e308, 0, -20, 5e6])),
        item(every("proj:epsg", "9" * 5000)),
        *(None, 7, "a", [], [item()]),
    ],
)
def test_what_is_no_item_is_refused_in_one_sentence(wrong):
    with pytest.raises(ValueError, match=r"--ca|--collection"):
        parse_item(wrong)


def with_offset(offset, shape):
    older = {"raster:bands": [{"scale": 1e-4, "offset": offset}]}
    newer = {"raster:scale": 1e-4, "raster:offset": offset}
    inner = {"bands": [{"raster:scale": 1e-4, "raster:offset": offset}]}
    more = {"older": older, "newer": newer, "inner": inner}[shape]
    return {key: asset(band, **more) for band, key in EARTH_SEARCH.items()}


FLAG, BASELINE = "earthsearch:boa_offset_applied", "s2:processing_baseline"


@pytest.mark.parametrize("shape", ["older", "newer", "inner"])
@pytest.mark.parametrize(
    ("offset", "properties", "expected", "why"),
    [
        (-0.1, {FLAG: True, BASELINE: "05.09"}, 0.0, "boa_offset_applied` is true"),
        (-0.1, {FLAG: False, BASELINE: "05.09"}, -0.1, "is -0.1"),
        (0, {BASELINE: "05.09"}, 0.0, "is 0"),
        (-0.1, {BASELINE: "02.14"}, -0.1, "is -0.1"),
        (None, {BASELINE: "04.00"}, -0.1, "baseline is 04.00"),
        (None, {BASELINE: "03.01"}, 0.0, "baseline is 03.01"),
        (None, {"processing:version": "05.11"}, -0.1, "baseline is 05.11"),
        (None, {"s2:product_uri": "S2A_MSIL2A_2_N0214_R1"}, 0.0, "baseline is 02.14"),
        (None, {}, None, "neither"),
    ],
)
def test_metadata_tells_the_offset_in_a_fixed_order(
    shape, offset, properties, expected, why
):
    read = parse_item(item(with_offset(offset, shape), **properties))
    assert read.offset == expected
    assert why in read.why


@pytest.mark.parametrize("day", ["2016-05-08", "2023-05-08"])
def test_the_sensing_date_says_nothing_about_the_offset(day):
    for baseline, offset in (("02.04", 0.0), ("05.00", -0.1)):
        assert parse_item(item(day=day, **{BASELINE: baseline})).offset == offset


def test_codes_of_both_versions_are_read():
    for code in ({"proj:epsg": 32719}, {"proj:code": "EPSG:32719", "proj:epsg": None}):
        assert parse_item(item(**code)).epsg == 32719


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("05.11", 5.11),
        ("N0511", 5.11),
        ("0511", 5.11),
        ("5.11", 5.11),
        (5.11, 5.11),
        (4, 4.0),
        ("04", 4.0),
        ("V05.11", 5.11),
        ("N0400", 4.0),
        (" 02.14 ", 2.14),
        ("99.99", 99.99),
        (None, 0),
        ("", 0),
    ],
)
def test_a_baseline_is_understood_however_it_is_written(told, expected):
    read = parse_item(item(**{BASELINE: told}))
    assert read.baseline == expected
    if expected:
        assert read.offset == (-0.1 if expected >= 4 else 0.0)


@pytest.mark.parametrize(
    "told", ["new", "511", 511, -4, 0, True, float("nan"), [5], {}, "N05111", "5.1.1"]
)
def test_another_baseline_is_refused_by_its_name(told):
    said = re.escape(f"`s2:processing_baseline` is {told!r}")
    with pytest.raises(ValueError, match=said):
        parse_item(item(**{BASELINE: told}))


def test_the_version_of_another_program_is_not_a_baseline():
    assert parse_item(item(**{"processing:version": "v2.3.1-rc1"})).offset is None


@pytest.mark.parametrize(
    "told", [float("nan"), float("inf"), -5, 150, 100.1, "much", "", True, [7], {}]
)
def test_clouds_that_are_no_share_are_refused_by_their_name(told):
    with pytest.raises(ValueError, match=r"`eo:cloud_cover` is .* from 0 to 100 %"):
        parse_item(item(**{"eo:cloud_cover": told}))


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, 0), (0, 0), ("7.5", 7.5), (100, 100), (100 + 1e-9, 100)],
)
def test_clouds_are_a_share(told, expected):
    assert parse_item(item(**{"eo:cloud_cover": told})).cloud == expected


NO_CODE = {"proj:epsg": None}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"grid:code": "MGRS-33UUU"}, 32633),
        ({"grid:code": "MGRS-19KCP"}, 32719),
        ({"grid:code": "MGRS-1NAA"}, 32601),
        ({"grid:code": "MGRS-60MZZ"}, 32760),
        ({"s2:mgrs_tile": "33UUU"}, 32633),
        ({"s2:mgrs_tile": "T33UUU"}, 32633),
        (
            {
                "mgrs:utm_zone": 33,
                "mgrs:latitude_band": "U",
                "mgrs:grid_square": "UU",
            },
            32633,
        ),
        ({"s2:product_uri": "S2A_MSIL2A_20230508T1_N0509_R65_T33UUU_2.SAFE"}, 32633),
        # The files' own code comes first: it is what they are in.
        ({"proj:epsg": 32632, "grid:code": "MGRS-33UUU"}, 32632),
    ],
)
def test_the_name_of_the_tile_tells_the_zone(properties, expected):
    assert parse_item(item(**{**NO_CODE, **properties})).epsg == expected


def test_the_name_of_an_item_tells_the_zone():
    read = parse_item(item(name="S2A_33UUU_20230508_0_L2A", **NO_CODE))
    assert read.epsg == 32633


@pytest.mark.parametrize("code", [None, "MGRS-61UUU", "MGRS-33OUU", "CMSA-33UUU", 33])
def test_an_item_without_a_zone_is_refused(code):
    with pytest.raises(ValueError, match="neither its CRS nor its MGRS tile"):
        parse_item(item(**NO_CODE, **{"grid:code": code}))


# What cannot be read -----------------------------------------------------------------


def test_items_that_cannot_be_used_are_left_out_with_their_reason():
    without = item(name="no_scl")
    del without["assets"]["scl"]
    cloudy = item(name="cloudy", **{"eo:cloud_cover": -5})
    read = parse_items([without, item(name="good"), cloudy, None])
    assert [one.id for one in read.items] == ["good"]
    assert read.note == (
        "3 of 4 items are left out: 'no_scl' (it has no file for SCL); 'cloudy' (its "
        "`eo:cloud_cover` is -5, and not from 0 to 100 %); without a name (it cannot "
        "be read: TypeError 'NoneType' object is not subscriptable)."
    )


def test_many_items_that_are_left_out_are_counted():
    wrong = [item({}, name=f"x{i}") for i in range(50)]
    note = parse_items([item(), *wrong]).note
    assert "50 of 51 items" in note
    assert "; and 47 more." in note
    assert len(note) < 600
    long = item(name="long" * 500, **{"proj:epsg": "9" * 400})
    assert len(parse_items([item(), long]).note) < 400
    assert parse_items([item()]).note == ""
    assert parse_items([]) == ((), "")


def test_no_usable_item_at_all_is_an_error():
    wrong = [item({}, name=f"x{i}" * 500) for i in range(50)]
    with pytest.raises(
        ValueError, match=r"None of the 50 items .*--collection"
    ) as told:
        parse_items(wrong)
    assert len(str(told.value)) < 900


def test_an_item_that_was_sent_twice_counts_once():
    (found,) = parse_items([item(), item()]).items
    assert found.id == "a"


def test_files_that_a_scene_does_not_need_may_be_described_in_any_way():
    assets = dict(SHAPES["keys of Earth Search"])
    assets["thumbnail"] = None
    assets["video"] = {"type": 7, "href": None, "bands": "abc"}
    assert set(parse_item(item(assets)).assets) == set(BANDS)


# Outlines ----------------------------------------------------------------------------


def ring(*corners):
    return [list(corner) for corner in (*corners, corners[0])]


EAST = ring((179, 60), (180, 60), (180, 61), (179, 61))
WEST = ring((-180, 60), (-179.5, 60), (-179.5, 61), (-180, 61))
ACROSS = {
    "cut": {"type": "MultiPolygon", "coordinates": [[EAST], [WEST]]},
    "around the earth": {
        "type": "Polygon",
        "coordinates": [ring((179, 60), (-179.5, 60), (-179.5, 61), (179, 61))],
    },
    "beyond 180": {
        "type": "Polygon",
        "coordinates": [ring((179, 60), (180.5, 60), (180.5, 61), (179, 61))],
    },
    "beyond -180": {
        "type": "Polygon",
        "coordinates": [ring((-181, 60), (-179.5, 60), (-179.5, 61), (-181, 61))],
    },
    "cut at the wrong side": {
        "type": "MultiPolygon",
        "coordinates": [
            [ring((179, 60), (-180, 60), (-180, 61), (179, 61))],
            [ring((180, 60), (-179.5, 60), (-179.5, 61), (180, 61))],
        ],
    },
}


@pytest.mark.parametrize("kind", ACROSS)
def test_an_outline_across_180_degrees_shows_only_its_own_ground(kind):
    read = parse_item({**item(**{"proj:epsg": 32660}), "geometry": ACROSS[kind]})
    assert read.outline.area == pytest.approx(1.5)
    expected = parse_item({**item(), "geometry": ACROSS["cut"]}).outline
    assert read.outline.symmetric_difference(expected).area < 1e-9


def with_files(name, corner, geometry, epsg=32601, **properties):
    """An item with a tile of 100 km, which tells the grid of its files."""
    x, y = corner
    about = {
        "proj:shape": [5490, 5490],
        "proj:transform": [20, 0, x, 0, -20, y],
    }
    assets = {key: asset(band, **about) for band, key in EARTH_SEARCH.items()}
    made = item(assets, name=name, **{"proj:epsg": epsg, **properties})
    return {**made, "geometry": geometry}


def test_a_badly_cut_outline_does_not_win_over_a_right_one():
    # A place in the west of zone 1, in a tile that crosses the meridian.
    place = place_of((-179.4, 60.2, -179.2, 60.4))
    corner = (300_000, 6_800_040)
    right = {"type": "Polygon", "coordinates": [ring(*CROSSING)]}
    # It was cut into two halves, and the second one became all the rest of the earth.
    rest = ring((-180, 60.2), (179, 60.2), (179, 61.2), (-180, 61.2))
    bad = {"type": "MultiPolygon", "coordinates": [[EAST], [rest]]}
    items = [
        with_files("a_wrong", (300_000, 6_800_040), bad, **{BASELINE: "05.11"}),
        with_files("right", corner, right, **{BASELINE: "05.10"}),
    ]
    (found,) = candidates_of(parse_items(items).items, place)
    assert [one.id for one in found.items] == ["right"]


CROSSING = ((179.2, 60.3), (-178.6, 60.3), (-178.6, 61.3), (179.2, 61.3))


def test_an_outline_counts_where_the_files_lie():
    place = place_of(BOX)
    everywhere = box(0, 45, 20, 60)
    near = with_files("near", (300_000, 5_900_040), everywhere, 32633)
    far = with_files("far", (300_000, 5_300_040), everywhere, 32633)
    beside = with_files("beside", (300_000, 5_900_040), box(30, 45, 31, 46), 32633)
    read = parse_items([near, far, beside])
    assert "'beside' (its outline lies elsewhere than its files)" in read.note
    (found,) = candidates_of(read.items, place)
    assert [one.id for one in found.items] == ["near"]
    assert found.coverage == 100


def test_tiles_in_the_far_north_are_not_too_wide():
    # 110 km at 83.5 degrees, in zone 33.
    corner = (400_000, 9_300_040)
    read = parse_item(with_files("a", corner, box(0, 82, 25, 84), 32633))
    assert read.outline.bounds[2] - read.outline.bounds[0] > 5


# Dates -------------------------------------------------------------------------------


def test_the_date_that_shows_most_ground_comes_first():
    place = place_of(BOX)
    west, east = (12.8, 52.3, 13.0, 52.6), (13.0, 52.3, 13.2, 52.6)
    items = [
        item(name="half", day="2023-05-01", place=west, **{"eo:cloud_cover": 0}),
        item(name="w", day="2023-05-03", place=west, **{"eo:cloud_cover": 10}),
        item(name="e", day="2023-05-03", place=east, **{"eo:cloud_cover": 30}),
        item(name="cloudy", day="2023-05-05", **{"eo:cloud_cover": 60}),
        item(name="far", day="2023-05-07", place=(20, 50, 21, 51)),
    ]
    found = candidates_of([parse_item(one) for one in items], place)
    assert [one.date for one in found] == ["2023-05-03", "2023-05-01", "2023-05-05"]
    assert found[0].cloud == pytest.approx(20, abs=0.1)
    assert [one.coverage for one in found] == [100, 50, 100]


def test_items_whose_ground_others_show_are_left_out_and_the_order_is_fixed():
    place = place_of(BOX)
    near = (12.8, 52.3, 13.05, 52.6)
    items = [
        item(name="old", **{BASELINE: "02.14"}),
        item(name="new", **{BASELINE: "05.10"}),
        item(name="b_zone", place=near, **{"proj:epsg": 32632, BASELINE: "05.10"}),
    ]
    read = [parse_item(one) for one in items]
    for order in (read, read[::-1]):
        (found,) = candidates_of(order, place)
        assert [one.id for one in found.items] == ["new"]
        assert found.epsg == 32633


def test_pixels_of_the_zone_with_most_ground_come_first():
    west, east = (12.8, 52.3, 12.94, 52.6), (12.92, 52.3, 13.2, 52.6)
    items = [
        item(name="a", place=west, **{"proj:epsg": 32632, BASELINE: "05.10"}),
        item(name="b", place=east, **{BASELINE: "02.14"}),
    ]
    (found,) = candidates_of([parse_item(one) for one in items], place_of(BOX))
    assert [one.id for one in found.items] == ["b", "a"]
    assert found.epsg == 32633


def test_a_crs_that_is_not_utm_is_refused():
    with pytest.raises(ValueError, match="EPSG:4326"):
        parse_item(item(**{"proj:epsg": 4326}))


@pytest.mark.parametrize(
    ("box_given", "swapped"),
    [
        ((52.3, 12.9, 52.5, 13.2), "12.9 52.3 13.2 52.5"),
        ((139.0, 35.0, 139.2, 35.2), ""),
    ],
)
def test_no_image_says_that_the_longitude_comes_first(box_given, swapped):
    interval = interval_of("2023-05-08")
    told = too_cloudy([], 20, interval, place_of(box_given))
    assert ("The longitude comes first" in told) == bool(swapped)
    assert swapped in told
    # With images there, the place is not in question.
    (found,) = candidates_of([parse_item(item())], place_of(BOX))
    assert "longitude" not in too_cloudy([found], 0, interval, place_of(BOX))


def test_an_open_end_reaches_to_today_or_to_the_first_image():
    today = datetime.datetime.now(datetime.UTC).date()
    assert interval_of("2023-05-01/..").endswith(f"/{today}T23:59:59Z")
    assert interval_of("/2016-01-01").startswith("2015-06-27")


# Addresses ---------------------------------------------------------------------------


def test_files_of_public_buckets_are_read_by_https():
    expected = "https://b.s3.amazonaws.com/a/B04.tif"
    assert public_address("s3://b/a/B04.tif") == expected
    assert Tokens(None).signed("s3://b/a/B04.tif") == expected


@pytest.mark.parametrize(
    "href", ["/etc/passwd", "file:///etc/passwd", "a.tif", "s3://b"]
)
def test_files_of_this_machine_are_no_files_of_a_catalogue(href):
    with pytest.raises(ValueError, match="--catalogue"):
        public_address(href)


def test_a_token_is_used_until_shortly_before_its_end(monkeypatch):
    now = datetime.datetime.now(datetime.UTC)
    asked = []

    def read_json(url):
        asked.append(url)
        end = now + datetime.timedelta(minutes=len(asked) * 4)
        return {"token": f"sig={len(asked)}", "msft:expiry": end.isoformat()}

    monkeypatch.setattr(tokens, "read_json", read_json)
    signer = Tokens("https://example.org/token")
    assert signer.signed("https://a/b.tif") == "https://a/b.tif?sig=1"
    # The first one ends in 4 minutes: it counts for a second, and is asked for anew.
    monkeypatch.setattr(signer, "_until", now)
    assert signer.signed("https://a/b.tif?x=1") == "https://a/b.tif?x=1&sig=2"
    assert signer.signed("https://a/b.tif").endswith("sig=2")
    signer.forget()
    assert signer.signed("https://a/b.tif").endswith("sig=3")
    assert len(asked) == 3


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"token": "a", "msft:expiry": "soon"}]
)
def test_an_answer_without_a_token_is_told(monkeypatch, answer):
    monkeypatch.setattr(tokens, "read_json", lambda url: answer)
    with pytest.raises(OSError, match="did not send a token"):
        Tokens("https://example.org/token").signed("https://a/b.tif")


def test_the_usual_catalogue_is_earth_search_with_its_new_collection():
    found = Catalogue.of("earth-search")
    assert found.url == KNOWN["earth-search"][0]
    assert found.collection == "sentinel-2-c1-l2a"
    assert Catalogue.of("https://example.org/stac/").url == "https://example.org/stac"


# Stripes and parts -------------------------------------------------------------------


@pytest.mark.parametrize("rows", [64, 1000, 1024, 3001 * 2])
def test_stripes_cover_all_rows_once_and_begin_with_blocks_of_the_file(rows):
    down = 777 * 2
    shape = {"proj:shape": [10980, 10980]}
    corner = Affine(10, 0, 300_000, 0, -10, 5_900_040)
    fine = {**shape, "proj:transform": list(corner)[:6]}
    coarse = {
        "proj:shape": [5490, 5490],
        "proj:transform": [20, 0, 3e5, 0, -20, 5900040],
    }
    assets = {
        key: asset(band, **(fine if band in BANDS_10M else coarse))
        for band, key in EARTH_SEARCH.items()
    }
    read = parse_item(item(assets))
    grid = GeoBox((rows, 200), corner @ Affine.translation(400, down), "EPSG:32633")
    for band in (BANDS_10M[0], BANDS_20M[0]):
        factor = 1 if band in BANDS_10M else 2
        stripes = [one.rows for one in stripes_of(read, band, grid)]
        covered = np.concatenate([np.arange(one.start, one.stop) for one in stripes])
        assert covered.tolist() == list(range(rows // factor))
        assert all((one.start + down // factor) % 1024 == 0 for one in stripes[1:])


def test_parts_of_different_names_are_kept_apart(tmp_path):
    parts = Parts(tmp_path)
    for name in ("a", "a_1", "a_10"):
        parts.get(name, lambda name=name: np.full((2, 3), len(name), "uint8"))
    again = Parts(tmp_path)
    for name in ("a", "a_1", "a_10"):
        kept = again.get(name, lambda: pytest.fail("It was kept."))
        assert (np.asarray(kept) == len(name)).all()


def test_a_part_that_was_cut_off_is_made_again(tmp_path):
    Parts(tmp_path).get("a", lambda: np.arange(99))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    assert "a" not in Parts(tmp_path)
    assert Parts(tmp_path).get("a", lambda: np.arange(5)).tolist() == list(range(5))
    assert json.dumps(sorted(one.name for one in tmp_path.iterdir())).count(".npy") == 1


def test_a_raster_that_names_other_files_is_not_opened(tmp_path):
    image = rasters.write_array(
        tmp_path / "private.tif", np.ones((4, 4, 1), "uint16"), testing.small_grid(4, 4)
    )
    rasterio.shutil.copy(image, tmp_path / "B04.tif", driver="VRT")
    with pytest.raises(rasterio.RasterioIOError):
        reading.open_only(str(tmp_path / "B04.tif"))
