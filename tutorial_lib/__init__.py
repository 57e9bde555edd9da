"""Deep learning on remote sensing rasters, from patches to exact maps.

The names of this package load on first use, so that `import tutorial_lib` is quick and
needs neither TensorFlow nor matplotlib.
"""

import os
from importlib import import_module
from typing import Any

import wrapt

# TensorFlow reads these when it is imported. Without them its start fills a cell with
# log lines; and its oneDNN kernels change trained weights with the number of threads,
# need 0.2 GB more, and give arrays of a wrong shape for images under 16 pixels.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

_HOME = {
    "Certificate": "certificates",
    "GridMismatchError": "grids",
    "Legend": "rasters",
    "PatchModel": "models",
    "Patches": "patches",
    "Positions": "positions",
    "Source": "rasters",
    "analyse": "fields",
    "architectures": "",
    "browse_patches": "viewers.explorers",
    "certify": "certifying",
    "check_tiling": "tilings",
    "compare": "viewers.comparison",
    "distortion_curve": "distortion",
    "explore_fields": "viewers.explorers",
    "explore_stopping": "viewers.explorers",
    "export": "saving",
    "extract_patches": "patches",
    "labels_of": "models",
    "load_predictor": "predictors",
    "patch_dataset": "datasets",
    "plan_inference": "inference",
    "predict_raster": "inference",
    "read_grid": "rasters",
    "read_legend": "rasters",
    "read_patches": "patches",
    "register_rule": "layer_rules",
    "rmse": "distortion",
    "seam_score": "distortion",
    "select_positions": "positions",
    "show": "viewers",
    "show_curves": "viewers",
    "show_map": "viewers.webmaps",
    "show_patches": "viewers",
    "testing": "",
    "training": "",
    "write_patches": "patches",
}

__all__ = sorted(_HOME)


@wrapt.when_imported("keras")
def _register(_: Any) -> None:
    """Make saved models and metrics known to Keras, as soon as there is a Keras."""
    for module in ("models", "training.metrics"):
        import_module(f"tutorial_lib.{module}")


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"tutorial_lib has no '{name}'. It has: {', '.join(_HOME)}"
        )
    home = _HOME[name]
    if not home:
        return import_module(f"tutorial_lib.{name}")
    return getattr(import_module(f"tutorial_lib.{home}"), name)


def __dir__() -> list[str]:
    return __all__
