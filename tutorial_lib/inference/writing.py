"""Running a plan into a file."""

import time
from contextlib import AbstractContextManager

import numpy as np

from tutorial_lib.inference.input_files import changed_files, file_states
from tutorial_lib.inference.planned import PlannedMap
from tutorial_lib.inference.reports import Report
from tutorial_lib.inference.running import run_plan
from tutorial_lib.inference.tiles import Tile
from tutorial_lib.inference.values import background_in
from tutorial_lib.rasters import PathLike, RasterWriter, create_raster
from tutorial_lib.rasters.writing import BLOCK_SIZE

# Sides of tiles that can be blocks of the file. Larger blocks make a small window slow
# to read.
BLOCKS = range(64, 1025, 16)

__all__ = ["create_map", "write_map"]


def write_map(
    plan: PlannedMap,
    path: PathLike,
    *,
    dtype: np.dtype,
    progress: bool,
    cog: bool,
    compress: str,
) -> Report:
    """Compute a plan into a GeoTIFF; `InferencePlan.write` checks the options.

    Returns:
        What was done. Its warnings are not emitted.
    """
    from tqdm.auto import tqdm

    started, before = time.perf_counter(), file_states(plan)
    with (
        create_map(plan, path, dtype=dtype, cog=cog, compress=compress) as raster,
        tqdm(total=len(plan.tiles), disable=not progress) as bar,
    ):

        def put(tile: Tile, pixels: np.ndarray) -> None:
            window = tile.window(plan.rows, plan.cols)
            raster.write(pixels, window.row_off, window.col_off)

        counts = run_plan(plan, dtype, put, done=bar.update)
    return Report(
        path,
        len(plan.tiles),
        counts.skipped,
        counts.background / (len(plan.rows) * len(plan.cols)),
        time.perf_counter() - started,
        counts.broken,
        (*counts.warnings, *changed_files(before)),
    )


def create_map(
    plan: PlannedMap,
    path: PathLike,
    *,
    dtype: np.dtype,
    cog: bool = False,
    compress: str = "deflate",
) -> AbstractContextManager[RasterWriter]:
    """The file of a map: its grid, bands, background, legend and tags."""
    # Probabilities have no classes, and neither have several bands.
    colours = len(plan.format.bands) == 1 and np.dtype(dtype).kind in "iu"
    return create_raster(
        path,
        plan.grid,
        channels=len(plan.format.bands),
        dtype=dtype,
        nodata=background_in(plan.format.background, dtype),
        legend=plan.format.legend if colours else None,
        descriptions=plan.format.bands,
        tags=_tags(plan),
        cog=cog,
        compress=compress,
        block=_block(plan),
    )


def _block(plan: PlannedMap) -> int | None:
    """Side of the file's blocks: each is written once if it lies in one tile."""
    height, width = len(plan.tiles[0].rows), len(plan.tiles[0].cols)
    chosen = height == width and height in BLOCKS and height % BLOCK_SIZE
    return height if chosen else None


def _tags(plan: PlannedMap) -> dict[str, str]:
    """The plan and the certificate as text, to be kept in the map."""
    tags = {"TUTORIAL_LIB_PLAN": repr(plan).replace("\n", "; ")}
    if plan.certificate is not None:
        tags["TUTORIAL_LIB_CERTIFICATE"] = plan.certificate.to_json()
    return tags
