"""What cannot be shown is refused in one sentence, with the value and the cure."""

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tutorial_lib import rasters, testing
from tutorial_lib.viewers import show as scenes
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.reading import read_preview
from tutorial_lib.viewers.show import show
from tutorial_lib.viewers.webmaps import show_map

ROWS, COLS = 5, 7


@pytest.fixture
def folder():
    return testing.scratch_folder()


@pytest.fixture
def scene():
    return testing.small_scene()


# Of both ways to look at a raster: an option, and what its message says.
REFUSED = [
    ({"bands": "red"}, ValueError, r"one or three.* has 4 bands.*bands='red'"),
    ({"bands": [1.0, 2.0, 3.0]}, ValueError, r"bands=\[1\.0, 2\.0, 3\.0\]"),
    ({"bands": True}, ValueError, "bands=True"),
    ({"legend": {0: "water"}}, TypeError, r"Legend\(.*\{0: 'water'\}"),
    ({"stretch": 2}, ValueError, r"such as \(2, 98\)\. Received: 2\."),
    ({"stretch": (98, 2)}, ValueError, r"rise.*\(98, 2\)"),
    ({"stretch": (50, 50)}, ValueError, r"rise.*\(50, 50\)"),
    ({"stretch": (-1, 98)}, ValueError, r"0 to 100.*\(-1, 98\)"),
    ({"stretch": (2, 101)}, ValueError, r"0 to 100.*\(2, 101\)"),
    ({"stretch": "ab"}, ValueError, "Received: 'ab'"),
    ({"stretch": (1, 2, 3)}, ValueError, r"two.*\(1, 2, 3\)"),
    ({"value_range": 3}, ValueError, r"\(darkest, brightest\).*: 3\."),
    ({"value_range": (0, np.nan)}, ValueError, "two numbers.*nan"),
    ({"value_range": (5, 4)}, ValueError, r"\(5, 4\) must rise"),
    ({"nodata": "x"}, ValueError, "number.*-9999.*'x'"),
    ({"titles": ["a", "b"]}, ValueError, "There are 2 titles for 1 layer. Give"),
    ({"titles": []}, ValueError, "There are 0 titles for 1 layer. Give"),
    ({"colour": 3}, TypeError, "has no option 'colour'. It has: .*titles.*nodata"),
]


@pytest.mark.parametrize("draw", [show, show_map])
@pytest.mark.parametrize(("options", "error", "words"), REFUSED)
def test_what_options_cannot_be_is_said(scene, draw, options, error, words):
    with pytest.raises(error, match=words) as caught:
        draw(scene["input_10m"], **options)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("draw", [show, show_map])
def test_one_title_is_not_called_titles(scene, draw):
    with pytest.raises(ValueError, match="There is 1 title for 2 layers"):
        draw(scene["input_10m"], scene["labels"], titles=["one"])


@pytest.mark.parametrize("draw", [show, show_map])
def test_options_of_classes_are_checked_too(scene, draw):
    with pytest.raises(ValueError, match="Received: 2"):
        draw(scene["labels"], stretch=2)


@pytest.mark.parametrize(
    ("layer", "error", "words"),
    [
        (None, TypeError, "path of a raster, or an array.*NoneType"),
        ({"a": 1}, TypeError, "path.*dict"),
        ([[1, 2], [3]], TypeError, "path.*list"),
        (np.array([["a", "b"]]), TypeError, "real numbers.*ndarray of <U1"),
        (np.ones((3, 4), complex), TypeError, "real numbers.*complex"),
        (np.zeros((0, 5)), ValueError, "nothing to show.*0x5 px"),
    ],
)
def test_what_is_no_layer_is_refused_with_what_one_is(layer, error, words):
    with pytest.raises(error, match=words):
        show(layer)


@pytest.mark.parametrize("window", [(0, 0, 3, 3), "all"])
def test_windows_of_another_kind_are_refused(window):
    with pytest.raises(TypeError, match=r"Window\(col_off.*Received"):
        show(np.ones((ROWS, COLS)), window=window)


def test_windows_without_pixels_are_refused():
    with pytest.raises(ValueError, match=r"0x3 px\) is no part of .* 5x7 px.*inside"):
        show(np.ones((ROWS, COLS)), window=Window(0, 0, 3, 0))


def test_numbers_of_numpy_are_numbers(scene):
    options = {
        "bands": np.array([3, 2, 1]),
        "value_range": np.array([0, 3000]),
        "stretch": [np.float32(1), np.int16(99)],
        "nodata": np.uint16(0),
    }
    figure = show(scene["input_10m"], **options)
    assert "(bands 3, 2, 1)" in repr(figure)


# Masked arrays


def test_what_is_masked_has_no_data():
    mask = np.zeros((ROWS, COLS), bool)
    mask[1, 4] = mask[3, 2] = True
    values = np.arange(ROWS * COLS, dtype="uint16").reshape(ROWS, COLS) * 100
    # Counted, they would take the stretch.
    values[mask] = 60_000
    layer = np.ma.MaskedArray(values, mask)
    np.testing.assert_array_equal(read_preview(layer).empty, mask)
    drawn = scenes.load_layer(layer, Display(stretch=(0, 100)))
    np.testing.assert_array_equal(drawn.picture[..., 3] == 0, mask)
    assert drawn.limits[1] == (ROWS * COLS - 1) * 100


def test_a_pixel_is_masked_only_when_all_its_bands_are():
    mask = np.zeros((ROWS, COLS, 4), bool)
    mask[2, 3], mask[0, 5, :3] = True, True
    empty = read_preview(np.ma.MaskedArray(np.ones(mask.shape), mask)).empty
    assert np.argwhere(empty).tolist() == [[2, 3]]


def test_a_mask_as_rasterio_reads_it_shows_what_the_file_shows(folder):
    values = np.arange(ROWS * COLS, dtype="int16").reshape(ROWS, COLS, 1)
    values[4, 6] = values[0, 1] = -1
    path = folder / "a.tif"
    rasters.write_array(path, values, testing.small_grid(ROWS, COLS), nodata=-1)
    with rasterio.open(path) as dataset:
        array = dataset.read(1, masked=True)
    np.testing.assert_array_equal(
        scenes.load_layer(array).picture, scenes.load_layer(path).picture
    )
