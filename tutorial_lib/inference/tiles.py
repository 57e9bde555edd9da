"""How a map is cut: its extent, its window, and its tiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from rasterio.windows import Window

from tutorial_lib.fields.checks import check_multiple
from tutorial_lib.grids import GridMismatchError, window_ranges
from tutorial_lib.inference.lattice import Lattice
from tutorial_lib.inference.tile_memory import TileMemory
from tutorial_lib.inference.tile_sizes import automatic_side, spans_along

# Side of automatic tiles in patch-based mode: batches bound its memory, not tiles.
PATCH_TILE = 128

# Tiles that are looked at to learn about a map, along each axis.
LOOKED_AT = 6

__all__ = ["Tile", "Tiles", "check_extent", "cut_tiles", "tile_side", "wanted_pixels"]


@dataclass(frozen=True)
class Tile:
    """Output pixels that are written in one step.

    Attributes:
        rows: Rows that are written.
        cols: Columns that are written.
        computed_rows: Rows that are computed: more than are written where a window cuts
            a tile, so that it gives what the full map gives.
        computed_cols: Columns that are computed.
    """

    rows: range
    cols: range
    computed_rows: range
    computed_cols: range

    @property
    def pixel_count(self) -> int:
        """Output pixels that are computed."""
        return len(self.computed_rows) * len(self.computed_cols)

    def window(self, rows: range, cols: range) -> Window:
        """Where the tile lies in a map of the given rows and columns."""
        return Window(
            self.cols.start - cols.start,
            self.rows.start - rows.start,
            len(self.cols),
            len(self.rows),
        )


def check_extent(rows: Lattice, cols: Lattice) -> None:
    """Refuse sources whose common part gives no output pixel, or that end too early.

    Raises:
        GridMismatchError: With the size of each source.
    """
    if rows.mapped and cols.mapped:
        rows.check_cover()
        cols.check_cover()
        return
    sizes = []
    for name, axis in rows.axes.items():
        columns = rows.table_columns.items()
        fields = ", ".join(f"{title} {of[name]}" for title, of in columns)
        sizes.append(f"'{name}' {axis.size}x{cols.axes[name].size} px ({fields})")
    raise GridMismatchError(
        "No output pixel has all that it reads inside every source: their common part "
        f"is too small. {'; '.join(sizes)}. Check the extents, use smaller fields, or "
        "map up to the borders with `edge='pad'`."
    )


def wanted_pixels(
    rows: Lattice, cols: Lattice, window: Window | None
) -> tuple[range, range]:
    """Rows and columns of the part of the map that is wanted.

    Raises:
        TypeError: If `window` is not a rasterio Window.
        ValueError: If it leaves the full map.
    """
    if window is None:
        return rows.mapped, cols.mapped
    shape = len(rows.mapped), len(cols.mapped)
    inner_rows, inner_cols = window_ranges(window, shape, "the full map")
    return (
        rows.mapped[inner_rows.start : inner_rows.stop],
        cols.mapped[inner_cols.start : inner_cols.stop],
    )


def tile_side(
    tile_size: int | str,
    rows: Lattice,
    cols: Lattice,
    *,
    patch_based: bool,
    wanted: tuple[range, range],
    takes: TileMemory,
    memory: float | None = None,
    separable: bool = False,
) -> int:
    """Side of the tiles in output pixels.

    Args:
        tile_size: "auto", or a multiple of the lattice's unit.
        rows: Lattice of the rows.
        cols: Lattice of the columns.
        patch_based: Whether blocks are computed one by one.
        wanted: Rows and columns for which automatic tiles are to be good.
        takes: What a run takes for a tile.
        memory: Gigabytes that automatic tiles may take; None for 0.5.
        separable: Whether part of a tile can be computed alone.

    Raises:
        TypeError: If the size is not a number.
        ValueError: If the size is not legal; with the nearest legal ones.
    """
    if not isinstance(tile_size, str):
        what = rows.unit_name
        return check_multiple(tile_size, rows.unit, of="`tile_size`", what=what)
    if tile_size != "auto":
        raise ValueError(
            f"`tile_size` is {tile_size!r}. Give 'auto' or a whole number of pixels."
        )
    if patch_based:
        return max(1, PATCH_TILE // rows.unit) * rows.unit
    return automatic_side(
        (rows, cols), wanted, takes, memory=memory, separable=separable
    )


@dataclass(frozen=True)
class Tiles(Sequence):
    """The tiles of a map, row by row; each is made when it is asked for.

    A map of small tiles has millions of them, which would take long to make and to
    keep.

    Attributes:
        rows: For each row of tiles the rows that are written, and computed.
        cols: The same for the columns.
    """

    rows: tuple[tuple[range, range], ...]
    cols: tuple[tuple[range, range], ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.cols)

    def __getitem__(self, index: int | slice) -> Tile | tuple[Tile, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(len(self))[index])
        # `range` takes care of negative indices and of those beyond the end.
        row, col = divmod(range(len(self))[index], len(self.cols))
        (rows, computed_rows), (cols, computed_cols) = self.rows[row], self.cols[col]
        return Tile(rows, cols, computed_rows, computed_cols)

    @property
    def largest(self) -> Tile:
        """The first tile of which most pixels are computed."""
        row, col = (
            max(range(len(spans)), key=lambda i: len(spans[i][1]))
            for spans in (self.rows, self.cols)
        )
        return self[row * len(self.cols) + col]

    def spread(self) -> Iterator[tuple[int, int]]:
        """Rows and columns of up to 36 tiles on a lattice over the map.

        In their order the first few are far apart too.
        """
        rows, cols = _places(len(self.rows)), _places(len(self.cols))
        places = [(row, col) for row in rows for col in cols]
        # Steps of the golden ratio spread well. A step without a common factor with the
        # number of tiles visits each of them once.
        golden = round(0.618 * len(places)) + 1
        step = next(n for n in range(golden, 0, -1) if gcd(n, len(places)) == 1)
        for number in range(len(places)):
            yield places[number * step % len(places)]

    @property
    def pixel_count(self) -> int:
        """Output pixels that are computed, of all tiles."""
        height, width = (
            sum(len(computed) for _, computed in spans)
            for spans in (self.rows, self.cols)
        )
        return height * width


def _places(count: int) -> list[int]:
    """Up to `LOOKED_AT` of a number of rows or columns, evenly spread."""
    parts = min(count, LOOKED_AT)
    return [(2 * part + 1) * count // (2 * parts) for part in range(parts)]


def cut_tiles(
    rows: Lattice,
    cols: Lattice,
    wanted: tuple[range, range],
    side: int,
    *,
    separable: bool,
) -> Tiles:
    """The tiles that hold the wanted pixels, row by row.

    Args:
        rows: Lattice of the rows.
        cols: Lattice of the columns.
        wanted: Rows and columns of the map.
        side: Side of the tiles, in output pixels.
        separable: Whether part of a tile can be computed alone. It cannot where the
            pixels of a tile depend on each other; then a window computes whole tiles.
    """
    return Tiles(
        spans_along(rows, wanted[0], side, separable=separable),
        spans_along(cols, wanted[1], side, separable=separable),
    )
