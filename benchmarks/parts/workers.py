"""Dask workers on one machine, beside as many processes that run only the model."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from parts.goals import Goal, at_least
from parts.processes import in_fresh_process
from parts.scenes import one_source
from parts.timing import best, in_turns

TITLE = "Local and on Dask workers"
NOTE = (
    "Workers have loaded their model before. The bare processes share the tiles, with "
    "arrays in memory and as many threads as a worker. All take turns."
)

BARE, LOCAL = "2 bare model processes", "local"
WORKERS = {"Dask, 1 worker": 1, "Dask, 2 workers": 2}
# Seconds within which a bare process must be ready, or done.
PATIENCE_S = 300


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time of each way to use two cores."""
    raster = str(one_source(folder, 700 if quick else 4000))
    return in_fresh_process(measure_ways, raster=raster, rounds=1 if quick else 2)


def measure_ways(raster: str, rounds: int) -> list[dict[str, Any]]:
    """Map the scene here, on workers, and run the model alone in two processes."""
    import numpy as np

    from tutorial_lib.rasters import read_array

    plan, folder = _plan(raster), Path(raster).parent
    paths = {way: folder / f"{way}.tif" for way in (LOCAL, *WORKERS)}
    with ExitStack() as stack:
        actions = {LOCAL: lambda: plan.write(paths[LOCAL], progress=False)}
        for way, count in WORKERS.items():
            client = stack.enter_context(_client(count))
            actions[way] = lambda way=way, client=client: plan.write(
                paths[way], progress=False, executor=client
            )
        actions[BARE] = stack.enter_context(_bare_processes(raster, 2))
        in_turns(actions, 1)
        costs = in_turns(actions, rounds)
    megapixels = plan.grid.shape[0] * plan.grid.shape[1] / 1e6
    local, bare = read_array(paths[LOCAL]), best(costs[BARE]).wall
    return [
        {
            "way": way,
            "s/Mpx": best(costs[way]).wall / megapixels,
            "throughput / 2 bare": bare / best(costs[way]).wall,
            "same labels": float(np.mean(read_array(paths[way]) == local))
            if way in paths
            else None,
        }
        for way in actions
    ]


def _plan(raster: str) -> Any:
    import tutorial_lib as tl
    from tutorial_lib import recorded

    # The file of the network, because each worker loads it.
    network = recorded.weights_path("fcnn_havel")
    return tl.plan_inference(network, raster, output="estimated_labels")


def _threads(processes: int) -> int:
    return max(1, (os.cpu_count() or 1) // processes)


@contextmanager
def _client(count: int) -> Iterator[Any]:
    """The client of a cluster of workers on this machine."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=_threads(count),
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def _bare_processes(raster: str, count: int) -> Iterator[Any]:
    """A function that has processes run the model on the tiles of a map, side by side.

    They load and compile it before.
    """
    context = multiprocessing.get_context("spawn")
    barrier, end = context.Barrier(count + 1, timeout=PATIENCE_S), context.Event()
    processes = [
        context.Process(
            target=_run_bare, args=(barrier, end, raster, number, count), daemon=True
        )
        for number in range(count)
    ]
    for process in processes:
        process.start()
    barrier.wait()

    def run() -> None:
        barrier.wait()
        barrier.wait()

    try:
        yield run
    finally:
        end.set()
        barrier.wait()
        for process in processes:
            process.join()


def _run_bare(barrier: Any, end: Any, raster: str, number: int, count: int) -> None:
    """What a bare process does: every `count`-th tile, whenever it is told to."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(_threads(count))
    tf.config.threading.set_inter_op_parallelism_threads(_threads(count))
    from parts.networks import bare_model

    run = bare_model(_plan(raster), slice(number, None, count))
    barrier.wait()
    while True:
        barrier.wait()
        if end.is_set():
            return
        run()
        barrier.wait()


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """Two workers nearly as fast as two processes that only run the model."""
    by_way = {row["way"]: row for row in rows}
    two = by_way["Dask, 2 workers"]
    return [
        at_least(
            "two_workers",
            "throughput, 2 Dask workers / 2 bare processes",
            two["throughput / 2 bare"],
            0.85,
        ),
        at_least(
            "same_pixels", "share of same pixels, Dask / local", two["same labels"], 1
        ),
    ]
