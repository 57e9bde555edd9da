"""Exercises of notebook 00: what Python it takes, the scene, the size of it, a window.

The five questions from `call` to `error_message` are the self-check: they are not about
the lesson, but about what the course expects.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import rasters
from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    close,
    in_parts,
    try_cases,
)
from tutorial_lib.testing import scratch_folder, small_grid

# What the course expects

call = Choice(
    name="call",
    title="A function",
    question="""
        What is in `result`?

        ```python
        def area(width, height=2):
            return width * height

        result = area(3)
        ```
        """,
    options=(
        Option("The number 6, because `height` has the value 2."),
        Option(
            "Nothing: the call is an error, because `height` is missing.",
            hint="Look at the first line again. What does `=2` say about `height`?",
        ),
        Option(
            "`None`, because the function prints nothing.",
            hint="Printing shows a value, and `return` gives it to the caller. Which of "
            "the two is in the function?",
        ),
    ),
    explanation="`height` has a default, and `return` gives the product back.",
    minutes=0.5,
)

part_of_list = Choice(
    name="part_of_list",
    title="A part of a list",
    question="""
        What is in `part`?

        ```python
        bands = ["B4", "B3", "B2", "B8"]
        part = bands[1:3]
        ```
        """,
    options=(
        Option(
            "`B4`, `B3` and `B2`",
            hint="Which number does Python give to the first element of a list?",
        ),
        Option(
            "`B3`, `B2` and `B8`",
            hint="The start is right. A slice stops before the element with the number "
            "behind the colon.",
        ),
        Option("`B3` and `B2`"),
    ),
    explanation="Python counts from 0. The number behind the colon is left out.",
    minutes=0.5,
)

shape = Choice(
    name="shape",
    title="The shape of an array",
    question="""
        `image` is a NumPy array of the shape `(200, 300, 4)`: rows, columns, bands. What
        is the shape of `image[10, 20]`?
        """,
    options=(
        Option(
            "`(10, 20)`",
            hint="That would be a part with 10 rows and 20 columns, `image[:10, :20]`. "
            "Without a colon, a number chooses one place.",
        ),
        Option("`(4,)`"),
        Option(
            "`()`: it is a single number",
            hint="The array has three axes. For how many of them is a number given?",
        ),
    ),
    explanation="One row and one column are chosen; the axis of the bands is left.",
    minutes=0.5,
)

mean_of_axis = Choice(
    name="mean_of_axis",
    title="A mean over an axis",
    question="""
        `table` is a NumPy array with 5 rows and 3 columns. How many numbers does
        `table.mean(axis=0)` give?
        """,
    options=(
        Option(
            "1",
            value=1,
            hint="Without `axis`, the mean is one number. What does `axis` change?",
        ),
        Option("3", value=3),
        Option(
            "5",
            value=5,
            hint="This would be one mean for each row. `axis` names the axis that "
            "disappears, and axis 0 is that of the rows.",
        ),
    ),
    explanation="The rows are axis 0. They disappear; one mean is left for each column.",
    minutes=0.5,
    key=lambda: np.zeros((5, 3)).mean(axis=0).size,
)

error_message = Choice(
    name="error_message",
    title="An error message",
    question="""
        What is the most likely cause?

        ```
              1 path = "image.tif"
        ----> 2 size = heigth * 10

        NameError: name 'heigth' is not defined
        ```
        """,
    options=(
        Option("The name has a typing error, or the cell that defines it was not run."),
        Option(
            "The value of `heigth` is 0, or it is text and not a number.",
            hint="0 times 10 is 0, and a text can be repeated 10 times: neither is an "
            "error. What does the last line say?",
        ),
        Option(
            "The file `image.tif` does not exist, or it lies in another folder.",
            hint="The arrow shows the line that failed. Does this line read a file?",
        ),
    ),
    explanation="The last line names the error, and the arrow the place: Python does not "
    "know this name.",
    minutes=0.5,
)


# The scene

darkest = Choice(
    name="darkest",
    title="Water or forest?",
    question="""
        The next cell shows the red, green and blue band, as our eyes would see the
        ground. What is darkest there?
        """,
    options=(
        Option(
            "The water.",
            hint="Run the next cell. Which shapes do the darkest areas have: long "
            "and winding, or blocks with straight edges?",
        ),
        Option(
            "The bare fields.",
            hint="Run the next cell, and look for rectangles side by side. How bright "
            "are they?",
        ),
        Option("The forests."),
    ),
    explanation="Needles, and the shadows between the trees, take in most of the light. "
    "The lakes send a little more of it up.",
    minutes=1,
)

widest_gap = Choice(
    name="widest_gap",
    title="Where do the two curves differ most?",
    question="""
        Where will the curves of lake and forest be farthest apart?
        """,
    options=(
        Option("In the infrared, because leaves reflect it."),
        Option(
            "In green light, because leaves are green.",
            hint="Look at the picture of the scene: how green are the forests? In the "
            "curves of the next cells, green is at 560 nm.",
        ),
        Option(
            "In blue light, because water is blue.",
            hint="Look at the picture of the scene: how blue are the lakes? In the "
            "curves of the next cells, blue is at 492 nm.",
        ),
        Option(
            "Nowhere: both are dark at every wavelength.",
            hint="Both are dark to our eyes. Run the next cells, and look at all "
            "wavelengths of the curves.",
        ),
    ),
    explanation="Water absorbs infrared light, and plants reflect it.",
    minutes=1.5,
)


def _judge_ground_size(answer: Any, *, grid: GeoBox) -> str | Finding | None:
    pixels = np.array([grid.height, grid.width])
    spacing_km = abs(grid.resolution.x) / 1000
    size_km = pixels * spacing_km
    if close(answer, size_km.prod(), tolerance=1e-4):
        return "area"
    likely = {
        "pixels": pixels,
        "metres": size_km * 1000,
        "swapped": size_km[::-1],
        "negative": size_km * (-1, 1),
        "negative metres": size_km * (-1000, 1000),
        "both negative": -size_km,
        "between centres": (pixels - 1) * spacing_km,
        "divided": pixels / abs(grid.resolution.x),
        "coordinates": np.array(
            [grid.extent.boundingbox.top, grid.extent.boundingbox.left]
        )
        / 1000,
        "rounded": np.round(size_km, 1),
        "whole": np.round(size_km),
        "whole, down": np.floor(size_km),
    }
    return in_parts(answer, size_km, ("height", "width"), likely, tolerance=1e-4)


ground_size = Exercise(
    name="ground_size",
    title="How large is the scene?",
    question="""
        How many kilometres of ground does the scene cover, from north to south and
        from west to east? Give a pair, height first: `(height, width)`.

        `grid.height` and `grid.width` are numbers of pixels. `grid.resolution.x` and
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
            code="size_km = grid.shape.yx",
            hint="These are numbers of pixels. How many metres of ground does one pixel "
            "cover?",
        ),
        "metres": Mistake(
            code="size_km = (grid.height * 10, grid.width * 10)",
            hint="The numbers are right in metres. The question asks for kilometres.",
        ),
        "swapped": Mistake(
            code="size_km = (grid.width * 10 / 1000, grid.height * 10 / 1000)",
            hint="Both lengths are right, but in the wrong order. Give the height first.",
        ),
        "negative": Mistake(
            code="""
                size_km = (
                    grid.height * grid.resolution.y / 1000,
                    grid.width * grid.resolution.x / 1000,
                )
                """,
            hint="A length is not negative. `grid.resolution.y` has a minus sign, "
            "because rows count downwards and the northing counts upwards.",
        ),
        "negative metres": Mistake(
            code="""
                size_km = (
                    grid.height * grid.resolution.y,
                    grid.width * grid.resolution.x,
                )
                """,
            hint="The numbers are right in metres, but the question asks for kilometres. "
            "And a length is not negative: `grid.resolution.y` has a minus sign.",
        ),
        "both negative": Mistake(
            code="""
                step_km = grid.resolution.y / 1000
                size_km = (grid.height * step_km, grid.width * step_km)
                """,
            hint="Both lengths are negative. `grid.resolution.y` has a minus sign, "
            "because rows count downwards. Which step has no minus sign?",
        ),
        "between centres": Mistake(
            code="size_km = ((grid.height - 1) / 100, (grid.width - 1) / 100)",
            hint="One pixel is missing in each direction. From the centre of the first "
            "pixel to the centre of the last, half a pixel is left out at both ends.",
        ),
        "divided": Mistake(
            code="""
                step = grid.resolution.x
                size_km = (grid.height / step, grid.width / step)
                """,
            hint="This is the number of pixels divided by 10. Each pixel is 10 m long, "
            "so multiply by the step first. Then divide by 1000 for kilometres.",
        ),
        "coordinates": Mistake(
            code="""
                box = grid.extent.boundingbox
                size_km = (box.top / 1000, box.left / 1000)
                """,
            hint="These are the coordinates of a corner. The size is how far it is from "
            "one edge to the opposite one.",
        ),
        "area": Mistake(
            code="size_km = grid.height * grid.width * (10 / 1000) ** 2",
            hint="This is one number, the area in square kilometres. The question asks "
            "for two lengths.",
        ),
        "rounded": Mistake(
            code="""
                height_km = round(grid.height * 10 / 1000, 1)
                size_km = (height_km, round(grid.width * 10 / 1000, 1))
                """,
            hint="This is nearly right, but rounded to one decimal. Let Python compute "
            "it from `grid`, and keep all digits.",
        ),
        "whole": Mistake(
            code="""
                height_km = round(grid.height * 10 / 1000)
                size_km = (height_km, round(grid.width * 10 / 1000))
                """,
            hint="This is rounded to whole kilometres. Let Python compute it from "
            "`grid`, and keep all digits.",
        ),
        "whole, down": Mistake(
            code="""
                height_km = grid.height * 10 // 1000
                size_km = (height_km, grid.width * 10 // 1000)
                """,
            hint="This is rounded down to whole kilometres, as `//` does. `/` keeps the "
            "decimals.",
        ),
    },
    hints=(
        "One pixel is a square of ground. How long is its side?",
        "Multiply the number of pixels by the side of one pixel. Then turn metres into "
        "kilometres.",
        "The height is `grid.height * grid.resolution.x / 1000`. The width goes the "
        "same way.",
    ),
    explanation="The number of pixels times the step is the length from the outer edge "
    "of the first pixel to the outer edge of the last one.",
    example=lambda: {"grid": small_grid(170, 247)},
    minutes=3,
)


