"""Divides patches among training, validation and test, as OTBTF does."""

from collections.abc import Sequence

import numpy as np

from tutorial_lib.compat.applications.patch_nodes import Nodes

# OTBTF's seed is fixed too.
_SEED = 0

__all__ = ["balanced", "chessboard", "split"]


def chessboard(nodes: Nodes) -> np.ndarray:
    """Group of each node, 0 and 1 in turn along rows and columns of the grid."""
    return (nodes.grid_rows + nodes.grid_cols) % 2


def split(count: int, proportions: Sequence[float], *, shuffled: bool) -> np.ndarray:
    """Group of each of `count` samples, so that groups grow in proportion.

    Each sample goes to the group whose counter is smallest; of equal ones the first.
    The counter then grows by the sum of the proportions divided by that of the group.

    Args:
        count: Number of samples.
        proportions: Proportion of each group; one with 0 gets no sample.
        shuffled: Whether to shuffle the groups at random, with a fixed seed.

    Example:
        >>> split(8, [50, 25, 25], shuffled=False).tolist()
        [0, 1, 2, 0, 0, 1, 2, 0]
    """
    # In float32 as in OTBTF, which decides where counters would be equal.
    shares = np.array(proportions, "float32")
    with np.errstate(divide="ignore"):
        growth = shares.sum(dtype="float32") / shares
    counters = np.where(shares > 0, 0, np.inf).astype("float32")
    groups = np.empty(count, "int64")
    for sample in range(count):
        group = int(np.argmin(counters))
        groups[sample] = group
        counters[group] += growth[group]
    if shuffled:
        np.random.default_rng(_SEED).shuffle(groups)
    return groups


def balanced(nodes: Nodes, labels: np.ndarray, share: float) -> np.ndarray:
    """Which nodes are taken so that their classes become more even.

    It starts with every n-th row and column of the grid. Then it adds the other nodes,
    the least similar to the classes of these first, as long as the sum of all becomes
    more similar to equal numbers of each class. Similarity is the cosine of the counts.

    Args:
        nodes: The nodes.
        labels: (n, classes) number of pixels of each class in the patch of each node.
        share: Share of the nodes in the start: n is the whole part of 1 / sqrt(share).

    Returns:
        (n,) whether each node is taken.

    Example:
        >>> place = np.array([0, 0, 0, 0]), np.array([0, 1, 2, 3])
        >>> labels = np.array([[9, 0], [8, 1], [9, 0], [0, 9]])
        >>> balanced(Nodes(*place, *place), labels, share=0.25).tolist()
        [True, False, True, True]
    """
    step = int(1 / np.sqrt(share))
    taken = (nodes.grid_rows % step == 0) & (nodes.grid_cols % step == 0)
    sums = labels[taken].sum(axis=0).astype("float64")
    even = np.ones(labels.shape[1])
    others = np.flatnonzero(~taken)
    similar = np.array([_cosine(one, sums) for one in labels[others]])
    best = 0.0
    for other in others[np.argsort(similar, kind="stable")]:
        sums += labels[other]
        if (cosine := _cosine(sums, even)) <= best:
            break
        best, taken[other] = cosine, True
    return taken


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of the angle between two vectors; 0 if one of them is 0."""
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / length) if length else 0.0
