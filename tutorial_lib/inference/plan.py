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

from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.grids import map_grid
from tutorial_lib.inference.engine import Job, Tile, compute_tile
from tutorial_lib.inference.estimates import Estimate, estimate
from tutorial_lib.inference.values import (
    background_in,
    check_labels,
    warn_of_lost_probabilities,
)
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

    from tutorial_lib.proof.certificate import Certificate
    from tutorial_lib.viewers.figures import StillFigure

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
        bytes_per_pixel: Memory of the network's layers for one reference pixel; None
            when unknown.
        verdict: Whether the tiles give the map of the whole image; None when unknown.
        certificate: What was measured of the model, if it was.
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
    bytes_per_pixel: float | None = None
    verdict: Verdict | None = None
    certificate: "Certificate | None" = None

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
        field, side = rule.first_field
        labelled = field // 2 + Fraction(1, 2)
        return float((rule.shift + Fraction(side, 2)) * rule.scale - labelled)

    def table(self) -> "pandas.DataFrame":
        """What is read of each source for the largest tile, as a table."""
        import pandas

        rule = self.job.rows
        tile = self.largest_tile
        spacing = abs(self.reference.resolution.x)
        chunks = [self.job.chunk(tile, i) for i in range(len(self.job.names))]
        columns = {
            "pixel size": [float(axis.spacing * spacing) for axis in rule.axes],
            **rule.facts(),
            "chunk": [f"{len(rows)} x {len(cols)}" for rows, cols in chunks],
        }
        return pandas.DataFrame(
            columns, index=pandas.Index(self.job.names, name="source")
        )

    @property
    def largest_tile(self) -> Tile:
        """The tile that needs most."""
        return max(
            self.tiles, key=lambda t: len(t.computed_rows) * len(t.computed_cols)
        )

    def estimate(self) -> Estimate:
        """Tiles, pixels read, memory, and the time, from two tiles that are run."""
        with opened(self.sources) as readers:
            return estimate(self, readers)

    def plot(self) -> "StillFigure":
        """A picture of the tiles on the reference, and of what one of them reads."""
        from tutorial_lib.viewers.plots import show_tiles

        return show_tiles(self)

    def __repr__(self) -> str:
        grid, rule = self.grid, self.job.rows
        mode = "patch-based" if self.job.patch_based else "fully convolutional"
        unit = " m" if grid.crs and grid.crs.projected else ""
        bands = "1 band" if len(self.bands) == 1 else f"{len(self.bands)} bands"
        lines = [
            f"{', '.join(self.job.outputs)}: {grid.height} x {grid.width} px of "
            f"{abs(grid.resolution.x):g}{unit} ({bands}, {self.dtype}), "
            f"upper-left corner ({grid.transform.c:.10g}, {grid.transform.f:.10g})",
            f"{mode}, {self._fields_text()}, scale factor {rule.scale}",
            f"{len(self.tiles)} tiles, {self.redundancy:.2f} pixels read for each "
            f"pixel mapped; {self._background_text()}",
            repr(self.verdict) if self.verdict else self._doubt_text(),
        ]
        if rule.scale > 1:
            lines.append(self._centre_text(unit))
        return "\n".join([*lines, *self._aside_texts()])

    def _centre_text(self, unit: str) -> str:
        """Where map pixels lie beside labelled ones; sources are north-up."""
        offset = self.centre_offset * abs(self.reference.resolution.x)
        if not offset:
            return "the centre of a map pixel is that of its labelled pixel"
        side = "east and south" if offset > 0 else "west and north"
        return (
            f"the centre of a map pixel lies {abs(offset):g}{unit} {side} of that of "
            "its labelled pixel"
        )

    def _aside_texts(self) -> Iterator[str]:
        """Sources whose pixels do not begin where those of the lattice do."""
        names = self.job.names
        for name, row, col in zip(
            names, self.job.rows.axes, self.job.cols.axes, strict=True
        ):
            aside = [float(-axis.offset / axis.spacing % 1) for axis in (row, col)]
            if any(aside):
                yield (
                    f"source '{name}' is read from up to {aside[0]:g} of its rows and "
                    f"{aside[1]:g} of its columns too early: its corner is no corner "
                    f"of its pixels in '{names[0]}'"
                )

    def _fields_text(self) -> str:
        rows, cols = self.job.rows, self.job.cols
        if self.job.derived:
            (top, bottom), (left, right) = rows.reach.margins, cols.reach.margins
            return (
                f"derived margins {(left, top, right, bottom)} (left, top, right, "
                f"bottom), total stride {rows.reach.stride} px"
            )
        fields = dict(zip(self.job.names, rows.fields, strict=True))
        return f"receptive fields {fields}, expression field {rows.expression}"

    def _doubt_text(self) -> str:
        if self.verdict is None:
            return "whether the tiles give the map of the whole image is not known"
        return f"not exact: {' '.join(self.verdict.broken)}"

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
            tags=self._tags(),
        )

    def _tags(self) -> dict[str, str]:
        """The plan, and what was proven of the model, for whoever finds the map."""
        tags = {"TUTORIAL_LIB_PLAN": repr(self).replace("\n", "; ")}
        if self.certificate is not None:
            tags["TUTORIAL_LIB_CERTIFICATE"] = self.certificate.to_json()
        return tags

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
                    warn_of_lost_probabilities(values, dtype)
                first = False
                check_labels(values[~mask], dtype, background)
                values = to_type(values, dtype, nan=background)
                values[mask] = background
                yield tile, values, mask


@contextmanager
def opened(sources: Mapping[str, Source]) -> Iterator[dict[str, SourceReader]]:
    """Open all sources for reading."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(open_source(s)) for name, s in sources.items()}
