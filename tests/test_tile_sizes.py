"""Automatic tiles: what is read, within which memory, and what an estimate says."""

import subprocess
import sys
import time
import warnings
from fractions import Fraction
from math import ceil

import keras
import numpy as np
import pytest
from keras import layers
from rasterio.windows import Window
from scenes import write

from tutorial_lib import Source, analyse, architectures, plan_inference
from tutorial_lib.fields.memory import layer_bytes
from tutorial_lib.fields.reach import Reach
from tutorial_lib.grids import Axis
from tutorial_lib.inference.chunks import ChunkLattice
from tutorial_lib.inference.tile_memory import TileMemory
from tutorial_lib.inference.tile_sizes import (
    automatic_side,
    memory_advice,
    spans_along,
)

ONE = Fraction(1)


def lattices(shape, margins, stride):
    """Lattices of a network that pads, for a map of the whole reference."""
    spacing = {"x": ONE}
    reach = Reach.of_margins(margins, scale=ONE, stride=stride, lost=0, spacing=spacing)
    axes = [{"x": Axis(Fraction(0), ONE, size)} for size in shape]
    return tuple(ChunkLattice(axis, reach, covers=True) for axis in axes)


def whole(rows_and_cols):
    return tuple(lattice.mapped for lattice in rows_and_cols)


def chunk_sides(size, side, margins, stride):
    """Sides of all chunks along an axis, by a loop of its own."""
    before, after = margins
    end = ceil(size / stride) * stride
    sides = []
    for start in range(0, size, side):
        first = (start - before) // stride * stride
        last = ceil((min(start + side, size) + after) / stride) * stride
        sides.append(min(last, end) - max(first, 0))
    return sides


def cost(shape, side, margins, stride):
    """Pixels read for each pixel mapped, and those of the largest chunk."""
    rows, cols = (chunk_sides(size, side, margins, stride) for size in shape)
    return sum(rows) * sum(cols) / np.prod(shape), max(rows) * max(cols)


def automatic(shape, margins, stride, layers_bytes=100.0, memory=None):
    pair = lattices(shape, margins, stride)
    takes = TileMemory(layers_bytes, {"x": 4}, bands=1)
    return automatic_side(pair, whole(pair), takes, memory=memory)


# Few pixels are read


