import dataclasses
import pkgutil
import re
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import tutorial_lib.exercises
from tutorial_lib.exercises import Exercise, Mistake, Note, close, diagnose
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
    """The same exercise, not tried by anybody."""
    return dataclasses.replace(exercise)


# Every exercise of every notebook


def test_there_are_exercises():
    assert len(ALL) > 0


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_stub_is_not_attempted(name, exercise):
    given = exercise.example()
    stub = exercise.run(exercise.stub, **given)
    assert fresh(exercise).check(stub, **given).kind == "not attempted"


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_solution_is_right_each_time(name, exercise):
    for _ in range(3):
        given = exercise.example()
        answer = exercise.run(exercise.solution_code, **given)
        note = fresh(exercise).check(answer, **given)
        assert note.kind == "right", note


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_mistake_gets_its_own_hint_each_time(exercise, mistake):
    for _ in range(3):
        given = exercise.example()
        answer = exercise.run(exercise.mistakes[mistake].code, **given)
        note = fresh(exercise).check(answer, **given)
        assert (note.kind, note.text) == ("wrong", exercise.mistakes[mistake].hint)


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_notes_show_no_asterisks_of_markdown(name, exercise):
    texts = [mistake.hint for mistake in exercise.mistakes.values()]
    for text in (*texts, *exercise.hints, exercise.explanation):
        shown = re.sub(r"`[^`]+`", "", repr(Note("hint", exercise.title, text)))
        assert not re.search(r"\*\w|\w\*", shown)


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_exercise_is_complete(name, exercise):
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


# The machinery, on an exercise about a value, a function and a class


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
    """What a learner's cell leaves under a name."""
    return run_code(code, given, title="cell")[name]


@pytest.mark.parametrize("blank", [..., (1, ...), [..., 2], {"a": {"b": ...}}])
def test_blank_in_a_value_is_not_attempted(blank):
    assert value_exercise().check(blank, spacing=10).kind == "not attempted"


@pytest.mark.parametrize(
    "code",
    [
        "def answer(n):\n    return ...",
        "def answer(n):\n    return (n, ...)",
        "def answer(n):\n    side = ...\n    return side + 1",
        "def answer(n):\n    side = ...\n    return side.real",
    ],
)
def test_blank_in_a_function_is_not_attempted(code):
    assert function_exercise().check(typed(code)).kind == "not attempted"


def test_blank_in_a_class_is_not_attempted_and_the_class_stays_as_it_was():
    ruler = typed("class answer:\n    def measure(self, n):\n        return ...")
    before = dict(vars(ruler))
    assert class_exercise().check(ruler).kind == "not attempted"
    assert dict(vars(ruler)) == before


def test_blank_is_seen_through_an_error_that_wraps_it():
    def judge(answer):
        try:
            answer(9)
        except Exception as err:
            raise RuntimeError("Layer failed") from err

    exercise = value_exercise(judge=judge)
    note = exercise.check(typed("def answer(n):\n    return ..."))
    assert note.kind == "not attempted"


def test_blanks_are_no_attempts():
    exercise = value_exercise()
    for answer in (..., (...,), [...]):
        exercise.check(answer, spacing=10)
    assert "3 more different attempts" in exercise.solution().text


def test_error_of_the_learner_is_shown_with_its_line():
    note = function_exercise().check(typed("def answer(n):\n    return n // 0"))
    assert note.kind == "raised"
    assert "`ZeroDivisionError`" in note.text
    assert "Line 2 of the cell: `return n // 0`" in note.text


def test_innermost_line_of_the_learner_is_shown():
    helper = "def helper(n):\n    return n.side\n\n"
    note = function_exercise().check(
        typed(helper + "def answer(n):\n    return helper(n)")
    )
    assert "Line 2 of the cell: `return n.side`" in note.text


def test_error_about_a_value_has_no_line():
    exercise = value_exercise(judge=lambda answer, *, spacing: answer.shape)
    note = exercise.check(3, spacing=10)
    assert note.text == "`AttributeError`: 'int' object has no attribute 'shape'"


def test_right_answer_says_why():
    note = value_exercise().check(160, spacing=10)
    assert (note.kind, note.text) == ("right", "Pixels times spacing.")


def test_unknown_mistake_gets_the_general_hint():
    note = value_exercise().check(3, spacing=10)
    assert note.kind == "wrong"
    assert "`ex.side.hint()`" in note.text


def test_right_classes_and_functions_pass():
    for exercise in (function_exercise(), class_exercise()):
        answer = exercise.run(exercise.solution_code)
        assert exercise.check(answer).kind == "right"


def test_check_does_not_show_the_right_answer():
    exercise = value_exercise()
    notes = [exercise.check(answer, spacing=10) for answer in (16, 3, "a", ...)]
    assert "160" not in "".join(map(repr, notes))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"given nothing. Write `ex.side.check\(…, spacing=spacing\)`"),
        ({"grid": 1}, r"given \['grid'\]. Write"),
        ({"spacing": 10, "grid": 1}, r"given \['grid', 'spacing'\]. Write"),
    ],
)
def test_wrong_given_values_are_refused(given, message):
    with pytest.raises(TypeError, match=message):
        value_exercise().check(160, **given)


