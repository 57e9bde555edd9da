"""Saved networks as TensorflowModelServe calls them: by placeholders and outputs."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.fields.checks import check_output
from tutorial_lib.networks.predictors import load_predictor
from tutorial_lib.notices import tensorflow_needed, warn

if TYPE_CHECKING:
    from tutorial_lib.networks.running import CompiledModel

Value = bool | int | float | list[float]

__all__ = ["Network", "pixels_of", "placeholders_of", "user_values"]


class Network:
    """A saved network, with the names of what it is given and what it is asked for.

    Attributes:
        inputs: Name of the input of each source.
        outputs: Names of the outputs whose bands are stacked.
        channels: Number of bands that each input takes, None where any number goes.

    Args:
        path: A SavedModel folder, or a `.keras` file.
        placeholders: Name of the input of each source; None for the n-th one in
            alphabetical order.
        outputs: Names of the outputs; None for the first one in alphabetical order.
        values: Values of inputs that are no images.
        tags: Tags of the graph in the SavedModel; None for "serve".

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is no saved network, or does not have an input or an output.
    """

    def __init__(
        self,
        path: str,
        placeholders: Sequence[str | None],
        outputs: Sequence[str] | None = None,
        values: Mapping[str, Value] | None = None,
        tags: Sequence[str] | None = None,
    ) -> None:
        with tensorflow_needed():
            self._run = _loaded(path, dict(values or {}), tags)
        self.inputs = placeholders_of(placeholders, sorted(self._run.shapes))
        self.channels = [self._run.channels[name] for name in self.inputs]
        self.outputs = _outputs(outputs, sorted(self._run.outputs))

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs, in their order.

        Args:
            arrays: Images (batch, height, width, band) of the sources, in their order.

        Raises:
            ValueError: If the network does not take these sizes.
            MemoryError: If the machine has not enough memory.
        """
        given = dict(zip(self.inputs, arrays, strict=True))
        # An output that is asked for twice is computed once.
        found = self._run(given, list(dict.fromkeys(self.outputs)))
        return [found[name] for name in self.outputs]


def _loaded(
    path: str, values: dict[str, Value], tags: Sequence[str] | None
) -> "CompiledModel":
    folder = Path(path)
    folder = folder.parent if folder.name == "saved_model.pb" else folder
    if not (folder / "saved_model.pb").exists():
        if values:
            raise ValueError(
                "`model.userplaceholders` needs a SavedModel. Export the network: "
                "`model.export(folder)`."
            )
        return load_predictor(path).function
    from tutorial_lib.networks.running import served, signature_of

    loaded, serve = signature_of(folder, None if tags == ["serve"] else tags)
    specs = serve.structured_input_signature[1]
    others = {n for n, spec in specs.items() if spec.shape.rank not in (None, 4)}
    if missing := sorted(others - values.keys()):
        shape = tuple(specs[missing[0]].shape)
        raise ValueError(
            f"The network's input '{missing[0]}' of the shape {shape} is no image. "
            f'Give its value: `model_userplaceholders="{missing[0]}=…"`.'
        )
    if unknown := sorted(values.keys() - specs.keys()):
        raise ValueError(
            f"`model.userplaceholders` names '{unknown[0]}', and the network has the "
            f"inputs {', '.join(sorted(specs))}."
        )
    return served(loaded, serve, values)


def placeholders_of(
    given: Sequence[str | None], inputs: Sequence[str]
) -> tuple[str, ...]:
    """Name of the input of each source.

    Args:
        given: What the caller says of each source; None for the n-th input.
        inputs: Names of the inputs in alphabetical order.

    Raises:
        ValueError: If there is no such input, two sources have the same one, or one has
            no source.

    Example:
        >>> placeholders_of(["x20", "x10"], ["x10", "x20"])
        ('x20', 'x10')
        >>> placeholders_of([None, None], ["pan", "xs"])
        ('pan', 'xs')
    """
    has = f"the network has the inputs {', '.join(inputs)}"
    if len(given) > len(inputs):
        raise ValueError(
            f"There are {len(given)} sources, and {has}. Give one source for each."
        )
    names = [name or inputs[i] for i, name in enumerate(given)]
    for number, name in enumerate(names, 1):
        if name not in inputs:
            raise ValueError(
                f"`source{number}.placeholder` is '{name}', and {has}. Use one of them."
            )
        if name in names[: number - 1]:
            raise ValueError(
                f"Two sources go into the input '{name}'. Name the input of each one: "
                f"`source{number}_placeholder=…`; {has}."
            )
    if missing := [name for name in inputs if name not in names]:
        number = len(names) + 1
        raise ValueError(
            f"No source goes into the input '{missing[0]}', and {has}. Give one more: "
            f"`source{number}_il=…`, `source{number}_placeholder='{missing[0]}'`."
        )
    return tuple(names)


def _outputs(given: Sequence[str] | None, known: list[str]) -> tuple[str, ...]:
    if given:
        for name in given:
            check_output(name, known)
        return tuple(given)
    if len(known) > 1:
        warn(
            f"`output_names` is not given: the map is made from '{known[0]}', the "
            f"first of {', '.join(known)}. Name the one that you want."
        )
    return (known[0],)


def pixels_of(
    array: np.ndarray, height: int, width: int, *, patches: bool
) -> np.ndarray | None:
    """An output of a network as pixels of a map.

    Args:
        array: The output, of 1 to 4 axes.
        height: Rows of the map that it is to give.
        width: Columns of it.
        patches: Whether it has one image for each pixel, not one for all of them.

    Returns:
        (height, width, band) pixels; None if the output holds another number of them.

    Example:
        >>> pixels_of(np.zeros((6, 4)), 2, 3, patches=True).shape
        (2, 3, 4)
        >>> pixels_of(np.zeros((1, 2, 3)), 2, 3, patches=False).shape
        (2, 3, 1)
        >>> pixels_of(np.zeros((1, 3, 2, 4)), 2, 3, patches=False) is None
        True
    """
    # As in OTBTF: the bands are the last of 2 or 4 axes.
    if array.ndim in (1, 3):
        array = array[..., np.newaxis]
    if array.ndim not in (2, 4):
        return None
    images = (height * width, 1, 1) if patches else (1, height, width)
    if array.ndim == 4 and array.shape[:3] != images:
        return None
    if array.ndim == 2 and len(array) != height * width:
        return None
    return array.reshape(height, width, array.shape[-1])


def user_values(words: Sequence[str] | None) -> dict[str, Value]:
    """The values of `model.userplaceholders`.

    Args:
        words: Words such as `a=1`; a vector in brackets may be several words.

    Raises:
        ValueError: If a word is something else.

    Example:
        >>> user_values(["drop=0.5", "training=false", "means=(1.0,", "2)", "n=3"])
        {'drop': 0.5, 'training': False, 'means': [1.0, 2.0], 'n': 3}
    """
    text = " ".join(words or ())
    values = {}
    for part in re.findall(r"[^\s=]+=\([^)]*\)|\S+", text):
        name, _, value = part.partition("=")
        try:
            values[name] = _value(value)
        except ValueError:
            raise ValueError(
                f"`model.userplaceholders` has '{part}'. Write name=value with a "
                "number, true, false, or numbers in brackets: `a=1 b=true c=(1,2.5)`."
            ) from None
    return values


def _value(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.startswith("(") and text.endswith(")"):
        return [float(number) for number in text[1:-1].split(",")]
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    return float(text)
