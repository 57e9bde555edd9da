"""`compare`: the common window, values and colours, differences, errors, pages."""

import base64
import json
import re
import time
import tracemalloc
import zlib

import numpy as np
import pytest
import traitlets
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from scenes import coordinates, grid_at, write

from tutorial_lib import rasters, testing
from tutorial_lib.viewers import reading
from tutorial_lib.viewers.comparison import compare

LEGEND = testing.SMALL_LEGEND


def raster(path, *place, **options):
    """Write a raster that holds rows and columns; its place is that of `grid_at`."""
    return testing.coordinate_raster(path, grid_at(*place, **options))


def pixels(widget, number):
    return widget.scene.layers[number].preview.pixels


def picture(widget, number):
    return widget.scene.layers[number].picture


def unpacked(layer, shape):
    """Values (band, height, width) of a layer for the browser, and its valid pixels."""
    raw = zlib.decompress(layer["values"])
    count = np.prod(shape) * layer["bands"]
    values = np.frombuffer(raw, layer["type"], count)
    valid = np.frombuffer(raw, "uint8", offset=values.nbytes)
    return values.reshape(layer["bands"], *shape), valid.reshape(shape)


# The common window


def test_rasters_are_compared_on_the_ground_that_they_share(tmp_path):
    places = [(0, 0, 61, 83), (16, 7, 45, 70), (-5, 20, 40, 99)]
    paths = [
        testing.coordinate_raster(tmp_path / f"{i}.tif", grid_at(*place), channels=3)
        for i, place in enumerate(places)
    ]
    widget = compare(*paths, bands=3)
    # Rows 16 to 35 and columns 20 to 77 of the first raster: the innermost edges.
    rows, cols = np.mgrid[16:35, 20:77]
    assert widget.window == Window(20, 16, 57, 19)
    for number, (row, col, *_) in enumerate(places):
        expected = 1000 * (rows - row) + (cols - col)
        assert (pixels(widget, number)[..., 0] == expected).all()


def test_the_first_layer_may_lie_inside_the_second(tmp_path):
    inner = raster(tmp_path / "inner.tif", 16, 7, 30, 41)
    outer = coordinates(tmp_path / "outer.tif", 61, 83)
    widget = compare(inner, outer, bands=2)
    assert widget.window == Window(0, 0, 41, 30)
    assert pixels(widget, 1)[0, :, 0].tolist() == list(range(7, 48))


