"""The exercises of all notebooks, and the machinery behind them."""

import dataclasses
import pkgutil
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest

import tutorial_lib.exercises
from tutorial_lib.exercises import (
    Exercise,
    Mistake,
    Note,
    close,
    diagnose,
    nb06_two_sources,
    nb07_blocking_artifacts,
    nb08_convolutional_distortion,
)
from tutorial_lib.exercises.attempts import run_code

MODULES = [
    import_module(f"tutorial_lib.exercises.{info.name}")
    for info in pkgutil.iter_modules(tutorial_lib.exercises.__path__)
    if info.name.startswith("nb")
]
ALL = [
    pytest.param(name, value, id=f"{module.__name__.rsplit('.', 1)[1]}.{name}")
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Exercise)
]
MISTAKES = [
    pytest.param(case.values[1], mistake, id=f"{case.id}-{mistake}")
    for case in ALL
    for mistake in case.values[1].mistakes
]


def fresh(exercise):
    """The same exercise without any attempts."""
    return dataclasses.replace(exercise)


# Every exercise of every notebook


def test_each_notebook_has_exercises():
    assert len(MODULES) >= 9
    assert {case.id.split(".")[0] for case in ALL} == {
        module.__name__.rsplit(".", 1)[1] for module in MODULES
    }


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_the_stub_is_not_attempted(name, exercise):
    given = exercise.example()
    stub = exercise.run(exercise.stub, **given)
    assert fresh(exercise).check(stub, **given).kind == "not attempted"


@pytest.mark.sampled(daily=4)
@pytest.mark.thorough
@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_the_solution_is_right_for_all_random_inputs(name, exercise):
    for _ in range(3):
        given = exercise.example()
        answer = exercise.run(exercise.solution_code, **given)
        note = fresh(exercise).check(answer, **given)
        assert note.kind == "right", note


