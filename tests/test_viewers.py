import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.viewers import pictures
from tutorial_lib.viewers import reading as previews

LEGEND = testing.SMALL_LEGEND
RED_GREEN_BLUE = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


@pytest.fixture
def folder():
    return testing.scratch_folder()


def shown(figure, panel=0):
    """Picture (height, width, 4) behind a panel, as it was handed to matplotlib."""
    return np.asarray(panel_axes(figure)[panel].images[0].get_array())


def panel_axes(figure):
    return [ax for ax in figure.as_figure().axes if ax.images]


def legend_texts(figure, panel=0):
    legend = panel_axes(figure)[panel].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def write(path, array, grid=None, **options):
    grid = grid or testing.small_grid(*array.shape[:2])
    return rasters.write_array(path, array, grid, **options)


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def test_three_bands_are_red_green_and_blue_in_the_order_asked_for(folder):
    bands = np.zeros((4, 6, 4), "uint16")
    for column, band in enumerate((3, 1, 0)):
        bands[:, 2 * column : 2 * column + 2, band] = 5000
    path = write(folder / "a.tif", bands)
    picture = shown(tl.show(path, bands=(4, 2, 1), value_range=(0, 5000)))
    assert picture.shape == (4, 6, 4)
    assert picture[1, ::2, :3].tolist() == RED_GREEN_BLUE
    assert (picture[..., 3] == 255).all()


def test_the_stretch_is_that_of_each_band_and_ignores_pixels_without_data(folder):
    ramp = np.arange(1000, 1200, dtype="float32").reshape(10, 20)
    image = np.stack([ramp, 10 * ramp, -ramp], axis=-1)
    image[0] = -9999
    path = write(folder / "a.tif", image, nodata=-9999)
    picture = shown(tl.show(path, stretch=(0, 100)))
    assert picture[1, 0].tolist() == [0, 0, 255, 255]
    assert picture[-1, -1].tolist() == [255, 255, 0, 255]
    assert not picture[0].any()


def test_two_percent_of_pixels_are_darkest_and_two_percent_brightest():
    values = np.random.default_rng(0).normal(size=(50, 40))
    grey = shown(tl.show(values))[..., 0]
    assert np.mean(grey == 0) == pytest.approx(0.02, abs=0.005)
    assert np.mean(grey == 255) == pytest.approx(0.02, abs=0.005)


def test_a_pixel_is_without_data_only_when_all_its_bands_are(folder):
    image = np.full((3, 5, 4), 7, "uint16")
    image[0, 1] = 0
    image[0, 2, :3] = 0
    path = write(folder / "a.tif", image, nodata=0)
    alpha = shown(tl.show(path))[..., 3]
    assert alpha[0].tolist() == [255, 0, 255, 255, 255]


def test_not_a_number_is_hatched_like_no_data():
    image = np.ones((3, 5, 3))
    image[1, 2, 0] = np.nan
    image[1, 3, 1] = np.inf
    figure = tl.show(image)
    assert shown(figure)[1, :, 3].tolist() == [255, 255, 0, 0, 255]
    assert legend_texts(figure) == ["no data"]


def test_classes_have_their_colours_names_and_shares(folder):
    labels = np.full((4, 10, 1), 255, "uint8")
    labels[0, :5], labels[3, 5:], labels[1, 0] = 3, 0, 3
    path = write(folder / "labels.tif", labels, nodata=255, legend=LEGEND)
    figure = tl.show(path)
    picture = shown(figure)
    assert picture[0, 4].tolist() == [255, 0, 4, 255]
    assert picture[3, 5].tolist() == [127, 188, 252, 255]
    assert picture[2, 2, 3] == 0
    assert legend_texts(figure) == ["water: 45 %", "town: 55 %", "no data"]
    faces = panel_axes(figure)[0].get_legend().get_patches()
    assert faces[1].get_facecolor() == pytest.approx((1, 0, 4 / 255, 1))


def test_a_share_that_rounds_to_nothing_is_not_called_nothing():
    labels = np.zeros((30, 20), int)
    labels[29, 19] = 1
    assert legend_texts(tl.show(labels, legend=LEGEND))[1] == "meadow: <1 %"


