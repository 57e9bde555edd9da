"""Writing a map in shards: it can be continued, and spread over the workers of Dask."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.inference import shard_files
from tutorial_lib.inference.assembly import Assembly
from tutorial_lib.inference.cluster import check_client, computed_by_workers
from tutorial_lib.inference.fingerprints import fingerprint
from tutorial_lib.inference.input_files import changed_files, file_states
from tutorial_lib.inference.reports import Report
from tutorial_lib.inference.shard_files import (
    Finished,
    Shard,
    cut_shards,
    finished,
    write_shard,
)
from tutorial_lib.inference.values import broken_pixels
from tutorial_lib.inference.work_folders import hidden_folder, kept_folder
from tutorial_lib.inference.writing import create_map
from tutorial_lib.rasters import PathLike

if TYPE_CHECKING:
    from tutorial_lib.inference.planned import PlannedMap

__all__ = ["write_in_shards"]


def write_in_shards(
    plan: "PlannedMap",
    path: PathLike,
    *,
    dtype: np.dtype,
    progress: bool,
    resume: bool,
    executor: Any,
    cog: bool,
    compress: str,
) -> Report:
    """Compute a plan into a GeoTIFF through shards; `InferencePlan.write` calls it.

    Args:
        plan: The map.
        path: Its file.
        dtype: Its type.
        progress: Whether to show a progress bar.
        resume: Whether to keep finished shards beside the map until it is complete,
            and to use those of an earlier run.
        executor: A `distributed.Client`; None computes in this process.
        cog: Whether to write a cloud-optimised GeoTIFF.
        compress: Compression of the map.

    Returns:
        What was done. Its warnings are not emitted.

    Raises:
        TypeError: If `executor` is not a client, or Dask is not installed.
        ValueError: If the shards of an earlier run belong to another map, or the model
            is one that cannot be told from others.
        OSError: If a file cannot be read or written, or another run writes this map.
        MemoryError: If the memory of the workers is not enough.
    """
    from tqdm.auto import tqdm

    started, before = time.perf_counter(), file_states(plan)
    if executor is not None:
        check_client(executor)
    shards = cut_shards(plan, shard_files.SHARD_SIDE)
    with (
        _folder(plan, path, dtype, resume=resume) as folder,
        tqdm(total=len(plan.tiles), disable=not progress) as bar,
        create_map(plan, path, dtype=dtype, cog=cog, compress=compress) as raster,
    ):
        run = _Run(shards, folder, dtype, bar.update)
        corner = plan.rows.start, plan.cols.start
        assembly = Assembly(shards, folder, raster, corner)
        # Closed on an error too: workers of Dask would go on.
        with closing(run.finished_shards(executor)) as every:
            for shard in every:
                assembly.add(shard)
    report = run.report(plan, path, time.perf_counter() - started)
    return replace(report, warnings=(*report.warnings, *changed_files(before)))


def _folder(
    plan: "PlannedMap", path: PathLike, dtype: np.dtype, *, resume: bool
) -> AbstractContextManager[Path]:
    if not resume:
        return hidden_folder(path)
    return kept_folder(path, fingerprint(plan, dtype, shard_files.SHARD_SIDE))


class _Run:
    """Shards that were finished by an earlier run, and those that are computed now.

    Args:
        shards: All shards of the map.
        folder: Where their files are.
        dtype: Type of the map.
        update: Told the number of tiles that are done.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        folder: Path,
        dtype: np.dtype,
        update: Callable[[int], Any],
    ) -> None:
        self._shards, self._folder, self._dtype = shards, folder, dtype
        self._update = update
        self._records: dict[str, Finished] = {}
        self._damaged = 0

    def finished_shards(self, executor: Any) -> Iterator[Shard]:
        """Each shard when it is finished: first those of an earlier run."""
        missing = []
        for shard in self._shards:
            record = finished(shard, self._folder)
            if record is None:
                self._damaged += shard.record(self._folder).exists()
                missing.append(shard)
                continue
            self._records[shard.name] = record
            self._update(len(shard.plan.tiles))
            yield shard
        compute = self._here if executor is None else self._on(executor)
        with closing(compute(missing)) as computed:
            for shard, record in computed:
                self._records[shard.name] = record
                yield shard

    def _here(self, missing: Sequence[Shard]) -> Iterator[tuple[Shard, Finished]]:
        done = partial(self._update, 1)
        for shard in missing:
            yield shard, write_shard(shard, self._folder, self._dtype, done=done)

    def _on(self, client: Any) -> Callable:
        def compute(missing: Sequence[Shard]) -> Iterator[tuple[Shard, Finished]]:
            found = computed_by_workers(client, missing, self._folder, self._dtype)
            with closing(found) as computed:
                for shard, record in computed:
                    self._update(len(shard.plan.tiles))
                    yield shard, record

        return compute

    def report(self, plan: "PlannedMap", path: PathLike, seconds: float) -> Report:
        """What was done, added up over all shards."""
        # In the order of the shards, whatever the order in which they were finished.
        records = [self._records[shard.name] for shard in self._shards]
        pixels = len(plan.rows) * len(plan.cols)
        broken = sum(record.broken for record in records)
        sentences = [text for record in records for text in record.warnings]
        if broken:
            sentences.append(broken_pixels(broken, pixels))
        if self._damaged:
            sentences.append(
                f"{self._damaged} finished part(s) of the earlier run were damaged and "
                f"were computed again. Check the disk of '{path}'."
            )
        return Report(
            path=path,
            tile_count=len(plan.tiles),
            skipped=sum(record.skipped for record in records),
            background_share=sum(record.background for record in records) / pixels,
            seconds=seconds,
            broken=broken,
            warnings=tuple(dict.fromkeys(sentences)),
        )
