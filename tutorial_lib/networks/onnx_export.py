"""Keras models as ONNX files: converted by tf2onnx, then compared with Keras.

A converter may report success and write a file that no program can load, or one that
computes something else. So a file gets its name only after ONNX Runtime has computed
the same with it as Keras.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from tutorial_lib.fields.analysis import analyse
from tutorial_lib.networks.calls import as_type
from tutorial_lib.networks.deepness import tile_form
from tutorial_lib.networks.onnx_conversion import (
    CHANNELS_FIRST,
    Conversion,
    converted,
    import_tf2onnx,
    not_written,
)
from tutorial_lib.networks.onnx_metadata import Described, metadata_of
from tutorial_lib.networks.onnx_needed import onnx_needed
from tutorial_lib.networks.onnxruntime import cause, new_session
from tutorial_lib.networks.running import of_keras
from tutorial_lib.notices import error_line
from tutorial_lib.rasters.files import replacing
from tutorial_lib.rasters.write_errors import errors_named

# Largest difference from Keras, as a part of the largest value. Rounding gives 1e-6 to
# 1e-5; a wrong conversion gives far more.
CLOSE = 1e-4
# Part of the values that may differ more: rounding decides where two classes are equal.
# A wrong border alone is a larger part of the images that are compared.
TIES = 1e-3
# Images for the comparison have about this many pixels beyond the smallest ones.
TRIAL_PIXELS = 40
# Largest values of the two images: networks scale 0 to 1, or 0 to 10 000.
LARGEST_VALUES = (1, 10_000)

Sizes = Mapping[str, tuple[int, int]]

__all__ = ["write_onnx"]


def write_onnx(
    model: keras.Model,
    path: Path,
    *,
    layout: str,
    known: Described,
    deepness: str | None = None,
) -> None:
    """Write a model as an ONNX file; see `export`."""
    with onnx_needed("to write ONNX files"):
        import onnx
        import onnxruntime  # noqa: F401

        import_tf2onnx()
    conversion = _conversion(model, layout, deepness)
    metadata = metadata_of(model, conversion.analysis, known, layout=conversion.layout)
    if conversion.tile:
        metadata |= conversion.tile.metadata(known)
        metadata |= {"margins": json.dumps({deepness: conversion.tile.margins})}
    with replacing(path) as part, errors_named(path):
        network = converted(conversion)
        onnx.helper.set_model_props(network, metadata)
        try:
            onnx.save(network, part)
        # Protocol buffers hold at most 2 GB.
        except ValueError as err:
            raise not_written(error_line(err)) from err
        _compare(conversion, part)


def _conversion(model: keras.Model, layout: str, deepness: str | None) -> Conversion:
    try:
        analysis = analyse(model)
    except (TypeError, ValueError):
        analysis = None
    if deepness is None:
        return Conversion(model, analysis, layout, tuple(model.output), None)
    tile = tile_form(model, analysis, deepness)
    return Conversion(model, analysis, CHANNELS_FIRST, (deepness,), tile)


def _compare(conversion: Conversion, path: Path) -> None:
    """Raise ValueError unless ONNX Runtime computes with a file what Keras computes."""
    try:
        session = new_session(str(path))
    # Any exception: ONNX Runtime has its own for each part of a file.
    except Exception as err:
        raise not_written(
            f"ONNX Runtime cannot load what tf2onnx made of it: {cause(err)}"
        ) from err
    keras_model = of_keras(conversion.model)
    turned = conversion.layout == CHANNELS_FIRST
    for most, sizes in zip(LARGEST_VALUES, _trial_sizes(conversion), strict=True):
        images = _images(conversion.model, sizes, most)
        expected = keras_model(images, conversion.outputs)
        expected = {n: np.asarray(x) for n, x in conversion.compute(expected).items()}
        given = {n: _turned(x, (0, 3, 1, 2), turned) for n, x in images.items()}
        try:
            results = session.run(list(conversion.outputs), given)
        # Any exception, as above.
        except Exception as err:
            raise not_written(f"ONNX Runtime cannot run it: {cause(err)}") from err
        for name, result in zip(conversion.outputs, results, strict=True):
            _check_same(name, _turned(result, (0, 2, 3, 1), turned), expected[name])


def _turned(array: np.ndarray, order: tuple[int, ...], turned: bool) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(order)) if turned else array


def _trial_sizes(conversion: Conversion) -> list[Sizes]:
    """Height and width of the images of two comparisons, neither of them square."""
    inputs, analysis = conversion.model.input, conversion.analysis
    if conversion.tile:
        return 2 * [dict.fromkeys(inputs, conversion.tile.input_shape[1:3])]
    if all(None not in x.shape[1:3] for x in inputs.values()):
        return 2 * [{name: tuple(x.shape[1:3]) for name, x in inputs.items()}]
    if analysis is None:
        # Most networks halve their images at most five times.
        return [dict.fromkeys(inputs, size) for size in ((96, 160), (160, 96))]
    stride = analysis.stride
    least = stride if analysis.whole_tile_layers else analysis.smallest_chunk
    steps = -(-TRIAL_PIXELS // stride)
    sides = [least + stride * (steps + more) for more in (0, 1, steps + 3)]
    return [
        {n: tuple(int(x / analysis.spacing[n]) for x in size) for n in inputs}
        for size in ((sides[0], sides[2]), (sides[1], sides[0]))
    ]


def _images(model: keras.Model, sizes: Sizes, most: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    images = {
        name: rng.uniform(0, most, (1, *sizes[name], x.shape[-1]))
        for name, x in model.input.items()
    }
    return {n: as_type(x, np.dtype(model.input[n].dtype)) for n, x in images.items()}


def _check_same(name: str, given: np.ndarray, expected: np.ndarray) -> None:
    """Raise ValueError unless an output of a file is what Keras gives."""
    if given.shape != expected.shape:
        raise not_written(
            f"its output '{name}' has the shape {given.shape}, and {expected.shape} in "
            "Keras"
        )
    largest = np.abs(expected).max(initial=0, where=np.isfinite(expected))
    close = CLOSE * largest if expected.dtype.kind == "f" else 0
    off = ~np.isclose(given, expected, rtol=0, atol=close, equal_nan=True)
    if off.sum() > TIES * off.size:
        raise not_written(
            f"{off.mean():.1%} of the values of its output '{name}' differ from Keras"
        )
