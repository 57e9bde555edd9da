"""What an ONNX file says about itself: classes, bands, scaling, margins.

The values are JSON. Programs show them, and the QGIS plugin Deepness reads some of
them: `networks/deepness`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.rasters.legends import Legend

EXAMPLE = '{"input": ["red", "green", "blue"]}'

__all__ = ["Described", "described", "metadata_of"]


@dataclass(frozen=True)
class Described:
    """What only the user knows of a network.

    Attributes:
        class_names: Names of the classes, in the order of the channels; or none.
        bands: Names of the bands of each input, in their order; inputs may be missing.
        pixel_size_m: Side of a pixel of the reference; None if it is not said.
    """

    class_names: tuple[str, ...]
    bands: Mapping[str, tuple[str, ...]]
    pixel_size_m: float | None


def described(
    model: keras.Model, class_names: Any, bands: Any, pixel_size_m: Any
) -> Described:
    """Check what the user says of a network.

    Raises:
        TypeError: If it is not of the right kind.
        ValueError: If no output has a channel for each class, or an input another
            number of channels than bands.
    """
    if pixel_size_m is not None:
        pixel_size_m = arguments.number("pixel_size_m", pixel_size_m, above=0)
    return Described(
        _class_names(model, class_names), _bands(model, bands), pixel_size_m
    )


def _class_names(model: keras.Model, given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    given = given.names if isinstance(given, Legend) else given
    names = _texts("class_names", given)
    # A map of labels has one channel for all classes.
    channels = {n: x.shape[-1] for n, x in model.output.items() if "float" in x.dtype}
    if channels and len(names) not in channels.values():
        raise ValueError(
            f"`class_names` has {counted(len(names), 'name')}, and the outputs have "
            f"the channels {channels}. Give one name for each channel of an output."
        )
    return names


def _bands(model: keras.Model, given: Any) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if len(model.input) == 1 and not isinstance(given, Mapping):
        given = dict.fromkeys(model.input, given)
    bands = {
        name: _texts(f"bands[{name!r}]", value)
        for name, value in arguments.mapping("bands", given, EXAMPLE).items()
    }
    for name, names in bands.items():
        if name not in model.input:
            raise ValueError(
                f"`bands` has the input '{name}', and the model has: "
                f"{', '.join(model.input)}. Use the names of the model."
            )
        channels = model.input[name].shape[-1]
        if len(names) != channels:
            raise ValueError(
                f"`bands[{name!r}]` has {counted(len(names), 'name')}, and the input "
                f"has {counted(channels, 'channel')}. Give one for each."
            )
    return bands


def _texts(name: str, value: Any) -> tuple[str, ...]:
    return tuple(
        arguments.text(name, x) for x in arguments.sequence(name, value, "texts")
    )


def metadata_of(
    model: keras.Model,
    analysis: FieldAnalysis | None,
    known: Described,
    *,
    layout: str,
) -> dict[str, str]:
    """The metadata of an ONNX file, as JSON by key.

    Args:
        model: The model, with dictionaries of inputs and outputs.
        analysis: Its fields; None where they are not known.
        known: What only the user knows.
        layout: Order of the axes of inputs and outputs.

    Returns:
        What is not known is missing. `normalisation` is what the network itself does
        with the pixel values that it is given.

    Example:
        >>> from tutorial_lib import architectures
        >>> from tutorial_lib.fields.analysis import analyse
        >>> model = architectures.pixelwise_fcnn(2, crops=())
        >>> known = Described(("water", "land"), {}, 10)
        >>> made = metadata_of(model, analyse(model), known, layout="channels_last")
        >>> made["class_names"], made["normalisation"]
        ('{"0": "water", "1": "land"}', '{"input": {"scale": 0.0001, "offset": 0.0}}')
    """
    kit = "remote-sensing-tutorial-kit"
    found: dict[str, Any] = {
        "made_by": f"{kit} {version(kit)}, Keras {keras.__version__}",
        "layout": layout,
        "normalisation": _normalisation(model),
    }
    if analysis is not None:
        found["margins"] = dict(analysis.margins)
        found["total_stride"] = dict(analysis.total_stride)
        found["scale"] = {name: str(x) for name, x in analysis.scale.items()}
    if known.class_names:
        # Deepness reads the keys as channels.
        found["class_names"] = dict(enumerate(known.class_names))
    if known.bands:
        found["bands"] = known.bands
    if known.pixel_size_m is not None:
        found["pixel_size_m"] = known.pixel_size_m
    return {key: json.dumps(value) for key, value in found.items()}


def _normalisation(model: keras.Model) -> dict[str, dict[str, Any]]:
    """How the first layers after each input scale its values."""
    found = {}
    for name, tensor in model.input.items():
        for layer in model.layers:
            reads = [x for node in layer._inbound_nodes for x in node.input_tensors]
            if any(x is tensor for x in reads) and _scaling(layer):
                found[name] = _scaling(layer)
    return found


def _scaling(layer: Any) -> dict[str, Any]:
    names = ()
    if isinstance(layer, keras.layers.Rescaling):
        names = ("scale", "offset")
    elif isinstance(layer, keras.layers.Normalization):
        names = ("mean", "variance")
    # Numbers, lists or tensors: a `Normalization` that was adapted holds tensors.
    values = {name: np.asarray(getattr(layer, name), "float64") for name in names}
    return {name: value.squeeze().tolist() for name, value in values.items()}