def test_a_pixel_shows_the_coarse_pixel_that_contains_its_centre(tmp_path):
    fine = coordinates(tmp_path / "fine.tif", 21, 31)
    coarse = testing.coordinate_raster(
        tmp_path / "coarse.tif", grid_at(3, 5, 6, 9, spacing=20)
    )
    widget = compare(fine, coarse, bands=2)
    assert widget.window == Window(5, 3, 18, 12)
    assert pixels(widget, 1)[0, :, 0].tolist() == [k // 2 for k in range(18)]
    widget = compare(coarse, fine, bands=1, titles=("coarse", "fine, 10 m"))
    # The centre of a coarse pixel is the corner that its four fine ones share: the
    # lower right one holds it.
    assert pixels(widget, 1)[:, 0, 0].tolist() == [3 + 2 * k + 1 for k in range(6)]
    # A title may be any text: quotes tell where it ends.
    assert "A pixel of 'fine, 10 m' is 0.5 times" in widget.scene.notes[0]


def test_grids_a_part_of_a_pixel_apart_are_paired_by_centres(tmp_path):
    grid = testing.small_grid(9, 12)
    moved = testing.small_grid(9, 12, corner=(500_004, 4_799_996))
    first = testing.coordinate_raster(tmp_path / "a.tif", grid)
    second = testing.coordinate_raster(tmp_path / "b.tif", moved)
    widget = compare(first, second, bands=2)
    assert widget.window == Window(1, 1, 11, 8)
    assert pixels(widget, 1)[0, :, 0].tolist() == list(range(1, 12))


def test_an_array_covers_the_first_raster_or_the_shared_ground(tmp_path):
    whole = coordinates(tmp_path / "a.tif", 30, 40)
    part = raster(tmp_path / "b.tif", 4, 6, 20, 21)
    like_whole = np.arange(30 * 40.0).reshape(30, 40)
    like_part = np.arange(20 * 21.0).reshape(20, 21)
    widget = compare(like_whole, whole, part, like_part, bands=1)
    assert widget.window == Window(6, 4, 21, 20)
    assert (pixels(widget, 0)[..., 0] == like_whole[4:24, 6:27]).all()
    assert (pixels(widget, 3)[..., 0] == like_part).all()
    assert pixels(widget, 1)[0, 0, 0] == 4


def test_arrays_alone_are_compared_pixel_by_pixel():
    a, b = np.zeros((5, 9)), np.ones((5, 9, 1))
    widget = compare(a, b, window=Window(2, 1, 4, 3))
    assert widget.scene.shape == (3, 4)
    assert widget.titles == ("layer 1", "layer 2")


def test_a_window_is_in_pixels_of_the_first_raster(tmp_path):
    first = coordinates(tmp_path / "a.tif", 30, 40)
    second = raster(tmp_path / "b.tif", 4, 6, 20, 21)
    widget = compare(first, second, bands=2, window=Window(8, 5, 7, 3))
    assert pixels(widget, 0)[0, :, 0].tolist() == list(range(8, 15))
    assert pixels(widget, 1)[0, :, 0].tolist() == list(range(2, 9))
    with pytest.raises(ValueError, match="share: rows 4 to 24, columns 6 to 27"):
        compare(first, second, bands=2, window=Window(5, 5, 20, 19))


@pytest.fixture
def small_screen(monkeypatch):
    monkeypatch.setattr(reading, "MAX_SIDE", 80)


def test_large_layers_are_subsampled_in_the_middle_of_each_group(
    tmp_path, small_screen
):
    path = coordinates(tmp_path / "a.tif", 37, 230)
    widget = compare(path, rasters.read_array(path), path, bands=2)
    # Independent of `picked`: the pixel that holds the middle of each third.
    middles = (np.arange(77) + 0.5) * 230 / 77
    assert pixels(widget, 0)[0, :, 0].tolist() == np.floor(middles).tolist()
    for number in (1, 2):
        assert (pixels(widget, number) == pixels(widget, 0)).all()
    assert "13 x 77" in widget.scene.notes[0]


# Values and colours


@pytest.fixture
def large(tmp_path, small_screen):
    """Rasters larger than a screen; the second begins elsewhere, in larger pixels."""
    rng = np.random.default_rng(5)
    fine = rng.integers(0, 9, (100, 185)).astype("uint8")
    coarse = rng.integers(0, 9, (45, 90)).astype("uint8")
    first = write(tmp_path / "fine.tif", fine)
    second = write(tmp_path / "coarse.tif", coarse, grid_at(2, 4, 45, 90, spacing=20))
    return (first, second), fine, np.kron(coarse, np.ones((2, 2), "uint8"))


def detail(widget):
    return widget.get_state()["_detail"]


def test_zooming_into_large_layers_reads_every_pixel_of_the_view(large):
    paths, fine, coarse = large
    widget = compare(*paths)
    assert widget.get_state()["_finer"]
    widget.view = [20, 50, 15, 25]
    # A quarter of the view is added on each side.
    assert detail(widget)["window"] == [17, 44, 21, 37]
    # The second raster begins 2 rows and 4 columns after the first.
    expected = (fine[17:38, 44:81], coarse[15:36, 40:77])
    for sent, whole in zip(detail(widget)["layers"], expected, strict=True):
        values, valid = unpacked(sent, (21, 37))
        assert (values[0] == whole).all()
        assert valid.all()


def test_finer_pixels_are_read_once_and_only_if_there_are_more(large):
    paths, fine, _ = large
    widget = compare(*paths, fine[2:92, 4:184])
    sent = []
    widget.observe(lambda change: sent.append(change["new"]["window"]), "_detail")
    for view in ([2, 4, 90, 180], [15, 15, 60, 120], [40, 45, 10, 20]):
        widget.view = view
    # The first two would be read as coarsely as the whole.
    assert sent == [[38, 40, 14, 30]]
    widget.view = [39, 46, 10, 20]
    assert len(sent) == 1
    widget.view = [2, 4, 10, 20]
    assert sent[1:] == [[2, 4, 12, 25]]
    widget.right = 2
    assert [one["number"] for one in detail(widget)["layers"]] == [0, 2]


def test_layers_that_fit_the_screen_are_read_once(tmp_path):
    widget = compare(np.zeros((300, 500)), np.ones((300, 500)))
    widget.view = [10, 10, 50, 60]
    sent = widget.get_state()
    assert (sent["_finer"], sent["_detail"]) == (False, {})


def test_a_class_probability_is_grey_from_0_to_1():
    values = np.linspace(0.2, 0.6, 45).reshape(5, 9)
    stack = np.dstack([values, 1 - values]).astype("float32")
    widget = compare(stack, stack[..., ::-1], bands=2)
    grey = np.rint(255 * stack[..., 1])
    assert (picture(widget, 0)[..., :3] == grey[..., np.newaxis]).all()
    assert widget.scene.layers[1].limits == (0, 1)


def test_layers_of_one_kind_have_common_limits():
    ramp = np.arange(200.0).reshape(10, 20)
    widget = compare(ramp, ramp + 100, stretch=(0, 100))
    # 0 to 299 in both: 150 is as bright in one as in the other.
    first, second = (picture(widget, number)[..., 0] for number in (0, 1))
    assert first[7, 10] == second[2, 10] == round(255 * 150 / 299)


def test_a_class_map_without_a_legend_takes_the_other_ones(tmp_path):
    labels = np.array([[0, 1, 3, 255, 255, 0]], "uint8")[..., np.newaxis]
    named = write(tmp_path / "named.tif", labels, nodata=255, legend=LEGEND)
    plain = write(tmp_path / "plain.tif", labels[:, ::-1], nodata=255)
    widget = compare(plain, named)
    town = [3, "town", [255, 0, 4]]
    classes = [about["classes"] for about in widget.get_state()["_layers"]]
    assert [[entry[0] for entry in one] for one in classes] == [[0, 1, 3]] * 2
    assert [one[2] for one in classes] == [town] * 2
    alpha = picture(widget, 0)[0, :, 3]
    assert alpha.tolist() == [255, 0, 0, 255, 255, 255]


def test_titles_are_file_names_with_folders_if_names_are_equal(tmp_path):
    paths = []
    for name in ("crop0", "crop16"):
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name / "map.tif", np.ones((3, 5, 1), "uint8")))
    other = write(tmp_path / "labels.tif", np.ones((3, 5, 1), "uint8"))
    widget = compare(*paths, other)
    assert widget.titles == ("crop0/map", "crop16/map", "labels")
    assert compare(*paths, titles=("0", "16")).titles == ("0", "16")


