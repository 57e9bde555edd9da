"""Maps of the town by the recorded network: with seams, and without."""

import warnings

import keras
import numpy as np
import pytest

from tutorial_lib import Source, plan_inference, rasters, recorded, rmse, seam_score


@pytest.fixture(scope="module")
def network():
    return keras.models.load_model(recorded.weights_path("pan_xs_town"))


@pytest.fixture(scope="module")
def sources(repository):
    town = repository / "data" / "town"
    return {"input_p": town / "pan.tif", "input_xs": town / "xs.tif"}


@pytest.fixture(scope="module")
def maps(network, sources, tmp_path_factory):
    """The probabilities in blocks of 128, with a crop of 32, and as derived."""
    folder = tmp_path_factory.mktemp("maps")
    fields = {
        name: Source(path, receptive_field=field)
        for (name, path), field in zip(sources.items(), (128, 32), strict=True)
    }
    with warnings.catch_warnings(action="ignore"):
        plans = {
            "blocks": plan_inference(
                network, fields, output="estimated", expression_field=128,
                tile_size=128,
            ),
            "cropped": plan_inference(
                network, fields, output="estimated_crop32", expression_field=64,
                tile_size=64,
            ),
            "derived": plan_inference(
                network, sources, output="estimated", tile_size=80
            ),
        }  # fmt: skip
    for name, plan in plans.items():
        plan.write(folder / f"{name}.tif", progress=False)
    return {name: folder / f"{name}.tif" for name in plans}


def test_seams_show_in_blocks_and_in_nothing_else(maps):
    assert seam_score(maps["blocks"], tile=128) > 1.5
    assert 0.9 < seam_score(maps["cropped"], tile=64) < 1.1
    assert 0.9 < seam_score(maps["derived"], tile=80, stride=16) < 1.1


def test_both_ways_without_seams_give_one_map(maps):
    distance = rmse(maps["cropped"], maps["derived"])
    assert distance.largest < 1e-5
    assert distance.pixel_count > 1_000_000


def test_the_derived_map_is_that_of_the_whole_image(network, sources, maps):
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
    # Labels are equal but where two classes tie.
    first, second = np.sort(part, axis=-1)[..., [-1, -2]].transpose(2, 0, 1)
    other = derived.argmax(-1) != part.argmax(-1)
    assert (first - second)[other].max(initial=0) < 1e-5
