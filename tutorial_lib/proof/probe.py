"""A network that is examined from outside: images of noise in, one output out.

Images may have any size and fill all sources at once. Sizes and places are given in
reference pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, inf, lcm
from time import perf_counter
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.networks.checks import OutputError, check_inputs
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.notices import error_line
from tutorial_lib.proof.repeats import Repeats
from tutorial_lib.proof.work import Work

ROWS, COLS = 0, 1

# Reflectance x 10 000, and more than 11 bits: bright enough for networks that scale
# their values by 1e-4, and for those that scale by 0.01.
DEFAULT_MAXIMUM = 10_000.0

# Largest values of the images that are tried, as shares of the largest value of each
# source: a bright image saturates a softmax, a dark one leaves it room to change.
LEVELS = (1e-4, 0.2, 1.0)

# How to get by with less memory or time.
LESS_WORK = (
    "Certify a smaller `tile`. A Keras model whose layers `tl.analyse` knows needs no "
    "certificate for exact maps."
)

Image = Mapping[str, np.ndarray]
Inputs = Mapping[str, tuple[int, Any, float]]
Margins = tuple[int, int, int, int]
Pair = tuple[int, int]

__all__ = [
    "COLS",
    "LESS_WORK",
    "LEVELS",
    "ROWS",
    "Image",
    "Inputs",
    "Layout",
    "Margins",
    "Pair",
    "Probe",
    "ProbeInput",
    "make_probe",
]


@dataclass(frozen=True)
class Layout:
    """Where the pixels of an output lie on its inputs, the same for each chunk.

    Attributes:
        stride: Total stride in reference pixels; a chunk begins at a multiple of it.
        scale: Output spacing divided by reference spacing.
        lost: Output pixels (rows, columns) by which a chunk's output is smaller than
            chunk / scale.
    """

    stride: int
    scale: Fraction
    lost: Pair

    @property
    def period(self) -> int:
        """The total stride in pixels of the output."""
        return int(self.stride / self.scale)

    def chunk(self, pixels: int, axis: int) -> int:
        """Side of the smallest chunk with this many output pixels, in reference pixels.

        Example:
            >>> Layout(stride=4, scale=Fraction(4), lost=(3, 3)).chunk(1, axis=0)
            16
        """
        return self.stride * ceil((pixels + self.lost[axis]) / self.period)

    def pixels(self, chunk: int, axis: int) -> int:
        """Number of output pixels along one side of a chunk."""
        return int(chunk / self.scale) - self.lost[axis]


@dataclass(frozen=True)
class ProbeInput:
    """One input of a network that is examined.

    Attributes:
        channels: Number of its channels.
        spacing: Its pixel size in reference pixels.
        maximum: Largest value of the images.
    """

    channels: int
    spacing: Fraction
    maximum: float

    def band(self, start: int, stop: int) -> slice:
        """Its pixels between two places, given in reference pixels."""
        return slice(int(start / self.spacing), int(stop / self.spacing))


@dataclass(frozen=True)
class Probe:
    """One output of a model, as a function of images of any size.

    Attributes:
        predictor: The model.
        output: Name of the output.
        inputs: The inputs by name, the reference first.
        work: Counts the images that are computed.
        repeats: Notes how closely the model repeats its results.
    """

    predictor: Predictor
    output: str
    inputs: Mapping[str, ProbeInput]
    work: Work = field(default_factory=Work)
    repeats: Repeats = field(default_factory=Repeats)

    @property
    def spacing(self) -> dict[str, Fraction]:
        """Pixel size of each input, in reference pixels."""
        return {name: source.spacing for name, source in self.inputs.items()}

    @property
    def unit(self) -> int:
        """Smallest length that is whole pixels in every input, in reference pixels."""
        return lcm(*(spacing.numerator for spacing in self.spacing.values()))

    def run(self, image: Image) -> np.ndarray:
        """The output (height, width, channel) for an image.

        Raises:
            MemoryError: If there is not enough memory for the image.
            OutputError: If the model does not give the output.
            ValueError: If the model raises an error for the image.
        """
        start = perf_counter()
        output = self._output(image)
        self.work.ran(self._shape(image), perf_counter() - start)
        return output

    def truth(self, image: Image, *, again: bool) -> tuple[np.ndarray, float]:
        """The output for an image, and the largest change of it that is not counted.

        Args:
            image: The image.
            again: Whether to look for noise where none was seen before.

        Raises:
            ValueError: If the model gives two results that differ too much.
        """
        result = self.repeats.truth(self.run, image, again=again)
        self.repeats.check(self.output)
        return result

    def _shape(self, image: Image) -> Pair:
        """Height and width of an image in reference pixels."""
        name, source = next(iter(self.inputs.items()))
        height, width = image[name].shape[:2]
        return int(height * source.spacing), int(width * source.spacing)

    def _output(self, image: Image) -> np.ndarray:
        batch = {name: array[np.newaxis] for name, array in image.items()}
        try:
            # Logarithms and powers of a function may fail on strong noise.
            with np.errstate(all="ignore"):
                return self.predictor(batch, (self.output,))[self.output][0]
        except MemoryError as err:
            height, width = self._shape(image)
            raise MemoryError(
                f"The memory is not enough for an image of {height}x{width} px, which "
                f"the proof needs. {LESS_WORK}"
            ) from err
        except OutputError:
            raise
        # Any exception: the model may be anybody's function.
        except Exception as err:
            shapes = {name: array.shape for name, array in image.items()}
            raise ValueError(
                f"The model refuses images of {shapes}: {error_line(err)}. It must "
                "take images of any size, with the names and channels of `inputs`."
            ) from err

    def noise(
        self, shape: Pair, low: float, high: float, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """An image of uniform noise.

        Args:
            shape: (height, width) in reference pixels.
            low: Lowest value, as a share of each input's largest value.
            high: Highest value, likewise.
            rng: Generator of the noise.
        """
        image = {}
        for name, source in self.inputs.items():
            size = [int(side / source.spacing) for side in shape]
            noise = rng.random((*size, source.channels), dtype="float32")
            bottom, top = (np.float32(v * source.maximum) for v in (low, high))
            image[name] = bottom + (top - bottom) * noise
        return image

    def part(self, image: Image, corner: Pair, shape: Pair) -> dict[str, np.ndarray]:
        """The part of an image of some shape that begins at a corner."""
        (top, left), (height, width) = corner, shape
        return {
            name: array[
                self.inputs[name].band(top, top + height),
                self.inputs[name].band(left, left + width),
            ]
            for name, array in image.items()
        }

    def surrounded(
        self, image: Image, around: Image, axis: int, kept: Pair
    ) -> dict[str, np.ndarray]:
        """The image from kept[0] to kept[1] along an axis, and `around` elsewhere."""
        mixed = {}
        for name, source in self.inputs.items():
            band: list[slice] = [slice(None), slice(None)]
            band[axis] = source.band(*kept)
            mixed[name] = around[name].copy()
            mixed[name][tuple(band)] = image[name][tuple(band)]
        return mixed


def make_probe(
    predictor: Predictor,
    output: str,
    *,
    inputs: Inputs | None,
    spacing: Mapping[str, Fraction] | None,
    work: Work | None = None,
) -> Probe:
    """A probe of one output, from what is declared or known of the inputs.

    Args:
        predictor: The model.
        output: Name of the output.
        inputs: {input name: (channels, pixels per reference pixel, largest value)}, the
            reference first; may be None where the model tells enough.
        spacing: Pixel size of each input, where the model's layers tell it.
        work: Counts the images that are computed; None for one of its own.

    Raises:
        TypeError: If `inputs` is not a dictionary.
        ValueError: If `inputs` are missing, or differ from the model's.
    """
    known, work = predictor.channels, work or Work()
    if inputs is not None:
        inputs = arguments.mapping("inputs", inputs, '{"input": (4, 1, 10000)}')
    if inputs:
        declared = _declared_inputs(inputs)
        channels = {name: source.channels for name, source in declared.items()}
        check_inputs(channels, known, cure="Declare that number in `inputs`.")
        _check_spacing(declared, spacing)
        return Probe(predictor, output, declared, work)
    if inputs is not None and known:
        check_inputs([], known)
    if not known or None in known.values() or (spacing is None and len(known) > 1):
        raise ValueError(_undeclared(known))
    spacing = spacing or dict.fromkeys(known, Fraction(1))
    assumed = {
        name: ProbeInput(channels, spacing[name], DEFAULT_MAXIMUM)
        for name, channels in known.items()
    }
    return Probe(predictor, output, assumed, work)


def _undeclared(known: Mapping[str, int | None]) -> str:
    names = ", ".join(f"'{name}'" for name in known)
    tells = f"only the names of its inputs, {names}" if known else "no input"
    example = next(iter(known), "input")
    return (
        f"The model tells {tells}. Give `inputs={{'{example}': (channels, pixels per "
        "reference pixel, largest value), …}`, the reference first."
    )


def _declared_inputs(inputs: Inputs) -> dict[str, ProbeInput]:
    """The declared inputs; the first one is the reference."""
    declared, reference_pixels = {}, None
    for name, value in inputs.items():
        try:
            count, ratio, maximum = value
            # NumPy's numbers are no arguments of a Fraction, but floats are.
            exact = isinstance(ratio, str | int | Fraction)
            ratio = Fraction(ratio if exact else float(ratio)).limit_denominator(1000)
            good = count == int(count) and count >= 1 and ratio > 0 < maximum < inf
        except (ArithmeticError, TypeError, ValueError):
            good = False
        if not good:
            raise ValueError(
                f"The input '{name}' is declared as {value!r}. Give (channels, pixels "
                "per reference pixel, largest value), such as (4, 1/4, 10000)."
            )
        reference_pixels = reference_pixels or ratio
        declared[name] = ProbeInput(
            int(count), reference_pixels / ratio, float(maximum)
        )
    return declared


def _check_spacing(
    declared: Mapping[str, ProbeInput], known: Mapping[str, Fraction] | None
) -> None:
    spacing = {name: source.spacing for name, source in declared.items()}
    if known and dict(known) != spacing:
        ratios = {name: str(1 / size) for name, size in known.items()}
        raise ValueError(
            "`inputs` gives other pixel sizes than the model has. Its inputs have "
            f"{ratios} pixels per reference pixel. Give these, the same input first."
        )
