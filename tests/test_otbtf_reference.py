"""Maps of the real OTBTF are what the engine gives, place by place."""

import numpy as np
import pytest
from rasterio.windows import Window

from tutorial_lib import Source, certify, plan_inference, rasters, read_grid

pytestmark = [
    pytest.mark.reference,
    # A SavedModel that OTBTF wrote does not show its layers.
    pytest.mark.filterwarnings("ignore:Whether the tiles give the map"),
]


@pytest.fixture
def otbtf(reference_data):
    return reference_data / "otbtf_reference"


def fcnn(otbtf):
    source = Source(otbtf / "inputs/s2_10m.tif", receptive_field=16)
    return otbtf / "models/fcnn16/savedmodel", {"x": source}


def dual(otbtf):
    coarse = Source(otbtf / "inputs/s2_20m.tif", receptive_field=8)
    fine = Source(otbtf / "inputs/s2_10m.tif", receptive_field=16)
    return otbtf / "models/dual/savedmodel", {"x20": coarse, "x10": fine}


def encdec(otbtf):
    pan = Source(otbtf / "inputs/ps_pan.tif", receptive_field=128)
    xs = Source(otbtf / "inputs/ps_xs.tif", receptive_field=32)
    return otbtf / "models/encdec/savedmodel", {"pan": pan, "xs": xs}


def common_part(plan, values, path):
    """Our map and OTBTF's where both lie, by their coordinates."""
    grid, other = plan.grid, read_grid(path)
    assert grid.resolution == other.resolution
    col = (other.transform.c - grid.transform.c) / grid.transform.a
    row = (other.transform.f - grid.transform.f) / grid.transform.e
    assert col == int(col) >= 0
    assert row == int(row) >= 0
    part = values[int(row) :, int(col) :][: other.height, : other.width]
    expected = rasters.read_array(path)
    assert part.shape == expected.shape, "OTBTF's map holds pixels that ours lacks"
    return part, expected


def assert_same_map(plan, path):
    part, expected = common_part(plan, plan.read(), path)
    tolerance = 1e-4 * max(1, np.ptp(expected).astype("float64"))
    np.testing.assert_allclose(part, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("tile_size", [100, "auto"])
def test_probabilities_of_one_source(otbtf, tile_size):
    model, sources = fcnn(otbtf)
    plan = plan_inference(model, sources, output="probs", tile_size=tile_size)
    path = otbtf / "expected/fcnn_fully_conv_probs.tif"
    assert plan.grid == read_grid(path)
    assert_same_map(plan, path)


@pytest.mark.parametrize(
    ("output", "mode", "name"),
    [
        ("argmax_u8", "fully_convolutional", "fcnn_fully_conv_labels"),
        ("argmax", "fully_convolutional", "fcnn_patch_based_labels"),
        ("argmax", "patch_based", "fcnn_patch_based_labels"),
    ],
)
def test_labels_of_one_source(otbtf, output, mode, name):
    model, sources = fcnn(otbtf)
    # Patch by patch is slow: one window of it, with a corner of the map.
    window = Window(405, 385, 180, 100) if mode == "patch_based" else None
    whole = plan_inference(model, sources, output=output)
    plan = plan_inference(model, sources, output=output, mode=mode, window=window)
    path = otbtf / f"expected/{name}.tif"
    assert whole.grid == read_grid(path)
    expected = rasters.read_array(path, window=window)
    # A class may change where two tie, in another build of TensorFlow.
    assert (plan.read() != expected).mean() < 1e-4


def test_probabilities_of_two_sources(otbtf):
    model, sources = dual(otbtf)
    path = otbtf / "expected/dual_ref20_fully_conv_probs.tif"
    plan = plan_inference(model, sources, output="probs")
    assert_same_map(plan, path)
    # OTBTF stops one pixel earlier on each side.
    assert plan.grid.shape.yx == (243, 293)


def test_the_other_reference_gives_the_same_map(otbtf):
    model, sources = dual(otbtf)
    switched = dict(reversed(sources.items()))
    plan = plan_inference(model, switched, output="probs", scale_factor=2)
    assert_same_map(plan, otbtf / "expected/dual_ref20_fully_conv_probs.tif")


def test_patch_based_maps_of_two_sources_lie_where_the_others_do(otbtf):
    """OTBTF's own patch-based mode reads one 10 m pixel aside."""
    model, sources = dual(otbtf)
    window = Window(60, 50, 90, 70)
    options = {"output": "probs", "window": window}
    plan = plan_inference(model, sources, mode="patch_based", **options)
    path = otbtf / "expected/dual_ref20_fully_conv_probs.tif"
    expected = rasters.read_array(path, window=window)
    np.testing.assert_allclose(plan.read(), expected, rtol=0, atol=1e-4)


def test_blocks_of_a_padded_network(otbtf):
    """Tiles of one block, as OTBTF had them: the artefacts are part of the map."""
    model, sources = encdec(otbtf)
    plan = plan_inference(
        model, sources, output="estimated", expression_field=128, tile_size=128
    )
    assert_same_map(plan, otbtf / "expected/encdec_vanilla_e128.tif")


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("tile_size", [64, 320])
def test_a_crop_makes_the_map_exact(otbtf, tile_size):
    model, sources = encdec(otbtf)
    plan = plan_inference(
        model,
        sources,
        output="estimated_crop32",
        expression_field=64,
        tile_size=tile_size,
    )
    assert_same_map(plan, otbtf / "expected/encdec_crop32_e64.tif")


def test_tiles_without_data(otbtf):
    model, _ = fcnn(otbtf)
    path = otbtf / "inputs/s2_10m_nd.tif"
    plan = plan_inference(
        model,
        {"x": Source(path, receptive_field=16, nodata=0)},
        output="probs",
        nodata_rule="tile",
        tile_size=32,
        background=-1,
    )
    values = plan.read()
    assert_same_map(plan, otbtf / "expected/fcnn_nodata_tile32_bvminus1.tif")
    assert (values == -1).all(axis=-1).sum() == 9216


def test_measured_fields_give_the_map_of_a_crop(otbtf):
    """Nothing declared: what OTBTF needs `estimated_crop32` for is measured."""
    model, sources = encdec(otbtf)
    bare = {name: source.path for name, source in sources.items()}
    inputs = {"pan": (1, 1, 2000), "xs": (4, 1 / 4, 2000)}
    certificate = certify(model, "estimated", tile=80, inputs=inputs)
    # Three halvings, and xs joined without a convolution: 2^3 - 1 and 2^3.
    assert certificate.margins == (7, 7, 8, 8)
    assert certificate.total_stride == {"pan": 8, "xs": 2}
    plan = plan_inference(
        model, bare, output="estimated", tile_size=80, certificate=certificate
    )
    assert_same_map(plan, otbtf / "expected/encdec_crop32_e64.tif")


@pytest.mark.slow
def test_measured_fields_of_two_sources(otbtf):
    model, sources = dual(otbtf)
    bare = {name: source.path for name, source in sources.items()}
    inputs = {"x20": (6, 1, 10_000), "x10": (4, 2, 10_000)}
    certificate = certify(model, "probs", tile=64, inputs=inputs)
    plan = plan_inference(model, bare, output="probs", certificate=certificate)
    assert_same_map(plan, otbtf / "expected/dual_ref20_fully_conv_probs.tif")
