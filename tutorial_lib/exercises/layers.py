"""Compare two networks layer by layer, and say in words what differs."""

import re
from collections.abc import Mapping, Sequence

from tutorial_lib.exercises.alignment import align
from tutorial_lib.exercises.findings import Finding, and_joined, right_parts
from tutorial_lib.exercises.graphs import Graph, Use, numbered
from tutorial_lib.exercises.layer_settings import (
    Difference,
    described,
    differences,
    is_swapped,
    kind_of,
)

__all__ = ["compare_layers"]

# At most so many differences are told at once.
_MOST_TOLD = 2


def compare_layers(own: Graph, right: Graph, says: str) -> Finding | None:
    """Compare two networks that do not compute the same.

    Args:
        own: The learner's network.
        right: The right one.
        says: Where the right layers are described, as the middle of a sentence.

    Returns:
        A finding, or None if no layer and no connection differs.
    """
    pairs = align(own.uses, right.uses)
    calls = _Names(own.uses, right.uses)
    sentences = _sentences(pairs, calls, says)
    fine = [
        one
        for one, other in pairs
        if one is not None and other is not None and not differences(one, other)
    ]
    if not sentences:
        sentences = _wiring(own, right, dict(pairs), calls)
        wrong = {sentence.partition("`")[2].partition("`")[0] for sentence in sentences}
        fine = [one for one in fine if one.layer.name not in wrong]
    if not sentences:
        return None
    text = " ".join(sentences[:_MOST_TOLD])
    rest = len(sentences) - _MOST_TOLD
    if rest > 0:
        more = "is one more difference" if rest == 1 else f"are {rest} more differences"
        text += f" There {more}."
    return Finding(text, right=_right(fine, pairs, calls))


class _Names:
    """How layers are called in sentences: by their name, or by kind and number."""

    def __init__(self, *networks: Sequence[Use]) -> None:
        self._numbers: dict[Use, int] = {}
        for uses in networks:
            self._numbers |= numbered(uses)

    def __call__(self, use: Use) -> str:
        if use.node is None or use.is_named:
            return f"`{use.layer.name}`"
        return f"{kind_of(use)} number {self._numbers.get(use, 1)}"

    def start(self, use: Use) -> str:
        name = self(use)
        return name[0].upper() + name[1:]


def _right(fine: Sequence[Use], pairs: Sequence[tuple], calls: _Names) -> str:
    """Sentence on the layers that are right."""
    named = [use for use in fine if use.is_named and not _is_of_the_kit(use)]
    if not named:
        count = sum(right is not None for _, right in pairs)
        return f"{len(fine)} of {count} layers are right." if fine else ""
    names = [calls(use) for use in named]
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more layers"]
    return right_parts(names)


def _is_of_the_kit(use: Use) -> bool:
    """Whether the kit has made a layer: the scaling of an input, or a crop."""
    return bool(re.search(r"_scaled$|_standardised$|_crop\d+$", use.layer.name))


def _sentences(
    pairs: Sequence[tuple[Use | None, Use | None]], calls: _Names, says: str
) -> list[str]:
    """Sentences on the layers that differ, are missing, or are too many."""
    same: dict[Difference, list[str]] = {}
    for one, other in pairs:
        if one is not None and other is not None:
            for difference in differences(one, other):
                same.setdefault(difference, []).append(calls.start(one))
    swapped = any(
        one is not None and other is not None and is_swapped(one, other)
        for one, other in pairs
    )
    told = [_told(names, what, says) for what, names in same.items()]
    if swapped:
        told.insert(_MOST_TOLD - 1, "Are the filters and the kernel exchanged?")
    return [*told, *_unpaired(pairs, calls)]


def _told(names: Sequence[str], what: Difference, says: str) -> str:
    """Sentence on one difference, which several layers may have."""
    if len(names) == 1:
        return f"{names[0]} {what.has}; {says} {what.should}."
    shown = [names[0], *(name[0].lower() + name[1:] for name in names[1:3])]
    if len(names) > 3:
        shown = [*shown[:2], f"{len(names) - 2} more layers"]
    has = re.sub(r"^\w+", _plural, what.has)
    return f"{and_joined(shown)} {has}; {says} {what.should}."


def _plural(match: re.Match) -> str:
    return {"has": "have", "is": "are", "multiplies": "multiply"}.get(
        match[0], match[0].removesuffix("s")
    )


def _unpaired(
    pairs: Sequence[tuple[Use | None, Use | None]], calls: _Names
) -> list[str]:
    """Sentences on the layers that only one of the networks has."""
    added = [one for one, other in pairs if other is None]
    missing = [other for one, other in pairs if one is None]
    names = [
        {use.layer.name for use in uses if use.is_named} for uses in (added, missing)
    ]
    moved = names[0] & names[1]
    found = [
        f"`{name}` stands at another place than it should." for name in sorted(moved)
    ]
    missing = [use for use in missing if use.layer.name not in moved]
    added = [use for use in added if use.layer.name not in moved]
    if missing:
        found.append(_missing(missing, pairs, calls))
    if added:
        listed = and_joined(list(dict.fromkeys(map(calls, added)))[:3])
        verb = "is" if len(added) == 1 else "are"
        text = f"{listed} {verb} too many: the right network has no such layer."
        found.append(text[0].upper() + text[1:])
    return found


def _missing(missing: Sequence[Use], pairs: Sequence[tuple], calls: _Names) -> str:
    """Sentence on the layers that are missing."""
    words = [
        f"`{use.layer.name}`" if use.is_named else _with_article(described(use))
        for use in missing
    ]
    listed = and_joined(list(dict.fromkeys(words))[:3])
    if len(missing) > 1:
        text = f"{len(missing)} layers are missing: {listed}."
    else:
        place = [other for _, other in pairs].index(missing[0])
        before = [one for one, _ in pairs[:place] if one is not None]
        text = f"A layer is missing{f' after {calls(before[-1])}' if before else ''}"
        text = f"{text}: {listed}."
    return f"{text} Is every result assigned, as in `net = …`?"


def _with_article(text: str) -> str:
    if text.startswith("`"):
        return text
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def _wiring(
    own: Graph,
    right: Graph,
    partners: Mapping[Use | None, Use | None],
    calls: _Names,
) -> list[str]:
    """Sentences on layers that read others than they should."""
    partners = dict(partners)
    partners |= {use: right.inputs.get(name) for name, use in own.inputs.items()}
    back = {other: one for one, other in partners.items() if other is not None}
    found = []
    for use in own.uses:
        wanted = partners.get(use)
        read = sorted(str(id(partners.get(x))) for x in use.inputs)
        if wanted and read != sorted(str(id(x)) for x in wanted.inputs):
            found.append(_wrongly_read(use, wanted, back, calls))
    for name, use in own.outputs.items():
        if name in right.outputs and partners.get(use) is not right.outputs[name]:
            ours = back.get(right.outputs[name])
            found.append(
                f"The output `{name}` is the result of {calls(use)}; it should be that "
                f"of {calls(ours or right.outputs[name])}."
            )
    return found


def _wrongly_read(use: Use, wanted: Use, back: Mapping[Use, Use], calls: _Names) -> str:
    should = [calls(back.get(one, one)) for one in wanted.inputs]
    has = [calls(one) for one in use.inputs]
    if len(use.inputs) == len(wanted.inputs) == 1:
        return (
            f"{calls.start(use)} takes the result of {has[0]}; it should take that of "
            f"{should[0]}."
        )
    has, should = and_joined(has), and_joined(should)
    return f"{calls.start(use)} joins {has}; it should join {should}."
