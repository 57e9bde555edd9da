"""The pixel-wise network, and what `PatchModel` adds to any network."""

import inspect
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scenes import batch

import tutorial_lib as tl
from tutorial_lib import rasters


@pytest.fixture(scope="module")
def fcnn():
    """The network of tutorial 1, six classes, seeded weights."""
    keras.utils.set_random_seed(0)
    return tl.architectures.pixelwise_fcnn(6)


def outputs_of(model, *arrays, names=("input",)):
    inputs = dict(zip(names, arrays, strict=True))
    return {
        name: value.numpy() for name, value in model(inputs, training=False).items()
    }


# The network


@pytest.mark.parametrize(("classes", "parameters"), [(6, 33_718), (4, 33_718 - 2 * 33)])
def test_the_fcnn_has_the_parameters_of_the_tutorial(classes, parameters):
    # A class more or less: 32 weights and a bias.
    assert tl.architectures.pixelwise_fcnn(classes).count_params() == parameters


def test_the_layers_of_the_fcnn_have_the_sizes_of_the_tutorial(fcnn):
    layers = [layer for layer in fcnn.layers if isinstance(layer, keras.layers.Conv2D)]
    size, sizes = (1, 16, 16, 4), []
    for layer in layers:
        size = layer.compute_output_shape(size)
        sizes.append(size[1:])
    assert [(h, c) for h, w, c in sizes if h == w] == [
        (12, 16), (10, 16), (8, 16), (6, 32), (4, 32), (2, 32), (1, 32), (1, 6),
    ]  # fmt: skip


def test_the_outputs_are_those_of_the_tutorial_and_their_crops(fcnn):
    basic = {"estimated", "estimated_labels", "features"}
    crops = {f"{name}_crop{n}" for name in basic for n in (16, 32, 64, 96, 128)}
    assert set(fcnn.output) == basic | crops


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 40), (47, 21), (90, 63)])
def test_inputs_may_have_any_size_and_lose_15_pixels(fcnn, height, width):
    outputs = outputs_of(fcnn, batch(height, width))
    size = (1, height - 15, width - 15)
    assert outputs["estimated"].shape == (*size, 6)
    assert outputs["estimated_labels"].shape == (*size, 1)
    assert outputs["features"].shape == (*size, 32)


def test_labels_are_the_most_probable_classes(fcnn):
    outputs = outputs_of(fcnn, batch(40, 50))
    estimated = outputs["estimated"]
    assert np.allclose(estimated.sum(-1), 1, atol=1e-5)
    assert np.array_equal(outputs["estimated_labels"][..., 0], estimated.argmax(-1))
    assert np.issubdtype(outputs["estimated_labels"].dtype, np.integer)


def test_crops_are_slices_which_may_be_empty(fcnn):
    outputs = outputs_of(fcnn, batch(60, 95))
    for name in ("estimated", "estimated_labels", "features"):
        whole = outputs[name]
        assert np.array_equal(outputs[f"{name}_crop16"], whole[:, 16:-16, 16:-16])
        assert outputs[f"{name}_crop64"].size == 0
    assert outputs["features_crop32"].shape == (1, 0, 16, 32)


def test_the_fcnn_equals_its_layers_computed_by_hand(fcnn):
    # 16x16 pixels by hand: scaled, correlated with the kernels, ReLU, softmax.
    pixels = batch(16, 16)
    value = pixels[0].astype("float64") / 10_000
    layers = [layer for layer in fcnn.layers if isinstance(layer, keras.layers.Conv2D)]
    for layer in layers:
        kernel, bias = layer.get_weights()
        windows = np.lib.stride_tricks.sliding_window_view(
            value, kernel.shape[:2], (0, 1)
        )
        value = np.einsum("hwcyx,yxco->hwo", windows, kernel.astype("float64")) + bias
        value = np.maximum(value, 0) if layer is not layers[-1] else value
    expected = np.exp(value) / np.exp(value).sum(-1, keepdims=True)
    assert np.allclose(outputs_of(fcnn, pixels)["estimated"][0], expected, atol=1e-5)


# PatchModel


