"""Gaussian maximum likelihood: its boundary in theory, its invariance, its errors."""

from dataclasses import replace

import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib.patches.extraction import Patches
from tutorial_lib.training import maximum_likelihood


def patches_of(values, labels, name="input"):
    """Patches of one source with given values, (n, height, width, channel)."""
    arrays = {name: values, "labels": np.reshape(labels, (-1, 1, 1, 1))}
    return Patches(arrays, rejected=())


def pixels(values, labels=None):
    """Patches of one pixel and one band."""
    labels = np.zeros(len(values), int) if labels is None else labels
    return patches_of(np.reshape(values, (-1, 1, 1, 1)).astype(float), labels)


@pytest.fixture(scope="module")
def drawn():
    """Patches of three classes, 3 x 4 pixels and three bands that go together."""
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 4], 60)
    mixing = rng.normal(0, 1, (5, 3, 3))
    level = rng.normal(0, 1, (180, 1, 1, 3)) + labels[:, None, None, None]
    values = level + rng.normal(0, 0.4, (180, 3, 4, 3))
    return patches_of(np.einsum("nhwc,ncd->nhwd", values, mixing[labels]), labels)


def halves(patches):
    """Every second patch, and the others."""
    return [
        replace(patches, arrays={k: v[i::2] for k, v in patches.arrays.items()})
        for i in (0, 1)
    ]


def test_the_boundary_between_two_classes_is_that_of_the_theory():
    # Two classes with the mean 0 and the standard deviations 1 and 3: their densities
    # are equal where x^2 (1 - 1/9) = 2 ln 3.
    known = np.array([-1, 1, -3, 3])
    train = pixels(known, [5, 5, 7, 7])
    edge = np.sqrt(2 * np.log(3) / (1 - 1 / 9))
    values = np.array([-1.001, -0.999, 0, 0.999, 1.001]) * edge
    estimated = maximum_likelihood(train, pixels(values), features="center")
    assert estimated.tolist() == [7, 5, 5, 5, 7]


@pytest.mark.parametrize("features", ["statistics", "center"])
def test_the_classes_are_those_of_densities_computed_one_by_one(drawn, features):
    train, test = halves(drawn)

    def vectors(patches):
        values = patches.arrays["input"]
        if features == "center":
            return values[:, 1, 2]
        return np.hstack([values.mean((1, 2)), values.std((1, 2))])

    known, labels = vectors(train), train.arrays["labels"].ravel()
    right = []
    for one in vectors(test):
        densities = {}
        for number in (0, 1, 4):
            of_class = known[labels == number]
            away = one - of_class.mean(0)
            covariance = np.cov(of_class.T, bias=True)
            density = np.exp(-away @ np.linalg.inv(covariance) @ away / 2)
            densities[number] = density / np.sqrt(np.linalg.det(covariance))
        right.append(max(densities, key=densities.get))
    estimated = maximum_likelihood(train, test, features=features)
    assert (estimated == right).mean() > 0.98
    assert set(estimated) == {0, 1, 4}


@pytest.mark.parametrize("features", ["statistics", "center"])
def test_units_of_the_bands_do_not_matter(drawn, features):
    train, test = halves(drawn)
    before = maximum_likelihood(train, test, features=features)
    scaled = [
        replace(x, arrays=x.arrays | {"input": x.arrays["input"] * [1e4, 1, 1e-3] + 7})
        for x in (train, test)
    ]
    assert (maximum_likelihood(*scaled, features=features) == before).all()


def test_two_sources_say_what_their_bands_side_by_side_say(drawn):
    def apart(patches):
        one, two = np.split(patches.arrays["input"], [2], axis=-1)
        return replace(patches, arrays=patches.arrays | {"input": one, "other": two})

    train, test = halves(drawn)
    together = maximum_likelihood(train, test)
    assert (maximum_likelihood(apart(train), apart(test)) == together).all()


def test_a_band_that_is_there_twice_or_constant_does_no_harm(drawn):
    def more(patches):
        values = patches.arrays["input"]
        values = np.concatenate([values, values[..., :1], 0 * values[..., :1]], -1)
        return replace(patches, arrays=patches.arrays | {"input": values})

    train, test = halves(drawn)
    before = maximum_likelihood(train, test, features="center")
    after = maximum_likelihood(more(train), more(test), features="center")
    assert (after == before).mean() > 0.98


def test_a_class_with_one_patch_works_and_a_class_without_is_never_estimated():
    train = pixels([1, 2, 3, 9], [0, 0, 0, 3])
    values = np.linspace(0, 10, 101)
    estimated = maximum_likelihood(train, pixels(values), features="center")
    assert set(estimated) == {0, 3}
    assert estimated[values == 9] == 3


def test_different_sources_and_bands_are_refused(drawn):
    other = patches_of(drawn.arrays["input"], drawn.arrays["labels"], name="xs")
    with pytest.raises(ValueError, match=r"sources input and `test` xs. Give"):
        maximum_likelihood(drawn, other)
    less = patches_of(drawn.arrays["input"][..., :1], drawn.arrays["labels"])
    with pytest.raises(ValueError, match=r"3 bands in `train` and 1 in `test`. Give"):
        maximum_likelihood(drawn, less)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(drawn, value):
    values = drawn.arrays["input"].copy()
    values[3, 1, 2, 0] = value
    broken = patches_of(values, drawn.arrays["labels"])
    with pytest.raises(ValueError, match=r"`test` holds NaN or infinity. Leave"):
        maximum_likelihood(drawn, broken)


def test_wrong_arguments_are_named(drawn):
    with pytest.raises(ValueError, match="`features`"):
        maximum_likelihood(drawn, drawn, features="median")
    with pytest.raises(TypeError, match="`train` is"):
        maximum_likelihood(drawn.arrays, drawn)
    none = replace(drawn, arrays={k: v[:0] for k, v in drawn.arrays.items()})
    with pytest.raises(ValueError, match=r"`test` has no patches. Give"):
        maximum_likelihood(drawn, none)


def test_it_is_a_name_of_the_training_room():
    assert "maximum_likelihood" in dir(tl.training)
