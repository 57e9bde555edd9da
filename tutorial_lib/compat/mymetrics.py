"""The metric of the tutorial's scripts: `from mymetrics import FScore`.

OTBTF's tutorial adds 1e-6 to the denominator, so that 0 is not divided by 0. The kit's
metric gives 0 there without changing other scores; they differ by at most 1e-6.
"""

from tutorial_lib.notices import tensorflow_needed

with tensorflow_needed():
    from tutorial_lib.training.metrics import FScore

__all__ = ["FScore"]
