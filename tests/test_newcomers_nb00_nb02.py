"""Answers that newcomers gave to 00, 01, 01b and 02: their notes say what is so."""

import numpy as np
import pytest

from tests.mutants import all_exercises
from tests.test_exercises import fresh

pytestmark = pytest.mark.thorough

EXERCISES = all_exercises()
MEAN, SHARE = "nb00_start.mean_reflectance", "nb01_patches.lost_share"
FIRST, STEP = "nb01_patches.first_pixel", "nb01b_networks_in_brief.gradient_step"
LOSS, SUM = (f"nb01b_networks_in_brief.{x}" for x in ("cross_entropy", "weighted_sum"))
RECALLS = "nb02_patch_based_cnn.recalls"
FIELD, PIXELS = (f"nb02_patch_based_cnn.{x}" for x in ("field_and_scale", "map_pixels"))


def noted(name, signature, *lines):
    """The note about a function of these lines."""
    exercise = fresh(EXERCISES[name])
    code = "\n    ".join((f"def {exercise.answer_name}{signature}:", *lines))
    return exercise.check(exercise.run(code))


# Exercise, arguments, lines, and words that the note has.
WRONG = {
    "a sum that begins at 0 again": (
        *(MEAN, "(path, window)"),
        "total = 0",
        "pixels = rasters.read_array(path, window=window)",
        "for row in range(window.height):",
        "    for column in range(window.width):",
        "        total = total + pixels[row, column]",
        "return total / (window.height * window.width) / 100",
        "65 535",
    ),
    "whole numbers of a share": (
        *(SHARE, "(patches)"),
        "lost = len(patches.rejected)",
        "return int(lost / (lost + patches.count))",
        "always 0",
    ),
    "a reason that does not exist": (
        *(SHARE, "(patches)"),
        "lost = [one for one in patches.rejected if one.reason == 'the border']",
        "return len(lost) / (len(lost) + patches.count)",
        "always 0",
    ),
    "a sum and not a difference": (
        *(FIRST, "(centre, size)", "half = size // 2", "return centre + half"),
        "after the centre",
    ),
    "decimals dropped at the end": (
        *(FIRST, "(centre, size)", "return int(centre - size / 2)"),
        "`int` drops that",
    ),
    "only one way has a return": (
        *(FIRST, "(centre, size)", "if size % 2:", "    return centre - size // 2"),
        "`first_pixel(8, 16)` gives nothing back",
    ),
    "a return with nothing": (
        *(FIRST, "(centre, size)", "return print(centre - size // 2)"),
        "Does every way",
    ),
    "no return": (
        *(FIRST, "(centre, size)", "centre - size // 2"),
        "`first_pixel` gives nothing back. Does it end with",
    ),
    "a part of a name": (
        *(STEP, "(weight, gradient, learning_rate)", "return weight - rate * gradient"),
        "Did you mean `learning_rate`?",
    ),
    "a sum that each row begins again": (
        *(SUM, "(image, kernel, row, column)"),
        "for i, weights in enumerate(kernel):",
        "    total = 0",
        "    for j, weight in enumerate(weights):",
        "        total += image[row + i, column + j] * weight",
        "return total",
        "before both loops",
    ),
    "a function for one axis": (
        *(SUM, "(image, kernel, row, column)", "return np.convolve(image, kernel)"),
        "with one axis",
    ),
    "a line outside the loop": (
        *(FIELD, "(layers)"),
        "field, scale = 1, 1",
        "for kernel, stride in layers:",
        "    field = field + (kernel - 1) * scale",
        "scale = scale * stride",
        "return field, scale",
        "inside the loop",
    ),
    "pairs read the wrong way round": (
        *(FIELD, "(layers)"),
        "field, scale = 1, 1",
        "for layer in layers:",
        "    field += (layer[1] - 1) * scale",
        "    scale *= layer[0]",
        "return field, scale",
        "exchanged",
    ),
    "methods that are not called": (
        *(RECALLS, "(probabilities, labels, class_id)"),
        "own = probabilities[labels == class_id]",
        "return (own[:, class_id] > 0.5).mean, (own.argmax(1) == class_id).mean",
        "gave (a function, a function)",
    ),
    "the classes of all patches": (
        *(RECALLS, "(probabilities, labels, class_id)"),
        "own = probabilities[labels == class_id]",
        "winners = own.argmax(axis=0)",
        "return (own[:, class_id] > 0.5).mean(), (winners == class_id).mean()",
        "the classes are along axis 1",
    ),
    "no brackets": (
        *(PIXELS, "(size, field, scale)", "return 1 + size - field // scale"),
        "in brackets",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_note_says_what_is_so(case):
    name, signature, *lines, words = WRONG[case]
    note = noted(name, signature, *lines)
    assert note.kind in ("wrong", "raised")
    assert words in note.text


RIGHT = {
    "a sum of numbers with decimals": (
        *(MEAN, "(path, window)"),
        "pixels = rasters.read_array(path, window=window).astype(float)",
        "return sum(sum(pixels)) / pixels[..., 0].size / 100",
    ),
    "two ways with a return": (
        *(FIRST, "(centre, size)"),
        "if size % 2:",
        "    return centre - (size - 1) / 2",
        "return centre - size / 2",
    ),
    "from the last layer to the first": (
        *(FIELD, "(layers)"),
        "field, scale = 1, 1",
        "for kernel, stride in reversed(layers):",
        "    field, scale = (field - 1) * stride + kernel, scale * stride",
        "return [field, scale]",
    ),
    "a loop over the weights": (
        *(SUM, "(image, kernel, row, column)"),
        "places = np.ndenumerate(kernel)",
        "return sum(image[row + i, column + j] * one for (i, j), one in places)",
    ),
    "a target of zeros and a one": (
        *(LOSS, "(probabilities, label)"),
        "target = np.eye(len(probabilities))[label]",
        "return -(target * np.log(probabilities)).sum()",
    ),
    "a count": (
        *(PIXELS, "(size, field, scale)"),
        "return len(range(field, size + 1, scale))",
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_answer_that_is_written_in_another_way_passes(case):
    note = noted(*RIGHT[case])
    assert note.kind == "right", note


def test_a_method_that_gives_nothing_is_named_without_its_object():
    exercise = fresh(EXERCISES["nb03_pixelwise_fcnn.network"])
    code = exercise.solution_code.replace("return {", "if net is None: return {")
    note = exercise.check(exercise.run(code))
    assert "`network` gives nothing back" in note.text


@pytest.mark.parametrize(
    "name", ["nb00_start.ground_size", "nb01_patches.draw", "nb01_patches.pairs"]
)
def test_a_function_of_numpy_in_the_place_of_a_value_is_a_function(name):
    exercise = fresh(EXERCISES[name])
    note = exercise.check(np.sum, **exercise.example())
    assert "is a function" in note.text
