"""`show`, `show_patches` and `show_curves`: what they draw, and what they say."""

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image
from rasterio.windows import Window
from scenes import coordinates, grid_at, write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.viewers import pictures, reading
from tutorial_lib.viewers.figures import LiteralFigure
from tutorial_lib.viewers.options import Display

LEGEND = testing.SMALL_LEGEND


def panels(figure):
    """The axes with a picture."""
    return [ax for ax in figure.as_figure().axes if ax.images]


def shown(figure, panel=0):
    """Picture (height, width, 4) of a panel, as matplotlib received it."""
    return np.asarray(panels(figure)[panel].images[0].get_array())


def legend_texts(figure, panel=0):
    legend = panels(figure)[panel].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


# Colours


def test_three_bands_are_red_green_and_blue_in_the_given_order(tmp_path):
    bands = np.zeros((4, 6, 4), "uint16")
    for column, band in enumerate((3, 1, 0)):
        bands[:, 2 * column : 2 * column + 2, band] = 5000
    path = write(tmp_path / "a.tif", bands)
    picture = shown(tl.show(path, bands=(4, 2, 1), value_range=(0, 5000)))
    assert picture.shape == (4, 6, 4)
    assert picture[1, ::2, :3].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert (picture[..., 3] == 255).all()


def test_each_band_has_its_own_stretch_without_pixels_without_data(tmp_path):
    ramp = np.arange(1000, 1200, dtype="float32").reshape(10, 20)
    image = np.stack([ramp, 10 * ramp, -ramp], axis=-1)
    image[0] = -9999
    path = write(tmp_path / "a.tif", image, nodata=-9999)
    picture = shown(tl.show(path, stretch=(0, 100)))
    assert picture[1, 0].tolist() == [0, 0, 255, 255]
    assert picture[-1, -1].tolist() == [255, 255, 0, 255]
    assert not picture[0].any()


def test_two_percent_are_darkest_two_brightest_and_a_constant_is_mid_grey():
    values = np.random.default_rng(0).normal(size=(50, 40))
    grey = shown(tl.show(values))[..., 0]
    assert np.mean(grey == 0) == pytest.approx(0.02, abs=0.005)
    assert np.mean(grey == 255) == pytest.approx(0.02, abs=0.005)
    constant = shown(tl.show(np.full((3, 5), 4.5)))
    assert constant[0, 0].tolist() == [128, 128, 128, 255]


def test_classes_have_their_colours_names_and_shares(tmp_path):
    labels = np.full((4, 10), 255, "uint8")
    labels[0, :5], labels[3, 5:], labels[1, 0] = 3, 0, 3
    figure = tl.show(write(tmp_path / "a.tif", labels, nodata=255, legend=LEGEND))
    picture = shown(figure)
    assert picture[0, 4].tolist() == [255, 0, 4, 255]
    assert picture[3, 5].tolist() == [127, 188, 252, 255]
    assert picture[2, 2, 3] == 0
    assert legend_texts(figure) == ["water: 45 %", "town: 55 %", "no data"]
    faces = panels(figure)[0].get_legend().get_patches()
    assert faces[1].get_facecolor() == pytest.approx((1, 0, 4 / 255, 1))


def test_small_shares_are_not_written_as_zero():
    labels = np.zeros((30, 20), int)
    labels[29, 19] = 1
    assert legend_texts(tl.show(labels, legend=LEGEND))[1] == "meadow: <1 %"


def test_integers_are_classes_with_a_legend_or_few_values():
    few = np.arange(60).reshape(6, 10) % 7
    many = np.arange(60).reshape(6, 10)
    assert "class map" in tl.show(few, titles="few").description
    assert "grey image" in tl.show(many, titles="many").description
    assert "grey image" in tl.show(few, titles="few", kind="grey").description
    with pytest.warns(UserWarning, match="classes 0 to 3, and .* 4, 5, 6, 7, 8…"):
        named = tl.show(many, titles="many", legend=LEGEND)
    assert "class map" in named.description


