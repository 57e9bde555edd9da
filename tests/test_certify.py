"""`certify` is compared with `analyse`, with theory and with direct computations."""

import json
from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from random_networks import positive, random_network

import tutorial_lib as tl
from tutorial_lib import architectures, testing
from tutorial_lib.fields.analysis import analyse
from tutorial_lib.fields.layer_rules import pointwise, register_rule
from tutorial_lib.networks.identity import weights_digest
from tutorial_lib.networks.predictors import as_predictor
from tutorial_lib.networks.saving import export, folder_hash
from tutorial_lib.proof import certifying
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.proof.certifying import certify
from tutorial_lib.proof.comparison import compare_tiles
from tutorial_lib.proof.probe import Layout, make_probe
from tutorial_lib.recorded import weights_path

ONE_BAND = {"input": (1, 1, 255)}


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def one_period(model, output):
    """The smallest legal tile: one total stride, in output pixels."""
    analysis = analyse(model)
    return int(analysis.stride / analysis.scale[output])


def declared(model, maximum=10_000):
    """The `inputs` that `certify` needs if the model is only a function."""
    channels = as_predictor(model).channels
    spacing = analyse(model).spacing
    return {name: (channels[name], 1 / spacing[name], maximum) for name in spacing}


def opaque(model):
    """The model as a function, so that nothing is known of its layers and inputs."""
    predictor = as_predictor(model)
    return lambda inputs: predictor(inputs, ["estimated"])


# Law 5: sound and tight.

# A quarter of the networks is enough while one works. The first half has each kind of
# layer several times.
HOW_OFTEN = ((), pytest.mark.thorough, pytest.mark.slow)


@pytest.mark.sampled(daily=3)
@pytest.mark.thorough
@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=HOW_OFTEN[min(seed // 15, 2)]) for seed in range(60)],
)
def test_measured_margins_of_random_networks_equal_the_analysed_ones(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng)
    for output in list(analyse(model).outputs)[: 2 if seed % 3 == 0 else 1]:
        certificate = certify(model, output, tile=one_period(model, output))
        assert certificate.margins == analyse(model).margins[output]
        assert certificate.analysed_margins == certificate.margins
        assert certificate.exact


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(8))
def test_dead_units_and_signs_never_make_margins_larger(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng, activation="relu")
    for weight in model.weights:
        weight.assign(rng.normal(-0.1, 0.3, weight.shape))
    output = next(iter(analyse(model).outputs))
    certificate = certify(model, output, tile=one_period(model, output))
    assert certificate.sound
    assert certificate.exact


REFERENCE_MODELS = {
    "pooled_cnn": (architectures.pooled_cnn, 4, 3),
    "pixelwise_fcnn": (architectures.pixelwise_fcnn, 1, 15),
    "dual_source_fcnn": (architectures.dual_source_fcnn, 2, 7),
}


