"""Positions: by hand, in vector files of several kinds, and in other CRS."""

import numpy as np
import pyogrio
import pytest
import shapely
from odc.geo.crs import CRS
from scenes import places

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


def vector_file(path, geometry, values, field="class", kind="Point"):
    pyogrio.raw.write(
        path,
        shapely.to_wkb(geometry),
        field_data=[np.array(values)],
        fields=np.array([field]),
        geometry_type=kind,
        crs="EPSG:32631",
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
