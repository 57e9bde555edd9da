"""What OTBTF does silently, and what does not fit, is told by TensorflowModelServe."""

import numpy as np
import pytest
import tensorflow as tf
from affine import Affine
from odc.geo.geobox import GeoBox
from served_networks import save, weighted, window_first

import tutorial_lib as tl
from tutorial_lib import architectures
from tutorial_lib.compat import pyotb
from tutorial_lib.grids import GridMismatchError
from tutorial_lib.rasters import read_array, write_array
from tutorial_lib.testing import small_grid

SHAPE = (41, 53)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mistakes")


@pytest.fixture(scope="module")
def paths(folder):
    """Images and networks by name."""
    pixels = np.random.default_rng(2).integers(1, 50, (*SHAPE, 2)).astype("uint16")
    zone_32 = GeoBox(SHAPE, small_grid(*SHAPE).transform, "EPSG:32632")
    softmax = architectures.pixelwise_fcnn(4, channels=2, crops=())
    kernel = np.ones((5, 4, 2, 1))

    def scaled(given):
        return {"y": given["x"] * given["gain"]}

    return {
        "image": write_array(folder / "a.tif", pixels, small_grid(*SHAPE)),
        "empty": write_array(folder / "b.tif", 0 * pixels, small_grid(*SHAPE)),
        "other_crs": write_array(folder / "c.tif", pixels, zone_32),
        "sums": save(folder / "sums", weighted(kernel), ("x", 2)),
        "stride": save(folder / "stride", window_first(8, 8, 4), ("x", 2)),
        "pair": save(folder / "pair", lambda x: {"y": x["a"]}, ("a", 2), ("b", 2)),
        "gain": save(
            *(folder / "gain", scaled, ("x", 2)), gain=tf.TensorSpec([], tf.float32)
        ),
        "fcnn": tl.export(softmax, folder / "fcnn"),
    }


def serve(paths, model, *sources, **more):
    given = {f"source{n}_il": paths[one] for n, one in enumerate(sources, 1)}
    return pyotb.TensorflowModelServe(model_dir=paths[model], **given, **more)


def fields(number, height, width):
    return {f"source{number}_rfieldy": height, f"source{number}_rfieldx": width}


SUM = {"output_names": "sum", **fields(1, 5, 4)}
FULLY = {"model_fullyconv": True}


@pytest.mark.parametrize(
    ("model", "sources", "more", "kind", "words"),
    [
        # The number of bands, which OTBTF does not check.
        (
            "sums",
            ["image", "image"],
            SUM,
            ValueError,
            "There are 2 sources, and the network has the inputs x",
        ),
        ("pair", ["image"], {}, ValueError, "No source goes into the input 'b'"),
        (
            "pair",
            ["image", "image"],
            {"source2_placeholder": "a"},
            ValueError,
            "Two sources go into the input 'a'",
        ),
        (
            "sums",
            ["image"],
            {"source1_placeholder": "y"},
            ValueError,
            "`source1.placeholder` is 'y', and the network has the inputs x",
        ),
        ("sums", ["image"], SUM | {"output_names": "sun"}, ValueError, "It has: odd"),
        (
            "pair",
            ["image", "other_crs"],
            {},
            GridMismatchError,
            "EPSG:32632",
        ),
        # Fields that do not fit; the message says which ones would.
        (
            "stride",
            ["image"],
            fields(1, 8, 8) | FULLY,
            ValueError,
            "This fits: `output_efieldx=1`, `output_efieldy=1`, `output_spcscale=4`",
        ),
        (
            "sums",
            ["image"],
            SUM | fields(1, 9, 10) | FULLY,
            ValueError,
            "This fits: `output_efieldx=7`, `output_efieldy=5`, `output_spcscale=1`",
        ),
        (
            "sums",
            ["image"],
            SUM | fields(1, 9, 10),
            ValueError,
            "the receptive field of source 1 is 5x4 px",
        ),
        (
            "sums",
            ["image"],
            SUM | fields(1, 2, 3) | FULLY,
            ValueError,
            "the receptive field of source 1 is 5x4 px",
        ),
        (
            "sums",
            ["image"],
            SUM | fields(1, 1, 1),
            ValueError,
            "the receptive field of source 1 is 5x4 px",
        ),
        (
            "sums",
            ["image"],
            SUM | FULLY | {"output_efieldx": 6},
            ValueError,
            "`source1.rfieldx` is 4, and the expression field of 6 px covers 6 px",
        ),
        (
            "sums",
            ["image"],
            SUM | {"output_efieldy": 2},
            ValueError,
            "`output.efieldy` is 2, and a patch-based map has one pixel",
        ),
        (
            "sums",
            ["image"],
            SUM | fields(1, 42, 4),
            ValueError,
            "Along y, sources of 41 px with receptive fields of 42 px leave no output",
        ),
        (
            "sums",
            ["image"],
            SUM | {"output_spcscale": 0.5},
            ValueError,
            "the last patches would leave source 1",
        ),
        ("sums", ["image"], SUM | {"output_spcscale": 0}, ValueError, "spcscale"),
        ("sums", ["image"], SUM | {"optim_tilesizex": 0}, ValueError, "tilesizex"),
        ("image", ["image"], SUM, ValueError, "is not a model"),
        ("gain", ["image"], {}, ValueError, '`model_userplaceholders="gain=…"`'),
        (
            "gain",
            ["image"],
            {"model_userplaceholders": "gain=1 bias=2"},
            ValueError,
            "names 'bias', and the network has the inputs gain, x",
        ),
        (
            "gain",
            ["image"],
            {"model_userplaceholders": "gain=one"},
            ValueError,
            "has 'gain=one'",
        ),
        (
            "gain",
            ["image"],
            {"model_userplaceholders": "gain=(1,2,3)"},
            ValueError,
            "does not take what the declared fields (source1_rfieldx=1, ",
        ),
        (
            "sums",
            ["image"],
            SUM | {"model_tagsets": "train"},
            ValueError,
            "cannot be read",
        ),
    ],
)
def test_mistakes_are_told(paths, model, sources, more, kind, words):
    with pytest.raises(kind) as caught:
        serve(paths, model, *sources, **more)
    assert words in str(caught.value)


