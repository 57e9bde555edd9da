"""Models that do not repeat their results, and functions that are not the same one."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import layers

from tutorial_lib import testing
from tutorial_lib.networks.predictors import as_predictor
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.proof.certifying import certify
from tutorial_lib.proof.repeats import LARGEST_NOISE, MULTIPLE, Repeats

TWO_BANDS = {"input": (2, 1, 100)}


def noisy(function, amplitude, *, rng=None, share=1):
    """A function whose results differ by up to twice `amplitude` from run to run."""
    rng = rng or np.random.default_rng(7)

    def model(inputs):
        result = function(inputs)["estimated"]
        noise = rng.uniform(-amplitude, amplitude, result.shape)
        noise *= rng.random(result.shape) < share
        return {"estimated": (result + noise).astype("float64")}

    return model


def mean_and(neighbour):
    """A mean of 3x3 pixels, and a share of the pixel 5 columns right of its centre.

    So each output pixel depends on 4 columns right of the 3x3 pixels.
    """
    mean = testing.BlockMean({"input": 3})

    def model(inputs):
        image = inputs["input"].astype("float64")
        far = np.roll(image, -5, axis=2)[:, 1:-1, 1:-1, :1]
        # The last columns have no such neighbour.
        far[:, :, -5:] = 0
        return {"estimated": mean(inputs)["estimated"] + neighbour * far}

    return model


def measured(model, **options):
    return certify(model, "estimated", tile=8, inputs=TWO_BANDS, **options)


@pytest.mark.parametrize("share", [1, 0.01])
def test_small_noise_becomes_a_tolerance_that_the_certificate_states(share):
    amplitude = 1e-4  # of a range of about 60
    model = noisy(testing.BlockMean({"input": 3}), amplitude, share=share)
    certificate = measured(model)
    assert certificate.margins == (0, 0, 0, 0)
    assert certificate.exact
    assert not certificate.bitwise
    # Two results differ by up to twice the amplitude, and by nearly as much in some of
    # some thousand pixels.
    assert 1.5 * amplitude * MULTIPLE < certificate.tolerance
    assert certificate.tolerance <= 2 * amplitude * MULTIPLE
    text = " ".join(repr(certificate).split())
    assert "exact within the tolerance" in text
    noise = certificate.tolerance / MULTIPLE
    assert f"only within {noise:.2g}: changes below {4 * noise:.2g} were not" in text
    again = Certificate.from_json(certificate.to_json())
    assert again == certificate
    assert json.loads(certificate.to_json())["tolerance"] == certificate.tolerance


def test_a_model_that_repeats_every_bit_has_no_tolerance():
    certificate = measured(testing.BlockMean({"input": 3}))
    assert certificate.tolerance == 0
    assert certificate.bitwise
    assert "repeats" not in repr(certificate)


def test_a_certificate_without_a_tolerance_is_one_of_an_older_version():
    record = json.loads(measured(testing.BlockMean({"input": 3})).to_json())
    del record["tolerance"], record["sample"]
    old = Certificate.from_json(json.dumps(record))
    assert (old.tolerance, old.sample) == (0, None)
    old.check_model(testing.BlockMean({"input": 3}), "estimated")


def test_a_dependence_above_the_tolerance_counts_and_one_below_does_not():
    amplitude = 1e-4
    tolerance = 2 * amplitude * MULTIPLE
    # The strongest surroundings change the far pixel by up to 1e5.
    clear, hidden = 2 * tolerance / 1e5, tolerance / 4 / 1e5
    seen = measured(noisy(mean_and(clear), amplitude))
    assert seen.margins == (0, 0, 4, 0)
    unseen = measured(noisy(mean_and(hidden), amplitude))
    assert unseen.margins == (0, 0, 0, 0)
    assert unseen.tolerance > tolerance / 4
    # Without noise each bit counts.
    assert measured(mean_and(hidden)).margins == (0, 0, 4, 0)


@pytest.mark.parametrize("share_of_range", [1.5 * LARGEST_NOISE, 0.01, 1])
def test_large_noise_is_refused_with_its_size(share_of_range):
    amplitude = share_of_range * 60
    with pytest.raises(ValueError, match=r"two results .*differ by .* range over"):
        measured(noisy(testing.BlockMean({"input": 3}), amplitude))


def test_noise_is_refused_before_anything_is_measured():
    sides = []
    model = noisy(testing.BlockMean({"input": 3}), 30)

    def watched(inputs):
        sides.append(inputs["input"].shape[1])
        return model(inputs)

    with pytest.raises(ValueError, match="two results"):
        measured(watched)
    assert max(sides) == 192, "the first size that is tried"
    assert len(sides) < 20


def test_dropout_that_is_always_on_is_refused():
    image = keras.Input((None, None, 1), name="input")
    net = layers.Conv2D(1, 3, padding="same", name="estimated")(image)
    predictor = as_predictor(keras.Model(image, net))
    rng = np.random.default_rng(0)

    def model(inputs):
        result = predictor(inputs, ["estimated"])["estimated"]
        return {"estimated": result * (rng.random(result.shape) > 0.1)}

    with pytest.raises(ValueError, match="without dropout or noise"):
        certify(model, "estimated", tile=8, inputs={"input": (1, 1, 9)})


def test_noise_that_comes_with_large_images_only_is_noticed():
    """As with kernels of a GPU that are chosen by the size of an image."""
    mean, rng = testing.BlockMean({"input": 3}), np.random.default_rng(0)

    def model(inputs):
        result = mean(inputs)["estimated"].astype("float64")
        if inputs["input"].shape[1] != inputs["input"].shape[2]:
            result += rng.uniform(-1e-4, 1e-4, result.shape)
        return {"estimated": result}

    certificate = measured(model)
    assert certificate.margins == (0, 0, 0, 0)
    assert certificate.tolerance > 1e-4
    assert not certificate.bitwise


def test_a_constant_output_with_noise_is_not_certified():
    def model(inputs):
        return {"estimated": np.full_like(inputs["input"][..., :1], 0.25)}

    with pytest.raises(ValueError, match="same for every image"):
        measured(model)
    with pytest.raises(ValueError, match="two results"):
        measured(noisy(model, 1e-6))


def test_values_that_are_nan_in_one_of_two_runs_are_noise_without_bound():
    runs = iter(range(100))

    def run(image):
        return np.where(next(runs) % 2, np.nan, image)

    repeats = Repeats()
    repeats.truth(run, np.arange(12.0).reshape(3, 4, 1), again=True)
    with pytest.raises(ValueError, match="differ by inf"):
        repeats.check("out")


# Plain functions have no weights by which one is told from another.


def test_a_certificate_of_another_function_is_refused():
    mean = testing.BlockMean({"input": 3})
    certificate = measured(mean)
    certificate.check_model(testing.BlockMean({"input": 3}), "estimated")
    others = {
        "other values": lambda x: {"estimated": 2 * mean(x)["estimated"]},
        "another size": testing.BlockMean({"input": 5}),
        "other inputs": testing.BlockMean({"image": 3}),
        "more channels": lambda x: {"estimated": x["input"][:, 1:-1, 1:-1]},
    }
    for other in others.values():
        for given in (other, as_predictor(other)):
            with pytest.raises(
                ValueError, match=r"another function.*Certify it: `tl\.c"
            ):
                certificate.check_model(given, "estimated")


def test_a_function_is_the_same_one_within_rounding_and_its_noise():
    mean = testing.BlockMean({"input": 3})
    certificate = measured(mean)

    def rounded(inputs):
        return {"estimated": mean(inputs)["estimated"] * np.float32(1 + 1e-6)}

    certificate.check_model(rounded, "estimated")
    amplitude = 1e-4
    of_noisy = measured(noisy(mean, amplitude))
    of_noisy.check_model(
        noisy(mean, amplitude, rng=np.random.default_rng(9)), "estimated"
    )


def test_a_sample_of_two_sources_is_kept_in_the_text():
    fields, strides = {"fine": 4, "coarse": 2}, {"fine": 2, "coarse": 1}
    function = testing.BlockMean(fields, strides)
    inputs = {"fine": (1, 1, 100), "coarse": (3, "1/2", 50)}
    certificate = certify(function, "estimated", tile=6, inputs=inputs, seed=3)
    again = Certificate.from_json(certificate.to_json())
    assert again == certificate
    assert again.sample.channels == {"fine": 1, "coarse": 3}
    again.check_model(testing.BlockMean(fields, strides), "estimated")
    with pytest.raises(ValueError, match="another function"):
        again.check_model(
            testing.BlockMean({**fields, "fine": 6}, strides), "estimated"
        )


def test_a_sample_with_other_inputs_than_the_certificate_is_damaged():
    certificate = measured(testing.BlockMean({"input": 3}))
    record = json.loads(certificate.to_json())
    record["sample"]["channels"] = {"other": 2}
    with pytest.raises(ValueError, match="The text is not a certificate"):
        Certificate.from_json(json.dumps(record))


def test_models_with_weights_need_no_sample():
    image = keras.Input((None, None, 1), name="input")
    net = layers.Conv2D(1, 3, padding="same", name="estimated")(image)
    certificate = certify(keras.Model(image, net), "estimated", tile=8)
    assert certificate.sample is None
    # A certificate of an older version, or of a function that was not sampled.
    plain = dataclasses.replace(certificate, weights=None)
    plain.check_model(lambda inputs: {"estimated": inputs["input"]}, "estimated")
