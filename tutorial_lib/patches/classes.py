"""Class numbers that a caller asks for: `classes=(10, 20, 30)`, and their indices."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.notices import warn

# The largest class number of a label raster of 16 bits.
LARGEST_CLASS = 65535

# Values that usually mark pixels without a label.
NO_LABEL = {255, 65535}

# Number of labels that are judged at a time.
CHUNK = 2**20

__all__ = ["check_class_count", "class_indices", "occurring_classes"]


def occurring_classes(
    classes: Sequence[int], found: np.ndarray, where: str
) -> list[int]:
    """Those of the classes asked for that occur; warns of the others.

    Args:
        classes: Class numbers that were asked for.
        found: All numbers that occur.
        where: Where they occur, for the message: "'labels.tif'".

    Raises:
        ValueError: If none of them occurs.
    """
    found = np.unique(found)
    numbers = [int(n) if n == n // 1 else n for n in found[np.isfinite(found)].tolist()]
    there = [label for label in classes if label in numbers]
    absent = [label for label in classes if label not in numbers]
    listed = ", ".join(map(str, numbers[:20])) + (", …" if len(numbers) > 20 else "")
    if not there:
        raise ValueError(
            f"None of `classes` {tuple(classes)} is in {where}. The numbers there: "
            f"{listed or 'none'}. Give some of these."
        )
    if absent:
        warn(
            f"Of `classes`, {_listed(absent)} not in {where}. The numbers there: "
            f"{listed}."
        )
    return there


def _listed(absent: Sequence[int]) -> str:
    names = ", ".join(map(str, absent))
    return f"{names} {'is' if len(absent) == 1 else 'are'}"


def check_class_count(
    class_count: int | None, classes: Sequence[int] | None
) -> tuple[int, ...]:
    """The class numbers of the labels, in the order of the channels of a target."""
    if class_count is None and classes is None:
        raise TypeError(
            "The number of classes is missing. Give `class_count`, or the numbers of "
            "the classes: `classes=(10, 20, 30)`."
        )
    if class_count is not None:
        most = LARGEST_CLASS + 1
        number = arguments.whole_number("class_count", class_count, least=1, most=most)
        if classes is None:
            return tuple(range(number))
    classes = arguments.class_numbers("classes", classes)
    if class_count is not None and number != len(classes):
        raise ValueError(
            f"`class_count` is {class_count}, and `classes` {classes} has "
            f"{len(classes)} numbers. Leave `class_count` out, or correct one of them."
        )
    return classes


def _chunks(labels: np.ndarray) -> Iterator[slice]:
    """Slices of patches with about `CHUNK` labels each."""
    step = max(1, CHUNK // max(1, labels[0].size))
    for first in range(0, len(labels), step):
        yield slice(first, first + step)


def class_indices(labels: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    """Index of each label in `classes`.

    Args:
        labels: (n, height, width, 1) class numbers. The indices take their place in
            memory, if they fit.
        classes: The class numbers, in ascending order.

    Returns:
        (n, height, width) array.

    Raises:
        ValueError: If a label is not one of the classes.

    Example:
        >>> labels = np.array([30, 10, 20]).reshape(3, 1, 1, 1)
        >>> class_indices(labels, (10, 20, 30)).ravel().tolist()
        [2, 0, 1]
    """
    pixels: Counter[float] = Counter()
    for part in _chunks(labels):
        ids, counts = np.unique(labels[part], return_counts=True)
        # One NaN is not equal to another one, so all get the same object.
        ids = [math.nan if label != label else label for label in ids.tolist()]
        pixels.update(dict(zip(ids, counts.tolist(), strict=True)))
    wrong = {label: n for label, n in pixels.items() if label not in classes}
    if wrong:
        raise ValueError(_wrong_labels(wrong, sorted(pixels), classes))
    if classes != tuple(range(len(classes))):
        occurring_classes(classes, np.array(list(pixels)), "the labels")
    # The index of a number in ascending order is at most the number: the type holds it.
    indices = labels[..., 0]
    if labels.dtype.kind == "f":
        indices = indices.view(f"int{8 * labels.itemsize}")
    for part in _chunks(labels):
        indices[part] = np.searchsorted(classes, labels[part][..., 0])
    return indices


def _wrong_labels(
    wrong: Mapping[float, int], found: Sequence[float], classes: tuple[int, ...]
) -> str:
    """The message about labels that are not among the classes."""
    count = len(classes)
    where = f"in `classes` {classes}"
    if classes == tuple(range(count)):
        where = f"from 0 to {count - 1} (`class_count` is {count})"
    whole = all(label >= 0 and label == label // 1 for label in found)
    ids = tuple(int(label) for label in found) if whole else ()
    if not whole:
        cure = "Class numbers are 0, 1, 2…: correct the labels"
    elif set(wrong) <= NO_LABEL:
        cure = "These usually mark pixels without a label: leave their patches out"
    elif ids == tuple(range(len(ids))):
        cure = f"Give `class_count={len(ids)}`, or leave these patches out"
    else:
        listed = f"{ids}" if len(ids) <= 20 else f"({ids[0]}, {ids[1]}, …)"
        cure = f"Give `classes={listed}`, or leave these patches out"
    return (
        f"Some labels are not {where}. Their numbers of pixels: {dict(wrong)}. {cure}."
    )
