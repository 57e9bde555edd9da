"""Networks that PyTorch exports, with the installed PyTorch: `make test-slow`.

PyTorch is no dependency of the kit. `pip install torch onnxscript
segmentation-models-pytorch` in the kit's environment makes these tests run.
"""

import numpy as np
import pytest
from onnx_networks import measured_margins, run

import tutorial_lib as tl
from tutorial_lib.fields.onnx_files.layouts import FIRST
from tutorial_lib.fields.onnx_files.reading import input_layouts

pytestmark = [
    pytest.mark.slow,
    # Those of PyTorch's own exporter.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
EXPORTERS = ("torchscript", "dynamo")
EXACT = (
    *("strides", "size, bilinear", "size, nearest", "scale, bilinear"),
    *("scale, bicubic", "scale, nearest", "pixel shuffle", "channel shuffle"),
    "layer norm",
)


@pytest.fixture(scope="module")
def networks():
    """The module with the networks, which needs PyTorch."""
    for package in ("torch", "onnxscript"):
        pytest.importorskip(package, reason="pip install torch onnxscript")
    import torch_networks

    assert set(torch_networks.EXACT) == set(EXACT)
    return torch_networks


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", EXACT)
def test_margins_of_an_exported_network_equal_the_measured_ones(
    networks, name, exporter, tmp_path
):
    model = networks.exported(
        networks.EXACT[name](), exporter, tmp_path / "network.onnx"
    )
    assert set(input_layouts(model).values()) == {FIRST}
    found = tl.analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


@pytest.mark.parametrize("opset", [11, 13, 20])
def test_older_operators_have_the_same_margins(networks, opset, tmp_path):
    network = networks.EXACT["size, bilinear"]()
    path = tmp_path / "network.onnx"
    model = networks.exported(network, "torchscript", path, opset=opset)
    found = tl.analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("kind", "exporter"),
    [("GroupNorm", "torchscript"), ("GroupNorm", "dynamo"), ("Attention", "dynamo")],
)
def test_a_network_that_looks_at_the_whole_chunk_says_so(
    networks, kind, exporter, tmp_path
):
    network = getattr(networks, kind)()
    model = networks.exported(network, exporter, tmp_path / "network.onnx")
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    assert analysis.whole_tile_layers


def test_sizes_that_the_exporter_wrote_as_numbers_are_refused(networks, tmp_path):
    """The older one writes the number of tokens of its example."""
    path = tmp_path / "network.onnx"
    model = networks.exported(networks.Attention(), "torchscript", path)
    with pytest.raises(ValueError, match=r"Reshape .* no rule says where the pixels"):
        tl.analyse(model)


def test_aligned_corners_are_refused_by_name(networks, tmp_path):
    up = networks.scaled(mode="bilinear", align_corners=True)
    path = tmp_path / "network.onnx"
    model = networks.exported(networks.Unet(up), "torchscript", path)
    with pytest.raises(ValueError, match=r"align_corners.*Resize|Resize.*align_corner"):
        tl.analyse(model)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("encoder", ["resnet18", "resnet34", "mobilenet_v2"])
def test_a_published_unet_has_margins_that_cover_the_measured_ones(
    networks, encoder, exporter, tmp_path
):
    """Most units of such a deep network have little effect: the margins may be less."""
    network = networks.published("Unet", encoder)
    model = networks.exported(network, exporter, tmp_path / "network.onnx")
    analysis = tl.analyse(model)
    assert analysis.total_stride == {"image": 32}
    margins = analysis.margins["out"]
    side = 32 * (-(-max(margins) // 32) * 2 + 2)
    rng = np.random.default_rng(0)
    whole_image = rng.uniform(0, 1, (1, 2 * side, 2 * side, 3))
    rows, cols = slice(32, 32 + side), slice(64, 64 + side)
    whole = run(model, {"image": whole_image})["out"][0, rows, cols]
    chunk = run(model, {"image": whole_image[:, rows, cols]})["out"][0]
    left, top, right, bottom = margins
    inner = slice(top, side - bottom), slice(left, side - right)
    scale = np.ptp(whole)
    assert np.abs(whole[inner] - chunk[inner]).max() <= 1e-5 * scale
    # The borders of a chunk do have an effect.
    assert np.abs(whole - chunk).max() > 1e-3 * scale


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("encoder", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("decoder", ["FPN", "DeepLabV3Plus"])
def test_published_networks_that_look_at_the_whole_chunk_say_so(
    networks, decoder, encoder, exporter, tmp_path
):
    """FPN has a GroupNorm, and DeepLab the mean of the image."""
    network = networks.published(decoder, encoder)
    model = networks.exported(network, exporter, tmp_path / "network.onnx")
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    kinds = {step.name: step.kind for step in analysis.steps}
    means = {"InstanceNormalization", "GroupNormalization"}
    if decoder == "DeepLabV3Plus":
        means = {"GlobalAveragePool", "ReduceMean"}
    assert {kinds[name] for name in analysis.whole_tile_layers} <= means
