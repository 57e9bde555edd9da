"""Published networks of PyTorch as ONNX files: their fields, proofs and maps.

They come from segmentation_models_pytorch and torchvision, without trained weights:
`make test-slow`, and CONTRIBUTING.md says how these tests run.
"""

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_networks import EXPORTERS, WITH_PYTORCH, run
from scenes import write

import tutorial_lib as tl
from tutorial_lib.rasters import read_array

pytestmark = WITH_PYTORCH
NO_DATA = -1
# Largest difference of two sums of floats in another order, as a share of the range.
SHARE = 1e-5


def network_of(networks, name):
    """A network by its decoder and encoder, or by torchvision's name."""
    decoder, _, encoder = name.partition(" ")
    if not encoder:
        return networks.Scores(decoder)
    decoder, _, setting = decoder.partition("+")
    settings = {"decoder_attention_type": setting} if setting else {}
    return networks.published(decoder, encoder, **settings)


def assert_margins_cover_what_is_measured(model):
    """Most units of a deep network have little effect: the margins may be less."""
    analysis = tl.analyse(model)
    margins, stride = analysis.margins["out"], analysis.total_stride["image"]
    side = stride * (-(-max(margins) // stride) * 2 + 2)
    rng = np.random.default_rng(0)
    whole_image = rng.uniform(0, 1, (1, side + 2 * stride, side + 3 * stride, 3))
    rows, cols = slice(stride, stride + side), slice(2 * stride, 2 * stride + side)
    whole = run(model, {"image": whole_image})["out"][0, rows, cols]
    chunk = run(model, {"image": whole_image[:, rows, cols]})["out"][0]
    left, top, right, bottom = margins
    inner = slice(top, side - bottom), slice(left, side - right)
    scale = np.ptp(whole)
    assert np.abs(whole[inner] - chunk[inner]).max() <= SHARE * scale
    # The borders of a chunk do have an effect.
    assert np.abs(whole - chunk).max() > 1e-3 * scale


@pytest.mark.parametrize(
    ("name", "exporter"),
    [
        *(("Unet resnet18", exporter) for exporter in EXPORTERS),
        *(("Unet mobilenet_v2", exporter) for exporter in EXPORTERS),
        # Without a level of half the size, in whose place there is an empty tensor.
        *(("Unet tu-convnext_atto", exporter) for exporter in EXPORTERS),
        ("Unet resnet34", "torchscript"),
        ("Unet vgg11_bn", "torchscript"),
        ("Unet timm-regnetx_002", "torchscript"),
        ("UnetPlusPlus resnet18", "torchscript"),
        ("Linknet resnet18", "torchscript"),
        ("fcn_resnet50", "torchscript"),
    ],
)
def test_margins_of_a_published_network_cover_the_measured_ones(
    networks, name, exporter, tmp_path
):
    network = network_of(networks, name)
    model = networks.exported(network, exporter, tmp_path / "network.onnx")
    assert_margins_cover_what_is_measured(model)


MEANS = {"GlobalAveragePool", "ReduceMean"}
NORMS = {"InstanceNormalization", "GroupNormalization"}


@pytest.mark.parametrize(
    ("name", "exporter", "kinds"),
    [
        *(("FPN resnet18", exporter, NORMS) for exporter in EXPORTERS),
        *(("DeepLabV3Plus mobilenet_v2", exporter, MEANS) for exporter in EXPORTERS),
        *(("MAnet resnet18", exporter, {"MatMul"} | MEANS) for exporter in EXPORTERS),
        ("FPN mobilenet_v2", "torchscript", NORMS),
        ("DeepLabV3Plus resnet18", "torchscript", MEANS),
        ("DeepLabV3 resnet18", "torchscript", MEANS),
        ("Unet+scse resnet18", "torchscript", MEANS),
        ("Unet efficientnet-b0", "torchscript", MEANS),
        # It pads as TensorFlow does: by a number that follows from the image's size.
        ("Unet timm-mobilenetv3_large_100", "torchscript", MEANS),
        ("Unet mit_b0", "torchscript", {"MatMul"}),
        ("deeplabv3_mobilenet_v3_large", "torchscript", MEANS),
        ("lraspp_mobilenet_v3_large", "torchscript", MEANS),
    ],
)
def test_a_published_network_that_looks_at_the_whole_chunk_says_so(
    networks, name, exporter, kinds, tmp_path
):
    path = tmp_path / "network.onnx"
    model = networks.exported(network_of(networks, name), exporter, path)
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    found = {step.name: step.kind for step in analysis.steps}
    assert {found[layer] for layer in analysis.whole_tile_layers} <= kinds
    assert analysis.whole_tile_layers
    certificate = tl.certify(path, "out", tile=64, progress=False)
    assert not certificate.exact
    assert certificate.margins is None
    assert certificate.scale == 1
    pixels = image_with_gaps(64, 96, 3)
    scene = write(tmp_path / "scene.tif", pixels, nodata=NO_DATA)
    with pytest.raises(
        ValueError, match=r"looks at the whole chunk.*declare the fields"
    ):
        tl.predict_raster(path, scene, tmp_path / "map.tif", output="out")
    # One tile of the whole image, with fields that say so.
    source = tl.Source(scene, receptive_field=32)
    tl.predict_raster(
        path, source, tmp_path / "map.tif", output="out", expression_field=32,
        tile_size=96, nodata_rule=None, progress=False,
    )  # fmt: skip
    whole = tl.load_predictor(path)({"image": pixels[np.newaxis]}, ["out"])["out"][0]
    assert largest_difference(read_array(tmp_path / "map.tif"), whole) <= SHARE


@pytest.mark.parametrize(
    ("name", "exporter", "message"),
    [
        (
            "Segformer resnet18",
            "torchscript",
            "align_corners=False.*UpsamplingBilinear",
        ),
        ("PSPNet resnet18", "dynamo", "align_corners=False.*UpsamplingBilinear"),
        ("UPerNet resnet18", "dynamo", "GatherND.* reads its input. Measure it"),
    ],
)
def test_a_published_network_without_a_rule_is_refused_with_the_cure(
    networks, name, exporter, message, tmp_path
):
    network = network_of(networks, name)
    model = networks.exported(network, exporter, tmp_path / "network.onnx")
    with pytest.raises(ValueError, match=message):
        tl.analyse(model)


def test_the_cure_for_aligned_corners_helps(networks, tmp_path):
    network = networks.without_aligned_corners(
        network_of(networks, "Segformer resnet18"), factor=4
    )
    model = networks.exported(network, "torchscript", tmp_path / "network.onnx")
    assert_margins_cover_what_is_measured(model)


def image_with_gaps(height, width, bands):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 1, (height, width, bands)).astype("float32")
    pixels[height // 3 : height // 2, width // 4 : width // 3] = NO_DATA
    pixels[rng.random((height, width)) < 1e-3] = NO_DATA
    return pixels


def largest_difference(one, other):
    """As a share of the range of the values."""
    return np.abs(one - other).max() / np.ptp(other)


def with_labels(model, path):
    """The file with labels too, as `scores.argmax(1)` of PyTorch gives them."""
    model.graph.node.append(
        helper.make_node("ArgMax", ["out"], ["labels"], axis=1, keepdims=0)
    )
    shape = ["batch", "height", "width"]
    labels = helper.make_tensor_value_info("labels", onnx.TensorProto.INT64, shape)
    model.graph.output.append(labels)
    onnx.save(model, path)
    return model


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("encoder", ["resnet18", "mobilenet_v2"])
def test_tiles_of_a_published_unet_give_the_map_of_the_whole_image(
    networks, encoder, exporter, tmp_path
):
    network, path = networks.published("Unet", encoder, in_channels=4), "network.onnx"
    model = networks.exported(
        network, exporter, tmp_path / "exported.onnx", 4, positive_weights=False
    )
    model = with_labels(model, path := tmp_path / path)
    height, width = 701, 829
    pixels = image_with_gaps(height, width, 4)
    scene = write(tmp_path / "scene.tif", pixels, nodata=NO_DATA)
    # The kit gives the network zeros for pixels without data, and beyond the borders.
    empty = (pixels == NO_DATA).any(-1)
    whole_image = np.zeros((1, 704, 832, 4), "float32")
    whole_image[0, :height, :width] = np.where(empty[..., np.newaxis], 0, pixels)
    whole = run(model, {"image": whole_image})
    whole = {name: array[0, :height, :width] for name, array in whole.items()}
    best = np.sort(whole["out"], axis=-1)
    tie = best[..., -1] - best[..., -2] <= SHARE * np.ptp(whole["out"])
    assert len(np.unique(whole["labels"][~empty & ~tie])) > 1

    def mapped(output, side):
        to = tmp_path / f"{output}_{side}.tif"
        given = {"output": output, "tile_size": side, "edge": "pad"}
        tl.predict_raster(path, scene, to, progress=False, **given)
        return read_array(to)

    for side in (224, 352):
        scores = mapped("out", side)
        assert np.isnan(scores[empty]).all()
        assert largest_difference(scores[~empty], whole["out"][~empty]) <= SHARE
    labels = mapped("labels", 288)[..., 0]
    assert (labels[empty] == 255).all()
    assert (tie | (labels == whole["labels"][..., 0]))[~empty].all()
    certificate = tl.certify(path, "out", tile=64, progress=False)
    assert certificate.exact
    analysed = tl.analyse(path).margins["out"]
    assert all(map(int.__le__, certificate.margins, analysed))
