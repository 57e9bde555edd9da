"""Any model becomes one function from arrays to arrays, with one identity."""

import gc
import subprocess
import sys
import weakref
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import tutorial_lib as tl
from tutorial_lib import (
    Source,
    analyse,
    architectures,
    certify,
    export,
    plan_inference,
    register_rule,
    testing,
)
from tutorial_lib.fields import analysis
from tutorial_lib.fields.layer_rules import pointwise, window
from tutorial_lib.networks.predictors import (
    OutputError,
    Predictor,
    as_predictor,
    load_predictor,
)

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
def test_inputs_and_outputs_of_a_keras_model_have_names(order, as_dict):
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


def test_dropout_does_nothing():
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


def test_a_saved_model_keeps_its_variables(tmp_path):
    """Its variables belong to the loaded object, which only the predictor holds."""
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


class Traced(keras.layers.Layer):
    """Twice its input; keeps the shapes that it was compiled for."""

    def __init__(self):
        super().__init__(name="net")
        self._shapes = []

    def compute_output_shape(self, shape):
        return shape

    def call(self, inputs):
        self._shapes.append(tuple(inputs.shape))
        return inputs * 2


def traced_network():
    """A model, and the list of the shapes for which it was compiled so far."""
    image = keras.Input((None, None, 4), name="input")
    layer = Traced()
    model = keras.Model(image, layer(image))
    layer._shapes.clear()
    return model, layer._shapes


def test_a_model_is_compiled_once_for_images_of_all_sizes():
    model, shapes = traced_network()
    image = np.zeros((2, 9, 11, 4), "float32")
    for given in (image, image[:1], image[:, :5], image.astype("uint8")):
        result = as_predictor(model)({"input": given}, ["net"])["net"]
        assert result.shape == given.shape
    assert shapes == [(None, None, None, 4)]


def test_a_layer_that_needs_to_know_the_size_is_compiled_for_each_size_once():
    class Sized(Traced):
        def call(self, inputs):
            if inputs.shape[1] is None:
                raise ValueError("The size is not known.")
            return super().call(inputs)

    image = keras.Input((None, None, 4), name="input")
    layer = Sized()
    predictor = as_predictor(keras.Model(image, layer(image)))
    layer._shapes.clear()
    given = np.zeros((2, 9, 11, 4), "float32")
    for _ in range(3):
        predictor({"input": given}, ["net"])
        predictor({"input": given[:, :5]}, ["net"])
    assert layer._shapes == [(2, 9, 11, 4), (2, 5, 11, 4)]


def test_an_output_without_height_and_width_is_one_pixel():
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


def test_a_dense_network_needs_the_patch_based_mode():
    patch = keras.Input((6, 6, 4), name="patch")
    net = keras.layers.Dense(2, name="net")(keras.layers.Flatten()(patch))
    source = Source(testing.small_scene()["input_10m"], receptive_field=6)
    with pytest.raises(ValueError, match=r"'patch': 7.*use `mode='patch_based'`"):
        plan_inference(keras.Model(patch, net), source, output="net")


@pytest.mark.parametrize(
    ("wrong", "kind"), [(None, "nothing"), (3, "a number"), (["model"], "a list")]
)
def test_objects_that_are_not_models_are_refused(wrong, kind):
    with pytest.raises(TypeError, match=f"Received: {kind}"):
        as_predictor(wrong)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model at '.*no\.keras'"):
        as_predictor(tmp_path / "no.keras")


def test_other_files_and_folders_are_refused(tmp_path):
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
        (IMAGE, r"returns {output name: array}. Received: an array"),
        ({"a": IMAGE}, r"gives no output 'net'. It gives: \['a'\]"),
        ({"net": IMAGE[..., 0]}, r"'net' has the shape \(2, 9, 11\)"),
    ],
)
def test_a_function_with_wrong_results_is_refused(returned, message):
    with pytest.raises(OutputError, match=message):
        as_predictor(lambda inputs: returned)({"image": IMAGE}, ["net"])
    source = Source(testing.small_scene()["input_10m"], receptive_field=6)
    with pytest.raises(OutputError, match=message):
        plan_inference(lambda inputs: returned, source, output="net")


# Arguments of a call


