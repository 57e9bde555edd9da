"""Maps without declared fields: tiled equals whole, and what is refused.

The whole map is the network called once on the whole image, padded at the bottom and
the right to a multiple of the total stride. Images are neither square nor multiples of
anything.
"""

import warnings

import keras
import numpy as np
import pytest
import rasterio
import tensorflow as tf
from affine import Affine
from exact_networks import LARGEST, adding_pairs
from keras import layers
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from scenes import LEFT, TOP, write

from tutorial_lib import (
    Certificate,
    Source,
    analyse,
    architectures,
    certify,
    export,
    load_predictor,
    plan_inference,
    predict_raster,
    rasters,
    register_rule,
)
from tutorial_lib.fields.layer_rules import UnknownLayerError
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.fields.tracing import trace
from tutorial_lib.grids import GridMismatchError


def pooled_unet():
    """Convolutions, pooling, a decoder of upsampling, skips: margins on every side."""
    image = keras.Input((None, None, 2), name="input")
    levels, x = [], image
    for filters in (4, 6):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        levels.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    for skip in reversed(levels):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = layers.Concatenate()([x, skip])
        x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(3, 1, activation="softmax", name="estimated")(x)
    return keras.Model({"input": image}, {"estimated": x})


NETWORKS = {
    "pooled CNN": lambda: architectures.pooled_cnn(5, crops=()),
    "FCNN": lambda: architectures.pixelwise_fcnn(5, crops=()),
    "two sources": lambda: architectures.dual_source_fcnn(5, crops=()),
    "pan and xs": lambda: architectures.pan_xs_unet(5, crops=(32,)),
    "deeper": lambda: architectures.deeper_unet(3, depth=5, crops=()),
    "pooled U-Net": pooled_unet,
}


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(3)
    return {name: build() for name, build in NETWORKS.items()}


def scene(folder, network, shape):
    """A raster for each input of a network; `shape` is that of the finest one."""
    analysis, rng = analyse(network), np.random.default_rng(7)
    finest = min(analysis.spacing.values())
    sources = {}
    for tensor in network.inputs:
        spacing = float(analysis.spacing[tensor.name] / finest)
        # What is left over at the right and the bottom is in the finest source only.
        size = [int(side / spacing) for side in shape]
        values = rng.integers(1, 4000, (*size, tensor.shape[-1])).astype("uint16")
        path = folder / f"{tensor.name}.tif"
        sources[tensor.name] = write(path, values, spacing=10 * spacing)
    return sources


