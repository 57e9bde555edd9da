"""The side of automatic tiles: few pixels are read, within a given memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, lcm

from tutorial_lib.grids import tile_spans
from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.inference.tile_memory import TileMemory
from tutorial_lib.notices import warn

# Gigabytes that a run may take where the user does not say it. With it a map of a whole
# Sentinel-2 tile fits into 1.2 GB, TensorFlow included.
DEFAULT_MEMORY = 0.5

# The same for networks with large margins: if tiles within the default memory read each
# pixel more than twice, more memory saves much time. A machine on Binder has 2 GB.
DEEP_MEMORY, TWICE = 1.0, 2

# If even the smallest tiles exceed the memory, 1.5 times their memory is allowed: the
# smallest tiles read each pixel hundreds of times.
MORE_THAN_SMALLEST = 1.5

# What a tile costs besides its pixels, in pixels. Calling the model takes as long as
# 1 500 px (the network of tutorial 1) to 28 000 px (a U-Net with 5 halvings); this is
# about their geometric mean.
TILE_COST = 2**13

# The first tile is read, and the last one written, while the model waits: it takes
# about a tenth of the time that the model needs for a tile.
ENDS_COST = 0.1

# With two tiles at a time a processor is never idle: a call of the model waits for its
# slowest thread at each layer, and readers and the writer take time from them. The cost
# of one tile at a time is what `dataclasses.replace(plan, calls=1).write(…)` takes more
# than `plan.write(…)`, for a whole scene and the pixel-wise network on two cores.
MOST_CALLS, ALONE_COST = 2, 0.07

# Smaller tiles are taken if they cost no more than this: they take less memory.
TOLERANCE = 0.02

# Tiles are blocks of the file, which must be multiples of 16 px. Larger ones than
# LARGEST_BLOCK hold whole blocks of COMMON_BLOCK.
GRAIN, LARGEST_BLOCK, COMMON_BLOCK = 16, 1024, 256

# Numbers of tiles along an axis that are tried: each up to the first one, then in steps
# by the factor.
EACH, FACTOR = 16, 1.12

__all__ = [
    "MOST_CALLS",
    "automatic_side",
    "calls_within",
    "memory_advice",
    "memory_of",
    "spans_along",
]

# Pixels of a tile along one axis that are written, and that are computed.
Spans = tuple[tuple[range, range], ...]


def spans_along(lattice: Lattice, part: range, side: int, *, separable: bool) -> Spans:
    """The tiles along one axis that hold some pixels: what is written, and computed.

    Args:
        lattice: The lattice of this axis.
        part: The pixels that are wanted.
        side: Side of the tiles.
        separable: Whether part of a tile can be computed alone: windows have their own.
    """
    found, pixels = [], lattice.computed
    if separable:
        pixels = range(_first(lattice, part), pixels.stop)
    for whole in tile_spans(pixels, side, part):
        written = range(max(whole.start, part.start), min(whole.stop, part.stop))
        found.append((written, written if separable else whole))
    return tuple(found)


def _first(lattice: Lattice, part: range) -> int:
    """Where the first tile of some pixels begins, so that no total stride is cut."""
    return part.start - (part.start - lattice.computed.start) % lattice.unit


@dataclass(frozen=True)
class _Option:
    """A side of tiles.

    Attributes:
        side: In output pixels.
        cost: Pixels read, and what the tiles cost besides, in pixels.
        memory: Gigabytes.
        redundancy: Pixels read for each pixel mapped.
    """

    side: int
    cost: float
    memory: float
    redundancy: float


def automatic_side(
    lattices: tuple[Lattice, Lattice],
    wanted: tuple[range, range],
    of: TileMemory,
    *,
    memory: float | None = None,
    separable: bool = False,
) -> int:
    """The side with which the fewest pixels are read, within a memory.

    It does not depend on the machine, so a plan is the same everywhere.

    Args:
        lattices: Of the rows and the columns.
        wanted: Rows and columns that are mapped.
        of: What a run takes for tiles of a size.
        memory: Gigabytes that it may take. None takes 0.5, and up to 1 for networks
            with large margins.
        separable: Whether part of a tile can be computed alone.

    Returns:
        The smallest side that costs at most 2 % more than the best one. Where even the
        smallest tiles take too much memory, half more than that is allowed.
    """
    options = [
        _option(lattices, wanted, side, replace(of, calls=calls), separable)
        for side in _sides(lattices, wanted)
        for calls in range(1, of.calls + 1)
    ]
    smallest = min(option.memory for option in options)
    if memory is not None and memory < smallest:
        warn(
            f"`memory` is {memory:g} GB, and the smallest tiles take about "
            f"{smallest:.2g} GB. Tiles of about that size are taken; give "
            f"`memory={ceil(10 * smallest) / 10:g}`, or more for fewer pixels to read."
        )
    best = _best(options, DEFAULT_MEMORY if memory is None else memory)
    if memory is None and best.redundancy > TWICE:
        best = _best(options, DEEP_MEMORY)
    return best.side


def _best(options: Sequence[_Option], memory: float) -> _Option:
    """The smallest of the options that cost nearly the least within a memory."""
    smallest = min(option.memory for option in options)
    limit = memory if smallest <= memory else smallest * MORE_THAN_SMALLEST
    allowed = [option for option in options if option.memory <= limit]
    least = min(option.cost for option in allowed)
    good = [x for x in allowed if x.cost <= least * (1 + TOLERANCE)]
    return min(good, key=lambda option: option.side)


def calls_within(
    lattices: Sequence[Lattice],
    spans: Sequence[Spans],
    of: TileMemory,
    *,
    memory: float | None = None,
) -> int:
    """Tiles that the model runs on at a time, within a memory.

    Args:
        lattices: Of the rows and the columns.
        spans: The tiles along them.
        of: What a run takes for a tile, with as many calls as the model allows.
        memory: Gigabytes; None for 0.5.
    """
    most = DEFAULT_MEMORY if memory is None else memory
    return of.calls if memory_of(lattices, spans, of) <= most * 1e9 else 1


def memory_advice(
    lattices: tuple[Lattice, Lattice],
    wanted: tuple[range, range],
    side: int,
    of: TileMemory,
) -> str | None:
    """Why tiles read many pixels, and the memory with which they would read fewer.

    Args:
        lattices: Of the rows and the columns.
        wanted: Rows and columns that are mapped.
        side: Side of the tiles.
        of: What a run takes for tiles of a size.

    Returns:
        A sentence; None where at most two pixels are read for each pixel mapped.
    """
    now = _option(lattices, wanted, side, of, separable=False)
    if now.redundancy <= TWICE:
        return None
    sides = _sides(lattices, wanted)
    options = (_option(lattices, wanted, n, of, separable=False) for n in sides)
    better = [x for x in options if x.redundancy <= max(now.redundancy / 2, TWICE)]
    text = (
        f"{now.redundancy:.1f} pixels are read for each pixel mapped, because the "
        f"margins are large beside tiles of {side} px"
    )
    if not better:
        return f"{text}."
    needed = ceil(10 * min(option.memory for option in better)) / 10
    if needed <= DEFAULT_MEMORY:
        return f"{text}; `tile_size='auto'` takes larger ones."
    return f"{text}; `memory={needed:g}` allows larger automatic ones."


def _sides(lattices: tuple[Lattice, Lattice], wanted: tuple[range, range]) -> list[int]:
    """Sides that divide the wanted part into few or many tiles of nearly one size."""
    unit = lattices[0].unit
    lengths = [
        len(lattice.computed)
        if part == lattice.mapped
        else part.stop - _first(lattice, part)
        for lattice, part in zip(lattices, wanted, strict=True)
    ]
    sides = {_rounded(1, unit)}
    for length in lengths:
        sides |= {_rounded(ceil(length / n), unit) for n in _counts(length)}
    # A tile as long as the map need not be a block.
    return sorted(sides | {ceil(length / unit) * unit for length in lengths})


def _counts(length: int) -> Iterator[int]:
    count = 1
    while count <= length / GRAIN:
        yield count
        count = max(count + 1, int(count * FACTOR)) if count >= EACH else count + 1


def _rounded(side: int, unit: int) -> int:
    """The next side that is legal, and suits the blocks of a file."""
    step = lcm(unit, GRAIN if side <= LARGEST_BLOCK else COMMON_BLOCK)
    # A unit such as 509 px has no small multiple that is one of 16 too.
    step = step if step <= max(side, GRAIN, unit) else unit
    return ceil(side / step) * step


def _option(
    lattices: tuple[Lattice, Lattice],
    wanted: tuple[range, range],
    side: int,
    of: TileMemory,
    separable: bool,
) -> _Option:
    spans = [
        spans_along(lattice, part, side, separable=separable)
        for lattice, part in zip(lattices, wanted, strict=True)
    ]
    heights, widths = _lengths(lattices, spans)
    axes = lattices[0].axes
    # All costs are counted in pixels of the finest source.
    finest = min(axes, key=lambda name: axes[name].spacing)
    count = len(heights[finest]) * len(widths[finest])
    pixels = sum(heights[finest]) * sum(widths[finest])
    largest = max(heights[finest]) * max(widths[finest])
    mapped = len(wanted[0]) * len(wanted[1])
    finest_mapped = mapped * (lattices[0].scale / axes[finest].spacing) ** 2
    # Of two calls at a time, one computes while the other begins or ends.
    cost = pixels + count * TILE_COST / of.calls + ENDS_COST * largest
    return _Option(
        side,
        cost * (1 + ALONE_COST / of.calls),
        memory_of(lattices, spans, of) / 1e9,
        float(pixels / finest_mapped),
    )


def _lengths(
    lattices: Sequence[Lattice], spans: Sequence[Spans]
) -> list[dict[str, list[int]]]:
    """Along each axis the pixels of each source that are read for each tile."""
    return [
        {
            name: [len(lattice.chunk(name, computed)) for _, computed in along]
            for name in lattice.axes
        }
        for lattice, along in zip(lattices, spans, strict=True)
    ]


def memory_of(
    lattices: Sequence[Lattice], spans: Sequence[Spans], of: TileMemory
) -> int:
    """Bytes that a run takes for tiles.

    Args:
        lattices: Of the rows and the columns.
        spans: The tiles along them.
        of: What a run takes for a tile.
    """
    rows, cols = _lengths(lattices, spans)
    height, width = (max(len(written) for written, _ in along) for along in spans)
    read = {name: max(rows[name]) * max(cols[name]) for name in rows}
    return of.of_tile(read, height * width)
