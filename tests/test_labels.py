"""Label maps: class numbers of one's own, and networks that give NaN."""

import keras
import numpy as np
import pytest
from scenes import image, write

from tutorial_lib import (
    Legend,
    Source,
    architectures,
    export,
    plan_inference,
    predict_raster,
    rasters,
)

COLORS = ("#7fbcfc", "#efd700", "#106b00", "#ff0004")
NAMES = ("water", "meadow", "forest", "town")


@pytest.fixture
def scene(tmp_path):
    return write(tmp_path / "a.tif", image(41, 53))


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    return architectures.pixelwise_fcnn(4, crops=())


def own_numbers(*numbers):
    return Legend(NAMES, COLORS, classes=numbers)


@pytest.mark.parametrize(
    ("numbers", "dtype", "background"),
    [
        ((10, 20, 30, 40), "uint8", 255),
        ((0, 2, 4, 6), "uint8", 255),
        ((1, 2, 5, 254), "uint8", 255),
        ((1, 2, 5, 255), "uint16", 65535),
        ((0, 1, 2, 65_534), "uint16", 65535),
        ((255, 256, 65_534, 65_535), "uint16", 65533),
    ],
)
@pytest.mark.parametrize("by", ["classes", "legend"])
def test_maps_hold_the_class_numbers_that_are_asked_for(
    scene, network, numbers, dtype, background, by
):
    plain = plan_inference(network, scene, output="estimated_labels").read()
    if by == "classes":
        options = {"classes": numbers}
    else:
        options = {"legend": own_numbers(*numbers)}
    plan = plan_inference(network, scene, output="estimated_labels", **options)
    got = plan.read()
    assert (got.dtype, plan.format.background) == (np.dtype(dtype), background)
    np.testing.assert_array_equal(got, np.array(numbers)[plain])


def test_numbers_and_legend_are_in_the_file(scene, network, tmp_path):
    legend, path = own_numbers(10, 20, 30, 40), tmp_path / "map.tif"
    predict_raster(
        network, scene, path,
        output="estimated_labels", legend=legend, progress=False,
    )  # fmt: skip
    assert rasters.read_legend(path) == legend
    assert set(np.unique(rasters.read_array(path))) <= {10, 20, 30, 40}


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"classes": (10, 20, 30)}, "4 classes, and 3 class numbers"),
        ({"classes": (10, 20, 20, 30)}, "each class number once"),
        ({"classes": (10, 30, 20, 40)}, "ascending order"),
        ({"classes": (10, 20, -30, 40)}, "0 or more|from 0"),
        ({"output": "estimated", "classes": (1, 2, 3, 4)}, "map an output of labels"),
        ({"background": float("nan")}, "whole number"),
        ({"background": 1.5}, "whole number"),
    ],
)
def test_class_numbers_that_do_not_fit_are_refused(scene, network, options, cure):
    options = {"output": "estimated_labels"} | options
    with pytest.raises(ValueError, match=cure):
        plan_inference(network, scene, **options)


def test_a_background_that_is_a_class_is_warned_of_by_its_name(scene, network):
    legend = own_numbers(10, 20, 30, 40)
    with pytest.warns(UserWarning, match=r"background 20 is also a class \('meadow'\)"):
        plan_inference(
            network, scene, output="estimated_labels", legend=legend, background=20
        )


@pytest.mark.parametrize("count", [3, 5])
def test_a_legend_of_other_classes_is_warned_of(scene, network, count):
    legend = Legend(tuple(map(str, range(count))), ("#000000",) * count)
    with pytest.warns(UserWarning, match=f"names {count} classes.*has 4"):
        plan_inference(network, scene, output="estimated_labels", legend=legend)


# Networks that give NaN


def broken(network):
    """A copy of a network in which one channel of one layer is NaN."""
    copy = keras.models.clone_model(network)
    weights = network.get_weights()
    weights[-1] = np.full_like(weights[-1], np.nan)
    copy.set_weights(weights)
    return copy


@pytest.mark.parametrize("output", ["estimated", "estimated_labels"])
@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_pixels_for_which_a_network_gives_nan_are_background(
    scene, network, tmp_path, output, mode
):
    path = tmp_path / "map.tif"
    with pytest.warns(UserWarning, match=r"gives NaN .* for \d+ of \d+ pixels"):
        report = predict_raster(
            broken(network), scene, path, output=output, mode=mode, progress=False
        )
    assert report.background_share == 1
    array = rasters.read_array(path)
    empty = array == 255 if output == "estimated_labels" else np.isnan(array)
    assert empty.all()


