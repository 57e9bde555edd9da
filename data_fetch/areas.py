"""Areas for training, validation and test: blocks of a scene, with gaps between them.

A scene is cut into blocks, and each block belongs to area A (training), B (validation)
or C (test). Pixels near a block of another area get no label, so areas never touch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data_fetch.area_search import best_areas

AREAS = "abc"
NO_LABEL = 255

# In pixels. Weather, soil and farming change slowly with the distance, so neighbours
# would make the score too good: 640 m lie between areas where a scene is large enough.
# Patches of up to 64 pixels never share a pixel either.
LARGEST_GAP = 64
# The notebooks cut patches of 16 pixels.
SMALLEST_GAP = 16
# A block keeps at least 128 of its pixels between two gaps, if the scene allows it.
WANTED_SIDE = 128 + LARGEST_GAP
SMALLEST_SIDE = 2 * SMALLEST_GAP
# More blocks give more ways to divide rare classes, and larger gaps.
WANTED_BLOCKS = 24
FEWEST_BLOCKS = 12
MOST_BLOCKS_OF_AN_AXIS = 24

# Rows that are counted at a time.
STRIPE = 256

LabelReader = Callable[[range], np.ndarray]

__all__ = [
    "AREAS",
    "NO_LABEL",
    "Division",
    "LabelReader",
    "check_labelled",
    "choose_division",
    "count_regions",
    "stripes",
]


@dataclass(frozen=True)
class Division:
    """A scene's blocks, and the area of each.

    Attributes:
        shape: Height and width of the scene in pixels.
        layout: The area of each block: one text for each row of blocks.
        gap: Pixels between two areas.

    Example:
        >>> division = Division((40, 90), layout=("abc",), gap=10)
        >>> division.inside("b", range(1))[0].nonzero()[0].tolist()[::19]
        [35, 54]
    """

    shape: tuple[int, int]
    layout: tuple[str, ...]
    gap: int

    @property
    def blocks(self) -> tuple[int, int]:
        """Number of blocks along the height and the width."""
        return len(self.layout), len(self.layout[0])

    def inside(self, area: str, rows: range) -> np.ndarray:
        """Which pixels keep their label for an area.

        Args:
            area: "a", "b" or "c".
            rows: Rows of the scene.

        Returns:
            (rows, width) True where all pixels up to half a gap around belong to it.
        """
        own = np.array([list(row) for row in self.layout]) == area
        across = [own[:, blocks] for blocks in self._near(np.arange(self.shape[1]), 1)]
        own = across[0] & across[1] & across[2]
        above, here, below = self._near(np.arange(rows.start, rows.stop), 0)
        return own[above] & own[here] & own[below]

    def _near(self, pixels: np.ndarray, axis: int) -> list[np.ndarray]:
        """Blocks of pixels along an axis, and of those half a gap before and after."""
        # A block is larger than half a gap, so the three blocks are neighbours or the
        # same. Beyond the edge of the scene, the block at the edge is taken.
        size, half = self.shape[axis], self.gap // 2
        return [
            np.clip(pixels + shift, 0, size - 1) * self.blocks[axis] // size
            for shift in (-half, 0, half)
        ]

    def regions(self, rows: range) -> np.ndarray:
        """Number of the region of each pixel, (rows, width).

        Each block has 3 x 3 regions: those of its middle row and column are farther
        than half a gap from the neighbour on that side.
        """
        place = [
            3 * here + 1 + (after - here) - (here - before)
            for before, here, after in (
                self._near(np.arange(rows.start, rows.stop), 0),
                self._near(np.arange(self.shape[1]), 1),
            )
        ]
        return place[0][:, np.newaxis] * 3 * self.blocks[1] + place[1]


def stripes(height: int, step: int = STRIPE) -> Iterator[range]:
    """Ranges of rows that cover a height, from top to bottom."""
    for start in range(0, height, step):
        yield range(start, min(start + step, height))


def choose_division(
    shape: tuple[int, int], read_labels: LabelReader, class_count: int
) -> tuple[Division, np.ndarray]:
    """Cut a scene into blocks, and choose the area of each by its labels.

    The same labels give the same areas.

    Args:
        shape: Height and width in pixels.
        read_labels: Gives the labels of some rows, (rows, width) uint8.
        class_count: Number of classes; other labels are not counted.

    Returns:
        The division, and the labelled pixels of each class that each area keeps,
        (3, class_count).

    Raises:
        ValueError: If the scene is too small for three areas, or has no labels.

    Example:
        >>> labels = np.tile(np.arange(4, dtype="uint8"), (96, 40))
        >>> division, pixels = choose_division((96, 160), lambda rows: labels[rows], 4)
        >>> division.blocks, division.gap, bool((pixels > 0).all())
        ((2, 3), 16, True)
    """
    blocks, gap = _blocks_and_gap(shape)
    division = Division(shape, ("a" * blocks[1],) * blocks[0], gap)
    counts = count_regions(division, read_labels, class_count)
    if not counts.any():
        raise _unlabelled(shape)
    chosen, pixels = best_areas(counts)
    layout = tuple("".join(AREAS[number] for number in row) for row in chosen)
    return Division(shape, layout, gap), pixels


def check_labelled(
    shape: tuple[int, int], read_labels: LabelReader, class_count: int
) -> None:
    """Raise the errors of `choose_division`, before images are read.

    Example:
        >>> none = np.full((96, 160), NO_LABEL, "uint8")
        >>> check_labelled((96, 160), lambda rows: none[rows], 4)
        Traceback (most recent call last):
        ValueError: None of the 96x160 px has a label, so there is nothing to learn.
        Choose another place, or give labels of this one.
    """
    _blocks_and_gap(shape)
    if not any((read_labels(rows) < class_count).any() for rows in stripes(shape[0])):
        raise _unlabelled(shape)


def _unlabelled(shape: tuple[int, int]) -> ValueError:
    return ValueError(
        f"None of the {shape[0]}x{shape[1]} px has a label, so there is nothing to "
        "learn. Choose another place, or give labels of this one."
    )


def _blocks_and_gap(shape: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """Number of blocks along height and width, and the gap in pixels."""
    area = shape[0] * shape[1]
    side = max(
        (area / WANTED_BLOCKS) ** 0.5,
        min(WANTED_SIDE, (area / FEWEST_BLOCKS) ** 0.5),
        1.5 * SMALLEST_SIDE,
    )
    blocks = [min(max(1, round(n / side)), MOST_BLOCKS_OF_AN_AXIS) for n in shape]
    longer = int(shape[1] >= shape[0])
    if blocks[0] * blocks[1] < len(AREAS):
        blocks = [1, 1]
        blocks[longer] = len(AREAS)
    if shape[longer] < len(AREAS) * SMALLEST_SIDE:
        raise ValueError(
            f"The scene has {shape[0]}x{shape[1]} px, and three areas with a gap need "
            f"{len(AREAS) * SMALLEST_SIDE} px along one side. Choose a larger area."
        )
    # An axis of one block has no gap.
    sides = [n // count for n, count in zip(shape, blocks, strict=True) if count > 1]
    gap = min(sides) // 3 // 2 * 2
    return tuple(blocks), min(max(gap, SMALLEST_GAP), LARGEST_GAP)


def count_regions(
    division: Division, read_labels: LabelReader, class_count: int
) -> np.ndarray:
    """Labelled pixels of each class in each region of each block.

    Returns:
        (rows of blocks, columns of blocks, 3, 3, class_count).
    """
    rows, columns = division.blocks
    size = 9 * rows * columns * class_count
    counts = np.zeros(size, "int64")
    for stripe in stripes(division.shape[0]):
        labels = read_labels(stripe)
        known = labels < class_count
        keys = division.regions(stripe)[known] * class_count + labels[known]
        counts += np.bincount(keys, minlength=size)
    counts = counts.reshape(rows, 3, columns, 3, class_count)
    return counts.transpose(0, 2, 1, 3, 4)
