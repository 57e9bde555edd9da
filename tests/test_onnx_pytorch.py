"""Networks that PyTorch exports, with the installed PyTorch: `make test-slow`.

The kit does not install PyTorch. CONTRIBUTING.md says how to run these tests.
"""

import numpy as np
import pytest
from onnx_networks import EXPORTERS, WITH_PYTORCH, measured_margins

import tutorial_lib as tl
from tutorial_lib.fields.onnx_files.layouts import FIRST
from tutorial_lib.fields.onnx_files.reading import input_layouts

pytestmark = WITH_PYTORCH
EXACT = (
    *("strides", "size, bilinear", "size, nearest", "scale, bilinear"),
    *("scale, bicubic", "scale, nearest", "pixel shuffle", "channel shuffle"),
    "layer norm",
)


def test_each_network_is_tried(networks):
    assert set(networks.EXACT) == set(EXACT)


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
