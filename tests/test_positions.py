"""Positions: by hand, in vector files of several kinds, and in other CRS."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from odc.geo.crs import CRS
from scenes import coordinates, places

import tutorial_lib as tl
from tutorial_lib.patches.positions import Positions

UTM = CRS("EPSG:32631")

# Vector files


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp"])
def test_positions_are_read_as_they_were_written(tmp_path, ending):
    positions = places([3.5, 7.25, 1 / 3, 5], [9.5, 0.1, 11, 2 / 7], [4, 0, 300, 0])
    path = positions.to_file(tmp_path / "new" / f"pos_a.{ending}")
    assert not list(path.parent.glob(".*"))
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["pos_a"]
    read = Positions.from_file(path)
    assert read.crs == UTM
    assert read.labels.tolist() == [4, 0, 300, 0]
    assert abs(read.x - positions.x).max() < 1e-9
    assert abs(read.y - positions.y).max() < 1e-9
    path_again = positions[1:3].to_file(path)
    assert len(Positions.from_file(path_again)) == 2


def test_small_degrees_keep_their_digits_in_geojson(tmp_path):
    x, y = np.array([1 / 12000]), np.array([-1 / 12000])
    positions = Positions(x, y, np.array([0]), CRS("EPSG:4326"))
    read = Positions.from_file(positions.to_file(tmp_path / "a.geojson"))
    assert abs(read.x[0] * 12000 - 1) < 1e-9
    assert abs(read.y[0] * 12000 + 1) < 1e-9


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ending '.xyz'.* Use .geojson"):
        places([1], [1]).to_file(tmp_path / "a.xyz")


def test_the_error_names_a_vector_file_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(OSError, match=r"folder' is not a folder"):
        places([1], [1]).to_file(tmp_path / "folder" / "a.gpkg")


def test_an_interrupted_vector_file_leaves_the_old_one(tmp_path, monkeypatch):
    path = places([1], [1], [7]).to_file(tmp_path / "a.gpkg")

    def interrupt(target, *_, **__):
        target.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pyogrio.raw, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        places([1], [1]).to_file(path)
    assert Positions.from_file(path).labels.tolist() == [7]
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]


def vector_file(path, geometry, values, field="class", kind="Point", **options):
    pyogrio.raw.write(
        path,
        shapely.to_wkb(geometry),
        field_data=[np.array(values)],
        fields=np.array([field]),
        geometry_type=kind,
        crs="EPSG:32631",
        **options,
    )
    return path


def test_the_error_lists_the_fields_if_one_is_missing(tmp_path):
    path = places([1], [1]).to_file(tmp_path / "a.geojson")
    with pytest.raises(ValueError, match=r"no field 'code'. Its fields are: class"):
        Positions.from_file(path, field="code")


def test_the_classes_can_be_in_another_field(tmp_path):
    points = shapely.points([1, 2], [3, 4])
    path = vector_file(tmp_path / "a.gpkg", points, ["2", "0"], field="code")
    assert Positions.from_file(path, field="code").labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("values", "count", "first"),
    [
        ([0, -1, 2, -3], 2, "point 1 with -1"),
        ([0.0, 1.0, 1.5, 2.0], 1, r"point 2 with 1\.5"),
        (["0", "1", "x", "y"], 2, "point 2 with 'x'"),
        ([0.0, np.nan, 1.0, 1.0], 1, "point 1 with nan"),
    ],
)
def test_a_field_without_class_numbers_is_refused(tmp_path, values, count, first):
    path = vector_file(tmp_path / "a.gpkg", shapely.points(range(4), range(4)), values)
    with pytest.raises(ValueError, match=rf"at {count} of 4 points.*{first}"):
        Positions.from_file(path)


def test_a_file_of_polygons_is_refused(tmp_path):
    boxes = shapely.box([0, 5], [0, 5], [1, 6], [1, 6])
    path = vector_file(tmp_path / "a.gpkg", boxes, [0, 1], kind="Polygon")
    with pytest.raises(ValueError, match=r"holds {'Polygon': 2}.*only points"):
        Positions.from_file(path)


def test_a_point_without_coordinates_is_refused(tmp_path):
    points = shapely.from_wkt(["POINT (1 2)", "POINT EMPTY"])
    path = vector_file(tmp_path / "a.gpkg", points, [0, 1])
    with pytest.raises(ValueError, match=r"Point 1 of .* has no coordinates"):
        Positions.from_file(path)


def test_the_error_names_a_missing_vector_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no vector file at '.*nowhere"):
        Positions.from_file(tmp_path / "nowhere.geojson")


def test_the_error_names_a_file_that_is_not_a_vector_file(tmp_path):
    (tmp_path / "a.geojson").write_text("{")
    with pytest.raises(OSError, match=r"a.geojson' is not a vector file"):
        Positions.from_file(tmp_path / "a.geojson")


def test_the_layer_is_named_if_there_are_several(tmp_path):
    path = tmp_path / "a.gpkg"
    for layer, labels in (("first", [1, 2]), ("second", [3, 4])):
        points = shapely.points([[1, 2], [3, 4]])
        vector_file(path, points, labels, layer=layer, append=path.exists())
    with pytest.raises(ValueError, match=r"2 layers: 'first', 'second'.*`layer=…`"):
        Positions.from_file(path)
    assert Positions.from_file(path, layer="second").labels.tolist() == [3, 4]
    assert Positions.from_file(path, layer=0).labels.tolist() == [1, 2]
    for wrong in ("third", 2, -1):
        with pytest.raises(ValueError, match=r"has no layer .*'first', 'second'"):
            Positions.from_file(path, layer=wrong)


def test_a_table_beside_the_only_layer_is_no_question(tmp_path):
    path = vector_file(tmp_path / "a.gpkg", shapely.points([[1, 2]]), [5])
    style = {"field_data": [np.array(["red"], object)], "fields": np.array(["style"])}
    pyogrio.raw.write(
        path, None, geometry_type=None, layer="layer_styles", append=True, **style
    )
    assert len(pyogrio.list_layers(path)) == 2
    assert Positions.from_file(path).labels.tolist() == [5]


def test_the_way_out_of_a_table_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,class\n500005,4799995,3\n")
    with pytest.raises(ValueError, match=r"table without geometry.*tl.Positions\(x, y"):
        Positions.from_file(path)


def test_a_raster_is_named_as_one(tmp_path):
    path = coordinates(tmp_path / "a.tif", 20, 30)
    with pytest.raises(OSError, match=r"is a raster, not a vector.*select_positions"):
        Positions.from_file(path)


def test_a_vector_file_given_as_labels_is_named_as_one(tmp_path):
    path = places([1], [1]).to_file(tmp_path / "own.gpkg")
    with pytest.raises(OSError, match=r"own.gpkg. holds points.*extract_patches"):
        tl.select_positions(path)


def test_multi_points_of_one_point_are_points(tmp_path):
    points = shapely.multipoints([[[1, 2]], [[3, 4]]])
    path = vector_file(tmp_path / "a.gpkg", points, [1, 2], kind="MultiPoint")
    assert Positions.from_file(path).x.tolist() == [1, 3]
    points = np.array([shapely.MultiPoint([(1, 2), (3, 4)])])
    path = vector_file(tmp_path / "b.gpkg", points, [1], kind="MultiPoint")
    with pytest.raises(ValueError, match=r"'MultiPoint': 1.*Split the multi-points"):
        Positions.from_file(path)


def test_heights_are_left_out(tmp_path):
    points = shapely.points([[1, 2, 50], [3, 4, 60]])
    path = vector_file(tmp_path / "a.gpkg", points, [1, 2], kind="Point Z")
    read = Positions.from_file(path)
    assert (read.x.tolist(), read.y.tolist()) == ([1, 3], [2, 4])


@pytest.mark.parametrize("ending", ["gpkg", "shp", "fgb"])
def test_a_file_without_crs_has_none(tmp_path, ending):
    path = places([1.5], [2.5], crs=None).to_file(tmp_path / f"a.{ending}")
    assert Positions.from_file(path).crs is None


def test_a_file_without_points_is_refused(tmp_path):
    path = vector_file(tmp_path / "a.gpkg", np.array([], object), np.array([], int))
    with pytest.raises(ValueError, match="holds nothing"):
        Positions.from_file(path)


def test_a_missing_class_is_counted(tmp_path):
    points = shapely.points([[1, 2], [3, 4], [5, 6]])
    path = vector_file(tmp_path / "a.gpkg", points, [1.0, np.nan, 2.0])
    with pytest.raises(ValueError, match=r"at 1 of 3 points; the first is point 1"):
        Positions.from_file(path)
    assert Positions.from_file(path, classes=[1, 2]).labels.tolist() == [1, 2]


def test_names_of_classes_need_numbers(tmp_path):
    points = shapely.points([[1, 2], [3, 4]])
    path = vector_file(
        tmp_path / "a.gpkg", points, np.array(["forest", "town"], object)
    )
    with pytest.raises(ValueError, match=r"'forest'.*field with a number for each"):
        Positions.from_file(path)


# Class numbers


def own_numbers(tmp_path):
    points = shapely.points(np.arange(12).reshape(6, 2))
    return vector_file(tmp_path / "a.gpkg", points, [10, 20, 30, 10, 99, 20])


def test_only_the_asked_for_classes_are_kept(tmp_path):
    read = Positions.from_file(own_numbers(tmp_path), classes=(10, 20, 30))
    assert read.labels.tolist() == [10, 20, 30, 10, 20]
    assert read.x.tolist() == [0, 2, 4, 6, 10]


def test_an_absent_class_gives_a_warning(tmp_path):
    path = own_numbers(tmp_path)
    match = r"`classes`, 40 is not in .*a.gpkg'. The numbers there: 10, 20, 30, 99"
    with pytest.warns(UserWarning, match=match):
        read = Positions.from_file(path, classes=(10, 40))
    assert read.counts == {10: 2}
    with pytest.raises(
        ValueError, match=r"None of `classes` \(1, 2\) .*10, 20, 30, 99"
    ):
        Positions.from_file(path, classes=(1, 2))


@pytest.mark.parametrize(
    ("classes", "error"),
    [
        ((10, 10), ValueError),
        ([], ValueError),
        ((1.5,), ValueError),
        ((-1,), ValueError),
        ((70_000,), ValueError),
        ("10", TypeError),
        (("a",), TypeError),
        ({10: "forest"}, TypeError),
    ],
)
def test_classes_that_are_no_class_numbers_are_refused(tmp_path, classes, error):
    with pytest.raises(error, match="`classes`"):
        Positions.from_file(own_numbers(tmp_path), classes=classes)


# By hand


def test_lists_and_the_text_of_a_crs_are_accepted():
    for crs in ("EPSG:32631", 32631, np.int64(32631), UTM, UTM.to_wkt()):
        positions = Positions([1, 2], (3, 4), labels=[5, 6.0], crs=crs)
        assert positions.x.dtype == positions.y.dtype == "float64"
        assert positions.labels.dtype == "int64"
        assert positions.crs == UTM


def test_positions_do_not_change_with_the_array_that_they_were_made_of():
    x = np.array([1.0, 2.0])
    positions = Positions(x, x, np.array([1, 2]), None)
    x[:] = 9
    assert positions.x.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("x", "y", "labels", "crs", "error", "match"),
    [
        ([1, 2], [3], [0, 1], None, ValueError, "have 2, 1 and 2 values"),
        ([1, 2], [3, 4], [0], None, ValueError, "have 2, 2 and 1 values"),
        ([1, np.nan], [3, 4], [0, 1], None, ValueError, "`x` is NaN at position 1"),
        ([1, 2], [np.nan, 4], [0, 1], None, ValueError, "`y` is NaN at position 0"),
        ([1, 2], [3, 4], [0, 1.7], None, ValueError, "`labels` is 1.7 at position 1"),
        ([1, 2], [3, 4], [np.nan, 1], None, ValueError, "`labels` is nan"),
        ([1, 2], [3, 4], [0, np.inf], None, ValueError, "`labels` is inf"),
        ([1, 2], [3, 4], [0, -1], None, ValueError, "`labels` is -1 at position 1"),
        ([1, 2], [3, 4], ["a", "b"], None, TypeError, "`labels` is .* of numbers"),
        ([1, 2], [3, 4], [True, False], None, TypeError, "`labels` is"),
        ([[1, 2]], [[3, 4]], [[0, 1]], None, ValueError, r"`x` has the shape \(1, 2\)"),
        ([[1, 2], [3]], [3, 4], [0, 1], None, TypeError, "`x` is"),
        (1, 3, 0, None, ValueError, r"`x` has the shape \(\)"),
        (None, [3], [0], None, TypeError, "`x` is None"),
        ("12", [3, 4], [0, 1], None, TypeError, "`x` is '12'"),
        ([1j], [3], [0], None, TypeError, "`x` is"),
        ([1], [3], [0], "nowhere", ValueError, "`crs` is 'nowhere'.*EPSG:32631"),
        ([1], [3], [0], 3.5, ValueError, "`crs` is 3.5"),
        ([1], [3], [0], "", ValueError, "`crs` is ''"),
    ],
)
def test_positions_by_hand_are_checked(x, y, labels, crs, error, match):
    with pytest.raises(error, match=match):
        Positions(x, y, labels, crs)


def test_positions_can_be_chosen_like_an_array():
    positions = places([1, 2, 3], [4, 5, 6])
    assert positions[1].labels.tolist() == [1]
    assert positions[positions.labels > 0].labels.tolist() == [1, 2]
    assert positions[[2, 0]].labels.tolist() == [2, 0]
    assert [p.labels.tolist() for p in positions] == [[0], [1], [2]]
    assert len(positions[:0]) == 0


def test_positions_without_crs_cannot_be_reprojected():
    with pytest.raises(ValueError, match=r"without a CRS.*Positions\(x, y"):
        places([1], [1], crs=None).to_crs(UTM)


# What is written


def test_the_file_that_positions_come_from_is_never_replaced(tmp_path):
    path = places([1, 2], [1, 2]).to_file(tmp_path / "a.gpkg")
    before = path.read_bytes()
    link = tmp_path / "link.gpkg"
    link.symlink_to(path)
    read = Positions.from_file(path)
    for target in (path, link):
        with pytest.raises(ValueError, match="is also an input"):
            read[:1].to_file(target)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"layer": "roads", "append": True}, r"2 layers \(a, roads\)"),
        ({"fields": ["class", "name"]}, "the field name"),
        ({"kind": "LineString"}, "shapes that are not points"),
    ],
)
def test_a_file_that_holds_more_is_never_replaced(tmp_path, change, lost):
    path = tmp_path / "a.gpkg"
    points = shapely.points([[1, 2]])
    if "append" in change:
        vector_file(path, points, [1])
        vector_file(path, points, [1], **change)
    elif "fields" in change:
        columns = [np.array([1]), np.array(["a"], object)]
        names = np.array(change["fields"])
        wkb = shapely.to_wkb(points)
        options = {"geometry_type": "Point", "crs": "EPSG:32631"}
        pyogrio.raw.write(path, wkb, field_data=columns, fields=names, **options)
    else:
        vector_file(path, shapely.linestrings([[[1, 2], [3, 4]]]), [1], **change)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=rf"holds {lost}.*would be lost"):
        places([1], [1]).to_file(path)
    assert path.read_bytes() == before


def test_another_file_is_never_replaced(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text("my notes")
    with pytest.raises(FileExistsError, match="not a vector file"):
        places([1], [1]).to_file(path)
    assert path.read_text() == "my notes"
    path.write_text("")
    assert len(Positions.from_file(places([1], [1]).to_file(path))) == 1


# A limit of file sizes acts like a full disk.
FULL = """
import resource, sys
import numpy as np
import tutorial_lib as tl
n = 4000
i = np.arange(n)
positions = tl.Positions(i * 10.0, i * 7.0, i % 5, 32631)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    positions.to_file(sys.argv[1])
except OSError as err:
    print(err)