@pytest.mark.parametrize(
    ("shape", "margins", "stride"),
    [
        ((2000, 1731), (0, 0), 1),
        ((3011, 1500), (31, 16), 16),
        ((1500, 1500), (63, 32), 32),
        ((1536, 1431), (255, 256), 32),
        ((5490, 3001), (255, 256), 32),
        ((400, 7001), (100, 90), 8),
    ],
)
@pytest.mark.parametrize("memory", [0.2, 0.5, 3])
def test_no_fixed_tile_of_the_same_memory_reads_much_less(
    shape, margins, stride, memory
):
    layer, channels, limit = 200.0, 4, memory * 1e9
    side = automatic(shape, margins, stride, layer, memory)

    def bytes_of(tile):
        chunk = cost(shape, tile, margins, stride)[1]
        # Three chunks wait, one is computed, and one is its copy; four tiles of a band.
        return 60e6 + chunk * (layer + 4 * 5 * channels) + 4 * 4 * tile**2

    assert bytes_of(min(side, max(shape))) <= limit
    legal = range(stride, max(shape) + stride, stride)
    # Small tiles of many a kind are not all tried here: they read more.
    fixed = [tile for tile in legal[:: max(1, len(legal) // 200)] if tile >= 32]
    least = min(
        cost(shape, t, margins, stride)[0] for t in fixed if bytes_of(t) < limit
    )
    assert cost(shape, side, margins, stride)[0] <= 1.05 * least


def test_the_tiles_of_a_window_begin_where_it_does():
    """A window that a border of the map's tiles crosses was read in two tiles."""
    pair = lattices((997, 1427), (296, 54), 16)
    wanted = range(953, 986), range(319, 468)
    takes = TileMemory(500.0, {"x": 4}, bands=1)
    side = automatic_side(pair, wanted, takes, memory=1, separable=True)
    rows, cols = (
        spans_along(lattice, part, side, separable=True)
        for lattice, part in zip(pair, wanted, strict=True)
    )
    assert rows == ((wanted[0], wanted[0]),)
    assert cols == ((wanted[1], wanted[1]),)
    # Further tiles begin at multiples of the total stride.
    *_, (last, _) = spans_along(pair[1], wanted[1], 48, separable=True)
    assert last == range(448, 468)


def test_large_margins_do_not_make_tiles_collapse():
    """Margins of 704 px: with tiles of one total stride 537 pixels were read for each.

    Even the smallest chunk takes more than the memory, so a larger one may be used.
    """
    shape, margins, stride = (9000, 8000), (704, 704), 64
    assert cost(shape, stride, margins, stride)[0] > 400
    side = automatic(shape, margins, stride, layers_bytes=524.0)
    assert cost(shape, side, margins, stride)[0] < 25
    # A small map is read as a whole.
    side = automatic((1500, 1500), margins, stride, layers_bytes=524.0)
    assert cost((1500, 1500), side, margins, stride)[0] < 1.06


def test_more_memory_never_reads_more():
    shape, margins, stride = (5490, 4001), (255, 256), 32
    read = [
        cost(shape, automatic(shape, margins, stride, 524.0, m), margins, stride)[0]
        for m in (0.25, 0.5, 1, 2, 4)
    ]
    assert read == sorted(read, reverse=True)
    # As a loop over all sides tells, with 4 GB.
    assert read[0] > 10 > 1.5 > read[-1]


def test_networks_with_large_margins_may_take_more_unless_the_user_says_it():
    shape, margins, stride = (5490, 4001), (255, 256), 32
    sides = [automatic(shape, margins, stride, 524.0, m) for m in (0.5, None, 1)]
    assert sides[0] < sides[1] == sides[2]
    # Small margins need no more.
    assert automatic(shape, (31, 16), 16, 105.0) == automatic(
        shape, (31, 16), 16, 105.0, 0.5
    )


def test_a_whole_sentinel_2_tile_takes_the_tiles_of_a_smaller_map():
    """So that its memory is about that of the smaller one."""
    sides = [automatic((size, size), (0, 0), 1, 440.0) for size in (2000, 5490, 10980)]
    assert max(sides) < 1.1 * min(sides)
    assert 400 < min(sides) <= max(sides) < 800


@pytest.mark.parametrize("stride", [1, 7, 16, 32, 48, 509])
@pytest.mark.parametrize("shape", [(1, 1), (13, 700), (509, 33), (2500, 2100)])
def test_sides_are_legal_and_suit_the_blocks_of_a_file(shape, stride):
    side = automatic(shape, (stride, stride), stride)
    assert side > 0
    assert side % stride == 0
    if side < max(shape) and stride < 500:
        assert side % 16 == 0


def test_layers_that_are_not_known_get_chunks_of_about_512_px():
    pair = lattices((5000, 4000), (0, 0), 1)
    side = automatic_side(pair, whole(pair), TileMemory(None, {"x": 4}, bands=1))
    assert 384 <= side <= 528


def test_a_plan_says_how_much_memory_allows_larger_tiles():
    shape, margins, stride = (5490, 4001), (255, 256), 32
    pair = lattices(shape, margins, stride)
    takes = TileMemory(524.0, {"x": 4}, bands=1)
    advice = memory_advice(pair, whole(pair), 384, takes)
    now = cost(shape, 384, margins, stride)[0]
    assert advice.startswith(f"{now:.1f} pixels are read for each pixel mapped")
    memory = float(advice.split("`memory=")[1].split("`")[0])
    side = automatic_side(pair, whole(pair), takes, memory=memory)
    assert cost(shape, side, margins, stride)[0] <= now / 2
    assert memory_advice(pair, whole(pair), 2048, takes) is None
    # A small network needs no more memory than automatic tiles have.
    small = memory_advice(pair, whole(pair), 64, TileMemory(10.0, {"x": 1}, bands=1))
    assert small.endswith("tiles of 64 px; `tile_size='auto'` takes larger ones.")


def test_a_window_is_not_read_with_the_tiles_of_the_full_map(tmp_path):
    network = architectures.pan_xs_unet(3, crops=())
    rng = np.random.default_rng(0)
    sources = {
        "input_p": write(tmp_path / "p.tif", rng.random((1600, 1504, 1)), spacing=2),
        "input_xs": write(tmp_path / "x.tif", rng.random((400, 376, 4)), spacing=8),
    }
    options = {"output": "estimated", "edge": "pad"}
    full = plan_inference(network, sources, **options)
    options["window"] = Window(610, 333, 200, 150)
    part = plan_inference(network, sources, **options)
    side = len(full.tiles[0].rows)
    given = plan_inference(network, sources, tile_size=side, **options)
    # Margins (31, 31, 16, 16) and chunks on multiples of 16 px: of one or two tiles.
    least = (200 + 47) * (150 + 47) / (200 * 150)
    assert least <= part.redundancy < 2 * least
    assert least <= given.redundancy < 2 * least
    expected = full.read()[333:483, 610:810]
    np.testing.assert_allclose(part.read(), expected, atol=1e-5)


# Memory of the layers


def memory_of(build, outputs=("out",), chunk=None, channels=1):
    image = keras.Input((None, None, channels), name="image")
    made = build(image)
    made = made if isinstance(made, dict) else {"out": made}
    return layer_bytes(analyse(keras.Model({"image": image}, made)), outputs, chunk) / 4


def conv(filters, kernel=3, **options):
    return layers.Conv2D(filters, kernel, padding="same", **options)


def chain(*filters):
    def build(x):
        for n in filters:
            x = conv(n)(x)
        return x

    return build


@pytest.mark.parametrize(
    ("filters", "values"),
    [
        # The image, the two outputs of 32 that are needed at a time, one value that
        # fits into the first of them, and its copy.
        ((32, 32, 32, 1), 1 + 64 + 1),
        ((32, 32, 32, 32, 32, 1), 1 + 64 + 1),
        # What 16 values need cannot be used for 32: TensorFlow keeps it.
        ((16, 32, 32, 1), 1 + 16 + 64 + 1),
        ((16, 16, 32, 32, 1), 1 + 32 + 64 + 1),
    ],
)
def test_memory_is_taken_for_what_is_needed_at_one_time(filters, values):
    """As measured with such networks on 1024 x 1024 px; see `layer_bytes`."""
    assert memory_of(chain(*filters)) == values


def test_layers_that_only_change_values_need_no_memory():
    def build(x):
        x = layers.ReLU()(layers.BatchNormalization()(conv(8)(x)))
        return layers.Activation("tanh")(x)

    assert memory_of(build) == memory_of(chain(8)) == 1 + 8 + 8


def test_what_is_read_again_later_is_kept():
    def skipped(x):
        x = first = conv(8)(x)
        for _ in range(3):
            x = conv(8)(x)
        return layers.Add()([x, first])

    assert memory_of(skipped) == memory_of(chain(8, 8, 8, 8)) + 8


def test_only_the_layers_of_the_outputs_that_are_asked_for_count():
    def build(x):
        return {"out": conv(2)(x), "large": conv(50)(x)}

    assert memory_of(build) == 1 + 2 + 2
    assert memory_of(build, ["large"]) == 1 + 50 + 50
    assert memory_of(build, ["out", "large"]) == 1 + 2 * 52


def test_coarser_layers_need_less():
    def build(x):
        return layers.UpSampling2D(2)(conv(8, strides=2)(x))

    assert memory_of(build) == 1 + 8 / 4 + 8 + 8


def test_the_memory_of_a_patch_counts_what_its_layers_crop():
    def build(x):
        return layers.Conv2D(2, 5)(layers.Conv2D(3, 3)(x))

    values = 9**2 + 3 * 7**2 + 2 * 3**2 + 2 * 3**2
    assert memory_of(build, chunk=9) == values


MEASURE = """
import sys
import numpy as np
import keras
from test_tile_sizes import NETWORKS
from tutorial_lib import analyse
from tutorial_lib.fields.memory import layer_bytes
from tutorial_lib.networks.predictors import as_predictor

def kilobytes(key):
    lines = open("/proc/self/status")
    return next(int(line.split()[1]) for line in lines if line.startswith(key))

model = NETWORKS[sys.argv[1]]()
analysis, predict = analyse(model), as_predictor(model)
def run(side):
    shapes = {n: 2 * (int(side / pixel),) for n, pixel in analysis.spacing.items()}
    images = {n: np.ones((1, *x, predict.channels[n])) for n, x in shapes.items()}
    predict(images, ("estimated",))
run(64)
before = kilobytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
for _ in range(2):
    run(640)
grown = (kilobytes("VmHWM") - before) * 1024
print(grown / 640**2 / layer_bytes(analysis, ["estimated"]))
"""


def mobilenet_unet():
    """A U-Net on MobileNetV2: margins of 256 px, total stride 32."""
    image = keras.Input((None, None, 4), name="input")
    encoder = keras.applications.MobileNetV2(
        input_tensor=image, include_top=False, weights=None
    )
    x = encoder.get_layer("block_16_project").output
    for filters, block in ((512, 13), (256, 6), (128, 3), (64, 1)):
        x = layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu")(x)
        skip = encoder.get_layer(f"block_{block}_expand_relu").output
        x = layers.Concatenate()([x, skip])
    x = layers.Conv2DTranspose(6, 3, 2, "same", activation="softmax")(x)
    return keras.Model({"input": image}, {"estimated": x})


NETWORKS = {
    "FCNN": lambda: architectures.pixelwise_fcnn(6, crops=()),
    "pan and xs": lambda: architectures.pan_xs_unet(6, crops=()),
    "deeper": lambda: architectures.deeper_unet(6, depth=5, crops=()),
    "MobileNetV2": mobilenet_unet,
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory of Linux")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_memory_of_layers_is_what_a_run_takes(name, request):
    """Measured in a process of its own, where nothing was run before."""
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, name],
        cwd=request.path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0.6 < float(result.stdout.split()[-1]) < 1.3


# The estimate of a plan


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "tile_size", "call", "pixel"),
    [
        # Quick networks with small tiles, and slow ones with large margins.
        (1, 64, 0.002, 1e-7),
        (1, 256, 0.001, 1e-6),
        (129, 64, 0.002, 1e-6),
        (257, 512, 0.01, 1e-6),
        (1, 1280, 0.01, 1e-6),
    ],
)
def test_the_estimate_is_about_the_time_of_the_run(
    tmp_path, field, tile_size, call, pixel
):
    """For models that take a time for each call and for each pixel read.

    They sleep, so other programs that run at the same time hardly count.
    """

    def sleepy(inputs):
        image = inputs["x"]
        time.sleep(call + pixel * image[0, ..., 0].size)
        lost = field - 1
        cut = slice(lost // 2, lost // 2 - lost or None)
        return {"out": image[:, cut, cut, :1]}

    image = np.random.default_rng(0).integers(0, 3000, (901, 1203, 1), "uint16")
    source = Source(write(tmp_path / "a.tif", image), receptive_field=field)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = plan_inference(sleepy, {"x": source}, output="out", tile_size=tile_size)
    estimated = plan.estimate().seconds
    report = plan.write(tmp_path / "map.tif", dtype="uint16", progress=False)
    assert 1 / 1.5 < estimated / report.seconds < 1.5


def test_tiles_without_data_take_no_time_of_the_model(tmp_path):
    calls = []

    def function(inputs):
        calls.append(1)
        return {"out": inputs["x"][..., :1] + 1}

    image = np.zeros((640, 512, 1), "uint16")
    image[:64, :64] = 7
    source = Source(write(tmp_path / "a.tif", image), nodata=0, receptive_field=1)
    with pytest.warns(UserWarning, match="does not show its layers"):
        plan = plan_inference(function, {"x": source}, output="out", tile_size=64)
    calls.clear()
    assert plan.estimate().tile_count == 80
    # Parts of 1, 4, 16, 64 and all tiles hold the only one that has data, twice each.
    assert 1 <= len(calls) <= 11


@pytest.mark.slow
def test_the_estimate_knows_tiles_without_data_beside_a_diagonal(tmp_path):
    """Scenes of satellites are turned: tiles on the diagonal all have data."""

    def sleepy(inputs):
        time.sleep(0.02)
        return {"out": inputs["x"][..., :1]}

    rows, cols = np.indices((17 * 64, 17 * 64))
    image = np.where(np.abs(rows - cols) < 200, 9, 0).astype("uint8")
    source = Source(write(tmp_path / "a.tif", image), nodata=0, receptive_field=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = plan_inference(sleepy, {"x": source}, output="out", tile_size=64)
    estimated = plan.estimate().seconds
    report = plan.write(tmp_path / "map.tif", progress=False)
    assert report.skipped > report.tile_count / 2
    assert 1 / 1.5 < estimated / report.seconds < 1.5
