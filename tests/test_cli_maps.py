"""Command line: maps in dry runs, in parts, on workers; and the action distortion."""

import functools
import inspect
import logging
import os
import re
import shlex
import signal
import socket
import sys
import threading
import tomllib
import warnings
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.commands import executors
from tutorial_lib.commands.distortions import OF_MAPS, OF_NETWORKS
from tutorial_lib.commands.given import SOURCE_OPTIONS
from tutorial_lib.commands.map_options import TYPES
from tutorial_lib.commands.parser import main
from tutorial_lib.inference import shard_files, shards
from tutorial_lib.inference.tile_sizes import DEEP_MEMORY, DEFAULT_MEMORY
from tutorial_lib.inference.values import MAP_TYPES

MAP = "map --model m.keras --source input={image} --output estimated --out map.tif "


@pytest.fixture(scope="module")
def image():
    """A raster of 90 x 126 px with 4 bands."""
    return tl.testing.small_scene(90, 126)["input_10m"]


@pytest.fixture
def folder(tmp_path, monkeypatch, network):
    """The working folder, with a small network in `m.keras`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.keras").write_bytes(network)
    return tmp_path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A `.keras` file of one 'same' and one 'valid' convolution."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((None, None, 4), name="input")
    found = keras.layers.Conv2D(3, 5, padding="same", activation="relu")(pixels)
    found = keras.layers.Conv2D(2, 3, activation="tanh")(found)
    path = tmp_path_factory.mktemp("network") / "m.keras"
    keras.Model({"input": pixels}, {"estimated": found}).save(path)
    return path.read_bytes()


@pytest.fixture
def run(folder, image):
    """Function that runs `map` with more words; its exit code."""
    return lambda words="": main(shlex.split(MAP.format(image=image) + words))


@pytest.fixture
def written(monkeypatch):
    """The arguments of each planned map and of its `write`; nothing is computed."""
    calls = []

    class Plan:
        def __init__(self, arguments):
            self.arguments = arguments

        def __repr__(self):
            return "the plan"

        def write(self, path, **options):
            calls.append((self.arguments, path, options))
            return "the report"

    @functools.wraps(tl.plan_inference)
    def plan_inference(**arguments):
        return Plan(arguments)

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    return calls


def files(folder):
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# Options


def test_the_map_is_planned_and_written_with_its_options(run, written, capsys):
    words = "--memory 0.25 --precision bfloat16 --resume --cog --compress zstd "
    assert run(f"{words} --dtype int16") == 0
    ((plan, path, writing),) = written
    assert (plan["memory"], plan["precision"], path) == (0.25, "bfloat16", "map.tif")
    assert writing == {
        "progress": False,
        "resume": True,
        "cog": True,
        "compress": "zstd",
        "dtype": "int16",
    }
    assert capsys.readouterr().out == "the plan\nthe report\n"


def test_options_that_are_not_given_keep_the_defaults(run, written):
    assert run() == 0
    ((plan, _, writing),) = written
    assert plan.keys() == {"model", "sources", "output", "legend"}
    assert writing == {"progress": False}


def test_a_terminal_sees_the_progress(run, written, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run() == 0
    assert written[0][2] == {"progress": True}


def test_a_proof_shows_its_progress_on_a_terminal(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(
        tl, "certify", lambda *_, **options: seen.append(options), raising=False
    )
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)  # noqa: B023
        words = "certify --model m.keras --output estimated --tile 8"
        assert main(words.split()) == 0
    assert [options["progress"] for options in seen] == [True, False]


def test_the_network_is_loaded_for_its_runner(run, written, monkeypatch):
    monkeypatch.setattr(
        tl, "load_predictor", lambda path, runner: (path, runner), raising=False
    )
    assert run("--runner openvino") == 0
    assert written[0][0]["model"] == (Path("m.keras"), "openvino")


def test_every_type_of_a_map_can_be_asked_for():
    assert set(TYPES) == set(MAP_TYPES)


def test_the_help_names_the_memory_that_is_the_default(capsys):
    with pytest.raises(SystemExit):
        main(["map", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    defaults = f"(default: {DEFAULT_MEMORY:g}, and up to {DEEP_MEMORY:g} for networks"
    assert defaults in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--workers 2 --dask tcp://a:1", "not allowed with argument --workers"),
        ("--workers 0", "0 is too small"),
        ("--workers two", "'two' is not a whole number"),
        ("--memory 0", "'0' is not a positive number"),
        ("--memory 2GB", "'2GB' is not a positive number"),
        ("--compress lzw", "invalid choice: 'lzw'"),
        ("--precision float16", "invalid choice: 'float16'"),
        ("--runner onnx", "invalid choice: 'onnx'"),
        ("--dtype int64", "invalid choice: 'int64'"),
    ],
)
def test_wrong_options_of_a_run_end_with_exit_code_2(run, capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        run(words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


# Dry runs


def test_a_dry_run_prints_what_it_costs_and_writes_nothing(run, folder, image, capsys):
    before = files(folder)
    words = "--tile-size 40 --dry-run"
    assert run(words) == 0
    printed = capsys.readouterr()
    plan = tl.plan_inference("m.keras", image, output="estimated", tile_size=40)
    assert printed.out.startswith(f"{plan}\n{plan.table().to_string()}\n9 tiles, ")
    assert re.search(r"about [\d.]+ s\n$", printed.out)
    assert printed.err == ""
    assert files(folder) == before
    assert run(f"{words} --workers 2 --resume --cog") == 0
    assert capsys.readouterr().out.endswith("one process; workers share the tiles.\n")
    assert files(folder) == before
    assert [path.name for path in folder.iterdir()] == ["m.keras"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--out m.keras", "'m.keras' does not end in .tif"),
        ("--out link.tif", "'link.tif' is also an input"),
        ("--out map.png", "does not end in .tif"),
        ("--out new/", "'new/' is a folder"),
        ("--out m.keras/map.tif", "is not a folder"),
        ("--dtype uint8 --background -1", "-1"),
        ("--window 0 0 9999 9", "window"),
        ("--output no", "no output 'no'"),
        ("--model other.keras", "There is no model at 'other.keras'"),
        ("--source input=other.tif", "There is no raster at 'other.tif'"),
    ],
)
def test_a_dry_run_refuses_what_cannot_work(run, folder, image, capsys, words, message):
    Path("link.tif").symlink_to(image)
    before = files(folder)
    assert run(f"--dry-run {words}") == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"tutorial-lib: error: .*\n", error)
    assert message in error
    assert files(folder) == before


# Ended and continued


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of a map are small; a function that has the n-th one end with an event."""
    monkeypatch.setattr(shard_files, "SHARD_SIDE", 40)
    write, computed = shards.write_shard, []

    def write_shard(shard, *arguments, **options):
        computed.append(shard.name)
        event = events.pop(len(computed), None)
        if event is not None:
            event()
        return write(shard, *arguments, **options)

    events = {}
    monkeypatch.setattr(shards, "write_shard", write_shard)
    return events, computed


