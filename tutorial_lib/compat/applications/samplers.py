"""Which pixels of a class are taken: OTB's samplers."""

import numpy as np

__all__ = ["periodic", "random"]


def periodic(
    required: int, total: int, jitter: int, rng: np.random.Generator
) -> np.ndarray:
    """Numbers, from 0, of pixels at regular distances.

    Args:
        required: How many are taken, at most `total`.
        total: How many there are.
        jitter: Most pixels by which one moves on at random; it never passes the next.
        rng: Where these random numbers come from.

    Returns:
        (required,) ascending numbers.

    Example:
        >>> periodic(3, 10, jitter=0, rng=np.random.default_rng(0)).tolist()
        [0, 3, 6]
    """
    # OTB asks for the i-th pixel, i = 1, 2…, whether ceil(i * rate - taken) > 0. So the
    # pixel after `taken` others is the first with i > taken / rate. Whole numbers keep
    # this exact.
    first = np.arange(required, dtype="int64") * total // max(required, 1)
    room = min(jitter, total / required - 1) if required else 0
    if not room > 0:
        return first
    moved = rng.uniform(0, room, required)
    places = np.arange(required) * (total / required) + moved
    return np.minimum(places.astype("int64"), total - 1)


def random(required: int, total: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers, from 0, of pixels drawn at random without a repeat, ascending.

    Example:
        >>> random(10, 10, np.random.default_rng(0)).tolist() == list(range(10))
        True
    """
    return np.sort(rng.choice(total, required, replace=False, shuffle=False))
