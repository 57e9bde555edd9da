"""Expressions computed pixel by pixel with loops, to compare with."""

import numpy as np


class Pixel:
    """What an expression can ask of one pixel, in plain Python."""

    def __init__(self, images, row, col):
        self.images, self.row, self.col = images, row, col

    def bands(self, image):
        """All bands of an image, as a list."""
        return [float(value) for value in self.images[image - 1][self.row, self.col]]

    def band(self, image, band):
        """One band of an image."""
        return self.bands(image)[band - 1]

    def window(self, image, band, cols, rows):
        """Values around the pixel, row by row, as lists."""
        down, right = rows // 2, cols // 2
        return [
            [
                float(self.images[image - 1][self.row + i, self.col + j, band - 1])
                for j in range(-right, right + 1)
            ]
            for i in range(-down, down + 1)
        ]

    def around(self, image, band, cols, rows):
        """The same values in one list."""
        return [one for row in self.window(image, band, cols, rows) for one in row]


def by_loops(compute, images, margin=(0, 0)):
    """`compute(pixel)`, a number or a list of them, for each pixel inside a margin."""
    height, width = next(one for one in images if one is not None).shape[:2]
    rows = range(margin[0], height - margin[0])
    cols = range(margin[1], width - margin[1])
    with np.errstate(all="ignore"):
        return np.array(
            [
                [np.atleast_1d(compute(Pixel(images, row, col))) for col in cols]
                for row in rows
            ],
            dtype=float,
        )
