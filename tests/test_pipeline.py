"""Three stages at a time: order, bounds, errors; tiles halved for lack of memory."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from scenes import image, write

from tutorial_lib import (
    Source,
    architectures,
    plan_inference,
    predict_raster,
    rasters,
)
from tutorial_lib.inference import running
from tutorial_lib.inference.pipeline import AHEAD, BEHIND, run_stages
from tutorial_lib.inference.strips import cache_bytes, columns_of_strip, in_strips
from tutorial_lib.networks.predictors import as_predictor
from tutorial_lib.rasters import open_sources
from tutorial_lib.testing import BlockMean

SHAPE = (157, 203)


def threads_of_the_kit():
    return [t for t in threading.enumerate() if t.name.startswith("tutorial_lib")]


@pytest.mark.parametrize(("threads", "calls"), [(1, 1), (4, 1), (1, 2), (3, 3)])
def test_results_come_in_the_order_of_the_items_whatever_each_takes(threads, calls):
    rng, results = np.random.default_rng(0), []
    waits = dict(enumerate(rng.uniform(0, 0.01, 30)))

    def before(number):
        time.sleep(waits[number])
        return number

    def middle(number):
        time.sleep(waits[29 - number])
        return 2 * number

    run_stages(
        range(30),
        before,
        middle,
        lambda number: number + 1,
        done=results.append,
        threads=threads,
        calls=calls,
    )
    assert results == [2 * number + 1 for number in range(30)]
    assert not threads_of_the_kit()


def test_no_stage_runs_far_ahead_of_the_slowest():
    for slow in ("before", "middle", "after"):
        alive, most = set(), 0

        def stage(name, number, *, slow=slow):
            if name == slow:
                time.sleep(0.003)
            return number

        def before(number, *, alive=alive):
            nonlocal most
            alive.add(number)
            most = max(most, len(alive))
            return stage("before", number)

        run_stages(
            range(40),
            before,
            lambda number: stage("middle", number),
            lambda number: stage("after", number),
            done=alive.remove,
        )
        # One more is in the middle, and one in the last stage.
        assert most <= AHEAD + BEHIND + 2, slow


@pytest.mark.parametrize("stage", ["before", "middle", "after", "done"])
@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt()])
def test_the_first_error_ends_all_stages_and_is_the_one_that_is_raised(stage, error):
    seen = []

    def failing(name):
        def run(number):
            seen.append((name, number))
            if name == stage and number == 7:
                raise error
            return number

        return run

    with pytest.raises(type(error)) as caught:
        run_stages(
            range(1000),
            failing("before"),
            failing("middle"),
            failing("after"),
            done=failing("done"),
        )
    assert caught.value is error
    assert max(number for _, number in seen) <= 7 + AHEAD + BEHIND + 2
    assert not threads_of_the_kit()


# Tiles that are halved


class Limited:
    """A network that has memory for images of at most so many rows."""

    def __init__(self, model, most):
        self.predictor, self.most = as_predictor(model), most
        self.rows = []

    def __call__(self, inputs, outputs):
        rows = max(array.shape[1] for array in inputs.values())
        self.rows.append(rows)
        if rows > self.most:
            raise MemoryError(f"There is no memory for {rows} rows.")
        return self.predictor.function(inputs, outputs)


def limited(plan, most):
    """The plan with a network of limited memory, and that network."""
    network = Limited(plan.job.predictor, most)
    predictor = replace(plan.job.predictor, function=network)
    return replace(plan, job=replace(plan.job, predictor=predictor)), network


def two_sources(folder, spacings, channels, *, nodata=None):
    """Rasters of odd sizes that begin at one corner, at two resolutions."""
    fine, coarse = spacings
    height, width = SHAPE[0] * fine // coarse, SHAPE[1] * fine // coarse
    arrays = [
        image(*SHAPE, channels[0], 0, largest=3000),
        image(height, width, channels[1], 1, largest=3000),
    ]
    if nodata is not None:
        arrays[0][40:75, 60:120] = nodata
    return [
        write(folder / f"{spacing}.tif", array, spacing=spacing, nodata=nodata)
        for spacing, array in zip(spacings, arrays, strict=True)
    ]


def dual(folder):
    paths = two_sources(folder, (10, 20), (4, 6), nodata=0)
    sources = dict(zip(("input_10m", "input_20m"), paths, strict=True))
    return architectures.dual_source_fcnn(5, crops=()), sources, {"output": "estimated"}


def unet(folder):
    paths = two_sources(folder, (2, 8), (1, 4))
    sources = dict(zip(("input_p", "input_xs"), paths, strict=True))
    options = {"output": ["estimated", "features"], "edge": "pad", "tile_size": 112}
    return architectures.pan_xs_unet(4, crops=()), sources, options


def declared(folder):
    path, _ = two_sources(folder, (10, 20), (4, 6))
    source = Source(path, receptive_field=16)
    options = {"output": "estimated_labels", "tile_size": 90}
    return architectures.pixelwise_fcnn(5, crops=()), source, options


@pytest.mark.parametrize("case", [dual, unet, declared])
def test_halved_tiles_give_the_same_map(tmp_path, case):
    model, sources, options = case(tmp_path)
    plan = plan_inference(model, sources, **options)
    truth = plan.read()
    chunk = len(plan.job.chunk(plan.largest_tile, plan.job.names[0])[0])
    small, network = limited(plan, most=chunk * 3 // 4)
    with pytest.warns(UserWarning, match="not enough for tiles of .* the map is the s"):
        found = small.read()
    np.testing.assert_allclose(found, truth, atol=1e-5 * np.nanmax(truth), rtol=0)
    # It is learned once, not by each tile.
    assert sum(rows > network.most for rows in network.rows) <= 2


def test_tiles_are_halved_until_they_fit(tmp_path):
    model, source, options = declared(tmp_path)
    plan = plan_inference(model, source, **options)
    small, _ = limited(plan, most=30)
    with pytest.warns(UserWarning, match=r"tiles of 90 px, .* at most 11 px"):
        found = small.read()
    np.testing.assert_array_equal(found, plan.read())


def test_a_lack_of_memory_that_no_half_mends_is_an_error_with_a_cure(tmp_path):
    model, source, options = declared(tmp_path)
    plan = plan_inference(model, source, **options)
    small, _ = limited(plan, most=10)
    with pytest.raises(MemoryError, match=r"no memory for 16 rows.*`tile_size`"):
        small.write(tmp_path / "map.tif", progress=False)
    assert not (tmp_path / "map.tif").exists()
    assert not threads_of_the_kit()


@pytest.mark.filterwarnings("ignore:Whether the tiles give the map")
def test_tiles_are_not_halved_where_the_map_could_change(tmp_path):
    path, _ = two_sources(tmp_path, (10, 20), (2, 6))
    source = Source(path, receptive_field=16)
    plan = plan_inference(
        BlockMean({"input": 16}), source, output="estimated", tile_size=50
    )

    small, _ = limited(plan, most=20)
    with pytest.raises(MemoryError, match="50 px a side"):
        small.read()


def test_the_result_does_not_depend_on_the_number_of_readers(tmp_path, monkeypatch):
    model, sources, options = dual(tmp_path)
    plan = plan_inference(model, sources, **options, tile_size=32)
    truth = plan.read()
    monkeypatch.setattr(running, "REMOTE_READERS", 3)
    monkeypatch.setattr(running, "_REMOTE", running.re.compile(""))
    plan.write(tmp_path / "map.tif", progress=False)
    np.testing.assert_array_equal(rasters.read_array(tmp_path / "map.tif"), truth)


# Two tiles at a time


@pytest.mark.parametrize("case", [dual, unet, declared])
def test_tiles_that_are_computed_at_the_same_time_give_the_same_map(tmp_path, case):
    model, sources, options = case(tmp_path)
    plan = plan_inference(model, sources, **options)
    assert plan.calls == 2
    two, one = plan.read(), replace(plan, calls=1).read()
    np.testing.assert_array_equal(two, one)


def test_one_tile_at_a_time_where_the_memory_or_the_model_allows_no_more(tmp_path):
    model, sources, options = unet(tmp_path)
    plans = [
        plan_inference(model, sources, memory=memory, **options)
        for memory in (0.07, 0.5)
    ]
    assert [plan.calls for plan in plans] == [1, 2]
    assert plans[0].estimate().memory < plans[1].estimate().memory
    patches = {"edge": "valid", "output": "estimated_labels", "mode": "patch_based"}
    model, source, _ = declared(tmp_path)
    assert plan_inference(model, source, **patches).calls == 1


@pytest.mark.filterwarnings("ignore:Whether the tiles give the map")
def test_a_function_is_called_in_the_thread_of_its_caller(tmp_path):
    path, _ = two_sources(tmp_path, (10, 20), (2, 6))
    callers = set()

    def model(inputs):
        callers.add(threading.current_thread())
        return BlockMean({"input": 16})(inputs)

    source = Source(path, receptive_field=16)
    plan_inference(model, source, output="estimated", tile_size=50).read()
    assert callers == {threading.current_thread()}


# Strips of columns


def wide(folder, *, tiled):
    """A raster of 4 bands whose blocks are squares of 256 px, or whole rows."""
    path = write(folder / "wide.tif", image(300, 3000, 4, largest=3000))
    if tiled:
        return path
    with rasterio.open(path) as dataset:
        profile, pixels = dataset.profile, dataset.read()
    profile.update(tiled=False, blockysize=1)
    del profile["blockxsize"]
    with rasterio.open(folder / "rows.tif", "w", **profile) as dataset:
        dataset.write(pixels)
    return folder / "rows.tif"


@pytest.mark.parametrize("tiled", [True, False])
def test_a_wide_map_is_read_in_strips_unless_its_blocks_are_rows(tmp_path, tiled):
    model = architectures.pixelwise_fcnn(5, crops=())
    source = wide(tmp_path, tiled=tiled)
    plan = plan_inference(model, source, output="estimated_labels", tile_size=128)
    with open_sources(plan.sources) as readers:
        columns = columns_of_strip(plan, readers, 4 * 2**20)
        taken = cache_bytes(plan, readers, columns)
        assert columns_of_strip(plan, readers, 2**40) == len(plan.tiles.cols)
    if tiled:
        assert 1 < columns < len(plan.tiles.cols)
        # Two rows of blocks of 256 px, four bands of 16 bits.
        width = columns * 128 + 15
        assert width * 2 * 256 * 8 <= taken <= 4 * 2**20
    else:
        assert columns == len(plan.tiles.cols)
    order = list(in_strips(plan.tiles, columns))
    assert len(order) == len(plan.tiles)
    assert {(t.rows, t.cols) for t in order} == {(t.rows, t.cols) for t in plan.tiles}


def test_strips_do_not_change_the_map(tmp_path, monkeypatch):
    model = architectures.pixelwise_fcnn(5, crops=())
    source = wide(tmp_path, tiled=True)
    options = {"output": "estimated_labels", "tile_size": 112, "progress": False}
    predict_raster(model, source, tmp_path / "whole.tif", **options)
    monkeypatch.setattr(running, "BLOCK_CACHE", 4 * 2**20)
    predict_raster(model, source, tmp_path / "strips.tif", **options)
    whole, strips = (
        rasters.read_array(tmp_path / f"{name}.tif") for name in ("whole", "strips")
    )
    np.testing.assert_array_equal(strips, whole)
    sizes = [(tmp_path / f"{name}.tif").stat().st_size for name in ("whole", "strips")]
    # No block of the file was written twice.
    assert abs(sizes[0] - sizes[1]) < 0.02 * sizes[0]
