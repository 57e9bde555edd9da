"""Positions drawn at random from a label raster."""

from collections.abc import Iterable, Sequence

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.patches.classes import occurring_classes
from tutorial_lib.patches.label_rasters import (
    LabelRaster,
    number_polygons,
    read_labels,
)
from tutorial_lib.patches.positions import Positions
from tutorial_lib.patches.vector_files import LARGEST
from tutorial_lib.rasters import PathLike

STRATEGIES = ("constant", "smallest", "total", "all")

__all__ = ["select_positions"]


def select_positions(
    labels_path: PathLike,
    *,
    strategy: str = "constant",
    count: int = 1000,
    nodata: float | None = None,
    margin: int = 0,
    seed: int = 0,
    classes: Sequence[int] | None = None,
    most_per_polygon: int | None = None,
) -> Positions:
    """Draw positions of each class at random from a label raster.

    Args:
        labels_path: Label raster: one band of class numbers.
        strategy: How many positions a class gets.
            "constant": `count`, or as many as the rarest class has pixels.
            "smallest": as many as the rarest class has pixels.
            "total": a share of `count` in proportion to its pixels.
            "all": all its pixels.
        count: Number of positions for "constant" (each class) and "total" (together).
        nodata: Value of pixels without a label. None takes the no-data tag of the
            raster, and 255 if it has none. Masked pixels and NaN never have a label.
        margin: Pixels along each border of the raster that are left out.
        seed: Seed of the random draw; the same seed draws the same positions.
        classes: Class numbers to draw, such as `(10, 20, 30)`; None for all. They stay
            as they are.
        most_per_polygon: Most positions in one polygon, which is a connected area of
            one class; None for any number. A class may then get fewer than `count`.

    Returns:
        Centres of the drawn pixels, from the top row to the bottom row. They have the
        class numbers of the raster, and with `most_per_polygon` also `polygons`.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If the strategy is unknown, no pixel has a label, a label is not a
            class number, or none of `classes` occurs.
        OSError: If the raster cannot be read.

    Source:
        OTBTF's LabelImageSampleSelection has the same strategies, but draws at regular
        steps instead of at random.

    Example:
        >>> from tutorial_lib import testing
        >>> labels = testing.small_scene()["labels"]
        >>> len(select_positions(labels, strategy="total", count=100))
        100
        >>> positions = select_positions(labels, count=15, most_per_polygon=3)
        >>> int(np.bincount(positions.polygons).max())
        3
    """
    arguments.file_path("labels_path", labels_path)
    strategy = arguments.choice("strategy", strategy, STRATEGIES)
    count = arguments.whole_number("count", count, least=1)
    margin = arguments.whole_number("margin", margin, least=0)
    seed = arguments.whole_number("seed", seed, least=0)
    classes = None if classes is None else arguments.class_numbers("classes", classes)
    raster = read_labels(labels_path, nodata)
    labels, usable = raster.labels, raster.usable
    rng, polygons = np.random.default_rng(seed), None
    if most_per_polygon is not None:
        most = arguments.whole_number("most_per_polygon", most_per_polygon, least=1)
        polygons = number_polygons(labels, usable).ravel()
    if margin:
        usable[:margin] = usable[-margin:] = False
        usable[:, :margin] = usable[:, -margin:] = False
    if polygons is not None:
        _cap(usable, polygons, most, rng)
    found, counts = np.unique(labels[usable], return_counts=True)
    available = dict(zip(found.tolist(), counts.tolist(), strict=True))
    if not available:
        raise ValueError(
            f"'{labels_path}' has no labelled pixel at least {margin} px from its "
            f"border. Pixels of the value {raster.nodata} have no label. Check "
            "`nodata` and `margin`."
        )
    if classes is None:
        _check_classes(available, labels_path, raster.nodata)
    else:
        there = occurring_classes(classes, found, f"'{labels_path}'")
        available = {label: available[label] for label in sorted(there)}
    limit = f" with at most {most} in one polygon" if polygons is not None else ""
    drawn = [
        rng.choice(np.flatnonzero(usable & (labels == label)), number, replace=False)
        for label, number in _wanted(strategy, count, available, limit).items()
    ]
    return _centres(np.sort(np.concatenate(drawn)), raster, polygons)


def _cap(
    usable: np.ndarray, polygons: np.ndarray, most: int, rng: np.random.Generator
) -> None:
    """Keep at most so many usable pixels of each polygon, drawn at random."""
    pixels = np.flatnonzero(usable)
    rng.shuffle(pixels)
    # The pixels of each polygon together, still in their random order.
    pixels = pixels[np.argsort(polygons[pixels], kind="stable")]
    sizes = np.unique(polygons[pixels], return_counts=True)[1]
    place = np.arange(len(pixels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    usable.flat[pixels[place >= most]] = False


def _wanted(
    strategy: str, count: int, available: dict[int, int], limit: str
) -> dict[int, int]:
    """Number of positions of each class."""
    rarest = min(available, key=available.get)
    smallest = available[rarest]
    if strategy == "constant":
        if smallest < count:
            warn(
                f"Class {rarest} has only {counted(smallest, 'pixel')}{limit}, fewer "
                f"than `count` ({count}). So {counted(smallest, 'position')} of each "
                "class will be drawn."
            )
        return dict.fromkeys(available, min(count, smallest))
    if strategy == "smallest":
        return dict.fromkeys(available, smallest)
    if strategy == "total":
        return _shares(count, available)
    return available


def _shares(count: int, available: dict[int, int]) -> dict[int, int]:
    """Number of positions of each class, in proportion to its pixels."""
    ends = np.cumsum(list(available.values()))
    if ends[-1] < count:
        warn(
            f"The raster has only {counted(ends[-1], 'pixel')} with a label, fewer "
            f"than `count` ({count}). So all are drawn."
        )
    # Differences of rounded sums add up to `count` exactly; rounded shares would not.
    numbers = np.diff(ends * min(count, int(ends[-1])) // ends[-1], prepend=0).tolist()
    wanted = dict(zip(available, numbers, strict=True))
    empty = [label for label, number in wanted.items() if not number]
    if empty:
        warn(
            f"The classes {empty} are so rare that they get none of the {count} "
            "positions. Use a larger `count`, or the strategy 'constant'."
        )
    return wanted


def _check_classes(classes: Iterable[float], path: PathLike, nodata: float) -> None:
    wrong = [x for x in classes if x < 0 or x != x // 1 or x > LARGEST]
    if wrong:
        raise ValueError(
            f"'{path}' holds values that are not class numbers (0, 1, 2…): "
            f"{wrong[:5]}. Pixels without a label have the value {nodata}. If another "
            "value marks them, give it: `nodata=…`. To draw only some classes, give "
            "them: `classes=(1, 2)`."
        )


def _centres(
    pixels: np.ndarray, raster: LabelRaster, polygons: np.ndarray | None
) -> Positions:
    """Positions at the centres of pixels; the pixels are numbered row after row."""
    grid = raster.grid
    rows, cols = np.divmod(pixels, grid.width)
    x, y = grid.transform @ (cols + 0.5, rows + 0.5)
    labels = raster.labels[rows, cols].astype("int64")
    of_pixels = None if polygons is None else polygons[pixels]
    return Positions(x, y, labels, grid.crs, raster.files, of_pixels)