"""


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp", "fgb"])
@pytest.mark.parametrize("limit", [3_000, 60_000])
def test_a_full_disk_leaves_the_old_file(tmp_path, ending, limit):
    path = places([1, 2], [1, 2], [7, 8]).to_file(tmp_path / f"a.{ending}")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(rf"a.{ending}' could not be written: .*has space.$", run.stdout)
    assert len(run.stdout.splitlines()) == 1
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert Positions.from_file(path).labels.tolist() == [7, 8]


def test_the_files_of_a_shapefile_are_replaced_together(tmp_path):
    path = places([1, 2], [1, 2]).to_file(tmp_path / "a.shp")
    assert {file.suffix for file in tmp_path.iterdir()} == {
        *(".shp", ".shx", ".dbf", ".cpg", ".prj")
    }
    path.with_suffix(".qix").write_text("an index of the old points")
    places([5], [5], [9], crs=None).to_file(path)
    # The older CRS and index would belong to other points.
    assert {file.suffix for file in tmp_path.iterdir()} == {
        *(".shp", ".shx", ".dbf", ".cpg")
    }
    read = Positions.from_file(path)
    assert (read.crs, read.labels.tolist()) == (None, [9])


@pytest.mark.parametrize("renames", range(6))
def test_an_interrupted_shapefile_is_never_a_mix(tmp_path, monkeypatch, renames):
    old = places([1, 2], [1, 2], [5, 6]).to_file(tmp_path / "a.shp")
    replace, left = Path.replace, iter(range(renames))

    def interrupted(self, target):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    new = places([3, 4], [3, 4], [7, 8])
    if renames < 5:
        with pytest.raises(KeyboardInterrupt):
            new.to_file(old)
        with pytest.raises(FileNotFoundError, match="no vector file"):
            Positions.from_file(old)
    else:
        read = Positions.from_file(new.to_file(old))
        assert (read.labels.tolist(), read.x.tolist()) == ([7, 8], new.x.tolist())


def test_links_are_followed(tmp_path):
    for ending in ("shp", "gpkg"):
        path = places([1], [1], [5]).to_file(tmp_path / "real" / f"b.{ending}")
        link = tmp_path / f"a.{ending}"
        link.symlink_to(path)
        places([2], [2], [6]).to_file(link)
        assert link.is_symlink()
        assert Positions.from_file(path).labels.tolist() == [6]


def test_the_journal_of_an_older_database_is_removed(tmp_path):
    path = places([1, 2], [1, 2]).to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg-wal").write_text("changes of the old file")
    places([5], [5], [9]).to_file(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gpkg"]
    assert Positions.from_file(path).labels.tolist() == [9]


@pytest.mark.parametrize("ending", ["csv", "gpx", "tab", "mif", "geojsonl", "dxf"])
def test_a_format_that_loses_something_is_refused(tmp_path, ending):
    with pytest.raises(ValueError, match=r"cannot be written into .*Use \.gpkg"):
        places([1, 2], [1, 2]).to_file(tmp_path / f"a.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_a_geojson_cannot_have_an_unknown_crs(tmp_path):
    # GeoJSON without a CRS is in degrees.
    with pytest.raises(ValueError, match=r"has the CRS EPSG:4326.* have None"):
        places([1], [1], crs=None).to_file(tmp_path / "a.geojson")


def test_a_crs_without_a_code_is_kept_or_refused(tmp_path):
    crs = CRS("+proj=tmerc +lat_0=46 +lon_0=7 +x_0=600000 +ellps=bessel +units=m")
    positions = Positions([600_000.5], [20_000.25], [3], crs)
    for ending in ("gpkg", "shp"):
        read = Positions.from_file(positions.to_file(tmp_path / f"a.{ending}"))
        assert abs(read.to_crs(crs).x[0] - 600_000.5) < 1e-3
        assert abs(read.to_crs("EPSG:4326").x - positions.to_crs(4326).x).max() < 1e-9
    with pytest.raises(ValueError, match="changes coordinates, classes, polygons or"):
        positions.to_file(tmp_path / "a.geojson")


def test_positions_that_have_no_place_are_not_written(tmp_path):
    for positions in (places([1, np.inf], [1, 2]), places([1], [1])[:0]):
        with pytest.raises(ValueError, match="cannot be written"):
            positions.to_file(tmp_path / "a.gpkg")
    assert list(tmp_path.iterdir()) == []


def test_json_is_geojson(tmp_path):
    path = places([1], [1], [4]).to_file(tmp_path / "a.json")
    assert Positions.from_file(path).labels.tolist() == [4]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"path": None}, TypeError),
        ({"path": 5}, TypeError),
        ({"path": ""}, ValueError),
        ({"field": 5}, TypeError),
        ({"field": None}, TypeError),
        ({"layer": 1.5}, TypeError),
        ({"layer": ["a"]}, TypeError),
    ],
)
def test_wrong_arguments_of_a_vector_file_are_named(tmp_path, options, error):
    path = places([1], [1]).to_file(tmp_path / "a.gpkg")
    ((name, _),) = options.items()
    with pytest.raises(error, match=f"`{name}` is .*Give"):
        Positions.from_file(**{"path": path} | options)


@pytest.mark.parametrize("path", [None, 5, "", "s3://bucket/a.gpkg", "/vsimem/a.gpkg"])
def test_a_place_that_is_no_file_is_refused(path):
    with pytest.raises((TypeError, ValueError), match=r"Give the path|not a file of"):
        places([1], [1]).to_file(path)


def test_a_shapefile_in_capitals_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ending in capitals.*Write \.shp"):
        places([1], [1]).to_file(tmp_path / "A.SHP")
    path = places([1], [1], [7]).to_file(tmp_path / "A.GPKG")
    assert Positions.from_file(path).labels.tolist() == [7]


def test_positions_can_be_compared(tmp_path):
    positions = places([1, 2], [1, 2])
    assert positions == places([1, 2], [1, 2])
    assert positions == Positions.from_file(positions.to_file(tmp_path / "a.gpkg"))
    for other in (
        places([1, 3], [1, 2]),
        places([1, 2], [1, 2], [0, 5]),
        places([1, 2], [1, 2], crs=None),
        places([1], [1]),
        "positions",
    ):
        assert positions != other


def test_an_empty_geojson_holds_nothing(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(ValueError, match="holds nothing"):
        Positions.from_file(path)


def test_asked_for_classes_are_not_looked_for_among_names(tmp_path):
    names = np.array(["forest", "town"], object)
    path = vector_file(tmp_path / "a.gpkg", shapely.points([[1, 2], [3, 4]]), names)
    with pytest.raises(ValueError, match="field with a number for each"):
        Positions.from_file(path, classes=(1, 2))