def test_nan_of_single_pixels_leaves_the_others(tmp_path):
    """A network that divides by its input: 0 / 0 is NaN, and only there."""
    array = np.ones((20, 30, 1), "float32")
    array[4, 7] = 0
    path = write(tmp_path / "a.tif", array)
    inputs = keras.Input((None, None, 1), name="input")
    ratio = keras.layers.Concatenate()([inputs / inputs, inputs * 0.5])
    labels = keras.ops.argmax(ratio, axis=-1, keepdims=True)
    model = keras.Model({"input": inputs}, {"ratio": ratio, "classes": labels})
    plan = plan_inference(model, path, output="classes", tile_size=8)
    with pytest.warns(UserWarning, match="for 1 of 600 pixels"):
        got = plan.read()[..., 0]
    expected = np.zeros((20, 30), int)
    expected[4, 7] = plan.format.background
    np.testing.assert_array_equal(got, expected)


WHOLE_NUMBERS = {
    "labels": lambda x: keras.ops.argmax(x, axis=-1, keepdims=True),
    "labels of 8 bits": lambda x: keras.ops.cast(WHOLE_NUMBERS["labels"](x), "uint8"),
    "labels as floats": lambda x: keras.ops.cast(WHOLE_NUMBERS["labels"](x), "float32"),
    "mask": lambda x: keras.ops.cast(x[..., :1] > 0, "uint8"),
    "choice": lambda x: keras.ops.where(x[..., :1] > 0, 1.0, 0.0),
}


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
@pytest.mark.parametrize("as_file", [False, True])
def test_nan_behind_whole_numbers_that_are_the_only_output(tmp_path, name, as_file):
    """The scores are no output. Their NaN would become the class 0."""
    array = np.ones((20, 30, 2), "float32")
    array[4, 7] = 0
    path = write(tmp_path / "a.tif", array)
    image = keras.Input((None, None, 2), name="input")
    found = WHOLE_NUMBERS[name](image / image)
    model = keras.Model({"input": image}, {"out": found})
    if as_file:
        model.save(tmp_path / "model.keras")
        model = tmp_path / "model.keras"
    plan = plan_inference(model, path, output="out", tile_size=8)
    with pytest.warns(UserWarning, match="for 1 of 600 pixels"):
        got = plan.read()[..., 0]
    background = plan.format.background
    empty = np.isnan(got) if np.isnan(background) else got == background
    assert list(zip(*np.nonzero(empty), strict=True)) == [(4, 7)]


def test_labels_of_an_export_with_broken_weights_are_refused(scene, network, tmp_path):
    model = broken(network)
    labels = keras.Model(model.inputs, {"labels": model.output["estimated_labels"]})
    folder = export(labels, tmp_path / "labels")
    with pytest.raises(ValueError, match=r"holds NaN or infinity.*Train .* again"):
        plan_inference(folder, scene, output="labels")


@pytest.mark.parametrize("as_file", [False, True])
def test_labels_alone_of_broken_weights_are_refused(scene, network, tmp_path, as_file):
    """Without the probabilities nothing else shows that the class 0 is none."""
    model = broken(network)
    labels = keras.Model(model.inputs, {"labels": model.output["estimated_labels"]})
    if as_file:
        labels.save(tmp_path / "labels.keras")
        labels = tmp_path / "labels.keras"
    with pytest.raises(ValueError, match=r"holds NaN or infinity.*Train .* again"):
        plan_inference(labels, scene, output="labels")


def test_infinite_values_are_numbers(tmp_path):
    """Their sum is NaN, and they are not."""
    path = write(tmp_path / "a.tif", image(12, 14, 2, largest=2, dtype="float32"))

    def function(inputs):
        with np.errstate(divide="ignore"):
            return {"steep": (inputs["input"] - 0.5) / np.float32(0)}

    plan = plan_inference(function, Source(path, receptive_field=1), output="steep")
    got = plan.read()
    assert np.isposinf(got).any()
    assert np.isneginf(got).any()
    assert not np.isnan(got).any()


def test_a_label_that_has_no_number_is_an_error(tmp_path):
    path = write(tmp_path / "a.tif", image(12, 14, 1, largest=3))

    def function(inputs):
        return {"labels": np.asarray(inputs["input"]).astype("int64")}

    plan = plan_inference(
        function, Source(path, receptive_field=1), output="labels", classes=(5, 6)
    )
    with pytest.raises(ValueError, match=r"gives the class 2.*0 to 1 only: \(5, 6\)"):
        plan.read()