@pytest.mark.parametrize("name", REFERENCE_MODELS)
def test_networks_without_padding_are_exact_in_every_bit(name):
    network, scale, lost = REFERENCE_MODELS[name]
    certificate = certify(network(6, crops=()), "estimated", tile=24)
    assert certificate.margins == (0, 0, 0, 0)
    assert certificate.bitwise
    assert certificate.max_difference == 0
    assert (certificate.scale, certificate.lost) == (scale, (lost, lost))


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("depth", [3, 4, 5])
def test_margins_and_seamless_crop_double_with_each_halving(depth):
    left, right, seamless = 2 ** (depth + 1) - 1, 2**depth, 2 ** (depth + 1)
    model = architectures.deeper_unet(4, depth=depth, crops=(seamless, seamless // 2))
    whole, cropped, halved = (
        certify(model, name, tile=2**depth)
        for name in (
            "estimated",
            f"estimated_crop{seamless}",
            f"estimated_crop{seamless // 2}",
        )
    )
    assert whole.margins == (left, left, right, right)
    assert whole.exact
    assert (cropped.margins, cropped.lost) == ((0,) * 4, (2 * seamless,) * 2)
    assert cropped.exact
    assert halved.margins == (left - seamless // 2,) * 2 + (0, 0)


def unet_of_one_source(depth):
    image = keras.Input((None, None, 1), name="input_p")
    net, levels = image, []
    for _ in range(depth):
        net = layers.Conv2D(1, 3, strides=2, padding="same")(net)
        levels.append(net)
    for skip in [*reversed(levels[:-1]), None]:
        net = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(net)
        net = net if skip is None else layers.Add()([net, skip])
    return keras.Model(image, layers.Identity(name="estimated")(net))


@pytest.mark.parametrize("depth", range(3, 8))
def test_margins_and_stride_are_powers_of_two_of_the_depth(depth):
    """With kernels of 3 pixels, all of which have stride 2."""
    both = analyse(architectures.deeper_unet(4, depth=depth, crops=()))
    left, _, right, _ = both.margins["estimated"]
    assert (both.stride, left, right) == (2**depth, 2 ** (depth + 1) - 1, 2**depth)
    assert Fraction(left + right, 2) == Fraction(3, 2) * 2**depth - Fraction(1, 2)
    model = positive(unet_of_one_source(depth), np.random.default_rng(depth))
    expected = (2**depth - 1, 2**depth - 1, 2**depth, 2**depth)
    assert analyse(model).margins["estimated"] == expected
    if depth <= 5:
        assert certify(model, "estimated", tile=2**depth).margins == expected


# The meaning of margins 31 and 16, computed directly with the reference model.


@pytest.fixture(scope="module")
def pan_and_xs():
    """The network, two images that are not square, and the map of all of them."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    predictor = as_predictor(architectures.pan_xs_unet(4, crops=()))
    image = {
        "input_p": rng.uniform(0, 100, (1, 384, 400, 1)).astype("float32"),
        "input_xs": rng.uniform(0, 100, (1, 96, 100, 4)).astype("float32"),
    }
    return predictor, image, predictor(image, ["estimated"])["estimated"][0]


def errors(pan_and_xs, start, size=128):
    """Differences of a chunk's output from the whole, as shares of the range."""
    predictor, image, whole = pan_and_xs
    pan, xs = (slice(start // r, (start + size) // r) for r in (1, 4))
    part = {
        "input_p": image["input_p"][:, pan, pan],
        "input_xs": image["input_xs"][:, xs, xs],
    }
    alone = predictor(part, ["estimated"])["estimated"][0]
    return np.abs(alone - whole[pan, pan]).max(axis=-1) / np.ptp(whole)


@pytest.mark.parametrize(
    ("crop", "exact"), [(24, False), (30, False), (31, True), (32, True)]
)
def test_the_smallest_exact_crop_of_tutorial_2_is_31(pan_and_xs, crop, exact):
    worst = errors(pan_and_xs, 128)[crop:-crop, crop:-crop].max()
    assert worst < 1e-6 if exact else worst > 1e-4


def test_a_chunk_that_starts_beside_the_stride_is_wrong_everywhere(pan_and_xs):
    inner = slice(32, -32)
    assert (errors(pan_and_xs, 136)[inner, inner] > 1e-4).all()
    assert (errors(pan_and_xs, 128)[inner, inner] < 1e-6).all()


def tiles_of_pan_and_xs(tile, margins, lost=(0, 0), shapes=None):
    """Result of `compare_tiles`; appends the shapes of all images to `shapes`."""
    predictor = as_predictor(architectures.pan_xs_unet(4, crops=()))

    def model(inputs):
        if shapes is not None:
            shapes.append(inputs["input_p"].shape[1:3])
        return predictor(inputs, ["estimated"])

    inputs = {"input_p": (1, 1, 500), "input_xs": (4, Fraction(1, 4), 500)}
    probe = make_probe(as_predictor(model), "estimated", inputs=inputs, spacing=None)
    layout = Layout(stride=16, scale=Fraction(1), lost=lost)
    rng = np.random.default_rng(0)
    return compare_tiles(probe, layout, tile, tuple(margins), rng)


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("tile", [16, 512])
def test_tiles_differ_from_the_whole_if_a_margin_is_one_pixel_short(tile):
    margins = np.array([31, 31, 16, 16])
    assert tiles_of_pan_and_xs(tile, margins.tolist()).equal
    for short in np.eye(4, dtype=int):
        assert not tiles_of_pan_and_xs(tile, (margins - short).tolist()).equal


def test_a_chunk_contains_a_tile_on_multiples_of_the_stride():
    shapes = []
    tiles_of_pan_and_xs(16, (17, 20, 15, 10), shapes=shapes)
    # 32 px before the tile, which is the next multiple, 16 of the tile, and 16 after.
    assert min(shapes) == (64, 64)


def test_a_chunk_of_another_size_than_expected_is_refused():
    with pytest.raises(ValueError, match=r"\(64, 64\) pixels .*, not \(63, 63\)"):
        tiles_of_pan_and_xs(16, (31, 31, 15, 15), lost=(1, 1))


# Axes and amplitudes


def test_margins_of_rows_and_columns_are_measured_separately():
    image = keras.Input((None, None, 1), name="image")
    model = keras.Model(
        image, layers.Conv2D(1, (3, 6), padding="same", name="out")(image)
    )
    certificate = certify(model, "out", tile=8)
    assert certificate.margins == (2, 1, 3, 1)
    assert certificate.exact


def test_a_unit_that_is_dead_for_ordinary_values_is_found():
    image = keras.Input((None, None, 1), name="image")
    net = layers.Conv2D(
        1, 3, padding="same", activation="relu", bias_initializer="zeros", name="dead"
    )(image)
    model = keras.Model(image, layers.Add(name="out")([net, image]))
    kernel, _ = model.get_layer("dead").get_weights()
    # At most -1e5 + 9 * 1e4 for values up to 10 000.
    model.get_layer("dead").set_weights([np.ones_like(kernel), np.array([-1e5])])
    assert certify(model, "out", tile=8).margins == (1, 1, 1, 1)


def test_tiles_are_cut_by_the_analysed_margins_where_dead_units_hide_them():
    image = keras.Input((None, None, 1), name="image")
    # At most -1e9 + 9 * 1e7, also for the strongest surroundings.
    net = layers.Conv2D(
        1, 3, padding="same", activation="relu", kernel_initializer="ones",
        bias_initializer=keras.initializers.Constant(-1e9),
    )(image)  # fmt: skip
    model = keras.Model(image, layers.Add(name="out")([net, image]))
    certificate = certify(model, "out", tile=8)
    assert certificate.margins == (0, 0, 0, 0)
    assert certificate.exact
    rows, cols = certificate.reach().outputs["out"]
    assert (rows.margins, cols.margins) == ((1, 1), (1, 1))


def test_margins_are_found_whatever_the_scaling_of_the_values():
    for scale in (1e-4, 0.01):
        image = keras.Input((None, None, 2), name="image")
        net = layers.Rescaling(scale)(image)
        net = layers.Conv2D(3, 5, padding="same", activation="softmax", name="p")(net)
        assert certify(keras.Model(image, net), "p", tile=8).margins == (2, 2, 2, 2)


# Models whose layers cannot be seen.

OPAQUE_MODELS = {
    "pan_xs_unet": lambda: architectures.pan_xs_unet(4, crops=()),
    "pooled_cnn": lambda: architectures.pooled_cnn(6, crops=()),
    "pixelwise_fcnn": lambda: architectures.pixelwise_fcnn(6, crops=()),
    "dual_source_fcnn": lambda: architectures.dual_source_fcnn(6, crops=()),
}
MEASURED = ("margins", "total_stride", "scale", "lost", "spacing")


def measured(certificate):
    return {name: getattr(certificate, name) for name in MEASURED}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPAQUE_MODELS)
def test_a_function_and_a_saved_model_are_measured_like_the_network(name, tmp_path):
    model = OPAQUE_MODELS[name]()
    inputs = declared(model)
    known = certify(model, "estimated", tile=16)
    function = certify(opaque(model), "estimated", tile=16, inputs=inputs)
    saved = certify(export(model, tmp_path / "m"), "estimated", tile=16, inputs=inputs)
    assert measured(function) == measured(known)
    assert measured(saved) == measured(known)
    assert known.exact
    assert function.exact
    assert saved.exact
    assert function.analysed_margins is None
    assert function.weights is None


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", [1, 2, 6])
def test_strides_of_random_networks_are_measured_from_outside(seed):
    model = random_network(np.random.default_rng(seed))
    output = next(iter(analyse(model).outputs))
    predictor = as_predictor(model)
    tile = one_period(model, output)
    found = certify(
        lambda inputs: predictor(inputs, [output]),
        output,
        tile=tile,
        inputs=declared(model),
    )
    assert measured(found) == measured(certify(model, output, tile=tile))


def test_the_coarser_source_may_be_the_reference():
    fine, coarse = (keras.Input((None, None, 1), name=name) for name in "ab")
    branches = [layers.Conv2D(2, 4, strides=2)(fine), layers.Conv2D(2, 2)(coarse)]
    model = keras.Model([fine, coarse], layers.Add(name="estimated")(branches))
    certificate = certify(
        opaque(model), "estimated", tile=10, inputs={"b": (1, 1, 9), "a": (1, 2, 9)}
    )
    assert certificate.spacing == {"b": 1, "a": Fraction(1, 2)}
    assert certificate.total_stride == {"b": 1, "a": 2}
    assert (certificate.scale, certificate.lost) == (1, (1, 1))
    assert certificate.exact


def test_a_numpy_function_may_give_nan_for_strong_noise():
    mean = testing.BlockMean({"input": 5}, {"input": 5})

    def model(inputs):
        return mean({"input": np.log(inputs["input"])})

    certificate = certify(model, "estimated", tile=5, inputs=ONE_BAND)
    assert certificate.margins == (0, 0, 0, 0)
    assert (certificate.scale, certificate.total_stride) == (5, {"input": 5})
    assert certificate.lost == (0, 0)
    assert certificate.bitwise


def test_a_keras_file_is_analysed(tmp_path):
    model = architectures.pan_xs_unet(4, crops=())
    model.save(tmp_path / "m.keras")
    certificate = certify(tmp_path / "m.keras", "estimated", tile=16)
    assert certificate.analysed_margins == (31, 31, 16, 16)
    assert certificate.weights == weights_digest(model)


# Models that cannot be tiled exactly, or cannot be measured.


def group_norm():
    image = keras.Input((None, None, 4), name="image")
    net = layers.GroupNormalization(2)(image)
    return keras.Model(
        image, layers.Conv2D(2, 3, padding="same", name="estimated")(net)
    )


def test_a_layer_that_looks_at_the_whole_chunk_is_never_exact():
    model = group_norm()
    for certificate in (
        certify(model, "estimated", tile=32),
        certify(opaque(model), "estimated", tile=32, inputs={"image": (4, 1, 100)}),
    ):
        assert not certificate.exact
        assert not certificate.bitwise
        assert certificate.margins is None
        assert certificate.max_difference > 0.01 * certificate.value_range
        assert "NOT exact" in repr(certificate)
        assert "no clean pixels" in repr(certificate)


def test_a_whole_chunk_layer_is_not_exact_even_if_no_difference_shows():
    image = keras.Input((None, None, 1), name="image")
    mean = layers.GlobalAveragePooling2D(keepdims=True)(image)
    net = layers.Add(name="out")([image, layers.Rescaling(1e-13)(mean)])
    certificate = certify(keras.Model(image, net), "out", tile=8)
    assert certificate.max_difference <= 1e-5 * certificate.value_range
    assert not certificate.exact
    assert not certificate.bitwise
    assert certificate.margins is None


class Blurred(layers.Layer):
    def call(self, image):
        return keras.ops.average_pool(image, 3, 1, "same")


def test_an_analysis_with_too_small_margins_is_called_wrong():
    class Promising(Blurred):
        """A layer whose rule is wrong."""

    register_rule(Promising)(pointwise)
    image = keras.Input((None, None, 1), name="image")
    model = keras.Model(image, Promising(name="out")(image))
    with pytest.warns(UserWarning, match=r"`analyse` is wrong.*\(0, 0, 0, 0\).*\(1, 1"):
        certificate = certify(model, "out", tile=8)
    assert not certificate.sound
    text = " ".join(repr(certificate).split())  # without the breaks of lines
    assert "LARGER THAN the (0, 0, 0, 0) analysed" in text
    assert certificate.exact, "with the margins that were measured"


def test_an_unknown_layer_is_measured_instead():
    image = keras.Input((None, None, 1), name="image")
    model = keras.Model(image, Blurred(name="out")(image))
    certificate = certify(model, "out", tile=8)
    assert certificate.margins == (1, 1, 1, 1)
    assert certificate.analysed_margins is None


@pytest.mark.thorough
@pytest.mark.parametrize(("rows", "cols"), [(0, 200), (0, -400), (250, 0)])
def test_a_function_that_reads_one_pixel_far_away_has_large_margins(rows, cols):
    """As layers with a large dilation do; small images show nothing of it."""

    def far(inputs):
        image = inputs["input"]
        padded = np.pad(image, ((0, 0), (500, 500), (500, 500), (0, 0)))
        height, width = image.shape[1:3]
        moved = padded[:, 500 + rows :, 500 + cols :][:, :height, :width]
        return {"out": image + moved}

    certificate = certify(far, "out", tile=32, inputs=ONE_BAND)
    assert certificate.margins == (max(-cols, 0), 0, max(cols, 0), rows)
    assert certificate.exact


def test_a_model_with_two_results_for_one_image_is_refused():
    rng = np.random.default_rng(0)

    def model(inputs):
        return {"out": inputs["input"] + rng.random()}

    with pytest.raises(ValueError, match="two results of 'out' for one image"):
        certify(model, "out", tile=8, inputs=ONE_BAND)


def test_an_output_that_never_changes_is_refused():
    with pytest.raises(ValueError, match="'out' is the same for every image"):
        certify(
            lambda inputs: {"out": 0 * inputs["input"]}, "out", tile=8, inputs=ONE_BAND
        )


def test_whether_an_output_varies_is_tried_before_anything_is_measured(monkeypatch):
    """A deep network would be measured for minutes, to say so in the end."""
    model = architectures.deeper_unet(3, depth=6, crops=())
    last = model.get_layer("softmax")
    kernel, bias = last.get_weights()
    last.set_weights([0 * kernel, bias])
    sides = []
    predictor = as_predictor(model)

    def watched(inputs):
        sides.append(max(inputs["input_p"].shape[1:3]))
        return predictor(inputs, ["estimated"])

    for name in ("measure_margins", "measure_layout"):
        monkeypatch.setattr(certifying, name, None)
    for given, inputs in ((model, None), (watched, declared(model))):
        with pytest.raises(ValueError, match="'estimated' is the same for every image"):
            certify(given, "estimated", tile=64, inputs=inputs)
    assert max(sides) <= 192


def test_a_unit_that_only_smooth_images_wake_counts_as_varying():
    """The mean of 8x8 pixels of noise hardly leaves 0.5; the unit wakes at 0.75."""
    image = keras.Input((None, None, 1), name="input")
    mean = layers.AveragePooling2D(8, strides=1)(layers.Rescaling(1e-4)(image))
    net = layers.ReLU(name="out")(mean - 0.75)
    noise = np.random.default_rng(0).uniform(0, 1e4, (1, 200, 200, 1))
    model = keras.Model(image, net)
    assert not as_predictor(model)({"input": noise}, "out")["out"].any()
    assert certify(model, "out", tile=8).exact


def test_an_output_of_constant_size_is_refused():
    def model(inputs):
        return {"out": inputs["input"][:, :7, :7]}

    with pytest.raises(ValueError, match="'out' does not grow in proportion"):
        certify(model, "out", tile=8, inputs=ONE_BAND)


# Wrong arguments.


def test_an_unknown_output_is_refused_with_those_there_are():
    model = architectures.pixelwise_fcnn(6, crops=())
    with pytest.raises(ValueError, match=r"no output 'map'. It has: estimated, "):
        certify(model, "map", tile=8)
    with pytest.raises(ValueError, match=r"gives no output 'map'"):
        certify(opaque(model), "map", tile=8, inputs=declared(model))


@pytest.mark.parametrize(("tile", "legal"), [(100, "96 or 112"), (9, "16"), (0, "16")])
def test_an_illegal_tile_is_refused_with_the_nearest_legal_ones(tile, legal):
    model = architectures.pan_xs_unet(4, crops=())
    sentence = rf"A tile of {tile} px .* of 'estimated' \(16 px\)\. Use {legal}\."
    with pytest.raises(ValueError, match=sentence):
        certify(model, "estimated", tile=tile)
    with pytest.raises(ValueError, match=sentence):
        certify(opaque(model), "estimated", tile=tile, inputs=declared(model))


def test_tiles_are_in_pixels_of_the_output():
    model = architectures.pooled_cnn(6, crops=())
    assert certify(model, "estimated", tile=5).exact


def test_unknown_inputs_must_be_declared(tmp_path):
    model = architectures.dual_source_fcnn(6, crops=())
    with pytest.raises(ValueError, match=r"tells no input. Give `inputs="):
        certify(opaque(model), "estimated", tile=8)
    folder = export(model, tmp_path / "m")
    with pytest.raises(ValueError, match=r"only the names of its inputs, 'input_"):
        certify(folder, "estimated", tile=8)


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"image": (4, 1, 1)}, r"named \['image'\], those of the model \['input'\]"),
        ({"input": (3, 1, 1)}, "'input' has 3 channels, and the model takes 4"),
        ({"input": (4, 1)}, r"'input' is declared as \(4, 1\). Give \(channels"),
        ({"input": (4, 0, 1)}, r"'input' is declared as \(4, 0, 1\)"),
        ({"input": 4}, "'input' is declared as 4"),
        ({}, r"named \[\], those of the model \['input'\]"),
    ],
)
def test_inputs_that_differ_from_the_models_are_refused(inputs, sentence):
    model = architectures.pixelwise_fcnn(6, crops=())
    with pytest.raises(ValueError, match=sentence):
        certify(model, "estimated", tile=8, inputs=inputs)


