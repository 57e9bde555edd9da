"""BandMathX as an application: files, blocks, borders, statistics."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from tutorial_lib.compat import pyotb
from tutorial_lib.compat.applications import band_math_x
from tutorial_lib.rasters import read_array, write_array

SHAPE = (53, 38)


def grid(shape=SHAPE, left=500_000):
    return GeoBox(shape, Affine(10, 0, left, 0, -10, 4_800_000), "EPSG:32631")


@pytest.fixture(scope="module")
def first():
    return np.random.default_rng(1).integers(0, 3000, (*SHAPE, 3)).astype("uint16")


@pytest.fixture(scope="module")
def second():
    return np.random.default_rng(2).normal(size=(*SHAPE, 3)).astype("float32")


@pytest.fixture
def images(tmp_path, first, second):
    return [
        write_array(tmp_path / "first.tif", first, grid()),
        write_array(tmp_path / "second.tif", second, grid()),
    ]


def test_squared_difference_of_the_tutorial(images, first, second):
    found = pyotb.BandMathX(il=images, exp="(im1-im2)*(im1-im2)'")
    expected = ((first.astype("float64") - second) ** 2).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-6)
    assert found.dtype == "float32"


def test_root_mean_squared_error_of_the_tutorial(images, first, second):
    squares = pyotb.BandMathX(il=images, exp="(im1-im2)*(im1-im2)'")
    stats = pyotb.ComputeImagesStatistics(squares)
    expected = ((first.astype("float64") - second) ** 2).sum(axis=-1).mean()
    assert stats["out.mean"][0] == pytest.approx(expected, rel=1e-6)


def test_several_expressions_become_bands(images, tmp_path, first):
    app = pyotb.BandMathX(il=images[0], exp="im1b1 > 1500 ? 1 : 0; im1b2; im1b3 / 2")
    app.write(tmp_path / "out.tif", pixel_type="uint16")
    expected = np.stack(
        [first[..., 0] > 1500, first[..., 1], first[..., 2] // 2], axis=-1
    )
    assert (read_array(tmp_path / "out.tif") == expected).all()


def test_the_border_of_an_image_is_repeated(images, second):
    found = pyotb.BandMathX(il=images, exp="mean(im2b1N3x5)").to_numpy()[..., 0]
    around = np.pad(second[..., 0].astype("float64"), ((2, 2), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(around, (5, 3))
    np.testing.assert_allclose(found, windows.mean(axis=(2, 3)), atol=1e-6)


def test_blocks_of_any_size_give_the_same(images, monkeypatch):
    exp = "mean(im2b1N3x5); idxX + im1b1; idxY + im1b2Mean"
    whole = pyotb.BandMathX(il=images, exp=exp).to_numpy()
    monkeypatch.setattr(band_math_x, "BLOCK_BYTES", 20_000)
    app = pyotb.BandMathX(il=images, exp=exp)
    assert (app.to_numpy() == whole).all()
    part = pyotb.ExtractROI(app, startx=7, starty=11, sizex=20, sizey=30)
    assert (part.to_numpy() == whole[11:41, 7:27]).all()


def test_statistics_are_those_of_the_whole_image(images, first):
    exp = "{im1b2Mini, im1b2Maxi, im1b2Mean, im1b2Sum, im1b2Var}"
    app = pyotb.BandMathX(il=images, exp=exp)
    found = pyotb.ExtractROI(app, sizex=2, sizey=2).to_numpy()[1, 1]
    band = first[..., 1].astype("float64")
    expected = [band.min(), band.max(), band.mean(), band.sum(), band.var(ddof=1)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_images_of_other_sizes_are_refused(images, tmp_path):
    other = write_array(tmp_path / "c.tif", np.ones((53, 37, 3)), grid((53, 37)))
    with pytest.raises(
        ValueError, match=r"im2 has 53x37 px, and im1 53x38 .*ExtractROI"
    ):
        pyotb.BandMathX(il=[images[0], other], exp="im1-im2")


def test_a_wrong_expression_is_refused_before_anything_is_read(images):
    with pytest.raises(ValueError, match="im1b4 does not exist"):
        pyotb.BandMathX(il=images, exp="im1b4")
    with pytest.raises(ValueError, match="needs `exp`"):
        pyotb.BandMathX(il=images)