@cache
def _raster_of(rows: int, columns: int, bands: int, seed: int) -> tuple[Path, Any]:
    """A small raster of reflectances, and its pixels."""
    rng = np.random.default_rng(seed)
    if seed == 0:
        # All pixels of a band are equal, so the result can be seen without computing.
        pixels = np.zeros((rows, columns, bands), "uint16")
        pixels += np.arange(1, bands + 1, dtype="uint16") * 1000
    else:
        # Bright bands and dark ones, so that no two bands have similar means.
        shape = (rows, columns, bands)
        scale = np.linspace(600, 4000, bands)
        pixels = (scale * rng.gamma(4, 0.3, shape)).astype("uint16")
    path = scratch_folder() / f"{bands}_bands.tif"
    return rasters.write_array(path, pixels, small_grid(rows, columns)), pixels


_SIZES = [(4, 6, 2, 0), (4, 6, 1, 1), (12, 20, 3, 2), (15, 9, 4, 3), (30, 31, 6, 4)]
_WINDOWS = [
    Window(0, 0, 6, 4),
    Window(2, 1, 3, 2),
    Window(5, 2, 7, 4),
    Window(3, 6, 3, 3),
    Window(1, 10, 8, 16),
]


def _judge_mean_reflectance(
    answer: Callable[[Path, Window], np.ndarray],
) -> str | Finding | None:
    made = dict(_raster_of(*size) for size in _SIZES)
    cases = list(zip(made, _WINDOWS, strict=True))

    def block(path: Path, window: Window) -> np.ndarray:
        rows, columns = window.toslices()
        return made[path][rows, columns].astype(float)

    def swapped(path: Path, window: Window) -> np.ndarray:
        columns, rows = window.toslices()
        return made[path][rows, columns].mean(axis=(0, 1)) / 100

    likely = {
        "not percent": lambda *case: block(*case).mean(axis=(0, 1)),
        "share": lambda *case: block(*case).mean(axis=(0, 1)) / 1e4,
        "divided by 1000": lambda *case: block(*case).mean(axis=(0, 1)) / 1000,
        "times 100": lambda *case: block(*case).mean(axis=(0, 1)) * 100,
        "one number": lambda *case: block(*case).mean() / 100,
        "whole image": lambda path, _: made[path].mean(axis=(0, 1)) / 100,
        "one axis": lambda *case: block(*case).mean(axis=0) / 100,
        "other axis": lambda *case: block(*case).mean(axis=1) / 100,
        "over bands": lambda *case: block(*case).mean(axis=2) / 100,
        "columns and bands": lambda *case: block(*case).mean(axis=(1, 2)) / 100,
        "rows and bands": lambda *case: block(*case).mean(axis=(0, 2)) / 100,
        "not averaged": lambda *case: block(*case) / 100,
        "sum": lambda *case: block(*case).sum(axis=(0, 1)) / 100,
        "largest": lambda *case: block(*case).max(axis=(0, 1)) / 100,
        "median": lambda *case: np.median(block(*case), axis=(0, 1)) / 100,
        "whole percent": lambda *case: block(*case).mean(axis=(0, 1)) // 100,
        "first band": lambda *case: block(*case)[..., 0].mean() / 100,
        "one pixel": lambda *case: block(*case)[0, 0] / 100,
        "too large": lambda *case: _sum_of_16_bits(block(*case)),
        "swapped": swapped,
    }
    verdict = try_cases(answer, cases, _right_mean, likely, show=_shown_mean)
    return "path" if verdict and _ignores_path(answer) else verdict


