"""Describe layers, and what differs between two of them, in words."""

from dataclasses import dataclass
from typing import Any

from tutorial_lib.exercises.graphs import Use

__all__ = ["Difference", "described", "differences", "is_swapped", "kind_of"]

_KINDS = {
    "Conv2D": "convolution",
    "Conv2DTranspose": "transposed convolution",
    "DepthwiseConv2D": "depthwise convolution",
    "SeparableConv2D": "separable convolution",
    "MaxPooling2D": "max pooling",
    "AveragePooling2D": "average pooling",
    "GlobalAveragePooling2D": "global average pooling",
    "GlobalMaxPooling2D": "global max pooling",
    "UpSampling2D": "upsampling",
    "Concatenate": "concatenation",
    "Add": "sum",
    "Argmax": "`labels_of`",
    "Dense": "dense layer",
    "Flatten": "flattening",
    "Dropout": "dropout",
    "BatchNormalization": "batch normalisation",
    "Activation": "activation",
    "Cropping2D": "crop",
    "ZeroPadding2D": "zero padding",
    "Rescaling": "scaling of the input",
    "Normalization": "standardisation of the input",
}

# Settings of layers, and the sentences on them: the learner's value, and the right one.
_SETTINGS: dict[str, tuple[str, str]] = {
    "filters": ("gives {} bands", "{}"),
    "units": ("gives {} values", "{}"),
    "kernel_size": ("has a kernel of {}", "{}"),
    "pool_size": ("takes blocks of {}", "{}"),
    "size": ("enlarges by {}", "{}"),
    "strides": ("has a stride of {}", "{}"),
    "dilation_rate": ("has a dilation of {}", "{}"),
    "padding": ("has the padding {}", "{}"),
    "activation": ("has {}", "{}"),
    "use_bias": ("has {}", "{}"),
    "cropping": ("removes {} pixels", "{}"),
    "rate": ("has the rate {}", "{}"),
    "scale": ("multiplies by {}", "{}"),
    "offset": ("adds {}", "{}"),
    "axis": ("works along axis {}", "{}"),
    "interpolation": ("has the interpolation {}", "{}"),
    "groups": ("has {} groups", "{}"),
    "depth_multiplier": ("has the depth multiplier {}", "{}"),
}


@dataclass(frozen=True)
class Difference:
    """One difference of a layer: what it has, and what it should have."""

    has: str
    should: str


def kind_of(use: Use) -> str:
    """The kind of a layer in words."""
    return _KINDS.get(use.kind, f"`{use.kind}`")


def _settings(use: Use) -> dict[str, Any]:
    """The settings of a layer that the sentences know."""
    return {
        name: getattr(use.layer, name) for name in _SETTINGS if hasattr(use.layer, name)
    }


def _written(name: str, value: Any) -> str:
    """A setting as a learner would write it."""
    if name == "activation":
        word = getattr(value, "__name__", str(value))
        return (
            "no activation" if word in ("linear", "None") else f"the activation {word}"
        )
    if name == "use_bias":
        return "a bias" if value else "no bias"
    if isinstance(value, str):
        return f'"{value}"'
    if name in ("kernel_size", "pool_size", "size") and isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, tuple) and len(set(value)) == 1:
        return _written(name, value[0])
    return str(value)


def differences(own: Use, right: Use) -> list[Difference]:
    """What differs between two layers."""
    if own.kind != right.kind:
        return [Difference(f"is of the kind {kind_of(own)}", kind_of(right))]
    ours, theirs = _settings(own), _settings(right)
    found = []
    for name, (has, should) in _SETTINGS.items():
        if name not in ours or name not in theirs:
            continue
        one, other = _written(name, ours[name]), _written(name, theirs[name])
        if one != other:
            found.append(Difference(has.format(one), should.format(other)))
    return found


def is_swapped(own: Use, right: Use) -> bool:
    """Whether a convolution has the right filters as kernel, or the other way round."""
    ours, theirs = _settings(own), _settings(right)
    names = ("filters", "kernel_size")
    if not all(name in one for one in (ours, theirs) for name in names):
        return False
    filters, kernel = ours["filters"], set(ours["kernel_size"])
    wanted = {theirs["filters"]}
    return kernel == wanted and set(theirs["kernel_size"]) == {filters} != wanted


def described(use: Use) -> str:
    """A layer with the settings that matter most."""
    settings = _settings(use)
    parts = [
        f"{word} {_written(name, settings[name])}"
        for name, word in (("filters", "filters:"), ("kernel_size", "kernel:"))
        if name in settings
    ]
    return f"{kind_of(use)} ({', '.join(parts)})" if parts else kind_of(use)