def triple():
    image = keras.Input((None, None, 3), name="image")
    return keras.Model(image, keras.layers.Rescaling(3, name="triple")(image))


@pytest.mark.parametrize("outputs", [None, 3, [], (), [3], [None], {"triple": 1}])
def test_outputs_are_asked_for_by_name(outputs):
    with pytest.raises((TypeError, ValueError), match=r"^`output.* is .*Give a"):
        as_predictor(triple())({"image": IMAGE}, outputs)


@pytest.mark.parametrize("inputs", [None, 3, [IMAGE], "image", IMAGE, {1: IMAGE}])
def test_inputs_are_given_by_name(inputs):
    with pytest.raises(TypeError, match=r"^`inputs` (is|has) .*{'image': array}"):
        as_predictor(triple())(inputs, "triple")


@pytest.mark.parametrize(
    "value",
    [None, "image", [[1], [1, 2]], object(), IMAGE.astype(str), IMAGE * 1j],
    ids=["None", "text", "ragged", "object", "texts", "complex"],
)
def test_an_image_holds_real_numbers(value):
    with pytest.raises(TypeError, match="'image' is not an array of real numbers"):
        as_predictor(triple())({"image": value}, "triple")


@pytest.mark.parametrize("kind", ["list", "tensor", "bool", "uint16", "float64"])
def test_images_of_many_forms_are_accepted(kind):
    forms = {"list": IMAGE.tolist(), "tensor": tf.constant(IMAGE)}
    value = forms.get(kind, None if kind in forms else IMAGE.astype(kind, copy=True))
    given = as_predictor(triple())({"image": value}, ("triple",))["triple"]
    expected = np.asarray(value, "float32")
    np.testing.assert_allclose(given, 3 * expected, rtol=1e-6)


def test_sizes_that_do_not_fit_are_refused_in_one_sentence():
    unet = as_predictor(architectures.pan_xs_unet(3, crops=()))
    fcnn = as_predictor(architectures.pixelwise_fcnn(3, crops=()))
    pan, xs = np.zeros((1, 32, 32, 1)), np.zeros((1, 9, 8, 4))
    for predict, inputs in (
        (unet, {"input_p": pan, "input_xs": xs}),
        (fcnn, {"input": np.zeros((1, 8, 8, 4))}),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]*The images have the shapes {'in"):
            predict(inputs, "estimated")


def test_an_error_of_tensorflow_is_told_in_one_sentence():
    class Picky(keras.layers.Layer):
        def compute_output_shape(self, shape):
            return shape

        def call(self, image):
            return image + tf.reshape(tf.range(7.0), (1, 1, 7, 1))

    image = keras.Input((None, None, 3), name="image")
    predict = as_predictor(keras.Model(image, Picky(name="net")(image)))
    assert predict({"image": IMAGE[:, :, :7]}, "net")["net"].shape == (2, 9, 7, 3)
    with pytest.raises(ValueError, match=r"^[^\n]*7[^\n]*shapes {'image': \(2, 9, 11"):
        predict({"image": IMAGE}, "net")


def test_a_network_of_one_size_says_how_it_takes_others():
    def built(side):
        image = keras.Input((side, side, 3), name="image")
        layer = keras.layers.Conv2D(2, 3, name="net")
        return keras.Model(image, layer(image))

    old = built(8)
    with pytest.raises(ValueError, match=r"9x11 px, and .* 8x8 px only") as caught:
        as_predictor(old)({"image": IMAGE}, "net")
    rebuild, copy = str(caught.value).split("`")[1::2]
    new = built(None)
    assert eval(rebuild, {"keras": keras}).shape == new.input.shape
    eval(copy, {"old": old, "new": new})
    part = {"image": IMAGE[:, :8, :8]}
    np.testing.assert_array_equal(
        as_predictor(new)({"image": IMAGE}, "net")["net"][:, :6, :6],
        as_predictor(old)(part, "net")["net"],
    )


# Functions


def test_a_function_that_changes_its_input_leaves_the_callers_image():
    def model(inputs):
        inputs["image"] *= 2
        return {"net": inputs["image"]}

    image = IMAGE.copy()
    for _ in range(2):
        given = as_predictor(model)({"image": image}, "net")["net"]
        np.testing.assert_array_equal(given, 2 * IMAGE)
    np.testing.assert_array_equal(image, IMAGE)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (IMAGE[:1], "'net' has 1 images for 2 that were given"),
        (np.concatenate([IMAGE, IMAGE]), "'net' has 4 images for 2"),
        (
            IMAGE.astype(str),
            "'net' is not an array of real numbers, but an array of <U32",
        ),
        (IMAGE * 1j, "not an array of real numbers"),
        ("map", "not an array of real numbers, but text"),
        (None, "not an array of real numbers, but nothing"),
        ([[1], [1, 2]], "not an array of real numbers, but a list"),
        (3.0, r"'net' has the shape \(\)"),
    ],
)
def test_a_function_with_wrong_arrays_is_refused(net, message):
    with pytest.raises(OutputError, match=message):
        as_predictor(lambda inputs: {"net": net})({"image": IMAGE}, "net")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_function_may_give_nan(value):
    predict = as_predictor(lambda inputs: {"net": np.full((2, 3, 4, 1), value)})
    assert not np.isfinite(predict({"image": IMAGE}, "net")["net"]).any()


