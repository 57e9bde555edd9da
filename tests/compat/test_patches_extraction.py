"""Patches and classes at points, by OTBTF's rules."""

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from tutorial_lib.commands.otbcli import main
from tutorial_lib.compat import pyotb
from tutorial_lib.grids import GridMismatchError
from tutorial_lib.rasters import read_array, write_array

LEFT, TOP = 500_000, 4_800_000
# Higher than the strips that are read at a time.
GRID = GeoBox((597, 83), Affine(10, 0, LEFT, 0, -10, TOP), "EPSG:32631")
COARSE = GeoBox((299, 42), Affine(20, 0, LEFT, 0, -20, TOP), "EPSG:32631")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(1, 9000, (597, 83, 3)).astype("uint16")


@pytest.fixture(scope="module")
def coarse_pixels():
    return np.random.default_rng(4).integers(1, 9000, (299, 42, 2)).astype("uint16")


@pytest.fixture(scope="module")
def image(tmp_path_factory, pixels):
    return write_array(tmp_path_factory.mktemp("fine") / "fine.tif", pixels, GRID)


@pytest.fixture(scope="module")
def coarse(tmp_path_factory, coarse_pixels):
    folder = tmp_path_factory.mktemp("coarse")
    return write_array(folder / "coarse.tif", coarse_pixels, COARSE)


@pytest.fixture
def points(tmp_path):
    """Writes points, given by rows and columns in 10 m pixels, with their classes."""

    def write(places, classes=None, *, crs="EPSG:32631", ending="gpkg"):
        path = tmp_path / f"points.{ending}"
        rows, columns = np.array(places, float).T
        geometry = shapely.points(LEFT + 10 * columns, TOP - 10 * rows)
        classes = np.arange(len(places)) if classes is None else classes
        pyogrio.raw.write(
            path,
            shapely.to_wkb(geometry),
            [np.array(classes)],
            ["class"],
            geometry_type="Point",
            crs=crs,
        )
        return path

    return write


def extract(image, points, *, sides=(16, 16), **more):
    return pyotb.PatchesExtraction(
        source1_il=image,
        source1_patchsizey=sides[0],
        source1_patchsizex=sides[1],
        vec=points,
        field="class",
        **more,
    )


def both(image, coarse, points, **more):
    return extract(
        image,
        points,
        source2_il=coarse,
        source2_patchsizex=8,
        source2_patchsizey=8,
        **more,
    )


