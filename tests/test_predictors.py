"""Any model becomes one function from arrays to arrays."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib import Source, plan_inference, testing
from tutorial_lib.networks import predictors
from tutorial_lib.networks.predictors import OutputError, as_predictor, load_predictor

IMAGE = np.random.default_rng(0).normal(size=(2, 9, 11, 3)).astype("float32")
OTHER = np.random.default_rng(1).normal(size=(2, 9, 11, 3)).astype("float32")


def two_inputs(*, order, as_dict=False):
    """`difference` is a - 2 b, which shows when the inputs are swapped."""
    inputs = {name: keras.Input((None, None, 3), name=name) for name in order}
    difference = inputs["a"] - 2 * inputs["b"]
    double = keras.layers.Rescaling(2, name="double")(difference)
    if as_dict:
        return keras.Model(inputs, {"difference": difference, "double": double})
    difference = keras.layers.Identity(name="difference")(difference)
    return keras.Model(list(inputs.values()), [difference, double])


@pytest.mark.parametrize("as_dict", [True, False])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_inputs_and_outputs_of_a_keras_model_go_by_name(order, as_dict):
    predictor = as_predictor(two_inputs(order=order, as_dict=as_dict))
    given = predictor({"b": OTHER, "a": IMAGE}, ["double", "difference"])
    assert dict(predictor.channels) == {"a": 3, "b": 3}
    assert set(predictor.outputs) == {"difference", "double"}
    np.testing.assert_allclose(given["difference"], IMAGE - 2 * OTHER, atol=1e-6)
    np.testing.assert_allclose(given["double"], 2 * given["difference"], atol=1e-6)


def test_a_model_of_bare_tensors_is_called_without_a_warning():
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, keras.layers.Rescaling(3, name="triple")(image))
    predictor = as_predictor(model)
    assert (dict(predictor.channels), predictor.outputs) == ({"image": 3}, ("triple",))
    given = predictor({"image": IMAGE}, ["triple"])["triple"]
    np.testing.assert_allclose(given, 3 * IMAGE, atol=1e-6)


def test_a_sequential_model_names_its_output_after_its_last_layer():
    layers = [keras.Input((None, None, 3), name="image"), keras.layers.Rescaling(3)]
    layers[-1].name = "triple"
    predictor = as_predictor(keras.Sequential(layers))
    given = predictor({next(iter(predictor.channels)): IMAGE}, predictor.outputs)
    np.testing.assert_allclose(given["triple"], 3 * IMAGE, atol=1e-6)


def test_dropout_sleeps():
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, keras.layers.Dropout(0.9, name="same")(image))
    given = as_predictor(model)({"image": IMAGE}, ["same"])["same"]
    np.testing.assert_array_equal(given, IMAGE)


def test_outputs_that_are_not_asked_for_are_not_computed():
    predictor = as_predictor(two_inputs(order="ab", as_dict=True))
    given = predictor.function({"a": IMAGE, "b": OTHER}, ["double"])
    assert list(given) == ["double"]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_saved_models_give_what_the_model_gives(tmp_path, order):
    model = two_inputs(order=order, as_dict=True)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "served", verbose=False)
    inputs = {"b": OTHER, "a": IMAGE}
    expected = as_predictor(model)(inputs, ["difference"])["difference"]
    for path in (tmp_path / "model.keras", str(tmp_path / "served")):
        given = load_predictor(path)(inputs, ["difference"])["difference"]
        np.testing.assert_allclose(given, expected, atol=1e-6)


def test_a_saved_model_outlives_its_loader(tmp_path):
    """Its variables belong to the loaded object, which nobody else holds."""
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model({"image": image}, {"net": keras.layers.Conv2D(2, 3)(image)})
    model.export(tmp_path / "served", verbose=False)
    predictor = as_predictor(tmp_path / "served")
    given = predictor({"image": IMAGE}, ["net"])["net"]
    np.testing.assert_allclose(given, model({"image": IMAGE})["net"], atol=1e-5)


def test_integers_reach_the_network_as_floats():
    predictor = as_predictor(two_inputs(order="ab", as_dict=True))
    small = np.full((1, 2, 3, 3), 7, "uint8")
    given = predictor({"a": small, "b": small.astype("uint16")}, ["difference"])
    assert given["difference"].dtype == np.float32
    assert (given["difference"] == 7 - 14).all()


def test_each_shape_is_compiled_once():
    traced = []

    class Traced(keras.layers.Layer):
        def call(self, inputs):
            traced.append(tuple(inputs.shape))
            return inputs * 2

    image = keras.Input((None, None, 3), name="image")
    predictor = as_predictor(keras.Model(image, Traced(name="net")(image)))
    traced.clear()
    for _ in range(3):
        predictor({"image": IMAGE}, ["net"])
        predictor({"image": IMAGE[:, :5]}, ["net"])
    assert traced == [(2, 9, 11, 3), (2, 5, 11, 3)]


def test_an_output_without_places_is_one_pixel():
    predictor = as_predictor(lambda inputs: {"score": inputs["image"].mean((1, 2))})
    score = predictor({"image": IMAGE}, ["score"])["score"]
    np.testing.assert_array_equal(score[:, 0, 0], IMAGE.mean((1, 2)))


def test_a_function_of_tensors_is_a_model():
    function = tf.function(lambda inputs: {"double": 2 * inputs["image"]})
    given = as_predictor(function)({"image": IMAGE}, ["double"])["double"]
    np.testing.assert_array_equal(given, 2 * IMAGE)


def test_a_dense_network_maps_patch_by_patch():
    scene = testing.small_scene()
    patch = keras.Input((6, 6, 4), name="patch")
    features = keras.layers.Flatten()(patch)
    weights = keras.layers.Dense(1, kernel_initializer="ones", name="total")(features)
    plan = plan_inference(
        keras.Model(patch, weights),
        Source(scene["input_10m"], receptive_field=6),
        output="total",
        mode="patch_based",
        tile_size=50,
    )
    total = 6 * 6 * 4
    mean = plan_inference(
        testing.BlockMean({"input": 6}),
        Source(scene["input_10m"], receptive_field=6),
        output="estimated",
    )
    np.testing.assert_allclose(plan.read(), total * mean.read(), rtol=1e-5)


def test_a_dense_network_is_sent_to_the_patch_based_mode():
    patch = keras.Input((6, 6, 4), name="patch")
    net = keras.layers.Dense(2, name="net")(keras.layers.Flatten()(patch))
    source = Source(testing.small_scene()["input_10m"], receptive_field=6)
    with pytest.raises(ValueError, match=r"'patch': 7.*use `mode='patch_based'`"):
        plan_inference(keras.Model(patch, net), source, output="net")


@pytest.mark.parametrize("wrong", [None, 3, ["model"]])
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(TypeError, match=f"Received: {type(wrong).__name__}"):
        as_predictor(wrong)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model at '.*no\.keras'"):
        as_predictor(tmp_path / "no.keras")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.txt").write_text("no model")
    for path in (tmp_path, tmp_path / "model.txt"):
        with pytest.raises(ValueError, match="is not a model: it must be"):
            as_predictor(path)


def test_a_saved_model_without_signature_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(ValueError, match=r"'.*empty' has no signature"):
        load_predictor(tmp_path / "empty")


def test_a_model_that_was_never_built_is_refused():
    with pytest.raises(ValueError, match="'later' does not know its inputs"):
        as_predictor(keras.Sequential([keras.layers.Dense(2)], name="later"))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (IMAGE, r"returns {output name: array}. Received: ndarray"),
        ({"a": IMAGE}, r"gives no output 'net'. It gives: \['a'\]"),
        ({"net": IMAGE[..., 0]}, r"'net' has the shape \(2, 9, 11\)"),
    ],
)
def test_a_function_that_returns_something_else_is_refused(returned, message):
    with pytest.raises(OutputError, match=message):
        as_predictor(lambda inputs: returned)({"image": IMAGE}, ["net"])
    source = Source(testing.small_scene()["input_10m"], receptive_field=6)
    with pytest.raises(OutputError, match=message):
        plan_inference(lambda inputs: returned, source, output="net")


def test_a_predictor_stays_what_it_is():
    predictor = predictors.Predictor(lambda inputs, outputs: {}, {}, ())
    assert as_predictor(predictor) is predictor
