"""Figures of rasters and patches that show themselves in a notebook.

Everything is drawn on `matplotlib.figure.Figure`, never through pyplot: nothing here
depends on, or changes, what other cells draw, and threads may draw at the same time.
"""

from tutorial_lib.viewers.comparison import Comparison, compare
from tutorial_lib.viewers.curves import show_curves
from tutorial_lib.viewers.figures import StillFigure
from tutorial_lib.viewers.patch_grids import show_patches
from tutorial_lib.viewers.scenes import show

__all__ = [
    "Comparison",
    "StillFigure",
    "compare",
    "show",
    "show_curves",
    "show_patches",
]