def test_a_function_may_return_lists_and_tensors():
    for convert in (tf.constant, np.ndarray.tolist, lambda x: tf.cast(x, "bfloat16")):
        predict = as_predictor(lambda inputs, c=convert: {"net": c(inputs["image"])})
        given = predict({"image": IMAGE}, "net")["net"]
        np.testing.assert_allclose(given, IMAGE, rtol=0.01)


class Own(tl.PatchModel):
    def network(self, inputs):
        return {"net": inputs["image"]}


@pytest.mark.parametrize("wrong", [Own, keras.Model, keras.layers.ReLU, dict])
def test_classes_are_no_models(wrong):
    with pytest.raises(TypeError, match=r"A model is .*Received: a class"):
        as_predictor(wrong)


def test_a_patch_model_that_was_not_built_is_told_to_be():
    with pytest.raises(TypeError, match=r"Received: .*`Own`; build a PatchModel"):
        as_predictor(Own())


# Keras models of unusual forms


def outputs_named(form):
    image = keras.Input((None, None, 3), name="image")
    twice = keras.layers.Conv2D(3, 3, padding="same", name="twice")
    once, again = twice(image), twice(twice(image))
    inner_image = keras.Input((None, None, 3))
    inner = keras.Model(inner_image, keras.layers.ReLU()(inner_image), name="inner")
    forms = {
        "dictionary": {"a": once, "b": again},
        "one tensor twice, by key": {"a": once, "b": once},
        "input as output": {"a": image, "b": once},
        "list": [twice(image), again],
        "one tensor twice": [once, once],
        "nested model twice": [inner(once), inner(again)],
        "nested dictionaries": {"a": {"b": once}, "c": again},
        "nested lists": [[once], [inner(again)]],
        "keys of numbers": {1: once, 2: again},
        "tuple": (once, inner(again)),
    }
    return keras.Model(image, forms[form])


LISTED = {
    "dictionary": ("a", "b"),
    "one tensor twice, by key": ("a", "b"),
    "input as output": ("a", "b"),
    "tuple": ("twice", "inner"),
}
REFUSED = {
    "list": "named 'twice'",
    "one tensor twice": "named 'twice'",
    "nested model twice": "named 'inner'",
    "nested dictionaries": "nested",
    "nested lists": "nested",
    "keys of numbers": "not named by texts",
}


@pytest.mark.parametrize("form", LISTED)
def test_each_output_has_its_own_name_everywhere(tmp_path, form):
    model = outputs_named(form)
    predict = as_predictor(model)
    served = load_predictor(export(model, tmp_path / "served"))
    assert set(predict.outputs) == set(LISTED[form]) == set(served.outputs)
    assert set(analyse(model).margins) == set(LISTED[form])
    given, again = (f({"image": IMAGE}, LISTED[form]) for f in (predict, served))
    results = model({"image": IMAGE} if isinstance(model.input, dict) else IMAGE)
    results = (
        results
        if isinstance(results, dict)
        else dict(zip(LISTED[form], results, strict=True))
    )
    for name in LISTED[form]:
        np.testing.assert_allclose(given[name], results[name], atol=1e-5)
        np.testing.assert_allclose(again[name], results[name], atol=1e-5)