def test_another_number_of_bands(paths):
    bands = f"{paths['image']}?&bands=1,2,1"
    with pytest.raises(ValueError, match=r"Source 1 has 3 band.* takes 2 in its input"):
        serve(paths | {"more": bands}, "sums", "more", **SUM)


def test_a_missing_network(paths, folder):
    with pytest.raises(FileNotFoundError, match="no model"):
        serve(paths | {"no": folder / "no"}, "no", "image")


def test_values_for_a_file_of_keras(paths, folder):
    architectures.pixelwise_fcnn(4, channels=2, crops=()).save(folder / "a.keras")
    more = {"model_userplaceholders": "gain=1"}
    with pytest.raises(ValueError, match="needs a SavedModel"):
        serve(paths | {"file": folder / "a.keras"}, "file", "image", **more)


def test_a_misfit_that_only_a_border_tile_shows(folder, paths):
    """A network that rounds up to whole pairs, with tiles that are even inside."""

    def pairs(given):
        image = given["x"]
        return {"y": tf.repeat(tf.repeat(image[:, ::2, ::2], 2, 1), 2, 2)}

    model = save(folder / "pairs", pairs, ("x", 2))
    app = serve(paths | {"pairs": model}, "pairs", "image", **FULLY)
    with pytest.raises(ValueError, match=r"from 16x5 px of source 1 .* needs 16x5 px"):
        app.write(folder / "pairs.tif")
    assert not (folder / "pairs.tif").exists()


def test_the_first_output_of_several_is_named(paths):
    with pytest.warns(UserWarning, match="made from 'odd', the first of odd, one_axis"):
        serve(paths, "sums", "image", **fields(1, 5, 4))


def test_probabilities_as_whole_numbers(paths, folder):
    app = serve(
        *(paths, "fcnn", "image"),
        output_names="estimated",
        **fields(1, 16, 16),
        **FULLY,
    )
    app.write(folder / "p.tif")
    with pytest.warns(UserWarning, match="as uint8 all below 1 become 0"):
        app.write(folder / "p.tif", pixel_type="uint8")


def test_a_band_of_zeros_and_ones_for_each_class_is_no_mistake(paths, folder):
    def one_hot(given):
        return {"classes": tf.one_hot(tf.cast(given["x"][..., 0], tf.int32) % 3, 3)}

    model = save(folder / "one_hot", one_hot, ("x", 2))
    app = serve(paths | {"one_hot": model}, "one_hot", "image")
    app.write(folder / "o.tif", pixel_type="uint8")
    assert (read_array(folder / "o.tif").sum(axis=-1) == 1).all()


def test_a_background_that_is_also_a_class(paths, folder):
    labels = {**fields(1, 5, 4), "output_names": "odd"}
    app = serve(paths, "sums", "empty", source1_nodata=0, **labels)
    with pytest.warns(UserWarning, match="which is 0, and so does class 0"):
        app.write(folder / "l.tif", pixel_type="uint8")
    app = serve(paths, "sums", "empty", source1_nodata=0, output_bv=255, **labels)
    app.write(folder / "l.tif", pixel_type="uint8")
    assert (read_array(folder / "l.tif") == 255).all()
    app = serve(paths, "sums", "empty", source1_nodata=0, output_bv=-1, **labels)
    with pytest.warns(UserWarning, match="-1, which uint8 cannot hold"):
        app.write(folder / "l.tif", pixel_type="uint8")


@pytest.mark.parametrize("background", [float("nan"), 0.1, -1e30])
def test_backgrounds_that_floats_hold(paths, folder, background):
    more = {"source1_nodata": 0, "output_bv": background}
    app = serve(paths, "sums", "empty", **more, **SUM)
    app.write(folder / "f.tif")
    expected = np.full((37, 50, 1), background, "float32")
    np.testing.assert_array_equal(read_array(folder / "f.tif"), expected)


def test_a_source_is_never_overwritten(paths):
    with pytest.raises(ValueError, match="would destroy"):
        serve(paths, "sums", "image", **SUM).write(paths["image"])


def test_a_network_keeps_its_folder_to_itself(paths):
    app = serve(paths, "sums", "image", **SUM)
    with pytest.raises(ValueError, match="would destroy"):
        app.write(f"{app['model.dir']}/map.tif")


def test_sides_of_tiles_that_are_given_are_told_to_change(paths):
    more = SUM | fields(1, 11, 10) | {"output_efieldx": 7, "output_efieldy": 7}
    with pytest.warns(UserWarning, match=r"`optim.tilesizex` is 16.*Tiles of 21 px"):
        serve(paths, "sums", "image", optim_tilesizex=16, **more, **FULLY)


def test_a_rotated_image(folder, paths):
    grid = GeoBox(SHAPE, Affine.rotation(3) @ Affine(10, 0, 0, 0, -10, 0), 32631)
    path = write_array(folder / "rotated.tif", np.ones((*SHAPE, 2), "uint8"), grid)
    with pytest.raises(GridMismatchError, match="north"):
        serve(paths | {"rotated": path}, "sums", "rotated", **SUM)