def test_pixel_sizes_that_differ_from_the_models_are_refused():
    model = architectures.dual_source_fcnn(6, crops=())
    with pytest.raises(ValueError, match=r"'input_20m': '1/2'.*per reference pixel"):
        certify(
            model,
            "estimated",
            tile=8,
            inputs={"input_10m": (4, 1, 1), "input_20m": (6, 0.25, 1)},
        )


def test_a_function_with_other_input_names_is_refused():
    model = architectures.pixelwise_fcnn(6, crops=())
    with pytest.raises(ValueError, match=r"refuses images of \{'image'.*named"):
        certify(opaque(model), "estimated", tile=8, inputs={"image": (4, 1, 1)})


@pytest.mark.parametrize("tile", ["auto", "16", None, 16.0, [16], True])
def test_a_tile_is_a_whole_number(tile):
    model = architectures.pixelwise_fcnn(6, crops=())
    with pytest.raises((TypeError, ValueError), match=r"^`tile` is .*Give a w"):
        certify(model, "estimated", tile=tile)
    assert certify(model, "estimated", tile=np.int64(16)).tile == 16


@pytest.mark.parametrize("output", [None, 0, ["estimated"], b"estimated"])
def test_an_output_is_one_text(output):
    with pytest.raises(TypeError, match=r"^`output` is .*Give a text"):
        certify(architectures.pixelwise_fcnn(6, crops=()), output, tile=16)


