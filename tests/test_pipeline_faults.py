"""What a user meets when a map cannot be finished: one error, and nothing left over."""

import inspect
import resource
import signal
import threading
import time
import tracemalloc
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import rasterio

import tutorial_lib as tl
from tutorial_lib import rasters
from tutorial_lib.rasters import causes
from tutorial_lib.testing import BlockMean

# Said of every plain function when a map is planned.
NOT_KNOWN = "Whether the tiles give the map of the whole image is not known"

pytestmark = pytest.mark.filterwarnings(f"ignore:{NOT_KNOWN}")

SHAPE = (157, 203)
FIELD, TILE = 5, 20
# Rows and columns of tiles: the map has 4 px less than the image.
TILES = 8 * 10
# Side of the blocks of the source's file.
BLOCK = 32


class Watched:
    """A model in NumPy to which something happens at one of its calls.

    Attributes:
        calls: Calls of the run: none of them before `at` is set.
        at: Number of the call, from 0; None for none.
        event: What happens then.
    """

    def __init__(self):
        self.network = BlockMean({"input": FIELD})
        self.calls, self.at, self.event = 0, None, None

    def __call__(self, inputs):
        if self.at is not None:
            self.calls += 1
            if self.calls == self.at + 1:
                self.event()
        return self.network(inputs)

    def happens(self, at, event):
        self.calls, self.at, self.event = 0, at, event

    def is_whole_again(self):
        self.at = None


class BrokenModelError(Exception):
    """An error that only the model of these tests raises."""


class BrokenWriterError(Exception):
    """An error that only the writer of these tests raises."""


@pytest.fixture
def source(tmp_path):
    """A raster of noise, in blocks of its own."""
    path = tmp_path / "source.tif"
    values = np.random.default_rng(5).integers(1, 60000, (3, *SHAPE)).astype("uint16")
    grid = tl.testing.small_grid(*SHAPE)
    profile = {
        "driver": "GTiff",
        "count": 3,
        "height": SHAPE[0],
        "width": SHAPE[1],
        "dtype": "uint16",
        "crs": str(grid.crs),
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)
    return path


@pytest.fixture
def model():
    return Watched()


@pytest.fixture
def plan(source, model):
    return tl.plan_inference(
        model,
        tl.Source(source, receptive_field=FIELD),
        output="estimated",
        tile_size=TILE,
    )


@pytest.fixture(params=["new", "existing", "cog"])
def write(request, plan, tmp_path):
    """Function that writes the map: a new one, onto an older one, or a COG."""
    path = tmp_path / "maps" / "map.tif"
    if request.param == "existing":
        path.parent.mkdir()
        path.write_bytes(b"the map of yesterday")

    def write():
        return plan.write(path, progress=False, cog=request.param == "cog")

    write.path = path
    return write


@contextmanager
def left_as_it_was(folder):
    """Check that files and threads are the same after a block."""
    before, threads = files(folder), running_threads()
    yield
    assert running_threads() == threads
    assert files(folder) == before


def running_threads():
    """All threads, except the one that tqdm keeps for all its progress bars."""
    return {one for one in threading.enumerate() if one.name != "tqdm_monitor"}


def files(folder):
    return {
        path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def whole_map_is_written(write, plan, model):
    """Write the map again, without a fault, and compare it."""
    model.is_whole_again()
    report = write()
    assert report.tile_count == TILES
    np.testing.assert_array_equal(rasters.read_array(write.path), plan.read())


def test_the_faults_below_come_in_the_middle_of_this_run(plan, model, write):
    assert len(plan.tiles) == TILES
    model.happens(TILES, pytest.fail)
    write()
    assert model.calls == TILES


# Each stage in turn


def damage(path, row, col, *, cut):
    """Spoil a block of a raster, or end its file there."""
    with rasterio.open(path) as dataset:
        place, size = (
            int(dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=1))
            for what in ("OFFSET", "SIZE")
        )
    content = bytearray(path.read_bytes())
    if cut:
        del content[place:]
    else:
        content[place : place + size] = b"\x55" * size
    path.write_bytes(content)


@pytest.mark.parametrize("cut", [True, False])
def test_a_source_that_is_damaged_in_the_middle(
    plan, model, source, tmp_path, write, cut
):
    whole = source.read_bytes()
    damage(source, 2, 3, cut=cut)
    model.happens(TILES, pytest.fail)
    with left_as_it_was(tmp_path), pytest.raises(OSError, match="source") as caught:
        write()
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    # Of the rows of tiles, the third and the fourth read the damaged block.
    assert 0 < model.calls < TILES / 2
    source.write_bytes(whole)
    whole_map_is_written(write, plan, model)


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("change", ["smaller", "larger", "moved"])
def test_a_source_that_is_another_raster_than_was_planned(
    plan, model, source, tmp_path, write, change
):
    whole = source.read_bytes()
    if change == "moved":
        with rasterio.open(source, "r+") as dataset:
            dataset.transform @= rasterio.Affine.translation(1, 0)
    else:
        shape = np.add(SHAPE, -9 if change == "smaller" else 9)
        values = np.ones((*shape, 3), "uint16")
        rasters.write_array(source, values, tl.testing.small_grid(*shape))
    model.happens(TILES, pytest.fail)
    with (
        left_as_it_was(tmp_path),
        pytest.raises(ValueError, match=r"'.*' was changed since the map was planned"),
    ):
        write()
    assert model.calls == 0
    source.write_bytes(whole)
    whole_map_is_written(write, plan, model)


