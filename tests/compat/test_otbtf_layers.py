"""OTBTF's layers: their values, what saved models keep, and what `analyse` knows."""

import keras
import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib.compat.otbtf import layers
from tutorial_lib.compat.otbtf.model import cropped_tensor_name

RNG = np.random.default_rng(4)
IMAGE = RNG.integers(0, 5, (2, 9, 7, 3)).astype("float32")


def near(image, value, radius):
    """1 where a value is at most `radius` rows and columns away, by plain loops."""
    found = np.zeros(image.shape, "uint8")
    for b, row, col, c in np.argwhere(image == value):
        rows = slice(max(row - radius, 0), row + radius + 1)
        found[b, rows, max(col - radius, 0) : col + radius + 1, c] = 1
    return found


def as_array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_argmax_and_max_are_those_of_the_channels():
    labels, most = as_array(layers.Argmax()(IMAGE)), as_array(layers.Max()(IMAGE))
    assert labels.dtype == np.int32
    assert np.array_equal(labels, IMAGE.argmax(-1)[..., None])
    assert np.array_equal(most, IMAGE.max(-1)[..., None])
    flat = as_array(layers.Argmax("flat", expand_last_dim=False)(IMAGE))
    assert np.array_equal(flat, IMAGE.argmax(-1))


@pytest.mark.parametrize("radius", [0, 1, 3])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16"])
def test_a_dilated_mask_is_1_near_the_value(radius, dtype):
    image = IMAGE.astype(dtype)
    mask = as_array(layers.DilatedMask(nodata_value=2, radius=radius)(image))
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, near(image, 2, radius))


def test_the_value_of_a_dilated_mask_may_be_nan():
    holes = np.where(IMAGE == 1, np.nan, IMAGE)
    mask = as_array(layers.DilatedMask(float("nan"), radius=1)(holes))
    assert np.array_equal(mask, near(IMAGE, 1, 1))


def test_a_mask_is_applied_to_all_channels():
    mask = (IMAGE[..., :1] == 0).astype("uint8")
    labels = IMAGE.astype("int32")
    applied = as_array(layers.ApplyMask(out_nodata=255)([mask, labels]))
    assert applied.dtype == np.int32
    assert np.array_equal(applied, np.where(mask == 1, 255, labels))
    floats = as_array(layers.ApplyMask(out_nodata=-0.5)([mask, IMAGE]))
    assert np.array_equal(floats, np.where(mask == 1, np.float32(-0.5), IMAGE))


@pytest.mark.parametrize(
    ("value", "dtype"), [(256, "uint8"), (-1, "uint8"), (0.5, "int32"), (128, "int8")]
)
def test_a_type_must_hold_the_value_of_a_mask(value, dtype):
    mask = np.ones((1, 2, 2, 1), "uint8")
    with pytest.raises(ValueError, match=f"{value}, and the image is of the type"):
        layers.ApplyMask(value)([mask, mask.astype(dtype)])


def test_scalars_are_repeated_for_each_pixel():
    numbers = np.array([[1, 2], [3, 4]], "float32")
    tiled = as_array(layers.ScalarsTile()([IMAGE, numbers]))
    assert tiled.shape == (2, 9, 7, 2)
    assert np.array_equal(tiled, np.ones((2, 9, 7, 1)) * numbers[:, None, None])


def test_the_name_of_a_cropped_output():
    assert cropped_tensor_name("features", 16) == "features_crop16"


@pytest.fixture(scope="module")
def masked_model():
    """Labels and their confidence, both with a value of their own near no-data."""
    image = keras.Input((None, None, 3), name="input")
    scores = keras.layers.Conv2D(3, 1, activation="softmax")(image)
    mask = layers.DilatedMask(nodata_value=2, radius=3, name="holes")(image)
    mask = layers.Max(name="any_band")(mask)
    labels = layers.Argmax(name="labels")(scores)
    outputs = {
        "labels": labels,
        "masked": layers.ApplyMask(out_nodata=255, name="masked")([mask, labels]),
        "confidence": layers.ApplyMask(-1)([mask, layers.Max()(scores)]),
        "flat": layers.Argmax("flat", expand_last_dim=False)(scores),
    }
    return keras.Model({"input": image}, outputs)


def test_layers_are_saved_without_custom_objects(masked_model, tmp_path):
    masked_model.save(tmp_path / "masked.keras")
    loaded = keras.models.load_model(tmp_path / "masked.keras")
    expected, found = (model({"input": IMAGE}) for model in (masked_model, loaded))
    assert set(found) == {"labels", "masked", "confidence", "flat"}
    for name in found:
        assert np.array_equal(as_array(expected[name]), as_array(found[name])), name
    mask = near(IMAGE, 2, 3).max(-1, keepdims=True)
    assert np.array_equal(as_array(found["masked"]) == 255, mask == 1)


def test_scalars_are_saved_too(tmp_path):
    image, numbers = keras.Input((None, None, 3)), keras.Input((2,))
    model = keras.Model(
        [image, numbers], layers.ScalarsTile(name="t")([image, numbers])
    )
    model.save(tmp_path / "tiled.keras")
    loaded = keras.models.load_model(tmp_path / "tiled.keras")
    given = [IMAGE, np.array([[1, 2], [3, 4]], "float32")]
    assert np.array_equal(as_array(model(given)), as_array(loaded(given)))


def test_margins_are_the_radius(masked_model):
    outputs = {n: x for n, x in masked_model.output.items() if n != "flat"}
    model = keras.Model(masked_model.input, outputs)
    analysis = tl.analyse(model)
    assert analysis.margins["labels"] == (0, 0, 0, 0)
    assert analysis.margins["masked"] == (3, 3, 3, 3)
    assert analysis.margins["confidence"] == (3, 3, 3, 3)
    # No margin can be smaller: a value beyond the border reaches these pixels.
    wide = np.full((1, 20, 20, 3), 1, "float32")
    wide[:, :5], wide[:, :, :5], wide[:, 15:], wide[:, :, 15:] = 2, 2, 2, 2
    whole = as_array(model({"input": wide})["masked"])[0, 5:15, 5:15, 0]
    alone = as_array(model({"input": wide[:, 5:15, 5:15]})["masked"])[0, ..., 0]
    rows, cols = np.nonzero(whole == alone)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (3, 6, 3, 6)


def test_labels_without_a_channel_are_not_an_image(masked_model):
    model = keras.Model(masked_model.input, {"flat": masked_model.output["flat"]})
    with pytest.raises(ValueError, match="flat"):
        tl.analyse(model)


def test_labels_of_nan_are_background(tmp_path):
    # The index of the largest of several NaN is a class; the map must not say so.
    image = keras.Input((None, None, 3), name="input")
    model = keras.Model({"input": image}, {"labels": layers.Argmax()(image)})
    scene = tl.testing.small_scene()
    broken = keras.Model(
        {"input": image},
        {"labels": layers.Argmax()(keras.ops.log(image - 1e9))},
    )
    bands = tl.Source(scene["input_10m"], bands=(1, 2, 3))
    plan = tl.plan_inference(model, {"input": bands}, output="labels")
    assert set(np.unique(plan.read())) <= {0, 1, 2}
    plan = tl.plan_inference(broken, {"input": bands}, output="labels")
    with pytest.warns(UserWarning, match="NaN"):
        assert set(np.unique(plan.read())) == {255}