def labels_of(app):
    return app["outlabels"].to_numpy()[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("x", "side", "first"), [(85, 16, 0), (80, 16, 0), (95, 16, 1), (25, 5, 0)]
)
def test_golden_starts(image, points, pixels, x, side, first):
    app = extract(image, points([(100, x / 10)]), sides=(side, side))
    rows = slice(100 - side // 2, 100 - side // 2 + side)
    expected = pixels[rows, first : first + side]
    assert (app["source1.out"].to_numpy() == expected).all()


def test_a_patch_that_leaves_the_image_gives_no_sample(image, points):
    # 79.999 m and 80 m from the left edge, and the same at the other edges.
    places = [(100, 7.9999), (100, 8), (7.9999, 40), (8, 40)]
    places += [(589.9, 40), (590, 40), (100, 75.9), (100, 76)]
    app = extract(image, points(places))
    assert labels_of(app) == [1, 3, 4, 6]
    assert [(one.index, one.label, one.reason) for one in app.rejected] == [
        (index, index, "outside") for index in (0, 2, 5, 7)
    ]
    assert app.rejected[0].x == pytest.approx(LEFT + 79.999)
    assert app.summary() == [
        "4 samples collected, 4 rejected: 4 outside in source1",
    ]


def test_patches_of_any_height_and_width_through_all_strips(image, points, pixels):
    rng = np.random.default_rng(8)
    places = np.stack([rng.uniform(4, 594, 150), rng.uniform(5, 77, 150)], axis=-1)
    app = extract(image, points(places), sides=(7, 10))
    found = app["source1.out"].to_numpy().reshape(-1, 7, 10, 3)
    assert len(found) == 150
    for (y, x), patch in zip(places, found, strict=True):
        row, col = int(y) - 3, int(x) - 5
        assert (patch == pixels[row : row + 7, col : col + 10]).all()


def test_each_source_finds_the_point_in_its_own_pixels(
    image, coarse, points, pixels, coarse_pixels
):
    """Of two pixels of 10 m in one of 20 m, the second one has its patch moved."""
    places = [(30.5, 20.5), (31.5, 20.5), (30.5, 21.5), (31.5, 21.5)]
    app = both(image, coarse, points(places))
    fine = app["source1.out"].to_numpy().reshape(-1, 16, 16, 3)
    twenty = app["source2.out"].to_numpy().reshape(-1, 8, 8, 2)
    for index, (row, col) in enumerate([(30, 20), (31, 20), (30, 21), (31, 21)]):
        expected = pixels[row - 8 : row + 8, col - 8 : col + 8]
        assert (fine[index] == expected).all()
        assert (twenty[index] == coarse_pixels[11:19, 6:14]).all()


def test_one_value_without_data_rejects_the_sample_everywhere(
    image, tmp_path, coarse_pixels, points
):
    holes = coarse_pixels.copy()
    # The last pixel of the patch of point 1, in one band.
    holes[103, 23, 1] = 0
    path = write_array(tmp_path / "holes.tif", holes, COARSE, nodata=0)
    vec = points([(100.5, 40.5), (200.5, 40.5), (300.5, 40.5)], [7, 8, 9])
    # Tags of the raster mean nothing, and neither does the other source's value.
    for more in ({}, {"source1_nodata": 0}):
        assert labels_of(both(image, path, vec, **more)) == [7, 8, 9]
    app = both(image, path, vec, source2_nodata=0)
    assert labels_of(app) == [7, 9]
    assert app["source1.out"].shape == (32, 16, 3)
    assert app["source2.out"].shape == (16, 8, 2)
    assert app.summary() == ["2 samples collected, 1 rejected: 1 no-data in source2"]


def test_nan_is_a_nodata_value(tmp_path, points):
    array = np.ones((50, 60, 1), "float32")
    array[10, 10] = np.nan
    path = write_array(
        tmp_path / "a.tif", array, GeoBox((50, 60), GRID.transform, 32631)
    )
    vec = points([(15.5, 15.5), (30.5, 30.5)])
    assert labels_of(extract(path, vec)) == [0, 1]
    assert labels_of(extract(path, vec, source1_nodata="nan")) == [1]


def test_files_and_their_types(image, points, tmp_path, pixels):
    extract(
        image,
        points([(40.5, 50.5), (30.5, 40.5)], [3, 1]),
        source1_out=f"{tmp_path / 'patches.tif'}",
        outlabels=tmp_path / "labels.tif",
    )
    with rasterio.open(tmp_path / "patches.tif") as dataset:
        assert (dataset.height, dataset.width, dataset.count) == (32, 16, 3)
        assert dataset.dtypes[0] == "float32"
        assert dataset.crs is None
    assert (read_array(tmp_path / "patches.tif")[16:] == pixels[22:38, 32:48]).all()
    with rasterio.open(tmp_path / "labels.tif") as dataset:
        assert (dataset.height, dataset.width, dataset.count) == (2, 1, 1)
        assert dataset.dtypes[0] == "uint8"
    assert read_array(tmp_path / "labels.tif").ravel().tolist() == [3, 1]


def test_large_classes_are_told(image, points, tmp_path):
    app = extract(image, points([(40, 50), (30, 40)], [300, 3]))
    with pytest.warns(UserWarning, match="Class 300 becomes 255 in uint8"):
        app.write(outlabels=tmp_path / "labels.tif")
    assert read_array(tmp_path / "labels.tif").ravel().tolist() == [255, 3]
    app.write(outlabels=tmp_path / "labels.tif", pixel_type="uint16")
    assert read_array(tmp_path / "labels.tif").ravel().tolist() == [300, 3]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (np.array([2.9, -1.5]), [2, -1]),
        (np.array(["3", " 12 forest"], object), [3, 12]),
        (np.array([True, False]), [1, 0]),
    ],
)
def test_classes_become_whole_numbers(image, points, classes, expected):
    app = extract(image, points([(40, 50), (30, 40)], classes))
    assert labels_of(app) == expected


@pytest.mark.parametrize(
    "classes", [np.array([4.0, np.nan, 5, 6]), np.array(["4", None, "5", "6"], object)]
)
def test_points_without_a_class_are_left_out(image, points, classes):
    vec = points([(40, 50), (30, 40), (40, 51), (2, 52)], classes)
    with pytest.warns(UserWarning, match="1 of 4 points"):
        app = extract(image, vec, source1_nodata=0)
    assert labels_of(app) == [4, 5]
    ((index, label, x, y, *why),) = app.rejected
    assert (index, label, x, y) == (3, 6, LEFT + 520, TOP - 20)
    assert why == ["outside", "source1"]


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_missing_crs_is_that_of_the_images(image, points):
    assert labels_of(extract(image, points([(40, 50)], crs=None))) == [0]
    # OGR reads WGS 84 from a GeoJSON that says nothing.
    assert labels_of(
        extract(image, points([(40, 50)], crs=None, ending="geojson"))
    ) == [0]


