"""Checks of what goes into a network and what comes out, each with one wording."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

__all__ = ["OutputError", "check_exists", "check_inputs", "with_four_axes"]


class OutputError(ValueError):
    """A model gives outputs that the engine cannot use."""


def check_exists(path: Path) -> None:
    """Raise FileNotFoundError unless there is a saved model at a path."""
    if not path.exists():
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
                f"The {what} '{name}' has {count} channels, and the model takes "
                f"{known[name]}. {cure}"
            )


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
