"""Networks that PyTorch exports, with the installed PyTorch: `make test-slow`.

PyTorch is no dependency of the kit. `pip install torch onnxscript
segmentation-models-pytorch` in the kit's environment makes these tests run.
"""

import warnings

import numpy as np
import onnx
import pytest
from onnx_networks import measured_margins, run

import tutorial_lib as tl
from tutorial_lib.fields.onnx_files.layouts import FIRST
from tutorial_lib.fields.onnx_files.reading import input_layouts

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install torch onnxscript"
)
nn, functional = torch.nn, torch.nn.functional

pytestmark = [
    pytest.mark.slow,
    # Those of PyTorch's own exporter.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
EXPORTERS = ("torchscript", "dynamo")


def exported(model, exporter, path, channels=3, side=64, opset=17):
    """A network as a file for images of any size, with positive weights."""
    model = positive(model).eval()
    example = torch.zeros(1, channels, side, side + 32)
    names = {"input_names": ["image"], "output_names": ["out"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "torchscript":
            free = {0: "batch", 2: "height", 3: "width"}
            torch.onnx.export(
                model, (example,), path, dynamo=False, opset_version=opset,
                dynamic_axes={"image": free, "out": free}, **names,
            )  # fmt: skip
        else:
            sizes = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
            torch.onnx.export(
                model, (example.repeat(2, 1, 1, 1),), path, dynamo=True,
                dynamic_shapes=(sizes,), verbose=False, **names,
            )  # fmt: skip
    return onnx.load(path)


def positive(model):
    """The model with positive weights: each pixel that is read has an effect."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                weight = module.weight
                weight.uniform_(0.5, 1.5, generator=generator)
                weight /= weight[0].numel()
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.fill_(1)
    return model


class Stride(nn.Module):
    """Convolutions with strides, and transposed ones with all settings."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.up = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.PReLU(4)

    def forward(self, x):
        net = functional.silu(self.norm(self.down(x)))
        return self.act(self.up(self.deep(net)))


class Unet(nn.Module):
    """Enlarged to the size of the skip, in one of several ways."""

    def __init__(self, up):
        super().__init__()
        self.one, self.two = (
            nn.Conv2d(3, 4, 3, padding=1),
            nn.Conv2d(4, 4, 3, padding=1),
        )
        self.three, self.last = nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(4, 2, 1)
        self.up = up

    def forward(self, x):
        fine = functional.relu(self.one(x))
        net = functional.relu(self.two(functional.max_pool2d(fine, 2)))
        net = torch.cat([self.up(net, fine), fine], 1)
        return torch.softmax(self.last(functional.gelu(self.three(net))), 1)


class PixelShuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 16, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        net = self.conv(functional.pixel_unshuffle(x, 2))
        return functional.pixel_shuffle(net, 2)[:, :, 2:-2, 2:-2]


class ChannelShuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, groups=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)

    def forward(self, x):
        net = functional.hardswish(self.conv(x))
        batch, channels, rows, cols = net.shape
        net = net.view(batch, 2, channels // 2, rows, cols).transpose(1, 2)
        net = self.grouped(net.reshape(batch, channels, rows, cols))
        return net.mean(1, keepdim=True)


class LayerNorm(nn.Module):
    """As ConvNeXt has it: over the channels, in the last axis."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 7, padding=3)
        self.norm, self.mix = nn.LayerNorm(8), nn.Linear(8, 4)

    def forward(self, x):
        net = self.norm(self.conv(x).permute(0, 2, 3, 1))
        return functional.gelu(self.mix(net)).permute(0, 3, 1, 2)


def interpolated(**settings):
    def up(net, fine):
        return functional.interpolate(net, size=fine.shape[-2:], **settings)

    return up


def scaled(**settings):
    def up(net, fine):
        return functional.interpolate(net, scale_factor=2, **settings)

    return up


EXACT = {
    "strides": Stride,
    "size, bilinear": lambda: Unet(interpolated(mode="bilinear")),
    "size, nearest": lambda: Unet(interpolated(mode="nearest")),
    "scale, bilinear": lambda: Unet(scaled(mode="bilinear")),
    "scale, bicubic": lambda: Unet(scaled(mode="bicubic")),
    "scale, nearest": lambda: Unet(scaled(mode="nearest")),
    "pixel shuffle": PixelShuffle,
    "channel shuffle": ChannelShuffle,
    "layer norm": LayerNorm,
}


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", EXACT)
def test_margins_of_an_exported_network_equal_the_measured_ones(
    name, exporter, tmp_path
):
    model = exported(EXACT[name](), exporter, tmp_path / "network.onnx")
    assert set(input_layouts(model).values()) == {FIRST}
    found = tl.analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


@pytest.mark.parametrize("opset", [11, 13, 20])
def test_older_operators_have_the_same_margins(opset, tmp_path):
    network = Unet(interpolated(mode="bilinear"))
    model = exported(network, "torchscript", tmp_path / "network.onnx", opset=opset)
    found = tl.analyse(model).margins["out"]
    assert found == measured_margins(model, np.random.default_rng(0))


class GroupNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8)

    def forward(self, x):
        return self.norm(self.conv(x))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        net = self.conv(x)
        tokens = net.flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens)
        return mixed.transpose(1, 2).reshape(net.shape)


@pytest.mark.parametrize(
    ("build", "exporter"),
    [(GroupNorm, "torchscript"), (GroupNorm, "dynamo"), (Attention, "dynamo")],
)
def test_a_network_that_looks_at_the_whole_chunk_says_so(build, exporter, tmp_path):
    model = exported(build(), exporter, tmp_path / "network.onnx")
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    assert analysis.whole_tile_layers


def test_sizes_that_the_exporter_wrote_as_numbers_are_refused(tmp_path):
    """The older one writes the number of tokens of its example."""
    model = exported(Attention(), "torchscript", tmp_path / "network.onnx")
    with pytest.raises(ValueError, match=r"Reshape .* no rule says where the pixels"):
        tl.analyse(model)


def test_aligned_corners_are_refused_by_name(tmp_path):
    up = scaled(mode="bilinear", align_corners=True)
    model = exported(Unet(up), "torchscript", tmp_path / "network.onnx")
    with pytest.raises(ValueError, match=r"align_corners.*Resize|Resize.*align_corner"):
        tl.analyse(model)


def published(decoder, encoder):
    smp = pytest.importorskip(
        "segmentation_models_pytorch",
        reason="pip install segmentation-models-pytorch",
    )
    torch.manual_seed(0)
    return getattr(smp, decoder)(encoder, encoder_weights=None, classes=3)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("encoder", ["resnet18", "resnet34", "mobilenet_v2"])
def test_a_published_unet_has_margins_that_cover_the_measured_ones(
    encoder, exporter, tmp_path
):
    """Most units of such a deep network have little effect: the margins may be less."""
    model = exported(published("Unet", encoder), exporter, tmp_path / "network.onnx")
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
    decoder, encoder, exporter, tmp_path
):
    """FPN has a GroupNorm, and DeepLab the mean of the image."""
    model = exported(published(decoder, encoder), exporter, tmp_path / "network.onnx")
    analysis = tl.analyse(model)
    assert analysis.margins["out"] is None
    kinds = {step.name: step.kind for step in analysis.steps}
    means = {"InstanceNormalization", "GroupNormalization"}
    if decoder == "DeepLabV3Plus":
        means = {"GlobalAveragePool", "ReduceMean"}
    assert {kinds[name] for name in analysis.whole_tile_layers} <= means
