"""What a worker of Dask does: it loads plan and model once, and computes shards.

Only names, numbers and paths pass through Dask's scheduler. Plan and model are files
beside the shards, on a disk that the client and all workers share.
"""

import asyncio
import hashlib
import logging
import pickle
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tutorial_lib.inference.fingerprints import differences, versions
from tutorial_lib.inference.shard_files import (
    Finished,
    Shard,
    finished,
    write_shard,
)
from tutorial_lib.networks import calls
from tutorial_lib.networks.predictors import Predictor, load_predictor

if TYPE_CHECKING:
    import numpy as np

    from tutorial_lib.inference.planned import PlannedMap

# A model on several cores uses all threads of its process, so shards take turns.
_one_shard = Lock()
# The plan's file of the shard that is being computed.
_computing: list[str] = []

# A network disk may fail once. Other errors come again, so they end the run at once.
TRIES, PAUSE_S = 3, 1.0

_log = logging.getLogger(__name__)

# Seconds between two looks at whether a worker has stopped.
_LOOK_S = 0.05

__all__ = ["ModelFile", "Task", "compute", "until_idle"]


@dataclass(frozen=True)
class ModelFile:
    """A model as a file that a worker can load.

    Attributes:
        path: A `.keras` file, a SavedModel folder, or a pickled function. It does not
            count when two are compared: maps of one model load it once.
        checksum: The predictor's digest, or SHA-256 of the file of a function.
        runner: What runs it, as `Predictor.runner`.
        precision: What it computes in.
    """

    path: str = field(compare=False)
    checksum: str
    runner: str
    precision: str


@dataclass(frozen=True)
class Task:
    """What all shards of a run need, in a few hundred bytes.

    Attributes:
        plan_file: The plan without its model, pickled. The run goes on as long as it
            exists.
        checksum: Its SHA-256.
        model: The model.
        folder: Where the shards are written.
    """

    plan_file: str
    checksum: str
    model: ModelFile
    folder: str


@dataclass(frozen=True)
class Baggage:
    """What the file of a plan holds.

    Attributes:
        shards: The parts of the plan by name, without a model.
        dtype: Type of the map.
        inputs: Size of each file that is read, in bytes.
        versions: Versions of the packages of the client.
    """

    shards: "Mapping[str, PlannedMap]"
    dtype: "np.dtype"
    inputs: Mapping[str, int]
    versions: Mapping[str, str]


class RunEndedError(RuntimeError):
    """The client ended the run while a worker was computing."""


def compute(task: Task, name: str) -> Finished:
    """Compute a shard. If its files are complete, only Dask's result was lost.

    Args:
        task: The run.
        name: Name of the shard.

    Raises:
        FileNotFoundError: If the worker does not see a file that the client sees.
        ValueError: If it sees another file, or has other versions of the packages.
        RunEndedError: If the client has ended the run.
    """
    with _one_shard, _marked(task.plan_file):
        baggage = _baggage(task.plan_file, task.checksum)
        shard, folder = Shard(name, baggage.shards[name]), Path(task.folder)
        known = finished(shard, folder)
        if known is not None:
            return known
        job = replace(shard.plan.job, predictor=_predictor(task.model))
        shard = replace(shard, plan=replace(shard.plan, job=job))
        going_on = partial(_check_going_on, task)
        for _ in range(TRIES - 1):
            going_on()
            try:
                return write_shard(shard, folder, baggage.dtype, done=going_on)
            except OSError as err:
                _log.warning("Part '%s' is tried again after: %s", name, err)
                time.sleep(PAUSE_S)
        return write_shard(shard, folder, baggage.dtype, done=going_on)


@contextmanager
def _marked(plan_file: str) -> Iterator[None]:
    _computing.append(plan_file)
    try:
        yield
    finally:
        _computing.remove(plan_file)


async def until_idle(plan_file: str, seconds: float) -> None:
    """Wait until this worker computes no shard of a run, or some time is over."""
    for _ in range(int(seconds / _LOOK_S)):
        if plan_file not in _computing:
            return
        await asyncio.sleep(_LOOK_S)


def _check_going_on(task: Task) -> None:
    if not Path(task.plan_file).exists():
        raise RunEndedError("The run was ended.")


@lru_cache(maxsize=4)
def _baggage(file: str, checksum: str) -> Baggage:
    """The plan of a run, read once by a process."""
    baggage: Baggage = pickle.loads(_checked_bytes(file, checksum))
    here = versions()
    if here != baggage.versions:
        raise ValueError(
            f"A worker on {_machine()} differs from the client: "
            f"{differences(baggage.versions, here)}. Start client and workers from "
            "the same environment, so that they compute the same."
        )
    for name, size in baggage.inputs.items():
        if not _seen(name).is_file() or Path(name).stat().st_size == size:
            continue
        raise ValueError(
            f"'{name}' has {Path(name).stat().st_size} bytes for a worker on "
            f"{_machine()}, and {size} for the client. Give paths on a disk that the "
            "client and all workers share."
        )
    return baggage


# Two, so that maps of two models can be made side by side.
@lru_cache(maxsize=2)
def _predictor(model: ModelFile) -> Predictor:
    """The model of a run, loaded once by a process."""
    if model.runner == "function":
        return pickle.loads(_checked_bytes(model.path, model.checksum))
    _limit_threads(model.runner)
    predictor = load_predictor(_seen(model.path), runner=model.runner)
    if predictor.digest != model.checksum:
        raise ValueError(
            f"'{model.path}' is not the model that the map was planned with: it was "
            "changed since, or a worker sees another file. Plan the map again."
        )
    return predictor.in_precision(model.precision)


def _checked_bytes(file: str, checksum: str) -> bytes:
    """The content of a file that the client wrote for this run."""
    content = _seen(file).read_bytes()
    # What is unpickled can run code, so it must be what the client has written.
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(
            f"A worker on {_machine()} sees another file '{file}' than the client. "
            "Write the map to a disk that the client and all workers share."
        )
    return content


def _seen(file: str) -> Path:
    path = Path(file)
    if not path.exists():
        raise FileNotFoundError(
            f"A worker on {_machine()} does not see '{file}'. Put the sources, the "
            "model and the map on a disk that the client and all workers share, under "
            "the same path."
        )
    return path


def _machine() -> str:
    return f"'{socket.gethostname()}'"


@lru_cache
def _limit_threads(runner: str) -> None:
    """Have a model use as many threads as this worker of Dask has.

    The workers of one machine would use all its cores each, and wait for each other.
    """
    from distributed import get_worker

    count = get_worker().state.nthreads
    if runner != "tensorflow":
        calls.limit_threads(count)
        return
    import tensorflow as tf

    # It cannot be changed after TensorFlow's start, as in a notebook's own process.
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
