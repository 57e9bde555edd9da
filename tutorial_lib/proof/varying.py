"""Whether an output depends on the image at all: a quick check before measuring.

Units that are dead for noise are often alive for a smooth image. So the images have
blocks of several sizes, in which all pixels are equal.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tutorial_lib.networks.checks import OutputError
from tutorial_lib.proof.comparison import changed
from tutorial_lib.proof.probe import LEVELS, Image, Pair, Probe

# Sides of the blocks in pixels of each source; the last ones fill the image.
BLOCKS = (1, 4, 16, 64, 1024)
# Images of each kind. A random network with many dead units (tests/random_networks.py,
# seed 2) changed in none of 18 images of noise, and in 7 of 8 with blocks of 16 px.
REPEATS = 4

__all__ = ["check_varies", "constant_error"]


def constant_error(output: str) -> ValueError:
    """The error for an output that does not depend on the image."""
    return ValueError(
        f"The output '{output}' is the same for every image, so nothing can be "
        "measured. Certify an output that varies, such as the probabilities from which "
        "labels are computed, and give the largest values in `inputs`."
    )


def check_varies(probe: Probe, shapes: Sequence[Pair], seed: int) -> None:
    """Raise ValueError if an output is the same for many small images.

    Args:
        probe: The network.
        shapes: Shapes of images; the first one that the network accepts is taken.
        seed: Seed of the images.
    """
    for shape in shapes:
        images = _images(probe, shape, np.random.default_rng(seed))
        try:
            first = probe.run(next(images))
        except OutputError:
            raise
        except ValueError:
            continue
        # An image that is too small for the network gives no pixels.
        if first.size and all(_same(probe.run(image), first) for image in images):
            raise constant_error(probe.output)
        return


def _images(probe: Probe, shape: Pair, rng: np.random.Generator) -> Iterator[Image]:
    for _ in range(REPEATS):
        for block in BLOCKS:
            for level in LEVELS:
                noise = probe.noise(shape, -level, level, rng)
                yield {name: _blocks(array, block) for name, array in noise.items()}


def _blocks(array: np.ndarray, side: int) -> np.ndarray:
    """An image whose pixels are equal within each block."""
    height, width = array.shape[:2]
    rows, cols = np.arange(height) // side * side, np.arange(width) // side * side
    return array[np.ix_(rows, cols)]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and not changed(a, b).any()
