"""PolygonClassStatistics and SampleSelection, compared with tests of each pixel."""

from fractions import Fraction
from itertools import pairwise
from math import ceil
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pytest
import shapely
from odc.geo.crs import CRS
from scenes import LEFT, TOP, coordinates, write

import tutorial_lib as tl
from tutorial_lib.compat import pyotb
from tutorial_lib.compat.applications import feature_pixels
from tutorial_lib.compat.applications.samplers import periodic
from tutorial_lib.compat.applications.sampling_rates import Rate, rates_as_text

HEIGHT, WIDTH = 31, 47


def at(*places):
    """Coordinates of (column, row) places of the image."""
    return [(LEFT + 10 * col, TOP - 10 * row) for col, row in places]


def star(col, row, radius, corners, seed):
    """A polygon with random corners around a place."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    lengths = radius * rng.uniform(0.3, 1, corners)
    return shapely.Polygon(
        at(
            *zip(
                col + lengths * np.cos(angles),
                row + lengths * np.sin(angles),
                strict=True,
            )
        )
    )


RING = shapely.Polygon(
    at((2.2, 2.2), (14.7, 2.2), (14.7, 12.4), (2.2, 12.4)),
    [at((5.1, 5.1), (9.8, 5.1), (9.8, 8.9), (5.1, 8.9))],
)
# Of several kinds, that overlap, and that leave the image.
SHAPES = [
    (star(12, 20, 9, 11, seed=1), 11),
    (RING, 2),
    (star(40, 3, 12, 9, seed=2), 11),
    (shapely.MultiPolygon([star(30, 14, 5, 7, 3), star(38, 22, 4, 8, 4)]), 2),
    (shapely.LineString(at((1.3, 28.6), (20.1, 15.4), (44.8, 29.7))), 7),
    (shapely.LineString(at((-5, 0.5), (60, 0.5))), 7),
    (shapely.Point(*at((13.01, 7.99))), 30),
    (shapely.MultiPoint(at((0.5, 0.5), (46.99, 30.01), (47.5, 3))), 30),
    (
        shapely.GeometryCollection(
            [star(25, 5, 3, 6, 5), shapely.Point(*at((3.5, 30)))]
        ),
        2,
    ),
    (star(12, 20, 6, 7, seed=6), 7),
]


def write_shapes(path, shapes=SHAPES, crs="EPSG:32631", field="code"):
    pyogrio.raw.write(
        path,
        shapely.to_wkb([shape for shape, _ in shapes]),
        field_data=[np.array([value for _, value in shapes])],
        fields=np.array([field]),
        geometry_type="Unknown",
        crs=crs,
    )
    return path


def belongs(shape, col, row):
    """Whether a pixel belongs to a shape: the definition, for one pixel."""
    if hasattr(shape, "geoms"):
        return any(belongs(one, col, row) for one in shape.geoms)
    if shape.geom_type == "Polygon":
        return shape.contains(shapely.Point(*at((col + 0.5, row + 0.5))))
    (left, top), (right, bottom) = at((col, row), (col + 1, row + 1))
    if shape.geom_type == "LineString":
        return shape.intersects(shapely.box(left, bottom, right, top))
    return left <= shape.x < right and bottom < shape.y <= top


def pixels_by_hand(shape):
    """(row, col) of the pixels of a shape."""
    places = np.ndindex(HEIGHT, WIDTH)
    return [(row, col) for row, col in places if belongs(shape, col, row)]


@pytest.fixture(scope="module")
def by_hand():
    return [(pixels_by_hand(shape), value) for shape, value in SHAPES]


@pytest.fixture
def image(tmp_path):
    return coordinates(tmp_path / "image.tif", HEIGHT, WIDTH)


@pytest.fixture
def vec(tmp_path):
    return write_shapes(tmp_path / "shapes.gpkg")


@pytest.fixture
def instats(image, vec, tmp_path):
    path = tmp_path / "statistics.xml"
    pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    return path


def read_statistics(path):
    """{statistic: {key: value}} of the XML file, in its order."""
    root = ET.parse(path).getroot()
    assert root.tag == "GeneralStatistics"
    return {
        one.get("name"): {e.get("key"): int(e.get("value")) for e in one}
        for one in root
    }


def statistics_by_hand(pixels, first=1):
    classes = {}
    for own, value in pixels:
        classes[str(value)] = classes.get(str(value), 0) + len(own)
    numbers = {str(i): len(own) for i, (own, _) in enumerate(pixels, first)}
    return {"samplesPerClass": classes, "samplesPerVector": numbers}


@pytest.mark.parametrize(
    "application", ["PolygonClassStatistics", "DensePolygonClassStatistics"]
)
def test_statistics_are_those_of_the_definition(
    image, vec, tmp_path, by_hand, application
):
    path = tmp_path / "statistics.xml"
    pyotb.App(application, {"in": image, "vec": vec, "field": "code", "out": path})
    assert read_statistics(path) == statistics_by_hand(by_hand)
    # As texts: 11 stands before 2.
    assert list(read_statistics(path)["samplesPerClass"]) == ["11", "2", "30", "7"]


def test_parts_of_rows_change_nothing(image, vec, tmp_path, by_hand, monkeypatch):
    monkeypatch.setattr(feature_pixels, "_MOST", 30)
    path = tmp_path / "statistics.xml"
    pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    assert read_statistics(path) == statistics_by_hand(by_hand)


def test_only_pixels_of_the_mask_count(image, vec, tmp_path, by_hand):
    pixels = np.random.default_rng(1).integers(0, 3, (HEIGHT, WIDTH)).astype("uint8")
    path = tmp_path / "statistics.xml"
    pyotb.PolygonClassStatistics(
        image,
        mask=write(tmp_path / "mask.tif", pixels),
        vec=vec,
        field="code",
        out=path,
    )
    kept = [([p for p in own if pixels[p] > 0], value) for own, value in by_hand]
    assert read_statistics(path) == statistics_by_hand(kept)


def test_polygons_that_share_borders_share_no_pixel(image, tmp_path):
    # The borders run through centres of pixels.
    cuts_x, cuts_y = [3.5, 9.5, 20.5, 30.5], [2.5, 8.5, 20.5]
    cells = [
        (shapely.box(*at((x0, y1))[0], *at((x1, y0))[0]), 1)
        for x0, x1 in pairwise(cuts_x)
        for y0, y1 in pairwise(cuts_y)
    ]
    triangles = [
        (shapely.Polygon(at((32.5, 5.5), (44.5, 5.5), (44.5, 17.5))), 2),
        (shapely.Polygon(at((32.5, 5.5), (44.5, 17.5), (32.5, 17.5))), 2),
        (shapely.Polygon(at((32.5, 18.5), (44.5, 18.5), (32.5, 30.5))), 3),
        (shapely.Polygon(at((44.5, 18.5), (44.5, 30.5), (32.5, 30.5))), 3),
    ]
    vec = write_shapes(tmp_path / "cells.gpkg", cells + triangles)
    path = tmp_path / "statistics.xml"
    pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    counts = read_statistics(path)["samplesPerClass"]
    assert counts == {"1": 27 * 18, "2": 12 * 12, "3": 12 * 12}


def test_a_centre_on_the_left_or_lower_border_lies_inside(image, tmp_path):
    square = shapely.box(*at((3.5, 7.5))[0], *at((5.5, 5.5))[0])
    vec = write_shapes(tmp_path / "square.gpkg", [(square, 1)])
    given = {"in": image, "vec": vec, "field": "code"}
    pyotb.PolygonClassStatistics(given, out=tmp_path / "a.xml")
    more = {"instats": tmp_path / "a.xml", "strategy": "all"}
    pyotb.SampleSelection(given, **more, out=tmp_path / "samples.gpkg")
    expected = at((3.5, 6.5), (4.5, 6.5), (3.5, 7.5), (4.5, 7.5))
    assert [point[:2] for point in read(tmp_path / "samples.gpkg")] == expected


def test_a_line_has_the_pixels_that_it_touches_at_a_corner(image, tmp_path):
    # From corner to corner: the pixels of the diagonal, and those beside its corners.
    line = shapely.LineString(at((5, 5), (9, 9)))
    vec = write_shapes(tmp_path / "line.gpkg", [(line, 1)])
    path = tmp_path / "statistics.xml"
    pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    expected = len(pixels_by_hand(line))
    assert expected == 4 + 2 * 5 + 2
    assert read_statistics(path)["samplesPerClass"] == {"1": expected}


def test_polygons_in_another_crs_are_reprojected(image, tmp_path, by_hand):
    transform = CRS("EPSG:32631").transformer_to_crs(CRS("EPSG:4326"))

    def moved(places):
        return np.column_stack(transform(*places.T))

    shapes = [(shapely.transform(shape, moved), value) for shape, value in SHAPES[:5]]
    vec = write_shapes(tmp_path / "shapes.geojson", shapes, crs="EPSG:4326")
    path = tmp_path / "statistics.xml"
    with pytest.warns(UserWarning, match="in EPSG:4326 and the image in EPSG:32631"):
        pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    assert read_statistics(path) == statistics_by_hand(by_hand[:5], first=0)


def test_classes_can_be_texts_and_features_without_one_are_left_out(image, tmp_path):
    vec, path = tmp_path / "names.gpkg", tmp_path / "statistics.xml"
    squares = [shapely.box(*at((i, 9))[0], *at((i + 3, 5))[0]) for i in (0, 9, 20, 30)]
    pyogrio.raw.write(
        vec,
        shapely.to_wkb([*squares[:3], None]),
        field_data=[np.array(["oak", None, "elm", "oak"], object)],
        fields=np.array(["name"]),
        geometry_type="Polygon",
        crs="EPSG:32631",
    )
    with pytest.warns(UserWarning, match="2 features of .* will be left out"):
        pyotb.PolygonClassStatistics(image, vec=vec, field="name", out=path)
    assert read_statistics(path)["samplesPerClass"] == {"elm": 12, "oak": 12}
    given = {"in": image, "vec": vec, "field": "name", "instats": path}
    with (
        pytest.warns(UserWarning, match="2 features"),
        pytest.raises(ValueError, match=r"holds 'elm', and points .* class numbers"),
    ):
        pyotb.SampleSelection(given, out=tmp_path / "p.gpkg")


# Samples.


def samples_by_hand(pixels, required):
    """(x, y, class) by the rule of the periodic sampler, pixel after pixel."""
    totals, passed, taken, points = {}, {}, {}, []
    for own, value in pixels:
        totals[value] = totals.get(value, 0) + len(own)
    for own, value in pixels:
        for row, col in own:
            passed[value] = passed.get(value, 0) + 1
            already = taken.get(value, 0)
            rate = Fraction(required[value], totals[value])
            if ceil(passed[value] * rate - already) > 0:
                taken[value] = already + 1
                points.append((*at((col + 0.5, row + 0.5))[0], value))
    assert taken == {value: count for value, count in required.items() if count}
    return points


def read(path, field="code"):
    meta, _, shapes, columns = pyogrio.raw.read(path)
    assert list(meta["fields"]) == [field]
    assert meta["crs"] == "EPSG:32631"
    shapes = shapely.from_wkb(shapes)
    x, y = shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist()
    return list(zip(x, y, columns[0].tolist(), strict=True))


@pytest.fixture
def given(image, vec, instats, tmp_path):
    out = tmp_path / "samples.gpkg"
    return {"in": image, "vec": vec, "field": "code", "instats": instats, "out": out}


def totals_of(pixels):
    counts = statistics_by_hand(pixels)["samplesPerClass"]
    return {int(name): count for name, count in counts.items()}


@pytest.mark.parametrize(
    ("strategy", "required"),
    [
        ({}, lambda total, smallest: smallest),
        ({"strategy": "constant", "strategy_constant_nb": 3}, lambda total, _: 3),
        ({"strategy": "all"}, lambda total, _: total),
        ({"strategy": "percent"}, lambda total, _: int(total / 2 + 0.5)),
        (
            {"strategy": "percent", "strategy_percent_p": 0.3},
            lambda total, _: int(0.3 * total + 0.5),
        ),
    ],
)
def test_samples_are_those_of_the_periodic_sampler(given, by_hand, strategy, required):
    totals = totals_of(by_hand)
    smallest = min(totals.values())
    wanted = {value: required(total, smallest) for value, total in totals.items()}
    pyotb.SampleSelection(given, **strategy)
    assert read(given["out"]) == samples_by_hand(by_hand, wanted)


def test_a_total_is_divided_in_proportion(given, by_hand):
    totals = totals_of(by_hand)
    everything = sum(totals.values())
    wanted = {v: int(100 * n / everything + 0.5) for v, n in totals.items()}
    pyotb.SampleSelection(given, strategy="total", strategy_total_v=100)
    assert read(given["out"]) == samples_by_hand(by_hand, wanted)


@pytest.mark.parametrize("between", ["\t", ";", ",", "  "])
def test_numbers_by_class_come_from_a_file(given, by_hand, tmp_path, between):
    lines = ["#className requiredSamples", f"2{between}5", "", f"11{between}9"]
    lines += [f"7{between}4", f"30{between}1"]
    (tmp_path / "required.csv").write_text("\n".join(lines))
    pyotb.SampleSelection(
        given, strategy="byclass", strategy_byclass_in=tmp_path / "required.csv"
    )
    wanted = {2: 5, 11: 9, 7: 4, 30: 1}
    assert read(given["out"]) == samples_by_hand(by_hand, wanted)


def test_rates_are_written_and_can_be_read_again(given, by_hand, tmp_path):
    rates = tmp_path / "rates.csv"
    pyotb.SampleSelection(given, outrates=rates)
    first = read(given["out"])
    totals = totals_of(by_hand)
    header, *lines = rates.read_text().splitlines()
    assert header == "#className requiredSamples totalSamples rate"
    for line, name in zip(lines, ("11", "2", "30", "7"), strict=True):
        words = line.split("\t")
        assert words[:3] == [name, "3", str(totals[int(name)])]
        assert float(words[3]) == pytest.approx(3 / totals[int(name)], rel=1e-5)
    pyotb.SampleSelection(given, strategy="byclass", strategy_byclass_in=rates)
    assert read(given["out"]) == first


def test_a_class_with_too_few_pixels_gives_all_and_a_warning(given, by_hand, tmp_path):
    rates = tmp_path / "rates.csv"
    with pytest.warns(UserWarning, match=r"constant asks for \(20\).*30 has 3"):
        pyotb.SampleSelection(
            given, strategy="constant", strategy_constant_nb=20, outrates=rates
        )
    wanted = {value: min(20, total) for value, total in totals_of(by_hand).items()}
    assert read(given["out"]) == samples_by_hand(by_hand, wanted)
    assert "30\t20\t3\t1\n" in rates.read_text()


def test_the_random_sampler_draws_each_pixel_at_most_once(given, by_hand):
    more = {"strategy": "constant", "strategy_constant_nb": 3, "sampler": "random"}
    pyotb.SampleSelection(given, **more)
    first = read(given["out"])
    pyotb.SampleSelection(given, **more)
    assert read(given["out"]) == first
    pyotb.SampleSelection(given, **more, rand=1)
    assert read(given["out"]) != first
    all_pixels = {value: [] for value in totals_of(by_hand)}
    for own, value in by_hand:
        all_pixels[value] += [at((c + 0.5, r + 0.5))[0] for r, c in own]
    for value, places in all_pixels.items():
        drawn = [(x, y) for x, y, label in first if label == value]
        assert len(drawn) == 3
        assert set(drawn) <= set(places)


@pytest.mark.parametrize(("required", "total"), [(1, 1), (3, 10), (7, 100), (99, 100)])
@pytest.mark.parametrize("jitter", [0, 1, 5, 1000])
def test_jitter_keeps_the_number_and_moves_on_only(required, total, jitter):
    regular = periodic(required, total, 0, np.random.default_rng(0))
    for seed in range(20):
        moved = periodic(required, total, jitter, np.random.default_rng(seed))
        assert len(np.unique(moved)) == required
        assert (moved >= regular).all()
        assert (moved <= regular + jitter).all()
        assert (moved < total).all()
        assert (moved[:-1] < regular[1:]).all()


def test_jitter_is_used(given):
    pyotb.SampleSelection(given)
    regular = read(given["out"])
    pyotb.SampleSelection(given, sampler_periodic_jitter=9)
    assert read(given["out"]) != regular
    assert len(read(given["out"])) == len(regular)


def test_the_periodic_sampler_is_exact_where_floats_are_not():
    # 1 / 49 * 49 is below 1 in floats.
    for total in (49, 98, 103, 10**9 + 7):
        for required in (1, 7, total // 3):
            if required < 10**6:
                taken = periodic(required, total, 0, np.random.default_rng(0))
                assert taken[0] == 0
                assert len(taken) == required
                assert taken[-1] < total


def test_a_rate_of_a_class_without_pixels_is_0():
    assert rates_as_text({"4": Rate(5, 0)}).splitlines()[1] == "4\t5\t0\t0"


def test_points_can_be_extracted(given, tmp_path):
    pyotb.SampleSelection(given)
    positions = tl.Positions.from_file(given["out"], field="code")
    assert positions.counts == {2: 3, 7: 3, 11: 3, 30: 3}
    patches = tl.extract_patches({"x": given["in"]}, positions, sizes={"x": 1}).arrays[
        "x"
    ]
    rows, cols = patches[:, 0, 0].T.astype(int)
    shapes = {11: [0, 2], 2: [1, 3, 8], 7: [4, 5, 9], 30: [6, 7]}
    for row, col, label in zip(rows, cols, positions.labels, strict=True):
        assert any(belongs(SHAPES[i][0], col, row) for i in shapes[label])


# What cannot work.


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"field": "klass"}, ValueError, "no field 'klass'. Its fields are: code"),
        ({"layer": 1}, ValueError, "`layer` is 1, and .* has 1 layer"),
        ({"vec": "none.gpkg"}, FileNotFoundError, "no vector file at .*none.gpkg"),
        ({"vec": "image.tif"}, OSError, "not a vector file that OGR can read"),
        ({"instats": "none.xml"}, FileNotFoundError, "Write it with PolygonClassS"),
        ({"instats": "image.tif"}, ValueError, "does not hold the numbers of pixels"),
        ({"instats": "other.xml"}, ValueError, "does not hold the numbers of pixels"),
        ({"instats": "fewer.xml"}, ValueError, "Class 2 has .* and 5 in .*Run Poly"),
        ({"instats": "without.xml"}, ValueError, "has no class 11, which"),
        ({"instats": "empty.xml"}, ValueError, "Class 9 has no pixel, so the strategy"),
        ({"strategy": "constant"}, ValueError, "needs `strategy_constant_nb`"),
        ({"strategy": "byclass"}, ValueError, "needs `strategy_byclass_in`"),
        ({"strategy_byclass_in": "no.csv"}, FileNotFoundError, "There is no file at"),
        ({"strategy_byclass_in": "bad.csv"}, ValueError, "holds the line '2;many'"),
        (
            {"strategy": "percent", "strategy_percent_p": 50},
            ValueError,
            "`strategy_percent_p` is 50.0. Give a number from 0 to 1",
        ),
        (
            {"strategy": "percent", "strategy_percent_p": 0},
            ValueError,
            "'percent' takes no pixel",
        ),
        ({"mask": "small.tif"}, ValueError, "30x47 px and 1 band.* has 31x47 px"),
        ({"out": "shapes.gpkg"}, (ValueError, FileExistsError), "shapes.gpkg"),
        ({"outrates": "shapes.gpkg"}, ValueError, "is also an input"),
        ({"outrates": "samples.gpkg"}, ValueError, "is also an input"),
    ],
)
def test_what_cannot_work_is_refused(given, tmp_path, more, error, sentence):
    write(tmp_path / "small.tif", np.ones((30, WIDTH), "uint8"))
    (tmp_path / "bad.csv").write_text("2;many\n")
    form = (
        "<GeneralStatistics><Statistic name='samplesPerClass'>{}</Statistic>"
        "</GeneralStatistics>"
    )
    entry = "<StatisticMap key='{}' value='{}'/>"
    totals = dict(read_statistics(given["instats"])["samplesPerClass"])
    files = {
        "fewer.xml": totals | {"2": 5},
        "without.xml": {k: v for k, v in totals.items() if k != "11"},
        "empty.xml": totals | {"9": 0},
        "other.xml": {},
    }
    for name, counts in files.items():
        entries = "".join(entry.format(*item) for item in counts.items())
        (tmp_path / name).write_text(form.format(entries))
    named = ("vec", "instats", "mask", "out", "outrates", "strategy_byclass_in")
    more = {k: tmp_path / v if k in named else v for k, v in more.items()}
    if "strategy_byclass_in" in more:
        more["strategy"] = "byclass"
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error, match=sentence):
        pyotb.SampleSelection(given | more)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_statistics_outside_of_the_image_are_0_and_a_warning(image, tmp_path):
    far = [
        (shapely.box(0, 0, 50, 50), 4),
        (shapely.box(*at((1, 9))[0], *at((4, 5))[0]), 5),
    ]
    vec, path = write_shapes(tmp_path / "far.gpkg", far), tmp_path / "statistics.xml"
    with pytest.warns(UserWarning, match="No pixel belongs to the classes 4 of"):
        pyotb.PolygonClassStatistics({"in": image}, vec=vec, field="code", out=path)
    assert read_statistics(path) == {
        "samplesPerClass": {"4": 0, "5": 12},
        "samplesPerVector": {"1": 0, "2": 12},
    }


@pytest.mark.parametrize("value", [1.5, np.inf])
def test_a_field_of_measurements_is_not_a_field_of_classes(image, tmp_path, value):
    vec = write_shapes(tmp_path / "a.gpkg", [(SHAPES[0][0], value)])
    with pytest.raises(ValueError, match=f"holds .*{value}.*, which is not a class"):
        pyotb.PolygonClassStatistics(
            {"in": image}, vec=vec, field="code", out=tmp_path / "a.xml"
        )


def test_a_long_name_of_a_field_does_not_fit_into_a_shapefile(image, tmp_path):
    vec = write_shapes(tmp_path / "a.gpkg", field="class_number")
    given = {"in": image, "vec": vec, "field": "class_number"}
    pyotb.PolygonClassStatistics(given, out=tmp_path / "a.xml")
    more = {"instats": tmp_path / "a.xml", "out": tmp_path / "samples.shp"}
    with pytest.raises(ValueError, match=r"at most 10 characters. .* ends in .gpkg"):
        pyotb.SampleSelection(given, **more)
    assert not (tmp_path / "samples.shp").exists()
