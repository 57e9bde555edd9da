"""Rows of a scene, made of the blocks of the landscape."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from data_fetch.synthetic.rendering import BLOCK, Place, render, render_labels

# Each of them takes about 30 MB.
MOST_WORKERS = 8

__all__ = ["Scene"]

# Blocks of one row of blocks: 10 m and 20 m images.
Images = tuple[np.ndarray, np.ndarray]


class Scene:
    """A scene that is rendered when its rows are read.

    Args:
        shape: Height and width in pixels of 10 m, even.
        seed: Seed of the landscape.
        purity: Factor of the weights of the materials.
        offset: Number that is added to all values of the images.
        workers: Threads that render at the same time; None: one for each processor.
        progress: Called after each row of blocks.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        seed: int,
        purity: float,
        offset: int,
        workers: int | None = None,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        self.shape = shape
        self._seed = seed
        self._purity = purity
        self._offset = np.uint16(offset)
        self._workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
        self._progress = progress
        # Rows of blocks that may be needed again, by their number.
        self._images: dict[int, Images] = {}
        self._labels: dict[int, np.ndarray] = {}

    def read(self, spacing: int, rows: range) -> np.ndarray:
        """Pixels (rows, width, band) uint16 of some rows of the image of 10 or 20 m.

        Rows above them are forgotten, so read from top to bottom.
        """
        factor, which = {10: (1, 0), 20: (2, 1)}[spacing]
        strips = self._strips(rows, factor, self._images, self._render)
        width = self.shape[1] // factor
        return np.concatenate([images[which][kept, :width] for images, kept in strips])

    def read_labels(self, rows: range) -> np.ndarray:
        """Classes (rows, width) uint8 of some rows of 10 m; 255 for no label."""
        strips = self._strips(rows, 1, self._labels, self._render_labels)
        width = self.shape[1]
        return np.concatenate([labels[kept, :width] for labels, kept in strips])

    def _strips(self, rows: range, factor: int, made: dict, make: Callable) -> list:
        """Each row of blocks that holds some of the rows, and the slice of these rows.

        Args:
            rows: Rows of the image.
            factor: Pixels of 10 m in a pixel of the image.
            made: What was made before, by the number of the row of blocks.
            make: Makes a row of blocks.
        """
        side = BLOCK // factor
        numbers = range(rows.start // side, -(-rows.stop // side))
        for old in [number for number in made if number < numbers.start]:
            del made[old]
        strips = []
        for number in numbers:
            if number not in made:
                made[number] = make(number)
                self._progress()
            first = number * side
            kept = slice(max(rows.start - first, 0), min(rows.stop - first, side))
            strips.append((made[number], kept))
        return strips

    def _render(self, number: int) -> Images:
        blocks = self._blocks(partial(render, purity=self._purity), number)
        fine, coarse = (
            np.concatenate(images, axis=1) for images in zip(*blocks, strict=True)
        )
        return fine + self._offset, coarse + self._offset

    def _render_labels(self, number: int) -> np.ndarray:
        return np.concatenate(self._blocks(render_labels, number), axis=1)

    def _blocks(self, make: Callable, number: int) -> list:
        """What is made of each block of a row, from left to right."""
        columns = range(-(-self.shape[1] // BLOCK))
        places = [Place(self._seed, number, column) for column in columns]
        # NumPy leaves Python free for other threads while it computes.
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(make, places))
