"""A planned map: what it will be, and computing it into an array or a raster."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib import arguments
from tutorial_lib.display import wrapped
from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.grids import map_grid
from tutorial_lib.inference.engine import Job, compute_tile
from tutorial_lib.inference.estimates import (
    Estimate,
    chunk_bytes,
    estimated_seconds,
)
from tutorial_lib.inference.labels import numbered
from tutorial_lib.inference.reports import Report
from tutorial_lib.inference.tiles import Tile, Tiles
from tutorial_lib.inference.values import (
    MapFormat,
    background_in,
    check_labels,
    map_type,
    warn_of_broken_pixels,
    warn_of_lost_probabilities,
)
from tutorial_lib.rasters import (
    PathLike,
    RasterWriter,
    Source,
    create_raster,
    open_sources,
    to_type,
)
from tutorial_lib.rasters.destinations import check_geotiff, check_not_input

if TYPE_CHECKING:
    import pandas

    from tutorial_lib.proof.certificate import Certificate

__all__ = ["InferencePlan"]


@dataclass(frozen=True)
class InferencePlan:
    """A tiled inference that is ready to run; `plan_inference` makes it.

    Attributes:
        job: What is computed, the same for each tile.
        sources: The sources by name, reference first.
        reference: Grid of the reference.
        rows: Rows of the map on its lattice (of its window, if there is one).
        cols: Columns of the map on its lattice.
        tiles: The tiles, row by row.
        format: Type, background, bands and legend of the map.
        derived: Whether the fields were derived from the network, not declared.
        bytes_per_pixel: Memory of the network's layers for one reference pixel; None
            when unknown.
        verdict: Whether the tiles give the map of the whole image; None when unknown.
        certificate: What was measured of the model, if it was.
        scaled: In words, what is done about the scale and offset tags of sources.
        inputs: Files that are read: the map is not written onto one of them.
    """

    job: Job
    sources: Mapping[str, Source]
    reference: GeoBox
    rows: range
    cols: range
    tiles: Tiles
    format: MapFormat
    derived: bool
    bytes_per_pixel: float | None = None
    verdict: Verdict | None = None
    certificate: "Certificate | None" = None
    scaled: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[PathLike, ...] = ()

    @property
    def grid(self) -> GeoBox:
        """Grid of the map."""
        return map_grid(self.reference, self.job.rows.scale, self.rows, self.cols)

    @property
    def largest_tile(self) -> Tile:
        """The tile of which most pixels are computed."""
        return self.tiles.largest

    @property
    def redundancy(self) -> float:
        """Reference pixels that are read for the map, per reference pixel it covers."""
        # Rows and columns apart: a map may have a million tiles.
        job, reference = self.job, self.job.names[0]
        height, width = (
            sum(len(lattice.chunk(reference, computed)) for _, computed in spans)
            for lattice, spans in (
                (job.rows, self.tiles.rows),
                (job.cols, self.tiles.cols),
            )
        )
        mapped = len(self.rows) * len(self.cols) * job.rows.scale**2
        return float(height * width / mapped)

    @property
    def centre_offset(self) -> float:
        """From the centre of a labelled pixel to the centre of its map pixel.

        In reference pixels, to the right and down. A map pixel of scale factor 1 is the
        labelled pixel itself; a coarser one may lie up to half its size aside.
        """
        lattice = self.job.rows
        patch, side = lattice.smallest_patch
        labelled = patch // 2 + Fraction(1, 2)
        centre = (lattice.shift + Fraction(side, 2)) * lattice.scale
        return float(centre - labelled)

    def table(self) -> "pandas.DataFrame":
        """What is read of each source for the largest tile, one row a source."""
        import pandas

        spacing = abs(self.reference.resolution.x)
        rows = {}
        for name, axis in self.job.rows.axes.items():
            height, width = map(len, self.job.chunk(self.largest_tile, name))
            rows[name] = {
                "pixel size": float(axis.spacing * spacing),
                **{k: of[name] for k, of in self.job.rows.table_columns.items()},
                "chunk": f"{height} x {width}",
            }
        return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("source")

    def estimate(self) -> Estimate:
        """Tiles, pixels read, memory, and the time, from one tile that is run twice."""
        layers = None
        if self.bytes_per_pixel is not None and not self.job.patch_based:
            rows, cols = self.job.chunk(self.largest_tile, self.job.names[0])
            layers = int(self.bytes_per_pixel * len(rows) * len(cols))
        bands = len(self.format.bands)
        with open_sources(self.sources) as readers:
            return Estimate(
                tile_count=len(self.tiles),
                redundancy=self.redundancy,
                chunk_bytes=chunk_bytes(self.job, self.largest_tile, readers, bands),
                layer_bytes=layers,
                seconds=estimated_seconds(self.job, self.tiles, readers),
            )

    def plot(self) -> Any:
        """Draw the tiles on the reference, and what one of them reads.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.
        """
        from tutorial_lib.viewers.plots import show_tiles

        return show_tiles(self)

    def __repr__(self) -> str:
        grid, bands = self.grid, self.format.bands
        mode = "patch-based" if self.job.patch_based else "fully convolutional"
        counted = "1 band" if len(bands) == 1 else f"{len(bands)} bands"
        lines = [
            f"{', '.join(self.job.outputs)}: {grid.height} x {grid.width} px of "
            f"{abs(grid.resolution.x):g}{self._unit} ({counted}, {self.format.dtype}), "
            f"upper-left corner ({grid.transform.c:.10g}, {grid.transform.f:.10g})",
            f"{mode}, {self.job.rows.summary(self.job.cols)}, scale factor "
            f"{self.job.rows.scale}",
            f"{len(self.tiles)} tiles, {self.redundancy:.2f} pixels read for each "
            f"pixel mapped; {self._background_text()}",
            self._verdict_text(),
        ]
        if self.job.rows.scale > 1:
            lines.append(self._centre_text())
        for name, scaling in self.scaled.items():
            lines.append(f"source '{name}': {scaling}")
        return wrapped("\n".join([*lines, *self._shift_texts()]), indent="  ")

    def _verdict_text(self) -> str:
        if self.verdict is None:
            return "whether the tiles give the map of the whole image is not known"
        if self.verdict.exact:
            return repr(self.verdict)
        return f"not exact: {' '.join(self.verdict.broken)}"

    @property
    def _unit(self) -> str:
        return " m" if self.reference.crs and self.reference.crs.projected else ""

    def _centre_text(self) -> str:
        """Where map pixels lie beside labelled ones; sources are north-up."""
        offset = self.centre_offset * abs(self.reference.resolution.x)
        if not offset:
            return "the centre of a map pixel is the centre of its labelled pixel"
        side = "east and south" if offset > 0 else "west and north"
        return (
            f"the centre of a map pixel lies {abs(offset):g}{self._unit} {side} of the "
            "centre of its labelled pixel"
        )

    def _shift_texts(self) -> Iterator[str]:
        """Sources whose pixels do not begin where the reference's pixels do."""
        for name in self.job.names:
            axes = self.job.rows.axes[name], self.job.cols.axes[name]
            rows, cols = (float(-axis.offset / axis.spacing % 1) for axis in axes)
            if rows or cols:
                yield (
                    f"source '{name}' is read up to {rows:g} of its rows and {cols:g} "
                    "of its columns too early: its pixels do not begin where those of "
                    f"'{self.job.names[0]}' do"
                )

    def _background_text(self) -> str:
        if self.job.nodata_rule is None:
            return "no-data is taken for measured values"
        value = self.format.background
        text = "NaN" if np.isnan(value) else f"{value:g}"
        return f"background {text} by the rule '{self.job.nodata_rule}'"

    def read(self) -> np.ndarray:
        """Compute the map in memory.

        Returns:
            (height, width, channel) array of the plan's type.
        """
        dtype = self.format.dtype
        result = np.empty((*self.grid.shape, len(self.format.bands)), dtype)
        for tile, values, _ in self._run(dtype):
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
            progress: Whether to show a progress bar.

        Returns:
            What was done.

        Raises:
            ValueError: If the background does not fit the type, or the map would be
                written onto one of its inputs.
            OSError: If the file cannot be written; nothing is left behind.
        """
        from tqdm.auto import tqdm

        progress = arguments.flag("progress", progress)
        target = self.format.dtype if dtype is None else map_type(dtype)
        check_not_input(check_geotiff(path), self.inputs)
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
        # GeoTIFF keeps colours only for one band of these types.
        colours = len(self.format.bands) == 1 and dtype in ("uint8", "uint16")
        return create_raster(
            path,
            self.grid,
            channels=len(self.format.bands),
            dtype=dtype,
            nodata=background_in(self.format.background, dtype),
            legend=self.format.legend if colours else None,
            descriptions=self.format.bands,
            tags=self._tags(),
        )

    def _tags(self) -> dict[str, str]:
        """The plan and the certificate as text, to be kept in the map."""
        tags = {"TUTORIAL_LIB_PLAN": repr(self).replace("\n", "; ")}
        if self.certificate is not None:
            tags["TUTORIAL_LIB_CERTIFICATE"] = self.certificate.to_json()
        return tags

    def _run(self, dtype: np.dtype) -> Iterator[tuple[Tile, np.ndarray, np.ndarray]]:
        """Each tile with its values in `dtype` and its background mask."""
        background = background_in(self.format.background, dtype)
        warned, broken = False, 0
        with open_sources(self.sources) as readers:
            for tile in self.tiles:
                values, mask, not_numbers = compute_tile(self.job, readers, tile)
                if values is None:
                    shape = (*mask.shape, len(self.format.bands))
                    yield tile, np.full(shape, background, dtype), mask
                    continue
                # One tile is enough to tell probabilities.
                if not warned:
                    warn_of_lost_probabilities(values, dtype)
                warned = True
                broken += int((not_numbers & ~mask).sum())
                mask |= not_numbers
                yield tile, self._in_map(values, mask, dtype, background), mask
        if broken:
            warn_of_broken_pixels(broken, len(self.rows) * len(self.cols))

    def _in_map(
        self, values: np.ndarray, mask: np.ndarray, dtype: np.dtype, background: float
    ) -> np.ndarray:
        """Values of a tile as they stand in the map."""
        if self.format.classes is not None:
            # The labels of background pixels mean nothing, and may be any number.
            known = np.where(mask[..., np.newaxis], 0, values)
            values = numbered(known, self.format.classes)
        check_labels(values[~mask], dtype, background)
        values = to_type(values, dtype, nan=background)
        values[mask] = background
        return values
