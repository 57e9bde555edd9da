"""Names of values: bands, neighbourhoods and statistics of images, and constants."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tutorial_lib.compat.expressions.blocks import Block, Statistic, as_floats
from tutorial_lib.compat.expressions.errors import MisfitError
from tutorial_lib.compat.expressions.sizes import NUMBER, Size, matrix

# The widest neighbourhood that BandMathX has names for.
WIDEST = 21

MEASURES = ("Mini", "Maxi", "Mean", "Sum", "Var")

# Those of muParserX and of OTB's own list.
CONSTANTS = {
    "pi": math.pi,
    "e": math.e,
    "log2e": math.log2(math.e),
    "log10e": math.log10(math.e),
    "ln2": math.log(2),
    "ln10": math.log(10),
    "euler": 0.57721566490153286,
}

# At most six digits, and none of them a leading 0.
_COUNT = "(?:0|[1-9][0-9]{0,5})"

_IMAGE_NAME = re.compile(
    rf"im(?P<image>{_COUNT})"
    r"(?:Phy(?P<axis>[XY])"
    rf"|b(?P<band>{_COUNT})"
    rf"(?:N(?P<cols>{_COUNT})x(?P<rows>{_COUNT})"
    r"|(?P<measure>Mini|Maxi|Mean|Sum|Var))?)?"
)


@dataclass(frozen=True)
class Variable:
    """A name of an expression that stands for values of a block.

    Attributes:
        name: As the expression has it.
        size: What it is at each pixel.
        value: Gives the values for a block, as (h, w, rows, cols). An axis on which
            they are all the same may have the length 1.
        image: Number of the image whose pixels it needs; None for none.
        radius: Pixels that it needs around each pixel, (rows, cols).
        statistic: The statistic that it is.
        spacing_of: Number of the image whose spacing it is.
    """

    name: str
    size: Size
    value: Callable[[Block], np.ndarray]
    image: int | None = None
    radius: tuple[int, int] = (0, 0)
    statistic: Statistic | None = None
    spacing_of: int | None = None


def find_variable(name: str, bands: Sequence[int]) -> Variable | None:
    """The variable of a name, or None if the name is of no variable.

    Args:
        name: A name of an expression.
        bands: Number of bands of im1, im2...

    Raises:
        MisfitError: If the image or the band does not exist.

    Example:
        >>> print(find_variable("im1", [4]).size)
        a row of 4
        >>> print(find_variable("im1b2N3x5", [4]).size)
        a matrix of 5 by 3
    """
    if name == "idxX":
        return Variable(name, NUMBER, _column_index)
    if name == "idxY":
        return Variable(name, NUMBER, _row_index)
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        _refuse_without_band(name)
        return None
    image = int(match["image"])
    if not 1 <= image <= len(bands):
        raise MisfitError(f"{name} does not exist: {_those('image', 'im', len(bands))}")
    if match["axis"]:
        return _spacing(name, image, "XY".index(match["axis"]))
    if match["band"]:
        return _of_a_band(name, match, image, bands[image - 1])
    return Variable(name, matrix(1, bands[image - 1]), _row_of(image), image)


def variable_names(bands: Sequence[int]) -> list[str]:
    """Names that a misspelt one is compared with: not each neighbourhood."""
    names = ["idxX", "idxY", *CONSTANTS, "true", "false"]
    for image, count in enumerate(bands, start=1):
        names += [f"im{image}", f"im{image}PhyX", f"im{image}PhyY"]
        names += [f"im{image}b{band}" for band in range(1, min(count, 100) + 1)]
        names += [f"im{image}b1{measure}" for measure in MEASURES]
    return names


def _refuse_without_band(name: str) -> None:
    match = re.fullmatch("im([0-9]{1,6})(N[0-9]+x[0-9]+|Mini|Maxi|Mean|Sum|Var)", name)
    if match:
        band = f"im{match[1]}b1{match[2]}"
        raise MisfitError(f"{name} is of no band. Write the band, too: {band}.")


def _of_a_band(name: str, match: re.Match, image: int, count: int) -> Variable:
    band = int(match["band"])
    if not 1 <= band <= count:
        those = _those("band", f"im{image}b", count)
        raise MisfitError(f"{name} does not exist: {those}")
    if match["measure"]:
        statistic = Statistic(image, band, match["measure"])
        return Variable(name, NUMBER, _looked_up(statistic), statistic=statistic)
    if match["cols"]:
        return _neighbourhood(name, image, band, int(match["rows"]), int(match["cols"]))
    return Variable(name, NUMBER, _band_of(image, band), image)


def _neighbourhood(name: str, image: int, band: int, rows: int, cols: int) -> Variable:
    for side in (cols, rows):
        if side % 2 == 0 or side > WIDEST:
            raise MisfitError(
                f"{name} has a side of {side} pixels. Write odd numbers from 1 to "
                f"{WIDEST}, columns first: im{image}b{band}N3x5 has 3 columns, 5 rows."
            )
    radius = (rows // 2, cols // 2)

    def value(block: Block) -> np.ndarray:
        plane = as_floats(block.pixels(image, radius)[:, :, band - 1])
        # A view: the pixels of a window are not copied until something is computed.
        return np.lib.stride_tricks.sliding_window_view(plane, (rows, cols))

    return Variable(name, matrix(rows, cols), value, image, radius)


def _row_of(image: int) -> Callable[[Block], np.ndarray]:
    return lambda block: as_floats(block.pixels(image))[:, :, np.newaxis, :]


def _band_of(image: int, band: int) -> Callable[[Block], np.ndarray]:
    return lambda block: as_floats(block.pixels(image)[:, :, band - 1, None, None])


def _looked_up(statistic: Statistic) -> Callable[[Block], np.ndarray]:
    return lambda block: np.full((1, 1, 1, 1), float(block.statistics[statistic]))


def _spacing(name: str, image: int, axis: int) -> Variable:
    def value(block: Block) -> np.ndarray:
        return np.full((1, 1, 1, 1), float(block.spacings[image - 1][axis]))

    return Variable(name, NUMBER, value, spacing_of=image)


def _column_index(block: Block) -> np.ndarray:
    first = block.origin[1]
    return np.arange(first, first + block.shape[1], dtype=float)[None, :, None, None]


def _row_index(block: Block) -> np.ndarray:
    first = block.origin[0]
    return np.arange(first, first + block.shape[0], dtype=float)[:, None, None, None]


def _those(what: str, prefix: str, count: int) -> str:
    if count == 1:
        return f"there is 1 {what}. Write {prefix}1."
    return f"there are {count} {what}s. Write {prefix}1 to {prefix}{count}."