def test_integers_are_classes_with_a_legend_or_few_values_only():
    few = np.arange(60).reshape(6, 10) % 7
    many = np.arange(60).reshape(6, 10)
    assert "class map" in tl.show(few, titles="few").description
    assert "grey image" in tl.show(many, titles="many").description
    assert "grey image" in tl.show(few, titles="few", kind="grey").description


def test_classes_without_a_legend_are_named_by_their_number():
    figure = tl.show(np.array([[2, 2, 2, 9]]))
    assert legend_texts(figure) == ["class 2: 75 %", "class 9: 25 %"]
    assert shown(figure)[0, 0, :3].tolist() == [0x00, 0x9E, 0x73]


def test_a_mask_is_a_map_of_two_classes():
    figure = tl.show(np.array([[True, False, False, False]]))
    assert legend_texts(figure) == ["class 0: 75 %", "class 1: 25 %"]


def test_probabilities_are_stretched_from_0_to_1_and_other_floats_are_not():
    values = np.linspace(0.4, 0.6, 50).reshape(5, 10)
    probability = tl.show(np.dstack([values, 1 - values]), bands=2)
    first = pictures.PROBABILITY_RAMP[round(255 * 0.6)]
    assert shown(probability)[0, 0, :3].tolist() == first.tolist()
    bar = panel_axes(probability)[0].child_axes[0]
    assert bar.get_ylim() == (0, 1)
    grey = tl.show(100 * values, value_range=(40, 60))
    assert shown(grey)[0, 0].tolist() == [0, 0, 0, 255]
    assert shown(grey)[-1, -1].tolist() == [255, 255, 255, 255]


def test_a_constant_image_is_mid_grey():
    assert shown(tl.show(np.full((3, 5), 4.5)))[0, 0].tolist() == [128, 128, 128, 255]


def test_rasters_lie_on_the_ground_they_cover(folder):
    image = np.ones((30, 50, 1), "float32")
    path = write(folder / "a.tif", image, testing.small_grid(30, 50, spacing=20))
    ax = panel_axes(tl.show(path))[0]
    assert ax.images[0].get_extent() == [500, 501, 4799.4, 4800]
    assert ax.get_xlabel() == "easting (km)"
    assert ax.get_aspect() == 1


def test_degrees_are_as_long_as_on_the_ground(folder):
    grid = testing.small_grid(4, 8, spacing=1, corner=(10, 62), crs="EPSG:4326")
    ax = panel_axes(tl.show(write(folder / "a.tif", np.ones((4, 8, 1)), grid)))[0]
    assert ax.images[0].get_extent() == [10, 18, 58, 62]
    assert ax.get_aspect() == pytest.approx(2)


def test_arrays_lie_on_their_pixels():
    ax = panel_axes(tl.show(np.ones((30, 50))))[0]
    assert ax.images[0].get_extent() == [0, 50, 30, 0]
    assert ax.get_ylabel() == "row (px)"


def test_a_place_is_at_the_same_spot_in_all_layers(folder):
    whole = write(folder / "a.tif", np.ones((60, 80, 1)))
    inner = testing.small_grid(20, 30, corner=(500_200, 4_799_900))
    part = write(folder / "b.tif", np.ones((20, 30, 1)), inner)
    first, second = panel_axes(tl.show(whole, part))
    assert first.get_xlim() == second.get_xlim() == (500, 500.8)
    assert second.images[0].get_extent() == [500.2, 500.5, 4799.7, 4799.9]


def test_a_window_shows_the_same_ground_in_every_layer(folder):
    fine = testing.coordinate_raster(folder / "fine.tif", testing.small_grid(60, 80))
    coarse_grid = testing.small_grid(30, 40, spacing=20)
    coarse = testing.coordinate_raster(folder / "coarse.tif", coarse_grid)
    window = Window(21, 10, 9, 20)
    figure = tl.show(fine, coarse, bands=2, window=window, value_range=(0, 255))
    assert shown(figure, 0)[0, :, 0].tolist() == list(range(21, 30))
    # Columns 21 to 29 of 10 m are 10.5 to 15 of 20 m.
    assert shown(figure, 1)[0, :, 0].tolist() == list(range(10, 15))
    assert shown(figure, 1).shape == (10, 5, 4)


