"""Shards on the workers of a Dask cluster, seen from the client.

Dask is imported only where a client of it is given.
"""

import hashlib
import os
import pickle
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.inference.fingerprints import versions
from tutorial_lib.inference.input_files import source_files
from tutorial_lib.inference.shard_files import Finished, Shard
from tutorial_lib.inference.workers import (
    Baggage,
    ModelFile,
    Task,
    compute,
    until_idle,
)
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.notices import error_line, warn
from tutorial_lib.rasters.files import write_bytes
from tutorial_lib.rasters.write_errors import errors_named

if TYPE_CHECKING:
    import distributed

    from tutorial_lib.inference.planned import PlannedMap

# Seconds that workers have to end their tile after an error or Ctrl-C.
PATIENCE_S = 60

# Seconds after which a network disk shows a new file to all machines at the latest: the
# longest that NFS keeps the list of a folder (`acdirmax`).
NEW_FILE_S = 60

# Seconds without a finished shard, until the client looks whether there are workers,
# and between two looks at whether a shard is finished.
NO_WORKERS_S, LOOK_S = 10, 0.05

__all__ = ["check_client", "computed_by_workers"]


def check_client(executor: Any) -> None:
    """Raise TypeError or ValueError unless an executor is an open client of Dask."""
    what = "a `distributed.Client`, such as `Client('tcp://10.0.0.5:8786')`"
    try:
        import distributed
    except ImportError as err:
        raise TypeError(
            f"`executor` is {arguments.shown(executor)}. Give {what}. Dask is not "
            "installed: `pip install 'remote-sensing-tutorial-kit[dask]'`."
        ) from err
    arguments.instance("executor", executor, distributed.Client, what)
    if executor.asynchronous:
        raise ValueError(
            "`executor` is an asynchronous client. Give one that was made without "
            "`asynchronous=True`."
        )
    if executor.status != "running":
        raise ValueError(
            f"`executor` is a client that is {executor.status}. Give one that is "
            "connected to its scheduler."
        )


def computed_by_workers(
    client: "distributed.Client",
    shards: Sequence[Shard],
    folder: Path,
    dtype: np.dtype,
) -> Iterator[tuple[Shard, Finished]]:
    """Compute shards on the workers of a cluster; each as soon as it is finished.

    A shard whose worker was lost is computed by another one. The first error ends the
    run on all workers.

    Args:
        client: The client of the cluster.
        shards: What to compute.
        folder: Where, on a disk that client and workers share.
        dtype: Type of the map.

    Raises:
        ConnectionError: If the scheduler is lost.
        MemoryError: If workers die of the same shard again and again.
        FileNotFoundError: If client and workers do not share their disks.
    """
    if not shards:
        return
    with _task(shards, folder, dtype) as task:
        # Keys must be unique to a run: Dask returns the stored result of a known key.
        keys = [f"{Path(task.plan_file).parent.name}-{one.name}" for one in shards]
        names = [shard.name for shard in shards]
        futures = client.map(compute, [task] * len(shards), names, key=keys, pure=False)
        by_key = dict(zip(keys, shards, strict=True))
        try:
            for future in _completed(client, futures):
                shard, record = by_key[future.key], _result(future)
                _wait_for(shard, folder)
                yield shard, record
        except BaseException:
            _end(client, futures, task)
            raise


def _completed(
    client: "distributed.Client", futures: Sequence["distributed.Future"]
) -> "Iterator[distributed.Future]":
    """Futures when they complete; a warning where there are no workers to do so."""
    import distributed

    # It asks for the current client, which may be another one or none.
    with client.as_current():
        completed = distributed.as_completed(futures)
    told, next_look = False, time.monotonic() + NO_WORKERS_S
    while not completed.is_empty():
        if completed.has_ready():
            yield next(completed)
            next_look = time.monotonic() + NO_WORKERS_S
            continue
        if not told and time.monotonic() > next_look:
            told = _tell_of_no_workers(client)
            next_look = time.monotonic() + NO_WORKERS_S
        time.sleep(LOOK_S)


def _tell_of_no_workers(client: "distributed.Client") -> bool:
    """Warn if a cluster has no workers; whether it was done."""
    # Not an error: those of a batch system may wait for their turn.
    alone = not client.scheduler_info()["workers"]
    if alone:
        warn(
            f"The cluster at '{client.scheduler.address}' has no workers, so the map "
            "waits for them. Start some, or end the run with Ctrl-C."
        )
    return alone