def whole_map(network, sources, output):
    """The network on the whole image, padded with 0 at the bottom and the right."""
    analysis, inputs = analyse(network), {}
    reference = rasters.read_grid(next(iter(sources.values())))
    for name, path in sources.items():
        array = rasters.read_array(path).astype("float32")
        stride = analysis.total_stride[name]
        units = [-(-side // analysis.stride) for side in reference.shape]
        padded = np.zeros((*[u * stride for u in units], array.shape[-1]), "float32")
        height, width = np.minimum(padded.shape, array.shape)[:2]
        padded[:height, :width] = array[:height, :width]
        inputs[name] = padded[np.newaxis]
    return network(inputs, training=False)[output][0].numpy()


def cut(whole, plan):
    """The part of the whole map that a plan maps."""
    rule = plan.job.rows
    rows, cols = (
        slice(span.start - rule.shift, span.stop - rule.shift)
        for span in (plan.rows, plan.cols)
    )
    return whole[rows, cols]


def close(values, expected):
    np.testing.assert_allclose(
        values, expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )


# Law 1: tiled = whole


LARGE = dict.fromkeys(NETWORKS, (211, 189))
# Hardly larger than the margins, and with a width that is even.
SMALL = dict.fromkeys(NETWORKS, (47, 66)) | {
    "pan and xs": (77, 66),
    "deeper": (147, 166),
}


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("shapes", "tiles"),
    [(LARGE, (12, 50, 999)), (SMALL, (2, 999))],
    ids=["large", "small"],
)
def test_tiles_give_the_whole_map(networks, tmp_path, name, shapes, tiles):
    network = networks[name]
    sources = scene(tmp_path, network, shapes[name])
    whole = whole_map(network, sources, "estimated")
    unit = plan_inference(network, sources, output="estimated").job.rows.unit
    for side in tiles:
        size = -(-side // unit) * unit
        plan = plan_inference(network, sources, output="estimated", tile_size=size)
        close(plan.read(), cut(whole, plan))


def test_tiles_of_80_px_give_the_whole_map_bit_for_bit(tmp_path):
    """Kernels may round differently in other image sizes; here nothing is rounded."""
    network = adding_pairs(architectures.pan_xs_unet(5, crops=(), scale=1))
    sources = scene(tmp_path, network, (301, 249))
    whole = whole_map(network, sources, "estimated")
    assert len(np.unique(whole)) > 10_000
    assert whole.max() < LARGEST
    np.testing.assert_array_equal(whole, whole.round())
    plan = plan_inference(network, sources, output="estimated", tile_size=80)
    assert plan.table()["chunk"].tolist() == ["128 x 128", "32 x 32"]
    np.testing.assert_array_equal(plan.read(), cut(whole, plan))


@pytest.mark.parametrize("name", ["pan and xs", "deeper", "pooled U-Net"])
def test_padding_networks_pad_at_the_true_borders(networks, tmp_path, name):
    network = networks[name]
    sources = scene(tmp_path, network, (211, 189))
    whole = whole_map(network, sources, "estimated")[:211, :189]
    for size in (64, 224):
        plan = plan_inference(
            network, sources, output="estimated", edge="pad", tile_size=size
        )
        assert plan.grid == rasters.read_grid(next(iter(sources.values())))
        close(plan.read(), whole)


def test_networks_without_padding_see_the_image_mirrored_at_borders(networks, tmp_path):
    network = networks["FCNN"]
    sources = scene(tmp_path, network, (61, 43))
    image = rasters.read_array(sources["input"]).astype("float32")
    # Output pixel p reads p - 8 … p + 7.
    mirrored = np.pad(image, ((8, 7), (8, 7), (0, 0)), mode="symmetric")
    expected = network({"input": mirrored[np.newaxis]})["estimated"][0].numpy()
    plan = plan_inference(
        network, sources, output="estimated", edge="pad", tile_size=24
    )
    close(plan.read(), expected)


# Law 2: a window = part of the map


@pytest.mark.parametrize("name", NETWORKS)
def test_a_window_is_part_of_the_map(networks, tmp_path, name):
    network = networks[name]
    sources = scene(tmp_path, network, (301, 249))
    options = {"output": "estimated", "tile_size": 64}
    full = plan_inference(network, sources, **options).read()
    window = Window(13, 7, 31, 22)
    part = plan_inference(network, sources, window=window, **options)
    # No more is computed than the window needs, so its chunks have another size.
    assert part.tiles.pixel_count == 31 * 22
    close(part.read(), full[window.toslices()])


# Law 3: patch-based = fully convolutional


@pytest.mark.parametrize(
    ("name", "output", "fields"),
    [
        ("pooled CNN", "estimated", (16,)),
        ("FCNN", "estimated", (16,)),
        ("two sources", "estimated", (16, 8)),
        ("pan and xs", "estimated_crop32", (80, 20)),
    ],
)
def test_both_modes_give_the_same_map(networks, tmp_path, name, output, fields):
    network = networks[name]
    sources = scene(tmp_path, network, (121, 117))
    patches = plan_inference(network, sources, output=output, mode="patch_based")
    assert tuple(patches.job.rows.fields.values()) == fields
    plan = plan_inference(network, sources, output=output)
    top = patches.rows.start - plan.rows.start
    left = patches.cols.start - plan.cols.start
    height, width = patches.grid.shape
    assert top >= 0 <= left
    close(patches.read(), plan.read()[top : top + height, left : left + width])


def test_a_padded_output_cannot_be_made_of_patches(networks, tmp_path):
    sources = scene(tmp_path, networks["pan and xs"], (121, 117))
    with pytest.raises(ValueError, match=r"reach \(31, 16\) px .*fully_convolutional"):
        plan_inference(
            networks["pan and xs"], sources, output="estimated", mode="patch_based"
        )


# Several sources


def moved(path, target, x, y):
    """A copy of a raster that lies elsewhere, in map units."""
    grid = rasters.read_grid(path)
    a = grid.transform
    transform = Affine(a.a, 0, a.c + x, 0, a.e, a.f + y)
    grid = GeoBox(grid.shape, transform, grid.crs)
    return rasters.write_array(target, rasters.read_array(path), grid)


@pytest.mark.filterwarnings("ignore:Pixels of source .* do not begin where")
@pytest.mark.parametrize("shift", [(120, -80), (-80, 40), (47, -33)])
def test_a_shifted_source_is_read_where_it_lies(networks, tmp_path, shift):
    """Where it is shifted by part of a pixel, it is read from the pixel before."""
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    x, y = shift
    xs = moved(sources["input_xs"], tmp_path / "moved.tif", x, y)
    plan = plan_inference(
        network, sources | {"input_xs": xs}, output="estimated", tile_size=64
    )
    pan, array = (
        rasters.read_array(p).astype("float32") for p in (sources["input_p"], xs)
    )
    # xs pixel (i, j) for pan pixel (4 i, 4 j) of the reference, by coordinates.
    rows, cols = (np.arange(76) * 40 + y) // 40, (np.arange(64) * 40 - x) // 40
    inside = (rows >= 0) & (rows < 75), (cols >= 0) & (cols < 62)
    placed = np.zeros((76, 64, 4), "float32")
    placed[np.ix_(*inside)] = array[np.ix_(rows[inside[0]], cols[inside[1]])]
    padded = np.zeros((304, 256, 1), "float32")
    padded[:301, :249] = pan
    inputs = {"input_p": padded[np.newaxis], "input_xs": placed[np.newaxis]}
    whole = network(inputs)["estimated"][0].numpy()
    close(plan.read(), cut(whole, plan))
    # Mapped pixels do not depend on the values outside the source.
    placed[~np.logical_and.outer(*inside)] = 1000
    inputs["input_xs"] = placed[np.newaxis]
    whole = network(inputs)["estimated"][0].numpy()
    close(plan.read(), cut(whole, plan))


@pytest.mark.parametrize("name", ["two sources", "pan and xs"])
def test_the_reference_may_be_switched(networks, tmp_path, name):
    network = networks[name]
    sources = scene(tmp_path, network, (300, 248))
    switched = dict(reversed(sources.items()))
    one = plan_inference(network, sources, output="estimated", tile_size=64)
    other = plan_inference(network, switched, output="estimated", tile_size=64)
    assert other.grid == one.grid
    close(other.read(), one.read())


@pytest.mark.filterwarnings("ignore:Pixels of source .* do not begin where")
def test_the_plan_names_a_source_that_is_shifted_by_part_of_a_pixel(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    for x, y, aside in ((120, -80, None), (47, -33, "0.175 of its rows and 0.825 of")):
        xs = moved(sources["input_xs"], tmp_path / "moved.tif", x, y)
        plan = plan_inference(
            network, sources | {"input_xs": xs}, output="estimated", tile_size=64
        )
        assert ("too early" in " ".join(repr(plan).split())) == (aside is not None)
        assert aside is None or aside in repr(plan)


def test_pixel_sizes_that_the_network_does_not_take_are_refused(networks, tmp_path):
    sources = scene(tmp_path, networks["pan and xs"], (301, 249))
    values = np.ones((60, 50, 4), "uint16")
    sources["input_xs"] = write(tmp_path / "x.tif", values, spacing=50)
    with pytest.raises(GridMismatchError, match=r"'input_xs' is 5 times .* needs 4 ti"):
        plan_inference(networks["pan and xs"], sources, output="estimated")


def test_sources_without_a_common_part_are_refused(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    sources["input_xs"] = moved(sources["input_xs"], tmp_path / "m.tif", 2200, 0)
    with pytest.raises(GridMismatchError, match=r"part is too small\. 'input_p' "):
        plan_inference(network, sources, output="estimated")
    with pytest.raises(GridMismatchError, match="'input_xs' ends 220 reference pixels"):
        plan_inference(network, sources, output="estimated", edge="pad")


# No-data


def with_holes(sources, folder, seed=5):
    """Blobs of no-data in every source: small ones, and one larger than any reach."""
    rng, holed = np.random.default_rng(seed), {}
    for name, path in sources.items():
        array, grid = rasters.read_array(path), rasters.read_grid(path)
        height, width = grid.shape
        array[rng.integers(0, height, 4), rng.integers(0, width, 4)] = 0
        array[: height // 2, width // 2 :] = 0
        holed[name] = Source(
            rasters.write_array(folder / f"holes_{name}.tif", array, grid), nodata=0
        )
    return holed


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("rule", ["center", "all", "any"])
@pytest.mark.parametrize("edge", ["valid", "pad"])
@pytest.mark.parametrize("name", ["two sources", "pan and xs"])
def test_background_does_not_depend_on_the_tiles(networks, tmp_path, name, rule, edge):
    network = networks[name]
    holed = with_holes(scene(tmp_path, network, (211, 189)), tmp_path)
    options = {"output": "estimated", "nodata_rule": rule, "edge": edge}
    maps = [
        plan_inference(network, holed, tile_size=size, **options).read()
        for size in (16, 80, 480)
    ]
    assert 0.05 < np.isnan(maps[0]).mean() < 0.95
    for other in maps[1:]:
        np.testing.assert_array_equal(np.isnan(other), np.isnan(maps[0]))
        np.testing.assert_allclose(other, maps[0], rtol=0, atol=1e-5)


def test_background_follows_what_pixels_really_read(networks, tmp_path):
    """The pixels that change with one source pixel are background by the rule "any"."""
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (145, 129))
    array, grid = (
        f(sources["input_p"]) for f in (rasters.read_array, rasters.read_grid)
    )
    original = whole_map(network, sources, "estimated")
    for row, col in ((64, 64), (71, 50), (77, 79)):
        holed, changed = array.copy(), array.copy()
        holed[row, col], changed[row, col] = 0, 60_000
        pan = rasters.write_array(tmp_path / "hole.tif", holed, grid)
        plan = plan_inference(
            network,
            sources | {"input_p": Source(pan, nodata=0)},
            output="estimated",
            nodata_rule="any",
            edge="pad",
        )
        background = np.isnan(plan.read()[..., 0])
        pan = rasters.write_array(tmp_path / "changed.tif", changed, grid)
        other = whole_map(network, sources | {"input_p": pan}, "estimated")
        reads = (other != original).any(axis=-1)[:145, :129]
        # A few more pixels are background than read the pixel: a reach is one interval
        # without gaps, and units that are 0 hide what they read.
        assert background[reads].all()
        assert background.sum() < 1.5 * reads.sum()


def test_the_tile_rule_looks_at_whole_chunks(networks, tmp_path):
    """A tile is background when all that is read for it is no-data: 128 px for 80."""
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 413))
    empty = {}
    for name, path in sources.items():
        array, grid = rasters.read_array(path), rasters.read_grid(path)
        # From pan column 160 on, in both.
        array[:, int(160 * array.shape[1] / 412) :] = 0
        target = tmp_path / f"empty_{name}.tif"
        empty[name] = Source(rasters.write_array(target, array, grid), nodata=0)
    plan = plan_inference(
        network, empty, output="estimated", nodata_rule="tile", tile_size=80
    )
    values = plan.read()
    # Tiles begin at columns 31 + 80 i and their chunks at 80 i.
    first = next(31 + 80 * i for i in range(9) if 80 * i >= 160)
    background = np.isnan(values).all(axis=-1)
    assert background[:, first - 31 :].all()
    assert not background[:, : first - 31].any()
    whole = whole_map(network, {n: s.path for n, s in empty.items()}, "estimated")
    due = cut(whole, plan)
    close(values[~background], due[~background])


def test_tiles_of_background_are_not_run(networks, tmp_path):
    network = networks["FCNN"]
    holed = with_holes(scene(tmp_path, network, (301, 249)), tmp_path)
    plan = plan_inference(network, holed, output="estimated_labels", tile_size=40)
    report = plan.write(tmp_path / "map.tif", progress=False)
    assert 0 < report.skipped < report.tile_count
    np.testing.assert_array_equal(rasters.read_array(tmp_path / "map.tif"), plan.read())


# Declared fields


def test_declared_fields_are_obeyed_with_a_warning(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    fields = {
        "input_p": Source(sources["input_p"], receptive_field=128),
        "input_xs": Source(sources["input_xs"], receptive_field=32),
    }
    rule = "reach 31 px at the left and the top, 16 px at the right and the bottom"
    with pytest.warns(UserWarning, match=rule):
        blocks = plan_inference(
            network, fields, output="estimated", expression_field=128, tile_size=128
        )
    assert not blocks.verdict.exact
    whole = whole_map(network, sources, "estimated")
    error = np.abs(blocks.read() - cut(whole, blocks)).max(axis=-1)
    # Right outside the margins of 31 and 16 px, wrong beside each border of a block.
    assert error[31:112, 31:112].max() < 1e-5 < error[:31].max()
    assert error[112:128].max() > 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cropped = plan_inference(
            network, fields, output="estimated_crop32", expression_field=64
        )
    assert cropped.verdict.exact
    close(cropped.read(), cropped_part(whole, cropped))


def cropped_part(whole, plan):
    """Lattice indices of a plan of blocks are those of the whole map."""
    return whole[plan.rows.start : plan.rows.stop, plan.cols.start : plan.cols.stop]


def test_chunks_of_an_illegal_size_warn(tmp_path):
    """34 px become 17, 9, 18, 36 px, so the network pads them differently."""
    image = keras.Input((None, None, 2), name="input")
    x = image
    for layer in (layers.Conv2D, layers.Conv2D) + 2 * (layers.Conv2DTranspose,):
        x = layer(4, 3, 2, padding="same")(x)
    network = keras.Model({"input": image}, {"out": layers.Cropping2D(8)(x)})
    path = scene(tmp_path, network, (301, 249))["input"]
    plans = {}
    for field in (34, 36):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            plans[field] = plan_inference(
                network,
                Source(path, receptive_field=field),
                output="out",
                expression_field=20,
                tile_size=20,
            )
        assert len(caught) == (field == 34)
    rule = "A chunk is 34 px of the reference long, which is not a multiple"
    assert rule in plans[34].verdict.broken[0]
    assert plans[36].verdict.exact


def test_fields_are_all_declared_or_none(networks, tmp_path):
    sources = scene(tmp_path, networks["two sources"], (121, 117))
    sources["input_10m"] = Source(sources["input_10m"], receptive_field=16)
    for options in ({}, {"scale_factor": 2}):
        with pytest.raises(ValueError, match="'input_20m' has no receptive field"):
            plan_inference(
                networks["two sources"], sources, output="estimated", **options
            )


# Tiles


@pytest.mark.parametrize(
    ("size", "legal"), [(100, "96 or 112"), (5, "16"), (129, "128 or 144")]
)
def test_illegal_tiles_are_refused_with_the_nearest(networks, tmp_path, size, legal):
    sources = scene(tmp_path, networks["pan and xs"], (301, 249))
    with pytest.raises(ValueError, match=rf"total stride \(16 px\). Use {legal}\."):
        plan_inference(
            networks["pan and xs"], sources, output="estimated", tile_size=size
        )


# What cannot be exact, and what is opaque


def test_a_layer_that_sees_the_whole_chunk_is_refused(tmp_path):
    image = keras.Input((None, None, 2), name="input")
    x = layers.GroupNormalization(groups=2, name="per_tile")(image)
    network = keras.Model({"input": image}, {"estimated": x})
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(ValueError, match="'per_tile' looks at the whole chunk"):
        plan_inference(network, path, output="estimated")
    with pytest.warns(UserWarning, match="'per_tile' looks at the whole chunk"):
        plan_inference(
            network,
            Source(path, receptive_field=1),
            output="estimated",
            tile_size=32,
        )


def test_the_pooling_is_to_blame_and_not_what_follows_it(tmp_path):
    """Squeeze and excitation, with a layer that has no rule."""
    image = keras.Input((None, None, 2), name="input")
    mean = layers.GlobalAveragePooling2D(name="pool")(image)
    weights = layers.Reshape((1, 1, 2), name="after")(mean)
    network = keras.Model(
        {"input": image}, {"out": layers.Multiply()([image, weights])}
    )
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(ValueError, match="The layer 'pool' looks at the whole chunk"):
        plan_inference(network, path, output="out")


def test_a_lambda_layer_is_mapped_with_a_certificate_as_told(tmp_path):
    image = keras.Input((None, None, 2), name="input")
    layer = layers.Lambda(lambda x: 2 * x, output_shape=(None, None, 2), name="twice")
    network = keras.Model({"input": image}, {"out": layer(image)})
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(UnknownLayerError, match=r"'twice' .*certificate=tl\.certify"):
        plan_inference(network, path, output="out")
    certificate = certify(network, "out", tile=16)
    plan = plan_inference(network, path, output="out", certificate=certificate)
    np.testing.assert_array_equal(plan.read(), 2 * rasters.read_array(path))


def test_an_activation_that_moves_pixels_gives_no_exact_map(tmp_path):
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    for activation, message in (
        (layers.Softmax(axis=1), "looks at the whole chunk"),
        (lambda x: keras.ops.flip(x, 1), "may look at several pixels"),
    ):
        network = network_of(layers.Conv2D(2, 1, activation=activation))
        with pytest.raises(ValueError, match=message):
            plan_inference(network, path, output="out")


def test_an_unknown_layer_asks_for_a_rule_unless_fields_are_declared(tmp_path):
    class Unknown(layers.Layer):
        def call(self, image):
            return 2.0 * image

    image = keras.Input((None, None, 2), name="input")
    network = keras.Model({"input": image}, {"twice": Unknown(name="mine")(image)})
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(UnknownLayerError, match=r"'mine' \(Unknown\).*register_rule"):
        plan_inference(network, path, output="twice")
    with pytest.warns(UserWarning, match="may change with the tile size"):
        plan = plan_inference(
            network, Source(path, receptive_field=1), output="twice", tile_size=32
        )
    assert plan.verdict is None
    assert "is not known" in repr(plan)


def test_a_plain_function_needs_declared_or_measured_fields(tmp_path):
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(ValueError, match=r"receptive_field=…\)`, or measure them"):
        plan_inference(lambda inputs: {"a": inputs["input"]}, path, output="a")


@pytest.mark.thorough
def test_an_export_keeps_its_fields(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    served = export(network, tmp_path / "served")
    plan = plan_inference(served, sources, output="estimated", tile_size=64)
    same = plan_inference(network, sources, output="estimated", tile_size=64)
    assert plan.tiles == same.tiles
    close(plan.read(), same.read())
    # The analysis of another network is not taken.
    other = export(networks["deeper"], tmp_path / "other")
    (other / "reach.json").replace(served / "reach.json")
    with pytest.raises(ValueError, match="belongs to another network"):
        plan_inference(served, sources, output="estimated")
    (served / "reach.json").unlink()
    with pytest.raises(ValueError, match="does not say what its outputs depend on"):
        plan_inference(served, sources, output="estimated")
    assert "estimated" in load_predictor(served).outputs


def test_a_reach_survives_json(networks):
    for network in networks.values():
        reach = trace(analyse(network))
        assert NetworkReach.from_json(reach.to_json()) == reach


def test_outputs_of_different_size_are_not_stacked(networks, tmp_path):
    sources = scene(tmp_path, networks["pan and xs"], (301, 249))
    with pytest.raises(ValueError, match="different sizes and cannot be stacked"):
        plan_inference(
            networks["pan and xs"], sources, output=["estimated", "estimated_crop32"]
        )
    plan = plan_inference(
        networks["pan and xs"], sources, output=["estimated", "features"]
    )
    # The features reach one pixel less far to the left.
    assert plan.rows.start == 31


def test_the_plan_is_in_the_map(networks, tmp_path):
    sources = scene(tmp_path, networks["FCNN"], (61, 43))
    path = tmp_path / "map.tif"
    predict_raster(networks["FCNN"], sources, path, output="estimated", progress=False)
    with rasterio.open(path) as dataset:
        assert "exact: the tiled map" in dataset.tags()["TUTORIAL_LIB_PLAN"]


# The plan: what it costs, and its picture


def test_the_estimate_counts_what_is_read(networks, tmp_path):
    sources = scene(tmp_path, networks["pan and xs"], (301, 249))
    plan = plan_inference(
        networks["pan and xs"], sources, output="estimated", tile_size=64
    )
    estimate = plan.estimate()
    read = sum(
        np.prod([len(part) for part in plan.job.chunk(t, plan.job.names[0])])
        for t in plan.tiles
    )
    mapped = sum(len(t.rows) * len(t.cols) for t in plan.tiles)
    assert mapped == np.prod(plan.grid.shape.yx)
    assert estimate.redundancy == pytest.approx(read / mapped)
    # Chunks of 112 pan and 28 xs pixels a side: three wait, two are computed, and two
    # are their copies. Tiles of 64 x 64 values of 5 classes: two wait, one comes, one
    # goes.
    assert plan.calls == 2
    arrays = 7 * (112**2 + 28**2 * 4) + 4 * 64**2 * 5
    memory = 60e6 + 2 * plan.bytes_per_pixel * 112**2 + 4 * arrays
    assert estimate.memory == pytest.approx(memory / 1e9, abs=1e-8)
    # 16 q + 31 <= 301 and 249: rows 31 to 271 and columns 31 to 223, in tiles of 64.
    assert estimate.tile_count == len(plan.tiles) == 4 * 4
    assert estimate.seconds > 0
    assert "16 tiles" in repr(estimate)


def test_the_plot_shows_the_tiles(networks, tmp_path):
    sources = scene(tmp_path, networks["pan and xs"], (301, 249))
    plan = plan_inference(
        networks["pan and xs"], sources, output="estimated", tile_size=64
    )
    picture = plan.plot()
    assert "16 tiles" in picture.description
    lines = picture.as_figure().axes[0].collections[0].get_segments()
    # 4 rows and 4 columns of tiles have 5 borders each.
    assert len(lines) == 10


# Measured fields


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pan and xs", "pooled CNN"])
def test_a_certificate_stands_in_for_an_analysis(networks, tmp_path, name):
    """The map of a plain function is exact when its margins were measured."""
    network = networks[name]
    sources = scene(tmp_path, network, (301, 249))
    spacing = analyse(network).spacing
    inputs = {x.name: (x.shape[-1], 1 / spacing[x.name], 4000) for x in network.inputs}

    def model(arrays):
        tensors = {x: tf.constant(a, "float32") for x, a in arrays.items()}
        return {x: y.numpy() for x, y in network(tensors, training=False).items()}

    certificate = certify(model, "estimated", tile=64, inputs=inputs)
    options = {"output": "estimated", "tile_size": 64, "certificate": certificate}
    plan = plan_inference(model, sources, **options)
    close(plan.read(), cut(whole_map(network, sources, "estimated"), plan))
    # The map ends earlier than by analysis: a measurement tells no phases apart.
    known = plan_inference(network, sources, output="estimated", tile_size=64)
    assert plan.rows.start == known.rows.start
    assert known.rows.stop - known.job.rows.unit < plan.rows.stop <= known.rows.stop
    plan.write(tmp_path / "map.tif", progress=False)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        text = dataset.tags()["TUTORIAL_LIB_CERTIFICATE"]
    assert Certificate.from_json(text) == certificate


def test_a_certificate_of_other_weights_is_refused(networks, tmp_path):
    network = keras.models.clone_model(networks["FCNN"])
    certificate = certify(networks["FCNN"], "estimated", tile=16)
    path = scene(tmp_path, network, (61, 43))["input"]
    with pytest.raises(ValueError, match="made for other weights than this model has"):
        plan_inference(network, path, output="estimated", certificate=certificate)


def test_a_certificate_that_is_not_exact_refuses_the_plan(tmp_path):
    def whole_tile(arrays):
        image = arrays["input"].astype("float32")
        return {"same": image - image.mean(axis=(1, 2), keepdims=True)}

    certificate = certify(whole_tile, "same", tile=16, inputs={"input": (2, 1, 100)})
    path = scene(tmp_path, pooled_unet(), (61, 43))["input"]
    with pytest.raises(ValueError, match="no tiled map of 'same' is exact"):
        plan_inference(whole_tile, path, output="same", certificate=certificate)


# Networks and rasters that are easy to get wrong


def image_of(channels=2):
    return keras.Input((None, None, channels), name="input")


def network_of(*parts):
    x = image = image_of()
    for part in parts:
        x = part(x)
    return keras.Model({"input": image}, {"out": x})


CUT_FIRST = {
    "crop, convolution": lambda: [
        layers.Cropping2D(2),
        layers.Conv2D(2, 3, padding="same"),
    ],
    "slice, bilinear": lambda: [
        lambda x: x[:, 1:-1, 1:-1, :],
        layers.UpSampling2D(2, interpolation="bilinear"),
    ],
    "crop, transposed": lambda: [
        layers.Cropping2D(3),
        layers.Conv2DTranspose(2, 5, 2, "same"),
    ],
}


@pytest.mark.parametrize("name", CUT_FIRST)
def test_padding_inside_a_network_counts_as_a_border(tmp_path, name):
    """After a crop, a layer pads in place of real pixels; that makes margins too."""
    network = network_of(*CUT_FIRST[name]())
    margins = analyse(network).margins["out"]
    assert min(margins) > 0
    rows, cols = trace(analyse(network)).outputs["out"]
    assert (*cols.margins, *rows.margins) == tuple(margins[i] for i in (0, 2, 1, 3))
    path = scene(tmp_path, network, (41, 37))["input"]
    whole = whole_map(network, {"input": path}, "out")
    for size in (8, 96):
        plan = plan_inference(network, path, output="out", tile_size=size)
        close(plan.read(), cut(whole, plan))
    with pytest.raises(ValueError, match="cannot give the whole map"):
        plan_inference(network, path, output="out", mode="patch_based")


@pytest.mark.parametrize("kernel", [(1, 3), (3, 1), (4, 3)])
def test_kernels_need_not_be_square(tmp_path, kernel):
    network = network_of(layers.Conv2D(2, kernel))
    path = scene(tmp_path, network, (23, 31))["input"]
    image = rasters.read_array(path).astype("float32")
    before = [k // 2 for k in kernel]
    around = [(b, k - 1 - b) for b, k in zip(before, kernel, strict=True)]
    mirrored = np.pad(image, (*around, (0, 0)), mode="symmetric")
    expected = network({"input": mirrored[np.newaxis]})["out"][0].numpy()
    plan = plan_inference(network, path, output="out", edge="pad", tile_size=8)
    close(plan.read(), expected)


@pytest.mark.parametrize("around", [(0, 0, 40, 40), (40, 40, 0, 0), (40, 0, 0, 80)])
def test_no_data_of_a_source_that_is_larger_than_the_reference(tmp_path, around):
    """No-data outside the map is not read, so it makes no background."""
    left, top, right, bottom = around
    one, two = (keras.Input((None, None, 1), name=name) for name in "ab")
    x = layers.Conv2D(1, 5, padding="same")(layers.Concatenate()([one, two]))
    network = keras.Model({"a": one, "b": two}, {"out": x})
    rng = np.random.default_rng(1)
    values = rng.integers(1, 100, (23, 31, 1)).astype("uint16")
    shape = 23 + (top + bottom) // 10, 31 + (left + right) // 10
    empty = rng.random(shape) < 0.1
    large = np.where(empty, 0, 7)[..., np.newaxis].astype("uint16")
    corner = LEFT - left, TOP + top
    sources = {
        "a": write(tmp_path / "a.tif", values),
        "b": Source(write(tmp_path / "b.tif", large, corner=corner), nodata=0),
    }
    read = empty[top // 10 :, left // 10 :][:23, :31]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(read, 2), (5, 5))
    every = np.pad(read, 2, constant_values=True)
    windows = {
        "any": windows.any(axis=(2, 3)),
        "all": np.lib.stride_tricks.sliding_window_view(every, (5, 5)).all((2, 3)),
    }
    for rule, expected in windows.items():
        for size in (8, 40):
            plan = plan_inference(
                network,
                sources,
                output="out",
                edge="pad",
                nodata_rule=rule,
                tile_size=size,
            )
            np.testing.assert_array_equal(np.isnan(plan.read()[..., 0]), expected)


@pytest.mark.parametrize("value", [0, -9999])
def test_the_tile_rule_at_the_border_of_the_map(tmp_path, value):
    """Pixels that are filled beyond the image do not count as data."""
    network = network_of(layers.Conv2D(2, 3, 2, "same"))
    array = np.full((33, 33, 2), value, "int16")
    array[:16, :16] = 5
    path = write(tmp_path / "a.tif", array)
    plan = plan_inference(
        network,
        Source(path, nodata=value),
        output="out",
        nodata_rule="tile",
        tile_size=8,
        edge="pad",
    )
    background = np.isnan(plan.read()[..., 0])
    assert background[8:, 8:].all()
    assert not background[:8, :8].any()


def test_memory_is_counted_in_pixels_of_the_finest_source(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (1200, 1100))
    switched = dict(reversed(sources.items()))
    sides, bytes_at_once = [], []
    for given in (sources, switched):
        plan = plan_inference(network, given, output="estimated", memory=0.1)
        reference = plan.job.names[0]
        pan, chunk = (
            np.prod([len(part) for part in plan.job.chunk(plan.largest_tile, name)])
            for name in ("input_p", reference)
        )
        sides.append(pan)
        bytes_at_once.append(plan.bytes_per_pixel * chunk)
    assert sides[0] == sides[1]
    assert bytes_at_once[0] == pytest.approx(bytes_at_once[1])
    assert bytes_at_once[0] < 0.1e9


def test_larger_measured_margins_overrule_the_analysis(tmp_path):
    """The last layer looks at the whole chunk, and its rule says otherwise."""

    class Centre(layers.Layer):
        def call(self, x):
            return x - keras.ops.mean(x, axis=(1, 2), keepdims=True)

    @register_rule(Centre)
    def wrong(layer, spans, axis, arguments):
        return spans[0]

    network = network_of(layers.Conv2D(2, 3, padding="same"), Centre())
    with pytest.warns(UserWarning, match="`analyse` is wrong about this model"):
        certificate = certify(network, "out", tile=16)
    path = scene(tmp_path, network, (41, 37))["input"]
    with pytest.raises(ValueError, match="no tiled map of 'out' is exact"):
        plan_inference(network, path, output="out", certificate=certificate)


def test_a_certificate_of_another_output_is_refused(networks, tmp_path):
    network = networks["pan and xs"]
    sources = scene(tmp_path, network, (301, 249))
    certificate = certify(network, "estimated", tile=16)
    with pytest.raises(ValueError, match=r"is for 'estimated', and .* are mapped"):
        plan_inference(network, sources, output="features", certificate=certificate)


def test_a_network_of_one_size_is_refused_with_what_to_declare(tmp_path):
    image = keras.Input((16, 16, 2), name="input")
    network = keras.Model({"input": image}, {"out": layers.Conv2D(2, 3)(image)})
    path = scene(tmp_path, pooled_unet(), (41, 37))["input"]
    with pytest.raises(ValueError, match=r"16x16 px only.* `keras.Input\(\(None, "):
        plan_inference(network, path, output="out")
    with pytest.raises(ValueError, match="images of one size only, declare that size"):
        plan_inference(network, path, output="out")


def test_a_sequential_model_needs_no_fields(tmp_path):
    parts = [image_of(), layers.Conv2D(2, 3), layers.Conv2D(1, 3, padding="same")]
    network = keras.Sequential(parts)
    path = scene(tmp_path, pooled_unet(), (41, 37))["input"]
    name = network.layers[-1].name
    values = plan_inference(network, path, output=name, tile_size=8).read()
    image = rasters.read_array(path).astype("float32")[np.newaxis]
    close(values, network(image)[0, 1:-1, 1:-1].numpy())
    nested = keras.Sequential([image_of(), keras.Sequential(parts[1:])])
    assert list(analyse(nested).margins.values()) == [(1, 1, 1, 1)]


def test_patches_whose_side_is_no_multiple_of_the_stride_are_refused(tmp_path):
    """One block reads 3 px, and the total stride is 2."""
    network = network_of(
        layers.Conv2D(2, 2, 2), layers.Conv2DTranspose(2, 2, 2), layers.Conv2D(2, 2)
    )
    path = scene(tmp_path, network, (41, 37))["input"]
    with pytest.raises(ValueError, match="Patches of 3 px do not give blocks"):
        plan_inference(network, path, output="out", mode="patch_based")
    whole = whole_map(network, {"input": path}, "out")
    plan = plan_inference(network, path, output="out", tile_size=8)
    close(plan.read(), cut(whole, plan))


def test_a_source_that_the_output_does_not_read_need_not_cover_it(tmp_path):
    one, two = (keras.Input((None, None, 1), name=name) for name in "ab")
    joined = layers.Add(name="joined")([one, two])
    alone = layers.Conv2D(1, 3, padding="same")(one)
    network = keras.Model({"a": one, "b": two}, {"alone": alone, "joined": joined})
    values = np.random.default_rng(0).integers(1, 9, (23, 31, 1)).astype("uint16")
    sources = {
        "a": write(tmp_path / "a.tif", values),
        "b": write(tmp_path / "b.tif", values[:9]),
    }
    plan = plan_inference(network, sources, output="alone", edge="pad", tile_size=8)
    image = values[np.newaxis].astype("float32")
    close(plan.read(), network({"a": image, "b": image})["alone"][0].numpy())
    with pytest.raises(GridMismatchError, match="'b' ends 14 reference pixels inside"):
        plan_inference(network, sources, output="joined", edge="pad")
