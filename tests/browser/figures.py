"""A cell for every kind of figure that the kit makes, with the start of its text."""

SETUP = """\
import numpy as np
import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.viewers.diagrams import show_fields

scene = testing.small_scene()
image, legend = scene["input_10m"], testing.SMALL_LEGEND
patches = {"image": np.random.default_rng(0).random((8, 8, 8, 3)),
           "labels": np.arange(8) % 2}
curves = {"loss": [3, 2, 1], "val_loss": [3, 1, 2]}
network = tl.architectures.pooled_cnn(4)
analysis = tl.analyse(network)
scores = tl.training.ClassScores(np.array([[8, 2], [1, 9]]), ("<b>water", "land"))
live = tl.training.LiveCurves()
live.on_epoch_end(0, {"loss": 1.0})"""

# Code of a cell, and how the alternative text of its figure begins.
STILLS = {
    "tl.show(image)": "s2_10m (bands 1, 2, 3): colour image",
    "tl.show_patches(patches)": "Patches of image, 8x8 px",
    "tl.show_curves(curves)": "Curves of 3 epochs",
    "live.plot()": "Curves of 1 epoch:",
    "scores.plot()": "Confusion matrix of 20 pixels",
    "tl.plan_inference(network, image, output='estimated').plot()": "1 tile of at most",
    "tl.distortion_curve(network, image, output='estimated', crops=(0, 4)).plot()": (
        "Distortion of"
    ),
    "analysis.plot()": "Network of the output",
    "show_fields(12, 4)": "Left: an image of",
}
WIDGETS = {
    "tl.explore_fields(analysis)": "Exact: tiles of",
    "tl.explore_stopping(curves)": "Never stopped",
    "tl.browse_patches(patches, legend=legend)": "Patches of",
}
