"""How much memory a network takes for its layers, worked out without running it.

TensorFlow keeps what it allocates: when a layer's output is no longer needed, its
memory waits in a pool for another output that fits into it (`BFCAllocator`). So a run
takes more than the outputs that are needed at one time, and much less than all outputs
together. `layer_bytes` follows the layers through such a pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tutorial_lib.fields.graph import Network, Step
from tutorial_lib.fields.spans import COLS, ROWS

# Bytes of a value of a layer's output: networks run in float32.
VALUE_BYTES = 4

__all__ = ["layer_bytes"]


def layer_bytes(
    network: Network, outputs: Sequence[str], chunk: int | None = None
) -> float:
    """Memory that a run takes for each pixel of the reference, in bytes.

    Measured on chunks of 256 to 1024 px, a run takes 0.7 to 1.2 times as much: see
    `tests/test_tile_sizes.py`.

    Args:
        network: The layers.
        outputs: Names of the outputs that are computed; layers that they do not need
            are not run.
        chunk: Side of a chunk in reference pixels, for the memory of this chunk; None
            for that of a pixel in a large one.

    Example:
        Three convolutions of 8 channels on an image of one: two outputs of 8 values
        are needed at a time. The last output is also copied into an array.

        >>> from keras import Input, Model, layers
        >>> from tutorial_lib import analyse
        >>> image = x = Input((None, None, 1), name="image")
        >>> for _ in range(3):
        ...     x = layers.Conv2D(8, 3, padding="same")(x)
        >>> layer_bytes(analyse(Model({"image": image}, {"out": x})), ["out"])
        100.0
    """
    kept = {network.outputs[name] for name in outputs}
    numbers = sorted(set().union(*(network.steps_before(number) for number in kept)))
    readers = {i: n for n in numbers for i in network.steps[n].inputs}
    # The caller holds the inputs until the end.
    kept |= {*network.inputs.values()}
    values = _values(network, chunk)
    pool, blocks = _Pool(), {}
    for number in numbers:
        step = network.steps[number]
        done = {i for i in step.inputs if readers[i] == number} - kept
        over = _overwritten(step, values[number], done, values)
        if over is None:
            blocks[number] = pool.take(values[number])
        else:
            blocks[number] = blocks[over]
        for i in sorted(done - {over}):
            pool.give(blocks[i])
    copied = sum(values[network.outputs[name]] for name in outputs)
    return float(pool.taken + copied) * VALUE_BYTES


def _values(network: Network, chunk: int | None) -> list[Fraction]:
    """Values of each step's output, for a chunk or for one pixel of the reference."""
    if chunk is None:
        areas = [1 / (rows * cols) for rows, cols in network.jumps]
    else:
        spans = [network.spans(chunk, axis) for axis in (ROWS, COLS)]
        areas = [
            Fraction(rows.size * cols.size) for rows, cols in zip(*spans, strict=True)
        ]
    return [
        step.channels * area for step, area in zip(network.steps, areas, strict=True)
    ]


def _overwritten(
    step: Step, size: Fraction, done: set[int], values: Sequence[Fraction]
) -> int | None:
    """The input that a step writes its output over; None if it needs new memory."""
    if not step.in_place:
        return None
    return next((i for i in sorted(done) if values[i] == size), None)


@dataclass(frozen=True)
class _Block:
    """Memory in a pool, counted in values for one pixel of the reference."""

    region: int
    start: Fraction
    size: Fraction

    def touches(self, other: "_Block") -> bool:
        return self.region == other.region and (
            self.start + self.size == other.start
            or other.start + other.size == self.start
        )

    def joined(self, other: "_Block") -> "_Block":
        start = min(self.start, other.start)
        return _Block(self.region, start, self.size + other.size)


@dataclass
class _Pool:
    """Memory that is taken from the system, and not given back to it.

    Attributes:
        free: Blocks that nobody uses. No two of them touch each other.
        regions: Number of times that the system gave memory.
        taken: All that it gave.
    """

    free: list[_Block] = field(default_factory=list)
    regions: int = 0
    taken: Fraction = Fraction(0)

    def take(self, size: Fraction) -> _Block:
        """The smallest free block that is large enough, or new memory."""
        fitting = [block for block in self.free if block.size >= size]
        if not fitting:
            self.regions += 1
            self.taken += size
            return _Block(self.regions, Fraction(0), size)
        block = min(fitting, key=lambda block: block.size)
        self.free.remove(block)
        # A block is only divided where at least half of it would be wasted.
        if block.size >= 2 * size:
            rest = _Block(block.region, block.start + size, block.size - size)
            self.free.append(rest)
            block = _Block(block.region, block.start, size)
        return block

    def give(self, block: _Block) -> None:
        """Take back a block, and join it with the free ones beside it."""
        for other in [free for free in self.free if free.touches(block)]:
            self.free.remove(other)
            block = block.joined(other)
        self.free.append(block)
