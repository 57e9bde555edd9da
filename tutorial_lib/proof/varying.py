"""Quick checks before measuring: an output depends on the image, and on nothing else.

Units that are dead for noise are often alive for a smooth image. So the images have
blocks of several sizes, in which all pixels are equal.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tutorial_lib.networks.checks import OutputError
from tutorial_lib.proof.deviations import changed
from tutorial_lib.proof.probe import LEVELS, Image, Pair, Probe

# Sides of the blocks in pixels of each source; the last ones fill the image.
BLOCKS = (1, 4, 16, 64, 1024)
# Images of each kind. A random network with many dead units (tests/random_networks.py,
# seed 2) changed in none of 18 images of noise, and in 7 of 8 with blocks of 16 px.
REPEATS = 4

__all__ = ["check_repeats", "check_varies", "constant_error", "small_shape"]


def constant_error(output: str) -> ValueError:
    """The error for an output that does not depend on the image."""
    return ValueError(
        f"The output '{output}' is the same for every image, so nothing can be "
        "measured. Certify an output that varies, such as the probabilities from which "
        "labels are computed, and give the largest values in `inputs`."
    )


def small_shape(probe: Probe, shapes: Sequence[Pair], seed: int) -> Pair | None:
    """The first of some shapes of which the network takes an image; None if none.

    Args:
        probe: The network.
        shapes: Shapes of images in reference pixels.
        seed: Seed of the image.
    """
    for shape in shapes:
        try:
            output = probe.run(probe.noise(shape, 0, 1, np.random.default_rng(seed)))
        except OutputError:
            raise
        except ValueError:
            continue
        # An image that is too small for the network gives no pixels.
        return shape if output.size else None
    return None


def check_repeats(probe: Probe, shape: Pair, seed: int) -> None:
    """Raise ValueError if a model gives two results for one small image.

    Small differences are noted in `probe.repeats`.
    """
    rng = np.random.default_rng(seed)
    for level in LEVELS:
        probe.repeats.truth(probe.run, probe.noise(shape, 0, level, rng), again=True)
    probe.repeats.check(probe.output)


def check_varies(probe: Probe, shape: Pair, seed: int) -> None:
    """Raise ValueError if an output is the same for many small images.

    Args:
        probe: The network.
        shape: Shape of the images in reference pixels.
        seed: Seed of the images.
    """
    images = _images(probe, shape, np.random.default_rng(seed))
    first, tolerance = probe.run(next(images)), probe.repeats.used
    if all(_same(probe.run(image), first, tolerance) for image in images):
        raise constant_error(probe.output)


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


def _same(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return a.shape == b.shape and not changed(a, b, tolerance).any()