# Differences


def test_a_difference_is_computed_from_values_not_from_pictures():
    a = np.array([[250, 3, 7]], "uint8")
    b = np.array([[5, 3, 9]], "uint8")
    found = compare(a, b, kind="grey").difference()
    assert found.values.tolist() == [[-245, 0, 2]]
    assert (found.kind, found.largest) == ("signed", 245)
    tiny = np.full((2, 3), 0.5)
    # A millionth is far below a step of an 8 bit picture.
    found = compare(tiny, tiny + 1e-6).difference()
    assert found.values == pytest.approx(1e-6 * np.ones((2, 3)), rel=1e-3)


def test_a_difference_of_colours_is_the_mean_over_the_bands():
    a = np.zeros((1, 2, 3))
    b = np.array([[[3, -6, 0], [0, 0, 0]]], float)
    found = compare(a, b).difference()
    assert found.kind == "size"
    assert found.values.tolist() == [[3, 0]]


def test_classes_differ_or_not_where_both_layers_have_data(tmp_path):
    a = np.array([[0, 1, 2, 255, 0]], "uint8")[..., np.newaxis]
    b = np.array([[0, 3, 2, 1, 255]], "uint8")[..., np.newaxis]
    paths = [write(tmp_path / f"{i}.tif", x, nodata=255) for i, x in enumerate((a, b))]
    found = compare(*paths).difference()
    assert found.values[0, :3].tolist() == [0, 1, 0]
    assert np.isnan(found.values[0, 3:]).all()
    assert found.changed_share == pytest.approx(1 / 3)


def test_a_difference_has_no_data_where_a_value_is_not_finite():
    a = np.array([[0.5, np.nan, 0.25, np.inf]])
    b = np.array([[0.75, 0.5, np.nan, 0.5]])
    found = compare(a, b).difference()
    assert found.values[0, 0] == 0.25
    assert np.isnan(found.values[0, 1:]).all()


