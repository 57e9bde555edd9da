"""Weights and curves of trainings that take longer than a lesson.

`make weights` makes them again; the recipe is `tutorial_lib.recorded.recipes`.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent

__all__ = ["FOLDER", "read_history", "weights_path"]


def weights_path(name: str) -> Path:
    """Path of a trained model that the kit brings, a `.keras` file.

    Args:
        name: Name of the training, such as "fcnn_havel".

    Raises:
        ValueError: If there is none of this name; with those that there are.

    Example:
        >>> weights_path("fcnn_havel").name
        'fcnn_havel.keras'
    """
    return _recorded(name, ".keras")


def read_history(name: str) -> dict[str, list[float]]:
    """Curves of a training, by name of loss or metric: one value for each epoch.

    Args:
        name: Name of the training, such as "fcnn_havel".

    Raises:
        ValueError: If there is none of this name; with those that there are.

    Example:
        >>> curves = read_history("fcnn_havel")
        >>> len(curves["loss"]) == len(curves["val_loss"])
        True
    """
    return json.loads(_recorded(name, ".json").read_text())


def _recorded(name: str, suffix: str) -> Path:
    path = FOLDER / f"{name}{suffix}"
    if not path.exists():
        names = sorted(path.stem for path in FOLDER.glob(f"*{suffix}"))
        raise ValueError(f"No training '{name}' is recorded. There are: {names}.")
    return path
