"""Patches changed at random in each epoch: turned, brighter or darker.

A network that sees a patch in many forms learns what these have in common. Flips and
turns make more of few patches. A *jitter* of the pixel values stands for another sun
and other air, so the network must not trust one exact brightness.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tutorial_lib import arguments

__all__ = ["augment"]


def augment(
    dataset: tf.data.Dataset,
    *,
    turns: bool = False,
    gain: float = 0.0,
    offset: float = 0.0,
    seed: int = 0,
) -> tf.data.Dataset:
    """Change each patch at random, in another way in each epoch.

    Args:
        dataset: Batches that `patch_dataset` made: ({input name: images}, {target:
            images}).
        turns: Whether patches are flipped and turned by quarters, all inputs and
            targets of a patch alike. Each of the eight forms is as likely.
        gain: All inputs of a patch are multiplied by one random factor from 1 - gain
            to 1 + gain.
        offset: Then one random number from -offset to offset is added to all of them,
            in the unit of the pixels.
        seed: Seed of the changes; the same seed makes the same changes.

    Returns:
        Batches of the same patches in the same order, changed; inputs are float32.

    Raises:
        TypeError: If `dataset` does not hold such batches.
        ValueError: If `gain` is not from 0 to 1, `offset` is below 0, or patches to be
            turned are not square.

    Example:
        >>> images = np.full((2, 1, 1, 3), 100, "float32")
        >>> batches = tf.data.Dataset.from_tensors(({"x": images}, {"y": images}))
        >>> changed = augment(batches, gain=0.2, offset=5)
        >>> inputs, targets = next(changed.as_numpy_iterator())
        >>> bool((abs(inputs["x"] - 100) <= 25).all()), targets["y"].max().item()
        (True, 100.0)
    """
    turns = arguments.flag("turns", turns)
    gain = arguments.number("gain", gain, least=0, most=1)
    offset = arguments.number("offset", offset, least=0)
    seed = arguments.whole_number("seed", seed, least=0)
    _check(dataset, turns)

    def change(batch: tuple[dict, dict], number: Any, epoch: Any) -> tuple[dict, dict]:
        inputs, targets = batch
        count = tf.shape(next(iter(inputs.values())))[0]
        # One row of random numbers from 0 to 1 for each patch.
        random = tf.random.stateless_uniform((count, 5, 1, 1, 1), [epoch, number])
        if turns:
            inputs, targets = (
                {name: _turned(x, random[:, :3] < 0.5) for name, x in part.items()}
                for part in (inputs, targets)
            )
        factor, shift = (2 * random[:, i] - 1 for i in (3, 4))
        inputs = {
            name: tf.cast(x, tf.float32) * (1 + gain * factor) + offset * shift
            for name, x in inputs.items()
        }
        return inputs, targets

    numbers = tf.data.Dataset.counter()
    return tf.data.Dataset.zip(dataset, numbers, _epochs(seed)).map(
        change, num_parallel_calls=2
    )


def _turned(images: Any, chosen: Any) -> Any:
    """Images that are mirrored along the rows, the columns or the diagonal, or not."""
    images = tf.where(chosen[:, 0], tf.reverse(images, [1]), images)
    images = tf.where(chosen[:, 1], tf.reverse(images, [2]), images)
    return tf.where(chosen[:, 2], tf.transpose(images, [0, 2, 1, 3]), images)


def _epochs(seed: int) -> tf.data.Dataset:
    """A random number for each pass over the data, repeated during the pass."""
    # TensorFlow's own random numbers depend on a seed of the whole program.
    rng = np.random.default_rng(seed)
    number = tf.data.Dataset.from_generator(
        lambda: iter([rng.integers(2**62)]),
        output_signature=tf.TensorSpec((), tf.int64),
    )
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return number.flat_map(
        lambda epoch: tf.data.Dataset.from_tensors(epoch).repeat()
    ).apply(endless)


def _check(dataset: Any, turns: bool) -> None:
    what = "batches of ({input name: images}, {target: images}): `tl.patch_dataset(…)`"
    arguments.instance("dataset", dataset, tf.data.Dataset, what)
    spec = dataset.element_spec
    pair = isinstance(spec, tuple) and len(spec) == 2
    if not pair or not all(isinstance(part, Mapping) and part for part in spec):
        raise TypeError(f"`dataset` holds {arguments.shown(spec)}. Give {what}.")
    for part in spec:
        for name, one in part.items():
            if one.shape.rank != 4:
                raise TypeError(
                    f"`dataset` holds '{name}' of the shape {one.shape}. Give {what}, "
                    "each (batch, height, width, channel)."
                )
            if turns and one.shape[1] != one.shape[2]:
                raise ValueError(
                    f"The patches of '{name}' have {one.shape[1]}x{one.shape[2]} px. "
                    "Only square patches can be turned: leave `turns` out."
                )