def test_answer_without_given_values_is_refused():
    with pytest.raises(TypeError, match=r"Write `ex.side.answer\(spacing=spacing\)`"):
        value_exercise().answer()


# Hints and solutions


def test_hints_come_one_after_the_other_and_the_last_one_stays():
    exercise = value_exercise()
    texts = [exercise.hint().text for _ in range(4)]
    assert texts == [
        "(1 of 3) vague",
        "(2 of 3) clearer",
        "(3 of 3) nearly there",
        "(3 of 3) nearly there",
    ]


def test_hint_by_number_does_not_move_on():
    exercise = value_exercise()
    assert exercise.hint(2).text == "(2 of 3) clearer"
    assert exercise.hint().text == "(1 of 3) vague"


@pytest.mark.parametrize("number", [0, 4])
def test_hint_that_does_not_exist_is_refused(number):
    with pytest.raises(ValueError, match=f"no hint {number}. Ask for 1 to 3"):
        value_exercise().hint(number)


def test_solution_opens_after_three_different_attempts():
    exercise = value_exercise()
    for answer in (1, 1, 1, 2):
        exercise.check(answer, spacing=10)
    note = exercise.solution()
    assert (note.kind, note.code) == ("locked", "")
    assert "1 more attempt." in note.text
    exercise.check(3, spacing=10)
    assert exercise.solution().code == "side_m = 16 * spacing"


def test_solution_opens_after_passing():
    exercise = value_exercise()
    exercise.check(160, spacing=10)
    assert exercise.solution().kind == "solution"


def test_functions_and_classes_count_as_new_attempts_when_their_code_changes():
    for exercise, code in (
        (function_exercise(), "def answer(n):\n    return {}"),
        (
            class_exercise(),
            "class answer:\n    def measure(self, n):\n        return {}",
        ),
    ):
        for number in (1, 1, 1, 2):
            exercise.check(typed(code.format(number)))
        assert "1 more attempt." in exercise.solution().text


# What the notebook goes on with


def test_notebook_goes_on_with_the_reference_until_the_answer_passes(capsys):
    exercise = value_exercise()
    exercise.check(3, spacing=10)
    assert exercise.answer(spacing=10) == 160
    assert capsys.readouterr().out == (
        "side_m: the kit's reference, until your answer passes\n"
    )


def test_notebook_goes_on_with_the_answer_that_passed(capsys):
    exercise = class_exercise()
    own = typed("class answer:\n    def measure(self, n):\n        return n * 10")
    exercise.check(own)
    exercise.check(typed("class answer:\n    def measure(self, n):\n        return 1"))
    assert exercise.answer() is own
    assert capsys.readouterr().out == "Ruler: your own answer\n"


def test_reference_knows_its_imports_and_the_given_values_only():
    exercise = value_exercise(
        imports="import math", solution_code="side_m = math.floor(16.5) * spacing"
    )
    assert exercise.answer(spacing=10) == 160
    with pytest.raises(NameError, match="numpy"):
        exercise.run("side_m = numpy.floor(16.5)", spacing=10)


def test_cell_holds_the_code_and_its_check():
    exercise = value_exercise()
    assert exercise.cell() == "side_m = ...\n\nex.side.check(side_m, spacing=spacing)"
    assert exercise.cell(solved=True).startswith("side_m = 16 * spacing\n")


# Notes and comparing


def test_note_carries_its_meaning_in_words_and_escapes_html():
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
def test_emphasis_is_marked_and_code_is_left_alone(text, plain, page):
    note = Note("hint", "Title", text)
    assert repr(note).endswith(f"\n{plain}")
    assert page in note._repr_html_()


@pytest.mark.parametrize(
    "text",
    ["2 * 3 * 4", "a*b* c", "a *b*c", "* a*", "*a *", "**x**", "f(*args, **named)"],
)
def test_asterisks_that_are_signs_stay(text):
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
        (True, 1, False),
        (None, 0, False),
        (np.uint8(3), 5, False),
    ],
)
def test_close_compares_shape_kind_and_values(answer, expected, same):
    assert close(answer, expected) is same


def test_tolerance_is_a_difference_in_the_unit_of_the_answer():
    assert close(100.4, 100, tolerance=0.5)
    assert not close(100.6, 100, tolerance=0.5)


def test_small_integers_do_not_wrap_around():
    assert not close(np.uint8(0), np.uint8(255), tolerance=2)


FUNCTION = Exercise(
    name="double",
    title="Twice",
    question="Double it.",
    answer_name="double",
    stub="def double(n):\n    return ...",
    solution_code="def double(n):\n    return 2 * n",
    judge=lambda answer: diagnose(answer(4), right=8, likely={}),
    mistakes={},
    hints=("Twice.",),
)


def test_a_value_for_a_function_is_named_as_such():
    note = FUNCTION.check(8)
    assert note.kind == "wrong"
    assert "a function, `def double(…)`. Yours is of the type `int`" in note.text


def test_a_forgotten_return_is_named_as_such():
    note = FUNCTION.check(FUNCTION.run("def double(n):\n    2 * n"))
    assert note.kind == "wrong"
    assert "`double` gives nothing back" in note.text


def test_rows_of_different_lengths_are_not_close():
    assert not close([[1, 2], [3]], [[1, 2], [3, 4]])
