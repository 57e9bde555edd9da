"""How closely a model repeats its results, and which changes are counted.

Most models repeat every bit. On a GPU some kernels add in an order that changes from
run to run, so the last bits of a result change too.
"""

from collections.abc import Callable

import numpy as np

from tutorial_lib.proof.deviations import changed, deviation

# Sums of a few thousand float32 in another order differ by about 1e-6 of the range of
# values, and by 1e-5 after many layers. Dropout and noise layers change it by percents.
LARGEST_NOISE = 1e-4
# The experiments compare some ten times as many pixels as the repeats do. Of noise with
# a normal distribution the largest of ten times as many values is 1.1 times as large.
MULTIPLE = 4
# Runs of one image by which noise is measured, once any was seen.
REPEATS = 5

__all__ = ["LARGEST_NOISE", "MULTIPLE", "REPEATS", "Repeats"]


class Repeats:
    """What is known of how closely one output is repeated.

    Attributes:
        noise: Largest difference between two runs of an image, in units of the output.
        value_range: Largest range of values in one image.
        used: Largest tolerance that a result was given.

    Example:
        >>> repeats = Repeats()
        >>> image = np.arange(12.0).reshape(3, 4, 1)
        >>> _, tolerance = repeats.truth(lambda image: 2 * image, image, again=True)
        >>> tolerance, repeats.noise, repeats.value_range
        (0.0, 0.0, 22.0)
    """

    def __init__(self) -> None:
        self.noise = self.value_range = self.used = 0.0

    def truth(
        self, run: Callable, image: object, *, again: bool
    ) -> tuple[np.ndarray, float]:
        """The result for an image, and the largest change of it that is not counted.

        Args:
            run: The model, from an image to an output (height, width, channel).
            image: The image.
            again: Whether to look for noise where none was seen before.
        """
        truth = run(image)
        noise = self._note(run, image, truth) if again or self.noise else 0.0
        # Noise that comes now and then may have been missed in this image.
        tolerance = MULTIPLE * (noise or self.noise)
        self.used = max(self.used, tolerance)
        return truth, tolerance

    def check(self, output: str) -> None:
        """Raise ValueError if an output differs too much from run to run."""
        if self.noise <= LARGEST_NOISE * self.value_range:
            return
        raise ValueError(
            f"The model gives two results of '{output}' for one image, which differ by "
            f"{self.noise:.2g} (its values range over {self.value_range:.2g}). Certify "
            "it without dropout or noise, and with deterministic kernels "
            "(`tf.config.experimental.enable_op_determinism()`)."
        )

    def _note(self, run: Callable, image: object, truth: np.ndarray) -> float:
        """The largest difference of an image's results from the first one."""
        again = run(image)
        found = deviation(again, truth)
        self.value_range = max(self.value_range, found.value_range)
        if not self.noise and not changed(again, truth).any():
            return 0.0
        others = [deviation(run(image), truth) for _ in range(REPEATS - 2)]
        noise = max(one.largest for one in (found, *others))
        self.noise = max(self.noise, noise)
        return noise
