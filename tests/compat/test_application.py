"""What all applications have in common, tried with ExtractROI and statistics."""

import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from tutorial_lib.compat import pyotb
from tutorial_lib.rasters import read_array, read_grid, write_array

GRID = GeoBox((31, 47), Affine(10, 0, 500_000, 0, -10, 4_800_000), "EPSG:32631")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).integers(0, 3000, (31, 47, 3)).astype("uint16")


@pytest.fixture
def image(tmp_path, pixels):
    return write_array(tmp_path / "image.tif", pixels, GRID)


@pytest.fixture
def moved(tmp_path, pixels):
    """Another image, 4 columns to the east and 6 rows to the south of the first."""
    grid = GeoBox((31, 47), GRID.transform * Affine.translation(4, 6), GRID.crs)
    return write_array(tmp_path / "moved.tif", pixels + 1, grid)


@pytest.mark.parametrize(
    "given",
    [
        lambda image: ((image,), {"startx": 5, "sizex": 9}),
        lambda image: (({"in": str(image), "startx": 5, "sizex": 9},), {}),
        lambda image: ((), {"in_": image, "startx": "5", "sizex": "9"}),
        lambda image: (([pyotb.Input(image)],), {"startx": 5, "sizex": 9}),
        lambda image: (({"in": image}, {"startx": 5}), {"sizex": np.int64(9)}),
    ],
)
def test_parameters_are_given_in_many_ways(given, image, pixels):
    inputs, parameters = given(image)
    part = pyotb.ExtractROI(*inputs, **parameters)
    assert (part.to_numpy() == pixels[:, 5:14]).all()


def test_an_application_by_its_name(image):
    assert isinstance(pyotb.App("ExtractROI", image), pyotb.ExtractROI)


def test_one_application_is_the_input_of_another(image, pixels):
    first = pyotb.ExtractROI(image, startx=5, starty=3)
    for given in (first, first["out"], first.outputs["out"]):
        second = pyotb.ExtractROI(given, startx=2, starty=1, sizex=7, sizey=6)
        assert (second.to_numpy() == pixels[4:10, 7:14]).all()
        assert second.transform[2] == 500_070
        assert second.transform[5] == 4_799_960


def test_a_path_among_the_parameters_is_written_at_once(image, tmp_path, pixels):
    app = pyotb.ExtractROI(image, out=tmp_path / "part.tif", sizex=9)
    assert (read_array(tmp_path / "part.tif") == pixels[:, :9]).all()
    assert app["out"].filepath == tmp_path / "part.tif"


def test_a_frozen_one_waits(tmp_path):
    app = pyotb.ExtractROI(in_=tmp_path / "no.tif", frozen=True)
    with pytest.raises(FileNotFoundError):
        app.execute()


def test_written_type_box_and_nodata(image, tmp_path, pixels):
    path = tmp_path / "part.tif"
    pyotb.ExtractROI(image).write(
        path, pixel_type="uint8", ext_fname="box=7:5:20:11&nodata=0&bands=3,1"
    )
    expected = np.minimum(pixels[5:16, 7:27][..., [2, 0]], 255)
    assert (read_array(path) == expected).all()
    assert read_grid(path).transform == GRID.transform * Affine.translation(7, 5)
    with rasterio.open(path) as dataset:
        assert dataset.dtypes == ("uint8", "uint8")
        assert dataset.nodata == 0


def test_types_by_default_and_kept(image, tmp_path):
    app = pyotb.ExtractROI(image)
    app.write(tmp_path / "a.tif")
    app["out"].write(tmp_path / "b.tif", preserve_dtype=True)
    app.write({"out": tmp_path / "c.tif"}, pixel_type={"out": "int32"})
    app.write(out=tmp_path / "d.tif", pixel_type="double")
    types = [rasterio.open(tmp_path / f"{x}.tif").dtypes[0] for x in "abcd"]
    assert types == ["float32", "uint16", "int32", "float64"]


def test_fit_takes_the_place_of_another_image(image, moved, pixels):
    with pytest.warns(UserWarning, match="Only 25x43 px"):
        part = pyotb.ExtractROI(image, mode="fit", mode_fit_im=moved)
    assert (part.to_numpy() == pixels[6:, 4:]).all()


