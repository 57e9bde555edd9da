"""OTBTF's `ModelBase`: networks of the tutorial's shapes, trained, saved and served."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tutorial_lib as tl
from tutorial_lib.compat import mymetrics, otbtf

RELU, SAME = {"activation": "relu"}, {"padding": "same", "activation": "relu"}


def spec_of(**shapes):
    """What a dataset of batches of 8 says of its inputs, as uint16 patches."""
    inputs = {
        name: tf.TensorSpec((8, *shape), tf.uint16) for name, shape in shapes.items()
    }
    return inputs, {"estimated": tf.TensorSpec((8, 1, 1, 6), tf.float32)}


class Reflectance(otbtf.ModelBase):
    """Scales reflectance x 10 000; its last layer gives classes."""

    classes = 6

    def normalize_inputs(self, inputs):
        return {n: keras.ops.cast(x, "float32") * 1e-4 for n, x in inputs.items()}

    def classified(self, features):
        softmax = keras.layers.Conv2D(self.classes, 1, activation="softmax")
        estimated = softmax(features)
        return {
            "estimated": estimated,
            "estimated_labels": otbtf.layers.Argmax()(estimated),
            "features": features,
        }


def chain(net, *filters_and_kernels):
    for filters, kernel in filters_and_kernels:
        net = keras.layers.Conv2D(filters, kernel, **RELU)(net)
    return net


class Pooled(Reflectance):
    def get_outputs(self, normalized_inputs):
        net = chain(normalized_inputs["input"], (16, 5))
        net = chain(keras.layers.MaxPool2D()(net), (16, 3))
        return self.classified(chain(keras.layers.MaxPool2D()(net), (32, 2)))


class Pixelwise(Reflectance):
    def get_outputs(self, normalized_inputs):
        kernels = ((16, 5), (16, 3), (16, 3), (32, 3), (32, 3), (32, 3), (32, 2))
        return self.classified(chain(normalized_inputs["input"], *kernels))


class TwoSources(Reflectance):
    def get_outputs(self, normalized_inputs):
        fine = chain(
            normalized_inputs["input_10m"],
            *((16, 5), (16, 3), (16, 3), (32, 3), (32, 3)),
        )
        fine = chain(keras.layers.MaxPool2D()(fine), (32, 2))
        coarse = chain(
            normalized_inputs["input_20m"], *((32, 3), (32, 3), (32, 3), (32, 2))
        )
        return self.classified(keras.layers.Concatenate()([fine, coarse]))


class PanXs(otbtf.ModelBase):
    def normalize_inputs(self, inputs):
        return {n: keras.ops.cast(x, "float32") * 0.01 for n, x in inputs.items()}

    def get_outputs(self, normalized_inputs):
        def down(net, filters, strides=2):
            return keras.layers.Conv2D(filters, 3, strides=strides, **SAME)(net)

        def up(net, filters, skip):
            layer = keras.layers.Conv2DTranspose(filters, 3, strides=2, **SAME)
            return layer(net) + skip

        first = down(normalized_inputs["p"], 16)
        second = down(first, 32) + down(normalized_inputs["xs"], 32, strides=1)
        third = down(second, 64)
        net = up(down(third, 64), 64, third)
        net = up(up(net, 32, second), 16, first)
        last = keras.layers.Conv2DTranspose(
            4, 3, strides=2, padding="same", activation="softmax"
        )
        return {"estimated": last(net)}


@pytest.mark.parametrize(
    ("kind", "shapes", "weights"),
    [
        (Pooled, {"input": (16, 16, 4)}, 6_214),
        (Pixelwise, {"input": (16, 16, 4)}, 33_718),
        (TwoSources, {"input_10m": (16, 16, 4), "input_20m": (8, 8, 6)}, 49_046),
        (PanXs, {"p": (64, 64, 1), "xs": (16, 16, 4)}, 122_004),
    ],
)
def test_the_tutorials_networks_have_as_many_weights(kind, shapes, weights):
    model = kind(dataset_element_spec=spec_of(**shapes))
    assert model.count_params() == weights
    assert model.name == kind.__name__
    assert {n: x.shape for n, x in model.input.items()} == {
        n: (None, None, None, shape[-1]) for n, shape in shapes.items()
    }
    assert {x.dtype for x in model.input.values()} == {"float32"}


def test_outputs_are_cropped_by_default():
    model = Pixelwise(dataset_element_spec=spec_of(input=(16, 16, 4)))
    names = ("estimated", "estimated_labels", "features")
    crops = (16, 32, 64, 96, 128)
    assert set(model.output) == {
        *names,
        *(f"{name}_crop{crop}" for name in names for crop in crops),
    }
    for cropping in (None, [], ()):
        same = Pixelwise(spec_of(input=(16, 16, 4)), inference_cropping=cropping)
        assert same.inference_cropping == list(crops)


def test_crops_are_slices():
    spec = spec_of(p=(64, 64, 1), xs=(16, 16, 4))
    model = PanXs(dataset_element_spec=spec, inference_cropping=[24, 32])
    rng = np.random.default_rng(0)
    image = {"p": rng.random((1, 128, 144, 1)), "xs": rng.random((1, 32, 36, 4))}
    given = model.predict(image, verbose=0)
    assert set(given) == {"estimated", "estimated_crop24", "estimated_crop32"}
    for crop in (24, 32):
        assert np.array_equal(
            given[f"estimated_crop{crop}"],
            given["estimated"][:, crop:-crop, crop:-crop],
        )


def test_a_model_takes_images_of_any_size_and_scales_them():
    model = Pixelwise(spec_of(input=(16, 16, 4)), inference_cropping=[2])
    image = np.random.default_rng(1).integers(0, 10_000, (1, 40, 31, 4), "uint16")
    given = model.predict({"input": image}, verbose=0)
    assert given["estimated"].shape == (1, 25, 16, 6)
    assert given["estimated_labels"].dtype.kind == "i"
    assert np.array_equal(
        given["estimated_labels"][..., 0], given["estimated"].argmax(-1)
    )
    scaled = keras.Model(model.input, model.normalize_inputs(model.input))
    assert scaled.predict({"input": image[:, :1, :1] * 0 + 10_000}, verbose=0)[
        "input"
    ].tolist() == [[[[1.0] * 4]]]


def test_inputs_can_be_chosen():
    spec = spec_of(input=(16, 16, 4), meta=(3,))
    model = Pixelwise(spec, input_keys=["input"])
    assert list(model.input) == ["input"]
    # Numbers of a sample have no height and width.
    assert Pixelwise(spec).get_inputs()["meta"].shape == (None, 3)
    with pytest.raises(ValueError, match=r"'other'.*It has: input, meta"):
        Pixelwise(spec, input_keys=["other"])


def test_outputs_can_be_added():
    class Sure(Pixelwise):
        def postprocess_outputs(self, outputs, inputs, normalized_inputs):
            crops = super().postprocess_outputs(outputs, inputs, normalized_inputs)
            mask = otbtf.layers.DilatedMask(0, 8)(inputs["input"][:, 8:-7, 8:-7])
            mask = otbtf.layers.Max()(mask)
            labels = outputs["estimated_labels"]
            return crops | {"sure": otbtf.layers.ApplyMask(255)([mask, labels])}

    model = Sure(spec_of(input=(16, 16, 4)), inference_cropping=[1])
    image = np.full((1, 60, 60, 4), 3000.0)
    image[:, :3] = 0
    given = model.predict({"input": image}, verbose=0)
    assert given["sure"].shape == (1, 45, 45, 1)
    assert "estimated_crop1" in given
    assert not (given["sure"] == 255).any()
    image[:, 30, 30] = 0
    given = model.predict({"input": image}, verbose=0)["sure"][0, ..., 0]
    rows, cols = np.nonzero(given == 255)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (14, 30, 14, 30)


def test_without_scaling_a_model_warns():
    class Plain(otbtf.ModelBase):
        def get_outputs(self, normalized_inputs):
            return {"estimated": keras.layers.Conv2D(2, 1)(normalized_inputs["input"])}

    with pytest.warns(UserWarning, match="Plain has no `normalize_inputs`"):
        model = Plain(spec_of(input=(16, 16, 4)), inference_cropping=[1])
    with pytest.raises(AttributeError, match=r"'TargetModel' .* 'nothing'"):
        model.nothing  # noqa: B018


def test_the_keras_model_is_there_after_init():
    class Early(Pixelwise):
        def __init__(self, spec):
            self.fit(None)

    with pytest.raises(AttributeError, match=r"Call `super\(\).__init__"):
        Early(spec_of(input=(16, 16, 4)))


@pytest.mark.parametrize(
    ("returned", "error", "text"),
    [
        (lambda x: x, TypeError, "must return a dictionary of tensors"),
        (lambda x: {}, TypeError, "must return a dictionary of tensors"),
        (
            lambda x: {"mean": keras.layers.GlobalAveragePooling2D()(x)},
            ValueError,
            "'mean' has the shape .None, 4.*Write a `postprocess_outputs`",
        ),
    ],
)
def test_outputs_that_are_no_images_are_explained(returned, error, text):
    class Wrong(Reflectance):
        def get_outputs(self, normalized_inputs):
            return returned(normalized_inputs["input"])

    with pytest.raises(error, match=text):
        Wrong(spec_of(input=(16, 16, 4)))


def test_the_specification_is_that_of_a_dataset():
    with pytest.raises(TypeError, match=r"Give a dictionary: `dataset\.element_spec`"):
        Pixelwise(dataset_element_spec=None)


def test_only_the_first_worker_prints(capsys):
    class Worker:
        def __init__(self, number):
            self.cluster_resolver = self
            self.task_id = number

    model = Pixelwise(spec_of(input=(16, 16, 4)), inference_cropping=[1])
    model.summary(Worker(1))
    assert capsys.readouterr().out == ""
    for strategy in (None, Worker(0), tf.distribute.get_strategy()):
        model.summary(strategy)
        assert "33,718" in capsys.readouterr().out


# F-score


def test_the_f_score_is_that_of_precision_and_recall():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 200)
    scores = rng.dirichlet((1, 1, 1), 200)
    for number in range(3):
        metric = mymetrics.FScore(class_id=number, name=f"fscore_cls{number}")
        for part in (slice(0, 77), slice(77, 200)):
            wanted = np.eye(3)[truth[part]].reshape(-1, 1, 1, 3)
            metric.update_state(wanted, scores[part].reshape(-1, 1, 1, 3))
        estimated = scores[:, number] > 0.5
        both = np.sum(estimated & (truth == number))
        precision, recall = both / estimated.sum(), both / np.sum(truth == number)
        score = 2 * precision * recall / (precision + recall + 1e-6)
        assert metric.name == f"fscore_cls{number}"
        assert float(metric.result()) == pytest.approx(score, abs=2e-6)


def test_a_class_that_wins_with_less_than_half_is_not_counted():
    metric = mymetrics.FScore(class_id=1, name="fscore")
    metric.update_state([[[[0, 1, 0]]]], [[[[0.3, 0.45, 0.25]]]])
    assert float(metric.result()) == 0


# Trained, saved, served

TRAIN = """
import json, sys, warnings
warnings.simplefilter("error")
# Keras hands TensorFlow variables to NumPy 2 through the old signature.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
import keras
import numpy as np
from tutorial_lib.compat import otbtf
from tutorial_lib.compat.mymetrics import FScore