@pytest.mark.parametrize("seed", [None, "0", 1.5, -1])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises((TypeError, ValueError), match=r"^`seed` is .*Give a whole"):
        certify(
            architectures.pixelwise_fcnn(6, crops=()), "estimated", tile=16, seed=seed
        )


@pytest.mark.parametrize("inputs", [4, "input", ["input"], (4, 1, 9), {1: (4, 1, 1)}])
def test_inputs_are_a_dictionary(inputs):
    model = architectures.pixelwise_fcnn(6, crops=())
    with pytest.raises(TypeError, match=r"^`inputs` (is|has) .*\(4, 1, 10000\)}"):
        certify(model, "estimated", tile=8, inputs=inputs)


@pytest.mark.parametrize(
    "value",
    [
        None, 4, (4, 1), (4, 1, 1, 1), ("4", 1, 1), (4.5, 1, 1), (-4, 1, 1), (4, -1, 1),
        (4, "x", 1), (4, "1/0", 1), (4, np.nan, 1), (4, np.inf, 1), (4, 1, 0),
        (4, 1, np.nan), (4, 1, np.inf), (4, 1, "1"), (None, 1, 1),
    ],
)  # fmt: skip
def test_a_wrong_declaration_of_an_input_is_named(value):
    with pytest.raises(ValueError, match=r"'input' is declared as .*such as \(4, 1/4"):
        certify(
            architectures.pixelwise_fcnn(6, crops=()),
            "estimated",
            tile=8,
            inputs={"input": value},
        )