def fail():
    raise OSError("The disk broke. Repair it.")


@pytest.mark.parametrize(
    ("event", "code", "said"),
    [
        (functools.partial(signal.raise_signal, signal.SIGINT), 130, "interrupted: "),
        (functools.partial(signal.raise_signal, signal.SIGTERM), 143, "interrupted: "),
        (functools.partial(signal.raise_signal, signal.SIGHUP), 129, "interrupted: "),
        (fail, 1, "error: The disk broke. Repair it. "),
    ],
)
def test_an_ended_run_says_how_it_goes_on_and_goes_on(
    run, folder, image, capsys, small_shards, event, code, said
):
    events, computed = small_shards
    events[4] = event
    words = "--resume --tile-size 20"
    assert run(words) == code
    error = capsys.readouterr().err
    assert error.startswith(f"tutorial-lib: {said}3 finished parts are kept in ")
    assert "with --resume" in error
    assert error.count("\n") == 1
    assert not (folder / "map.tif").exists()
    assert run(words) == 0
    # 90 x 126 px less two borders of 3 px are 3 x 3 shards.
    assert len(computed) == 4 + 6
    whole = tl.plan_inference("m.keras", image, output="estimated", tile_size=20)
    np.testing.assert_array_equal(rasters.read_array("map.tif"), whole.read())
    assert {path.name for path in folder.iterdir()} == {"m.keras", "map.tif"}


