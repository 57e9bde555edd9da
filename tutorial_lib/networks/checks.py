"""Checks of what goes into a network and what comes out, each with one wording."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.kinds import kind_of
from tutorial_lib.rasters.causes import file_exists

Shape = tuple[int | None, ...]

__all__ = [
    "OutputError",
    "Shape",
    "as_arrays",
    "check_exists",
    "check_inputs",
    "check_shape",
    "checked_output",
    "with_four_axes",
]


class OutputError(ValueError):
    """A model gives outputs that the engine cannot use."""


def check_exists(path: Path) -> None:
    """Raise FileNotFoundError unless there is a saved model at a path."""
    if not file_exists(str(path)):
        raise FileNotFoundError(
            f"There is no model at '{path}'. Train and save it first."
        )


def check_inputs(
    given: Mapping[str, int | None] | Iterable[str],
    known: Mapping[str, int | None],
    *,
    what: str = "input",
    cure: str = "Give it as many.",
) -> None:
    """Raise ValueError unless names and channels match the inputs of a model.

    Args:
        given: {name: number of channels}, or only the names.
        known: `Predictor.channels` of the model: None where any number goes, empty when
            the inputs are not known.
        what: What is given, for the error: "input", "source".
        cure: How to correct a number of channels.

    Example:
        >>> check_inputs({"input": 3}, {"input": 4}, what="source")
        Traceback (most recent call last):
        ValueError: The source 'input' has 3 channels, and the model takes 4. Give it as
        many.
        >>> check_inputs(["image"], {"input": 4})
        Traceback (most recent call last):
        ValueError: The inputs are named ['image'], those of the model ['input'].
        Use the names of the model.
    """
    channels = given if isinstance(given, Mapping) else dict.fromkeys(given)
    if known and set(channels) != set(known):
        raise ValueError(
            f"The {what}s are named {list(channels)}, those of the model "
            f"{list(known)}. Use the names of the model."
        )
    for name, count in channels.items():
        if None not in (count, known.get(name)) and count != known[name]:
            raise ValueError(
                f"The {what} '{name}' has {counted(count, 'channel')}, and the model "
                f"takes {known[name]}. {cure}"
            )


def check_shape(name: str, given: Shape, taken: Shape) -> None:
    """Raise ValueError unless a model takes images of a shape.

    Args:
        name: The input.
        given: (batch, height, width, channel) of the images.
        taken: The same of the input, None where any number goes.
    """
    if all(one in (None, other) for one, other in zip(taken, given, strict=True)):
        return
    if None in taken[1:3] or given[3] not in (None, taken[3]):
        raise ValueError(
            f"The input '{name}' has the shape {given}, and the model takes {taken}. "
            "Give it images of this shape."
        )
    height, width, channels = taken[1:]
    raise ValueError(
        f"The input '{name}' has {given[1]}x{given[2]} px, and the model takes images "
        f"of {height}x{width} px only. For images of any size rebuild it with "
        f"`keras.Input((None, None, {channels}))` and copy its weights, "
        "`new.set_weights(old.get_weights())`."
    )


def as_arrays(
    inputs: Mapping[str, Any], channels: Mapping[str, int | None]
) -> dict[str, np.ndarray]:
    """The inputs of a model as arrays (batch, height, width, channel).

    Args:
        inputs: {input name: array}.
        channels: `Predictor.channels` of the model.

    Raises:
        TypeError: If the inputs are not given by name, or do not hold real numbers.
        ValueError: If the model does not take the names, axes or channels.
    """
    names = list(channels) or ["input"]
    given = arguments.mapping("inputs", inputs, f"{{{names[0]!r}: array}}")
    check_inputs(list(given), channels)
    return {
        name: _as_image(name, value, channels.get(name))
        for name, value in given.items()
    }


def _as_image(name: str, value: Any, channels: int | None) -> np.ndarray:
    array = _as_numbers(value)
    if array is None:
        raise TypeError(
            f"The input '{name}' is not an array of real numbers. Give one of the "
            f"shape (batch, height, width, {channels or 'channel'})."
        )
    if array.ndim != 4 or channels not in (None, array.shape[-1]):
        single = "; give one image as `image[np.newaxis]`" * (array.ndim == 3)
        raise ValueError(
            f"The input '{name}' has the shape {array.shape}. The model takes (batch, "
            f"height, width, {channels or 'channel'}){single}."
        )
    return array


def _as_numbers(value: Any) -> np.ndarray | None:
    """A value as an array of real numbers; None if it is none."""
    try:
        array = np.asarray(value)
    # Any exception: lists of unequal length, and tensors that have no values.
    except Exception:
        return None
    return array if array.dtype.kind in "buif" else _of_another_library(array)


def _of_another_library(array: np.ndarray) -> np.ndarray | None:
    # bfloat16 is a type that NumPy does not know.
    return array.astype("float32") if array.dtype.name == "bfloat16" else None


def checked_output(arrays: Any, name: str, inputs: Mapping[str, Any]) -> np.ndarray:
    """One output of a model, as (batch, height, width, channel).

    Args:
        arrays: What the model gave.
        name: Name of the output.
        inputs: What was given to the model.

    Raises:
        OutputError: If there is no such output, it does not hold real numbers, or it
            has other axes or another number of images.
    """
    if not isinstance(arrays, Mapping):
        raise OutputError(
            "A function that is a model returns {output name: array}. Received: "
            f"{kind_of(arrays)}."
        )
    if name not in arrays:
        names = sorted(map(str, arrays))
        raise OutputError(f"The model gives no output '{name}'. It gives: {names}.")
    array = _as_numbers(arrays[name])
    if array is None:
        kind = getattr(arrays[name], "dtype", None)
        of = f" of {kind}" if kind else ""
        raise OutputError(
            f"The output '{name}' is not an array of real numbers, but "
            f"{kind_of(arrays[name])}{of}. Return an array of the shape (batch, "
            "height, width, channel)."
        )
    array = with_four_axes(array, name)
    counts = {len(value) for value in inputs.values()}
    if len(counts) == 1 and len(array) not in counts:
        raise OutputError(
            f"The output '{name}' has {len(array)} images for {counts.pop()} that were "
            "given. Return one for each."
        )
    return array


def with_four_axes(array: np.ndarray, name: str) -> np.ndarray:
    """An output as (batch, height, width, channel); (batch, channel) is one pixel.

    Raises:
        OutputError: If it has neither four nor two axes.
    """
    if array.ndim == 4:
        return array
    if array.ndim == 2:
        return array[:, np.newaxis, np.newaxis, :]
    raise OutputError(
        f"The output '{name}' has the shape {array.shape}. The engine needs (batch, "
        "height, width, channel) or (batch, channel)."
    )
