"""Positions drawn at random from a label raster."""

from collections.abc import Iterable

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.notices import warn
from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import PathLike, Source, is_nodata, open_source

__all__ = ["select_positions"]


def select_positions(
    labels_path: PathLike,
    *,
    strategy: str = "constant",
    count: int = 1000,
    nodata: float = 255,
    margin: int = 0,
    seed: int = 0,
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
        nodata: Value of pixels without a label.
        margin: Pixels along each border of the raster that are left out.
        seed: Seed of the random draw; the same seed draws the same positions.

    Returns:
        Centres of the drawn pixels, from the top row to the bottom row. They have the
        class numbers of the raster.

    Raises:
        ValueError: If the strategy is unknown, no pixel has a label, or a label is not
            a class number.

    Source:
        OTBTF's LabelImageSampleSelection has the same strategies, but draws at regular
        steps instead of at random.

    Example:
        >>> from tutorial_lib import testing
        >>> labels = testing.small_scene()["labels"]
        >>> len(select_positions(labels, strategy="total", count=100))
        100
    """
    if margin < 0 or count < 1:
        raise ValueError(
            f"Received: margin={margin}, count={count}. Give a `margin` of 0 px or "
            "more and a `count` of 1 or more."
        )
    with open_source(Source(labels_path)) as reader:
        grid = reader.grid
        labels = reader.read(0, 0, grid.height, grid.width)
    if labels.shape[2] != 1:
        raise ValueError(
            f"'{labels_path}' has {labels.shape[2]} bands. Give a label raster of one "
            "band."
        )
    labels = labels[..., 0]
    usable = ~is_nodata(labels, nodata)
    if margin:
        usable[:margin] = usable[-margin:] = False
        usable[:, :margin] = usable[:, -margin:] = False
    classes, counts = np.unique(labels[usable], return_counts=True)
    available = dict(zip(classes.tolist(), counts.tolist(), strict=True))
    if not available:
        raise ValueError(
            f"'{labels_path}' has no labelled pixel at least {margin} px from its "
            f"border. Pixels of the value {nodata} have no label. Check `nodata` and "
            "`margin`."
        )
    _check_classes(available, labels_path, nodata)
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(usable & (labels == label)), number, replace=False)
        for label, number in _wanted(strategy, count, available).items()
    ]
    return _centres(np.sort(np.concatenate(drawn)), labels, grid)


def _wanted(strategy: str, count: int, available: dict[int, int]) -> dict[int, int]:
    """Number of positions of each class."""
    rarest = min(available, key=available.get)
    smallest = available[rarest]
    if strategy == "constant":
        if smallest < count:
            warn(
                f"Class {rarest} has only {smallest} pixels, fewer than `count` "
                f"({count}). So {smallest} positions of each class are drawn."
            )
        return dict.fromkeys(available, min(count, smallest))
    if strategy == "smallest":
        return dict.fromkeys(available, smallest)
    if strategy == "total":
        return _shares(count, available)
    if strategy == "all":
        return available
    raise ValueError(
        f"The strategy '{strategy}' is unknown. Use 'constant', 'smallest', 'total' "
        "or 'all'."
    )


def _shares(count: int, available: dict[int, int]) -> dict[int, int]:
    """Number of positions of each class, in proportion to its pixels."""
    ends = np.cumsum(list(available.values()))
    if ends[-1] < count:
        warn(
            f"Only {ends[-1]} pixels have a label, fewer than `count` ({count}). So "
            "all are drawn."
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
    wrong = [label for label in classes if label < 0 or label != label // 1]
    if wrong:
        raise ValueError(
            f"'{path}' holds values that are not class numbers (0, 1, 2…): "
            f"{wrong[:5]}. Pixels without a label have the value {nodata}. If another "
            "value marks them, give it: `nodata=…`."
        )


def _centres(pixels: np.ndarray, labels: np.ndarray, grid: GeoBox) -> Positions:
    """Positions at the centres of pixels; the pixels are numbered row after row."""
    rows, cols = np.divmod(pixels, grid.width)
    x, y = grid.transform @ (cols + 0.5, rows + 0.5)
    return Positions(x, y, labels[rows, cols].astype("int64"), grid.crs)
