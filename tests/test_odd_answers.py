"""Answers of the wrong kind: each ends as a sentence of the kit, not a raw error."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas
import pytest

from tests.mutants import all_exercises, is_code
from tests.test_exercises import fresh
from tests.test_newcomers import noted

pytestmark = pytest.mark.thorough

EXERCISES = all_exercises()
# Exercises whose check takes milliseconds. Those about networks follow below.
QUICK = [
    "nb06_two_sources.draw_again",
    "nb06_two_sources.map_card",
    "nb07_blocking_artifacts.valid_size",
    "nb07_blocking_artifacts.after_conv",
    "nb07_blocking_artifacts.after_transposed",
    "nb07_blocking_artifacts.smallest_crop",
    "nb08_convolutional_distortion.distortion",
    "nb08_convolutional_distortion.map_accuracy",
    "nb09_going_further.shows_ground",
    "nb09_going_further.to_classes",
]
ODD = {
    "nothing": None,
    "text": "text",
    "a negative number": -1,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "a number too large for a float": 10**400,
    "a complex number": 1j,
    "an empty list": [],
    "an empty tuple": (),
    "rows of different lengths": [[1, 2], [3]],
    "a dictionary": {"a": 1},
    "a set": {1, 2},
    "a module": np,
    "a function of NumPy": np.sum,
    "a type of numbers": np.float32,
    "an object": object(),
    "an array without axes": np.array(3),
    "an empty array": np.array([]),
    "an array of one value": np.array([np.nan]),
    "texts": np.array(["a", "b"]),
    "objects": np.array([None, 1]),
    "complex numbers": np.array([1 + 2j]),
    "a cube": np.zeros((2, 3, 4)),
    "a structured array": np.zeros(3, [("a", int)]),
    "a masked array": np.ma.masked_array([1, 2], [True, False]),
    "a day": np.datetime64("2020-01-01"),
    "a series": pandas.Series([1, 2]),
    "a table": pandas.DataFrame({"a": [1]}),
    "a range": range(3),
    "bytes": b"text",
    "nothing twice": (None, None),
    "arrays of different lengths": [np.array([1, 2]), np.array([1])],
    "a fraction": Fraction(1, 3),
    "a decimal": Decimal("1.5"),
    "a path": Path("x"),
    "an error": KeyError("a"),
    "a slice": slice(1, 2),
}


def is_sentence(note):
    """Whether a note explains itself; the original of an explained error is folded."""
    return note.kind == "wrong" or (note.kind == "raised" and note.folded)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", QUICK)
def test_a_result_of_the_wrong_kind_gets_a_sentence(name, value):
    exercise = fresh(EXERCISES[name])
    given = exercise.example()
    answers = [ODD[value]]
    if is_code(exercise):
        answers.append(lambda *_: ODD[value])
    for answer in answers:
        note = exercise.check(answer, **given)
        assert is_sentence(note), note
        assert "`_" not in note.text


# These build a network, or write files, for each answer.
SLOWER = [
    "nb06_two_sources.make_dataset",
    "nb06_two_sources.plan_map",
    "nb06_two_sources.export_model",
    "nb07_blocking_artifacts.plan_blocks",
    "nb09_going_further.freeze",
]


@pytest.mark.parametrize("name", SLOWER)
def test_odd_results_of_functions_that_call_the_kit_get_a_sentence(name):
    for value in ("text", "a dictionary", "an array without axes", "a type of numbers"):
        note = fresh(EXERCISES[name]).check(lambda *_, v=value, **__: ODD[v])
        assert is_sentence(note), (value, note)


@pytest.mark.parametrize("name", [name for name in QUICK if is_code(EXERCISES[name])])
def test_a_class_in_the_place_of_a_function_is_named(name):
    for answer in (int, dict, type("Answer", (), {})):
        note = fresh(EXERCISES[name]).check(answer)
        assert note.kind == "wrong"
        assert note.text.endswith("Yours is a class.")


@pytest.mark.parametrize(
    "name", ["nb06_two_sources.network", "nb08_convolutional_distortion.deeper"]
)
def test_a_class_that_does_not_build_on_the_kit_is_named(name):
    note = fresh(EXERCISES[name]).check(type("Own", (), {}))
    assert note.text.startswith("The class must build on `tl.PatchModel`")


CLASSES, GROUND = "nb09_going_further.to_classes", "nb09_going_further.shows_ground"
FREEZE = "nb09_going_further.freeze"
EMPTY, NUMBER = 'np.full(codes.shape, 255, "uint8")', "= number"
DROPPED = "~np.isin(scl, (0, 1, 3, 8, 9, 10))"
ACCURACY = "nb08_convolutional_distortion.map_accuracy"
DRAW, DRAWN = "nb06_two_sources.draw_again", "rng.choice(names, len(names))"
DATASET = "nb06_two_sources.make_dataset"
# Name of the exercise, piece of the solution, what stands there, words of the note.
REPLACED = {
    "a number for an array": (CLASSES, EMPTY, "255", "this is a number. Make an array"),
    "a single number of NumPy": (CLASSES, EMPTY, "np.uint8(255)", "a single number"),
    "a list for an array": (
        CLASSES,
        EMPTY,
        "[255] * len(codes)",
        "`classes` is a list",
    ),
    "the shape itself": (CLASSES, EMPTY, "codes.shape", "`classes` is a tuple"),
    "a function for an array": (CLASSES, EMPTY, "np.full", "Call the function"),
    "a method for an array": (CLASSES, EMPTY, "codes.copy", "Call the function"),
    "nothing for an array": (CLASSES, EMPTY, "codes.fill(255)", "nothing (`None`)"),
    "swapped arguments": (CLASSES, EMPTY, "np.full(255, codes.shape)", "255"),
    "swapped axes": (CLASSES, EMPTY, "np.full(codes.shape[::-1], 255)", "same shape"),
    "a type misspelt": (CLASSES, '"uint8"', '"unit8"', "Did you mean `uint8`?"),
    "a number too large": (CLASSES, "255", "256", "from 0 to 255"),
    "all codes at once": (CLASSES, NUMBER, "= codes", "one value for all of them"),
    "the whole dictionary": (CLASSES, NUMBER, "= class_of", "this is a dictionary"),
    "a method not called": (CLASSES, NUMBER, "= class_of.get", "Call it, with `()`"),
    "a key that is a class": (CLASSES, NUMBER, "= class_of[number]", "no key 0"),
    "a list of classes": (
        CLASSES,
        "return classes",
        "return classes.tolist()",
        "a list",
    ),
    "a list of truths": (GROUND, DROPPED, f"({DROPPED}).tolist()", "a list"),
    "minus": (GROUND, DROPPED, "-np.isin(scl, (0, 1))", "`~` turns them around"),
    "a text compared": (GROUND, DROPPED, "scl > '3'", "without quotes"),
    "weights by place": (
        ACCURACY,
        "(weights * users).sum()",
        "np.average(users, weights)",
        "`weights=…`",
    ),
    "an axis that is an array": (
        ACCURACY,
        "(weights * users).sum()",
        "np.sum(weights, users)",
        "an axis or a count",
    ),
    "more than there are": (
        DRAW,
        DRAWN,
        "rng.choice(names, 9, replace=False)",
        "twice",
    ),
    "none drawn": (DRAW, DRAWN, "[]", "is empty"),
    "a count not called": (DRAW, DRAWN, "rng.choice(names, len)", "Call it, with `()`"),
    "a dataset without an end": (DATASET, "=shuffle)", "=shuffle).repeat()", "never"),
    "a copy with other weights": (
        FREEZE,
        "return model",
        "return keras.models.clone_model(model)",
        "other weights",
    ),
    "a rate alone": (
        FREEZE,
        'layer.name == "softmax"',
        "True",
        "Only the learning rate",
    ),
}


@pytest.mark.parametrize("case", REPLACED)
def test_the_note_names_what_stands_in_the_wrong_place(case):
    name, old, new, words = REPLACED[case]
    note = noted(name, (old, new))
    assert is_sentence(note), note
    assert words in note.text


def test_an_interval_of_rows_of_different_lengths_is_not_in_the_table():
    note = noted(
        "nb06_two_sources.map_card", ('row["over polygons"]', "((0.4, 0.6), 1)")
    )
    assert note.text.startswith("`interval` is not in the table.")
