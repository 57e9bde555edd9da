"""Wrong arguments of all viewers: one sentence each, never an error of a library."""

import traceback
import warnings
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from scenes import constant, grid_at, image, write

import tutorial_lib as tl
from tutorial_lib import testing

LEGEND = testing.SMALL_LEGEND
ROWS, COLS = 30, 40
PACKAGE = str(Path(tl.__file__).parent)


def sentence(call):
    """The text of the error that a call raises, after checks of what all errors are.

    The last frame of the error tells who raised it: the kit, or a library that was
    given something it does not know.
    """
    with pytest.raises((TypeError, ValueError, OSError)) as caught:
        call()
    text = str(caught.value)
    last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert last.startswith(PACKAGE), f"raised by {last}: {text}"
    assert text.endswith("."), text
    assert "\n" not in text
    return text


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Rasters, vector files and other files by name."""
    folder = tmp_path_factory.mktemp("files")
    labels = np.arange(ROWS * COLS, dtype="uint8").reshape(ROWS, COLS) % 4
    found = {
        "folder": folder,
        "image": write(folder / "image.tif", image(ROWS, COLS)),
        "labels": write(folder / "labels.tif", labels, nodata=255, legend=LEGEND),
        "far": write(folder / "far.tif", labels, grid_at(9000, 0, ROWS, COLS)),
        "no_crs": write(folder / "no_crs.tif", labels, crs=None),
        "complex": _complex(folder / "complex.tif"),
        "cut_off": _cut_off(folder / "cut_off.tif"),
        "bands_cut_off": _bands_cut_off(folder / "bands.tif"),
    }
    for name, content in {
        "text.txt": b"hello",
        "zero.tif": b"",
        "a.json": b"{}",
    }.items():
        (folder / name).write_bytes(content)
        found[name] = folder / name
    (folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    found["table"] = folder / "table.csv"
    for name, geometries, crs in (
        ("points", [shapely.Point(500_100, 4_799_900)], "EPSG:32631"),
        ("placeless", [shapely.Point(500_100, 4_799_900)], None),
        ("nothing", [], "EPSG:32631"),
        ("empty", [shapely.Point(), None], "EPSG:32631"),
        ("far_points", [shapely.Point(900_000, 100)], "EPSG:32631"),
    ):
        found[name] = _vectors(folder / f"{name}.gpkg", geometries, crs)
    return found


def _complex(path):
    grid = {"crs": "EPSG:32631", "transform": grid_at(0, 0, ROWS, COLS).transform}
    profile = {"driver": "GTiff", "width": COLS, "height": ROWS, "count": 1} | grid
    with rasterio.open(path, "w", dtype="complex64", **profile) as dataset:
        dataset.write(np.ones((1, ROWS, COLS), "complex64"))
    return path


def _cut_off(path):
    """A raster whose second half is lost: it opens, and cannot be read."""
    whole = constant(path, 1, (600, 500), dtype="uint16")
    content = write(whole, image(600, 500, 1, largest=60_000)).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _bands_cut_off(path):
    content = write(path, image(600, 500, 3, largest=60_000)).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _vectors(path, geometries, crs, kind="Point"):
    binary = [None if one is None else shapely.to_wkb(one) for one in geometries]
    fields = [np.arange(len(geometries))], ["number"]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.raw.write(
            path, np.array(binary, object), *fields, geometry_type=kind, crs=crs
        )
    return path


def numbers(*shape):
    return np.arange(np.prod(shape)).reshape(shape) % 4


IMAGE = numbers(ROWS, COLS)
PATCHES = np.ones((6, 5, 4, 3))
CURVES = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 2.5]}

# Layers that cannot be drawn: for all viewers of rasters.
LAYERS = {
    "nothing": None,
    "a number": 3,
    "a dictionary": {"a": IMAGE},
    "an empty list": [],
    "rows of two lengths": [[1, 2], [3]],
    "texts": np.array([["a", "b"]]),
    "objects": np.array([[1, None]]),
    "complex numbers": np.ones((3, 4), complex),
    "times": np.zeros((3, 4), "datetime64[s]"),
    "fields": np.zeros((3, 4), [("a", int)]),
    "no rows": np.zeros((0, 5)),
    "no bands": np.zeros((4, 5, 0)),
    "one axis": np.ones(5),
    "four axes": np.ones((1, 5, 7, 3)),
    "no axis": np.array(3),
    "bytes": b"a.tif",
    "an empty path": "",
    "a path with a zero": "a\0b",
    "no such file": "nowhere.tif",
    "no such virtual file": "/vsimem/nothing.tif",
    "a source": tl.Source("a.tif"),
    "a legend": LEGEND,
}
FILES = ("folder", "complex", "cut_off", "bands_cut_off", "text.txt", "zero.tif")
NOT_RASTERS = ("a.json", "table", "points")
WRONG_VECTORS = ("a.json", "table", "placeless", "nothing", "empty", "far_points")

VIEWERS = {
    "show": lambda layer, **options: tl.show(layer, **options),
    "compare": lambda layer, **options: tl.compare(layer, layer, **options),
    "show_map": lambda layer, **options: tl.show_map(layer, **options),
}


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", LAYERS)
def test_wrong_layers(viewer, name):
    text = sentence(lambda: VIEWERS[viewer](LAYERS[name]))
    cures = ("Give", "give", "Check", "Write", "Download")
    assert any(cure in text for cure in cures)


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", FILES)
def test_wrong_files(files, viewer, name):
    text = sentence(lambda: VIEWERS[viewer](files[name]))
    assert str(files[name]) in text


@pytest.mark.parametrize("viewer", ["show", "compare"])
@pytest.mark.parametrize("name", NOT_RASTERS)
def test_files_that_are_no_rasters(files, viewer, name):
    assert str(files[name]) in sentence(lambda: VIEWERS[viewer](files[name]))


@pytest.mark.parametrize("name", WRONG_VECTORS)
def test_wrong_vector_files(files, name):
    text = sentence(lambda: tl.show_map(files["labels"], files[name]))
    assert Path(files[name]).stem in text


def test_damaged_files_are_named_with_the_cure(files):
    for viewer in VIEWERS.values():
        text = sentence(lambda viewer=viewer: viewer(files["cut_off"]))
        assert "is damaged" in text
        assert "Download it or make it again" in text


def test_layers_that_lie_apart(files):
    assert "share" in sentence(lambda: tl.compare(files["labels"], files["far"]))
    assert "shares no ground" in sentence(
        lambda: tl.show_map(files["labels"], files["far"])
    )
    assert "no CRS" in sentence(lambda: tl.show_map(files["no_crs"]))


# Values of each option that are wrong for every viewer that has it.
OPTIONS = {
    "bands": ["red", [1.0, 2.0, 3.0], (1, 2), (5, 2, 1), True, 0, -1, [], 1.5, {1: 2}],
    "legend": [{0: "water"}, "legend.json", [("a", "#ffffff")], 3],
    "stretch": [2, (98, 2), "ab", b"ab", (2,), None, (np.nan, 3), ("2", "98"), {2: 3}],
    "value_range": [(0, np.nan), 5, "ab", (3, 1), (1, 1), (1, 2, 3), np.ones((2, 2))],
    "kind": ["colour", 3, ["rgb"], np.array(["rgb", "x"])],
    "nodata": ["a", [0], (0,), True, 1j, np.array([1, 2])],
    "titles": [["a"] * 3, [], [None] * 2, {"a": 1}, object(), np.array(3), b"a"],
    "window": [(0, 0, 3, 3), "all", 5],
    "height": ["tall", 0, 1.5, True, np.nan, [3]],
    "mode": ["wipe", 3, None, ["swipe"], np.array(["a", "b"])],
    "tile": [16.5, "16", (8, -1), (8, 8, 8), 0, True, {}, [], np.nan],
    "opacity": [2, -1, "a", None, [0.5], True, np.nan],
    "basemap": ["yes", 1, None],
    "colour": [1],
}
COMMON = ("bands", "legend", "stretch", "value_range", "kind", "nodata", "titles")
HAS = {
    "show": (*COMMON, "window", "colour"),
    "compare": (*COMMON, "window", "height", "mode", "tile", "colour"),
    "show_map": (*COMMON, "height", "opacity", "basemap", "colour"),
}
WRONG = [(viewer, name) for viewer, names in HAS.items() for name in names]


@pytest.mark.parametrize(("viewer", "name"), WRONG)
def test_wrong_options(files, viewer, name):
    for value in OPTIONS[name]:
        text = sentence(lambda v=value: VIEWERS[viewer](files["image"], **{name: v}))
        assert name.removesuffix("s") in text or name == "bands", value


# Patches

WRONG_PATCHES = {
    "nothing": None,
    "a number": 3,
    "no such file": "nowhere.tif",
    "an empty dictionary": {},
    "a list of dictionaries": [{"x": PATCHES}],
    "a patch": {"x": PATCHES[0]},
    "five axes": {"x": PATCHES[np.newaxis]},
    "no patch": {"x": PATCHES[:0]},
    "no pixel": {"x": PATCHES[:, :0]},
    "None": {"x": None},
    "no such file in a dictionary": {"x": "nowhere.tif"},
    "objects": {"x": np.full((2, 3, 4, 1), None)},
    "texts": {"x": np.full((2, 3, 4, 1), "a")},
    "complex numbers": {"x": PATCHES * 1j},
    "rows of two lengths": {"x": [[1, 2], [3]]},
    "a name that is a number": {3: PATCHES},
    "labels of None": {"x": PATCHES, "labels": None},
    "one label": {"x": PATCHES, "labels": 3},
    "labels between whole numbers": {"x": PATCHES, "labels": np.arange(6) + 0.5},
    "labels of NaN": {"x": PATCHES, "labels": np.full(6, np.nan)},
    "labels of texts": {"x": PATCHES, "labels": list("aabbcc")},
    "labels of two axes": {"x": PATCHES, "labels": np.ones((6, 3))},
    "labels of no pixel": {"x": PATCHES, "labels": np.zeros((6, 0, 0, 1))},
    "labels of three bands": {"x": PATCHES, "labels": np.zeros((6, 2, 2, 3))},
    "too few labels": {"x": PATCHES, "labels": np.arange(3)},
    "only labels": {"labels": np.arange(3)},
}
PATCH_OPTIONS = {
    "count": [0, -1, 1.5, "a", None, True, np.nan],
    "source": ["y", 3, ["x"], "labels"],
    "classes": [[1, 7], [], "a", [1.5], [None], [True], {}],
    "bands": ["red", (1, 2), 4, True, []],
    "legend": [{0: "a"}, "x.json"],
    "seed": [-1, 1.5, "a", None],
    "centre": ["no", 3, None],
}
PATCH_VIEWERS = {
    tl.show_patches: ("count", "source", "classes", "bands", "legend", "seed"),
    tl.browse_patches: ("count", "bands", "legend", "seed", "centre"),
}


@pytest.mark.parametrize("viewer", PATCH_VIEWERS)
@pytest.mark.parametrize("name", WRONG_PATCHES)
def test_wrong_patches(viewer, name):
    sentence(lambda: viewer(WRONG_PATCHES[name]))


@pytest.mark.parametrize("viewer", PATCH_VIEWERS)
def test_wrong_patch_files(files, viewer):
    for name in ("folder", "image", "cut_off", "complex", "text.txt"):
        assert str(files[name]) in sentence(lambda n=name: viewer({"x": files[n]}))


@pytest.mark.parametrize(
    ("viewer", "name"),
    [(v, name) for v, names in PATCH_VIEWERS.items() for name in names],
)
def test_wrong_options_of_patches(viewer, name):
    patches = {"x": PATCHES, "labels": np.array([0, 0, 1, 1, 2, 2])}
    for value in PATCH_OPTIONS[name]:
        text = sentence(lambda v=value: viewer(patches, **{name: v}))
        assert name.removesuffix("s") in text.lower(), value


# Curves and fields

WRONG_CURVES = {
    "nothing": None,
    "a list": [1, 2],
    "a text": "a.json",
    "a path": Path("nowhere.json"),
    "no curve": {},
    "no epoch": {"loss": []},
    "texts": {"loss": ["a", "b"]},
    "a text as a curve": {"loss": "abc"},
    "a number": {"loss": 3},
    "None": {"loss": None},
    "None in an epoch": {"loss": [1, None]},
    "complex numbers": {"loss": [1j]},
    "two axes": {"loss": np.ones((3, 2))},
    "a dictionary as a curve": {"loss": {1: 2}},
    "a generator": {"loss": (i for i in (1, 2))},
    "a name that is a number": {3: [1, 2]},
    "curves and a curve": {"a": CURVES, "b": [1, 2]},
    "a training without a curve": {"a": {}},
}
STOPPING = {
    "monitor": ["x", 3, None, ["loss"]],
    "patience": [-1, 1.5, "a", None, True, np.nan],
    "min_delta": [-1, "a", None, np.nan, np.inf, [0]],
    "restore_best_weights": ["no", 1, None],
}


@pytest.mark.parametrize("viewer", [tl.show_curves, tl.explore_stopping])
@pytest.mark.parametrize("name", WRONG_CURVES)
def test_wrong_curves(viewer, name):
    sentence(lambda: viewer(WRONG_CURVES[name]))


def test_curves_without_a_loss_of_training_cannot_be_shown():
    text = sentence(lambda: tl.show_curves({"val_loss": [1, 2]}))
    assert "['val_loss']" in text


@pytest.mark.parametrize("name", STOPPING)
def test_wrong_settings_of_stopping(name):
    for value in STOPPING[name]:
        sentence(lambda v=value: tl.explore_stopping(CURVES, **{name: v}))


@pytest.mark.parametrize(
    "model", [None, "model.keras", Path("a"), PATCHES, len, object()]
)
def test_something_that_is_no_model(model):
    sentence(lambda: tl.explore_fields(model))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("output", ["x", 3, ["estimated"]]),
        ("chunk", [0, -3, 1.5, "a", True, np.nan]),
        ("crop", [-1, 1.5, "a", None, True]),
    ],
)
def test_wrong_settings_of_fields(name, values):
    model = tl.architectures.pixelwise_fcnn(4)
    for value in values:
        sentence(lambda v=value: tl.explore_fields(model, **{name: v}))


# What is clear is accepted


def test_clear_arguments_of_other_types_are_accepted(files, tmp_path):
    path = str(files["image"])
    assert "bands 3, 2, 1" in repr(tl.show(path, bands=np.array([3, 2, 1])))
    assert "band 2" in repr(tl.show(path, bands=np.int64(2)))
    assert repr(tl.show(IMAGE, titles=2019)).startswith("2019: class map")
    assert tl.compare(IMAGE, IMAGE, titles=(0, 16)).titles == ("0", "16")
    assert tl.compare(IMAGE, IMAGE, tile=np.int16(8)).tiles == [8, 8]
    assert (
        tl.show_map(path, height=np.int64(300), opacity=np.float32(0.5)).height == 300
    )
    assert "6 of all patches" in repr(tl.show_patches(PATCHES))
    stored = tl.write_patches(tmp_path / "stored.tif", np.ones((6, 4, 4, 3)))
    assert "Patches of stored" in repr(tl.show_patches(stored))
    assert "page 1 of 1" in repr(tl.browse_patches(stored))
    shown = tl.show_patches({"x": PATCHES, "labels": np.ones((6, 1, 1), bool)})
    assert "6 of class 1" in repr(shown)


def test_the_object_that_fit_returns_has_curves():
    class History:
        history = CURVES

    assert repr(tl.show_curves(History())) == repr(tl.show_curves(CURVES))
    assert tl.explore_stopping(History()).monitor == "val_loss"


def test_values_that_are_too_large_for_a_picture_are_drawn():
    huge = np.array([[-1.79e308, 0.0, 1e300, 2e300]])
    picture = tl.show(huge, kind="grey", stretch=(0, 100)).as_figure().axes[0].images[0]
    assert np.asarray(picture.get_array())[0, [0, 3], 0].tolist() == [0, 255]
    lowest = np.float32([[-3.4e38, 0, 1, 2]])
    tl.compare(lowest, lowest)._repr_mimebundle_()
    tl.compare(huge, huge)._repr_mimebundle_()
    tl.show_curves({"loss": [1e308, -1e308, 1.0]})._repr_mimebundle_()


def test_a_single_point_has_a_map(files):
    web = tl.show_map(files["points"])
    assert web._repr_mimebundle_()[0]["image/png"]
    assert web.bounds[0] == web.bounds[1]


BOX = shapely.box(500_100, 4_799_800, 500_150, 4_799_850)
ODD_SHAPES = {
    "a level line": shapely.LineString([(500_100, 4_799_900), (500_130, 4_799_900)]),
    "a collection": shapely.GeometryCollection([shapely.MultiPolygon([BOX])]),
    "collections": shapely.GeometryCollection([shapely.GeometryCollection([BOX])]),
    "with an empty part": shapely.GeometryCollection([shapely.Point(), BOX]),
}


@pytest.mark.parametrize("name", ODD_SHAPES)
def test_odd_shapes_have_a_map(tmp_path, name):
    path = _vectors(tmp_path / "a.gpkg", [ODD_SHAPES[name]], "EPSG:32631", "Unknown")
    web = tl.show_map(path)
    drawn = web.as_figure().axes[0].collections
    paths = [one for collection in drawn for one in collection.get_paths()]
    assert len(paths) >= 1
    ax = web.as_figure().axes[0]
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        texts = [label.get_text() for label in labels]
        assert len(set(texts)) == len(texts) > 1
    assert web._repr_mimebundle_()[0]["image/png"]


def test_the_first_layer_of_a_file_is_drawn_and_that_is_said(tmp_path):
    path = _vectors(tmp_path / "a.gpkg", [BOX], "EPSG:32631", "Polygon")
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(shapely.Point(0, 0))], object),
        [np.arange(1)],
        ["number"],
        layer="second",
        geometry_type="Point",
        crs="EPSG:32631",
    )
    with pytest.warns(
        UserWarning, match="layers a, second, and the map shows the first"
    ):
        assert "1 polygon" in tl.show_map(path).description


AT_10_M = Affine(10, 0, 500_000, 0, -10, 4_800_000)
TRANSFORMS = {
    "no area": Affine(0, 0, 500_000, 0, 0, 4_800_000),
    "no height": Affine(10, 0, 500_000, 0, 0, 4_800_000),
    "too small for its coordinates": Affine(1e-12, 0, 5e5, 0, -1e-12, 4.8e6),
    "infinite": Affine(np.inf, 0, 500_000, 0, -10, 4_800_000),
    "NaN": Affine(np.nan, 0, 500_000, 0, -10, 4_800_000),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_rasters_with_damaged_coordinates_are_drawn_without_them(tmp_path, name):
    path = _placed(tmp_path / "a.tif", TRANSFORMS[name], "EPSG:32631")
    assert f"{COLS} x {ROWS} px" in repr(tl.show(path))
    compared = repr(tl.compare(path, path, titles=("a", "b")))
    assert compared == f"Comparison of a, b: {ROWS} x {COLS} px."
    text = sentence(lambda: tl.show_map(path))
    assert "without an area" in text
    assert "gdal_edit.py -a_ullr" in text


def test_a_crs_without_a_place_on_earth_has_no_map(tmp_path):
    local = 'LOCAL_CS["machine",UNIT["metre",1]]'
    path = _placed(tmp_path / "a.tif", AT_10_M, rasterio.crs.CRS.from_wkt(local))
    assert "no place on Earth" in sentence(lambda: tl.show_map(path))
    points = _vectors(tmp_path / "a.gpkg", [shapely.Point(1, 2)], local)
    assert "no place on Earth" in sentence(lambda: tl.show_map(points))


def _placed(path, transform, crs):
    profile = {"driver": "GTiff", "height": ROWS, "width": COLS, "count": 1}
    profile |= {"dtype": "uint8", "transform": transform, "crs": crs}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(IMAGE.astype("uint8"), 1)
    return path


def test_a_raster_with_control_points_only_needs_to_be_warped(tmp_path):
    path = tmp_path / "a.tif"
    corners = [(0, 0), (0, COLS), (ROWS, 0), (ROWS, COLS)]
    points = [
        rasterio.control.GroundControlPoint(row, col, 500_000 + col, 4_800_000 - row)
        for row, col in corners
    ]
    profile = {"driver": "GTiff", "height": ROWS, "width": COLS, "count": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", dtype="uint8", **profile) as dataset:
            dataset.gcps = points, rasterio.crs.CRS.from_epsg(32631)
            dataset.write(IMAGE.astype("uint8"), 1)
    assert "40 x 30 px" in repr(tl.show(path))
    text = sentence(lambda: tl.show_map(path))
    assert "only by GCPs" in text
    assert "gdalwarp" in text


def test_names_of_classes_may_be_long():
    legend = tl.Legend(["y" * 300, "forest"], ["#123456", "#106b00"])
    patches = {"x": PATCHES, "labels": np.array([0, 0, 0, 1, 1, 1])}
    figure = tl.show_patches(patches, legend=legend)
    assert figure.as_figure().get_size_inches()[1] > 1
    tl.show(IMAGE % 2, legend=legend)._repr_mimebundle_()
