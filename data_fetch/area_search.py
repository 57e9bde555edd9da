"""Search for the best area of each block, by the labels that the areas would keep."""

import numpy as np

SEED = 0
# The best of these is improved by exchanging blocks.
RANDOM_TRIES = 4000
STARTS = 8
# Numbers that are compared at a time: a scene may have 255 classes.
AT_A_TIME = 2_000_000

# Shares of the labels: A trains, B and C need enough for a score.
SHARES = (0.6, 0.2, 0.2)
TOLERANCE = 0.07
SMALLEST_SHARES = np.array([0.4, 0.1, 0.1])[:, np.newaxis]
LARGEST_LOSS = 0.2
# A class of fewer pixels can hardly be divided, so it counts less.
RARE = 300

__all__ = ["best_areas", "kept_pixels"]


def best_areas(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The area of each block: 0 for training, 1 for validation, 2 for the test.

    Wanted are: A has 53 to 67 % of the labels that are left, and at least 40 % of each
    class; B and C have at least 10 % of each class, and blocks that lie apart; the gaps
    cost at most 20 % of the labels. Among areas that meet this equally well, the best
    have the class that is known from the fewest blocks in its area from the most.
    Blocks are counted as 1 / sum(share²), with the share that each has of the pixels of
    its class.

    Args:
        counts: Labelled pixels, (rows of blocks, columns of blocks, 3, 3, classes).

    Returns:
        The areas (rows, columns), and the pixels that each keeps (3, classes).
    """
    rows, columns = counts.shape[:2]
    rng = np.random.default_rng(SEED)
    tries = rng.choice(3, size=(RANDOM_TRIES, rows, columns), p=SHARES)
    order = np.argsort(_costs(tries, counts), kind="stable")[:STARTS]
    found = [_improved(tries[i], counts) for i in order]
    best = min(found, key=lambda one: one[0])[1]
    # The area with more labels tests, because its score is the one that is shown.
    pixels = kept_pixels(best[np.newaxis], counts)[0].sum(axis=(1, 2))
    if pixels[1].sum() > pixels[2].sum():
        best, pixels = np.array([0, 2, 1])[best], pixels[[0, 2, 1]]
    return best, pixels


def _improved(areas: np.ndarray, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """Change or exchange single blocks as long as that lowers the cost."""
    cost = _costs(areas[np.newaxis], counts)[0]
    while True:
        others = _neighbours(areas)
        costs = _costs(others, counts)
        best = int(costs.argmin())
        if costs[best] >= cost:
            return float(cost), areas
        cost, areas = costs[best], others[best]


def _neighbours(areas: np.ndarray) -> np.ndarray:
    """Areas with one block changed, or two blocks exchanged."""
    flat = areas.ravel()
    count = len(flat)
    changed = np.repeat(flat[np.newaxis], 2 * count, axis=0)
    index = np.arange(2 * count)
    changed[index, index // 2] = (changed[index, index // 2] + 1 + index % 2) % 3
    one, other = np.triu_indices(count, 1)
    swapped = np.repeat(flat[np.newaxis], len(one), axis=0)
    index = np.arange(len(one))
    swapped[index, one], swapped[index, other] = flat[other], flat[one]
    useful = flat[one] != flat[other]
    return np.concatenate([changed, swapped[useful]]).reshape(-1, *areas.shape)


def kept_pixels(areas: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Pixels that areas keep of each class in each block.

    Args:
        areas: (tries, rows, columns) of 0, 1, 2.
        counts: As `best_areas`.

    Returns:
        (tries, 3, rows, columns, classes).
    """
    around = np.pad(areas, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows, columns = areas.shape[1:]
    same = np.empty((*areas.shape, 3, 3), bool)
    for y in range(3):
        for x in range(3):
            beside = around[:, y : y + rows, x : x + columns]
            same[..., y, x] = beside == areas
    # A corner is kept where the blocks on its sides and across have the same area.
    for y in (0, 2):
        for x in (0, 2):
            same[..., y, x] &= same[..., y, 1] & same[..., 1, x]
    kept = np.einsum("trcyx,rcyxk->trck", same.astype(float), counts.astype(float))
    mine = areas[:, np.newaxis] == np.arange(3)[:, np.newaxis, np.newaxis]
    return kept[:, np.newaxis] * mine[..., np.newaxis]


def _costs(areas: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How far areas (tries, rows, columns) are from what is wanted; less is better."""
    step = max(1, AT_A_TIME // counts.size)
    starts = range(0, len(areas), step)
    return np.concatenate([_costs_of(areas[i : i + step], counts) for i in starts])


def _costs_of(areas: np.ndarray, counts: np.ndarray) -> np.ndarray:
    kept = kept_pixels(areas, counts)
    total = counts.sum(axis=(0, 1, 2, 3))
    known = total > 0
    weights = np.minimum(total / RARE, 1)[known]
    pixels = kept.sum(axis=(2, 3))[..., known]
    left = pixels.sum(axis=(1, 2))
    shares = pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    share_of_a = pixels[:, 0].sum(axis=1) / np.maximum(left, 1)
    missing = (np.maximum(SMALLEST_SHARES - shares, 0) * weights).sum(axis=(1, 2))
    faults = (
        missing
        + np.maximum(abs(share_of_a - SHARES[0]) - TOLERANCE, 0)
        + np.maximum(1 - left / total.sum() - LARGEST_LOSS, 0)
        + 0.1 * _in_one_piece(areas)
    )
    return 1000 * faults - _fewest_places(kept[..., known], weights)


def _fewest_places(kept: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Places from which the class is known that is known from the fewest."""
    sums = kept.sum(axis=(2, 3))
    places = sums**2 / np.maximum((kept**2).sum(axis=(2, 3)), 1)
    common = weights == weights.max()
    return places[..., common].min(axis=(1, 2))


def _in_one_piece(areas: np.ndarray) -> np.ndarray:
    """How many of B and C have no two blocks that lie apart."""
    rows, columns = np.indices(areas.shape[1:])
    pieces = np.zeros(len(areas))
    for number in (1, 2):
        own = areas == number
        # Blocks that lie apart have a block of another area between them, so they span
        # three blocks of an axis at least.
        pieces += np.maximum(_span(own, rows), _span(own, columns)) < 2
    return pieces


def _span(own: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Largest minus smallest index of the blocks of an area; -1 if it has none."""
    largest = np.where(own, index, -1).max(axis=(1, 2))
    smallest = np.where(own, index, index.max() + 1).min(axis=(1, 2))
    return np.where(largest < 0, -1, largest - smallest)
