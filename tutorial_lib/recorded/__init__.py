"""Recorded weights and curves of trainings that take longer than a lesson.

`make weights` trains again and replaces them. `tutorial_lib.recorded.recordings` lists
these trainings, and `tutorial_lib.recorded.recipes` is their code. One network comes
from PyTorch: `tutorial_lib.recorded.from_pytorch` makes it.
"""

import json
from pathlib import Path

from tutorial_lib import arguments

FOLDER = Path(__file__).parent

__all__ = ["FOLDER", "read_history", "weights_path"]


def weights_path(name: str) -> Path:
    """Path of the file with the recorded weights of a training.

    Args:
        name: Name of the training, for example "fcnn_havel". "unet_pytorch_havel" was
            trained in PyTorch, and its file is an ONNX file. The others are `.keras`
            files.

    Raises:
        TypeError: If `name` is not a text.
        ValueError: If no training with this name is recorded.

    Example:
        >>> weights_path("fcnn_havel").name
        'fcnn_havel.keras'
    """
    return _recorded(name, ".keras", ".onnx")


def read_history(name: str) -> dict[str, list[float]]:
    """Recorded curves of a training: one value for each epoch, by name.

    Args:
        name: Name of the training, for example "fcnn_havel".

    Returns:
        Values by name of the loss or metric, as in the `history.history` of Keras.

    Raises:
        OSError: If its file is damaged.
        TypeError: If `name` is not a text.
        ValueError: If no training with this name is recorded.

    Example:
        >>> curves = read_history("fcnn_havel")
        >>> len(curves["loss"]) == len(curves["val_loss"])
        True
    """
    path = _recorded(name, ".json")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as err:
        raise OSError(
            f"'{path}' is damaged: it is not JSON. Get this file of the kit again, or "
            "run `make weights`."
        ) from err


def _recorded(name: str, *suffixes: str) -> Path:
    paths = sorted(path for path in FOLDER.iterdir() if path.suffix in suffixes)
    names = {path.stem: path for path in paths}
    if arguments.text("name", name) not in names:
        raise ValueError(
            f"No training '{name}' is recorded. Choose from: {', '.join(names)}."
        )
    return names[name]
