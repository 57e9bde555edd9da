"""Recorded weights and curves of trainings that take longer than a lesson.

`make weights` trains again and replaces them; `tutorial_lib.recorded.recipes` is the
code of these trainings.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent

__all__ = ["FOLDER", "read_history", "weights_path"]


def weights_path(name: str) -> Path:
    """Path of the `.keras` file with the recorded weights of a training.

    Args:
        name: Name of the training, for example "fcnn_havel".

    Raises:
        ValueError: If no training with this name is recorded.

    Example:
        >>> weights_path("fcnn_havel").name
        'fcnn_havel.keras'
    """
    return _recorded(name, ".keras")


def read_history(name: str) -> dict[str, list[float]]:
    """Recorded curves of a training: one value for each epoch, by name.

    Args:
        name: Name of the training, for example "fcnn_havel".

    Returns:
        Values by name of the loss or metric, as in the `history.history` of Keras.

    Raises:
        ValueError: If no training with this name is recorded.

    Example:
        >>> curves = read_history("fcnn_havel")
        >>> len(curves["loss"]) == len(curves["val_loss"])
        True
    """
    return json.loads(_recorded(name, ".json").read_text())


def _recorded(name: str, suffix: str) -> Path:
    path = FOLDER / f"{name}{suffix}"
    if not path.exists():
        names = ", ".join(sorted(path.stem for path in FOLDER.glob(f"*{suffix}")))
        raise ValueError(f"No training '{name}' is recorded. Choose from: {names}.")
    return path
