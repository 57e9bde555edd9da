"""The pixel-wise network, and what `PatchModel` adds to any network."""

import keras
import numpy as np
import pytest
from scenes import batch

import tutorial_lib as tl


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


# Saving


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