# Inputs are drawn anew in each run, so many runs with one find what is rare too.
@pytest.mark.sampled(daily=16)
@pytest.mark.parametrize(
    "count",
    [
        pytest.param(1, marks=pytest.mark.thorough),
        pytest.param(3, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_a_mistake_gets_its_own_hint_for_all_random_inputs(exercise, mistake, count):
    for _ in range(count):
        given = exercise.example()
        answer = exercise.run(exercise.mistakes[mistake].code, **given)
        note = fresh(exercise).check(answer, **given)
        assert (note.kind, note.text) == ("wrong", exercise.mistakes[mistake].hint)


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_texts_use_the_markup_that_notes_understand(name, exercise):
    texts = [mistake.hint for mistake in exercise.mistakes.values()]
    texts += [*exercise.hints, exercise.explanation]
    shown = [
        re.sub(r"`[^`]+`", "", repr(Note("hint", exercise.title, text)))
        for text in texts
    ]
    assert not re.search(r"\*\w|\w\*", "\n".join(shown))


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_the_exercise_is_complete(name, exercise):
    hints = {mistake.hint for mistake in exercise.mistakes.values()}
    assert exercise.name == name
    assert len(exercise.mistakes) >= 2
    assert len(hints) == len(exercise.mistakes)
    assert len(exercise.hints) >= 2
    assert set(exercise.example()) == set(exercise.given_names)


def test_exercises_load_neither_tensorflow_nor_matplotlib():
    imports = "\n".join(f"import {module.__name__}" for module in MODULES)
    code = f"{imports}\nimport sys\nprint('tensorflow' in sys.modules)"
    code += "\nprint('keras' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"] * 3


# Hints that are chosen by an error of the kit or of Keras


def note_with(exercise, old, new):
    """The note about the solution with one piece of code replaced."""
    assert old in exercise.solution_code
    given = exercise.example()
    answer = exercise.run(exercise.solution_code.replace(old, new), **given)
    return fresh(exercise).check(answer, **given)


JOIN = "keras.layers.Add()([double(net, skip.shape[-1]), skip])"


@pytest.mark.parametrize(
    ("mistake", "join"),
    [
        ("sizes", "net + skip"),
        ("sizes", "keras.ops.add(net, skip)"),
        ("sizes", "keras.layers.Concatenate()([net, skip])"),
        ("channels", "double(net, 64) + skip"),
        ("channels", "keras.layers.add([double(net, 64), skip])"),
    ],
)
def test_images_that_do_not_fit_get_their_hint_from_each_joining_layer(mistake, join):
    exercise = nb08_convolutional_distortion.deeper
    note = note_with(exercise, JOIN, join)
    assert note.text == exercise.mistakes[mistake].hint


@pytest.mark.parametrize("code", ["double(net, -3)", "1 / 0"])
def test_another_error_in_a_network_does_not_get_the_hint_about_sizes(code):
    exercise = nb08_convolutional_distortion.deeper
    hints = {mistake.hint for mistake in exercise.mistakes.values()}
    assert note_with(exercise, JOIN, code).text not in hints


@pytest.mark.parametrize(
    ("exercise", "field"),
    [
        (nb06_two_sources.plan_map, '"input_20m": 8'),
        (nb07_blocking_artifacts.plan_blocks, "receptive_field=32"),
        (nb07_blocking_artifacts.plan_blocks, "expression_field=128"),
    ],
)
def test_a_blank_for_a_field_is_not_attempted(exercise, field):
    name = field.rstrip("0123456789")
    assert note_with(exercise, field, f"{name}...").kind == "not attempted"


def test_the_note_names_a_field_that_is_a_float():
    note = note_with(nb06_two_sources.plan_map, '"input_20m": 8', '"input_20m": 16 / 2')
    assert note.kind == "raised"
    assert "8.0" in note.text
    exercise = nb07_blocking_artifacts.plan_blocks
    note = note_with(exercise, "expression_field=128", "expression_field=256 / 2")
    assert note.text == exercise.mistakes["not whole"].hint


# Checks of a value, a function and a class


def value_exercise(**changes):
    settings = {
        "name": "side",
        "title": "A patch on the ground",
        "question": "How many metres?",
        "answer_name": "side_m",
        "stub": "side_m = ...",
        "solution_code": "side_m = 16 * spacing",
        "judge": lambda answer, *, spacing: diagnose(
            answer, right=16 * spacing, likely={"pixels": 16}
        ),
        "mistakes": {"pixels": Mistake("side_m = 16", "These are pixels.")},
        "hints": ("vague", "clearer", "nearly there"),
        "explanation": "Pixels times spacing.",
    }
    return Exercise(**(settings | changes))


def function_exercise():
    return value_exercise(
        answer_name="half",
        solution_code="def half(n):\n    return n // 2",
        judge=lambda answer: diagnose(answer(9), right=4, likely={"pixels": 4.5}),
    )


def class_exercise():
    return value_exercise(
        answer_name="Ruler",
        solution_code="class Ruler:\n    def measure(self, n):\n        return 10 * n",
        judge=lambda answer: None if answer().measure(3) == 30 else "other",
    )


def typed(code, name="answer", **given):
    """The value of a name after a learner's cell with this code ran."""
    return run_code(code, given, title="cell")[name]


@pytest.mark.parametrize("blank", [..., (1, ...), [..., 2], {"a": {"b": ...}}])
def test_a_blank_in_a_value_is_not_attempted(blank):
    assert value_exercise().check(blank, spacing=10).kind == "not attempted"


@pytest.mark.parametrize(
    "code",
    [
        "def answer(n):\n    return ...",
        "def answer(n):\n    return (n, ...)",
        "def answer(n):\n    side = ...\n    return side + 1",
        "def answer(n):\n    side = ...\n    return side.real",
        "def answer(n):\n    for _ in ...:\n        pass\n    return n",
        "def answer(n):\n    print(1 / 0, ...)\n    return n",
        "def answer(n):\n    return n[..., ...]",
    ],
)
def test_a_blank_in_a_function_is_not_attempted(code):
    assert function_exercise().check(typed(code)).kind == "not attempted"


@pytest.mark.parametrize(
    "code",
    [
        "def answer(n):\n    return n[..., 0]",
        "def answer(n: tuple[int, ...]):\n    return n.side",
        "def answer(n):\n    class Error(Exception): ...\n    raise Error",
    ],
)
def test_an_ellipsis_of_python_is_not_a_blank(code):
    assert function_exercise().check(typed(code)).kind == "raised"


@pytest.mark.parametrize(
    "code",
    [
        "class answer:\n    side = ...\n    def measure(self, n):\n        return n",
        "class answer:\n    def measure(self, n):\n        return n + ...",
        "class answer:\n    def measure(self, n):\n        return n\n"
        "    def other(self):\n        return ...",
    ],
)
def test_a_blank_anywhere_in_a_class_is_not_attempted(code):
    assert class_exercise().check(typed(code)).kind == "not attempted"


def test_checking_a_class_does_not_change_it():
    ruler = typed("class answer:\n    def measure(self, n):\n        return ...")
    before = dict(vars(ruler))
    assert class_exercise().check(ruler).kind == "not attempted"
    assert dict(vars(ruler)) == before


def test_a_blank_is_found_when_another_error_is_raised_because_of_it():
    def judge(answer):
        try:
            answer(9)
        except Exception as err:
            raise RuntimeError("Layer failed") from err

    exercise = value_exercise(judge=judge)
    note = exercise.check(typed("def answer(n):\n    return ..."))
    assert note.kind == "not attempted"


def test_a_blank_is_not_counted_as_an_attempt():
    exercise = value_exercise()
    exercise.check(..., spacing=10)
    exercise.check((...,), spacing=10)
    exercise.check([...], spacing=10)
    assert "3 more different attempts" in exercise.solution().text


def test_an_error_is_shown_with_the_line_that_raised_it():
    note = function_exercise().check(typed("def answer(n):\n    return n // 0"))
    assert note.kind == "raised"
    assert "divides by zero" in note.text
    assert note.folded == "ZeroDivisionError: integer division or modulo by zero"
    assert "Line 2 of the cell: `return n // 0`" in note.text


def test_the_innermost_line_of_the_learner_is_shown():
    helper = "def helper(n):\n    return n.side\n\n"
    note = function_exercise().check(
        typed(helper + "def answer(n):\n    return helper(n)")
    )
    assert "Line 2 of the cell: `return n.side`" in note.text


def test_an_error_about_a_value_has_no_line():
    exercise = value_exercise(judge=lambda answer, *, spacing: answer.shape)
    note = exercise.check(3, spacing=10)
    assert note.text == "A number has no `shape`. NumPy has `np.shape(…)`."


def test_a_right_answer_gets_the_explanation():
    note = value_exercise().check(160, spacing=10)
    assert (note.kind, note.text) == ("right", "Pixels times spacing.")


def test_an_unknown_mistake_gets_the_general_hint():
    note = value_exercise().check(3, spacing=10)
    assert note.kind == "wrong"
    assert "`ex.side.hint()`" in note.text


@pytest.mark.parametrize("exercise", [function_exercise(), class_exercise()])
def test_the_solution_of_a_function_or_class_passes(exercise):
    answer = exercise.run(exercise.solution_code)
    assert fresh(exercise).check(answer).kind == "right"


def test_a_check_does_not_show_the_right_answer():
    exercise = value_exercise()
    notes = [exercise.check(answer, spacing=10) for answer in (16, 3, "a", ...)]
    assert "160" not in "".join(map(repr, notes))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"none. Write `ex.side.check\(…, spacing=spacing\)`"),
        ({"grid": 1}, "Received: grid. Write"),
        ({"spacing": 10, "grid": 1}, "Received: grid, spacing. Write"),
    ],
)
def test_a_check_with_other_given_values_is_an_error(given, message):
    with pytest.raises(TypeError, match=message):
        value_exercise().check(160, **given)


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_a_check_without_an_answer_says_what_to_give(name, exercise):
    last_line = exercise.cell().splitlines()[-1]
    for note in (fresh(exercise).check(), fresh(exercise).check(1, 2)):
        assert note.kind == "not attempted"
        assert f"`{last_line}`" in note.text