class TwoSources(tl.PatchModel):
    """Two means of scaled inputs, and their difference as a further output."""

    scale = 0.5

    def network(self, inputs):
        mean = keras.layers.Conv2D(1, 3, kernel_initializer="ones", name="mean")
        return {"estimated": mean(inputs["a"]) + inputs["b"][:, 1:-1, 1:-1]}

    def postprocess(self, outputs):
        return super().postprocess(outputs) | {"double": outputs["estimated"] * 2}


def test_a_subclass_may_define_scale_crops_and_postprocessing():
    model = TwoSources(crops=(1, 3)).build({"a": 1, "b": 1})
    a, b = batch(12, 15, 1), batch(12, 15, 1, seed=1)
    outputs = outputs_of(model, a, b, names=("a", "b"))
    assert set(outputs) == {"estimated", "estimated_crop1", "estimated_crop3", "double"}
    windows = np.lib.stride_tricks.sliding_window_view(a[0, ..., 0], (3, 3))
    expected = (windows.sum((2, 3)) + b[0, 1:-1, 1:-1, 0]) / 2
    assert np.allclose(outputs["estimated"][0, ..., 0], expected, rtol=1e-5)
    assert np.array_equal(outputs["double"], 2 * outputs["estimated"])
    assert np.array_equal(
        outputs["estimated_crop3"], outputs["estimated"][:, 3:-3, 3:-3]
    )


def test_normalize_may_be_replaced():
    class Plain(TwoSources):
        def normalize(self, inputs):
            return inputs

    a, b = batch(9, 8, 1), batch(9, 8, 1, seed=1)
    plain, halved = (
        outputs_of(kind(crops=()).build({"a": 1, "b": 1}), a, b, names=("a", "b"))
        for kind in (Plain, TwoSources)
    )
    assert set(plain) == {"estimated", "double"}
    assert np.allclose(plain["estimated"], 2 * halved["estimated"])


def test_integer_pixels_are_scaled_as_floats(fcnn):
    pixels = batch(20, 17).astype("uint16")
    as_floats = outputs_of(fcnn, pixels.astype("float32"))["estimated"]
    assert np.array_equal(outputs_of(fcnn, pixels)["estimated"], as_floats)


def test_a_patch_model_without_a_network_cannot_be_made():
    with pytest.raises(TypeError, match="network"):
        tl.PatchModel()


# Training with a target for only one output


def training_data(count=24, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = (
        rng.integers(0, 1000, (count, 16, 16, 4)) + 2500 * labels[:, None, None, None]
    )
    target = np.eye(3, dtype="float32")[labels].reshape(count, 1, 1, 3)
    return {"input": pixels.astype("float32")}, {"estimated": target}


def compiled(seed=0):
    keras.utils.set_random_seed(seed)
    model = tl.architectures.pixelwise_fcnn(3, crops=(16,))
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss={"estimated": "categorical_crossentropy"},
        metrics={"estimated": ["categorical_accuracy"]},
    )
    return model


def test_only_the_output_with_a_target_is_trained():
    inputs, targets = training_data()
    model = compiled()
    history = model.fit(inputs, targets, epochs=1, batch_size=24, verbose=0).history
    # Before the first step: the cross-entropy of `estimated`, by hand.
    probability = outputs_of(compiled(), inputs["input"])["estimated"]
    expected = -np.log((probability * targets["estimated"]).sum(-1)).mean()
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
    scores = model.evaluate(inputs, targets, verbose=0, return_dict=True)
    (accuracy,) = (value for name, value in scores.items() if "accuracy" in name)
    probability = outputs_of(model, inputs["input"])["estimated"]
    hits = probability.argmax(-1) == targets["estimated"].argmax(-1)
    assert accuracy == pytest.approx(hits.mean())


