"""Maps on the workers of Dask: the same as here, whatever happens to a worker."""

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from resuming import FINISHED, counted, described, network, write_image

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.inference import (
    assembly,
    cluster,
    shard_files,
    shards,
    workers,
)

distributed = pytest.importorskip("distributed")

# Nothing tells what a plain function reads.
pytestmark = pytest.mark.filterwarnings("ignore:Whether the tiles give")

# Side of the shards, so that each holds one tile of 12 px.
SIDE = 12


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shard_files, "SHARD_SIDE", SIDE)


@pytest.fixture(scope="module")
def here():
    """A cluster in this process, which starts at once."""
    with client_of(processes=False, n_workers=1, threads_per_worker=2) as client:
        yield client


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster of two processes."""
    with client_of(n_workers=2, threads_per_worker=1) as client:
        yield client


@contextlib.contextmanager
def client_of(**options):
    with (
        distributed.LocalCluster(
            dashboard_address=":0", silence_logs=50, **options
        ) as made,
        distributed.Client(made, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def source(tmp_path):
    return write_image(tmp_path / "image.tif", nodata=0)


class Mean:
    """A model that is a function: the mean of 3 x 3 pixels; it counts its calls.

    Args:
        calls: A file that grows by one byte at each call.
        pause: Seconds that a call takes.
        fail: Called with the number of the call.
    """

    def __init__(self, calls, *, pause=0.0, fail=lambda count: None):
        self.calls, self.pause, self.fail = str(calls), pause, fail
        self.mean = testing.BlockMean({"input": 3})

    def __call__(self, inputs):
        descriptor = os.open(self.calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b".")
        count = os.fstat(descriptor).st_size
        os.close(descriptor)
        self.fail(count)
        time.sleep(self.pause)
        return {"estimated": self.mean(inputs)["estimated"]}


def calls_of(path):
    return path.stat().st_size if path.exists() else 0


def wait_for_calls(path, count):
    end = time.monotonic() + 60
    while calls_of(path) < count:
        assert time.monotonic() < end, f"{calls_of(path)} calls, not {count}"
        time.sleep(0.005)


def plan_of(model, source, **options):
    if callable(model) and not isinstance(model, keras.Model):
        source = tl.Source(source, receptive_field=3)
    chosen = {"output": "estimated", "tile_size": 12} | options
    return tl.plan_inference(model, source, **chosen)


def plan_with_digest(plan):
    """The plan of a function, as if the function could be told from others."""
    predictor = replace(plan.job.predictor, read_digest=lambda: "1" * 64)
    return replace(plan, job=replace(plan.job, predictor=predictor))


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def saved(folder):
    network().save(folder / "a.keras")
    return folder / "a.keras"


def exported(folder):
    return tl.export(network(), folder / "served")


def in_memory(folder):
    return network()


MODELS = {"keras file": saved, "SavedModel": exported, "in memory": in_memory}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("resume", [False, True])
def test_two_processes_give_the_same_map(two, source, tmp_path, name, resume):
    plan = plan_of(MODELS[name](tmp_path), source, output="estimated_labels")
    expected = plan.write(tmp_path / "whole.tif", progress=False)
    before = files_in(tmp_path)
    report = plan.write(
        tmp_path / "map.tif", executor=two, resume=resume, progress=False
    )
    assert counted(report) == counted(expected)
    assert report.skipped > 0
    assert described(tmp_path / "map.tif") == described(tmp_path / "whole.tif")
    assert files_in(tmp_path) == sorted([*before, "map.tif"])


@pytest.mark.slow
def test_a_process_loads_a_model_once(two, source, tmp_path):
    path = saved(tmp_path)
    before = two.run(lambda: workers._predictor.cache_info().misses)
    for number in range(2):
        plan = plan_of(path, source)
        plan.write(tmp_path / f"map{number}.tif", executor=two, progress=False)
    after = two.run(lambda: workers._predictor.cache_info().misses)
    assert all(after[worker] - before[worker] <= 1 for worker in after)


@pytest.mark.thorough
def test_tensorflow_has_the_threads_of_its_worker(two, source, tmp_path):
    def threads():
        import tensorflow as tf

        return tf.config.threading.get_intra_op_parallelism_threads()

    plan = plan_of(saved(tmp_path), source)
    plan.write(tmp_path / "map.tif", executor=two, progress=False)
    assert set(two.run(threads).values()) == {1}


@pytest.mark.slow
def test_a_lost_worker_costs_only_its_shard(source, tmp_path):
    calls, path = tmp_path / "calls", tmp_path / "map.tif"
    plan = plan_of(Mean(calls, pause=0.01), source)
    whole = tmp_path / "whole.tif"
    # Planning calls the function too.
    calls.unlink()
    plan.write(whole, progress=False)
    count = calls_of(calls)
    calls.unlink()
    with client_of(n_workers=2, threads_per_worker=1) as client:
        process = next(iter(client.run(os.getpid).values()))

        def kill_half_way():
            wait_for_calls(calls, count // 2)
            os.kill(process, signal.SIGKILL)

        killer = threading.Thread(target=kill_half_way, daemon=True)
        killer.start()
        plan.write(path, executor=client, progress=False)
        killer.join()
        # The nanny of the worker has started a new one.
        assert process not in client.run(os.getpid).values()
    assert described(path) == described(whole)
    # A shard is one tile here, and the worker computed one at a time.
    assert calls_of(calls) - count in (0, 1)


@pytest.mark.slow
def test_workers_that_end_again_and_again_are_an_error(source, tmp_path):
    import dask

    def end(count):
        if threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGKILL)

    # Planning calls the function too, in the main thread of this process.
    plan = plan_of(Mean(tmp_path / "calls", fail=end), source)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        client_of(n_workers=1, threads_per_worker=1) as client,
        pytest.raises(MemoryError, match=r"Several workers died.*`tile_size`"),
    ):
        plan.write(tmp_path / "map.tif", executor=client, progress=False)
    assert files_in(tmp_path) == ["calls", "image.tif"]


@pytest.mark.thorough
def test_a_cluster_without_workers_is_told(source, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "NO_WORKERS_S", 0.2)
    plan = plan_of(Mean(tmp_path / "calls"), source)
    with client_of(processes=False, n_workers=0, threads_per_worker=1) as client:
        starter = threading.Timer(1, client.cluster.scale, (1,))
        starter.start()
        with pytest.warns(UserWarning, match="has no workers, so the map") as told:
            plan.write(tmp_path / "map.tif", executor=client, progress=False)
        starter.join()
    # It is said once.
    assert len(told) == 1
    assert files_in(tmp_path) == ["calls", "image.tif", "map.tif"]


CLIENT = """
import sys
import distributed, tutorial_lib as tl
from tutorial_lib.inference import shard_files
shard_files.SHARD_SIDE = 12
address, model, source, path = sys.argv[1:]
plan = tl.plan_inference(model, source, output="estimated", tile_size=12)
with distributed.Client(address, set_as_default=False) as client:
    plan.write(path, executor=client, resume=True, progress=False)