def test_an_answer_without_its_given_values_is_an_error():
    with pytest.raises(TypeError, match=r"ex.side.answer\(spacing=spacing\)"):
        value_exercise().answer()


# Hints and solutions


def test_hints_are_shown_in_order_and_the_last_one_again():
    exercise = value_exercise()
    texts = [exercise.hint().text for _ in range(4)]
    assert texts == [
        "(1 of 3) vague",
        "(2 of 3) clearer",
        "(3 of 3) nearly there",
        "(3 of 3) nearly there",
    ]


def test_a_hint_by_number_does_not_change_the_next_hint():
    exercise = value_exercise()
    assert exercise.hint(2).text == "(2 of 3) clearer"
    assert exercise.hint().text == "(1 of 3) vague"


@pytest.mark.parametrize("number", [0, 4])
def test_a_hint_that_does_not_exist_is_an_error(number):
    with pytest.raises(ValueError, match=f"no hint {number}. Ask for 1 to 3"):
        value_exercise().hint(number)


def check_all(exercise, answers, **given):
    for answer in answers:
        exercise.check(answer, **given)


def test_the_solution_opens_after_three_different_attempts():
    exercise = value_exercise()
    check_all(exercise, [1, 1, 1, 2], spacing=10)
    note = exercise.solution()
    assert (note.kind, note.code) == ("locked", "")
    assert "1 more attempt." in note.text
    exercise.check(3, spacing=10)
    assert exercise.solution().code == "side_m = 16 * spacing"