def test_a_window_that_cannot_be_found_in_a_layer_is_refused(folder):
    path = write(folder / "a.tif", np.ones((30, 40, 1)))
    with pytest.raises(ValueError, match=r"\(30x40 px\).* one of 12x13 px"):
        tl.show(path, np.ones((12, 13)), window=Window(0, 0, 5, 5))
    with pytest.raises(ValueError, match=r"row 20, col 3, 11x5 px.* 30x40 px"):
        tl.show(path, window=Window(3, 20, 5, 11))
    away = testing.small_grid(9, 7, corner=(600_000, 4_800_000))
    other = write(folder / "b.tif", np.ones((9, 7, 1)), away)
    with pytest.raises(ValueError, match="9x7 px does not touch"):
        tl.show(path, other, window=Window(0, 0, 5, 5))


def test_large_rasters_are_read_at_a_lower_resolution(folder, monkeypatch):
    monkeypatch.setattr(previews, "MAX_SIDE", 40)
    labels = np.zeros((50, 90, 1), "uint8")
    labels[:, 44:] = 2
    path = write(folder / "labels.tif", labels)
    image = write(folder / "a.tif", np.repeat(labels, 3, axis=2) * 50)
    figure = tl.show(path, image, labels, legend=LEGEND)
    assert shown(figure, 0).shape == (17, 30, 4)
    assert shown(figure, 1).shape == (17, 30, 4)
    assert shown(figure, 2).shape == (17, 30, 4)
    assert {tuple(c) for c in shown(figure, 0)[..., :3].reshape(-1, 3)} == {
        LEGEND.rgb[0],
        LEGEND.rgb[2],
    }
    assert panel_axes(figure)[0].images[0].get_extent() == [500, 500.9, 4799.5, 4800]


def test_decimated_images_are_means_without_the_pixels_without_data(
    folder, monkeypatch
):
    monkeypatch.setattr(previews, "MAX_SIDE", 4)
    image = np.tile(np.float32([[10, 30], [20, 40]]), (2, 4))[..., np.newaxis]
    image[:2, 1:2] = -1
    path = write(folder / "a.tif", image, nodata=-1)
    pixels = previews.read_preview(path).pixels[..., 0]
    assert pixels.shape == (2, 4)
    assert pixels[0].tolist() == [15, 25, 25, 25]


def test_titles_are_file_names_with_the_bands_if_there_is_a_choice(folder):
    path = write(folder / "scene.tif", np.ones((5, 7, 4)))
    labels = np.zeros((5, 7), int)
    titles = [ax.get_title("left") for ax in panel_axes(tl.show(path, labels, path))]
    assert titles == ["scene (bands 1, 2, 3)", "", "scene (bands 1, 2, 3)"]
    own = tl.show(path, titles="Havel")
    assert panel_axes(own)[0].get_title("left") == "Havel"


def test_a_layer_of_one_band_beside_an_image_ignores_the_choice_of_bands(folder):
    image, labels = np.ones((5, 7, 4)), np.zeros((5, 7), int)
    assert len(panel_axes(tl.show(image, labels, bands=(4, 3, 2)))) == 2
    with pytest.raises(ValueError, match=r"Band 4 of the array .* has 1 band,"):
        tl.show(labels, bands=4)


@pytest.mark.parametrize("array", [np.full((4, 7), np.nan), np.full((4, 7, 3), np.nan)])
def test_a_layer_without_any_data_is_drawn_and_says_so(array):
    figure = tl.show(array, titles="empty")
    assert [text.get_text() for text in panel_axes(figure)[0].texts] == ["no data"]
    assert figure.description.endswith("7 x 4 px, no data.")
    assert rendered(figure).width > 300


def test_a_label_raster_without_labels_is_drawn(folder):
    labels = np.full((4, 7, 1), 255, "uint8")
    figure = tl.show(write(folder / "a.tif", labels, nodata=255, legend=LEGEND))
    assert legend_texts(figure) == ["no data"]
    assert rendered(figure).width > 300


def test_the_no_data_argument_overrules_the_tag(folder):
    path = write(folder / "a.tif", np.float32([[[1], [5], [9]]]), nodata=9)
    assert shown(tl.show(path, nodata=5))[0, :, 3].tolist() == [255, 0, 255]


