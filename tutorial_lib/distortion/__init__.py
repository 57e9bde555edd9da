"""What tiling costs in accuracy, and what a crop costs in time.

`rmse` compares two maps where both lie, `distortion_curve` a network's output of a
chunk with what the whole image gives there, crop by crop; `seam_score` needs one map
only and says whether its tiles can be seen.
"""

from tutorial_lib.distortion.curves import (
    CropDistortion,
    DistortionCurve,
    distortion_curve,
)
from tutorial_lib.distortion.distances import Distance, rmse
from tutorial_lib.distortion.seams import seam_score

__all__ = [
    "CropDistortion",
    "Distance",
    "DistortionCurve",
    "distortion_curve",
    "rmse",
    "seam_score",
]
