"""A planned map that can be computed, into an array or into a raster."""

from dataclasses import replace
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.inference.estimates import Estimate, estimate_plan
from tutorial_lib.inference.planned import PlannedMap
from tutorial_lib.inference.precision import PrecisionChange, changed_labels
from tutorial_lib.inference.reports import Report
from tutorial_lib.inference.running import run_plan
from tutorial_lib.inference.shards import write_in_shards
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.inference.values import map_type
from tutorial_lib.inference.writing import write_map
from tutorial_lib.networks.precisions import FLOAT32
from tutorial_lib.notices import warn
from tutorial_lib.rasters import PathLike, open_sources
from tutorial_lib.rasters.destinations import check_geotiff, check_not_input
from tutorial_lib.rasters.profiles import checked_compression

__all__ = ["InferencePlan"]


class InferencePlan(PlannedMap):
    """A tiled inference that is ready to run; `plan_inference` makes it.

    Its attributes are those of a `PlannedMap`.
    """

    def estimate(self) -> Estimate:
        """Tiles, pixels read, memory, and time, from a run of a few tiles."""
        return estimate_plan(self)

    def plot(self) -> Any:
        """Draw the tiles on the reference, and what one of them reads.

        Returns:
            A figure that displays itself; `savefig(path)` writes it.
        """
        from tutorial_lib.viewers.plots import show_tiles

        return show_tiles(self)

    def read(self) -> np.ndarray:
        """Compute the map in memory.

        Returns:
            (height, width, channel) array of the plan's type.
        """
        dtype = self.format.dtype
        result = np.empty((*self.grid.shape, len(self.format.bands)), dtype)

        def put(tile: Tile, pixels: np.ndarray) -> None:
            result[tile.window(self.rows, self.cols).toslices()] = pixels

        for sentence in run_plan(self, dtype, put).warnings:
            warn(sentence)
        return result

    def write(
        self,
        path: PathLike,
        *,
        dtype: str | None = None,
        progress: bool = True,
        resume: bool = False,
        executor: Any = None,
        cog: bool = False,
        compress: str = "deflate",
    ) -> Report:
        """Compute the map into a GeoTIFF; it appears when it is complete.

        Args:
            path: The file; an existing one is replaced at the end.
            dtype: Type of the map: floats written as integers are rounded and clamped;
                None takes the plan's.
            progress: Whether to show a progress bar.
            resume: Whether to keep finished parts in a folder beside the map, and to
                continue from the parts of a run that ended early.
            executor: A `distributed.Client`, to compute the parts on its workers.
            cog: Whether to write a cloud-optimised GeoTIFF, with overviews.
            compress: "deflate", or "zstd", which is quicker but which older programs
                cannot read.

        Returns:
            What was done.

        Raises:
            TypeError: If an option has a wrong type.
            ValueError: If the background does not fit the type, the map would be
                written onto one of its inputs, or the parts of the earlier run belong
                to another map.
            OSError: If the file cannot be written; nothing is left behind, except the
                finished parts of `resume`.
            MemoryError: If the memory is not enough, also for smaller tiles.
        """
        options: dict[str, Any] = {
            "dtype": self.format.dtype if dtype is None else map_type(dtype),
            "progress": arguments.flag("progress", progress),
            "cog": arguments.flag("cog", cog),
            "compress": checked_compression(compress),
        }
        resume = arguments.flag("resume", resume)
        check_not_input(check_geotiff(path), self.inputs)
        # Before the run, so that an error here does not follow hours of work.
        change = self._precision_change()
        if resume or executor is not None:
            report = write_in_shards(
                self, path, resume=resume, executor=executor, **options
            )
        else:
            report = write_map(self, path, **options)
        report = replace(report, precision_change=change)
        for sentence in report.warnings:
            warn(sentence)
        return report

    def _precision_change(self) -> PrecisionChange | None:
        if self.job.predictor.precision == FLOAT32:
            return None
        exact = self.job.predictor.in_precision(FLOAT32)
        with open_sources(self.sources) as readers:
            return changed_labels(
                replace(self.job, predictor=exact), self.job, self.tiles, readers
            )