def _result(future: "distributed.Future") -> Finished:
    import distributed

    try:
        return future.result()
    except distributed.KilledWorker as err:
        raise MemoryError(
            "Several workers died while they computed the same part of the map (the "
            f"last one: {err.last_worker.address}). Most often their memory is "
            "not enough: give each worker more, start fewer of them, or plan the map "
            "with a smaller `memory` or `tile_size`."
        ) from err
    except distributed.CancelledError as err:
        raise ConnectionError(
            "The cluster has given up the map: its scheduler was closed or restarted, "
            "or somebody cancelled the work. Connect a new client."
        ) from err


def _end(
    client: "distributed.Client", futures: Sequence["distributed.Future"], task: Task
) -> None:
    """Cancel what waits, and wait for the workers that are at a tile."""
    with suppress(OSError):
        Path(task.plan_file).unlink(missing_ok=True)
    # Any exception: the cluster may be gone, and the error at hand says why.
    with suppress(Exception):
        client.cancel(futures, force=True)
        client.run(until_idle, task.plan_file, PATIENCE_S, on_error="ignore")


def _wait_for(shard: Shard, folder: Path) -> None:
    """Wait until the files of a worker are seen here."""
    record, end = shard.record(folder), time.monotonic() + NEW_FILE_S
    while not record.exists():
        if time.monotonic() > end:
            raise FileNotFoundError(
                f"A worker has written '{record}', which does not exist here. Write "
                "the map to a disk that the client and all workers share, under the "
                "same path."
            )
        time.sleep(NEW_FILE_S / 100)
        # Reading a folder makes network disks look again.
        list(folder.iterdir())


@contextmanager
def _task(shards: Sequence[Shard], folder: Path, dtype: np.dtype) -> Iterator[Task]:
    """What the workers of a run need, in a folder beside the shards for its time."""
    # Workers of a run whose client was killed end when their plan is gone.
    for old in folder.glob("run-*"):
        shutil.rmtree(old, ignore_errors=True)
    place = folder / f"run-{uuid4().hex[:8]}"
    with errors_named(place):
        place.mkdir()
    try:
        plan = shards[0].plan
        baggage = Baggage(
            shards={shard.name: _without_model(shard.plan) for shard in shards},
            dtype=dtype,
            inputs={
                os.fspath(one): Path(one).stat().st_size for one in source_files(plan)
            },
            versions=versions(),
        )
        file, checksum = _pickled(place / "plan.pickle", pickle.dumps(baggage))
        model = _model_file(plan.job.predictor, place)
        yield Task(file, checksum, model, str(folder))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _without_model(plan: "PlannedMap") -> "PlannedMap":
    return replace(plan, job=replace(plan.job, predictor=None))


def _pickled(file: Path, content: bytes) -> tuple[str, str]:
    """Write a file for the workers; its path and its SHA-256."""
    write_bytes(file, content)
    return str(file), hashlib.sha256(content).hexdigest()


def _model_file(predictor: Predictor, place: Path) -> ModelFile:
    """The model as a file: its own, or a new one in a folder.

    Raises:
        ValueError: If it cannot be written.
    """
    path, digest = predictor.path, predictor.digest
    if predictor.runner == "function":
        path, digest = _pickled(place / "model.pickle", _function_bytes(predictor))
    elif path is None:
        path = _saved(predictor, place / "model.keras")
    return ModelFile(str(path), digest, predictor.runner, predictor.precision)


def _saved(predictor: Predictor, path: Path) -> Path:
    """Save a Keras model that is in memory."""
    if predictor.save is None:
        raise ValueError(
            "Workers load the model from a file. Save it, `model.save('….keras')`, and "
            "plan the map with this path."
        )
    with errors_named(path):
        predictor.save(path)
    return path


def _function_bytes(predictor: Predictor) -> bytes:
    import cloudpickle

    try:
        return cloudpickle.dumps(predictor)
    # Any exception: a function may refer to anything, such as an open file or a lock.
    except Exception as err:
        raise ValueError(
            f"The function that is the model cannot be sent to workers: "
            f"{error_line(err)}. Have it open what it needs when it is called, or save "
            "the network and give its path."
        ) from err
