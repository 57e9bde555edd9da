"""A network as something that can only be asked: images in, one output out.

Images are noise, of any size, in all sources at once; sizes and places are given in
reference pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import Any

import numpy as np

from tutorial_lib.networks.predictors import OutputError, Predictor
from tutorial_lib.notices import error_line

ROWS, COLS = 0, 1

# Reflectance x 10 000, and more than 11 bits: whether a network takes its values times
# 1e-4 or times 0.01, they are not all small then.
DEFAULT_MAXIMUM = 10_000.0

# Largest values of the images that are tried, in shares of the sources' largest: dark
# images leave a softmax room to change.
LEVELS = (1e-4, 0.2, 1.0)

Image = Mapping[str, np.ndarray]
Inputs = Mapping[str, tuple[int, Any, float]]
Margins = tuple[int, int, int, int]
Pair = tuple[int, int]

__all__ = [
    "COLS",
    "LEVELS",
    "ROWS",
    "Image",
    "Inputs",
    "Layout",
    "Margins",
    "Pair",
    "Probe",
    "make_probe",
]


@dataclass(frozen=True)
class Layout:
    """How an output lies on its inputs, the same for each chunk.

    Attributes:
        stride: A chunk begins at a multiple of it, in reference pixels.
        scale: Output spacing divided by reference spacing.
        lost: Output pixels (rows, columns) by which a chunk's output is smaller than
            the chunk.
    """

    stride: int
    scale: Fraction
    lost: Pair

    @property
    def period(self) -> int:
        """The stride in pixels of the output."""
        return int(self.stride / self.scale)

    def chunk(self, pixels: int, axis: int) -> int:
        """Side of the smallest chunk that gives so many pixels, in reference pixels.

        Example:
            >>> Layout(stride=4, scale=Fraction(4), lost=(3, 3)).chunk(1, axis=0)
            16
        """
        return self.stride * ceil((pixels + self.lost[axis]) / self.period)

    def pixels(self, chunk: int, axis: int) -> int:
        """Pixels of the output that a chunk gives."""
        return int(chunk / self.scale) - self.lost[axis]


@dataclass(frozen=True)
class Probe:
    """One output of a model, as a function of images of any size.

    Attributes:
        predictor: The model.
        output: Name of the output.
        channels: Channels of each source.
        spacing: Pixel size of each source, in reference pixels.
        maxima: Largest value of each source.
    """

    predictor: Predictor
    output: str
    channels: Mapping[str, int]
    spacing: Mapping[str, Fraction]
    maxima: Mapping[str, float]

    @property
    def unit(self) -> int:
        """Reference pixels that are whole pixels in every source."""
        return lcm(*(spacing.numerator for spacing in self.spacing.values()))

    def run(self, image: Image) -> np.ndarray:
        """The output (height, width, channel) for an image.

        Raises:
            OutputError: If the model does not give the output.
            ValueError: If the model refuses the image.
        """
        batch = {name: array[np.newaxis] for name, array in image.items()}
        try:
            # Strong noise may be too much for logarithms and powers of a function.
            with np.errstate(all="ignore"):
                return self.predictor(batch, (self.output,))[self.output][0]
        except OutputError:
            raise
        # Any exception: the model may be anybody's function.
        except Exception as err:
            shapes = {name: array.shape for name, array in image.items()}
            raise ValueError(
                f"The model refuses images of {shapes}: {error_line(err)}. It must "
                "take images of any size, with names and channels as `inputs` says."
            ) from err

    def noise(
        self, shape: Pair, low: float, high: float, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """An image of noise, its values in shares of the largest ones.

        Args:
            shape: (height, width).
            low: Lowest value.
            high: Highest value.
            rng: Where the noise comes from.
        """
        image = {}
        for name, spacing in self.spacing.items():
            size = [int(side / spacing) for side in shape]
            noise = rng.random((*size, self.channels[name]), dtype="float32")
            bottom, top = (np.float32(v * self.maxima[name]) for v in (low, high))
            image[name] = bottom + (top - bottom) * noise
        return image

    def part(self, image: Image, corner: Pair, shape: Pair) -> dict[str, np.ndarray]:
        """The part of an image from a corner on."""
        return {
            name: array[
                tuple(
                    slice(*(int(x / self.spacing[name]) for x in (start, start + side)))
                    for start, side in zip(corner, shape, strict=True)
                )
            ]
            for name, array in image.items()
        }

    def surrounded(
        self, image: Image, around: Image, axis: int, kept: Pair
    ) -> dict[str, np.ndarray]:
        """The image from kept[0] to kept[1] along an axis, and `around` elsewhere."""
        mixed = {}
        for name, spacing in self.spacing.items():
            band: list[slice] = [slice(None), slice(None)]
            band[axis] = slice(*(int(place / spacing) for place in kept))
            mixed[name] = around[name].copy()
            mixed[name][tuple(band)] = image[name][tuple(band)]
        return mixed


def make_probe(
    predictor: Predictor,
    output: str,
    *,
    inputs: Inputs | None,
    spacing: Mapping[str, Fraction] | None,
) -> Probe:
    """A probe of one output, with what is known of the inputs or is declared.

    Args:
        predictor: The model.
        output: Name of the output.
        inputs: {input name: (channels, pixels per reference pixel, largest value)}, the
            reference first; may be None where the model says enough.
        spacing: Pixel size of each input, where the model's layers say it.

    Raises:
        ValueError: If `inputs` are missing, or are not those of the model.
    """
    known = predictor.channels
    if inputs is None:
        if None in known.values() or (spacing is None and len(known) != 1):
            raise ValueError(_undeclared(known))
        sizes = spacing or dict.fromkeys(known, Fraction(1))
        maxima = dict.fromkeys(known, DEFAULT_MAXIMUM)
        return Probe(predictor, output, known, sizes, maxima)
    parts = {name: _declared(name, value) for name, value in inputs.items()}
    channels, ratios, maxima = (
        {name: part[i] for name, part in parts.items()} for i in range(3)
    )
    first = next(iter(ratios.values()), Fraction(1))
    sizes = {name: first / ratio for name, ratio in ratios.items()}
    _check_channels(channels, known)
    _check_spacing(sizes, spacing)
    return Probe(predictor, output, channels, sizes, maxima)


def _undeclared(known: Mapping[str, int | None]) -> str:
    names = ", ".join(f"'{name}'" for name in known)
    says = (
        f"only the names of its inputs, {names}" if known else "nothing of its inputs"
    )
    example = next(iter(known), "input")
    return (
        f"The model says {says}. Give `inputs={{'{example}': (channels, pixels per "
        "reference pixel, largest value), …}`, the reference first."
    )


def _declared(name: str, value: Any) -> tuple[int, Fraction, float]:
    try:
        count, ratio, most = value
        ratio = Fraction(ratio).limit_denominator(1000)
        good = count == int(count) and count >= 1 and ratio > 0 and most > 0
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(
            f"The input '{name}' is declared as {value!r}. Give (channels, pixels per "
            "reference pixel, largest value), such as (4, 1/4, 10000)."
        )
    return int(count), ratio, float(most)


def _check_channels(
    channels: Mapping[str, int], known: Mapping[str, int | None]
) -> None:
    if not channels or (known and set(known) != set(channels)):
        raise ValueError(
            f"`inputs` are named {list(channels)}, those of the model "
            f"{list(known) or 'unknown'}. Use the names of the model."
        )
    for name, count in channels.items():
        if known.get(name) not in (None, count):
            raise ValueError(
                f"`inputs` gives '{name}' {count} channels, and the model takes "
                f"{known[name]}. Give it as many."
            )


def _check_spacing(
    declared: Mapping[str, Fraction], known: Mapping[str, Fraction] | None
) -> None:
    if known and dict(known) != dict(declared):
        ratios = {name: str(1 / size) for name, size in known.items()}
        raise ValueError(
            f"`inputs` gives pixel sizes that are not the model's, whose inputs have "
            f"{ratios} pixels per reference pixel. Give these, the same input first."
        )
