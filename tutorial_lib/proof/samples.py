"""A sample of a plain function's results, which tells it from another function.

A function has no weights that could be compared. Two functions that give other values
for the same image are not the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.proof.probe import LEVELS, Image, Pair, Probe
from tutorial_lib.proof.repeats import LARGEST_NOISE

# Values of an output that are kept, spread evenly over it.
KEPT = 64

__all__ = ["Sample", "read_sample"]


@dataclass(frozen=True)
class Sample:
    """What a function gave for one image of noise.

    Attributes:
        shape: (height, width) of the image in reference pixels.
        channels: Number of channels of each input.
        size: (height, width, channel) of the output.
        values: Some values of the output, with 0 in place of NaN.
    """

    shape: Pair
    channels: Mapping[str, int]
    size: tuple[int, int, int]
    values: tuple[float, ...]

    @classmethod
    def of(cls, probe: Probe, shape: Pair, seed: int) -> "Sample":
        """A sample of a network's output, for an image of this shape."""
        output = probe.run(_image(probe, shape, seed))
        channels = {name: source.channels for name, source in probe.inputs.items()}
        return cls(shape, channels, output.shape, _values(output))

    def fits(self, probe: Probe, seed: int, tolerance: float) -> bool:
        """Whether a network gives these values.

        Args:
            probe: The network.
            seed: Seed of the image.
            tolerance: Largest difference between two runs of one network.
        """
        try:
            output = probe.run(_image(probe, self.shape, seed))
        except ValueError:
            return False
        known = np.array(self.values)
        # Other machines and numbers of threads add in another order.
        allowed = max(LARGEST_NOISE * np.ptp(known), tolerance)
        return output.shape == self.size and bool(
            (np.abs(np.array(_values(output)) - known) <= allowed).all()
        )


def _image(probe: Probe, shape: Pair, seed: int) -> Image:
    return probe.noise(shape, 0, LEVELS[1], np.random.default_rng(seed))


def _values(output: np.ndarray) -> tuple[float, ...]:
    flat = output.ravel()
    places = np.linspace(0, flat.size - 1, min(KEPT, flat.size)).astype(int)
    return tuple(np.nan_to_num(flat[places].astype("float64")).tolist())


def read_sample(name: str, value: Any) -> Sample | None:
    """A sample from the entries that JSON keeps of it.

    Raises:
        KeyError, TypeError, ValueError: If the entries are not those of a sample.
    """
    if value is None:
        return None
    record = arguments.mapping(name, value, '{"shape": [16, 16], …}')
    height, width = arguments.whole_numbers("shape", record["shape"], least=1)
    rows, cols, depth = arguments.whole_numbers("size", record["size"], least=1)
    channels = arguments.mapping("channels", record["channels"], '{"input": 4}')
    counts = {
        key: arguments.whole_number(key, count, least=1)
        for key, count in channels.items()
    }
    listed = arguments.sequence("values", record["values"], "numbers")
    values = tuple(arguments.number("values", one) for one in listed)
    return Sample((height, width), counts, (rows, cols, depth), values)