def test_classes_without_a_legend_are_named_by_their_number():
    figure = tl.show(np.array([[2, 2, 2, 9]]))
    assert legend_texts(figure) == ["class 2: 75 %", "class 9: 25 %"]
    assert shown(figure)[0, 0, :3].tolist() == [0x00, 0x9E, 0x73]
    mask = tl.show(np.array([[True, False, False, False]]))
    assert legend_texts(mask) == ["class 0: 75 %", "class 1: 25 %"]


def test_probabilities_are_stretched_from_0_to_1_and_other_floats_are_not():
    values = np.linspace(0.4, 0.6, 50).reshape(5, 10)
    probability = tl.show(np.dstack([values, 1 - values]), bands=2)
    first = pictures.PROBABILITY_RAMP[round(255 * 0.6)]
    assert shown(probability)[0, 0, :3].tolist() == first.tolist()
    assert panels(probability)[0].child_axes[0].get_ylim() == (0, 1)
    grey = tl.show(100 * values, value_range=(40, 60))
    assert shown(grey)[0, 0].tolist() == [0, 0, 0, 255]
    assert shown(grey)[-1, -1].tolist() == [255, 255, 255, 255]


@pytest.mark.parametrize("ramp", [pictures.GREY_RAMP, pictures.PROBABILITY_RAMP])
def test_the_ramps_get_lighter_from_end_to_end(ramp):
    lightness = ramp @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) >= -1).all()
    assert lightness[-1] - lightness[0] > 180


# Places


def test_rasters_lie_on_the_ground_they_cover(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((30, 50), "float32"), spacing=20)
    ax = panels(tl.show(path))[0]
    assert ax.images[0].get_extent() == [500, 501, 4799.4, 4800]
    assert ax.get_xlabel() == "easting (km)"
    assert ax.get_aspect() == 1


def test_degrees_are_as_long_as_on_the_ground(tmp_path):
    place = {"spacing": 1, "corner": (10, 62), "crs": "EPSG:4326"}
    ax = panels(tl.show(write(tmp_path / "a.tif", np.ones((4, 8)), **place)))[0]
    assert ax.images[0].get_extent() == [10, 18, 58, 62]
    assert ax.get_aspect() == pytest.approx(2)


@pytest.mark.parametrize("top", [90, -88, 300, -5000])
def test_degrees_at_and_beyond_the_poles_are_drawn(tmp_path, top):
    place = {"spacing": 1, "corner": (10, top), "crs": "EPSG:4326"}
    ax = panels(tl.show(write(tmp_path / "a.tif", np.ones((4, 8)), **place)))[0]
    assert 1 <= ax.get_aspect() < 60


def test_arrays_lie_on_their_pixels():
    ax = panels(tl.show(np.ones((30, 50))))[0]
    assert ax.images[0].get_extent() == [0, 50, 30, 0]
    assert ax.get_ylabel() == "row (px)"


def test_a_place_is_at_the_same_spot_in_all_layers(tmp_path):
    whole = write(tmp_path / "a.tif", np.ones((60, 80)))
    part = write(tmp_path / "b.tif", np.ones((20, 30)), grid_at(10, 20, 20, 30))
    first, second = panels(tl.show(whole, part))
    assert first.get_xlim() == second.get_xlim() == (500, 500.8)
    assert second.images[0].get_extent() == [500.2, 500.5, 4799.7, 4799.9]


def test_a_window_shows_the_same_ground_in_every_layer(tmp_path):
    fine = coordinates(tmp_path / "fine.tif", 60, 80)
    coarse = coordinates(tmp_path / "coarse.tif", 30, 40, spacing=20)
    window = Window(21, 10, 9, 20)
    figure = tl.show(fine, coarse, bands=2, window=window, value_range=(0, 255))
    assert shown(figure, 0)[0, :, 0].tolist() == list(range(21, 30))
    # Columns 21 to 29 of 10 m are 10.5 to 15 of 20 m.
    assert shown(figure, 1)[0, :, 0].tolist() == list(range(10, 15))
    assert shown(figure, 1).shape == (10, 5, 4)


