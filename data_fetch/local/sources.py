"""The text of `SOURCES.md`: where a scene comes from, and what was decided."""

from pathlib import Path

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.local.images import Images
from data_fetch.reflectance import OffsetChoice

__all__ = ["sources_text"]


def sources_text(
    images: Images, choice: OffsetChoice, areas: str | None, path: Path
) -> str:
    """The text of `SOURCES.md`.

    Args:
        images: The images.
        choice: How the offset was decided.
        areas: Text about the labels, in Markdown; None if there are none.
        path: What the user gave.
    """
    labels = areas or (
        "There are none. Make the scene again with `--labels` for the notebooks."
    )
    title = "## Labels"
    if areas:
        title += ": `terrain_truth_a.tif`, `terrain_truth_b.tif`, `terrain_truth_c.tif`"
    return f"""\
# Where this scene comes from

Made by `python -m data_fetch local` from '{path.name}'.

## Images: `s2_10m.tif`, `s2_20m.tif`, `s2_10m_nodata.tif`, `s2_20m_nodata.tif`

{images.attribution}.
{images.title}.
The data of Copernicus are free, full and open (Regulation (EU) No 1159/2013); whoever
passes them on names the source as above.

Values are reflectance times 10 000, without offset, at least 1 where the ground was
measured, and 0 (no-data) elsewhere. The bands are {", ".join(BANDS_10M)} at
10 m and {", ".join(BANDS_20M)} at 20 m.

Offset: {choice.reason}

Clouds: {_clouds(images)}

In the `_nodata` copies a wedge in the west is no-data, too.

{title}

{labels.rstrip()}
"""


def _clouds(images: Images) -> str:
    if images.scl is not None:
        return (
            "clouds, their shadows and saturated pixels are no-data, by the scene "
            "classification (SCL)."
        )
    if images.clouds:
        return (
            "clouds are no-data, by the cloud mask of the product. Level 1C has no "
            "mask of their shadows."
        )
    return "not masked, because the images have no cloud mask."