folder = sys.argv[1]

def preprocess(sample):
    return {
        "input": sample["img"],
        "estimated": otbtf.ops.one_hot(sample["labels"], nb_classes=3),
    }

def dataset(area):
    files = {name: [f"{folder}/{area}_{name}.tif"] for name in ("img", "labels")}
    return otbtf.DatasetFromPatchesImages(files).get_tf_dataset(
        batch_size=8, preprocessing_fn=preprocess, targets_keys=["estimated"]
    )

class Small(otbtf.ModelBase):
    def normalize_inputs(self, inputs):
        return {"input": keras.ops.cast(inputs["input"], "float32") * 1e-4}

    def get_outputs(self, normalized_inputs):
        conv = keras.layers.Conv2D
        net = conv(4, 3, strides=2, padding="same", activation="relu")(
            normalized_inputs["input"]
        )
        net = conv(8, 8, activation="relu", name="feats")(net)
        estimated = conv(3, 1, activation="softmax", name="softmax_layer")(net)
        labels = otbtf.layers.Argmax()(estimated)
        sure = otbtf.layers.Max()(estimated)
        return {
            "estimated": estimated, "estimated_labels": labels, "confidence": sure,
        }

keras.utils.set_random_seed(1)
np.random.seed(1)
train, valid = dataset("a").shuffle(buffer_size=100), dataset("b")
model = Small(dataset_element_spec=train.element_spec, inference_cropping=[2])
metrics = [
    kind(class_id=n)
    for n in range(3)
    for kind in (keras.metrics.Precision, keras.metrics.Recall)
]
metrics += [FScore(class_id=n, name=f"fscore_cls{n}") for n in range(3)]
model.compile(
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    optimizer=keras.optimizers.Adam(1e-3),
    metrics={"estimated": metrics},
)
best = keras.callbacks.ModelCheckpoint(
    f"{folder}/best.keras", save_best_only=True, monitor="val_loss", mode="min"
)
board = keras.callbacks.TensorBoard(log_dir=f"{folder}/logs")
history = model.fit(
    train, epochs=2, validation_data=valid, callbacks=[best, board], verbose=0
).history
model.load_weights(f"{folder}/best.keras")
model.export(f"{folder}/served", verbose=False)
image = np.load(f"{folder}/image.npy")
np.savez(f"{folder}/given.npz", **model.predict({"input": image}, verbose=0))
print(json.dumps({"keras": keras.__version__, **history}))
"""

# What each kind of process sees of the model that another one saved.
LOAD = """
import json, sys
folder, first = sys.argv[1:]
if first == "otbtf":
    import keras
    from tutorial_lib.compat import otbtf