@pytest.mark.slow
def test_the_best_checkpoint_has_the_smallest_validation_loss(tmp_path):
    path = tmp_path / "best.keras"
    inputs, targets = training_data()
    validation = training_data(seed=1)
    # The last step is so large that the last epoch is not the best one.
    rate = keras.callbacks.LearningRateScheduler(lambda n, _: 1e-3 if n < 3 else 0.5)
    model = compiled()
    losses = model.fit(
        inputs,
        targets,
        validation_data=validation,
        epochs=4,
        batch_size=8,
        verbose=0,
        callbacks=[rate, keras.callbacks.ModelCheckpoint(path, save_best_only=True)],
    ).history["val_loss"]
    best = keras.models.load_model(path)
    scores = best.evaluate(*validation, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(min(losses), rel=1e-5)
    assert min(losses) < losses[-1]


@pytest.mark.slow
def test_the_same_seed_trains_the_same_weights():
    def weights():
        model = compiled(seed=1)
        inputs, targets = training_data()
        model.fit(inputs, targets, epochs=2, batch_size=8, verbose=0)
        return model.get_weights()

    first, same = weights(), weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    one, other = (compiled(seed).get_weights()[0] for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, first[0])


def test_a_target_without_an_output_is_refused():
    inputs, targets = training_data()
    with pytest.raises(ValueError, match=r"target 'classes'.*It has: estimated, "):
        compiled().fit(inputs, {"classes": targets["estimated"]}, verbose=0)


# The scale of pixel values


NETWORKS = {
    "pooled_cnn": (6_214, 1e-4),
    "pixelwise_fcnn": (33_718, 1e-4),
    "dual_source_fcnn": (49_046, 1e-4),
    "pan_xs_unet": (122_004, 0.01),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_a_scale_and_as_many_weights_with_any(name, tmp_path):
    count, default = NETWORKS[name]
    build = getattr(tl.architectures, name)
    classes = 4 if name == "pan_xs_unet" else 6
    networks = {}
    for scale in (None, 1 / 255):
        keras.utils.set_random_seed(0)
        options = {"crops": ()} if scale is None else {"crops": (), "scale": scale}
        networks[scale or default] = build(classes, **options)
    for scale, network in networks.items():
        assert network.count_params() == count
        network.save(tmp_path / "a.keras")
        for one in (network, keras.models.load_model(tmp_path / "a.keras")):
            layers = {x.scale for x in one.layers if hasattr(x, "offset")}
            assert layers == {scale}
    plain, bright = networks[default], networks[1 / 255]
    sides = {"input_20m": 32, "input_xs": 16}
    image = {
        n: batch(sides.get(n, 64), sides.get(n, 64), x.shape[-1])
        for n, x in plain.input.items()
    }
    darker = {n: x * np.float32(default * 255) for n, x in image.items()}
    expected = plain(image, training=False)["estimated"]
    given = bright(darker, training=False)["estimated"]
    np.testing.assert_allclose(given, expected, atol=1e-4)


def test_a_deeper_network_and_a_network_of_ones_own_have_a_scale():
    deeper = tl.architectures.deeper_unet(2, depth=3, crops=(), scale=0.5)
    assert {x.scale for x in deeper.layers if hasattr(x, "offset")} == {0.5}
    a, b = batch(9, 8, 1), batch(9, 8, 1, seed=1)
    halved, doubled = (
        outputs_of(TwoSources((), **scale).build({"a": 1, "b": 1}), a, b, names="ab")
        for scale in ({}, {"scale": 2})
    )
    np.testing.assert_allclose(doubled["estimated"], 4 * halved["estimated"])


def bytes_data(count=48, seed=0):
    """As `training_data`, in values of 8 bits."""
    inputs, targets = training_data(count, seed)
    return {"input": (inputs["input"] / 30).astype("uint8")}, targets


class Mean(tl.PatchModel):
    """A network that compiles quickly."""

    def network(self, inputs):
        layer = keras.layers.Conv2D(3, 16, activation="softmax", name="mean")
        return {"estimated": layer(inputs["input"])}


def mean(**scale):
    keras.utils.set_random_seed(0)
    model = Mean((), **scale).build({"input": 4})
    model.compile("sgd", {"estimated": "categorical_crossentropy"})
    return model


def as_dataset(inputs, targets, size=8):
    data = tf.data.Dataset.from_tensor_slices((inputs, targets))
    return data.shuffle(48, seed=1).batch(size)


WARNING = r"'input' are at most 0\.02.*multiplied by 0\.0001.*`scale=1 / 255`"


def fit(model, *data, **options):
    """The warnings of a training."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, verbose=0, **options)
    return [w for w in caught if "The scaled values" in str(w.message)]


@pytest.mark.sampled(daily=3)
@pytest.mark.parametrize("size", [1, 8, 48])
@pytest.mark.parametrize("form", ["arrays", "dataset"])
def test_tiny_scaled_values_are_warned_of_once(form, size):
    inputs, targets = bytes_data()
    data = (
        (inputs, targets) if form == "arrays" else (as_dataset(inputs, targets, size),)
    )
    options = {"batch_size": size} if form == "arrays" else {}
    model = mean()
    (warning,) = fit(model, *data, epochs=2, **options)
    assert re.search(WARNING, str(warning.message))
    assert warning.filename == __file__
    assert not fit(model, *data, **options)
    # The cure helps.
    assert not fit(mean(scale=1 / 255), *data, **options)


@pytest.mark.slow
def test_tiny_values_of_one_input_of_two_are_warned_of():
    keras.utils.set_random_seed(0)
    model = tl.architectures.dual_source_fcnn(3, crops=())
    model.compile("adam", {"estimated": "categorical_crossentropy"})
    inputs, targets = training_data()
    inputs = {
        "input_10m": inputs["input"],
        "input_20m": np.full((24, 8, 8, 6), 200, "uint8"),
    }
    (warning,) = fit(model, inputs, targets)
    assert "'input_20m' are at most 0.02" in str(warning.message)


@pytest.mark.parametrize("size", [1, 8])
def test_dark_patches_of_water_are_not_warned_of(size):
    """Some are darker than 0.05, and not all of the first 32."""
    inputs, targets = training_data(32)
    inputs["input"][:20] = np.minimum(inputs["input"][:20], 300)
    inputs["input"][20:] = np.maximum(inputs["input"][20:], 900)
    data = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(size)
    assert not fit(mean(), data)
    assert not fit(mean(), inputs, targets, batch_size=size)


def test_the_sample_scenes_are_not_warned_of(havel_folder):
    pixels = tl.Source(havel_folder / "s2_10m.tif")
    values = rasters.read_array(pixels.path)
    rows = values[: values.shape[0] // 16 * 16, :1024].astype("float32")
    patches = rows.reshape(-1, 16, 64, 16, 4).swapaxes(1, 2).reshape(-1, 16, 16, 4)
    # The darkest patch of the scene comes first; 31 others follow.
    order = np.argsort(patches.max(axis=(1, 2, 3)), kind="stable")
    some = np.concatenate([order[:1], np.random.default_rng(0).permutation(order)[:31]])
    target = {"estimated": np.tile(np.float32([1, 0, 0]), (32, 1, 1, 1))}
    data = tf.data.Dataset.from_tensor_slices(({"input": patches[some]}, target))
    assert not fit(mean(), data.batch(1))


def test_looking_at_the_first_patches_keeps_the_order_of_all_batches():
    """Also of datasets that shuffle anew in each epoch, and of generators."""
    inputs, targets = bytes_data()
    marked = inputs | {"input": inputs["input"].astype("float32")}
    marked["input"][:, 0, 0, 0] = np.arange(48)
    seen = []

    def note(x, y):
        tf.numpy_function(
            lambda v: seen.append(v[:, 0, 0, 0].tolist()), [x["input"]], []
        )
        return x, y

    orders = []
    for looked_at in (False, True):
        seen.clear()
        tf.random.set_seed(0)
        data = as_dataset(marked, targets).map(note)
        model = mean()
        if not looked_at:
            vars(model)["_tutorial_lib_scale_checked"] = True
        assert len(fit(model, data, epochs=3)) == looked_at
        orders.append(list(seen))
    assert orders[0] == orders[1]
    assert len(orders[0]) == 3 * 6
    assert orders[0][:6] != orders[0][6:12]


def test_the_look_at_the_scale_does_not_change_what_is_learnt_or_saved(tmp_path):
    inputs, targets = bytes_data()
    weights = []
    for looked_at in (True, False):
        model = mean()
        if not looked_at:
            vars(model)["_tutorial_lib_scale_checked"] = True
        callbacks = [keras.callbacks.History()]
        fit(model, as_dataset(inputs, targets), epochs=2, callbacks=callbacks)
        assert len(callbacks) == 1
        weights.append(model.get_weights())
        model.save(tmp_path / "a.keras")
        assert keras.models.load_model(tmp_path / "a.keras").optimizer.iterations == 12
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


# Wrong arguments


WRONG = {
    "class_count": [0, 1, 2.5, -3, "4", None, [4], True, np.nan],
    "crops": [-1, 2.5, "16", None, (16, -1), (16, "32"), {"a": 1}],
    "scale": [0, -1, "1", None, np.nan, np.inf, [1, 2], True],
    "channels": [None, 0, -1, 2.5, "4", (), {"input": 4}],
    "depth": [0, 2, 3.5, "4", None],
}


@pytest.mark.parametrize("name", [*NETWORKS, "deeper_unet"])
@pytest.mark.parametrize("argument", WRONG)
def test_a_wrong_argument_of_a_network_is_named(name, argument):
    build = getattr(tl.architectures, name)
    if argument not in inspect.signature(build).parameters:
        return
    good = {"class_count": 3, "crops": ()}
    good |= {"depth": 3} if name == "deeper_unet" else {}
    for value in WRONG[argument]:
        with pytest.raises((TypeError, ValueError), match=f"^`{argument}.* Give "):
            build(**(good | {argument: value}))


@pytest.mark.parametrize("channels", [4, (4,), (1, 2, 3)])
def test_a_network_of_two_sources_needs_two_numbers_of_channels(channels):
    with pytest.raises(ValueError, match="Give two whole numbers: the bands"):
        tl.architectures.dual_source_fcnn(3, channels=channels)


def test_what_is_unambiguous_is_accepted():
    network = tl.architectures.dual_source_fcnn(
        np.int64(3), channels=np.array([4, 6]), crops=16, scale=np.float32(1)
    )
    assert "estimated_crop16" in network.output
    listed = tl.architectures.pooled_cnn(3, crops=[1, 2], channels=np.uint8(2))
    assert listed.input["input"].shape[-1] == 2
    assert tl.PatchModel.scale == 1e-4


@pytest.mark.parametrize(
    ("channels", "kind"),
    [
        (4, TypeError),
        ({}, ValueError),
        ({"a": 1, "b": 0}, ValueError),
        ({"a": 1, "b": None}, TypeError),
        ({"a": 1, "b": 2.5}, ValueError),
        ({1: 4}, TypeError),
        (["a", "b"], TypeError),
    ],
)
def test_build_names_wrong_channels(channels, kind):
    with pytest.raises(kind, match=r"`channels.* Give"):
        TwoSources(crops=()).build(channels)


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (lambda x: x["a"], "an image of the network"),
        (lambda x: {"estimated": 3}, r"a dictionary of {'estimated': 'a number'}"),
        (
            lambda x: {"estimated": keras.layers.Flatten()(x["a"][:, :1, :1])},
            r"a dictionary of {'estimated': \(None, None\)}",
        ),
        (lambda x: {}, "an empty dictionary"),
        (lambda x: None, r"nothing \(`None`\)"),
    ],
)
def test_a_network_that_returns_no_images_is_refused(returned, named):
    class Wrong(tl.PatchModel):
        def network(self, inputs):
            return returned(inputs)

    with pytest.raises(
        TypeError, match=rf"^`network` returned {named}\. It must.*'estimated': …}}\.$"
    ):
        Wrong(crops=(2,)).build({"a": 1})


# Saving


@pytest.mark.slow
def test_a_reloaded_model_trains_on(tmp_path):
    inputs, targets = training_data()
    model = compiled()
    model.fit(inputs, targets, epochs=1, verbose=0)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    losses = again.fit(inputs, targets, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert not np.array_equal(again.get_weights()[0], model.get_weights()[0])


def test_an_exported_model_keeps_its_names(tmp_path, fcnn):
    fcnn.export(tmp_path / "saved", verbose=False)
    predict = tl.load_predictor(tmp_path / "saved")
    assert dict(predict.channels) == {"input": 4}
    assert set(predict.outputs) == set(fcnn.output)
    pixels = batch(40, 50)
    result = predict({"input": pixels}, ["features"])["features"]
    assert np.allclose(result, outputs_of(fcnn, pixels)["features"], atol=1e-5)