@pytest.mark.parametrize("form", REFUSED)
def test_outputs_without_a_name_of_their_own_are_refused(tmp_path, form):
    model = outputs_named(form)
    for use in (
        as_predictor,
        analyse,
        lambda m: export(m, tmp_path / "served"),
        lambda m: certify(m, "a", tile=8),
        lambda m: plan_inference(m, testing.small_scene()["input_10m"], output="a"),
    ):
        with pytest.raises(ValueError, match=rf"{REFUSED[form]}.*keras\.Model\(…, {{"):
            use(model)
    assert not (tmp_path / "served").exists()


@pytest.mark.parametrize("dtype", ["string"])
def test_inputs_of_texts_are_refused(dtype):
    image = keras.Input((None, None, 1), dtype=dtype, name="image")
    model = keras.Model(image, keras.layers.Identity(name="net")(image))
    with pytest.raises(ValueError, match="'image' takes values of the type string"):
        as_predictor(model)


@pytest.mark.parametrize("shape", [(None, 3), (3,), (4, None, None, 3)])
def test_inputs_that_are_not_images_are_refused(tmp_path, shape):
    image = keras.Input(shape, name="image")
    model = keras.Model({"image": image}, {"net": keras.layers.Dense(2)(image)})
    model.export(tmp_path / "served", verbose=False)
    for form in (model, tmp_path / "served"):
        with pytest.raises(ValueError, match=r"'image' has the shape .*The kit ta"):
            as_predictor(form)


def test_a_subclassed_model_is_told_to_be_a_function():
    class Subclassed(keras.Model):
        def call(self, image):
            return image

    model = Subclassed(name="own")
    model(IMAGE)
    for use in (as_predictor, lambda m: certify(m, "out", tile=8)):
        with pytest.raises(ValueError, match=r"'own' does not .*tl\.certify\(func"):
            use(model)
    with pytest.raises(TypeError, match=r"Subclassed.*tl\.certify\(function, 'out'"):
        analyse(model)


# One model, one identity.


def padded_network():
    """A convolution with a margin of 1 px on each side; the output is `net`."""
    image = keras.Input((None, None, 4), name="input")
    layer = keras.layers.Conv2D(2, 3, padding="same", name="net")
    return keras.Model(image, layer(image))


def values(model):
    image = np.random.default_rng(0).uniform(0, 1, (1, 6, 7, 4))
    return as_predictor(model)({"input": image}, ["net"])["net"]


def test_a_predictor_is_its_own_predictor():
    predictor = Predictor(lambda inputs, outputs: {}, {}, ())
    assert as_predictor(predictor) is predictor
    assert predictor.digest is None


def test_a_keras_model_has_one_predictor():
    first, second = padded_network(), padded_network()
    assert as_predictor(first) is as_predictor(first)
    assert as_predictor(first) is not as_predictor(second)


def test_plans_of_three_tile_sizes_analyse_and_compile_once(
    monkeypatch,
):
    register_rule(Traced)(pointwise)
    analysed = []
    monkeypatch.setattr(
        analysis, "analyse", lambda model: analysed.append(model) or analyse(model)
    )
    model, shapes = traced_network()
    image = testing.small_scene()["input_10m"]
    maps = [
        plan_inference(model, image, output="net", tile_size=side).read()
        for side in (32, 48, 64)
    ]
    assert analysed == [model]
    assert len(shapes) == 1
    assert np.array_equal(maps[0], maps[1])
    assert np.array_equal(maps[0], maps[2])


def test_new_weights_are_seen_without_a_new_predictor():
    model = padded_network()
    before, predictor = values(model), as_predictor(model)
    digest = predictor.digest
    model.compile("sgd", "mse")
    image = np.random.default_rng(1).uniform(0, 1, (2, 6, 7, 4))
    model.fit(image, np.ones((2, 6, 7, 2)), verbose=0)
    assert as_predictor(model) is predictor
    assert predictor.digest != digest
    assert not np.allclose(values(model), before)


def test_new_settings_of_a_layer_are_seen():
    model = padded_network()
    before = values(model)
    model.get_layer("net").activation = keras.activations.relu
    np.testing.assert_array_equal(values(model), np.maximum(before, 0))