else:
    import tutorial_lib
    import keras
import numpy as np
model = keras.models.load_model(f"{folder}/best.keras")
given = np.load(f"{folder}/given.npz")
found = model.predict({"input": np.load(f"{folder}/image.npy")}, verbose=0)
worst = {n: float(np.abs(found[n] - given[n]).max(initial=0)) for n in given.files}
print(json.dumps({
    "worst": worst,
    "metrics": sorted(metric.name for metric in model.metrics),
    "compat": any(name.startswith("tutorial_lib.compat") for name in sys.modules),
}))
"""


def printed(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with what one process trained and saved, and its history."""
    folder = tmp_path_factory.mktemp("trained")
    write_samples(folder)
    history = printed(TRAIN, folder)
    return folder, history


def write_samples(folder):
    """Patches of three classes that differ in brightness, and an image."""
    rng = np.random.default_rng(0)
    for area in "ab":
        labels = np.arange(24) % 3
        images = rng.integers(0, 1000, (24, 16, 16, 4))
        images = (images + 2500 * labels[:, None, None, None]).astype("uint16")
        tl.write_patches(folder / f"{area}_img.tif", images)
        tl.write_patches(
            folder / f"{area}_labels.tif", labels.reshape(24, 1, 1, 1).astype("uint8")
        )
    np.save(folder / "image.npy", rng.integers(0, 9000, (1, 50, 46, 4), "uint16"))