def test_the_solution_opens_after_a_right_answer():
    exercise = value_exercise()
    exercise.check(160, spacing=10)
    assert exercise.solution().kind == "solution"


@pytest.mark.parametrize(
    ("exercise", "code"),
    [
        (function_exercise(), "def answer(n):\n    return {}"),
        (
            class_exercise(),
            "class answer:\n    def measure(self, n):\n        return {}",
        ),
    ],
)
def test_a_function_or_class_is_a_new_attempt_when_its_code_changes(exercise, code):
    exercise = fresh(exercise)
    check_all(exercise, [typed(code.format(number)) for number in (1, 1, 1, 2)])
    assert "1 more attempt." in exercise.solution().text


# The answer that the rest of the notebook uses


def test_before_a_pass_the_notebook_goes_on_with_the_solution(capsys):
    exercise = value_exercise()
    exercise.check(3, spacing=10)
    assert exercise.answer(spacing=10) == 160
    assert capsys.readouterr().out == (
        "side_m: the kit's reference, until your answer passes\n"
    )


def test_after_a_pass_the_notebook_goes_on_with_the_answer_that_passed(capsys):
    exercise = class_exercise()
    own = typed("class answer:\n    def measure(self, n):\n        return n * 10")
    exercise.check(own)
    exercise.check(typed("class answer:\n    def measure(self, n):\n        return 1"))
    assert exercise.answer() is own
    assert capsys.readouterr().out == "Ruler: your own answer\n"


def test_the_notebook_can_go_on_with_numbers_of_any_type():
    code = "size_m = (16 * spacing, 0.5)"
    column = np.array([[160], [0.5]])
    fraction, decimal = [160, Fraction(1, 2)], (160.0, Decimal("0.5"))
    for own in (fraction, decimal, column, (160, column[1]), {"a": 160, "b": 0.5}):
        exercise = value_exercise(
            judge=lambda answer, *, spacing: None,
            answer_name="size_m",
            stub="size_m = ...",
            solution_code=code,
        )
        exercise.check(own, spacing=10)
        side, half = exercise.answer(spacing=10)
        assert f"{side:.1f} {half:.1f}" == "160.0 0.5"