@pytest.mark.filterwarnings("ignore:2 of 2 points")
@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda i, p: extract(i, p([(5, 5), (40, 5)])), ValueError, "2 outside in"),
        (
            lambda i, p: extract(i, p([(40, 50)], crs="EPSG:32632")),
            GridMismatchError,
            "not reprojected",
        ),
        (
            lambda i, p: extract(i, p([(40, 50), (41, 50)], [np.nan, np.nan])),
            ValueError,
            "nothing to sample",
        ),
        (
            lambda i, p: extract(i, p([(40, 50)], ["forest"])),
            ValueError,
            "'forest' at point 0",
        ),
        (lambda i, p: extract(i, p([(40, 50)], [2**31])), ValueError, "2147483648"),
        (
            lambda i, p: extract(i, p([(40, 50)], np.array(["2020-05-08"], "M8[D]"))),
            ValueError,
            "no class",
        ),
        (
            lambda i, p: pyotb.PatchesExtraction(
                i, source1_patchsizex=8, vec=p([(40, 50)]), field="class"
            ),
            ValueError,
            "source1.patchsizey",
        ),
        (
            lambda i, p: pyotb.PatchesExtraction(
                i,
                source1_patchsizex=8,
                source1_patchsizey=8,
                vec=p([(40, 50)]),
                field="klass",
            ),
            ValueError,
            "no field 'klass'",
        ),
        (
            lambda i, p: extract(i, p([(40, 50)])).write({"source1.out": i}),
            ValueError,
            "would destroy",
        ),
    ],
)
def test_mistakes_are_told(image, points, make, kind, words):
    with pytest.raises(kind, match=words):
        make(image, points)


@pytest.mark.reference
def test_patches_of_the_real_otbtf(reference_data, tmp_path):
    folder = reference_data / "otbtf_reference"
    app = extract(
        folder / "inputs/s2_10m_nd.tif",
        folder / "patches/points.geojson",
        source1_out=tmp_path / "p16.tif",
        outlabels=tmp_path / "l16.tif",
    )
    app.write(pixel_type={"source1.out": "uint16"})
    assert_same_patches(tmp_path, folder)
    assert len(app.rejected) == 2


@pytest.mark.reference
def test_patches_of_the_real_otbtf_from_the_command_line(
    reference_data, tmp_path, capsys
):
    folder = reference_data / "otbtf_reference"
    given = {
        "source1.il": folder / "inputs/s2_10m_nd.tif",
        "source1.patchsizex": 16,
        "source1.patchsizey": 16,
        "source1.out": tmp_path / "p16.tif uint16",
        "vec": folder / "patches/points.geojson",
        "field": "class",
        "outlabels": tmp_path / "l16.tif uint8",
    }
    words = " ".join(f"-{key} {value}" for key, value in given.items()).split()
    assert main(words, "otbcli_PatchesExtraction") == 0
    assert_same_patches(tmp_path, folder)
    assert "2 rejected" in capsys.readouterr().out.splitlines()[0]


def assert_same_patches(found, folder):
    for name in ("p16", "l16"):
        with (
            rasterio.open(found / f"{name}.tif") as ours,
            rasterio.open(folder / f"patches/{name}.tif") as theirs,
        ):
            assert ours.dtypes == theirs.dtypes
            assert (ours.read() == theirs.read()).all()
            assert ours.transform[:3] == theirs.transform[:3]


def test_the_first_layer_of_a_vector_file_counts(image, points):
    path = points([(40, 40), (50, 41)], [3, 4])
    meta, _, geometry, fields = pyogrio.raw.read(path)
    words = {"geometry_type": "Point", "crs": meta["crs"], "append": True}
    fields = [np.array([7, 8])]
    pyogrio.raw.write(path, geometry, fields, ["class"], layer="more", **words)
    with pytest.warns(UserWarning, match=r"2 layers.* first, 'points'"):
        app = extract(image, path)
    assert app["outlabels"].to_numpy().ravel().tolist() == [3, 4]


def test_patches_larger_than_the_image_cost_no_memory(image, points):
    with pytest.raises(ValueError, match=r"50000x16 px .* has 597x83 px"):
        extract(image, points([(40, 40)]), sides=(50000, 16))


def test_two_outputs_of_one_path_are_told(image, points, tmp_path):
    app = extract(image, points([(40, 40)]))
    path = tmp_path / "both.tif"
    with pytest.raises(ValueError, match="Two outputs go to"):
        app.write({"source1.out": path, "outlabels": path})
    assert not path.exists()
