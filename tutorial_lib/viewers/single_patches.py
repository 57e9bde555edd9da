"""The picture of a single patch: its stretch, its frame, its centre pixel."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from tutorial_lib.rasters import Legend
from tutorial_lib.viewers.layers import choose_kind, choose_limits, picture_of
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.pictures import brightening

# Percentages of values below the darkest and the brightest shade. Few are cut at the
# dark end: where one band is cut, dark pixels have strange colours.
STRETCH = (0.5, 98)

# The limits of the stretch are computed from a sample of about this many patches.
STRETCH_SAMPLE = 500

# Without a frame, a white patch would not stand out from the white figure.
PATCH_FRAME = {"edgecolor": "#b0b0b0", "linewidth": 0.5}

# The centre pixel: visible on all colours.
CENTRE = {
    "edgecolor": "yellow",
    "linewidth": 0.9,
    "path_effects": [withStroke(linewidth=2.2, foreground="black")],
}
# The mark would hide most of a smaller patch.
LEAST_MARKED = 5

__all__ = ["PATCH_FRAME", "is_marked", "mark_centre", "patch_pictures"]


def patch_pictures(
    patches: np.ndarray,
    bands: Sequence[int],
    legend: Legend | None,
    indices: np.ndarray,
) -> dict[int, np.ndarray]:
    """Pictures of some patches, all with the stretch of the whole source.

    The stretch is the same for all, so that a brighter pixel has a larger value.

    Args:
        patches: (n, height, width, channel).
        bands: Numbers of one or three bands, from 1.
        legend: Names and colours, if the patches are label maps.
        indices: Indices of the patches to draw.

    Returns:
        Picture (height, width, 4) uint8 by index.
    """
    channels = [band - 1 for band in bands]
    sample = patches[:: max(1, len(patches) // STRETCH_SAMPLE)][..., channels]
    values = sample[np.isfinite(sample).all(axis=-1)]
    kind = choose_kind(values, patches.shape[3], legend)
    limits = choose_limits(values, kind, Display(stretch=STRETCH))
    gamma = 1.0 if kind in ("classes", "probability") else brightening(values, limits)
    shown = {index: patches[index][..., channels] for index in indices.tolist()}
    return {
        index: picture_of(
            patch, np.isfinite(patch).all(-1), kind, legend, limits, gamma
        )
        for index, patch in shown.items()
    }


def is_marked(picture: np.ndarray) -> bool:
    """Whether a patch (height, width, …) is large enough for a marked centre."""
    return min(picture.shape[:2]) >= LEAST_MARKED


def mark_centre(
    ax: Axes,
    picture: np.ndarray,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> None:
    """Frame the centre pixel of a patch.

    Args:
        ax: Where the patch is drawn.
        picture: (height, width, …) of the patch.
        corner: (left, top) of the patch in the drawing.
        size: (width, height) of the patch in the drawing.
    """
    rows, columns = picture.shape[:2]
    wide, tall = size[0] / columns, size[1] / rows
    place = corner[0] + columns // 2 * wide, corner[1] + rows // 2 * tall
    ax.add_patch(Rectangle(place, wide, tall, fill=False, **CENTRE))