"""


@pytest.mark.slow
def test_a_map_goes_on_after_its_client_was_killed(two, source, tmp_path, monkeypatch):
    model, path, whole = saved(tmp_path), tmp_path / "map.tif", tmp_path / "b.tif"
    work = tmp_path / "map.tif.work"
    plan = plan_of(model, source)
    plan.write(whole, progress=False)
    words = [two.scheduler.address, model, source, path]
    process = subprocess.Popen([sys.executable, "-c", CLIENT, *map(str, words)])
    while len(list(work.glob(FINISHED))) < 5:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not path.exists()
    kept = {file: file.stat().st_mtime_ns for file in work.glob(FINISHED)}
    assert len(kept) < len(shard_files.cut_shards(plan, SIDE))
    taken = []
    remove = shards.kept_folder

    @contextlib.contextmanager
    def look(*values):
        with remove(*values) as folder:
            yield folder
            taken.extend(
                f.stat().st_mtime_ns == kept.get(f) for f in folder.glob("*.json")
            )

    monkeypatch.setattr(shards, "kept_folder", look)
    plan.write(path, executor=two, resume=True, progress=False)
    assert sum(taken) == len(kept)
    assert described(path) == described(whole)
    assert not work.exists()


# In this process


def test_a_function_goes_to_workers(here, source, tmp_path):
    plan = plan_of(Mean(tmp_path / "calls"), source)
    expected = plan.write(tmp_path / "whole.tif", progress=False)
    report = plan.write(tmp_path / "map.tif", executor=here, progress=False)
    assert counted(report) == counted(expected)
    assert described(tmp_path / "map.tif") == described(tmp_path / "whole.tif")
    assert files_in(tmp_path) == ["calls", "image.tif", "map.tif", "whole.tif"]


def test_no_pixels_pass_the_scheduler(here, source, tmp_path, monkeypatch):
    sent, kept = [], []
    send, result = here.map, cluster._result

    def look(*values, **options):
        sent.append(pickle.dumps((values, options)))
        return send(*values, **options)

    def keep(future):
        kept.append(len(pickle.dumps(result(future))))
        return result(future)

    monkeypatch.setattr(here, "map", look)
    monkeypatch.setattr(cluster, "_result", keep)
    plan = plan_of(Mean(tmp_path / "calls"), source)
    plan.write(tmp_path / "map.tif", executor=here, progress=False)
    count = len(shard_files.cut_shards(plan, SIDE))
    assert len(kept) == count
    assert max(kept) < 500
    assert len(sent[0]) < 2000 + 50 * count


def test_the_first_error_ends_all_and_leaves_nothing(here, source, tmp_path):
    def fail(count):
        if count == wrong:
            raise OverflowError("the 5th call is too much")

    # Planning calls the function too.
    calls, wrong = tmp_path / "calls", None
    model = Mean(calls, fail=fail)
    plan = plan_of(model, source)
    model.pause = 0.1
    wrong = calls_of(calls) + 5
    with pytest.raises(OverflowError, match="too much"):
        plan.write(tmp_path / "map.tif", executor=here, progress=False)
    ended = calls_of(calls)
    # More shards are computed until the client hears of the error. On a machine with
    # much else to do, that takes a second.
    assert ended < wrong + len(plan.tiles) // 2
    time.sleep(0.3)
    assert calls_of(calls) == ended
    assert files_in(tmp_path) == ["calls", "image.tif"]
    assert not workers._one_shard.locked()


def test_ctrl_c_leaves_nothing_running(here, source, tmp_path, monkeypatch):
    calls, added = tmp_path / "calls", []
    plan = plan_of(Mean(calls, pause=0.1), source)
    planned = calls_of(calls)
    add = assembly.Assembly.add

    def interrupt(self, shard):
        added.append(shard)
        if len(added) == 3:
            raise KeyboardInterrupt
        add(self, shard)

    monkeypatch.setattr(assembly.Assembly, "add", interrupt)
    with pytest.raises(KeyboardInterrupt):
        plan.write(tmp_path / "map.tif", executor=here, progress=False)
    ended = calls_of(calls)
    assert ended - planned < len(plan.tiles) // 2
    time.sleep(0.3)
    assert calls_of(calls) == ended
    assert files_in(tmp_path) == ["calls", "image.tif"]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C in another way")
def test_ctrl_c_while_the_client_waits(here, source, tmp_path):
    calls = tmp_path / "calls"
    plan = plan_of(Mean(calls, pause=0.05), source)
    planned = calls_of(calls)

    def press():
        # The run ends early where something is wrong.
        while calls_of(calls) < planned + 3:
            if ended.wait(0.005):
                return
        os.kill(os.getpid(), signal.SIGINT)

    ended = threading.Event()
    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt, match=r"kept in '.*map\.tif\.work'"):
            plan_with_digest(plan).write(
                tmp_path / "map.tif", executor=here, resume=True, progress=False
            )
    finally:
        ended.set()
        presser.join()
    count = calls_of(calls)
    time.sleep(0.3)
    assert calls_of(calls) == count
    assert files_in(tmp_path) == ["calls", "image.tif", "map.tif.work"]


def test_a_result_that_was_lost_is_not_computed_again(here, source, tmp_path):
    plan = plan_of(Mean(tmp_path / "calls"), source)
    parts = shard_files.cut_shards(plan, SIDE)[-1:]
    with cluster._task(parts, tmp_path, np.dtype("float32")) as task:
        first = here.submit(workers.compute, task, parts[0].name, pure=False).result()
        count = calls_of(tmp_path / "calls")
        again = here.submit(workers.compute, task, parts[0].name, pure=False).result()
    assert first == again
    assert calls_of(tmp_path / "calls") == count


def test_a_worker_ends_when_its_client_has(here, source, tmp_path):
    calls = tmp_path / "calls"
    plan = plan_of(Mean(calls, pause=0.02), source)
    planned = calls_of(calls)
    # One shard of all tiles.
    parts = shard_files.cut_shards(plan, 1000)
    with cluster._task(parts, tmp_path, np.dtype("float32")) as task:
        future = here.submit(workers.compute, task, parts[0].name, pure=False)
        wait_for_calls(calls, planned + 3)
        Path(task.plan_file).unlink()
        with pytest.raises(workers.RunEndedError):
            future.result()
    assert calls_of(calls) < planned + len(plan.tiles) // 2
    assert files_in(tmp_path) == ["calls", "image.tif"]


# What a worker says when it does not see what the client sees


@pytest.fixture
def task(source, tmp_path):
    plan = plan_of(saved(tmp_path), source)
    parts = shard_files.cut_shards(plan, SIDE)
    workers._baggage.cache_clear()
    workers._predictor.cache_clear()
    with cluster._task(parts, tmp_path, np.dtype("float32")) as task:
        yield task


def compute(task):
    return workers.compute(task, "row0_col0")


def test_a_plan_that_a_worker_does_not_see(task):
    Path(task.plan_file).rename(f"{task.plan_file}.elsewhere")
    with pytest.raises(FileNotFoundError, match=r"does not see '.*plan.pickle'.*share"):
        compute(task)


def test_a_plan_that_is_another(task):
    Path(task.plan_file).write_bytes(pickle.dumps("another"))
    with pytest.raises(ValueError, match="sees another file"):
        compute(task)


def test_a_source_that_a_worker_does_not_see(task, source):
    source.rename(source.with_name("elsewhere.tif"))
    with pytest.raises(FileNotFoundError, match=r"does not see '.*image.tif'"):
        compute(task)


def test_a_source_that_is_another(task, source):
    with source.open("ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match=r"image.tif' has \d+ bytes for a worker"):
        compute(task)


def test_a_model_that_is_another(task, tmp_path, monkeypatch):
    # There is no worker here that would say how many threads it has.
    monkeypatch.setattr(workers, "_limit_threads", lambda runner: None)
    network(seed=1).save(tmp_path / "a.keras")
    task = replace(task, model=replace(task.model, path=str(tmp_path / "a.keras")))
    with pytest.raises(ValueError, match="not the model that the map was planned with"):
        compute(task)


def test_other_versions_of_packages(task, monkeypatch):
    found = workers.versions()
    monkeypatch.setattr(
        workers, "versions", lambda: found | {"version of keras": "3.99"}
    )
    with pytest.raises(ValueError, match=r"version of keras was .*, and is 3.99"):
        compute(task)


def test_models_of_one_digest_are_loaded_once(task, tmp_path):
    other = replace(task.model, path="elsewhere")
    assert other == task.model
    assert hash(other) == hash(task.model)
    assert replace(task.model, precision="bfloat16") != task.model
    assert replace(task.model, runner="openvino") != task.model


def test_a_file_that_only_the_worker_sees(source, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "NEW_FILE_S", 0.2)
    shard = shard_files.cut_shards(plan_of(Mean(tmp_path / "calls"), source), SIDE)[0]
    with pytest.raises(FileNotFoundError, match="does not exist here"):
        cluster._wait_for(shard, tmp_path)


def test_a_function_that_cannot_be_sent(here, source, tmp_path):
    mean = Mean(tmp_path / "calls")
    mean.lock = threading.Lock()
    with pytest.raises(ValueError, match="cannot be sent to workers"):
        plan_of(mean, source).write(tmp_path / "map.tif", executor=here, progress=False)
    assert files_in(tmp_path) == ["calls", "image.tif"]


# What is not a client


@pytest.mark.parametrize("executor", [3, "tcp://10.0.0.5:8786", object()])
def test_what_is_not_a_client(source, tmp_path, executor):
    plan = plan_of(Mean(tmp_path / "calls"), source)
    with pytest.raises(TypeError, match=r"`executor` is .*`distributed.Client`"):
        plan.write(tmp_path / "map.tif", executor=executor, progress=False)


def test_dask_that_is_not_installed(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    plan = plan_of(Mean(tmp_path / "calls"), source)
    with pytest.raises(TypeError, match=r"pip install '.*\[dask\]'"):
        plan.write(tmp_path / "map.tif", executor=3, progress=False)


def test_a_closed_client(here, source, tmp_path):
    client = distributed.Client(here.scheduler.address, set_as_default=False)
    client.close()
    plan = plan_of(Mean(tmp_path / "calls"), source)
    with pytest.raises(ValueError, match="client that is closed"):
        plan.write(tmp_path / "map.tif", executor=client, progress=False)


def test_an_asynchronous_client(here, source, tmp_path):
    plan = plan_of(Mean(tmp_path / "calls"), source)

    async def write():
        async with distributed.Client(
            here.scheduler.address, asynchronous=True, set_as_default=False
        ) as client:
            plan.write(tmp_path / "map.tif", executor=client, progress=False)

    with pytest.raises(ValueError, match="asynchronous client"):
        asyncio.run(write())


def test_dask_is_imported_for_a_client_only(source, tmp_path):
    code = (
        "import sys; from tutorial_lib.inference import shards, workers; "
        "print('distributed' in sys.modules, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
