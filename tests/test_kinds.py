"""What messages say of values and their types, on every system."""

from pathlib import Path, PureWindowsPath

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

from tutorial_lib.kinds import kind_in_words, kind_of, shown, type_name


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Path("a.tif"), "a path"),
        (None, "nothing (`None`)"),
        (len, "a function"),
        (np.mean, "a function"),
        (np.sqrt, "a function"),
        ("".join, "a function"),
        (str.lower, "a function"),
        (lambda: 3, "a function"),
        (np.zeros(3), "an array"),
        (np.float32(3), "a single number"),
        (np.bool_(1), "a truth value"),
        (True, "a truth value"),
        (int, "a class"),
        (keras.Model, "a class"),
        (tf.constant([1.0]), "a tensor"),
        (keras.Input((8, 8, 4)), "an image of the network"),
        (keras.layers.Dense(3), "a layer (`Dense`)"),
        (keras.Sequential(), "a network (`Sequential`)"),
        (tf.data.Dataset.range(3), "a dataset (`RangeDataset`)"),
        (pandas.DataFrame({"a": [1]}).iloc, "`iloc` or `loc` without `[…]`"),
        (iter([1]), "an iterator"),
        ({}.keys(), "part of a dictionary"),
        (object(), "a value of the type `object`"),
    ],
)
def test_a_type_is_named_in_words_that_a_newcomer_knows(value, words):
    assert kind_of(value) == words


@pytest.mark.parametrize("system", ["Posix", "Windows"])
def test_a_path_has_one_name_on_all_systems(system):
    assert kind_in_words(f"{system}Path") == "a path"
    assert kind_in_words(f"pathlib.{system}Path") == "a path"


def test_a_path_is_shown_as_it_is_written():
    assert shown([Path("a.tif"), 3]) == "[Path('a.tif'), 3]"
    assert type_name(Path("a.tif")) == type_name(PureWindowsPath("a.tif")) == "Path"
    assert shown(Path("a" * 80)) == "a path"