def test_another_map_is_not_continued(run, folder, capsys, small_shards):
    events, _ = small_shards
    events[4] = fail
    assert run("--resume --tile-size 20") == 1
    before = files(folder)
    capsys.readouterr()
    assert run("--resume --tile-size 20 --dtype float64") == 1
    error = capsys.readouterr().err
    assert "cannot be continued: `dtype` was float32, and is float64" in error
    assert error.count("\n") == 1
    assert files(folder) == before


def test_a_lack_of_memory_is_one_sentence(run, written, monkeypatch, capsys):
    messages = []

    def plan_inference(**_):
        raise MemoryError(*messages)

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    for message in (["Use smaller tiles."], []):
        messages[:] = message
        assert run() == 1
    error = capsys.readouterr().err
    assert error == (
        "tutorial-lib: error: Use smaller tiles.\n"
        "tutorial-lib: error: The memory is not enough.\n"
    )


def test_an_error_of_many_lines_is_told_by_its_main_line(
    run, written, monkeypatch, capsys
):
    def plan_inference(**_):
        raise ValueError(
            "Layer.call().\n\nThe sizes (2, 3) and (4, 5) differ.\n\nArgs:"
        )

    monkeypatch.setattr(tl, "plan_inference", plan_inference, raising=False)
    assert run() == 1
    error = capsys.readouterr().err
    assert error == "tutorial-lib: error: The sizes (2, 3) and (4, 5) differ.\n"


# Workers


