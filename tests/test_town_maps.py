"""Maps of the town by the recorded network: tiles with seams, and exact tiles."""

import warnings

import keras
import numpy as np
import pytest

from tutorial_lib import Source, plan_inference, rasters, recorded, rmse, seam_score

pytestmark = pytest.mark.thorough

# Part of the town in pixels of pan. The sides are not equal, and not multiples of the
# network's total stride, which is 16.
SHAPE = (900, 1204)


@pytest.fixture(scope="module")
def network():
    return keras.models.load_model(recorded.weights_path("pan_xs_town"))


@pytest.fixture(scope="module")
def sources(repository, tmp_path_factory):
    """Files of a part of pan and xs, by the names of the network's inputs."""
    folder = tmp_path_factory.mktemp("town")
    height, width = SHAPE
    paths = {}
    for name, file, ratio in (("input_p", "pan.tif", 1), ("input_xs", "xs.tif", 4)):
        path = repository / "data" / "town" / file
        part = np.s_[: height // ratio, : width // ratio]
        pixels, grid = rasters.read_array(path)[part], rasters.read_grid(path)[part]
        paths[name] = rasters.write_array(folder / file, pixels, grid, nodata=0)
    return paths


@pytest.fixture(scope="module")
def maps(network, sources, tmp_path_factory):
    """Probabilities in tiles of 128, in tiles with a crop of 32, and in exact tiles."""
    folder = tmp_path_factory.mktemp("maps")
    declared = {
        name: Source(path, receptive_field=field)
        for (name, path), field in zip(sources.items(), (128, 32), strict=True)
    }
    # Tiles of 128 without a crop give a warning: the map has seams.
    with warnings.catch_warnings(action="ignore"):
        plans = {
            "seams": plan_inference(
                network,
                declared,
                output="estimated",
                expression_field=128,
                tile_size=128,
            ),
            "cropped": plan_inference(
                network,
                declared,
                output="estimated_crop32",
                expression_field=64,
                tile_size=64,
            ),
            "derived": plan_inference(
                network, sources, output="estimated", tile_size=80
            ),
        }
    for name, plan in plans.items():
        plan.write(folder / f"{name}.tif", progress=False)
    return {name: folder / f"{name}.tif" for name in plans}


@pytest.mark.slow
def test_only_tiles_without_a_crop_have_seams(maps):
    assert seam_score(maps["seams"], tile=128) > 1.5
    assert 0.9 < seam_score(maps["cropped"], tile=64) < 1.1
    assert 0.9 < seam_score(maps["derived"], tile=80, stride=16) < 1.1


@pytest.mark.slow
def test_cropped_and_derived_tiles_give_the_same_map(maps):
    distance = rmse(maps["cropped"], maps["derived"])
    assert distance.largest < 1e-5
    assert distance.pixel_count > 800_000


def test_the_map_of_derived_tiles_equals_the_map_of_the_whole_image(
    network, sources, maps
):
    pan, xs = (rasters.read_array(path) for path in sources.values())
    height, width = (-(-side // 16) * 16 for side in pan.shape[:2])
    inputs = {
        "input_p": np.zeros((1, height, width, 1), "float32"),
        "input_xs": np.zeros((1, height // 4, width // 4, 4), "float32"),
    }
    for name, image in zip(inputs, (pan, xs), strict=True):
        inputs[name][0, : image.shape[0], : image.shape[1]] = image
    whole = network(inputs, training=False)["estimated"][0].numpy()
    derived = rasters.read_array(maps["derived"])
    part = whole[31 : 31 + derived.shape[0], 31 : 31 + derived.shape[1]]
    np.testing.assert_allclose(derived, part, rtol=0, atol=1e-5)
    # Labels are equal, except where the two most probable classes tie.
    first, second = np.sort(part, axis=-1)[..., [-1, -2]].transpose(2, 0, 1)
    other = derived.argmax(-1) != part.argmax(-1)
    assert (first - second)[other].max(initial=0) < 1e-5
