"""Pair the layers of two networks, so that as little as possible differs."""

from collections.abc import Sequence

from tutorial_lib.exercises.graphs import Use
from tutorial_lib.exercises.layer_settings import differences

__all__ = ["align"]


def align(
    own: Sequence[Use], right: Sequence[Use]
) -> list[tuple[Use | None, Use | None]]:
    """Pair the layers of two networks such that as little as possible differs."""
    costs = _costs(own, right)
    pairs: list[tuple[Use | None, Use | None]] = []
    i, j = len(own), len(right)
    while i or j:
        if (
            i
            and j
            and costs[i][j] == costs[i - 1][j - 1] + _distance(own[i - 1], right[j - 1])
        ):
            i, j = i - 1, j - 1
            pairs.append((own[i], right[j]))
        elif i and costs[i][j] == costs[i - 1][j] + _ALONE:
            i -= 1
            pairs.append((own[i], None))
        else:
            j -= 1
            pairs.append((None, right[j]))
    return pairs[::-1]


# Cost of a layer without a partner, in an alignment.
_ALONE = 1.0


def _costs(own: Sequence[Use], right: Sequence[Use]) -> list[list[float]]:
    """Cost of aligning the first i layers with the first j: the edit distance."""
    costs = [[_ALONE * j for j in range(len(right) + 1)]]
    for i, one in enumerate(own, start=1):
        row = [_ALONE * i]
        for j, other in enumerate(right, start=1):
            row.append(
                min(
                    costs[i - 1][j - 1] + _distance(one, other),
                    costs[i - 1][j] + _ALONE,
                    row[j - 1] + _ALONE,
                )
            )
        costs.append(row)
    return costs


def _distance(one: Use, other: Use) -> float:
    """How much two layers differ; above 2, they are no pair."""
    named = one.is_named and other.is_named
    if named and one.layer.name == other.layer.name:
        return 0.125 * min(4, len(differences(one, other)))
    if one.kind != other.kind:
        return 2.5 if named else 1.75
    return 0.125 * min(4, len(differences(one, other))) + 1.25 * named
