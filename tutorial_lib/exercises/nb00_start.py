"""Exercises of notebook 00: size of the scene, pixels of a coarser raster."""

from collections.abc import Callable
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.exercises import OTHER, Exercise, Mistake, diagnose
from tutorial_lib.testing import small_grid


def _judge_ground_size(answer: Any, *, grid: GeoBox) -> str | None:
    pixels = np.array([grid.height, grid.width])
    spacing_km = abs(grid.resolution.x) / 1000
    size_km = pixels * spacing_km
    likely = {
        "pixels": pixels,
        "metres": size_km * 1000,
        "swapped": size_km[::-1],
        "negative": size_km * (-1, 1),
        "between centres": (pixels - 1) * spacing_km,
    }
    mistake = diagnose(answer, right=size_km, likely=likely, tolerance=1e-4)
    if mistake != OTHER:
        return mistake
    # The tolerance accepts answers rounded to one decimal. The right answer and the
    # swapped one still differ by more.
    swapped = {"swapped": size_km[::-1]}
    return diagnose(answer, right=size_km, likely=swapped, tolerance=0.06) or "rounded"


ground_size = Exercise(
    name="ground_size",
    title="How large is the scene?",
    question="""
        How many kilometres of ground does the scene cover, from north to south and
        from west to east? Give a pair, height first: `(height, width)`.

        `grid.height` and `grid.width` count pixels; `grid.resolution.x` and
        `grid.resolution.y` are the steps from one pixel to the next, in metres.
        """,
    answer_name="size_km",
    stub="size_km = (..., ...)",
    solution_code="""
        spacing_km = grid.resolution.x / 1000
        size_km = (grid.height * spacing_km, grid.width * spacing_km)
        """,
    judge=_judge_ground_size,
    mistakes={
        "pixels": Mistake(
            code="size_km = grid.shape",
            hint="These are pixels. How many metres of ground does one pixel cover?",
        ),
        "metres": Mistake(
            code="size_km = (grid.height * 10, grid.width * 10)",
            hint="The numbers are right in metres. The question asks for kilometres.",
        ),
        "swapped": Mistake(
            code="size_km = (grid.width * 10 / 1000, grid.height * 10 / 1000)",
            hint="Both lengths are there, in the wrong order: this kit always names "
            "the height first.",
        ),
        "negative": Mistake(
            code="""
                size_km = (
                    grid.height * grid.resolution.y / 1000,
                    grid.width * grid.resolution.x / 1000,
                )
                """,
            hint="A length is not negative. `grid.resolution.y` has a minus sign "
            "because rows count downwards and northing counts upwards.",
        ),
        "between centres": Mistake(
            code="size_km = ((grid.height - 1) / 100, (grid.width - 1) / 100)",
            hint="One pixel is missing in each direction: from the centre of the "
            "first pixel to the centre of the last, half a pixel is left out at "
            "both ends.",
        ),
        "rounded": Mistake(
            code="""
                height_km = round(grid.height * 10 / 1000, 1)
                size_km = (height_km, round(grid.width * 10 / 1000, 1))
                """,
            hint="Nearly, but rounded. Let Python compute it from `grid`, and keep all "
            "digits.",
        ),
    },
    hints=(
        "One pixel is a square of ground. How long is its side?",
        "Multiply the number of pixels by the side of one, then turn metres into "
        "kilometres.",
        "The height is `grid.height * grid.resolution.x / 1000`. The width goes the "
        "same way.",
    ),
    explanation="Pixels times spacing: the length from the outer edge of the first "
    "pixel to the outer edge of the last one.",
    example=lambda: {"grid": small_grid(30, 47)},
)


def _judge_count_pixels(answer: Callable[[GeoBox, float], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [
        (small_grid(24 * height, 24 * width, spacing=spacing), spacing * factor)
        for height, width in rng.integers(2, 30, (4, 2)).tolist()
        for spacing, factor in [(10, 2), (10, 6), (1.5, 4), (60, 0.5)]
    ]
    fine = np.array([grid.height * grid.width for grid, _ in cases])
    factor = np.array([spacing_m / grid.resolution.x for grid, spacing_m in cases])
    counts = [answer(grid, spacing_m) for grid, spacing_m in cases]
    if all(np.shape(count) == (2,) for count in counts):
        return "pair"
    likely = {
        "one direction": fine / factor,
        "upside down": fine * factor**2,
        "unchanged": fine,
        "negative": -fine / factor**2,
        "one grid": fine * (10 / np.array([spacing for _, spacing in cases])) ** 2,
    }
    return diagnose(counts, right=fine / factor**2, likely=likely)


count_pixels = Exercise(
    name="count_pixels",
    title="Pixels of a coarser raster",
    question="""
        Six more bands of the same ground come with larger pixels. Write a function
        that says how many pixels a raster with pixels of `spacing_m` metres needs to
        cover the ground of `grid`.
        """,
    answer_name="count_pixels",
    stub='''
        def count_pixels(grid, spacing_m):
            """Pixels of `spacing_m` metres on the ground that `grid` covers."""
            return ...
        ''',
    solution_code='''
        def count_pixels(grid, spacing_m):
            """Pixels of `spacing_m` metres on the ground that `grid` covers."""
            height_m = grid.height * grid.resolution.x
            width_m = grid.width * grid.resolution.x
            return (height_m / spacing_m) * (width_m / spacing_m)
        ''',
    judge=_judge_count_pixels,
    mistakes={
        "one direction": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    factor = spacing_m / grid.resolution.x
                    return grid.height * grid.width / factor
                """,
            hint="A larger pixel is larger in both directions: it takes fewer rows "
            "and fewer columns. Your count has the change only once.",
        ),
        "upside down": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    factor = spacing_m / grid.resolution.x
                    return (grid.height * factor) * (grid.width * factor)
                """,
            hint="Your count grows when pixels grow. Larger pixels cover the same "
            "ground with fewer of them.",
        ),
        "unchanged": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    return grid.height * grid.width
                """,
            hint="This counts the pixels of `grid` itself: `spacing_m` has to change "
            "the result.",
        ),
        "pair": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    factor = spacing_m / grid.resolution.x
                    return (grid.height / factor, grid.width / factor)
                """,
            hint="These are two numbers, rows and columns. How many pixels is that in "
            "all?",
        ),
        "negative": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    height_m = grid.height * grid.resolution.y
                    width_m = grid.width * grid.resolution.x
                    return (height_m / spacing_m) * (width_m / spacing_m)
                """,
            hint="The count is negative, because `grid.resolution.y` is. The size of a "
            "pixel has no sign.",
        ),
        "one grid": Mistake(
            code="""
                def count_pixels(grid, spacing_m):
                    return grid.height * grid.width * (10 / spacing_m) ** 2
                """,
            hint="Right if the pixels of `grid` have 10 m. The check also tries other "
            "grids: each knows its own `grid.resolution`.",
        ),
    },
    hints=(
        "How many metres is the scene high, and how many wide?",
        "Divide each of the two lengths by `spacing_m`: that gives rows and columns.",
        "Rows are `grid.height * grid.resolution.x / spacing_m`. Multiply rows by "
        "columns.",
    ),
    explanation="Pixels that are twice as large are a quarter as many.",
)
