"""Reading for the screen: size, no-data, windows, and how often files are opened."""

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from scenes import coordinates, write

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.viewers import reading
from tutorial_lib.viewers.layers import load_layer
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.reading import open_layer

ROWS, COLS = 5, 7


def read_all(layer, bands=(1,), **options):
    with open_layer(layer) as source:
        rows, cols = map(range, source.shape)
        return source.read(rows, cols, bands=bands, **options)


@pytest.fixture
def opened_files(monkeypatch):
    """Names of the files that `rasterio.open` opens, in this order."""
    names, original = [], rasterio.open

    def counting(path, *args, **options):
        names.append(str(path))
        return original(path, *args, **options)

    monkeypatch.setattr(rasterio, "open", counting)
    return names


@pytest.mark.parametrize("viewer", [tl.show, tl.compare])
def test_each_raster_is_opened_once(tmp_path, opened_files, viewer):
    paths = [coordinates(tmp_path / f"{i}.tif", 12, 17, channels=i) for i in (1, 4, 3)]
    opened_files.clear()
    viewer(*paths, window=Window(2, 3, 9, 6))
    assert opened_files == list(map(str, paths))


def test_a_layer_that_is_open_stays_open(tmp_path, opened_files):
    path = coordinates(tmp_path / "a.tif", 12, 17)
    opened_files.clear()
    with open_layer(path) as source:
        assert load_layer(source).valid.shape == (12, 17)
        assert load_layer(source, window=Window(0, 0, 4, 3)).valid.shape == (3, 4)
    assert opened_files == [str(path)]


# Size and resampling


@pytest.fixture
def small_screen(monkeypatch):
    monkeypatch.setattr(reading, "MAX_SIDE", 4)


def test_images_are_averaged_without_the_pixels_without_data(tmp_path, small_screen):
    image = np.tile(np.float32([[10, 30], [20, 40]]), (2, 4))
    image[:2, 1:2] = -1
    path = write(tmp_path / "a.tif", image, nodata=-1)
    pixels = read_all(path, average=True).pixels[..., 0]
    assert pixels.shape == (2, 4)
    assert pixels[0].tolist() == [15, 25, 25, 25]
    # GDAL does not know a value that only the user gives, and would average it too.
    untagged = read_all(write(tmp_path / "b.tif", image), nodata=-1, average=True)
    assert set(np.unique(untagged.pixels)) <= {-1, 10, 20, 30, 40}


def test_class_numbers_are_never_averaged(tmp_path, small_screen):
    labels = np.zeros((8, 16), "uint8")
    labels[:, ::3] = 2
    path = write(tmp_path / "labels.tif", labels)
    assert np.unique(read_all(path, average=True).pixels).tolist() == [0, 2]
    colours = write(tmp_path / "a.tif", np.dstack([labels] * 3))
    assert 1 in read_all(colours, bands=(1, 2, 3), average=True).pixels
    floats = write(tmp_path / "b.tif", labels.astype("float32"))
    drawn = load_layer(floats, Display(kind="classes")).preview.pixels
    assert np.unique(drawn).tolist() == [0, 2]


# What has no data


def test_a_pixel_is_without_data_only_where_all_bands_are(tmp_path):
    image = np.full((3, 5, 4), 7, "uint16")
    image[0, 1] = 0
    image[0, 2, :3] = 0
    path = write(tmp_path / "a.tif", image, nodata=0)
    assert np.argwhere(~read_all(path, (1, 2, 3)).valid).tolist() == [[0, 1]]
    masked = np.ma.masked_equal(image, 0)
    assert np.argwhere(~read_all(masked, (1, 2, 3)).valid).tolist() == [[0, 1]]


def test_nan_and_infinity_in_any_band_are_no_data(tmp_path):
    image = np.ones((3, 5, 4))
    image[1, 2, 0], image[1, 3, 1], image[1, 4, 3] = np.nan, np.inf, np.nan
    for layer in (image, write(tmp_path / "a.tif", image)):
        valid = read_all(layer, (1, 2, 3)).valid
        assert valid[1].tolist() == [True, True, False, False, False]


def test_the_no_data_argument_replaces_the_tag(tmp_path):
    path = write(tmp_path / "a.tif", np.float32([[1, 5, 9]]), nodata=9)
    assert read_all(path).valid.tolist() == [[True, True, False]]
    assert read_all(path, nodata=5).valid.tolist() == [[True, False, True]]
    compared = tl.compare(path, path, nodata=5).scene.layers[1]
    assert compared.valid.tolist() == [[True, False, True]]


# Layers and windows that cannot be read


@pytest.mark.parametrize(
    ("layer", "error", "words"),
    [
        (None, TypeError, "nothing .*path of a raster, or an array"),
        ([[1, 2], [3]], TypeError, "list.*path"),
        (np.array([["a", "b"]]), TypeError, "an array of texts.*real numbers"),
        (np.ones((3, 4), complex), TypeError, "complex.*real numbers"),
        (np.zeros((0, 5)), ValueError, "nothing to show.*0x5 px"),
        (np.ones((1, 5, 7, 3)), ValueError, r"\(1, 5, 7, 3\)"),
        ("nowhere.tif", FileNotFoundError, r"nowhere\.tif"),
    ],
)
def test_other_layers_raise_an_error_that_says_what_to_give(layer, error, words):
    with pytest.raises(error, match=words), open_layer(layer):
        pass


@pytest.mark.parametrize(
    ("window", "error", "words"),
    [
        ((0, 0, 3, 3), TypeError, r"Received: \(0, 0, 3, 3\).*Window\(col_off"),
        (Window(0, 0, 3, 0), ValueError, "0x3 px.* the array .* 5x7 px"),
        (Window(3, 4, 4, 2), ValueError, "row 4, col 3, 2x4 px"),
    ],
)
def test_windows_outside_a_layer_raise_an_error(window, error, words):
    with pytest.raises(error, match=words):
        load_layer(np.ones((ROWS, COLS)), window=window)


def test_grids_without_a_crs_do_not_give_coordinates_to_axes(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((ROWS, COLS)), crs=None)
    with open_layer(path) as source:
        assert source.grid.transform == testing.small_grid(ROWS, COLS).transform
        assert source.axes_grid is None
