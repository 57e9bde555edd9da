"""Places: boxes and files become grids of 10 m pixels on Sentinel-2's own corners."""

import json

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from data_fetch.places import grid_of, place_of, utm_code

BOX = (12.9, 52.4, 13.1, 52.5)


def geojson(path, geometry, **more):
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({**feature, **more}))
    return path


def polygon(box):
    return shapely.geometry.mapping(shapely.box(*box))


@pytest.mark.parametrize(
    "box",
    [BOX, (-70.3, -33.6, -70.1, -33.4), (179.2, 10, 179.5, 10.2), (5.9, 60, 6.2, 60.1)],
)
def test_a_grid_covers_the_box_with_corners_on_multiples_of_20_m(box):
    place = place_of(box)
    code = utm_code(place)
    grid = grid_of(place, code)
    assert all(side % 20 == 0 for side in grid.boundingbox)
    assert grid.height % 2 == grid.width % 2 == 0
    assert grid.transform.a == -grid.transform.e == 10
    # Each side of the box, projected, lies inside, up to half of what is rounded.
    to_utm = Transformer.from_crs(4326, code, always_xy=True)
    west, south, east, north = box
    steps = np.linspace(0, 1, 999)
    x, y = to_utm.transform(
        np.concatenate(
            [west + (east - west) * steps] * 2 + [0 * steps + west] + [0 * steps + east]
        ),
        np.concatenate(
            [0 * steps + south, 0 * steps + north]
            + [south + (north - south) * steps] * 2
        ),
    )
    left, bottom, right, top = grid.boundingbox
    assert abs(x.min() - left) <= 10.5
    assert abs(x.max() - right) <= 10.5
    assert abs(y.min() - bottom) <= 10.5
    assert abs(y.max() - top) <= 10.5


def test_a_rectangle_drawn_in_utm_gets_its_own_grid_again(tmp_path):
    grid = GeoBox((768, 1536), Affine(10, 0, 330_000, 0, -10, 5_822_040), "EPSG:32633")
    to_degrees = Transformer.from_crs(32633, 4326, always_xy=True)
    left, bottom, right, top = grid.boundingbox
    ring = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    corners = polygon(BOX)
    corners["coordinates"] = [[to_degrees.transform(*corner) for corner in ring]]
    place = place_of(area=geojson(tmp_path / "a.geojson", corners))
    assert grid_of(place, 32633) == grid


def test_a_file_in_another_crs_is_moved_to_degrees(tmp_path):
    box = shapely.box(330_000, 5_815_000, 345_000, 5_822_040)
    path = tmp_path / "a.gpkg"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array([box])),
        field_data=[],
        fields=np.array([]),
        geometry_type="Polygon",
        crs="EPSG:32633",
    )
    grid = grid_of(place_of(area=path), 32633)
    assert tuple(grid.boundingbox) == (330_000, 5_815_000, 345_000, 5_822_040)


def test_several_polygons_count_as_one_place(tmp_path):
    boxes = [(12.9, 52.4, 12.95, 52.42), (13.05, 52.48, 13.1, 52.5)]
    features = [
        {"type": "Feature", "properties": {}, "geometry": polygon(box)} for box in boxes
    ]
    path = tmp_path / "two.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert np.allclose(place_of(area=path).bounds, BOX)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((13.1, 52.4, 12.9, 52.5), "180°"),
        ((179.5, 10, -179.5, 10.2), "two parts"),
        ((12.9, 52.5, 13.1, 52.4), "its south at 52.5"),
        ((12.9, 52.4, 12.9, 52.5), "its west at 12.9 and its east at 12.9"),
        ((52.4, 12.9, 52.5, 113.1), "not on the earth"),
        ((12.9, 84.2, 13.9, 84.5), "-80 to 84"),
        ((12.9, -85, 13.9, -84.5), "-80 to 84"),
        ((12.9, 52.4, 12.901, 52.401), "at least 640 m"),
        ((12.0, 50.4, 16.1, 54.5), "at most 200 km"),
        ((-180, -60, 180, 60), "two parts"),
        ((-100, -60, 70, 60), "."),
        ((12.9, 52.4, 13.1), "has 3 numbers"),
        ((12.9, 52.4, 13.1, float("nan")), "`bbox` is nan"),
        ((12.9, 52.4, 13.1, float("inf")), "`bbox` is inf"),
        ((), "`bbox` is ()"),
    ],
)
def test_a_box_that_cannot_be_fetched_is_refused_with_the_cure(box, said):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        place_of(box)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("box", ["12 52 13 53", 12.9, {"west": 12}, ("a", 1, 2, 3)])
def test_a_box_of_another_type_is_a_type_error(box):
    with pytest.raises(TypeError, match="`bbox`"):
        place_of(box)


@pytest.mark.parametrize("given", [{}, {"bbox": BOX, "area": "a.geojson"}])
def test_a_place_is_given_once(given):
    with pytest.raises(ValueError, match="Give the place once"):
        place_of(**given)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as a vector file"),
        ("no json", "cannot be read as a vector file"),
        ('{"type": "FeatureCollection", "features": []}', "no polygon"),
        (json.dumps({"type": "Point", "coordinates": [13, 52]}), "no polygon"),
        (
            json.dumps({"type": "LineString", "coordinates": [[13, 52], [14, 53]]}),
            "no pol",
        ),
        (
            json.dumps({"type": "Feature", "properties": {}, "geometry": None}),
            "no polygon",
        ),
        (
            json.dumps(polygon((330_000, 5_800_000, 345_000, 5_820_000))),
            "not on the earth",
        ),
        (json.dumps(polygon((52.4, 112.9, 52.5, 113.1))), "The longitude comes first"),
        (json.dumps(polygon((12.9, 52.4, 12.9001, 52.4001))), "at least 640 m"),
    ],
)
def test_a_file_without_a_fitting_polygon_is_refused(tmp_path, content, said):
    path = tmp_path / "a.geojson"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"\.$") as caught:
        place_of(area=path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.geojson"):
        place_of(area=tmp_path / "absent.geojson")


def test_a_bow_tie_is_mended(tmp_path):
    bow = {
        "type": "Polygon",
        "coordinates": [
            [[12.9, 52.4], [13.1, 52.5], [13.1, 52.4], [12.9, 52.5], [12.9, 52.4]]
        ],
    }
    place = place_of(area=geojson(tmp_path / "a.geojson", bow))
    assert np.allclose(place.bounds, BOX)


@pytest.mark.parametrize(
    ("box", "code"),
    [
        (BOX, 32633),
        ((-70.3, -33.6, -70.1, -33.4), 32719),
        ((179.2, 1, 179.5, 1.2), 32660),
        ((-180, 1, -179.7, 1.2), 32601),
    ],
)
def test_the_zone_of_a_place(box, code):
    assert utm_code(place_of(box)) == code
