"""Scores of each class, a baseline, replays of early stopping, and live curves.

There are two ways to decide which class a pixel has. By *argmax* it has its most
probable class. At the *threshold* it has each class whose probability is above 0.5.
With more than two classes the most probable class may be below 0.5; then the pixel has
no class at the threshold. Maps are made by argmax. `keras.metrics.Precision` and
`Recall` with a `class_id` use the threshold, and so do all names here that begin with
`threshold_`.
"""

from importlib import import_module
from typing import Any

from tutorial_lib.training.area_adjusted import (
    AreaAdjustedScores,
    area_adjusted_scores,
)
from tutorial_lib.training.baseline import maximum_likelihood
from tutorial_lib.training.calibration import (
    Reliability,
    calibration_error,
    reliability,
)
from tutorial_lib.training.early_stopping import StoppingReplay, replay_early_stopping
from tutorial_lib.training.evaluation import classify, evaluate_classes
from tutorial_lib.training.places import accuracy_interval, compare_over_places
from tutorial_lib.training.scores import ClassScores, compare_scores

# Modules of the names that need Keras. They are loaded on first use, so that
# `import tutorial_lib` does not load TensorFlow.
_LAZY = {"ClassMetrics": "metrics", "FScore": "metrics", "LiveCurves": "live_curves"}

__all__ = [
    "AreaAdjustedScores",
    "ClassMetrics",
    "ClassScores",
    "FScore",
    "LiveCurves",
    "Reliability",
    "StoppingReplay",
    "accuracy_interval",
    "area_adjusted_scores",
    "calibration_error",
    "classify",
    "compare_over_places",
    "compare_scores",
    "evaluate_classes",
    "maximum_likelihood",
    "reliability",
    "replay_early_stopping",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(
            f"tutorial_lib.training has no '{name}'. It has: {', '.join(__all__)}."
        )
    return getattr(import_module(f"tutorial_lib.training.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
