"""Pixel sizes of a network's inputs and layers, from the layers where they meet.

The inputs may have pixels of different sizes. Tensors that are merged have pixels of
one size, which tells the ratio of the inputs behind them.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from tutorial_lib.fields.graph import Step, images_of, span_of
from tutorial_lib.fields.spans import COLS, LONG_SPAN, ROWS, Span

# Pixel size along (rows, columns).
Jumps = tuple[Fraction, Fraction]

__all__ = ["is_whole", "pixel_sizes"]


def is_whole(step: Step) -> bool:
    """Whether no pixel of a step is valid though all pixels of its inputs are."""
    spans = [step.rule([LONG_SPAN] * len(step.inputs), a) for a in (ROWS, COLS)]
    return any(span.low > span.high for span in spans)


def pixel_sizes(
    steps: Sequence[Step], inputs: Mapping[str, int], outputs: Mapping[str, int]
) -> tuple[dict[str, Fraction], tuple[Jumps, ...]]:
    """Pixel size of each input and of each step's output, in reference pixels.

    Each tensor is first measured in pixels of one of the inputs that it depends on.
    Where tensors are merged, their pixels have one size, which relates their inputs.

    Raises:
        ValueError: If pixels of different sizes are merged, or those of an output are
            not square.
    """
    sizes = _InputSizes(inputs)
    names = {number: name for name, number in inputs.items()}
    # The input in whose pixels each step is measured, and its spans.
    units: list[str] = []
    spans: list[tuple[Span, Span]] = []
    for number, step in enumerate(steps):
        if number in names:
            units.append(names[number])
            spans.append((LONG_SPAN, LONG_SPAN))
            continue
        first, *others = images = images_of(steps, step)
        # All inputs of a layer must have pixels of one size, so any of them may be the
        # measure of its output.
        for other, axis in product(others, (ROWS, COLS)):
            pair = ((units[i], spans[i][axis].jump) for i in (first, other))
            sizes.merge(step.name, *pair, strict=not step.whole)
        units.append(units[first])
        read = zip(*(spans[i] for i in images), strict=True)
        spans.append(
            tuple(span_of(steps, step, x, axis) for axis, x in enumerate(read))
        )
    spacing = sizes.in_pixels_of(next(iter(inputs)))
    jumps = tuple(
        tuple(span.jump * spacing[unit] for span in pair)
        for pair, unit in zip(spans, units, strict=True)
    )
    for number in outputs.values():
        _check_square(steps, jumps, number)
    return spacing, jumps


def _check_square(steps: Sequence[Step], jumps: Sequence[Jumps], output: int) -> None:
    """Raise ValueError unless an output has square pixels; layers before may not."""
    if jumps[output][ROWS] == jumps[output][COLS]:
        return
    number = output
    while others := [i for i in steps[number].inputs if len(set(jumps[i])) > 1]:
        number = others[0]
    raise ValueError(
        f"The layer '{steps[number].name}' has strides that differ along rows and "
        "columns, and no other layer makes up for it. Use square strides, or declare "
        "the fields."
    )


class _InputSizes:
    """Relative pixel sizes of the inputs, as far as the merges determine them."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._sizes = dict.fromkeys(names, Fraction(1))
        # The inputs whose ratio of sizes to this one is known; related inputs share it.
        self._related = {name: {name} for name in names}

    def merge(
        self,
        layer: str,
        a: tuple[str, Fraction],
        b: tuple[str, Fraction],
        *,
        strict: bool,
    ) -> None:
        """Use that two merged tensors, each (input, jump), have pixels of one size.

        Raises:
            ValueError: If they have not, unless the layer need not be `strict`: where
                it looks at the whole chunk, sizes do not matter.
        """
        (one, jump), (other, other_jump) = a, b
        size, other_size = self._sizes[one] * jump, self._sizes[other] * other_jump
        related, others = self._related[one], self._related[other]
        if related is not others:
            for name in others:
                self._sizes[name] *= size / other_size
                self._related[name] = related
            related |= others
        elif strict and size != other_size:
            raise ValueError(
                f"The layer '{layer}' merges pixels of different size: {size} and "
                f"{other_size} reference pixels. Check strides and poolings of its "
                "branches."
            )

    def in_pixels_of(self, reference: str) -> dict[str, Fraction]:
        """Pixel size of each input."""
        unit = self._sizes[reference]
        return {name: size / unit for name, size in self._sizes.items()}