def test_a_layer_added_to_a_sequential_model_is_seen():
    model = keras.Sequential([keras.Input((None, None, 3))])
    model.add(keras.layers.Rescaling(3, name="triple"))
    assert as_predictor(model).outputs == ("triple",)
    model.add(keras.layers.Rescaling(2, name="sixfold"))
    predictor = as_predictor(model)
    assert predictor.outputs == ("sixfold",)
    given = predictor({next(iter(predictor.channels)): IMAGE}, ["sixfold"])
    np.testing.assert_allclose(given["sixfold"], 6 * IMAGE, rtol=1e-6)


def test_new_statistics_of_a_normalization_are_seen():
    image = keras.Input((None, None, 3), name="image")
    layer = keras.layers.Normalization(name="net")
    model = keras.Model(image, layer(image))
    before = as_predictor(model)({"image": IMAGE}, ["net"])["net"]
    layer.adapt(10 * IMAGE)
    after = as_predictor(model)({"image": IMAGE}, ["net"])["net"]
    np.testing.assert_allclose(after, layer(IMAGE), atol=1e-6)
    assert not np.allclose(after, before)


def test_a_new_rule_of_a_layer_is_seen():
    class Shifted(keras.layers.Layer):
        def call(self, image):
            return image

    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, Shifted(name="net")(image))
    register_rule(Shifted)(pointwise)
    assert as_predictor(model).analysis().margins == {"net": (0, 0, 0, 0)}
    register_rule(Shifted)(
        lambda layer, spans, axis, arguments: window(spans[0], kernel=3, padding="same")
    )
    assert as_predictor(model).analysis().margins == {"net": (1, 1, 1, 1)}


def test_a_model_is_freed_with_its_last_reference():
    model = padded_network()
    values(model)
    as_predictor(model).trace(("net",))
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_a_predictor_keeps_its_model():
    predictor = as_predictor(padded_network())
    gc.collect()
    image = np.zeros((1, 6, 7, 4))
    assert predictor({"input": image}, ["net"])["net"].shape == (1, 6, 7, 2)


def test_the_predictor_is_not_saved_with_its_model(tmp_path):
    model = padded_network()
    model.save(tmp_path / "before.keras")
    values(model)
    as_predictor(model).trace(("net",))
    model.save(tmp_path / "after.keras")
    before, after = (
        {
            entry.filename: entry.CRC
            for entry in zipfile.ZipFile(tmp_path / name).infolist()
            if entry.filename == "config.json"
        }
        for name in ("before.keras", "after.keras")
    )
    assert before == after != {}
    np.testing.assert_array_equal(values(tmp_path / "after.keras"), values(model))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network, its `.keras` file and its export."""
    folder = tmp_path_factory.mktemp("saved")
    model = architectures.pixelwise_fcnn(3, crops=())
    model.save(folder / "fcnn.keras")
    return model, folder / "fcnn.keras", export(model, folder / "served")


def test_a_file_has_the_digest_of_its_model_and_an_export_its_own(saved):
    model, file, served = saved
    assert load_predictor(file).digest == as_predictor(model).digest
    assert load_predictor(str(served)).digest == load_predictor(served).digest
    assert load_predictor(served).digest != as_predictor(model).digest


@pytest.mark.slow
def test_a_certificate_holds_for_each_way_of_giving_the_same_weights(saved):
    model, file, served = saved
    image = testing.small_scene()["input_10m"]
    from_file, from_model = (
        certify(given, "estimated", tile=16) for given in (file, model)
    )
    loaded, as_served = load_predictor(file), load_predictor(served)
    of_served = certify(served, "estimated", tile=16)
    for certificate, given in (
        (from_file, loaded),
        (from_file, model),
        (from_model, loaded),
        (from_model, file),
        (of_served, as_served),
    ):
        options = {"output": "estimated", "certificate": certificate}
        assert plan_inference(given, image, **options).verdict.exact
    assert from_file == from_model == certify(loaded, "estimated", tile=16)
    with pytest.raises(ValueError, match="other weights"):
        from_model.check_model(as_served, ["estimated"])


IDENTITY = """
import sys
import tutorial_lib as tl