def test_wrong_arguments_are_refused_with_their_values(folder):
    path = write(folder / "a.tif", np.ones((5, 7, 4)))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tif"):
        tl.show(folder / "nowhere.tif")
    with pytest.raises(ValueError, match=r"Band 5 of '.*a\.tif' .* 4 bands"):
        tl.show(path, bands=(5, 2, 1))
    with pytest.raises(ValueError, match=r"bands=\[1, 2\] has 2"):
        tl.show(path, bands=(1, 2))
    with pytest.raises(ValueError, match=r"\(1, 5, 7, 3\)"):
        tl.show(np.ones((1, 5, 7, 3)))
    with pytest.raises(ValueError, match=r"2 titles for 1 layer\. Give"):
        tl.show(path, titles=["a", "b"])
    with pytest.raises(ValueError, match=r"\(3, 3\) must rise"):
        tl.show(path, value_range=(3, 3))
    with pytest.raises(ValueError, match="kind 'colour' is unknown"):
        tl.show(path, kind="colour")
    with pytest.raises(ValueError, match="nothing to show"):
        tl.show()
    with pytest.raises(TypeError, match="colormap"):
        tl.show(path, colormap="jet")


def test_a_figure_displays_itself_as_an_image_with_a_text():
    figure = tl.show(np.eye(4, 6), titles="diagonal")
    data, metadata = figure._repr_mimebundle_()
    text = "diagonal: probability map, 6 x 4 px, from 0 to 1."
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(figure) == text
    assert data["image/png"].startswith("iVBORw0KGgo")


def test_a_figure_is_written_and_fits_a_notebook(folder):
    scene = testing.small_scene()
    figure = tl.show(*scene.values())
    figure.savefig(folder / "a.png")
    with Image.open(folder / "a.png") as image:
        assert 1000 < image.width < 1280
        assert image.height < 700


def test_nothing_in_a_figure_overlaps():
    scene = testing.small_scene()
    layers = [scene[name] for name in ("labels", "input_10m", "input_20m", "labels")]
    long = "A title that is too long for the width that one panel of three has"
    figure = tl.show(*layers, titles=["a", long, long, long])
    figure.as_figure().draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in panel_axes(figure)]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)


def test_drawing_leaves_pyplot_alone():
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


def patch_pictures(figure):
    """The pictures of `show_patches`, in the order they were drawn."""
    return [np.asarray(im.get_array()) for im in figure.as_figure().axes[0].images]


def patch_texts(figure):
    return [text.get_text() for text in figure.as_figure().axes[0].texts]


def numbered_patches(labels):
    """Patches whose first band is their index, on (5, 4) pixels."""
    count = len(labels)
    image = np.zeros((count, 5, 4, 3), "uint16")
    image[..., 0] = np.arange(count)[:, np.newaxis, np.newaxis]
    # Two extreme patches hold the stretch of all three bands at 0 to 255.
    image[-2], image[-1] = 0, 255
    return {"x": image, "labels": np.reshape(labels, (count, 1, 1, 1))}


def test_each_row_shows_patches_of_its_class():
    labels = np.arange(40) % 4
    labels[-2:] = 9
    figure = tl.show_patches(
        numbered_patches(labels), count=3, classes=[2, 0], legend=LEGEND, seed=1
    )
    texts = patch_texts(figure)
    assert texts[0] == "forest (2)"
    assert texts[4] == "water (0)"
    indices = [int(text) for text in texts if text.isdigit()]
    assert labels[indices].tolist() == [2, 2, 2, 0, 0, 0]
    assert indices[:3] == sorted(indices[:3])


def test_all_patches_share_one_stretch():
    patches = numbered_patches(np.zeros(300, int))
    patches["x"][:100] = 0
    patches["x"][-100:] = 255
    figure = tl.show_patches(patches, count=300)
    reds = [picture[0, 0, 0] for picture in patch_pictures(figure)]
    assert reds == patches["x"][:, 0, 0, 0].tolist()


def test_the_title_names_the_bands_that_were_chosen():
    patches = numbered_patches([0, 1, 1])
    figures = [tl.show_patches(patches, bands=bands) for bands in (None, 2, (3, 2, 1))]
    titles = [f.as_figure().axes[0].get_title(loc="left") for f in figures]
    assert titles[0].endswith("5x4 px")
    assert titles[1].endswith("px, band 2")
    assert titles[2].endswith("px, bands 3, 2, 1")