def test_the_solution_knows_only_its_imports_and_the_given_values():
    exercise = value_exercise(
        imports="import math", solution_code="side_m = math.floor(16.5) * spacing"
    )
    assert exercise.answer(spacing=10) == 160
    with pytest.raises(NameError, match="numpy"):
        exercise.run("side_m = numpy.floor(16.5)", spacing=10)


def test_the_cell_has_the_code_and_its_check():
    exercise = value_exercise()
    assert exercise.cell() == "side_m = ...\n\nex.side.check(side_m, spacing=spacing)"
    assert exercise.cell(solved=True).startswith("side_m = 16 * spacing\n")


# Notes and comparisons


def test_a_note_says_its_kind_in_words_and_escapes_html():
    note = Note("wrong", "A < B", "Not `x < 3`.", code="a < b")
    page = note._repr_html_()
    assert repr(note) == "✘ Not yet · A < B\nNot `x < 3`.\na < b"
    assert "✘ Not yet · A &lt; B" in page
    assert "<code>x &lt; 3</code>" in page
    assert "<pre" in page
    assert "a &lt; b</pre>" in page


@pytest.mark.parametrize(
    ("text", "plain", "page"),
    [
        ("the *centre* of it", "the centre of it", "the <em>centre</em> of it"),
        ("*all rows*: *a*.", "all rows: a.", "<em>all rows</em>: <em>a</em>."),
        ("(*after* <it)", "(after <it)", "(<em>after</em> &lt;it)"),
        ("two *long\nlines*", "two long\nlines", "two <em>long<br>lines</em>"),
        ("as `*x*` says", "as `*x*` says", "as <code>*x*</code> says"),
        ("*not* `a`, *but* b", "not `a`, but b", "not</em> <code>a</code>, <em>but"),
    ],
)
def test_asterisks_are_emphasis_except_in_code(text, plain, page):
    note = Note("hint", "Title", text)
    assert repr(note).endswith(f"\n{plain}")
    assert page in note._repr_html_()


@pytest.mark.parametrize(
    "text",
    ["2 * 3 * 4", "a*b* c", "a *b*c", "* a*", "*a *", "**x**", "f(*args, **named)"],
)
def test_asterisks_that_are_operators_stay(text):
    note = Note("raised", "Title", text)
    assert repr(note).endswith(f"\n{text}")
    assert f"<div>{text}</div>" in note._repr_html_()


@pytest.mark.parametrize(
    ("answer", "expected", "same"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.1, False),
        ((1, 2), np.array([1.0, 2.0]), True),
        ([1, 2], [2, 1], False),
        ([1, 2], [1, 2, 3], False),
        (np.nan, np.nan, False),
        ([1, np.nan], [1, 2], False),
        ("same", "same", True),
        ("same", "valid", False),
        ("1", 1, False),
        (True, True, True),
        (True, 1, True),
        (None, 0, False),
        (np.uint8(3), 5, False),
    ],
)
def test_close_compares_shape_kind_and_values(answer, expected, same):
    assert close(answer, expected) is same


def test_the_tolerance_is_an_absolute_difference():
    assert close(100.4, 100, tolerance=0.5)
    assert not close(100.6, 100, tolerance=0.5)


def test_differences_of_small_integers_do_not_overflow():
    assert not close(np.uint8(0), np.uint8(255), tolerance=2)


def test_a_value_in_place_of_a_function_is_named():
    note = function_exercise().check(8)
    assert note.kind == "wrong"
    assert "a function, `def half(…)`. Yours is a number" in note.text


def test_a_forgotten_return_is_named():
    note = function_exercise().check(typed("def answer(n):\n    n // 2"))
    assert note.kind == "wrong"
    assert "`answer` gives nothing back" in note.text


def test_rows_of_different_lengths_are_not_close():
    assert not close([[1, 2], [3]], [[1, 2], [3, 4]])