@pytest.mark.parametrize("ratio", [np.float32(0.5), np.int64(1), "1/2", Fraction(1, 2)])
def test_numbers_of_any_type_declare_an_input(ratio):
    inputs = {"a": (np.int64(1), 1, np.float32(9)), "b": (1, ratio, 9)}
    small = int(1 / Fraction(float(Fraction(str(ratio)))))

    def model(arrays):
        b = arrays["b"].repeat(small, 1).repeat(small, 2)
        return {"out": arrays["a"] + b}

    assert certify(model, "out", tile=8, inputs=inputs).exact


# Functions, and what they may do


def test_the_function_of_a_model_that_cannot_be_analysed_is_certified_as_told():
    """The call that errors recommend for subclassed models."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 3, padding="same")

        def call(self, image):
            return self.conv(image)

    model = Own()
    with pytest.raises(ValueError, match="or give a function in its place") as caught:
        certify(model, "out", tile=8)
    text = str(caught.value)
    function, call = text.split("`")[-4::2]
    call = call.replace("…", "8").replace("channels", "3").replace("largest value", "9")
    names = {"model": model, "tl": tl}
    names["function"] = eval(function, names)
    assert eval(call, names).margins == (1, 1, 1, 1)


def test_a_lambda_layer_is_certified_as_told():
    image = keras.Input((None, None, 1), name="image")
    layer = layers.Lambda(lambda x: 2 * x, output_shape=(None, None, 1), name="out")
    model = keras.Model(image, layer(image))
    with pytest.raises(ValueError, match=r"'out' \(Lambda\).*`certificate=tl.certify"):
        analyse(model)
    assert certify(model, "out", tile=8).exact


def test_a_function_that_changes_its_input_is_measured_like_any_other():
    def model(inputs):
        image = inputs["input"]
        image /= 255
        image -= 0.5
        return {"out": image}

    assert certify(model, "out", tile=8, inputs=ONE_BAND).bitwise


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x: [x], "returns {output name: array}. Received: a list"),
        (lambda x: None, "returns {output name: array}. Received: nothing"),
        (lambda x: {"out": x[..., 0]}, r"'out' has the shape .*needs \(batch, height"),
        (lambda x: {"out": np.concatenate([x, x])}, "'out' has 2 images for 1 that"),
        (lambda x: {"out": x.astype(str)}, "'out' is not an array of real numbers"),
        (lambda x: {"out": x * 1j}, "'out' is not an array of real numbers"),
        (lambda x: {"out": None}, "'out' is not an array of real numbers"),
        (lambda x: {"out": [[1], [1, 2]]}, "'out' is not an array of real numbers"),
        (lambda x: x["no"], "refuses images of .*It must take images of any size"),
    ],
)
def test_a_function_that_returns_no_images_is_refused(returned, message):
    with pytest.raises(ValueError, match=message):
        certify(
            lambda inputs: returned(inputs["input"]), "out", tile=8, inputs=ONE_BAND
        )


def test_a_function_may_return_tensors():
    def model(inputs):
        return {"out": tf.constant(inputs["input"]) * 2}

    assert certify(model, "out", tile=8, inputs=ONE_BAND).bitwise


def test_a_network_of_one_size_is_refused_with_what_to_do():
    image = keras.Input((64, 64, 4), name="input")
    model = keras.Model(image, layers.Conv2D(2, 3, name="out")(image))
    with pytest.raises(ValueError, match=r"64x64 px only.*\(None, None, 4\).*set_weig"):
        certify(model, "out", tile=8)


# The certificate as a record.


def test_a_certificate_can_be_written_and_read_as_text():
    model = architectures.dual_source_fcnn(6, crops=())
    certificate = certify(model, "estimated", tile=8, inputs=declared(model, 2000))
    text = certificate.to_json()
    assert json.loads(text)["spacing"] == {"input_10m": "1", "input_20m": "2"}
    again = Certificate.from_json(text)
    assert again == certificate
    assert isinstance(again.scale, Fraction)
    assert again.amplitudes["input_10m"][-1] == 2000
    with pytest.raises(ValueError, match="The text is not a certificate"):
        Certificate.from_json("{}")


WRONG_ENTRIES = {
    "output": [None, 3, ["out"]],
    "tile": ["8", -8, 8.5, None],
    "exact": ["yes", 1, None],
    "bitwise": ["no", 0],
    "max_difference": ["small", None, -1],
    "value_range": ["wide", [1]],
    "margins": [[1, 2], "1", 1, [1, 2, 3, -1], [1, 2, 3, 4.5]],
    "analysed_margins": [[1], {"left": 1}],
    "total_stride": [1, {"input": 0}, {"input": "1"}, ["input"]],
    "scale": [1, "0", "1/0", "-1", "x", None],
    "lost": [1, [1], [1, 2, 3], ["1", "1"]],
    "spacing": [1, {"input": 1}, {"input": "0"}, {"input": "1/0"}],
    "trials": ["9", None],
    "amplitudes": [1, {"input": 1}, {"input": ["1"]}],
    "seed": ["0", None],
    "weights": [3, ["a"]],
    "tolerance": ["1", -1, None],
    "sample": [3, {}, {"shape": [1, 2]}, ["values"]],
}
# Certificates of older versions are read without them.
NEWER_ENTRIES = {"tolerance", "sample"}


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize("entry", WRONG_ENTRIES)
def test_a_damaged_certificate_is_refused(entry):
    certificate = certify(testing.BlockMean({"input": 5}), "estimated", tile=5,
                          inputs=ONE_BAND)  # fmt: skip
    assert set(WRONG_ENTRIES) == set(json.loads(certificate.to_json()))
    good = json.loads(certificate.to_json())
    records = [good | {entry: value} for value in WRONG_ENTRIES[entry]]
    shorter = {name: value for name, value in good.items() if name != entry}
    if entry in NEWER_ENTRIES:
        assert Certificate.from_json(json.dumps(shorter)).exact
    else:
        records.append(shorter)
    for record in records:
        with pytest.raises(ValueError, match=r"^The text is not a certificate"):
            Certificate.from_json(json.dumps(record))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '"text"', '{"more": 1}', None, b"\xff", 3, {}]
)
def test_a_text_that_is_no_certificate_is_refused(text):
    kind = ValueError if isinstance(text, str) else TypeError
    with pytest.raises(kind, match=r"The text is not a cert|^`text` is .*Give a"):
        Certificate.from_json(text)


def test_a_certificate_is_checked_with_a_model_in_any_form(tmp_path):
    model = architectures.pixelwise_fcnn(3, crops=())
    model.save(tmp_path / "m.keras")
    certificate = certify(model, "estimated", tile=8)
    for form in (model, tmp_path / "m.keras", str(tmp_path / "m.keras")):
        certificate.check_model(form, "estimated")
        certificate.check_model(as_predictor(form), ["estimated"])
    with pytest.raises(TypeError, match=r"A model is a keras\.Model"):
        certificate.check_model(3, "estimated")


def test_the_same_seed_gives_the_same_certificate():
    model = architectures.pooled_cnn(6, crops=())
    first, second, other = (
        certify(model, "estimated", tile=8, seed=seed) for seed in (3, 3, 4)
    )
    assert first == second
    assert other.value_range != first.value_range


def test_a_certificate_describes_itself_in_words():
    model = architectures.pan_xs_unet(4, crops=())
    text = repr(certify(model, "estimated", tile=16))
    assert "'estimated' in tiles of 16 px: exact" in text
    assert "(left, top, right, bottom) (31, 31, 16, 16) measured, and analysed" in text
    assert "total stride {'input_p': 16, 'input_xs': 4}, scale 1" in text
    assert "the output is as large as the chunk" in " ".join(text.split())


def test_a_certificate_says_how_large_the_output_is():
    # A patch of 16 pixels gives one pixel: 15 less, or three less than 16 / 4.
    size = "the output is ({0}, {0}) px (rows, columns) smaller than the chunk"
    for model, lost, end in (
        (architectures.pixelwise_fcnn(6, crops=()), 15, ""),
        (architectures.pooled_cnn(6, crops=()), 3, " divided by the scale"),
    ):
        text = " ".join(repr(certify(model, "estimated", tile=8)).split())
        assert f"{size.format(lost)}{end} 12 images" in text


SETTINGS = {
    "padding": {"padding": "same"},
    "stride": {"strides": 2},
    "dilation": {"dilation_rate": 2},
    "activation": {"activation": "relu"},
    "activation that is a layer": {"activation": layers.Softmax(axis=1)},
}


def one_convolution(**settings):
    image = keras.Input((None, None, 2), name="input")
    layer = layers.Conv2D(2, 3, kernel_initializer="ones", **settings)
    return keras.Model({"input": image}, {"out": layer(image)})


@pytest.mark.parametrize("name", SETTINGS)
def test_networks_that_differ_in_a_setting_have_other_digests(tmp_path, name):
    plain, other = one_convolution(), one_convolution(**SETTINGS[name])
    assert all(map(np.array_equal, plain.get_weights(), other.get_weights()))
    assert weights_digest(plain) != weights_digest(other)
    other.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    assert weights_digest(loaded) == weights_digest(other)
    certificate = certify(plain, "out", tile=8)
    with pytest.raises(ValueError, match="other weights than this model has"):
        certificate.check_model(other, "out")


def test_networks_without_weights_have_digests_of_their_own(tmp_path):
    digests = set()
    for layer in (
        layers.Rescaling(2),
        layers.Rescaling(3),
        layers.Softmax(),
        layers.Softmax(axis=1),
        layers.MaxPooling2D(2),
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 1.0]),
        layers.Normalization(mean=[1.0, 3.0], variance=[1.0, 1.0]),
        layers.Lambda(lambda x: x + 1, output_shape=(None, None, 2)),
        layers.Lambda(lambda x: x * 2, output_shape=(None, None, 2)),
    ):
        image = keras.Input((None, None, 2), name="input")
        model = keras.Model(image, layer(image))
        model.save(tmp_path / "a.keras")
        loaded = keras.models.load_model(tmp_path / "a.keras", safe_mode=False)
        assert weights_digest(loaded) == weights_digest(model)
        digests.add(weights_digest(model))
    assert len(digests) == 9


@pytest.mark.parametrize("name", OPAQUE_MODELS)
def test_a_network_that_is_built_again_has_the_same_digest(name):
    first, again = OPAQUE_MODELS[name](), OPAQUE_MODELS[name]()
    assert weights_digest(first) != weights_digest(again)
    again.set_weights(first.get_weights())
    assert weights_digest(first) == weights_digest(again)


def test_the_digest_does_not_depend_on_names_and_other_files(tmp_path):
    model = architectures.pixelwise_fcnn(6, crops=())
    same = keras.models.clone_model(model)
    same.set_weights(model.get_weights())
    assert weights_digest(same) == weights_digest(model)
    weights = model.get_weights()
    weights[0][0, 0, 0, 0] += 1
    same.set_weights(weights)
    assert weights_digest(same) != weights_digest(model)
    folder = export(model, tmp_path / "m")
    digest = folder_hash(folder)
    (folder / "notes.txt").write_text("not the model's")
    assert folder_hash(folder) == digest
    (folder / "saved_model.pb").write_bytes(b"")
    assert folder_hash(folder) != digest


def test_a_certificate_of_a_function_is_not_one_of_a_model():
    sizes = {"input": (2, 1, 100)}
    function = testing.BlockMean({"input": 3})
    of_function = certify(function, "estimated", tile=8, inputs=sizes)
    model = one_convolution()
    with pytest.raises(ValueError, match=r"for a plain function.*Map with that func"):
        of_function.check_model(model, "estimated")
    of_model = certify(model, "out", tile=8)
    with pytest.raises(ValueError, match="made for other weights than this model has"):
        of_model.check_model(lambda inputs: {"out": inputs["input"]}, "out")


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("name", ["pan_xs_town", "deep_town"])
def test_rounding_of_trained_networks_is_not_taken_for_a_difference(name):
    """Bright noise gives scores far beyond those of images: softmax is steep there."""
    model = keras.models.load_model(weights_path(name))
    analysis = analyse(model)
    (period,) = {int(size) for size in list(analysis.total_stride.values())[:1]}
    found = certify(model, "estimated", tile=2 * period, progress=False)
    assert found.exact
    assert found.sound
    # A tile that is cut one pixel into its margins is still seen.
    probe = make_probe(
        as_predictor(model), "estimated", inputs=None, spacing=found.spacing
    )
    layout = Layout(period, found.scale, found.lost)
    left, top, right, bottom = found.margins
    wrong = (max(left - 8, 0), top, right, bottom)
    rng = np.random.default_rng(0)
    assert not compare_tiles(probe, layout, 2 * period, wrong, rng).equal