def test_fit_to_another_resolution_counts_pixels_of_the_input(image, tmp_path):
    # Pixels of 20 m from (500 040, 4 799 940): the centre of the first lies on the edge
    # between the columns 4 and 5, and belongs to the one on the right.
    coarse = GeoBox((5, 8), Affine(20, 0, 500_040, 0, -20, 4_799_940), GRID.crs)
    path = write_array(tmp_path / "coarse.tif", np.ones((5, 8, 1)), coarse)
    part = pyotb.ExtractROI(image, mode="fit", mode_fit_im=path)
    assert part.shape == (10, 16, 3)
    assert part.transform[2] == 500_050
    assert part.transform[5] == 4_799_930


def test_extent_takes_both_corner_pixels(image, pixels):
    corners = dict(zip(("ulx", "uly", "lrx", "lry"), (3, 5, 10, 9), strict=True))
    given = {f"mode_extent_{name}": value for name, value in corners.items()}
    part = pyotb.ExtractROI(image, mode="extent", **given)
    assert (part.to_numpy() == pixels[5:10, 3:11]).all()
    given |= {"mode_extent_ulx": 500_034.0, "mode_extent_uly": 4_799_946.0}
    given |= {"mode_extent_lrx": 500_106.0, "mode_extent_lry": 4_799_904.0}
    part = pyotb.ExtractROI(image, mode="extent", mode_extent_unit="phy", **given)
    assert (part.to_numpy() == pixels[5:10, 3:11]).all()


def test_statistics_of_all_pixels_of_all_images(image, moved, pixels):
    both = np.concatenate([pixels.reshape(-1, 3), pixels.reshape(-1, 3) + 1])
    stats = pyotb.ComputeImagesStatistics([image, moved])
    assert stats["out.mean"] == pytest.approx(both.mean(axis=0).tolist())
    assert stats["out.std"] == pytest.approx(both.std(axis=0, ddof=1).tolist())
    assert stats["out.min"] == both.min(axis=0).tolist()
    assert stats["out.max"] == both.max(axis=0).tolist()


def test_an_application_without_images_has_nothing_to_flush(image, tmp_path):
    stats = pyotb.ComputeImagesStatistics(image, out_xml=tmp_path / "stats.xml")
    stats.flush()
    assert (tmp_path / "stats.xml").exists()


def test_background_and_nan_do_not_count(tmp_path):
    array = np.array([[[1.0, 2], [0, 0], [0, 5], [np.nan, 1], [7, np.inf]]])
    grid = GeoBox((1, 5), GRID.transform, GRID.crs)
    path = write_array(tmp_path / "a.tif", array, grid)
    assert pyotb.ComputeImagesStatistics(path, bv=0)["out.mean"] == [0.5, 3.5]


def test_statistics_are_written_as_xml(image, tmp_path):
    stats = pyotb.ComputeImagesStatistics(image, out_xml=tmp_path / "stats.xml")
    root = ET.parse(tmp_path / "stats.xml").getroot()
    mean = root.find("Statistic[@name='mean']")
    values = [float(one.get("value")) for one in mean]
    assert values == stats["out.mean"]


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda image: pyotb.ExtractROI(), ValueError, "needs `in`.* Write `in_=…`"),
        (lambda image: pyotb.ExtractROI(image, moed="fit"), ValueError, "mean `mode`"),
        (lambda image: pyotb.ExtractROI(image, mode="fot"), ValueError, "'standard'"),
        (lambda image: pyotb.ExtractROI(image, mode="fit"), ValueError, "mode_fit_im"),
        (lambda image: pyotb.ExtractROI(image, startx=47), ValueError, "outside"),
        (lambda image: pyotb.ExtractROI(image, sizex=2.5), ValueError, "`sizex`"),
        (lambda image: pyotb.ExtractROI(image, sizex="a"), TypeError, "`sizex`"),
        (lambda image: pyotb.ExtractROI(7), TypeError, "`in` is 7"),
        (lambda image: pyotb.ExtractROI(image, cl="Channel4"), ValueError, "Channel3"),
        (
            lambda image: pyotb.ExtractROI(f"{image}?&box=0:0:5:5"),
            ValueError,
            "Cut out a part with ExtractROI",
        ),
        (
            lambda image: pyotb.ExtractROI(image).write(image),
            ValueError,
            "would destroy",
        ),
        (
            lambda image: pyotb.ExtractROI(image).write("a.tif", pixel_type="byte"),
            ValueError,
            "pixel_type",
        ),
        (lambda image: pyotb.ExtractROI(image).write(), ValueError, "no path"),
        (lambda image: pyotb.ExtractROI(image)["aut"], KeyError, "`out`"),
        (
            lambda image: pyotb.ExtractROI(image).write({"aut": "a.tif"}),
            ValueError,
            "no parameter `aut`",
        ),
        (
            lambda image: pyotb.ComputeImagesStatistics([image, f"{image}?&bands=1"]),
            ValueError,
            "same bands",
        ),
        (
            lambda image: pyotb.ComputeImagesStatistics(image).write("a.tif"),
            TypeError,
            r"no output image\. It has: out\.mean",
        ),
        (lambda image: pyotb.ExtractRoi, AttributeError, "mean 'ExtractROI'"),
        (lambda image: pyotb.App("Smoothing", image), LookupError, "There are"),
    ],
)
def test_mistakes_are_told(image, make, kind, words):
    with pytest.raises(kind, match=words):
        make(image)


