"""Deep learning on remote sensing rasters, from patches to exact maps.

The names of this package load on first use, so that `import tutorial_lib` is quick and
needs neither TensorFlow nor matplotlib.
"""

import os
from importlib import import_module
from typing import Any

import wrapt

from tutorial_lib.notices import tensorflow_needed
from tutorial_lib.quiet_start import make_tensorflow_quiet

# TensorFlow reads this when it is imported. Without it, its start fills a cell with log
# lines. oneDNN, its faster kernels, is on where TensorFlow expects a gain. On a
# processor with AVX-512 VNNI, a map then needs 0.38 instead of 0.85 s of processor time
# per megapixel, an epoch 0.30 instead of 0.37 s, and the memory is the same. With AVX2
# only it is off, and would gain nothing.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
make_tensorflow_quiet()

_HOME = {
    "BandStatistics": "patches.statistics",
    "Certificate": "proof.certificate",
    "GridMismatchError": "grids",
    "Legend": "rasters",
    "MapCard": "rasters",
    "PatchModel": "networks.patch_model",
    "Patches": "patches.extraction",
    "Positions": "patches.positions",
    "Source": "rasters",
    "analyse": "fields.analysis",
    "augment": "patches.augmentation",
    "band_statistics": "patches.statistics",
    "browse_patches": "viewers.explorers",
    "certify": "proof.certifying",
    "check_tiling": "fields.tiling",
    "compare": "viewers.comparison",
    "distortion_curve": "distortion.curves",
    "explore_fields": "viewers.explorers",
    "explore_stopping": "viewers.explorers",
    "export": "networks.saving",
    "extract_patches": "patches.extraction",
    "labels_of": "networks.patch_model",
    "load_predictor": "networks.predictors",
    "patch_dataset": "patches.datasets",
    "plan_inference": "inference.planning",
    "polygon_table": "patches.label_rasters",
    "predict_raster": "inference.prediction",
    "read_card": "rasters",
    "read_grid": "rasters",
    "read_legend": "rasters",
    "read_patches": "patches.images",
    "register_rule": "fields.layer_rules",
    "rmse": "distortion.distances",
    "seam_score": "distortion.seams",
    "select_positions": "patches.selection",
    "show": "viewers.show",
    "show_curves": "viewers.curves",
    "show_map": "viewers.webmaps",
    "show_patches": "viewers.patches",
    "show_tensorboard": "viewers.tensorboards",
    "write_card": "rasters",
    "write_patches": "patches.images",
}

# Modules that are public as a whole.
_MODULES = {
    "architectures": "networks.architectures",
    "testing": "testing",
    "training": "training",
}

__all__ = sorted([*_HOME, *_MODULES])


@wrapt.when_imported("keras")
def _register(_: Any) -> None:
    """Register the classes of saved models and metrics with Keras.

    A hook, because `keras.models.load_model` must open a model of the kit for somebody
    who has only run `import tutorial_lib`, whichever of the two is imported first.
    """
    for module in ("fields.otbtf_layers", "networks.patch_model", "training.metrics"):
        import_module(f"tutorial_lib.{module}")


def __getattr__(name: str) -> Any:
    with tensorflow_needed():
        if name in _MODULES:
            return import_module(f"tutorial_lib.{_MODULES[name]}")
        if name in _HOME:
            return getattr(import_module(f"tutorial_lib.{_HOME[name]}"), name)
    raise AttributeError(f"tutorial_lib has no '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
