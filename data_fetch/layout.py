"""The files of a scene: images at 10 m and 20 m, copies with no-data, label rasters.

Every scene with this layout can be used in the notebooks. Its files are written stripe
by stripe, so a scene may be much larger than the memory.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from data_fetch.areas import (
    AREAS,
    NO_LABEL,
    Division,
    LabelReader,
    choose_division,
    stripes,
)
from tutorial_lib import rasters
from tutorial_lib.rasters.part_folders import part_folder
from tutorial_lib.rasters.writing import BLOCK_SIZE

BANDS_10M = ("B4", "B3", "B2", "B8")
BANDS_20M = ("B5", "B6", "B7", "B8A", "B11", "B12")

# The classes of all real scenes, so that recorded weights fit each of them. Colours
# that stay apart without colour vision, and printed in grey.
LEGEND = rasters.Legend(
    names=(
        "water",
        "wetland and scrub",
        "meadow and grass",
        "residential",
        "forest",
        "farm",
    ),
    colors=("#3a8bc6", "#7fcdbb", "#85b20d", "#c63820", "#084b30", "#fde68a"),
)

FILES = (
    *("s2_10m.tif", "s2_20m.tif", "s2_10m_nodata.tif", "s2_20m_nodata.tif"),
    *(f"terrain_truth_{area}.tif" for area in AREAS),
    "SOURCES.md",
)

# Rows at 20 m that are written at a time: a row of the file's blocks.
STRIPE = BLOCK_SIZE
# Positions of each class that the notebooks choose in an area.
ENOUGH = {"a": 900, "b": 600, "c": 600}

PixelReader = Callable[[int, range], np.ndarray]

__all__ = [
    "BANDS_10M",
    "BANDS_20M",
    "FILES",
    "LEGEND",
    "NO_LABEL",
    "write_areas",
    "write_images",
    "write_truth",
]


def write_images(
    folder: Path,
    grid: GeoBox,
    read: PixelReader,
    *,
    attribution: str,
    nodata: int | None = 0,
) -> None:
    """Write `s2_10m.tif`, `s2_20m.tif`, and copies in which a wedge is no-data.

    Args:
        folder: Existing folder.
        grid: Grid of the 10 m image. Height and width are even; the 20 m image has
            pixels of 2 x 2 of its pixels.
        read: `read(spacing, rows)` gives the pixels (rows, width, bands) uint16 of some
            rows of the image of 10 or 20 m, bands as in `BANDS_10M` or `BANDS_20M`. It
            is called from top to bottom, for the same ground at 10 m and then at 20 m.
        attribution: Tag of the files that names the source.
        nodata: No-data value of the images: 0. None: all pixels were measured, and a
            measured 0 becomes 1 in the copies.

    Raises:
        ValueError: If a side of the grid is odd, or `read` gives another shape or type.
        OSError: If the files cannot be written.
    """
    if grid.height % 2 or grid.width % 2:
        raise ValueError(
            f"The 10 m grid has {grid.height}x{grid.width} px, and a pixel of 20 m "
            "covers 2x2 of them. Choose an area of whole 20 m pixels."
        )
    coarse = grid.zoom_out(2)
    with ExitStack() as stack:
        writers = {
            spacing: _open_pair(stack, folder, spacing, one, attribution, nodata)
            for spacing, one in ((10, grid), (20, coarse))
        }
        for rows in stripes(coarse.height, STRIPE):
            blank = _wedge(coarse.shape, rows)
            for spacing, factor in ((10, 2), (20, 1)):
                lines = range(factor * rows.start, factor * rows.stop)
                pixels = _checked(read(spacing, lines), spacing, lines, grid)
                covered = blank.repeat(factor, axis=0).repeat(factor, axis=1)
                whole, copy = writers[spacing]
                whole.write(pixels, row=lines.start)
                copy.write(_blanked(pixels, covered, nodata), row=lines.start)


def _open_pair(
    stack: ExitStack,
    folder: Path,
    spacing: int,
    grid: GeoBox,
    attribution: str,
    nodata: int | None,
) -> list[rasters.RasterWriter]:
    """Writers of an image and of its copy."""
    bands = BANDS_10M if spacing == 10 else BANDS_20M
    return [
        stack.enter_context(
            rasters.create_raster(
                folder / f"s2_{spacing}m{suffix}.tif",
                grid,
                channels=len(bands),
                dtype="uint16",
                nodata=tag,
                descriptions=bands,
                tags={"ATTRIBUTION": attribution},
            )
        )
        for suffix, tag in (("", nodata), ("_nodata", 0))
    ]


def _checked(pixels: np.ndarray, spacing: int, rows: range, grid: GeoBox) -> np.ndarray:
    width, bands = (grid.width, 4) if spacing == 10 else (grid.width // 2, 6)
    expected = (len(rows), width, bands)
    if pixels.shape != expected or pixels.dtype != np.uint16:
        raise ValueError(
            f"The pixels at {spacing} m have the shape {pixels.shape} and the type "
            f"{pixels.dtype}, and {expected} and uint16 are needed. Correct what reads "
            "them."
        )
    return pixels


def _blanked(pixels: np.ndarray, blank: np.ndarray, nodata: int | None) -> np.ndarray:
    """A copy of the pixels with 0 in the wedge."""
    # A measured 0 would be read as no-data, so it becomes 1.
    pixels = np.maximum(pixels, 1) if nodata is None else pixels.copy()
    pixels[blank] = 0
    return pixels


def _wedge(shape: tuple[int, int], rows: range) -> np.ndarray:
    """Mask of the no-data wedge: 28 % of the width at the top, 8 % at the bottom.

    Drawn at 20 m and repeated at 10 m, so it covers the same ground in both images.
    """
    height, width = shape
    down = np.arange(rows.start, rows.stop)[:, np.newaxis]
    return 100 * np.arange(width) * height < (28 * height - 20 * down) * width


def write_truth(
    folder: Path,
    grid: GeoBox,
    read_labels: LabelReader,
    legend: rasters.Legend,
    *,
    attribution: str,
) -> str:
    """Divide labels into areas, and write `terrain_truth_a.tif`, `_b` and `_c`.

    Args:
        folder: Existing folder.
        grid: Grid of the labels.
        read_labels: `read_labels(rows)` gives the labels (rows, width) uint8 of some
            rows: class numbers of the legend, or 255 for no label. It is called once
            for each row, from top to bottom.
        legend: Names and colours of the classes.
        attribution: Tag of the files that names the source.

    Returns:
        What to say about the areas in `SOURCES.md`: text and tables in Markdown.

    Raises:
        ValueError: If there are no labels. If the scene is too small for three areas.
            If `read_labels` gives another shape, type or class.
        OSError: If the files cannot be written.
    """
    with _stored(folder, grid, read_labels, legend) as read_again:
        division, pixels = choose_division(
            tuple(grid.shape), read_again, class_count=len(legend)
        )
        write_areas(folder, grid, read_again, legend, division, attribution=attribution)
    warning = _warning(pixels, legend)
    if warning:
        print(f"Please note: {warning}", flush=True)
    return _described(division, pixels, legend, warning)


@contextmanager
def _stored(
    folder: Path, grid: GeoBox, read_labels: LabelReader, legend: rasters.Legend
) -> Iterator[LabelReader]:
    """Labels in a file: they are needed twice, and may come from the internet."""
    with part_folder(folder) as part:
        path = part / "labels.tif"
        with rasters.create_raster(path, grid, channels=1, dtype="uint8") as raster:
            for rows in stripes(grid.height):
                labels = _checked_labels(read_labels(rows), rows, grid, legend)
                raster.write(labels[..., np.newaxis], row=rows.start)
        with rasters.open_source(path) as reader:
            yield lambda rows: reader.read(rows.start, 0, len(rows), grid.width)[..., 0]


def _checked_labels(
    labels: np.ndarray, rows: range, grid: GeoBox, legend: rasters.Legend
) -> np.ndarray:
    expected = (len(rows), grid.width)
    if labels.shape != expected or labels.dtype != np.uint8:
        raise ValueError(
            f"The labels have the shape {labels.shape} and the type {labels.dtype}; "
            f"{expected} and uint8 are needed. Correct what reads them."
        )
    wrong = labels[(labels >= len(legend)) & (labels != NO_LABEL)]
    if wrong.size:
        raise ValueError(
            f"A label is {wrong[0]}, and the classes are 0 to {len(legend) - 1}. Give "
            f"other pixels the label {NO_LABEL}."
        )
    return labels


def write_areas(
    folder: Path,
    grid: GeoBox,
    read_labels: LabelReader,
    legend: rasters.Legend,
    division: Division,
    *,
    attribution: str,
) -> None:
    """Write the labels of each area of a division, as `write_truth` does."""
    with ExitStack() as stack:
        writers = {
            area: stack.enter_context(
                rasters.create_raster(
                    folder / f"terrain_truth_{area}.tif",
                    grid,
                    channels=1,
                    dtype="uint8",
                    nodata=NO_LABEL,
                    legend=legend,
                    tags={"ATTRIBUTION": attribution},
                )
            )
            for area in AREAS
        }
        for rows in stripes(grid.height):
            labels = read_labels(rows)
            for area, raster in writers.items():
                kept = np.where(division.inside(area, rows), labels, NO_LABEL)
                raster.write(kept.astype("uint8")[..., np.newaxis], row=rows.start)


def _warning(pixels: np.ndarray, legend: rasters.Legend) -> str:
    """One sentence about classes with few pixels, and the cure; "" if all have enough.

    Args:
        pixels: Pixels of each class in each area, (3, classes).
        legend: The classes.
    """
    few = [
        f"{name} ({', '.join(short)})"
        for name, of_class in zip(legend.names, pixels.T, strict=True)
        if (short := _too_few(of_class))
    ]
    if not few:
        return ""
    return (
        f"The notebooks choose up to {ENOUGH['a']} pixels of each class in area A, and "
        f"{ENOUGH['b']} in B and C, and there are fewer of {'; '.join(few)}. Choose a "
        "larger area or another place if you need these classes."
    )


def _too_few(of_class: np.ndarray) -> list[str]:
    return [
        f"{area.upper()}: {int(count)}"
        for area, count in zip(AREAS, of_class, strict=True)
        if count < ENOUGH[area]
    ]


def _described(
    division: Division, pixels: np.ndarray, legend: rasters.Legend, warning: str
) -> str:
    blocks = "".join(f"    {' '.join(row.upper())}\n" for row in division.layout)
    rows = "".join(
        f"| {number} | {name} | {' | '.join(str(int(n)) for n in of_class)} |\n"
        for number, (name, of_class) in enumerate(
            zip(legend.names, pixels.T, strict=True)
        )
    )
    return (
        "The image was cut into blocks, and each block belongs to one area (north is "
        f"up):\n\n{blocks}\n"
        "A is for training, B for validation, C for the test. Blocks of different "
        f"areas are\n{division.gap} pixels ({10 * division.gap} m) apart: pixels "
        "between them have no label.\n\n"
        "Pixels of each class:\n\n"
        f"| number | class | A | B | C |\n|---|---|---|---|---|\n{rows}"
        f"| {NO_LABEL} | no label | | | |\n" + (f"\n{warning}\n" if warning else "")
    )