def test_a_failed_write_keeps_the_old_file(image, tmp_path):
    path = tmp_path / "part.tif"
    pyotb.ExtractROI(image).write(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="outside"):
        pyotb.ExtractROI(image).write(path, ext_fname="box=50:50:5:5")
    assert path.read_bytes() == before


def test_the_library_does_not_load_it():
    code = (
        "import sys, tutorial_lib as tl; tl.read_grid, tl.Source; "
        "print([m for m in sys.modules if m.startswith('tutorial_lib.compat')])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_open_ranges_of_bands(image, tmp_path, pixels):
    assert (pyotb.Input(f"{image}?&bands=2:").to_numpy() == pixels[..., 1:]).all()
    out = tmp_path / "last.tif"
    pyotb.ExtractROI(image).write(out, "uint16", ext_fname="bands=-1")
    assert (read_array(out) == pixels[..., 2:]).all()


def test_an_input_may_have_an_extended_name(image, pixels):
    given = pyotb.Input(f"{image}?&bands=3&skipgeom=true&skiprpctag=true")
    assert given.filepath == image
    assert (pyotb.ExtractROI(given).to_numpy() == pixels[..., 2:]).all()


def test_an_image_does_not_lose_its_place(image):
    with pytest.raises(ValueError, match=r"skipcarto=true .* Leave the option out"):
        pyotb.Input(f"{image}?&skipcarto=true")
    assert pyotb.Input(f"{image}?&skipcarto=false").shape == (31, 47, 3)


def test_statistics_are_not_written_over_an_image(image, pixels):
    for key in ("out", "out.xml"):
        with pytest.raises(ValueError, match="would destroy"):
            pyotb.ComputeImagesStatistics({"il": image, key: str(image)})
    chained = pyotb.ExtractROI(image, sizex=5)
    with pytest.raises(ValueError, match="would destroy"):
        pyotb.ComputeImagesStatistics(chained, out_xml=image)
    assert (read_array(image) == pixels).all()


def test_the_name_of_ext_fname_before_pyotb_2(image, tmp_path):
    out = tmp_path / "part.tif"
    pyotb.ExtractROI(image).write(out, filename_extension="&box=0:0:5:4")
    assert read_grid(out).shape == (4, 5)


@pytest.mark.parametrize(
    "compute",
    [
        lambda image: image - image,
        lambda image: 1 / image,
        lambda image: image >= 3,
        lambda image: image == 0,
        lambda image: image != 0,
        abs,
    ],
)
def test_arithmetic_with_images_is_told(compute, image):
    for one in (pyotb.Input(image), pyotb.ExtractROI(image)):
        with pytest.raises(TypeError, match="BandMathX"):
            compute(one)


def test_slices_and_methods_that_are_not_here_are_told(image):
    for one in (pyotb.Input(image), pyotb.ExtractROI(image)):
        with pytest.raises(TypeError, match="ExtractROI"):
            one[:, :, 0]
        with pytest.raises(AttributeError, match=r"no `get_info` here.*to_numpy"):
            one.get_info()
