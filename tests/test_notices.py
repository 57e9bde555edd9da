"""Warnings that point to the user's line, and the errors of other libraries."""

import inspect
import warnings

import numpy as np
import pytest
from scenes import write
from tqdm import tqdm

import tutorial_lib as tl
from tutorial_lib.notices import error_line, warn


def test_a_warning_points_to_the_line_that_called_the_kit(tmp_path):
    labels = write(tmp_path / "labels.tif", np.ones((5, 7), "uint8"))
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(UserWarning, match="only 35 pixels") as caught:
        tl.select_positions(labels, count=99)
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_a_warning_from_within_a_progress_bar_points_to_the_loop():
    code = "def numbers():\n    yield 1\n    warn('Only one.')\n"
    kit = {"__name__": "tutorial_lib.example", "warn": warn}
    exec(compile(code, "example.py", "exec"), kit)
    with pytest.warns(UserWarning, match="Only one") as caught:
        passed = list(tqdm(kit["numbers"](), disable=True))
    assert passed == [1]
    assert caught[0].filename == __file__


def test_a_warning_outside_the_kit_is_still_given():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("A sentence.")
    assert [str(one.message) for one in caught] == ["A sentence."]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("One sentence.", "One sentence"),
        ("\x1b[1mBold words\x1b[0m and others.", "Bold words and others"),
        ("Error:\n\n  The second line says more.\nmore", "The second line says more"),
        ("Shapes differ. for '{{node add}} = Add[T=float]'", "Shapes differ"),
        ("{{function_node __wrapped__Add_device_/cpu:0}} Too big. [Op:Add]", "Too big"),
        ("", "ValueError"),
        (
            "Graph execution error:\n\nDetected at node net/conv/Relu defined at (most "
            "recent call last):\n<stack traces unavailable>\nOutput size negative: -1"
            "\n\t [[{{node net/conv/Relu}}]] [Op:__inference_run_2670]",
            "Output size negative: -1",
        ),
    ],
)
def test_the_most_informative_line_of_an_error(message, line):
    assert error_line(ValueError(message)) == line
