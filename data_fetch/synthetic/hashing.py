"""Random numbers that are looked up by place, so that any window can be made alone.

A *key* is the seed of one layer of the landscape. The same key and the same place give
the same number, whatever else is computed before it.
"""

import zlib

import numpy as np

# Standard deviation of whole numbers that are equally likely from 0 to 255.
BYTE_SD = np.sqrt((256**2 - 1) / 12)

__all__ = ["bytes_of", "hashed", "key_of", "normal", "share_of"]


def key_of(seed: int, name: str) -> int:
    """Key of a named layer of the landscape of a seed.

    Example:
        >>> key_of(1, "rivers") == key_of(1, "rivers")
        True
        >>> len({key_of(1, "rivers"), key_of(2, "rivers"), key_of(1, "roads")})
        3
    """
    state = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
    return int(state.generate_state(1)[0])


def hashed(key: int, *numbers: np.ndarray) -> np.ndarray:
    """Random number of each place, any uint32 equally likely.

    Args:
        key: Key of the layer.
        numbers: Whole numbers that name a place, such as rows (n, 1) and columns (m,).
            They are broadcast against each other.

    Returns:
        uint32 array of the broadcast shape.

    Source:
        The mixing steps and constants of "lowbias32", Chris Wellons, 2018.

    Example:
        >>> rows, columns = np.arange(100)[:, None], np.arange(100)
        >>> whole = hashed(7, rows, columns)
        >>> bool((whole[40:, 60:] == hashed(7, rows[40:], columns[60:])).all())
        True
    """
    mixed = np.array([key], "uint32")
    for number in numbers:
        # The odd factor keeps small numbers apart in all bits.
        mixed = _mix(mixed ^ (number.astype("uint32") * np.uint32(0x9E3779B1)))
    return mixed


def _mix(bits: np.ndarray) -> np.ndarray:
    """Spread every bit over all others; changes the array."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits ^= bits >> np.uint32(shift)
        bits *= np.uint32(factor)
    bits ^= bits >> np.uint32(16)
    return bits


def share_of(bits: np.ndarray) -> np.ndarray:
    """Random numbers from 0 to below 1, float32, from a hash.

    Example:
        >>> share_of(np.array([0, 2**31], "uint32")).tolist()
        [0.0, 0.5]
    """
    # 24 bits: float32 would round the largest 32-bit numbers to 1.
    return (bits >> np.uint32(8)).astype("float32") / np.float32(2**24)


def bytes_of(bits: np.ndarray) -> np.ndarray:
    """Four independent numbers (4, …) float32 with mean 0 and deviation 1, from a hash.

    Example:
        >>> bytes_of(np.zeros((2, 3), "uint32")).shape
        (4, 2, 3)
    """
    parts = np.ascontiguousarray(bits).view("uint8").reshape(*bits.shape, 4)
    numbers = np.moveaxis(parts, -1, 0).astype("float32")
    return (numbers - np.float32(127.5)) / np.float32(BYTE_SD)


def normal(bits: np.ndarray) -> np.ndarray:
    """Nearly normal numbers float32, with mean 0 and deviation 1, from a hash.

    They are sums of four bytes, so none is beyond 3.5.

    Example:
        >>> numbers = normal(hashed(3, np.arange(100_000)))
        >>> abs(float(numbers.mean())) < 0.02, abs(float(numbers.std()) - 1) < 0.02
        (True, True)
    """
    low = np.uint32(0x00FF00FF)
    pairs = (bits & low) + (bits >> np.uint32(8) & low)
    total = (pairs & np.uint32(0xFFFF)) + (pairs >> np.uint32(16))
    return (total.astype("float32") - np.float32(510)) / np.float32(2 * BYTE_SD)