@pytest.fixture(scope="module")
def cluster():
    """A scheduler without workers, in this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def test_a_scheduler_that_exists_is_used_and_goes_on(
    run, written, cluster, capsys, monkeypatch
):
    seen = {}

    class Plan:
        def write(self, path, *, executor, **_):
            seen.update(client=executor, status=executor.status)
            seen["address"] = executor.scheduler.address

    monkeypatch.setattr(tl, "plan_inference", lambda **_: Plan(), raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert run(f"--dask {cluster.scheduler_address}") == 0
    assert seen["address"] == cluster.scheduler_address
    assert (seen["status"], seen["client"].status) == ("running", "closed")
    assert cluster.status.name == "running"
    assert "has no workers yet" in capsys.readouterr().err


def test_a_mistyped_number_of_workers_starts_none(run, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setattr(tl, "plan_inference", pytest.fail, raising=False)
    assert run("--workers 100000") == 1
    error = capsys.readouterr().err
    assert "--workers 100000: this machine has" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("address", ["silent", "closed"])
def test_a_scheduler_that_does_not_answer_is_one_sentence(
    run, monkeypatch, capsys, address
):
    monkeypatch.setattr(tl, "plan_inference", pytest.fail, raising=False)
    monkeypatch.setattr(executors, "TIMEOUT", 0.3)
    threads = set(threading.enumerate())
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        if address == "silent":
            peer.listen()
        place = "tcp://{}:{}".format(*peer.getsockname())
        for words in ("", "--dry-run"):
            assert run(f"--dask {place} {words}") == 1
            error = capsys.readouterr().err
            message = f"error: No Dask scheduler answers at '{place}'. Start one, "
            assert message in error
            assert error.count("\n") == 1
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("address", ["here", "tcp://here", "http://a:1", "a:b", "''"])
def test_what_is_not_an_address_is_refused(run, capsys, monkeypatch, address):
    monkeypatch.setattr(tl, "plan_inference", pytest.fail, raising=False)
    assert run(f"--dask {address}") == 1
    error = capsys.readouterr().err
    assert "is not the address of a Dask scheduler: " in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", ["--workers 2", "--dask tcp://a:1"])
def test_workers_without_dask_are_refused_with_the_cure(
    run, repository, monkeypatch, capsys, words
):
    monkeypatch.setattr(tl, "plan_inference", pytest.fail, raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(words) == 1
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert "dask" in project["optional-dependencies"]
    cure = f"`pip install '{project['name']}[dask]'`"
    error = capsys.readouterr().err
    assert re.fullmatch(rf"tutorial-lib: error: .*{re.escape(cure)}\.\n", error)


def children():
    """Processes that this one has started, except those of multiprocessing."""
    found = psutil.Process().children(recursive=True)
    return {
        one.pid for one in found if "resource_tracker" not in " ".join(one.cmdline())
    }


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("event", "code"),
    [
        (lambda: None, 0),
        (fail, 1),
        (functools.partial(signal.raise_signal, signal.SIGINT), 130),
        (functools.partial(signal.raise_signal, signal.SIGTERM), 143),
    ],
)
def test_new_workers_are_ended_whatever_happens(run, capsys, monkeypatch, event, code):
    pytest.importorskip("distributed")
    from dask.system import CPU_COUNT

    before, threads, seen = children(), set(threading.enumerate()), {}

    class Plan:
        def write(self, path, *, executor, **_):
            info = executor.scheduler_info()["workers"]
            seen["threads"] = {worker["nthreads"] for worker in info.values()}
            seen["memory"] = {worker["memory_limit"] for worker in info.values()}
            seen["pids"] = set(executor.run(os.getpid).values())
            seen["handlers"] = executor.run(signal.getsignal, signal.SIGINT).values()
            event()
            return "the report"

    monkeypatch.setattr(tl, "plan_inference", lambda **_: Plan(), raising=False)
    assert run("--workers 2") == code
    assert len(seen["pids"]) == 2
    assert os.getpid() not in seen["pids"]
    assert seen["threads"] == {max(1, CPU_COUNT // 2)}
    assert seen["memory"] == {0}
    # A terminal sends Ctrl-C to every process of a command.
    assert set(seen["handlers"]) == {signal.SIG_IGN}
    assert children() == before
    left = set(threading.enumerate()) - threads
    assert [thread.name for thread in left if not thread.daemon] == []
    assert capsys.readouterr().err.count("\n") == (code > 0)


@pytest.mark.thorough
def test_workers_give_the_map_of_one_process(run, folder, image, capsys):
    pytest.importorskip("distributed")
    assert run("--workers 2 --tile-size 20 --cog --compress zstd") == 0
    whole = tl.plan_inference("m.keras", image, output="estimated", tile_size=20)
    found = rasters.read_array("map.tif")
    np.testing.assert_allclose(found, whole.read(), atol=1e-5)
    assert {path.name for path in folder.iterdir()} == {"m.keras", "map.tif"}
    assert capsys.readouterr().err == ""


# distortion


@pytest.fixture
def measure(folder, image):
    """Function that runs `distortion` on the network, with more words."""
    words = f"distortion --model m.keras --source input={image} --output estimated "
    return lambda more="": main(shlex.split(f"{words} --crops 8,0,2 {more}"))


def test_the_curve_of_a_network_is_printed_and_written(measure, image, capsys):
    assert measure("--chunk 32 --count 3 --seed 5 --out t.csv --plot f.png") == 0
    curve = tl.distortion_curve(
        "m.keras", image, output="estimated", crops=(0, 2, 8), chunk=32, count=3, seed=5
    )
    printed = capsys.readouterr().out
    assert printed == f"{curve}\n't.csv' is written.\n'f.png' is written.\n"
    assert Path("t.csv").read_text() == curve.table().to_csv()
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")


def test_the_sources_of_a_curve_obey_their_options(measure, image, monkeypatch):
    calls = []
    monkeypatch.setattr(
        tl, "distortion_curve", lambda *a, **k: calls.append((a, k)), raising=False
    )
    assert measure("--bands input=2,1 --source-nodata input=0 --scaled input") == 0
    ((model, sources), options) = calls[0]
    assert model == Path("m.keras")
    source = tl.Source(image, bands=[2, 1], nodata=0, scaled=True)
    assert sources == {"input": source}
    assert options == {"output": "estimated", "crops": [8, 0, 2]}


def test_the_seams_of_a_map_are_measured_and_maps_are_compared(folder, image, capsys):
    grid = tl.testing.small_grid(30, 50)
    rows, cols = np.mgrid[:30, :50]
    # A slope that rises by 3 instead of 1 from tile to tile.
    slope = rows + cols + 2 * (rows // 8 + cols // 8)
    for name, array in (("a.tif", slope), ("b.tif", slope + 0.5)):
        rasters.write_array(name, array[..., np.newaxis].astype("float32"), grid)
    assert main(shlex.split("distortion --map a.tif --tile 8 --against b.tif")) == 0
    seams, *distance = capsys.readouterr().out.splitlines()
    assert seams.startswith("Seam score 3 for tiles of 8 px")
    assert " ".join(distance).startswith("RMSE 0.5 per value")
    assert main(shlex.split("distortion --map a.tif --tile 8 --stride 4")) == 0
    assert "Seam score 3 " in capsys.readouterr().out
    assert main(shlex.split("distortion --map b.tif --against b.tif")) == 0
    assert capsys.readouterr().out.startswith("RMSE 0 per value")


NETWORK = "distortion --model m.keras --source input=a.tif --output e --crops 0 "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("distortion", "one of the arguments --model --map is required"),
        (f"{NETWORK} --map a.tif", "not allowed with argument --model"),
        ("distortion --model m.keras --output e --crops 0", "--model needs --source"),
        (NETWORK.replace("--output e", ""), "--model needs --output"),
        (NETWORK.replace("--crops 0", ""), "--model needs --crops"),
        (f"{NETWORK} --tile 8", "--tile goes with --map"),
        (f"{NETWORK} --against b.tif", "--against goes with --map"),
        (f"{NETWORK} --bands other=1", "--bands: there is no source 'other'"),
        (f"{NETWORK} --crops 1,x", "'x' is not a whole number, 0 or more"),
        (f"{NETWORK} --crops -8", "'-8' is not a whole number"),
        (f"{NETWORK} --out table.png", "--out: 'table.png' does not end in .csv"),
        (f"{NETWORK} --plot a.gif", "--plot: 'a.gif' does not end in .png, .jpg"),
        ("distortion --map a.tif", "--map needs --tile or --against"),
        ("distortion --map a.tif --stride 2", "--map needs --tile or --against"),
        ("distortion --map a.tif --stride 2 --against b.tif", "--stride needs --tile"),
        ("distortion --map a.tif --tile 8 --out a.csv", "--out goes with --model"),
        ("distortion --map a.tif --tile 8 --crops 8", "--crops goes with --model"),
        ("distortion --map a.tif --tile 8 --stride 4 --against b.tif --seed 1", "seed"),
    ],
)
def test_options_of_distortion_that_do_not_fit_end_with_exit_code_2(
    folder, capsys, words, message
):
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(words))
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--out new/a.csv --plot m.keras/f.png", "is not a folder"),
        ("--out s3://bucket/a.csv", "of this machine"),
        ("--model other.keras", "There is no model at 'other.keras'"),
        ("--output other", "'other'"),
        ("--crops 999", "Use smaller crops"),
        ("--chunk 7 --crops 4", "7 px"),
        ("--source other=other.tif", "other"),
    ],
)
def test_errors_of_distortion_are_one_sentence(measure, folder, capsys, words, message):
    before = files(folder)
    assert measure(words) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"tutorial-lib: error: .*\n", error)
    assert message in error
    assert files(folder) == before


def test_a_table_is_not_written_over_an_input(folder, image, capsys):
    Path("a.csv").write_bytes(image.read_bytes())
    before = files(folder)
    words = "distortion --model m.keras --source input=a.csv --output estimated"
    assert main(shlex.split(f"{words} --crops 0 --out ./a.csv")) == 1
    assert "also an input" in capsys.readouterr().err
    assert files(folder) == before


def test_each_option_of_distortion_is_an_argument_of_its_function():
    files = {"path", "plot"}
    options = {*OF_NETWORKS} - files - SOURCE_OPTIONS.keys() - {"source"} | {"sources"}
    arguments = inspect.signature(tl.distortion_curve).parameters
    assert options == arguments.keys() - {"model"}
    arguments = inspect.signature(tl.seam_score).parameters
    assert {*OF_MAPS} - {"against"} == arguments.keys() - {"path"}