def test_the_seed_chooses_the_examples():
    patches = numbered_patches(np.zeros(50, int))
    texts = [patch_texts(tl.show_patches(patches, seed=seed)) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_a_class_with_few_patches_shows_them_all():
    figure = tl.show_patches(numbered_patches([0, 1, 1, 0, 0, 0]), count=3)
    assert len(patch_pictures(figure)) == 5
    assert figure.description.endswith("5x4 px: 3 of class 0, 2 of class 1.")


def test_the_centre_pixel_of_an_even_side_comes_after_the_middle():
    figure = tl.show_patches(numbered_patches([0, 0, 0]), count=1, centre=True)
    ax = figure.as_figure().axes[0]
    left, right, bottom, top = ax.images[0].get_extent()
    mark = max(ax.patches, key=lambda patch: patch.get_linewidth())
    column = (mark.get_x() - left) / (right - left) * 4
    row = (mark.get_y() - top) / (bottom - top) * 5
    assert (row, column) == (pytest.approx(2), pytest.approx(2))
    assert mark.get_width() * 4 == pytest.approx(1)


def test_patches_are_shown_from_files_as_from_memory(folder):
    scene = dict(testing.small_scene())
    positions = tl.select_positions(scene.pop("labels"), count=20)
    sizes = {"input_10m": 8, "input_20m": 4}
    patches = tl.extract_patches(scene, positions, sizes=sizes, out_dir=folder)
    options = {"source": "input_20m", "bands": 6, "count": 4}
    in_memory = tl.show_patches(patches, **options)
    from_files = tl.show_patches(patches.paths, **options)
    assert in_memory.description == from_files.description
    for a, b in zip(*map(patch_pictures, (in_memory, from_files)), strict=True):
        assert np.array_equal(a, b)


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


def test_wrong_patches_are_refused_with_their_values():
    patches = numbered_patches([0, 1, 1])
    with pytest.raises(ValueError, match=r"no source 'y'.*\['x'\]"):
        tl.show_patches(patches, source="y")
    with pytest.raises(ValueError, match=r"\[1, 7\].* \[0, 1\]"):
        tl.show_patches(patches, classes=[1, 7])
    with pytest.raises(ValueError, match=r"Band 4 of 'x' .* 3 bands"):
        tl.show_patches(patches, bands=4)
    with pytest.raises(ValueError, match="`count` is 0"):
        tl.show_patches(patches, count=0)
    with pytest.raises(ValueError, match=r"'x': \(5, 4, 3\)"):
        tl.show_patches({"x": patches["x"][0]})
    with pytest.raises(ValueError, match="3 patches and 2 labels"):
        tl.show_patches(patches | {"labels": patches["labels"][:2]})
    with pytest.raises(ValueError, match="no source but the labels"):
        tl.show_patches({"labels": patches["labels"]})


def test_the_ramps_get_lighter_from_end_to_end():
    weights = [0.2126, 0.7152, 0.0722]
    for ramp in (pictures.GREY_RAMP, pictures.PROBABILITY_RAMP):
        lightness = ramp @ weights
        assert (np.diff(lightness) >= -1).all()
        assert lightness[-1] - lightness[0] > 180


def test_columns_are_fewer_for_landscape_panels():
    wide = tl.show(*[np.ones((4, 20))] * 3)
    tall = tl.show(*[np.ones((20, 14))] * 3)
    rows = [{ax.get_position().y1 for ax in panel_axes(f)} for f in (wide, tall)]
    assert [len(row) for row in rows] == [2, 1]


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


@pytest.mark.parametrize("epochs", [1, 2, 7])
def test_epochs_are_whole_numbers_from_the_first_one_on(epochs):
    figure = tl.show_curves({"loss": [1.5] * epochs})
    (ax,) = figure.as_figure().axes
    left, right = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if left <= tick <= right]
    assert len(ticks) > 1
    assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize("best", range(1, 9))
def test_no_curve_crosses_the_name_of_the_best_epoch(best):
    val_loss = [1.4 - 0.01 * (epoch == best) for epoch in range(1, 9)]
    curves = {"loss": [1.5 * 0.9**epoch for epoch in range(8)], "val_loss": val_loss}
    figure = tl.show_curves(curves).as_figure()
    figure.draw_without_rendering()
    (ax,) = figure.axes
    (name,) = ax.texts
    lowest = ax.transData.transform((1, min(curves["loss"])))[1]
    assert name.get_window_extent().y1 < lowest


def test_curves_without_an_epoch_are_refused():
    with pytest.raises(ValueError, match="at least one epoch"):
        tl.show_curves({"loss": []})
