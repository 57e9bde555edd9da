"""Answers that newcomers gave to 07 and 08: true notes, and right ones that pass."""

import pytest

from tests.mutants import all_exercises
from tests.test_exercises import fresh
from tests.test_newcomers import noted

pytestmark = pytest.mark.thorough

CONV = "nb07_blocking_artifacts.after_conv"
TRANSPOSED = "nb07_blocking_artifacts.after_transposed"
DISTORTION = "nb08_convolutional_distortion.distortion"
DEEPER = "nb08_convolutional_distortion.deeper"
ROOT = "np.sqrt((error**2).sum(axis=-1).mean())"
ROWS, COLUMNS = "crop : height - crop", "crop : width - crop"
# Name of the exercise, its changes, words of the note, words that would be false.
WRONG = {
    "no brackets": (
        (CONV, ("(first + 1) // 2", "first + 1 // 2"), ("(last - 2)", "last - 2")),
        "brackets",
        "gave",
    ),
    "a power without brackets": (
        (DISTORTION, (ROOT, "(error**2).sum(axis=-1).mean() ** 1 / 2")),
        "`**` comes before `/`",
        "gave",
    ),
    "the other two sides": (
        (DISTORTION, (ROWS, ": height - crop"), (COLUMNS, ": width - crop")),
        "the bottom and the right only",
        "the top",
    ),
    "all sides together": (
        (
            DISTORTION,
            (ROWS, "crop // 2 : height - crop // 2"),
            (COLUMNS, "crop // 2 : width - crop // 2"),
        ),
        "from each of the four sides",
        "gave",
    ),
    "no pixel": (
        (DISTORTION, (ROWS, "crop:crop"), (COLUMNS, "crop:crop")),
        "No pixel is left",
        "NaN",
    ),
    "the root of a negative number": (
        (DISTORTION, (ROOT, "np.sqrt((error * 2).sum(axis=-1).mean())")),
        "NaN",
        "No pixel is left",
    ),
    "the sizes of one chunk": (
        (DISTORTION, (ROWS, "crop : 256 - crop"), (COLUMNS, "crop : 256 - crop")),
        "use `height` and `width`",
        "gave",
    ),
    "the height of an image without size": (
        (DEEPER, ("skip.shape[-1]", "skip.shape[1]")),
        "`skip.shape[-1]`",
        "an image or a shape",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_note_says_what_is_so(case):
    changed, words, elsewhere = WRONG[case]
    note = noted(*changed)
    assert note.kind == "wrong"
    assert words in note.text
    assert elsewhere not in note.text


JOIN = "keras.layers.Add()([double(net, skip.shape[-1]), skip])"
IMAGES = "[double(net, skip.shape[-1]), skip]"
BANDS = "(error**2).sum(axis=-1).mean()"
JOINS = "Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"
RAISED = {
    **{
        f"{name} of {form}": (
            (DEEPER, (JOIN, f"keras.layers.{name}({form})")),
            f"Write `keras.layers.{name}()([one, other])`",
            "Merge",
        )
        for name in JOINS
        for form in (IMAGES, IMAGES[1:-1], f"inputs={IMAGES}")
    },
    "a join that is missing": (
        (DEEPER, (JOIN, IMAGES[1:-1])),
        "`net` is a tuple of 2 values",
        "inputs[",
    ),
    "a comma too many": (
        (DEEPER, (JOIN, f"{JOIN},")),
        "`net` is a tuple of one image",
        "inputs[",
    ),
    "all inputs": (
        (DEEPER, ('inputs["input_p"]', "inputs")),
        '`net["input_p"]`',
        "different size",
    ),
    "the sum of Python": (
        (DISTORTION, (BANDS, "sum(error**2, axis=-1).mean()")),
        "`np.sum(…, axis=…)`",
        "invalid keyword",
    ),
}


@pytest.mark.parametrize("case", RAISED)
def test_an_error_names_its_cure(case):
    changed, words, elsewhere = RAISED[case]
    note = noted(*changed)
    assert note.kind == "raised"
    assert words in note.text
    assert elsewhere not in note.text


def test_arrays_are_shown_as_they_were_before_they_were_changed():
    start = "error = (alone - around)["
    change = "alone -= around\n    error = alone["
    note = noted(DISTORTION, (start, change), (ROOT, "(error**2).sum(axis=-1).mean()"))
    assert note.text.startswith("All is right except for the root")
    assert "changes the list, array or table" in note.text
    note = noted(DISTORTION, (start, change), (ROOT, "17.0"))
    # In the smallest example, `alone` holds zeros.
    assert "`distortion(np.array([[[0.0, 0.0], [0.0, 0.0]]" in note.text
    assert "changes the list, array or table" in note.text


def test_pixels_that_are_spread_may_be_counted():
    def after_transposed(first, last):
        valid = [
            pixel
            for pixel in range(2 * last + 3)
            if all(
                first <= i <= last
                for i in range(last + 2)
                if pixel in (2 * i, 2 * i + 1, 2 * i + 2)
            )
        ]
        return min(valid), max(valid)

    exercise = fresh(all_exercises()[TRANSPOSED])
    assert exercise.check(after_transposed).kind == "right"


def test_an_image_without_distortion_has_pixels_left():
    note = noted(DISTORTION, (ROOT, "0 * error.sum()"))
    assert note.kind == "wrong"
    assert "No pixel" not in note.text
