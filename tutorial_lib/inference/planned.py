"""What a map will be and how it will be computed: values, and their description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.display import counted, wrapped
from tutorial_lib.fields.tiling import Verdict
from tutorial_lib.grids import map_grid
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.tiles import Tile, Tiles
from tutorial_lib.inference.values import MapFormat
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.rasters import PathLike, Source

if TYPE_CHECKING:
    import pandas

# How a plan names what runs the model. TensorFlow is what everybody expects.
OTHER_RUNNERS = {"openvino": " with OpenVINO", "onnxruntime": " with ONNX Runtime"}

__all__ = ["PlannedMap"]


@dataclass(frozen=True)
class PlannedMap:
    """What a map will be, and how it will be computed: an `InferencePlan` can run it.

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
        calls: Tiles that the model runs on at a time.
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
    calls: int = 1
    verdict: Verdict | None = None
    certificate: Certificate | None = None
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

    def __repr__(self) -> str:
        grid, bands = self.grid, self.format.bands
        mode = "patch-based" if self.job.patch_based else "fully convolutional"
        mode += OTHER_RUNNERS.get(self.job.predictor.runner, "")
        lines = [
            f"{', '.join(self.job.outputs)}: {grid.height} x {grid.width} px of "
            f"{abs(grid.resolution.x):g}{self._unit} ({counted(len(bands), 'band')}, "
            f"{self.format.dtype}), "
            f"upper-left corner ({grid.transform.c:.10g}, {grid.transform.f:.10g})",
            f"{mode}, {self.job.rows.summary(self.job.cols)}, scale factor "
            f"{self.job.rows.scale}",
            f"{counted(len(self.tiles), 'tile')}, {self.redundancy:.2f} pixels read "
            f"for each pixel mapped; {self._background_text()}",
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
