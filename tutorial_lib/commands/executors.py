"""Dask clients for `--workers` and `--dask`, closed when the action ends."""

import asyncio
import logging
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

import psutil

from tutorial_lib.commands.signals import left_to_this_process
from tutorial_lib.display import counted
from tutorial_lib.notices import warn

if TYPE_CHECKING:
    import distributed

# Seconds that a scheduler has to answer.
TIMEOUT = 5

# Seconds that all workers have to start, on a machine that is busy.
START = 120

# More processes than cores take memory and time, and a mistyped number all of both.
MOST_PER_CORE = 4

# Has each worker process leave Ctrl-C to the process of the command.
PRELOAD = "tutorial_lib.commands.signals"

__all__ = ["check_executor", "open_executor"]


def check_executor(options: Namespace) -> None:
    """Check what --workers and --dask need.

    Raises:
        ValueError: If Dask is not installed, there are too many --workers, or --dask is
            not an address.
        OSError: If no scheduler answers.
    """
    if _is_wanted(options):
        _dask()
    if "workers" in options:
        _check_count(options.workers)
    if "dask" in options and not _identity(options.dask)["workers"]:
        warn(
            f"The scheduler at '{options.dask}' has no workers yet: a run waits for "
            "them."
        )


def _check_count(count: int) -> None:
    from dask.system import CPU_COUNT

    if count > (most := MOST_PER_CORE * CPU_COUNT):
        raise ValueError(
            f"--workers {count}: this machine has {CPU_COUNT} cores, and more "
            f"processes make no map quicker. Give at most {most}."
        )


@contextmanager
def open_executor(options: Namespace) -> "Iterator[distributed.Client | None]":
    """The client of --workers or --dask; None if neither is given."""
    if not _is_wanted(options):
        yield None
        return
    connect = _local if "workers" in options else _existing
    with connect(options) as client:
        yield client


def _is_wanted(options: Namespace) -> bool:
    return "workers" in options or "dask" in options


def _dask() -> ModuleType:
    try:
        import distributed
    except ImportError as err:
        raise ValueError(
            "--workers and --dask need Dask, which is not installed. Install it: "
            "`pip install 'remote-sensing-tutorial-kit[dask]'`."
        ) from err
    return distributed


@contextmanager
def _local(options: Namespace) -> "Iterator[distributed.Client]":
    """A client of new processes on this machine."""
    distributed, count = _dask(), options.workers
    from dask.system import CPU_COUNT

    with ExitStack() as stack:
        with left_to_this_process():
            # Workers are started when the cluster can be closed: Ctrl-C may come soon.
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=0,
                    threads_per_worker=max(1, CPU_COUNT // count),
                    processes=True,
                    # Dask would end a worker that needs more than its share of the
                    # memory, again and again. The plan bounds what a process takes.
                    memory_limit=None,
                    # The dashboard's server starts in any case: at a free port of
                    # this machine it disturbs no other cluster.
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL,
                    preload=[PRELOAD],
                )
            )
            client = stack.enter_context(distributed.Client(cluster))
            others = _processes()
            cluster.scale(count)
            _wait_for_processes(others + count)
        _wait_for_workers(cluster, count)
        yield client


def _wait_for_processes(count: int) -> None:
    """Wait until new processes exist; what they do before they work takes longer."""
    end = time.monotonic() + TIMEOUT
    while _processes() < count and time.monotonic() < end:
        time.sleep(0.01)


def _wait_for_workers(cluster: "distributed.LocalCluster", count: int) -> None:
    # Dask's own way of waiting does not end cleanly at Ctrl-C.
    end = time.monotonic() + START
    while len(cluster.scheduler_info["workers"]) < count:
        if time.monotonic() > end:
            raise TimeoutError(
                f"{counted(count, 'process', 'processes')} could not be started in "
                f"{START} s. Give fewer --workers."
            )
        time.sleep(0.01)


def _processes() -> int:
    """Number of processes that Python's module multiprocessing has started here."""
    found = 0
    for child in psutil.Process().children():
        # One that ends just now.
        with suppress(psutil.Error):
            found += any("spawn_main" in word for word in child.cmdline())
    return found


@contextmanager
def _existing(options: Namespace) -> "Iterator[distributed.Client]":
    """A client of the scheduler at --dask, which goes on when the client is closed."""
    distributed = _dask()
    with distributed.Client(options.dask, timeout=TIMEOUT) as client:
        yield client


def _identity(address: str) -> dict[str, Any]:
    """What a scheduler says about itself.

    A client would not end its threads where nobody answers, or a worker does.
    """
    distributed = _dask()
    # Certificates for tls:// come from the configuration of Dask, as for a client.
    security = distributed.Security().get_connection_args("client")

    async def ask() -> dict[str, Any]:
        async with distributed.rpc(
            address, timeout=TIMEOUT, connection_args=security
        ) as peer:
            return await asyncio.wait_for(peer.identity(), TIMEOUT)

    try:
        identity = asyncio.run(ask())
    except (OSError, TimeoutError) as err:
        raise OSError(
            f"No Dask scheduler answers at '{address}'. Start one, `dask scheduler`, "
            "and give the address that it prints."
        ) from err
    except ValueError as err:
        raise ValueError(
            f"'{address}' is not the address of a Dask scheduler: {err}. Give an "
            "address such as tcp://10.0.0.5:8786."
        ) from err
    if identity["type"] != "Scheduler":
        raise ValueError(
            f"A {identity['type'].lower()} of Dask answers at '{address}', and not a "
            "scheduler. Give the address of its scheduler."
        )
    return identity