def test_large_layers_keep_their_place_and_their_classes(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_SIDE", 40)
    labels = np.zeros((50, 90), "uint8")
    labels[:, 44:] = 2
    path = write(tmp_path / "labels.tif", labels)
    image = write(tmp_path / "a.tif", np.dstack([labels] * 3) * 50)
    figure = tl.show(path, image, labels, legend=LEGEND)
    assert [shown(figure, i).shape for i in range(3)] == [(17, 30, 4)] * 3
    colours = {tuple(c) for c in shown(figure, 0)[..., :3].reshape(-1, 3)}
    assert colours == {LEGEND.rgb[0], LEGEND.rgb[2]}
    assert panels(figure)[0].images[0].get_extent() == [500, 500.9, 4799.5, 4800]


# Titles, figures


def test_titles_are_file_names_with_the_bands_if_there_is_a_choice(tmp_path):
    path = write(tmp_path / "scene.tif", np.ones((5, 7, 4)))
    labels = np.zeros((5, 7), int)
    figure = tl.show(path, labels, path)
    titles = [ax.get_title("left") for ax in panels(figure)]
    assert titles == ["scene (bands 1, 2, 3)", "", "scene (bands 1, 2, 3)"]
    assert panels(tl.show(path, titles="Havel"))[0].get_title("left") == "Havel"


def test_beside_an_image_a_layer_of_one_band_ignores_the_choice_of_bands():
    image, labels = np.ones((5, 7, 4)), np.zeros((5, 7), int)
    assert len(panels(tl.show(image, labels, bands=(4, 3, 2)))) == 2
    with pytest.raises(ValueError, match=r"Band 4 of the array .* has 1 band\."):
        tl.show(labels, bands=4)


@pytest.mark.parametrize(
    "layer",
    [
        np.full((4, 7), np.nan),
        np.full((4, 7, 3), np.nan),
        np.ma.masked_all((4, 7), int),
    ],
)
def test_a_layer_without_any_data_is_drawn_with_a_note(layer):
    figure = tl.show(layer, titles="empty")
    assert [text.get_text() for text in panels(figure)[0].texts] == ["no data"]
    assert legend_texts(figure) == ["no data"]
    assert figure.description.endswith("7 x 4 px, no data.")
    assert rendered(figure).width > 300


def test_a_figure_displays_itself_as_an_image_with_a_text():
    figure = tl.show(np.eye(4, 6), titles="diagonal")
    data, metadata = figure._repr_mimebundle_()
    text = "diagonal: probability map, 6 x 4 px, from 0 to 1."
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(figure) == text
    assert data["image/png"].startswith("iVBORw0KGgo")


def test_a_figure_is_written_at_the_width_of_a_notebook(tmp_path):
    figure = tl.show(*testing.small_scene().values())
    figure.savefig(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert 1000 < image.width < 1280
        assert image.height < 700


def test_nothing_in_a_figure_overlaps():
    scene = testing.small_scene()
    layers = [scene[name] for name in ("labels", "input_10m", "input_20m", "labels")]
    long = "A title that is too long for the width that one panel of three has"
    figure = tl.show(*layers, titles=["a", long, long, long])
    figure.as_figure().draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in panels(figure)]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert len(pairs) == 6
    assert not any(a.overlaps(b) for a, b in pairs)


def test_landscape_panels_are_in_fewer_columns():
    wide = tl.show(*[np.ones((4, 20))] * 3)
    tall = tl.show(*[np.ones((20, 14))] * 3)
    rows = [{ax.get_position().y1 for ax in panels(figure)} for figure in (wide, tall)]
    assert [len(row) for row in rows] == [2, 1]


def test_drawing_does_not_import_pyplot_or_tensorflow():
    code = (
        "import sys, numpy as np, tutorial_lib as tl\n"
        "assert 'matplotlib' not in sys.modules\n"
        "tl.show(np.eye(3, 4))._repr_mimebundle_()\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# Errors

WRONG_OPTIONS = [
    ({"bands": "red"}, TypeError, r"`bands` is 'red', .* has 4 bands.*one or three"),
    ({"bands": [1.0, 2.0, 3.0]}, ValueError, r"`bands` is \[1\.0, 2\.0, 3\.0\]"),
    ({"bands": (1, 2)}, ValueError, r"bands=\[1, 2\] has 2"),
    ({"bands": (5, 2, 1)}, ValueError, r"Band 5 of '.*\.tif' .* 4 bands"),
    ({"legend": {0: "water"}}, TypeError, r"\{0: 'water'\}.*Legend\(.*read_legend"),
    ({"stretch": 2}, ValueError, r"such as \(2, 98\)\. Received: 2\."),
    ({"stretch": (98, 2)}, ValueError, r"rise.*\(98, 2\)"),
    ({"stretch": (-1, 98)}, ValueError, r"0 to 100.*\(-1, 98\)"),
    ({"stretch": (2, 101)}, ValueError, r"0 to 100.*\(2, 101\)"),
    ({"stretch": "ab"}, ValueError, "Received: 'ab'"),
    ({"value_range": (0, np.nan)}, ValueError, r"\(darkest, brightest\).*nan"),
    (
        {"kind": "colour"},
        ValueError,
        "`kind` is 'colour'. Give one of 'rgb', 'classes'",
    ),
    ({"nodata": "x"}, TypeError, "'x'.*number.*-9999"),
    ({"titles": ["a", "b"]}, ValueError, "2 titles for 1 layer. Give"),
    ({"colour": 3}, TypeError, "has no option 'colour'. It has: .*titles.*nodata"),
]


@pytest.mark.parametrize(("options", "error", "words"), WRONG_OPTIONS)
def test_wrong_options_raise_an_error_with_their_values(options, error, words):
    with pytest.raises(error, match=words) as caught:
        tl.show(testing.small_scene()["input_10m"], **options)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("draw", [tl.show, tl.compare, tl.show_map])
def test_all_viewers_check_the_same_options(draw):
    labels = testing.small_scene()["labels"]
    # Class maps are not stretched, but a wrong `stretch` is a mistake there too.
    with pytest.raises(ValueError, match="Received: 2"):
        draw(labels, labels, stretch=2)
    with pytest.raises(ValueError, match="There is 1 title for 2 layers"):
        draw(labels, labels, titles=["one"])
    with pytest.raises(TypeError, match="has no option 'colormap'"):
        draw(labels, labels, colormap="jet")


def test_numbers_of_numpy_are_numbers():
    display = Display(
        value_range=np.array([0, 3000]),
        stretch=[np.float32(1), np.int16(99)],
        nodata=np.uint16(0),
    )
    assert (display.value_range, display.stretch) == ((0, 3000), (1, 99))
    figure = tl.show(testing.small_scene()["input_10m"], bands=np.array([3, 2, 1]))
    assert "(bands 3, 2, 1)" in repr(figure)


def test_show_without_layers_raises_an_error():
    with pytest.raises(ValueError, match="nothing to show"):
        tl.show()


def test_a_window_without_a_place_in_another_layer_raises_an_error(tmp_path):
    path, window = write(tmp_path / "a.tif", np.ones((30, 40))), Window(0, 0, 5, 5)
    with pytest.raises(ValueError, match=r"\(30x40 px\).* 12x13 px"):
        tl.show(path, np.ones((12, 13)), window=window)
    with pytest.raises(ValueError, match=r"row 20, col 3, 11x5 px.* 30x40 px"):
        tl.show(path, window=Window(3, 20, 5, 11))
    other = write(tmp_path / "b.tif", np.ones((9, 7)), grid_at(0, 10_000, 9, 7))
    with pytest.raises(ValueError, match="does not touch the window"):
        tl.show(path, other, window=window)


# Patches


def patch_pictures(figure):
    """The pictures of `show_patches`, in the order they were drawn."""
    return [np.asarray(im.get_array()) for im in figure.as_figure().axes[0].images]


def patch_texts(figure):
    return [text.get_text() for text in figure.as_figure().axes[0].texts]


def numbered_patches(labels):
    """Patches of 5x4 px whose first band is their index."""
    count = len(labels)
    image = np.zeros((count, 5, 4, 3), "uint16")
    image[..., 0] = np.arange(count)[:, np.newaxis, np.newaxis]
    # Two extreme patches hold the stretch of all three bands at 0 to 255.
    image[-2], image[-1] = 0, 255
    return {"x": image, "labels": np.reshape(labels, (count, 1, 1, 1))}


def test_each_row_shows_patches_of_its_class():
    labels = np.arange(40) % 4
    labels[-2:] = 9
    patches = numbered_patches(labels)
    options = {"count": 3, "classes": [2, 0], "legend": LEGEND}
    texts = patch_texts(tl.show_patches(patches, seed=1, **options))
    assert (texts[0], texts[4]) == ("forest (2)", "water (0)")
    indices = [int(text) for text in texts if text.isdigit()]
    assert labels[indices].tolist() == [2, 2, 2, 0, 0, 0]
    assert indices[:3] == sorted(indices[:3])
    again, other = (tl.show_patches(patches, seed=s, **options) for s in (1, 2))
    assert patch_texts(again) == texts != patch_texts(other)


def test_all_patches_share_one_stretch():
    patches = numbered_patches(np.zeros(30, int))
    patches["x"][:10] = 0
    patches["x"][-10:] = 255
    figure = tl.show_patches(patches, count=30)
    reds = np.array([picture[0, 0, 0] for picture in patch_pictures(figure)], int)
    values = patches["x"][:, 0, 0, 0].astype(int)
    # Darkest and brightest are those of all patches; between them, brighter is more.
    assert set(reds[values == 0]) == {0}
    assert set(reds[values == 255]) == {255}
    assert (np.diff(reds[np.argsort(values)]) >= 0).all()


def test_the_title_names_the_bands_that_were_chosen():
    patches = numbered_patches([0, 1, 1])
    figures = [tl.show_patches(patches, bands=bands) for bands in (None, 2, (3, 2, 1))]
    titles = [f.as_figure().axes[0].get_title(loc="left") for f in figures]
    assert titles[0].endswith("5x4 px")
    assert titles[1].endswith("px, band 2")
    assert titles[2].endswith("px, bands 3, 2, 1")


def test_a_class_with_few_patches_shows_them_all():
    figure = tl.show_patches(numbered_patches([0, 1, 1, 0, 0, 0]), count=3)
    assert len(patch_pictures(figure)) == 5
    assert figure.description.endswith("5x4 px: 3 of class 0, 2 of class 1.")


def test_patches_are_shown_from_files_as_from_memory(tmp_path):
    scene = dict(testing.small_scene())
    positions = tl.select_positions(scene.pop("labels"), count=20)
    sizes = {"input_10m": 8, "input_20m": 4}
    patches = tl.extract_patches(scene, positions, sizes=sizes, out_dir=tmp_path)
    options = {"source": "input_20m", "bands": 6, "count": 4}
    in_memory = tl.show_patches(patches, **options)
    from_files = tl.show_patches(patches.paths, **options)
    assert in_memory.description == from_files.description
    drawn = [np.stack(patch_pictures(figure)) for figure in (in_memory, from_files)]
    np.testing.assert_array_equal(*drawn)


def test_label_patches_are_drawn_in_class_colours_and_sorted_by_their_centre():
    terrain = np.zeros((3, 4, 6, 1), "uint8")
    terrain[1, 2, 3] = 3
    figure = tl.show_patches({"t": terrain, "labels": terrain}, legend=LEGEND)
    assert patch_texts(figure) == ["water (0)", "0", "2", "town (3)", "1"]
    assert patch_pictures(figure)[2][2, 3].tolist() == [255, 0, 4, 255]


def test_patches_without_labels_are_in_one_row():
    figure = tl.show_patches({"x": np.ones((5, 3, 3, 1))}, count=4)
    assert patch_texts(figure)[0] == "all patches"
    assert len(patch_pictures(figure)) == 4


@pytest.mark.parametrize(
    ("changed", "options", "words"),
    [
        ({}, {"source": "y"}, r"no source 'y'.*\['x'\]"),
        ({}, {"classes": [1, 7]}, r"\[1, 7\].* \[0, 1\]"),
        ({}, {"bands": 4}, r"Band 4 of 'x' .* 3 bands"),
        ({}, {"count": 0}, "`count` is 0"),
        ({"x": np.ones((5, 4, 3))}, {}, r"'x' have the shape \(5, 4, 3\)"),
        ({"labels": np.zeros((2, 1, 1, 1))}, {}, "3 patches and 2 labels"),
        ({"x": None}, {}, "no source but the labels"),
    ],
)
def test_wrong_patches_raise_an_error_with_their_values(changed, options, words):
    patches = numbered_patches([0, 1, 1]) | changed
    patches = {name: array for name, array in patches.items() if array is not None}
    with pytest.raises(ValueError, match=words):
        tl.show_patches(patches, **options)


# Curves


def test_curves_are_drawn_with_their_values_and_the_best_epoch_is_marked():
    curves = {
        "accuracy": [0.3, 0.5, 0.6],
        "val_accuracy": [0.3, 0.4, 0.35],
        "loss": [1.5, 1.2, 1.1],
        "val_loss": [1.6, 1.4, 1.5],
    }
    figure = tl.show_curves(curves)
    loss, accuracy = figure.as_figure().axes
    drawn = {line.get_label(): line.get_ydata() for line in loss.lines[:2]}
    assert loss.get_title() == "loss"
    assert accuracy.get_title() == "accuracy"
    assert list(drawn["training"]) == curves["loss"]
    assert list(drawn["validation"]) == curves["val_loss"]
    assert loss.lines[2].get_xdata()[0] == 2
    assert "smallest in epoch 2" in figure.description


def test_curves_of_different_lengths_are_described_with_both_lengths():
    # `validation_freq=2` gives half as many values of a validation curve.
    curves = {"loss, a": [2, 1], "val_loss, a": [2], "loss, b": [3, 2, 1]}
    text = tl.show_curves(curves).description
    assert text == "Curves of 2 to 3 epochs: loss, a, loss, b."
    del curves["loss, b"]
    assert tl.show_curves(curves).description == "Curves of 2 epochs: loss, a."


@pytest.mark.parametrize("epochs", [1, 7])
def test_the_axis_of_epochs_has_whole_numbers(epochs):
    figure = tl.show_curves({"loss": [1.5] * epochs})
    (ax,) = figure.as_figure().axes
    left, right = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if left <= tick <= right]
    assert len(ticks) > 1
    assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize("best", [1, 5, 8])
def test_no_curve_crosses_the_name_of_the_best_epoch(best):
    val_loss = [1.4 - 0.01 * (epoch == best) for epoch in range(1, 9)]
    curves = {"loss": [1.5 * 0.9**epoch for epoch in range(8)], "val_loss": val_loss}
    figure = tl.show_curves(curves).as_figure()
    figure.draw_without_rendering()
    (ax,) = figure.axes
    (name,) = ax.texts
    lowest = ax.transData.transform((1, min(curves["loss"])))[1]
    assert name.get_window_extent().y1 < lowest


def test_curves_without_an_epoch_raise_an_error():
    with pytest.raises(ValueError, match="at least one epoch"):
        tl.show_curves({"loss": []})


@pytest.mark.parametrize("text", ["$a_{$", "2 $ and 3 $", r"\\frac{1}", "{{ x }} ^_%#"])
def test_texts_of_figures_are_never_formulas(tmp_path, text):
    legend = tl.Legend((text, "forest"), ("#7fbcfc", "#106b00"))
    labels = np.arange(12, dtype="uint8").reshape(3, 4) % 2
    path = write(tmp_path / "map.tif", labels, legend=legend)
    figures = [
        tl.show(path, titles=text),
        tl.compare(path, path, titles=(text, "b")),
        tl.show_curves({text: [1.0, 0.5], f"val_{text}": [1.0, 0.6]}),
    ]
    for figure in figures:
        drawn = figure.as_figure()
        FigureCanvasAgg(drawn).draw()
        found = [t for t in drawn.findobj(Text) if text in t.get_text()]
        assert found
        assert not any(t.get_parse_math() for t in found)


def test_numbers_of_logarithmic_axes_stay_formulas():
    figure = LiteralFigure()
    ax = figure.subplots()
    ax.semilogy([1, 1e-5], label="$")
    FigureCanvasAgg(figure).draw()
    ticks = [t for t in ax.get_yticklabels() if "mathdefault" in t.get_text()]
    assert ticks
    assert all(t.get_parse_math() for t in ticks)