def _sum_of_16_bits(block: np.ndarray) -> np.ndarray:
    """Means in percent whose sum had the type of the pixels, and began at 0 again."""
    return block.sum(axis=(0, 1)) % 2**16 / block[..., 0].size / 100


def _ignores_path(answer: Callable[[Path, Window], np.ndarray]) -> bool:
    """Whether a function gives a result although its raster does not exist."""
    try:
        answer(Path("no_such_raster.tif"), Window(0, 0, 1, 1))
    # Any exception: the function is the learner's own code.
    except Exception:
        return False
    return True


def _right_mean(path: Path, window: Window) -> np.ndarray:
    return rasters.read_array(path, window=window).mean(axis=(0, 1)) / 100


def _shown_mean(path: Path, window: Window) -> str:
    x, y, width, height = (int(size) for size in window.flatten())
    return f"mean_reflectance('{path.name}', Window({x}, {y}, {width}, {height}))"


def _mean_code(line: str) -> str:
    """Code that reads the window, then computes the result in one line."""
    return f"""
        def mean_reflectance(path, window):
            pixels = rasters.read_array(path, window=window)
            return {line}
        """


mean_reflectance = Exercise(
    name="mean_reflectance",
    title="Read a window",
    question="""
        Write a function that reads a window of a raster, and gives the mean reflectance
        of each band in it, in percent.

        `rasters.read_array(path, window=window)` reads the pixels: an array with the
        axes row, column and band. `array.mean(axis=…)` takes the mean over an axis, or
        over several: `axis=(1, 2)` means the second and the third. For help, run
        `ex.mean_reflectance.hint()` in a new cell.
        """,
    answer_name="mean_reflectance",
    stub='''
        def mean_reflectance(path, window):
            """Mean reflectance of each band in a window, in percent."""
            return ...
        ''',
    solution_code='''
        def mean_reflectance(path, window):
            """Mean reflectance of each band in a window, in percent."""
            pixels = rasters.read_array(path, window=window)
            return pixels.mean(axis=(0, 1)) / 100
        ''',
    judge=_judge_mean_reflectance,
    imports="import numpy as np\nfrom tutorial_lib import rasters",
    mistakes={
        "not percent": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 1))"),
            hint="The means are right, but they are values of the file. A value of 1200 "
            "is how many percent?",
        ),
        "share": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 1)) / 10_000"),
            hint="These are shares between 0 and 1. The question asks for percent.",
        ),
        "divided by 1000": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 1)) / 1000"),
            hint="The means are right, but the unit is not. A value of 1200 is 12 %, so "
            "by what do you divide?",
        ),
        "times 100": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 1)) * 100"),
            hint="Your results are too large. A value of 1200 is 12 %, so divide.",
        ),
        "one number": Mistake(
            code=_mean_code("pixels.mean() / 100"),
            hint="This is one mean over all bands. The question asks for one mean for "
            "*each* band, so take the mean over rows and columns only.",
        ),
        "whole image": Mistake(
            code="""
                def mean_reflectance(path, window):
                    return rasters.read_array(path).mean(axis=(0, 1)) / 100
                """,
            hint="This is the mean of the whole raster. Give `window=window` to "
            "`read_array`.",
        ),
        "one axis": Mistake(
            code=_mean_code("pixels.mean(axis=0) / 100"),
            hint="You took the mean over the rows only, so each column still has its "
            "own result. Take the mean over both axes.",
        ),
        "other axis": Mistake(
            code=_mean_code("pixels.mean(axis=1) / 100"),
            hint="You took the mean over the columns only, so each row still has its "
            "own result. Take the mean over both axes.",
        ),
        "over bands": Mistake(
            code=_mean_code("pixels.mean(axis=2) / 100"),
            hint="You took the mean over the bands: axis 2 is the third axis. Rows and "
            "columns are the axes 0 and 1.",
        ),
        "columns and bands": Mistake(
            code=_mean_code("pixels.mean(axis=(1, 2)) / 100"),
            hint="You took the mean over columns and bands: the axes 1 and 2. The result "
            "needs one value for each band, so take it over rows and columns.",
        ),
        "rows and bands": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 2)) / 100"),
            hint="You took the mean over rows and bands: the axes 0 and 2. The result "
            "needs one value for each band, so take it over rows and columns.",
        ),
        "not averaged": Mistake(
            code=_mean_code("pixels / 100"),
            hint="Each pixel is in percent, but the mean is missing.",
        ),
        "sum": Mistake(
            code=_mean_code("pixels.sum(axis=(0, 1)) / 100"),
            hint="This is the sum over the pixels. It grows with the window; the mean "
            "does not.",
        ),
        "largest": Mistake(
            code=_mean_code("pixels.max(axis=(0, 1)) / 100"),
            hint="This is the largest value of each band. The question asks for the "
            "mean.",
        ),
        "median": Mistake(
            code=_mean_code("np.median(pixels, axis=(0, 1)) / 100"),
            hint="This is the median. The question asks for the mean.",
        ),
        "whole percent": Mistake(
            code=_mean_code("pixels.mean(axis=(0, 1)) // 100"),
            hint="`//` rounds down to whole percent. Which operator keeps the decimals?",
        ),
        "first band": Mistake(
            code=_mean_code("pixels[..., 0].mean() / 100"),
            hint="This is the mean of the first band only. The question asks for one "
            "mean for *each* band.",
        ),
        "one pixel": Mistake(
            code=_mean_code("pixels[0, 0] / 100"),
            hint="These are the values of one pixel of the window, the top left one. "
            "The question asks for the mean over all its pixels.",
        ),
        "too large": Mistake(
            code="""
                def mean_reflectance(path, window):
                    total = 0
                    for row in rasters.read_array(path, window=window):
                        for pixel in row:
                            total = total + pixel
                    return total / (window.width * window.height) / 100
                """,
            hint="Your sum is too large for the type of the pixels, `uint16`. This type "
            "ends at 65 535, and then begins at 0 again. Add numbers with decimals: "
            "`pixels.astype(float)`.",
        ),
        "path": Mistake(
            code="""
                def mean_reflectance(path, window):
                    pixels = np.full((2, 3, 2), (1000, 2000))
                    return pixels.mean(axis=(0, 1)) / 100
                """,
            hint="Your function does not use `path`, so it gives the same result for "
            "every raster. Read the raster that it is given.",
        ),
        "swapped": Mistake(
            code="""
                def mean_reflectance(path, window):
                    pixels = rasters.read_array(path)
                    columns, rows = window.toslices()
                    return pixels[rows, columns].mean(axis=(0, 1)) / 100
                """,
            hint="You mixed up rows and columns. `read_array(path, window=window)` does "
            "this for you.",
        ),
    },
    hints=(
        "Read the pixels first: `pixels = rasters.read_array(path, window=window)`. Then "
        "take a mean. Over which axes?",
        "Rows are axis 0, columns are axis 1. The mean over both leaves one value for "
        "each band.",
        "`pixels.mean(axis=(0, 1))` is right up to the unit. 1200 means 12 %.",
    ),
    explanation="The mean over rows and columns leaves one value for each band. "
    "Divided by 100, a value of the file becomes percent.",
    minutes=5,
)
