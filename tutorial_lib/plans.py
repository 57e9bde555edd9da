"""A planned inference: what it will do, and doing it into an array or a raster."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.engine import Job, Tile, compute_tile
from tutorial_lib.grids import map_grid
from tutorial_lib.notices import warn
from tutorial_lib.rasters import (
    Legend,
    PathLike,
    RasterWriter,
    Source,
    SourceReader,
    create_raster,
    open_source,
    to_type,
)

if TYPE_CHECKING:
    import pandas

MODES = ("fully_convolutional", "patch_based")

__all__ = ["MODES", "InferencePlan", "Report", "opened"]


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        path: The map.
        tile_count: Tiles of the map.
        skipped: Tiles that are background as a whole; the model did not run on them.
        background_share: Share of the map's pixels that are background, 0 to 1.
        seconds: Wall-clock time.
    """

    path: PathLike
    tile_count: int
    skipped: int
    background_share: float
    seconds: float

    def __repr__(self) -> str:
        return (
            f"'{Path(self.path).name}' written: {self.tile_count} tiles, "
            f"{self.skipped} of them skipped, {self.background_share:.1%} background, "
            f"{self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class InferencePlan:
    """A tiled inference that is ready to run; `plan_inference` makes it.

    Attributes:
        job: What is computed, the same for each tile.
        sources: The sources by name, reference first.
        reference: Grid of the reference.
        rows: Lattice rows of the map (of its window, if there is one).
        cols: Lattice columns.
        tiles: The tiles, row by row.
        dtype: Type of the map if none is asked for.
        background: Value of background pixels, also the no-data tag.
        bands: A name for each band.
        legend: Class names and colours of a label map.
    """

    job: Job
    sources: Mapping[str, Source]
    reference: GeoBox
    rows: range
    cols: range
    tiles: tuple[Tile, ...]
    dtype: np.dtype
    background: float
    bands: tuple[str, ...]
    legend: Legend | None

    @property
    def grid(self) -> GeoBox:
        """Grid of the map."""
        return map_grid(self.reference, self.job.rows.scale, self.rows, self.cols)

    @property
    def redundancy(self) -> float:
        """Reference pixels that are read for the map, per reference pixel it covers."""
        # Rows and columns apart: there may be a hundred thousand tiles.
        read = 1
        for rule, spans in (
            (self.job.rows, {tile.computed_rows for tile in self.tiles}),
            (self.job.cols, {tile.computed_cols for tile in self.tiles}),
        ):
            read *= sum(len(rule.chunk(0, rule.covering(span))) for span in spans)
        return float(read / (len(self.rows) * len(self.cols) * self.job.rows.scale**2))

    @property
    def centre_offset(self) -> float:
        """From the centre of a labelled pixel to that of its map pixel.

        In reference pixels, to the right and down. A map pixel of scale factor 1 is the
        labelled pixel itself; a coarser one may lie up to half its size aside.
        """
        rule = self.job.rows
        labelled = rule.fields[0] // 2 + Fraction(1, 2)
        return float(
            (rule.shift + Fraction(rule.expression, 2)) * rule.scale - labelled
        )

    def table(self) -> "pandas.DataFrame":
        """What is read of each source for the largest tile, as a table."""
        import pandas

        rule = self.job.rows
        tile = max(
            self.tiles, key=lambda t: len(t.computed_rows) * len(t.computed_cols)
        )
        spacing = abs(self.reference.resolution.x)
        chunks = [self.job.chunk_shape(tile, i) for i in range(len(self.job.names))]
        columns = {
            "pixel size": [float(axis.spacing * spacing) for axis in rule.axes],
            "receptive field": rule.fields,
            "chunk": [f"{height} x {width}" for height, width in chunks],
        }
        return pandas.DataFrame(
            columns, index=pandas.Index(self.job.names, name="source")
        )

    def __repr__(self) -> str:
        grid, rule = self.grid, self.job.rows
        mode = "patch-based" if self.job.patch_based else "fully convolutional"
        unit = " m" if grid.crs and grid.crs.projected else ""
        bands = "1 band" if len(self.bands) == 1 else f"{len(self.bands)} bands"
        lines = [
            f"{', '.join(self.job.outputs)}: {grid.height} x {grid.width} px of "
            f"{abs(grid.resolution.x):g}{unit} ({bands}, {self.dtype}), "
            f"upper-left corner ({grid.transform.c:.10g}, {grid.transform.f:.10g})",
            f"{mode}, receptive fields "
            f"{dict(zip(self.job.names, rule.fields, strict=True))}, expression field "
            f"{rule.expression}, scale factor {rule.scale}",
            f"{len(self.tiles)} tiles, {self.redundancy:.2f} pixels read for each "
            f"pixel mapped; {self._background_text()}",
        ]
        if rule.scale != 1:
            offset = self.centre_offset * abs(self.reference.resolution.x)
            lines.append(
                f"map pixels lie {offset:+g}{unit} aside of the labelled pixels"
            )
        return "\n".join(lines)

    def _background_text(self) -> str:
        if self.job.nodata_rule is None:
            return "no-data is taken for measured values"
        value = "NaN" if np.isnan(self.background) else f"{self.background:g}"
        return f"background {value} by the rule '{self.job.nodata_rule}'"

    def read(self) -> np.ndarray:
        """Compute the map in memory.

        Returns:
            (height, width, channel) array of the plan's `dtype`.
        """
        result = np.empty((*self.grid.shape, len(self.bands)), self.dtype)
        for tile, values, _ in self._run(self.dtype):
            result[tile.window(self.rows, self.cols).toslices()] = values
        return result

    def write(
        self, path: PathLike, *, dtype: str | None = None, progress: bool = True
    ) -> Report:
        """Compute the map into a GeoTIFF; it appears when it is complete.

        Args:
            path: The file; an existing one is replaced at the end.
            dtype: Type of the map: floats written as integers are rounded and clamped;
                None takes the plan's.
            progress: Show a progress bar.

        Returns:
            What was done.

        Raises:
            ValueError: If the background does not fit the type.
            OSError: If the file cannot be written; nothing is left behind.
        """
        from tqdm.auto import tqdm

        target = np.dtype(dtype or self.dtype)
        started, skipped, empty = time.perf_counter(), 0, 0
        with self._create(path, target) as raster:
            tiles = tqdm(self._run(target), total=len(self.tiles), disable=not progress)
            for tile, values, mask in tiles:
                window = tile.window(self.rows, self.cols)
                raster.write(values, window.row_off, window.col_off)
                skipped += bool(mask.all())
                empty += int(mask.sum())
        share = empty / (len(self.rows) * len(self.cols))
        seconds = time.perf_counter() - started
        return Report(path, len(self.tiles), skipped, share, seconds)

    def _create(
        self, path: PathLike, dtype: np.dtype
    ) -> AbstractContextManager[RasterWriter]:
        # Only such a raster has a place for colours.
        single = len(self.bands) == 1
        return create_raster(
            path,
            self.grid,
            channels=len(self.bands),
            dtype=dtype,
            nodata=background_in(self.background, dtype),
            legend=self.legend if single and dtype in ("uint8", "uint16") else None,
            descriptions=self.bands,
            # The plan, for whoever finds the map.
            tags={"TUTORIAL_LIB_PLAN": repr(self).replace("\n", "; ")},
        )

    def _run(self, dtype: np.dtype) -> Iterator[tuple[Tile, np.ndarray, np.ndarray]]:
        """Each tile with its values in `dtype` and its background mask."""
        background = background_in(self.background, dtype)
        first = True
        with opened(self.sources) as readers:
            for tile in self.tiles:
                values, mask = compute_tile(self.job, readers, tile)
                if values is None:
                    shape = (*mask.shape, len(self.bands))
                    yield tile, np.full(shape, background, dtype), mask
                    continue
                if first:
                    _warn_of_lost_probabilities(values, dtype)
                first = False
                _check_labels(values[~mask], dtype, background)
                values = to_type(values, dtype, nan=background)
                values[mask] = background
                yield tile, values, mask


def background_in(background: float, dtype: np.dtype) -> float:
    """The background value in the type of a map: NaN becomes an integer's largest.

    Raises:
        ValueError: If the type cannot hold it.
    """
    if np.issubdtype(dtype, np.floating):
        return background
    limits = np.iinfo(dtype)
    if np.isnan(background):
        return limits.max
    if not limits.min <= background <= limits.max or background != int(background):
        raise ValueError(
            f"The background {background:g} is no value of the type {dtype}. Choose "
            f"one from {limits.min} to {limits.max} with `background=…`, or another "
            "`dtype`."
        )
    return int(background)


def _warn_of_lost_probabilities(values: np.ndarray, dtype: np.dtype) -> None:
    if np.issubdtype(dtype, np.floating) or np.issubdtype(values.dtype, np.integer):
        return
    known = values[np.isfinite(values)]
    probable = ((known >= 0) & (known <= 1)).all()
    if probable and (known != np.rint(known)).any():
        warn(
            f"The values lie between 0 and 1, like probabilities; as {dtype} only 0 "
            "and 1 are left of them. Write them as 'float32'."
        )


def _check_labels(values: np.ndarray, dtype: np.dtype, background: float) -> None:
    """Clamping is for measurements: a clamped class number is another class."""
    if not np.issubdtype(values.dtype, np.integer):
        return
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        least, most = int(values.min()), int(values.max())
        if least < limits.min or most > limits.max:
            number = least if least < limits.min else most
            raise ValueError(
                f"The class number {number} does not fit into {dtype}. Plan the map "
                "with `background=65535` (uint16), or `background=-1` (int32)."
            )
    if values.shape[-1] == 1 and (values == background).any():
        warn(
            f"The map holds the class {background:g}, which is also the background: "
            "the two cannot be told apart. Plan it with another `background`."
        )


@contextmanager
def opened(sources: Mapping[str, Source]) -> Iterator[dict[str, SourceReader]]:
    """Open all sources for reading."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(open_source(s)) for name, s in sources.items()}
