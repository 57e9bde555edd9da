"""What notebook 05 says of offsets, agreement and probabilities, over seeds (slow)."""

import keras
import numpy as np
import pytest
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import rasters, recorded
from tutorial_lib.recorded import recipes

NAMES = ("fcnn_havel", "fcnn_havel_1", "fcnn_havel_2")
BRIGHT_CLOUD = Window(900, 113, 60, 60)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def networks():
    return {x: keras.models.load_model(recorded.weights_path(x)) for x in NAMES}


@pytest.fixture(scope="module")
def image(havel_folder):
    return rasters.read_array(havel_folder / "s2_10m.tif")


@pytest.fixture(scope="module")
def places(havel_folder):
    """Pixels of the patches, (n, 16, 16, 4), and their classes, by area."""
    positions = {
        area: tl.select_positions(
            havel_folder / f"terrain_truth_{area}.tif",
            count=recipes.COUNTS[area],
            margin=recipes.MARGIN,
            most_per_polygon=recipes.MOST_PER_POLYGON,
        )
        for area in "bc"
    }
    found = {
        area: tl.extract_patches(
            {"input": havel_folder / "s2_10m.tif"}, one, sizes=recipes.SIZES
        )
        for area, one in positions.items()
    }
    return {
        area: (one.arrays["input"], one.arrays["labels"].ravel())
        for area, one in found.items()
    }


def probabilities(network, pixels):
    """(n, class) of patches."""
    pixels = {"input": pixels.astype("float32")}
    return network.predict(pixels, verbose=0)["estimated"][:, 0, 0]


@pytest.fixture(scope="module")
def answers(networks, places):
    """(network, n, class) probabilities by area."""
    return {
        area: np.stack([probabilities(one, pixels) for one in networks.values()])
        for area, (pixels, _) in places.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_offset_ruins_the_map_and_its_correction_restores_it(name, networks, places):
    pixels, labels = places["b"]

    def accuracy(values):
        return (probabilities(networks[name], values).argmax(-1) == labels).mean()

    shifted = pixels + 1000
    assert accuracy(shifted) < accuracy(pixels) - 0.2
    corrected = np.rint((shifted.astype(float) - 1000) / 10_000 * 10_000)
    assert np.array_equal(corrected.astype(pixels.dtype), pixels)


@pytest.mark.parametrize("area", ["b", "c"])
def test_where_three_networks_agree_they_are_right_more_often_but_not_always(
    area, answers, places
):
    classes, labels = answers[area].argmax(-1), places[area][1]
    agree = (classes == classes[0]).all(axis=0)
    there = (classes[0] == labels)[agree].mean()
    for one in classes:
        assert there > (one == labels)[~agree].mean() + 0.2
    assert there < 0.9


@pytest.mark.parametrize("area", ["b", "c"])
def test_the_surest_places_of_one_network_are_right_as_often_as_where_three_agree(
    area, answers, places
):
    classes, labels = answers[area].argmax(-1), places[area][1]
    agree = (classes == classes[0]).all(axis=0)
    for one, surest in zip(classes, answers[area].max(-1), strict=True):
        sure = surest >= np.quantile(surest, 1 - agree.mean())
        assert abs((one == labels)[agree].mean() - (one == labels)[sure].mean()) < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_zeros_in_their_patches_make_pixels_beside_the_wedge_residential(
    name, networks, havel_folder
):
    def labels(file, **options):
        source = tl.Source(havel_folder / file, receptive_field=16)
        plan = tl.plan_inference(
            networks[name], source, output="estimated_labels", **options
        )
        return plan.read()[..., 0]

    empty = "s2_10m_nodata.tif"
    center, whole = labels(empty), labels(empty, nodata_rule="any")
    strip = (center != 255) & (whole == 255)
    residential = tl.read_legend(havel_folder / "terrain_truth_a.tif").names.index(
        "residential"
    )
    assert (labels("s2_10m.tif")[strip] == residential).mean() < 0.1
    assert np.bincount(center[strip]).argmax() == residential


@pytest.mark.parametrize("number", range(3))
def test_probabilities_are_less_honest_in_c_than_in_b(number, answers, places):
    in_b, in_c = (
        tl.training.reliability(places[area][1], answers[area][number]) for area in "bc"
    )
    assert in_c.error > in_b.error + 0.05
    assert in_b.overconfidence > 0
    assert in_c.overconfidence > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_cloud_gets_a_class_with_much_more_than_one_in_six(
    name, networks, havel_folder
):
    plan = tl.plan_inference(
        networks[name],
        tl.Source(havel_folder / "s2_10m.tif", receptive_field=16),
        output="estimated",
        window=BRIGHT_CLOUD,
    )
    values = plan.read()
    counts = np.bincount(values.argmax(-1).ravel())
    assert counts.max() > 0.5 * counts.sum()
    assert values.max(-1).mean() > 2 / 6
