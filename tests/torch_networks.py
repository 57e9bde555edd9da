"""Networks of PyTorch as ONNX files, for tests where PyTorch is installed."""

import warnings

import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional


def exported(
    model, exporter, path, channels=3, side=64, opset=17, positive_weights=True
):
    """A network as a file for images of any size, by default with positive weights."""
    model = (positive(model) if positive_weights else model).eval()
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


def published(decoder, encoder, **settings):
    smp = pytest.importorskip(
        "segmentation_models_pytorch",
        reason="pip install segmentation-models-pytorch",
    )
    torch.manual_seed(0)
    settings = {"encoder_weights": None, "classes": 3} | settings
    return getattr(smp, decoder)(encoder, **settings)


class Scores(nn.Module):
    """The scores of one of torchvision's networks, without those for training."""

    def __init__(self, name):
        super().__init__()
        torchvision = pytest.importorskip(
            "torchvision", reason="pip install torchvision"
        )
        torch.manual_seed(0)
        make = getattr(torchvision.models.segmentation, name)
        self.network = make(weights=None, weights_backbone=None, num_classes=3)

    def forward(self, x):
        return self.network(x)["out"]


def without_aligned_corners(network, factor):
    """The network with another layer at its end, as the page on ONNX files has it."""
    network.segmentation_head[1] = nn.Upsample(scale_factor=factor, mode="bilinear")
    return network