file, served, image, path = sys.argv[1:]
certificate = tl.Certificate.from_json(open(path).read())
first = tl.certify(file, "estimated", tile=16)
assert first == certificate, (first, certificate)
loaded = tl.load_predictor(file)
for given in (file, loaded):
    for proof in (certificate, first, tl.certify(loaded, "estimated", tile=16)):
        tl.plan_inference(given, image, output="estimated", certificate=proof)
of_served = tl.certify(served, "estimated", tile=16)
for given in (tl.load_predictor(served), served):
    tl.plan_inference(given, image, output="estimated", certificate=of_served)
print("identical")
"""


@pytest.mark.slow
def test_a_certificate_holds_in_a_fresh_process(saved, tmp_path):
    """With weights that prediction does not use, too: statistics, seeds of dropout."""
    image = keras.Input((None, None, 4), name="input")
    inner = keras.Sequential([image, keras.layers.Conv2D(3, 3, padding="same")])
    net = keras.layers.Normalization(mean=[1.0] * 4, variance=[2.0] * 4)(image)
    net = keras.layers.BatchNormalization()(inner(net))
    net = keras.layers.Dropout(0.5)(keras.layers.GaussianNoise(0.1)(net))
    model = keras.Model({"input": image}, {"estimated": net})
    model.compile("adam", "mse")
    model.fit({"input": np.ones((2, 8, 8, 4))}, np.ones((2, 8, 8, 3)), verbose=0)
    model.save(tmp_path / "model.keras")
    certificate = certify(model, "estimated", tile=16)
    (tmp_path / "certificate.json").write_text(certificate.to_json())
    paths = (
        tmp_path / "model.keras",
        export(model, tmp_path / "served"),
        testing.small_scene()["input_10m"],
        tmp_path / "certificate.json",
    )
    command = [sys.executable, "-c", IDENTITY, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "identical", done.stderr


def test_a_folder_that_is_replaced_does_not_change_a_loaded_model(tmp_path):
    folder = export(padded_network(), tmp_path / "served")
    predictor = load_predictor(folder)
    digest = predictor.digest
    export(architectures.pixelwise_fcnn(3, crops=()), folder)
    assert predictor.digest == digest != load_predictor(folder).digest
    with pytest.raises(ValueError, match="belongs to another network"):
        predictor.trace(("net",))


def one_layer(dtype=None):
    image = keras.Input((None, None, 2), name="input", dtype=dtype)
    layer = keras.layers.Conv2D(2, 3, name="layer")
    return keras.Model({"input": image}, {"out": layer(image)})


class Flipped(keras.layers.Conv2D):
    def call(self, x):
        return keras.ops.flip(super().call(x), 1)


def given_a_call(model):
    model.call = lambda inputs, **options: {"out": inputs["input"]}


def given_another_class(model):
    class Other(type(model)):
        def call(self, inputs, **options):
            return {"out": inputs["input"]}

    model.__class__ = Other


def given_another_layer(model):
    model.get_layer("layer").__class__ = Flipped


@pytest.mark.parametrize(
    "change", [given_a_call, given_another_class, given_another_layer]
)
def test_a_model_that_computes_something_else_has_another_predictor(change):
    model, noise = one_layer(), np.random.default_rng(0).random((1, 8, 9, 2), "float32")
    before, image = as_predictor(model), {"input": noise}
    first = before(image, ["out"])["out"]
    change(model)
    after = as_predictor(model)
    expected = np.asarray(model(image, training=False)["out"])
    assert not np.array_equal(expected, first)
    np.testing.assert_array_equal(after(image, ["out"])["out"], expected)


@pytest.mark.parametrize("form", ["model", "export"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_inputs_of_whole_numbers_take_the_nearest_value_of_their_type(
    tmp_path, form, dtype
):
    image = keras.Input((None, None, 1), name="input", dtype=dtype)
    model = keras.Model({"input": image}, {"out": keras.ops.cast(image, "float32")})
    form = model if form == "model" else export(model, tmp_path / "m")
    predictor = as_predictor(form)
    limits = np.iinfo(dtype)
    values = np.array([-1e12, -7, 3, 1e12], "float32").reshape(1, 2, 2, 1)
    got = predictor({"input": values}, ["out"])["out"].astype("float64")
    expected = np.clip(values.astype("float64"), limits.min, limits.max)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