@pytest.mark.slow
def test_a_script_trains_and_keeps_its_best_model(trained):
    folder, history = trained
    assert len(history["val_loss"]) == 2
    assert any("fscore_cls2" in name for name in history)
    assert list(folder.glob("logs/train/events*"))
    best = keras.models.load_model(folder / "best.keras")
    batches = tl.patch_dataset(
        {"input": folder / "b_img.tif", "labels": folder / "b_labels.tif"},
        class_count=3,
        shuffle=False,
    )
    losses = best.evaluate(batches, verbose=0, return_dict=True)
    assert losses["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["otbtf", "tutorial_lib"])
def test_a_saved_model_opens_in_another_process(trained, first):
    found = printed(LOAD, trained[0], first)
    assert set(found["worst"].values()) == {0.0}
    assert set(found["worst"]) == {
        f"{name}{crop}"
        for name in ("estimated", "estimated_labels", "confidence")
        for crop in ("", "_crop2")
    }
    # The library does not load OTBTF's words to open a model.
    assert found["compat"] == (first == "otbtf")


@pytest.mark.slow
def test_a_saved_model_is_analysed_and_mapped(trained):
    path = trained[0] / "best.keras"
    analysis = tl.analyse(keras.models.load_model(path))
    assert analysis.scale["confidence"] == 2
    assert analysis.margins["estimated_labels"] == (0, 0, 1, 1)
    assert analysis.margins["estimated_labels_crop2"] == (0, 0, 0, 0)
    assert set(tl.load_predictor(path).outputs) == set(analysis.margins)
    scene = {"input": tl.testing.small_scene()["input_10m"]}
    maps = [
        tl.plan_inference(path, scene, output=["estimated_labels"], tile_size=size)
        for size in (5, 64)
    ]
    small, large = (plan.read() for plan in maps)
    assert small.size
    assert np.array_equal(small, large)


@pytest.mark.slow
def test_the_served_model_has_the_keys_of_the_outputs(trained):
    folder, _ = trained
    signature = tf.saved_model.load(folder / "served").signatures["serving_default"]
    given = dict(np.load(folder / "given.npz"))
    assert set(signature.structured_outputs) == set(given)
    predict = tl.load_predictor(folder / "served")
    assert set(predict.outputs) == set(given)
    image = np.load(folder / "image.npy").astype("float32")
    found = predict({"input": image}, list(given))
    for name, expected in given.items():
        np.testing.assert_allclose(found[name], expected, atol=1e-5)