def test_a_source_that_is_written_meanwhile_is_told(plan, model, source, write):
    def rewrite():
        source.write_bytes(source.read_bytes())

    model.happens(TILES // 2, rewrite)
    with pytest.warns(UserWarning, match="was changed while the map was computed"):
        report = write()
    assert str(source) in report.warnings[-1]
    whole_map_is_written(write, plan, model)


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("at", [0, 1, 37, TILES - 1])
def test_a_model_that_breaks(plan, model, tmp_path, write, at):
    error = BrokenModelError("no more")

    def fail():
        raise error

    model.happens(at, fail)
    with left_as_it_was(tmp_path), pytest.raises(BrokenModelError) as caught:
        write()
    assert caught.value is error
    assert model.calls == at + 1
    whole_map_is_written(write, plan, model)


def test_an_address_that_fails_is_not_called_damaged(source):
    error = rasterio.errors.RasterioIOError("got 0 bytes, expected 480")
    address = f"/vsicurl/http://127.0.0.1:9{source}"
    said = str(causes.damaged(address, "a part of it", error))
    assert address in said
    assert "got 0 bytes, expected 480" in said
    assert "Check the connection" in said
    assert "damaged" not in said
    assert "is damaged: a part of it" in str(
        causes.damaged(source, "a part of it", error)
    )


@contextmanager
def files_up_to(size):
    """Have the system refuse files of more bytes, as a full disk does."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("size", [0, 1000, 40_000])
def test_a_disk_that_is_full(plan, model, tmp_path, write, size):
    with (
        left_as_it_was(tmp_path),
        pytest.raises(OSError, match="could not be written") as caught,
        files_up_to(size),
    ):
        write()
    assert str(write.path) in str(caught.value)
    assert "\n" not in str(caught.value)
    whole_map_is_written(write, plan, model)


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("at", [0, 5, TILES - 1])
def test_a_writer_that_breaks(plan, model, tmp_path, write, monkeypatch, at):
    error, calls, put = BrokenWriterError("no more"), [], rasters.RasterWriter.write

    def fail_once(self, array, row=0, col=0):
        calls.append((row, col))
        if len(calls) == at + 1:
            raise error
        return put(self, array, row, col)

    monkeypatch.setattr(rasters.RasterWriter, "write", fail_once)
    with left_as_it_was(tmp_path), pytest.raises(BrokenWriterError) as caught:
        write()
    assert caught.value is error
    # The model may be some tiles further when the writer tells it.
    assert at < len(calls) <= at + 4
    whole_map_is_written(write, plan, model)


# Ctrl-C


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("at", [0, 1, 37, TILES - 1])
def test_ctrl_c_while_the_model_runs(plan, model, tmp_path, write, at):
    model.happens(at, lambda: signal.raise_signal(signal.SIGINT))
    with left_as_it_was(tmp_path), pytest.raises(KeyboardInterrupt):
        write()
    assert model.calls == at + 1
    whole_map_is_written(write, plan, model)


@pytest.mark.parametrize("stage", ["reader", "writer"])
def test_ctrl_c_while_a_thread_starts(plan, model, tmp_path, write, monkeypatch, stage):
    start, working, after_the_end = threading.Thread.start, [], []

    def start_and_end(self):
        start(self)
        if self.name.startswith(f"tutorial_lib_{stage}"):
            raise KeyboardInterrupt

    def slowed(function):
        def call(*arguments, **options):
            working.append(function)
            time.sleep(0.05)
            result = function(*arguments, **options)
            working.pop()
            return result

        return call

    for owner, name in (
        (rasters.RasterWriter, "write"),
        (rasters.SourceReader, "read_block"),
    ):
        monkeypatch.setattr(owner, name, slowed(getattr(owner, name)))
    monkeypatch.setattr(threading.Thread, "start", start_and_end)
    before, threads = files(tmp_path), running_threads()
    with pytest.raises(KeyboardInterrupt):
        write()
    # A thread that still used a file, now closed, would end Python.
    after_the_end += working
    wait_for(lambda: running_threads() == threads)
    assert after_the_end == []
    assert files(tmp_path) == before
    monkeypatch.undo()
    whole_map_is_written(write, plan, model)


def test_ctrl_c_twice(plan, model, tmp_path, write, monkeypatch):
    main, put, working = threading.main_thread().ident, rasters.RasterWriter.write, []

    def write_slowly(*arguments):
        working.append(arguments)
        time.sleep(0.3)
        put(*arguments)
        working.pop()

    def twice():
        timer.start()
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    monkeypatch.setattr(rasters.RasterWriter, "write", write_slowly)
    model.happens(1, twice)
    before, threads = files(tmp_path), running_threads()
    with pytest.raises(KeyboardInterrupt) as caught:
        write()
    after_the_end = list(working)
    # Also as long as the error holds on to what was used.
    assert caught.value.__traceback__ is not None
    wait_for(lambda: running_threads() == threads)
    timer.join()
    assert after_the_end == []
    assert files(tmp_path) == before
    monkeypatch.undo()
    whole_map_is_written(write, plan, model)


def wait_for(condition):
    """Wait until something is so, and fail if it takes long."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
def test_ctrl_c_at_any_time(plan, model, tmp_path, write):
    main = threading.main_thread().ident
    rng, ended = np.random.default_rng(8), 0
    for delay in rng.uniform(0, 0.15, 12):
        timer = threading.Timer(delay, signal.pthread_kill, (main, signal.SIGINT))
        before, threads, written = files(tmp_path), running_threads(), False
        try:
            timer.start()
            write()
            written = True
            # It was quicker than the signal, which comes now.
            time.sleep(1)
        except KeyboardInterrupt:
            ended += not written
        finally:
            timer.cancel()
            timer.join()
        # One that was just starting ends by itself.
        wait_for(lambda: running_threads() == threads)  # noqa: B023
        now = files(tmp_path)
        assert now.keys() - before.keys() <= {write.path}
        if now.get(write.path) != before.get(write.path):
            np.testing.assert_array_equal(rasters.read_array(write.path), plan.read())
    assert ended > 0
    whole_map_is_written(write, plan, model)


# Warnings


class SometimesNan:
    """A model whose result is NaN in every third column: pixels that are broken."""

    def __call__(self, inputs):
        values = BlockMean({"input": FIELD})(inputs)["estimated"] / 60000
        values = np.concatenate([values, 1 - values], axis=-1)
        values[:, :, ::3] = np.nan
        return {"estimated": values}


@pytest.mark.parametrize("how", ["plan.write", "predict_raster"])
def test_a_warning_comes_once_and_points_to_the_caller(source, tmp_path, how):
    path, image = tmp_path / "map.tif", tl.Source(source, receptive_field=FIELD)
    options = {"output": "estimated", "tile_size": TILE}
    plan = tl.plan_inference(SometimesNan(), image, **options)
    writing = {"dtype": "uint8", "progress": False}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if how == "plan.write":
            line, report = here() + 0, plan.write(path, **writing)
        else:
            model = SometimesNan()
            options |= writing
            line, report = here(), tl.predict_raster(model, image, path, **options)
    caught = [one for one in caught if NOT_KNOWN not in str(one.message)]
    texts = [str(one.message) for one in caught]
    assert len(texts) == len(set(texts)) == 2
    assert any("NaN" in text for text in texts)
    assert any("uint8" in text for text in texts)
    assert {(one.filename, one.lineno) for one in caught} == {(__file__, line)}
    assert tuple(texts) == report.warnings


def here():
    """The line of the caller."""
    return inspect.currentframe().f_back.f_lineno


# Memory


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("slow", ["model", "writer", "reader"])
def test_a_long_run_holds_as_many_tiles_as_a_short_one(tmp_path, monkeypatch, slow):
    def slowed(function):
        def call(*arguments, **options):
            time.sleep(0.002)
            return function(*arguments, **options)

        return call

    model = BlockMean({"input": FIELD})
    if slow == "model":
        model = slowed(model)
    elif slow == "writer":
        write = slowed(rasters.RasterWriter.write)
        monkeypatch.setattr(rasters.RasterWriter, "write", write)
    else:
        read = slowed(rasters.SourceReader.read_block)
        monkeypatch.setattr(rasters.SourceReader, "read_block", read)
    peaks = []
    for rows in (4, 24):
        image = tmp_path / f"image_{rows}.tif"
        grid = tl.testing.small_grid(rows * 40 + FIELD - 1, 5 * 40 + FIELD - 1)
        tl.testing.coordinate_raster(image, grid, channels=3)
        source = tl.Source(image, receptive_field=FIELD)
        plan = tl.plan_inference(model, source, output="estimated", tile_size=40)
        assert len(plan.tiles) == 5 * rows
        plan.write(tmp_path / "map.tif", progress=False)
        tracemalloc.start()
        plan.write(tmp_path / "map.tif", progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 100 more chunks of 44 x 44 px of 3 floats would be 2.3 MB.
    assert peaks[1] - peaks[0] < 10 * 44 * 44 * 3 * 4
