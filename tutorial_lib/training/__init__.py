"""How a training goes, and how good its model is.

Two decisions make a class of probabilities. By *argmax* the most probable class wins.
At the *threshold* a class is found where its own probability is above 0.5: with more
than two classes a winner may be below it, and then nothing is found. Maps are made by
argmax; `keras.metrics.Precision(class_id=…)` and `Recall` use the threshold. Names that
begin with `threshold_` mean the second.
"""

from importlib import import_module
from typing import Any

from tutorial_lib.training.early_stopping import StoppingReplay, replay_early_stopping
from tutorial_lib.training.scores import ClassScores, compare_scores, evaluate_classes

# Classes of Keras: it is loaded when one of them is used.
_HOME = {"ClassMetrics": "metrics", "FScore": "metrics", "LiveCurves": "live_curves"}

__all__ = [
    "ClassMetrics",
    "ClassScores",
    "FScore",
    "LiveCurves",
    "StoppingReplay",
    "compare_scores",
    "evaluate_classes",
    "replay_early_stopping",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"tutorial_lib.training has no '{name}'. It has: {', '.join(__all__)}"
        )
    return getattr(import_module(f"tutorial_lib.training.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