def test_only_layers_of_one_kind_have_a_difference():
    classes, image = np.zeros((4, 5), int), np.random.default_rng(0).random((4, 5, 3))
    assert compare(classes, image).mode == "swipe"
    with pytest.raises(ValueError, match=r"'classes' and one of kind 'rgb'"):
        compare(classes, image, mode="difference")
    grey, probability = np.full((3, 4), 7.0), np.full((3, 4), 0.5)
    assert (compare(grey, probability).difference().values == -6.5).all()


# Errors


def test_layers_that_cannot_be_compared_are_refused_with_the_cure(tmp_path):
    image = np.ones((30, 40, 2), "float32")
    path = write(tmp_path / "a.tif", image)
    utm33 = GeoBox((30, 40), Affine(10, 0, 500_000, 0, -10, 4_800_000), "EPSG:32633")
    with pytest.raises(ValueError, match=r"EPSG:32633.*gdalwarp"):
        compare(path, write(tmp_path / "b.tif", image, utm33))
    with pytest.raises(ValueError, match=r"share no pixel"):
        compare(path, write(tmp_path / "c.tif", image, grid_at(30, 0, 30, 40)))
    empty = write(tmp_path / "d.tif", np.full((30, 40, 2), np.nan, "float32"))
    with pytest.raises(ValueError, match=r"d.tif' \(band 1\) has no data.*nodata="):
        compare(path, empty)
    with pytest.raises(ValueError, match=r"12x13 px.*30x40 px"):
        compare(path, np.ones((12, 13)))
    with pytest.raises(FileNotFoundError, match=r"nowhere.tif"):
        compare(path, "nowhere.tif")
    with pytest.raises(ValueError, match="Received: 1 layer"):
        compare(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "wipe"}, "`mode` is 'wipe'. Give one of 'swipe', 'blink'"),
        ({"tile": 16.5}, "`tile` is 16.5. Give a whole number, 1 or more"),
        ({"tile": "16"}, "`tile` is '16'. Give a list of whole numbers"),
        ({"tile": (8, -1)}, "`tile` is -1. Give a whole number, 1 or more"),
        ({"tile": (8, 8, 8)}, "3 sides for 2 layers"),
        ({"bands": [1, (1,), None]}, "3 entries for 2 layers"),
        ({"height": 0}, "`height` is 0. Give a whole number, 60 or more"),
        ({"height": "tall"}, "`height` is 'tall'. Give a whole number, 60 or more"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_possible(options, words):
    a = np.zeros((3, 5, 2))
    with pytest.raises((TypeError, ValueError), match=words):
        compare(a, a, **options)


def test_each_layer_may_have_its_own_bands(tmp_path):
    image = np.arange(3 * 5 * 4, dtype="uint16").reshape(3, 5, 4)
    path = write(tmp_path / "image.tif", image)
    probabilities = np.moveaxis(np.full((2, 3, 5), 0.25), 0, -1)
    widget = compare(path, probabilities, bands=[(4, 2, 1), 2])
    assert [x.preview.bands for x in widget.scene.layers] == [(4, 2, 1), (2,)]
    assert np.array_equal(pixels(widget, 0), image[..., [3, 1, 0]])
    # One choice for all: a layer of one band shows that one.
    widget = compare(path, np.zeros((3, 5), int), bands=(4, 2, 1))
    assert [x.kind for x in widget.scene.layers] == ["rgb", "classes"]


# State and pages


def test_the_state_counts_pixels_of_the_first_raster(tmp_path):
    first = coordinates(tmp_path / "a.tif", 30, 40)
    second = raster(tmp_path / "b.tif", 4, 6, 20, 21)
    widget = compare(first, second, bands=1, tile=16)
    assert widget.center == [4 + 10, 6 + 10.5]
    assert (widget.tiles, widget.tiles_shown) == ([16, 16], False)
    # Tiles of the second raster begin at its own corner.
    assert [about["corner"] for about in widget.get_state()["_layers"]] == [
        [0, 0],
        [4, 6],
    ]
    widget.view = [10, 12, 3, 4]
    assert widget.window == Window(12, 10, 4, 3)
    assert repr(widget) == "Comparison of a, b: 20 x 21 px."


def test_a_state_that_the_layers_do_not_have_is_refused():
    a = np.zeros((30, 50))
    widget = compare(a, a, a, tile=(16, 8, 4))
    with pytest.raises(traitlets.TraitError, match="no layer 3: 3 layers"):
        widget.right = 3
    with pytest.raises(traitlets.TraitError, match="2 sides for 3 layers"):
        widget.tiles = [3, 4]
    assert (widget.right, widget.tiles) == (1, [16, 8, 4])


@pytest.mark.parametrize(
    ("array", "sent_as"),
    [
        (np.arange(15).reshape(3, 5) - 4, "int16"),
        (np.arange(15, dtype="uint16").reshape(3, 5) * 3000, "uint16"),
        (np.arange(15, dtype=">i4").reshape(3, 5) * 100_000, "uint32"),
        (np.arange(15).reshape(3, 5) * 10**10, "float64"),
        (np.arange(45.0).reshape(3, 5, 3), "float32"),
        (np.arange(15).reshape(3, 5) > 7, "uint8"),
    ],
)
def test_the_browser_gets_exact_values(array, sent_as):
    widget = compare(array, array)
    about = widget.get_state()["_layers"][0]
    assert about["type"] == sent_as
    values, valid = unpacked(about, (3, 5))
    assert (np.moveaxis(values, 0, -1) == array.reshape(3, 5, -1)).all()
    assert valid.all()


def test_the_page_has_all_values_and_loads_nothing(tmp_path):
    scene = testing.small_scene()
    widget = compare(scene["labels"], scene["labels"], titles=("</script>", "b & c"))
    widget.mode, widget.position = "blink", 0.25
    page = widget.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(
        r"(src|href)=|https?://|@import|url\(|\bfetch\(|\bimport\b", page
    )
    assert "default-src 'none'" in page
    text = re.search(r'id="state">(.*?)</script>', page, re.DOTALL)[1]
    state = json.loads(text)
    assert (state["mode"], state["position"]) == ("blink", 0.25)
    assert state["_layers"][0]["title"] == "</script>"
    layer = state["_layers"][0]
    layer["values"] = base64.b64decode(layer["values"])
    values, valid = unpacked(layer, state["_scene"]["shape"])
    labels = rasters.read_array(scene["labels"])[..., 0]
    assert (valid == (labels != 255)).all()
    assert (values[0][labels != 255] == labels[labels != 255]).all()


def test_an_output_has_a_picture_for_programs_without_widgets():
    a = np.linspace(0, 1, 60).reshape(6, 10)
    data, metadata = compare(a, a[::-1], titles=("up", "down"))._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "up: grey image" in metadata["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_figure_shows_the_pair_or_its_difference():
    a = np.linspace(0, 1, 60).reshape(6, 10)
    widget = compare(a, a, a + 0.5, titles=("one", "two", "three"), value_range=(0, 2))
    widget.right = 2
    axes = [ax for ax in widget.as_figure().axes if ax.images]
    assert [ax.get_title("left") for ax in axes] == ["one", "three"]
    widget.mode = "difference"
    (ax,) = [ax for ax in widget.as_figure().axes if ax.images]
    assert ax.get_title("left") == (
        "three against one: 100 % of the pixels differ; the largest difference is 0.5."
    )
    assert ax.child_axes[0].get_ylim() == (-0.5, 0.5)


def test_a_map_larger_than_a_screen_opens_quickly_and_with_little_memory(tmp_path):
    side, rows = 10_980, 183
    classes = np.random.default_rng(0).integers(0, 4, (side // rows, side // rows))
    path, grid = tmp_path / "large.tif", testing.small_grid(side, side)
    with rasters.create_raster(path, grid, channels=1, dtype="uint8") as raster:
        for number, line in enumerate(np.kron(classes, np.ones((1, rows), "uint8"))):
            part = np.broadcast_to(line.astype("uint8")[:, np.newaxis], (rows, side, 1))
            raster.write(part, row=number * rows)
    start = time.thread_time()
    tracemalloc.start()
    widget = compare(path, path, legend=LEGEND)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.thread_time() - start < 5
    assert widget.scene.shape == (1569, 1569)
    # One of the two layers has 121 MB in full.
    assert peak < 100e6
